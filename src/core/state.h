/* SPDX-License-Identifier: MIT */
/* state.h - what actors wait for, in words */
#ifndef HEPH_CORE_STATE_H
#define HEPH_CORE_STATE_H

#include "core/worker.h"

/* "ready", "waits for a message, at most 2.500 s". On the worker's thread. */
void heph_state_say(const struct heph_self *self, char *text, size_t size);

/* Logs that of all actors of a worker; `where` they are is the message. */
void heph_state_list(const struct heph_worker *worker, const char *where);

#endif
