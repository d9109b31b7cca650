/* SPDX-License-Identifier: MIT */
/*
 * oneshot.pml - a model of src/core/oneshot.c and park.c, for spin(1)
 *
 * A sender, which sends or leaves, and a receiver that may give up and look
 * again, and may leave at any time. Shown for all orders of steps: nobody waits
 * for ever, the value is received or dropped once if it was sent, and the
 * memory is freed once, by the last one, and not touched after that.
 *
 * One step is one access to the word `state`. With BUG_... a function is wrong;
 * spin must find each.
 */
#define SENDER 1
#define RECEIVER 2
#define VALUE 4
#define PARKED 8

byte state = 3; /* SENDER and RECEIVER */
bit woken = 1;
byte freed, taken, dropped;
bit sent, stored;

#define touch() assert(!freed)

proctype sender()
{
	byte old, more;

	/* heph_raw_oneshot_send(), or heph_raw_oneshot_free() */
	if
	:: touch(); stored = 1; more = VALUE
	:: more = 0
	fi;
	/* leave() */
	atomic { touch(); old = state };
	do
	:: !(old & RECEIVER) ->
		atomic { touch(); freed++ };
		more = 0;
		goto gone
#ifdef BUG_NO_SWAP
	/* The word is written without looking whether it has changed. */
	:: old & RECEIVER ->
		atomic { touch(); state = RECEIVER | more };
		break
#else
	:: old & RECEIVER ->
		if
		:: atomic { state == old ->
				touch(); state = (old & RECEIVER) | more };
			break
		:: atomic { state != old -> touch(); old = state }
		fi
#endif
	od;
	/* heph_park_wake() */
	if
	:: old & PARKED -> atomic { touch(); woken = 1 }
	:: else
	fi;
	sent = (more == VALUE);
gone:	skip
}

proctype receiver()
{
	byte seen, giveups = 2;
	bit was;

	do
	:: true ->
		atomic { touch(); seen = state }; /* look() */
		if
		:: seen & VALUE ->
			atomic { touch(); assert(stored); taken++ };
			atomic { touch(); state = state & ~VALUE };
			break
		:: !(seen & VALUE) && !(seen & SENDER) -> break
		:: else ->
			/* park() */
			woken = 0;
#ifdef BUG_NO_SECOND_LOOK
			atomic { touch(); state = state | PARKED };
#else
			if
			:: atomic { state == (SENDER | RECEIVER) ->
					touch(); state = state | PARKED }
			:: atomic { else -> woken = 1 }
			fi;
#endif
			/* heph_park_wait() */
			if
			:: woken
			:: giveups > 0 && !woken ->
				giveups--;
				/* unpark() */
				atomic {
					touch();
					was = (state & PARKED) != 0;
					state = state & ~PARKED
				};
#ifndef BUG_NO_FINISH
				if
				:: was -> woken = 1
				:: else -> woken
				fi
#endif
			fi
		fi
	:: true -> break /* and leaves */
	od;
	/* free_receiver() */
	atomic { touch(); seen = state; state = state & ~RECEIVER };
	assert(!(seen & PARKED));
	if
	:: seen & VALUE -> atomic { touch(); dropped++ }
	:: else
	fi;
	if
	:: !(seen & SENDER) -> atomic { touch(); freed++ }
	:: else
	fi
}

init
{
	atomic { run sender(); run receiver() };
	_nr_pr == 1;
	assert(freed == 1);
	assert(taken + dropped == sent)
}
