/* SPDX-License-Identifier: MIT */
/*
 * pairs*: `size` pairs of actors, each with a token of its own that goes back
 * and forth `n` times. A pair is on one worker, so with two workers all should
 * take half the time: what workers have in common shows here.
 */
#include "bench.h"

struct partner_msg {
	uint64_t left;
};

struct partner_ref;

struct partner_arg {
	struct bench *bench;
	const struct partner_ref *other;
	atomic_ulong *unfinished; /* pairs */
};

HEPH_ACTOR(partner, struct partner_msg, struct partner_arg);

static int partner_main(heph_ctx ctx, partner_inbox in, struct partner_arg *arg)
{
	struct partner_msg msg;
	uint64_t hops = 0;

	for (; heph_recv(ctx, in, &msg) == 0; hops++) {
		if (msg.left > 0)
			bench_must(
				heph_send(ctx, *arg->other, { msg.left - 1 }));
		else if (atomic_fetch_sub(arg->unfinished, 1) == 1)
			bench_stop(arg->bench);
	}
	bench_add(arg->bench, hops);
	return 0;
}
HEPH_ACTOR_MAIN(partner, partner_main);

int bench_pairs(heph_ctx ctx, struct bench *bench)
{
	uint64_t n = 2 * bench->size, i;
	partner_ref *refs = heph_alloc(ctx, n * sizeof(*refs));
	atomic_ulong *unfinished = heph_alloc(ctx, sizeof(*unfinished));

	bench_check(refs != NULL && unfinished != NULL);
	*unfinished = bench->size;
	bench->ops = bench->wanted = bench->n * bench->size;
	bench_extra(bench, "pairs=%u", (unsigned)bench->size);
	for (i = 0; i < n; i++)
		bench_must(heph_spawn(ctx, partner, &refs[i],
				      { bench, &refs[i ^ 1], unfinished },
				      .on = bench_place(bench, i / 2)));
	bench_settle(ctx);

	bench_start(bench);
	for (i = 0; i < n; i += 2)
		bench_must(heph_send(ctx, refs[i], { bench->n - 1 }));
	bench_wait(ctx, bench);
	return 0;
}
