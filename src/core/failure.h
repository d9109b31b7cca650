/* SPDX-License-Identifier: MIT */
/* failure.h - what an actor can learn of its latest call that failed */
#ifndef HEPH_CORE_FAILURE_H
#define HEPH_CORE_FAILURE_H

#include "core/self.h"

/* How long a call took; -1: not known. */
struct heph_failure_times {
	heph_time waited, inbox, processing;
};

/* Keeps the failure in the actor's extension, if there is memory, and logs it
 * as a detail. */
void heph_failure_note(struct heph_self *self, int err, struct heph_addr to,
		       const char *member,
		       const struct heph_failure_times *times);

#endif
