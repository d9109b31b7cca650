/* SPDX-License-Identifier: MIT */
/* message.h - messages and answers as frames, and back */
#ifndef HEPH_REMOTE_MESSAGE_H
#define HEPH_REMOTE_MESSAGE_H

#include "remote/import.h"

/* ---- out ---------------------------------------------------------------------- */

/* A SEND or a CALL that is to leave. */
struct heph_outgoing {
	struct heph_frame frame; /* the caller's; data NULL after errors */
	struct heph_reply reply; /* who calls; call 0: it is sent */
	uint64_t call;           /* its number in the table of the peer; 0: none */
	heph_time deadline;      /* of the caller; HEPH_NEVER */
};

/* Makes a frame of a message, which stays as it is. `out` is filled in as far as it
 * went also after errors: what heph_codec_write() says; -EMSGSIZE (it is larger than
 * the peer takes); -EDQUOT (too many calls). */
int heph_message_write(struct heph_import *import, const void *msg,
		       struct heph_outgoing *out);

/* Whose answer a message asks for; call 0: nobody's. `ret_at`, which may be NULL, is
 * where it is in the message. */
struct heph_reply heph_message_reply(const struct heph_remote_actor *remote,
				     const void *msg, size_t *ret_at);

/* An ANSWER. Returns what heph_codec_write_answer() says; -EMSGSIZE. */
int heph_answer_write(struct heph_peer *peer, uint64_t call,
		      const struct heph_field *field, const void *value,
		      struct heph_frame *ret_frame);

/* ---- in ------------------------------------------------------------------------ */

/* A message that has come. */
struct heph_incoming {
	uint64_t call;                  /* 0: it is sent */
	const struct heph_field *field; /* NULL: it asks for no answer */
	size_t reply_at;                /* in the message */
};

/* Reads a message into `msg`, of the codec's size; it is to be dropped after 0.
 * `in->call` is what its frame says. In the peer's actor. Returns what
 * heph_codec_read() says; -EPROTO (it calls, and the frame does not, or the other way
 * round). */
int heph_message_read(heph_ctx ctx, struct heph_peer *peer,
		      const struct heph_codec *codec, unsigned flags,
		      const void *data, size_t size, void *msg,
		      struct heph_incoming *in, struct heph_codec_error *error);

/* The same for the value of an answer. */
int heph_answer_read(heph_ctx ctx, struct heph_peer *peer,
		     const struct heph_field *field, unsigned flags,
		     const void *data, size_t size, void *value,
		     struct heph_codec_error *error);

/* The flags of a frame that has something in our format. */
unsigned heph_message_flags(const struct heph_peer *peer);

/* The same for the argument of an actor; and one that is to leave, with `head` bytes
 * in front. */
int heph_arg_read(heph_ctx ctx, struct heph_peer *peer,
		  const struct heph_codec *codec, unsigned flags,
		  const void *data, size_t size, void *arg);
int heph_arg_write(struct heph_peer *peer, const struct heph_codec *codec,
		   size_t head, const void *arg, struct heph_bytes *ret_bytes);

/* A reference that has come from a peer: an actor of ours, or a proxy. */
int heph_ref_in(heph_ctx ctx, struct heph_peer *peer,
		const struct heph_remote_actor *remote,
		const struct heph_wire_ref *ref, struct heph_addr *ret_addr);
/* The same of one to an actor of the peer that has come by other means. */
int heph_ref_carried(heph_ctx ctx, struct heph_peer *peer,
		     const struct heph_remote_actor *remote,
		     const struct heph_wire_ref *ref,
		     struct heph_addr *ret_addr);
/* One that goes to it. Who it is of a third node is introduced before. */
int heph_ref_out(struct heph_peer *peer, const struct heph_remote_actor *remote,
		 struct heph_addr addr, unsigned rights,
		 struct heph_wire_ref *ret_ref);

#endif
