/* SPDX-License-Identifier: MIT */
#include "tls/names.h"

#include <openssl/crypto.h>
#include <openssl/x509v3.h>

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "tls/error.h"

enum { NAME_MAX_SIZE = 256 }; /* RFC 1035, section 2.3.4, and a nul */

/* Small letters of ASCII; a dot at the end says nothing. */
static void normalize(char *name)
{
	size_t n = strlen(name);

	if (n > 0 && name[n - 1] == '.')
		name[n - 1] = '\0';
	for (; *name; name++)
		if (*name >= 'A' && *name <= 'Z')
			*name += 'a' - 'A';
}

static bool grow(struct heph_tls_names *names)
{
	size_t room = names->room ? 2 * names->room : 8;
	struct heph_tls_named *at;

	if (names->n < names->room)
		return true;
	at = OPENSSL_realloc(names->at, room * sizeof(*at));
	if (!at)
		return false;
	names->at = at;
	names->room = room;
	return true;
}

/* Names with a nul inside deceive, and longer ones cannot be asked for. */
static int add(struct heph_tls_names *names, const ASN1_STRING *string,
	       unsigned cert)
{
	const char *data = (const char *)ASN1_STRING_get0_data(string);
	size_t size = (size_t)ASN1_STRING_length(string);
	char *name;

	if (size == 0 || size >= NAME_MAX_SIZE || memchr(data, '\0', size))
		return 0;
	name = OPENSSL_strndup(data, size);
	if (!name || !grow(names)) {
		OPENSSL_free(name);
		return heph_tls_error(-ENOMEM, "names: no memory");
	}
	normalize(name);
	names->at[names->n++] = (struct heph_tls_named){ name, cert };
	return 0;
}

/* The common name counts where there are no others. */
static int add_common(struct heph_tls_names *names, X509 *x509, unsigned cert)
{
	X509_NAME *subject = X509_get_subject_name(x509);
	int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);

	if (at < 0)
		return 0;
	return add(names, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)),
		   cert);
}

int heph_tls_names_add(struct heph_tls_names *names, X509 *x509, unsigned cert)
{
	GENERAL_NAMES *others =
		X509_get_ext_d2i(x509, NID_subject_alt_name, NULL, NULL);
	int err = 0;

	if (!others)
		return add_common(names, x509, cert);
	for (int i = 0; err == 0 && i < sk_GENERAL_NAME_num(others); i++) {
		GENERAL_NAME *other = sk_GENERAL_NAME_value(others, i);

		if (other->type == GEN_DNS)
			err = add(names, other->d.dNSName, cert);
	}
	GENERAL_NAMES_free(others);
	return err;
}

static int compare(const void *a, const void *b)
{
	const struct heph_tls_named *one = a, *other = b;
	int order = strcmp(one->name, other->name);

	/* The first certificates first. */
	return order ? order : (one->cert > other->cert) - (one->cert < other->cert);
}

void heph_tls_names_sort(struct heph_tls_names *names)
{
	if (names->n > 0)
		qsort(names->at, names->n, sizeof(*names->at), compare);
}

void heph_tls_names_fini(struct heph_tls_names *names)
{
	for (size_t i = 0; i < names->n; i++)
		OPENSSL_free(names->at[i].name);
	OPENSSL_free(names->at);
	memset(names, 0, sizeof(*names));
}

/* ---- looking up ----------------------------------------------------------------- */

static size_t find_exact(const struct heph_tls_names *names, const char *name,
			 const struct heph_tls_named **ret_first)
{
	size_t low = 0, high = names->n, n = 0;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (strcmp(names->at[middle].name, name) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	while (low + n < names->n && strcmp(names->at[low + n].name, name) == 0)
		n++;
	*ret_first = names->at + low;
	return n;
}

size_t heph_tls_names_find(const struct heph_tls_names *names, const char *name,
			   const struct heph_tls_named **ret_first)
{
	char asked[NAME_MAX_SIZE], *dot;
	size_t n = strlen(name);

	if (n == 0 || n >= sizeof(asked))
		return 0;
	memcpy(asked, name, n + 1);
	normalize(asked);
	n = find_exact(names, asked, ret_first);
	dot = strchr(asked, '.');
	if (n > 0 || !dot || dot == asked)
		return n;
	*--dot = '*';
	return find_exact(names, dot, ret_first);
}
