/* SPDX-License-Identifier: MIT */
/* What the files of heph_notify share; see notify.c for how it works. */
#ifndef HEPH_IO_NOTIFY_STATE_H
#define HEPH_IO_NOTIFY_STATE_H

#include <heph/io.h>
#include <heph/notify.h>

#include <limits.h>
#include <sys/inotify.h>

#include "base/list.h"
#include "core/own.h"

enum {
	HEPH_NOTIFY_BUCKETS = 256,
	HEPH_NOTIFY_NONE =
		-1, /* a number of the kernel that it has not given */
	HEPH_NOTIFY_PATH_SIZE = PATH_MAX + NAME_MAX + 2,
};

struct heph_notify_watch {
	struct heph_list node; /* in a bucket, if the kernel knows it */
	struct heph_list todo; /* in it->todo, if `busy` */
	struct heph_notify_watch *above; /* NULL: added by the user alone */
	unsigned below; /* watches that have this one above them */
	int number; /* the kernel's; HEPH_NOTIFY_NONE: it knows nothing of it */
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
struct heph_notify_found {
	struct heph_list node;
	struct heph_notify_watch *watch;
	uint32_t what;
	char name[];
};

struct heph_notify {
	struct heph_owned owned;
	struct heph_self *self;
	heph_fd fd;
	struct heph_list watches[HEPH_NOTIFY_BUCKETS]; /* by number */
	struct heph_list todo, found;
	struct heph_notify_watch *moving;  /* has left its place, */
	uint32_t cookie;                   /* with that */
	struct heph_notify_watch *scanned; /* `dir` is open, and read */
	heph_fd dir;
	size_t at, n; /* of `events` */
	char path[HEPH_NOTIFY_PATH_SIZE];
	char events[4096] __attribute__((aligned(8)));
	char entries[8192];
};

/* ---- notify_watch.c: of it, in lists, with names ------------------------------------- */

/* One that is not in a list and of which the kernel does not know; `above` may be NULL.
 * NULL: no memory. */
struct heph_notify_watch *heph_notify_watch_new(struct heph_notify_watch *above,
						const char *name);
/* One of those above has one less below it; if it was dead it is freed. */
void heph_notify_let_go(struct heph_notify_watch *above);
/* The kernel knows it by that number. */
void heph_notify_enlist(struct heph_notify *it, struct heph_notify_watch *watch,
			int number);
/* The one of that number; NULL: there is none. */
struct heph_notify_watch *heph_notify_find(struct heph_notify *it, int number);
/* The one of that name in another one; NULL: there is none. */
struct heph_notify_watch *
heph_notify_find_below(struct heph_notify *it,
		       const struct heph_notify_watch *above, const char *name);
/* Out of everything. What the kernel still says of it is not looked at. */
void heph_notify_forget(struct heph_notify *it,
			struct heph_notify_watch *watch);
void heph_notify_unwatch(struct heph_notify *it,
			 const struct heph_notify_watch *watch);
/* A watch and those below it, here and in the kernel. */
void heph_notify_remove_tree(struct heph_notify *it,
			     struct heph_notify_watch *top);
/* What is read is closed. */
void heph_notify_stop_scan(struct heph_notify *it);

/* Of a name in a watch, or, if that is "", of the watch; in it->path, and ends where that
 * does. NULL: it is too long. */
const char *heph_notify_path(struct heph_notify *it,
			     const struct heph_notify_watch *watch,
			     const char *name);
heph_path heph_notify_path_of(struct heph_notify *it,
			      const struct heph_notify_watch *watch);

/* ---- notify_scan.c ---------------------------------------------------------------------- */

/* Waits. Returns the kernel's number for it; an error of inotify_add_watch(2). */
int heph_notify_watch(heph_ctx ctx, struct heph_notify *it,
		      const struct heph_notify_watch *watch);
/* What is known has another name too: one of the two goes. */
void heph_notify_merge(struct heph_notify *it, struct heph_notify_watch *known,
		       struct heph_notify_watch *watch);
/* It is to be looked through; what is found there is told if `announce`. */
void heph_notify_put_off(struct heph_notify *it,
			 struct heph_notify_watch *watch, bool announce);
/* Returns 0; -ENOMEM. */
int heph_notify_put_off_new(struct heph_notify *it,
			    struct heph_notify_watch *above, const char *name,
			    bool is_news);
/* Whether there is something to be looked through, and a piece of that; waits. An error
 * leaves it to be done. */
bool heph_notify_is_busy(const struct heph_notify *it);
int heph_notify_work(heph_ctx ctx, struct heph_notify *it);

#endif
