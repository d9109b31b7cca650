/* SPDX-License-Identifier: MIT */
#define HEPH_LOG_TARGET "heph.cluster"
/* Asking JetStream, and waiting for what it says. */
#include <heph/heph.h>

#include <stdio.h>
#include <string.h>

#include "remote/cluster_ask.h"
#include "remote/mem.h"

struct heph_nats_msg *heph_cluster_asking(const struct heph_js_request *request)
{
	struct heph_nats_msg *msg;
	int err = heph_nats_msg_new(&msg, request->subject, NULL, NULL, 0,
				    request->text, strlen(request->text));

	return err < 0 ? NULL : msg;
}

int heph_cluster_ask(heph_ctx ctx, struct heph_nats_link *link,
		     struct heph_nats_msg *msg, struct heph_js_answer *ret_answer)
{
	struct heph_nats_msg *answer;
	int err;

	if (!msg)
		return -ENOMEM;
	err = heph_nats_request(heph_within(ctx, heph_nats_wait(link)), link, msg,
				&answer);
	if (err < 0)
		return err;
	err = heph_js_answer(answer->data, answer->size, ret_answer);
	heph_nats_msg_free(answer);
	return err;
}

/* ---- an inbox --------------------------------------------------------------------------- */

/* What is asked for, one after the other. */
enum step { LOOK, STREAM, LIMITS, CONSUMERS, INFO, CONSUMER, DEAD, STEPS };
enum { TRIES = 32 }; /* steps: others make, or the broker forgets, what this one looks for */

static const char *const words[STEPS] = { "looking",	   "its stream",
					  "its limits",	   "its consumers",
					  "its consumer",  "its consumer",
					  "the stream of the dead" };

struct making {
	struct heph_nats_link *link;
	const char *name;
	const struct heph_durable_config *config;
	unsigned replicas;
	struct heph_js_consumer consumer;
};

/* Not in the frame of who waits: a request is large. */
static struct heph_nats_msg *asking_for(const struct making *making, enum step step)
{
	const char *prefix = heph_nats_prefix(making->link);
	struct heph_js_request request;

	switch (step) {
	case LOOK:
		heph_js_info(&request, prefix, making->name);
		break;
	case STREAM:
	case LIMITS:
		heph_js_create(&request, prefix, making->name, making->config,
			       making->replicas, step == LIMITS);
		break;
	case CONSUMERS:
		heph_js_consumers(&request, prefix, making->name);
		break;
	case INFO:
		heph_js_consumer_info(&request, prefix, making->name,
				      making->consumer.name);
		break;
	case CONSUMER:
		heph_js_consume(&request, prefix, making->name, making->consumer.name,
				making->config);
		break;
	default:
		heph_js_create_dead(&request, prefix, making->replicas);
		break;
	}
	return heph_cluster_asking(&request);
}

/* One that nothing had before. */
static void name_consumer(struct making *making)
{
	char subject[HEPH_NATS_SUBJECT_MAX];

	heph_nats_unique(making->link, "consumer", subject);
	snprintf(making->consumer.name, sizeof(making->consumer.name), "heph_%s",
		 strrchr(subject, '.') + 1);
}

/* The consumer that is there, or is to be made. */
static enum step take_consumer(struct making *making, const struct heph_js_answer *answer)
{
	if (!answer->consumer[0]) {
		name_consumer(making);
		return CONSUMER;
	}
	strcpy(making->consumer.name, answer->consumer);
	return INFO;
}

/* What comes after a step; below 0: it failed. Settings are only written where they
 * differ: a broker that is killed while it writes them may not know the stream any more. */
static int after(struct making *making, enum step step, int err,
		 const struct heph_js_answer *answer)
{
	if (step == LOOK && err == -ENOENT)
		return STREAM;
	if (step == STREAM && err == -EEXIST)
		return LOOK; /* somebody was faster */
	if ((step == CONSUMER && err == -EEXIST) || (step == INFO && err == -ENOENT))
		return CONSUMERS; /* so it was here; or it has just gone */
	if (err < 0)
		return err;
	switch (step) {
	case LOOK:
		return heph_js_limits_are(&answer->limits, making->config,
					  making->replicas) ?
			       CONSUMERS :
			       LIMITS;
	case STREAM:
		return CONSUMERS;
	case CONSUMERS:
		return take_consumer(making, answer);
	case INFO:
	case CONSUMER:
		making->consumer.since = answer->created;
		if (!answer->created)
			return -EPROTO;
		return step == INFO && answer->redeliver != making->config->redeliver ?
			       CONSUMER :
			       DEAD;
	default:
		return (int)step + 1;
	}
}

int heph_cluster_make_inbox(heph_ctx ctx, struct heph_nats_link *link,
			    const char *name,
			    const struct heph_durable_config *config,
			    unsigned replicas, struct heph_js_consumer *ret_consumer)
{
	struct making making = { link, name, config, replicas, { "", 0 } };
	struct heph_js_answer answer = { 0 };
	int step = LOOK, was = LOOK;

	for (int i = 0; step >= 0 && step < STEPS; i++) {
		int err = heph_cluster_ask(ctx, link, asking_for(&making, step),
					   &answer);

		was = step;
		step = i < TRIES ? after(&making, step, err, &answer) : -EAGAIN;
	}
	if (step >= 0) {
		*ret_consumer = making.consumer;
		return 0;
	}
	heph_log_warn("an inbox cannot be made", HEPH_KV_STR("inbox", name),
		      HEPH_KV_STR("what", words[was]), HEPH_KV_ERR("err", step),
		      HEPH_KV_STR("why", answer.text));
	/* Nobody answers for JetStream where there is none. */
	return step == -ESRCH && heph_nats_connected(link) ? -ENOTSUP : step;
}
