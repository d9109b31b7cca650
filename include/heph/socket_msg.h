/* SPDX-License-Identifier: MIT */
/*
 * socket_msg.h - sending and receiving on sockets with all that belongs to it
 *
 * heph_read() and heph_write() are enough for streams, and the fastest. Here
 * are flags, addresses of packets, several buffers at once, and what travels
 * beside the bytes: descriptors, credentials, where a packet has arrived.
 *
 * `flags` are those of recv(2) and send(2). MSG_DONTWAIT: -EAGAIN instead of
 * waiting. MSG_PEEK: the bytes stay. MSG_TRUNC, of packets: returns how long it
 * was, although only `size` bytes have come. MSG_WAITALL has no use: the exact
 * forms are for that. MSG_OOB, MSG_MORE, MSG_EOR, MSG_CONFIRM, MSG_DONTROUTE,
 * MSG_FASTOPEN as their manual pages say. MSG_ERRQUEUE waits until there is an
 * error to be had.
 *
 * MSG_ZEROCOPY: the kernel sends from the buffer itself instead of copying it,
 * if the driver is io_uring, the buffer is in no stack, and there are at least
 * HEPH_ZEROCOPY_MIN bytes. The call then returns when the kernel has let go of
 * the buffer, which for TCP is when the other side has acknowledged it, and no
 * deadline or stop shortens that: set HEPH_SOCKET_USER_TIMEOUT. It saves time on
 * fast networks, and none towards the same machine.
 *
 * Packets: a buffer that is too small gets the beginning, the rest is lost. An
 * empty one is 0, as is the end of a stream.
 *
 * All of them wait, and return how many bytes they have moved. Errors are those
 * of io.h; -ENOTSOCK; -EMSGSIZE (a packet that is too long, or more than
 * HEPH_IOV_MAX buffers); -EINVAL, and those of the system calls.
 */
#ifndef HEPH_SOCKET_MSG_H
#define HEPH_SOCKET_MSG_H

#include <heph/address.h>
#include <heph/socket.h>
#include <heph/types.h>

#include <sys/socket.h>
#include <sys/uio.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
	HEPH_IOV_MAX = 1024,	     /* buffers of one message */
	HEPH_PASSED_MAX = 253,	     /* descriptors of one message */
	HEPH_ZEROCOPY_MIN = 64 * 1024, /* bytes; less is copied faster */
};

/* ---- bytes --------------------------------------------------------------- */

/* Waits. Receives at most `size` bytes; sends at most so many. */
HEPH_API HEPH_MUST int heph_socket_recv(heph_ctx ctx, struct heph_fd fd,
					void *buf, size_t size, int flags);
HEPH_API HEPH_MUST int heph_socket_send(heph_ctx ctx, struct heph_fd fd,
					const void *buf, size_t size,
					int flags);

/* Waits. Until all of it is done. Returns 0; -ENODATA (the end came first);
 * `ret_done`, which may be NULL, is how many bytes were moved, also when an
 * error is returned. Of streams. */
HEPH_API HEPH_MUST int heph_socket_recv_exact(heph_ctx ctx, struct heph_fd fd,
					      void *buf, size_t size, int flags,
					      size_t *ret_done);
HEPH_API HEPH_MUST int heph_socket_send_exact(heph_ctx ctx, struct heph_fd fd,
					      const void *buf, size_t size,
					      int flags, size_t *ret_done);

/* The same with several buffers, one after the other. */
HEPH_API HEPH_MUST int heph_socket_recvv(heph_ctx ctx, struct heph_fd fd,
					 const struct iovec *iov, unsigned n,
					 int flags);
HEPH_API HEPH_MUST int heph_socket_sendv(heph_ctx ctx, struct heph_fd fd,
					 const struct iovec *iov, unsigned n,
					 int flags);
HEPH_API HEPH_MUST int heph_socket_recvv_exact(heph_ctx ctx, struct heph_fd fd,
					       const struct iovec *iov,
					       unsigned n, int flags,
					       size_t *ret_done);
HEPH_API HEPH_MUST int heph_socket_sendv_exact(heph_ctx ctx, struct heph_fd fd,
					       const struct iovec *iov,
					       unsigned n, int flags,
					       size_t *ret_done);

/* ---- packets -------------------------------------------------------------- */

/* Waits. Receives a packet, and whence it came; sends one somewhere. A receiver on
 * this machine (Unix, netlink) that has no room for it is tried again after pauses of
 * up to 100 ms, unless this one is connected to it and hears of it. */
HEPH_API HEPH_MUST int heph_socket_recv_from(heph_ctx ctx, struct heph_fd fd,
					     void *buf, size_t size, int flags,
					     struct heph_address *ret_from);
HEPH_API HEPH_MUST int heph_socket_send_to(heph_ctx ctx, struct heph_fd fd,
					   const void *buf, size_t size,
					   int flags,
					   const struct heph_address *to);

/* ---- messages ------------------------------------------------------------- */

/* What a message has besides bytes: bits of `has`. To receive them takes the
 * option of the same name, but for addresses and descriptors. */
enum {
	HEPH_MSG_ADDRESS = 1 << 0,
	HEPH_MSG_CREDENTIALS = 1 << 1,
	HEPH_MSG_PACKET_INFO = 1 << 2,
	HEPH_MSG_HOPS = 1 << 3,
	HEPH_MSG_TRAFFIC_CLASS = 1 << 4,
	HEPH_MSG_SEGMENT = 1 << 5,
	HEPH_MSG_TIMESTAMP = 1 << 6, /* received ones only, and the next two */
	HEPH_MSG_DROPPED = 1 << 7,
	HEPH_MSG_ERROR = 1 << 8,
};

/* Where a packet has arrived; where one is to be sent from. */
struct heph_packet_info {
	struct heph_address local; /* without a port; size 0: any */
	unsigned interface;	   /* 0: any */
};

/* What came back about a packet that was sent; MSG_ERRQUEUE. */
struct heph_packet_error {
	int err; /* negative errno */
	uint8_t origin, type, code; /* SO_EE_ORIGIN_..., of ICMP */
	uint32_t info;		    /* the path MTU with -EMSGSIZE */
	struct heph_address offender; /* who has sent it; size 0: not known */
};

struct heph_socket_msg {
	/* The buffers: the caller's. */
	const struct iovec *iov;
	unsigned n_iov;

	/* Descriptors that travel along (Unix sockets). Sent ones stay the
	 * sender's, too. For those that come there is room for `max_fds`; they are
	 * the receiver's. What does not fit is closed, and `flags` has
	 * MSG_CTRUNC. */
	heph_fd *fds;
	unsigned n_fds, max_fds;

	unsigned has; /* HEPH_MSG_... */
	int flags;    /* of a received one: MSG_TRUNC, MSG_CTRUNC, MSG_EOR ... */
	struct heph_address address; /* whence, or where to */
	struct heph_credentials credentials;
	struct heph_packet_info packet;
	int hops, traffic_class;
	unsigned segment;    /* bytes of each packet that is in it */
	heph_time timestamp; /* of CLOCK_REALTIME */
	uint32_t dropped;    /* packets for this socket until now */
	struct heph_packet_error error;
};

/* Waits. Receives one message; of `msg` it reads `iov`, `fds`, `max_fds`, and
 * writes all else. Sends one; it reads `iov`, `fds`, `has` and what that says. */
HEPH_API HEPH_MUST int heph_socket_recvmsg(heph_ctx ctx, struct heph_fd fd,
					   struct heph_socket_msg *msg,
					   int flags);
HEPH_API HEPH_MUST int heph_socket_sendmsg(heph_ctx ctx, struct heph_fd fd,
					   const struct heph_socket_msg *msg,
					   int flags);

#ifdef __cplusplus
}
#endif
#endif
