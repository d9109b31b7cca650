/* SPDX-License-Identifier: MIT */
/*
 * setup.h - one set of certificates and rules
 *
 * What a struct heph_tls has at a time. It never changes once it is made: a reload
 * makes another one, and connections keep the one that they began with. Counted;
 * any thread.
 */
#ifndef HEPH_TLS_SETUP_H
#define HEPH_TLS_SETUP_H

#include <heph/tls.h>

#include <openssl/ssl.h>

#include <stdatomic.h>

#include "tls/names.h"
#include "tls/pem.h"

struct heph_tls;

struct heph_tls_setup {
	_Atomic unsigned refs;
	uint64_t epoch; /* of sessions: another one does not resume them */
	struct heph_tls *tls; /* whose it is; not counted */
	struct heph_tls_config config;
	SSL_CTX *ctx;
	struct heph_tls_pair *pairs;
	size_t n_pairs;
	struct heph_tls_names names; /* of servers */
	unsigned char *alpn; /* as on the wire: RFC 7301, section 3.1 */
	unsigned alpn_size;
	unsigned char digest[EVP_MAX_MD_SIZE]; /* of the files */
};

/* Makes one, with one reference. Blocks. Returns 0; what heph_tls_server_new()
 * returns. */
int heph_tls_setup_new(struct heph_tls_setup **ret_setup, struct heph_tls *tls,
		       const struct heph_tls_config *config);

struct heph_tls_setup *heph_tls_setup_ref(struct heph_tls_setup *setup);
void heph_tls_setup_unref(struct heph_tls_setup *setup);

#endif
