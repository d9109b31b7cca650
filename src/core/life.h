/* SPDX-License-Identifier: MIT */
/*
 * life.h - how actors begin and end
 *
 * The order in which an actor ends is a promise (actor.h); life.c says how it
 * is kept.
 */
#ifndef HEPH_CORE_LIFE_H
#define HEPH_CORE_LIFE_H

#include "core/self.h"
#include "core/worker.h"

struct heph_watch;

/* What a new actor gets, besides its type. */
struct heph_birth {
	const struct heph_actor *type;
	const void *spawn;	  /* the type's own struct */
	struct heph_self *parent; /* on the same worker; NULL: none there */
	struct heph_watch *watch; /* of who joins it, or of a parent elsewhere */
	struct heph_watch *hold;  /* of the spawner; NULL: it is not `.held` */
	bool plain; /* no options, nobody but its parent is to know of it */
};

/* The options in a spawn struct. */
static inline const struct heph_options *
heph_birth_options(const struct heph_birth *birth)
{
	return birth->spawn;
}

/* As heph_raw_spawn(), with a watch that tells of its end. */
HEPH_MUST int heph_spawn_joined(heph_ctx ctx, const struct heph_actor *type,
				const void *spawn,
				struct heph_watch **ret_watch);

/* Makes an actor on this worker and lets it run; without a parent it is one
 * of the first level. Returns 0; -ENOMEM, -EAGAIN. */
int heph_life_begin(struct heph_worker *worker, const struct heph_birth *birth,
		    struct heph_self **ret_self);

/* Frees what is left of an actor after its last switch. */
void heph_life_bury(struct heph_self *self);

/* What an actor can be told at any time; bits. */
enum {
	HEPH_TELL_STOP = 1 << 0,
	HEPH_TELL_FORCE = 1 << 1, /* even its shielded waits are refused */
	HEPH_TELL_HALT = 1 << 2,  /* by its supervisor, as the next: child.h */
	HEPH_TELL_GO = 1 << 3,
	HEPH_TELL_END = 1 << 4,
};

/* Tells it. On the actor's own thread; any thread. */
void heph_life_tell(struct heph_self *self, unsigned what);
void heph_addr_tell(struct heph_addr addr, unsigned what);

static inline void heph_life_stop(struct heph_self *self)
{
	heph_life_tell(self, HEPH_TELL_STOP);
}

/* The failure of another actor has come to `self`: it fails as well, unless it
 * is finishing. The first cause counts. */
void heph_life_fail(struct heph_self *self, const struct heph_exit *cause);

/* Whether it has children that were spawned after `mark`; NULL: any. */
bool heph_life_has_children(const struct heph_self *self,
			    const struct heph_mark *mark);

/* Ends what it acquired after `mark`, or all of it: children, operations, then
 * what it owns, the latest first. */
void heph_life_give_back(struct heph_self *self, const struct heph_mark *mark);

/* A child of `self`, on this or another worker, has ended. */
void heph_life_child_ended(struct heph_self *self, bool escalate);

/* Gives back what a plain thread acquired. */
void heph_life_finish_thread(struct heph_self *self);

/* Stops the first-level actors of this worker whose phase has come. */
void heph_life_stop_roots(struct heph_worker *worker);

/* Logs what still runs, in words: its state, and whether it was asked to stop. */
void heph_life_list(struct heph_worker *worker);

/* What comes after the body of every actor; the same for who has its exit. */
void heph_life_ended(struct heph_coro *coro, int result);
_Noreturn void heph_life_end(struct heph_self *self, struct heph_exit *exit);

#endif
