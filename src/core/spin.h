/* SPDX-License-Identifier: MIT */
/*
 * spin.h - whether it is worth to spin before sleeping, learnt from sleeps
 *
 * A passive record: it is told how each sleep and each spin ended. What comes
 * while a worker spins costs some 100 ns, what finds it asleep some 20 us. So
 * who is often woken soon after it has fallen asleep tries to spin; it goes on
 * as long as that pays, and after some spins in vain waits longer before it
 * tries again.
 *
 * A short sleep is one of a few times the length of a spin: if both of a pair
 * sleep, each also sleeps for the time that it takes to wake the other one, and
 * would never find out that it could be shorter.
 *
 * A message of another worker is worth a longer spin than what comes from
 * outside: that one is on a processor of its own and answers soon. For the
 * others one spins no longer than falling asleep and waking would take.
 */
#ifndef HEPH_CORE_SPIN_H
#define HEPH_CORE_SPIN_H

#include <heph/types.h>

#include <stdbool.h>

/* The longest spin, if nobody says something else. */
#define HEPH_SPIN_USUAL (50 * HEPH_USEC)

/* Why a sleep ended. */
enum heph_spin_end {
	HEPH_SPIN_WOKEN,   /* by another thread */
	HEPH_SPIN_OUTSIDE, /* the kernel had something */
	HEPH_SPIN_TIME,    /* its time has come, or for no reason */
};

/* All zeros: it does not spin so far. */
struct heph_spin {
	heph_time budget;    /* of the longest; 0: the usual; < 0: it never spins */
	heph_time length;    /* of the next spin; 0: none */
	unsigned short_ones; /* sleeps that were short, in a row */
	unsigned wanted;     /* so many before it tries to spin; 0: the least */
	unsigned vain;       /* spins in vain, in a row */
};

/* There was something to do while it spun. */
void heph_spin_paid(struct heph_spin *spin);

/* It has slept, after a spin in vain if `length` was not 0. */
void heph_spin_slept(struct heph_spin *spin, heph_time slept,
		     enum heph_spin_end end);

#endif
