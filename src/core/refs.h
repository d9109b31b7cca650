/* SPDX-License-Identifier: MIT */
/* refs.h - what an address leads to */
#ifndef HEPH_CORE_REFS_H
#define HEPH_CORE_REFS_H

#include <heph/actor.h>

#include "core/heph.h"

/* The type of an actor of that runtime that has not ended; NULL: there is no
 * such one. Any thread. */
const struct heph_actor *heph_addr_type(struct heph *heph,
					struct heph_addr addr);

/* Whether an actor of type `found`, or NULL, is one of `type`. */
static inline bool heph_type_is(const struct heph_actor *found,
				const struct heph_actor *type)
{
	return found == type || (found && found->like && found->like == type);
}

#endif
