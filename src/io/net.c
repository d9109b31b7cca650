/* SPDX-License-Identifier: MIT */
/*
 * A listener on a worker keeps one accept in flight that brings a connection
 * each time (multishot), into the backlog of its file. The accept belongs to
 * the owner of the listener; heph_accept() takes from the backlog. When more
 * connections wait there than BACKLOG_MAX the accept is cancelled, and begun
 * again when they have been taken; meanwhile the kernel keeps them.
 */
#include "io/net.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "io/address.h"

enum { BACKLOG_MAX = 256 };

bool heph_net_is_socket(int number)
{
	struct stat info;

	return fstat(number, &info) == 0 && S_ISSOCK(info.st_mode);
}

bool heph_net_is_stream(int number)
{
	int type = SOCK_STREAM;
	socklen_t size = sizeof(type);

	return getsockopt(number, SOL_SOCKET, SO_TYPE, &type, &size) < 0 ||
	       type == SOCK_STREAM;
}

static int set_option_to(int number, int level, int name, int value)
{
	return setsockopt(number, level, name, &value, sizeof(value)) < 0 ?
		       -errno :
		       0;
}

static int set_option(int number, int level, int name)
{
	return set_option_to(number, level, name, 1);
}

/* ---- listening ------------------------------------------------------------------ */

static int open_socket(const struct heph_address *address)
{
	int number = socket(address->storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	return number < 0 ? -errno : number;
}

static int bind_to(int number, const struct heph_address *address, bool share)
{
	int err = set_option(number, SOL_SOCKET, SO_REUSEADDR);

	if (err == 0 && share)
		err = set_option(number, SOL_SOCKET, SO_REUSEPORT);
	if (err == 0)
		err = set_option(number, IPPROTO_TCP, TCP_NODELAY);
	if (err == 0 && address->any)
		err = set_option_to(number, IPPROTO_IPV6, IPV6_V6ONLY, 0);
	if (err == 0 && bind(number, (const void *)&address->storage,
			     address->size) < 0)
		err = -errno;
	return err;
}

/* A socket that listens; or an error. */
static int open_listener(const struct heph_address *address, bool share)
{
	int number = open_socket(address), err;

	if (number < 0)
		return number;
	err = bind_to(number, address, share);
	if (err == 0 && listen(number, SOMAXCONN) < 0)
		err = -errno;
	if (err == 0)
		return number;
	close(number);
	return err;
}

/* Sockets that share a port would share it with other programs as well, and
 * nobody would notice: so first see whether the port is free. */
static int check_free(const struct heph_address *address)
{
	int number = open_listener(address, false);

	if (number < 0)
		return number;
	close(number);
	return 0;
}

static int adopt_listener(heph_ctx ctx, int number, bool share,
			  struct heph_fd *ret_fd)
{
	int err = heph_file_open(ctx.self, number, true, ret_fd);
	struct heph_file *file;

	if (err < 0) {
		close(number);
		return err;
	}
	file = heph_file_find(ctx, *ret_fd);
	file->listener = true;
	file->shared = share;
	return 0;
}

/* A socket that listens there; or an error. */
static int listen_at(const struct heph_address *address, bool share)
{
	int err = share ? check_free(address) : 0;

	return err < 0 ? err : open_listener(address, share);
}

static int listen_on(heph_ctx ctx, const char *text, bool share,
		     struct heph_fd *ret_fd)
{
	struct heph_address address;
	int result = heph_address_parse(&address, text);

	if (result < 0)
		return result;
	result = listen_at(&address, share);
	if (result == -EAFNOSUPPORT && address.any) { /* no IPv6 here */
		heph_address_any_v4(&address);
		result = listen_at(&address, share);
	}
	return result < 0 ? result : adopt_listener(ctx, result, share, ret_fd);
}

int heph_listen(heph_ctx ctx, const char *address, struct heph_fd *ret_fd)
{
	return listen_on(ctx, address, false, ret_fd);
}

int heph_listen_shared(heph_ctx ctx, const char *address, struct heph_fd *ret_fd)
{
	return listen_on(ctx, address, true, ret_fd);
}

static int local_address(struct heph_file *file, struct heph_address *ret_address)
{
	*ret_address = (struct heph_address){ .size = sizeof(ret_address->storage) };
	return getsockname(file->number, (void *)&ret_address->storage,
			   &ret_address->size) < 0 ?
		       -errno :
		       0;
}

bool heph_net_shared(heph_ctx ctx, struct heph_fd listener)
{
	struct heph_file *file = heph_file_find(ctx, listener);

	return file && file->shared;
}

int heph_net_share(heph_ctx ctx, struct heph_fd listener, struct heph_fd *ret_fd)
{
	struct heph_file *file = heph_file_find(ctx, listener);
	struct heph_address address;
	int err;

	if (!file)
		return -EBADF;
	if (!file->shared)
		return -EINVAL;
	err = local_address(file, &address);
	if (err == 0)
		err = open_listener(&address, true);
	return err < 0 ? err : adopt_listener(ctx, err, true, ret_fd);
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
		close(op->result);
		backlog->err = -ENOMEM;
		return;
	}
	backlog->numbers[(backlog->first + backlog->n++) % backlog->max] =
		op->result;
	if (backlog->n >= BACKLOG_MAX && !op->done)
		heph_op_cancel(op);
}

void heph_net_accepted(struct heph_op *op)
{
	struct heph_file *file = op->file;
	struct heph_backlog *backlog = &file->backlog;

	if (op->result >= 0)
		keep(op, backlog);
	else if (op->result != -ECANCELED)
		backlog->err = op->result;
	if (!op->done)
		return;
	backlog->accept = NULL;
	heph_pool_give(&op->self->thread->pool, op, sizeof(*op));
	if (file->closing)
		heph_file_finish(file);
}

static int begin_accept(heph_ctx ctx, struct heph_file *file)
{
	struct heph_op *op = heph_pool_take(&ctx.self->thread->pool, sizeof(*op));

	if (!op)
		return -ENOMEM;
	*op = (struct heph_op){ .self = ctx.self,
				.file = file,
				.kind = HEPH_OP_ACCEPT,
				.number = file->number };
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

	for (;;) {
		result = next_accepted(&file->backlog);
		if (result != -EAGAIN || err < 0)
			return result == -EAGAIN ? err : result;
		if (!file->backlog.accept)
			err = begin_accept(ctx, file);
		if (err == 0)
			err = heph_wait_for(ctx, HEPH_WAIT_OP);
	}
}

/* An actor that had the listener may have left something in the backlog. */
static int accept_on_thread(heph_ctx ctx, struct heph_file *file)
{
	struct heph_op op = { .kind = HEPH_OP_ACCEPT, .number = file->number };
	int result = next_accepted(&file->backlog);

	return result == -EAGAIN ? heph_op_run(ctx, &op) : result;
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
	number = ctx.self->kind ? accept_on_worker(ctx, file) :
				  accept_on_thread(ctx, file);
	if (number < 0)
		return number;
	err = heph_file_open(ctx.self, number, true, ret_fd);
	if (err < 0)
		close(number);
	else
		heph_worker_spend(ctx.self);
	return err;
}

/* ---- connecting ------------------------------------------------------------------- */

int heph_net_connect_now(int number, const void *address, uint32_t size)
{
	int err = 0;
	socklen_t length = sizeof(err);

	/* O_NONBLOCK by way of SOCK_NONBLOCK; asked again, it tells the end. */
	if (connect(number, address, size) == 0 || errno == EISCONN)
		return 0;
	if (errno == EINPROGRESS || errno == EALREADY) {
		errno = EAGAIN;
		return -1;
	}
	if (getsockopt(number, SOL_SOCKET, SO_ERROR, &err, &length) == 0 && err)
		errno = err;
	return -1;
}

static int connect_to(heph_ctx ctx, int number, const struct heph_address *address)
{
	struct heph_pool *pool = &ctx.self->thread->pool;
	struct heph_op_connect {
		struct heph_op op;
		struct heph_address address;
	} *connect;
	int err;

	if (!heph_self_extend(ctx.self))
		return -ENOMEM;
	connect = heph_pool_take(pool, sizeof(*connect));
	if (!connect)
		return -ENOMEM;
	connect->address = *address;
	connect->op = (struct heph_op){ .kind = HEPH_OP_CONNECT,
					.number = number,
					.buf = &connect->address.storage,
					.size = address->size };
	err = heph_op_run(ctx, &connect->op);
	heph_pool_give(pool, connect, sizeof(*connect));
	if (err >= 0 && !ctx.self->kind)
		err = fcntl(number, F_SETFL, 0) < 0 ? -errno : 0;
	return err;
}

/* For a thread the socket is non-blocking while it connects. */
static int open_for_connect(heph_ctx ctx, const struct heph_address *address)
{
	int type = SOCK_STREAM | SOCK_CLOEXEC | (ctx.self->kind ? 0 : SOCK_NONBLOCK);
	int number = socket(address->storage.ss_family, type, 0);
	int err;

	if (number < 0)
		return -errno;
	err = set_option(number, IPPROTO_TCP, TCP_NODELAY);
	if (err == 0)
		return number;
	close(number);
	return err;
}

int heph_connect(heph_ctx ctx, const char *text, struct heph_fd *ret_fd)
{
	struct heph_address address;
	int number, err = heph_address_parse(&address, text);

	if (err == 0)
		err = heph_wait_allowed(ctx);
	if (err == 0 && ctx.self->thread->heph->driver->alone)
		err = -EOPNOTSUPP;
	if (err < 0)
		return err;
	number = open_for_connect(ctx, &address);
	if (number < 0)
		return number;
	err = connect_to(ctx, number, &address);
	if (err >= 0)
		err = heph_file_open(ctx.self, number, true, ret_fd);
	if (err < 0)
		close(number);
	return err;
}

/* ---- the rest ---------------------------------------------------------------------- */

int heph_shutdown(heph_ctx ctx, struct heph_fd fd, int how)
{
	struct heph_file *file = heph_file_find(ctx, fd);

	if (!file)
		return -EBADF;
	return shutdown(file->number, how) < 0 ? -errno : 0;
}

int heph_local_address(heph_ctx ctx, struct heph_fd fd,
		       char ret_address[HEPH_ADDRESS_MAX])
{
	struct heph_file *file = heph_file_find(ctx, fd);
	struct heph_address address;
	int err = file ? local_address(file, &address) : -EBADF;

	return err < 0 ? err : heph_address_print(&address, ret_address);
}

int heph_peer_address(heph_ctx ctx, struct heph_fd fd,
		      char ret_address[HEPH_ADDRESS_MAX])
{
	struct heph_file *file = heph_file_find(ctx, fd);
	struct heph_address address = { .size = sizeof(address.storage) };

	if (!file)
		return -EBADF;
	if (getpeername(file->number, (void *)&address.storage, &address.size) < 0)
		return -errno;
	return heph_address_print(&address, ret_address);
}
