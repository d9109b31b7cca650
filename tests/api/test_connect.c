/* SPDX-License-Identifier: MIT */
/* Connecting by name: which address wins, and what is left of the others. */
#include "names.h"

enum { FILLERS = 16 };

static pid_t dnsmasq;
static int dnsmasq_log;
static bool can_ask; /* there are c-ares and dnsmasq */

static void at_port(char *text, const char *host, int port)
{
	snprintf(text, HEPH_ADDRESS_MAX, "%s:%d", host, port);
}

static heph_fd listen_at(heph_ctx ctx, const char *host, int port)
{
	char text[HEPH_ADDRESS_MAX];
	heph_fd listener;

	at_port(text, host, port);
	must_be(heph_listen(ctx, text, &listener), 0);
	return listener;
}

static int connect_at(heph_ctx ctx, const char *host, int port, heph_fd *ret_fd)
{
	char text[HEPH_ADDRESS_MAX];

	at_port(text, host, port);
	return heph_connect(ctx, text, ret_fd);
}

static void must_reach(heph_ctx ctx, const char *name, int port,
		       heph_fd listener, const char *address)
{
	char wanted[HEPH_ADDRESS_MAX], peer[HEPH_ADDRESS_MAX];
	heph_fd client, server;
	int flags, err = connect_at(ctx, name, port, &client);

	if (err < 0)
		fprintf(stderr, "%s: %d\n", name, err);
	must_be(err, 0);
	must_be(heph_accept(ctx, listener, &server), 0);
	at_port(wanted, address, port);
	must_be(heph_peer_address(ctx, client, peer), 0);
	must_be(strcmp(peer, wanted), 0);
	flags = fcntl(heph_fd_number(ctx, client), F_GETFL);
	must(!(flags & O_NONBLOCK));
	must_be(heph_write(ctx, client, "x", 1), 1);
	must_be(heph_read(ctx, server, peer, 1), 1);
	heph_close(client);
	heph_close(server);
}

/* ---- addresses that nobody serves ------------------------------------------------- */

/* A listener whose queue is full: the kernel drops who wants to connect. */
struct black_hole {
	int listener, fillers[FILLERS];
};

static void open_black_hole(struct black_hole *hole, const char *host, int port)
{
	struct sockaddr_in address = loopback(port);
	int on = 1;

	must_be(inet_pton(AF_INET, host, &address.sin_addr), 1);
	hole->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	must(hole->listener >= 0);
	must_be(setsockopt(hole->listener, SOL_SOCKET, SO_REUSEADDR, &on,
			   sizeof(on)),
		0);
	must_be(bind(hole->listener, (void *)&address, sizeof(address)), 0);
	must_be(listen(hole->listener, 0), 0);
	for (int i = 0; i < FILLERS; i++) {
		hole->fillers[i] = socket(
			AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		must(hole->fillers[i] >= 0);
		(void)!connect(hole->fillers[i], (void *)&address,
			       sizeof(address));
	}
}

static void close_black_hole(struct black_hole *hole)
{
	for (int i = 0; i < FILLERS; i++)
		close(hole->fillers[i]);
	close(hole->listener);
}

/* ---- localhost --------------------------------------------------------------------- */

static int either_family(heph_ctx ctx, void *arg)
{
	heph_fd listener = listen_at(ctx, "127.0.0.1", 0);
	heph_fd other;
	int port = port_of(ctx, listener);

	must_reach(ctx, "localhost", port, listener, "127.0.0.1");
	must_reach(ctx, "a.localhost", port, listener, "127.0.0.1");
	heph_close(listener);
	must_be(connect_at(ctx, "localhost", port, &other), -ECONNREFUSED);
	listener = listen_at(ctx, "[::1]", 0);
	must_reach(ctx, "LOCALHOST", port_of(ctx, listener), listener, "[::1]");
	heph_close(listener);
	return 0;
}

static void who_refuses_is_passed_over(void **state)
{
	run_task(either_family);
	run_thread(either_family);
}

static int wrong(heph_ctx ctx, void *arg)
{
	static const char *const texts[] = {
		"",
		"localhost",
		"localhost:",
		":http",
		"a:b:1",
		"[localhost]:1",
		"127.0.0.300:1",
		"1.2.3:1",
		"localhost:99999",
	};
	heph_fd fd;

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		must_be(heph_connect(ctx, texts[i], &fd), -EINVAL);
	return 0;
}

static void what_is_no_address_and_no_name_is_refused(void **state)
{
	run_task(wrong);
	run_thread(wrong);
}

/* ---- by a name server ---------------------------------------------------------------- */

static int by_name(heph_ctx ctx, void *arg)
{
	heph_fd listener = listen_at(ctx, "127.0.0.1", 0), other;
	int port = port_of(ctx, listener);

	must_reach(ctx, "both.test", port, listener, "127.0.0.1");
	must_reach(ctx, "two.test", port, listener, "127.0.0.1");
	must_be(connect_at(ctx, "four.test", port, &other), -ECONNREFUSED);
	must_be(connect_at(ctx, "big.test", port, &other), -ECONNREFUSED);
	must_be(connect_at(ctx, "nobody.test", port, &other), -ENOENT);
	must_be(connect_at(ctx, "text.test", port, &other), -ENODATA);
	must_be(heph_connect(ctx, "four.test:none-such", &other), -EINVAL);
	heph_close(listener);
	return 0;
}

static void connects_to_a_name(void **state)
{
	if (!can_ask)
		skip();
	run_task(by_name);
	run_thread(by_name);
}

static int both_families(heph_ctx ctx, void *arg)
{
	heph_fd six = listen_at(ctx, "[::1]", 0), four;
	int port = port_of(ctx, six);
	char text[HEPH_ADDRESS_MAX];

	at_port(text, "127.0.0.1", port);
	if (heph_listen(ctx, text, &four) < 0) /* it is somebody else's */
		return 0;
	must_reach(ctx, "both.test", port, six, "[::1]");
	heph_close(six);
	must_reach(ctx, "both.test", port, four, "127.0.0.1");
	heph_close(four);
	return 0;
}

static void the_newer_family_is_tried_first(void **state)
{
	if (!can_ask)
		skip();
	run_task(both_families);
}

/* Without the second attempt this would take minutes. */
static void overtake(heph_ctx ctx, const char *silent, const char *answering)
{
	struct black_hole hole;
	heph_fd listener = listen_at(ctx, answering, 0);
	int port = port_of(ctx, listener);

	open_black_hole(&hole, silent, port);
	must_reach(ctx, "two.test", port, listener, answering);
	heph_close(listener);
	close_black_hole(&hole);
}

/* Whichever comes first. */
static int past_black_hole(heph_ctx ctx, void *arg)
{
	overtake(ctx, "127.0.0.1", "127.0.0.2");
	overtake(ctx, "127.0.0.2", "127.0.0.1");
	return 0;
}

static void who_does_not_answer_is_overtaken(void **state)
{
	if (!can_ask)
		skip();
	run_task(past_black_hole);
	run_thread(past_black_hole);
}

static int late(heph_ctx ctx, void *arg)
{
	struct black_hole holes[2];
	int port = free_port();
	heph_fd fd;

	open_black_hole(&holes[0], "127.0.0.1", port);
	open_black_hole(&holes[1], "127.0.0.2", port);
	must_be(connect_at(heph_within(ctx, 0), "two.test", port, &fd), -ETIME);
	must_be(connect_at(heph_within(ctx, 600 * HEPH_MSEC), "two.test", port,
			   &fd),
		-ETIME);
	close_black_hole(&holes[0]);
	close_black_hole(&holes[1]);
	return 0;
}

static void nothing_is_left_after_a_deadline(void **state)
{
	if (!can_ask)
		skip();
	run_task(late);
	run_thread(late);
}

static int connect_in_vain(heph_ctx ctx, void *arg)
{
	heph_fd fd;

	must_be(connect_at(ctx, "two.test", *(int *)arg, &fd), -ECANCELED);
	return 0;
}

/* At different moments: before the addresses are there, during the first
 * attempt, and the second. */
static int stopped(heph_ctx ctx, void *arg)
{
	static int port;
	struct black_hole holes[2];
	task_ref task;

	port = free_port();
	open_black_hole(&holes[0], "127.0.0.1", port);
	open_black_hole(&holes[1], "127.0.0.2", port);
	for (int i = 0; i < 8; i++) {
		task = start_task(ctx, connect_in_vain, &port);
		if (i)
			must_be(heph_sleep(ctx, i * i * 10 * HEPH_MSEC), 0);
		heph_stop(task);
		end_task(ctx, task);
	}
	close_black_hole(&holes[0]);
	close_black_hole(&holes[1]);
	return 0;
}

static void nothing_is_left_after_a_stop(void **state)
{
	if (!can_ask)
		skip();
	run_task(stopped);
}

/* ---- by one that answers for one family ------------------------------------------------ */

static int half_answered(heph_ctx ctx, void *arg)
{
	heph_fd listener = listen_at(ctx, "127.0.0.1", 0);

	must_reach(ctx, "no6.bad", port_of(ctx, listener), listener,
		   "127.0.0.1");
	heph_close(listener);
	listener = listen_at(ctx, "[::1]", 0);
	must_reach(ctx, "no4.bad", port_of(ctx, listener), listener, "[::1]");
	heph_close(listener);
	return 0;
}

/* That would take more than a minute. */
static void does_not_wait_for_the_other_family(void **state)
{
	struct bad_server server;

	if (!can_ask)
		skip();
	start_bad_server(&server);
	run_task(half_answered);
	run_thread(half_answered);
	stop_bad_server(&server);
}

static int failing(heph_ctx ctx, void *arg)
{
	heph_fd fd;

	must_be(connect_at(ctx, "fails.bad", 80, &fd), -EREMOTEIO);
	must_be(connect_at(ctx, "silent.bad", 80, &fd), -ETIMEDOUT);
	must_be(connect_at(heph_within(ctx, 20 * HEPH_MSEC), "silent.bad", 80,
			   &fd),
		-ETIME);
	return 0;
}

static void tells_why_there_is_no_address(void **state)
{
	struct bad_server server;

	if (!can_ask)
		skip();
	setenv("RES_OPTIONS", "retrans:100 retry:2", 1);
	start_bad_server(&server);
	run_task(failing);
	run_thread(failing);
	stop_bad_server(&server);
}

/* ---- all -------------------------------------------------------------------------------- */

static int ask_once(heph_ctx ctx, void *arg)
{
	struct heph_address found;

	can_ask = heph_resolve(ctx, "four.test", "1", AF_INET, &found, 1) == 1;
	return 0;
}

static int start_servers(void **state)
{
	if (!have_dnsmasq())
		return 0;
	dnsmasq = start_dnsmasq(&dnsmasq_log);
	run_thread(ask_once);
	return 0;
}

static int stop_servers(void **state)
{
	if (dnsmasq > 0)
		stop_dnsmasq(dnsmasq, dnsmasq_log);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_refuses_is_passed_over),
		cmocka_unit_test(what_is_no_address_and_no_name_is_refused),
		cmocka_unit_test(connects_to_a_name),
		cmocka_unit_test(the_newer_family_is_tried_first),
		cmocka_unit_test(who_does_not_answer_is_overtaken),
		cmocka_unit_test(nothing_is_left_after_a_deadline),
		cmocka_unit_test(nothing_is_left_after_a_stop),
		cmocka_unit_test(does_not_wait_for_the_other_family),
		cmocka_unit_test(tells_why_there_is_no_address),
	};

	return cmocka_run_group_tests(tests, start_servers, stop_servers);
}
