/* SPDX-License-Identifier: MIT */
/* Getting a connection: the pool's, or a new one, through a proxy perhaps. */
#include <stdio.h>
#include <string.h>

#include "http/client_trip.h"

/* ---- leases ---------------------------------------------------------------------- */

static int set_proxy(struct heph_http_trip *trip, struct heph_http_lease *lease)
{
	const char *proxy = trip->fetch.proxy;

	if (!proxy)
		return 0;
	lease->own_proxy = true;
	return *proxy ? heph_http_proxy_new(proxy, &lease->proxy) : 0;
}

/* Where to connect to, and whom to trust there, was said of one origin: where a
 * redirect leads to another one, neither holds. */
int heph_http_trip_lease(struct heph_http_trip *trip, bool fresh)
{
	const struct heph_http_fetch *fetch = &trip->fetch;
	struct heph_http_lease *lease;
	int err;

	if (fetch->address && fetch->proxy && *fetch->proxy)
		return -EINVAL;
	err = heph_http_lease_new(&trip->target,
				  trip->foreign ? NULL : fetch->address,
				  &lease);
	if (err < 0)
		return err;
	lease->fresh = fresh;
	lease->tls = heph_http_tls_ref(trip->foreign ? NULL : fetch->tls);
	lease->no_cookies = trip->fetch.no_cookies;
	err = set_proxy(trip, lease);
	if (err < 0)
		heph_http_lease_unref(lease);
	else
		trip->lease = lease;
	return err == -EPROTONOSUPPORT || err == -ENAMETOOLONG ? -EINVAL : err;
}

/* What the client says about times and limits holds where the request does not. */
static void fill_times(struct heph_http_trip *trip)
{
	const struct heph_http_client_options *options =
		&trip->lease->settings->options;
	struct heph_http_limits *limits = &trip->limits;

	trip->times = heph_http_times_or(trip->fetch.times, &options->times);
	*limits = trip->fetch.limits;
	if (!limits->head)
		limits->head = options->limits.head;
	if (!limits->fields)
		limits->fields = options->limits.fields;
}

/* ---- opening --------------------------------------------------------------------- */

static int open_plain(heph_ctx ctx, struct heph_http_trip *trip)
{
	const struct heph_http_lease *lease = trip->lease;
	struct heph_http_wire *wire = trip->wire;
	const char *where = lease->address ? lease->address :
			    lease->proxy   ? lease->proxy->connect :
					     lease->connect;
	int err;

	memset(wire, 0, sizeof(*wire));
	err = heph_connect(heph_within(ctx, trip->times.connect), where,
			   &wire->stream.fd);
	if (err < 0)
		return heph_http_trip_fail(trip, HEPH_HTTP_PHASE_CONNECT, err);
	wire->open = true;
	wire->opened = heph_now();
	return 0;
}

int heph_http_trip_open(heph_ctx ctx, struct heph_http_trip *trip)
{
	const struct heph_http_lease *lease = trip->lease;
	int err = open_plain(ctx, trip);

	if (err == 0 && lease->secure && lease->proxy)
		err = heph_http_trip_tunnel(ctx, trip);
	if (err == 0 && lease->secure)
		err = heph_http_trip_protect(ctx, trip);
	return err;
}

static int take(heph_ctx ctx, struct heph_http_trip *trip)
{
	struct heph_http_wire *wire = trip->wire;
	int taken;

	memset(wire, 0, sizeof(*wire));
	taken = heph_http_pool_take(ctx, trip->lease, &wire->stream,
				    &wire->opened);
	if (taken > 0)
		wire->open = wire->used = true;
	return taken < 0 ? heph_http_trip_fail(trip, HEPH_HTTP_PHASE_WAIT, taken) :
			   taken;
}

static int ask(heph_ctx ctx, struct heph_http_trip *trip)
{
	heph_time wait = trip->fetch.times.wait ? trip->fetch.times.wait :
						  trip->client.wait__;
	int err = heph_http_pool_ask(heph_within(ctx, wait), trip->client,
				     trip->lease);

	return err < 0 ? heph_http_trip_fail(trip, HEPH_HTTP_PHASE_WAIT, err) :
			 0;
}

int heph_http_trip_connect(heph_ctx ctx, struct heph_http_trip *trip, bool fresh)
{
	int err = heph_http_trip_lease(trip, fresh);

	if (err < 0)
		return heph_http_trip_fail(trip, HEPH_HTTP_PHASE_URL, err);
	err = ask(ctx, trip);
	if (err < 0)
		return err;
	fill_times(trip);
	err = take(ctx, trip);
	if (err == 0)
		err = heph_http_trip_open(ctx, trip);
	return err < 0 ? err : 0;
}
