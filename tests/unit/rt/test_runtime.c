/* SPDX-License-Identifier: MIT */
/* Starting and ending, and all that can go wrong then. */
#include "../../api/task.h"

#include <malloc.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "base/log.h"
#include "base/mem.h"
#include "coro/san.h"
#include "rt/runtime.h"

static int count_threads(void)
{
	DIR *dir = opendir("/proc/self/task");
	int n = -2; /* . and .. */

	assert_non_null(dir);
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

/* Megabytes of address space. */
static long size_of_process(void)
{
	FILE *file = fopen("/proc/self/statm", "re");
	long pages = 0;

	assert_non_null(file);
	assert_int_equal(fscanf(file, "%ld", &pages), 1);
	fclose(file);
	return pages / 256;
}

/* The log has a thread of its own from its first line on. */
static void begin_log(void)
{
	const struct heph_config bad = { .grace = -1 };
	heph_ctx ctx;

	must_be(heph_new(&ctx, &bad), -EINVAL);
	heph_log_flush();
}

static struct heph_config small(unsigned workers)
{
	return (struct heph_config){ .workers = workers,
				     .actors = 1000,
				     .no_signals = true };
}

/* ---- a program that uses a bit of everything ------------------------------------- */

struct guest_arg {
	heph_fd fd;
};
HEPH_ACTOR(guest, void, struct guest_arg);

static int guest_main(heph_ctx ctx, struct guest_arg *arg)
{
	char text[10];
	int err = heph_read_exact(ctx, arg->fd, text, 5, NULL);

	return err < 0 ? err : heph_write_all(ctx, arg->fd, text, 5);
}
HEPH_ACTOR_MAIN(guest, guest_main);

static int adopt_pair(heph_ctx ctx, heph_fd fds[2])
{
	int numbers[2], err = 0;

	must_be(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, numbers), 0);
	for (int i = 0; i < 2; i++) {
		if (err == 0)
			err = heph_fd_adopt(ctx, numbers[i], &fds[i]);
		if (err < 0)
			close(numbers[i]);
	}
	return err;
}

static int with_a_guest(heph_ctx ctx, int on)
{
	struct heph_exit exit = { 0 };
	struct heph_fd_handle handle;
	heph_fd fds[2];
	guest_ref guest;
	char text[10];
	int err = adopt_pair(ctx, fds);

	if (err == 0)
		err = heph_fd_give(ctx, fds[1], &handle);
	if (err == 0) {
		err = heph_fd_take(ctx, handle, &fds[1]);
		if (err < 0)
			heph_fd_discard(handle);
	}
	if (err == 0)
		err = heph_spawn(ctx, guest, &guest, { fds[1] }, .give = fds[1],
				 .on = on, .name = "guest");
	if (err < 0)
		return err;
	err = heph_write_all(ctx, fds[0], "hello", 5);
	if (err == 0)
		err = heph_read_exact(ctx, fds[0], text, 5, NULL);
	if (err < 0) /* our guest had no memory, or we */
		return -ENOMEM;
	if (heph_join(ctx, guest, &exit) < 0)
		return -ENOMEM;
	must(exit.err == 0 || exit.err == -ESRCH || exit.err == -ENOMEM);
	return 0;
}

static int with_sockets(heph_ctx ctx)
{
	heph_fd listener, client, server;
	char address[HEPH_ADDRESS_MAX];
	char *text = heph_strdup(ctx, "hello");
	int err;

	if (!text)
		return -ENOMEM;
	err = heph_listen_shared(ctx, "127.0.0.1:0", &listener);
	if (err == 0)
		err = heph_local_address(ctx, listener, address);
	if (err == 0)
		err = heph_connect(ctx, address, &client);
	if (err == 0)
		err = heph_accept(ctx, listener, &server);
	if (err == 0)
		err = heph_wait(ctx, heph_on_writable(server));
	if (err == 0)
		err = heph_write_all(ctx, server, text, 5);
	if (err == 0)
		err = heph_wait(heph_within(ctx, 1000 * HEPH_SEC),
				heph_on_readable(client));
	if (err == 0)
		err = heph_read_exact(ctx, client, text, 5, NULL);
	if (err == 0) {
		ctx = heph_within(ctx, HEPH_MSEC);
		err = heph_serve_on_each(ctx, listener, guest, fd);
		if (err == -ETIME)
			err = 0;
	}
	return err;
}

static _Atomic int result;

static int everything(heph_ctx ctx, void *arg)
{
	int err = 0;

	for (int on = 0; err == 0 && on < 2; on++)
		err = with_a_guest(ctx, HEPH_WORKER(on));
	if (err == 0)
		err = with_sockets(ctx);
	result = err;
	return 0;
}

/* ---- no memory ------------------------------------------------------------------------ */

static void a_failed_allocation_at_the_start_is_told(void **state)
{
	struct heph_config config = small(2);
	int fds = count_fds(), threads, err;
	long n, before, size;
	heph_ctx ctx;

	mallopt(M_ARENA_MAX, 1);
	begin_log();
	assert_int_equal(heph_new(&ctx, &config), 0);
	heph_free(ctx);
	threads = count_threads();
	size = size_of_process();
	for (n = 1;; n++) {
		before = heph_mem_allocations();
		heph_mem_fail_after(n);
		err = heph_new(&ctx, &config);
		heph_mem_fail_after(-1);
		if (err == 0)
			break;
		assert_int_equal(err, -ENOMEM);
		assert_null(ctx.self);
		heph_free(ctx);
		assert_int_equal(count_fds(), fds);
		await_threads(threads);
		assert_true(n < 1000);
	}
	assert_true(n > 10);
	assert_true(heph_mem_allocations() - before < n);
	heph_free(ctx);
	assert_int_equal(count_fds(), fds);
	await_threads(threads);
	assert_true(size_of_process() - size < 200);
}

static void a_failed_allocation_anywhere_is_told(void **state)
{
	struct heph_config config = small(2);
	int fds = count_fds(), told = 0;
	long before = 0;
	heph_ctx ctx;

	for (long n = 1; n == 1 || heph_mem_allocations() - before >= n - 1;
	     n++) {
		assert_int_equal(heph_new(&ctx, &config), 0);
		before = heph_mem_allocations();
		heph_mem_fail_after(n);
		result = 1;
		if (heph_spawn(ctx, task, NULL, { everything, NULL }) == 0) {
			while (heph_drain(ctx) < 0)
				;
			if (result != -ENOMEM)
				assert_int_equal(result, 0);
		}
		told += result != 0;
		heph_mem_fail_after(-1);
		heph_free(ctx);
		assert_int_equal(count_fds(), fds);
		assert_true(n < 5000);
	}
	assert_true(told > 3);
}

/* ---- no descriptors, no address space --------------------------------------------------- */

static void in_child(void (*fn)(void))
{
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		alarm(100);
		fn();
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void few_descriptors(void)
{
	struct heph_config config = small(2);
	struct rlimit limit;
	int fds, threads, first, err = 0;
	heph_ctx ctx;

	begin_log();
	fds = count_fds();
	threads = count_threads();
	first = dup(0);
	close(first);
	must_be(getrlimit(RLIMIT_NOFILE, &limit), 0);
	for (int more = 0; more < 20; more++) {
		limit.rlim_cur = (rlim_t)(first + more);
		must_be(setrlimit(RLIMIT_NOFILE, &limit), 0);
		err = heph_new(&ctx, &config);
		if (err == 0)
			break;
		must_be(err, -EMFILE);
		limit.rlim_cur = limit.rlim_max;
		must_be(setrlimit(RLIMIT_NOFILE, &limit), 0);
		must_be(count_fds(), fds);
		await_threads(threads);
	}
	must_be(err, 0);
	limit.rlim_cur = limit.rlim_max;
	must_be(setrlimit(RLIMIT_NOFILE, &limit), 0);
	heph_free(ctx);
	must_be(count_fds(), fds);
}

static void too_few_descriptors_are_told(void **state)
{
	in_child(few_descriptors);
}

static void little_space(void)
{
	struct heph_config config = small(2);
	int err = -1, failed = 0, threads;
	struct rlimit limit;
	heph_ctx ctx;
	long now;

	begin_log();
	threads = count_threads();
	now = size_of_process();
	must_be(getrlimit(RLIMIT_AS, &limit), 0);
	for (long more = 1; err < 0 && more < 20000; more += more / 4 + 1) {
		limit.rlim_cur = (rlim_t)(now + more) << 20;
		must_be(setrlimit(RLIMIT_AS, &limit), 0);
		err = heph_new(&ctx, &config);
		failed += err < 0;
		must(err == 0 || err == -ENOMEM || err == -EAGAIN);
		if (err < 0)
			await_threads(threads);
	}
	must_be(err, 0);
	must(failed > 3);
	heph_free(ctx);
}

static void too_little_address_space_is_told(void **state)
{
	if (HEPH_ASAN || HEPH_TSAN || heph_san_on_valgrind())
		skip();
	in_child(little_space);
}

/* ---- values --------------------------------------------------------------------------------- */

static void values_out_of_range_are_refused(void **state)
{
	static const struct heph_config bad[] = {
		{ .workers = HEPH_WORKERS_MAX + 1 },
		{ .workers = (unsigned)-1 },
		{ .grace = -1 },
		{ .actors = (1U << 30) + 1 },
		{ .poll_ratio = (1U << 20) + 1 },
		{ .slots = (1U << 16) + 1 },
	};
	heph_ctx ctx = { .deadline = 1 };

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		assert_int_equal(heph_new(&ctx, &bad[i]), -EINVAL);
		assert_null(ctx.self);
	}
	heph_free(ctx);
}

/* Of the environment as well. */
static void a_wrong_number_of_slots_is_refused(void **state)
{
	const struct heph_config config = { .workers = 2, .slots = 3 };
	const char *given = getenv("HEPH_SLOTS");
	heph_ctx ctx;

	setenv("HEPH_SLOTS", "65537", 1);
	if (HEPH_ASAN || HEPH_TSAN) /* no slots at all */
		assert_int_equal(heph_new(&ctx, &config), 0);
	else
		assert_int_equal(heph_new(&ctx, &config), -EINVAL);
	heph_free(ctx);
	given ? setenv("HEPH_SLOTS", given, 1) : unsetenv("HEPH_SLOTS");
	assert_int_equal(heph_new(&ctx, &config), 0);
	heph_free(ctx);
}

static void what_is_not_given_has_a_default(void **state)
{
	struct heph_config config, given = { .workers = 3, .poll_ratio = 7 };

	assert_int_equal(heph_config_resolve(&config, NULL, 0), 0);
	assert_true(config.workers >= 1);
	assert_int_equal(config.grace, 8 * HEPH_SEC);
	assert_int_equal(config.poll_ratio, 64);
	assert_int_equal(config.actors, 1 << 24);
	assert_non_null(config.name);
	assert_int_equal(heph_config_resolve(&config, &given, sizeof(given)),
			 0);
	assert_int_equal(config.workers, 3);
	assert_int_equal(config.poll_ratio, 7);
	/* a program of an earlier version has a shorter struct */
	assert_int_equal(
		heph_config_resolve(&config, &given,
				    offsetof(struct heph_config, poll_ratio)),
		0);
	assert_int_equal(config.workers, 3);
	assert_int_equal(config.poll_ratio, 64);
}

/* ---- where workers run -------------------------------------------------------------------- */

static int look_at_cpus(heph_ctx ctx, void *arg)
{
	cpu_set_t *sets = arg;

	must_be(sched_getaffinity(0, sizeof(*sets), &sets[heph_worker(ctx)]),
		0);
	return 0;
}

static void pinned_workers_stay_on_a_core_each(void **state)
{
	struct heph_config config = small(2);
	static cpu_set_t sets[2], all;
	task_ref task;
	heph_ctx ctx;

	sched_getaffinity(0, sizeof(all), &all);
	for (int pin = 0; pin < 2; pin++) {
		config.pin = pin;
		assert_int_equal(heph_new(&ctx, &config), 0);
		for (int n = 0; n < 2; n++) {
			assert_int_equal(heph_spawn(ctx, task, &task,
						    { look_at_cpus, sets },
						    .on = HEPH_WORKER(n)),
					 0);
			end_task(ctx, task);
		}
		heph_free(ctx);
		for (int n = 0; n < 2; n++)
			assert_int_equal(CPU_COUNT(&sets[n]),
					 pin ? 1 : CPU_COUNT(&all));
		if (CPU_COUNT(&all) > 1)
			assert_int_equal(CPU_EQUAL(&sets[0], &sets[1]), !pin);
	}
}

/* ---- several ---------------------------------------------------------------------------------- */

static void *some_runtimes(void *arg)
{
	struct heph_config config = small(2);
	heph_ctx ctx;

	for (int i = 0; i < 5; i++) {
		must_be(heph_new(&ctx, &config), 0);
		end_task(ctx, start_task(ctx, everything, NULL));
		must_be(heph_drain(ctx), 0);
		heph_free(ctx);
	}
	return NULL;
}

static void several_runtimes_live_side_by_side(void **state)
{
	pthread_t threads[3];
	int fds = count_fds();

	for (int i = 0; i < 3; i++)
		assert_int_equal(pthread_create(&threads[i], NULL,
						some_runtimes, NULL),
				 0);
	for (int i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(result, 0);
	assert_int_equal(count_fds(), fds);
}

/* ---- the end --------------------------------------------------------------------------------- */

static int for_ever(heph_ctx ctx, void *arg)
{
	return heph_sleep(ctx, HEPH_NEVER);
}

static int drain_within(heph_ctx ctx, void *arg)
{
	must_be(heph_drain(ctx), -EDEADLK);
	return 0;
}

static void draining_waits_for_the_last_actor(void **state)
{
	struct heph_config config = small(2);
	heph_ctx ctx;
	task_ref task;

	assert_int_equal(heph_new(&ctx, &config), 0);
	assert_int_equal(heph_drain(ctx), 0); /* nobody is there */
	task = start_task(ctx, for_ever, NULL);
	end_task(ctx, start_task(ctx, drain_within, NULL));
	assert_int_equal(heph_drain(heph_within(ctx, HEPH_MSEC)), -ETIME);
	assert_int_equal(heph_drain(heph_within(ctx, 0)), -ETIME);
	heph_stop(task);
	assert_int_equal(heph_drain(ctx), 0);
	assert_false(heph_alive(task));
	start_task(ctx, for_ever, NULL);
	heph_free(ctx); /* stops it */
}

static _Atomic bool let_go, inside;

/* Does not wait, so nothing can stop it. */
static int stubborn(heph_ctx ctx, void *arg)
{
	inside = true;
	while (!let_go)
		sched_yield();
	return 0;
}

static void *free_it(void *arg)
{
	struct heph_config config = small(2);
	heph_ctx ctx;

	config.grace = 10 * HEPH_MSEC;
	must_be(heph_new(&ctx, &config), 0);
	start_task(ctx, stubborn, NULL);
	start_task(ctx, for_ever, NULL);
	while (!inside)
		sched_yield();
	heph_fail(heph_runtime(ctx), -EXDEV); /* as an escalated failure does */
	must_be(heph_drain(ctx), -EXDEV);
	let_go = true;
	heph_free(ctx);
	return NULL;
}

static void the_grace_ends_a_runtime_with_a_stubborn_actor(void **state)
{
	int fds = count_fds(), threads = count_threads();
	pthread_t thread;

	let_go = inside = false;
	assert_int_equal(pthread_create(&thread, NULL, free_it, NULL), 0);
	pthread_join(thread, NULL);
	assert_int_equal(count_fds(), fds);
	await_threads(threads);
}

/* The actors that are abandoned have operations in flight and descriptors. */
static int wait_for_nothing(heph_ctx ctx, void *arg)
{
	static heph_fd listener;
	char bytes[100];
	int other;
	heph_fd fd = pair(ctx, &other);

	must_be(heph_fd_adopt(ctx, other, &listener), 0);
	must_be(heph_listen(ctx, "127.0.0.1:0", &listener), 0);
	must_be(heph_accept(heph_within(ctx, 0), listener, &fd), -ETIME);
	if (arg) /* and one that is about to be closed */
		heph_close(listener);
	fd = pair(ctx, &other);
	close(dup(other));
	must_be(heph_fd_adopt(ctx, other, &listener), 0);
	inside = true;
	while (!let_go)
		(void)!heph_read(heph_shield(ctx, HEPH_NEVER), fd, bytes, 100);
	return 0;
}

static void abandoned(bool closing)
{
	struct heph_config config = small(1);
	int fds = count_fds(), threads = count_threads();
	heph_ctx ctx;

	let_go = inside = false;
	assert_int_equal(heph_new(&ctx, &config), 0);
	start_task(ctx, wait_for_nothing, closing ? &config : NULL);
	while (!inside)
		sched_yield();
	heph_abandon(heph_runtime(ctx), -EINTR);
	assert_int_equal(heph_drain(ctx), -EINTR);
	heph_free(ctx);
	await_threads(threads);
	assert_int_equal(count_fds(), fds);
}

static void abandoned_actors_leave_no_descriptors(void **state)
{
	if (HEPH_ASAN || heph_san_on_valgrind())
		skip(); /* their memory is lost, as it should be */
	abandoned(false);
	abandoned(true);
}

/* A worker that is stuck in an actor cannot be ended: the process is. */
static void stuck(void)
{
	struct heph_config config = small(1);
	heph_ctx ctx;

	config.grace = HEPH_MSEC;
	let_go = inside = false;
	must_be(heph_new(&ctx, &config), 0);
	start_task(ctx, stubborn, NULL);
	while (!inside)
		sched_yield();
	heph_free(ctx);
	_exit(0);
}

static void a_worker_that_does_not_come_back_ends_the_process(void **state)
{
	int status, log = memfd_create("log", 0);
	char said[4096] = { 0 };
	pid_t pid = fork();

	if (pid == 0) {
		alarm(100);
		heph_log_to(log);
		stuck();
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), EXIT_FAILURE);
	assert_true(pread(log, said, sizeof(said) - 1, 0) > 0);
	assert_non_null(strstr(said, "giving up\" target=heph.runtime "
				     "actor=task worker=0"));
	close(log);
}

/* ---- from outside, while it ends -------------------------------------------------------------- */

struct poked_msg {
	int number;
};
HEPH_ACTOR(poked, struct poked_msg, void);
static int poked_main(heph_ctx ctx, poked_inbox in)
{
	struct poked_msg msg;
	int err;

	while ((err = heph_recv(ctx, in, &msg)) == 0)
		;
	return err;
}
HEPH_ACTOR_MAIN(poked, poked_main);

static poked_ref target;
static _Atomic bool poking;

static void *poke(void *arg)
{
	while (poking) {
		(void)!heph_try_send(target, { 1 });
		heph_stop((heph_ref){ target.addr });
		heph_alive(target);
	}
	return NULL;
}

/* A thread of another runtime, which waits while the inbox is full. */
static void *flood(void *arg)
{
	struct heph_config config = small(1);
	heph_ctx ctx;
	int err;

	must_be(heph_new(&ctx, &config), 0);
	while ((err = heph_send(ctx, target, { 1 })) == 0)
		;
	must_be(err, -ESRCH);
	heph_free(ctx);
	return NULL;
}

static void while_it_ends(void *(*fn)(void *))
{
	struct heph_config config = small(2);
	pthread_t thread;
	heph_ctx ctx;

	for (int i = 0; i < 20; i++) {
		assert_int_equal(heph_new(&ctx, &config), 0);
		assert_int_equal(heph_spawn(ctx, poked, &target, .inbox = 1),
				 0);
		poking = true;
		assert_int_equal(pthread_create(&thread, NULL, fn, NULL), 0);
		if (i % 2) /* it has begun */
			while (heph_stats(ctx).received < 100 &&
			       heph_alive(target))
				sched_yield();
		heph_free(ctx);
		poking = false;
		pthread_join(thread, NULL);
	}
}

static void strangers_may_call_while_it_ends(void **state)
{
	while_it_ends(poke);
	while_it_ends(flood);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		/* these fork, before there are threads */
		cmocka_unit_test(too_few_descriptors_are_told),
		cmocka_unit_test(too_little_address_space_is_told),
		cmocka_unit_test(
			a_worker_that_does_not_come_back_ends_the_process),
		cmocka_unit_test(a_failed_allocation_at_the_start_is_told),
		cmocka_unit_test(a_failed_allocation_anywhere_is_told),
		cmocka_unit_test(values_out_of_range_are_refused),
		cmocka_unit_test(a_wrong_number_of_slots_is_refused),
		cmocka_unit_test(what_is_not_given_has_a_default),
		cmocka_unit_test(pinned_workers_stay_on_a_core_each),
		cmocka_unit_test(several_runtimes_live_side_by_side),
		cmocka_unit_test(draining_waits_for_the_last_actor),
		cmocka_unit_test(
			the_grace_ends_a_runtime_with_a_stubborn_actor),
		cmocka_unit_test(abandoned_actors_leave_no_descriptors),
		cmocka_unit_test(strangers_may_call_while_it_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
