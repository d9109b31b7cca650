/* SPDX-License-Identifier: MIT */
/*
 * stress_wrap.c SECONDS - a ring whose counters, of 32 bits, go round
 *
 * Empty operations, in batches, between echoes that must come back. It says how
 * many there were, and stops when the counters have gone round: give it ten
 * minutes to get there.
 */
#include "../unit/io/loop.h"

#include <inttypes.h>

enum { BATCH = 256, BATCHES = 4096 };
#define ROUND (UINT64_C(1) << 32)

static heph_time end_of_test;
static uint64_t done;

static void nothing(struct io_uring *ring)
{
	struct io_uring_sqe *sqe;
	struct io_uring_cqe *cqe;
	unsigned n = 0;

	while (n < BATCH && (sqe = io_uring_get_sqe(ring))) {
		io_uring_prep_nop(sqe);
		io_uring_sqe_set_data64(sqe, 0);
		n++;
	}
	must_be(io_uring_submit_and_get_events(ring), (int)n);
	while (io_uring_cq_ready(ring)) {
		must_be(io_uring_peek_cqe(ring, &cqe), 0);
		must_be(cqe->res, 0);
		must_be(cqe->user_data, 0);
		io_uring_cqe_seen(ring, cqe);
		done++;
	}
}

static int go_round(heph_ctx ctx, void *arg)
{
	struct loop *loop = arg;
	struct io_uring *ring = &heph_uring_of(loop->worker)->ring;
	int other;
	heph_fd fd = pair(ctx, &other), end = adopt(ctx, other);
	uint32_t there = 0, back;

	while (done < ROUND + ROUND / 64 && heph_now() < end_of_test) {
		must_be(heph_sleep(ctx, HEPH_USEC), 0); /* what was begun is over */
		for (int i = 0; i < BATCHES; i++)
			nothing(ring);
		for (int i = 0; i < 100; i++) {
			there++;
			must_be(heph_write(ctx, fd, &there, sizeof(there)),
				sizeof(there));
			must_be(heph_read(ctx, end, &back, sizeof(back)),
				sizeof(back));
			must_be(back, there);
		}
	}
	heph_close(fd);
	heph_close(end);
	return 0;
}

int main(int argc, char **argv)
{
	int seconds = argc > 1 ? atoi(argv[1]) : 1;

	end_of_test = heph_now() + seconds * HEPH_SEC;
	loop_with(64, go_round);
	printf("wrap: %" PRIu64 " empty operations, %.2f rounds of a counter\n",
	       done, (double)done / (double)ROUND);
	return 0;
}
