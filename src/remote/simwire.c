/* SPDX-License-Identifier: MIT */
#include "remote/simwire.h"

#include <errno.h>
#include <string.h>

#include "remote/mem.h"

enum { QUEUE = 128 }; /* frames on their way in one direction */
#define PIECE (100 * HEPH_MSEC) /* so often a part of a frame is told */
#define OVERTAKEN                                                              \
	(2 * HEPH_MSEC) /* so much later a frame is at most, beside what
				   * all are late */

void heph_simnet_frame_drop(struct heph_simnet_frame *frame)
{
	heph_remote_mem_free(frame->data);
}

/* ---- wires ---------------------------------------------------------------------- */

void heph_simnet_link_free(struct heph_simnet_link *link)
{
	if (__atomic_sub_fetch(&link->refs, 1, __ATOMIC_ACQ_REL) > 0)
		return;
	heph_chan_free(link->kept[0]);
	heph_chan_free(link->kept[1]);
	heph_remote_mem_free(link);
}

static struct heph_simnet_wire *
new_wire(struct heph_simnet_transport *transport, struct heph_simnet_link *link,
	 int side)
{
	struct heph_simnet_wire *wire = heph_remote_mem_zero(sizeof(*wire));
	const struct heph_simnet_end *far = &link->ends[!side];

	if (!wire)
		return NULL;
	wire->base.type = transport->base.type;
	wire->base.transport = heph_transport_ref(&transport->base);
	wire->base.trust = HEPH_TRUST_HOST;
	strcpy(wire->base.where, side == 0 ? far->where : far->name);
	wire->net = transport->net;
	wire->link = link;
	wire->side = side;
	__atomic_add_fetch(&link->refs, 1, __ATOMIC_RELAXED);
	return wire;
}

static bool is_cut(const struct heph_simnet_wire *wire)
{
	return heph_simnet_is_cut(wire->net, &wire->link->ends[0],
				  &wire->link->ends[1]);
}

void heph_simnet_wire_end(struct heph_simnet_wire *wire)
{
	if (!heph_chan_id(wire->tx))
		return; /* the sender has done it */
	if (wire->mute || is_cut(wire))
		wire->link->kept[wire->side] = wire->tx;
	else
		heph_chan_free(wire->tx);
	wire->tx = (heph_simnet_frames_sender){ 0 };
}

void heph_simnet_wire_free(struct heph_simnet_wire *wire)
{
	if (!wire)
		return;
	heph_simnet_wire_end(wire);
	heph_chan_free(wire->rx);
	for (unsigned i = 0; i < wire->n; i++)
		heph_simnet_frame_drop(&wire->sorted[i]);
	heph_remote_mem_free(wire->current);
	heph_simnet_link_free(wire->link);
	heph_transport_free(wire->base.transport);
	heph_remote_mem_free(wire);
}

static int new_channels(struct heph_simnet_wire *a, struct heph_simnet_wire *b)
{
	int err = heph_chan_new(heph_simnet_frames, QUEUE, &a->tx, &b->rx);

	return err == 0 ? heph_chan_new(heph_simnet_frames, QUEUE, &b->tx,
					&a->rx) :
			  err;
}

int heph_simnet_wires_new(struct heph_simnet_transport *near,
			  struct heph_simnet_transport *far,
			  struct heph_simnet_link *link,
			  struct heph_simnet_wire *ret_wires[2])
{
	int err = -ENOMEM;

	ret_wires[0] = new_wire(near, link, 0);
	ret_wires[1] = new_wire(far, link, 1);
	if (ret_wires[0] && ret_wires[1])
		err = new_channels(ret_wires[0], ret_wires[1]);
	if (err == 0)
		return 0;
	heph_simnet_wire_free(ret_wires[0]);
	heph_simnet_wire_free(ret_wires[1]);
	return err;
}

/* ---- sending ------------------------------------------------------------------------ */

/* How long one of that size takes behind the others. */
static heph_time pass_through(struct heph_simnet_wire *wire, size_t size)
{
	uint64_t rate = wire->net->config.bytes_per_sec;
	heph_time now = heph_now(), takes;

	if (!rate)
		return 0;
	takes = (heph_time)((double)size * 1e9 / (double)rate);
	wire->busy = (wire->busy > now ? wire->busy : now) + takes;
	return takes;
}

/* When a frame that is sent now arrives. */
static heph_time arrival(heph_ctx ctx, struct heph_simnet_wire *wire)
{
	const struct heph_sim_net_config *config = &wire->net->config;
	heph_time now = heph_now(), due;

	due = wire->busy > now ? wire->busy : now;
	due += heph_simnet_latency(ctx, wire->net);

	if (!config->datagrams) {
		wire->last = due > wire->last ? due : wire->last;
		return wire->last;
	}
	if (heph_simnet_chance(ctx, wire->net, config->reordered))
		due += config->latency_max +
		       (heph_time)heph_simnet_below(ctx, wire->net, OVERTAKEN);
	return due;
}

static int send_copy(heph_ctx ctx, struct heph_simnet_wire *wire,
		     const struct iovec *piece)
{
	struct heph_simnet_frame frame = {
		.data = heph_remote_mem_alloc(piece->iov_len),
		.size = piece->iov_len,
	};
	int err;

	if (!frame.data)
		return -ENOMEM;
	memcpy(frame.data, piece->iov_base, frame.size);
	frame.takes = pass_through(wire, frame.size);
	frame.due = arrival(ctx, wire);
	err = heph_chan_send(ctx, wire->tx, frame);
	if (err < 0)
		heph_simnet_frame_drop(&frame);
	return err;
}

/* Whether it is lost; if so, and in a stream, so is all that follows. */
static bool loses(heph_ctx ctx, struct heph_simnet_wire *wire)
{
	bool lost = wire->mute || is_cut(wire) ||
		    heph_simnet_chance(ctx, wire->net, wire->net->config.lost);

	if (lost && !wire->net->config.datagrams)
		wire->mute = true;
	return lost;
}

static int send_frame(heph_ctx ctx, struct heph_simnet_wire *wire,
		      const struct iovec *piece)
{
	const struct heph_sim_net_config *config = &wire->net->config;
	int err;

	if (loses(ctx, wire))
		return 0;
	err = send_copy(ctx, wire, piece);
	if (err == 0 && config->datagrams &&
	    heph_simnet_chance(ctx, wire->net, config->doubled))
		err = send_copy(ctx, wire, piece);
	return err;
}

int heph_simnet_send(heph_ctx ctx, struct heph_wire *wire,
		     const struct iovec *frames, size_t n)
{
	int err = 0;

	for (size_t i = 0; i < n; i++)
		if (!frames[i].iov_len ||
		    frames[i].iov_len > wire->transport->frame_max)
			return -EMSGSIZE;
	for (size_t i = 0; i < n && err == 0; i++)
		err = send_frame(ctx, (struct heph_simnet_wire *)wire,
				 &frames[i]);
	return err;
}

/* ---- receiving ------------------------------------------------------------------------ */

/* After those that arrive no later. */
static void sort_in(struct heph_simnet_wire *wire,
		    const struct heph_simnet_frame *frame)
{
	unsigned at = wire->n++;

	for (; at > 0 && wire->sorted[at - 1].due > frame->due; at--)
		wire->sorted[at] = wire->sorted[at - 1];
	wire->sorted[at] = *frame;
}

/* What is in the channel already. */
static void take_all(struct heph_simnet_wire *wire)
{
	struct heph_simnet_frame frame;
	int err = 0;

	while (wire->n < HEPH_SIMNET_SORTED && !wire->ended && err == 0) {
		err = heph_chan_try_recv(wire->rx, &frame);
		if (err == 0)
			sort_in(wire, &frame);
		else if (err == -EPIPE)
			wire->ended = true;
	}
}

static bool has_come(const struct heph_simnet_wire *wire)
{
	return wire->n > 0 && (wire->sorted[0].due <= heph_now());
}

/* When there is something to tell of the first one. Datagrams come as a whole. */
static heph_time next_look(const struct heph_simnet_wire *wire)
{
	const struct heph_simnet_frame *first = &wire->sorted[0];
	heph_time now = heph_now(), begins = first->due - first->takes;
	heph_time look = (begins > now ? begins : now) + PIECE;

	return wire->net->config.datagrams || look > first->due ? first->due :
								  look;
}

/* Tells how much of the first one has come. */
static void count_part(struct heph_simnet_wire *wire)
{
	const struct heph_simnet_frame *first = &wire->sorted[0];
	heph_time left = wire->n ? first->due - heph_now() : 0;
	size_t n;

	if (wire->net->config.datagrams || left <= 0 || left >= first->takes)
		return;
	n = first->size - (size_t)((double)first->size * (double)left /
				   (double)first->takes);
	wire->base.came += n - wire->counted;
	wire->counted = n;
}

/* Waits until there is another frame, or more of the first one has come. */
static int wait_more(heph_ctx ctx, struct heph_simnet_wire *wire)
{
	struct heph_simnet_frame frame;
	int at;

	if (wire->ended && wire->n == 0)
		return -ENODATA;
	if (wire->ended || wire->n == HEPH_SIMNET_SORTED)
		return heph_sleep(ctx, next_look(wire) - heph_now());
	if (wire->n == 0)
		at = heph_chan_recv(ctx, wire->rx, &frame);
	else
		at = heph_wait(ctx, heph_on_chan(wire->rx, &frame),
			       heph_on_time(next_look(wire)));
	if (at == 0)
		sort_in(wire, &frame);
	wire->ended = at == -EPIPE;
	return at == -EPIPE || at >= 0 ? 0 : at;
}

static int lend_first(struct heph_simnet_wire *wire, const void **ret_data)
{
	struct heph_simnet_frame first = wire->sorted[0];

	wire->base.came += first.size - wire->counted;
	wire->counted = 0;
	wire->n--;
	memmove(wire->sorted, wire->sorted + 1, wire->n * sizeof(first));
	wire->current = first.data;
	*ret_data = first.data;
	return (int)first.size;
}

int heph_simnet_recv(heph_ctx ctx, struct heph_wire *base,
		     const void **ret_data)
{
	struct heph_simnet_wire *wire = (struct heph_simnet_wire *)base;
	int err = 0;

	heph_remote_mem_free(wire->current);
	wire->current = NULL;
	take_all(wire);
	while (err == 0 && !has_come(wire)) {
		err = wait_more(ctx, wire);
		take_all(wire);
		count_part(wire);
	}
	return err < 0 ? err : lend_first(wire, ret_data);
}
