/* SPDX-License-Identifier: MIT */
/*
 * message.hpp - sending, receiving, calls, waiting; a part of heph.hpp
 *
 * What the functions and macros do, and what they return, is told in message.h,
 * call.h, own.h, refs.h and timer.h.
 *
 * A message is a value, or an initialiser in braces. One that is not trivially
 * copyable is moved, so it is std::move(msg), or a copy is made. It is the
 * sender's again when a send has failed; but heph_post() destroys it then.
 */
#ifndef HEPH_CXX_MESSAGE_HPP
#define HEPH_CXX_MESSAGE_HPP

#include <heph/cxx/actor.hpp>

/* ---- sending ------------------------------------------------------------------- */

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

/* ---- calls --------------------------------------------------------------------- */

/* heph_call(ctx, ref, member, &result, message) */
#define heph_call(ctx_, ref_, member_, ret_, ...)                              \
	HEPH_DO__(heph_cxx::call(ctx_, ref_, HEPH_MEMBER__(member_), #member_, \
				 ret_, __VA_ARGS__))
/* heph_ask(ctx, ref, member, message): the same, and returns the answer, or why
 * there is none, as a heph_cxx::result. */
#define heph_ask(ctx_, ref_, member_, ...)                                     \
	__extension__({                                                        \
		HEPH_DESIGNATED__                                              \
		auto heph_r__ = heph_cxx::ask(ctx_, ref_,                      \
					      HEPH_MEMBER__(member_),          \
					      #member_, __VA_ARGS__);          \
		HEPH_END__                                                     \
		heph_r__;                                                      \
	})
/* heph_start_call(ctx, ref, member, &pending, message) */
#define heph_start_call(ctx_, ref_, member_, pending_, ...)                    \
	HEPH_DO__(heph_cxx::start_call(                                        \
		heph_raw_start_call, ctx_, ref_, HEPH_MEMBER__(member_),       \
		#member_, pending_, __VA_ARGS__))
#define heph_try_start_call(ctx_, ref_, member_, pending_, ...)                \
	HEPH_DO__(heph_cxx::start_call(                                        \
		heph_raw_try_start_call, ctx_, ref_, HEPH_MEMBER__(member_),   \
		#member_, pending_, __VA_ARGS__))
/* heph_forward(ctx, ref, member, msg.reply, message) */
#define heph_forward(ctx_, ref_, member_, reply_, ...)                         \
	HEPH_DO__(heph_cxx::forward(ctx_, ref_, HEPH_MEMBER__(member_),        \
				    reply_, __VA_ARGS__))
#define heph_answer(reply_, ...) heph_cxx::answer(reply_, __VA_ARGS__)
#define HEPH_MEMBER__(member_)                                                 \
	[](auto &heph_m__) -> auto & { return heph_m__.member_; }

/* ---- references ---------------------------------------------------------------- */

#define heph_inbox_info(in_) heph_raw_inbox_info((in_).queue)
#define heph_whereis(ctx_, n_, text_, ret_)                                    \
	heph_cxx::find(heph_raw_whereis, ctx_, &n_##_actor, text_,             \
		       static_cast<n_##_ref *>(ret_))
#define heph_await_name(ctx_, n_, text_, ret_)                                 \
	heph_cxx::find(heph_raw_await_name, ctx_, &n_##_actor, text_,          \
		       static_cast<n_##_ref *>(ret_))
#define heph_cast(ref_, n_, ret_)                                              \
	heph_cxx::cast((ref_).addr, &n_##_actor, static_cast<n_##_ref *>(ret_))

/* heph_recv_where(ctx, in, &msg, member, value); of messages that are trivially
 * copyable. */
#define heph_recv_where(ctx_, in_, ret_msg_, member_, value_)                  \
	heph_cxx::recv_where(ctx_, in_, ret_msg_, HEPH_MEMBER__(member_), value_)
#define heph_try_recv_where(in_, ret_msg_, member_, value_)                    \
	heph_cxx::try_recv_where(in_, ret_msg_, HEPH_MEMBER__(member_), value_)
#define heph_on_msg_where(in_, ret_msg_, member_, value_)                      \
	heph_cxx::on_msg_where(in_, ret_msg_, HEPH_MEMBER__(member_), value_)

namespace heph_cxx
{

/* ---- sending ------------------------------------------------------------------- */

/* U is what stands there: the message, or what it can be made of; an initialiser
 * in braces has no type, and is one of the message. */
template <class M, class U = value<M>>
int send(heph_ctx ctx, ref<M> to, U &&msg)
{
	check_takes<M>();
	check_catch("heph_send");
	return give_as<value<M>>(
		std::forward<U>(msg), [&](const void *at, size_t size) {
			return heph_raw_send(ctx, to.addr, at, size);
		});
}

template <class M, class U = value<M>> int try_send(ref<M> to, U &&msg)
{
	check_takes<M>();
	return give_as<value<M>>(
		std::forward<U>(msg), [&](const void *at, size_t size) {
			return heph_raw_try_send(to.addr, at, size);
		});
}

/* One that is not trivially copyable, and cannot be sent, is not counted: the
 * runtime, which may have ended, does not get it. */
template <class M, class U = value<M>> void post(ref<M> to, U &&msg)
{
	check_takes<M>();
	if constexpr (plain<M>()) {
		const value<M> it(std::forward<U>(msg));

		heph_raw_post(to.addr, &it, sizeof(it));
	} else {
		value<M> it(std::forward<U>(msg));

		(void)try_send(to, std::move(it));
	}
}

template <class M, class U = value<M>>
int send_after(heph_ctx ctx, heph_timer_id *ret_timer, ref<M> to, length after,
	       U &&msg)
{
	check_takes<M>();
	return give_as<value<M>>(
		std::forward<U>(msg), [&](const void *at, size_t size) {
			return heph_raw_send_after(ctx, ret_timer, to.addr,
						   after.n, at, size);
		});
}

/* ---- calls --------------------------------------------------------------------- */

/* Does raw(call) with a message that has a reply at `member`. */
template <class M, class Member, class Raw>
int call_with(M &msg, Member member, const char *name, Raw raw)
{
	const size_t at = offset_in(msg, member(msg).raw);
	heph_call it = {};

	it.member = name;
	if constexpr (plain<M>()) {
		it.msg = &msg;
		it.size = sizeof(msg);
		it.reply_at = at;
		return raw(it);
	} else {
		box<M> boxed;
		int err = pack(boxed, msg);

		if (err < 0)
			return err;
		boxed.reply_at = at + 1;
		it.msg = &boxed;
		it.size = sizeof(boxed);
		it.reply_at = offsetof(box<M>, reply);
		err = raw(it);
		if (err < 0)
			unpack(boxed, msg);
		return err;
	}
}

template <class Member, class M>
using slot_of = std::decay_t<decltype(std::declval<Member>()(
	std::declval<M &>()))>;

template <class How, class M, class Member, class T>
int start_call(How how, heph_ctx ctx, ref<M> to, Member member,
	       const char *name, pending<T> *ret, same<value<M>> msg)
{
	static_assert(
		std::is_same_v<typename slot_of<Member, value<M>>::result, T>,
		"heph_start_call: that member does not answer with the type of "
		"the pending call");
	check_catch("heph_start_call");
	return call_with(msg, member, name, [&](heph_call &it) {
		it.ret_size = sizeof(T);
		return how(ctx, to.addr, &it, &ret->raw);
	});
}

template <class M, class Member, class T>
int call(heph_ctx ctx, ref<M> to, Member member, const char *name, T *ret,
	 same<value<M>> msg)
{
	static_assert(
		std::is_same_v<typename slot_of<Member, value<M>>::result, T>,
		"heph_call: that member does not answer with the type of the "
		"result");
	check_catch("heph_call");
	if constexpr (plain<M>()) {
		return call_with(msg, member, name, [&](heph_call &it) {
			it.ret = ret;
			it.ret_size = sizeof(T);
			return heph_raw_call(ctx, to.addr, &it);
		});
	} else {
		/* In two steps, which tell whether it was given away. */
		pending<T> started = {};
		int err = start_call(heph_raw_start_call, ctx, to, member, name,
				     &started, std::move(msg));

		if (err < 0)
			return err;
		err = heph_raw_await(ctx, &started.raw, ret, sizeof(*ret));
		heph_raw_forget_call(ctx, &started.raw);
		return err;
	}
}

template <class M, class Member, class U = value<M>>
auto ask(heph_ctx ctx, ref<M> to, Member member, const char *name, U &&msg)
{
	typedef typename slot_of<Member, value<M>>::result T;
	value<T> got;
	int err = call(ctx, to, member, name, &got,
		       value<M>(std::forward<U>(msg)));

	return err < 0 ? result<T>(failed{ err }) : result<T>(std::move(got));
}

template <class M, class Member, class T>
int forward(heph_ctx ctx, ref<M> to, Member member, reply<T> slot,
	    same<value<M>> msg)
{
	static_assert(
		std::is_same_v<typename slot_of<Member, value<M>>::result, T>,
		"heph_forward: that member does not answer with the type of "
		"the reply");
	check_catch("heph_forward");
	return call_with(msg, member, nullptr, [&](const heph_call &it) {
		return heph_raw_forward(ctx, to.addr, it.msg, it.size,
					it.reply_at, slot.raw);
	});
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

/* ---- messages that match, references ------------------------------------------- */

template <class M, class Member, class V>
heph_match match_of(Member member, const V &wanted)
{
	typedef slot_of<Member, M> T;
	static_assert(plain<M>(), "only messages that are trivially copyable "
				  "can be looked at in the inbox");
	static_assert((std::is_integral_v<T> || std::is_enum_v<T> ||
		       std::is_pointer_v<T>) &&
			      sizeof(T) <= 8,
		      "the member is not an integer, bool, enum or pointer");
	static_assert(std::is_convertible_v<V, T>,
		      "the value is not of the type of the member");
	const T it = static_cast<T>(wanted);
	M msg;
	heph_match made = {};

	made.at = static_cast<uint32_t>(offset_in(msg, member(msg)));
	made.size = sizeof(it);
	std::memcpy(&made.value, &it, sizeof(it));
	return made;
}

template <class M, class Member, class V>
[[nodiscard]] int recv_where(heph_ctx ctx, inbox<M> in, same<M> *ret_msg,
			     Member member, const V &wanted)
{
	const heph_match match = match_of<M>(member, wanted);

	check_catch("heph_recv_where");
	return heph_raw_recv_where(ctx, in.queue, ret_msg, sizeof(*ret_msg),
				   &match);
}

template <class M, class Member, class V>
[[nodiscard]] int try_recv_where(inbox<M> in, same<M> *ret_msg, Member member,
				 const V &wanted)
{
	const heph_match match = match_of<M>(member, wanted);

	return heph_raw_try_recv_where(in.queue, ret_msg, sizeof(*ret_msg),
				       &match);
}

template <class M, class Member, class V>
heph_on on_msg_where(inbox<M> in, same<M> *ret_msg, Member member,
		     const V &wanted)
{
	heph_on on = {};

	on.what = HEPH_ON_MSG_WHERE__;
	on.inbox = in.queue;
	on.ret = ret_msg;
	on.size = sizeof(*ret_msg);
	on.match = match_of<M>(member, wanted);
	return on;
}

template <class How, class Ref>
[[nodiscard]] int find(How how, heph_ctx ctx, const heph_actor *type,
		       const char *name, Ref *ret)
{
	return how(ctx, type, name, &ret->addr);
}

template <class Ref>
[[nodiscard]] int cast(heph_addr from, const heph_actor *type, Ref *ret)
{
	return heph_raw_cast(from, type, &ret->addr);
}

} /* namespace heph_cxx */

/* ---- receiving ----------------------------------------------------------------- */

template <class M>
[[nodiscard]] int heph_recv(heph_ctx ctx, heph_cxx::inbox<M> in,
			    heph_cxx::same<M> *ret_msg)
{
	heph_cxx::check_catch("heph_recv");
	return heph_cxx::get(ret_msg, [&](void *at, size_t size) {
		return heph_raw_recv(ctx, in.queue, at, size);
	});
}

/* The message, or why there is none. */
template <class M>
heph_cxx::result<M> heph_recv(heph_ctx ctx, heph_cxx::inbox<M> in)
{
	heph_cxx::check_catch("heph_recv");
	return heph_cxx::get<M>([&](void *at, size_t size) {
		return heph_raw_recv(ctx, in.queue, at, size);
	});
}

template <class M>
[[nodiscard]] int heph_try_recv(heph_cxx::inbox<M> in,
				heph_cxx::same<M> *ret_msg)
{
	return heph_cxx::get(ret_msg, [&](void *at, size_t size) {
		return heph_raw_try_recv(in.queue, at, size);
	});
}

template <class M> heph_cxx::result<M> heph_try_recv(heph_cxx::inbox<M> in)
{
	return heph_cxx::get<M>([&](void *at, size_t size) {
		return heph_raw_try_recv(in.queue, at, size);
	});
}

/* Of messages that are trivially copyable: there is one of each other. */
template <class M>
[[nodiscard]] int heph_peek(heph_ctx ctx, heph_cxx::inbox<M> in,
			    heph_cxx::same<M> *ret_msg)
{
	static_assert(heph_cxx::plain<M>(),
		      "only messages that are trivially copyable can be peeked at");
	heph_cxx::check_catch("heph_peek");
	return heph_raw_peek(ctx, in.queue, ret_msg, sizeof(*ret_msg));
}

template <class M>
[[nodiscard]] int heph_try_peek(heph_cxx::inbox<M> in,
				heph_cxx::same<M> *ret_msg)
{
	static_assert(heph_cxx::plain<M>(),
		      "only messages that are trivially copyable can be peeked at");
	return heph_raw_try_peek(in.queue, ret_msg, sizeof(*ret_msg));
}

template <class M> heph_cxx::ref<M> heph_self(heph_cxx::inbox<M> in)
{
	return { heph_raw_self(in.queue) };
}

/* ---- calls --------------------------------------------------------------------- */

template <class T> int heph_refuse(heph_cxx::reply<T> slot, int err)
{
	return heph_raw_refuse(slot.raw, err);
}

template <class T> bool heph_reply_wanted(heph_cxx::reply<T> slot)
{
	return heph_raw_reply_wanted(slot.raw);
}

template <class T>
heph_ctx heph_for_caller(heph_ctx ctx, heph_cxx::reply<T> slot)
{
	return heph_raw_for_caller(ctx, slot.raw);
}

template <class T>
[[nodiscard]] int heph_await(heph_ctx ctx, heph_cxx::pending<T> *pending,
			     heph_cxx::same<T> *ret)
{
	heph_cxx::check_catch("heph_await");
	return heph_raw_await(ctx, &pending->raw, ret, sizeof(*ret));
}

template <class T>
void heph_forget_call(heph_ctx ctx, heph_cxx::pending<T> *pending)
{
	heph_raw_forget_call(ctx, &pending->raw);
}

/* ---- several things at once ------------------------------------------------------ */

/* Clauses of heph_wait(). */
template <class M>
heph_cxx::on_value<M> heph_on_msg(heph_cxx::inbox<M> in,
				  heph_cxx::same<M> *ret_msg)
{
	heph_on on = {};

	on.what = HEPH_ON_MSG__;
	on.inbox = in.queue;
	return heph_cxx::make_clause(on, ret_msg);
}

template <class T> heph_on heph_on_answer(heph_cxx::pending<T> pending)
{
	return heph_raw_on_answer(pending.raw);
}

template <class M> heph_on heph_on_room(heph_cxx::ref<M> to)
{
	return heph_raw_on_room(to.addr);
}

/* heph_wait(ctx, clause, clause ...): which one, counted from 0. */
template <class... On> [[nodiscard]] int heph_wait(heph_ctx ctx, On... clauses)
{
	const heph_on on[] = { heph_cxx::clause(clauses)... };
	int which, i = 0;

	heph_cxx::check_catch("heph_wait");
	which = heph_raw_wait(ctx, on, sizeof...(clauses));
	((i++ == which ? heph_cxx::taken(clauses) : void()), ...);
	return which;
}

/* ---- what is done later ------------------------------------------------------------ */

/*
 * Calls fn(ctx) when the actor ends, and destroys what it captured. Returns 0;
 * -ENOMEM, and then it is destroyed at once. An exception that leaves it ends the
 * process.
 */
template <class F> [[nodiscard]] int heph_defer(heph_ctx ctx, F fn)
{
	if constexpr (heph_cxx::plain<F>()) {
		struct record {
			void (*call)(heph_ctx ctx, F *fn);
			alignas(16) F fn;
		};
		/* As in heph_spawn_fn(). */
		alignas(record) char space[sizeof(record)];
		record *it = new (std::memset(space, 0, sizeof(space))) record{
			[](heph_ctx c, F *f) noexcept { (*f)(c); }, fn
		};

		heph_cxx::check_argument<F>();
		return heph_raw_defer(ctx, it, sizeof(*it),
				      offsetof(record, fn));
	} else {
		struct record {
			void (*call)(heph_ctx ctx, F **fn);
			F *fn;
		};
		const record it = { [](heph_ctx c, F **f) noexcept {
					   (**f)(c);
					   delete *f;
				   },
				    new (std::nothrow) F(std::move(fn)) };
		int err = !it.fn ? -ENOMEM :
				   heph_raw_defer(ctx, &it, sizeof(it),
						  offsetof(record, fn));

		if (err < 0)
			delete it.fn;
		return err;
	}
}

/*
 * An adapter, see refs.h: `ret_ref` takes messages B, `target` messages A, and fn
 * is int (const B *from, A *to). What it captures is plain data, 64 bytes at most.
 */
template <class B, class A, class F>
[[nodiscard]] int heph_map(heph_ctx ctx, heph_cxx::ref<B> *ret_ref,
			   heph_cxx::ref<A> target, F fn)
{
	static_assert(heph_cxx::plain<B>() && heph_cxx::plain<A>() &&
			      !std::is_void_v<A> && !std::is_void_v<B>,
		      "heph_map: both messages must be trivially copyable");
	static_assert(std::is_invocable_r_v<int, F &, const B *, A *>,
		      "heph_map: the function is int (const B *from, A *to)");
	static_assert(heph_cxx::plain<F>() && sizeof(F) <= HEPH_MAP_VALUE_MAX,
		      "heph_map: what is captured is plain data of at most 64 "
		      "bytes");
	typedef int map_fn(const void *from, void *to, const void *value);
	map_fn *const call = [](const void *from, void *to,
				const void *value) noexcept -> int {
		F it = *static_cast<const F *>(value);

		return it(static_cast<const B *>(from), static_cast<A *>(to));
	};
	void (*const drop)(void *) = nullptr;
	heph_mapping it = {};

	it.target = target.addr;
	it.fn = &call;
	it.drop = &drop;
	it.value = &fn;
	it.value_size = sizeof(fn);
	it.from_size = sizeof(B);
	it.to_size = sizeof(A);
	return heph_raw_map(ctx, &it, &ret_ref->addr);
}

/* In the function of an adapter: a call that comes is one that goes on. */
template <class T>
void heph_carry_reply(heph_cxx::reply<T> &to, const heph_cxx::reply<T> &from)
{
	to = from;
}

#endif
