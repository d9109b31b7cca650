/* SPDX-License-Identifier: MIT */
/* Channels for one value. */
#include "act.h"

#include <pthread.h>

/* Owns memory, so that the sanitizers see what is dropped twice or never. */
struct num {
	long n;
	long *owned;
};

static _Atomic long dropped;

static void num_drop(struct num *num)
{
	must_be(*num->owned, num->n);
	free(num->owned);
	dropped++;
}

HEPH_ONESHOT(num, struct num, num_drop);

struct nothing {
};
HEPH_ONESHOT(nothing, struct nothing);

static num_sender tx;
static num_receiver rx;
static _Atomic int done;
static _Atomic long got;

static void open_shot(void)
{
	dropped = 0;
	done = 0;
	must_be(heph_oneshot_new(num, &tx, &rx), 0);
}

static int send_num(num_sender to, long n)
{
	struct num num = { n, malloc(sizeof(long)) };
	int err;

	*num.owned = n;
	err = heph_oneshot_send(to, num);
	if (err < 0)
		free(num.owned); /* it is still ours */
	return err;
}

static long number(int err, struct num num)
{
	if (err < 0)
		return err;
	must_be(*num.owned, num.n);
	free(num.owned);
	return num.n;
}

static long try_recv(void)
{
	struct num num = { 0 };
	int err = heph_oneshot_try_recv(rx, &num);

	return number(err, num);
}

static long recv_num(heph_ctx ctx)
{
	struct num num = { 0 };
	int err = heph_oneshot_recv(ctx, rx, &num);

	return number(err, num);
}

/* ---- without waiting -------------------------------------------------------------- */

static void single_send_recv(void **state)
{
	(void)state;
	open_shot();
	must_be(send_num(tx, 5), 0);
	must_be(try_recv(), 5);
	must_be(try_recv(), -EPIPE);
	heph_oneshot_free(rx);
	must_be(dropped, 0);
}

static void zero_sized_types(void **state)
{
	nothing_receiver receiver;
	nothing_sender sender;
	struct nothing value;

	(void)state;
	must_be(heph_oneshot_new(nothing, &sender, &receiver), 0);
	must_be(heph_oneshot_try_recv(receiver, &value), -EAGAIN);
	must_be(heph_oneshot_send(sender, {}), 0);
	must_be(heph_oneshot_recv(heph_no_ctx(), receiver, &value), 0);
	must_be(heph_oneshot_try_recv(receiver, &value), -EPIPE);
	heph_oneshot_free(receiver);
}

static void send_no_receiver(void **state)
{
	(void)state;
	open_shot();
	heph_oneshot_free(rx);
	must_be(send_num(tx, 5), -EPIPE);
	must_be(dropped, 0);
}

static void receive_no_value(void **state)
{
	(void)state;
	open_shot();
	must_be(try_recv(), -EAGAIN);
	must_be(recv_num((heph_ctx){ 0 }), -ETIME);
	must_be(recv_num(heph_within(heph_no_ctx(), HEPH_MSEC)), -ETIME);
	must_be(send_num(tx, 1), 0);
	must_be(recv_num((heph_ctx){ 0 }), 1); /* it need not wait */
	heph_oneshot_free(rx);
}

static void receive_no_sender(void **state)
{
	(void)state;
	open_shot();
	heph_oneshot_free(tx);
	must_be(try_recv(), -EPIPE);
	must_be(recv_num(heph_no_ctx()), -EPIPE);
	heph_oneshot_free(rx);
}

static void is_connected(void **state)
{
	(void)state;
	open_shot();
	must(heph_oneshot_is_connected(tx) && heph_oneshot_is_connected(rx));
	must_be(send_num(tx, 1), 0);
	must(!heph_oneshot_is_connected(rx));
	heph_oneshot_free(rx);
	must_be(dropped, 1);
	open_shot();
	heph_oneshot_free(rx);
	must(!heph_oneshot_is_connected(tx));
	heph_oneshot_free(tx);
}

static void sender_sends_to(void **state)
{
	num_receiver other_rx;
	num_sender other_tx;

	(void)state;
	open_shot();
	must_be(heph_oneshot_new(num, &other_tx, &other_rx), 0);
	must(heph_oneshot_same(tx, rx));
	must(!heph_oneshot_same(tx, other_rx));
	must(!heph_oneshot_same(tx, other_tx));
	heph_oneshot_free(tx);
	heph_oneshot_free(rx);
	heph_oneshot_free(other_rx);
	heph_oneshot_free(other_tx);
	heph_oneshot_free((num_sender){ 0 });
	heph_oneshot_free((num_receiver){ 0 });
}

/* ---- reset ------------------------------------------------------------------------ */

static void reset_sender_alive(void **state)
{
	num_sender other;

	(void)state;
	open_shot();
	must_be(heph_oneshot_reset(rx, &other), -EBUSY);
	must(!other.shot);
	heph_oneshot_free(tx);
	heph_oneshot_free(rx);
}

/* What is done before the reset: sent or not, received or not; and after it. */
static void reset_shape(bool sent, bool received, bool again, bool sender_first)
{
	open_shot();
	if (sent)
		must_be(send_num(tx, 1), 0);
	else
		heph_oneshot_free(tx);
	if (received)
		must_be(try_recv(), sent ? 1 : -EPIPE);
	must_be(heph_oneshot_reset(rx, &tx), 0);
	must_be(dropped, sent && !received);
	must_be(try_recv(), -EAGAIN);
	must(heph_oneshot_same(tx, rx)); /* the memory is used again */
	if (again)
		must_be(send_num(tx, 2), 0);
	else if (sender_first)
		heph_oneshot_free(tx);
	heph_oneshot_free(rx);
	if (!again && !sender_first)
		heph_oneshot_free(tx);
	must_be(dropped, (sent && !received) + again);
}

static void reset(void **state)
{
	(void)state;
	for (int shape = 0; shape < 16; shape++)
		reset_shape(shape & 1, shape & 2, shape & 4, shape & 8);
}

static void many_resets(void **state)
{
	(void)state;
	open_shot();
	for (long n = 0; n < 100; n++) {
		must_be(send_num(tx, n), 0);
		must_be(try_recv(), n);
		must_be(heph_oneshot_reset(rx, &tx), 0);
	}
	heph_oneshot_free(tx);
	heph_oneshot_free(rx);
	must_be(dropped, 0);
}

/* ---- what is dropped ---------------------------------------------------------------- */

static void every_value_is_dropped_once(void **state)
{
	(void)state;
	open_shot();
	heph_oneshot_free(tx);
	heph_oneshot_free(rx);
	must_be(dropped, 0);
	open_shot();
	heph_oneshot_free(rx);
	heph_oneshot_free(tx);
	must_be(dropped, 0);
	open_shot();
	must_be(send_num(tx, 1), 0);
	heph_oneshot_free(rx);
	must_be(dropped, 1);
	open_shot();
	must_be(send_num(tx, 1), 0);
	must_be(try_recv(), 1);
	heph_oneshot_free(rx);
	must_be(dropped, 0);
}

static void *send_in_thread(void *arg)
{
	num_sender *sender = arg;

	got = send_num(*sender, 3);
	return NULL;
}

static void *free_in_thread(void *arg)
{
	num_sender *sender = arg;

	heph_oneshot_free(*sender);
	return NULL;
}

enum { ROUNDS = 300 };

/* The handles go at the same time. */
static void handles_go_at_once(void **state)
{
	pthread_t thread;

	(void)state;
	for (int n = 0; n < ROUNDS; n++) {
		open_shot();
		must_be(pthread_create(&thread, NULL,
				       n % 2 ? send_in_thread : free_in_thread,
				       &tx),
			0);
		for (volatile int i = 0; i < n * 20 % 4000; i++)
			;
		heph_oneshot_free(rx);
		pthread_join(thread, NULL);
		must_be(dropped, n % 2 && got == 0);
	}
}

/* ---- waiting -------------------------------------------------------------------------- */

static void a_thread_is_woken(void **state)
{
	pthread_t thread;

	(void)state;
	for (int n = 0; n < ROUNDS; n++) {
		open_shot();
		must_be(pthread_create(&thread, NULL,
				       n % 2 ? send_in_thread : free_in_thread,
				       &tx),
			0);
		must_be(recv_num(heph_no_ctx()), n % 2 ? 3 : -EPIPE);
		pthread_join(thread, NULL);
		heph_oneshot_free(rx);
		must_be(dropped, 0);
	}
}

/* It gives up at about the time of the send. */
static void an_impatient_thread(void **state)
{
	pthread_t thread;
	long n;

	(void)state;
	for (int round = 0; round < ROUNDS; round++) {
		open_shot();
		must_be(pthread_create(&thread, NULL, send_in_thread, &tx), 0);
		do
			n = recv_num(heph_within(heph_no_ctx(),
						 round % 60 * HEPH_USEC));
		while (n == -ETIME);
		must_be(n, 3);
		pthread_join(thread, NULL);
		heph_oneshot_free(rx);
	}
}

static int recv_actor(heph_ctx ctx, act_inbox in, void *arg)
{
	(void)in, (void)arg;
	got = recv_num(ctx);
	done++;
	return 0;
}

static int wait_actor(heph_ctx ctx, act_inbox in, void *arg)
{
	struct num num = { 0 };
	int err = heph_wait(ctx, heph_on_oneshot(rx, &num));

	(void)in, (void)arg;
	got = number(err, num);
	done++;
	return 0;
}

static act_ref start(heph_ctx ctx, act_fn *fn)
{
	act_ref ref = spawn_on(ctx, HEPH_HERE, fn, NULL);

	for (int n = 0; n < 3; n++)
		must_be(heph_yield(ctx), 0);
	must_be(done, 0);
	return ref;
}

static void join_it(heph_ctx ctx, act_ref ref, long wanted)
{
	must_be(heph_join(ctx, ref, NULL), 0);
	must_be(done, 1);
	must_be(got, wanted);
	done = 0;
}

static void wakes_with(heph_ctx ctx, act_fn *fn)
{
	act_ref ref;

	open_shot();
	ref = start(ctx, fn);
	must_be(send_num(tx, 7), 0);
	join_it(ctx, ref, 7);
	must_be(heph_oneshot_reset(rx, &tx), 0);
	ref = start(ctx, fn);
	must_be(send_num(tx, 8), 0);
	join_it(ctx, ref, 8);
	must_be(heph_oneshot_reset(rx, &tx), 0);
	ref = start(ctx, fn);
	heph_oneshot_free(tx);
	join_it(ctx, ref, -EPIPE);
	must_be(heph_oneshot_reset(rx, &tx), 0);
	ref = start(ctx, fn);
	heph_stop(ref);
	join_it(ctx, ref, -ECANCELED);
	ref = start(ctx, fn);
	must_be(send_num(tx, 9), 0);
	heph_stop(ref); /* what is there comes first */
	join_it(ctx, ref, 9);
	heph_oneshot_free(rx);
}

static int wakes(heph_ctx ctx, act_inbox in, void *arg)
{
	(void)in, (void)arg;
	wakes_with(ctx, recv_actor);
	wakes_with(ctx, wait_actor);
	return 0;
}

static void sending_wakes_receiver_also_after_reset(void **state)
{
	(void)state;
	run(wakes, NULL);
}

static int several(heph_ctx ctx, act_inbox in, void *arg)
{
	struct num num = { 0 };

	(void)in, (void)arg;
	open_shot();
	must_be(heph_wait(ctx, heph_on_oneshot(rx, &num),
			  heph_on_time(heph_now() + HEPH_MSEC)),
		1);
	must_be(heph_wait(heph_within(ctx, HEPH_MSEC),
			  heph_on_oneshot(rx, &num)),
		-ETIME);
	must_be(send_num(tx, 1), 0);
	must_be(heph_wait(ctx, heph_on_time(heph_now() + 1000 * HEPH_SEC),
			  heph_on_oneshot(rx, &num)),
		1);
	must_be(number(0, num), 1);
	must_be(heph_wait(ctx, heph_on_oneshot(rx, &num)), -EPIPE);
	must_be(recv_num(heph_within(ctx, 0)), -EPIPE);
	must_be(heph_oneshot_reset(rx, &tx), 0);
	must_be(recv_num(heph_within(ctx, HEPH_MSEC)), -ETIME);
	heph_oneshot_free(tx);
	heph_oneshot_free(rx);
	return 0;
}

static void is_a_clause(void **state)
{
	(void)state;
	run(several, NULL);
}

/* From one worker to the other, and from a stranger. */
static int send_far(heph_ctx ctx, act_inbox in, void *arg)
{
	(void)ctx, (void)in, (void)arg;
	must_be(send_num(tx, 3), 0);
	return 0;
}

static int across(heph_ctx ctx, act_inbox in, void *arg)
{
	pthread_t thread;
	act_ref ref;

	(void)in, (void)arg;
	for (int n = 0; n < ROUNDS; n++) {
		open_shot();
		ref = spawn_on(ctx, HEPH_WORKER(1), send_far, NULL);
		must_be(recv_num(ctx), 3);
		must_be(heph_oneshot_reset(rx, &tx), 0);
		must_be(pthread_create(&thread, NULL, send_in_thread, &tx), 0);
		must_be(recv_num(heph_within(ctx, HEPH_SEC * 10)), 3);
		pthread_join(thread, NULL);
		must_be(heph_join(ctx, ref, NULL), 0);
		heph_oneshot_free(rx);
	}
	return 0;
}

static void across_threads(void **state)
{
	(void)state;
	run(across, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(single_send_recv),
		cmocka_unit_test(zero_sized_types),
		cmocka_unit_test(send_no_receiver),
		cmocka_unit_test(receive_no_value),
		cmocka_unit_test(receive_no_sender),
		cmocka_unit_test(is_connected),
		cmocka_unit_test(sender_sends_to),
		cmocka_unit_test(reset_sender_alive),
		cmocka_unit_test(reset),
		cmocka_unit_test(many_resets),
		cmocka_unit_test(every_value_is_dropped_once),
		cmocka_unit_test(handles_go_at_once),
		cmocka_unit_test(a_thread_is_woken),
		cmocka_unit_test(an_impatient_thread),
		cmocka_unit_test(sending_wakes_receiver_also_after_reset),
		cmocka_unit_test(is_a_clause),
		cmocka_unit_test(across_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
