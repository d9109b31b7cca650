/* SPDX-License-Identifier: MIT */
/* Pipes: bytes from one end to the other, within the host and without delay. */
#include "io/sim_pipe.h"

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <string.h>

#include "base/mem.h"
#include "io/op.h"
#include "io/sim_file.h"

struct pipe;

struct end {
	struct heph_sim_file file; /* first */
	struct pipe *pipe;
};

struct pipe {
	struct heph_sim_bytes bytes;
	struct end *reader, *writer; /* NULL: closed */
};

static int pipe_read(struct heph_sim *sim, struct heph_sim_file *file, void *buf,
		     size_t size, int flags, uint64_t offset)
{
	struct pipe *pipe = ((struct end *)file)->pipe;

	(void)flags;
	if (offset != HEPH_OFFSET_NONE)
		return -ESPIPE;
	if (!pipe->bytes.n)
		return pipe->writer ? -EAGAIN : 0;
	size = heph_sim_bytes_take(&pipe->bytes, buf, heph_sim_shorten(sim, size), false);
	if (pipe->writer)
		heph_sim_touch(sim, &pipe->writer->file);
	return (int)size;
}

/* At most PIPE_BUF bytes are written all at once. */
static int pipe_write(struct heph_sim *sim, struct heph_sim_file *file,
		      const void *buf, size_t size, int flags, uint64_t offset)
{
	struct pipe *pipe = ((struct end *)file)->pipe;
	size_t room = HEPH_SIM_PIPE_ROOM - pipe->bytes.n;

	(void)flags;
	if (offset != HEPH_OFFSET_NONE)
		return -ESPIPE;
	if (!pipe->reader)
		return -EPIPE;
	if (!room || (size <= PIPE_BUF && room < size))
		return -EAGAIN;
	if (size > PIPE_BUF)
		size = heph_sim_shorten(sim, size < room ? size : room);
	heph_sim_bytes_put(&pipe->bytes, buf, size);
	heph_sim_touch(sim, &pipe->reader->file);
	return (int)size;
}

static unsigned reader_ready(struct heph_sim_file *file)
{
	const struct pipe *pipe = ((struct end *)file)->pipe;

	return (pipe->bytes.n ? POLLIN : 0) | (pipe->writer ? 0 : POLLHUP);
}

static unsigned writer_ready(struct heph_sim_file *file)
{
	const struct pipe *pipe = ((struct end *)file)->pipe;

	if (!pipe->reader)
		return POLLOUT | POLLERR;
	return HEPH_SIM_PIPE_ROOM - pipe->bytes.n >= PIPE_BUF ? POLLOUT : 0;
}

static void pipe_close(struct heph_sim *sim, struct heph_sim_file *file)
{
	struct end *end = (struct end *)file;
	struct pipe *pipe = end->pipe;
	struct end *other = end == pipe->reader ? pipe->writer : pipe->reader;

	if (end == pipe->reader)
		pipe->reader = NULL;
	else
		pipe->writer = NULL;
	heph_mem_free(end);
	if (other) {
		heph_sim_touch(sim, &other->file);
		return;
	}
	heph_sim_bytes_fini(&pipe->bytes);
	heph_mem_free(pipe);
}

static const struct heph_sim_class reader_class = {
	.mode = S_IFIFO | 0600,
	.read = pipe_read,
	.ready = reader_ready,
	.close = pipe_close,
};

static const struct heph_sim_class writer_class = {
	.mode = S_IFIFO | 0600,
	.write = pipe_write,
	.ready = writer_ready,
	.close = pipe_close,
};

int heph_sim_do_pipe(struct heph_sim *sim, struct heph_op *op)
{
	int flags = (int)op->flags & O_NONBLOCK, numbers[2];
	struct pipe *pipe;

	if (sim->open_files + 2 > sim->options.descriptors)
		return -EMFILE;
	pipe = heph_sim_memory(sizeof(*pipe));
	pipe->reader = heph_sim_memory(sizeof(*pipe->reader));
	pipe->writer = heph_sim_memory(sizeof(*pipe->writer));
	pipe->reader->pipe = pipe->writer->pipe = pipe;
	numbers[0] = heph_sim_open(sim, &pipe->reader->file, &reader_class,
				   flags | O_RDONLY);
	numbers[1] = heph_sim_open(sim, &pipe->writer->file, &writer_class,
				   flags | O_WRONLY);
	memcpy(op->buf, numbers, sizeof(numbers));
	return 0;
}
