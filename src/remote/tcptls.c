/* SPDX-License-Identifier: MIT */
#define HEPH_LOG_TARGET "heph.remote"
/*
 * Both sides show a certificate, and both verify the other's. Its names are those of
 * the node: the DNS names, or, if there are none, the common name (RFC 9525 has given
 * that up for hosts; names of nodes are given by an issuer of one's own). A session
 * is never resumed: connections last, and certificates are looked at anew.
 */
#include "remote/tcptls.h"

#if HEPH_TLS

#include <heph/tls.h>

#include <errno.h>
#include <string.h>

#include "remote/mem.h"

enum { NAMES_MAX = 4096 }; /* bytes of all names of a certificate */

/* ---- certificates and keys ---------------------------------------------------------- */

#define OPTIONS(config_, verify_)                                              \
	.cert = { .file = (config_)->cert_file,                                \
		  .key_file = (config_)->key_file,                             \
		  .pem = (config_)->cert_pem,                                  \
		  .key_pem = (config_)->key_pem },                             \
	.ca_file = (config_)->ca_file, .ca_pem = (config_)->ca_pem,            \
	.min_version = HEPH_TLS_1_3, .no_resumption = true,                    \
	.verify = (verify_)

int heph_tcp_tls_make(struct heph_tcp *tcp,
		      const struct heph_tcp_config *config)
{
	int err;

	/* Whom the system trusts is half of the world. */
	if (!config->ca_file && !config->ca_pem)
		return -EINVAL;
	err = heph_tls_server_new(&tcp->accepts,
				  OPTIONS(config, HEPH_TLS_VERIFY_REQUIRED));
	if (err == 0)
		err = heph_tls_client_new(&tcp->connects,
					  OPTIONS(config,
						  HEPH_TLS_VERIFY_ISSUER));
	return err;
}

void heph_tcp_tls_free(struct heph_tcp *tcp)
{
	heph_tls_free(tcp->accepts);
	heph_tls_free(tcp->connects);
}

int heph_tcp_tls_reload(struct heph_tcp *tcp)
{
	int err = heph_tls_reload_files(tcp->accepts);

	if (err >= 0)
		err = heph_tls_reload_files(tcp->connects);
	return err < 0 ? err : 0;
}

/* ---- who the peer is ----------------------------------------------------------------- */

struct names {
	char *text;
	size_t size; /* of those that were found so far */
};

/* Names that no node can have are left out. */
static void add(struct names *names, const char *name)
{
	size_t size = strlen(name) + 1;

	if (size == 1 || names->size + size + 1 > NAMES_MAX)
		return;
	memcpy(names->text + names->size, name, size);
	names->size += size;
}

/* Returns whether there were some, of nodes or not. */
static bool add_dns_names(const struct heph_stream *stream, struct names *names)
{
	char name[HEPH_NODE_NAME_MAX + 1];
	enum heph_tls_name kind;
	bool some = false;
	int err;

	for (unsigned i = 0;; i++) {
		err = heph_tls_peer_name(stream, i, &kind, name, sizeof(name));
		if (err < 0 && err != -ENOSPC && err != -EBADMSG)
			return some; /* no more */
		if (kind == HEPH_TLS_DNS && err == 0)
			add(names, name);
		some = some || kind == HEPH_TLS_DNS;
	}
}

static void add_common_name(const struct heph_stream *stream,
			    struct names *names)
{
	char name[HEPH_NODE_NAME_MAX + 1];

	if (heph_tls_peer_common_name(stream, name, sizeof(name)) == 0)
		add(names, name);
}

static __attribute__((noinline)) int find_names(struct heph_tcp_wire *wire)
{
	struct names names = { .text = heph_remote_mem_zero(NAMES_MAX) };
	char *fitting;

	if (!names.text)
		return -ENOMEM;
	if (!add_dns_names(&wire->in, &names))
		add_common_name(&wire->in, &names);
	fitting = heph_remote_mem_grow(names.text, names.size + 1);
	wire->names = fitting ? fitting : names.text;
	wire->base.names = wire->names;
	wire->base.trust = HEPH_TRUST_NAME;
	return 0;
}

int heph_tcp_tls_shake(heph_ctx ctx, struct heph_tcp_wire *wire)
{
	const struct heph_tcp *tcp = (struct heph_tcp *)wire->base.transport;
	int err;

	if (wire->accepted)
		err = heph_tls_accept(ctx, tcp->accepts, wire->in.fd,
				      &wire->in);
	else
		err = heph_tls_connect(ctx, tcp->connects, wire->in.fd, NULL,
				       &wire->in);
	if (err == 0)
		return find_names(wire);
	if (err != -ECANCELED)
		heph_log_warn("TLS handshake failed",
			      HEPH_KV_STR("where", wire->base.where),
			      HEPH_KV_ERR("err", err),
			      HEPH_KV_STR("why",
					  err == -ETIME ?
						  "it took too long" :
						  heph_tls_error_text()));
	return err;
}

#endif
