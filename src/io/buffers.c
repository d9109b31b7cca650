/* SPDX-License-Identifier: MIT */
#include "io/buffers.h"

#include <errno.h>
#include <liburing.h>
#include <string.h>

#include "base/mem.h"

static size_t ring_size(void)
{
	return HEPH_BUFFERS * sizeof(struct io_uring_buf);
}

static void *buffer(struct heph_buffers *buffers, unsigned id)
{
	return buffers->memory + (size_t)id * HEPH_BUFFER_SIZE;
}

static void lend(struct heph_buffers *buffers, unsigned id)
{
	io_uring_buf_ring_add(buffers->ring, buffer(buffers, id),
			      HEPH_BUFFER_SIZE, (unsigned short)id,
			      io_uring_buf_ring_mask(HEPH_BUFFERS), 0);
	io_uring_buf_ring_advance(buffers->ring, 1);
}

int heph_buffers_init(struct heph_buffers *buffers, struct io_uring *uring)
{
	struct io_uring_buf_reg reg = { .ring_entries = HEPH_BUFFERS,
					.bgid = HEPH_BUFFER_GROUP };
	int err = -ENOMEM;

	*buffers = (struct heph_buffers){ 0 };
	buffers->ring = heph_mem_reserve(ring_size());
	buffers->memory = heph_mem_reserve(HEPH_BUFFERS * HEPH_BUFFER_SIZE);
	if (!buffers->ring || !buffers->memory)
		goto fail;
	reg.ring_addr = (uintptr_t)buffers->ring;
	err = io_uring_register_buf_ring(uring, &reg, 0);
	if (err < 0)
		goto fail;
	io_uring_buf_ring_init(buffers->ring);
	for (unsigned id = 0; id < HEPH_BUFFERS; id++)
		lend(buffers, id);
	return 0;

fail:
	heph_mem_unreserve(buffers->ring, ring_size());
	heph_mem_unreserve(buffers->memory, HEPH_BUFFERS * HEPH_BUFFER_SIZE);
	buffers->ring = NULL;
	return err;
}

void heph_buffers_fini(struct heph_buffers *buffers, struct io_uring *uring)
{
	if (!buffers->ring)
		return;
	io_uring_unregister_buf_ring(uring, HEPH_BUFFER_GROUP);
	heph_mem_unreserve(buffers->ring, ring_size());
	heph_mem_unreserve(buffers->memory, HEPH_BUFFERS * HEPH_BUFFER_SIZE);
}

void heph_buffers_take(struct heph_buffers *buffers, unsigned id, void *to, size_t n)
{
	memcpy(to, buffer(buffers, id), n);
	lend(buffers, id);
	buffers->in_use--;
}
