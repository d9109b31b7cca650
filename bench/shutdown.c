/* SPDX-License-Identifier: MIT */
/*
 * shutdown*: `n` actors have a read in flight, each of a descriptor of its own;
 * those for whom the process may have none sleep. The clock runs from the stop of
 * all of them until the last one has ended and given back what it had.
 */
#include "bench.h"

#include <sys/eventfd.h>
#include <sys/resource.h>

enum { SPARE = 100 }; /* descriptors for everything else */

struct busy_arg {
	struct bench *bench;
	bool reads;
};

HEPH_ACTOR(busy, void, struct busy_arg);

static int busy_main(heph_ctx ctx, struct busy_arg *arg)
{
	uint64_t value;
	heph_fd fd;
	int err;

	bench_add(arg->bench, 1); /* it has begun */
	if (arg->reads) {
		bench_must(heph_fd_adopt(
			ctx, eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), &fd));
		err = heph_read(ctx, fd, &value, sizeof(value));
	} else {
		err = heph_sleep(ctx, 3600 * HEPH_SEC);
	}
	bench_check(err == -ECANCELED);
	bench_add(arg->bench, 1);
	return 0;
}
HEPH_ACTOR_MAIN(busy, busy_main);

/* How many descriptors there are for actors. */
static uint64_t room(uint64_t n)
{
	struct rlimit limit;

	bench_must(getrlimit(RLIMIT_NOFILE, &limit));
	limit.rlim_cur = limit.rlim_max;
	bench_must(setrlimit(RLIMIT_NOFILE, &limit));
	return limit.rlim_cur < n + SPARE ? limit.rlim_cur - SPARE : n;
}

int bench_shutdown(heph_ctx ctx, struct bench *bench)
{
	uint64_t n = bench->n, readers = room(n);
	struct heph_scope scope;

	bench->ops = n;
	bench->wanted = 2 * n;
	bench_must(heph_scope_open(ctx, &scope));
	for (uint64_t i = 0; i < n; i++)
		bench_must(heph_spawn(ctx, busy, NULL, { bench, i < readers },
				      .on = bench_place(bench, i)));
	while (atomic_load(&bench->total) < n)
		bench_must(heph_yield(ctx));
	bench_settle(ctx);
	bench_start(bench);
	heph_scope_close(ctx, scope);
	bench_stop(bench);
	bench_extra(bench, "readers=%u ms=%u", (unsigned)readers,
		    (unsigned)((bench->ended - bench->began) / HEPH_MSEC));
	return 0;
}
