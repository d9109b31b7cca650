/* SPDX-License-Identifier: MIT */
/* What can be done to a reference from another thread, and to a stale one. */
#include <heph/actor.h>

#include "rig.h"

static struct heph_poke *poke_of(act_ref ref)
{
	return &rig.workers[heph_id_thread(ref.addr.id)]->pokes[ref.addr.slot];
}

/* An actor in the place that `old` had, which has ended. */
static act_ref successor(act_ref old)
{
	act_ref ref = rig_spawn(0, idle, NULL);

	assert_int_equal(ref.addr.slot, old.addr.slot);
	assert_true(ref.addr.id > old.addr.id);
	rig_step(0);
	return ref;
}

/* The actor ends for another reason, before the door is opened. */
static int end_at_gate(heph_ctx ctx, act_inbox in, void *arg)
{
	(void)in, (void)arg;
	gate(ctx);
	return 0;
}

/* The id of the actor whose poke is at the door. */
static uint64_t told_to(struct heph_poke *poke)
{
	uint64_t told = atomic_load(&poke->what);
	uint64_t bits = HEPH_THREADS_MAX - 1;

	assert_int_equal(told & bits, HEPH_TELL_STOP);
	return (told & ~bits) | poke->worker->thread.number;
}

static void stop_from_another_thread(void **state)
{
	act_ref ref;

	(void)state;
	rig_open(1);
	ref = rig_spawn(0, idle, NULL);
	rig_step(0);
	heph_stop(ref);
	assert_true(heph_alive(ref));
	assert_int_equal(told_to(poke_of(ref)), ref.addr.id);
	heph_stop(ref); /* once is enough */
	heph_stop(ref);
	rig_settle();
	assert_false(heph_alive(ref));
	assert_int_equal(atomic_load(&poke_of(ref)->what), 0);
	heph_stop(ref);
	assert_true(heph_events_empty(&rig.workers[0]->thread.door));
	rig_close();
}

static void a_stale_stop_does_not_meet_the_next_one(void **state)
{
	act_ref old, ref;

	(void)state;
	rig_open(1);
	old = rig_spawn(0, end_at_gate, NULL);
	rig_step(0);
	heph_stop(old); /* at the door */
	rig_open_gate(old.addr);
	rig_step(0);
	assert_false(heph_alive(old));
	ref = successor(old);
	heph_stop(old);
	rig_settle();
	assert_true(heph_alive(ref));
	heph_stop(ref);
	rig_settle();
	rig_close();
}

/* As the function above would see it if the old one's poke came late. */
static void a_late_poke_finds_another_id(void **state)
{
	struct heph_poke *poke;
	act_ref old, ref;

	(void)state;
	rig_open(1);
	old = rig_spawn(0, idle, NULL);
	rig_step(0);
	heph_stop(old);
	poke = poke_of(old);
	{ /* the event is held up */
		struct heph_event *event =
			heph_events_take_all(&rig.workers[0]->thread.door);

		assert_ptr_equal(event, &poke->event);
		assert_null(event->next);
		heph_life_stop(rig_self(old));
		rig_step(0);
		ref = successor(old);
		heph_thread_post(&rig.workers[0]->thread, event);
	}
	rig_settle();
	assert_true(heph_alive(ref));
	assert_int_equal(atomic_load(&poke->what), 0);
	heph_stop(ref);
	rig_settle();
	assert_false(heph_alive(ref));
	rig_close();
}

/* The old one's poke is at the door: the new one's joins it. */
static void the_younger_of_two_wins(void **state)
{
	struct heph_poke *poke;
	act_ref old, ref;

	(void)state;
	rig_open(1);
	old = rig_spawn(0, idle, NULL);
	rig_step(0);
	heph_stop(old);
	poke = poke_of(old);
	{
		struct heph_event *event =
			heph_events_take_all(&rig.workers[0]->thread.door);

		heph_life_stop(rig_self(old));
		rig_step(0);
		ref = successor(old);
		heph_stop(ref); /* finds the place taken by the old one */
		assert_int_equal(told_to(poke), ref.addr.id);
		assert_true(heph_events_empty(&rig.workers[0]->thread.door));
		heph_thread_post(&rig.workers[0]->thread, event);
	}
	rig_settle();
	assert_false(heph_alive(ref));
	rig_close();
}

/* ---- force ------------------------------------------------------------------- */

static int ignores_stop(heph_ctx ctx, act_inbox in, void *arg)
{
	int *refused = arg;

	(void)in;
	while (heph_sleep(heph_shield(ctx, HEPH_NEVER), HEPH_NEVER) ==
	       -ECANCELED)
		if (++*refused == 3)
			break;
	return 0;
}

static void force_revokes_shields(void **state)
{
	int refused[2] = { 0 };
	act_ref here, there;

	(void)state;
	rig_open(2);
	here = rig_spawn(0, ignores_stop, &refused[0]);
	there = rig_spawn(1, ignores_stop, &refused[1]);
	rig_settle();
	heph_stop(here);
	heph_stop(there);
	rig_settle();
	assert_true(heph_alive(here) && heph_alive(there));
	heph_stop(here); /* both are told at once */
	heph_addr_tell(here.addr, HEPH_TELL_FORCE);
	assert_int_equal(atomic_load(&poke_of(here)->what) &
				 (HEPH_THREADS_MAX - 1),
			 HEPH_TELL_STOP | HEPH_TELL_FORCE);
	heph_life_tell(rig_self(there), HEPH_TELL_FORCE);
	rig_settle();
	assert_false(heph_alive(here) || heph_alive(there));
	assert_int_equal(refused[0], 3);
	assert_int_equal(refused[1], 3);
	rig_close();
}

static void names_nobody(void **state)
{
	static const struct heph_addr nobodies[] = {
		{ 0 },
		{ .id = 1 << 20 },
		{ .id = (1 << 20) + 1, .slot = 5 },
		{ .id = (1 << 20) + 1023, .slot = 5 },
		{ .id = 1 << 20, .slot = UINT32_MAX },
		{ .id = 1 << 20, .node = UINT16_MAX },
		{ .id = 1 << 20, .node = 255 },
	};
	struct act_msg msg = { .n = 1 };

	(void)state;
	rig_open(1);
	for (size_t i = 0; i < sizeof(nobodies) / sizeof(*nobodies); i++) {
		assert_false(heph_raw_alive(nobodies[i]));
		heph_raw_stop(nobodies[i]);
		assert_int_equal(heph_raw_try_send(nobodies[i], &msg,
						   sizeof(msg)),
				 -ESRCH);
		heph_raw_post(nobodies[i], &msg, sizeof(msg));
	}
	assert_int_equal(act_dropped, 0);
	assert_int_equal(rig.ctx.self->thread->count.posts_dropped, 7);
	rig_close();
}

static void ids_are_not_used_again(void **state)
{
	uint64_t last = 0;
	act_ref ref;

	(void)state;
	for (int runtime = 0; runtime < 3; runtime++) {
		rig_open(1);
		for (int n = 0; n < 1000; n++) {
			ref = rig_spawn(0, idle, NULL);
			assert_true(ref.addr.id > last);
			assert_int_equal(ref.addr.slot, 1);
			last = ref.addr.id;
			heph_stop(ref);
			rig_step(0);
			assert_false(heph_alive(ref));
		}
		rig_close();
	}
}

/* ---- two threads --------------------------------------------------------------- */

enum { ROUNDS = 3000 };

/* The result: whether it was stopped. */
static int may_be_stopped(heph_ctx ctx, act_inbox in, void *arg)
{
	struct act_msg msg;

	(void)arg;
	return heph_recv(ctx, in, &msg) == -ECANCELED ? -EIO : 0;
}

/* An actor is stopped while it ends, and the next one takes its place: that
 * one must not notice. */
static int stop_the_former(heph_ctx ctx, act_inbox in, void *arg)
{
	struct heph_exit exit;
	act_ref first, second;

	(void)in, (void)arg;
	for (int n = 0; n < ROUNDS; n++) {
		must(heph_spawn(ctx, act, &first, { may_be_stopped, NULL },
				.on = HEPH_WORKER(1)) == 0);
		must(heph_send(ctx, first, { .n = n }) == 0);
		heph_stop(first);
		if (n % 2)
			must(heph_join(ctx, first, NULL) == 0);
		must(heph_spawn(ctx, act, &second, { may_be_stopped, NULL },
				.on = HEPH_WORKER(1)) == 0);
		heph_stop(first);
		must(heph_send(ctx, second, { .n = n }) == 0);
		must(heph_join(ctx, second, &exit) == 0);
		must(exit.err == 0 || exit.err == -ESRCH);
	}
	return 0;
}

static void stops_race_with_ends(void **state)
{
	(void)state;
	rig_open_with(2, &heph_futex_driver);
	rig_spawn(0, stop_the_former, NULL);
	rig_start();
	rig_join();
	assert_int_equal(rig_count(1)->spawned, 2 * ROUNDS);
	rig_close();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(stop_from_another_thread),
		cmocka_unit_test(a_stale_stop_does_not_meet_the_next_one),
		cmocka_unit_test(a_late_poke_finds_another_id),
		cmocka_unit_test(the_younger_of_two_wins),
		cmocka_unit_test(force_revokes_shields),
		cmocka_unit_test(names_nobody),
		cmocka_unit_test(ids_are_not_used_again),
		cmocka_unit_test(stops_race_with_ends),
	};

	return cmocka_run_group_tests_name("refs", tests, NULL, NULL);
}
