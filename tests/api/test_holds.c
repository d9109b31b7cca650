/* SPDX-License-Identifier: MIT */
/* heph_hold(), heph_release(), .held. */
#include "peer.h"

static peer_ref held_on(heph_ctx ctx, int on)
{
	peer_ref ref;

	must_be(heph_spawn(ctx, peer, &ref, .on = on, .held = true), 0);
	must_be(heph_monitor(ctx, ref), 0);
	return ref;
}

#define everywhere(i_)                                                         \
	for (size_t i_ = 0; i_ < sizeof(all_places) / sizeof(*all_places); i_++)

static void the_spawner_has_the_first_hold(void **state)
{
	heph_ctx ctx = begin(&two_workers);
	peer_ref ref;

	(void)state;
	everywhere(i)
	{
		ref = held_on(ctx, all_places[i].b);
		must_live(ctx, ref);
		must_be(heph_release(ctx, ref), 0);
		must_end(ctx, ref, 0, NULL);
		must_be(heph_release(ctx, ref), -ENOENT);
		must_be(heph_hold(ctx, ref), -ESRCH);
	}
	end(ctx);
}

static void holds_are_counted(void **state)
{
	heph_ctx ctx = begin(&two_workers);
	peer_ref ref, other;

	(void)state;
	everywhere(i)
	{
		ref = held_on(ctx, all_places[i].a);
		other = peer_on(ctx, all_places[i].b, NULL);
		must_be(heph_hold(ctx, ref), 0);
		must_be(ask(ctx, other, PEER_HOLD, ref_of(ref)), 0);
		must_be(heph_release(ctx, ref), 0);
		must_live(ctx, ref);
		must_be(heph_release(ctx, ref), 0);
		must_be(heph_release(ctx, ref), -ENOENT);
		must_live(ctx, ref); /* the other one has one */
		must_be(ask(ctx, other, PEER_RELEASE, ref_of(ref)), 0);
		must_end(ctx, ref, 0, NULL);
		stop_it(ctx, other);
	}
	end(ctx);
}

static void holds_end_with_their_holder(void **state)
{
	heph_ctx ctx = begin(&two_workers);
	peer_ref ref, other;

	(void)state;
	everywhere(i)
	{
		ref = held_on(ctx, all_places[i].a);
		other = peer_on(ctx, all_places[i].b, NULL);
		must_be(ask(ctx, other, PEER_HOLD, ref_of(ref)), 0);
		must_be(ask(ctx, other, PEER_HOLD, ref_of(ref)), 0);
		must_be(heph_release(ctx, ref), 0);
		must_live(ctx, ref);
		end_it(ctx, other, -EIO);
		must_end(ctx, other, -EIO, NULL);
		must_end(ctx, ref, 0, NULL);
	}
	end(ctx);
}

static enum heph_verdict once_more(const struct heph_exit *why,
				   struct act_arg *arg)
{
	(void)why, (void)arg;
	return HEPH_RESTART;
}

struct holder {
	peer_ref who;
	_Atomic int lives;
};

static int hold_in_first_life(heph_ctx ctx, act_inbox in, void *arg)
{
	struct holder *holder = arg;

	(void)in;
	if (holder->lives++)
		return heph_sleep(ctx, HEPH_NEVER);
	must_be(heph_hold(ctx, holder->who), 0);
	return -EIO;
}

static void holds_end_with_a_restart(void **state)
{
	heph_ctx ctx = begin(&two_workers);
	struct holder holder;
	act_ref ref;

	(void)state;
	for (int on = HEPH_WORKER(0); on <= HEPH_WORKER(1); on++) {
		holder.lives = 0;
		holder.who = held_on(ctx, HEPH_WORKER(0));
		must_be(heph_spawn(ctx, act, &ref,
				   { hold_in_first_life, &holder }, .on = on,
				   .decide = once_more),
			0);
		while (holder.lives < 2)
			sched_yield();
		must_be(heph_release(ctx, holder.who), 0);
		must_end(ctx, holder.who, 0, NULL);
		stop_and_join(ctx, ref);
	}
	end(ctx);
}

/* ---- what was sent before is received ------------------------------------------ */

enum { MANY = 300 };

struct taker {
	_Atomic int got;
	int slowly; /* messages after which it waits for something else */
};

static int take(heph_ctx ctx, act_inbox in, void *arg)
{
	struct taker *taker = arg;
	struct act_msg msg;
	int err;

	while ((err = heph_recv(ctx, in, &msg)) == 0) {
		taker->got++;
		if (taker->slowly) /* released meanwhile; it is not stopped */
			must_be(heph_sleep(ctx, HEPH_USEC), 0);
	}
	must_be(err, -ECANCELED);
	must(heph_stopping(ctx));
	return 0;
}

struct giving {
	int to;
	int n;
	bool slowly;
	struct taker taker;
};

/* Spawns, sends, releases, and waits for the end. */
static int give(heph_ctx ctx, act_inbox in, void *arg)
{
	struct giving *giving = arg;
	struct heph_exit exit;
	act_ref ref;

	(void)in;
	giving->taker.got = 0;
	giving->taker.slowly = giving->slowly;
	must_be(heph_spawn(ctx, act, &ref, { take, &giving->taker },
			   .on = giving->to, .held = true),
		0);
	for (int i = 0; i < giving->n; i++)
		must_be(heph_send(ctx, ref, { .n = i }), 0);
	must_be(heph_release(ctx, ref), 0);
	must_be(heph_join(ctx, ref, &exit), 0);
	must(exit.err == 0 || exit.err == -ESRCH);
	must_be(giving->taker.got, giving->n);
	return 0;
}

static void messages_that_are_there_are_received(void **state)
{
	heph_ctx ctx = begin(&two_workers);
	struct giving giving;

	(void)state;
	everywhere(i)
	{
		for (int n = 1; n <= MANY; n *= 300) {
			giving = (struct giving){ .to = all_places[i].b,
						  .n = n,
						  .slowly = n == 1 };
			must_be(heph_join(ctx,
					  spawn_on(ctx, all_places[i].a, give,
						   &giving),
					  NULL),
				0);
			give(ctx, (act_inbox){ { .inbox = NULL } }, &giving);
		}
	}
	end(ctx);
}

/* A hold is handed over: who gets it makes its own and says so, then the first
 * one is released. */
struct relay {
	act_ref first;
	peer_ref who;
};

static int take_over(heph_ctx ctx, act_inbox in, void *arg)
{
	struct relay *relay = arg;
	struct act_msg msg;

	must_be(heph_recv(ctx, in, &msg), 0);
	must_be(heph_hold(ctx, relay->who), 0);
	must_be(heph_send(ctx, relay->first, { .n = 0 }), 0);
	must_be(heph_recv(ctx, in, &msg), 0);
	must(heph_alive(relay->who));
	return 0;
}

static int hand_over(heph_ctx ctx, act_inbox in, void *arg)
{
	static struct relay relay;
	act_ref second = spawn_on(ctx, HEPH_WORKER(1), take_over, &relay);
	struct act_msg msg;
	long answer;

	(void)arg;
	relay.first = heph_self(in);
	must_be(heph_spawn(ctx, peer, &relay.who, .held = true), 0);
	must_be(heph_send(ctx, second, { .n = 0 }), 0);
	must_be(heph_recv(ctx, in, &msg), 0);
	must_be(heph_release(ctx, relay.who), 0);
	must_be(heph_call(ctx, relay.who, answer, &answer,
			  { .what = PEER_SYNC }),
		0);
	must_be(heph_send(ctx, second, { .n = 0 }), 0);
	must_be(heph_join(ctx, second, NULL), 0);
	must_be(heph_join(ctx, relay.who, NULL), 0);
	return 0;
}

static void a_hold_can_be_handed_over(void **state)
{
	(void)state;
	for (int i = 0; i < 20; i++)
		run(hand_over, NULL);
}

/* ---- besides ------------------------------------------------------------------- */

static void others_are_held_without_effect(void **state)
{
	heph_ctx ctx = begin(&two_workers);
	peer_ref ref;

	(void)state;
	everywhere(i)
	{
		ref = peer_on(ctx, all_places[i].b, NULL);
		must_be(heph_release(ctx, ref), -ENOENT);
		must_be(heph_hold(ctx, ref), 0);
		must_be(heph_release(ctx, ref), 0);
		must_live(ctx, ref);
		must_be(heph_hold(ctx, ref), 0);
		stop_it(ctx, ref);
		must_be(heph_release(ctx, ref), -ENOENT);
	}
	end(ctx);
}

HEPH_ACTOR(mute, void, void);

static int mute_main(heph_ctx ctx)
{
	return heph_sleep(ctx, HEPH_NEVER);
}
HEPH_ACTOR_MAIN(mute, mute_main);

static void one_without_messages_is_stopped_at_once(void **state)
{
	heph_ctx ctx = begin(&two_workers);
	struct heph_exit exit;
	mute_ref ref;

	(void)state;
	everywhere(i)
	{
		must_be(heph_spawn(ctx, mute, &ref, .on = all_places[i].b,
				   .held = true),
			0);
		must_be(heph_monitor(ctx, ref), 0);
		must_be(heph_release(ctx, ref), 0);
		must_end(ctx, (peer_ref){ { .addr = ref.addr } }, 0, &exit);
	}
	end(ctx);
}

/* Not restarted: it was asked to stop. */
static int fail_when_unheld(heph_ctx ctx, act_inbox in, void *arg)
{
	struct act_msg msg;
	struct holder *holder = arg;

	holder->lives++;
	must_be(heph_recv(ctx, in, &msg), -ECANCELED);
	return -EIO;
}

static void who_is_unheld_is_not_restarted(void **state)
{
	heph_ctx ctx = begin(&two_workers);
	struct holder holder = { .lives = 0 };
	act_ref ref;

	(void)state;
	must_be(heph_spawn(ctx, act, &ref, { fail_when_unheld, &holder },
			   .decide = once_more, .held = true),
		0);
	must_be(heph_monitor(ctx, ref), 0);
	must_be(heph_release(ctx, ref), 0);
	must_end(ctx, (peer_ref){ { .addr = ref.addr } }, -EIO, NULL);
	must_be(holder.lives, 1);
	end(ctx);
}

static _Atomic bool released;

/* It fails after it was released, and is restarted for the message that is left:
 * it still ends when it waits for another. With the last one in hand it would
 * not have been restarted. */
static int fail_first(heph_ctx ctx, act_inbox in, void *arg)
{
	struct act_msg msg;
	struct holder *holder = arg;

	must_be(heph_recv(ctx, in, &msg), 0);
	if (++holder->lives > msg.n)
		return heph_recv(ctx, in, &msg);
	while (!released)
		must_be(heph_sleep(ctx, 10 * HEPH_USEC), 0);
	return -EIO;
}

static void a_restart_does_not_forget_it(void **state)
{
	heph_ctx ctx = begin(&two_workers);
	act_ref neighbour = spawn_on(ctx, HEPH_WORKER(0), answer_all, NULL);
	struct holder holder;
	act_ref ref;

	(void)state;
	for (int n = 1; n <= 2; n++) {
		holder = (struct holder){ .lives = 0 };
		released = false;
		must_be(heph_spawn(ctx, act, &ref, { fail_first, &holder },
				   .on = HEPH_WORKER(0), .decide = once_more,
				   .held = true),
			0);
		for (int i = 0; i < n; i++)
			must_be(heph_send(ctx, ref, { .n = 1 }), 0);
		must_be(heph_monitor(ctx, ref), 0);
		must_be(heph_release(ctx, ref), 0);
		sync_with(ctx, neighbour); /* so it has arrived there */
		released = true;
		must_end(ctx, (peer_ref){ { .addr = ref.addr } },
			 n == 1 ? -EIO : 0, NULL);
		must_be(holder.lives, n);
	}
	stop_and_join(ctx, neighbour);
	end(ctx);
}

/* ---- pauses before a restart ----------------------------------------------- */

static int fail_at_once(heph_ctx ctx, act_inbox in, void *arg)
{
	struct holder *holder = arg;

	(void)ctx, (void)in;
	holder->lives++;
	return -EIO;
}

static void a_pause_ends_with_the_last_hold(void **state)
{
	heph_ctx ctx = begin(&two_workers);
	struct holder holder;
	act_ref ref;

	(void)state;
	everywhere(i)
	{
		holder = (struct holder){ .lives = 0 };
		must_be(heph_spawn(ctx, act, &ref, { fail_at_once, &holder },
				   .on = all_places[i].b, .held = true,
				   .restarts = { .times = 1,
						 .backoff = 3600 * HEPH_SEC }),
			0);
		must_be(heph_monitor(ctx, ref), 0);
		while (!holder.lives)
			sched_yield();
		must_be(heph_hold(ctx, ref), 0);
		must_be(heph_release(ctx, ref), 0);
		must(heph_alive(ref));
		must_be(heph_release(ctx, ref), 0);
		must_end(ctx, (peer_ref){ { .addr = ref.addr } }, -EIO, NULL);
		must_be(holder.lives, 1);
	}
	end(ctx);
}

static int fail_once(heph_ctx ctx, act_inbox in, void *arg)
{
	struct holder *holder = arg;
	struct act_msg msg;

	if (!holder->lives++)
		return -EIO;
	while (heph_recv(ctx, in, &msg) == 0)
		holder->lives++;
	return 0;
}

static void messages_outlast_a_pause(void **state)
{
	heph_ctx ctx = begin(&two_workers);
	struct holder holder = { .lives = 0 };
	act_ref ref;

	(void)state;
	must_be(heph_spawn(ctx, act, &ref, { fail_once, &holder }, .held = true,
			   .restarts = { .times = 1, .backoff = HEPH_MSEC }),
		0);
	must_be(heph_monitor(ctx, ref), 0);
	must_be(heph_send(ctx, ref, { .n = 1 }), 0);
	must_be(heph_send(ctx, ref, { .n = 2 }), 0);
	must_be(heph_release(ctx, ref), 0);
	must_end(ctx, (peer_ref){ { .addr = ref.addr } }, 0, NULL);
	must_be(holder.lives, 4);
	end(ctx);
}

/* A child in a tree whose supervisor lets it go while it waits. */
static int release_a_child(heph_ctx ctx, act_inbox in, void *arg)
{
	struct heph_tree tree = { .times = 1, .backoff = 3600 * HEPH_SEC };
	static struct holder holder;
	act_ref ref;

	(void)in, (void)arg;
	must_be(heph_spawn(ctx, act, &ref, { fail_at_once, &holder },
			   .on = HEPH_WORKER(1), .held = true, .tree = &tree,
			   .restart = HEPH_PERMANENT),
		0);
	while (!holder.lives)
		must_be(heph_supervise(heph_within(ctx, HEPH_MSEC), &tree),
			-ETIME);
	must_be(heph_supervise(heph_within(ctx, HEPH_MSEC), &tree), -ETIME);
	must_be(heph_release(ctx, ref), 0);
	must_be(heph_supervise(ctx, &tree), 0);
	must_be(holder.lives, 1);
	return 0;
}

static void so_does_that_of_a_tree(void **state)
{
	(void)state;
	run(release_a_child, NULL);
}

static void a_thread_gives_back_its_holds(void **state)
{
	heph_ctx ctx = begin(&two_workers);

	(void)state;
	everywhere(i) must_be(heph_spawn(ctx, peer, NULL, .on = all_places[i].b,
					 .held = true),
			      0);
	heph_free(ctx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_spawner_has_the_first_hold),
		cmocka_unit_test(holds_are_counted),
		cmocka_unit_test(holds_end_with_their_holder),
		cmocka_unit_test(holds_end_with_a_restart),
		cmocka_unit_test(messages_that_are_there_are_received),
		cmocka_unit_test(a_hold_can_be_handed_over),
		cmocka_unit_test(others_are_held_without_effect),
		cmocka_unit_test(one_without_messages_is_stopped_at_once),
		cmocka_unit_test(who_is_unheld_is_not_restarted),
		cmocka_unit_test(a_restart_does_not_forget_it),
		cmocka_unit_test(a_pause_ends_with_the_last_hold),
		cmocka_unit_test(messages_outlast_a_pause),
		cmocka_unit_test(so_does_that_of_a_tree),
		cmocka_unit_test(a_thread_gives_back_its_holds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
