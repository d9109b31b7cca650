/* SPDX-License-Identifier: MIT */
#include "tls/config.h"

#include <openssl/crypto.h>

#include <string.h>

#include "tls/error.h"

#define TICKET_TIME (3600 * HEPH_SEC)
#define TICKET_TIME_MAX (7 * 86400 * HEPH_SEC) /* RFC 8446, section 4.6.1 */

enum { SESSIONS = 256, SESSIONS_MAX = 1 << 16, CERTS_MAX = 10000 };

/* The texts of a struct, by their places in it. */
static const size_t cert_texts[] = {
	offsetof(struct heph_tls_cert, file),
	offsetof(struct heph_tls_cert, key_file),
	offsetof(struct heph_tls_cert, pem),
	offsetof(struct heph_tls_cert, key_pem),
	offsetof(struct heph_tls_cert, password),
};
static const size_t config_texts[] = {
	offsetof(struct heph_tls_config, ca_file),
	offsetof(struct heph_tls_config, ca_pem),
	offsetof(struct heph_tls_config, ca_dir),
	offsetof(struct heph_tls_config, alpn),
	offsetof(struct heph_tls_config, host),
	offsetof(struct heph_tls_config, ciphers),
	offsetof(struct heph_tls_config, suites),
	offsetof(struct heph_tls_config, groups),
};
enum {
	CERT_TEXTS = sizeof(cert_texts) / sizeof(*cert_texts),
	CONFIG_TEXTS = sizeof(config_texts) / sizeof(*config_texts),
};

static char **text_at(void *base, size_t offset)
{
	return (char **)(void *)((char *)base + offset);
}

/* Makes those of `base` its own; what cannot be copied is NULL then. */
static bool copy_texts(void *base, const size_t *offsets, size_t n)
{
	bool all = true;

	for (size_t i = 0; i < n; i++) {
		char **text = text_at(base, offsets[i]);

		if (!*text)
			continue;
		*text = OPENSSL_strdup(*text);
		all = all && *text;
	}
	return all;
}

/* Keys may be among them. */
static void free_texts(void *base, const size_t *offsets, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		char **text = text_at(base, offsets[i]);

		if (*text)
			OPENSSL_clear_free(*text, strlen(*text) + 1);
		*text = NULL;
	}
}

static int copy_more_certs(struct heph_tls_config *to)
{
	const struct heph_tls_cert *from = to->more_certs;
	size_t n = to->n_more_certs;
	struct heph_tls_cert *certs;
	bool all = true;

	to->more_certs = NULL;
	to->n_more_certs = 0;
	if (n == 0)
		return 0;
	certs = OPENSSL_zalloc(n * sizeof(*certs));
	if (!certs)
		return -ENOMEM;
	memcpy(certs, from, n * sizeof(*certs));
	for (size_t i = 0; i < n; i++)
		all = copy_texts(&certs[i], cert_texts, CERT_TEXTS) && all;
	to->more_certs = certs;
	to->n_more_certs = n;
	return all ? 0 : -ENOMEM;
}

static int copy(struct heph_tls_config *to)
{
	bool all = copy_texts(&to->cert, cert_texts, CERT_TEXTS);

	all = copy_texts(to, config_texts, CONFIG_TEXTS) && all;
	return copy_more_certs(to) == 0 && all ?
		       0 :
		       heph_tls_error(-ENOMEM, "options: no memory");
}

void heph_tls_config_fini(struct heph_tls_config *config)
{
	struct heph_tls_cert *certs =
		(struct heph_tls_cert *)(uintptr_t)config->more_certs;

	for (size_t i = 0; i < config->n_more_certs; i++)
		free_texts(&certs[i], cert_texts, CERT_TEXTS);
	OPENSSL_free(certs);
	free_texts(&config->cert, cert_texts, CERT_TEXTS);
	free_texts(config, config_texts, CONFIG_TEXTS);
	memset(config, 0, sizeof(*config));
}

/* ---- what cannot be ---------------------------------------------------------- */

static int wrong(const char *why)
{
	return heph_tls_error(-EINVAL, "options: %s", why);
}

static bool version_is_known(enum heph_tls_version version)
{
	return version == HEPH_TLS_1_2 || version == HEPH_TLS_1_3;
}

static void fill_in(struct heph_tls_config *config, bool server)
{
	bool some_ca = config->ca_file || config->ca_pem || config->ca_dir;

	if (!config->min_version)
		config->min_version = HEPH_TLS_1_2;
	if (!config->max_version)
		config->max_version = HEPH_TLS_1_3;
	if (config->verify == HEPH_TLS_VERIFY_DEFAULT)
		config->verify = server ? HEPH_TLS_VERIFY_NONE :
					  HEPH_TLS_VERIFY_REQUIRED;
	if (!server && !some_ca)
		config->ca_system = config->verify != HEPH_TLS_VERIFY_NONE;
	if (!config->ticket_time)
		config->ticket_time = TICKET_TIME;
	if (!config->sessions)
		config->sessions = SESSIONS;
}

static int check_side(const struct heph_tls_config *config, bool server)
{
	bool some_ca = config->ca_file || config->ca_pem || config->ca_dir ||
		       config->ca_system;

	if (server && heph_tls_config_certs(config) == 0)
		return wrong("a server must have a certificate");
	if (server && config->verify != HEPH_TLS_VERIFY_NONE && !some_ca)
		return wrong("who verifies must trust somebody");
	if (!server && config->verify == HEPH_TLS_VERIFY_OPTIONAL)
		return wrong("servers always have a certificate");
	if (server && config->verify == HEPH_TLS_VERIFY_ISSUER)
		return wrong("clients have no name to be asked for");
	return 0;
}

static int check(const struct heph_tls_config *config, bool server)
{
	if (config->n_more_certs > 0 && heph_tls_config_certs(config) == 0)
		return wrong("`more_certs` without `cert`");
	if (!version_is_known(config->min_version) ||
	    !version_is_known(config->max_version) ||
	    config->min_version > config->max_version)
		return wrong("versions that cannot be");
	if (config->verify > HEPH_TLS_VERIFY_ISSUER)
		return wrong("`verify` is none of its values");
	if (config->ticket_time < HEPH_SEC ||
	    config->ticket_time > TICKET_TIME_MAX)
		return wrong("`ticket_time` is from 1 s to 7 days");
	if (config->sessions > SESSIONS_MAX)
		return wrong("more than 65,536 `sessions`");
	return check_side(config, server);
}

/* Nothing was copied: the caller's texts are not to be freed. */
static int wrong_from_the_start(struct heph_tls_config *to, const char *why)
{
	memset(to, 0, sizeof(*to));
	return wrong(why);
}

int heph_tls_config_init(struct heph_tls_config *to,
			 const struct heph_tls_config *from, bool server)
{
	int err;

	if (!heph_take_options__(to, sizeof(*to), from))
		return wrong_from_the_start(to, "they are of a later version of "
						"this library");
	if (to->n_more_certs > CERTS_MAX)
		return wrong_from_the_start(to, "more than 10,000 certificates");
	err = copy(to);
	if (err < 0)
		return err;
	fill_in(to, server);
	return check(to, server);
}
