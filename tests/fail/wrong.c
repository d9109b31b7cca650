/* SPDX-License-Identifier: MIT */
/*
 * wrong.c - wrong uses, one for each value of FAIL, that must not compile
 *
 * With FAIL=0 it compiles. scripts/check-fail.sh compiles each case with gcc
 * and clang, with no flags but -std=gnu17 and where the headers are, and looks
 * for the text beside the case (an extended regular expression) in what the
 * compiler says:
 *
 *     expect: text         both compilers say it
 *     gcc: text            one of them does
 *     clang: text
 *     warn expect: text    a warning only (with gcc not under -isystem)
 *     user expect: text    an error (with gcc not under -isystem)
 *     strict expect: text  a warning, and an error with the flags of heph.pc
 */
/* clang-format off */
#include <heph/heph.h>
#include <heph/test.h>

struct counter_msg {
	enum { COUNTER_ADD, COUNTER_TOTAL } kind;
	union { long add; HEPH_REPLY(long) total; };
};
struct counter_arg { long start; heph_fd fd; struct heph_address peer; };
HEPH_ACTOR(counter, struct counter_msg, struct counter_arg);

struct other_msg { void *p; };
struct other_arg { void *p; };
HEPH_ACTOR(other, struct other_msg, struct other_arg);
HEPH_ACTOR(quiet, void, void);

#if FAIL == 0 /* right */
static void drop(struct counter_msg *msg) { (void)msg; }
static void drop_arg(struct counter_arg *arg) { (void)arg; }
static int counter_main(heph_ctx ctx, counter_inbox in, struct counter_arg *arg) { (void)ctx, (void)in, (void)arg; return 0; }
HEPH_ACTOR_MAIN(counter, counter_main, .drop = drop, .drop_arg = drop_arg);
static int other_main(heph_ctx ctx, other_inbox in) { (void)ctx, (void)in; return 0; }
HEPH_ACTOR_MAIN(other, other_main);
static int quiet_main(heph_ctx ctx) { (void)ctx; return 0; }
HEPH_ACTOR_MAIN(quiet, quiet_main);
#elif FAIL == 10 /* body: wrong type of argument */ /* expect: counter_main must be: int counter_main */
static int counter_main(heph_ctx ctx, counter_inbox in, struct other_arg *arg) { (void)ctx, (void)in, (void)arg; return 0; }
HEPH_ACTOR_MAIN(counter, counter_main);
#elif FAIL == 11 /* body: another actor's inbox */ /* expect: counter_main must be: int counter_main */
static int counter_main(heph_ctx ctx, other_inbox in, struct counter_arg *arg) { (void)ctx, (void)in, (void)arg; return 0; }
HEPH_ACTOR_MAIN(counter, counter_main);
#elif FAIL == 12 /* wrong drop function */ /* expect: incompatible.*pointer type.*struct other_msg */
static void drop(struct other_msg *m) { (void)m; }
static int counter_main(heph_ctx ctx, counter_inbox in, struct counter_arg *arg) { (void)ctx, (void)in, (void)arg; return 0; }
HEPH_ACTOR_MAIN(counter, counter_main, .drop = drop);
#elif FAIL == 13 /* misspelt hook */ /* expect: 'dorp' */
static void drop(struct counter_msg *m) { (void)m; }
static int counter_main(heph_ctx ctx, counter_inbox in, struct counter_arg *arg) { (void)ctx, (void)in, (void)arg; return 0; }
HEPH_ACTOR_MAIN(counter, counter_main, .dorp = drop);
#elif FAIL == 235 /* wrong copy function */ /* expect: incompatible.*pointer type.*struct other_msg */
static int copy(struct other_msg *to, const struct other_msg *from) { (void)to, (void)from; return 0; }
static int counter_main(heph_ctx ctx, counter_inbox in, struct counter_arg *arg) { (void)ctx, (void)in, (void)arg; return 0; }
HEPH_ACTOR_MAIN(counter, counter_main, .copy = copy);
#elif FAIL == 14 /* messages, but no inbox */ /* expect: counter_main must take a counter_inbox */
static int counter_main(heph_ctx ctx, struct counter_arg *arg) { (void)ctx, (void)arg; return 0; }
HEPH_ACTOR_MAIN(counter, counter_main);
#elif FAIL == 15 /* a message that is no struct */ /* expect: a message is a struct */
HEPH_ACTOR(num, int, void);
static int num_main(heph_ctx ctx, num_inbox in) { (void)ctx, (void)in; return 0; }
HEPH_ACTOR_MAIN(num, num_main);
#elif FAIL == 16 /* an argument, but the actor has none */ /* expect: quiet_main must be: int quiet_main */
static int quiet_main(heph_ctx ctx, struct other_arg *arg) { (void)ctx, (void)arg; return 0; }
HEPH_ACTOR_MAIN(quiet, quiet_main);
#elif FAIL == 17 /* body: does not return int */ /* expect: quiet_main must be: int quiet_main */
static void quiet_main(heph_ctx ctx) { (void)ctx; }
HEPH_ACTOR_MAIN(quiet, quiet_main);
#elif FAIL == 18 /* the drop function of the argument gets the message */ /* expect: incompatible.*pointer type.*struct counter_msg */
static void drop(struct counter_msg *m) { (void)m; }
static int counter_main(heph_ctx ctx, counter_inbox in, struct counter_arg *arg) { (void)ctx, (void)in, (void)arg; return 0; }
HEPH_ACTOR_MAIN(counter, counter_main, .drop_arg = drop);
#elif FAIL == 19 /* a message larger than 1 MiB */ /* expect: a message has at most 1 MiB */
struct large { char bytes[HEPH_MSG_MAX + 1]; };
HEPH_ACTOR(large, struct large, void);
static int large_main(heph_ctx ctx, large_inbox in) { (void)ctx, (void)in; return 0; }
HEPH_ACTOR_MAIN(large, large_main);
#elif FAIL == 90 /* an argument larger than 16 KiB */ /* expect: an argument has at most 16 KiB */
struct large { char bytes[HEPH_ARG_MAX + 1]; };
HEPH_ACTOR(large, void, struct large);
static int large_main(heph_ctx ctx, struct large *arg) { (void)ctx, (void)arg; return 0; }
HEPH_ACTOR_MAIN(large, large_main);
#endif

enum heph_verdict bad_decide(const struct heph_exit *why, struct other_arg *arg);
void forget(heph_ctx ctx, struct counter_arg *arg);
int waits(heph_ctx ctx, struct counter_arg *arg);

/* Functions of adapters. */
int adapt(const struct other_msg *from, struct counter_msg *to);
int adapt_by(const struct other_msg *from, struct counter_msg *to, const struct other_arg *value);
int adapt_back(const struct counter_msg *from, struct other_msg *to);
int adapt_const(struct other_msg *from, struct counter_msg *to);
void drop_other(struct other_msg *msg);
void drop_counter(struct counter_msg *msg);
struct too_large { char bytes[65]; };
int adapt_by_large(const struct other_msg *from, struct counter_msg *to, const struct too_large *value);
struct short_msg { HEPH_REPLY(short) answer; };
struct mixed_msg { double ratio; char name[8]; struct { int n; } inner; int *ptr; };
HEPH_ACTOR(mixed, struct mixed_msg, void);

/* The face that a module shows to others. */
static inline int counter_add(heph_ctx ctx, counter_ref to, long n)
{
	return heph_send(ctx, to, { .kind = COUNTER_ADD, .add = n });
}

static inline int counter_total(heph_ctx ctx, counter_ref to, long *ret_total)
{
	return heph_call(ctx, to, total, ret_total, { .kind = COUNTER_TOTAL });
}

int f(heph_ctx ctx, counter_inbox in, counter_ref counter, other_ref other, quiet_ref quiet, heph_ref any, heph_fd fd);

int f(heph_ctx ctx, counter_inbox in, counter_ref counter, other_ref other, quiet_ref quiet, heph_ref any, heph_fd fd)
{
	struct heph_down down;
	struct heph_scope scope = { NULL, 0 };
	struct counter_msg msg = { 0 };
	struct counter_arg arg = { 0 };
	struct other_msg omsg = { 0 };
	struct other_arg oarg = { 0 };
	HEPH_PENDING(long) pending = { .raw = { 0, 0, 0 } };
	HEPH_PENDING(int) small_pending = { .raw = { 0, 0, 0 } };
	counter_group group = { 0 };
	other_group others = { 0 };
	struct { int err; long value; } totals[2];
	struct { int err; int value; } ints[2];
	struct { long err; long value; } errs[2];
	long total = 0;
	int err = 0, small = 0;
	char buf[8];
	struct too_large large = { { 0 } };
	struct short_msg shorter = { { { 0 } } };
	struct mixed_msg mmsg = { 0 };
	mixed_inbox mixed = { { NULL } };

	(void)pending, (void)small_pending, (void)group, (void)others, (void)totals, (void)ints, (void)errs;
	(void)msg, (void)arg, (void)omsg, (void)oarg, (void)total, (void)small, (void)buf;
	(void)ctx, (void)in, (void)counter, (void)other, (void)quiet, (void)any, (void)fd;
	(void)large, (void)shorter, (void)down, (void)scope;
	(void)large, (void)shorter, (void)mmsg, (void)mixed;
#if FAIL == 0 /* right */
	err |= heph_send(ctx, counter, msg);
	err |= heph_send(ctx, counter, { .kind = COUNTER_ADD, .add = 1 });
	err |= heph_try_send(counter, { .kind = COUNTER_ADD, .add = 1 });
	heph_post(counter, { .kind = COUNTER_ADD, .add = 1 });
	err |= heph_recv(ctx, in, &msg);
	err |= heph_try_recv(in, &msg);
	counter = heph_self(in);
	err |= counter_add(ctx, counter, 1);
	err |= counter_total(ctx, counter, &total);
	heph_answer(msg.total, total);
	err |= heph_reply_wanted(msg.total);
	err |= heph_start_call(ctx, counter, total, &pending, { .kind = COUNTER_TOTAL });
	err |= heph_wait(ctx, [0] = heph_on_answer(pending), [1] = heph_on_room(counter), [2] = heph_on_room(any));
	err |= heph_await(heph_for_caller(ctx, msg.total), &pending, &total);
	heph_forget_call(ctx, &pending);
	err |= heph_group_add(ctx, &group, counter);
	err |= heph_group_add_unique(ctx, &group, heph_group_at(&group, 0));
	err |= heph_group_extend(ctx, &group, &group);
	err |= heph_group_remove(&group, any) + heph_group_remove_gone(&group) + heph_group_make_unique(&group);
	err |= heph_try_send_one(&group, msg) | heph_try_send_all(&group, { .add = 1 });
	err |= heph_send_one(ctx, &group, msg) | heph_send_all(ctx, &group, { .add = 1 });
	err |= heph_send_by_key(ctx, &group, heph_hash("a", 1), { .kind = COUNTER_ADD, .add = 1 });
	err |= heph_call_any(ctx, &group, total, &total, { .kind = COUNTER_TOTAL });
	err |= heph_call_all(ctx, &group, total, totals, { .kind = COUNTER_TOTAL });
	err |= heph_join_all(ctx, &group) + (int)heph_group_count(&group);
	counter = heph_group_by_key(&group, 1);
	heph_stop_all(&group);
	err |= heph_forward(ctx, counter, total, msg.total, { .kind = COUNTER_TOTAL });
	err |= heph_spawn(ctx, counter, &counter, { .start = 1 }, .inbox = 5);
	err |= heph_spawn(ctx, counter, &any, arg);
	err |= heph_spawn(ctx, counter, NULL);
	err |= heph_spawn(ctx, quiet, NULL, .name = "still");
	err |= heph_run(NULL, counter, { .start = 1 }, .inbox = 5);
	err |= heph_run_on_each(ctx, counter, { .start = 1 });
	err |= heph_serve(ctx, fd, counter, fd, { .start = 1 });
	err |= heph_serve_on_each(ctx, fd, counter, fd);
	err |= heph_serve(ctx, fd, counter, fd, { .start = 1 }, .name = "x", .limit = 5, .peer = heph_peer_member(counter, peer));
	err |= heph_serve(ctx, fd, counter, fd, .rate = 5);
	err |= heph_read(ctx, fd, buf, sizeof(buf));
	err |= heph_wait(ctx, [0] = heph_on_msg(in, &msg), [1] = heph_on_time(0));
	err |= heph_defer(ctx, forget, arg);
	err |= heph_join(ctx, counter, NULL);
	heph_stop(counter);
	err |= heph_map(ctx, &other, counter, adapt);
	err |= heph_map(ctx, &other, counter, adapt_by, oarg);
	err |= heph_map(ctx, &other, counter, adapt_by, (struct other_arg){ NULL });
	err |= heph_map_owning(ctx, &other, counter, adapt, drop_other);
	err |= heph_map_owning(ctx, &other, counter, adapt_by, drop_other, oarg);
	heph_unmap(ctx, other);
	heph_carry_reply(msg.total, msg.total);
	err |= heph_same(counter, any);
	err |= heph_monitor(ctx, counter) | heph_demonitor(ctx, any);
	err |= heph_link(ctx, counter) | heph_unlink(ctx, any);
	err |= heph_hold(ctx, counter) | heph_release(ctx, any);
	err |= heph_wait(ctx, heph_on_down(&down), heph_on_join(counter, &down.exit));
	err |= heph_spawn(ctx, quiet, NULL, .held = true);
	err |= heph_scope_open(ctx, &scope);
	err |= heph_scope_join(ctx, scope);
	heph_scope_close(ctx, scope);
	err |= heph_peek(ctx, in, &msg);
	err |= heph_try_peek(in, &msg);
	err |= heph_recv_where(ctx, in, &msg, kind, COUNTER_ADD);
	err |= heph_try_recv_where(in, &msg, add, 5);
	err |= heph_try_recv_where(mixed, &mmsg, inner.n, 'x');
	err |= heph_try_recv_where(mixed, &mmsg, ptr, NULL);
	err |= heph_wait(ctx, [0] = heph_on_msg_where(in, &msg, add, total));
	err |= heph_whereis(ctx, counter, "x", &counter);
	err |= heph_whereis_any(ctx, "x", &any);
	err |= heph_await_name(ctx, counter, "x", &counter);
	err |= heph_register(ctx, counter, "x");
	err |= heph_cast(any, counter, &counter);
#elif FAIL == 20 /* another actor's message */ /* gcc: invalid initializer */ /* clang: struct counter_msg.*incompatible type 'struct other_msg' */
	err = heph_send(ctx, counter, omsg);
#elif FAIL == 21 /* no message at all */ /* gcc: invalid initializer */ /* clang: struct counter_msg.*incompatible type 'int' */
	err = heph_send(ctx, counter, 5);
#elif FAIL == 22 /* a pointer to the message */ /* gcc: invalid initializer */ /* clang: struct counter_msg.*remove & */
	err = heph_send(ctx, counter, &msg);
#elif FAIL == 23 /* misspelt member */ /* expect: 'ad' */
	err = heph_send(ctx, counter, { .kind = COUNTER_ADD, .ad = 1 });
#elif FAIL == 24 /* pointer into an integer member */ /* expect: int-conversion */
	err = heph_send(ctx, counter, { .kind = COUNTER_ADD, .add = "x" });
#elif FAIL == 25 /* integer into a pointer member */ /* expect: int-conversion */
	err = heph_send(ctx, other, { .p = total });
#elif FAIL == 26 /* to an actor without messages */ /* expect: error: static.*quiet takes no messages: its HEPH_ACTOR\(\) says void */
	err = heph_send(ctx, quiet, { 0 });
#elif FAIL == 27 /* through an untyped reference */ /* expect: no member named 'msg_t' */
	err = heph_send(ctx, any, msg);
#elif FAIL == 28 /* forgot ctx */ /* expect: struct counter_msg.*no member named 'msg_t'|no member named 'msg_t' in 'struct counter_msg' */
	err = heph_send(counter, msg);
#elif FAIL == 29 /* forgot ctx: two initialisers */ /* expect: error: expected expression */
	err = heph_send(counter, { .kind = COUNTER_ADD, .add = 1 });
#elif FAIL == 30 /* receive into the wrong type */ /* expect: heph_recv: &omsg is not a pointer to the messages of in */
	err = heph_recv(ctx, in, &omsg);
#elif FAIL == 31 /* receive: forgot & */ /* gcc: invalid type argument of unary */ /* clang: indirection requires pointer operand */
	err = heph_recv(ctx, in, msg);
#elif FAIL == 32 /* receive: forgot in */ /* gcc: requires 3 arguments, but only 2 given */ /* clang: too few arguments */
	err = heph_recv(ctx, &msg);
#elif FAIL == 33 /* reference instead of inbox */ /* expect: no member named 'ref_t' */
	err = heph_recv(ctx, counter, &msg);
#elif FAIL == 34 /* try_recv into the wrong type */ /* expect: heph_try_recv: &omsg is not a pointer to the messages of in */
	err = heph_try_recv(in, &omsg);
#elif FAIL == 35 /* try_send: another actor's message */ /* gcc: invalid initializer */ /* clang: struct counter_msg.*incompatible type 'struct other_msg' */
	err = heph_try_send(counter, omsg);
#elif FAIL == 36 /* post: another actor's message */ /* gcc: invalid initializer */ /* clang: struct counter_msg.*incompatible type 'struct other_msg' */
	heph_post(counter, omsg);
#elif FAIL == 37 /* post: misspelt member */ /* expect: 'ad' */
	heph_post(counter, { .kind = COUNTER_ADD, .ad = 1 });
#elif FAIL == 38 /* post: a context where it takes none */ /* expect: no member named 'msg_t' */
	heph_post(ctx, counter, { .kind = COUNTER_ADD });
#elif FAIL == 39 /* self: is another actor's reference */ /* expect: incompatible type.*'counter_ref'|incompatible type.*struct counter_ref */
	other = heph_self(in);
#elif FAIL == 40 /* wrong reference for a function of the face */ /* gcc: incompatible type for argument 2 of 'counter_add' */ /* clang: passing 'other_ref'.*incompatible type 'counter_ref' */
	err = counter_add(ctx, other, 1);
#elif FAIL == 41 /* wrong type for the answer */ /* expect: heph_call: total does not answer with the type of */
	err = heph_call(ctx, counter, total, &small, { .kind = COUNTER_TOTAL });
#elif FAIL == 42 /* call through a member that is no reply */ /* expect: not a structure or union */
	err = heph_call(ctx, counter, add, &total, { .kind = COUNTER_TOTAL });
#elif FAIL == 43 /* answer with the wrong type */ /* expect: 'long.*struct other_msg */
	heph_answer(msg.total, omsg);
#elif FAIL == 44 /* answer a member that is no reply */ /* expect: not a structure or union */
	heph_answer(msg.add, total);
#elif FAIL == 45 /* pointer as an answer to long */ /* expect: int-conversion */
	heph_answer(msg.total, &total);
#elif FAIL == 46 /* call: another actor's message */ /* gcc: invalid initializer */ /* clang: struct counter_msg.*incompatible type 'struct other_msg' */
	err = heph_call(ctx, counter, total, &total, omsg);
#elif FAIL == 47 /* reply_wanted of a member that is no reply */ /* expect: not a structure or union */
	err = heph_reply_wanted(msg.add);
#elif FAIL == 50 /* wrong argument */ /* expect: struct other_arg */
	err = heph_spawn(ctx, counter, &counter, oarg);
#elif FAIL == 51 /* wrong member in the argument */ /* expect: 'begin' */
	err = heph_spawn(ctx, counter, &counter, { .begin = 1 });
#elif FAIL == 52 /* wrong reference for the result */ /* expect: heph_spawn: this is not a counter_ref */
	err = heph_spawn(ctx, counter, &other, { .start = 1 });
#elif FAIL == 53 /* bare number for the argument */ /* user expect: missing-braces */
	err = heph_spawn(ctx, counter, &counter, 5);
#elif FAIL == 54 /* misspelt option */ /* expect: 'inbx' */
	err = heph_spawn(ctx, counter, &counter, { .start = 1 }, .inbx = 5);
#elif FAIL == 55 /* wrong decide function */ /* expect: incompatible.*pointer type.*struct other_arg */
	err = heph_spawn(ctx, counter, &counter, { .start = 1 }, .decide = bad_decide);
#elif FAIL == 56 /* argument for one that takes none */ /* expect: 'start' */
	err = heph_spawn(ctx, quiet, NULL, { .start = 1 });
#elif FAIL == 571 /* a number for one that takes none */ /* expect: heph_takes_no_argument */
	err = heph_spawn(ctx, quiet, NULL, { 5 });
#elif FAIL == 572 /* run: a number for one that takes none */ /* expect: heph_takes_no_argument */
	err = heph_run(NULL, quiet, { 5 });
#elif FAIL == 573 /* run_on_each: a number for one that takes none */ /* expect: heph_takes_no_argument */
	err = heph_run_on_each(ctx, quiet, { 5 });
#elif FAIL == 57 /* no such actor */ /* expect: 'countr_ref' */
	err = heph_spawn(ctx, countr, &counter, { .start = 1 });
#elif FAIL == 58 /* spawn: forgot & */ /* expect: heph_spawn: this is not a counter_ref */
	err = heph_spawn(ctx, counter, counter, { .start = 1 });
#elif FAIL == 59 /* run: wrong argument */ /* expect: struct other_arg */
	err = heph_run(NULL, counter, oarg);
#elif FAIL == 60 /* plain int as descriptor */ /* gcc: incompatible type for argument 2 of 'heph_read' */ /* clang: passing 'int'.*struct heph_fd */
	err = heph_read(ctx, 0, buf, sizeof(buf));
#elif FAIL == 61 /* fd where ctx belongs */ /* gcc: incompatible type for argument 1 of 'heph_read' */ /* clang: passing 'heph_fd'.*struct heph_ctx */
	err = heph_read(fd, ctx, buf, sizeof(buf));
#elif FAIL == 62 /* wait: wrong type */ /* expect: heph_on_msg: &omsg is not a pointer to the messages of in */
	err = heph_wait(ctx, [0] = heph_on_msg(in, &omsg), [1] = heph_on_time(0));
#elif FAIL == 63 /* run_on_each: wrong argument */ /* expect: struct other_arg */
	err = heph_run_on_each(ctx, counter, oarg);
#elif FAIL == 64 /* run_on_each: misspelt option */ /* expect: 'nmae' */
	err = heph_run_on_each(ctx, quiet, .nmae = "x");
#elif FAIL == 65 /* stop something that is no reference */ /* expect: no member named 'addr' */
	heph_stop(fd);
#elif FAIL == 66 /* assign one reference to another */ /* expect: incompatible type */
	counter = other;
#elif FAIL == 67 /* defer: the function takes another type */ /* expect: void.*struct other_arg.*incompatible-(function-)?pointer-types */
	err = heph_defer(ctx, forget, oarg);
#elif FAIL == 68 /* defer: the function returns something */ /* expect: incompatible.*pointer type.*'int */
	err = heph_defer(ctx, waits, arg);
#elif FAIL == 69 /* defer: the address of the value */ /* expect: void.*struct counter_arg \*\*.*incompatible-(function-)?pointer-types */
	err = heph_defer(ctx, forget, &arg);
#elif FAIL == 70 /* result ignored */ /* warn expect: unused-result */
	heph_send(ctx, counter, msg);
#elif FAIL == 71 /* face with a pointer to the wrong type */ /* strict expect: incompatible.*pointer.type */
	err = counter_total(ctx, counter, &small);
#elif FAIL == 72 /* result of an untyped call ignored */ /* warn expect: unused-result */
	heph_sleep(ctx, HEPH_SEC);
#elif FAIL == 73 /* result of spawn ignored */ /* warn expect: unused-result */
	heph_spawn(ctx, counter, NULL);
#elif FAIL == 80 /* serve: the member is no descriptor */ /* expect: heph_serve: start is not a heph_fd */
	err = heph_serve(ctx, fd, counter, start);
#elif FAIL == 81 /* serve: no such member */ /* expect: no member named 'fdd' */
	err = heph_serve(ctx, fd, counter, fdd);
#elif FAIL == 82 /* serve: the actor takes no argument */ /* expect: no member named 'fd' */
	err = heph_serve(ctx, fd, quiet, fd);
#elif FAIL == 83 /* serve: wrong argument */ /* expect: 'begin' */
	err = heph_serve(ctx, fd, counter, fd, { .begin = 1 });
#elif FAIL == 84 /* serve: plain int as listener */ /* gcc: incompatible type for argument 2 of 'heph_raw_serve' */ /* clang: passing 'int'.*struct heph_fd */
	err = heph_serve(ctx, 3, counter, fd);
#elif FAIL == 85 /* serve_on_each: the member is no descriptor */ /* expect: heph_serve: start is not a heph_fd */
	err = heph_serve_on_each(ctx, fd, counter, start);
#elif FAIL == 86 /* join something that is no reference */ /* expect: no member named 'addr' */
	err = heph_join(ctx, fd, NULL);
#elif FAIL == 87 /* sleep: forgot ctx */ /* expect: too few arguments */
	err = heph_sleep(HEPH_SEC);
#elif FAIL == 211 /* on_room: of something that is no reference */ /* expect: no member named 'addr' */
	err = heph_wait(ctx, [0] = heph_on_room(fd));
#elif FAIL == 220 /* group_add: another actor's reference */ /* expect: heph_group_add: other is not a reference for &group */
	err = heph_group_add(ctx, &group, other);
#elif FAIL == 221 /* group_add: an untyped reference */ /* expect: heph_group_add: any is not a reference for &group */
	err = heph_group_add(ctx, &group, any);
#elif FAIL == 222 /* group_add_unique: another actor's reference */ /* expect: heph_group_add_unique: other is not a reference for &group */
	err = heph_group_add_unique(ctx, &group, other);
#elif FAIL == 223 /* group_extend: another actor's group */ /* expect: heph_group_extend: &others is not a group of the type of &group */
	err = heph_group_extend(ctx, &group, &others);
#elif FAIL == 224 /* send_one: another actor's message */ /* gcc: invalid initializer */ /* clang: struct counter_msg.*incompatible type 'struct other_msg' */
	err = heph_send_one(ctx, &group, omsg);
#elif FAIL == 225 /* send_one: to a reference */ /* expect: no member named 'ref_t' */
	err = heph_send_one(ctx, &counter, msg);
#elif FAIL == 226 /* try_send_one: another actor's message */ /* gcc: invalid initializer */ /* clang: struct counter_msg.*incompatible type 'struct other_msg' */
	err = heph_try_send_one(&group, omsg);
#elif FAIL == 227 /* send_all: misspelt member */ /* expect: 'ad' */
	err = heph_send_all(ctx, &group, { .kind = COUNTER_ADD, .ad = 1 });
#elif FAIL == 228 /* try_send_all: another actor's message */ /* gcc: invalid initializer */ /* clang: struct counter_msg.*incompatible type 'struct other_msg' */
	err = heph_try_send_all(&group, omsg);
#elif FAIL == 229 /* send_by_key: forgot the key */ /* expect: struct counter_msg|expected expression|too few arguments|invalid */
	err = heph_send_by_key(ctx, &group, msg);
#elif FAIL == 230 /* call_any: wrong type for the answer */ /* expect: heph_call_any: total does not answer with the type of */
	err = heph_call_any(ctx, &group, total, &small, { .kind = COUNTER_TOTAL });
#elif FAIL == 231 /* call_all: wrong type for the answers */ /* expect: heph_call_all: total does not answer with the type of ints */
	err = heph_call_all(ctx, &group, total, ints, { .kind = COUNTER_TOTAL });
#elif FAIL == 232 /* call_all: errors that are no int */ /* expect: heph_call_all: errs\[\].err is not an int */
	err = heph_call_all(ctx, &group, total, errs, { .kind = COUNTER_TOTAL });
#elif FAIL == 233 /* group_at: is another actor's reference */ /* expect: incompatible type.*'counter_ref'|incompatible type.*struct counter_ref */
	other = heph_group_at(&group, 0);
#elif FAIL == 234 /* group: forgot & */ /* expect: invalid type argument|member reference type|not a pointer */
	err = heph_group_add(ctx, group, counter);
#elif FAIL == 213 /* a reply kept in another union */ /* gcc: incompatible types when assigning to type */ /* clang: assigning to .* from incompatible type */
	HEPH_REPLY(long) kept;
	kept = msg.total;
#elif FAIL == 200 /* start_call: answered with another type */ /* expect: heph_start_call: total does not answer with the type of &small_pending */
	err = heph_start_call(ctx, counter, total, &small_pending, { .kind = COUNTER_TOTAL });
#elif FAIL == 201 /* start_call: through a member that is no reply */ /* expect: not a structure or union */
	err = heph_start_call(ctx, counter, add, &pending, { .kind = COUNTER_TOTAL });
#elif FAIL == 202 /* start_call: another actor's message */ /* gcc: invalid initializer */ /* clang: struct counter_msg.*incompatible type 'struct other_msg' */
	err = heph_start_call(ctx, counter, total, &pending, omsg);
#elif FAIL == 203 /* start_call: result ignored */ /* warn expect: unused-result */
	heph_start_call(ctx, counter, total, &pending, { .kind = COUNTER_TOTAL });
#elif FAIL == 204 /* await: into the wrong type */ /* expect: heph_await: &pending is not answered with the type of \*&small */
	err = heph_await(ctx, &pending, &small);
#elif FAIL == 205 /* await: forgot & */ /* gcc: invalid type argument|is not a pointer */ /* clang: is not a pointer */
	err = heph_await(ctx, pending, &total);
#elif FAIL == 206 /* on_answer: of a value */ /* gcc: not a structure or union */ /* clang: is not a structure or union */
	err = heph_wait(ctx, [0] = heph_on_answer(total));
#elif FAIL == 207 /* forward: answered with another type */ /* expect: heph_forward: total does not answer with the type of omsg.p|not a structure or union|not a structure or union */
	err = heph_forward(ctx, counter, total, omsg.p, { .kind = COUNTER_TOTAL });
#elif FAIL == 208 /* forward: another actor's message */ /* gcc: invalid initializer */ /* clang: struct counter_msg.*incompatible type 'struct other_msg' */
	err = heph_forward(ctx, counter, total, msg.total, omsg);
#elif FAIL == 209 /* for_caller: of a member that is no reply */ /* expect: not a structure or union */
	ctx = heph_for_caller(ctx, msg.add);
#elif FAIL == 210 /* forward: the two replies have different types */ /* expect: heph_forward: total does not answer with the type of small_reply */
	HEPH_REPLY(int) small_reply = { .raw = { 0, 0, 0, 0 } };
	err = heph_forward(ctx, counter, total, small_reply, { .kind = COUNTER_TOTAL });
#elif FAIL == 400 /* map: the function is the wrong way round */ /* expect: incompatible-(function-)?pointer-types */
	err = heph_map(ctx, &other, counter, adapt_back);
#elif FAIL == 401 /* map: the wrong target */ /* expect: incompatible-(function-)?pointer-types */
	err = heph_map(ctx, &other, other, adapt);
#elif FAIL == 402 /* map: the reference takes other messages */ /* expect: incompatible-(function-)?pointer-types */
	err = heph_map(ctx, &counter, counter, adapt);
#elif FAIL == 403 /* map: forgot the value */ /* expect: incompatible-(function-)?pointer-types */
	err = heph_map(ctx, &other, counter, adapt_by);
#elif FAIL == 404 /* map: a value that the function does not take */ /* expect: incompatible-(function-)?pointer-types */
	err = heph_map(ctx, &other, counter, adapt, 5);
#elif FAIL == 405 /* map: a value of the wrong type */ /* expect: incompatible-(function-)?pointer-types */
	err = heph_map(ctx, &other, counter, adapt_by, arg);
#elif FAIL == 406 /* map: a value that is too large */ /* expect: a value has at most 64 bytes */
	err = heph_map(ctx, &other, counter, adapt_by_large, large);
#elif FAIL == 407 /* map: the function may change what it gets */ /* expect: incompatible-(function-)?pointer-types */
	err = heph_map(ctx, &other, counter, adapt_const);
#elif FAIL == 408 /* map: the target takes no messages */ /* expect: both references must be to actors that take messages */
	err = heph_map(ctx, &other, quiet, NULL);
#elif FAIL == 409 /* map: an untyped target */ /* expect: no member named 'msg_t' */
	err = heph_map(ctx, &other, any, adapt);
#elif FAIL == 410 /* map: a reference, not its address */ /* gcc: invalid type argument of '->' */ /* clang: member reference type 'other_ref'.* is not a pointer */
	err = heph_map(ctx, other, counter, adapt);
#elif FAIL == 411 /* map_owning: the drop function of the target */ /* expect: incompatible-(function-)?pointer-types */
	err = heph_map_owning(ctx, &other, counter, adapt, drop_counter);
#elif FAIL == 412 /* map: result ignored */ /* warn expect: unused-result */
	heph_map(ctx, &other, counter, adapt);
#elif FAIL == 413 /* unmap something that is no reference */ /* expect: no member named 'addr' */
	heph_unmap(ctx, fd);
#elif FAIL == 414 /* carry_reply: answers of different types */ /* expect: heph_carry_reply: the answers are of different types */
	heph_carry_reply(shorter.answer, msg.total);
#elif FAIL == 415 /* same: something that is no reference */ /* expect: no member named 'addr' */
	err = heph_same(counter, fd);
#elif FAIL == 500 /* monitor something that is no reference */ /* expect: no member named 'addr' */
	err = heph_monitor(ctx, fd);
#elif FAIL == 501 /* monitor: result ignored */ /* warn expect: unused-result */
	heph_monitor(ctx, counter);
#elif FAIL == 502 /* on_down: into a message */ /* strict expect: incompatible.*pointer type */
	err = heph_wait(ctx, heph_on_down(&msg));
#elif FAIL == 503 /* on_join: the exit is a down */ /* strict expect: incompatible.*pointer type */
	err = heph_wait(ctx, heph_on_join(counter, &down));
#elif FAIL == 504 /* on_join: no reference */ /* expect: no member named 'addr' */
	err = heph_wait(ctx, heph_on_join(fd, NULL));
#elif FAIL == 505 /* link: forgot ctx */ /* gcc: requires 2 arguments */ /* clang: too few arguments */
	err = heph_link(counter);
#elif FAIL == 506 /* link: result ignored */ /* warn expect: unused-result */
	heph_link(ctx, counter);
#elif FAIL == 507 /* hold something that is no reference */ /* expect: no member named 'addr' */
	err = heph_hold(ctx, fd);
#elif FAIL == 508 /* scope: result ignored */ /* warn expect: unused-result */
	heph_scope_open(ctx, &scope);
#elif FAIL == 509 /* scope_close: of a pointer */ /* gcc: incompatible type for argument 2 of 'heph_scope_close' */ /* clang: passing 'struct heph_scope \*'.*struct heph_scope */
	heph_scope_close(ctx, &scope);
#elif FAIL == 510 /* spawn: misspelt .held */ /* expect: 'hold' */
	err = heph_spawn(ctx, quiet, NULL, .hold = true);
#elif FAIL == 600 /* probe: a reference of another type */ /* expect: heph_probe: this is not a counter_ref \* */
	heph_probe(NULL, counter, &other);
#elif FAIL == 601 /* expect: into the wrong type */ /* expect: heph_expect: &omsg is not a pointer to the messages of counter */
	heph_expect(NULL, counter, &omsg);
#elif FAIL == 602 /* expect: forgot & */ /* expect: invalid type argument|indirection requires pointer|not a pointer */
	heph_expect(NULL, counter, msg);
#elif FAIL == 603 /* expect_where: no such member */ /* expect: no member named 'sum' */
	heph_expect_where(NULL, counter, &msg, sum, 3);
#elif FAIL == 604 /* test_new: result ignored */ /* warn expect: unused-result */
	heph_test_new((struct heph_test **)NULL, NULL);
#elif FAIL == 605 /* size_of: forgot & */ /* user expect: incompatible type|incompatible-pointer|passing 'struct heph_size' */
	struct heph_size actor_size = { 0 };
	err = heph_size_of(ctx, counter, actor_size);
#elif FAIL == 420 /* peek: into another type */ /* expect: heph_peek: &omsg is not a pointer to the messages of in */
	err = heph_peek(ctx, in, &omsg);
#elif FAIL == 421 /* try_peek: into another type */ /* expect: heph_try_peek: &omsg is not a pointer to the messages of in */
	err = heph_try_peek(in, &omsg);
#elif FAIL == 422 /* peek: result ignored */ /* warn expect: unused-result */
	heph_peek(ctx, in, &msg);
#elif FAIL == 430 /* recv_where: into another type */ /* expect: heph_recv_where: &omsg is not a pointer to the messages of in */
	err = heph_recv_where(ctx, in, &omsg, kind, COUNTER_ADD);
#elif FAIL == 431 /* recv_where: no such member */ /* expect: no member named 'kin' */
	err = heph_recv_where(ctx, in, &msg, kin, COUNTER_ADD);
#elif FAIL == 432 /* recv_where: a pointer for a number */ /* expect: int-conversion */
	err = heph_recv_where(ctx, in, &msg, add, buf);
#elif FAIL == 433 /* recv_where: a member that is a union */ /* expect: heph_recv_where: total is not an integer, bool, enum or pointer */
	err = heph_recv_where(ctx, in, &msg, total, msg.total);
#elif FAIL == 434 /* try_recv_where: a floating-point member */ /* expect: heph_try_recv_where: ratio is not an integer, bool, enum or pointer */
	err = heph_try_recv_where(mixed, &mmsg, ratio, 0.5);
#elif FAIL == 435 /* try_recv_where: an array */ /* expect: heph_try_recv_where: name is not an integer, bool, enum or pointer */
	err = heph_try_recv_where(mixed, &mmsg, name, "x");
#elif FAIL == 436 /* recv_where: a floating-point value */ /* expect: heph_recv_where: 1.5 is a floating-point number */
	err = heph_recv_where(ctx, in, &msg, add, 1.5);
#elif FAIL == 437 /* on_msg_where: a structure */ /* expect: heph_on_msg_where: inner is not an integer, bool, enum or pointer */
	err = heph_wait(ctx, [0] = heph_on_msg_where(mixed, &mmsg, inner, mmsg.inner));
#elif FAIL == 438 /* on_msg_where: into another type */ /* expect: heph_on_msg_where: &omsg is not a pointer to the messages of in */
	err = heph_wait(ctx, [0] = heph_on_msg_where(in, &omsg, add, 1));
#elif FAIL == 439 /* recv_where: a pointer of another type */ /* expect: incompatible-pointer-types */
	err = heph_recv_where(ctx, mixed, &mmsg, ptr, &total);
#elif FAIL == 440 /* recv_where: result ignored */ /* warn expect: unused-result */
	heph_recv_where(ctx, in, &msg, add, 1);
#elif FAIL == 450 /* whereis: a reference of another type */ /* expect: heph_whereis: &other is not a counter_ref \* */
	err = heph_whereis(ctx, counter, "x", &other);
#elif FAIL == 451 /* whereis: into an untyped one */ /* expect: heph_whereis: &any is not a counter_ref \* */
	err = heph_whereis(ctx, counter, "x", &any);
#elif FAIL == 452 /* whereis: forgot the type */ /* expect: too few arguments|requires 4 arguments|undeclared */
	err = heph_whereis(ctx, "x", &counter);
#elif FAIL == 453 /* await_name: a reference of another type */ /* expect: heph_await_name: &other is not a counter_ref \* */
	err = heph_await_name(ctx, counter, "x", &other);
#elif FAIL == 454 /* whereis_any: into a typed one */ /* strict expect: incompatible.pointer.type */
	err = heph_whereis_any(ctx, "x", &counter);
#elif FAIL == 455 /* register: not a reference */ /* expect: no member named 'addr' */
	err = heph_register(ctx, fd, "x");
#elif FAIL == 456 /* register: result ignored */ /* warn expect: unused-result */
	heph_register(ctx, counter, "x");
#elif FAIL == 457 /* cast: into a reference of another type */ /* expect: heph_cast: &other is not a counter_ref \* */
	err = heph_cast(any, counter, &other);
#elif FAIL == 460 /* serve: the peer is no address */ /* expect: heph_peer_member: start is not a struct heph_address */
	err = heph_serve(ctx, fd, counter, fd, .peer = heph_peer_member(counter, start));
#elif FAIL == 461 /* serve: misspelt option */ /* expect: 'limits' */
	err = heph_serve(ctx, fd, counter, fd, { .start = 1 }, .limits = 5);
#elif FAIL == 462 /* spawn: an option of servers */ /* expect: 'limit' */
	err = heph_spawn(ctx, counter, NULL, .limit = 5);
#elif FAIL == 458 /* cast: not a reference */ /* expect: no member named 'addr' */
	err = heph_cast(fd, counter, &counter);
#endif
	return err;
}

#if FAIL >= 800 /* channels */
struct job { int n; };
struct task { void *p; };
static inline void task_drop(struct task *t) { (void)t; }
#if FAIL == 800 /* a drop function of another type */ /* expect: incompatible.*pointer type */
HEPH_CHAN(job, struct job, task_drop);
#elif FAIL == 801 /* values that are no struct */ /* expect: HEPH_CHAN: a value is a struct */
HEPH_CHAN(num, int);
#else
HEPH_CHAN(job, struct job);
HEPH_CHAN(task, struct task, task_drop);
HEPH_ONESHOT(once, struct job);
int channels(heph_ctx ctx, job_sender tx, job_receiver rx, task_sender other, once_sender otx, once_receiver orx);
int channels(heph_ctx ctx, job_sender tx, job_receiver rx, task_sender other, once_sender otx, once_receiver orx)
{
	struct task task = { 0 }, *at = &task;
	struct job job = { 0 };

	(void)ctx, (void)tx, (void)rx, (void)other, (void)otx, (void)orx, (void)at, (void)job;
#if FAIL == 802 /* another value */ /* gcc: invalid initializer */ /* clang: 'struct job'\) with an expression of incompatible type */
	return heph_chan_send(ctx, tx, task);
#elif FAIL == 803 /* a send through a receiver */ /* expect: heph_chan_send: rx is not a sender */
	return heph_chan_send(ctx, rx, job);
#elif FAIL == 804 /* a receive through a sender */ /* expect: heph_chan_recv: tx is not a receiver */
	return heph_chan_recv(ctx, tx, &job);
#elif FAIL == 805 /* a receive into another type */ /* expect: heph_chan_try_recv: &task is not a pointer to the values of rx */
	return heph_chan_try_recv(rx, &task);
#elif FAIL == 806 /* a peek at another type */ /* expect: is not a pointer to the values of rx */
	return heph_chan_try_peek(rx, &at);
#elif FAIL == 807 /* a channel of other handles */ /* expect: heph_chan_new: &other is not a job_sender */
	return heph_chan_new(job, 4, &other, &rx);
#elif FAIL == 808 /* a receiver from a sender */ /* expect: heph_chan_new_receiver: tx is not a manager */
	return heph_chan_new_receiver(tx, &rx);
#elif FAIL == 809 /* a clause about a sender */ /* expect: heph_on_chan: tx is not a receiver */
	return heph_wait(ctx, heph_on_chan(tx, &job));
#elif FAIL == 810 /* a oneshot sends another value */ /* gcc: invalid initializer */ /* clang: 'struct job'\) with an expression of incompatible type */
	return heph_oneshot_send(otx, task);
#elif FAIL == 811 /* a oneshot sends through its receiver */ /* expect: heph_oneshot_send: orx is not the sender of a oneshot */
	return heph_oneshot_send(orx, job);
#elif FAIL == 812 /* a result that nobody looks at */ /* warn expect: unused-result */
	heph_chan_send(ctx, tx, { 1 });
	return 0;
#endif
}
#endif
#endif

#if FAIL >= 900 /* codecs, and actors of other processes */
#include <heph/remote/actor.h>

struct line { char what[8]; int n; };
HEPH_CODEC(line, struct line, HEPH_FIELD(what), HEPH_FIELD(n));
HEPH_REMOTE_LATER(counter);
HEPH_REMOTE_LATER(other);
struct all {
	struct line line, lines[4], *list;
	unsigned n, *pointer;
	float ratio;
	heph_ref any;
	counter_ref counter;
	other_ref others[3];
	quiet_ref quiet;
	HEPH_REPLY(int) number;
	HEPH_REPLY(char *) text;
	HEPH_REPLY(struct line) answer;
	HEPH_REPLY(struct other_msg) more;
	HEPH_REPLY(counter_ref) made;
};
#if FAIL == 900 /* field: a pointer */ /* expect: HEPH_FIELD: a member of this type cannot travel */
HEPH_CODEC(all, struct all, HEPH_FIELD(pointer));
#elif FAIL == 901 /* field: a typed reference as any */ /* expect: HEPH_FIELD_REF: this is not a heph_ref */
HEPH_CODEC(all, struct all, HEPH_FIELD_REF(counter));
#elif FAIL == 902 /* field: another reference */ /* expect: HEPH_FIELD_REF_OF: this is not a other_ref */
HEPH_CODEC(all, struct all, HEPH_FIELD_REF_OF(counter, other));
#elif FAIL == 903 /* field: any reference as a typed one */ /* expect: HEPH_FIELD_REF_OF: this is not a counter_ref */
HEPH_CODEC(all, struct all, HEPH_FIELD_REF_OF(any, counter));
#elif FAIL == 904 /* field: an actor without HEPH_REMOTE() */ /* expect: undeclared.*quiet_remote|quiet_remote.*undeclared */
HEPH_CODEC(all, struct all, HEPH_FIELD_REF_OF(quiet, quiet));
#elif FAIL == 905 /* array: other references */ /* expect: HEPH_FIELD_REF_OF: this is not a counter_ref */
HEPH_CODEC(all, struct all, HEPH_ARRAY_REF_OF(others, n, counter));
#elif FAIL == 906 /* field: the codec of another struct */ /* expect: HEPH_FIELD_OF: the codec line is of another type */
HEPH_CODEC(all, struct all, HEPH_FIELD_OF(any, line));
#elif FAIL == 907 /* reply: a struct without its codec */ /* expect: HEPH_FIELD_REPLY: an answer of this type cannot travel */
HEPH_CODEC(all, struct all, HEPH_FIELD_REPLY(answer));
#elif FAIL == 908 /* reply: what is owned */ /* expect: HEPH_FIELD_REPLY: an answer of this type cannot travel */
HEPH_CODEC(all, struct all, HEPH_FIELD_REPLY(text));
#elif FAIL == 909 /* reply: the codec of another struct */ /* expect: HEPH_FIELD_OF: the codec line is of another type */
HEPH_CODEC(all, struct all, HEPH_FIELD_REPLY_OF(more, line));
#elif FAIL == 910 /* reply: another reference */ /* expect: HEPH_FIELD_REPLY_REF: the answer is not a other_ref */
HEPH_CODEC(all, struct all, HEPH_FIELD_REPLY_REF(made, other));
#elif FAIL == 911 /* reply: it is none */ /* expect: no member named 'raw' */
HEPH_CODEC(all, struct all, HEPH_FIELD_REPLY(any));
#elif FAIL == 912 /* array: a list */ /* expect: HEPH_ARRAY: list is a pointer, not an array */
HEPH_CODEC(all, struct all, HEPH_ARRAY_OF(list, n, line));
#elif FAIL == 913 /* list: an array */ /* expect: HEPH_LIST: lines is an array, not a pointer */
HEPH_CODEC(all, struct all, HEPH_LIST_OF(lines, n, line));
#elif FAIL == 914 /* array: how many is no number */ /* expect: HEPH_ARRAY, HEPH_LIST: ratio is not a number of elements */
HEPH_CODEC(all, struct all, HEPH_ARRAY_OF(lines, ratio, line));
#elif FAIL == 915 /* if: no bool */ /* expect: HEPH_IF: n is no bool */
HEPH_CODEC(all, struct all, HEPH_FIELD(ratio, HEPH_IF(n)));
#elif FAIL == 916 /* remote: the codec of another message */ /* expect: HEPH_REMOTE: the codec line is not of the messages of counter */
HEPH_REMOTE(counter, line);
#elif FAIL == 917 /* remote: no codec where there are messages */ /* expect: HEPH_REMOTE: the codec void is not of the messages of counter */
HEPH_REMOTE(counter, void);
#elif FAIL == 918 /* remote: the codec of another argument */ /* expect: HEPH_REMOTE_SPAWN: the codec line is not of the argument of quiet */
HEPH_REMOTE_SPAWN(quiet, void, line);
#elif FAIL == 919 /* remote: an actor that there is not */ /* expect: nobody_msg__ */
HEPH_REMOTE(nobody, line);
#endif
#endif
