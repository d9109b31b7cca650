/* SPDX-License-Identifier: MIT */
/* The options of sockets by name: one table. */
#include <heph/socket.h>
#include <heph/types.h>

#include <limits.h>
#include <linux/in6.h>
#include <linux/udp.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>

#include "io/file.h"
#include "io/socket.h"

enum kind { BOOL, INT, SECONDS, MSECS, USECS, LINGER, ERROR };
enum { GET_ONLY = 1 };

struct option {
	const char *text;
	int level, name;
	int v6_level, v6_name; /* 0: the same for all domains */
	enum kind kind;
	int flags;
};

#define IP_BOTH(v4_, v6_) IPPROTO_IP, v4_, IPPROTO_IPV6, v6_

static const struct option options[] = {
	[HEPH_SOCKET_ERROR] = { "error", SOL_SOCKET, SO_ERROR, 0, 0, ERROR,
				GET_ONLY },
	[HEPH_SOCKET_DOMAIN] = { "domain", SOL_SOCKET, SO_DOMAIN, 0, 0, INT,
				 GET_ONLY },
	[HEPH_SOCKET_TYPE] = { "type", SOL_SOCKET, SO_TYPE, 0, 0, INT,
			       GET_ONLY },
	[HEPH_SOCKET_PROTOCOL] = { "protocol", SOL_SOCKET, SO_PROTOCOL, 0, 0,
				   INT, GET_ONLY },
	[HEPH_SOCKET_LISTENING] = { "listening", SOL_SOCKET, SO_ACCEPTCONN, 0,
				    0, BOOL, GET_ONLY },
	[HEPH_SOCKET_REUSE_ADDRESS] = { "reuse_address", SOL_SOCKET,
					SO_REUSEADDR, 0, 0, BOOL, 0 },
	[HEPH_SOCKET_REUSE_PORT] = { "reuse_port", SOL_SOCKET, SO_REUSEPORT, 0,
				     0, BOOL, 0 },
	[HEPH_SOCKET_KEEPALIVE] = { "keepalive", SOL_SOCKET, SO_KEEPALIVE, 0, 0,
				    BOOL, 0 },
	[HEPH_SOCKET_LINGER] = { "linger", SOL_SOCKET, SO_LINGER, 0, 0, LINGER,
				 0 },
	[HEPH_SOCKET_BROADCAST] = { "broadcast", SOL_SOCKET, SO_BROADCAST, 0, 0,
				    BOOL, 0 },
	[HEPH_SOCKET_DONT_ROUTE] = { "dont_route", SOL_SOCKET, SO_DONTROUTE, 0,
				     0, BOOL, 0 },
	[HEPH_SOCKET_OOB_INLINE] = { "oob_inline", SOL_SOCKET, SO_OOBINLINE, 0,
				     0, BOOL, 0 },
	[HEPH_SOCKET_RECEIVE_BUFFER] = { "receive_buffer", SOL_SOCKET,
					 SO_RCVBUF, 0, 0, INT, 0 },
	[HEPH_SOCKET_SEND_BUFFER] = { "send_buffer", SOL_SOCKET, SO_SNDBUF, 0,
				      0, INT, 0 },
	[HEPH_SOCKET_RECEIVE_LOW_WATER] = { "receive_low_water", SOL_SOCKET,
					    SO_RCVLOWAT, 0, 0, INT, 0 },
	[HEPH_SOCKET_SEND_LOW_WATER] = { "send_low_water", SOL_SOCKET,
					 SO_SNDLOWAT, 0, 0, INT, GET_ONLY },
	[HEPH_SOCKET_PRIORITY] = { "priority", SOL_SOCKET, SO_PRIORITY, 0, 0,
				   INT, 0 },
	[HEPH_SOCKET_MARK] = { "mark", SOL_SOCKET, SO_MARK, 0, 0, INT, 0 },
	[HEPH_SOCKET_INCOMING_CPU] = { "incoming_cpu", SOL_SOCKET,
				       SO_INCOMING_CPU, 0, 0, INT, 0 },
	[HEPH_SOCKET_BUSY_POLL] = { "busy_poll", SOL_SOCKET, SO_BUSY_POLL, 0, 0,
				    USECS, 0 },
	[HEPH_SOCKET_PEEK_OFFSET] = { "peek_offset", SOL_SOCKET, SO_PEEK_OFF, 0,
				      0, INT, 0 },
	[HEPH_SOCKET_TIMESTAMPS] = { "timestamps", SOL_SOCKET, SO_TIMESTAMPNS,
				     0, 0, BOOL, 0 },
	[HEPH_SOCKET_DROP_COUNT] = { "drop_count", SOL_SOCKET, SO_RXQ_OVFL, 0,
				     0, BOOL, 0 },
	[HEPH_SOCKET_CREDENTIALS] = { "credentials", SOL_SOCKET, SO_PASSCRED, 0,
				      0, BOOL, 0 },

	[HEPH_SOCKET_NO_DELAY] = { "no_delay", IPPROTO_TCP, TCP_NODELAY, 0, 0,
				   BOOL, 0 },
	[HEPH_SOCKET_CORK] = { "cork", IPPROTO_TCP, TCP_CORK, 0, 0, BOOL, 0 },
	[HEPH_SOCKET_QUICK_ACK] = { "quick_ack", IPPROTO_TCP, TCP_QUICKACK, 0,
				    0, BOOL, 0 },
	[HEPH_SOCKET_KEEPALIVE_IDLE] = { "keepalive_idle", IPPROTO_TCP,
					 TCP_KEEPIDLE, 0, 0, SECONDS, 0 },
	[HEPH_SOCKET_KEEPALIVE_INTERVAL] = { "keepalive_interval", IPPROTO_TCP,
					     TCP_KEEPINTVL, 0, 0, SECONDS, 0 },
	[HEPH_SOCKET_KEEPALIVE_COUNT] = { "keepalive_count", IPPROTO_TCP,
					  TCP_KEEPCNT, 0, 0, INT, 0 },
	[HEPH_SOCKET_USER_TIMEOUT] = { "user_timeout", IPPROTO_TCP,
				       TCP_USER_TIMEOUT, 0, 0, MSECS, 0 },
	[HEPH_SOCKET_DEFER_ACCEPT] = { "defer_accept", IPPROTO_TCP,
				       TCP_DEFER_ACCEPT, 0, 0, SECONDS, 0 },
	[HEPH_SOCKET_FAST_OPEN] = { "fast_open", IPPROTO_TCP, TCP_FASTOPEN, 0,
				    0, INT, 0 },
	[HEPH_SOCKET_FAST_OPEN_CONNECT] = { "fast_open_connect", IPPROTO_TCP,
					    TCP_FASTOPEN_CONNECT, 0, 0, BOOL,
					    0 },
	[HEPH_SOCKET_MAX_SEGMENT] = { "max_segment", IPPROTO_TCP, TCP_MAXSEG, 0,
				      0, INT, 0 },
	[HEPH_SOCKET_NOT_SENT_LOW_WATER] = { "not_sent_low_water", IPPROTO_TCP,
					     TCP_NOTSENT_LOWAT, 0, 0, INT, 0 },
	[HEPH_SOCKET_SYN_COUNT] = { "syn_count", IPPROTO_TCP, TCP_SYNCNT, 0, 0,
				    INT, 0 },
	[HEPH_SOCKET_FIN_TIMEOUT] = { "fin_timeout", IPPROTO_TCP, TCP_LINGER2,
				      0, 0, SECONDS, 0 },
	[HEPH_SOCKET_WINDOW_CLAMP] = { "window_clamp", IPPROTO_TCP,
				       TCP_WINDOW_CLAMP, 0, 0, INT, 0 },

	[HEPH_SOCKET_HOPS] = { "hops", IP_BOTH(IP_TTL, IPV6_UNICAST_HOPS), INT,
			       0 },
	[HEPH_SOCKET_TRAFFIC_CLASS] = { "traffic_class",
					IP_BOTH(IP_TOS, IPV6_TCLASS), INT, 0 },
	[HEPH_SOCKET_PACKET_INFO] = { "packet_info",
				      IP_BOTH(IP_PKTINFO, IPV6_RECVPKTINFO),
				      BOOL, 0 },
	[HEPH_SOCKET_RECEIVE_HOPS] = { "receive_hops",
				       IP_BOTH(IP_RECVTTL, IPV6_RECVHOPLIMIT),
				       BOOL, 0 },
	[HEPH_SOCKET_RECEIVE_TRAFFIC_CLASS] = { "receive_traffic_class",
						IP_BOTH(IP_RECVTOS,
							IPV6_RECVTCLASS),
						BOOL, 0 },
	[HEPH_SOCKET_RECEIVE_ERRORS] = { "receive_errors",
					 IP_BOTH(IP_RECVERR, IPV6_RECVERR),
					 BOOL, 0 },
	[HEPH_SOCKET_MULTICAST_HOPS] = { "multicast_hops",
					 IP_BOTH(IP_MULTICAST_TTL,
						 IPV6_MULTICAST_HOPS),
					 INT, 0 },
	[HEPH_SOCKET_MULTICAST_LOOP] = { "multicast_loop",
					 IP_BOTH(IP_MULTICAST_LOOP,
						 IPV6_MULTICAST_LOOP),
					 BOOL, 0 },
	[HEPH_SOCKET_FREE_BIND] = { "free_bind",
				    IP_BOTH(IP_FREEBIND, IPV6_FREEBIND), BOOL,
				    0 },
	[HEPH_SOCKET_TRANSPARENT] = { "transparent",
				      IP_BOTH(IP_TRANSPARENT, IPV6_TRANSPARENT),
				      BOOL, 0 },
	[HEPH_SOCKET_PATH_MTU_DISCOVERY] = { "path_mtu_discovery",
					     IP_BOTH(IP_MTU_DISCOVER,
						     IPV6_MTU_DISCOVER),
					     INT, 0 },
	[HEPH_SOCKET_PATH_MTU] = { "path_mtu", IP_BOTH(IP_MTU, IPV6_MTU), INT,
				   GET_ONLY },
	[HEPH_SOCKET_V6_ONLY] = { "v6_only", IPPROTO_IPV6, IPV6_V6ONLY, 0, 0,
				  BOOL, 0 },

	[HEPH_SOCKET_SEGMENT] = { "segment", IPPROTO_UDP, UDP_SEGMENT, 0, 0,
				  INT, 0 },
	[HEPH_SOCKET_RECEIVE_SEGMENTS] = { "receive_segments", IPPROTO_UDP,
					   UDP_GRO, 0, 0, BOOL, 0 },
};
_Static_assert(sizeof(options) / sizeof(*options) == HEPH_SOCKET_OPTIONS,
	       "an option of sockets is missing in the table");

static const struct option *option_of(enum heph_socket_option option)
{
	return (unsigned)option < HEPH_SOCKET_OPTIONS ? &options[option] : NULL;
}

const char *heph_socket_option_name(enum heph_socket_option option)
{
	const struct option *it = option_of(option);

	return it ? it->text : NULL;
}

/* ---- values -------------------------------------------------------------------- */

/* Nanoseconds in one unit of the kernel; 0: it is no time. */
static int64_t unit_of(const struct option *option)
{
	switch (option->kind) {
	case SECONDS:
	case LINGER:
		return HEPH_SEC;
	case MSECS:
		return HEPH_MSEC;
	case USECS:
		return HEPH_USEC;
	default:
		return 0;
	}
}

/* What the kernel is told, or -EINVAL. */
static int encode(const struct option *option, int64_t value, int *ret_number)
{
	int64_t unit = unit_of(option);

	if (option->kind == BOOL && value != 0 && value != 1)
		return -EINVAL;
	if (unit && value < 0)
		return -EINVAL;
	if (unit)
		value = value / unit + (value % unit != 0);
	if (value < INT_MIN || value > INT_MAX)
		return -EINVAL;
	*ret_number = (int)value;
	return 0;
}

static int64_t decode(const struct option *option, int number)
{
	int64_t unit = unit_of(option);

	if (option->kind == BOOL)
		return number != 0;
	if (option->kind == ERROR)
		return -(int64_t)number;
	return unit ? number * unit : number;
}

/* ---- the calls ----------------------------------------------------------------- */

/* Who is asked for what. */
struct question {
	struct heph_self *self;
	const struct option *option;
	int number, level, name;
};

static int choose_level(struct question *question)
{
	const struct option *option = question->option;
	int domain = AF_UNSPEC, err;

	question->level = option->level;
	question->name = option->name;
	if (!option->v6_level)
		return 0;
	err = heph_socket_get_raw(question->self, question->number, SOL_SOCKET,
				  SO_DOMAIN, &domain, sizeof(domain));
	if (err < 0)
		return err;
	if (domain == AF_INET6) {
		question->level = option->v6_level;
		question->name = option->v6_name;
	}
	return domain == AF_INET || domain == AF_INET6 ? 0 : -EOPNOTSUPP;
}

static int ask(heph_ctx ctx, struct heph_fd fd, enum heph_socket_option option,
	       struct question *ret_question)
{
	int number = heph_socket_number(ctx, fd);

	if (number < 0)
		return number;
	*ret_question = (struct question){ .self = ctx.self,
					   .option = option_of(option),
					   .number = number };
	return ret_question->option ? choose_level(ret_question) : -EINVAL;
}

/* The kernel says of an option that a socket does not have one of three. */
static int clear_error(int err)
{
	return err == -ENOPROTOOPT || err == -EOPNOTSUPP ? -EOPNOTSUPP : err;
}

static int set_linger(const struct question *question, int64_t value)
{
	struct linger linger = { .l_onoff = value != -1 };
	int err = linger.l_onoff ?
			  encode(question->option, value, &linger.l_linger) :
			  0;

	return err < 0 ? err :
			 heph_socket_set_raw(question->self, question->number,
					     question->level, question->name,
					     &linger, sizeof(linger));
}

static int get_linger(const struct question *question, int64_t *ret_value)
{
	struct linger linger = { 0 };
	int err = heph_socket_get_raw(question->self, question->number,
				      question->level, question->name, &linger,
				      sizeof(linger));

	if (err < 0)
		return err;
	*ret_value =
		linger.l_onoff ? decode(question->option, linger.l_linger) : -1;
	return 0;
}

int heph_socket_set(heph_ctx ctx, struct heph_fd fd,
		    enum heph_socket_option option, int64_t value)
{
	struct question question;
	int number, err = ask(ctx, fd, option, &question);

	if (err < 0)
		return err;
	if (question.option->flags & GET_ONLY)
		return -EINVAL;
	if (question.option->kind == LINGER)
		return set_linger(&question, value);
	err = encode(question.option, value, &number);
	if (err == 0)
		err = heph_socket_set_int(ctx.self, question.number,
					  question.level, question.name,
					  number);
	return clear_error(err);
}

int heph_socket_get(heph_ctx ctx, struct heph_fd fd,
		    enum heph_socket_option option, int64_t *ret_value)
{
	struct question question;
	int number = 0, err = ask(ctx, fd, option, &question);

	if (err < 0)
		return err;
	if (question.option->kind == LINGER)
		return get_linger(&question, ret_value);
	err = heph_socket_get_raw(ctx.self, question.number, question.level,
				  question.name, &number, sizeof(number));
	if (err < 0)
		return clear_error(err);
	*ret_value = decode(question.option, number);
	return 0;
}

int heph_socket_set_bytes(heph_ctx ctx, struct heph_fd fd, int level, int name,
			  const void *value, size_t size)
{
	int number = heph_socket_number(ctx, fd);

	if (size > INT_MAX)
		return -EINVAL;
	return number < 0 ? number :
			    heph_socket_set_raw(ctx.self, number, level, name,
						value, size);
}

int heph_socket_get_bytes(heph_ctx ctx, struct heph_fd fd, int level, int name,
			  void *value, size_t size)
{
	int number = heph_socket_number(ctx, fd);

	if (size > INT_MAX)
		return -EINVAL;
	return number < 0 ? number :
			    heph_socket_get_raw(ctx.self, number, level, name,
						value, size);
}

int heph_socket_peer_credentials(heph_ctx ctx, struct heph_fd fd,
				 struct heph_credentials *ret_credentials)
{
	struct ucred peer = { 0 };
	int n = heph_socket_get_bytes(ctx, fd, SOL_SOCKET, SO_PEERCRED, &peer,
				      sizeof(peer));

	if (n < 0)
		return n;
	*ret_credentials = (struct heph_credentials){ .pid = peer.pid,
						      .uid = peer.uid,
						      .gid = peer.gid };
	return 0;
}

/* ---- multicast ----------------------------------------------------------------- */

static int change_group(heph_ctx ctx, struct heph_fd fd, int name,
			const struct heph_address *group, unsigned interface)
{
	struct group_req request = { .gr_interface = interface };

	if (!heph_address_inet(group))
		return -EAFNOSUPPORT;
	memcpy(&request.gr_group, &group->storage, group->size);
	return heph_socket_set_bytes(ctx, fd,
				     heph_address_family(group) == AF_INET ?
					     IPPROTO_IP :
					     IPPROTO_IPV6,
				     name, &request, sizeof(request));
}

int heph_socket_join(heph_ctx ctx, struct heph_fd fd,
		     const struct heph_address *group, unsigned interface)
{
	return change_group(ctx, fd, MCAST_JOIN_GROUP, group, interface);
}

int heph_socket_leave(heph_ctx ctx, struct heph_fd fd,
		      const struct heph_address *group, unsigned interface)
{
	return change_group(ctx, fd, MCAST_LEAVE_GROUP, group, interface);
}
