/* SPDX-License-Identifier: MIT */
/*
 * types.h - the values that all calls of Heph share
 *
 * All of them are plain data: they can be copied, stored, and sent to other
 * actors. None keeps anything alive, none needs to be given back.
 *
 * Every call returns 0 or more when it is done, and a negative errno when it
 * is not. `errno` itself is never part of the interface.
 */
#ifndef HEPH_TYPES_H
#define HEPH_TYPES_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The result of a call that may fail must be looked at. */
#define HEPH_MUST __attribute__((warn_unused_result))
/* Everything else in the libraries is hidden. */
#define HEPH_API __attribute__((visibility("default")))

#define HEPH_NORETURN __attribute__((noreturn))

/* Changes when a program must be compiled again; see struct heph_actor. */
#define HEPH_ABI 1

/* Nanoseconds: a moment (of CLOCK_MONOTONIC) or a length of time. */
typedef int64_t heph_time;

#define HEPH_NSEC INT64_C(1)
#define HEPH_USEC INT64_C(1000)
#define HEPH_MSEC INT64_C(1000000)
#define HEPH_SEC INT64_C(1000000000)
#define HEPH_NEVER (INT64_MAX - 1) /* even: bit 0 of a deadline has a use */

/*
 * Who is running, and until when it is willing to wait. Two registers, passed
 * by value: the calls of time.h make a new context that waits less, and the
 * old one still waits as long as before. A function that takes a context may
 * wait; a function without one cannot.
 *
 * A context belongs to its actor (or thread) and is of no use to another.
 */
struct heph_self;
typedef struct heph_ctx {
	struct heph_self *self;
	heph_time deadline; /* bit 0 set: made by heph_shield() */
} heph_ctx;

/* The identity of an actor: `id` is never used again. { 0 } is nobody. */
struct heph_addr {
	uint64_t id;      /* 0: nobody. Worker 10 bits, serial 54 bits */
	uint32_t slot;    /* its place on that worker */
	uint16_t node;    /* the runtime in this process */
	uint16_t reserved;
};

/* A reference to any actor: it can be stopped, joined, watched. To send to it
 * the type is needed: HEPH_ACTOR(counter, ...) makes counter_ref. */
typedef struct heph_ref {
	struct heph_addr addr;
} heph_ref;

/* A descriptor that the runtime knows. A closed one is -EBADF, also when the
 * kernel uses its number again. { 0 } is none. */
typedef struct heph_fd {
	uint32_t slot, turn;
} heph_fd;

/* Why an actor ended. A positive number that its function returned counts as
 * 0, and so does -ECANCELED when it was asked to stop. */
struct heph_exit {
	int err;       /* what its function returned; 0: all is well */
	char note[60]; /* more words, of a panic for example; may be empty */
};

/* Where an answer goes: a number that is checked on arrival. */
struct heph_reply {
	uint64_t call;   /* 0: nobody waits */
	uint32_t slot;
	uint16_t thread;
	uint16_t node;
};

#ifdef __cplusplus
}
#endif

/*
 * What macros with options are made of: a struct that begins with its size, on its
 * way to a function; and a struct or an array that stays, for tables. C++ has no
 * compound literals, but both compilers have designated initialisers.
 */
#ifdef __cplusplus
extern "C++" { /* who includes this may be within extern "C" */
#include <initializer_list>

#define HEPH_DESIGNATED__                                                      \
	_Pragma("GCC diagnostic push")                                         \
		_Pragma("GCC diagnostic ignored \"-Wpragmas\"") _Pragma(       \
			"GCC diagnostic ignored \"-Wpedantic\"")               \
			_Pragma("GCC diagnostic ignored \"-Wc++20-extensions\"") \
				_Pragma("GCC diagnostic ignored \"-Wmissing-field-initializers\"")
#define HEPH_END__ _Pragma("GCC diagnostic pop")

template <class T> struct heph_given__ {
	typedef T type;
	static const T *at(const T &it)
	{
		return &it;
	}
};
template <class T> const T *heph_list__(std::initializer_list<T> list)
{
	return list.begin();
}
[[nodiscard]] inline int heph_must__(int result)
{
	return result;
}
}
#define HEPH_WITH__(...)                                                       \
	heph_must__(__extension__({                                            \
		HEPH_DESIGNATED__                                              \
		const int heph_w__ = __VA_ARGS__;                              \
		HEPH_END__                                                     \
		heph_w__;                                                      \
	}))
#define HEPH_SIZED__(type_, ...)                                               \
	heph_given__<type_>::at(heph_given__<type_>::type{                     \
		.size = sizeof(type_), __VA_ARGS__ })
#define HEPH_ARRAY_GIVEN__(type_, ...) heph_list__<type_>({ __VA_ARGS__ })
#define HEPH_STAYS__(type_, ...)                                               \
	([]() -> const type_ * {                                               \
		HEPH_DESIGNATED__                                              \
		static const type_ it = { __VA_ARGS__ };                       \
		HEPH_END__                                                     \
		return &it;                                                    \
	}())
#define HEPH_ARRAY_STAYS__(type_, ...)                                          \
	([]() -> const type_ * {                                               \
		HEPH_DESIGNATED__                                              \
		static const type_ list[] = { __VA_ARGS__ };                   \
		HEPH_END__                                                     \
		return list;                                                   \
	}())
#define HEPH_MADE__(type_, ...)                                                \
	([]() -> type_ {                                                       \
		HEPH_DESIGNATED__                                              \
		const type_ it = { __VA_ARGS__ };                              \
		HEPH_END__                                                     \
		return it;                                                     \
	}())
#else
#define HEPH_WITH__(...) (__VA_ARGS__)
#define HEPH_SIZED__(type_, ...)                                               \
	(&(type_){ .size = sizeof(type_), __VA_ARGS__ })
#define HEPH_ARRAY_GIVEN__(type_, ...) ((const type_[]){ __VA_ARGS__ })
#define HEPH_STAYS__(type_, ...) (&(const type_){ __VA_ARGS__ })
#define HEPH_ARRAY_STAYS__(type_, ...) ((const type_[]){ __VA_ARGS__ })
#define HEPH_MADE__(type_, ...) { __VA_ARGS__ }
#endif

/*
 * For the libraries: takes options over, from a struct that begins with its size, into the
 * `size` bytes at `to`, which is set as well. What an earlier version of the program did
 * not have is zero, the default. Returns false if the program is of a later version and has
 * set what this one does not know, or if the size is none.
 */
static inline bool heph_take_options__(void *to, size_t size, const void *from)
{
	const unsigned char *bytes = (const unsigned char *)from;
	size_t given;

	__builtin_memcpy(&given, from, sizeof(given));
	if (given < sizeof(given) || given > 4096)
		return false;
	__builtin_memset(to, 0, size);
	__builtin_memcpy(to, from, given < size ? given : size);
	__builtin_memcpy(to, &size, sizeof(size));
	for (size_t i = size; i < given; i++)
		if (bytes[i])
			return false;
	return true;
}
#endif
