/* SPDX-License-Identifier: MIT */
/* Memory of TLS: when there is none, and how much an idle connection has. */
#include "tls.h"

#include <malloc.h>
#include <stdatomic.h>

/* OpenSSL and the library have theirs from here. */
static _Atomic long left = -1; /* allocations that succeed; -1: all */
static _Atomic long in_use;    /* bytes */
static _Atomic long failed;

static bool may(void)
{
	long now = left;

	if (now < 0)
		return true;
	if (now > 0) {
		left = now - 1;
		return true;
	}
	failed++;
	return false;
}

static void *counted(void *ptr)
{
	if (ptr)
		in_use += (long)malloc_usable_size(ptr);
	return ptr;
}

static void *get(size_t size, const char *file, int line)
{
	return may() ? counted(malloc(size)) : NULL;
}

static void put(void *ptr, const char *file, int line)
{
	if (ptr)
		in_use -= (long)malloc_usable_size(ptr);
	free(ptr);
}

static void *resize(void *ptr, size_t size, const char *file, int line)
{
	if (!may())
		return NULL;
	if (ptr)
		in_use -= (long)malloc_usable_size(ptr);
	return counted(realloc(ptr, size));
}

/* ---- none ------------------------------------------------------------------------------------ */

/* The n-th allocation fails, and those after it: something fails, or is not needed,
 * and nothing is left. */
static int starve(heph_ctx ctx, void *arg)
{
	struct heph_tls *server = new_server(), *client = new_client();
	struct both *both;
	bool all = false;
	long step = 1;

	/* What OpenSSL has not found once, for want of memory, it does not look for
	 * again: so it finds all it needs first. */
	both = new_both(server, client);
	run_both(ctx, both);
	must_work(both);
	free(both);
	for (long n = 0; !all; n += step) {
		both = new_both(server, client);
		failed = 0;
		left = n;
		run_both(ctx, both);
		left = -1;
		all = failed == 0;
		if (all)
			must_work(both);
		/* Cutting a connection is what the other one sees. */
		must(both->server.result <= 0 && both->client.result <= 0);
		if (both->server.result < 0)
			must(both->server.text[0]);
		if (n > 100)
			step = 13;
		free(both);
	}
	heph_tls_free(server);
	heph_tls_free(client);
	return 0;
}

static void leaves_nothing_without_memory(void **state)
{
	run_task(starve);
}

static void makes_none_without_memory(void **state)
{
	struct heph_tls *tls;
	long before, n;
	int err;

	for (int round = 0; round < 2; round++) {
		before = in_use;
		for (n = 0, err = -ENOMEM; err < 0; n += n < 50 ? 1 : 59) {
			failed = 0;
			left = n;
			err = heph_tls_server_new(
				&tls, .cert = { .pem = kit()->server.pem },
				.more_certs = &(struct heph_tls_cert){
					.pem = kit()->client.pem },
				.n_more_certs = 1, .alpn = "h2",
				.verify = HEPH_TLS_VERIFY_OPTIONAL,
				.ca_pem = kit()->ca.cert_pem);
			left = -1;
			must(err == 0 || heph_tls_error_text()[0]);
			must(err == 0 || failed > 0);
			if (err == 0)
				heph_tls_free(tls);
		}
	}
	must_be(in_use, before);
}

/* ---- idle ------------------------------------------------------------------------------------ */

enum { IDLE = 50, IDLE_MAX = 20 * 1024 };

static int wait_for_end(heph_ctx ctx, struct heph_stream *stream, void *arg)
{
	_Atomic int *ready = arg;
	char *data;
	int n;

	must_be(write_text(ctx, stream, "ready"), 0);
	must_be(heph_stream_read(ctx, stream, &data), 5);
	heph_stream_unread(ctx, stream);
	++*ready;
	n = heph_stream_read(ctx, stream, &data);
	return n < 0 ? n : heph_stream_end(ctx, stream);
}

static int end_when_told(heph_ctx ctx, struct heph_stream *stream, void *arg)
{
	_Atomic int *ready = arg;
	char *data;
	int n;

	must_be(write_text(ctx, stream, "ready"), 0);
	must_be(heph_stream_read(ctx, stream, &data), 5);
	must_be(heph_stream_read(heph_within(ctx, 0), stream, &data), -ETIME);
	++*ready;
	while (*ready < 100000)
		must_be(heph_sleep(ctx, HEPH_MSEC), 0);
	n = heph_stream_end(ctx, stream);
	return n < 0 ? n : heph_stream_read(ctx, stream, &data);
}

/* Without tickets: OpenSSL 3.0 keeps 16 KiB in a client that has got one. */
static int idle(heph_ctx ctx, void *arg)
{
	struct heph_tls *server, *client = new_client();
	_Atomic int *ready = calloc(1, sizeof(*ready));
	struct both *both[IDLE];
	task_ref tasks[IDLE][2];
	long before, each;
	heph_fd fd;

	must_be(heph_tls_server_new(&server, .cert = { .pem = kit()->server.pem },
				    .no_resumption = true),
		0);
	before = in_use;
	for (int i = 0; i < IDLE; i++) {
		both[i] = new_both(server, client);
		both[i]->server.fn = wait_for_end;
		both[i]->client.fn = end_when_told;
		both[i]->server.arg = both[i]->client.arg = ready;
		fd = give_other(ctx, &both[i]->server);
		must_be(heph_fd_give(ctx, fd, &both[i]->client.fd), 0);
		tasks[i][0] = start_end(ctx, &both[i]->server, HEPH_HERE);
		tasks[i][1] = start_end(ctx, &both[i]->client, HEPH_HERE);
	}
	while (*ready < 2 * IDLE)
		must_be(heph_sleep(ctx, HEPH_MSEC), 0);
	each = (in_use - before) / IDLE / 2;
	if (getenv("TEST_TELL"))
		printf("an idle connection: %ld bytes, the mean of both ends\n",
		       each);
	must(each < IDLE_MAX);
	*ready = 100000;
	for (int i = 0; i < IDLE; i++) {
		end_task(ctx, tasks[i][0]);
		end_task(ctx, tasks[i][1]);
		must_work(both[i]);
		free(both[i]);
	}
	free(ready);
	heph_tls_free(server);
	heph_tls_free(client);
	return 0;
}

static void has_no_buffers_while_idle(void **state)
{
	run_task(idle);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(leaves_nothing_without_memory),
		cmocka_unit_test(makes_none_without_memory),
		cmocka_unit_test(has_no_buffers_while_idle),
	};

	must_be(CRYPTO_set_mem_functions(get, resize, put), 1);
	setenv("HEPH_LOG", "off", 0);
	return cmocka_run_group_tests(tests, NULL, free_kit);
}
