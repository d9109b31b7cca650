/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "core/sched.h"
#include "core/slot.h"
#include "io/buffers.h"
#include "rt/runtime.h"

enum {
	ACTORS_DEFAULT = 1 << 24,
	ACTORS_MAX = 1 << 30,
	POLL_RATIO_DEFAULT = 64,
	POLL_RATIO_MAX = 1 << 20,
	BUFFERS_MIN = 1 << 16,
	BUFFERS_MAX = 1 << 30,
};

#define STALL_DEFAULT HEPH_SEC
#define GRACE_DEFAULT (10 * HEPH_SEC)
#define GRACE_MAX (HEPH_NEVER / 4) /* 73 years: it is added to the time */

unsigned heph_config_cpus(int *ret_cpus, unsigned max)
{
	cpu_set_t *set = CPU_ALLOC(CPU_SETSIZE * 8);
	size_t size = CPU_ALLOC_SIZE(CPU_SETSIZE * 8);
	unsigned n = 0;

	if (set && sched_getaffinity(0, size, set) == 0)
		for (int cpu = 0; cpu < CPU_SETSIZE * 8 && n < max; cpu++)
			if (CPU_ISSET_S(cpu, size, set))
				ret_cpus[n++] = cpu;
	if (set)
		CPU_FREE(set);
	return n;
}

static int refuse(const char *key, const char *range)
{
	heph_log_error("heph_new: a value is out of range",
		       HEPH_KV_STR("key", key), HEPH_KV_STR("range", range));
	return -EINVAL;
}

static unsigned default_workers(void)
{
	int cpus[HEPH_WORKERS_MAX];
	unsigned n = heph_config_cpus(cpus, HEPH_WORKERS_MAX);

	return n ? n : 1;
}

int heph_config_resolve(struct heph_config *config,
			const struct heph_config *given, size_t size)
{
	*config = (struct heph_config){ 0 };
	if (given)
		memcpy(config, given,
		       size < sizeof(*config) ? size : sizeof(*config));
	if (config->workers > HEPH_WORKERS_MAX)
		return refuse("workers", "0 to 512");
	if (config->grace < 0)
		return refuse("grace", "0 or more");
	if (config->actors > ACTORS_MAX)
		return refuse("actors", "0 to 1073741824");
	if (config->poll_ratio > POLL_RATIO_MAX)
		return refuse("poll_ratio", "0 to 1048576");
	if (!config->name)
		config->name = program_invocation_short_name;
	if (!config->workers)
		config->workers = default_workers();
	if (!config->grace)
		config->grace = GRACE_DEFAULT;
	if (!config->actors)
		config->actors = ACTORS_DEFAULT;
	if (config->grace > GRACE_MAX)
		config->grace = GRACE_MAX;
	if (config->slots > HEPH_SLOTS_MAX)
		return refuse("slots", "0 to 65536");
	if (config->buffers &&
	    (config->buffers < BUFFERS_MIN || config->buffers > BUFFERS_MAX))
		return refuse("buffers", "0, or 65536 to 1073741824");
	if (!config->buffers)
		config->buffers = HEPH_BUFFERS_BUDGET;
	if (config->max_run < 0)
		return refuse("max_run", "0 or more");
	if (!config->max_run)
		config->max_run = HEPH_MAX_RUN_DEFAULT;
	if (config->stall < 0)
		return refuse("stall", "0 or more");
	if (config->run_limit < 0)
		return refuse("run_limit", "0 or more");
	if (!config->stall)
		config->stall = STALL_DEFAULT;
	if (!config->run_limit)
		config->run_limit = HEPH_NEVER;
	if (!config->poll_ratio)
		config->poll_ratio = POLL_RATIO_DEFAULT;
	return 0;
}
