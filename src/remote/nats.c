/* SPDX-License-Identifier: MIT */
/*
 * Connections to NATS: the public side, and the hub, which hands jobs to the clerks.
 *
 * The hub takes a job only when a clerk is free, so jobs wait in its inbox, and who has
 * too many of them waits to send.
 */
#include "remote/nats_state.h"

#include <heph/call.h>

#include <string.h>

enum { INBOX = 1024 };
static const heph_time LAST_WORDS = HEPH_SEC;

/* ---- the hub ------------------------------------------------------------------------------ */

struct hub {
	struct heph_nats_link *link;
	heph_nats_keeper_ref keeper;
	struct heph_nats_crew crew;
	HEPH_PENDING(int) busy[HEPH_NATS_CLERKS];
};

static void drop_msg(struct heph_nats_hub_msg *msg)
{
	heph_nats_job_unref(msg->job);
	heph_oneshot_free(msg->linked);
}

static int find_clerk(const struct hub *hub)
{
	for (int i = 0; i < HEPH_NATS_CLERKS; i++)
		if (hub->busy[i].raw.call == 0)
			return i;
	return -1;
}

/* Gives a job away, which clerk i answers. There is a free one. */
static int hand_on(heph_ctx ctx, struct hub *hub, const struct heph_nats_hub_msg *msg)
{
	int i = find_clerk(hub);
	heph_nats_clerk_ref clerk = { { .addr = hub->crew.clerks[i] } };
	int err = heph_start_call(ctx, clerk, done, &hub->busy[i],
				  { .job = msg->job, .result = msg->result.raw });

	if (err < 0) {
		heph_answer(msg->result, err);
		heph_nats_job_unref(msg->job);
	}
	return err == -ECANCELED ? err : 0;
}

static void tell_stats(struct heph_nats_link *link, const struct heph_nats_hub_msg *msg)
{
	struct heph_nats_stats stats = {
		.connected = heph_nats_connected(link),
		.reconnects = link->connects - 1,
		.sent = link->sent,
		.received = link->received,
		.lost = link->lost,
	};

	pthread_mutex_lock(&link->lock);
	memcpy(stats.server, link->server, sizeof(stats.server));
	memcpy(stats.error, link->error, sizeof(stats.error));
	pthread_mutex_unlock(&link->lock);
	heph_answer(msg->stats, stats);
}

static int handle(heph_ctx ctx, struct hub *hub, const struct heph_nats_hub_msg *msg)
{
	switch (msg->kind) {
	case HEPH_NATS_HUB_READY:
		heph_answer(msg->result, 0);
		return 0;
	case HEPH_NATS_HUB_LINK:
		if (heph_oneshot_send(msg->linked,
				      { heph_nats_link_ref(hub->link) }) < 0)
			heph_nats_link_unref(hub->link);
		return 0;
	case HEPH_NATS_HUB_STATS:
		tell_stats(hub->link, msg);
		return 0;
	default:
		return hand_on(ctx, hub, msg);
	}
}

/* Waits for whatever is next. Returns 0, or why it ends. */
static int turn(heph_ctx ctx, struct hub *hub, heph_nats_hub_inbox in)
{
	enum { MSG, KEEPER, CLERK };
	struct heph_on on[CLERK + HEPH_NATS_CLERKS] = { 0 };
	struct heph_nats_hub_msg msg;
	struct heph_exit exit;
	int which, done;

	if (find_clerk(hub) >= 0)
		on[MSG] = heph_on_msg(in, &msg);
	on[KEEPER] = heph_on_join(hub->keeper, &exit);
	for (int i = 0; i < HEPH_NATS_CLERKS; i++)
		on[CLERK + i] = heph_on_answer(hub->busy[i]);
	which = heph_raw_wait(ctx, on, CLERK + HEPH_NATS_CLERKS);
	if (which == MSG)
		return handle(ctx, hub, &msg);
	if (which == KEEPER)
		return exit.err < 0 ? exit.err : -ENOTCONN;
	if (which >= CLERK)
		return heph_await(ctx, &hub->busy[which - CLERK], &done);
	return which;
}

static int get_ready(heph_ctx ctx, struct hub *hub)
{
	int err = heph_spawn(ctx, heph_nats_keeper, &hub->keeper,
			     { heph_nats_link_ref(hub->link) },
			     .name = "nats keeper", .on = HEPH_OWN_THREAD);

	if (err < 0) {
		heph_nats_link_unref(hub->link);
		return err;
	}
	err = heph_call(ctx, hub->keeper, ready, &hub->crew, { 0 });
	return err < 0 ? err : hub->crew.err;
}

/* Those who asked too early. */
static void refuse(heph_nats_hub_inbox in, int err)
{
	struct heph_nats_hub_msg msg;

	while (heph_try_recv(in, &msg) == 0) {
		if (msg.kind == HEPH_NATS_HUB_READY)
			heph_answer(msg.result, err);
		drop_msg(&msg);
	}
}

/* It was asked to stop, and goes on for those who have last words. */
static void hear_out(heph_ctx ctx, struct hub *hub, heph_nats_hub_inbox in)
{
	heph_ctx last = heph_shield(ctx, LAST_WORDS);
	int err = 0;

	while (err == 0 && hub->link->users > 0)
		err = turn(last, hub, in);
}

static int hub_main(heph_ctx ctx, heph_nats_hub_inbox in, struct heph_nats_arg *arg)
{
	struct hub hub = { .link = arg->link };
	int err;

	arg->link->hub = heph_self(in).addr;
	err = get_ready(ctx, &hub);
	if (err < 0) {
		struct heph_nats_hub_msg msg;

		/* Who connects is told, and nobody else knows of it. */
		if (heph_recv(ctx, in, &msg) == 0)
			heph_answer(msg.result, err);
		refuse(in, err);
		return 0;
	}
	while (err == 0)
		err = turn(ctx, &hub, in);
	if (err == -ECANCELED)
		hear_out(ctx, &hub, in);
	return err;
}
HEPH_ACTOR_MAIN(heph_nats_hub, hub_main, .drop = drop_msg,
		.drop_arg = heph_nats_arg_drop);

/* ---- connecting ------------------------------------------------------------------------------ */

int heph_raw_nats_connect(heph_ctx ctx, heph_nats *ret_nats,
			  const struct heph_nats_config *config)
{
	struct heph_nats_link *link;
	heph_nats_hub_ref hub;
	int err, result;

	if (strcmp(heph_driver_name(ctx), "sim") == 0)
		return -EOPNOTSUPP;
	err = heph_nats_link_new(config, &link);
	if (err < 0)
		return err;
	err = heph_spawn(ctx, heph_nats_hub, &hub, { link }, .name = "nats",
			 .inbox = INBOX);
	if (err < 0) {
		heph_nats_link_unref(link);
		return err;
	}
	err = heph_call(ctx, hub, result, &result, { .kind = HEPH_NATS_HUB_READY });
	if (err < 0)
		heph_stop(hub);
	else
		err = result;
	ret_nats->addr = hub.addr;
	return err == -EPIPE ? -ECANCELED : err;
}

/* ---- asking the hub ---------------------------------------------------------------------------- */

static int gone(int err)
{
	return err == -EPIPE ? -ESRCH : err;
}

int heph_nats_stats(heph_ctx ctx, heph_nats nats, struct heph_nats_stats *ret_stats)
{
	return gone(heph_call(ctx, heph_nats_hub_of(nats.addr), stats, ret_stats,
			      { .kind = HEPH_NATS_HUB_STATS }));
}

int heph_nats_link_of(heph_ctx ctx, heph_nats nats, struct heph_nats_link **ret_link)
{
	heph_nats_linked_sender tx;
	heph_nats_linked_receiver rx;
	struct heph_nats_linked linked;
	int err = heph_oneshot_new(heph_nats_linked, &tx, &rx);

	if (err < 0)
		return err;
	err = heph_send(ctx, heph_nats_hub_of(nats.addr),
			{ .kind = HEPH_NATS_HUB_LINK, .linked = tx });
	if (err < 0)
		heph_oneshot_free(tx);
	else
		err = heph_oneshot_recv(ctx, rx, &linked);
	if (err == 0)
		*ret_link = linked.link;
	heph_oneshot_free(rx);
	return gone(err);
}

int heph_nats_do(heph_ctx ctx, struct heph_nats_link *link, struct heph_nats_job *job)
{
	HEPH_PENDING(int) pending;
	int result, err;

	if (link->closed)
		return -ESRCH;
	job->refs++;
	err = heph_start_call(ctx, heph_nats_hub_of(link->hub), result, &pending,
			      { .kind = HEPH_NATS_HUB_JOB, .job = job });
	if (err < 0) {
		heph_nats_job_unref(job);
		return gone(err);
	}
	err = heph_await(ctx, &pending, &result);
	heph_forget_call(ctx, &pending); /* if it was given up */
	return err < 0 ? gone(err) : result;
}

void heph_nats_use(struct heph_nats_link *link)
{
	link->users++;
}

void heph_nats_unuse(struct heph_nats_link *link)
{
	if (--link->users == 0) /* wakes it */
		heph_post(heph_nats_hub_of(link->hub),
			  { .kind = HEPH_NATS_HUB_SWEEP });
}

/* ---- publishing ------------------------------------------------------------------------------------ */

/* Each header is "name: value\r\n", after a line of 12 bytes and before one of 2. */
static size_t headers_size(const struct heph_nats_msg *msg)
{
	const char *at = msg->headers;
	size_t size = 12 + 2;

	for (; *at; at += strlen(at) + 1)
		size += strlen(at) + 2;
	return *msg->headers ? size : 0;
}

static int check(const struct heph_nats_link *link, const struct heph_nats_msg *msg)
{
	return msg->size + headers_size(msg) > heph_nats_payload_max(link) ?
		       -EMSGSIZE :
		       0;
}

int heph_nats_publish(heph_ctx ctx, struct heph_nats_link *link,
		      struct heph_nats_msg *msg)
{
	int err = check(link, msg);

	return err < 0 ? err : gone(heph_chan_send(ctx, link->out, { msg }));
}

int heph_nats_try_publish(struct heph_nats_link *link, struct heph_nats_msg *msg)
{
	int err = check(link, msg);

	return err < 0 ? err : gone(heph_chan_try_send(link->out, { msg }));
}
