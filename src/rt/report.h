/* SPDX-License-Identifier: MIT */
/* report.h - what the runtime writes when a signal asks for it */
#ifndef HEPH_RT_REPORT_H
#define HEPH_RT_REPORT_H

#include <stdbool.h>

struct heph_runtime;

/* Whether it is one of those signals: SIGQUIT, SIGUSR2. */
bool heph_report_is(int signal);

/* Writes to standard error, on a thread of its own: workers may be stuck, and
 * nobody may read. Does nothing while it still writes. By the coordinator. */
void heph_report(struct heph_runtime *runtime, int signal);

/* Waits until nothing is written any more. */
void heph_report_end(struct heph_runtime *runtime);

#endif
