/* SPDX-License-Identifier: MIT */
/* What supervisors and children say to each other, step by step. */
#include <heph/tree.h>

#include "rig.h"

#include "core/supervisor.h"

static int lives, reports;
static act_ref child_ref;
static struct heph_child_info info;

/* Fails after a message. */
static int child(heph_ctx ctx, act_inbox in, void *arg)
{
	struct act_msg msg;
	int err;

	(void)arg;
	lives++;
	err = heph_recv(ctx, in, &msg);
	return err < 0 ? err : -EIO;
}

static int supervise(heph_ctx ctx, act_inbox in, void *arg)
{
	struct heph_tree tree = { .times = 100 };
	int which = 1;

	(void)arg;
	must(heph_spawn(ctx, act, &child_ref, { child, NULL },
			.on = HEPH_WORKER(1), .tree = &tree,
			.restart = HEPH_PERMANENT) == 0);
	while (which >= 0) {
		which = heph_wait(ctx, heph_on_tree(&tree));
		if (which == 0)
			which = heph_tree_step(ctx, &tree);
		reports++;
		must(heph_tree_children(&tree, &info, 1) <= 1);
	}
	(void)in;
	return which;
}

static act_ref begin_both(void)
{
	act_ref supervisor;

	rig_open(2);
	lives = reports = 0;
	supervisor = rig_spawn(0, supervise, NULL);
	rig_settle();
	assert_int_equal(lives, 1);
	return supervisor;
}

static void end_both(act_ref supervisor)
{
	heph_stop(supervisor);
	rig_settle();
	assert_false(heph_alive(child_ref));
	rig_close();
}

/* On the supervisor's thread, as far as others can tell. */
static void tell(unsigned what)
{
	heph_addr_tell(child_ref.addr, what);
}

static void make_fail(void)
{
	assert_int_equal(heph_try_send(child_ref, { .n = 1 }), 0);
	rig_step(1);
}

static void a_child_waits_for_the_verdict(void **state)
{
	act_ref supervisor = begin_both();

	(void)state;
	make_fail();
	assert_true(rig_self(child_ref)->ext->child->asking);
	rig_step(1);
	assert_int_equal(lives, 1);
	rig_step(0);
	assert_int_equal(lives, 1);
	rig_step(1);
	assert_int_equal(lives, 2);
	assert_int_equal(info.restarts, 1);
	end_both(supervisor);
}

/* It has failed, and the halt comes while it waits. */
static void a_halt_that_crosses_a_report_is_void(void **state)
{
	act_ref supervisor = begin_both();

	(void)state;
	make_fail();
	tell(HEPH_TELL_HALT);
	rig_step(1);
	assert_false(rig_self(child_ref)->ext->child->halt);
	rig_settle();
	assert_int_equal(lives, 2);
	assert_int_equal(info.restarts, 1);
	end_both(supervisor);
}

/* The halt that crossed the report arrives together with the go. */
static void a_late_halt_is_not_a_failure(void **state)
{
	act_ref supervisor = begin_both();
	struct heph_child *record;

	(void)state;
	make_fail();
	record = rig_self(child_ref)->ext->child;
	tell(HEPH_TELL_HALT);
	rig_step(0); /* and adds the go */
	rig_step(1);
	assert_true(record->asking);
	assert_true(record->halted);
	assert_int_equal(lives, 1);
	rig_settle();
	assert_false(record->asking);
	assert_int_equal(lives, 2);
	assert_int_equal(info.restarts, 1);
	end_both(supervisor);
}

/* The go of a child that is stopped before it hears of it. */
static void a_stop_is_stronger_than_a_go(void **state)
{
	act_ref supervisor = begin_both();

	(void)state;
	make_fail();
	rig_step(0);
	heph_stop(child_ref);
	rig_settle();
	assert_false(heph_alive(child_ref));
	assert_int_equal(lives, 1);
	end_both(supervisor);
}

/* It is gone when the go arrives. */
static void a_go_may_be_too_late(void **state)
{
	act_ref supervisor = begin_both();

	(void)state;
	make_fail();
	heph_stop(child_ref);
	rig_step(1);
	assert_false(heph_alive(child_ref));
	rig_step(0); /* the report, and the end */
	rig_settle();
	assert_int_equal(lives, 1);
	end_both(supervisor);
}

static void an_end_is_stronger_than_a_halt(void **state)
{
	act_ref supervisor = begin_both();

	(void)state;
	tell(HEPH_TELL_HALT);
	tell(HEPH_TELL_END);
	rig_settle();
	assert_false(heph_alive(child_ref));
	assert_int_equal(lives, 1);
	end_both(supervisor);
}

/* ---- rounds --------------------------------------------------------------------- */

static act_ref siblings[3];

static int supervise_three(heph_ctx ctx, act_inbox in, void *arg)
{
	struct heph_tree tree = { .strategy = HEPH_ONE_FOR_ALL,
				  .times = 1,
				  .grace = 50 * HEPH_MSEC };

	(void)in, (void)arg;
	for (int i = 0; i < 3; i++)
		must(heph_spawn(ctx, act, &siblings[i], { child, NULL },
				.on = HEPH_WORKER(1 + i % 2),
				.tree = &tree) == 0);
	return heph_supervise(ctx, &tree);
}

/* The first one fails while the second one is halted: that is no second
 * failure. */
static void who_fails_in_a_round_has_stopped(void **state)
{
	act_ref supervisor;

	(void)state;
	rig_open(3);
	lives = 0;
	supervisor = rig_spawn(0, supervise_three, NULL);
	rig_settle();
	assert_int_equal(lives, 3);
	assert_int_equal(heph_try_send(siblings[2], { .n = 1 }), 0);
	rig_step(1);
	rig_step(0);
	assert_int_equal(rig_self(siblings[1])->ext->child->state,
			 HEPH_CHILD_STOPS);
	assert_int_equal(heph_try_send(siblings[0], { .n = 1 }), 0);
	rig_step(1);
	rig_settle();
	assert_int_equal(lives, 6);
	assert_true(heph_alive(supervisor));
	heph_stop(supervisor);
	rig_settle();
	rig_close();
}

/* ---- no memory ------------------------------------------------------------------ */

/* A tree that is too large for the pool, so that it is allocated by itself. */
static int spawn_without_memory(heph_ctx ctx, act_inbox in, void *arg)
{
	struct heph_tree tree = { .times = HEPH_RESTARTS_MAX };
	int on = *(int *)arg, failed = 0, err;

	(void)in;
	for (long n = 1;; n++) {
		heph_mem_fail_after(n);
		err = heph_spawn(ctx, act, &child_ref, { child, NULL },
				 .on = on, .tree = &tree, .name = "child",
				 .restarts = { .times = HEPH_RESTARTS_MAX });
		heph_mem_fail_after(-1);
		if (err == 0)
			break;
		must(err == -ENOMEM);
		must(heph_tree_count(&tree) == 0);
		failed++;
	}
	must(failed >= 2);
	must(heph_tree_count(&tree) == 1);
	heph_mem_fail_after(1);
	must(heph_supervise(ctx, &(struct heph_tree){ .times = 1024 }) ==
	     -ENOMEM);
	heph_mem_fail_after(-1);
	heph_stop(child_ref);
	return heph_supervise(ctx, &tree);
}

static void survives_refused_allocations(void **state)
{
	static int places[] = { HEPH_HERE, HEPH_WORKER(1) };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		rig_open(2);
		rig_spawn(0, spawn_without_memory, &places[i]);
		rig_settle();
		assert_false(heph_alive(child_ref));
		rig_close();
	}
}

/* What happens to children needs none. */
static void restarts_need_no_memory(void **state)
{
	act_ref supervisor = begin_both();

	(void)state;
	for (int n = 0; n < 5; n++) {
		heph_stop(child_ref); /* it is a permanent one */
		heph_mem_fail_after(1);
		rig_settle();
		heph_mem_fail_after(-1);
	}
	assert_int_equal(lives, 6);
	end_both(supervisor);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_child_waits_for_the_verdict),
		cmocka_unit_test(a_halt_that_crosses_a_report_is_void),
		cmocka_unit_test(a_late_halt_is_not_a_failure),
		cmocka_unit_test(a_stop_is_stronger_than_a_go),
		cmocka_unit_test(a_go_may_be_too_late),
		cmocka_unit_test(an_end_is_stronger_than_a_halt),
		cmocka_unit_test(who_fails_in_a_round_has_stopped),
		cmocka_unit_test(survives_refused_allocations),
		cmocka_unit_test(restarts_need_no_memory),
	};

	return cmocka_run_group_tests_name("tree", tests, NULL, NULL);
}
