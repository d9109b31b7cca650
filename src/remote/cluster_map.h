/* SPDX-License-Identifier: MIT */
/* cluster_map.h - the entries of a registry, by key */
#ifndef HEPH_REMOTE_CLUSTER_MAP_H
#define HEPH_REMOTE_CLUSTER_MAP_H

#include "remote/cluster_entry.h"

struct heph_cluster_entry {
	struct heph_cluster_entry *next; /* of the chain */
	char key[HEPH_CLUSTER_KEY_MAX];
	enum heph_cluster_kind kind;
	uint64_t revision; /* of the latest change, a deletion too */
	uint64_t seen;     /* in the snapshot of that number */
	bool deleted, garbage;
	struct heph_cluster_value value; /* if neither */
};

struct heph_cluster_map {
	struct heph_cluster_entry **chains;
	size_t size, n; /* chains: 0 or a power of two; entries */
};

enum { HEPH_CLUSTER_ENTRIES = 1 << 20 };

/* NULL: there is none. */
struct heph_cluster_entry *heph_cluster_map_find(const struct heph_cluster_map *map,
						 const char *key);
/* Finds, or makes one with revision 0. NULL: no memory, or too many. */
struct heph_cluster_entry *heph_cluster_map_make(struct heph_cluster_map *map,
						 const char *key);
/* The next one after `entry`, in no order; NULL: the first. NULL: there are no more. */
struct heph_cluster_entry *heph_cluster_map_next(const struct heph_cluster_map *map,
						 const struct heph_cluster_entry *entry);
void heph_cluster_map_remove(struct heph_cluster_map *map,
			     struct heph_cluster_entry *entry);
void heph_cluster_map_clear(struct heph_cluster_map *map);

#endif
