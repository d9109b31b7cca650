/* SPDX-License-Identifier: MIT */
/* Lines of text: in any pieces, of any length, of whatever kind of stream. */
#include "task.h"

enum { SIZE = 8 };

static char buf[SIZE];

/* ---- taken by hand ------------------------------------------------------------------- */

static const char text[] = "one\r\ntwo\n\n\r\n1234567\n12345678\n123456\r\n1234567\r\n"
			   "too long for the buffer\nfour\r\r\nend";

/* What comes of `text`, with "!" for a line that is too long. */
static const char expected[] = "[one][two][][][1234567]![123456]!![four\r]";

static void add(char *to, const char *line)
{
	sprintf(to + strlen(to), "[%s]", line);
}

/* All lines of what has been given; what is too long is told when it is. */
static void take_all(struct heph_lines *lines, char *to)
{
	char *line;
	int n;

	while ((n = heph_lines_take(lines, &line)) != 0) {
		if (n == 1)
			add(to, line);
		else
			strcat(to, "!");
		must(n == 1 || n == -EMSGSIZE);
	}
}

static void come_in_any_pieces(void **state)
{
	const size_t size = sizeof(text) - 1;

	for (size_t a = 0; a <= size; a++)
		for (size_t b = a; b <= size; b++) {
			struct heph_lines lines = { .buf = buf,
						    .size = sizeof(buf) };
			char got[200] = "";

			take_all(&lines, got);
			heph_lines_give(&lines, text, a);
			take_all(&lines, got);
			heph_lines_give(&lines, text + a, b - a);
			take_all(&lines, got);
			heph_lines_give(&lines, text + b, size - b);
			take_all(&lines, got);
			must(strcmp(got, expected) == 0);
		}
}

/* ---- read ------------------------------------------------------------------------------ */

static int pipe_of(heph_ctx ctx, const char *what, heph_fd *ret_fd)
{
	heph_fd ends[2];

	must_be(heph_pipe(ctx, ends, 0), 0);
	must_be(heph_write_all(ctx, ends[1], what, strlen(what)), 0);
	heph_close(ends[1]);
	*ret_fd = ends[0];
	return 0;
}

static int read_all(heph_ctx ctx, void *arg)
{
	struct heph_lines lines = { .buf = buf, .size = sizeof(buf) };
	char got[200] = "", *line;
	heph_fd fd;
	int n;

	pipe_of(ctx, text, &fd);
	while ((n = heph_read_line(ctx, fd, &lines, &line)) != 0)
		if (n == 1)
			add(got, line);
		else
			strcat(got, "!");
	must(strcmp(got, expected) == 0);
	must(strcmp(line, "end") == 0);
	must_be(heph_read_line(ctx, fd, &lines, &line), 0);
	must(strcmp(line, "") == 0);
	heph_close(fd);
	must_be(heph_read_line(ctx, fd, &lines, &line), -EBADF);
	return 0;
}

static void are_read_up_to_the_end(void **state)
{
	run_task(read_all);
	run_thread_once(read_all);
}

/* A part of a line has come when the time is over; then the rest comes. */
static int go_on(heph_ctx ctx, void *arg)
{
	struct heph_lines lines = { .buf = buf, .size = sizeof(buf) };
	struct heph_stream stream = { { 0, 0 }, NULL, NULL };
	heph_fd ends[2];
	char *line;

	must_be(heph_socket_pair(ctx, AF_UNIX, SOCK_STREAM, 0, ends), 0);
	stream.fd = ends[0];
	must_be(heph_write_all(ctx, ends[1], "a\nb", 3), 0);
	must_be(heph_stream_read_line(ctx, &stream, &lines, &line), 1);
	must(strcmp(line, "a") == 0);
	must_be(heph_stream_read_line(heph_within(ctx, HEPH_MSEC), &stream,
				      &lines, &line),
		-ETIME);
	must_be(heph_write_all(ctx, ends[1], "c\n", 2), 0);
	must_be(heph_stream_read_line(ctx, &stream, &lines, &line), 1);
	must(strcmp(line, "bc") == 0);
	heph_close(ends[1]);
	must_be(heph_stream_read_line(ctx, &stream, &lines, &line), 0);
	must(strcmp(line, "") == 0);
	heph_stream_close(ctx, &stream);
	return 0;
}

static void go_on_after_a_deadline(void **state)
{
	run_task(go_on);
	run_thread_once(go_on);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(come_in_any_pieces),
		cmocka_unit_test(are_read_up_to_the_end),
		cmocka_unit_test(go_on_after_a_deadline),
	};

	return cmocka_run_group_tests_name("lines", tests, NULL, NULL);
}
