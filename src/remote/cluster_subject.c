/* SPDX-License-Identifier: MIT */
/*
 * A reference that stands for all who serve a subject.
 *
 * It is an actor that takes their messages and publishes them. A call has a number, which
 * is the last part of the subject that its answer goes to; one subscription is for all
 * of them. What is sent has such a subject as well, with the number 0: so the broker tells
 * if nobody was there, which is counted.
 *
 * A call ends by its answer; by the broker's word that nobody serves; when the connection
 * is lost, as the answer may have been under way; or when who works on it is not heard of
 * any more: he says each second that he does. The deadline is the caller's own.
 */
#include <heph/heph.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "remote/cluster_js.h"
#include "remote/cluster_msg.h"
#include "remote/cluster_shared.h"
#include "remote/like.h"
#include "remote/mem.h"
#include "remote/message.h"
#include "remote/nats_link.h"
#include "remote/table.h"

#define SWEEP (HEPH_SEC / 4) /* looks for calls that are over */

enum { CALLS_MAX = 65536 };

struct call {
	uint64_t number;
	struct heph_reply reply;
	const struct heph_field *field;
	heph_time heard;   /* of who works on it */
	uint64_t connects; /* of the link, when it was sent */
};

struct subject {
	struct heph_cluster_part part;
	struct heph_cluster_shared *shared;
	const struct heph_remote_actor *remote;
	char name[HEPH_JS_NAME + 1];
	bool listed;

	struct heph_nats_sub *sub;
	char answers[HEPH_NATS_SUBJECT_MAX]; /* they come to .N of it */
	struct heph_table calls; /* struct call by its number */
	uint64_t latest;         /* number */
	heph_time swept;
	void *msg;   /* the one that is sent */
	void *value; /* an answer, of `value_size` bytes */
	size_t value_size;
};

struct heph_subject_arg {
	struct subject *subject;
};
struct heph_subject_msg { /* stands for those of the type it is like */
	int unused;
};
HEPH_ACTOR(heph_subject, struct heph_subject_msg, struct heph_subject_arg);

/* ---- calls ------------------------------------------------------------------------------- */

static void end_call(struct subject *subject, struct call *call, int err)
{
	heph_table_take(&subject->calls, call->number);
	if (err < 0)
		heph_raw_refuse(call->reply, err);
	heph_remote_mem_free(call);
}

static int add_call(struct subject *subject, const struct heph_cluster_call *of,
		    struct call **ret_call)
{
	struct call *call;

	if (subject->calls.n >= CALLS_MAX)
		return -EDQUOT;
	call = heph_remote_mem_zero(sizeof(*call));
	if (!call)
		return -ENOMEM;
	call->number = ++subject->latest;
	call->reply = of->reply;
	call->field = of->field;
	call->heard = heph_now();
	call->connects = heph_nats_connects(subject->shared->link);
	if (heph_table_put(&subject->calls, call->number, call) < 0) {
		heph_remote_mem_free(call);
		return -ENOMEM;
	}
	*ret_call = call;
	return 0;
}

/* Why a call is over without an answer; 0: it is not. */
static int over(const struct subject *subject, const struct call *call)
{
	struct heph_nats_link *link = subject->shared->link;

	if (!heph_raw_reply_wanted(call->reply))
		return -EPIPE;
	if (call->connects != heph_nats_connects(link) || !heph_nats_connected(link))
		return -ENOTCONN;
	return call->heard + HEPH_CLUSTER_SILENCE < subject->swept ? -EHOSTDOWN : 0;
}

static void sweep(struct subject *subject)
{
	struct call *call;
	size_t at = 0;
	int err;

	subject->swept = heph_now();
	while ((call = heph_table_next(&subject->calls, &at))) {
		err = over(subject, call);
		if (err == 0)
			continue;
		end_call(subject, call, err);
		at = 0; /* others have moved */
	}
}

/* ---- sending ------------------------------------------------------------------------------- */

/* Publishes a payload, which is freed. */
static int publish(heph_ctx ctx, struct subject *subject, const char *kind,
		   uint64_t number, struct heph_bytes *payload)
{
	struct heph_nats_link *link = subject->shared->link;
	char to[HEPH_JS_SUBJECT], reply[HEPH_NATS_SUBJECT_MAX + 24];
	struct heph_nats_msg *msg = NULL;
	int err;

	heph_js_subject(to, heph_nats_prefix(link), kind, subject->name);
	snprintf(reply, sizeof(reply), "%s.%llu", subject->answers,
		 (unsigned long long)number);
	err = heph_nats_msg_new(&msg, to, reply, NULL, 0, payload->data, payload->size);
	heph_remote_mem_free(payload->data);
	if (err == 0)
		err = heph_nats_publish(ctx, link, msg);
	if (err < 0)
		heph_nats_msg_free(msg);
	return err;
}

static int pass_call(heph_ctx ctx, struct subject *subject,
		     const struct heph_cluster_call *of, struct heph_bytes *payload)
{
	struct call *call = NULL;
	int err = heph_nats_connected(subject->shared->link) ?
			  add_call(subject, of, &call) :
			  -ENOTCONN;

	if (err < 0) {
		heph_remote_mem_free(payload->data);
		heph_raw_refuse(of->reply, err);
		return 0;
	}
	err = publish(ctx, subject, "call", call->number, payload);
	if (err < 0)
		end_call(subject, call, err);
	return err;
}

static int pass_send(heph_ctx ctx, struct subject *subject, struct heph_bytes *payload)
{
	int err = publish(ctx, subject, "send", 0, payload);

	if (err < 0)
		subject->shared->lost++;
	return err;
}

/* Passes the message on, and drops it. */
static int pass_on(heph_ctx ctx, struct subject *subject)
{
	const struct heph_reply reply = heph_message_reply(subject->remote, subject->msg,
							    NULL);
	struct heph_cluster_call of = { 0 };
	struct heph_bytes payload;
	int err = heph_cluster_pack(ctx, subject->shared, subject->remote,
				    subject->shared->format, subject->msg, &payload,
				    &of);

	heph_codec_drop(subject->remote->msg(), subject->msg);
	if (err < 0 && reply.call)
		heph_raw_refuse(reply, err);
	else if (err < 0)
		subject->shared->lost++;
	else if (reply.call)
		err = pass_call(ctx, subject, &of, &payload);
	else
		err = pass_send(ctx, subject, &payload);
	return err == -ECANCELED || err == -ESRCH ? err : 0;
}

/* ---- answers ----------------------------------------------------------------------------------- */

static int make_room(struct subject *subject, size_t size)
{
	void *value;

	if (size <= subject->value_size)
		return 0;
	value = heph_remote_mem_grow(subject->value, size);
	if (!value)
		return -ENOMEM;
	subject->value = value;
	subject->value_size = size;
	return 0;
}

static int answer(heph_ctx ctx, struct subject *subject, const struct call *call,
		  const struct heph_cluster_head *head)
{
	size_t size = heph_codec_answer_size(call->field);
	int err;

	if (head->number)
		return head->number < 4096 ? -(int)head->number : -EPROTO;
	err = make_room(subject, size);
	if (err == 0)
		err = heph_cluster_unpack_answer(ctx, subject->shared, call->field,
						 head, subject->value);
	if (err == 0)
		heph_raw_answer(call->reply, subject->value, size);
	return err;
}

/* About the call of that number, or, with 0, about what was sent. */
static void came(heph_ctx ctx, struct subject *subject, const struct heph_nats_msg *msg)
{
	const char *number = msg->subject + strlen(subject->answers) + 1;
	struct call *call = heph_table_get(&subject->calls, strtoull(number, NULL, 10));
	struct heph_cluster_head head;
	int err = 0;

	if (heph_nats_msg_nobody(msg))
		err = -ESRCH;
	else
		err = heph_cluster_head_read(msg->data, msg->size, &head);
	if (!call) {
		if (err == -ESRCH && strcmp(number, "0") == 0)
			subject->shared->lost++;
		return; /* else its caller has given up */
	}
	if (err == 0 && head.kind == HEPH_CLUSTER_BEAT) {
		call->heard = heph_now();
		return;
	}
	if (err == 0)
		err = answer(ctx, subject, call, &head);
	end_call(subject, call, err);
}

/* ---- the actor ------------------------------------------------------------------------------------ */

enum { CAME, MSG, TIME };

static int next(heph_ctx ctx, struct subject *subject, struct heph_inbox *inbox)
{
	const struct heph_on nothing = { .what = HEPH_ON_NOTHING__ };
	struct heph_nats_in in = { NULL };
	int what = heph_wait(
		ctx, [CAME] = heph_on_chan(subject->sub->in, &in),
		[MSG] = (struct heph_on){ .what = HEPH_ON_MSG__,
					  .inbox = inbox,
					  .ret = subject->msg,
					  .size = subject->remote->msg()->size },
		[TIME] = subject->calls.n ? heph_on_time(subject->swept + SWEEP) :
					    nothing);

	switch (what) {
	case CAME:
		came(ctx, subject, in.msg);
		heph_nats_msg_free(in.msg);
		return 0;
	case MSG:
		return pass_on(ctx, subject);
	case TIME:
		sweep(subject);
		return 0;
	}
	return what == -EPIPE ? -ECONNABORTED : what;
}

static int subject_main(heph_ctx ctx, heph_subject_inbox in,
			struct heph_subject_arg *arg)
{
	struct subject *subject = arg->subject;
	int err = heph_cluster_part_begin(subject->shared, &subject->part,
					  heph_self(in).addr);

	while (err == 0)
		err = next(ctx, subject, in.inbox);
	return err == -ESRCH || err == -ECONNABORTED ? -ESRCH : err;
}

static void subject_free(struct subject *subject)
{
	struct call *call;
	size_t at = 0;

	if (subject->listed)
		heph_cluster_part_remove(subject->shared, &subject->part);
	heph_nats_unsubscribe(subject->sub);
	while ((call = heph_table_next(&subject->calls, &at)))
		heph_remote_mem_free(call);
	heph_table_fini(&subject->calls);
	heph_cluster_shared_unref(subject->shared);
	heph_remote_mem_free(subject->msg);
	heph_remote_mem_free(subject->value);
	heph_remote_mem_free(subject);
}

static void drop_arg(struct heph_subject_arg *arg)
{
	subject_free(arg->subject);
}
HEPH_ACTOR_MAIN(heph_subject, subject_main, .drop_arg = drop_arg);

/* ---- what programs call ----------------------------------------------------------------------------- */

static int subscribe(heph_ctx ctx, struct subject *subject)
{
	char all[HEPH_NATS_SUBJECT_MAX + 2];

	heph_nats_unique(subject->shared->link, "answer", subject->answers);
	snprintf(all, sizeof(all), "%s.*", subject->answers);
	return heph_nats_subscribe(ctx, subject->shared->link, all, NULL, 0,
				   &subject->sub);
}

static int begin(heph_ctx ctx, struct subject *subject, struct heph_addr *ret_addr)
{
	const struct heph_subject_spawn spawn = { .name = subject->name,
						  .arg = { subject } };
	const struct heph_actor *type = heph_like(subject->remote,
							&heph_subject_actor);
	int err;

	subject->part.kind = HEPH_CLUSTER_SUBJECT;
	subject->part.name = subject->name;
	subject->msg = heph_remote_mem_zero(subject->remote->msg()->size);
	err = subject->msg && type ?
		      heph_cluster_part_add(subject->shared, &subject->part) :
		      -ENOMEM;
	subject->listed = err == 0;
	if (err == 0)
		err = subscribe(ctx, subject);
	if (err == 0)
		err = heph_raw_spawn(ctx, type, &spawn, ret_addr);
	return err;
}

int heph_raw_cluster_subject(heph_ctx ctx, heph_cluster cluster,
			     const struct heph_remote_actor *remote,
			     const char *name, struct heph_addr *ret_addr)
{
	struct subject *subject;
	int err;

	if (!heph_js_name_ok(name))
		return -EINVAL;
	subject = heph_remote_mem_zero(sizeof(*subject));
	if (!subject)
		return -ENOMEM;
	subject->remote = remote;
	strcpy(subject->name, name);
	err = heph_cluster_shared_of(ctx, cluster, &subject->shared);
	if (err == 0)
		err = begin(ctx, subject, ret_addr);
	if (err < 0)
		subject_free(subject);
	return err;
}
