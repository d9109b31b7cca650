/* SPDX-License-Identifier: MIT */
/* sim_pipe.h - pipes of the simulated kernel */
#ifndef HEPH_IO_SIM_PIPE_H
#define HEPH_IO_SIM_PIPE_H

#include "io/op.h"
#include "io/sim.h"

enum { HEPH_SIM_PIPE_ROOM = 65536 }; /* bytes */

/* `buf`: two numbers. Returns 0; -EMFILE. */
int heph_sim_do_pipe(struct heph_sim *sim, struct heph_op *op);

#endif
