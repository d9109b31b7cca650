/* SPDX-License-Identifier: MIT */
#include "remote/nats_wire.h"

#include <endian.h>
#include <string.h>

#include "remote/mem.h"

enum { FRAMES = 1, END = 2 };
#define MAGIC "HNW1"

/* ---- life ------------------------------------------------------------------------- */

struct heph_nats_wire *heph_nats_wire_new(struct heph_transport *transport,
					  struct heph_nats_link *link)
{
	struct heph_nats_wire *wire = heph_remote_mem_zero(sizeof(*wire));

	if (!wire)
		return NULL;
	wire->base.type = transport->type;
	wire->base.transport = heph_transport_ref(transport);
	wire->base.trust = heph_nats_credentials(link) ? HEPH_TRUST_KEY :
							 HEPH_TRUST_NONE;
	wire->link = heph_nats_link_ref(link);
	heph_nats_unique(link, "wire", wire->own);
	return wire;
}

void heph_nats_wire_free(struct heph_nats_wire *wire)
{
	heph_nats_unsubscribe(wire->sub);
	heph_nats_msg_free(wire->msg);
	heph_nats_link_unref(wire->link);
	heph_transport_free(wire->base.transport);
	heph_remote_mem_free(wire);
}

/* ---- the greeting --------------------------------------------------------------------- */

int heph_nats_wire_hello(const struct heph_nats_wire *wire, const char *subject,
			 struct heph_nats_msg **ret_msg)
{
	size_t size = strlen(MAGIC) + strlen(wire->own);
	int err = heph_nats_msg_new(ret_msg, subject, NULL, NULL, 0, NULL, size);

	if (err == 0) {
		memcpy((*ret_msg)->data, MAGIC, strlen(MAGIC));
		memcpy((*ret_msg)->data + strlen(MAGIC), wire->own,
		       strlen(wire->own));
	}
	return err;
}

/* Only a subject that is made as ours are: a peer may not have us publish to any. */
static bool is_wire(const struct heph_nats_link *link, const char *subject)
{
	const char *prefix = heph_nats_prefix(link);
	size_t n = strlen(prefix);

	return strncmp(subject, prefix, n) == 0 &&
	       strncmp(subject + n, ".wire.", 6) == 0 &&
	       strlen(subject + n + 6) == 22 && !strpbrk(subject + n + 6, ".*> \t\r\n");
}

int heph_nats_wire_greeted(struct heph_nats_wire *wire, const struct heph_nats_msg *msg)
{
	size_t size = msg->size - strlen(MAGIC);

	if (msg->size <= strlen(MAGIC) || size >= sizeof(wire->peer) ||
	    memcmp(msg->data, MAGIC, strlen(MAGIC)) != 0)
		return -EPROTO;
	memcpy(wire->peer, msg->data + strlen(MAGIC), size);
	wire->peer[size] = 0;
	return strlen(wire->peer) == size && is_wire(wire->link, wire->peer) ?
		       0 :
		       -EPROTO;
}

/* ---- sending ------------------------------------------------------------------------------ */

static int msg_new(const struct heph_nats_wire *wire, int kind, size_t size,
		   struct heph_nats_msg **ret_msg)
{
	const uint64_t number = htole64(wire->sent + 1);
	int err = heph_nats_msg_new(ret_msg, wire->peer, wire->own, NULL, 0, NULL,
				    HEPH_NATS_WIRE_HEAD + size);

	if (err == 0) {
		memset((*ret_msg)->data, 0, 4);
		(*ret_msg)->data[0] = (char)kind;
		memcpy((*ret_msg)->data + 4, &number, sizeof(number));
	}
	return err;
}

/* How many of them fit in a message, and its size without the head. */
static size_t fit(const struct iovec *frames, size_t n, size_t *ret_size)
{
	size_t size = 0, i;

	for (i = 0; i < n; i++) {
		size_t more = HEPH_NATS_WIRE_LENGTH + frames[i].iov_len;

		if (i > 0 && size + more > HEPH_NATS_WIRE_PACK)
			break;
		size += more;
	}
	*ret_size = size;
	return i;
}

static int send_some(heph_ctx ctx, struct heph_nats_wire *wire,
		     const struct iovec *frames, size_t n, size_t size)
{
	struct heph_nats_msg *msg;
	int err = msg_new(wire, FRAMES, size, &msg);
	char *at;

	if (err < 0)
		return err;
	at = msg->data + HEPH_NATS_WIRE_HEAD;
	for (size_t i = 0; i < n; i++) {
		const uint32_t length = htole32((uint32_t)frames[i].iov_len);

		memcpy(at, &length, sizeof(length));
		memcpy(at + sizeof(length), frames[i].iov_base, frames[i].iov_len);
		at += sizeof(length) + frames[i].iov_len;
	}
	err = heph_nats_publish(ctx, wire->link, msg);
	if (err < 0)
		heph_nats_msg_free(msg);
	else
		wire->sent++;
	return err == -ESRCH ? -ECONNRESET : err;
}

int heph_nats_wire_send(heph_ctx ctx, struct heph_wire *base,
			const struct iovec *frames, size_t n)
{
	size_t some, size;
	int err = 0;

	for (size_t i = 0; i < n; i++)
		if (frames[i].iov_len == 0 ||
		    frames[i].iov_len > base->transport->frame_max)
			return -EMSGSIZE;
	for (; n > 0 && err == 0; frames += some, n -= some) {
		some = fit(frames, n, &size);
		err = send_some(ctx, (struct heph_nats_wire *)base, frames, some,
				size);
	}
	return err;
}

void heph_nats_wire_end(struct heph_nats_wire *wire)
{
	struct heph_nats_msg *msg;

	if (wire->ended || !wire->peer[0] || msg_new(wire, END, 0, &msg) < 0)
		return;
	wire->ended = true;
	if (heph_nats_try_publish(wire->link, msg) < 0)
		heph_nats_msg_free(msg);
}

/* ---- receiving --------------------------------------------------------------------------------- */

/* Whether it is the next one; what it is. */
static int check(struct heph_nats_wire *wire, const struct heph_nats_msg *msg)
{
	uint64_t number;

	if (heph_nats_msg_nobody(msg))
		return -ECONNRESET;
	if (msg->size < HEPH_NATS_WIRE_HEAD)
		return -EPROTO;
	memcpy(&number, msg->data + 4, sizeof(number));
	if (le64toh(number) != wire->received + 1)
		return -ECONNRESET; /* one was lost */
	wire->received++;
	if (msg->data[0] == FRAMES)
		return 0;
	return msg->data[0] == END ? -ENODATA : -EPROTO;
}

/* The next message becomes the one that frames are lent from. */
static int next_msg(heph_ctx ctx, struct heph_nats_wire *wire)
{
	struct heph_nats_in in;
	int err = heph_chan_recv(ctx, wire->sub->in, &in);

	if (err < 0)
		return err == -EPIPE ? -ECONNRESET : err;
	heph_nats_msg_free(wire->msg);
	wire->msg = in.msg;
	wire->base.came += in.msg->size;
	wire->at = HEPH_NATS_WIRE_HEAD;
	err = check(wire, in.msg);
	if (err < 0) {
		wire->at = in.msg->size;
		wire->ended = true;
	}
	return err;
}

/* Lends the next frame of the message. */
static int cut(struct heph_nats_wire *wire, const void **ret_data)
{
	size_t left = wire->msg->size - wire->at;
	uint32_t size;

	if (left < sizeof(size))
		return -EPROTO;
	memcpy(&size, wire->msg->data + wire->at, sizeof(size));
	size = le32toh(size);
	if (size == 0 || size > left - sizeof(size) || size > INT32_MAX)
		return -EPROTO;
	*ret_data = wire->msg->data + wire->at + sizeof(size);
	wire->at += sizeof(size) + size;
	return (int)size;
}

int heph_nats_wire_recv(heph_ctx ctx, struct heph_wire *base, const void **ret_data)
{
	struct heph_nats_wire *wire = (struct heph_nats_wire *)base;
	int err = 0;

	if (wire->ended)
		return -ENODATA;
	while (err == 0 && (!wire->msg || wire->at == wire->msg->size))
		err = next_msg(ctx, wire);
	return err < 0 ? err : cut(wire, ret_data);
}
