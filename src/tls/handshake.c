/* SPDX-License-Identifier: MIT */
/* Shaking hands, on either side, and telling the peer why not. */
#include <heph/own.h>
#include <heph/time.h>
#include <heph/tls.h>

#include <openssl/err.h>

#include "tls/conn.h"
#include "tls/error.h"
#include "tls/stream.h"
#include "tls/tls.h"

/* So long a peer that does not read may keep us, to hear why it is refused. */
#define ALERT_TIME (1 * HEPH_SEC)

/* All of the deep stack is in here, between two waits. */
static __attribute__((noinline)) int step(struct heph_tls_conn *conn)
{
	int result;

	ERR_clear_error();
	result = SSL_do_handshake(conn->ssl);
	if (result == 1)
		return 0;
	result = heph_tls_conn_outcome(conn, result);
	return result == 0 ? -ECONNRESET : result;
}

static int shake(heph_ctx ctx, struct heph_tls_conn *conn)
{
	int err;

	for (;;) {
		err = step(conn);
		if (err != -EAGAIN)
			break;
		err = heph_tls_conn_fill(ctx, conn);
		if (err < 0)
			return err;
	}
	return err < 0 ? err : heph_tls_conn_flush(ctx, conn);
}

/* The alert is in `out`, if there is one. Returns the error, whose text others have
 * overwritten meanwhile. */
static int tell_peer(heph_ctx ctx, struct heph_tls_conn *conn)
{
	int err = heph_tls_conn_flush(heph_within(ctx, ALERT_TIME), conn);

	(void)err; /* it may be gone, and then nobody is to be told */
	return heph_tls_conn_error(conn);
}

static int begin(heph_ctx ctx, struct heph_tls *tls, heph_fd fd, const char *host,
		 struct heph_tls_conn **ret_conn)
{
	int err = heph_tls_conn_new(ret_conn, tls, fd, host);

	if (err < 0)
		return err;
	err = heph_own(ctx, *ret_conn, heph_tls_conn_free);
	if (err == 0)
		return 0;
	heph_tls_conn_free(*ret_conn);
	return heph_tls_error(err, "no memory");
}

static int protect(heph_ctx ctx, struct heph_tls *tls, heph_fd fd, const char *host,
		   struct heph_stream *ret_stream)
{
	struct heph_tls_conn *conn;
	int err = begin(ctx, tls, fd, host, &conn);

	if (err < 0)
		return err;
	err = shake(ctx, conn);
	if (conn->err < 0)
		err = tell_peer(ctx, conn);
	heph_tls_conn_rest(ctx, conn);
	if (err == 0) {
		*ret_stream = (struct heph_stream){
			.fd = fd, .type = &heph_tls_stream_type, .state = conn
		};
		return 0;
	}
	heph_end_view(ctx, fd);
	heph_disown(ctx, conn);
	heph_tls_conn_free(conn);
	return err;
}

int heph_tls_accept(heph_ctx ctx, struct heph_tls *tls, heph_fd fd,
		    struct heph_stream *ret_stream)
{
	if (!tls->server)
		return heph_tls_error(-EINVAL, "it is a client's");
	return protect(ctx, tls, fd, NULL, ret_stream);
}

int heph_tls_connect(heph_ctx ctx, struct heph_tls *tls, heph_fd fd,
		     const char *host, struct heph_stream *ret_stream)
{
	if (tls->server)
		return heph_tls_error(-EINVAL, "it is a server's");
	return protect(ctx, tls, fd, host, ret_stream);
}
