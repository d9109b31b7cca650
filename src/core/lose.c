/* SPDX-License-Identifier: MIT */
/*
 * The pattern repeats after a hundred messages, so any hundred in a row hold
 * the same number of lost ones. It is the numbers 0 to 99 in an order made of
 * the seed; those below `percent` are lost.
 */
#include "core/lose.h"

#include <heph/test.h>

#include <pthread.h>

#include "base/rand.h"
#include "core/heph.h"

enum { ROUND = 100 };

_Atomic unsigned heph_lose_percent;

/* Guards all below, and who writes heph_lose_percent and `near`. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static uint8_t pattern[ROUND];
static unsigned at;
static uint64_t lost;

static void shuffle(uint64_t seed)
{
	struct heph_rand rand;
	unsigned other;

	heph_rand_seed(&rand, seed);
	for (unsigned n = 0; n < ROUND; n++) {
		other = (unsigned)heph_rand_below(&rand, n + 1);
		pattern[n] = pattern[other];
		pattern[other] = (uint8_t)n;
	}
}

static void set_near(struct heph_thread *thread)
{
	bool near = thread->is_worker && !atomic_load(&heph_lose_percent);

	atomic_store_explicit(&thread->near,
			      near ? thread->node : HEPH_NOT_NEAR,
			      memory_order_relaxed);
}

void heph_lose_init_thread(struct heph_thread *thread)
{
	pthread_mutex_lock(&lock);
	set_near(thread);
	pthread_mutex_unlock(&lock);
}

static void set_near_of_all(struct heph *heph)
{
	struct heph_thread *thread;

	for (unsigned n = 0; n < HEPH_THREADS_MAX; n++) {
		thread = heph_thread_of(heph, n);
		if (thread)
			set_near(thread);
	}
}

int heph_test_lose(unsigned percent, uint64_t seed)
{
	struct heph *heph;
	bool inside;

	if (percent > ROUND)
		return -EINVAL;
	pthread_mutex_lock(&lock);
	shuffle(seed);
	at = 0;
	lost = 0;
	atomic_store(&heph_lose_percent, percent);
	for (uint16_t node = 0; node < HEPH_RUNTIMES_MAX; node++) {
		heph = heph_enter(node, &inside);
		if (!heph)
			continue;
		set_near_of_all(heph);
		heph_leave(node, inside);
	}
	pthread_mutex_unlock(&lock);
	return 0;
}

uint64_t heph_test_lost(void)
{
	uint64_t n;

	pthread_mutex_lock(&lock);
	n = lost;
	pthread_mutex_unlock(&lock);
	return n;
}

bool heph_lose_draw(void)
{
	bool is_lost;

	pthread_mutex_lock(&lock);
	is_lost = pattern[at] < atomic_load(&heph_lose_percent);
	at = (at + 1) % ROUND;
	lost += is_lost;
	pthread_mutex_unlock(&lock);
	return is_lost;
}
