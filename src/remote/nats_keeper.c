/* SPDX-License-Identifier: MIT */
#define HEPH_LOG_TARGET "heph.remote"
/*
 * The keeper of a connection: connects, and closes.
 *
 * He is the parent of the publisher and the clerks, all on threads that may block. To
 * close, he lets the publisher publish what is in its channel, closes, which makes every
 * call of libnats return, and waits for the clerks. Then nobody uses the connection.
 */
#include "remote/nats_state.h"

static const heph_time LAST_WORDS = HEPH_SEC;

struct keeper {
	struct heph_nats_link *link;
	natsConnection *conn;
	jsCtx *js;
	natsSubscription *answers;
	heph_nats_events_receiver events;
	heph_nats_publisher_ref publisher;
	struct heph_scope scope;
	struct heph_nats_crew crew;
};

/* ---- opening ----------------------------------------------------------------------------- */

static int open_jetstream(struct keeper *k)
{
	struct jsOptions options;

	jsOptions_Init(&options);
	options.Wait = k->link->config.wait / HEPH_MSEC;
	return heph_nats_error(natsConnection_JetStream(&k->js, k->conn, &options));
}

static int spawn_crew(heph_ctx ctx, struct keeper *k)
{
	struct heph_nats_clerk_arg arg = {
		heph_nats_link_ref(k->link),
		{ .link = k->link, .conn = k->conn, .js = k->js },
	};
	heph_nats_clerk_ref clerk;
	int err = heph_spawn(ctx, heph_nats_publisher, &k->publisher, arg,
			     .name = "nats publisher", .on = HEPH_OWN_THREAD);

	for (unsigned i = 0; err == 0 && i < HEPH_NATS_CLERKS; i++) {
		heph_nats_link_ref(k->link);
		err = heph_spawn(ctx, heph_nats_clerk, &clerk, arg,
				 .name = "nats clerk", .on = HEPH_OWN_THREAD);
		k->crew.clerks[i] = clerk.addr;
	}
	if (err < 0)
		heph_nats_link_unref(k->link);
	return err;
}

static int open_all(heph_ctx ctx, struct keeper *k)
{
	int err = heph_nats_listen(k->link, &k->events);

	if (err == 0)
		err = heph_nats_dial(ctx, k->link, &k->conn);
	if (err == 0)
		err = open_jetstream(k);
	if (err == 0)
		err = heph_nats_subs_open(k->link, k->conn, &k->answers);
	return err == 0 ? spawn_crew(ctx, k) : err;
}

/* ---- closing -------------------------------------------------------------------------------- */

static void close_all(heph_ctx ctx, struct keeper *k)
{
	if (k->publisher.addr.id) {
		heph_stop(k->publisher);
		if (heph_join(heph_shield(ctx, LAST_WORDS), k->publisher, NULL) < 0)
			heph_log_warn("nats: what was published last is lost");
	}
	heph_nats_subs_close(k->link);
	if (k->conn)
		natsConnection_Close(k->conn);
	heph_scope_close(ctx, k->scope);
	heph_nats_subs_closed(k->link);
	natsSubscription_Destroy(k->answers);
	jsCtx_Destroy(k->js);
	natsConnection_Destroy(k->conn);
	heph_chan_free(k->link->out_end);
	k->link->out_end.chan = NULL;
	heph_chan_free(k->events);
	nats_ReleaseThreadMemory();
}

/* Until it is stopped, or the broker does not want us any more. */
static int keep(heph_ctx ctx, struct keeper *k)
{
	struct heph_nats_event event;
	int err = 0;

	while (heph_chan_recv(ctx, k->events, &event) == 0) {
		pthread_mutex_lock(&k->link->lock);
		err = k->link->err;
		pthread_mutex_unlock(&k->link->lock);
		if (err < 0) {
			heph_log_error("nats: the connection was closed",
				       HEPH_KV_ERR("err", err));
			break;
		}
	}
	return err;
}

static int keeper_main(heph_ctx ctx, heph_nats_keeper_inbox in,
		       struct heph_nats_arg *arg)
{
	struct keeper k = { .link = arg->link };
	struct heph_nats_keeper_msg msg;
	int err = heph_scope_open(ctx, &k.scope);

	if (err < 0)
		return err;
	k.crew.err = open_all(ctx, &k);
	if (heph_recv(ctx, in, &msg) == 0)
		heph_answer(msg.ready, k.crew);
	err = k.crew.err == 0 ? keep(ctx, &k) : 0;
	close_all(ctx, &k);
	return err;
}
HEPH_ACTOR_MAIN(heph_nats_keeper, keeper_main, .drop_arg = heph_nats_arg_drop);
