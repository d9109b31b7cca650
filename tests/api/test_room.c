/* SPDX-License-Identifier: MIT */
/* heph_on_room(): a clause about the inbox of another actor. */
#include "act.h"

static _Atomic bool go_on;
static _Atomic int ready;

/* Fills its inbox of two; then reads one, and all when it is told. */
static int read_late(heph_ctx ctx, act_inbox in, void *arg)
{
	struct act_msg msg;

	(void)arg;
	must_be(heph_try_send(heph_self(in), { .n = 1 }), 0);
	must_be(heph_try_send(heph_self(in), { .n = 2 }), 0);
	ready++;
	while (!go_on)
		if (heph_sleep(ctx, 10 * HEPH_USEC) < 0)
			return 0;
	while (heph_recv(ctx, in, &msg) == 0)
		;
	return 0;
}

static act_ref spawn_full(heph_ctx ctx, int on)
{
	act_ref ref;

	go_on = false;
	ready = 0;
	must_be(heph_spawn(ctx, act, &ref, { read_late, NULL }, .on = on,
			   .inbox = 2),
		0);
	while (!ready)
		must_be(heph_sleep(ctx, HEPH_USEC), 0);
	return ref;
}

static int wait_for_room(heph_ctx ctx, act_inbox in, void *arg)
{
	act_ref to;

	(void)in, (void)arg;
	for (int on = 1; on <= 2; on++) {
		to = spawn_full(ctx, on);
		must_be(heph_try_send(to, { .n = 3 }), -EAGAIN);
		must_be(heph_wait(heph_within(ctx, HEPH_MSEC),
				  [0] = heph_on_room(to)),
			-ETIME);
		must_be(heph_wait(ctx, [0] = heph_on_room(to),
				  [1] = heph_on_time(0)),
			1);
		go_on = true;
		must_be(heph_wait(ctx, [0] = heph_on_room(to)), 0);
		must_be(heph_send(ctx, to, { .n = 3 }), 0);
		stop_and_join(ctx, to);
		must_be(heph_wait(ctx, [0] = heph_on_room(to)), 0); /* gone */
		to = spawn_on(ctx, on, answer_all, NULL);
		must_be(heph_wait(heph_until(ctx, 1), [0] = heph_on_room(to)), 0);
		stop_and_join(ctx, to);
	}
	return 0;
}

static void both_ways(act_fn *fn)
{
	heph_ctx ctx = begin(&two_workers);

	must_be(fn(ctx, (act_inbox){ .inbox = NULL }, NULL), 0); /* a thread */
	end(ctx);
	run(fn, NULL);
}

static void is_waited_for(void **state)
{
	(void)state;
	both_ways(wait_for_room);
}

/* Says that it waits by a message to itself that comes first. */
static int wait_until_gone(heph_ctx ctx, act_inbox in, void *arg)
{
	act_ref to = *(act_ref *)arg;

	(void)in;
	ready++;
	must_be(heph_wait(ctx, [0] = heph_on_room(to)), 0);
	must_be(heph_try_send(to, { .n = 1 }), -ESRCH);
	return 0;
}

static int end_the_target(heph_ctx ctx, act_inbox in, void *arg)
{
	static act_ref to;
	act_ref ref;

	(void)in, (void)arg;
	for (int i = 0; i < 4; i++) {
		to = spawn_full(ctx, HEPH_WORKER(i % 2));
		ref = spawn_on(ctx, HEPH_WORKER(i / 2), wait_until_gone, &to);
		while (ready < 2)
			must_be(heph_sleep(ctx, HEPH_USEC), 0);
		stop_and_join(ctx, to);
		must_be(heph_join(ctx, ref, NULL), 0);
	}
	return 0;
}

static void comes_with_the_end_of_the_actor(void **state)
{
	(void)state;
	both_ways(end_the_target);
}

static int wait_until_stopped(heph_ctx ctx, act_inbox in, void *arg)
{
	(void)in;
	ready++;
	must_be(heph_wait(ctx, [0] = heph_on_room(*(act_ref *)arg)), -ECANCELED);
	return 0;
}

static int stop_who_waits(heph_ctx ctx, act_inbox in, void *arg)
{
	static act_ref to;
	act_ref ref;

	(void)in, (void)arg;
	for (int i = 0; i < 4; i++) {
		to = spawn_full(ctx, HEPH_WORKER(i % 2));
		ref = spawn_on(ctx, HEPH_WORKER(i / 2), wait_until_stopped, &to);
		while (ready < 2)
			must_be(heph_sleep(ctx, HEPH_USEC), 0);
		stop_and_join(ctx, ref);
		stop_and_join(ctx, to);
	}
	return 0;
}

static void is_given_up_at_a_stop(void **state)
{
	(void)state;
	both_ways(stop_who_waits);
}

/* More than may be under way to one actor: the sender sees no room though the
 * inbox is large. */
enum { MANY = 5000 };

static int send_when_there_is_room(heph_ctx ctx, act_inbox in, void *arg)
{
	act_ref to;
	int err;

	(void)in, (void)arg;
	for (int on = 1; on <= 2; on++) {
		to = spawn_on(ctx, on, answer_all, NULL);
		for (int n = 0; n < MANY;) {
			err = heph_try_send(to, { .n = n });
			must(err == 0 || err == -EAGAIN);
			n += err == 0;
			if (err == -EAGAIN)
				must_be(heph_wait(ctx, [0] = heph_on_room(to)),
					0);
		}
		sync_with(ctx, to);
		stop_and_join(ctx, to);
	}
	return 0;
}

static void is_also_that_of_the_way(void **state)
{
	(void)state;
	both_ways(send_when_there_is_room);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(is_waited_for),
		cmocka_unit_test(comes_with_the_end_of_the_actor),
		cmocka_unit_test(is_given_up_at_a_stop),
		cmocka_unit_test(is_also_that_of_the_way),
	};

	return cmocka_run_group_tests_name("room", tests, NULL, NULL);
}
