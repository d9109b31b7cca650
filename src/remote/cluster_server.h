/* SPDX-License-Identifier: MIT */
/*
 * cluster_server.h - who takes part in a subject for an actor
 *
 * A subject has two of the broker's, so that a message which is sent to all is still
 * called of one:
 *
 *     PREFIX.send.SUBJECT   one of each pool (a queue group), and all of a topic
 *     PREFIX.call.SUBJECT   one of all who serve it (a queue group)
 *
 * One actor for each actor that serves: it hands over what came, in order, waits while
 * that one's inbox is full, and sends its answers back when they are there. Calls that are
 * not answered do not hold up what comes after them.
 */
#ifndef HEPH_REMOTE_CLUSTER_SERVER_H
#define HEPH_REMOTE_CLUSTER_SERVER_H

#include "remote/cluster_js.h"
#include "remote/cluster_msg.h"
#include "remote/cluster_shared.h"
#include "remote/nats_link.h"
#include "remote/table.h"

enum { HEPH_SERVED_CALLS = 4096 }; /* that are not answered; then no more are taken */

/* A call that was handed over. */
struct heph_served {
	struct heph_pending pending;
	const struct heph_field *field;
	heph_time deadline; /* then nobody wants the answer; HEPH_NEVER */
	heph_time told;     /* that it is worked on */
	char reply[]; /* the subject that it goes to */
};

struct heph_server {
	struct heph_cluster_part part;
	struct heph_cluster_shared *shared;
	const struct heph_remote_actor *remote;
	struct heph_addr target;
	enum heph_route how;
	char subject[HEPH_JS_NAME + 1];
	bool listed;

	struct heph_nats_sub *sends, *calls;
	uint64_t lost; /* of both, as counted so far */

	/* The message that is next, while there is no room. */
	bool waits, is_call;
	void *msg;                   /* decoded */
	struct heph_cluster_call of; /* which call it is */
	heph_time deadline;
	struct heph_nats_msg *came;  /* what it was decoded of */

	struct heph_table served; /* struct heph_served by the number of the call */
	heph_time swept;
	void *value; /* an answer; of `value_size` bytes */
	size_t value_size;
};

#endif
