/* SPDX-License-Identifier: MIT */
/*
 * tap.h - a line for each message, call and answer that passes a node
 *
 * A tap is a peer that has asked for it, or somebody in this process, with a
 * channel. Lines are made only if there is a tap; one who does not take them loses
 * some, and hears how many.
 */
#ifndef HEPH_REMOTE_TAP_H
#define HEPH_REMOTE_TAP_H

#include "remote/home.h"

enum heph_tap_way { HEPH_TAP_IN, HEPH_TAP_OUT };

enum { HEPH_TAP_LINE = 400, HEPH_TAP_QUEUE = 256 };
struct heph_tap_line {
	char text[HEPH_TAP_LINE];
};
HEPH_CHAN(heph_tap_lines, struct heph_tap_line);

struct heph_tap {
	struct heph_tap *next;
	struct heph_peer *peer; /* who wants it; NULL: somebody here */
	uint64_t number;        /* of its ask */
	heph_tap_lines_sender lines; /* owned */
	uint64_t lost;
};

void heph_tap_line_message(struct heph_peer *peer, enum heph_tap_way way,
			   const struct heph_remote_actor *remote, uint64_t id,
			   const void *msg);
void heph_tap_line_answer(struct heph_peer *peer, enum heph_tap_way way,
			  const struct heph_field *field, uint64_t call,
			  int err);

static inline void heph_tap_message(struct heph_peer *peer,
				    enum heph_tap_way way,
				    const struct heph_remote_actor *remote,
				    uint64_t id, const void *msg)
{
	if (__builtin_expect(peer->node->home->taps != NULL, 0))
		heph_tap_line_message(peer, way, remote, id, msg);
}

static inline void heph_tap_answer(struct heph_peer *peer,
				   enum heph_tap_way way,
				   const struct heph_field *field,
				   uint64_t call, int err)
{
	if (__builtin_expect(peer->node->home->taps != NULL, 0))
		heph_tap_line_answer(peer, way, field, call, err);
}

/* A peer wants to see what passes; and not any more. Return 0; -EEXIST, -ENOMEM. */
int heph_tap_begin(struct heph_peer *peer, uint64_t number);
void heph_tap_end(struct heph_peer *peer, uint64_t number);
void heph_tap_leave(struct heph_peer *peer);

/* Somebody here does; the sender is the tap's after 0. -ENOMEM. */
int heph_tap_here(struct heph_node_state *node, heph_tap_lines_sender lines);

void heph_taps_fini(struct heph_node_state *node);

#endif
