/* SPDX-License-Identifier: MIT */
/*
 * net.h - sockets: listening, connecting, serving
 *
 * Sockets are descriptors like others; see io.h for who owns them, what ends an
 * operation, and the errors that all functions may return.
 */
#ifndef HEPH_NET_H
#define HEPH_NET_H

#include <heph/actor.h>
#include <heph/address.h>
#include <heph/io.h>
#include <heph/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- connections ----------------------------------------------------------- */

/* Addresses are text; see address.h. Those of Unix sockets are of streams. */

/* Opens a listening socket; does not wait. Of TCP: SO_REUSEADDR, and accepted
 * connections have TCP_NODELAY. The file of a Unix socket stays when it is
 * closed; one that nobody listens at any more is used again.
 * Returns 0; -EINVAL and others (heph_address_parse()), -EADDRINUSE, -EACCES. */
HEPH_API HEPH_MUST int heph_listen(heph_ctx ctx, const char *address,
				   struct heph_fd *ret_fd);

/* The same for heph_serve_on_each(): further sockets can share its port.
 * -EOPNOTSUPP for Unix sockets. */
HEPH_API HEPH_MUST int heph_listen_shared(heph_ctx ctx, const char *address,
					  struct heph_fd *ret_fd);

/* Waits. Takes the next connection. Returns 0; -EMFILE, -ENFILE, -ENOBUFS,
 * -ECONNABORTED and the like, after which it can be called again. */
HEPH_API HEPH_MUST int heph_accept(heph_ctx ctx, struct heph_fd listener,
				   struct heph_fd *ret_fd);

/*
 * Waits. The same, one at a time (heph_accept() lets the kernel go on accepting
 * meanwhile, up to 256), with the address of the peer. That of a connection
 * which heph_accept() had in store and which is gone already has the size 0.
 */
HEPH_API HEPH_MUST int heph_accept_from(heph_ctx ctx, struct heph_fd listener,
					struct heph_fd *ret_fd,
					struct heph_address *ret_peer);

/*
 * Waits. Connects, with TCP_NODELAY. heph_connect() also takes a name, with a port
 * or a service: "example.org:80", "example.org:http". Then the addresses of both
 * families are tried in turn, several at a time, until one connects (RFC 8305).
 * Returns 0; -ECONNREFUSED and the like; -EINVAL and others (heph_address_parse()),
 * and of a name, if no address is found, what heph_resolve() returns.
 */
HEPH_API HEPH_MUST int heph_connect(heph_ctx ctx, const char *address,
				    struct heph_fd *ret_fd);
HEPH_API HEPH_MUST int heph_connect_to(heph_ctx ctx,
				       const struct heph_address *address,
				       struct heph_fd *ret_fd);

/* Ends the sending half (SHUT_WR), the receiving half (SHUT_RD), or
 * both (SHUT_RDWR) of a connection. Does not wait. Returns 0; -ENOTCONN. */
HEPH_API HEPH_MUST int heph_shutdown(heph_ctx ctx, struct heph_fd fd, int how);

/* The address of this end, and of the other one, as text. Do not wait. Return 0;
 * -ENOTCONN; -EAFNOSUPPORT (address.h has no text for it). */
HEPH_API HEPH_MUST int heph_local_address(heph_ctx ctx, struct heph_fd fd,
					  char ret_address[HEPH_ADDRESS_MAX]);
HEPH_API HEPH_MUST int heph_peer_address(heph_ctx ctx, struct heph_fd fd,
					 char ret_address[HEPH_ADDRESS_MAX]);

/* ---- serving ------------------------------------------------------------- */

/* What servers have done; numbers only grow. Several may count in one. */
struct heph_serve_stats {
	uint64_t accepted; /* connections */
	uint64_t refused;  /* of them closed: their actor could not be spawned */
	uint64_t failed;   /* attempts to accept; see below */
	uint64_t full;     /* times that `limit` was reached */
};

/* Reads them while servers count. Any thread. */
HEPH_API struct heph_serve_stats
heph_serve_stats(const struct heph_serve_stats *stats);

#define HEPH_SERVE_OPTIONS__                                                   \
	unsigned limit; /* connections at a time, of each worker; 0: any */    \
	unsigned rate;  /* new ones in a second, of each worker; 0: any */     \
	size_t peer; /* heph_peer_member(NAME, member): gets the address */    \
	struct heph_serve_stats *stats /* not on a stack; NULL: none */

struct heph_serve_options {
	HEPH_SERVE_OPTIONS__;
};

/*
 * heph_serve(ctx, listener, NAME, member[, argument][, .option = ...]): waits,
 * and spawns an actor for each connection, with its descriptor in that member
 * of the argument, which is otherwise copied for each of them: a type whose
 * argument owns something (.drop_arg) does not fit. The connections are actors
 * of the caller's worker, whatever `.on` says.
 *
 * Besides the options of heph_spawn() there are those of struct
 * heph_serve_options. At its `.limit` a server accepts no more until a
 * connection has ended; with `.rate` = n it accepts at most n in the first
 * second, and then one in each n-th of a second. Those who come meanwhile wait
 * in the kernel, as many as its backlog holds. `.peer` names a member of the
 * argument, a struct heph_address, which is that of the peer.
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
				      size_t fd_at,
				      const struct heph_serve_options *options);

/* heph_serve_on_each(...): the same on each worker, with a socket each that
 * shares the port of `listener`, which heph_listen_shared() made (otherwise
 * -EINVAL); connections stay on the worker that accepted them. If workers are
 * pinned (struct heph_config), the kernel prefers the socket of the core that a
 * connection arrives at. */
HEPH_API HEPH_MUST int
heph_raw_serve_on_each(heph_ctx ctx, struct heph_fd listener,
		       const struct heph_actor *actor, const void *spawn,
		       size_t size, size_t fd_at,
		       const struct heph_serve_options *options);

#ifdef __cplusplus
}
#endif
#endif
