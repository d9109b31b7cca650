/* SPDX-License-Identifier: MIT */
/*
 * All forms are one: recvmsg(2) or sendmsg(2) of a transfer. Its header, the
 * vector, the address and the control data lie in the room of the operation,
 * and so that nothing of it is on a stack, a bounce buffer stands in for all of
 * the caller's buffers if one of them is.
 */
#include "io/message.h"

#include <heph/socket_msg.h>

#include <string.h>

#include "core/stackrule.h"
#include "coro/san.h"
#include "io/address.h"
#include "io/control.h"
#include "io/file.h"
#include "io/op.h"

enum { BOUNCE_MAX = 1 << 16 }; /* of a stream, whose rest can come later */

struct transfer {
	bool sending;
	int flags;
	const struct iovec *iov;
	unsigned n;
	size_t skip; /* bytes that are done already */
	const struct heph_address *to;
	struct heph_address *ret_from;
	struct heph_socket_msg *msg;

	/* while it runs */
	struct heph_file *file;
	struct room *room;
	size_t size;
	char *bounce;
};

struct room {
	struct msghdr header;
	struct heph_address address;
	struct iovec bounce; /* instead of those that follow */
	struct iovec iov[];  /* and the control data */
};

/* ---- preparing ----------------------------------------------------------------- */

/* The buffers, from the first byte on that is not done. */
static void fill_vector(struct transfer *transfer)
{
	struct room *room = transfer->room;
	size_t skip = transfer->skip, part;
	struct iovec it;

	transfer->size = 0;
	for (unsigned i = 0; i < transfer->n; i++) {
		it = transfer->iov[i];
		part = skip < it.iov_len ? skip : it.iov_len;
		skip -= part;
		it.iov_len -= part;
		it.iov_base = (char *)it.iov_base + part;
		room->iov[i] = it;
		transfer->size += it.iov_len;
	}
	room->header.msg_iov = room->iov;
	room->header.msg_iovlen = transfer->n;
}

static void set_address(struct transfer *transfer)
{
	struct room *room = transfer->room;

	if (transfer->to)
		room->address = *transfer->to;
	else if (!transfer->sending)
		room->address.size = sizeof(room->address.storage);
	if (!room->address.size)
		return;
	room->header.msg_name = &room->address.storage;
	room->header.msg_namelen = room->address.size;
}

static int set_control(heph_ctx ctx, struct transfer *transfer, size_t size)
{
	struct msghdr *header = &transfer->room->header;
	void *control = &transfer->room->iov[transfer->n];
	int n = (int)size;

	if (size && transfer->sending)
		n = heph_control_encode(ctx, transfer->file->number,
					transfer->msg, control);
	if (n <= 0)
		return n;
	header->msg_control = control;
	header->msg_controllen = (size_t)n;
	return 0;
}

static int make_room(heph_ctx ctx, struct heph_op *op, struct transfer *transfer)
{
	size_t control = transfer->msg ? heph_control_size(transfer->msg,
							   transfer->sending) :
					 0;
	size_t size = sizeof(struct room) + transfer->n * sizeof(struct iovec) +
		      control;

	if (transfer->n > HEPH_IOV_MAX)
		return -EMSGSIZE;
	transfer->room = heph_op_room(op, size);
	if (!transfer->room)
		return -ENOMEM;
	memset(transfer->room, 0, size);
	fill_vector(transfer);
	set_address(transfer);
	op->buf = &transfer->room->header;
	op->flags = (uint32_t)(transfer->flags & ~MSG_ZEROCOPY);
	return set_control(ctx, transfer, control);
}

/* ---- the bounce buffer ---------------------------------------------------------- */

static bool on_a_stack(heph_ctx ctx, const struct transfer *transfer)
{
	const struct iovec *iov = transfer->room->iov;

	for (unsigned i = 0; i < transfer->n; i++)
		if (iov[i].iov_len && heph_stack_moves(ctx.self, iov[i].iov_base,
						       iov[i].iov_len))
			return true;
	return false;
}

/* Between the bounce buffer and the caller's. */
static void copy_pieces(const struct transfer *transfer, size_t size)
{
	const struct iovec *iov = transfer->room->iov;
	char *at = transfer->bounce;
	size_t part;

	for (unsigned i = 0; i < transfer->n && size; i++) {
		part = iov[i].iov_len < size ? iov[i].iov_len : size;
		if (part && transfer->sending)
			memcpy(at, iov[i].iov_base, part);
		else if (part)
			memcpy(iov[i].iov_base, at, part);
		at += part;
		size -= part;
	}
}

static int use_bounce(heph_ctx ctx, struct transfer *transfer)
{
	struct room *room = transfer->room;

	if (transfer->size > BOUNCE_MAX &&
	    !(transfer->file->flags & HEPH_FILE_PACKETS))
		transfer->size = BOUNCE_MAX;
	transfer->bounce = heph_pool_take(&ctx.self->thread->pool,
					  transfer->size);
	if (!transfer->bounce)
		return -ENOMEM;
	if (transfer->sending)
		copy_pieces(transfer, transfer->size);
	room->bounce = (struct iovec){ transfer->bounce, transfer->size };
	room->header.msg_iov = &room->bounce;
	room->header.msg_iovlen = 1;
	return 0;
}

/* What the kernel has written, for tools that do not see it. */
static void mark_written(const struct transfer *transfer, size_t size)
{
	const struct msghdr *header = &transfer->room->header;
	size_t part;

	for (size_t i = 0; i < header->msg_iovlen && size; i++) {
		part = header->msg_iov[i].iov_len;
		if (part > size)
			part = size;
		heph_san_written(header->msg_iov[i].iov_base, part);
		size -= part;
	}
}

/* ---- running -------------------------------------------------------------------- */

/* Whether it pays to send from the buffers themselves. */
static bool zero_copy(heph_ctx ctx, const struct transfer *transfer,
		      struct heph_op *op)
{
	return transfer->sending && (transfer->flags & MSG_ZEROCOPY) &&
	       transfer->size >= HEPH_ZEROCOPY_MIN && !transfer->bounce &&
	       !heph_op_by_actor(ctx.self, op);
}

static int run(heph_ctx ctx, const struct transfer *transfer, struct heph_op *op)
{
	int result;

	if (transfer->flags & MSG_DONTWAIT)
		return heph_op_now(ctx.self, op);
	if (!zero_copy(ctx, transfer, op))
		return heph_op_run(ctx, op);
	op->kind = HEPH_OP_SENDMSG_ZC;
	result = heph_op_run(ctx, op);
	if (result != -EOPNOTSUPP && result != -EINVAL)
		return result;
	op->kind = HEPH_OP_SENDMSG; /* not every socket can */
	return heph_op_run(ctx, op);
}

static void tell(heph_ctx ctx, struct transfer *transfer, int result)
{
	struct room *room = transfer->room;
	struct heph_socket_msg *msg = transfer->msg;
	size_t size = (size_t)result < transfer->size ? (size_t)result :
							 transfer->size;

	mark_written(transfer, size);
	if (transfer->bounce)
		copy_pieces(transfer, size);
	room->address.size = room->header.msg_namelen;
	if (transfer->ret_from)
		*transfer->ret_from = room->address;
	if (!msg)
		return;
	msg->flags = room->header.msg_flags & ~MSG_CMSG_CLOEXEC;
	msg->address = room->address;
	msg->has = room->address.size ? HEPH_MSG_ADDRESS : 0;
	heph_control_decode(ctx, &room->header, msg);
}

/* Runs it in memory where it may be waited for. */
static int run_somewhere(heph_ctx ctx, struct transfer *transfer,
			 struct heph_op *op)
{
	int result = 0;

	if (!(transfer->flags & MSG_DONTWAIT) &&
	    !heph_op_by_actor(ctx.self, op) && on_a_stack(ctx, transfer))
		result = use_bounce(ctx, transfer);
	if (result == 0)
		result = run(ctx, transfer, op);
	if (result >= 0 && !transfer->sending)
		tell(ctx, transfer, result);
	if (transfer->bounce)
		heph_pool_give(&ctx.self->thread->pool, transfer->bounce,
			       transfer->size);
	transfer->bounce = NULL;
	return result;
}

static int move_file(heph_ctx ctx, struct heph_file *file,
		     struct transfer *transfer)
{
	struct heph_op *op;
	int result;

	transfer->file = file;
	if (!(transfer->file->flags & HEPH_FILE_SOCKET))
		return -ENOTSOCK;
	result = heph_op_new(ctx,
			     transfer->sending ? HEPH_OP_SENDMSG :
						 HEPH_OP_RECVMSG,
			     transfer->file, &op);
	if (result < 0)
		return result;
	result = make_room(ctx, op, transfer);
	if (result == 0)
		result = run_somewhere(ctx, transfer, op);
	heph_op_free(op);
	return result;
}

static int move(heph_ctx ctx, struct heph_fd fd, struct transfer *transfer)
{
	struct heph_file *file = heph_file_find(ctx, fd);

	return file ? move_file(ctx, file, transfer) : -EBADF;
}

/* ---- all of it ------------------------------------------------------------------ */

static size_t size_of(const struct transfer *transfer)
{
	size_t size = 0;

	for (unsigned i = 0; i < transfer->n; i++)
		size += transfer->iov[i].iov_len;
	return size;
}

static int move_exact(heph_ctx ctx, struct heph_fd fd, struct transfer *transfer,
		      size_t *ret_done)
{
	size_t size = size_of(transfer);
	int n = heph_wait_allowed(ctx);

	if (transfer->flags & (MSG_PEEK | MSG_TRUNC))
		n = -EINVAL;
	while (n >= 0 && transfer->skip < size) {
		n = move(ctx, fd, transfer);
		if (n == 0 && !transfer->sending)
			n = -ENODATA;
		if (n > 0)
			transfer->skip += (size_t)n;
	}
	if (ret_done)
		*ret_done = transfer->skip;
	return n < 0 ? n : 0;
}

/* ---- public --------------------------------------------------------------------- */

static struct iovec one(const void *buf, size_t size)
{
	return (struct iovec){ (void *)(uintptr_t)buf, size };
}

int heph_message_send_to(heph_ctx ctx, struct heph_file *file, const void *buf,
			 size_t size, const struct heph_address *to)
{
	struct iovec iov = one(buf, size);
	struct transfer transfer = {
		.sending = true, .iov = &iov, .n = 1, .to = to
	};

	return move_file(ctx, file, &transfer);
}

int heph_socket_recvv(heph_ctx ctx, struct heph_fd fd, const struct iovec *iov,
		      unsigned n, int flags)
{
	struct transfer transfer = { .flags = flags, .iov = iov, .n = n };

	return move(ctx, fd, &transfer);
}

int heph_socket_sendv(heph_ctx ctx, struct heph_fd fd, const struct iovec *iov,
		      unsigned n, int flags)
{
	struct transfer transfer = {
		.sending = true, .flags = flags, .iov = iov, .n = n
	};

	return move(ctx, fd, &transfer);
}

int heph_socket_recvv_exact(heph_ctx ctx, struct heph_fd fd,
			    const struct iovec *iov, unsigned n, int flags,
			    size_t *ret_done)
{
	struct transfer transfer = { .flags = flags, .iov = iov, .n = n };

	return move_exact(ctx, fd, &transfer, ret_done);
}

int heph_socket_sendv_exact(heph_ctx ctx, struct heph_fd fd,
			    const struct iovec *iov, unsigned n, int flags,
			    size_t *ret_done)
{
	struct transfer transfer = {
		.sending = true, .flags = flags, .iov = iov, .n = n
	};

	return move_exact(ctx, fd, &transfer, ret_done);
}

int heph_socket_recv(heph_ctx ctx, struct heph_fd fd, void *buf, size_t size,
		     int flags)
{
	struct iovec iov = one(buf, size);

	return heph_socket_recvv(ctx, fd, &iov, 1, flags);
}

int heph_socket_send(heph_ctx ctx, struct heph_fd fd, const void *buf,
		     size_t size, int flags)
{
	struct iovec iov = one(buf, size);

	return heph_socket_sendv(ctx, fd, &iov, 1, flags);
}

int heph_socket_recv_exact(heph_ctx ctx, struct heph_fd fd, void *buf,
			   size_t size, int flags, size_t *ret_done)
{
	struct iovec iov = one(buf, size);

	return heph_socket_recvv_exact(ctx, fd, &iov, 1, flags, ret_done);
}

int heph_socket_send_exact(heph_ctx ctx, struct heph_fd fd, const void *buf,
			   size_t size, int flags, size_t *ret_done)
{
	struct iovec iov = one(buf, size);

	return heph_socket_sendv_exact(ctx, fd, &iov, 1, flags, ret_done);
}

int heph_socket_recv_from(heph_ctx ctx, struct heph_fd fd, void *buf, size_t size,
			  int flags, struct heph_address *ret_from)
{
	struct iovec iov = one(buf, size);
	struct transfer transfer = {
		.flags = flags, .iov = &iov, .n = 1, .ret_from = ret_from
	};

	return move(ctx, fd, &transfer);
}

int heph_socket_send_to(heph_ctx ctx, struct heph_fd fd, const void *buf,
			size_t size, int flags, const struct heph_address *to)
{
	struct iovec iov = one(buf, size);
	struct transfer transfer = {
		.sending = true, .flags = flags, .iov = &iov, .n = 1, .to = to
	};

	return move(ctx, fd, &transfer);
}

int heph_socket_recvmsg(heph_ctx ctx, struct heph_fd fd,
			struct heph_socket_msg *msg, int flags)
{
	struct transfer transfer = { .flags = flags,
				     .iov = msg->iov,
				     .n = msg->n_iov,
				     .msg = msg };

	msg->n_fds = 0;
	msg->has = 0;
	msg->flags = 0;
	return move(ctx, fd, &transfer);
}

int heph_socket_sendmsg(heph_ctx ctx, struct heph_fd fd,
			const struct heph_socket_msg *msg, int flags)
{
	struct transfer transfer = { .sending = true,
				     .flags = flags,
				     .iov = msg->iov,
				     .n = msg->n_iov,
				     .msg = (void *)(uintptr_t)msg };

	if (msg->has & HEPH_MSG_ADDRESS)
		transfer.to = &msg->address;
	return move(ctx, fd, &transfer);
}
