/* SPDX-License-Identifier: MIT */
/*
 * server.h - an HTTP server: an actor for each connection
 *
 *     static int hello(heph_ctx ctx, struct heph_http_request *req,
 *                      struct heph_http_response *res)
 *     {
 *             return heph_http_text(ctx, res, 200, "Hello\n");
 *     }
 *
 *     err = heph_http_serve(ctx, "127.0.0.1:8080", .handler = hello);
 *
 * Answers to requests that have come together are written together, up to 16 KiB.
 * But a request whose like was not answered at once before, and one that is not
 * known yet, is begun only when the answers before it are written; so what is quick
 * does not wait for what is slow. The line of the status always says HTTP/1.1.
 *
 * A request whose body is not read, up to `drain` bytes, costs the connection no
 * more than these bytes; otherwise it ends, after the answer.
 *
 * Who wants to read the requests of a connection one by one, in an actor of his
 * own, uses heph_http_conn_new() and heph_http_next() instead.
 */
#ifndef HEPH_HTTP_SERVER_H
#define HEPH_HTTP_SERVER_H

#include <heph/http/message.h>
#include <heph/http/types.h>
#include <heph/net.h>
#include <heph/types.h>

#ifdef __cplusplus
extern "C" {
#endif

struct heph_http_middleware;
struct heph_http_router;
struct heph_http_stats;
struct heph_tls;

/* Lengths of time of 0, and sizes of 0, are the defaults; HEPH_NEVER is no limit. */
struct heph_http_options {
	size_t size; /* of this struct; set by the macros */

	/* Who answers: one of them. */
	heph_http_handler *handler;
	const struct heph_http_router *router;

	/* What heph_http_app() gives: HEPH_HTTP_APP(struct shop, &shop). Copied. */
	const void *app;
	const char *app_type;
	size_t app_size;

	struct heph_tls *tls; /* NULL: plain */

	struct heph_http_limits limits;
	uint64_t body;   /* bytes of a request's body; 1 MiB. 413 */
	uint64_t drain;  /* of a body that nobody reads: before the connection is
			  * closed instead; 64 KiB */
	unsigned requests;    /* on a connection; 0: any number */
	unsigned connections; /* at a time, of each worker; 0: any number */

	heph_time head_time;    /* for a head, from its first byte; 10 s. 408 */
	heph_time idle_time;    /* without a request; 60 s, the first too */
	heph_time body_time;    /* without a byte of a body; 10 s. 408 */
	uint64_t body_rate;     /* bytes a second that a body must have on the whole,
				 * after 10 s; 0: 1,000 */
	heph_time handler_time; /* the deadline of a handler's context; 30 s. 503.
				 * See heph_http_ctx() */
	heph_time write_time;   /* for each 64 KiB of a response; 30 s */
	heph_time tls_time;     /* for a handshake; 10 s */

	const char *name; /* of the Server field, 1,000 bytes at most; NULL: none */
	struct heph_http_stats *stats; /* not on a stack; NULL: none */
	bool each_worker; /* heph_http_serve_on(): the listener is shared */

	/* Around `handler`, which then gets all requests that are HTTP: see
	 * heph_http_router_all(). Ends with one that has no `run`. NULL: none. */
	const struct heph_http_middleware *around;
};

#define HEPH_HTTP_APP(type, ptr)                                               \
	.app = (1 ? (ptr) : (const type *)0), .app_type = #type,               \
	.app_size = sizeof(type)

/* What a server has done; numbers grow, but for those of `now`. */
struct heph_http_stats {
	struct heph_serve_stats serve;
	uint64_t connections_now;
	uint64_t requests, requests_now;
	uint64_t by_class[6];  /* responses: [2] of 200 to 299, [0] none sent */
	uint64_t wrong;        /* requests that were no HTTP */
	uint64_t late_heads, late_bodies, late_handlers, late_writers;
	uint64_t received, sent; /* bytes of bodies */
	uint64_t handshakes, failed_handshakes;
};

/* Reads them while servers count. Any thread. */
HEPH_API struct heph_http_stats
heph_http_stats(const struct heph_http_stats *stats);

/*
 * heph_http_serve(ctx, address[, .option = ...]): waits; serves HTTP at that
 * address on each worker, until the caller is stopped; then accepts no more,
 * answers what it has begun, with "Connection: close", and ends. Returns as
 * heph_serve() does; -EINVAL (options that cannot be; logged which), and what
 * heph_listen_shared() returns, which is logged, with the address.
 */
#define heph_http_serve(ctx, address, ...)                                     \
	HEPH_WITH__(heph_http_raw_serve(                                       \
		(ctx), (address),                                              \
		HEPH_SIZED__(struct heph_http_options, __VA_ARGS__)))
HEPH_API HEPH_MUST int heph_http_raw_serve(heph_ctx ctx, const char *address,
					   const struct heph_http_options *options);

/* The same with a listener that is there already: one of systemd, for example.
 * On the caller's worker alone unless `.each_worker`, which wants one of
 * heph_listen_shared(). */
#define heph_http_serve_on(ctx, listener, ...)                                 \
	HEPH_WITH__(heph_http_raw_serve_on(                                    \
		(ctx), (listener),                                             \
		HEPH_SIZED__(struct heph_http_options, __VA_ARGS__)))
HEPH_API HEPH_MUST int
heph_http_raw_serve_on(heph_ctx ctx, heph_fd listener,
		       const struct heph_http_options *options);

/* ---- one connection, by hand ----------------------------------------------------- */

/*
 * Takes a connection over; the descriptor is its own after 0, and the caller's after an
 * error. `options` are those of a server, without handler, around, router or app, with
 * `.size`; NULL: the defaults. They are copied. With `.tls` the first heph_http_next()
 * shakes hands. Does not wait. Returns 0; -ENOMEM, -EINVAL.
 */
HEPH_API HEPH_MUST int
heph_http_conn_new(heph_ctx ctx, heph_fd fd,
		   const struct heph_http_options *options,
		   struct heph_http_conn **ret_conn);

/*
 * Waits. The next request, and the response that is to be filled for it; the
 * former ones end, whatever is left of them. Returns 1; 0: the connection is done,
 * the peer has closed it, said nothing for too long, or was told to go;
 * -EBADMSG: it was no HTTP, and the peer was told so; -ETIME (a head that came too
 * slowly; it was told), -ECANCELED, -ECONNRESET and so on. After anything but 1 it
 * only can be freed.
 */
HEPH_API HEPH_MUST int heph_http_next(heph_ctx ctx, struct heph_http_conn *conn,
				      struct heph_http_request **ret_req,
				      struct heph_http_response **ret_res);

/* Waits, briefly: what was answered is sent. Closes it and frees it. */
HEPH_API void heph_http_conn_free(heph_ctx ctx, struct heph_http_conn *conn);

#ifdef __cplusplus
}
#endif
#endif
