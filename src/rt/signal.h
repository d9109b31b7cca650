/* SPDX-License-Identifier: MIT */
/*
 * signal.h - signals of the process, brought to the runtimes that want them
 *
 * The handlers are the process's, so this is a table for all runtimes: a
 * handler counts the signal for each of them and writes to its eventfd.
 */
#ifndef HEPH_RT_SIGNAL_H
#define HEPH_RT_SIGNAL_H

#include <stdbool.h>
#include <stdint.h>

/* A runtime wants to hear of signals, at that eventfd, until it leaves. */
void heph_signal_join(unsigned node, int event);
void heph_signal_leave(unsigned node);

/* Installs the handler for a signal, counting; forget undoes one. What was
 * installed before comes back with the last one. 0; -EINVAL. */
int heph_signal_take(int signal);
void heph_signal_forget(int signal);

/* Whether any came since the last call. */
bool heph_signal_any(unsigned node);

/* Who has sent the latest one, as heph_sender_pack() makes it; 0: not known. */
uint64_t heph_signal_sender(int signal);

/* How often a signal came since the last call, for a runtime. */
uint32_t heph_signal_fetch(unsigned node, int signal);

#endif
