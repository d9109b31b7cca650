/* SPDX-License-Identifier: MIT */
/*
 * CBOR (RFC 8949), by libcbor's streaming half: one item at a time, no tree.
 *
 * A struct is an array of its fields in their order, null where one is not there;
 * arrays and lists are arrays. Only what the writer makes is accepted: items of
 * known length, no tags, nothing behind the message.
 */
#include <cbor.h>

#include "remote/format.h"
#include "remote/mem.h"

/* ---- writing -------------------------------------------------------------------- */

struct out {
	struct heph_walk *walk;
	unsigned char *data;
	size_t size, room;
};

enum { ITEM = 9 }; /* bytes of an item without its contents, at most */

/* Room for an item and `more` bytes; NULL: there is no memory. */
static unsigned char *room(struct out *out, size_t more)
{
	size_t wanted = out->size + ITEM + more, size = out->room ? out->room : 192;
	unsigned char *grown;

	if (wanted <= out->room)
		return out->data + out->size;
	while (size < wanted)
		size *= 2;
	grown = heph_remote_mem_grow(out->data, size);
	if (!grown)
		return NULL;
	out->data = grown;
	out->room = size;
	return grown + out->size;
}

static int no_memory(struct out *out)
{
	return heph_walk_fail(out->walk, -ENOMEM, "no memory");
}

/* One item by the function of libcbor that makes it, with its value. */
#define PUT(out_, more_, fn_, ...)                                             \
	({                                                                     \
		struct out *put_ = (out_);                                     \
		unsigned char *at_ = room(put_, (more_));                      \
		if (at_)                                                       \
			put_->size += fn_(__VA_ARGS__ at_, ITEM);              \
		at_ ? 0 : no_memory(put_);                                     \
	})

static int put_raw(struct out *out, const void *data, size_t size)
{
	memcpy(out->data + out->size, data, size); /* PUT() made room for it */
	out->size += size;
	return 0;
}

static int put_bytes(struct out *out, const void *data, size_t size)
{
	int err = PUT(out, size, cbor_encode_bytestring_start, size, );

	return err == 0 && size > 0 ? put_raw(out, data, size) : err;
}

static int put_text(struct out *out, const struct heph_field *field,
		    const void *value)
{
	const char *text;
	size_t size;
	int err = heph_write_text(out->walk, field, value, &text, &size);

	if (err < 0)
		return err;
	if (!text)
		return PUT(out, 0, cbor_encode_null, );
	err = PUT(out, size, cbor_encode_string_start, size, );
	return err == 0 && size > 0 ? put_raw(out, text, size) : err;
}

static int put_int(struct out *out, const struct heph_field *field,
		   const void *value)
{
	bool negative;
	uint64_t magnitude;
	int err = heph_write_int(out->walk, field, value, &negative, &magnitude);

	if (err < 0)
		return err;
	return negative ? PUT(out, 0, cbor_encode_negint, magnitude - 1, ) :
			  PUT(out, 0, cbor_encode_uint, magnitude, );
}

static int put_float(struct out *out, const struct heph_field *field,
		     const void *value)
{
	double number;
	float single;

	if (field->size == sizeof(single)) {
		memcpy(&single, value, sizeof(single));
		return PUT(out, 0, cbor_encode_single, single, );
	}
	memcpy(&number, value, sizeof(number));
	return PUT(out, 0, cbor_encode_double, number, );
}

static int put_struct(struct out *out, const struct heph_codec *codec,
		      const void *msg);

static int put_value(struct out *out, const struct heph_field *field,
		     const void *value)
{
	uint8_t wire[HEPH_WIRE_REF];
	struct heph_bytes bytes;
	uint64_t call;
	int n;

	switch ((enum heph_field_kind)field->kind) {
	case HEPH_KIND_BOOL:
		return PUT(out, 0, cbor_encode_bool, *(const bool *)value, );
	case HEPH_KIND_INT:
	case HEPH_KIND_UINT:
		return put_int(out, field, value);
	case HEPH_KIND_FLOAT:
		return put_float(out, field, value);
	case HEPH_KIND_CHARS:
	case HEPH_KIND_TEXT:
		return put_text(out, field, value);
	case HEPH_KIND_BYTES:
		n = heph_write_bytes(out->walk, field, value, &bytes);
		return n < 0 ? n : put_bytes(out, bytes.data, bytes.size);
	case HEPH_KIND_REF:
		n = heph_write_ref(out->walk, field, value, wire);
		return n < 0 ? n : put_bytes(out, wire, (size_t)n);
	case HEPH_KIND_REPLY:
		n = heph_write_reply(out->walk, field, value, &call);
		return n < 0 ? n : PUT(out, 0, cbor_encode_uint, call, );
	case HEPH_KIND_STRUCT:
		return put_struct(out, field->codec(), value);
	case HEPH_KIND_NONE__:
		break;
	}
	return heph_walk_fail(out->walk, -EINVAL, "a field of no kind");
}

static int put_field(struct out *out, const struct heph_field *field,
		     const void *msg)
{
	const char *elements = heph_field_elements(field, msg);
	size_t n = 1;
	int err = 0;

	if (field->shape != HEPH_SHAPE_ONE) {
		err = heph_write_many(out->walk, field, msg, &n);
		if (err == 0)
			err = PUT(out, 0, cbor_encode_array_start, n, );
	}
	for (size_t i = 0; err == 0 && i < n; i++) {
		heph_walk_at(out->walk, field, i);
		err = put_value(out, field, elements + i * field->size);
	}
	return err;
}

static int put_struct(struct out *out, const struct heph_codec *codec,
		      const void *msg)
{
	int err = heph_walk_down(out->walk);

	if (err < 0)
		return err;
	err = PUT(out, 0, cbor_encode_array_start, codec->n, );
	for (unsigned i = 0; err == 0 && i < codec->n; i++) {
		const struct heph_field *field = &codec->fields[i];

		heph_walk_at(out->walk, field, 0);
		err = heph_field_there(field, msg) ?
			      put_field(out, field, msg) :
			      PUT(out, 0, cbor_encode_null, );
	}
	if (err == 0)
		heph_walk_up(out->walk);
	return err;
}

int heph_cbor_write(struct heph_walk *walk, const struct heph_codec *codec,
		    const void *msg, struct heph_bytes *ret_bytes)
{
	struct out out = { .walk = walk, .size = walk->head };
	int err = put_struct(&out, codec, msg);

	if (err < 0) {
		heph_remote_mem_free(out.data);
		return err;
	}
	*ret_bytes = (struct heph_bytes){ out.data, out.size };
	return 0;
}

/* ---- reading: items ------------------------------------------------------------------ */

enum item_type { UINT, NEGINT, BYTES, TEXT, ARRAY, FLOAT, BOOL, NUL, OTHER };

struct item {
	enum item_type type;
	uint64_t n; /* the number, the length, the bool */
	double number;
	const unsigned char *data;
};

struct in {
	struct heph_walk *walk;
	const unsigned char *at;
	size_t left;
	struct item item;
	struct cbor_callbacks on;
};

static void is(void *arg, enum item_type type, uint64_t n)
{
	struct item *item = arg;

	item->type = type;
	item->n = n;
}

static void on_uint8(void *arg, uint8_t n) { is(arg, UINT, n); }
static void on_uint16(void *arg, uint16_t n) { is(arg, UINT, n); }
static void on_uint32(void *arg, uint32_t n) { is(arg, UINT, n); }
static void on_uint64(void *arg, uint64_t n) { is(arg, UINT, n); }
static void on_negint8(void *arg, uint8_t n) { is(arg, NEGINT, n); }
static void on_negint16(void *arg, uint16_t n) { is(arg, NEGINT, n); }
static void on_negint32(void *arg, uint32_t n) { is(arg, NEGINT, n); }
static void on_negint64(void *arg, uint64_t n) { is(arg, NEGINT, n); }
static void on_array(void *arg, size_t n) { is(arg, ARRAY, n); }
static void on_bool(void *arg, bool value) { is(arg, BOOL, value); }
static void on_null(void *arg) { is(arg, NUL, 0); }

static void on_bytes(void *arg, cbor_data data, size_t n)
{
	is(arg, BYTES, n);
	((struct item *)arg)->data = data;
}

static void on_text(void *arg, cbor_data data, size_t n)
{
	is(arg, TEXT, n);
	((struct item *)arg)->data = data;
}

static void on_double(void *arg, double number)
{
	is(arg, FLOAT, 0);
	((struct item *)arg)->number = number;
}

static void on_float(void *arg, float number)
{
	on_double(arg, (double)number);
}

/* What is not here is empty, and leaves OTHER. */
static struct cbor_callbacks callbacks(void)
{
	struct cbor_callbacks on = cbor_empty_callbacks;

	on.uint8 = on_uint8;
	on.uint16 = on_uint16;
	on.uint32 = on_uint32;
	on.uint64 = on_uint64;
	on.negint8 = on_negint8;
	on.negint16 = on_negint16;
	on.negint32 = on_negint32;
	on.negint64 = on_negint64;
	on.byte_string = on_bytes;
	on.string = on_text;
	on.array_start = on_array;
	on.float2 = on_float;
	on.float4 = on_float;
	on.float8 = on_double;
	on.null = on_null;
	on.boolean = on_bool;
	return on;
}

static int refuse(struct in *in, const char *why)
{
	return heph_walk_fail(in->walk, -EBADMSG, why);
}

static int next(struct in *in)
{
	struct cbor_decoder_result result;

	in->item.type = OTHER;
	result = cbor_stream_decode(in->at, in->left, &in->on, &in->item);
	if (result.status == CBOR_DECODER_NEDATA)
		return refuse(in, "the message ends in the midst of it");
	if (result.status != CBOR_DECODER_FINISHED || in->item.type == OTHER)
		return refuse(in, "malformed, or of a type that is not used");
	in->at += result.read;
	in->left -= result.read;
	return 0;
}

/* ---- reading: fields ------------------------------------------------------------------- */

static int get_struct(struct in *in, const struct heph_codec *codec, void *msg);

static int get_int(struct in *in, const struct heph_field *field, void *value)
{
	const struct item *item = &in->item;

	if (item->type == NEGINT && item->n < UINT64_MAX)
		return heph_read_int(in->walk, field, value, true, item->n + 1);
	if (item->type == UINT)
		return heph_read_int(in->walk, field, value, false, item->n);
	return refuse(in, "not an integer that fits");
}

static int get_float(struct in *in, const struct heph_field *field, void *value)
{
	if (in->item.type != FLOAT)
		return refuse(in, "not a number with a fraction");
	return heph_read_float(in->walk, field, value, in->item.number);
}

static int get_text(struct in *in, const struct heph_field *field, void *value)
{
	if (in->item.type == NUL && field->kind == HEPH_KIND_TEXT)
		return 0;
	if (in->item.type != TEXT)
		return refuse(in, "not a text");
	return heph_read_text(in->walk, field, value,
			      (const char *)in->item.data, in->item.n);
}

static int get_bytes(struct in *in, const struct heph_field *field, void *value)
{
	if (in->item.type != BYTES)
		return refuse(in, "not bytes");
	if (field->kind == HEPH_KIND_REF)
		return heph_read_ref(in->walk, field, value, in->item.data,
				     in->item.n);
	return heph_read_bytes(in->walk, field, value, in->item.data, in->item.n);
}

static int get_reply(struct in *in, const struct heph_field *field, void *value)
{
	if (in->item.type != UINT && in->item.type != NUL)
		return refuse(in, "not the number of a call");
	return heph_read_reply(in->walk, field, value, in->item.n);
}

static int get_bool(struct in *in, void *value)
{
	if (in->item.type != BOOL)
		return refuse(in, "neither true nor false");
	*(bool *)value = in->item.n;
	return 0;
}

/* The item that it begins with is there. */
static int get_value(struct in *in, const struct heph_field *field, void *value)
{
	switch ((enum heph_field_kind)field->kind) {
	case HEPH_KIND_BOOL:
		return get_bool(in, value);
	case HEPH_KIND_INT:
	case HEPH_KIND_UINT:
		return get_int(in, field, value);
	case HEPH_KIND_FLOAT:
		return get_float(in, field, value);
	case HEPH_KIND_CHARS:
	case HEPH_KIND_TEXT:
		return get_text(in, field, value);
	case HEPH_KIND_BYTES:
	case HEPH_KIND_REF:
		return get_bytes(in, field, value);
	case HEPH_KIND_REPLY:
		return get_reply(in, field, value);
	case HEPH_KIND_STRUCT:
		return get_struct(in, field->codec(), value);
	case HEPH_KIND_NONE__:
		break;
	}
	return refuse(in, "a field of no kind");
}

/* An element has a byte at least, so nobody asks for memory that he has not sent
 * something for. */
static int get_many(struct in *in, const struct heph_field *field, void *msg)
{
	size_t n = in->item.n;
	char *elements;
	int err;

	if (in->item.type != ARRAY)
		return refuse(in, "not an array");
	if (n > in->left)
		return refuse(in, "the message ends in the midst of it");
	err = heph_read_many(in->walk, field, msg, n, &elements);
	for (size_t i = 0; err == 0 && i < n; i++) {
		heph_walk_at(in->walk, field, i);
		err = next(in);
		if (err == 0)
			err = get_value(in, field, elements + i * field->size);
	}
	return err;
}

static int get_field(struct in *in, const struct heph_field *field, void *msg)
{
	bool there = heph_field_there(field, msg); /* by its tag */
	int err = next(in);

	if (err < 0)
		return err;
	if (field->when_size && in->item.type == NUL)
		return there && field->kind != HEPH_KIND_TEXT ?
			       refuse(in, "missing") :
			       0;
	if (field->when_size && !there) {
		heph_field_arrived(field, msg);
		if (!heph_field_there(field, msg))
			return refuse(in, "of another case");
	}
	return field->shape == HEPH_SHAPE_ONE ?
		       get_value(in, field, heph_field_in(field, msg)) :
		       get_many(in, field, msg);
}

static int get_struct(struct in *in, const struct heph_codec *codec, void *msg)
{
	int err = heph_walk_down(in->walk);

	if (err < 0)
		return err;
	if (in->item.type != ARRAY || in->item.n != codec->n)
		return refuse(in, "not as many fields as there should be");
	for (unsigned i = 0; err == 0 && i < codec->n; i++) {
		heph_walk_at(in->walk, &codec->fields[i], 0);
		err = get_field(in, &codec->fields[i], msg);
	}
	if (err == 0)
		heph_walk_up(in->walk);
	return err;
}

int heph_cbor_read(struct heph_walk *walk, const struct heph_codec *codec,
		   const void *data, size_t size, void *msg)
{
	struct in in = {
		.walk = walk, .at = data, .left = size, .on = callbacks()
	};
	int err = next(&in);

	if (err == 0)
		err = get_struct(&in, codec, msg);
	if (err == 0 && in.left > 0)
		err = refuse(&in, "something follows the message");
	return err;
}
