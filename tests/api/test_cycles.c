/* SPDX-License-Identifier: MIT */
/* Actors that wait in a circle are found; others are not. */
#include "act.h"

enum { MAX = 20 };

static act_ref refs[MAX];
static _Atomic bool go;

/* What an actor does when all are there. */
struct role {
	enum { CALL, CALL_A_WHILE, FILL, JOIN, CALL_OR_TIME } what;
	int to;
	bool receives; /* the first message */
};

static int call(heph_ctx ctx, act_ref to)
{
	long answer;

	return heph_call(ctx, to, answer, &answer, { .asks = true });
}

static int fill(heph_ctx ctx, act_ref to)
{
	int err = 0;

	while (err == 0)
		err = heph_send(ctx, to, { .n = 1 });
	return err;
}

static int call_or_time(heph_ctx ctx, act_ref to)
{
	HEPH_PENDING(long) pending;
	long answer;
	int err = heph_start_call(ctx, to, answer, &pending, { .asks = true });

	if (err < 0)
		return err;
	err = heph_wait(ctx, heph_on_answer(pending),
			heph_on_time(heph_now() + 1000 * HEPH_SEC));
	if (err == 0)
		err = heph_await(ctx, &pending, &answer);
	return err;
}

static int play(heph_ctx ctx, act_inbox in, void *arg)
{
	const struct role *role = arg;
	struct act_msg msg;
	int err = 0;

	while (!go && err == 0)
		err = heph_sleep(ctx, 100 * HEPH_USEC);
	if (err == 0 && role->receives)
		err = heph_recv(ctx, in, &msg);
	if (err < 0)
		return err;
	switch (role->what) {
	case CALL:
		return call(ctx, refs[role->to]);
	case CALL_A_WHILE:
		return call(heph_within(ctx, 1000 * HEPH_SEC), refs[role->to]);
	case FILL:
		return fill(ctx, refs[role->to]);
	case JOIN:
		return heph_join(ctx, refs[role->to], NULL);
	case CALL_OR_TIME:
		return call_or_time(ctx, refs[role->to]);
	}
	return 0;
}

static int spread(int n)
{
	return test_simulated() || !getenv("TEST_ON") ? HEPH_WORKER(n % 2) :
							test_on(HEPH_HERE);
}

static void begin_roles(heph_ctx ctx, const struct role *roles, int n)
{
	go = false;
	for (int i = 0; i < n; i++)
		must_be(heph_spawn(ctx, act, &refs[i],
				   { play, (void *)(uintptr_t)&roles[i] },
				   .on = spread(i), .inbox = 4),
			0);
	go = true;
}

static void end_roles(heph_ctx ctx, int n)
{
	for (int i = 0; i < n; i++)
		heph_stop(refs[i]);
	for (int i = 0; i < n; i++)
		must_be(heph_join(ctx, refs[i], NULL), 0);
}

struct seen {
	int n;
	struct heph_cycle cycle;
};

static bool keep(void *arg, const struct heph_cycle *cycle)
{
	struct seen *seen = arg;

	seen->n++;
	seen->cycle = *cycle;
	return true;
}

/* What it waits for; again while its worker does not answer in time. */
static uint32_t waits_of(heph_ctx ctx, act_ref ref)
{
	struct heph_actor_info info;
	int err = -EBUSY;

	for (int n = 0; n < 20 && err == -EBUSY; n++)
		err = heph_actor_info(ctx, ref, &info);
	must_be(err, 0);
	return info.waits;
}

/* As heph_find_cycles(), again while a worker does not answer in time. */
static int find_cycles(heph_ctx ctx, heph_cycle_fn *visit, void *arg)
{
	int n = -EBUSY;

	for (int tries = 0; tries < 20 && n == -EBUSY; tries++)
		n = heph_find_cycles(ctx, visit, arg);
	return n;
}

/* All wait for something and for no time. */
static void settle(heph_ctx ctx, int n)
{
	uint32_t waits;

	for (int i = 0; i < n; i++)
		do {
			must_be(heph_yield(ctx), 0);
			waits = waits_of(ctx, refs[i]);
		} while (!waits || (waits & 1u << HEPH_WAITS_TIME));
}

static struct seen *find(heph_ctx ctx, const struct role *roles, int n)
{
	struct seen *seen = heph_alloc(ctx, sizeof(*seen));
	heph_time until = heph_now() + 20 * HEPH_SEC;

	begin_roles(ctx, roles, n);
	do
		must_be(heph_yield(ctx), 0);
	while (find_cycles(ctx, keep, seen) == 0 && heph_now() < until);
	must_be(seen->n, 1);
	for (int i = 0; i < n && i < HEPH_CYCLE_MAX; i++)
		must(strstr(seen->cycle.text, "waits for"));
	return seen;
}

static void find_none(heph_ctx ctx, const struct role *roles, int n)
{
	begin_roles(ctx, roles, n);
	settle(ctx, n);
	for (int i = 0; i < 5; i++)
		must_be(find_cycles(ctx, NULL, NULL), 0);
	end_roles(ctx, n);
}

static bool has(const struct heph_cycle *cycle, act_ref ref,
		enum heph_wait_kind wait, act_ref on)
{
	for (unsigned i = 0; i < cycle->n && i < HEPH_CYCLE_MAX; i++)
		if (heph_same(cycle->actors[i].ref, ref))
			return cycle->actors[i].wait == wait &&
			       heph_same(cycle->actors[i].on, on);
	return false;
}

static const struct role two[] = { { .to = 1 }, { .to = 0 } };
static const struct role three[] = {
	{ .to = 1 }, { .to = 2 }, { .to = 0 }, { .to = 0 }
}; /* not in it */
static const struct role mixed[] = { { CALL, .to = 1 },
				     { FILL, .to = 2 },
				     { JOIN, .to = 0 } };
static const struct role rooms[] = { { FILL, .to = 1 }, { FILL, .to = 0 } };
static const struct role timed[] = { { .to = 1 }, { CALL_A_WHILE, .to = 0 } };
static const struct role chain[] = { { .to = 1 },
				     { JOIN, .to = 2 },
				     { .to = 0, .receives = true } };
static const struct role several[] = { { .to = 1 }, { CALL_OR_TIME, .to = 0 } };

static int find_them(heph_ctx ctx, act_inbox in, void *arg)
{
	struct seen *seen;

	(void)in, (void)arg;
	seen = find(ctx, two, 2);
	must_be(seen->cycle.n, 2);
	must(has(&seen->cycle, refs[0], HEPH_WAITS_ANSWER, refs[1]));
	must(has(&seen->cycle, refs[1], HEPH_WAITS_ANSWER, refs[0]));
	must(!seen->cycle.ends && seen->cycle.deadline == HEPH_NEVER);
	end_roles(ctx, 2);

	seen = find(ctx, three, 4);
	must_be(seen->cycle.n, 3);
	must(has(&seen->cycle, refs[2], HEPH_WAITS_ANSWER, refs[0]));
	must(!has(&seen->cycle, refs[3], HEPH_WAITS_ANSWER, refs[0]));
	end_roles(ctx, 4);

	seen = find(ctx, mixed, 3);
	must_be(seen->cycle.n, 3);
	must(has(&seen->cycle, refs[0], HEPH_WAITS_ANSWER, refs[1]));
	must(has(&seen->cycle, refs[1], HEPH_WAITS_ROOM, refs[2]));
	must(has(&seen->cycle, refs[2], HEPH_WAITS_JOIN, refs[0]));
	end_roles(ctx, 3);

	seen = find(ctx, rooms, 2);
	must(has(&seen->cycle, refs[0], HEPH_WAITS_ROOM, refs[1]));
	end_roles(ctx, 2);

	seen = find(ctx, timed, 2);
	must(seen->cycle.ends && seen->cycle.deadline != HEPH_NEVER);
	end_roles(ctx, 2);
	return 0;
}

static void circles_are_found(void **state)
{
	(void)state;
	run(find_them, NULL);
}

static int find_large(heph_ctx ctx, act_inbox in, void *arg)
{
	struct role *roles = heph_alloc(ctx, MAX * sizeof(*roles));
	struct seen *seen;

	(void)in, (void)arg;
	for (int i = 0; i < MAX; i++)
		roles[i].to = (i + 1) % MAX;
	seen = find(ctx, roles, MAX);
	must_be(seen->cycle.n, MAX);
	must(strstr(seen->cycle.actors[HEPH_CYCLE_MAX - 1].text, "answer"));
	end_roles(ctx, MAX);
	return 0;
}

static void a_large_one_is_cut_off(void **state)
{
	(void)state;
	run(find_large, NULL);
}

/* Who waits for a message may get one; who waits for several things, too. */
static int find_no_circles(heph_ctx ctx, act_inbox in, void *arg)
{
	(void)in, (void)arg;
	find_none(ctx, chain, 3);
	find_none(ctx, several, 2);
	return 0;
}

static void what_is_none_is_not_told_of(void **state)
{
	(void)state;
	run(find_no_circles, NULL);
}

/* B passes the call of A on to C, and calls A: that is no circle. */
static int pass_on(heph_ctx ctx, act_inbox in, void *arg)
{
	struct act_msg msg;
	int err;

	(void)arg;
	err = heph_recv(ctx, in, &msg);
	if (err < 0)
		return err;
	err = heph_forward(ctx, refs[2], answer, msg.answer, { .asks = true });
	return err < 0 ? err : call(ctx, refs[0]);
}

static int call_the_next(heph_ctx ctx, act_inbox in, void *arg)
{
	int err = 0;

	(void)in, (void)arg;
	while (!go && err == 0) /* until refs[] tells of all */
		err = heph_sleep(ctx, 100 * HEPH_USEC);
	return err < 0 ? err : call(ctx, refs[1]);
}

static int find_passed(heph_ctx ctx, act_inbox in, void *arg)
{
	(void)in, (void)arg;
	go = false;
	refs[2] = spawn_on(ctx, HEPH_HERE, idle, NULL);
	refs[1] = spawn_on(ctx, HEPH_HERE, pass_on, NULL);
	refs[0] = spawn_on(ctx, HEPH_HERE, call_the_next, NULL);
	go = true;
	do
		must_be(heph_yield(ctx), 0);
	while (!(waits_of(ctx, refs[1]) & 1u << HEPH_WAITS_ANSWER));
	for (int i = 0; i < 5; i++)
		must_be(find_cycles(ctx, NULL, NULL), 0);
	end_roles(ctx, 3);
	return 0;
}

static void calls_that_are_passed_on_are_none(void **state)
{
	(void)state;
	run(find_passed, NULL);
}

/* Each calls the other again and again, with answers: never a circle. */
static int ask_often(heph_ctx ctx, act_inbox in, void *arg)
{
	act_ref *to = arg;
	int err = 0;

	(void)in;
	while (err == 0)
		err = call(ctx, *to);
	return err;
}

static int find_in_traffic(heph_ctx ctx, act_inbox in, void *arg)
{
	(void)in, (void)arg;
	refs[0] = spawn_on(ctx, HEPH_WORKER(0), answer_all, NULL);
	refs[1] = spawn_on(ctx, HEPH_WORKER(1), answer_all, NULL);
	refs[2] = spawn_on(ctx, HEPH_WORKER(1), ask_often, &refs[0]);
	refs[3] = spawn_on(ctx, HEPH_WORKER(0), ask_often, &refs[1]);
	for (int i = 0; i < 200; i++)
		must_be(find_cycles(ctx, NULL, NULL), 0);
	end_roles(ctx, 4);
	return 0;
}

static void traffic_is_none(void **state)
{
	(void)state;
	run(find_in_traffic, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(circles_are_found),
		cmocka_unit_test(a_large_one_is_cut_off),
		cmocka_unit_test(what_is_none_is_not_told_of),
		cmocka_unit_test(calls_that_are_passed_on_are_none),
		cmocka_unit_test(traffic_is_none),
	};

	return cmocka_run_group_tests_name("cycles", tests, NULL, NULL);
}
