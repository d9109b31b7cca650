/* SPDX-License-Identifier: MIT */
/* The public side of requests. */
#include <heph/http/method.h>

#include <string.h>

#include "http/client_mem.h"
#include "http/client_trip.h"

void heph_http_trip_set_method(struct heph_http_trip *trip)
{
	const struct heph_http_fetch *fetch = &trip->fetch;
	const char *name = fetch->method_name;

	trip->method = fetch->method;
	if (fetch->method != HEPH_HTTP_OTHER)
		name = heph_http_method_name(fetch->method);
	else if (name)
		trip->method = heph_http_method_of(heph_str(name));
	else
		trip->method = HEPH_HTTP_GET;
	trip->method_name = name ? name : "GET";
}

static int set_target(struct heph_http_trip *trip, const char *url)
{
	struct heph_str text = heph_str(url);
	int err;

	/* A fragment is nobody's business but the caller's. */
	text.size = strcspn(url, "#");
	err = heph_http_target_new(&trip->target, text);
	if (err == 0 && trip->target.user) {
		trip->user = client_mem_text(trip->target.user);
		err = trip->user ? 0 : -ENOMEM;
	}
	return err < 0 ? heph_http_trip_fail(trip, HEPH_HTTP_PHASE_URL, err) : 0;
}

int heph_http_trip_start(heph_ctx ctx, struct heph_http_client client,
			 const char *url, const struct heph_http_fetch *fetch,
			 struct heph_http_trip **ret_trip)
{
	struct heph_http_trip *trip;
	int err;

	err = heph_http_trip_new(ctx, fetch, &trip);
	if (err < 0)
		return err;
	trip->client = client;
	trip->times = heph_http_times_or(fetch->times, NULL);
	heph_http_trip_set_method(trip);
	*ret_trip = trip;
	return set_target(trip, url);
}

/* There is no reply: why goes where the caller wants it. */
static int give_up(heph_ctx ctx, struct heph_http_trip *trip, int err)
{
	if (trip->fetch.failure)
		*trip->fetch.failure = trip->failure;
	heph_http_trip_free(ctx, trip);
	return err;
}

int heph_http_trip_tell(const struct heph_http_trip *trip, int err)
{
	if (err < 0 && trip->fetch.failure)
		*trip->fetch.failure = trip->failure;
	return err;
}

int heph_http_raw_fetch(heph_ctx ctx, struct heph_http_client client,
			const char *url, const struct heph_http_fetch *fetch,
			struct heph_http_reply **ret_reply)
{
	struct heph_http_trip *trip = NULL;
	int err = heph_http_trip_start(ctx, client, url, fetch, &trip);

	if (err == 0)
		err = heph_http_trip_begin(ctx, trip);
	if (err == 0)
		err = heph_http_trip_finish(ctx, trip);
	if (err < 0)
		return trip ? give_up(ctx, trip, err) : err;
	*ret_reply = &trip->reply;
	return 0;
}

int heph_http_raw_fetch_begin(heph_ctx ctx, struct heph_http_client client,
			      const char *url,
			      const struct heph_http_fetch *fetch,
			      struct heph_http_reply **ret_reply)
{
	struct heph_http_trip *trip = NULL;
	int err = heph_http_trip_start(ctx, client, url, fetch, &trip);

	if (err == 0) {
		trip->streams = true;
		err = heph_http_trip_begin(ctx, trip);
	}
	if (err < 0)
		return trip ? give_up(ctx, trip, err) : err;
	*ret_reply = &trip->reply;
	return 0;
}

int heph_http_fetch_write(heph_ctx ctx, struct heph_http_reply *reply,
			  const void *data, size_t size)
{
	struct heph_http_trip *trip = reply->trip__;
	int err = trip->err;

	if (err < 0)
		return err;
	if (trip->sent || trip->has_head)
		return -EALREADY;
	err = heph_http_trip_write(ctx, trip, data, size);
	if (err < 0 && err != -EALREADY)
		heph_http_trip_tell(trip,
				    trip->err = heph_http_trip_fail(
					    trip, HEPH_HTTP_PHASE_SEND, err));
	return err;
}

int heph_http_fetch_some(heph_ctx ctx, struct heph_http_reply *reply,
			 const void *data, size_t size)
{
	struct heph_http_trip *trip = reply->trip__;
	int n = trip->err;

	if (n < 0)
		return n;
	if (!trip->fetch.both_ways)
		return -EINVAL;
	if (trip->sent || trip->done)
		return -EALREADY;
	n = heph_http_trip_some(ctx, trip, data, size);
	if (n < 0 && n != -EALREADY)
		heph_http_trip_tell(trip,
				    trip->err = heph_http_trip_fail(
					    trip, HEPH_HTTP_PHASE_SEND, n));
	return n;
}

/* The response has begun: what is missing is the end of the body. */
static int end_late(heph_ctx ctx, struct heph_http_trip *trip)
{
	int err;

	if (trip->sent)
		return -EALREADY;
	err = heph_http_trip_end(ctx, trip);
	return err == -EPIPE || err == -ECONNRESET || err == -EALREADY ? 0 : err;
}

int heph_http_fetch_end(heph_ctx ctx, struct heph_http_reply *reply)
{
	struct heph_http_trip *trip = reply->trip__;
	int err = trip->err;

	if (err < 0)
		return err;
	if (trip->arrived)
		return trip->fetch.both_ways ? end_late(ctx, trip) : -EALREADY;
	err = heph_http_trip_end(ctx, trip);
	if (err < 0 && err != -EALREADY)
		err = heph_http_trip_fail(trip, HEPH_HTTP_PHASE_SEND, err);
	else
		err = heph_http_trip_finish(ctx, trip);
	trip->arrived = err == 0;
	if (err < 0)
		trip->err = err;
	return heph_http_trip_tell(trip, err);
}
