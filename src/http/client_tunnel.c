/* SPDX-License-Identifier: MIT */
/* What comes between a new connection and the first request on it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http/client_mem.h"
#include "http/client_trip.h"

#if HEPH_TLS
#include <heph/tls.h>
#endif

/* ---- a tunnel through a proxy; RFC 9110, section 9.3.6 ------------------------------ */

static int write_connect(heph_ctx ctx, struct heph_http_trip *trip)
{
	const struct heph_http_lease *lease = trip->lease;
	const char *who = lease->proxy->authorization;
	size_t room = 2 * strlen(lease->connect) + (who ? strlen(who) : 0) + 128;
	char *text = client_mem(room);
	struct iovec piece = { .iov_base = text };
	int err;

	if (!text)
		return -ENOMEM;
	piece.iov_len = (size_t)snprintf(
		text, room, "CONNECT %s HTTP/1.1\r\nHost: %s\r\n%s%s%s\r\n",
		lease->connect, lease->connect,
		who ? "Proxy-Authorization: " : "", who ? who : "",
		who ? "\r\n" : "");
	err = heph_http_wire_write(ctx, trip->wire, &piece, 1,
				   trip->times.send);
	free(text);
	return err;
}

static int read_connected(heph_ctx ctx, struct heph_http_trip *trip)
{
	enum heph_http_method method = trip->method;
	int err;

	heph_http_trip_forget(trip);
	trip->method = HEPH_HTTP_CONNECT; /* 2xx has no body */
	err = heph_http_trip_head(ctx, trip);
	trip->method = method;
	if (err < 0)
		return err;
	if (trip->reply.status / 100 != 2)
		trip->note = trip->reply.status == 407 ?
				     "the proxy wants to know who asks (407)" :
				     "the proxy refuses";
	else if (trip->wire->n) /* nobody can say anything so far */
		trip->note = "the proxy says more than it should";
	heph_http_trip_forget(trip);
	return trip->note ? -ECONNREFUSED : 0;
}

int heph_http_trip_tunnel(heph_ctx ctx, struct heph_http_trip *trip)
{
	int err;

	ctx = heph_within(ctx, trip->times.connect);
	err = write_connect(ctx, trip);
	if (err == 0)
		err = read_connected(ctx, trip);
	return err < 0 ? heph_http_trip_fail(trip, HEPH_HTTP_PHASE_PROXY, err) :
			 0;
}

/* ---- TLS ---------------------------------------------------------------------------- */

#if HEPH_TLS
/* Whom the caller lets speak something else would not be understood. */
static int check_protocol(struct heph_http_trip *trip)
{
	struct heph_tls_info info;
	int err = heph_tls_info(&trip->wire->stream, &info);

	if (err == 0 && info.alpn.size &&
	    !heph_str_equal(info.alpn, "http/1.1")) {
		trip->note = "the server does not speak HTTP/1.1 here";
		err = -EPROTO;
	}
	return err;
}

static int shake_hands(heph_ctx ctx, struct heph_http_trip *trip)
{
	struct heph_http_wire *wire = trip->wire;
	struct heph_stream stream;
	int err;

	heph_stream_unread(ctx, &wire->stream);
	err = heph_tls_connect(heph_within(ctx, trip->times.tls),
			       trip->lease->tls, wire->stream.fd,
			       trip->target.host, &stream);
	if (err < 0)
		return err;
	wire->stream = stream;
	return check_protocol(trip);
}

const char *heph_http_tls_text(void)
{
	return heph_tls_error_text();
}
#else
static int shake_hands(heph_ctx ctx, struct heph_http_trip *trip)
{
	trip->note = "this libheph-http was built without TLS";
	return -EPROTONOSUPPORT;
}

const char *heph_http_tls_text(void)
{
	return "TLS";
}
#endif

int heph_http_trip_protect(heph_ctx ctx, struct heph_http_trip *trip)
{
	int err;

	trip->in_tls = true;
	err = shake_hands(ctx, trip);
	if (err < 0)
		err = heph_http_trip_fail(trip, HEPH_HTTP_PHASE_TLS, err);
	trip->in_tls = false;
	return err;
}
