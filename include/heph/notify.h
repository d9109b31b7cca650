/* SPDX-License-Identifier: MIT */
/*
 * notify.h - being told what happens to files: inotify(7)
 *
 * A watcher belongs to the actor, or plain thread, that made it, and goes with
 * it. Of what happens between two calls of heph_notify_next() the kernel keeps
 * some thousand events; when there are more, an event says that some are lost.
 *
 * Besides what is listed, all return -EBADF (it is another one's), -ETIME,
 * -ECANCELED, -ENOMEM, and what heph/file.h says about paths.
 */
#ifndef HEPH_NOTIFY_H
#define HEPH_NOTIFY_H

#include <heph/file.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What is to be told, and what an event tells. */
enum {
	HEPH_NOTIFY_ACCESS = 0x1,         /* it was read */
	HEPH_NOTIFY_MODIFY = 0x2,         /* its contents were changed */
	HEPH_NOTIFY_METADATA = 0x4,       /* permissions, times, links ... */
	HEPH_NOTIFY_CLOSE_WRITE = 0x8,    /* closed, was open for writing */
	HEPH_NOTIFY_CLOSE_NOWRITE = 0x10, /* closed, was not */
	HEPH_NOTIFY_CLOSE = 0x18,
	HEPH_NOTIFY_OPEN = 0x20,
	HEPH_NOTIFY_MOVE_FROM = 0x40, /* a name went out of the directory */
	HEPH_NOTIFY_MOVE_INTO = 0x80, /* one came in; the same `cookie` */
	HEPH_NOTIFY_MOVE = 0xc0,
	HEPH_NOTIFY_CREATE = 0x100, /* a name is new in the directory */
	HEPH_NOTIFY_DELETE = 0x200, /* one was removed from it */
	HEPH_NOTIFY_DELETE_SELF = 0x400, /* what is watched is gone */
	HEPH_NOTIFY_MOVE_SELF = 0x800,   /* what is watched has another name */
	HEPH_NOTIFY_ALL = 0xfff,
};

/* What only events tell. */
enum {
	HEPH_NOTIFY_UNMOUNT = 0x2000,  /* its file system is gone */
	HEPH_NOTIFY_OVERFLOW = 0x4000, /* events are lost; about no file */
	HEPH_NOTIFY_DIRECTORY = 0x40000000, /* it is about a directory */
};

/* How a file is watched. */
enum {
	HEPH_NOTIFY_ONLY_DIRECTORY = 1, /* -ENOTDIR if it is none */
	/* all directories in it, too, also those that are made later or are
	 * moved there; of no meaning if it is no directory */
	HEPH_NOTIFY_RECURSIVE = 2,
};

struct heph_notify;

/* One thing that happened. */
struct heph_notify_event {
	uint32_t what;    /* HEPH_NOTIFY_... */
	uint32_t cookie;  /* of a move: the same in both of its events */
	const char *path; /* of what it is about, as the path that was added */
	const char *name; /* the end of it: in a directory; or "" */
};

/* Makes a watcher; does not wait. Returns 0; -EMFILE (of those, see
 * /proc/sys/fs/inotify/max_user_instances). */
HEPH_API HEPH_MUST int heph_notify_open(heph_ctx ctx,
					struct heph_notify **ret_notify);

/* Frees it; NULL is ignored. Does not wait. */
HEPH_API void heph_notify_close(struct heph_notify *notify);

/*
 * Waits. Watches a file, or a directory and what is in it, for what `what` says;
 * if it is watched already, for that as well. `flags` are of those
 * above. A directory of heph_at() must stay open. Returns 0; -ENOSPC (too many,
 * see /proc/sys/fs/inotify/max_user_watches), -EACCES, -EINVAL (`what` is
 * nothing); then nothing more is watched than before.
 */
#define heph_notify_add(ctx, notify, which, what, flags)                       \
	heph_raw_notify_add((ctx), (notify), HEPH_WHICH__(which), (what),      \
			    (flags))
HEPH_API HEPH_MUST int heph_raw_notify_add(heph_ctx ctx,
					   struct heph_notify *notify,
					   heph_path which, unsigned what,
					   unsigned flags);

/* No longer watches what was added with that text, nor the directories in it.
 * Events that have come are told still. Does not wait. Returns 0; -ENOENT. */
HEPH_API HEPH_MUST int heph_notify_remove(heph_ctx ctx,
					  struct heph_notify *notify,
					  const char *text);

/*
 * Waits. For the next event, in the order in which things happened. What is
 * found in a directory that is new and watched recursively is told as created;
 * if somebody made it just then it may be told twice. After
 * HEPH_NOTIFY_OVERFLOW the directories are looked through for new ones. `path`
 * and `name` hold until the next call. Returns 0; -ENOSPC or -EACCES: a new
 * directory cannot be watched, and the next call goes on without it.
 */
HEPH_API HEPH_MUST int heph_notify_next(heph_ctx ctx, struct heph_notify *notify,
					struct heph_notify_event *ret_event);

/* The descriptor, for heph_on_readable(), after heph_notify_next() has been
 * -ETIME: what it has read already is not seen there. */
HEPH_API heph_fd heph_notify_fd(const struct heph_notify *notify);

#ifdef __cplusplus
}
#endif
#endif
