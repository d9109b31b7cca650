/* SPDX-License-Identifier: MIT */
/* A table with chains, which doubles when there are as many entries. */
#include "remote/cluster_map.h"

#include <string.h>

#include "remote/mem.h"

enum { FIRST = 64 };

/* FNV-1a. */
static size_t place_of(const struct heph_cluster_map *map, const char *key)
{
	uint64_t hash = 14695981039346656037u;

	for (; *key; key++)
		hash = (hash ^ (unsigned char)*key) * 1099511628211u;
	return hash & (map->size - 1);
}

struct heph_cluster_entry *heph_cluster_map_find(const struct heph_cluster_map *map,
						 const char *key)
{
	struct heph_cluster_entry *entry;

	if (map->size == 0)
		return NULL;
	entry = map->chains[place_of(map, key)];
	while (entry && strcmp(entry->key, key) != 0)
		entry = entry->next;
	return entry;
}

static void put(struct heph_cluster_map *map, struct heph_cluster_entry *entry)
{
	size_t place = place_of(map, entry->key);

	entry->next = map->chains[place];
	map->chains[place] = entry;
}

static int grow(struct heph_cluster_map *map)
{
	struct heph_cluster_map larger = { .size = map->size ? 2 * map->size :
							       FIRST,
					   .n = map->n };
	struct heph_cluster_entry *entry, *next;

	larger.chains = heph_remote_mem_zero(larger.size * sizeof(*larger.chains));
	if (!larger.chains)
		return -ENOMEM;
	for (size_t i = 0; i < map->size; i++)
		for (entry = map->chains[i]; entry; entry = next) {
			next = entry->next;
			put(&larger, entry);
		}
	heph_remote_mem_free(map->chains);
	*map = larger;
	return 0;
}

struct heph_cluster_entry *heph_cluster_map_make(struct heph_cluster_map *map,
						 const char *key)
{
	struct heph_cluster_entry *entry = heph_cluster_map_find(map, key);

	if (entry || map->n == HEPH_CLUSTER_ENTRIES ||
	    strlen(key) >= sizeof(entry->key) ||
	    (map->n == map->size && grow(map) < 0))
		return entry;
	entry = heph_remote_mem_zero(sizeof(*entry));
	if (!entry)
		return NULL;
	strcpy(entry->key, key);
	put(map, entry);
	map->n++;
	return entry;
}

struct heph_cluster_entry *heph_cluster_map_next(const struct heph_cluster_map *map,
						 const struct heph_cluster_entry *entry)
{
	size_t i = 0;

	if (entry && entry->next)
		return entry->next;
	if (entry)
		i = place_of(map, entry->key) + 1;
	for (; i < map->size; i++)
		if (map->chains[i])
			return map->chains[i];
	return NULL;
}

void heph_cluster_map_remove(struct heph_cluster_map *map,
			     struct heph_cluster_entry *entry)
{
	struct heph_cluster_entry **at = &map->chains[place_of(map, entry->key)];

	while (*at != entry)
		at = &(*at)->next;
	*at = entry->next;
	map->n--;
	heph_remote_mem_free(entry);
}

void heph_cluster_map_clear(struct heph_cluster_map *map)
{
	struct heph_cluster_entry *entry;

	while ((entry = heph_cluster_map_next(map, NULL)))
		heph_cluster_map_remove(map, entry);
	heph_remote_mem_free(map->chains);
	*map = (struct heph_cluster_map){ 0 };
}
