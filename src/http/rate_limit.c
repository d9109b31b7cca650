/* SPDX-License-Identifier: MIT */
/*
 * A bucket for each client, as one number: the time at which it is full again
 * (the "generic cell rate algorithm"). A request moves that on by one interval;
 * if it lies more than a whole bucket ahead then, the request is too much.
 *
 * Clients lie in tables of fixed size, found by a hash whose key nobody knows,
 * and in a list by when they were seen. When a table is full the one that was not
 * seen for the longest time is forgotten. A lock for each table: what is done
 * under it takes some 50 ns.
 */
#include <heph/http/middleware.h>
#include <heph/time.h>

#include "http/config.h"
#include "http/mem.h"

#include <netinet/in.h>
#include <pthread.h>
#include <sys/random.h>

enum {
	TABLES = 16,
	FEW = 1024, /* clients that have one table */
	CLIENTS = 16384,
};

struct client {
	uint64_t key[2];
	heph_time full;
	uint32_t older, newer; /* numbers from 1; 0: none */
	uint32_t next;         /* with the same place in the hash */
};

struct table {
	pthread_mutex_t lock; /* guards all of it */
	uint32_t n, room, mask;
	uint32_t oldest, newest;
	uint32_t *heads;
	struct client *clients; /* the first is not used */
};

struct limit {
	struct heph_http_rate_limit config;
	heph_time interval, bucket;
	uint64_t secret[4];
	unsigned n_tables;
	struct table tables[TABLES];
};

/* ---- tables ----------------------------------------------------------------------- */

static int table_init(struct table *table, uint32_t room)
{
	uint32_t n_heads = 1;

	while (n_heads < room)
		n_heads *= 2;
	table->room = room;
	table->mask = n_heads - 1;
	table->heads = heph_http_mem_alloc(n_heads * sizeof(*table->heads));
	table->clients =
		heph_http_mem_alloc((room + 1) * sizeof(*table->clients));
	if (!table->heads || !table->clients)
		return -ENOMEM;
	memset(table->heads, 0, n_heads * sizeof(*table->heads));
	return 0;
}

static void limit_free(struct limit *limit)
{
	for (unsigned i = 0; i < limit->n_tables; i++) {
		struct table *table = &limit->tables[i];

		heph_http_mem_free(table->heads);
		heph_http_mem_free(table->clients);
		pthread_mutex_destroy(&table->lock);
	}
	heph_http_mem_free(limit);
}

static void leave_list(struct table *table, struct client *client)
{
	*(client->older ? &table->clients[client->older].newer :
			  &table->oldest) = client->newer;
	*(client->newer ? &table->clients[client->newer].older :
			  &table->newest) = client->older;
}

static void join_list(struct table *table, uint32_t number)
{
	struct client *client = &table->clients[number];

	client->older = table->newest;
	client->newer = 0;
	*(table->newest ? &table->clients[table->newest].newer :
			  &table->oldest) = number;
	table->newest = number;
}

/* Takes the client that was not seen for the longest time out. */
static uint32_t forget_oldest(struct table *table)
{
	uint32_t number = table->oldest;
	struct client *client = &table->clients[number];
	uint32_t *at = &table->heads[client->key[0] & table->mask];

	while (*at != number)
		at = &table->clients[*at].next;
	*at = client->next;
	leave_list(table, client);
	return number;
}

static struct client *find(struct table *table, const uint64_t key[2])
{
	uint32_t *head = &table->heads[key[0] & table->mask], number = *head;
	struct client *client;

	while (number && memcmp(table->clients[number].key, key, 16) != 0)
		number = table->clients[number].next;
	if (number) {
		leave_list(table, &table->clients[number]);
	} else {
		number = table->n < table->room ? ++table->n :
						  forget_oldest(table);
		client = &table->clients[number];
		*client = (struct client){ { key[0], key[1] }, .next = *head };
		*head = number;
	}
	join_list(table, number);
	return &table->clients[number];
}

/* Takes one of the bucket. Returns 0, or after what time there will be one. */
static heph_time take(const struct limit *limit, struct client *client,
		      heph_time now)
{
	heph_time full = client->full > now ? client->full : now;
	heph_time wait = full + limit->interval - limit->bucket - now;

	if (wait > 0)
		return wait;
	client->full = full + limit->interval;
	return 0;
}

/* ---- keys --------------------------------------------------------------------------- */

static uint64_t turn(uint64_t x, unsigned n)
{
	return x << n | x >> (64 - n);
}

static void mix(uint64_t v[4])
{
	v[0] += v[1], v[2] += v[3];
	v[1] = turn(v[1], 13) ^ v[0], v[3] = turn(v[3], 16) ^ v[2];
	v[0] = turn(v[0], 32);
	v[2] += v[1], v[0] += v[3];
	v[1] = turn(v[1], 17) ^ v[2], v[3] = turn(v[3], 21) ^ v[0];
	v[2] = turn(v[2], 32);
}

/* SipHash-1-3, by Aumasson and Bernstein. */
static uint64_t hash(const uint64_t key[2], const char *data, size_t size)
{
	uint64_t v[4] = { key[0] ^ 0x736f6d6570736575u,
			  key[1] ^ 0x646f72616e646f6du,
			  key[0] ^ 0x6c7967656e657261u,
			  key[1] ^ 0x7465646279746573u };
	uint64_t last = (uint64_t)size << 56, word;

	for (; size >= 8; data += 8, size -= 8) {
		memcpy(&word, data, 8);
		v[3] ^= word;
		mix(v);
		v[0] ^= word;
	}
	for (size_t i = 0; i < size; i++)
		last |= (uint64_t)(unsigned char)data[i] << 8 * i;
	v[3] ^= last;
	mix(v);
	v[0] ^= last;
	v[2] ^= 0xff;
	for (unsigned i = 0; i < 3; i++)
		mix(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

/* The host of an address; of IPv6 its network. */
static struct heph_str host_of(const struct heph_address *address)
{
	const struct sockaddr_in *v4 =
		(const struct sockaddr_in *)&address->storage;
	const struct sockaddr_in6 *v6 =
		(const struct sockaddr_in6 *)&address->storage;

	if (address->size && v4->sin_family == AF_INET)
		return heph_str_of((const char *)&v4->sin_addr, 4);
	if (!address->size || v6->sin6_family != AF_INET6)
		return heph_str("");
	if (IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr))
		return heph_str_of((const char *)&v6->sin6_addr + 12, 4);
	return heph_str_of((const char *)&v6->sin6_addr, 8);
}

/* Returns 0, or after what time the client may ask again. */
static heph_time ask(struct limit *limit, struct heph_str client)
{
	uint64_t key[2] = { hash(limit->secret, client.data, client.size),
			    hash(limit->secret + 2, client.data, client.size) };
	struct table *table = &limit->tables[(key[1] >> 32) % limit->n_tables];
	heph_time wait;

	pthread_mutex_lock(&table->lock);
	wait = take(limit, find(table, key), heph_now());
	pthread_mutex_unlock(&table->lock);
	return wait;
}

/* ---- the middleware ------------------------------------------------------------------ */

static const char *read_config(struct limit *limit)
{
	struct heph_http_rate_limit *config = &limit->config;

	if (!config->requests)
		return "rate limit: there is no number of requests";
	if (!config->per)
		config->per = HEPH_SEC;
	if (!config->burst)
		config->burst = config->requests;
	if (!config->clients)
		config->clients = CLIENTS;
	if (config->clients > 1u << 28)
		return "rate limit: too many clients";
	limit->interval = config->per / config->requests;
	if (config->per > 365 * 24 * 3600 * HEPH_SEC || limit->interval <= 0 ||
	    __builtin_mul_overflow(limit->interval, config->burst,
				   &limit->bucket) ||
	    limit->bucket > INT64_MAX / 4)
		return "rate limit: `per` is out of range";
	return NULL;
}

static int make_tables(struct limit *limit)
{
	unsigned n = limit->config.clients < FEW ? 1 : TABLES;
	int err = 0;

	for (unsigned i = 0; i < n && err == 0; i++) {
		pthread_mutex_init(&limit->tables[i].lock, NULL);
		limit->n_tables++;
		err = table_init(&limit->tables[i],
				 (limit->config.clients + n - 1) / n);
	}
	return err;
}

int heph_http_start_rate_limit(const void *config,
			       struct heph_http_router *router,
			       const void **ret_config, const char **ret_why)
{
	struct heph_http_rate_limit *its;
	struct limit *limit;
	int err;

	its = heph_http_config_take(router, config, sizeof(*its), sizeof(*its),
				    &err, ret_why);
	if (!its)
		return err;
	limit = heph_http_mem_alloc(sizeof(*limit));
	if (!limit)
		return -ENOMEM;
	memset(limit, 0, sizeof(*limit));
	limit->config = *its;
	*ret_why = read_config(limit);
	err = *ret_why ? -EINVAL : make_tables(limit);
	if (err == 0 && getrandom(limit->secret, sizeof(limit->secret), 0) !=
				sizeof(limit->secret))
		err = -EAGAIN;
	if (err < 0)
		limit_free(limit);
	*ret_config = limit;
	return err;
}

void heph_http_stop_rate_limit(const void *config)
{
	limit_free((struct limit *)(uintptr_t)config);
}

int heph_http_run_rate_limit(heph_ctx ctx, const void *config,
			     struct heph_http_request *req,
			     struct heph_http_response *res,
			     const struct heph_http_chain *chain)
{
	struct limit *limit = (struct limit *)(uintptr_t)config;
	heph_time wait = ask(limit, limit->config.key ?
					    limit->config.key(req) :
					    host_of(heph_http_peer(req)));

	if (!wait)
		return heph_http_go_on(ctx, req, res, chain);
	heph_http_addf(res, "Retry-After", "%lld",
		       (long long)((wait + HEPH_SEC - 1) / HEPH_SEC));
	return heph_http_error(ctx, res, 429);
}
