/* SPDX-License-Identifier: MIT */
/*
 * client_hosts.h - what the pool has: hosts, and the states of leases
 *
 * A host here is a way to reach one: scheme, host, port, proxy and what else makes
 * a connection of use for one request and not for another. It is there as long as
 * it has leases. Each lease is in one list of its host, by its state, and idle ones
 * in a list of all, the oldest first. Who waits, waits with his host, in order; the
 * hosts where somebody waits take turns.
 */
#ifndef HEPH_HTTP_CLIENT_HOSTS_H
#define HEPH_HTTP_CLIENT_HOSTS_H

#include "http/client_jar.h"
#include "http/client_pool.h"

enum { HEPH_HTTP_HOSTS = 256 }; /* lists that they are hashed to */

struct heph_http_host {
	TAILQ_ENTRY(heph_http_host) link, waiting_link;
	struct heph_http_leases waiting, granted, idle; /* idle: latest first */
	unsigned open; /* granted and idle */
	unsigned pins; /* it stays, although nobody has a lease of it */
	unsigned bucket;
	char key[];
};

TAILQ_HEAD(heph_http_hosts, heph_http_host);

struct heph_http_pool {
	struct heph_ending ending;
	heph_ctx ctx;
	struct heph_http_client_settings *settings;
	struct heph_http_leases idle; /* of all hosts, the oldest first */
	struct heph_http_hosts waiting; /* hosts where somebody waits */
	unsigned open;
	struct heph_http_client_stats stats;
	struct heph_http_jar jar;
	struct heph_http_hosts hosts[HEPH_HTTP_HOSTS];
};

/* The host of that key, made if there is none. NULL: no memory. */
struct heph_http_host *heph_http_host_of(struct heph_http_pool *pool,
					 const char *key);

/* Frees it, if nobody has to do with it any more. */
void heph_http_host_drop(struct heph_http_pool *pool,
			 struct heph_http_host *host);

/* Out of the list that a lease is in, and into that of another state. */
void heph_http_lease_leave(struct heph_http_pool *pool,
			   struct heph_http_lease *lease);
void heph_http_lease_wait(struct heph_http_pool *pool,
			  struct heph_http_lease *lease);
void heph_http_lease_grant(struct heph_http_pool *pool,
			   struct heph_http_lease *lease);
void heph_http_lease_park(struct heph_http_pool *pool,
			  struct heph_http_lease *lease);

void heph_http_parked_close(struct heph_http_parked *parked);

/* Ends a lease that is in no list any more, and its place. */
void heph_http_lease_end(struct heph_http_pool *pool,
			 struct heph_http_lease *lease);

/* The same of an idle one, which is counted. */
void heph_http_lease_close_idle(struct heph_http_pool *pool,
				struct heph_http_lease *lease,
				uint64_t *counter);

#endif
