/* SPDX-License-Identifier: MIT */
/* table.h - for tests that go through tables of texts */
#ifndef TEST_TABLE_H
#define TEST_TABLE_H

#include <heph/str.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* `text` NULL: a part that is not there. */
static inline void expect_str(struct heph_str str, const char *text)
{
	if (!text) {
		assert_null(str.data);
		return;
	}
	assert_non_null(str.data);
	if (!heph_str_equal(str, text))
		fail_msg("\"%.*s\" is not \"%s\"", HEPH_STR(str), text);
}

/* A text in memory that ends with it, so that ASan sees who reads on. */
static inline struct heph_str exact(const char *text)
{
	size_t size = strlen(text);
	char *copy = malloc(size ? size : 1);

	assert_non_null(copy);
	if (size > 0)
		memcpy(copy, text, size);
	return heph_str_of(copy, size);
}

static inline void forget(struct heph_str str)
{
	free((char *)(uintptr_t)str.data);
}

#endif
