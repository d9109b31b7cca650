/* SPDX-License-Identifier: MIT */
/*
 * frame.h - what nodes say to each other
 *
 * A frame is a header and a body. Numbers are little-endian. The header:
 *
 *     0  type      1 byte
 *     1  flags     1 byte
 *     2  zero      2 bytes
 *     4  number    4 bytes, for the body's use (see below)
 *     8  seq       8 bytes: 1, 2, 3 ... of those that are kept until they are
 *                  acknowledged, and of loose ones; 0: this one has none
 *     16 ack       8 bytes: the highest seq that has come, without a gap
 *
 * A frame is one block on the heap with its header, so that it can be sent as it
 * is, and again.
 */
#ifndef HEPH_REMOTE_FRAME_H
#define HEPH_REMOTE_FRAME_H

#include <heph/remote/codec.h>

#include <stdbool.h>
#include <stdint.h>

enum {
	HEPH_FRAME_HEAD = 24,
	HEPH_FRAME_VERSION = 1,
	HEPH_FRAME_MAGIC = 0x31504848, /* "HHP1" */
};

enum heph_frame_type {
	HEPH_FRAME_HELLO = 1, /* the first of both; not numbered */
	HEPH_FRAME_READY,     /* the second of who connected; not numbered */
	HEPH_FRAME_GOODBYE,   /* number: errno; text. Not numbered */
	HEPH_FRAME_ACK,       /* only the header; not numbered */
	HEPH_FRAME_PING,      /* time u64; not numbered */
	HEPH_FRAME_PONG,      /* the same time; not numbered */

	HEPH_FRAME_SEND,    /* ref, hash u64, message */
	HEPH_FRAME_CALL,    /* ref, hash, call u64, ns u64 (0: no deadline), message */
	HEPH_FRAME_ANSWER,  /* call u64; number: errno, 0: value */
	HEPH_FRAME_CREDIT,  /* id u64, messages delivered so far u64; streams only */
	HEPH_FRAME_MONITOR, /* ref */
	HEPH_FRAME_DOWN,    /* id u64; number: errno; and a ref: only that is not good */
	HEPH_FRAME_STOP,    /* ref */
	HEPH_FRAME_WHEREIS, /* request u64, hash u64, name */
	HEPH_FRAME_SPAWN,   /* request u64, hash u64, name of the type, nul, argument */
	HEPH_FRAME_FOUND,   /* request u64, ref; number: errno, 0: the ref */
	HEPH_FRAME_LIST,    /* request u64 */
	HEPH_FRAME_LISTED,  /* request u64; number: errno; text */
	HEPH_FRAME_TAP,     /* request u64; number: 1 begin, 0 end */
	HEPH_FRAME_TAPPED,  /* request u64; number: errno; line */
	HEPH_FRAME_MEET,    /* id u64, name, nul, transport, nul, where (may be
			     * empty), nul: of a node whose references will follow */
	HEPH_FRAME_TYPES,
};

enum {
	HEPH_FRAME_JSON = 1,   /* the message is JSON, else CBOR */
	HEPH_FRAME_LOOSE = 2,  /* over datagrams: sent once; numbered apart */
};

/* A block on the heap; `size` counts the header. */
struct heph_frame {
	unsigned char *data;
	size_t size;
};

/* Makes one with `body` bytes of body, the header filled in but for seq and ack.
 * Returns 0; -ENOMEM. */
int heph_frame_new(struct heph_frame *ret_frame, enum heph_frame_type type,
		   unsigned flags, uint32_t number, size_t body);
/* Fills in the header at `data`, but for seq and ack. */
void heph_frame_init(void *data, enum heph_frame_type type, unsigned flags,
		     uint32_t number);
void heph_frame_free(struct heph_frame *frame);

static inline unsigned char *heph_frame_body(const struct heph_frame *frame)
{
	return frame->data + HEPH_FRAME_HEAD;
}

void heph_frame_set_seq(struct heph_frame *frame, uint64_t seq);
void heph_frame_set_ack(struct heph_frame *frame, uint64_t ack);

/* What is in a header; `body` points into the frame. */
struct heph_frame_view {
	enum heph_frame_type type;
	unsigned flags;
	uint32_t number;
	uint64_t seq, ack;
	const unsigned char *body;
	size_t size; /* of the body */
};

/* Returns 0; -EPROTO: this is no frame. */
int heph_frame_view(const void *data, size_t size,
		    struct heph_frame_view *ret_view);

/* Reading a body from the beginning: each goes on, and returns 0 or -EPROTO when
 * there is too little. */
struct heph_cut {
	const unsigned char *at, *end;
};
int heph_cut_u64(struct heph_cut *cut, uint64_t *ret_value);
int heph_cut_bytes(struct heph_cut *cut, size_t n, const void **ret_bytes);
/* Up to a nul, which is left out; or all that is left. */
int heph_cut_text(struct heph_cut *cut, const char **ret_text, size_t *ret_size);

/* Writing one: returns what follows. */
unsigned char *heph_put_u64(unsigned char *at, uint64_t value);
unsigned char *heph_put_bytes(unsigned char *at, const void *bytes, size_t n);

/* ---- the first frames --------------------------------------------------------------- */

/*
 * Who connects says hello; the other one says hello, and whether it still has a
 * session with that life of the peer; who connects says ready, and whether the
 * session goes on. So the one who knows both sides decides, and the other one
 * holds nobody for a peer who does not want to be.
 *
 * magic u32, version u16, formats u8 (1 CBOR, 2 JSON), zero u8, id u64, expected u64,
 * received u64, wire u64, window u32, frame_max u32, name, nul, where, nul
 */
struct heph_hello {
	uint64_t id;       /* of this life of the node */
	uint64_t expected; /* the peer's, if there is a session with it; else 0 */
	uint64_t received; /* the highest seq of it that has come */
	uint64_t wire;     /* a number of this connection, of who connects; else 0 */
	bool lost;         /* there was a session, which was given up; in `number` */
	uint32_t window, frame_max;
	char name[64];
	char where[256]; /* the door by which it can be reached; may be empty */
};
int heph_hello_write(const struct heph_hello *hello, struct heph_frame *ret_frame);
/* Returns 0; -EPROTO; -EPROTONOSUPPORT: of another version. */
int heph_hello_read(const struct heph_frame_view *view, struct heph_hello *ret_hello);

/* expected u64, received u64, last u64 */
struct heph_ready {
	uint64_t expected; /* the peer's id, if the session goes on; else 0 */
	uint64_t received;
	uint64_t last; /* the connection before this one, as far as is known */
	bool lost;     /* as in struct heph_hello */
};
int heph_ready_write(const struct heph_ready *ready, struct heph_frame *ret_frame);
int heph_ready_read(const struct heph_frame_view *view, struct heph_ready *ret_ready);

#endif
