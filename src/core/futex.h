/* SPDX-License-Identifier: MIT */
/*
 * futex.h - sleeping on a word (futex(2)), and a driver that knows no more
 */
#ifndef HEPH_CORE_FUTEX_H
#define HEPH_CORE_FUTEX_H

#include <heph/types.h>

#include <stdatomic.h>

struct heph_driver;

/* Sleeps while `*word` is `value`, for at most `length` nanoseconds
 * (HEPH_NEVER: for ever). May return for no reason. */
void heph_futex_wait(_Atomic uint32_t *word, uint32_t value, heph_time length);

/* Wakes all that sleep on the word. Any thread. */
void heph_futex_wake(_Atomic uint32_t *word);

/* Workers without I/O: they sleep on thread->asleep. */
extern const struct heph_driver heph_futex_driver;

#endif
