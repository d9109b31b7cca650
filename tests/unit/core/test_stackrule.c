/* SPDX-License-Identifier: MIT */
#include "core/slot.h"
#include "core/stackrule.h"

#include "core/describe.h"

#include "../base/child.h"
#include "rig.h"

struct pointer_msg {
	long first;
	const void *ptr;
};
struct pointer_arg {
	int how;
};
HEPH_ACTOR(pointer, struct pointer_msg, struct pointer_arg);

enum { SEND, TRY_SEND, POST, DEFER, HEAP };

static void do_nothing(heph_ctx ctx, struct pointer_msg *msg)
{
	(void)ctx, (void)msg;
}

static int pointer_main(heph_ctx ctx, pointer_inbox in, struct pointer_arg *arg)
{
	int on_my_stack = 0;
	static int elsewhere;
	struct pointer_msg msg = { .ptr = &on_my_stack };

	switch (arg->how) {
	case SEND:
		return heph_send(ctx, heph_self(in), msg);
	case TRY_SEND:
		return heph_try_send(heph_self(in), msg);
	case POST:
		heph_post(heph_self(in), msg);
		return 0;
	case DEFER:
		return heph_defer(ctx, do_nothing, msg);
	default:
		msg.ptr = &elsewhere;
		return heph_send(ctx, heph_self(in), msg);
	}
}
HEPH_ACTOR_MAIN(pointer, pointer_main);

static int how;

static void run(void)
{
	struct heph_addr addr;

	rig_open(1);
	heph_describe_install();
	{
		HEPH_SPAWN__(pointer, { how }, .name = "the culprit")
		must(rig_begin(0, &pointer_actor, &heph_s__, &addr) == 0);
	}
	rig_settle();
	rig_close();
}

static struct child child;

static void names_the_actor_and_the_place(void **state)
{
	static const struct {
		int how;
		const char *what;
	} cases[] = {
		{ SEND, "message" },
		{ TRY_SEND, "message" },
		{ POST, "message" },
		{ DEFER, "value of heph_defer()" },
	};
	char text[200];

	(void)state;
	if (HEPH_DEBUG < 1)
		skip();
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		how = cases[i].how;
		child_run(&child, run);
		assert_true(child_aborted(&child));
		snprintf(text, sizeof(text),
			 "actor the culprit: the %s has an address of its "
			 "sender's stack at offset 8",
			 cases[i].what);
		assert_non_null(strstr(child.output, text));
		assert_non_null(strstr(child.output, "type pointer"));
	}
}

static void lets_other_addresses_pass(void **state)
{
	(void)state;
	how = HEAP;
	run();
}

static void says_nothing_without_debugging(void **state)
{
	(void)state;
	if (HEPH_DEBUG >= 1)
		skip();
	how = SEND;
	run();
}

static void finds_the_first_address(void **state)
{
	struct heph_self *self;
	char *low, bytes[40] = { 0 };
	size_t size;
	act_ref ref;

	(void)state;
	rig_open(1);
	ref = rig_spawn(0, idle, NULL);
	self = rig_self(ref);
	low = heph_slot_of(self)->low;
	size = heph_slot_size(heph_slot_of(self));
	assert_int_equal(heph_stackrule_find(self, bytes, sizeof(bytes)), -1);
	memcpy(bytes + 24, &low, sizeof(low));
	assert_int_equal(heph_stackrule_find(self, bytes, sizeof(bytes)), 24);
	assert_int_equal(heph_stackrule_find(self, bytes, 31), -1);
	low += size - 1;
	memcpy(bytes + 8, &low, sizeof(low));
	assert_int_equal(heph_stackrule_find(self, bytes, sizeof(bytes)), 8);
	low++;
	memcpy(bytes + 8, &low, sizeof(low));
	assert_int_equal(heph_stackrule_find(self, bytes, 16), -1);
	assert_int_equal(heph_stackrule_find(rig.ctx.self, bytes, 40), -1);
	heph_stop(ref);
	rig_settle();
	rig_close();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_the_actor_and_the_place),
		cmocka_unit_test(lets_other_addresses_pass),
		cmocka_unit_test(says_nothing_without_debugging),
		cmocka_unit_test(finds_the_first_address),
	};

	return cmocka_run_group_tests_name("stackrule", tests, NULL, NULL);
}
