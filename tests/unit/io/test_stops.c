/* SPDX-License-Identifier: MIT */
/* Reading, writing, connections, readiness: stopped wherever they wait. */
#include "stops.h"

enum { SMALL = 10, LARGE = 100000 };

/* ---- reading --------------------------------------------------------------- */

static void begin_pipe(heph_ctx ctx, struct stops *it)
{
	it->fd = pipe_end(ctx, 0, &it->other);
}

static void begin_pair(heph_ctx ctx, struct stops *it)
{
	it->fd = pair(ctx, &it->other);
}

static void begin_wait_free(heph_ctx ctx, struct stops *it)
{
	begin_pipe(ctx, it);
	must_be(fcntl(heph_fd_number(ctx, it->fd), F_SETFL, O_NONBLOCK), 0);
}

static void feed_bytes(struct stops *it)
{
	must_be(write(it->other, "0123456789", SMALL), SMALL);
	it->n += SMALL;
}

static int run_read(heph_ctx ctx, struct stops *it)
{
	char stack[SMALL];
	int n = heph_read(ctx, it->fd, stack, sizeof(stack));

	it->n2 += n > 0 ? n : 0;
	return n;
}

static int run_read_heap(heph_ctx ctx, struct stops *it)
{
	int n = heph_read(ctx, it->fd, it->bytes, sizeof(it->bytes));

	it->n2 += n > 0 ? n : 0;
	return n;
}

static int run_views(heph_ctx ctx, struct stops *it)
{
	char *data;
	int n = 1;

	for (int i = 0; i < 3 && n > 0; i++) {
		n = heph_read_view(ctx, it->fd, &data);
		must(n <= 0 || data[0] == '0');
		it->n2 += n > 0 ? n : 0;
	}
	return n;
}

static int run_mixed(heph_ctx ctx, struct stops *it)
{
	int n = run_views(ctx, it);

	return n > 0 ? run_read(ctx, it) : n;
}

static int run_reads(heph_ctx ctx, struct stops *it)
{
	int n = 1;

	for (int i = 0; i < 3 && n > 0; i++)
		n = i & 1 ? run_read_heap(ctx, it) : run_read(ctx, it);
	return n;
}

static int run_read_exact(heph_ctx ctx, struct stops *it)
{
	char stack[3 * SMALL];
	size_t done;
	int err = heph_read_exact(ctx, it->fd, stack, sizeof(stack), &done);

	it->n2 = (long)done;
	must(err < 0 || done == sizeof(stack));
	return err;
}

/* What was read and not told is lost: it was closed. So what was told is all
 * that was written, or a part of which nothing was taken away in silence. */
static void end_read(struct stops *it)
{
	must(it->n2 <= it->n);
	must(it->abandoned || it->result <= 0 || it->n2 > 0);
}

/* ---- writing --------------------------------------------------------------- */

static void fill(int number)
{
	static const char zeros[65536];
	ssize_t n;

	must_be(fcntl(number, F_SETFL, O_NONBLOCK), 0);
	while ((n = write(number, zeros, sizeof(zeros))) > 0)
		;
	while ((n = write(number, zeros, 1)) > 0)
		;
	must_be(fcntl(number, F_SETFL, 0), 0);
}

static void begin_full_pipe(heph_ctx ctx, struct stops *it)
{
	it->fd = pipe_end(ctx, 1, &it->other);
	fill(heph_fd_number(ctx, it->fd));
}

static void begin_full_pair(heph_ctx ctx, struct stops *it)
{
	begin_pair(ctx, it);
	fill(heph_fd_number(ctx, it->fd));
}

/* Takes all that there is. */
static void feed_room(struct stops *it)
{
	static char sink[65536];
	ssize_t n;

	while ((n = read(it->other, sink, sizeof(sink))) > 0)
		for (ssize_t i = 0; i < n; i++)
			it->n += sink[i] != 0;
}

static int run_write(heph_ctx ctx, struct stops *it)
{
	char stack[SMALL];
	int n;

	memset(stack, 1, sizeof(stack));
	n = heph_write(ctx, it->fd, stack, sizeof(stack));
	it->n2 += n > 0 ? n : 0;
	return n;
}

static int run_write_heap(heph_ctx ctx, struct stops *it)
{
	int n;

	memset(it->bytes, 1, LARGE);
	n = heph_write(ctx, it->fd, it->bytes, LARGE);
	it->n2 += n > 0 ? n : 0;
	return n;
}

static int run_write_exact(heph_ctx ctx, struct stops *it)
{
	size_t done;
	int err;

	memset(it->bytes, 1, sizeof(it->bytes));
	err = heph_write_exact(ctx, it->fd, it->bytes, sizeof(it->bytes),
			       &done);
	it->n2 = (long)done;
	return err;
}

/* Exactly what was told is there. */
static void end_write(struct stops *it)
{
	feed_room(it);
	if (!it->abandoned)
		must_be(it->n, it->n2);
}

/* ---- in pieces, at a position ------------------------------------------------- */

static int run_readv(heph_ctx ctx, struct stops *it)
{
	struct iovec pieces[3] = { { NULL, 0 }, { it->bytes, 15 } };
	char stack[10];
	size_t done;
	int err;

	pieces[2] = (struct iovec){ stack, sizeof(stack) };
	err = heph_readv_exact(ctx, it->fd, pieces, 3, &done);
	it->n2 = (long)done;
	return err;
}

static int run_writev(heph_ctx ctx, struct stops *it)
{
	struct iovec pieces[3] = { { it->bytes, 3 }, { it->bytes, LARGE } };
	char stack[10];
	size_t done;
	int err;

	memset(it->bytes, 1, LARGE);
	memset(stack, 1, sizeof(stack));
	pieces[2] = (struct iovec){ stack, it->n2 ? sizeof(stack) : 0 };
	err = heph_writev_exact(ctx, it->fd, pieces, 3, &done);
	it->n2 = (long)done;
	return err;
}

static void begin_full_pipe_stack(heph_ctx ctx, struct stops *it)
{
	begin_full_pipe(ctx, it);
	it->n2 = 1;
}

static void begin_file(heph_ctx ctx, struct stops *it)
{
	strcpy(it->text, "/tmp/heph-stops-XXXXXX");
	it->fd = adopt(ctx, mkostemp(it->text, O_CLOEXEC));
}

static int run_at(heph_ctx ctx, struct stops *it)
{
	struct iovec pieces[2] = { { it->bytes, 10 }, { it->bytes, LARGE } };
	char stack[10] = { 0 };
	int err = heph_write_at(ctx, it->fd, stack, sizeof(stack), 1000);

	if (err >= 0)
		err = heph_writev_at(ctx, it->fd, pieces, 2, 3);
	if (err >= 0)
		err = heph_read_at(ctx, it->fd, stack, sizeof(stack), 1000);
	if (err >= 0)
		err = heph_readv_exact_at(ctx, it->fd, pieces, 2, 3, NULL);
	if (err >= 0)
		err = heph_close_wait(ctx, it->fd);
	return err;
}

static int run_close(heph_ctx ctx, struct stops *it)
{
	return heph_close_wait(ctx, it->fd);
}

/* ---- connections ------------------------------------------------------------ */

static void begin_listener(heph_ctx ctx, struct stops *it)
{
	it->fd = listen_somewhere(ctx);
	it->n = port_of(ctx, it->fd);
}

/* One more each time; the last two are closed later than the others. */
static void feed_connection(struct stops *it)
{
	stops_close(it->other2);
	it->other2 = it->other;
	it->other = raw_connect((int)it->n);
}

static int run_accepts(heph_ctx ctx, struct stops *it)
{
	heph_fd fd;
	int err = 0;

	for (int i = 0; i < 3 && err == 0; i++)
		err = heph_accept(ctx, it->fd, &fd);
	return err;
}

/* With its accept under way. */
static int run_give_listener(heph_ctx ctx, struct stops *it)
{
	struct heph_fd_handle handle;
	heph_fd fd;
	int err = heph_accept(heph_within(ctx, 0), it->fd, &fd);

	if (err < 0 && err != -ETIME)
		return err;
	err = heph_fd_give(ctx, it->fd, &handle);
	if (err == 0)
		heph_fd_discard(handle);
	return err;
}

static int run_connect(heph_ctx ctx, struct stops *it)
{
	char address[HEPH_ADDRESS_MAX];
	heph_fd fd;

	address_of(address, (int)it->n);
	return heph_connect(ctx, address, &fd);
}

/* A listener whose queue is full: connections to it hang. */
static void begin_hanging(heph_ctx ctx, struct stops *it)
{
	struct sockaddr_in raw = loopback(0);
	socklen_t size = sizeof(raw);

	it->other = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	must_be(bind(it->other, (void *)&raw, sizeof(raw)), 0);
	must_be(listen(it->other, 0), 0);
	must_be(getsockname(it->other, (void *)&raw, &size), 0);
	it->n = ntohs(raw.sin_port);
	it->other2 = raw_connect((int)it->n);
}

static int run_hang(heph_ctx ctx, struct stops *it)
{
	int err = run_connect(heph_within(ctx, HEPH_MSEC), it);

	return err == -ETIME ? 0 : err;
}

/* ---- clauses ----------------------------------------------------------------- */

static int run_readable(heph_ctx ctx, struct stops *it)
{
	return heph_wait(ctx, heph_on_readable(it->fd));
}

static int run_writable(heph_ctx ctx, struct stops *it)
{
	return heph_wait(ctx, heph_on_writable(it->fd));
}

static void begin_two(heph_ctx ctx, struct stops *it)
{
	it->fd = pair(ctx, &it->other);
	it->fd2 = pipe_end(ctx, 0, &it->other2);
}

static int run_either(heph_ctx ctx, struct stops *it)
{
	return heph_wait(ctx, heph_on_time(heph_now() + 60 * HEPH_SEC),
			 heph_on_readable(it->fd2), heph_on_readable(it->fd),
			 heph_on_readable(it->fd2));
}

static int run_time(heph_ctx ctx, struct stops *it)
{
	return heph_wait(ctx, heph_on_readable(it->fd),
			 heph_on_time(heph_now() + HEPH_MSEC));
}

/* ---- several actors' affairs in one --------------------------------------------- */

static int run_echo(heph_ctx ctx, struct stops *it)
{
	heph_fd fd = { 0 };
	int err = run_connect(ctx, it);

	if (err == 0)
		err = heph_accept(ctx, it->fd, &fd);
	if (err == 0)
		err = heph_write_all(ctx, fd, "0123456789", SMALL);
	heph_close(fd);
	return err;
}

static const struct stops_row rows[] = {
	{ "read a pipe", begin_pipe, run_read, feed_bytes, end_read },
	{ "read a pipe to the heap", begin_pipe, run_read_heap, feed_bytes,
	  end_read },
	{ "read without waiting", begin_wait_free, run_read, feed_bytes,
	  end_read },
	{ "read a socket", begin_pair, run_read, feed_bytes, end_read },
	{ "read a socket to the heap", begin_pair, run_read_heap, feed_bytes,
	  end_read },
	{ "look three times", begin_pair, run_views, feed_bytes, end_read },
	{ "look at a pipe", begin_pipe, run_views, feed_bytes, end_read },
	{ "look without waiting", begin_wait_free, run_views, feed_bytes,
	  end_read },
	{ "look, and read", begin_pair, run_mixed, feed_bytes, end_read },
	{ "read three times", begin_pair, run_reads, feed_bytes, end_read },
	{ "read exactly", begin_pair, run_read_exact, feed_bytes, end_read },
	{ "read a pipe exactly", begin_pipe, run_read_exact, feed_bytes,
	  end_read },
	{ "write a pipe", begin_full_pipe, run_write, feed_room, end_write },
	{ "write a pipe from the heap", begin_full_pipe, run_write_heap,
	  feed_room, end_write },
	{ "write a socket", begin_full_pair, run_write, feed_room, end_write },
	{ "write a socket from the heap", begin_full_pair, run_write_heap,
	  feed_room, end_write },
	{ "write exactly", begin_full_pair, run_write_exact, feed_room,
	  end_write },
	{ "write a pipe exactly", begin_full_pipe, run_write_exact, feed_room,
	  end_write },
	{ "read pieces", begin_pair, run_readv, feed_bytes, end_read },
	{ "read pieces of a pipe", begin_pipe, run_readv, feed_bytes,
	  end_read },
	{ "write pieces", begin_full_pair, run_writev, feed_room, end_write },
	{ "write pieces to a pipe", begin_full_pipe, run_writev, feed_room,
	  end_write },
	{ "write pieces of a stack", begin_full_pipe_stack, run_writev,
	  feed_room, end_write },
	{ "a file at positions", begin_file, run_at, NULL, NULL },
	{ "close a pipe", begin_pipe, run_close, NULL, NULL },
	{ "close a listener", begin_listener, run_close, NULL, NULL },
	{ "accept", begin_listener, run_accepts, feed_connection, NULL },
	{ "give a listener", begin_listener, run_give_listener, NULL, NULL },
	{ "connect", begin_listener, run_connect, NULL, NULL },
	{ "connect, and hang", begin_hanging, run_hang, NULL, NULL },
	{ "wait for bytes", begin_pair, run_readable, feed_bytes, NULL },
	{ "wait for room", begin_full_pipe, run_writable, feed_room, NULL },
	{ "wait for a connection", begin_listener, run_readable,
	  feed_connection, NULL },
	{ "wait for several", begin_two, run_either, feed_bytes, NULL },
	{ "wait for time", begin_pair, run_time, NULL, NULL },
	{ "connect, accept, write", begin_listener, run_echo, NULL, NULL },
};

STOPS_MAIN(rows)
