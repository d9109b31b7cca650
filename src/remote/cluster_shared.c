/* SPDX-License-Identifier: MIT */
/* What the actors of a cluster have in common. */
#include <heph/heph.h>

#include <string.h>

#include "remote/cluster_shared.h"
#include "remote/mem.h"
#include "remote/nats_link.h"

int heph_cluster_shared_new(struct heph_cluster_shared **ret_shared,
			    struct heph_nats_link *link, heph_node node,
			    unsigned replicas)
{
	struct heph_cluster_shared *shared = heph_remote_mem_zero(sizeof(*shared));

	if (!shared)
		return -ENOMEM;
	shared->link = heph_nats_link_ref(link);
	shared->node = node;
	shared->replicas = replicas ? replicas : 1;
	shared->refs = 1;
	pthread_mutex_init(&shared->lock, NULL);
	*ret_shared = shared;
	return 0;
}

struct heph_cluster_shared *
heph_cluster_shared_ref(struct heph_cluster_shared *shared)
{
	atomic_fetch_add_explicit(&shared->refs, 1, memory_order_relaxed);
	return shared;
}

void heph_cluster_shared_unref(struct heph_cluster_shared *shared)
{
	if (!shared || atomic_fetch_sub(&shared->refs, 1) != 1)
		return;
	heph_transport_free(shared->transport);
	heph_nats_link_unref(shared->link);
	pthread_mutex_destroy(&shared->lock);
	heph_remote_mem_free(shared);
}

/* With the lock. */
static void end_part(struct heph_cluster_part *part)
{
	part->ends = true;
	if (part->addr.id)
		heph_raw_stop(part->addr);
}

void heph_cluster_shared_close(struct heph_cluster_shared *shared)
{
	pthread_mutex_lock(&shared->lock);
	shared->closed = true;
	for (struct heph_cluster_part *part = shared->list; part; part = part->next)
		end_part(part);
	pthread_mutex_unlock(&shared->lock);
}

/* ---- the list ------------------------------------------------------------------------- */

/* With the lock. */
static struct heph_cluster_part *find(struct heph_cluster_part *part,
				      enum heph_cluster_part_kind kind,
				      const char *name)
{
	while (part && (part->kind != kind || strcmp(part->name, name) != 0))
		part = part->next;
	return part;
}

static void push(struct heph_cluster_shared *shared, struct heph_cluster_part *part)
{
	part->next = shared->list;
	part->at = &shared->list;
	if (part->next)
		part->next->at = &part->next;
	shared->list = part;
	shared->parts[part->kind]++;
}

int heph_cluster_part_add(struct heph_cluster_shared *shared,
			  struct heph_cluster_part *part)
{
	int err = 0;

	pthread_mutex_lock(&shared->lock);
	if (shared->closed)
		err = -ESRCH;
	else if (part->kind == HEPH_CLUSTER_DURABLE &&
		 find(shared->list, part->kind, part->name))
		err = -EEXIST;
	else
		push(shared, part);
	pthread_mutex_unlock(&shared->lock);
	return err;
}

int heph_cluster_part_begin(struct heph_cluster_shared *shared,
			    struct heph_cluster_part *part, struct heph_addr addr)
{
	bool ends;

	pthread_mutex_lock(&shared->lock);
	part->addr = addr;
	ends = part->ends;
	pthread_mutex_unlock(&shared->lock);
	return ends ? -ECANCELED : 0;
}

void heph_cluster_part_remove(struct heph_cluster_shared *shared,
			      struct heph_cluster_part *part)
{
	pthread_mutex_lock(&shared->lock);
	*part->at = part->next;
	if (part->next)
		part->next->at = part->at;
	shared->parts[part->kind]--;
	pthread_mutex_unlock(&shared->lock);
}

bool heph_cluster_part_stop(struct heph_cluster_shared *shared,
			    enum heph_cluster_part_kind kind, const char *name,
			    struct heph_addr *ret_addr)
{
	struct heph_cluster_part *part;
	bool some = false;

	pthread_mutex_lock(&shared->lock);
	for (part = find(shared->list, kind, name); part;
	     part = find(part->next, kind, name)) {
		end_part(part);
		*ret_addr = part->addr;
		some = true;
	}
	pthread_mutex_unlock(&shared->lock);
	return some;
}
