/* SPDX-License-Identifier: MIT */
#include "core/signals.h"

#include "base/clock.h"
#include "core/heph.h"
#include "core/trace.h"
#include "core/wait.h"

void heph_signals_post(struct heph_thread *thread, int signal, uint32_t n)
{
	atomic_fetch_add(&thread->signal_count[signal], n);
	if (!atomic_exchange(&thread->signal_posted, true))
		heph_thread_post(thread, &thread->signal_event);
}

void heph_signals_sent_by(struct heph_thread *thread, int signal,
			  uint64_t sender)
{
	atomic_store(&thread->signal_sender[signal], sender);
}

struct heph_signal heph_signals_info(const struct heph_signal_take *take)
{
	return (struct heph_signal){
		.number = take->signal,
		.count = take->count,
		.pid = (pid_t)(take->sender >> 32),
		.uid = (uid_t)take->sender,
	};
}

static void deliver_one(struct heph_thread *thread, int signal, uint32_t n)
{
	struct heph_signal_take *take;
	struct heph_list *node;

	heph_list_each(node, &thread->signals) {
		take = heph_container_of(node, struct heph_signal_take, node);
		if (take->signal != signal)
			continue;
		take->count += n;
		take->sender = atomic_load(&thread->signal_sender[signal]);
		heph_wake(take->self, HEPH_WAIT_SIGNAL);
	}
}

void heph_signals_deliver(struct heph_event *event)
{
	struct heph_thread *thread =
		heph_container_of(event, struct heph_thread, signal_event);
	bool traced = heph_tracing(thread->heph);
	uint64_t start = traced ? heph_clock_ticks() : 0;
	uint32_t n;

	atomic_store(&thread->signal_posted, false);
	for (int signal = 1; signal < HEPH_SIGNALS; signal++) {
		n = atomic_exchange(&thread->signal_count[signal], 0);
		if (n)
			deliver_one(thread, signal, n);
		if (n && traced)
			heph_trace_signal(thread, start, signal);
	}
}

static void untake(heph_ctx ctx, struct heph_owned *owned)
{
	struct heph_signal_take *take =
		heph_container_of(owned, struct heph_signal_take, owned);

	heph_list_remove(&take->node);
	ctx.self->thread->heph->untake_signal(ctx.self->thread->heph,
					      take->signal);
	heph_pool_give(&ctx.self->thread->pool, take, sizeof(*take));
}

static struct heph_signal_take *find(struct heph_self *self, int signal)
{
	struct heph_signal_take *take;
	struct heph_list *node;

	heph_list_each(node, &self->thread->signals) {
		take = heph_container_of(node, struct heph_signal_take, node);
		if (take->self == self && take->signal == signal)
			return take;
	}
	return NULL;
}

int heph_signals_take(struct heph_self *self, int signal,
		      struct heph_signal_take **ret_take)
{
	struct heph_thread *thread = self->thread;
	struct heph_ext *ext = heph_self_extend(self);
	struct heph_signal_take *take;
	int err;

	if (!ext)
		return -ENOMEM;
	if (signal < 1 || signal >= HEPH_SIGNALS || !thread->heph->take_signal)
		return -EINVAL;
	take = find(self, signal);
	if (!take) {
		take = heph_pool_take(&thread->pool, sizeof(*take));
		if (!take)
			return -ENOMEM;
		atomic_store(&thread->takes_signals,
			     true); /* before it comes */
		err = thread->heph->take_signal(thread->heph, signal);
		if (err < 0) {
			heph_pool_give(&thread->pool, take, sizeof(*take));
			return err;
		}
		*take = (struct heph_signal_take){ .owned.undo = untake,
						   .self = self,
						   .signal = signal };
		heph_list_push_back(&ext->owned, &take->owned.node);
		heph_list_push_back(&thread->signals, &take->node);
	}
	*ret_take = take;
	return 0;
}
