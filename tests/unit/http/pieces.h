/* SPDX-License-Identifier: MIT */
/*
 * pieces.h - bytes as they come from the network: some, more, all
 *
 * Each piece lies in memory of just its size, so that a sanitizer sees who reads
 * beyond it.
 */
#ifndef TESTS_UNIT_HTTP_PIECES_H
#define TESTS_UNIT_HTTP_PIECES_H

#include <heph/http/parse.h>

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ROOM 128

/* One of the parsers of heads, with all else given. */
typedef ssize_t read_head(const char *data, size_t size, size_t seen,
			  enum heph_http_wrong *ret_wrong);

static inline char *copy_of(const char *data, size_t size)
{
	char *copy = malloc(size + (size == 0));

	assert_non_null(copy);
	if (size > 0)
		memcpy(copy, data, size);
	return copy;
}

static inline ssize_t read_piece(read_head *read, const char *data, size_t size,
				 size_t seen, enum heph_http_wrong *ret_wrong)
{
	char *copy = copy_of(data, size);
	ssize_t n = read(copy, size, seen, ret_wrong);

	free(copy);
	return n;
}

static inline bool has_end(const char *data, size_t size)
{
	return memmem(data, size, "\r\n\r\n", 4) != NULL;
}

/*
 * However a head comes, byte by byte or in two pieces, it is the same one. An error
 * may be told later while the head has not ended, but no other one.
 */
static inline void same_in_pieces(read_head *read, const char *data, size_t size,
				  ssize_t whole, enum heph_http_wrong wrong)
{
	enum heph_http_wrong its;
	size_t seen = 0;
	ssize_t n = 0;

	for (size_t i = 1; i <= size && n == 0; i++) {
		n = read_piece(read, data, i, seen, &its);
		seen = i;
	}
	if (n == 0)
		assert_true(whole == 0 || !has_end(data, size));
	else
		assert_int_equal(n, whole);
	if (n < 0)
		assert_int_equal(its, wrong);
	for (size_t i = 0; i <= size; i++) {
		n = read_piece(read, data, i, 0, &its);
		if (n == 0)
			n = read_piece(read, data, size, i, &its);
		if (n == 0)
			assert_true(whole == 0 || !has_end(data, size));
		else
			assert_int_equal(n, whole);
		if (n < 0)
			assert_int_equal(its, wrong);
	}
}

#define assert_str(str, text)                                                  \
	do {                                                                   \
		struct heph_str str__ = (str);                                 \
		assert_int_equal(str__.size, strlen(text));                    \
		assert_memory_equal(str__.data, text, str__.size);             \
	} while (0)

#endif
