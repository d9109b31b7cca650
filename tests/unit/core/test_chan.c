/* SPDX-License-Identifier: MIT */
/* Channels and oneshots: refused memory, abandoned runtimes, threads in turn. */
#include "rig.h"

#include <heph/inbox.h>
#include <heph/oneshot.h>

#include "core/park.h"

struct num {
	long n;
};

HEPH_CHAN(num, struct num);
HEPH_ONESHOT(one, struct num);

static num_sender tx;
static num_receiver rx;
static long result;
static _Atomic int done;

static void without_memory_there_is_no_channel(void **state)
{
	one_receiver one_rx;
	one_sender one_tx;
	num_manager manager;

	(void)state;
	heph_mem_fail_after(1);
	assert_int_equal(heph_chan_new(num, 4, &tx, &rx), -ENOMEM);
	assert_null(tx.chan);
	assert_null(rx.chan);
	heph_mem_fail_after(1);
	assert_int_equal(heph_chan_new_managed(num, 4, &manager, &tx, &rx),
			 -ENOMEM);
	assert_null(manager.chan);
	heph_mem_fail_after(1);
	assert_int_equal(heph_oneshot_new(one, &one_tx, &one_rx), -ENOMEM);
	assert_null(one_tx.shot);
	heph_mem_fail_after(-1);
}

static void without_memory_nobody_waits_to_send(void **state)
{
	struct num num;

	(void)state;
	assert_int_equal(heph_chan_new(num, 1, &tx, &rx), 0);
	assert_int_equal(heph_chan_try_send(tx, { 1 }), 0);
	heph_mem_fail_after(1);
	assert_int_equal(heph_chan_send(heph_no_ctx(), tx, { 2 }), -ENOMEM);
	heph_mem_fail_after(1);
	assert_int_equal(heph_chan_join(heph_no_ctx(), tx), -ENOMEM);
	heph_mem_fail_after(-1);
	assert_int_equal(heph_chan_try_recv(rx, &num), 0);
	assert_int_equal(heph_chan_try_recv(rx, &num), -EAGAIN);
	heph_chan_free(tx);
	heph_chan_free(rx);
}

/* ---- giving up while a wake is on its way ------------------------------------- */

static int recv_one(heph_ctx ctx, act_inbox in, void *arg)
{
	struct num num = { 0 };
	int err = heph_chan_recv(ctx, rx, &num);

	(void)in, (void)arg;
	result = err < 0 ? err : num.n;
	done++;
	return 0;
}

static int send_two(heph_ctx ctx, act_inbox in, void *arg)
{
	(void)in, (void)arg;
	result = heph_chan_send(ctx, tx, { 2 });
	done++;
	return 0;
}

static long try_recv(void)
{
	struct num num;
	int err = heph_chan_try_recv(rx, &num);

	return err < 0 ? err : num.n;
}

static act_ref begin(int (*fn)(heph_ctx, act_inbox, void *), bool full)
{
	act_ref ref;

	rig_open(1);
	done = 0;
	assert_int_equal(heph_chan_new(num, 1, &tx, &rx), 0);
	if (full)
		assert_int_equal(heph_chan_try_send(tx, { 1 }), 0);
	ref = rig_spawn(0, fn, NULL);
	rig_step(0);
	assert_int_equal(done, 0);
	return ref;
}

static void end(void)
{
	rig_settle();
	assert_int_equal(done, 1);
	heph_chan_free(tx);
	heph_chan_free(rx);
	rig_close();
}

/* The stop is first at the door, the wake second; or the other way round. The
 * value is there in both cases. */
static void a_value_on_its_way_comes_before_a_stop(void **state)
{
	(void)state;
	for (int first = 0; first < 2; first++) {
		act_ref ref = begin(recv_one, false);

		if (first)
			heph_stop(ref);
		assert_int_equal(heph_chan_try_send(tx, { 5 }), 0);
		if (!first)
			heph_stop(ref);
		end();
		assert_int_equal(result, 5);
	}
}

static void a_stop_alone_takes_the_receiver_out(void **state)
{
	act_ref ref = begin(recv_one, false);

	(void)state;
	heph_stop(ref);
	rig_step(0);
	assert_int_equal(result, -ECANCELED);
	assert_int_equal(heph_chan_try_send(tx, { 5 }), 0);
	end();
}

static void a_value_that_was_let_in_is_sent(void **state)
{
	(void)state;
	for (int first = 0; first < 2; first++) {
		act_ref ref = begin(send_two, true);

		if (first)
			heph_stop(ref);
		assert_int_equal(try_recv(), 1);
		assert_int_equal(heph_chan_count(rx), 1);
		if (!first)
			heph_stop(ref);
		end();
		assert_int_equal(result, 0);
	}
}

static void the_end_on_its_way_comes_before_a_stop(void **state)
{
	act_ref ref = begin(send_two, true);

	(void)state;
	heph_stop(ref);
	heph_chan_free(rx);
	rx = (num_receiver){ 0 };
	end();
	assert_int_equal(result, -EPIPE);
}

static one_sender one_tx;
static one_receiver one_rx;

static int recv_shot(heph_ctx ctx, act_inbox in, void *arg)
{
	struct num num = { 0 };
	int err = heph_oneshot_recv(ctx, one_rx, &num);

	(void)in, (void)arg;
	result = err < 0 ? err : num.n;
	done++;
	return 0;
}

static void a_shot_on_its_way_comes_before_a_stop(void **state)
{
	(void)state;
	for (int first = 0; first < 2; first++) {
		act_ref ref;

		assert_int_equal(heph_oneshot_new(one, &one_tx, &one_rx), 0);
		ref = begin(recv_shot, false);
		if (first)
			heph_stop(ref);
		assert_int_equal(heph_oneshot_send(one_tx, { 6 }), 0);
		if (!first)
			heph_stop(ref);
		end();
		assert_int_equal(result, 6);
		heph_oneshot_free(one_rx);
	}
}

/* ---- runtimes that go --------------------------------------------------------- */

/* The runtime left with an actor that waits; its record is forgotten. */
static void who_is_gone_with_its_runtime_is_not_woken(void **state)
{
	struct heph_park park;
	struct heph_thread *mine;

	(void)state;
	rig_open(1);
	heph_park_init(&park);
	heph_park_prepare(&park, rig.ctx, HEPH_PARKS_CHANNEL);
	assert_false(heph_park_woken(&park));
	mine = heph_thread_current;
	heph_thread_current = NULL; /* as a stranger */
	park.first_serial++;        /* of a runtime that was here before */
	assert_false(heph_park_wake(&park));
	park.node = HEPH_RUNTIMES_MAX - 1; /* where no runtime is */
	assert_false(heph_park_wake(&park));
	heph_thread_current = mine;
	assert_false(heph_park_woken(&park));
	rig_close();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_memory_there_is_no_channel),
		cmocka_unit_test(without_memory_nobody_waits_to_send),
		cmocka_unit_test(a_value_on_its_way_comes_before_a_stop),
		cmocka_unit_test(a_stop_alone_takes_the_receiver_out),
		cmocka_unit_test(a_value_that_was_let_in_is_sent),
		cmocka_unit_test(the_end_on_its_way_comes_before_a_stop),
		cmocka_unit_test(a_shot_on_its_way_comes_before_a_stop),
		cmocka_unit_test(who_is_gone_with_its_runtime_is_not_woken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
