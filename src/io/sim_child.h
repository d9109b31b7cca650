/* SPDX-License-Identifier: MIT */
/* sim_child.h - child processes of a simulated world */
#ifndef HEPH_IO_SIM_CHILD_H
#define HEPH_IO_SIM_CHILD_H

#include "io/op.h"
#include "io/sim.h"

int heph_sim_do_spawn(struct heph_sim *sim, struct heph_op *op);
int heph_sim_do_wait(struct heph_sim *sim, struct heph_op *op);
int heph_sim_do_kill(struct heph_sim *sim, struct heph_op *op);

/* All that run are killed. */
void heph_sim_children_end(struct heph_sim *sim);

/* Programs, and children that still run, are gone. */
void heph_sim_children_fini(struct heph_sim *sim);

#endif
