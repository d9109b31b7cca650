/* SPDX-License-Identifier: MIT */
#include "io/buffers.h"

#include <errno.h>
#include <liburing.h>
#include <string.h>

#include "base/mem.h"
#include "io/uring_abi.h"

/* A piece is where it begins, and which buffer it is of. */
enum { AT_BITS = 16 };

struct heph_lent {
	uint32_t filled;  /* bytes, by the kernel */
	uint32_t holders; /* pieces that were not taken yet */
	bool spent;       /* the kernel has let go of it */
};

static size_t ring_size(const struct heph_buffers *buffers)
{
	return buffers->n * sizeof(struct io_uring_buf);
}

static size_t memory_size(const struct heph_buffers *buffers)
{
	return (size_t)buffers->n * buffers->size;
}

static unsigned char *buffer(const struct heph_buffers *buffers, unsigned id)
{
	return buffers->memory + (size_t)id * buffers->size;
}

static void lend(struct heph_buffers *buffers, unsigned id)
{
	if (buffers->lent)
		buffers->lent[id] = (struct heph_lent){ 0 };
	io_uring_buf_ring_add(buffers->ring, buffer(buffers, id), buffers->size,
			      (unsigned short)id,
			      io_uring_buf_ring_mask(buffers->n), 0);
	io_uring_buf_ring_advance(buffers->ring, 1);
}

static void size_up(struct heph_buffers *buffers, size_t budget,
		    bool incremental)
{
	buffers->size = incremental ? HEPH_BUFFER_INCREMENTAL :
				      HEPH_BUFFER_SIZE;
	for (buffers->n = 1; buffers->n < HEPH_BUFFERS_MAX &&
			     2 * memory_size(buffers) <= budget;)
		buffers->n *= 2;
}

static void release(struct heph_buffers *buffers)
{
	heph_mem_unreserve(buffers->ring, ring_size(buffers));
	heph_mem_unreserve(buffers->memory, memory_size(buffers));
	heph_mem_free(buffers->lent);
	*buffers = (struct heph_buffers){ 0 };
}

int heph_buffers_init(struct heph_buffers *buffers, struct io_uring *uring,
		      unsigned short group, size_t budget, bool incremental)
{
	struct io_uring_buf_reg reg = { .bgid = group };
	int err = -ENOMEM;

	*buffers = (struct heph_buffers){ .group = group };
	size_up(buffers, budget, incremental);
	buffers->ring = heph_mem_reserve(ring_size(buffers));
	buffers->memory = heph_mem_reserve(memory_size(buffers));
	if (incremental)
		buffers->lent =
			heph_mem_alloc(buffers->n * sizeof(*buffers->lent));
	if (!buffers->ring || !buffers->memory ||
	    (incremental && !buffers->lent))
		goto fail;
	reg.ring_addr = (uintptr_t)buffers->ring;
	reg.ring_entries = buffers->n;
	heph_abi_set_flags(&reg,
			   incremental ? HEPH_ABI_BUFFERS_INCREMENTAL : 0);
	err = io_uring_register_buf_ring(uring, &reg, 0);
	if (err < 0)
		goto fail;
	io_uring_buf_ring_init(buffers->ring);
	for (unsigned id = 0; id < buffers->n; id++)
		lend(buffers, id);
	return 0;

fail:
	release(buffers);
	/* It was asked if it was told where. */
	buffers->refused = reg.ring_addr && err == -ENOMEM;
	return err;
}

void heph_buffers_fini(struct heph_buffers *buffers, struct io_uring *uring)
{
	if (!buffers->ring)
		return;
	io_uring_unregister_buf_ring(uring, buffers->group);
	release(buffers);
}

/* The kernel does not say `more` at the end of a stream either, although the
 * buffer is still its own then. */
int heph_buffers_got(struct heph_buffers *buffers, unsigned id, int n,
		     bool more)
{
	struct heph_lent *lent = NULL;
	uint32_t at = 0;

	buffers->in_use++;
	if (buffers->lent) {
		lent = &buffers->lent[id];
		at = lent->filled;
		lent->filled += n > 0 ? (uint32_t)n : 0;
		lent->holders++;
		lent->spent = !more && n > 0;
	}
	buffers->away += !lent || lent->spent;
	return (int)(id << AT_BITS | at);
}

void *heph_buffers_data(const struct heph_buffers *buffers, int piece)
{
	unsigned at = (unsigned)piece & ((1U << AT_BITS) - 1);

	return buffer(buffers, (unsigned)piece >> AT_BITS) + at;
}

void heph_buffers_give(struct heph_buffers *buffers, int piece)
{
	unsigned id = (unsigned)piece >> AT_BITS;
	struct heph_lent *lent = buffers->lent ? &buffers->lent[id] : NULL;

	buffers->in_use--;
	if (lent && (--lent->holders || !lent->spent))
		return;
	buffers->away--;
	lend(buffers, id);
}
