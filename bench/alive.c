/* SPDX-License-Identifier: MIT */
/*
 * spawn_alive: `n` actors are spawned and wait, all at the same time; the clock
 * stops when each has run once. alive_msg (the option): then one message to
 * each of them, until all have handled it.
 *
 * The table of references is the program's own memory: making it counts as
 * time, but not as memory of the actors.
 */
#include "bench.h"

#include <string.h>

struct idler_msg {
	uint64_t value;
};

struct idler_arg {
	struct bench *bench;
};

HEPH_ACTOR(idler, struct idler_msg, struct idler_arg);

static int idler_main(heph_ctx ctx, idler_inbox in, struct idler_arg *arg)
{
	struct bench *bench = arg->bench;
	struct idler_msg msg = { 0 };

	do {
		bench_add_here(bench, msg.value);
		bench_count_down(bench);
	} while (heph_recv(ctx, in, &msg) == 0);
	return 0;
}
HEPH_ACTOR_MAIN(idler, idler_main);

int bench_alive(heph_ctx ctx, struct bench *bench)
{
	uint64_t n = bench->n, i;
	idler_ref *idlers;
	long rss;

	bench->ops = bench->left = n;
	bench_start(bench);
	idlers = heph_alloc(ctx, n * sizeof(*idlers));
	bench_check(idlers != NULL);
	memset(idlers, 0xff, n * sizeof(*idlers)); /* there from now on */
	rss = bench_rss();
	for (i = 0; i < n; i++)
		bench_must(heph_spawn(ctx, idler, &idlers[i], { bench }));
	bench_wait(ctx, bench);

	if (bench->option) {
		bench->left = n;
		bench->wanted = n * (n - 1) / 2;
		bench_start(bench);
		for (i = 0; i < n; i++)
			bench_must(heph_send(ctx, idlers[i], { i }));
		bench_wait(ctx, bench);
	}
	bench_extra(bench, "rss_per_actor=%ld", (bench_rss() - rss) / (long)n);
	return 0;
}
