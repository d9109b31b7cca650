/* SPDX-License-Identifier: MIT */
/*
 * cluster_msg.h - messages of actors as what goes through the broker, and back
 *
 * The payload is a head and what the codec makes. Numbers are little-endian:
 *
 *     0  magic    4 bytes: a message "HMS1", an answer "HAN1", "HBT1": the answer
 *                 is worked on
 *     4  format   1 byte, enum heph_format
 *     5  zero     3 bytes
 *     8  hash     8 bytes: heph_remote_hash() of the type; of an answer 0
 *     16 number   8 bytes: ns that the caller still waits, 0: for ever; of an answer
 *                 0, or the errno that the call was refused with
 */
#ifndef HEPH_REMOTE_CLUSTER_MSG_H
#define HEPH_REMOTE_CLUSTER_MSG_H

#include <heph/remote/cluster.h>

#include "remote/cluster_shared.h"

enum { HEPH_CLUSTER_HEAD = 24 };

/* Who works on a call says so each HEPH_CLUSTER_ALIVE; then he is taken for gone. */
#define HEPH_CLUSTER_ALIVE HEPH_SEC
#define HEPH_CLUSTER_SILENCE (4 * HEPH_SEC)

enum heph_cluster_payload_kind {
	HEPH_CLUSTER_MESSAGE,
	HEPH_CLUSTER_ANSWER,
	HEPH_CLUSTER_BEAT,
	HEPH_CLUSTER_KINDS,
};

struct heph_cluster_head {
	enum heph_cluster_payload_kind kind;
	enum heph_format format;
	uint64_t hash, number;
	const unsigned char *body; /* within what was read */
	size_t size;
};

/* Returns 0; -EPROTO: this is not ours. */
int heph_cluster_head_read(const void *data, size_t size,
			   struct heph_cluster_head *ret_head);

/* The call that a message is: the member it is answered by, and where that is. */
struct heph_cluster_call {
	const struct heph_field *field; /* NULL: it is none */
	struct heph_reply reply;        /* of a message that leaves */
	size_t reply_at;                /* of one that has come */
};

/*
 * Waits, for the node, if the message has references. Makes a payload of a message,
 * which stays the caller's; its head says how long the caller waits. `ret_call` may be
 * NULL: then it is no call, whatever it says. Returns 0; what heph_codec_write() does and
 * heph_raw_node_ref_out(); -ETIME, -ECANCELED.
 */
HEPH_MUST int heph_cluster_pack(heph_ctx ctx, struct heph_cluster_shared *shared,
				const struct heph_remote_actor *remote,
				enum heph_format format, const void *msg,
				struct heph_bytes *ret_bytes,
				struct heph_cluster_call *ret_call);

/*
 * Waits likewise. Makes a message of what came. Returns 0, and the message is the
 * caller's; -EPROTO (not ours); -EPROTOTYPE (of another type, or declared
 * differently there); what heph_codec_read() does and heph_cluster_reach();
 * -ETIME, -ECANCELED.
 */
HEPH_MUST int heph_cluster_unpack(heph_ctx ctx, struct heph_cluster_shared *shared,
				  const struct heph_remote_actor *remote,
				  const struct heph_cluster_head *head, void *ret_msg,
				  struct heph_cluster_call *ret_call);

/* The same for the answer to a call of that field; `value` has at least
 * heph_codec_answer_size() bytes. The payload of a refusal has no body. */
HEPH_MUST int heph_cluster_pack_answer(heph_ctx ctx, struct heph_cluster_shared *shared,
				       const struct heph_field *field,
				       enum heph_format format, const void *value,
				       struct heph_bytes *ret_bytes);
HEPH_MUST int heph_cluster_pack_refusal(int err, struct heph_bytes *ret_bytes);
HEPH_MUST int heph_cluster_pack_beat(struct heph_bytes *ret_bytes);
HEPH_MUST int heph_cluster_unpack_answer(heph_ctx ctx, struct heph_cluster_shared *shared,
					 const struct heph_field *field,
					 const struct heph_cluster_head *head,
					 void *ret_value);

#endif
