/* SPDX-License-Identifier: MIT */
/*
 * client_trip.h - a request on its way, and the response that comes back
 *
 * What a struct heph_http_reply is the outside of. A trip may take several ways: a
 * redirect leads it elsewhere, a connection that was dead makes it begin again.
 * Each way has a lease and a connection, or uses one that was made by hand. Used
 * by the actor that made it.
 */
#ifndef HEPH_HTTP_CLIENT_TRIP_H
#define HEPH_HTTP_CLIENT_TRIP_H

#include <heph/http/client.h>

#include "http/client_pool.h"
#include "http/client_wire.h"
#include "http/decode.h"

enum { HEPH_HTTP_TRIP_SEEN = 32 };

/* Bytes that grow. */
struct heph_http_bytes {
	char *data;
	size_t n, room;
};

struct heph_http_trip {
	struct heph_http_reply reply;
	struct heph_ending ending;
	struct heph_http_client client;

	/* What is asked. */
	struct heph_http_fetch fetch;
	struct heph_http_times times;
	struct heph_http_limits limits;
	struct heph_http_target target;
	enum heph_http_method method;
	const char *method_name;
	char *user;           /* "user:password" of the URL; NULL: none */
	const char *literal;  /* the request target, as it is to be sent; NULL */
	bool by_hand;         /* the connection is not its own */
	struct heph_http_client_conn *conn; /* whose it is */
	bool given_back;      /* nobody has the reply any more */
	bool streams;         /* the body is written piece by piece */
	bool arrived;         /* heph_http_fetch_end() has got the response */
	bool dropped;         /* the body, by a redirect */
	bool foreign;         /* it has left the origin that it began with */
	bool retried;
	unsigned n_seen;
	uint64_t seen[HEPH_HTTP_TRIP_SEEN]; /* hashes of where it was */

	/* How it goes there. */
	struct heph_http_lease *lease;
	struct heph_http_wire *wire;
	struct heph_http_wire own_wire;
	struct heph_http_bytes out; /* the head that is sent */

	/* The body that is sent. */
	bool chunked, sent; /* sent: all of it */
	bool continued;     /* 100 has come */
	uint64_t to_send;

	/* The response. */
	bool has_head, keep_alive, decodes;
	unsigned interims;
	struct heph_http_bytes head;
	struct heph_http_field *places; /* for the fields of a head */
	enum heph_http_framing framing;

	/* Its body. */
	bool done;
	int err; /* it cannot be read any more */
	uint64_t left, taken;
	struct heph_http_chunks chunks;
	bool in_trailers;
	struct heph_http_bytes trail;
	struct heph_http_fields trailers;
	struct heph_str piece; /* bytes that are ready */
	struct heph_str coded; /* bytes that are to be decoded */
	struct heph_http_decoder *decoder;
	char *decoded;
	struct heph_http_bytes all; /* of heph_http_reply_read_all() */

	bool in_tls;      /* it shakes hands */
	const char *note; /* what a failure is called instead; static */
	struct heph_http_failure failure;
};

/* ---- life: client_trip.c ----------------------------------------------------------- */

/* An empty one. Returns 0; -ENOMEM. */
int heph_http_trip_new(heph_ctx ctx, const struct heph_http_fetch *fetch,
		       struct heph_http_trip **ret_trip)
	__attribute__((warn_unused_result));

/* Ends it, wherever it is. */
void heph_http_trip_free(heph_ctx ctx, struct heph_http_trip *trip);

/* The connection is not needed any more; `reusable`: others can use it. */
void heph_http_trip_leave(heph_ctx ctx, struct heph_http_trip *trip,
			  bool reusable);

/* Copies the failure to who asked for it, if `err` is below 0. Returns `err`. */
int heph_http_trip_tell(const struct heph_http_trip *trip, int err);

/* Fills in the failure, and returns `err`. */
int heph_http_trip_fail(struct heph_http_trip *trip, enum heph_http_phase phase,
			int err);

/* Room for more bytes, at the end. NULL: none. */
char *heph_http_bytes_room(struct heph_http_bytes *bytes, size_t size)
	__attribute__((warn_unused_result));

/* ---- client_fetch.c ------------------------------------------------------------------ */

/* One for a request; after an error there may be one, too, which tells why. */
int heph_http_trip_start(heph_ctx ctx, struct heph_http_client client,
			 const char *url, const struct heph_http_fetch *fetch,
			 struct heph_http_trip **ret_trip)
	__attribute__((warn_unused_result));

/* By what the options say. */
void heph_http_trip_set_method(struct heph_http_trip *trip);

/* ---- client_connect.c ---------------------------------------------------------------- */

/* Waits. Gets a connection; `fresh`: one that was not used before. Returns 0. */
int heph_http_trip_connect(heph_ctx ctx, struct heph_http_trip *trip, bool fresh)
	__attribute__((warn_unused_result));

/* A lease for it, which nobody is asked for so far. Returns 0. */
int heph_http_trip_lease(struct heph_http_trip *trip, bool fresh)
	__attribute__((warn_unused_result));

/* Waits. Opens one, for the lease that the trip has. Returns 0. */
int heph_http_trip_open(heph_ctx ctx, struct heph_http_trip *trip)
	__attribute__((warn_unused_result));

/* ---- client_tunnel.c ----------------------------------------------------------------- */

/* Waits. Has the proxy connect the connection to the host. Returns 0. */
int heph_http_trip_tunnel(heph_ctx ctx, struct heph_http_trip *trip)
	__attribute__((warn_unused_result));

/* Waits. Protects the connection. Returns 0. */
int heph_http_trip_protect(heph_ctx ctx, struct heph_http_trip *trip)
	__attribute__((warn_unused_result));

/* What TLS says about its latest error. */
const char *heph_http_tls_text(void);

/* What has been read of a response is forgotten. */
void heph_http_trip_forget(struct heph_http_trip *trip);

/* ---- client_compose.c ---------------------------------------------------------------- */

/* Whether what the caller says can be said. Returns 0; -EINVAL. */
int heph_http_trip_check(const struct heph_http_trip *trip)
	__attribute__((warn_unused_result));

/* Writes the head of the request, which was checked, to `out`. Returns 0;
 * -ENOMEM. */
int heph_http_trip_compose(struct heph_http_trip *trip)
	__attribute__((warn_unused_result));

/* ---- client_send.c ------------------------------------------------------------------- */

/* Waits. Sends the head, and the body if it is there already. Returns 0, also when
 * the response has come before all was sent. */
int heph_http_trip_send(heph_ctx ctx, struct heph_http_trip *trip)
	__attribute__((warn_unused_result));

/* Waits. A piece of the body; its end. Return 0; -EALREADY (the response is there). */
int heph_http_trip_write(heph_ctx ctx, struct heph_http_trip *trip,
			 const void *data, size_t size)
	__attribute__((warn_unused_result));
int heph_http_trip_end(heph_ctx ctx, struct heph_http_trip *trip)
	__attribute__((warn_unused_result));

/* Waits. As heph_http_fetch_some(), without what comes after an error. */
int heph_http_trip_some(heph_ctx ctx, struct heph_http_trip *trip,
			const void *data, size_t size)
	__attribute__((warn_unused_result));

/* Goes on with the response as far as it is here; with what the connection, which is
 * readable, has. Wait for nothing. 1: there is something for the caller; 0: there
 * is not. */
int heph_http_trip_came(heph_ctx ctx, struct heph_http_trip *trip)
	__attribute__((warn_unused_result));
int heph_http_trip_glance(heph_ctx ctx, struct heph_http_trip *trip)
	__attribute__((warn_unused_result));

/* ---- client_head.c ------------------------------------------------------------------- */

/* Waits. Until the head of the response is there. Returns 0. */
int heph_http_trip_head(heph_ctx ctx, struct heph_http_trip *trip)
	__attribute__((warn_unused_result));

/* Waits, for bytes. Goes on with the head. 1: it is there; 0: not so far, or an
 * interim one was. */
int heph_http_trip_head_step(heph_ctx ctx, struct heph_http_trip *trip)
	__attribute__((warn_unused_result));

/* ---- client_body.c ------------------------------------------------------------------- */

/* Gets some bytes of the body if they are here: `piece`, its end or an error. Waits
 * for nothing. 1; 0: there is nothing so far. */
int heph_http_trip_look(heph_ctx ctx, struct heph_http_trip *trip)
	__attribute__((warn_unused_result));

/* What follows from the head for the body. Returns 0; -ENOMEM. */
int heph_http_trip_begin_body(struct heph_http_trip *trip)
	__attribute__((warn_unused_result));

/* Waits. Gets some bytes into `piece`. 1; 0: that was all. */
int heph_http_trip_piece(heph_ctx ctx, struct heph_http_trip *trip)
	__attribute__((warn_unused_result));

/* Waits. Skips what is left of it, `max` bytes at most. 1: all; 0: not all. */
int heph_http_trip_drain(heph_ctx ctx, struct heph_http_trip *trip, uint64_t max)
	__attribute__((warn_unused_result));

/* Reads what is here already, without waiting, and tells whether that was all. */
bool heph_http_trip_rest_is_here(heph_ctx ctx, struct heph_http_trip *trip);

/* ---- client_conn.c ------------------------------------------------------------------- */

/* Its latest response has ended, with the actor. */
void heph_http_client_forget(struct heph_http_client_conn *conn);

/* ---- client_run.c -------------------------------------------------------------------- */

/* Waits, if it is a file. How long the body is that is to be sent. Returns 0. */
int heph_http_trip_prepare(heph_ctx ctx, struct heph_http_trip *trip)
	__attribute__((warn_unused_result));

/* Wait. The whole way up to where the body of the request begins; and from its end
 * to the head of the last response. Return 0. */
int heph_http_trip_begin(heph_ctx ctx, struct heph_http_trip *trip)
	__attribute__((warn_unused_result));
int heph_http_trip_finish(heph_ctx ctx, struct heph_http_trip *trip)
	__attribute__((warn_unused_result));

#endif
