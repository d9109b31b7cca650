/* SPDX-License-Identifier: MIT */
/*
 * A watch is one that somebody added (a root), or of a directory in a root that
 * is watched recursively. It knows the one above it and its own name there, so
 * that paths stay right when a directory is moved.
 *
 * A directory that appears becomes a watch that is to be done: told to the
 * kernel, then looked through, in that order, so that nothing is missed. What
 * is found in it may have come before the kernel knew and is told as created;
 * directories among that are to be done in turn. It happens when the user asks
 * for the next event; if that is given up, the next call goes on.
 *
 * A directory that goes elsewhere (MOVE_FROM) is kept until the event after it,
 * which tells whether it has only changed its place.
 */
#include <heph/notify.h>

#include <heph/io.h>
#include <heph/time.h>

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/inotify.h>

#include "base/mem.h"
#include "core/self.h"
#include "io/fs.h"

_Static_assert(HEPH_NOTIFY_ALL == IN_ALL_EVENTS &&
		       HEPH_NOTIFY_UNMOUNT == IN_UNMOUNT &&
		       HEPH_NOTIFY_OVERFLOW == IN_Q_OVERFLOW &&
		       HEPH_NOTIFY_DIRECTORY == IN_ISDIR,
	       "the kernel's bits are ours");

enum {
	BUCKETS = 256,
	NONE = -1, /* a number of the kernel that it has not given */
	PATH_SIZE = PATH_MAX + NAME_MAX + 2,
};

struct watch {
	struct heph_list node; /* in a bucket, if the kernel knows it */
	struct heph_list todo; /* in it->todo, if `busy` */
	struct watch *above;   /* NULL: it was added by the user alone */
	unsigned below;        /* watches that have this one above them */
	int number;            /* the kernel's; NONE: it knows nothing of it */
	uint32_t what, flags;
	bool added;    /* by the user */
	bool nofollow; /* if it is a symbolic link */
	bool busy;
	bool announce; /* what is found in it is news */
	bool again;    /* looked through again: unknown directories are */
	bool dead;     /* there for those below only */
	heph_fd at;    /* where the path begins, if there is none above */
	char *name;    /* in the one above, or the path */
};

/* Something that was found in a new directory. */
struct found {
	struct heph_list node;
	struct watch *watch;
	uint32_t what;
	char name[];
};

struct heph_notify {
	struct heph_owned owned;
	struct heph_self *self;
	heph_fd fd;
	struct heph_list watches[BUCKETS]; /* by number */
	struct heph_list todo, found;
	struct watch *moving;  /* has left its place, */
	uint32_t cookie;       /* with that */
	struct watch *scanned; /* `dir` is open, and read */
	heph_fd dir;
	size_t at, n; /* of `events` */
	char path[PATH_SIZE];
	char events[4096] __attribute__((aligned(8)));
	char entries[8192];
};

/* ---- watches ---------------------------------------------------------------------- */

static struct heph_list *bucket_of(struct heph_notify *it, int number)
{
	return &it->watches[(unsigned)number % BUCKETS];
}

static struct watch *find(struct heph_notify *it, int number)
{
	struct heph_list *node, *bucket = bucket_of(it, number);
	struct watch *watch;

	heph_list_each(node, bucket) {
		watch = heph_container_of(node, struct watch, node);
		if (watch->number == number)
			return watch;
	}
	return NULL;
}

static struct watch *find_below(struct heph_notify *it,
				const struct watch *above, const char *name)
{
	struct heph_list *node;
	struct watch *watch;

	for (int i = 0; i < BUCKETS; i++)
		heph_list_each(node, &it->watches[i]) {
			watch = heph_container_of(node, struct watch, node);
			if (watch->above == above &&
			    strcmp(watch->name, name) == 0)
				return watch;
		}
	return NULL;
}

static struct watch *new_watch(struct watch *above, const char *name)
{
	struct watch *watch = heph_mem_alloc(sizeof(*watch));

	if (!watch)
		return NULL;
	watch->name = heph_mem_alloc_raw(strlen(name) + 1);
	if (!watch->name) {
		heph_mem_free(watch);
		return NULL;
	}
	strcpy(watch->name, name);
	watch->number = NONE;
	watch->above = above;
	if (above) {
		above->below++;
		watch->what = above->what;
		watch->flags = above->flags;
	}
	return watch;
}

static void free_watch(struct watch *watch);

static void let_go_of(struct watch *above)
{
	if (above && --above->below == 0 && above->dead)
		free_watch(above);
}

/* One that is in no list. */
static void free_watch(struct watch *watch)
{
	watch->dead = true;
	if (watch->below)
		return;
	let_go_of(watch->above);
	heph_mem_free(watch->name);
	heph_mem_free(watch);
}

static void stop_scan(struct heph_notify *it)
{
	it->scanned->again = false;
	heph_close(it->dir);
	it->dir = (heph_fd){ 0 };
	it->scanned = NULL;
}

static void forget_found(struct heph_notify *it, const struct watch *watch)
{
	struct heph_list *node, *next;
	struct found *found;

	heph_list_each_safe(node, next, &it->found) {
		found = heph_container_of(node, struct found, node);
		if (found->watch != watch)
			continue;
		heph_list_remove(node);
		heph_mem_free(found);
	}
}

/* Out of everything. What the kernel still says of it is not looked at. */
static void forget(struct heph_notify *it, struct watch *watch)
{
	if (watch->number != NONE)
		heph_list_remove(&watch->node);
	if (watch->busy)
		heph_list_remove(&watch->todo);
	if (it->scanned == watch)
		stop_scan(it);
	if (it->moving == watch)
		it->moving = NULL;
	forget_found(it, watch);
	free_watch(watch);
}

static void tell_kernel_to_forget(struct heph_notify *it,
				  const struct watch *watch)
{
	struct heph_file *file =
		heph_file_find(heph_self_ctx(it->self), it->fd);
	struct heph_op op = { .kind = HEPH_OP_NOTIFY_REMOVE,
			      .number = file ? file->number : -1,
			      .number2 = watch->number };

	heph_op_now(it->self, &op);
}

static bool is_in(const struct watch *watch, const struct watch *top)
{
	while (watch && watch != top)
		watch = watch->above;
	return watch;
}

/* A watch, and those below it. */
static void remove_tree(struct heph_notify *it, struct watch *top)
{
	struct heph_list *node, *next;
	struct watch *watch;

	top->below++; /* it stays until the end */
	for (int i = 0; i < BUCKETS; i++)
		heph_list_each_safe(node, next, &it->watches[i]) {
			watch = heph_container_of(node, struct watch, node);
			if (!is_in(watch, top))
				continue;
			tell_kernel_to_forget(it, watch);
			forget(it, watch);
		}
	heph_list_each_safe(node, next, &it->todo) {
		watch = heph_container_of(node, struct watch, todo);
		if (is_in(watch, top))
			forget(it, watch);
	}
	let_go_of(top);
}

/* ---- paths ---------------------------------------------------------------------------- */

/* Whether what is in it follows after a slash. */
static bool takes_slash(const struct watch *watch)
{
	size_t n = strlen(watch->name);

	return n ? watch->name[n - 1] != '/' : watch->above != NULL;
}

/* Writes the path of a watch so that it ends before `end`, and returns where it
 * begins; NULL: it is too long. */
static char *write_path(const struct heph_notify *it, const struct watch *watch,
			char *end)
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
static const char *path_to(struct heph_notify *it, const struct watch *watch,
			   const char *name)
{
	size_t n = strlen(name);
	char *end = it->path + PATH_SIZE - 1;

	*end = '\0';
	end -= n;
	memcpy(end, name, n);
	if (n && takes_slash(watch))
		*--end = '/';
	return write_path(it, watch, end);
}

static heph_fd at_of(const struct watch *watch)
{
	while (watch->above)
		watch = watch->above;
	return watch->at;
}

static heph_path path_of(struct heph_notify *it, const struct watch *watch)
{
	heph_path path = heph_at(at_of(watch), path_to(it, watch, ""));

	if (path.text && !*path.text)
		path.text = NULL; /* what was added is a descriptor */
	path.nofollow = watch->above || watch->nofollow;
	return path;
}

/* ---- beginning to watch ----------------------------------------------------------------- */

static uint32_t mask_of(const struct watch *watch)
{
	uint32_t mask = watch->what | IN_MASK_ADD | IN_EXCL_UNLINK;

	if (watch->flags & HEPH_NOTIFY_RECURSIVE)
		mask |= IN_CREATE | IN_MOVE | IN_ONLYDIR;
	if (watch->flags & HEPH_NOTIFY_ONLY_DIRECTORY)
		mask |= IN_ONLYDIR;
	return mask;
}

/* Returns the kernel's number for it. */
static int tell_kernel(heph_ctx ctx, struct heph_notify *it,
		       const struct watch *watch)
{
	struct heph_file *file = heph_file_find(ctx, it->fd);
	heph_path path = path_of(it, watch);
	struct heph_op *op;
	int err;

	if (!file)
		return -EBADF;
	if (!path_to(it, watch, ""))
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

static void enlist(struct heph_notify *it, struct watch *watch, int number)
{
	watch->number = number;
	heph_list_push_back(bucket_of(it, number), &watch->node);
}

static void put_off(struct heph_notify *it, struct watch *watch, bool announce)
{
	watch->announce = announce;
	if (!watch->busy)
		heph_list_push_back(&it->todo, &watch->todo);
	watch->busy = true;
}

static int begin_scan(heph_ctx ctx, struct heph_notify *it, struct watch *watch)
{
	heph_path path = path_of(it, watch);
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
static void merge(struct heph_notify *it, struct watch *known,
		  struct watch *watch)
{
	uint32_t more = watch->flags & ~known->flags;

	known->what |= watch->what;
	known->flags |= watch->flags;
	if (more & HEPH_NOTIFY_RECURSIVE)
		put_off(it, known, watch->announce);
	forget(it, watch);
}

/* The first of those that are to be done. */
static int begin_next(heph_ctx ctx, struct heph_notify *it)
{
	struct watch *watch = heph_container_of(heph_list_first(&it->todo),
						struct watch, todo);
	struct watch *known;
	int result;

	if (watch->number == NONE) {
		result = tell_kernel(ctx, it, watch);
		if (result < 0)
			return result;
		known = find(it, result);
		if (known) {
			merge(it, known, watch);
			return 0;
		}
		enlist(it, watch, result);
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
	struct watch *watch = heph_container_of(heph_list_first(&it->todo),
						struct watch, todo);
	int err = begin_next(ctx, it);

	if (err >= 0 || try_again(err))
		return err;
	if (watch->number != NONE)
		tell_kernel_to_forget(it, watch);
	forget(it, watch);
	return is_gone(err) ? 0 : err;
}

/* ---- looking through -------------------------------------------------------------------- */

static int announce(struct heph_notify *it, const char *name, bool is_dir)
{
	struct found *found =
		heph_mem_alloc_raw(sizeof(*found) + strlen(name) + 1);

	if (!found)
		return -ENOMEM;
	found->watch = it->scanned;
	found->what = HEPH_NOTIFY_CREATE | (is_dir ? HEPH_NOTIFY_DIRECTORY : 0);
	strcpy(found->name, name);
	heph_list_push_back(&it->found, &found->node);
	return 0;
}

static int put_off_new(struct heph_notify *it, struct watch *above,
		       const char *name, bool is_news)
{
	struct watch *watch = new_watch(above, name);

	if (!watch)
		return -ENOMEM;
	put_off(it, watch, is_news);
	return 0;
}

static int found_one(struct heph_notify *it, const struct heph_dir_entry *entry)
{
	struct watch *watch = it->scanned;
	bool is_dir = entry->type == DT_DIR;
	int err = 0;

	if (watch->announce && (watch->what & HEPH_NOTIFY_CREATE))
		err = announce(it, entry->name, is_dir);
	if (err == 0 && (is_dir || entry->type == DT_UNKNOWN))
		err = put_off_new(it, watch, entry->name,
				  watch->announce || watch->again);
	return err;
}

static void scan_again(struct heph_notify *it)
{
	struct watch *watch = it->scanned;
	bool again = watch->again;

	put_off(it, watch, watch->announce);
	stop_scan(it);
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
		stop_scan(it);
	if (n <= 0)
		return n < 0 && is_gone(n) ? 0 : n;
	while (err == 0 && heph_dir_next(it->entries, (size_t)n, &at, &entry))
		err = found_one(it, &entry);
	if (err < 0)
		scan_again(it);
	return err;
}

static bool is_busy(const struct heph_notify *it)
{
	return it->scanned || !heph_list_empty(&it->todo);
}

static int work(heph_ctx ctx, struct heph_notify *it)
{
	return it->scanned ? scan(ctx, it) : begin_next_or_forget(ctx, it);
}

/* ---- adding and removing ------------------------------------------------------------------ */

/* Is not told of before: the user knows that it is there. */
static int work_until_done(heph_ctx ctx, struct heph_notify *it)
{
	int err = 0;

	while (err == 0 && is_busy(it))
		err = work(ctx, it);
	return err;
}

static int add_new(heph_ctx ctx, struct heph_notify *it, struct watch *watch)
{
	int number = tell_kernel(ctx, it, watch), err;
	struct watch *known;

	if (number == -ENOTDIR &&
	    !(watch->flags & HEPH_NOTIFY_ONLY_DIRECTORY)) {
		watch->flags = 0;
		number = tell_kernel(ctx, it, watch);
	}
	if (number < 0) {
		forget(it, watch);
		return number;
	}
	known = find(it, number);
	if (known) {
		known->added = true;
		merge(it, known, watch);
		watch = known;
	} else {
		enlist(it, watch, number);
	}
	if (!(watch->flags & HEPH_NOTIFY_RECURSIVE))
		return 0;
	put_off(it, watch, false);
	err = work_until_done(ctx, it);
	if (err < 0 && !known)
		remove_tree(it, watch);
	return err;
}

int heph_raw_notify_add(heph_ctx ctx, struct heph_notify *it, heph_path which,
			unsigned what, unsigned flags)
{
	struct watch *watch;
	int err = 0;

	if (it->self != ctx.self)
		return -EBADF;
	if (!(what & HEPH_NOTIFY_ALL))
		return -EINVAL;
	if (which.text && !*which.text)
		return -ENOENT;
	if (!which.text && !heph_file_find(ctx, which.at))
		return -EBADF;
	while (err == 0 && is_busy(it)) /* of before */
		err = work(ctx, it);
	if (err < 0)
		return err;
	watch = new_watch(NULL, which.text ? which.text : "");
	if (!watch)
		return -ENOMEM;
	watch->what = what & HEPH_NOTIFY_ALL;
	watch->flags = flags;
	watch->added = true;
	watch->nofollow = which.nofollow;
	watch->at = which.at;
	return add_new(ctx, it, watch);
}

int heph_notify_remove(heph_ctx ctx, struct heph_notify *it, const char *text)
{
	struct heph_list *node;
	struct watch *watch;
	const char *path;

	if (it->self != ctx.self)
		return -EBADF;
	for (int i = 0; text && i < BUCKETS; i++)
		heph_list_each(node, &it->watches[i]) {
			watch = heph_container_of(node, struct watch, node);
			path = watch->added ? path_to(it, watch, "") : NULL;
			if (!path || strcmp(path, text) != 0)
				continue;
			remove_tree(it, watch);
			return 0;
		}
	return -ENOENT;
}

/* ---- events ------------------------------------------------------------------------------- */

static int tell(struct heph_notify *it, const struct watch *watch,
		const char *name, uint32_t what, uint32_t cookie,
		struct heph_notify_event *ret_event)
{
	const char *path = path_to(it, watch, name);

	if (!path)
		return -ENAMETOOLONG;
	*ret_event = (struct heph_notify_event){
		.what = what,
		.cookie = cookie,
		.path = path,
		.name = it->path + PATH_SIZE - 1 - strlen(name),
	};
	return 1;
}

static int tell_found(struct heph_notify *it,
		      struct heph_notify_event *ret_event)
{
	struct found *found = heph_container_of(heph_list_pop_front(&it->found),
						struct found, node);
	int result =
		tell(it, found->watch, found->name, found->what, 0, ret_event);

	heph_mem_free(found);
	return result;
}

/* Events were lost: directories may be new, in any that is looked after. */
static int lost_some(struct heph_notify *it,
		     struct heph_notify_event *ret_event)
{
	struct heph_list *node;
	struct watch *watch;

	for (int i = 0; i < BUCKETS; i++)
		heph_list_each(node, &it->watches[i]) {
			watch = heph_container_of(node, struct watch, node);
			if (!(watch->flags & HEPH_NOTIFY_RECURSIVE))
				continue;
			put_off(it, watch, false);
			watch->again = true;
		}
	it->path[0] = '\0';
	*ret_event = (struct heph_notify_event){ .what = HEPH_NOTIFY_OVERFLOW,
						 .path = it->path,
						 .name = it->path };
	return 1;
}

/* It has another name, perhaps in another directory. */
static int move_to(struct heph_notify *it, struct watch *to, const char *name)
{
	struct watch *watch = it->moving, *before = watch->above;
	char *copy = heph_mem_alloc_raw(strlen(name) + 1);

	if (!copy)
		return -ENOMEM;
	strcpy(copy, name);
	heph_mem_free(watch->name);
	watch->name = copy;
	watch->above = to;
	to->below++;
	let_go_of(before);
	it->moving = NULL;
	return 0;
}

/* What becomes of a directory that has left its place, now that the next event
 * is known. Returns 1: that says where it went; 0; -ENOMEM. */
static int settle_move(struct heph_notify *it,
		       const struct inotify_event *event, struct watch *watch)
{
	int err;

	if (!it->moving)
		return 0;
	if (!(event->mask & IN_MOVED_TO) || event->cookie != it->cookie ||
	    !watch || !(watch->flags & HEPH_NOTIFY_RECURSIVE)) {
		remove_tree(it, it->moving);
		it->moving = NULL;
		return 0;
	}
	err = move_to(it, watch, event->name);
	return err < 0 ? err : 1;
}

/* A directory has come or gone. */
static int follow(struct heph_notify *it, const struct inotify_event *event,
		  struct watch *watch)
{
	if (event->mask & (IN_CREATE | IN_MOVED_TO))
		return put_off_new(it, watch, event->name, true);
	if (event->mask & IN_MOVED_FROM) {
		it->moving = find_below(it, watch, event->name);
		it->cookie = event->cookie;
	}
	return 0;
}

/* Those of a directory in a recursive watch are told by the one above it. */
static bool is_wanted(const struct inotify_event *event,
		      const struct watch *watch)
{
	if (event->mask & IN_UNMOUNT)
		return true;
	return (event->mask & watch->what) && (event->len || watch->added);
}

/* Returns 1: it is told; 0: it is not; -ENOMEM, and nothing has happened. */
static int take(struct heph_notify *it, const struct inotify_event *event,
		struct heph_notify_event *ret_event)
{
	struct watch *watch = find(it, event->wd);
	int moved = settle_move(it, event, watch), err = 0;

	if (moved < 0)
		return moved;
	if (event->mask & IN_Q_OVERFLOW)
		return lost_some(it, ret_event);
	watch = find(it, event->wd); /* unless it was moved away */
	if (!watch)
		return 0;
	if (event->mask & IN_IGNORED) {
		forget(it, watch);
		return 0;
	}
	if (!moved && (event->mask & IN_ISDIR) && event->len &&
	    (watch->flags & HEPH_NOTIFY_RECURSIVE))
		err = follow(it, event, watch);
	if (err < 0 || !is_wanted(event, watch))
		return err;
	return tell(it, watch, event->len ? event->name : "",
		    event->mask & (HEPH_NOTIFY_ALL | HEPH_NOTIFY_UNMOUNT |
				   HEPH_NOTIFY_DIRECTORY),
		    event->cookie, ret_event);
}

static int take_next(struct heph_notify *it,
		     struct heph_notify_event *ret_event)
{
	const struct inotify_event *event = (const void *)(it->events + it->at);
	int result = take(it, event, ret_event);

	if (result != -ENOMEM)
		it->at += sizeof(*event) + event->len;
	return result;
}

static int read_more(heph_ctx ctx, struct heph_notify *it)
{
	int n = heph_read(ctx, it->fd, it->events, sizeof(it->events));

	it->at = 0;
	it->n = n < 0 ? 0 : (size_t)n;
	return n < 0 ? n : 0;
}

int heph_notify_next(heph_ctx ctx, struct heph_notify *it,
		     struct heph_notify_event *ret_event)
{
	int result = 0;

	if (it->self != ctx.self)
		return -EBADF;
	while (result == 0) {
		if (!heph_list_empty(&it->found))
			result = tell_found(it, ret_event);
		else if (is_busy(it))
			result = work(ctx, it);
		else if (it->at < it->n)
			result = take_next(it, ret_event);
		else
			result = read_more(ctx, it);
	}
	return result < 0 ? result : 0;
}

/* ---- making and freeing ---------------------------------------------------------------------- */

static void free_lists(struct heph_notify *it)
{
	struct heph_list *node;

	for (int i = 0; i < BUCKETS; i++)
		while (!heph_list_empty(&it->watches[i])) {
			node = heph_list_first(&it->watches[i]);
			forget(it, heph_container_of(node, struct watch, node));
		}
	while (!heph_list_empty(&it->todo)) {
		node = heph_list_first(&it->todo);
		forget(it, heph_container_of(node, struct watch, todo));
	}
}

static void undo(heph_ctx ctx, struct heph_owned *owned)
{
	struct heph_notify *it =
		heph_container_of(owned, struct heph_notify, owned);

	free_lists(it);
	heph_mem_free(it);
}

static void init_lists(struct heph_notify *it)
{
	for (int i = 0; i < BUCKETS; i++)
		heph_list_init(&it->watches[i]);
	heph_list_init(&it->todo);
	heph_list_init(&it->found);
}

static int open_number(heph_ctx ctx, heph_fd *ret_fd)
{
	struct heph_op op = { .kind = HEPH_OP_NOTIFY_OPEN };

	return heph_file_admit(ctx.self, heph_op_now(ctx.self, &op), 0, ret_fd);
}

int heph_notify_open(heph_ctx ctx, struct heph_notify **ret_notify)
{
	struct heph_notify *it;
	heph_fd fd;
	int err = open_number(ctx, &fd);

	if (err < 0)
		return err;
	it = heph_mem_alloc(sizeof(*it));
	if (!it) {
		heph_close(fd);
		return -ENOMEM;
	}
	it->fd = fd;
	it->self = ctx.self;
	init_lists(it);
	it->owned.undo = undo;
	heph_list_push_back(&ctx.self->ext->owned, &it->owned.node);
	*ret_notify = it;
	return 0;
}

void heph_notify_close(struct heph_notify *it)
{
	heph_fd fd;

	if (!it)
		return;
	fd = it->fd;
	heph_list_remove(&it->owned.node);
	undo(heph_self_ctx(it->self), &it->owned);
	heph_close(fd);
}

heph_fd heph_notify_fd(const struct heph_notify *it)
{
	return it->fd;
}
