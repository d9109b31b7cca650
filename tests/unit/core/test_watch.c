/* SPDX-License-Identifier: MIT */
#include "core/watch.h"

#include "rig.h"

struct joiner {
	act_ref who;
	heph_time within; /* 0: no deadline */
	int result;
	struct heph_exit exit;
	bool done;
};

static int join_once(heph_ctx ctx, act_inbox in, void *arg)
{
	struct joiner *joiner = arg;

	(void)in;
	if (joiner->within)
		ctx = heph_within(ctx, joiner->within);
	joiner->result = heph_join(ctx, joiner->who, &joiner->exit);
	joiner->done = true;
	return 0;
}

static int fail_at_gate(heph_ctx ctx, act_inbox in, void *arg)
{
	(void)in, (void)arg;
	gate(ctx);
	return -EIO;
}

static int panic_at_gate(heph_ctx ctx, act_inbox in, void *arg)
{
	(void)in, (void)arg;
	gate(ctx);
	heph_panic(ctx, "number %d", 7);
}

static unsigned watchers(act_ref ref)
{
	struct heph_self *self = rig_self(ref);
	struct heph_list *node;
	unsigned n = 0;

	if (self->ext)
		heph_list_each(node, &self->ext->watchers)
			n++;
	return n;
}

/* From the same worker, then from another one. */
#define near_and_far(n_) for (unsigned n_ = 0; n_ < 2; n_++)

static void tells_why(void **state)
{
	(void)state;
	near_and_far(from)
	{
		struct joiner joiners[3] = { { .within = 0 } };
		act_ref who;

		rig_open(2);
		who = rig_spawn(0, fail_at_gate, NULL);
		for (int i = 0; i < 3; i++) {
			joiners[i].who = who;
			rig_spawn(from, join_once, &joiners[i]);
		}
		rig_settle();
		assert_int_equal(watchers(who), 3);
		assert_false(joiners[0].done);
		rig_open_gate(who.addr);
		rig_settle();
		for (int i = 0; i < 3; i++) {
			assert_true(joiners[i].done);
			assert_int_equal(joiners[i].result, 0);
			assert_int_equal(joiners[i].exit.err, -EIO);
			assert_string_equal(joiners[i].exit.note, "");
		}
		rig_close();
	}
}

static void brings_the_note_of_a_panic(void **state)
{
	(void)state;
	near_and_far(from)
	{
		struct joiner joiner = { .within = 0 };

		rig_open(2);
		joiner.who = rig_spawn(0, panic_at_gate, NULL);
		rig_spawn(from, join_once, &joiner);
		rig_settle();
		rig_open_gate(joiner.who.addr);
		rig_settle();
		assert_int_equal(joiner.exit.err, -ENOTRECOVERABLE);
		assert_non_null(strstr(joiner.exit.note, "test_watch.c:"));
		assert_non_null(strstr(joiner.exit.note, ": number 7"));
		rig_close();
	}
}

static void does_not_know_who_has_ended_before(void **state)
{
	(void)state;
	near_and_far(from)
	{
		struct joiner joiner = { .within = 0 };

		rig_open(2);
		joiner.who = rig_spawn(0, fail_at_gate, NULL);
		rig_settle();
		rig_open_gate(joiner.who.addr);
		rig_settle();
		rig_spawn(from, join_once, &joiner);
		rig_settle();
		assert_int_equal(joiner.result, 0);
		assert_int_equal(joiner.exit.err, -ESRCH);
		rig_close();
	}
}

/* It ends while the registration is on its way. */
static void registers_too_late(void **state)
{
	struct joiner joiner = { .within = 0 };

	(void)state;
	rig_open(2);
	joiner.who = rig_spawn(0, fail_at_gate, NULL);
	rig_settle();
	rig_spawn(1, join_once, &joiner);
	rig_step(1); /* the registration is at the door */
	rig_open_gate(joiner.who.addr);
	rig_step(0); /* actors run before the door is opened */
	rig_settle();
	assert_int_equal(joiner.result, 0);
	assert_int_equal(joiner.exit.err, -ESRCH);
	rig_close();
}

static void ends_at_a_deadline(void **state)
{
	(void)state;
	near_and_far(from)
	{
		struct joiner joiner = { .within = HEPH_MSEC };

		rig_open(2);
		joiner.who = rig_spawn(0, idle, NULL);
		rig_spawn(from, join_once, &joiner);
		rig_settle();
		assert_int_equal(joiner.result, -ETIME);
		assert_int_equal(watchers(joiner.who), 0);
		heph_stop(joiner.who);
		rig_settle();
		rig_close();
	}
}

static void ends_at_a_stop(void **state)
{
	(void)state;
	near_and_far(from)
	{
		struct joiner joiner = { .within = 0 };
		act_ref ref;

		rig_open(2);
		joiner.who = rig_spawn(0, idle, NULL);
		ref = rig_spawn(from, join_once, &joiner);
		rig_settle();
		heph_stop(ref);
		rig_settle();
		assert_int_equal(joiner.result, -ECANCELED);
		assert_int_equal(watchers(joiner.who), 0);
		heph_stop(joiner.who);
		rig_settle();
		rig_close();
	}
}

/* The cancellation and the down message pass each other. */
static void crosses_with_a_cancellation(void **state)
{
	struct joiner joiner = { .within = 0 };
	act_ref ref;

	(void)state;
	rig_open(2);
	joiner.who = rig_spawn(0, fail_at_gate, NULL);
	ref = rig_spawn(1, join_once, &joiner);
	rig_settle();
	heph_stop(ref);
	rig_step(1); /* cancel is at the door of 0 */
	rig_open_gate(joiner.who.addr);
	rig_step(0); /* it ends, then the door is opened */
	rig_settle();
	assert_true(joiner.done);
	assert_int_equal(joiner.result, -ECANCELED);
	rig_close();
}

static int join_self(heph_ctx ctx, act_inbox in, void *arg)
{
	*(int *)arg = heph_join(ctx, heph_self(in), NULL);
	return 0;
}

static void refuses_to_wait_for_oneself(void **state)
{
	int result;

	(void)state;
	rig_open(1);
	rig_spawn(0, join_self, &result);
	rig_settle();
	assert_int_equal(result, -EDEADLK);
	rig_close();
}

static void joins_nobody_at_once(void **state)
{
	struct joiner joiner = { .within = 0 };

	(void)state;
	rig_open(1);
	joiner.who = (act_ref){ .addr = { 0 } };
	rig_spawn(0, join_once, &joiner);
	rig_settle();
	assert_int_equal(joiner.result, 0);
	assert_int_equal(joiner.exit.err, -ESRCH);
	rig_close();
}

static void survives_every_refused_allocation(void **state)
{
	bool refused;
	long n;

	(void)state;
	near_and_far(from)
	{
		n = 0;
		do {
			struct joiner joiner = { .within = 0 };

			rig_open(2);
			joiner.who = rig_spawn(0, fail_at_gate, NULL);
			rig_spawn(from, join_once, &joiner);
			rig_refuse(++n);
			rig_settle();
			rig_open_gate(joiner.who.addr);
			rig_settle();
			refused = rig_refused();
			assert_true(joiner.done);
			assert_true(joiner.result == 0 ||
				    (refused && joiner.result == -ENOMEM));
			assert_true(joiner.result < 0 ||
				    joiner.exit.err == -EIO);
			rig_close();
		} while (refused);
	}
}

/* ---- races ------------------------------------------------------------------- */

enum { ROUNDS = 2000 };

static int yield_and_end(heph_ctx ctx, act_inbox in, void *arg)
{
	(void)in, (void)arg;
	(void)!heph_yield(ctx);
	return -EIO;
}

/* Joins that give up, on actors that end meanwhile. */
static int join_again_and_again(heph_ctx ctx, act_inbox in, void *arg)
{
	struct heph_exit exit;
	act_ref who;
	int err;

	(void)in, (void)arg;
	for (long n = 0; n < ROUNDS; n++) {
		must(heph_spawn(ctx, act, &who, { yield_and_end, NULL },
				.on = HEPH_WORKER(1)) == 0);
		err = heph_join(heph_within(ctx, n % 32 * HEPH_USEC), who,
				&exit);
		must(err == -ETIME ||
		     (err == 0 && (exit.err == -EIO || exit.err == -ESRCH)));
	}
	return 0;
}

static void races_with_ends(void **state)
{
	(void)state;
	rig_open_with(2, &heph_futex_driver);
	rig_spawn(0, join_again_and_again, NULL);
	rig_start();
	rig_join();
	rig_close();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tells_why),
		cmocka_unit_test(brings_the_note_of_a_panic),
		cmocka_unit_test(does_not_know_who_has_ended_before),
		cmocka_unit_test(registers_too_late),
		cmocka_unit_test(ends_at_a_deadline),
		cmocka_unit_test(ends_at_a_stop),
		cmocka_unit_test(crosses_with_a_cancellation),
		cmocka_unit_test(refuses_to_wait_for_oneself),
		cmocka_unit_test(joins_nobody_at_once),
		cmocka_unit_test(survives_every_refused_allocation),
		cmocka_unit_test(races_with_ends),
	};

	return cmocka_run_group_tests_name("watch", tests, NULL, NULL);
}
