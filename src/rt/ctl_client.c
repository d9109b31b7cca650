/* SPDX-License-Identifier: MIT */
#if HEPH_CTL

#include "rt/ctl_client.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* ---- writing ---------------------------------------------------------------------- */

/* Waits until a byte can be written. */
static bool wait_for_room(struct heph_ctl_client *client)
{
	struct pollfd fd = { .fd = client->fd, .events = POLLOUT };
	int n = poll(&fd, 1, (int)(client->patience / HEPH_MSEC));

	return n == 1 || (n < 0 && errno == EINTR);
}

void heph_ctl_client_flush(struct heph_ctl_client *client)
{
	size_t done = 0;
	ssize_t n;

	while (!client->gone && done < client->n_out) {
		n = send(client->fd, client->out + done, client->n_out - done,
			 MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n >= 0)
			done += (size_t)n;
		else if (errno == EAGAIN)
			client->gone = !wait_for_room(client);
		else if (errno != EINTR)
			client->gone = true;
	}
	client->n_out = 0;
}

static int put(const char *data, size_t size, void *arg)
{
	struct heph_ctl_client *client = arg;
	size_t n;

	while (size && !client->gone) {
		n = sizeof(client->out) - client->n_out;
		n = n < size ? n : size;
		memcpy(client->out + client->n_out, data, n);
		client->n_out += n;
		data += n;
		size -= n;
		if (client->n_out == sizeof(client->out))
			heph_ctl_client_flush(client);
	}
	return client->gone ? -1 : 0;
}

bool heph_ctl_client_send(struct heph_ctl_client *client, json_t *line)
{
	if (!line ||
	    (client->id && json_object_set(line, "id", client->id) < 0) ||
	    json_dump_callback(line, put, client, JSON_COMPACT) < 0)
		client->gone = true; /* half a line is of no use */
	json_decref(line);
	put("\n", 1, client);
	return !client->gone;
}

/* ---- requests ---------------------------------------------------------------------- */

static const char *code_of(int err)
{
	const char *name = strerrorname_np(-err);

	return name ? name : "EIO";
}

static void send_error(struct heph_ctl_client *client,
		       const struct heph_ctl_error *error)
{
	heph_ctl_client_send(client, json_pack("{s:{s:s, s:s}}", "error",
					       "code", code_of(error->err),
					       "message", error->text));
}

static bool blank(const char *line, size_t size)
{
	return strspn(line, " \t\r") >= size;
}

/* Answers one line, which has an end after its `size` bytes. */
static void answer(struct heph_ctl_client *client, const char *line,
		   size_t size)
{
	struct heph_ctl_request request;
	struct heph_ctl_error error;
	int err;

	if (blank(line, size))
		return;
	err = heph_ctl_request_parse(&request, &error, line, size);
	client->id = request.id;
	if (err == 0)
		err = heph_ctl_answer(client, &request, &error);
	if (err < 0)
		send_error(client, &error);
	client->id = NULL;
	heph_ctl_request_fini(&request);
	heph_ctl_client_flush(client);
}

static void refuse_long(struct heph_ctl_client *client)
{
	struct heph_ctl_error error;

	if (!client->skipping) {
		heph_ctl_fail(&error, -EMSGSIZE,
			      "a request is longer than %d bytes",
			      HEPH_CTL_LINE_MAX - 1);
		send_error(client, &error);
		heph_ctl_client_flush(client);
	}
	client->skipping = true;
	client->n_in = 0;
}

/* Answers all whole lines, and keeps the rest. */
static void answer_lines(struct heph_ctl_client *client)
{
	char *line = client->in, *end = line + client->n_in, *stop;

	while (!client->gone &&
	       (stop = memchr(line, '\n', (size_t)(end - line)))) {
		*stop = '\0';
		if (!client->skipping)
			answer(client, line, (size_t)(stop - line));
		client->skipping = false;
		line = stop + 1;
	}
	client->n_in = (size_t)(end - line);
	memmove(client->in, line, client->n_in);
	if (client->n_in == sizeof(client->in))
		refuse_long(client);
}

void heph_ctl_client_serve(struct heph_ctl_client *client)
{
	ssize_t n;

	while (!client->gone) {
		n = recv(client->fd, client->in + client->n_in,
			 sizeof(client->in) - client->n_in, 0);
		if (n > 0) {
			client->n_in += (size_t)n;
			answer_lines(client);
		} else if (n == 0 || errno != EINTR) {
			client->gone = true;
		}
	}
}

#endif
