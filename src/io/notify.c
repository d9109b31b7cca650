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
#include "io/notify_state.h"

#include <string.h>

#include "base/mem.h"
#include "core/self.h"
#include "io/fs.h"

_Static_assert(HEPH_NOTIFY_ALL == IN_ALL_EVENTS &&
		       HEPH_NOTIFY_UNMOUNT == IN_UNMOUNT &&
		       HEPH_NOTIFY_OVERFLOW == IN_Q_OVERFLOW &&
		       HEPH_NOTIFY_DIRECTORY == IN_ISDIR,
	       "the kernel's bits are ours");

/* ---- adding and removing ------------------------------------------------------------------ */

/* Is not told of before: the user knows that it is there. */
static int work_until_done(heph_ctx ctx, struct heph_notify *it)
{
	int err = 0;

	while (err == 0 && heph_notify_is_busy(it))
		err = heph_notify_work(ctx, it);
	return err;
}

static int add_new(heph_ctx ctx, struct heph_notify *it,
		   struct heph_notify_watch *watch)
{
	int number = heph_notify_watch(ctx, it, watch), err;
	struct heph_notify_watch *known;

	if (number == -ENOTDIR &&
	    !(watch->flags & HEPH_NOTIFY_ONLY_DIRECTORY)) {
		watch->flags = 0;
		number = heph_notify_watch(ctx, it, watch);
	}
	if (number < 0) {
		heph_notify_forget(it, watch);
		return number;
	}
	known = heph_notify_find(it, number);
	if (known) {
		known->added = true;
		heph_notify_merge(it, known, watch);
		watch = known;
	} else {
		heph_notify_enlist(it, watch, number);
	}
	if (!(watch->flags & HEPH_NOTIFY_RECURSIVE))
		return 0;
	heph_notify_put_off(it, watch, false);
	err = work_until_done(ctx, it);
	if (err < 0 && !known)
		heph_notify_remove_tree(it, watch);
	return err;
}

int heph_raw_notify_add(heph_ctx ctx, struct heph_notify *it, heph_path which,
			unsigned what, unsigned flags)
{
	struct heph_notify_watch *watch;
	int err = 0;

	if (it->self != ctx.self)
		return -EBADF;
	if (!(what & HEPH_NOTIFY_ALL))
		return -EINVAL;
	if (which.text && !*which.text)
		return -ENOENT;
	if (!which.text && !heph_file_find(ctx, which.at))
		return -EBADF;
	while (err == 0 && heph_notify_is_busy(it)) /* of before */
		err = heph_notify_work(ctx, it);
	if (err < 0)
		return err;
	watch = heph_notify_watch_new(NULL, which.text ? which.text : "");
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
	struct heph_notify_watch *watch;
	const char *path;

	if (it->self != ctx.self)
		return -EBADF;
	for (int i = 0; text && i < HEPH_NOTIFY_BUCKETS; i++)
		heph_list_each(node, &it->watches[i]) {
			watch = heph_container_of(
				node, struct heph_notify_watch, node);
			path = watch->added ? heph_notify_path(it, watch, "") :
					      NULL;
			if (!path || strcmp(path, text) != 0)
				continue;
			heph_notify_remove_tree(it, watch);
			return 0;
		}
	return -ENOENT;
}

/* ---- events ------------------------------------------------------------------------------- */

static int tell(struct heph_notify *it, const struct heph_notify_watch *watch,
		const char *name, uint32_t what, uint32_t cookie,
		struct heph_notify_event *ret_event)
{
	const char *path = heph_notify_path(it, watch, name);

	if (!path)
		return -ENAMETOOLONG;
	*ret_event = (struct heph_notify_event){
		.what = what,
		.cookie = cookie,
		.path = path,
		.name = it->path + HEPH_NOTIFY_PATH_SIZE - 1 - strlen(name),
	};
	return 1;
}

static int tell_found(struct heph_notify *it,
		      struct heph_notify_event *ret_event)
{
	struct heph_notify_found *found =
		heph_container_of(heph_list_pop_front(&it->found),
				  struct heph_notify_found, node);
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
	struct heph_notify_watch *watch;

	for (int i = 0; i < HEPH_NOTIFY_BUCKETS; i++)
		heph_list_each(node, &it->watches[i]) {
			watch = heph_container_of(
				node, struct heph_notify_watch, node);
			if (!(watch->flags & HEPH_NOTIFY_RECURSIVE))
				continue;
			heph_notify_put_off(it, watch, false);
			watch->again = true;
		}
	it->path[0] = '\0';
	*ret_event = (struct heph_notify_event){ .what = HEPH_NOTIFY_OVERFLOW,
						 .path = it->path,
						 .name = it->path };
	return 1;
}

/* It has another name, perhaps in another directory. */
static int move_to(struct heph_notify *it, struct heph_notify_watch *to,
		   const char *name)
{
	struct heph_notify_watch *watch = it->moving, *before = watch->above;
	char *copy = heph_mem_alloc_raw(strlen(name) + 1);

	if (!copy)
		return -ENOMEM;
	strcpy(copy, name);
	heph_mem_free(watch->name);
	watch->name = copy;
	watch->above = to;
	to->below++;
	heph_notify_let_go(before);
	it->moving = NULL;
	return 0;
}

/* What becomes of a directory that has left its place, now that the next event
 * is known. Returns 1: that says where it went; 0; -ENOMEM. */
static int settle_move(struct heph_notify *it,
		       const struct inotify_event *event,
		       struct heph_notify_watch *watch)
{
	int err;

	if (!it->moving)
		return 0;
	if (!(event->mask & IN_MOVED_TO) || event->cookie != it->cookie ||
	    !watch || !(watch->flags & HEPH_NOTIFY_RECURSIVE)) {
		heph_notify_remove_tree(it, it->moving);
		it->moving = NULL;
		return 0;
	}
	err = move_to(it, watch, event->name);
	return err < 0 ? err : 1;
}

/* A directory has come or gone. */
static int follow(struct heph_notify *it, const struct inotify_event *event,
		  struct heph_notify_watch *watch)
{
	if (event->mask & (IN_CREATE | IN_MOVED_TO))
		return heph_notify_put_off_new(it, watch, event->name, true);
	if (event->mask & IN_MOVED_FROM) {
		it->moving = heph_notify_find_below(it, watch, event->name);
		it->cookie = event->cookie;
	}
	return 0;
}

/* Those of a directory in a recursive watch are told by the one above it. */
static bool is_wanted(const struct inotify_event *event,
		      const struct heph_notify_watch *watch)
{
	if (event->mask & IN_UNMOUNT)
		return true;
	return (event->mask & watch->what) && (event->len || watch->added);
}

/* Returns 1: it is told; 0: it is not; -ENOMEM, and nothing has happened. */
static int take(struct heph_notify *it, const struct inotify_event *event,
		struct heph_notify_event *ret_event)
{
	struct heph_notify_watch *watch = heph_notify_find(it, event->wd);
	int moved = settle_move(it, event, watch), err = 0;

	if (moved < 0)
		return moved;
	if (event->mask & IN_Q_OVERFLOW)
		return lost_some(it, ret_event);
	watch = heph_notify_find(it, event->wd); /* unless it was moved away */
	if (!watch)
		return 0;
	if (event->mask & IN_IGNORED) {
		heph_notify_forget(it, watch);
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
		else if (heph_notify_is_busy(it))
			result = heph_notify_work(ctx, it);
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

	for (int i = 0; i < HEPH_NOTIFY_BUCKETS; i++)
		while (!heph_list_empty(&it->watches[i])) {
			node = heph_list_first(&it->watches[i]);
			heph_notify_forget(
				it, heph_container_of(node,
						      struct heph_notify_watch,
						      node));
		}
	while (!heph_list_empty(&it->todo)) {
		node = heph_list_first(&it->todo);
		heph_notify_forget(
			it, heph_container_of(node, struct heph_notify_watch,
					      todo));
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
	for (int i = 0; i < HEPH_NOTIFY_BUCKETS; i++)
		heph_list_init(&it->watches[i]);
	heph_list_init(&it->todo);
	heph_list_init(&it->found);
}

static int open_number(heph_ctx ctx, heph_fd *ret_fd)
{
	struct heph_op op = { .kind = HEPH_OP_NOTIFY_OPEN };

	return heph_file_admit(ctx.self, heph_op_now(ctx.self, &op),
			       HEPH_FILE_NONBLOCK, ret_fd);
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
