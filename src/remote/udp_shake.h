/* SPDX-License-Identifier: MIT */
/*
 * udp_shake.h - how a wire is made: three datagrams and an answer
 *
 *     initiator                         door
 *     INIT     key, e, id        ->     checks it; remembers nothing
 *              id, cookie        <-     ACCEPT     as long as INIT
 *     CONFIRM  cookie, tag       ->     checks both; now there is a wire
 *                                <-     DONE       (or the first frame)
 *
 * INIT and ACCEPT are the two messages of udp_noise.h. All that the door knows after
 * them is in the cookie, sealed with a key that only the door has, for one address. Who
 * sends it back has got it there, and by the tag of CONFIRM is who has made INIT. Each
 * cookie is good once, for 10 to 20 seconds.
 *
 *     0  type      1 byte      HEPH_UDP_INIT, HEPH_UDP_ACCEPT
 *     1  version   1 byte
 *     2  zero      6 bytes
 *     8  which     8 bytes     INIT: id of the key; ACCEPT: id of the initiator
 *    16  message   176 bytes   of udp_noise.h: id of the wire 8; INIT: who 8 (of
 *                              the program that sends it), zero 112; ACCEPT: cookie
 *
 * CONFIRM and DONE are as udp_box.h has them; the body of CONFIRM is the cookie.
 *
 * Plain memory, no I/O, no random numbers: those are given.
 */
#ifndef HEPH_REMOTE_UDP_SHAKE_H
#define HEPH_REMOTE_UDP_SHAKE_H

#include <heph/address.h>

#include "remote/udp_box.h"
#include "remote/udp_keys.h"
#include "remote/udp_noise.h"

enum {
	HEPH_UDP_COOKIE = 120,
	HEPH_UDP_SHAKE = 192, /* bytes of INIT and of ACCEPT */
	HEPH_UDP_CONFIRM_SIZE = HEPH_UDP_HEAD + HEPH_UDP_COOKIE + HEPH_UDP_TAG,
	HEPH_UDP_BAKES =
		1000, /* INITs that a door answers in a second: each takes
				* 0.1 ms */
};

/* So long a door makes cookies with a key, and so long it takes them after that. */
#define HEPH_UDP_BAKE (10 * HEPH_SEC)

/* ---- the initiator ---------------------------------------------------------------- */

struct heph_udp_shake {
	struct heph_noise noise;
	uint64_t id; /* of the wire, as we call it */
	uint64_t key;
};

/* Writes INIT. `secret` is random, and nobody's else; `who` is of the whole program. */
void heph_udp_shake_init(struct heph_udp_shake *shake,
			 const struct heph_udp_secret *key, uint64_t id,
			 uint64_t who, const uint8_t secret[HEPH_NOISE_KEY],
			 uint8_t ret_init[HEPH_UDP_SHAKE]);

/* Which of our ids an ACCEPT is for. Returns 0; -EPROTO: it is none. */
int heph_udp_accept_id(const uint8_t *data, size_t size, uint64_t *ret_id);

/* Reads ACCEPT, and writes CONFIRM; `box` is that of the wire then, and the shake is
 * over. Returns 0; -EPROTO, -EBADMSG, and it goes on. */
int heph_udp_shake_accept(struct heph_udp_shake *shake, const uint8_t *data,
			  size_t size, heph_time now,
			  struct heph_udp_box *ret_box,
			  uint8_t ret_confirm[HEPH_UDP_CONFIRM_SIZE]);

/* ---- the door ----------------------------------------------------------------------- */

/* Makes cookies and knows them again. */
struct heph_udp_bakery {
	uint8_t keys[2][32]; /* the latest, and the one before */
	bool has[2];
	heph_time since;  /* of the latest */
	uint64_t serial;  /* of the next cookie */
	heph_time second; /* when the one began in which ... */
	unsigned baked;   /* ... so many were made */
	struct heph_udp_window used;
};

/* Random numbers for one answer. */
struct heph_udp_dice {
	uint8_t secret[HEPH_NOISE_KEY];
	uint8_t bakery[32]; /* for when it wants a new key */
	uint64_t id;        /* of the wire, if it becomes one */
};

/* What a door knows when it has seen CONFIRM. */
struct heph_udp_grant {
	uint64_t serial, near, far, key;
	uint8_t out[32], in[32];
};

/* Answers INIT: fills in ACCEPT. `who`: INITs of our own, with a key that has a name, are
 * not answered. Returns 0; -EPROTO (no INIT); -ENOKEY (of a key that is not ours);
 * -EBADMSG (forged); -EBUSY (too many in this second). */
int heph_udp_bakery_answer(struct heph_udp_bakery *bakery,
			   const struct heph_udp_keys *keys, uint64_t who,
			   const struct heph_udp_dice *dice, heph_time now,
			   const struct heph_address *from, const uint8_t *init,
			   size_t size, uint8_t ret_accept[HEPH_UDP_SHAKE]);

/* Reads CONFIRM, and takes nothing for used. Returns 0; -EPROTO (it is none); -EBADMSG
 * (forged, too old, or from another address). */
int heph_udp_bakery_check(struct heph_udp_bakery *bakery, heph_time now,
			  const struct heph_address *from, const uint8_t *data,
			  size_t size, struct heph_udp_grant *ret_grant);

/* Opens CONFIRM with the box of its wire, which is made; the cookie is used then.
 * Returns 0; -EBADMSG (forged), -EALREADY (it was used), and there is no box. */
int heph_udp_bakery_admit(struct heph_udp_bakery *bakery, heph_time now,
			  const struct heph_udp_grant *grant, uint8_t *data,
			  size_t size, struct heph_udp_box *ret_box);

/* Forgets keys whose time has come. To be called now and then. Returns whether there
 * are some. */
bool heph_udp_bakery_tick(struct heph_udp_bakery *bakery, heph_time now);

#endif
