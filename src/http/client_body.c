/* SPDX-License-Identifier: MIT */
/*
 * The body of a response. What has come is not copied: a piece is a view of what
 * the connection has, without the framing of chunks, or of what a decoder has made
 * of it.
 */
#include <stdlib.h>
#include <string.h>

#include "http/client_mem.h"
#include "http/client_trip.h"

enum {
	DECODED = 16 << 10, /* bytes at a time */
	TRAILERS_MAX = 32,
	TRAIL_MAX = 8 << 10,
};

/* ---- begin ----------------------------------------------------------------------- */

static int begin_decoding(struct heph_http_trip *trip)
{
	struct heph_str coding =
		heph_http_reply_field(&trip->reply, "Content-Encoding");
	uint64_t most = trip->fetch.most ? trip->fetch.most : HEPH_HTTP_UNKNOWN;
	int err;

	if (!coding.data)
		return 0;
	err = heph_http_decoder_new(coding, most, &trip->decoder);
	if (err == 1 || err == -EOPNOTSUPP)
		return 0; /* as it is, and its field says so */
	if (err == 0)
		trip->decoded = client_mem(DECODED);
	return err < 0 ? err : trip->decoded ? 0 : -ENOMEM;
}

int heph_http_trip_begin_body(struct heph_http_trip *trip)
{
	bool empty = trip->framing == HEPH_HTTP_NO_BODY ||
		     (trip->framing == HEPH_HTTP_LENGTH && trip->left == 0);

	if (trip->decodes && !empty)
		return begin_decoding(trip);
	return 0;
}

/* ---- trailers --------------------------------------------------------------------- */

static int make_trailers(struct heph_http_trip *trip)
{
	struct heph_http_fields *fields = &trip->trailers;

	if (!fields->at)
		fields->at = client_mem(TRAILERS_MAX * sizeof(*fields->at));
	fields->room = TRAILERS_MAX;
	fields->n = 0;
	return fields->at ? 0 : -ENOMEM;
}

/* 0: that was all of it; 1: more must come. */
static int read_trailers(struct heph_http_trip *trip)
{
	struct heph_http_bytes *trail = &trip->trail;
	struct heph_http_wire *wire = trip->wire;
	size_t seen = trail->n, n = wire->n;
	ssize_t used;
	char *to = NULL;

	if (n > TRAIL_MAX + 1 - seen)
		n = TRAIL_MAX + 1 - seen;
	if (make_trailers(trip) == 0)
		to = heph_http_bytes_room(trail, n);
	if (!to)
		return -ENOMEM;
	memcpy(to, wire->data, n);
	trail->n += n;
	used = heph_http_parse_trailers(
		trail->data, trail->n, seen,
		&(struct heph_http_limits){ .head = TRAIL_MAX,
					    .fields = TRAILERS_MAX },
		&trip->trailers, &trip->failure.wrong);
	if (used < 0 || (used > 0 && (size_t)used < seen))
		return -EBADMSG;
	heph_http_wire_skip(wire, used > 0 ? (size_t)used - seen : n);
	return used > 0 ? 0 : 1;
}

/* ---- framing ------------------------------------------------------------------------ */

/* 1: a piece is there; 0: that was all; 2: there was framing alone. */
static int unchunk(struct heph_http_trip *trip)
{
	struct heph_http_wire *wire = trip->wire;
	size_t used, body;
	int more;

	if (trip->in_trailers) {
		more = read_trailers(trip);
		return more == 1 ? 2 : more;
	}
	more = heph_http_parse_chunks(&trip->chunks, wire->data, wire->n, &used,
				      &body);
	if (more < 0) {
		trip->failure.wrong = trip->chunks.wrong;
		return more;
	}
	trip->coded = heph_str_of(wire->data + used - body, body);
	heph_http_wire_skip(wire, used);
	trip->in_trailers = more == 0;
	return body ? 1 : 2;
}

static int take_chunked(heph_ctx ctx, struct heph_http_trip *trip)
{
	int result = 2, n;

	while (result == 2) {
		n = heph_http_wire_fill(ctx, trip->wire);
		if (n <= 0)
			return n < 0 ? n : -ENODATA;
		result = unchunk(trip);
	}
	return result;
}

static int take_plain(heph_ctx ctx, struct heph_http_trip *trip)
{
	bool to_close = trip->framing == HEPH_HTTP_UNTIL_CLOSE;
	struct heph_http_wire *wire = trip->wire;
	size_t size;
	int n;

	if (!to_close && trip->left == 0)
		return 0;
	n = heph_http_wire_fill(ctx, wire);
	if (n <= 0)
		return n < 0 ? n : to_close ? 0 : -ENODATA;
	size = wire->n;
	if (!to_close && size > trip->left)
		size = (size_t)trip->left;
	trip->coded = heph_str_of(wire->data, size);
	heph_http_wire_skip(wire, size);
	if (!to_close)
		trip->left -= size;
	return 1;
}

/* Bytes as they were sent, into `coded`. 1; 0: the end. */
static int take(heph_ctx ctx, struct heph_http_trip *trip)
{
	if (trip->framing == HEPH_HTTP_NO_BODY)
		return 0;
	ctx = heph_within(ctx, trip->times.body);
	return trip->framing == HEPH_HTTP_CHUNKED ? take_chunked(ctx, trip) :
						    take_plain(ctx, trip);
}

/* ---- the end ------------------------------------------------------------------------- */

/* The connection can be used again when nobody has more to say on it. */
static void end_body(heph_ctx ctx, struct heph_http_trip *trip)
{
	const struct heph_http_wire *wire = trip->wire;
	bool reusable = trip->keep_alive && trip->sent && !wire->ended &&
			(trip->by_hand || wire->n == 0) &&
			trip->framing != HEPH_HTTP_UNTIL_CLOSE;

	trip->done = true;
	heph_http_trip_leave(ctx, trip, reusable);
}

static int fail_body(heph_ctx ctx, struct heph_http_trip *trip, int err)
{
	trip->err = heph_http_trip_fail(trip, HEPH_HTTP_PHASE_BODY, err);
	heph_http_trip_leave(ctx, trip, false);
	return trip->err;
}

/* ---- decoding ------------------------------------------------------------------------- */

static int decode(heph_ctx ctx, struct heph_http_trip *trip)
{
	int n, more;

	for (;;) {
		n = heph_http_decode(trip->decoder, &trip->coded, trip->decoded,
				     DECODED);
		if (n != 0)
			break;
		more = take(ctx, trip);
		if (more < 0)
			return more;
		if (more == 0)
			return heph_http_decode_end(trip->decoder);
	}
	if (n > 0)
		trip->piece = heph_str_of(trip->decoded, (size_t)n);
	return n < 0 ? n : 1;
}

static int next_piece(heph_ctx ctx, struct heph_http_trip *trip)
{
	int more;

	if (trip->decoder)
		return decode(ctx, trip);
	more = take(ctx, trip);
	if (more <= 0)
		return more;
	trip->piece = trip->coded;
	trip->taken += trip->piece.size;
	return trip->fetch.most && trip->taken > trip->fetch.most ? -EMSGSIZE :
								    1;
}

int heph_http_trip_piece(heph_ctx ctx, struct heph_http_trip *trip)
{
	int more;

	if (trip->piece.size)
		return 1;
	if (trip->err < 0 || trip->done)
		return trip->err;
	more = next_piece(ctx, trip);
	if (more == -ETIME || more == -ECANCELED)
		return heph_http_trip_fail(trip, HEPH_HTTP_PHASE_BODY, more);
	if (more < 0) {
		trip->piece.size = 0;
		return fail_body(ctx, trip, more);
	}
	if (more == 0)
		end_body(ctx, trip);
	return more;
}

/* Whether it would have to wait for bytes first. */
static bool is_bare(const struct heph_http_trip *trip)
{
	const struct heph_http_wire *wire = trip->wire;
	bool over = trip->framing == HEPH_HTTP_NO_BODY ||
		    (trip->framing == HEPH_HTTP_LENGTH && trip->left == 0);

	return !over && !trip->decoder && !wire->n && !wire->ended &&
	       !wire->stream.type;
}

int heph_http_trip_look(heph_ctx ctx, struct heph_http_trip *trip)
{
	int more;

	if (trip->piece.size || trip->err < 0 || trip->done)
		return 1;
	if (is_bare(trip))
		return 0;
	more = next_piece(heph_until(ctx, 0), trip);
	if (more == -ETIME)
		return 0;
	if (more < 0)
		trip->piece.size = 0;
	if (more == -ECANCELED)
		return heph_http_trip_fail(trip, HEPH_HTTP_PHASE_BODY, more);
	if (more < 0)
		fail_body(ctx, trip, more);
	else if (more == 0)
		end_body(ctx, trip);
	return 1;
}

/* ---- without interest ------------------------------------------------------------------- */

int heph_http_trip_drain(heph_ctx ctx, struct heph_http_trip *trip, uint64_t max)
{
	int more;

	for (;;) {
		trip->piece.size = 0;
		more = heph_http_trip_piece(ctx, trip);
		if (more <= 0)
			return more < 0 ? more : 1;
		if (trip->piece.size > max)
			return 0;
		max -= trip->piece.size;
	}
}

/* Decoding what nobody reads would be a waste. */
bool heph_http_trip_rest_is_here(heph_ctx ctx, struct heph_http_trip *trip)
{
	int more = 1;

	if (trip->err < 0 || trip->done || !trip->has_head)
		return trip->done;
	if (trip->framing == HEPH_HTTP_UNTIL_CLOSE)
		return false;
	while (more == 1 && (trip->wire->n || trip->left == 0))
		more = take(heph_until(ctx, 0), trip);
	return more == 0;
}
