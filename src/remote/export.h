/* SPDX-License-Identifier: MIT */
/*
 * export.h - actors of ours that a peer has a reference to
 *
 * What comes for one is put into its inbox by the peer's own actor, at once, if there
 * is room. Else it waits here, in order, and a stub, an actor of its own, waits for
 * room (stub.h); so nobody else is held up. The peer is told how many messages were
 * taken and sends no more than `window` beyond that.
 */
#ifndef HEPH_REMOTE_EXPORT_H
#define HEPH_REMOTE_EXPORT_H

#include "remote/home.h"

struct heph_waiting; /* a message without room */

struct heph_export {
	struct heph_peer *peer; /* NULL: it has left the table */
	struct heph_addr addr;
	const struct heph_remote_actor *remote; /* NULL: only its life is known */
	uint64_t hash;                          /* of `remote` */
	struct heph_wire_ref ref; /* the latest good one that it was reached by */
	bool monitored;
	bool stubbed; /* a stub waits for room */
	uint64_t received, taken, told; /* messages: so far; in its inbox, or gone;
					 * as the peer knows */
	struct heph_waiting *first, **last;
	unsigned n_waiting; /* `window` at most */
	struct heph_job job; /* there may be room */
	unsigned holds;
};

struct heph_exports {
	struct heph_table by_id; /* struct heph_export by the actor's id */
	struct heph_table calls; /* struct heph_call_in by that of their pending */
	struct heph_call_in *free; /* calls to be used again */
	heph_time reap_after;
	void *msg;                 /* where messages are read, of `msg_size` bytes */
	size_t msg_size;
};

int heph_exports_init(struct heph_peer *peer);
void heph_exports_fini(heph_ctx ctx, struct heph_peer *peer);

/* Room for a message or an answer to be read, which lasts until the next one is. NULL:
 * no memory. */
void *heph_exports_room(struct heph_exports *exports, size_t size);

/* The actor that a peer means. Returns 0; -EACCES, -ESRCH, -EDQUOT, -ENOMEM. */
int heph_export_find(struct heph_peer *peer, const struct heph_wire_ref *ref,
		     struct heph_export **ret_export);

struct heph_export *heph_export_hold(struct heph_export *export);
void heph_export_release(struct heph_export *export);

/* The end of a message of its type; the first one that waits is not there any more. */
void heph_export_drop(const struct heph_export *export, void *msg);
void heph_export_unqueue(struct heph_export *export);

/* All of these: in the peer's actor, and do not wait. Errors end the peer. */

/* MONITOR; STOP. */
int heph_export_monitor(heph_ctx ctx, struct heph_peer *peer,
			struct heph_cut *cut);
int heph_export_stop(struct heph_peer *peer, struct heph_cut *cut);

/* Removes it if its actor has ended and nobody would say so. */
void heph_export_tidy(struct heph_export *export);

/* A monitored actor has ended. */
int heph_export_down(heph_ctx ctx, struct heph_peer *peer,
		     const struct heph_down *down);

#endif
