/* SPDX-License-Identifier: MIT */
/* ctl_answer.h - the answers of the control socket, and what they are made of */
#ifndef HEPH_RT_CTL_ANSWER_H
#define HEPH_RT_CTL_ANSWER_H

#include <heph/inspect.h>

#include "rt/ctl_client.h"

/* All return 0, or `error->err` when nothing, or not the last line, was sent. */
typedef int heph_ctl_answer_fn(struct heph_ctl_client *client,
			       const struct heph_ctl_request *request,
			       struct heph_ctl_error *error);

heph_ctl_answer_fn heph_ctl_list, heph_ctl_tree;       /* ctl_list.c */
heph_ctl_answer_fn heph_ctl_show, heph_ctl_stop_actor; /* ctl_actor.c */
heph_ctl_answer_fn heph_ctl_stats, heph_ctl_cycles;    /* ctl_numbers.c */
heph_ctl_answer_fn heph_ctl_trace;                     /* ctl_trace.c */

/* Sends the last line of an answer, which is taken. 0. */
int heph_ctl_done(struct heph_ctl_client *client, json_t *line);

int heph_ctl_no_memory(struct heph_ctl_error *error);

/* Visits actors, as heph_inspect_from_outside(). */
int heph_ctl_visit(struct heph_ctl_client *client,
		   const struct heph_inspect_filter *filter,
		   heph_inspect_fn *fn, void *arg,
		   struct heph_ctl_error *error);

/* Adds an actor to `stuck`, a list, if it does not come back: other actors of its
 * worker were not seen. */
void heph_ctl_note_stuck(json_t *stuck, const struct heph_actor_info *info);

#endif
