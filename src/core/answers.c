/* SPDX-License-Identifier: MIT */
/*
 * Calls on the list that were answered are not looked for: they leave when
 * the list is full, which is asked of the callers' records. So the list grows
 * only when most of it is still open.
 */
#include "core/answers.h"

#include <string.h>

#include "base/mem.h"
#include "core/send.h"
#include "core/stackrule.h"
#include "core/wait.h"

enum { FIRST = 8 };

static void forget_closed(struct heph_ext *ext)
{
	unsigned n = 0;

	for (unsigned i = 0; i < ext->n_owed; i++)
		if (heph_call_open(ext->owed[i]))
			ext->owed[n++] = ext->owed[i];
	ext->n_owed = n;
}

static bool grow(struct heph_ext *ext)
{
	unsigned max = ext->max_owed ? ext->max_owed * 2 : FIRST;
	struct heph_reply *owed = heph_mem_alloc_raw(max * sizeof(*owed));

	if (!owed)
		return false;
	if (ext->n_owed)
		memcpy(owed, ext->owed, ext->n_owed * sizeof(*owed));
	heph_mem_free(ext->owed);
	ext->owed = owed;
	ext->max_owed = max;
	return true;
}

static bool room(struct heph_ext *ext)
{
	if (ext->n_owed < ext->max_owed)
		return true;
	forget_closed(ext);
	return ext->n_owed < ext->max_owed / 2 || grow(ext);
}

void heph_answers_owe(struct heph_self *self, struct heph_reply reply)
{
	struct heph_ext *ext = self->ext;

	if (heph_unlikely(reply.call & HEPH_CALL_TIMED))
		heph_call_received(reply);
	if (ext->hand.call && heph_call_open(ext->hand)) {
		if (room(ext))
			ext->owed[ext->n_owed++] = ext->hand;
		else /* better now than never */
			heph_call_fail(ext->hand, -ENOMEM);
	}
	ext->hand = reply;
}

/* Another one owes it from now on. */
static void pass_on(struct heph_self *self, struct heph_reply reply)
{
	struct heph_ext *ext = self->ext;

	heph_answers_given(self, reply);
	for (unsigned i = 0; ext && i < ext->n_owed; i++)
		if (heph_reply_same(ext->owed[i], reply))
			ext->owed[i--] = ext->owed[--ext->n_owed];
}

void heph_answers_fail(struct heph_self *self)
{
	struct heph_ext *ext = self->ext;

	heph_call_fail(ext->hand, -EPIPE);
	for (unsigned i = 0; i < ext->n_owed; i++)
		heph_call_fail(ext->owed[i], -EPIPE);
	heph_mem_free(ext->owed);
	ext->hand.call = 0;
	ext->owed = NULL;
	ext->n_owed = ext->max_owed = 0;
}

int heph_raw_forward(heph_ctx ctx, struct heph_addr to, const void *msg,
		     size_t size, size_t reply_at, struct heph_reply reply)
{
	const struct heph_letter letter = { .data = msg,
					    .size = (uint32_t)size,
					    .reply_at = (uint32_t)reply_at,
					    .reply = reply };
	int err = heph_wait_allowed(ctx);

	heph_stackrule_check_msg(ctx.self, to, msg, size);
	if (err == 0)
		err = heph_letter_send(ctx, to, &letter);
	if (err == 0)
		pass_on(ctx.self, reply);
	return err;
}
