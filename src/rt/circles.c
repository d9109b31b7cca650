/* SPDX-License-Identifier: MIT */
#include "rt/circles.h"

#include <heph/time.h>

#include "base/log.h"
#include "core/stats.h"
#include "rt/inspect.h"
#include "rt/runtime.h"

/* A look at so many takes a millisecond or two. */
enum { ACTORS_MAX = 4096 };

#define PAUSE_MIN HEPH_SEC
#define PAUSE_MAX (64 * HEPH_SEC)
#define PATIENCE (100 * HEPH_MSEC)

static bool is_told(struct heph_circles *circles, uint64_t which)
{
	const unsigned max = sizeof(circles->told) / sizeof(*circles->told);

	for (unsigned n = 0; n < max && n < circles->n_told; n++)
		if (circles->told[n] == which)
			return true;
	circles->told[circles->n_told++ % max] = which;
	return false;
}

/* The waits that it consists of, in any order. */
static uint64_t number_of(const struct heph_cycle *cycle)
{
	uint64_t number = 0;

	for (unsigned n = 0; n < cycle->n && n < HEPH_CYCLE_MAX; n++)
		number += cycle->actors[n].ref.addr.id *
			  (2 * cycle->actors[n].wait_number + 1);
	return number;
}

static bool tell(void *arg, const struct heph_cycle *cycle)
{
	if (!cycle->ends && !is_told(arg, number_of(cycle)))
		heph_log_warn("actors wait in a circle, for ever",
			      HEPH_KV_STR("who", cycle->text),
			      HEPH_KV_STR("do", "give one of the waits a "
						"deadline, heph_within(), or "
						"answer later"),
			      HEPH_KV_STR("guide", "errors-you-will-meet"));
	return true;
}

/* Rises whenever an actor has run; to be asked is not to run. */
static uint64_t happened_in(struct heph *heph)
{
	struct heph_thread *thread = NULL;
	uint64_t runs = 0;

	while ((thread = heph_threads_next(heph, thread)))
		runs += atomic_load_explicit(&thread->count.runs,
					     memory_order_relaxed);
	return runs;
}

void heph_circles_look(struct heph_runtime *runtime)
{
	struct heph_circles *circles = &runtime->circles;
	struct heph_stats stats = heph_stats_of(&runtime->heph);
	uint64_t happened = happened_in(&runtime->heph);
	struct heph_asker asker = heph_asker_outside(&runtime->heph, false);
	heph_time now = heph_now();
	unsigned told;
	bool is_news, awake = false;
	int n;

	circles->again = HEPH_NEVER;
	if (happened == circles->happened ||
	    stats.spawned - stats.ended > ACTORS_MAX)
		return;
	if (now < circles->next) {
		circles->again = circles->next;
		return;
	}
	asker.patience = PATIENCE;
	asker.until = now + PATIENCE;
	asker.awake = &awake;
	told = circles->n_told;
	n = heph_cycles_find(&asker, tell, circles);
	is_news = circles->n_told != told;
	circles->pause = is_news || !circles->pause ? PAUSE_MIN :
						      2 * circles->pause;
	if (circles->pause > PAUSE_MAX)
		circles->pause = PAUSE_MAX;
	circles->next = now + circles->pause;
	/* Who has not answered, was awake, or has run since it was asked, may wait for
	 * somebody by now. */
	if (n < 0 || awake || happened_in(&runtime->heph) != happened)
		circles->again = circles->next;
	else
		circles->happened = happened;
}
