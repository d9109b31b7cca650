/* SPDX-License-Identifier: MIT */
#define HEPH_LOG_TARGET "heph.cluster"
/*
 * Who takes messages from a durable inbox and hands them to an actor.
 *
 * The broker counts deliveries, not attempts: what was held here and never handed over
 * when this node ended comes again as delivered once more. So where deliveries are
 * limited (`times`) only one is asked for at a time, and each of them is an attempt.
 *
 * A broker that is killed forgets acknowledgements of its last seconds, and delivers
 * those messages for the first time once more. So what was stored before it came back is
 * marked as if it had been delivered (cluster_js.h), and so is what was delivered here.
 * It forgets the ids of what was acknowledged as well, so what is stored with a second
 * attempt (cluster_storing.c) is marked, too. A mark is no delivery: what is limited is
 * the broker's own count.
 */
#include <heph/heph.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "remote/cluster_ask.h"
#include "remote/cluster_taker.h"
#include "remote/mem.h"

#define TICK (250 * HEPH_MSEC) /* looks after what is due */
#define EXPIRES (30 * HEPH_SEC) /* of a pull */
#define BEAT HEPH_SEC /* the broker says so often that it is alive */
#define SILENCE (5 * BEAT / 2) /* then a pull has been lost */
#define LEAVE HEPH_SEC /* for the answer that is awaited at the end */

struct heph_taker_arg {
	struct heph_taker *taker;
};
struct heph_taker_msg { /* nobody sends any */
	int unused;
};
HEPH_ACTOR(heph_taker, struct heph_taker_msg, struct heph_taker_arg);

/* ---- numbers ---------------------------------------------------------------------------- */

bool heph_taker_saw(struct heph_taker_seen *seen, uint64_t number)
{
	uint64_t *word, bit = UINT64_C(1) << (number % 64);
	bool saw;

	if (number > seen->highest + HEPH_TAKER_SEEN) {
		memset(seen->bits, 0, sizeof(seen->bits));
		seen->highest = number;
	}
	while (seen->highest < number) {
		seen->highest++;
		seen->bits[seen->highest % HEPH_TAKER_SEEN / 64] &=
			~(UINT64_C(1) << (seen->highest % 64));
	}
	if (number + HEPH_TAKER_SEEN <= seen->highest)
		return false;
	word = &seen->bits[number % HEPH_TAKER_SEEN / 64];
	saw = *word & bit;
	*word |= bit;
	return saw;
}

/* ---- taking ------------------------------------------------------------------------------------- */

/* Whether it may have been handled before, whatever the broker says: it was delivered
 * here, or may have been in an earlier life of the broker; or it may have been stored
 * before, under another number. */
static bool maybe_again(struct heph_taker *taker, const struct heph_taken *taken)
{
	bool saw = heph_taker_saw(&taker->seen, taken->delivery.number);

	return saw || taken->stored <= taker->consumer.since ||
	       !heph_js_is_of(taken->msg->reply, taker->consumer.name) ||
	       *heph_nats_msg_header(taken->msg, HEPH_JS_AGAIN);
}

static void hold(struct heph_taker *taker, struct heph_nats_msg *msg)
{
	struct heph_taken *taken = heph_remote_mem_zero(sizeof(*taken));

	if (!taken || heph_js_delivery(msg->reply, &taken->delivery, &taken->stored) < 0) {
		heph_remote_mem_free(taken);
		heph_nats_msg_free(msg);
		return; /* without a word it comes again */
	}
	taken->msg = msg;
	taken->deliveries = taken->delivery.times;
	if (maybe_again(taker, taken) && taken->delivery.times == 1)
		taken->delivery.times = 2;
	if (taken->delivery.times > 1)
		taker->shared->redelivered++;
	if (!taker->n)
		taker->told = heph_now();
	*taker->last = taken;
	taker->last = &taken->next;
	taker->n++;
	if (taker->expected)
		taker->expected--;
}

/* The broker's word about a pull: that it is alive, that the pull is over, or that there
 * is nothing to pull from. */
static void note_status(struct heph_taker *taker, const struct heph_nats_msg *msg)
{
	const char *status = heph_nats_msg_header(msg, "Status");
	int code = atoi(status);

	if (code == 100)
		return;
	taker->expected = 0;
	if (code == 404 || code == 408)
		return;
	taker->again = heph_now() + HEPH_TAKER_AGAIN;
	taker->broken = heph_nats_msg_nobody(msg) || code == 409;
}

static void came(struct heph_taker *taker, struct heph_nats_msg *msg)
{
	size_t n = strlen(taker->answers);
	bool status = strncmp(msg->subject, taker->answers, n) == 0;

	if (status && strtoull(msg->subject + n + 1, NULL, 10) == taker->pull) {
		taker->heard = heph_now();
		note_status(taker, msg);
	}
	if (status) {
		heph_nats_msg_free(msg);
		return;
	}
	taker->heard = heph_now();
	hold(taker, msg);
}

static struct heph_nats_msg *pulling(struct heph_taker *taker, unsigned batch)
{
	struct heph_js_request request;
	struct heph_nats_msg *msg;
	char reply[HEPH_NATS_SUBJECT_MAX + 24];

	heph_js_next(&request, heph_nats_prefix(taker->shared->link), taker->name,
		     taker->consumer.name, batch, EXPIRES, BEAT);
	snprintf(reply, sizeof(reply), "%s.%llu", taker->answers,
		 (unsigned long long)++taker->pull);
	return heph_nats_msg_new(&msg, request.subject, reply, NULL, 0, request.text,
				 strlen(request.text)) < 0 ?
		       NULL :
		       msg;
}

static int pull(heph_ctx ctx, struct heph_taker *taker, unsigned batch)
{
	struct heph_nats_msg *msg = pulling(taker, batch);
	int err = msg ? heph_nats_publish(ctx, taker->shared->link, msg) : -ENOMEM;

	if (err < 0 && msg)
		heph_nats_msg_free(msg);
	if (err == -ECANCELED || err == -ESRCH)
		return err;
	taker->heard = heph_now();
	taker->expected = err == 0 ? batch : 0;
	taker->again = err == 0 ? 0 : heph_now() + HEPH_TAKER_AGAIN;
	return 0;
}

/* What was asked of the broker may be lost: it was away, or does not say that it is there.
 * The inbox may have gone with it; who has no such inbox says nothing. */
static void look_after(struct heph_taker *taker)
{
	bool cut = taker->connects != heph_nats_connects(taker->shared->link);

	if (!cut && (!taker->expected || taker->heard + SILENCE >= heph_now()))
		return;
	taker->expected = 0;
	taker->broken = true;
}

/* What came in an earlier life of the broker comes again, as nobody has acknowledged it. */
static void forget_held(struct heph_taker *taker)
{
	struct heph_taken *rest, *next;

	taker->stale = taker->called;
	if (!taker->called)
		heph_taker_drop_decoded(taker);
	rest = taker->called ? taker->first->next : taker->first;
	taker->last = taker->called ? &taker->first->next : &taker->first;
	*taker->last = NULL;
	taker->n = taker->called;
	for (; rest; rest = next) {
		next = rest->next;
		heph_nats_msg_free(rest->msg);
		heph_remote_mem_free(rest);
	}
}

/* Looks whether the inbox is there, and has it made anew where the broker came back
 * without it. */
static int mend(heph_ctx ctx, struct heph_taker *taker)
{
	uint64_t connects = heph_nats_connects(taker->shared->link);
	struct heph_js_consumer consumer;
	int err = heph_cluster_make_inbox(ctx, taker->shared->link, taker->name,
					  &taker->config, taker->shared->replicas,
					  &consumer);

	taker->broken = err < 0;
	taker->again = err < 0 ? heph_now() + HEPH_SEC : 0;
	if (err == 0 && strcmp(consumer.name, taker->consumer.name) != 0)
		forget_held(taker);
	if (err == 0) {
		taker->consumer = consumer;
		taker->connects = connects;
	}
	return err == -ECANCELED ? err : 0;
}

/* Asks for more when half of what may be held is. */
static int ask(heph_ctx ctx, struct heph_taker *taker)
{
	unsigned most = taker->config.times ? 1 : taker->config.under_way;
	int err = 0;

	look_after(taker);
	if (heph_now() < taker->again || !heph_nats_connected(taker->shared->link))
		return 0;
	if (taker->broken)
		err = mend(ctx, taker);
	if (err == 0 && !taker->broken && !taker->expected && taker->n <= most / 2)
		err = pull(ctx, taker, most - taker->n);
	return err;
}

/* ---- the actor ------------------------------------------------------------------------------------ */

enum { ANSWERED, CAME, ROOM, DOWN, TIME };

/* When the broker is to hear that what is held is worked on; and a look at the pull. */
static heph_time due(const struct heph_taker *taker)
{
	heph_time tick = heph_now() + TICK;
	heph_time tell = taker->told + taker->config.redeliver / 3;

	return taker->first && tell < tick ? tell : tick;
}

/* Waits for what comes next, and does what is to be done about it. */
static int next(heph_ctx ctx, struct heph_taker *taker, bool full)
{
	const struct heph_on nothing = { .what = HEPH_ON_NOTHING__ };
	struct heph_nats_in in = { NULL };
	int what = heph_wait(
		ctx, [ANSWERED] = heph_raw_on_answer(taker->pending),
		[CAME] = heph_on_chan(taker->sub->in, &in),
		[ROOM] = full ? heph_raw_on_room(taker->target) : nothing,
		[DOWN] = heph_on_down(NULL),
		[TIME] = heph_on_time(due(taker)));

	switch (what) {
	case ANSWERED:
		return heph_taker_answered(ctx, taker);
	case CAME:
		came(taker, in.msg);
		return 0;
	case DOWN:
		return -ESRCH;
	}
	return what == -EPIPE ? -ECONNABORTED : what < 0 ? what : 0;
}

static int run(heph_ctx ctx, struct heph_taker *taker)
{
	heph_time third = taker->config.redeliver / 3;
	int err = 0;

	while (err == 0) {
		bool full = false;

		err = ask(ctx, taker);
		if (err == 0 && taker->first && !taker->called) {
			err = heph_taker_hand_over(ctx, taker);
			full = err == -EAGAIN;
			if (err == 0 && !taker->called)
				continue; /* it was settled: the next one */
		}
		if (full)
			err = 0;
		if (err == 0 && heph_now() - taker->told >= third)
			err = heph_taker_say_working(ctx, taker);
		if (err == 0)
			err = next(ctx, taker, full);
	}
	return err;
}

static struct heph_nats_msg *asking_about(const struct heph_taker *taker)
{
	struct heph_js_request request;

	heph_js_consumer_info(&request, heph_nats_prefix(taker->shared->link),
			      taker->name, taker->consumer.name);
	return heph_cluster_asking(&request);
}

/*
 * Until nothing more comes. What the broker has sent by then is held. Its consumer looks
 * for pulls whose asker has gone when it is asked about itself; nats-server 2.9 has to,
 * as it counts wrong if a message comes back while it has none but those.
 */
static void drain(heph_ctx ctx, struct heph_taker *taker)
{
	struct heph_js_answer answer;
	struct heph_nats_in in;

	if (heph_nats_drain(ctx, taker->sub) < 0)
		return;
	while (heph_chan_recv(ctx, taker->sub->in, &in) == 0)
		came(taker, in.msg);
	(void)!heph_cluster_ask(ctx, taker->shared->link, asking_about(taker), &answer);
}

/* What is held goes to others at once; but not what the actor is still working on, whose
 * answer is awaited a little. */
static void leave(heph_ctx ctx, struct heph_taker *taker)
{
	bool alive = heph_raw_alive(taker->target);

	heph_taker_drop_decoded(taker);
	drain(ctx, taker);
	if (taker->called && alive && heph_taker_answered(ctx, taker) < 0 && taker->called) {
		heph_raw_forget_call(ctx, &taker->pending);
		heph_taker_pop(taker);
	}
	while (taker->first && heph_taker_settle(ctx, taker, "-NAK") == 0)
		;
}

static int taker_main(heph_ctx ctx, heph_taker_inbox in, struct heph_taker_arg *arg)
{
	struct heph_taker *taker = arg->taker;
	int err = heph_cluster_part_begin(taker->shared, &taker->part,
					  heph_self(in).addr);

	if (err == 0)
		err = heph_raw_monitor(ctx, taker->target);
	if (err == 0)
		err = run(ctx, taker);
	leave(heph_within(heph_shield(ctx, LEAVE), LEAVE), taker);
	heph_log(err == -ECANCELED ? HEPH_LOG_DEBUG : HEPH_LOG_INFO,
		 "an inbox is not taken any more", HEPH_KV_STR("inbox", taker->name),
		 HEPH_KV_ERR("err", err));
	return err == -ESRCH || err == -ECONNABORTED ? 0 : err;
}

static void drop_arg(struct heph_taker_arg *arg)
{
	heph_taker_free(arg->taker);
}
HEPH_ACTOR_MAIN(heph_taker, taker_main, .drop_arg = drop_arg);

void heph_taker_free(struct heph_taker *taker)
{
	if (taker->listed)
		heph_cluster_part_remove(taker->shared, &taker->part);
	heph_nats_unsubscribe(taker->sub);
	heph_taker_drop_decoded(taker);
	while (taker->first)
		heph_taker_pop(taker);
	heph_cluster_shared_unref(taker->shared);
	heph_remote_mem_free(taker->msg);
	heph_remote_mem_free(taker);
}

static int subscribe(heph_ctx ctx, struct heph_taker *taker)
{
	char all[HEPH_NATS_SUBJECT_MAX + 2];

	taker->msg = heph_remote_mem_zero(taker->remote->msg()->size);
	if (!taker->msg)
		return -ENOMEM;
	heph_nats_unique(taker->shared->link, "taker", taker->answers);
	snprintf(all, sizeof(all), "%s.*", taker->answers);
	return heph_nats_subscribe(ctx, taker->shared->link, all, NULL,
				   2 * taker->config.under_way + 64, &taker->sub);
}

int heph_taker_begin(heph_ctx ctx, struct heph_taker *taker)
{
	int err;

	taker->last = &taker->first;
	taker->part.kind = HEPH_CLUSTER_DURABLE;
	taker->part.name = taker->name;
	err = heph_cluster_part_add(taker->shared, &taker->part);
	taker->listed = err == 0;
	if (err == 0)
		err = subscribe(ctx, taker);
	if (err == 0)
		err = heph_spawn(ctx, heph_taker, NULL, { taker }, .name = taker->name);
	if (err < 0)
		heph_taker_free(taker);
	return err;
}
