/* SPDX-License-Identifier: MIT */
/*
 * sim_socket.h - sockets of the simulated network
 *
 * Every address is one of this program's: any may be bound, and who connects to
 * one reaches who listens there. A host is an address.
 */
#ifndef HEPH_IO_SIM_SOCKET_H
#define HEPH_IO_SIM_SOCKET_H

#include "io/op.h"
#include "io/sim_link.h"
#include "io/sim_name.h"

enum heph_sim_state {
	HEPH_SIM_FRESH, /* or a datagram socket */
	HEPH_SIM_LISTENING,
	HEPH_SIM_CONNECTING,
	HEPH_SIM_CONNECTED,
};

struct heph_sim_socket {
	struct heph_sim_file file; /* first; without a number in a backlog */
	struct heph_sim *sim;
	struct heph_list node; /* in sim->sockets, or in a backlog, or in none */
	int domain, type, protocol;
	enum heph_sim_state state;
	struct heph_sim_name local, peer;
	struct heph_list options;
	bool shared;  /* SO_REUSEPORT */
	int error;    /* told once */
	bool closed;

	/* a listener */
	struct heph_list pending; /* connections that nobody has accepted */
	unsigned n_pending, backlog;

	/* a connection */
	struct heph_sim_link *link; /* NULL: there is none, or none any more */
	unsigned end;               /* of the link */
	struct heph_sim_bytes received;
	bool peer_ended; /* nothing comes after what was received */
	bool ended;      /* we have said that of us */
	bool deaf;       /* SHUT_RD */
	bool told;       /* that it is connected */

	/* one without connections: what has come; see sim_packet.c */
	struct heph_list packets;
	size_t queued; /* bytes */
	struct heph_sim_socket *pair; /* the other one of a pair, or NULL */

	/* one that connects */
	struct heph_sim_event knock;
	heph_time since, pause;
};

extern const struct heph_sim_class heph_sim_socket_class;
extern const struct heph_sim_class heph_sim_packet_class;

/* NULL: that number is none. */
struct heph_sim_socket *heph_sim_socket_at(struct heph_sim *sim, int number);

struct heph_sim_socket *heph_sim_socket_new(struct heph_sim *sim, int domain,
					    int type);
void heph_sim_socket_free(struct heph_sim_socket *socket);

/* Gives it a name, of a free port if it has none. 0; -EADDRINUSE. */
int heph_sim_socket_name(struct heph_sim_socket *socket,
			 const struct heph_sim_name *name);

/* The error that it has, which it has no more. */
int heph_sim_socket_error(struct heph_sim_socket *socket);

/* ---- kinds of operations ---- */

int heph_sim_do_socket(struct heph_sim *sim, struct heph_op *op);
int heph_sim_do_bind(struct heph_sim *sim, struct heph_op *op);
int heph_sim_do_listen(struct heph_sim *sim, struct heph_op *op);
int heph_sim_do_shutdown(struct heph_sim *sim, struct heph_op *op);
int heph_sim_do_name(struct heph_sim *sim, struct heph_op *op);
int heph_sim_do_get_option(struct heph_sim *sim, struct heph_op *op);
int heph_sim_do_set_option(struct heph_sim *sim, struct heph_op *op);
int heph_sim_do_connect(struct heph_sim *sim, struct heph_op *op);
int heph_sim_do_accept(struct heph_sim *sim, struct heph_op *op);

int heph_sim_do_pair(struct heph_sim *sim, struct heph_op *op);
int heph_sim_do_recvmsg(struct heph_sim *sim, struct heph_op *op);
int heph_sim_do_sendmsg(struct heph_sim *sim, struct heph_op *op);

/* ---- sim_packet.c: what is sent without a connection ---- */

/* Sends to `to`, or, if that is NULL, to its peer. How many bytes; -EAGAIN. */
int heph_sim_packet_send(struct heph_sim_socket *socket,
			 const struct heph_sim_name *to, const void *data,
			 size_t size);

/* The next one, its sender and its true length. -EAGAIN. */
int heph_sim_packet_recv(struct heph_sim_socket *socket, void *buf, size_t size,
			 int flags, struct heph_sim_name *ret_from,
			 size_t *ret_length);

/* Those under way are lost with the world. */
void heph_sim_packets_fini(struct heph_sim *sim);

/* ---- sim_stream.c: connections ---- */

/* Two sockets that are connected with each other, within a host. */
void heph_sim_stream_pair(struct heph_sim_socket *a, struct heph_sim_socket *b);

void heph_sim_stream_knock(struct heph_sim *sim, struct heph_sim_event *event);

/* What a link brings to its end. */
void heph_sim_stream_arrived(struct heph_sim_socket *socket, const void *data,
			     size_t size);
void heph_sim_stream_ended(struct heph_sim_socket *socket);
void heph_sim_stream_broken(struct heph_sim_socket *socket, int err);

/* The other end has read, or the way is free: there is room. */
void heph_sim_stream_room(struct heph_sim_socket *socket);

#endif
