/* SPDX-License-Identifier: MIT */
#include "rt/out.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PATIENCE = 5000 /* ms */ };

void heph_out_init(struct heph_out *out, int fd)
{
	out->fd = fd;
	out->err = 0;
	out->n = 0;
	out->max = fd < 0 ? 0 : sizeof(out->room);
	out->text = fd < 0 ? NULL : out->room;
}

/* A pipe that can be written takes as much as there is room for here. */
static void write_all(struct heph_out *out)
{
	struct pollfd fd = { .fd = out->fd, .events = POLLOUT };
	size_t done = 0;
	ssize_t n;
	int ready;

	while (done < out->n && !out->err) {
		ready = poll(&fd, 1, PATIENCE);
		n = ready > 0 ?
			    write(out->fd, out->text + done, out->n - done) :
			    ready;
		if (n > 0)
			done += (size_t)n;
		else if (ready == 0)
			out->err = -ETIMEDOUT;
		else if (errno != EINTR && errno != EAGAIN)
			out->err = -errno;
	}
	out->n = 0;
}

/* Memory that the user frees, so the C library's. */
static void grow(struct heph_out *out, size_t wanted)
{
	size_t max = out->max ? out->max : sizeof(out->room);
	char *text;

	while (max < wanted)
		max *= 2;
	text = realloc(out->text, max);
	if (!text) {
		out->err = -ENOMEM;
		return;
	}
	out->text = text;
	out->max = max;
}

static void make_room(struct heph_out *out, size_t size)
{
	if (out->n + size <= out->max)
		return;
	if (out->fd < 0)
		grow(out, out->n + size);
	else
		write_all(out);
}

void heph_out_add(struct heph_out *out, const char *format, ...)
{
	char line[1536];
	va_list args;
	size_t size;
	int n;

	va_start(args, format);
	n = vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	if (n < 0 || out->err)
		return;
	size = (size_t)n < sizeof(line) ? (size_t)n : sizeof(line) - 1;
	make_room(out, size + 1);
	if (out->err)
		return;
	memcpy(out->text + out->n, line, size);
	out->n += size;
}

int heph_out_flush(struct heph_out *out)
{
	if (out->fd >= 0 && !out->err)
		write_all(out);
	return out->err;
}
