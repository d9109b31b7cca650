/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "rt/cpus.h"
#include "rt/option.h"
#include "rt/runtime.h"

#define GRACE_MAX (HEPH_NEVER / 4) /* 73 years: it is added to the time */

static int refuse(const struct heph_option *option)
{
	heph_log_error("heph_new: a value is out of range",
		       HEPH_KV_STR("key", option->key),
		       HEPH_KV_STR("range", option->allowed));
	return -EINVAL;
}

/* As many as there are cores, of which a group of processes may not have all. */
static unsigned default_workers(void)
{
	int cpus[HEPH_WORKERS_MAX];
	unsigned n = heph_cpus_allowed(cpus, HEPH_WORKERS_MAX);
	unsigned quota = heph_cpus_quota("");

	if (quota && quota < n)
		n = quota;
	return n ? n : 1;
}

/* A program that is older than the library has a shorter struct. */
int heph_config_resolve(struct heph_config *config,
			const struct heph_config *given, size_t size)
{
	const struct heph_option *option;

	*config = (struct heph_config){ 0 };
	if (given)
		memcpy(config, given,
		       size < sizeof(*config) ? size : sizeof(*config));
	for (size_t i = 0; i < heph_n_options; i++) {
		option = &heph_options[i];
		if (!heph_option_fits(option, heph_option_get(option, config)))
			return refuse(option);
		if (option->usual && !heph_option_get(option, config))
			heph_option_set(option, config, option->usual);
	}
	if (!config->name)
		config->name = program_invocation_short_name;
	if (!config->workers)
		config->workers = default_workers();
	if (config->grace > GRACE_MAX)
		config->grace = GRACE_MAX;
	return 0;
}
