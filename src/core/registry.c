/* SPDX-License-Identifier: MIT */
/*
 * A hash table of names. A record is made and freed by its owner, because it
 * is in the owner's list of what it acquired. Anybody may take it out of the
 * table: then it waits in `names_gone` of its owner, who frees it when it
 * registers or unregisters the next one, or ends.
 *
 * Who waits for a name is in a list; who registers it claims their requests and
 * answers them. One that has given up takes itself out.
 */
#include "core/registry.h"

#include <heph/refs.h>

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "core/heph.h"
#include "core/map.h"
#include "core/refs.h"
#include "core/request.h"
#include "core/wait.h"

enum { FIRST = 16 };

/* What a name leads to. */
struct entry {
	struct heph_addr addr;
	const struct heph_actor *type; /* NULL: an adapter */
};

struct heph_name {
	/* the owner */
	struct heph_owned owned;
	/* whoever has the lock */
	struct heph_name *next; /* in its bucket */
	struct heph_list gone;  /* in the owner's, when it is not listed */
	struct heph_ext *owner;
	struct entry entry;
	uint64_t hash;
	bool listed;
	char text[];
};

struct waiter {
	struct heph_request request;
	struct heph_list node; /* in registry->waiting */
	struct entry entry;    /* the answer */
	uint64_t hash;
	char text[];
};

void heph_registry_init(struct heph_registry *registry)
{
	*registry = (struct heph_registry){ .n = 0 };
	pthread_mutex_init(&registry->lock, NULL);
	heph_list_init(&registry->waiting);
}

void heph_registry_fini(struct heph_registry *registry)
{
	struct heph_name *name;
	struct heph_list *node;

	for (uint32_t n = 0; n < registry->n_buckets; n++) {
		while ((name = registry->buckets[n])) {
			registry->buckets[n] = name->next;
			heph_mem_free(name);
		}
	}
	while ((node = heph_list_pop_front(&registry->waiting)))
		heph_mem_free(heph_container_of(node, struct waiter, node));
	heph_mem_free(registry->buckets);
	pthread_mutex_destroy(&registry->lock);
}

static struct heph_registry *registry_of(heph_ctx ctx)
{
	return &ctx.self->thread->heph->registry;
}

/* Its length with the 0 at the end; 0: no name may be so. */
static size_t size_of(const char *text)
{
	size_t length = strnlen(text, HEPH_NAME_MAX + 1);

	return length && length <= HEPH_NAME_MAX ? length + 1 : 0;
}

/* FNV-1a. */
static uint64_t hash_of(const char *text)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);

	while (*text)
		hash = (hash ^ (unsigned char)*text++) *
		       UINT64_C(0x100000001b3);
	return hash;
}

/* ---- the table; all of it with the lock ------------------------------------- */

static struct heph_name **bucket_of(struct heph_registry *registry,
				    uint64_t hash)
{
	return &registry->buckets[hash & (registry->n_buckets - 1)];
}

static void unlist(struct heph_registry *registry, struct heph_name *name)
{
	struct heph_name **link = bucket_of(registry, name->hash);

	while (*link != name)
		link = &(*link)->next;
	*link = name->next;
	name->listed = false;
	registry->n--;
}

/* The same, of a name that its owner will free. */
static void let_go(struct heph_registry *registry, struct heph_name *name)
{
	unlist(registry, name);
	heph_list_push_back(&name->owner->names_gone, &name->gone);
}

/* The name, if what it leads to has not ended. */
static struct heph_name *find(struct heph_registry *registry, const char *text,
			      uint64_t hash)
{
	struct heph_name *name;

	if (!registry->n)
		return NULL;
	name = *bucket_of(registry, hash);
	while (name && (name->hash != hash || strcmp(name->text, text) != 0))
		name = name->next;
	if (!name || heph_raw_alive(name->entry.addr))
		return name;
	let_go(registry, name);
	return NULL;
}

static void drop_ended(struct heph_registry *registry)
{
	struct heph_name *name, *next;

	for (uint32_t n = 0; n < registry->n_buckets; n++) {
		for (name = registry->buckets[n]; name; name = next) {
			next = name->next;
			if (!heph_raw_alive(name->entry.addr))
				let_go(registry, name);
		}
	}
}

static bool resize(struct heph_registry *registry, uint32_t size)
{
	struct heph_name **old = registry->buckets, **link, *name;
	uint32_t n_old = registry->n_buckets;
	struct heph_name **buckets =
		heph_mem_alloc(size * sizeof(struct heph_name *));

	if (!buckets)
		return false;
	registry->buckets = buckets;
	registry->n_buckets = size;
	for (uint32_t n = 0; n < n_old; n++) {
		while ((name = old[n])) {
			old[n] = name->next;
			link = bucket_of(registry, name->hash);
			name->next = *link;
			*link = name;
		}
	}
	heph_mem_free(old);
	return true;
}

/* Sees to it that there is room for one more, without those that have ended
 * first of all. */
static bool make_room(struct heph_registry *registry)
{
	if (!registry->buckets)
		return resize(registry, FIRST);
	if (registry->n < registry->n_buckets)
		return true;
	drop_ended(registry);
	return registry->n < registry->n_buckets / 2 ||
	       resize(registry, registry->n_buckets * 2);
}

/* Each of them is woken once. */
static void tell_waiting(struct heph_registry *registry,
			 const struct heph_name *name)
{
	struct heph_list *node, *next;
	struct waiter *waiter;

	heph_list_each_safe(node, next, &registry->waiting) {
		waiter = heph_container_of(node, struct waiter, node);
		if (waiter->hash != name->hash ||
		    strcmp(waiter->text, name->text) != 0 ||
		    !heph_request_claim(&waiter->request))
			continue;
		heph_list_remove(node);
		waiter->entry = name->entry;
		heph_request_answer(&waiter->request, 0);
	}
}

static int list(struct heph_registry *registry, struct heph_name *name)
{
	struct heph_name **link;

	if (find(registry, name->text, name->hash))
		return -EEXIST;
	if (!make_room(registry))
		return -ENOMEM;
	link = bucket_of(registry, name->hash);
	name->next = *link;
	*link = name;
	name->listed = true;
	registry->n++;
	tell_waiting(registry, name);
	return 0;
}

/* ---- registering ------------------------------------------------------------- */

/* Frees the names that others took out of the table. Owner. */
static void free_gone(struct heph_self *self)
{
	struct heph_registry *registry = &self->thread->heph->registry;
	struct heph_list gone, *node;
	struct heph_name *name;

	heph_list_init(&gone);
	pthread_mutex_lock(&registry->lock);
	heph_list_splice(&gone, &self->ext->names_gone);
	pthread_mutex_unlock(&registry->lock);
	while ((node = heph_list_pop_front(&gone))) {
		name = heph_container_of(node, struct heph_name, gone);
		heph_list_remove(&name->owned.node);
		heph_mem_free(name);
	}
}

static void undo(heph_ctx ctx, struct heph_owned *owned)
{
	struct heph_name *name =
		heph_container_of(owned, struct heph_name, owned);
	struct heph_registry *registry = registry_of(ctx);

	pthread_mutex_lock(&registry->lock);
	if (name->listed)
		unlist(registry, name);
	else
		heph_list_remove(&name->gone);
	pthread_mutex_unlock(&registry->lock);
	heph_mem_free(name);
}

/* What an address of this runtime leads to: 0; -ESRCH. */
static int identify(struct heph *heph, struct heph_addr addr,
		    struct entry *ret_entry)
{
	const struct heph_actor *type = heph_addr_type(heph, addr);

	if (addr.node != heph->node)
		return heph_raw_alive(addr) ? -EXDEV : -ESRCH;
	if (!type && !(heph_addr_is_map(addr) && heph_raw_alive(addr)))
		return -ESRCH;
	*ret_entry = (struct entry){ addr, type };
	return 0;
}

static struct heph_name *make(struct heph_ext *owner, const struct entry *entry,
			      const char *text, size_t size)
{
	struct heph_name *name = heph_mem_alloc_raw(sizeof(*name) + size);

	if (!name)
		return NULL;
	*name = (struct heph_name){ .owned.undo = undo,
				    .owner = owner,
				    .entry = *entry,
				    .hash = hash_of(text) };
	memcpy(name->text, text, size);
	return name;
}

int heph_raw_register(heph_ctx ctx, struct heph_addr addr, const char *text)
{
	struct heph_registry *registry = registry_of(ctx);
	struct heph_ext *ext = heph_self_extend(ctx.self);
	size_t size = size_of(text);
	struct heph_name *name;
	struct entry entry;
	int err;

	if (!size)
		return -EINVAL;
	err = identify(ctx.self->thread->heph, addr, &entry);
	if (err < 0)
		return err;
	name = ext ? make(ext, &entry, text, size) : NULL;
	if (!name)
		return -ENOMEM;
	pthread_mutex_lock(&registry->lock);
	err = list(registry, name);
	pthread_mutex_unlock(&registry->lock);
	if (err == 0)
		heph_list_push_back(&ext->owned, &name->owned.node);
	else
		heph_mem_free(name);
	free_gone(ctx.self);
	return err;
}

int heph_unregister(heph_ctx ctx, const char *text)
{
	struct heph_registry *registry = registry_of(ctx);
	struct heph_name *name;

	pthread_mutex_lock(&registry->lock);
	name = find(registry, text, hash_of(text));
	if (name)
		let_go(registry, name);
	pthread_mutex_unlock(&registry->lock);
	if (ctx.self->ext)
		free_gone(ctx.self);
	return name ? 0 : -ENOENT;
}

/* ---- looking up --------------------------------------------------------------- */

/* An address of that type, if one is wanted. */
static int check(const struct entry *entry, const struct heph_actor *type,
		 struct heph_addr *ret_addr)
{
	if (type && !heph_type_is(entry->type, type))
		return -EPROTOTYPE;
	*ret_addr = entry->addr;
	return 0;
}

int heph_raw_whereis(heph_ctx ctx, const struct heph_actor *type,
		     const char *text, struct heph_addr *ret_addr)
{
	struct heph_registry *registry = registry_of(ctx);
	struct heph_name *name;
	struct entry entry;

	pthread_mutex_lock(&registry->lock);
	name = find(registry, text, hash_of(text));
	if (name)
		entry = name->entry;
	pthread_mutex_unlock(&registry->lock);
	return name ? check(&entry, type, ret_addr) : -ENOENT;
}

static struct waiter *make_waiter(struct heph_self *self, const char *text,
				  size_t size)
{
	struct waiter *waiter = heph_mem_alloc_raw(sizeof(*waiter) + size);

	if (!waiter)
		return NULL;
	*waiter = (struct waiter){ .hash = hash_of(text) };
	heph_request_init(&waiter->request, self, HEPH_WAIT_REQUEST, NULL);
	waiter->request.wants = HEPH_WANTS_NAME;
	memcpy(waiter->text, text, size);
	return waiter;
}

/* Until the name is there: now, or when somebody registers it. */
static int await(heph_ctx ctx, struct waiter *waiter)
{
	struct heph_registry *registry = registry_of(ctx);
	struct heph_name *name;
	bool gone = false;
	int err;

	pthread_mutex_lock(&registry->lock);
	name = find(registry, waiter->text, waiter->hash);
	if (name)
		waiter->entry = name->entry;
	else
		heph_list_push_back(&registry->waiting, &waiter->node);
	pthread_mutex_unlock(&registry->lock);
	if (name)
		return 0;
	err = heph_request_await(ctx, &waiter->request, &gone);
	if (gone) {
		pthread_mutex_lock(&registry->lock);
		heph_list_remove(&waiter->node);
		pthread_mutex_unlock(&registry->lock);
	}
	return err;
}

int heph_raw_await_name(heph_ctx ctx, const struct heph_actor *type,
			const char *text, struct heph_addr *ret_addr)
{
	size_t size = size_of(text);
	struct waiter *waiter;
	int err = heph_wait_allowed(ctx);

	if (err < 0)
		return err;
	if (!size)
		return -EINVAL;
	waiter = make_waiter(ctx.self, text, size);
	if (!waiter)
		return -ENOMEM;
	err = await(ctx, waiter);
	if (err == 0)
		err = check(&waiter->entry, type, ret_addr);
	heph_mem_free(waiter);
	heph_worker_spend(ctx.self);
	return err;
}

/* ---- all of them ---------------------------------------------------------------- */

static int compare(const void *a, const void *b)
{
	return strcmp((*(struct heph_name *const *)a)->text,
		      (*(struct heph_name *const *)b)->text);
}

/* The names in order, into an array of registry->n. Locked. */
static void sort(const struct heph_registry *registry,
		 struct heph_name **ret_names)
{
	struct heph_name *name;
	size_t n = 0;

	for (uint32_t i = 0; i < registry->n_buckets; i++)
		for (name = registry->buckets[i]; name; name = name->next)
			ret_names[n++] = name;
	qsort(ret_names, n, sizeof(*ret_names), compare);
}

static int copy_names(struct heph_registry *registry,
		      struct heph_named *ret_names, size_t max)
{
	struct heph_name **names;

	drop_ended(registry);
	if (!registry->n)
		return 0;
	names = heph_mem_alloc_raw(registry->n * sizeof(struct heph_name *));
	if (!names)
		return -ENOMEM;
	sort(registry, names);
	for (size_t n = 0; n < registry->n && n < max; n++) {
		strcpy(ret_names[n].name, names[n]->text);
		ret_names[n].ref.addr = names[n]->entry.addr;
	}
	heph_mem_free(names);
	return (int)registry->n;
}

int heph_names(heph_ctx ctx, struct heph_named *ret_names, size_t max)
{
	struct heph_registry *registry = registry_of(ctx);
	int result;

	pthread_mutex_lock(&registry->lock);
	result = copy_names(registry, ret_names, max);
	pthread_mutex_unlock(&registry->lock);
	return result;
}
