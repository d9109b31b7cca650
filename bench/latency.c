/* SPDX-License-Identifier: MIT */
/*
 * latency*: requests pass through a pipeline of four actors, `size` of them in a
 * second, `n` in all. With two workers each is on another worker than the one
 * before it, and the first on another than the source.
 *
 * A request has a moment at which it is due, and its time counts from there: if
 * the source comes late, because it had to wait or something else ran, all
 * requests that were due meanwhile have waited as well. Counting from when it
 * was sent would leave out just the worst.
 */
#include "bench.h"
#include "histogram.h"

enum { STAGES = 4 };

struct stage_msg {
	heph_time due;
};

struct stage_ref;

struct stage_arg {
	struct bench *bench;
	const struct stage_ref *next;
	struct histogram *times; /* of the last one, which has no next */
};

HEPH_ACTOR(stage, struct stage_msg, struct stage_arg);

static void arrived(struct stage_arg *arg, heph_time due)
{
	heph_time now = heph_now();

	bench_check(now >= due);
	histogram_add(arg->times, (uint64_t)(now - due));
	if (arg->times->n == arg->bench->n) {
		bench_stop(arg->bench);
		bench_add(arg->bench, arg->times->n);
	}
}

static int stage_main(heph_ctx ctx, stage_inbox in, struct stage_arg *arg)
{
	struct stage_msg msg;

	while (heph_recv(ctx, in, &msg) == 0) {
		if (arg->times)
			arrived(arg, msg.due);
		else
			bench_must(heph_send(ctx, *arg->next, { msg.due }));
	}
	return 0;
}
HEPH_ACTOR_MAIN(stage, stage_main);

/* The source never sleeps: a timer is too coarse for it. */
static void send_all(heph_ctx ctx, struct bench *bench, stage_ref first)
{
	heph_time due;

	bench_start(bench);
	for (uint64_t i = 0; i < bench->n; i++) {
		due = bench->began + (heph_time)(i * HEPH_SEC / bench->size);
		while (heph_now() < due)
			bench_must(heph_yield(ctx));
		bench_must(heph_send(ctx, first, { due }));
	}
}

static void tell(struct bench *bench, const struct histogram *times)
{
	static const struct {
		const char *name;
		double share;
	} shares[] = { { "p50", 0.5 },    { "p90", 0.9 },      { "p99", 0.99 },
		       { "p999", 0.999 }, { "p9999", 0.9999 }, { "max", 1 } };

	for (size_t i = 0; i < sizeof(shares) / sizeof(*shares); i++)
		bench_extra(bench, "%s=%llu", shares[i].name,
			    (unsigned long long)histogram_at(times,
							     shares[i].share));
}

int bench_latency(heph_ctx ctx, struct bench *bench)
{
	struct histogram *times = heph_alloc(ctx, sizeof(*times));
	stage_ref *refs = heph_alloc(ctx, STAGES * sizeof(*refs));
	struct stage_arg arg = { .bench = bench };

	bench_check(times != NULL && refs != NULL);
	bench->ops = bench->wanted = bench->n;
	for (int i = 0; i < STAGES; i++) {
		arg.next = &refs[i + 1];
		arg.times = i == STAGES - 1 ? times : NULL;
		bench_must(heph_spawn(ctx, stage, &refs[i], arg,
				      .inbox = bench->inbox,
				      .on = bench_place(bench, i + 1)));
	}
	bench_settle(ctx);

	send_all(ctx, bench, refs[0]);
	bench_wait(ctx, bench);
	bench_extra(bench, "per_second=%u", (unsigned)bench->size);
	tell(bench, times);
	return 0;
}
