/* SPDX-License-Identifier: MIT */
#include "tls/setup.h"

#include <heph/time.h>

#include <openssl/err.h>

#include <string.h>

#include "tls/callbacks.h"
#include "tls/config.h"
#include "tls/error.h"
#include "tls/tls.h"
#include "tls/trust.h"

/* Keys that nobody knows after the connection, and ciphers that authenticate. */
#define CIPHERS "ECDHE+AESGCM:ECDHE+CHACHA20"

/* ---- certificates -------------------------------------------------------------- */

static int read_pairs(struct heph_tls_setup *setup,
		      struct heph_tls_reader *reader)
{
	size_t n = heph_tls_config_certs(&setup->config);
	int err = 0;

	if (n == 0)
		return 0;
	setup->pairs = OPENSSL_zalloc(n * sizeof(*setup->pairs));
	if (!setup->pairs)
		return heph_tls_error(-ENOMEM, "certificates: no memory");
	for (size_t i = 0; err == 0 && i < n; i++) {
		setup->n_pairs = i + 1;
		err = heph_tls_pair_init(&setup->pairs[i], reader,
					 heph_tls_config_cert(&setup->config,
							      i));
		if (err == 0)
			err = heph_tls_names_add(&setup->names,
						 setup->pairs[i].cert,
						 (unsigned)i);
	}
	heph_tls_names_sort(&setup->names);
	return err;
}

/* Whether an earlier certificate has a key of that kind. */
static bool kind_is_there(const struct heph_tls_setup *setup, size_t i)
{
	int kind = EVP_PKEY_get_base_id(setup->pairs[i].key);

	while (i-- > 0)
		if (EVP_PKEY_get_base_id(setup->pairs[i].key) == kind)
			return true;
	return false;
}

/* The first of each kind of key. */
static int use_first_pairs(struct heph_tls_setup *setup)
{
	for (size_t i = 0; i < setup->n_pairs; i++) {
		struct heph_tls_pair *pair = &setup->pairs[i];

		if (!kind_is_there(setup, i) &&
		    SSL_CTX_use_cert_and_key(setup->ctx, pair->cert, pair->key,
					     pair->chain, 1) != 1)
			return heph_tls_error_take(-EKEYREJECTED,
						   "certificate");
	}
	return 0;
}

/* ---- rules ----------------------------------------------------------------------- */

static int version_number(enum heph_tls_version version)
{
	return version == HEPH_TLS_1_2 ? TLS1_2_VERSION : TLS1_3_VERSION;
}

static int set_ciphers(SSL_CTX *ctx, const struct heph_tls_config *config)
{
	const char *ciphers = config->ciphers ? config->ciphers : CIPHERS;

	if (SSL_CTX_set_cipher_list(ctx, ciphers) != 1)
		return heph_tls_error_take(-EINVAL, "options: `ciphers`");
	if (config->suites && SSL_CTX_set_ciphersuites(ctx, config->suites) != 1)
		return heph_tls_error_take(-EINVAL, "options: `suites`");
	/* OpenSSL casts it to what is not const, and so says clang. */
	if (config->groups &&
	    SSL_CTX_set1_groups_list(ctx, (char *)(uintptr_t)config->groups) != 1)
		return heph_tls_error_take(-EINVAL, "options: `groups`");
	return 0;
}

static int set_rules(SSL_CTX *ctx, const struct heph_tls_config *config)
{
	SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION |
					 SSL_OP_NO_COMPRESSION |
					 SSL_OP_CIPHER_SERVER_PREFERENCE |
					 SSL_OP_PRIORITIZE_CHACHA);
	/* A connection that waits has no buffers for records. */
	SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_default_passwd_cb(ctx, NULL);
	if (SSL_CTX_get_security_level(ctx) < 2) /* keys of 112 bits */
		SSL_CTX_set_security_level(ctx, 2);
	if (SSL_CTX_set_min_proto_version(
		    ctx, version_number(config->min_version)) != 1 ||
	    SSL_CTX_set_max_proto_version(
		    ctx, version_number(config->max_version)) != 1)
		return heph_tls_error_take(-EINVAL, "options: versions");
	return set_ciphers(ctx, config);
}

static void set_verify(SSL_CTX *ctx, const struct heph_tls_config *config)
{
	int mode = SSL_VERIFY_NONE;

	if (config->verify != HEPH_TLS_VERIFY_NONE)
		mode = SSL_VERIFY_PEER;
	if (config->verify == HEPH_TLS_VERIFY_REQUIRED)
		mode |= SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
	SSL_CTX_set_verify(ctx, mode, NULL);
}

/* "h2,http/1.1" becomes what is sent: each one after its length. */
static int read_alpn(struct heph_tls_setup *setup)
{
	const char *text = setup->config.alpn;
	size_t n = text ? strlen(text) : 0, at = 0, size;

	if (n == 0)
		return 0;
	if (n >= UINT16_MAX)
		return heph_tls_error(-EINVAL, "options: `alpn` is too long");
	setup->alpn = OPENSSL_malloc(n + 1);
	if (!setup->alpn)
		return heph_tls_error(-ENOMEM, "options: no memory");
	for (setup->alpn_size = (unsigned)n + 1; at <= n; at += size + 1) {
		size = strcspn(text + at, ",");
		if (size == 0 || size > 255)
			return heph_tls_error(-EINVAL,
					      "options: `alpn` has a name of 0 "
					      "or more than 255 bytes");
		setup->alpn[at] = (unsigned char)size;
		memcpy(setup->alpn + at + 1, text + at, size);
	}
	return 0;
}

/* ---- making ---------------------------------------------------------------------- */

static int make_ctx(struct heph_tls_setup *setup, bool server)
{
	ERR_clear_error();
	setup->ctx = SSL_CTX_new(server ? TLS_server_method() :
					  TLS_client_method());
	if (!setup->ctx)
		return heph_tls_error_take(-ENOMEM, "OpenSSL");
	set_verify(setup->ctx, &setup->config);
	return set_rules(setup->ctx, &setup->config);
}

static int fill(struct heph_tls_setup *setup, struct heph_tls_reader *reader)
{
	bool server = setup->tls->server;
	int err = make_ctx(setup, server);

	if (err == 0)
		err = read_pairs(setup, reader);
	if (err == 0)
		err = use_first_pairs(setup);
	if (err == 0)
		err = heph_tls_trust(setup->ctx, reader, &setup->config, server);
	if (err == 0)
		err = read_alpn(setup);
	if (err == 0)
		err = heph_tls_callbacks_set(setup);
	if (err == 0)
		err = heph_tls_reader_end(reader);
	return err;
}

static int read_all(struct heph_tls_setup *setup)
{
	struct heph_tls_reader reader;
	int err = heph_tls_reader_init(&reader);

	if (err == 0)
		err = fill(setup, &reader);
	memcpy(setup->digest, reader.seen, sizeof(setup->digest));
	heph_tls_reader_fini(&reader);
	return err;
}

int heph_tls_setup_new(struct heph_tls_setup **ret_setup, struct heph_tls *tls,
		       const struct heph_tls_config *config)
{
	struct heph_tls_setup *setup = OPENSSL_zalloc(sizeof(*setup));
	int err;

	if (!setup)
		return heph_tls_error(-ENOMEM, "no memory");
	atomic_init(&setup->refs, 1);
	setup->tls = tls;
	setup->epoch = tls->epochs;
	err = heph_tls_config_init(&setup->config, config, tls->server);
	if (err == 0)
		err = read_all(setup);
	if (err == 0)
		*ret_setup = setup;
	else
		heph_tls_setup_unref(setup);
	return err;
}

struct heph_tls_setup *heph_tls_setup_ref(struct heph_tls_setup *setup)
{
	atomic_fetch_add_explicit(&setup->refs, 1, memory_order_relaxed);
	return setup;
}

void heph_tls_setup_unref(struct heph_tls_setup *setup)
{
	/* What others did with it is seen before it is freed. */
	if (!setup || atomic_fetch_sub_explicit(&setup->refs, 1,
						memory_order_acq_rel) > 1)
		return;
	SSL_CTX_free(setup->ctx);
	for (size_t i = 0; i < setup->n_pairs; i++)
		heph_tls_pair_fini(&setup->pairs[i]);
	OPENSSL_free(setup->pairs);
	heph_tls_names_fini(&setup->names);
	OPENSSL_free(setup->alpn);
	heph_tls_config_fini(&setup->config);
	OPENSSL_free(setup);
}
