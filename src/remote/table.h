/* SPDX-License-Identifier: MIT */
/*
 * table.h - what is found by a number that others have chosen
 *
 * Open addressing, one step at a time; what is removed leaves no marks. Where a number
 * lands depends on a seed, so that who chooses the numbers cannot make them meet.
 * A table owns nothing but its own memory; { 0 } is an empty one.
 */
#ifndef HEPH_REMOTE_TABLE_H
#define HEPH_REMOTE_TABLE_H

#include <stddef.h>
#include <stdint.h>

struct heph_table_slot {
	uint64_t key;
	void *value; /* NULL: the slot is free */
};

struct heph_table {
	struct heph_table_slot *slots;
	size_t size; /* 0, or a power of two */
	size_t n;
	uint64_t seed; /* not changed while there is something in it */
};

void heph_table_fini(struct heph_table *table);

/* NULL: there is none. */
void *heph_table_get(const struct heph_table *table, uint64_t key);

/* `value` is not NULL, and there is none of that key. Returns 0; -ENOMEM. */
int heph_table_put(struct heph_table *table, uint64_t key, void *value);

/* There is one of that key, and now it is this one. */
void heph_table_change(struct heph_table *table, uint64_t key, void *value);

/* Takes it out; NULL: there was none. */
void *heph_table_take(struct heph_table *table, uint64_t key);

/* Each value: begins with *at == 0; NULL is the end. The table must not change
 * meanwhile. */
void *heph_table_next(const struct heph_table *table, size_t *at);

#endif
