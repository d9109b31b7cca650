/* SPDX-License-Identifier: MIT */
#if HEPH_CTL

#include "ask.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "exits.h"
#include "text.h"

/* Seconds; bytes to read at once; of a line. */
enum { PATIENCE = 30, CHUNK = 65536, LONGEST = 1 << 24 };

/* ---- the connection ----------------------------------------------------------------- */

static int connect_to(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	const struct timeval patience = { .tv_sec = PATIENCE };
	int err, fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
		return fd;
	err = -errno;
	close(fd);
	return err;
}

int ask_open(struct ask *ask, const struct target *target)
{
	int code;

	*ask = (struct ask){ .fd = -1 };
	code = find(ask->path, target);
	if (code)
		return code;
	ask->fd = connect_to(ask->path);
	return ask->fd < 0 ? find_complain(ask->path, -ask->fd) : 0;
}

void ask_close(struct ask *ask)
{
	if (ask->fd >= 0)
		close(ask->fd);
	free(ask->data);
	ask->data = NULL;
	ask->fd = -1;
}

/* `n` is what a system call has returned. */
static int lost(struct ask *ask, ssize_t n)
{
	const char *why = "it has ended";

	if (n < 0 && errno == EAGAIN)
		why = "it does not answer; is it stopped, or stuck in a debugger?";
	else if (n < 0 && errno != EPIPE && errno != ECONNRESET)
		why = strerror(errno);
	if (!ask->quiet)
		fprintf(stderr, "heph: %s: %s\n", ask->path, why);
	return EXIT_NONE;
}

static int send_all(struct ask *ask, const char *data, size_t size)
{
	ssize_t n;

	while (size) {
		n = send(ask->fd, data, size, MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return lost(ask, n);
		data += n;
		size -= (size_t)n;
	}
	return 0;
}

static int send_request(struct ask *ask, json_t *request)
{
	char *text = request ? json_dumps(request, JSON_COMPACT) : NULL;
	size_t size = text ? strlen(text) : 0;
	int code;

	json_decref(request);
	if (!text) {
		fprintf(stderr, "heph: the request is no text in UTF-8\n");
		return EXIT_USAGE;
	}
	text[size] = '\n'; /* instead of its end */
	code = send_all(ask, text, size + 1);
	free(text);
	return code;
}

/* ---- lines ----------------------------------------------------------------------------- */

static int more(struct ask *ask)
{
	ssize_t n;

	memmove(ask->data, ask->data + ask->at, ask->n - ask->at);
	ask->n -= ask->at;
	ask->at = 0;
	if (ask->n > LONGEST) {
		fprintf(stderr, "heph: %s: that is no control socket\n",
			ask->path);
		return EXIT_NONE;
	}
	if (ask->size - ask->n < CHUNK) {
		ask->size = 2 * ask->size + CHUNK;
		ask->data = realloc(ask->data, ask->size);
		if (!ask->data)
			abort(); /* there is nothing that we could do */
	}
	do
		n = recv(ask->fd, ask->data + ask->n, CHUNK, 0);
	while (n < 0 && errno == EINTR);
	if (n <= 0)
		return lost(ask, n);
	ask->n += (size_t)n;
	return 0;
}

/* The next line; NULL: `ret_code`. */
static json_t *next(struct ask *ask, int *ret_code)
{
	size_t looked = ask->at;
	json_t *line;
	char *end = NULL;

	for (;;) {
		if (ask->n > looked)
			end = memchr(ask->data + looked, '\n', ask->n - looked);
		if (end)
			break;
		looked = ask->n - ask->at;
		*ret_code = more(ask);
		if (*ret_code)
			return NULL;
	}
	line = json_loadb(ask->data + ask->at,
			  (size_t)(end - ask->data) - ask->at, 0, NULL);
	ask->at = (size_t)(end + 1 - ask->data);
	if (line)
		return line;
	fprintf(stderr, "heph: %s: that is no control socket\n", ask->path);
	*ret_code = EXIT_NONE;
	return NULL;
}

static int refused(const json_t *error)
{
	const char *text = json_string_value(json_object_get(error, "message"));

	fputs("heph: ", stderr);
	text_print(stderr, text ? text : "it says no", 0);
	fputc('\n', stderr);
	return EXIT_REFUSED;
}

int ask(struct ask *ask, json_t *request, ask_fn *fn, void *arg)
{
	int code = send_request(ask, request);
	bool last = false;
	json_t *line;

	while (code == 0 && !last) {
		line = next(ask, &code);
		if (!line)
			break;
		last = json_is_true(json_object_get(line, "done"));
		if (json_object_get(line, "error"))
			code = refused(json_object_get(line, "error"));
		else
			fn(arg, line);
		json_decref(line);
	}
	return code;
}

static void keep(void *arg, json_t *line)
{
	json_t **kept = arg;

	json_decref(*kept);
	*kept = json_incref(line);
}

json_t *ask_once(struct ask *it, json_t *request, int *ret_code)
{
	json_t *line = NULL;

	*ret_code = ask(it, request, keep, &line);
	if (*ret_code) {
		json_decref(line);
		return NULL;
	}
	return line;
}

#endif
