/* SPDX-License-Identifier: MIT */
#include "core/lane.h"

#include "rig.h"

/* Of other sizes than act's; all begin with their number. */
struct tiny {
	uint32_t n;
};
struct page {
	long n;
	char rest[4096 - sizeof(long)];
};
struct large {
	long n;
	char rest[5000];
};

static _Atomic long received;
static int drops, accepted;

#define SINK(name_, type_)                                                     \
	HEPH_ACTOR(name_, type_, void);                                        \
	static void name_##_drop(type_ *msg)                                   \
	{                                                                      \
		(void)msg;                                                     \
		drops++;                                                       \
	}                                                                      \
	static int name_##_main(heph_ctx ctx, name_##_inbox in)                \
	{                                                                      \
		type_ msg;                                                     \
		while (heph_recv(ctx, in, &msg) == 0) {                        \
			must(msg.n == received);                               \
			received++;                                            \
		}                                                              \
		return 0;                                                      \
	}                                                                      \
	HEPH_ACTOR_MAIN(name_, name_##_main, .drop = name_##_drop)

SINK(tiny, struct tiny);
SINK(page, struct page);
SINK(large, struct large);

#define spawn_sink(n_, name_)                                                  \
	__extension__({                                                        \
		name_##_ref sink_ref__;                                        \
		HEPH_SPAWN__(name_, )                                          \
		assert_int_equal(rig_begin((n_), &name_##_actor, &heph_s__,    \
					   &sink_ref__.addr),                  \
				 0);                                           \
		sink_ref__;                                                    \
	})

static void setup(void)
{
	rig_open(2);
	received = 0;
	drops = accepted = 0;
}

/* As the first worker, which does not wait. */
static int write_as_worker(struct heph_addr to, const void *msg, size_t size)
{
	const struct heph_letter letter = { .data = msg,
					    .size = (uint32_t)size,
					    .reply_at = HEPH_NO_REPLY };
	struct heph_thread *mine = heph_thread_current;
	struct heph_worker *from = rig.workers[0];
	struct heph_lane *lane;
	int err = -ENOMEM;

	heph_thread_current = &from->thread;
	lane = heph_lane_to(from, &rig.workers[1]->thread);
	if (lane)
		err = heph_lane_write(lane, from, to.id, to.slot, &letter);
	accepted += err == 0;
	heph_lanes_flush(from);
	heph_thread_current = mine;
	return err;
}

static void stop_and_close(struct heph_addr addr)
{
	heph_raw_stop(addr);
	rig_settle();
	rig_close();
}

/* Sends `n` messages, running the receiver whenever no more can be sent. */
#define stream(type_, ref_, n_)                                                \
	do {                                                                   \
		static type_ stream_msg__;                                     \
		for (long i = 0; i < (n_); i++) {                              \
			stream_msg__.n = (__typeof__(stream_msg__.n))i;        \
			while (write_as_worker((ref_).addr, &stream_msg__,     \
					       sizeof(stream_msg__)) ==        \
			       -EAGAIN)                                        \
				rig_step(1);                                   \
		}                                                              \
		rig_settle();                                                  \
		assert_int_equal(received, (n_));                              \
		stop_and_close((ref_).addr);                                   \
	} while (0)

/* 32 bytes each: the ring ends with a whole record. */
static void wraps_around_without_a_rest(void **state)
{
	tiny_ref ref;

	(void)state;
	setup();
	ref = spawn_sink(1, tiny);
	stream(struct tiny, ref, 10000);
}

/* Of 4,120 bytes, and something else in between: the rest is filled. */
static void wraps_around_with_a_filler(void **state)
{
	page_ref ref;

	(void)state;
	setup();
	ref = spawn_sink(1, page);
	stream(struct page, ref, 1000);
}

static void carries_large_messages_by_pointer(void **state)
{
	large_ref ref;

	(void)state;
	setup();
	ref = spawn_sink(1, large);
	stream(struct large, ref, 1000);
}

/* Of 56 bytes: 16 are left at the end, too few for a filler. */
static int check_numbers(heph_ctx ctx, act_inbox in, void *arg)
{
	struct act_msg msg;

	(void)arg;
	while (heph_recv(ctx, in, &msg) == 0) {
		must(msg.n == received);
		received++;
	}
	return 0;
}

static void wraps_around_with_a_rest_that_holds_nothing(void **state)
{
	act_ref ref;

	(void)state;
	assert_int_equal(HEPH_LANE_SIZE % (24 + sizeof(struct act_msg)), 16);
	setup();
	ref = rig_spawn(1, check_numbers, NULL);
	stream(struct act_msg, ref, 20000);
}

static void mixes_sizes(void **state)
{
	static struct page page;
	static struct large large;
	struct tiny tiny = { 0 };
	long written[3] = { 0 };
	struct heph_addr to[3];
	int err = 0;

	(void)state;
	setup();
	to[0] = spawn_sink(1, tiny).addr;
	to[1] = spawn_sink(1, page).addr;
	to[2] = spawn_sink(1, large).addr;
	heph_raw_stop(to[0]);
	heph_raw_stop(to[1]);
	heph_raw_stop(to[2]);
	rig_settle(); /* gone: what comes is dropped by its type's function */
	for (int i = 0; i < 5000; i++) {
		switch (i * 7 % 5) {
		case 0:
			err = write_as_worker(to[0], &tiny, sizeof(tiny));
			written[0] += err == 0;
			break;
		case 1:
			err = write_as_worker(to[1], &page, sizeof(page));
			written[1] += err == 0;
			break;
		default:
			err = write_as_worker(to[2], &large, sizeof(large));
			written[2] += err == 0;
			break;
		}
		if (err == -EAGAIN)
			rig_step(1);
	}
	rig_settle();
	assert_true(written[0] > 100 && written[1] > 100 && written[2] > 100);
	assert_int_equal(drops, written[0] + written[1] + written[2]);
	assert_int_equal(rig_count(1)->unread_dropped, drops);
	rig_close();
}

/* A record is aligned to 8 bytes, a message may have to be to 16. */
struct wide {
	_Alignas(16) long n;
	long rest[3];
};
HEPH_ACTOR(wide, struct wide, void);

static int crooked;

static void wide_drop(struct wide *msg)
{
	crooked += (uintptr_t)msg % 16 != 0;
	must(msg->rest[2] == msg->n + 1);
	drops++;
}

static int wide_main(heph_ctx ctx, wide_inbox in)
{
	struct wide msg;

	return heph_recv(ctx, in, &msg);
}
HEPH_ACTOR_MAIN(wide, wide_main, .drop = wide_drop);

static void aligns_what_it_drops(void **state)
{
	struct wide msg = { 0 };
	wide_ref ref;

	(void)state;
	setup();
	crooked = 0;
	ref = spawn_sink(1, wide);
	heph_stop(ref);
	rig_settle();
	for (msg.n = 0; msg.n < 10; msg.n++) { /* each 56 bytes further */
		msg.rest[2] = msg.n + 1;
		assert_int_equal(write_as_worker(ref.addr, &msg, sizeof(msg)),
				 0);
	}
	rig_settle();
	assert_int_equal(drops, 10);
	assert_int_equal(crooked, 0);
	rig_close();
}

static void stops_at_the_window(void **state)
{
	struct tiny msg = { 0 };
	tiny_ref one, other;

	(void)state;
	setup();
	one = spawn_sink(1, tiny);
	other = spawn_sink(1, tiny);
	for (int round = 0; round < 3; round++) {
		received = 0;
		for (msg.n = 0; msg.n < HEPH_WINDOW; msg.n++)
			assert_int_equal(write_as_worker(one.addr, &msg,
							 sizeof(msg)),
					 0);
		assert_int_equal(write_as_worker(one.addr, &msg, sizeof(msg)),
				 -EAGAIN);
		rig_settle();
		assert_int_equal(received, HEPH_WINDOW);
		/* one window does not take from another */
		received = 0;
		msg.n = 0;
		assert_int_equal(write_as_worker(other.addr, &msg, sizeof(msg)),
				 0);
		rig_settle();
	}
	heph_stop(one);
	stop_and_close(other.addr);
}

static void says_when_the_ring_is_full(void **state)
{
	static struct page msg;
	page_ref ref;
	int n = 0;

	(void)state;
	setup();
	ref = spawn_sink(1, page);
	for (; write_as_worker(ref.addr, &msg, sizeof(msg)) == 0; n++)
		msg.n++;
	assert_int_equal(n, HEPH_LANE_SIZE / (4096 + 24));
	rig_settle();
	assert_int_equal(received, n);
	assert_int_equal(write_as_worker(ref.addr, &msg, sizeof(msg)), 0);
	stop_and_close(ref.addr);
}

static void refuses_without_memory(void **state)
{
	static struct large msg;
	large_ref ref;
	long n = 0;
	int err;

	(void)state;
	setup();
	ref = spawn_sink(1, large);
	rig_step(1);
	do {
		rig_refuse(++n);
		err = write_as_worker(ref.addr, &msg, sizeof(msg));
		assert_true(err == 0 || err == -ENOMEM);
		rig_step(1); /* the inbox needs memory as well */
	} while (rig_refused() && n < 20);
	assert_true(n >= 3);
	assert_int_equal(received + drops, accepted);
	stop_and_close(ref.addr);
}

/* ---- two threads ------------------------------------------------------------ */

enum { MANY = 100000 };

static int send_many(heph_ctx ctx, act_inbox in, void *arg)
{
	const act_ref *to = arg;

	(void)in;
	for (long n = 0; n < MANY; n++)
		must(heph_send(ctx, *to, { .n = n }) == 0);
	return 0;
}

static int receive_many(heph_ctx ctx, act_inbox in, void *arg)
{
	struct act_msg msg;

	(void)arg;
	for (long n = 0; n < MANY; n++) {
		must(heph_recv(ctx, in, &msg) == 0);
		must(msg.n == n);
	}
	return 0;
}

static void stream_between_threads(unsigned inbox)
{
	static act_ref to;

	rig_open_with(2, &heph_futex_driver);
	to = rig_spawn_with(1, (receive_many, NULL), .inbox = inbox);
	rig_spawn(0, send_many, &to);
	rig_start();
	rig_join();
	assert_int_equal(rig_count(1)->received, MANY);
	assert_int_equal(act_dropped, 0);
	rig_close();
}

static void streams_between_threads(void **state)
{
	(void)state;
	stream_between_threads(64);
	stream_between_threads(1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(wraps_around_without_a_rest),
		cmocka_unit_test(wraps_around_with_a_filler),
		cmocka_unit_test(wraps_around_with_a_rest_that_holds_nothing),
		cmocka_unit_test(carries_large_messages_by_pointer),
		cmocka_unit_test(mixes_sizes),
		cmocka_unit_test(aligns_what_it_drops),
		cmocka_unit_test(stops_at_the_window),
		cmocka_unit_test(says_when_the_ring_is_full),
		cmocka_unit_test(refuses_without_memory),
		cmocka_unit_test(streams_between_threads),
	};

	return cmocka_run_group_tests_name("lane", tests, NULL, NULL);
}
