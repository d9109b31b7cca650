/* SPDX-License-Identifier: MIT */
/*
 * conn.h - a connection of the server: its stream, what has come, what goes out
 *
 * Input is read where it lies: heph_stream_read() lends it, and `in` is what of
 * that is not used yet. Output is collected in `out` and written before something
 * is waited for, or when it is full: so a bundle of requests is answered in one
 * write. A request that was not answered at once the last time is not
 * begun before the answers to former ones are written. An idle connection has
 * neither input, output nor exchange.
 */
#ifndef HEPH_HTTP_CONN_H
#define HEPH_HTTP_CONN_H

#include <heph/http/server.h>
#include <heph/own.h>

#include "http/exchange.h"
#include "http/home.h"
#include "http/settings.h"

struct heph_http_conn {
	struct heph_ending ending; /* if its actor ends in the midst of it */
	struct heph_stream stream;
	heph_ctx ctx; /* of its actor */
	heph_time handler_deadline; /* that the handler's context has; 0: none */
	struct heph_http_settings *settings;
	struct heph_http_home *home;
	struct heph_http_exchange *now; /* the request under way; NULL: none */
	struct heph_http_out *out;      /* NULL: nothing to be written */
	char *in;
	unsigned in_size;
	unsigned requests;
	struct heph_http_conn *next, **prev; /* of the home */
	struct heph_addr self; /* who is stopped when it is idle and all end */
	bool idle : 1; /* it waits for a request */
	bool by_hand : 1; /* the settings are its own */
	bool greeted : 1; /* the handshake was made, or there is none */
	bool last : 1; /* it ends after this request */
	bool broken : 1; /* nothing can be sent any more */
	bool reset : 1; /* its end must not look like a good one */
	bool linger : 1; /* the peer may still send what nobody reads */
	bool handed_over : 1; /* a handler has a copy of the stream */
};

/* ---- reading ----------------------------------------------------------------- */

/* Waits, no longer than `ctx`. Writes what is to be written; then more input, when
 * all of it was used. Returns 1; 0: the peer has ended its half; an error. */
int heph_http_conn_fill(heph_ctx ctx, struct heph_http_conn *conn);

/* So many bytes of the input are used. */
static inline void heph_http_conn_use(struct heph_http_conn *conn, size_t n)
{
	conn->in += n;
	conn->in_size -= (unsigned)n;
}

/* ---- writing ------------------------------------------------------------------ */

/* Waits. Writes what was collected. Returns 0, or an error, with which the
 * connection is broken: -EPIPE ... */
int heph_http_conn_flush(struct heph_http_conn *conn, heph_ctx ctx);

/* Waits, if there is no room. Room for `size` bytes, at most HEPH_HTTP_OUT / 2,
 * at `ret_at`; heph_http_conn_wrote() says how far it was used. Returns 0;
 * -ENOMEM; as flush. */
int heph_http_conn_room(struct heph_http_conn *conn, heph_ctx ctx, size_t size,
			char **ret_at);
void heph_http_conn_wrote(struct heph_http_conn *conn, const char *end);

/* Waits. Collects bytes, or writes them at once, if they are many. */
int heph_http_conn_write(struct heph_http_conn *conn, heph_ctx ctx,
			 const void *data, size_t size);

/* ---- its life ----------------------------------------------------------------- */

/* The context for what the library waits for by itself, at most `length`. */
heph_ctx heph_http_conn_ctx(const struct heph_http_conn *conn, heph_ctx ctx,
			    heph_time length);

/* Waits by itself are not under the deadline of a call. */
static inline void heph_http_conn_set_ctx(struct heph_http_conn *conn,
					  heph_ctx ctx)
{
	conn->ctx = ctx;
	conn->ctx.deadline = HEPH_NEVER | (ctx.deadline & 1);
}

int heph_http_conn_make(heph_ctx ctx, heph_fd fd,
			struct heph_http_settings *settings,
			struct heph_http_home *home,
			struct heph_http_conn **ret_conn);

/* Waits, briefly. Says good-bye. */
void heph_http_conn_end(heph_ctx ctx, struct heph_http_conn *conn);

/*
 * heph_http_next(), in three steps, as fewer frames are kept while a connection is
 * idle then: what came before is ended, or there is a handshake; if there is no
 * input, it is awaited, and nothing is held meanwhile; a request is taken from the
 * input. Each waits, and returns 1: go on; otherwise as heph_http_next().
 */
int heph_http_conn_ready(heph_ctx ctx, struct heph_http_conn *conn);
int heph_http_conn_await(heph_ctx ctx, struct heph_http_conn *conn);
int heph_http_conn_take(heph_ctx ctx, struct heph_http_conn *conn);

/* Gives back what it has. Does not wait. */
void heph_http_conn_drop(heph_ctx ctx, struct heph_http_conn *conn);

/* From now on a connection whose actor ends before it, most likely by a panic of a
 * handler, is told so and ends, before what was acquired until now is given back.
 * Returns 0; -ENOMEM, at the first call only. */
int heph_http_conn_guard(heph_ctx ctx, struct heph_http_conn *conn);

/* Waits. What the handler has returned: an error is answered, if it still can
 * be. */
void heph_http_conn_settle(heph_ctx ctx, struct heph_http_conn *conn, int err);

/* Counts the request that was under way, as it is no more. */
void heph_http_conn_account(const struct heph_http_conn *conn);

/* ---- the body of a request: body.c --------------------------------------------- */

/* The head is there: what follows. */
void heph_http_body_begin(struct heph_http_conn *conn);

/* Whether heph_http_read() has something to say without waiting: bytes, the end, an
 * error; of what is here, and of what the socket has, which is readable. */
int heph_http_body_look(heph_ctx ctx, struct heph_http_conn *conn);
int heph_http_body_came(heph_ctx ctx, struct heph_http_conn *conn);

/* For who waits for it himself: until when its next byte must be there; that he has
 * waited since then, in vain or not; that it did not come. The last returns -ETIME. */
heph_time heph_http_body_deadline(const struct heph_http_conn *conn,
				  heph_time now);
void heph_http_body_waited(struct heph_http_conn *conn, heph_time begun);
int heph_http_body_late(struct heph_http_conn *conn);

/* Whether all of the body has come already. */
bool heph_http_body_is_here(const struct heph_http_conn *conn);

/* Whether what is left of the body is not worth reading, or cannot be: the
 * connection will end. */
bool heph_http_body_abandoned(const struct heph_http_conn *conn);

/* Waits. Reads away what nobody has read. Returns 0; an error: the connection
 * cannot go on. */
int heph_http_body_drain(heph_ctx ctx, struct heph_http_conn *conn);

#endif
