/* SPDX-License-Identifier: MIT */
/*
 * certs.h - certificates made for a test, in memory, and never kept
 *
 * After act.h or task.h, which have must().
 */
#ifndef TEST_CERTS_H
#define TEST_CERTS_H

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <stdlib.h>
#include <string.h>

#ifndef UNUSED
#define UNUSED __attribute__((unused))
#endif

struct made {
	X509 *cert;
	EVP_PKEY *key;
	char *pem;      /* the certificate, those above it that are no roots, the key */
	char *cert_pem; /* without the key */
};

struct recipe {
	const char *name;  /* common name */
	const char *names; /* "DNS:localhost,IP:127.0.0.1"; NULL: none */
	const struct made *issuer; /* NULL: itself */
	bool ca;
	int rsa; /* bits; 0: a key of P-256 */
	int from, until; /* days from now; both 0: a good while */
	const char *use; /* "serverAuth"; NULL: any */
};

UNUSED static void add_extension(X509 *cert, X509 *issuer, int nid,
				 const char *value)
{
	X509_EXTENSION *extension;
	X509V3_CTX ctx;

	X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);
	extension = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	must(extension);
	must_be(X509_add_ext(cert, extension, -1), 1);
	X509_EXTENSION_free(extension);
}

UNUSED static char *to_pem(X509 *cert, X509 *above, EVP_PKEY *key)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *text, *data;
	long size;

	must_be(PEM_write_bio_X509(bio, cert), 1);
	if (above)
		must_be(PEM_write_bio_X509(bio, above), 1);
	if (key)
		must_be(PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL,
						 NULL),
			1);
	size = BIO_get_mem_data(bio, &data);
	text = strndup(data, (size_t)size);
	BIO_free(bio);
	return text;
}

UNUSED static void set_subject(X509 *cert, const char *name)
{
	must_be(X509_NAME_add_entry_by_txt(X509_get_subject_name(cert), "CN",
					   MBSTRING_ASC,
					   (const unsigned char *)name, -1, -1,
					   0),
		1);
}

UNUSED static struct made make_cert(const struct recipe *recipe)
{
	const struct made *issuer = recipe->issuer;
	struct made made = { .cert = X509_new() };
	X509 *above = issuer ? issuer->cert : made.cert;
	static long serial = 1000;
	bool span = recipe->from || recipe->until;

	made.key = recipe->rsa ? EVP_RSA_gen((unsigned)recipe->rsa) :
				 EVP_EC_gen("P-256");
	must(made.key && made.cert);
	X509_set_version(made.cert, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(made.cert), ++serial);
	X509_gmtime_adj(X509_getm_notBefore(made.cert),
			(span ? recipe->from : -1) * 86400L);
	X509_gmtime_adj(X509_getm_notAfter(made.cert),
			(span ? recipe->until : 30) * 86400L);
	set_subject(made.cert, recipe->name);
	X509_set_issuer_name(made.cert, X509_get_subject_name(above));
	X509_set_pubkey(made.cert, made.key);
	add_extension(made.cert, above, NID_basic_constraints,
		      recipe->ca ? "critical,CA:TRUE" : "CA:FALSE");
	add_extension(made.cert, above, NID_subject_key_identifier, "hash");
	if (issuer)
		add_extension(made.cert, above, NID_authority_key_identifier,
			      "keyid");
	if (recipe->names)
		add_extension(made.cert, above, NID_subject_alt_name,
			      recipe->names);
	if (recipe->use)
		add_extension(made.cert, above, NID_ext_key_usage, recipe->use);
	must(X509_sign(made.cert, issuer ? issuer->key : made.key,
		       EVP_sha256()) > 0);
	if (issuer && X509_self_signed(issuer->cert, 0) == 1)
		above = NULL;
	if (!issuer)
		above = NULL;
	made.pem = to_pem(made.cert, above, made.key);
	made.cert_pem = to_pem(made.cert, above, NULL);
	return made;
}

UNUSED static void free_cert(struct made *made)
{
	X509_free(made->cert);
	EVP_PKEY_free(made->key);
	free(made->pem);
	free(made->cert_pem);
}

#endif
