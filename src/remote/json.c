/* SPDX-License-Identifier: MIT */
/*
 * JSON (RFC 8259), by jansson: an object of the fields that are there.
 *
 * Integers that a double cannot hold are strings of digits (RFC 7493, section 2.2),
 * and so are infinities and "NaN"; bytes and references are base64. What comes in
 * may have its fields in any order, but none that is unknown or there twice.
 */
#include <math.h>
#include <sodium.h>
#include <stdlib.h>

#include "remote/format.h"
#include "remote/json_load.h"
#include "remote/mem.h"

#define EXACT (UINT64_C(1) << 53) /* up to there a double is exact */

enum { BASE64 = sodium_base64_VARIANT_ORIGINAL };

static int refuse(struct heph_walk *walk, const char *why)
{
	return heph_walk_fail(walk, -EBADMSG, why);
}

/* What jansson made; NULL: it had no memory. */
static int made(struct heph_walk *walk, json_t *json, json_t **ret_json)
{
	if (json && !heph_remote_mem_allowed()) {
		json_decref(json);
		json = NULL;
	}
	*ret_json = json;
	return json ? 0 : heph_walk_fail(walk, -ENOMEM, "no memory");
}

/* ---- writing ---------------------------------------------------------------------- */

static int from_number(struct heph_walk *walk, bool negative,
		       uint64_t magnitude, json_t **ret_json)
{
	char digits[24];

	if (magnitude <= EXACT)
		return made(walk,
			    json_integer(negative ? -(json_int_t)magnitude :
						    (json_int_t)magnitude),
			    ret_json);
	snprintf(digits, sizeof(digits), "%s%llu", negative ? "-" : "",
		 (unsigned long long)magnitude);
	return made(walk, json_string(digits), ret_json);
}

static int from_int(struct heph_walk *walk, const struct heph_field *field,
		    const void *value, json_t **ret_json)
{
	uint64_t magnitude;
	bool negative;
	int err = heph_write_int(walk, field, value, &negative, &magnitude);

	return err < 0 ? err : from_number(walk, negative, magnitude, ret_json);
}

static int from_float(struct heph_walk *walk, const struct heph_field *field,
		      const void *value, json_t **ret_json)
{
	double number;
	float single;

	memcpy(&single, value, sizeof(single));
	if (field->size == sizeof(single))
		number = (double)single;
	else
		memcpy(&number, value, sizeof(number));
	if (isfinite(number))
		return made(walk, json_real(number), ret_json);
	return made(walk,
		    json_string(isnan(number) ? "NaN" :
				number > 0    ? "Infinity" :
						"-Infinity"),
		    ret_json);
}

static int from_text(struct heph_walk *walk, const struct heph_field *field,
		     const void *value, json_t **ret_json)
{
	const char *text;
	size_t size;
	int err = heph_write_text(walk, field, value, &text, &size);

	if (err < 0)
		return err;
	return made(walk, text ? json_stringn(text, size) : json_null(), ret_json);
}

static int from_bytes(struct heph_walk *walk, const void *data, size_t size,
		      json_t **ret_json)
{
	size_t room = sodium_base64_encoded_len(size, BASE64);
	char *text = heph_remote_mem_alloc(room);
	int err;

	if (!text)
		return heph_walk_fail(walk, -ENOMEM, "no memory");
	sodium_bin2base64(text, room, data, size, BASE64);
	err = made(walk, json_string(text), ret_json);
	heph_remote_mem_free(text);
	return err;
}

static int from_ref(struct heph_walk *walk, const struct heph_field *field,
		    const void *value, json_t **ret_json)
{
	uint8_t wire[HEPH_WIRE_REF];
	int n = heph_write_ref(walk, field, value, wire);

	if (n < 0)
		return n;
	return n ? from_bytes(walk, wire, (size_t)n, ret_json) :
		   made(walk, json_null(), ret_json);
}

static int from_reply(struct heph_walk *walk, const struct heph_field *field,
		      const void *value, json_t **ret_json)
{
	uint64_t call;
	int err = heph_write_reply(walk, field, value, &call);

	return err < 0 ? err : from_number(walk, false, call, ret_json);
}

static int from_struct(struct heph_walk *walk, const struct heph_codec *codec,
		       const void *msg, json_t **ret_json);

static int from_value(struct heph_walk *walk, const struct heph_field *field,
		      const void *value, json_t **ret_json)
{
	struct heph_bytes bytes;
	int err;

	switch ((enum heph_field_kind)field->kind) {
	case HEPH_KIND_BOOL:
		return made(walk, json_boolean(*(const bool *)value), ret_json);
	case HEPH_KIND_INT:
	case HEPH_KIND_UINT:
		return from_int(walk, field, value, ret_json);
	case HEPH_KIND_FLOAT:
		return from_float(walk, field, value, ret_json);
	case HEPH_KIND_CHARS:
	case HEPH_KIND_TEXT:
		return from_text(walk, field, value, ret_json);
	case HEPH_KIND_BYTES:
		err = heph_write_bytes(walk, field, value, &bytes);
		return err < 0 ? err :
				 from_bytes(walk, bytes.data, bytes.size,
					    ret_json);
	case HEPH_KIND_REF:
		return from_ref(walk, field, value, ret_json);
	case HEPH_KIND_REPLY:
		return from_reply(walk, field, value, ret_json);
	case HEPH_KIND_STRUCT:
		return from_struct(walk, field->codec(), value, ret_json);
	case HEPH_KIND_NONE__:
		break;
	}
	return heph_walk_fail(walk, -EINVAL, "a field of no kind");
}

static int from_many(struct heph_walk *walk, const struct heph_field *field,
		     const void *msg, json_t **ret_json)
{
	const char *elements = heph_field_elements(field, msg);
	json_t *array, *element;
	size_t n;
	int err = heph_write_many(walk, field, msg, &n);

	if (err == 0)
		err = made(walk, json_array(), &array);
	if (err < 0)
		return err;
	for (size_t i = 0; err == 0 && i < n; i++) {
		heph_walk_at(walk, field, i);
		err = from_value(walk, field, elements + i * field->size,
				 &element);
		if (err == 0 && json_array_append_new(array, element) < 0)
			err = heph_walk_fail(walk, -ENOMEM, "no memory");
	}
	if (err < 0)
		json_decref(array);
	else
		*ret_json = array;
	return err;
}

static int from_field(struct heph_walk *walk, const struct heph_field *field,
		      const void *msg, json_t *object)
{
	json_t *json;
	int err;

	heph_walk_at(walk, field, 0);
	err = field->shape == HEPH_SHAPE_ONE ?
		      from_value(walk, field, heph_field_in(field, msg), &json) :
		      from_many(walk, field, msg, &json);
	if (err == 0 &&
	    json_object_set_new_nocheck(object, heph_field_name(field), json) < 0)
		err = heph_walk_fail(walk, -ENOMEM, "no memory");
	return err;
}

static int from_struct(struct heph_walk *walk, const struct heph_codec *codec,
		       const void *msg, json_t **ret_json)
{
	json_t *object = NULL;
	int err = heph_walk_down(walk);

	if (err == 0)
		err = made(walk, json_object(), &object);
	if (err < 0)
		return err;
	for (unsigned i = 0; err == 0 && i < codec->n; i++)
		if (heph_field_there(&codec->fields[i], msg))
			err = from_field(walk, &codec->fields[i], msg, object);
	if (err < 0) {
		json_decref(object);
		return err;
	}
	heph_walk_up(walk);
	*ret_json = object;
	return 0;
}

int heph_json_write(struct heph_walk *walk, const struct heph_codec *codec,
		    const void *msg, struct heph_bytes *ret_bytes)
{
	json_t *json;
	char *text;
	int err = from_struct(walk, codec, msg, &json);

	if (err < 0)
		return err;
	text = json_dumps(json, JSON_COMPACT | JSON_REAL_PRECISION(17));
	json_decref(json);
	if (!text)
		return heph_walk_fail(walk, -ENOMEM, "no memory");
	*ret_bytes = (struct heph_bytes){ text, strlen(text) };
	return 0;
}

/* ---- reading ------------------------------------------------------------------------ */

static int to_digits(struct heph_walk *walk, const struct heph_field *field,
		     const char *text, void *value)
{
	bool negative = text[0] == '-';
	const char *digits = text + negative;
	uint64_t magnitude = 0;
	size_t n = strspn(digits, "0123456789");

	if (n == 0 || digits[n] || (n > 1 && digits[0] == '0'))
		return refuse(walk, "not an integer");
	for (; *digits; digits++)
		if (__builtin_mul_overflow(magnitude, 10u, &magnitude) ||
		    __builtin_add_overflow(magnitude, (unsigned)(*digits - '0'),
					   &magnitude))
			return refuse(walk, "the number is out of range");
	return heph_read_int(walk, field, value, negative && magnitude,
			     magnitude);
}

static int to_int(struct heph_walk *walk, const struct heph_field *field,
		  const json_t *json, void *value)
{
	json_int_t number = json_integer_value(json);

	if (json_is_string(json))
		return to_digits(walk, field, json_string_value(json), value);
	if (!json_is_integer(json))
		return refuse(walk, "not an integer");
	return heph_read_int(walk, field, value, number < 0,
			     number < 0 ? 0 - (uint64_t)number :
					  (uint64_t)number);
}

static int to_reply(struct heph_walk *walk, const struct heph_field *field,
		    const json_t *json, void *value)
{
	static const struct heph_field number = { .kind = HEPH_KIND_UINT,
						  .size = sizeof(uint64_t) };
	uint64_t call = 0;
	int err = json_is_null(json) ? 0 : to_int(walk, &number, json, &call);

	return err < 0 ? err : heph_read_reply(walk, field, value, call);
}

static int to_float(struct heph_walk *walk, const struct heph_field *field,
		    const json_t *json, void *value)
{
	const char *text = json_string_value(json);
	double number;

	if (json_is_number(json))
		number = json_number_value(json);
	else if (text && strcmp(text, "NaN") == 0)
		number = (double)NAN;
	else if (text && strcmp(text, "Infinity") == 0)
		number = (double)INFINITY;
	else if (text && strcmp(text, "-Infinity") == 0)
		number = -(double)INFINITY;
	else
		return refuse(walk, "not a number");
	return heph_read_float(walk, field, value, number);
}

static int to_text(struct heph_walk *walk, const struct heph_field *field,
		   const json_t *json, void *value)
{
	if (json_is_null(json) && field->kind == HEPH_KIND_TEXT)
		return 0;
	if (!json_is_string(json))
		return refuse(walk, "not a text");
	return heph_read_text(walk, field, value, json_string_value(json),
			      json_string_length(json));
}

static int decoded(struct heph_walk *walk, const struct heph_field *field,
		   const void *data, size_t size, void *value)
{
	return field->kind == HEPH_KIND_REF ?
		       heph_read_ref(walk, field, value, data, size) :
		       heph_read_bytes(walk, field, value, data, size);
}

static int to_bytes(struct heph_walk *walk, const struct heph_field *field,
		    const json_t *json, void *value)
{
	size_t length = json_string_length(json), size = 0;
	unsigned char *data;
	int err;

	if (json_is_null(json) && field->kind == HEPH_KIND_REF)
		return 0;
	if (!json_is_string(json))
		return refuse(walk, "not a text in base64");
	data = heph_remote_mem_alloc(length / 4 * 3 + 3);
	if (!data)
		return heph_walk_fail(walk, -ENOMEM, "no memory");
	if (sodium_base642bin(data, length / 4 * 3 + 3, json_string_value(json),
			      length, NULL, &size, NULL, BASE64) < 0)
		err = refuse(walk, "not a text in base64");
	else
		err = decoded(walk, field, data, size, value);
	heph_remote_mem_free(data);
	return err;
}

static int to_struct(struct heph_walk *walk, const struct heph_codec *codec,
		     const json_t *json, void *msg);

static int to_value(struct heph_walk *walk, const struct heph_field *field,
		    const json_t *json, void *value)
{
	switch ((enum heph_field_kind)field->kind) {
	case HEPH_KIND_BOOL:
		if (!json_is_boolean(json))
			return refuse(walk, "neither true nor false");
		*(bool *)value = json_is_true(json);
		return 0;
	case HEPH_KIND_INT:
	case HEPH_KIND_UINT:
		return to_int(walk, field, json, value);
	case HEPH_KIND_FLOAT:
		return to_float(walk, field, json, value);
	case HEPH_KIND_CHARS:
	case HEPH_KIND_TEXT:
		return to_text(walk, field, json, value);
	case HEPH_KIND_BYTES:
	case HEPH_KIND_REF:
		return to_bytes(walk, field, json, value);
	case HEPH_KIND_REPLY:
		return to_reply(walk, field, json, value);
	case HEPH_KIND_STRUCT:
		return to_struct(walk, field->codec(), json, value);
	case HEPH_KIND_NONE__:
		break;
	}
	return refuse(walk, "a field of no kind");
}

static int to_many(struct heph_walk *walk, const struct heph_field *field,
		   const json_t *json, void *msg)
{
	size_t n = json_array_size(json);
	char *elements;
	int err;

	if (!json_is_array(json))
		return refuse(walk, "not an array");
	err = heph_read_many(walk, field, msg, n, &elements);
	for (size_t i = 0; err == 0 && i < n; i++) {
		heph_walk_at(walk, field, i);
		err = to_value(walk, field, json_array_get(json, i),
			       elements + i * field->size);
	}
	return err;
}

/* Counts a field that was there. */
static int to_field(struct heph_walk *walk, const struct heph_field *field,
		    const json_t *object, void *msg, size_t *found)
{
	const json_t *json = json_object_get(object, heph_field_name(field));
	bool there = heph_field_there(field, msg);

	if (!json)
		return there ? refuse(walk, "missing") : 0;
	++*found;
	if (!there)
		heph_field_arrived(field, msg);
	if (!heph_field_there(field, msg))
		return refuse(walk, "of another case");
	return field->shape == HEPH_SHAPE_ONE ?
		       to_value(walk, field, json, heph_field_in(field, msg)) :
		       to_many(walk, field, json, msg);
}

static int to_struct(struct heph_walk *walk, const struct heph_codec *codec,
		     const json_t *json, void *msg)
{
	int err = heph_walk_down(walk);
	size_t found = 0;

	if (err < 0)
		return err;
	if (!json_is_object(json))
		return refuse(walk, "not an object");
	for (unsigned i = 0; err == 0 && i < codec->n; i++) {
		heph_walk_at(walk, &codec->fields[i], 0);
		err = to_field(walk, &codec->fields[i], json, msg, &found);
	}
	if (err < 0)
		return err;
	heph_walk_up(walk);
	return found == json_object_size(json) ?
		       0 :
		       refuse(walk, "it has a field that is not known");
}

int heph_json_read(struct heph_walk *walk, const struct heph_codec *codec,
		   const void *data, size_t size, void *msg)
{
	json_error_t error;
	json_t *json;
	int err;

	if (size > HEPH_CODEC_MEMORY)
		return heph_walk_fail(walk, -EMSGSIZE, "the message is too large");
	json = heph_json_load(data, size, 2 * HEPH_CODEC_DEPTH,
			      JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &error);
	if (!json)
		return json_error_code(&error) == json_error_out_of_memory ?
			       heph_walk_fail(walk, -ENOMEM, "no memory") :
			       refuse(walk, error.text);
	err = to_struct(walk, codec, json, msg);
	json_decref(json);
	return err;
}
