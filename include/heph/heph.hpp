/* SPDX-License-Identifier: MIT */
/*
 * heph.hpp - the typed half for C++17: the words of typed.h, as templates
 *
 *     HEPH_ACTOR(counter, struct counter_msg, struct counter_arg);
 *
 * means the same in C and in C++, so a header that declares an actor serves
 * both, and one end of a conversation may be C and the other C++. In one .cpp
 * file HEPH_ACTOR_MAIN(counter, counter_main, .drop = counter_msg_drop) says
 * which function, or lambda without captures, it is. What differs from typed.h:
 *
 *   - Options follow the argument as one value, which is { } if the actor takes
 *     none:   heph_spawn(ctx, counter, &ref, { 2 }, { .inbox = 128 })
 *   - heph_wait() takes its clauses in order: no [A] = in front.
 *   - heph_spawn_fn() makes an actor of a lambda, whose captures are copied.
 *   - heph_defer() takes a function without arguments but the context.
 *
 * Messages, arguments and captures are copied byte by byte, to places where no
 * constructor and no destructor is called: they must be trivially copyable, and
 * the compiler says so.
 *
 * Exceptions. One that leaves the function of an actor made here becomes a
 * panic with its what() as the note, after the destructors of its frames have
 * run: the supervisor decides. (heph_panic() itself abandons frames: where
 * destructors matter, throw.) One that leaves a deferred call, a drop function
 * or .decide, or an actor that is written in C, ends the process.
 *
 * No wait inside a catch block: while it lasts, the C++ runtime keeps the
 * exception in a stack of the thread, which all actors of a worker share. Copy
 * what is needed, leave the block, then wait. Without NDEBUG the verbs below
 * stop the process when they are called in one. A destructor must not wait
 * while an exception passes through its frame either.
 */
#ifndef HEPH_HEPH_HPP
#define HEPH_HEPH_HPP

#include <heph/heph.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <type_traits>
#include <utility>

#if __cplusplus < 201703L
#error "heph.hpp needs C++17"
#endif

/* Stands in for `void`. */
struct heph_empty {
	char unused;
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

/* A reference to an actor that takes messages of type M; plain data. */
template <class M> struct ref {
	typedef M message;
	heph_addr addr;
};

template <class M> struct inbox {
	typedef M message;
	heph_inbox *queue;
};

/* HEPH_REPLY(type) */
template <class T> struct reply {
	typedef T result;
	heph_reply raw;
};

/* Where the reference of a new actor goes: its own type, any, or nowhere. */
template <class Ref> struct out {
	heph_addr *addr;

	out(Ref *ref) : addr(ref ? &ref->addr : nullptr)
	{
	}
	out(heph_ref *ref) : addr(ref ? &ref->addr : nullptr)
	{
	}
	out(std::nullptr_t) : addr(nullptr)
	{
	}
};

template <class T> constexpr bool plain()
{
	return std::is_trivially_copyable_v<value<T>> &&
	       alignof(value<T>) <= 16;
}

template <class M> constexpr void check_message()
{
	static_assert(std::is_void_v<M> || std::is_class_v<M>,
		      "a message is a struct");
	static_assert(plain<M>(),
		      "a message is copied byte by byte: it must be trivially "
		      "copyable, and aligned to at most 16 bytes");
	static_assert(sizeof(value<M>) <= HEPH_MSG_MAX,
		      "a message has at most 1 MiB");
}

template <class M> constexpr void check_takes()
{
	static_assert(!std::is_void_v<M>, "this actor takes no messages");
}

template <class A> constexpr void check_argument()
{
	static_assert(
		plain<A>(),
		"an argument (or what a lambda captures) is copied byte by "
		"byte: it must be trivially copyable, and aligned to at "
		"most 16 bytes");
	static_assert(sizeof(value<A>) <= HEPH_ARG_MAX,
		      "an argument has at most 16 KiB");
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

/* ---- types of actors ------------------------------------------------------------ */

/* Calls it with those of inbox and argument that it takes. */
template <class Inbox, class Arg, class F>
int call_main(F &f, heph_ctx ctx, heph_inbox *queue, void *arg)
{
	Inbox in = { queue };
	Arg *it = static_cast<Arg *>(arg);

	(void)in, (void)it;
	if constexpr (std::is_invocable_r_v<int, F &, heph_ctx, Inbox, Arg *>)
		return f(ctx, in, it);
	else if constexpr (std::is_invocable_r_v<int, F &, heph_ctx, Inbox>)
		return f(ctx, in);
	else if constexpr (std::is_invocable_r_v<int, F &, heph_ctx, Arg *>)
		return f(ctx, it);
	else
		return f(ctx);
}

template <class F, class Inbox, class Arg> constexpr bool is_main()
{
	return std::is_invocable_r_v<int, F &, heph_ctx> ||
	       std::is_invocable_r_v<int, F &, heph_ctx, Inbox> ||
	       std::is_invocable_r_v<int, F &, heph_ctx, Arg *> ||
	       std::is_invocable_r_v<int, F &, heph_ctx, Inbox, Arg *>;
}

template <class M, class A> struct hooks {
	void (*drop)(value<M> *msg);
	void (*drop_arg)(value<A> *arg);
	int (*copy)(value<M> *to, const value<M> *from);
};

/* Makes another message of one, for a group. Returns what typed.h says. */
template <class M, class A>
int copy(const hooks<M, A> &by, void *to, const void *from) noexcept
{
	if (by.copy)
		return by.copy(static_cast<value<M> *>(to),
			       static_cast<const value<M> *>(from));
	if (by.drop)
		return -EINVAL;
	std::memcpy(to, from, sizeof(value<M>));
	return 0;
}

/* What all types of actors have in common. */
template <class M, class A>
constexpr heph_actor make_type(const char *name, size_t arg_at,
			       size_t decide_at, size_t spawn_size)
{
	heph_actor type = {};

	check_message<M>();
	check_argument<A>();
	type.size__ = sizeof(heph_actor);
	type.abi = HEPH_ABI;
	type.name = name;
	type.msg_size = std::is_void_v<M> ? 0 : sizeof(value<M>);
	type.arg_size = std::is_void_v<A> ? 0 : sizeof(value<A>);
	type.arg_at = arg_at;
	type.decide_at = decide_at;
	type.spawn_size = spawn_size;
	type.options_size = sizeof(heph_options);
	return type;
}

/* ---- actors that are lambdas ------------------------------------------------------ */

/* The messages of a function: those of the inbox that it takes. */
template <class R, class... Rest> struct takes {
	typedef void message;
};
template <class R, class M> struct takes<R, inbox<M>> {
	typedef M message;
};

template <class F> struct signature : signature<decltype(&F::operator())> {
};
template <class F, class R, class... Rest>
struct signature<R (F::*)(heph_ctx, Rest...)> : takes<R, Rest...> {
};
template <class F, class R, class... Rest>
struct signature<R (F::*)(heph_ctx, Rest...) const> : takes<R, Rest...> {
};
template <class F, class R, class... Rest>
struct signature<R (F::*)(heph_ctx, Rest...) noexcept> : takes<R, Rest...> {
};
template <class F, class R, class... Rest>
struct signature<R (F::*)(heph_ctx, Rest...) const noexcept>
	: takes<R, Rest...> {
};

template <class F> using message_of = typename signature<F>::message;

typedef enum heph_verdict (*decide_fn)(const heph_exit *why);

template <class F> struct lambda {
	struct body {
		const char *file; /* where it was spawned */
		int line;
		alignas(16) F fn;
	};
	struct spawn {
		heph_options options;
		decide_fn decide;
		body arg;
	};

	static int entry(heph_ctx ctx, heph_inbox *queue, void *arg)
	{
		body *it = static_cast<body *>(arg);

		return guard(ctx, it->file, it->line, [&] {
			return call_main<inbox<message_of<F>>, void>(
				it->fn, ctx, queue, nullptr);
		});
	}

	static enum heph_verdict decide(const void *it, const heph_exit *why,
					void *) noexcept
	{
		return static_cast<const spawn *>(it)->decide(why);
	}

	static constexpr heph_actor make()
	{
		heph_actor made = make_type<message_of<F>, body>(
			"lambda", offsetof(spawn, arg), offsetof(spawn, decide),
			sizeof(spawn));

		made.entry = entry;
		made.decide = decide;
		return made;
	}

	static constexpr heph_actor type = make();
};

} /* namespace heph_cxx */

/* ---- declaring -------------------------------------------------------------------- */

#define HEPH_REF(n_, msg_) typedef heph_cxx::ref<msg_> n_##_ref

/* A member of a message: where the answer, of that type, goes. */
#define HEPH_REPLY(type_) heph_cxx::reply<type_>

#define HEPH_ACTOR(n_, msg_, arg_)                                             \
	extern "C" const struct heph_actor n_##_actor;                         \
	HEPH_REF(n_, msg_);                                                    \
	typedef heph_cxx::inbox<msg_> n_##_inbox;                              \
	typedef msg_ n_##_msg__;                                               \
	typedef arg_ n_##_arg__;                                               \
	struct n_##_options {                                                  \
		HEPH_OPTIONS__;                                                \
		enum heph_verdict (*decide)(const struct heph_exit *why,       \
					    arg_ *arg);                        \
	};                                                                     \
	struct n_##_given {                                                    \
		heph_cxx::value<arg_> arg = {};                                \
		n_##_options options = {};                                     \
	};                                                                     \
	struct n_##_spawn {                                                    \
		n_##_options options;                                          \
		char first__;                                                  \
		heph_cxx::value<arg_> arg;                                     \
	};                                                                     \
	static_assert(sizeof(n_##_ref) == sizeof(heph_addr) &&                 \
			      offsetof(n_##_options, decide) ==                \
				      sizeof(heph_options) &&                  \
			      offsetof(n_##_spawn, first__) ==                 \
				      sizeof(n_##_options),                    \
		      "as in C")

/* `f_` is a function, or a lambda without captures (in parentheses if there is
 * a comma in it). The hooks are those of typed.h, in the order .drop, .drop_arg,
 * .copy. */
#define HEPH_ACTOR_MAIN(n_, ...) HEPH_ACTOR_MAIN__(n_, __VA_ARGS__, )
#define HEPH_ACTOR_MAIN__(n_, f_, ...)                                         \
	static constexpr auto n_##_main__ = f_;                                \
	HEPH_DESIGNATED__                                                      \
	static constexpr heph_cxx::hooks<n_##_msg__, n_##_arg__>               \
		n_##_hooks__ = { __VA_ARGS__ };                                \
	HEPH_END__                                                             \
	static_assert(heph_cxx::is_main<decltype(n_##_main__), n_##_inbox,     \
					n_##_arg__>(),                         \
		      "the function of an actor is: int " #n_                  \
		      "_main(heph_ctx ctx[, " #n_                              \
		      "_inbox in][, <argument type> *arg])");                  \
	static int n_##_entry__(heph_ctx ctx, struct heph_inbox *queue,        \
				void *arg)                                     \
	{                                                                      \
		return heph_cxx::guard(ctx, __FILE__, __LINE__, [&] {          \
			return heph_cxx::call_main<n_##_inbox, n_##_arg__>(    \
				n_##_main__, ctx, queue, arg);                 \
		});                                                            \
	}                                                                      \
	static void n_##_drop__(void *msg) noexcept                            \
	{                                                                      \
		if (n_##_hooks__.drop)                                         \
			n_##_hooks__.drop(                                     \
				static_cast<heph_cxx::value<n_##_msg__> *>(    \
					msg));                                 \
	}                                                                      \
	static int n_##_copy__(void *to, const void *from) noexcept            \
	{                                                                      \
		return heph_cxx::copy(n_##_hooks__, to, from);                 \
	}                                                                      \
	static void n_##_drop_arg__(void *arg) noexcept                        \
	{                                                                      \
		if (n_##_hooks__.drop_arg)                                     \
			n_##_hooks__.drop_arg(                                 \
				static_cast<heph_cxx::value<n_##_arg__> *>(    \
					arg));                                 \
	}                                                                      \
	static enum heph_verdict n_##_decide__(const void *spawn,              \
					       const struct heph_exit *why,    \
					       void *arg) noexcept             \
	{                                                                      \
		return static_cast<const n_##_spawn *>(spawn)->options.decide( \
			why, static_cast<n_##_arg__ *>(arg));                  \
	}                                                                      \
	static constexpr struct heph_actor n_##_type__()                       \
	{                                                                      \
		heph_actor type = heph_cxx::make_type<n_##_msg__, n_##_arg__>( \
			#n_, offsetof(n_##_spawn, arg),                        \
			offsetof(n_##_spawn, options) + sizeof(heph_options),  \
			sizeof(n_##_spawn));                                   \
		type.entry = n_##_entry__;                                     \
		type.drop = n_##_drop__;                                       \
		type.copy = n_##_copy__;                                       \
		type.drop_arg = n_##_drop_arg__;                               \
		type.decide = n_##_decide__;                                   \
		return type;                                                   \
	}                                                                      \
	const struct heph_actor n_##_actor = n_##_type__()

/* Names of members in initialisers are C++20; both compilers have them before. */
#define HEPH_DESIGNATED__                                                      \
	_Pragma("GCC diagnostic push")                                         \
		_Pragma("GCC diagnostic ignored \"-Wpedantic\"") _Pragma(      \
			"GCC diagnostic ignored \"-Wmissing-field-initializers\"")
#define HEPH_END__ _Pragma("GCC diagnostic pop")

/* ---- the verbs ---------------------------------------------------------------------- */

#define HEPH_DO__(...)                                                         \
	heph_cxx::result__(__extension__({                                         \
		HEPH_DESIGNATED__                                              \
		const int heph_r__ = __VA_ARGS__;                              \
		HEPH_END__                                                     \
		heph_r__;                                                      \
	}))

/* heph_spawn(ctx, NAME, &ref or nullptr[, argument[, options]]) */
#define heph_spawn(ctx_, name_, ...) heph_spawn__(ctx_, name_, __VA_ARGS__, )
#define heph_spawn__(ctx_, n_, ret_, ...)                                      \
	HEPH_DO__(heph_cxx::spawn<n_##_ref, n_##_spawn, n_##_given>(           \
		ctx_, &n_##_actor, ret_, { __VA_ARGS__ }))

/* heph_run(config, NAME[, argument[, options]]) */
#define heph_run(config_, ...) heph_run__(config_, __VA_ARGS__, )
#define heph_run__(config_, n_, ...)                                           \
	HEPH_DO__(heph_cxx::run<n_##_spawn, n_##_given>(config_, &n_##_actor,  \
							{ __VA_ARGS__ }))

/* heph_run_on_each(ctx, NAME[, argument[, options]]) */
#define heph_run_on_each(ctx_, ...) heph_run_on_each__(ctx_, __VA_ARGS__, )
#define heph_run_on_each__(ctx_, n_, ...)                                      \
	HEPH_DO__(heph_cxx::run_on_each<n_##_spawn, n_##_given>(               \
		ctx_, &n_##_actor, { __VA_ARGS__ }))

/* heph_serve(ctx, listener, NAME, member[, argument[, options]]) */
#define heph_serve(ctx_, listener_, n_, ...)                                   \
	heph_serve__(heph_raw_serve, ctx_, listener_, n_, __VA_ARGS__, )
#define heph_serve_on_each(ctx_, listener_, n_, ...)                           \
	heph_serve__(heph_raw_serve_on_each, ctx_, listener_, n_, __VA_ARGS__, )
#define heph_serve__(how_, ctx_, listener_, n_, member_, ...)                  \
	HEPH_DO__(heph_cxx::serve<n_##_spawn, n_##_given>(                     \
		how_, ctx_, listener_, &n_##_actor,                            \
		[](n_##_spawn &it) -> heph_fd & { return it.arg.member_; },    \
		{ __VA_ARGS__ }))

#define heph_send(ctx_, ref_, ...)                                             \
	HEPH_DO__(heph_cxx::send(ctx_, ref_, __VA_ARGS__))
#define heph_try_send(ref_, ...)                                               \
	HEPH_DO__(heph_cxx::try_send(ref_, __VA_ARGS__))
#define heph_post(ref_, ...)                                                   \
	((void)HEPH_DO__((heph_cxx::post(ref_, __VA_ARGS__), 0)))

#define heph_send_after(ctx_, ref_, length_, ...)                              \
	HEPH_DO__(heph_cxx::send_after(ctx_, nullptr, ref_, length_, __VA_ARGS__))
#define heph_send_timer(ctx_, ret_timer_, ref_, length_, ...)                  \
	HEPH_DO__(heph_cxx::send_after(ctx_, ret_timer_, ref_, length_,        \
				       __VA_ARGS__))

/* heph_call(ctx, ref, member, &result, message) */
#define heph_call(ctx_, ref_, member_, ret_, ...)                              \
	HEPH_DO__(heph_cxx::call(                                              \
		ctx_, ref_,                                                    \
		[](auto &heph_m__) -> auto & { return heph_m__.member_; },     \
		#member_, ret_, __VA_ARGS__))
#define heph_inbox_info(in_) heph_raw_inbox_info((in_).queue)
#define heph_answer(reply_, ...) heph_cxx::answer(reply_, __VA_ARGS__)

namespace heph_cxx
{

[[nodiscard]] inline int result__(int result)
{
	return result;
}

template <class Spawn, class Given> Spawn spawn_of(const Given &given)
{
	return { given.options, 0, given.arg };
}

template <class Ref, class Spawn, class Given>
int spawn(heph_ctx ctx, const heph_actor *type, out<Ref> ret,
	  const Given &given)
{
	const Spawn it = spawn_of<Spawn>(given);

	check_catch("heph_spawn");
	return heph_raw_spawn(ctx, type, &it, ret.addr);
}

template <class Spawn, class Given>
int run(const heph_config *config, const heph_actor *type, const Given &given)
{
	const Spawn it = spawn_of<Spawn>(given);

	return heph_raw_run(config, sizeof(*config), type, &it);
}

template <class Spawn, class Given>
int run_on_each(heph_ctx ctx, const heph_actor *type, const Given &given)
{
	const Spawn it = spawn_of<Spawn>(given);

	check_catch("heph_run_on_each");
	return heph_raw_run_on_each(ctx, type, &it, sizeof(it));
}

template <class Spawn, class Given, class How, class Member>
int serve(How how, heph_ctx ctx, heph_fd listener, const heph_actor *type,
	  Member member, const Given &given)
{
	Spawn it = spawn_of<Spawn>(given);
	const char *at = reinterpret_cast<char *>(&member(it));

	check_catch("heph_serve");
	return how(ctx, listener, type, &it, sizeof(it),
		   static_cast<size_t>(at - reinterpret_cast<char *>(&it)),
		   nullptr);
}

template <class M> int send(heph_ctx ctx, ref<M> to, const same<value<M>> &msg)
{
	check_takes<M>();
	check_catch("heph_send");
	return heph_raw_send(ctx, to.addr, &msg, sizeof(msg));
}

template <class M> int try_send(ref<M> to, const same<value<M>> &msg)
{
	check_takes<M>();
	return heph_raw_try_send(to.addr, &msg, sizeof(msg));
}

template <class M> void post(ref<M> to, const same<value<M>> &msg)
{
	check_takes<M>();
	heph_raw_post(to.addr, &msg, sizeof(msg));
}

template <class M>
int send_after(heph_ctx ctx, heph_timer_id *ret_timer, ref<M> to,
	       heph_time length, const same<value<M>> &msg)
{
	check_takes<M>();
	return heph_raw_send_after(ctx, ret_timer, to.addr, length, &msg,
				   sizeof(msg));
}

template <class M, class Member, class T>
int call(heph_ctx ctx, ref<M> to, Member member, const char *name, T *ret,
	 same<value<M>> msg)
{
	typedef std::decay_t<decltype(member(msg))> slot;
	const char *at = reinterpret_cast<const char *>(&member(msg).raw);
	heph_call it = {};

	static_assert(std::is_same_v<typename slot::result, T>,
		      "heph_call: that member does not answer with the type of "
		      "the result");
	check_catch("heph_call");
	it.msg = &msg;
	it.size = sizeof(msg);
	it.reply_at = static_cast<size_t>(at - reinterpret_cast<char *>(&msg));
	it.ret = ret;
	it.ret_size = sizeof(*ret);
	it.member = name;
	return heph_raw_call(ctx, to.addr, &it);
}

/* Numbers may be converted where nothing is lost; all else must be of the
 * type. */
template <class T, class V> constexpr bool answers()
{
	if constexpr (std::is_arithmetic_v<T> && std::is_arithmetic_v<V>)
		return std::is_floating_point_v<T> ||
		       !std::is_floating_point_v<V>;
	else
		return std::is_same_v<T, V>;
}

template <class T, class V = T> int answer(reply<T> slot, const V &given)
{
	static_assert(answers<T, V>(),
		      "heph_answer: the caller awaits another type");
	const T it = static_cast<T>(given);

	return heph_raw_answer(slot.raw, &it, sizeof(it));
}

/* ---- what is given back at the end of a block --------------------------------------- */

/* A descriptor of the actor, closed before the actor ends. */
class scoped_fd
{
	heph_fd fd;

      public:
	explicit scoped_fd(heph_fd it = {}) : fd(it)
	{
	}
	scoped_fd(scoped_fd &&from) noexcept : fd(from.release())
	{
	}
	scoped_fd &operator=(scoped_fd &&from) noexcept
	{
		heph_close(std::exchange(fd, from.release()));
		return *this;
	}
	~scoped_fd()
	{
		heph_close(fd);
	}

	heph_fd get() const
	{
		return fd;
	}
	heph_fd release()
	{
		return std::exchange(fd, heph_fd{});
	}
	/* For a call that opens one: heph_accept(ctx, listener, fd.put()). */
	heph_fd *put()
	{
		heph_close(release());
		return &fd;
	}
};

/* What heph_new() started; the thread that has it has `ctx`. */
class scoped_runtime
{
	heph_ctx it = {};

      public:
	scoped_runtime() = default;
	scoped_runtime(const scoped_runtime &) = delete;
	scoped_runtime &operator=(const scoped_runtime &) = delete;
	~scoped_runtime()
	{
		heph_free(it);
	}

	/* Once. Returns what heph_new() does. */
	[[nodiscard]] int start(const heph_config *config = nullptr)
	{
		return heph_new(&it, config);
	}
	heph_ctx ctx() const
	{
		return it;
	}
};

/* What heph_attach() gave to a thread. */
class scoped_thread
{
	heph_ctx it = {};

      public:
	scoped_thread() = default;
	scoped_thread(const scoped_thread &) = delete;
	scoped_thread &operator=(const scoped_thread &) = delete;
	~scoped_thread()
	{
		if (it.self)
			heph_detach(it);
	}

	/* Once. Returns what heph_attach() does. */
	[[nodiscard]] int attach(struct heph *heph)
	{
		return heph_attach(heph, &it);
	}
	heph_ctx ctx() const
	{
		return it;
	}
};

} /* namespace heph_cxx */

template <class T> bool heph_reply_wanted(heph_cxx::reply<T> slot)
{
	return heph_raw_reply_wanted(slot.raw);
}

template <class M>
[[nodiscard]] int heph_recv(heph_ctx ctx, heph_cxx::inbox<M> in,
			    heph_cxx::same<M> *ret_msg)
{
	heph_cxx::check_catch("heph_recv");
	return heph_raw_recv(ctx, in.queue, ret_msg, sizeof(*ret_msg));
}

template <class M>
[[nodiscard]] int heph_try_recv(heph_cxx::inbox<M> in,
				heph_cxx::same<M> *ret_msg)
{
	return heph_raw_try_recv(in.queue, ret_msg, sizeof(*ret_msg));
}

template <class M> heph_cxx::ref<M> heph_self(heph_cxx::inbox<M> in)
{
	return { heph_raw_self(in.queue) };
}

/* A clause of heph_wait(). */
template <class M>
heph_on heph_on_msg(heph_cxx::inbox<M> in, heph_cxx::same<M> *ret_msg)
{
	heph_on on = {};

	on.what = HEPH_ON_MSG__;
	on.inbox = in.queue;
	on.ret = ret_msg;
	on.size = sizeof(*ret_msg);
	return on;
}

/* heph_wait(ctx, clause, clause ...): which one, counted from 0. */
template <class... On> [[nodiscard]] int heph_wait(heph_ctx ctx, On... clauses)
{
	const heph_on on[] = { clauses... };

	heph_cxx::check_catch("heph_wait");
	return heph_raw_wait(ctx, on, sizeof...(clauses));
}

/* Calls fn(ctx) when the actor ends; what it captures is copied. Returns 0;
 * -ENOMEM. An exception that leaves it ends the process. */
template <class F> [[nodiscard]] int heph_defer(heph_ctx ctx, F fn)
{
	struct record {
		void (*call)(heph_ctx ctx, F *fn);
		alignas(16) F fn;
	};
	const record it = { [](heph_ctx c, F *f) noexcept { (*f)(c); }, fn };

	heph_cxx::check_argument<F>();
	return heph_raw_defer(ctx, &it, sizeof(it), offsetof(record, fn));
}

/*
 * Spawns an actor that is a lambda: int (heph_ctx ctx[, heph_cxx::inbox<M> in]).
 * What it captures is copied with it, so it captures by value, and nothing
 * that another actor's end could take away. `ret_ref` is a heph_cxx::ref<M> *,
 * a heph_ref *, or nullptr. With `decide` it is supervised, and starts again
 * with what it captured first. Its name is "lambda" unless `options` say so.
 * Returns what heph_spawn() returns.
 */
template <class F>
[[nodiscard]] int heph_spawn_fn(
	heph_ctx ctx,
	heph_cxx::same<heph_cxx::out<heph_cxx::ref<heph_cxx::message_of<F>>>>
		ret_ref,
	F fn, const heph_options &options = {},
	heph_cxx::decide_fn decide = nullptr,
	const char *file = __builtin_FILE(), int line = __builtin_LINE())
{
	typedef heph_cxx::lambda<F> lambda;
	const typename lambda::spawn it = { options,
					    decide,
					    { file, line, fn } };

	heph_cxx::check_catch("heph_spawn_fn");
	return heph_raw_spawn(ctx, &lambda::type, &it, ret_ref.addr);
}

#endif
