/* SPDX-License-Identifier: MIT */
/* cluster_ask.h - asking JetStream, and waiting for what it says */
#ifndef HEPH_REMOTE_CLUSTER_ASK_H
#define HEPH_REMOTE_CLUSTER_ASK_H

#include "remote/cluster_js.h"
#include "remote/nats_link.h"

/* The message that asks this. NULL: no memory. */
struct heph_nats_msg *heph_cluster_asking(const struct heph_js_request *request);

/*
 * Waits, for each attempt as long as the connection waits. Sends a message that wants an
 * answer, which is given away, and reads it. Returns what heph_js_answer() does; -ENOMEM
 * also for `msg` NULL; -ESRCH (nobody is there to answer); -ETIME, -ECANCELED, -EMSGSIZE.
 */
HEPH_MUST int heph_cluster_ask(heph_ctx ctx, struct heph_nats_link *link,
			       struct heph_nats_msg *msg,
			       struct heph_js_answer *ret_answer);

/*
 * Waits. Has the stream and the consumer of an inbox made, or given these settings if they
 * are there, and the stream of what is given up. Returns what heph_cluster_ask() does; -ENOTSUP (there is no JetStream).
 */
HEPH_MUST int heph_cluster_make_inbox(heph_ctx ctx, struct heph_nats_link *link,
				      const char *name,
				      const struct heph_durable_config *config,
				      unsigned replicas,
				      struct heph_js_consumer *ret_consumer);

#endif
