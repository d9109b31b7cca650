/* SPDX-License-Identifier: MIT */
/*
 * fan_in*: `size` producers send `n` messages each to one consumer, each in one
 * loop. With two workers half of the producers are on the consumer's.
 */
#include "bench.h"

struct sink_msg {
	uint64_t value;
};

struct sink_arg {
	struct bench *bench;
};

HEPH_ACTOR(sink, struct sink_msg, struct sink_arg);

static int sink_main(heph_ctx ctx, sink_inbox in, struct sink_arg *arg)
{
	uint64_t left = arg->bench->wanted, total = 0;
	struct sink_msg msg;

	for (; left > 0; left--) {
		bench_must(heph_recv(ctx, in, &msg));
		total += msg.value;
	}
	bench_stop(arg->bench);
	bench_add(arg->bench, total);
	return 0;
}
HEPH_ACTOR_MAIN(sink, sink_main);

struct source_msg {
	char go;
};

struct source_arg {
	uint64_t n;
	sink_ref sink;
};

HEPH_ACTOR(source, struct source_msg, struct source_arg);

static int source_main(heph_ctx ctx, source_inbox in, struct source_arg *arg)
{
	sink_ref sink = arg->sink;
	struct source_msg msg;

	bench_must(heph_recv(ctx, in, &msg));
	for (uint64_t i = arg->n; i > 0; i--)
		bench_must(heph_send(ctx, sink, { 1 }));
	return 0;
}
HEPH_ACTOR_MAIN(source, source_main);

int bench_fan_in(heph_ctx ctx, struct bench *bench)
{
	source_ref *sources = heph_alloc(ctx, bench->size * sizeof(*sources));
	sink_ref sink;
	uint64_t i;

	bench_check(sources != NULL);
	bench->ops = bench->wanted = bench->n * bench->size;
	bench_extra(bench, "producers=%u", (unsigned)bench->size);
	bench_must(
		heph_spawn(ctx, sink, &sink, { bench }, .inbox = bench->inbox));
	for (i = 0; i < bench->size; i++)
		bench_must(heph_spawn(ctx, source, &sources[i],
				      { bench->n, sink },
				      .on = bench_place(bench, i)));
	bench_settle(ctx);

	bench_start(bench);
	for (i = 0; i < bench->size; i++)
		bench_must(heph_send(ctx, sources[i], { 1 }));
	bench_wait(ctx, bench);
	return 0;
}
