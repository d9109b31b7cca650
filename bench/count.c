/* SPDX-License-Identifier: MIT */
/* count_*: a producer sends `n` times 1 in one loop, then asks for the sum. */
#include "bench.h"

struct counter_msg {
	enum { COUNTER_ADD, COUNTER_TOTAL } kind;
	union {
		uint64_t add;
		HEPH_REPLY(uint64_t) total;
	};
};

HEPH_ACTOR(counter, struct counter_msg, void);

static int counter_main(heph_ctx ctx, counter_inbox in)
{
	struct counter_msg msg;
	uint64_t total = 0;

	while (heph_recv(ctx, in, &msg) == 0) {
		switch (msg.kind) {
		case COUNTER_ADD:
			total += msg.add;
			break;
		case COUNTER_TOTAL:
			heph_answer(msg.total, total);
			break;
		}
	}
	return 0;
}
HEPH_ACTOR_MAIN(counter, counter_main);

struct producer_arg {
	struct bench *bench;
	counter_ref counter;
};

HEPH_ACTOR(producer, void, struct producer_arg);

static int producer_main(heph_ctx ctx, struct producer_arg *arg)
{
	struct bench *bench = arg->bench;
	counter_ref counter = arg->counter;
	uint64_t n = bench->n, total;

	bench_start(bench);
	for (uint64_t i = 0; i < n; i++)
		bench_must(heph_send(ctx, counter,
				     { .kind = COUNTER_ADD, .add = 1 }));
	bench_must(heph_call(ctx, counter, total, &total,
			     { .kind = COUNTER_TOTAL }));
	bench_stop(bench);
	bench_add(bench, total);
	return 0;
}
HEPH_ACTOR_MAIN(producer, producer_main);

int bench_count(heph_ctx ctx, struct bench *bench)
{
	counter_ref counter;

	bench->ops = bench->wanted = bench->n;
	bench_must(heph_spawn(ctx, counter, &counter, .inbox = bench->inbox,
			      .on = bench_place(bench, 0)));
	bench_must(heph_spawn(ctx, producer, NULL, { bench, counter },
			      .on = bench_place(bench, 1)));
	bench_wait(ctx, bench);
	return 0;
}
