/* SPDX-License-Identifier: MIT */
/* failure.h - what an actor can learn of its latest call that failed */
#ifndef HEPH_CORE_FAILURE_H
#define HEPH_CORE_FAILURE_H

#include "core/self.h"

/* How a call failed. */
struct heph_failure {
	int err;
	bool refused;
	heph_time waited, inbox, processing; /* -1: not known */
};

/* Keeps the failure in the actor's extension, if there is memory, and logs it
 * as a detail. */
void heph_failure_note(struct heph_self *self, struct heph_addr to,
		       const char *member, const struct heph_failure *how);

#endif
