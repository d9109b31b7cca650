/* SPDX-License-Identifier: MIT */
/*
 * udp.h - nodes over encrypted datagrams
 *
 * What is sent with heph_send() arrives once or not at all, at once, in any order;
 * nobody waits for anybody. All else (calls, answers, monitors, names) is repeated
 * until the peer has it.
 *
 * Each datagram is encrypted and authenticated (ChaCha20-Poly1305 by libsodium) with
 * a key of its wire, made of one of the keys below and of random numbers of both sides
 * (Noise NNpsk0, with X25519: who gets a key later cannot read what was recorded).
 * One that was recorded, altered, or made by somebody without a key is refused
 * and counted, and never answered with more bytes than it had. The protocol and what
 * it is good against: docs/design/remote-udp.md.
 *
 * Addresses are those of address.h, but for Unix sockets, and "host:port" to connect
 * to. A wire goes on when the address of who connected changes on the way, as
 * behind a NAT; without encryption it does not.
 *
 * A frame is one datagram: what is larger is refused (-EMSGSIZE), and the kernel
 * is told not to fragment.
 */
#ifndef HEPH_REMOTE_UDP_H
#define HEPH_REMOTE_UDP_H

#include <heph/remote/transport.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
	HEPH_UDP_KEY = 32,        /* bytes of a key */
	HEPH_UDP_DATAGRAM = 1232, /* bytes: what every IPv6 path carries, RFC 8200 */
	HEPH_UDP_DATAGRAM_MAX = 65507,
	HEPH_UDP_OVERHEAD = 36, /* of these are not the frame's */
	HEPH_UDP_KEYS_MAX = 1024,
};

/* A key, and who has it. */
struct heph_udp_key {
	uint8_t key[HEPH_UDP_KEY];
	/* The node that has it, beside ourselves; "": all of them share it, and
	 * their names are believed. */
	char name[HEPH_NODE_NAME_MAX + 1];
};

struct heph_udp_config {
	size_t size; /* of this struct; set by the macro */

	/* Who comes may use any of them. Who connects tries all, eight at a
	 * time, and the first one that the other side has is used; of several that
	 * is, most often, the first in this list. So a new key is added behind
	 * the old one everywhere, then put before it, then the old one goes. */
	const struct heph_udp_key *keys;
	size_t n_keys;
	const char *secret; /* instead: a key is made of it by Argon2id; slow on
			     * purpose, 0.1 s */

	size_t datagram; /* bytes on the wire, without IP's and UDP's; 1232; 256 to
			  * HEPH_UDP_DATAGRAM_MAX; of all that talk to each other */
	heph_time rekey; /* a wire changes its key; 1 h, or 2^32 datagrams */
	unsigned peers;  /* wires of a door at a time; 1024; to 2^20 */
};

/* heph_udp_new(&transport, .secret = "..."). Any thread; with a secret it blocks
 * for that long. Returns 0; -EINVAL (no
 * key, or both kinds; a value out of range), -ENOMEM. */
#define heph_udp_new(ret_transport, ...)                                       \
	HEPH_WITH__(heph_raw_udp_new(                                          \
		(ret_transport),                                               \
		HEPH_SIZED__(struct heph_udp_config, __VA_ARGS__)))
HEPH_API HEPH_MUST int heph_raw_udp_new(struct heph_transport **ret_transport,
					const struct heph_udp_config *config);

/* Other keys from now on. Wires that were made with one that is not among them
 * any more end with -EKEYREVOKED, within a second and before anything else is sent or
 * received; the others go on. Any thread. Returns 0; -EINVAL, -ENOMEM, and all is as
 * it was; -EOPNOTSUPP (a plain one). */
HEPH_API HEPH_MUST int heph_udp_set_keys(struct heph_transport *transport,
					 const struct heph_udp_key *keys,
					 size_t n_keys);

/* Without encryption and without knowing who the peer is. `datagram` 0: the
 * default. Any thread. Returns 0; -EINVAL, -ENOMEM. */
HEPH_API HEPH_MUST int heph_udp_plain_new(struct heph_transport **ret_transport,
					  size_t datagram);

/* What came and was refused, of all doors and wires of the transport; what could not
 * be sent. Any thread. */
struct heph_udp_stats {
	uint64_t forged;   /* no key fits: altered, a stranger's, or of a key that
			    * was taken away */
	uint64_t replayed; /* had come before, or is too old to know */
	uint64_t strange;  /* no datagram of ours, or of no wire that there is */
	uint64_t full;     /* no place for another wire, or in its queue; or too
			    * many come at a time */
	uint64_t unsent;   /* the kernel did not take it */
};
HEPH_API void heph_udp_stats(struct heph_transport *transport,
			     struct heph_udp_stats *ret_stats);

#ifdef __cplusplus
}
#endif
#endif
