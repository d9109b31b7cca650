/* SPDX-License-Identifier: MIT */
/*
 * actor.h - actors that can be reached from other processes
 *
 *     HEPH_CODEC(counter_msg, struct counter_msg, ...);
 *     HEPH_ACTOR(counter, struct counter_msg, struct counter_arg);
 *     HEPH_REMOTE(counter, counter_msg);
 *
 * says how the messages of an actor travel: the name of a codec, or `void` for an
 * actor that takes none. It goes where the other two are, and both sides include
 * it; HEPH_ACTOR_MAIN() is only where the actor runs. From then on a counter_ref
 * may stand for an actor of another process: nothing that is done with it looks
 * different.
 *
 * HEPH_REMOTE_SPAWN(counter, counter_msg, counter_arg) is for one that others may
 * spawn: its argument has a codec, too, or is `void`.
 *
 * A codec whose messages have such references (HEPH_FIELD_REF_OF(answer_to,
 * counter)) needs HEPH_REMOTE() of that actor, or HEPH_REMOTE_LATER(counter)
 * before it, if that comes later.
 */
#ifndef HEPH_REMOTE_ACTOR_H
#define HEPH_REMOTE_ACTOR_H

#include <heph/actor.h>
#include <heph/remote/codec.h>
#include <heph/typed.h>
#include <heph/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What a node must know of a type of actors; made by the macros. */
struct heph_remote_actor {
	const char *name;
	const struct heph_actor *actor; /* NULL: this program has no
					 * HEPH_ACTOR_MAIN() of it */
	heph_codec_fn *msg; /* NULL: takes no messages */
	heph_codec_fn *arg; /* NULL: no argument, or it cannot be spawned */
	bool spawnable;
	/* Of messages, by their codec. */
	void (*drop)(void *msg);
	int (*copy)(void *to, const void *from);
};

/* A number that is the same for the same name and the same codecs. Nodes on which
 * it differs do not understand each other's messages, and say so. It is made anew
 * each time. */
HEPH_API uint64_t heph_remote_hash(const struct heph_remote_actor *remote);

#ifndef __cplusplus

/* clang-format off */

/* The function that HEPH_REMOTE() will make. */
#define HEPH_REMOTE_LATER(n_) \
	__attribute__((unused)) static inline const struct heph_remote_actor *n_##_remote(void)

#define HEPH_REMOTE(n_, msg_codec_) \
	HEPH_REMOTE_MSG__(n_, msg_codec_, "HEPH_REMOTE"); \
	HEPH_REMOTE__(n_, HEPH_CODEC_FN__(msg_codec_), NULL, false)

#define HEPH_REMOTE_SPAWN(n_, msg_codec_, arg_codec_) \
	HEPH_REMOTE_MSG__(n_, msg_codec_, "HEPH_REMOTE_SPAWN"); \
	_Static_assert(HEPH_SAME__(n_##_arg__, arg_codec_##_codec_of__), \
		"HEPH_REMOTE_SPAWN: the codec " #arg_codec_ " is not of the argument of " #n_); \
	HEPH_REMOTE__(n_, HEPH_CODEC_FN__(msg_codec_), HEPH_CODEC_FN__(arg_codec_), true)

#define HEPH_REMOTE_MSG__(n_, msg_codec_, who_) \
	_Static_assert(HEPH_SAME__(n_##_msg__, msg_codec_##_codec_of__), \
		who_ ": the codec " #msg_codec_ " is not of the messages of " #n_)

/* What `void` is among codecs; there is no such function. */
typedef void void_codec_of__;
heph_codec_fn void_codec;
#define HEPH_CODEC_FN__(codec_) \
	_Generic((codec_##_codec_of__ *)0, void *: (heph_codec_fn *)0, default: codec_##_codec)

/* The actor by a weak reference: where it does not run it is not there. */
#define HEPH_REMOTE__(n_, msg_, arg_, spawnable_) \
	static const struct heph_actor n_##_weak__ __attribute__((unused, weakref(HEPH_ACTOR_SYMBOL__(n_)))); \
	__attribute__((unused)) static inline void n_##_remote_drop__(void *msg) \
	{ heph_codec_drop((msg_)(), msg); } \
	__attribute__((unused)) static inline int n_##_remote_copy__(void *to, const void *from) \
	{ return heph_codec_copy((msg_)(), to, from); } \
	HEPH_REMOTE_LATER(n_) \
	{ \
		static const struct heph_remote_actor remote = { #n_, &n_##_weak__, (msg_), (arg_), (spawnable_), \
			n_##_remote_drop__, n_##_remote_copy__ }; \
		return &remote; \
	} \
	struct heph_remote_actor /* for the semicolon */

/* clang-format on */

#endif

#ifdef __cplusplus
}
#endif
#endif
