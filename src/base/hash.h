/* SPDX-License-Identifier: MIT */
/*
 * hash.h - numbers that look random but are always the same
 *
 * For spreading keys, not against people who choose keys to collide.
 *
 * Thread     All calls may be made from any thread.
 */
#ifndef HEPH_BASE_HASH_H
#define HEPH_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

/* Mixes the bits of a number: one-to-one, and near numbers become far ones. */
static inline uint64_t heph_hash_mix(uint64_t n)
{
	n ^= n >> 30;
	n *= UINT64_C(0xbf58476d1ce4e5b9);
	n ^= n >> 27;
	n *= UINT64_C(0x94d049bb133111eb);
	return n ^ n >> 31;
}

/* The hash of some bytes; the same bytes have the same everywhere. */
uint64_t heph_hash_bytes(const void *bytes, size_t size);

#endif
