/* SPDX-License-Identifier: MIT */
/* own.h - giving back what an actor acquired */
#ifndef HEPH_CORE_OWN_H
#define HEPH_CORE_OWN_H

#include <heph/types.h>

#include "base/list.h"

struct heph_mark;
struct heph_self;

/* Something that is undone when the actor ends. Embedded. */
struct heph_owned {
	struct heph_list node;
	void (*undo)(heph_ctx ctx, struct heph_owned *owned);
};

/* Undoes the latest of what the actor acquired after `mark`; NULL: at all.
 * False: there was nothing. */
bool heph_own_undo_one(struct heph_self *self, const struct heph_mark *mark);

#endif
