/* SPDX-License-Identifier: MIT */
#include "remote/fifo.h"

#include "remote/mem.h"

#include <errno.h>

enum { FIRST = 16 };

struct heph_frame *heph_fifo_at(const struct heph_fifo *fifo, size_t i)
{
	return &fifo->frames[(fifo->head + i) & fifo->mask];
}

int heph_fifo_reserve(struct heph_fifo *fifo, size_t n)
{
	size_t size = fifo->frames ? fifo->mask + 1 : FIRST;
	struct heph_frame *frames;

	while (size < n)
		size *= 2;
	if (fifo->frames && size == fifo->mask + 1)
		return 0;
	frames = heph_remote_mem_alloc(size * sizeof(*frames));
	if (!frames)
		return -ENOMEM;
	for (size_t i = 0; i < fifo->n; i++)
		frames[i] = *heph_fifo_at(fifo, i);
	heph_remote_mem_free(fifo->frames);
	*fifo = (struct heph_fifo){ frames, size - 1, 0, fifo->n };
	return 0;
}

void heph_fifo_put(struct heph_fifo *fifo, struct heph_frame frame)
{
	*heph_fifo_at(fifo, fifo->n++) = frame;
}

struct heph_frame heph_fifo_take(struct heph_fifo *fifo)
{
	struct heph_frame frame = *heph_fifo_at(fifo, 0);

	fifo->head = (fifo->head + 1) & fifo->mask;
	fifo->n--;
	return frame;
}

void heph_fifo_release(struct heph_fifo *fifo)
{
	while (fifo->n) {
		struct heph_frame frame = heph_fifo_take(fifo);

		heph_frame_free(&frame);
	}
	heph_remote_mem_free(fifo->frames);
	*fifo = (struct heph_fifo){ NULL, 0, 0, 0 };
}
