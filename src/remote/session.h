/* SPDX-License-Identifier: MIT */
/*
 * session.h - what goes to a peer and comes from it, each once and in order
 *
 * It outlives connections. No function waits, and none knows of actors or wires, so
 * all that can happen to frames can be tried out in a test.
 *
 * Sent    Frames wait in two queues, urgent ones before the others. When one is
 *         taken to be sent it gets the next number, and is kept until the peer
 *         has acknowledged it. A new connection begins with what is kept. Over
 *         datagrams no more than a window of them is under way, and what was not
 *         acknowledged in time is sent again from there on (go back N); the window
 *         grows with each acknowledged one and is halved then, and so is the pace.
 * Come    A frame is taken if it has the number after the last one. One that had
 *         come is dropped; one that comes too early, too, as it will be sent
 *         again; but on a stream that means the wire is broken.
 * Ack     Each frame that is sent tells what has come. Who has nothing to send
 *         tells it after 64 frames, 64 KiB, or 20 ms, and over datagrams at once
 *         when something was wrong, so that the peer need not wait for its timer.
 * Loose   Over datagrams a frame may be sent once. Those have numbers of their own,
 *         by which one that the network has doubled is known; of so many behind the
 *         highest it is known, and what is older is dropped.
 */
#ifndef HEPH_REMOTE_SESSION_H
#define HEPH_REMOTE_SESSION_H

#include "remote/fifo.h"

#include <heph/types.h>

#include <sys/uio.h>

enum {
	HEPH_SESSION_BATCH = 64,	  /* frames of a take */
	HEPH_SESSION_BATCH_BYTES = 256 << 10, /* but one may be larger */
	HEPH_SESSION_WINDOW = 256,	  /* datagrams under way, at most */
	HEPH_SESSION_LOOSE = 1024, /* loose ones that may come late; a power of two */
	HEPH_SESSION_COST = 64, /* bytes of memory of a frame beside its own */
};

struct heph_session {
	bool datagrams;
	unsigned queue;	    /* frames that wait, but for urgent ones */
	size_t queue_bytes; /* with those that are kept */

	struct heph_fifo urgent, out;
	struct heph_fifo kept;	/* from `first` on */
	struct heph_fifo loose; /* being sent, to be freed */
	size_t bytes;		/* of all of them, and their cost */
	size_t largest;		/* what the largest one so far has cost */
	size_t urgent_bytes;	/* of the urgent ones */

	uint64_t first;	/* number of the oldest that is kept, or will be */
	uint64_t next;	/* number to be sent next */
	uint64_t sent;	/* the highest that was given */
	uint64_t acked; /* the highest that the peer has */
	bool sending;	/* a batch; nothing that is kept is freed */

	uint64_t received;	/* the highest that has come */
	unsigned owed;		/* of these are not acknowledged */
	size_t owed_bytes;
	heph_time ack_due;	/* HEPH_NEVER: none is owed */
	bool ack_now;

	uint64_t loose_sent, loose_high; /* numbers of loose ones */
	uint64_t loose_come[HEPH_SESSION_LOOSE / 64]; /* a bit for each of the last */

	unsigned window, same;	/* datagrams; acks that told nothing new */
	uint64_t recover;	/* up to here all was sent again */
	heph_time resend_due, resend_after; /* when; the interval */
	heph_time trip, varies; /* round trip, smoothed; RFC 6298 */
	uint64_t timed;		/* the number whose trip is measured; 0: none */
	heph_time timed_at;

	/* Counted. */
	uint64_t frames_sent, bytes_sent, resent, again, early;
};

void heph_session_init(struct heph_session *session, bool datagrams,
		       unsigned queue, size_t queue_bytes);
/* Frees all that is in it. */
void heph_session_release(struct heph_session *session);

/* ---- sending ----------------------------------------------------------------------- */

/* Whether there is room for one more of that size. */
bool heph_session_room(const struct heph_session *session, size_t size);
/* Puts one behind the others, also where there is no room. Returns 0: it is the
 * session's; -ENOMEM. */
int heph_session_put(struct heph_session *session, struct heph_frame frame);
/* Puts one behind the urgent ones. Returns 0; -EDQUOT: too many are waiting, or too
 * much is not acknowledged: twice queue_bytes; -ENOMEM. */
int heph_session_put_urgent(struct heph_session *session,
			    struct heph_frame frame);

/* What is to be sent now, up to HEPH_SESSION_BATCH; they are valid until
 * heph_session_done(), which follows before the next one, whether they were sent
 * or not. Returns how many. */
unsigned heph_session_take(struct heph_session *session, heph_time now,
			   struct iovec *ret_frames);
void heph_session_done(struct heph_session *session);
/* Whether heph_session_take() would give something. */
bool heph_session_waiting(const struct heph_session *session);
/* Whether the peer has all that was put in. */
bool heph_session_empty(const struct heph_session *session);

/* The peer has these; `alone`: that is all that the frame said. Returns 0; -EPROTO: it
 * cannot have. */
int heph_session_ack(struct heph_session *session, uint64_t ack, bool alone,
		     heph_time now);

/* ---- receiving ------------------------------------------------------------------------ */

/* One has come. Returns 1: it is the next one; 0: it is to be dropped; -EILSEQ: one is
 * missing, on a stream. */
int heph_session_come(struct heph_session *session, uint64_t seq);
/* A loose one has come. Returns whether it is to be taken: it had not come before. */
bool heph_session_come_loose(struct heph_session *session, uint64_t seq);
/* The one that was the next has been taken. */
void heph_session_took(struct heph_session *session, size_t size, heph_time now);

/* Whether an acknowledgement is to be sent, now, by a frame of its own; the frame is
 * the caller's, and heph_session_told() says so. */
bool heph_session_owes(const struct heph_session *session);
void heph_session_told(struct heph_session *session);

/* ---- time, connections ------------------------------------------------------------------ */

/* Looks at the clock: from then on there may be something to send. */
void heph_session_tick(struct heph_session *session, heph_time now);
/* When to look next; HEPH_NEVER. */
heph_time heph_session_due(const struct heph_session *session);

/* Another wire: the peer has all up to `received`, at least. Returns 0; -EPROTO: this is
 * not the session that it was. */
int heph_session_resume(struct heph_session *session, uint64_t received);

#endif
