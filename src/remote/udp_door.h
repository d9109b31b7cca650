/* SPDX-License-Identifier: MIT */
/*
 * udp_door.h - a socket where others come in, and the actor that reads it
 *
 * The actor goes on as long as the door is open or has wires. It answers handshakes
 * without remembering any; a wire begins when somebody has shown that it has a key and
 * is where it says.
 *
 * Who holds a door: the actor that listens, until it closes it; its own actor; and each
 * wire. All are on one worker.
 */
#ifndef HEPH_REMOTE_UDP_DOOR_H
#define HEPH_REMOTE_UDP_DOOR_H

#include "remote/udp_wire.h"

/* ---- what is in struct heph_transport_type -------------------------------------------- */

int heph_udp_door_listen(heph_ctx ctx, struct heph_transport *transport,
			 const char *where, struct heph_door **ret_door,
			 char ret_where[HEPH_WHERE_MAX]);
int heph_udp_door_accept(heph_ctx ctx, struct heph_door *door,
			 struct heph_wire **ret_wire);
void heph_udp_door_close(heph_ctx ctx, struct heph_door *door);

/* ---- for its wires ------------------------------------------------------------------- */

/* The wire is not used any more: says so to the peer, and frees it. Does not wait. */
void heph_udp_door_forget(struct heph_udp_wire *wire);

#endif
