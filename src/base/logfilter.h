/* SPDX-License-Identifier: MIT */
/*
 * logfilter.h - which lines are written: by target and level, and how many
 *
 * Each place that logs keeps what the filter says about it, with the number of
 * the filter. Setting a filter gives it the next number.
 *
 * Thread     Any. Setting and looking up take a lock for a moment.
 */
#ifndef HEPH_BASE_LOGFILTER_H
#define HEPH_BASE_LOGFILTER_H

#include "base/fmt.h"
#include "base/log.h"

/* heph_log_limit as long as nobody has set a filter: everything goes on to where
 * the environment is read. */
enum { HEPH_LOG_UNSET = INT32_MAX };

/* 1,000 lines a second and place. */
enum { HEPH_LOG_RATE_DEFAULT = 1000 };

/* Writes the target of a place, cut if it is too long. */
void heph_logfilter_target(const struct heph_log_site *site,
			   char ret_target[HEPH_LOG_TARGET_MAX]);

/* Sets the filter, unless `first` and there is one. Returns as
 * heph_log_set_filter() does, NULL is -EINVAL. */
int heph_logfilter_set(const char *filter, bool first);

/* The level of a target, NULL: of those without a name; and the filter as a
 * text. */
int heph_logfilter_level(const char *target);
void heph_logfilter_print(struct heph_fmt *fmt);

/* The level of a place, looked up if the filter is new. */
int heph_logfilter_limit(struct heph_log_site *site);

/* 0: no limit. */
void heph_logfilter_set_rate(unsigned lines);

/*
 * Whether a place may write one more line in this second. Then `ret_suppressed`
 * is how many it could not since it was asked last; they count as told until they
 * are given back. Else this one is counted.
 */
bool heph_logfilter_pass(struct heph_log_site *site, uint64_t second,
			 uint64_t *ret_suppressed);
void heph_logfilter_untell(struct heph_log_site *site, uint64_t suppressed);

/* Takes those of all places that were not told. */
uint64_t heph_logfilter_take_untold(void);

/* How many there were in all. */
uint64_t heph_logfilter_suppressed(void);

/* In the child after fork: the lock may be held by a thread that is not there. */
void heph_logfilter_after_fork(void);

/* "error", "warn", "info", "debug", "off". */
const char *heph_log_level_name(int level);

#endif
