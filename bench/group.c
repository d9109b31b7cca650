/* SPDX-License-Identifier: MIT */
/* group_*: a sender gives `n` messages to `size` members, one by one. With two
 * workers all members are on the other one. */
#include "bench.h"

struct member_msg {
	uint64_t value;
};

struct member_arg {
	struct bench *bench;
};

HEPH_ACTOR(member, struct member_msg, struct member_arg);

static int member_main(heph_ctx ctx, member_inbox in, struct member_arg *arg)
{
	struct bench *bench = arg->bench;
	struct member_msg msg;
	uint64_t sum = 0;

	while (heph_recv(ctx, in, &msg) == 0) {
		sum += msg.value;
		bench_count_down(bench);
	}
	bench_add_here(bench, sum);
	return 0;
}
HEPH_ACTOR_MAIN(member, member_main);

struct giver_arg {
	struct bench *bench;
	const member_group *members;
};

HEPH_ACTOR(giver, void, struct giver_arg);

static int giver_main(heph_ctx ctx, struct giver_arg *arg)
{
	struct bench *bench = arg->bench;
	uint64_t n = bench->ops;
	member_group members = { 0 };

	bench_must(heph_group_extend(ctx, &members, arg->members));
	bench_start(bench);
	for (uint64_t i = 0; i < n; i++)
		bench_must(heph_send_one(ctx, &members, { .value = 1 }));
	return 0;
}
HEPH_ACTOR_MAIN(giver, giver_main);

int bench_group(heph_ctx ctx, struct bench *bench)
{
	member_group members = { 0 };
	member_ref ref;

	bench->left = bench->ops = bench->wanted = bench->n;
	for (uint64_t i = 0; i < bench->size; i++) {
		bench_must(heph_spawn(ctx, member, &ref, { bench },
				      .on = bench_place(bench, 1)));
		bench_must(heph_group_add(ctx, &members, ref));
	}
	bench_must(heph_spawn(ctx, giver, NULL, { bench, &members },
			      .on = bench_place(bench, 0)));
	bench_wait(ctx, bench);
	return 0;
}
