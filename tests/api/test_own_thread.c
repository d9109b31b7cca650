/* SPDX-License-Identifier: MIT */
/*
 * Actors with a thread of their own. That they do what all actors do is tested
 * by the other tests, which run again with TEST_ON=own; here is what is special.
 */
#include "act.h"

#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/syscall.h>
#include <unistd.h>

static const struct heph_config one_worker = { .workers = 1,
					       .no_signals = true };

static act_ref spawn_own(heph_ctx ctx, act_fn *fn, void *arg)
{
	return spawn_on(ctx, HEPH_OWN_THREAD, fn, arg);
}

/* ---- blocking ------------------------------------------------------------------ */

static int numbers[2]; /* a pipe */
static _Atomic bool blocks;

static int block_in_read(heph_ctx ctx, act_inbox in, void *arg)
{
	struct act_msg msg;
	char byte;

	(void)arg;
	blocks = true;
	must_be(read(numbers[0], &byte, 1), 1); /* no call of ours */
	must_be(heph_recv(ctx, in, &msg), 0);
	must_be(msg.n, 7);
	return 0;
}

/* It blocks in the kernel, and the only worker goes on. */
static void delays_nobody_when_it_blocks(void **state)
{
	heph_ctx ctx = begin(&one_worker);
	act_ref blocked, other;

	(void)state;
	blocks = false;
	must_be(pipe2(numbers, O_CLOEXEC), 0);
	blocked = spawn_own(ctx, block_in_read, NULL);
	other = spawn_on(ctx, HEPH_WORKER(0), answer_all, NULL);
	while (!blocks)
		sched_yield();
	for (int n = 0; n < 1000; n++)
		sync_with(ctx, other);
	must_be(heph_send(ctx, blocked, { .n = 7 }), 0);
	must_be(heph_send(heph_within(ctx, HEPH_MSEC), blocked, { .n = 8 }), 0);
	must_be(write(numbers[1], "x", 1), 1);
	must_be(heph_join(ctx, blocked, NULL), 0);
	stop_and_join(ctx, other);
	end(ctx);
	close(numbers[0]);
	close(numbers[1]);
}

/* Who sends to one that blocks is held up at the window, not before. */
static void is_full_while_it_blocks(void **state)
{
	heph_ctx ctx = begin(&one_worker);
	act_ref blocked;
	int sent = 0;

	(void)state;
	blocks = false;
	must_be(pipe2(numbers, O_CLOEXEC), 0);
	blocked = spawn_own(ctx, block_in_read, NULL);
	while (!blocks)
		sched_yield();
	while (heph_try_send(blocked, { .n = 7 }) == 0)
		sent++;
	must(sent >= 1 && sent <= 64 + 64);
	must_be(heph_try_send(blocked, { .n = 7 }), -EAGAIN);
	must_be(heph_send(heph_within(ctx, HEPH_MSEC), blocked, { .n = 7 }),
		-ETIME);
	must_be(write(numbers[1], "x", 1), 1);
	must_be(heph_join(ctx, blocked, NULL), 0);
	must_be(act_dropped, sent - 1);
	end(ctx);
	close(numbers[0]);
	close(numbers[1]);
}

/* A stop is seen when it waits. */
static int notice_stop(heph_ctx ctx, act_inbox in, void *arg)
{
	char byte;

	(void)in, (void)arg;
	blocks = true;
	must_be(read(numbers[0], &byte, 1), 1);
	while (!heph_stopping(ctx)) /* it comes by the door, at a wait */
		must(heph_yield(ctx) <= 0);
	must_be(heph_sleep(ctx, HEPH_NEVER), -ECANCELED);
	return 0;
}

static void sees_a_stop_when_it_waits(void **state)
{
	heph_ctx ctx = begin(&one_worker);
	act_ref ref;

	(void)state;
	blocks = false;
	must_be(pipe2(numbers, O_CLOEXEC), 0);
	ref = spawn_own(ctx, notice_stop, NULL);
	while (!blocks)
		sched_yield();
	heph_stop(ref);
	must_be(heph_join(heph_within(ctx, HEPH_MSEC), ref, NULL), -ETIME);
	must_be(write(numbers[1], "x", 1), 1);
	must_be(heph_join(ctx, ref, NULL), 0);
	end(ctx);
	close(numbers[0]);
	close(numbers[1]);
}

/* ---- its thread ------------------------------------------------------------------ */

static int tell_name(heph_ctx ctx, act_inbox in, void *arg)
{
	(void)in;
	must_be(heph_worker(ctx), -1);
	must_be(pthread_getname_np(pthread_self(), arg, 16), 0);
	return 0;
}

static void has_the_name_of_the_actor(void **state)
{
	heph_ctx ctx = begin(&one_worker);
	static char name[16];
	act_ref ref;

	(void)state;
	ref = spawn_own(ctx, tell_name, name);
	must_be(heph_join(ctx, ref, NULL), 0);
	must_be(strcmp(name, "act"), 0);
	must_be(heph_spawn(ctx, act, &ref, { tell_name, name },
			   .name = "one with a long name",
			   .on = HEPH_OWN_THREAD),
		0);
	must_be(heph_join(ctx, ref, NULL), 0);
	must_be(strcmp(name, "one with a long"), 0);
	end(ctx);
}

static int tell_thread(heph_ctx ctx, act_inbox in, void *arg)
{
	(void)ctx, (void)in;
	*(long *)arg = syscall(SYS_gettid);
	return 0;
}

static int count_threads(void)
{
	DIR *dir = opendir("/proc/self/task");
	int n = 0;

	must(dir);
	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

/* One that was joined may still be counted for a moment. */
static void await_threads(int n)
{
	while (count_threads() != n)
		sched_yield();
}

static void has_a_thread_that_is_used_again(void **state)
{
	int before = count_threads(), threads;
	heph_ctx ctx = begin(&one_worker);
	static long one, other;
	act_ref ref;

	(void)state;
	ref = spawn_own(ctx, tell_thread, &one);
	must_be(heph_join(ctx, ref, NULL), 0);
	must_be(heph_drain(ctx), 0); /* now it rests */
	threads = count_threads();
	for (int n = 0; n < 100; n++) {
		ref = spawn_own(ctx, tell_thread, &other);
		must_be(heph_join(ctx, ref, NULL), 0);
		must_be(heph_drain(ctx), 0);
	}
	must(one && other);
	/* one may not rest yet when the next one is wanted, but not often */
	must(count_threads() <= threads + 30);
	end(ctx);
	await_threads(before);
}

static int use_stack(heph_ctx ctx, act_inbox in, void *arg)
{
	volatile char large[768 * 1024];

	(void)in, (void)arg;
	for (size_t at = sizeof(large); at >= 1000; at -= 1000)
		large[at - 1] = 1;
	return heph_sleep(ctx, HEPH_USEC) + large[sizeof(large) - 1] - 1;
}

static void has_room_on_its_stack(void **state)
{
	heph_ctx ctx = begin(&one_worker);
	struct heph_exit exit;
	act_ref ref = spawn_own(ctx, use_stack, NULL);

	(void)state;
	must_be(heph_join(ctx, ref, &exit), 0);
	must(exit.err == 0 || exit.err == -ESRCH);
	end(ctx);
}

/* ---- together --------------------------------------------------------------------- */

struct hop_arg {
	act_ref to;
	long hops;
};

static int hop(heph_ctx ctx, act_inbox in, void *arg)
{
	struct hop_arg *it = arg;
	struct act_msg msg;

	for (long n = 0; n < it->hops; n++) {
		must_be(heph_recv(ctx, in, &msg), 0);
		heph_post(it->to, { .n = msg.n + 1 }); /* the first may end */
	}
	return 0;
}

/* A message goes around actors of all kinds. */
static void goes_around_all_kinds(void **state)
{
	enum { KINDS = 5, HOPS = 300 };
	static const int places[KINDS] = { HEPH_OWN_THREAD, HEPH_ANY,
					   HEPH_WORKER(0), HEPH_OWN_THREAD,
					   HEPH_WORKER(1) };
	static struct hop_arg args[KINDS];
	heph_ctx ctx = begin(&two_workers);
	act_ref refs[KINDS];

	(void)state;
	for (int n = 0; n < KINDS; n++) {
		args[n].hops = HOPS;
		refs[n] = spawn_on(ctx, places[n], hop, &args[n]);
	}
	for (int n = 0; n < KINDS; n++)
		args[n].to = refs[(n + 1) % KINDS];
	must_be(heph_send(ctx, refs[0], { .n = 0 }), 0);
	for (int n = 1; n < KINDS; n++)
		must_be(heph_join(ctx, refs[n], NULL), 0);
	must_be(heph_join(ctx, refs[0], NULL), 0);
	end(ctx);
}

static int spawn_and_ask(heph_ctx ctx, act_inbox in, void *arg)
{
	act_ref child = spawn_on(ctx, (int)(intptr_t)arg, answer_all, NULL);

	(void)in;
	for (int n = 0; n < 100; n++)
		sync_with(ctx, child);
	return 0; /* the child ends with it */
}

static void asks_its_children_wherever_they_are(void **state)
{
	heph_ctx ctx = begin(&two_workers);
	act_ref ref;

	(void)state;
	for (int on = HEPH_OWN_THREAD; on <= HEPH_WORKER(1); on++) {
		ref = spawn_own(ctx, spawn_and_ask, (void *)(intptr_t)on);
		must_be(heph_join(ctx, ref, NULL), 0);
	}
	end(ctx);
}

static void are_stopped_with_their_runtime(void **state)
{
	heph_ctx ctx = begin(&two_workers);

	(void)state;
	for (int n = 0; n < 20; n++)
		spawn_own(ctx, idle, NULL);
	must_be(heph_stats(ctx).actors, 20);
	heph_free(ctx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(delays_nobody_when_it_blocks),
		cmocka_unit_test(is_full_while_it_blocks),
		cmocka_unit_test(sees_a_stop_when_it_waits),
		cmocka_unit_test(has_the_name_of_the_actor),
		cmocka_unit_test(has_a_thread_that_is_used_again),
		cmocka_unit_test(has_room_on_its_stack),
		cmocka_unit_test(goes_around_all_kinds),
		cmocka_unit_test(asks_its_children_wherever_they_are),
		cmocka_unit_test(are_stopped_with_their_runtime),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
