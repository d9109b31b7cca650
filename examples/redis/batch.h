/* SPDX-License-Identifier: MIT */
/*
 * batch.h - what one connection wants of one store, and the replies
 *
 * A batch has one owner at a time: the connection, which fills it, then the
 * store, which executes it, then the connection again, which takes the replies
 * out in order. It travels in messages; nothing in it is shared.
 */
#ifndef BATCH_H
#define BATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "buf.h"
#include "table.h"

enum op {
	OP_GET, /* also GETDEL, with REQUEST_DELETE */
	OP_SET, /* number: when it expires, 0: never */
	OP_DEL,
	OP_EXISTS,
	OP_ADD,    /* number: what to add */
	OP_EXPIRE, /* number: when */
	OP_PERSIST,
	OP_TTL,
	OP_PTTL,
	OP_TYPE,
	OP_APPEND,
	OP_STRLEN,
	OP_SIZE,  /* of the whole store: no key */
	OP_FLUSH, /* the same */
};

enum {
	REQUEST_NX = 1 << 0,  /* of OP_SET: only if there is none */
	REQUEST_XX = 1 << 1,  /* only if there is one */
	REQUEST_GET = 1 << 2, /* reply with the old value */
	REQUEST_KEEPTTL = 1 << 3,
	REQUEST_INT = 1 << 4, /* reply with 1 or 0 */
	REQUEST_GT = 1 << 5, /* of OP_EXPIRE, beside NX and XX: only to later */
	REQUEST_LT = 1 << 6, /* only to earlier */
	REQUEST_DELETE = 1 << 7, /* of OP_GET */
	REQUEST_SILENT = 1 << 8, /* no reply */
};

/* In `requests`, one after the other; the key and the value follow each. */
struct request {
	uint64_t hash;
	int64_t number;
	uint32_t key_size, value_size;
	uint32_t reply_size; /* written by the store */
	uint16_t flags;
	uint16_t op;
	char bytes[];
};

struct batch {
	struct buf requests, replies;
	size_t executed, taken; /* bytes of `requests` */
	size_t replied;         /* bytes of `replies` taken out */
	unsigned shard;         /* the number of the store */
	unsigned commands;      /* that the store shall count */
};

/* Returns NULL if there is no memory. */
struct batch *batch_new(unsigned shard);

/* Accepts NULL. */
void batch_free(struct batch *batch);

/* Adds a request; `like` gives its op, flags and number. */
void batch_add(struct batch *batch, const struct request *like,
	       const struct table_key *key, struct slice value);

/* Prepares it for the next requests, or for the next part of the replies. */
void batch_reset(struct batch *batch);
void batch_continue(struct batch *batch);

/* ---- inline ---- */

static inline size_t request_size(const struct request *request)
{
	size_t size =
		sizeof(*request) + request->key_size + request->value_size;

	return (size + 7) & ~(size_t)7;
}

static inline struct request *batch_at(const struct batch *batch, size_t at)
{
	return (struct request *)(void *)(batch->requests.data + at);
}

static inline bool batch_failed(const struct batch *batch)
{
	return batch->requests.failed || batch->replies.failed;
}

/* Whether the store is done with all requests. */
static inline bool batch_done(const struct batch *batch)
{
	return batch->executed == batch->requests.size;
}

/* Whether there is a reply to take. */
static inline bool batch_ready(const struct batch *batch)
{
	return batch->taken < batch->executed;
}

/* Takes the next reply, which there must be. */
static inline struct slice batch_take(struct batch *batch)
{
	struct request *request = batch_at(batch, batch->taken);
	const char *reply = batch->replies.data + batch->replied;

	batch->taken += request_size(request);
	batch->replied += request->reply_size;
	return (struct slice){ reply, request->reply_size };
}

#endif
