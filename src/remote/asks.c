/* SPDX-License-Identifier: MIT */
#include "remote/asks.h"

#include <stdlib.h>
#include <string.h>

#include "remote/mem.h"
#include "remote/message.h"
#include "remote/refs.h"

enum { ERRNO_MAX = 4095 };

int heph_asks_init(struct heph_peer *peer)
{
	peer->asks = heph_remote_mem_zero(sizeof(*peer->asks));
	return peer->asks ? 0 : -ENOMEM;
}

static void done(heph_ctx ctx, struct heph_peer *peer, struct heph_ask *ask,
		 int err, const void *data, size_t size)
{
	int result = ask->answer(ctx, peer, ask, err, data, size);

	if (result == -EINPROGRESS)
		return;
	heph_table_take(&peer->asks->by_number, ask->number);
	heph_request_done(&ask->request, result);
}

void heph_asks_fini(heph_ctx ctx, struct heph_peer *peer, int err)
{
	struct heph_ask *ask;
	size_t at = 0;

	if (!peer->asks)
		return;
	while ((ask = heph_table_next(&peer->asks->by_number, &at))) {
		(void)ask->answer(ctx, peer, ask, err, NULL, 0);
		heph_request_done(&ask->request, err);
	}
	heph_table_fini(&peer->asks->by_number);
	heph_remote_mem_free(peer->asks);
	peer->asks = NULL;
}

static int post(struct heph_peer *peer, const struct heph_ask *ask,
		enum heph_frame_type type, const void *body, size_t size)
{
	struct heph_frame frame;
	unsigned char *at;
	int err;

	if (HEPH_FRAME_HEAD + 8 + size > peer->frame_max)
		return -EMSGSIZE;
	err = heph_frame_new(&frame, type, heph_message_flags(peer), ask->flag,
			     8 + size);
	if (err < 0)
		return err;
	at = heph_put_u64(heph_frame_body(&frame), ask->number);
	heph_put_bytes(at, body, size);
	return heph_peer_post(peer, &frame);
}

void heph_ask_send(heph_ctx ctx, struct heph_peer *peer, struct heph_ask *ask,
		   enum heph_frame_type type, const void *body, size_t size)
{
	int err = peer->asks && !peer->closing ? 0 : -EHOSTDOWN;

	if (err == 0) {
		ask->number = ++peer->asks->last;
		err = heph_table_put(&peer->asks->by_number, ask->number, ask);
	}
	if (err < 0) {
		(void)ask->answer(ctx, peer, ask, err, NULL, 0);
		heph_request_done(&ask->request, err);
		return;
	}
	err = post(peer, ask, type, body, size);
	if (err < 0)
		done(ctx, peer, ask, err, NULL, 0);
}

int heph_asks_answered(heph_ctx ctx, struct heph_peer *peer,
		       const struct heph_frame_view *view)
{
	struct heph_cut cut = { view->body, view->body + view->size };
	struct heph_ask *ask;
	uint64_t number;
	int err = heph_cut_u64(&cut, &number);

	if (err < 0 || view->number > ERRNO_MAX)
		return -EPROTO;
	ask = heph_table_get(&peer->asks->by_number, number);
	if (!ask && view->type == HEPH_FRAME_TAPPED)
		return 0; /* a line that was on its way */
	if (!ask || ask->expects != view->type) {
		heph_refs_refuse(peer, HEPH_REFUSED_ANSWER, -ENOENT);
		return 0;
	}
	done(ctx, peer, ask, -(int)view->number, cut.at,
	     (size_t)(cut.end - cut.at));
	return 0;
}

/* ---- making them ------------------------------------------------------------------- */

int heph_ask_and_free(heph_ctx ctx, heph_node node, struct heph_ask *ask)
{
	int err = heph_request(ctx, node, &ask->request);

	heph_request_free(&ask->request);
	return err;
}

void heph_ask_drop(struct heph_request *request)
{
	struct heph_ask *ask = (struct heph_ask *)request;

	if (ask->arg)
		heph_codec_drop(ask->remote->arg(), ask->arg);
	heph_remote_mem_free(ask->arg);
	heph_remote_mem_free(ask->name);
	free(ask->text);
}

struct heph_ask *heph_ask_new(void (*run)(heph_ctx, struct heph_node_state *,
					  struct heph_request *),
			      const struct heph_remote_actor *remote)
{
	struct heph_ask *ask =
		heph_request_new(sizeof(*ask), run, heph_ask_drop);

	if (ask)
		ask->remote = remote;
	return ask;
}

int heph_ask_put_name(struct heph_ask *ask, const char *name)
{
	size_t size = name ? strlen(name) : 0;

	if (!size || size > HEPH_EXPORT_NAME_MAX)
		return -EINVAL;
	ask->name = heph_remote_mem_alloc(size + 1);
	if (!ask->name)
		return -ENOMEM;
	memcpy(ask->name, name, size + 1);
	return 0;
}

int heph_ask_put_peer(struct heph_ask *ask, const char *peer)
{
	size_t size = peer ? strlen(peer) : 0;

	if (!size || size > HEPH_NODE_NAME_MAX)
		return -ENOTCONN; /* no peer has such a name */
	memcpy(ask->peer, peer, size + 1);
	return 0;
}

bool heph_ask_is_here(const struct heph_node_state *node,
		      const struct heph_ask *ask)
{
	return strcmp(node->name, ask->peer) == 0;
}

void heph_ask_hand_over(struct heph_node_state *node, struct heph_ask *ask,
			void (*run)(heph_ctx ctx, struct heph_peer *peer,
				    struct heph_job *job))
{
	struct heph_peer *peer = heph_node_peer(node, ask->peer);

	ask->request.job.run = run;
	if (peer)
		heph_peer_do(peer, &ask->request.job);
	else
		heph_request_done(&ask->request, -ENOTCONN);
}

struct heph_ask *heph_ask_of(struct heph_job *job)
{
	return (struct heph_ask *)(void *)((char *)job -
					   offsetof(struct heph_ask,
						    request.job));
}

int heph_ask_for_addr(heph_ctx ctx, heph_node node, struct heph_ask *ask,
		      struct heph_addr *ret_addr)
{
	int err = heph_request(ctx, node, &ask->request);

	if (err == 0)
		*ret_addr = ask->addr;
	heph_request_free(&ask->request);
	return err;
}
