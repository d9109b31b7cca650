/* SPDX-License-Identifier: MIT */
#include "tls/conn.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include <string.h>

#include "tls/bio.h"
#include "tls/error.h"
#include "tls/setup.h"
#include "tls/tls.h"

enum { OUT_FIRST = 512 };

/* ---- making ------------------------------------------------------------------------ */

/* As it is compared: "Example.com." and "[::1]" are example.com and ::1. */
static char *host_name(const char *host)
{
	size_t n = strlen(host);
	char *name;

	if (n > 1 && host[0] == '[' && host[n - 1] == ']') {
		host++;
		n -= 2;
	} else if (n > 1 && host[n - 1] == '.') {
		n--;
	}
	name = OPENSSL_strndup(host, n);
	for (size_t i = 0; name && i < n; i++)
		if (name[i] >= 'A' && name[i] <= 'Z')
			name[i] += 'a' - 'A';
	return name;
}

/* What the certificate must be of, by its alternative names alone: RFC 9525, section
 * 6.3. Addresses are not asked for: RFC 6066,
 * section 3. */
static int expect(struct heph_tls_conn *conn)
{
	X509_VERIFY_PARAM *param = SSL_get0_param(conn->ssl);

	ERR_clear_error();
	if (conn->host[0] == '.') /* OpenSSL would take all below it */
		return heph_tls_error(-EINVAL, "name of the host");
	if (X509_VERIFY_PARAM_set1_ip_asc(param, conn->host) == 1)
		return 0;
	ERR_clear_error();
	SSL_set_hostflags(conn->ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS |
					     X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
	if (SSL_set1_host(conn->ssl, conn->host) == 1 &&
	    SSL_set_tlsext_host_name(conn->ssl, conn->host) == 1)
		return 0;
	return heph_tls_error_take(-EINVAL, "name of the host");
}

static void resume(struct heph_tls_conn *conn)
{
	SSL_SESSION *session =
		heph_tls_sessions_take(&conn->tls->sessions,
				       conn->setup->epoch, conn->host);

	if (!session)
		return;
	if (SSL_set_session(conn->ssl, session) != 1)
		ERR_clear_error();
	SSL_SESSION_free(session);
}

static int make_client(struct heph_tls_conn *conn, const char *host)
{
	int err;

	SSL_set_connect_state(conn->ssl);
	if (conn->setup->config.verify == HEPH_TLS_VERIFY_ISSUER)
		return 0;
	if (!host || !*host)
		return heph_tls_error(-EINVAL, "no name of the host");
	conn->host = host_name(host);
	if (!conn->host)
		return heph_tls_error(-ENOMEM, "no memory");
	err = expect(conn);
	if (err == 0)
		resume(conn);
	return err;
}

static int make_ssl(struct heph_tls_conn *conn, const char *host)
{
	BIO *bio;

	ERR_clear_error();
	conn->ssl = SSL_new(conn->setup->ctx);
	bio = conn->ssl ? heph_tls_bio_new(conn->tls->bio, conn) : NULL;
	if (!bio || SSL_set_app_data(conn->ssl, conn) != 1) {
		BIO_free(bio);
		return heph_tls_error_take(-ENOMEM, "connection");
	}
	SSL_set_bio(conn->ssl, bio, bio);
	if (!conn->tls->server)
		return make_client(conn,
				   host ? host : conn->setup->config.host);
	SSL_set_accept_state(conn->ssl);
	return 0;
}

int heph_tls_conn_new(struct heph_tls_conn **ret_conn, struct heph_tls *tls,
		      heph_fd fd, const char *host)
{
	struct heph_tls_conn *conn = OPENSSL_zalloc(sizeof(*conn));
	int err;

	if (!conn)
		return heph_tls_error(-ENOMEM, "no memory");
	conn->tls = heph_tls_ref(tls);
	conn->setup = heph_tls_setup_of(tls);
	conn->in_fd = conn->out_fd = fd;
	atomic_init(&conn->refs, 1);
	err = make_ssl(conn, host);
	if (err == 0)
		*ret_conn = conn;
	else
		heph_tls_conn_free(conn);
	return err;
}

void heph_tls_conn_free(void *arg)
{
	struct heph_tls_conn *conn = arg;

	if (atomic_fetch_sub(&conn->refs, 1) > 1)
		return;
	/* Otherwise OpenSSL takes it for broken, and its session for useless. */
	if (conn->ssl && conn->err == 0)
		SSL_set_shutdown(conn->ssl,
				 SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
	SSL_free(conn->ssl);
	OPENSSL_free(conn->host);
	OPENSSL_free(conn->out);
	OPENSSL_free(conn->going);
	OPENSSL_free(conn->data);
	OPENSSL_free(conn->why);
	heph_tls_setup_unref(conn->setup);
	heph_tls_free(conn->tls);
	OPENSSL_free(conn);
}

/* ---- what went wrong ------------------------------------------------------------------ */

/* X509_V_ERR_...: what is wrong with the certificate. */
static int verify_error(const struct heph_tls_conn *conn)
{
	long result = SSL_get_verify_result(conn->ssl);
	const char *reason = X509_verify_cert_error_string(result);

	ERR_clear_error();
	switch (result) {
	case X509_V_ERR_OUT_OF_MEM:
		return heph_tls_error(-ENOMEM, "certificate: no memory");
	case X509_V_ERR_CERT_HAS_EXPIRED:
	case X509_V_ERR_CERT_NOT_YET_VALID:
	case X509_V_ERR_CRL_HAS_EXPIRED:
		return heph_tls_error(-EKEYEXPIRED, "the peer's %s", reason);
	case X509_V_ERR_HOSTNAME_MISMATCH:
	case X509_V_ERR_IP_ADDRESS_MISMATCH:
		return heph_tls_error(-EKEYREJECTED,
				      "the peer's certificate is not of %s",
				      conn->host);
	default:
		return heph_tls_error(-EKEYREJECTED,
				      "the peer's certificate: %s", reason);
	}
}

static int protocol_error(const struct heph_tls_conn *conn)
{
	unsigned long error = ERR_peek_error();

	if (ERR_GET_LIB(error) == ERR_LIB_SSL) {
		switch (ERR_GET_REASON(error)) {
		case SSL_R_CERTIFICATE_VERIFY_FAILED:
			return verify_error(conn);
		case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE:
			return heph_tls_error_take(-ENOKEY, "TLS");
		case SSL_R_UNEXPECTED_EOF_WHILE_READING:
			ERR_clear_error();
			return heph_tls_error(-ECONNRESET,
					      "the connection was cut");
		}
	}
	return heph_tls_error_take(-EPROTO, "TLS");
}

int heph_tls_conn_fail(struct heph_tls_conn *conn, int err)
{
	conn->err = err;
	if (!conn->why)
		conn->why = OPENSSL_strdup(heph_tls_error_text());
	return err;
}

int heph_tls_conn_error(struct heph_tls_conn *conn)
{
	return conn->err == 0 ? 0 :
				heph_tls_error(conn->err, "%s",
					       conn->why ? conn->why : "TLS");
}

static int was_cut(struct heph_tls_conn *conn)
{
	return heph_tls_conn_fail(conn, heph_tls_error(-ECONNRESET,
						       "the connection was cut"));
}

int heph_tls_conn_outcome(struct heph_tls_conn *conn, int result)
{
	int what = SSL_get_error(conn->ssl, result);

	if (conn->no_memory) {
		ERR_clear_error();
		return heph_tls_conn_fail(conn, heph_tls_error(-ENOMEM,
							       "TLS: no memory"));
	}
	switch (what) {
	case SSL_ERROR_WANT_READ:
		return -EAGAIN;
	case SSL_ERROR_ZERO_RETURN:
		return 0;
	case SSL_ERROR_SYSCALL:
		return was_cut(conn);
	default:
		return heph_tls_conn_fail(conn, protocol_error(conn));
	}
}

/* ---- what comes and goes ---------------------------------------------------------------- */

bool heph_tls_conn_reserve(struct heph_tls_conn *conn, size_t size)
{
	size_t need = conn->out_size + size, room = conn->out_room;
	char *out;

	if (need <= room)
		return true;
	room = room ? 2 * room : OUT_FIRST;
	if (room < need)
		room = need;
	out = OPENSSL_realloc(conn->out, room);
	conn->no_memory = !out;
	if (!out)
		return false;
	conn->out = out;
	conn->out_room = room;
	return true;
}

static int io_error(int err, const char *what)
{
	return heph_tls_error(err, "%s: %s", what, strerror(-err));
}

static void set_going(struct heph_tls_conn *conn)
{
	conn->going = conn->out;
	conn->going_size = conn->out_size;
	conn->gone = 0;
	conn->out = NULL;
	conn->out_size = conn->out_room = 0;
	conn->asked = 0;
}

/* Writes `going`; of what is left after an error it knows where it begins. */
static int write_going(heph_ctx ctx, struct heph_tls_conn *conn)
{
	size_t done = 0;
	int err = heph_write_exact(ctx, conn->out_fd, conn->going + conn->gone,
				   conn->going_size - conn->gone, &done);

	conn->gone += done;
	if (conn->gone == conn->going_size) {
		OPENSSL_free(conn->going);
		conn->going = NULL;
	}
	return err < 0 ? io_error(err, "writing") : 0;
}

int heph_tls_conn_flush(heph_ctx ctx, struct heph_tls_conn *conn)
{
	int err = 0;

	while (err == 0 && heph_tls_conn_unwritten(conn)) {
		if (!conn->going)
			set_going(conn);
		err = write_going(ctx, conn);
	}
	return err;
}

int heph_tls_conn_fill(heph_ctx ctx, struct heph_tls_conn *conn)
{
	char *data;
	int n = conn->split ? 0 : heph_tls_conn_flush(ctx, conn);

	if (n < 0)
		return n;
	n = heph_read_view(ctx, conn->in_fd, &data);
	if (n == -ECONNRESET)
		return was_cut(conn);
	if (n < 0)
		return io_error(n, "reading");
	conn->in = data;
	conn->in_size = (size_t)n;
	conn->viewed = n > 0;
	conn->eof = n == 0;
	return 0;
}

void heph_tls_conn_rest(heph_ctx ctx, struct heph_tls_conn *conn)
{
	if (!conn->viewed || conn->in_size > 0)
		return;
	heph_end_view(ctx, conn->in_fd);
	conn->viewed = false;
}
