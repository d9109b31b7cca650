/* SPDX-License-Identifier: MIT */
/*
 * client_pool.h - the actor of a client: who gets which connection
 *
 * Who wants to ask something of a host makes a lease and asks the pool for it. The
 * pool grants it, at once or when it is its turn: with a connection that was
 * used before, or with the leave to open one. Both have the lease then; whoever got
 * it gives it back, once, with a connection that can be used again or with none.
 * He does so as well when he has asked and does not wait any more.
 *
 * A connection on its way, or idle, has no owner: its descriptor is a handle, so
 * whoever has it can close it. Messages between both keep their order, and so what
 * one side writes into a lease the other one sees.
 */
#ifndef HEPH_HTTP_CLIENT_POOL_H
#define HEPH_HTTP_CLIENT_POOL_H

#include <heph/heph.h>
#include <heph/http/client.h>

#include <stdatomic.h>
#include <sys/queue.h>

#include "http/client_settings.h"
#include "http/client_target.h"

struct heph_http_host;

/* A connection that nobody owns. */
struct heph_http_parked {
	bool there;
	struct heph_stream_handle stream;
	heph_time opened, parked;
};

struct heph_http_lease {
	atomic_uint refs; /* of the pool, and of who has asked */

	/* Of who asks. */
	bool secure, fresh; /* fresh: it wants no connection that was used */
	bool own_proxy;     /* `proxy` is not the client's business */
	bool no_cookies;
	const char *host, *path;
	const char *connect; /* "host:port" */
	const char *address; /* to connect to instead; NULL: that */
	struct heph_tls *tls; /* is held */

	/* Of the pool, until it grants it. */
	struct heph_http_client_settings *settings;
	struct heph_http_proxy *proxy; /* NULL: directly */
	char *cookies;                 /* the value of Cookie; NULL: none */
	bool borrowed;                 /* the proxy is that of the settings */

	/* Of the pool when it grants it, of the other when it is given back. */
	struct heph_http_parked parked;
	bool was_dead; /* what was parked was of no use */

	/* Of the pool alone. */
	enum {
		HEPH_HTTP_LEASE_NEW,
		HEPH_HTTP_LEASE_WAITING,
		HEPH_HTTP_LEASE_GRANTED,
		HEPH_HTTP_LEASE_IDLE,
	} state;
	struct heph_http_host *at;
	TAILQ_ENTRY(heph_http_lease) link, all;
	struct heph_reply reply;
};

TAILQ_HEAD(heph_http_leases, heph_http_lease);

/* ---- those who ask --------------------------------------------------------------- */

/* A lease for that target, not asked for so far; `address` may be NULL. Returns 0;
 * -ENOMEM. */
int heph_http_lease_new(const struct heph_http_target *target,
			const char *address,
			struct heph_http_lease **ret_lease)
	__attribute__((warn_unused_result));
void heph_http_lease_unref(struct heph_http_lease *lease);

/* Waits. Until the pool has granted it. The caller has the lease in any case: it
 * gives it back by one of the functions below. Returns 0; -EAGAIN (too many wait),
 * -ESRCH, -ENOMEM, -ETIME, -ECANCELED. */
int heph_http_pool_ask(heph_ctx ctx, struct heph_http_client client,
		       struct heph_http_lease *lease)
	__attribute__((warn_unused_result));

/* Makes the connection of a granted lease the caller's. 1; 0: there is none, or it
 * is dead; -ENOMEM. */
int heph_http_pool_take(heph_ctx ctx, struct heph_http_lease *lease,
			struct heph_stream *ret_stream, heph_time *ret_opened)
	__attribute__((warn_unused_result));

/* Gives a lease back, with a connection that can be used again; `stream` NULL:
 * with none. Both are not the caller's any more. Does not wait, but for room. */
void heph_http_pool_give(heph_ctx ctx, struct heph_http_client client,
			 struct heph_http_lease *lease,
			 struct heph_stream *stream, heph_time opened);

/* What a response has as Set-Cookie; on the heap, in one piece. */
struct heph_http_learned {
	bool secure;
	unsigned n;
	const char *host, *path;
	const char *texts; /* n of them, one after the other */
};

/* Waits, if the inbox of the pool is full. Tells the pool the cookies of a
 * response. Returns 0; -ENOMEM, and what sending returns. */
int heph_http_pool_learn(heph_ctx ctx, struct heph_http_client client,
			 const struct heph_http_target *target,
			 const struct heph_http_reply *reply)
	__attribute__((warn_unused_result));

/* ---- the actor --------------------------------------------------------------------- */

struct heph_http_pool_answer {
	int err;
};

struct heph_http_pool_msg {
	enum {
		HEPH_HTTP_POOL_ASK,
		HEPH_HTTP_POOL_GIVE,
		HEPH_HTTP_POOL_COOKIES,
		HEPH_HTTP_POOL_STATS,
	} kind;
	struct heph_http_lease *lease; /* a reference of its own */
	struct heph_http_learned *learned;
	HEPH_REPLY(struct heph_http_pool_answer) answer;
	HEPH_REPLY(struct heph_http_client_stats) stats;
};

struct heph_http_pool_arg {
	struct heph_http_client_settings *settings; /* a reference of its own */
	struct heph_http_pool *pool;                /* its memory */
};

HEPH_ACTOR(heph_http_pool, struct heph_http_pool_msg, struct heph_http_pool_arg);

/* The actor that a client is. */
heph_http_pool_ref heph_http_pool_of(struct heph_http_client client);

#endif
