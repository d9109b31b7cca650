/* SPDX-License-Identifier: MIT */
/*
 * Each step of starting fails once: heph_new() tells the error, the log which step
 * it was, nothing is left, and the next runtime starts.
 */
#include "../../api/task.h"

#include <heph/embed.h>

#include <liburing.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include "base/log.h"
#include "base/mem.h"
#include "rt/runtime.h"

/* ---- what the kernel is asked for ------------------------------------------------ */

enum { THREAD, EVENT, EPOLL, BUFFERS, KINDS };

static const int errors[KINDS] = { EAGAIN, ENFILE, EMFILE, ENOMEM };
static _Atomic long left[KINDS]; /* calls until one fails */
static _Atomic int failures;

/* The functions of the C library that the runtime calls come here. */
static bool fails(int kind)
{
	if (atomic_fetch_sub(&left[kind], 1) != 1)
		return false;
	failures++;
	errno = errors[kind];
	return true;
}

int __real_pthread_create(pthread_t *thread, const pthread_attr_t *attr,
			  void *(*fn)(void *), void *arg);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attr,
			  void *(*fn)(void *), void *arg);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attr,
			  void *(*fn)(void *), void *arg)
{
	return fails(THREAD) ? errors[THREAD] :
			       __real_pthread_create(thread, attr, fn, arg);
}

int __real_eventfd(unsigned count, int flags);
int __wrap_eventfd(unsigned count, int flags);
int __wrap_eventfd(unsigned count, int flags)
{
	return fails(EVENT) ? -1 : __real_eventfd(count, flags);
}

int __real_epoll_create1(int flags);
int __wrap_epoll_create1(int flags);
int __wrap_epoll_create1(int flags)
{
	return fails(EPOLL) ? -1 : __real_epoll_create1(flags);
}

int __real_io_uring_register_buf_ring(struct io_uring *ring,
				      struct io_uring_buf_reg *reg,
				      unsigned flags);
int __wrap_io_uring_register_buf_ring(struct io_uring *ring,
				      struct io_uring_buf_reg *reg,
				      unsigned flags);
int __wrap_io_uring_register_buf_ring(struct io_uring *ring,
				      struct io_uring_buf_reg *reg,
				      unsigned flags)
{
	return fails(BUFFERS) ?
		       -ENOMEM :
		       __real_io_uring_register_buf_ring(ring, reg, flags);
}

/* ---- the log ------------------------------------------------------------------------ */

static int log_number;
static char said[1 << 16]; /* since the last look */

static void look_at_log(void)
{
	ssize_t n;

	heph_log_flush();
	n = pread(log_number, said, sizeof(said) - 1, 0);
	assert_true(n >= 0);
	said[n] = 0;
	assert_int_equal(ftruncate(log_number, 0), 0);
	assert_int_equal(lseek(log_number, 0, SEEK_SET), 0);
}

/* Which of these steps were told, as bits; each line of the log names one. */
static unsigned steps_told(const char *const *steps)
{
	unsigned told = 0;

	for (unsigned n = 0; steps[n]; n++)
		if (strstr(said, steps[n]))
			told |= 1U << n;
	return told;
}

/* ---- what is left ---------------------------------------------------------------------- */

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

static int fds, threads;

static int begin(void **state)
{
	struct heph_config config = { .workers = 1, .no_signals = true };
	heph_ctx ctx;

	mallopt(M_ARENA_MAX, 1);
	log_number = memfd_create("log", MFD_CLOEXEC);
	heph_log_to(log_number);
	heph_log_error("so that it has its thread");
	assert_int_equal(heph_new(&ctx, &config), 0);
	heph_free(ctx);
	look_at_log();
	fds = count_fds();
	threads = count_threads();
	return 0;
}

static int end(void **state)
{
	heph_log_to(2);
	return 0;
}

static void nothing_is_left(void)
{
	assert_int_equal(count_fds(), fds);
	while (count_threads() != threads) /* one may still be counted */
		sched_yield();
}

static const struct heph_config two = { .workers = 2,
					.actors = 1000,
					.no_signals = true };

static void the_next_one_works(void)
{
	heph_ctx ctx;

	assert_int_equal(heph_new(&ctx, &two), 0);
	end_task(ctx, start_task(ctx, nothing_to_do, NULL));
	assert_int_equal(heph_drain(ctx), 0);
	heph_free(ctx);
	nothing_is_left();
}

/* Starts with the n-th call of a kind failing. Whether it was called so often. */
static bool start_without(int kind, long n, int *ret_err)
{
	heph_ctx ctx;
	bool failed;

	failures = 0;
	left[kind] = n;
	*ret_err = heph_new(&ctx, &two);
	left[kind] = 0;
	failed = failures;
	if (*ret_err == 0)
		heph_free(ctx);
	else
		assert_null(ctx.self);
	nothing_is_left();
	look_at_log();
	return failed;
}

/* The coordinator and two workers. */
static void a_thread_that_cannot_be_had_is_told(void **state)
{
	static const char *const steps[] = {
		"step=\"the thread of the coordinator\" err=EAGAIN",
		"step=\"the thread of a worker\" worker=0 err=EAGAIN",
		"step=\"the thread of a worker\" worker=1 err=EAGAIN", NULL
	};
	unsigned told = 0;
	int err;

	for (long n = 1; start_without(THREAD, n, &err); n++) {
		assert_int_equal(err, -EAGAIN);
		assert_int_equal(steps_told(steps), 1U << (n - 1));
		told |= steps_told(steps);
		the_next_one_works();
	}
	assert_int_equal(err, 0);
	assert_int_equal(told, 7);
}

/* Those of the coordinator, and of the drivers, which may do with fewer. */
static void an_event_that_cannot_be_had_is_told(void **state)
{
	static const char *const steps[] = {
		"step=\"the event of the coordinator\" err=ENFILE",
		"step=\"the driver\" worker=", NULL
	};
	unsigned told = 0;
	int err;

	for (long n = 1; start_without(EVENT, n, &err); n++) {
		if (err == 0)
			continue;
		assert_int_equal(err, -ENFILE);
		assert_true(steps_told(steps));
		told |= steps_told(steps);
		the_next_one_works();
	}
	assert_int_equal(err, 0);
	assert_true(told & 1);
}

/* A driver that does not start, on the one worker or the other. */
static void a_driver_that_cannot_be_had_is_told(void **state)
{
	static const char *const steps[] = { "step=\"the driver\" worker=0",
					     "step=\"the driver\" worker=1",
					     NULL };
	const char *given = getenv("HEPH_DRIVER");
	unsigned told = 0;
	int err, times = 0;

	setenv("HEPH_DRIVER", "epoll", 1);
	for (long n = 1; start_without(EPOLL, n, &err); n++, times++) {
		assert_int_equal(err, -EMFILE);
		assert_true(steps_told(steps));
		told |= steps_told(steps);
		the_next_one_works();
	}
	given ? setenv("HEPH_DRIVER", given, 1) : unsetenv("HEPH_DRIVER");
	assert_int_equal(err, 0);
	assert_true(times >= 2);
	assert_true(told);
}

static void *embed_without_buffers(void *arg)
{
	const struct heph_config one = { .no_signals = true };
	struct heph_embed *embed;
	int before = failures;

	left[BUFFERS] = 1;
	assert_int_equal(heph_embed_new(&embed, &one), 0);
	left[BUFFERS] = 0;
	assert_int_equal(failures, before + 1);
	assert_string_equal(heph_driver_name(heph_embed_ctx(embed)), "epoll");
	heph_embed_free(embed);
	return arg;
}

/* Locked memory that is enough for the rings, but not for the buffers of each. On a
 * thread that gets no signals later: valgrind would handle them on the stack for
 * signals that the thread had while it was a worker. */
static void buffers_that_cannot_be_had_leave_epoll(void **state)
{
	pthread_t thread;
	heph_ctx ctx;
	int before;

	if (getenv("HEPH_DRIVER") || getenv("HEPH_URING_FEATURES"))
		skip();
	for (long n = 1; n <= 4; n++) {
		before = failures;
		left[BUFFERS] = n;
		assert_int_equal(heph_new(&ctx, &two), 0);
		left[BUFFERS] = 0;
		assert_string_equal(heph_driver_name(ctx),
				    failures > before ? "epoll" : "uring");
		heph_free(ctx);
		nothing_is_left();
	}
	assert_int_equal(
		pthread_create(&thread, NULL, embed_without_buffers, NULL), 0);
	assert_int_equal(pthread_join(thread, NULL), 0);
	nothing_is_left();
	look_at_log();
}

/* Both at once, and the second thread not at all. */
static void several_steps_may_fail(void **state)
{
	heph_ctx ctx;

	setenv("HEPH_LOG_LEVEL", "error", 0);
	for (int n = 0; n < 10; n++) {
		left[EVENT] = 2;
		left[EPOLL] = 1;
		left[THREAD] = 3;
		assert_int_equal(heph_new(&ctx, &two), -EAGAIN);
		left[EVENT] = left[EPOLL] = left[THREAD] = 0;
		nothing_is_left();
	}
	the_next_one_works();
	look_at_log();
}

/* ---- memory ---------------------------------------------------------------------------------- */

static void memory_that_cannot_be_had_is_told(void **state)
{
	static const char *const steps[] = {
		"step=\"the memory of the runtime\" err=ENOMEM",
		"step=\"a place for the runtime\" err=ENOMEM",
		"step=\"the table of descriptors\" err=ENOMEM",
		"step=\"the memory of a worker\" worker=0 err=ENOMEM",
		"step=\"the memory of a worker\" worker=1 err=ENOMEM",
		"step=\"the driver\" worker=",
		"step=\"the context of the caller\" err=ENOMEM",
		"step=\"the tracer\" err=ENOMEM",
		NULL
	};
	unsigned told = 0;
	heph_ctx ctx;
	int err;

	for (long n = 1;; n++) {
		heph_mem_fail_after(n);
		err = heph_new(&ctx, &two);
		heph_mem_fail_after(-1);
		look_at_log();
		if (err == 0)
			break;
		assert_int_equal(err, -ENOMEM);
		if (!steps_told(steps))
			print_error("%ld: %s\n", n, said);
		assert_true(steps_told(steps));
		told |= steps_told(steps);
		nothing_is_left();
	}
	heph_free(ctx);
	assert_int_equal(told | 1U << 5, 0xff);
	the_next_one_works();
}

/* ---- many ------------------------------------------------------------------------------------ */

/* Each has a thread, as a thread has one context. */
static pthread_barrier_t all_there, over;
static _Atomic int started, refused;

static void *have_a_runtime(void *arg)
{
	struct heph_config config = two;
	heph_ctx ctx;
	int err;

	config.workers = 1;
	config.slots = 1;
	config.actors = 10;
	err = heph_new(&ctx, &config);
	must(err == 0 || err == -EAGAIN);
	started += err == 0;
	refused += err != 0;
	pthread_barrier_wait(&all_there);
	if (err == 0) {
		end_task(ctx, start_task(ctx, nothing_to_do, NULL));
		pthread_barrier_wait(&over);
		heph_free(ctx);
	} else {
		pthread_barrier_wait(&over);
	}
	return NULL;
}

/* One more than there may be: one is refused, the others work, and then there is
 * room again. */
static void there_are_so_many_places(void **state)
{
	enum { N = HEPH_RUNTIMES_MAX + 1 };
	static pthread_t all[N];
	struct rlimit limit;

	if (on_valgrind()) {
		print_message("valgrind has 500 threads at most\n");
		skip();
	}
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	limit.rlim_cur = limit.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	if (limit.rlim_cur < 20 * HEPH_RUNTIMES_MAX) {
		print_message("there are no descriptors for it\n");
		skip();
	}
	pthread_barrier_init(&all_there, NULL, N);
	pthread_barrier_init(&over, NULL, N);
	for (int n = 0; n < N; n++)
		assert_int_equal(
			pthread_create(&all[n], NULL, have_a_runtime, NULL), 0);
	for (int n = 0; n < N; n++)
		pthread_join(all[n], NULL);
	assert_int_equal(started, HEPH_RUNTIMES_MAX);
	assert_int_equal(refused, 1);
	look_at_log();
	assert_non_null(
		strstr(said, "step=\"a place for the runtime\" err=EAGAIN"));
	the_next_one_works();
}

/* ---- one that nobody uses ----------------------------------------------------------------- */

static void *look_in(void *heph)
{
	heph_ctx ctx;

	must_be(heph_attach(heph, &ctx), 0);
	heph_detach(ctx);
	return NULL;
}

/* Freed at once, drained, or left for a while; asked to stop by signals; with a
 * context that nobody waits with. */
static void one_that_nobody_uses_ends(void **state)
{
	struct heph_config config = two;
	pthread_t thread;
	heph_ctx ctx;

	for (int n = 0; n < 20; n++) {
		assert_int_equal(heph_new(&ctx, &config), 0);
		if (n % 4 == 1)
			assert_int_equal(heph_drain(ctx), 0);
		if (n % 4 == 2)
			assert_int_equal(heph_sleep(ctx, HEPH_MSEC), 0);
		if (n % 4 == 3) {
			assert_int_equal(pthread_create(&thread, NULL, look_in,
							heph_runtime(ctx)),
					 0);
			pthread_join(thread, NULL);
		}
		heph_free(ctx);
		nothing_is_left();
	}
	config.no_signals = false;
	assert_int_equal(heph_new(&ctx, &config), 0);
	assert_int_equal(kill(getpid(), SIGTERM), 0);
	while (!atomic_load(&heph_runtime(ctx)->stopping))
		sched_yield();
	assert_int_equal(heph_drain(ctx), 0);
	/* who comes then is asked to stop at once, whatever its phase */
	end_task(ctx, start_task(ctx, nothing_to_do, NULL));
	assert_int_equal(heph_drain(ctx), 0);
	heph_free(ctx);
	nothing_is_left();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_thread_that_cannot_be_had_is_told),
		cmocka_unit_test(an_event_that_cannot_be_had_is_told),
		cmocka_unit_test(a_driver_that_cannot_be_had_is_told),
		cmocka_unit_test(buffers_that_cannot_be_had_leave_epoll),
		cmocka_unit_test(several_steps_may_fail),
		cmocka_unit_test(memory_that_cannot_be_had_is_told),
		cmocka_unit_test(there_are_so_many_places),
		cmocka_unit_test(one_that_nobody_uses_ends),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
