/* SPDX-License-Identifier: MIT */
/* What a connection has agreed upon, and with whom. */
#include <heph/tls.h>

#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>

#include <arpa/inet.h>
#include <string.h>
#include <time.h>

#include "tls/conn.h"
#include "tls/error.h"
#include "tls/stream.h"

static struct heph_tls_conn *conn_of(const struct heph_stream *stream)
{
	struct heph_tls_half *half = stream->state;

	if (stream->type == &heph_tls_stream_type)
		return stream->state;
	if (stream->type == &heph_tls_reader_type ||
	    stream->type == &heph_tls_writer_type)
		return half->conn;
	heph_tls_error(-EINVAL, "it is no stream of TLS");
	return NULL;
}

static struct heph_str alpn_of(const SSL *ssl)
{
	const unsigned char *data;
	unsigned size;

	SSL_get0_alpn_selected(ssl, &data, &size);
	return heph_str_of((const char *)data, size);
}

int heph_tls_info(const struct heph_stream *stream, struct heph_tls_info *ret_info)
{
	const struct heph_tls_conn *conn = conn_of(stream);
	const char *name;

	if (!conn)
		return -EINVAL;
	name = SSL_get_servername(conn->ssl, TLSEXT_NAMETYPE_host_name);
	*ret_info = (struct heph_tls_info){
		.version = SSL_version(conn->ssl) == TLS1_2_VERSION ?
				   HEPH_TLS_1_2 :
				   HEPH_TLS_1_3,
		.cipher = SSL_get_cipher_name(conn->ssl),
		.alpn = alpn_of(conn->ssl),
		.name = heph_str(name ? name : ""),
		.resumed = SSL_session_reused(conn->ssl) == 1,
		.verified = SSL_get_verify_mode(conn->ssl) != SSL_VERIFY_NONE &&
			    SSL_get0_peer_certificate(conn->ssl) &&
			    SSL_get_verify_result(conn->ssl) == X509_V_OK,
	};
	return 0;
}

/* ---- the peer's certificate --------------------------------------------------------------- */

static int peer_cert(const struct heph_stream *stream, X509 **ret_cert)
{
	const struct heph_tls_conn *conn = conn_of(stream);

	if (!conn)
		return -EINVAL;
	*ret_cert = SSL_get0_peer_certificate(conn->ssl);
	return *ret_cert ? 0 :
			   heph_tls_error(-ENOENT, "the peer has shown none");
}

static bool name_text(const X509_NAME *name, char *text, size_t size)
{
	BIO *bio = BIO_new(BIO_s_mem());
	bool ok = bio && X509_NAME_print_ex(bio, name, 0, XN_FLAG_RFC2253) >= 0;
	int n = ok ? BIO_read(bio, text, (int)size - 1) : 0;

	text[n > 0 ? n : 0] = '\0';
	BIO_free(bio);
	return ok;
}

static bool serial_text(X509 *cert, char *text, size_t size)
{
	BIGNUM *number = ASN1_INTEGER_to_BN(X509_get0_serialNumber(cert), NULL);
	char *digits = number ? BN_bn2hex(number) : NULL;

	text[0] = '\0';
	if (digits)
		strncat(text, digits, size - 1);
	OPENSSL_free(digits);
	BN_free(number);
	return digits != NULL;
}

static int64_t seconds(const ASN1_TIME *time)
{
	struct tm tm;

	return ASN1_TIME_to_tm(time, &tm) == 1 ? timegm(&tm) : 0;
}

static unsigned count_names(X509 *cert)
{
	GENERAL_NAMES *names =
		X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
	int n = names ? sk_GENERAL_NAME_num(names) : 0;

	GENERAL_NAMES_free(names);
	return (unsigned)n;
}

int heph_tls_peer(const struct heph_stream *stream, struct heph_tls_peer *ret_peer)
{
	X509 *cert;
	int err = peer_cert(stream, &cert);
	bool ok;

	if (err < 0)
		return err;
	ERR_clear_error();
	ok = name_text(X509_get_subject_name(cert), ret_peer->subject,
		       sizeof(ret_peer->subject)) &&
	     name_text(X509_get_issuer_name(cert), ret_peer->issuer,
		       sizeof(ret_peer->issuer)) &&
	     serial_text(cert, ret_peer->serial, sizeof(ret_peer->serial)) &&
	     X509_digest(cert, EVP_sha256(), ret_peer->fingerprint, NULL) == 1;
	if (!ok)
		return heph_tls_error_take(-ENOMEM, "certificate");
	ret_peer->from = seconds(X509_get0_notBefore(cert));
	ret_peer->until = seconds(X509_get0_notAfter(cert));
	ret_peer->names = count_names(cert);
	return 0;
}

/* ---- one of its names -------------------------------------------------------------------------- */

static int copy_text(const ASN1_STRING *string, char *text, size_t size)
{
	const unsigned char *data = ASN1_STRING_get0_data(string);
	size_t n = (size_t)ASN1_STRING_length(string);

	if (memchr(data, '\0', n))
		return heph_tls_error(-EBADMSG, "a name with a nul in it");
	if (n >= size)
		return heph_tls_error(-ENOSPC, "the name is longer");
	memcpy(text, data, n);
	text[n] = '\0';
	return 0;
}

static int copy_address(const ASN1_STRING *string, char *text, size_t size)
{
	int n = ASN1_STRING_length(string);

	if (n != 4 && n != 16)
		return heph_tls_error(-EBADMSG, "an address of %d bytes", n);
	if (inet_ntop(n == 4 ? AF_INET : AF_INET6, ASN1_STRING_get0_data(string),
		      text, (socklen_t)size))
		return 0;
	return heph_tls_error(-ENOSPC, "the name is longer");
}

static int copy_name(const GENERAL_NAME *name, enum heph_tls_name *ret_kind,
		     char *text, size_t size)
{
	switch (name->type) {
	case GEN_DNS:
		*ret_kind = HEPH_TLS_DNS;
		return copy_text(name->d.dNSName, text, size);
	case GEN_EMAIL:
		*ret_kind = HEPH_TLS_EMAIL;
		return copy_text(name->d.rfc822Name, text, size);
	case GEN_URI:
		*ret_kind = HEPH_TLS_URI;
		return copy_text(name->d.uniformResourceIdentifier, text, size);
	case GEN_IPADD:
		*ret_kind = HEPH_TLS_IP;
		return copy_address(name->d.iPAddress, text, size);
	default:
		*ret_kind = HEPH_TLS_OTHER_NAME;
		text[0] = '\0';
		return 0;
	}
}

int heph_tls_peer_name(const struct heph_stream *stream, unsigned index,
		       enum heph_tls_name *ret_kind, char *ret_name, size_t size)
{
	GENERAL_NAMES *names;
	X509 *cert;
	int err = peer_cert(stream, &cert);

	if (err < 0)
		return err;
	if (size == 0)
		return heph_tls_error(-ENOSPC, "the name is longer");
	names = X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
	if (names && index < (unsigned)sk_GENERAL_NAME_num(names))
		err = copy_name(sk_GENERAL_NAME_value(names, (int)index),
				ret_kind, ret_name, size);
	else
		err = heph_tls_error(-ENOENT, "no more names");
	GENERAL_NAMES_free(names);
	return err;
}

/* The last one of a distinguished name; NULL: there is none. */
static const ASN1_STRING *common_name(const X509_NAME *name)
{
	const ASN1_STRING *found = NULL;
	int at = -1;

	while ((at = X509_NAME_get_index_by_NID(name, NID_commonName, at)) >= 0)
		found = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at));
	return found;
}

static int copy_utf8(const ASN1_STRING *string, char *text, size_t size)
{
	unsigned char *utf8;
	int n, err = 0;

	ERR_clear_error();
	n = ASN1_STRING_to_UTF8(&utf8, string);
	if (n < 0)
		return heph_tls_error_take(-EBADMSG, "common name");
	if (memchr(utf8, '\0', (size_t)n))
		err = heph_tls_error(-EBADMSG, "a name with a nul in it");
	else if ((size_t)n >= size)
		err = heph_tls_error(-ENOSPC, "the name is longer");
	if (err == 0) {
		memcpy(text, utf8, (size_t)n);
		text[n] = '\0';
	}
	OPENSSL_free(utf8);
	return err;
}

int heph_tls_peer_common_name(const struct heph_stream *stream, char *ret_name,
			      size_t size)
{
	const ASN1_STRING *name;
	X509 *cert;
	int err = peer_cert(stream, &cert);

	if (err < 0)
		return err;
	name = common_name(X509_get_subject_name(cert));
	return name ? copy_utf8(name, ret_name, size) :
		      heph_tls_error(-ENOENT, "no common name");
}
