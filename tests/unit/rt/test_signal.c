/* SPDX-License-Identifier: MIT */
/* Signals of the process; each test is a child process. */
#include "../../api/task.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/wait.h>

#include "core/heph.h"
#include "coro/san.h"

/* Its wait status, 0 if fn() returned 0. Such a child is killed, because what
 * an abandoned runtime had is lost, and valgrind would say so. */
static int run_in_child(int (*fn)(void))
{
	int status, result;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		alarm(100);
		result = fn();
		if (result == 0)
			kill(getpid(), SIGKILL);
		_exit(result);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL ? 0 : status;
}

static void in_child(int (*fn)(void))
{
	assert_int_equal(run_in_child(fn), 0);
}

/* To the process, whichever thread gets it. */
static void raise_in_process(int signal)
{
	must_be(kill(getpid(), signal), 0);
}

static struct heph_config config(unsigned workers)
{
	return (struct heph_config){ .workers = workers, .actors = 1000 };
}

static _Atomic int cancelled, counted;

/* ---- asked to stop ------------------------------------------------------------------ */

static int wait_for_stop(heph_ctx ctx, void *arg)
{
	int err = heph_sleep(ctx, HEPH_NEVER);

	must_be(err, -ECANCELED);
	must(heph_stopping(ctx));
	cancelled++;
	return err;
}

static int with_children(heph_ctx ctx, void *arg)
{
	int signal = *(int *)arg;
	task_ref child;

	for (int n = 0; n < 2; n++)
		must_be(heph_spawn(ctx, task, &child, { wait_for_stop, NULL },
				   .on = HEPH_WORKER(n)),
			0);
	let_run(ctx);
	raise_in_process(signal);
	return wait_for_stop(ctx, NULL);
}

static int stopped_by(int signal)
{
	struct heph_config it = config(2);
	struct sigaction before, after;
	int err;

	sigaction(signal, NULL, &before);
	cancelled = 0;
	err = heph_run(&it, task, { with_children, &signal });
	must_be(err, 0);
	must_be(cancelled, 3);
	sigaction(signal, NULL, &after);
	must(before.sa_handler == after.sa_handler);
	return 0;
}

static int by_sigint(void)
{
	return stopped_by(SIGINT) || stopped_by(SIGTERM) || stopped_by(SIGINT);
}

static void sigint_and_sigterm_ask_all_to_stop(void **state)
{
	in_child(by_sigint);
}

/* ---- twice ---------------------------------------------------------------------------- */

/* Says good-bye for ever. */
static int slow_to_stop(heph_ctx ctx, void *arg)
{
	int other;
	heph_fd fd = pair(ctx, &other);
	char byte;

	raise_in_process(SIGINT);
	must_be(heph_sleep(ctx, HEPH_NEVER), -ECANCELED);
	raise_in_process(SIGINT);
	(void)!heph_read(heph_shield(ctx, HEPH_NEVER), fd, &byte, 1);
	return 0;
}

static int slow_by_run(void)
{
	struct heph_config it = config(2);

	it.grace = 1000 * HEPH_SEC;
	must_be(heph_run(&it, task, { slow_to_stop, NULL }), -EINTR);
	return 0;
}

static int slow_by_drain(void)
{
	struct heph_config it = config(2);
	int fds = count_fds();
	heph_ctx ctx;

	it.grace = 1000 * HEPH_SEC;
	must_be(heph_new(&ctx, &it), 0);
	start_task(ctx, slow_to_stop, NULL);
	must_be(heph_drain(ctx), -EINTR);
	heph_free(ctx);
	must_be(count_fds(),
		fds + 1); /* the other end, which was not adopted */
	return 0;
}

/* Who waits for an actor that is abandoned does not wait for ever. */
static int slow_by_join(void)
{
	struct heph_config it = config(2);
	struct heph_exit exit;
	heph_ctx ctx;
	task_ref task;

	it.grace = 1000 * HEPH_SEC;
	must_be(heph_new(&ctx, &it), 0);
	task = start_task(ctx, slow_to_stop, NULL);
	must_be(heph_join(ctx, task, &exit), -ECANCELED);
	must_be(heph_drain(ctx), -EINTR);
	heph_free(ctx);
	return 0;
}

static int slow_with_a_parent(heph_ctx ctx, void *arg)
{
	task_ref child;
	struct heph_exit exit;

	must_be(heph_spawn(ctx, task, &child, { slow_to_stop, NULL },
			   .on = HEPH_WORKER(1 - heph_worker(ctx))),
		0);
	return heph_join(ctx, child, &exit);
}

static int slow_by_parent(void)
{
	struct heph_config it = config(2);

	it.grace = 1000 * HEPH_SEC;
	must_be(heph_run(&it, task, { slow_with_a_parent, NULL }), -EINTR);
	return 0;
}

static void a_second_one_ends_the_runtime_at_once(void **state)
{
	if (heph_san_on_valgrind())
		skip(); /* what abandoned actors had is lost, as it should be */
	in_child(slow_by_run);
	in_child(slow_by_drain);
	in_child(slow_by_join);
	in_child(slow_by_parent);
}

static int never_returns(heph_ctx ctx, void *arg)
{
	raise_in_process(SIGTERM);
	while (!atomic_load(&heph_runtime(ctx)->abandon))
		sched_yield();
	return 0;
}

static int too_slow(void)
{
	struct heph_config it = config(2);

	it.grace = 5 * HEPH_MSEC;
	must_be(heph_run(&it, task, { never_returns, NULL }), -ETIMEDOUT);
	return 0;
}

static void the_grace_bounds_it(void **state)
{
	in_child(too_slow);
}

/* ---- taken by an actor -------------------------------------------------------------------- */

static int take(heph_ctx ctx, void *arg)
{
	unsigned n = 0, total = 0;

	must_be(heph_wait(heph_within(ctx, 0), heph_on_signal(SIGINT, &n)),
		-ETIME);
	counted++;
	while (total < 3) {
		must_be(heph_wait(ctx, heph_on_signal(SIGINT, &n)), 0);
		must(n >= 1 && n <= 3);
		total += n;
	}
	must(!heph_stopping(ctx));
	counted--;
	return 0;
}

static int takers(heph_ctx ctx, void *arg)
{
	task_ref tasks[4];
	unsigned n;

	must_be(heph_wait(heph_within(ctx, 0), heph_on_signal(SIGINT, &n)),
		-ETIME);
	for (int i = 0; i < 4; i++)
		must_be(heph_spawn(ctx, task, &tasks[i], { take, NULL },
				   .on = HEPH_WORKER(i % 2)),
			0);
	while (counted != 4)
		must_be(heph_yield(ctx), 0);
	for (int i = 0; i < 3; i++) {
		raise_in_process(SIGINT);
		must_be(heph_wait(ctx, heph_on_signal(SIGINT, &n)), 0);
		must_be(n, 1);
	}
	for (int i = 0; i < 4; i++)
		end_task(ctx, tasks[i]);
	must_be(counted, 0);
	return 0;
}

static int taken(void)
{
	struct heph_config it = config(2);
	int signal = SIGINT;
	heph_ctx ctx;

	must_be(heph_run(&it, task, { takers, NULL }), 0);
	/* and when nobody takes it any more it stops again */
	must_be(heph_new(&ctx, &it), 0);
	end_task(ctx, start_task(ctx, takers, NULL));
	must_be(heph_stats(ctx).failed, 0);
	must_be(heph_drain(ctx), 0);
	cancelled = 0;
	start_task(ctx, with_children, &signal);
	must_be(heph_drain(ctx), 0);
	must_be(cancelled, 3);
	heph_free(ctx);
	return 0;
}

static void an_actor_takes_a_signal(void **state)
{
	in_child(taken);
}

static int odd_signals(heph_ctx ctx, void *arg)
{
	static const int bad[] = { 0, -1, 65, 1000, SIGKILL, SIGSTOP };
	unsigned n;

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		must_be(heph_wait(ctx, heph_on_signal(bad[i], &n)), -EINVAL);
	must_be(heph_wait(heph_within(ctx, 0),
			  heph_on_signal(SIGRTMIN + 1, NULL)),
		-ETIME);
	must_be(heph_wait(heph_within(ctx, 0), heph_on_signal(SIGUSR1, NULL)),
		-ETIME);
	raise_in_process(SIGRTMIN + 1);
	must_be(heph_wait(ctx, heph_on_signal(SIGUSR1, NULL),
			  heph_on_signal(SIGRTMIN + 1, NULL)),
		1);
	raise_in_process(SIGUSR1);
	must_be(heph_wait(ctx, heph_on_signal(SIGUSR1, NULL),
			  heph_on_signal(SIGRTMIN + 1, NULL)),
		0);
	return 0;
}

static int other_signals(void)
{
	struct heph_config it = config(1);
	heph_ctx ctx;

	must_be(heph_run(&it, task, { odd_signals, NULL }), 0);
	must_be(heph_new(&ctx, &it), 0);
	must_be(odd_signals(ctx, NULL), 0); /* a thread may do it, too */
	heph_free(ctx);
	return 0;
}

static void others_can_be_taken_too(void **state)
{
	in_child(other_signals);
}

/* While others are written to and read from; nobody sees -EINTR. */
static int talk(heph_ctx ctx, void *arg)
{
	char bytes[1000] = { 0 };
	int other;
	heph_fd fd = pair(ctx, &other), back = adopt(ctx, other);

	for (int i = 0; i < 300; i++) {
		raise_in_process(SIGUSR1);
		must_be(heph_write_all(ctx, fd, bytes, sizeof(bytes)), 0);
		must_be(heph_read_exact(ctx, back, bytes, sizeof(bytes), NULL),
			0);
		must_be(heph_sleep(ctx, HEPH_USEC), 0);
	}
	return 0;
}

static int talk_on(heph_ctx ctx, void *arg)
{
	unsigned n = 0, total = 0;
	task_ref task;

	must_be(heph_wait(heph_within(ctx, 0), heph_on_signal(SIGUSR1, &n)),
		-ETIME);
	must_be(heph_spawn(ctx, task, &task, { talk, NULL },
			   .on = HEPH_WORKER(1)),
		0);
	while (total < 300) /* those that come at once may be one */
		if (heph_wait(heph_within(ctx, 100 * HEPH_MSEC),
			      heph_on_signal(SIGUSR1, &n)) == 0)
			total += n;
		else if (total && !heph_alive(task))
			break;
	must(total >= 1 && total <= 300);
	end_task(ctx, task);
	return 0;
}

/* A signal may still be on its way to a thread when the runtime has ended. */
static int talking(void)
{
	struct heph_config it = config(2);

	signal(SIGUSR1, SIG_IGN);
	must_be(heph_run(&it, task, { talk_on, NULL }), 0);
	return 0;
}

static void signals_disturb_no_operation(void **state)
{
	in_child(talking);
}

/* ---- left alone ---------------------------------------------------------------------------- */

static int unhandled(heph_ctx ctx, void *arg)
{
	raise_in_process(SIGINT);
	return heph_sleep(ctx, HEPH_NEVER);
}

static int left_alone(void)
{
	struct heph_config it = config(1);

	it.no_signals = true;
	signal(SIGINT, SIG_DFL);
	return heph_run(&it, task, { unhandled, NULL });
}

static void no_signals_leaves_them_alone(void **state)
{
	int status = run_in_child(left_alone);

	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGINT);
}

/* ---- several runtimes -------------------------------------------------------------------------- */

static pthread_barrier_t ready;

static int say_ready(heph_ctx ctx, void *arg)
{
	pthread_barrier_wait(&ready);
	return wait_for_stop(ctx, NULL);
}

static void *one_of_two(void *arg)
{
	struct heph_config it = config(1);

	must_be(heph_run(&it, task, { say_ready, NULL }), 0);
	return NULL;
}

static int two(void)
{
	pthread_t threads[2];

	pthread_barrier_init(&ready, NULL, 3);
	for (int i = 0; i < 2; i++)
		must_be(pthread_create(&threads[i], NULL, one_of_two, NULL), 0);
	pthread_barrier_wait(&ready);
	raise_in_process(SIGTERM);
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	must_be(cancelled, 2);
	return 0;
}

static void all_runtimes_hear_of_it(void **state)
{
	in_child(two);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sigint_and_sigterm_ask_all_to_stop),
		cmocka_unit_test(a_second_one_ends_the_runtime_at_once),
		cmocka_unit_test(the_grace_bounds_it),
		cmocka_unit_test(an_actor_takes_a_signal),
		cmocka_unit_test(others_can_be_taken_too),
		cmocka_unit_test(signals_disturb_no_operation),
		cmocka_unit_test(no_signals_leaves_them_alone),
		cmocka_unit_test(all_runtimes_hear_of_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
