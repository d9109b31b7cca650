/* SPDX-License-Identifier: MIT */
/*
 * pem.h - certificates and keys, from files and texts
 *
 * These block the thread while they read. All is read through a reader, which
 * remembers the digest of what was read; so it can be told later whether files
 * have changed. Errors have a text that names the file.
 */
#ifndef HEPH_TLS_PEM_H
#define HEPH_TLS_PEM_H

#include <heph/tls.h>

#include <openssl/evp.h>
#include <openssl/x509.h>

enum {
	HEPH_TLS_FILE_MAX = 8 << 20, /* bytes */
	HEPH_TLS_CHAIN_MAX = 32,     /* certificates above one */
};

struct heph_tls_reader {
	EVP_MD_CTX *digest;
	unsigned char seen[EVP_MAX_MD_SIZE]; /* set by heph_tls_reader_end() */
};

/* Returns 0; -ENOMEM. */
int heph_tls_reader_init(struct heph_tls_reader *reader);
void heph_tls_reader_fini(struct heph_tls_reader *reader);

/* All is read: `seen` says what. Returns 0; -ENOMEM. */
int heph_tls_reader_end(struct heph_tls_reader *reader);

/* A certificate with its key; its own once it is made. */
struct heph_tls_pair {
	X509 *cert;
	STACK_OF(X509) *chain; /* may be empty */
	EVP_PKEY *key;
};

/* Returns 0; -EBADMSG, -EKEYREJECTED, -ENOMEM, errors of files. */
int heph_tls_pair_init(struct heph_tls_pair *pair, struct heph_tls_reader *reader,
		       const struct heph_tls_cert *cert);
void heph_tls_pair_fini(struct heph_tls_pair *pair);

/* Adds the certificates, and lists of revoked ones, of a file or of a text, the
 * other one being NULL. Returns how many there were; errors as above. */
int heph_tls_pem_trust(X509_STORE *store, struct heph_tls_reader *reader,
		       const char *path, const char *text);

#endif
