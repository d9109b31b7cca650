/* SPDX-License-Identifier: MIT */
/*
 * names.h - which certificates are those of a name
 *
 * Made once, from the names in the certificates, and only read after that; any
 * thread. Names are sorted, so thousands of certificates cost a search in some
 * steps. A wildcard stands for one label: RFC 6125, section 6.4.3.
 */
#ifndef HEPH_TLS_NAMES_H
#define HEPH_TLS_NAMES_H

#include <stddef.h>
#include <openssl/x509.h>

struct heph_tls_named {
	char *name; /* in small letters; "*.example.com" */
	unsigned cert;
};

struct heph_tls_names {
	struct heph_tls_named *at;
	size_t n, room;
};

/* Adds the names of certificate number `cert`. Returns 0; -ENOMEM. */
int heph_tls_names_add(struct heph_tls_names *names, X509 *x509, unsigned cert);

/* After all are added. */
void heph_tls_names_sort(struct heph_tls_names *names);
void heph_tls_names_fini(struct heph_tls_names *names);

/* Those of a name that a client asks for: the exact ones, or those of the wildcard
 * above it. Returns how many there are at `ret_first`. */
size_t heph_tls_names_find(const struct heph_tls_names *names, const char *name,
			   const struct heph_tls_named **ret_first);

#endif
