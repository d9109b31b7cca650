/* SPDX-License-Identifier: MIT */
#include "core/spin.h"

/* What the budget for what comes from outside is of that for workers: 20 us of
 * the usual 50. */
#define OUTSIDE(budget_) ((budget_)*2 / 5)

/* What the kernel has done already when it is called does not count. */
#define NO_SLEEP (3 * HEPH_USEC)

/* A sleep is short up to so many spins. After so many short ones in a row it
 * spins, and after so many spins in vain it stops, and tries the next time after
 * twice as many. */
enum { TIMES = 4, TRY_MIN = 4, TRY_MAX = 1024, VAIN = 3 };

void heph_spin_paid(struct heph_spin *spin)
{
	spin->vain = 0;
	spin->wanted = TRY_MIN;
}

static void stop(struct heph_spin *spin)
{
	spin->length = 0;
	spin->vain = 0;
	spin->short_ones = 0;
	spin->wanted = spin->wanted ? spin->wanted * 2 : 2 * TRY_MIN;
	if (spin->wanted > TRY_MAX)
		spin->wanted = TRY_MAX;
}

void heph_spin_slept(struct heph_spin *spin, heph_time slept,
		     enum heph_spin_end end)
{
	heph_time budget = spin->budget ? spin->budget : HEPH_SPIN_USUAL;
	heph_time length = end == HEPH_SPIN_WOKEN ? budget : OUTSIDE(budget);

	if (budget < 0 || (end == HEPH_SPIN_OUTSIDE && slept < NO_SLEEP))
		return;
	bool near = end != HEPH_SPIN_TIME && slept <= TIMES * length;

	if (spin->length && (!near || ++spin->vain >= VAIN))
		stop(spin);
	if (!near) {
		spin->short_ones = 0;
		return;
	}
	spin->short_ones++;
	if (spin->length ||
	    spin->short_ones >= (spin->wanted ? spin->wanted : TRY_MIN))
		spin->length = length;
}
