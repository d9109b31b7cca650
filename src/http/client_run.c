/* SPDX-License-Identifier: MIT */
/*
 * A request from its begin to its last response: over connections that were dead,
 * and along redirects.
 */
#include <heph/file.h>
#include <heph/http/method.h>

#include <string.h>
#include <sys/stat.h>

#include "http/client_trip.h"

enum {
	REDIRECTS = 10,       /* that are followed by default */
	REDIRECTS_MAX = 30,
	DRAIN_MAX = 64 << 10, /* bytes of a redirect's body that are read */
};
#define DRAIN_TIME HEPH_SEC /* and for how long */

/* ---- the body that is sent ---------------------------------------------------------- */

static int file_size(heph_ctx ctx, heph_fd file, uint64_t *ret_size)
{
	struct heph_stat stat;
	int err = heph_stat(ctx, file, HEPH_STAT_TYPE | HEPH_STAT_SIZE, &stat);

	if (err == 0 && !S_ISREG(stat.mode))
		err = -EINVAL;
	if (err == 0)
		*ret_size = stat.size;
	return err;
}

/* Anew for each way that the trip takes. */
int heph_http_trip_prepare(heph_ctx ctx, struct heph_http_trip *trip)
{
	const struct heph_http_fetch *fetch = &trip->fetch;

	trip->sent = trip->continued = trip->chunked = false;
	trip->to_send = 0;
	if (trip->dropped)
		return 0;
	if (trip->streams) {
		trip->chunked = fetch->length == HEPH_HTTP_UNKNOWN;
		trip->to_send = trip->chunked ? 0 : fetch->length;
		return 0;
	}
	if (!heph_fd_none(fetch->file))
		return file_size(ctx, fetch->file, &trip->to_send);
	trip->to_send = fetch->body_size;
	return 0;
}

static bool has_body(const struct heph_http_trip *trip)
{
	const struct heph_http_fetch *fetch = &trip->fetch;

	return !trip->dropped && (trip->streams || fetch->body_size ||
				  !heph_fd_none(fetch->file));
}

/* ---- one way there ---------------------------------------------------------------------- */

static int go(heph_ctx ctx, struct heph_http_trip *trip, bool fresh)
{
	int err = heph_http_trip_prepare(ctx, trip);

	if (err < 0)
		return heph_http_trip_fail(trip, HEPH_HTTP_PHASE_URL, err);
	err = heph_http_trip_connect(ctx, trip, fresh);
	if (err < 0)
		return err;
	heph_http_trip_forget(trip);
	trip->reply.reused = trip->wire->used;
	trip->reply.secure = trip->target.secure;
	err = heph_http_trip_compose(trip);
	if (err < 0)
		return heph_http_trip_fail(trip, HEPH_HTTP_PHASE_URL, err);
	err = heph_http_trip_send(ctx, trip);
	return err < 0 ? heph_http_trip_fail(trip, HEPH_HTTP_PHASE_SEND, err) :
			 0;
}

/*
 * Whether it may be sent again: it could not do harm, it can be repeated, and the
 * peer has most likely closed a connection that it thought idle (RFC 9110, section
 * 9.2.2).
 */
static bool may_retry(const struct heph_http_trip *trip, int err)
{
	return (err == -ENODATA || err == -ECONNRESET || err == -EPIPE) &&
	       !trip->retried && !trip->fetch.no_retry && trip->wire->used &&
	       trip->wire->got == 0 && !trip->streams &&
	       heph_http_method_is_idempotent(trip->method);
}

static void give_up_way(heph_ctx ctx, struct heph_http_trip *trip)
{
	heph_http_trip_leave(ctx, trip, false);
	memset(&trip->failure, 0, sizeof(trip->failure));
}

static int go_or_retry(heph_ctx ctx, struct heph_http_trip *trip)
{
	int err = go(ctx, trip, false);

	if (err == 0 || !may_retry(trip, err))
		return err;
	give_up_way(ctx, trip);
	trip->retried = true;
	return go(ctx, trip, true);
}

static int head_or_retry(heph_ctx ctx, struct heph_http_trip *trip)
{
	int err = heph_http_trip_head(ctx, trip);

	if (err < 0 && may_retry(trip, err)) {
		give_up_way(ctx, trip);
		trip->retried = true;
		err = go(ctx, trip, true);
		if (err == 0)
			err = heph_http_trip_head(ctx, trip);
	}
	return err < 0 ? heph_http_trip_fail(trip, HEPH_HTTP_PHASE_HEAD, err) :
			 0;
}

/* ---- redirects ----------------------------------------------------------------------------- */

static bool becomes_get(const struct heph_http_trip *trip)
{
	switch (trip->reply.status) {
	case 301:
	case 302:
		return trip->method == HEPH_HTTP_POST;
	case 303:
		return trip->method != HEPH_HTTP_HEAD;
	default:
		return false;
	}
}

static bool is_redirect(const struct heph_http_trip *trip,
			struct heph_str *ret_location)
{
	unsigned status = trip->reply.status;

	if (status != 301 && status != 302 && status != 303 && status != 307 &&
	    status != 308)
		return false;
	if (trip->fetch.redirects < 0 || trip->fetch.both_ways ||
	    trip->method == HEPH_HTTP_CONNECT)
		return false;
	*ret_location = heph_http_reply_field(&trip->reply, "Location");
	if (!ret_location->data)
		return false;
	/* What was written cannot be written again. */
	return becomes_get(trip) || !trip->streams || trip->dropped;
}

static uint64_t hash_of(const struct heph_http_trip *trip)
{
	uint64_t hash = 0xcbf29ce484222325; /* FNV-1a */

	for (const char *at = trip->method_name; *at; at++)
		hash = (hash ^ (unsigned char)*at) * 0x100000001b3;
	for (const char *at = trip->target.url; *at; at++)
		hash = (hash ^ (unsigned char)*at) * 0x100000001b3;
	return hash;
}

/* Whether it was there before, with nothing that could make a difference: with
 * cookies a page may well lead to itself. */
static bool goes_in_circle(struct heph_http_trip *trip)
{
	uint64_t hash = hash_of(trip);
	bool cookies = trip->lease && trip->lease->settings &&
		       trip->lease->settings->options.cookies;

	for (unsigned n = 0; n < trip->n_seen; n++)
		if (trip->seen[n] == hash && !cookies)
			return true;
	if (trip->n_seen < HEPH_HTTP_TRIP_SEEN)
		trip->seen[trip->n_seen++] = hash;
	return false;
}

static void turn_to(struct heph_http_trip *trip, struct heph_http_target *target)
{
	if (becomes_get(trip)) {
		trip->method = HEPH_HTTP_GET;
		trip->method_name = "GET";
		trip->dropped = true;
		trip->streams = false;
	}
	if (!heph_http_target_same_origin(&trip->target, target))
		trip->foreign = true;
	heph_http_target_free(&trip->target);
	trip->target = *target;
	trip->reply.redirects++;
	trip->retried = false;
}

static int follow(struct heph_http_trip *trip, struct heph_str location)
{
	unsigned most = trip->fetch.redirects ? (unsigned)trip->fetch.redirects :
						REDIRECTS;
	struct heph_http_target target;
	int err;

	if (trip->n_seen == 0)
		goes_in_circle(trip);
	if (trip->reply.redirects >= most)
		return -ELOOP;
	err = heph_http_target_resolve(&trip->target, location, &target);
	if (err < 0)
		return err == -EINVAL ? -EBADMSG : err;
	if (trip->target.secure && !target.secure && !trip->fetch.insecure) {
		heph_http_target_free(&target);
		return -EACCES;
	}
	turn_to(trip, &target);
	return goes_in_circle(trip) ? -ELOOP : 0;
}

/* Nothing of a response is left for the next one. */
static void forget_body(struct heph_http_trip *trip)
{
	trip->done = false;
	trip->err = 0;
	trip->piece = trip->coded = (struct heph_str){ NULL, 0 };
	trip->taken = 0;
	trip->in_trailers = false;
	trip->trail.n = 0;
	trip->trailers.n = 0;
	memset(&trip->chunks, 0, sizeof(trip->chunks));
	memset(&trip->failure, 0, sizeof(trip->failure));
}

/* The response has said where to go. What else it has is skipped, so that the
 * connection can be used again. */
static int turn(heph_ctx ctx, struct heph_http_trip *trip,
		struct heph_str location)
{
	int err = follow(trip, location);

	if (err < 0)
		return heph_http_trip_fail(trip, HEPH_HTTP_PHASE_REDIRECT, err);
	trip->decodes = false;
	err = heph_http_trip_drain(heph_within(ctx, DRAIN_TIME), trip,
				   DRAIN_MAX);
	if (err == -ECANCELED || (err == -ETIME && heph_deadline(ctx) <= heph_now()))
		return err;
	if (!trip->done)
		heph_http_trip_leave(ctx, trip, false);
	forget_body(trip);
	return 1;
}

/* ---- all of it -------------------------------------------------------------------------------- */

int heph_http_trip_begin(heph_ctx ctx, struct heph_http_trip *trip)
{
	if (trip->fetch.redirects > REDIRECTS_MAX ||
	    (has_body(trip) && trip->method == HEPH_HTTP_CONNECT) ||
	    heph_http_trip_check(trip) < 0)
		return heph_http_trip_fail(trip, HEPH_HTTP_PHASE_URL, -EINVAL);
	return go_or_retry(ctx, trip);
}

static int learn(heph_ctx ctx, struct heph_http_trip *trip)
{
	int err;

	if (!trip->lease || !trip->lease->settings->options.cookies ||
	    trip->fetch.no_cookies)
		return 0;
	err = heph_http_pool_learn(ctx, trip->client, &trip->target,
				   &trip->reply);
	return err == -ESRCH ? 0 : err;
}

/* 1: it goes on elsewhere. */
static int arrive(heph_ctx ctx, struct heph_http_trip *trip)
{
	struct heph_str location;
	int err = head_or_retry(ctx, trip);

	if (err < 0)
		return err;
	err = learn(ctx, trip);
	if (err < 0)
		return heph_http_trip_fail(trip, HEPH_HTTP_PHASE_HEAD, err);
	if (is_redirect(trip, &location))
		return turn(ctx, trip, location);
	trip->reply.url = heph_str(trip->target.url);
	err = heph_http_trip_begin_body(trip);
	return err < 0 ? heph_http_trip_fail(trip, HEPH_HTTP_PHASE_HEAD, err) :
			 0;
}

int heph_http_trip_finish(heph_ctx ctx, struct heph_http_trip *trip)
{
	int more = arrive(ctx, trip);

	while (more == 1) {
		more = go_or_retry(ctx, trip);
		if (more == 0)
			more = arrive(ctx, trip);
	}
	return more;
}
