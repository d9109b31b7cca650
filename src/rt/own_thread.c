/* SPDX-License-Identifier: MIT */
#include "rt/own_thread.h"

#include "base/mem.h"
#include "coro/fault.h"
#include "rt/thread.h"
#include "rt/trace.h"

struct heph_own_thread {
	struct heph_own_thread *next; /* under runtime->lock, as `result` */
	struct heph_runtime *runtime;
	struct heph_worker *worker;
	pthread_t thread;
	bool started, joined;
	int result; /* of its start */
};

static void say_started(struct heph_own_thread *it, int result)
{
	struct heph_runtime *runtime = it->runtime;

	pthread_mutex_lock(&runtime->lock);
	it->result = result;
	it->started = true;
	if (result == 0) {
		it->next = runtime->own_threads;
		runtime->own_threads = it;
	}
	pthread_cond_broadcast(&runtime->changed);
	pthread_mutex_unlock(&runtime->lock);
}

static void *work(void *arg)
{
	struct heph_own_thread *it = arg;
	struct heph_runtime *runtime = it->runtime;
	const struct heph_driver *driver = runtime->heph.driver;
	int err;

	heph_fault_thread_init();
	err = driver->start(it->worker);
	say_started(it, err);
	if (err == 0) {
		heph_worker_run(it->worker, &runtime->quit);
		driver->stop(it->worker);
	}
	heph_fault_thread_fini();
	return NULL;
}

/* Its result; `it` is in the list if that is 0. */
static int await_start(struct heph_own_thread *it)
{
	struct heph_runtime *runtime = it->runtime;

	pthread_mutex_lock(&runtime->lock);
	while (!it->started)
		pthread_cond_wait(&runtime->changed, &runtime->lock);
	pthread_mutex_unlock(&runtime->lock);
	if (it->result < 0)
		pthread_join(it->thread, NULL);
	return it->result;
}

static int start(struct heph_worker *worker)
{
	struct heph_own_thread *it = heph_mem_alloc(sizeof(*it));
	int err;

	if (!it)
		return -ENOMEM;
	it->runtime = (struct heph_runtime *)worker->thread.heph;
	it->worker = worker;
	err = heph_thread_start(&it->thread, work, it);
	if (err == 0)
		err = await_start(it);
	if (err < 0)
		heph_mem_free(it);
	return err;
}

void heph_own_threads_init(struct heph_runtime *runtime)
{
	runtime->heph.start_thread = start;
}

/* One of them may have started another one before it ended. */
static struct heph_own_thread *next_running(struct heph_runtime *runtime)
{
	struct heph_own_thread *it;

	pthread_mutex_lock(&runtime->lock);
	it = runtime->own_threads;
	while (it && it->joined)
		it = it->next;
	pthread_mutex_unlock(&runtime->lock);
	return it;
}

void heph_own_threads_stop(struct heph_runtime *runtime)
{
	struct heph_own_thread *it;

	while ((it = next_running(runtime))) {
		heph_thread_wake(&it->worker->thread);
		heph_tracer_join(runtime, HEPH_TRACE_JOIN_OWN, it->thread,
				 &it->worker->thread);
		it->joined = true;
	}
}

void heph_own_threads_free(struct heph_runtime *runtime)
{
	struct heph_own_thread *it;

	while ((it = runtime->own_threads)) {
		runtime->own_threads = it->next;
		runtime->heph.driver->release(it->worker);
		heph_mem_free(it);
	}
}
