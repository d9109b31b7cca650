/* SPDX-License-Identifier: MIT */
/*
 * Setting up a ring, with what the kernel at hand can do and the configuration
 * allows (features.h), and giving it back.
 */
#include "io/uring.h"

#include <stdatomic.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "coro/san.h"

enum {
	SUBMISSIONS = 256,
	COMPLETIONS = 4096, /* what is more the kernel keeps, at a cost */
	BUFFERS_GROUP = 1,
	STREAMS_GROUP = 2,
};

/* From the best that the kernel may have to what all have. */
static const struct setup {
	unsigned flags;
	uint32_t features;
} setups[] = {
	{ IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN |
		  IORING_SETUP_TASKRUN_FLAG | IORING_SETUP_SUBMIT_ALL,
	  1 << HEPH_FEATURE_DEFER_TASKRUN | 1 << HEPH_FEATURE_SUBMIT_ALL },
	{ IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG |
		  IORING_SETUP_SUBMIT_ALL,
	  1 << HEPH_FEATURE_COOP_TASKRUN | 1 << HEPH_FEATURE_SUBMIT_ALL },
	{ IORING_SETUP_SUBMIT_ALL, 1 << HEPH_FEATURE_SUBMIT_ALL },
	{ 0, 0 },
};

/* liburing maps and unmaps rings by itself: a key for TSan. */
static char rings;

/* On valgrind poll(2) must tell, see sleep_on_valgrind() in uring.c. */
static bool may(const struct heph_uring *uring, const struct setup *setup)
{
	return (setup->features & ~uring->features.allowed) == 0 &&
	       !((setup->flags & IORING_SETUP_TASKRUN_FLAG) &&
		 heph_san_on_valgrind());
}

static unsigned submissions = SUBMISSIONS, completions = COMPLETIONS;

void heph_uring_queues(unsigned n, unsigned m)
{
	submissions = n ? n : SUBMISSIONS;
	completions = m ? m : COMPLETIONS;
}

static int make_ring(struct heph_uring *uring)
{
	size_t n = sizeof(setups) / sizeof(*setups);
	int err = -EINVAL;

	for (size_t i = 0; err == -EINVAL && i < n; i++) {
		struct io_uring_params params = { .flags = setups[i].flags |
							   IORING_SETUP_CQSIZE |
							   IORING_SETUP_CLAMP,
						  .cq_entries = completions };

		if (!may(uring, &setups[i]))
			continue;
		uring->features.used = setups[i].features;
		err = io_uring_queue_init_params(submissions, &uring->ring,
						 &params);
	}
	heph_san_acquire(&rings);
	return err;
}

/* Uses a feature that came with an opcode. */
static void use_with(struct heph_features *features, enum heph_feature feature,
		     int opcode)
{
	if (heph_features_allow(features, feature) &&
	    heph_features_opcode(features, opcode))
		heph_features_use(features, feature);
}

/* Half of the budget for each, if the kernel has both. */
static int lend_buffers(struct heph_uring *uring, size_t budget)
{
	struct heph_features *features = &uring->features;
	int err = -EINVAL;

	if (!heph_features_allow(features, HEPH_FEATURE_BUFFER_RING))
		return 0;
	if (heph_features_allow(features, HEPH_FEATURE_INCREMENTAL))
		err = heph_buffers_init(&uring->streams, &uring->ring,
					STREAMS_GROUP, budget / 2, true);
	if (err == 0) {
		heph_features_use(features, HEPH_FEATURE_INCREMENTAL);
		budget /= 2;
	}
	if (err == 0 || err == -EINVAL)
		err = heph_buffers_init(&uring->buffers, &uring->ring,
					BUFFERS_GROUP, budget, false);
	if (err == 0)
		heph_features_use(features, HEPH_FEATURE_BUFFER_RING);
	return err == -EINVAL ? 0 : err;
}

/* What there may be beyond the ring itself. */
static int use_features(struct heph_uring *uring, size_t budget)
{
	struct heph_features *features = &uring->features;
	int err = heph_features_probe(features, &uring->ring);

	if (err < 0)
		return err;
	use_with(features, HEPH_FEATURE_MSG_RING, IORING_OP_MSG_RING);
	use_with(features, HEPH_FEATURE_MULTISHOT_ACCEPT, IORING_OP_SOCKET);
	use_with(features, HEPH_FEATURE_POLL_FIRST, IORING_OP_SOCKET);
	if (heph_features_allow(features, HEPH_FEATURE_REGISTERED_RING) &&
	    io_uring_register_ring_fd(&uring->ring) == 1)
		heph_features_use(features, HEPH_FEATURE_REGISTERED_RING);
	if (heph_features_allow(features, HEPH_FEATURE_PIPES) &&
	    heph_features_try_pipe() == 0)
		heph_features_use(features, HEPH_FEATURE_PIPES);
	uring->worker->pipes_by_call =
		!heph_features_have(features, HEPH_FEATURE_PIPES);
	return lend_buffers(uring, budget);
}

static void return_buffers(struct heph_uring *uring)
{
	heph_buffers_fini(&uring->buffers, &uring->ring);
	heph_buffers_fini(&uring->streams, &uring->ring);
}

/* All rings of a process have the same. */
static void tell_features(const struct heph_uring *uring)
{
	static _Atomic bool told;
	char text[256];

	if (atomic_exchange(&told, true))
		return;
	heph_features_text(&uring->features, text, sizeof(text));
	heph_log_debug("io_uring", HEPH_KV_STR("features", text));
}

int heph_uring_start(struct heph_worker *worker)
{
	struct heph_uring *uring = heph_mem_alloc(sizeof(*uring));
	int err = -ENOMEM;

	if (!uring)
		return -ENOMEM;
	uring->worker = worker;
	uring->told = -1;
	uring->event = eventfd(0, EFD_CLOEXEC);
	if (uring->event < 0) {
		err = -errno;
		goto fail_event;
	}
	err = heph_features_init(&uring->features);
	if (err == 0) {
		err = make_ring(uring);
		worker->no_ring = err < 0;
	}
	if (err < 0)
		goto fail_ring;
	io_uring_ring_dontfork(&uring->ring);
	err = use_features(uring, worker->thread.heph->config.buffers);
	if (err < 0) {
		worker->no_ring = uring->streams.refused ||
				  uring->buffers.refused;
		goto fail_buffers;
	}
	tell_features(uring);
	heph_uring_await_event(uring);
	worker->driver = uring;
	return 0;

fail_buffers:
	return_buffers(uring);
	heph_san_release(&rings);
	io_uring_queue_exit(&uring->ring);
fail_ring:
	close(uring->event);
fail_event:
	heph_mem_free(uring);
	heph_log_warn("io_uring cannot be set up", HEPH_KV_ERR("err", err));
	return err;
}

/* What completes is still on the worker's account. */
void heph_uring_stop(struct heph_worker *worker)
{
	struct heph_uring *uring = heph_uring_of(worker);
	struct heph_thread *mine = heph_thread_current;

	heph_thread_current = &worker->thread;
	heph_ops_end(worker);
	while (io_uring_sq_ready(&uring->ring)) /* what is to be closed */
		heph_uring_submit(uring);
	heph_thread_current = mine;
}

void heph_uring_release(struct heph_worker *worker)
{
	struct heph_uring *uring = heph_uring_of(worker);

	return_buffers(uring);
	heph_san_release(&rings);
	io_uring_queue_exit(&uring->ring);
	close(uring->event);
	heph_mem_free(uring);
	worker->driver = NULL;
}
