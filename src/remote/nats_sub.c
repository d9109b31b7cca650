/* SPDX-License-Identifier: MIT */
/*
 * Subscriptions, and requests, whose answers come by one of them.
 *
 * libnats calls back on a thread of its own, which copies the message and goes on. When a
 * subscription has ended libnats says so once, after the last of those calls; that
 * reference is given back then. Who has a subscription may give it back anywhere, also on
 * a worker; but to tell the broker may block: so it goes on a list, and a clerk does.
 */
#include "remote/mem.h"
#include "remote/nats_state.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- messages that come ------------------------------------------------------------- */

enum { HEADERS_MAX = 64 }; /* more are left out */

static size_t read_headers(natsMsg *msg, struct heph_nats_header *headers)
{
	const char **keys = NULL;
	int n = 0;
	size_t have = 0;

	if (natsMsgHeader_Keys(msg, &keys, &n) != NATS_OK)
		return 0;
	for (int i = 0; i < n && have < HEADERS_MAX; i++) {
		headers[have].name = keys[i];
		if (keys[i][0] && natsMsgHeader_Get(msg, keys[i],
						   &headers[have].value) == NATS_OK)
			have++;
	}
	free(keys);
	return have;
}

/* NULL: no memory. Frees what libnats gave. */
static struct heph_nats_msg *take(struct heph_nats_link *link, natsMsg *msg)
{
	struct heph_nats_header headers[HEADERS_MAX];
	size_t n = read_headers(msg, headers);
	struct heph_nats_msg *copy;
	int err = heph_nats_msg_new(&copy, natsMsg_GetSubject(msg),
				    natsMsg_GetReply(msg), headers, n,
				    natsMsg_GetData(msg),
				    (size_t)natsMsg_GetDataLength(msg));

	natsMsg_Destroy(msg);
	link->received++;
	if (err == 0)
		return copy;
	link->lost++;
	return NULL;
}

/* Counts what libnats itself has dropped, as its delivery was behind. */
static void note_dropped(struct heph_nats_sub_state *sub, natsSubscription *there)
{
	int64_t dropped = 0;

	natsSubscription_GetDropped(there, &dropped);
	if ((uint64_t)dropped > sub->dropped_there) {
		sub->lost += (uint64_t)dropped - sub->dropped_there;
		sub->link->lost += (uint64_t)dropped - sub->dropped_there;
		sub->dropped_there = (uint64_t)dropped;
	}
}

static void on_message(natsConnection *conn, natsSubscription *there, natsMsg *msg,
		       void *closure)
{
	struct heph_nats_sub_state *sub = closure;
	struct heph_nats_msg *copy = take(sub->link, msg);

	(void)conn, (void)there;
	if (sub->slow_seen != sub->link->slow) {
		sub->slow_seen = sub->link->slow;
		note_dropped(sub, there);
	}
	if (!copy || heph_chan_try_send(sub->tx, { copy }) == 0)
		return;
	heph_nats_msg_free(copy);
	if (heph_chan_is_connected(sub->tx)) {
		sub->lost++;
		sub->link->lost++;
	}
}

/* ---- life -------------------------------------------------------------------------------- */

static void unref(struct heph_nats_sub_state *sub)
{
	struct heph_nats_link *link = sub->link;

	if (--sub->refs > 0)
		return;
	heph_remote_mem_free(sub->subject);
	heph_remote_mem_free(sub->group);
	heph_remote_mem_free(sub);
	heph_nats_link_unref(link);
}

static void on_complete(void *closure)
{
	struct heph_nats_sub_state *sub = closure;

	heph_chan_free(sub->tx);
	unref(sub);
}

static char *copy_text(const char *text)
{
	size_t size = strlen(text) + 1;
	char *copy = heph_remote_mem_alloc(size);

	return copy ? memcpy(copy, text, size) : NULL;
}

static int sub_new(struct heph_nats_link *link, const char *subject,
		   const char *group, unsigned capacity,
		   struct heph_nats_sub_state **ret_sub)
{
	struct heph_nats_sub_state *sub = heph_remote_mem_zero(sizeof(*sub));
	int err;

	if (!sub)
		return -ENOMEM;
	sub->refs = 1;
	sub->link = heph_nats_link_ref(link);
	sub->subject = copy_text(subject);
	sub->group = group ? copy_text(group) : NULL;
	err = sub->subject && (sub->group || !group) ?
		      heph_chan_new(heph_nats_in, capacity, &sub->tx,
				    &sub->pub.in) :
		      -ENOMEM;
	if (err < 0)
		unref(sub);
	else
		*ret_sub = sub;
	return err;
}

/* Blocks, with `making` held, so that we do not close the connection between the two
 * steps. If libnats has closed it just then, a call may still be under way, and the
 * memory stays until the link is freed. */
static int make(struct heph_nats_sub_state *sub, natsConnection *conn)
{
	struct heph_nats_link *link = sub->link;
	natsStatus s;

	s = sub->group ? natsConnection_QueueSubscribe(&sub->sub, conn,
						       sub->subject, sub->group,
						       on_message, sub) :
			 natsConnection_Subscribe(&sub->sub, conn, sub->subject,
						  on_message, sub);
	if (s != NATS_OK)
		return heph_nats_error(s);
	sub->refs++;
	if (natsSubscription_SetOnCompleteCB(sub->sub, on_complete, sub) == NATS_OK)
		return 0;
	natsSubscription_Destroy(sub->sub);
	sub->sub = NULL;
	pthread_mutex_lock(&link->lock);
	sub->next = link->graves;
	link->graves = sub;
	pthread_mutex_unlock(&link->lock);
	heph_nats_link_unref(link); /* which the clerk holds as well */
	return -ESRCH;
}

/* Nothing was made, so nobody calls back. */
static void unmade(struct heph_nats_sub_state *sub)
{
	heph_chan_free(sub->pub.in);
	if (sub->refs == 1)
		heph_chan_free(sub->tx);
	unref(sub);
}

/* Blocks, unless the connection is over. */
static void end(struct heph_nats_sub_state *sub)
{
	note_dropped(sub, sub->sub);
	natsSubscription_Destroy(sub->sub);
	unref(sub);
}

/* ---- subscribing --------------------------------------------------------------------------- */

struct subscribe_job {
	struct heph_nats_job job;
	struct heph_nats_sub_state *sub; /* NULL: taken */
	bool made;
};

static int run_subscribe(struct heph_nats_job *base, struct heph_nats_tools *tools)
{
	struct subscribe_job *job = (struct subscribe_job *)base;
	struct heph_nats_link *link = tools->link;
	int err;

	pthread_mutex_lock(&link->making);
	err = link->closed ? -ESRCH : make(job->sub, tools->conn);
	pthread_mutex_unlock(&link->making);
	job->made = err == 0;
	/* Another connection may publish as soon as we have returned. Without a broker
	 * there is nobody to wait for: it is told when there is one again. */
	if (job->made &&
	    natsConnection_Status(tools->conn) == NATS_CONN_STATUS_CONNECTED)
		natsConnection_FlushTimeout(tools->conn, tools->wait);
	return err;
}

static void free_subscribe(struct heph_nats_job *base)
{
	struct subscribe_job *job = (struct subscribe_job *)base;

	if (job->sub && job->made)
		heph_nats_unsubscribe(&job->sub->pub);
	else if (job->sub)
		unmade(job->sub);
	heph_remote_mem_free(job);
}

int heph_nats_subscribe(heph_ctx ctx, struct heph_nats_link *link,
			const char *subject, const char *group,
			unsigned capacity, struct heph_nats_sub **ret_sub)
{
	struct subscribe_job *job = heph_remote_mem_zero(sizeof(*job));
	int err;

	if (!job)
		return -ENOMEM;
	job->job = (struct heph_nats_job){ run_subscribe, free_subscribe, 1 };
	err = sub_new(link, subject, group,
		      capacity ? capacity : link->config.queue, &job->sub);
	if (err == 0)
		err = heph_nats_do(ctx, link, &job->job);
	if (err == 0) {
		*ret_sub = &job->sub->pub;
		job->sub = NULL;
	}
	heph_nats_job_unref(&job->job);
	return err;
}

void heph_nats_unsubscribe(struct heph_nats_sub *pub)
{
	struct heph_nats_sub_state *sub = (struct heph_nats_sub_state *)pub;
	struct heph_nats_link *link;
	bool over;

	if (!pub)
		return;
	link = sub->link;
	heph_chan_free(pub->in);
	pthread_mutex_lock(&link->lock);
	over = link->over && !sub->draining;
	sub->ended = true;
	if (!over && !sub->draining) {
		sub->next = link->ending;
		link->ending = sub;
	}
	pthread_mutex_unlock(&link->lock);
	if (over)
		end(sub);
	else /* if its inbox is full, a clerk comes by after the next job */
		heph_post(heph_nats_hub_of(link->hub),
			  { .kind = HEPH_NATS_HUB_SWEEP });
}

/* ---- draining -------------------------------------------------------------------------------- */

struct drain_job {
	struct heph_nats_job job;
	struct heph_nats_sub_state *sub; /* held */
};

/* Whether it may be drained: then it does not end meanwhile. */
static bool begin_drain(struct heph_nats_sub_state *sub)
{
	pthread_mutex_lock(&sub->link->lock);
	sub->draining = !sub->ended;
	pthread_mutex_unlock(&sub->link->lock);
	return sub->draining;
}

static void end_drain(struct heph_nats_sub_state *sub)
{
	struct heph_nats_link *link = sub->link;

	pthread_mutex_lock(&link->lock);
	sub->draining = false;
	if (sub->ended) { /* which is done when this job is */
		sub->next = link->ending;
		link->ending = sub;
	}
	pthread_mutex_unlock(&link->lock);
}

static int run_drain(struct heph_nats_job *base, struct heph_nats_tools *tools)
{
	struct heph_nats_sub_state *sub = ((struct drain_job *)base)->sub;
	natsStatus s;

	if (!begin_drain(sub))
		return -ESRCH;
	s = natsSubscription_DrainTimeout(sub->sub, tools->wait);
	if (s == NATS_OK)
		s = natsSubscription_WaitForDrainCompletion(sub->sub, tools->wait);
	end_drain(sub);
	return heph_nats_error(s);
}

static void free_drain(struct heph_nats_job *base)
{
	struct drain_job *job = (struct drain_job *)base;

	unref(job->sub);
	heph_remote_mem_free(job);
}

int heph_nats_drain(heph_ctx ctx, struct heph_nats_sub *pub)
{
	struct drain_job *job = heph_remote_mem_zero(sizeof(*job));
	int err;

	if (!job)
		return -ENOMEM;
	job->job = (struct heph_nats_job){ run_drain, free_drain, 1 };
	job->sub = (struct heph_nats_sub_state *)pub;
	job->sub->refs++;
	err = heph_nats_do(ctx, job->sub->link, &job->job);
	heph_nats_job_unref(&job->job);
	return err;
}

void heph_nats_sweep(struct heph_nats_link *link)
{
	struct heph_nats_sub_state *sub, *next;

	pthread_mutex_lock(&link->lock);
	sub = link->ending;
	link->ending = NULL;
	pthread_mutex_unlock(&link->lock);
	for (; sub; sub = next) {
		next = sub->next;
		end(sub);
	}
}

uint64_t heph_nats_sub_lost(const struct heph_nats_sub *pub)
{
	return ((const struct heph_nats_sub_state *)pub)->lost;
}

/* ---- requests -------------------------------------------------------------------------------- */

static struct heph_nats_request **chain_of(struct heph_nats_link *link, uint64_t token)
{
	return &link->requests[token % HEPH_NATS_REQUESTS];
}

/* It is the caller's; NULL if there is none. */
static struct heph_nats_request *take_request(struct heph_nats_link *link,
					      uint64_t token)
{
	struct heph_nats_request **at = chain_of(link, token), *found;

	pthread_mutex_lock(&link->lock);
	while (*at && (*at)->token != token)
		at = &(*at)->next;
	found = *at;
	if (found)
		*at = found->next;
	pthread_mutex_unlock(&link->lock);
	return found;
}

static void free_request(struct heph_nats_request *request)
{
	if (request)
		heph_oneshot_free(request->tx);
	heph_remote_mem_free(request);
}

static uint64_t token_of(const struct heph_nats_link *link, const char *subject)
{
	size_t n = strlen(link->inbox);

	return strncmp(subject, link->inbox, n) == 0 ?
		       strtoull(subject + n, NULL, 16) :
		       0;
}

static void on_answer(natsConnection *conn, natsSubscription *there, natsMsg *msg,
		      void *closure)
{
	struct heph_nats_link *link = closure;
	struct heph_nats_msg *copy = take(link, msg);
	struct heph_nats_request *request;

	(void)conn, (void)there;
	request = copy ? take_request(link, token_of(link, copy->subject)) : NULL;
	if (!request || heph_oneshot_send(request->tx, { copy }) < 0)
		heph_nats_msg_free(copy);
	if (request)
		request->tx.shot = NULL;
	free_request(request);
}

static void on_answers_complete(void *closure)
{
	heph_nats_link_unref(closure);
}

int heph_nats_subs_open(struct heph_nats_link *link, natsConnection *conn,
			natsSubscription **ret_sub)
{
	char subject[HEPH_NATS_SUBJECT_MAX];
	natsStatus s;

	heph_nats_unique(link, "inbox", subject);
	strcpy(link->inbox, strcat(subject, "."));
	strcat(subject, "*");
	s = natsConnection_Subscribe(ret_sub, conn, subject, on_answer, link);
	if (s != NATS_OK)
		return heph_nats_error(s);
	return heph_nats_error(natsSubscription_SetOnCompleteCB(
		*ret_sub, on_answers_complete, heph_nats_link_ref(link)));
}

static struct heph_nats_request *take_any(struct heph_nats_link *link)
{
	struct heph_nats_request *found = NULL;

	pthread_mutex_lock(&link->lock);
	for (unsigned i = 0; !found && i < HEPH_NATS_REQUESTS; i++) {
		found = link->requests[i];
		if (found)
			link->requests[i] = found->next;
	}
	pthread_mutex_unlock(&link->lock);
	return found;
}

void heph_nats_subs_close(struct heph_nats_link *link)
{
	struct heph_nats_request *request;

	pthread_mutex_lock(&link->making);
	pthread_mutex_lock(&link->lock);
	link->closed = true;
	pthread_mutex_unlock(&link->lock);
	pthread_mutex_unlock(&link->making);
	while ((request = take_any(link)))
		free_request(request);
}

void heph_nats_subs_closed(struct heph_nats_link *link)
{
	pthread_mutex_lock(&link->lock);
	link->over = true;
	pthread_mutex_unlock(&link->lock);
	heph_nats_sweep(link);
}

/* Puts a request on the list, and tells its number. */
static int add_request(struct heph_nats_link *link,
		       heph_nats_answer_receiver *ret_rx, uint64_t *ret_token)
{
	struct heph_nats_request *request = heph_remote_mem_zero(sizeof(*request));
	int err = request ? heph_oneshot_new(heph_nats_answer, &request->tx, ret_rx) :
			    -ENOMEM;

	if (err < 0) {
		heph_remote_mem_free(request);
		return err;
	}
	pthread_mutex_lock(&link->lock);
	if (!link->closed) {
		request->token = *ret_token = ++link->latest_token;
		request->next = *chain_of(link, request->token);
		*chain_of(link, request->token) = request;
		request = NULL;
	}
	pthread_mutex_unlock(&link->lock);
	if (!request)
		return 0;
	free_request(request);
	heph_oneshot_free(*ret_rx);
	return -ESRCH;
}

static int publish_request(heph_ctx ctx, struct heph_nats_link *link,
			   struct heph_nats_msg *msg, uint64_t token)
{
	struct heph_nats_msg *asking;
	char reply[HEPH_NATS_SUBJECT_MAX + 20];
	int err;

	snprintf(reply, sizeof(reply), "%s%" PRIx64, link->inbox, token);
	err = heph_nats_msg_asking(msg, reply, &asking);
	if (err < 0)
		return err;
	err = heph_nats_publish(ctx, link, asking);
	if (err < 0)
		heph_nats_msg_free(asking);
	return err;
}

static int await_answer(heph_ctx ctx, heph_nats_answer_receiver rx,
			struct heph_nats_msg **ret_answer)
{
	struct heph_nats_answer answer;
	int err = heph_oneshot_recv(ctx, rx, &answer);

	if (err < 0)
		return err == -EPIPE ? -ESRCH : err;
	if (heph_nats_msg_nobody(answer.msg)) {
		heph_nats_msg_free(answer.msg);
		return -ESRCH;
	}
	*ret_answer = answer.msg;
	return 0;
}

int heph_nats_request(heph_ctx ctx, struct heph_nats_link *link,
		      struct heph_nats_msg *msg, struct heph_nats_msg **ret_answer)
{
	heph_nats_answer_receiver rx;
	uint64_t token;
	int err = add_request(link, &rx, &token);

	if (err == 0) {
		err = publish_request(ctx, link, msg, token);
		if (err == 0)
			err = await_answer(ctx, rx, ret_answer);
		free_request(take_request(link, token));
		heph_oneshot_free(rx);
	}
	heph_nats_msg_free(msg);
	return err;
}
