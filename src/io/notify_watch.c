/* SPDX-License-Identifier: MIT */
/* The watches of a heph_notify: which there are, where they are, how they go. */
#include "io/notify_state.h"

#include <string.h>

#include "base/mem.h"
#include "core/self.h"
#include "io/fs.h"

/* ---- watches ---------------------------------------------------------------------- */

static struct heph_list *bucket_of(struct heph_notify *it, int number)
{
	return &it->watches[(unsigned)number % HEPH_NOTIFY_BUCKETS];
}

struct heph_notify_watch *heph_notify_find(struct heph_notify *it, int number)
{
	struct heph_list *node, *bucket = bucket_of(it, number);
	struct heph_notify_watch *watch;

	heph_list_each(node, bucket) {
		watch = heph_container_of(node, struct heph_notify_watch, node);
		if (watch->number == number)
			return watch;
	}
	return NULL;
}

struct heph_notify_watch *
heph_notify_find_below(struct heph_notify *it,
		       const struct heph_notify_watch *above, const char *name)
{
	struct heph_list *node;
	struct heph_notify_watch *watch;

	for (int i = 0; i < HEPH_NOTIFY_BUCKETS; i++)
		heph_list_each(node, &it->watches[i]) {
			watch = heph_container_of(
				node, struct heph_notify_watch, node);
			if (watch->above == above &&
			    strcmp(watch->name, name) == 0)
				return watch;
		}
	return NULL;
}

struct heph_notify_watch *heph_notify_watch_new(struct heph_notify_watch *above,
						const char *name)
{
	struct heph_notify_watch *watch = heph_mem_alloc(sizeof(*watch));

	if (!watch)
		return NULL;
	watch->name = heph_mem_alloc_raw(strlen(name) + 1);
	if (!watch->name) {
		heph_mem_free(watch);
		return NULL;
	}
	strcpy(watch->name, name);
	watch->number = HEPH_NOTIFY_NONE;
	watch->above = above;
	if (above) {
		above->below++;
		watch->what = above->what;
		watch->flags = above->flags;
	}
	return watch;
}

static void free_watch(struct heph_notify_watch *watch);

void heph_notify_let_go(struct heph_notify_watch *above)
{
	if (above && --above->below == 0 && above->dead)
		free_watch(above);
}

/* One that is in no list. */
static void free_watch(struct heph_notify_watch *watch)
{
	watch->dead = true;
	if (watch->below)
		return;
	heph_notify_let_go(watch->above);
	heph_mem_free(watch->name);
	heph_mem_free(watch);
}

void heph_notify_stop_scan(struct heph_notify *it)
{
	it->scanned->again = false;
	heph_close(it->dir);
	it->dir = (heph_fd){ 0 };
	it->scanned = NULL;
}

static void forget_found(struct heph_notify *it,
			 const struct heph_notify_watch *watch)
{
	struct heph_list *node, *next;
	struct heph_notify_found *found;

	heph_list_each_safe(node, next, &it->found) {
		found = heph_container_of(node, struct heph_notify_found, node);
		if (found->watch != watch)
			continue;
		heph_list_remove(node);
		heph_mem_free(found);
	}
}

/* Out of everything. What the kernel still says of it is not looked at. */
void heph_notify_forget(struct heph_notify *it, struct heph_notify_watch *watch)
{
	if (watch->number != HEPH_NOTIFY_NONE)
		heph_list_remove(&watch->node);
	if (watch->busy)
		heph_list_remove(&watch->todo);
	if (it->scanned == watch)
		heph_notify_stop_scan(it);
	if (it->moving == watch)
		it->moving = NULL;
	forget_found(it, watch);
	free_watch(watch);
}

void heph_notify_unwatch(struct heph_notify *it,
			 const struct heph_notify_watch *watch)
{
	struct heph_file *file =
		heph_file_find(heph_self_ctx(it->self), it->fd);
	struct heph_op op = { .kind = HEPH_OP_NOTIFY_REMOVE,
			      .number = file ? file->number : -1,
			      .number2 = watch->number };

	heph_op_now(it->self, &op);
}

static bool is_in(const struct heph_notify_watch *watch,
		  const struct heph_notify_watch *top)
{
	while (watch && watch != top)
		watch = watch->above;
	return watch;
}

/* A watch, and those below it. */
void heph_notify_remove_tree(struct heph_notify *it,
			     struct heph_notify_watch *top)
{
	struct heph_list *node, *next;
	struct heph_notify_watch *watch;

	top->below++; /* it stays until the end */
	for (int i = 0; i < HEPH_NOTIFY_BUCKETS; i++)
		heph_list_each_safe(node, next, &it->watches[i]) {
			watch = heph_container_of(
				node, struct heph_notify_watch, node);
			if (!is_in(watch, top))
				continue;
			heph_notify_unwatch(it, watch);
			heph_notify_forget(it, watch);
		}
	heph_list_each_safe(node, next, &it->todo) {
		watch = heph_container_of(node, struct heph_notify_watch, todo);
		if (is_in(watch, top))
			heph_notify_forget(it, watch);
	}
	heph_notify_let_go(top);
}

void heph_notify_enlist(struct heph_notify *it, struct heph_notify_watch *watch,
			int number)
{
	watch->number = number;
	heph_list_push_back(bucket_of(it, number), &watch->node);
}

/* ---- paths ---------------------------------------------------------------------------- */

/* Whether what is in it follows after a slash. */
static bool takes_slash(const struct heph_notify_watch *watch)
{
	size_t n = strlen(watch->name);

	return n ? watch->name[n - 1] != '/' : watch->above != NULL;
}

/* Writes the path of a watch so that it ends before `end`, and returns where it
 * begins; NULL: it is too long. */
static char *write_path(const struct heph_notify *it,
			const struct heph_notify_watch *watch, char *end)
{
	size_t n;

	for (; watch; watch = watch->above) {
		n = strlen(watch->name);
		if ((size_t)(end - it->path) < n + 1)
			return NULL;
		end -= n;
		memcpy(end, watch->name, n);
		if (watch->above && takes_slash(watch->above))
			*--end = '/';
	}
	return end;
}

/* Of a name in a watch, or, if that is "", of the watch; in it->path. */
const char *heph_notify_path(struct heph_notify *it,
			     const struct heph_notify_watch *watch,
			     const char *name)
{
	size_t n = strlen(name);
	char *end = it->path + HEPH_NOTIFY_PATH_SIZE - 1;

	*end = '\0';
	end -= n;
	memcpy(end, name, n);
	if (n && takes_slash(watch))
		*--end = '/';
	return write_path(it, watch, end);
}

static heph_fd at_of(const struct heph_notify_watch *watch)
{
	while (watch->above)
		watch = watch->above;
	return watch->at;
}

heph_path heph_notify_path_of(struct heph_notify *it,
			      const struct heph_notify_watch *watch)
{
	heph_path path = heph_at(at_of(watch), heph_notify_path(it, watch, ""));

	if (path.text && !*path.text)
		path.text = NULL; /* what was added is a descriptor */
	path.nofollow = watch->above || watch->nofollow;
	return path;
}
