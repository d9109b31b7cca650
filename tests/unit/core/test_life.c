/* SPDX-License-Identifier: MIT */
#include "core/life.h"
#include "core/slot.h"

#include "rig.h"

/* What happened, in order: letters. */
static char trail[200];

static void setup(unsigned workers)
{
	rig_open(workers);
	trail[0] = '\0';
}

static void note(const char *what)
{
	must(strlen(trail) + strlen(what) < sizeof(trail));
	strcat(trail, what);
}

static void note_deferred(heph_ctx ctx, const char **what)
{
	(void)ctx;
	note(*what);
}

static int defer_note(heph_ctx ctx, const char *what)
{
	return heph_defer(ctx, note_deferred, what);
}

static void note_freed(void *what)
{
	note(what);
}

/* ---- the order of ending -------------------------------------------------------- */

static int child(heph_ctx ctx, act_inbox in, void *arg)
{
	must(defer_note(ctx, arg) == 0);
	return idle(ctx, in, NULL);
}

static int caller_of_parent(heph_ctx ctx, act_inbox in, void *arg)
{
	const act_ref *to = arg;
	long answer;

	(void)in;
	must(heph_call(ctx, *to, answer, &answer, { .n = 1 }) == -EPIPE);
	note("p");
	return 0;
}

/* `arg` says how it ends: 'r' returns, 'f' fails, 'p' panics. */
static int parent(heph_ctx ctx, act_inbox in, void *arg)
{
	static char b[] = "b", x[] = "x", y[] = "y";
	struct act_msg msg;

	must(heph_recv(ctx, in, &msg) == 0); /* and owes the answer */
	must(defer_note(ctx, "a") == 0);
	must(heph_own(ctx, b, note_freed) == 0);
	must(heph_spawn(ctx, act, NULL, { child, x }) == 0);
	must(heph_spawn(ctx, act, NULL, { child, y }, .on = HEPH_WORKER(1)) ==
	     0);
	must(defer_note(ctx, "c") == 0);
	must(heph_alloc(ctx, 10000) != NULL);
	gate(ctx);
	switch (*(char *)arg) {
	case 'f':
		return -EIO;
	case 'p':
		heph_panic(ctx, "the end");
	default:
		return 0;
	}
}

static void ends_in_order(void **state)
{
	static char how[] = "rfp";
	static act_ref ref;

	(void)state;
	for (int i = 0; i < 3; i++) {
		setup(2);
		ref = rig_spawn(0, parent, &how[i]);
		rig_spawn(1, caller_of_parent, &ref);
		rig_settle();
		assert_string_equal(trail, "");
		rig_open_gate(ref.addr);
		rig_settle();
		assert_true(!strcmp(trail, "xycbap") ||
			    !strcmp(trail, "yxcbap"));
		rig_close();
	}
}

static void spawn_again(heph_ctx ctx, const char **what)
{
	static char z[] = "z";

	note(*what);
	must(heph_spawn(ctx, act, NULL, { child, z }) == 0);
	must(heph_yield(ctx) == 0);
	must(defer_note(ctx, *what) == 0);
}

static int defers_that_spawns(heph_ctx ctx, act_inbox in, void *arg)
{
	const char *b = "b";

	(void)in, (void)arg;
	must(defer_note(ctx, "a") == 0);
	must(heph_defer(ctx, spawn_again, b) == 0);
	return 0;
}

static void gives_back_what_is_acquired_while_ending(void **state)
{
	(void)state;
	setup(1);
	rig_spawn(0, defers_that_spawns, NULL);
	rig_settle();
	assert_string_equal(trail, "bzba");
	rig_close();
}

static int grandparent(heph_ctx ctx, act_inbox in, void *arg)
{
	uintptr_t level = (uintptr_t)arg;

	if (level)
		must(heph_spawn(ctx, act, NULL,
				{ grandparent, (void *)(level - 1) },
				.on = level & 1 ? HEPH_WORKER(1) : HEPH_HERE) ==
		     0);
	return idle(ctx, in, NULL);
}

static void takes_a_whole_tree_along(void **state)
{
	act_ref ref;

	(void)state;
	setup(2);
	ref = rig_spawn(0, grandparent, (void *)20);
	rig_settle();
	assert_int_equal(rig.workers[0]->alive + rig.workers[1]->alive, 21);
	heph_stop(ref);
	rig_settle();
	assert_int_equal(act_args_dropped, 21);
	rig_close();
}

/* Two operations in flight; the driver is asked to cancel them, and they
 * complete later. */
static struct heph_list operations[2];
static bool asked;

static void cancel_operations(struct heph_self *self)
{
	must(!heph_list_empty(&self->ext->operations));
	note("o");
	asked = true;
}

static int has_operations(heph_ctx ctx, act_inbox in, void *arg)
{
	static char c[] = "c";

	must(defer_note(ctx, "a") == 0);
	must(heph_spawn(ctx, act, NULL, { child, c }) == 0);
	for (int n = 0; n < 2; n++)
		heph_list_push_back(&ctx.self->ext->operations, &operations[n]);
	return idle(ctx, in, arg);
}

static void complete(struct heph_self *self, int n)
{
	heph_list_remove(&operations[n]);
	heph_wake(self, HEPH_WAIT_OP);
	rig_settle();
}

static void awaits_its_operations(void **state)
{
	struct heph_self *self;
	act_ref ref;

	(void)state;
	setup(1);
	rig_driver.cancel = cancel_operations;
	asked = false;
	ref = rig_spawn(0, has_operations, NULL);
	rig_settle();
	self = rig_self(ref);
	heph_stop(ref);
	rig_settle();
	assert_true(asked);
	assert_string_equal(trail, "co"); /* children first */
	complete(self, 0);
	assert_string_equal(trail, "co");
	assert_true(heph_alive(ref));
	complete(self, 1);
	assert_string_equal(trail, "coa");
	assert_false(heph_alive(ref));
	rig_close();
}

/* ---- how it looks from outside ----------------------------------------------------- */

static int returns(heph_ctx ctx, act_inbox in, void *arg)
{
	(void)ctx, (void)in;
	return *(int *)arg;
}

static int stopped_with(heph_ctx ctx, act_inbox in, void *arg)
{
	must(idle(ctx, in, NULL) == -ECANCELED);
	return *(int *)arg;
}

static void judges_what_was_returned(void **state)
{
	static int results[] = { 0, 1, -EIO, -ECANCELED };

	(void)state;
	setup(1);
	for (int i = 0; i < 4; i++)
		rig_spawn(0, returns, &results[i]);
	rig_settle();
	assert_int_equal(rig_count(0)->failed, 2); /* nobody stopped it */
	for (int i = 0; i < 4; i++) {
		act_ref ref = rig_spawn(0, stopped_with, &results[i]);

		rig_settle();
		heph_stop(ref);
		rig_settle();
	}
	assert_int_equal(rig_count(0)->failed, 3); /* after a stop it is fine */
	rig_close();
}

/* ---- restarts ------------------------------------------------------------------------ */

struct life {
	struct act_arg arg; /* first */
	int runs;
	int last_restart; /* run that ends well */
	enum heph_verdict verdict;
	uint64_t id;
	long got[10];
	int n_got;
	struct heph_exit exit;
	int (*changed)(heph_ctx, act_inbox, void *);
};

static enum heph_verdict decide(const struct heph_exit *why,
				struct act_arg *arg)
{
	struct life *life = arg->arg;

	life->exit = *why;
	if (life->changed)
		arg->fn = life->changed;
	return life->runs > life->last_restart ? HEPH_STOP : life->verdict;
}

static int lives(heph_ctx ctx, act_inbox in, void *arg)
{
	struct life *life = arg;
	struct act_msg msg;

	must(!life->id || life->id == heph_self(in).addr.id);
	life->id = heph_self(in).addr.id;
	life->runs++;
	must(heph_recv(ctx, in, &msg) == 0);
	life->got[life->n_got++] = msg.n;
	return -EIO;
}

static act_ref spawn_life(struct life *life,
			  int (*fn)(heph_ctx, act_inbox, void *))
{
	return rig_spawn_with(0, (fn, life), .decide = decide);
}

static void keeps_id_and_messages_when_restarted(void **state)
{
	struct life life = { .verdict = HEPH_RESTART, .last_restart = 4 };
	act_ref ref;

	(void)state;
	setup(1);
	ref = spawn_life(&life, lives);
	for (long n = 0; n < 7; n++)
		assert_int_equal(heph_try_send(ref, { .n = n }), 0);
	rig_settle();
	assert_int_equal(life.runs, 5);
	assert_int_equal(life.n_got, 5);
	for (int n = 0; n < 5; n++)
		assert_int_equal(life.got[n], n);
	assert_int_equal(act_dropped, 2);
	assert_int_equal(rig_count(0)->restarted, 4);
	assert_int_equal(rig_count(0)->failed, 5);
	assert_int_equal(rig_count(0)->ended, 1);
	assert_int_equal(act_args_dropped, 1);
	rig_close();
}

static int spoils_its_argument(heph_ctx ctx, act_inbox in, void *arg)
{
	struct life *life = arg;

	(void)ctx;
	life->runs++;
	/* the copy that it was given */
	struct act_arg *mine =
		heph_slot_top(ctx.self->slot, sizeof(struct act_arg));

	(void)in;
	must(mine->fn == spoils_its_argument);
	mine->fn = NULL;
	return -EIO;
}

static void begins_again_with_the_same_argument(void **state)
{
	struct life life = { .verdict = HEPH_RESTART, .last_restart = 2 };

	(void)state;
	setup(1);
	spawn_life(&life, spoils_its_argument);
	rig_settle();
	assert_int_equal(life.runs, 3);
	rig_close();
}

static int after_the_change(heph_ctx ctx, act_inbox in, void *arg)
{
	struct life *life = arg;

	(void)ctx, (void)in;
	life->n_got = 77;
	return 0;
}

static void lets_the_supervisor_change_the_argument(void **state)
{
	struct life life = { .verdict = HEPH_RESTART,
			     .last_restart = 5,
			     .changed = after_the_change };
	act_ref ref;

	(void)state;
	setup(1);
	ref = spawn_life(&life, lives);
	assert_int_equal(heph_try_send(ref, { .n = 1 }), 0);
	rig_settle();
	assert_int_equal(life.runs, 1);
	assert_int_equal(life.n_got, 77);
	assert_int_equal(life.exit.err, -EIO);
	rig_close();
}

static int acquires_and_fails(heph_ctx ctx, act_inbox in, void *arg)
{
	static char c[] = "c";
	struct life *life = arg;

	(void)in;
	life->runs++;
	must(heph_alloc(ctx, 3000) != NULL);
	must(defer_note(ctx, "a") == 0);
	must(heph_spawn(ctx, act, NULL, { child, c }) == 0);
	must(heph_sleep(ctx, 1) == 0);
	if (life->runs % 2)
		heph_panic(ctx, "run %d", life->runs);
	return -EIO;
}

static void gives_everything_back_at_a_restart(void **state)
{
	struct life life = { .verdict = HEPH_RESTART, .last_restart = 20 };

	(void)state;
	setup(1);
	spawn_life(&life, acquires_and_fails);
	rig_settle();
	assert_int_equal(strlen(trail), 42);
	assert_int_equal(strncmp(trail, "cacacaca", 8), 0);
	assert_int_equal(rig_count(0)->panicked, 11);
	rig_close();
}

/* ---- escalation ------------------------------------------------------------------------ */

static int escalating_child(heph_ctx ctx, act_inbox in, void *arg)
{
	(void)ctx, (void)in, (void)arg;
	return -EIO;
}

static enum heph_verdict escalate(const struct heph_exit *why,
				  struct act_arg *arg)
{
	(void)why, (void)arg;
	return HEPH_ESCALATE;
}

static int parent_of_escalating(heph_ctx ctx, act_inbox in, void *arg)
{
	struct life *life = arg;
	int on = life->runs++ & 1 ? HEPH_WORKER(1) : HEPH_HERE;

	must(heph_spawn(ctx, act, NULL, { escalating_child, NULL }, .on = on,
			.decide = escalate) == 0);
	return idle(ctx, in, NULL);
}

static void fails_with_a_child_that_escalates(void **state)
{
	struct life life = { .verdict = HEPH_RESTART, .last_restart = 3 };

	(void)state;
	setup(2);
	spawn_life(&life, parent_of_escalating);
	rig_settle();
	assert_int_equal(life.runs, 4);
	assert_int_equal(life.exit.err, -ECHILD);
	assert_true(life.exit.note[0]);
	rig_close();
}

static void ends_the_runtime_when_the_first_level_escalates(void **state)
{
	act_ref other;

	(void)state;
	setup(2);
	other = rig_spawn(1, idle, NULL);
	rig_spawn_with(0, (escalating_child, NULL), .decide = escalate);
	rig_settle();
	assert_int_equal(atomic_load(&rig.heph.result), -ECHILD);
	assert_true(atomic_load(&rig.heph.deadline) != 0);
	assert_false(heph_alive(other));
	rig_close();
}

/* Stopped by its parent, and failed by its child, before it runs. */
static void stops_although_a_child_escalates(void **state)
{
	struct life life = { .verdict = HEPH_RESTART, .last_restart = 9 };
	act_ref ref;

	(void)state;
	setup(2);
	for (int stop_first = 0; stop_first < 2; stop_first++) {
		life.runs = 0;
		ref = spawn_life(&life, idle);
		rig_settle();
		if (stop_first)
			heph_life_stop(rig_self(ref));
		heph_life_child_ended(rig_self(ref), true);
		if (!stop_first)
			heph_life_stop(rig_self(ref));
		rig_settle();
		assert_false(heph_alive(ref));
	}
	rig_close();
}

/* ---- panics ---------------------------------------------------------------------------- */

static enum heph_verdict keep_exit(const struct heph_exit *why,
				   struct act_arg *arg)
{
	*(struct heph_exit *)arg->arg = *why;
	return HEPH_STOP;
}

static int deep_panic(heph_ctx ctx, int depth)
{
	volatile char frame[100] = { 0 };

	if (depth < 0)
		return 0;
	if (depth == 0)
		heph_panic(ctx, "%s",
			   "a text that is far too long for a note "
			   "of sixty characters");
	return deep_panic(ctx, depth - 1) + frame[0];
}

static int panics(heph_ctx ctx, act_inbox in, void *arg)
{
	(void)in, (void)arg;
	return deep_panic(ctx, 20);
}

static int fails_check(heph_ctx ctx, act_inbox in, void *arg)
{
	(void)in;
	heph_check(ctx, arg == NULL);
	return 0;
}

static void notes_where_it_panicked(void **state)
{
	struct heph_exit exit;

	(void)state;
	setup(1);
	rig_spawn_with(0, (panics, &exit), .decide = keep_exit);
	rig_settle();
	assert_int_equal(exit.err, -ENOTRECOVERABLE);
	assert_int_equal(strncmp(exit.note, "test_life.c:", 12), 0);
	assert_non_null(strstr(exit.note, ": a text that"));
	assert_int_equal(strlen(exit.note), sizeof(exit.note) - 1);
	rig_spawn_with(0, (fails_check, &exit), .decide = keep_exit);
	rig_settle();
	assert_non_null(strstr(exit.note, "check failed: arg == NULL"));
	assert_int_equal(rig_count(0)->panicked, 2);
	rig_close();
}

/* ---- ignoring a stop --------------------------------------------------------------------- */

static int waits_ignored;

static int ignores_by_recv(heph_ctx ctx, act_inbox in, void *arg)
{
	struct act_msg msg;

	(void)arg;
	for (; waits_ignored < 5000; waits_ignored++)
		(void)!heph_recv(ctx, in, &msg);
	return 0;
}

static int ignores_by_sleep(heph_ctx ctx, act_inbox in, void *arg)
{
	(void)in, (void)arg;
	for (; waits_ignored < 5000; waits_ignored++)
		(void)!heph_sleep(ctx, HEPH_SEC);
	return 0;
}

static int ignores_by_yield(heph_ctx ctx, act_inbox in, void *arg)
{
	(void)in, (void)arg;
	must(heph_sleep(ctx, HEPH_NEVER) == -ECANCELED);
	for (; waits_ignored < 5000; waits_ignored++)
		(void)!heph_yield(ctx);
	return 0;
}

static int ignores_by_spawn(heph_ctx ctx, act_inbox in, void *arg)
{
	(void)in, (void)arg;
	must(heph_sleep(ctx, HEPH_NEVER) == -ECANCELED);
	for (; waits_ignored < 5000; waits_ignored++)
		(void)!heph_spawn(ctx, act, NULL, { idle, NULL });
	return 0;
}

static int ignores_by_wait(heph_ctx ctx, act_inbox in, void *arg)
{
	(void)in, (void)arg;
	for (; waits_ignored < 5000; waits_ignored++)
		(void)!heph_wait(ctx, heph_on_time(HEPH_NEVER));
	return 0;
}

static int ignores_by_join(heph_ctx ctx, act_inbox in, void *arg)
{
	(void)in;
	for (; waits_ignored < 5000; waits_ignored++)
		(void)!heph_join(ctx, *(act_ref *)arg, NULL);
	return 0;
}

static int ignores_by_call(heph_ctx ctx, act_inbox in, void *arg)
{
	long answer;

	(void)in;
	for (; waits_ignored < 5000; waits_ignored++)
		(void)!heph_call(ctx, *(act_ref *)arg, answer, &answer,
				 { .n = 1 });
	return 0;
}

static void panics_when_it_ignores_a_stop(void **state)
{
	static int (*const fns[])(heph_ctx, act_inbox, void *) = {
		ignores_by_recv,  ignores_by_yield, ignores_by_spawn,
		ignores_by_wait,  ignores_by_join,  ignores_by_call,
		ignores_by_sleep,
	};
	static struct {
		act_ref ref; /* first */
		struct heph_exit exit;
	} it;
	act_ref ref;

	(void)state;
	for (size_t i = 0; i < sizeof(fns) / sizeof(*fns); i++) {
		setup(1);
		it.ref = rig_spawn(0, idle, NULL);
		ref = rig_spawn(0, fns[i], &it);
		rig_turn();
		waits_ignored = 0;
		heph_stop(ref);
		rig_settle();
		if (!rig_count(0)->panicked)
			fail_msg("function %zu: %d waits", i, waits_ignored);
		assert_in_range(waits_ignored, 998, 1001);
		heph_stop(it.ref);
		rig_settle();
		rig_close();
	}
}

/* Who is forced waits in vain when it cleans up, too; that is no panic again. */
static int goodbyes;

static void say_goodbye(heph_ctx ctx, int *times)
{
	for (int i = 0; i < *times; i++)
		goodbyes += heph_yield(ctx) == -ECANCELED;
}

static int ignores_and_cleans_up(heph_ctx ctx, act_inbox in, void *arg)
{
	(void)in, (void)arg;
	must(heph_defer(ctx, say_goodbye, 10) == 0);
	while (true)
		(void)!heph_sleep(ctx, HEPH_NEVER);
	return 0;
}

static void cleans_up_after_it_ignored_a_stop(void **state)
{
	act_ref ref;

	(void)state;
	setup(1);
	goodbyes = 0;
	ref = rig_spawn(0, ignores_and_cleans_up, NULL);
	rig_turn();
	heph_addr_tell(ref.addr, HEPH_TELL_STOP | HEPH_TELL_FORCE);
	rig_settle();
	assert_false(heph_alive(ref));
	assert_int_equal(rig_count(0)->panicked, 1);
	assert_int_equal(goodbyes, 10);
	rig_close();
}

/* ---- pauses ------------------------------------------------------------------------------- */

static int fails_at_once(heph_ctx ctx, act_inbox in, void *arg)
{
	(void)ctx, (void)in;
	++*(int *)arg;
	return -EIO;
}

/* The stop comes when it is woken already, and has not run. */
static void a_stop_at_the_end_of_a_pause_counts(void **state)
{
	int lives = 0;
	act_ref ref;

	(void)state;
	setup(1);
	ref = rig_spawn_with(0, (fails_at_once, &lives),
			     .restarts = { .times = 2,
					   .backoff = 3600 * HEPH_SEC });
	rig_turn();
	heph_wake(rig_self(ref), HEPH_WAIT_TIME);
	heph_life_stop(rig_self(ref));
	rig_settle();
	assert_false(heph_alive(ref));
	assert_int_equal(lives, 1);
	rig_close();
}

/* ---- shields -------------------------------------------------------------------------------- */

static int says_goodbye(heph_ctx ctx, act_inbox in, void *arg)
{
	heph_time begin;

	(void)in, (void)arg;
	must(heph_sleep(ctx, HEPH_NEVER) == -ECANCELED);
	must(heph_yield(heph_shield(ctx, HEPH_NEVER)) == 0);
	begin = heph_now();
	must(heph_sleep(heph_shield(ctx, HEPH_NEVER), HEPH_MSEC) == 0);
	must(heph_now() - begin >= HEPH_MSEC);
	must(heph_sleep(heph_shield(ctx, HEPH_MSEC), HEPH_SEC) == -ETIME);
	must(heph_yield(ctx) == -ECANCELED);
	return -EIO;
}

static void waits_on_behind_a_shield(void **state)
{
	act_ref ref;

	(void)state;
	setup(1);
	ref = rig_spawn(0, says_goodbye, NULL);
	rig_settle();
	heph_stop(ref);
	rig_settle();
	assert_int_equal(rig_count(0)->failed, 1);
	rig_close();
}

static int shield_and_grace(heph_ctx ctx, act_inbox in, void *arg)
{
	heph_time end = atomic_load(&rig.heph.deadline);
	heph_time limit = heph_deadline(heph_shield(ctx, HEPH_NEVER));

	(void)in, (void)arg;
	/* a little before, so that goodbyes are over when it is */
	must(limit < end && limit >= end - 101 * HEPH_MSEC);
	must(heph_deadline(heph_shield(ctx, 0)) <= heph_now());
	return 0;
}

static void shields_end_with_the_grace(void **state)
{
	(void)state;
	setup(1);
	heph_stop_runtime(&rig.heph, heph_now() + 1000 * HEPH_SEC);
	rig_spawn(0, shield_and_grace, NULL);
	rig_settle();
	rig_close();
}

/* ---- memory ---------------------------------------------------------------------------------- */

static int careful_child(heph_ctx ctx, act_inbox in, void *arg)
{
	int err = defer_note(ctx, arg);

	return err < 0 ? err : idle(ctx, in, NULL);
}

static int careful_family(heph_ctx ctx, act_inbox in, void *arg)
{
	static char c[] = "c";
	struct life *life = arg;

	(void)in;
	if (++life->runs > 2)
		return 0;
	if (!heph_alloc(ctx, 100) || !heph_strdup(ctx, "text") ||
	    defer_note(ctx, "a") < 0 ||
	    heph_spawn(ctx, act, NULL, { careful_child, c }, .name = "child") <
		    0 ||
	    heph_spawn(ctx, act, NULL, { careful_child, c },
		       .on = HEPH_WORKER(1)) < 0 ||
	    heph_sleep(ctx, 1) < 0)
		return -ENOMEM;
	return -EIO;
}

static void survives_every_refused_allocation(void **state)
{
	bool refused;
	long n = 0;

	(void)state;
	do {
		struct life life = { .verdict = HEPH_RESTART,
				     .last_restart = 5 };
		act_ref ref;
		int err;

		setup(2);
		rig_refuse(++n);
		err = rig_try_spawn(0, &ref, .arg = { careful_family, &life },
				    .decide = decide, .name = "family");
		rig_settle();
		refused = rig_refused();
		assert_true(err == 0 || (refused && err == -ENOMEM));
		assert_int_equal(life.runs, err == 0 ? 3 : 0);
		rig_close();
	} while (refused);
	assert_true(n > 1);
}

/* ---- limits ------------------------------------------------------------------------------------ */

static void refuses_too_many(void **state)
{
	static act_ref refs[RIG_ACTORS];
	act_ref one_more;

	(void)state;
	setup(1);
	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < RIG_ACTORS; i++)
			refs[i] = rig_spawn(0, idle, NULL);
		assert_int_equal(rig_try_spawn(0, &one_more,
					       .arg = { idle, NULL }),
				 -EAGAIN);
		for (int i = 0; i < RIG_ACTORS; i++)
			heph_stop(refs[i]);
		rig_settle();
	}
	rig_close();
}

HEPH_ACTOR(other, void, void);

static int other_main(heph_ctx ctx)
{
	(void)ctx;
	note("o");
	return 0;
}
HEPH_ACTOR_MAIN(other, other_main);

/* The limit is about actors, whatever type those before were of. */
static void has_room_for_another_type(void **state)
{
	static act_ref refs[RIG_ACTORS];
	struct heph_addr addr;

	(void)state;
	setup(1);
	for (int i = 0; i < RIG_ACTORS; i++)
		refs[i] = rig_spawn(0, idle, NULL);
	for (int i = 0; i < RIG_ACTORS; i++)
		heph_stop(refs[i]);
	rig_settle();
	{
		HEPH_SPAWN__(other, )
		assert_int_equal(rig_begin(0, &other_actor, &heph_s__, &addr),
				 0);
	}
	rig_settle();
	assert_string_equal(trail, "o");
	rig_close();
}

/* Who begins when the runtime is ending already hears of it. */
static void stops_who_comes_late(void **state)
{
	act_ref ref;

	(void)state;
	setup(1);
	heph_stop_runtime(&rig.heph, heph_now() + HEPH_SEC);
	rig_settle();
	ref = rig_spawn(0, idle, NULL);
	rig_settle();
	assert_false(heph_alive(ref));
	if (heph_alive(ref))
		heph_stop(ref);
	rig_settle();
	rig_close();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ends_in_order),
		cmocka_unit_test(awaits_its_operations),
		cmocka_unit_test(gives_back_what_is_acquired_while_ending),
		cmocka_unit_test(takes_a_whole_tree_along),
		cmocka_unit_test(judges_what_was_returned),
		cmocka_unit_test(keeps_id_and_messages_when_restarted),
		cmocka_unit_test(begins_again_with_the_same_argument),
		cmocka_unit_test(lets_the_supervisor_change_the_argument),
		cmocka_unit_test(gives_everything_back_at_a_restart),
		cmocka_unit_test(fails_with_a_child_that_escalates),
		cmocka_unit_test(
			ends_the_runtime_when_the_first_level_escalates),
		cmocka_unit_test(stops_although_a_child_escalates),
		cmocka_unit_test(notes_where_it_panicked),
		cmocka_unit_test(panics_when_it_ignores_a_stop),
		cmocka_unit_test(cleans_up_after_it_ignored_a_stop),
		cmocka_unit_test(a_stop_at_the_end_of_a_pause_counts),
		cmocka_unit_test(waits_on_behind_a_shield),
		cmocka_unit_test(shields_end_with_the_grace),
		cmocka_unit_test(survives_every_refused_allocation),
		cmocka_unit_test(refuses_too_many),
		cmocka_unit_test(has_room_for_another_type),
		cmocka_unit_test(stops_who_comes_late),
	};

	return cmocka_run_group_tests_name("life", tests, NULL, NULL);
}
