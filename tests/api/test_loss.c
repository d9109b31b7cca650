/* SPDX-License-Identifier: MIT */
/* Messages that are lost on purpose. */
#include "act.h"

#include <heph/test.h>

#include <pthread.h>

enum { ROUND = 100, MESSAGES = 10 * ROUND };

/* Which messages came. */
static bool came[MESSAGES];

static int take_down(heph_ctx ctx, act_inbox in, void *arg)
{
	struct act_msg msg;

	(void)arg;
	while (heph_recv(ctx, in, &msg) == 0) {
		free(msg.owned);
		if (msg.asks)
			heph_answer(msg.answer, msg.n + 1);
		else
			came[msg.n] = true;
	}
	return 0;
}

static int count(const bool *bools, int n)
{
	int sum = 0;

	for (int i = 0; i < n; i++)
		sum += bools[i];
	return sum;
}

/* Sends in each of the three ways. */
static void send_all(heph_ctx ctx, act_ref ref)
{
	struct act_msg msg;

	memset(&msg, 0, sizeof(msg)); /* padding as well: the stack rule looks */
	for (long n = 0; n < MESSAGES; n++) {
		msg.n = n;
		msg.owned = malloc(1);
		if (n % 3 == 0)
			must_be(heph_send(ctx, ref, msg), 0);
		else if (n % 3 == 1)
			must_be(heph_try_send(ref, msg), 0);
		else
			heph_post(ref, msg);
		if (n % 32 == 0)
			sync_with(ctx, ref); /* so that there is room */
	}
	sync_with(ctx, ref);
}

/* Of any hundred in a row, as many as was said. */
static void check_share(unsigned percent)
{
	for (int n = 0; n + ROUND <= MESSAGES; n++)
		must_be(count(came + n, ROUND), ROUND - (int)percent);
}

static void lose_share(heph_ctx ctx, act_ref ref, unsigned percent)
{
	long dropped = act_dropped;

	memset(came, 0, sizeof(came));
	must_be(heph_test_lose(percent, percent + 7), 0);
	send_all(ctx, ref);
	check_share(percent);
	must_be(heph_test_lost(), MESSAGES / ROUND * percent);
	must_be(act_dropped - dropped, MESSAGES / ROUND * percent);
	must_be(heph_test_lose(0, 0), 0);
	must_be(heph_test_lost(), 0);
}

static const unsigned shares[] = { 0, 1, 50, 99, 100 };

static void lose_shares(heph_ctx ctx, int on)
{
	act_ref ref = spawn_on(ctx, on, take_down, NULL);

	for (size_t n = 0; n < sizeof(shares) / sizeof(*shares); n++)
		lose_share(ctx, ref, shares[n]);
	memset(came, 0, sizeof(came));
	send_all(ctx, ref); /* it is over */
	must_be(count(came, MESSAGES), MESSAGES);
	stop_and_join(ctx, ref);
}

static int from_an_actor(heph_ctx ctx, act_inbox in, void *arg)
{
	(void)in, (void)arg;
	lose_shares(ctx, HEPH_WORKER(0));
	lose_shares(ctx, HEPH_WORKER(1));
	return 0;
}

static void exactly_so_many_are_lost(void **state)
{
	(void)state;
	run(from_an_actor, NULL);
}

static void exactly_so_many_of_a_thread_are_lost(void **state)
{
	heph_ctx ctx = begin(&two_workers);

	(void)state;
	lose_shares(ctx, HEPH_WORKER(0));
	end(ctx);
}

static void actor_ref_message_loss(void **state)
{
	heph_ctx ctx = begin(&two_workers);
	act_ref ref = spawn_on(ctx, HEPH_HERE, take_down, NULL);

	(void)state;
	memset(came, 0, sizeof(came));
	must_be(heph_try_send(ref, { .n = 1 }), 0);
	must_be(heph_test_lose(100, 1), 0);
	must_be(heph_try_send(ref, { .n = 2 }), 0);
	sync_with(ctx, ref);
	must(came[1] && !came[2]);
	must_be(heph_test_lose(0, 0), 0);
	stop_and_join(ctx, ref);
	end(ctx);
}

static void the_seed_decides_which(void **state)
{
	static bool first[MESSAGES];
	heph_ctx ctx = begin(&two_workers);
	act_ref ref = spawn_on(ctx, HEPH_HERE, take_down, NULL);

	(void)state;
	for (uint64_t seed = 1; seed <= 3; seed++) {
		memset(came, 0, sizeof(came));
		must_be(heph_test_lose(50, seed == 3 ? 1 : seed), 0);
		send_all(ctx, ref);
		if (seed == 1)
			memcpy(first, came, sizeof(came));
		must((memcmp(first, came, sizeof(came)) == 0) == (seed != 2));
	}
	must_be(heph_test_lose(0, 0), 0);
	stop_and_join(ctx, ref);
	end(ctx);
}

static void more_than_all_cannot_be_lost(void **state)
{
	(void)state;
	must_be(heph_test_lose(101, 0), -EINVAL);
	must_be(heph_test_lose((unsigned)-1, 0), -EINVAL);
}

static void lost_in_a_runtime_that_begins_later(void **state)
{
	heph_ctx ctx;
	act_ref ref;

	(void)state;
	must_be(heph_test_lose(100, 1), 0);
	ctx = begin(&two_workers);
	ref = spawn_on(ctx, HEPH_HERE, idle, NULL);
	heph_post(ref, { .n = 1 });
	must_be(heph_test_lost(), 1);
	must_be(act_dropped, 1);
	stop_and_join(ctx, ref);
	end(ctx);
	must_be(heph_test_lose(0, 0), 0);
}

static _Atomic bool over;

static void *switch_on_and_off(void *arg)
{
	(void)arg;
	for (unsigned n = 0; !over; n++)
		must_be(heph_test_lose(n % 2 ? 30 : 0, n), 0);
	return NULL;
}

static int send_meanwhile(heph_ctx ctx, act_inbox in, void *arg)
{
	act_ref ref = spawn_on(ctx, HEPH_HERE, take_down, NULL);

	(void)in, (void)arg;
	for (int n = 0; n < 5; n++)
		send_all(ctx, ref);
	stop_and_join(ctx, ref);
	return 0;
}

static void can_be_switched_while_messages_are_sent(void **state)
{
	pthread_t thread;

	(void)state;
	over = false;
	must_be(pthread_create(&thread, NULL, switch_on_and_off, NULL), 0);
	run(send_meanwhile, NULL);
	over = true;
	pthread_join(thread, NULL);
	must_be(heph_test_lose(0, 0), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(exactly_so_many_are_lost),
		cmocka_unit_test(exactly_so_many_of_a_thread_are_lost),
		cmocka_unit_test(actor_ref_message_loss),
		cmocka_unit_test(the_seed_decides_which),
		cmocka_unit_test(more_than_all_cannot_be_lost),
		cmocka_unit_test(lost_in_a_runtime_that_begins_later),
		cmocka_unit_test(can_be_switched_while_messages_are_sent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
