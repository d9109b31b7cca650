/* SPDX-License-Identifier: MIT */
#define HEPH_LOG_TARGET "heph.cluster"
/* Who takes part in a subject for an actor. */
#include <heph/heph.h>

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "remote/cluster_server.h"
#include "remote/mem.h"

#define SWEEP (HEPH_SEC / 2) /* looks for calls that nobody waits for any more */
#define LEAVE HEPH_SEC /* for what is not answered at the end */
#define GROUP "heph" /* of those among whom each message goes to one */

struct heph_server_arg {
	struct heph_server *server;
};
struct heph_server_msg { /* nobody sends any */
	int unused;
};
HEPH_ACTOR(heph_server, struct heph_server_msg, struct heph_server_arg);

/* ---- answers ------------------------------------------------------------------------------ */

/* Sends a payload, which is freed. What cannot be sent is lost: the caller has its
 * deadline. */
static int answer_with(heph_ctx ctx, struct heph_server *server, const char *reply,
		       struct heph_bytes *payload)
{
	struct heph_nats_msg *msg = NULL;
	int err = -EPROTO;

	/* A caller may not have us publish to any subject. */
	if (heph_nats_below(server->shared->link, "answer", reply))
		err = heph_nats_msg_new(&msg, reply, NULL, NULL, 0, payload->data,
					payload->size);
	heph_remote_mem_free(payload->data);
	if (err == 0)
		err = heph_nats_publish(ctx, server->shared->link, msg);
	if (err < 0) {
		heph_nats_msg_free(msg);
		server->shared->lost++;
	}
	return err == -ECANCELED || err == -ESRCH ? err : 0;
}

static int refuse(heph_ctx ctx, struct heph_server *server, const char *reply, int why)
{
	struct heph_bytes payload;

	if (!*reply || heph_cluster_pack_refusal(why, &payload) < 0)
		return 0;
	return answer_with(ctx, server, reply, &payload);
}

static int make_room(struct heph_server *server, size_t size)
{
	void *value;

	if (size <= server->value_size)
		return 0;
	value = heph_remote_mem_grow(server->value, size);
	if (!value)
		return -ENOMEM;
	server->value = value;
	server->value_size = size;
	return 0;
}

/* A call has been answered, or nobody can any more. */
static int answered(heph_ctx ctx, struct heph_server *server, struct heph_pending pending)
{
	struct heph_served *served = heph_table_get(&server->served, pending.call);
	struct heph_bytes payload;
	size_t size = heph_codec_answer_size(served->field);
	int err = make_room(server, size);

	if (err == 0)
		err = heph_raw_await(ctx, &pending, server->value, size);
	else
		heph_raw_forget_call(ctx, &pending);
	if (err == -ECANCELED || err == -ETIME)
		return err;
	heph_table_take(&server->served, served->pending.call);
	if (err == 0)
		err = heph_cluster_pack_answer(ctx, server->shared, served->field,
					       server->shared->format, server->value,
					       &payload);
	if (err == 0)
		err = answer_with(ctx, server, served->reply, &payload);
	else
		err = refuse(ctx, server, served->reply, err);
	heph_remote_mem_free(served);
	return err;
}

static int beat(heph_ctx ctx, struct heph_server *server, struct heph_served *served)
{
	struct heph_bytes payload;

	served->told = heph_now();
	if (heph_cluster_pack_beat(&payload) < 0)
		return 0;
	return answer_with(ctx, server, served->reply, &payload);
}

/* The first call whose caller does not wait any more. */
static struct heph_served *overdue(struct heph_server *server)
{
	struct heph_served *served;
	size_t at = 0;

	while ((served = heph_table_next(&server->served, &at)))
		if (served->deadline <= server->swept)
			break;
	return served;
}

/* Calls whose callers do not wait any more are given up; the others hear of us. The
 * table does not change while something is sent, as nobody else is here. */
static int sweep(heph_ctx ctx, struct heph_server *server)
{
	struct heph_served *served;
	size_t at = 0;
	int err = 0;

	server->swept = heph_now();
	while ((served = overdue(server))) {
		heph_table_take(&server->served, served->pending.call);
		heph_raw_forget_call(ctx, &served->pending);
		heph_remote_mem_free(served);
	}
	while (err == 0 && (served = heph_table_next(&server->served, &at)))
		if (served->told + HEPH_CLUSTER_ALIVE <= server->swept)
			err = beat(ctx, server, served);
	return err;
}

/* ---- handing over -------------------------------------------------------------------------- */

/* The message that was next has gone, or could not. */
static void done(struct heph_server *server, bool given)
{
	if (!given && server->waits)
		heph_codec_drop(server->remote->msg(), server->msg);
	server->waits = false;
	heph_nats_msg_free(server->came);
	server->came = NULL;
}

static int remember(struct heph_server *server, struct heph_pending pending)
{
	size_t n = strlen(server->came->reply) + 1;
	struct heph_served *served = heph_remote_mem_zero(sizeof(*served) + n);

	if (!served)
		return -ENOMEM;
	served->pending = pending;
	served->field = server->of.field;
	served->deadline = server->deadline;
	served->told = heph_now();
	memcpy(served->reply, server->came->reply, n);
	if (heph_table_put(&server->served, pending.call, served) == 0)
		return 0;
	heph_remote_mem_free(served);
	return -ENOMEM;
}

static int start_call(heph_ctx ctx, struct heph_server *server)
{
	const struct heph_call call = { .msg = server->msg,
					.size = server->remote->msg()->size,
					.reply_at = server->of.reply_at,
					.ret_size = heph_codec_answer_size(
						server->of.field),
					.member = server->of.field->name };
	struct heph_pending pending;
	int err = heph_raw_try_start_call(heph_until(ctx, server->deadline),
					  server->target, &call, &pending);

	if (err < 0)
		return err;
	err = remember(server, pending);
	if (err < 0) {
		heph_raw_forget_call(ctx, &pending);
		err = refuse(ctx, server, server->came->reply, err);
	}
	done(server, true);
	return err;
}

/* Hands the next message over, or has it wait for room. */
static int hand_over(heph_ctx ctx, struct heph_server *server)
{
	int err;

	if (server->is_call)
		err = start_call(ctx, server);
	else
		err = heph_raw_try_send(server->target, server->msg,
					server->remote->msg()->size);
	if (err == -EAGAIN)
		return 0;
	if (err == -ECANCELED || !server->came)
		return err;
	if (err < 0) {
		server->shared->lost++;
		if (server->is_call)
			refuse(ctx, server, server->came->reply, err);
	}
	done(server, err == 0);
	return err == -ESRCH ? err : 0;
}

static int unpack(heph_ctx ctx, struct heph_server *server)
{
	struct heph_cluster_head head;
	int err = heph_cluster_head_read(server->came->data, server->came->size, &head);

	if (err == 0)
		err = heph_cluster_unpack(ctx, server->shared, server->remote,
					  &head, server->msg, &server->of);
	if (err < 0)
		return err;
	server->waits = true;
	server->is_call = *server->came->reply && server->of.field;
	server->deadline = HEPH_NEVER;
	if (server->is_call && head.number && head.number < INT64_MAX / 2)
		server->deadline = heph_now() + (heph_time)head.number;
	return 0;
}

/* Something came: it is the next one. */
static int came(heph_ctx ctx, struct heph_server *server, struct heph_nats_msg *msg,
		bool call)
{
	int err;

	server->came = msg;
	err = unpack(ctx, server);
	if (err == 0)
		return hand_over(ctx, server);
	if (err != -ECANCELED) {
		server->shared->refused++;
		heph_log_warn("a message of a subject is refused",
			      HEPH_KV_STR("subject", server->subject),
			      HEPH_KV_STR("type", server->remote->name),
			      HEPH_KV_ERR("err", err));
		if (call)
			refuse(ctx, server, msg->reply, err);
	}
	done(server, false);
	return err == -ECANCELED ? err : 0;
}

/* ---- the actor -------------------------------------------------------------------------------- */

enum { ANSWERED, CALLED, SENT, ROOM, DOWN, TIME };

static int next(heph_ctx ctx, struct heph_server *server)
{
	const struct heph_on nothing = { .what = HEPH_ON_NOTHING__ };
	bool take = !server->waits, take_calls = take && server->served.n < HEPH_SERVED_CALLS;
	struct heph_nats_in in = { NULL };
	struct heph_pending pending;
	int what = heph_wait(
		ctx, [ANSWERED] = heph_on_any_answer(&pending),
		[CALLED] = take_calls ? heph_on_chan(server->calls->in, &in) : nothing,
		[SENT] = take ? heph_on_chan(server->sends->in, &in) : nothing,
		[ROOM] = take ? nothing : heph_raw_on_room(server->target),
		[DOWN] = heph_on_down(NULL),
		[TIME] = server->served.n ? heph_on_time(server->swept + SWEEP) : nothing);

	switch (what) {
	case ANSWERED:
		return answered(ctx, server, pending);
	case CALLED:
	case SENT:
		return came(ctx, server, in.msg, what == CALLED);
	case ROOM:
		return hand_over(ctx, server);
	case DOWN:
		return -ESRCH;
	case TIME:
		return sweep(ctx, server);
	}
	return what == -EPIPE ? -ECONNABORTED : what;
}

/* Adds what found no room to what is lost. */
static void count_lost(struct heph_server *server)
{
	uint64_t lost = heph_nats_sub_lost(server->sends) +
			heph_nats_sub_lost(server->calls);

	server->shared->lost += lost - server->lost;
	server->lost = lost;
}

/* The one that waits is handed over. -ETIME: there was no room in time, it still waits. */
static int hand_over_waiting(heph_ctx ctx, struct heph_server *server)
{
	int err = 0;

	while (server->waits && err == 0) {
		err = heph_wait(ctx, heph_raw_on_room(server->target));
		if (err == 0)
			(void)!hand_over(ctx, server);
	}
	return err;
}

/* What had come is handed over, after what waits already; or it is lost, if the actor has
 * ended or is too slow. If the broker cannot be asked, that is what is here by now. */
static void finish(heph_ctx ctx, struct heph_server *server, struct heph_nats_sub *sub)
{
	struct heph_nats_in in;
	int err;

	(void)!heph_nats_drain(ctx, sub);
	err = hand_over_waiting(ctx, server);
	while (heph_chan_try_recv(sub->in, &in) == 0) {
		if (err == 0) {
			came(ctx, server, in.msg, sub == server->calls);
			err = hand_over_waiting(ctx, server);
			continue;
		}
		server->shared->lost++;
		heph_nats_msg_free(in.msg);
	}
}

/* Nothing more comes in. */
static void finish_both(heph_ctx ctx, struct heph_server *server)
{
	finish(ctx, server, server->calls);
	finish(ctx, server, server->sends);
	if (server->waits)
		server->shared->lost++;
	done(server, false);
	count_lost(server);
	heph_nats_unsubscribe(server->calls);
	heph_nats_unsubscribe(server->sends);
	server->calls = server->sends = NULL;
}

/* Nothing more comes in; what was called is answered, as far as it can be soon. */
static void leave(heph_ctx ctx, struct heph_server *server)
{
	struct heph_pending pending;
	int err = 0;

	finish_both(ctx, server);
	while (server->served.n && err == 0) {
		err = heph_wait(ctx, heph_on_any_answer(&pending));
		if (err == 0)
			err = answered(ctx, server, pending);
	}
}

static int server_main(heph_ctx ctx, heph_server_inbox in, struct heph_server_arg *arg)
{
	struct heph_server *server = arg->server;
	int err = heph_cluster_part_begin(server->shared, &server->part,
					  heph_self(in).addr);

	if (err == 0)
		err = heph_raw_monitor(ctx, server->target);
	while (err >= 0) {
		err = next(ctx, server);
		count_lost(server);
	}
	leave(heph_within(heph_shield(ctx, LEAVE), LEAVE), server);
	heph_log(err == -ECANCELED ? HEPH_LOG_DEBUG : HEPH_LOG_INFO,
		 "a subject is not served any more",
		 HEPH_KV_STR("subject", server->subject), HEPH_KV_ERR("err", err));
	return err == -ESRCH || err == -ECONNABORTED ? 0 : err;
}

static void server_free(struct heph_server *server)
{
	struct heph_served *served;
	size_t at = 0;

	if (server->listed)
		heph_cluster_part_remove(server->shared, &server->part);
	heph_nats_unsubscribe(server->sends);
	heph_nats_unsubscribe(server->calls);
	done(server, false);
	while ((served = heph_table_next(&server->served, &at)))
		heph_remote_mem_free(served);
	heph_table_fini(&server->served);
	heph_cluster_shared_unref(server->shared);
	heph_remote_mem_free(server->value);
	heph_remote_mem_free(server->msg);
	heph_remote_mem_free(server);
}

static void drop_arg(struct heph_server_arg *arg)
{
	server_free(arg->server);
}
HEPH_ACTOR_MAIN(heph_server, server_main, .drop_arg = drop_arg);

/* ---- what programs call ------------------------------------------------------------------------- */

static int subscribe(heph_ctx ctx, struct heph_server *server)
{
	struct heph_nats_link *link = server->shared->link;
	char subject[HEPH_JS_SUBJECT];
	int err;

	heph_js_subject(subject, heph_nats_prefix(link), "send", server->subject);
	err = heph_nats_subscribe(ctx, link, subject,
				  server->how == HEPH_TO_ONE ? GROUP : NULL, 0,
				  &server->sends);
	if (err < 0)
		return err;
	heph_js_subject(subject, heph_nats_prefix(link), "call", server->subject);
	return heph_nats_subscribe(ctx, link, subject, GROUP, 0, &server->calls);
}

static int begin(heph_ctx ctx, struct heph_server *server)
{
	int err;

	server->part.kind = HEPH_CLUSTER_SERVING;
	server->part.name = server->subject;
	server->msg = heph_remote_mem_zero(server->remote->msg()->size);
	err = server->msg ? heph_cluster_part_add(server->shared, &server->part) :
			    -ENOMEM;
	server->listed = err == 0;
	if (err == 0)
		err = subscribe(ctx, server);
	if (err == 0)
		err = heph_spawn(ctx, heph_server, NULL, { server },
				 .name = server->subject);
	return err;
}

int heph_raw_cluster_serve(heph_ctx ctx, heph_cluster cluster,
			   const struct heph_remote_actor *remote,
			   struct heph_addr addr, const char *subject,
			   enum heph_route how)
{
	struct heph_server *server;
	int err;

	if (!heph_js_name_ok(subject) || (how != HEPH_TO_ONE && how != HEPH_TO_ALL))
		return -EINVAL;
	server = heph_remote_mem_zero(sizeof(*server));
	if (!server)
		return -ENOMEM;
	server->remote = remote;
	server->target = addr;
	server->how = how;
	strcpy(server->subject, subject);
	err = heph_cluster_shared_of(ctx, cluster, &server->shared);
	if (err == 0)
		err = begin(ctx, server);
	if (err < 0)
		server_free(server);
	return err;
}

int heph_cluster_unserve(heph_ctx ctx, heph_cluster cluster, const char *subject)
{
	return heph_cluster_part_end(ctx, cluster, HEPH_CLUSTER_SERVING, subject);
}
