/* SPDX-License-Identifier: MIT */
#include "base/logout.h"

#include "base/clock.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int connect_to(int fd, const struct sockaddr_un *address)
{
	const struct sockaddr *any = (const void *)address;

	return connect(fd, any, sizeof(*address)) < 0 ? -errno : 0;
}

int heph_logout_open_journal(struct heph_logout *out, const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd, err;

	if (!path)
		path = "/run/systemd/journal/socket";
	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	memcpy(address.sun_path, path, strlen(path) + 1);
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	err = connect_to(fd, &address);
	if (err < 0) {
		close(fd);
		return err;
	}
	if (out->socket > 0)
		close(out->socket);
	out->socket = fd;
	out->address = address;
	atomic_store(&out->journal, true);
	return 0;
}

/* Waits until `fd` takes more. Returns 0, -ETIME, or an error. */
static int wait_writable(int fd, heph_time deadline)
{
	struct pollfd poll_fd = { .fd = fd, .events = POLLOUT };
	heph_time left;
	int n, timeout;

	do {
		timeout = -1;
		if (deadline < HEPH_NEVER) {
			left = deadline - heph_clock_now();
			if (left < 0)
				left = 0;
			timeout = (int)((left + HEPH_MSEC - 1) / HEPH_MSEC);
		}
		n = poll(&poll_fd, 1, timeout);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	/* Errors and hang-ups are told by the write. */
	return n == 0 ? -ETIME : 0;
}

/* Looks first whether there is room: the descriptor, which others use as well,
 * may block, and we must not put it into another mode. */
static int write_fd(int fd, const char *text, size_t len, heph_time deadline)
{
	size_t done = 0;
	ssize_t n;
	int err;

	while (done < len) {
		err = wait_writable(fd, deadline);
		if (err == -ETIME && done > 0)
			return -EIO; /* half of it is out */
		if (err < 0)
			return err;
		n = write(fd, text + done, len - done);
		if (n < 0 && errno != EINTR && errno != EAGAIN)
			return -errno;
		if (n > 0)
			done += (size_t)n;
	}
	return 0;
}

/* The journal was restarted, and listens again under the same name. */
static bool is_gone(int err)
{
	return err == -ECONNREFUSED || err == -ENOTCONN || err == -ECONNRESET;
}

static int send_once(int fd, const struct heph_logslot *line)
{
	ssize_t n =
		send(fd, line->text, line->len, MSG_NOSIGNAL | MSG_DONTWAIT);

	return n < 0 ? -errno : 0;
}

static int send_journal(struct heph_logout *out,
			const struct heph_logslot *line, heph_time deadline)
{
	int err;

	do {
		err = send_once(out->socket, line);
		if (is_gone(err) && connect_to(out->socket, &out->address) == 0)
			err = send_once(out->socket, line);
		if (err == -EAGAIN && wait_writable(out->socket, deadline) < 0)
			return -ETIME;
	} while (err == -EAGAIN || err == -EINTR);
	return err;
}

int heph_logout_write(struct heph_logout *out, const struct heph_logslot *line,
		      heph_time deadline)
{
	heph_log_fn fn = atomic_load(&out->fn);

	if (line->journal)
		return send_journal(out, line, deadline);
	if (fn) {
		fn((enum heph_log_level)line->level, line->text, line->len);
		return 0;
	}
	return write_fd(atomic_load(&out->fd), line->text, line->len, deadline);
}
