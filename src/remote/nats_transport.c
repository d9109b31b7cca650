/* SPDX-License-Identifier: MIT */
/*
 * NATS as a transport: a door is a subject, PREFIX.node.NAME.
 *
 * Who connects subscribes to a subject of his own first, and then asks the door; who
 * accepts does the same, and then answers. So nothing is published before there is
 * somebody who gets it.
 */
#include "remote/mem.h"
#include "remote/nats_wire.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

/* Messages that wait here. One more for a wire is the end of it; but a session does not
 * have so many under way. */
enum { DOOR = 1024, WIRE = 8192 };

struct nats_transport {
	struct heph_transport base;
	struct heph_nats_link *link;
};

/* Belongs to the actor that listens. */
struct heph_door {
	struct heph_ending ending;
	struct nats_transport *transport;
	struct heph_nats_sub *sub;
};

/* ---- subjects ---------------------------------------------------------------------- */

/* "." would divide a subject; "=" is in no name of a node. */
static int subject_of(const struct heph_nats_link *link, const char *name,
		      char ret_subject[HEPH_NATS_SUBJECT_MAX])
{
	size_t n = strlen(name);
	char *at;

	if (n == 0 || n > HEPH_NODE_NAME_MAX)
		return -EINVAL;
	at = ret_subject + snprintf(ret_subject, HEPH_NATS_SUBJECT_MAX,
				    "%s.node.", heph_nats_prefix(link));
	for (; *name; name++) {
		if (!isalnum((unsigned char)*name) && !strchr("-_.", *name))
			return -EINVAL;
		*at++ = *name == '.' ? '=' : *name;
	}
	*at = 0;
	return 0;
}

/* ---- doors ---------------------------------------------------------------------------- */

static void free_door(struct heph_door *door)
{
	heph_nats_unsubscribe(door->sub);
	heph_transport_free(&door->transport->base);
	heph_remote_mem_free(door);
}

static void end_door(heph_ctx ctx, struct heph_ending *ending)
{
	(void)ctx;
	free_door((struct heph_door *)ending);
}

/* Waits until the broker has what went before on this connection: it says that nobody
 * has subscribed to what nobody else knows. So who asks from now on finds us. */
static int settle(heph_ctx ctx, struct heph_nats_link *link)
{
	char subject[HEPH_NATS_SUBJECT_MAX];
	struct heph_nats_msg *msg, *answer;
	int err;

	heph_nats_unique(link, "settle", subject);
	err = heph_nats_msg_new(&msg, subject, NULL, NULL, 0, NULL, 0);
	if (err == 0)
		err = heph_nats_request(heph_within(ctx, heph_nats_wait(link)),
					link, msg, &answer);
	if (err == 0)
		heph_nats_msg_free(answer);
	return err == -ESRCH ? 0 : err;
}

static int nats_listen(heph_ctx ctx, struct heph_transport *base, const char *where,
		       struct heph_door **ret_door, char ret_where[HEPH_WHERE_MAX])
{
	struct nats_transport *transport = (struct nats_transport *)base;
	struct heph_door *door = heph_remote_mem_zero(sizeof(*door));
	char subject[HEPH_NATS_SUBJECT_MAX];
	int err = door ? subject_of(transport->link, where, subject) : -ENOMEM;

	if (err < 0) {
		heph_remote_mem_free(door);
		return err;
	}
	heph_transport_ref(base);
	door->transport = transport;
	err = heph_nats_subscribe(ctx, transport->link, subject, NULL, DOOR,
				  &door->sub);
	if (err == 0)
		err = settle(ctx, transport->link);
	if (err == 0)
		err = heph_ending_set(ctx, &door->ending, end_door);
	if (err < 0) {
		free_door(door);
		return err;
	}
	*ret_door = door;
	strcpy(ret_where, where);
	return 0;
}

static void nats_close_door(heph_ctx ctx, struct heph_door *door)
{
	(void)ctx;
	heph_ending_clear(&door->ending);
	free_door(door);
}

static int nats_accept(heph_ctx ctx, struct heph_door *door,
		       struct heph_wire **ret_wire)
{
	struct heph_nats_wire *wire;
	struct heph_nats_in in;
	int err = heph_chan_recv(ctx, door->sub->in, &in);

	if (err < 0)
		return err == -EPIPE ? -ECONNABORTED : err;
	wire = heph_nats_wire_new(&door->transport->base, door->transport->link);
	err = wire ? heph_nats_wire_greeted(wire, in.msg) : -EAGAIN;
	if (err == 0 &&
	    heph_nats_below(door->transport->link, "inbox", in.msg->reply) &&
	    strlen(in.msg->reply) < sizeof(wire->reply)) {
		strcpy(wire->reply, in.msg->reply);
		snprintf(wire->base.where, sizeof(wire->base.where), "%.*s",
			 HEPH_WHERE_MAX - 1, wire->peer);
		*ret_wire = &wire->base;
		wire = NULL;
	} else {
		err = -EAGAIN;
	}
	heph_nats_msg_free(in.msg);
	if (wire)
		heph_nats_wire_free(wire);
	return err;
}

/* ---- connecting --------------------------------------------------------------------------- */

/* Asks at the door. */
static int ask(heph_ctx ctx, struct heph_nats_wire *wire)
{
	struct heph_nats_msg *msg, *answer;
	char door[HEPH_NATS_SUBJECT_MAX];
	int err = subject_of(wire->link, wire->base.where, door);

	if (err == 0)
		err = heph_nats_wire_hello(wire, door, &msg);
	if (err < 0)
		return err;
	err = heph_nats_request(heph_within(ctx, heph_nats_wait(wire->link)),
				wire->link, msg, &answer);
	if (err < 0)
		return err == -ESRCH ? -EHOSTDOWN : err;
	err = answer->size == 0 ? -ECONNREFUSED :
				  heph_nats_wire_greeted(wire, answer);
	heph_nats_msg_free(answer);
	return err;
}

/* Does not wait: it is the receiver who asks. */
static int nats_connect(heph_ctx ctx, struct heph_transport *base, const char *where,
			struct heph_wire **ret_wire)
{
	struct nats_transport *transport = (struct nats_transport *)base;
	char door[HEPH_NATS_SUBJECT_MAX];
	struct heph_nats_wire *wire;
	int err = subject_of(transport->link, where, door);

	(void)ctx;
	if (err == 0 && !heph_nats_connected(transport->link))
		err = -ENETDOWN;
	if (err < 0)
		return err;
	wire = heph_nats_wire_new(base, transport->link);
	if (!wire)
		return -ENOMEM;
	strcpy(wire->base.where, where);
	*ret_wire = &wire->base;
	return 0;
}

/* ---- wires ------------------------------------------------------------------------------------- */

static void end_wire(heph_ctx ctx, struct heph_ending *ending)
{
	struct heph_nats_wire *wire =
		(struct heph_nats_wire *)((char *)ending -
					  offsetof(struct heph_nats_wire, ending));

	(void)ctx;
	heph_nats_wire_end(wire);
	heph_nats_wire_free(wire);
}

/* Tells who asked at the door: our subject; NULL: refused. */
static int answer(heph_ctx ctx, struct heph_nats_wire *wire, bool accepted)
{
	struct heph_nats_msg *msg;
	int err = accepted ? heph_nats_wire_hello(wire, wire->reply, &msg) :
			     heph_nats_msg_new(&msg, wire->reply, NULL, NULL, 0,
					       NULL, 0);

	wire->reply[0] = 0;
	if (err < 0)
		return err;
	err = accepted ? heph_nats_publish(ctx, wire->link, msg) :
			 heph_nats_try_publish(wire->link, msg);
	if (err < 0)
		heph_nats_msg_free(msg);
	return err;
}

static int nats_open(heph_ctx ctx, struct heph_wire *base)
{
	struct heph_nats_wire *wire = (struct heph_nats_wire *)base;
	int err = heph_nats_subscribe(ctx, wire->link, wire->own, NULL, WIRE,
				      &wire->sub);

	if (err == 0) {
		if (wire->reply[0])
			err = answer(ctx, wire, true);
		else
			err = ask(ctx, wire);
	}
	if (err == 0)
		err = heph_ending_set(ctx, &wire->ending, end_wire);
	return err == -ESRCH ? -ENETDOWN : err;
}

static int nats_open_sender(heph_ctx ctx, struct heph_wire *base)
{
	(void)ctx, (void)base;
	return 0;
}

static void nats_close_sender(heph_ctx ctx, struct heph_wire *base)
{
	(void)ctx;
	heph_nats_wire_end((struct heph_nats_wire *)base);
}

static void nats_close(heph_ctx ctx, struct heph_wire *base)
{
	struct heph_nats_wire *wire = (struct heph_nats_wire *)base;

	heph_ending_clear(&wire->ending);
	if (wire->reply[0])
		(void)!answer(ctx, wire, false);
	else
		heph_nats_wire_end(wire);
	heph_nats_wire_free(wire);
}

/* ---- the transport ------------------------------------------------------------------------------- */

static void nats_free(struct heph_transport *base)
{
	struct nats_transport *transport = (struct nats_transport *)base;

	heph_nats_link_unref(transport->link);
	heph_remote_mem_free(transport);
}

static const struct heph_transport_type transport_type = {
	.name = "nats",
	.listen = nats_listen,
	.accept = nats_accept,
	.close_door = nats_close_door,
	.connect = nats_connect,
	.open = nats_open,
	.open_sender = nats_open_sender,
	.send = heph_nats_wire_send,
	.recv = heph_nats_wire_recv,
	.close_sender = nats_close_sender,
	.close = nats_close,
	.free = nats_free,
};

int heph_nats_transport_new(heph_ctx ctx, heph_nats nats,
			    struct heph_transport **ret_transport)
{
	struct nats_transport *transport = heph_remote_mem_zero(sizeof(*transport));
	int err = transport ? heph_nats_link_of(ctx, nats, &transport->link) : -ENOMEM;

	if (err < 0) {
		heph_remote_mem_free(transport);
		return err;
	}
	heph_transport_init(&transport->base, &transport_type,
			    heph_nats_payload_max(transport->link) -
				    HEPH_NATS_WIRE_HEAD - HEPH_NATS_WIRE_LENGTH);
	*ret_transport = &transport->base;
	return 0;
}
