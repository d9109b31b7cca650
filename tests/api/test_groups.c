/* SPDX-License-Identifier: MIT */
/* Groups: who is in them, who gets what, what becomes of messages that own. */
#include "act.h"

enum { MEMBERS = 10 };

/* Members note what they get. Messages own a text, of which all are counted. */
struct note_msg {
	enum {
		NOTE_TEXT,
		NOTE_PLAIN,
		NOTE_COUNT,
		NOTE_ODD,
		NOTE_REFUSE,
		NOTE_KEEP,
	} kind;
	long n;
	char *text;
	HEPH_REPLY(long) answer;
};

struct note_arg {
	int number;
	bool waits; /* until the gate is open */
};

HEPH_ACTOR(note, struct note_msg, struct note_arg);

static _Atomic long texts;
static _Atomic bool gate_open;
static _Atomic int copies_left; /* until one fails */
static long got[MEMBERS][100];
static _Atomic int n_got[MEMBERS];

static char *new_text(void)
{
	texts++;
	return strdup("text");
}

static void note_drop(struct note_msg *msg)
{
	if (msg->text)
		texts--;
	free(msg->text);
}

static int note_copy(struct note_msg *to, const struct note_msg *from)
{
	if (--copies_left == 0)
		return -ENOMEM;
	*to = *from;
	if (from->text)
		to->text = new_text();
	return 0;
}

static int note_main(heph_ctx ctx, note_inbox in, struct note_arg *arg)
{
	int me = arg->number;
	struct note_msg msg;
	int err = 0;

	while (arg->waits && !gate_open && err == 0)
		err = heph_sleep(ctx, 10 * HEPH_USEC);
	while (heph_recv(ctx, in, &msg) == 0) {
		note_drop(&msg);
		if (msg.kind == NOTE_COUNT)
			heph_answer(msg.answer, n_got[me]);
		else if (msg.kind == NOTE_ODD && me % 2 == 0)
			return 0;
		else if (msg.kind == NOTE_REFUSE && me % 2 == 0)
			heph_refuse(msg.answer, -EDOM);
		else if (msg.kind == NOTE_ODD || msg.kind == NOTE_REFUSE)
			heph_answer(msg.answer, me);
		else if (msg.kind != NOTE_KEEP)
			got[me][n_got[me]++] = msg.n;
	}
	return 0;
}
HEPH_ACTOR_MAIN(note, note_main, .drop = note_drop, .copy = note_copy);

static note_ref spawn_note(heph_ctx ctx, int number, bool waits, unsigned inbox)
{
	note_ref ref;

	n_got[number] = 0;
	must_be(heph_spawn(ctx, note, &ref, { number, waits },
			   .on = HEPH_WORKER(number % 2), .inbox = inbox),
		0);
	return ref;
}

static note_group make(heph_ctx ctx, int n, bool waits, unsigned inbox)
{
	note_group group = { 0 };

	gate_open = false;
	copies_left = -1;
	for (int i = 0; i < n; i++)
		must_be(heph_group_add(ctx, &group,
				       spawn_note(ctx, i, waits, inbox)),
			0);
	return group;
}

static void unmake(heph_ctx ctx, note_group *group)
{
	heph_stop_all(group);
	must_be(heph_join_all(ctx, group), 0);
	must_be(texts, 0);
}

/* What a member has got, after all that was sent to it before. */
static long count(heph_ctx ctx, note_ref ref)
{
	long n;

	must_be(heph_call(ctx, ref, answer, &n, { .kind = NOTE_COUNT }), 0);
	return n;
}

static void end_one(heph_ctx ctx, note_ref ref)
{
	heph_stop(ref);
	must_be(heph_join(ctx, ref, NULL), 0);
}

static int as_actor(heph_ctx ctx, act_inbox in, void *arg)
{
	void (**fn)(heph_ctx) = arg;

	(void)in;
	(*fn)(ctx);
	return 0;
}

static void both_ways(void (*fn)(heph_ctx ctx))
{
	heph_ctx ctx = begin(&two_workers);

	texts = 0;
	fn(ctx); /* a thread */
	end(ctx);
	run(as_actor, &fn);
	assert_int_equal(texts, 0);
}

/* ---- members ------------------------------------------------------------------- */

static bool holds(const note_group *group, int n, const note_ref *refs)
{
	if (heph_group_count(group) != (unsigned)n)
		return false;
	for (int i = 0; i < n; i++)
		if (!heph_same(heph_group_at(group, i), refs[i]))
			return false;
	return true;
}

static void change_members(heph_ctx ctx)
{
	note_group group = { 0 }, other = { 0 };
	note_ref refs[2 * MEMBERS];

	for (int i = 0; i < MEMBERS; i++) {
		refs[i] = refs[MEMBERS + i] = spawn_note(ctx, i, false, 0);
		must_be(heph_group_add(ctx, &group, refs[i]), 0);
	}
	must(holds(&group, MEMBERS, refs));
	for (int i = MEMBERS; i-- > 0;)
		must_be(heph_group_add_unique(ctx, &group, refs[i]), 0);
	must(holds(&group, MEMBERS, refs));
	must_be(heph_group_extend(ctx, &other, &group), 0);
	must_be(heph_group_extend(ctx, &other, &other), 0);
	must(holds(&other, 2 * MEMBERS, refs));
	must_be(heph_group_make_unique(&other), MEMBERS);
	must_be(heph_group_make_unique(&other), 0);
	must(holds(&other, MEMBERS, refs));
	must_be(heph_group_add(ctx, &other, refs[0]), 0);
	must_be(heph_group_remove(&other, refs[0]), 2);
	must_be(heph_group_remove(&other, refs[0]), 0);
	must(holds(&other, MEMBERS - 1, refs + 1));
	must(holds(&group, MEMBERS, refs)); /* it has a list of its own */
	must_be(heph_group_add_unique(ctx, &other, refs[0]), 1);
	end_one(ctx, refs[0]);
	end_one(ctx, refs[9]);
	must_be(heph_group_remove_gone(&group), 2);
	must_be(heph_group_remove_gone(&group), 0);
	must(holds(&group, MEMBERS - 2, refs + 1));
	must_be(group.dropped, 0);
	unmake(ctx, &group);
	must_be(heph_group_remove_gone(&group), MEMBERS - 2);
}

static void keep_their_members_in_order(void **state)
{
	(void)state;
	both_ways(change_members);
}

static void send_to_nobody(heph_ctx ctx, note_group *group)
{
	struct note_msg msg = { .text = new_text() };
	long n;
	struct {
		int err;
		long value;
	} results[1];

	must_be(heph_try_send_one(group, msg), -ESRCH);
	must_be(heph_send_one(ctx, group, msg), -ESRCH);
	must_be(heph_send_by_key(ctx, group, 7, msg), -ESRCH);
	must_be(heph_try_send_all(group, msg), -ESRCH);
	must_be(heph_send_all(ctx, group, msg), -ESRCH);
	must_be(heph_call_any(ctx, group, answer, &n, { .kind = NOTE_COUNT }),
		-ESRCH);
	must_be(heph_call_all(ctx, group, answer, results, { 0 }), -ESRCH);
	must_be(heph_group_by_key(group, 7).addr.id, 0);
	must_be(heph_join_all(ctx, group), 0);
	heph_stop_all(group);
	note_drop(&msg); /* it is still ours */
}

static void use_empty(heph_ctx ctx)
{
	note_group group = { 0 };

	send_to_nobody(ctx, &group);
	must_be(heph_group_make_unique(&group), 0);
	must_be(heph_group_remove_gone(&group), 0);
	must_be(heph_group_extend(ctx, &group, &group), 0);
	must_be(group.dropped + group.skipped, 0);
	group = make(ctx, 3, false, 0);
	unmake(ctx, &group); /* all are gone: so is this one */
	must_be(heph_group_count(&group), 3);
	send_to_nobody(ctx, &group);
	must_be(heph_group_count(&group), 0);
	must_be(group.dropped, 3);
}

static void may_be_empty(void **state)
{
	(void)state;
	both_ways(use_empty);
}

/* ---- to one -------------------------------------------------------------------- */

static void take_turns(heph_ctx ctx)
{
	note_group group = make(ctx, MEMBERS, false, 0);
	note_ref ref;

	for (long n = 0; n < 2 * MEMBERS; n++)
		must_be(n % 2 ? heph_send_one(ctx, &group, { .n = n }) :
				heph_try_send_one(&group, { .n = n }),
			0);
	for (int i = 0; i < MEMBERS; i++) {
		must_be(count(ctx, heph_group_at(&group, i)), 2);
		must_be(got[i][0], i);
		must_be(got[i][1], MEMBERS + i);
	}
	end_one(ctx, heph_group_at(&group, 0));
	end_one(ctx, heph_group_at(&group, 2));
	for (long n = 0; n < MEMBERS; n++)
		must_be(heph_send_one(ctx, &group, { .n = 100 + n }), 0);
	must_be(heph_group_count(&group), MEMBERS - 2);
	must_be(group.dropped, 2);
	for (int i = 0; i < MEMBERS - 2; i++) {
		ref = heph_group_at(&group, i);
		must_be(count(ctx, ref), i < 2 ? 4 : 3);
	}
	must_be(got[1][2], 100);
	must_be(got[3][2], 101);
	unmake(ctx, &group);
}

static void take_turns_and_drop_who_is_gone(void **state)
{
	(void)state;
	both_ways(take_turns);
}

static int send_text(heph_ctx ctx, note_group *group, long n)
{
	struct note_msg msg = { .n = n, .text = new_text() };
	int err = heph_send_one(ctx, group, msg);

	if (err < 0)
		note_drop(&msg);
	return err;
}

/* Sends without waiting until there is no room, and then with some patience:
 * who is on another worker is full when what is under way has arrived. */
static int fill(heph_ctx ctx, note_group *group)
{
	int n = 0, err;

	while (heph_try_send_one(group, { .n = n }) == 0)
		n++;
	while ((err = send_text(heph_within(ctx, HEPH_MSEC), group, n)) == 0)
		n++;
	must_be(err, -ETIME);
	return n;
}

static void find_room(heph_ctx ctx)
{
	note_group group = make(ctx, 3, true, 1);
	int n = fill(ctx, &group);
	long all = 0;

	must(n >= 3);
	gate_open = true;
	for (int i = 0; i < 5; i++)
		must_be(send_text(ctx, &group, 0), 0);
	for (int i = 0; i < 3; i++)
		all += count(ctx, heph_group_at(&group, i));
	must_be(all, n + 5);
	unmake(ctx, &group);
}

static void pass_over_who_is_full(void **state)
{
	(void)state;
	both_ways(find_room);
}

/* Members that never read; some are full. */
struct deaf_arg {
	bool full;
};
HEPH_ACTOR(deaf, struct note_msg, struct deaf_arg);

static _Atomic int n_deaf;

static int deaf_main(heph_ctx ctx, deaf_inbox in, struct deaf_arg *arg)
{
	if (arg->full)
		must_be(heph_try_send(heph_self(in), { .n = 1 }), 0);
	n_deaf++;
	return heph_sleep(ctx, HEPH_NEVER);
}
HEPH_ACTOR_MAIN(deaf, deaf_main, .drop = note_drop, .copy = note_copy);

/* With room for one message each; those from number `full` on have one. */
static deaf_group make_deaf(heph_ctx ctx, int n, int full)
{
	deaf_group group = { 0 };
	deaf_ref ref;

	copies_left = -1;
	n_deaf = 0;
	for (int i = 0; i < n; i++) {
		must_be(heph_spawn(ctx, deaf, &ref, { i >= full },
				   .on = HEPH_WORKER(i % 2), .inbox = 1),
			0);
		must_be(heph_group_add(ctx, &group, ref), 0);
	}
	while (n_deaf < n)
		must_be(heph_sleep(ctx, HEPH_USEC), 0);
	return group;
}

/* All members end while somebody waits for room. */
static int send_until_gone(heph_ctx ctx, act_inbox in, void *arg)
{
	struct note_msg msg = { .text = new_text() };
	deaf_group *group = arg, mine = { 0 };

	(void)in;
	must_be(heph_group_extend(ctx, &mine, group), 0);
	gate_open = true;
	must_be(heph_send_one(ctx, &mine, msg), -ESRCH);
	must_be(mine.dropped, 3);
	note_drop(&msg); /* still ours */
	return 0;
}

static void end_while_somebody_waits(void **state)
{
	heph_ctx ctx = begin(&two_workers);
	deaf_group group = make_deaf(ctx, 3, 0);
	act_ref sender;

	(void)state;
	texts = 0;
	gate_open = false;
	sender = spawn_on(ctx, HEPH_WORKER(0), send_until_gone, &group);
	while (!gate_open)
		sched_yield();
	heph_stop_all(&group);
	must_be(heph_join_all(ctx, &group), 0);
	must_be(heph_join(ctx, sender, NULL), 0);
	end(ctx);
	assert_int_equal(texts, 0);
}

/* ---- by key -------------------------------------------------------------------- */

enum { KEYS = 1000 };

static void remember(note_group *group, note_ref *owners)
{
	for (int k = 0; k < KEYS; k++)
		owners[k] = heph_group_by_key(group, k);
}

static void send_keys(heph_ctx ctx)
{
	note_group group = make(ctx, MEMBERS, false, 0);
	note_ref before[KEYS], after[KEYS], third = heph_group_at(&group, 3);
	note_ref added;
	int n = 0;

	remember(&group, before);
	for (int i = 0; i < MEMBERS; i++) {
		n = 0;
		for (int k = 0; k < KEYS; k++)
			n += heph_same(before[k], heph_group_at(&group, i));
		must(n > KEYS / MEMBERS / 2 && n < KEYS / MEMBERS * 2);
	}
	end_one(ctx, third);
	remember(&group, after);
	must_be(group.dropped, 1);
	for (int k = 0; k < KEYS; k++)
		must(heph_same(before[k], third) ||
		     heph_same(before[k], after[k]));
	added = spawn_note(ctx, 3, false, 0);
	must_be(heph_group_add(ctx, &group, added), 0);
	remember(&group, before);
	for (int k = 0; k < KEYS; k++)
		must(heph_same(before[k], added) ||
		     heph_same(before[k], after[k]));
	for (int k = 0; k < 50; k++)
		must_be(heph_send_by_key(ctx, &group, 77, { .n = k }), 0);
	must_be(count(ctx, before[77]), 50);
	for (int i = 0; i < MEMBERS - 1; i++) {
		end_one(ctx, heph_group_by_key(&group, 77));
		must_be(heph_send_by_key(ctx, &group, 77, { .n = 1 }), 0);
	}
	must_be(heph_group_count(&group), 1);
	unmake(ctx, &group);
}

static void keep_keys_where_they_are(void **state)
{
	(void)state;
	both_ways(send_keys);
}

static void hash_bytes(void **state)
{
	char bytes[40] = "abcdefghijklmnopqrstuvwxyz0123456789";

	(void)state;
	for (size_t a = 0; a < sizeof(bytes); a++) {
		assert_true(heph_hash(bytes, a) == heph_hash(bytes, a));
		for (size_t b = 0; b < a; b++)
			assert_true(heph_hash(bytes, a) != heph_hash(bytes, b));
	}
	assert_true(heph_hash("ab", 2) != heph_hash("ba", 2));
	assert_true(heph_hash("a\0", 2) != heph_hash("a", 1));
}

/* ---- to all -------------------------------------------------------------------- */

static void tell_all(heph_ctx ctx)
{
	note_group group = make(ctx, MEMBERS, false, 0);

	for (long n = 0; n < 4; n++)
		must_be(n % 2 ? heph_send_all(ctx, &group,
					      { .n = n, .text = new_text() }) :
				heph_try_send_all(
					&group, { .n = n, .text = new_text() }),
			MEMBERS);
	end_one(ctx, heph_group_at(&group, 0));
	end_one(ctx, heph_group_at(&group, 8)); /* the last */
	must_be(heph_send_all(ctx, &group, { .n = 4, .text = new_text() }),
		MEMBERS - 2);
	must_be(group.dropped, 2);
	must_be(group.skipped, 0);
	for (int i = 0; i < MEMBERS - 2; i++) {
		must_be(count(ctx, heph_group_at(&group, i)), 5);
		for (int n = 0; n < 5; n++)
			must_be(got[i < 7 ? i + 1 : 9][n], n);
	}
	unmake(ctx, &group);
}

static void tell_all_of_them(void **state)
{
	(void)state;
	both_ways(tell_all);
}

static void tell_full(heph_ctx ctx)
{
	deaf_group group = make_deaf(ctx, 4, 1);
	struct note_msg msg = { .text = new_text() };
	heph_ctx soon;

	must_be(heph_try_send_all(&group, msg), 1); /* to the first */
	must_be(group.skipped, 3);
	heph_stop(heph_group_at(&group, 0));
	must_be(heph_group_remove(&group, heph_group_at(&group, 0)), 1);
	msg.text = new_text();
	must_be(heph_try_send_all(&group, msg), -EAGAIN);
	soon = heph_within(ctx, HEPH_MSEC);
	must_be(heph_send_all(soon, &group, msg), -ETIME);
	must_be(group.skipped, 3 + 3 + 3);
	heph_stop_all(&group);
	must_be(heph_join_all(ctx, &group), 0);
	group = make_deaf(ctx, 3, 2);
	soon = heph_within(ctx, HEPH_MSEC);
	must_be(heph_send_all(soon, &group, msg), 2);
	must_be(group.skipped, 1);
	heph_stop_all(&group);
	must_be(heph_join_all(ctx, &group), 0);
}

static void skip_who_is_full(void **state)
{
	(void)state;
	both_ways(tell_full);
}

static void tell_waiting(heph_ctx ctx)
{
	note_group group = make(ctx, 4, true, 1);
	int n = fill(ctx, &group);
	long all = 0;

	gate_open = true;
	for (int i = 0; i < 10; i++)
		must_be(heph_send_all(ctx, &group, { .text = new_text() }), 4);
	for (int i = 0; i < 4; i++)
		all += count(ctx, heph_group_at(&group, i));
	must_be(all, n + 40);
	unmake(ctx, &group);
}

static void wait_for_each(void **state)
{
	(void)state;
	both_ways(tell_waiting);
}

static void copy_in_vain(heph_ctx ctx)
{
	note_group group = make(ctx, 4, false, 0);
	struct note_msg msg = { .text = new_text() };
	long all = 0;

	copies_left = 2; /* the second copy */
	must_be(heph_try_send_all(&group, msg), 3);
	must_be(group.skipped, 1);
	for (int i = 0; i < 4; i++)
		all += count(ctx, heph_group_at(&group, i));
	must_be(all, 3);
	must_be(n_got[1], 0);
	unmake(ctx, &group);
}

static void go_on_when_a_copy_fails(void **state)
{
	(void)state;
	both_ways(copy_in_vain);
}

/* `act` has a drop function and none that copies. */
static void not_copy(heph_ctx ctx)
{
	struct act_msg msg = { .n = 1 };
	act_group group = { 0 };

	for (int i = 0; i < 2; i++)
		must_be(heph_group_add(ctx, &group,
				       spawn_on(ctx, HEPH_WORKER(i), answer_all,
						NULL)),
			0);
	must_be(heph_try_send_all(&group, msg), -EINVAL);
	must_be(heph_send_all(ctx, &group, msg), -EINVAL);
	stop_and_join(ctx, heph_group_at(&group, 0));
	msg.owned = malloc(10);
	must_be(heph_send_all(ctx, &group, msg), 1);
	stop_and_join(ctx, heph_group_at(&group, 0));
}

static void do_not_copy_what_cannot_be_copied(void **state)
{
	(void)state;
	both_ways(not_copy);
}

/* Owns nothing, and is too large for the stack. */
struct plain_msg {
	long bytes[500];
};
HEPH_ACTOR(plain, struct plain_msg, void);

static _Atomic long plain_sum;

static int plain_main(heph_ctx ctx, plain_inbox in)
{
	struct plain_msg msg;

	must_be(heph_recv(ctx, in, &msg), 0);
	plain_sum += msg.bytes[499];
	return 0;
}
HEPH_ACTOR_MAIN(plain, plain_main);

static void tell_plain(heph_ctx ctx)
{
	struct plain_msg msg = { .bytes[499] = 7 };
	plain_group group = { 0 };
	plain_ref ref;

	plain_sum = 0;
	for (int i = 0; i < 6; i++) {
		must_be(heph_spawn(ctx, plain, &ref, .on = HEPH_WORKER(i % 2)),
			0);
		must_be(heph_group_add(ctx, &group, ref), 0);
	}
	must_be(heph_send_all(ctx, &group, msg), 6);
	must_be(heph_join_all(ctx, &group), 0);
	must_be(plain_sum, 42);
}

static void copy_plain_data_as_it_is(void **state)
{
	(void)state;
	both_ways(tell_plain);
}

/* ---- joining ------------------------------------------------------------------- */

static void join_them(heph_ctx ctx)
{
	note_group group = make(ctx, MEMBERS, false, 0);

	must_be(heph_join_all(heph_within(ctx, HEPH_MSEC), &group), -ETIME);
	for (int i = 0; i < MEMBERS; i += 2)
		end_one(ctx, heph_group_at(&group, i));
	must_be(heph_join_all(heph_within(ctx, HEPH_MSEC), &group), -ETIME);
	must_be(heph_group_count(&group), MEMBERS);
	heph_stop_all(&group);
	must_be(heph_join_all(ctx, &group), 0);
	must_be(heph_join_all(ctx, &group), 0);
}

static void are_joined_when_all_have_ended(void **state)
{
	(void)state;
	both_ways(join_them);
}

/* ---- calls --------------------------------------------------------------------- */

static void call_one_of_them(heph_ctx ctx)
{
	note_group group = make(ctx, 4, false, 0);
	heph_ctx soon;
	long n = -1;

	must_be(heph_call_any(ctx, &group, answer, &n, { .kind = NOTE_COUNT }),
		0);
	must_be(n, 0);
	/* Those with an even number end, the others answer. */
	must_be(heph_call_any(ctx, &group, answer, &n, { .kind = NOTE_ODD }),
		0);
	must_be(n % 2, 1);
	end_one(ctx, heph_group_at(&group, 0));
	end_one(ctx, heph_group_at(&group, 2));
	must_be(heph_call_any(ctx, &group, answer, &n, { .kind = NOTE_ODD }),
		0);
	must_be(group.dropped, 2);
	soon = heph_within(ctx, HEPH_MSEC);
	must_be(heph_call_any(soon, &group, answer, &n, { .kind = NOTE_KEEP }),
		-ETIME);
	must_be(heph_call_error(ctx).err, -ETIME);
	unmake(ctx, &group);
	group = make(ctx, 1, false, 0); /* number 0 */
	must_be(heph_group_add(ctx, &group, spawn_note(ctx, 2, false, 0)), 0);
	must_be(heph_call_any(ctx, &group, answer, &n, { .kind = NOTE_ODD }),
		-EPIPE);
	unmake(ctx, &group);
}

static void take_the_first_answer(void **state)
{
	(void)state;
	both_ways(call_one_of_them);
}

/* Those with an even number refuse. */
static void call_refusing(heph_ctx ctx)
{
	note_group group = make(ctx, 4, false, 0), even = { 0 };
	struct {
		int err;
		long value;
	} results[4];
	long n = -1;

	must_be(heph_call_any(ctx, &group, answer, &n, { .kind = NOTE_REFUSE }),
		0);
	must_be(n % 2, 1);
	results[0].value = results[2].value = 77;
	must_be(heph_call_all(ctx, &group, answer, results,
			      { .kind = NOTE_REFUSE }),
		2);
	for (int i = 0; i < 4; i++) {
		must_be(results[i].err, i % 2 ? 0 : -EDOM);
		must_be(results[i].value, i % 2 ? i : 77);
	}
	must(heph_call_error(ctx).refused);
	for (int i = 0; i < 4; i += 2)
		must_be(heph_group_add(ctx, &even, heph_group_at(&group, i)), 0);
	must_be(heph_call_any(ctx, &even, answer, &n, { .kind = NOTE_REFUSE }),
		-EDOM);
	must_be(heph_call_error(ctx).err, -EDOM);
	must(heph_call_error(ctx).refused);
	must_be(heph_group_count(&even), 2);
	unmake(ctx, &group);
}

static void pass_over_who_refuses(void **state)
{
	(void)state;
	both_ways(call_refusing);
}

static void call_full_ones(heph_ctx ctx)
{
	note_group group = make(ctx, 3, true, 1);
	long n;

	(void)fill(ctx, &group);
	must_be(heph_call_any(heph_within(ctx, HEPH_MSEC), &group, answer, &n,
			      { .kind = NOTE_COUNT }),
		-ETIME);
	gate_open = true;
	must_be(heph_call_any(ctx, &group, answer, &n, { .kind = NOTE_COUNT }),
		0);
	unmake(ctx, &group);
}

static void wait_for_room_when_all_are_full(void **state)
{
	(void)state;
	both_ways(call_full_ones);
}

static void call_each_of_them(heph_ctx ctx)
{
	note_group group = make(ctx, 5, false, 0);
	struct {
		int err;
		long value;
	} results[5], few[4], *many = results;

	end_one(ctx, heph_group_at(&group, 4));
	must_be(heph_call_all(ctx, &group, answer, few, { .kind = NOTE_COUNT }),
		-ENOSPC);
	must_be(heph_call_all(ctx, &group, answer, many,
			      { .kind = NOTE_COUNT }),
		4);
	for (int i = 0; i < 5; i++)
		must_be(results[i].err, i == 4 ? -ESRCH : 0);
	must_be(heph_call_all(ctx, &group, answer, results,
			      { .kind = NOTE_ODD }),
		2);
	for (int i = 0; i < 4; i++)
		must_be(results[i].err, i % 2 ? 0 : -EPIPE);
	must_be(results[1].value, 1);
	must_be(results[3].value, 3);
	must_be(heph_group_count(&group), 5);
	must_be(heph_join(ctx, heph_group_at(&group, 0), NULL), 0);
	must_be(heph_join(ctx, heph_group_at(&group, 2), NULL), 0);
	must_be(heph_call_all(heph_within(ctx, HEPH_MSEC), &group, answer,
			      results, { .kind = NOTE_KEEP }),
		0);
	for (int i = 0; i < 5; i++)
		must_be(results[i].err, i % 2 ? -ETIME : -ESRCH);
	unmake(ctx, &group);
}

static void collect_all_answers(void **state)
{
	(void)state;
	both_ways(call_each_of_them);
}

/* Calls to members that keep them; asked to stop meanwhile. */
static int call_and_be_stopped(heph_ctx ctx, act_inbox in, void *arg)
{
	struct {
		int err;
		long value;
	} results[3];
	note_group *group = arg;
	long n;

	(void)in;
	must_be(heph_call_all(ctx, group, answer, results,
			      { .kind = NOTE_KEEP }),
		0);
	for (int i = 0; i < 3; i++)
		must_be(results[i].err, -ECANCELED);
	must_be(heph_call_all(ctx, group, answer, results,
			      { .kind = NOTE_KEEP }),
		-ECANCELED);
	must_be(heph_call_any(ctx, group, answer, &n, { .kind = NOTE_COUNT }),
		-ECANCELED);
	must_be(heph_send_one(ctx, group, { .n = 1 }), -ECANCELED);
	must_be(heph_send_by_key(ctx, group, 1, { .n = 1 }), -ECANCELED);
	must_be(heph_send_all(ctx, group, { .n = 1 }), -ECANCELED);
	must_be(heph_join_all(ctx, group), -ECANCELED);
	return 0;
}

static void give_up_when_asked_to_stop(void **state)
{
	heph_ctx ctx = begin(&two_workers);
	note_group group = make(ctx, 3, false, 0);
	act_ref caller;

	(void)state;
	texts = 0;
	caller = spawn_on(ctx, HEPH_WORKER(0), call_and_be_stopped, &group);
	while (heph_stats(ctx).received < 3)
		sched_yield();
	stop_and_join(ctx, caller);
	unmake(ctx, &group);
	end(ctx);
}

/* An actor that is in its own group. */
static int in_its_own_group(heph_ctx ctx, act_inbox in, void *arg)
{
	act_group group = { 0 };
	long n;

	(void)arg;
	must_be(heph_group_add(ctx, &group, heph_self(in)), 0);
	must_be(heph_send_one(ctx, &group, { .n = 1 }), 0);
	must_be(heph_send_all(ctx, &group, { .n = 1 }), 1);
	must_be(heph_try_send_one(&group, { .n = 1 }), -EAGAIN);
	must_be(heph_send_one(ctx, &group, { .n = 1 }), -EDEADLK);
	must_be(heph_send_all(ctx, &group, { .n = 1 }), -EDEADLK);
	must_be(heph_call_any(ctx, &group, answer, &n, { .n = 1 }), -EDEADLK);
	must_be(heph_join_all(ctx, &group), -EDEADLK);
	return 0;
}

static void may_have_their_owner_in_them(void **state)
{
	heph_ctx ctx = begin(&two_workers);
	act_ref ref;

	(void)state;
	must_be(heph_spawn(ctx, act, &ref, { in_its_own_group, NULL },
			   .inbox = 2),
		0);
	must_be(heph_join(ctx, ref, NULL), 0);
	end(ctx);
}

/* ---- adapters as members ------------------------------------------------------- */

/* Takes what a note takes, and numbers. */
struct hint_msg {
	long n;
	char *text;
	HEPH_REPLY(long) answer;
};
HEPH_ACTOR(hint, struct hint_msg, void);

static int hint_main(heph_ctx ctx, hint_inbox in)
{
	struct hint_msg msg;

	return heph_recv(ctx, in, &msg);
}
HEPH_ACTOR_MAIN(hint, hint_main);

/* Its result, for numbers of 0 and more, is the value. */
static int from_hint(const struct hint_msg *from, struct note_msg *to,
		     const int *result)
{
	*to = (struct note_msg){ .kind = NOTE_PLAIN,
				 .n = from->n,
				 .text = from->text };
	heph_carry_reply(to->answer, from->answer);
	if (from->answer.raw.call)
		to->kind = NOTE_COUNT;
	return from->n < 0 ? 0 : *result;
}

static void hint_drop(struct hint_msg *msg)
{
	if (msg->text)
		texts--;
	free(msg->text);
}

/* Adapters to notes; the first one fails with `result`. */
static hint_group adapt(heph_ctx ctx, const note_group *notes, int result)
{
	hint_group group = { 0 };
	hint_ref ref;

	for (unsigned i = 0; i < heph_group_count(notes); i++) {
		must_be(heph_map(ctx, &ref, heph_group_at(notes, i), from_hint,
				 i ? 0 : result),
			0);
		must_be(heph_group_add(ctx, &group, ref), 0);
	}
	return group;
}

static void send_through_adapters(heph_ctx ctx)
{
	note_group notes = make(ctx, 3, false, 0);
	hint_group hints = adapt(ctx, &notes, -EINVAL);

	must_be(heph_send_all(ctx, &hints, { .n = -1 }), 3);
	must_be(heph_send_all(ctx, &hints, { .n = 1 }), 2); /* one refuses */
	must_be(hints.skipped, 1);
	for (unsigned i = 0; i < 3; i++)
		must_be(count(ctx, heph_group_at(&notes, i)), i ? 2 : 1);
	unmake(ctx, &notes);
}

static void copy_no_owners_through_adapters(heph_ctx ctx)
{
	note_group notes = make(ctx, 2, false, 0);
	hint_group hints = { 0 };
	struct hint_msg msg = { .n = -1 };
	hint_ref ref;

	for (unsigned i = 0; i < 2; i++) {
		must_be(heph_map_owning(ctx, &ref, heph_group_at(&notes, i),
					from_hint, hint_drop, 0),
			0);
		must_be(heph_group_add(ctx, &hints, ref), 0);
	}
	msg.text = new_text();
	must_be(heph_send_all(ctx, &hints, msg), -EINVAL);
	must_be(heph_group_remove(&hints, ref), 1);
	must_be(heph_send_all(ctx, &hints, msg), 1);
	unmake(ctx, &notes);
}

/* An adapter that says -ESRCH is as one whose actor is gone. */
static void lose_adapters(heph_ctx ctx)
{
	note_group notes = make(ctx, 2, false, 0);
	hint_group hints = adapt(ctx, &notes, -ESRCH);

	for (uint64_t key = 0; heph_group_count(&hints) == 2; key++)
		must_be(heph_send_by_key(ctx, &hints, key, { .n = 1 }), 0);
	must_be(hints.dropped, 1);
	unmake(ctx, &notes);
}

static void call_through_adapters(heph_ctx ctx)
{
	note_group notes = make(ctx, 2, false, 0);
	hint_group hints = adapt(ctx, &notes, -EBADMSG);
	long n = -1;

	must_be(heph_call_any(ctx, &hints, answer, &n, { .n = 1 }), 0);
	must_be(n, 0);
	unmake(ctx, &notes);
}

static void work_with_adapters(void **state)
{
	(void)state;
	both_ways(send_through_adapters);
	both_ways(copy_no_owners_through_adapters);
	both_ways(lose_adapters);
	both_ways(call_through_adapters);
}

static void leave_before_their_turn(heph_ctx ctx)
{
	note_group group = make(ctx, 4, false, 0);
	note_ref refs[4];

	for (unsigned i = 0; i < 4; i++)
		refs[i] = heph_group_at(&group, i);
	must_be(heph_send_one(ctx, &group, { .kind = NOTE_PLAIN }), 0);
	must_be(heph_send_one(ctx, &group, { .kind = NOTE_PLAIN }), 0);
	must_be(heph_group_remove(&group, refs[0]), 1);
	must_be(heph_send_one(ctx, &group, { .kind = NOTE_PLAIN }), 0);
	must_be(count(ctx, refs[2]), 1);
	end_one(ctx, refs[1]);
	must_be(heph_group_remove_gone(&group), 1);
	must_be(heph_send_one(ctx, &group, { .kind = NOTE_PLAIN }), 0);
	must_be(count(ctx, refs[3]), 1);
	must_be(heph_send_one(ctx, &group, { .kind = NOTE_PLAIN }), 0);
	must_be(count(ctx, refs[2]), 2);
	must_be(heph_group_add(ctx, &group, refs[2]), 0);
	must_be(heph_group_make_unique(&group), 1);
	must_be(heph_send_one(ctx, &group, { .kind = NOTE_PLAIN }), 0);
	must_be(count(ctx, refs[3]), 2);
	end_one(ctx, refs[0]);
	unmake(ctx, &group);
}

static void keep_whose_turn_it_is(void **state)
{
	(void)state;
	both_ways(leave_before_their_turn);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keep_their_members_in_order),
		cmocka_unit_test(may_be_empty),
		cmocka_unit_test(take_turns_and_drop_who_is_gone),
		cmocka_unit_test(pass_over_who_is_full),
		cmocka_unit_test(end_while_somebody_waits),
		cmocka_unit_test(keep_keys_where_they_are),
		cmocka_unit_test(hash_bytes),
		cmocka_unit_test(tell_all_of_them),
		cmocka_unit_test(skip_who_is_full),
		cmocka_unit_test(wait_for_each),
		cmocka_unit_test(go_on_when_a_copy_fails),
		cmocka_unit_test(do_not_copy_what_cannot_be_copied),
		cmocka_unit_test(copy_plain_data_as_it_is),
		cmocka_unit_test(are_joined_when_all_have_ended),
		cmocka_unit_test(take_the_first_answer),
		cmocka_unit_test(pass_over_who_refuses),
		cmocka_unit_test(wait_for_room_when_all_are_full),
		cmocka_unit_test(collect_all_answers),
		cmocka_unit_test(give_up_when_asked_to_stop),
		cmocka_unit_test(may_have_their_owner_in_them),
		cmocka_unit_test(work_with_adapters),
		cmocka_unit_test(keep_whose_turn_it_is),
	};

	return cmocka_run_group_tests_name("groups", tests, NULL, NULL);
}
