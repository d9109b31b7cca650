/* SPDX-License-Identifier: MIT */
#define HEPH_LOG_TARGET "heph.http"
#include "http/hello.h"

#include <heph/log.h>
#include <heph/time.h>
#include <heph/tls.h>

#if HEPH_TLS

int heph_http_hello(heph_ctx ctx, struct heph_http_conn *conn)
{
	const struct heph_http_options *options = &conn->settings->options;
	heph_ctx brief = heph_within(ctx, options->tls_time);
	int err = heph_tls_accept(brief, options->tls, conn->stream.fd,
				  &conn->stream);

	if (err < 0) {
		HEPH_HTTP_COUNT(conn->settings, failed_handshakes, 1);
		heph_log_debug("handshake failed", HEPH_KV_ERR("err", err),
			       HEPH_KV_STR("why", heph_tls_error_text()));
		conn->broken = true;
		return err;
	}
	HEPH_HTTP_COUNT(conn->settings, handshakes, 1);
	conn->greeted = true;
	return heph_http_conn_guard(ctx, conn); /* TLS goes after it */
}

#else

int heph_http_hello(heph_ctx ctx, struct heph_http_conn *conn)
{
	return -EOPNOTSUPP;
}

#endif
