/* SPDX-License-Identifier: MIT */
#include "remote/session.h"

#include <errno.h>
#include <string.h>

enum {
	ACK_FRAMES = 64,	/* of this many one is told */
	ACK_BYTES = 64 << 10,
	WINDOW_FIRST = 16,
	WINDOW_LEAST = 4,
	SAME = 3, /* acks that tell nothing new: something was lost */
};

#define ACK_AFTER (20 * HEPH_MSEC)
#define RESEND_FIRST (200 * HEPH_MSEC) /* before a round trip is known */
#define RESEND_LEAST (30 * HEPH_MSEC)  /* more than ACK_AFTER */
#define RESEND_MOST (2 * HEPH_SEC)

void heph_session_init(struct heph_session *session, bool datagrams,
		       unsigned queue, size_t queue_bytes)
{
	*session = (struct heph_session){
		.datagrams = datagrams,
		.queue = queue,
		.queue_bytes = queue_bytes,
		.first = 1,
		.next = 1,
		.ack_due = HEPH_NEVER,
		.window = WINDOW_FIRST,
		.resend_due = HEPH_NEVER,
		.resend_after = RESEND_FIRST,
	};
}

void heph_session_release(struct heph_session *session)
{
	heph_fifo_release(&session->urgent);
	heph_fifo_release(&session->out);
	heph_fifo_release(&session->kept);
	heph_fifo_release(&session->loose);
}

/* ---- queues --------------------------------------------------------------------------- */

static size_t cost(size_t size)
{
	return size + HEPH_SESSION_COST;
}

static bool is_loose(const struct heph_frame *frame)
{
	return frame->data[1] & HEPH_FRAME_LOOSE;
}

/* One that is larger than the queue goes alone. */
bool heph_session_room(const struct heph_session *session, size_t size)
{
	return session->out.n < session->queue &&
	       (session->bytes + cost(size) <= session->queue_bytes ||
		session->bytes == 0);
}

/* When it is taken there must be room where it is kept then. */
static int put(struct heph_session *session, struct heph_fifo *fifo,
	       struct heph_frame frame)
{
	int err = heph_fifo_reserve(fifo, fifo->n + 1);

	if (err == 0 && is_loose(&frame))
		err = heph_fifo_reserve(&session->loose, HEPH_SESSION_BATCH);
	if (err == 0)
		err = heph_fifo_reserve(&session->kept,
					session->kept.n + session->urgent.n +
						session->out.n + 1);
	if (err < 0)
		return err;
	heph_fifo_put(fifo, frame);
	session->bytes += cost(frame.size);
	if (session->largest < cost(frame.size))
		session->largest = cost(frame.size);
	return 0;
}

int heph_session_put(struct heph_session *session, struct heph_frame frame)
{
	return put(session, &session->out, frame);
}

/* Urgent ones have as much room as the others, and as much again is not acknowledged:
 * a peer that never does may not have us keep all that it asks for. One that is larger
 * than the queue may be among the others, and is then what they have. */
static bool urgent_room(const struct heph_session *session, size_t cost)
{
	size_t most = session->queue_bytes;

	if (session->urgent.n &&
	    session->urgent_bytes + cost > session->queue_bytes)
		return false;
	most = most < session->largest ? session->largest : most;
	most = most < cost ? cost : most;
	return session->bytes + cost <= 2 * most;
}

int heph_session_put_urgent(struct heph_session *session,
			    struct heph_frame frame)
{
	int err = -EDQUOT;

	if (urgent_room(session, cost(frame.size)))
		err = put(session, &session->urgent, frame);
	if (err == 0)
		session->urgent_bytes += cost(frame.size);
	return err;
}

/* ---- sending --------------------------------------------------------------------------- */

/* Whether one more number may be under way. */
static bool in_window(const struct heph_session *session)
{
	return !session->datagrams ||
	       session->next - session->acked <= session->window;
}

static bool is_new(const struct heph_session *session)
{
	return session->urgent.n || session->out.n;
}

/* Whether the next one that waits is loose: that need not wait for the window. */
static bool loose_waits(const struct heph_session *session)
{
	return session->out.n && is_loose(heph_fifo_at(&session->out, 0));
}

bool heph_session_waiting(const struct heph_session *session)
{
	if (loose_waits(session))
		return true;
	if (session->next <= session->sent || is_new(session))
		return in_window(session);
	return false;
}

bool heph_session_empty(const struct heph_session *session)
{
	return !is_new(session) && session->acked == session->sent;
}

static struct heph_frame take_new(struct heph_session *session)
{
	struct heph_frame frame;

	if (!session->urgent.n)
		return heph_fifo_take(&session->out);
	frame = heph_fifo_take(&session->urgent);
	session->urgent_bytes -= cost(frame.size);
	return frame;
}

/* The next one, which has its number now and is kept. */
static struct heph_frame *next_frame(struct heph_session *session, heph_time now)
{
	uint64_t seq = session->next++;

	if (seq > session->sent) {
		struct heph_frame frame = take_new(session);

		session->sent = seq;
		heph_frame_set_seq(&frame, seq);
		heph_fifo_put(&session->kept, frame);
		if (session->datagrams && !session->timed) {
			session->timed = seq;
			session->timed_at = now;
		}
	} else {
		session->resent++;
	}
	if (session->datagrams && session->resend_due == HEPH_NEVER)
		session->resend_due = now + session->resend_after;
	return heph_fifo_at(&session->kept, seq - session->first);
}

/* The next loose one, unless others come first that may go. It is freed by
 * heph_session_done(). */
static struct heph_frame *next_loose(struct heph_session *session)
{
	struct heph_frame frame;

	if (!loose_waits(session) ||
	    ((session->urgent.n || session->next <= session->sent) &&
	     in_window(session)))
		return NULL;
	frame = heph_fifo_take(&session->out);
	heph_frame_set_seq(&frame, ++session->loose_sent);
	heph_fifo_put(&session->loose, frame);
	return heph_fifo_at(&session->loose, session->loose.n - 1);
}

unsigned heph_session_take(struct heph_session *session, heph_time now,
			   struct iovec *ret_frames)
{
	size_t bytes = 0;
	unsigned n = 0;

	while (n < HEPH_SESSION_BATCH && bytes < HEPH_SESSION_BATCH_BYTES) {
		struct heph_frame *frame = next_loose(session);

		if (!frame) {
			if (!heph_session_waiting(session))
				break;
			frame = next_frame(session, now);
		}
		heph_frame_set_ack(frame, session->received);
		ret_frames[n++] = (struct iovec){ frame->data, frame->size };
		bytes += frame->size;
	}
	session->sending = n > 0;
	session->frames_sent += n;
	session->bytes_sent += bytes;
	if (n)
		heph_session_told(session);
	return n;
}

/* Frees what the peer has. */
static void forget(struct heph_session *session)
{
	while (session->first <= session->acked) {
		struct heph_frame frame = heph_fifo_take(&session->kept);

		session->bytes -= cost(frame.size);
		session->first++;
		heph_frame_free(&frame);
	}
}

void heph_session_done(struct heph_session *session)
{
	while (session->loose.n) {
		struct heph_frame frame = heph_fifo_take(&session->loose);

		session->bytes -= cost(frame.size);
		heph_frame_free(&frame);
	}
	session->sending = false;
	forget(session);
}

/* ---- what the peer has -------------------------------------------------------------------- */

/* RFC 6298, section 2, without its granularity. */
static void measure(struct heph_session *session, heph_time trip)
{
	heph_time off = trip - session->trip;

	if (!session->trip) {
		session->trip = trip;
		session->varies = trip / 2;
	} else {
		session->varies += ((off < 0 ? -off : off) - session->varies) / 4;
		session->trip += off / 8;
	}
}

static heph_time resend_interval(const struct heph_session *session)
{
	heph_time after = session->trip + 4 * session->varies + ACK_AFTER;

	if (!session->trip)
		return RESEND_FIRST;
	if (after < RESEND_LEAST)
		return RESEND_LEAST;
	return after < RESEND_MOST ? after : RESEND_MOST;
}

static void progress(struct heph_session *session, uint64_t ack, heph_time now)
{
	if (session->timed && session->timed <= ack) {
		measure(session, now - session->timed_at);
		session->timed = 0;
	}
	session->window += (unsigned)(ack - session->acked);
	if (session->window > HEPH_SESSION_WINDOW)
		session->window = HEPH_SESSION_WINDOW;
	session->same = 0;
	session->resend_after = resend_interval(session);
	session->resend_due = ack < session->sent ? now + session->resend_after :
						    HEPH_NEVER;
}

/* Something was lost: all of it again. What is sent twice is not measured. */
static void go_back(struct heph_session *session, heph_time now)
{
	session->next = session->acked + 1;
	session->recover = session->sent;
	session->timed = 0;
	session->same = 0;
	session->window /= 2;
	if (session->window < WINDOW_LEAST)
		session->window = WINDOW_LEAST;
	session->resend_due = now + session->resend_after;
}

/* It has told the same again, and nothing else: something came that it could not
 * take. Once for all that was under way, as each of these makes it say so. */
static void repeated(struct heph_session *session, heph_time now)
{
	if (session->datagrams && session->acked < session->sent &&
	    session->acked >= session->recover && ++session->same >= SAME)
		go_back(session, now);
}

int heph_session_ack(struct heph_session *session, uint64_t ack, bool alone,
		     heph_time now)
{
	if (ack > session->sent)
		return -EPROTO;
	if (ack == session->acked && alone)
		repeated(session, now);
	if (ack <= session->acked)
		return 0;
	if (session->datagrams)
		progress(session, ack, now);
	session->acked = ack;
	if (session->next <= ack)
		session->next = ack + 1;
	if (!session->sending)
		forget(session);
	return 0;
}

/* ---- receiving ------------------------------------------------------------------------------ */

int heph_session_come(struct heph_session *session, uint64_t seq)
{
	if (seq == session->received + 1)
		return 1;
	if (seq <= session->received)
		session->again++;
	else if (session->datagrams)
		session->early++;
	else
		return -EILSEQ;
	session->ack_now = session->datagrams;
	return 0;
}

/* The bit of a number, and where it is. */
static uint64_t *loose_bit(struct heph_session *session, uint64_t seq,
			   uint64_t *ret_bit)
{
	*ret_bit = UINT64_C(1) << seq % 64;
	return &session->loose_come[seq % HEPH_SESSION_LOOSE / 64];
}

/* Numbers up to `seq` have not come, where older ones were. */
static void move_loose(struct heph_session *session, uint64_t seq)
{
	uint64_t bit, *bits;

	if (seq - session->loose_high >= HEPH_SESSION_LOOSE)
		memset(session->loose_come, 0, sizeof(session->loose_come));
	else
		for (uint64_t at = session->loose_high + 1; at <= seq; at++) {
			bits = loose_bit(session, at, &bit);
			*bits &= ~bit;
		}
	session->loose_high = seq;
}

bool heph_session_come_loose(struct heph_session *session, uint64_t seq)
{
	uint64_t bit, *bits;

	if (seq > session->loose_high)
		move_loose(session, seq);
	bits = loose_bit(session, seq, &bit);
	if (session->loose_high - seq >= HEPH_SESSION_LOOSE || *bits & bit) {
		session->again++;
		return false;
	}
	*bits |= bit;
	return true;
}

void heph_session_took(struct heph_session *session, size_t size, heph_time now)
{
	session->received++;
	session->owed++;
	session->owed_bytes += size;
	if (session->ack_due == HEPH_NEVER)
		session->ack_due = now + ACK_AFTER;
}

bool heph_session_owes(const struct heph_session *session)
{
	return session->ack_now || session->owed >= ACK_FRAMES ||
	       session->owed_bytes >= ACK_BYTES;
}

/* The time of the next look stays: so it is set once in 20 ms, and not with each
 * frame. */
void heph_session_told(struct heph_session *session)
{
	session->owed = 0;
	session->owed_bytes = 0;
	session->ack_now = false;
}

/* ---- time ------------------------------------------------------------------------------------ */

void heph_session_tick(struct heph_session *session, heph_time now)
{
	if (session->ack_due <= now) {
		session->ack_due = HEPH_NEVER;
		session->ack_now |= session->owed > 0;
	}
	if (session->resend_due <= now) {
		session->resend_after *= 2;
		if (session->resend_after > RESEND_MOST)
			session->resend_after = RESEND_MOST;
		go_back(session, now);
	}
}

heph_time heph_session_due(const struct heph_session *session)
{
	return session->ack_due < session->resend_due ? session->ack_due :
							session->resend_due;
}

int heph_session_resume(struct heph_session *session, uint64_t received)
{
	if (received > session->sent)
		return -EPROTO;
	if (received > session->acked)
		session->acked = received;
	session->next = session->acked + 1;
	session->timed = 0;
	session->same = 0;
	session->ack_now = false;
	session->window = WINDOW_FIRST;
	session->resend_after = RESEND_FIRST;
	session->resend_due = HEPH_NEVER;
	if (!session->sending)
		forget(session);
	return 0;
}
