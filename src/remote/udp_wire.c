/* SPDX-License-Identifier: MIT */
#define HEPH_LOG_TARGET "heph.remote"
#include "remote/udp_wire.h"

#include <heph/log.h>

#include <string.h>

#include "remote/mem.h"
#include "remote/udp_door.h"

/* So often who waits looks whether the wire may go on. */
#define TICK HEPH_SEC

void heph_udp_frame_drop(struct heph_udp_frame *frame)
{
	heph_remote_mem_free(frame->data);
	frame->data = NULL;
}

/* ---- making one -------------------------------------------------------------------- */

static enum heph_trust trust_of(const struct heph_udp *udp,
				const struct heph_udp_wire *wire)
{
	if (!udp->plain)
		return wire->names[0] ? HEPH_TRUST_NAME : HEPH_TRUST_KEY;
	return heph_udp_is_loopback(&wire->peer) ? HEPH_TRUST_HOST :
						   HEPH_TRUST_NONE;
}

static void describe(struct heph_udp *udp, struct heph_udp_wire *wire)
{
	char text[HEPH_ADDRESS_MAX] = "";

	if (heph_address_print(&wire->peer, text) < 0)
		text[0] = 0;
	strcpy(wire->wire.where, text);
	wire->wire.type = &heph_udp_type;
	wire->wire.transport = heph_transport_ref(&udp->transport);
	wire->wire.trust = trust_of(udp, wire);
	wire->wire.names = wire->names;
}

int heph_udp_wire_new(struct heph_udp *udp, const struct heph_address *peer,
		      const struct heph_udp_secret *key, unsigned generation,
		      struct heph_udp_box *box, struct heph_udp_wire **ret_wire)
{
	struct heph_udp_wire *wire = heph_remote_mem_zero(sizeof(*wire));

	if (!wire)
		return -ENOMEM;
	wire->out = heph_remote_mem_alloc(udp->datagram);
	if (!wire->out) {
		heph_remote_mem_free(wire);
		return -ENOMEM;
	}
	wire->box = *box;
	heph_udp_box_fini(box);
	wire->box.plain = udp->plain;
	wire->box.rekey = udp->rekey;
	wire->peer = *peer;
	wire->key = key->id;
	wire->generation = generation;
	memcpy(wire->names, key->names, sizeof(wire->names));
	describe(udp, wire);
	*ret_wire = wire;
	return 0;
}

static void discard(struct heph_udp_lent *lent)
{
	if (lent->there)
		heph_fd_discard(lent->handle);
	lent->there = false;
}

void heph_udp_wire_free(struct heph_udp_wire *wire)
{
	discard(&wire->out_lent);
	discard(&wire->in_lent);
	heph_udp_reader_free(wire->reader);
	heph_udp_frame_drop(&wire->current);
	heph_chan_free(wire->tx);
	heph_chan_free(wire->rx);
	heph_udp_box_fini(&wire->box);
	heph_remote_mem_free(wire->out);
	heph_transport_free(wire->wire.transport);
	heph_remote_mem_free(wire);
}

/* ---- descriptors -------------------------------------------------------------------- */

static int lend(heph_ctx ctx, heph_fd fd, struct heph_udp_lent *lent)
{
	int err = heph_fd_give(ctx, fd, &lent->handle);

	if (err < 0)
		heph_close(fd);
	lent->there = err == 0;
	return err;
}

static int take(heph_ctx ctx, struct heph_udp_lent *lent, heph_fd *ret_fd)
{
	int err = lent->there ? heph_fd_take(ctx, lent->handle, ret_fd) :
				-EBADF;

	if (err == 0)
		lent->there = false;
	return err;
}

int heph_udp_wire_lend(heph_ctx ctx, struct heph_udp_wire *wire, heph_fd fd)
{
	heph_fd copy;
	int err = heph_fd_duplicate(ctx, fd, &copy);

	return err < 0 ? err : lend(ctx, copy, &wire->out_lent);
}

/* ---- whether it goes on ---------------------------------------------------------------- */

static int look_up_key(struct heph_udp_wire *wire)
{
	struct heph_udp_keys *keys = heph_udp_keys_now(
		heph_udp_of(wire->wire.transport), &wire->generation);

	if (!heph_udp_keys_find(keys, wire->key))
		wire->err = -EKEYREVOKED;
	heph_udp_keys_unref(keys);
	return wire->err;
}

int heph_udp_wire_check(struct heph_udp_wire *wire)
{
	const struct heph_udp *udp = heph_udp_of(wire->wire.transport);

	if (wire->err == 0 && wire->generation != heph_udp_generation(udp))
		return look_up_key(wire);
	return wire->err;
}

/* ---- what comes -------------------------------------------------------------------------- */

/* The peer has another address now: who is in between, or it has moved. Only its newest
 * word says so. */
static void follow(struct heph_udp_wire *wire, const struct heph_address *from)
{
	char text[HEPH_ADDRESS_MAX] = "";

	if (wire->box.plain || !wire->door || !from->size ||
	    heph_address_same(&wire->peer, from))
		return;
	wire->peer = *from;
	if (heph_address_print(from, text) == 0)
		strcpy(wire->wire.where, text);
}

int heph_udp_wire_take(struct heph_udp_wire *wire, heph_time now,
		       const struct heph_udp_datagram *datagram)
{
	struct heph_udp *udp = heph_udp_of(wire->wire.transport);
	enum heph_udp_type type = datagram->size ? datagram->data[0] : 0;
	int n = heph_udp_wire_check(wire);
	bool newest;

	if (n == 0)
		n = heph_udp_box_open(&wire->box, now, datagram->data,
				      datagram->size, &newest);
	if (n < 0) {
		heph_udp_refuse(udp, n, &datagram->from);
		return -EAGAIN;
	}
	wire->heard = true;
	wire->wire.came += datagram->size;
	if (newest)
		follow(wire, &datagram->from);
	if (type == HEPH_UDP_DATA)
		return n;
	if (type != HEPH_UDP_CLOSE)
		return -EAGAIN;
	wire->over = true;
	wire->err = -ENODATA;
	return -ENODATA;
}

int heph_udp_wire_farewell(struct heph_udp_wire *wire,
			   uint8_t ret_data[HEPH_UDP_OVERHEAD])
{
	int n;

	if (wire->over)
		return 0;
	wire->over = true;
	n = heph_udp_box_seal(&wire->box, heph_now(), HEPH_UDP_CLOSE, NULL, 0,
			      ret_data);
	return n < 0 ? 0 : n;
}

/* ---- receiving: from a socket of its own ---------------------------------------------------- */

static int give_early(struct heph_udp_wire *wire, const void **ret_data)
{
	*ret_data = wire->early.data;
	wire->early.data = NULL;
	return (int)wire->early.size;
}

/* What came back about something that was sent says nothing: anybody could have made
 * it. The peer is heard, or it is not. */
static bool passing(int err)
{
	return err == -ECONNREFUSED || err == -EHOSTUNREACH ||
	       err == -ENETUNREACH || err == -ENETDOWN || err == -EPROTO ||
	       err == -EMSGSIZE || err == -ECONNRESET || err == -ENOPROTOOPT ||
	       err == -EHOSTDOWN || err == -EACCES || err == -EPERM;
}

static int recv_own(heph_ctx ctx, struct heph_udp_wire *wire,
		    const void **ret_data)
{
	struct heph_udp_datagram datagram;
	int n = heph_udp_reader_next(ctx, wire->in_fd, wire->reader, &datagram);

	if (n == -EAGAIN) {
		n = heph_wait(ctx, heph_on_readable(wire->in_fd),
			      heph_on_time(heph_now() + TICK));
		return n < 0 ? n : -EAGAIN;
	}
	if (n < 0)
		return passing(n) ? -EAGAIN : n;
	n = heph_udp_wire_take(wire, heph_now(), &datagram);
	*ret_data = datagram.data + HEPH_UDP_HEAD;
	return n;
}

/* ---- receiving: from the queue that a door fills ---------------------------------------------- */

static int recv_queued(heph_ctx ctx, struct heph_udp_wire *wire,
		       const void **ret_data)
{
	int err = heph_chan_try_recv(wire->rx, &wire->current);

	if (err == -EAGAIN && wire->err)
		return wire->err;
	if (err == -EAGAIN)
		err = heph_chan_recv(ctx, wire->rx, &wire->current);
	if (err < 0)
		return err;
	wire->queued -= wire->current.size;
	*ret_data = wire->current.data;
	return wire->current.data ? (int)wire->current.size : -EAGAIN;
}

int heph_udp_wire_recv(heph_ctx ctx, struct heph_wire *wire_,
		       const void **ret_data)
{
	struct heph_udp_wire *wire = heph_udp_wire_of(wire_);
	int n;

	if (wire->early.data)
		return give_early(wire, ret_data);
	heph_udp_frame_drop(&wire->current);
	do {
		n = heph_udp_wire_check(wire);
		if (n == 0 || (wire->door && n == -ENODATA))
			n = wire->door ? recv_queued(ctx, wire, ret_data) :
					 recv_own(ctx, wire, ret_data);
	} while (n == -EAGAIN);
	return n;
}

/* ---- sending ------------------------------------------------------------------------------- */

static void tell_too_long(struct heph_udp_wire *wire, int size)
{
	if (wire->told)
		return;
	wire->told = true;
	heph_log_warn("datagrams are too long for the path to the peer",
		      HEPH_KV_STR("peer", wire->wire.where),
		      HEPH_KV_INT("size", size));
}

/* Waits while the kernel has no room. One that it refuses for another reason than its
 * length is as one that is lost on the way. */
static int send_sealed(heph_ctx ctx, struct heph_udp_wire *wire, int size)
{
	const struct heph_address *to = wire->door ? &wire->peer : NULL;
	bool again = true;
	int err;

	for (;;) {
		err = heph_udp_socket_send(ctx, wire->out_fd, wire->out,
					   (size_t)size, to);
		if (err == -EAGAIN)
			err = heph_wait(ctx, heph_on_writable(wire->out_fd));
		else if (passing(err) && err != -EMSGSIZE && again)
			again = false; /* of an earlier one */
		else
			break;
		if (err == -ETIME || err == -ECANCELED || err == -ENOMEM)
			return err;
	}
	if (err == -EMSGSIZE)
		tell_too_long(wire, size);
	if (err == 0 || err == -EMSGSIZE || err == -EBADF)
		return err;
	heph_udp_count(heph_udp_of(wire->wire.transport), HEPH_UDP_UNSENT,
		       &wire->peer, err);
	return 0;
}

static int send_frame(heph_ctx ctx, struct heph_udp_wire *wire,
		      const struct iovec *frame)
{
	int n = heph_udp_wire_check(wire);

	if (n < 0)
		return n == -ENODATA ? -EPIPE : n;
	n = heph_udp_box_seal(&wire->box, heph_now(), HEPH_UDP_DATA,
			      frame->iov_base, frame->iov_len, wire->out);
	return n < 0 ? n : send_sealed(ctx, wire, n);
}

int heph_udp_wire_send(heph_ctx ctx, struct heph_wire *wire_,
		       const struct iovec *frames, size_t n)
{
	struct heph_udp_wire *wire = heph_udp_wire_of(wire_);
	int err = 0;

	for (size_t i = 0; i < n; i++)
		if (frames[i].iov_len > wire_->transport->frame_max)
			return -EMSGSIZE;
	for (size_t i = 0; i < n && err == 0; i++)
		err = send_frame(ctx, wire, &frames[i]);
	return err;
}

/* ---- opening and closing ----------------------------------------------------------------------- */

int heph_udp_wire_open(heph_ctx ctx, struct heph_wire *wire_)
{
	struct heph_udp_wire *wire = heph_udp_wire_of(wire_);
	int err;

	if (wire->door)
		return 0;
	err = take(ctx, &wire->in_lent, &wire->in_fd);
	return err < 0 ? err : heph_udp_wire_lend(ctx, wire, wire->in_fd);
}

int heph_udp_wire_open_sender(heph_ctx ctx, struct heph_wire *wire_)
{
	struct heph_udp_wire *wire = heph_udp_wire_of(wire_);

	return take(ctx, &wire->out_lent, &wire->out_fd);
}

void heph_udp_wire_close_sender(heph_ctx ctx, struct heph_wire *wire_)
{
	struct heph_udp_wire *wire = heph_udp_wire_of(wire_);

	(void)ctx;
	heph_close(wire->out_fd);
	wire->out_fd = (heph_fd){ 0 };
}

static void say_farewell(heph_ctx ctx, struct heph_udp_wire *wire)
{
	int n;

	if (heph_fd_none(wire->in_fd) &&
	    take(ctx, &wire->in_lent, &wire->in_fd) < 0)
		return;
	n = heph_udp_wire_farewell(wire, wire->out);
	/* If it is lost the peer will miss us. */
	if (n > 0)
		(void)!heph_udp_socket_send(ctx, wire->in_fd, wire->out,
					    (size_t)n, NULL);
	heph_close(wire->in_fd);
}

void heph_udp_wire_close(heph_ctx ctx, struct heph_wire *wire_)
{
	struct heph_udp_wire *wire = heph_udp_wire_of(wire_);

	if (wire->door) {
		heph_udp_door_forget(wire);
		return;
	}
	say_farewell(ctx, wire);
	heph_udp_wire_free(wire);
}
