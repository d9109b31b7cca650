/* SPDX-License-Identifier: MIT */
/*
 * swarm_storm.c - actors that crash again and again; see tests/stress/storm.h
 *
 * The same storm in a simulated world: what else runs on workers, threads and
 * wherever there is room runs here in every order. Nothing is refused.
 */
#include "../stress/storm.h"

#define SWARM_WORKERS(seed) (2 + (unsigned)((seed) % 3))
#include "swarm.h"

enum { LIVES = 8 };

static void storm_join(heph_ctx ctx, heph_ref ref)
{
	while (heph_join(ctx, ref, NULL) == -ENOMEM)
		;
}

static int world_main(heph_ctx ctx)
{
	struct storm *storms = heph_alloc(ctx, 2 * sizeof(*storms));
	act_ref refs[2];
	int err = 0;

	storm_simulated = true;
	for (int on = 0; err == 0 && on < 2; on++)
		err = storm_start(ctx, &storms[on], LIVES, on, &refs[on]);
	if (err < 0)
		return err;
	for (int on = 0; on < 2; on++) {
		storm_join(ctx, (heph_ref){ refs[on].addr });
		heph_stop(storms[on].answerer);
		heph_stop(storms[on].silent);
		storm_join(ctx, (heph_ref){ storms[on].answerer.addr });
		storm_join(ctx, (heph_ref){ storms[on].silent.addr });
	}
	return 0;
}
HEPH_ACTOR_MAIN(world, world_main);
