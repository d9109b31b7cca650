/* SPDX-License-Identifier: MIT */
/*
 * bio.h - what OpenSSL reads from and writes to, instead of a socket
 *
 * It reads what conn->in is, and asks to be called again when there is no more; it
 * writes to conn->out. So OpenSSL never waits, and uses the stack only between the
 * waits of the actor.
 */
#ifndef HEPH_TLS_BIO_H
#define HEPH_TLS_BIO_H

#include <openssl/bio.h>

struct heph_tls_conn;

/* Returns NULL if there is no memory; to be given to BIO_meth_free(). */
BIO_METHOD *heph_tls_bio_method(void);

/* One for a connection, or NULL. */
BIO *heph_tls_bio_new(const BIO_METHOD *method, struct heph_tls_conn *conn);

#endif
