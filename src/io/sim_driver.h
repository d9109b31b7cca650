/* SPDX-License-Identifier: MIT */
/*
 * sim_driver.h - the driver for the simulated kernel
 *
 * An operation that is begun is tried after a while. If it cannot be done it is
 * left with its file until something changes there, and tried again, in an order
 * and after a time that are drawn. What it did goes to the worker's queue, and to
 * the actor when the worker asks: in between nobody can take it back.
 */
#ifndef HEPH_IO_SIM_DRIVER_H
#define HEPH_IO_SIM_DRIVER_H

#include "io/driver.h"
#include "io/sim.h"

enum { HEPH_SIM_BUFFERS = 16, HEPH_SIM_BUFFER_SIZE = 4096 };

/* The driver's instance of a worker. */
struct heph_sim_worker {
	struct heph_sim *sim;
	struct heph_worker *worker;
	struct heph_list done; /* completions that the worker has not seen */
	unsigned char *buffers;
	uint32_t lent; /* a bit for each that is */
	void *runner;  /* of who runs the worker */
};

/* An operation in flight. */
struct heph_sim_op {
	struct heph_list all;  /* in sim->ops */
	struct heph_list node; /* in the waiters of a file, or in none */
	struct heph_sim_event try;
	struct heph_op *op;
	struct heph_sim_worker *on;
	bool begun;  /* it is not tried for the first time */
	bool ended;  /* all is done */
};

extern const struct heph_io heph_sim_io;

static inline struct heph_sim_worker *
heph_sim_worker_of(struct heph_worker *worker)
{
	return worker->driver;
}

/* Something has changed that operations of this list may wait for. */
void heph_sim_changed(struct heph_sim *sim, struct heph_list *waiters);

/* Nothing that is in flight will ever be done. */
void heph_sim_forget(struct heph_sim *sim);

#endif
