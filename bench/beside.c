/* SPDX-License-Identifier: MIT */
/*
 * beside_local: two actors send each other a token `n` times, beside `size` others
 * that wait. beside_seen (the option): while another one looks at all of them, one
 * look after the other, and writes the metrics; the looks are told.
 */
#include "bench.h"

#include <stdlib.h>

struct hopper_msg {
	uint64_t left;
};

struct hopper_ref;

struct hopper_arg {
	struct bench *bench;
	const struct hopper_ref *other;
};

HEPH_ACTOR(hopper, struct hopper_msg, struct hopper_arg);

static int hopper_main(heph_ctx ctx, hopper_inbox in, struct hopper_arg *arg)
{
	struct hopper_msg msg;
	uint64_t hops = 0;

	for (; heph_recv(ctx, in, &msg) == 0; hops++) {
		if (msg.left > 0)
			bench_must(
				heph_send(ctx, *arg->other, { msg.left - 1 }));
		else
			bench_stop(arg->bench);
	}
	bench_add(arg->bench, hops);
	return 0;
}
HEPH_ACTOR_MAIN(hopper, hopper_main);

HEPH_ACTOR(bystander, struct hopper_msg, void);

static int bystander_main(heph_ctx ctx, bystander_inbox in)
{
	struct hopper_msg msg;

	return heph_recv(ctx, in, &msg);
}
HEPH_ACTOR_MAIN(bystander, bystander_main);

struct watcher_arg {
	atomic_ulong *looks;
};

HEPH_ACTOR(watcher, void, struct watcher_arg);

static bool count(void *arg, const struct heph_actor_info *info)
{
	(void)info;
	atomic_fetch_add((atomic_ulong *)arg, 1);
	return true;
}

static int watcher_main(heph_ctx ctx, struct watcher_arg *arg)
{
	char *text;
	size_t size;
	int err;

	do {
		err = heph_inspect(ctx, NULL, count, arg->looks);
		if (err == 0 &&
		    heph_metrics_text(heph_runtime(ctx), &text, &size) == 0)
			free(text);
		if (err == 0)
			err = heph_sleep(ctx, 100 * HEPH_MSEC);
	} while (err == 0);
	return err;
}
HEPH_ACTOR_MAIN(watcher, watcher_main);

int bench_beside(heph_ctx ctx, struct bench *bench)
{
	hopper_ref *refs = heph_alloc(ctx, 2 * sizeof(*refs));
	atomic_ulong *looks = heph_alloc(ctx, sizeof(*looks));

	bench_check(refs != NULL && looks != NULL);
	bench->ops = bench->wanted = bench->n;
	for (uint64_t i = 0; i < bench->size; i++)
		bench_must(heph_spawn(ctx, bystander, NULL));
	for (int i = 0; i < 2; i++)
		bench_must(heph_spawn(ctx, hopper, &refs[i],
				      { bench, &refs[i ^ 1] }));
	bench_settle(ctx);
	if (bench->option)
		bench_must(heph_spawn(ctx, watcher, NULL, { looks }));
	bench_start(bench);
	bench_must(heph_send(ctx, refs[0], { bench->n - 1 }));
	bench_wait(ctx, bench);
	bench_extra(bench, "beside=%llu seen=%lu",
		    (unsigned long long)bench->size, atomic_load(looks));
	return 0;
}
