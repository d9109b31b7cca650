/* SPDX-License-Identifier: MIT */
/*
 * socket.h - sockets of all kinds: made by hand, packets, messages, options
 *
 * What most programs need (TCP and Unix streams, servers) is in net.h. Here a
 * socket is made in single steps, as with the system calls of the same names,
 * whose manual pages list the errors. All return 0, unless they say something
 * else, and also -EBADF, -ENOTSOCK, -ENOMEM, and what waits -ETIME, -ECANCELED; see
 * io.h.
 *
 * Sockets are close-on-exec, and no send raises SIGPIPE.
 */
#ifndef HEPH_SOCKET_H
#define HEPH_SOCKET_H

#include <heph/address.h>
#include <heph/types.h>

#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- making -------------------------------------------------------------- */

/* A new socket: AF_..., SOCK_..., IPPROTO_... or 0; socket(2). And two that are
 * connected with each other; socketpair(2). Do not wait. */
HEPH_API HEPH_MUST int heph_socket_open(heph_ctx ctx, int domain, int type,
					int protocol, struct heph_fd *ret_fd);
HEPH_API HEPH_MUST int heph_socket_pair(heph_ctx ctx, int domain, int type,
					int protocol, struct heph_fd ret_fds[2]);

/* Gives it an address; bind(2). Does not wait. */
HEPH_API HEPH_MUST int heph_socket_bind(heph_ctx ctx, struct heph_fd fd,
					const struct heph_address *address);

/* Lets it listen: heph_accept() and heph_serve() can be used then; `backlog`
 * connections wait in the kernel (SOMAXCONN: as many as it allows). Does not
 * wait. */
HEPH_API HEPH_MUST int heph_socket_listen(heph_ctx ctx, struct heph_fd fd,
					  int backlog);

/* Waits. Connects it; for packets it sets the address that they go to, and
 * takes only those that come from there. connect(2). */
HEPH_API HEPH_MUST int heph_socket_connect(heph_ctx ctx, struct heph_fd fd,
					   const struct heph_address *address);

/* Its own address and that of its peer. Do not wait. */
HEPH_API HEPH_MUST int heph_socket_local(heph_ctx ctx, struct heph_fd fd,
					 struct heph_address *ret_address);
HEPH_API HEPH_MUST int heph_socket_peer(heph_ctx ctx, struct heph_fd fd,
					struct heph_address *ret_address);

/* ---- options -------------------------------------------------------------- */

/*
 * Options by name. What they do is in socket(7), tcp(7), ip(7), ipv6(7), udp(7)
 * and unix(7). Values are bools (0 or 1), numbers, or lengths of time in
 * nanoseconds, rounded up to what the kernel counts in.
 */
enum heph_socket_option {
	/* socket(7) */
	HEPH_SOCKET_ERROR, /* get only, and clears it: 0 or a negative errno */
	HEPH_SOCKET_DOMAIN, /* get only; and the next three */
	HEPH_SOCKET_TYPE,
	HEPH_SOCKET_PROTOCOL,
	HEPH_SOCKET_LISTENING, /* bool */
	HEPH_SOCKET_REUSE_ADDRESS, /* bool */
	HEPH_SOCKET_REUSE_PORT,    /* bool */
	HEPH_SOCKET_KEEPALIVE,     /* bool */
	HEPH_SOCKET_LINGER, /* time that a close lingers; -1: it does not */
	HEPH_SOCKET_BROADCAST,  /* bool */
	HEPH_SOCKET_DONT_ROUTE, /* bool */
	HEPH_SOCKET_OOB_INLINE, /* bool */
	HEPH_SOCKET_RECEIVE_BUFFER, /* bytes; Linux reports the double */
	HEPH_SOCKET_SEND_BUFFER,
	HEPH_SOCKET_RECEIVE_LOW_WATER, /* bytes */
	HEPH_SOCKET_SEND_LOW_WATER,    /* get only */
	HEPH_SOCKET_PRIORITY,
	HEPH_SOCKET_MARK, /* CAP_NET_ADMIN */
	HEPH_SOCKET_INCOMING_CPU, /* -1: none */
	HEPH_SOCKET_BUSY_POLL, /* time */
	HEPH_SOCKET_PEEK_OFFSET, /* -1: none */
	HEPH_SOCKET_TIMESTAMPS, /* bool: messages have `timestamp` */
	HEPH_SOCKET_DROP_COUNT, /* bool: messages have `dropped` */
	HEPH_SOCKET_CREDENTIALS, /* bool, Unix: messages have `credentials` */
	/* tcp(7) */
	HEPH_SOCKET_NO_DELAY, /* bool */
	HEPH_SOCKET_CORK,     /* bool */
	HEPH_SOCKET_QUICK_ACK, /* bool */
	HEPH_SOCKET_KEEPALIVE_IDLE, /* time */
	HEPH_SOCKET_KEEPALIVE_INTERVAL, /* time */
	HEPH_SOCKET_KEEPALIVE_COUNT,
	HEPH_SOCKET_USER_TIMEOUT, /* time; 0: the system's */
	HEPH_SOCKET_DEFER_ACCEPT, /* time; 0: off */
	HEPH_SOCKET_FAST_OPEN, /* of listeners: how many that wait; 0: off */
	HEPH_SOCKET_FAST_OPEN_CONNECT, /* bool */
	HEPH_SOCKET_MAX_SEGMENT, /* bytes */
	HEPH_SOCKET_NOT_SENT_LOW_WATER, /* bytes */
	HEPH_SOCKET_SYN_COUNT,
	HEPH_SOCKET_FIN_TIMEOUT, /* time */
	HEPH_SOCKET_WINDOW_CLAMP, /* bytes */
	/* ip(7) and ipv6(7): by the domain of the socket, unless named V6 */
	HEPH_SOCKET_HOPS, /* TTL or hop limit of what it sends, 1 to 255 */
	HEPH_SOCKET_TRAFFIC_CLASS, /* TOS or traffic class */
	HEPH_SOCKET_PACKET_INFO, /* bool: messages have `packet` */
	HEPH_SOCKET_RECEIVE_HOPS, /* bool: messages have `hops` */
	HEPH_SOCKET_RECEIVE_TRAFFIC_CLASS, /* bool: `traffic_class` */
	HEPH_SOCKET_RECEIVE_ERRORS, /* bool: MSG_ERRQUEUE has `error` */
	HEPH_SOCKET_MULTICAST_HOPS,
	HEPH_SOCKET_MULTICAST_LOOP, /* bool */
	HEPH_SOCKET_FREE_BIND,      /* bool */
	HEPH_SOCKET_TRANSPARENT,    /* bool; CAP_NET_ADMIN */
	HEPH_SOCKET_PATH_MTU_DISCOVERY, /* IP_PMTUDISC_... */
	HEPH_SOCKET_PATH_MTU, /* get only, when connected */
	HEPH_SOCKET_V6_ONLY,  /* bool */
	/* udp(7) */
	HEPH_SOCKET_SEGMENT, /* bytes of each packet that a send is cut into */
	HEPH_SOCKET_RECEIVE_SEGMENTS, /* bool: messages have `segment` */
	HEPH_SOCKET_OPTIONS,
};

/* Sets an option, reads one. Do not wait. Return 0; -EINVAL (there is no such
 * option, or no such value), -EOPNOTSUPP (the socket has none), -EPERM, and what
 * setsockopt(2) and getsockopt(2) say. */
HEPH_API HEPH_MUST int heph_socket_set(heph_ctx ctx, struct heph_fd fd,
				       enum heph_socket_option option,
				       int64_t value);
HEPH_API HEPH_MUST int heph_socket_get(heph_ctx ctx, struct heph_fd fd,
				       enum heph_socket_option option,
				       int64_t *ret_value);

/* Its name, "keepalive_idle" for example; NULL: there is no such option. Any
 * thread; the text is static. */
HEPH_API const char *heph_socket_option_name(enum heph_socket_option option);

/* Any other option, as setsockopt(2) and getsockopt(2) have it. Do not wait. The
 * second one returns how many bytes of `value` it has written. */
HEPH_API HEPH_MUST int heph_socket_set_bytes(heph_ctx ctx, struct heph_fd fd,
					     int level, int name,
					     const void *value, size_t size);
HEPH_API HEPH_MUST int heph_socket_get_bytes(heph_ctx ctx, struct heph_fd fd,
					     int level, int name, void *value,
					     size_t size);

/* Who has made the other end of a Unix socket; SO_PEERCRED. Does not wait. */
struct heph_credentials {
	pid_t pid;
	uid_t uid;
	gid_t gid;
};
HEPH_API HEPH_MUST int
heph_socket_peer_credentials(heph_ctx ctx, struct heph_fd fd,
			     struct heph_credentials *ret_credentials);

/* Joins a multicast group, at an interface by its number (0: the kernel chooses
 * one), and leaves it. Do not wait. */
HEPH_API HEPH_MUST int heph_socket_join(heph_ctx ctx, struct heph_fd fd,
					const struct heph_address *group,
					unsigned interface);
HEPH_API HEPH_MUST int heph_socket_leave(heph_ctx ctx, struct heph_fd fd,
					 const struct heph_address *group,
					 unsigned interface);

#ifdef __cplusplus
}
#endif
#endif
