/* SPDX-License-Identifier: MIT */
/* hash.h - SipHash-1-3: a hash that nobody can choose keys against, as long as
 * the seed is secret */
#ifndef HASH_H
#define HASH_H

#include <stddef.h>
#include <stdint.h>

struct hash_seed {
	uint64_t key[2];
};

uint64_t hash_bytes(const struct hash_seed *seed, const char *data,
		    size_t size);

#endif
