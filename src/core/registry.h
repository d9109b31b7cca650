/* SPDX-License-Identifier: MIT */
/*
 * registry.h - the named actors of a runtime
 *
 * A name belongs to who registered it, the owner, and leads to an actor or an
 * adapter. It is looked for by any thread, under a lock. Whether the actor
 * lives is looked at when somebody asks: a name that leads to an ended one is
 * free, and goes when it is found.
 */
#ifndef HEPH_CORE_REGISTRY_H
#define HEPH_CORE_REGISTRY_H

#include <heph/types.h>

#include <pthread.h>

#include "base/list.h"

struct heph_name;

struct heph_registry {
	pthread_mutex_t lock;       /* guards all of it, and of each name too */
	struct heph_name **buckets; /* NULL: no name so far */
	uint32_t n, n_buckets;      /* names; a power of two */
	struct heph_list waiting;   /* who waits for a name */
};

void heph_registry_init(struct heph_registry *registry);

/* What is left in it is that of actors that were abandoned. */
void heph_registry_fini(struct heph_registry *registry);

#endif
