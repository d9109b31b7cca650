/* SPDX-License-Identifier: MIT */
/* The options of a simulated run: defaults, limits, and what the environment says. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "rt/runtime.h"
#include "rt/sim.h"

enum {
	WORKERS_DEFAULT = 2,
	ACTORS_DEFAULT = 100000,
	DESCRIPTORS_DEFAULT = 10000,
	DESCRIPTORS_MAX = 1 << 20,
	BANDWIDTH_DEFAULT = 100000000,
	DISK_DEFAULT = 1 << 30,
	STEPS_DEFAULT = 100000000,
};

#define LATENCY_MIN (50 * HEPH_USEC)
#define LATENCY_MAX (2 * HEPH_MSEC)
#define PATIENCE_DEFAULT (30 * HEPH_SEC)
#define LENGTH_DEFAULT (30 * 24 * 3600 * HEPH_SEC)
#define TIME_MAX (HEPH_NEVER / 4)

uint64_t heph_sim_seed(uint64_t seed)
{
	const char *text = getenv("HEPH_SIM_SEED");

	return text && *text ? strtoull(text, NULL, 10) : seed;
}

static int refuse(const char *key, const char *range)
{
	heph_log_error("heph_sim_run: a value is out of range",
		       HEPH_KV_STR("key", key), HEPH_KV_STR("range", range));
	return -EINVAL;
}

/* All of the struct are doubles. */
static bool faults_fit(const struct heph_sim_faults *faults)
{
	double likely;

	for (size_t at = 0; at < sizeof(*faults); at += sizeof(likely)) {
		memcpy(&likely, (const char *)faults + at, sizeof(likely));
		if (!(likely >= 0 && likely <= 1))
			return false;
	}
	return true;
}

static bool time_fits(heph_time time)
{
	return time >= 0 && time <= TIME_MAX;
}

static int check(const struct heph_sim_options *options)
{
	if (!faults_fit(&options->faults))
		return refuse("faults", "0 to 1");
	if (options->descriptors > DESCRIPTORS_MAX)
		return refuse("descriptors", "0 to 1048576");
	if (!time_fits(options->latency_min) || !time_fits(options->latency_max))
		return refuse("latency", "0 to 73 years");
	if (!time_fits(options->patience))
		return refuse("patience", "0 to 73 years");
	if (!time_fits(options->length))
		return refuse("length", "0 to 73 years");
	return 0;
}

static void fill_in(struct heph_sim_options *options)
{
	if (!options->workers)
		options->workers = WORKERS_DEFAULT;
	if (!options->actors)
		options->actors = ACTORS_DEFAULT;
	if (!options->descriptors)
		options->descriptors = DESCRIPTORS_DEFAULT;
	if (!options->latency_min)
		options->latency_min = LATENCY_MIN;
	if (!options->latency_max)
		options->latency_max = LATENCY_MAX;
	if (!options->bandwidth)
		options->bandwidth = BANDWIDTH_DEFAULT;
	if (!options->patience)
		options->patience = PATIENCE_DEFAULT;
	if (!options->disk)
		options->disk = DISK_DEFAULT;
	if (!options->length)
		options->length = LENGTH_DEFAULT;
	if (!options->steps)
		options->steps = STEPS_DEFAULT;
}

int heph_sim_resolve(struct heph_sim_options *options,
		     const struct heph_sim_options *given, size_t size,
		     struct heph_config *ret_config)
{
	struct heph_config config = { .name = "sim" };
	int err;

	*options = (struct heph_sim_options){ 0 };
	if (given)
		memcpy(options, given,
		       size < sizeof(*options) ? size : sizeof(*options));
	err = check(options);
	if (err < 0)
		return err;
	fill_in(options);
	config.workers = options->workers;
	config.actors = options->actors;
	config.grace = options->grace;
	return heph_config_resolve(ret_config, &config, sizeof(config));
}
