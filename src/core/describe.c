/* SPDX-License-Identifier: MIT */
/*
 * All of this may run in a signal handler, on the alternate stack, while what
 * it looks at is damaged: a message may lie anywhere. So what the actor could
 * have overwritten is read by heph_probe(), lists are walked for a few steps,
 * and each line is written as soon as it is there.
 */
#include "core/describe.h"

#include <pthread.h>

#include "base/fmt.h"
#include "base/log.h"
#include "base/probe.h"
#include "core/inbox.h"
#include "core/slot.h"
#include "core/solo.h"
#include "core/worker.h"
#include "coro/fault.h"

static struct heph_self *running(void)
{
	return heph_thread_current ? heph_thread_current->current : NULL;
}

static const char *who(uint64_t *ret_id)
{
	struct heph_self *self = running();

	if (!self || !self->kind)
		return NULL;
	*ret_id = self->id;
	return heph_self_name(self);
}

void heph_describe_actor(struct heph_fmt *fmt, const struct heph_self *self)
{
	int place = heph_solo_place(self->thread);

	heph_fmt_str(fmt, "actor ");
	heph_fmt_str(fmt, heph_self_name(self));
	heph_fmt_str(fmt, " (type ");
	heph_fmt_str(fmt, heph_type_of(self)->name);
	heph_fmt_str(fmt, ", id ");
	heph_fmt_uint(fmt, self->id);
	if (place >= 0)
		heph_fmt_str(fmt, ", worker ");
	if (place >= 0)
		heph_fmt_uint(fmt, (unsigned)place);
	heph_fmt_str(fmt, ")");
}

/* ", asked to stop, ending" */
static void append_state(struct heph_fmt *fmt, const struct heph_self *self)
{
	if (self->flags & HEPH_FLAG_STOP)
		heph_fmt_str(fmt, ", asked to stop");
	if (self->flags & HEPH_FLAG_FINISHING)
		heph_fmt_str(fmt, ", giving back what it acquired");
}

static void describe_actor(int fd, struct heph_self *self, const void *addr)
{
	const struct heph_slot *slot = heph_slot_of(self);
	bool over = addr &&
		    heph_stacks_guard_of(slot->stacks, addr) == slot->low;
	char text[256];
	struct heph_fmt fmt;

	heph_fmt_init(&fmt, text, sizeof(text));
	heph_fmt_str(&fmt, "heph: ");
	heph_describe_actor(&fmt, self);
	if (over) {
		heph_fmt_str(&fmt, " overflowed its stack of ");
		heph_fmt_uint(&fmt, heph_slot_size(slot));
		heph_fmt_str(&fmt, " bytes");
	} else {
		heph_fmt_str(&fmt, " was running");
	}
	append_state(&fmt, self);
	heph_fmt_str(&fmt, "\n");
	heph_fmt_write(&fmt, fd);
	if (!over)
		return;
	heph_fmt_init(&fmt, text, sizeof(text));
	heph_fmt_str(&fmt, "heph: it gets a larger one if it is spawned with "
			   ".stack = BYTES\n");
	heph_fmt_write(&fmt, fd);
}

/* ---- messages -------------------------------------------------------------- */

/* "heph:     WHAT (SIZE bytes): 01 02 ff ...", of `n` bytes that are there. */
static void write_message(int fd, const char *what, uint32_t size,
			  const unsigned char *data, uint32_t n)
{
	static const char digits[] = "0123456789abcdef";
	char text[256];
	struct heph_fmt fmt;

	heph_fmt_init(&fmt, text, sizeof(text));
	heph_fmt_str(&fmt, "heph:     ");
	heph_fmt_str(&fmt, what);
	heph_fmt_str(&fmt, " (");
	heph_fmt_uint(&fmt, size);
	heph_fmt_str(&fmt, " bytes):");
	for (uint32_t i = 0; i < n; i++) {
		heph_fmt_char(&fmt, ' ');
		heph_fmt_char(&fmt, digits[data[i] >> 4]);
		heph_fmt_char(&fmt, digits[data[i] & 15]);
	}
	heph_fmt_str(&fmt, size > n ? " ...\n" : "\n");
	heph_fmt_write(&fmt, fd);
}

static uint32_t shown(uint32_t size)
{
	return size < HEPH_RECEIPT_BYTES ? size : HEPH_RECEIPT_BYTES;
}

static void write_received(int fd, const struct heph_self *self)
{
	const struct heph_receipts *receipts = &self->thread->receipts;
	unsigned n = receipts->n < HEPH_RECEIPTS ? receipts->n : HEPH_RECEIPTS;
	const struct heph_receipt *it;

	for (unsigned i = receipts->n - n; i != receipts->n; i++) {
		it = &receipts->last[i % HEPH_RECEIPTS];
		if (it->receiver == self->id)
			write_message(fd, "received", it->size, it->data,
				      shown(it->size));
	}
}

/* Copies the message at `at`, as far as it is shown. */
static bool copy_message(struct heph_msg *msg, unsigned char *data,
			 const struct heph_msg *at)
{
	return heph_probe(msg, at, sizeof(*msg)) &&
	       heph_probe(data, at->data, shown(msg->size));
}

static void write_unread(int fd, const struct heph_self *self)
{
	enum { MAX = 4 };
	unsigned char data[HEPH_RECEIPT_BYTES];
	struct heph_msg msg;
	const struct heph_msg *at;

	if (!self->last || !copy_message(&msg, data, self->last))
		return;
	at = msg.next; /* the oldest */
	for (unsigned n = 0; n < MAX && n < self->n; n++) {
		if (!copy_message(&msg, data, at)) {
			write_message(fd, "unread, and damaged", 0, data, 0);
			return;
		}
		write_message(fd, "unread", msg.size, data, shown(msg.size));
		at = msg.next;
	}
}

static void describe_messages(int fd, const struct heph_self *self)
{
	char text[128];
	struct heph_fmt fmt;

	if (!heph_type_of(self)->msg_size)
		return;
	heph_fmt_init(&fmt, text, sizeof(text));
	heph_fmt_str(&fmt, "heph: it has received ");
	heph_fmt_uint(&fmt, heph_self_received(self));
	heph_fmt_str(&fmt, " messages, and not yet ");
	heph_fmt_uint(&fmt, self->n);
	heph_fmt_str(&fmt, "; the oldest first:\n");
	heph_fmt_write(&fmt, fd);
	write_received(fd, self);
	write_unread(fd, self);
}

/* How to see it again. */
static void describe_world(int fd)
{
	const struct heph_thread *thread = heph_thread_current;
	char text[80];
	struct heph_fmt fmt;

	if (!thread || !thread->heph->sim)
		return;
	heph_fmt_init(&fmt, text, sizeof(text));
	heph_fmt_str(&fmt, "heph: in a simulated world: HEPH_SIM_SEED=");
	heph_fmt_uint(&fmt, thread->heph->sim_seed);
	heph_fmt_str(&fmt, "\n");
	heph_fmt_write(&fmt, fd);
}

/* In a signal handler, or before abort(). */
static void describe(int fd, const void *addr)
{
	struct heph_self *self = running();

	describe_world(fd);
	if (!self || !self->kind)
		return;
	describe_actor(fd, self, addr);
	describe_messages(fd, self);
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
