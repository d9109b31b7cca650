/* SPDX-License-Identifier: MIT */
/*
 * trust.h - whom a side trusts
 *
 * All of it is read when it is made: OpenSSL's own way of looking certificates up
 * in a folder would read files in the middle of a handshake, and so block the
 * worker.
 */
#ifndef HEPH_TLS_TRUST_H
#define HEPH_TLS_TRUST_H

#include <openssl/ssl.h>

#include <stdbool.h>

struct heph_tls_config;
struct heph_tls_reader;

/* Fills the store of `ctx`, and tells clients whose certificates a server would
 * take. Returns 0; -ENOENT (nobody is there to be trusted), and what reading
 * returns. */
int heph_tls_trust(SSL_CTX *ctx, struct heph_tls_reader *reader,
		   const struct heph_tls_config *config, bool server);

#endif
