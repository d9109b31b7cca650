/* SPDX-License-Identifier: MIT */
/*
 * A place is made of the leading bits of a value: how many bits follow the
 * first HISTOGRAM_BITS + 1 of them, times the places of a doubling, plus the
 * value without those that follow. Values that have no more than these bits are
 * their own place, and the numbers go on without a gap: 62, 63, 64-65, 66-67.
 */
#include "histogram.h"

static unsigned bits_cut(uint64_t value)
{
	unsigned bits = 64 - (unsigned)__builtin_clzll(value | 1);

	return bits <= HISTOGRAM_BITS + 1 ? 0 : bits - HISTOGRAM_BITS - 1;
}

static unsigned place_of(uint64_t value)
{
	unsigned cut = bits_cut(value);

	return (cut << HISTOGRAM_BITS) + (unsigned)(value >> cut);
}

/* The largest value that has this place. */
static uint64_t largest_at(unsigned place)
{
	unsigned doubling = place >> HISTOGRAM_BITS;
	unsigned cut = doubling > 1 ? doubling - 1 : 0;
	uint64_t leading = place - (cut << HISTOGRAM_BITS);

	return (leading << cut) + (UINT64_C(1) << cut) - 1;
}

void histogram_add(struct histogram *histogram, uint64_t value)
{
	histogram->n++;
	histogram->counts[place_of(value)]++;
	if (value > histogram->worst)
		histogram->worst = value;
}

uint64_t histogram_at(const struct histogram *histogram, double q)
{
	double wanted = q * (double)histogram->n;
	uint64_t seen = 0, value;

	for (unsigned place = 0; place < HISTOGRAM_PLACES; place++) {
		seen += histogram->counts[place];
		if (seen == 0 || (double)seen < wanted)
			continue;
		value = largest_at(place);
		return value < histogram->worst ? value : histogram->worst;
	}
	return histogram->worst;
}
