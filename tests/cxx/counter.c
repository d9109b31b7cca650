/* SPDX-License-Identifier: MIT */
/* counter.c - the half that is written in C */
#include "counter.h"

static int counter_main(heph_ctx ctx, counter_inbox in, struct counter_arg *arg)
{
	struct counter_msg msg;

	while (heph_recv(ctx, in, &msg) == 0) {
		if (msg.kind == COUNTER_ADD)
			arg->start += msg.add;
		else
			heph_answer(msg.total, arg->start);
	}
	return 0;
}
HEPH_ACTOR_MAIN(counter, counter_main);

long use_from_c(heph_ctx ctx)
{
	pounter_ref ref;
	long total = 0;
	int err;

	err = heph_spawn(ctx, pounter, &ref, { .start = 1 }, .inbox = 4);
	if (err == 0)
		err = heph_send(ctx, ref, { .kind = COUNTER_ADD, .add = 10 });
	if (err == 0)
		err = heph_call(ctx, ref, total, &total, { .kind = COUNTER_TOTAL });
	heph_stop(ref);
	return err < 0 ? err : total;
}

int tell_all_from_c(heph_ctx ctx, int *owned)
{
	holder_group holders = { 0 };
	asked_group asked = { 0 };
	holder_ref holder;
	asked_ref one;
	int err = 0, n = 0, more = 0;

	for (int i = 0; err == 0 && i < 2; i++) {
		err = heph_spawn(ctx, asked, &one);
		if (err == 0)
			err = heph_group_add(ctx, &asked, one);
		if (err == 0)
			err = heph_spawn(ctx, holder, &holder);
		if (err == 0)
			err = heph_group_add(ctx, &holders, holder);
	}
	if (err == 0)
		n = heph_send_all(ctx, &asked, { .add = 0 });
	if (n > 0)
		more = heph_send_all(ctx, &holders, { .owned = owned });
	if (err == 0)
		err = heph_join_all(ctx, &asked);
	if (err == 0)
		err = heph_join_all(ctx, &holders);
	if (err < 0)
		return err;
	return n < 0 ? n : more < 0 ? more : n + more;
}
