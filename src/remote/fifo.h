/* SPDX-License-Identifier: MIT */
/* fifo.h - a queue of frames that grows. One worker. */
#ifndef HEPH_REMOTE_FIFO_H
#define HEPH_REMOTE_FIFO_H

#include "remote/frame.h"

#include <stdbool.h>

struct heph_fifo {
	struct heph_frame *frames; /* a ring of `mask` + 1; NULL: none so far */
	size_t mask, head, n;
};

/* Room for so many in all. Returns 0; -ENOMEM, and it is as it was. */
int heph_fifo_reserve(struct heph_fifo *fifo, size_t n);
/* There is room: heph_fifo_reserve(). */
void heph_fifo_put(struct heph_fifo *fifo, struct heph_frame frame);
/* There is one. */
struct heph_frame heph_fifo_take(struct heph_fifo *fifo);
/* The i-th from the oldest one, which is 0; there is one. */
struct heph_frame *heph_fifo_at(const struct heph_fifo *fifo, size_t i);
/* Frees it, and the frames in it. */
void heph_fifo_release(struct heph_fifo *fifo);

#endif
