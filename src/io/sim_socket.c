/* SPDX-License-Identifier: MIT */
#include "io/sim_socket.h"

#include <fcntl.h>
#include <string.h>

#include "base/mem.h"
#include "io/op.h"

enum { PORT_MIN = 32768, PORTS = 28232, BUFFER_DEFAULT = 212992 };

struct option {
	struct heph_list node; /* in socket->options */
	int level, name;
	size_t size;
	unsigned char value[];
};

struct heph_sim_socket *heph_sim_socket_at(struct heph_sim *sim, int number)
{
	struct heph_sim_file *file = heph_sim_file(sim, number);

	return file && S_ISSOCK(file->class->mode) ?
		       (struct heph_sim_socket *)file :
		       NULL;
}

static int no_socket(struct heph_sim *sim, int number)
{
	return heph_sim_file(sim, number) ? -ENOTSOCK : -EBADF;
}

struct heph_sim_socket *heph_sim_socket_new(struct heph_sim *sim, int domain,
					    int type)
{
	struct heph_sim_socket *socket = heph_sim_memory(sizeof(*socket));

	socket->sim = sim;
	socket->domain = domain;
	socket->type = type;
	socket->file.class = type == SOCK_DGRAM ? &heph_sim_packet_class :
						  &heph_sim_socket_class;
	socket->knock.fn = heph_sim_stream_knock;
	heph_list_init(&socket->file.waiters);
	heph_list_init(&socket->node);
	heph_list_init(&socket->options);
	heph_list_init(&socket->pending);
	heph_list_init(&socket->packets);
	if (type == SOCK_DGRAM && domain == AF_UNIX)
		heph_list_push_back(&sim->sockets, &socket->node);
	return socket;
}

static void free_options(struct heph_sim_socket *socket)
{
	struct heph_list *node;

	while ((node = heph_list_pop_front(&socket->options)))
		heph_mem_free(heph_container_of(node, struct option, node));
}

void heph_sim_socket_free(struct heph_sim_socket *socket)
{
	heph_sim_never(socket->sim, &socket->knock);
	heph_list_remove(&socket->node);
	heph_sim_bytes_fini(&socket->received);
	free_options(socket);
	heph_mem_free(socket);
}

int heph_sim_socket_error(struct heph_sim_socket *socket)
{
	int error = socket->error;

	socket->error = 0;
	return error;
}

/* ---- making --------------------------------------------------------------------- */

int heph_sim_do_socket(struct heph_sim *sim, struct heph_op *op)
{
	int domain = op->number;
	int type = (int)op->flags & ~(SOCK_CLOEXEC | SOCK_NONBLOCK);
	int flags = op->flags & SOCK_NONBLOCK ? O_RDWR | O_NONBLOCK : O_RDWR;
	struct heph_sim_socket *socket;

	if (domain != AF_INET && domain != AF_INET6 && domain != AF_UNIX)
		return -EAFNOSUPPORT;
	if (type != SOCK_STREAM && type != SOCK_DGRAM &&
	    (type != SOCK_SEQPACKET || domain != AF_UNIX))
		return -ESOCKTNOSUPPORT;
	if (!heph_sim_may_open(sim))
		return -EMFILE;
	socket = heph_sim_socket_new(sim, domain, type);
	socket->protocol = op->number2;
	return heph_sim_open(sim, &socket->file, socket->file.class, flags);
}

/* `buf`: two numbers. */
int heph_sim_do_pair(struct heph_sim *sim, struct heph_op *op)
{
	int type = (int)op->flags & ~(SOCK_CLOEXEC | SOCK_NONBLOCK);
	int flags = op->flags & SOCK_NONBLOCK ? O_RDWR | O_NONBLOCK : O_RDWR;
	struct heph_sim_socket *ends[2];
	int numbers[2];

	if (op->number != AF_UNIX)
		return -EOPNOTSUPP;
	if (sim->open_files + 2 > sim->options.descriptors)
		return -EMFILE;
	for (unsigned n = 0; n < 2; n++) {
		ends[n] = heph_sim_socket_new(sim, op->number, type);
		numbers[n] = heph_sim_open(sim, &ends[n]->file,
					   ends[n]->file.class, flags);
		ends[n]->local.family = ends[n]->peer.family = AF_UNIX;
	}
	if (type == SOCK_DGRAM) {
		ends[0]->pair = ends[1];
		ends[1]->pair = ends[0];
	} else {
		heph_sim_stream_pair(ends[0], ends[1]);
	}
	memcpy(op->buf, numbers, sizeof(numbers));
	return 0;
}

/* ---- names ------------------------------------------------------------------------ */

static bool taken(const struct heph_sim_socket *socket,
		  const struct heph_sim_name *name)
{
	const struct heph_sim_socket *other;
	struct heph_list *node;

	heph_list_each(node, &socket->sim->sockets) {
		other = heph_container_of(node, struct heph_sim_socket, node);
		if (other->type == socket->type &&
		    heph_sim_name_clash(&other->local, name) &&
		    !(other->shared && socket->shared))
			return true;
	}
	return false;
}

static int draw_port(const struct heph_sim_socket *socket,
		     struct heph_sim_name *name)
{
	struct heph_sim *sim = socket->sim;
	uint64_t first = heph_sim_below(sim, PORTS);

	for (unsigned n = 0; n < PORTS; n++) {
		name->port = (uint16_t)(PORT_MIN + (first + n) % PORTS);
		if (!taken(socket, name))
			return 0;
	}
	return -EADDRINUSE;
}

int heph_sim_socket_name(struct heph_sim_socket *socket,
			 const struct heph_sim_name *name)
{
	struct heph_sim_name full = *name;
	int err = 0;

	if (name->family == AF_INET && !name->port)
		err = draw_port(socket, &full);
	else if (taken(socket, name))
		err = -EADDRINUSE;
	if (err < 0)
		return err;
	socket->local = full;
	heph_list_remove(&socket->node);
	heph_list_push_back(&socket->sim->sockets, &socket->node);
	return 0;
}

int heph_sim_do_bind(struct heph_sim *sim, struct heph_op *op)
{
	struct heph_sim_socket *socket = heph_sim_socket_at(sim, op->number);
	struct heph_sim_name name;
	int err;

	if (!socket)
		return no_socket(sim, op->number);
	if (socket->local.family)
		return -EINVAL;
	err = heph_sim_name_read(&name, socket->domain, op->buf, op->size);
	return err < 0 ? err : heph_sim_socket_name(socket, &name);
}

int heph_sim_do_name(struct heph_sim *sim, struct heph_op *op)
{
	struct heph_sim_socket *socket = heph_sim_socket_at(sim, op->number);
	bool peer = op->flags;

	if (!socket)
		return no_socket(sim, op->number);
	if (peer && !socket->peer.family)
		return -ENOTCONN;
	return heph_sim_name_write(peer ? &socket->peer : &socket->local,
				   socket->domain, op->buf, op->size);
}

int heph_sim_do_listen(struct heph_sim *sim, struct heph_op *op)
{
	struct heph_sim_socket *socket = heph_sim_socket_at(sim, op->number);
	struct heph_sim_name any = { .family = AF_INET };
	int err = 0;

	if (!socket)
		return no_socket(sim, op->number);
	if (socket->state > HEPH_SIM_LISTENING)
		return -EINVAL;
	if (!socket->local.family && socket->domain == AF_UNIX)
		return -EINVAL;
	if (!socket->local.family)
		err = heph_sim_socket_name(socket, &any);
	if (err < 0)
		return err;
	socket->state = HEPH_SIM_LISTENING;
	socket->backlog = op->flags < SOMAXCONN ? op->flags : SOMAXCONN;
	return 0;
}

/* ---- options ----------------------------------------------------------------------- */

static struct option *find_option(const struct heph_sim_socket *socket, int level,
				  int name)
{
	struct heph_list *node;
	struct option *option;

	heph_list_each(node, &socket->options) {
		option = heph_container_of(node, struct option, node);
		if (option->level == level && option->name == name)
			return option;
	}
	return NULL;
}

int heph_sim_do_set_option(struct heph_sim *sim, struct heph_op *op)
{
	struct heph_sim_socket *socket = heph_sim_socket_at(sim, op->number);
	struct option *option;
	int value = 0;

	if (!socket)
		return no_socket(sim, op->number);
	option = find_option(socket, (int)op->flags, op->number2);
	if (option) {
		heph_list_remove(&option->node);
		heph_mem_free(option);
	}
	option = heph_sim_memory(sizeof(*option) + op->size);
	option->level = (int)op->flags;
	option->name = op->number2;
	option->size = op->size;
	memcpy(option->value, op->buf, op->size);
	heph_list_push_back(&socket->options, &option->node);
	memcpy(&value, op->buf, op->size < sizeof(value) ? op->size : sizeof(value));
	if (op->flags == SOL_SOCKET && op->number2 == SO_REUSEPORT)
		socket->shared = value;
	return 0;
}

/* What is not set but known; -ENOPROTOOPT. */
static int known_option(struct heph_sim_socket *socket, int name, int *ret_value)
{
	switch (name) {
	case SO_TYPE:
		*ret_value = socket->type;
		return 0;
	case SO_DOMAIN:
		*ret_value = socket->domain;
		return 0;
	case SO_PROTOCOL:
		*ret_value = socket->protocol;
		return 0;
	case SO_ACCEPTCONN:
		*ret_value = socket->state == HEPH_SIM_LISTENING;
		return 0;
	case SO_ERROR:
		*ret_value = -heph_sim_socket_error(socket);
		return 0;
	case SO_SNDBUF:
	case SO_RCVBUF:
		*ret_value = BUFFER_DEFAULT;
		return 0;
	default:
		return -ENOPROTOOPT;
	}
}

static int copy_option(struct heph_op *op, const void *value, size_t size)
{
	if (size > op->size)
		size = op->size;
	memcpy(op->buf, value, size);
	return (int)size;
}

int heph_sim_do_get_option(struct heph_sim *sim, struct heph_op *op)
{
	struct heph_sim_socket *socket = heph_sim_socket_at(sim, op->number);
	struct option *option;
	int value = 0;

	if (!socket)
		return no_socket(sim, op->number);
	option = find_option(socket, (int)op->flags, op->number2);
	if (option)
		return copy_option(op, option->value, option->size);
	if (op->flags == SOL_SOCKET)
		known_option(socket, op->number2, &value);
	return copy_option(op, &value, sizeof(value));
}
