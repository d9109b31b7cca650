/* SPDX-License-Identifier: MIT */
#include "core/solo.h"

#include "rig.h"

static void setup(unsigned n)
{
	rig_open(n);
}

/* From the thread of the test, whose spawns of movers do not wait. */
static act_ref spawn_any(int (*fn)(heph_ctx, act_inbox, void *), void *arg)
{
	act_ref ref;

	assert_int_equal(
		heph_spawn(rig.ctx, act, &ref, { fn, arg }, .on = HEPH_ANY), 0);
	return ref;
}

static struct heph_solo *solo_of(act_ref ref)
{
	return (struct heph_solo *)heph_worker_with(&rig.heph, ref.addr);
}

static void teardown(void)
{
	struct heph_thread *thread = NULL;
	struct heph_worker *worker;

	while ((thread = heph_threads_next(&rig.heph, thread))) {
		if (thread->number != HEPH_SOLO)
			continue;
		worker = (struct heph_worker *)thread;
		assert_int_equal(worker->alive, 0);
		assert_int_equal(worker->stacks.in_use, 0);
		assert_int_equal(thread->calls.in_use, 0);
		assert_int_equal(atomic_load(&thread->arriving), 0);
	}
	assert_int_equal(atomic_load(&rig.heph.moving), 0);
	assert_int_equal(atomic_load(&rig.heph.movers), 0);
	heph_detach(rig.ctx);
	heph_retire(&rig.heph);
	heph_attach_fini(&rig.heph);
	for (unsigned n = 0; n < rig.n; n++) {
		heph_worker_fini(rig.workers[n]);
		heph_mem_unreserve(rig.workers[n], sizeof(*rig.workers[n]));
	}
	heph_fini(&rig.heph);
}

static int note_place(heph_ctx ctx, act_inbox in, void *arg)
{
	(void)in;
	*(int *)arg = heph_worker(ctx);
	return 0;
}

static void runs_on_whichever_worker_is_free(void **state)
{
	int place = -7;

	(void)state;
	setup(2);
	spawn_any(note_place, &place);
	rig_step(1);
	assert_int_equal(place, 1);
	spawn_any(note_place, &place);
	rig_step(0);
	assert_int_equal(place, 0);
	teardown();
}

/* Notes where it is before and after a wait. */
static int wait_between(heph_ctx ctx, act_inbox in, void *arg)
{
	int *places = arg;
	struct act_msg msg;

	places[0] = heph_worker(ctx);
	must(heph_recv(ctx, in, &msg) == 0);
	places[1] = heph_worker(ctx);
	return 0;
}

static void moves_between_two_waits(void **state)
{
	int places[2] = { -7, -7 };
	act_ref ref;

	(void)state;
	setup(2);
	ref = spawn_any(wait_between, places);
	rig_step(0);
	assert_int_equal(heph_try_send(ref, { .n = 1 }), 0);
	rig_step(1);
	assert_int_equal(places[0], 0);
	assert_int_equal(places[1], 1);
	assert_false(heph_alive(ref));
	teardown();
}

static void is_used_again_for_its_type(void **state)
{
	struct heph_solo *first;
	act_ref ref, other;
	int place;

	(void)state;
	setup(1);
	ref = spawn_any(note_place, &place);
	first = solo_of(ref);
	rig_step(0);
	other = spawn_any(note_place, &place);
	assert_ptr_equal(solo_of(other), first);
	assert_false(heph_same(ref, other));
	assert_false(heph_alive(ref));
	assert_true(heph_alive(other));
	rig_step(0);
	teardown();
}

static void is_left_alone_while_it_has_late_events(void **state)
{
	struct heph_solo *first;
	act_ref ref, other;
	int place;

	(void)state;
	setup(1);
	ref = spawn_any(idle, NULL);
	first = solo_of(ref);
	rig_step(0);
	heph_stop(ref);
	rig_step(0);
	assert_false(heph_alive(ref));
	/* as if a late one had come: it is in the queue */
	heph_thread_wake(&first->worker.thread);
	other = spawn_any(note_place, &place);
	assert_ptr_not_equal(solo_of(other), first);
	rig_step(0);
	other = spawn_any(note_place, &place);
	assert_ptr_equal(solo_of(other), first);
	rig_step(0);
	teardown();
}

static int collect_any(heph_ctx ctx, act_inbox in, void *arg)
{
	return collect(ctx, in, arg);
}

static void is_full_at_its_window(void **state)
{
	static struct log log;
	act_ref ref;
	int sent = 0;

	(void)state;
	setup(1);
	log.n = 0;
	ref = spawn_any(collect_any, &log);
	while (heph_try_send(ref, { .n = sent }) == 0)
		sent++;
	assert_int_equal(sent, HEPH_WINDOW);
	rig_step(0);
	assert_int_equal(log.n, sent);
	assert_int_equal(heph_try_send(ref, { .n = sent }), 0);
	heph_stop(ref);
	rig_step(0);
	teardown();
}

static void refuses_own_threads_without_threads(void **state)
{
	(void)state;
	setup(1);
	assert_int_equal(heph_spawn(rig.ctx, act, NULL, { idle, NULL },
				    .on = HEPH_OWN_THREAD),
			 -EOPNOTSUPP);
	teardown();
}

static void has_no_memory(void **state)
{
	int place, err = -ENOMEM;

	(void)state;
	setup(1);
	for (long n = 1; err == -ENOMEM; n++) {
		rig_refuse(n);
		err = heph_spawn(rig.ctx, act, NULL, { note_place, &place },
				 .on = HEPH_ANY, .name = "named");
		if (!rig_refused())
			assert_int_equal(err, 0);
		rig_step(0);
	}
	assert_int_equal(err, 0);
	assert_int_equal(place, 0);
	teardown();
}

/* ---- fairness ----------------------------------------------------------------- */

enum { MANY = 40, ROUNDS = 50 };

static long steps_of_local, steps_of_movers;

static int count_local(heph_ctx ctx, act_inbox in, void *arg)
{
	(void)in, (void)arg;
	while (heph_yield(ctx) == 0)
		steps_of_local++;
	return 0;
}

static int count_mover(heph_ctx ctx, act_inbox in, void *arg)
{
	(void)in, (void)arg;
	while (heph_yield(ctx) == 0)
		steps_of_movers++;
	return 0;
}

/* So many turns of a worker that never gets to sleep. */
static void turn(unsigned n, int turns)
{
	struct heph_thread *mine = heph_thread_current;

	heph_worker_enter(rig.workers[n]);
	while (turns--)
		heph_worker_turn(rig.workers[n]);
	heph_thread_current = mine;
}

static void share_a_worker(int locals, int movers)
{
	long before_local, before_movers;

	rig_open_patient();
	steps_of_local = steps_of_movers = 0;
	for (int n = 0; n < locals; n++)
		rig_spawn(0, count_local, NULL);
	for (int n = 0; n < movers; n++)
		spawn_any(count_mover, NULL);
	turn(0, 2);
	for (int n = 0; n < ROUNDS; n++) { /* in each turn */
		before_local = steps_of_local;
		before_movers = steps_of_movers;
		turn(0, 1);
		assert_true(steps_of_local >= before_local + 32);
		assert_true(steps_of_movers >= before_movers + 32);
	}
	heph_stop_runtime(&rig.heph, heph_now() + HEPH_SEC);
	rig_settle();
	teardown();
}

static void is_not_starved_by_those_of_a_worker(void **state)
{
	(void)state;
	share_a_worker(MANY, 1);
	share_a_worker(MANY, MANY);
}

static void does_not_starve_those_of_a_worker(void **state)
{
	(void)state;
	share_a_worker(1, MANY);
}

/* ---- timers --------------------------------------------------------------------- */

static int sleep_often(heph_ctx ctx, act_inbox in, void *arg)
{
	struct act_msg msg;

	(void)arg;
	for (int n = 0; n < 3; n++)
		must(heph_sleep(ctx, 2 * HEPH_MSEC) == 0);
	for (int n = 0; n < 3; n++)
		must(heph_recv(heph_within(ctx, HEPH_MSEC), in, &msg) ==
		     -ETIME);
	return 0;
}

static void has_deadlines(void **state)
{
	act_ref refs[20];

	(void)state;
	setup(2);
	for (int n = 0; n < 20; n++)
		refs[n] = spawn_any(sleep_often, NULL);
	rig_settle();
	for (int n = 0; n < 20; n++)
		assert_false(heph_alive(refs[n]));
	assert_int_equal(atomic_load(&rig.heph.next_timer), HEPH_NEVER);
	teardown();
}

/* A timer that was set for an earlier wait expires while it waits again, if the
 * message came in time. */
static int wait_twice(heph_ctx ctx, act_inbox in, void *arg)
{
	bool *in_time = arg;
	struct act_msg msg;

	*in_time = !heph_recv(heph_within(ctx, 3 * HEPH_MSEC), in, &msg);
	if (*in_time)
		must(heph_recv(heph_within(ctx, 20 * HEPH_MSEC), in, &msg) ==
		     -ETIME);
	return 0;
}

static void has_deadlines_that_move(void **state)
{
	bool in_time = false;
	act_ref ref;
	int err;

	(void)state;
	while (!in_time) {
		setup(1);
		ref = spawn_any(wait_twice, &in_time);
		rig_step(0);
		err = heph_try_send(ref, { .n = 1 });
		if (err != -ESRCH) /* a slow machine: it does not wait any more */
			assert_int_equal(err, 0);
		rig_settle();
		assert_false(heph_alive(ref));
		teardown();
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(runs_on_whichever_worker_is_free),
		cmocka_unit_test(moves_between_two_waits),
		cmocka_unit_test(is_used_again_for_its_type),
		cmocka_unit_test(is_left_alone_while_it_has_late_events),
		cmocka_unit_test(is_full_at_its_window),
		cmocka_unit_test(refuses_own_threads_without_threads),
		cmocka_unit_test(has_no_memory),
		cmocka_unit_test(is_not_starved_by_those_of_a_worker),
		cmocka_unit_test(does_not_starve_those_of_a_worker),
		cmocka_unit_test(has_deadlines),
		cmocka_unit_test(has_deadlines_that_move),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
