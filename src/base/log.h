/* SPDX-License-Identifier: MIT */
/*
 * log.h - the log as the library uses it: <heph/log.h>, and what is not public
 *
 * Lines of the library are of targets "heph.FILE".
 */
#ifndef HEPH_BASE_LOG_H
#define HEPH_BASE_LOG_H

#ifndef HEPH_LOG_TARGET
#define HEPH_LOG_TARGET "heph."
#endif

#include <heph/log.h>

/* Set by an upper layer before any thread starts, or NULL: the name of the
 * actor that runs on this thread, and its id; or NULL. It is copied at once. */
extern const char *(*heph_log_who)(uint64_t *ret_id);

/*
 * For the handler of a fault, after its report: a line that says so, if lines go
 * to the journal, where the report has not gone, and then what is in the ring.
 * Async-signal-safe, unless a function takes the lines.
 */
void heph_log_fault(const char *signal);

#endif
