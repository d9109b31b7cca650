/* SPDX-License-Identifier: MIT */
/*
 * client.h - an HTTP client: requests, responses, a pool of connections
 *
 *     struct heph_http_client client;
 *     struct heph_http_reply *reply;
 *     struct heph_str body;
 *
 *     err = heph_http_client_start(ctx, &client, .per_host = 8);
 *     ...
 *     err = heph_http_get(heph_within(ctx, 5 * HEPH_SEC), client,
 *                         "http://example.org/x", &reply);
 *     if (err == 0)
 *             err = heph_http_reply_read_all(ctx, reply, 1 << 20, &body);
 *     ...
 *     heph_http_reply_free(ctx, reply);
 *
 * A client is an actor that keeps connections for others. What stands for it is
 * plain data, which can be copied and sent; it is of no use when the actor has
 * ended: -ESRCH. It can be used from any worker; one for each worker is faster.
 *
 * A request runs in the actor that makes it, and a reply is that actor's. What
 * one has not given back when it ends, however that comes, is given back then.
 */
#ifndef HEPH_HTTP_CLIENT_H
#define HEPH_HTTP_CLIENT_H

#include <heph/http/parse.h>
#include <heph/http/types.h>
#include <heph/io.h>
#include <heph/stream.h>
#include <heph/types.h>

#ifdef __cplusplus
extern "C" {
#endif

struct heph_tls;

/* ---- clients ------------------------------------------------------------------ */

struct heph_http_client {
	struct heph_addr actor__;
	heph_time wait__; /* times.wait of its options */
};

/* How long each part of a request may take. 0: the default; HEPH_NEVER: as long as
 * the deadline of the context allows, which holds in any case. */
struct heph_http_times {
	heph_time wait;    /* for a connection, when all are in use; 30 s */
	heph_time connect; /* names and addresses included; 10 s */
	heph_time tls;     /* the handshake; 10 s */
	heph_time send;    /* each 256 KiB of the request; 30 s */
	heph_time head;    /* from the request to the end of the response's head;
			    * 60 s */
	heph_time body;    /* without a byte of the response's body; 30 s */
};

struct heph_http_client_options {
	size_t size; /* of this struct; set by the macro */

	unsigned per_host;    /* connections to one host and port; 8 */
	unsigned connections; /* in all; 256 */
	unsigned waiting;     /* requests that wait for one; 1,024 */
	heph_time idle_time;  /* that a connection is kept without use; 30 s */
	heph_time max_age;    /* of a connection that is used again; 5 min */

	struct heph_http_times times;
	struct heph_http_limits limits; /* of the heads of responses */

	struct heph_tls *tls;   /* of "https:", is held; NULL: the system's
				 * certificates */
	const char *user_agent; /* NULL: "heph/VERSION"; "": none */
	const char *proxy; /* "http://[user:password@]host:port"; NULL: none */
	const char *no_proxy; /* "localhost, .example.org": hosts, and what is
			       * below them, that are asked directly; "*": all */
	bool environment; /* http_proxy, https_proxy and no_proxy say which proxy */
	bool cookies; /* are kept, and sent again (RFC 6265). There is no list of
		       * public suffixes: a host below co.uk may set one for all
		       * of co.uk */
};

/* heph_http_client_start(ctx, &client[, .option = ...]): spawns the actor, a child
 * of the caller. Returns 0; -EINVAL (an option; it is logged which); -ENOMEM,
 * and the others of heph_spawn(). */
#define heph_http_client_start(ctx, ret_client, ...)                           \
	HEPH_WITH__(heph_http_raw_client_start(                                \
		(ctx), (ret_client),                                           \
		HEPH_SIZED__(struct heph_http_client_options, __VA_ARGS__)))
HEPH_API HEPH_MUST int heph_http_raw_client_start(
	heph_ctx ctx, struct heph_http_client *ret_client,
	const struct heph_http_client_options *options);

/* Asks it to end: connections that are in use go on. Does not wait. */
HEPH_API void heph_http_client_stop(struct heph_http_client client);

/* What a client has done; numbers grow, but for those of `now`. */
struct heph_http_client_stats {
	unsigned idle_now, used_now, waiting_now, cookies_now;
	uint64_t requests; /* that asked for a connection */
	uint64_t opened;   /* new connections were allowed so often */
	uint64_t reused;   /* one that was there was used again */
	uint64_t refused;  /* requests: too many waited */
	uint64_t expired;  /* idle connections: too long, or too old */
	uint64_t dead;     /* the peer had closed them */
	uint64_t evicted;  /* to make room for another host */
};

/* Waits, for an answer. Returns 0; -ESRCH, -ETIME, -ECANCELED. */
HEPH_API HEPH_MUST int
heph_http_client_stats(heph_ctx ctx, struct heph_http_client client,
		       struct heph_http_client_stats *ret_stats);

/* ---- failures ----------------------------------------------------------------- */

/* What was being done. */
enum heph_http_phase {
	HEPH_HTTP_PHASE_URL,     /* reading the URL and the options */
	HEPH_HTTP_PHASE_WAIT,    /* getting a connection of the client's */
	HEPH_HTTP_PHASE_CONNECT,
	HEPH_HTTP_PHASE_PROXY,   /* asking a proxy for a tunnel */
	HEPH_HTTP_PHASE_TLS,
	HEPH_HTTP_PHASE_SEND,
	HEPH_HTTP_PHASE_HEAD,    /* the response, up to its empty line */
	HEPH_HTTP_PHASE_BODY,
	HEPH_HTTP_PHASE_REDIRECT,
	HEPH_HTTP_PHASES,
};

enum { HEPH_HTTP_FAILURE_MAX = 240 };

/* Why a request failed: "connect example.org:443: Connection refused". */
struct heph_http_failure {
	int err; /* 0: nothing has */
	enum heph_http_phase phase;
	enum heph_http_wrong wrong; /* of a response that was no HTTP */
	char text[HEPH_HTTP_FAILURE_MAX]; /* one line; may be cut */
};

/* ---- requests ----------------------------------------------------------------- */

struct heph_http_reply;
struct heph_http_request;

/* A field in text; the last one of an array is { 0 }. */
struct heph_http_pair {
	const char *name, *value;
};

/* .fields = HEPH_HTTP_FIELDS({ "Accept", "text/plain" }, { "Range", range }) */
#define HEPH_HTTP_FIELDS(...)                                                  \
	HEPH_ARRAY_GIVEN__(struct heph_http_pair, __VA_ARGS__, { NULL, NULL })

enum { HEPH_HTTP_NO_REDIRECTS = -1 };

/* A request. What it points to is to stay until the head of the response is there.
 * All zero is a GET without a body. */
struct heph_http_fetch {
	size_t size; /* of this struct; set by the macros */

	enum heph_http_method method;
	const char *method_name; /* of HEPH_HTTP_OTHER; NULL: GET */
	const struct heph_http_pair *fields;
	const struct heph_http_fields *copied; /* of another message, besides */

	/* The body: bytes, or a regular file, from its begin to its end; or what
	 * heph_http_fetch_write() writes, `length` bytes or HEPH_HTTP_UNKNOWN. */
	const void *body;
	size_t body_size;
	heph_fd file;
	uint64_t length;
	const char *content_type;

	/* The body is sent when the server asks for it ("100 Continue"), or has said
	 * nothing for so long; 0: at once. */
	heph_time expect;

	int redirects; /* that are followed at most; 0: 10 */
	bool insecure; /* they may lead from "https:" to "http:" */
	bool no_retry; /* when a connection that was used again has just ended */
	bool no_decode; /* the body as it is sent, whatever its coding */
	bool no_cookies;
	bool both_ways; /* the response is read while the body is written: see
			 * heph_http_fetch_some(). No redirect is followed */
	uint64_t most; /* bytes that a body may have, decoded; 0: any number */

	struct heph_http_times times;   /* 0: as the client's */
	struct heph_http_limits limits; /* the same */
	/* Where a redirect leads to another origin `tls` and `address` do not hold.
	 * `address` and `proxy` together cannot be, unless the latter is "". */
	struct heph_tls *tls; /* NULL: the client's */
	const char *upgrade; /* the protocol to change to, as Upgrade has it */
	const char *proxy;   /* NULL: the client's; "": none */
	const char *address; /* where to connect to, "127.0.0.1:80", "unix:/x",
			      * instead of the host of the URL; NULL: that */

	/* Is given the head of each interim response: `status` and `fields` of the
	 * reply are its own meanwhile. 100 is not among them. */
	void (*interim)(heph_ctx ctx, struct heph_http_reply *reply, void *arg);
	void *interim_arg;

	struct heph_http_failure *failure; /* is filled in if there is one */
};

/* The response to a request. To be read only. */
struct heph_http_reply {
	unsigned status;
	struct heph_str reason;
	struct heph_http_fields fields;
	uint64_t length; /* of the body as it comes; HEPH_HTTP_UNKNOWN */
	unsigned minor;  /* of HTTP/1.minor */
	unsigned redirects; /* that were followed */
	bool secure;     /* over TLS */
	bool reused;     /* by a connection that was there before */
	struct heph_str url; /* that has answered */
	struct heph_http_trip *trip__;
};

/*
 * heph_http_fetch(ctx, client, url, &reply[, .option = ...]): waits until the head
 * of the response is there, whatever its status. `url` is absolute: "http://
 * host[:port]/path?query", or "https:"; what is behind "#" is not sent, and
 * "user:password@" becomes an Authorization field.
 *
 * Host, User-Agent, Accept-Encoding, Content-Length or Transfer-Encoding, and
 * Connection are added; the first three only if they are not among `fields`, the
 * others must not be (-EINVAL).
 *
 * Redirects are followed: 301 and 302 make a POST a GET, 303 all but HEAD; 307 and
 * 308 repeat method and body, if the body is bytes or a file, else the redirect is
 * the reply. Authorization and Cookie fields go to no other origin (scheme, host
 * and port). An idempotent request that can be repeated is, once, when a connection
 * that was used before ends without a byte of a response.
 *
 * Returns 0, and a reply that the caller gives back; otherwise there is none:
 *
 *     -EINVAL      the URL, a field or an option cannot be
 *     -EPROTONOSUPPORT  another scheme, or "https:" without libheph-tls
 *     -ENOENT and others of heph_resolve(), -ECONNREFUSED and such, of the network
 *     -ETIME       a deadline, or one of the times
 *     -EAGAIN      too many requests wait for a connection
 *     -ENODATA     the connection ended before the response
 *     -EBADMSG     the response is no HTTP, or not as it should be
 *     -EMSGSIZE    its head is larger than the limits
 *     -ELOOP       too many redirects, or in a circle
 *     -EACCES      a redirect from "https:" to "http:"
 *     -EPROTO and others of TLS; -ECANCELED, -ENOMEM, -ESRCH (the client)
 */
#define heph_http_fetch(ctx, client, url, ret_reply, ...)                      \
	HEPH_WITH__(heph_http_raw_fetch(                                       \
		(ctx), (client), (url),                                        \
		HEPH_SIZED__(struct heph_http_fetch, __VA_ARGS__), (ret_reply)))
HEPH_API HEPH_MUST int heph_http_raw_fetch(heph_ctx ctx,
					   struct heph_http_client client,
					   const char *url,
					   const struct heph_http_fetch *fetch,
					   struct heph_http_reply **ret_reply);

/* Wait. The same: GET, and POST of some bytes. */
#define heph_http_get(ctx, client, url, ...)                                   \
	heph_http_fetch((ctx), (client), (url), __VA_ARGS__)
#define heph_http_post(ctx, client, url, data, n, ...)                         \
	heph_http_post__((ctx), (client), (url), (data), (n), __VA_ARGS__, )
#define heph_http_post__(ctx, client, url, data, n, ret_reply, ...)            \
	heph_http_fetch(ctx, client, url, ret_reply,                           \
			.method = HEPH_HTTP_POST, .body = (data),              \
			.body_size = (n), __VA_ARGS__)

/*
 * heph_http_fetch_begin(ctx, client, url, &reply, .length = ..., ...): waits until
 * the head of the request is sent. Then comes the body: written, and ended. The
 * status is 0 until the response has come. Returns as
 * heph_http_fetch() does.
 *
 * heph_http_fetch_write() returns 0; -EALREADY: the response has come before the
 * end of the request, so no more is to be written, but heph_http_fetch_end() to be
 * called (a server that wants the rest nevertheless waits for it in vain: see
 * heph_http_fetch_some()); -EMSGSIZE (more than `length`). heph_http_fetch_end() waits
 * for the head of the response; -ENODATA if less than `length` was written; -EALREADY:
 * it was called before. After an error the reply only can be asked why, and given back.
 */
#define heph_http_fetch_begin(ctx, client, url, ret_reply, ...)                \
	HEPH_WITH__(heph_http_raw_fetch_begin(                                 \
		(ctx), (client), (url),                                        \
		HEPH_SIZED__(struct heph_http_fetch, __VA_ARGS__), (ret_reply)))
HEPH_API HEPH_MUST int
heph_http_raw_fetch_begin(heph_ctx ctx, struct heph_http_client client,
			  const char *url, const struct heph_http_fetch *fetch,
			  struct heph_http_reply **ret_reply);
HEPH_API HEPH_MUST int heph_http_fetch_write(heph_ctx ctx,
					     struct heph_http_reply *reply,
					     const void *data, size_t size);
HEPH_API HEPH_MUST int heph_http_fetch_end(heph_ctx ctx,
					   struct heph_http_reply *reply);

/*
 * Both ways at once, for servers that begin to answer while they still read. With
 * `.both_ways` the body is written like this, and the response read when there is
 * something of it; who only writes may wait for a server that only waits for him.
 *
 *     n = heph_http_fetch_some(ctx, reply, data, size);
 *     if (n > 0)
 *             n bytes of `data` are written
 *     else if (n == 0)
 *             something of the response is here: its head, when the status was 0
 *             before; else heph_http_reply_view(), which does not wait for it
 *
 * heph_http_fetch_some() waits until there is room for a part of the body, or
 * something of the response, which comes first; with a size of 0 for the latter
 * alone. Returns how many bytes are written; 0, as above; -EALREADY: the response
 * is over, or the server reads no more, so only what is left of the response is to
 * be read; -EINVAL (not `.both_ways`); others as heph_http_fetch().
 * heph_http_fetch_end() ends the body, after which the response is read as ever.
 */
HEPH_API HEPH_MUST int heph_http_fetch_some(heph_ctx ctx,
					    struct heph_http_reply *reply,
					    const void *data, size_t size);

/*
 * The same in a server's handler that passes its request on: waits until there is
 * something of the body of that, or its end: 0, heph_http_read() is next; or
 * something of the response, as above: 1. What was answered so far is sent before.
 * A client that is too slow for the server's `body_time` and `body_rate` is 0, too,
 * and reading says -ETIME. Returns an error of the context, or of either connection.
 * A handler's own context ends after `handler_time`; heph_http_ctx() does not.
 */
HEPH_API HEPH_MUST int
heph_http_fetch_either(heph_ctx ctx, struct heph_http_reply *reply,
		       const struct heph_http_request *req);

/* ---- responses ---------------------------------------------------------------- */

/* The first field of that name, and the next one, as heph_http_field() has it;
 * { NULL, 0 }: there is none. */
HEPH_API struct heph_str
heph_http_reply_field(const struct heph_http_reply *reply, const char *name);
HEPH_API struct heph_str
heph_http_reply_next_field(const struct heph_http_reply *reply,
			   const char *name, unsigned *at);

/*
 * Waits. Reads the body, decoded unless `.no_decode`: at most `size` bytes of it.
 * Returns how many; 0 at its end, where the connection goes back to the client by
 * itself; -ENODATA (it was cut), -EBADMSG (malformed), -EMSGSIZE (larger than
 * `.most`), -ETIME, -ECANCELED, -ECONNRESET and what else the network says.
 */
HEPH_API HEPH_MUST int heph_http_reply_read(heph_ctx ctx,
					    struct heph_http_reply *reply,
					    void *buf, size_t size);

/* Waits. The same where it lies: `ret_data` is valid until the next call about this
 * reply. */
HEPH_API HEPH_MUST int heph_http_reply_view(heph_ctx ctx,
					    struct heph_http_reply *reply,
					    const char **ret_data);

/* Waits. Reads what is left of the body, `max` bytes at most (there is no default),
 * into memory of the reply, with a nul behind it. Returns 0; as above, -EMSGSIZE,
 * -ENOMEM. */
HEPH_API HEPH_MUST int heph_http_reply_read_all(heph_ctx ctx,
						struct heph_http_reply *reply,
						size_t max,
						struct heph_str *ret_body);

/* The fields behind a chunked body that was read to its end. */
HEPH_API const struct heph_http_fields *
heph_http_reply_trailers(const struct heph_http_reply *reply);

/* Why a call about it failed. Valid as long as the reply. */
HEPH_API const struct heph_http_failure *
heph_http_reply_failure(const struct heph_http_reply *reply);

/*
 * After 101, or 2xx to CONNECT: the connection is the caller's from now on, and
 * `ret_rest` are bytes that have come behind the head, valid as long as the reply.
 * Does not wait. Returns 0; -EINVAL (another status, or it was taken).
 */
HEPH_API HEPH_MUST int heph_http_reply_take(heph_ctx ctx,
					    struct heph_http_reply *reply,
					    struct heph_stream *ret_stream,
					    struct heph_str *ret_rest);

/* Gives it back; NULL is allowed. A connection whose response was not read to its
 * end is closed. Waits when the client has much to do, until that hears of it: for
 * 5 s at most, whatever the deadline and who asks to stop. */
HEPH_API void heph_http_reply_free(heph_ctx ctx, struct heph_http_reply *reply);

/* ---- one connection, by hand ----------------------------------------------------- */

struct heph_http_client_conn;

/*
 * Waits. Opens a connection to the host of a URL, which nobody else uses; of
 * `fetch` those members count that are about connections: times, limits, tls,
 * proxy, address, failure. NULL: the defaults. Returns as heph_http_fetch() does.
 */
HEPH_API HEPH_MUST int
heph_http_client_conn_open(heph_ctx ctx, const char *url,
			   const struct heph_http_fetch *fetch,
			   struct heph_http_client_conn **ret_conn);

/* heph_http_client_conn_send(ctx, conn, "/path"[, .option = ...]): waits until a request
 * is sent, head and body. Several can be sent before their responses are read, 64 at
 * most: -EAGAIN. Redirects, retries, cookies and proxies do not count. Returns 0;
 * -EPIPE (the connection is over); as heph_http_fetch(). */
#define heph_http_client_conn_send(ctx, conn, target, ...)                     \
	HEPH_WITH__(heph_http_raw_client_conn_send(                            \
		(ctx), (conn), (target),                                       \
		HEPH_SIZED__(struct heph_http_fetch, __VA_ARGS__)))
HEPH_API HEPH_MUST int
heph_http_raw_client_conn_send(heph_ctx ctx, struct heph_http_client_conn *conn,
			       const char *target,
			       const struct heph_http_fetch *fetch);

/* Waits. The response to the oldest request that has none, whose `failure` is filled
 * in if it does not come. It is to be given back before the next one (-EBUSY); what is
 * left of its body is skipped. Returns 0; as heph_http_fetch(); -EINVAL (nothing was
 * asked); -EPIPE (the connection is over). */
HEPH_API HEPH_MUST int
heph_http_client_conn_receive(heph_ctx ctx, struct heph_http_client_conn *conn,
			      struct heph_http_reply **ret_reply);

/* Closes it, and frees it; NULL is allowed. Does not wait. */
HEPH_API void heph_http_client_conn_close(heph_ctx ctx,
					  struct heph_http_client_conn *conn);

#ifdef __cplusplus
}
#endif
#endif
