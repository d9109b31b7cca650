/* SPDX-License-Identifier: MIT */
/* test_exceptions.cpp - what becomes of exceptions */
#include "act.hpp"
#include "counter.h"

#include <csignal>
#include <cstring>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- they become panics ---- */

static int destroyed;

struct tracked {
	~tracked() { destroyed++; }
};

[[noreturn]] static void throw_deep(int depth)
{
	tracked it;

	if (depth > 0)
		throw_deep(depth - 1);
	throw std::runtime_error("out of luck");
}

/* Again, later, if it had ended before it could be joined. */
template <class F> static struct heph_exit end_of(heph_ctx ctx, F fn, int on)
{
	heph_options options = {};
	struct heph_exit why;
	heph_ref ref;

	options.on = on;
	for (heph_time wait = HEPH_MSEC;; wait *= 10) {
		destroyed = 0;
		must_be(heph_spawn_fn(ctx, &ref,
				      [fn, wait](heph_ctx ctx) {
					      must_be(heph_sleep(ctx, wait), 0);
					      return fn(ctx);
				      },
				      options),
			0);
		must_be(heph_join(ctx, ref, &why), 0);
		if (why.err != -ESRCH)
			return why;
	}
}

static void an_exception_that_leaves_an_actor_is_a_panic(void **)
{
	run([](heph_ctx ctx) {
		struct heph_exit why;
		uint64_t panicked = heph_stats(ctx).panicked;

		for (int on = HEPH_WORKER(0); on <= HEPH_WORKER(1); on++) {
			why = end_of(
				ctx,
				[](heph_ctx) -> int { throw_deep(9); }, on);
			must_be(why.err, -ENOTRECOVERABLE);
			must(std::strstr(why.note, "test_exceptions.cpp:"));
			must(std::strstr(why.note, ": exception: out of luck"));
			must_be(destroyed, 10);
		}
		must(heph_stats(ctx).panicked >= panicked + 2);
		return 0;
	});
}

static void of_any_type(void **)
{
	run([](heph_ctx ctx) {
		struct heph_exit why;

		why = end_of(ctx, [](heph_ctx) -> int { throw "a text"; }, 0);
		must(std::strstr(why.note, "exception: a text"));
		why = end_of(ctx, [](heph_ctx) -> int { throw 5; }, 0);
		must(std::strstr(why.note, "exception: of no known type"));
		why = end_of(ctx, [](heph_ctx) -> int {
			throw std::runtime_error(std::string(1000, 'x'));
		}, 0);
		must(std::strstr(why.note, "exception: xxxxx"));
		must(std::strlen(why.note) < sizeof(why.note));
		return 0;
	});
}

HEPH_ACTOR(thrower, void, struct counter_arg);
HEPH_ACTOR_MAIN(thrower, ([](heph_ctx, counter_arg *arg) -> int {
	if (arg->start == 3)
		return 0;
	throw std::runtime_error("life " + std::to_string(arg->start));
}));

static std::string notes;

static enum heph_verdict decide(const struct heph_exit *why, counter_arg *arg)
{
	notes += std::strstr(why->note, "life");
	arg->start++;
	return HEPH_RESTART;
}

static void the_supervisor_decides(void **)
{
	run([](heph_ctx ctx) {
		struct heph_exit why;
		thrower_ref ref;

		must_be(heph_spawn(ctx, thrower, &ref, { 0 },
				   { .decide = decide }),
			0);
		must_be(heph_join(ctx, ref, &why), 0);
		must_be(why.err, 0);
		must(notes == "life 0life 1life 2");
		notes = std::string();
		return 0;
	});
}

static int undone;

/* What the runtime knows of is given back as after any panic. */
static void deferred_calls_run(void **)
{
	undone = 0;
	run([](heph_ctx ctx) {
		struct heph_exit why = end_of(ctx, [](heph_ctx ctx) -> int {
			must_be(heph_defer(ctx, [](heph_ctx) { undone++; }), 0);
			throw std::runtime_error("x");
		}, 0);

		must_be(why.err, -ENOTRECOVERABLE);
		must_be(undone, 1);
		return 0;
	});
}

/* ---- caught in the actor, with others on the same thread ---- */

static int caught;

/* Throws, catches, waits; the others do so in between. */
static int juggle(heph_ctx ctx, int number)
{
	std::string got;

	for (int i = 0; i < 100; i++) {
		std::string mine = std::to_string(number) + "/" +
				   std::to_string(i);

		try {
			must_be(heph_yield(ctx), 0);
			try {
				throw std::runtime_error(mine);
			} catch (const std::logic_error &) {
				must(!"is one");
			}
		} catch (const std::runtime_error &e) {
			got = e.what();
			try {
				throw std::logic_error("inner");
			} catch (const std::logic_error &e) {
				got += e.what();
			}
		}
		must_be(heph_yield(ctx), 0);
		must(!std::current_exception());
		must_be(std::uncaught_exceptions(), 0);
		must(got == mine + "inner");
		caught++;
	}
	return 0;
}

static void actors_throw_and_catch_side_by_side(void **)
{
	enum { ACTORS = 10 };

	caught = 0;
	run([](heph_ctx ctx) {
		heph_ref refs[ACTORS];

		for (int n = 0; n < ACTORS; n++)
			must_be(heph_spawn_fn(ctx, &refs[n],
					      [n](heph_ctx ctx) {
						      return juggle(ctx, n);
					      }),
				0);
		for (int n = 0; n < ACTORS; n++)
			must_be(heph_join(ctx, refs[n], nullptr), 0);
		must_be(caught, ACTORS * 100);
		return 0;
	});
}

/* Each waits in the destructor of a scope while its exception passes, for a child
 * that throws and catches meanwhile, on the same thread. */
static void exceptions_pass_scopes_that_wait(void **)
{
	enum { ACTORS = 10 };
	static int children;

	children = caught = 0;
	run([](heph_ctx ctx) {
		heph_ref refs[ACTORS];

		for (int n = 0; n < ACTORS; n++)
			must_be(heph_spawn_fn(ctx, &refs[n], [n](heph_ctx ctx) {
				std::string mine = std::to_string(n);

				try {
					heph_cxx::scope scope;

					must_be(scope.open(ctx), 0);
					must_be(heph_spawn_fn(ctx, nullptr, [n](heph_ctx ctx) {
						must_be(heph_sleep(ctx, HEPH_NEVER), -ECANCELED);
						must_be(std::uncaught_exceptions(), 0);
						juggle(heph_shield(ctx, HEPH_SEC), n);
						children++;
						return 0;
					}), 0);
					must_be(heph_yield(ctx), 0);
					throw std::runtime_error(mine);
				} catch (const std::runtime_error &e) {
					must(e.what() == mine);
				}
				must(!std::current_exception());
				must_be(std::uncaught_exceptions(), 0);
				return 0;
			}), 0);
		for (int n = 0; n < ACTORS; n++)
			must_be(heph_join(ctx, refs[n], nullptr), 0);
		must_be(children, ACTORS);
		return 0;
	});
}

/* An exception is kept until a wait is over: by its pointer, or a copy. */
static void what_was_caught_can_be_kept(void **)
{
	run([](heph_ctx ctx) {
		std::exception_ptr kept;

		try {
			throw std::runtime_error("mine");
		} catch (...) {
			kept = std::current_exception();
		}
		must_be(end_of(ctx,
			       [](heph_ctx) -> int {
				       throw std::runtime_error("other");
			       },
			       0)
				.err,
			-ENOTRECOVERABLE);
		try {
			std::rethrow_exception(kept);
		} catch (const std::runtime_error &e) {
			must(!std::strcmp(e.what(), "mine"));
		}
		return 0;
	});
}

/* ---- faults, in children ---- */

static char said[1 << 15];

/* It reports by itself, and takes its time for it. */
static bool on_valgrind()
{
	const char *preload = getenv("LD_PRELOAD");

	return preload && std::strstr(preload, "vgpreload");
}

template <class F> static void aborts(F fn)
{
	int pipes[2], status;
	size_t used = 0;
	ssize_t n;
	pid_t pid;

	if (on_valgrind())
		skip();
	std::fflush(nullptr);
	assert_int_equal(pipe(pipes), 0);
	pid = fork();
	if (!pid) {
		struct rlimit none = {};

		setrlimit(RLIMIT_CORE, &none);
		alarm(100);
		dup2(pipes[1], STDERR_FILENO);
		run(fn);
		_exit(0);
	}
	close(pipes[1]);
	while ((n = read(pipes[0], said + used, sizeof(said) - 1 - used)) > 0)
		used += (size_t)n;
	said[used] = 0;
	close(pipes[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGABRT)
		print_message("%s", said);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGABRT);
}

static void says(const char *text)
{
	if (!std::strstr(said, text))
		print_message("no '%s' in: %s", text, said);
	assert_non_null(std::strstr(said, text));
}

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define REPORTS 0 /* they have reports of their own */
#elif defined(__has_feature)
#define REPORTS (!__has_feature(address_sanitizer) && !__has_feature(thread_sanitizer))
#else
#define REPORTS 1
#endif

/* Names the exception, as C++ does, and the actor. */
static void says_exception_in(const char *actor)
{
	says("std::runtime_error");
	says("escaped");
	if (!REPORTS)
		return;
	says("heph: SIGABRT (abort() was called)");
	says(actor);
	says("heph: backtrace:\n");
}

[[noreturn]] static void escape()
{
	throw std::runtime_error("escaped");
}

static void an_exception_that_leaves_a_c_actor_is_a_fault(void **)
{
	aborts([](heph_ctx ctx) {
		heph_ref ref;

		to_call_back = escape;
		must_be(heph_spawn(ctx, calls_back, &ref), 0);
		return heph_join(ctx, ref, nullptr);
	});
	says_exception_in("heph: actor calls_back (type calls_back, ");
}

HEPH_ACTOR(leaky, struct counter_msg, void);
static void throw_in_drop(counter_msg *)
{
	escape();
}
HEPH_ACTOR_MAIN(leaky, ([](heph_ctx ctx, leaky_inbox) {
	return heph_sleep(ctx, HEPH_NEVER);
}), .drop = throw_in_drop);

static enum heph_verdict throw_deciding(const struct heph_exit *, counter_arg *)
{
	escape();
}

/* Also where somebody on the way would catch it: what is in between is not
 * made for it. */
static void one_that_leaves_a_hook_is_a_fault(void **)
{
	aborts([](heph_ctx ctx) {
		leaky_ref ref;

		must_be(heph_spawn(ctx, leaky, &ref, {}, { .inbox = 1 }), 0);
		try {
			heph_post(ref, { COUNTER_ADD, { 1 } });
			heph_post(ref, { COUNTER_ADD, { 2 } });
		} catch (...) {
		}
		return 0;
	});
	says_exception_in("heph: actor lambda (type lambda, ");
	aborts([](heph_ctx ctx) {
		thrower_ref ref;

		must_be(heph_spawn(ctx, thrower, &ref, { 1 },
				   { .decide = throw_deciding }),
			0);
		return heph_join(ctx, ref, nullptr);
	});
	says_exception_in("heph: actor thrower (type thrower, ");
	aborts([](heph_ctx ctx) {
		return heph_defer(ctx, [](heph_ctx) { escape(); });
	});
	says_exception_in("heph: actor lambda (type lambda, ");
}

#ifndef NDEBUG
static void a_wait_in_a_catch_block_is_refused(void **)
{
	aborts([](heph_ctx ctx) {
		try {
			escape();
		} catch (...) {
			return heph_wait(ctx, heph_on_time(0));
		}
	});
	says("heph: heph_wait inside a catch block: leave it first\n");
}
#endif

int main()
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_exception_that_leaves_an_actor_is_a_panic),
		cmocka_unit_test(of_any_type),
		cmocka_unit_test(the_supervisor_decides),
		cmocka_unit_test(deferred_calls_run),
		cmocka_unit_test(actors_throw_and_catch_side_by_side),
		cmocka_unit_test(exceptions_pass_scopes_that_wait),
		cmocka_unit_test(what_was_caught_can_be_kept),
		cmocka_unit_test(an_exception_that_leaves_a_c_actor_is_a_fault),
		cmocka_unit_test(one_that_leaves_a_hook_is_a_fault),
#ifndef NDEBUG
		cmocka_unit_test(a_wait_in_a_catch_block_is_refused),
#endif
	};

	return cmocka_run_group_tests(tests, nullptr, nullptr);
}
