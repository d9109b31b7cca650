/* SPDX-License-Identifier: MIT */
/*
 * message.h - sending, receiving, calling, waiting for several things
 *
 * Messages are structs, copied by value. An inbox is bounded. Messages of one
 * sender to one actor arrive in the order they were sent.
 *
 * Ownership. A send that returns 0 has given the message away: it belongs to
 * the inbox, then to the actor that received it; one that is never received
 * goes to the `.drop` function of its type, on the worker of the receiver. Any
 * other result leaves the message with the sender.
 *
 * A message carries values, or pointers to memory whose ownership moves with
 * it, never the address of something on the sender's stack; a debug build
 * checks that.
 *
 * These are the untyped functions. Programs use the macros of typed.h, which
 * have the same names without `raw_`.
 */
#ifndef HEPH_MESSAGE_H
#define HEPH_MESSAGE_H

#include <heph/actor.h>
#include <heph/types.h>

#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
	HEPH_INBOX_DEFAULT = 64,
	HEPH_INBOX_MAX = 1 << 20,
	HEPH_MSG_MAX = 1 << 20, /* bytes of a message; checked at compile time */
};

/* ---- sending ------------------------------------------------------------- */

/*
 * heph_send(ctx, ref, message): waits while the inbox is full.
 * Returns 0; -ESRCH (the actor is gone); -ETIME, -ECANCELED; -ENOMEM;
 * -EDEADLK (to itself, full).
 */
HEPH_API HEPH_MUST int heph_raw_send(heph_ctx ctx, struct heph_addr to,
				     const void *msg, size_t size);

/*
 * heph_try_send(ref, message): does not wait. Any thread.
 * Returns 0; -EAGAIN (full); -ESRCH (gone); -ENOMEM.
 * A sender on another worker may exceed the capacity of an inbox by at most 64
 * messages in all, and then finds it full until the receiver has caught up. It
 * may find it full also when there is room, because much is under way between
 * the two workers: who knows of a place for his message uses heph_send().
 */
HEPH_API HEPH_MUST int heph_raw_try_send(struct heph_addr to, const void *msg,
					 size_t size);

/*
 * heph_post(ref, message): does not wait. If the message cannot be put in the
 * inbox it is counted (heph_stats()) and dropped by the type's `.drop`
 * function, on the thread of the sender. (The function is found by the
 * reference: { 0 }, and one whose runtime has ended, lead to none.) Any thread.
 */
HEPH_API void heph_raw_post(struct heph_addr to, const void *msg, size_t size);

/* ---- receiving ----------------------------------------------------------- */

/* heph_recv(ctx, in, &msg): waits for the next message. While it waits `msg` is
 * nobody else's: the message may be written there before the actor goes on.
 * Returns 0; -ETIME, -ECANCELED. */
HEPH_API HEPH_MUST int heph_raw_recv(heph_ctx ctx, struct heph_inbox *inbox,
				     void *ret_msg, size_t size);

/* heph_try_recv(in, &msg): does not wait. Returns 0; -EAGAIN (empty). */
HEPH_API HEPH_MUST int heph_raw_try_recv(struct heph_inbox *inbox,
					 void *ret_msg, size_t size);

/*
 * heph_peek(ctx, in, &msg): waits as heph_recv() does, and gives a copy of the
 * next message, which stays in the inbox: what it owns is the inbox's, a call
 * is not owed an answer so far, and the next heph_peek() or heph_recv() gives
 * the same message. Returns 0; -ETIME, -ECANCELED.
 */
HEPH_API HEPH_MUST int heph_raw_peek(heph_ctx ctx, struct heph_inbox *inbox,
				     void *ret_msg, size_t size);

/* heph_try_peek(in, &msg): the same without waiting. Returns 0; -EAGAIN
 * (empty). */
HEPH_API HEPH_MUST int heph_raw_try_peek(struct heph_inbox *inbox,
					 void *ret_msg, size_t size);

/* What a message must have: a member with that value. Made by macros. */
struct heph_match {
	uint32_t at, size; /* of the member; 8 bytes at most */
	uint64_t value;	   /* its first bytes are those of the value */
};

/*
 * heph_recv_where(ctx, in, &msg, member, value): waits for a message whose
 * member has that value, and takes the oldest one. The others keep their place
 * and order. `member` is one of the message, or `a.b`, of a type of integers,
 * bool, enum or pointer; the value is converted to that type.
 *
 * Messages that were looked at are not looked at again for the same thing (the
 * latest four things are remembered), so it costs nothing to ask again and
 * again while others wait in the inbox.
 *
 * Returns 0; -ENOBUFS (none matches and the inbox is full: none that does can
 * come in, so something else must be received first); -ETIME, -ECANCELED;
 * -ENOMEM.
 */
HEPH_API HEPH_MUST int heph_raw_recv_where(heph_ctx ctx,
					   struct heph_inbox *inbox,
					   void *ret_msg, size_t size,
					   const struct heph_match *match);

/* heph_try_recv_where(in, &msg, member, value): the same without waiting.
 * Returns 0; -EAGAIN (none matches); -ENOBUFS (and the inbox is full);
 * -ENOMEM. */
HEPH_API HEPH_MUST int heph_raw_try_recv_where(struct heph_inbox *inbox,
					       void *ret_msg, size_t size,
					       const struct heph_match *match);

/* heph_self(in): a reference to the actor that owns the inbox. By that actor. */
HEPH_API struct heph_addr heph_raw_self(struct heph_inbox *inbox);

struct heph_inbox_info {
	unsigned capacity, fill;
	uint64_t received; /* messages taken out so far */
};

/* heph_inbox_info(in): only by its own actor. */
HEPH_API struct heph_inbox_info heph_raw_inbox_info(struct heph_inbox *inbox);

/* ---- calls --------------------------------------------------------------- */

/* A call in the making: the message, the reply member in it, and where the
 * answer goes. */
struct heph_call {
	const void *msg;
	size_t size;
	size_t reply_at; /* offset of the HEPH_REPLY() member in the message */
	void *ret;
	size_t ret_size;
	const char *member; /* its name */
};

/*
 * heph_call(ctx, ref, member, &result, message): sends the message with its
 * reply member filled in and waits for the answer.
 * Returns 0; -ESRCH (the actor is gone); -EPIPE (nobody can answer any more:
 * it ended, restarted, or dropped the message unread); -ETIME, -ECANCELED (an
 * answer that comes later is dropped and counted); -EDEADLK (itself); -ENOMEM;
 * what the one who had the call refused it with, by heph_refuse().
 * Calls and answers carry plain data: what owns something travels by send. The
 * actor that received the call may let another one answer it, but the call
 * fails when the one that received it ends, unless it went on by
 * heph_forward(). The deadline of `ctx` goes along: see heph_for_caller().
 */
HEPH_API HEPH_MUST int heph_raw_call(heph_ctx ctx, struct heph_addr to,
				     const struct heph_call *call);

/* heph_answer(msg.member, value): gives the answer. Any thread.
 * Returns 0; -EPIPE (the caller does not wait any more, or was answered). */
HEPH_API int heph_raw_answer(struct heph_reply reply, const void *value,
			     size_t size);

/*
 * heph_refuse(msg.member, err): ends the call with that error instead, any from
 * -1 to -4095: it is what heph_call() returns, and heph_call_error() tells that
 * the call was refused. Any thread.
 * Returns 0; -EPIPE as heph_answer() does; -EINVAL (this is no negative errno).
 */
HEPH_API int heph_raw_refuse(struct heph_reply reply, int err);

/* heph_reply_wanted(msg.member): whether the caller still waits. */
HEPH_API bool heph_raw_reply_wanted(struct heph_reply reply);

/* ---- several things at once ---------------------------------------------- */

enum heph_on_what__ {
	HEPH_ON_NOTHING__,
	HEPH_ON_MSG__,
	HEPH_ON_TIME__,
	HEPH_ON_SIGNAL__,
	HEPH_ON_READABLE__,
	HEPH_ON_WRITABLE__,
	HEPH_ON_ANSWER__,
	HEPH_ON_ROOM__,
	HEPH_ON_DOWN__,
	HEPH_ON_JOIN__,
	HEPH_ON_CHAN__,
	HEPH_ON_TREE__,
	HEPH_ON_ONESHOT__,
	HEPH_ON_MSG_WHERE__,
	HEPH_ON_TICK__,
	HEPH_ON_ANY_ANSWER__,
};

/* One thing to wait for, a clause. Made by the functions below, and in C by
 * the macros heph_on_msg(in, &msg) and heph_on_msg_where(in, &msg, member,
 * value). */
struct heph_on {
	enum heph_on_what__ what;
	int signal;
	size_t size;
	struct heph_inbox *inbox;
	void *ret;
	heph_time when;
	struct heph_fd fd;
	struct heph_addr who; /* or the number and place of a call */
	void *object; /* whatever else it is about */
	struct heph_match match;
};

/*
 * heph_wait(ctx, [A] = heph_on_msg(in, &msg), [B] = heph_on_time(when), ...):
 * waits until one of the clauses can be had, takes that one and leaves the
 * others as they are. Returns which, counted from 0, the first of the list
 * when several could; -ETIME, -ECANCELED; -EBADF; -ENOMEM; -EINVAL (a signal
 * that cannot be taken, no clause at all, or more than 64); -EOPNOTSUPP (a
 * descriptor, by a plain thread); -ENOBUFS (none can be had, and the inbox is
 * full of messages that heph_on_msg_where() does not take); and what the comments
 * of the clauses say besides.
 */
HEPH_API HEPH_MUST int heph_raw_wait(heph_ctx ctx, const struct heph_on *on,
				     size_t n);

/* The last three members, for clauses without them. */
#define HEPH_NOBODY__ { 0, 0, 0, 0 }, NULL, { 0, 0, 0 }

/* Never: for a place in the list that is left out this time. */
static inline struct heph_on heph_on_nothing(void)
{
	struct heph_on on = { HEPH_ON_NOTHING__, 0, 0, NULL, NULL, 0, { 0, 0 }, HEPH_NOBODY__ };

	return on;
}

/* At that time, of heph_now(), or at once when it has passed. */
static inline struct heph_on heph_on_time(heph_time when)
{
	struct heph_on on = { HEPH_ON_TIME__, 0, 0, NULL, NULL, when, { 0, 0 }, HEPH_NOBODY__ };

	return on;
}

/*
 * When the process got that signal. From its first use on the actor takes the
 * signal, to its end: SIGINT and SIGTERM then do not stop the program. A
 * signal that comes meanwhile is counted and kept; `ret_count`, which may be
 * NULL, is how many came since the last time.
 */
static inline struct heph_on heph_on_signal(int signal, unsigned *ret_count)
{
	struct heph_on on = { HEPH_ON_SIGNAL__, signal, 0, NULL, ret_count, 0, { 0, 0 }, HEPH_NOBODY__ };

	return on;
}

/* A signal that came, or several. */
struct heph_signal {
	int number;
	unsigned count; /* how many since the last time */
	/* Who has sent the latest one, if the kernel says so; else 0. For SIGCHLD
	 * the child. */
	pid_t pid;
	uid_t uid;
};

/* The same, and it says who has sent it. */
static inline struct heph_on heph_on_signal_from(int signal,
						 struct heph_signal *ret_signal)
{
	struct heph_on on = { HEPH_ON_SIGNAL__, signal, sizeof(*ret_signal), NULL, ret_signal, 0, { 0, 0 }, HEPH_NOBODY__ };

	return on;
}

/* When reading from the descriptor, or accepting, would not wait. */
static inline struct heph_on heph_on_readable(struct heph_fd fd)
{
	struct heph_on on = { HEPH_ON_READABLE__, 0, 0, NULL, NULL, 0, fd, HEPH_NOBODY__ };

	return on;
}

/* When writing to it would not wait. */
static inline struct heph_on heph_on_writable(struct heph_fd fd)
{
	struct heph_on on = { HEPH_ON_WRITABLE__, 0, 0, NULL, NULL, 0, fd, HEPH_NOBODY__ };

	return on;
}

/* heph_on_room(ref): when the inbox of that actor has room, or had while this
 * waited, or when it is gone; so a send may find it full again. heph_wait()
 * returns -EXDEV for an actor of another runtime. */
static inline struct heph_on heph_raw_on_room(struct heph_addr who)
{
	struct heph_on on = heph_on_time(0);

	on.what = HEPH_ON_ROOM__;
	on.who = who;
	return on;
}

#ifdef __cplusplus
}
#endif
#endif
