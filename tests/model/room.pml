/* SPDX-License-Identifier: MIT */
/*
 * room.pml - a model of how a worker waits for room on another one, for spin(1):
 * look(), heph_parcels_pass() and heph_parcels_may_pass() of src/core/parcel.c,
 * heph_inbox_make_room(), let_some_in() and reopen() of inbox.c,
 * heph_lane_read() and tell_writer() of lane.c, fall_asleep() of worker.c
 *
 * A writer sends MESSAGES by a lane, with a window of WINDOW, to an actor whose
 * inbox holds CAP; a neighbour of that actor sends as well. Shown for all orders
 * of steps: the writer does not sleep while there is room for it and nobody will
 * wake it (that would be an invalid end state), and what is under way or in the
 * inbox keeps to its bounds.
 *
 * With LIVE the neighbour may fill the room that there is in each turn, for
 * ever: the writer is let in all the same, as often as it wants. That needs weak
 * fairness: each of the two goes on if it can.
 *
 * With BUG_... something is wrong; spin must find each.
 */
#ifndef CAP
#define CAP 1
#endif
#define WINDOW 1
#define MESSAGES 3
#define NEIGHBOURS 2

/* the place of the actor */
bit shut, wanted;
/* the lane */
byte tail, head;
bit waits;
/* the writer */
bit asleep;
byte rung; /* wakes in its ring */
/* the receiver's worker */
byte n; /* in the inbox */
byte received, pushed;
bit was_full, roomy, granted;

/* heph_thread_wake(), if somebody waits at the lane */
inline tell_writer()
{
	if
	:: waits ->
		if
		:: asleep ->
			atomic { was = asleep; asleep = 0 };
			if
			:: was -> rung++
			:: else
			fi
		:: else
		fi
	:: else
	fi
}

inline look_at_place()
{
	atomic { old_shut = shut; old_wanted = wanted };
#ifndef BUG_NOT_WANTED
	if
	:: old_shut && !old_wanted -> atomic { old_shut = shut; wanted = 1 }
	:: else
	fi
#endif
}

/* Whether there is room, into `room`: first what is under way, so that an inbox
 * that was filled by that is seen to be full. Says that it is wanted. */
inline look()
{
#ifdef BUG_PLACE_FIRST
	look_at_place();
	room = tail - head < WINDOW;
#else
	room = tail - head < WINDOW;
	if
	:: room -> look_at_place()
	:: else
	fi;
#endif
	room = room && !old_shut
}

proctype writer()
{
	bit old_shut, old_wanted, room;

	do
	:: tail < MESSAGES ->
		look();
		if
		:: room ->
			waits = 0;
			tail++
		:: else ->
			waits = 1;
			asleep = 1;
#ifdef BUG_NO_SECOND_LOOK
			room = 0;
#else
			look();
#endif
			if
			:: room
			:: else -> atomic { rung > 0 -> rung = 0 }
			fi;
			asleep = 0
		fi
	:: else -> break
	od
}

/* heph_inbox_shut() */
inline look_if_full()
{
	if
	:: n >= CAP ->
		was_full = 1;
		if
		:: !granted -> shut = 1
		:: else
		fi
	:: else
	fi
}

/* heph_inbox_make_room(); nobody waits in the list of the actor */
inline take()
{
	n--;
	if
	:: was_full && n < CAP ->
		was_full = 0;
		roomy = 1
	:: else
	fi
}

inline reopen()
{
#ifdef BUG_TELLS_FIRST
	if
	:: wanted -> tell_writer()
	:: else
	fi;
	atomic { shut = 0; wanted = 0 };
#else
	atomic { old = wanted; shut = 0; wanted = 0 };
	if
	:: old ->
		granted = 1;
		tell_writer()
	:: else
	fi
#endif
}

/* open_to_waiting() */
#ifdef BUG_PASSED_OVER
#define MAY_GRANT 0
#else
#ifdef BUG_TWO_WINDOWS
#define MAY_GRANT wanted
#else
#define MAY_GRANT (n <= CAP && wanted)
#endif
#endif

/* The end of a turn, heph_inboxes_let_in() */
inline let_in()
{
	if
	:: roomy ->
		roomy = 0;
		if
		:: n < CAP && shut -> reopen()
		:: n >= CAP && MAY_GRANT -> reopen()
		:: else
		fi
	:: else
	fi
}

/* heph_lane_read() */
inline read_lane()
{
	n++;
	granted = 0;
	look_if_full();
	assert(n <= CAP + WINDOW);
#ifdef BUG_SILENT_READER
	head++
#else
	head++;
	tell_writer()
#endif
}

#ifdef LIVE
/* In turns, each of which takes a message. */
proctype receiver()
{
	bit was, old;

	do
	:: true ->
		if
		:: n > 0 -> take()
		:: else
		fi;
		if
		:: n < CAP ->
			n++;
			look_if_full()
		:: true
		fi;
		if
		:: head < tail -> read_lane()
		:: else
		fi;
		let_in()
	od
}

ltl is_let_in { <> (tail == MESSAGES) }
#else
proctype receiver()
{
	bit was, old;

	do
	:: head < tail -> read_lane()
	:: pushed < NEIGHBOURS && n < CAP ->
		n++;
		pushed++;
		look_if_full()
	:: n > 0 ->
		take();
		received++
	:: roomy -> let_in()
	:: received == MESSAGES + NEIGHBOURS -> break
	od
}
#endif

init
{
	atomic { run writer(); run receiver() };
	_nr_pr == 1; /* without LIVE */
	assert(n == 0)
}
