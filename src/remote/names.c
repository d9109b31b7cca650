/* SPDX-License-Identifier: MIT */
/* What a node is asked for, by functions of node.h, about references. */
#include <stdlib.h>
#include <string.h>

#include "remote/asks.h"
#include "remote/desk.h"
#include "remote/mem.h"
#include "remote/message.h"

/* One with a name, which may be NULL, and a peer. */
static int ask_peer(struct heph_ask **ret_ask,
		    void (*run)(heph_ctx, struct heph_node_state *,
				struct heph_request *),
		    const struct heph_remote_actor *remote, const char *peer,
		    const char *name)
{
	struct heph_ask *ask = heph_ask_new(run, remote);
	int err = ask ? heph_ask_put_peer(ask, peer) : -ENOMEM;

	if (err == 0 && name)
		err = heph_ask_put_name(ask, name);
	if (err < 0) {
		heph_request_free(ask ? &ask->request : NULL);
		return err;
	}
	*ret_ask = ask;
	return 0;
}

/* ---- to the peer ----------------------------------------------------------------- */

/* FOUND: a reference. */
static int on_found(heph_ctx ctx, struct heph_peer *peer, struct heph_ask *ask,
		    int err, const void *data, size_t size)
{
	struct heph_cut cut = { data, (const unsigned char *)data + size };
	struct heph_wire_ref ref;
	const void *wire;

	if (err == 0)
		err = heph_cut_bytes(&cut, HEPH_WIRE_REF, &wire);
	if (err < 0)
		return err;
	heph_wire_ref_read(wire, &ref);
	return heph_ref_in(ctx, peer, ask->remote, &ref, &ask->addr);
}

/* ---- names that are exported ------------------------------------------------------- */

struct ask_export {
	struct heph_ask ask;
	unsigned rights;
};

static void run_export(heph_ctx ctx, struct heph_node_state *node,
		       struct heph_request *request)
{
	struct ask_export *it = (struct ask_export *)request;
	const struct heph_home_name named = { .addr = it->ask.addr,
					      .remote = it->ask.remote,
					      .rights = it->rights };
	int err = heph_raw_alive(named.addr) ? 0 : -ESRCH;

	(void)ctx;
	if (err == 0)
		err = heph_home_may_give(node, named.addr, named.rights);
	if (err == 0)
		err = heph_home_add_name(node->home, &node->home->names, &named,
					 it->ask.name);
	heph_request_done(request, err);
}

int heph_raw_node_export(heph_ctx ctx, heph_node node,
			 const struct heph_remote_actor *remote,
			 struct heph_addr addr, const char *name,
			 unsigned rights)
{
	struct ask_export *it =
		heph_request_new(sizeof(*it), run_export, heph_ask_drop);
	int err = it ? heph_ask_put_name(&it->ask, name) : -ENOMEM;

	if (err == 0 && rights & ~(unsigned)HEPH_MAY_STOP)
		err = -EINVAL;
	if (err < 0) {
		heph_request_free(it ? &it->ask.request : NULL);
		return err;
	}
	it->ask.remote = remote;
	it->ask.addr = addr;
	it->rights = rights;
	return heph_ask_and_free(ctx, node, &it->ask);
}

static void run_unexport(heph_ctx ctx, struct heph_node_state *node,
			 struct heph_request *request)
{
	const char *name = ((struct heph_ask *)request)->name;

	(void)ctx;
	heph_request_done(
		request, heph_home_remove_name(node->home, name) ? 0 : -ENOENT);
}

int heph_node_unexport(heph_ctx ctx, heph_node node, const char *name)
{
	struct heph_ask *ask = heph_ask_new(run_unexport, NULL);
	int err = ask ? heph_ask_put_name(ask, name) : -ENOMEM;

	if (err == 0)
		return heph_ask_and_free(ctx, node, ask);
	heph_request_free(ask ? &ask->request : NULL);
	return err == -EINVAL ? -ENOENT : err;
}

static void run_offer(heph_ctx ctx, struct heph_node_state *node,
		      struct heph_request *request)
{
	const struct heph_ask *ask = (struct heph_ask *)request;
	const struct heph_home_name named = { .remote = ask->remote };

	(void)ctx;
	heph_request_done(request,
			  heph_home_add_name(node->home, &node->home->offers,
					     &named, ask->remote->name));
}

int heph_raw_node_offer(heph_ctx ctx, heph_node node,
			const struct heph_remote_actor *remote)
{
	struct heph_ask *ask;

	if (!remote->spawnable || !remote->actor)
		return -EINVAL;
	ask = heph_ask_new(run_offer, remote);
	return ask ? heph_ask_and_free(ctx, node, ask) : -ENOMEM;
}

/* ---- whereis ------------------------------------------------------------------------- */

static void send_whereis(heph_ctx ctx, struct heph_peer *peer,
			 struct heph_job *job)
{
	struct heph_ask *ask = heph_ask_of(job);
	unsigned char body[8 + HEPH_EXPORT_NAME_MAX];
	size_t size = strlen(ask->name);
	unsigned char *at = heph_put_u64(body, heph_home_hash(peer->node->home,
							      ask->remote));

	memcpy(at, ask->name, size);
	heph_ask_send(ctx, peer, ask, HEPH_FRAME_WHEREIS, body, 8 + size);
}

static int whereis_here(struct heph_node_state *node, struct heph_ask *ask)
{
	const struct heph_home_name *named =
		heph_home_name(node->home, ask->name, strlen(ask->name));

	if (!named)
		return -ENOENT;
	if (named->hash != heph_home_hash(node->home, ask->remote))
		return -EPROTOTYPE;
	ask->addr = named->addr;
	return 0;
}

static void run_whereis(heph_ctx ctx, struct heph_node_state *node,
			struct heph_request *request)
{
	struct heph_ask *ask = (struct heph_ask *)request;

	(void)ctx;
	ask->answer = on_found;
	ask->expects = HEPH_FRAME_FOUND;
	if (heph_ask_is_here(node, ask))
		heph_request_done(request, whereis_here(node, ask));
	else
		heph_ask_hand_over(node, ask, send_whereis);
}

int heph_raw_node_whereis(heph_ctx ctx, heph_node node, const char *peer,
			  const struct heph_remote_actor *remote,
			  const char *name, struct heph_addr *ret_addr)
{
	struct heph_ask *ask;
	int err = ask_peer(&ask, run_whereis, remote, peer, name ? name : "");

	if (err == -EINVAL)
		return -ENOENT; /* nothing has such a name */
	return err < 0 ? err : heph_ask_for_addr(ctx, node, ask, ret_addr);
}

/* ---- spawn ------------------------------------------------------------------------------ */

static void send_spawn(heph_ctx ctx, struct heph_peer *peer,
		       struct heph_job *job)
{
	struct heph_ask *ask = heph_ask_of(job);
	size_t name = strlen(ask->remote->name) + 1, head = 8 + name;
	struct heph_bytes body = { NULL, head };
	unsigned char *at;
	int err = 0;

	if (ask->arg) {
		err = heph_arg_write(peer, ask->remote->arg(), head, ask->arg,
				     &body);
	} else {
		body.data = heph_remote_mem_alloc(head);
		err = body.data ? 0 : -ENOMEM;
	}
	if (err < 0) {
		heph_request_done(&ask->request, err);
		return;
	}
	at = heph_put_u64(body.data,
			  heph_home_hash(peer->node->home, ask->remote));
	memcpy(at, ask->remote->name, name);
	heph_ask_send(ctx, peer, ask, HEPH_FRAME_SPAWN, body.data, body.size);
	heph_remote_mem_free(body.data);
}

/* The argument is the actor's after 0. */
static int spawn_here(heph_ctx ctx, struct heph_ask *ask)
{
	int err = heph_desk_start(ctx, ask->remote, ask->arg, &ask->addr);

	if (err < 0)
		return err;
	heph_remote_mem_free(ask->arg);
	ask->arg = NULL;
	return 0;
}

static void run_spawn(heph_ctx ctx, struct heph_node_state *node,
		      struct heph_request *request)
{
	struct heph_ask *ask = (struct heph_ask *)request;

	ask->answer = on_found;
	ask->expects = HEPH_FRAME_FOUND;
	if (heph_ask_is_here(node, ask))
		heph_request_done(request, spawn_here(ctx, ask));
	else
		heph_ask_hand_over(node, ask, send_spawn);
}

static int put_arg(struct heph_ask *ask, const void *arg)
{
	const struct heph_codec *codec;
	int err;

	if (!ask->remote->arg)
		return 0;
	codec = ask->remote->arg();
	ask->arg = heph_remote_mem_zero(codec->size);
	if (!ask->arg)
		return -ENOMEM;
	err = heph_codec_copy(codec, ask->arg, arg);
	if (err < 0) {
		heph_remote_mem_free(ask->arg);
		ask->arg = NULL;
	}
	return err;
}

int heph_raw_node_spawn(heph_ctx ctx, heph_node node, const char *peer,
			const struct heph_remote_actor *remote, const void *arg,
			struct heph_addr *ret_addr)
{
	struct heph_ask *ask;
	int err = ask_peer(&ask, run_spawn, remote, peer, NULL);

	if (err < 0)
		return err;
	err = remote->spawnable ? put_arg(ask, arg) : -EACCES;
	if (err < 0) {
		heph_request_free(&ask->request);
		return err;
	}
	return heph_ask_for_addr(ctx, node, ask, ret_addr);
}

/* ---- list --------------------------------------------------------------------------------- */

static void send_list(heph_ctx ctx, struct heph_peer *peer,
		      struct heph_job *job)
{
	heph_ask_send(ctx, peer, heph_ask_of(job), HEPH_FRAME_LIST, NULL, 0);
}

static int on_listed(heph_ctx ctx, struct heph_peer *peer, struct heph_ask *ask,
		     int err, const void *data, size_t size)
{
	(void)ctx, (void)peer;
	if (err < 0)
		return err;
	ask->text = malloc(size + 1);
	if (!ask->text)
		return -ENOMEM;
	memcpy(ask->text, data, size);
	ask->text[size] = '\0';
	return 0;
}

static void run_list(heph_ctx ctx, struct heph_node_state *node,
		     struct heph_request *request)
{
	struct heph_ask *ask = (struct heph_ask *)request;

	(void)ctx;
	ask->answer = on_listed;
	ask->expects = HEPH_FRAME_LISTED;
	if (!heph_ask_is_here(node, ask)) {
		heph_ask_hand_over(node, ask, send_list);
		return;
	}
	ask->text = heph_home_list(node->home);
	heph_request_done(request, ask->text ? 0 : -ENOMEM);
}

int heph_node_list(heph_ctx ctx, heph_node node, const char *peer,
		   char **ret_text)
{
	struct heph_ask *ask;
	int err = ask_peer(&ask, run_list, NULL, peer, NULL);

	if (err < 0)
		return err;
	err = heph_request(ctx, node, &ask->request);
	if (err == 0) {
		*ret_text = ask->text;
		ask->text = NULL;
	}
	heph_request_free(&ask->request);
	return err;
}
