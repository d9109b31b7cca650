/* SPDX-License-Identifier: MIT */
/*
 * circles.h - tells of actors that wait for each other, without being asked
 *
 * When nobody is awake the coordinator looks for circles that nothing will end:
 * in a small runtime, where something has happened since it last looked, and
 * after pauses that become longer while there are none. Who wants to know at
 * once, or in a large one, asks: heph_find_cycles().
 */
#ifndef HEPH_RT_CIRCLES_H
#define HEPH_RT_CIRCLES_H

#include <heph/types.h>

#include <stdint.h>

struct heph_runtime;

struct heph_circles {
	heph_time again;   /* when to look, if nobody is awake; HEPH_NEVER */
	heph_time next;    /* not before that */
	heph_time pause;   /* after the last look */
	uint64_t happened; /* until the last look, and during it */
	uint64_t told[64]; /* circles, the latest ones */
	unsigned n_told;
};

/* By the coordinator, when all workers are asleep. Waits for their answers, not
 * for long. */
void heph_circles_look(struct heph_runtime *runtime);

#endif
