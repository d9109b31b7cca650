/* SPDX-License-Identifier: MIT */
/*
 * child.h - a child and its supervisor, and what they say to each other
 *
 * The record of a child is made by the supervisor when it spawns it, and freed
 * when the child is gone. Between them travel
 *
 *     report  ->  my function has returned, I have given back all: what now?
 *     down    ->  I am gone (the child's watch)
 *     halt    <-  stop, and report
 *     go      <-  begin again; only after a report
 *     end     <-  stop, or do not begin again, and be gone
 *     force   <-  your shields are revoked
 *
 * The report is an event in the record, sent again only after a go. What the
 * supervisor says are bits beside the child's id (refs.c), which may arrive
 * together: so a halt that crosses a report may meet the child together with
 * the go that follows, and be taken for a later one; then the child reports
 * once more that it was halted, and is told to go.
 */
#ifndef HEPH_CORE_CHILD_H
#define HEPH_CORE_CHILD_H

#include <heph/tree.h>

#include "core/self.h"

struct heph_supervisor;
struct heph_watch;

struct heph_child {
	/* the supervisor */
	struct heph_supervisor *supervisor;
	struct heph_watch *watch;
	struct heph_list node;  /* in supervisor->children */
	struct heph_list queue; /* in ->failed or ->pausing, or in none */
	heph_time at;           /* it is not begun again before this */
	unsigned restarts;
	uint8_t state;   /* enum heph_child_state */
	bool in_round;   /* it is begun again with others */
	uint8_t restart; /* enum heph_restart_type */
	size_t size;     /* of this record */

	/* the child, until it reports; then the supervisor */
	struct heph_event report;
	struct heph_exit exit;
	enum heph_verdict wish; /* HEPH_RESTART or HEPH_ESCALATE */
	bool halted;            /* it was told to stop */

	/* the child */
	bool asking;        /* it waits for an answer to its report */
	bool go, halt, end; /* it was told so */

	char name[];
};

/* ---- the supervisor's side ------------------------------------------------- */

/* A record for an actor of that type that is going to be spawned, the last one
 * of its supervisor's children. NULL: no memory. */
struct heph_child *heph_child_new(struct heph_supervisor *supervisor,
				  const struct heph_actor *type,
				  const struct heph_options *options);

/* Frees the record of a child that was not spawned after all. */
void heph_child_forget(struct heph_child *child);

struct heph_addr heph_child_addr(const struct heph_child *child);

/* HEPH_TELL_... */
void heph_child_tell(struct heph_child *child, unsigned what);

/* The child is gone; frees the record. */
void heph_child_down(struct heph_child *child);

/* ---- the child's side ------------------------------------------------------ */

/* Its supervisor has said something. */
void heph_child_told(struct heph_self *self, unsigned what);

/* Waits. Reports, and returns whether to begin again: not if the supervisor
 * says so, nor if it is stopped meanwhile. */
bool heph_child_ask(struct heph_self *self, const struct heph_exit *exit,
		    enum heph_verdict wish);

#endif
