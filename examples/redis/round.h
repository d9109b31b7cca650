/* SPDX-License-Identifier: MIT */
/*
 * round.h - the commands that a connection executes together
 *
 * A pipelining client sends many commands at once. They become one batch for
 * each store that has one of their keys, so a message carries many requests,
 * and a list of where each reply comes from, so the replies can be put in
 * order. What needs no store, a PING or an error, is answered here.
 *
 * A round neither waits nor does I/O: conn.c does.
 */
#ifndef ROUND_H
#define ROUND_H

#include <stdbool.h>
#include <stdint.h>

#include "batch.h"
#include "store.h"

enum { ROUND_MAX = 4 << 10 }; /* requests; then the rest must wait */

/* Where the next part of the output comes from. */
enum round_from {
	ROUND_STORE, /* the next reply of a store */
	ROUND_PART,  /* the next reply of a store is a part of a sum */
	ROUND_SUM,   /* the sum of the parts so far, as an integer */
	ROUND_LOCAL, /* the next reply that was made here */
};

struct round_step {
	uint16_t from;
	uint16_t shard;
};

struct round {
	const struct shards *shards;
	int64_t id;             /* of the connection */
	struct batch **batches; /* of each store; NULL: lent, or not made yet */
	struct buf steps;       /* struct round_step */
	struct buf local; /* replies: a uint32_t with the size, and bytes */
	size_t local_taken;
	size_t local_open; /* where an unfinished one begins */
	bool open;
	bool failed;       /* no memory */
	bool mixed;        /* the replies come from more than one place */
	unsigned commands; /* not counted by a store yet */
};

/* Returns 0; -ENOMEM. */
int round_init(struct round *round, const struct shards *shards, int64_t id);
void round_fini(struct round *round);

/* Prepares it for the next commands. All batches must be back. */
void round_reset(struct round *round);

/* Gives back all memory that it can do without. */
void round_rest(struct round *round);

/* Whether all commands so far got the memory they need. */
bool round_ok(const struct round *round);

/* How many steps there are. */
static inline size_t round_size(const struct round *round)
{
	return round->steps.size / sizeof(struct round_step);
}

static inline struct round_step round_step(const struct round *round, size_t i)
{
	struct round_step step;

	memcpy(&step, round->steps.data + i * sizeof(step), sizeof(step));
	return step;
}

/* Adds a request to the batch of the store that has the key; `like` gives its
 * op, flags and number. The reply is used as `from` says. */
void round_ask(struct round *round, enum round_from from,
	       const struct request *like, struct slice key,
	       struct slice value);

/* The same for all stores; the sum of the replies is not added. */
void round_ask_all(struct round *round, const struct request *like);

/* Adds the sum of the parts asked for just before. */
void round_sum(struct round *round);

/* Begins a reply: who calls it adds the bytes. It ends with the command. */
struct buf *round_reply(struct round *round);

/* Ends a command. */
void round_command_end(struct round *round);

/* Takes the next reply made here, of which there must be one. */
struct slice round_take_local(struct round *round);

#endif
