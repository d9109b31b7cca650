/* SPDX-License-Identifier: MIT */
/*
 * idle*: `n` actors get a message each, then nothing happens. To be looked at:
 * the CPU time of the process in the second that begins 100 ms later, in percent
 * of a core.
 */
#include "bench.h"

struct idle_msg {
	uint64_t value;
};

struct idle_arg {
	struct bench *bench;
};

HEPH_ACTOR(idle, struct idle_msg, struct idle_arg);

static int idle_main(heph_ctx ctx, idle_inbox in, struct idle_arg *arg)
{
	struct idle_msg msg;

	while (heph_recv(ctx, in, &msg) == 0)
		bench_add(arg->bench, msg.value);
	return 0;
}
HEPH_ACTOR_MAIN(idle, idle_main);

int bench_idle(heph_ctx ctx, struct bench *bench)
{
	idle_ref idle;

	bench->ops = bench->wanted = bench->n;
	for (uint64_t i = 0; i < bench->n; i++) {
		bench_must(heph_spawn(ctx, idle, &idle, { bench },
				      .on = bench_place(bench, i)));
		bench_must(heph_send(ctx, idle, { 1 }));
	}
	bench_must(heph_sleep(ctx, 100 * HEPH_MSEC));
	bench_start(bench);
	bench_must(heph_sleep(ctx, HEPH_SEC));
	bench_stop(bench);
	bench_extra(bench, "cpu_percent=%.3f",
		    100.0 * (double)(bench->cpu_ended - bench->cpu_began) /
			    (double)(bench->ended - bench->began));
	return 0;
}
