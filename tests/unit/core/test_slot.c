/* SPDX-License-Identifier: MIT */
/* test_slot.c - stacks that actors share: nobody notices */
#include "core/slot.h"

#include "rig.h"

#include <sys/mman.h>
#include <unistd.h>

static const char *const counts[] = { "1", "2", "4" };

enum { COUNTS = 3, LOCAL = 200, ROUNDS = 20, EACH = 5, TYPES = 5 };

static void open_slots(const char *n)
{
	setenv("HEPH_SLOTS", n, 1);
	rig_open(1);
}

static struct heph_worker *worker(void)
{
	return rig.workers[0];
}

static struct heph_slot *slot_of(act_ref ref)
{
	return heph_slot_of(rig_self(ref));
}

static bool is_away(act_ref ref)
{
	return rig_self(ref)->flags & HEPH_FLAG_AWAY;
}

/* ---- what is logged -------------------------------------------------------- */

static char said[1 << 14];

static int log_begin(void)
{
	int fd = memfd_create("log", MFD_CLOEXEC);

	assert_true(fd >= 0);
	heph_log_to(fd);
	heph_log_set_level(HEPH_LOG_INFO);
	return fd;
}

static void log_end(int fd)
{
	ssize_t n;

	heph_log_flush();
	heph_log_set_level(HEPH_LOG_OFF);
	heph_log_to(STDERR_FILENO);
	n = pread(fd, said, sizeof(said) - 1, 0);
	assert_true(n >= 0);
	said[n] = 0;
	close(fd);
}

static int times_said(const char *text)
{
	int n = 0;

	for (const char *at = said; (at = strstr(at, text)); at++)
		n++;
	return n;
}

/* ---- frames and arguments, whose bytes all tell whose they are --------------- */

static int begun, done;

static void fill(unsigned char *bytes, size_t size, int seed)
{
	for (size_t i = 0; i < size; i++)
		bytes[i] = (unsigned char)(seed + (int)i * 7);
}

static bool holds(const unsigned char *bytes, size_t size, int seed)
{
	for (size_t i = 0; i < size; i++)
		if (bytes[i] != (unsigned char)(seed + (int)i * 7))
			return false;
	return true;
}

/* Looks, and changes both, between waits. */
static int bear_witness(heph_ctx ctx, unsigned char *arg, size_t size)
{
	static unsigned char *at[TYPES * EACH];
	int id = begun++, seed = id;
	unsigned char local[LOCAL];

	at[id] = local;
	must((uintptr_t)arg % 16 == 0);
	fill(local, LOCAL, seed);
	fill(arg, size, seed);
	for (int round = 0; round < ROUNDS; round++) {
		must(heph_yield(ctx) == 0);
		must(at[id] == (unsigned char *volatile){ local });
		must(holds(local, LOCAL, seed) && holds(arg, size, seed));
		seed += 31;
		fill(local, LOCAL, seed);
		fill(arg, size, seed);
	}
	done++;
	return 0;
}

#define WITNESS(name_, size_)                                                  \
	struct name_##_arg {                                                   \
		unsigned char bytes[size_];                                    \
	};                                                                     \
	HEPH_ACTOR(name_, void, struct name_##_arg);                           \
	static int name_##_main(heph_ctx ctx, struct name_##_arg *arg)         \
	{                                                                      \
		must(holds(arg->bytes, size_, size_));                         \
		return bear_witness(ctx, arg->bytes, size_);                   \
	}                                                                      \
	HEPH_ACTOR_MAIN(name_, name_##_main)

HEPH_ACTOR(with_0, void, void);

static int with_0_main(heph_ctx ctx)
{
	return bear_witness(ctx, NULL, 0);
}
HEPH_ACTOR_MAIN(with_0, with_0_main);

WITNESS(with_1, 1);
WITNESS(with_8, 8);
WITNESS(with_17, 17);
WITNESS(with_4096, 4096);

#define BEGIN(name_, size_)                                                    \
	do {                                                                   \
		struct name_##_spawn spawn = { 0 };                            \
		struct heph_addr addr;                                         \
		fill((void *)&spawn.arg, size_, size_);                        \
		assert_int_equal(rig_begin(0, &name_##_actor, &spawn, &addr),  \
				 0);                                           \
	} while (0)

static void begin_one_of_each(void)
{
	BEGIN(with_0, 0);
	BEGIN(with_1, 1);
	BEGIN(with_8, 8);
	BEGIN(with_17, 17);
	BEGIN(with_4096, 4096);
}

static void frames_and_arguments_stay(void **state)
{
	(void)state;
	for (int i = 0; i < COUNTS; i++) {
		open_slots(counts[i]);
		begun = done = 0;
		for (int n = 0; n < EACH; n++)
			begin_one_of_each();
		rig_settle();
		assert_int_equal(done, TYPES * EACH);
		rig_close();
	}
}

/* ---- who has which ----------------------------------------------------------- */

/* As long as there are free ones nobody shares; then no more are made. */
static void as_many_as_are_wanted(void **state)
{
	act_ref refs[9];
	uint32_t bound = 0;

	(void)state;
	open_slots("4");
	for (int n = 0; n < 9; n++)
		refs[n] = rig_spawn(0, idle, NULL);
	for (int n = 0; n < 4; n++) {
		assert_false(is_away(refs[n]));
		bound += slot_of(refs[n])->bound;
		for (int m = 0; m < n; m++)
			assert_ptr_not_equal(slot_of(refs[n]),
					     slot_of(refs[m]));
	}
	assert_int_equal(bound, 9);
	assert_int_equal(worker()->slots.n, 4);
	assert_int_equal(worker()->stacks.in_use, 4);
	rig_step(0);
	for (int n = 0; n < 9; n++)
		heph_stop(refs[n]);
	rig_settle();
	rig_close();
}

/* One that nobody is bound to any more is an idle stack again. */
static void are_given_back(void **state)
{
	act_ref refs[8];

	(void)state;
	open_slots("4");
	for (int n = 0; n < 8; n++)
		refs[n] = rig_spawn(0, idle, NULL);
	rig_step(0);
	for (int n = 0; n < 8; n++) {
		heph_stop(refs[n]);
		rig_settle();
	}
	assert_int_equal(worker()->slots.n, 0);
	assert_int_equal(worker()->stacks.in_use, 0);
	refs[0] = rig_spawn(0, idle, NULL);
	assert_int_equal(worker()->slots.n, 1);
	assert_int_equal(slot_of(refs[0])->bound, 1);
	assert_int_equal(slot_of(refs[0])->number, 0);
	rig_step(0);
	heph_stop(refs[0]);
	rig_settle();
	rig_close();
}

/* ---- stacks of their own ------------------------------------------------------ */

static int __attribute__((noinline)) use(volatile char *above, size_t left)
{
	volatile char frame[1024];

	frame[0] = *above;
	if (left > 2 * sizeof(frame))
		return use(frame, left - sizeof(frame) - 128) + frame[0];
	return 0;
}

struct user {
	size_t size;
	bool done;
};

/* Uses nearly all of its stack, before and after another one. */
static int use_it(heph_ctx ctx, act_inbox in, void *arg)
{
	struct user *user = arg;
	char first = 0;

	(void)in;
	for (int n = 0; n < 3; n++) {
		must(use(&first, user->size - 8192) == 0);
		must(heph_yield(ctx) == 0);
	}
	user->done = true;
	return 0;
}

static void check_size(size_t stack, size_t size)
{
	struct user users[2] = { { .size = size }, { .size = size } };
	act_ref refs[2];

	for (int n = 0; n < 2; n++) {
		refs[n] =
			rig_spawn_with(0, (use_it, &users[n]), .stack = stack);
		assert_false(heph_slot_shared(slot_of(refs[n])));
		assert_true(heph_slot_size(slot_of(refs[n])) >= size);
		assert_int_equal(slot_of(refs[n])->bound, 1);
		assert_false(is_away(refs[n]));
	}
	rig_settle();
	assert_true(users[0].done && users[1].done);
}

static void of_any_size(void **state)
{
	(void)state;
	open_slots("1");
	check_size(HEPH_STACK_OWN, 65536);
	check_size(100 << 10, 100 << 10);
	check_size(1 << 20, 1 << 20);
	check_size((1 << 20) + 1, (1 << 20) + 1);
	rig_close();
}

static void not_of_more_than_there_can_be(void **state)
{
	(void)state;
	open_slots("1");
	assert_int_equal(heph_spawn(rig.ctx, act, NULL, { idle, NULL },
				    .stack = (size_t)HEPH_STACK_MAX + 1),
			 -EINVAL);
	assert_int_equal(heph_spawn(rig.ctx, act, NULL, { idle, NULL },
				    .stack = SIZE_MAX),
			 -EINVAL);
	rig_close();
}

/* ---- deep ones ---------------------------------------------------------------- */

enum { DEEP = 6000 };

static int wait_deep(heph_ctx ctx, act_inbox in, void *arg)
{
	unsigned char local[DEEP];
	int seed = (int)(intptr_t)arg;

	(void)in;
	fill(local, sizeof(local), seed);
	for (int n = 0; n < 10; n++) {
		must(heph_yield(ctx) == 0);
		must(holds(local, sizeof(local), seed));
	}
	done++;
	return 0;
}

static void get_their_own_from_the_next_on(void **state)
{
	act_ref refs[4];
	int log;

	(void)state;
	open_slots("1");
	log = log_begin();
	for (intptr_t n = 0; n < 3; n++)
		refs[n] = rig_spawn(0, wait_deep, (void *)n);
	for (int n = 0; n < 3; n++)
		assert_true(heph_slot_shared(slot_of(refs[n])));
	done = 0;
	rig_settle();
	assert_int_equal(done, 3);
	refs[3] = rig_spawn(0, wait_deep, NULL);
	assert_false(heph_slot_shared(slot_of(refs[3])));
	rig_settle();
	assert_int_equal(done, 4);
	log_end(log);
	assert_int_equal(times_said("wait with much on their stacks"), 1);
	assert_int_equal(times_said("type=act"), 1);
	rig_close();
}

/* ---- no memory ----------------------------------------------------------------- */

/* Records of that size are allocations; so each of them can be refused. With one
 * slot it is the loop that wants to put somebody away, with two an actor. */
static bool switch_with_one_refused(const char *n_slots, long refused)
{
	bool any;

	open_slots(n_slots);
	heph_log_set_level(HEPH_LOG_ERROR);
	done = 0;
	for (intptr_t n = 0; n < 5; n++)
		rig_spawn(0, wait_deep, (void *)n);
	rig_refuse(refused);
	rig_settle();
	any = rig_refused();
	assert_int_equal(done, 5);
	rig_close();
	return any;
}

static void a_switch_is_put_off_and_that_is_said_once(void **state)
{
	int log = log_begin();

	(void)state;
	for (int i = 0; i < COUNTS; i++)
		for (long n = 1; n < 12; n++)
			assert_true(switch_with_one_refused(counts[i], n));
	log_end(log);
	assert_int_equal(times_said("no memory to switch between actors"), 1);
}

/* What cannot be put away at its beginning is not spawned. */
static void a_spawn_without_memory_fails(void **state)
{
	struct with_0_spawn spawn = { 0 };
	struct heph_addr addr;
	bool refused = true;
	uint32_t bound;
	act_ref first;

	(void)state;
	open_slots("1");
	first = rig_spawn(0, idle, NULL);
	for (long n = 1; refused; n++) {
		bound = slot_of(first)->bound;
		rig_refuse(n);
		if (rig_begin(0, &with_0_actor, &spawn, &addr) == 0) {
			refused = rig_refused();
			continue;
		}
		assert_true(rig_refused());
		assert_int_equal(slot_of(first)->bound, bound);
	}
	rig_step(0);
	heph_stop(first);
	rig_settle();
	rig_close();
}

/* ---- ends --------------------------------------------------------------------- */

/* It waits, with its frames away, and others run in its slot. */
static act_ref
spawn_away(act_ref *ret_other,
	   int (*fn)(heph_ctx ctx, struct act_inbox in, void *arg), void *arg)
{
	act_ref ref;

	open_slots("1");
	ref = rig_spawn_with(0, (fn, arg), .restarts = { .times = 2 });
	*ret_other = rig_spawn(0, idle, NULL);
	rig_step(0);
	assert_true(is_away(ref));
	return ref;
}

static void end_other(act_ref other)
{
	heph_stop(other);
	rig_settle();
	rig_close();
}

static int wait_then_return(heph_ctx ctx, act_inbox in, void *arg)
{
	int err = heph_wait_for(ctx, HEPH_WAIT_SIGNAL);

	(void)in;
	done++;
	return err < 0 ? err : *(int *)arg;
}

static void one_that_is_away_is_stopped(void **state)
{
	int result = 0;
	act_ref ref, other;

	(void)state;
	done = 0;
	ref = spawn_away(&other, wait_then_return, &result);
	heph_stop(ref);
	rig_settle();
	assert_int_equal(done, 1);
	assert_false(heph_alive(ref));
	end_other(other);
}

static void one_that_was_away_restarts(void **state)
{
	int result = -EIO;
	act_ref ref, other;

	(void)state;
	done = 0;
	ref = spawn_away(&other, wait_then_return, &result);
	for (int n = 1; n <= 3; n++) {
		rig_open_gate(ref.addr);
		rig_settle();
		assert_int_equal(done, n);
		assert_int_equal(heph_alive(ref), n < 3);
	}
	end_other(other);
}

static int wait_then_panic(heph_ctx ctx, act_inbox in, void *arg)
{
	char local[500];

	(void)in, (void)arg;
	memset(local, 1, sizeof(local));
	gate(ctx);
	done++;
	heph_panic(ctx, "on purpose: %d", local[499]);
}

static void one_that_was_away_panics(void **state)
{
	act_ref ref, other;

	(void)state;
	done = 0;
	ref = spawn_away(&other, wait_then_panic, NULL);
	for (int n = 1; n <= 3; n++) {
		rig_open_gate(ref.addr);
		rig_settle();
		assert_int_equal(done, n);
		assert_int_equal(heph_alive(ref), n < 3);
	}
	assert_int_equal(rig_count(0)->panicked, 3);
	end_other(other);
}

static int link_and_fail(heph_ctx ctx, act_inbox in, void *arg)
{
	act_ref *to = arg;

	(void)in;
	must(heph_link(ctx, *to) == 0);
	gate(ctx);
	return -EIO;
}

static void an_exit_comes_to_one_that_is_away(void **state)
{
	int result = 0;
	act_ref ref, failing, other;

	(void)state;
	done = 0;
	open_slots("1");
	ref = rig_spawn(0, wait_then_return, &result);
	failing = rig_spawn(0, link_and_fail, &ref);
	other = rig_spawn(0, idle, NULL);
	rig_settle();
	assert_true(is_away(ref) && is_away(failing));
	rig_open_gate(failing.addr);
	rig_settle();
	assert_int_equal(done, 1);
	assert_false(heph_alive(ref));
	end_other(other);
}

/* ---- a message that lies on a stack already ------------------------------------ */

struct hand {
	act_ref to;
	long got;
	bool was_away;
};

static int receive_two(heph_ctx ctx, act_inbox in, void *arg)
{
	struct hand *hand = arg;
	struct act_msg msg;

	for (int n = 0; n < 2; n++) {
		must(heph_recv(ctx, in, &msg) == 0);
		hand->got = msg.n;
	}
	return 0;
}

static int send_at_gate(heph_ctx ctx, act_inbox in, void *arg)
{
	struct hand *hand = arg;

	(void)in;
	gate(ctx);
	return heph_send(ctx, hand->to, { .n = 42 });
}

static int look_at_gate(heph_ctx ctx, act_inbox in, void *arg)
{
	struct hand *hand = arg;

	(void)in;
	gate(ctx);
	must(hand->got == 1 && rig_self(hand->to)->n == 1);
	must(HEPH_RECEIPTS_KEPT || !rig_self(hand->to)->last);
	hand->was_away = is_away(hand->to);
	return 0;
}

/* Slots are dealt out in turn: the first and the last have the same one. */
static void a_message_in_the_hands_is_put_away_too(void **state)
{
	struct hand hand = { 0 };
	act_ref sender, next, other;

	(void)state;
	open_slots("2");
	hand.to = rig_spawn(0, receive_two, &hand);
	sender = rig_spawn(0, send_at_gate, &hand);
	next = rig_spawn(0, idle, NULL);
	other = rig_spawn(0, look_at_gate, &hand);
	assert_ptr_equal(slot_of(hand.to), slot_of(other));
	rig_settle();
	assert_int_equal(heph_try_send(hand.to, { .n = 1 }), 0);
	rig_settle();
	assert_false(is_away(hand.to));
	rig_open_gate(sender.addr);
	rig_open_gate(other.addr);
	rig_settle();
	assert_true(hand.was_away);
	assert_int_equal(hand.got, 42);
	end_other(next);
}

/* ---- how many ------------------------------------------------------------------- */

static void a_number_that_cannot_be_is_refused(void **state)
{
	static const char *const wrong[] = {
		"0",    "65537", "-1",   "1x",
		"many", "1 2",   "0x10", "99999999999999999999999"
	};
	struct heph_worker *it = heph_mem_reserve(sizeof(*it));
	const int n = sizeof(wrong) / sizeof(*wrong);
	int log;

	(void)state;
	rig_open(0);
	log = log_begin();
	for (int i = 0; i < n; i++) {
		setenv("HEPH_SLOTS", wrong[i], 1);
		assert_int_equal(heph_worker_init(it, &rig.heph, RIG_ACTORS),
				 -EINVAL);
	}
	log_end(log);
	assert_int_equal(times_said("HEPH_SLOTS: not 1 to 65536"), n);
	assert_int_equal(times_said("is=many"), 1);
	setenv("HEPH_SLOTS", "", 1); /* as if it were not there */
	assert_int_equal(heph_worker_init(it, &rig.heph, RIG_ACTORS), 0);
	heph_worker_fini(it);
	heph_mem_unreserve(it, sizeof(*it));
	rig_close();
}

static void the_environment_goes_before_the_configuration(void **state)
{
	struct heph_worker *it = heph_mem_reserve(sizeof(*it));

	(void)state;
	rig_open(0);
	rig.heph.config.slots = 7;
	unsetenv("HEPH_SLOTS");
	assert_int_equal(heph_worker_init(it, &rig.heph, RIG_ACTORS), 0);
	assert_int_equal(it->slots.max, 7);
	heph_worker_fini(it);
	setenv("HEPH_SLOTS", "3", 1);
	assert_int_equal(heph_worker_init(it, &rig.heph, RIG_ACTORS), 0);
	assert_int_equal(it->slots.max, 3);
	heph_worker_fini(it);
	heph_mem_unreserve(it, sizeof(*it));
	rig_close();
}

/* ---- what is counted ------------------------------------------------------------- */

/* The numbers of all workers, and of one type alone. */
static void numbers_of_a_type_are_told(void **state)
{
	struct heph_type_stats stats;
	act_ref refs[4];

	(void)state;
	begun = done = 0;
	setenv("HEPH_SLOTS", "1", 1);
	rig_open(2);
	stats = heph_type_stats(rig.ctx, act);
	assert_int_equal(stats.alive + stats.spawned + stats.displaced, 0);
	for (unsigned n = 0; n < 4; n++)
		refs[n] = rig_spawn(n % 2, idle, NULL);
	BEGIN(with_8, 8);
	rig_settle();
	stats = heph_type_stats(rig.ctx, act);
	assert_int_equal(stats.alive, 4);
	assert_int_equal(stats.spawned, 4);
	assert_int_equal(stats.displaced, 3); /* one is in the slot of its */
	assert_in_range(stats.live_mean, 100, 2000);
	assert_in_range(stats.live_max, stats.live_mean, 2000);
	assert_false(stats.own_stacks);
	assert_int_equal(heph_stats(rig.ctx).slots, 2);
	assert_int_equal(heph_stats(rig.ctx).stacks, 2);
	for (unsigned n = 0; n < 4; n++)
		heph_stop(refs[n]);
	rig_settle();
	assert_int_equal(heph_type_stats(rig.ctx, act).alive, 0);
	assert_int_equal(heph_type_stats(rig.ctx, act).spawned, 4);
	stats = heph_type_stats(rig.ctx, with_8);
	assert_int_equal(stats.alive, 0);
	assert_int_equal(stats.spawned, 1);
	assert_int_equal(heph_stats(rig.ctx).slots, 0);
	assert_int_equal(heph_stats(rig.ctx).displaced,
			 heph_type_stats(rig.ctx, act).displaced +
				 stats.displaced);
	rig_close();
}

static void the_numbers_tell_of_deep_ones_and_large_stacks(void **state)
{
	struct heph_type_stats stats;
	act_ref large;

	(void)state;
	open_slots("1");
	for (intptr_t n = 0; n < 3; n++)
		rig_spawn(0, wait_deep, (void *)n);
	rig_settle();
	stats = heph_type_stats(rig.ctx, act);
	assert_true(stats.own_stacks);
	assert_in_range(stats.live_max, DEEP, 2 * DEEP);
	large = rig_spawn_with(0, (idle, NULL), .stack = 1 << 20);
	rig_settle();
	assert_int_equal(heph_stats(rig.ctx).stacks, 1);
	assert_int_equal(heph_stats(rig.ctx).slots, 0);
	heph_stop(large);
	rig_settle();
	assert_int_equal(heph_stats(rig.ctx).stacks, 0);
	rig_close();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(frames_and_arguments_stay),
		cmocka_unit_test(as_many_as_are_wanted),
		cmocka_unit_test(are_given_back),
		cmocka_unit_test(of_any_size),
		cmocka_unit_test(not_of_more_than_there_can_be),
		cmocka_unit_test(get_their_own_from_the_next_on),
		cmocka_unit_test(a_switch_is_put_off_and_that_is_said_once),
		cmocka_unit_test(a_spawn_without_memory_fails),
		cmocka_unit_test(one_that_is_away_is_stopped),
		cmocka_unit_test(one_that_was_away_restarts),
		cmocka_unit_test(one_that_was_away_panics),
		cmocka_unit_test(an_exit_comes_to_one_that_is_away),
		cmocka_unit_test(a_message_in_the_hands_is_put_away_too),
		cmocka_unit_test(numbers_of_a_type_are_told),
		cmocka_unit_test(
			the_numbers_tell_of_deep_ones_and_large_stacks),
		cmocka_unit_test(a_number_that_cannot_be_is_refused),
		cmocka_unit_test(the_environment_goes_before_the_configuration),
	};

	if (!HEPH_SLOTS_DEFAULT)
		return 77; /* sanitizers watch: no stack is shared */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
