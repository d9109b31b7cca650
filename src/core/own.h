/* SPDX-License-Identifier: MIT */
/* own.h - giving back what an actor acquired */
#ifndef HEPH_CORE_OWN_H
#define HEPH_CORE_OWN_H

#include "core/self.h"

/* Undoes the latest of what the actor acquired. False: there was nothing. */
bool heph_own_undo_one(struct heph_self *self);

#endif
