/* SPDX-License-Identifier: MIT */
/*
 * chan.pml - a model of src/core/chan.c and park.c, for spin(1)
 *
 * Two senders and a receiver on a channel of CAP values; each may give up
 * waiting, GIVEUPS times. With CLOSE the receiver may leave at any time. It is
 * shown, for all orders of steps, that nobody waits for ever (an invalid end
 * state), that a value is received once, in the order of its sender, if and
 * only if its sender was told that it was sent, and that nobody wakes a record
 * that is gone.
 *
 * A step here is an access to something that another thread may change at the
 * same time: all sequentially consistent in the code, or under the lock. The
 * names are those of the functions. With BUG_... one of them is wrong; spin
 * must find each.
 */
#ifndef CAP
#define CAP 1
#endif
#ifndef N
#define N 2 /* values of the first sender */
#endif
#ifndef M
#define M 1 /* of the second one; N at most */
#endif
#ifndef GIVEUPS
#define GIVEUPS 1
#endif
#define SENDERS 2

mtype = { OK, AGAIN, PIPE, TIME, RETRY };

/* struct heph_chan */
bit lock;
byte head, tail, n_sending;
byte slots[CAP];
byte senders = SENDERS;
bit received = 1;
bit parked;
chan sending = [SENDERS] of { byte };

/* struct heph_park of the receiver, and struct waiter of each sender */
bit receiver_woken = 1;
bit live[SENDERS], listed[SENDERS], woken[SENDERS];
byte value[SENDERS];
mtype result[SENDERS];

/* what is to be shown */
bit accepted[SENDERS * N], arrived[SENDERS * N], dropped[SENDERS * N];

#define bit_of(i) (1 << (i))
#define room (tail - head < CAP)

/* ---- with the lock; `w` is who is to be woken, `r` whether the receiver is ---- */

/* What nobody reads without the lock changes in one step with what follows. */
inline lock_it()
{
	lock == 0 -> lock = 1; w = 0; r = 0
}

/* unlock(), heph_park_wake() */
inline unlock()
{
	lock = 0;
	if
	:: r -> atomic { assert(!receiver_woken); receiver_woken = 1; r = 0 }
	:: else
	fi;
	if
	:: w & 1 -> atomic { assert(live[0]); woken[0] = 1 }
	:: else
	fi;
	if
	:: w & 2 -> atomic { assert(live[1]); woken[1] = 1 }
	:: else
	fi
}

inline call_receiver()
{
	if
	:: parked -> parked = 0; r = 1
	:: else
	fi
}

inline put(v)
{
	slots[tail % CAP] = v;
	tail++;
	call_receiver()
}

/* What enlist() and delist() do but for n_sending. */
inline enlist(who)
{
	sending ! who;
	listed[who] = 1
}

inline delist(who)
{
	sending ?? eval(who);
	listed[who] = 0
}

inline release(res)
{
	sending ? <i>;
	delist(i);
	result[i] = res;
	w = w | bit_of(i)
}

inline admit()
{
#ifdef BUG_NOT_REQUEUED
	/* Heph: the first one is woken, and may try again. */
	if
	:: atomic { len(sending) > 0 && room -> release(RETRY) }; n_sending--
	:: else
	fi
#else
	do
	:: atomic {
		len(sending) > 0 && room ->
		sending ? <i>;
		put(value[i]);
		release(OK)
	   };
	   n_sending--
	:: else -> break
	od
#endif
}

/* ---- senders ------------------------------------------------------------------- */

inline send_now()
{
	atomic { lock_it() };
#ifndef BUG_NOT_REQUEUED
	admit();
#endif
	if
	:: !received -> err = PIPE
	:: atomic { received && room -> put(me * N + k); err = OK }
	:: else -> err = AGAIN
	fi;
	unlock()
}

/* announce(): the value goes into the record, and the record into the list. */
inline announce()
{
	atomic {
		live[me] = 1;
		woken[me] = 0;
		value[me] = me * N + k
	};
	atomic {
		lock_it();
		if
		:: received -> enlist(me); err = AGAIN
		:: else -> err = PIPE
		fi
	};
	if
	:: err == AGAIN ->
		n_sending++;
#ifndef BUG_NO_SECOND_LOOK
		admit()
#endif
	:: else
	fi;
	unlock()
}

/* withdraw() */
inline withdraw()
{
	atomic {
		lock == 0 ->
		was = listed[me];
		if
		:: was -> delist(me); n_sending--
		:: else
		fi
	}
}

/* wait_in(), heph_park_wait(), heph_park_finish() */
inline wait_in()
{
	announce();
	if
	:: err == AGAIN ->
again:		if
		:: woken[me] -> err = result[me]
		:: giveups > 0 ->
			giveups--;
			withdraw();
			if
			:: was -> err = TIME
#ifdef BUG_NOT_ASKED
			:: else -> woken[me]; err = TIME
#else
#ifdef BUG_NO_FINISH
			:: else -> err = result[me]
#else
			:: else -> woken[me]; err = result[me]
#endif
#endif
			fi
		fi;
#ifdef BUG_NOT_REQUEUED
		if
		:: err == RETRY ->
			woken[me] = 0;
			send_now();
			if
			:: err == AGAIN -> goto again /* but not on the list */
			:: else
			fi
		:: else
		fi
#endif
	:: else
	fi;
	atomic { live[me] = 0; result[me] = 0; value[me] = 0; woken[me] = 0 }
}

inline free_sender()
{
	atomic {
		lock_it();
		senders--;
		if
#ifndef BUG_LAST_SENDER
		:: senders == 0 -> call_receiver()
#endif
		:: else
		fi
	};
	unlock()
}

proctype sender(byte me)
{
	byte i, k, w, giveups = GIVEUPS;
	bit r, was;
	mtype err;

	do
	:: k < (me == 0 -> N : M) ->
		send_now();
		if
		:: err == AGAIN -> wait_in()
		:: else
		fi;
		if
		:: err == PIPE -> break
		:: else -> atomic { accepted[me * N + k] = (err == OK); k++ }
		fi
	:: else -> break
	od;
	free_sender()
}

/* ---- the receiver ----------------------------------------------------------------- */

/* take(): without the lock, but for admit_more() */
inline take()
{
	atomic {
		v = slots[head % CAP];
		assert(!arrived[v]);
		arrived[v] = 1;
		assert(v % N >= next[v / N]); /* in order */
		next[v / N] = v % N + 1;
		v = 0
	};
#ifdef BUG_LOOK_TOO_EARLY
	was = (n_sending > 0);
	head++;
#else
	head++;
	was = (n_sending > 0);
#endif
	if
	:: was -> atomic { lock_it() }; admit(); unlock()
	:: else
	fi
}

inline park()
{
	atomic {
		lock == 0;
		if
#ifdef BUG_NO_RECEIVER_LOOK
		:: true ->
#else
		:: head == tail && senders > 0 ->
#endif
			receiver_woken = 0;
			parked = 1
		:: else
		fi
	}
}

/* unpark() */
inline unpark()
{
	atomic { lock == 0 -> was = parked; parked = 0 };
	if
	:: was -> receiver_woken = 1
	:: else -> receiver_woken
	fi
}

/* free_end(): release_all(), drain() */
inline leave()
{
	atomic {
		lock_it();
		received = 0;
#ifndef BUG_CLOSE
		do
		:: len(sending) > 0 -> release(PIPE); n_sending--
		:: else -> break
		od
#endif
	};
	unlock();
	atomic {
		do
		:: head < tail ->
			v = slots[head % CAP];
			assert(!arrived[v] && !dropped[v]);
			dropped[v] = 1;
			head++
		:: else -> break
		od
	}
}

proctype receiver()
{
	byte i, v, w, giveups = GIVEUPS;
	byte next[SENDERS];
	bit r, was, alone;

	do
	:: true ->
		/* look() */
		alone = (senders == 0);
		if
		:: head < tail -> take()
		:: head == tail && alone -> break
		:: head == tail && !alone ->
			park();
			if
			:: receiver_woken
			:: giveups > 0 && !receiver_woken ->
				giveups--;
				unpark()
			fi
		fi
#ifdef CLOSE
	:: true -> break
#endif
	od;
	leave()
}

init
{
	byte n;

	atomic { run receiver(); run sender(0); run sender(1) };
	atomic {
		_nr_pr == 1;
		assert(!parked && n_sending == 0 && head == tail);
		do
		:: n < SENDERS * N ->
			assert(accepted[n] == (arrived[n] || dropped[n]));
			n++
		:: else -> break
		od
	}
}
