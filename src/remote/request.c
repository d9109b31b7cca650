/* SPDX-License-Identifier: MIT */
/* What is asked of the actor of a node: a record that both sides may outlive. */
#include "remote/mem.h"
#include "remote/node_state.h"

void *heph_request_new(size_t size,
		       void (*run)(heph_ctx ctx, struct heph_node_state *node,
				   struct heph_request *request),
		       void (*drop)(struct heph_request *request))
{
	struct heph_request *request = heph_remote_mem_zero(size);

	if (!request)
		return NULL;
	request->run = run;
	request->drop = drop;
	request->refs__ = 1;
	return request;
}

void heph_request_free(struct heph_request *request)
{
	if (!request || --request->refs__ > 0)
		return;
	if (request->drop)
		request->drop(request);
	heph_remote_mem_free(request);
}

/* A call in two steps, as what the message holds is still ours only if the first one
 * fails. */
int heph_request(heph_ctx ctx, heph_node node, struct heph_request *request)
{
	heph_node_ref ref = { { .addr = node.addr } };
	HEPH_PENDING(int) pending;
	int err, result = 0;

	request->refs__++;
	err = heph_start_call(ctx, ref, done, &pending,
			      { .request = request });
	if (err < 0) {
		heph_request_free(request);
		return err;
	}
	err = heph_await(ctx, &pending, &result);
	heph_forget_call(ctx, &pending);
	if (err == -EPIPE)
		return -ESRCH;
	return err < 0 ? err : result;
}

void heph_request_done(struct heph_request *request, int result)
{
	heph_answer(request->done, result);
	heph_request_free(request);
}

bool heph_request_wanted(const struct heph_request *request)
{
	return heph_reply_wanted(request->done);
}

void heph_request_keep(struct heph_request **list, struct heph_request *request)
{
	struct heph_request **at = list, *other;

	while ((other = *at)) {
		if (heph_request_wanted(other)) {
			at = &other->next;
			continue;
		}
		*at = other->next;
		heph_request_done(other, -ECANCELED);
	}
	request->next = NULL;
	*at = request;
}
