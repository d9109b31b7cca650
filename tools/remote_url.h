/* SPDX-License-Identifier: MIT */
/* remote_url.h - where a node is, and how to get there */
#ifndef HEPH_TOOLS_REMOTE_URL_H
#define HEPH_TOOLS_REMOTE_URL_H

#include <heph/remote/transport.h>

/* What the command line says of it; NULL: nothing. */
struct remote_options {
	const char *name; /* ours */
	const char *cert, *key, *ca;
	const char *key_file, *secret_file;
	const char *credentials, *prefix; /* of NATS */
};

struct remote_url {
	enum {
		REMOTE_TLS,
		REMOTE_TCP,
		REMOTE_UNIX,
		REMOTE_UDP,
		REMOTE_UDP_PLAIN,
		REMOTE_NATS,
	} kind;
	char where[HEPH_WHERE_MAX];  /* for heph_node_connect() */
	char server[HEPH_WHERE_MAX]; /* of NATS */
};

/* Both return 0, or what the command shall end with: it was said why. */
int remote_url_read(struct remote_url *ret_url, const char *text);

/* Waits, for NATS. */
int remote_url_open(heph_ctx ctx, const struct remote_url *url,
		    const struct remote_options *options,
		    struct heph_transport **ret_transport);

#endif
