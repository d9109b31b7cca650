/* SPDX-License-Identifier: MIT */
/*
 * While the table is resized a key is in the old buckets or in the new ones.
 * New keys go to the new ones only, and each call moves some old buckets, so
 * the old ones run empty before the new ones are full.
 */
#include "table.h"

#include <stdlib.h>

enum {
	LEAST = 64,    /* buckets */
	MOVE = 2,      /* buckets with keys that a call moves at most */
	PASS = 16,     /* empty buckets that it passes over meanwhile */
	SPARSE = 8,    /* shrink at one key in so many buckets */
	ROUND_TO = 16, /* of allocations */
};

static struct table_entry **bucket(const struct table_part *part, uint64_t hash)
{
	return &part->buckets[hash & (part->n - 1)];
}

static void clear_part(struct table_part *part)
{
	struct table_entry *entry, *next;

	for (size_t i = 0; i < part->n; i++) {
		for (entry = part->buckets[i]; entry; entry = next) {
			next = entry->next;
			free(entry);
		}
	}
	free(part->buckets);
	*part = (struct table_part){ 0 };
}

void table_clear(struct table *table)
{
	clear_part(&table->part);
	clear_part(&table->old);
	*table = (struct table){ 0 };
}

/* ---- resizing ------------------------------------------------------------ */

static void move_bucket(struct table *table, struct table_entry **from)
{
	struct table_entry *entry = *from, *next, **to;

	*from = NULL;
	for (; entry; entry = next) {
		next = entry->next;
		to = bucket(&table->part, entry->hash);
		entry->next = *to;
		*to = entry;
	}
}

static void move_some(struct table *table)
{
	int moves = MOVE, passes = PASS;

	while (table->moved < table->old.n && moves > 0 && passes > 0) {
		struct table_entry **from = &table->old.buckets[table->moved++];

		if (*from)
			moves--;
		else
			passes--;
		move_bucket(table, from);
	}
	if (table->moved == table->old.n) {
		free(table->old.buckets);
		table->old = (struct table_part){ 0 };
		table->moved = 0;
	}
}

/* Starts to resize it. Without memory it goes on as it is, only slower. */
static void resize(struct table *table, size_t n)
{
	struct table_entry **buckets = calloc(n, sizeof(struct table_entry *));

	if (!buckets)
		return;
	table->old = table->part;
	table->part = (struct table_part){ buckets, n };
}

/* The right number of buckets, given that there are `n` now. */
static size_t fitting(size_t n, size_t count)
{
	if (n == 0)
		return LEAST;
	if (count >= n)
		return n * 2;
	return n > LEAST && count < n / SPARSE ? n / 2 : n;
}

static void maintain(struct table *table)
{
	size_t n;

	if (table->old.n) {
		move_some(table);
		return;
	}
	n = fitting(table->part.n, table->count);
	if (n != table->part.n)
		resize(table, n);
}

/* ---- keys ---------------------------------------------------------------- */

static table_spot find_in(struct table_part *part, const struct table_key *key)
{
	table_spot spot;

	for (spot = bucket(part, key->hash); *spot; spot = &(*spot)->next)
		if ((*spot)->hash == key->hash &&
		    (*spot)->key_size == key->bytes.size &&
		    memcmp((*spot)->bytes, key->bytes.data, key->bytes.size) ==
			    0)
			break;
	return spot;
}

table_spot table_find(struct table *table, const struct table_key *key)
{
	table_spot spot;

	maintain(table);
	if (table->old.n) {
		spot = find_in(&table->old, key);
		if (*spot)
			return spot;
	}
	return table->part.n ? find_in(&table->part, key) : NULL;
}

void table_fetch_bucket(const struct table *table, uint64_t hash)
{
	if (table->part.n)
		__builtin_prefetch(bucket(&table->part, hash));
	if (table->old.n)
		__builtin_prefetch(bucket(&table->old, hash));
}

void table_fetch_entry(const struct table *table, uint64_t hash)
{
	if (table->part.n)
		__builtin_prefetch(*bucket(&table->part, hash));
	if (table->old.n)
		__builtin_prefetch(*bucket(&table->old, hash));
}

/* Makes an entry at `spot`, or gives that one the right size. */
static struct table_entry *fit(struct table *table, table_spot spot,
			       size_t size)
{
	struct table_entry *entry = *spot;
	size_t whole = offsetof(struct table_entry, bytes) + size;

	if (entry && size <= entry->capacity && entry->capacity / 4 <= size)
		return entry;
	whole = (whole + ROUND_TO - 1) / ROUND_TO * ROUND_TO;
	entry = realloc(entry, whole);
	if (!entry)
		return NULL;
	if (!*spot) {
		entry->next = NULL;
		entry->expires = 0;
		table->count++;
	}
	entry->capacity = whole - offsetof(struct table_entry, bytes);
	*spot = entry;
	return entry;
}

bool table_set(struct table *table, table_spot spot,
	       const struct table_key *key, size_t keep, struct slice value)
{
	size_t size = key->bytes.size + keep + value.size;
	struct table_entry *entry;
	bool fresh;

	if (!spot || size > UINT32_MAX / 2)
		return false;
	fresh = !*spot;
	entry = fit(table, spot, size);
	if (!entry)
		return false;
	if (fresh) {
		entry->hash = key->hash;
		entry->key_size = key->bytes.size;
		memcpy(entry->bytes, key->bytes.data, key->bytes.size);
	}
	entry->value_size = keep + value.size;
	memcpy(entry->bytes + entry->key_size + keep, value.data, value.size);
	return true;
}

void table_remove(struct table *table, table_spot spot)
{
	struct table_entry *entry = *spot;

	table_expire(table, entry, 0);
	*spot = entry->next;
	free(entry);
	table->count--;
}

void table_expire(struct table *table, struct table_entry *entry, int64_t when)
{
	table->expiring += (when != 0) - (entry->expires != 0);
	entry->expires = when;
}

/* ---- sweeping ------------------------------------------------------------ */

static size_t sweep_bucket(struct table *table, table_spot spot, int64_t now)
{
	size_t removed = 0;

	while (*spot) {
		if ((*spot)->expires && (*spot)->expires <= now) {
			table_remove(table, spot);
			removed++;
		} else {
			spot = &(*spot)->next;
		}
	}
	return removed;
}

size_t table_sweep(struct table *table, int64_t now, size_t n)
{
	size_t removed = 0;

	maintain(table);
	for (size_t i = 0; i < n && i < table->part.n; i++) {
		size_t at = table->cursor++;

		if (table->old.n)
			removed += sweep_bucket(table, bucket(&table->old, at),
						now);
		removed += sweep_bucket(table, bucket(&table->part, at), now);
	}
	return removed;
}
