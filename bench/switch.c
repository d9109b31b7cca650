/* SPDX-License-Identifier: MIT */
/* switch: two actors on one worker give way to each other, `n` times in all.
 * What the bare switch of stacks takes of that: bench/coro/switch.c. */
#include "bench.h"

struct yielder_arg {
	struct bench *bench;
	uint64_t n;
};

HEPH_ACTOR(yielder, void, struct yielder_arg);

static int yielder_main(heph_ctx ctx, struct yielder_arg *arg)
{
	for (uint64_t i = arg->n; i > 0; i--)
		bench_must(heph_yield(ctx));
	bench_add_here(arg->bench, arg->n);
	bench_count_down(arg->bench);
	return 0;
}
HEPH_ACTOR_MAIN(yielder, yielder_main);

int bench_switch(heph_ctx ctx, struct bench *bench)
{
	uint64_t half = bench->n / 2;

	bench->ops = bench->wanted = bench->n;
	bench->left = 2;
	bench_start(bench);
	bench_must(heph_spawn(ctx, yielder, NULL, { bench, half }));
	bench_must(heph_spawn(ctx, yielder, NULL, { bench, bench->n - half }));
	bench_wait(ctx, bench);
	return 0;
}
