/* SPDX-License-Identifier: MIT */
#include "tls/trust.h"

#include <heph/tls.h>

#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tls/error.h"
#include "tls/pem.h"

/* All files in a folder: what is no PEM is passed over, as are names that lead
 * nowhere. Returns how many certificates there were. */
static int trust_dir(X509_STORE *store, struct heph_tls_reader *reader,
		     const char *path)
{
	char file[4096];
	struct dirent *entry;
	DIR *dir = opendir(path);
	int total = 0, n;

	if (!dir)
		return heph_tls_error(-errno, "%s: %s", path, strerror(errno));
	while (total >= 0 && (entry = readdir(dir))) {
		if (entry->d_name[0] == '.' ||
		    snprintf(file, sizeof(file), "%s/%s", path,
			     entry->d_name) >= (int)sizeof(file))
			continue;
		n = heph_tls_pem_trust(store, reader, file, NULL);
		if (n == -ENOMEM)
			total = n;
		else if (n > 0)
			total += n;
	}
	closedir(dir);
	return total;
}

/* Where the bundle of the system may be. */
static const char *system_file(void)
{
	static const char *const files[] = {
		"/etc/ssl/certs/ca-certificates.crt", /* Debian, Arch */
		"/etc/pki/tls/certs/ca-bundle.crt",   /* Fedora */
		"/etc/ssl/ca-bundle.pem",             /* SUSE */
		"/etc/ssl/cert.pem",                  /* Alpine */
	};
	const char *own = X509_get_default_cert_file();

	if (access(own, R_OK) == 0)
		return own;
	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++)
		if (access(files[i], R_OK) == 0)
			return files[i];
	return NULL;
}

static int trust_system(X509_STORE *store, struct heph_tls_reader *reader)
{
	const char *file = secure_getenv(X509_get_default_cert_file_env());
	const char *dir = secure_getenv(X509_get_default_cert_dir_env());
	int n;

	if (!file && !dir)
		file = system_file();
	if (file)
		return heph_tls_pem_trust(store, reader, file, NULL);
	n = trust_dir(store, reader, dir ? dir : X509_get_default_cert_dir());
	return n == -ENOENT ? 0 : n;
}

static int add(int *total, int n)
{
	if (n > 0)
		*total += n;
	return n < 0 ? n : 0;
}

static int trust_all(X509_STORE *store, struct heph_tls_reader *reader,
		     const struct heph_tls_config *config)
{
	int n = 0, err = 0;

	if (config->ca_file)
		err = add(&n, heph_tls_pem_trust(store, reader, config->ca_file,
						 NULL));
	if (err == 0 && config->ca_pem)
		err = add(&n, heph_tls_pem_trust(store, reader, NULL,
						 config->ca_pem));
	if (err == 0 && config->ca_dir)
		err = add(&n, trust_dir(store, reader, config->ca_dir));
	if (err == 0 && config->ca_system)
		err = add(&n, trust_system(store, reader));
	if (err < 0 || n > 0)
		return err;
	return heph_tls_error(-ENOENT, "no certificate that could be trusted");
}

/* OpenSSL reads the extensions of a certificate when it first needs them, under a
 * lock, and keeps what it read in it. Here they belong to one thread yet, and later
 * no handshake waits for another one. */
static void read_extensions(X509_STORE *store)
{
	STACK_OF(X509_OBJECT) *objects = X509_STORE_get0_objects(store);

	for (int i = 0; i < sk_X509_OBJECT_num(objects); i++) {
		X509 *cert = X509_OBJECT_get0_X509(
			sk_X509_OBJECT_value(objects, i));

		if (cert) /* one that is no good is told when it is used */
			(void)X509_check_purpose(cert, -1, 0);
	}
}

/* The names of those in the store. The system's are too many to be told. */
static int tell_clients(SSL_CTX *ctx, X509_STORE *store)
{
	STACK_OF(X509_OBJECT) *objects = X509_STORE_get0_objects(store);

	for (int i = 0; i < sk_X509_OBJECT_num(objects); i++) {
		X509 *cert = X509_OBJECT_get0_X509(
			sk_X509_OBJECT_value(objects, i));

		if (cert && SSL_CTX_add_client_CA(ctx, cert) != 1)
			return heph_tls_error_take(-ENOMEM, "names of issuers");
	}
	return 0;
}

int heph_tls_trust(SSL_CTX *ctx, struct heph_tls_reader *reader,
		   const struct heph_tls_config *config, bool server)
{
	X509_STORE *store = SSL_CTX_get_cert_store(ctx);
	int err;

	if (config->verify == HEPH_TLS_VERIFY_NONE)
		return 0;
	err = trust_all(store, reader, config);
	if (err == 0 && !config->ca_system)
		read_extensions(store);
	/* Who is named is trusted, whether or not he signed himself. */
	if (err == 0)
		X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN |
						    X509_V_FLAG_TRUSTED_FIRST);
	return err == 0 && server && !config->ca_system ?
		       tell_clients(ctx, store) :
		       err;
}
