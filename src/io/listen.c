/* SPDX-License-Identifier: MIT */
/* Sockets that listen. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <heph/time.h>

#include "base/log.h"
#include "core/misuse.h"
#include "io/net.h"
#include "io/socket.h"

/* Besides HEPH_FILE_...: of ":80". */
enum { FOR_ALL = 1 << 16 };

enum { LOCK_TRIES = 50 }; /* a millisecond each */

/* Options of TCP; ":80" is for IPv6 and IPv4. */
static int set_options(struct heph_self *self, int number, unsigned flags)
{
	int err =
		heph_socket_set_int(self, number, SOL_SOCKET, SO_REUSEADDR, 1);

	if (err == 0 && (flags & HEPH_FILE_SHARED))
		err = heph_socket_set_int(self, number, SOL_SOCKET,
					  SO_REUSEPORT, 1);
	if (err == 0)
		err = heph_socket_set_int(self, number, IPPROTO_TCP,
					  TCP_NODELAY, 1);
	if (err == 0 && (flags & FOR_ALL))
		err = heph_socket_set_int(self, number, IPPROTO_IPV6,
					  IPV6_V6ONLY, 0);
	return err;
}

/* A socket that listens; or an error. */
static int open_listener(heph_ctx ctx, const struct heph_address *address,
			 unsigned flags)
{
	int number = heph_net_open_stream(ctx, address, flags), err = 0;

	if (number < 0)
		return number;
	if (heph_address_inet(address))
		err = set_options(ctx.self, number, flags);
	if (err == 0)
		err = heph_socket_bind_to(ctx.self, number, address);
	if (err == 0)
		err = heph_socket_listen_now(ctx.self, number, SOMAXCONN);
	if (err == 0)
		return number;
	heph_op_close_now(ctx.self->thread->heph, number);
	return err;
}

/* Sockets that share a port would share it with other programs as well, and
 * nobody would notice: so first see whether the port is free. */
static int check_free(heph_ctx ctx, const struct heph_address *address,
		      unsigned flags)
{
	int number = open_listener(ctx, address, flags & FOR_ALL);

	if (number < 0)
		return number;
	heph_op_close_now(ctx.self->thread->heph, number);
	return 0;
}

static unsigned listener_flags(heph_ctx ctx, bool share)
{
	unsigned flags = HEPH_FILE_SOCKET | HEPH_FILE_LISTENER;

	if (share)
		flags |= HEPH_FILE_SHARED;
	return heph_net_by_readiness(ctx) ? flags | HEPH_FILE_NONBLOCK : flags;
}

/* Whether that is a socket which nobody has any more. One for datagrams asks: it
 * hears at once, and whoever listens there (-EPROTOTYPE) does not notice. */
static bool is_left_behind(const struct sockaddr_un *name, socklen_t size)
{
	struct stat stat;
	int number, err = 0;

	if (lstat(name->sun_path, &stat) < 0 || !S_ISSOCK(stat.st_mode))
		return false;
	number = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (number < 0)
		return false;
	if (connect(number, (const struct sockaddr *)name, size) < 0)
		err = -errno;
	close(number);
	return err == -ECONNREFUSED;
}

/* Of several who find the same socket left behind only one may remove it: the next one
 * would remove what the first has bound since. So they take turns, by a lock on its
 * directory, which is held for microseconds; with somebody who locks directories for
 * longer than that we have no patience. A descriptor that holds it, or an error. */
static int lock_directory(const char *path)
{
	const struct timespec pause = { .tv_nsec = HEPH_MSEC };
	char name[sizeof(((struct sockaddr_un *)0)->sun_path) + 1];
	char *slash;
	int fd;

	snprintf(name, sizeof(name), "%s", path);
	slash = strrchr(name, '/');
	if (slash)
		slash[slash == name] = '\0';
	fd = open(slash ? name : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (int i = 0; fd >= 0 && i < LOCK_TRIES; i++) {
		if (flock(fd, LOCK_EX | LOCK_NB) == 0)
			return fd;
		if (errno != EWOULDBLOCK && errno != EINTR)
			break;
		nanosleep(&pause, NULL);
	}
	if (fd >= 0)
		close(fd);
	return -EWOULDBLOCK;
}

/* The file of a Unix socket stays when who listened is gone, and would keep all from
 * listening there who come after it. Whether it was removed. A simulated one does
 * not stay. */
static bool remove_left_behind(heph_ctx ctx, const struct heph_address *address)
{
	const struct sockaddr_un *name = (const void *)&address->storage;
	bool removed;
	int lock;

	if (ctx.self->thread->heph->sim ||
	    heph_address_family(address) != AF_UNIX || !name->sun_path[0])
		return false;
	lock = lock_directory(name->sun_path);
	if (lock < 0)
		return false;
	removed = is_left_behind(name, address->size) &&
		  unlink(name->sun_path) == 0;
	close(lock);
	return removed;
}

/* A socket that listens there; or an error. */
static int listen_at(heph_ctx ctx, const struct heph_address *address,
		     unsigned flags)
{
	int err = flags & HEPH_FILE_SHARED ? check_free(ctx, address, flags) :
					     0;

	if (err == 0)
		err = open_listener(ctx, address, flags);
	if (err == -EADDRINUSE && remove_left_behind(ctx, address))
		err = open_listener(ctx, address, flags);
	return err;
}

static int listen_on(heph_ctx ctx, const char *text, bool share,
		     struct heph_fd *ret_fd)
{
	unsigned flags = listener_flags(ctx, share);
	struct heph_address address;
	unsigned all = text[0] == ':' ? FOR_ALL : 0;
	int result = heph_address_parse(&address, text);

	if (result < 0)
		return result;
	if (share && !heph_address_inet(&address))
		return -EOPNOTSUPP;
	result = listen_at(ctx, &address, flags | all);
	if (result == -EAFNOSUPPORT && all) { /* no IPv6 here */
		heph_address_any_v4(&address);
		result = listen_at(ctx, &address, flags);
	}
	return heph_file_admit(ctx.self, result, flags, ret_fd);
}

/* What somebody can do about it who has never seen it. */
static const char *advice(int err)
{
	switch (err) {
	case -EADDRINUSE:
		return "somebody has it: ss -ltnp says who, ss -lxp of a Unix "
		       "socket";
	case -EACCES:
		return "ports below net.ipv4.ip_unprivileged_port_start need "
		       "CAP_NET_BIND_SERVICE; of a Unix socket: its directory";
	case -EADDRNOTAVAIL:
		return "no network interface of this machine has it: ip address "
		       "lists them";
	case -EINVAL:
		return "write 127.0.0.1:8080, [::1]:8080, :8080 or unix:/path, "
		       "no names";
	case -ENOENT:
		return "the directory of the Unix socket does not exist";
	case -EOPNOTSUPP:
		return "workers cannot share a Unix socket: heph_listen(), for "
		       "HTTP with heph_http_serve_on()";
	default:
		return "look the error up in bind(2)";
	}
}

/* The caller is told too, but often only that it failed. */
static int listen_or_tell(heph_ctx ctx, const char *address, bool share,
			  struct heph_fd *ret_fd)
{
	int err;

	heph_ctx_check(ctx, "heph_listen");
	err = listen_on(ctx, address, share, ret_fd);
	if (err < 0 && err != -ECANCELED)
		heph_log_warn("cannot listen", HEPH_KV_STR("address", address),
			      HEPH_KV_ERR("err", err),
			      HEPH_KV_STR("do", advice(err)));
	return err;
}

int heph_listen(heph_ctx ctx, const char *address, struct heph_fd *ret_fd)
{
	return listen_or_tell(ctx, address, false, ret_fd);
}

int heph_listen_shared(heph_ctx ctx, const char *address,
		       struct heph_fd *ret_fd)
{
	return listen_or_tell(ctx, address, true, ret_fd);
}

bool heph_net_shared(heph_ctx ctx, struct heph_fd listener)
{
	struct heph_file *file = heph_file_find(ctx, listener);

	return file && (file->flags & HEPH_FILE_SHARED);
}

int heph_net_share(heph_ctx ctx, struct heph_fd listener,
		   struct heph_fd *ret_fd)
{
	struct heph_file *file = heph_file_find(ctx, listener);
	struct heph_address address;
	int err;

	if (!file)
		return -EBADF;
	if (!(file->flags & HEPH_FILE_SHARED))
		return -EINVAL;
	err = heph_socket_name(ctx.self, file->number, false, &address);
	if (err == 0)
		err = open_listener(ctx, &address, file->flags);
	return heph_file_admit(ctx.self, err, file->flags, ret_fd);
}
