/* SPDX-License-Identifier: MIT */
/* Addresses of names, connections by name: stopped wherever they wait. */
#include "stops.h"

#include "../../api/names.h"

static struct bad_server server;

/* ---- addresses ---------------------------------------------------------------- */

static int look_up(heph_ctx ctx, const char *host)
{
	struct heph_address found[4];
	int n = heph_resolve(ctx, host, "80", AF_UNSPEC, found, 4);

	if (n == -ENOSYS || n == -ETIMEDOUT) /* without c-ares; the machine paused */
		return 0;
	return n;
}

static int run_resolve(heph_ctx ctx, struct stops *it)
{
	return look_up(ctx, "a.bad");
}

static int run_resolves(heph_ctx ctx, struct stops *it)
{
	int n = 1;

	for (int i = 0; i < 3 && n > 0; i++)
		n = look_up(ctx, i == 1 ? "localhost" : "a.bad");
	return n;
}

/* Until the resolver gives up by itself. */
static int run_resolve_in_vain(heph_ctx ctx, struct stops *it)
{
	return look_up(ctx, "silent.bad");
}

/* ---- connections --------------------------------------------------------------- */

/* Nobody accepts; the kernel makes the connections. */
static void begin_listener(heph_ctx ctx, struct stops *it)
{
	int port = 0;

	it->other = bound(SOCK_STREAM, &port);
	must(it->other >= 0);
	must_be(listen(it->other, 8), 0);
	it->n = port;
}

static int connect_name(heph_ctx ctx, struct stops *it, const char *name)
{
	char text[64];
	heph_fd fd;
	int err;

	snprintf(text, sizeof(text), "%s:%ld", name, it->n);
	err = heph_connect(ctx, text, &fd);
	if (err == 0)
		heph_close(fd);
	return err == -ENOSYS || err == -ETIMEDOUT ? 0 : err;
}

static int run_connect(heph_ctx ctx, struct stops *it)
{
	return connect_name(ctx, it, "localhost");
}

static int run_connect_name(heph_ctx ctx, struct stops *it)
{
	return connect_name(ctx, it, "a.bad");
}

/* The addresses of one family do not come; the first attempt waits for them. */
static int run_connect_half(heph_ctx ctx, struct stops *it)
{
	return connect_name(ctx, it, "no6.bad");
}

static int run_connect_nobody(heph_ctx ctx, struct stops *it)
{
	int err = connect_name(ctx, it, "localhost");

	return err == -ECONNREFUSED ? 0 : err;
}

static void begin_nobody(heph_ctx ctx, struct stops *it)
{
	it->n = free_port();
}

static const struct stops_row rows[] = {
	{ "connect", begin_listener, run_connect, NULL, NULL },
	{ "connect to nobody", begin_nobody, run_connect_nobody, NULL, NULL },
	{ "resolve", NULL, run_resolve, NULL, NULL },
	{ "resolve several", NULL, run_resolves, NULL, NULL },
	{ "resolve in vain", NULL, run_resolve_in_vain, NULL, NULL },
	{ "connect by name", begin_listener, run_connect_name, NULL, NULL },
	{ "connect by half", begin_listener, run_connect_half, NULL, NULL },
};

/* The resolver is kept busy from the first row on that needs it, so that its
 * descriptors are there whenever they are counted. */
static void nothing_is_left(void **state)
{
	setenv("RES_OPTIONS", "retrans:20 retry:1", 1);
	start_bad_server(&server);
	stops_run(rows, sizeof(rows) / sizeof(*rows));
	stop_bad_server(&server);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_left),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
