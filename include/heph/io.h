/* SPDX-License-Identifier: MIT */
/*
 * io.h - descriptors, reading and writing
 *
 * A descriptor is owned by the actor, or plain thread, that opened or accepted
 * it, and closed when that ends. Used by anybody else it is -EBADF. To hand
 * one to a child use the option `.give` of heph_spawn(); to send one to
 * another actor, heph_fd_give() and heph_fd_take().
 *
 * Operations return when they are done, and only then: a deadline or a stop
 * cancels the operation and waits until the kernel has let go of it. One that
 * had an effect by then returns its result, not -ETIME or -ECANCELED. Buffers
 * may lie anywhere, on the stack too.
 *
 * Besides what is listed, all return -EBADF (not open, or not the caller's),
 * -ETIME, -ECANCELED, -ENOMEM, and the errors of the system call that their
 * manual page lists.
 */
#ifndef HEPH_IO_H
#define HEPH_IO_H

#include <heph/actor.h>
#include <heph/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- descriptors --------------------------------------------------------- */

/* Closes it; { 0 } and stale ones are ignored. Does not wait. Only by the
 * owner, which must not have an operation on it under way. */
HEPH_API void heph_close(struct heph_fd fd);

/* Whether it is none. */
static inline bool heph_fd_none(struct heph_fd fd)
{
	return fd.turn == 0;
}

/* Takes in a descriptor of the kernel: the runtime closes it from now on, and
 * leaves its flags as they are. Returns 0; an error, and then `number` is still the
 * caller's. */
HEPH_API HEPH_MUST int heph_fd_adopt(heph_ctx ctx, int number,
				     struct heph_fd *ret_fd);

/* The kernel's number, for a library; not to be closed. -EBADF. */
HEPH_API HEPH_MUST int heph_fd_number(heph_ctx ctx, struct heph_fd fd);

/* A descriptor on its way to another actor: it has no owner, but is counted in
 * heph_stats(). Plain data, to be put into a message. */
struct heph_fd_handle {
	uint32_t slot, turn;
	uint16_t node; /* of the runtime; it cannot go to another one */
};

/*
 * Waits, if it is a listener, until it is idle. Makes a descriptor ownerless:
 * `fd` is stale then. It becomes that of the first who takes the handle, is
 * closed by heph_fd_discard(), in the `.drop` function of the message that
 * carries it, or at the end of the runtime. A send that failed leaves it with
 * the sender, who takes it back or discards it. Returns 0; -EBADF.
 */
HEPH_API HEPH_MUST int heph_fd_give(heph_ctx ctx, struct heph_fd fd,
				    struct heph_fd_handle *ret_handle);

/* Makes it the caller's. Returns 0; -EBADF (it was taken or discarded before,
 * or is another runtime's); -ENOMEM, and then it can still be taken. */
HEPH_API HEPH_MUST int heph_fd_take(heph_ctx ctx, struct heph_fd_handle handle,
				    struct heph_fd *ret_fd);

/* Closes it, if nobody has taken it. Does not wait. Any thread. */
HEPH_API void heph_fd_discard(struct heph_fd_handle handle);

/* ---- reading and writing -------------------------------------------------- */

/* Waits. Reads at most `size` bytes, from the current position of a file.
 * Returns how many; 0 at the end. */
HEPH_API HEPH_MUST int heph_read(heph_ctx ctx, struct heph_fd fd, void *buf,
				 size_t size);

/* Waits. Writes at most `size` bytes. Returns how many. */
HEPH_API HEPH_MUST int heph_write(heph_ctx ctx, struct heph_fd fd,
				  const void *buf, size_t size);

/*
 * Waits. Until exactly `size` bytes are read. Returns 0; -ENODATA (the end
 * came first). `ret_done`, which may be NULL, is how many bytes were read, also
 * when an error is returned.
 */
HEPH_API HEPH_MUST int heph_read_exact(heph_ctx ctx, struct heph_fd fd, void *buf,
				       size_t size, size_t *ret_done);

/* Waits. Until all bytes are written. Returns 0. */
HEPH_API HEPH_MUST int heph_write_all(heph_ctx ctx, struct heph_fd fd,
				      const void *buf, size_t size);

/* The same; `ret_done` is how many bytes were written, also when an error is
 * returned. */
HEPH_API HEPH_MUST int heph_write_exact(heph_ctx ctx, struct heph_fd fd,
					const void *buf, size_t size,
					size_t *ret_done);

#ifdef __cplusplus
}
#endif
#endif
