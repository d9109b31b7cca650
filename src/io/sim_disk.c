/* SPDX-License-Identifier: MIT */
#include "io/sim_disk.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>

#include "base/mem.h"

enum { SECTOR = 512, LINKS_MAX = 40 };

/* A name that stands for something else now. */
struct change {
	struct heph_list node; /* in disk->journal, the latest last */
	struct heph_sim_node *dir, *was;
	uint64_t group;
	char name[];
};

static struct timespec time_of(const struct heph_sim *sim)
{
	return (struct timespec){ .tv_sec = sim->now / HEPH_SEC,
				  .tv_nsec = sim->now % HEPH_SEC };
}

/* ---- nodes ------------------------------------------------------------------------ */

struct heph_sim_node *heph_sim_node_new(struct heph_sim_disk *disk, mode_t mode)
{
	struct heph_sim_node *node = heph_sim_memory(sizeof(*node));

	node->number = ++disk->last_number;
	node->mode = mode;
	node->born = node->changed = node->modified = node->accessed =
		time_of(disk->sim);
	heph_list_init(&node->entries);
	heph_list_init(&node->attributes);
	heph_list_push_back(&disk->nodes, &node->all);
	return node;
}

static void free_node(struct heph_sim_disk *disk, struct heph_sim_node *node)
{
	disk->used -= S_ISREG(node->mode) ? node->size : 0;
	heph_list_remove(&node->all);
	heph_mem_free(node->data);
	heph_mem_free(node->kept);
	heph_mem_free(node);
}

static void free_unused(struct heph_sim_disk *disk, struct heph_sim_node *node)
{
	if (!node->links && !node->uses && node != disk->root)
		free_node(disk, node);
}

void heph_sim_node_use(struct heph_sim_node *node)
{
	node->uses++;
}

void heph_sim_node_unuse(struct heph_sim_disk *disk, struct heph_sim_node *node)
{
	node->uses--;
	free_unused(disk, node);
}

void heph_sim_node_touch(struct heph_sim_disk *disk, struct heph_sim_node *node)
{
	node->changed = time_of(disk->sim);
}

void heph_sim_node_dirty(struct heph_sim_node *node)
{
	if (node->dirty)
		return;
	node->dirty = true;
	node->kept_size = node->size;
	node->kept = heph_sim_memory(node->size ? node->size : 1);
	if (node->size)
		memcpy(node->kept, node->data, node->size);
}

static void forget_kept(struct heph_sim_node *node)
{
	heph_mem_free(node->kept);
	node->kept = NULL;
	node->dirty = false;
}

/* No less than it has; what is new is zero. */
static void make_room(struct heph_sim_node *node, size_t size)
{
	size_t max = node->max ? node->max : 256;
	unsigned char *data;

	while (max < size)
		max *= 2;
	if (max == node->max)
		return;
	data = heph_sim_memory(max);
	if (node->size)
		memcpy(data, node->data, node->size);
	heph_mem_free(node->data);
	node->data = data;
	node->max = max;
}

int heph_sim_node_resize(struct heph_sim_disk *disk, struct heph_sim_node *node,
			 size_t size)
{
	if (size > node->size &&
	    size - node->size > disk->sim->options.disk - disk->used)
		return -ENOSPC;
	heph_sim_node_dirty(node);
	if (size > node->size)
		make_room(node, size);
	else if (size < node->size)
		memset(node->data + size, 0, node->size - size);
	disk->used += size - node->size;
	node->size = size;
	return 0;
}

/* ---- the journal ----------------------------------------------------------------------- */

static void free_change(struct heph_sim_disk *disk, struct change *change)
{
	heph_list_remove(&change->node);
	heph_sim_node_unuse(disk, change->dir);
	if (change->was)
		heph_sim_node_unuse(disk, change->was);
	heph_mem_free(change);
}

static struct change *last_change(struct heph_sim_disk *disk)
{
	return heph_container_of(disk->journal.prev, struct change, node);
}

static void commit(struct heph_sim_disk *disk)
{
	while (!heph_list_empty(&disk->journal))
		free_change(disk, last_change(disk));
}

static void note(struct heph_sim_disk *disk, struct heph_sim_node *dir,
		 const char *name, struct heph_sim_node *was, uint64_t group)
{
	size_t size = strlen(name) + 1;
	struct change *change = heph_sim_memory(sizeof(*change) + size);

	change->dir = dir;
	change->was = was;
	change->group = group;
	memcpy(change->name, name, size);
	heph_sim_node_use(dir);
	if (was)
		heph_sim_node_use(was);
	heph_list_push_back(&disk->journal, &change->node);
}

void heph_sim_node_sync(struct heph_sim_disk *disk, struct heph_sim_node *node)
{
	forget_kept(node);
	commit(disk);
}

/* ---- names --------------------------------------------------------------------------------- */

/* NULL: there is none of that name. */
static struct heph_sim_entry *entry_find(struct heph_sim_node *dir,
					 const char *name)
{
	struct heph_list *node;
	struct heph_sim_entry *entry;

	heph_list_each(node, &dir->entries) {
		entry = heph_container_of(node, struct heph_sim_entry, node);
		if (strcmp(entry->name, name) == 0)
			return entry;
	}
	return NULL;
}

static void remove_entry(struct heph_sim_disk *disk, struct heph_sim_entry *entry)
{
	struct heph_sim_node *node = entry->to;

	heph_list_remove(&entry->node);
	heph_mem_free(entry);
	node->links--;
	free_unused(disk, node);
}

static void add_entry(struct heph_sim_disk *disk, struct heph_sim_node *dir,
		      const char *name, struct heph_sim_node *node)
{
	size_t size = strlen(name) + 1;
	struct heph_sim_entry *entry = heph_sim_memory(sizeof(*entry) + size);

	memcpy(entry->name, name, size);
	entry->to = node;
	entry->place = ++disk->last_place;
	node->links++;
	if (S_ISDIR(node->mode))
		node->parent = dir;
	heph_list_push_back(&dir->entries, &entry->node);
}

static void set_entry(struct heph_sim_disk *disk, struct heph_sim_node *dir,
		      const char *name, struct heph_sim_node *node)
{
	struct heph_sim_entry *entry = entry_find(dir, name);

	if (node)
		add_entry(disk, dir, name, node);
	if (entry)
		remove_entry(disk, entry);
	dir->modified = dir->changed = time_of(disk->sim);
}

void heph_sim_entry_set(struct heph_sim_disk *disk, struct heph_sim_node *dir,
			const char *name, struct heph_sim_node *node,
			uint64_t group)
{
	struct heph_sim_entry *entry = entry_find(dir, name);

	note(disk, dir, name, entry ? entry->to : NULL, group);
	set_entry(disk, dir, name, node);
}

/* ---- paths ---------------------------------------------------------------------------------- */

/* Takes the next part of a path, and the slashes after it. */
static int next_part(const char **text, char part[256])
{
	size_t n = strcspn(*text, "/");

	if (n > NAME_MAX)
		return -ENAMETOOLONG;
	memcpy(part, *text, n);
	part[n] = '\0';
	*text += n;
	*text += strspn(*text, "/");
	return 0;
}

static struct heph_sim_node *step(struct heph_sim_node *dir, const char *part)
{
	struct heph_sim_entry *entry;

	if (!*part || strcmp(part, ".") == 0)
		return dir;
	if (strcmp(part, "..") == 0)
		return dir->parent;
	entry = entry_find(dir, part);
	return entry ? entry->to : NULL;
}

struct walk {
	struct heph_sim_disk *disk;
	char text[2 * PATH_MAX];
	unsigned links;
};

/* What a link leads to comes in front of the rest of the path. */
static int follow_link(struct walk *walk, const struct heph_sim_node *link,
		       const char **rest)
{
	char text[2 * PATH_MAX];

	if (++walk->links > LINKS_MAX)
		return -ELOOP;
	if (link->size + strlen(*rest) + 2 > sizeof(text))
		return -ENAMETOOLONG;
	memcpy(text, link->data, link->size);
	text[link->size] = '/';
	memcpy(text + link->size + 1, *rest, strlen(*rest) + 1);
	if (!**rest)
		text[link->size] = '\0';
	memcpy(walk->text, text, sizeof(text));
	*rest = walk->text;
	return 0;
}

static int go(struct walk *walk, struct heph_sim_node *dir, const char *text,
	      bool follow, struct heph_sim_path *path)
{
	struct heph_sim_node *node;
	int err;

	for (;;) {
		if (*text == '/')
			dir = walk->disk->root;
		text += strspn(text, "/");
		err = next_part(&text, path->name);
		if (err < 0)
			return err;
		node = step(dir, path->name);
		if (node && S_ISLNK(node->mode) && (*text || follow)) {
			err = follow_link(walk, node, &text);
			if (err < 0)
				return err;
			continue;
		}
		path->dir = dir;
		path->node = node;
		if (!*text)
			return 0;
		if (!node)
			return -ENOENT;
		if (!S_ISDIR(node->mode))
			return -ENOTDIR;
		dir = node;
	}
}

int heph_sim_path_find(struct heph_sim *sim, int number, const char *text,
		       bool follow, struct heph_sim_path *ret_path)
{
	struct heph_sim_disk *disk = heph_sim_disk(sim);
	struct heph_sim_node *dir = disk->root;
	struct walk walk = { .disk = disk };

	if (number != AT_FDCWD && *text != '/')
		dir = heph_sim_node_at(sim, number);
	if (!dir)
		return -EBADF;
	if (!S_ISDIR(dir->mode))
		return -ENOTDIR;
	if (!*text)
		return -ENOENT;
	return go(&walk, dir, text, follow, ret_path);
}

/* ---- beginning, ending, crashing -------------------------------------------------------------- */

struct heph_sim_disk *heph_sim_disk(struct heph_sim *sim)
{
	struct heph_sim_disk *disk = sim->disk;

	if (disk)
		return disk;
	disk = sim->disk = heph_sim_memory(sizeof(*disk));
	disk->sim = sim;
	heph_list_init(&disk->nodes);
	heph_list_init(&disk->journal);
	disk->root = heph_sim_node_new(disk, S_IFDIR | 0755);
	disk->root->parent = disk->root;
	heph_sim_entry_set(disk, disk->root, "tmp",
			   heph_sim_node_new(disk, S_IFDIR | 01777), 0);
	commit(disk);
	return disk;
}

static void free_entries(struct heph_sim_node *dir)
{
	struct heph_list *node;

	while ((node = heph_list_pop_front(&dir->entries)))
		heph_mem_free(
			heph_container_of(node, struct heph_sim_entry, node));
}

void heph_sim_disk_free(struct heph_sim_disk *disk)
{
	struct heph_sim_node *node;

	if (!disk)
		return;
	commit(disk);
	while (!heph_list_empty(&disk->nodes)) {
		node = heph_container_of(disk->nodes.next, struct heph_sim_node,
					 all);
		free_entries(node);
		free_node(disk, node);
	}
	heph_mem_free(disk);
}

static unsigned count_groups(const struct heph_sim_disk *disk)
{
	const struct heph_list *node;
	const struct change *change;
	uint64_t last = UINT64_MAX;
	unsigned n = 0;

	heph_list_each(node, &disk->journal) {
		change = heph_container_of(node, struct change, node);
		n += change->group != last;
		last = change->group;
	}
	return n;
}

static void undo_group(struct heph_sim_disk *disk)
{
	uint64_t group = last_change(disk)->group;
	struct change *change;

	while (!heph_list_empty(&disk->journal)) {
		change = last_change(disk);
		if (change->group != group)
			return;
		set_entry(disk, change->dir, change->name, change->was);
		free_change(disk, change);
	}
}

/* Either size, and of each sector either contents. */
static void tear(struct heph_sim_disk *disk, struct heph_sim_node *node)
{
	size_t size = heph_sim_below(disk->sim, 2) ? node->size : node->kept_size;
	size_t end;

	for (size_t at = 0; at < node->size && at < node->kept_size; at = end) {
		end = at + SECTOR;
		if (end > node->size || end > node->kept_size)
			end = node->size < node->kept_size ? node->size :
							     node->kept_size;
		if (heph_sim_below(disk->sim, 2))
			memcpy(node->data + at, node->kept + at, end - at);
	}
	if (size > node->size) {
		make_room(node, size);
		memcpy(node->data + node->size, node->kept + node->size,
		       size - node->size);
	}
	disk->used += size - node->size;
	node->size = size;
	forget_kept(node);
}

int heph_sim_crash_disk(heph_ctx ctx)
{
	struct heph_sim *sim = ctx.self->thread->heph->sim;
	struct heph_sim_disk *disk = sim ? heph_sim_disk(sim) : NULL;
	struct heph_sim_node *file;
	struct heph_list *node;

	if (!sim)
		return -EOPNOTSUPP;
	disk->crashes++;
	for (uint64_t n = heph_sim_below(sim, count_groups(disk) + 1); n; n--)
		undo_group(disk);
	commit(disk);
	heph_list_each(node, &disk->nodes) {
		file = heph_container_of(node, struct heph_sim_node, all);
		if (file->dirty)
			tear(disk, file);
	}
	return 0;
}
