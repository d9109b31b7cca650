/* SPDX-License-Identifier: MIT */
/*
 * wrong.cpp - wrong uses of heph.hpp; see wrong.c
 */
/* clang-format off */
#include <heph/heph.hpp>

#include <memory>
#include <string>

enum { COUNTER_ADD, COUNTER_TOTAL };
struct counter_msg {
	int kind;
	union { long add; HEPH_REPLY(long) total; };
};
struct counter_arg { long start; heph_fd fd; };
HEPH_ACTOR(counter, struct counter_msg, struct counter_arg);
struct other_msg { void *p; };
HEPH_ACTOR(other, struct other_msg, void);
HEPH_ACTOR(quiet, void, void);

#if FAIL == 0 /* right */
static void drop(counter_msg *) {}
HEPH_ACTOR_MAIN(counter, ([](heph_ctx, counter_inbox, counter_arg *) { return 0; }), .drop = drop);
HEPH_ACTOR_MAIN(other, ([](heph_ctx, other_inbox) { return 0; }));
HEPH_ACTOR_MAIN(quiet, [](heph_ctx) { return 0; });
#elif FAIL == 10 /* body: another actor's inbox */ /* expect: the function of an actor is: int counter_main */
HEPH_ACTOR_MAIN(counter, ([](heph_ctx, other_inbox) { return 0; }));
#elif FAIL == 11 /* wrong drop function */ /* expect: counter_msg */
static void drop(other_msg *) {}
HEPH_ACTOR_MAIN(counter, ([](heph_ctx, counter_inbox) { return 0; }), .drop = drop);
#elif FAIL == 12 /* a message that may throw while it moves */ /* expect: its move constructor must be noexcept */
struct string_msg { std::string text; string_msg(string_msg &&); };
HEPH_ACTOR(string, struct string_msg, void);
HEPH_ACTOR_MAIN(string, ([](heph_ctx, string_inbox) { return 0; }));
#elif FAIL == 13 /* an argument with a destructor */ /* expect: what is not, a lambda captures: heph_spawn_fn */
HEPH_ACTOR(string, void, std::string);
HEPH_ACTOR_MAIN(string, ([](heph_ctx, std::string *) { return 0; }));
#elif FAIL == 14 /* a message that is no struct */ /* expect: a message is a struct */
HEPH_ACTOR(num, int, void);
HEPH_ACTOR_MAIN(num, ([](heph_ctx, num_inbox) { return 0; }));
#elif FAIL == 15 /* a body that returns nothing */ /* expect: the function of an actor is: int quiet_main */
HEPH_ACTOR_MAIN(quiet, [](heph_ctx) {});
#elif FAIL == 16 /* a drop function of a message with a destructor */ /* expect: a message with a destructor has no .drop */
struct string_msg { std::string text; };
static void drop(string_msg *) {}
HEPH_ACTOR(string, struct string_msg, void);
HEPH_ACTOR_MAIN(string, ([](heph_ctx, string_inbox) { return 0; }), .drop = drop);
#elif FAIL == 17 /* an answer with a destructor */ /* expect: an answer is copied byte by byte.* what is not goes through a heph_oneshot */
struct string_msg { HEPH_REPLY(std::string) text; };
HEPH_ACTOR(string, struct string_msg, void);
HEPH_ACTOR_MAIN(string, ([](heph_ctx, string_inbox) { return 0; }));
#endif

struct moved_msg { std::unique_ptr<int> n; HEPH_REPLY(long) total; };
HEPH_ACTOR(moved, struct moved_msg, void);

int use(heph_ctx ctx, counter_ref counter, counter_inbox in, other_ref other);
int use(heph_ctx ctx, counter_ref counter, counter_inbox in, other_ref other)
{
	counter_msg msg;
	other_msg wrong = {};
	std::string text;
	long total;
	short less;
	int err = 0;

	(void)ctx, (void)counter, (void)in, (void)other, (void)msg, (void)wrong, (void)total, (void)less;
#if FAIL == 0
	err = heph_spawn(ctx, counter, &counter, { .start = 2 }, { .inbox = 128 });
	err = heph_send(ctx, counter, { .kind = COUNTER_ADD, .add = 40 });
	err = heph_recv(ctx, in, &msg);
	err = heph_call(ctx, counter, total, &total, { .kind = COUNTER_TOTAL });
	heph_answer(msg.total, 5);
	err = heph_spawn(ctx, quiet, nullptr, {}, { .name = "still" });
	err = heph_spawn_fn(ctx, nullptr, [total](heph_ctx) { return (int)total; });
	err = heph_spawn_fn(ctx, nullptr, [text](heph_ctx) { return (int)text.size(); });
	moved_ref moved = {};
	moved_msg it = {};
	err = heph_send(ctx, moved, { .n = std::make_unique<int>(1) });
	err = heph_send(ctx, moved, std::move(it));
	err = heph_call(ctx, moved, total, &total, { .n = nullptr });
#elif FAIL == 20 /* another actor's message */ /* expect: other_msg */
	err = heph_send(ctx, counter, wrong);
#elif FAIL == 21 /* not a message */ /* expect: counter_msg */
	err = heph_try_send(counter, 3.5);
#elif FAIL == 22 /* receive into another type */ /* expect: other_msg */
	err = heph_recv(ctx, in, &wrong);
#elif FAIL == 23 /* another actor's reference */ /* expect: other_ref|other_msg */
	err = heph_spawn(ctx, counter, &other, { 1 });
#elif FAIL == 24 /* wrong argument */ /* gcc: from expression of type .<brace-enclosed initializer list> */ /* clang: no matching function for call to .spawn. */
	err = heph_spawn(ctx, counter, &counter, "two");
#elif FAIL == 25 /* misspelt member */ /* expect: ammount */
	err = heph_send(ctx, counter, { .kind = COUNTER_ADD, .ammount = 40 });
#elif FAIL == 26 /* misspelt option */ /* expect: inbocks */
	err = heph_spawn(ctx, counter, &counter, { 1 }, { .inbocks = 128 });
#elif FAIL == 27 /* an answer of another type */ /* expect: the caller awaits another type */
	heph_answer(msg.total, "two");
#elif FAIL == 28 /* an answer that would lose something */ /* expect: the caller awaits another type */
	heph_answer(msg.total, 2.5);
#elif FAIL == 29 /* an answer into another type */ /* expect: that member does not answer with the type of the result */
	err = heph_call(ctx, counter, total, &less, { .kind = COUNTER_TOTAL });
#elif FAIL == 30 /* result ignored */ /* warn expect: unused-result */
	heph_send(ctx, counter, { .kind = COUNTER_ADD, .add = 40 });
#elif FAIL == 31 /* defers what takes another context */ /* expect: no match for call|no matching function for call to object */
	err = heph_defer(ctx, [text](int) {});
#elif FAIL == 32 /* an actor that is told nothing */ /* expect: this actor takes no messages */
	quiet_ref quiet = {};
	err = heph_try_send(quiet, {});
#elif FAIL == 33 /* a clause that is none */ /* expect: heph_on */
	err = heph_wait(ctx, 5);
#elif FAIL == 34 /* a message that cannot be copied */ /* expect: this message cannot be copied: std::move\(\) it */
	moved_msg it = {};
	moved_ref moved = {};
	err = heph_send(ctx, moved, it);
#elif FAIL == 35 /* a oneshot that is used again */ /* expect: rvalue reference|no matching function */
	heph_cxx::oneshot_sender<std::string> tx;
	err = heph_oneshot_send(tx, "twice");
#elif FAIL == 36 /* a value of another type */ /* expect: this is not a message for that actor, or a value for that channel */
	heph_cxx::sender<std::string> tx;
	err = heph_chan_send(ctx, tx, 2.5);
#elif FAIL == 37 /* receives by a sender */ /* expect: receiver */
	heph_cxx::sender<std::string> tx;
	err = heph_chan_recv(ctx, tx, &text);
#elif FAIL == 38 /* another actor's group */ /* expect: other_msg */
	counter_group group = {};
	err = heph_group_add(ctx, &group, other);
#elif FAIL == 39 /* peeks at what is moved */ /* expect: only messages that are trivially copyable can be peeked at */
	heph_cxx::inbox<moved_msg> moves = {};
	moved_msg it;
	err = heph_peek(ctx, moves, &it);
#elif FAIL == 40 /* a pending call of another type */ /* expect: that member does not answer with the type of the pending call */
	HEPH_PENDING(short) pending;
	err = heph_start_call(ctx, counter, total, &pending, { .kind = COUNTER_TOTAL });
#elif FAIL == 41 /* a capture that cannot move */ /* expect: deleted function|deleted|non-copyable */
	struct fixed { fixed() {} fixed(const fixed &) = delete; } it;
	err = heph_spawn_fn(ctx, nullptr, [it](heph_ctx) { return 0; });
#elif FAIL == 43 /* a number for one that takes none */ /* expect: const quiet_given.*initializer list|initializer list.*const quiet_given */
	err = heph_spawn(ctx, quiet, nullptr, { 5 });
#elif FAIL == 42 /* result ignored */ /* warn expect: unused-result */
	heph_recv(ctx, in);
#endif
	return err;
}
