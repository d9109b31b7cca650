/* SPDX-License-Identifier: MIT */
/* Scans look at each message once, whatever happens to the inbox meanwhile. */
#include "core/scan.h"

#include "rig.h"

#include "base/rand.h"

static act_ref target;
static act_inbox in;

static void setup(void)
{
	rig_open(1);
	target = rig_spawn_with(0, (idle, NULL), .inbox = 3000);
	rig_step(0);
	in.inbox = (struct heph_inbox *)rig_self(target);
}

static void teardown(void)
{
	heph_stop(target);
	rig_settle();
	rig_close();
}

/* What follows runs on the actor's worker, and without waiting. */
static struct heph_thread *mine;

static void enter(void)
{
	mine = heph_thread_current;
	heph_thread_current = rig_self(target)->thread;
}

static void leave(void)
{
	heph_thread_current = mine;
}

static void put(long n)
{
	enter();
	assert_int_equal(heph_try_send(target, { .n = n }), 0);
	leave();
}

static int take_where(long n)
{
	struct act_msg msg;
	int err;

	enter();
	err = heph_try_recv_where(in, &msg, n, n);
	leave();
	if (err == 0)
		assert_int_equal(msg.n, n);
	return err;
}

static long take_next(void)
{
	struct act_msg msg;
	int err;

	enter();
	err = heph_try_recv(in, &msg);
	leave();
	return err < 0 ? err : msg.n;
}

static uint64_t looks(void)
{
	return rig_self(target)->ext->scans->looks;
}

enum { MANY = 1000 };

static void attempts_look_at_new_messages_only(void **state)
{
	(void)state;
	setup();
	for (long n = 1; n <= MANY; n++)
		put(n);
	for (int i = 0; i < MANY; i++)
		assert_int_equal(take_where(-7), -EAGAIN);
	assert_int_equal(looks(), MANY);
	for (long n = 1; n <= MANY; n++) {
		put(MANY + n);
		assert_int_equal(take_where(-7), -EAGAIN);
		assert_int_equal(looks(), MANY + n);
	}
	put(-7);
	assert_int_equal(take_where(-7), 0);
	assert_int_equal(take_where(-7), -EAGAIN);
	assert_int_equal(looks(), 2 * MANY + 1);
	teardown();
}

static void four_things_are_remembered(void **state)
{
	(void)state;
	setup();
	for (long n = 1; n <= MANY; n++)
		put(n);
	for (int i = 0; i < 100; i++)
		for (long n = 1; n <= HEPH_SCANS; n++)
			assert_int_equal(take_where(-n), -EAGAIN);
	assert_int_equal(looks(), HEPH_SCANS * MANY);
	/* The fifth one takes the place of the first. */
	assert_int_equal(take_where(-5), -EAGAIN);
	assert_int_equal(take_where(-2), -EAGAIN);
	assert_int_equal(looks(), (HEPH_SCANS + 1) * MANY);
	assert_int_equal(take_where(-1), -EAGAIN);
	assert_int_equal(looks(), (HEPH_SCANS + 2) * MANY);
	teardown();
}

static void receiving_leaves_the_scan_where_it_is(void **state)
{
	(void)state;
	setup();
	for (long n = 1; n <= 10; n++)
		put(n);
	assert_int_equal(take_where(-7), -EAGAIN);
	assert_int_equal(take_next(), 1);
	assert_int_equal(take_next(), 2);
	assert_int_equal(take_where(-7), -EAGAIN);
	assert_int_equal(looks(), 10);
	assert_int_equal(take_where(10), 0); /* the one that it stands on */
	assert_int_equal(looks(), 18);
	put(11);
	assert_int_equal(take_where(-7), -EAGAIN);
	assert_int_equal(looks(), 19);
	for (long n = 3; n <= 9; n++)
		assert_int_equal(take_next(), n);
	assert_int_equal(take_next(), 11); /* the same, and it is the last */
	assert_int_equal(take_where(-7), -EAGAIN);
	put(12);
	assert_int_equal(take_where(-7), -EAGAIN);
	assert_int_equal(looks(), 20);
	assert_int_equal(take_next(), 12);
	assert_int_equal(take_next(), -EAGAIN);
	teardown();
}

static void finding_one_keeps_what_was_seen(void **state)
{
	(void)state;
	setup();
	for (long n = 1; n <= 10; n++)
		put(n == 6 || n == 9 ? 50 : n);
	assert_int_equal(take_where(50), 0);
	assert_int_equal(looks(), 6);
	assert_int_equal(take_where(50), 0);
	assert_int_equal(looks(), 9);
	assert_int_equal(take_where(50), -EAGAIN);
	assert_int_equal(looks(), 10);
	for (long n = 1; n <= 10; n++)
		if (n != 6 && n != 9)
			assert_int_equal(take_next(), n);
	teardown();
}

static void nothing_is_made_for_an_empty_inbox(void **state)
{
	(void)state;
	setup();
	assert_int_equal(take_where(1), -EAGAIN);
	assert_null(rig_self(target)->ext ? rig_self(target)->ext->scans :
					    NULL);
	teardown();
}

/* Takes all records of that size that the pool has. */
static void *drained[HEPH_POOL_CHUNK / HEPH_POOL_GRAIN];

static int drain(struct heph_pool *pool, size_t size)
{
	int n = 0;

	heph_mem_fail_after(1);
	while ((drained[n] = heph_pool_take(pool, size)))
		n++;
	return n;
}

static void refill(struct heph_pool *pool, size_t size, int n)
{
	while (n > 0)
		heph_pool_give(pool, drained[--n], size);
}

static void without_memory(void **state)
{
	static const size_t sizes[] = { sizeof(struct heph_ext),
					sizeof(struct heph_scans) };
	struct heph_pool *pool;
	int n;

	(void)state;
	setup();
	put(1);
	put(2);
	pool = &rig_self(target)->thread->pool;
	for (int i = 0; i < 2; i++) {
		n = drain(pool, sizes[i]);
		heph_mem_fail_after(1);
		assert_int_equal(take_where(2), -ENOMEM);
		heph_mem_fail_after(-1);
		refill(pool, sizes[i], n);
		assert_non_null(heph_self_extend(rig_self(target)));
	}
	assert_int_equal(take_where(2), 0);
	assert_int_equal(take_next(), 1);
	teardown();
}

/* ---- against a model ---------------------------------------------------------------- */

static struct {
	long values[3000];
	int n;
} model;

static void model_remove(int at)
{
	model.n--;
	memmove(&model.values[at], &model.values[at + 1],
		(size_t)(model.n - at) * sizeof(*model.values));
}

static int model_find(long value)
{
	for (int n = 0; n < model.n; n++)
		if (model.values[n] == value)
			return n;
	return -1;
}

static void random_step(struct heph_rand *rand)
{
	long value = (long)heph_rand_below(rand, 7);
	int at;

	switch (heph_rand_below(rand, 5)) {
	case 0:
	case 1:
		put(value);
		model.values[model.n++] = value;
		break;
	case 2:
		assert_int_equal(take_next(),
				 model.n ? model.values[0] : -EAGAIN);
		if (model.n)
			model_remove(0);
		break;
	default:
		at = model_find(value);
		assert_int_equal(take_where(value), at < 0 ? -EAGAIN : 0);
		if (at >= 0)
			model_remove(at);
	}
	assert_int_equal(rig_self(target)->n, model.n);
}

static void it_is_as_a_plain_list(void **state)
{
	struct heph_rand rand;

	(void)state;
	setup();
	heph_rand_seed(&rand, 7);
	model.n = 0;
	for (int n = 0; n < 50000; n++)
		random_step(&rand);
	while (model.n) {
		assert_int_equal(take_next(), model.values[0]);
		model_remove(0);
	}
	assert_int_equal(take_next(), -EAGAIN);
	teardown();
}

/* ---- calls ---------------------------------------------------------------------------- */

struct asked {
	act_ref to;
	long n, answer;
	int err;
};

static int ask(heph_ctx ctx, act_inbox inbox, void *arg)
{
	struct asked *it = arg;

	(void)inbox;
	it->err = heph_call(ctx, it->to, answer, &it->answer,
			    { .n = it->n, .asks = true });
	return 0;
}

static int pick_calls(heph_ctx ctx, act_inbox inbox, void *arg)
{
	struct act_msg msg;

	(void)arg;
	gate(ctx);
	must(heph_try_recv_where(inbox, &msg, n, 9) ==
	     -EAGAIN); /* marks a call */
	must(heph_try_recv_where(inbox, &msg, n, 3) == 0);
	must(heph_answer(msg.answer, 33) == 0);
	must(heph_try_recv_where(inbox, &msg, n, 9) == -EAGAIN);
	must(heph_recv(ctx, inbox, &msg) == 0);
	must(msg.n == 1);
	must(heph_answer(msg.answer, 11) == 0);
	must(heph_recv(ctx, inbox, &msg) == 0); /* owed, and the mark is gone */
	must(msg.n == 2);
	return 0;
}

static void marked_calls_are_calls(void **state)
{
	struct asked asked[4];
	act_ref ref;

	(void)state;
	rig_open(1);
	ref = rig_spawn(0, pick_calls, NULL);
	for (int n = 0; n < 4; n++) {
		asked[n] = (struct asked){ .to = ref, .n = n + 1 };
		rig_spawn(0, ask, &asked[n]);
	}
	rig_step(0);
	rig_open_gate(ref.addr);
	rig_settle();
	assert_int_equal(asked[0].answer, 11);
	assert_int_equal(asked[2].answer, 33);
	assert_int_equal(asked[1].err, -EPIPE); /* it was owed */
	assert_int_equal(asked[3].err, -EPIPE); /* it was not received */
	assert_int_equal(act_dropped, 1);
	rig_close();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(attempts_look_at_new_messages_only),
		cmocka_unit_test(four_things_are_remembered),
		cmocka_unit_test(receiving_leaves_the_scan_where_it_is),
		cmocka_unit_test(finding_one_keeps_what_was_seen),
		cmocka_unit_test(nothing_is_made_for_an_empty_inbox),
		cmocka_unit_test(without_memory),
		cmocka_unit_test(it_is_as_a_plain_list),
		cmocka_unit_test(marked_calls_are_calls),
	};

	return cmocka_run_group_tests_name("scan", tests, NULL, NULL);
}
