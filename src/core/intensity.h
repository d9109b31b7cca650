/* SPDX-License-Identifier: MIT */
/*
 * intensity.h - n restarts within t, each after a pause
 *
 * As Erlang counts them: a restart is one too many if there were `times`
 * others in the time `within` before it. The pause before a restart doubles
 * each time, and is as short as at first when a life lasted longer than
 * `within`.
 *
 * A passive record of its owner, who allocates it: it is told the time, and
 * allocates nothing.
 */
#ifndef HEPH_CORE_INTENSITY_H
#define HEPH_CORE_INTENSITY_H

#include <heph/actor.h>

struct heph_intensity {
	struct heph_restarts limits; /* all filled in */
	heph_time began;             /* of the life that the latest one began */
	heph_time pause;             /* before that */
	uint64_t seed;
	unsigned n;       /* restarts so far */
	heph_time when[]; /* of the last `times` of them, a ring */
};

/* What is wrong with limits, in words; NULL: nothing. */
const char *heph_restarts_wrong(const struct heph_restarts *limits);

/* Bytes of a record for these limits. */
size_t heph_intensity_size(const struct heph_restarts *limits);

/* Prepares a record of that size; the first life begins now. The random part
 * of pauses follows from the seed. */
void heph_intensity_init(struct heph_intensity *intensity,
			 const struct heph_restarts *limits, uint64_t seed,
			 heph_time now);

/* One more restart. Returns true and the pause before it, or false: that would
 * be too many. */
HEPH_MUST bool heph_intensity_add(struct heph_intensity *intensity,
				  heph_time now, heph_time *ret_pause);

/* How many restarts there could be at once, now. */
unsigned heph_intensity_left(const struct heph_intensity *intensity,
			     heph_time now);

#endif
