/* SPDX-License-Identifier: MIT */
/*
 * coro/switch: the bare switch between two stacks, `n` times, without actors or
 * a runtime. It is not reachable through <heph/...>: as files in tests/unit do,
 * those in bench/LAYER see the inside of their layer.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "coro/coro.h"

static struct heph_coro here, there;
static _Alignas(64) char stack[256 * 1024]; /* sanitizers need that much */

static int echo(struct heph_coro *self)
{
	for (;;)
		heph_coro_switch(self, &here);
	return 0;
}

int main(int argc, char **argv)
{
	uint64_t n = argc > 1 ? strtoull(argv[1], NULL, 10) : 100000000;
	heph_time began;
	double secs;

	heph_coro_init_thread(&here);
	heph_coro_init(&there, stack, sizeof(stack), stack + sizeof(stack),
		       stack + sizeof(stack) - HEPH_CORO_FRAME, echo, NULL);
	began = heph_clock_now();
	for (uint64_t i = 0; i < n; i += 2)
		heph_coro_switch(&here, &there);
	secs = (double)(heph_clock_now() - began) / HEPH_SEC;
	heph_coro_fini(&there);
	heph_coro_fini(&here);
	printf("coro/switch impl=heph n=%" PRIu64 " secs=%.4f rate=%.0f/s "
	       "ns_per_op=%.2f\n",
	       n, secs, (double)n / secs, secs * 1e9 / (double)n);
	return 0;
}
