/* SPDX-License-Identifier: MIT */
/*
 * A listener on a worker keeps one accept in flight that brings a connection
 * each time (multishot), into the backlog of its file. The accept belongs to
 * the owner of the listener; heph_accept() takes from the backlog. When more
 * connections wait there than BACKLOG_MAX the accept is cancelled, and begun
 * again when they have been taken; meanwhile the kernel keeps them.
 */
#include "io/net.h"

#include <heph/time.h>

#include <netinet/in.h>
#include <netinet/tcp.h>

#include "base/mem.h"
#include "core/timers.h"
#include "io/address.h"
#include "io/driver.h"
#include "io/eyeballs.h"
#include "io/socket.h"

enum { BACKLOG_MAX = 256 };

/* ---- listening ------------------------------------------------------------------ */

static bool by_readiness(heph_ctx ctx)
{
	return heph_io_of(ctx.self->thread->heph)->by_readiness;
}

/* Whether it makes the system calls itself. */
static bool by_itself(heph_ctx ctx)
{
	return !ctx.self->kind || by_readiness(ctx);
}

static int open_socket(heph_ctx ctx, const struct heph_address *address,
		       unsigned flags)
{
	int type = flags & HEPH_FILE_NONBLOCK ? SOCK_STREAM | SOCK_NONBLOCK :
						SOCK_STREAM;

	return heph_socket_make(ctx.self, address->storage.ss_family, type, 0);
}

static void close_number(heph_ctx ctx, int number)
{
	heph_op_close_now(ctx.self->thread->heph, number);
}

static int set_no_delay(heph_ctx ctx, int number)
{
	return heph_socket_set_int(ctx.self, number, IPPROTO_TCP, TCP_NODELAY,
				   1);
}

static int bind_to(heph_ctx ctx, int number, const struct heph_address *address,
		   bool share)
{
	struct heph_self *self = ctx.self;
	int err = heph_socket_set_int(self, number, SOL_SOCKET, SO_REUSEADDR, 1);

	if (err == 0 && share)
		err = heph_socket_set_int(self, number, SOL_SOCKET,
					  SO_REUSEPORT, 1);
	if (err == 0)
		err = set_no_delay(ctx, number);
	if (err == 0 && address->any)
		err = heph_socket_set_int(self, number, IPPROTO_IPV6,
					  IPV6_V6ONLY, 0);
	return err < 0 ? err : heph_socket_bind_to(self, number, address);
}

/* A socket that listens; or an error. */
static int open_listener(heph_ctx ctx, const struct heph_address *address,
			 unsigned flags)
{
	int number = open_socket(ctx, address, flags), err;

	if (number < 0)
		return number;
	err = bind_to(ctx, number, address, flags & HEPH_FILE_SHARED);
	if (err == 0)
		err = heph_socket_listen_now(ctx.self, number, SOMAXCONN);
	if (err == 0)
		return number;
	close_number(ctx, number);
	return err;
}

/* Sockets that share a port would share it with other programs as well, and
 * nobody would notice: so first see whether the port is free. */
static int check_free(heph_ctx ctx, const struct heph_address *address)
{
	int number = open_listener(ctx, address, 0);

	if (number < 0)
		return number;
	close_number(ctx, number);
	return 0;
}

static unsigned listener_flags(heph_ctx ctx, bool share)
{
	unsigned flags = HEPH_FILE_SOCKET | HEPH_FILE_LISTENER;

	if (share)
		flags |= HEPH_FILE_SHARED;
	return by_readiness(ctx) ? flags | HEPH_FILE_NONBLOCK : flags;
}

/* A socket that listens there; or an error. */
static int listen_at(heph_ctx ctx, const struct heph_address *address,
		     unsigned flags)
{
	int err = flags & HEPH_FILE_SHARED ? check_free(ctx, address) : 0;

	return err < 0 ? err : open_listener(ctx, address, flags);
}

static int listen_on(heph_ctx ctx, const char *text, bool share,
		     struct heph_fd *ret_fd)
{
	unsigned flags = listener_flags(ctx, share);
	struct heph_address address;
	int result = heph_address_parse(&address, text);

	if (result < 0)
		return result;
	result = listen_at(ctx, &address, flags);
	if (result == -EAFNOSUPPORT && address.any) { /* no IPv6 here */
		heph_address_any_v4(&address);
		result = listen_at(ctx, &address, flags);
	}
	return heph_file_admit(ctx.self, result, flags, ret_fd);
}

int heph_listen(heph_ctx ctx, const char *address, struct heph_fd *ret_fd)
{
	return listen_on(ctx, address, false, ret_fd);
}

int heph_listen_shared(heph_ctx ctx, const char *address, struct heph_fd *ret_fd)
{
	return listen_on(ctx, address, true, ret_fd);
}

bool heph_net_shared(heph_ctx ctx, struct heph_fd listener)
{
	struct heph_file *file = heph_file_find(ctx, listener);

	return file && (file->flags & HEPH_FILE_SHARED);
}

int heph_net_share(heph_ctx ctx, struct heph_fd listener, struct heph_fd *ret_fd)
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

/* ---- accepting ------------------------------------------------------------------- */

static bool grow(struct heph_backlog *backlog)
{
	unsigned max = backlog->max ? backlog->max * 2 : 8;
	int *numbers = heph_mem_alloc_raw(max * sizeof(*numbers));

	if (!numbers)
		return false;
	for (unsigned i = 0; i < backlog->n; i++)
		numbers[i] = backlog->numbers[(backlog->first + i) % backlog->max];
	heph_mem_free(backlog->numbers);
	backlog->numbers = numbers;
	backlog->first = 0;
	backlog->max = max;
	return true;
}

static void keep(struct heph_op *op, struct heph_backlog *backlog)
{
	if (backlog->n == backlog->max && !grow(backlog)) {
		heph_op_close_now(op->self->thread->heph, op->result);
		backlog->err = -ENOMEM;
		return;
	}
	backlog->numbers[(backlog->first + backlog->n++) % backlog->max] =
		op->result;
	if (backlog->n >= BACKLOG_MAX && !op->done)
		heph_op_cancel(op);
}

/* Nobody is told of it: who accepts begins another one. */
static bool begun_again(int result)
{
	return result == -ECANCELED || result == -EINTR || result == -EAGAIN;
}

void heph_net_accepted(struct heph_op *op)
{
	struct heph_file *file = op->file;
	struct heph_backlog *backlog = &file->backlog;

	if (op->result >= 0)
		keep(op, backlog);
	else if (!begun_again(op->result))
		backlog->err = op->result;
	if (!op->done)
		return;
	backlog->accept = NULL;
	heph_op_free(op);
	if (file->closing)
		heph_file_finish(file);
}

static int begin_accept(heph_ctx ctx, struct heph_file *file)
{
	struct heph_op *op = heph_op_make(ctx.self, HEPH_OP_ACCEPT, file);

	if (!op)
		return -ENOMEM;
	file->backlog.accept = op;
	heph_op_start(op);
	return 0;
}

void heph_net_quiet(struct heph_self *self, struct heph_file *file)
{
	while (file->backlog.accept) {
		heph_op_cancel(file->backlog.accept);
		heph_wait_only(self, HEPH_WAIT_OP);
	}
}

/* The next number of the backlog, or the error that was kept, or -EAGAIN. */
static int next_accepted(struct heph_backlog *backlog)
{
	int result = -EAGAIN;

	if (backlog->n) {
		result = backlog->numbers[backlog->first];
		backlog->first = (backlog->first + 1) % backlog->max;
		backlog->n--;
	} else if (backlog->err) {
		result = backlog->err;
		backlog->err = 0;
	}
	return result;
}

static int accept_on_worker(heph_ctx ctx, struct heph_file *file)
{
	int result, err = 0;
	bool over = false;

	for (;;) {
		result = next_accepted(&file->backlog);
		if (result != -EAGAIN || err < 0)
			return result == -EAGAIN ? err : result;
		if (!file->backlog.accept) {
			err = begin_accept(ctx, file);
			over = heph_deadline(ctx) <= heph_recently();
		}
		if (err == 0)
			err = heph_wait_for(ctx, HEPH_WAIT_OP);
		if (err < 0 && over) /* the kernel was not asked yet */
			heph_net_quiet(ctx.self, file);
	}
}

/* An actor that had the listener may have left something in the backlog. */
static int accept_by_actor(heph_ctx ctx, struct heph_file *file)
{
	int result = next_accepted(&file->backlog);
	struct heph_op *op;

	if (result != -EAGAIN)
		return result;
	op = heph_op_make(ctx.self, HEPH_OP_ACCEPT, file);
	return op ? heph_op_finish(ctx, op) : -ENOMEM;
}

int heph_accept(heph_ctx ctx, struct heph_fd listener, struct heph_fd *ret_fd)
{
	struct heph_file *file = heph_file_find(ctx, listener);
	int number, err;

	if (!file)
		return -EBADF;
	err = heph_wait_allowed(ctx);
	if (err < 0)
		return err;
	number = by_itself(ctx) ? accept_by_actor(ctx, file) :
				  accept_on_worker(ctx, file);
	err = heph_file_admit(ctx.self, number, HEPH_FILE_SOCKET, ret_fd);
	if (err == 0)
		heph_worker_spend(ctx.self);
	return err;
}

/* ---- connecting ------------------------------------------------------------------- */

static int connect_to(heph_ctx ctx, int number, const struct heph_address *address)
{
	struct sockaddr_storage *storage;
	struct heph_op *op = heph_op_make(ctx.self, HEPH_OP_CONNECT, NULL);

	if (!op)
		return -ENOMEM;
	storage = heph_op_room(op, sizeof(*storage));
	if (!storage) {
		heph_op_free(op);
		return -ENOMEM;
	}
	*storage = address->storage;
	op->number = number;
	op->buf = storage;
	op->size = address->size;
	return heph_op_finish(ctx, op);
}

/* It does not block while it connects. */
static int open_for_connect(heph_ctx ctx, const struct heph_address *address)
{
	int number =
		open_socket(ctx, address,
			    by_itself(ctx) ? HEPH_FILE_NONBLOCK : 0);
	int err;

	if (number < 0)
		return number;
	err = set_no_delay(ctx, number);
	if (err == 0)
		return number;
	close_number(ctx, number);
	return err;
}

/* The actor owns it before it waits. */
static int connect_address(heph_ctx ctx, const struct heph_address *address,
			   struct heph_fd *ret_fd)
{
	int number = open_for_connect(ctx, address);
	struct heph_fd fd;
	int err = heph_file_admit(ctx.self, number, HEPH_FILE_SOCKET, &fd);

	if (err < 0)
		return err;
	err = connect_to(ctx, number, address);
	if (err == 0 && by_itself(ctx))
		err = heph_socket_set_status(ctx.self, number, 0);
	if (err < 0)
		heph_close(fd);
	else
		*ret_fd = fd;
	return err;
}

int heph_connect(heph_ctx ctx, const char *text, struct heph_fd *ret_fd)
{
	struct heph_address address;
	int err = heph_wait_allowed(ctx);

	if (err == 0 && ctx.self->thread->heph->driver->alone)
		err = -EOPNOTSUPP;
	if (err < 0)
		return err;
	err = heph_address_parse(&address, text);
	if (err == -EINVAL) /* it may be a name */
		return heph_eyeballs_connect(ctx, text, ret_fd);
	return err < 0 ? err : connect_address(ctx, &address, ret_fd);
}

/* ---- the rest ---------------------------------------------------------------------- */

int heph_shutdown(heph_ctx ctx, struct heph_fd fd, int how)
{
	struct heph_file *file = heph_file_find(ctx, fd);

	if (!file)
		return -EBADF;
	return heph_socket_shut(ctx.self->thread->heph, file->number, how);
}

static int address_text(heph_ctx ctx, struct heph_fd fd, bool peer,
			char ret_text[HEPH_ADDRESS_MAX])
{
	struct heph_file *file = heph_file_find(ctx, fd);
	struct heph_address address;
	int err;

	if (!file)
		return -EBADF;
	err = heph_socket_name(ctx.self, file->number, peer, &address);
	return err < 0 ? err : heph_address_print(&address, ret_text);
}

int heph_local_address(heph_ctx ctx, struct heph_fd fd,
		       char ret_address[HEPH_ADDRESS_MAX])
{
	return address_text(ctx, fd, false, ret_address);
}

int heph_peer_address(heph_ctx ctx, struct heph_fd fd,
		      char ret_address[HEPH_ADDRESS_MAX])
{
	return address_text(ctx, fd, true, ret_address);
}
