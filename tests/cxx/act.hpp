/* SPDX-License-Identifier: MIT */
/* act.hpp - what the tests of heph.hpp have in common */
#ifndef TEST_ACT_HPP
#define TEST_ACT_HPP

#include <csetjmp>
#include <cstdarg>
#include <cstddef>
#include <cstdint>

extern "C" {
#include <cmocka.h>
}

#include <heph/heph.hpp>

#include <sched.h>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <string>

/* For actors: cmocka's assertions jump, which they must not. */
#define must(expr_)                                                            \
	((expr_) ? (void)0 : must_failed(#expr_, __FILE__, __LINE__))
#define must_be(value_, wanted_)                                               \
	must_be_((long)(value_), (long)(wanted_), #value_, __FILE__, __LINE__)

[[noreturn]] inline void must_failed(const char *expr, const char *file, int line)
{
	std::fprintf(stderr, "%s:%d: must: %s\n", file, line, expr);
	std::abort();
}

inline void must_be_(long value, long wanted, const char *expr, const char *file,
		     int line)
{
	if (value == wanted)
		return;
	std::fprintf(stderr, "%s:%d: %s is %ld, not %ld\n", file, line, expr,
		     value, wanted);
	std::abort();
}

/* Workers tell their numbers when they have nothing to do. */
inline void await_all_back(heph_ctx ctx)
{
	heph_time until = heph_now() + 20 * HEPH_SEC;
	struct heph_stats stats;

	do {
		stats = heph_stats(ctx);
		if (!stats.actors && !stats.messages && !stats.descriptors &&
		    !stats.timers && !stats.calls && !stats.stacks)
			return;
		sched_yield();
	} while (heph_now() < until);
	must(!"all is back");
}

/* Runs a lambda as an actor on the first of two workers. */
template <class F> void run(F fn)
{
	heph_config config = {};
	heph_cxx::scoped_runtime runtime;
	struct heph_exit why = {};
	heph_options options = {};
	heph_ref ref;

	setenv("HEPH_LOG", "off", 0);
	config.workers = 2;
	config.no_signals = true;
	options.on = HEPH_WORKER(0);
	must_be(runtime.start(&config), 0);
	must_be(heph_spawn_fn(runtime.ctx(), &ref, fn, options), 0);
	must_be(heph_join(runtime.ctx(), ref, &why), 0);
	must(why.err == 0 || why.err == -ESRCH);
	must_be(heph_drain(runtime.ctx()), 0);
	await_all_back(runtime.ctx());
}

#endif
