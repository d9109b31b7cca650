/* SPDX-License-Identifier: MIT */
/*
 * Heralds: each tells one actor of the members. It waits while that one's inbox is full,
 * and nobody else does.
 */
#define HEPH_LOG_TARGET "heph.cluster"
#include "remote/cluster_state.h"

#include <string.h>

#include "remote/mem.h"

enum { INBOX = 4096 };

struct heph_cluster_herald_list {
	struct heph_cluster_herald_list *next, **at;
	struct heph_cluster_state *state;
	struct heph_addr watcher, herald;
};

struct heph_cluster_herald_arg {
	struct heph_cluster_herald_list *one;
};
HEPH_ACTOR(heph_cluster_herald, struct heph_member, struct heph_cluster_herald_arg);

static heph_cluster_herald_ref ref_of(const struct heph_cluster_herald_list *one)
{
	return (heph_cluster_herald_ref){ { .addr = one->herald } };
}

static void drop_arg(struct heph_cluster_herald_arg *arg)
{
	struct heph_cluster_herald_list *one = arg->one;

	if (one->at)
		*one->at = one->next;
	if (one->at && one->next)
		one->next->at = one->at;
	heph_remote_mem_free(one);
}

static void enter(struct heph_cluster_herald_list *one)
{
	one->at = &one->state->heralds;
	one->next = one->state->heralds;
	if (one->next)
		one->next->at = &one->next;
	one->state->heralds = one;
}

static struct heph_member member_of(enum heph_member_event event,
				    const struct heph_cluster_peer *peer)
{
	struct heph_member member = { .event = event, .id = peer->owner.id };

	strcpy(member.name, peer->name);
	return member;
}

/* Those who are up; the rest comes. */
static void tell_all(const struct heph_cluster_state *state, heph_cluster_herald_ref ref)
{
	for (const struct heph_cluster_peer *peer = state->peers; peer;
	     peer = peer->next)
		if (peer->up)
			heph_post(ref, member_of(HEPH_MEMBER_UP, peer));
	if (state->standing == HEPH_CLUSTER_CUT)
		heph_post(ref, { .event = HEPH_MEMBER_CUT, .id = state->self.id });
}

void heph_cluster_tell(struct heph_cluster_state *state, enum heph_member_event event,
		       const struct heph_cluster_peer *peer)
{
	struct heph_cluster_herald_list *one;

	for (one = state->heralds; one; one = one->next)
		if (heph_try_send(ref_of(one), member_of(event, peer)) == -EAGAIN)
			heph_log_error("who watches the cluster does not listen: it is not told of all",
				       HEPH_KV_STR("member", peer->name));
}

static int tell(heph_ctx ctx, struct heph_addr watcher, const struct heph_member *member)
{
	int err = heph_raw_send(ctx, watcher, member, sizeof(*member));

	if (err == -ECANCELED)
		(void)!heph_raw_try_send(watcher, member, sizeof(*member));
	return err;
}

/* Until that actor ends. When the cluster does, what is left is told if there is room. */
static int herald_main(heph_ctx ctx, heph_cluster_herald_inbox in,
		       struct heph_cluster_herald_arg *arg)
{
	enum { GONE, MEMBER };
	struct heph_addr watcher = arg->one->watcher;
	struct heph_member member;
	struct heph_exit exit;
	int which, err = 0;

	while (err == 0) {
		which = heph_wait(ctx, [GONE] = heph_raw_on_join(watcher, &exit),
				  [MEMBER] = heph_on_msg(in, &member));
		if (which == MEMBER)
			err = tell(ctx, watcher, &member);
		else
			err = -ECANCELED;
	}
	while (heph_try_recv(in, &member) == 0)
		(void)!heph_raw_try_send(watcher, &member, sizeof(member));
	return 0;
}
HEPH_ACTOR_MAIN(heph_cluster_herald, herald_main, .drop_arg = drop_arg);

int heph_cluster_herald_start(heph_ctx ctx, struct heph_cluster_state *state,
			      struct heph_addr watcher)
{
	struct heph_cluster_herald_list *one = heph_remote_mem_zero(sizeof(*one));
	heph_cluster_herald_ref ref;
	int err;

	if (!one)
		return -ENOMEM;
	one->state = state;
	one->watcher = watcher;
	err = heph_spawn(ctx, heph_cluster_herald, &ref, { one },
			 .name = "cluster herald", .inbox = INBOX);
	if (err < 0) {
		heph_remote_mem_free(one);
		return err;
	}
	one->herald = ref.addr;
	enter(one);
	tell_all(state, ref);
	return 0;
}
