/* SPDX-License-Identifier: MIT */
/* sim.h - what a simulated run is to be like */
#ifndef HEPH_RT_SIM_H
#define HEPH_RT_SIM_H

#include <heph/sim.h>

/* Fills in the defaults and checks, for the world and for its runtime. Returns
 * 0; -EINVAL. */
int heph_sim_resolve(struct heph_sim_options *options,
		     const struct heph_sim_options *given, size_t size,
		     struct heph_config *ret_config);

/* The seed of the environment, or that one. */
uint64_t heph_sim_seed(uint64_t seed);

#endif
