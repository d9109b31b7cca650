/* SPDX-License-Identifier: MIT */
/*
 * spawn_*: the root spawns `n` actors; each gets one message, is counted, and
 * ends. In batches of 1,000, after which the others run, or with the option in
 * one loop: then the others run when the root has used up its turn.
 */
#include "bench.h"

enum { BATCH = 1000 };

struct child_msg {
	uint64_t value;
};

struct child_arg {
	struct bench *bench;
};

HEPH_ACTOR(child, struct child_msg, struct child_arg);

static int child_main(heph_ctx ctx, child_inbox in, struct child_arg *arg)
{
	struct bench *bench = arg->bench;
	struct child_msg msg;

	bench_must(heph_recv(ctx, in, &msg));
	bench_add_here(bench, msg.value);
	bench_count_down(bench);
	return 0;
}
HEPH_ACTOR_MAIN(child, child_main);

int bench_spawn(heph_ctx ctx, struct bench *bench)
{
	uint64_t n = bench->n;
	child_ref child;

	bench->ops = bench->left = n;
	bench->wanted = n * (n - 1) / 2;
	bench_extra(bench, bench->option ? "batch=all" : "batch=%d", BATCH);
	bench_start(bench);
	for (uint64_t i = 0; i < n; i++) {
		bench_must(heph_spawn(ctx, child, &child, { bench }));
		bench_must(heph_send(ctx, child, { i }));
		if (i % BATCH == BATCH - 1 && !bench->option)
			bench_must(heph_yield(ctx));
	}
	bench_wait(ctx, bench);
	return 0;
}
