/* SPDX-License-Identifier: MIT */
/*
 * loop.h - one worker with a driver, on the thread of the test
 *
 * Which driver that is, HEPH_DRIVER says, as for any program.
 *
 * loop_run() lets an actor run a function, and returns when no actor is left.
 * Nothing else is there, no coordinator and no other thread, so a test decides
 * what happens in one turn of the worker, and can look inside. loop_close()
 * sees to it that everything was given back.
 */
#ifndef TEST_LOOP_H
#define TEST_LOOP_H

#include "../../api/task.h"

#include "base/clock.h"
#include "base/mem.h"
#include "core/attach.h"
#include "core/life.h"
#include "io/choose.h"
#include "io/file.h"
#include "io/op.h"
#include "io/uring.h"

struct loop {
	const struct heph_io *io;
	struct heph heph;
	struct heph_worker *worker;
};

static inline const struct heph_io *loop_io(void)
{
	static const struct heph_io *io;

	if (!io)
		assert_int_equal(heph_choose(NULL, &io), 0);
	return io;
}

static inline bool loop_on_uring(void)
{
	return loop_io() == &heph_uring_io;
}

static inline void loop_open(struct loop *loop, unsigned poll_ratio)
{
	const struct heph_config config = { .name = "test",
					    .workers = 1,
					    .actors = 10000,
					    .poll_ratio = poll_ratio,
					    .max_run = 1000 * HEPH_SEC,
					    .buffers = HEPH_BUFFERS_BUDGET,
					    .grace = HEPH_SEC };

	heph_clock_calibrate();
	loop->io = loop_io();
	assert_int_equal(heph_init(&loop->heph, &config, &loop->io->driver), 0);
	assert_int_equal(heph_files_init(&loop->heph), 0);
	loop->worker = heph_mem_reserve(sizeof(*loop->worker));
	assert_non_null(loop->worker);
	assert_int_equal(heph_worker_init(loop->worker, &loop->heph, 10000), 0);
	assert_int_equal(heph_threads_add(&loop->heph, &loop->worker->thread),
			 0);
	assert_int_equal(loop->io->driver.start(loop->worker), 0);
}

static inline void loop_run(struct loop *loop, task_fn fn, void *arg)
{
	const struct task_spawn spawn = { .arg = { fn, arg } };
	const struct heph_birth birth = { .type = &task_actor,
					  .spawn = &spawn };
	static const _Atomic bool quit = true;
	struct heph_self *self;

	heph_thread_current = &loop->worker->thread;
	assert_int_equal(heph_life_begin(loop->worker, &birth, &self), 0);
	heph_worker_run(loop->worker, &quit);
}

static inline struct heph_counters *loop_count(struct loop *loop)
{
	return &loop->worker->thread.count;
}

/* Of io_uring, that are lent. */
static inline unsigned loop_buffers(struct loop *loop)
{
	return loop_on_uring() ?
		       heph_uring_in_use(heph_uring_of(loop->worker)) :
		       0;
}

/* On all threads: who closes one need not have opened it. */
static inline uint64_t loop_descriptors(struct loop *loop)
{
	struct heph_self self = { .thread = &loop->worker->thread };

	return heph_stats(heph_self_ctx(&self)).descriptors;
}

static inline void loop_end(struct loop *loop)
{
	if (loop_on_uring()) {
		assert_int_equal(heph_uring_of(loop->worker)->in_flight, 0);
		assert_int_equal(loop_buffers(loop), 0);
	}
	assert_int_equal(loop_count(loop)->operations, 0);
	loop->io->driver.stop(loop->worker);
	heph_attach_fini(&loop->heph);
	loop->io->driver.release(loop->worker);
	heph_worker_fini(loop->worker);
	heph_mem_unreserve(loop->worker, sizeof(*loop->worker));
	heph_files_fini(&loop->heph);
	heph_fini(&loop->heph);
}

/* With no descriptor left open. */
static inline void loop_close(struct loop *loop)
{
	assert_int_equal(loop_descriptors(loop), 0);
	loop_end(loop);
}

/* All of it. */
static inline void loop_with(unsigned poll_ratio, task_fn fn)
{
	int fds = count_fds();
	struct loop loop;

	loop_open(&loop, poll_ratio);
	loop_run(&loop, fn, &loop);
	loop_close(&loop);
	assert_int_equal(count_fds(), fds);
}

#endif
