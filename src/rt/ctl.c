/* SPDX-License-Identifier: MIT */
#include "rt/ctl.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#if HEPH_CTL
#include "rt/ctl_client.h"
#endif
#include "rt/thread.h"

static const char *place_of(const struct heph_runtime *runtime)
{
	const char *place = secure_getenv("HEPH_CONTROL");

	return place ? place : runtime->heph.config.control;
}

#if HEPH_CTL

/* After the table of descriptors was full, so long until the next look. */
enum { FULL_MS = 100 };

static void tell(struct heph_ctl *ctl)
{
	uint64_t one = 1;
	ssize_t n = write(ctl->event, &one, sizeof(one));

	(void)n;
}

static void heard(struct heph_ctl *ctl)
{
	uint64_t value;
	ssize_t n = read(ctl->event, &value, sizeof(value));

	(void)n;
}

/* ---- clients ----------------------------------------------------------------------- */

static void *serve(void *arg)
{
	struct heph_ctl_client *client = arg;
	struct heph_runtime *runtime = client->runtime;

	heph_thread_name(runtime->heph.config.name, "/ctl");
	heph_ctl_client_serve(client);
	/* The other end shall see it at once, though it is closed later. */
	shutdown(client->fd, SHUT_RDWR);
	atomic_store(&client->ended, true);
	tell(runtime->ctl);
	return NULL;
}

static void refuse(int fd, const char *why)
{
	char text[160];
	int n = snprintf(
		text, sizeof(text),
		"{\"error\":{\"code\":\"EAGAIN\",\"message\":\"%s\"}}\n", why);

	if (send(fd, text, (size_t)n, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
		heph_log_debug("a client of the control socket is gone");
	close(fd);
}

static int start_client(struct heph_ctl *ctl, int fd,
			struct heph_ctl_client **ret_client)
{
	struct heph_ctl_client *client = heph_mem_alloc(sizeof(*client));
	int err;

	if (!client)
		return -ENOMEM;
	client->runtime = ctl->runtime;
	client->fd = fd;
	client->patience = ctl->patience;
	err = heph_thread_start(&client->thread, serve, client);
	if (err < 0) {
		heph_mem_free(client);
		return err;
	}
	*ret_client = client;
	return 0;
}

static void let_in(struct heph_ctl *ctl, int fd)
{
	for (int n = 0; n < HEPH_CTL_CLIENTS; n++)
		if (!ctl->clients[n]) {
			if (start_client(ctl, fd, &ctl->clients[n]) < 0)
				refuse(fd, "no memory, or no more threads");
			return;
		}
	refuse(fd, "there are 32 clients already");
}

static void end_client(struct heph_ctl_client **client)
{
	pthread_join((*client)->thread, NULL);
	close((*client)->fd);
	heph_mem_free(*client);
	*client = NULL;
}

static void end_those_that_ended(struct heph_ctl *ctl)
{
	for (int n = 0; n < HEPH_CTL_CLIENTS; n++)
		if (ctl->clients[n] && atomic_load(&ctl->clients[n]->ended))
			end_client(&ctl->clients[n]);
}

static void end_all(struct heph_ctl *ctl)
{
	for (int n = 0; n < HEPH_CTL_CLIENTS; n++)
		if (ctl->clients[n])
			shutdown(ctl->clients[n]->fd, SHUT_RDWR);
	for (int n = 0; n < HEPH_CTL_CLIENTS; n++)
		if (ctl->clients[n])
			end_client(&ctl->clients[n]);
}

/* ---- the thread ---------------------------------------------------------------------- */

/* Returns how long to leave the socket alone; -1: not at all. */
static int accept_all(struct heph_ctl *ctl)
{
	int fd;

	while (!atomic_load(&ctl->quit)) {
		fd = heph_ctl_socket_accept(&ctl->socket);
		if (fd >= 0)
			let_in(ctl, fd);
		else if (fd == -EAGAIN)
			return -1;
		else if (fd != -EPERM)
			return FULL_MS;
	}
	return -1;
}

static void *listen_to(void *arg)
{
	struct heph_ctl *ctl = arg;
	struct pollfd fds[2] = { { .fd = ctl->event, .events = POLLIN },
				 { .fd = ctl->socket.fd, .events = POLLIN } };
	int pause = -1;

	heph_thread_name(ctl->runtime->heph.config.name, "/ctl");
	while (!atomic_load(&ctl->quit)) {
		fds[1].revents = 0;
		if (poll(fds, pause < 0 ? 2 : 1, pause) > 0 && fds[0].revents)
			heard(ctl);
		end_those_that_ended(ctl);
		pause = accept_all(ctl);
	}
	end_all(ctl);
	return NULL;
}

/* ---- start and end --------------------------------------------------------------------- */

static int start(struct heph_ctl *ctl, const char *place)
{
	int err = heph_ctl_socket_open(&ctl->socket, place,
				       ctl->runtime->heph.config.name);

	if (err < 0)
		return err;
	ctl->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (ctl->event < 0) {
		err = -errno;
		goto fail_event;
	}
	err = heph_thread_start(&ctl->thread, listen_to, ctl);
	if (err < 0)
		goto fail_thread;
	return 0;

fail_thread:
	close(ctl->event);
fail_event:
	heph_ctl_socket_close(&ctl->socket);
	return err;
}

int heph_ctl_start(struct heph_runtime *runtime)
{
	const char *place = place_of(runtime);
	struct heph_ctl *ctl;
	int err;

	if (heph_ctl_socket_off(place))
		return 0;
	ctl = heph_mem_alloc(sizeof(*ctl));
	if (!ctl)
		return -ENOMEM;
	ctl->runtime = runtime;
	ctl->patience = HEPH_CTL_PATIENCE;
	runtime->ctl = ctl;
	err = start(ctl, place);
	if (err < 0) {
		runtime->ctl = NULL;
		heph_mem_free(ctl);
		return err;
	}
	heph_log_debug("control socket", HEPH_KV_STR("path", ctl->socket.path));
	return 0;
}

void heph_ctl_stop(struct heph_runtime *runtime)
{
	struct heph_ctl *ctl = runtime->ctl;

	if (!ctl)
		return;
	atomic_store(&ctl->quit, true);
	tell(ctl);
	pthread_join(ctl->thread, NULL);
	heph_ctl_socket_close(&ctl->socket);
	close(ctl->event);
	runtime->ctl = NULL;
	heph_mem_free(ctl);
}

#else

int heph_ctl_start(struct heph_runtime *runtime)
{
	const char *place = place_of(runtime);

	if (heph_ctl_socket_off(place))
		return 0;
	heph_log_error("this library was built without the control socket",
		       HEPH_KV_STR("control", place));
	return -EOPNOTSUPP;
}

void heph_ctl_stop(struct heph_runtime *runtime)
{
}

#endif
