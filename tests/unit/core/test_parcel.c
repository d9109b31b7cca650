/* SPDX-License-Identifier: MIT */
#include "core/parcel.h"

#include "rig.h"

/* More than a window. */
enum { MANY = 100 };

static struct log log_;

/* Sends numbers until it is told otherwise, and keeps the results. */
struct sender {
	act_ref to;
	long from, n;
	heph_time within; /* 0: no deadline */
	int results[MANY];
	int done;
};

static int send_numbers(heph_ctx ctx, act_inbox in, void *arg)
{
	struct sender *sender = arg;

	(void)in;
	if (sender->within)
		ctx = heph_within(ctx, sender->within);
	for (long n = 0; n < sender->n; n++) {
		sender->results[sender->done] =
			heph_send(ctx, sender->to, { .n = sender->from + n });
		sender->done++;
	}
	return 0;
}

static unsigned length(const struct heph_list *list)
{
	struct heph_list *node;
	unsigned n = 0;

	heph_list_each(node, list)
		n++;
	return n;
}

/* At the inbox, or at the lane of the other worker. */
static unsigned n_waiting(act_ref ref)
{
	struct heph_self *self = rig_self(ref);
	struct heph_lane *lane = atomic_load(&rig.heph.lanes[1]);

	return (self->ext ? length(&self->ext->parcels) : 0) +
	       (lane ? length(&lane->waiting) : 0);
}

static void setup(unsigned workers)
{
	rig_open(workers);
	log_ = (struct log){ .n = 0 };
}

/* Receives when the gate is opened. */
static int receive_later(heph_ctx ctx, act_inbox in, void *arg)
{
	gate(ctx);
	return collect(ctx, in, arg);
}

static void read_all_and_stop(act_ref ref)
{
	rig_open_gate(ref.addr);
	rig_settle();
	heph_stop(ref);
	rig_settle();
}

static void let_wait(unsigned from, unsigned inbox)
{
	struct sender sender = { .n = MANY };
	act_ref to;

	setup(2);
	to = rig_spawn_with(1, (receive_later, &log_), .inbox = inbox);
	sender.to = to;
	rig_spawn(from, send_numbers, &sender);
	rig_settle();
	assert_true(sender.done < MANY);
	assert_true(from != 1 || sender.done == (int)inbox);
	assert_int_equal(n_waiting(to), 1);
	read_all_and_stop(to);
	assert_int_equal(sender.done, MANY);
	assert_int_equal(log_.n, MANY);
	for (int n = 0; n < MANY; n++) {
		assert_int_equal(log_.got[n], n);
		assert_int_equal(sender.results[n], 0);
	}
	rig_close();
}

static void waits_for_room_on_its_worker(void **state)
{
	(void)state;
	let_wait(1, 1);
	let_wait(1, 3);
}

static void waits_for_room_on_another_worker(void **state)
{
	(void)state;
	let_wait(0, 1);
	let_wait(0, 3);
}

static void lets_all_waiting_senders_in(void **state)
{
	static struct sender senders[100];
	long sum = 0;
	act_ref to;

	(void)state;
	setup(2);
	to = rig_spawn_with(1, (receive_later, &log_), .inbox = 1);
	for (int i = 0; i < 100; i++) {
		senders[i] = (struct sender){ .to = to, .from = i, .n = 1 };
		rig_spawn(i % 2, send_numbers, &senders[i]);
	}
	rig_settle();
	read_all_and_stop(to);
	assert_int_equal(log_.n, 100);
	for (int i = 0; i < 100; i++)
		sum += log_.got[i];
	assert_int_equal(sum, 99 * 100 / 2);
	rig_close();
}

/* The sender gives up; then the receiver reads. */
static void give_up(unsigned from, heph_time within)
{
	struct sender sender = { .n = MANY, .within = within };
	int n = 0, expected = within ? -ETIME : -ECANCELED;
	act_ref to, ref;

	setup(2);
	to = rig_spawn_with(1, (receive_later, &log_), .inbox = 1);
	sender.to = to;
	ref = rig_spawn(from, send_numbers, &sender);
	rig_settle();
	if (!within) {
		heph_stop(ref);
		rig_settle();
	}
	assert_int_equal(sender.done, MANY);
	for (; n < MANY && sender.results[n] == 0; n++)
		;
	assert_true(from == 1 ? n == 1 : n >= 1 && n <= 1 + HEPH_WINDOW);
	for (int i = n; i < MANY; i++)
		assert_int_equal(sender.results[i], expected);
	read_all_and_stop(to);
	assert_int_equal(log_.n, n);
	assert_int_equal(act_dropped, 0); /* still the sender's */
	rig_close();
}

static void is_given_up_at_a_deadline(void **state)
{
	(void)state;
	give_up(1, HEPH_MSEC);
	give_up(0, HEPH_MSEC);
}

static void is_given_up_at_a_stop(void **state)
{
	(void)state;
	give_up(1, 0);
	give_up(0, 0);
}

/* A sender that tries again and again, each time for a short while, must not
 * leave something behind each time. */
static void leaves_nothing_behind_when_given_up(void **state)
{
	struct sender sender = { .n = 100, .within = 1 };
	act_ref to;

	(void)state;
	for (unsigned from = 0; from < 2; from++) {
		setup(2);
		to = rig_spawn_with(1, (idle, NULL), .inbox = 1);
		sender.to = to;
		sender.done = 0;
		rig_spawn(from, send_numbers, &sender);
		rig_settle();
		assert_int_equal(sender.done, 100);
		assert_int_equal(n_waiting(to), 0);
		heph_stop(to);
		rig_settle();
		rig_close();
	}
}

static void comes_back_when_the_receiver_ends(void **state)
{
	(void)state;
	for (unsigned from = 0; from < 2; from++) {
		struct sender sender = { .n = 100 };
		int n = 0;
		act_ref to;

		setup(2);
		to = rig_spawn_with(1, (idle, NULL), .inbox = 1);
		sender.to = to;
		rig_spawn(from, send_numbers, &sender);
		rig_settle();
		heph_stop(to);
		rig_settle();
		assert_int_equal(sender.done, 100);
		for (int i = 0; i < 100; i++) {
			n += sender.results[i] == 0;
			assert_true(sender.results[i] == 0 ||
				    sender.results[i] == -ESRCH);
		}
		assert_int_equal(sender.results[99], -ESRCH);
		assert_int_equal(act_dropped, n);
		rig_close();
	}
}

static int receive_in_turn(heph_ctx ctx, act_inbox in, void *arg)
{
	struct act_msg msg;

	(void)arg;
	for (long n = 0; n < 5000; n++) {
		must(heph_recv(ctx, in, &msg) == 0);
		must(msg.n == n);
		if (n % 7 == 0)
			must(heph_yield(ctx) == 0);
	}
	return 0;
}

static int send_5000(heph_ctx ctx, act_inbox in, void *arg)
{
	const act_ref *to = arg;

	(void)in;
	for (long n = 0; n < 5000; n++)
		must(heph_send(ctx, *to, { .n = n }) == 0);
	return 0;
}

/* Lane and parcels take turns as the inbox is full, and not. */
static void keeps_the_order_against_the_lane(void **state)
{
	static const unsigned inboxes[] = { 1, 2, 5, 64, 500 };
	static act_ref to;

	(void)state;
	for (size_t i = 0; i < sizeof(inboxes) / sizeof(*inboxes); i++) {
		setup(2);
		to = rig_spawn_with(1, (receive_in_turn, NULL),
				    .inbox = inboxes[i]);
		rig_spawn(0, send_5000, &to);
		rig_settle();
		assert_int_equal(rig_count(1)->received, 5000);
		rig_close();
	}
}

/* Senders on both workers, none of which ever stops by itself. */
enum { STREAMS = 4, ENOUGH = 1000 };

static _Atomic long sent_by[STREAMS];

static bool all_had_enough(void)
{
	for (int i = 0; i < STREAMS; i++)
		if (sent_by[i] < ENOUGH)
			return false;
	return true;
}

struct stream {
	act_ref to;
	_Atomic long *sent;
};

static int stream_until_all_had_enough(heph_ctx ctx, act_inbox in, void *arg)
{
	struct stream *stream = arg;

	(void)in;
	while (!all_had_enough() && heph_send(ctx, stream->to, { .n = 1 }) == 0)
		++*stream->sent;
	return 0;
}

static int receive_until_all_had_enough(heph_ctx ctx, act_inbox in, void *arg)
{
	struct act_msg msg;

	(void)arg;
	while (!all_had_enough())
		must(heph_recv(ctx, in, &msg) == 0);
	return 0;
}

/* A sender that was passed over for ever would let this wait for ever. */
static void passes_nobody_over(void **state)
{
	static const unsigned inboxes[] = { 1, 3, 64, 500 };
	static struct stream streams[STREAMS];
	act_ref to;

	(void)state;
	for (size_t i = 0; i < sizeof(inboxes) / sizeof(*inboxes); i++) {
		rig_open_with(2, &heph_futex_driver);
		to = rig_spawn_with(1, (receive_until_all_had_enough, NULL),
				    .inbox = inboxes[i]);
		for (int n = 0; n < STREAMS; n++) {
			sent_by[n] = 0;
			streams[n] = (struct stream){ to, &sent_by[n] };
			rig_spawn((unsigned)n % 2, stream_until_all_had_enough,
				  &streams[n]);
		}
		rig_start();
		rig_join();
		rig_close();
	}
}

/* ---- plain threads ---------------------------------------------------------- */

static void *send_from_thread(void *arg)
{
	const act_ref *to = arg;
	heph_ctx ctx;

	must(heph_attach(&rig.heph, &ctx) == 0);
	for (long n = 0; n < 5000; n++)
		must(heph_send(ctx, *to, { .n = n }) == 0);
	heph_detach(ctx);
	return NULL;
}

static void *try_from_thread(void *arg)
{
	const act_ref *to = arg;
	int err;

	for (long n = 0; n < 5000; n++)
		while ((err = heph_try_send(*to, { .n = n })) != 0) {
			must(err == -EAGAIN);
			sched_yield();
		}
	return NULL;
}

static void carries_messages_of_threads(void **state)
{
	static act_ref to;
	pthread_t thread;

	(void)state;
	for (int i = 0; i < 4; i++) {
		rig_open_with(1, &heph_futex_driver);
		to = rig_spawn_with(0, (receive_in_turn, NULL),
				    .inbox = i & 1 ? 1 : 64);
		rig_start();
		assert_int_equal(pthread_create(&thread, NULL,
						i & 2 ? try_from_thread :
							send_from_thread,
						&to),
				 0);
		pthread_join(thread, NULL);
		rig_join();
		rig_close();
	}
}

static void bounds_what_threads_have_under_way(void **state)
{
	act_ref to;
	int n = 0;

	(void)state;
	setup(1);
	to = rig_spawn_with(0, (receive_later, &log_), .inbox = 3);
	while (heph_try_send(to, { .n = n }) == 0)
		n++;
	assert_int_equal(n, HEPH_WINDOW); /* nobody has opened the door */
	rig_step(0);
	assert_int_equal(heph_try_send(to, { .n = n }), -EAGAIN);
	read_all_and_stop(to);
	assert_int_equal(log_.n, n);
	rig_close();
}

/* ---- the bounds of an inbox --------------------------------------------------- */

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

/* Takes a message, and puts another one in its place within the turn. */
static int take_one_and_refill(heph_ctx ctx, act_inbox in, void *arg)
{
	const act_ref *self = arg;
	struct act_msg msg;

	gate(ctx);
	must(heph_try_recv(in, &msg) == 0);
	must(heph_try_send(*self, { .n = 1 }) == 0);
	return idle(ctx, in, NULL);
}

/* What is under way fills the inbox while somebody wants in: there is no grant
 * for a second window. */
static void exceeds_an_inbox_by_one_window_at_most(void **state)
{
	enum { INBOX = 4, UNDER_WAY = 60 };
	struct sender first = { .n = UNDER_WAY }, second = { .n = MANY };
	act_ref to;

	(void)state;
	setup(2);
	to = rig_spawn_with(1, (take_one_and_refill, &to), .inbox = INBOX);
	first.to = second.to = to;
	rig_step(1);
	rig_spawn(0, send_numbers, &first);
	rig_step(0);
	assert_int_equal(first.done, UNDER_WAY);
	for (int n = 0; n < INBOX; n++)
		assert_int_equal(put(to, n), 0);
	rig_spawn(0, send_numbers, &second);
	rig_step(0);
	assert_int_equal(second.done, 0); /* it wants room */
	rig_open_gate(to.addr);
	rig_settle();
	assert_true(rig_self(to)->n <= INBOX + HEPH_WINDOW);
	heph_stop(to);
	rig_settle();
	assert_int_equal(second.done, MANY);
	rig_close();
}

/* Takes one when the gate is opened. */
static int take_one(heph_ctx ctx, act_inbox in, void *arg)
{
	struct act_msg msg;

	gate(ctx);
	must(heph_try_recv(in, &msg) == 0);
	return idle(ctx, in, arg);
}

/* Who wanted in has given up: the inbox does not stay open for threads. */
static void is_shut_again_if_nobody_uses_a_grant(void **state)
{
	enum { INBOX = 4 };
	struct sender sender = { .n = 1 };
	act_ref to, ref;

	(void)state;
	setup(2);
	to = rig_spawn_with(1, (take_one, NULL), .inbox = INBOX);
	rig_step(1);
	for (int n = 0; n < INBOX; n++)
		assert_int_equal(put(to, n), 0);
	sender.to = to;
	ref = rig_spawn(0, send_numbers, &sender);
	rig_step(0);
	heph_stop(ref);
	rig_settle();
	assert_int_equal(sender.results[0], -ECANCELED);
	rig_open_gate(to.addr);
	for (int n = 0; n < 10 * HEPH_WINDOW; n++) {
		rig_step(1);
		(void)!heph_try_send(to, { .n = n });
	}
	assert_true(rig_self(to)->n <= INBOX + HEPH_WINDOW);
	heph_stop(to);
	rig_settle();
	rig_close();
}

/* ---- memory ----------------------------------------------------------------- */

static void survives_every_refused_allocation(void **state)
{
	act_ref to;
	bool refused;
	long n = 0;

	(void)state;
	do {
		struct sender near = { .n = 3 }, far = { .n = 70 };
		int accepted = 0;

		setup(2);
		to = rig_spawn_with(1, (receive_later, &log_), .inbox = 1);
		near.to = far.to = to;
		rig_spawn(1, send_numbers, &near);
		rig_spawn(0, send_numbers, &far);
		rig_refuse(++n);
		rig_settle();
		rig_open_gate(to.addr);
		rig_settle();
		refused = rig_refused();
		heph_stop(to);
		rig_settle();
		assert_int_equal(near.done, 3);
		assert_int_equal(far.done, 70);
		for (int i = 0; i < 3; i++)
			accepted += near.results[i] == 0;
		for (int i = 0; i < 70; i++)
			accepted += far.results[i] == 0;
		assert_true(refused ? accepted >= 71 : accepted == 73);
		assert_int_equal(log_.n + act_dropped, accepted);
		rig_close();
	} while (refused);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(waits_for_room_on_its_worker),
		cmocka_unit_test(waits_for_room_on_another_worker),
		cmocka_unit_test(lets_all_waiting_senders_in),
		cmocka_unit_test(is_given_up_at_a_deadline),
		cmocka_unit_test(is_given_up_at_a_stop),
		cmocka_unit_test(leaves_nothing_behind_when_given_up),
		cmocka_unit_test(comes_back_when_the_receiver_ends),
		cmocka_unit_test(keeps_the_order_against_the_lane),
		cmocka_unit_test(passes_nobody_over),
		cmocka_unit_test(carries_messages_of_threads),
		cmocka_unit_test(bounds_what_threads_have_under_way),
		cmocka_unit_test(exceeds_an_inbox_by_one_window_at_most),
		cmocka_unit_test(is_shut_again_if_nobody_uses_a_grant),
		cmocka_unit_test(survives_every_refused_allocation),
	};

	return cmocka_run_group_tests_name("parcel", tests, NULL, NULL);
}
