/* SPDX-License-Identifier: MIT */
/* Sessions: whatever becomes of the frames under way, each arrives once, in order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>

#include "remote/mem.h"
#include "remote/session.h"

enum { QUEUE = 8, BYTES = 4096 };

static struct heph_session session;

static void begin(bool datagrams)
{
	heph_session_init(&session, datagrams, QUEUE, BYTES);
}

static void end(void)
{
	heph_session_release(&session);
	assert_int_equal(heph_remote_mem_used(), 0);
}

static struct heph_frame make(uint32_t number, unsigned flags, size_t size)
{
	struct heph_frame frame;

	assert_int_equal(heph_frame_new(&frame, HEPH_FRAME_SEND, flags, number,
					size),
			 0);
	memset(heph_frame_body(&frame), 0, size);
	return frame;
}

static void put(struct heph_session *to, uint32_t number)
{
	assert_int_equal(heph_session_put(to, make(number, 0, 0)), 0);
}

static struct heph_frame_view seen(const struct iovec *iov)
{
	struct heph_frame_view view;

	assert_int_equal(heph_frame_view(iov->iov_base, iov->iov_len, &view), 0);
	return view;
}

/* Takes what is there; tells how many, and whether they are these numbers. */
static unsigned sends(heph_time now, uint64_t first)
{
	struct iovec iov[HEPH_SESSION_BATCH];
	unsigned n = heph_session_take(&session, now, iov);

	for (unsigned i = 0; i < n; i++)
		assert_true(seen(&iov[i]).seq == first + i);
	heph_session_done(&session);
	return n;
}

static void acks(uint64_t ack, heph_time now)
{
	assert_int_equal(heph_session_ack(&session, ack, false, now), 0);
}

/* ---- one side, step by step -------------------------------------------------------- */

static void what_is_acknowledged_is_freed(void **state)
{
	(void)state;
	begin(false);
	assert_true(heph_session_empty(&session));
	for (uint32_t i = 1; i <= 5; i++)
		put(&session, i);
	assert_true(heph_session_waiting(&session));
	assert_int_equal(sends(0, 1), 5);
	assert_false(heph_session_waiting(&session));
	assert_int_equal(session.kept.n, 5);
	acks(3, 0);
	assert_int_equal(session.kept.n, 2);
	acks(2, 0); /* an older one tells nothing */
	assert_int_equal(session.kept.n, 2);
	assert_false(heph_session_empty(&session));
	acks(5, 0);
	assert_true(heph_session_empty(&session));
	assert_int_equal(session.bytes, 0);
	assert_int_equal(heph_session_ack(&session, 6, false, 0), -EPROTO);
	end();
}

static void urgent_ones_go_first(void **state)
{
	struct iovec iov[HEPH_SESSION_BATCH];

	(void)state;
	begin(false);
	put(&session, 2);
	assert_int_equal(heph_session_put_urgent(&session, make(1, 0, 0)), 0);
	assert_int_equal(heph_session_take(&session, 0, iov), 2);
	assert_int_equal(seen(&iov[0]).number, 1);
	assert_int_equal(seen(&iov[1]).number, 2);
	assert_int_equal(seen(&iov[1]).seq, 2);
	heph_session_done(&session);
	end();
}

/* What is being sent is still there when its acknowledgement overtakes the end of
 * the sending. */
static void what_is_being_sent_is_not_freed(void **state)
{
	struct iovec iov[HEPH_SESSION_BATCH];

	(void)state;
	begin(true);
	put(&session, 1);
	put(&session, 2);
	assert_int_equal(heph_session_take(&session, 1, iov), 2);
	acks(2, 2);
	assert_int_equal(seen(&iov[1]).number, 2);
	assert_int_equal(session.kept.n, 2);
	heph_session_done(&session);
	assert_int_equal(session.kept.n, 0);
	end();
}

static void a_queue_has_limits(void **state)
{
	(void)state;
	begin(false);
	for (uint32_t i = 1; i <= QUEUE; i++) {
		assert_true(heph_session_room(&session, 0));
		put(&session, i);
	}
	assert_false(heph_session_room(&session, 0)); /* by their number */
	assert_int_equal(sends(0, 1), QUEUE);
	assert_true(heph_session_room(&session, 0));
	assert_false(heph_session_room(&session, BYTES)); /* by their bytes */
	acks(QUEUE, 0);
	assert_true(heph_session_room(&session, 2 * BYTES)); /* alone */
	assert_int_equal(heph_session_put(&session, make(1, 0, 2 * BYTES)), 0);
	assert_false(heph_session_room(&session, 0));
	sends(0, QUEUE + 1);
	assert_false(heph_session_room(&session, 0)); /* until it has come */
	acks(QUEUE + 1, 0);
	assert_true(heph_session_room(&session, 0));
	end();
}

static void urgent_ones_have_limits(void **state)
{
	struct heph_frame frame;
	unsigned n = 0;

	(void)state;
	begin(false);
	for (;;) {
		frame = make(n, 0, 0);
		if (heph_session_put_urgent(&session, frame) == -EDQUOT)
			break;
		n++;
	}
	heph_frame_free(&frame);
	assert_int_equal(n, BYTES / (HEPH_FRAME_HEAD + HEPH_SESSION_COST));
	end();
}

/* Sent ones, too, as long as the peer does not say that they have come. */
static void urgent_ones_that_are_kept_have_limits(void **state)
{
	struct heph_frame frame;
	size_t cost = HEPH_FRAME_HEAD + HEPH_SESSION_COST;
	unsigned n = 0;

	(void)state;
	begin(false);
	for (;;) {
		frame = make(n, 0, 0);
		if (heph_session_put_urgent(&session, frame) == -EDQUOT)
			break;
		assert_int_equal(sends(0, ++n), 1);
		assert_true(n < 10 * BYTES / cost);
	}
	assert_int_equal(n, 2 * BYTES / cost);
	acks(1, 0);
	assert_int_equal(heph_session_put_urgent(&session, frame), 0);
	acks(n, 0);
	sends(0, n + 1);
	acks(n + 1, 0);
	/* Large ones have a place beside one of the others. */
	assert_int_equal(heph_session_put(&session, make(1, 0, 3 * BYTES)), 0);
	assert_int_equal(heph_session_put_urgent(&session, make(2, 0, 3 * BYTES)),
			 0);
	frame = make(3, 0, 3 * BYTES);
	assert_int_equal(heph_session_put_urgent(&session, frame), -EDQUOT);
	assert_int_equal(heph_session_put(&session, frame), 0);
	end();
}

static void a_new_wire_begins_with_what_has_not_come(void **state)
{
	(void)state;
	begin(false);
	for (uint32_t i = 1; i <= 6; i++)
		put(&session, i);
	sends(0, 1);
	acks(2, 0);
	assert_int_equal(heph_session_resume(&session, 4), 0);
	put(&session, 7);
	assert_int_equal(sends(0, 5), 3);
	assert_int_equal(session.resent, 2);
	acks(7, 0);
	assert_int_equal(heph_session_resume(&session, 7), 0);
	assert_int_equal(sends(0, 8), 0);
	assert_int_equal(heph_session_resume(&session, 6), 0); /* it had told more */
	assert_int_equal(sends(0, 8), 0);
	assert_int_equal(heph_session_resume(&session, 8), -EPROTO);
	end();
}

static void a_gap_breaks_a_stream(void **state)
{
	(void)state;
	begin(false);
	assert_int_equal(heph_session_come(&session, 1), 1);
	heph_session_took(&session, 10, 0);
	assert_int_equal(heph_session_come(&session, 1), 0);
	assert_int_equal(heph_session_come(&session, 3), -EILSEQ);
	assert_int_equal(heph_session_come(&session, UINT64_MAX), -EILSEQ);
	assert_int_equal(heph_session_come(&session, 0), 0);
	assert_int_equal(heph_session_come(&session, 2), 1);
	end();
}

static void take_in(unsigned n, size_t size, heph_time now)
{
	while (n-- > 0) {
		assert_int_equal(heph_session_come(&session,
						   session.received + 1),
				 1);
		heph_session_took(&session, size, now);
	}
}

static void an_ack_is_owed_after_a_while(void **state)
{
	(void)state;
	begin(false);
	assert_true(heph_session_due(&session) == HEPH_NEVER);
	take_in(63, 10, 1000);
	assert_false(heph_session_owes(&session));
	take_in(1, 10, 1000);
	assert_true(heph_session_owes(&session)); /* frames */
	heph_session_told(&session);
	assert_false(heph_session_owes(&session));
	take_in(1, 64 << 10, 1000);
	assert_true(heph_session_owes(&session)); /* bytes */
	put(&session, 1);
	sends(0, 1); /* told along */
	assert_false(heph_session_owes(&session));
	take_in(1, 10, 5000);
	assert_true(heph_session_due(&session) == 1000 + 20 * HEPH_MSEC);
	heph_session_tick(&session, 1000 + 20 * HEPH_MSEC - 1);
	assert_false(heph_session_owes(&session));
	heph_session_tick(&session, 1000 + 20 * HEPH_MSEC);
	assert_true(heph_session_owes(&session)); /* time */
	assert_true(heph_session_due(&session) == HEPH_NEVER);
	end();
}

static void datagrams_are_sent_again_by_a_timer(void **state)
{
	heph_time due, again;

	(void)state;
	begin(true);
	put(&session, 1);
	put(&session, 2);
	assert_int_equal(sends(1000, 1), 2);
	due = heph_session_due(&session);
	assert_true(due > 1000 && due < HEPH_SEC);
	heph_session_tick(&session, due - 1);
	assert_false(heph_session_waiting(&session));
	heph_session_tick(&session, due);
	assert_int_equal(sends(due, 1), 2);
	again = heph_session_due(&session);
	assert_true(again - due == 2 * (due - 1000)); /* twice as long */
	for (int i = 0; i < 20; i++) {
		heph_session_tick(&session, again);
		again = heph_session_due(&session);
		sends(again, 1);
	}
	acks(2, again);
	assert_true(heph_session_due(&session) == HEPH_NEVER);
	end();
}

static void datagrams_have_a_window(void **state)
{
	unsigned n, sum = 0;

	(void)state;
	heph_session_init(&session, true, 1000, 1 << 20);
	for (uint32_t i = 1; i <= 1000; i++)
		put(&session, i);
	n = sends(1, 1);
	assert_true(n > 4 && n < 64);
	assert_int_equal(sends(1, n + 1), 0);
	while (sum < 1000) {
		sum += n;
		acks(sum, 2);
		n = sends(2, sum + 1);
	}
	assert_true(session.window > 64 &&
		    session.window <= HEPH_SESSION_WINDOW);
	end();
}

/* One was lost: the others that came were not taken, and each said so. */
static void what_is_lost_is_sent_again_soon(void **state)
{
	(void)state;
	begin(true);
	for (uint32_t i = 1; i <= 8; i++)
		put(&session, i);
	sends(1, 1);
	for (int i = 0; i < 3; i++)
		assert_int_equal(heph_session_ack(&session, 2, true, 2), 0);
	assert_int_equal(sends(2, 3), 0); /* the first one was news */
	assert_int_equal(heph_session_ack(&session, 2, true, 2), 0);
	assert_int_equal(sends(2, 3), 6);
	for (int i = 0; i < 10; i++) /* of the same loss */
		assert_int_equal(heph_session_ack(&session, 2, true, 2), 0);
	assert_int_equal(sends(2, 3), 0);
	end();
}

static void loose_ones_have_other_numbers(void **state)
{
	struct iovec iov[HEPH_SESSION_BATCH];

	(void)state;
	begin(true);
	session.window = 1;
	put(&session, 1);
	assert_int_equal(heph_session_put(&session, make(2, HEPH_FRAME_LOOSE, 0)),
			 0);
	put(&session, 3);
	assert_int_equal(heph_session_take(&session, 1, iov), 2);
	assert_int_equal(seen(&iov[0]).seq, 1);
	assert_int_equal(seen(&iov[1]).seq, 1);
	assert_int_equal(seen(&iov[1]).number, 2);
	heph_session_done(&session);
	assert_int_equal(session.kept.n, 1);
	/* It went while the window was full; the third one waits. */
	assert_false(heph_session_waiting(&session));
	acks(1, 2);
	assert_true(heph_session_waiting(&session));
	end();
}

/* Late ones are taken, too, if they are not too old. */
static void a_loose_one_is_taken_once(void **state)
{
	const uint64_t all = HEPH_SESSION_LOOSE;

	(void)state;
	begin(true);
	assert_true(heph_session_come_loose(&session, 5));
	assert_false(heph_session_come_loose(&session, 5));
	assert_true(heph_session_come_loose(&session, 1));
	assert_false(heph_session_come_loose(&session, 1));
	assert_true(heph_session_come_loose(&session, all + 1));
	assert_false(heph_session_come_loose(&session, 1)); /* too old */
	assert_true(heph_session_come_loose(&session, 2));
	assert_false(heph_session_come_loose(&session, 5));
	assert_true(heph_session_come_loose(&session, all + 5)); /* its place */
	assert_false(heph_session_come_loose(&session, all + 5));
	assert_true(heph_session_come_loose(&session, 6));
	assert_true(heph_session_come_loose(&session, UINT64_MAX));
	assert_false(heph_session_come_loose(&session, 7));
	assert_true(heph_session_come_loose(&session, UINT64_MAX - all + 1));
	assert_false(heph_session_come_loose(&session, UINT64_MAX - all));
	end();
}

static void without_memory_nothing_is_taken(void **state)
{
	struct heph_frame frame = make(1, 0, 0);

	(void)state;
	begin(true);
	for (int i = 1; i <= 2; i++) {
		heph_remote_mem_fail_after(i);
		assert_int_equal(heph_session_put(&session, frame), -ENOMEM);
	}
	heph_remote_mem_fail_after(-1);
	assert_true(heph_session_empty(&session));
	assert_int_equal(heph_session_put(&session, frame), 0);
	end();
}

/* ---- two sides and what is between them ------------------------------------------------ */

enum { WAY = 64, MESSAGES = 300 };

static uint64_t dice = 1;

static unsigned below(unsigned n)
{
	dice = dice * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(dice >> 33) % n;
}

struct side {
	struct heph_session session;
	struct heph_frame way[WAY]; /* to the other side */
	unsigned n;
	uint32_t said, heard; /* messages */
};

static struct side sides[2];
static heph_time now;
static bool datagrams;
static unsigned trouble; /* percent */

static void lose_all(struct side *side)
{
	while (side->n)
		heph_frame_free(&side->way[--side->n]);
}

/* A wire that begins: both have said what has come. */
static void connect_again(void)
{
	for (int i = 0; i < 2; i++) {
		lose_all(&sides[i]);
		assert_int_equal(
			heph_session_resume(&sides[i].session,
					    sides[!i].session.received),
			0);
	}
}

static void put_on_way(struct side *side, const void *data, size_t size)
{
	struct heph_frame copy = { heph_remote_mem_alloc(size), size };

	memcpy(copy.data, data, size);
	if (side->n == WAY || (datagrams && below(100) < trouble)) {
		heph_frame_free(&copy);
		if (!datagrams) /* a stream that loses something breaks */
			connect_again();
		return;
	}
	side->way[side->n++] = copy;
}

static void speak(struct side *side)
{
	struct iovec iov[HEPH_SESSION_BATCH];
	struct heph_frame frame;
	unsigned n;

	if (side->said < MESSAGES && heph_session_room(&side->session, 0) &&
	    below(3))
		put(&side->session, ++side->said);
	n = heph_session_take(&side->session, now, iov);
	for (unsigned i = 0; i < n; i++) {
		size_t before = side->n;

		put_on_way(side, iov[i].iov_base, iov[i].iov_len);
		if (!datagrams && side->n <= before)
			break; /* the wire broke */
		if (datagrams && below(100) < trouble)
			put_on_way(side, iov[i].iov_base, iov[i].iov_len);
	}
	heph_session_done(&side->session);
	if (!heph_session_owes(&side->session))
		return;
	assert_int_equal(heph_frame_new(&frame, HEPH_FRAME_ACK, 0, 0, 0), 0);
	heph_frame_set_ack(&frame, side->session.received);
	put_on_way(side, frame.data, frame.size);
	heph_frame_free(&frame);
	heph_session_told(&side->session);
}

static void hear_one(struct side *side, const struct heph_frame *frame)
{
	struct heph_frame_view view;
	int err;

	assert_int_equal(heph_frame_view(frame->data, frame->size, &view), 0);
	err = heph_session_ack(&side->session, view.ack,
			       view.type == HEPH_FRAME_ACK, now);
	assert_int_equal(err, 0);
	if (view.type == HEPH_FRAME_ACK)
		return;
	err = heph_session_come(&side->session, view.seq);
	assert_true(err >= 0);
	if (err == 0)
		return;
	assert_int_equal(view.number, side->heard + 1); /* once, in order */
	side->heard++;
	heph_session_took(&side->session, frame->size, now);
}

static void hear(struct side *side, struct side *from)
{
	unsigned n = below(4);

	while (n-- > 0 && from->n) {
		unsigned at = datagrams && below(100) < trouble ?
				      below(from->n) :
				      0;
		struct heph_frame frame = from->way[at];

		memmove(&from->way[at], &from->way[at + 1],
			(--from->n - at) * sizeof(frame));
		hear_one(side, &frame);
		heph_frame_free(&frame);
	}
}

static bool all_said(void)
{
	return sides[0].heard == MESSAGES && sides[1].heard == MESSAGES &&
	       heph_session_empty(&sides[0].session) &&
	       heph_session_empty(&sides[1].session);
}

static void run_world(uint64_t seed)
{
	long steps = 0;

	dice = seed;
	now = 1;
	trouble = below(40);
	for (int i = 0; i < 2; i++) {
		memset(&sides[i], 0, sizeof(sides[i]));
		heph_session_init(&sides[i].session, datagrams,
				  1 + below(QUEUE), BYTES);
	}
	for (; !all_said(); steps++) {
		int who = (int)below(2);

		assert_true(steps < 2000000);
		speak(&sides[who]);
		hear(&sides[who], &sides[!who]);
		now += below(3) ? 10 * HEPH_USEC : 20 * HEPH_MSEC;
		heph_session_tick(&sides[who].session, now);
		if (below(1000) < trouble)
			connect_again();
	}
	for (int i = 0; i < 2; i++) {
		lose_all(&sides[i]);
		heph_session_release(&sides[i].session);
	}
	assert_int_equal(heph_remote_mem_used(), 0);
}

static void streams_that_break(void **state)
{
	(void)state;
	datagrams = false;
	for (uint64_t seed = 1; seed <= 200; seed++)
		run_world(seed);
}

static void datagrams_that_go_astray(void **state)
{
	(void)state;
	datagrams = true;
	for (uint64_t seed = 1; seed <= 200; seed++)
		run_world(seed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_acknowledged_is_freed),
		cmocka_unit_test(urgent_ones_go_first),
		cmocka_unit_test(what_is_being_sent_is_not_freed),
		cmocka_unit_test(a_queue_has_limits),
		cmocka_unit_test(urgent_ones_have_limits),
		cmocka_unit_test(urgent_ones_that_are_kept_have_limits),
		cmocka_unit_test(a_new_wire_begins_with_what_has_not_come),
		cmocka_unit_test(a_gap_breaks_a_stream),
		cmocka_unit_test(an_ack_is_owed_after_a_while),
		cmocka_unit_test(datagrams_are_sent_again_by_a_timer),
		cmocka_unit_test(datagrams_have_a_window),
		cmocka_unit_test(what_is_lost_is_sent_again_soon),
		cmocka_unit_test(loose_ones_have_other_numbers),
		cmocka_unit_test(a_loose_one_is_taken_once),
		cmocka_unit_test(without_memory_nothing_is_taken),
		cmocka_unit_test(streams_that_break),
		cmocka_unit_test(datagrams_that_go_astray),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
