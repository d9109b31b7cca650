/* SPDX-License-Identifier: MIT */
#define HEPH_LOG_TARGET "heph.remote"
#include "remote/tcp.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "remote/mem.h"
#include "remote/tcptls.h"

enum {
	FRAME_MAX = (1 << 20) + 4096,
	FRAME_LIMIT = 64 << 20,
};
#define PAUSE (10 * HEPH_MSEC) /* when nothing can be accepted */

/* Belongs to the actor that listens. */
struct door {
	struct heph_ending ending;
	struct heph_tcp *tcp;
	heph_fd fd;
};

/* ---- where the peer is ------------------------------------------------------------ */

static bool is_here_v6(const struct in6_addr *address)
{
	return IN6_IS_ADDR_LOOPBACK(address) ||
	       (IN6_IS_ADDR_V4MAPPED(address) && address->s6_addr[12] == 127);
}

/* Whether only somebody on this machine can have that address. */
static bool is_here(const struct heph_address *address)
{
	const void *storage = &address->storage;
	const struct sockaddr_in *v4 = storage;
	const struct sockaddr_in6 *v6 = storage;

	switch (address->storage.ss_family) {
	case AF_UNIX:
		return true;
	case AF_INET:
		return ntohl(v4->sin_addr.s_addr) >> 24 == 127;
	case AF_INET6:
		return is_here_v6(&v6->sin6_addr);
	default:
		return false;
	}
}

static bool is_plain(const struct heph_tcp *tcp)
{
	return !tcp->accepts;
}

/* Whether there was no warning about that address so far, unless another one has taken
 * its place meanwhile: who is connected to again and again is named once. FNV-1a. */
static bool is_news(struct heph_tcp *tcp, const struct heph_address *address)
{
	const unsigned char *byte = (const void *)&address->storage;
	uint32_t hash = 2166136261u, was;

	for (socklen_t i = 0; i < address->size; i++)
		hash = (hash ^ byte[i]) * 16777619u;
	was = __atomic_exchange_n(&tcp->warned[hash % HEPH_TCP_WARNED], hash,
				  __ATOMIC_RELAXED);
	return was != hash;
}

static void warn_plain(struct heph_tcp *tcp, const char *what,
		       const struct heph_address *address)
{
	if (is_plain(tcp) && !is_here(address) && is_news(tcp, address))
		heph_log_warn(
			"plain TCP beyond this machine: anybody there can read it and be believed",
			HEPH_KV_STR("what", what),
			HEPH_KV_ADDRESS("address", address));
}

/* ---- wires -------------------------------------------------------------------------- */

/* A wire of a descriptor, which is its own then, or closed. */
static __attribute__((noinline)) int new_wire(heph_ctx ctx,
					      struct heph_tcp *tcp, heph_fd fd,
					      bool accepted, const char *where,
					      struct heph_wire **ret_wire)
{
	struct heph_tcp_wire *wire = heph_remote_mem_zero(sizeof(*wire));
	struct heph_address peer;
	int err = wire ? heph_socket_peer(ctx, fd, &peer) : -ENOMEM;

	if (err == 0 && is_plain(tcp) && is_here(&peer))
		wire->base.trust = HEPH_TRUST_HOST;
	if (err == 0 && where)
		strcpy(wire->base.where, where);
	if (err == 0 && !where)
		err = heph_address_print(&peer, wire->base.where);
	if (err == 0)
		err = heph_fd_give(ctx, fd, &wire->fd);
	if (err < 0) {
		heph_close(fd);
		heph_remote_mem_free(wire);
		return err;
	}
	if (!accepted)
		warn_plain(tcp, "connect", &peer);
	wire->accepted = accepted;
	wire->base.type = tcp->base.type;
	wire->base.transport = heph_transport_ref(&tcp->base);
	*ret_wire = &wire->base;
	return 0;
}

static int tcp_open(heph_ctx ctx, struct heph_wire *base)
{
	struct heph_tcp_wire *wire = (struct heph_tcp_wire *)base;
	int err = heph_fd_take(ctx, wire->fd, &wire->in.fd);

	if (err < 0)
		return err;
	wire->taken = true;
	if (!is_plain((struct heph_tcp *)base->transport))
		err = heph_tcp_tls_shake(ctx, wire);
	return err == 0 ? heph_stream_split(ctx, &wire->in, &wire->sender) :
			  err;
}

static int tcp_open_sender(heph_ctx ctx, struct heph_wire *base)
{
	struct heph_tcp_wire *wire = (struct heph_tcp_wire *)base;
	int err = heph_stream_take(ctx, &wire->sender, &wire->out);

	if (err != -ENOMEM)
		wire->sender = (struct heph_stream_handle){ .type = NULL };
	return err;
}

static void tcp_close_sender(heph_ctx ctx, struct heph_wire *base)
{
	struct heph_tcp_wire *wire = (struct heph_tcp_wire *)base;

	heph_stream_close(ctx, &wire->out);
}

static void free_wire(struct heph_tcp_wire *wire)
{
	if (!wire->taken)
		heph_fd_discard(wire->fd);
	heph_stream_discard(&wire->sender);
	heph_tcp_recv_end(wire);
	heph_remote_mem_free(wire->names);
	heph_transport_free(wire->base.transport);
	heph_remote_mem_free(wire);
}

static void tcp_close(heph_ctx ctx, struct heph_wire *base)
{
	struct heph_tcp_wire *wire = (struct heph_tcp_wire *)base;

	heph_stream_close(ctx, &wire->in);
	free_wire(wire);
}

/* ---- doors --------------------------------------------------------------------------- */

static void owner_ends(heph_ctx ctx, struct heph_ending *ending)
{
	struct door *door = (struct door *)ending;

	heph_close(door->fd);
	heph_transport_free(&door->tcp->base);
	heph_remote_mem_free(door);
}

static void tcp_close_door(heph_ctx ctx, struct heph_door *door)
{
	struct door *its = (struct door *)door;

	heph_ending_clear(&its->ending);
	owner_ends(ctx, &its->ending);
}

/* Tells where it is, and warns. */
static __attribute__((noinline)) int
look_at_door(heph_ctx ctx, struct heph_tcp *tcp, heph_fd fd,
	     char ret_where[HEPH_WHERE_MAX])
{
	struct heph_address address;
	int err = heph_socket_local(ctx, fd, &address);

	if (err == 0)
		err = heph_address_print(&address, ret_where);
	if (err == 0)
		warn_plain(tcp, "listen", &address);
	return err;
}

static int new_door(heph_ctx ctx, struct heph_tcp *tcp, heph_fd fd,
		    struct heph_door **ret_door)
{
	struct door *door = heph_remote_mem_zero(sizeof(*door));
	int err;

	if (!door)
		return -ENOMEM;
	err = heph_ending_set(ctx, &door->ending, owner_ends);
	if (err < 0) {
		heph_remote_mem_free(door);
		return err;
	}
	door->tcp = tcp;
	heph_transport_ref(&tcp->base);
	door->fd = fd;
	*ret_door = (struct heph_door *)door;
	return 0;
}

static int tcp_listen(heph_ctx ctx, struct heph_transport *transport,
		      const char *where, struct heph_door **ret_door,
		      char ret_where[HEPH_WHERE_MAX])
{
	struct heph_tcp *tcp = (struct heph_tcp *)transport;
	heph_fd fd;
	int err = heph_listen(ctx, where, &fd);

	if (err < 0)
		return err;
	err = look_at_door(ctx, tcp, fd, ret_where);
	if (err == 0)
		err = new_door(ctx, tcp, fd, ret_door);
	if (err < 0)
		heph_close(fd);
	return err;
}

/* Whether there is no more to hope for of that door. */
static bool is_end(int err)
{
	switch (err) {
	case -ETIME:
	case -ECANCELED:
	case -EBADF:
	case -EINVAL:
	case -ENOTSOCK:
	case -EOPNOTSUPP:
		return true;
	default:
		return false;
	}
}

static int tcp_accept(heph_ctx ctx, struct heph_door *base,
		      struct heph_wire **ret_wire)
{
	struct door *door = (struct door *)base;
	heph_fd fd;
	int err = heph_accept(ctx, door->fd, &fd);

	if (err == 0 && new_wire(ctx, door->tcp, fd, true, NULL, ret_wire) < 0)
		return -EAGAIN; /* it is gone already */
	if (err == 0 || is_end(err))
		return err;
	if (err != -ECONNABORTED) {
		err = heph_sleep(ctx, PAUSE); /* something is used up */
		if (err < 0)
			return err;
	}
	return -EAGAIN;
}

static int tcp_connect(heph_ctx ctx, struct heph_transport *transport,
		       const char *where, struct heph_wire **ret_wire)
{
	heph_fd fd;
	int err;

	if (strlen(where) >= HEPH_WHERE_MAX)
		return -EINVAL;
	err = heph_connect(ctx, where, &fd);
	if (err < 0)
		return err;
	return new_wire(ctx, (struct heph_tcp *)transport, fd, false, where,
			ret_wire);
}

/* ---- the transport -------------------------------------------------------------------- */

static void tcp_free(struct heph_transport *transport)
{
	heph_tcp_tls_free((struct heph_tcp *)transport);
	heph_remote_mem_free(transport);
}

static const struct heph_transport_type type = {
	.name = "tcp",
	.listen = tcp_listen,
	.accept = tcp_accept,
	.close_door = tcp_close_door,
	.connect = tcp_connect,
	.open = tcp_open,
	.open_sender = tcp_open_sender,
	.send = heph_tcp_send,
	.recv = heph_tcp_recv,
	.close_sender = tcp_close_sender,
	.close = tcp_close,
	.free = tcp_free,
};

static int new_tcp(struct heph_tcp **ret_tcp, size_t frame_max)
{
	struct heph_tcp *tcp;

	if (frame_max > FRAME_LIMIT)
		return -EINVAL;
	tcp = heph_remote_mem_zero(sizeof(*tcp));
	if (!tcp)
		return -ENOMEM;
	heph_transport_init(&tcp->base, &type, frame_max ? frame_max : FRAME_MAX);
	*ret_tcp = tcp;
	return 0;
}

int heph_tcp_plain_new(struct heph_transport **ret_transport, size_t frame_max)
{
	struct heph_tcp *tcp;
	int err = new_tcp(&tcp, frame_max);

	if (err == 0)
		*ret_transport = &tcp->base;
	return err;
}

int heph_raw_tcp_tls_new(struct heph_transport **ret_transport,
			 const struct heph_tcp_config *config)
{
	struct heph_tcp_config its;
	struct heph_tcp *tcp;
	int err;

	if (!heph_take_options__(&its, sizeof(its), config))
		return -EINVAL;
	err = new_tcp(&tcp, its.frame_max);
	if (err < 0)
		return err;
	err = heph_tcp_tls_make(tcp, &its);
	if (err < 0) {
		tcp_free(&tcp->base);
		return err;
	}
	*ret_transport = &tcp->base;
	return 0;
}

int heph_tcp_reload(struct heph_transport *transport)
{
	struct heph_tcp *tcp = (struct heph_tcp *)transport;

	if (transport->type != &type || is_plain(tcp))
		return -EINVAL;
	return heph_tcp_tls_reload(tcp);
}
