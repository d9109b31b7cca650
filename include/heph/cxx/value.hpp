/* SPDX-License-Identifier: MIT */
/*
 * value.hpp - what travels between actors, results, times; a part of heph.hpp
 *
 * The runtime copies messages byte by byte. One that is trivially copyable
 * travels as it is, and may come from C or go there. Any other one is moved to
 * the heap when it is sent, and its address travels; it is moved out again
 * when it is received, and destroyed if it never is.
 */
#ifndef HEPH_CXX_VALUE_HPP
#define HEPH_CXX_VALUE_HPP

#include <heph/heph.h>

#if __cplusplus < 201703L
#error "heph.hpp needs C++17"
#endif

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <memory>
#include <new>
#include <optional>
#include <system_error>
#include <type_traits>
#include <utility>

/* Stands in for `void`. A number for it is an error: the actor takes nothing. */
struct heph_empty {
	struct heph_takes_no_argument *unused;
};

namespace heph_cxx
{

/* ---- types ----------------------------------------------------------------- */

template <class T>
using value = std::conditional_t<std::is_void_v<T>, heph_empty, T>;

/* For a parameter that other ones decide the type of. */
template <class T> struct identity {
	typedef T type;
};
template <class T> using same = typename identity<T>::type;

template <class T> constexpr bool plain()
{
	return std::is_trivially_copyable_v<value<T>> &&
	       alignof(value<T>) <= 16;
}

/* ---- results ----------------------------------------------------------------- */

/* A negative errno as the standard library has it; 0 or more is no error. */
inline std::error_code error(int err)
{
	return { err < 0 ? -err : 0, std::generic_category() };
}

/* Why there is no result. */
struct failed {
	int err;
};

/* A T, or the negative errno because of which there is none. Nothing is thrown;
 * *result, of one that is an error, is undefined as std::optional's is. */
template <class T> class [[nodiscard]] result
{
	int code;
	std::optional<T> it;

      public:
	result(failed why) : code(why.err)
	{
	}
	result(T &&from) : code(0), it(std::move(from))
	{
	}

	explicit operator bool() const
	{
		return it.has_value();
	}
	int err() const
	{
		return code;
	}
	std::error_code error() const
	{
		return heph_cxx::error(code);
	}
	T &operator*() &
	{
		return *it;
	}
	T &&operator*() &&
	{
		return std::move(*it);
	}
	T *operator->()
	{
		return &*it;
	}
	template <class U> T value_or(U &&other) &&
	{
		return std::move(it).value_or(std::forward<U>(other));
	}
};

/* ---- times ------------------------------------------------------------------- */

/* A length of time; what does not fit is for ever. */
template <class R, class P>
constexpr heph_time nanoseconds(std::chrono::duration<R, P> length)
{
	typedef std::chrono::duration<long double, std::nano> exact;
	const long double n = exact(length).count();

	if (n >= static_cast<long double>(HEPH_NEVER))
		return HEPH_NEVER;
	if (n <= -static_cast<long double>(HEPH_NEVER))
		return -HEPH_NEVER;
	return std::chrono::duration_cast<std::chrono::nanoseconds>(length)
		.count();
}

/* The clock of heph_now(), which a test may have in its hands. Its moments, not
 * those of std::chrono::steady_clock, are what deadlines are made of. */
struct clock {
	typedef std::chrono::nanoseconds duration;
	typedef duration::rep rep;
	typedef duration::period period;
	typedef std::chrono::time_point<clock> time_point;
	static constexpr bool is_steady = true;

	static time_point now() noexcept
	{
		return time_point(duration(heph_now()));
	}
};

/* heph_time or any std::chrono::duration. */
struct length {
	heph_time n;

	constexpr length(heph_time it) : n(it)
	{
	}
	template <class R, class P>
	constexpr length(std::chrono::duration<R, P> it) : n(nanoseconds(it))
	{
	}
};

/* ---- what is on its way -------------------------------------------------------- */

template <class M> constexpr void check_moves()
{
	static_assert(
		plain<M>() || std::is_nothrow_move_constructible_v<value<M>>,
		"a message that is not trivially copyable is moved on its way: "
		"its move constructor must be noexcept");
}

/* The message on the heap, and where in it an answer is awaited. */
template <class M> struct box {
	M *it;
	size_t reply_at; /* + 1; 0: nowhere */
	struct heph_reply reply;
};

template <class M>
using wire = std::conditional_t<plain<M>(), value<M>, box<value<M>>>;

/* The address of a member is a number of bytes from that of the message. */
template <class M, class Member> size_t offset_in(M &msg, const Member &member)
{
	return static_cast<size_t>(reinterpret_cast<const char *>(&member) -
				   reinterpret_cast<const char *>(&msg));
}

/* Moves it to the heap. Returns 0; -ENOMEM. */
template <class M> int pack(box<M> &to, M &from)
{
	check_moves<M>();
	to = {};
	to.it = new (std::nothrow) M(std::move(from));
	return to.it ? 0 : -ENOMEM;
}

/* Moves it back to the caller, who has it still. */
template <class M> void unpack(box<M> &from, M &to)
{
	if constexpr (std::is_move_assignable_v<M>) {
		to = std::move(*from.it);
	} else {
		to.~M();
		new (&to) M(std::move(*from.it));
	}
	delete from.it;
}

template <class M> M &open(box<M> &from)
{
	if (from.reply_at)
		std::memcpy(reinterpret_cast<char *>(from.it) + from.reply_at -
				    1,
			    &from.reply, sizeof(from.reply));
	return *from.it;
}

/* Gives the message by raw(address, size), which has taken it if it does not
 * return an error. */
template <class M, class Raw> int give(M &msg, Raw raw)
{
	if constexpr (plain<M>()) {
		return raw(&msg, sizeof(msg));
	} else {
		box<M> boxed;
		int err = pack(boxed, msg);

		if (err < 0)
			return err;
		err = raw(&boxed, sizeof(boxed));
		if (err < 0)
			unpack(boxed, msg);
		return err;
	}
}

/* The same of what a verb got for a message M: moves it if it may, and copies it
 * otherwise. */
template <class M, class U, class Raw> int give_as(U &&from, Raw raw)
{
	static_assert(std::is_convertible_v<U &&, M> ||
			      (std::is_same_v<std::decay_t<U>, M> &&
			       !std::is_copy_constructible_v<M>),
		      "this is not a message for that actor, or a value for that "
		      "channel");
	if constexpr (plain<M>() && std::is_same_v<std::decay_t<U>, M>) {
		return raw(static_cast<const void *>(&from), sizeof(M));
	} else if constexpr (std::is_same_v<U, M>) {
		return give(from, raw);
	} else {
		static_assert(std::is_constructible_v<M, U &&>,
			      "this message cannot be copied: std::move() it");
		if constexpr (std::is_constructible_v<M, U &&>) {
			M copy(std::forward<U>(from));

			return give(copy, raw);
		}
	}
}

/* Gets one by raw(address, size). */
template <class M, class Raw> int get(M *ret, Raw raw)
{
	if constexpr (plain<M>()) {
		return raw(ret, sizeof(*ret));
	} else {
		box<M> boxed;
		int err = raw(&boxed, sizeof(boxed));

		if (err == 0) {
			open(boxed);
			unpack(boxed, *ret);
		}
		return err;
	}
}

template <class M, class Raw> result<M> get(Raw raw)
{
	if constexpr (plain<M>()) {
		M msg;
		int err = raw(&msg, sizeof(msg));

		if (err < 0)
			return failed{ err };
		return std::move(msg);
	} else {
		box<M> boxed;
		int err = raw(&boxed, sizeof(boxed));

		if (err < 0)
			return failed{ err };
		const std::unique_ptr<M> gone(&open(boxed));
		return std::move(*gone);
	}
}

/* Destroys one that nobody received. */
template <class M> void drop_wire(void *at) noexcept
{
	if constexpr (!plain<M>())
		delete static_cast<box<M> *>(at)->it;
	(void)at;
}

/* Makes another one, for a group. Returns 0; -EINVAL; -ENOMEM. */
template <class M> int copy_wire(void *to, const void *from) noexcept
{
	if constexpr (plain<M>()) {
		std::memcpy(to, from, sizeof(value<M>));
		return 0;
	} else if constexpr (!std::is_copy_constructible_v<M>) {
		(void)to, (void)from;
		return -EINVAL;
	} else {
		box<M> made = *static_cast<const box<M> *>(from);

#ifdef __cpp_exceptions
		try {
			made.it = new (std::nothrow) M(*made.it);
		} catch (...) {
			made.it = nullptr;
		}
#else
		made.it = new (std::nothrow) M(*made.it);
#endif
		std::memcpy(to, &made, sizeof(made));
		return made.it ? 0 : -ENOMEM;
	}
}

/* A clause of heph_wait() about something of type T that it takes. */
template <class T> struct on_box {
	struct heph_on on;
	T *ret;
	box<T> got;
};

inline const struct heph_on &clause(struct heph_on &on)
{
	return on;
}
template <class T> const struct heph_on &clause(on_box<T> &on)
{
	on.on.ret = &on.got;
	on.on.size = sizeof(on.got);
	return on.on;
}
inline void taken(struct heph_on &)
{
}
template <class T> void taken(on_box<T> &on)
{
	open(on.got);
	unpack(on.got, *on.ret);
}

template <class T>
using on_value = std::conditional_t<plain<T>(), struct heph_on, on_box<T>>;

template <class T> on_value<T> make_clause(struct heph_on on, T *ret)
{
	if constexpr (plain<T>()) {
		on.ret = ret;
		on.size = sizeof(*ret);
		return on;
	} else {
		return { on, ret, {} };
	}
}

/* ---- exceptions -------------------------------------------------------------- */

inline void check_catch(const char *verb)
{
#if !defined(NDEBUG) && defined(__cpp_exceptions)
	if (!std::current_exception())
		return;
	std::fprintf(stderr, "heph: %s inside a catch block: leave it first\n",
		     verb);
	std::abort();
#else
	(void)verb;
#endif
}

/* A copy that outlives the exception; until the thread's next one. */
__attribute__((noinline)) inline const char *keep(const char *what)
{
	static thread_local char text[64];

	std::snprintf(text, sizeof(text), "%s", what);
	return text;
}

/* Runs the function of an actor. The exception is over, and out of the C++
 * runtime's hands, before the panic abandons this frame. */
template <class Body>
int guard(heph_ctx ctx, const char *file, int line, Body &&body)
{
#ifdef __cpp_exceptions
	const char *text;

	try {
		return body();
	} catch (const std::exception &e) {
		text = keep(e.what());
	} catch (const char *what) {
		text = keep(what);
	} catch (...) {
		text = "of no known type";
	}
	heph_raw_panic(ctx, file, line, "exception: %s", text);
#else
	(void)ctx, (void)file, (void)line;
	return body();
#endif
}

} /* namespace heph_cxx */

/* ---- times by std::chrono ------------------------------------------------------ */

template <class R, class P>
[[nodiscard]] int heph_sleep(heph_ctx ctx, std::chrono::duration<R, P> length)
{
	return heph_sleep(ctx, heph_cxx::nanoseconds(length));
}

template <class R, class P>
heph_ctx heph_within(heph_ctx ctx, std::chrono::duration<R, P> length)
{
	return heph_within(ctx, heph_cxx::nanoseconds(length));
}

inline heph_ctx heph_until(heph_ctx ctx, heph_cxx::clock::time_point when)
{
	return heph_until(ctx, when.time_since_epoch().count());
}

template <class R, class P>
heph_ctx heph_shield(heph_ctx ctx, std::chrono::duration<R, P> length)
{
	return heph_shield(ctx, heph_cxx::nanoseconds(length));
}

inline struct heph_on heph_on_time(heph_cxx::clock::time_point when)
{
	return heph_on_time(when.time_since_epoch().count());
}

template <class R, class P>
struct heph_interval heph_interval(std::chrono::duration<R, P> period)
{
	return heph_interval(heph_cxx::nanoseconds(period));
}

#endif
