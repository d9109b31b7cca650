/* SPDX-License-Identifier: MIT */
/*
 * The protocol is assignments in one datagram, so there is nothing that libsystemd
 * would do better, and it would block: here an actor waits for room in the
 * socket as for everything else, with its deadline.
 */
#include <heph/systemd.h>

#include <heph/address.h>
#include <heph/io.h>
#include <heph/socket.h>
#include <heph/socket_msg.h>
#include <heph/time.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fmt.h"
#include "base/log.h"

enum {
	NOTIFY_MAX = 4000, /* systemd takes 4,096 */
	NAME_MAX_BYTES = 255,
	LINE_MAX_BYTES = 128, /* of all that is no status */
};

/* ---- the environment ------------------------------------------------------------ */

/* A decimal number above 0 and up to `max`; else -EINVAL. */
static int64_t parse(const char *text, int64_t max)
{
	long long number;
	char *end;

	if (*text < '0' || *text > '9')
		return -EINVAL;
	errno = 0;
	number = strtoll(text, &end, 10);
	return errno || *end || number < 1 || number > max ? -EINVAL : number;
}

/* Whether the watchdog is for this process. */
static bool is_for_us(void)
{
	const char *pid = getenv("WATCHDOG_PID");

	return !pid || parse(pid, INT32_MAX) == getpid();
}

static heph_time watchdog_time(void)
{
	const char *text = getenv("WATCHDOG_USEC");
	int64_t us;

	if (!text || !is_for_us())
		return 0;
	us = parse(text, HEPH_NEVER / HEPH_USEC);
	if (us > 0)
		return us * HEPH_USEC;
	heph_log_warn("WATCHDOG_USEC is no number of microseconds: there is no "
		      "watchdog",
		      HEPH_KV_STR("value", text));
	return 0;
}

/* ---- the connection --------------------------------------------------------------- */

static int address_of(const char *path, struct heph_address *ret_address)
{
	char text[HEPH_ADDRESS_MAX];
	struct heph_fmt fmt;

	if (strncmp(path, "vsock:", 6) == 0)
		return -EAFNOSUPPORT;
	if (path[0] != '/' && path[0] != '@')
		return -EINVAL;
	heph_fmt_init(&fmt, text, sizeof(text));
	heph_fmt_str(&fmt, "unix:");
	heph_fmt_str(&fmt, path);
	return fmt.cut ? -ENAMETOOLONG : heph_address_parse(ret_address, text);
}

int heph_systemd_connect(heph_ctx ctx, const char *path,
			 struct heph_systemd *ret_systemd)
{
	struct heph_systemd made = { .watchdog = 0 };
	struct heph_address address;
	int err = address_of(path, &address);

	*ret_systemd = made;
	if (err == 0)
		err = heph_socket_open(ctx, AF_UNIX, SOCK_DGRAM, 0, &made.fd);
	if (err < 0)
		return err;
	err = heph_socket_connect(ctx, made.fd, &address);
	if (err < 0)
		heph_close(made.fd);
	else
		*ret_systemd = made;
	return err;
}

int heph_systemd_open(heph_ctx ctx, struct heph_systemd *ret_systemd)
{
	const char *path = getenv("NOTIFY_SOCKET");
	int err;

	*ret_systemd = (struct heph_systemd){ .watchdog = 0 };
	if (!path || !*path)
		return 0;
	err = heph_systemd_connect(ctx, path, ret_systemd);
	if (err < 0)
		return err;
	ret_systemd->watchdog = watchdog_time();
	return 1;
}

static bool is_open(const struct heph_systemd *systemd)
{
	return systemd->fd.turn != 0;
}

void heph_systemd_close(heph_ctx ctx, struct heph_systemd *systemd)
{
	(void)ctx;
	heph_close(systemd->fd);
	*systemd = (struct heph_systemd){ .watchdog = 0 };
}

/* ---- sending ------------------------------------------------------------------------ */

/* With a descriptor, { 0 }: none. */
static int send_text(heph_ctx ctx, const struct heph_systemd *systemd,
		     const char *text, size_t size, heph_fd fd)
{
	const struct iovec iov = { (void *)(uintptr_t)text, size };
	const struct heph_socket_msg msg = {
		.iov = &iov,
		.n_iov = 1,
		.fds = &fd,
		.n_fds = fd.turn ? 1 : 0,
	};
	int n;

	if (!is_open(systemd))
		return 0;
	n = heph_socket_sendmsg(ctx, systemd->fd, &msg, 0);
	return n < 0 ? n : 0;
}

static int send_fmt(heph_ctx ctx, const struct heph_systemd *systemd,
		    const struct heph_fmt *fmt)
{
	return send_text(ctx, systemd, fmt->buf, fmt->len, (heph_fd){ 0 });
}

/* "NAME=value\n" */
static int send_number(heph_ctx ctx, const struct heph_systemd *systemd,
		       const char *name, uint64_t value)
{
	char text[LINE_MAX_BYTES];
	struct heph_fmt fmt;

	heph_fmt_init(&fmt, text, sizeof(text));
	heph_fmt_str(&fmt, name);
	heph_fmt_uint(&fmt, value);
	heph_fmt_char(&fmt, '\n');
	return send_fmt(ctx, systemd, &fmt);
}

/* How much of a status is told: the manager takes no half characters. */
static size_t length_of(const char *status)
{
	size_t len = strnlen(status, HEPH_SYSTEMD_STATUS_MAX);

	if (len < HEPH_SYSTEMD_STATUS_MAX)
		return len;
	len--;
	while (len > 0 && ((unsigned char)status[len] & 0xc0) == 0x80)
		len--;
	return len;
}

static void append_status(struct heph_fmt *fmt, const char *status)
{
	size_t len = length_of(status);

	heph_fmt_str(fmt, "STATUS=");
	for (size_t i = 0; i < len; i++)
		heph_fmt_char(fmt, status[i] == '\n' || status[i] == '\r' ?
					   ' ' :
					   status[i]);
	heph_fmt_char(fmt, '\n');
}

/* ---- what there is to tell ------------------------------------------------------------ */

int heph_systemd_state(heph_ctx ctx, const struct heph_systemd *systemd,
		       enum heph_systemd_state state, const char *status)
{
	static const char *const words[] = {
		[HEPH_SYSTEMD_READY] = "READY=1\n",
		[HEPH_SYSTEMD_RELOADING] = "RELOADING=1\n",
		[HEPH_SYSTEMD_STOPPING] = "STOPPING=1\n",
	};
	char text[LINE_MAX_BYTES + HEPH_SYSTEMD_STATUS_MAX];
	struct heph_fmt fmt;

	if ((unsigned)state > HEPH_SYSTEMD_STOPPING)
		return -EINVAL;
	heph_fmt_init(&fmt, text, sizeof(text));
	heph_fmt_str(&fmt, words[state]);
	if (state == HEPH_SYSTEMD_RELOADING) {
		heph_fmt_str(&fmt, "MONOTONIC_USEC=");
		heph_fmt_uint(&fmt, (uint64_t)(heph_now() / HEPH_USEC));
		heph_fmt_char(&fmt, '\n');
	}
	if (status)
		append_status(&fmt, status);
	return send_fmt(ctx, systemd, &fmt);
}

int heph_systemd_status(heph_ctx ctx, const struct heph_systemd *systemd,
			const char *status)
{
	char text[LINE_MAX_BYTES + HEPH_SYSTEMD_STATUS_MAX];
	struct heph_fmt fmt;

	heph_fmt_init(&fmt, text, sizeof(text));
	append_status(&fmt, status);
	return send_fmt(ctx, systemd, &fmt);
}

int heph_systemd_errno(heph_ctx ctx, const struct heph_systemd *systemd,
		       int err)
{
	return send_number(ctx, systemd,
			   "ERRNO=", err < 0 ? -(uint64_t)err : (uint64_t)err);
}

int heph_systemd_extend(heph_ctx ctx, const struct heph_systemd *systemd,
			heph_time length)
{
	if (length < HEPH_USEC)
		return -EINVAL;
	return send_number(ctx, systemd, "EXTEND_TIMEOUT_USEC=",
			   (uint64_t)(length / HEPH_USEC));
}

int heph_systemd_main_pid(heph_ctx ctx, const struct heph_systemd *systemd,
			  pid_t pid)
{
	return pid < 1 ? -EINVAL :
			 send_number(ctx, systemd, "MAINPID=", (uint64_t)pid);
}

int heph_systemd_ping(heph_ctx ctx, const struct heph_systemd *systemd)
{
	return heph_systemd_notify(ctx, systemd, "WATCHDOG=1\n");
}

int heph_systemd_trigger(heph_ctx ctx, const struct heph_systemd *systemd)
{
	return heph_systemd_notify(ctx, systemd, "WATCHDOG=trigger\n");
}

int heph_systemd_notify(heph_ctx ctx, const struct heph_systemd *systemd,
			const char *assignments)
{
	size_t size = strnlen(assignments, NOTIFY_MAX + 1);

	if (size > NOTIFY_MAX)
		return -EMSGSIZE;
	return send_text(ctx, systemd, assignments, size, (heph_fd){ 0 });
}

/* The manager closes its end of the pipe when it comes to the message. */
int heph_systemd_barrier(heph_ctx ctx, const struct heph_systemd *systemd)
{
	static const char text[] = "BARRIER=1\n";
	heph_fd ends[2];
	char unused;
	int err;

	if (!is_open(systemd))
		return 0;
	err = heph_pipe(ctx, ends, 0);
	if (err < 0)
		return err;
	err = send_text(ctx, systemd, text, sizeof(text) - 1, ends[1]);
	heph_close(ends[1]);
	if (err == 0)
		err = heph_read(ctx, ends[0], &unused, sizeof(unused));
	heph_close(ends[0]);
	return err;
}

/* ---- descriptors ------------------------------------------------------------------------ */

static bool is_name(const char *name)
{
	size_t len = strnlen(name, NAME_MAX_BYTES + 1);

	for (size_t i = 0; i < len; i++)
		if (name[i] < ' ' || name[i] > '~' || name[i] == ':')
			return false;
	return len > 0 && len <= NAME_MAX_BYTES;
}

int heph_systemd_store(heph_ctx ctx, const struct heph_systemd *systemd,
		       heph_fd fd, const char *name, unsigned flags)
{
	char text[LINE_MAX_BYTES + NAME_MAX_BYTES];
	struct heph_fmt fmt;

	if (!is_name(name) || (flags & ~HEPH_SYSTEMD_KEEP))
		return -EINVAL;
	if (!fd.turn)
		return -EBADF;
	heph_fmt_init(&fmt, text, sizeof(text));
	heph_fmt_str(&fmt, "FDSTORE=1\nFDNAME=");
	heph_fmt_str(&fmt, name);
	heph_fmt_str(&fmt, flags & HEPH_SYSTEMD_KEEP ? "\nFDPOLL=0\n" : "\n");
	return send_text(ctx, systemd, fmt.buf, fmt.len, fd);
}

int heph_systemd_unstore(heph_ctx ctx, const struct heph_systemd *systemd,
			 const char *name)
{
	char text[LINE_MAX_BYTES + NAME_MAX_BYTES];
	struct heph_fmt fmt;

	if (!is_name(name))
		return -EINVAL;
	heph_fmt_init(&fmt, text, sizeof(text));
	heph_fmt_str(&fmt, "FDSTOREREMOVE=1\nFDNAME=");
	heph_fmt_str(&fmt, name);
	heph_fmt_char(&fmt, '\n');
	return send_fmt(ctx, systemd, &fmt);
}
