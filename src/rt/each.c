/* SPDX-License-Identifier: MIT */
/* heph_run_on_each(): an actor on each worker. */
#include <heph/runtime.h>

#include <string.h>

#include "base/mem.h"
#include "core/life.h"
#include "core/wait.h"
#include "core/watch.h"

static int spawn_on_each(heph_ctx ctx, const struct heph_actor *type, void *spawn,
			 struct heph_watch **watches)
{
	struct heph_options *options = spawn;
	int err = 0;

	for (unsigned n = 0; err == 0 && n < heph_workers(ctx); n++) {
		options->on = HEPH_WORKER((int)n);
		err = heph_spawn_joined(ctx, type, spawn, &watches[n]);
	}
	return err;
}

/* Stops those that still run, and leaves them to their end. */
static void give_up(struct heph_watch *const *watches)
{
	for (; *watches; watches++) {
		heph_raw_stop((*watches)->who);
		heph_watch_leave(*watches);
	}
}

/* Waits for all; if that ends early, so do they. */
static int join_each(heph_ctx ctx, struct heph_watch *const *watches)
{
	struct heph_exit exit;
	int err, result = 0;

	for (; *watches; watches++) {
		err = heph_watch_join(ctx, *watches, &exit);
		if (err < 0) {
			give_up(watches);
			return err;
		}
		if (exit.err < 0 && result == 0)
			result = exit.err;
	}
	return result;
}

static int run_on_each(heph_ctx ctx, const struct heph_actor *type, void *copy,
		       struct heph_watch **watches)
{
	int err = spawn_on_each(ctx, type, copy, watches);

	if (err == 0)
		return join_each(ctx, watches);
	give_up(watches);
	return err;
}

int heph_raw_run_on_each(heph_ctx ctx, const struct heph_actor *type,
			 const void *spawn, size_t size)
{
	size_t list_size = (heph_workers(ctx) / 2 + 1) * 2 *
			   sizeof(struct heph_watch *); /* aligned to 16 */
	int err = heph_wait_allowed(ctx);
	char *both;

	if (err < 0)
		return err;
	both = heph_mem_alloc(list_size + size);
	if (!both)
		return -ENOMEM;
	memcpy(both + list_size, spawn, size);
	err = run_on_each(ctx, type, both + list_size, (void *)both);
	heph_mem_free(both);
	return err;
}
