/* SPDX-License-Identifier: MIT */
/* References as bytes, to be carried by other means. */
#include <string.h>

#include "remote/asks.h"
#include "remote/home.h"
#include "remote/message.h"

struct ask_out {
	struct heph_ask ask;
	unsigned rights;
};

static void run_out(heph_ctx ctx, struct heph_node_state *node,
		    struct heph_request *request)
{
	struct ask_out *it = (struct ask_out *)request;
	struct heph_wire_ref ref;
	int err = heph_raw_alive(it->ask.addr) ? 0 : -ESRCH;

	(void)ctx;
	if (err == 0)
		err = heph_home_may_give(node, it->ask.addr, it->rights);
	if (err == 0)
		err = heph_home_out(node, it->ask.remote, it->ask.addr,
				    it->rights, &ref);
	if (err == 0)
		heph_wire_ref_write(&ref, it->ask.wire);
	heph_request_done(request, err);
}

int heph_raw_node_ref_out(heph_ctx ctx, heph_node node,
			  const struct heph_remote_actor *remote,
			  struct heph_addr addr, unsigned rights,
			  uint8_t ret_wire[HEPH_WIRE_REF])
{
	struct ask_out *it =
		heph_request_new(sizeof(*it), run_out, heph_ask_drop);
	int err;

	if (!it)
		return -ENOMEM;
	it->ask.remote = remote;
	it->ask.addr = addr;
	it->rights = rights;
	err = heph_request(ctx, node, &it->ask.request);
	if (err == 0)
		memcpy(ret_wire, it->ask.wire, HEPH_WIRE_REF);
	heph_request_free(&it->ask.request);
	return err;
}

static void take_in(heph_ctx ctx, struct heph_peer *peer, struct heph_job *job)
{
	struct heph_ask *ask = heph_ask_of(job);
	struct heph_wire_ref ref;
	int err = peer->closing || !peer->imports ? -EHOSTUNREACH : 0;

	heph_wire_ref_read(ask->wire, &ref);
	if (err == 0)
		err = heph_ref_carried(ctx, peer, ask->remote, &ref,
				       &ask->addr);
	heph_request_done(&ask->request, err);
}

/* One of our own. */
static int come_home(struct heph_node_state *node, struct heph_ask *ask,
		     const struct heph_wire_ref *ref)
{
	struct heph_given *given;
	int err = heph_home_find(node, ref, &given);

	if (err == 0)
		err = heph_home_check(node->home, given, ask->remote);
	if (err == 0 && !heph_raw_alive(given->addr))
		err = -ESRCH;
	if (err == 0)
		ask->addr = given->addr;
	return err == -EACCES ? -EINVAL : err;
}

static void run_in(heph_ctx ctx, struct heph_node_state *node,
		   struct heph_request *request)
{
	struct heph_ask *ask = (struct heph_ask *)request;
	struct heph_wire_ref ref;
	struct heph_peer *peer;

	(void)ctx;
	heph_wire_ref_read(ask->wire, &ref);
	if (ref.node == node->id) {
		heph_request_done(request, come_home(node, ask, &ref));
		return;
	}
	peer = ref.id ? heph_node_peer_by_id(node, ref.node) : NULL;
	request->job.run = take_in;
	if (peer)
		heph_peer_do(peer, &request->job);
	else
		heph_request_done(request, ref.id ? -EHOSTUNREACH : -EINVAL);
}

int heph_raw_node_ref_in(heph_ctx ctx, heph_node node,
			 const struct heph_remote_actor *remote,
			 const uint8_t wire[HEPH_WIRE_REF],
			 struct heph_addr *ret_addr)
{
	struct heph_ask *ask = heph_ask_new(run_in, remote);

	if (!ask)
		return -ENOMEM;
	memcpy(ask->wire, wire, HEPH_WIRE_REF);
	return heph_ask_for_addr(ctx, node, ask, ret_addr);
}
