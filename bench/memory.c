/* SPDX-License-Identifier: MIT */
/*
 * memory_*: the resident memory of an idle actor, as `n` of them have it. Each
 * has received a message and waits for the next one in a function that keeps
 * some bytes in a local variable. memory_msg: a message has `size` bytes (a
 * power of two from 8 to 1024; the variable that it is received into counts as
 * well). memory_depth: a message has 8 and the local variable `size`.
 */
#include "bench.h"

#include <alloca.h>
#include <string.h>

struct keeper_arg {
	struct bench *bench;
	size_t depth;
};

/* Bytes on the stack that are needed after the wait. */
static char *fill(char *local, size_t size)
{
	for (size_t i = 0; i < size; i++)
		local[i] = (char)i;
	return local;
}

static void check(const char *local, size_t size)
{
	for (size_t i = 0; i < size; i++)
		bench_check(local[i] == (char)i);
}

static void received(struct bench *bench, uint64_t value)
{
	bench_add_here(bench, value);
	bench_count_down(bench);
}

/* The size of a message is a property of its type, so there is a type of actor
 * for each, and a function that spawns one and sends it a message. */
#define KEEPER_TYPE(bytes_)                                                    \
	struct keep##bytes_##_msg {                                            \
		uint64_t value;                                                \
		char rest[bytes_ - 8];                                         \
	};                                                                     \
	HEPH_ACTOR(keep##bytes_, struct keep##bytes_##_msg, struct keeper_arg)

#define KEEPER_MAIN(bytes_)                                                    \
	static int keep##bytes_##_main(heph_ctx ctx, keep##bytes_##_inbox in,  \
				       struct keeper_arg *arg)                 \
	{                                                                      \
		char *local = fill(alloca(arg->depth), arg->depth);            \
		struct keep##bytes_##_msg msg;                                 \
		while (heph_recv(ctx, in, &msg) == 0)                          \
			received(arg->bench, msg.value);                       \
		check(local, arg->depth);                                      \
		return 0;                                                      \
	}                                                                      \
	HEPH_ACTOR_MAIN(keep##bytes_, keep##bytes_##_main)

#define KEEPER_SPAWN(bytes_)                                                   \
	static void spawn##bytes_(heph_ctx ctx, struct keeper_arg arg)         \
	{                                                                      \
		keep##bytes_##_ref ref;                                        \
		bench_must(heph_spawn(ctx, keep##bytes_, &ref, arg));          \
		bench_must(heph_send(ctx, ref, { .value = 1 }));               \
	}

#define KEEPER(bytes_)                                                         \
	KEEPER_TYPE(bytes_);                                                   \
	KEEPER_MAIN(bytes_);                                                   \
	KEEPER_SPAWN(bytes_)

KEEPER(8)
KEEPER(16)
KEEPER(32)
KEEPER(64)
KEEPER(128)
KEEPER(256)
KEEPER(512)
KEEPER(1024)

typedef void spawn_fn(heph_ctx ctx, struct keeper_arg arg);

static spawn_fn *spawner_for(uint64_t bytes)
{
	static spawn_fn *const spawners[] = { spawn8,   spawn16,  spawn32,
					      spawn64,  spawn128, spawn256,
					      spawn512, spawn1024 };

	for (int i = 0; i < 8; i++)
		if (bytes == UINT64_C(8) << i)
			return spawners[i];
	return NULL;
}

int bench_memory(heph_ctx ctx, struct bench *bench)
{
	struct keeper_arg arg = { .bench = bench };
	uint64_t msg = bench->size;
	spawn_fn *spawn;
	long rss;

	if (bench->option) {
		arg.depth = bench->size;
		msg = sizeof(struct keep8_msg);
	}
	spawn = spawner_for(msg);
	bench_check(spawn != NULL);
	bench->ops = bench->left = bench->wanted = bench->n;
	rss = bench_rss();
	bench_start(bench);
	for (uint64_t i = 0; i < bench->n; i++)
		spawn(ctx, arg);
	bench_wait(ctx, bench);
	bench_extra(bench, "msg=%u local=%zu rss_per_actor=%ld", (unsigned)msg,
		    arg.depth, (bench_rss() - rss) / (long)bench->n);
	return 0;
}
