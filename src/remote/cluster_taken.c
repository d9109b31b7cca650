/* SPDX-License-Identifier: MIT */
#define HEPH_LOG_TARGET "heph.cluster"
/*
 * What becomes of a message that is held: the actor is called with it, and the broker is
 * told how that went.
 */
#include <heph/heph.h>

#include <stdio.h>
#include <string.h>

#include "remote/cluster_ask.h"
#include "remote/cluster_msg.h"
#include "remote/cluster_taker.h"
#include "remote/mem.h"

/* ---- saying ------------------------------------------------------------------------------- */

/* Waits if much is waiting to be sent. What is lost here comes again. A broker that came
 * back may have given the number to another message, so it hears nothing until it is known
 * which one this is. */
static int say(heph_ctx ctx, struct heph_taker *taker, const struct heph_taken *taken,
	       const char *text)
{
	struct heph_nats_msg *msg = NULL;
	int err;

	if (!heph_nats_connected(taker->shared->link) ||
	    taker->connects != heph_nats_connects(taker->shared->link) ||
	    (taker->stale && taken == taker->first))
		return 0;
	err = heph_nats_msg_new(&msg, taken->msg->reply, NULL, NULL, 0, text,
				    strlen(text));

	if (err == 0)
		err = heph_nats_publish(ctx, taker->shared->link, msg);
	if (err < 0)
		heph_nats_msg_free(msg);
	return err == -ECANCELED || err == -ESRCH ? err : 0;
}

void heph_taker_pop(struct heph_taker *taker)
{
	struct heph_taken *taken = taker->first;

	taker->first = taken->next;
	if (!taker->first)
		taker->last = &taker->first;
	taker->n--;
	heph_nats_msg_free(taken->msg);
	heph_remote_mem_free(taken);
}

int heph_taker_settle(heph_ctx ctx, struct heph_taker *taker, const char *word)
{
	int err = say(ctx, taker, taker->first, word);

	heph_taker_pop(taker);
	taker->stale = false;
	return err;
}

int heph_taker_say_working(heph_ctx ctx, struct heph_taker *taker)
{
	int err = 0;

	taker->told = heph_now();
	for (struct heph_taken *taken = taker->first; taken && err == 0;
	     taken = taken->next)
		err = say(ctx, taker, taken, HEPH_JS_WORKING);
	return err;
}

/* ---- failures ------------------------------------------------------------------------------- */

/* Later: the pause doubles with each delivery, up to `redeliver`. */
static int put_back(heph_ctx ctx, struct heph_taker *taker)
{
	heph_time delay = HEPH_TAKER_AGAIN, max = taker->config.redeliver;
	char nak[64];

	for (uint32_t i = 1; i < taker->first->deliveries && delay < max; i++)
		delay *= 2;
	heph_js_nak(nak, delay < max ? delay : max);
	return heph_taker_settle(ctx, taker, nak);
}

static struct heph_nats_msg *epitaph(const struct heph_taker *taker, int why)
{
	const struct heph_nats_msg *msg = taker->first->msg;
	char subject[HEPH_JS_SUBJECT], id[HEPH_JS_SUBJECT], times[16];
	const struct heph_nats_header headers[] = {
		{ "Nats-Msg-Id", id },
		{ "Heph-Times", times },
		{ "Heph-Error", why < 0 ? strerrorname_np(-why) : "refused" },
	};
	struct heph_nats_msg *dead;

	heph_js_subject(subject, heph_nats_prefix(taker->shared->link), "dead", taker->name);
	snprintf(id, sizeof(id), "%s:%llu", taker->name,
		 (unsigned long long)taker->first->delivery.number);
	snprintf(times, sizeof(times), "%u", taker->first->deliveries);
	return heph_nats_msg_new(&dead, subject, NULL, headers, 3, msg->data,
				 msg->size) < 0 ?
		       NULL :
		       dead;
}

/* Waits for the broker to have it among the dead; until then it is in the inbox. */
static int give_up(heph_ctx ctx, struct heph_taker *taker, int why)
{
	struct heph_delivery *delivery = &taker->first->delivery;
	struct heph_js_answer answer;
	int err = heph_cluster_ask(heph_within(ctx, taker->config.redeliver / 3),
				   taker->shared->link, epitaph(taker, why), &answer);

	if (err == -ECANCELED)
		return err;
	heph_log_warn(err < 0 ? "a message cannot be given up" : "a message is given up",
		      HEPH_KV_STR("inbox", taker->name),
		      HEPH_KV_UINT("number", delivery->number),
		      HEPH_KV_UINT("times", taker->first->deliveries),
		      HEPH_KV_ERR("why", why), HEPH_KV_ERR("err", err));
	if (err < 0)
		return put_back(ctx, taker);
	taker->shared->given_up++;
	return heph_taker_settle(ctx, taker, HEPH_JS_TERM);
}

static bool too_often(const struct heph_taker *taker, uint32_t times)
{
	return taker->config.times && times >= taker->config.times;
}

static int failed(heph_ctx ctx, struct heph_taker *taker, int why)
{
	heph_log_debug("a message was not handled", HEPH_KV_STR("inbox", taker->name),
		       HEPH_KV_UINT("number", taker->first->delivery.number),
		       HEPH_KV_ERR("why", why));
	if (too_often(taker, taker->first->deliveries) && !taker->stale)
		return give_up(ctx, taker, why);
	return put_back(ctx, taker);
}

/* ---- handing over ----------------------------------------------------------------------------- */

static int decode(heph_ctx ctx, struct heph_taker *taker)
{
	struct heph_taken *taken = taker->first;
	struct heph_cluster_head head;
	int err = heph_cluster_head_read(taken->msg->data, taken->msg->size, &head);

	if (err == 0)
		err = heph_cluster_unpack(ctx, taker->shared, taker->remote,
					  &head, taker->msg, NULL);
	if (err < 0)
		return err;
	memcpy((char *)taker->msg + taker->delivery_at, &taken->delivery,
	       sizeof(taken->delivery));
	taker->decoded = true;
	return 0;
}

void heph_taker_drop_decoded(struct heph_taker *taker)
{
	if (taker->decoded)
		heph_codec_drop(taker->remote->msg(), taker->msg);
	taker->decoded = false;
}

/* What cannot be read may be for a node with a newer program: it comes again. */
static int unreadable(heph_ctx ctx, struct heph_taker *taker, int err)
{
	if (err == -ECANCELED)
		return err;
	if (err != -ENOMEM && err != -ETIME) {
		taker->shared->refused++;
		heph_log_warn("a message of an inbox is refused",
			      HEPH_KV_STR("inbox", taker->name),
			      HEPH_KV_STR("type", taker->remote->name),
			      HEPH_KV_ERR("err", err));
	}
	return failed(ctx, taker, err);
}

int heph_taker_hand_over(heph_ctx ctx, struct heph_taker *taker)
{
	const struct heph_call call = { .msg = taker->msg,
					.size = taker->remote->msg()->size,
					.reply_at = taker->done_at,
					.ret_size = sizeof(int),
					.member = "done" };
	int err;

	if (taker->config.times && taker->first->deliveries > taker->config.times)
		return give_up(ctx, taker, -EPIPE);
	if (!taker->decoded) {
		err = decode(ctx, taker);
		if (err < 0)
			return unreadable(ctx, taker, err);
	}
	err = heph_raw_try_start_call(ctx, taker->target, &call, &taker->pending);
	if (err == 0) {
		taker->called = true;
		taker->decoded = false;
	}
	if (err == 0 || err == -EAGAIN || err == -ESRCH || err == -ECANCELED)
		return err;
	heph_taker_drop_decoded(taker);
	return failed(ctx, taker, err);
}

int heph_taker_answered(heph_ctx ctx, struct heph_taker *taker)
{
	int result = 0, err = heph_raw_await(ctx, &taker->pending, &result, sizeof(result));

	if (err == -ECANCELED || err == -ETIME)
		return err;
	taker->called = false;
	if (err < 0 && !heph_raw_alive(taker->target))
		return -ESRCH;
	if (err == 0 && result == 0)
		return heph_taker_settle(ctx, taker, HEPH_JS_ACK);
	return failed(ctx, taker, err < 0 ? err : result);
}
