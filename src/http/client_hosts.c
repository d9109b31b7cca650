/* SPDX-License-Identifier: MIT */
#include "http/client_hosts.h"

#include <stdlib.h>
#include <string.h>

#include "http/client_mem.h"

/* ---- hosts ---------------------------------------------------------------------- */

static unsigned bucket_of(const char *key)
{
	uint64_t hash = 0xcbf29ce484222325; /* FNV-1a */

	for (; *key; key++)
		hash = (hash ^ (unsigned char)*key) * 0x100000001b3;
	return (unsigned)(hash ^ hash >> 32) % HEPH_HTTP_HOSTS;
}

static struct heph_http_host *find_host(struct heph_http_pool *pool,
					const char *key, unsigned bucket)
{
	struct heph_http_host *host;

	TAILQ_FOREACH(host, &pool->hosts[bucket], link)
		if (strcmp(host->key, key) == 0)
			return host;
	return NULL;
}

struct heph_http_host *heph_http_host_of(struct heph_http_pool *pool,
					 const char *key)
{
	unsigned bucket = bucket_of(key);
	struct heph_http_host *host = find_host(pool, key, bucket);

	if (host)
		return host;
	host = client_mem_zero(sizeof(*host) + strlen(key) + 1);
	if (!host)
		return NULL;
	strcpy(host->key, key);
	host->bucket = bucket;
	TAILQ_INIT(&host->waiting);
	TAILQ_INIT(&host->granted);
	TAILQ_INIT(&host->idle);
	TAILQ_INSERT_TAIL(&pool->hosts[bucket], host, link);
	return host;
}

void heph_http_host_drop(struct heph_http_pool *pool,
			 struct heph_http_host *host)
{
	if (host->open || host->pins || !TAILQ_EMPTY(&host->waiting))
		return;
	TAILQ_REMOVE(&pool->hosts[host->bucket], host, link);
	free(host);
}

/* ---- states of a lease ------------------------------------------------------------- */

static struct heph_http_leases *list_of(const struct heph_http_lease *lease)
{
	switch (lease->state) {
	case HEPH_HTTP_LEASE_WAITING:
		return &lease->at->waiting;
	case HEPH_HTTP_LEASE_GRANTED:
		return &lease->at->granted;
	default:
		return &lease->at->idle;
	}
}

void heph_http_lease_leave(struct heph_http_pool *pool,
			   struct heph_http_lease *lease)
{
	struct heph_http_host *host = lease->at;

	TAILQ_REMOVE(list_of(lease), lease, link);
	switch (lease->state) {
	case HEPH_HTTP_LEASE_WAITING:
		pool->stats.waiting_now--;
		if (TAILQ_EMPTY(&host->waiting))
			TAILQ_REMOVE(&pool->waiting, host, waiting_link);
		break;
	case HEPH_HTTP_LEASE_GRANTED:
		pool->stats.used_now--;
		break;
	default:
		pool->stats.idle_now--;
		TAILQ_REMOVE(&pool->idle, lease, all);
	}
	lease->state = HEPH_HTTP_LEASE_NEW;
}

void heph_http_lease_wait(struct heph_http_pool *pool,
			  struct heph_http_lease *lease)
{
	if (TAILQ_EMPTY(&lease->at->waiting))
		TAILQ_INSERT_TAIL(&pool->waiting, lease->at, waiting_link);
	lease->state = HEPH_HTTP_LEASE_WAITING;
	TAILQ_INSERT_TAIL(&lease->at->waiting, lease, link);
	pool->stats.waiting_now++;
}

void heph_http_lease_grant(struct heph_http_pool *pool,
			   struct heph_http_lease *lease)
{
	lease->state = HEPH_HTTP_LEASE_GRANTED;
	TAILQ_INSERT_TAIL(&lease->at->granted, lease, link);
	pool->stats.used_now++;
}

void heph_http_lease_park(struct heph_http_pool *pool,
			  struct heph_http_lease *lease)
{
	lease->state = HEPH_HTTP_LEASE_IDLE;
	lease->parked.parked = heph_now();
	TAILQ_INSERT_HEAD(&lease->at->idle, lease, link);
	TAILQ_INSERT_TAIL(&pool->idle, lease, all);
	pool->stats.idle_now++;
}

/* ---- closing ----------------------------------------------------------------------- */

void heph_http_parked_close(struct heph_http_parked *parked)
{
	if (parked->there)
		heph_stream_discard(&parked->stream);
	parked->there = false;
}

void heph_http_lease_end(struct heph_http_pool *pool,
			 struct heph_http_lease *lease)
{
	struct heph_http_host *host = lease->at;

	heph_http_parked_close(&lease->parked);
	lease->at = NULL;
	heph_http_lease_unref(lease);
	host->open--;
	pool->open--;
	heph_http_host_drop(pool, host);
}

void heph_http_lease_close_idle(struct heph_http_pool *pool,
				struct heph_http_lease *lease,
				uint64_t *counter)
{
	++*counter;
	heph_http_lease_leave(pool, lease);
	heph_http_lease_end(pool, lease);
}
