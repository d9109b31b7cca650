/* SPDX-License-Identifier: MIT */
/*
 * room.pml - a model of how a worker waits for room on another one, for spin(1):
 * look(), heph_parcels_pass() and heph_parcels_may_pass() of src/core/parcel.c,
 * reopen() of inbox.c, heph_lane_read() and tell_writer() of lane.c,
 * fall_asleep() of worker.c
 *
 * A writer sends MESSAGES by a lane, with a window of WINDOW, to an actor whose
 * inbox holds CAP; a neighbour of that actor sends as well. Shown for all orders
 * of steps: the writer does not sleep while there is room for it and nobody will
 * wake it (that would be an invalid end state), and what is under way or in the
 * inbox keeps to its bounds.
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
bit granted;

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
	:: n >= CAP && !granted -> shut = 1
	:: else
	fi
}

/* heph_inboxes_let_in() */
inline open()
{
	if
	:: n < CAP && shut ->
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
	:: else
	fi
}

proctype receiver()
{
	bit was, old;

	do
	:: head < tail -> /* heph_lane_read() */
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
	:: pushed < NEIGHBOURS && n < CAP ->
		n++;
		pushed++;
		look_if_full()
	:: n > 0 ->
		n--;
		received++;
		open()
	:: received == MESSAGES + NEIGHBOURS -> break
	od
}

init
{
	atomic { run writer(); run receiver() };
	_nr_pr == 1;
	assert(n == 0)
}
