/* SPDX-License-Identifier: MIT */
#include "remote/table.h"

#include <errno.h>

#include "remote/mem.h"

enum { FIRST = 16 };

void heph_table_fini(struct heph_table *table)
{
	heph_remote_mem_free(table->slots);
	table->slots = NULL;
	table->size = table->n = 0;
}

static size_t place(const struct heph_table *table, uint64_t key)
{
	uint64_t h = (key ^ table->seed) * UINT64_C(0x9e3779b97f4a7c15);

	h = (h ^ (h >> 32)) * (table->seed | 1);
	return (size_t)(h ^ (h >> 29)) & (table->size - 1);
}

/* Where the key is, or the free slot where it would be. */
static size_t find(const struct heph_table *table, uint64_t key)
{
	size_t at = place(table, key);

	while (table->slots[at].value && table->slots[at].key != key)
		at = (at + 1) & (table->size - 1);
	return at;
}

void *heph_table_get(const struct heph_table *table, uint64_t key)
{
	return table->size ? table->slots[find(table, key)].value : NULL;
}

static int grow(struct heph_table *table)
{
	struct heph_table grown = *table;

	grown.size = table->size ? table->size * 2 : FIRST;
	grown.slots = heph_remote_mem_zero(grown.size * sizeof(*grown.slots));
	if (!grown.slots)
		return -ENOMEM;
	for (size_t i = 0; i < table->size; i++)
		if (table->slots[i].value)
			grown.slots[find(&grown, table->slots[i].key)] =
				table->slots[i];
	heph_remote_mem_free(table->slots);
	*table = grown;
	return 0;
}

int heph_table_put(struct heph_table *table, uint64_t key, void *value)
{
	int err = table->n * 4 < table->size * 3 ? 0 : grow(table);

	if (err < 0)
		return err;
	table->slots[find(table, key)] =
		(struct heph_table_slot){ .key = key, .value = value };
	table->n++;
	return 0;
}

void heph_table_change(struct heph_table *table, uint64_t key, void *value)
{
	table->slots[find(table, key)].value = value;
}

/* Moves what could not have its place because of `hole` up to it. */
static void close_hole(struct heph_table *table, size_t hole)
{
	size_t mask = table->size - 1, at = hole, wanted;

	for (;;) {
		at = (at + 1) & mask;
		if (!table->slots[at].value)
			break;
		wanted = place(table, table->slots[at].key);
		if (((at - wanted) & mask) < ((at - hole) & mask))
			continue;
		table->slots[hole] = table->slots[at];
		hole = at;
	}
	table->slots[hole].value = NULL;
}

void *heph_table_take(struct heph_table *table, uint64_t key)
{
	size_t at;
	void *value;

	if (!table->size)
		return NULL;
	at = find(table, key);
	value = table->slots[at].value;
	if (!value)
		return NULL;
	close_hole(table, at);
	table->n--;
	return value;
}

void *heph_table_next(const struct heph_table *table, size_t *at)
{
	while (*at < table->size) {
		void *value = table->slots[(*at)++].value;

		if (value)
			return value;
	}
	return NULL;
}
