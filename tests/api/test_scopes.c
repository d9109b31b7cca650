/* SPDX-License-Identifier: MIT */
/* heph_scope_open(), heph_scope_close(), heph_scope_join(). */
#include "peer.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

/* What happened, in order. */
static char story[100];
static _Atomic int story_length;

static void tell(char c)
{
	story[story_length++] = c;
}

static void must_read(const char *wanted)
{
	story[story_length] = 0;
	if (strcmp(story, wanted) != 0)
		fprintf(stderr, "story: %s\n", story);
	must(strcmp(story, wanted) == 0);
	story_length = 0;
}

/* A char would leave bytes beside it, which may be anything. */
static void tell_later(heph_ctx ctx, long *c)
{
	(void)ctx;
	tell((char)*c);
}

static void defer(heph_ctx ctx, char c)
{
	long value = c;

	must_be(heph_defer(ctx, tell_later, value), 0);
}

static void tell_freed(void *ptr)
{
	tell(*(char *)ptr);
}

static struct heph_scope open_scope(heph_ctx ctx)
{
	struct heph_scope scope;

	must_be(heph_scope_open(ctx, &scope), 0);
	return scope;
}

/* Tells its letter when it is stopped. */
static int tell_at_end(heph_ctx ctx, act_inbox in, void *arg)
{
	(void)in;
	must_be(heph_sleep(ctx, HEPH_NEVER), -ECANCELED);
	tell((char)(intptr_t)arg);
	return 0;
}

static act_ref child_on(heph_ctx ctx, int on, char c)
{
	return spawn_on(ctx, on, tell_at_end, (void *)(intptr_t)c);
}

/* The same for an actor, on each kind of worker, and for a thread. */
static void with_all(act_fn *fn)
{
	heph_ctx ctx = begin(&two_workers);
	struct heph_exit exit;
	act_ref ref;

	for (int i = 0; i < 4; i++) {
		story_length = 0;
		if (i == 3) {
			fn(ctx, (act_inbox){ { .inbox = NULL } }, NULL);
			continue;
		}
		ref = spawn_on(ctx,
			       (int[]){ HEPH_WORKER(0), HEPH_ANY,
					HEPH_OWN_THREAD }[i],
			       fn, NULL);
		must_be(heph_join(ctx, ref, &exit), 0);
		must(exit.err == 0 || exit.err == -ESRCH);
	}
	end(ctx);
}

/* ---- closing ----------------------------------------------------------------- */

static int close_in_order(heph_ctx ctx, act_inbox in, void *arg)
{
	static char x = 'x';
	struct heph_scope scope;
	char *before, *large;

	(void)in, (void)arg;
	before = heph_alloc(ctx, 100);
	must(before);
	memset(before, 'b', 100);
	scope = open_scope(ctx);
	defer(ctx, '1');
	must_be(heph_own(ctx, &x, tell_freed), 0);
	large = heph_alloc(ctx, 100000);
	must(large);
	for (int i = 0; i < 100; i++)
		must(heph_alloc(ctx, 100));
	defer(ctx, '2');
	heph_scope_close(ctx, scope);
	must_read("2x1");
	for (int i = 0; i < 100; i++)
		must(before[i] == 'b');
	must(heph_alloc(ctx, 1000));
	return 0;
}

static void what_was_acquired_is_given_back(void **state)
{
	(void)state;
	with_all(close_in_order);
}

static int end_children(heph_ctx ctx, act_inbox in, void *arg)
{
	act_ref before[2] = { child_on(ctx, HEPH_WORKER(0), 'n'),
			      child_on(ctx, HEPH_WORKER(1), 'n') };
	act_ref detached, within[2];
	struct heph_scope scope = open_scope(ctx);

	(void)in, (void)arg;
	defer(ctx, '.');
	for (int i = 0; i < 2; i++)
		within[i] = child_on(ctx, HEPH_WORKER(i), 'c');
	must_be(heph_spawn(ctx, act, &detached, { idle, NULL },
			   .detached = true),
		0);
	heph_scope_close(ctx, scope);
	must_read("cc."); /* first the children */
	for (int i = 0; i < 2; i++) {
		must(!heph_alive(within[i]));
		must(heph_alive(before[i]));
		stop_and_join(ctx, before[i]);
	}
	must_read("nn");
	must(heph_alive(detached));
	stop_and_join(ctx, detached);
	return 0;
}

static void its_actors_end_first(void **state)
{
	(void)state;
	with_all(end_children);
}

static int nest(heph_ctx ctx, act_inbox in, void *arg)
{
	struct heph_scope outer, inner;

	(void)in, (void)arg;
	outer = open_scope(ctx);
	defer(ctx, '1');
	child_on(ctx, HEPH_WORKER(0), 'a');
	inner = open_scope(ctx);
	defer(ctx, '2');
	child_on(ctx, HEPH_WORKER(1), 'b');
	heph_scope_close(ctx, inner);
	must_read("b2");
	inner = open_scope(ctx);
	defer(ctx, '3');
	inner = open_scope(ctx);
	defer(ctx, '4');
	heph_scope_close(ctx, outer); /* closes the others as well */
	must_read("a431");
	outer = open_scope(ctx);
	heph_scope_close(ctx, outer);
	(void)inner;
	return 0;
}

static void scopes_nest(void **state)
{
	(void)state;
	with_all(nest);
}

static int leave_open(heph_ctx ctx, act_inbox in, void *arg)
{
	(void)in;
	defer(ctx, '1');
	child_on(ctx, HEPH_WORKER(0), 'c');
	open_scope(ctx);
	defer(ctx, '2');
	child_on(ctx, HEPH_WORKER(1), 'c');
	open_scope(ctx);
	defer(ctx, '3');
	if (arg)
		heph_panic(ctx, "in a scope");
	return 0;
}

static void the_end_closes_all(void **state)
{
	heph_ctx ctx = begin(&two_workers);
	act_ref ref;

	(void)state;
	for (int i = 0; i < 2; i++) {
		ref = spawn_on(ctx, HEPH_WORKER(0), leave_open,
			       i ? ctx.self : NULL);
		must_be(heph_join(ctx, ref, NULL), 0);
		must_read("cc321");
	}
	end(ctx);
}

static void a_thread_closes_all(void **state)
{
	heph_ctx ctx = begin(&two_workers);

	(void)state;
	leave_open(ctx, (act_inbox){ { .inbox = NULL } }, NULL);
	heph_free(ctx);
	must_read("cc321");
}

static int acquire_things(heph_ctx ctx, act_inbox in, void *arg)
{
	peer_ref held, watched = peer_on(ctx, HEPH_WORKER(1), NULL);
	struct heph_scope scope;
	int ends[2];
	heph_fd fd;

	(void)in, (void)arg;
	must_be(heph_demonitor(ctx, watched), 0);
	scope = open_scope(ctx);
	must_be(heph_spawn(ctx, peer, &held, .held = true, .detached = true),
		0);
	must_be(heph_monitor(ctx, watched), 0);
	must_be(pipe(ends), 0);
	if (ctx.self && heph_worker(ctx) >= 0)
		must_be(heph_fd_adopt(ctx, ends[0], &fd), 0);
	else
		close(ends[0]);
	heph_scope_close(ctx, scope);
	must_be(heph_demonitor(ctx, watched), -ENOENT);
	must_be(heph_release(ctx, held), -ENOENT);
	must_be(heph_join(ctx, held, NULL), 0); /* nobody holds it */
	if (ctx.self && heph_worker(ctx) >= 0)
		must_be(heph_fd_number(ctx, fd), -EBADF);
	close(ends[1]);
	heph_stop(watched);
	must_be(heph_join(ctx, watched, NULL), 0);
	return 0;
}

static void monitors_holds_and_descriptors_end_with_it(void **state)
{
	(void)state;
	with_all(acquire_things);
}

/* The memory of a thousand scopes is that of one. */
static int repeat(heph_ctx ctx, act_inbox in, void *arg)
{
	uint64_t bytes = 0;

	(void)in, (void)arg;
	must(heph_alloc(ctx, 10));
	for (int i = 0; i < 1000; i++) {
		struct heph_scope scope = open_scope(ctx);

		for (int n = 0; n < 20; n++)
			must(heph_alloc(ctx, (size_t)(n * 100)));
		must(heph_alloc(ctx, 5000));
		heph_scope_close(ctx, scope);
		if (i == 0)
			bytes = heph_stats(ctx).bytes;
	}
	must(heph_stats(ctx).bytes <= bytes);
	return 0;
}

static void memory_is_freed(void **state)
{
	(void)state;
	run(repeat, NULL);
}

/* ---- while it is stopped -------------------------------------------------------- */

static int close_when_stopped(heph_ctx ctx, act_inbox in, void *arg)
{
	struct heph_scope scope = open_scope(ctx);
	struct act_msg msg;

	child_on(ctx, HEPH_WORKER(0), 'c');
	child_on(ctx, HEPH_WORKER(1), 'c');
	*(_Atomic bool *)arg = true;
	must_be(heph_recv(ctx, in, &msg), -ECANCELED);
	must_be(heph_scope_join(ctx, scope), -ECANCELED);
	heph_scope_close(heph_within(ctx, 0), scope);
	must_read("cc");
	return 0;
}

static void a_stopped_actor_closes_as_well(void **state)
{
	static _Atomic bool ready;
	heph_ctx ctx = begin(&two_workers);
	act_ref ref;

	(void)state;
	for (int on = HEPH_WORKER(0); on <= HEPH_WORKER(1); on++) {
		ready = false;
		ref = spawn_on(ctx, on, close_when_stopped,
			       (void *)(uintptr_t)&ready);
		while (!ready)
			sched_yield();
		stop_and_join(ctx, ref);
	}
	end(ctx);
}

/* ---- joining ---------------------------------------------------------------------- */

static int join_good_ones(heph_ctx ctx, act_inbox in, void *arg)
{
	struct heph_scope scope = open_scope(ctx);
	act_ref refs[4];

	(void)in, (void)arg;
	must_be(heph_scope_join(ctx, scope), 0); /* there is none */
	for (int i = 0; i < 4; i++)
		refs[i] = spawn_on(ctx, HEPH_WORKER(i % 2), return_arg, NULL);
	must_be(heph_scope_join(ctx, scope), 0);
	for (int i = 0; i < 4; i++)
		must(!heph_alive(refs[i]));
	must_be(heph_scope_join(ctx, scope), 0);
	heph_scope_close(ctx, scope);
	return 0;
}

static int join_failing(heph_ctx ctx, act_inbox in, void *arg)
{
	struct heph_scope outer, inner;
	act_ref outside = spawn_on(ctx, HEPH_WORKER(1), return_arg,
				   (void *)(intptr_t)-EBUSY);

	(void)in, (void)arg;
	must_be(heph_join(ctx, outside, NULL), 0);
	for (int on = HEPH_WORKER(0); on <= HEPH_WORKER(1); on++) {
		outer = open_scope(ctx);
		spawn_on(ctx, on, return_arg, NULL);
		spawn_on(ctx, on, return_arg, (void *)(intptr_t)-EIO);
		must_be(heph_scope_join(ctx, outer), -EIO);
		spawn_on(ctx, on, return_arg, (void *)(intptr_t)-EPERM);
		must_be(heph_scope_join(ctx, outer), -EIO); /* the first */
		inner = open_scope(ctx);
		must_be(heph_scope_join(ctx, inner), 0);
		spawn_on(ctx, on, return_arg, (void *)(intptr_t)-EPERM);
		must_be(heph_scope_join(ctx, inner), -EPERM);
		heph_scope_close(ctx, inner);
		must_be(heph_scope_join(ctx, outer), -EIO);
		heph_scope_close(ctx, outer);
		outer = open_scope(ctx);
		inner = open_scope(ctx);
		spawn_on(ctx, on, return_arg, (void *)(intptr_t)-EPERM);
		must_be(heph_scope_join(ctx, outer), 0); /* it waits for it */
		must_be(heph_scope_join(ctx, inner), -EPERM);
		heph_scope_close(ctx, outer);
	}
	return 0;
}

static int join_too_long(heph_ctx ctx, act_inbox in, void *arg)
{
	struct heph_scope scope = open_scope(ctx);
	act_ref refs[2];

	(void)in, (void)arg;
	for (int i = 0; i < 2; i++)
		refs[i] = spawn_on(ctx, HEPH_WORKER(i), idle, NULL);
	must_be(heph_scope_join(heph_within(ctx, HEPH_MSEC), scope), -ETIME);
	for (int i = 0; i < 2; i++) {
		must(heph_alive(refs[i]));
		heph_stop(refs[i]);
	}
	must_be(heph_scope_join(ctx, scope), 0);
	heph_scope_close(ctx, scope);
	return 0;
}

static void a_scope_can_be_joined(void **state)
{
	(void)state;
	with_all(join_good_ones);
	with_all(join_failing);
	with_all(join_too_long);
}

static enum heph_verdict escalate(const struct heph_exit *why,
				  struct act_arg *arg)
{
	(void)why, (void)arg;
	return HEPH_ESCALATE;
}

static int have_a_child_that_escalates(heph_ctx ctx, act_inbox in, void *arg)
{
	struct heph_scope scope = open_scope(ctx);
	struct act_msg msg;

	must_be(heph_recv(ctx, in, &msg), 0);
	must_be(heph_spawn(ctx, act, NULL,
			   { return_arg, (void *)(intptr_t)-EIO },
			   .on = (int)(intptr_t)arg, .decide = escalate),
		0);
	must_be(heph_sleep(ctx, HEPH_NEVER), -ECANCELED);
	heph_scope_close(ctx, scope);
	return 0;
}

static void a_child_in_it_can_escalate(void **state)
{
	heph_ctx ctx = begin(&two_workers);
	act_ref ref;

	(void)state;
	for (int on = HEPH_WORKER(0); on <= HEPH_WORKER(1); on++) {
		ref = spawn_on(ctx, HEPH_WORKER(0), have_a_child_that_escalates,
			       (void *)(intptr_t)on);
		must_be(heph_monitor(ctx, ref), 0);
		must_be(heph_send(ctx, ref, { .n = 0 }), 0);
		must_end(ctx, (peer_ref){ { .addr = ref.addr } }, -ECHILD,
			 NULL);
	}
	end(ctx);
}

/* A thread has no failure: it is that of the runtime. */
static void one_of_a_thread_fails_the_runtime(void **state)
{
	heph_ctx ctx = begin(&two_workers);
	struct heph_scope scope = open_scope(ctx);

	(void)state;
	must_be(heph_spawn(ctx, act, NULL,
			   { return_arg, (void *)(intptr_t)-EIO },
			   .decide = escalate),
		0);
	spawn_on(ctx, 0, idle, NULL);
	must_be(heph_scope_join(ctx, scope), -EIO); /* all are stopped */
	must_be(heph_drain(ctx), -ECHILD);
	heph_free(ctx);
}

/* ---- wrong uses ----------------------------------------------------------------- */

static int close_twice(heph_ctx ctx, act_inbox in, void *arg)
{
	struct heph_scope scope = open_scope(ctx);

	(void)in, (void)arg;
	heph_scope_close(ctx, scope);
	heph_scope_close(ctx, scope);
	return 0;
}

static int close_the_outer_one_first(heph_ctx ctx, act_inbox in, void *arg)
{
	struct heph_scope outer = open_scope(ctx), inner = open_scope(ctx);

	(void)in, (void)arg;
	heph_scope_close(ctx, outer);
	heph_scope_close(ctx, inner);
	return 0;
}

static int close_that_of_another(heph_ctx ctx, act_inbox in, void *arg)
{
	struct heph_scope *scope = arg;

	(void)in;
	open_scope(ctx);
	heph_scope_close(ctx, *scope);
	return 0;
}

static void run_and_die(act_fn *fn)
{
	heph_ctx ctx = begin(&two_workers);
	struct heph_scope scope = open_scope(ctx);

	must_be(heph_join(ctx, spawn_on(ctx, HEPH_WORKER(0), fn, &scope), NULL),
		0);
	_exit(0);
}

static void must_die(act_fn *fn)
{
	char text[2000] = "";
	size_t n = 0;
	int ends[2], status;
	pid_t pid;
	ssize_t got;

	must_be(pipe(ends), 0);
	pid = fork();
	if (pid == 0) {
		dup2(ends[1], 2);
		dies_with_leaks();
		run_and_die(fn);
	}
	close(ends[1]);
	while ((got = read(ends[0], text + n, sizeof(text) - 1 - n)) > 0)
		n += (size_t)got;
	close(ends[0]);
	must(waitpid(pid, &status, 0) == pid);
	must(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
	must(strstr(text, "this scope is not open"));
}

static void a_wrong_order_stops_the_program(void **state)
{
	(void)state;
	must_die(close_twice);
	must_die(close_the_outer_one_first);
	must_die(close_that_of_another);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_wrong_order_stops_the_program),
		cmocka_unit_test(what_was_acquired_is_given_back),
		cmocka_unit_test(its_actors_end_first),
		cmocka_unit_test(scopes_nest),
		cmocka_unit_test(the_end_closes_all),
		cmocka_unit_test(a_thread_closes_all),
		cmocka_unit_test(monitors_holds_and_descriptors_end_with_it),
		cmocka_unit_test(memory_is_freed),
		cmocka_unit_test(a_stopped_actor_closes_as_well),
		cmocka_unit_test(a_scope_can_be_joined),
		cmocka_unit_test(a_child_in_it_can_escalate),
		cmocka_unit_test(one_of_a_thread_fails_the_runtime),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
