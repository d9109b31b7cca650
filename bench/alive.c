/* SPDX-License-Identifier: MIT */
/*
 * spawn_alive: `n` actors are spawned and wait, all at the same time; the clock
 * stops when each has run once. alive_msg (the option): then one message to
 * each of them, until all have handled it. alive_local, alive10m: each keeps 64
 * bytes in a local variable; ten million of these are there by name only.
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
	bool local;
};

HEPH_ACTOR(idler, struct idler_msg, struct idler_arg);

/* Functions of their own, so that only the stack of the one has the variable;
 * idler_main() leaves nothing there at all. */
#define ALONE __attribute__((noinline))

static ALONE int keep_local(heph_ctx ctx, idler_inbox in, struct bench *bench)
{
	struct idler_msg msg = { 0 };
	char local[64];

	memset(local, 0x5a, sizeof(local));
	do {
		__asm__("" : "+m"(local)); /* it is used */
		bench_add_here(bench, msg.value);
		bench_count_down(bench);
	} while (heph_recv(ctx, in, &msg) == 0);
	bench_check(local[0] == 0x5a && local[63] == 0x5a);
	return 0;
}

static ALONE int keep_nothing(heph_ctx ctx, idler_inbox in, struct bench *bench)
{
	struct idler_msg msg = { 0 };

	do {
		bench_add_here(bench, msg.value);
		bench_count_down(bench);
	} while (heph_recv(ctx, in, &msg) == 0);
	return 0;
}

static int idler_main(heph_ctx ctx, idler_inbox in, struct idler_arg *arg)
{
	return (arg->local ? keep_local : keep_nothing)(ctx, in, arg->bench);
}
HEPH_ACTOR_MAIN(idler, idler_main);

static int alive(heph_ctx ctx, struct bench *bench, bool local)
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
		bench_must(
			heph_spawn(ctx, idler, &idlers[i], { bench, local }));
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

int bench_alive(heph_ctx ctx, struct bench *bench)
{
	return alive(ctx, bench, false);
}

int bench_alive_local(heph_ctx ctx, struct bench *bench)
{
	return alive(ctx, bench, true);
}
