/* SPDX-License-Identifier: MIT */
/*
 * sleep.pml - a model of how a thread sleeps, for spin(1): heph_thread_post(),
 * heph_thread_wake() and heph_thread_open_door() of src/core/thread.c,
 * fall_asleep() of worker.c, sleep_thread() of wait.c
 *
 * Two others push EACH events to the door of a thread, which sleeps when there
 * are none: on a futex, or with KERNEL in its ring, where a wake stays until it
 * is fetched. Shown for all orders of steps: no event is left at the door of one
 * that sleeps (that would be an invalid end state).
 *
 * With BUG_... something is wrong; spin must find each.
 */
#ifndef EACH
#define EACH 2
#endif
#define PUSHERS 2

byte door; /* events at it */
bit asleep;
bit sleeps; /* in the kernel, on the futex */
byte rung;  /* wakes in the ring that were not fetched */

inline wake_in_kernel()
{
#ifdef KERNEL
	rung++
#else
	sleeps = 0
#endif
}

/* heph_thread_post() */
proctype pusher()
{
	byte n;
	bit was;

	do
	:: n < EACH ->
#ifdef BUG_LOOKS_FIRST
		was = asleep;
		door++;
#else
		door++;	      /* heph_events_push() */
		was = asleep; /* heph_thread_wake() */
#endif
		if
		:: was ->
			atomic { was = asleep; asleep = 0 }; /* the exchange */
			if
			:: was -> wake_in_kernel()
			:: else
			fi
		:: else
		fi;
		n++
	:: else -> break
	od
}

/* driver->poll(), heph_futex_wait() */
inline sleep_in_kernel()
{
#ifdef KERNEL
	atomic { rung > 0 -> rung = 0 }
#else
	atomic { sleeps = asleep }; /* the kernel looks at the word */
	!sleeps
#endif
}

proctype thread()
{
	byte taken;

	do
	:: taken < PUSHERS * EACH ->
		if
		:: door > 0 -> atomic { taken = taken + door; door = 0 }
		:: door == 0 ->
			asleep = 1;
#ifdef BUG_NO_SECOND_LOOK
			if
			:: true ->
#else
			if
			:: door > 0
			:: door == 0 ->
#endif
				sleep_in_kernel()
			fi;
			asleep = 0
		fi
	:: else -> break
	od
}

init
{
	atomic { run thread(); run pusher(); run pusher() };
	_nr_pr == 1;
	assert(door == 0)
}
