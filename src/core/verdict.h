/* SPDX-License-Identifier: MIT */
/*
 * verdict.h - what becomes of an actor whose function has returned
 *
 * If it failed, its function .decide is asked, then its .restarts say whether
 * it is one time too many, and what pause there is before the next life.
 */
#ifndef HEPH_CORE_VERDICT_H
#define HEPH_CORE_VERDICT_H

#include "core/self.h"

/* Whether actors that are spawned so may be restarted; then their extension
 * has a copy of `spawn`, made and freed by these. */
bool heph_verdict_wanted(const struct heph_actor *type, const void *spawn);

/* Returns 0; -ENOMEM. */
int heph_verdict_prepare(struct heph_self *self, const void *spawn);
void heph_verdict_fini(struct heph_self *self);

/* Waits, through the pause before a restart. The actor has given back all.
 * Whether its function is to be called again; if not, whether its parent fails
 * as well. */
bool heph_verdict_again(struct heph_self *self, const struct heph_exit *exit,
			bool *ret_escalate);

#endif
