/* SPDX-License-Identifier: MIT */
/* inspect.h - visiting the actors of a runtime, for those who ask within it */
#ifndef HEPH_RT_INSPECT_H
#define HEPH_RT_INSPECT_H

#include <heph/inspect.h>

#include "rt/ask.h"

/* What is seen of an actor: what users see, and the call that it waits for. */
struct heph_look {
	struct heph_actor_info info;
	struct heph_reply reply; /* all zero: none */
};

typedef bool heph_look_fn(void *arg, const struct heph_look *look);

/* Visits actors, as heph_inspect(). */
HEPH_MUST int heph_look_at_all(const struct heph_asker *asker,
			       const struct heph_inspect_filter *filter,
			       heph_look_fn *visit, void *arg);

/* Looks at one, and asks whether it owes the answer to a call, `reply`, which
 * may be NULL. As heph_actor_info(). */
HEPH_MUST int heph_look_at(const struct heph_asker *asker,
			   struct heph_addr addr,
			   const struct heph_reply *reply,
			   struct heph_look *ret_look, bool *ret_owes);

/* Who asks: a context; a thread without one. `alone`: see ask.h. */
struct heph_asker heph_asker_of(heph_ctx ctx);
struct heph_asker heph_asker_outside(struct heph *heph, bool alone);

/* As the public functions. */
HEPH_MUST int heph_cycles_find(const struct heph_asker *asker,
			       heph_cycle_fn *visit, void *arg);
HEPH_MUST int heph_dump_to(const struct heph_asker *asker, int fd);

#endif
