/* SPDX-License-Identifier: MIT */
/*
 * How a watch begins, and what is found in a directory that is new.
 *
 * What there is to do is in it->todo, and done piece by piece, each of which can fail
 * and be done again.
 */
#include "io/notify_state.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>

#include "base/mem.h"
#include "io/fs.h"

/* ---- beginning to watch ----------------------------------------------------------------- */

static uint32_t mask_of(const struct heph_notify_watch *watch)
{
	uint32_t mask = watch->what | IN_MASK_ADD | IN_EXCL_UNLINK;

	if (watch->flags & HEPH_NOTIFY_RECURSIVE)
		mask |= IN_CREATE | IN_MOVE | IN_ONLYDIR;
	if (watch->flags & HEPH_NOTIFY_ONLY_DIRECTORY)
		mask |= IN_ONLYDIR;
	return mask;
}

/* Returns the kernel's number for it. */
int heph_notify_watch(heph_ctx ctx, struct heph_notify *it,
		      const struct heph_notify_watch *watch)
{
	struct heph_file *file = heph_file_find(ctx, it->fd);
	heph_path path = heph_notify_path_of(it, watch);
	struct heph_op *op;
	int err;

	if (!file)
		return -EBADF;
	if (!heph_notify_path(it, watch, ""))
		return -ENAMETOOLONG;
	err = heph_fs_op(ctx, HEPH_OP_NOTIFY_ADD, &path, NULL, 0, &op);
	if (err < 0)
		return err;
	op->number2 = file->number;
	op->flags = mask_of(watch);
	if (path.nofollow && path.text)
		op->flags |= IN_DONT_FOLLOW;
	return heph_op_finish(ctx, op);
}

void heph_notify_put_off(struct heph_notify *it,
			 struct heph_notify_watch *watch, bool announce)
{
	watch->announce = announce;
	if (!watch->busy)
		heph_list_push_back(&it->todo, &watch->todo);
	watch->busy = true;
}

static int begin_scan(heph_ctx ctx, struct heph_notify *it,
		      struct heph_notify_watch *watch)
{
	heph_path path = heph_notify_path_of(it, watch);
	int err;

	if (!path.text)
		path.text = ".";
	err = heph_fs_open(ctx, &path, O_RDONLY | O_DIRECTORY, 0, &it->dir);
	if (err < 0)
		return err;
	it->scanned = watch;
	heph_list_remove(&watch->todo);
	watch->busy = false;
	return 0;
}

/* Under two names, or found and told of at the same time. */
void heph_notify_merge(struct heph_notify *it, struct heph_notify_watch *known,
		       struct heph_notify_watch *watch)
{
	uint32_t more = watch->flags & ~known->flags;

	known->what |= watch->what;
	known->flags |= watch->flags;
	if (more & HEPH_NOTIFY_RECURSIVE)
		heph_notify_put_off(it, known, watch->announce);
	heph_notify_forget(it, watch);
}

/* The first of those that are to be done. */
static int begin_next(heph_ctx ctx, struct heph_notify *it)
{
	struct heph_notify_watch *watch = heph_container_of(
		heph_list_first(&it->todo), struct heph_notify_watch, todo);
	struct heph_notify_watch *known;
	int result;

	if (watch->number == HEPH_NOTIFY_NONE) {
		result = heph_notify_watch(ctx, it, watch);
		if (result < 0)
			return result;
		known = heph_notify_find(it, result);
		if (known) {
			heph_notify_merge(it, known, watch);
			return 0;
		}
		heph_notify_enlist(it, watch, result);
	}
	return begin_scan(ctx, it, watch);
}

static bool is_gone(int err)
{
	return err == -ENOENT || err == -ENOTDIR || err == -ELOOP;
}

/* What is no fault of the directory leaves it to be done. */
static bool try_again(int err)
{
	return err == -ECANCELED || err == -ETIME || err == -ENOMEM;
}

static int begin_next_or_forget(heph_ctx ctx, struct heph_notify *it)
{
	struct heph_notify_watch *watch = heph_container_of(
		heph_list_first(&it->todo), struct heph_notify_watch, todo);
	int err = begin_next(ctx, it);

	if (err >= 0 || try_again(err))
		return err;
	if (watch->number != HEPH_NOTIFY_NONE)
		heph_notify_unwatch(it, watch);
	heph_notify_forget(it, watch);
	return is_gone(err) ? 0 : err;
}

/* ---- looking through -------------------------------------------------------------------- */

static int announce(struct heph_notify *it, const char *name, bool is_dir)
{
	struct heph_notify_found *found =
		heph_mem_alloc_raw(sizeof(*found) + strlen(name) + 1);

	if (!found)
		return -ENOMEM;
	found->watch = it->scanned;
	found->what = HEPH_NOTIFY_CREATE | (is_dir ? HEPH_NOTIFY_DIRECTORY : 0);
	strcpy(found->name, name);
	heph_list_push_back(&it->found, &found->node);
	return 0;
}

int heph_notify_put_off_new(struct heph_notify *it,
			    struct heph_notify_watch *above, const char *name,
			    bool is_news)
{
	struct heph_notify_watch *watch = heph_notify_watch_new(above, name);

	if (!watch)
		return -ENOMEM;
	heph_notify_put_off(it, watch, is_news);
	return 0;
}

static int found_one(struct heph_notify *it, const struct heph_dir_entry *entry)
{
	struct heph_notify_watch *watch = it->scanned;
	bool is_dir = entry->type == DT_DIR;
	int err = 0;

	if (watch->announce && (watch->what & HEPH_NOTIFY_CREATE))
		err = announce(it, entry->name, is_dir);
	if (err == 0 && (is_dir || entry->type == DT_UNKNOWN))
		err = heph_notify_put_off_new(it, watch, entry->name,
					      watch->announce || watch->again);
	return err;
}

static void scan_again(struct heph_notify *it)
{
	struct heph_notify_watch *watch = it->scanned;
	bool again = watch->again;

	heph_notify_put_off(it, watch, watch->announce);
	heph_notify_stop_scan(it);
	watch->again = again;
}

/* A batch of entries; all of them, if there is no memory, later again. */
static int scan(heph_ctx ctx, struct heph_notify *it)
{
	int n = heph_dir_read(ctx, it->dir, it->entries, sizeof(it->entries));
	struct heph_dir_entry entry;
	size_t at = 0;
	int err = 0;

	if (n == 0 || (n < 0 && !try_again(n)))
		heph_notify_stop_scan(it);
	if (n <= 0)
		return n < 0 && is_gone(n) ? 0 : n;
	while (err == 0 && heph_dir_next(it->entries, (size_t)n, &at, &entry))
		err = found_one(it, &entry);
	if (err < 0)
		scan_again(it);
	return err;
}

bool heph_notify_is_busy(const struct heph_notify *it)
{
	return it->scanned || !heph_list_empty(&it->todo);
}

int heph_notify_work(heph_ctx ctx, struct heph_notify *it)
{
	return it->scanned ? scan(ctx, it) : begin_next_or_forget(ctx, it);
}
