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
#include "core/map.h"
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

static bool has(const struct heph_group *group, unsigned n,
		struct heph_addr addr)
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

/* Whether a member stays: `n` do so far, and `which` may be asked about. */
typedef bool stays_fn(const struct heph_group *group, unsigned n,
		      struct heph_addr member, struct heph_addr which);

/* Takes the others out, and it is the turn of the same one as before, or of who
 * comes after it. How many left. */
static unsigned filter(struct heph_group *group, stays_fn *stays,
		       struct heph_addr which)
{
	unsigned n = 0, turn = 0, before = group->n;

	for (unsigned i = 0; i < before; i++) {
		if (!stays(group, n, group->members[i], which))
			continue;
		turn += i < group->turn;
		group->members[n++] = group->members[i];
	}
	group->n = n;
	group->turn = turn;
	return before - n;
}

static bool is_other(const struct heph_group *group, unsigned n,
		     struct heph_addr member, struct heph_addr which)
{
	(void)group, (void)n;
	return !same(member, which);
}

static bool is_alive(const struct heph_group *group, unsigned n,
		     struct heph_addr member, struct heph_addr which)
{
	(void)group, (void)n, (void)which;
	return heph_raw_alive(member);
}

static bool is_first(const struct heph_group *group, unsigned n,
		     struct heph_addr member, struct heph_addr which)
{
	(void)which;
	return !has(group, n, member);
}

unsigned heph_raw_group_remove(struct heph_group *group, struct heph_addr addr)
{
	return filter(group, is_other, addr);
}

unsigned heph_raw_group_remove_gone(struct heph_group *group)
{
	return filter(group, is_alive, (struct heph_addr){ 0 });
}

unsigned heph_raw_group_make_unique(struct heph_group *group)
{
	return filter(group, is_first, (struct heph_addr){ 0 });
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

int heph_raw_try_send_one(struct heph_group *group, const void *msg,
			  size_t size)
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
		score = heph_hash_mix(key ^
				      heph_hash_mix(group->members[i].id));
		if (score <= best && i)
			continue;
		best = score;
		at = i;
	}
	return at;
}

/* The member that has that key, mixed. False: there is nobody. */
static bool find_by_key(struct heph_group *group, uint64_t key,
			unsigned *ret_at)
{
	while (group->n) {
		*ret_at = winner(group, key);
		if (heph_raw_alive(group->members[*ret_at]))
			return true;
		heph_group_drop_at(group, *ret_at);
	}
	return false;
}

struct heph_addr heph_raw_group_by_key(struct heph_group *group, uint64_t key)
{
	unsigned at;

	return find_by_key(group, heph_hash_mix(key), &at) ?
		       group->members[at] :
		       (struct heph_addr){ 0 };
}

int heph_raw_send_by_key(heph_ctx ctx, struct heph_group *group, uint64_t key,
			 const void *msg, size_t size)
{
	int err = heph_wait_allowed(ctx);
	unsigned at;

	if (err < 0)
		return err;
	key = heph_hash_mix(key);
	err = -ESRCH;
	while (err == -ESRCH && find_by_key(group, key, &at)) {
		err = heph_raw_send(ctx, group->members[at], msg, size);
		if (err == -ESRCH)
			heph_group_drop_at(group, at);
	}
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
	int (*copy_fn)(void *to, const void *from); /* NULL: none */
	void (*drop_fn)(void *msg);                 /* NULL: nothing is owned */
	const void *msg;
	size_t size;
	void *copy; /* where copies are made */
	unsigned reached;
	bool given; /* the message itself went to a member */
	bool final; /* it is of no use to go on */
	alignas(16) unsigned char small[256];
};

/* What a member knows of its messages; an adapter, how to drop them at most.
 * Whether that is all that can be known. */
static bool ask(struct broadcast *it, struct heph_addr addr)
{
	bool inside;
	struct heph *heph = heph_enter(addr.node, &inside);
	struct heph_kind *kind;

	if (!heph)
		return false;
	kind = heph_kind_with(heph, addr);
	if (kind) {
		it->copy_fn = kind->type->copy;
		it->drop_fn = kind->type->drop;
	} else if (!it->drop_fn) {
		it->drop_fn = heph_map_drop_of(heph, addr);
	}
	heph_leave(addr.node, inside);
	return kind;
}

/* 0; -ESRCH, -ENOMEM. */
static int prepare(struct broadcast *it)
{
	struct heph_group *group = it->group;

	group->dropped += heph_raw_group_remove_gone(group);
	it->copy = it->small;
	for (unsigned i = 0; i < group->n; i++)
		if (ask(it, group->members[i]))
			break;
	if (!group->n)
		return -ESRCH;
	if (it->size > sizeof(it->small))
		it->copy = heph_mem_alloc_raw(it->size);
	return it->copy ? 0 : -ENOMEM;
}

static int copy(struct broadcast *it)
{
	int err;

	if (it->copy_fn) {
		heph_thread_hook(1);
		err = it->copy_fn(it->copy, it->msg);
		heph_thread_hook(-1);
		return err;
	}
	if (it->drop_fn)
		return -EINVAL;
	memcpy(it->copy, it->msg, it->size);
	return 0;
}

static void drop(struct broadcast *it, const void *msg)
{
	if (!it->drop_fn)
		return;
	heph_thread_hook(1);
	it->drop_fn((void *)(uintptr_t)msg);
	heph_thread_hook(-1);
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

	if (err < 0) {
		it->final = err == -EINVAL; /* copies cannot be made at all */
		return err;
	}
	err = send(ctx, it->group->members[at], last ? it->msg : it->copy,
		   it->size);
	if (err < 0 && !last)
		drop(it, it->copy);
	it->given = last && err == 0;
	it->final = err == -ETIME || err == -ECANCELED;
	return err;
}

/* 0, or why the latest one that did not get it did not. */
static int send_to_each(struct broadcast *it, const heph_ctx *ctx)
{
	struct heph_group *group = it->group;
	int err, result = 0;
	unsigned at = 0;

	while (at < group->n && !it->final) {
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
	}
	group->skipped += group->n - at;
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

int heph_raw_try_send_all(struct heph_group *group, const void *msg,
			  size_t size)
{
	return broadcast(group, NULL, msg, size);
}

int heph_raw_send_all(heph_ctx ctx, struct heph_group *group, const void *msg,
		      size_t size)
{
	int err = heph_wait_allowed(ctx);

	return err < 0 ? err : broadcast(group, &ctx, msg, size);
}
