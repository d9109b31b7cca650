/* SPDX-License-Identifier: MIT */
/*
 * stops.h - an actor is stopped wherever it can be, and must leave nothing
 *
 * A row is a few operations that an actor does. It is done again and again, and
 * each time something happens to the actor at another point at which it is
 * suspended, in all the ways of enum stops_how: it is asked to stop before the
 * kernel knows of the operation, later, together with the result, just after
 * it; the same with its deadline; its parent returns or panics; the runtime is
 * abandoned. Afterwards all counters of heph_stats() must be as before,
 * descriptors of the process, what the driver has in flight; and the row must
 * have had its result, or -ECANCELED, or -ETIME, whichever it was.
 *
 * To add rows make a file test_stops_AREA.c beside this one; its name is what
 * links it in the way that is needed here:
 *
 *	static void begin_pipe(heph_ctx ctx, struct stops *it)
 *	{
 *		it->fd = pipe_end(ctx, 0, &it->other);
 *	}
 *
 *	static int run_read(heph_ctx ctx, struct stops *it)
 *	{
 *		char buf[10];
 *
 *		return heph_read(ctx, it->fd, buf, sizeof(buf));
 *	}
 *
 *	static void feed_pipe(struct stops *it)
 *	{
 *		must_be(write(it->other, "x", 1), 1);
 *	}
 *
 *	static const struct stops_row rows[] = {
 *		{ "read", begin_pipe, run_read, feed_pipe, NULL },
 *	};
 *	STOPS_MAIN(rows)
 *
 * `begin` sets up, as the actor; it is never stopped there. `run` is the
 * operations, any number of them, and returns the first error, or 0 and more.
 * `feed`, if it is not NULL, lets happen what the actor waits for; it is called
 * by another actor of the same worker, which must not wait, once for each point
 * at which it still waits after a few turns. A row that needs none ends by
 * itself. `end` undoes the rest when the actor is gone, and looks whether what
 * `it->result` says is what happened, which nobody knows if `it->abandoned`. The
 * actor's descriptors are closed with
 * it; `other` and `other2` by the harness, and the files named in `text` and
 * `text2`, if they begin with '/', are removed by it.
 *
 * What nobody can stop, because the driver does it at once, has no points.
 */
#ifndef TEST_STOPS_H
#define TEST_STOPS_H

#include "loop.h"

#include "core/wait.h"
#include "coro/san.h"
#include "io/driver.h"

#if HEPH_ASAN
#include <sanitizer/lsan_interface.h>
#endif

struct stops_row;

struct stops {
	/* for the rows */
	heph_fd fd, fd2;
	int other, other2; /* numbers that are not the actor's; -1: none */
	char text[256], text2[256];
	long n, n2;
	void *more;
	char bytes[1 << 17]; /* not on a stack */
	bool plain;	     /* nothing happens to it */
	bool abandoned;	     /* with its runtime; run() has not returned */
	int result;	     /* what run() returned */

	/* the harness's */
	const struct stops_row *row;
	unsigned how, at;
	unsigned points, turns; /* that it was suspended at; at this one */
	bool inside, acted, fed;
	task_ref task;
	struct heph_self *self; /* while it runs; NULL: before and after */
	struct heph_self *parent;
	heph_time deadline; /* what the row is given */
};

struct stops_row {
	const char *name;
	void (*begin)(heph_ctx ctx, struct stops *it);
	int (*run)(heph_ctx ctx, struct stops *it);
	void (*feed)(struct stops *it);
	void (*end)(struct stops *it);
};

/* What happens, at the point that is `at`. */
enum stops_how {
	STOPS_NOTHING,
	STOP_FIRST,	  /* before the row begins */
	STOP_AT_ONCE,	  /* the kernel has not heard of the operation */
	STOP_LATER,	  /* it has */
	STOP_WITH_RESULT, /* the result is there, the worker has not seen it */
	STOP_THEN_RESULT, /* the actor has not run yet when the result comes */
	STOP_AFTER,	  /* the actor has the result */
	DEADLINE_AT_ONCE,
	DEADLINE_LATER,
	DEADLINE_WITH_RESULT,
	DEADLINE_THEN_RESULT,
	DEADLINE_THEN_STOP,
	DEADLINE_LATER_STOP, /* as it waits for the end of its operation */
	PARENT_RETURNS,
	PARENT_PANICS,
	STOPS_HOW,	  /* all in one runtime; the others end theirs */
	ABANDON_AT_ONCE = STOPS_HOW,
	ABANDON_LATER,
	ABANDON_WITH_RESULT,
	STOPS_ALL,
};

enum {
	STOPS_LATER = 3,    /* turns */
	STOPS_POINTS = 500, /* of one row */
};
#define STOPS_PATIENCE (60 * HEPH_SEC)

static struct stops stops;

static inline bool stops_about_deadline(unsigned how)
{
	return how >= DEADLINE_AT_ONCE && how <= DEADLINE_LATER_STOP;
}

static inline void stops_fail(const char *what)
{
	fprintf(stderr, "row '%s', way %u, point %u: %s (points %u, result %d)\n",
		stops.row->name, stops.how, stops.at, what, stops.points,
		stops.result);
	dies_with_leaks();
	abort();
}

/* ---- what happens ---------------------------------------------------------- */

static inline void stops_stop(struct stops *it)
{
	heph_stop(it->task);
}

/* As the worker does when the time has come. */
static inline void stops_expire(struct stops *it)
{
	heph_wake(it->self, HEPH_WAIT_TIME);
}

/* As heph_free() does that does not drain. */
static inline void stops_abandon(struct stops *it)
{
	atomic_store(&it->self->thread->heph->abandon, true);
	it->abandoned = true;
}

static inline void stops_feed(struct stops *it)
{
	if (it->row->feed && !it->fed)
		it->row->feed(it);
	it->fed = true;
}

static inline void stops_act_at_once(struct stops *it)
{
	if (it->how == STOP_AT_ONCE)
		stops_stop(it);
	else if (it->how == DEADLINE_AT_ONCE || it->how == DEADLINE_LATER_STOP)
		stops_expire(it);
	else if (it->how == ABANDON_AT_ONCE)
		stops_abandon(it);
	else
		return;
	it->acted = true;
}

static inline void stops_act_later(struct stops *it)
{
	it->acted = true;
	switch (it->how) {
	case STOP_LATER:
		stops_stop(it);
		break;
	case STOP_WITH_RESULT:
		stops_feed(it);
		stops_stop(it);
		break;
	case STOP_THEN_RESULT:
		stops_stop(it);
		stops_feed(it);
		break;
	case DEADLINE_LATER:
		stops_expire(it);
		break;
	case DEADLINE_WITH_RESULT:
		stops_feed(it);
		stops_expire(it);
		break;
	case DEADLINE_THEN_RESULT:
		stops_expire(it);
		stops_feed(it);
		break;
	case DEADLINE_THEN_STOP:
		stops_expire(it);
		stops_stop(it);
		break;
	case PARENT_RETURNS:
	case PARENT_PANICS:
		heph_wake(it->parent, HEPH_WAIT_PARK);
		break;
	case ABANDON_WITH_RESULT:
		stops_feed(it);
		stops_abandon(it);
		break;
	case ABANDON_LATER:
		stops_abandon(it);
		break;
	default:
		it->acted = false;
		stops_feed(it);
	}
}

static inline void stops_act_after(struct stops *it)
{
	if (it->how != STOP_AFTER)
		return;
	it->acted = true;
	stops_stop(it);
}

/* ---- at each point: the linker puts these in the place of three functions --- */

int __real_heph_worker_suspend_slowly(struct heph_self *self, void *arg,
				      heph_coro_then *then);
int __wrap_heph_worker_suspend_slowly(struct heph_self *self, void *arg,
				      heph_coro_then *then);
void __real_heph_worker_suspend(struct heph_self *self);
void __wrap_heph_worker_suspend(struct heph_self *self);
void __real_heph_worker_yield(struct heph_self *self);
void __wrap_heph_worker_yield(struct heph_self *self);

static inline void stops_at_point(struct heph_self *self,
				  void (*real)(struct heph_self *self))
{
	struct stops *it = &stops;

	if (self != it->self) {
		real(self);
		return;
	}
	it->turns = 0;
	it->fed = false;
	it->inside = true;
	if (it->acted && it->how == DEADLINE_LATER_STOP)
		stops_stop(it);
	else if (!it->acted && ++it->points == it->at)
		stops_act_at_once(it);
	real(self);
	it->inside = false;
	if (it->points == it->at && !it->acted)
		stops_act_after(it);
}

static inline int stops_then(struct heph_coro *coro, void *unused)
{
	(void)coro;
	(void)unused;
	return 0;
}

static inline void stops_suspend_slowly(struct heph_self *self)
{
	(void)__real_heph_worker_suspend_slowly(self, NULL, stops_then);
}

int __wrap_heph_worker_suspend_slowly(struct heph_self *self, void *arg,
				      heph_coro_then *then)
{
	if (self != stops.self)
		return __real_heph_worker_suspend_slowly(self, arg, then);
	stops_at_point(self, stops_suspend_slowly);
	return then(&self->coro, arg);
}

void __wrap_heph_worker_suspend(struct heph_self *self)
{
	stops_at_point(self, __real_heph_worker_suspend);
}

void __wrap_heph_worker_yield(struct heph_self *self)
{
	stops_at_point(self, __real_heph_worker_yield);
}

/* ---- the actors -------------------------------------------------------------- */

static inline int stops_actor(heph_ctx ctx, void *arg)
{
	struct stops *it = arg;

	if (it->row->begin)
		it->row->begin(ctx, it);
	if (it->how == STOP_FIRST) {
		it->acted = true;
		stops_stop(it);
	}
	it->self = ctx.self;
	it->result = it->row->run(heph_within(ctx, 3600 * HEPH_SEC), it);
	it->self = NULL;
	return 0;
}

/* Its parent, which has nothing else to do. */
static inline int stops_parent(heph_ctx ctx, void *arg)
{
	struct stops *it = arg;
	bool happens;

	it->parent = ctx.self;
	must_be(heph_spawn(ctx, task, &it->task, { stops_actor, it }), 0);
	must_be(heph_wait_for(ctx, HEPH_WAIT_PARK), 0);
	happens = it->acted && it->self;
	if (happens && it->how == PARENT_PANICS)
		heph_panic(ctx, "on purpose");
	return 0;
}

/* A turn in which the actor is where it was. */
static inline void stops_turn(struct stops *it)
{
	if (++it->turns != STOPS_LATER)
		return;
	if (!it->acted && it->points == it->at)
		stops_act_later(it);
	else if (!it->abandoned)
		stops_feed(it);
}

static inline void stops_drive(heph_ctx ctx, struct stops *it)
{
	heph_time until = heph_now() + STOPS_PATIENCE;

	do {
		must_be(heph_yield(ctx), 0);
		if (it->inside)
			stops_turn(it);
		sched_yield(); /* there may be threads that do its work */
		if (heph_now() > until)
			stops_fail("it does not end");
	} while (heph_alive(it->task));
}

/* ---- one of them -------------------------------------------------------------- */

static inline void stops_close(int number)
{
	if (number >= 0)
		close(number);
}

static inline void stops_check_result(const struct stops *it)
{
	int wanted = stops_about_deadline(it->how) ? -ETIME : -ECANCELED;

	if (it->result >= 0 || (it->acted && it->result == wanted) ||
	    it->abandoned)
		return;
	if (it->acted && it->result == -ECANCELED &&
	    (it->how == DEADLINE_THEN_STOP || it->how == DEADLINE_LATER_STOP))
		return;
	stops_fail("it has another result");
}

static inline void stops_clean(struct stops *it)
{
	stops_check_result(it);
	if (it->row->end)
		it->row->end(it);
	stops_close(it->other);
	stops_close(it->other2);
	if (*it->text == '/')
		unlink(it->text);
	if (*it->text2 == '/')
		unlink(it->text2);
}

static inline void stops_do(heph_ctx ctx, const struct stops_row *row,
			    unsigned how, unsigned at)
{
	struct stops *it = &stops;
	struct heph_exit exit;
	task_ref parent;

	memset(it, 0, offsetof(struct stops, bytes));
	memset(&it->plain, 0, sizeof(*it) - offsetof(struct stops, plain));
	it->row = row;
	it->how = how;
	it->at = at;
	it->plain = how == STOPS_NOTHING;
	it->other = it->other2 = -1;
	it->result = -ENODATA;
	parent = start_task(ctx, stops_parent, it);
	while (!it->task.addr.id)
		must_be(heph_yield(ctx), 0);
	stops_drive(ctx, it);
	if (heph_alive(parent))
		heph_wake(it->parent, HEPH_WAIT_PARK);
	must_be(heph_join(ctx, parent, &exit), 0);
}

static inline void stops_once(heph_ctx ctx, const struct stops_row *row,
			      unsigned how, unsigned at)
{
	stops_do(ctx, row, how, at);
	stops_clean(&stops);
}

/* ---- nothing is left -------------------------------------------------------------- */

static inline void stops_settle(heph_ctx ctx, const struct counts *wanted)
{
	heph_time until = heph_now() + STOPS_PATIENCE;
	struct counts is;

	do {
		must_be(heph_yield(ctx), 0);
		sched_yield();
		is = count_all(ctx);
		if (is_back(is, wanted))
			return;
	} while (heph_now() < until);
	show("wanted", wanted);
	show("is    ", &is);
	stops_fail("something is left");
}

/* The numbers are told, and things closed, at the end of a turn. */
static inline void stops_pass_turns(heph_ctx ctx)
{
	uint64_t polls = heph_stats(ctx).polls;

	while (heph_stats(ctx).polls < polls + 10) {
		must_be(heph_yield(ctx), 0);
		sched_yield();
	}
}

/* Nothing happens to it, until the numbers stay as they are. Returns how many
 * points it has. */
static inline unsigned stops_warm_up(heph_ctx ctx, const struct stops_row *row,
				     struct counts *ret_counts)
{
	unsigned points = 0;

	for (int n = 0; n < 3; n++) {
		stops_once(ctx, row, STOPS_NOTHING, 0);
		if (stops.points > points)
			points = stops.points;
	}
	stops_pass_turns(ctx);
	*ret_counts = count_all(ctx);
	return points;
}

/* It need not have as many points each time. */
static inline void stops_all_ways(heph_ctx ctx, const struct stops_row *row)
{
	struct counts before;
	unsigned points = stops_warm_up(ctx, row, &before), at;

	stops_once(ctx, row, STOP_FIRST, 0);
	stops_settle(ctx, &before);
	for (at = 1; at <= points; at++) {
		for (unsigned how = STOP_AT_ONCE; how < STOPS_HOW; how++) {
			stops_once(ctx, row, how, at);
			stops_settle(ctx, &before);
			if (stops.points > points)
				points = stops.points;
		}
		if (at == STOPS_POINTS)
			stops_fail("it has too many points");
	}
	if (getenv("STOPS_SHOW"))
		fprintf(stderr, "%3u points: %s\n", points, row->name);
}

/* ---- the runtime is abandoned ------------------------------------------------- */

struct stops_order {
	const struct stops_row *row;
	unsigned how, at;
};

static inline int stops_as_told(heph_ctx ctx, void *arg)
{
	const struct stops_order *order = arg;

	stops_do(ctx, order->row, order->how, order->at);
	return 0;
}

/* As loop_end(), with actors that are left. */
static inline void stops_end_loop(struct loop *loop)
{
	const struct heph_driver *driver = loop->heph.driver;

	driver->stop(loop->worker);
	must_be(loop_count(loop)->operations, 0);
	heph_attach_fini(&loop->heph);
	driver->release(loop->worker);
	heph_worker_fini(loop->worker);
	heph_mem_unreserve(loop->worker, sizeof(*loop->worker));
	heph_files_fini(&loop->heph);
	heph_fini(&loop->heph);
}

/* Whether there was such a point. */
static inline bool stops_abandoned(const struct stops_row *row, unsigned how,
				   unsigned at)
{
	struct stops_order order = { row, how, at };
	int fds = count_fds();
	struct loop loop;

	loop_open(&loop, 1);
	loop_run(&loop, stops_as_told, &order);
	stops_end_loop(&loop);
	stops_clean(&stops);
	for (int n = 0; count_fds() > fds; n++) /* other threads have some, too */
		if (n == 100000)
			stops_fail("descriptors are left");
	return stops.points >= at;
}

/* What abandoned actors had is lost, as it should be: nobody is to tell. */
static inline void stops_lose_memory(void)
{
	dies_with_leaks();
#if HEPH_ASAN
	__lsan_disable();
#endif
}

static inline void stops_abandon_all(const struct stops_row *row)
{
	for (unsigned how = STOPS_HOW; how < STOPS_ALL; how++)
		for (unsigned at = 1; stops_abandoned(row, how, at); at++)
			;
}

/* ---- all of them -------------------------------------------------------------------- */

struct stops_table {
	const struct stops_row *rows;
	size_t n;
};

static inline int stops_conduct(heph_ctx ctx, void *arg)
{
	const struct stops_table *table = arg;

	for (size_t i = 0; i < table->n; i++)
		stops_all_ways(ctx, &table->rows[i]);
	return 0;
}

/* Runs all rows, with a poll after each step of an actor, and after many. */
static inline void stops_run(const struct stops_row *rows, size_t n)
{
	struct stops_table table = { rows, n };
	int fds;
	struct loop loop;

	setenv("HEPH_LOG", "off", 0); /* parents panic on purpose */
	for (unsigned poll_ratio = 1; poll_ratio <= 64; poll_ratio += 63) {
		fds = count_fds();
		loop_open(&loop, poll_ratio);
		loop_run(&loop, stops_conduct, &table);
		loop_close(&loop);
		assert_int_equal(count_fds(), fds);
	}
	stops_lose_memory();
	for (size_t i = 0; i < n; i++)
		stops_abandon_all(&rows[i]);
}

#define STOPS_MAIN(rows_)                                                      \
	static void nothing_is_left(void **state)                              \
	{                                                                      \
		stops_run(rows_, sizeof(rows_) / sizeof(*(rows_)));            \
	}                                                                      \
	int main(void)                                                         \
	{                                                                      \
		const struct CMUnitTest tests[] = {                            \
			cmocka_unit_test(nothing_is_left),                     \
		};                                                             \
		return cmocka_run_group_tests(tests, NULL, NULL);              \
	}

#endif
