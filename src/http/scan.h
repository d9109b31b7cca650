/* SPDX-License-Identifier: MIT */
/*
 * scan.h - where a run of bytes of one kind ends, sixteen at a time
 *
 * Each function returns the first byte from `at` on that does not belong to the
 * run, or `end`. Nothing before `at` and nothing from `end` on is read. Each has a
 * twin that goes byte by byte, with `_plain`: it is what is left of the run when
 * fewer than sixteen bytes are left, all that there is on other machines, and what
 * tests compare with.
 *
 * A vector is eight-bit lanes in the compiler's own notation, so that x86-64 (with
 * no more than the SSE2 that each has) and AArch64 share the code. Only the place
 * of the first lane that is set needs words of the machine.
 */
#ifndef HEPH_HTTP_SCAN_H
#define HEPH_HTTP_SCAN_H

#include <heph/str.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined(__SSE2__)
#include <emmintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

/* What a byte may be part of; RFC 9110, section 5.6.2, and RFC 3986. */
enum heph_http_kind {
	HEPH_HTTP_TOKEN = 1,  /* a letter, a digit, or one of !#$%&'*+-.^_`|~ */
	HEPH_HTTP_TEXT = 2,   /* of a field's value: all but control characters */
	HEPH_HTTP_TARGET = 4, /* of a request target: printable ASCII, but no "#" */
	HEPH_HTTP_HOST = 8,   /* of a name of a host or an IPv4 address */
};

extern const uint8_t heph_http_kinds[256];

static inline bool heph_http_is(char c, unsigned kinds)
{
	return heph_http_kinds[(unsigned char)c] & kinds;
}

static inline bool heph_http_is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static inline const char *heph_http_scan_plain(const char *at, const char *end,
					       unsigned kinds)
{
	while (at < end && heph_http_is(*at, kinds))
		at++;
	return at;
}

#if defined(__SSE2__) || defined(__aarch64__)

enum { HEPH_HTTP_LANES = 16 };

/* A lane of a comparison's result is 0 or 255. */
typedef uint8_t heph_http_lanes __attribute__((vector_size(16)));

static inline heph_http_lanes heph_http_load(const char *at)
{
	heph_http_lanes lanes;

	memcpy(&lanes, at, sizeof(lanes));
	return lanes;
}

/* The lanes that are set, and the first one of them. Not set at all is 0. */
#if defined(__SSE2__)
typedef uint32_t heph_http_set;

static inline heph_http_set heph_http_set_of(heph_http_lanes lanes)
{
	return (heph_http_set)_mm_movemask_epi8((__m128i)lanes);
}

static inline unsigned heph_http_first(heph_http_set set)
{
	return (unsigned)__builtin_ctz(set);
}
#else
typedef uint64_t heph_http_set; /* four bits of each lane */

static inline heph_http_set heph_http_set_of(heph_http_lanes lanes)
{
	uint16x8_t pairs = vreinterpretq_u16_u8((uint8x16_t)lanes);

	return vget_lane_u64(vreinterpret_u64_u8(vshrn_n_u16(pairs, 4)), 0);
}

static inline unsigned heph_http_first(heph_http_set set)
{
	return (unsigned)__builtin_ctzll(set) / 4;
}
#endif

/* The lanes that hold no letter, digit or "-": what nearly all names of fields
 * consist of. */
static inline heph_http_lanes heph_http_not_simple(heph_http_lanes c)
{
	heph_http_lanes letter = (heph_http_lanes)((c | 0x20) - 'a' < 26);
	heph_http_lanes digit = (heph_http_lanes)(c - '0' < 10);

	return ~(letter | digit | (heph_http_lanes)(c == '-'));
}

static inline heph_http_lanes heph_http_not_text(heph_http_lanes c)
{
	return ((heph_http_lanes)(c < 0x20) & (heph_http_lanes)(c != '\t')) |
	       (heph_http_lanes)(c == 0x7f);
}

static inline heph_http_lanes heph_http_not_target(heph_http_lanes c)
{
	return (heph_http_lanes)(c - 0x21 >= 0x7f - 0x21) |
	       (heph_http_lanes)(c == '#');
}

static inline heph_http_lanes heph_http_not_in_name(heph_http_lanes c)
{
	return heph_http_not_simple(c) & (heph_http_lanes)(c != '.');
}

/* Up to the first lane of which `outside` says so, and the rest byte by byte. */
static inline __attribute__((always_inline)) const char *
heph_http_scan(const char *at, const char *end,
	       heph_http_lanes (*outside)(heph_http_lanes), unsigned kinds)
{
	for (; end - at >= HEPH_HTTP_LANES; at += HEPH_HTTP_LANES) {
		heph_http_set set = heph_http_set_of(outside(heph_http_load(at)));

		if (set != 0)
			return at + heph_http_first(set);
	}
	return heph_http_scan_plain(at, end, kinds);
}

static inline const char *heph_http_scan_token(const char *at, const char *end)
{
	at = heph_http_scan(at, end, heph_http_not_simple, HEPH_HTTP_TOKEN);
	return heph_http_scan_plain(at, end, HEPH_HTTP_TOKEN);
}

static inline const char *heph_http_scan_text(const char *at, const char *end)
{
	return heph_http_scan(at, end, heph_http_not_text, HEPH_HTTP_TEXT);
}

static inline const char *heph_http_scan_target(const char *at, const char *end)
{
	return heph_http_scan(at, end, heph_http_not_target, HEPH_HTTP_TARGET);
}

static inline const char *heph_http_scan_host(const char *at, const char *end)
{
	at = heph_http_scan(at, end, heph_http_not_in_name, HEPH_HTTP_HOST);
	return heph_http_scan_plain(at, end, HEPH_HTTP_HOST);
}

#else

static inline const char *heph_http_scan_token(const char *at, const char *end)
{
	return heph_http_scan_plain(at, end, HEPH_HTTP_TOKEN);
}

static inline const char *heph_http_scan_text(const char *at, const char *end)
{
	return heph_http_scan_plain(at, end, HEPH_HTTP_TEXT);
}

static inline const char *heph_http_scan_target(const char *at, const char *end)
{
	return heph_http_scan_plain(at, end, HEPH_HTTP_TARGET);
}

static inline const char *heph_http_scan_host(const char *at, const char *end)
{
	return heph_http_scan_plain(at, end, HEPH_HTTP_HOST);
}

#endif

/*
 * Whether the text is that word in any case of letters. It is of letters, digits and
 * dashes in lower case, 4 to 16 bytes, and its size a constant. What is compared is a
 * token, or text: a control character might pass for a dash.
 */
static inline bool heph_http_is_word(struct heph_str text, const char *word,
				     size_t size)
{
	const uint64_t lower = UINT64_C(0x2020202020202020);
	uint64_t head = 0, tail = 0, word_head = 0, word_tail = 0;
	size_t half = size >= 8 ? 8 : 4;

	if (text.size != size)
		return false;
	memcpy(&head, text.data, half);
	memcpy(&tail, text.data + size - half, half);
	memcpy(&word_head, word, half);
	memcpy(&word_tail, word + size - half, half);
	return ((head ^ word_head) & ~lower) == 0 &&
	       ((tail ^ word_tail) & ~lower) == 0;
}

#endif
