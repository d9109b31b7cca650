/* SPDX-License-Identifier: MIT */
/* info.h - what is known of an actor, copied on its own thread */
#ifndef HEPH_RT_INFO_H
#define HEPH_RT_INFO_H

#include <heph/inspect.h>

#include "core/worker.h"

/* Children, watchers and the like are counted up to this. */
enum { HEPH_INFO_COUNTED = 1000 };

/* Tells of an actor, but for `text`. `ret_reply` is that of the call that it
 * waits for; all zero: for none, or for several. On its thread. */
void heph_info_fill(struct heph_self *self, struct heph_actor_info *info,
		    struct heph_reply *ret_reply);

/* The state alone, and what it waits for, as heph_info_fill(): for a filter. */
enum heph_actor_state heph_info_state(const struct heph_self *self);
uint32_t heph_info_waits(const struct heph_self *self);

/* Whether it owes an answer to that call: it has received it, or it is in its
 * inbox. On its thread. */
bool heph_info_owes(const struct heph_self *self, struct heph_reply reply);

/* Tells of the actor that runs on a worker that does not answer, as far as that
 * can be seen from elsewhere. False: none does. Any thread. */
bool heph_info_stuck(struct heph_worker *worker, struct heph_actor_info *info);

#endif
