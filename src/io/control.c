/* SPDX-License-Identifier: MIT */
#include "io/control.h"

#include <heph/io.h>
#include <heph/types.h>

#include <linux/errqueue.h>
#include <linux/udp.h>
#include <netinet/in.h>
#include <string.h>
#include <time.h>

#include "io/address.h"
#include "io/op.h"
#include "io/socket.h"

/* The kernel adds data of one kind once. */
enum {
	OTHERS = CMSG_SPACE(sizeof(struct ucred)) +
		 CMSG_SPACE(sizeof(struct in6_pktinfo)) +
		 CMSG_SPACE(sizeof(struct in_pktinfo)) +
		 6 * CMSG_SPACE(sizeof(struct timespec)) +
		 CMSG_SPACE(sizeof(struct sock_extended_err) +
			    sizeof(struct sockaddr_in6)),
};

size_t heph_control_size(const struct heph_socket_msg *msg, bool sending)
{
	unsigned n = sending ? msg->n_fds : msg->max_fds;

	if (n > HEPH_PASSED_MAX)
		n = HEPH_PASSED_MAX;
	if (sending && !n && !(msg->has & ~HEPH_MSG_ADDRESS))
		return 0;
	return OTHERS + CMSG_SPACE(n * sizeof(int));
}

/* ---- to be sent ----------------------------------------------------------------- */

/* Adds one; returns where its data goes. */
static void *add(struct cmsghdr **next, int level, int type, size_t size)
{
	struct cmsghdr *it = *next;

	it->cmsg_level = level;
	it->cmsg_type = type;
	it->cmsg_len = CMSG_LEN(size);
	*next = (struct cmsghdr *)(void *)((char *)it + CMSG_SPACE(size));
	return CMSG_DATA(it);
}

static void add_value(struct cmsghdr **next, int level, int type,
		      const void *value, size_t size)
{
	memcpy(add(next, level, type, size), value, size);
}

static int add_fds(heph_ctx ctx, const struct heph_socket_msg *msg,
		   struct cmsghdr **next)
{
	int *numbers, number;

	if (msg->n_fds > HEPH_PASSED_MAX)
		return -EINVAL;
	if (!msg->n_fds)
		return 0;
	numbers = add(next, SOL_SOCKET, SCM_RIGHTS, msg->n_fds * sizeof(int));
	for (unsigned i = 0; i < msg->n_fds; i++) {
		number = heph_socket_number(ctx, msg->fds[i]);
		if (number < 0)
			return number;
		numbers[i] = number;
	}
	return 0;
}

static void add_credentials(const struct heph_socket_msg *msg,
			    struct cmsghdr **next)
{
	struct ucred it = { .pid = msg->credentials.pid,
			    .uid = msg->credentials.uid,
			    .gid = msg->credentials.gid };

	add_value(next, SOL_SOCKET, SCM_CREDENTIALS, &it, sizeof(it));
}

static void add_info_v4(const struct heph_packet_info *packet,
			struct cmsghdr **next)
{
	const struct sockaddr_in *local = (const void *)&packet->local.storage;
	struct in_pktinfo it = { .ipi_ifindex = (int)packet->interface };

	if (packet->local.size)
		it.ipi_spec_dst = local->sin_addr;
	add_value(next, IPPROTO_IP, IP_PKTINFO, &it, sizeof(it));
}

static void add_info_v6(const struct heph_packet_info *packet,
			struct cmsghdr **next)
{
	const struct sockaddr_in6 *local = (const void *)&packet->local.storage;
	struct in6_pktinfo it = { .ipi6_ifindex = packet->interface };

	if (packet->local.size)
		it.ipi6_addr = local->sin6_addr;
	add_value(next, IPPROTO_IPV6, IPV6_PKTINFO, &it, sizeof(it));
}

static void add_number(struct cmsghdr **next, bool v6, int v4_type, int v6_type,
		       int value)
{
	add_value(next, v6 ? IPPROTO_IPV6 : IPPROTO_IP, v6 ? v6_type : v4_type,
		  &value, sizeof(value));
}

/* Of IPv4 or IPv6: as the socket is. */
static int add_inet(heph_ctx ctx, int number, const struct heph_socket_msg *msg,
		    struct cmsghdr **next)
{
	int domain = AF_UNSPEC, family = heph_address_family(&msg->packet.local);
	int err = heph_socket_get_raw(ctx.self, number, SOL_SOCKET, SO_DOMAIN,
				      &domain, sizeof(domain));
	bool v6 = domain == AF_INET6;

	if (err < 0)
		return err;
	if (domain != AF_INET && !v6)
		return -EINVAL;
	if (msg->has & HEPH_MSG_HOPS)
		add_number(next, v6, IP_TTL, IPV6_HOPLIMIT, msg->hops);
	if (msg->has & HEPH_MSG_TRAFFIC_CLASS)
		add_number(next, v6, IP_TOS, IPV6_TCLASS, msg->traffic_class);
	if (!(msg->has & HEPH_MSG_PACKET_INFO))
		return 0;
	if (family != AF_UNSPEC && family != domain)
		return -EINVAL;
	if (v6)
		add_info_v6(&msg->packet, next);
	else
		add_info_v4(&msg->packet, next);
	return 0;
}

int heph_control_encode(heph_ctx ctx, int number,
			const struct heph_socket_msg *msg, void *control)
{
	struct cmsghdr *next = control;
	uint16_t segment = (uint16_t)msg->segment;
	int err;

	if ((msg->has & HEPH_MSG_SEGMENT) && msg->segment > UINT16_MAX)
		return -EINVAL;
	err = add_fds(ctx, msg, &next);
	if (err == 0 && (msg->has & (HEPH_MSG_HOPS | HEPH_MSG_TRAFFIC_CLASS |
				     HEPH_MSG_PACKET_INFO)))
		err = add_inet(ctx, number, msg, &next);
	if (err < 0)
		return err;
	if (msg->has & HEPH_MSG_CREDENTIALS)
		add_credentials(msg, &next);
	if (msg->has & HEPH_MSG_SEGMENT)
		add_value(&next, IPPROTO_UDP, UDP_SEGMENT, &segment,
			  sizeof(segment));
	return (int)((char *)next - (char *)control);
}

/* ---- received ------------------------------------------------------------------- */

/* One of them. */
struct piece {
	int level, type;
	const void *data;
	size_t size;
};

static bool is(const struct piece *piece, int level, int type, size_t size)
{
	return piece->level == level && piece->type == type &&
	       piece->size >= size;
}

/* Descriptors, whose room may be used up. */
static void take_fds(heph_ctx ctx, const struct piece *piece,
		     struct heph_socket_msg *msg)
{
	struct heph *heph = ctx.self->thread->heph;
	int number;

	for (size_t i = 0; i < piece->size / sizeof(int); i++) {
		memcpy(&number, (const int *)piece->data + i, sizeof(number));
		if (msg->n_fds < msg->max_fds &&
		    heph_fd_adopt(ctx, number, &msg->fds[msg->n_fds]) == 0) {
			msg->n_fds++;
		} else {
			heph_op_close_now(heph, number);
			msg->flags |= MSG_CTRUNC;
		}
	}
}

static void take_credentials(const struct piece *piece,
			     struct heph_socket_msg *msg)
{
	struct ucred it;

	memcpy(&it, piece->data, sizeof(it));
	msg->credentials = (struct heph_credentials){ .pid = it.pid,
						      .uid = it.uid,
						      .gid = it.gid };
	msg->has |= HEPH_MSG_CREDENTIALS;
}

static void take_info_v4(const struct piece *piece, struct heph_socket_msg *msg)
{
	struct sockaddr_in *local = (void *)&msg->packet.local.storage;
	struct in_pktinfo it;

	memcpy(&it, piece->data, sizeof(it));
	local->sin_family = AF_INET;
	local->sin_addr = it.ipi_addr;
	msg->packet.local.size = sizeof(*local);
	msg->packet.interface = (unsigned)it.ipi_ifindex;
	msg->has |= HEPH_MSG_PACKET_INFO;
}

static void take_info_v6(const struct piece *piece, struct heph_socket_msg *msg)
{
	struct sockaddr_in6 *local = (void *)&msg->packet.local.storage;
	struct in6_pktinfo it;

	memcpy(&it, piece->data, sizeof(it));
	local->sin6_family = AF_INET6;
	local->sin6_addr = it.ipi6_addr;
	msg->packet.local.size = sizeof(*local);
	msg->packet.interface = (unsigned)it.ipi6_ifindex;
	msg->has |= HEPH_MSG_PACKET_INFO;
}

static void take_time(const struct piece *piece, struct heph_socket_msg *msg)
{
	struct timespec it;

	memcpy(&it, piece->data, sizeof(it));
	msg->timestamp = it.tv_sec * HEPH_SEC + it.tv_nsec;
	msg->has |= HEPH_MSG_TIMESTAMP;
}

static void take_error(const struct piece *piece, struct heph_socket_msg *msg)
{
	struct sock_extended_err it;
	struct heph_packet_error *error = &msg->error;
	size_t more = piece->size - sizeof(it);

	memcpy(&it, piece->data, sizeof(it));
	*error = (struct heph_packet_error){ .err = -(int)it.ee_errno,
					     .origin = it.ee_origin,
					     .type = it.ee_type,
					     .code = it.ee_code,
					     .info = it.ee_info };
	if (more > sizeof(error->offender.storage))
		more = sizeof(error->offender.storage);
	memcpy(&error->offender.storage,
	       (const char *)piece->data + sizeof(it), more);
	if (error->offender.storage.ss_family != AF_UNSPEC)
		error->offender.size = (socklen_t)more;
	msg->has |= HEPH_MSG_ERROR;
}

/* Some come as an int, the TOS as one byte. */
static int number_of(const struct piece *piece)
{
	uint8_t byte;
	int number;

	memcpy(&byte, piece->data, 1);
	if (piece->size < sizeof(number))
		return byte;
	memcpy(&number, piece->data, sizeof(number));
	return number;
}

static void take_number(const struct piece *piece, struct heph_socket_msg *msg)
{
	if (is(piece, IPPROTO_IP, IP_TTL, 1) ||
	    is(piece, IPPROTO_IPV6, IPV6_HOPLIMIT, 1)) {
		msg->hops = number_of(piece);
		msg->has |= HEPH_MSG_HOPS;
	} else if (is(piece, IPPROTO_IP, IP_TOS, 1) ||
		   is(piece, IPPROTO_IPV6, IPV6_TCLASS, 1)) {
		msg->traffic_class = number_of(piece);
		msg->has |= HEPH_MSG_TRAFFIC_CLASS;
	} else if (is(piece, IPPROTO_UDP, UDP_GRO, sizeof(int))) {
		msg->segment = (unsigned)number_of(piece);
		msg->has |= HEPH_MSG_SEGMENT;
	} else if (is(piece, SOL_SOCKET, SO_RXQ_OVFL, sizeof(int))) {
		msg->dropped = (uint32_t)number_of(piece);
		msg->has |= HEPH_MSG_DROPPED;
	}
}

static void take(heph_ctx ctx, const struct piece *piece,
		 struct heph_socket_msg *msg)
{
	if (is(piece, SOL_SOCKET, SCM_RIGHTS, 0))
		take_fds(ctx, piece, msg);
	else if (is(piece, SOL_SOCKET, SCM_CREDENTIALS, sizeof(struct ucred)))
		take_credentials(piece, msg);
	else if (is(piece, IPPROTO_IP, IP_PKTINFO, sizeof(struct in_pktinfo)))
		take_info_v4(piece, msg);
	else if (is(piece, IPPROTO_IPV6, IPV6_PKTINFO,
		    sizeof(struct in6_pktinfo)))
		take_info_v6(piece, msg);
	else if (is(piece, SOL_SOCKET, SCM_TIMESTAMPNS,
		    sizeof(struct timespec)))
		take_time(piece, msg);
	else if (is(piece, IPPROTO_IP, IP_RECVERR,
		    sizeof(struct sock_extended_err)) ||
		 is(piece, IPPROTO_IPV6, IPV6_RECVERR,
		    sizeof(struct sock_extended_err)))
		take_error(piece, msg);
	else
		take_number(piece, msg);
}

static struct piece piece_of(struct cmsghdr *cmsg)
{
	return (struct piece){ .level = cmsg->cmsg_level,
			       .type = cmsg->cmsg_type,
			       .data = CMSG_DATA(cmsg),
			       .size = cmsg->cmsg_len - CMSG_LEN(0) };
}

void heph_control_decode(heph_ctx ctx, struct msghdr *header,
			 struct heph_socket_msg *msg)
{
	struct cmsghdr *cmsg;
	struct piece piece;

	for (cmsg = CMSG_FIRSTHDR(header); cmsg;
	     cmsg = CMSG_NXTHDR(header, cmsg)) {
		piece = piece_of(cmsg);
		take(ctx, &piece, msg);
	}
}
