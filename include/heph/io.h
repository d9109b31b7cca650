/* SPDX-License-Identifier: MIT */
/*
 * io.h - descriptors, reading and writing, TCP
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

/* ---- TCP ----------------------------------------------------------------- */

/*
 * Addresses are text: "127.0.0.1:7000", "[::1]:7000", ":7000" (all, IPv6 and
 * IPv4) with port 0 for any free one. Names of hosts are not looked up.
 * -EINVAL if it cannot be read.
 */
enum { HEPH_ADDRESS_MAX = 64 };

/* Opens a listening socket; does not wait. SO_REUSEADDR, and accepted
 * connections have TCP_NODELAY. Returns 0; -EADDRINUSE, -EACCES. */
HEPH_API HEPH_MUST int heph_listen(heph_ctx ctx, const char *address,
				   struct heph_fd *ret_fd);

/* The same for heph_serve_on_each(): further sockets can share its port. */
HEPH_API HEPH_MUST int heph_listen_shared(heph_ctx ctx, const char *address,
					  struct heph_fd *ret_fd);

/* Waits. Takes the next connection. Returns 0; -EMFILE, -ENFILE, -ENOBUFS,
 * -ECONNABORTED and the like, after which it can be called again. */
HEPH_API HEPH_MUST int heph_accept(heph_ctx ctx, struct heph_fd listener,
				   struct heph_fd *ret_fd);

/* Waits. Connects, with TCP_NODELAY. Returns 0; -ECONNREFUSED and the like. */
HEPH_API HEPH_MUST int heph_connect(heph_ctx ctx, const char *address,
				    struct heph_fd *ret_fd);

/* Waits. Ends the sending half (SHUT_WR), the receiving half (SHUT_RD), or
 * both (SHUT_RDWR) of a connection. Returns 0. */
HEPH_API HEPH_MUST int heph_shutdown(heph_ctx ctx, struct heph_fd fd, int how);

/* The address of this end, and of the other one, as text. Does not wait. */
HEPH_API HEPH_MUST int heph_local_address(heph_ctx ctx, struct heph_fd fd,
					  char ret_address[HEPH_ADDRESS_MAX]);
HEPH_API HEPH_MUST int heph_peer_address(heph_ctx ctx, struct heph_fd fd,
					 char ret_address[HEPH_ADDRESS_MAX]);

/* ---- serving ------------------------------------------------------------- */

/*
 * heph_serve(ctx, listener, NAME, member[, argument][, .option = ...]): waits,
 * and spawns an actor for each connection, with its descriptor in that member
 * of the argument, which is otherwise copied for each of them: a type whose
 * argument owns something (.drop_arg) does not fit. The connections are actors
 * of the caller's worker, whatever `.on` says.
 *
 * It goes on until the caller is stopped. When accepting fails because
 * something is exhausted (EMFILE, ENFILE, ENOBUFS, ENOMEM) it tries again
 * after a pause that grows from 1 ms to 1 s; a connection whose actor cannot
 * be spawned is closed. A stop closes the listener and lets the connections
 * finish: for half of the runtime's grace if the runtime is ending, otherwise
 * for half of the configured grace; then they are stopped and awaited.
 * Returns 0 after a stop (of which the caller is still aware: what it wants to
 * wait for then needs heph_shield()), -ETIME after the deadline of `ctx`, which
 * ends it in the same way; another error of accepting. If the server could not
 * be spawned (-ENOMEM, -EAGAIN, -EBADF, or a stop or deadline before that) the
 * listener is still the caller's, otherwise it is closed.
 */
HEPH_API HEPH_MUST int heph_raw_serve(heph_ctx ctx, struct heph_fd listener,
				      const struct heph_actor *actor,
				      const void *spawn, size_t size,
				      size_t fd_at);

/* heph_serve_on_each(...): the same on each worker, with a socket each that
 * shares the port of `listener`, which heph_listen_shared() made (otherwise
 * -EINVAL); connections stay on the worker that accepted them. */
HEPH_API HEPH_MUST int heph_raw_serve_on_each(heph_ctx ctx,
					      struct heph_fd listener,
					      const struct heph_actor *actor,
					      const void *spawn, size_t size,
					      size_t fd_at);

#ifdef __cplusplus
}
#endif
#endif
