/* SPDX-License-Identifier: MIT */
#if HEPH_REMOTE_TOOL

#include "remote_url.h"

#include <heph/heph.h>
#include <heph/remote.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "exits.h"

/* ---- the text ------------------------------------------------------------------- */

static const struct scheme {
	const char *text;
	int kind;
} schemes[] = {
	{ "tls://", REMOTE_TLS },
	{ "tcp-plain://", REMOTE_TCP },
	{ "unix:", REMOTE_UNIX },
	{ "udp://", REMOTE_UDP },
	{ "udp-plain://", REMOTE_UDP_PLAIN },
	{ "nats://", REMOTE_NATS },
};
enum { SCHEMES = sizeof(schemes) / sizeof(*schemes) };

static int bad_url(const char *text, const char *why)
{
	fprintf(stderr, "heph: '%s': %s\n", text, why);
	return EXIT_USAGE;
}

static int bad_scheme(const char *text)
{
	if (strncmp(text, "tcp://", 6) == 0)
		return bad_url(text, "this is tls://, or else tcp-plain://, by "
				     "which anybody may be at the other end");
	fprintf(stderr, "heph: '%s' is no address of a node; there are", text);
	for (int n = 0; n < SCHEMES; n++)
		fprintf(stderr, "%s %s", n ? "," : "", schemes[n].text);
	fprintf(stderr, "\n");
	return EXIT_USAGE;
}

/* nats://SERVER/NODE */
static int read_nats(struct remote_url *url, const char *text, const char *rest)
{
	const char *slash = strchr(rest, '/');
	size_t n = slash ? (size_t)(slash - text) : 0;

	if (!slash || slash == rest || !slash[1] || n >= sizeof(url->server))
		return bad_url(text, "nats://SERVER:PORT/NODE is what it "
				     "should be");
	memcpy(url->server, text, n);
	url->server[n] = '\0';
	snprintf(url->where, sizeof(url->where), "%s", slash + 1);
	return 0;
}

int remote_url_read(struct remote_url *url, const char *text)
{
	const struct scheme *scheme = schemes;
	const char *rest;

	*url = (struct remote_url){ .kind = 0 };
	while (scheme < schemes + SCHEMES &&
	       strncmp(text, scheme->text, strlen(scheme->text)) != 0)
		scheme++;
	if (scheme == schemes + SCHEMES)
		return bad_scheme(text);
	rest = text + strlen(scheme->text);
	url->kind = scheme->kind;
	if (strlen(text) >= sizeof(url->where))
		return bad_url(text, "that is too long");
	if (url->kind == REMOTE_NATS)
		return read_nats(url, text, rest);
	if (!*rest)
		return bad_url(text, "where?");
	if (url->kind == REMOTE_UNIX)
		rest = text; /* heph/address.h wants it with its "unix:" */
	else if (!strchr(rest, ':') || strchr(rest, '/'))
		return bad_url(text, "HOST:PORT is what should follow");
	memcpy(url->where, rest, strlen(rest) + 1);
	return 0;
}

/* ---- keys -------------------------------------------------------------------------- */

/* The first line of a file, or what is in the environment. Returns 0, or what to end
 * with; an empty text if there is neither. */
static int read_secret(char *text, size_t size, const char *path,
		       const char *variable)
{
	const char *value = getenv(variable);
	FILE *file;

	*text = '\0';
	if (!path) {
		if (value && strlen(value) < size)
			memcpy(text, value, strlen(value) + 1);
		return 0;
	}
	file = fopen(path, "re");
	if (!file || !fgets(text, (int)size, file)) {
		fprintf(stderr, "heph: %s: %s\n", path,
			file ? "there is nothing in it" : strerror(errno));
		if (file)
			fclose(file);
		return EXIT_USAGE;
	}
	fclose(file);
	text[strcspn(text, "\r\n")] = '\0';
	return 0;
}

static int hex_digit(char c)
{
	const char *digits = "0123456789abcdef", *at;

	if (c >= 'A' && c <= 'F')
		c = (char)(c - 'A' + 'a');
	at = c ? strchr(digits, c) : NULL;
	return at ? (int)(at - digits) : -1;
}

static bool read_key(uint8_t key[HEPH_UDP_KEY], const char *text)
{
	if (strlen(text) != 2 * HEPH_UDP_KEY)
		return false;
	for (int n = 0; n < HEPH_UDP_KEY; n++) {
		int high = hex_digit(text[2 * n]),
		    low = hex_digit(text[2 * n + 1]);

		if (high < 0 || low < 0)
			return false;
		key[n] = (uint8_t)(16 * high + low);
	}
	return true;
}

static int complain(const char *what, int err)
{
	fprintf(stderr, "heph: %s: %s\n", what, strerror(-err));
	return EXIT_USAGE;
}

static int open_udp_key(const char *text, struct heph_transport **ret)
{
	struct heph_udp_key key = { .name = "" };
	int err;

	if (!read_key(key.key, text)) {
		fprintf(stderr, "heph: a key is %d hexadecimal digits\n",
			2 * HEPH_UDP_KEY);
		return EXIT_USAGE;
	}
	err = heph_udp_new(ret, .keys = &key, .n_keys = 1);
	explicit_bzero(&key, sizeof(key));
	return err < 0 ? complain("the key", err) : 0;
}

static int open_udp(const struct remote_options *options,
		    struct heph_transport **ret)
{
	char key[4 * HEPH_UDP_KEY], secret[256];
	int code, err;

	code = read_secret(key, sizeof(key), options->key_file,
			   "HEPH_REMOTE_KEY");
	if (code == 0 && *key && !options->secret_file) {
		code = open_udp_key(key, ret);
		explicit_bzero(key, sizeof(key));
		return code;
	}
	if (code == 0)
		code = read_secret(secret, sizeof(secret), options->secret_file,
				   "HEPH_REMOTE_SECRET");
	if (code)
		return code;
	if (!*secret) {
		fprintf(stderr,
			"heph: udp:// needs a key: --key-file FILE or "
			"HEPH_REMOTE_KEY; or a secret: --secret-file FILE or "
			"HEPH_REMOTE_SECRET\n");
		return EXIT_USAGE;
	}
	err = heph_udp_new(ret, .secret = secret);
	explicit_bzero(secret, sizeof(secret));
	return err < 0 ? complain("the secret", err) : 0;
}

/* ---- transports --------------------------------------------------------------------- */

static int open_tls(const struct remote_options *options,
		    struct heph_transport **ret)
{
	int err;

	if (!options->cert || !options->key || !options->ca) {
		fprintf(stderr, "heph: tls:// needs --cert, --key and --ca: "
				"nodes show each other who they are\n");
		return EXIT_USAGE;
	}
	err = heph_tcp_tls_new(ret, .cert_file = options->cert,
			       .key_file = options->key,
			       .ca_file = options->ca);
	return err < 0 ? complain("the certificate, its key, or the ones that "
				  "are trusted",
				  err) :
			 0;
}

#if HEPH_NATS
static int open_nats(heph_ctx ctx, const struct remote_url *url,
		     const struct remote_options *options,
		     struct heph_transport **ret)
{
	heph_nats nats;
	int err = heph_nats_connect(
		ctx, &nats, .url = url->server, .prefix = options->prefix,
		.name = options->name, .credentials_file = options->credentials,
		.ca_file = options->ca, .cert_file = options->cert,
		.key_file = options->key);

	if (err == 0)
		err = heph_nats_transport_new(ctx, nats, ret);
	if (err == 0)
		return 0;
	fprintf(stderr, "heph: %s: %s\n", url->server,
		err == -ETIME ? "nobody answers" : strerror(-err));
	return err == -EACCES ? EXIT_REFUSED : EXIT_NONE;
}
#else
static int open_nats(heph_ctx ctx, const struct remote_url *url,
		     const struct remote_options *options,
		     struct heph_transport **ret)
{
	fprintf(stderr, "heph: this one was built without NATS\n");
	return EXIT_USAGE;
}
#endif

int remote_url_open(heph_ctx ctx, const struct remote_url *url,
		    const struct remote_options *options,
		    struct heph_transport **ret)
{
	int err = 0;

	*ret = NULL;
	switch (url->kind) {
	case REMOTE_TLS:
		return open_tls(options, ret);
	case REMOTE_UDP:
		return open_udp(options, ret);
	case REMOTE_NATS:
		return open_nats(ctx, url, options, ret);
	case REMOTE_UDP_PLAIN:
		err = heph_udp_plain_new(ret, 0);
		break;
	case REMOTE_TCP:
	case REMOTE_UNIX:
		err = heph_tcp_plain_new(ret, 0);
		break;
	}
	return err < 0 ? complain(url->where, err) : 0;
}

#endif
