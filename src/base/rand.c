/* SPDX-License-Identifier: MIT */
/*
 * xoshiro256** and splitmix64 are by David Blackman and Sebastiano Vigna, who
 * placed them in the public domain. heph_rand_below is Daniel Lemire's method:
 * the high half of a product is the number, and the low half tells whether it
 * belongs to the few draws that would make some numbers likelier.
 */
#include "base/rand.h"

#include "base/assert.h"

#include <errno.h>
#include <sys/random.h>
#include <time.h>

__extension__ typedef unsigned __int128 wide;

static uint64_t splitmix(uint64_t *state)
{
	uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

static uint64_t rotate(uint64_t x, int bits)
{
	return (x << bits) | (x >> (64 - bits));
}

void heph_rand_seed(struct heph_rand *rand, uint64_t seed)
{
	for (int i = 0; i < 4; i++)
		rand->state[i] = splitmix(&seed);
}

uint64_t heph_rand_next(struct heph_rand *rand)
{
	uint64_t *s = rand->state;
	uint64_t result = rotate(s[1] * 5, 7) * 9;
	uint64_t t = s[1] << 17;

	s[2] ^= s[0];
	s[3] ^= s[1];
	s[1] ^= s[2];
	s[0] ^= s[3];
	s[2] ^= t;
	s[3] = rotate(s[3], 45);
	return result;
}

uint64_t heph_rand_below(struct heph_rand *rand, uint64_t n)
{
	wide product;
	uint64_t unfair;

	heph_assert(n > 0);
	product = (wide)heph_rand_next(rand) * n;
	if ((uint64_t)product < n) {
		unfair = -n % n;
		while ((uint64_t)product < unfair)
			product = (wide)heph_rand_next(rand) * n;
	}
	return (uint64_t)(product >> 64);
}

/* For a kernel that has no random numbers yet, or a filter that forbids to ask
 * for them. */
static uint64_t entropy_of_time(void)
{
	struct timespec now;
	uint64_t state;

	clock_gettime(CLOCK_REALTIME, &now);
	state = (uint64_t)now.tv_sec * 1000000007u + (uint64_t)now.tv_nsec;
	state ^= (uint64_t)(uintptr_t)&state;
	return splitmix(&state);
}

__thread struct heph_rand *heph_rand_virtual;

uint64_t heph_rand_entropy(void)
{
	uint64_t number;
	ssize_t n;

	if (heph_rand_virtual)
		return heph_rand_next(heph_rand_virtual);
	do {
		n = getrandom(&number, sizeof(number), GRND_NONBLOCK);
	} while (n < 0 && errno == EINTR);
	return n == (ssize_t)sizeof(number) ? number : entropy_of_time();
}
