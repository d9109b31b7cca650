/* SPDX-License-Identifier: MIT */
/* Connecting. */
#include <heph/socket.h>
#include <heph/time.h>

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include "io/driver.h"
#include "io/eyeballs.h"
#include "io/net.h"
#include "io/socket.h"

static struct heph_op *make_op(heph_ctx ctx, int number,
			       const struct heph_address *address)
{
	struct heph_op *op = heph_op_make(ctx.self, HEPH_OP_CONNECT, NULL);
	struct sockaddr_storage *storage;

	if (!op)
		return NULL;
	storage = heph_op_room(op, sizeof(*storage));
	if (!storage) {
		heph_op_free(op);
		return NULL;
	}
	*storage = address->storage;
	op->number = number;
	op->buf = storage;
	op->size = address->size;
	return op;
}

/* A listener of Unix sockets that has its backlog full is -EAGAIN, and nothing
 * gets ready when that has changed. */
static int connect_unix(heph_ctx ctx, struct heph_op *op)
{
	heph_time pause = 0;
	int result, err = 0;

	for (;;) {
		result = heph_op_now(ctx.self, op);
		if (result == -EAGAIN)
			err = heph_op_pause(ctx, &pause);
		if (result != -EAGAIN || err < 0)
			break;
	}
	heph_op_free(op);
	return err < 0 ? err : result;
}

/* Connects a socket, which does not block if heph_net_by_itself(). */
static int connect_number(heph_ctx ctx, int number,
			  const struct heph_address *address)
{
	struct heph_op *op = make_op(ctx, number, address);

	if (!op)
		return -ENOMEM;
	if (heph_net_by_itself(ctx) && heph_address_family(address) == AF_UNIX)
		return connect_unix(ctx, op);
	return heph_op_finish(ctx, op);
}

/* ---- an open socket ------------------------------------------------------------- */

int heph_socket_connect(heph_ctx ctx, struct heph_fd fd,
			const struct heph_address *address)
{
	struct heph_file *file = heph_file_find(ctx, fd);
	bool change;
	int err;

	if (!file)
		return -EBADF;
	err = heph_wait_allowed(ctx);
	change = heph_net_by_itself(ctx) && !(file->flags & HEPH_FILE_NONBLOCK);
	if (err == 0 && change)
		err = heph_socket_set_status(ctx.self, file->number,
					     O_NONBLOCK);
	if (err < 0)
		return err;
	err = connect_number(ctx, file->number, address);
	if (change)
		heph_socket_set_status(ctx.self, file->number, 0);
	return err;
}

/* ---- a new one ------------------------------------------------------------------ */

int heph_net_open_stream(heph_ctx ctx, const struct heph_address *address,
			 unsigned flags)
{
	int type = flags & HEPH_FILE_NONBLOCK ? SOCK_STREAM | SOCK_NONBLOCK :
						SOCK_STREAM;

	return heph_socket_make(ctx.self, heph_address_family(address), type,
				0);
}

/* It does not block while it connects. */
static int prepare_and_connect(heph_ctx ctx, int number,
			       const struct heph_address *address)
{
	int err = 0;

	if (heph_address_inet(address))
		err = heph_socket_set_int(ctx.self, number, IPPROTO_TCP,
					  TCP_NODELAY, 1);
	if (err == 0)
		err = connect_number(ctx, number, address);
	if (err == 0 && heph_net_by_itself(ctx))
		err = heph_socket_set_status(ctx.self, number, 0);
	return err;
}

/* The actor owns it before it waits. */
static int connect_new(heph_ctx ctx, const struct heph_address *address,
		       struct heph_fd *ret_fd)
{
	int number = heph_net_open_stream(
		ctx, address, heph_net_by_itself(ctx) ? HEPH_FILE_NONBLOCK : 0);
	struct heph_fd fd;
	int err = heph_file_admit(ctx.self, number, HEPH_FILE_SOCKET, &fd);

	if (err < 0)
		return err;
	err = prepare_and_connect(ctx, number, address);
	if (err < 0)
		heph_close(fd);
	else
		*ret_fd = fd;
	return err;
}

static int connect_allowed(heph_ctx ctx)
{
	int err = heph_wait_allowed(ctx);

	if (err == 0 && ctx.self->thread->heph->driver->alone)
		err = -EOPNOTSUPP;
	return err;
}

int heph_connect_to(heph_ctx ctx, const struct heph_address *address,
		    struct heph_fd *ret_fd)
{
	int err = connect_allowed(ctx);

	return err < 0 ? err : connect_new(ctx, address, ret_fd);
}

int heph_connect(heph_ctx ctx, const char *text, struct heph_fd *ret_fd)
{
	struct heph_address address;
	int err = connect_allowed(ctx);

	if (err < 0)
		return err;
	err = heph_address_parse(&address, text);
	if (err == -EINVAL) /* it may be a name */
		return heph_eyeballs_connect(ctx, text, ret_fd);
	return err < 0 ? err : connect_new(ctx, &address, ret_fd);
}
