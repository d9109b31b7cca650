/* SPDX-License-Identifier: MIT */
/*
 * stress_ends.c SECONDS - runtimes that end with everything in flight
 *
 * A runtime is made, actors of all kinds and places begin to spawn, link, hold,
 * supervise, join, call and sleep, and after a moment it is freed. So stops
 * meet spawns, links and rounds that are half done. Each one must end by itself:
 * its grace is longer than the test.
 */
#include "../api/act.h"

#include <unistd.h>

#include "base/rand.h"

static _Atomic unsigned seed;
static _Atomic long spawned;

static act_fn wild;

static int anywhere(struct heph_rand *rand)
{
	static const int places[] = { HEPH_HERE, HEPH_WORKER(0), HEPH_WORKER(1),
				      HEPH_ANY, HEPH_OWN_THREAD };

	return places[heph_rand_below(rand, 5)];
}

static int spawn_more(heph_ctx ctx, struct heph_rand *rand, long depth,
		      act_ref *ret_ref)
{
	int err = heph_spawn(
		ctx, act, ret_ref, { wild, (void *)(depth + 1) },
		.on = anywhere(rand), .held = heph_rand_below(rand, 3) == 0,
		.detached = heph_rand_below(rand, 8) == 0,
		.restarts = { .times = 2, .backoff = 20 * HEPH_USEC });

	if (err == 0)
		spawned++;
	return err;
}

/* The children fail by turns, and so the tree is always in a round. */
static int fails_soon(heph_ctx ctx, act_inbox in, void *arg)
{
	int err = heph_sleep(ctx, (intptr_t)arg * 50 * HEPH_USEC);

	(void)in;
	return err < 0 ? err : -EIO;
}

static int supervise(heph_ctx ctx, struct heph_rand *rand)
{
	struct heph_tree tree = {
		.strategy = (enum heph_strategy)heph_rand_below(rand, 3),
		.times = HEPH_UNLIMITED,
		.backoff = 10 * HEPH_USEC
	};

	for (long i = 1; i <= 3; i++)
		if (heph_spawn(ctx, act, NULL, { fails_soon, (void *)i },
			       .on = anywhere(rand), .tree = &tree) < 0)
			return -ECANCELED;
	return heph_supervise(heph_within(ctx, HEPH_MSEC), &tree);
}

static int in_a_scope(heph_ctx ctx, struct heph_rand *rand, long depth)
{
	struct heph_scope scope;
	int err = heph_scope_open(ctx, &scope);

	must_be(err, 0);
	for (int i = 0; i < 2 && err == 0; i++)
		err = spawn_more(ctx, rand, depth, NULL);
	heph_scope_close(ctx, scope);
	return err;
}

/* Something that waits, or goes through another thread. */
static int do_something(heph_ctx ctx, struct heph_rand *rand, long depth,
			act_ref other)
{
	heph_ctx soon = heph_within(ctx, 200 * HEPH_USEC);
	long answer;

	switch (heph_rand_below(rand, 9)) {
	case 0:
		return heph_link(soon, other);
	case 1:
		return heph_monitor(ctx, other);
	case 2:
		return heph_hold(ctx, other);
	case 3:
		return heph_release(ctx, other);
	case 4:
		return heph_join(soon, other, NULL);
	case 5:
		return heph_call(soon, other, answer, &answer,
				 { .asks = true });
	case 6:
		return supervise(ctx, rand);
	case 7:
		return in_a_scope(ctx, rand, depth);
	default:
		return heph_sleep(ctx, 20 * HEPH_USEC);
	}
}

static int wild(heph_ctx ctx, act_inbox in, void *arg)
{
	enum { REFS = 4, DEEP = 4 };
	long depth = (intptr_t)arg;
	act_ref refs[REFS] = { heph_self(in) };
	struct heph_rand rand;
	struct act_msg msg;
	int err = 0;

	heph_rand_seed(&rand, seed++);
	for (unsigned n = 1; err != -ECANCELED; n++) {
		if (depth < DEEP && n < REFS)
			err = spawn_more(ctx, &rand, depth, &refs[n]);
		else
			err = do_something(ctx, &rand, depth,
					   refs[heph_rand_below(&rand, REFS)]);
		while (heph_try_recv(in, &msg) == 0)
			if (msg.asks && heph_rand_below(&rand, 4))
				heph_answer(msg.answer, 1);
		if (heph_rand_below(&rand, 100) == 0)
			heph_panic(ctx, "on purpose");
		if (heph_rand_below(&rand, 50) == 0)
			return -EIO;
	}
	return err;
}

static void round_of(heph_time length)
{
	struct heph_config config = two_workers;
	heph_ctx ctx;

	config.grace = 1000 * HEPH_SEC;
	ctx = begin(&config);
	for (int n = 0; n < 3; n++)
		must_be(heph_spawn(ctx, act, NULL, { wild, NULL },
				   .on = n == 2 ? HEPH_ANY : HEPH_WORKER(n)),
			0);
	must_be(heph_sleep(ctx, length), 0);
	heph_free(ctx);
}

int main(int argc, char **argv)
{
	unsigned seconds = argc > 1 ? (unsigned)atoi(argv[1]) : 2;
	heph_time end_of_test = heph_now() + seconds * HEPH_SEC;
	struct heph_rand rand;
	long rounds = 0;

	alarm(seconds * 10 + 60);
	heph_rand_seed(&rand, 1);
	for (; heph_now() < end_of_test; rounds++)
		round_of((heph_time)heph_rand_below(&rand, 5000) * HEPH_USEC);
	printf("%ld rounds, %ld spawned\n", rounds, (long)spawned);
	return 0;
}
