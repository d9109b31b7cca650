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

#include <sys/uio.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- descriptors --------------------------------------------------------- */

/* Closes it; { 0 } and stale ones are ignored. Does not wait. Only by the
 * owner, which must not have an operation on it under way. */
HEPH_API void heph_close(struct heph_fd fd);

/*
 * Waits. Closes it, and tells how that went: what is written in vain to a file
 * of another machine, or on a full disk, may be told only then. Whatever is
 * returned, it is closed, or will be soon. Returns 0; -EIO, -ENOSPC, -EDQUOT.
 */
HEPH_API HEPH_MUST int heph_close_wait(heph_ctx ctx, struct heph_fd fd);

/* Whether it is none. */
static inline bool heph_fd_none(struct heph_fd fd)
{
	return fd.turn == 0;
}

/* Takes in a descriptor of the kernel: the runtime closes it from now on, and
 * leaves its flags as they are. Does not wait. Returns 0; an error, and then
 * `number` is still the caller's: -EBADF (it is not open); -ENFILE (more than the
 * runtime can have); -EOPNOTSUPP (a simulated runtime, or one that a test runs). */
HEPH_API HEPH_MUST int heph_fd_adopt(heph_ctx ctx, int number,
				     struct heph_fd *ret_fd);

/* The kernel's number, for a library; not to be closed. Does not wait. Returns it;
 * -EBADF. */
HEPH_API HEPH_MUST int heph_fd_number(heph_ctx ctx, struct heph_fd fd);

/* A second descriptor for the same open file, which is closed for itself: they
 * have one position, and one set of flags. Does not wait. Returns 0; -EMFILE,
 * -ENFILE. */
HEPH_API HEPH_MUST int heph_fd_duplicate(heph_ctx ctx, struct heph_fd fd,
					 struct heph_fd *ret_fd);

/*
 * The flags of the open file, as fcntl(2) has them: O_RDONLY, O_WRONLY, O_RDWR,
 * O_APPEND, O_NONBLOCK and so on. The second one sets O_APPEND, O_ASYNC,
 * O_DIRECT, O_NOATIME and O_NONBLOCK to what `flags` says and ignores others.
 * O_NONBLOCK makes no difference to operations: they wait. Do not wait. Return
 * the flags, and 0; -EINVAL, -EPERM.
 */
HEPH_API HEPH_MUST int heph_fd_flags(heph_ctx ctx, struct heph_fd fd);
HEPH_API HEPH_MUST int heph_fd_set_flags(heph_ctx ctx, struct heph_fd fd,
					 int flags);

/*
 * The standard input, output and error output of the process, whatever they
 * are: files, pipes, terminals, sockets. What is given is a duplicate, so the
 * end of the actor does not close 0, 1 or 2, and O_NONBLOCK is not set, which
 * others would notice who have the same open file. Nothing is collected before
 * it is written; what stdio(3) has collected comes later. Do not wait. Return
 * 0; -EBADF (it is closed), -EMFILE, -ENFILE.
 */
HEPH_API HEPH_MUST int heph_stdin(heph_ctx ctx, struct heph_fd *ret_fd);
HEPH_API HEPH_MUST int heph_stdout(heph_ctx ctx, struct heph_fd *ret_fd);
HEPH_API HEPH_MUST int heph_stderr(heph_ctx ctx, struct heph_fd *ret_fd);

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

/* ---- reading and writing --------------------------------------------------
 *
 * One call reads or writes once: what it returns may be less than was asked for,
 * 1 GiB at most. The exact forms go on until all of it is done.
 *
 * The forms with `offset` read and write there, and leave the position of the
 * file as it is; all others begin at the position and move it. Pipes and sockets
 * have none: -ESPIPE. -EINVAL if the last byte would be beyond 2^63 - 1.
 *
 * The forms with `pieces` fill, or take, one piece of memory after the other, as
 * readv(2) does; any of them may be empty. The vector is read before they
 * return and may lie anywhere. -EINVAL if all are more than SSIZE_MAX.
 */

/* Wait. Read at most `size` bytes, or what the pieces hold. Return how many; 0
 * at the end. */
HEPH_API HEPH_MUST int heph_read(heph_ctx ctx, struct heph_fd fd, void *buf,
				 size_t size);
HEPH_API HEPH_MUST int heph_read_at(heph_ctx ctx, struct heph_fd fd, void *buf,
				    size_t size, uint64_t offset);
HEPH_API HEPH_MUST int heph_readv(heph_ctx ctx, struct heph_fd fd,
				  const struct iovec *pieces, size_t n);
HEPH_API HEPH_MUST int heph_readv_at(heph_ctx ctx, struct heph_fd fd,
				     const struct iovec *pieces, size_t n,
				     uint64_t offset);

/* Wait. Write at most `size` bytes, or those of the pieces. Return how many.
 * -EPIPE: nobody can read them any more; there is no signal. */
HEPH_API HEPH_MUST int heph_write(heph_ctx ctx, struct heph_fd fd,
				  const void *buf, size_t size);
HEPH_API HEPH_MUST int heph_write_at(heph_ctx ctx, struct heph_fd fd,
				     const void *buf, size_t size,
				     uint64_t offset);
HEPH_API HEPH_MUST int heph_writev(heph_ctx ctx, struct heph_fd fd,
				   const struct iovec *pieces, size_t n);
HEPH_API HEPH_MUST int heph_writev_at(heph_ctx ctx, struct heph_fd fd,
				      const struct iovec *pieces, size_t n,
				      uint64_t offset);

/*
 * Wait. Until exactly `size` bytes are read, or all pieces are full. Return 0;
 * -ENODATA (the end came first). `ret_done`, which may be NULL, is how many bytes
 * were read, also when an error is returned.
 */
HEPH_API HEPH_MUST int heph_read_exact(heph_ctx ctx, struct heph_fd fd, void *buf,
				       size_t size, size_t *ret_done);
HEPH_API HEPH_MUST int heph_read_exact_at(heph_ctx ctx, struct heph_fd fd,
					  void *buf, size_t size,
					  uint64_t offset, size_t *ret_done);
HEPH_API HEPH_MUST int heph_readv_exact(heph_ctx ctx, struct heph_fd fd,
					const struct iovec *pieces, size_t n,
					size_t *ret_done);
HEPH_API HEPH_MUST int heph_readv_exact_at(heph_ctx ctx, struct heph_fd fd,
					   const struct iovec *pieces, size_t n,
					   uint64_t offset, size_t *ret_done);

/*
 * Waits. Reads at most 64 KiB, without a copy: `ret_data` is where they lie, in
 * memory that the runtime lends, and that may be written to. It is the caller's
 * until heph_end_view(), the next heph_read_view() of this descriptor, or its
 * close, or when it is given away. No memory is held while it waits. For streams
 * and pipes; a file works, too. Returns how many bytes; 0 at the end; -EOPNOTSUPP
 * (it is of packets).
 */
HEPH_API HEPH_MUST int heph_read_view(heph_ctx ctx, struct heph_fd fd,
				      char **ret_data);

/* Gives back what heph_read_view() returned, if there is something. Does not
 * wait. Only by the owner of the descriptor. */
HEPH_API void heph_end_view(heph_ctx ctx, struct heph_fd fd);

/* Waits. Until all bytes are written. Returns 0. */
HEPH_API HEPH_MUST int heph_write_all(heph_ctx ctx, struct heph_fd fd,
				      const void *buf, size_t size);

/* The same; `ret_done`, which may be NULL, is how many bytes were written, also
 * when an error is returned. -EIO besides: it takes no more bytes. */
HEPH_API HEPH_MUST int heph_write_exact(heph_ctx ctx, struct heph_fd fd,
					const void *buf, size_t size,
					size_t *ret_done);
HEPH_API HEPH_MUST int heph_write_exact_at(heph_ctx ctx, struct heph_fd fd,
					   const void *buf, size_t size,
					   uint64_t offset, size_t *ret_done);
HEPH_API HEPH_MUST int heph_writev_exact(heph_ctx ctx, struct heph_fd fd,
					 const struct iovec *pieces, size_t n,
					 size_t *ret_done);
HEPH_API HEPH_MUST int heph_writev_exact_at(heph_ctx ctx, struct heph_fd fd,
					    const struct iovec *pieces, size_t n,
					    uint64_t offset, size_t *ret_done);

/* ---- pipes ----------------------------------------------------------------- */

/* One that keeps apart what was written at a time, as pipe(2) says of O_DIRECT:
 * PIPE_BUF bytes at most; what a read has no room for is lost. */
#define HEPH_PIPE_PACKETS 1u

/* Makes a pipe: what is written to the second descriptor is read from the first.
 * `flags` is 0 or HEPH_PIPE_PACKETS. Does not wait. Returns 0; -EINVAL, -EMFILE,
 * -ENFILE. */
HEPH_API HEPH_MUST int heph_pipe(heph_ctx ctx, struct heph_fd ret_fds[2],
				 unsigned flags);

/* How many bytes a pipe holds, by either end; sets it, to as much or more. Do not
 * wait. Return the size; -EBADF (it is no pipe), -EBUSY (it holds more now), -EPERM
 * (more than /proc/sys/fs/pipe-max-size), -EINVAL. */
HEPH_API HEPH_MUST int heph_pipe_size(heph_ctx ctx, struct heph_fd fd);
HEPH_API HEPH_MUST int heph_pipe_resize(heph_ctx ctx, struct heph_fd fd, int size);

#ifdef __cplusplus
}
#endif
#endif
