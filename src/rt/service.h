/* SPDX-License-Identifier: MIT */
/* service.h - what servers of connections and of packets share */
#ifndef HEPH_RT_SERVICE_H
#define HEPH_RT_SERVICE_H

#include <heph/types.h>

struct heph_watch;

/* The spawn struct of the actors, and the name that it points to; they are of
 * the worker that spawns them. NULL: no memory; heph_mem_free(). */
void *heph_service_copy(const void *spawn, size_t size);

/* Waits for the first of some servers; the list ends with NULL. A stop or a
 * deadline is passed on to all of them, and then the first is waited for as long
 * as it takes. Returns the error that it ended with; -ETIME. */
int heph_service_await(heph_ctx ctx, struct heph_watch *const *servers);

#endif
