/* SPDX-License-Identifier: MIT */
/*
 * group.h - several actors that take the same messages
 *
 * HEPH_ACTOR(worker, ...) makes the type worker_group, which holds references
 * of the type worker_ref, in the order in which they were added:
 *
 *     worker_group workers = { 0 };
 *
 *     err = heph_group_add(ctx, &workers, worker);
 *     err = heph_send_one(ctx, &workers, { .job = 1 });
 *
 * { 0 } is an empty group. A group keeps nobody alive. It belongs to the actor
 * that adds to it, for its list is in that one's memory and goes with it; a
 * copy of the struct shares the list, so it is for reading only: to have
 * another group, extend an empty one.
 *
 * Members that are found to be gone when something is sent leave the group and
 * are counted in `dropped`. Where a message could not go for another reason
 * that is counted in `skipped`.
 *
 * Functions without a context do not wait, nor do those that add members.
 */
#ifndef HEPH_GROUP_H
#define HEPH_GROUP_H

#include <heph/message.h>
#include <heph/types.h>

#ifdef __cplusplus
extern "C" {
#endif

#define HEPH_GROUP__                                                           \
	struct heph_addr *members; /* in the arena of who added them */        \
	unsigned n;                /* members */                               \
	unsigned max, turn;                                                    \
	uint64_t dropped; /* members that were found to be gone */             \
	uint64_t skipped  /* copies of a message that did not go to a member */

/* An untyped group. `n`, `dropped` and `skipped` may be read. */
struct heph_group {
	HEPH_GROUP__;
};

/* ---- members ------------------------------------------------------------- */

/* heph_group_add(ctx, &group, ref): adds a member at the end, also one that is
 * in it already. Returns 0; -ENOMEM. */
HEPH_API HEPH_MUST int heph_raw_group_add(heph_ctx ctx, struct heph_group *group,
					  struct heph_addr addr);

/* heph_group_add_unique(ctx, &group, ref): adds it if it is not in the group.
 * Returns 1; 0 (it was); -ENOMEM. */
HEPH_API HEPH_MUST int heph_raw_group_add_unique(heph_ctx ctx,
						 struct heph_group *group,
						 struct heph_addr addr);

/* heph_group_extend(ctx, &group, &other): adds all members of another group of
 * the same type. Returns 0; -ENOMEM, and nobody was added. */
HEPH_API HEPH_MUST int heph_raw_group_extend(heph_ctx ctx,
					     struct heph_group *group,
					     const struct heph_group *other);

/* heph_group_remove(&group, ref): removes it, as often as it is there. The
 * others keep their order. Returns how many were removed. */
HEPH_API unsigned heph_raw_group_remove(struct heph_group *group,
					struct heph_addr addr);

/* heph_group_remove_gone(&group): removes those that have ended. Returns how
 * many; they are not counted in `dropped`. */
HEPH_API unsigned heph_raw_group_remove_gone(struct heph_group *group);

/* heph_group_make_unique(&group): leaves each member once, where it was first.
 * Returns how many were removed. */
HEPH_API unsigned heph_raw_group_make_unique(struct heph_group *group);

/* heph_group_count(&group): how many members are in it, each as often as it
 * was added. */
static inline unsigned heph_raw_group_count(const struct heph_group *group)
{
	return group->n;
}

/* heph_group_at(&group, i): the member with that number, counted from 0; { 0 }
 * if there are not so many. */
static inline struct heph_addr heph_raw_group_at(const struct heph_group *group,
						 unsigned i)
{
	struct heph_addr nobody = { 0, 0, 0, 0 };

	return i < group->n ? group->members[i] : nobody;
}

/* heph_group_by_key(&group, key): the member that a key belongs to, as in
 * heph_send_by_key(), or { 0 } if there is nobody. */
HEPH_API struct heph_addr heph_raw_group_by_key(struct heph_group *group,
						uint64_t key);

/* heph_stop_all(&group): asks each member to stop. */
HEPH_API void heph_raw_stop_all(const struct heph_group *group);

/*
 * heph_join_all(ctx, &group): waits until all that are in the group have ended.
 * They stay in it. Returns 0; what heph_join() does.
 */
HEPH_API HEPH_MUST int heph_raw_join_all(heph_ctx ctx,
					 const struct heph_group *group);

/* A number for some bytes, for use as a key: the same bytes have the same
 * number, in every process. Any thread. */
HEPH_API uint64_t heph_hash(const void *data, size_t size);

/* ---- to one of them ------------------------------------------------------- */

/*
 * heph_try_send_one(&group, message): to the members by turns. One whose inbox
 * is full is passed over.
 * Returns 0; -EAGAIN (all are full); -ESRCH (nobody is there); -ENOMEM.
 */
HEPH_API HEPH_MUST int heph_raw_try_send_one(struct heph_group *group,
					     const void *msg, size_t size);

/*
 * heph_send_one(ctx, &group, message): the same; when all are full it waits for
 * the one whose turn it is.
 * Returns 0; -ESRCH (nobody is there); -ETIME, -ECANCELED; -ENOMEM; -EDEADLK
 * (it would wait for itself).
 */
HEPH_API HEPH_MUST int heph_raw_send_one(heph_ctx ctx, struct heph_group *group,
					 const void *msg, size_t size);

/*
 * heph_send_by_key(ctx, &group, key, message): waits while the inbox is full.
 * To the member that the key belongs to: always the same one, and when members
 * come or go only the keys change hands that must.
 * Returns what heph_send_one() does.
 */
HEPH_API HEPH_MUST int heph_raw_send_by_key(heph_ctx ctx,
					    struct heph_group *group,
					    uint64_t key, const void *msg,
					    size_t size);

/* ---- to all of them ------------------------------------------------------- */

/*
 * heph_try_send_all(&group, message): to each member that has room; the others
 * are skipped. The last one gets the message, those before it copies, made by
 * the type's `.copy` function:
 *
 *     int copy(struct worker_msg *to, const struct worker_msg *from)
 *
 * returns 0, or a negative number and then has made nothing. A type without a
 * `.drop` function needs none: its messages own nothing. Of adapters alone, those
 * of heph_map_owning() have messages that own, and cannot be copied.
 *
 * Returns how many got it, 1 or more: then the message has been given away, and
 * what is left of it was dropped by `.drop`. Else nobody got it and it is still
 * the sender's: -EAGAIN (all are full); -ESRCH (nobody is there); -EINVAL (more
 * than one member, and `.drop` without `.copy`); -ENOMEM, or what `.copy` said.
 */
HEPH_API HEPH_MUST int heph_raw_try_send_all(struct heph_group *group,
					     const void *msg, size_t size);

/*
 * heph_send_all(ctx, &group, message): the same, but waits for each member that
 * is full. When the wait ends early the rest is skipped.
 * Returns how many got it, 1 or more; else nobody did: -ETIME, -ECANCELED;
 * -EDEADLK (itself alone, full); and as above.
 */
HEPH_API HEPH_MUST int heph_raw_send_all(heph_ctx ctx, struct heph_group *group,
					 const void *msg, size_t size);

/* ---- calls ---------------------------------------------------------------- */

/*
 * heph_call_any(ctx, &group, member, &result, message): waits. Calls all that
 * have room, and takes the first answer; the other calls are given up. Members
 * that are full are called when all before them have failed; one that refuses
 * (heph_refuse()) has failed, too.
 * Returns 0; -ESRCH (nobody is there); -EPIPE (all have failed), or what the
 * last one refused with; -ETIME, -ECANCELED; -ENOMEM; -EDEADLK (itself alone).
 */
HEPH_API HEPH_MUST int heph_raw_call_any(heph_ctx ctx, struct heph_group *group,
					 const struct heph_call *call);

/* Where the results of all go: an array of structs with two members. */
struct heph_call_results {
	void *results;
	size_t size; /* of the array in bytes; SIZE_MAX: not known */
	size_t stride, err_at, value_at;
};

/*
 * heph_call_all(ctx, &group, member, results, message): waits until all members
 * have answered or failed, or until the deadline. `results` is an array with
 * room for as many as there are members, of
 *
 *     struct { int err; long value; }
 *
 * where the value has the type of the answer; the n-th one tells what came of
 * the call to the n-th member, as heph_call() does. No member leaves the group.
 * Returns how many have answered; -ESRCH (the group is empty); -ENOSPC
 * (`results` is an array that is too small); -ECANCELED (before it began);
 * -ENOMEM.
 */
HEPH_API HEPH_MUST int heph_raw_call_all(heph_ctx ctx, struct heph_group *group,
					 const struct heph_call *call,
					 const struct heph_call_results *to);

#ifdef __cplusplus
}
#endif
#endif
