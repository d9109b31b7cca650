/* SPDX-License-Identifier: MIT */
/*
 * stress_tree.c - trees whose children are killed at random
 *
 * Supervisors of all strategies, some in others, with children on both
 * workers, on threads of their own and moving ones. Plain threads make them
 * fail, panic, end and stop, faster than they can be begun again. Then all is
 * stopped, and every counter must be back.
 */
#include "../api/act.h"

#include <pthread.h>
#include <unistd.h>

#include "base/rand.h"

enum { TREES = 6, CHILDREN = 4, KILLERS = 2 };

enum { FAIL, END, PANIC, SLOW, KINDS };

static act_ref children[TREES][CHILDREN];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static _Atomic bool over;
static _Atomic long lives;

static int child(heph_ctx ctx, act_inbox in, void *arg)
{
	struct act_msg msg;

	(void)arg;
	lives++;
	while (heph_recv(ctx, in, &msg) == 0) {
		free(msg.owned);
		if (msg.n == FAIL)
			return -EIO;
		if (msg.n == END)
			return 0;
		if (msg.n == PANIC)
			heph_panic(ctx, "on purpose");
		if (msg.n == SLOW)
			(void)!heph_sleep(heph_shield(ctx, HEPH_SEC),
					  HEPH_MSEC);
	}
	return -EINTR; /* a failure, though it was stopped */
}

static enum heph_verdict decide(const struct heph_exit *why,
				struct act_arg *arg)
{
	(void)arg;
	return why->err == -EIO ? HEPH_RESTART : HEPH_STOP;
}

static int on_of(unsigned n)
{
	static const int places[] = { HEPH_HERE, HEPH_WORKER(0), HEPH_WORKER(1),
				      HEPH_ANY, HEPH_OWN_THREAD };

	return places[n % 5];
}

static int spawn_child(heph_ctx ctx, struct heph_tree *tree, unsigned number,
		       unsigned i, struct heph_rand *rand)
{
	act_ref ref;
	int err = heph_spawn(
		ctx, act, &ref, { child, NULL }, .on = on_of(number + i),
		.tree = tree, .decide = i == 1 ? decide : NULL,
		.restart = (enum heph_restart_type)heph_rand_below(rand, 3),
		.restarts = { .times = i == 2 ? 2 : 0 });

	if (err < 0)
		return err;
	pthread_mutex_lock(&lock);
	children[number][i] = ref;
	pthread_mutex_unlock(&lock);
	return 0;
}

/* Until it is stopped, or one failed too often. */
static int supervise(heph_ctx ctx, act_inbox in, void *arg)
{
	unsigned number = (unsigned)(uintptr_t)arg;
	struct heph_tree tree = {
		.strategy = (enum heph_strategy)(number % 3),
		.times = 20,
		.within = 10 * HEPH_MSEC,
		.backoff = number & 1 ? 50 * HEPH_USEC : 0,
		.backoff_max = HEPH_MSEC,
		.grace = number & 2 ? 100 * HEPH_USEC : 0,
	};
	struct heph_rand rand;
	int err = 0;

	(void)in;
	heph_rand_seed(&rand, number + (uint64_t)lives);
	while (err == 0) {
		for (unsigned i = 0; err == 0 && i < CHILDREN; i++)
			err = spawn_child(ctx, &tree, number, i, &rand);
		if (err == 0)
			err = heph_supervise(ctx, &tree);
	}
	return err;
}

/* One tree with the others in it. */
static int top(heph_ctx ctx, act_inbox in, void *arg)
{
	struct heph_tree tree = { .strategy = HEPH_ONE_FOR_ONE,
				  .times = HEPH_UNLIMITED,
				  .backoff = 20 * HEPH_USEC };
	int err = 0;

	(void)in, (void)arg;
	for (uintptr_t n = 0; err == 0 && n < TREES; n++)
		err = heph_spawn(ctx, act, NULL, { supervise, (void *)n },
				 .on = on_of((unsigned)n), .tree = &tree,
				 .restart = HEPH_PERMANENT);
	return err == 0 ? heph_supervise(ctx, &tree) : err;
}

static act_ref pick(struct heph_rand *rand)
{
	act_ref ref;

	pthread_mutex_lock(&lock);
	ref = children[heph_rand_below(rand, TREES)]
		      [heph_rand_below(rand, CHILDREN)];
	pthread_mutex_unlock(&lock);
	return ref;
}

static void *kill_some(void *arg)
{
	struct heph_rand rand;
	act_ref ref;

	heph_rand_seed(&rand, (uintptr_t)arg);
	while (!over) {
		ref = pick(&rand);
		if (!ref.addr.id)
			continue; /* it has not begun */
		if (heph_rand_below(&rand, 8) == 0)
			heph_stop(ref);
		else
			heph_post(ref,
				  { .n = (long)heph_rand_below(&rand, KINDS),
				    .owned = malloc(1) });
		if (heph_rand_below(&rand, 16) == 0)
			usleep(100);
	}
	return NULL;
}

static void storm(heph_time length)
{
	heph_ctx ctx = begin(&two_workers);
	pthread_t killers[KILLERS];
	struct heph_exit exit;
	act_ref ref;

	over = false;
	memset(children, 0, sizeof(children));
	ref = spawn_on(ctx, HEPH_WORKER(0), top, NULL);
	for (uintptr_t n = 0; n < KILLERS; n++)
		must_be(pthread_create(&killers[n], NULL, kill_some,
				       (void *)(n + 1)),
			0);
	must_be(heph_sleep(ctx, length), 0);
	over = true;
	for (int n = 0; n < KILLERS; n++)
		pthread_join(killers[n], NULL);
	heph_stop(ref);
	must_be(heph_join(ctx, ref, &exit), 0);
	must_be(exit.err, 0);
	end(ctx);
}

int main(int argc, char **argv)
{
	heph_time length = (argc > 1 ? atoi(argv[1]) : 1) * HEPH_SEC;

	storm(length / 2);
	do
		storm(length / 2);
	while (lives < 10); /* on a machine that did something else */
	printf("%ld lives\n", (long)lives);
	return 0;
}
