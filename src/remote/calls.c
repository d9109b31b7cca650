/* SPDX-License-Identifier: MIT */
#include "remote/calls.h"

#include "remote/mem.h"

enum {
	FIRST = 16,
	LOOK = 64, /* places, when there are no more to be had */
};

struct heph_calls_out *heph_calls_new(uint32_t max)
{
	struct heph_calls_out *calls = heph_remote_mem_zero(sizeof(*calls));

	if (calls)
		calls->max = max;
	return calls;
}

static bool taken(const struct heph_call_out *call)
{
	return call->turn & 1;
}

void heph_calls_free(struct heph_calls_out *calls, int err)
{
	if (!calls)
		return;
	for (uint32_t i = 0; i < calls->n; i++)
		if (taken(&calls->places[i]))
			heph_raw_refuse(calls->places[i].reply, err);
	heph_remote_mem_free(calls->places);
	heph_remote_mem_free(calls);
}

static void give_back(struct heph_calls_out *calls, struct heph_call_out *call)
{
	call->turn++;
	call->next = calls->free;
	calls->free = (uint32_t)(call - calls->places) + 1;
	calls->in_use--;
}

/* Frees those of `n` places whose callers have given up. */
static void reap(struct heph_calls_out *calls, uint32_t n)
{
	struct heph_call_out *call;

	while (n-- > 0) {
		call = &calls->places[calls->hand];
		calls->hand = (calls->hand + 1) % calls->n;
		if (taken(call) && !heph_raw_reply_wanted(call->reply))
			give_back(calls, call);
	}
}

static int grow(struct heph_calls_out *calls)
{
	uint32_t n = calls->n ? calls->n * 2 : FIRST;
	struct heph_call_out *grown;

	n = n < calls->max ? n : calls->max;
	grown = heph_remote_mem_grow(calls->places, n * sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	calls->places = grown;
	while (n-- > calls->n) {
		grown[n] = (struct heph_call_out){ .next = calls->free };
		calls->free = n + 1;
	}
	calls->n = calls->n ? calls->n * 2 : FIRST;
	calls->n = calls->n < calls->max ? calls->n : calls->max;
	return 0;
}

/* Sees to it that a place is free. */
static int make_room(struct heph_calls_out *calls)
{
	bool full = calls->n == calls->max;

	if (calls->free)
		return 0;
	if (calls->n)
		reap(calls, full && calls->n > LOOK ? LOOK : calls->n);
	if (calls->free && (full || calls->in_use * 2 < calls->n))
		return 0;
	if (full)
		return calls->free ? 0 : -EDQUOT;
	return grow(calls) == 0 || calls->free ? 0 : -ENOMEM;
}

int heph_calls_add(struct heph_calls_out *calls, struct heph_reply reply,
		   const struct heph_field *field, uint64_t *ret_number)
{
	struct heph_call_out *call;
	int err = make_room(calls);

	if (err < 0)
		return err;
	call = &calls->places[calls->free - 1];
	*ret_number = (uint64_t)(call->turn + 1) << 32 | calls->free;
	calls->free = call->next;
	calls->in_use++;
	*call = (struct heph_call_out){ .reply = reply,
					.field = field,
					.turn = call->turn + 1 };
	return 0;
}

int heph_calls_take(struct heph_calls_out *calls, uint64_t number,
		    struct heph_call_out *ret_call)
{
	uint32_t place = (uint32_t)number - 1;
	struct heph_call_out *call;

	if (place >= calls->n)
		return -ENOENT;
	call = &calls->places[place];
	if (!taken(call) || call->turn != number >> 32)
		return -ENOENT;
	*ret_call = *call;
	give_back(calls, call);
	return 0;
}
