/* SPDX-License-Identifier: MIT */
/* probe.h - reads memory that may not be there */
#ifndef HEPH_BASE_PROBE_H
#define HEPH_BASE_PROBE_H

#include <stdbool.h>
#include <stddef.h>

enum { HEPH_PROBE_MAX = 4096 };

/* Copies at most HEPH_PROBE_MAX bytes. Returns false if they cannot be read, or
 * if there are no more descriptors. Any thread, and in signal handlers. */
bool heph_probe(void *to, const void *from, size_t size);

#endif
