/* SPDX-License-Identifier: MIT */
#include "core/slot.h"
#include "core/stackrule.h"

#include "core/describe.h"

#include "../base/child.h"
#include "rig.h"

struct pointer_msg {
	long first;
	const void *ptr;
	HEPH_REPLY(const void *) answer;
};
struct pointer_arg {
	int how;
	const void *ptr;
};
HEPH_ACTOR(pointer, struct pointer_msg, struct pointer_arg);
HEPH_CHAN(ptr, struct pointer_arg);
HEPH_ONESHOT(once, struct pointer_arg);

enum {
	SEND,
	TRY_SEND,
	POST,
	TRY_SEND_ALL,
	CALL,
	START_CALL,
	FORWARD,
	ADAPTED,
	ANSWER,
	ARGUMENT,
	DEFER,
	OWN,
	MAP,
	CHAN,
	CHAN_TRY,
	ONESHOT,
	HEAP,
};

static void do_nothing(heph_ctx ctx, struct pointer_arg *value)
{
	(void)ctx, (void)value;
}

static void free_nothing(void *ptr)
{
	(void)ptr;
}

static const void *culprit;

static int same(const struct pointer_msg *from, struct pointer_msg *to)
{
	to->first = from->first;
	to->ptr = culprit;
	return 0;
}

static int with_value(const struct pointer_msg *from, struct pointer_msg *to,
		      const struct pointer_arg *value)
{
	(void)from;
	to->ptr = value->ptr;
	return 0;
}

static int send_how(heph_ctx ctx, pointer_inbox in, int which,
		    const struct pointer_msg *given)
{
	struct pointer_msg msg = *given;
	pointer_group group = { 0 };
	pointer_ref me = heph_self(in), adapter;
	HEPH_PENDING(const void *) pending;
	const void *answer;

	switch (which) {
	case SEND:
	case HEAP:
		return heph_send(ctx, me, msg);
	case TRY_SEND:
		return heph_try_send(me, msg);
	case POST:
		heph_post(me, msg);
		return 0;
	case TRY_SEND_ALL:
		must(heph_group_add(ctx, &group, me) == 0);
		must(heph_group_add(ctx, &group, me) == 0);
		return heph_try_send_all(&group, msg);
	case CALL:
		return heph_call(ctx, (pointer_ref){ 0 }, answer, &answer, msg);
	case START_CALL:
		return heph_start_call(ctx, (pointer_ref){ 0 }, answer,
				       &pending, msg);
	case FORWARD:
		return heph_forward(ctx, me, answer, msg.answer, msg);
	default: /* ADAPTED */
		culprit = msg.ptr;
		must(heph_map(ctx, &adapter, me, same) == 0);
		return heph_send(ctx, adapter, { .first = 1 });
	}
}

static int hand_over(heph_ctx ctx, pointer_inbox in, int which,
		     const struct pointer_msg *msg)
{
	struct pointer_arg value = { .ptr = msg->ptr };
	pointer_ref child, me = heph_self(in);
	once_sender one_tx;
	once_receiver one_rx;
	ptr_sender tx;
	ptr_receiver rx;

	switch (which) {
	case ANSWER:
		heph_answer(msg->answer, msg->ptr);
		return 0;
	case ARGUMENT:
		return heph_spawn(ctx, pointer, &child, { HEAP, msg->ptr });
	case DEFER:
		return heph_defer(ctx, do_nothing, value);
	case OWN:
		return heph_own(ctx, (void *)(uintptr_t)msg->ptr, free_nothing);
	case MAP:
		return heph_map(ctx, &child, me, with_value, value);
	case CHAN:
		must(heph_chan_new(ptr, 1, &tx, &rx) == 0);
		return heph_chan_send(ctx, tx, value);
	case CHAN_TRY:
		must(heph_chan_new(ptr, 1, &tx, &rx) == 0);
		return heph_chan_try_send(tx, value);
	default: /* ONESHOT */
		must(heph_oneshot_new(once, &one_tx, &one_rx) == 0);
		return heph_oneshot_send(one_tx, value);
	}
}

static int pointer_main(heph_ctx ctx, pointer_inbox in, struct pointer_arg *arg)
{
	static int elsewhere;
	int here = 0;
	struct pointer_msg msg = { .ptr = arg->how == HEAP ? &elsewhere :
							     &here };

	if (arg->how == HEAP || arg->how < ANSWER)
		return send_how(ctx, in, arg->how, &msg);
	return hand_over(ctx, in, arg->how, &msg);
}
HEPH_ACTOR_MAIN(pointer, pointer_main);

static int how;

static void run(void)
{
	struct heph_addr addr;

	rig_open(1);
	heph_describe_install();
	{
		HEPH_SPAWN__(pointer, { .how = how }, .name = "the culprit")
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
		int offset;
	} cases[] = {
		{ SEND, "message for a pointer", 8 },
		{ TRY_SEND, "message for a pointer", 8 },
		{ POST, "message for a pointer", 8 },
		{ TRY_SEND_ALL, "message for a pointer", 8 },
		{ CALL, "message", 8 }, /* it is for nobody */
		{ START_CALL, "message", 8 },
		{ FORWARD, "message for a pointer", 8 },
		{ ADAPTED, "message for a pointer", 8 },
		{ ANSWER, "answer", 0 },
		{ ARGUMENT, "argument for a pointer", 8 },
		{ DEFER, "value of heph_defer()", 8 },
		{ OWN, "pointer of heph_own()", 0 },
		{ MAP, "value of heph_map()", 8 },
		{ CHAN, "value", 8 },
		{ CHAN_TRY, "value", 8 },
		{ ONESHOT, "value", 8 },
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
			 "actor the culprit (type pointer): the %s has an "
			 "address of its sender's stack at offset %d;",
			 cases[i].what, cases[i].offset);
		assert_non_null(strstr(child.output, text));
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

/* Asks about the stack of the actor that runs: memory that begins or ends in
 * it, or has it inside. */
static int ask_what_moves(heph_ctx ctx, act_inbox in, void *arg)
{
	struct heph_self *self = ctx.self;
	struct heph_worker *worker = heph_worker_of(self);
	char *low = self->slot->low, *elsewhere = malloc(100);
	size_t size = heph_slot_size(self->slot);
	bool moves = !arg || !HEPH_SLOTS_DEFAULT;

	(void)in;
	must(heph_stack_moves(self, low, 1) == moves);
	must(heph_stack_moves(self, low + size - 1, 100) == moves);
	must(heph_stack_moves(self, low - 10, 11) == moves);
	must(heph_stack_moves(self, low - 10, size + 20) == moves);
	must(heph_stackrule_forbids(self, worker, low, 1) == moves);
	must(!heph_stack_moves(self, low - 10, 10));
	must(!heph_stack_moves(self, low + size, 1));
	must(!heph_stack_moves(rig.ctx.self, low, 1));
	must(heph_stackrule_forbids(self, worker, low - 1, 2));
	must(heph_stackrule_forbids(self, worker, low + size - 1, 10) ||
	     !moves);
	must(!heph_stackrule_forbids(self, worker, elsewhere, 100));
	free(elsewhere);
	return 0;
}

static void knows_what_moves(void **state)
{
	static bool own = true;

	(void)state;
	rig_open(1);
	rig_spawn(0, ask_what_moves, NULL);
	rig_settle();
	rig_spawn_with(0, (ask_what_moves, &own), .stack = HEPH_STACK_OWN);
	rig_settle();
	rig_spawn_with(0, (ask_what_moves, &own), .stack = 1 << 20);
	rig_settle();
	rig_close();
}

static void *own_stack;

static int show_own_stack(heph_ctx ctx, act_inbox in, void *arg)
{
	(void)in;
	own_stack = ctx.self->slot->low;
	return idle(ctx, in, arg);
}

static int ask_about_others(heph_ctx ctx, act_inbox in, void *arg)
{
	struct heph_self *self = ctx.self;

	(void)in, (void)arg;
	must(!heph_stack_moves(self, own_stack, 1));
	must(heph_stackrule_forbids(self, heph_worker_of(self), own_stack, 1));
	return 0;
}

static void stacks_of_others_never_go_to_the_kernel(void **state)
{
	static const size_t sizes[] = { HEPH_STACK_OWN, 1 << 20 };
	act_ref ref;

	(void)state;
	rig_open(1);
	for (int i = 0; i < 2; i++) {
		ref = rig_spawn_with(0, (show_own_stack, NULL),
				     .stack = sizes[i]);
		rig_settle();
		rig_spawn(0, ask_about_others, NULL);
		rig_settle();
		heph_stop(ref);
		rig_settle();
	}
	rig_close();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_the_actor_and_the_place),
		cmocka_unit_test(lets_other_addresses_pass),
		cmocka_unit_test(says_nothing_without_debugging),
		cmocka_unit_test(finds_the_first_address),
		cmocka_unit_test(knows_what_moves),
		cmocka_unit_test(stacks_of_others_never_go_to_the_kernel),
	};

	return cmocka_run_group_tests_name("stackrule", tests, NULL, NULL);
}
