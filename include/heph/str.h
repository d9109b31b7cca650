/* SPDX-License-Identifier: MIT */
/*
 * str.h - a piece of text that somebody else keeps
 *
 * What parsers give: no copy, and no nul behind it. It is valid as long as what
 * it was taken from. Printed with
 *
 *     printf("%.*s\n", HEPH_STR(path));
 */
#ifndef HEPH_STR_H
#define HEPH_STR_H

#include <heph/types.h>

#include <string.h>
#include <strings.h>

#ifdef __cplusplus
extern "C" {
#endif

struct heph_str {
	const char *data; /* not NULL where `size` is not 0 */
	size_t size;      /* bytes */
};

/* For "%.*s": two arguments. */
#define HEPH_STR(str) (int)(str).size, (str).data

/* Of a text that ends with a nul. */
static inline struct heph_str heph_str(const char *text)
{
	struct heph_str str = { text, strlen(text) };

	return str;
}
/* And of so many bytes. */
static inline struct heph_str heph_str_of(const char *data, size_t size)
{
	struct heph_str str = { data, size };

	return str;
}

/* Whether they are the same bytes; the second one counts "A" and "a" as such. */
static inline bool heph_str_equal(struct heph_str str, const char *text)
{
	return strlen(text) == str.size &&
	       (str.size == 0 || memcmp(str.data, text, str.size) == 0);
}
static inline bool heph_str_equal_case(struct heph_str str, const char *text)
{
	return strlen(text) == str.size &&
	       (str.size == 0 || strncasecmp(str.data, text, str.size) == 0);
}

#ifdef __cplusplus
}
#endif
#endif
