/* SPDX-License-Identifier: MIT */
/* nats_state.h - what is behind a link to NATS: see nats_link.h */
#ifndef HEPH_REMOTE_NATS_STATE_H
#define HEPH_REMOTE_NATS_STATE_H

#include "remote/nats_link.h"

#include <pthread.h>

enum {
	HEPH_NATS_CLERKS = 8,
	HEPH_NATS_LISTENERS = 64, /* at most */
};

/* A request that has no answer yet. */
struct heph_nats_answer {
	struct heph_nats_msg *msg;
};
static inline void heph_nats_answer_drop(struct heph_nats_answer *answer)
{
	heph_nats_msg_free(answer->msg);
}
HEPH_ONESHOT(heph_nats_answer, struct heph_nats_answer, heph_nats_answer_drop);

struct heph_nats_request {
	struct heph_nats_request *next;
	uint64_t token;
	heph_nats_answer_sender tx;
};

enum { HEPH_NATS_REQUESTS = 256 }; /* chains */

/* Behind a struct heph_nats_sub: two references, that of who made it and libnats'. */
struct heph_nats_sub_state {
	struct heph_nats_sub pub;
	struct heph_nats_sub_state *next; /* of those to be ended */
	struct heph_nats_link *link;
	heph_nats_in_sender tx;
	natsSubscription *sub;
	char *subject, *group;
	_Atomic uint64_t dropped_there; /* by libnats, and counted */
	uint64_t slow_seen; /* when `slow` of the link was that */
	_Atomic uint64_t lost;
	_Atomic int refs;
	bool ended, draining; /* with the link's lock */
};

struct heph_nats_link {
	_Atomic int refs;
	struct heph_nats_config config; /* texts are of the link */
	char *texts[16];
	unsigned n_texts;
	heph_nats_in_sender out; /* to the publisher */
	heph_nats_in_receiver out_end;
	struct heph_addr hub;    /* takes jobs */
	_Atomic size_t payload_max;
	_Atomic bool connected, closed;
	_Atomic unsigned users; /* who will have last words */
	_Atomic uint64_t connects, sent, received, lost;
	_Atomic uint64_t slow; /* so often libnats dropped something */
	char inbox[HEPH_NATS_SUBJECT_MAX]; /* of answers, up to a dot */

	/* Only by keeper and clerks, who may block: subscribing against closing. */
	pthread_mutex_t making;

	/* Of all that follows; never held while anything blocks. */
	pthread_mutex_t lock;
	int err;   /* why it was closed, if not by us */
	bool over; /* to end a subscription does not block any more */
	char server[HEPH_WHERE_MAX], error[128];
	struct heph_nats_sub_state *ending; /* to be ended by a clerk */
	struct heph_nats_sub_state *graves; /* whose callbacks might still run */
	struct heph_nats_request *requests[HEPH_NATS_REQUESTS];
	uint64_t latest_token;
	heph_nats_events_sender listeners[HEPH_NATS_LISTENERS];
};

/* ---- link (nats_link.c) ---- */

/* With a copy of the config. Returns 0; -EINVAL; -ENOMEM. */
int heph_nats_link_new(const struct heph_nats_config *config,
		       struct heph_nats_link **ret_link);
void heph_nats_tell(struct heph_nats_link *link, bool connected);
void heph_nats_say_error(struct heph_nats_link *link, const char *text);

/* The same message with a reply. nats_msg.c. Returns 0; -ENOMEM. */
int heph_nats_msg_asking(const struct heph_nats_msg *msg, const char *reply,
			 struct heph_nats_msg **ret_msg);

/* ---- options (nats_options.c): block ---- */

/* Connects; `link` is the closure of the callbacks, which hold a reference. Returns 0, and
 * `ret_conn` is the caller's; an error of heph_nats_connect(). */
int heph_nats_open(struct heph_nats_link *link, natsConnection **ret_conn);

/* The same, on a thread that is left behind if it takes too long. Waits. nats_dial.c
 * Returns that; -EHOSTUNREACH (too long), -ECANCELED, -ENOMEM, -EAGAIN (no thread). */
HEPH_MUST int heph_nats_dial(heph_ctx ctx, struct heph_nats_link *link,
			     natsConnection **ret_conn);

/* The public key that belongs to a file with a seed of a user. Returns 0; -EINVAL; what
 * open(2) says. nats_nkey.c */
enum { HEPH_NATS_NKEY = 57 };
int heph_nats_nkey(const char *seed_file, char ret_key[HEPH_NATS_NKEY]);

/* ---- subscriptions (nats_sub.c): block ---- */

/* Ends those that nobody has any more. */
void heph_nats_sweep(struct heph_nats_link *link);
/* From now on there are no new ones; fails requests. */
void heph_nats_subs_close(struct heph_nats_link *link);
/* The connection is closed: from now on to end one does not block. Ends those that nobody
 * has. */
void heph_nats_subs_closed(struct heph_nats_link *link);
/* Subscribes to answers. */
int heph_nats_subs_open(struct heph_nats_link *link, natsConnection *conn,
			natsSubscription **ret_sub);

/* ---- threads (nats_keeper.c, nats_clerk.c) ---- */

/* The argument of all actors of a connection holds a reference to its link. */
struct heph_nats_arg {
	struct heph_nats_link *link;
};
static inline void heph_nats_arg_drop(struct heph_nats_arg *arg)
{
	heph_nats_link_unref(arg->link);
}

struct heph_nats_crew {
	int err;
	struct heph_addr clerks[HEPH_NATS_CLERKS];
};

/* Connects, answers with its crew, and keeps the connection until it is stopped. */
struct heph_nats_keeper_msg {
	HEPH_REPLY(struct heph_nats_crew) ready;
};
HEPH_ACTOR(heph_nats_keeper, struct heph_nats_keeper_msg, struct heph_nats_arg);

/* Runs a job, answers who wants its result, then the hub. */
struct heph_nats_clerk_msg {
	struct heph_nats_job *job; /* NULL: only sweeps */
	struct heph_reply result;  /* of an int */
	HEPH_REPLY(int) done;
};
struct heph_nats_clerk_arg {
	struct heph_nats_link *link;
	struct heph_nats_tools tools;
};
HEPH_ACTOR(heph_nats_clerk, struct heph_nats_clerk_msg,
	   struct heph_nats_clerk_arg);

/* Publishes what is in the channel. */
HEPH_ACTOR(heph_nats_publisher, void, struct heph_nats_clerk_arg);

/* ---- the hub (nats.c) ---- */

struct heph_nats_linked {
	struct heph_nats_link *link; /* a reference */
};
static inline void heph_nats_linked_drop(struct heph_nats_linked *linked)
{
	heph_nats_link_unref(linked->link);
}
HEPH_ONESHOT(heph_nats_linked, struct heph_nats_linked, heph_nats_linked_drop);

struct heph_nats_hub_msg {
	enum {
		HEPH_NATS_HUB_READY, /* waits until it is connected */
		HEPH_NATS_HUB_LINK,
		HEPH_NATS_HUB_STATS,
		HEPH_NATS_HUB_JOB,
		HEPH_NATS_HUB_SWEEP,
	} kind;
	struct heph_nats_job *job;       /* of a JOB: a reference */
	heph_nats_linked_sender linked; /* of a LINK */
	union {
		HEPH_REPLY(int) result;
		HEPH_REPLY(struct heph_nats_stats) stats;
	};
};
HEPH_ACTOR(heph_nats_hub, struct heph_nats_hub_msg, struct heph_nats_arg);

static inline heph_nats_hub_ref heph_nats_hub_of(struct heph_addr addr)
{
	return (heph_nats_hub_ref){ { .addr = addr } };
}

#endif
