/* SPDX-License-Identifier: MIT */
/*
 * stackrule.h - an actor's stack is its own
 *
 * A debug build looks at every message for an address of the sender's stack
 * and stops the program if there is one: such a message would be wrong as soon
 * as the sender goes on.
 */
#ifndef HEPH_CORE_STACKRULE_H
#define HEPH_CORE_STACKRULE_H

#include <stddef.h>

#include "base/assert.h"

struct heph_self;

_Noreturn void heph_stackrule_broken(struct heph_self *self, const char *what,
				     size_t offset);

/* The offset of a pointer into the stack of `self` in those bytes, or -1. */
long heph_stackrule_find(const struct heph_self *self, const void *bytes,
			 size_t size);

static inline void heph_stackrule_check(struct heph_self *self,
					const void *bytes, size_t size,
					const char *what)
{
	long offset;

	if (HEPH_DEBUG < 1)
		return;
	offset = heph_stackrule_find(self, bytes, size);
	if (offset >= 0)
		heph_stackrule_broken(self, what, (size_t)offset);
}

#endif
