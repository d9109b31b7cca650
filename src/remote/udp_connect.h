/* SPDX-License-Identifier: MIT */
/* udp_connect.h - making a wire to a door */
#ifndef HEPH_REMOTE_UDP_CONNECT_H
#define HEPH_REMOTE_UDP_CONNECT_H

#include "remote/udp.h"

/* Waits. As in struct heph_transport_type; the handshake is over when it returns.
 * Returns 0; -EINVAL (no address); -ECONNREFUSED (nobody listens there); -ETIMEDOUT
 * (nobody has answered, or not with one of our keys); the errors of
 * heph_resolve(). */
int heph_udp_connect(heph_ctx ctx, struct heph_transport *transport,
		     const char *where, struct heph_wire **ret_wire);

#endif
