/* SPDX-License-Identifier: MIT */
/*
 * pingpong_*, ring_*: one token that says how many hops are left goes around
 * `size` actors, `n` hops in all. Ping-pong is a ring of two.
 *
 * With the option the actors stand in the ring in random order, so that each
 * hop leads to cold memory; without it in the order in which they were spawned.
 */
#include "bench.h"

struct node_msg {
	uint64_t left;
};

struct node_ref;

struct node_arg {
	struct bench *bench;
	const struct node_ref *next; /* known when the first message comes */
};

HEPH_ACTOR(node, struct node_msg, struct node_arg);

static int node_main(heph_ctx ctx, node_inbox in, struct node_arg *arg)
{
	struct node_msg msg;
	uint64_t hops = 0;
	node_ref next;

	if (heph_recv(ctx, in, &msg) < 0)
		return 0;
	next = *arg->next;
	do {
		hops++;
		if (msg.left > 0)
			bench_must(heph_send(ctx, next, { msg.left - 1 }));
		else
			bench_stop(arg->bench);
	} while (heph_recv(ctx, in, &msg) == 0);
	bench_add(arg->bench, hops);
	return 0;
}
HEPH_ACTOR_MAIN(node, node_main);

/* The place in the ring of each actor, in the order of spawning. */
static uint32_t *places(heph_ctx ctx, uint64_t size, bool shuffle)
{
	uint32_t *place = heph_alloc(ctx, size * sizeof(*place));
	uint64_t seed = bench_seed(size), i, other;
	uint32_t swap;

	bench_check(place != NULL);
	for (i = 0; i < size; i++)
		place[i] = i;
	for (i = size - 1; shuffle && i > 0; i--) {
		other = bench_random(&seed) % (i + 1);
		swap = place[i];
		place[i] = place[other];
		place[other] = swap;
	}
	return place;
}

int bench_ring(heph_ctx ctx, struct bench *bench)
{
	uint32_t *place = places(ctx, bench->size, bench->option);
	node_ref *next = heph_alloc(ctx, bench->size * sizeof(*next));
	uint64_t size = bench->size, i;

	bench_check(next != NULL);
	for (i = 0; i < size; i++)
		bench_must(heph_spawn(ctx, node,
				      &next[(place[i] + size - 1) % size],
				      { bench, &next[place[i]] },
				      .on = bench_place(bench, i)));
	bench->ops = bench->wanted = bench->n;
	bench_extra(bench, "actors=%u", (unsigned)size);
	bench_settle(ctx);

	bench_start(bench);
	bench_must(heph_send(ctx, next[0], { bench->n - 1 }));
	bench_wait(ctx, bench);
	return 0;
}
