/* SPDX-License-Identifier: MIT */
/*
 * A probe never receives: its messages stay in its inbox, from which the test
 * takes them. Its type is a copy of the one that it stands for, with another
 * function, so its messages are dropped as they should be. Workers remember
 * types, so the copies live as long as the runtime.
 */
#include <heph/heph.h>

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "core/inbox.h"
#include "rt/test.h"

struct heph_probe {
	struct heph_probe *next;
	struct heph_actor type;
	char name[40];
};

HEPH_ACTOR(heph_probe, void, void);

static int probe_main(heph_ctx ctx)
{
	return heph_sleep(ctx, HEPH_NEVER);
}
HEPH_ACTOR_MAIN(heph_probe, probe_main);

/* What its messages are is that of `type`, all else ours. */
static struct heph_probe *make(struct heph_test *test,
			       const struct heph_actor *type)
{
	struct heph_probe *probe = heph_mem_alloc(sizeof(*probe));

	if (!probe)
		return NULL;
	snprintf(probe->name, sizeof(probe->name), "probe of %s", type->name);
	probe->type = *type;
	probe->type.name = probe->name;
	probe->type.arg_size = heph_probe_actor.arg_size;
	probe->type.arg_at = heph_probe_actor.arg_at;
	probe->type.spawn_size = heph_probe_actor.spawn_size;
	probe->type.decide_at = heph_probe_actor.decide_at;
	probe->type.entry = heph_probe_actor.entry;
	probe->type.drop_arg = NULL;
	probe->type.decide = heph_probe_actor.decide;
	probe->next = test->probes;
	return test->probes = probe;
}

void heph_raw_probe(struct heph_test *test, const struct heph_actor *type,
		    struct heph_addr *ret_addr)
{
	struct heph_probe_spawn spawn = { .inbox = HEPH_INBOX_MAX };
	struct heph_probe *probe = make(test, type);
	int err = -ENOMEM;

	if (probe)
		err = heph_raw_spawn(test->ctx, &probe->type, &spawn, ret_addr);
	if (err < 0)
		heph_test_fail(test, "heph_probe: no memory for a %s",
			       type->name);
}

void heph_probes_free(struct heph_test *test)
{
	struct heph_probe *probe;

	while ((probe = test->probes)) {
		test->probes = probe->next;
		heph_mem_free(probe);
	}
}

/* ---- expecting ------------------------------------------------------------------- */

enum { SHOWN = 32 };

/* "24 bytes: 01 00 ..." */
static void dump(char *text, size_t room, const void *msg, size_t size)
{
	const unsigned char *bytes = msg;
	size_t at = (size_t)snprintf(text, room, "%zu bytes:", size);

	for (size_t i = 0; i < size && i < SHOWN && at + 8 < room; i++)
		at += (size_t)snprintf(text + at, room - at, " %02x", bytes[i]);
	if (size > SHOWN && at + 8 < room)
		snprintf(text + at, room - at, " ...");
}

static struct heph_self *find(struct heph_test *test, struct heph_addr addr,
			      const char *where)
{
	struct heph_self *self = heph_test_find(test, addr);

	if (!self)
		heph_test_fail(test, "%s: the probe has ended", where);
	return self;
}

static void take(struct heph_test *test, struct heph_self *self, void *ret_msg)
{
	heph_test_enter(test);
	heph_inbox_take(self, ret_msg);
	heph_test_leave(test);
}

void heph_raw_expect(struct heph_test *test, heph_time length,
		     struct heph_addr addr, void *ret_msg, size_t size,
		     const char *where)
{
	struct heph_self *self = find(test, addr, where);
	heph_time deadline = HEPH_NEVER;

	heph_assert(size == heph_type_of(self)->msg_size);
	test->steps = 0;
	if (length < HEPH_NEVER - test->now)
		deadline = test->now + length;
	while (!self->last) {
		if (heph_test_progress(test, deadline)) {
			self = find(test, addr, where);
			continue;
		}
		heph_test_list(test);
		heph_test_fail(
			test,
			"%s: expected a message for the %s, but none came "
			"within %lld.%03lld s",
			where, heph_self_name(self),
			(long long)(length / HEPH_SEC),
			(long long)(length % HEPH_SEC / HEPH_MSEC));
	}
	take(test, self, ret_msg);
}

void heph_raw_expect_value(struct heph_test *test, const char *member,
			   long long is, long long wanted, const void *msg,
			   size_t size, const char *where)
{
	char text[160];

	if (is == wanted)
		return;
	dump(text, sizeof(text), msg, size);
	heph_test_fail(
		test,
		"%s: expected a message with %s %lld, but one with %s %lld "
		"came (%s)",
		where, member, wanted, member, is, text);
}

void heph_raw_expect_none(struct heph_test *test, struct heph_addr addr,
			  const char *where)
{
	struct heph_self *self;
	const struct heph_msg *msg;
	char text[160];

	heph_test_run(test);
	self = find(test, addr, where);
	if (!self->last)
		return;
	msg = self->last->next;
	dump(text, sizeof(text), msg->data, msg->size);
	heph_test_fail(
		test,
		"%s: expected no message for the %s, but %u came; the first "
		"(%s)",
		where, heph_self_name(self), self->n, text);
}
