/* SPDX-License-Identifier: MIT */
#define HEPH_LOG_TARGET "heph.remote"
#include "remote/message.h"

#include <string.h>

#include "remote/calls.h"
#include "remote/format.h"
#include "remote/meet.h"
#include "remote/mem.h"

enum {
	/* before a message */
	SEND_HEAD = HEPH_FRAME_HEAD + HEPH_WIRE_REF + 8,
	CALL_HEAD = SEND_HEAD + 16,
	/* before the value of an answer */
	ANSWER_HEAD = HEPH_FRAME_HEAD + 8,
};

/* ---- references ---------------------------------------------------------------- */

int heph_ref_out(struct heph_peer *peer, const struct heph_remote_actor *remote,
		 struct heph_addr addr, unsigned rights,
		 struct heph_wire_ref *ret_ref)
{
	int err = heph_home_out(peer->node, remote, addr, rights, ret_ref);

	if (err == 0 && ret_ref->node != peer->node->id &&
	    ret_ref->node != peer->id)
		err = heph_meet_introduce(peer, ret_ref->node);
	return err;
}

/* An actor of ours has come home; it may have ended. */
static int come_home(struct heph_peer *peer,
		     const struct heph_remote_actor *remote,
		     const struct heph_wire_ref *ref,
		     struct heph_addr *ret_addr)
{
	struct heph_given *given;
	int err = heph_home_find(peer->node, ref, &given);

	if (err == -ESRCH) { /* all that is left of it is its number */
		*ret_addr = (struct heph_addr){
			.id = ref->id,
			.slot = ref->slot,
			.node = peer->self.addr.node,
		};
		return 0;
	}
	if (err == 0)
		err = heph_home_check(peer->node->home, given, remote);
	if (err == 0)
		*ret_addr = given->addr;
	return err;
}

int heph_ref_in(heph_ctx ctx, struct heph_peer *peer,
		const struct heph_remote_actor *remote,
		const struct heph_wire_ref *ref, struct heph_addr *ret_addr)
{
	struct heph_peer *owner = peer;
	struct heph_imports *imports;
	int err = 0;

	if (ref->node == peer->node->id)
		return come_home(peer, remote, ref, ret_addr);
	if (ref->node != peer->id)
		owner = heph_node_peer_by_id(peer->node, ref->node);
	if (owner && !heph_meet_agrees(peer, owner))
		return -EACCES;
	imports = owner ? owner->imports : NULL;
	if (!imports) {
		owner = NULL;
		err = heph_meet_imports(peer, ref->node, &imports);
	}
	if (err < 0)
		return err;
	return heph_import_get(ctx, imports, owner, remote, ref, owner == peer,
			       ret_addr);
}

int heph_ref_carried(heph_ctx ctx, struct heph_peer *peer,
		     const struct heph_remote_actor *remote,
		     const struct heph_wire_ref *ref,
		     struct heph_addr *ret_addr)
{
	return heph_import_get(ctx, peer->imports, peer, remote, ref, false,
			       ret_addr);
}

/* What the functions that a codec calls must know. */
struct refs {
	struct heph_codec_refs refs;
	heph_ctx ctx;
	struct heph_peer *peer;
	struct heph_outgoing *out;
	struct heph_incoming *in;
	const char *msg;
};

static const struct refs *refs_of(const struct heph_codec_refs *refs)
{
	return (const struct refs *)refs; /* it begins with it */
}

static const struct heph_remote_actor *type_of(const struct heph_field *field)
{
	return field && field->remote ? field->remote() : NULL;
}

static int ref_out(const struct heph_codec_refs *it,
		   const struct heph_field *field, struct heph_addr addr,
		   uint8_t wire[HEPH_WIRE_REF])
{
	struct heph_wire_ref ref;
	int err =
		heph_ref_out(refs_of(it)->peer, type_of(field), addr, 0, &ref);

	if (err == 0)
		heph_wire_ref_write(&ref, wire);
	return err;
}

static int ref_in(const struct heph_codec_refs *it,
		  const struct heph_field *field,
		  const uint8_t wire[HEPH_WIRE_REF], struct heph_addr *ret_addr)
{
	const struct refs *refs = refs_of(it);
	struct heph_wire_ref ref;

	heph_wire_ref_read(wire, &ref);
	return heph_ref_in(refs->ctx, refs->peer, type_of(field), &ref,
			   ret_addr);
}

static int reply_out(const struct heph_codec_refs *it,
		     const struct heph_field *field, struct heph_reply reply,
		     uint64_t *ret_call)
{
	const struct refs *refs = refs_of(it);
	struct heph_outgoing *out = refs->out;
	int err;

	if (!field || out->call)
		return -EINVAL;
	out->reply = reply;
	out->deadline =
		heph_deadline(heph_raw_for_caller(heph_no_ctx(), reply));
	err = heph_calls_add(refs->peer->calls, reply, field, &out->call);
	*ret_call = out->call;
	return err;
}

static int reply_in(const struct heph_codec_refs *it,
		    const struct heph_field *field, uint64_t call,
		    struct heph_reply *member)
{
	const struct refs *refs = refs_of(it);

	if (!field || call != refs->in->call)
		return -EPROTO;
	refs->in->field = field;
	refs->in->reply_at = (size_t)((const char *)member - refs->msg);
	return 0;
}

/* ---- out ------------------------------------------------------------------------ */

static struct refs outgoing(struct heph_peer *peer, struct heph_outgoing *out)
{
	return (struct refs){
		.refs = { .out = ref_out, .reply_out = out ? reply_out : NULL },
		.peer = peer,
		.out = out,
	};
}

static enum heph_format format_of(const struct heph_peer *peer)
{
	return peer->node->config.format;
}

unsigned heph_message_flags(const struct heph_peer *peer)
{
	return format_of(peer) == HEPH_JSON ? HEPH_FRAME_JSON : 0;
}

/* How long is left, for the other side; 0: for ever. */
static uint64_t time_left(heph_time deadline)
{
	heph_time left;

	if (deadline == HEPH_NEVER)
		return 0;
	left = deadline - heph_now();
	return left > 0 ? (uint64_t)left : 1;
}

/* Fills in what stands before a message of `bytes`, which begins after CALL_HEAD; if
 * it is no call it moves up. */
static void put_head(const struct heph_import *import, struct heph_bytes *bytes,
		     struct heph_outgoing *out)
{
	unsigned flags = heph_message_flags(import->peer);
	unsigned char *data = bytes->data, *at = data + HEPH_FRAME_HEAD;

	if (!out->call && import->peer->datagrams)
		flags |= HEPH_FRAME_LOOSE;
	heph_frame_init(data, out->call ? HEPH_FRAME_CALL : HEPH_FRAME_SEND,
			flags, 0);
	heph_wire_ref_write(&import->ref, at);
	at = heph_put_u64(at + HEPH_WIRE_REF, import->hash);
	if (out->call) {
		at = heph_put_u64(at, out->call);
		heph_put_u64(at, time_left(out->deadline));
	} else {
		bytes->size -= CALL_HEAD - SEND_HEAD;
		memmove(data + SEND_HEAD, data + CALL_HEAD,
			bytes->size - SEND_HEAD);
	}
	out->frame = (struct heph_frame){ data, bytes->size };
}

int heph_message_write(struct heph_import *import, const void *msg,
		       struct heph_outgoing *out)
{
	struct refs refs = outgoing(import->peer, out);
	struct heph_codec_error error;
	struct heph_bytes bytes;
	int err = heph_codec_write_behind(CALL_HEAD, import->remote->msg(),
					  format_of(import->peer), msg,
					  &refs.refs, &bytes, &error);

	if (err < 0) {
		heph_log_warn("message cannot travel",
			      HEPH_KV_STR("type", import->remote->name),
			      HEPH_KV_STR("field", error.field),
			      HEPH_KV_STR("why", error.why),
			      HEPH_KV_ERR("err", err));
		out->reply = heph_message_reply(import->remote, msg, NULL);
		return err;
	}
	put_head(import, &bytes, out);
	return out->frame.size <= import->peer->frame_max ? 0 : -EMSGSIZE;
}

int heph_answer_write(struct heph_peer *peer, uint64_t call,
		      const struct heph_field *field, const void *value,
		      struct heph_frame *ret_frame)
{
	struct refs refs = outgoing(peer, NULL);
	struct heph_codec_error error;
	struct heph_bytes bytes;
	int err = heph_codec_answer_behind(ANSWER_HEAD, field, format_of(peer),
					   value, &refs.refs, &bytes, &error);

	if (err < 0)
		return err;
	if (bytes.size > peer->frame_max) {
		heph_remote_mem_free(bytes.data);
		return -EMSGSIZE;
	}
	heph_frame_init(bytes.data, HEPH_FRAME_ANSWER, heph_message_flags(peer),
			0);
	heph_put_u64((unsigned char *)bytes.data + HEPH_FRAME_HEAD, call);
	*ret_frame = (struct heph_frame){ bytes.data, bytes.size };
	return 0;
}

int heph_arg_write(struct heph_peer *peer, const struct heph_codec *codec,
		   size_t head, const void *arg, struct heph_bytes *ret_bytes)
{
	struct refs refs = outgoing(peer, NULL);

	return heph_codec_write_behind(head, codec, format_of(peer), arg,
				       &refs.refs, ret_bytes, NULL);
}

/* ---- whose answer ----------------------------------------------------------------- */

static const struct heph_reply *find_reply(const struct heph_codec *codec,
					   const void *msg, unsigned depth);

static const struct heph_reply *find_in(const struct heph_field *field,
					const void *msg, unsigned depth)
{
	const char *element = heph_field_elements(field, msg);
	size_t n = heph_field_count(field, msg);
	const struct heph_reply *reply = NULL;

	if (field->kind == HEPH_KIND_REPLY) {
		reply = (const void *)element;
		return reply->call ? reply : NULL;
	}
	if (field->kind == HEPH_KIND_STRUCT)
		for (size_t i = 0; i < n && !reply; i++)
			reply = find_reply(field->codec(),
					   element + i * field->size,
					   depth + 1);
	return reply;
}

static const struct heph_reply *find_reply(const struct heph_codec *codec,
					   const void *msg, unsigned depth)
{
	const struct heph_field *field = codec->fields;
	const struct heph_reply *reply = NULL;

	for (unsigned i = 0; i < codec->n && depth < HEPH_CODEC_DEPTH; i++)
		if (field[i].shape != HEPH_SHAPE_LIST && !reply &&
		    heph_field_there(&field[i], msg))
			reply = find_in(&field[i], msg, depth);
	return reply;
}

static int note_reply(const struct heph_codec_refs *refs,
		      const struct heph_field *field, struct heph_reply reply,
		      uint64_t *ret_call)
{
	(void)field;
	refs_of(refs)->out->reply = reply;
	*ret_call = 1;
	return 0;
}

static int note_ref(const struct heph_codec_refs *refs,
		    const struct heph_field *field, struct heph_addr addr,
		    uint8_t wire[HEPH_WIRE_REF])
{
	(void)refs, (void)field, (void)addr;
	memset(wire, 0, HEPH_WIRE_REF);
	return 0;
}

/* What is in a message of somebody's own codec only that one knows. */
static struct heph_reply ask_own(const struct heph_codec *codec,
				 const void *msg)
{
	struct heph_outgoing out = { 0 };
	const struct refs refs = { .refs = { .out = note_ref,
					     .reply_out = note_reply },
				   .out = &out };
	struct heph_bytes bytes;

	if (heph_codec_write(codec, HEPH_CBOR, msg, &refs.refs, &bytes, NULL) ==
	    0)
		heph_remote_mem_free(bytes.data);
	return out.reply;
}

/* Where that one says it is, is not known. */
static size_t search(const struct heph_codec *codec, const char *msg,
		     struct heph_reply reply)
{
	size_t at = 0;

	while (at + sizeof(reply) < codec->size &&
	       memcmp(msg + at, &reply, sizeof(reply)) != 0)
		at += _Alignof(struct heph_reply);
	return at;
}

struct heph_reply heph_message_reply(const struct heph_remote_actor *remote,
				     const void *msg, size_t *ret_at)
{
	const struct heph_codec *codec = remote->msg();
	const struct heph_reply *found;
	struct heph_reply reply = { 0 };
	size_t at = 0;

	if (codec->own) {
		reply = ask_own(codec, msg);
		at = search(codec, msg, reply);
	} else if ((found = find_reply(codec, msg, 0))) {
		reply = *found;
		at = (size_t)((const char *)found - (const char *)msg);
	}
	if (ret_at)
		*ret_at = at;
	return reply;
}

/* ---- in -------------------------------------------------------------------------- */

static struct refs incoming(heph_ctx ctx, struct heph_peer *peer,
			    struct heph_incoming *in, const void *msg)
{
	return (struct refs){
		.refs = { .in = ref_in, .reply_in = in ? reply_in : NULL },
		.ctx = ctx,
		.peer = peer,
		.in = in,
		.msg = msg,
	};
}

static enum heph_format format_by(unsigned flags)
{
	return flags & HEPH_FRAME_JSON ? HEPH_JSON : HEPH_CBOR;
}

int heph_message_read(heph_ctx ctx, struct heph_peer *peer,
		      const struct heph_codec *codec, unsigned flags,
		      const void *data, size_t size, void *msg,
		      struct heph_incoming *in, struct heph_codec_error *error)
{
	struct refs refs = incoming(ctx, peer, in, msg);
	int err = heph_codec_read(codec, format_by(flags), data, size,
				  &refs.refs, msg, error);

	if (err == 0 && !in->call != !in->field) {
		heph_codec_drop(codec, msg);
		err = -EPROTO;
	}
	return err;
}

int heph_answer_read(heph_ctx ctx, struct heph_peer *peer,
		     const struct heph_field *field, unsigned flags,
		     const void *data, size_t size, void *value,
		     struct heph_codec_error *error)
{
	struct refs refs = incoming(ctx, peer, NULL, value);

	return heph_codec_read_answer(field, format_by(flags), data, size,
				      &refs.refs, value, error);
}

int heph_arg_read(heph_ctx ctx, struct heph_peer *peer,
		  const struct heph_codec *codec, unsigned flags,
		  const void *data, size_t size, void *arg)
{
	struct refs refs = incoming(ctx, peer, NULL, arg);

	return heph_codec_read(codec, format_by(flags), data, size, &refs.refs,
			       arg, NULL);
}
