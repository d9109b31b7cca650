/* SPDX-License-Identifier: MIT */
#define HEPH_LOG_TARGET "heph.cluster"
/* Asking JetStream, and waiting for what it says. */
#include <heph/heph.h>

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

/* ---- which life of the broker --------------------------------------------------------------- */

struct life_job {
	struct heph_nats_job job;
	char server[HEPH_JS_LIFE];
};

static int run_life(struct heph_nats_job *base, struct heph_nats_tools *tools)
{
	struct life_job *job = (struct life_job *)base;

	return heph_nats_error(natsConnection_GetConnectedServerId(
		tools->conn, job->server, sizeof(job->server)));
}

static void free_life(struct heph_nats_job *job)
{
	heph_remote_mem_free(job);
}

static int ask_life(heph_ctx ctx, struct heph_nats_link *link, struct heph_js_life *life)
{
	struct life_job *job = heph_remote_mem_zero(sizeof(*job));
	int err;

	if (!job)
		return -ENOMEM;
	job->job = (struct heph_nats_job){ run_life, free_life, 1 };
	err = heph_nats_do(ctx, link, &job->job);
	if (err == 0)
		memcpy(life->server, job->server, sizeof(life->server));
	heph_nats_job_unref(&job->job);
	return err;
}

/* ---- an inbox --------------------------------------------------------------------------- */

/* What is asked for, one after the other. */
enum step { LOOK, FORGET, LOOK_AGAIN, STREAM, LIMITS, CONSUMER, DEAD, STEPS };

static const char *const words[STEPS] = { "looking",	"its old consumer",
					  "looking",	"its stream",
					  "its limits", "its consumer",
					  "the stream of the dead" };

struct making {
	struct heph_nats_link *link;
	const char *name;
	const struct heph_durable_config *config;
	unsigned replicas;
	struct heph_js_life life;
};

/* Not in the frame of who waits: a request is large. */
static struct heph_nats_msg *asking_for(const struct making *making, enum step step)
{
	const char *prefix = heph_nats_prefix(making->link);
	struct heph_js_request request;

	switch (step) {
	case LOOK:
	case LOOK_AGAIN:
		heph_js_info(&request, prefix, making->name);
		break;
	case FORGET:
		heph_js_forget(&request, prefix, making->name);
		break;
	case STREAM:
	case LIMITS:
		heph_js_create(&request, prefix, making->name, making->config,
			       making->replicas, &making->life, step == LIMITS);
		break;
	case CONSUMER:
		heph_js_consume(&request, prefix, making->name, making->config);
		break;
	default:
		heph_js_create_dead(&request, prefix, making->replicas);
		break;
	}
	return heph_cluster_asking(&request);
}

/* What comes after a step; below 0: it failed. The consumer goes before the number is
 * read, so nothing later was delivered by it. */
static int after(struct making *making, enum step step, int err,
		 const struct heph_js_answer *answer)
{
	if ((step == LOOK || step == LOOK_AGAIN) && err == -ENOENT)
		return STREAM;
	if (step == STREAM && err == -EEXIST)
		return LOOK; /* somebody was faster */
	if (step == FORGET && err == -ENOENT)
		return LOOK_AGAIN;
	if (err < 0)
		return err;
	switch (step) {
	case LOOK:
		making->life.before = answer->life.before;
		return strcmp(making->life.server, answer->life.server) == 0 ? LIMITS :
									       FORGET;
	case LOOK_AGAIN:
		making->life.before = answer->latest;
		return LIMITS;
	case STREAM:
		return CONSUMER;
	default:
		return (int)step + 1;
	}
}

int heph_cluster_make_inbox(heph_ctx ctx, struct heph_nats_link *link,
			    const char *name,
			    const struct heph_durable_config *config,
			    unsigned replicas, struct heph_js_life *ret_life)
{
	struct making making = { link, name, config, replicas, { "", 0 } };
	struct heph_js_answer answer = { 0 };
	int step = ask_life(ctx, link, &making.life), was = LOOK;

	while (step >= 0 && step < STEPS) {
		int err = heph_cluster_ask(ctx, link, asking_for(&making, step),
					   &answer);

		was = step;
		step = after(&making, step, err, &answer);
	}
	if (step >= 0) {
		*ret_life = making.life;
		return 0;
	}
	heph_log_warn("an inbox cannot be made", HEPH_KV_STR("inbox", name),
		      HEPH_KV_STR("what", words[was]), HEPH_KV_ERR("err", step),
		      HEPH_KV_STR("why", answer.text));
	/* Nobody answers for JetStream where there is none. */
	return step == -ESRCH && heph_nats_connected(link) ? -ENOTSUP : step;
}
