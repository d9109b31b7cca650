/* SPDX-License-Identifier: MIT */
/* Inboxes that survive: what programs call. */
#include <heph/heph.h>

#include <string.h>

#include "remote/cluster_ask.h"
#include "remote/cluster_shared.h"
#include "remote/cluster_taker.h"
#include "remote/mem.h"
#include "remote/nats_link.h"

enum { UNDER_WAY_MAX = 65536 };

/* Fills in what is 0. Returns 0; -EINVAL (out of range). */
static int settings(const struct heph_durable_config *from,
		    struct heph_durable_config *ret)
{
	if (!heph_take_options__(ret, sizeof(*ret), from))
		return -EINVAL;
	if (!ret->under_way)
		ret->under_way = 64;
	if (!ret->redeliver)
		ret->redeliver = 30 * HEPH_SEC;
	if (!ret->duplicates)
		ret->duplicates = 120 * HEPH_SEC;
	if (ret->under_way > UNDER_WAY_MAX || ret->redeliver < 100 * HEPH_MSEC ||
	    ret->duplicates < 100 * HEPH_MSEC || ret->messages > INT64_MAX ||
	    ret->bytes > INT64_MAX)
		return -EINVAL;
	return 0;
}

static int taker_new(const struct heph_durable_config *config, const char *name,
		     struct heph_taker **ret_taker)
{
	struct heph_taker *taker = heph_remote_mem_zero(sizeof(*taker));
	int err;

	if (!taker)
		return -ENOMEM;
	err = heph_js_name_ok(name) ? settings(config, &taker->config) : -EINVAL;
	if (err < 0) {
		heph_remote_mem_free(taker);
		return err;
	}
	strcpy(taker->name, name);
	*ret_taker = taker;
	return 0;
}

int heph_raw_cluster_durable(heph_ctx ctx, heph_cluster cluster,
			     const struct heph_remote_actor *remote,
			     struct heph_addr addr, const char *name, size_t done_at,
			     size_t delivery_at,
			     const struct heph_durable_config *config)
{
	struct heph_taker *taker;
	int err = taker_new(config, name, &taker);

	if (err < 0)
		return err;
	taker->remote = remote;
	taker->target = addr;
	taker->done_at = done_at;
	taker->delivery_at = delivery_at;
	err = heph_cluster_shared_of(ctx, cluster, &taker->shared);
	if (err == 0)
		taker->connects = heph_nats_connects(taker->shared->link);
	if (err == 0)
		err = heph_cluster_make_inbox(ctx, taker->shared->link, taker->name,
					      &taker->config,
					      taker->shared->replicas,
					      &taker->consumer);
	if (err < 0) {
		heph_taker_free(taker);
		return err;
	}
	return heph_taker_begin(ctx, taker);
}

int heph_cluster_undurable(heph_ctx ctx, heph_cluster cluster, const char *name)
{
	return heph_cluster_part_end(ctx, cluster, HEPH_CLUSTER_DURABLE, name);
}
