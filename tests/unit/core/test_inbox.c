/* SPDX-License-Identifier: MIT */
#include "core/inbox.h"

#include "rig.h"

static struct log log_;

static void setup(unsigned workers)
{
	rig_open(workers);
	log_ = (struct log){ .n = 0 };
}

static void stop_and_close(act_ref ref)
{
	heph_stop(ref);
	rig_settle();
	assert_false(heph_alive(ref));
	rig_close();
}

/* From the receiver's own worker, without waiting. */
static int put(act_ref ref, long n)
{
	struct heph_thread *mine = heph_thread_current;
	int err;

	heph_thread_current = rig_self(ref)->thread;
	err = heph_try_send(ref, { .n = n });
	heph_thread_current = mine;
	return err;
}

static bool marked_full(act_ref ref)
{
	struct heph_worker *worker = rig.workers[heph_id_thread(ref.addr.id)];

	return atomic_load(&worker->places[ref.addr.slot]) & HEPH_PLACE_FULL;
}

static void keeps_the_order(void **state)
{
	act_ref ref;

	(void)state;
	setup(1);
	ref = rig_spawn(0, collect, &log_);
	for (long n = 0; n < 50; n++)
		assert_int_equal(put(ref, n), 0);
	rig_settle();
	assert_int_equal(log_.n, 50);
	for (long n = 0; n < 50; n++)
		assert_int_equal(log_.got[n], n);
	stop_and_close(ref);
}

static void holds_what_was_asked_for(void **state)
{
	static const unsigned capacities[] = { 1, 2, 3, 64, 200 };
	act_ref ref;

	(void)state;
	for (size_t i = 0; i < sizeof(capacities) / sizeof(*capacities); i++) {
		setup(1);
		ref = rig_spawn_with(0, (collect, &log_),
				     .inbox = capacities[i]);
		for (unsigned n = 0; n < capacities[i]; n++)
			assert_int_equal(put(ref, n), 0);
		assert_int_equal(put(ref, 0), -EAGAIN);
		rig_settle();
		assert_int_equal(log_.n, capacities[i]);
		assert_int_equal(put(ref, 0), 0);
		stop_and_close(ref);
	}
}

static void holds_64_by_default(void **state)
{
	act_ref ref;

	(void)state;
	setup(1);
	ref = rig_spawn(0, idle, NULL);
	for (unsigned n = 0; n < 64; n++)
		assert_int_equal(put(ref, n), 0);
	assert_int_equal(put(ref, 0), -EAGAIN);
	stop_and_close(ref);
	assert_int_equal(act_dropped, 64);
}

static void drops_each_unread_message_once(void **state)
{
	act_ref ref;

	(void)state;
	setup(1);
	ref = rig_spawn(0, idle, NULL);
	for (long n = 1; n <= 3; n++)
		assert_int_equal(put(ref, n), 0);
	heph_stop(ref);
	rig_settle();
	assert_int_equal(act_dropped, 3);
	assert_int_equal(act_last_dropped, 3);
	assert_int_equal(rig_count(0)->unread_dropped, 3);
	assert_int_equal(act_args_dropped, 1);
	rig_close();
}

static int take_as_told(heph_ctx ctx, act_inbox in, void *arg)
{
	_Atomic int *todo = arg;
	act_ref self = heph_self(in);
	struct act_msg msg;

	while (!heph_stopping(ctx)) {
		for (; *todo; --*todo) {
			must(heph_try_recv(in, &msg) == 0);
			must(!marked_full(self)); /* at once */
		}
		(void)!heph_wait_for(ctx, HEPH_WAIT_SIGNAL);
	}
	return 0;
}

/* Lets the actor above take one more. */
static void take_one(act_ref ref, _Atomic int *todo)
{
	*todo = 1;
	rig_open_gate(ref.addr);
	rig_step(0);
	assert_int_equal(*todo, 0);
}

static void looks_full_to_others_until_one_is_taken(void **state)
{
	static _Atomic int todo;
	act_ref ref;

	(void)state;
	setup(1);
	ref = rig_spawn_with(0, (take_as_told, &todo), .inbox = 4);
	rig_step(0);
	for (long n = 0; n < 3; n++)
		assert_int_equal(put(ref, n), 0);
	assert_false(marked_full(ref));
	assert_int_equal(put(ref, 3), 0);
	assert_true(marked_full(ref));
	assert_int_equal(heph_try_send(ref, { .n = 4 }), -EAGAIN);
	take_one(ref, &todo);
	assert_false(marked_full(ref));
	assert_int_equal(put(ref, 4), 0);
	assert_true(marked_full(ref));
	take_one(ref, &todo);
	assert_false(marked_full(ref));
	assert_int_equal(heph_try_send(ref, { .n = 5 }), 0);
	rig_step(0);
	assert_true(marked_full(ref));
	stop_and_close(ref);
	assert_int_equal(act_dropped, 4);
}

static void opens_again_with_room_for_one(void **state)
{
	static _Atomic int todo;
	act_ref ref;

	(void)state;
	setup(1);
	ref = rig_spawn_with(0, (take_as_told, &todo), .inbox = 1);
	rig_step(0);
	for (int n = 0; n < 3; n++) {
		assert_int_equal(put(ref, n), 0);
		assert_true(marked_full(ref));
		take_one(ref, &todo);
		assert_false(marked_full(ref));
	}
	stop_and_close(ref);
}

static int tell_info(heph_ctx ctx, act_inbox in, void *arg)
{
	struct heph_inbox_info *infos = arg;
	struct act_msg msg;

	infos[0] = heph_inbox_info(in);
	must(heph_recv(ctx, in, &msg) == 0);
	infos[1] = heph_inbox_info(in);
	return 0;
}

static void tells_what_is_in_it(void **state)
{
	struct heph_inbox_info infos[2];
	act_ref ref;

	(void)state;
	setup(1);
	ref = rig_spawn_with(0, (tell_info, infos), .inbox = 5);
	assert_int_equal(put(ref, 1), 0);
	assert_int_equal(put(ref, 2), 0);
	rig_settle();
	assert_int_equal(infos[0].capacity, 5);
	assert_int_equal(infos[0].fill, 2);
	assert_int_equal(infos[0].received, 0);
	assert_int_equal(infos[1].fill, 1);
	assert_int_equal(infos[1].received, 1);
	rig_close();
}

static void refuses_a_message_without_memory(void **state)
{
	act_ref ref;
	int err, n = 0;

	(void)state;
	setup(1);
	ref = rig_spawn(0, collect, &log_);
	rig_step(0);
	do {
		heph_mem_fail_after(1);
		err = put(ref, n++);
	} while (err == 0 && n < 60); /* a pool may have some left */
	heph_mem_fail_after(-1);
	assert_true(err == 0 || err == -ENOMEM);
	if (err < 0)
		n--;
	rig_settle();
	assert_int_equal(log_.n, n);
	assert_int_equal(put(ref, 0), 0);
	stop_and_close(ref);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keeps_the_order),
		cmocka_unit_test(holds_what_was_asked_for),
		cmocka_unit_test(holds_64_by_default),
		cmocka_unit_test(drops_each_unread_message_once),
		cmocka_unit_test(looks_full_to_others_until_one_is_taken),
		cmocka_unit_test(opens_again_with_room_for_one),
		cmocka_unit_test(tells_what_is_in_it),
		cmocka_unit_test(refuses_a_message_without_memory),
	};

	return cmocka_run_group_tests_name("inbox", tests, NULL, NULL);
}
