/* SPDX-License-Identifier: MIT */
/*
 * delay.h - messages that are sent later
 *
 * A record with the message and a timer, on the worker of who made it and in the
 * list of what that one owns. A table of the worker finds it again by the place
 * and the number that its maker was told; numbers are not used again.
 */
#ifndef HEPH_CORE_DELAY_H
#define HEPH_CORE_DELAY_H

#include <heph/timers.h>

#include <stdint.h>

struct heph_delayed;
struct heph_worker;

struct heph_delays {
	struct heph_delay_place *table; /* NULL: there never was one */
	uint32_t n, max, free;          /* the first free one; 0: none */
	uint64_t number;                /* of the latest one */
};

/* When no record is left. */
void heph_delays_fini(struct heph_delays *delays);

/* The time of one has come. By the worker, between two actors. */
void heph_delay_expire(struct heph_worker *worker, struct heph_timer *timer);

/* For who does without the wheel, which rounds: when the first one is to be
 * sent, HEPH_NEVER; and sends those whose time has come at worker->now. */
heph_time heph_delays_next(const struct heph_worker *worker);
void heph_delays_run(struct heph_worker *worker);

#endif
