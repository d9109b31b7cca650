/* SPDX-License-Identifier: MIT */
/* sim_kinds.h - what the simulated kernel does for each kind of operation */
#ifndef HEPH_IO_SIM_KINDS_H
#define HEPH_IO_SIM_KINDS_H

#include "io/op.h"
#include "io/sim.h"

/* Tries to do an operation. Returns its result; -EAGAIN: it has to wait for a
 * change of `*ret_waiters`, which is a list of struct heph_sim_op. What it does
 * not know is -EOPNOTSUPP, and logged by name. */
int heph_sim_attempt(struct heph_sim *sim, struct heph_op *op,
		     struct heph_list **ret_waiters);

/* ---- kinds: sim_message.c; others are where what they are about is ---- */

int heph_sim_do_readv(struct heph_sim *sim, struct heph_op *op);
int heph_sim_do_writev(struct heph_sim *sim, struct heph_op *op);

#endif
