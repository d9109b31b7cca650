/* SPDX-License-Identifier: MIT */
/*
 * Connecting takes three events at most: the request arrives where somebody
 * listens (or nobody does), which makes the other end, in the backlog of the
 * listener; and the answer arrives here. A request that is lost, or finds the
 * backlog full, is sent again after a second, two, four.
 */
#include "io/sim_socket.h"

#include <fcntl.h>
#include <poll.h>
#include <string.h>

#include "io/op.h"

#define KNOCK_AGAIN HEPH_SEC

/* ---- what the link brings --------------------------------------------------------- */

void heph_sim_stream_arrived(struct heph_sim_socket *socket, const void *data,
			     size_t size)
{
	if (!socket->deaf && socket->type == SOCK_SEQPACKET)
		heph_sim_bytes_put(&socket->received, &size, sizeof(size));
	if (!socket->deaf)
		heph_sim_bytes_put(&socket->received, data, size);
	heph_sim_touch(socket->sim, &socket->file);
}

void heph_sim_stream_ended(struct heph_sim_socket *socket)
{
	socket->peer_ended = true;
	heph_sim_touch(socket->sim, &socket->file);
}

void heph_sim_stream_broken(struct heph_sim_socket *socket, int err)
{
	socket->link = NULL;
	socket->error = err;
	socket->peer_ended = true;
	if (socket->state == HEPH_SIM_CONNECTING)
		socket->state = HEPH_SIM_FRESH;
	heph_sim_touch(socket->sim, &socket->file);
}

void heph_sim_stream_room(struct heph_sim_socket *socket)
{
	heph_sim_touch(socket->sim, &socket->file);
}

/* ---- reading and writing ------------------------------------------------------------ */

static bool lacks(const struct heph_sim_socket *socket, size_t size, int flags)
{
	size_t wanted = flags & MSG_WAITALL ? size : 1;

	if (wanted > HEPH_SIM_WINDOW)
		wanted = HEPH_SIM_WINDOW;
	return socket->received.n < wanted && !socket->peer_ended;
}

/* What does not fit is lost. */
static size_t take_packet(struct heph_sim_bytes *received, void *buf, size_t size,
			  bool keep)
{
	size_t length, n;

	heph_sim_bytes_take(received, &length, sizeof(length), true);
	n = size < length ? size : length;
	memcpy(buf, received->data + received->first + sizeof(length), n);
	if (!keep)
		heph_sim_bytes_take(received, NULL, sizeof(length) + length,
				    false);
	return n;
}

static size_t take(struct heph_sim_socket *socket, void *buf, size_t size,
		   bool keep)
{
	if (socket->type == SOCK_SEQPACKET)
		return take_packet(&socket->received, buf, size, keep);
	return heph_sim_bytes_take(&socket->received, buf,
				   heph_sim_shorten(socket->sim, size), keep);
}

static int stream_read(struct heph_sim *sim, struct heph_sim_file *file, void *buf,
		       size_t size, int flags, uint64_t offset)
{
	struct heph_sim_socket *socket = (struct heph_sim_socket *)file;
	size_t n;

	(void)sim, (void)offset;
	if (socket->state != HEPH_SIM_CONNECTED)
		return socket->error ? heph_sim_socket_error(socket) : -ENOTCONN;
	if (socket->deaf && !socket->received.n)
		return 0;
	if (lacks(socket, size, flags))
		return -EAGAIN;
	if (!socket->received.n)
		return heph_sim_socket_error(socket); /* or the end */
	n = take(socket, buf, size, flags & MSG_PEEK);
	if (socket->link && socket->link->ends[1 - socket->end])
		heph_sim_stream_room(socket->link->ends[1 - socket->end]);
	return (int)n;
}

static int stream_write(struct heph_sim *sim, struct heph_sim_file *file,
			const void *buf, size_t size, int flags, uint64_t offset)
{
	struct heph_sim_socket *socket = (struct heph_sim_socket *)file;
	size_t room;

	(void)flags, (void)offset;
	if (socket->error)
		return heph_sim_socket_error(socket);
	if (socket->state != HEPH_SIM_CONNECTED)
		return -ENOTCONN;
	if (socket->ended || !socket->link)
		return -EPIPE;
	room = heph_sim_link_room(socket->link, socket->end);
	if (socket->type == SOCK_SEQPACKET && size > HEPH_SIM_WINDOW / 2)
		return -EMSGSIZE;
	if (!room || (socket->type == SOCK_SEQPACKET && room < size))
		return -EAGAIN;
	if (socket->type == SOCK_SEQPACKET) {
		heph_sim_link_packet(socket->link, socket->end, buf, size);
		return (int)size;
	}
	size = heph_sim_shorten(sim, size < room ? size : room);
	heph_sim_link_send(socket->link, socket->end, buf, size);
	return (int)size;
}

static bool may_write(const struct heph_sim_socket *socket)
{
	return socket->ended || !socket->link ||
	       heph_sim_link_room(socket->link, socket->end);
}

static unsigned stream_ready(struct heph_sim_file *file)
{
	struct heph_sim_socket *socket = (struct heph_sim_socket *)file;
	unsigned ready = socket->error ? POLLERR : 0;

	if (socket->state == HEPH_SIM_LISTENING)
		return ready | (socket->n_pending ? POLLIN : 0);
	if (socket->state == HEPH_SIM_CONNECTING)
		return ready;
	if (socket->state == HEPH_SIM_FRESH)
		return ready | POLLOUT | POLLHUP;
	if (socket->received.n || socket->peer_ended || socket->deaf)
		ready |= POLLIN;
	if (socket->peer_ended)
		ready |= POLLRDHUP;
	if (may_write(socket))
		ready |= POLLOUT;
	if (!socket->link || (socket->peer_ended && socket->ended))
		ready |= POLLHUP;
	return ready;
}

/* ---- ending ---------------------------------------------------------------------------- */

static void end(struct heph_sim_socket *socket)
{
	if (socket->ended || !socket->link)
		return;
	socket->ended = true;
	heph_sim_link_end(socket->link, socket->end);
}

/* Nobody will read what has come. */
static void hang_up(struct heph_sim_socket *socket)
{
	struct heph_sim_link *link = socket->link;

	if (!link)
		return;
	if (socket->received.n)
		heph_sim_link_reset(link, socket->end);
	else
		end(socket);
	socket->link = NULL;
	heph_sim_link_leave(link, socket->end);
}

static struct heph_sim_socket *pop_pending(struct heph_sim_socket *listener)
{
	struct heph_list *node = heph_list_pop_front(&listener->pending);

	if (!node)
		return NULL;
	listener->n_pending--;
	return heph_container_of(node, struct heph_sim_socket, node);
}

static void abort_pending(struct heph_sim_socket *socket)
{
	struct heph_sim_link *link = socket->link;

	if (link) {
		heph_sim_link_reset(link, socket->end);
		heph_sim_link_leave(link, socket->end);
	}
	heph_sim_socket_free(socket);
}

static void stop_listening(struct heph_sim_socket *socket)
{
	struct heph_sim_socket *pending;

	while ((pending = pop_pending(socket)))
		abort_pending(pending);
	heph_list_remove(&socket->node);
	socket->state = HEPH_SIM_FRESH;
	heph_sim_touch(socket->sim, &socket->file);
}

static void socket_close(struct heph_sim *sim, struct heph_sim_file *file)
{
	struct heph_sim_socket *socket = (struct heph_sim_socket *)file;

	(void)sim;
	if (socket->state == HEPH_SIM_LISTENING)
		stop_listening(socket);
	hang_up(socket);
	heph_sim_socket_free(socket);
}

const struct heph_sim_class heph_sim_socket_class = {
	.mode = S_IFSOCK | 0777,
	.read = stream_read,
	.write = stream_write,
	.ready = stream_ready,
	.close = socket_close,
};

int heph_sim_do_shutdown(struct heph_sim *sim, struct heph_op *op)
{
	struct heph_sim_socket *socket = heph_sim_socket_at(sim, op->number);
	int how = (int)op->flags;

	if (!socket)
		return heph_sim_file(sim, op->number) ? -ENOTSOCK : -EBADF;
	if (socket->state == HEPH_SIM_LISTENING && how != SHUT_WR) {
		stop_listening(socket);
		return 0;
	}
	if (socket->state != HEPH_SIM_CONNECTED)
		return -ENOTCONN;
	if (how != SHUT_WR)
		socket->deaf = true;
	if (how != SHUT_RD)
		end(socket);
	heph_sim_touch(sim, &socket->file);
	return 0;
}

/* ---- connecting -------------------------------------------------------------------------- */

static heph_time travel(const struct heph_sim_socket *socket)
{
	const struct heph_sim_options *options = &socket->sim->options;
	heph_time length = heph_sim_between(socket->sim, options->latency_min,
					    options->latency_max);

	return heph_sim_name_same_host(&socket->local, &socket->peer) ?
		       length / 10 :
		       length;
}

/* One of those that listen there; NULL: nobody does. */
static struct heph_sim_socket *find_listener(const struct heph_sim_socket *from)
{
	struct heph_sim_socket *socket, *found = NULL;
	struct heph_list *node;
	uint64_t n = 0;

	heph_list_each(node, &from->sim->sockets) {
		socket = heph_container_of(node, struct heph_sim_socket, node);
		if (socket->state != HEPH_SIM_LISTENING ||
		    socket->type != from->type ||
		    !heph_sim_name_reaches(&from->peer, &socket->local))
			continue;
		if (!n++ || !heph_sim_below(from->sim, n))
			found = socket;
	}
	return found;
}

static void establish(struct heph_sim_socket *client,
		      struct heph_sim_socket *listener)
{
	struct heph_sim *sim = client->sim;
	struct heph_sim_socket *server =
		heph_sim_socket_new(sim, listener->domain, listener->type);

	server->state = HEPH_SIM_CONNECTED;
	server->local = client->peer;
	server->peer = client->local;
	if (!server->peer.family) /* of Unix, without a name */
		server->peer.family = server->local.family;
	server->told = true;
	server->end = 1;
	client->end = 0;
	client->link = server->link = heph_sim_link_new(
		sim, client, server, &client->local, &client->peer);
	heph_list_push_back(&listener->pending, &server->node);
	listener->n_pending++;
	heph_sim_touch(sim, &listener->file);
}

void heph_sim_stream_pair(struct heph_sim_socket *a, struct heph_sim_socket *b)
{
	a->state = b->state = HEPH_SIM_CONNECTED;
	a->told = b->told = true;
	a->end = 0;
	b->end = 1;
	a->link = b->link =
		heph_sim_link_new(a->sim, a, b, &a->local, &b->local);
}

static void fail_to_connect(struct heph_sim_socket *socket, int err)
{
	socket->state = HEPH_SIM_FRESH;
	socket->error = err;
	heph_sim_touch(socket->sim, &socket->file);
}

static void knock_again(struct heph_sim_socket *socket)
{
	struct heph_sim *sim = socket->sim;

	if (sim->now - socket->since >= sim->options.patience) {
		fail_to_connect(socket, -ETIMEDOUT);
		return;
	}
	heph_sim_at(sim, &socket->knock, sim->now + socket->pause);
	socket->pause *= 2;
}

static void knock(struct heph_sim_socket *socket)
{
	struct heph_sim *sim = socket->sim;
	struct heph_sim_socket *listener = find_listener(socket);

	if (heph_sim_cut(sim, &socket->local, &socket->peer) ||
	    (listener && listener->n_pending > listener->backlog)) {
		knock_again(socket);
	} else if (!listener ||
		   heph_sim_fault_of(sim, &socket->file,
				     HEPH_SIM_KIND(refused))) {
		fail_to_connect(socket, -ECONNREFUSED);
	} else {
		establish(socket, listener);
		heph_sim_at(sim, &socket->knock, sim->now + travel(socket));
	}
}

void heph_sim_stream_knock(struct heph_sim *sim, struct heph_sim_event *event)
{
	struct heph_sim_socket *socket =
		heph_container_of(event, struct heph_sim_socket, knock);

	if (socket->state != HEPH_SIM_CONNECTING)
		return; /* it was reset meanwhile */
	if (!socket->link) {
		knock(socket);
		return;
	}
	socket->state = HEPH_SIM_CONNECTED;
	heph_sim_touch(sim, &socket->file);
}

/* The address that it has as long as it was not bound to one. */
static int name_client(struct heph_sim_socket *socket)
{
	static const unsigned char host[4] = { 10, 0, 0, 1 };
	struct heph_sim_name name = socket->peer;

	if (socket->local.family || socket->domain == AF_UNIX)
		return 0;
	name.port = 0;
	if (!heph_sim_name_loopback(&name) && socket->domain == AF_INET)
		memcpy(name.host + 12, host, sizeof(host));
	return heph_sim_socket_name(socket, &name);
}

static int begin_to_connect(struct heph_sim_socket *socket,
			    const struct heph_op *op)
{
	struct heph_sim *sim = socket->sim;
	int err = heph_sim_name_read(&socket->peer, socket->domain, op->buf,
				     op->size);

	if (err < 0)
		return err;
	if (socket->peer.family == AF_INET && heph_sim_name_any(&socket->peer))
		heph_sim_name_set_loopback(&socket->peer);
	err = name_client(socket);
	if (err < 0 || socket->type == SOCK_DGRAM)
		return err;
	socket->state = HEPH_SIM_CONNECTING;
	socket->since = sim->now;
	socket->pause = KNOCK_AGAIN;
	heph_sim_at(sim, &socket->knock, sim->now + travel(socket));
	return -EAGAIN;
}

int heph_sim_do_connect(struct heph_sim *sim, struct heph_op *op)
{
	struct heph_sim_socket *socket = heph_sim_socket_at(sim, op->number);

	if (!socket)
		return heph_sim_file(sim, op->number) ? -ENOTSOCK : -EBADF;
	switch (socket->state) {
	case HEPH_SIM_FRESH:
		if (socket->error)
			return heph_sim_socket_error(socket);
		return begin_to_connect(socket, op);
	case HEPH_SIM_CONNECTING:
		return -EAGAIN;
	case HEPH_SIM_CONNECTED:
		if (socket->told)
			return -EISCONN;
		socket->told = true;
		return 0;
	default:
		return -EINVAL;
	}
}

/* ---- accepting --------------------------------------------------------------------------- */

static int accept_error(struct heph_sim_socket *listener)
{
	static const int errors[] = { -ECONNABORTED, -EMFILE, -ENFILE, -ENOBUFS,
				      -ENOMEM };
	struct heph_sim *sim = listener->sim;
	int err = errors[heph_sim_below(sim, sizeof(errors) / sizeof(*errors))];

	if (err == -ECONNABORTED)
		abort_pending(pop_pending(listener));
	return err;
}

/* Whose it is: to `buf`, and how long that is to `buf2`. */
static void write_address(const struct heph_sim_socket *socket,
			  struct heph_op *op)
{
	socklen_t size;

	if (!op->buf)
		return;
	memcpy(&size, op->buf2, sizeof(size));
	size = (socklen_t)heph_sim_name_write(&socket->peer, socket->domain,
					      op->buf, size);
	memcpy(op->buf2, &size, sizeof(size));
}

int heph_sim_do_accept(struct heph_sim *sim, struct heph_op *op)
{
	struct heph_sim_socket *listener = heph_sim_socket_at(sim, op->number);
	struct heph_sim_socket *socket;

	if (!listener)
		return heph_sim_file(sim, op->number) ? -ENOTSOCK : -EBADF;
	if (listener->state != HEPH_SIM_LISTENING)
		return -EINVAL;
	if (!listener->n_pending)
		return -EAGAIN;
	if (heph_sim_fault(sim, HEPH_SIM_KIND(accept_error)))
		return accept_error(listener);
	if (!heph_sim_may_open(sim))
		return -EMFILE;
	socket = pop_pending(listener);
	if (op->kind != HEPH_OP_ACCEPT)
		write_address(socket, op);
	return heph_sim_open(sim, &socket->file, &heph_sim_socket_class,
			     O_RDWR);
}
