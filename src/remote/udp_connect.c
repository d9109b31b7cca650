/* SPDX-License-Identifier: MIT */
#define HEPH_LOG_TARGET "heph.remote"
/*
 * What is lost is sent again: INIT after a pause that doubles, and CONFIRM some times
 * until the door is heard; then all begins anew, as its cookie may be too old.
 */
#include "remote/udp_connect.h"

#include <heph/log.h>
#include <heph/resolve.h>

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "remote/mem.h"
#include "remote/udp_shake.h"
#include "remote/udp_wire.h"

enum {
	TRIED = 8,     /* keys at a time */
	CONFIRMS = 4,  /* before it begins anew */
	HOSTS = 8,     /* addresses of a name */
	PORT_MAX = 16, /* bytes of a service */
};

#define PAUSE_FIRST (50 * HEPH_MSEC)
#define PAUSE_MAX HEPH_SEC
#define PATIENCE (10 * HEPH_SEC)     /* with one address */
#define PATIENCE_MORE (2 * HEPH_SEC) /* with one of several */

/* A handshake under way. On the heap. */
struct connecting {
	struct heph_udp *udp;
	const struct heph_address *to;
	struct heph_udp_keys *keys;
	unsigned generation;
	heph_fd fd;
	struct heph_udp_reader *reader;
	struct heph_udp_datagram datagram; /* the latest that came */
	heph_time until;

	size_t first; /* of the keys that are tried now */
	size_t n;
	uint64_t id; /* of the wire, with that key; ids that follow are of others */
	struct heph_udp_shake shakes[TRIED];
	uint8_t inits[TRIED][HEPH_UDP_SHAKE];
	uint8_t secret[HEPH_NOISE_KEY];

	struct heph_udp_box box;
	size_t key; /* which one it was */
	uint8_t confirm[HEPH_UDP_CONFIRM_SIZE];
	struct heph_udp_wire *wire; /* when there is one */
};

/* ---- receiving with a pause ------------------------------------------------------------ */

/* Waits for a datagram until `when`. Returns 0; -EAGAIN: the time is over; errors. */
static int next_until(heph_ctx ctx, struct connecting *it, heph_time when)
{
	enum { READABLE, TIME };
	int n;

	for (;;) {
		n = heph_udp_reader_next(ctx, it->fd, it->reader,
					 &it->datagram);
		if (n != -EAGAIN)
			return n;
		n = heph_wait(ctx, [READABLE] = heph_on_readable(it->fd),
			      [TIME] = heph_on_time(when));
		if (n != READABLE)
			return n == TIME ? -EAGAIN : n;
	}
}

/* A quarter more or less, so that many do not go in step. */
static heph_time about(heph_ctx ctx, heph_time pause)
{
	uint16_t draw;

	heph_udp_random(ctx, &draw, sizeof(draw));
	return heph_now() + pause * 3 / 4 + pause / 2 * draw / UINT16_MAX;
}

/* ---- INIT and ACCEPT ----------------------------------------------------------------------- */

/* New numbers, and the next keys. */
static void prepare(heph_ctx ctx, struct connecting *it)
{
	size_t left = it->keys->n - it->first;

	it->n = left < TRIED ? left : TRIED;
	heph_udp_random(ctx, &it->id, sizeof(it->id));
	heph_udp_random(ctx, it->secret, sizeof(it->secret));
	for (size_t i = 0; i < it->n; i++)
		heph_udp_shake_init(&it->shakes[i],
				    &it->keys->secrets[it->first + i],
				    it->id + i, heph_udp_who(ctx, it->udp),
				    it->secret, it->inits[i]);
}

static void next_keys(heph_ctx ctx, struct connecting *it)
{
	it->first += it->n;
	if (it->first >= it->keys->n)
		it->first = 0;
	prepare(ctx, it);
}

static int send_inits(heph_ctx ctx, struct connecting *it)
{
	int err = 0;

	for (size_t i = 0; i < it->n && (err == 0 || err == -EAGAIN); i++)
		err = heph_udp_socket_send(ctx, it->fd, it->inits[i],
					   HEPH_UDP_SHAKE, NULL);
	return err == -EAGAIN ? 0 : err;
}

/* Whether what has come is an ACCEPT for one of them. */
static int take_accept(struct connecting *it)
{
	const struct heph_udp_datagram *datagram = &it->datagram;
	uint64_t id;
	int err = heph_udp_accept_id(datagram->data, datagram->size, &id);

	if (err == 0 && id - it->id >= it->n)
		err = -EPROTO;
	if (err == 0)
		err = heph_udp_shake_accept(&it->shakes[id - it->id],
					    datagram->data, datagram->size,
					    heph_now(), &it->box, it->confirm);
	if (err == 0)
		it->key = it->first + (size_t)(id - it->id);
	else
		heph_udp_refuse(it->udp, err, it->to);
	return err;
}

/* -EAGAIN: nobody has answered in time. */
static int ask(heph_ctx ctx, struct connecting *it, heph_time pause)
{
	heph_time when = about(ctx, pause);
	int err = send_inits(ctx, it);

	while (err == 0) {
		err = next_until(ctx, it, when);
		if (err < 0 || take_accept(it) == 0)
			return err;
	}
	return err;
}

/* ---- CONFIRM and DONE ---------------------------------------------------------------------- */

static int make_wire(struct connecting *it)
{
	struct heph_udp_wire *wire;
	int err = heph_udp_wire_new(it->udp, it->to,
				    &it->keys->secrets[it->key], it->generation,
				    &it->box, &wire);

	if (err < 0)
		return err;
	it->wire = wire;
	return 0;
}

static void unmake_wire(struct connecting *it)
{
	if (it->wire)
		heph_udp_wire_free(it->wire);
	it->wire = NULL;
}

/* The first datagram that can be opened says that the door has CONFIRM. */
static int hear(heph_ctx ctx, struct connecting *it, heph_time when)
{
	int n = 0;

	while (!it->wire->heard) {
		n = next_until(ctx, it, when);
		if (n < 0)
			return n;
		if (heph_udp_accept_id(it->datagram.data, it->datagram.size,
				       &(uint64_t){ 0 }) == 0)
			continue; /* the answer to an INIT that was repeated */
		n = heph_udp_wire_take(it->wire, heph_now(), &it->datagram);
	}
	if (n < 0)
		return 0; /* DONE; or CLOSE, which the receiver will be told */
	it->wire->early.data = it->datagram.data + HEPH_UDP_HEAD;
	it->wire->early.size = (size_t)n;
	return 0;
}

static int confirm(heph_ctx ctx, struct connecting *it)
{
	heph_time pause = PAUSE_FIRST;
	int err = make_wire(it);

	for (int i = 0; i < CONFIRMS && err == 0; i++, pause *= 2) {
		err = heph_udp_socket_send(ctx, it->fd, it->confirm,
					   sizeof(it->confirm), NULL);
		if (err < 0 && err != -EAGAIN)
			break;
		err = hear(ctx, it, about(ctx, pause));
		if (err != -EAGAIN)
			break;
		err = i + 1 < CONFIRMS ? 0 : -EAGAIN;
	}
	if (err < 0)
		unmake_wire(it);
	return err;
}

/* ---- all of it ------------------------------------------------------------------------------- */

static int shake_hands(heph_ctx ctx, struct connecting *it)
{
	heph_time pause = PAUSE_FIRST;
	int err;

	prepare(ctx, it);
	for (;;) {
		err = ask(ctx, it, pause);
		if (err == 0) {
			err = confirm(ctx, it);
			if (err == -EAGAIN)
				prepare(ctx, it); /* what there was is used */
		} else if (err == -EAGAIN && it->keys->n > TRIED) {
			next_keys(ctx, it);
		}
		if (err != -EAGAIN)
			return err;
		if (heph_now() >= it->until)
			return -ETIMEDOUT;
		pause = pause * 2 < PAUSE_MAX ? pause * 2 : PAUSE_MAX;
	}
}

/* The wire has the descriptor and the reader from now on. */
static int hand_over(heph_ctx ctx, struct connecting *it)
{
	struct heph_udp_wire *wire = it->wire;
	int err = heph_fd_give(ctx, it->fd, &wire->in_lent.handle);

	if (err < 0) {
		unmake_wire(it);
		return err;
	}
	it->fd = (heph_fd){ 0 };
	wire->in_lent.there = true;
	wire->reader = it->reader;
	it->reader = NULL;
	return 0;
}

static int run(heph_ctx ctx, struct connecting *it)
{
	int err = heph_udp_socket_connect(ctx, it->to, &it->fd);

	if (err < 0)
		return err;
	it->reader = heph_udp_reader_new(it->udp->datagram);
	err = it->reader ? shake_hands(ctx, it) : -ENOMEM;
	return err < 0 ? err : hand_over(ctx, it);
}

static int connect_to(heph_ctx ctx, struct heph_udp *udp,
		      const struct heph_address *to, heph_time patience,
		      struct heph_wire **ret_wire)
{
	struct connecting *it = heph_remote_mem_zero(sizeof(*it));
	int err;

	if (!it)
		return -ENOMEM;
	it->udp = udp;
	it->to = to;
	it->until = heph_now() + patience;
	it->keys = heph_udp_keys_now(udp, &it->generation);
	err = run(ctx, it);
	if (err == 0)
		*ret_wire = &it->wire->wire;
	heph_close(it->fd);
	heph_udp_reader_free(it->reader);
	heph_udp_keys_unref(it->keys);
	sodium_memzero(it, sizeof(*it));
	heph_remote_mem_free(it);
	return err;
}

/* ---- addresses ------------------------------------------------------------------------------- */

/* "host:port", or what address.h says. Returns how many. */
static int find(heph_ctx ctx, const char *where, struct heph_address *ret,
		size_t max)
{
	const char *colon = strrchr(where, ':');
	char host[HEPH_WHERE_MAX], port[PORT_MAX];
	size_t size;

	if (heph_address_parse(ret, where) == 0)
		return 1;
	if (!colon || colon == where || strlen(colon + 1) >= sizeof(port))
		return -EINVAL;
	size = (size_t)(colon - where);
	if (size >= sizeof(host) || memchr(where, ':', size))
		return -EINVAL;
	memcpy(host, where, size);
	host[size] = 0;
	strcpy(port, colon + 1);
	return heph_resolve(ctx, host, port, AF_UNSPEC, ret, max);
}

static void warn_if_plain(const struct heph_udp *udp,
			  const struct heph_address *address)
{
	if (udp->plain && !heph_udp_is_loopback(address))
		heph_log_warn("connecting without encryption, to whoever "
			      "answers at this address",
			      HEPH_KV_ADDRESS("where", address));
}

/* One address after the other: who is refused goes on at once. */
static int try_all(heph_ctx ctx, struct heph_udp *udp,
		   const struct heph_address *addresses, int n,
		   struct heph_wire **ret_wire)
{
	int err = -EINVAL;

	for (int i = 0; i < n; i++) {
		if (addresses[i].storage.ss_family != AF_INET &&
		    addresses[i].storage.ss_family != AF_INET6)
			continue;
		warn_if_plain(udp, &addresses[i]);
		err = connect_to(ctx, udp, &addresses[i],
				 i + 1 < n ? PATIENCE_MORE : PATIENCE,
				 ret_wire);
		if (err == 0 || err == -ETIME || err == -ECANCELED ||
		    err == -ENOMEM)
			break;
	}
	return err;
}

int heph_udp_connect(heph_ctx ctx, struct heph_transport *transport,
		     const char *where, struct heph_wire **ret_wire)
{
	struct heph_address *addresses =
		heph_remote_mem_zero(HOSTS * sizeof(*addresses));
	int n = addresses ? find(ctx, where, addresses, HOSTS) : -ENOMEM;

	if (n > 0)
		n = try_all(ctx, heph_udp_of(transport), addresses, n,
			    ret_wire);
	heph_remote_mem_free(addresses);
	return n;
}
