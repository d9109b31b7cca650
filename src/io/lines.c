/* SPDX-License-Identifier: MIT */
/* Lines of text: each is put together in the buffer of who reads them. */
#include <heph/lines.h>

#include <string.h>

#include <heph/stream.h>

#include "base/assert.h"

void heph_lines_give(struct heph_lines *lines, const char *data, size_t size)
{
	heph_debug_assert(!lines->n_rest__);
	lines->rest__ = data;
	lines->n_rest__ = size;
}

/* What is in the buffer, from now on the caller's. */
static char *finish(struct heph_lines *lines)
{
	lines->buf[lines->n__] = '\0';
	lines->n__ = 0;
	return lines->buf;
}

int heph_lines_take(struct heph_lines *lines, char **ret_line)
{
	const char *piece, *end;
	size_t n;

	while (lines->n_rest__ > 0) {
		piece = lines->rest__;
		end = memchr(piece, '\n', lines->n_rest__);
		n = end ? (size_t)(end - piece) : lines->n_rest__;
		lines->rest__ += n + !!end;
		lines->n_rest__ -= n + !!end;
		if (lines->skips__) {
			lines->skips__ = !end;
			continue;
		}
		if (n >= lines->size - lines->n__) {
			lines->n__ = 0;
			lines->skips__ = !end;
			return -EMSGSIZE;
		}
		memcpy(lines->buf + lines->n__, piece, n);
		lines->n__ += n;
		if (!end)
			break;
		if (lines->n__ > 0 && lines->buf[lines->n__ - 1] == '\r')
			lines->n__--;
		*ret_line = finish(lines);
		return 1;
	}
	return 0;
}

int heph_stream_read_line(heph_ctx ctx, struct heph_stream *stream,
			  struct heph_lines *lines, char **ret_line)
{
	char *data;
	int n;

	while ((n = heph_lines_take(lines, ret_line)) == 0) {
		n = heph_stream_read(ctx, stream, &data);
		if (n == 0)
			*ret_line = finish(lines);
		if (n <= 0)
			return n;
		heph_lines_give(lines, data, (size_t)n);
	}
	return n;
}

int heph_read_line(heph_ctx ctx, struct heph_fd fd, struct heph_lines *lines,
		   char **ret_line)
{
	struct heph_stream stream = { .fd = fd };

	return heph_stream_read_line(ctx, &stream, lines, ret_line);
}
