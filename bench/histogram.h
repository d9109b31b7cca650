/* SPDX-License-Identifier: MIT */
/*
 * histogram.h - how often each duration occurred
 *
 * Durations below 64 have a place each; above, each doubling has 32 places, so
 * a duration is known within 1/32, whatever its size. By one thread at a time.
 */
#ifndef HISTOGRAM_H
#define HISTOGRAM_H

#include <stdint.h>

enum {
	HISTOGRAM_BITS = 5, /* places of a doubling: 2 to the power of this */
	HISTOGRAM_PLACES = (64 - HISTOGRAM_BITS + 1) << HISTOGRAM_BITS,
};

/* All zero is an empty one. */
struct histogram {
	uint64_t n;
	uint64_t worst;
	uint64_t counts[HISTOGRAM_PLACES];
};

/* Counts a duration. */
void histogram_add(struct histogram *histogram, uint64_t value);

/* The duration that the share `q` (0.99) of all does not exceed, rounded up to
 * what its place stands for; 0 if there are none. */
uint64_t histogram_at(const struct histogram *histogram, double q);

#endif
