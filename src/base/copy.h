/* SPDX-License-Identifier: MIT */
/*
 * copy.h - copying a few bytes, inline
 *
 * Messages are small and their size is not known where they are copied; a call
 * of memcpy() would cost more than the copy. Up to 64 bytes are copied by two
 * or four moves of a fixed size, which may overlap.
 */
#ifndef HEPH_BASE_COPY_H
#define HEPH_BASE_COPY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* `unit` bytes at the beginning and the same at the end. */
#define HEPH_COPY_ENDS__(unit_, to_, from_, size_)                             \
	do {                                                                   \
		unsigned char head__[unit_], tail__[unit_];                    \
		memcpy(head__, (from_), (unit_));                              \
		memcpy(tail__, (from_) + (size_) - (unit_), (unit_));          \
		memcpy((to_), head__, (unit_));                                \
		memcpy((to_) + (size_) - (unit_), tail__, (unit_));            \
	} while (0)

/* Whether heph_copy_quick() copies that many bytes. */
static inline bool heph_copy_is_quick(size_t size)
{
	return size - 8 <= 64 - 8;
}

/* The same as memcpy(), without a call. */
__attribute__((always_inline)) static inline void
heph_copy_quick(void *to_, const void *from_, size_t size)
{
	unsigned char *to = to_;
	const unsigned char *from = from_;

	if (size <= 16)
		HEPH_COPY_ENDS__(8, to, from, size);
	else if (size <= 32)
		HEPH_COPY_ENDS__(16, to, from, size);
	else
		HEPH_COPY_ENDS__(32, to, from, size);
}

/* The same as memcpy(). */
static inline void heph_copy(void *to_, const void *from_, size_t size)
{
	unsigned char *to = to_;
	const unsigned char *from = from_;

	if (heph_copy_is_quick(size))
		heph_copy_quick(to, from, size);
	else if (size >= 4 && size < 8)
		HEPH_COPY_ENDS__(4, to, from, size);
	else
		memcpy(to, from, size);
}

#endif
