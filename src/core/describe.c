/* SPDX-License-Identifier: MIT */
#include "core/describe.h"

#include <pthread.h>
#include <unistd.h>

#include "base/fmt.h"
#include "base/log.h"
#include "core/worker.h"
#include "coro/fault.h"

static struct heph_self *running(void)
{
	return heph_thread_current ? heph_thread_current->current : NULL;
}

static const char *who(void)
{
	struct heph_self *self = running();

	return self && self->kind ? heph_self_name(self) : NULL;
}

/* " NAME (type TYPE, id N)" */
static void append_actor(struct heph_fmt *fmt, struct heph_self *self)
{
	heph_fmt_str(fmt, "actor ");
	heph_fmt_str(fmt, heph_self_name(self));
	heph_fmt_str(fmt, " (type ");
	heph_fmt_str(fmt, self->kind->type->name);
	heph_fmt_str(fmt, ", id ");
	heph_fmt_uint(fmt, self->id);
	heph_fmt_str(fmt, ", worker ");
	heph_fmt_uint(fmt, self->thread->number);
	heph_fmt_str(fmt, ")");
}

/* In a signal handler, or before abort(). */
static void describe(int fd, const void *addr)
{
	struct heph_self *self = running();
	struct heph_worker *worker;
	char text[256];
	struct heph_fmt fmt;

	if (!self || !self->kind)
		return;
	worker = heph_worker_of(self);
	heph_fmt_init(&fmt, text, sizeof(text));
	heph_fmt_str(&fmt, "heph: ");
	append_actor(&fmt, self);
	if (addr && heph_stacks_guard_of(&worker->stacks, addr) == self->stack) {
		heph_fmt_str(&fmt, " overflowed its stack of ");
		heph_fmt_uint(&fmt, worker->stacks.size);
		heph_fmt_str(&fmt, " bytes\n");
	} else {
		heph_fmt_str(&fmt, " was running\n");
	}
	heph_fmt_write(&fmt, fd);
}

static void note(int fd)
{
	describe(fd, NULL);
}

static void install(void)
{
	heph_log_who = who;
	heph_assert_note = note;
	heph_fault_describe = describe;
}

/* Threads may start runtimes at the same time. */
void heph_describe_install(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, install);
}
