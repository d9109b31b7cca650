/* SPDX-License-Identifier: MIT */
/*
 * When the loop of a worker is over: its actors, if any are left, were abandoned,
 * but the kernel may still write to the memory of what they began.
 */
#include <heph/time.h>

#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "core/solo.h"
#include "io/op.h"

static struct heph_worker *guest_at(struct heph_list *node)
{
	return &heph_container_of(node, struct heph_solo, guest)->worker;
}

/* Also of those that would move if they had none. */
static uint64_t in_flight(const struct heph_worker *worker)
{
	uint64_t n = atomic_load(&worker->thread.count.operations);
	struct heph_list *node;

	heph_list_each(node, &worker->guests)
		n += atomic_load(&guest_at(node)->thread.count.operations);
	return n;
}

static void cancel_own(struct heph_worker *worker)
{
	for (uint32_t n = worker->first_self; n < worker->n_selves; n++)
		if (worker->selves[n].ext)
			heph_op_cancel_all(&worker->selves[n]);
}

static void cancel_actors(struct heph_worker *worker)
{
	struct heph_list *node;

	cancel_own(worker);
	heph_list_each(node, &worker->guests)
		cancel_own(guest_at(node));
}

/* What was offloaded comes there. */
static void open_doors(struct heph_worker *worker)
{
	struct heph_list *node;

	heph_thread_open_door(&worker->thread);
	heph_list_each(node, &worker->guests)
		heph_thread_open_door(&guest_at(node)->thread);
}

/* What abandoned actors have been brought. */
static void undo_own(struct heph_worker *worker)
{
	struct heph_ext *ext;
	struct heph_op *op;

	for (uint32_t n = worker->first_self; n < worker->n_selves; n++) {
		ext = worker->selves[n].ext;
		while (ext && !heph_list_empty(&ext->results)) {
			op = heph_container_of(heph_list_first(&ext->results),
					       struct heph_op, node);
			heph_op_undo(worker->thread.heph, op);
		}
	}
}

static void undo_results(struct heph_worker *worker)
{
	struct heph_list *node;

	undo_own(worker);
	heph_list_each(node, &worker->guests)
		undo_own(guest_at(node));
}

/* A pause of the whole machine is not the kernel's fault: it is asked so often. */
void heph_ops_end(struct heph_worker *worker)
{
	enum { POLLS = 1000 };

	const struct heph_driver *driver = worker->thread.heph->driver;
	heph_time until = heph_now() + HEPH_SEC;

	if (in_flight(worker))
		cancel_actors(worker);
	for (int n = 0; in_flight(worker) && (n < POLLS || heph_now() < until);
	     n++) {
		driver->poll(worker, HEPH_MSEC);
		open_doors(worker);
	}
	if (!in_flight(worker)) {
		undo_results(worker);
		return;
	}
	heph_log_error("operations cannot be cancelled: giving up",
		       HEPH_KV_UINT("operations", in_flight(worker)));
	heph_log_flush();
	_exit(EXIT_FAILURE); /* the kernel may still write to our memory */
}
