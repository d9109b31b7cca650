/* SPDX-License-Identifier: MIT */
/*
 * packet.h - servers for packets: an actor for each peer
 *
 *     HEPH_ACTOR(echo, struct heph_packet, void);
 *
 *     static int echo_main(heph_ctx ctx, echo_inbox in)
 *     {
 *             struct heph_packet packet;
 *             int err;
 *
 *             while ((err = heph_recv(heph_within(ctx, 30 * HEPH_SEC), in,
 *                                     &packet)) == 0) {
 *                     err = heph_packet_answer(ctx, &packet, packet.bytes,
 *                                              packet.size);
 *                     heph_packet_drop(&packet);
 *                     if (err < 0)
 *                             break;
 *             }
 *             return err == -ETIME ? 0 : err;
 *     }
 *     HEPH_ACTOR_MAIN(echo, echo_main, .drop = heph_packet_drop);
 */
#ifndef HEPH_PACKET_H
#define HEPH_PACKET_H

#include <heph/actor.h>
#include <heph/address.h>
#include <heph/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A packet that has come. Its bytes are the receiver's, who drops it. */
struct heph_packet {
	struct heph_address from;
	char *bytes;
	uint32_t size;
	bool truncated; /* it was longer than `packet_max` */
	struct heph_fd via; /* the server's socket; see heph_packet_answer() */
};

/* Frees its bytes. Any thread. Does not wait. */
HEPH_API void heph_packet_drop(struct heph_packet *packet);

/* Waits. Sends a packet to where one came from, through the socket that it came
 * through. By actors of its server. Returns 0; -EBADF (by somebody else),
 * -EMSGSIZE (too long), and the errors of sendmsg(2). */
HEPH_API HEPH_MUST int heph_packet_answer(heph_ctx ctx,
					  const struct heph_packet *packet,
					  const void *buf, size_t size);

/* What a server has done; numbers only grow. */
struct heph_packets_stats {
	uint64_t received;
	uint64_t spawned; /* actors */
	uint64_t dropped; /* packets: an inbox was full, or no memory */
	uint64_t refused; /* packets of new peers: `limit`, or no actor */
};

/* Reads them while the server counts. Any thread. */
HEPH_API struct heph_packets_stats
heph_packets_stats(const struct heph_packets_stats *stats);

#define HEPH_PACKETS_OPTIONS__                                                 \
	unsigned limit;      /* peers at a time; 0: any */                     \
	unsigned packet_max; /* bytes of a packet, to 65535; 0: 2048 */        \
	struct heph_packets_stats *stats /* not on a stack; NULL: none */

struct heph_packets_options {
	HEPH_PACKETS_OPTIONS__;
};

/*
 * heph_serve_packets(ctx, fd, NAME[, argument][, .option = ...]): waits, and reads
 * from a socket that is bound (UDP, or datagrams of Unix), many packets at a
 * time, and sends each as a message to the actor of the address that it came
 * from. If there is none one is spawned; it should end when it has heard nothing
 * for a while. One that returns after each packet is an actor for each packet.
 * All of them are actors of the caller's worker, whatever `.on` says.
 *
 * Nobody waits for an actor that is slow: what does not fit its inbox is
 * dropped, and counted. Options besides those of heph_spawn() are in struct
 * heph_packets_options.
 *
 * It goes on until the caller is stopped; then the actors are stopped and
 * awaited, and the socket, which the server has owned from the beginning, is
 * closed. Returns 0 after a stop; -ETIME after the deadline of `ctx`, which ends
 * it in the same way; -EINVAL (an option); -ENOTSOCK; an error of receiving that
 * does not pass. If the server could not be spawned (-ENOMEM, -EAGAIN, -EBADF,
 * or a stop before that) the socket is still the caller's.
 */
HEPH_API HEPH_MUST int
heph_raw_serve_packets(heph_ctx ctx, struct heph_fd fd,
		       const struct heph_actor *actor, const void *spawn,
		       size_t size, const struct heph_packets_options *options);

#ifdef __cplusplus
}
#endif
#endif
