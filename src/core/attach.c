/* SPDX-License-Identifier: MIT */
#include "core/attach.h"

#include "base/log.h"
#include "base/mem.h"
#include "core/life.h"
#include "core/trace.h"

/* Calls that a plain thread has at a time. */
enum { CALLS_MAX = 1 << 16 };

/* A plain thread, and its control block. */
struct plain {
	struct heph_thread thread; /* first */
	struct heph_self self;
};

static int make(struct heph *heph, struct plain **ret_plain)
{
	struct plain *plain = heph_mem_reserve(sizeof(*plain));
	int err;

	if (!plain)
		return -ENOMEM;
	err = heph_thread_init(&plain->thread, heph, CALLS_MAX);
	if (err < 0)
		goto fail_thread;
	err = heph_threads_add(heph, &plain->thread);
	if (err < 0)
		goto fail_add;
	*ret_plain = plain;
	return 0;

fail_add:
	heph_thread_fini(&plain->thread);
fail_thread:
	heph_mem_unreserve(plain, sizeof(*plain));
	return err;
}

static int attach(struct heph *heph, struct heph_worker *host, heph_ctx *ret_ctx)
{
	struct plain *plain = (struct plain *)heph_threads_reuse(heph);
	int err = 0;

	if (!plain)
		err = make(heph, &plain);
	if (err < 0)
		return err;
	plain->self = (struct heph_self){ .thread = &plain->thread };
	plain->thread.current = &plain->self;
	plain->thread.host = host;
	plain->thread.outer = heph_thread_current;
	atomic_store(&plain->thread.told, heph_tracing(heph));
	heph_thread_current = &plain->thread;
	*ret_ctx = heph_self_ctx(&plain->self);
	return 0;
}

/* Whether the calling thread may have one more context. */
static bool may_attach(void)
{
	struct heph_thread *thread = heph_thread_current;

	return !thread || (thread->host && !thread->is_worker);
}

int heph_attach(struct heph *heph, heph_ctx *ret_ctx)
{
	if (heph->driver->simulated) {
		heph_log_error("heph_attach: a simulated runtime has one thread");
		return -EOPNOTSUPP;
	}
	heph_assert(may_attach()); /* a thread attaches once */
	return attach(heph, NULL, ret_ctx);
}

int heph_attach_host(struct heph_worker *worker, heph_ctx *ret_ctx)
{
	return attach(worker->thread.heph, worker, ret_ctx);
}

/* The contexts of a thread end in any order. */
static void leave(struct heph_thread *thread)
{
	struct heph_thread **link = &heph_thread_current;

	while (*link && *link != thread)
		link = &(*link)->outer;
	heph_assert(*link); /* or: it is that of another thread */
	*link = thread->outer;
}

void heph_detach(heph_ctx ctx)
{
	struct heph_thread *thread = ctx.self->thread, *others;

	leave(thread);
	others = heph_thread_current;
	heph_thread_current = thread;
	heph_life_finish_thread(ctx.self);
	heph_thread_open_door(thread);
	thread->current = NULL;
	heph_thread_current = others;
	heph_threads_retire(thread->heph, thread);
}

void heph_attach_fini(struct heph *heph)
{
	struct heph_thread *thread;

	heph_retire(heph);
	for (unsigned n = heph->workers; n < heph->n_threads; n++) {
		thread = heph_thread_of(heph, n);
		heph_thread_fini(thread);
		heph_mem_unreserve(thread, sizeof(struct plain));
	}
	heph->n_threads = heph->workers;
}
