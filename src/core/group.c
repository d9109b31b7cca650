/* SPDX-License-Identifier: MIT */
/*
 * A group is an array of addresses in its owner's arena. It grows by doubling;
 * what it leaves behind is freed with the arena.
 *
 * Which member has a key is decided by rendezvous: each member and key make a
 * number, and the highest wins. So a member that leaves gives its keys to all
 * others alike, and one that comes takes some of each.
 */
#include <heph/group.h>

#include <heph/own.h>

#include <stdalign.h>
#include <string.h>

#include "base/hash.h"
#include "base/mem.h"
#include "core/group.h"
#include "core/wait.h"

/* ---- members --------------------------------------------------------------- */

static bool same(struct heph_addr a, struct heph_addr b)
{
	return a.id == b.id && a.node == b.node;
}

/* Makes room for `more` members. 0; -ENOMEM. */
static int reserve(heph_ctx ctx, struct heph_group *group, unsigned more)
{
	unsigned max = group->max ? group->max : 4;
	struct heph_addr *members;

	if (group->n + more <= group->max)
		return 0;
	while (max < group->n + more)
		max *= 2;
	members = heph_alloc(ctx, max * sizeof(*members));
	if (!members)
		return -ENOMEM;
	if (group->n)
		memcpy(members, group->members, group->n * sizeof(*members));
	group->members = members;
	group->max = max;
	return 0;
}

int heph_raw_group_add(heph_ctx ctx, struct heph_group *group,
		       struct heph_addr addr)
{
	int err = reserve(ctx, group, 1);

	if (err == 0)
		group->members[group->n++] = addr;
	return err;
}

static bool has(const struct heph_group *group, unsigned n, struct heph_addr addr)
{
	for (unsigned i = 0; i < n; i++)
		if (same(group->members[i], addr))
			return true;
	return false;
}

int heph_raw_group_add_unique(heph_ctx ctx, struct heph_group *group,
			      struct heph_addr addr)
{
	int err;

	if (has(group, group->n, addr))
		return 0;
	err = heph_raw_group_add(ctx, group, addr);
	return err < 0 ? err : 1;
}

int heph_raw_group_extend(heph_ctx ctx, struct heph_group *group,
			  const struct heph_group *other)
{
	unsigned n = other->n; /* it may be the same group */
	int err = reserve(ctx, group, n);

	if (err < 0 || !n)
		return err;
	memcpy(group->members + group->n, other->members,
	       n * sizeof(*group->members));
	group->n += n;
	return 0;
}

void heph_group_drop_at(struct heph_group *group, unsigned at)
{
	group->n--;
	memmove(group->members + at, group->members + at + 1,
		(group->n - at) * sizeof(*group->members));
	if (group->turn > at)
		group->turn--;
	group->dropped++;
}

unsigned heph_raw_group_remove(struct heph_group *group, struct heph_addr addr)
{
	unsigned n = 0, before = group->n;

	for (unsigned i = 0; i < before; i++)
		if (!same(group->members[i], addr))
			group->members[n++] = group->members[i];
	group->n = n;
	return before - n;
}

unsigned heph_raw_group_remove_gone(struct heph_group *group)
{
	unsigned n = 0, before = group->n;

	for (unsigned i = 0; i < before; i++)
		if (heph_raw_alive(group->members[i]))
			group->members[n++] = group->members[i];
	group->n = n;
	return before - n;
}

unsigned heph_raw_group_make_unique(struct heph_group *group)
{
	unsigned n = 0, before = group->n;

	for (unsigned i = 0; i < before; i++)
		if (!has(group, n, group->members[i]))
			group->members[n++] = group->members[i];
	group->n = n;
	return before - n;
}

void heph_raw_stop_all(const struct heph_group *group)
{
	for (unsigned i = 0; i < group->n; i++)
		heph_raw_stop(group->members[i]);
}

int heph_raw_join_all(heph_ctx ctx, const struct heph_group *group)
{
	int err = heph_wait_allowed(ctx);

	for (unsigned i = 0; err == 0 && i < group->n; i++)
		err = heph_raw_join(ctx, group->members[i], NULL);
	return err;
}

/* ---- to one ---------------------------------------------------------------- */

/* Whose turn it is. There is somebody. */
static unsigned next(const struct heph_group *group)
{
	return group->turn < group->n ? group->turn : 0;
}

int heph_raw_try_send_one(struct heph_group *group, const void *msg, size_t size)
{
	unsigned full = 0, at;
	int err = -ESRCH;

	while (full < group->n) {
		at = next(group);
		err = heph_raw_try_send(group->members[at], msg, size);
		if (err == -ESRCH) {
			heph_group_drop_at(group, at);
			continue;
		}
		group->turn = at + 1;
		if (err != -EAGAIN)
			return err;
		full++;
	}
	return full ? -EAGAIN : -ESRCH;
}

/* All are full. */
static int wait_for_one(heph_ctx ctx, struct heph_group *group, const void *msg,
			size_t size)
{
	int err = -ESRCH;
	unsigned at;

	for (unsigned left = group->n; left > 0; left--) {
		at = next(group);
		err = heph_raw_send(ctx, group->members[at], msg, size);
		if (err == -ESRCH)
			heph_group_drop_at(group, at);
		else
			group->turn = at + 1;
		if (err != -ESRCH && err != -EDEADLK)
			return err;
	}
	return err;
}

int heph_raw_send_one(heph_ctx ctx, struct heph_group *group, const void *msg,
		      size_t size)
{
	int err = heph_wait_allowed(ctx);

	if (err == 0)
		err = heph_raw_try_send_one(group, msg, size);
	if (err == -EAGAIN)
		return wait_for_one(ctx, group, msg, size);
	if (err == 0)
		heph_worker_spend(ctx.self);
	return err;
}

/* The place of the member that wins that key. There is somebody. */
static unsigned winner(const struct heph_group *group, uint64_t key)
{
	uint64_t score, best = 0;
	unsigned at = 0;

	for (unsigned i = 0; i < group->n; i++) {
		score = heph_hash_mix(key ^ heph_hash_mix(group->members[i].id));
		if (score <= best && i)
			continue;
		best = score;
		at = i;
	}
	return at;
}

struct heph_addr heph_raw_group_by_key(struct heph_group *group, uint64_t key)
{
	unsigned at;

	key = heph_hash_mix(key);
	while (group->n) {
		at = winner(group, key);
		if (heph_raw_alive(group->members[at]))
			return group->members[at];
		heph_group_drop_at(group, at);
	}
	return (struct heph_addr){ 0 };
}

int heph_raw_send_by_key(heph_ctx ctx, struct heph_group *group, uint64_t key,
			 const void *msg, size_t size)
{
	struct heph_addr addr;
	int err = heph_wait_allowed(ctx);

	if (err < 0)
		return err;
	do {
		addr = heph_raw_group_by_key(group, key);
		err = heph_raw_send(ctx, addr, msg, size);
	} while (err == -ESRCH && group->n);
	return err;
}

uint64_t heph_hash(const void *data, size_t size)
{
	return heph_hash_bytes(data, size);
}

/* ---- to all ---------------------------------------------------------------- */

/* A message on its way to all members. */
struct broadcast {
	struct heph_group *group;
	const struct heph_actor *type;
	const void *msg;
	size_t size;
	void *copy; /* where copies are made */
	unsigned reached;
	bool given; /* the message itself went to a member */
	alignas(16) unsigned char small[256];
};

static const struct heph_actor *type_of(struct heph_addr addr)
{
	bool inside;
	struct heph *heph = heph_enter(addr.node, &inside);
	struct heph_kind *kind;

	if (!heph)
		return NULL;
	kind = heph_kind_with(heph, addr);
	heph_leave(addr.node, inside);
	return kind ? kind->type : NULL;
}

/* What is known of the messages of a group, in which all live. */
static const struct heph_actor *find_type(const struct heph_group *group)
{
	const struct heph_actor *type = NULL;

	for (unsigned i = 0; !type && i < group->n; i++)
		type = type_of(group->members[i]);
	return type;
}

/* 0; -ESRCH, -ENOMEM. */
static int prepare(struct broadcast *it)
{
	struct heph_group *group = it->group;

	group->dropped += heph_raw_group_remove_gone(group);
	it->copy = it->small;
	it->type = find_type(group);
	if (!group->n)
		return -ESRCH;
	if (it->size > sizeof(it->small))
		it->copy = heph_mem_alloc_raw(it->size);
	return it->copy ? 0 : -ENOMEM;
}

static int copy(struct broadcast *it)
{
	const struct heph_actor *type = it->type;
	int err;

	if (type && type->copy) {
		heph_thread_hook(1);
		err = type->copy(it->copy, it->msg);
		heph_thread_hook(-1);
		return err;
	}
	if (!type || type->drop)
		return -EINVAL;
	memcpy(it->copy, it->msg, it->size);
	return 0;
}

static void drop(struct broadcast *it, const void *msg)
{
	if (it->type && it->type->drop)
		it->type->drop((void *)(uintptr_t)msg);
}

static int send(const heph_ctx *ctx, struct heph_addr to, const void *msg,
		size_t size)
{
	return ctx ? heph_raw_send(*ctx, to, msg, size) :
		     heph_raw_try_send(to, msg, size);
}

/* To the member at that place: the message itself, if it is the last one. */
static int send_to(struct broadcast *it, const heph_ctx *ctx, unsigned at)
{
	bool last = at == it->group->n - 1;
	int err = last ? 0 : copy(it);

	if (err < 0)
		return err;
	err = send(ctx, it->group->members[at], last ? it->msg : it->copy,
		   it->size);
	if (err < 0 && !last)
		drop(it, it->copy);
	it->given = last && err == 0;
	return err;
}

/* Whether it is of no use to go on to the next member. */
static bool final(int err)
{
	return err == -ETIME || err == -ECANCELED || err == -EINVAL;
}

/* 0, or why the latest one that did not get it did not. */
static int send_to_each(struct broadcast *it, const heph_ctx *ctx)
{
	struct heph_group *group = it->group;
	int err, result = 0;
	unsigned at = 0;

	while (at < group->n) {
		err = send_to(it, ctx, at);
		if (err == -ESRCH) {
			heph_group_drop_at(group, at);
			continue;
		}
		at++;
		if (err == 0) {
			it->reached++;
			continue;
		}
		group->skipped++;
		result = err;
		if (final(err)) {
			group->skipped += group->n - at;
			break;
		}
	}
	return result;
}

/* `ctx` is NULL: does not wait. */
static int broadcast(struct heph_group *group, const heph_ctx *ctx,
		     const void *msg, size_t size)
{
	struct broadcast it = { .group = group, .msg = msg, .size = size };
	int err = prepare(&it);

	if (err == 0)
		err = send_to_each(&it, ctx);
	if (it.reached && !it.given)
		drop(&it, msg);
	if (it.copy != it.small)
		heph_mem_free(it.copy);
	if (it.reached)
		return (int)it.reached;
	return err ? err : -ESRCH;
}

int heph_raw_try_send_all(struct heph_group *group, const void *msg, size_t size)
{
	return broadcast(group, NULL, msg, size);
}

int heph_raw_send_all(heph_ctx ctx, struct heph_group *group, const void *msg,
		      size_t size)
{
	int err = heph_wait_allowed(ctx);

	return err < 0 ? err : broadcast(group, &ctx, msg, size);
}
