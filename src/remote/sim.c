/* SPDX-License-Identifier: MIT */
#include <heph/remote/sim.h>

#include <errno.h>
#include <string.h>

#include "remote/mem.h"
#include "remote/simwire.h"

enum {
	BACKLOG = 64, /* wires that wait to be accepted */
	FRAME_MAX = (1 << 20) + 4096,
	FRAME_LIMIT = 64 << 20,
	KNOCKS = 300, /* that nobody hears, until it is given up */
};
#define KNOCK (100 * HEPH_MSEC) /* between them */
#define LATENCY_MAX (3600 * HEPH_SEC)

/* Belongs to the actor that listens. */
struct door {
	struct heph_ending ending;
	struct heph_simnet_transport *transport;
	struct heph_simnet_place place;
	heph_simnet_arrivals_receiver arrivals;
};

void heph_simnet_arrival_drop(struct heph_simnet_arrival *arrival)
{
	heph_simnet_wire_free((struct heph_simnet_wire *)arrival->wire);
}

/* ---- doors ---------------------------------------------------------------------- */

static void free_door(struct door *door)
{
	heph_simnet_remove(door->transport->net, &door->place);
	heph_chan_free(door->place.arrivals);
	heph_chan_free(door->arrivals);
	heph_transport_free(&door->transport->base);
	heph_remote_mem_free(door);
}

static void owner_ends(heph_ctx ctx, struct heph_ending *ending)
{
	free_door((struct door *)ending);
}

static int add_door(struct door *door)
{
	int err = heph_chan_new(heph_simnet_arrivals, BACKLOG,
				&door->place.arrivals, &door->arrivals);

	if (err < 0)
		return err;
	err = heph_simnet_add(door->transport->net, &door->place);
	if (err == 0)
		return 0;
	heph_chan_free(door->place.arrivals);
	heph_chan_free(door->arrivals);
	return err;
}

static int new_door(struct heph_simnet_transport *transport, const char *where,
		    struct door **ret_door)
{
	struct door *door = heph_remote_mem_zero(sizeof(*door));
	int err;

	if (!door)
		return -ENOMEM;
	door->transport = transport;
	strcpy(door->place.end.name, transport->name);
	strcpy(door->place.end.where, where);
	door->place.transport = &transport->base;
	err = add_door(door);
	if (err < 0) {
		heph_remote_mem_free(door);
		return err;
	}
	heph_transport_ref(&transport->base);
	*ret_door = door;
	return 0;
}

static int sim_listen(heph_ctx ctx, struct heph_transport *transport,
		      const char *where, struct heph_door **ret_door,
		      char ret_where[HEPH_WHERE_MAX])
{
	struct door *door;
	int err;

	if (!*where || strlen(where) >= HEPH_WHERE_MAX)
		return -EINVAL;
	err = new_door((struct heph_simnet_transport *)transport, where, &door);
	if (err < 0)
		return err;
	err = heph_ending_set(ctx, &door->ending, owner_ends);
	if (err < 0) {
		free_door(door);
		return err;
	}
	strcpy(ret_where, where);
	*ret_door = (struct heph_door *)door;
	return 0;
}

static int sim_accept(heph_ctx ctx, struct heph_door *door,
		      struct heph_wire **ret_wire)
{
	struct heph_simnet_arrival arrival;
	int err =
		heph_chan_recv(ctx, ((struct door *)door)->arrivals, &arrival);

	if (err == 0)
		*ret_wire = arrival.wire;
	return err;
}

static void sim_close_door(heph_ctx ctx, struct heph_door *door)
{
	struct door *its = (struct door *)door;

	heph_ending_clear(&its->ending);
	free_door(its);
}

/* ---- connecting ------------------------------------------------------------------- */

/* Looks who is at the other end of `link`, and makes wires to there; `arrivals` is
 * where the second one goes. -EAGAIN: nothing is heard of it. On its own, so that
 * who waits has little on its stack. */
static __attribute__((noinline)) int
meet(struct heph_simnet_transport *near, struct heph_simnet_link *link,
     struct heph_simnet_wire *ret_wires[2],
     heph_simnet_arrivals_sender *ret_arrivals)
{
	struct heph_simnet_place place;
	int err = heph_simnet_find(near->net, link->ends[1].where, &place);

	if (err == 0)
		link->ends[1] = place.end;
	if (heph_simnet_is_cut(near->net, &link->ends[0], &link->ends[1])) {
		if (err == 0) {
			heph_chan_free(place.arrivals);
			heph_transport_free(place.transport);
		}
		return -EAGAIN;
	}
	if (err < 0)
		return err;
	err = heph_simnet_wires_new(
		near, (struct heph_simnet_transport *)place.transport, link,
		ret_wires);
	heph_transport_free(place.transport);
	if (err < 0)
		heph_chan_free(place.arrivals);
	*ret_arrivals = place.arrivals;
	return err;
}

static int knock(heph_ctx ctx, struct heph_simnet_transport *transport,
		 struct heph_simnet_link *link, struct heph_wire **ret_wire)
{
	heph_simnet_arrivals_sender arrivals;
	struct heph_simnet_wire *wires[2];
	int err = meet(transport, link, wires, &arrivals);

	if (err < 0)
		return err;
	err = heph_chan_send(ctx, arrivals, { &wires[1]->base });
	heph_chan_free(arrivals);
	if (err == 0) {
		*ret_wire = &wires[0]->base;
		return 0;
	}
	heph_simnet_wire_free(wires[0]);
	heph_simnet_wire_free(wires[1]);
	return err == -EPIPE ? -ECONNREFUSED : err;
}

/* Waits for the way there and back, and while nothing is heard. */
static int reach(heph_ctx ctx, struct heph_simnet_transport *transport,
		 struct heph_simnet_link *link, struct heph_wire **ret_wire)
{
	heph_time length = heph_simnet_latency(ctx, transport->net) +
			   heph_simnet_latency(ctx, transport->net);
	int err = heph_sleep(ctx, length);

	for (int i = 0; i < KNOCKS && err == 0; i++) {
		err = knock(ctx, transport, link, ret_wire);
		if (err != -EAGAIN)
			return err;
		err = heph_sleep(ctx, KNOCK);
	}
	return err < 0 ? err : -ETIMEDOUT;
}

static int sim_connect(heph_ctx ctx, struct heph_transport *transport,
		       const char *where, struct heph_wire **ret_wire)
{
	struct heph_simnet_transport *its =
		(struct heph_simnet_transport *)transport;
	struct heph_simnet_link *link;
	int err;

	if (!*where || strlen(where) >= HEPH_WHERE_MAX)
		return -EINVAL;
	link = heph_remote_mem_zero(sizeof(*link));
	if (!link)
		return -ENOMEM;
	link->refs = 1;
	strcpy(link->ends[0].name, its->name);
	strcpy(link->ends[1].where, where);
	err = reach(ctx, its, link, ret_wire);
	heph_simnet_link_free(link);
	return err;
}

/* Both sides know each other already. */
static int sim_open(heph_ctx ctx, struct heph_wire *wire)
{
	return 0;
}

static int sim_open_sender(heph_ctx ctx, struct heph_wire *wire)
{
	return 0;
}

/* ---- the transport ---------------------------------------------------------------------- */

static void sim_close_sender(heph_ctx ctx, struct heph_wire *wire)
{
	heph_simnet_wire_end((struct heph_simnet_wire *)wire);
}

static void sim_close(heph_ctx ctx, struct heph_wire *wire)
{
	heph_simnet_wire_free((struct heph_simnet_wire *)wire);
}

static void sim_free(struct heph_transport *transport)
{
	heph_simnet_drop(((struct heph_simnet_transport *)transport)->net);
	heph_remote_mem_free(transport);
}

#define SIM_TYPE(datagrams_)                                                   \
	{                                                                      \
		.name = "sim", .datagrams = (datagrams_),                      \
		.listen = sim_listen, .accept = sim_accept,                    \
		.close_door = sim_close_door, .connect = sim_connect,          \
		.open = sim_open, .open_sender = sim_open_sender,              \
		.send = heph_simnet_send, .recv = heph_simnet_recv,            \
		.close_sender = sim_close_sender, .close = sim_close,          \
		.free = sim_free                                               \
	}
static const struct heph_transport_type stream_type = SIM_TYPE(false);
static const struct heph_transport_type datagram_type = SIM_TYPE(true);

/* One that holds `net`. */
static int new_transport(struct heph_simnet *net, const char *name,
			 struct heph_transport **ret_transport)
{
	struct heph_simnet_transport *transport =
		heph_remote_mem_zero(sizeof(*transport));

	if (!transport)
		return -ENOMEM;
	heph_transport_init(&transport->base,
			    net->config.datagrams ? &datagram_type :
						    &stream_type,
			    net->config.frame_max);
	transport->net = heph_simnet_hold(net);
	strcpy(transport->name, name);
	*ret_transport = &transport->base;
	return 0;
}

static bool is_likelihood(double likely)
{
	return likely >= 0 && likely <= 1;
}

static bool is_right(const struct heph_sim_net_config *config)
{
	return config->latency_min >= 0 &&
	       config->latency_max >= config->latency_min &&
	       config->latency_max <= LATENCY_MAX &&
	       is_likelihood(config->lost) && is_likelihood(config->doubled) &&
	       is_likelihood(config->reordered) &&
	       config->frame_max <= FRAME_LIMIT;
}

int heph_raw_sim_net_new(struct heph_transport **ret_transport,
			 const struct heph_sim_net_config *config)
{
	struct heph_sim_net_config its;
	struct heph_simnet *net;
	int err;

	if (!heph_take_options__(&its, sizeof(its), config))
		return -EINVAL;
	if (!its.latency_max)
		its.latency_max = its.latency_min;
	if (!its.frame_max)
		its.frame_max = FRAME_MAX;
	if (!is_right(&its))
		return -EINVAL;
	net = heph_simnet_make(&its);
	if (!net)
		return -ENOMEM;
	err = new_transport(net, "", ret_transport);
	heph_simnet_drop(net);
	return err;
}

static struct heph_simnet *net_of(const struct heph_transport *transport)
{
	return ((const struct heph_simnet_transport *)transport)->net;
}

static bool is_name(const char *name)
{
	return !name || (*name && strlen(name) < HEPH_WHERE_MAX);
}

int heph_sim_net_at(struct heph_transport *net, const char *name,
		    struct heph_transport **ret_transport)
{
	if (!name || !is_name(name))
		return -EINVAL;
	return new_transport(net_of(net), name, ret_transport);
}

int heph_sim_net_cut(struct heph_transport *net, const char *a, const char *b,
		     bool cut)
{
	if (!is_name(a) || !is_name(b))
		return -EINVAL;
	return heph_simnet_rule(net_of(net), a, b, cut);
}
