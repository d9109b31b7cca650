/* SPDX-License-Identifier: MIT */
/* Peers that stop, stall, or talk nonsense; actors that end in the middle. */
#include "tls.h"

/* ---- a man in the middle ------------------------------------------------------------------ */

/* Passes on so many bytes of one direction, and all of the other one; then it cuts
 * both, or does nothing more. */
struct middle {
	struct heph_fd_handle ends[2]; /* towards the client, towards the server */
	int direction; /* that is cut: 0 from the client, 1 from the server */
	long limit;
	bool stalls;
	long passed[2];
	bool ended[2];
};

/* Returns whether to go on. */
static bool pass(heph_ctx ctx, struct middle *middle, heph_fd fds[2], int from)
{
	char *data;
	long n = heph_read_view(ctx, fds[from], &data), left;

	if (n == 0) {
		middle->ended[from] = true;
		(void)!heph_shutdown(ctx, fds[!from], SHUT_WR);
		return !middle->ended[!from];
	}
	if (n < 0)
		return false;
	left = middle->limit - middle->passed[from];
	if (from == middle->direction && n > left)
		n = left;
	middle->passed[from] += n;
	if (heph_write_all(ctx, fds[!from], data, (size_t)n) < 0)
		return false;
	heph_end_view(ctx, fds[from]);
	return from != middle->direction ||
	       middle->passed[from] < middle->limit;
}

static int next(heph_ctx ctx, const struct middle *middle, heph_fd fds[2])
{
	if (middle->ended[0])
		return heph_wait(ctx, heph_on_readable(fds[1])) < 0 ? -1 : 1;
	if (middle->ended[1])
		return heph_wait(ctx, heph_on_readable(fds[0])) < 0 ? -1 : 0;
	return heph_wait(ctx, heph_on_readable(fds[0]),
			 heph_on_readable(fds[1]));
}

static int relay(heph_ctx ctx, void *arg)
{
	struct middle *middle = arg;
	heph_fd fds[2];
	int from;

	for (int i = 0; i < 2; i++)
		must_be(heph_fd_take(ctx, middle->ends[i], &fds[i]), 0);
	if (middle->limit > 0)
		do
			from = next(ctx, middle, fds);
		while (from >= 0 && pass(ctx, middle, fds, from));
	if (middle->stalls)
		must_be(heph_sleep(ctx, HEPH_NEVER), -ECANCELED);
	return 0;
}

/* Returns how many bytes went in that direction. */
static long run_cut(heph_ctx ctx, struct both *both, int direction, long limit,
		    bool stalls)
{
	struct middle *middle = calloc(1, sizeof(*middle));
	struct end *ends[2] = { &both->client, &both->server };
	task_ref tasks[3];
	long passed;

	middle->direction = direction;
	middle->limit = limit;
	middle->stalls = stalls;
	for (int i = 0; i < 2; i++) {
		heph_fd fd = give_other(ctx, ends[i]);

		must_be(heph_fd_give(ctx, fd, &middle->ends[i]), 0);
	}
	tasks[0] = start_end(ctx, &both->client, HEPH_HERE);
	tasks[1] = start_end(ctx, &both->server, HEPH_HERE);
	tasks[2] = start_task(ctx, relay, middle);
	end_task(ctx, tasks[0]);
	end_task(ctx, tasks[1]);
	heph_stop(tasks[2]);
	end_task(ctx, tasks[2]);
	passed = middle->passed[direction];
	free(middle);
	return passed;
}

static bool is_cut(int err)
{
	return err == -ECONNRESET || err == -EPIPE || err == -ENOTCONN;
}

static struct both *new_cut(enum heph_tls_version version)
{
	struct heph_tls *client;

	must_be(heph_tls_client_new(&client, .ca_pem = kit()->ca.cert_pem,
				    .max_version = version,
				    .no_resumption = true),
		0);
	return new_both(new_server(), client);
}

static void free_cut(struct both *both)
{
	heph_tls_free(both->server.tls);
	heph_tls_free(both->client.tls);
	free(both);
}

/* At every byte of the client's, and many of the server's. */
static void cut_version(heph_ctx ctx, enum heph_tls_version version)
{
	struct both *both = new_cut(version);
	long all, step;

	for (int direction = 0; direction < 2; direction++) {
		all = run_cut(ctx, both, direction, 1 << 20, false);
		must_work(both);
		must(all > 200);
		step = direction == 0 ? 1 : 11;
		for (long limit = 0; limit < all - 40; limit += step) {
			run_cut(ctx, both, direction, limit, false);
			must(is_cut(both->server.result) ||
			     is_cut(both->client.result));
			must(both->server.result == 0 ||
			     is_cut(both->server.result));
			must(both->client.result == 0 ||
			     is_cut(both->client.result));
		}
	}
	free_cut(both);
}

static int cuts(heph_ctx ctx, void *arg)
{
	cut_version(ctx, HEPH_TLS_1_2);
	cut_version(ctx, HEPH_TLS_1_3);
	return 0;
}

static void ends_where_it_is_cut(void **state)
{
	run_simulated(cuts, 4);
}

static int some_cuts(heph_ctx ctx, void *arg)
{
	struct both *both = new_cut(HEPH_TLS_1_3);

	for (long limit = 0; limit < 300; limit += 37) {
		run_cut(ctx, both, 0, limit, false);
		must(is_cut(both->server.result) || is_cut(both->client.result));
		run_cut(ctx, both, 1, limit, false);
		must(is_cut(both->server.result) || is_cut(both->client.result));
	}
	free_cut(both);
	return 0;
}

static void leaves_nothing_where_it_is_cut(void **state)
{
	run_task(some_cuts);
}

/* Nothing more comes: the deadline ends it, in a world where that takes no time. */
static int stalls(heph_ctx ctx, void *arg)
{
	struct both *both = new_cut(HEPH_TLS_1_3);
	heph_time began;

	for (int direction = 0; direction < 2; direction++)
		for (long limit = 0; limit < 250; limit += 23) {
			began = heph_now();
			run_cut(ctx, both, direction, limit, true);
			must(both->server.result == -ETIME ||
			     is_cut(both->server.result));
			must(both->client.result == -ETIME ||
			     is_cut(both->client.result));
			must(both->server.result == -ETIME ||
			     both->client.result == -ETIME);
			must(heph_now() - began >= 10 * HEPH_SEC);
			must(heph_now() - began < 40 * HEPH_SEC);
		}
	free_cut(both);
	return 0;
}

static void waits_no_longer_than_its_deadline(void **state)
{
	run_simulated(stalls, 5);
}

/* ---- nonsense ------------------------------------------------------------------------------- */

/* What a peer sends that speaks no TLS, and what it gets. */
struct nonsense {
	const char *bytes;
	size_t size;
	int err;
	const char *text;
	bool alert; /* it is told */
};

#define BYTES(text) text, sizeof(text) - 1
static const struct nonsense nonsenses[] = {
	{ BYTES("GET / HTTP/1.1\r\nHost: a\r\n\r\n"), -EPROTO, "http request",
	  false },
	{ BYTES("SSH-2.0-OpenSSH_9.2\r\n"), -EPROTO, "TLS: ", false },
	{ BYTES("\0\0\0\0\0\0\0\0\0\0\0\0"), -EPROTO, "wrong version", false },
	{ BYTES("\x16\x03\x01\xff\xff aaaa"), -EPROTO, "TLS: ",
	  true },
	{ BYTES("\x16\x03\x01\x00\x05\x02\x00\x00\x01\x00"), -EPROTO,
	  "unexpected message", true },
	{ BYTES("\x16\x03\x01\x00\x04\x01\xff\xff\xff"), -EPROTO, "TLS: ", true },
	{ BYTES("\x15\x03\x01\x00\x02\x02\x28"), -EPROTO,
	  "unexpected message", true },
	{ BYTES("\x17\x03\x03\x00\x02\x02\x28"), -EPROTO, "TLS: ", true },
	{ BYTES("\x80\x2e\x01\x03\x01"), -ECONNRESET, "cut", true },
	{ BYTES("\x16"), -ECONNRESET, "cut", true },
	{ BYTES(""), -ECONNRESET, "cut", true },
};

static int talk_nonsense(heph_ctx ctx, void *arg)
{
	const struct nonsense *it = arg;
	struct both *both = new_cut(HEPH_TLS_1_3);
	heph_fd fd = give_other(ctx, &both->server);
	task_ref task = start_end(ctx, &both->server, HEPH_HERE);
	char answer[100];
	int n;

	must_be(heph_write_all(ctx, fd, it->bytes, it->size), 0);
	must_be(heph_shutdown(ctx, fd, SHUT_WR), 0);
	n = heph_read(ctx, fd, answer, sizeof(answer));
	end_task(ctx, task);
	if (both->server.result != it->err ||
	    !strstr(both->server.text, it->text))
		fprintf(stderr, "%s: %d %s\n", it->bytes, both->server.result,
			both->server.text);
	must_be(both->server.result, it->err);
	must(strstr(both->server.text, it->text));
	must(it->alert ? n == 7 && answer[0] == 0x15 : n <= 0);
	heph_close(fd);
	free_cut(both);
	return 0;
}

static int all_nonsense(heph_ctx ctx, void *arg)
{
	for (size_t i = 0; i < sizeof(nonsenses) / sizeof(*nonsenses); i++)
		talk_nonsense(ctx, (void *)(uintptr_t)&nonsenses[i]);
	return 0;
}

static void refuses_what_is_no_tls(void **state)
{
	run_task(all_nonsense);
}

/* ---- an actor that ends --------------------------------------------------------------------- */

enum how { STOPPED, PANICKED, RETURNED, HOWS };

struct ending {
	struct end end;
	enum how how;
	bool connected;
	bool ready; /* it has shaken hands */
};

static int end_in(heph_ctx ctx, void *arg)
{
	struct ending *ending = arg;
	struct heph_stream stream;
	heph_ctx hurry = ending->how == STOPPED ? ctx :
						  heph_within(ctx, HEPH_MSEC);
	char *data;
	heph_fd fd;
	int err;

	must_be(heph_fd_take(ctx, ending->end.fd, &fd), 0);
	if (ending->end.host)
		err = heph_tls_connect(hurry, ending->end.tls, fd,
				       ending->end.host, &stream);
	else
		err = heph_tls_accept(hurry, ending->end.tls, fd, &stream);
	if (ending->connected) {
		must_be(err, 0);
		ending->ready = true;
		err = heph_stream_read(hurry, &stream, &data);
	}
	must(err == -ECANCELED || (err == -ETIME && ending->how != STOPPED));
	if (ending->how == PANICKED)
		heph_panic(ctx, "on purpose");
	return 0;
}

/* The peer never says a thing, or stops when they have shaken hands. */
static int end_somehow(heph_ctx ctx, struct both *both, bool server,
		       enum how how, bool connected)
{
	struct end *other = server ? &both->client : &both->server;
	struct ending *ending = calloc(1, sizeof(*ending));
	task_ref task, peer = { { { 0 } } };
	heph_fd fd;

	ending->end = server ? both->server : both->client;
	ending->how = how;
	ending->connected = connected;
	fd = give_other(ctx, &ending->end);
	if (connected) {
		must_be(heph_fd_give(ctx, fd, &other->fd), 0);
		peer = start_end(ctx, other, HEPH_HERE);
	}
	task = start_task(ctx, end_in, ending);
	do
		must_be(heph_sleep(ctx, 2 * HEPH_MSEC), 0);
	while (connected && !ending->ready);
	heph_stop(task);
	(void)!heph_join(ctx, task, NULL);
	if (connected)
		end_task(ctx, peer);
	else
		heph_close(fd);
	free(ending);
	return 0;
}

static int keep_quiet(heph_ctx ctx, struct heph_stream *stream, void *arg)
{
	char *data;

	return heph_stream_read(ctx, stream, &data);
}

static int endings(heph_ctx ctx, void *arg)
{
	struct both *both = new_cut(HEPH_TLS_1_3);

	both->client.fn = keep_quiet;
	both->server.fn = keep_quiet;
	for (int how = 0; how < HOWS; how++) {
		end_somehow(ctx, both, true, how, false);
		end_somehow(ctx, both, false, how, false);
	}
	end_somehow(ctx, both, true, STOPPED, true);
	end_somehow(ctx, both, false, STOPPED, true);
	free_cut(both);
	return 0;
}

static void leaves_nothing_however_its_actor_ends(void **state)
{
	struct heph_config config = { .workers = 1, .no_signals = true };
	struct counts before;
	heph_ctx ctx;

	must_be(heph_new(&ctx, &config), 0);
	end_task(ctx, start_task(ctx, endings, NULL));
	before = settled_counts(ctx);
	for (int i = 0; i < 3; i++)
		end_task(ctx, start_task(ctx, endings, NULL));
	await_counts(ctx, &before);
	heph_free(ctx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ends_where_it_is_cut),
		cmocka_unit_test(leaves_nothing_where_it_is_cut),
		cmocka_unit_test(waits_no_longer_than_its_deadline),
		cmocka_unit_test(refuses_what_is_no_tls),
		cmocka_unit_test(leaves_nothing_however_its_actor_ends),
	};

	setenv("HEPH_LOG", "off", 0); /* actors fail on purpose */
	return cmocka_run_group_tests(tests, NULL, free_kit);
}
