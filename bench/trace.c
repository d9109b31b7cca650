/* SPDX-License-Identifier: MIT */
/*
 * rpc_traced: the calls of rpc_local, in slices that are traced and slices that
 * are not, by turns; what the thread spent is compared. The line has the median
 * of the ratios; ns_per_op is of both kinds together.
 */
#include "bench.h"

#include <heph/trace.h>

#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { SLICES = 15 };

struct adder_msg {
	uint64_t value;
	HEPH_REPLY(uint64_t) more;
};

HEPH_ACTOR(adder, struct adder_msg, void);

static int adder_main(heph_ctx ctx, adder_inbox in)
{
	struct adder_msg msg;

	while (heph_recv(ctx, in, &msg) == 0)
		heph_answer(msg.more, msg.value + 1);
	return 0;
}
HEPH_ACTOR_MAIN(adder, adder_main);

struct asker_arg {
	struct bench *bench;
	adder_ref adder;
	double *ratios;
};

HEPH_ACTOR(asker, void, struct asker_arg);

static double spent(void)
{
	struct timespec time;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
	return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

/* The time of a slice, in nanoseconds of the processor. */
static double ask(heph_ctx ctx, adder_ref adder, uint64_t n)
{
	double began = spent();
	uint64_t more;

	for (uint64_t i = n; i > 0; i--) {
		bench_must(heph_call(ctx, adder, more, &more, { .value = i }));
		bench_check(more == i + 1);
	}
	return spent() - began;
}

static double ask_traced(heph_ctx ctx, adder_ref adder, uint64_t n)
{
	char path[] = "/tmp/heph-bench-XXXXXX";
	int fd = mkstemp(path);
	double time;

	bench_check(fd >= 0);
	close(fd);
	unlink(path);
	bench_must(heph_trace_start(heph_runtime(ctx), path));
	time = ask(ctx, adder, n);
	bench_must(heph_trace_stop(heph_runtime(ctx)));
	unlink(path);
	return time;
}

static int asker_main(heph_ctx ctx, struct asker_arg *arg)
{
	struct bench *bench = arg->bench;
	uint64_t n = bench->n / SLICES / 2;

	ask(ctx, arg->adder, n); /* all that is slow the first time */
	bench_start(bench);
	for (int i = 0; i < SLICES; i++) {
		double off = ask(ctx, arg->adder, n);

		arg->ratios[i] = ask_traced(ctx, arg->adder, n) / off;
	}
	bench_stop(bench);
	bench_add(bench, n * SLICES * 2);
	return 0;
}
HEPH_ACTOR_MAIN(asker, asker_main);

static int by_size(const void *a, const void *b)
{
	double left = *(const double *)a, right = *(const double *)b;

	return (left > right) - (left < right);
}

int bench_rpc_traced(heph_ctx ctx, struct bench *bench)
{
	static double ratios[SLICES];
	adder_ref adder;

	bench->ops = bench->wanted = bench->n / SLICES / 2 * SLICES * 2;
	bench_must(heph_spawn(ctx, adder, &adder));
	bench_must(heph_spawn(ctx, asker, NULL, { bench, adder, ratios }));
	bench_wait(ctx, bench);
	qsort(ratios, SLICES, sizeof(*ratios), by_size);
	bench_extra(bench, "ratio=%.3f", ratios[SLICES / 2]);
	return 0;
}
