/* SPDX-License-Identifier: MIT */
/* What the driver can go without is that of features.h. */
#include "io/examine.h"

#include <heph/drivers.h>

#include <errno.h>
#include <liburing.h>
#include <stdint.h>
#include <string.h>

#include "coro/san.h"
#include "io/features.h"
#include "io/uring_abi.h"

enum { ENTRIES = 8 };

/* What it cannot go without: operations, or what the kernel says of a ring. */
static const struct {
	const char *name, *since;
	int opcode; /* -1: none */
	unsigned ring;
} needs[] = {
	{ "read", "5.6", IORING_OP_READ, 0 },
	{ "write", "5.6", IORING_OP_WRITE, 0 },
	{ "recv", "5.6", IORING_OP_RECV, 0 },
	{ "send", "5.6", IORING_OP_SEND, 0 },
	{ "accept", "5.5", IORING_OP_ACCEPT, 0 },
	{ "connect", "5.5", IORING_OP_CONNECT, 0 },
	{ "poll", "5.1", IORING_OP_POLL_ADD, 0 },
	{ "cancel", "5.5", IORING_OP_ASYNC_CANCEL, 0 },
	{ "close", "5.6", IORING_OP_CLOSE, 0 },
	{ "no lost completions", "5.5", -1, IORING_FEAT_NODROP },
	{ "waits with a timeout", "5.11", -1, IORING_FEAT_EXT_ARG },
	{ "silent success", "5.17", -1, IORING_FEAT_CQE_SKIP },
};
enum { NEEDS = sizeof(needs) / sizeof(*needs) };
_Static_assert((int)NEEDS + (int)HEPH_FEATURES <= (int)HEPH_URING_FEATURES_MAX,
	       "no room for all");

/* liburing maps and unmaps rings by itself: a key for TSan. */
static char rings;

static int make(struct io_uring *ring, unsigned flags)
{
	int err = io_uring_queue_init(ENTRIES, ring, flags);

	heph_san_acquire(&rings);
	return err;
}

static void destroy(struct io_uring *ring)
{
	heph_san_release(&rings);
	io_uring_queue_exit(ring);
}

/* ---- what can be gone without ------------------------------------------------------- */

static int try_setup(unsigned flags)
{
	struct io_uring ring;
	int err = make(&ring, flags);

	if (err == 0)
		destroy(&ring);
	return err;
}

static int try_registering(struct io_uring *ring)
{
	int n = io_uring_register_ring_fd(ring);

	if (n == 1)
		io_uring_unregister_ring_fd(ring);
	return n == 1 ? 0 : n < 0 ? n : -EOPNOTSUPP;
}

/* A ring of one buffer, in memory that nobody touches. */
static int try_buffers(struct io_uring *ring, uint16_t flags)
{
	enum { PAGE = 1 << 16 }; /* the largest there is */
	static char memory[2 * PAGE];
	struct io_uring_buf_reg reg = { .ring_entries = 1 };
	int err;

	reg.ring_addr = ((uintptr_t)memory + PAGE - 1) & -(uintptr_t)PAGE;
	heph_abi_set_flags(&reg, flags);
	err = io_uring_register_buf_ring(ring, &reg, 0);
	if (err == 0)
		io_uring_unregister_buf_ring(ring, 0);
	return err;
}

static int try_opcode(const struct heph_features *features, int opcode)
{
	return heph_features_opcode(features, opcode) ? 0 : -EOPNOTSUPP;
}

/* Two came with the operation that opens a socket, and cannot be asked for by
 * themselves. */
static int try_feature(struct io_uring *ring,
		       const struct heph_features *features,
		       enum heph_feature feature)
{
	if (!heph_features_allow(features, feature))
		return -ECANCELED;
	switch (feature) {
	case HEPH_FEATURE_DEFER_TASKRUN:
		return try_setup(IORING_SETUP_SINGLE_ISSUER |
				 IORING_SETUP_DEFER_TASKRUN);
	case HEPH_FEATURE_COOP_TASKRUN:
		return try_setup(IORING_SETUP_COOP_TASKRUN);
	case HEPH_FEATURE_SUBMIT_ALL:
		return try_setup(IORING_SETUP_SUBMIT_ALL);
	case HEPH_FEATURE_REGISTERED_RING:
		return try_registering(ring);
	case HEPH_FEATURE_BUFFER_RING:
		return try_buffers(ring, 0);
	case HEPH_FEATURE_INCREMENTAL:
		return try_buffers(ring, HEPH_ABI_BUFFERS_INCREMENTAL);
	case HEPH_FEATURE_MULTISHOT_ACCEPT:
	case HEPH_FEATURE_POLL_FIRST:
		return try_opcode(features, IORING_OP_SOCKET);
	case HEPH_FEATURE_MSG_RING:
		return try_opcode(features, IORING_OP_MSG_RING);
	case HEPH_FEATURE_PIPES:
		return heph_features_try_pipe();
	case HEPH_FEATURES:
		break;
	}
	return -EOPNOTSUPP;
}

/* ---- all of it ------------------------------------------------------------------------ */

static void fail(struct heph_uring_report *it, const char *what, int err)
{
	if (it->err)
		return;
	it->what = what;
	it->err = err;
}

static void list_all(struct heph_uring_report *it)
{
	*it = (struct heph_uring_report){ .n = NEEDS + HEPH_FEATURES };
	for (unsigned n = 0; n < NEEDS; n++)
		it->features[n] = (struct heph_uring_feature){
			.name = needs[n].name,
			.since = needs[n].since,
			.needed = true,
		};
	for (unsigned n = 0; n < HEPH_FEATURES; n++)
		it->features[NEEDS + n] = (struct heph_uring_feature){
			.name = heph_feature_infos[n].name,
			.since = heph_feature_infos[n].since,
		};
}

static void look_for_needs(struct heph_uring_report *it, struct io_uring *ring,
			 const struct heph_features *features)
{
	bool there;

	for (unsigned n = 0; n < NEEDS; n++) {
		there = needs[n].opcode < 0 ?
				ring->features & needs[n].ring :
				heph_features_opcode(features, needs[n].opcode);
		it->features[n].err = there ? 0 : -EOPNOTSUPP;
		if (!there)
			fail(it, needs[n].name, -EOPNOTSUPP);
	}
}

static void look_for_more(struct heph_uring_report *it, struct io_uring *ring,
			  const struct heph_features *features)
{
	for (unsigned n = 0; n < HEPH_FEATURES; n++)
		it->features[NEEDS + n].err =
			try_feature(ring, features, (enum heph_feature)n);
}

static void nothing_is_there(struct heph_uring_report *it)
{
	for (size_t n = 0; n < it->n; n++)
		it->features[n].err = it->err;
}

/* An operation that does nothing. */
static int go_round(struct io_uring *ring)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(ring);
	struct io_uring_cqe *cqe;
	int result;

	io_uring_prep_nop(sqe);
	do {
		result = io_uring_submit_and_wait(ring, 1);
	} while (result == -EINTR);
	if (result >= 0)
		result = io_uring_wait_cqe(ring, &cqe);
	if (result < 0)
		return result;
	result = cqe->res;
	io_uring_cqe_seen(ring, cqe);
	return result;
}

static void examine_ring(struct heph_uring_report *it, struct io_uring *ring,
			 bool all)
{
	struct heph_features features;
	int err = go_round(ring);

	if (err < 0)
		fail(it, "io_uring_enter", err);
	err = heph_features_init(&features);
	if (err == 0)
		err = heph_features_probe(&features, ring);
	if (err < 0)
		fail(it, "io_uring_register", err);
	if (it->err) {
		nothing_is_there(it);
		return;
	}
	look_for_needs(it, ring, &features);
	if (all)
		look_for_more(it, ring, &features);
}

static void examine(struct heph_uring_report *it, bool all)
{
	struct io_uring ring;
	int err = make(&ring, 0);

	list_all(it);
	if (err < 0) {
		fail(it, "io_uring_setup", err);
		nothing_is_there(it);
		return;
	}
	examine_ring(it, &ring, all);
	destroy(&ring);
}

int heph_examine_needs(struct heph_uring_report *ret_report)
{
	examine(ret_report, false);
	return ret_report->err;
}

int heph_raw_examine_uring(struct heph_uring_report *ret_report, size_t size)
{
	struct heph_uring_report it;

	examine(&it, true);
	memcpy(ret_report, &it, size < sizeof(it) ? size : sizeof(it));
	return it.err;
}
