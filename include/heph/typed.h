/* SPDX-License-Identifier: MIT */
/*
 * typed.h - the typed half: macros that check, then call the untyped half
 *
 *     HEPH_ACTOR(counter, struct counter_msg, struct counter_arg);
 *
 * declares the types counter_ref and counter_inbox; `void` stands for no
 * messages, no argument. It goes where others can see it. In one .c file
 *
 *     HEPH_ACTOR_MAIN(counter, counter_main, .drop = counter_msg_drop);
 *
 * says which function it is: int counter_main(heph_ctx ctx[, counter_inbox in]
 * [, struct counter_arg *arg]). Hooks that may follow, all optional:
 *
 *     .drop      void (*)(struct counter_msg *)      frees what an unread
 *                message owns; must not wait
 *     .copy      int (*)(struct counter_msg *to, const struct counter_msg *from)
 *                makes another message of one that owns something, for a group:
 *                0, or a negative errno and nothing was made
 *     .drop_arg  void (*)(struct counter_arg *)      the same for the argument,
 *                when the actor ends for good; of an actor with .decide it
 *                gets the original, not the copy that the function had
 *
 * Options of heph_spawn() are those of struct heph_options, and
 *
 *     .decide    enum heph_verdict (*)(const struct heph_exit *why, struct
 *                counter_arg *arg)   the supervisor: called when the actor
 *                failed, may change the argument that it starts with again,
 *                must not wait. (It sees the original, not what the function
 *                did to its copy; without an argument it is a void *.) Not
 *                asked about one that was asked to stop, nor when the runtime
 *                is ending
 *
 * Each macro evaluates its arguments once. A message or answer is the last
 * argument: a value, or an initialiser in braces. So is the argument of an
 * actor, but for options, which follow it: what stands after an option without
 * a name of its own would be taken for the next option. Wrong types are errors
 * with the compiler's default flags.
 *
 * In C++ these macros do not exist.
 */
#ifndef HEPH_TYPED_H
#define HEPH_TYPED_H

#include <heph/actor.h>
#include <heph/call.h>
#include <heph/group.h>
#include <heph/io.h>
#include <heph/message.h>
#include <heph/net.h>
#include <heph/own.h>
#include <heph/packet.h>
#include <heph/refs.h>
#include <heph/runtime.h>
#include <heph/timer.h>
#include <heph/types.h>
#include <heph/watch.h>

#ifndef __cplusplus

/* clang-format off */

/* ---- declaring ----------------------------------------------------------- */

/* Stands in for `void`. A number for it is an error: the actor takes nothing. */
struct heph_empty { struct heph_takes_no_argument *unused; };

#define HEPH_SOME__(t_) __typeof__(*_Generic((t_ *)0, void *: (struct heph_empty *)0, default: (t_ *)0))
#define HEPH_NONE__(t_) _Generic((t_ *)0, void *: 1, default: 0)
#define HEPH_SAME__(a_, b_) __builtin_types_compatible_p(__typeof__(a_), __typeof__(b_))

#define HEPH_STRICT__ \
	_Pragma("GCC diagnostic push") \
	_Pragma("GCC diagnostic error \"-Wint-conversion\"") \
	_Pragma("GCC diagnostic error \"-Wincompatible-pointer-types\"") \
	_Pragma("GCC diagnostic error \"-Wmissing-braces\"")
#define HEPH_END__ _Pragma("GCC diagnostic pop")

#define HEPH_REF(n_, msg_) \
	typedef struct n_##_ref { \
		union { struct heph_addr addr; msg_ *msg_t; }; \
	} n_##_ref

#define HEPH_ACTOR(n_, msg_, arg_) \
	extern const struct heph_actor n_##_actor __asm__(HEPH_ACTOR_SYMBOL__(n_)); \
	HEPH_ACTOR_DECLARED__(n_, msg_, arg_)
/* The same, where there is `extern const struct heph_actor NAME_actor` already. */
#define HEPH_ACTOR_DECLARED__(n_, msg_, arg_) \
	HEPH_REF(n_, msg_); \
	typedef struct n_##_inbox { union { struct heph_inbox *inbox; n_##_ref *ref_t; }; } n_##_inbox; \
	typedef struct n_##_group { \
		union { struct heph_group group; struct { HEPH_GROUP__; }; n_##_ref *ref_t; }; \
	} n_##_group; \
	typedef msg_ n_##_msg__; \
	typedef arg_ n_##_arg__; \
	struct n_##_spawn { \
		union { struct heph_options options; struct { HEPH_OPTIONS__; }; }; \
		enum heph_verdict (*decide)(const struct heph_exit *why, arg_ *arg); \
		char first__; \
		HEPH_SOME__(arg_) arg; \
	}

/* The four shapes that the function of an actor may have. */
#define HEPH_F0__ int (*)(heph_ctx)
#define HEPH_F1__(n_) int (*)(heph_ctx, n_##_inbox)
#define HEPH_F2__(n_) int (*)(heph_ctx, n_##_arg__ *)
#define HEPH_F3__(n_) int (*)(heph_ctx, n_##_inbox, n_##_arg__ *)
#define HEPH_SHAPE__(n_, f_) \
	_Generic(&f_, HEPH_F0__: 0, HEPH_F1__(n_): 1, HEPH_F2__(n_): 2, HEPH_F3__(n_): 3, default: -1)
#define HEPH_AS__(f_, ...) _Generic(&f_, __VA_ARGS__: &f_, default: (__VA_ARGS__)NULL)

#define HEPH_ACTOR_MAIN(...) HEPH_ACTOR_MAIN__(__VA_ARGS__, )
#define HEPH_ACTOR_MAIN__(n_, f_, ...) \
	_Static_assert(HEPH_SHAPE__(n_, f_) >= 0, \
		#f_ " must be: int " #f_ "(heph_ctx ctx[, " #n_ "_inbox in][, <argument type> *arg])"); \
	_Static_assert(__builtin_classify_type(*(HEPH_SOME__(n_##_msg__) *)0) == 12, "a message is a struct"); \
	_Static_assert((HEPH_SHAPE__(n_, f_) & 1) || HEPH_NONE__(n_##_msg__), #f_ " must take a " #n_ "_inbox"); \
	_Static_assert(_Alignof(HEPH_SOME__(n_##_msg__)) <= 16, "a message is aligned to at most 16 bytes"); \
	_Static_assert(_Alignof(HEPH_SOME__(n_##_arg__)) <= 16, "an argument is aligned to at most 16 bytes"); \
	_Static_assert(sizeof(HEPH_SOME__(n_##_msg__)) <= HEPH_MSG_MAX, "a message has at most 1 MiB"); \
	_Static_assert(sizeof(HEPH_SOME__(n_##_arg__)) <= HEPH_ARG_MAX, "an argument has at most 16 KiB"); \
	HEPH_STRICT__ \
	static const struct { \
		char first__; \
		void (*drop)(n_##_msg__ *); \
		int (*copy)(n_##_msg__ *, const n_##_msg__ *); \
		void (*drop_arg)(n_##_arg__ *); \
	} n_##_hooks__ = { .first__ = 0, __VA_ARGS__ }; \
	HEPH_END__ \
	static int n_##_entry__(heph_ctx ctx, struct heph_inbox *inbox, void *arg) \
	{ \
		n_##_inbox in = { { .inbox = inbox } }; \
		(void)in, (void)arg; \
		switch (HEPH_SHAPE__(n_, f_)) { \
		case 0: return HEPH_AS__(f_, HEPH_F0__)(ctx); \
		case 1: return HEPH_AS__(f_, HEPH_F1__(n_))(ctx, in); \
		case 2: return HEPH_AS__(f_, HEPH_F2__(n_))(ctx, arg); \
		default: return HEPH_AS__(f_, HEPH_F3__(n_))(ctx, in, arg); \
		} \
	} \
	static void n_##_drop__(void *msg) { if (n_##_hooks__.drop) n_##_hooks__.drop(msg); } \
	static int n_##_copy__(void *to, const void *from) \
	{ \
		if (n_##_hooks__.copy) return n_##_hooks__.copy(to, from); \
		if (n_##_hooks__.drop) return -EINVAL; \
		__builtin_memcpy(to, from, sizeof(HEPH_SOME__(n_##_msg__))); \
		return 0; \
	} \
	static void n_##_drop_arg__(void *arg) { if (n_##_hooks__.drop_arg) n_##_hooks__.drop_arg(arg); } \
	static enum heph_verdict n_##_decide__(const void *spawn, const struct heph_exit *why, void *arg) \
	{ return ((const struct n_##_spawn *)spawn)->decide(why, arg); } \
	const struct heph_actor n_##_actor = { \
		.size__ = sizeof(struct heph_actor), .abi = HEPH_ABI, .name = #n_, \
		.msg_size = HEPH_NONE__(n_##_msg__) ? 0 : sizeof(HEPH_SOME__(n_##_msg__)), \
		.arg_size = HEPH_NONE__(n_##_arg__) ? 0 : sizeof(HEPH_SOME__(n_##_arg__)), \
		.arg_at = offsetof(struct n_##_spawn, arg), \
		.spawn_size = sizeof(struct n_##_spawn), \
		.decide_at = offsetof(struct n_##_spawn, decide), \
		.options_size = sizeof(struct heph_options), \
		.entry = n_##_entry__, .drop = n_##_drop__, .drop_arg = n_##_drop_arg__, .copy = n_##_copy__, \
		.decide = n_##_decide__, \
	}

/* ---- the verbs ----------------------------------------------------------- */

HEPH_MUST static inline int heph_must__(int result) { return result; }

#define HEPH_DO__(...) heph_must__(__extension__({ __VA_ARGS__; }))
#define HEPH_LET__(type_, var_, ...) HEPH_STRICT__ type_ var_ = __VA_ARGS__; HEPH_END__
/* Compilers show the lines that they were in, so what is wanted stands there. */
#define HEPH_SPAWN__(n_, ...) \
	HEPH_LET__(struct n_##_spawn, heph_s__, { .first__ = 0, __VA_ARGS__ }) /* wanted: an argument of the type in HEPH_ACTOR(), then options */
#define HEPH_MSG__(ref_, ...) \
	_Static_assert(_Generic((ref_).msg_t, void *: 0, default: 1), \
		#ref_ " takes no messages: its HEPH_ACTOR() says void"); \
	HEPH_LET__(__typeof__(*(ref_).msg_t), heph_m__, __VA_ARGS__) /* wanted: a message of the type in HEPH_ACTOR(), or { .member = ... } */

/* heph_spawn(ctx, NAME, &ref or NULL[, argument][, .option = ...]) */
#define heph_spawn(ctx_, name_, ...) heph_spawn__(ctx_, name_, __VA_ARGS__, )
#define heph_spawn__(ctx_, n_, ret_, ...) HEPH_DO__( \
	_Static_assert(HEPH_SAME__(ret_, n_##_ref *) || HEPH_SAME__(ret_, heph_ref *) || HEPH_SAME__(ret_, void *), \
		"heph_spawn: this is not a " #n_ "_ref *"); \
	HEPH_SPAWN__(n_, __VA_ARGS__) \
	heph_raw_spawn((ctx_), &n_##_actor, &heph_s__, (struct heph_addr *)(ret_)))

#define heph_run(config_, ...) heph_run__(config_, __VA_ARGS__, )
#define heph_run__(config_, n_, ...) HEPH_DO__( \
	HEPH_SPAWN__(n_, __VA_ARGS__) \
	heph_raw_run((config_), sizeof(struct heph_config), &n_##_actor, &heph_s__))

#define heph_run_on_each(ctx_, ...) heph_run_on_each__(ctx_, __VA_ARGS__, )
#define heph_run_on_each__(ctx_, n_, ...) HEPH_DO__( \
	HEPH_SPAWN__(n_, __VA_ARGS__) \
	heph_raw_run_on_each((ctx_), &n_##_actor, &heph_s__, sizeof(heph_s__)))

#define heph_serve(ctx_, listener_, name_, ...) heph_serve__(heph_raw_serve, ctx_, listener_, name_, __VA_ARGS__, )
#define heph_serve_on_each(ctx_, listener_, name_, ...) \
	heph_serve__(heph_raw_serve_on_each, ctx_, listener_, name_, __VA_ARGS__, )
/* The spawn struct of the actor, and behind it the options of serving. */
#define heph_serve__(how_, ctx_, listener_, n_, member_, ...) HEPH_DO__( \
	struct heph_serve__ { \
		union { struct heph_options options; struct { HEPH_OPTIONS__; }; }; \
		__typeof__(((struct n_##_spawn *)0)->decide) decide; \
		char first__; \
		__typeof__(((struct n_##_spawn *)0)->arg) arg; \
		union { struct heph_serve_options serve; struct { HEPH_SERVE_OPTIONS__; }; }; \
	}; \
	HEPH_LET__(struct heph_serve__, heph_s__, { .first__ = 0, __VA_ARGS__ }) \
	_Static_assert(offsetof(struct heph_serve__, arg) == offsetof(struct n_##_spawn, arg), "heph_serve: layout"); \
	_Static_assert(HEPH_SAME__(heph_s__.arg.member_, heph_fd), "heph_serve: " #member_ " is not a heph_fd"); \
	how_((ctx_), (listener_), &n_##_actor, &heph_s__, sizeof(struct n_##_spawn), \
		offsetof(struct n_##_spawn, arg.member_), &heph_s__.serve))
#define heph_serve_packets(ctx_, fd_, ...) heph_serve_packets__(ctx_, fd_, __VA_ARGS__, )
#define heph_serve_packets__(ctx_, fd_, n_, ...) HEPH_DO__( \
	struct heph_serve__ { \
		union { struct heph_options options; struct { HEPH_OPTIONS__; }; }; \
		__typeof__(((struct n_##_spawn *)0)->decide) decide; \
		char first__; \
		__typeof__(((struct n_##_spawn *)0)->arg) arg; \
		union { struct heph_packets_options serve; struct { HEPH_PACKETS_OPTIONS__; }; }; \
	}; \
	HEPH_LET__(struct heph_serve__, heph_s__, { .first__ = 0, __VA_ARGS__ }) \
	_Static_assert(offsetof(struct heph_serve__, arg) == offsetof(struct n_##_spawn, arg), "heph_serve_packets: layout"); \
	_Static_assert(HEPH_SAME__(*(n_##_msg__ *)0, struct heph_packet), \
		"heph_serve_packets: the messages of " #n_ " are not struct heph_packet"); \
	heph_raw_serve_packets((ctx_), (fd_), &n_##_actor, &heph_s__, sizeof(struct n_##_spawn), &heph_s__.serve))
/* For the option .peer of heph_serve(). */
#define heph_peer_member(n_, member_) \
	(offsetof(struct n_##_spawn, arg.member_) + 0 * sizeof(struct { \
		_Static_assert(HEPH_SAME__(((struct n_##_spawn *)0)->arg.member_, struct heph_address), \
			"heph_peer_member: " #member_ " is not a struct heph_address"); char unused; }))

#define heph_send(ctx_, ref_, ...) HEPH_DO__( \
	HEPH_MSG__(ref_, __VA_ARGS__) heph_raw_send((ctx_), (ref_).addr, &heph_m__, sizeof(heph_m__)))
#define heph_try_send(ref_, ...) HEPH_DO__( \
	HEPH_MSG__(ref_, __VA_ARGS__) heph_raw_try_send((ref_).addr, &heph_m__, sizeof(heph_m__)))
#define heph_post(ref_, ...) __extension__({ \
	HEPH_MSG__(ref_, __VA_ARGS__) heph_raw_post((ref_).addr, &heph_m__, sizeof(heph_m__)); })

#define heph_send_after(ctx_, ref_, length_, ...) HEPH_DO__( \
	HEPH_MSG__(ref_, __VA_ARGS__) heph_raw_send_after((ctx_), NULL, (ref_).addr, (length_), &heph_m__, sizeof(heph_m__)))
#define heph_send_timer(ctx_, ret_timer_, ref_, length_, ...) HEPH_DO__( \
	HEPH_MSG__(ref_, __VA_ARGS__) \
	heph_raw_send_after((ctx_), (ret_timer_), (ref_).addr, (length_), &heph_m__, sizeof(heph_m__)))

#define HEPH_FITS__(in_, ret_, who_) _Static_assert(HEPH_SAME__(*(ret_), *(in_).ref_t->msg_t), \
	who_ ": " #ret_ " is not a pointer to the messages of " #in_)
#define heph_recv(ctx_, in_, ret_msg_) HEPH_DO__( \
	HEPH_FITS__(in_, ret_msg_, "heph_recv"); heph_raw_recv((ctx_), (in_).inbox, (ret_msg_), sizeof(*(ret_msg_))))
#define heph_try_recv(in_, ret_msg_) HEPH_DO__( \
	HEPH_FITS__(in_, ret_msg_, "heph_try_recv"); heph_raw_try_recv((in_).inbox, (ret_msg_), sizeof(*(ret_msg_))))
#define heph_peek(ctx_, in_, ret_msg_) HEPH_DO__( \
	HEPH_FITS__(in_, ret_msg_, "heph_peek"); heph_raw_peek((ctx_), (in_).inbox, (ret_msg_), sizeof(*(ret_msg_))))
#define heph_try_peek(in_, ret_msg_) HEPH_DO__( \
	HEPH_FITS__(in_, ret_msg_, "heph_try_peek"); heph_raw_try_peek((in_).inbox, (ret_msg_), sizeof(*(ret_msg_))))
#define heph_inbox_info(in_) heph_raw_inbox_info((in_).inbox)
#define heph_self(in_) ((__typeof__(*(in_).ref_t)){ { .addr = heph_raw_self((in_).inbox) } })

/* What a message must have, in a variable heph_w__. */
#define HEPH_MSG_MEMBER__(in_, member_) (((__typeof__((in_).ref_t->msg_t))0)->member_)
#define HEPH_WHERE__(in_, member_, value_, who_) \
	_Static_assert(HEPH_SCALAR__(HEPH_MSG_MEMBER__(in_, member_)), \
		who_ ": " #member_ " is not an integer, bool, enum or pointer"); \
	_Static_assert(__builtin_classify_type(value_) != 8, who_ ": " #value_ " is a floating-point number"); \
	HEPH_LET__(__typeof__(HEPH_MSG_MEMBER__(in_, member_)), heph_v__, (value_)) \
	struct heph_match heph_w__ = { .at = offsetof(__typeof__(*(in_).ref_t->msg_t), member_), .size = sizeof(heph_v__) }; \
	__builtin_memcpy(&heph_w__.value, &heph_v__, sizeof(heph_v__));
/* Neither a struct nor an array nor a floating-point number. */
#define HEPH_SCALAR__(x_) (__builtin_classify_type(x_) >= 1 && __builtin_classify_type(x_) <= 5 && \
	sizeof(x_) <= 8 && HEPH_SAME__(x_, ((void)0, (x_))))
#define heph_recv_where(ctx_, in_, ret_msg_, member_, value_) HEPH_DO__( \
	HEPH_FITS__(in_, ret_msg_, "heph_recv_where"); HEPH_WHERE__(in_, member_, value_, "heph_recv_where") \
	heph_raw_recv_where((ctx_), (in_).inbox, (ret_msg_), sizeof(*(ret_msg_)), &heph_w__))
#define heph_try_recv_where(in_, ret_msg_, member_, value_) HEPH_DO__( \
	HEPH_FITS__(in_, ret_msg_, "heph_try_recv_where"); HEPH_WHERE__(in_, member_, value_, "heph_try_recv_where") \
	heph_raw_try_recv_where((in_).inbox, (ret_msg_), sizeof(*(ret_msg_)), &heph_w__))

/* A member of a message: where the answer, of that type, goes. */
#define HEPH_REPLY(type_) union { struct heph_reply raw; type_ *value_t; }

/* In a scope with the message. */
#define HEPH_CALL__(member_, ret_, size_) &(const struct heph_call){ \
	.msg = &heph_m__, .size = sizeof(heph_m__), \
	.reply_at = (size_t)((char *)&heph_m__.member_.raw - (char *)&heph_m__), \
	.ret = (ret_), .ret_size = (size_), .member = #member_ }

#define heph_call(ctx_, ref_, member_, ret_, ...) HEPH_DO__( \
	HEPH_MSG__(ref_, __VA_ARGS__) \
	_Static_assert(HEPH_SAME__(*(ret_), *heph_m__.member_.value_t), \
		"heph_call: " #member_ " does not answer with the type of *" #ret_); \
	heph_raw_call((ctx_), (ref_).addr, HEPH_CALL__(member_, ret_, sizeof(*(ret_)))))
#define heph_answer(reply_, ...) __extension__({ \
	HEPH_LET__(__typeof__(*(reply_).value_t), heph_v__, __VA_ARGS__) \
	heph_raw_answer((reply_).raw, &heph_v__, sizeof(heph_v__)); })
#define heph_refuse(reply_, err_) heph_raw_refuse((reply_).raw, (err_))
#define heph_reply_wanted(reply_) heph_raw_reply_wanted((reply_).raw)
#define heph_for_caller(ctx_, reply_) heph_raw_for_caller((ctx_), (reply_).raw)
#define heph_forward(ctx_, ref_, member_, reply_, ...) HEPH_DO__( \
	HEPH_MSG__(ref_, __VA_ARGS__) \
	_Static_assert(HEPH_SAME__(*(reply_).value_t, *heph_m__.member_.value_t), \
		"heph_forward: " #member_ " does not answer with the type of " #reply_); \
	heph_raw_forward((ctx_), (ref_).addr, &heph_m__, sizeof(heph_m__), \
		(size_t)((char *)&heph_m__.member_.raw - (char *)&heph_m__), (reply_).raw))

/* A call that was started, which will be answered with that type. */
#define HEPH_PENDING(type_) union { struct heph_pending raw; type_ *value_t; }

#define heph_start_call(...) heph_start_call__(heph_raw_start_call, "heph_start_call", __VA_ARGS__)
#define heph_try_start_call(...) heph_start_call__(heph_raw_try_start_call, "heph_try_start_call", __VA_ARGS__)
#define heph_start_call__(how_, who_, ctx_, ref_, member_, pending_, ...) HEPH_DO__( \
	HEPH_MSG__(ref_, __VA_ARGS__) \
	_Static_assert(HEPH_SAME__(*(pending_)->value_t, *heph_m__.member_.value_t), \
		who_ ": " #member_ " does not answer with the type of " #pending_); \
	how_((ctx_), (ref_).addr, HEPH_CALL__(member_, NULL, sizeof(*(pending_)->value_t)), \
		&(pending_)->raw))
#define heph_await(ctx_, pending_, ret_) HEPH_DO__( \
	_Static_assert(HEPH_SAME__(*(pending_)->value_t, *(ret_)), \
		"heph_await: " #pending_ " is not answered with the type of *" #ret_); \
	heph_raw_await((ctx_), &(pending_)->raw, (ret_), sizeof(*(ret_))))
#define heph_forget_call(ctx_, pending_) heph_raw_forget_call((ctx_), &(pending_)->raw)
#define heph_on_room(ref_) heph_raw_on_room((ref_).addr)
#define heph_on_answer(pending_) heph_raw_on_answer((pending_).raw)

/* A group and a reference, a group and another one. */
#define HEPH_MEMBER__(group_, ref_, who_) _Static_assert(HEPH_SAME__(*(group_)->ref_t, ref_), \
	who_ ": " #ref_ " is not a reference for " #group_)
#define HEPH_ALIKE__(group_, other_, who_) _Static_assert(HEPH_SAME__(*(group_)->ref_t, *(other_)->ref_t), \
	who_ ": " #other_ " is not a group of the type of " #group_)
#define HEPH_REF_OF__(group_, ...) ((__typeof__(*(group_)->ref_t)){ { .addr = __VA_ARGS__ } })

#define heph_group_add(ctx_, group_, ref_) HEPH_DO__( \
	HEPH_MEMBER__(group_, ref_, "heph_group_add"); heph_raw_group_add((ctx_), &(group_)->group, (ref_).addr))
#define heph_group_add_unique(ctx_, group_, ref_) HEPH_DO__( \
	HEPH_MEMBER__(group_, ref_, "heph_group_add_unique"); \
	heph_raw_group_add_unique((ctx_), &(group_)->group, (ref_).addr))
#define heph_group_extend(ctx_, group_, other_) HEPH_DO__( \
	HEPH_ALIKE__(group_, other_, "heph_group_extend"); \
	heph_raw_group_extend((ctx_), &(group_)->group, &(other_)->group))
#define heph_group_remove(group_, ref_) heph_raw_group_remove(&(group_)->group, (ref_).addr)
#define heph_group_remove_gone(group_) heph_raw_group_remove_gone(&(group_)->group)
#define heph_group_make_unique(group_) heph_raw_group_make_unique(&(group_)->group)
#define heph_group_by_key(group_, key_) HEPH_REF_OF__(group_, heph_raw_group_by_key(&(group_)->group, (key_)))
#define heph_stop_all(group_) heph_raw_stop_all(&(group_)->group)
#define heph_join_all(ctx_, group_) heph_raw_join_all((ctx_), &(group_)->group)

#define heph_group_count(group_) heph_raw_group_count(&(group_)->group)
#define heph_group_at(group_, i_) HEPH_REF_OF__(group_, heph_raw_group_at(&(group_)->group, (i_)))

#define HEPH_GROUP_MSG__(group_, ...) HEPH_MSG__(*(group_)->ref_t, __VA_ARGS__)
#define heph_try_send_one(group_, ...) HEPH_DO__( \
	HEPH_GROUP_MSG__(group_, __VA_ARGS__) \
	heph_raw_try_send_one(&(group_)->group, &heph_m__, sizeof(heph_m__)))
#define heph_send_one(ctx_, group_, ...) HEPH_DO__( \
	HEPH_GROUP_MSG__(group_, __VA_ARGS__) \
	heph_raw_send_one((ctx_), &(group_)->group, &heph_m__, sizeof(heph_m__)))
#define heph_send_by_key(ctx_, group_, key_, ...) HEPH_DO__( \
	HEPH_GROUP_MSG__(group_, __VA_ARGS__) \
	heph_raw_send_by_key((ctx_), &(group_)->group, (key_), &heph_m__, sizeof(heph_m__)))
#define heph_try_send_all(group_, ...) HEPH_DO__( \
	HEPH_GROUP_MSG__(group_, __VA_ARGS__) \
	heph_raw_try_send_all(&(group_)->group, &heph_m__, sizeof(heph_m__)))
#define heph_send_all(ctx_, group_, ...) HEPH_DO__( \
	HEPH_GROUP_MSG__(group_, __VA_ARGS__) \
	heph_raw_send_all((ctx_), &(group_)->group, &heph_m__, sizeof(heph_m__)))

#define heph_call_any(ctx_, group_, member_, ret_, ...) HEPH_DO__( \
	HEPH_GROUP_MSG__(group_, __VA_ARGS__) \
	_Static_assert(HEPH_SAME__(*(ret_), *heph_m__.member_.value_t), \
		"heph_call_any: " #member_ " does not answer with the type of *" #ret_); \
	heph_raw_call_any((ctx_), &(group_)->group, HEPH_CALL__(member_, ret_, sizeof(*(ret_)))))
#define heph_call_all(ctx_, group_, member_, results_, ...) HEPH_DO__( \
	HEPH_GROUP_MSG__(group_, __VA_ARGS__) \
	_Static_assert(HEPH_SAME__((results_)->value, *heph_m__.member_.value_t), \
		"heph_call_all: " #member_ " does not answer with the type of " #results_ "[].value"); \
	_Static_assert(HEPH_SAME__((results_)->err, int), "heph_call_all: " #results_ "[].err is not an int"); \
	heph_raw_call_all((ctx_), &(group_)->group, HEPH_CALL__(member_, NULL, sizeof((results_)->value)), \
		&(const struct heph_call_results){ .results = (results_), .stride = sizeof(*(results_)), \
			.err_at = offsetof(__typeof__(*(results_)), err), \
			.value_at = offsetof(__typeof__(*(results_)), value), \
			.size = HEPH_SAME__(results_, &(results_)[0]) ? SIZE_MAX : sizeof(results_) }))

#define heph_wait(ctx_, ...) HEPH_DO__( \
	const struct heph_on heph_on__[] = { __VA_ARGS__ }; \
	heph_raw_wait((ctx_), heph_on__, sizeof(heph_on__) / sizeof(*heph_on__)))
#define heph_on_msg(in_, ret_msg_) __extension__({ \
	HEPH_FITS__(in_, ret_msg_, "heph_on_msg"); \
	(struct heph_on){ .what = HEPH_ON_MSG__, .inbox = (in_).inbox, .ret = (ret_msg_), .size = sizeof(*(ret_msg_)) }; })
#define heph_on_msg_where(in_, ret_msg_, member_, value_) __extension__({ \
	HEPH_FITS__(in_, ret_msg_, "heph_on_msg_where"); HEPH_WHERE__(in_, member_, value_, "heph_on_msg_where") \
	(struct heph_on){ .what = HEPH_ON_MSG_WHERE__, .inbox = (in_).inbox, .ret = (ret_msg_), \
		.size = sizeof(*(ret_msg_)), .match = heph_w__ }; })

/* fn is: void fn(heph_ctx ctx, T *copy), where value is a T. */
#define heph_defer(ctx_, fn_, ...) HEPH_DO__( \
	struct heph_defer__ { void (*fn)(heph_ctx, __typeof__(__VA_ARGS__) *); __typeof__(__VA_ARGS__) value; }; \
	HEPH_STRICT__ const struct heph_defer__ heph_d__ = { (fn_), (__VA_ARGS__) }; HEPH_END__ \
	heph_raw_defer((ctx_), &heph_d__, sizeof(heph_d__), offsetof(struct heph_defer__, value)))

/* ---- references ---------------------------------------------------------- */

#define HEPH_12TH__(a_, b_, c_, d_, e_, f_, g_, h_, i_, j_, k_, it_, ...) it_
/* `one_` if one argument follows, `more_` if two to eleven do. */
#define HEPH_COUNTED__(one_, more_, ...) \
	HEPH_12TH__(__VA_ARGS__, more_, more_, more_, more_, more_, more_, more_, more_, more_, more_, one_, )

/* heph_map(ctx, &ret_ref, target, fn[, value])
 * heph_map_owning(ctx, &ret_ref, target, fn, drop[, value]) */
#define heph_map(ctx_, ret_, target_, ...) \
	HEPH_COUNTED__(heph_map_1__, heph_map_2__, __VA_ARGS__)(ctx_, ret_, target_, __VA_ARGS__)
#define heph_map_1__(ctx_, ret_, target_, fn_) heph_map_owning_1__(ctx_, ret_, target_, fn_, NULL)
#define heph_map_2__(ctx_, ret_, target_, fn_, ...) heph_map_owning_2__(ctx_, ret_, target_, fn_, NULL, __VA_ARGS__)
#define heph_map_owning(ctx_, ret_, target_, fn_, ...) \
	HEPH_COUNTED__(heph_map_owning_1__, heph_map_owning_2__, __VA_ARGS__)(ctx_, ret_, target_, fn_, __VA_ARGS__)
#define heph_map_owning_1__(ctx_, ret_, target_, fn_, drop_) HEPH_DO__( \
	HEPH_MAP_TYPES__(ret_, target_) \
	HEPH_STRICT__ \
	const struct { \
		int (*fn)(const heph_from__ *, heph_to__ *); \
		void (*drop)(heph_from__ *); \
	} heph_f__ = { (fn_), (drop_) }; \
	HEPH_END__ \
	HEPH_MAP__(ctx_, ret_, target_, NULL, 0))
#define heph_map_owning_2__(ctx_, ret_, target_, fn_, drop_, ...) HEPH_DO__( \
	HEPH_MAP_TYPES__(ret_, target_) \
	typedef __typeof__(__VA_ARGS__) heph_value__; \
	HEPH_STRICT__ \
	const struct { \
		int (*fn)(const heph_from__ *, heph_to__ *, const heph_value__ *); \
		void (*drop)(heph_from__ *); \
		heph_value__ value; \
	} heph_f__ = { (fn_), (drop_), (__VA_ARGS__) }; \
	HEPH_END__ \
	_Static_assert(sizeof(heph_value__) <= HEPH_MAP_VALUE_MAX, "heph_map: a value has at most 64 bytes"); \
	HEPH_MAP__(ctx_, ret_, target_, &heph_f__.value, sizeof(heph_value__)))
/* Not within the structs: there clang would take a compound literal in the
 * caller's arguments for a constant. */
#define HEPH_MAP_TYPES__(ret_, target_) \
	typedef __typeof__(*(ret_)->msg_t) heph_from__; \
	typedef __typeof__(*(target_).msg_t) heph_to__; \
	_Static_assert(!HEPH_NONE__(heph_from__) && !HEPH_NONE__(heph_to__), \
		"heph_map: both references must be to actors that take messages");
#define HEPH_MAP__(ctx_, ret_, target_, value_, size_) \
	heph_raw_map((ctx_), &(const struct heph_mapping){ \
		.target = (target_).addr, .fn = &heph_f__.fn, .drop = &heph_f__.drop, \
		.value = (value_), .value_size = (size_), \
		.from_size = sizeof(heph_from__), .to_size = sizeof(heph_to__) }, &(ret_)->addr)

#define HEPH_IS_REF__(n_, ret_, who_) _Static_assert(HEPH_SAME__(ret_, n_##_ref *), who_ ": " #ret_ " is not a " #n_ "_ref *")
#define heph_whereis(ctx_, n_, text_, ret_) HEPH_DO__( \
	HEPH_IS_REF__(n_, ret_, "heph_whereis"); heph_raw_whereis((ctx_), &n_##_actor, (text_), &(ret_)->addr))
#define heph_await_name(ctx_, n_, text_, ret_) HEPH_DO__( \
	HEPH_IS_REF__(n_, ret_, "heph_await_name"); heph_raw_await_name((ctx_), &n_##_actor, (text_), &(ret_)->addr))
#define heph_cast(ref_, n_, ret_) HEPH_DO__( \
	HEPH_IS_REF__(n_, ret_, "heph_cast"); heph_raw_cast((ref_).addr, &n_##_actor, &(ret_)->addr))

/* In the function of an adapter: heph_carry_reply(to->member, from->member). */
#define heph_carry_reply(to_, from_) __extension__({ \
	_Static_assert(HEPH_SAME__(*(to_).value_t, *(from_).value_t), \
		"heph_carry_reply: the answers are of different types"); \
	(to_).raw = (from_).raw; (void)0; })

/* clang-format on */

#endif
#endif
