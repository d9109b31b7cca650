/* SPDX-License-Identifier: MIT */
#include "remote/home.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "remote/meet.h"
#include "remote/mem.h"
#include "remote/import.h"
#include "remote/tap.h"

struct hashed {
	uint64_t hash;
};

/* ---- life ----------------------------------------------------------------------- */

int heph_home_init(heph_ctx ctx, struct heph_node_state *node)
{
	struct heph_home *home = heph_remote_mem_zero(sizeof(*home));
	uint64_t random[2] = { heph_node_random(ctx), heph_node_random(ctx) };
	uint64_t seed = heph_node_random(ctx);

	node->home = home;
	if (!home)
		return -ENOMEM;
	_Static_assert(sizeof(random) == sizeof(home->key), "a key");
	memcpy(home->key, random, sizeof(random));
	home->given.seed = home->proxies.seed = home->names.seed = seed;
	home->offers.seed = home->hashes.seed = seed;
	home->spawned.seed = home->spawners.seed = seed;
	return 0;
}

static void free_all(struct heph_table *table)
{
	size_t at = 0;
	void *value;

	while ((value = heph_table_next(table, &at)))
		heph_remote_mem_free(value);
	heph_table_fini(table);
}

static void free_names(struct heph_table *table)
{
	struct heph_home_name *named, *next;
	size_t at = 0;

	while ((named = heph_table_next(table, &at)))
		for (; named; named = next) {
			next = named->next;
			heph_remote_mem_free(named);
		}
	heph_table_fini(table);
}

void heph_home_fini(heph_ctx ctx, struct heph_node_state *node)
{
	struct heph_home *home = node->home;

	(void)ctx;
	if (!home)
		return;
	heph_taps_fini(node);
	free_all(&home->given);
	free_all(&home->hashes);
	free_all(&home->spawners);
	heph_table_fini(&home->spawned);
	free_names(&home->names);
	free_names(&home->offers);
	heph_meet_fini(home);
	heph_table_fini(&home->proxies);
	heph_remote_mem_free(home);
	node->home = NULL;
}

/* ---- actors that peers have spawned ------------------------------------------------- */

static uint64_t key_of(const char *name)
{
	return heph_hash(name, strlen(name));
}

int heph_home_may_spawn(const struct heph_node_state *node, const char *name)
{
	const struct heph_table *spawners = &node->home->spawners;
	const struct heph_spawner *spawner =
		heph_table_get(spawners, key_of(name));
	bool may = spawner ? spawner->n < node->config.spawned :
			     spawners->n < node->config.peers;

	return may ? 0 : -EDQUOT;
}

static struct heph_spawner *spawner_or_new(struct heph_home *home, uint64_t key)
{
	struct heph_spawner *spawner = heph_table_get(&home->spawners, key);

	if (spawner)
		return spawner;
	spawner = heph_remote_mem_zero(sizeof(*spawner));
	if (!spawner)
		return NULL;
	spawner->key = key;
	if (heph_table_put(&home->spawners, key, spawner) == 0)
		return spawner;
	heph_remote_mem_free(spawner);
	return NULL;
}

static void let_go(struct heph_home *home, struct heph_spawner *spawner)
{
	if (spawner->n)
		return;
	heph_table_take(&home->spawners, spawner->key);
	heph_remote_mem_free(spawner);
}

int heph_home_spawned(heph_ctx ctx, struct heph_node_state *node,
		      const char *name, struct heph_addr addr)
{
	struct heph_home *home = node->home;
	struct heph_spawner *spawner = spawner_or_new(home, key_of(name));
	int err;

	if (!spawner)
		return -ENOMEM;
	err = heph_table_put(&home->spawned, addr.id, spawner);
	if (err == 0) {
		spawner->n++;
		err = heph_raw_monitor(ctx, addr);
	}
	if (err < 0 && heph_table_take(&home->spawned, addr.id))
		spawner->n--;
	let_go(home, spawner);
	return err;
}

void heph_home_down(heph_ctx ctx, struct heph_node_state *node,
		    const struct heph_down *down)
{
	struct heph_home *home = node->home;
	struct heph_spawner *spawner =
		heph_table_take(&home->spawned, down->who.addr.id);

	(void)ctx;
	if (!spawner)
		return;
	spawner->n--;
	let_go(home, spawner);
}

/* ---- types ------------------------------------------------------------------------- */

uint64_t heph_home_hash(struct heph_home *home,
			const struct heph_remote_actor *remote)
{
	struct hashed *hashed =
		heph_table_get(&home->hashes, (uintptr_t)remote);
	uint64_t hash;

	if (hashed)
		return hashed->hash;
	hash = heph_remote_hash(remote);
	hashed = heph_remote_mem_alloc(sizeof(*hashed));
	if (!hashed)
		return hash; /* next time then */
	hashed->hash = hash;
	if (heph_table_put(&home->hashes, (uintptr_t)remote, hashed) < 0)
		heph_remote_mem_free(hashed);
	return hash;
}

/* ---- references ------------------------------------------------------------------------ */

/* Before the table grows: who has ended leaves it. */
static void forget_ended(struct heph_table *given)
{
	struct heph_table old = *given;
	struct heph_given *one;
	size_t at = 0;

	if (old.n < 16 || old.n * 4 < old.size * 3)
		return;
	*given = (struct heph_table){ .seed = old.seed };
	while ((one = heph_table_next(&old, &at)))
		if (heph_raw_alive(one->addr) &&
		    heph_table_put(given, one->addr.id, one) < 0)
			goto undo;
	for (at = 0; (one = heph_table_next(&old, &at));)
		if (heph_table_get(given, one->addr.id) != one)
			heph_remote_mem_free(one);
	heph_table_fini(&old);
	return;

undo:
	heph_table_fini(given);
	*given = old;
}

static int give(struct heph_home *home, const struct heph_remote_actor *remote,
		struct heph_addr addr, struct heph_given **ret_given)
{
	struct heph_given *given = heph_table_get(&home->given, addr.id);
	int err;

	*ret_given = given;
	if (given) {
		if (!given->remote && remote) {
			given->remote = remote;
			given->hash = heph_home_hash(home, remote);
		}
		return heph_home_check(home, given, remote);
	}
	forget_ended(&home->given);
	given = heph_remote_mem_alloc(sizeof(*given));
	if (!given)
		return -ENOMEM;
	*given = (struct heph_given){ addr, remote, 0 };
	if (remote)
		given->hash = heph_home_hash(home, remote);
	err = heph_table_put(&home->given, addr.id, given);
	if (err < 0)
		heph_remote_mem_free(given);
	*ret_given = given;
	return err;
}

int heph_home_out(struct heph_node_state *node,
		  const struct heph_remote_actor *remote, struct heph_addr addr,
		  unsigned rights, struct heph_wire_ref *ret_ref)
{
	struct heph_import *import =
		heph_table_get(&node->home->proxies, addr.id);
	struct heph_given *given;
	int err;

	if (import) {
		*ret_ref = import->ref;
		return 0;
	}
	err = give(node->home, remote, addr, &given);
	if (err < 0)
		return err;
	*ret_ref = (struct heph_wire_ref){ .id = addr.id,
					   .slot = addr.slot,
					   .rights = rights };
	heph_wire_ref_sign(node, ret_ref);
	return 0;
}

int heph_home_may_give(const struct heph_node_state *node, struct heph_addr addr,
		       unsigned rights)
{
	const struct heph_import *import =
		heph_table_get(&node->home->proxies, addr.id);

	return import && import->ref.rights != rights ? -EACCES : 0;
}

int heph_home_find(struct heph_node_state *node,
		   const struct heph_wire_ref *ref,
		   struct heph_given **ret_given)
{
	if (!heph_wire_ref_ours(node, ref))
		return -EACCES;
	*ret_given = heph_table_get(&node->home->given, ref->id);
	return *ret_given ? 0 : -ESRCH;
}

int heph_home_check(struct heph_home *home, const struct heph_given *given,
		    const struct heph_remote_actor *remote)
{
	if (!remote || remote == given->remote)
		return 0;
	return given->remote && given->hash == heph_home_hash(home, remote) ?
		       0 :
		       -EPROTOTYPE;
}

/* ---- names -------------------------------------------------------------------------------- */

static bool gone(const struct heph_home_name *named)
{
	return named->addr.id && !heph_raw_alive(named->addr);
}

/* The first of those with that hash, and the place of the one with that name. */
static struct heph_home_name **find(struct heph_home_name **first,
				    const char *name, size_t size)
{
	while (*first && (strncmp((*first)->name, name, size) != 0 ||
			  (*first)->name[size]))
		first = &(*first)->next;
	return first;
}

static struct heph_home_name *look(struct heph_table *table, const char *name,
				   size_t size)
{
	struct heph_home_name *first =
		heph_table_get(table, heph_hash(name, size));
	struct heph_home_name *named = *find(&first, name, size);

	return named && !gone(named) ? named : NULL;
}

struct heph_home_name *heph_home_name(struct heph_home *home, const char *name,
				      size_t size)
{
	return look(&home->names, name, size);
}

struct heph_home_name *heph_home_offer(struct heph_home *home, const char *name,
				       size_t size)
{
	return look(&home->offers, name, size);
}

static void drop_name(struct heph_table *table, const char *name, size_t size)
{
	uint64_t key = heph_hash(name, size);
	struct heph_home_name *first = heph_table_get(table, key);
	struct heph_home_name **place = find(&first, name, size),
			      *named = *place;

	if (!named)
		return;
	*place = named->next;
	if (first)
		heph_table_change(table, key, first);
	else
		heph_table_take(table, key);
	heph_remote_mem_free(named);
}

/* Those with one hash, without those that have ended; but if all have, the first. */
static void thin_out(struct heph_table *table, struct heph_home_name *first)
{
	struct heph_home_name *head = first, **place = &head, *named;
	uint64_t key = heph_hash(first->name, strlen(first->name));

	while ((named = *place))
		if (gone(named) && (named != head || named->next)) {
			*place = named->next;
			heph_remote_mem_free(named);
		} else {
			place = &named->next;
		}
	heph_table_change(table, key, head);
}

/* Before the table grows: the names of those that have ended leave it. */
static void forget_names(struct heph_table *table)
{
	struct heph_table fresh = { .seed = table->seed };
	struct heph_home_name *first;
	size_t at = 0;
	int err = 0;

	if (table->n < 16 || table->n * 4 < table->size * 3)
		return;
	while ((first = heph_table_next(table, &at)))
		thin_out(table, first);
	for (at = 0; err == 0 && (first = heph_table_next(table, &at));)
		if (!gone(first))
			err = heph_table_put(&fresh,
					     heph_hash(first->name,
						       strlen(first->name)),
					     first);
	if (err < 0) {
		heph_table_fini(&fresh);
		return;
	}
	for (at = 0; (first = heph_table_next(table, &at));)
		if (gone(first))
			heph_remote_mem_free(first);
	heph_table_fini(table);
	*table = fresh;
}

int heph_home_add_name(struct heph_home *home, struct heph_table *table,
		       const struct heph_home_name *like, const char *name)
{
	size_t size = strlen(name);
	uint64_t key = heph_hash(name, size);
	struct heph_home_name *named, *others;

	if (look(table, name, size))
		return -EEXIST;
	drop_name(table, name, size); /* of one that has ended */
	forget_names(table);
	named = heph_remote_mem_alloc(sizeof(*named) + size + 1);
	if (!named)
		return -ENOMEM;
	*named = *like;
	named->hash = heph_home_hash(home, like->remote);
	memcpy(named->name, name, size + 1);
	others = heph_table_get(table, key);
	named->next = others ? others->next : NULL;
	if (others) {
		others->next = named;
	} else if (heph_table_put(table, key, named) < 0) {
		heph_remote_mem_free(named);
		return -ENOMEM;
	}
	return 0;
}

bool heph_home_remove_name(struct heph_home *home, const char *name)
{
	bool there = heph_home_name(home, name, strlen(name));

	drop_name(&home->names, name, strlen(name));
	return there;
}

static void list_table(FILE *out, const struct heph_table *table)
{
	const struct heph_home_name *named;
	size_t at = 0;

	while ((named = heph_table_next(table, &at)))
		for (; named; named = named->next)
			if (!gone(named))
				fprintf(out, "%s %s %016" PRIx64 "%s\n",
					named->name, named->remote->name,
					named->hash,
					named->addr.id ? "" : " spawn");
}

char *heph_home_list(struct heph_home *home)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	list_table(out, &home->names);
	list_table(out, &home->offers);
	if (fclose(out) != 0) {
		free(text);
		return NULL;
	}
	return text;
}
