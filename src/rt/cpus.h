/* SPDX-License-Identifier: MIT */
/* cpus.h - the cores that we may use, and which to take first */
#ifndef HEPH_RT_CPUS_H
#define HEPH_RT_CPUS_H

/* Those that we may use, into `ret_cpus`, by their numbers; how many. */
unsigned heph_cpus_allowed(int *ret_cpus, unsigned max);

/*
 * Puts them into the order in which workers should be tied to them: node by node
 * of the memory, so that a few workers share one; within a node first a thread of
 * each core, then the second ones. `root` is put before "/sys"; where that says
 * nothing the order is that of the numbers. No memory is asked for.
 */
void heph_cpus_order(const char *root, int *cpus, unsigned n);

/* How many cores' time the control groups of the process allow, rounded up;
 * 0: no limit, or none that can be read. `root` is before "/proc" and "/sys". */
unsigned heph_cpus_quota(const char *root);

#endif
