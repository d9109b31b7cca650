/* SPDX-License-Identifier: MIT */
/* heph_link(), heph_unlink(), heph_trap_exits(). */
#include "peer.h"

/* ---- one link -------------------------------------------------------------- */

static void fail_together(heph_ctx ctx, peer_ref a, peer_ref b)
{
	struct heph_exit exit;

	must_be_linked(ctx, a, b);
	end_it(ctx, a, -EIO);
	must_end(ctx, a, -EIO, NULL);
	must_end(ctx, b, -EIO, &exit);
	must(strcmp(exit.note, "linked actor anna failed") == 0);
}

static void fail_backwards(heph_ctx ctx, peer_ref a, peer_ref b)
{
	struct heph_exit exit;

	must_be_linked(ctx, a, b);
	must_be(heph_send(ctx, b, { .what = PEER_PANIC, .n = 7 }), 0);
	must_end(ctx, b, -ENOTRECOVERABLE, NULL);
	must_end(ctx, a, -ENOTRECOVERABLE, &exit);
	must(strstr(exit.note, "linked actor ben failed: peer.h:"));
	must(strstr(exit.note, ": number 7"));
}

static void a_failure_goes_along(void **state)
{
	(void)state;
	with_pairs(fail_together);
	with_pairs(fail_backwards);
}

static void end_well(heph_ctx ctx, peer_ref a, peer_ref b)
{
	must_be_linked(ctx, a, b);
	end_it(ctx, a, 0);
	must_end(ctx, a, 0, NULL);
	must_live(ctx, b);
	must_be(ask(ctx, b, PEER_UNLINK, ref_of(a)), -ENOENT);
	end_it(ctx, b, -EIO);
	must_end(ctx, b, -EIO, NULL);
}

static void stop_one(heph_ctx ctx, peer_ref a, peer_ref b)
{
	must_be_linked(ctx, a, b);
	stop_it(ctx, b);
	must_live(ctx, a);
	stop_it(ctx, a);
}

static void a_good_end_does_not(void **state)
{
	(void)state;
	with_pairs(end_well);
	with_pairs(stop_one);
}

static void link_wrongly(heph_ctx ctx, peer_ref a, peer_ref b)
{
	must_be(ask(ctx, a, PEER_LINK, ref_of(a)), -EDEADLK);
	must_be(ask(ctx, a, PEER_UNLINK, ref_of(b)), -ENOENT);
	must_be_linked(ctx, a, b);
	must_be(ask(ctx, a, PEER_LINK, ref_of(b)), -EEXIST);
	must_be(ask(ctx, b, PEER_LINK, ref_of(a)), -EEXIST);
	must_be(heph_link(ctx, a), -EOPNOTSUPP);
	must_be(heph_unlink(ctx, a), -ENOENT);
	stop_it(ctx, b);
	must_be(ask(ctx, a, PEER_LINK, ref_of(b)), -ESRCH);
	must_be(ask(ctx, a, PEER_LINK, (heph_ref){ .addr.id = 0 }), -ESRCH);
	stop_it(ctx, a);
}

static void wrong_links_are_refused(void **state)
{
	(void)state;
	with_pairs(link_wrongly);
}

static void undo_link(heph_ctx ctx, peer_ref a, peer_ref b)
{
	must_be_linked(ctx, a, b);
	must_be(ask(ctx, a, PEER_UNLINK, ref_of(b)), 0);
	must_be(ask(ctx, a, PEER_UNLINK, ref_of(b)), -ENOENT);
	must_live(ctx, b);
	must_be(ask(ctx, b, PEER_LINK, ref_of(a)), 0); /* and once more */
	must_be(ask(ctx, b, PEER_UNLINK, ref_of(a)), 0);
	end_it(ctx, a, -EIO);
	must_end(ctx, a, -EIO, NULL);
	must_live(ctx, b);
	stop_it(ctx, b);
}

static void undo_from_the_other_side(heph_ctx ctx, peer_ref a, peer_ref b)
{
	must_be_linked(ctx, a, b);
	must_be(ask(ctx, b, PEER_UNLINK, ref_of(a)), 0);
	must_be(ask(ctx, b, PEER_LINK, ref_of(a)), 0);
	end_it(ctx, a, -EIO);
	must_end(ctx, a, -EIO, NULL);
	must_end(ctx, b, -EIO, NULL);
}

static void a_link_can_be_undone(void **state)
{
	(void)state;
	with_pairs(undo_link);
	with_pairs(undo_from_the_other_side);
}

/* ---- trapping ---------------------------------------------------------------- */

static void set_trap(heph_ctx ctx, peer_ref ref, bool trap)
{
	long answer;

	must_be(heph_call(ctx, ref, answer, &answer,
			  { .what = PEER_TRAP, .n = trap }),
		0);
}

/* What it has got is there when we heard of the end. */
static void trap(heph_ctx ctx, peer_ref a, peer_ref b)
{
	static const int ends[] = { -EIO, 0 };
	peer_ref others[] = { b, peer_on(ctx, HEPH_WORKER(1), "cleo") };

	set_trap(ctx, a, true);
	for (int i = 0; i < 2; i++) {
		must_be_linked(ctx, a, others[i]);
		must_be(ask(ctx, a, PEER_DOWN, ref_of(a)), 1);
		end_it(ctx, others[i], ends[i]);
		must_end(ctx, others[i], ends[i], NULL);
		must_be(ask(ctx, a, PEER_DOWN, ref_of(a)), ends[i]);
		must_be(ask(ctx, a, PEER_DOWN, ref_of(a)), 1);
	}
	stop_it(ctx, a);
}

static void untrap(heph_ctx ctx, peer_ref a, peer_ref b)
{
	set_trap(ctx, a, true);
	set_trap(ctx, a, false);
	must_be_linked(ctx, a, b);
	end_it(ctx, b, -EIO);
	must_end(ctx, a, -EIO, NULL);
	must_end(ctx, b, -EIO, NULL);
}

static void leave_trapped(heph_ctx ctx, peer_ref a, peer_ref b)
{
	set_trap(ctx, a, true);
	must_be_linked(ctx, b, a);
	end_it(ctx, b, -EIO);
	must_end(ctx, b, -EIO, NULL);
	must_be(ask(ctx, a, PEER_UNLINK, ref_of(b)), 0); /* takes it away */
	must_be(ask(ctx, a, PEER_DOWN, ref_of(a)), 1);
	stop_it(ctx, a);
}

static void exits_can_be_trapped(void **state)
{
	(void)state;
	with_pairs(trap);
	with_pairs(untrap);
	with_pairs(leave_trapped);
}

/* ---- several links ------------------------------------------------------------ */

enum { MANY = 12 };

static void link_in_a_row(heph_ctx ctx, peer_ref *refs, int n, bool closed)
{
	for (int i = 0; i < n; i++)
		refs[i] = peer_on(ctx, HEPH_WORKER(i / 2 % 2), NULL);
	for (int i = 1; i < n; i++)
		must_be_linked(ctx, refs[i], refs[i - 1]);
	if (closed)
		must_be_linked(ctx, refs[0], refs[n - 1]);
}

static void all_must_end(heph_ctx ctx, peer_ref *refs, int n, int err)
{
	while (n--)
		must_end(ctx, refs[n], err, NULL);
}

static void chains_and_rings_fail_as_one(void **state)
{
	heph_ctx ctx = begin(&two_workers);
	peer_ref refs[MANY];

	(void)state;
	for (int closed = 0; closed < 2; closed++) {
		link_in_a_row(ctx, refs, MANY, closed);
		end_it(ctx, refs[MANY / 3], -EIO);
		all_must_end(ctx, refs, MANY, -EIO);
	}
	end(ctx);
}

static void everybody_fails_at_once(void **state)
{
	heph_ctx ctx = begin(&two_workers);
	peer_ref refs[MANY];

	(void)state;
	for (int i = 0; i < 20; i++) {
		link_in_a_row(ctx, refs, MANY, true);
		for (int n = 0; n < MANY; n++)
			heph_post(refs[n], { .what = PEER_END, .n = -EIO });
		all_must_end(ctx, refs, MANY, -EIO);
	}
	end(ctx);
}

/* ---- both at the same time ------------------------------------------------------ */

struct crossing {
	act_ref partner;
	_Atomic int *ready, *linked;
	int result;
};

static void await_both(heph_ctx ctx, _Atomic int *count)
{
	++*count;
	while (*count < 2) {
		sched_yield();
		must_be(heph_yield(ctx), 0);
	}
}

/* Links when both are there. Then one of them fails. */
static int cross(heph_ctx ctx, act_inbox in, void *arg)
{
	struct crossing *crossing = arg;
	struct act_msg msg;

	must_be(heph_recv(ctx, in, &msg), 0);
	heph_trap_exits(ctx, true);
	await_both(ctx, crossing->ready);
	crossing->result = heph_link(ctx, crossing->partner);
	await_both(ctx, crossing->linked);
	if (msg.n)
		return -EIO;
	must_be(heph_wait(ctx, heph_on_down(NULL)), 0);
	must_be(heph_wait(ctx, heph_on_down(NULL), heph_on_time(heph_now())),
		1);
	must_be(heph_unlink(ctx, crossing->partner), -ENOENT);
	return 0;
}

static void cross_once(heph_ctx ctx, int a, int b)
{
	_Atomic int ready = 0, linked = 0;
	struct crossing crossings[2] = { { .ready = &ready, .linked = &linked },
					 { .ready = &ready,
					   .linked = &linked } };
	act_ref refs[2] = { spawn_on(ctx, a, cross, &crossings[0]),
			    spawn_on(ctx, b, cross, &crossings[1]) };

	for (int i = 0; i < 2; i++) {
		crossings[i].partner = refs[1 - i];
		must_be(heph_send(ctx, refs[i], { .n = i }), 0);
	}
	for (int i = 0; i < 2; i++)
		must_be(heph_join(ctx, refs[i], NULL), 0);
	for (int i = 0; i < 2; i++)
		must(crossings[i].result == 0 ||
		     crossings[i].result == -EEXIST);
	must(crossings[0].result != crossings[1].result);
}

static void two_that_ask_each_other_get_one_link(void **state)
{
	heph_ctx ctx = begin(&two_workers);

	(void)state;
	for (int i = 0; i < 30; i++) {
		cross_once(ctx, HEPH_WORKER(i % 2), HEPH_WORKER(1 - i % 2));
		cross_once(ctx, HEPH_WORKER(0), HEPH_WORKER(0));
	}
	end(ctx);
}

/* ---- lives -------------------------------------------------------------------------- */

struct life {
	heph_ref partner;
	heph_time end_after; /* what it does in its second life */
	_Atomic int lives, noted;
};

static enum heph_verdict once_more(const struct heph_exit *why,
				   struct act_arg *arg)
{
	struct life *life = arg->arg;

	must_be(why->err, -EIO);
	if (strcmp(why->note, "linked actor ben failed") == 0)
		life->noted++;
	return HEPH_RESTART;
}

/* Its first life ends by itself or by its link, its second one by a stop. */
static int live_twice(heph_ctx ctx, act_inbox in, void *arg)
{
	struct life *life = arg;
	struct act_msg msg;
	int err;

	if (life->lives++ == 0)
		must_be(heph_link(ctx, life->partner), 0);
	else
		must_be(heph_unlink(ctx, life->partner), -ENOENT);
	while ((err = heph_recv(ctx, in, &msg)) == 0) {
		if (msg.asks)
			heph_answer(msg.answer, life->lives);
		else
			return (int)msg.n;
	}
	return err;
}

static act_ref spawn_twice(heph_ctx ctx, int on, struct life *life,
			   heph_ref partner)
{
	act_ref ref;
	long answer;

	*life = (struct life){ .partner = partner };
	must_be(heph_spawn(ctx, act, &ref, { live_twice, life }, .on = on,
			   .decide = once_more),
		0);
	must_be(heph_call(ctx, ref, answer, &answer, { .asks = true }), 0);
	must_be(answer, 1);
	return ref;
}

/* The life ends, so does the link; the next one has none. */
static void a_restart_ends_the_links_of_a_life(void **state)
{
	heph_ctx ctx = begin(&two_workers);
	struct life life;
	peer_ref ben;
	act_ref ref;

	(void)state;
	for (int on = HEPH_WORKER(0); on <= HEPH_WORKER(1); on++) {
		ben = peer_on(ctx, HEPH_WORKER(0), "ben");
		ref = spawn_twice(ctx, on, &life, ref_of(ben));
		must_be(heph_send(ctx, ref, { .n = -EIO }), 0);
		must_end(ctx, ben, -EIO, NULL);
		stop_and_join(ctx, ref);
		must_be(life.lives, 2);
		must_be(life.noted, 0);
	}
	end(ctx);
}

static void a_supervisor_decides_about_it(void **state)
{
	heph_ctx ctx = begin(&two_workers);
	struct life life;
	peer_ref ben;
	act_ref ref;

	(void)state;
	for (int on = HEPH_WORKER(0); on <= HEPH_WORKER(1); on++) {
		ben = peer_on(ctx, HEPH_WORKER(0), "ben");
		ref = spawn_twice(ctx, on, &life, ref_of(ben));
		end_it(ctx, ben, -EIO);
		must_end(ctx, ben, -EIO, NULL);
		while (life.lives < 2)
			sched_yield();
		stop_and_join(ctx, ref);
		must_be(life.noted, 1);
	}
	end(ctx);
}

/* ---- in the midst of something ----------------------------------------------------------- */

static void shield(heph_ctx ctx, peer_ref a, peer_ref b)
{
	must_be_linked(ctx, a, b);
	must_be(heph_send(ctx, a, { .what = PEER_SHIELD }), 0);
	must_live(ctx, a); /* behind its shield from now on */
	end_it(ctx, b, -EIO);
	must_end(ctx, b, -EIO, NULL);
	must_live(ctx, a); /* by its shield */
	must_end(ctx, a, -EIO, NULL);
}

static void a_shield_holds_it_up(void **state)
{
	(void)state;
	with_pairs(shield);
}

struct goodbye {
	_Atomic bool *go;
	_Atomic bool *here;
};

static void say_goodbye(heph_ctx ctx, struct goodbye *goodbye)
{
	*goodbye->here = true;
	while (!*goodbye->go)
		must_be(heph_sleep(ctx, HEPH_MSEC), 0);
}

static int end_slowly(heph_ctx ctx, act_inbox in, void *arg)
{
	struct goodbye *goodbye = arg;

	(void)in;
	must_be(heph_defer(ctx, say_goodbye, *goodbye), 0);
	return -EPERM;
}

/* One that is ending: the link tells of its end; and the end of another does
 * nothing to it. */
static void one_that_is_ending_can_be_linked(void **state)
{
	heph_ctx ctx = begin(&two_workers);
	_Atomic bool go, here;
	struct goodbye goodbye = { &go, &here };
	peer_ref a, b;
	act_ref slow;

	(void)state;
	for (int on = HEPH_WORKER(0); on <= HEPH_WORKER(1); on++) {
		go = here = false;
		a = peer_on(ctx, HEPH_WORKER(0), NULL);
		b = peer_on(ctx, HEPH_WORKER(0), NULL);
		slow = spawn_on(ctx, on, end_slowly, &goodbye);
		must_be(heph_monitor(ctx, slow), 0);
		while (!here)
			sched_yield();
		must_be(ask(ctx, a, PEER_LINK, ref_of(slow)), 0);
		must_be(ask(ctx, b, PEER_LINK, ref_of(slow)), 0);
		end_it(ctx, b, -EIO);
		must_end(ctx, b, -EIO, NULL);
		heph_stop(slow);
		must_live(ctx, a);
		go = true;
		must_end(ctx, a, -EPERM, NULL);
		must_end(ctx, (peer_ref){ { .addr = slow.addr } }, -EPERM,
			 NULL);
	}
	end(ctx);
}

static int link_stopped(heph_ctx ctx, act_inbox in, void *arg)
{
	heph_ref *who = arg;
	struct act_msg msg;

	must_be(heph_recv(ctx, in, &msg), -ECANCELED);
	must_be(heph_link(ctx, *who), -ECANCELED);
	must_be(heph_link(heph_shield(ctx, HEPH_NEVER), *who), 0);
	must_be(heph_unlink(ctx, *who), 0);
	return 0;
}

static void who_was_stopped_does_not_link(void **state)
{
	heph_ctx ctx = begin(&two_workers);
	peer_ref a = peer_on(ctx, HEPH_WORKER(0), NULL);
	heph_ref ref = ref_of(a);

	(void)state;
	for (int on = HEPH_WORKER(0); on <= HEPH_WORKER(1); on++)
		stop_and_join(ctx, spawn_on(ctx, on, link_stopped, &ref));
	stop_it(ctx, a);
	end(ctx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_failure_goes_along),
		cmocka_unit_test(a_good_end_does_not),
		cmocka_unit_test(wrong_links_are_refused),
		cmocka_unit_test(a_link_can_be_undone),
		cmocka_unit_test(exits_can_be_trapped),
		cmocka_unit_test(chains_and_rings_fail_as_one),
		cmocka_unit_test(everybody_fails_at_once),
		cmocka_unit_test(two_that_ask_each_other_get_one_link),
		cmocka_unit_test(a_restart_ends_the_links_of_a_life),
		cmocka_unit_test(a_supervisor_decides_about_it),
		cmocka_unit_test(a_shield_holds_it_up),
		cmocka_unit_test(one_that_is_ending_can_be_linked),
		cmocka_unit_test(who_was_stopped_does_not_link),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
