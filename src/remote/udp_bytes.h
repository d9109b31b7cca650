/* SPDX-License-Identifier: MIT */
/* udp_bytes.h - numbers in datagrams: little-endian, at any address */
#ifndef HEPH_REMOTE_UDP_BYTES_H
#define HEPH_REMOTE_UDP_BYTES_H

#include <stddef.h>
#include <stdint.h>

static inline void heph_udp_put(uint8_t *at, uint64_t value, size_t size)
{
	for (size_t i = 0; i < size; i++)
		at[i] = (uint8_t)(value >> (8 * i));
}

static inline uint64_t heph_udp_get(const uint8_t *at, size_t size)
{
	uint64_t value = 0;

	for (size_t i = 0; i < size; i++)
		value |= (uint64_t)at[i] << (8 * i);
	return value;
}

#endif
