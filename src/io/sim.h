/* SPDX-License-Identifier: MIT */
/*
 * sim.h - a simulated world: its time, its chance, what will happen in it
 *
 * All that happens is an event at a time: the kernel tries to complete an
 * operation, a packet arrives, a worker has its turn. Who runs the world
 * (rt/sim.c) takes the events out in the order of their times, and, of those at
 * the same time, in an order drawn from the seed. Everything is on one thread.
 *
 * The parts of the kernel:
 *
 *     sim_driver.h   operations in flight, the driver
 *     sim_kinds.c    what each kind of operation does
 *     sim_file.h     descriptors, and what they stand for
 *     sim_socket.h   sockets; sim_link.h: connections
 *     sim_disk.h     files and directories
 *
 * The simulated kernel does not run out of memory: then the process ends.
 */
#ifndef HEPH_IO_SIM_H
#define HEPH_IO_SIM_H

#include <heph/sim.h>

#include "base/fmt.h"
#include "base/list.h"
#include "base/rand.h"
#include "core/self.h"
#include "core/heph.h"

struct heph_sim_file;

/* Something that will happen. Embedded. */
struct heph_sim_event {
	heph_time when;
	uint64_t order; /* among those of that time */
	unsigned place; /* in the heap, counted from 1; 0: not in it */
	void (*fn)(struct heph_sim *sim, struct heph_sim_event *event);
};

/* The number of a fault, by its name in struct heph_sim_faults. */
#define HEPH_SIM_KIND(name_)                                                   \
	(offsetof(struct heph_sim_faults, name_) / sizeof(double))
enum { HEPH_SIM_KINDS = sizeof(struct heph_sim_faults) / sizeof(double) };

/* Of tests of the tests: what the world does wrong on purpose. */
enum heph_sim_defect {
	HEPH_SIM_RIGHT,
	HEPH_SIM_LOST_WAKE,      /* a worker that sleeps is not woken */
	HEPH_SIM_DOUBLE,         /* an operation completes twice */
	HEPH_SIM_REORDER,        /* two pieces of a stream change places */
};

struct heph_sim {
	struct heph_sim_options options; /* all values filled in */
	uint64_t seed;
	enum heph_sim_defect defect;
	heph_time now;
	struct heph_rand rand;
	struct heph_sim_result result;

	struct heph_sim_event **heap;
	unsigned n_events, max_events;

	struct heph_sim_file **files; /* by number - HEPH_SIM_FIRST */
	unsigned n_files, open_files, max_files;
	struct heph_list sockets; /* that have a name; Unix datagram ones */
	struct heph_list links;
	struct heph_list packets; /* under way */
	struct heph_list cuts;  /* of the network */
	struct heph_list hosts; /* that have names */
	struct heph_list programs, children;
	unsigned n_children; /* ever */
	struct heph_sim_disk *disk; /* NULL: not used so far */
	struct heph_list ops;  /* in flight, and not given back */
	const struct heph_op *about; /* what is being done; NULL: no operation */
	uint64_t faults[HEPH_SIM_KINDS]; /* that happened, of each kind */

	/* by who runs it */
	void (*wake)(struct heph_sim *sim, struct heph_worker *worker);
	char failure[768];
	int err; /* of the failure */
};

/* Makes a world. NULL: no memory. Frees it, with what is open. */
struct heph_sim *heph_sim_new(uint64_t seed,
			      const struct heph_sim_options *options);
void heph_sim_free(struct heph_sim *sim);

/* The defect of worlds that are made from now on. */
void heph_sim_plant(enum heph_sim_defect defect);

/* Memory of the kernel, all zero; there is always some. */
void *heph_sim_memory(size_t size) __attribute__((malloc));

/* ---- events ---- */

/* It will happen then, and not when it was to happen before. */
void heph_sim_at(struct heph_sim *sim, struct heph_sim_event *event,
		 heph_time when);
void heph_sim_never(struct heph_sim *sim, struct heph_sim_event *event);

/* Lets the next one happen, not after `until`, and time pass to it. Whether
 * there was one. */
bool heph_sim_next(struct heph_sim *sim, heph_time until);

/* ---- chance ---- */

/* A number below `n`; from `a` to `b`. */
uint64_t heph_sim_below(struct heph_sim *sim, uint64_t n);
heph_time heph_sim_between(struct heph_sim *sim, heph_time a, heph_time b);

/* Whether the fault of that kind happens, HEPH_SIM_KIND(name): it is counted, and
 * told at debug with the operation that is being done, or, for the second one,
 * that waits for that file. */
bool heph_sim_fault(struct heph_sim *sim, unsigned kind);
bool heph_sim_fault_of(struct heph_sim *sim, const struct heph_sim_file *file,
		       unsigned kind);

/* Appends ", faults: mute 1, late 3": those that happened, or nothing. */
void heph_sim_faults_print(const struct heph_sim *sim, struct heph_fmt *fmt);

/* How much of `size` bytes is done: less than it could be, at times. */
size_t heph_sim_shorten(struct heph_sim *sim, size_t size);

/* Enters something that happened into the hash of the run. */
void heph_sim_trace(struct heph_sim *sim, uint64_t what, uint64_t a, uint64_t b);

enum heph_sim_trace {
	HEPH_SIM_TURN = 1,
	HEPH_SIM_COMPLETED,
	HEPH_SIM_NOW,
	HEPH_SIM_ARRIVED,
	HEPH_SIM_CLOSED,
};

/* The run has failed; only the first time counts. */
void heph_sim_failed(struct heph_sim *sim, int err, const char *text);

#endif
