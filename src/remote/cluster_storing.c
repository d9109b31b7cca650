/* SPDX-License-Identifier: MIT */
/*
 * Storing a message: again and again, until the broker says that it has it, always with
 * the same id, so that all attempts together store it once. But a broker that is
 * restarted has forgotten the ids of what was acknowledged (cluster_js.c): if an attempt
 * was stored and handled, and its answer lost with the broker, the next one is stored
 * again. So all attempts but the first one are marked (HEPH_JS_AGAIN).
 */
#include <heph/heph.h>

#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "remote/cluster_ask.h"
#include "remote/cluster_msg.h"
#include "remote/cluster_shared.h"
#include "remote/mem.h"

#define PAUSE (20 * HEPH_MSEC) /* before the first attempt anew; it doubles */
#define PAUSE_MAX HEPH_SEC

enum {
	ID_MAX = 200, /* bytes of an id, which is a line of a header */
	ID_RANDOM = 16,
};

/* What is stored; on the heap, as its owner waits. */
struct store {
	struct heph_cluster_shared *shared;
	struct heph_bytes payload;
	bool own_id;
	heph_time pause;
	unsigned attempts;
	char name[HEPH_JS_NAME + 1];
	char id[ID_MAX + 1];
};

static bool id_ok(const char *id)
{
	size_t n = strlen(id);

	for (size_t i = 0; i < n; i++)
		if ((unsigned char)id[i] <= ' ' || (unsigned char)id[i] == 127)
			return false;
	return n && n <= ID_MAX;
}

static void make_id(char ret_id[ID_MAX + 1])
{
	uint8_t random[ID_RANDOM];

	randombytes_buf(random, sizeof(random));
	sodium_bin2hex(ret_id, ID_MAX + 1, random, sizeof(random));
}

static struct heph_nats_msg *storing(const struct store *store)
{
	const struct heph_nats_header headers[] = { { "Nats-Msg-Id", store->id },
						    { HEPH_JS_AGAIN, "1" } };
	struct heph_nats_msg *msg;
	char subject[HEPH_JS_SUBJECT];

	heph_js_subject(subject, heph_nats_prefix(store->shared->link), "durable", store->name);
	if (heph_nats_msg_new(&msg, subject, NULL, headers, store->attempts > 1 ? 2 : 1,
			      store->payload.data, store->payload.size) < 0)
		return NULL;
	return msg;
}

static struct heph_nats_msg *asking_whether(const struct store *store)
{
	struct heph_js_request request;

	heph_js_info(&request, heph_nats_prefix(store->shared->link), store->name);
	return heph_cluster_asking(&request);
}

/* Nobody takes messages for that inbox: there is none, or no JetStream now. */
static int nobody(heph_ctx ctx, struct store *store)
{
	struct heph_js_answer answer;
	int err = heph_cluster_ask(ctx, store->shared->link, asking_whether(store),
				   &answer);

	return err == -ENOENT || err == -ECANCELED || err == -ENOTSUP ? err : -EAGAIN;
}

/* One attempt. -EAGAIN, -ETIME: another one may help. */
static int attempt(heph_ctx ctx, struct store *store)
{
	struct heph_js_answer answer;
	int err;

	store->attempts++;
	err = heph_cluster_ask(ctx, store->shared->link, storing(store), &answer);
	if (err == -ESRCH)
		return nobody(ctx, store);
	if (err < 0)
		return err;
	return answer.duplicate && !store->own_id ? 1 : 0;
}

/* The cluster has ended, or the connection has. */
static bool is_over(const struct store *store)
{
	return store->shared->closed || heph_nats_closed(store->shared->link);
}

static bool again(heph_ctx ctx, const struct store *store, int err)
{
	return (err == -EAGAIN || err == -ETIME) && heph_now() < heph_deadline(ctx) &&
	       !is_over(store);
}

static int store_until(heph_ctx ctx, struct store *store)
{
	int err = attempt(ctx, store);

	while (again(ctx, store, err)) {
		err = heph_sleep(ctx, store->pause);
		store->pause = store->pause < PAUSE_MAX / 2 ? 2 * store->pause :
							      PAUSE_MAX;
		if (err == 0)
			err = attempt(ctx, store);
	}
	if (err == -EAGAIN)
		return is_over(store) ? -ESRCH : -ETIME;
	return err;
}

static int pack(heph_ctx ctx, struct store *store,
		const struct heph_remote_actor *remote, const void *msg)
{
	int err = heph_cluster_pack(ctx, store->shared, remote,
				    store->shared->format, msg, &store->payload, NULL);

	if (err == 0 && store->payload.size > heph_nats_payload_max(store->shared->link))
		return -EMSGSIZE;
	return err;
}

static void store_free(void *ptr)
{
	struct store *store = ptr;

	heph_cluster_shared_unref(store->shared);
	heph_remote_mem_free(store->payload.data);
	heph_remote_mem_free(store);
}

static int store_new(const char *name, const char *id, struct store **ret_store)
{
	struct store *store;

	if (!heph_js_name_ok(name) || (id && !id_ok(id)))
		return -EINVAL;
	store = heph_remote_mem_zero(sizeof(*store));
	if (!store)
		return -ENOMEM;
	store->pause = PAUSE;
	store->own_id = !id;
	strcpy(store->name, name);
	if (id)
		strcpy(store->id, id);
	else
		make_id(store->id);
	*ret_store = store;
	return 0;
}

int heph_raw_cluster_store(heph_ctx ctx, heph_cluster cluster,
			   const struct heph_remote_actor *remote, const char *name,
			   const char *id, const void *msg)
{
	struct store *store;
	int err = store_new(name, id, &store);

	if (err < 0)
		return err;
	err = heph_cluster_shared_of(ctx, cluster, &store->shared);
	if (err == 0)
		err = pack(ctx, store, remote, msg);
	if (err == 0)
		err = store_until(ctx, store);
	store_free(store);
	return err;
}
