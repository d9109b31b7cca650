/* SPDX-License-Identifier: MIT */
/*
 * cluster_taker.h - who takes messages from a durable inbox and hands them to an actor
 *
 * One actor for each inbox that is taken here. It asks the broker for a batch of
 * messages (a pull of JetStream), keeps what came in the order it came, and calls the
 * actor with one after the other.
 *
 *     pull ---> held ---> [ first: under way ] ---> answered 0       acknowledged
 *                 |                            ---> anything else    again, later
 *                 |                            ---> too often        given up
 *                 +-- all of them: "working" each third of `redeliver`
 *
 * So the broker gives a message to another one when it does not hear from this node for
 * `redeliver`, not when the actor is slow: slow is not gone, and to have two at work on
 * one message would help neither. Who wants a limit of time has the actor keep it.
 */
#ifndef HEPH_REMOTE_CLUSTER_TAKER_H
#define HEPH_REMOTE_CLUSTER_TAKER_H

#include "remote/cluster_js.h"
#include "remote/cluster_shared.h"
#include "remote/nats_link.h"

/* A message that came and is not settled. */
struct heph_taken {
	struct heph_taken *next;
	struct heph_nats_msg *msg;
	struct heph_delivery delivery; /* as the actor is told: `times` may be a mark */
	heph_time stored;              /* by the broker's clock */
	uint32_t deliveries;           /* by the broker's count: what is limited */
};

#define HEPH_TAKER_AGAIN (100 * HEPH_MSEC) /* after a failure; of a message, the first one */

enum {
	HEPH_TAKER_SEEN = 1 << 16, /* numbers that are remembered */
};

/* Which numbers were delivered here: the latest ones, one bit each. */
struct heph_taker_seen {
	uint64_t highest;
	uint64_t bits[HEPH_TAKER_SEEN / 64];
};

/* Notes a number. Returns whether it had been noted. */
bool heph_taker_saw(struct heph_taker_seen *seen, uint64_t number);

struct heph_taker {
	struct heph_cluster_part part;
	struct heph_cluster_shared *shared;
	const struct heph_remote_actor *remote;
	struct heph_addr target;
	size_t done_at, delivery_at;
	struct heph_durable_config config;
	char name[HEPH_JS_NAME + 1];
	bool listed, target_gone;

	/* asking for more */
	struct heph_nats_sub *sub;
	char answers[HEPH_NATS_SUBJECT_MAX]; /* what it is asked with goes to .N of it */
	uint64_t pull;     /* the number of the latest one */
	unsigned expected; /* messages that it may still bring */
	heph_time heard;   /* when something came of it */
	uint64_t connects; /* of the link, when it was sent */
	heph_time again;   /* not before then: the broker had refused */
	bool broken;       /* it says that there is no such inbox */

	/* held */
	struct heph_taken *first, **last;
	unsigned n;
	heph_time told; /* when the broker was told that they are worked on */
	struct heph_taker_seen seen;
	struct heph_js_consumer consumer; /* asked for more */

	/* under way: the first of them */
	struct heph_pending pending;
	bool called;
	bool stale; /* it is of an earlier life of the broker: nobody is told */
	void *msg; /* decoded; of the size of the actor's messages */
	bool decoded;
};

/* Waits. Begins to take: subscribes and spawns it, as a child of the caller. The taker is
 * given away in any case. Returns 0; -EEXIST (this inbox is taken here); -ESRCH, -ENOMEM,
 * -ETIME, -ECANCELED. */
HEPH_MUST int heph_taker_begin(heph_ctx ctx, struct heph_taker *taker);

/* Frees one, with all it has. */
void heph_taker_free(struct heph_taker *taker);

/* ---- cluster_taken.c: what is held; in the taker's actor -------------------------------- */

/* Hands the first one over, none being under way. Waits for the broker where it is given
 * up. Returns 0, also if it was settled without; -EAGAIN: the actor's inbox is full;
 * -ESRCH (it is gone), -ECANCELED. */
HEPH_MUST int heph_taker_hand_over(heph_ctx ctx, struct heph_taker *taker);

/* Waits. The actor has answered, or cannot any more. Returns 0; -ESRCH (it is gone),
 * -ECANCELED, -ETIME. */
HEPH_MUST int heph_taker_answered(heph_ctx ctx, struct heph_taker *taker);

/* Waits if much is waiting to be sent. The first one is settled, by that word: +ACK, -NAK,
 * +TERM. Returns 0; -ESRCH (there is no link any more), -ECANCELED. */
HEPH_MUST int heph_taker_settle(heph_ctx ctx, struct heph_taker *taker, const char *word);

/* As that, for all that are held, which are worked on. */
HEPH_MUST int heph_taker_say_working(heph_ctx ctx, struct heph_taker *taker);

/* Takes the first one out, and frees it. */
void heph_taker_pop(struct heph_taker *taker);

/* Drops what was decoded of the first one, if anything. */
void heph_taker_drop_decoded(struct heph_taker *taker);

#endif
