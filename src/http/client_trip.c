/* SPDX-License-Identifier: MIT */
#include "http/client_trip.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http/client_mem.h"

enum { FIELDS = 100, HEAD = 16 << 10 };

/* ---- bytes ----------------------------------------------------------------------- */

char *heph_http_bytes_room(struct heph_http_bytes *bytes, size_t size)
{
	size_t room = bytes->room ? bytes->room : 512;
	char *data;

	while (room - bytes->n < size)
		room *= 2;
	if (room != bytes->room) {
		data = client_mem_grow(bytes->data, room);
		if (!data)
			return NULL;
		bytes->data = data;
		bytes->room = room;
	}
	return bytes->data + bytes->n;
}

/* ---- failures -------------------------------------------------------------------- */

static const char *const phases[HEPH_HTTP_PHASES] = {
	[HEPH_HTTP_PHASE_URL] = "url",
	[HEPH_HTTP_PHASE_WAIT] = "connection to",
	[HEPH_HTTP_PHASE_CONNECT] = "connect",
	[HEPH_HTTP_PHASE_PROXY] = "proxy to",
	[HEPH_HTTP_PHASE_TLS] = "tls",
	[HEPH_HTTP_PHASE_SEND] = "send to",
	[HEPH_HTTP_PHASE_HEAD] = "response of",
	[HEPH_HTTP_PHASE_BODY] = "body of",
	[HEPH_HTTP_PHASE_REDIRECT] = "redirect by",
};

/* What TLS says about it is to be read before the next wait. */
static bool is_of_tls(const struct heph_http_trip *trip, int err)
{
	if (err == -EINVAL)
		return trip->in_tls;
	return (trip->in_tls || trip->wire->stream.type) &&
	       (err == -EPROTO || err == -EKEYREJECTED ||
		err == -EKEYEXPIRED || err == -ENOKEY);
}

static const char *text_of(const struct heph_http_trip *trip,
			   enum heph_http_phase phase, int err)
{
	const char *text;

	if (is_of_tls(trip, err))
		return heph_http_tls_text();
	switch (err) {
	case -ETIME:
		return "it took too long";
	case -ECANCELED:
		return "the actor was asked to stop";
	case -ENODATA:
		return "the connection ended too early";
	case -EBADMSG:
		return "malformed";
	case -EMSGSIZE:
		return "too large";
	case -EAGAIN:
		return "too many requests wait for one";
	case -ESRCH:
		return "the client has ended";
	case -ELOOP:
		return "there are too many, or they go in a circle";
	case -EACCES:
		return "from https to http";
	case -EPROTONOSUPPORT:
		return "another scheme than http and https";
	case -ENOENT:
		return phase == HEPH_HTTP_PHASE_CONNECT ?
			       "no such host" :
			       "there are no certificates to trust";
	default:
		text = strerrordesc_np(-err);
		return text ? text : "unknown error";
	}
}

static const char *place(const struct heph_http_trip *trip,
			 enum heph_http_phase phase)
{
	const struct heph_http_lease *lease = trip->lease;

	if (phase == HEPH_HTTP_PHASE_CONNECT && lease && lease->address)
		return lease->address;
	if (phase == HEPH_HTTP_PHASE_CONNECT && lease && lease->proxy)
		return lease->proxy->connect;
	return trip->target.connect ? trip->target.connect : "";
}

int heph_http_trip_fail(struct heph_http_trip *trip, enum heph_http_phase phase,
			int err)
{
	struct heph_http_failure *failure = &trip->failure;
	const char *where = place(trip, phase);

	if (failure->err) /* the first one is the cause */
		return err;
	failure->err = err;
	failure->phase = phase;
	snprintf(failure->text, sizeof(failure->text), "%s%s%s: %s",
		 phases[phase], *where ? " " : "", where,
		 trip->note	? trip->note :
		 failure->wrong ? heph_http_wrong_text(failure->wrong) :
				  text_of(trip, phase, err));
	return err;
}

/* ---- connections ------------------------------------------------------------------- */

void heph_http_trip_leave(heph_ctx ctx, struct heph_http_trip *trip,
			  bool reusable)
{
	struct heph_http_wire *wire = trip->wire;
	struct heph_http_lease *lease = trip->lease;

	if (trip->by_hand) {
		if (!reusable)
			heph_http_wire_close(ctx, wire);
		return;
	}
	trip->lease = NULL;
	if (!wire->open || !reusable) {
		heph_http_wire_close(ctx, wire);
		if (lease)
			heph_http_pool_give(ctx, trip->client, lease, NULL, 0);
		return;
	}
	wire->open = false;
	heph_http_pool_give(ctx, trip->client, lease, &wire->stream,
			    wire->opened);
}

/* ---- life -------------------------------------------------------------------------- */

static void free_parts(struct heph_http_trip *trip)
{
	heph_http_decoder_free(trip->decoder);
	heph_http_target_free(&trip->target);
	free(trip->user);
	free(trip->out.data);
	free(trip->head.data);
	free(trip->places);
	free(trip->trail.data);
	free(trip->trailers.at);
	free(trip->decoded);
	free(trip->all.data);
	free(trip);
}

/* The actor ends: what it had of the connection is closed already. */
static void end_trip(heph_ctx ctx, struct heph_ending *ending)
{
	struct heph_http_trip *trip =
		(void *)((char *)ending -
			 offsetof(struct heph_http_trip, ending));

	if (trip->conn)
		heph_http_client_forget(trip->conn);
	if (!trip->by_hand) {
		trip->wire->open = false;
		heph_http_trip_leave(ctx, trip, false);
	}
	free_parts(trip);
}

int heph_http_trip_new(heph_ctx ctx, const struct heph_http_fetch *fetch,
		       struct heph_http_trip **ret_trip)
{
	struct heph_http_trip *trip = client_mem_zero(sizeof(*trip));
	int err = trip ? 0 : -ENOMEM;

	if (trip && !heph_take_options__(&trip->fetch, sizeof(*fetch), fetch))
		err = -EINVAL;
	if (err == 0)
		err = heph_ending_set(ctx, &trip->ending, end_trip);
	if (err < 0) {
		free(trip);
		return err;
	}
	trip->reply.trip__ = trip;
	trip->wire = &trip->own_wire;
	*ret_trip = trip;
	return 0;
}

void heph_http_trip_free(heph_ctx ctx, struct heph_http_trip *trip)
{
	heph_ending_clear(&trip->ending);
	if (!trip->by_hand)
		heph_http_trip_leave(ctx, trip, false);
	free_parts(trip);
}
