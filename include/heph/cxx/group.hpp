/* SPDX-License-Identifier: MIT */
/*
 * group.hpp - several actors that take the same messages; a part of heph.hpp
 *
 * The words of group.h, where it is told what they do and return. A group is
 * plain data: its list goes with the actor that added to it. heph_send_all()
 * copies messages with constructors by these.
 */
#ifndef HEPH_CXX_GROUP_HPP
#define HEPH_CXX_GROUP_HPP

#include <heph/cxx/message.hpp>

/* heph_call_any(ctx, &group, member, &result, message) */
#define heph_call_any(ctx_, group_, member_, ret_, ...)                        \
	HEPH_DO__(heph_cxx::call_any(ctx_, group_, HEPH_MEMBER__(member_),     \
				     #member_, ret_, __VA_ARGS__))
/* heph_call_all(ctx, &group, member, results, n, message): `results` are `n`
 * structs with the members `err` and `value`. */
#define heph_call_all(ctx_, group_, member_, results_, n_, ...)                \
	HEPH_DO__(heph_cxx::call_all(ctx_, group_, HEPH_MEMBER__(member_),     \
				     #member_, results_, n_, __VA_ARGS__))

#define heph_try_send_one(group_, ...)                                         \
	HEPH_DO__(heph_cxx::try_send_one(group_, __VA_ARGS__))
#define heph_send_one(ctx_, group_, ...)                                       \
	HEPH_DO__(heph_cxx::send_one(ctx_, group_, __VA_ARGS__))
#define heph_send_by_key(ctx_, group_, key_, ...)                              \
	HEPH_DO__(heph_cxx::send_by_key(ctx_, group_, key_, __VA_ARGS__))
#define heph_try_send_all(group_, ...)                                         \
	HEPH_DO__(heph_cxx::try_send_all(group_, __VA_ARGS__))
#define heph_send_all(ctx_, group_, ...)                                       \
	HEPH_DO__(heph_cxx::send_all(ctx_, group_, __VA_ARGS__))

namespace heph_cxx
{

template <class M> struct group {
	typedef M message;
	heph_group raw; /* `n`, `dropped` and `skipped` may be read */
};

/* ---- sending ------------------------------------------------------------------- */

template <class M, class U = value<M>>
int try_send_one(group<M> *to, U &&msg)
{
	return give_as<value<M>>(
		std::forward<U>(msg), [&](const void *at, size_t size) {
			return heph_raw_try_send_one(&to->raw, at, size);
		});
}

template <class M, class U = value<M>>
int send_one(heph_ctx ctx, group<M> *to, U &&msg)
{
	check_catch("heph_send_one");
	return give_as<value<M>>(
		std::forward<U>(msg), [&](const void *at, size_t size) {
			return heph_raw_send_one(ctx, &to->raw, at, size);
		});
}

template <class M, class U = value<M>>
int send_by_key(heph_ctx ctx, group<M> *to, uint64_t key, U &&msg)
{
	check_catch("heph_send_by_key");
	return give_as<value<M>>(
		std::forward<U>(msg), [&](const void *at, size_t size) {
			return heph_raw_send_by_key(ctx, &to->raw, key, at,
						    size);
		});
}

template <class M, class U = value<M>>
int try_send_all(group<M> *to, U &&msg)
{
	return give_as<value<M>>(
		std::forward<U>(msg), [&](const void *at, size_t size) {
			return heph_raw_try_send_all(&to->raw, at, size);
		});
}

template <class M, class U = value<M>>
int send_all(heph_ctx ctx, group<M> *to, U &&msg)
{
	check_catch("heph_send_all");
	return give_as<value<M>>(
		std::forward<U>(msg), [&](const void *at, size_t size) {
			return heph_raw_send_all(ctx, &to->raw, at, size);
		});
}

/* ---- calls --------------------------------------------------------------------- */

template <class M> constexpr void check_calls()
{
	static_assert(plain<M>(), "messages of calls to a group must be "
				  "trivially copyable");
}

template <class M, class Member, class T>
int call_any(heph_ctx ctx, group<M> *to, Member member, const char *name,
	     T *ret, same<value<M>> msg)
{
	static_assert(
		std::is_same_v<typename slot_of<Member, value<M>>::result, T>,
		"heph_call_any: that member does not answer with the type of "
		"the result");
	check_calls<M>();
	check_catch("heph_call_any");
	return call_with(msg, member, name, [&](heph_call &it) {
		it.ret = ret;
		it.ret_size = sizeof(T);
		return heph_raw_call_any(ctx, &to->raw, &it);
	});
}

template <class M, class Member, class R>
int call_all(heph_ctx ctx, group<M> *to, Member member, const char *name,
	     R *results, size_t n, same<value<M>> msg)
{
	typedef typename slot_of<Member, value<M>>::result T;
	static_assert(std::is_same_v<decltype(R::value), T>,
		      "heph_call_all: that member does not answer with the type "
		      "of results[].value");
	static_assert(std::is_same_v<decltype(R::err), int>,
		      "heph_call_all: results[].err is not an int");
	heph_call_results where = {};

	check_calls<M>();
	check_catch("heph_call_all");
	where.results = results;
	where.size = n * sizeof(R);
	where.stride = sizeof(R);
	where.err_at = offsetof(R, err);
	where.value_at = offsetof(R, value);
	return call_with(msg, member, name, [&](heph_call &it) {
		it.ret_size = sizeof(T);
		return heph_raw_call_all(ctx, &to->raw, &it, &where);
	});
}

} /* namespace heph_cxx */

/* ---- members ------------------------------------------------------------------- */

template <class M>
[[nodiscard]] int heph_group_add(heph_ctx ctx, heph_cxx::group<M> *group,
				 heph_cxx::ref<M> ref)
{
	return heph_raw_group_add(ctx, &group->raw, ref.addr);
}

template <class M>
[[nodiscard]] int heph_group_add_unique(heph_ctx ctx, heph_cxx::group<M> *group,
					heph_cxx::ref<M> ref)
{
	return heph_raw_group_add_unique(ctx, &group->raw, ref.addr);
}

template <class M>
[[nodiscard]] int heph_group_extend(heph_ctx ctx, heph_cxx::group<M> *group,
				    const heph_cxx::group<M> *other)
{
	return heph_raw_group_extend(ctx, &group->raw, &other->raw);
}

template <class M>
unsigned heph_group_remove(heph_cxx::group<M> *group, heph_cxx::ref<M> ref)
{
	return heph_raw_group_remove(&group->raw, ref.addr);
}

template <class M> unsigned heph_group_remove_gone(heph_cxx::group<M> *group)
{
	return heph_raw_group_remove_gone(&group->raw);
}

template <class M> unsigned heph_group_make_unique(heph_cxx::group<M> *group)
{
	return heph_raw_group_make_unique(&group->raw);
}

template <class M> unsigned heph_group_count(const heph_cxx::group<M> *group)
{
	return heph_raw_group_count(&group->raw);
}

template <class M>
heph_cxx::ref<M> heph_group_at(const heph_cxx::group<M> *group, unsigned i)
{
	return { heph_raw_group_at(&group->raw, i) };
}

template <class M>
heph_cxx::ref<M> heph_group_by_key(heph_cxx::group<M> *group, uint64_t key)
{
	return { heph_raw_group_by_key(&group->raw, key) };
}

template <class M> void heph_stop_all(const heph_cxx::group<M> *group)
{
	heph_raw_stop_all(&group->raw);
}

template <class M>
[[nodiscard]] int heph_join_all(heph_ctx ctx, const heph_cxx::group<M> *group)
{
	return heph_raw_join_all(ctx, &group->raw);
}

#endif
