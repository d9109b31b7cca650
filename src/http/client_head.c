/* SPDX-License-Identifier: MIT */
/* Reading the head of a response, and those of interim ones before it. */
#include <stdlib.h>
#include <string.h>

#include "http/client_mem.h"
#include "http/client_trip.h"

enum {
	HEAD_MAX = 16 << 10, /* by default, as types.h says */
	FIELDS_MAX = 100,
	INTERIMS_MAX = 32, /* before a response: more make no sense */
};

static int bad(struct heph_http_trip *trip, enum heph_http_wrong wrong)
{
	trip->failure.wrong = wrong;
	return wrong == HEPH_HTTP_LONG_HEAD || wrong == HEPH_HTTP_MANY_FIELDS ?
		       -EMSGSIZE :
		       -EBADMSG;
}

/* Copies what has come behind what there is of the head. Returns how many bytes. */
static ssize_t append(struct heph_http_trip *trip)
{
	struct heph_http_bytes *head = &trip->head;
	size_t most = trip->limits.head ? trip->limits.head : HEAD_MAX;
	size_t n = trip->wire->n;
	char *to;

	if (n > most + 1 - head->n) /* one more shows that it is too long */
		n = most + 1 - head->n;
	to = heph_http_bytes_room(head, n);
	if (!to)
		return -ENOMEM;
	memcpy(to, trip->wire->data, n);
	head->n += n;
	return (ssize_t)n;
}

static int make_places(struct heph_http_trip *trip)
{
	unsigned n = trip->limits.fields ? trip->limits.fields : FIELDS_MAX;

	if (!trip->places)
		trip->places = client_mem(n * sizeof(*trip->places));
	return trip->places ? (int)n : -ENOMEM;
}

static void show(struct heph_http_trip *trip,
		 const struct heph_http_response_head *head)
{
	struct heph_http_reply *reply = &trip->reply;

	reply->status = head->status;
	reply->reason = head->reason;
	reply->fields = head->fields;
	reply->length = head->framing == HEPH_HTTP_LENGTH  ? head->length :
			head->framing == HEPH_HTTP_NO_BODY ? 0 :
							     HEPH_HTTP_UNKNOWN;
	reply->minor = head->minor;
}

static int take_interim(heph_ctx ctx, struct heph_http_trip *trip,
			const struct heph_http_response_head *head)
{
	if (++trip->interims > INTERIMS_MAX)
		return bad(trip, HEPH_HTTP_BAD_STATUS);
	if (head->status == 100)
		trip->continued = true;
	if (head->status != 100 && trip->fetch.interim) {
		show(trip, head);
		trip->fetch.interim(ctx, &trip->reply, trip->fetch.interim_arg);
		trip->reply.status = 0;
	}
	trip->head.n = 0;
	return 0;
}

/* 101 is not interim, if it was asked for: the connection is another one then, as
 * it is after 2xx to CONNECT (RFC 9110, section 9.3.6). */
static int take_head(heph_ctx ctx, struct heph_http_trip *trip,
		     const struct heph_http_response_head *head)
{
	bool tunnel = trip->method == HEPH_HTTP_CONNECT &&
		      head->status / 100 == 2;

	if (head->status == 101 && !(trip->fetch.upgrade && head->upgrades))
		return bad(trip, HEPH_HTTP_BAD_STATUS);
	if (head->status < 200 && head->status != 101)
		return take_interim(ctx, trip, head);
	show(trip, head);
	trip->has_head = true;
	trip->keep_alive = head->keep_alive && !head->upgrades && !tunnel;
	trip->framing = head->framing;
	trip->left = head->length;
	return 1;
}

int heph_http_trip_head_step(heph_ctx ctx, struct heph_http_trip *trip)
{
	struct heph_http_response_head head = { 0 };
	size_t seen = trip->head.n;
	ssize_t n;
	int err = make_places(trip);

	if (err < 0)
		return err;
	head.fields.at = trip->places;
	head.fields.room = (unsigned)err;
	err = heph_http_wire_fill(ctx, trip->wire);
	if (err <= 0)
		return err < 0 ? err : -ENODATA;
	n = append(trip);
	if (n < 0)
		return (int)n;
	err = (int)heph_http_parse_response(trip->head.data, trip->head.n, seen,
					    trip->method, &trip->limits, &head);
	if (err < 0)
		return bad(trip, head.wrong);
	heph_http_wire_skip(trip->wire,
			    err > 0 ? (size_t)err - seen : (size_t)n);
	return err > 0 ? take_head(ctx, trip, &head) : 0;
}

void heph_http_trip_forget(struct heph_http_trip *trip)
{
	trip->has_head = false;
	trip->reply.status = 0;
	trip->head.n = 0;
	trip->interims = 0;
	trip->wire->got = 0;
}

int heph_http_trip_head(heph_ctx ctx, struct heph_http_trip *trip)
{
	int step = trip->has_head;

	ctx = heph_within(ctx, trip->times.head);
	while (step == 0)
		step = heph_http_trip_head_step(ctx, trip);
	return step < 0 ? step : 0;
}
