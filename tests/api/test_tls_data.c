/* SPDX-License-Identifier: MIT */
/* Bytes through streams of TLS, and how they end. */
#include "tls.h"

static struct both *new_pair(end_fn server, end_fn client, void *arg)
{
	struct both *both = new_both(new_server(), new_client());

	both->server.fn = server;
	both->client.fn = client;
	both->server.arg = both->client.arg = arg;
	return both;
}

static void free_pair(struct both *both)
{
	heph_tls_free(both->server.tls);
	heph_tls_free(both->client.tls);
	free(both);
}

static void run_pair(heph_ctx ctx, end_fn server, end_fn client, void *arg)
{
	struct both *both = new_pair(server, client, arg);

	run_both(ctx, both);
	must_work(both);
	free_pair(both);
}

static unsigned char byte_at(size_t at)
{
	return (unsigned char)(at * 31 + (at >> 11));
}

/* Says that it ends, and waits for the other one: who closes while there is something
 * to read, a ticket for example, resets the connection. */
static int end_both(heph_ctx ctx, struct heph_stream *stream, int err)
{
	char *data;

	if (err == 0)
		err = heph_stream_end(ctx, stream);
	return err < 0 ? err : heph_stream_read(ctx, stream, &data);
}

/* ---- much ------------------------------------------------------------------------------- */

enum { MUCH = 3 << 20, STEP = 100 * 1000 };

static char *make_bytes(size_t from, size_t n)
{
	char *bytes = malloc(n);

	for (size_t i = 0; i < n; i++)
		bytes[i] = (char)byte_at(from + i);
	return bytes;
}

static int send_much(heph_ctx ctx, struct heph_stream *stream, void *arg)
{
	char *bytes = make_bytes(0, MUCH);
	struct iovec piece = { bytes, MUCH };
	int err = heph_stream_write(ctx, stream, &piece, 1);

	free(bytes);
	return end_both(ctx, stream, err);
}

static int take_much(heph_ctx ctx, struct heph_stream *stream, void *arg)
{
	size_t at = 0;
	char *data;
	int n;

	while ((n = heph_stream_read(ctx, stream, &data)) > 0)
		for (int i = 0; i < n; i++, at++)
			must((unsigned char)data[i] == byte_at(at));
	must_be(n, 0);
	must_be(at, MUCH);
	must_be(heph_stream_read(ctx, stream, &data), 0); /* still */
	return heph_stream_end(ctx, stream);
}

static int much(heph_ctx ctx, void *arg)
{
	run_pair(ctx, send_much, take_much, NULL);
	run_pair(ctx, take_much, send_much, NULL);
	return 0;
}

static void carries_megabytes(void **state)
{
	run_task(much);
	run_simulated(much, 2);
}

/* Both send and receive, in turns that the sockets have room for. */
static int swap_much(heph_ctx ctx, struct heph_stream *stream, void *arg)
{
	size_t sent = 0, got = 0;
	char *data;
	int n = 0;

	while (got < MUCH) {
		if (sent < MUCH && sent <= got) {
			char *bytes = make_bytes(sent, STEP);
			struct iovec piece = { bytes, STEP };

			if (MUCH - sent < STEP)
				piece.iov_len = MUCH - sent;
			must_be(heph_stream_write(ctx, stream, &piece, 1), 0);
			sent += piece.iov_len;
			free(bytes);
		}
		n = heph_stream_read(ctx, stream, &data);
		must(n > 0);
		for (int i = 0; i < n; i++, got++)
			must((unsigned char)data[i] == byte_at(got));
	}
	must_be(heph_stream_end(ctx, stream), 0);
	return heph_stream_read(ctx, stream, &data);
}

static int both_ways(heph_ctx ctx, void *arg)
{
	run_pair(ctx, swap_much, swap_much, NULL);
	return 0;
}

static void carries_megabytes_both_ways_at_once(void **state)
{
	run_task(both_ways);
}

/* ---- pieces ------------------------------------------------------------------------------- */

enum { PIECES = 40 };

static int send_pieces(heph_ctx ctx, struct heph_stream *stream, void *arg)
{
	struct iovec pieces[PIECES];
	size_t at = 0, round, size;
	int err = 0;

	for (round = 0; err == 0 && round < 20; round++) {
		for (size_t i = 0; i < PIECES; i++) {
			size = (i * round * 97) % (i % 7 == 3 ? 30000 : 400);
			if (i % 5 == 0)
				size = 0;
			pieces[i].iov_len = size;
			pieces[i].iov_base = make_bytes(at, size);
			at += size;
		}
		err = heph_stream_write(ctx, stream, pieces, PIECES);
		for (size_t i = 0; i < PIECES; i++)
			free(pieces[i].iov_base);
	}
	*(size_t *)arg = at;
	must_be(heph_stream_write(ctx, stream, NULL, 0), 0);
	return end_both(ctx, stream, err);
}

static int take_pieces(heph_ctx ctx, struct heph_stream *stream, void *arg)
{
	size_t at = 0;
	char *data;
	int n;

	while ((n = heph_stream_read(ctx, stream, &data)) > 0) {
		for (int i = 0; i < n; i++, at++)
			must((unsigned char)data[i] == byte_at(at));
		data[0] = 0; /* it may be written to */
		heph_stream_unread(ctx, stream);
		heph_stream_unread(ctx, stream);
	}
	must_be(n, 0);
	must_be(at, *(size_t *)arg);
	return heph_stream_end(ctx, stream);
}

static int in_pieces(heph_ctx ctx, void *arg)
{
	size_t *total = calloc(1, sizeof(*total));

	run_pair(ctx, send_pieces, take_pieces, total);
	must(*total > 100000);
	free(total);
	return 0;
}

static void writes_pieces_of_all_sizes(void **state)
{
	run_task(in_pieces);
}

/* ---- records ------------------------------------------------------------------------------ */

struct sizes {
	int n, at[8];
};

static int note_sizes(heph_ctx ctx, struct heph_stream *stream, void *arg)
{
	struct sizes *sizes = arg;
	char *data;
	int n;

	while ((n = heph_stream_read(ctx, stream, &data)) > 0)
		if (sizes->n < 8)
			sizes->at[sizes->n++] = n;
	return n < 0 ? n : heph_stream_end(ctx, stream);
}

static int send_sizes(heph_ctx ctx, struct heph_stream *stream, void *arg)
{
	char *bytes = calloc(1, 60000);
	struct iovec all = { bytes, 60000 };
	struct iovec pieces[3] = { { bytes, 100 }, { bytes, 0 }, { bytes, 500 } };
	int err = heph_stream_write(ctx, stream, pieces, 3);

	if (err == 0)
		err = heph_stream_write(ctx, stream, &all, 1);
	free(bytes);
	return end_both(ctx, stream, err);
}

static int record_sizes(heph_ctx ctx, void *arg)
{
	static const int wanted[] = { 600,  4096,  4096,  4096,
				      4096, 16384, 16384, 10848 };
	struct sizes *sizes = calloc(1, sizeof(*sizes));

	run_pair(ctx, note_sizes, send_sizes, sizes);
	must_be(sizes->n, 8);
	for (int i = 0; i < 8; i++)
		must_be(sizes->at[i], wanted[i]);
	free(sizes);
	return 0;
}

static void begins_with_small_records(void **state)
{
	run_task(record_sizes);
}

/* ---- the end ------------------------------------------------------------------------------- */

/* The other half goes on after one has ended. */
static int answer_later(heph_ctx ctx, struct heph_stream *stream, void *arg)
{
	char buf[10];

	must_be(read_all(ctx, stream, buf, sizeof(buf)), 5);
	must_be(write_text(ctx, stream, "late"), 0);
	must_be(heph_stream_end(ctx, stream), 0);
	must_be(write_text(ctx, stream, "later"), -EPIPE);
	return heph_stream_end(ctx, stream) == 0 ? 0 : -EIO; /* once more */
}

static int ask_early(heph_ctx ctx, struct heph_stream *stream, void *arg)
{
	char buf[10];

	must_be(write_text(ctx, stream, "hello"), 0);
	must_be(heph_stream_end(ctx, stream), 0);
	must_be(write_text(ctx, stream, "more"), -EPIPE);
	must(strstr(heph_tls_error_text(), "has ended"));
	must_be(read_all(ctx, stream, buf, sizeof(buf)), 4);
	return 0;
}

static int halves(heph_ctx ctx, void *arg)
{
	run_pair(ctx, answer_later, ask_early, NULL);
	return 0;
}

static void ends_one_half(void **state)
{
	run_task(halves);
	run_simulated(halves, 3);
}

static int leave(heph_ctx ctx, struct heph_stream *stream, void *arg)
{
	return write_text(ctx, stream, "so much");
}

static int must_be_cut(heph_ctx ctx, struct heph_stream *stream, void *arg)
{
	char buf[10];

	must_be(read_all(ctx, stream, buf, sizeof(buf)), -ECONNRESET);
	must_be(memcmp(buf, "so much", 7), 0);
	must(strstr(heph_tls_error_text(), "cut"));
	must_be(read_all(ctx, stream, buf, sizeof(buf)), -ECONNRESET);
	must_be(write_text(ctx, stream, "hello"), -ECONNRESET);
	must(strstr(heph_tls_error_text(), "cut"));
	must_be(heph_stream_end(ctx, stream), -ECONNRESET);
	return 0;
}

static int cut(heph_ctx ctx, void *arg)
{
	run_pair(ctx, must_be_cut, leave, NULL);
	run_pair(ctx, leave, must_be_cut, NULL);
	return 0;
}

static void tells_a_cut_from_an_end(void **state)
{
	run_task(cut);
}

/* A deadline, and then it goes on: nothing is lost. */
static int read_hastily(heph_ctx ctx, struct heph_stream *stream, void *arg)
{
	char *data;

	must_be(heph_stream_read(heph_within(ctx, 0), stream, &data), -ETIME);
	must_be(write_text(ctx, stream, "go"), 0);
	must_be(heph_stream_read(ctx, stream, &data), 2);
	must_be(memcmp(data, "on", 2), 0);
	return end_both(ctx, stream, 0);
}

static int go_on(heph_ctx ctx, struct heph_stream *stream, void *arg)
{
	char *data;

	must_be(heph_stream_read(ctx, stream, &data), 2);
	must_be(write_text(ctx, stream, "on"), 0);
	must_be(heph_stream_read(ctx, stream, &data), 0);
	return heph_stream_end(ctx, stream);
}

static int hasty(heph_ctx ctx, void *arg)
{
	run_pair(ctx, go_on, read_hastily, NULL);
	return 0;
}

static void goes_on_after_a_deadline(void **state)
{
	run_task(hasty);
}

/* A peer that does not read: what is left is written later. */
static int write_hastily(heph_ctx ctx, struct heph_stream *stream, void *arg)
{
	char *bytes = make_bytes(0, MUCH);
	struct iovec pieces[20]; /* more than sockets hold */
	int *told = arg;

	for (int i = 0; i < 20; i++)
		pieces[i] = (struct iovec){ bytes, MUCH };
	must_be(heph_stream_write(heph_within(ctx, 10 * HEPH_MSEC), stream,
				  pieces, 20),
		-ETIME);
	free(bytes);
	*told = 1;
	return end_both(ctx, stream, 0);
}

static int read_slowly(heph_ctx ctx, struct heph_stream *stream, void *arg)
{
	const int *told = arg;
	char *data;
	size_t at = 0;
	int n;

	while (!*told)
		must_be(heph_sleep(ctx, HEPH_MSEC), 0);
	while ((n = heph_stream_read(ctx, stream, &data)) > 0)
		for (int i = 0; i < n; i++, at++)
			must((unsigned char)data[i] == byte_at(at % MUCH));
	must_be(n, 0);
	must(at > 0 && at < (size_t)20 * MUCH);
	return heph_stream_end(ctx, stream);
}

static int slow(heph_ctx ctx, void *arg)
{
	int *told = calloc(1, sizeof(*told));

	run_pair(ctx, read_slowly, write_hastily, told);
	free(told);
	return 0;
}

static void writes_no_half_of_a_record(void **state)
{
	run_task(slow);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(carries_megabytes),
		cmocka_unit_test(carries_megabytes_both_ways_at_once),
		cmocka_unit_test(writes_pieces_of_all_sizes),
		cmocka_unit_test(begins_with_small_records),
		cmocka_unit_test(ends_one_half),
		cmocka_unit_test(tells_a_cut_from_an_end),
		cmocka_unit_test(goes_on_after_a_deadline),
		cmocka_unit_test(writes_no_half_of_a_record),
	};

	return cmocka_run_group_tests(tests, NULL, free_kit);
}
