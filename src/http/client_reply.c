/* SPDX-License-Identifier: MIT */
/* The public side of responses. */
#include <limits.h>
#include <string.h>

#include "http/client_trip.h"

/* ---- fields ---------------------------------------------------------------------- */

struct heph_str
heph_http_reply_next_field(const struct heph_http_reply *reply,
			   const char *name, unsigned *at)
{
	const struct heph_http_fields *fields = &reply->fields;

	while (*at < fields->n) {
		const struct heph_http_field *field = &fields->at[(*at)++];

		if (heph_str_equal_case(heph_http_field_name(field), name))
			return heph_http_field_value(field);
	}
	return heph_str_of(NULL, 0);
}

struct heph_str heph_http_reply_field(const struct heph_http_reply *reply,
				      const char *name)
{
	unsigned at = 0;

	return heph_http_reply_next_field(reply, name, &at);
}

const struct heph_http_fields *
heph_http_reply_trailers(const struct heph_http_reply *reply)
{
	return &reply->trip__->trailers;
}

const struct heph_http_failure *
heph_http_reply_failure(const struct heph_http_reply *reply)
{
	return &reply->trip__->failure;
}

/* ---- bodies ---------------------------------------------------------------------- */

int heph_http_reply_view(heph_ctx ctx, struct heph_http_reply *reply,
			 const char **ret_data)
{
	struct heph_http_trip *trip = reply->trip__;
	int more = heph_http_trip_piece(ctx, trip);
	size_t size = trip->piece.size;

	if (more <= 0)
		return more;
	*ret_data = trip->piece.data;
	trip->piece.size = 0;
	return (int)size;
}

int heph_http_reply_read(heph_ctx ctx, struct heph_http_reply *reply, void *buf,
			 size_t size)
{
	struct heph_http_trip *trip = reply->trip__;
	struct heph_str *piece = &trip->piece;
	int more = size ? heph_http_trip_piece(ctx, trip) : 0;

	if (more <= 0)
		return more;
	if (size > piece->size)
		size = piece->size;
	memcpy(buf, piece->data, size);
	piece->data += size;
	piece->size -= size;
	return (int)size;
}

int heph_http_reply_read_all(heph_ctx ctx, struct heph_http_reply *reply,
			     size_t max, struct heph_str *ret_body)
{
	struct heph_http_trip *trip = reply->trip__;
	struct heph_http_bytes *all = &trip->all;
	char *to;
	int more;

	while ((more = heph_http_trip_piece(ctx, trip)) == 1) {
		if (all->n > max || trip->piece.size > max - all->n)
			return heph_http_trip_fail(trip, HEPH_HTTP_PHASE_BODY,
						   -EMSGSIZE);
		to = heph_http_bytes_room(all, trip->piece.size + 1);
		if (!to)
			return -ENOMEM;
		memcpy(to, trip->piece.data, trip->piece.size);
		all->n += trip->piece.size;
		trip->piece.size = 0;
	}
	to = more < 0 ? NULL : heph_http_bytes_room(all, 1);
	if (!to)
		return more < 0 ? more : -ENOMEM;
	*to = '\0';
	*ret_body = heph_str_of(all->data, all->n);
	return 0;
}

/* ---- the end --------------------------------------------------------------------- */

static bool is_other_protocol(const struct heph_http_trip *trip)
{
	unsigned status = trip->reply.status;

	return status == 101 ||
	       (trip->method == HEPH_HTTP_CONNECT && status / 100 == 2);
}

int heph_http_reply_take(heph_ctx ctx, struct heph_http_reply *reply,
			 struct heph_stream *ret_stream,
			 struct heph_str *ret_rest)
{
	struct heph_http_trip *trip = reply->trip__;
	struct heph_http_wire *wire = trip->wire;
	char *to;

	if (!is_other_protocol(trip) || !wire->open)
		return -EINVAL;
	to = heph_http_bytes_room(&trip->all, wire->n);
	if (!to)
		return -ENOMEM;
	if (wire->n)
		memcpy(to, wire->data, wire->n);
	*ret_rest = heph_str_of(to, wire->n);
	heph_stream_unread(ctx, &wire->stream);
	*ret_stream = wire->stream;
	wire->open = false;
	wire->n = 0;
	heph_http_trip_leave(ctx, trip, false);
	trip->done = true;
	return 0;
}

/* The rest of a response that has come already is not worth a connection. */
void heph_http_reply_free(heph_ctx ctx, struct heph_http_reply *reply)
{
	struct heph_http_trip *trip;

	if (!reply)
		return;
	trip = reply->trip__;
	if (trip->conn) { /* which skips the rest before the next one */
		trip->given_back = true;
		return;
	}
	if (!trip->by_hand && !trip->done && !is_other_protocol(trip) &&
	    heph_http_trip_rest_is_here(ctx, trip) && trip->keep_alive &&
	    trip->sent && !trip->wire->ended && trip->wire->n == 0)
		heph_http_trip_leave(ctx, trip, true);
	heph_http_trip_free(ctx, trip);
}
