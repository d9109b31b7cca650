/* SPDX-License-Identifier: MIT */
/*
 * Datagrams: each travels by itself, so they overtake each other; some are lost,
 * some come twice. Those of Unix sockets are there at once, and none is lost: who
 * sends to one that has enough of them waits.
 */
#include "io/sim_socket.h"

#include <poll.h>
#include <string.h>

#include "base/mem.h"

enum { PACKET_MAX = 65507, QUEUE_MAX = 212992, PACKET_COSTS = 256 };

struct packet {
	struct heph_list node; /* in socket->packets; or in none */
	struct heph_sim_event arrive;
	struct heph_sim_name from, to;
	size_t size;
	unsigned char data[];
};

static size_t costs(const struct packet *packet)
{
	return packet->size + PACKET_COSTS;
}

static struct packet *new_packet(const struct heph_sim_socket *from,
				 const struct heph_sim_name *to,
				 const void *data, size_t size)
{
	struct packet *packet = heph_sim_memory(sizeof(*packet) + size);

	heph_list_init(&packet->node);
	packet->from = from->local;
	if (to)
		packet->to = *to;
	packet->size = size;
	if (size)
		memcpy(packet->data, data, size);
	return packet;
}

static void queue(struct heph_sim_socket *to, struct packet *packet)
{
	heph_list_push_back(&to->packets, &packet->node);
	to->queued += costs(packet);
	heph_sim_touch(to->sim, &to->file);
}

static bool full(const struct heph_sim_socket *socket)
{
	return socket->queued >= QUEUE_MAX;
}

static bool listens_to(const struct heph_sim_socket *socket,
		       const struct heph_sim_name *from)
{
	return !socket->peer.family ||
	       heph_sim_name_reaches(from, &socket->peer);
}

static struct heph_sim_socket *find(struct heph_sim *sim,
				    const struct heph_sim_name *to,
				    const struct heph_sim_name *from)
{
	struct heph_sim_socket *socket;
	struct heph_list *node;

	heph_list_each(node, &sim->sockets) {
		socket = heph_container_of(node, struct heph_sim_socket, node);
		if (socket->type == SOCK_DGRAM &&
		    heph_sim_name_reaches(to, &socket->local) &&
		    listens_to(socket, from))
			return socket;
	}
	return NULL;
}

/* ---- over the network --------------------------------------------------------------- */

/* The sender, if it still talks to that one alone, hears that nobody is there. */
static void bounce(struct heph_sim *sim, const struct packet *packet)
{
	struct heph_sim_socket *sender = find(sim, &packet->from, &packet->to);

	if (!sender || !sender->peer.family)
		return;
	sender->error = -ECONNREFUSED;
	heph_sim_touch(sim, &sender->file);
}

static void on_arrive(struct heph_sim *sim, struct heph_sim_event *event)
{
	struct packet *packet = heph_container_of(event, struct packet, arrive);
	struct heph_sim_socket *to = find(sim, &packet->to, &packet->from);

	heph_list_remove(&packet->node);
	heph_sim_trace(sim, HEPH_SIM_ARRIVED, SOCK_DGRAM, packet->size);
	if (to && !full(to)) {
		queue(to, packet);
		return;
	}
	if (!to)
		bounce(sim, packet);
	heph_mem_free(packet);
}

static heph_time travel(struct heph_sim *sim, const struct packet *packet)
{
	heph_time length = heph_sim_between(sim, sim->options.latency_min,
					    sim->options.latency_max);

	return heph_sim_name_same_host(&packet->from, &packet->to) ? length / 10 :
								     length;
}

static void send_off(struct heph_sim_socket *socket,
		     const struct heph_sim_name *to, const void *data,
		     size_t size)
{
	struct heph_sim *sim = socket->sim;
	struct packet *packet;

	if (heph_sim_cut(sim, &socket->local, to) ||
	    heph_sim_fault(sim, HEPH_SIM_KIND(lost)))
		return;
	packet = new_packet(socket, to, data, size);
	packet->arrive.fn = on_arrive;
	heph_list_push_back(&sim->packets, &packet->node);
	heph_sim_at(sim, &packet->arrive, sim->now + travel(sim, packet));
}

/* One that has no name gets one. */
static int need_name(struct heph_sim_socket *socket,
		     const struct heph_sim_name *to)
{
	struct heph_sim_name name = *to;

	if (socket->local.family)
		return 0;
	name.port = 0;
	return heph_sim_socket_name(socket, &name);
}

static int send_far(struct heph_sim_socket *socket, const struct heph_sim_name *to,
		    const void *data, size_t size)
{
	int err = need_name(socket, to);

	if (err < 0)
		return err;
	send_off(socket, to, data, size);
	if (heph_sim_fault(socket->sim, HEPH_SIM_KIND(doubled)))
		send_off(socket, to, data, size);
	return (int)size;
}

/* ---- within a host -------------------------------------------------------------------- */

static struct heph_sim_socket *receiver(const struct heph_sim_socket *socket,
					const struct heph_sim_name *to)
{
	if (socket->pair || !to)
		return socket->pair;
	return find(socket->sim, to, &socket->local);
}

static int send_near(struct heph_sim_socket *socket, const struct heph_sim_name *to,
		     const void *data, size_t size)
{
	struct heph_sim_socket *other = receiver(socket, to);

	if (!other)
		return to ? -ECONNREFUSED : -ENOTCONN;
	if (full(other))
		return -EAGAIN;
	queue(other, new_packet(socket, to, data, size));
	return (int)size;
}

/* Those that wait until there is room, or nobody any more. */
static void tell_senders(struct heph_sim *sim)
{
	struct heph_sim_socket *socket;
	struct heph_list *node;

	heph_list_each(node, &sim->sockets) {
		socket = heph_container_of(node, struct heph_sim_socket, node);
		if (socket->type == SOCK_DGRAM && socket->domain == AF_UNIX)
			heph_sim_touch(sim, &socket->file);
	}
}

/* ---- both -------------------------------------------------------------------------------- */

int heph_sim_packet_send(struct heph_sim_socket *socket,
			 const struct heph_sim_name *to, const void *data,
			 size_t size)
{
	if (socket->error)
		return heph_sim_socket_error(socket);
	if (size > PACKET_MAX)
		return -EMSGSIZE;
	if (!to && socket->peer.family && !socket->pair)
		to = &socket->peer;
	if (socket->domain == AF_UNIX)
		return send_near(socket, to, data, size);
	return to ? send_far(socket, to, data, size) : -EDESTADDRREQ;
}

int heph_sim_packet_recv(struct heph_sim_socket *socket, void *buf, size_t size,
			 int flags, struct heph_sim_name *ret_from,
			 size_t *ret_length)
{
	struct packet *packet;

	if (socket->error)
		return heph_sim_socket_error(socket);
	if (heph_list_empty(&socket->packets))
		return -EAGAIN;
	packet = heph_container_of(socket->packets.next, struct packet, node);
	*ret_from = packet->from;
	*ret_length = packet->size;
	if (size > packet->size)
		size = packet->size;
	memcpy(buf, packet->data, size);
	if (flags & MSG_PEEK)
		return (int)size;
	heph_list_remove(&packet->node);
	socket->queued -= costs(packet);
	heph_mem_free(packet);
	if (socket->domain == AF_UNIX)
		tell_senders(socket->sim);
	return (int)size;
}

static int packet_read(struct heph_sim *sim, struct heph_sim_file *file, void *buf,
		       size_t size, int flags, uint64_t offset)
{
	struct heph_sim_name from;
	size_t length = 0;
	int n = heph_sim_packet_recv((struct heph_sim_socket *)file, buf, size,
				     flags, &from, &length);

	(void)sim, (void)offset;
	return n >= 0 && (flags & MSG_TRUNC) ? (int)length : n;
}

static int packet_write(struct heph_sim *sim, struct heph_sim_file *file,
			const void *buf, size_t size, int flags, uint64_t offset)
{
	(void)sim, (void)flags, (void)offset;
	return heph_sim_packet_send((struct heph_sim_socket *)file, NULL, buf,
				    size);
}

static unsigned packet_ready(struct heph_sim_file *file)
{
	const struct heph_sim_socket *socket = (struct heph_sim_socket *)file;
	const struct heph_sim_socket *other = NULL;
	unsigned ready = POLLOUT;

	if (socket->domain == AF_UNIX && socket->peer.family)
		other = receiver(socket, &socket->peer);
	if (other && full(other))
		ready = 0;
	if (socket->error)
		ready |= POLLERR;
	return heph_list_empty(&socket->packets) ? ready : ready | POLLIN;
}

static void drop_all(struct heph_list *packets)
{
	struct heph_list *node;

	while ((node = heph_list_pop_front(packets)))
		heph_mem_free(heph_container_of(node, struct packet, node));
}

static void packet_close(struct heph_sim *sim, struct heph_sim_file *file)
{
	struct heph_sim_socket *socket = (struct heph_sim_socket *)file;

	if (socket->pair)
		socket->pair->pair = NULL;
	drop_all(&socket->packets);
	heph_sim_socket_free(socket);
	tell_senders(sim);
}

void heph_sim_packets_fini(struct heph_sim *sim)
{
	drop_all(&sim->packets);
}

const struct heph_sim_class heph_sim_packet_class = {
	.mode = S_IFSOCK | 0777,
	.read = packet_read,
	.write = packet_write,
	.ready = packet_ready,
	.close = packet_close,
};
