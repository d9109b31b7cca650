/* SPDX-License-Identifier: MIT */
#define HEPH_LOG_TARGET "heph.remote"
/*
 * What comes is one of three things. A datagram of a wire is opened here, so that what
 * is forged takes no place in its queue; the wire is found by its id, which we have
 * chosen at random. INIT is answered if it can be read, and then nothing is known of
 * it any more. CONFIRM makes a wire, once.
 */
#include "remote/udp_door.h"

#include <heph/log.h>

#include <sodium.h>
#include <string.h>

#include "remote/mem.h"
#include "remote/udp_shake.h"

enum {
	BACKLOG = 128,      /* wires that nobody has accepted */
	BUCKETS_MAX = 4096, /* of the table of wires */
	AT_A_TIME = 64,     /* datagrams, then others may run */
};

/* So often keys that are over are forgotten, and wires without a key ended. */
#define TICK HEPH_SEC

/* ---- types ----------------------------------------------------------------------------- */

struct arrival {
	struct heph_udp_wire *wire;
};
static void drop_arrival(struct arrival *arrival);
HEPH_CHAN(heph_udp_arrivals, struct arrival, drop_arrival);

/* Something to be sent; empty: look whether you are needed. */
struct heph_udp_post {
	struct heph_address to;
	size_t size;
	uint8_t data[HEPH_UDP_OVERHEAD];
};

struct port_arg {
	struct heph_udp_door *door;
	heph_fd fd;
};
HEPH_ACTOR(heph_udp_port, struct heph_udp_post, struct port_arg);

struct heph_udp_door {
	struct heph_udp *udp;
	struct heph_ending ending; /* of who listens */
	int users;
	bool open;
	heph_udp_port_ref port;
	heph_udp_arrivals_sender tx; /* none: the actor has ended */
	heph_udp_arrivals_receiver rx;

	struct heph_udp_keys *keys;
	unsigned generation;
	struct heph_udp_bakery bakery;

	unsigned n;    /* wires */
	uint64_t mask; /* of ids, for buckets */
	struct heph_udp_wire **buckets;

	heph_fd fd;
	struct heph_udp_reader *reader;
	uint8_t answer[HEPH_UDP_SHAKE];
	struct heph_udp_dice dice;
};

/* ---- the table of wires -------------------------------------------------------------------- */

static struct heph_udp_wire **place_of(struct heph_udp_door *door, uint64_t id)
{
	struct heph_udp_wire **at = &door->buckets[id & door->mask];

	while (*at && (*at)->box.near != id)
		at = &(*at)->next;
	return at;
}

static void insert(struct heph_udp_door *door, struct heph_udp_wire *wire)
{
	struct heph_udp_wire **at = place_of(door, wire->box.near);

	wire->next = NULL;
	*at = wire;
	door->n++;
	wire->door = door;
	door->users++;
}

static void take_out(struct heph_udp_door *door, struct heph_udp_wire *wire)
{
	*place_of(door, wire->box.near) = wire->next;
	door->n--;
}

/* ---- life of a door -------------------------------------------------------------------------- */

static void door_unref(struct heph_udp_door *door)
{
	if (--door->users)
		return;
	heph_chan_free(door->tx);
	heph_udp_keys_unref(door->keys);
	heph_transport_free(&door->udp->transport);
	heph_udp_reader_free(door->reader);
	heph_remote_mem_free(door->buckets);
	sodium_memzero(&door->bakery, sizeof(door->bakery));
	heph_remote_mem_free(door);
}

static int make_tables(struct heph_udp_door *door)
{
	uint64_t n = 16;

	while (n < door->udp->peers && n < BUCKETS_MAX)
		n *= 2;
	door->mask = n - 1;
	door->buckets = heph_remote_mem_zero(n * sizeof(*door->buckets));
	door->reader = heph_udp_reader_new(door->udp->datagram);
	return door->buckets && door->reader ? 0 : -ENOMEM;
}

static int make_door(struct heph_udp *udp, struct heph_udp_door **ret_door)
{
	struct heph_udp_door *door = heph_remote_mem_zero(sizeof(*door));
	int err;

	if (!door)
		return -ENOMEM;
	door->users = 1;
	door->open = true;
	door->udp = udp;
	heph_transport_ref(&udp->transport);
	door->keys = heph_udp_keys_now(udp, &door->generation);
	err = make_tables(door);
	if (err == 0)
		err = heph_chan_new(heph_udp_arrivals, BACKLOG, &door->tx,
				    &door->rx);
	if (err < 0)
		door_unref(door);
	else
		*ret_door = door;
	return err;
}

/* Its actor looks whether there is something left to do. */
static void nudge(struct heph_udp_door *door)
{
	if (!door->open && !door->n)
		heph_post(door->port, { .size = 0 });
}

void heph_udp_door_forget(struct heph_udp_wire *wire)
{
	struct heph_udp_door *door = wire->door;
	struct heph_udp_post post = { .to = wire->peer };
	int n = heph_udp_wire_farewell(wire, post.data);

	take_out(door, wire);
	heph_udp_wire_free(wire);
	if (n > 0) {
		post.size = (size_t)n;
		heph_post(door->port, post);
	}
	nudge(door);
	door_unref(door);
}

static void drop_arrival(struct arrival *arrival)
{
	heph_udp_door_forget(arrival->wire);
}

/* ---- what comes for wires ---------------------------------------------------------------------- */

static void wake(struct heph_udp_wire *wire)
{
	/* If there is no room there is something to be received first. */
	(void)!heph_chan_try_send(wire->tx, { .data = NULL });
}

static int queue(struct heph_udp_wire *wire, const uint8_t *data, size_t size)
{
	struct heph_udp_frame frame = { .size = size };
	int err;

	if (wire->queued + size > HEPH_UDP_QUEUE_BYTES)
		return -EAGAIN;
	frame.data = heph_remote_mem_alloc(size ? size : 1);
	if (!frame.data)
		return -ENOMEM;
	memcpy(frame.data, data, size);
	err = heph_chan_try_send(wire->tx, frame);
	if (err < 0)
		heph_udp_frame_drop(&frame);
	else
		wire->queued += size;
	return err;
}

static void deliver(struct heph_udp_door *door, heph_time now,
		    const struct heph_udp_datagram *datagram)
{
	struct heph_udp_head head;
	struct heph_udp_wire *wire = NULL;
	int n = heph_udp_head_read(datagram->data, datagram->size, &head);

	if (n == 0)
		wire = *place_of(door, head.id);
	if (!wire) {
		heph_udp_refuse(door->udp, -EPROTO, &datagram->from);
		return;
	}
	n = heph_udp_wire_take(wire, now, datagram);
	if (n < 0) {
		if (wire->err)
			wake(wire);
		return;
	}
	n = queue(wire, datagram->data + HEPH_UDP_HEAD, (size_t)n);
	if (n < 0)
		heph_udp_count(door->udp, HEPH_UDP_FULL, &datagram->from, n);
}

/* ---- handshakes -------------------------------------------------------------------------------- */

static void send_back(heph_ctx ctx, struct heph_udp_door *door,
		      const void *data, size_t size,
		      const struct heph_address *to)
{
	int err = heph_udp_socket_send(ctx, door->fd, data, size, to);

	if (err < 0)
		heph_udp_count(door->udp, HEPH_UDP_UNSENT, to, err);
}

static void on_init(heph_ctx ctx, struct heph_udp_door *door, heph_time now,
		    const struct heph_udp_datagram *datagram)
{
	struct heph_udp_dice *dice = &door->dice;
	int err;

	heph_udp_random(ctx, dice, sizeof(*dice));
	err = heph_udp_bakery_answer(&door->bakery, door->keys,
				     heph_udp_who(ctx, door->udp), dice, now,
				     &datagram->from, datagram->data,
				     datagram->size, door->answer);
	if (err < 0)
		heph_udp_refuse(door->udp, err, &datagram->from);
	else
		send_back(ctx, door, door->answer, sizeof(door->answer),
			  &datagram->from);
}

/* Said again when CONFIRM comes again: it may have been lost. */
static void send_done(heph_ctx ctx, struct heph_udp_wire *wire, heph_time now)
{
	uint8_t data[HEPH_UDP_OVERHEAD];
	int n = heph_udp_box_seal(&wire->box, now, HEPH_UDP_DONE, NULL, 0,
				  data);

	if (n > 0)
		send_back(ctx, wire->door, data, (size_t)n, &wire->peer);
}

static bool has_room(const struct heph_udp_door *door)
{
	return door->n < door->udp->peers &&
	       heph_chan_count(door->tx) < BACKLOG;
}

/* A wire that is made, and what it needs to be used. */
static int equip(heph_ctx ctx, struct heph_udp_wire *wire, heph_fd fd)
{
	int err = heph_chan_new(heph_udp_frames, HEPH_UDP_QUEUE, &wire->tx,
				&wire->rx);

	return err < 0 ? err : heph_udp_wire_lend(ctx, wire, fd);
}

static int make_wire(heph_ctx ctx, struct heph_udp_door *door, heph_time now,
		     const struct heph_udp_grant *grant,
		     const struct heph_udp_datagram *datagram,
		     struct heph_udp_wire **ret_wire)
{
	const struct heph_udp_secret *key =
		heph_udp_keys_find(door->keys, grant->key);
	struct heph_udp_wire *wire;
	struct heph_udp_box box;
	int err = key ? 0 : -EKEYREVOKED;

	if (err == 0)
		err = heph_udp_bakery_admit(&door->bakery, now, grant,
					    datagram->data, datagram->size,
					    &box);
	if (err < 0)
		return err;
	err = heph_udp_wire_new(door->udp, &datagram->from, key,
				door->generation, &box, &wire);
	heph_udp_box_fini(&box);
	if (err < 0)
		return err;
	err = equip(ctx, wire, door->fd);
	if (err < 0)
		heph_udp_wire_free(wire);
	else
		*ret_wire = wire;
	return err;
}

static int begin_wire(heph_ctx ctx, struct heph_udp_door *door, heph_time now,
		      const struct heph_udp_grant *grant,
		      const struct heph_udp_datagram *datagram)
{
	struct heph_udp_wire *wire;
	int err = has_room(door) ? 0 : -ENOBUFS;

	if (err == 0)
		err = make_wire(ctx, door, now, grant, datagram, &wire);
	if (err < 0)
		return err;
	insert(door, wire);
	send_done(ctx, wire, now);
	err = heph_chan_try_send(door->tx, { wire });
	if (err < 0)
		heph_udp_door_forget(wire);
	return err;
}

static void on_confirm(heph_ctx ctx, struct heph_udp_door *door, heph_time now,
		       const struct heph_udp_datagram *datagram)
{
	struct heph_udp_grant grant;
	struct heph_udp_wire *wire;
	int err = heph_udp_bakery_check(&door->bakery, now, &datagram->from,
					datagram->data, datagram->size, &grant);

	if (err == 0) {
		wire = *place_of(door, grant.near);
		if (wire)
			send_done(ctx, wire, now);
		else if (door->open)
			err = begin_wire(ctx, door, now, &grant, datagram);
	}
	sodium_memzero(&grant, sizeof(grant));
	if (err < 0)
		heph_udp_refuse(door->udp, err, &datagram->from);
}

/* ---- the actor ---------------------------------------------------------------------------------- */

static void dispatch(heph_ctx ctx, struct heph_udp_door *door,
		     const struct heph_udp_datagram *datagram)
{
	heph_time now = heph_now();
	uint8_t type = datagram->size ? datagram->data[0] : 0;

	if (type == HEPH_UDP_INIT && door->open)
		on_init(ctx, door, now, datagram);
	else if (type == HEPH_UDP_CONFIRM)
		on_confirm(ctx, door, now, datagram);
	else
		deliver(door, now, datagram);
}

static void look_for_keys(struct heph_udp_door *door)
{
	if (door->generation == heph_udp_generation(door->udp))
		return;
	heph_udp_keys_unref(door->keys);
	door->keys = heph_udp_keys_now(door->udp, &door->generation);
}

static void tick(struct heph_udp_door *door, heph_time now)
{
	struct heph_udp_wire *wire;

	heph_udp_bakery_tick(&door->bakery, now);
	for (uint64_t i = 0; i <= door->mask; i++) {
		for (wire = door->buckets[i]; wire; wire = wire->next) {
			heph_udp_box_tick(&wire->box, now);
			if (!wire->err && heph_udp_wire_check(wire) < 0)
				wake(wire);
		}
	}
}

/* Returns 0: there may be more; -EAGAIN: there is not; -EBADF. What came back about a
 * datagram that was sent is of no interest. */
static int read_some(heph_ctx ctx, struct heph_udp_door *door)
{
	struct heph_udp_datagram datagram;
	int err = 0;

	look_for_keys(door);
	for (int i = 0; i < AT_A_TIME && err == 0; i++) {
		err = heph_udp_reader_next(ctx, door->fd, door->reader,
					   &datagram);
		if (err == 0)
			dispatch(ctx, door, &datagram);
	}
	return err < 0 && err != -EBADF ? -EAGAIN : err;
}

static int wait_for_more(heph_ctx ctx, heph_udp_port_inbox in,
			 struct heph_udp_door *door, heph_time next)
{
	enum { READABLE, POST, TIME };
	struct heph_udp_post post;
	int n = heph_wait(
		ctx, [READABLE] = heph_on_readable(door->fd),
		[POST] = heph_on_msg(in, &post), [TIME] = heph_on_time(next));

	if (n == POST && post.size)
		send_back(ctx, door, post.data, post.size, &post.to);
	return n < 0 ? n : 0;
}

static int port_main(heph_ctx ctx, heph_udp_port_inbox in, struct port_arg *arg)
{
	struct heph_udp_door *door = arg->door;
	heph_time next = heph_now() + TICK;
	int err = 0;

	door->fd = arg->fd;
	while ((door->open || door->n) && err == 0) {
		err = read_some(ctx, door);
		if (err == 0)
			err = heph_yield(ctx);
		else if (err == -EAGAIN)
			err = wait_for_more(ctx, in, door, next);
		if (heph_now() < next)
			continue;
		next = heph_now() + TICK;
		tick(door, heph_now());
	}
	return err;
}

/* Its wires are at their end with it, when the runtime is. */
static void port_drop(struct port_arg *arg)
{
	struct heph_udp_door *door = arg->door;
	struct heph_udp_wire *wire;

	for (uint64_t i = 0; i <= door->mask; i++) {
		for (wire = door->buckets[i]; wire; wire = wire->next) {
			wire->err = wire->err ? wire->err : -ENETDOWN;
			wake(wire);
		}
	}
	heph_chan_free(door->tx);
	door->tx = (heph_udp_arrivals_sender){ { 0 } };
	door_unref(door);
}
HEPH_ACTOR_MAIN(heph_udp_port, port_main, .drop_arg = port_drop);

/* ---- listening --------------------------------------------------------------------------------- */

static void shut(struct heph_udp_door *door)
{
	door->open = false;
	heph_chan_free(door->rx); /* those that nobody accepted */
	nudge(door);
	door_unref(door);
}

static void on_ending(heph_ctx ctx, struct heph_ending *ending)
{
	(void)ctx;
	shut((void *)((char *)ending - offsetof(struct heph_udp_door, ending)));
}

static void warn_if_plain(const struct heph_udp *udp,
			  const struct heph_address *address)
{
	if (udp->plain && !heph_udp_is_loopback(address))
		heph_log_warn("listening without encryption, for whoever can "
			      "reach this address",
			      HEPH_KV_ADDRESS("where", address));
}

/* The actor has the door, and the socket, when this returns 0. */
static int start(heph_ctx ctx, struct heph_udp_door *door, heph_fd fd)
{
	int err = heph_ending_set(ctx, &door->ending, on_ending);

	if (err < 0)
		return err;
	door->users++;
	err = heph_spawn(ctx, heph_udp_port, &door->port, { door, fd },
			 .give = fd, .detached = true, .phase = HEPH_PHASE_MAX);
	if (err == 0)
		return 0;
	door->users--;
	heph_ending_clear(&door->ending);
	return err;
}

static int open_door(heph_ctx ctx, struct heph_udp *udp, const char *where,
		     struct heph_udp_door **ret_door,
		     char ret_where[HEPH_WHERE_MAX])
{
	struct heph_address address;
	heph_fd fd;
	int err = heph_address_parse(&address, where);

	if (err == 0)
		err = heph_udp_socket_bind(ctx, &address, &fd);
	if (err < 0)
		return err == -EAFNOSUPPORT ? -EINVAL : err;
	warn_if_plain(udp, &address);
	err = heph_local_address(ctx, fd, ret_where);
	if (err == 0)
		err = make_door(udp, ret_door);
	if (err == 0) {
		err = start(ctx, *ret_door, fd);
		if (err < 0)
			shut(*ret_door);
	}
	if (err < 0)
		heph_close(fd);
	return err;
}

int heph_udp_door_listen(heph_ctx ctx, struct heph_transport *transport,
			 const char *where, struct heph_door **ret_door,
			 char ret_where[HEPH_WHERE_MAX])
{
	struct heph_udp_door *door;
	int err =
		open_door(ctx, heph_udp_of(transport), where, &door, ret_where);

	if (err == 0)
		*ret_door = (struct heph_door *)door;
	return err;
}

int heph_udp_door_accept(heph_ctx ctx, struct heph_door *door_,
			 struct heph_wire **ret_wire)
{
	struct heph_udp_door *door = (struct heph_udp_door *)door_;
	struct arrival arrival;
	int err = heph_chan_recv(ctx, door->rx, &arrival);

	if (err == 0)
		*ret_wire = &arrival.wire->wire;
	return err == -EPIPE ? -ENETDOWN : err;
}

void heph_udp_door_close(heph_ctx ctx, struct heph_door *door_)
{
	struct heph_udp_door *door = (struct heph_udp_door *)door_;

	(void)ctx;
	heph_ending_clear(&door->ending);
	shut(door);
}
