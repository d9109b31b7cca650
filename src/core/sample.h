/* SPDX-License-Identifier: MIT */
/*
 * sample.h - how long actors run and wait for their turn, measured now and then
 *
 * In one of so many turns the last actor in the queue gets a flag. A flag that
 * the switch tests anyway has it run by the loop, which looks at the clock
 * before and after. So a switch costs nothing for it.
 */
#ifndef HEPH_CORE_SAMPLE_H
#define HEPH_CORE_SAMPLE_H

#include <heph/metrics.h>

#include "core/worker.h"

/* Written by the worker, read by anybody: relaxed. */
struct heph_tally {
	_Atomic uint64_t count, sum, max;
	_Atomic uint64_t buckets[HEPH_BUCKETS];
};

/* Of the actors of one type on one worker; made when one is measured first. */
struct heph_samples {
	struct heph_tally run, wait, inbox;
};

/* A turn begins in which one is to be measured. */
__attribute__((cold)) void heph_sample_begin(struct heph_worker *worker);

/* Runs the actor that was chosen. */
__attribute__((cold)) void heph_sample_run(struct heph_worker *worker,
					   struct heph_self *self);

void heph_samples_free(struct heph_worker *worker);

/* Adds to what is there. Any thread. */
void heph_tally_add_to(struct heph_histogram *histogram,
		       struct heph_tally *tally);

#endif
