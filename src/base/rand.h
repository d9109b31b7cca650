/* SPDX-License-Identifier: MIT */
/*
 * rand.h - random numbers that can be had again from their seed
 *
 * For scheduling, back-off, simulations and tests; not for secrets. The
 * generator is xoshiro256**, seeded by splitmix64. The same seed gives the
 * same numbers on every machine, now and in later versions.
 *
 * Thread     A generator is used by one thread at a time.
 */
#ifndef HEPH_BASE_RAND_H
#define HEPH_BASE_RAND_H

#include <stdint.h>

struct heph_rand {
	uint64_t state[4];
};

/* Starts the sequence that belongs to `seed`; any number is a good seed. */
void heph_rand_seed(struct heph_rand *rand, uint64_t seed);

/* The next number, out of all 2^64. */
uint64_t heph_rand_next(struct heph_rand *rand);

/* A number below `n`, each equally likely. `n` is not 0. */
uint64_t heph_rand_below(struct heph_rand *rand, uint64_t n);

/* A number from the kernel, for a seed. Any thread. */
uint64_t heph_rand_entropy(void);

/* What it comes from on this thread, whose numbers can be had again; NULL: the
 * kernel. */
extern __thread struct heph_rand *heph_rand_virtual;

#endif
