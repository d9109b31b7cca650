/* SPDX-License-Identifier: MIT */
/*
 * The messages of an inbox are linked in one direction, the oldest first, so a
 * scan keeps the last message that it has looked at, and finds the one before
 * the match when it goes on from there.
 *
 * What was looked at stays as it is until the message that a scan stands on is
 * received. That one carries a mark, in a number that receiving looks at
 * anyway; so who never uses a scan pays nothing.
 */
#include "core/scan.h"

#include <string.h>

#include "core/wait.h"

static void mark(struct heph_msg *msg)
{
	if (!heph_msg_marked(msg))
		msg->reply_at ^= HEPH_MSG_MARK;
}

static void unmark(struct heph_msg *msg)
{
	if (heph_msg_marked(msg))
		msg->reply_at ^= HEPH_MSG_MARK;
}

static void stand_on(struct heph_scan *scan, struct heph_msg *msg)
{
	scan->seen = msg;
	if (msg)
		mark(msg);
}

void heph_scans_leave(struct heph_self *self, struct heph_msg *msg,
		      struct heph_msg *to)
{
	struct heph_scans *scans = self->ext->scans;

	for (unsigned n = 0; n < HEPH_SCANS; n++)
		if (scans->scans[n].seen == msg)
			stand_on(&scans->scans[n], to);
	unmark(msg);
}

static struct heph_scans *scans_of(struct heph_self *self)
{
	struct heph_ext *ext = heph_self_extend(self);

	if (ext && !ext->scans) {
		ext->scans = heph_pool_take(&self->thread->pool,
					    sizeof(*ext->scans));
		if (ext->scans)
			*ext->scans = (struct heph_scans){ .next = 0 };
	}
	return ext ? ext->scans : NULL;
}

static bool same(const struct heph_match *a, const struct heph_match *b)
{
	return a->at == b->at && a->size == b->size && a->value == b->value;
}

/* The scan for that, or a new one in the place of the oldest. */
static struct heph_scan *scan_for(struct heph_scans *scans,
				  const struct heph_match *match)
{
	struct heph_scan *scan;

	for (unsigned n = 0; n < HEPH_SCANS; n++)
		if (same(&scans->scans[n].match, match))
			return &scans->scans[n];
	scan = &scans->scans[scans->next++ % HEPH_SCANS];
	*scan = (struct heph_scan){ .match = *match };
	return scan;
}

static bool matches(const struct heph_msg *msg, const struct heph_match *match)
{
	return !memcmp(msg->data + match->at, &match->value, match->size);
}

/* The message before the oldest that matches; before the oldest of all that is
 * the last one. NULL: none matches. */
static struct heph_msg *find(struct heph_self *self, struct heph_scans *scans,
			     struct heph_scan *scan)
{
	struct heph_msg *before = scan->seen ? scan->seen : self->last;

	if (scan->seen == self->last)
		return NULL; /* nothing new */
	do {
		scans->looks++;
		if (matches(before->next, &scan->match))
			return before;
		before = before->next;
	} while (before != self->last);
	return NULL;
}

static void take_after(struct heph_self *self, struct heph_msg *before,
		       bool is_first, void *ret_msg)
{
	struct heph_msg *msg = before->next;

	if (heph_msg_marked(msg))
		heph_scans_leave(self, msg, is_first ? NULL : before);
	before->next = msg->next;
	if (msg == self->last)
		self->last = msg == before ? NULL : before;
	self->n--;
	heph_inbox_hand_over(self, msg, ret_msg);
}

int heph_scan_take(struct heph_self *self, const struct heph_match *match,
		   void *ret_msg)
{
	struct heph_scans *scans;
	struct heph_scan *scan;
	struct heph_msg *before;
	bool is_first;

	heph_assert(match->size && match->size <= sizeof(match->value) &&
		    match->at + match->size <= heph_type_of(self)->msg_size);
	if (!self->last)
		return -EAGAIN;
	scans = scans_of(self);
	if (!scans)
		return -ENOMEM;
	scan = scan_for(scans, match);
	before = find(self, scans, scan);
	if (!before) {
		stand_on(scan, self->last);
		return heph_inbox_full(self) ? -ENOBUFS : -EAGAIN;
	}
	is_first = before == self->last;
	stand_on(scan, is_first ? NULL : before);
	take_after(self, before, is_first, ret_msg);
	return 0;
}

int heph_raw_recv_where(heph_ctx ctx, struct heph_inbox *inbox, void *ret_msg,
			size_t size, const struct heph_match *match)
{
	struct heph_self *self = (struct heph_self *)inbox;
	int err = heph_wait_allowed(ctx), got;

	heph_inbox_check(ctx, self);
	heph_assert(size == heph_type_of(self)->msg_size);
	if (err < 0)
		return err;
	while ((got = heph_scan_take(self, match, ret_msg)) == -EAGAIN) {
		if (err < 0)
			return err;
		err = heph_wait_about(ctx, HEPH_WAIT_MSG, NULL);
		if (err < 0 && err != -ETIME)
			return err;
	}
	if (got == 0)
		heph_worker_spend(self);
	return got;
}

int heph_raw_try_recv_where(struct heph_inbox *inbox, void *ret_msg,
			    size_t size, const struct heph_match *match)
{
	struct heph_self *self = (struct heph_self *)inbox;

	heph_assert(size == heph_type_of(self)->msg_size);
	return heph_scan_take(self, match, ret_msg);
}
