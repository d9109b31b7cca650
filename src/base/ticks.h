/* SPDX-License-Identifier: MIT */
/*
 * ticks.h - the counter of the processor
 *
 * For clock.h alone, which knows what a tick is worth. This is the only place
 * in base that differs between machines. Each offers:
 *
 *   heph_ticks_read()       the counter
 *   heph_ticks_steady()     whether it runs at one pace, always, on all cores
 *   heph_ticks_frequency()  ticks per second, 0 if that must be measured
 */
#ifndef HEPH_BASE_TICKS_H
#define HEPH_BASE_TICKS_H

#include <stdbool.h>
#include <stdint.h>

#if defined(__x86_64__)

#include <cpuid.h>

static inline uint64_t heph_ticks_read(void)
{
	return __builtin_ia32_rdtsc();
}

/* "Invariant TSC". */
static inline bool heph_ticks_steady(void)
{
	unsigned a, b, c, d;

	return __get_cpuid(0x80000007, &a, &b, &c, &d) && (d & (1u << 8));
}

static inline uint64_t heph_ticks_frequency(void)
{
	return 0;
}

#elif defined(__aarch64__)

static inline uint64_t heph_ticks_read(void)
{
	uint64_t ticks;

	__asm__ __volatile__("mrs %0, cntvct_el0" : "=r"(ticks));
	return ticks;
}

/* The architecture promises it. */
static inline bool heph_ticks_steady(void)
{
	return true;
}

static inline uint64_t heph_ticks_frequency(void)
{
	uint64_t frequency;

	__asm__("mrs %0, cntfrq_el0" : "=r"(frequency));
	return frequency;
}

#else /* any other: clock.c uses CLOCK_MONOTONIC */

static inline uint64_t heph_ticks_read(void)
{
	return 0;
}

static inline bool heph_ticks_steady(void)
{
	return false;
}

static inline uint64_t heph_ticks_frequency(void)
{
	return 0;
}

#endif
#endif
