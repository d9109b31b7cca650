/* SPDX-License-Identifier: MIT */
/*
 * signals.h - signals as something an actor may wait for
 *
 * Where they come from is rt's business. Here a signal is a count for each
 * thread and, on the thread, a count for each actor that takes it.
 */
#ifndef HEPH_CORE_SIGNALS_H
#define HEPH_CORE_SIGNALS_H

#include <heph/message.h>

#include "core/self.h"

/* Who has sent a signal, in 64 bits: so it can be kept by signal handlers. */
static inline uint64_t heph_sender_pack(pid_t pid, uid_t uid)
{
	return (uint64_t)(uint32_t)pid << 32 | uid;
}

/* Tells a thread who has sent the signals that it is told next. */
void heph_signals_sent_by(struct heph_thread *thread, int signal,
			  uint64_t sender);

/* Tells a thread that a signal came, `n` times. Any thread, not within a signal
 * handler. */
void heph_signals_post(struct heph_thread *thread, int signal, uint32_t n);

/* The event that brings them; see heph_thread_init(). */
void heph_signals_deliver(struct heph_event *event);

/* What there is to say about those that came. */
struct heph_signal heph_signals_info(const struct heph_signal_take *take);

/*
 * The actor's record for that signal, made the first time: from then on it
 * takes the signal. Returns 0; -ENOMEM, -EINVAL (cannot be taken).
 */
int heph_signals_take(struct heph_self *self, int signal,
		      struct heph_signal_take **ret_take);

#endif
