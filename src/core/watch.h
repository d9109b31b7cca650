/* SPDX-License-Identifier: MIT */
/*
 * watch.h - being told when an actor ends
 *
 * A watch is made by the watcher and lies in lists on both sides: in that of
 * what the watcher watches or owns, and in the watched actor's `watchers`. When
 * the actor ends the watch comes back, through the watcher's door if that is
 * another thread. It is freed by the watcher alone, when nothing of it is under
 * way.
 *
 * Joins are watches, and so are monitors, children on another worker, holds,
 * and each half of a link.
 */
#ifndef HEPH_CORE_WATCH_H
#define HEPH_CORE_WATCH_H

#include "core/select.h"
#include "core/self.h"

/* What a watch is for; it may be that of a child besides. */
enum heph_watch_use {
	HEPH_WATCH_PLAIN,   /* nothing else */
	HEPH_WATCH_JOIN,    /* kept when it is down, for who joins */
	HEPH_WATCH_MONITOR, /* it becomes a down (monitor.c) */
	HEPH_WATCH_LINK,    /* what happens to one happens to both (link.c) */
	HEPH_WATCH_HOLD,    /* the watched one lives as long as it (hold.c) */
};

struct heph_watch {
	struct heph_event event;  /* out: register; back: down */
	struct heph_event cancel; /* out: cancel; back: cancelled */
	struct heph_owned
		owned; /* in ext->owned or ext->watching of who made it */
	struct heph_list by_watched; /* when it is down: in ext->downs */
	struct heph_self *watcher;
	uint64_t by;              /* the id of the watcher; 0: a plain thread */
	struct heph_thread *home; /* of the watcher */
	struct heph_thread *thread; /* of the watched; NULL: not started */
	struct heph_addr who;
	struct heph_exit exit;
	heph_time since; /* it is joined */
	uint64_t number; /* of that wait; 0: nobody has looked at it */
	char name[24];  /* of the watched; only of a link */
	unsigned scope; /* in which it was made; 0: in none */
	uint8_t use;    /* enum heph_watch_use; both sides read it */
	bool left;      /* nobody joins any more */
	bool down;      /* it has come back */
	bool forgotten; /* by the watcher: freed when its cancel comes back */
	bool child;     /* the watched one ends with the watcher */
	bool escalate;  /* the watcher fails too */
	bool dissolved; /* a link that the other one has undone */
	struct heph_child *record; /* of a child in a tree, or NULL */
};

/* A watch that watches nobody yet; NULL: no memory. Then it is started, or
 * attached at the birth of an actor. Monitors and holds are owned. */
struct heph_watch *heph_watch_new(struct heph_self *watcher,
				  enum heph_watch_use use);
void heph_watch_start(struct heph_watch *watch, struct heph_addr who);

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

/* Ends that watch. Returns 0; -ENOENT (there is none). */
int heph_watch_undo(struct heph_self *self, enum heph_watch_use use,
		    struct heph_addr who);

/* 0, or why the actor cannot be watched: -EXDEV (it is of another runtime). */
int heph_watch_possible(struct heph_self *self, struct heph_addr who);

/* Puts a watch into the list of the actor that it is about. Never fails. */
void heph_watch_attach(struct heph_watch *watch, struct heph_self *watched);

/* Puts one that has come back among what heph_on_down() takes. */
void heph_watch_keep_down(struct heph_watch *watch);

/* Sends a watch back to who made it. On the thread of the watched. */
void heph_watch_send_back(struct heph_watch *watch);

/* The actor with that id has ended: tells all that watch it. */
void heph_watches_notify(struct heph_self *self, uint64_t id,
			 const struct heph_exit *exit, bool escalate);

/* Its life has: tells those that are linked. */
void heph_links_notify(struct heph_self *self, const struct heph_exit *exit);

/* A half of a link has come back. On the thread of who made it. */
void heph_link_came_back(struct heph_watch *watch);

/* A hold is being ended. On the thread of who is held, who may be gone. */
void heph_hold_released(struct heph_watch *watch, struct heph_self *held);

/* Whether it is to end because nobody holds it, and it has received all. */
static inline bool heph_hold_is_over(const struct heph_self *self)
{
	return (self->flags & HEPH_FLAG_UNHELD) && !self->last;
}

/* What ends a pause before the next life. Who could begin it only to wait for
 * a message waits for one already: that is how the end of the last hold finds
 * it. */
static inline unsigned heph_pause_ends(const struct heph_self *self)
{
	return HEPH_WAIT_STOP | (self->last ? 0 : HEPH_WAIT_MSG);
}

/* Clauses of heph_wait(). */
int heph_down_ready(heph_ctx ctx, struct heph_clause *clause);
int heph_join_ready(heph_ctx ctx, struct heph_clause *clause);
int heph_join_begin(heph_ctx ctx, struct heph_clause *clause);
void heph_join_end(heph_ctx ctx, struct heph_clause *clause);

#endif
