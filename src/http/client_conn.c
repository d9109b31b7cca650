/* SPDX-License-Identifier: MIT */
/*
 * One connection by hand. What opens it and sends on it is a trip that never has a
 * response; each response is a trip of its own, on the connection's wire.
 */
#include <heph/http/method.h>

#include <stdlib.h>
#include <string.h>

#include "http/client_mem.h"
#include "http/client_trip.h"

enum { UNDER_WAY = 64 };

/* A request whose response has not come, and what it says about that. */
struct asked {
	enum heph_http_method method;
	bool decodes;
	const char *upgrade;
	uint64_t most;
	void (*interim)(heph_ctx ctx, struct heph_http_reply *reply, void *arg);
	void *interim_arg;
	struct heph_http_failure *failure;
};

struct heph_http_client_conn {
	struct heph_ending ending;
	struct heph_http_wire wire;
	struct heph_http_trip *opener;
	struct heph_http_trip *current; /* the latest response, unless it is over */
	unsigned first, n;              /* of `asked` */
	struct asked asked[UNDER_WAY];
};

/* ---- opening --------------------------------------------------------------------- */

static int make_settings(struct heph_http_lease *lease)
{
	const struct heph_http_client_options options = {
		.size = sizeof(options)
	};
	struct heph_tls *tls = NULL;
	int err = heph_http_client_settings_new(&options, &lease->settings);

	if (err < 0 || !lease->secure || lease->tls)
		return err;
	err = heph_http_client_settings_tls(lease->settings, &tls);
	lease->tls = heph_http_tls_ref(tls);
	return err;
}

static int open_wire(heph_ctx ctx, struct heph_http_client_conn *conn)
{
	struct heph_http_trip *trip = conn->opener;
	int err = heph_http_trip_lease(trip, true);

	if (err == 0)
		err = make_settings(trip->lease);
	if (err < 0)
		return heph_http_trip_fail(trip, HEPH_HTTP_PHASE_URL, err);
	trip->limits = trip->fetch.limits;
	err = heph_http_trip_open(ctx, trip);
	if (err < 0)
		return err;
	conn->wire = trip->own_wire;
	trip->own_wire.open = false;
	trip->wire = &conn->wire;
	trip->by_hand = true;
	return 0;
}

/* The actor ends, and the connection is closed with it. */
static void end_conn(heph_ctx ctx, struct heph_ending *ending)
{
	struct heph_http_client_conn *conn =
		(void *)((char *)ending -
			 offsetof(struct heph_http_client_conn, ending));

	conn->wire.open = false;
	heph_http_client_conn_close(ctx, conn);
}

static int open_conn(heph_ctx ctx, const char *url,
		     const struct heph_http_fetch *fetch,
		     struct heph_http_client_conn *conn)
{
	const struct heph_http_client nobody = { .wait__ = 0 };
	int err = heph_ending_set(ctx, &conn->ending, end_conn);

	if (err == 0)
		err = heph_http_trip_start(ctx, nobody, url, fetch,
					   &conn->opener);
	if (conn->opener) /* it ends with the connection */
		heph_ending_clear(&conn->opener->ending);
	return err < 0 ? err : open_wire(ctx, conn);
}

int heph_http_client_conn_open(heph_ctx ctx, const char *url,
			       const struct heph_http_fetch *fetch,
			       struct heph_http_client_conn **ret_conn)
{
	const struct heph_http_fetch none = { .size = sizeof(none) };
	struct heph_http_client_conn *conn = client_mem_zero(sizeof(*conn));
	int err = conn ? open_conn(ctx, url, fetch ? fetch : &none, conn) :
			 -ENOMEM;

	if (err == 0) {
		*ret_conn = conn;
		return 0;
	}
	if (conn && conn->opener && conn->opener->fetch.failure)
		*conn->opener->fetch.failure = conn->opener->failure;
	heph_http_client_conn_close(ctx, conn);
	return err;
}

/* ---- requests -------------------------------------------------------------------- */

static int send_request(heph_ctx ctx, struct heph_http_trip *trip)
{
	int err = heph_http_trip_check(trip);

	if (err == 0)
		err = heph_http_trip_prepare(ctx, trip);
	if (err == 0)
		err = heph_http_trip_compose(trip);
	if (err < 0)
		return heph_http_trip_fail(trip, HEPH_HTTP_PHASE_URL, err);
	err = heph_http_trip_send(ctx, trip);
	return err < 0 ? heph_http_trip_fail(trip, HEPH_HTTP_PHASE_SEND, err) :
			 0;
}

static void note_asked(struct heph_http_client_conn *conn)
{
	const struct heph_http_trip *trip = conn->opener;
	const struct heph_http_fetch *fetch = &trip->fetch;

	conn->asked[(conn->first + conn->n++) % UNDER_WAY] = (struct asked){
		.method = trip->method,
		.decodes = trip->decodes,
		.upgrade = fetch->upgrade,
		.most = fetch->most,
		.interim = fetch->interim,
		.interim_arg = fetch->interim_arg,
		.failure = fetch->failure,
	};
}

int heph_http_raw_client_conn_send(heph_ctx ctx,
				   struct heph_http_client_conn *conn,
				   const char *target,
				   const struct heph_http_fetch *fetch)
{
	struct heph_http_trip *trip = conn->opener;
	int err;

	if (!conn->wire.open)
		return -EPIPE;
	if (conn->n == UNDER_WAY)
		return -EAGAIN;
	if (!heph_take_options__(&trip->fetch, sizeof(*fetch), fetch))
		return -EINVAL;
	trip->fetch.expect = 0;
	trip->literal = target;
	memset(&trip->failure, 0, sizeof(trip->failure));
	heph_http_trip_set_method(trip);
	err = send_request(ctx, trip);
	if (err == 0)
		note_asked(conn);
	else if (trip->failure.phase == HEPH_HTTP_PHASE_SEND)
		heph_http_wire_close(ctx, &conn->wire); /* half of it is sent */
	if (err < 0 && trip->fetch.failure)
		*trip->fetch.failure = trip->failure;
	return err;
}

/* ---- responses ------------------------------------------------------------------- */

/* The response before is read to its end. */
static int end_current(heph_ctx ctx, struct heph_http_client_conn *conn)
{
	struct heph_http_trip *trip = conn->current;
	int err = 0;

	if (!trip)
		return 0;
	if (!trip->given_back)
		return -EBUSY;
	if (!trip->done)
		err = heph_http_trip_drain(ctx, trip, HEPH_HTTP_UNKNOWN);
	if (err == -ETIME || err == -ECANCELED)
		return err;
	conn->current = NULL;
	trip->conn = NULL;
	heph_http_trip_free(ctx, trip);
	return err < 0 ? -EPIPE : 0;
}

static int make_response(heph_ctx ctx, struct heph_http_client_conn *conn)
{
	const struct asked *asked = &conn->asked[conn->first];
	const struct heph_http_fetch fetch = {
		.size = sizeof(fetch),
		.upgrade = asked->upgrade,
		.most = asked->most,
		.interim = asked->interim,
		.interim_arg = asked->interim_arg,
	};
	struct heph_http_trip *trip;
	int err = heph_http_trip_new(ctx, &fetch, &trip);

	if (err < 0)
		return err;
	trip->by_hand = trip->sent = true;
	trip->wire = &conn->wire;
	trip->conn = conn;
	trip->times = conn->opener->times;
	trip->limits = conn->opener->limits;
	trip->method = asked->method;
	trip->decodes = asked->decodes;
	conn->current = trip;
	return 0;
}

/* The response did not come: the opener knows where from. */
static void fail_response(heph_ctx ctx, struct heph_http_client_conn *conn, int err)
{
	struct heph_http_failure *failure = conn->asked[conn->first].failure;
	struct heph_http_trip *opener = conn->opener;

	memset(&opener->failure, 0, sizeof(opener->failure));
	opener->failure.wrong = conn->current->failure.wrong;
	heph_http_trip_fail(opener, HEPH_HTTP_PHASE_HEAD, err);
	if (failure)
		*failure = opener->failure;
	heph_http_wire_close(ctx, &conn->wire);
	heph_http_trip_free(ctx, conn->current);
	conn->current = NULL;
}

int heph_http_client_conn_receive(heph_ctx ctx,
				  struct heph_http_client_conn *conn,
				  struct heph_http_reply **ret_reply)
{
	struct heph_http_trip *trip;
	int err = end_current(ctx, conn);

	if (err < 0)
		return err;
	if (conn->n == 0)
		return -EINVAL;
	if (!conn->wire.open)
		return -EPIPE;
	err = make_response(ctx, conn);
	if (err < 0)
		return err;
	trip = conn->current;
	err = heph_http_trip_head(ctx, trip);
	if (err == 0)
		err = heph_http_trip_begin_body(trip);
	if (err < 0) {
		fail_response(ctx, conn, err);
		return err;
	}
	conn->first = (conn->first + 1) % UNDER_WAY;
	conn->n--;
	*ret_reply = &trip->reply;
	return 0;
}

/* ---- the end --------------------------------------------------------------------- */

void heph_http_client_forget(struct heph_http_client_conn *conn)
{
	conn->current = NULL;
}

/* A reply that somebody still has can be read no further. */
static void detach_current(heph_ctx ctx, struct heph_http_trip *trip)
{
	if (!trip)
		return;
	trip->conn = NULL;
	trip->wire = &trip->own_wire;
	trip->piece.size = 0;
	if (!trip->done)
		trip->err = -EPIPE;
	if (trip->given_back)
		heph_http_trip_free(ctx, trip);
}

void heph_http_client_conn_close(heph_ctx ctx,
				 struct heph_http_client_conn *conn)
{
	if (!conn)
		return;
	heph_ending_clear(&conn->ending);
	heph_http_wire_close(ctx, &conn->wire);
	detach_current(ctx, conn->current);
	if (conn->opener) {
		conn->opener->by_hand = false;
		conn->opener->wire = &conn->opener->own_wire;
		heph_http_trip_free(ctx, conn->opener);
	}
	free(conn);
}
