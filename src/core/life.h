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

/* Marks an actor as asked to stop. On its own thread. */
void heph_life_stop(struct heph_self *self);

/* A child of `self`, on this or another worker, has ended. */
void heph_life_child_ended(struct heph_self *self, bool escalate);

/* Gives back what a plain thread acquired. */
void heph_life_finish_thread(struct heph_self *self);

/* Stops all first-level actors of this worker. */
void heph_life_stop_roots(struct heph_worker *worker);

/* Logs what still runs, and what it waits for. */
void heph_life_list(struct heph_worker *worker);

#endif
