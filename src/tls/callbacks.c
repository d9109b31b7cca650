/* SPDX-License-Identifier: MIT */
#include "tls/callbacks.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>

#include <string.h>

#include "tls/conn.h"
#include "tls/error.h"
#include "tls/setup.h"
#include "tls/tls.h"

/* ---- the name that a client asks for ---------------------------------------------- */

static size_t find_certs(const struct heph_tls_setup *setup, const SSL *ssl,
			 const struct heph_tls_named **ret_first)
{
	const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);

	return name ? heph_tls_names_find(&setup->names, name, ret_first) : 0;
}

static int check_name(SSL *ssl, int *alert, void *arg)
{
	const struct heph_tls_setup *setup = arg;
	const struct heph_tls_named *first;

	if (!SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name))
		return SSL_TLSEXT_ERR_NOACK;
	if (!setup->config.refuse_unknown_names ||
	    find_certs(setup, ssl, &first) > 0)
		return SSL_TLSEXT_ERR_OK;
	*alert = SSL_AD_UNRECOGNIZED_NAME;
	return SSL_TLSEXT_ERR_ALERT_FATAL;
}

static int choose_certs(SSL *ssl, void *arg)
{
	const struct heph_tls_setup *setup = arg;
	const struct heph_tls_named *named;
	size_t n = find_certs(setup, ssl, &named);

	if (n > 0)
		SSL_certs_clear(ssl);
	for (; n > 0; n--, named++) {
		const struct heph_tls_pair *pair = &setup->pairs[named->cert];

		/* 0: of two with one kind of key the first stays. */
		if (SSL_use_cert_and_key(ssl, pair->cert, pair->key,
					 pair->chain, 0) != 1)
			ERR_clear_error();
	}
	return 1;
}

/* ---- application protocols ---------------------------------------------------------- */

static int choose_alpn(SSL *ssl, const unsigned char **ret, unsigned char *ret_size,
		       const unsigned char *offered, unsigned size, void *arg)
{
	const struct heph_tls_setup *setup = arg;
	unsigned char *chosen;

	(void)ssl;
	if (SSL_select_next_proto(&chosen, ret_size, setup->alpn,
				  setup->alpn_size, offered,
				  size) != OPENSSL_NPN_NEGOTIATED)
		return SSL_TLSEXT_ERR_ALERT_FATAL;
	*ret = chosen;
	return SSL_TLSEXT_ERR_OK;
}

/* ---- tickets and sessions -------------------------------------------------------------- */

static bool use_key(const struct heph_tls_ticket_key *key, unsigned char *iv,
		    EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac, int encrypts)
{
	char digest[] = "SHA256";
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_octet_string(
			OSSL_MAC_PARAM_KEY, (void *)(uintptr_t)key->mac,
			sizeof(key->mac)),
		OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest,
						 0),
		OSSL_PARAM_construct_end(),
	};

	return EVP_CipherInit_ex(cipher, EVP_aes_256_cbc(), NULL, key->cipher,
				 iv, encrypts) == 1 &&
	       EVP_MAC_CTX_set_params(mac, params) == 1;
}

static int begin_ticket(struct heph_tls_setup *setup, unsigned char *name,
			unsigned char *iv, EVP_CIPHER_CTX *cipher,
			EVP_MAC_CTX *mac)
{
	struct heph_tls_ticket_key key;
	bool ok = heph_tls_tickets_current(&setup->tls->tickets,
					   setup->config.ticket_time, &key) == 0 &&
		  RAND_bytes(iv, EVP_CIPHER_get_iv_length(EVP_aes_256_cbc())) == 1;

	if (ok)
		memcpy(name, key.name, sizeof(key.name));
	ok = ok && use_key(&key, iv, cipher, mac, 1);
	OPENSSL_cleanse(&key, sizeof(key));
	return ok ? 1 : -1;
}

/* 0: it cannot be read, so all is agreed upon anew; 2: it is to be replaced, as are
 * all of TLS 1.3, where a client uses one once. */
static int open_ticket(const SSL *ssl, const unsigned char *name,
		       unsigned char *iv, EVP_CIPHER_CTX *cipher,
		       EVP_MAC_CTX *mac)
{
	const struct heph_tls_conn *conn = SSL_get_app_data(ssl);
	struct heph_tls_setup *setup = conn->setup;
	struct heph_tls_ticket_key key;
	int found = heph_tls_tickets_find(&setup->tls->tickets,
					  setup->config.ticket_time, name, &key);
	bool ok;

	if (found < 0)
		return 0;
	ok = use_key(&key, iv, cipher, mac, 0);
	OPENSSL_cleanse(&key, sizeof(key));
	if (!ok)
		return -1;
	return found == 0 && SSL_version(ssl) < TLS1_3_VERSION ? 1 : 2;
}

static int do_ticket(SSL *ssl, unsigned char *name, unsigned char *iv,
		     EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac, int encrypts)
{
	struct heph_tls_conn *conn = SSL_get_app_data(ssl);

	return encrypts ? begin_ticket(conn->setup, name, iv, cipher, mac) :
			  open_ticket(ssl, name, iv, cipher, mac);
}

/* Returns 1 if the session is ours now. */
static int keep_session(SSL *ssl, SSL_SESSION *session)
{
	struct heph_tls_conn *conn = SSL_get_app_data(ssl);

	return conn->host &&
	       heph_tls_sessions_put(&conn->tls->sessions, conn->setup->epoch,
				     conn->host, session);
}

/* ---- setting them ------------------------------------------------------------------------- */

/* All is in the tickets, also the certificate of the client: with another idea of
 * whom to trust they are of no use. */
static int set_server_sessions(struct heph_tls_setup *setup)
{
	unsigned char context[1 + sizeof(setup->epoch)] = { 'h' };

	SSL_CTX_set_session_cache_mode(setup->ctx, SSL_SESS_CACHE_OFF);
	if (setup->config.verify != HEPH_TLS_VERIFY_NONE)
		memcpy(context + 1, &setup->epoch, sizeof(setup->epoch));
	if (SSL_CTX_set_session_id_context(setup->ctx, context,
					   sizeof(context)) != 1)
		return heph_tls_error_take(-ENOMEM, "sessions");
	SSL_CTX_set_timeout(setup->ctx,
			    (long)(setup->config.ticket_time / HEPH_SEC));
	if (SSL_CTX_set_tlsext_ticket_key_evp_cb(setup->ctx, do_ticket) != 1)
		return heph_tls_error_take(-ENOMEM, "sessions");
	return 0;
}

static int set_sessions(struct heph_tls_setup *setup)
{
	if (setup->config.no_resumption) {
		SSL_CTX_set_options(setup->ctx, SSL_OP_NO_TICKET);
		SSL_CTX_set_num_tickets(setup->ctx, 0);
		SSL_CTX_set_session_cache_mode(setup->ctx, SSL_SESS_CACHE_OFF);
		return 0;
	}
	if (setup->tls->server)
		return set_server_sessions(setup);
	SSL_CTX_set_session_cache_mode(setup->ctx,
				       SSL_SESS_CACHE_CLIENT |
					       SSL_SESS_CACHE_NO_INTERNAL);
	SSL_CTX_sess_set_new_cb(setup->ctx, keep_session);
	return 0;
}

static int set_client_alpn(struct heph_tls_setup *setup)
{
	if (setup->alpn_size == 0 ||
	    SSL_CTX_set_alpn_protos(setup->ctx, setup->alpn,
				    setup->alpn_size) == 0)
		return 0;
	return heph_tls_error_take(-ENOMEM, "options: `alpn`");
}

int heph_tls_callbacks_set(struct heph_tls_setup *setup)
{
	int err = set_sessions(setup);

	if (err < 0)
		return err;
	if (!setup->tls->server)
		return set_client_alpn(setup);
	SSL_CTX_set_tlsext_servername_callback(setup->ctx, check_name);
	SSL_CTX_set_tlsext_servername_arg(setup->ctx, setup);
	if (setup->n_pairs > 1)
		SSL_CTX_set_cert_cb(setup->ctx, choose_certs, setup);
	if (setup->alpn_size > 0)
		SSL_CTX_set_alpn_select_cb(setup->ctx, choose_alpn, setup);
	return 0;
}
