/* SPDX-License-Identifier: MIT */
/*
 * table.h - keys, their values, and when they expire
 *
 * A chained hash table. It grows and shrinks a few buckets at a time, with
 * each call, so that no call takes long. It belongs to one actor: no locks.
 */
#ifndef TABLE_H
#define TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"

struct table_key {
	struct slice bytes;
	uint64_t hash;
};

/* One allocation: the key and then the value are in `bytes`. */
struct table_entry {
	struct table_entry *next;
	uint64_t hash;
	int64_t expires; /* changed by table_expire() only; 0: never */
	uint32_t key_size, value_size;
	uint32_t capacity; /* of `bytes` */
	char bytes[];
};

/* The buckets; there are 0 of them, or a power of two. */
struct table_part {
	struct table_entry **buckets;
	size_t n;
};

/* All zero is an empty one. */
struct table {
	struct table_part part; /* where new keys go */
	struct table_part old;  /* emptied bit by bit while it is resized */
	size_t moved;           /* buckets of `old` that are empty already */
	size_t cursor;          /* of table_sweep() */
	size_t count, expiring; /* keys; those of them that expire */
};

/* Where the pointer to an entry is. Good until the next call. */
typedef struct table_entry **table_spot;

/* Frees all keys; the table is empty then. */
void table_clear(struct table *table);

/* Finds a key: `*spot` is its entry, or NULL. Returns NULL if there is no
 * table yet: then there is no key. */
table_spot table_find(struct table *table, const struct table_key *key);

/* Has the memory of a key fetched, while other work is done: first the bucket,
 * then, when that is there, the entry. */
void table_fetch_bucket(const struct table *table, uint64_t hash);
void table_fetch_entry(const struct table *table, uint64_t hash);

/*
 * Gives a key a value: that at `spot`, or a new one if there is none, which
 * does not expire. The first `keep` bytes of the old value stay and the new
 * one follows them. Returns false if there is no memory, and nothing changed.
 */
bool table_set(struct table *table, table_spot spot,
	       const struct table_key *key, size_t keep, struct slice value);

/* Removes the entry at `spot`, which is one. */
void table_remove(struct table *table, table_spot spot);

/* Sets when an entry expires, in the units of the caller; 0: never. */
void table_expire(struct table *table, struct table_entry *entry, int64_t when);

/* Looks at the next `n` buckets, round and round, and removes what expired
 * before `now`. Returns how many. */
size_t table_sweep(struct table *table, int64_t now, size_t n);

/* ---- inline ---- */

static inline struct slice table_value(const struct table_entry *entry)
{
	return (struct slice){ entry->bytes + entry->key_size,
			       entry->value_size };
}

#endif
