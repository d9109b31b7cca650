/* SPDX-License-Identifier: MIT */
#include "core/request.h"

#include "core/wait.h"

enum { SENT, CLAIMED, ABANDONED };

void heph_request_init(struct heph_request *request, struct heph_self *asker,
		       unsigned reason, void (*fn)(struct heph_event *event))
{
	*request = (struct heph_request){ .event.fn = fn,
					  .asker = asker,
					  .reason = (uint16_t)reason };
}

static void pass(struct heph_request *request, struct heph_thread *to)
{
	if (to == heph_thread_current)
		request->event.fn(&request->event);
	else
		heph_thread_post(to, &request->event);
}

void heph_request_send(struct heph_request *request, struct heph_thread *to)
{
	pass(request, to);
}

bool heph_request_abandon(struct heph_request *request)
{
	int sent = SENT;

	if (!request->back &&
	    atomic_compare_exchange_strong(&request->state, &sent, ABANDONED))
		return true;
	while (!request->back) /* it is on its way */
		heph_wait_only(request->asker, request->reason);
	return false;
}

int heph_request_await(heph_ctx ctx, struct heph_request *request,
		       bool *ret_gone)
{
	int err;

	while (!request->back) {
		err = heph_wait_about(ctx, request->reason, request);
		if (request->back || err == 0)
			continue;
		*ret_gone = heph_request_abandon(request);
		if (*ret_gone)
			return err;
	}
	return request->result;
}

bool heph_request_claim(struct heph_request *request)
{
	int sent = SENT;

	return atomic_compare_exchange_strong(&request->state, &sent, CLAIMED);
}

static void came_back(struct heph_event *event)
{
	struct heph_request *request =
		heph_container_of(event, struct heph_request, event);

	request->back = true;
	heph_wake(request->asker, request->reason);
}

void heph_request_answer(struct heph_request *request, int result)
{
	request->result = result;
	request->event.fn = came_back;
	pass(request, request->asker->thread);
}
