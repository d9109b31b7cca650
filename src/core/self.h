/* SPDX-License-Identifier: MIT */
/*
 * self.h - the control block of an actor, and of a plain thread
 *
 * An actor is bound to a worker and touched by that worker alone; other
 * threads know it by its id and reach it through the worker's door, its
 * lanes, and the worker's dense table of ids. Blocks lie in one table per
 * worker, which is never unmapped, and are used again for actors of the same
 * type only; so `kind` of a block is right for every id it ever had.
 *
 * What few actors need is in an extension, which is made on first use.
 */
#ifndef HEPH_CORE_SELF_H
#define HEPH_CORE_SELF_H

#include <heph/actor.h>
#include <heph/types.h>

#include "base/arena.h"
#include "base/list.h"
#include "core/heph.h"
#include "core/own.h"
#include "core/thread.h"
#include "coro/coro.h"

struct heph_call_failure;
struct heph_mark;
struct heph_msg;
struct heph_saved;
struct heph_slot;
struct heph_watch;

/* Why an actor may go on: bits of `waiting` and of `woken`. */
enum {
	HEPH_WAIT_MSG = 1 << 0,    /* its inbox is not empty */
	HEPH_WAIT_ROOM = 1 << 1,   /* its parcel has come back */
	HEPH_WAIT_CALL = 1 << 2,   /* its call has an answer */
	HEPH_WAIT_WATCH = 1 << 3,  /* one of its watches has something to say */
	HEPH_WAIT_CHILD = 1 << 4,  /* a child has ended */
	HEPH_WAIT_OP = 1 << 5,     /* an operation has completed */
	HEPH_WAIT_SIGNAL = 1 << 6, /* it took a signal */
	HEPH_WAIT_REQUEST = 1 << 7, /* another thread has done it, or not */
	HEPH_WAIT_DRAIN = 1 << 8,   /* the runtime has no actors */
	HEPH_WAIT_VERDICT = 1 << 9, /* its supervisor has decided */
	HEPH_WAIT_FORCE = 1 << 10,  /* its shields are revoked */
	HEPH_WAIT_HAND = 1 << 11,   /* a message was put into its hands */
	HEPH_WAIT_PARK = 1 << 12,   /* another thread wakes it; see park.h */
	HEPH_WAIT_ABOUT = 1 << 13,  /* no reason: `about` says more */
	HEPH_WAIT_TIME = 1 << 14,   /* its deadline has come */
	HEPH_WAIT_STOP = 1 << 15,   /* it is asked to stop */
};

enum {
	HEPH_FLAG_STOP = 1 << 0,      /* asked to stop */
	HEPH_FLAG_FAILED = 1 << 1,    /* another one's failure has come to it */
	HEPH_FLAG_FINISHING = 1 << 2, /* its function has returned */
	HEPH_FLAG_ROOT = 1 << 4,      /* the runtime is its parent */
	HEPH_FLAG_FULL = 1 << 5,      /* its inbox was; some may wait for room */
	HEPH_FLAG_UNHELD = 1 << 6,    /* stops when it waits for a message */
	HEPH_FLAG_TRAP = 1 << 7,      /* exits along links become downs */
	HEPH_FLAG_FORCED = 1 << 8,    /* its shields are revoked */
	HEPH_FLAG_ARMED = 1 << 9,     /* its timer is; see timers.h */
	HEPH_FLAG_AWAY = 1 << 10,     /* its frames are not in its slot */
	HEPH_FLAG_GRANTED = 1 << 11,  /* other workers may send, once */
	HEPH_FLAG_SAMPLED = 1 << 12,  /* it is measured; see sample.h */
	HEPH_FLAG_STUCK = 1 << 13,    /* a plain thread: nobody can wake it */
	HEPH_FLAG_QUEUE = 14,         /* from this bit on: which run queue */

	HEPH_FLAGS_REFUSE = HEPH_FLAG_STOP | HEPH_FLAG_FAILED, /* waits */
	HEPH_FLAGS_BY_LOOP = HEPH_FLAG_AWAY | HEPH_FLAG_SAMPLED, /* it runs */
	HEPH_FLAGS_SLOW = HEPH_FLAGS_REFUSE | HEPH_FLAG_UNHELD,
	HEPH_FLAGS_LIFE = HEPH_FLAGS_REFUSE | HEPH_FLAG_FINISHING |
			  HEPH_FLAG_FORCED |
			  HEPH_FLAG_TRAP, /* not those of the next life */
};

/* 96 bytes, of which those of every message come first. */
struct heph_self {
	struct heph_coro coro;
	union {
		struct heph_self *next; /* in the run queue */
		/* While it waits, with HEPH_WAIT_ABOUT: what for, for who looks
		 * into it; see heph_wait_about(). */
		const void *about;
	};
	uint64_t id;            /* 0: nobody */
	struct heph_msg *last;  /* of the inbox, a ring: last->next is first */
	struct heph_thread *thread;
	uint32_t n, capacity; /* messages in it, at most */
	uint16_t waiting, woken, flags;
	uint16_t kind;     /* number in worker->kinds; 0: a plain thread */
	uint32_t received; /* the low part */
	uint16_t received_high;
	uint16_t refused; /* waits that returned -ECANCELED */
	union {
		struct heph_slot *slot;   /* that its frames are in */
		struct heph_saved *saved; /* with HEPH_FLAG_AWAY */
	};
	struct heph_ext *ext;                   /* NULL: not needed so far */
	uint32_t parent, child, older, younger; /* indices; 0: none */
};

#if !HEPH_ASAN && !HEPH_TSAN
_Static_assert(sizeof(struct heph_self) == 96, "a million are 96 MB");
#endif

/* A signal that an actor takes. */
struct heph_signal_take {
	struct heph_owned owned;
	struct heph_list node; /* in thread->signals */
	struct heph_self *self;
	int signal;
	unsigned count;
	uint64_t sender; /* of the latest; heph_sender_pack() */
};

struct heph_ext {
	struct heph_self *self;
	struct heph_arena arena;
	struct heph_list owned;      /* struct heph_owned, the latest last */
	struct heph_list answered;   /* calls that were started and are done */
	struct heph_list operations; /* in flight; filled by io */
	struct heph_list results;    /* of operations, that it has to see */
	struct heph_mark *mark;      /* of the innermost scope; NULL: none */
	unsigned marks;              /* made so far */
	bool held;                   /* it ends when nobody holds it */
	uint8_t phase;               /* in which it is stopped */
	struct heph_list watching;   /* watches that it made and does not own */
	struct heph_list watchers;   /* watches of others about it */
	struct heph_list downs;      /* watches that heph_on_down() takes */
	struct heph_watch *linking;  /* half of a link that it asks for */
	struct heph_event *put_off;  /* requests for a link, until then */
	struct heph_list parcels;    /* that wait for room in its inbox */
	struct heph_list roomy; /* in worker->roomy: there is room for them */
	struct heph_scans *scans;    /* NULL: it has not received by value */
	struct heph_list names_gone; /* its, not listed; see registry.c */

	struct heph_reply hand; /* the latest call received, not answered yet */
	struct heph_reply *owed;
	unsigned n_owed, max_owed;
	struct heph_call_failure *failure; /* of its latest call; NULL: none */

	struct heph_child *child;      /* in the tree of its parent */
	struct heph_supervisor *trees; /* of its own; the latest first */

	char *name;            /* NULL: that of the type */
	void *spawn;           /* a copy, for restarts; NULL: not restarted */
	struct heph_exit *exit; /* the failure that came to it, or NULL */
	uint32_t n_trees;       /* it ever had */
	uint32_t children_ended; /* goes round */
	uint32_t restarts;       /* its function was called again so often */
};

/* The extension, made if there is none; NULL when there is no memory. */
struct heph_ext *heph_self_extend(struct heph_self *self);

/* The place for an exit in the extension, made if there is none; NULL: no
 * memory. Forgets what is there. */
struct heph_exit *heph_self_need_exit(struct heph_self *self);
void heph_self_drop_exit(struct heph_self *self);

/* Frees the extension, whose lists are empty. */
void heph_self_shrink(struct heph_self *self);

const char *heph_self_name(const struct heph_self *self);

static inline uint64_t heph_self_received(const struct heph_self *self)
{
	return (uint64_t)self->received_high << 32 | self->received;
}

/* In which phase of the end a first-level actor is stopped. */
static inline unsigned heph_self_phase(const struct heph_self *self)
{
	return self->ext ? self->ext->phase : 0;
}

/* The context that belongs to `self`, without a deadline. */
static inline heph_ctx heph_self_ctx(struct heph_self *self)
{
	return (heph_ctx){ .self = self, .deadline = HEPH_NEVER };
}

#endif
