/* SPDX-License-Identifier: MIT */
#include "hash.h"

#include <string.h>

struct state {
	uint64_t a, b, c, d;
};

static inline uint64_t rotate(uint64_t x, unsigned bits)
{
	return x << bits | x >> (64 - bits);
}

static inline void mix(struct state *s)
{
	s->a += s->b;
	s->b = rotate(s->b, 13) ^ s->a;
	s->a = rotate(s->a, 32);
	s->c += s->d;
	s->d = rotate(s->d, 16) ^ s->c;
	s->a += s->d;
	s->d = rotate(s->d, 21) ^ s->a;
	s->c += s->b;
	s->b = rotate(s->b, 17) ^ s->c;
	s->c = rotate(s->c, 32);
}

static inline void absorb(struct state *s, uint64_t word)
{
	s->d ^= word;
	mix(s);
	s->a ^= word;
}

uint64_t hash_bytes(const struct hash_seed *seed, const char *data, size_t size)
{
	struct state s = {
		seed->key[0] ^ 0x736f6d6570736575,
		seed->key[1] ^ 0x646f72616e646f6d,
		seed->key[0] ^ 0x6c7967656e657261,
		seed->key[1] ^ 0x7465646279746573,
	};
	uint64_t word, last = (uint64_t)size << 56;

	for (; size >= sizeof(word);
	     data += sizeof(word), size -= sizeof(word)) {
		memcpy(&word, data, sizeof(word));
		absorb(&s, word);
	}
	for (size_t i = 0; i < size; i++)
		last |= (uint64_t)(unsigned char)data[i] << (8 * i);
	absorb(&s, last);
	s.c ^= 0xff;
	for (int i = 0; i < 3; i++)
		mix(&s);
	return s.a ^ s.b ^ s.c ^ s.d;
}
