/* SPDX-License-Identifier: MIT */
#define HEPH_LOG_TARGET "heph.remote"
/* Those who may block: clerks, who run jobs, and the publisher. */
#include "remote/nats_state.h"

#include <heph/call.h>

#include <string.h>

enum { FLUSH_MS = 500 }; /* at the end */

static void drop_arg(struct heph_nats_clerk_arg *arg)
{
	heph_nats_link_unref(arg->link);
}

/* ---- clerks --------------------------------------------------------------------------- */

void heph_nats_job_unref(struct heph_nats_job *job)
{
	if (job && --job->refs == 0)
		job->free(job);
}

static void drop_msg(struct heph_nats_clerk_msg *msg)
{
	heph_nats_job_unref(msg->job);
}

/* Milliseconds that who asks is willing to wait. */
static int64_t wait_of(heph_ctx ctx, const struct heph_nats_clerk_msg *msg,
		       heph_time wait)
{
	heph_time left = heph_deadline(heph_raw_for_caller(ctx, msg->result)) -
			 heph_now();

	if (left > wait)
		left = wait;
	return left < HEPH_MSEC ? 1 : left / HEPH_MSEC;
}

static int run(heph_ctx ctx, struct heph_nats_clerk_arg *arg,
	       const struct heph_nats_clerk_msg *msg)
{
	struct heph_nats_tools *tools = &arg->tools;

	if (!msg->job || !heph_raw_reply_wanted(msg->result))
		return 0;
	if (arg->link->closed)
		return -ESRCH;
	tools->wait = wait_of(ctx, msg, arg->link->config.wait);
	return msg->job->run(msg->job, tools);
}

static int clerk_main(heph_ctx ctx, heph_nats_clerk_inbox in,
		      struct heph_nats_clerk_arg *arg)
{
	struct heph_nats_clerk_msg msg;
	int result;

	while (heph_recv(ctx, in, &msg) == 0) {
		result = run(ctx, arg, &msg);
		heph_raw_answer(msg.result, &result, sizeof(result));
		heph_nats_job_unref(msg.job);
		heph_nats_sweep(arg->link);
		heph_answer(msg.done, 0);
	}
	nats_ReleaseThreadMemory();
	return 0;
}
HEPH_ACTOR_MAIN(heph_nats_clerk, clerk_main, .drop = drop_msg,
		.drop_arg = drop_arg);

/* ---- the publisher ------------------------------------------------------------------------ */

/* With headers libnats wants a message of its own. */
static natsStatus publish_headers(natsConnection *conn,
				  const struct heph_nats_msg *msg)
{
	const char *name = msg->headers, *value;
	natsMsg *made = NULL;
	natsStatus s;

	s = natsMsg_Create(&made, msg->subject, msg->reply[0] ? msg->reply : NULL,
			   msg->data, (int)msg->size);
	for (; s == NATS_OK && *name; name = value + strlen(value) + 1) {
		value = name + strlen(name) + 1;
		s = natsMsgHeader_Add(made, name, value);
	}
	if (s == NATS_OK)
		s = natsConnection_PublishMsg(conn, made);
	natsMsg_Destroy(made);
	return s;
}

static natsStatus publish(natsConnection *conn, const struct heph_nats_msg *msg)
{
	if (msg->headers[0])
		return publish_headers(conn, msg);
	if (msg->reply[0])
		return natsConnection_PublishRequest(conn, msg->subject,
						     msg->reply, msg->data,
						     (int)msg->size);
	return natsConnection_Publish(conn, msg->subject, msg->data,
				      (int)msg->size);
}

static void publish_one(struct heph_nats_clerk_arg *arg, struct heph_nats_msg *msg)
{
	natsStatus s;

	arg->link->sent++;
	s = publish(arg->tools.conn, msg);
	if (s != NATS_OK) {
		heph_nats_say_error(arg->link, natsStatus_GetText(s));
		if (arg->link->lost++ == 0)
			heph_log_warn("published messages are lost",
				      HEPH_KV_STR("subject", msg->subject),
				      HEPH_KV_STR("why", natsStatus_GetText(s)));
	}
	heph_nats_msg_free(msg);
}

/* Until it is stopped; then what is there still goes, if there is a broker. */
static int publisher_main(heph_ctx ctx, struct heph_nats_clerk_arg *arg)
{
	struct heph_nats_link *link = arg->link;
	struct heph_nats_in out;

	while (heph_chan_recv(ctx, link->out_end, &out) == 0)
		publish_one(arg, out.msg);
	while (link->connected && heph_chan_try_recv(link->out_end, &out) == 0)
		publish_one(arg, out.msg);
	if (link->connected)
		natsConnection_FlushTimeout(arg->tools.conn, FLUSH_MS);
	nats_ReleaseThreadMemory();
	return 0;
}
HEPH_ACTOR_MAIN(heph_nats_publisher, publisher_main, .drop_arg = drop_arg);
