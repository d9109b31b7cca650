/* SPDX-License-Identifier: MIT */
/*
 * timers: `n` actors sleep `size` times for 1 to 1,000 ms. To be looked at: the
 * CPU time for each sleep, and how late they woke. Early is an error.
 */
#include "bench.h"

struct lateness {
	heph_time sum, worst;
};

struct sleeper_arg {
	struct bench *bench;
	struct lateness *late;
	uint64_t id;
};

HEPH_ACTOR(sleeper, void, struct sleeper_arg);

static int sleeper_main(heph_ctx ctx, struct sleeper_arg *arg)
{
	uint64_t seed = bench_seed(arg->id);
	heph_time length, due, late;

	for (uint64_t i = 0; i < arg->bench->size; i++) {
		length = (1 + bench_random(&seed) % 1000) * HEPH_MSEC;
		due = heph_now() + length;
		bench_must(heph_sleep(ctx, length));
		late = heph_now() - due;
		bench_check(late >= 0);
		arg->late->sum += late;
		if (late > arg->late->worst)
			arg->late->worst = late;
		bench_add_here(arg->bench, 1);
		bench_count_down(arg->bench);
	}
	return 0;
}
HEPH_ACTOR_MAIN(sleeper, sleeper_main);

int bench_timers(heph_ctx ctx, struct bench *bench)
{
	struct lateness *late = heph_alloc(ctx, sizeof(*late));

	bench_check(late != NULL);
	bench->ops = bench->left = bench->wanted = bench->n * bench->size;
	bench_start(bench);
	for (uint64_t i = 0; i < bench->n; i++)
		bench_must(heph_spawn(ctx, sleeper, NULL, { bench, late, i }));
	bench_wait(ctx, bench);
	bench_extra(bench, "avg_late_us=%lld max_late_us=%lld",
		    (long long)(late->sum / (heph_time)bench->ops / HEPH_USEC),
		    (long long)(late->worst / HEPH_USEC));
	return 0;
}
