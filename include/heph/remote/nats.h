/* SPDX-License-Identifier: MIT */
/*
 * nats.h - connections to NATS, a broker; and nodes over it
 *
 * One connection to a cluster of nats-servers, which other functions share: the
 * transport below, and cluster.h. libnats makes it and keeps it; what blocks is
 * done on a thread of the connection's own, never on a worker.
 *
 * As a transport: each node listens at its own name, and connects to the name of
 * another one, wherever that is: no addresses, no ports. A node that is not there is
 * told at once (the broker's no-responders): -EHOSTDOWN. Who may use which subjects
 * is up to the broker's accounts; `prefix` begins all of ours.
 *
 * This is there if libnats was found when the library was built.
 */
#ifndef HEPH_REMOTE_NATS_H
#define HEPH_REMOTE_NATS_H

#include <heph/actor.h>
#include <heph/remote/transport.h>
#include <heph/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A reference to the connection; any actor of its runtime may use it. */
typedef struct heph_nats {
	struct heph_addr addr;
} heph_nats;

/* Zero is the default everywhere; all is copied. */
struct heph_nats_config {
	size_t size; /* of this struct; set by the macro */
	const char *url; /* "nats://host:4222", several with commas; tls://... too */
	const char *prefix; /* of all subjects, streams and buckets: letters, digits,
			     * "_"; "heph" */
	const char *name;  /* of the connection, for the broker's lists */

	const char *user, *password, *token; /* or */
	const char *credentials_file;        /* of an account with JWT */
	const char *nkey_seed_file;
	const char *ca_file, *cert_file, *key_file; /* TLS; with any of them it must be */
	bool tls;            /* with the certificates of the system */
	bool tls_skip_verify; /* of hosts: for tests */

	heph_time wait; /* of a request to the broker; 5 s */
	unsigned queue; /* messages for the broker, and from it for each
			 * subscription; 65536 */
	size_t buffer;  /* bytes kept while there is no connection; 8 MiB */
};

/*
 * heph_nats_connect(ctx, &nats, .url = "nats://localhost:4222"): waits until it is
 * connected; then it is kept for ever, whatever becomes of the broker, unless that
 * refuses the credentials: then its actor fails with -EACCES. It is a child of the
 * caller, and when it is stopped it sends what it was given. Returns 0; -EINVAL;
 * -ECONNREFUSED, -EHOSTUNREACH (nobody there), -EACCES (refused), -EPROTO (TLS), -ETIME,
 * -ECANCELED, -ENOMEM, -EOPNOTSUPP (in a simulated world).
 */
#define heph_nats_connect(ctx, ret_nats, ...)                                  \
	HEPH_WITH__(heph_raw_nats_connect(                                     \
		(ctx), (ret_nats),                                             \
		HEPH_SIZED__(struct heph_nats_config, __VA_ARGS__)))
HEPH_API HEPH_MUST int heph_raw_nats_connect(heph_ctx ctx, heph_nats *ret_nats,
					     const struct heph_nats_config *config);

struct heph_nats_stats {
	bool connected;
	uint64_t reconnects;
	uint64_t sent, received; /* messages */
	uint64_t lost; /* of those: no room, or no connection */
	char server[HEPH_WHERE_MAX];
	char error[128]; /* the latest, in words */
};

/* What the connection has done so far. Waits. Returns 0; -ESRCH, -ETIME, -ECANCELED. */
HEPH_API HEPH_MUST int heph_nats_stats(heph_ctx ctx, heph_nats nats,
				       struct heph_nats_stats *ret_stats);

/* The transport for heph_node_listen(ctx, node, transport, "shop", NULL) and
 * heph_node_connect(ctx, node, transport, "shop", "shop"). It is of the broker's
 * accounts who can send what: peers have HEPH_TRUST_KEY if the connection was
 * made with any credentials. Waits. Returns 0; -ESRCH, -ETIME, -ECANCELED, -ENOMEM. */
HEPH_API HEPH_MUST int
heph_nats_transport_new(heph_ctx ctx, heph_nats nats,
			struct heph_transport **ret_transport);

#ifdef __cplusplus
}
#endif
#endif
