/* SPDX-License-Identifier: MIT */
/*
 * scan.h - receiving the oldest message that matches
 *
 * A scan remembers how far it has looked for one thing, so that the next
 * attempt for the same thing looks only at what has come since. An inbox has a
 * few of them, because heph_wait() may ask for several things in turn.
 */
#ifndef HEPH_CORE_SCAN_H
#define HEPH_CORE_SCAN_H

#include <heph/message.h>

#include "core/inbox.h"

enum { HEPH_SCANS = 4 };

struct heph_scan {
	struct heph_match match; /* size 0: unused */
	/* This message and those before it do not match; NULL: none is known
	 * not to. It is marked. */
	struct heph_msg *seen;
};

struct heph_scans {
	struct heph_scan scans[HEPH_SCANS];
	unsigned next;  /* which is used for the next new thing */
	uint64_t looks; /* at messages, so far */
};

/* Takes the oldest message that matches. Returns 0; -EAGAIN (there is none);
 * -ENOBUFS (there is none, and the inbox is full); -ENOMEM. */
HEPH_MUST int heph_scan_take(struct heph_self *self,
			     const struct heph_match *match, void *ret_msg);

/* A marked message goes away: scans that stand on it stand on the one before it
 * from now on, `to`; NULL: there is none. */
void heph_scans_leave(struct heph_self *self, struct heph_msg *msg,
		      struct heph_msg *to);

#endif
