/* SPDX-License-Identifier: MIT */
/* A perfect hash over the first and the last bytes of a name, then one comparison
 * by words. scripts/http-names.py computes the same. */
#include <heph/http/name.h>

#include <endian.h>
#include <string.h>

#include "http/nametable.h"

#define EACH_BYTE UINT64_C(0x0101010101010101)

static uint64_t load8(const char *at)
{
	uint64_t n;

	memcpy(&n, at, sizeof(n));
	return le64toh(n);
}

static uint64_t load4(const char *at)
{
	uint32_t n;

	memcpy(&n, at, sizeof(n));
	return le32toh(n);
}

static uint64_t load3(const char *at, size_t size)
{
	return (unsigned char)at[0] | (uint64_t)(unsigned char)at[size / 2] << 8 |
	       (uint64_t)(unsigned char)at[size - 1] << 16;
}

/* Letters of both cases are one; so are some other bytes, which the comparison
 * tells apart. */
static uint64_t hash(const char *name, size_t size)
{
	uint64_t first, last, n;

	if (size >= 8) {
		first = load8(name) | 0x20 * EACH_BYTE;
		last = load8(name + size - 8) | 0x20 * EACH_BYTE;
	} else if (size >= 4) {
		first = load4(name) | UINT64_C(0x20202020);
		last = load4(name + size - 4) | UINT64_C(0x20202020);
	} else {
		first = load3(name, size) | UINT64_C(0x202020);
		last = 0;
	}
	n = first * UINT64_C(0x9e3779b97f4a7c15);
	n = (n << 29 | n >> 35) ^ last;
	n = (n + size + NAME_SALT) * UINT64_C(0xd6e8feb86659fd93);
	return n ^ n >> 32;
}

/* Whether they differ in the case of letters at most. Of the bytes that names
 * have, letters alone have the bit 0x40. */
static bool alike(uint64_t known, uint64_t other)
{
	return ((known ^ other) & ~((known & 0x40 * EACH_BYTE) >> 1)) == 0;
}

static bool is_name(const char *known, const char *name, size_t size)
{
	uint64_t rest = 0;
	size_t i;

	for (i = 0; i + 8 <= size; i += 8)
		if (!alike(load8(known + i), load8(name + i)))
			return false;
	memcpy(&rest, name + i, size - i);
	return alike(load8(known + i), le64toh(rest));
}

enum heph_http_name heph_http_name_of(const char *name, size_t size)
{
	uint64_t n;
	unsigned id;

	if (size == 0 || size > NAME_LONGEST)
		return HEPH_HTTP_NAME_OTHER;
	n = hash(name, size);
	id = name_slots[(n >> 7 ^ name_moves[n % NAME_BUCKETS]) % NAME_SLOTS];
	if (name_sizes[id] != size || !is_name(name_texts[id], name, size))
		return HEPH_HTTP_NAME_OTHER;
	return (enum heph_http_name)id;
}

const char *heph_http_name_text(enum heph_http_name name)
{
	return (unsigned)name - 1 < HEPH_HTTP_NAMES - 1 ? name_texts[name] : NULL;
}
