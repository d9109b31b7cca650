/* SPDX-License-Identifier: MIT */
/*
 * The table of adapters is never unmapped while the runtime lives. An entry is
 * written by the owner of the adapter while its id is 0, and read by senders
 * on any thread: id, facts, id again. Ids are not used again, so if the id was
 * the right one both times the facts are those of that adapter. A fact is read
 * with acquire and written with release: who reads one of a later adapter finds
 * the id changed.
 *
 * An entry is used again only for adapters with the same drop function. So that
 * one is right for every id that the entry ever had, and a message posted to an
 * adapter that has ended is still dropped as it should be.
 *
 * The target of an adapter was there before the adapter, so they never lead in
 * a circle.
 */
#include "core/map.h"

#include <heph/refs.h>

#include <string.h>

#include "base/mem.h"
#include "core/heph.h"
#include "core/inbox.h"
#include "core/send.h"
#include "core/stackrule.h"

typedef int map_fn(const void *from, void *to);
typedef int map_value_fn(const void *from, void *to, const void *value);

/* What a sender must know of an adapter. */
struct facts {
	struct heph_addr target;
	union {
		map_fn *plain;
		map_value_fn *with_value;
	} fn;
	uint32_t from_size, to_size;
	uint32_t depth; /* adapters from here to the actor */
	bool has_value;
	alignas(16) unsigned char value[HEPH_MAP_VALUE_MAX];
};

enum { FACT_WORDS = sizeof(struct facts) / sizeof(uint64_t) };

struct heph_map {
	_Atomic uint64_t id; /* 0: none */
	_Atomic uint64_t facts[FACT_WORDS];
	_Atomic(struct heph_map_kind *) kind;
	/* the owner */
	struct heph_owned owned;
	struct heph_self *owner;
	uint32_t next_free;
};

/* The adapters with one drop function. */
struct heph_map_kind {
	struct heph_map_kind *next;
	heph_map_drop_fn *drop; /* NULL: messages own nothing */
	uint32_t free; /* list of entries; 0: none. Entry 0 is not used */
};

void heph_maps_init(struct heph_maps *maps, uint64_t serial)
{
	*maps = (struct heph_maps){ .n = 1, .serial = serial };
	pthread_mutex_init(&maps->lock, NULL);
}

void heph_maps_fini(struct heph_maps *maps)
{
	struct heph_map_kind *kind;

	while ((kind = maps->kinds)) {
		maps->kinds = kind->next;
		heph_mem_free(kind);
	}
	heph_mem_unreserve(atomic_load(&maps->table),
			   HEPH_MAPS_MAX * sizeof(struct heph_map));
	pthread_mutex_destroy(&maps->lock);
}

/* ---- entries --------------------------------------------------------------- */

static struct heph_map *table_of(struct heph_maps *maps)
{
	return atomic_load_explicit(&maps->table, memory_order_acquire);
}

/* The entry that the adapter has or had; NULL: there cannot be such a one. */
static struct heph_map *entry_of(struct heph *heph, struct heph_addr addr)
{
	struct heph_maps *maps = &heph->maps;

	if (!heph_addr_is_map(addr) || addr.slot == 0 ||
	    addr.slot >= atomic_load_explicit(&maps->n, memory_order_acquire))
		return NULL;
	return &table_of(maps)[addr.slot];
}

static struct heph_map_kind *kind_of(struct heph_maps *maps,
				     heph_map_drop_fn *drop)
{
	struct heph_map_kind *kind = maps->kinds;

	while (kind && kind->drop != drop)
		kind = kind->next;
	if (kind)
		return kind;
	kind = heph_mem_alloc(sizeof(*kind));
	if (!kind)
		return NULL;
	kind->drop = drop;
	kind->next = maps->kinds;
	return maps->kinds = kind;
}

static int reserve(struct heph_maps *maps)
{
	struct heph_map *table = table_of(maps);

	if (table)
		return 0;
	table = heph_mem_reserve(HEPH_MAPS_MAX * sizeof(*table));
	if (!table)
		return -ENOMEM;
	atomic_store_explicit(&maps->table, table, memory_order_release);
	return 0;
}

/* An entry for adapters with that drop function. Locked. */
static int take(struct heph_maps *maps, heph_map_drop_fn *drop,
		struct heph_map **ret_map)
{
	struct heph_map_kind *kind = kind_of(maps, drop);
	struct heph_map *map;
	uint32_t n = atomic_load_explicit(&maps->n, memory_order_relaxed);

	if (!kind || reserve(maps) < 0)
		return -ENOMEM;
	map = &table_of(maps)[kind->free ? kind->free : n];
	if (kind->free) {
		kind->free = map->next_free;
	} else {
		if (n == HEPH_MAPS_MAX)
			return -EAGAIN;
		atomic_store_explicit(&map->kind, kind, memory_order_release);
		atomic_store_explicit(&maps->n, n + 1, memory_order_release);
	}
	*ret_map = map;
	return 0;
}

static void write_facts(struct heph_map *map, const struct facts *facts)
{
	uint64_t words[FACT_WORDS];

	memcpy(words, facts, sizeof(words));
	for (size_t n = 0; n < FACT_WORDS; n++)
		atomic_store_explicit(&map->facts[n], words[n],
				      memory_order_release);
}

/* Whether the adapter has not ended; then, what it does. */
static bool read_facts(struct heph_map *map, uint64_t id,
		       struct facts *ret_facts)
{
	uint64_t words[FACT_WORDS];

	if (atomic_load_explicit(&map->id, memory_order_acquire) != id)
		return false;
	for (size_t n = 0; n < FACT_WORDS; n++)
		words[n] = atomic_load_explicit(&map->facts[n],
						memory_order_acquire);
	memcpy(ret_facts, words, sizeof(words));
	return atomic_load_explicit(&map->id, memory_order_relaxed) == id;
}

/* The same for an address, of any runtime. */
static bool look_up(struct heph_addr addr, struct facts *ret_facts)
{
	struct heph_map *map;
	struct heph *heph;
	bool inside, found;

	heph = heph_enter(addr.node, &inside);
	if (!heph)
		return false;
	map = entry_of(heph, addr);
	found = map && read_facts(map, addr.id, ret_facts);
	heph_leave(addr.node, inside);
	return found;
}

struct heph_addr heph_addr_resolve(struct heph_addr addr)
{
	struct facts facts;

	while (heph_addr_is_map(addr))
		addr = look_up(addr, &facts) ? facts.target :
					       (struct heph_addr){ 0 };
	return addr;
}

/* ---- making and ending ------------------------------------------------------ */

static void end(struct heph_maps *maps, struct heph_map *map)
{
	struct heph_map_kind *kind;

	atomic_store(&map->id, 0);
	pthread_mutex_lock(&maps->lock);
	kind = atomic_load_explicit(&map->kind, memory_order_relaxed);
	map->next_free = kind->free;
	kind->free = (uint32_t)(map - table_of(maps));
	pthread_mutex_unlock(&maps->lock);
}

static void undo(heph_ctx ctx, struct heph_owned *owned)
{
	end(&ctx.self->thread->heph->maps,
	    heph_container_of(owned, struct heph_map, owned));
}

/* How many adapters lie on the way; -ESRCH: it leads nowhere. */
static int depth_of(struct heph_addr addr)
{
	struct facts facts;

	if (!heph_raw_alive(addr))
		return -ESRCH;
	if (!heph_addr_is_map(addr))
		return 0;
	return look_up(addr, &facts) ? (int)facts.depth : -ESRCH;
}

static int collect(const struct heph_mapping *mapping, struct facts *ret_facts)
{
	int depth = depth_of(mapping->target);

	if (depth < 0)
		return depth;
	if (depth == HEPH_MAP_DEPTH_MAX)
		return -ELOOP;
	heph_assert(mapping->value_size <= HEPH_MAP_VALUE_MAX);
	*ret_facts = (struct facts){
		.target = mapping->target,
		.from_size = (uint32_t)mapping->from_size,
		.to_size = (uint32_t)mapping->to_size,
		.depth = (uint32_t)depth + 1,
		.has_value = mapping->value != NULL,
	};
	/* Its parameters are pointers to types that the macro has checked; all
	 * pointers to objects are passed alike. */
	memcpy(&ret_facts->fn, mapping->fn, sizeof(ret_facts->fn));
	if (mapping->value)
		memcpy(ret_facts->value, mapping->value, mapping->value_size);
	return 0;
}

static heph_map_drop_fn *drop_of(const struct heph_mapping *mapping)
{
	heph_map_drop_fn *drop = NULL;

	if (mapping->drop)
		memcpy(&drop, mapping->drop, sizeof(drop));
	return drop;
}

/* From here on the adapter exists. */
static void appear(struct heph *heph, struct heph_map *map, uint64_t serial)
{
	heph_serial_used(heph, serial);
	atomic_store_explicit(&map->id,
			      serial * HEPH_THREADS_MAX + HEPH_MAPS_NUMBER,
			      memory_order_release);
}

int heph_raw_map(heph_ctx ctx, const struct heph_mapping *mapping,
		 struct heph_addr *ret_addr)
{
	struct heph *heph = ctx.self->thread->heph;
	struct heph_ext *ext = heph_self_extend(ctx.self);
	struct heph_map *map;
	struct facts facts;
	uint64_t serial;
	int err = ext ? collect(mapping, &facts) : -ENOMEM;

	if (err < 0)
		return err;
	if (mapping->value)
		heph_stackrule_check(ctx.self, mapping->value,
				     mapping->value_size,
				     "value of heph_map()", NULL);
	pthread_mutex_lock(&heph->maps.lock);
	err = take(&heph->maps, drop_of(mapping), &map);
	serial = ++heph->maps.serial;
	pthread_mutex_unlock(&heph->maps.lock);
	if (err < 0)
		return err;
	write_facts(map, &facts);
	appear(heph, map, serial);
	map->owner = ctx.self;
	map->owned.undo = undo;
	heph_list_push_back(&ext->owned, &map->owned.node);
	*ret_addr = (struct heph_addr){
		.id = atomic_load_explicit(&map->id, memory_order_relaxed),
		.slot = (uint32_t)(map - table_of(&heph->maps)),
		.node = heph->node,
	};
	return 0;
}

int heph_raw_unmap(heph_ctx ctx, struct heph_addr addr)
{
	struct heph *heph = ctx.self->thread->heph;
	struct heph_map *map = addr.node == heph->node ? entry_of(heph, addr) :
							 NULL;

	if (!map || atomic_load(&map->id) != addr.id || map->owner != ctx.self)
		return -ESRCH;
	heph_list_remove(&map->owned.node);
	end(&heph->maps, map);
	return 0;
}

/* ---- sending --------------------------------------------------------------- */

/* Where a message lies that was made on the way: here if it is small. */
struct buffer {
	void *heap;
	alignas(16) unsigned char small[256];
};

/* A letter on its way through adapters. Its data is the sender's, and then in
 * the one or the other buffer. */
struct journey {
	struct heph_addr to;
	struct heph_letter letter;
	struct buffer buffers[2];
	unsigned steps;
};

/* The buffer that the letter is not in, all zero. */
static void *other_buffer(struct journey *journey, size_t size)
{
	struct buffer *buffer = &journey->buffers[journey->steps++ % 2];

	heph_mem_free(buffer->heap);
	buffer->heap = NULL;
	if (size > sizeof(buffer->small))
		return buffer->heap = heph_mem_alloc(size);
	return memset(buffer->small, 0, size);
}

static void free_buffers(struct journey *journey)
{
	heph_mem_free(journey->buffers[0].heap);
	heph_mem_free(journey->buffers[1].heap);
}

/* The function of an adapter finds the reply where the actor would. */
static int fill_in_reply(struct journey *journey)
{
	struct heph_letter *letter = &journey->letter;
	void *copy;

	if (letter->reply_at == HEPH_NO_REPLY)
		return 0;
	copy = other_buffer(journey, letter->size);
	if (!copy)
		return -ENOMEM;
	heph_letter_copy(letter, copy);
	letter->data = copy;
	return 0;
}

/* Where in the new message the reply is; its number is unique. */
static int find_reply(struct heph_letter *letter)
{
	const struct heph_reply *reply = &letter->reply;
	size_t at;

	if (letter->reply_at == HEPH_NO_REPLY)
		return 0;
	for (at = 0; at + sizeof(*reply) <= letter->size;
	     at += alignof(struct heph_reply))
		if (!memcmp((const char *)letter->data + at, reply,
			    sizeof(*reply)))
			break;
	if (at + sizeof(*reply) > letter->size)
		return -EINVAL;
	letter->reply_at = (uint32_t)at;
	return 0;
}

/* No panic can leave it: it would abandon whoever sends. */
static int convert(const struct facts *facts, const void *from, void *to)
{
	int err;

	heph_thread_hook(1);
	err = facts->has_value ? facts->fn.with_value(from, to, facts->value) :
				 facts->fn.plain(from, to);
	heph_thread_hook(-1);
	return err < 0 ? err : 0;
}

/* Through one adapter. */
static int step(struct journey *journey, const struct facts *facts)
{
	struct heph_letter *letter = &journey->letter;
	void *to = other_buffer(journey, facts->to_size);
	int err;

	heph_assert(letter->size == facts->from_size);
	if (!to)
		return -ENOMEM;
	err = convert(facts, letter->data, to);
	if (err < 0)
		return err;
	letter->data = to;
	letter->size = facts->to_size;
	journey->to = facts->target;
	return find_reply(letter);
}

/* Whether it is a call by the actor that it leads to. */
static bool calls_itself(const struct journey *journey)
{
	const struct heph_reply *reply = &journey->letter.reply;
	struct heph_thread *thread = heph_thread_current;
	struct heph_self *self = thread ? thread->current : NULL;

	return journey->letter.reply_at != HEPH_NO_REPLY && self && self->id &&
	       self->id == journey->to.id && thread->node == journey->to.node &&
	       reply->thread == thread->number &&
	       thread->calls.table[reply->slot].caller == self;
}

static int travel(struct journey *journey)
{
	struct heph_thread *thread = heph_thread_current;
	struct facts facts;
	int err = fill_in_reply(journey);

	while (err == 0 && heph_addr_is_map(journey->to))
		err = look_up(journey->to, &facts) ? step(journey, &facts) :
						     -ESRCH;
	if (err == 0 && calls_itself(journey))
		err = -EDEADLK; /* who would answer? */
	if (err == 0 && thread && thread->current)
		heph_stackrule_check_msg(thread->current, journey->to,
					 journey->letter.data,
					 journey->letter.size);
	return err;
}

int heph_map_send(heph_ctx ctx, struct heph_addr to,
		  const struct heph_letter *letter)
{
	struct journey journey = { .to = to, .letter = *letter };
	int err = travel(&journey);

	if (err == 0)
		err = heph_letter_send(ctx, journey.to, &journey.letter);
	free_buffers(&journey);
	return err;
}

int heph_map_offer(struct heph_addr to, const struct heph_letter *letter)
{
	struct journey journey = { .to = to, .letter = *letter };
	int err = travel(&journey);

	if (err == 0)
		err = heph_letter_offer(journey.to, &journey.letter);
	free_buffers(&journey);
	return err;
}

heph_map_drop_fn *heph_map_drop_of(struct heph *heph, struct heph_addr addr)
{
	struct heph_map *map = entry_of(heph, addr);

	if (!map || addr.id / HEPH_THREADS_MAX < heph->first_serial)
		return NULL;
	return atomic_load_explicit(&map->kind, memory_order_acquire)->drop;
}

void heph_map_drop(struct heph *heph, struct heph_addr to, const void *msg)
{
	heph_map_drop_fn *drop = heph_map_drop_of(heph, to);

	if (!drop)
		return;
	heph_thread_hook(1);
	drop((void *)(uintptr_t)msg);
	heph_thread_hook(-1);
}
