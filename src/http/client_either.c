/* SPDX-License-Identifier: MIT */
/* A handler that passes a request on waits for both sides of it. */
#include <heph/actor.h>

#include "http/client_trip.h"
#include "http/conn.h"

/* What the server that is asked did wrong. */
static int fail(struct heph_http_trip *trip, int err)
{
	if (err == -ECANCELED)
		return err;
	trip->err = heph_http_trip_fail(trip, HEPH_HTTP_PHASE_HEAD, err);
	return heph_http_trip_tell(trip, err);
}

int heph_http_fetch_either(heph_ctx ctx, struct heph_http_reply *reply,
			   const struct heph_http_request *req)
{
	struct heph_http_trip *trip = reply->trip__;
	struct heph_http_conn *conn = req->conn;
	int which, here = heph_http_conn_flush(conn, ctx);
	heph_time begun;

	if (here < 0)
		return here;

	while (here == 0) {
		here = trip->err < 0 || trip->done ?
			       1 :
			       heph_http_trip_glance(ctx, trip);
		if (here != 0)
			break;
		if (heph_http_body_look(ctx, conn))
			return 0;
		begun = heph_now();
		which = heph_wait(
			ctx, heph_on_readable(trip->wire->stream.fd),
			heph_on_readable(conn->stream.fd),
			heph_on_time(heph_http_body_deadline(conn, begun)));
		if (which < 0)
			return which;
		if (which !=
		    0) /* not the response, so it is the client's time */
			heph_http_body_waited(conn, begun);
		if (which == 2)
			heph_http_body_late(conn); /* as reading will tell */
		if (which == 2 ||
		    (which == 1 && heph_http_body_came(ctx, conn)))
			return 0;
		if (which == 0)
			here = heph_http_trip_came(ctx, trip);
	}
	return here < 0 ? fail(trip, here) : here;
}
