/* SPDX-License-Identifier: MIT */
/*
 * A listener on a worker keeps one accept in flight that brings a connection
 * each time (multishot), into the backlog of its file. The accept belongs to
 * the owner of the listener; heph_accept() takes from the backlog. When more
 * connections wait there than BACKLOG_MAX the accept is cancelled, and begun
 * again when they have been taken; meanwhile the kernel keeps them.
 */
#include <heph/time.h>

#include "base/mem.h"
#include "core/timers.h"
#include "io/driver.h"
#include "io/net.h"
#include "io/socket.h"

enum { BACKLOG_MAX = 256 };

static bool grow(struct heph_backlog *backlog)
{
	unsigned max = backlog->max ? backlog->max * 2 : 8;
	int *numbers = heph_mem_alloc_raw(max * sizeof(*numbers));

	if (!numbers)
		return false;
	for (unsigned i = 0; i < backlog->n; i++)
		numbers[i] =
			backlog->numbers[(backlog->first + i) % backlog->max];
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
	if (!op->done) {
		if (backlog->n >= BACKLOG_MAX)
			heph_op_cancel(op); /* last: its end may come by this */
		return;
	}
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
			err = heph_wait_about(ctx, HEPH_WAIT_OP,
					      file->backlog.accept);
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

/* A connection is of the kind of its listener. */
static int admit(heph_ctx ctx, const struct heph_file *listener, int number,
		 struct heph_fd *ret_fd)
{
	return heph_file_admit(ctx.self, number,
			       listener->flags &
				       (HEPH_FILE_SOCKET | HEPH_FILE_PACKETS),
			       ret_fd);
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
	number = heph_net_by_itself(ctx) ? accept_by_actor(ctx, file) :
					   accept_on_worker(ctx, file);
	err = admit(ctx, file, number, ret_fd);
	if (err == 0)
		heph_worker_spend(ctx.self);
	return err;
}

/* ---- one at a time ------------------------------------------------------------------ */

static int accept_one(heph_ctx ctx, struct heph_file *file,
		      struct heph_address *ret_peer)
{
	struct heph_op *op = heph_op_make(ctx.self, HEPH_OP_ACCEPT_ONE, file);
	struct heph_address *peer;
	int number;

	if (!op)
		return -ENOMEM;
	peer = heph_op_room(op, sizeof(*peer));
	if (!peer) {
		heph_op_free(op);
		return -ENOMEM;
	}
	*peer = (struct heph_address){ .size = sizeof(peer->storage) };
	op->buf = &peer->storage;
	op->buf2 = &peer->size;
	number = heph_op_run(ctx, op);
	*ret_peer = *peer;
	heph_op_free(op);
	return number;
}

/* What heph_accept() had asked for comes first. */
static int accept_with_peer(heph_ctx ctx, struct heph_file *file,
			    struct heph_address *ret_peer)
{
	struct heph_backlog *backlog = &file->backlog;
	int number;

	if (!backlog->n && !backlog->err && !backlog->accept)
		return accept_one(ctx, file, ret_peer);
	number = heph_net_by_itself(ctx) ? accept_by_actor(ctx, file) :
					   accept_on_worker(ctx, file);
	if (number >= 0 &&
	    heph_socket_name(ctx.self, number, true, ret_peer) < 0)
		*ret_peer = (struct heph_address){ 0 };
	return number;
}

int heph_accept_from(heph_ctx ctx, struct heph_fd listener,
		     struct heph_fd *ret_fd, struct heph_address *ret_peer)
{
	struct heph_file *file = heph_file_find(ctx, listener);
	struct heph_address peer;
	int err = heph_wait_allowed(ctx);

	if (!file)
		return -EBADF;
	if (err < 0)
		return err;
	err = admit(ctx, file, accept_with_peer(ctx, file, &peer), ret_fd);
	if (err < 0)
		return err;
	*ret_peer = peer;
	heph_worker_spend(ctx.self);
	return 0;
}
