/* SPDX-License-Identifier: MIT */
#include "base/hash.h"

#include <string.h>

static uint64_t step(uint64_t hash, const unsigned char *bytes, size_t size)
{
	uint64_t word = 0;

	memcpy(&word, bytes, size);
	return heph_hash_mix(hash ^ word) + UINT64_C(0x9e3779b97f4a7c15);
}

uint64_t heph_hash_bytes(const void *bytes, size_t size)
{
	const unsigned char *at = bytes;
	uint64_t hash = size;

	for (; size >= sizeof(hash); size -= sizeof(hash), at += sizeof(hash))
		hash = step(hash, at, sizeof(hash));
	return heph_hash_mix(size ? step(hash, at, size) : hash);
}
