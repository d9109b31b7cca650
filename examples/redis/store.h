/* SPDX-License-Identifier: MIT */
/*
 * store.h - the actor that owns a part of the keys
 *
 * There is one on each worker, a shard. Which one has a key follows from the
 * key's hash. Nobody else touches its table: connections send it batches.
 */
#ifndef STORE_H
#define STORE_H

#include <heph/heph.h>

#include "batch.h"
#include "hash.h"

/* What a connection receives: its batch, executed. */
struct store_reply {
	struct batch *batch; /* owned */
};

HEPH_REF(store_client, struct store_reply);

/* Frees what an unread reply owns. */
void store_reply_drop(struct store_reply *reply);

struct store_stats {
	uint64_t keys, expiring, expired, hits, misses;
	uint64_t connections, connected, commands;
};

/* Private to the functions below and to the actor. */
struct store_msg {
	enum { STORE_BATCH, STORE_OPENED, STORE_CLOSED, STORE_STATS } kind;
	union {
		struct {
			struct batch *batch; /* owned */
			store_client_ref client;
		};
		uint64_t commands;
		HEPH_REPLY(struct store_stats) stats;
	};
};

HEPH_ACTOR(store, struct store_msg, void);

/* All stores. Made before the first connection, and never changed then. */
struct shards {
	struct hash_seed seed; /* for table_key.hash */
	unsigned n;
	store_ref stores[];
};

/* Which store has the keys of that hash. The table uses the other end of it. */
static inline unsigned shards_find(const struct shards *shards, uint64_t hash)
{
	return (hash >> 32) * shards->n >> 32;
}

/* After a stop there is still a second to finish what was begun. */
static inline heph_ctx store_shielded(heph_ctx ctx)
{
	return heph_stopping(ctx) ? heph_shield(ctx, HEPH_SEC) : ctx;
}

/*
 * Waits, while the store is busy. Lends a batch; the client is sent it back
 * when some or all of its requests are executed. Returns 0, and then the batch
 * is not the caller's; or what heph_send() says, and then it is.
 */
int store_lend(heph_ctx ctx, const struct shards *shards, struct batch *batch,
	       store_client_ref client);

/* Waits, while the store is busy. Tells the store of this worker of a new
 * connection, and of its end with the commands that were not counted yet. */
int store_opened(heph_ctx ctx, const struct shards *shards);
int store_closed(heph_ctx ctx, const struct shards *shards, uint64_t commands);

/* Waits. Asks all stores, and adds up. Returns 0, or what heph_call() says. */
int store_stats(heph_ctx ctx, const struct shards *shards,
		struct store_stats *ret_stats);

/* The time now, in milliseconds since 1970. */
int64_t store_clock(void);

#endif
