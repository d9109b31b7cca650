/* SPDX-License-Identifier: MIT */
/* format.h - what each format is: writing and reading by the fields */
#ifndef HEPH_REMOTE_FORMAT_H
#define HEPH_REMOTE_FORMAT_H

#include "remote/walk.h"

int heph_cbor_write(struct heph_walk *walk, const struct heph_codec *codec,
		    const void *msg, struct heph_bytes *ret_bytes);
/* `msg` is all zero, and may be filled in part when it returns an error. */
int heph_cbor_read(struct heph_walk *walk, const struct heph_codec *codec,
		   const void *data, size_t size, void *msg);

int heph_json_write(struct heph_walk *walk, const struct heph_codec *codec,
		    const void *msg, struct heph_bytes *ret_bytes);
int heph_json_read(struct heph_walk *walk, const struct heph_codec *codec,
		   const void *data, size_t size, void *msg);

/* heph_codec_write() and heph_codec_write_answer() for who puts something before
 * them: `head` bytes in front are left free. */
int heph_codec_write_behind(size_t head, const struct heph_codec *codec,
			    enum heph_format format, const void *msg,
			    const struct heph_codec_refs *refs,
			    struct heph_bytes *ret_bytes,
			    struct heph_codec_error *ret_error);
int heph_codec_answer_behind(size_t head, const struct heph_field *field,
			     enum heph_format format, const void *value,
			     const struct heph_codec_refs *refs,
			     struct heph_bytes *ret_bytes,
			     struct heph_codec_error *ret_error);

/* ---- what reading has in common ---------------------------------------------------- */

/* Integers, as sign and magnitude. Return 0; -EBADMSG. */
int heph_read_int(struct heph_walk *walk, const struct heph_field *field,
		  void *value, bool negative, uint64_t magnitude);
int heph_read_float(struct heph_walk *walk, const struct heph_field *field,
		    void *value, double number);
/* Into an array of char, or onto the heap. Return 0; -EBADMSG, -ENOMEM,
 * -EMSGSIZE. */
int heph_read_text(struct heph_walk *walk, const struct heph_field *field,
		   void *value, const char *text, size_t size);
int heph_read_bytes(struct heph_walk *walk, const struct heph_field *field,
		    void *value, const void *data, size_t size);
int heph_read_ref(struct heph_walk *walk, const struct heph_field *field,
		  void *value, const void *data, size_t size);
int heph_read_reply(struct heph_walk *walk, const struct heph_field *field,
		    void *value, uint64_t call);
/* Makes room for `n` elements: checks an array, allocates a list. `ret_elements`
 * is where they go. */
int heph_read_many(struct heph_walk *walk, const struct heph_field *field,
		   void *msg, size_t n, char **ret_elements);

/* ---- what writing has in common ------------------------------------------------------ */

/* The text of a value; NULL: there is none. -EILSEQ, -EMSGSIZE. */
int heph_write_text(struct heph_walk *walk, const struct heph_field *field,
		    const void *value, const char **ret_text, size_t *ret_size);
int heph_write_bytes(struct heph_walk *walk, const struct heph_field *field,
		     const void *value, struct heph_bytes *ret_bytes);
/* Returns how many bytes of `wire`: none stands for nobody. */
int heph_write_ref(struct heph_walk *walk, const struct heph_field *field,
		   const void *value, uint8_t wire[HEPH_WIRE_REF]);
/* The number of the call; 0: nobody waits. */
int heph_write_reply(struct heph_walk *walk, const struct heph_field *field,
		     const void *value, uint64_t *ret_call);
/* Checks an integer against its limits; and how many elements there are. */
int heph_write_int(struct heph_walk *walk, const struct heph_field *field,
		   const void *value, bool *ret_negative, uint64_t *ret_magnitude);
int heph_write_many(struct heph_walk *walk, const struct heph_field *field,
		    const void *msg, size_t *ret_n);

#endif
