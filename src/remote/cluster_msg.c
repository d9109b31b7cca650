/* SPDX-License-Identifier: MIT */
#define HEPH_LOG_TARGET "heph.cluster"
/*
 * Messages as what goes through the broker, and back.
 *
 * A codec asks for references as bytes and must not wait, the node that knows them
 * is asked and answers. So a message with references is gone through twice: the
 * first time to see which there are, the second one with what the node said.
 */
#include <heph/heph.h>

#include <stdlib.h>
#include <string.h>


#include "remote/cluster_msg.h"
#include "remote/frame.h"
#include "remote/mem.h"

/* For the nodes of references that came; others wait meanwhile. Below HEPH_CLUSTER_SILENCE. */
#define CONNECT (2 * HEPH_SEC)

static const char *const magic[HEPH_CLUSTER_KINDS] = { "HMS1", "HAN1", "HBT1" };

int heph_cluster_head_read(const void *data, size_t size,
			   struct heph_cluster_head *ret_head)
{
	const unsigned char *bytes = data;
	struct heph_cut cut = { bytes + 8, bytes + size };
	unsigned kind = 0;

	if (size < HEPH_CLUSTER_HEAD)
		return -EPROTO;
	while (kind < HEPH_CLUSTER_KINDS && memcmp(bytes, magic[kind], 4) != 0)
		kind++;
	if (kind == HEPH_CLUSTER_KINDS || bytes[4] > HEPH_JSON || bytes[5] ||
	    bytes[6] || bytes[7] || heph_cut_u64(&cut, &ret_head->hash) < 0 ||
	    heph_cut_u64(&cut, &ret_head->number) < 0)
		return -EPROTO;
	ret_head->kind = kind;
	ret_head->format = bytes[4];
	ret_head->body = bytes + HEPH_CLUSTER_HEAD;
	ret_head->size = size - HEPH_CLUSTER_HEAD;
	return 0;
}

/* Head and body, on the heap; the body is freed. */
static int put_head(const struct heph_cluster_head *head, struct heph_bytes *body,
		    struct heph_bytes *ret_bytes)
{
	size_t size = HEPH_CLUSTER_HEAD + body->size;
	unsigned char *bytes = heph_remote_mem_alloc(size);

	if (bytes) {
		memset(bytes, 0, HEPH_CLUSTER_HEAD);
		memcpy(bytes, magic[head->kind], 4);
		bytes[4] = (unsigned char)head->format;
		heph_put_u64(bytes + 8, head->hash);
		heph_put_u64(bytes + 16, head->number);
		if (body->size)
			memcpy(bytes + HEPH_CLUSTER_HEAD, body->data, body->size);
	}
	heph_remote_mem_free(body->data);
	*ret_bytes = (struct heph_bytes){ bytes, bytes ? size : 0 };
	return bytes ? 0 : -ENOMEM;
}

/* ---- references ----------------------------------------------------------------------- */

struct known {
	struct heph_addr addr;
	heph_remote_fn *remote;
	uint8_t wire[HEPH_WIRE_REF];
};

/* What the codec asks. In the first pass no reference is known. */
struct asked {
	bool out;
	struct known *known;
	size_t n, room, next;
	bool second;
	const void *msg; /* that is read */
	struct heph_cluster_call call;
};

/* What the codec is given. */
struct asking {
	struct heph_codec_refs refs; /* first */
	struct asked *asked;
};

static struct asked *asked_of(const struct heph_codec_refs *refs)
{
	return ((const struct asking *)refs)->asked;
}

static int note(struct asked *asked, const struct known *one)
{
	if (asked->n == asked->room) {
		size_t room = asked->room ? 2 * asked->room : 4;
		struct known *more = heph_remote_mem_grow(asked->known,
							  room * sizeof(*more));

		if (!more)
			return -ENOMEM;
		asked->known = more;
		asked->room = room;
	}
	asked->known[asked->n++] = *one;
	return 0;
}

static int ref_out(const struct heph_codec_refs *refs, const struct heph_field *field,
		   struct heph_addr addr, uint8_t wire[HEPH_WIRE_REF])
{
	struct asked *asked = asked_of(refs);
	struct known one = { .addr = addr, .remote = field->remote };

	if (!asked->second) {
		memset(wire, 0, HEPH_WIRE_REF);
		return note(asked, &one);
	}
	if (asked->next == asked->n)
		return -EINVAL;
	memcpy(wire, asked->known[asked->next++].wire, HEPH_WIRE_REF);
	return 0;
}

static int ref_in(const struct heph_codec_refs *refs, const struct heph_field *field,
		  const uint8_t wire[HEPH_WIRE_REF], struct heph_addr *ret_addr)
{
	struct asked *asked = asked_of(refs);
	struct known one = { .remote = field->remote };

	if (!asked->second) {
		memcpy(one.wire, wire, HEPH_WIRE_REF);
		memset(ret_addr, 0, sizeof(*ret_addr));
		return note(asked, &one);
	}
	if (asked->next == asked->n)
		return -EINVAL;
	*ret_addr = asked->known[asked->next++].addr;
	return 0;
}

/* The answer finds its way by the subject that it goes to: the number only says that
 * there is somebody who waits. */
static int reply_out(const struct heph_codec_refs *refs, const struct heph_field *field,
		     struct heph_reply reply, uint64_t *ret_call)
{
	struct asked *asked = asked_of(refs);

	asked->call.field = field;
	asked->call.reply = reply;
	*ret_call = 1;
	return 0;
}

static int reply_in(const struct heph_codec_refs *refs, const struct heph_field *field,
		    uint64_t call, struct heph_reply *member)
{
	struct asked *asked = asked_of(refs);

	(void)call;
	asked->call.field = field;
	asked->call.reply_at = (size_t)((const char *)member -
					(const char *)asked->msg);
	return 0;
}

static struct asking asking(struct asked *asked)
{
	const struct heph_codec_refs refs_out = { .out = ref_out,
						  .reply_out = reply_out };
	const struct heph_codec_refs refs_in = { .in = ref_in, .reply_in = reply_in };

	return (struct asking){ asked->out ? refs_out : refs_in, asked };
}

/* Asks the node for what was noted, which is connected to those of references that came. */
static int resolve(heph_ctx ctx, struct heph_cluster_shared *shared, struct asked *asked)
{
	heph_time until = heph_now() + CONNECT;
	int err = 0;

	for (size_t i = 0; i < asked->n && err == 0; i++) {
		struct known *one = &asked->known[i];
		const struct heph_remote_actor *remote =
			one->remote ? one->remote() : NULL;

		err = asked->out ? heph_raw_node_ref_out(ctx, shared->node, remote,
							 one->addr, 0, one->wire) :
				   heph_cluster_reach(ctx, shared, remote, one->wire,
						      until - heph_now(), &one->addr);
	}
	asked->second = true;
	return err;
}

/* ---- messages -------------------------------------------------------------------------- */

/* How long the caller waits from now on; 0: for ever. */
static uint64_t patience(heph_ctx ctx, const struct asked *asked)
{
	heph_time until;

	if (!asked->call.field)
		return 0;
	until = heph_deadline(heph_raw_for_caller(ctx, asked->call.reply));
	if (until == HEPH_NEVER)
		return 0;
	return until > heph_now() ? (uint64_t)(until - heph_now()) : 1;
}

static int write_msg(struct asked *asked, const struct heph_remote_actor *remote,
		     enum heph_format format, const void *msg,
		     struct heph_bytes *ret_body)
{
	const struct asking ask = asking(asked);
	struct heph_codec_error error;
	int err = heph_codec_write(remote->msg(), format, msg, &ask.refs, ret_body,
				   &error);

	if (err < 0)
		heph_log_warn("a message cannot be written",
			      HEPH_KV_STR("type", remote->name),
			      HEPH_KV_STR("field", error.field),
			      HEPH_KV_STR("why", error.why), HEPH_KV_ERR("err", err));
	return err;
}

int heph_cluster_pack(heph_ctx ctx, struct heph_cluster_shared *shared,
		      const struct heph_remote_actor *remote, enum heph_format format,
		      const void *msg, struct heph_bytes *ret_bytes,
		      struct heph_cluster_call *ret_call)
{
	struct heph_cluster_head head = { .format = format };
	struct asked asked = { .out = true };
	struct heph_bytes body = { NULL, 0 };
	int err = write_msg(&asked, remote, format, msg, &body);

	if (err == 0 && asked.n) {
		heph_remote_mem_free(body.data);
		err = resolve(ctx, shared, &asked);
		if (err == 0)
			err = write_msg(&asked, remote, format, msg, &body);
	}
	heph_remote_mem_free(asked.known);
	if (ret_call)
		*ret_call = asked.call;
	if (err < 0)
		return err;
	head.hash = heph_remote_hash(remote);
	head.number = patience(ctx, &asked);
	return put_head(&head, &body, ret_bytes);
}

static int read_msg(struct asked *asked, const struct heph_remote_actor *remote,
		    const struct heph_cluster_head *head, void *ret_msg)
{
	const struct asking ask = asking(asked);
	struct heph_codec_error error;
	int err = heph_codec_read(remote->msg(), head->format, head->body, head->size,
				  &ask.refs, ret_msg, &error);

	if (err < 0)
		heph_log_warn("a message cannot be read",
			      HEPH_KV_STR("type", remote->name),
			      HEPH_KV_STR("field", error.field),
			      HEPH_KV_STR("why", error.why), HEPH_KV_ERR("err", err));
	return err;
}

int heph_cluster_unpack(heph_ctx ctx, struct heph_cluster_shared *shared,
			const struct heph_remote_actor *remote,
			const struct heph_cluster_head *head, void *ret_msg,
			struct heph_cluster_call *ret_call)
{
	struct asked asked = { .msg = ret_msg };
	int err;

	if (head->kind != HEPH_CLUSTER_MESSAGE)
		return -EPROTO;
	if (head->hash != heph_remote_hash(remote))
		return -EPROTOTYPE;
	err = read_msg(&asked, remote, head, ret_msg);
	if (err == 0 && asked.n) {
		heph_codec_drop(remote->msg(), ret_msg);
		err = resolve(ctx, shared, &asked);
		if (err == 0)
			err = read_msg(&asked, remote, head, ret_msg);
	}
	heph_remote_mem_free(asked.known);
	if (ret_call)
		*ret_call = asked.call;
	return err;
}

/* ---- answers ----------------------------------------------------------------------------- */

int heph_cluster_pack_answer(heph_ctx ctx, struct heph_cluster_shared *shared,
			     const struct heph_field *field, enum heph_format format,
			     const void *value, struct heph_bytes *ret_bytes)
{
	struct heph_cluster_head head = { .kind = HEPH_CLUSTER_ANSWER,
					  .format = format };
	struct asked asked = { .out = true };
	const struct asking ask = asking(&asked);
	struct heph_bytes body = { NULL, 0 };
	int err = heph_codec_write_answer(field, format, value, &ask.refs, &body,
					  NULL);

	if (err == 0 && asked.n) {
		heph_remote_mem_free(body.data);
		err = resolve(ctx, shared, &asked);
		if (err == 0)
			err = heph_codec_write_answer(field, format, value,
						      &ask.refs, &body, NULL);
	}
	heph_remote_mem_free(asked.known);
	return err < 0 ? err : put_head(&head, &body, ret_bytes);
}

int heph_cluster_pack_refusal(int err, struct heph_bytes *ret_bytes)
{
	struct heph_cluster_head head = { .kind = HEPH_CLUSTER_ANSWER,
					  .number = (uint64_t)-err };
	struct heph_bytes body = { NULL, 0 };

	return put_head(&head, &body, ret_bytes);
}

int heph_cluster_pack_beat(struct heph_bytes *ret_bytes)
{
	struct heph_cluster_head head = { .kind = HEPH_CLUSTER_BEAT };
	struct heph_bytes body = { NULL, 0 };

	return put_head(&head, &body, ret_bytes);
}

int heph_cluster_unpack_answer(heph_ctx ctx, struct heph_cluster_shared *shared,
			       const struct heph_field *field,
			       const struct heph_cluster_head *head, void *ret_value)
{
	struct asked asked = { 0 };
	const struct asking ask = asking(&asked);
	int err;

	if (head->kind != HEPH_CLUSTER_ANSWER)
		return -EPROTO;
	err = heph_codec_read_answer(field, head->format, head->body, head->size,
				     &ask.refs, ret_value, NULL);
	if (err == 0 && asked.n) {
		err = resolve(ctx, shared, &asked);
		if (err == 0)
			err = heph_codec_read_answer(field, head->format, head->body,
						     head->size, &ask.refs,
						     ret_value, NULL);
	}
	heph_remote_mem_free(asked.known);
	return err;
}
