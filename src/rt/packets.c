/* SPDX-License-Identifier: MIT */
/*
 * A server of packets is an actor, which owns the socket, and is the parent of
 * the actors of its peers. It finds those by address in a table, whose entries
 * of actors that have ended are taken out when they could be half of it.
 */
#include <heph/packet.h>

#include <heph/actor.h>
#include <heph/own.h>
#include <heph/time.h>
#include <heph/typed.h>

#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/rand.h"
#include "core/life.h"
#include "core/stackrule.h"
#include "core/wait.h"
#include "core/watch.h"
#include "io/address.h"
#include "io/file.h"
#include "io/message.h"
#include "io/op.h"
#include "rt/service.h"

enum { BATCH = 32, PACKET_DEFAULT = 2048, PACKET_MAX = 65535 };

struct packets_arg {
	heph_fd fd;
	const struct heph_actor *type;
	void *spawn; /* its own */
	struct heph_packets_options options;
};

HEPH_ACTOR(heph_packets, void, struct packets_arg);

/* ---- peers ---------------------------------------------------------------------- */

struct peer {
	struct peer *next; /* in its bucket */
	uint64_t hash;
	struct heph_address address;
	struct heph_addr actor;
};

struct packets {
	const struct packets_arg *arg;
	uint64_t seed;
	struct peer **buckets;
	uint32_t mask;	/* one less than there are */
	uint32_t n;	/* peers in it, also those that have ended */
	uint32_t begun; /* actors, and those that had ended before */
	struct mmsghdr headers[BATCH];
	struct iovec iov[BATCH];
	struct heph_address from[BATCH];
	char bytes[];
};

static void count(uint64_t *counter, uint64_t n)
{
	__atomic_fetch_add(counter, n, __ATOMIC_RELAXED);
}

#define COUNT(it_, what_, n_)                                                  \
	((it_)->arg->options.stats ?                                           \
		 count(&(it_)->arg->options.stats->what_, (n_)) :              \
		 (void)0)

struct heph_packets_stats
heph_packets_stats(const struct heph_packets_stats *stats)
{
	return (struct heph_packets_stats){
		.received = __atomic_load_n(&stats->received, __ATOMIC_RELAXED),
		.spawned = __atomic_load_n(&stats->spawned, __ATOMIC_RELAXED),
		.dropped = __atomic_load_n(&stats->dropped, __ATOMIC_RELAXED),
		.refused = __atomic_load_n(&stats->refused, __ATOMIC_RELAXED),
	};
}

static struct peer **bucket(const struct packets *it, uint64_t hash)
{
	return &it->buckets[hash & it->mask];
}

static void put(struct packets *it, struct peer *peer)
{
	struct peer **first = bucket(it, peer->hash);

	peer->next = *first;
	*first = peer;
}

static struct peer *find(const struct packets *it, uint64_t hash,
			 const struct heph_address *address)
{
	struct peer *peer = *bucket(it, hash);

	while (peer && (peer->hash != hash ||
			!heph_address_same(&peer->address, address)))
		peer = peer->next;
	return peer;
}

/* Twice as many buckets, if there is memory. */
static void grow(struct packets *it)
{
	struct peer **old = it->buckets, *peer, *next;
	uint32_t n = it->mask + 1;
	struct peer **more = heph_mem_alloc(2 * n * sizeof(*more));

	if (!more)
		return;
	it->buckets = more;
	it->mask = 2 * n - 1;
	for (uint32_t i = 0; i < n; i++) {
		for (peer = old[i]; peer; peer = next) {
			next = peer->next;
			put(it, peer);
		}
	}
	heph_mem_free(old);
}

/* Takes out those whose actors have ended. */
static void sweep(struct packets *it)
{
	struct peer **link, *peer;

	for (uint32_t i = 0; i <= it->mask; i++) {
		for (link = &it->buckets[i]; (peer = *link);) {
			if (heph_raw_alive(peer->actor)) {
				link = &peer->next;
				continue;
			}
			*link = peer->next;
			heph_mem_free(peer);
			it->n--;
		}
	}
}

/* How many actors there are. */
static uint32_t living(heph_ctx ctx, const struct packets *it)
{
	return it->begun - ctx.self->ext->children_ended;
}

static struct peer *add(heph_ctx ctx, struct packets *it, uint64_t hash,
			const struct heph_address *address)
{
	struct peer *peer;

	if (it->n > 64 && it->n / 2 > living(ctx, it))
		sweep(it);
	if (it->n > it->mask)
		grow(it);
	peer = heph_mem_alloc(sizeof(*peer));
	if (!peer)
		return NULL;
	peer->hash = hash;
	peer->address = *address;
	put(it, peer);
	it->n++;
	return peer;
}

static void free_table(void *arg)
{
	struct packets *it = arg;
	struct peer *peer, *next;

	for (uint32_t i = 0; it->buckets && i <= it->mask; i++) {
		for (peer = it->buckets[i]; peer; peer = next) {
			next = peer->next;
			heph_mem_free(peer);
		}
	}
	heph_mem_free(it->buckets);
	heph_mem_free(it);
}

/* ---- a packet ------------------------------------------------------------------- */

void heph_packet_drop(struct heph_packet *packet)
{
	heph_mem_free(packet->bytes);
	packet->bytes = NULL;
}

int heph_packet_answer(heph_ctx ctx, const struct heph_packet *packet,
		       const void *buf, size_t size)
{
	struct heph_file *file = heph_file_of_parent(ctx, packet->via);
	int n;

	if (!file)
		return -EBADF;
	n = heph_message_send_to(ctx, file, buf, size, &packet->from);
	return n < 0 ? n : 0;
}

/* The message; its bytes are freed if nobody takes it. */
static int make_packet(const struct packets *it, unsigned i,
		       struct heph_packet *ret_packet)
{
	const struct mmsghdr *header = &it->headers[i];
	char *bytes = heph_mem_alloc_raw(header->msg_len ? header->msg_len : 1);

	if (!bytes)
		return -ENOMEM;
	memcpy(bytes, it->iov[i].iov_base, header->msg_len);
	*ret_packet = (struct heph_packet){
		.from = it->from[i],
		.bytes = bytes,
		.size = header->msg_len,
		.truncated = header->msg_hdr.msg_flags & MSG_TRUNC,
		.via = it->arg->fd,
	};
	return 0;
}

/* Whether the actor has it. */
static int deliver(const struct packets *it, unsigned i, struct heph_addr actor)
{
	struct heph_packet packet;
	int err = make_packet(it, i, &packet);

	if (err < 0)
		return err;
	err = heph_raw_try_send(actor, &packet, sizeof(packet));
	if (err < 0)
		heph_packet_drop(&packet);
	return err;
}

/* An actor for it, instead of the one that has ended. */
static int begin(heph_ctx ctx, struct packets *it, struct peer *peer)
{
	const struct packets_arg *arg = it->arg;
	int err;

	if (arg->options.limit && living(ctx, it) >= arg->options.limit)
		return -EAGAIN;
	err = heph_raw_spawn(ctx, arg->type, arg->spawn, &peer->actor);
	if (err < 0)
		return err;
	it->begun++;
	COUNT(it, spawned, 1);
	return 0;
}

static void refuse(struct packets *it, int err)
{
	COUNT(it, refused, 1);
	if (err != -EAGAIN && err != -ECANCELED)
		heph_log_warn("packet refused",
			      HEPH_KV_STR("actor", it->arg->type->name),
			      HEPH_KV_ERR("err", err));
}

/* Returns what ends the server: -EINVAL, -ECANCELED. */
static int dispatch(heph_ctx ctx, struct packets *it, unsigned i)
{
	const struct heph_address *from = &it->from[i];
	uint64_t hash = heph_address_hash(from, it->seed);
	struct peer *peer = find(it, hash, from);
	int err = peer ? deliver(it, i, peer->actor) : -ESRCH;

	if (err == -ESRCH) {
		if (!peer)
			peer = add(ctx, it, hash, from);
		err = peer ? begin(ctx, it, peer) : -ENOMEM;
		if (err < 0) {
			refuse(it, err);
			return err == -EINVAL || err == -ECANCELED ? err : 0;
		}
		err = deliver(it, i, peer->actor);
	}
	if (err < 0)
		COUNT(it, dropped, 1);
	return 0;
}

/* ---- the server ----------------------------------------------------------------- */

static size_t packet_max(const struct packets_arg *arg)
{
	return arg->options.packet_max ? arg->options.packet_max :
					 PACKET_DEFAULT;
}

static void prepare(struct packets *it)
{
	size_t max = packet_max(it->arg);

	for (unsigned i = 0; i < BATCH; i++) {
		it->iov[i] = (struct iovec){ it->bytes + i * max, max };
		it->from[i] = (struct heph_address){ 0 };
		it->headers[i].msg_hdr = (struct msghdr){
			.msg_name = &it->from[i].storage,
			.msg_namelen = sizeof(it->from[i].storage),
			.msg_iov = &it->iov[i],
			.msg_iovlen = 1,
		};
	}
}

/* Packets that are there: how many, or an error. */
static int receive(heph_ctx ctx, struct packets *it)
{
	struct heph_op op = { .kind = HEPH_OP_RECVMMSG,
			      .number = heph_fd_number(ctx, it->arg->fd),
			      .buf = it->headers,
			      .size = BATCH };
	int n;

	prepare(it);
	n = heph_op_now(ctx.self, &op);
	for (int i = 0; i < n; i++)
		it->from[i].size = it->headers[i].msg_hdr.msg_namelen;
	return n;
}

/* What came back about a packet that we have sent is no reason to end. */
static bool passing(int err)
{
	return err == -EAGAIN || err == -ECONNREFUSED || err == -EHOSTUNREACH ||
	       err == -ENETUNREACH || err == -ENETDOWN || err == -EPROTO ||
	       err == -EMSGSIZE || err == -ECONNRESET || err == -ENOPROTOOPT;
}

static int serve_batch(heph_ctx ctx, struct packets *it)
{
	int n = receive(ctx, it), err = 0;

	if (n < 0 && !passing(n))
		return n;
	if (n <= 0)
		return heph_wait(ctx, heph_on_readable(it->arg->fd));
	COUNT(it, received, (uint64_t)n);
	for (int i = 0; i < n && err == 0; i++)
		err = dispatch(ctx, it, (unsigned)i);
	return err < 0 ? err : heph_yield(ctx);
}

static struct packets *make(heph_ctx ctx, const struct packets_arg *arg)
{
	enum { FIRST = 64 };
	struct packets *it =
		heph_mem_alloc(sizeof(*it) + BATCH * packet_max(arg));

	if (!it)
		return NULL;
	it->arg = arg;
	it->seed = heph_rand_entropy();
	it->mask = FIRST - 1;
	it->begun = ctx.self->ext->children_ended;
	it->buckets = heph_mem_alloc(FIRST * sizeof(*it->buckets));
	if (it->buckets && heph_own(ctx, it, free_table) == 0)
		return it;
	free_table(it);
	return NULL;
}

static int packets_main(heph_ctx ctx, struct packets_arg *arg)
{
	int err = heph_own(ctx, arg->spawn, heph_mem_free);
	struct packets *it;

	if (err < 0) {
		heph_mem_free(arg->spawn);
		return err;
	}
	it = make(ctx, arg);
	if (!it)
		return -ENOMEM;
	do {
		err = serve_batch(ctx, it);
	} while (err == 0);
	return err;
}
HEPH_ACTOR_MAIN(heph_packets, packets_main);

/* ---- who serves ----------------------------------------------------------------- */

static int check(heph_ctx ctx, heph_fd fd, const struct heph_options *options,
		 const struct heph_packets_options *more)
{
	struct heph_file *file = heph_file_find(ctx, fd);

	if (!file)
		return -EBADF;
	if (!(file->flags & HEPH_FILE_SOCKET))
		return -ENOTSOCK;
	if (!(file->flags & HEPH_FILE_PACKETS) || options->tree ||
	    options->detached || more->packet_max > PACKET_MAX) {
		heph_log_error("heph_serve_packets: not a socket of packets, "
			       "or an option that cannot be");
		return -EINVAL;
	}
	return heph_wait_allowed(ctx);
}

int heph_raw_serve_packets(heph_ctx ctx, heph_fd fd,
			   const struct heph_actor *type, const void *spawn,
			   size_t size, const struct heph_packets_options *options)
{
	const struct heph_options *given = spawn;
	struct heph_packets_spawn server = {
		.options = { .name = "packets",
			     .give = fd,
			     .phase = given->phase },
		.arg = { .fd = fd, .type = type },
	};
	struct heph_watch *watch[2] = { NULL };
	int err;

	if (options)
		server.arg.options = *options;
	err = check(ctx, fd, spawn, &server.arg.options);
	if (err < 0)
		return err;
	heph_stackrule_check_arg(ctx.self, type, spawn);
	heph_stackrule_check(ctx.self, &server.arg.options,
			     sizeof(server.arg.options), "option",
			     "heph_serve_packets");
	server.arg.spawn = heph_service_copy(spawn, size);
	if (!server.arg.spawn)
		return -ENOMEM;
	err = heph_spawn_joined(ctx, &heph_packets_actor, &server, &watch[0]);
	if (err < 0) {
		heph_mem_free(server.arg.spawn);
		return err;
	}
	err = heph_service_await(ctx, watch);
	return err == -ECANCELED ? 0 : err;
}
