/* SPDX-License-Identifier: MIT */
/*
 * watch.h - being told when an actor ends
 *
 * A watch is made by the watcher and lies in lists on both sides: the watcher's
 * `watching` and the watched actor's `watchers`. When the actor ends the watch
 * comes back, through the watcher's door if that is another thread. It is
 * freed by the watcher alone, when nothing of it is under way.
 *
 * Joins are watches, and so are children on another worker.
 */
#ifndef HEPH_CORE_WATCH_H
#define HEPH_CORE_WATCH_H

#include "core/self.h"

struct heph_watch {
	struct heph_event event;  /* out: register; back: down */
	struct heph_event cancel; /* out: cancel; back: cancelled */
	struct heph_list by_watcher, by_watched;
	struct heph_self *watcher;
	struct heph_thread *home; /* of the watcher */
	struct heph_thread *thread; /* of the watched */
	struct heph_addr who;
	struct heph_exit exit;
	bool down;	/* it has come back */
	bool forgotten; /* by the watcher: freed when its cancel comes back */
	bool joined;	/* kept when it is down, for who joins */
	bool child;	/* the watched one ends with the watcher */
	bool escalate;	/* the watcher fails too */
};

/* A watch that watches nobody yet; NULL: no memory. Then it is started, or
 * attached at the birth of an actor. */
struct heph_watch *heph_watch_new(struct heph_self *watcher);
void heph_watch_start(struct heph_watch *watch, struct heph_thread *thread,
		      struct heph_addr who);

/* Frees a watch that was never started, or attached. */
void heph_watch_forget(struct heph_watch *watch);

/* Waits until the actor has ended, says why, and frees the watch. Returns 0;
 * -ETIME, -ECANCELED, and then the watch goes on. */
HEPH_MUST int heph_watch_join(heph_ctx ctx, struct heph_watch *watch,
			      struct heph_exit *ret_exit);

/* Joins no more; a child goes on to be one. */
void heph_watch_leave(struct heph_watch *watch);

/* Ends the watch. Does not wait: what is under way of it is let come back, and
 * then it is freed. */
void heph_watch_free(struct heph_watch *watch);

/* Puts a watch into the list of the actor that it is about. Returns 0;
 * -ENOMEM. */
int heph_watch_attach(struct heph_watch *watch, struct heph_self *watched);

/* The actor has ended: tells all that watch it. */
void heph_watches_notify(struct heph_self *self, const struct heph_exit *exit,
			 bool escalate);

#endif
