/* SPDX-License-Identifier: MIT */
/* kinds.h - how each kind of operation is done; see struct heph_op_type */
#ifndef HEPH_IO_KINDS_H
#define HEPH_IO_KINDS_H

#include <sys/types.h>

#include "io/op.h"

#define HEPH_KIND(name)                                                        \
	void heph_prepare_##name(struct io_uring_sqe *sqe,                     \
				 struct heph_op *op);                          \
	int heph_attempt_##name(struct heph_op *op)

HEPH_KIND(read);
HEPH_KIND(write);
HEPH_KIND(readv);
HEPH_KIND(writev);
HEPH_KIND(recv);
HEPH_KIND(send);
HEPH_KIND(recvmsg);
HEPH_KIND(sendmsg);
HEPH_KIND(sendmsg_zc);
HEPH_KIND(accept);
HEPH_KIND(accept_one);
HEPH_KIND(connect);
HEPH_KIND(poll);
int heph_attempt_close(struct heph_op *op);
HEPH_KIND(close_file);
int heph_attempt_spawn(struct heph_op *op);
int heph_attempt_wait_process(struct heph_op *op);
int heph_attempt_kill_process(struct heph_op *op);
int heph_attempt_fcntl(struct heph_op *op);
int heph_attempt_pipe(struct heph_op *op);
int heph_attempt_status(struct heph_op *op);
int heph_attempt_stat(struct heph_op *op);
int heph_attempt_socket(struct heph_op *op);
int heph_attempt_recvmmsg(struct heph_op *op);
int heph_attempt_socket_pair(struct heph_op *op);
int heph_attempt_bind(struct heph_op *op);
int heph_attempt_listen(struct heph_op *op);
int heph_attempt_shutdown(struct heph_op *op);
int heph_attempt_get_option(struct heph_op *op);
int heph_attempt_set_option(struct heph_op *op);
int heph_attempt_name(struct heph_op *op);
int heph_attempt_resolve(struct heph_op *op);

/* Of a send that io_uring does. */
unsigned heph_send_flags(const struct heph_op *op);

HEPH_KIND(open);
HEPH_KIND(statx);
int heph_attempt_chmod(struct heph_op *op);
int heph_attempt_chown(struct heph_op *op);
int heph_attempt_utimes(struct heph_op *op);
HEPH_KIND(rename);
HEPH_KIND(link);
HEPH_KIND(symlink);
int heph_attempt_read_link(struct heph_op *op);
HEPH_KIND(remove);
HEPH_KIND(mkdir);
HEPH_KIND(xattr_get);
HEPH_KIND(xattr_set);
int heph_attempt_xattr_list(struct heph_op *op);
int heph_attempt_xattr_remove(struct heph_op *op);
HEPH_KIND(sync);
HEPH_KIND(truncate);
HEPH_KIND(allocate);
HEPH_KIND(advise);
int heph_attempt_seek(struct heph_op *op);
int heph_attempt_read_dir(struct heph_op *op);
int heph_attempt_lock(struct heph_op *op);
int heph_attempt_clone(struct heph_op *op);
int heph_attempt_copy_range(struct heph_op *op);
HEPH_KIND(splice);
HEPH_KIND(memory_advise);
int heph_attempt_notify_open(struct heph_op *op);
int heph_attempt_notify_add(struct heph_op *op);
int heph_attempt_notify_remove(struct heph_op *op);

/* Others may have taken what it was ready for, and then its system call would wait
 * with the whole worker: pipes and terminals can say so instead. */
bool heph_attempt_must_not_wait(const struct heph_op *op);

/* The transfer of such a one, at its position, that does not wait: -1 and EAGAIN. */
struct iovec;
ssize_t heph_attempt_try_read(const struct heph_op *op,
			      const struct iovec *pieces, int n);
ssize_t heph_attempt_try_write(const struct heph_op *op,
			       const struct iovec *pieces, int n);

/* Reads into memory of the pool, of HEPH_VIEW_SIZE bytes, which is in op->buf if
 * the result is above 0. */
int heph_attempt_provided(struct heph_op *op);

/* Runs a system call that may write to a broken pipe: -EPIPE and no signal. */
int heph_attempt_quietly(struct heph_op *op, ssize_t (*call)(struct heph_op *op));

#undef HEPH_KIND

/* Closes what an operation has brought and nobody will ever see. */
void heph_undo_number(struct heph *heph, struct heph_op *op);
void heph_undo_recvmsg(struct heph *heph, struct heph_op *op);

#endif
