/* SPDX-License-Identifier: MIT */
/*
 * settings.h - the options of a server, with the defaults filled in
 *
 * Made once for each server, read by the connections of all workers, and freed
 * when all of them have ended.
 */
#ifndef HEPH_HTTP_SETTINGS_H
#define HEPH_HTTP_SETTINGS_H

#include <heph/http/server.h>

#include <stdatomic.h>

#include "http/home.h"

struct heph_http_settings {
	struct heph_http_options options;
	struct heph_str server;   /* the line "Server: name", or nothing */
	struct heph_str app_type; /* of `options.app` */
	atomic_bool ending;       /* no more requests are wanted */
	struct heph_http_router *router; /* of a handler with something around it */
	unsigned n_homes;
	struct heph_http_home homes[]; /* of each worker */
};

/* Copies what a caller has of them, who may know fewer; NULL: none. Returns 0;
 * -EINVAL (it is logged). */
int heph_http_options_copy(struct heph_http_options *to,
			   const struct heph_http_options *given);

/* Copies options; NULL: the defaults. `n_homes` homes come with them. Returns 0;
 * -EINVAL (it is logged which); -ENOMEM. */
int heph_http_settings_new(const struct heph_http_options *options,
			   unsigned n_homes,
			   struct heph_http_settings **ret_settings);
void heph_http_settings_free(struct heph_http_settings *settings);

/* ---- counting ------------------------------------------------------------- */

static inline void heph_http_count_by(uint64_t *counter, uint64_t n)
{
	__atomic_fetch_add(counter, n, __ATOMIC_RELAXED);
}

/* HEPH_HTTP_COUNT(settings, requests, 1), if anybody wants to know. */
#define HEPH_HTTP_COUNT(settings_, what_, n_)                                  \
	((settings_)->options.stats ?                                          \
		 heph_http_count_by(&(settings_)->options.stats->what_,        \
				    (uint64_t)(n_)) :                          \
		 (void)0)

#endif
