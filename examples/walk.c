/* SPDX-License-Identifier: MIT */
/*
 * walk.c - how much is in a directory, and all below it, asked in parallel
 *
 * usage: walk [DIRECTORY]
 *
 * Each directory has an actor, on whichever worker: it adds up the sizes of the
 * files in it, and sends the names of the directories to the actor that counts.
 * That one starts actors for them, so many at a time and no more.
 */
#include <heph/heph.h>

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { AT_A_TIME = 64 };

struct count {
	uint64_t files, directories, bytes, errors;
};

struct walk_msg {
	enum { WALK_FOUND, WALK_DONE } kind;
	char *path; /* found; from malloc() */
	struct count count;
};

static void walk_drop(struct walk_msg *msg)
{
	free(msg->path);
}

struct walk_arg {
	const char *path;
};

HEPH_ACTOR(walk, struct walk_msg, struct walk_arg);

/* ---- one directory --------------------------------------------------------- */

struct dir_arg {
	char *path; /* the actor's */
	walk_ref walk;
};

static void dir_drop_arg(struct dir_arg *arg)
{
	free(arg->path);
}

HEPH_ACTOR(dir, void, struct dir_arg);

static int complain(const char *path, const char *name, int err)
{
	fprintf(stderr, "walk: %s/%s: %s\n", path, name, strerror(-err));
	return err;
}

static int tell_of(heph_ctx ctx, const struct dir_arg *arg, const char *name)
{
	char *path = malloc(strlen(arg->path) + strlen(name) + 2);
	int err;

	if (!path)
		return -ENOMEM;
	sprintf(path, "%s/%s", arg->path, name);
	err = heph_send(ctx, arg->walk, { .kind = WALK_FOUND, .path = path });
	if (err < 0)
		free(path);
	return err;
}

static int look_at(heph_ctx ctx, const struct dir_arg *arg, heph_fd dir,
		   const struct heph_dir_entry *entry, struct count *count)
{
	struct heph_stat stat = { 0 };
	int err = 0;

	if (entry->type == DT_REG || entry->type == DT_UNKNOWN)
		err = heph_stat(ctx, heph_nofollow(heph_at(dir, entry->name)),
				HEPH_STAT_TYPE | HEPH_STAT_SIZE, &stat);
	if (err < 0)
		return err;
	if (entry->type == DT_DIR || S_ISDIR(stat.mode))
		return tell_of(ctx, arg, entry->name);
	if (S_ISREG(stat.mode)) {
		count->files++;
		count->bytes += stat.size;
	}
	return 0;
}

static int look_through(heph_ctx ctx, const struct dir_arg *arg,
			struct count *count)
{
	char *buf = heph_alloc(ctx, 32768);
	struct heph_dir_entry entry;
	heph_fd dir;
	int n, err;

	if (!buf)
		return -ENOMEM;
	n = heph_open(ctx, arg->path, O_RDONLY | O_DIRECTORY, 0, &dir);
	if (n < 0)
		return complain(arg->path, "", n);
	while ((n = heph_dir_read(ctx, dir, buf, 32768)) > 0)
		for (size_t at = 0;
		     heph_dir_next(buf, (size_t)n, &at, &entry);) {
			err = look_at(ctx, arg, dir, &entry, count);
			if (err == -ECANCELED)
				return err;
			if (err < 0 && err != -ENOENT) /* it may be gone */
				count->errors += complain(arg->path, entry.name,
							  err) < 0;
		}
	return n;
}

static int dir_main(heph_ctx ctx, struct dir_arg *arg)
{
	struct count count = { .directories = 1 };

	if (look_through(ctx, arg, &count) < 0)
		count.errors++;
	return heph_send(ctx, arg->walk, { .kind = WALK_DONE, .count = count });
}
HEPH_ACTOR_MAIN(dir, dir_main, .drop_arg = dir_drop_arg);

/* ---- all of them -------------------------------------------------------------- */

/* Directories that have no actor yet: the latest first, which keeps them few. */
struct list {
	char **paths;
	size_t n, max;
};

static int push(struct list *list, char *path)
{
	size_t max = list->max ? list->max * 2 : 64;
	char **paths;

	if (list->n == list->max) {
		paths = realloc(list->paths, max * sizeof(*paths));
		if (!paths)
			return -ENOMEM;
		list->paths = paths;
		list->max = max;
	}
	list->paths[list->n++] = path;
	return 0;
}

static void free_list(void *ptr)
{
	struct list *list = ptr;

	while (list->n)
		free(list->paths[--list->n]);
	free(list->paths);
}

static int start_next(heph_ctx ctx, walk_inbox in, struct list *list)
{
	char *path = list->paths[list->n - 1];
	dir_ref dir;
	int err;

	err = heph_spawn(ctx, dir, &dir, { path, heph_self(in) },
			 .on = HEPH_ANY);
	if (err == 0)
		list->n--; /* the path is the other one's now */
	return err;
}

static int take_next(heph_ctx ctx, walk_inbox in, struct list *list,
		     struct count *count)
{
	struct walk_msg msg;
	int err = heph_recv(ctx, in, &msg);

	if (err < 0)
		return err;
	if (msg.kind == WALK_FOUND) {
		err = push(list, msg.path);
		if (err < 0)
			free(msg.path);
		return err;
	}
	count->files += msg.count.files;
	count->directories += msg.count.directories;
	count->bytes += msg.count.bytes;
	count->errors += msg.count.errors;
	return 1;
}

static int walk_all(heph_ctx ctx, walk_inbox in, struct list *list,
		    struct count *count)
{
	int alive = 0, n = 0;

	while (n >= 0 && (alive || list->n)) {
		if (list->n && alive < AT_A_TIME) {
			n = start_next(ctx, in, list);
			alive += n == 0;
		} else {
			n = take_next(ctx, in, list, count);
			alive -= n == 1;
		}
	}
	return n < 0 ? n : 0;
}

static int walk_main(heph_ctx ctx, walk_inbox in, struct walk_arg *arg)
{
	struct list *list = heph_alloc(ctx, sizeof(*list));
	struct count count = { 0 };
	char *path = strdup(arg->path);
	int err = -ENOMEM;

	if (list && path)
		err = heph_own(ctx, list, free_list);
	if (err == 0)
		err = push(list, path);
	if (err < 0) {
		free(path);
		return err;
	}
	err = walk_all(ctx, in, list, &count);
	if (err < 0)
		return err;
	printf("%llu bytes in %llu files in %llu directories\n",
	       (unsigned long long)count.bytes, (unsigned long long)count.files,
	       (unsigned long long)count.directories);
	return count.errors ? -EIO : 0;
}
HEPH_ACTOR_MAIN(walk, walk_main, .drop = walk_drop);

int main(int argc, char **argv)
{
	struct heph_config config = { .name = "walk" };

	return heph_run(&config, walk, { argc > 1 ? argv[1] : "." }) < 0;
}
