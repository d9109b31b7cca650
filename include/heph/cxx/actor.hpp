/* SPDX-License-Identifier: MIT */
/* actor.hpp - declaring and spawning actors; a part of heph.hpp */
#ifndef HEPH_CXX_ACTOR_HPP
#define HEPH_CXX_ACTOR_HPP

#include <heph/cxx/value.hpp>

namespace heph_cxx
{

/* ---- types ----------------------------------------------------------------- */

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
	static_assert(plain<T>(),
		      "an answer is copied byte by byte: it must be trivially "
		      "copyable; what is not goes through a heph_oneshot");
	typedef T result;
	heph_reply raw;
};

/* HEPH_PENDING(type) */
template <class T> struct pending {
	typedef T result;
	heph_pending raw;
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

template <class M> constexpr void check_message()
{
	static_assert(std::is_void_v<M> || std::is_class_v<M>,
		      "a message is a struct");
	static_assert(sizeof(value<M>) <= HEPH_MSG_MAX,
		      "a message has at most 1 MiB");
	check_moves<M>();
}

template <class M> constexpr void check_takes()
{
	static_assert(!std::is_void_v<M>, "this actor takes no messages");
}

template <class A> constexpr void check_argument()
{
	static_assert(
		plain<A>(),
		"an argument is copied byte by byte: it must be trivially "
		"copyable, and aligned to at most 16 bytes; what is not, a "
		"lambda captures: heph_spawn_fn()");
	static_assert(sizeof(value<A>) <= HEPH_ARG_MAX,
		      "an argument has at most 16 KiB");
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
	if constexpr (plain<M>()) {
		if (by.copy)
			return by.copy(static_cast<value<M> *>(to),
				       static_cast<const value<M> *>(from));
		if (by.drop)
			return -EINVAL;
	}
	return copy_wire<M>(to, from);
}

template <class M, class A>
void drop(const hooks<M, A> &by, void *msg) noexcept
{
	if constexpr (plain<M>()) {
		if (by.drop)
			by.drop(static_cast<value<M> *>(msg));
	}
	drop_wire<M>(msg);
}

/* Messages with destructors need no hooks. */
template <class M, class A> constexpr bool fits(const hooks<M, A> &by)
{
	return plain<M>() || (!by.drop && !by.copy);
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
	type.msg_size = std::is_void_v<M> ? 0 : sizeof(wire<M>);
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

/* What a lambda captured, on the heap. */
template <class F> struct captured {
	F first;
	std::optional<F> copy; /* of this life, if there may be several */
	bool copies;

	F &begin()
	{
		if constexpr (std::is_copy_constructible_v<F>) {
			if (copies)
				return copy.emplace(std::as_const(first));
		}
		return first;
	}
};

template <class F> struct lambda {
	typedef message_of<F> message;
	static constexpr bool is_plain = plain<F>();
	typedef std::conditional_t<is_plain, F, captured<F> *> kept;

	struct body {
		const char *file; /* where it was spawned */
		int line;
		alignas(16) kept fn;
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
			if constexpr (is_plain)
				return call_main<inbox<message>, void>(
					it->fn, ctx, queue, nullptr);
			else
				return call_main<inbox<message>, void>(
					it->fn->begin(), ctx, queue, nullptr);
		});
	}

	static enum heph_verdict decide(const void *it, const heph_exit *why,
					void *) noexcept
	{
		return static_cast<const spawn *>(it)->decide(why);
	}

	static void drop_arg(void *arg) noexcept
	{
		if constexpr (!is_plain)
			delete static_cast<body *>(arg)->fn;
		(void)arg;
	}

	static constexpr heph_actor make()
	{
		heph_actor made = make_type<message, body>(
			"lambda", offsetof(spawn, arg), offsetof(spawn, decide),
			sizeof(spawn));

		check_message<message>();
		made.entry = entry;
		made.decide = decide;
		made.drop = drop_wire<message>;
		made.copy = copy_wire<message>;
		if (!is_plain)
			made.drop_arg = drop_arg;
		return made;
	}

	static constexpr heph_actor type = make();

	/* Takes the captures to where they are as long as the actor; `ret_err` is
	 * 0; -ENOMEM; -EINVAL. */
	static kept keep(F &fn, const heph_options &options, decide_fn by,
			 int *ret_err)
	{
		*ret_err = 0;
		if constexpr (is_plain) {
			(void)options, (void)by;
			return fn;
		} else {
			const bool again = by || options.restarts.times ||
					   options.tree;
			kept it = nullptr;

			if (again && !std::is_copy_constructible_v<F>)
				*ret_err = -EINVAL;
			else if (!(it = new (std::nothrow) captured<F>{
					   std::move(fn), std::nullopt, again }))
				*ret_err = -ENOMEM;
			return it;
		}
	}
};

} /* namespace heph_cxx */

/* All group.hpp has of a group. */
namespace heph_cxx
{
template <class M> struct group;
}

/* ---- declaring -------------------------------------------------------------------- */

#define HEPH_REF(n_, msg_) typedef heph_cxx::ref<msg_> n_##_ref

/* A member of a message: where the answer, of that type, goes. */
#define HEPH_REPLY(type_) heph_cxx::reply<type_>

/* A call that was started, which will be answered with that type. */
#define HEPH_PENDING(type_) heph_cxx::pending<type_>

#define HEPH_ACTOR(n_, msg_, arg_)                                             \
	extern "C" const struct heph_actor n_##_actor __asm__(                 \
		HEPH_ACTOR_SYMBOL__(n_));                                      \
	HEPH_ACTOR_DECLARED__(n_, msg_, arg_)

/* The same, where there is `extern const struct heph_actor NAME_actor` already. */
#define HEPH_ACTOR_DECLARED__(n_, msg_, arg_)                                  \
	HEPH_REF(n_, msg_);                                                    \
	typedef heph_cxx::inbox<msg_> n_##_inbox;                              \
	typedef heph_cxx::group<msg_> n_##_group;                              \
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
	static_assert(heph_cxx::fits(n_##_hooks__),                            \
		      "a message with a destructor has no .drop and no .copy:" \
		      " it is destroyed and copied as its type says");         \
	static void n_##_drop__(void *msg) noexcept                            \
	{                                                                      \
		heph_cxx::drop(n_##_hooks__, msg);                             \
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

} /* namespace heph_cxx */

/*
 * Spawns an actor that is a lambda: int (heph_ctx ctx[, heph_cxx::inbox<M> in]).
 * What it captures moves into the actor, and is destroyed when that has ended for
 * good, however; so it captures by value, and nothing that another actor's end
 * could take away. `ret_ref` is a heph_cxx::ref<M> *, a heph_ref *, or nullptr.
 * With `decide` it is supervised, and starts again with what it captured first.
 * Its name is "lambda" unless `options` say so.
 * Returns what heph_spawn() returns; -EINVAL also if it could be restarted, by
 * `decide`, `.restarts` or `.tree`, and its captures cannot be copied. Whatever
 * it returns, what was captured is not the caller's any more.
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
	typedef typename lambda::spawn spawn;
	int err;
	/* What is between its members, or in an empty one, travels too, and is not to
	 * look like an address of this stack. */
	alignas(spawn) char space[sizeof(spawn)];
	spawn *it = new (std::memset(space, 0, sizeof(space))) spawn{
		options, decide,
		{ file, line, lambda::keep(fn, options, decide, &err) }
	};

	heph_cxx::check_catch("heph_spawn_fn");
	if (err < 0)
		return err;
	err = heph_raw_spawn(ctx, &lambda::type, it, ret_ref.addr);
	if (err < 0)
		lambda::drop_arg(&it->arg);
	return err;
}

#endif
