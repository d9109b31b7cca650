/* SPDX-License-Identifier: MIT */
/*
 * walk.h - going through the fields of a message
 *
 * What writing, reading, printing and copying have in common: where a field lies,
 * whether it is there, how many elements it has, and the path to it for errors.
 */
#ifndef HEPH_REMOTE_WALK_H
#define HEPH_REMOTE_WALK_H

#include <heph/remote/codec.h>

#include <string.h>

struct heph_walk {
	struct heph_codec_error *error; /* NULL: nobody wants to know */
	const struct heph_codec_refs *refs;
	const char *msg; /* `size` bytes: what is written or read */
	size_t size;
	size_t head; /* bytes to be left free before what is written */
	size_t memory;      /* bytes so far, of HEPH_CODEC_MEMORY */
	unsigned n_refs;    /* references so far, of HEPH_CODEC_REFS */
	unsigned n_replies; /* answers that are asked for so far, of one */
	unsigned depth;
	struct {
		const struct heph_field *field;
		size_t index;
	} at[HEPH_CODEC_DEPTH];
};

/* Remembers where and why. Returns `err`. */
int heph_walk_fail(struct heph_walk *walk, int err, const char *why);

/* One struct deeper; and out of it. The first one returns 0; -EINVAL. */
int heph_walk_down(struct heph_walk *walk);
void heph_walk_up(struct heph_walk *walk);

/* Which field, and which of its elements, it is at. */
static inline void heph_walk_at(struct heph_walk *walk,
				const struct heph_field *field, size_t index)
{
	walk->at[walk->depth - 1].field = field;
	walk->at[walk->depth - 1].index = index;
}

/* Counts memory that a message will own. Returns 0; -EMSGSIZE. */
int heph_walk_count(struct heph_walk *walk, size_t size);

/* ---- fields --------------------------------------------------------------------- */

/* The last part of the member's name: "price" of "u.price". */
const char *heph_field_name(const struct heph_field *field);

/* Integers of 1, 2, 4 and 8 bytes; a number that does not fit is cut off. */
int64_t heph_int_get(const void *from, size_t size, bool is_signed);
void heph_int_set(void *to, size_t size, uint64_t value);

static inline void *heph_field_in(const struct heph_field *field, const void *msg)
{
	return (char *)(uintptr_t)msg + field->at;
}

/* Whether it is there, by its HEPH_IF() or HEPH_CASE(). */
bool heph_field_there(const struct heph_field *field, const void *msg);

/* It has come: sets the bool of HEPH_IF(). */
void heph_field_arrived(const struct heph_field *field, void *msg);

/* How many elements: 1 of a field that is no array and no list. */
size_t heph_field_count(const struct heph_field *field, const void *msg);
void heph_field_set_count(const struct heph_field *field, void *msg, size_t n);

/* The most elements, or bytes of text. */
size_t heph_field_max(const struct heph_field *field);

/* Where the elements lie: in the message, or on the heap. */
void *heph_field_elements(const struct heph_field *field, const void *msg);

/* Whether an integer is one that may travel. */
bool heph_field_takes(const struct heph_field *field, bool negative,
		      uint64_t value);

/* Whether it is UTF-8, without a nul; RFC 3629. */
bool heph_is_utf8(const void *data, size_t size);

#endif
