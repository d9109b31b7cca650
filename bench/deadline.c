/* SPDX-License-Identifier: MIT */
/*
 * timer_set, timer_nearer: two actors pass a token, `n` hops in all, and each
 * waits for it with a deadline that is never reached: what is dearer than in
 * pingpong_local is setting and cancelling a timer.
 *
 * timer_set: a second from now, as in most programs; it reads the clock for
 * that. With the option each deadline is earlier than the one before, so that a
 * timer that is already set for later is of no use.
 */
#include "bench.h"

struct waiter_msg {
	uint64_t left;
};

struct waiter_ref;

struct waiter_arg {
	struct bench *bench;
	const struct waiter_ref *other;
};

HEPH_ACTOR(waiter, struct waiter_msg, struct waiter_arg);

/* A millisecond earlier each time. */
static heph_time nearer(heph_time *due)
{
	return *due -= HEPH_MSEC;
}

static int waiter_main(heph_ctx ctx, waiter_inbox in, struct waiter_arg *arg)
{
	struct bench *bench = arg->bench;
	heph_time due = heph_now() + (heph_time)bench->n * HEPH_MSEC + HEPH_SEC;
	bool option = bench->option;
	struct waiter_msg msg;
	uint64_t hops = 0;
	heph_ctx until;

	for (;;) {
		until = option ? heph_until(ctx, nearer(&due)) :
				 heph_within(ctx, HEPH_SEC);
		if (heph_recv(until, in, &msg) < 0)
			break;
		hops++;
		if (msg.left-- == 0)
			bench_stop(bench);
		else
			bench_must(heph_send(ctx, *arg->other, msg));
	}
	bench_add_here(bench, hops);
	return 0;
}
HEPH_ACTOR_MAIN(waiter, waiter_main);

int bench_deadline(heph_ctx ctx, struct bench *bench)
{
	waiter_ref *refs = heph_alloc(ctx, 2 * sizeof(*refs));

	bench_check(refs != NULL);
	bench->ops = bench->wanted = bench->n;
	for (int i = 0; i < 2; i++)
		bench_must(heph_spawn(ctx, waiter, &refs[i],
				      { bench, &refs[!i] }));
	bench_start(bench);
	bench_must(heph_send(ctx, refs[0], { bench->n - 1 }));
	bench_wait(ctx, bench);
	return 0;
}
