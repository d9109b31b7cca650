/* SPDX-License-Identifier: MIT */
/*
 * map.h - adapters: what the id of one stands for
 *
 * An adapter has an id as an actor has, with a number that no worker has in
 * the place of the worker's. So the way to an actor does not know of adapters:
 * only where no worker is found they are looked for.
 */
#ifndef HEPH_CORE_MAP_H
#define HEPH_CORE_MAP_H

#include <heph/types.h>

#include <pthread.h>
#include <stdatomic.h>

#include "core/thread.h"

struct heph_letter;

enum {
	HEPH_MAPS_NUMBER = HEPH_THREADS_MAX - 2, /* workers have lower ones */
	HEPH_MAPS_MAX = 1 << 20,
};

/* The adapters of a runtime. */
struct heph_maps {
	pthread_mutex_t lock; /* guards all but the table's content */
	_Atomic(struct heph_map *) table; /* reserved memory; NULL: unused */
	_Atomic uint32_t n;               /* ever used */
	struct heph_map_kind *kinds;
	uint64_t serial;
};

void heph_maps_init(struct heph_maps *maps, uint64_t serial);
void heph_maps_fini(struct heph_maps *maps);

static inline bool heph_addr_is_map(struct heph_addr addr)
{
	return heph_id_thread(addr.id) == HEPH_MAPS_NUMBER;
}

/*
 * The actor that `addr` leads to: itself, if it is no adapter; nobody, if an
 * adapter on the way has ended. Any thread. Who watches, links or holds asks
 * here first.
 */
struct heph_addr heph_addr_resolve(struct heph_addr addr);

/* Sends a letter through the adapter `to`: as heph_letter_send(), as
 * heph_letter_offer(). Both also return what the adapter's function returned,
 * and -EINVAL when that did not carry the reply over. */
HEPH_MUST int heph_map_send(heph_ctx ctx, struct heph_addr to,
			    const struct heph_letter *letter);
HEPH_MUST int heph_map_offer(struct heph_addr to,
			     const struct heph_letter *letter);

/* What drops messages to the adapter, which may have ended. NULL: nothing. */
typedef void heph_map_drop_fn(void *msg);
heph_map_drop_fn *heph_map_drop_of(struct heph *heph, struct heph_addr addr);

/* A message that could not be sent to the adapter, which may have ended, goes
 * to its drop function. */
void heph_map_drop(struct heph *heph, struct heph_addr to, const void *msg);

#endif
