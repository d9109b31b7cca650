/* SPDX-License-Identifier: MIT */
/*
 * swarm.h - one world, run with many seeds
 *
 *     swarm_NAME SEEDS [FIRST]            so many seeds, from FIRST (1) on
 *     swarm_NAME SEEDS [FIRST] DEFECT     the same with a world that does
 *                                         something wrong: must be found
 *
 * Each file has a world, an actor without an argument; each seed has faults of
 * its own. A seed that fails says so in one line, and HEPH_SIM_SEED=... in the
 * environment runs that one alone.
 */
#ifndef SWARM_H
#define SWARM_H

#include <heph/sim.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/sim.h"

#ifndef SWARM_WORKERS
#define SWARM_WORKERS(seed) (1 + (unsigned)((seed) % 4))
#endif

HEPH_ACTOR(world, void, void);

static const struct {
	const char *name;
	enum heph_sim_defect defect;
} swarm_defects[] = {
	{ "lost-wake", HEPH_SIM_LOST_WAKE },
	{ "double", HEPH_SIM_DOUBLE },
	{ "reorder", HEPH_SIM_REORDER },
};

/* Defects of what the world is made of, beside those of the simulated kernel. */
#ifndef SWARM_PLANT
#define SWARM_PLANT(name) false
#endif

static bool swarm_plants;

static void swarm_told(const char *text)
{
	fprintf(stderr, "%s%s\n", swarm_plants ? "found: " : "", text);
}

static struct heph_sim_result swarm_run(uint64_t seed)
{
	struct heph_sim_result result;
	struct heph_sim_options options = {
		.faults = heph_sim_faults(seed),
		.workers = SWARM_WORKERS(seed),
		.length = 3600 * HEPH_SEC,
		.fail = swarm_told,
		.result = &result,
	};
	int err = heph_sim_run(seed, &options, world);

	if (err < 0 && !result.failed) {
		fprintf(stderr, "the world ended with %d (HEPH_SIM_SEED=%llu)\n",
			err, (unsigned long long)seed);
		result.failed = true;
	}
	return result;
}

/* Each tenth seed is run twice. */
static bool swarm_same(uint64_t seed, const struct heph_sim_result *first)
{
	struct heph_sim_result again;

	if (seed % 10)
		return true;
	again = swarm_run(seed);
	if (again.hash == first->hash)
		return true;
	fprintf(stderr, "not the same twice (HEPH_SIM_SEED=%llu)\n",
		(unsigned long long)seed);
	return false;
}

static int swarm_all(uint64_t first, uint64_t n)
{
	uint64_t failed = 0, faults = 0, steps = 0;
	struct heph_sim_result result;
	heph_time length = 0;

	for (uint64_t seed = first; seed < first + n; seed++) {
		result = swarm_run(seed);
		failed += result.failed || !swarm_same(seed, &result);
		faults += result.faults;
		steps += result.steps;
		length += result.length;
	}
	printf("%llu seeds, %llu failed; %llu steps, %llu faults, %lld s\n",
	       (unsigned long long)n, (unsigned long long)failed,
	       (unsigned long long)steps, (unsigned long long)faults,
	       (long long)(length / HEPH_SEC));
	return failed != 0;
}

static int swarm_find(uint64_t first, uint64_t n, const char *name)
{
	size_t i = 0, kinds = sizeof(swarm_defects) / sizeof(*swarm_defects);

	while (i < kinds && strcmp(name, swarm_defects[i].name) != 0)
		i++;
	if (i < kinds)
		heph_sim_plant(swarm_defects[i].defect);
	else if (!SWARM_PLANT(name))
		return 2;
	swarm_plants = true;
	for (uint64_t seed = first; seed < first + n; seed++) {
		if (!swarm_run(seed).failed)
			continue;
		printf("%s found with seed %llu, the %lluth\n", name,
		       (unsigned long long)seed,
		       (unsigned long long)(seed - first + 1));
		return 0;
	}
	printf("%s was not found in %llu seeds\n", name, (unsigned long long)n);
	return 1;
}

int main(int argc, char **argv)
{
	uint64_t n = argc > 1 ? strtoull(argv[1], NULL, 10) : 100;
	uint64_t first = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
	const char *seed = getenv("HEPH_SIM_SEED");

	if (seed && *seed) {
		first = strtoull(seed, NULL, 10);
		n = 1;
	} else {
		setenv("HEPH_LOG", "off", 0);
	}
	return argc > 3 ? swarm_find(first, n, argv[3]) : swarm_all(first, n);
}

#endif
