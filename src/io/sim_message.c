/* SPDX-License-Identifier: MIT */
/* Messages as struct msghdr has them, and vectors: by way of one piece of memory. */
#include <limits.h>
#include <string.h>
#include <sys/uio.h>

#include "base/log.h"
#include "base/mem.h"
#include "io/sim_kinds.h"
#include "io/sim_socket.h"

enum { WHOLE_MAX = 1 << 20 };

/* How many bytes all of them have; what is more than WHOLE_MAX is not looked at,
 * as a call may always do less. */
static size_t whole(const struct iovec *vectors, size_t n)
{
	size_t size = 0;

	for (size_t i = 0; i < n; i++)
		size += vectors[i].iov_len < WHOLE_MAX ? vectors[i].iov_len :
							 WHOLE_MAX;
	return size < WHOLE_MAX ? size : WHOLE_MAX;
}

static void gather(const struct iovec *vectors, size_t n, char *to, size_t size)
{
	size_t part;

	for (size_t i = 0; i < n && size; i++, to += part, size -= part) {
		part = vectors[i].iov_len < size ? vectors[i].iov_len : size;
		memcpy(to, vectors[i].iov_base, part);
	}
}

static void scatter(const struct iovec *vectors, size_t n, const char *from,
		    size_t size)
{
	size_t part;

	for (size_t i = 0; i < n && size; i++, from += part, size -= part) {
		part = vectors[i].iov_len < size ? vectors[i].iov_len : size;
		memcpy(vectors[i].iov_base, from, part);
	}
}

/* ---- vectors ---------------------------------------------------------------------- */

int heph_sim_do_readv(struct heph_sim *sim, struct heph_op *op)
{
	struct heph_sim_file *file = heph_sim_file(sim, op->number);
	size_t size = whole(op->buf, op->size);
	char *memory;
	int n;

	if (!file)
		return -EBADF;
	if (!file->class->read)
		return -EINVAL;
	memory = heph_sim_memory(size);
	n = file->class->read(sim, file, memory, size, (int)op->flags,
			      op->offset);
	if (n > 0)
		scatter(op->buf, op->size, memory, (size_t)n);
	heph_mem_free(memory);
	return n;
}

int heph_sim_do_writev(struct heph_sim *sim, struct heph_op *op)
{
	struct heph_sim_file *file = heph_sim_file(sim, op->number);
	size_t size = whole(op->buf, op->size);
	char *memory;
	int n;

	if (!file)
		return -EBADF;
	if (!file->class->write)
		return -EINVAL;
	memory = heph_sim_memory(size);
	gather(op->buf, op->size, memory, size);
	n = file->class->write(sim, file, memory, size, (int)op->flags,
			       op->offset);
	heph_mem_free(memory);
	return n;
}

/* ---- messages ---------------------------------------------------------------------- */

static int receive(struct heph_sim_socket *socket, void *memory, size_t size,
		   int flags, struct heph_sim_name *from, size_t *length)
{
	int n;

	if (socket->type == SOCK_DGRAM)
		return heph_sim_packet_recv(socket, memory, size, flags, from,
					    length);
	n = socket->file.class->read(socket->sim, &socket->file, memory, size,
				     flags, HEPH_OFFSET_NONE);
	*from = socket->peer;
	*length = n < 0 ? 0 : (size_t)n;
	return n;
}

int heph_sim_do_recvmsg(struct heph_sim *sim, struct heph_op *op)
{
	struct heph_sim_socket *socket = heph_sim_socket_at(sim, op->number);
	struct msghdr *msg = op->buf;
	size_t size = whole(msg->msg_iov, msg->msg_iovlen), length = 0;
	struct heph_sim_name from = { 0 };
	char *memory;
	int n;

	if (!socket)
		return heph_sim_file(sim, op->number) ? -ENOTSOCK : -EBADF;
	memory = heph_sim_memory(size);
	n = receive(socket, memory, size, (int)op->flags, &from, &length);
	if (n > 0)
		scatter(msg->msg_iov, msg->msg_iovlen, memory, (size_t)n);
	heph_mem_free(memory);
	if (n < 0)
		return n;
	if (msg->msg_name)
		msg->msg_namelen = (socklen_t)heph_sim_name_write(
			&from, socket->domain, msg->msg_name, msg->msg_namelen);
	msg->msg_controllen = 0;
	msg->msg_flags = length > (size_t)n ? MSG_TRUNC : 0;
	return op->flags & MSG_TRUNC ? (int)length : n;
}

static int send_message(struct heph_sim_socket *socket, const struct msghdr *msg,
			const void *memory, size_t size, int flags)
{
	struct heph_sim_name to;
	int err;

	if (socket->type != SOCK_DGRAM)
		return socket->file.class->write(socket->sim, &socket->file,
						 memory, size, flags,
						 HEPH_OFFSET_NONE);
	if (!msg->msg_name)
		return heph_sim_packet_send(socket, NULL, memory, size);
	err = heph_sim_name_read(&to, socket->domain, msg->msg_name,
				 msg->msg_namelen);
	return err < 0 ? err : heph_sim_packet_send(socket, &to, memory, size);
}

int heph_sim_do_sendmsg(struct heph_sim *sim, struct heph_op *op)
{
	struct heph_sim_socket *socket = heph_sim_socket_at(sim, op->number);
	const struct msghdr *msg = op->buf;
	size_t size = whole(msg->msg_iov, msg->msg_iovlen);
	char *memory;
	int n;

	if (!socket)
		return heph_sim_file(sim, op->number) ? -ENOTSOCK : -EBADF;
	if (msg->msg_controllen) {
		heph_log_error("the simulated kernel does not know this",
			       HEPH_KV_STR("operation", "control messages"));
		return -EOPNOTSUPP;
	}
	memory = heph_sim_memory(size);
	gather(msg->msg_iov, msg->msg_iovlen, memory, size);
	n = send_message(socket, msg, memory, size, (int)op->flags);
	heph_mem_free(memory);
	return n;
}
