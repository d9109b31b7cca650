/* SPDX-License-Identifier: MIT */
/*
 * Supervisors and their children. A child takes orders as messages: to fail,
 * to end, to panic. What happens is written down in one log, and compared.
 */
#include "act.h"

#include <pthread.h>

/* ---- the log -------------------------------------------------------------------- */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char text[4096];

static void say(const char *what, const char *who)
{
	pthread_mutex_lock(&lock);
	snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%s ",
		 what, who);
	pthread_mutex_unlock(&lock);
}

static bool said(const char *wanted)
{
	bool equal;

	pthread_mutex_lock(&lock);
	equal = !strcmp(text, wanted);
	pthread_mutex_unlock(&lock);
	return equal;
}

static size_t said_so_far(void)
{
	size_t length;

	pthread_mutex_lock(&lock);
	length = strlen(text);
	pthread_mutex_unlock(&lock);
	return length;
}

static void forget(void)
{
	pthread_mutex_lock(&lock);
	text[0] = 0;
	pthread_mutex_unlock(&lock);
}

static void must_say_(heph_ctx ctx, const char *wanted, int line)
{
	heph_time until = heph_now() + 20 * HEPH_SEC;

	while (!said(wanted)) {
		if (heph_now() > until) {
			fprintf(stderr, "line %d: said '%s', not '%s'\n", line,
				text, wanted);
			abort();
		}
		(void)!heph_yield(ctx);
		sched_yield();
	}
}

/* Waits until exactly that was said since the last time. */
#define must_say(ctx_, wanted_)                                                \
	do {                                                                   \
		must_say_((ctx_), (wanted_), __LINE__);                        \
		forget();                                                      \
	} while (0)

/* ---- children ------------------------------------------------------------------------ */

enum { FAIL = 1, END, PANIC, NOTHING };

struct child {
	char name[4];
	int stop_error; /* returned when it is stopped */
	bool stubborn;  /* when stopped it goes on until it is forced */
};

static int stopped(heph_ctx ctx, const struct child *child)
{
	int err;

	if (child->stubborn) {
		err = heph_sleep(heph_shield(ctx, HEPH_NEVER), HEPH_NEVER);
		must_be(err, -ECANCELED);
		say("!", child->name);
	}
	say("-", child->name);
	return child->stop_error ? child->stop_error : -ECANCELED;
}

static int child(heph_ctx ctx, act_inbox in, void *arg)
{
	const struct child *child = arg;
	struct act_msg msg;

	say("+", child->name);
	while (heph_recv(ctx, in, &msg) == 0) {
		if (msg.n == FAIL || msg.n == END || msg.n == PANIC)
			say("x", child->name);
		if (msg.n == FAIL)
			return -EIO;
		if (msg.n == END)
			return 0;
		if (msg.n == PANIC)
			heph_panic(ctx, "on purpose");
		if (msg.asks)
			heph_answer(msg.answer, msg.n + 1);
	}
	return stopped(ctx, child);
}

static struct child children[] = {
	{ .name = "a" }, { .name = "b" }, { .name = "c" }, { .name = "d" }
};

/* A supervisor with three or four children, and who it is to be told of. */
struct plan {
	struct heph_tree tree;
	enum heph_restart_type types[4];
	unsigned n;
	int on[4];
	act_ref refs[4];
	_Atomic bool begun;
	_Atomic int result;
};

static int supervise(heph_ctx ctx, act_inbox in, void *arg)
{
	struct plan *plan = arg;
	struct heph_tree tree = plan->tree; /* on its stack */
	int err;

	(void)in;
	for (unsigned i = 0; i < plan->n; i++) {
		err = heph_spawn(ctx, act, &plan->refs[i],
				 { child, &children[i] }, .on = plan->on[i],
				 .name = children[i].name, .tree = &tree,
				 .restart = plan->types[i]);
		if (err < 0)
			return err;
	}
	plan->begun = true;
	err = heph_supervise(ctx, &tree);
	plan->result = err;
	say("=", "");
	return err;
}

static struct plan plan;
static act_ref supervisor;

/* With its children on both workers, or on one. */
static void begin_tree(heph_ctx ctx, struct plan with, bool spread)
{
	static const char *const starts[] = { "+a +b +c ", "+a +b +c +d " };

	plan = with;
	if (!plan.n)
		plan.n = 3;
	for (unsigned i = 0; i < plan.n; i++)
		plan.on[i] = spread ? HEPH_WORKER(1) : HEPH_HERE;
	forget();
	must_be(heph_spawn(ctx, act, &supervisor, { supervise, &plan }), 0);
	while (!plan.begun)
		must_be(heph_yield(ctx), 0);
	must_say(ctx, starts[plan.n - 3]);
}

static void tell(heph_ctx ctx, int which, int what)
{
	must_be(heph_send(ctx, plan.refs[which], { .n = what }), 0);
}

static void end_tree(heph_ctx ctx, const char *stops)
{
	heph_stop(supervisor);
	must_be(heph_join(ctx, supervisor, NULL), 0);
	must_be(plan.result, -ECANCELED);
	must_say(ctx, stops);
	for (unsigned i = 0; i < plan.n; i++)
		must(!heph_alive(plan.refs[i]));
}

/* Each test runs with all actors on a worker, and with the children on another
 * one. */
static void on_one_and_two(act_fn *fn)
{
	for (long spread = 0; spread <= 1; spread++)
		run(fn, (void *)spread);
}

#define ENOUGH .times = 100

/* ---- strategies ---------------------------------------------------------------------- */

static int one_for_one(heph_ctx ctx, act_inbox in, void *arg)
{
	(void)in;
	begin_tree(ctx, (struct plan){ .tree = { ENOUGH } }, arg);
	tell(ctx, 1, FAIL);
	must_say(ctx, "xb +b ");
	tell(ctx, 0, PANIC);
	must_say(ctx, "xa +a ");
	tell(ctx, 2, FAIL);
	tell(ctx, 2, FAIL);
	must_say(ctx, "xc +c xc +c ");
	end_tree(ctx, "-c -b -a = ");
	return 0;
}

static void restarts_one_for_one(void **state)
{
	(void)state;
	on_one_and_two(one_for_one);
}

static int one_for_all(heph_ctx ctx, act_inbox in, void *arg)
{
	const struct heph_tree tree = { HEPH_ONE_FOR_ALL, ENOUGH };

	(void)in;
	begin_tree(ctx, (struct plan){ .tree = tree }, arg);
	tell(ctx, 1, FAIL);
	must_say(ctx, "xb -c -a +a +b +c ");
	tell(ctx, 2, PANIC);
	must_say(ctx, "xc -b -a +a +b +c ");
	tell(ctx, 0, FAIL);
	must_say(ctx, "xa -c -b +a +b +c ");
	end_tree(ctx, "-c -b -a = ");
	return 0;
}

static void restarts_one_for_all(void **state)
{
	(void)state;
	on_one_and_two(one_for_all);
}

static int rest_for_one(heph_ctx ctx, act_inbox in, void *arg)
{
	const struct heph_tree tree = { HEPH_REST_FOR_ONE, ENOUGH };

	(void)in;
	begin_tree(ctx, (struct plan){ .tree = tree, .n = 4 }, arg);
	tell(ctx, 1, FAIL);
	must_say(ctx, "xb -d -c +b +c +d ");
	tell(ctx, 3, FAIL);
	must_say(ctx, "xd +d ");
	tell(ctx, 0, FAIL);
	must_say(ctx, "xa -d -c -b +a +b +c +d ");
	end_tree(ctx, "-d -c -b -a = ");
	return 0;
}

static void restarts_the_rest_for_one(void **state)
{
	(void)state;
	on_one_and_two(rest_for_one);
}

/* ---- types of restart ------------------------------------------------------------------ */

static int types(heph_ctx ctx, act_inbox in, void *arg)
{
	struct plan with = { .tree = { ENOUGH },
			     .types = { HEPH_PERMANENT, HEPH_TRANSIENT,
					HEPH_TEMPORARY } };

	(void)in;
	begin_tree(ctx, with, arg);
	tell(ctx, 0, END);
	must_say(ctx, "xa +a ");
	tell(ctx, 0, FAIL);
	must_say(ctx, "xa +a ");
	heph_stop(plan.refs[0]);
	must_say(ctx, "-a +a ");
	tell(ctx, 1, FAIL);
	must_say(ctx, "xb +b ");
	tell(ctx, 1, END);
	must_be(heph_join(ctx, plan.refs[1], NULL), 0);
	must_say(ctx, "xb ");
	tell(ctx, 2, FAIL);
	must_be(heph_join(ctx, plan.refs[2], NULL), 0);
	must_say(ctx, "xc ");
	end_tree(ctx, "-a = ");
	return 0;
}

static void types_say_which_ends_count(void **state)
{
	(void)state;
	on_one_and_two(types);
}

static int temporary_in_rounds(heph_ctx ctx, act_inbox in, void *arg)
{
	struct plan with = { .tree = { HEPH_ONE_FOR_ALL, ENOUGH },
			     .types = { HEPH_PERMANENT, HEPH_TEMPORARY,
					HEPH_TRANSIENT } };

	(void)in;
	begin_tree(ctx, with, arg);
	tell(ctx, 0, FAIL);
	must_say(ctx, "xa -c -b +a +c ");
	must(!heph_alive(plan.refs[1]));
	heph_stop(plan.refs[2]); /* a transient one that ends well */
	must_be(heph_join(ctx, plan.refs[2], NULL), 0);
	must_say(ctx, "-c ");
	tell(ctx, 0, END);
	must_say(ctx, "xa +a ");
	end_tree(ctx, "-a = ");
	return 0;
}

static void temporary_ones_do_not_return(void **state)
{
	(void)state;
	on_one_and_two(temporary_in_rounds);
}

/* When the last one ends well the supervisor is done. */
static int all_end(heph_ctx ctx, act_inbox in, void *arg)
{
	struct heph_exit exit;

	(void)in;
	begin_tree(ctx, (struct plan){ .tree = { ENOUGH } }, arg);
	for (int i = 0; i < 3; i++)
		tell(ctx, i, END);
	must_be(heph_join(ctx, supervisor, &exit), 0);
	must(exit.err == 0 || exit.err == -ESRCH);
	must_be(plan.result, 0);
	return 0;
}

static void is_done_when_all_are(void **state)
{
	(void)state;
	on_one_and_two(all_end);
}

/* ---- too many ------------------------------------------------------------------------- */

static int too_many(heph_ctx ctx, act_inbox in, void *arg)
{
	(void)in;
	begin_tree(
		ctx,
		(struct plan){ .tree = { .times = 2, .within = HEPH_NEVER } },
		arg);
	tell(ctx, 1, FAIL);
	must_say(ctx, "xb +b ");
	tell(ctx, 2, FAIL);
	must_say(ctx, "xc +c ");
	tell(ctx, 0, FAIL);
	must_be(heph_join(ctx, supervisor, NULL), 0);
	must_be(plan.result, -EIO);
	must_say(ctx, "xa -c -b = ");
	return 0;
}

static void gives_up_when_there_are_too_many(void **state)
{
	(void)state;
	on_one_and_two(too_many);
}

/* A permanent one that returned 0 has no error of its own. */
static int none_at_all(heph_ctx ctx, act_inbox in, void *arg)
{
	struct plan with = { .types = { HEPH_PERMANENT } };

	(void)in;
	begin_tree(ctx, with, arg);
	tell(ctx, 0, END);
	must_be(heph_join(ctx, supervisor, NULL), 0);
	must_be(plan.result, -ECHILD);
	must_say(ctx, "xa -c -b = ");
	return 0;
}

static void zero_times_is_none(void **state)
{
	(void)state;
	on_one_and_two(none_at_all);
}

/* ---- .decide and .restarts of a child ------------------------------------------------- */

static _Atomic int verdict;

static enum heph_verdict decide(const struct heph_exit *why,
				struct act_arg *arg)
{
	(void)arg;
	must_be(why->err, -EIO);
	return (enum heph_verdict)verdict;
}

static int decided(heph_ctx ctx, act_inbox in, void *arg)
{
	struct heph_tree tree = { .times = 2, .within = HEPH_NEVER };
	int on = arg ? HEPH_WORKER(1) : HEPH_HERE;
	act_ref refs[3];

	(void)in;
	forget();
	for (int i = 0; i < 3; i++)
		must_be(heph_spawn(ctx, act, &refs[i], { child, &children[i] },
				   .on = on, .tree = &tree, .decide = decide),
			0);
	must_say(ctx, "+a +b +c ");
	verdict = HEPH_RESTART;
	must_be(heph_send(ctx, refs[0], { .n = FAIL }), 0);
	while (!said("xa +a "))
		must_be(heph_supervise(heph_within(ctx, HEPH_MSEC), &tree),
			-ETIME);
	forget();
	verdict = HEPH_STOP;
	must_be(heph_send(ctx, refs[1], { .n = FAIL }), 0);
	must_be(heph_join(ctx, refs[1], NULL), 0);
	must_say(ctx, "xb ");
	must_be(heph_tree_step(ctx, &tree), 1);
	must_be(heph_tree_count(&tree), 2);
	verdict = HEPH_ESCALATE;
	must_be(heph_send(ctx, refs[2], { .n = FAIL }), 0);
	must_be(heph_supervise(ctx, &tree), -EIO);
	must_say(ctx, "xc -a ");
	must_be(heph_tree_count(&tree), 0);
	return 0;
}

static void the_function_of_a_child_is_asked(void **state)
{
	(void)state;
	on_one_and_two(decided);
}

/* Its own restarts first, then those of the tree. */
static int both_limits(heph_ctx ctx, act_inbox in, void *arg)
{
	struct heph_tree tree = { .times = 1, .within = HEPH_NEVER };
	act_ref ref;

	(void)in;
	forget();
	must_be(heph_spawn(ctx, act, &ref, { child, &children[0] },
			   .on = arg ? HEPH_WORKER(1) : HEPH_HERE,
			   .tree = &tree,
			   .restarts = { .times = 2,
					 .within = HEPH_NEVER,
					 .backoff = HEPH_MSEC }),
		0);
	for (int i = 0; i < 4; i++)
		must_be(heph_send(ctx, ref, { .n = FAIL }), 0);
	must_say(ctx, "+a xa +a xa +a xa ");
	must(heph_alive(ref));
	must_be(heph_supervise(ctx, &tree), -EIO);
	must_say(ctx, "+a xa ");
	return 0;
}

static void own_restarts_come_first(void **state)
{
	(void)state;
	on_one_and_two(both_limits);
}

/* ---- references ------------------------------------------------------------------------- */

static int keep_references(heph_ctx ctx, act_inbox in, void *arg)
{
	struct heph_tree tree = { ENOUGH };
	struct heph_exit exit;
	act_ref ref;
	long answer;

	(void)in;
	forget();
	must_be(heph_spawn(ctx, act, &ref, { child, &children[0] },
			   .on = arg ? HEPH_WORKER(1) : HEPH_HERE,
			   .tree = &tree),
		0);
	must_be(heph_send(ctx, ref, { .n = FAIL }), 0);
	must_say(ctx, "+a xa "); /* it waits for us */
	must(heph_alive(ref));
	must_be(heph_send(ctx, ref, { .n = NOTHING, .owned = NULL }), 0);
	must_be(heph_call(heph_within(ctx, HEPH_MSEC), ref, answer, &answer,
			  { .n = 10, .asks = true }),
		-ETIME);
	must_be(heph_join(heph_within(ctx, HEPH_MSEC), ref, &exit), -ETIME);
	must_be(heph_tree_step(ctx, &tree), 1);
	must_be(heph_call(ctx, ref, answer, &answer, { .n = 11, .asks = true }),
		0);
	must_be(answer, 12);
	must_say(ctx, "+a ");
	must_be(heph_send(ctx, ref, { .n = FAIL }), 0);
	must_say(ctx, "xa ");
	heph_stop(ref); /* of one that waits: its end */
	must_be(heph_join(ctx, ref, &exit), 0);
	must(exit.err == -EIO || exit.err == -ESRCH);
	must_be(heph_supervise(ctx, &tree), 0);
	return 0;
}

static void references_stay_good(void **state)
{
	(void)state;
	on_one_and_two(keep_references);
}

/* ---- pauses ------------------------------------------------------------------------------- */

static int pauses(heph_ctx ctx, act_inbox in, void *arg)
{
	struct heph_tree tree = { .times = HEPH_UNLIMITED,
				  .within = HEPH_NEVER,
				  .strategy = arg ? HEPH_ONE_FOR_ALL :
						    HEPH_ONE_FOR_ONE,
				  .backoff = 2 * HEPH_MSEC,
				  .backoff_max = 4 * HEPH_MSEC };
	heph_time began;
	act_ref ref;

	(void)in;
	forget();
	must_be(heph_spawn(ctx, act, &ref, { child, &children[0] },
			   .on = arg ? HEPH_WORKER(1) : HEPH_HERE,
			   .tree = &tree),
		0);
	began = heph_now();
	for (int i = 0; i < 4; i++)
		must_be(heph_send(ctx, ref, { .n = FAIL }), 0);
	must_be(heph_send(ctx, ref, { .n = END }), 0);
	must_be(heph_supervise(ctx, &tree), 0);
	must(heph_now() - began >= 14 * HEPH_MSEC);
	must_say(ctx, "+a xa +a xa +a xa +a xa +a xa ");
	return 0;
}

static void pauses_before_it_restarts(void **state)
{
	(void)state;
	on_one_and_two(pauses);
}

/* A pause of one holds up no other one, and ends with the tree. */
static int long_pause(heph_ctx ctx, act_inbox in, void *arg)
{
	struct heph_tree tree = { .times = 5, .backoff = 3600 * HEPH_SEC };

	(void)in;
	begin_tree(ctx, (struct plan){ .tree = tree }, arg);
	tell(ctx, 1, FAIL);
	must_say(ctx, "xb ");
	tell(ctx, 2, END);
	must_be(heph_join(ctx, plan.refs[2], NULL), 0);
	must_say(ctx, "xc ");
	end_tree(ctx, "-a = ");
	return 0;
}

static void a_pause_ends_with_the_tree(void **state)
{
	(void)state;
	on_one_and_two(long_pause);
}

/* ---- force --------------------------------------------------------------------------------- */

static int force(heph_ctx ctx, act_inbox in, void *arg)
{
	const struct heph_tree tree = { HEPH_ONE_FOR_ALL, ENOUGH,
					.grace = HEPH_MSEC };

	(void)in;
	children[1].stubborn = true;
	begin_tree(ctx, (struct plan){ .tree = tree }, arg);
	tell(ctx, 0, FAIL);
	must_say(ctx, "xa -c !b -b +a +b +c ");
	end_tree(ctx, "-c !b -b -a = ");
	children[1].stubborn = false;
	return 0;
}

static void forces_who_does_not_stop(void **state)
{
	(void)state;
	on_one_and_two(force);
}

/* A supervisor with more patience than its own one, which forces it. */
static int patient(heph_ctx ctx, act_inbox in, void *arg)
{
	struct heph_tree tree = { .grace = 3600 * HEPH_SEC };

	(void)in;
	must_be(heph_spawn(ctx, act, NULL, { child, &children[1] },
			   .on = arg ? HEPH_WORKER(1) : HEPH_HERE,
			   .tree = &tree),
		0);
	return heph_supervise(ctx, &tree);
}

static int force_two(heph_ctx ctx, act_inbox in, void *arg)
{
	struct heph_tree tree = { .grace = HEPH_MSEC };
	act_ref ref;

	(void)in;
	children[1].stubborn = true;
	forget();
	must_be(heph_spawn(ctx, act, &ref, { patient, arg }, .tree = &tree), 0);
	must_say(ctx, "+b ");
	must_be(heph_tree_end_child(heph_within(ctx, 20 * HEPH_SEC), &tree,
				    ref),
		0);
	must_say(ctx, "!b -b ");
	children[1].stubborn = false;
	return 0;
}

static void who_is_forced_forces_its_children(void **state)
{
	(void)state;
	on_one_and_two(force_two);
}

/* Computes, and does not wait. */
static _Atomic bool busy_may_end;

static int busy(heph_ctx ctx, act_inbox in, void *arg)
{
	(void)ctx, (void)in, (void)arg;
	say("+", "busy");
	while (!busy_may_end)
		sched_yield();
	say("-", "busy");
	return 0;
}

static int cannot_force(heph_ctx ctx, act_inbox in, void *arg)
{
	struct heph_tree tree = { .grace = HEPH_MSEC };
	act_ref ref;

	(void)in, (void)arg;
	busy_may_end = false;
	forget();
	must_be(heph_spawn(ctx, act, &ref, { busy, NULL }, .on = HEPH_WORKER(1),
			   .tree = &tree),
		0);
	must_say(ctx, "+busy ");
	must_be(heph_tree_end_child(heph_within(ctx, 20 * HEPH_MSEC), &tree,
				    ref),
		-ETIME);
	must(heph_alive(ref));
	busy_may_end = true;
	must_be(heph_tree_end_child(ctx, &tree, ref), 0);
	must_be(heph_tree_end_child(ctx, &tree, ref), -ESRCH);
	must_say(ctx, "-busy ");
	return 0;
}

static void awaits_who_cannot_be_forced(void **state)
{
	(void)state;
	run(cannot_force, NULL);
}

/* ---- supervisors that end ----------------------------------------------------------------- */

/* Its function returns, fails or panics, with a child that waits for it. */
static int leaves(heph_ctx ctx, act_inbox in, void *arg)
{
	struct heph_tree tree = { ENOUGH };
	act_ref refs[3];
	struct act_msg msg;

	(void)in;
	forget();
	for (int i = 0; i < 3; i++)
		must_be(heph_spawn(ctx, act, &refs[i], { child, &children[i] },
				   .on = arg ? HEPH_WORKER(1) : HEPH_HERE,
				   .tree = &tree, .restart = HEPH_PERMANENT),
			0);
	must_say(ctx, "+a +b +c ");
	must_be(heph_send(ctx, refs[1], { .n = FAIL }), 0);
	must_say(ctx, "xb ");
	must_be(heph_recv(ctx, in, &msg), 0);
	if (msg.n == PANIC)
		heph_panic(ctx, "on purpose");
	return msg.n == FAIL ? -EIO : 0;
}

static int end_supervisors(heph_ctx ctx, act_inbox in, void *arg)
{
	act_ref ref;

	(void)in;
	for (int how = FAIL; how <= PANIC; how++) {
		must_be(heph_spawn(ctx, act, &ref, { leaves, arg }), 0);
		must_be(heph_send(ctx, ref, { .n = how }), 0);
		must_be(heph_join(ctx, ref, NULL), 0);
		must_say(ctx, "-c -a ");
	}
	must_be(heph_spawn(ctx, act, &ref, { leaves, arg },
			   .restarts = { .times = 1 }),
		0);
	must_be(heph_send(ctx, ref, { .n = FAIL }), 0); /* begins again */
	must_be(heph_send(ctx, ref, { .n = END }), 0);
	must_be(heph_join(ctx, ref, NULL), 0);
	must_say(ctx, "-c -a ");
	return 0;
}

static void children_end_with_their_supervisor(void **state)
{
	(void)state;
	on_one_and_two(end_supervisors);
}

/* It fails or panics while a round goes on: one child waits, one is halted and
 * does not want to, one still runs. */
static int breaks_off(heph_ctx ctx, act_inbox in, void *arg)
{
	struct heph_tree tree = { .strategy = HEPH_ONE_FOR_ALL,
				  .times = 1,
				  .grace = 20 * HEPH_MSEC };
	struct heph_child_info infos[3];

	(void)in, (void)arg;
	for (int i = 0; i < 3; i++)
		must_be(heph_spawn(ctx, act, &plan.refs[i],
				   { child, &children[i] }, .on = plan.on[i],
				   .tree = &tree),
			0);
	plan.begun = true;
	do {
		must_be(heph_wait(ctx, heph_on_tree(&tree)), 0);
		must_be(heph_tree_step(ctx, &tree), 1);
		must_be(heph_tree_children(&tree, infos, 3), 3);
	} while (infos[1].state != HEPH_CHILD_STOPS);
	must_be(infos[0].state, HEPH_CHILD_RUNS);
	must_be(infos[2].state, HEPH_CHILD_WAITS);
	if (plan.tree.times)
		heph_panic(ctx, "on purpose");
	return -EIO;
}

static int end_in_a_round(heph_ctx ctx, act_inbox in, void *arg)
{
	int on = arg ? HEPH_WORKER(1) : HEPH_HERE;
	act_ref ref;

	(void)in;
	children[1].stubborn = true;
	for (unsigned panics = 0; panics < 2; panics++) {
		plan = (struct plan){ .tree.times = panics,
				      .on = { on, on, on } };
		forget();
		must_be(heph_spawn(ctx, act, &ref, { breaks_off, NULL }), 0);
		while (!plan.begun)
			must_be(heph_yield(ctx), 0);
		must_say(ctx, "+a +b +c ");
		tell(ctx, 2, FAIL);
		must_be(heph_join(ctx, ref, NULL), 0);
		must_say(ctx, "xc !b -b -a ");
	}
	children[1].stubborn = false;
	return 0;
}

static void supervisors_end_in_a_round(void **state)
{
	(void)state;
	on_one_and_two(end_in_a_round);
}

/* ---- trees in trees ------------------------------------------------------------------------- */

static int nested(heph_ctx ctx, act_inbox in, void *arg)
{
	struct heph_tree tree = { HEPH_REST_FOR_ONE, 1, .within = HEPH_NEVER };
	int on = arg ? HEPH_WORKER(1) : HEPH_HERE;
	act_ref inner;

	(void)in;
	plan = (struct plan){ .tree = { .times = 1, .within = HEPH_NEVER },
			      .n = 3 };
	for (int i = 0; i < 3; i++)
		plan.on[i] = on;
	forget();
	must_be(heph_spawn(ctx, act, &inner, { supervise, &plan },
			   .tree = &tree),
		0);
	must_be(heph_spawn(ctx, act, NULL, { child, &children[3] }, .on = on,
			   .tree = &tree),
		0);
	while (!plan.begun)
		must_be(heph_yield(ctx), 0);
	while (said_so_far() < strlen("+a +b +c +d "))
		must_be(heph_yield(ctx), 0);
	forget();
	tell(ctx, 1, FAIL); /* is restarted by the inner one */
	must_say(ctx, "xb +b ");
	tell(ctx, 1, FAIL); /* which gives up, and so is restarted */
	while (!said("xb -c -a = -d +a +b +c +d ") &&
	       !said("xb -c -a = -d +a +b +d +c ") &&
	       !said("xb -c -a = -d +a +d +b +c ") &&
	       !said("xb -c -a = -d +d +a +b +c "))
		must_be(heph_supervise(heph_within(ctx, HEPH_MSEC), &tree),
			-ETIME);
	forget();
	must(heph_alive(inner));
	tell(ctx, 0, FAIL);
	must_say(ctx, "xa +a ");
	tell(ctx, 0, FAIL); /* and the outer one gives up */
	must_be(heph_supervise(ctx, &tree), -EIO);
	must_say(ctx, "xa -c -b = -d ");
	return 0;
}

static void trees_have_trees(void **state)
{
	(void)state;
	on_one_and_two(nested);
}

/* ---- dynamic children --------------------------------------------------------------------------- */

/* Spawns a child for each message, until it is told to end. */
struct dynamic {
	struct act_arg child;
	_Atomic unsigned n;
	int on;
	act_ref last;
};

static int keeps_spawning(heph_ctx ctx, act_inbox in, void *arg)
{
	enum { MSG, TREE };
	struct heph_tree tree = { ENOUGH };
	struct dynamic *dynamic = arg;
	struct act_msg msg;
	int which, err = 0;

	while (err >= 0) {
		which = heph_wait(ctx, [MSG] = heph_on_msg(in, &msg),
				  [TREE] = heph_on_tree(&tree));
		if (which == TREE)
			err = heph_tree_step(ctx, &tree);
		else if (which == MSG && msg.n == END)
			return 0;
		else if (which == MSG)
			err = heph_spawn(ctx, act, &dynamic->last,
					 { child, &children[0] },
					 .on = dynamic->on, .tree = &tree);
		else
			err = which;
		dynamic->n = heph_tree_count(&tree);
	}
	return err;
}

static void await_n(heph_ctx ctx, struct dynamic *dynamic, unsigned n)
{
	while (dynamic->n != n)
		must_be(heph_yield(ctx), 0);
}

static int dynamic_children(heph_ctx ctx, act_inbox in, void *arg)
{
	static struct dynamic dynamic;
	act_ref ref;

	(void)in;
	forget();
	dynamic = (struct dynamic){ .on = arg ? HEPH_WORKER(1) : HEPH_HERE };
	must_be(heph_spawn(ctx, act, &ref, { keeps_spawning, &dynamic }), 0);
	for (unsigned n = 1; n <= 3; n++) {
		must_be(heph_send(ctx, ref, { .n = NOTHING }), 0);
		await_n(ctx, &dynamic, n);
	}
	must_say(ctx, "+a +a +a ");
	must_be(heph_send(ctx, dynamic.last, { .n = FAIL }), 0);
	must_say(ctx, "xa +a ");
	must_be(heph_send(ctx, dynamic.last, { .n = END }), 0);
	await_n(ctx, &dynamic, 2);
	must_be(heph_send(ctx, ref, { .n = NOTHING }), 0);
	await_n(ctx, &dynamic, 3);
	must_say(ctx, "xa +a ");
	heph_stop(ref);
	must_be(heph_join(ctx, ref, NULL), 0);
	must_say(ctx, "-a -a -a ");
	return 0;
}

static void supervises_beside_other_things(void **state)
{
	(void)state;
	on_one_and_two(dynamic_children);
}

/* The clause is about time as well. */
static int pause_in_wait(heph_ctx ctx, act_inbox in, void *arg)
{
	struct heph_tree tree = { .times = 1,
				  .within = HEPH_NEVER,
				  .backoff = 5 * HEPH_MSEC };
	act_ref ref;

	(void)in;
	forget();
	must_be(heph_wait(heph_within(ctx, HEPH_MSEC), heph_on_tree(&tree)),
		-ETIME);
	must_be(heph_spawn(ctx, act, &ref, { child, &children[0] },
			   .on = arg ? HEPH_WORKER(1) : HEPH_HERE,
			   .tree = &tree),
		0);
	must_be(heph_send(ctx, ref, { .n = FAIL }), 0);
	must_be(heph_wait(ctx, heph_on_tree(&tree)), 0);
	must_be(heph_tree_step(ctx, &tree), 1);
	must_say(ctx, "+a xa ");
	must_be(heph_wait(ctx, heph_on_tree(&tree)), 0); /* the pause is over */
	must_be(heph_tree_step(ctx, &tree), 1);
	must_say(ctx, "+a ");
	must_be(heph_wait(heph_within(ctx, HEPH_MSEC), heph_on_tree(&tree)),
		-ETIME);
	must_be(heph_send(ctx, ref, { .n = FAIL }), 0);
	must_be(heph_wait(ctx, heph_on_tree(&tree)), 0);
	must_be(heph_tree_step(ctx, &tree), -EIO);
	must_be(heph_tree_step(ctx, &tree), 0);
	return 0;
}

static void the_clause_knows_of_pauses(void **state)
{
	(void)state;
	on_one_and_two(pause_in_wait);
}

static int one_by_hand(heph_ctx ctx, act_inbox in, void *arg)
{
	struct heph_tree tree = { .times = 0 };
	struct heph_child_info infos[3];
	int on = arg ? HEPH_WORKER(1) : HEPH_HERE;
	act_ref refs[3];

	(void)in;
	forget();
	must_be(heph_tree_count(&tree), 0);
	must_be(heph_tree_children(&tree, infos, 3), 0);
	must_be(heph_tree_end_child(ctx, &tree, (heph_ref){ 0 }), -ESRCH);
	for (int i = 0; i < 3; i++)
		must_be(heph_spawn(ctx, act, &refs[i], { child, &children[i] },
				   .on = on, .tree = &tree,
				   .name = children[i].name,
				   .restart = i == 2 ? HEPH_TEMPORARY : 0),
			0);
	must_say(ctx, "+a +b +c ");
	must_be(heph_tree_children(&tree, infos, 2), 3);
	must(heph_same(infos[1].ref, refs[1]));
	must(!strcmp(infos[1].name, "b"));
	must_be(infos[1].state, HEPH_CHILD_RUNS);
	must_be(infos[1].restart, HEPH_TRANSIENT);
	must_be(infos[1].restarts, 0);
	must_be(heph_tree_restart_child(ctx, &tree, refs[1]), 0);
	must_say(ctx, "-b +b ");
	must_be(heph_tree_restart_child(ctx, &tree, refs[2]), -EINVAL);
	must_be(heph_tree_end_child(ctx, &tree, refs[0]), 0);
	must_say(ctx, "-a ");
	must(!heph_alive(refs[0]));
	must_be(heph_tree_restart_child(ctx, &tree, refs[0]), -ESRCH);
	must_be(heph_tree_children(&tree, infos, 3), 2);
	must_be(infos[0].restarts, 1);
	must_be(infos[1].restart, HEPH_TEMPORARY);
	must_be(heph_send(ctx, refs[1], { .n = FAIL }), 0);
	must_say(ctx, "xb ");
	if (!arg) {
		must_be(heph_tree_children(&tree, infos, 1), 2);
		must_be(infos[0].state, HEPH_CHILD_WAITS);
	}
	must_be(heph_tree_restart_child(ctx, &tree, refs[1]), 0);
	must_say(ctx, "+b ");
	must_be(heph_tree_end_child(ctx, &tree, refs[2]), 0);
	must_be(heph_tree_end_child(ctx, &tree, refs[1]), 0);
	must_be(heph_tree_step(ctx, &tree), 0);
	return 0;
}

static void ends_and_restarts_one(void **state)
{
	(void)state;
	on_one_and_two(one_by_hand);
}

/* ---- what is refused, and no memory ----------------------------------------------------------- */

static int refuse(heph_ctx ctx, act_inbox in, void *arg)
{
	struct heph_tree wrong[] = {
		{ .strategy = (enum heph_strategy)3 },
		{ .times = HEPH_RESTARTS_MAX + 1 },
		{ .within = -1 },
		{ .backoff = -1 },
		{ .backoff_max = -1 },
		{ .grace = -1 },
	};
	struct heph_tree tree = { 0 };

	(void)in, (void)arg;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		must_be(heph_spawn(ctx, act, NULL, { idle, NULL },
				   .tree = &wrong[i]),
			-EINVAL);
		must_be(heph_supervise(ctx, &wrong[i]), -EINVAL);
		must_be(heph_tree_step(ctx, &wrong[i]), -EINVAL);
	}
	must_be(heph_spawn(ctx, act, NULL, { idle, NULL }, .tree = &tree,
			   .detached = true),
		-EINVAL);
	must_be(heph_spawn(ctx, act, NULL, { idle, NULL }, .tree = &tree,
			   .restart = (enum heph_restart_type)3),
		-EINVAL);
	must_be(heph_spawn(ctx, act, NULL, { idle, NULL },
			   .restart = HEPH_PERMANENT),
		-EINVAL);
	must_be(heph_supervise(ctx, &tree), 0);
	return 0;
}

static void refuses_what_makes_no_sense(void **state)
{
	struct heph_tree tree = { 0 };
	heph_ctx ctx;

	(void)state;
	run(refuse, NULL);
	ctx = begin(&two_workers);
	must_be(heph_spawn(ctx, act, NULL, { idle, NULL }, .tree = &tree),
		-EINVAL);
	must_be(heph_supervise(ctx, &tree), -EINVAL);
	must_be(heph_tree_count(&tree), 0);
	end(ctx);
}

/* A tree that is not of this life is a new one. */
static int stale(heph_ctx ctx, act_inbox in, void *arg)
{
	static struct heph_tree tree;

	(void)in;
	must_be(heph_tree_count(&tree), 0);
	must_be(heph_supervise(ctx, &tree), 0);
	must_be(heph_spawn(ctx, act, NULL, { child, &children[0] },
			   .tree = &tree),
		0);
	must_be(heph_tree_count(&tree), 1);
	(void)arg;
	return -EIO;
}

static int spawn_stale(heph_ctx ctx, act_inbox in, void *arg)
{
	act_ref ref;

	(void)in, (void)arg;
	for (int i = 0; i < 2; i++) {
		must_be(heph_spawn(ctx, act, &ref, { stale, NULL },
				   .restarts = { .times = 3 }),
			0);
		must_be(heph_join(ctx, ref, NULL), 0);
	}
	return 0;
}

static void a_tree_belongs_to_one_life(void **state)
{
	(void)state;
	run(spawn_stale, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(restarts_one_for_one),
		cmocka_unit_test(restarts_one_for_all),
		cmocka_unit_test(restarts_the_rest_for_one),
		cmocka_unit_test(types_say_which_ends_count),
		cmocka_unit_test(temporary_ones_do_not_return),
		cmocka_unit_test(is_done_when_all_are),
		cmocka_unit_test(gives_up_when_there_are_too_many),
		cmocka_unit_test(zero_times_is_none),
		cmocka_unit_test(the_function_of_a_child_is_asked),
		cmocka_unit_test(own_restarts_come_first),
		cmocka_unit_test(references_stay_good),
		cmocka_unit_test(pauses_before_it_restarts),
		cmocka_unit_test(a_pause_ends_with_the_tree),
		cmocka_unit_test(forces_who_does_not_stop),
		cmocka_unit_test(who_is_forced_forces_its_children),
		cmocka_unit_test(awaits_who_cannot_be_forced),
		cmocka_unit_test(children_end_with_their_supervisor),
		cmocka_unit_test(supervisors_end_in_a_round),
		cmocka_unit_test(trees_have_trees),
		cmocka_unit_test(supervises_beside_other_things),
		cmocka_unit_test(the_clause_knows_of_pauses),
		cmocka_unit_test(ends_and_restarts_one),
		cmocka_unit_test(refuses_what_makes_no_sense),
		cmocka_unit_test(a_tree_belongs_to_one_life),
	};

	return cmocka_run_group_tests_name("trees", tests, NULL, NULL);
}
