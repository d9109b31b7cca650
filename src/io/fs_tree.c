/* SPDX-License-Identifier: MIT */
/* Making and removing trees of directories. */
#include <heph/own.h>

#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#include "io/fs.h"

/* For copies of a path that must be text: they go with the scope. */
static int begin(heph_ctx ctx, heph_path path, struct heph_scope *ret_scope)
{
	if (!path.text)
		return -EINVAL;
	if (strnlen(path.text, PATH_MAX) == PATH_MAX)
		return -ENAMETOOLONG;
	return heph_scope_open(ctx, ret_scope);
}

/* ---- making a tree --------------------------------------------------------------------- */

/* 0 if there is a directory of that name already. */
static int is_there(heph_ctx ctx, heph_path path)
{
	struct heph_stat stat;
	int err = heph_stat(ctx, path, HEPH_STAT_TYPE, &stat);

	if (err < 0)
		return err;
	return S_ISDIR(stat.mode) ? 0 : -ENOTDIR;
}

static int make_one(heph_ctx ctx, heph_path path, unsigned mode)
{
	int err = heph_mkdir(ctx, path, mode);

	return err == -EEXIST ? is_there(ctx, path) : err;
}

/* Cuts the last name off; the slashes become nuls. False: it is the only one. */
static bool cut(char *text)
{
	char *end = text + strlen(text);

	while (end > text && end[-1] == '/')
		*--end = '\0';
	while (end > text && end[-1] != '/')
		end--;
	while (end > text + 1 && end[-1] == '/')
		*--end = '\0';
	return end > text + 1 || (end > text && *text != '/');
}

/* Puts the slashes back up to the end of the next name. */
static void uncut(char *text, const char *whole)
{
	size_t n = strlen(text);

	while (whole[n] == '/')
		text[n] = '/', n++;
	while (whole[n] && whole[n] != '/')
		text[n] = whole[n], n++;
	text[n] = '\0';
}

/* Upwards until one can be made, then down again. `text` is a copy of `whole`. */
static int make_path(heph_ctx ctx, heph_fd at, char *text, const char *whole,
		     unsigned mode)
{
	int err;

	while ((err = make_one(ctx, heph_at(at, text), mode)) == -ENOENT)
		if (!cut(text))
			return err;
	while (err == 0 && strlen(text) < strlen(whole)) {
		uncut(text, whole);
		err = make_one(ctx, heph_at(at, text), mode);
	}
	return err;
}

int heph_raw_mkdir_all(heph_ctx ctx, heph_path path, unsigned mode)
{
	struct heph_scope scope;
	char *text, *whole;
	int err = begin(ctx, path, &scope);

	if (err < 0)
		return err;
	text = heph_strdup(ctx, path.text);
	whole = heph_strdup(ctx, path.text);
	err = text && whole ? make_path(ctx, path.at, text, whole, mode) :
			      -ENOMEM;
	heph_scope_close(ctx, scope);
	return err;
}

/* ---- removing a tree --------------------------------------------------------------------- */

/*
 * One directory is open at a time, however deep the tree is. Down goes by a
 * name that must be no link; up by "..", which must be the directory that we
 * came from: otherwise somebody moves things, and nothing more is touched.
 */
struct level {
	struct level *above;
	uint64_t device, inode;  /* of the directory */
	char name[NAME_MAX + 1]; /* in it: the one that is emptied now */
};

struct removal {
	heph_fd dir;
	bool fresh; /* nothing was read of it */
	struct level *levels, *spare;
	char buf[32 * 1024];
};

static struct level *take_level(heph_ctx ctx, struct removal *it)
{
	struct level *level = it->spare;

	if (!level)
		return heph_alloc(ctx, sizeof(*level));
	it->spare = level->above;
	return level;
}

static int identify(heph_ctx ctx, heph_fd dir, struct level *level)
{
	struct heph_stat stat;
	int err = heph_stat(ctx, dir, HEPH_STAT_INODE, &stat);

	if (err == 0) {
		level->device = stat.device;
		level->inode = stat.inode;
	}
	return err;
}

static int enter(heph_ctx ctx, struct removal *it, heph_path path)
{
	heph_fd dir;
	int err = heph_fs_open(ctx, &path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW,
			       0, &dir);

	if (err < 0)
		return err;
	heph_close(it->dir);
	it->dir = dir;
	it->fresh = true;
	return 0;
}

static int go_down(heph_ctx ctx, struct removal *it, const char *name)
{
	struct level *level = take_level(ctx, it);
	int err;

	if (!level)
		return -ENOMEM;
	level->above = it->levels;
	it->levels = level;
	strcpy(level->name, name);
	err = identify(ctx, it->dir, level);
	return err < 0 ? err : enter(ctx, it, heph_at(it->dir, level->name));
}

static int go_up(heph_ctx ctx, struct removal *it)
{
	struct level *level = it->levels, now = { 0 };
	int err = enter(ctx, it, heph_at(it->dir, ".."));

	if (err == 0)
		err = identify(ctx, it->dir, &now);
	if (err == 0 &&
	    (now.device != level->device || now.inode != level->inode))
		err = -EXDEV;
	if (err == 0)
		err = heph_rmdir(ctx, heph_at(it->dir, level->name));
	it->levels = level->above;
	level->above = it->spare;
	it->spare = level;
	return err == -ENOENT ? 0 : err;
}

/* 1: it is a directory. */
static int remove_one(heph_ctx ctx, struct removal *it,
		      const struct heph_dir_entry *entry)
{
	int err = heph_remove(ctx, heph_at(it->dir, entry->name));

	return err == -EISDIR ? 1 : err == -ENOENT ? 0 : err;
}

/* Removes what is no directory, and goes down into the first that is one.
 * Returns whether there was anything; an error. */
static int remove_batch(heph_ctx ctx, struct removal *it, size_t n)
{
	struct heph_dir_entry entry, dir = { 0 };
	int err, found = 0;
	size_t at = 0;

	while (heph_dir_next(it->buf, n, &at, &entry)) {
		found = 1;
		err = remove_one(ctx, it, &entry);
		if (err < 0)
			return err;
		if (err && !dir.name)
			dir = entry;
	}
	err = dir.name ? go_down(ctx, it, dir.name) : 0;
	return err < 0 ? err : found;
}

/* Looks at all of the directory that is open. Returns 0: it was empty; 1: it was
 * not, or is another one now; an error. */
static int look(heph_ctx ctx, struct removal *it)
{
	int n = it->fresh ? 0 : heph_dir_rewind(ctx, it->dir), found = 0;

	it->fresh = false;
	while (n >= 0 && !it->fresh) {
		n = heph_dir_read(ctx, it->dir, it->buf, sizeof(it->buf));
		if (n <= 0)
			break;
		n = remove_batch(ctx, it, (size_t)n);
		found |= n;
	}
	return n < 0 ? n : found;
}

/* File systems may leave out what was there while others were removed, so each
 * is looked at until it is empty. */
static int empty_all(heph_ctx ctx, struct removal *it)
{
	int err;

	for (;;) {
		err = look(ctx, it);
		if (err == 0 && !it->levels)
			return 0;
		if (err == 0)
			err = go_up(ctx, it);
		if (err < 0)
			return err;
	}
}

static int remove_tree(heph_ctx ctx, heph_path path)
{
	struct removal *it;
	int err = heph_remove(ctx, path);

	if (err != -EISDIR)
		return err == -ENOENT ? 0 : err;
	it = heph_alloc(ctx, sizeof(*it));
	if (!it)
		return -ENOMEM;
	err = enter(ctx, it, path);
	if (err == 0)
		err = empty_all(ctx, it);
	if (err == 0)
		err = heph_rmdir(ctx, path);
	return err == -ENOENT ? 0 : err;
}

/* Whether it could be the root, the working directory, or what is above. */
static bool is_no_name(const char *text)
{
	const char *last = strrchr(text, '/');

	last = last ? last + 1 : text;
	return !*last || strcmp(last, ".") == 0 || strcmp(last, "..") == 0;
}

/* A slash at the end would follow a link. */
static char *without_slashes(heph_ctx ctx, const char *text)
{
	char *copy = heph_strdup(ctx, text);
	size_t n = copy ? strlen(copy) : 0;

	while (n && copy[n - 1] == '/')
		copy[--n] = '\0';
	return copy;
}

int heph_raw_remove_all(heph_ctx ctx, heph_path path)
{
	struct heph_scope scope;
	char *text;
	int err = begin(ctx, path, &scope);

	if (err < 0)
		return err;
	text = without_slashes(ctx, path.text);
	if (!text)
		err = -ENOMEM;
	else
		err = is_no_name(text) ?
			      -EINVAL :
			      remove_tree(ctx, heph_at(path.at, text));
	heph_scope_close(ctx, scope);
	return err;
}
