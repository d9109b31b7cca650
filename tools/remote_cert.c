/* SPDX-License-Identifier: MIT */
#include "remote_cert.h"

#if HEPH_REMOTE_TOOL && HEPH_TLS

#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <stdio.h>
#include <string.h>

/* Whether a node can have it: no wildcard, for example. */
static bool take(const ASN1_STRING *string, char *ret_name, size_t size)
{
	const char *text = (const char *)ASN1_STRING_get0_data(string);
	size_t length = (size_t)ASN1_STRING_length(string);

	if (!length || length >= size)
		return false;
	memcpy(ret_name, text, length);
	ret_name[length] = '\0';
	return strspn(ret_name, "abcdefghijklmnopqrstuvwxyz"
				"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") ==
	       length;
}

static bool take_dns(const GENERAL_NAMES *names, char *ret_name, size_t size,
		     bool *ret_some)
{
	for (int n = 0; n < sk_GENERAL_NAME_num(names); n++) {
		const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, n);

		if (name->type != GEN_DNS)
			continue;
		*ret_some = true;
		if (take(name->d.dNSName, ret_name, size))
			return true;
	}
	return false;
}

/* The last common name counts; see heph_tls_peer_common_name(). */
static bool take_common(X509 *cert, char *ret_name, size_t size)
{
	X509_NAME *subject = X509_get_subject_name(cert);
	int at = -1, next;

	while ((next = X509_NAME_get_index_by_NID(subject, NID_commonName,
						  at)) >= 0)
		at = next;
	return at >= 0 &&
	       take(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)),
		    ret_name, size);
}

bool remote_cert_name(const char *path, char *ret_name, size_t size)
{
	FILE *file = fopen(path, "re");
	X509 *cert = file ? PEM_read_X509(file, NULL, NULL, NULL) : NULL;
	GENERAL_NAMES *names =
		cert ? X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL) :
		       NULL;
	bool some = false, found = false;

	if (file)
		fclose(file);
	if (names)
		found = take_dns(names, ret_name, size, &some);
	if (cert && !some)
		found = take_common(cert, ret_name, size);
	GENERAL_NAMES_free(names);
	X509_free(cert);
	return found;
}

#else

bool remote_cert_name(const char *path, char *ret_name, size_t size)
{
	(void)path, (void)ret_name, (void)size;
	return false;
}

#endif
