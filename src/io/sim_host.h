/* SPDX-License-Identifier: MIT */
/* sim_host.h - the names of hosts in a simulated world */
#ifndef HEPH_IO_SIM_HOST_H
#define HEPH_IO_SIM_HOST_H

#include "io/op.h"
#include "io/sim.h"

void heph_sim_hosts_fini(struct heph_sim *sim);

int heph_sim_do_resolve(struct heph_sim *sim, struct heph_op *op);

#endif
