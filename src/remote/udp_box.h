/* SPDX-License-Identifier: MIT */
/*
 * udp_box.h - what seals the datagrams of a wire, and opens those of its peer
 *
 * A datagram is a head, a body, and a tag:
 *
 *     0  type      1 byte     enum heph_udp_type
 *     1  version   1 byte     HEPH_UDP_VERSION
 *     2  zero      2 bytes
 *     4  epoch     4 bytes    which key it is sealed with
 *     8  counter   4 bytes    which datagram of that epoch
 *    12  id        8 bytes    of the wire, as the receiver calls it
 *    20  body                 ChaCha20-Poly1305 (RFC 8439); the head is
 *                             authenticated with it
 *        tag       16 bytes
 *
 * Each direction has a key of its own, so none can be sent back to where it came
 * from. The nonce is the counter, which no two datagrams of a key have in common.
 * After `rekey`, or 2^32 datagrams, the sender takes the next key, which follows
 * from the one before by a function that has no way back; the receiver follows
 * when it has opened a datagram of that epoch, and keeps the key of the one before for
 * a while, for those that were overtaken.
 *
 * Plain boxes do the same but for sealing: a body is as it is, and there is no tag.
 *
 * Plain memory, no I/O. Used by the actors of one worker.
 */
#ifndef HEPH_REMOTE_UDP_BOX_H
#define HEPH_REMOTE_UDP_BOX_H

#include <heph/types.h>

enum {
	HEPH_UDP_VERSION = 1,
	HEPH_UDP_HEAD = 20,
	HEPH_UDP_TAG = 16,
	HEPH_UDP_WINDOW = 1024, /* datagrams that one may be overtaken by */
	HEPH_UDP_AHEAD = 8,     /* epochs that may have been lost as a whole */
};

/* So long a datagram may be overtaken by those of the next key. */
#define HEPH_UDP_LINGER (10 * HEPH_SEC)

enum heph_udp_type {
	HEPH_UDP_INIT = 1, /* udp_shake.h; they have another head */
	HEPH_UDP_ACCEPT,
	HEPH_UDP_CONFIRM, /* the body is authenticated, but not encrypted */
	HEPH_UDP_DONE,    /* empty */
	HEPH_UDP_DATA,    /* a frame */
	HEPH_UDP_CLOSE,   /* empty: the wire is at its end */
	HEPH_UDP_TYPES,
};

struct heph_udp_head {
	enum heph_udp_type type;
	uint32_t epoch, counter;
	uint64_t id;
};

/* Which counters have come. */
struct heph_udp_window {
	uint64_t end;                        /* one more than the highest */
	uint64_t bits[HEPH_UDP_WINDOW / 64]; /* of counter n: bit n % WINDOW */
};

struct heph_udp_key_chain {
	uint8_t chain[32]; /* the next one follows from it */
	uint8_t key[32];
	uint32_t epoch;
};

struct heph_udp_box {
	bool plain;
	uint64_t near, far; /* ids: of what comes, of what goes */
	heph_time rekey;

	/* what goes */
	struct heph_udp_key_chain out;
	uint64_t counter; /* of the next one */
	heph_time since;  /* the epoch began */

	/* what comes */
	struct heph_udp_key_chain in;
	struct heph_udp_window window;

	/* what comes late; `old_until` 0: there is none */
	uint8_t old_key[32];
	uint32_t old_epoch;
	heph_time old_until;
	struct heph_udp_window old_window;
};

/* ---- heads ---------------------------------------------------------------------- */

/* Reads the head of one that is no INIT and no ACCEPT. Returns 0; -EPROTO: it is
 * none of ours. */
int heph_udp_head_read(const uint8_t *data, size_t size,
		       struct heph_udp_head *ret_head);

/* ---- windows -------------------------------------------------------------------- */

/* Whether it has not come, and is not older than the window. */
bool heph_udp_window_fresh(const struct heph_udp_window *window,
			   uint64_t counter);
/* It has come: one that is fresh. Returns whether it is the newest. */
bool heph_udp_window_mark(struct heph_udp_window *window, uint64_t counter);

/* ---- boxes ---------------------------------------------------------------------- */

/* With the keys of what goes and of what comes, 32 bytes each, from the handshake. */
void heph_udp_box_init(struct heph_udp_box *box, const uint8_t *out,
		       const uint8_t *in);
/* Nothing of the keys is left. */
void heph_udp_box_fini(struct heph_udp_box *box);

/* Seals a body into `ret_data`, which has room for HEPH_UDP_HEAD + `size` +
 * HEPH_UDP_TAG bytes; the body may be where it goes to. Returns the size;
 * -EKEYEXPIRED: there are no more keys. */
int heph_udp_box_seal(struct heph_udp_box *box, heph_time now,
		      enum heph_udp_type type, const void *body, size_t size,
		      uint8_t *ret_data);

/* Opens one in its place: the body is at data + HEPH_UDP_HEAD then, but of CONFIRM.
 * `ret_newest`, which may be NULL: whether it is the newest so far. Returns the size
 * of the body; -EPROTO (no datagram of this wire), -EBADMSG (it is forged),
 * -EALREADY (it has come before, or is too old to know); then nothing has
 * changed but, perhaps, the bytes. */
int heph_udp_box_open(struct heph_udp_box *box, heph_time now, uint8_t *data,
		      size_t size, bool *ret_newest);

/* Forgets the old key when its time has come. To be called now and then. */
void heph_udp_box_tick(struct heph_udp_box *box, heph_time now);

#endif
