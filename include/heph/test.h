/* SPDX-License-Identifier: MIT */
/*
 * test.h - for tests of programs that use Heph
 *
 * Nothing here is meant for production. <heph/heph.h> does not include it.
 */
#ifndef HEPH_TEST_H
#define HEPH_TEST_H

#include <heph/heph.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Loses that share of the messages that are sent to actors from now on, in the
 * whole process, by heph_send(), heph_try_send() and heph_post(): of any
 * hundred in a row exactly `percent`, which ones is decided by `seed`. To the
 * sender they seem sent, whatever became of the receiver; they are dropped by
 * the `.drop` function of their type, on the thread of the sender. Calls and
 * answers are not lost, nor is what goes through channels. 0 ends it.
 * Any thread. Returns 0; -EINVAL (more than 100).
 */
HEPH_API HEPH_MUST int heph_test_lose(unsigned percent, uint64_t seed);

/* How many were lost since the last heph_test_lose(). Any thread. */
HEPH_API uint64_t heph_test_lost(void);

/* ---- a runtime that is stepped by hand --------------------------------------- */

/*
 * A test runtime has no thread: its actors run when the test lets them, on the
 * test's own thread, and its time passes when the test says so.
 *
 *     heph_test_new(&test, NULL);
 *     heph_spawn(heph_test_ctx(test), clock, &clock, { .every = HEPH_SEC });
 *     heph_probe(test, listener, &listener);
 *     heph_test_advance(test, 3 * 24 * 3600 * HEPH_SEC);
 *     heph_expect(test, listener, &msg);
 *     heph_test_free(test);
 *
 * Time. heph_now() is virtual, on this thread, from heph_test_new() to
 * heph_test_free(): it begins at one second, stands still while actors run, and
 * jumps from timer to timer. Sleeps and deadlines end exactly when they should.
 *
 * Order. The same program runs in the same order each time. With a seed the
 * order of the actors that could run is drawn from it, the same one each time;
 * a failure names the seed, and the environment's HEPH_TEST_SEED overrides one
 * that is not 0. An actor runs until it waits, or has used its turn.
 *
 * The test has a context, heph_test_ctx(), with which all calls work. Those that
 * wait let the actors run, and let time pass, until what they wait for is there.
 * When nobody can run any more and no timer is set they return -EDEADLK, and the
 * log lists who waits for what. heph_check() and heph_panic() with it fail the
 * test, as heph_expect() does.
 *
 * All actors are on the one worker, HEPH_ANY and HEPH_OWN_THREAD too. There are
 * no descriptors of the kernel: what opens one, or adopts one, is -EOPNOTSUPP.
 * Signals come from heph_test_signal(). Other threads may send messages; they
 * are taken in at the next step.
 *
 * A thread has one test runtime at a time, and no other context meanwhile.
 * Everything here is called by the thread that made it, not by actors.
 */
struct heph_test;

/* All zero is right for most tests. */
struct heph_test_config {
	uint64_t seed;       /* of the order of actors; 0: first come, first run */
	bool fail_on_error;  /* a failure of any actor fails the test */
	heph_time grace;     /* for heph_test_free(), of virtual time; 0: 8 s */
	unsigned actors;     /* at most; 0: 100,000 */
	uint64_t steps;      /* without time passing, then it is an endless loop;
			      * 0: 10 million */

	/* Fails the test: called on the test's own stack with a text that is
	 * valid until heph_test_free(). It may jump out, as cmocka's fail() does;
	 * it must not return. NULL: prints the text and calls abort(). */
	void (*fail)(const char *text);
};

/* Makes a test runtime. `config` may be NULL. Returns 0; -ENOMEM, -EAGAIN (too
 * many runtimes). */
#define heph_test_new(ret_test, config)                                        \
	heph_raw_test_new((ret_test), (config), sizeof(struct heph_test_config))
HEPH_API HEPH_MUST int heph_raw_test_new(struct heph_test **ret_test,
					 const struct heph_test_config *config,
					 size_t size);

/*
 * Stops all actors, lets them end within the grace, and looks what is left: an
 * actor that does not end, a message, timer, call, stack or record that was not
 * given back, fails the test (unless it has failed already). Frees everything.
 * NULL is fine.
 */
HEPH_API void heph_test_free(struct heph_test *test);

/* The context of the test. */
HEPH_API heph_ctx heph_test_ctx(struct heph_test *test);

/* Runs one actor until it waits. Whether there was one that could run. Time
 * does not pass. */
HEPH_API bool heph_test_step(struct heph_test *test);

/* Runs actors until none can. Time does not pass. Returns how many steps it
 * took. */
HEPH_API uint64_t heph_test_run(struct heph_test *test);

/* Lets so much time pass, from timer to timer, and runs what can run at each;
 * `length` is 0 or more. Afterwards nobody can run. */
HEPH_API void heph_test_advance(struct heph_test *test, heph_time length);

/* The process gets a signal, as far as the actors of the test can tell. Those
 * that take it, in heph_on_signal(), hear of it. */
HEPH_API void heph_test_signal(struct heph_test *test, int signal);

/*
 * What an actor does, in words: "gone", "ready", or what it waits for: "waits
 * for a message, at most 2.500 s", "waits for an answer". The text is valid until
 * the next call.
 */
#define heph_test_state(test, ref) heph_raw_test_state((test), (ref).addr)
HEPH_API const char *heph_raw_test_state(struct heph_test *test,
					 struct heph_addr addr);

/* ---- failures of actors ---------------------------------------------------- */

/* One failure: of an actor that was restarted afterwards, or not. */
struct heph_test_failure {
	heph_ref who;
	char name[32];
	struct heph_exit exit;
};

/* How many actors have failed so far, and the n-th of them, counted from 0;
 * NULL: there was none. It is valid until the next actor runs. With
 * `.fail_on_error` the first one fails the test: "error running 'NAME' actor:
 * EIO". */
HEPH_API unsigned heph_test_failures(struct heph_test *test);
HEPH_API const struct heph_test_failure *
heph_test_failure(struct heph_test *test, unsigned n);

/* ---- probes ---------------------------------------------------------------- */

/* How long heph_expect() waits, in virtual time. */
#define HEPH_TEST_PATIENCE (60 * HEPH_SEC)

/*
 * heph_probe(test, NAME, &ref): spawns a probe, an actor that takes the messages
 * of actors of type NAME, and keeps them for the test. It has room for a million.
 * It can be stopped, joined and watched like any other.
 */
HEPH_API void heph_raw_probe(struct heph_test *test,
			     const struct heph_actor *type,
			     struct heph_addr *ret_addr);

/*
 * heph_expect(test, ref, &msg): gives the next message that the probe got. Until
 * there is one it lets actors run and time pass, for HEPH_TEST_PATIENCE; when none
 * comes the test fails. The answer to a call is given with heph_answer().
 *
 * heph_expect_within() says how long that is. With heph_expect_where() the test
 * fails too if the member of the message, which fits a long long, has another
 * value. None of them returns when the test fails.
 */
HEPH_API void heph_raw_expect(struct heph_test *test, heph_time length,
			      struct heph_addr probe, void *ret_msg, size_t size,
			      const char *where);
HEPH_API void heph_raw_expect_value(struct heph_test *test, const char *member,
				    long long is, long long wanted,
				    const void *msg, size_t size,
				    const char *where);

/* heph_expect_none(test, ref): runs what can run now; if the probe has got a
 * message then, the test fails. */
HEPH_API void heph_raw_expect_none(struct heph_test *test,
				   struct heph_addr probe, const char *where);

/* ---- size of an actor ------------------------------------------------------ */

/* Bytes. */
struct heph_size {
	size_t control;	   /* what every actor has */
	size_t extension;  /* what it needed besides: names, lists, a copy of its
			    * argument for restarts */
	size_t arena;	   /* heph_alloc(), in chunks */
	size_t inbox;	   /* messages in it */
	size_t stack;	   /* in use now */
	size_t stack_held; /* memory that the stack holds: the most it ever needed,
			    * also by actors before, in whole pages */
};

/* heph_size_of(ctx, ref, &size): how large an actor is, of the same worker as
 * the caller, or of the test runtime or embedded runtime whose context `ctx` is.
 * Does not wait. Returns 0; -ESRCH (gone); -EXDEV (it is elsewhere). */
#define heph_size_of(ctx, ref, ret_size)                                       \
	heph_raw_size_of((ctx), (ref).addr, (ret_size))
HEPH_API HEPH_MUST int heph_raw_size_of(heph_ctx ctx, struct heph_addr addr,
					struct heph_size *ret_size);

/* ---- the typed half -------------------------------------------------------- */

#ifndef __cplusplus

/* clang-format off */

#define HEPH_TEST_LINE__(line_) HEPH_TEST_STRING__(line_)
#define HEPH_TEST_STRING__(line_) #line_
#define HEPH_TEST_WHERE__ __FILE__ ":" HEPH_TEST_LINE__(__LINE__)

#define heph_probe(test_, n_, ret_) __extension__({ \
	_Static_assert(HEPH_SAME__(ret_, n_##_ref *), "heph_probe: this is not a " #n_ "_ref *"); \
	heph_raw_probe((test_), &n_##_actor, (struct heph_addr *)(ret_)); })
#define heph_expect_within(test_, length_, ref_, ret_msg_) __extension__({ \
	_Static_assert(HEPH_SAME__(*(ret_msg_), *(ref_).msg_t), \
		"heph_expect: " #ret_msg_ " is not a pointer to the messages of " #ref_); \
	heph_raw_expect((test_), (length_), (ref_).addr, (ret_msg_), sizeof(*(ret_msg_)), HEPH_TEST_WHERE__); })
#define heph_expect(test_, ref_, ret_msg_) \
	heph_expect_within(test_, HEPH_TEST_PATIENCE, ref_, ret_msg_)
#define heph_expect_where(test_, ref_, ret_msg_, member_, value_) __extension__({ \
	struct heph_test *heph_t__ = (test_); \
	__typeof__(ret_msg_) heph_r__ = (ret_msg_); \
	heph_expect(heph_t__, ref_, heph_r__); \
	heph_raw_expect_value(heph_t__, #member_, (long long)heph_r__->member_, (long long)(value_), \
		heph_r__, sizeof(*heph_r__), HEPH_TEST_WHERE__); })
#define heph_expect_none(test_, ref_) heph_raw_expect_none((test_), (ref_).addr, HEPH_TEST_WHERE__)

/* clang-format on */

#endif

#ifdef __cplusplus
}
#endif
#endif
