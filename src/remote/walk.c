/* SPDX-License-Identifier: MIT */
#include "remote/walk.h"

#include <stdio.h>

/* ---- where, and why --------------------------------------------------------------- */

static size_t say_step(char *buf, size_t size, const struct heph_field *field,
		       size_t index, bool first)
{
	const char *name = heph_field_name(field);
	int n;

	if (field->shape == HEPH_SHAPE_ONE)
		n = snprintf(buf, size, "%s%s", first ? "" : ".", name);
	else
		n = snprintf(buf, size, "%s%s[%zu]", first ? "" : ".", name,
			     index);
	return n < 0 ? 0 : (size_t)n < size ? (size_t)n : size - 1;
}

int heph_walk_fail(struct heph_walk *walk, int err, const char *why)
{
	struct heph_codec_error *error = walk->error;
	size_t used = 0;

	if (!error || error->why[0])
		return err;
	error->field[0] = '\0';
	for (unsigned i = 0; i < walk->depth && walk->at[i].field; i++)
		used += say_step(error->field + used, sizeof(error->field) - used,
				 walk->at[i].field, walk->at[i].index, i == 0);
	snprintf(error->why, sizeof(error->why), "%s", why);
	return err;
}

int heph_walk_down(struct heph_walk *walk)
{
	if (walk->depth == HEPH_CODEC_DEPTH)
		return heph_walk_fail(walk, -EINVAL, "too deep");
	walk->at[walk->depth].field = NULL;
	walk->depth++;
	return 0;
}

void heph_walk_up(struct heph_walk *walk)
{
	walk->depth--;
}

int heph_walk_count(struct heph_walk *walk, size_t size)
{
	if (size > HEPH_CODEC_MEMORY - walk->memory)
		return heph_walk_fail(walk, -EMSGSIZE, "the message is too large");
	walk->memory += size;
	return 0;
}

/* ---- integers ---------------------------------------------------------------------- */

int64_t heph_int_get(const void *from, size_t size, bool is_signed)
{
	uint64_t value = 0;
	unsigned unused = 64 - 8 * (unsigned)size;

	memcpy(&value, from, size); /* the first bytes are the lowest ones */
	value <<= unused;
	return is_signed ? (int64_t)value >> unused :
			   (int64_t)(value >> unused);
}

void heph_int_set(void *to, size_t size, uint64_t value)
{
	memcpy(to, &value, size);
}

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
	       "integers are taken out by their first bytes");

/* ---- fields --------------------------------------------------------------------------- */

const char *heph_field_name(const struct heph_field *field)
{
	const char *dot = strrchr(field->name, '.');

	return dot ? dot + 1 : field->name;
}

enum { CASE = 0x80 }; /* in when_size: of a tag */

static const void *in(const void *msg, uint32_t at)
{
	return (const char *)msg + at;
}

bool heph_field_there(const struct heph_field *field, const void *msg)
{
	size_t size = field->when_size & ~CASE;
	int64_t value;

	if (!field->when_size)
		return true;
	value = heph_int_get(in(msg, field->when_at), size, field->when < 0);
	return value == field->when;
}

void heph_field_arrived(const struct heph_field *field, void *msg)
{
	if (field->when_size && !(field->when_size & CASE))
		heph_int_set((char *)msg + field->when_at, field->when_size, 1);
}

size_t heph_field_max(const struct heph_field *field)
{
	return field->max ? field->max : HEPH_CODEC_MAX;
}

size_t heph_field_count(const struct heph_field *field, const void *msg)
{
	if (field->shape == HEPH_SHAPE_ONE)
		return 1;
	if (!field->count_size)
		return field->max;
	return (size_t)heph_int_get(in(msg, field->count_at), field->count_size,
				    false);
}

void heph_field_set_count(const struct heph_field *field, void *msg, size_t n)
{
	heph_int_set((char *)msg + field->count_at, field->count_size, n);
}

void *heph_field_elements(const struct heph_field *field, const void *msg)
{
	void *here = heph_field_in(field, msg);

	if (field->shape != HEPH_SHAPE_LIST)
		return here;
	memcpy(&here, here, sizeof(here));
	return here;
}

static bool fits_signed(size_t size, bool negative, uint64_t value)
{
	uint64_t most = (uint64_t)INT64_MAX >> (64 - 8 * size);

	return value <= most + (negative ? 1 : 0);
}

bool heph_field_takes(const struct heph_field *field, bool negative,
		      uint64_t value)
{
	if (field->shape == HEPH_SHAPE_ONE && field->max)
		return !negative && value <= field->max;
	if (field->kind == HEPH_KIND_INT)
		return fits_signed(field->size, negative, value);
	return !negative && value <= UINT64_MAX >> (64 - 8 * field->size);
}

/* ---- text -------------------------------------------------------------------------------- */

/* How many bytes follow the first one, and the least that they may stand for. */
static int follow(unsigned char first, uint32_t *ret_least, uint32_t *ret_value)
{
	static const uint32_t least[] = { 1, 0x80, 0x800, 0x10000 };
	int n = first < 0x80	      ? 0 :
		(first & 0xe0) == 0xc0 ? 1 :
		(first & 0xf0) == 0xe0 ? 2 :
		(first & 0xf8) == 0xf0 ? 3 :
					 -1;

	if (n >= 0) {
		*ret_least = least[n];
		*ret_value = n ? first & (0x3fu >> n) : first;
	}
	return n;
}

bool heph_is_utf8(const void *data, size_t size)
{
	const unsigned char *at = data, *end = size ? at + size : at;
	uint32_t least, value;

	while (at < end) { /* NULL, if there is nothing */
		int n = follow(*at++, &least, &value);

		if (n < 0 || end - at < n)
			return false;
		for (; n > 0; n--, at++) {
			if ((*at & 0xc0) != 0x80)
				return false;
			value = value << 6 | (*at & 0x3f);
		}
		if (value < least || value > 0x10ffff ||
		    (value >= 0xd800 && value <= 0xdfff))
			return false;
	}
	return true;
}
