/* SPDX-License-Identifier: MIT */
#include "round.h"

#include <stdlib.h>

enum { KEEP = 64 << 10 }; /* bytes of each buffer that stay for the next time */

int round_init(struct round *round, const struct shards *shards, int64_t id)
{
	*round = (struct round){ .shards = shards, .id = id };
	round->batches = calloc(shards->n, sizeof(struct batch *));
	return round->batches ? 0 : -ENOMEM;
}

void round_fini(struct round *round)
{
	if (round->batches)
		round_rest(round);
	free(round->batches);
}

void round_reset(struct round *round)
{
	for (unsigned i = 0; i < round->shards->n; i++)
		if (round->batches[i])
			batch_reset(round->batches[i]);
	buf_reset(&round->steps, KEEP);
	buf_reset(&round->local, KEEP);
	round->local_taken = 0;
	round->mixed = false;
}

void round_rest(struct round *round)
{
	for (unsigned i = 0; i < round->shards->n; i++) {
		batch_free(round->batches[i]);
		round->batches[i] = NULL;
	}
	buf_fini(&round->steps);
	buf_fini(&round->local);
}

bool round_ok(const struct round *round)
{
	for (unsigned i = 0; i < round->shards->n; i++)
		if (round->batches[i] && batch_failed(round->batches[i]))
			return false;
	return !round->failed && !round->steps.failed && !round->local.failed;
}

static void add_step(struct round *round, enum round_from from, unsigned shard)
{
	struct round_step step = { from, shard };

	if (from != ROUND_STORE ||
	    (round->steps.size > 0 && round_step(round, 0).shard != shard))
		round->mixed = true;
	buf_add(&round->steps, &step, sizeof(step));
}

static void ask(struct round *round, enum round_from from, unsigned shard,
		const struct request *like, const struct table_key *key,
		struct slice value)
{
	if (!round->batches[shard])
		round->batches[shard] = batch_new(shard);
	if (!round->batches[shard]) {
		round->failed = true;
		return;
	}
	batch_add(round->batches[shard], like, key, value);
	add_step(round, from, shard);
}

void round_ask(struct round *round, enum round_from from,
	       const struct request *like, struct slice key, struct slice value)
{
	struct table_key whole = { key, hash_bytes(&round->shards->seed,
						   key.data, key.size) };

	ask(round, from, shards_find(round->shards, whole.hash), like, &whole,
	    value);
}

void round_ask_all(struct round *round, const struct request *like)
{
	const struct table_key none = { { "", 0 }, 0 };

	for (unsigned i = 0; i < round->shards->n; i++)
		ask(round, ROUND_PART, i, like, &none, none.bytes);
}

void round_sum(struct round *round)
{
	add_step(round, ROUND_SUM, 0);
}

struct buf *round_reply(struct round *round)
{
	const uint32_t size = 0; /* filled in by round_command_end() */

	add_step(round, ROUND_LOCAL, 0);
	round->local_open = round->local.size;
	round->open = true;
	buf_add(&round->local, &size, sizeof(size));
	return &round->local;
}

void round_command_end(struct round *round)
{
	uint32_t size = round->local.size - round->local_open - sizeof(size);

	round->commands++;
	if (round->open && !round->local.failed)
		memcpy(round->local.data + round->local_open, &size,
		       sizeof(size));
	round->open = false;
}

struct slice round_take_local(struct round *round)
{
	const char *reply = round->local.data + round->local_taken;
	uint32_t size;

	memcpy(&size, reply, sizeof(size));
	round->local_taken += sizeof(size) + size;
	return (struct slice){ reply + sizeof(size), size };
}
