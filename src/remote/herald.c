/* SPDX-License-Identifier: MIT */
#define HEPH_LOG_TARGET "heph.remote"
#include "remote/herald.h"

#include "remote/mem.h"

#include <string.h>

enum { HERALDS_MAX = 1024, EVENTS = 4 /* that wait, of each peer */ };

static int crier_main(heph_ctx ctx, heph_crier_inbox in,
		      struct heph_herald_arg *arg)
{
	struct heph_node_event event;
	enum { EVENT, END };
	int what, err = 0;

	while (err == 0) {
		what = heph_wait(ctx, [EVENT] = heph_on_msg(in, &event),
				 [END] = heph_raw_on_join(arg->watcher, NULL));
		if (what != EVENT)
			return 0;
		err = heph_raw_send(ctx, arg->watcher, &event, sizeof(event));
	}
	return 0;
}
HEPH_ACTOR_MAIN(heph_crier, crier_main);

void heph_herald_tell(struct heph_herald *herald,
		      const struct heph_node_event *event)
{
	int err = heph_try_send(herald->ref, *event);

	if (err == 0) {
		herald->full_told = false;
	} else if (err != -ESRCH && !herald->full_told) {
		herald->full_told = true;
		heph_log_warn("who watches is too slow: events are lost",
			      HEPH_KV_ERR("err", err));
	}
}

/* Those whose watchers have ended; tells how many are left. */
static unsigned prune(struct heph_node_state *node)
{
	struct heph_herald **at = &node->heralds, *herald;
	unsigned n = 0;

	while ((herald = *at)) {
		if (heph_alive(herald->ref)) {
			at = &herald->next;
			n++;
			continue;
		}
		*at = herald->next;
		heph_remote_mem_free(herald);
	}
	return n;
}

int heph_herald_start(heph_ctx ctx, struct heph_node_state *node,
		      struct heph_addr watcher)
{
	unsigned room = (node->config.peers + 1) * EVENTS;
	struct heph_herald *herald;
	int err;

	if (prune(node) >= HERALDS_MAX)
		return -EDQUOT;
	herald = heph_remote_mem_zero(sizeof(*herald));
	if (!herald)
		return -ENOMEM;
	err = heph_spawn(ctx, heph_crier, &herald->ref, { watcher },
			 .name = "heph_herald",
			 .inbox = room < HEPH_INBOX_MAX ? room : HEPH_INBOX_MAX);
	if (err < 0) {
		heph_remote_mem_free(herald);
		return err;
	}
	herald->next = node->heralds;
	node->heralds = herald;
	return 0;
}

void heph_heralds_free(struct heph_node_state *node)
{
	struct heph_herald *herald;

	while ((herald = node->heralds)) {
		node->heralds = herald->next;
		heph_remote_mem_free(herald);
	}
}
