/* SPDX-License-Identifier: MIT */
/* udp_socket.h - sockets of datagrams that are not cut into pieces on their way */
#ifndef HEPH_REMOTE_UDP_SOCKET_H
#define HEPH_REMOTE_UDP_SOCKET_H

#include <heph/address.h>
#include <heph/types.h>

/* One that is bound, or connected. They belong to the caller. Do not wait. Return 0;
 * -EAFNOSUPPORT (no address of IP), and what socket(2), bind(2), connect(2) say. */
int heph_udp_socket_bind(heph_ctx ctx, const struct heph_address *address,
			 heph_fd *ret_fd);
int heph_udp_socket_connect(heph_ctx ctx, const struct heph_address *address,
			    heph_fd *ret_fd);

/* Whether it is of this machine alone. */
bool heph_udp_is_loopback(const struct heph_address *address);

/* Does not wait. `to` NULL: to whom it is connected. Returns 0; -EAGAIN, and the errors
 * of send(2). */
int heph_udp_socket_send(heph_ctx ctx, heph_fd fd, const void *data,
			 size_t size, const struct heph_address *to);

/* ---- receiving ------------------------------------------------------------------- */

/* One that has come: the reader's, until the next one. */
struct heph_udp_datagram {
	uint8_t *data;
	size_t size;
	struct heph_address from;
};

/* Memory for those that come at a time. Lives on the heap. */
struct heph_udp_reader;

/* For datagrams of up to `max` bytes; longer ones are given as that much and one byte.
 * NULL: no memory. */
struct heph_udp_reader *heph_udp_reader_new(size_t max);
void heph_udp_reader_free(struct heph_udp_reader *reader);

/* Does not wait. Returns 0; -EAGAIN (there is none); the errors of recv(2), as
 * -ECONNREFUSED for one that was sent. */
int heph_udp_reader_next(heph_ctx ctx, heph_fd fd,
			 struct heph_udp_reader *reader,
			 struct heph_udp_datagram *ret_datagram);

#endif
