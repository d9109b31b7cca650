/* SPDX-License-Identifier: MIT */
/*
 * lines.h - lines of text out of a stream of bytes
 *
 *     char buf[512], *line;
 *     struct heph_lines lines = { .buf = buf, .size = sizeof(buf) };
 *     int n;
 *
 *     while ((n = heph_read_line(ctx, fd, &lines, &line)) > 0)
 *             ...
 *
 * A line ends with "\n" or "\r\n", and comes in whatever pieces the peer has sent;
 * none is longer than the buffer. All of one actor or thread.
 */
#ifndef HEPH_LINES_H
#define HEPH_LINES_H

#include <heph/types.h>

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

struct heph_stream;

/* Begins with the first two members, and zeros. */
struct heph_lines {
	char *buf;
	size_t size; /* bytes of `buf`; at least 2: of the longest line, its '\r' and
		      * a nul */
	size_t n__;
	const char *rest__;
	size_t n_rest__;
	bool skips__;
};

/*
 * Wait, unless a line is there already: up to 64 KiB are read at a time. The next line,
 * without its end and with a nul behind: in `buf`, until the next call. What was read
 * beyond it is kept, in a view of the descriptor (heph_read_view()), so nothing else reads
 * from there meanwhile. Return 1; 0 at the end, and then
 * `ret_line` is what came after the last line, mostly ""; -EMSGSIZE (a line is too long:
 * it is left out, and the next call returns the one after it); what heph_read_view()
 * and heph_stream_read() return.
 */
HEPH_API HEPH_MUST int heph_read_line(heph_ctx ctx, struct heph_fd fd,
				      struct heph_lines *lines, char **ret_line);
HEPH_API HEPH_MUST int heph_stream_read_line(heph_ctx ctx,
					     struct heph_stream *stream,
					     struct heph_lines *lines,
					     char **ret_line);

/*
 * The same for who reads by himself. heph_lines_take() returns 1, a line as above; 0,
 * and there is no whole one: heph_lines_give() is called with what has come next, which
 * stays where it is until then; -EMSGSIZE as above. Neither waits.
 */
HEPH_API void heph_lines_give(struct heph_lines *lines, const char *data,
			      size_t size);
HEPH_API HEPH_MUST int heph_lines_take(struct heph_lines *lines, char **ret_line);

#ifdef __cplusplus
}
#endif
#endif
