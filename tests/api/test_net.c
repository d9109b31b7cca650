/* SPDX-License-Identifier: MIT */
/* Listening, accepting, connecting. */
#include "task.h"

#include <sys/wait.h>

static void answer_byte(heph_ctx ctx, heph_fd fd, int other)
{
	char byte = 'a';

	must_be(write(other, "?", 1), 1);
	must_be(heph_read(ctx, fd, &byte, 1), 1);
	must_be(heph_write(ctx, fd, "!", 1), 1);
	must_be(read(other, &byte, 1), 1);
	must_be(byte, '!');
}

/* ---- both sides ---------------------------------------------------------------- */

static int both_sides(heph_ctx ctx, void *arg)
{
	char address[HEPH_ADDRESS_MAX], near[HEPH_ADDRESS_MAX],
		far[HEPH_ADDRESS_MAX];
	const char *const hosts[] = { "127.0.0.1:0", "[::1]:0", ":0" };
	heph_fd listener, client, server;

	for (int i = 0; i < 3; i++) {
		must_be(heph_listen(ctx, hosts[i], &listener), 0);
		must_be(heph_local_address(ctx, listener, address), 0);
		if (i == 2)
			address_of(address, port_of(ctx, listener));
		must_be(heph_peer_address(ctx, listener, far), -ENOTCONN);
		must_be(heph_connect(ctx, address, &client), 0);
		must_be(heph_accept(ctx, listener, &server), 0);
		must_be(heph_peer_address(ctx, client, far), 0);
		must_be(strcmp(far, address), 0);
		must_be(heph_local_address(ctx, client, near), 0);
		must_be(heph_peer_address(ctx, server, far), 0);
		must_be(strcmp(near, far), 0);
		must_be(heph_write(ctx, client, "hello", 5), 5);
		must_be(heph_read_exact(ctx, server, near, 5, NULL), 0);
		must_be(memcmp(near, "hello", 5), 0);
		heph_close(client);
		must_be(heph_read(ctx, server, near, 5), 0);
		heph_close(server);
		heph_close(listener);
	}
	return 0;
}

static void connects_and_accepts(void **state)
{
	run_task(both_sides);
	run_thread(both_sides);
}

static int options(heph_ctx ctx, void *arg)
{
	heph_fd listener = listen_somewhere(ctx), client, server;
	char address[HEPH_ADDRESS_MAX];
	int flags, on;
	socklen_t size = sizeof(on);

	address_of(address, port_of(ctx, listener));
	must_be(heph_connect(ctx, address, &client), 0);
	must_be(heph_accept(ctx, listener, &server), 0);
	for (int i = 0; i < 2; i++) {
		int number = heph_fd_number(ctx, i ? client : server);

		must_be(getsockopt(number, IPPROTO_TCP, 1 /* TCP_NODELAY */,
				   &on, &size),
			0);
		must_be(on, 1);
		flags = fcntl(number, F_GETFD);
		must(flags & FD_CLOEXEC);
		flags = fcntl(number, F_GETFL);
		must(!(flags & O_NONBLOCK));
	}
	heph_close(client);
	heph_close(server);
	heph_close(listener);
	return 0;
}

static void sockets_have_tcp_nodelay_and_close_on_exec(void **state)
{
	run_task(options);
	run_thread(options);
}

/* Also where sockets of IPv6 are, unless told otherwise, for IPv6 alone. In a
 * child process with a network of its own: whoever may not have one, as in some
 * containers, cannot do this test. */
static int listen_for_all(heph_ctx ctx, void *arg)
{
	int alone = -1;
	socklen_t size = sizeof(alone);
	heph_fd fd;

	for (int shared = 0; shared < 2; shared++) {
		must_be(shared ? heph_listen_shared(ctx, ":0", &fd) :
				 heph_listen(ctx, ":0", &fd),
			0);
		must_be(getsockopt(heph_fd_number(ctx, fd), IPPROTO_IPV6,
				   IPV6_V6ONLY, &alone, &size),
			0);
		must_be(alone, 0);
		heph_close(fd);
	}
	return 0;
}

static bool separate_families(void)
{
	int fd, n = -1;

	if (unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0)
		return false;
	fd = open("/proc/sys/net/ipv6/bindv6only", O_WRONLY | O_CLOEXEC);
	if (fd >= 0) {
		n = (int)write(fd, "1", 1);
		close(fd);
	}
	return n == 1;
}

static void listens_for_both_families(void **state)
{
	int status;
	pid_t pid = fork(); /* before threads */

	assert_true(pid >= 0);
	if (pid == 0) {
		alarm(100);
		if (!separate_families())
			_exit(77);
		run_thread(listen_for_all);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == 77)
		skip();
	assert_int_equal(status, 0);
}

/* ---- bad ones -------------------------------------------------------------------- */

static int refused(heph_ctx ctx, void *arg)
{
	static const char *const bad[] = { "",
					   "x",
					   "1.2.3.4",
					   "1.2.3.4:",
					   "[::1]",
					   "[localhost]:80",
					   "1.2.3.4:65536" };
	char address[HEPH_ADDRESS_MAX];
	heph_fd fd = { 7, 7 }, listener = listen_somewhere(ctx);

	address_of(address, port_of(ctx, listener));
	heph_close(listener);
	must_be(heph_connect(ctx, address, &fd), -ECONNREFUSED);
	must_be(heph_connect(heph_within(ctx, 1000 * HEPH_SEC), address, &fd),
		-ECONNREFUSED);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		must_be(heph_connect(ctx, bad[i], &fd), -EINVAL);
		must_be(heph_listen(ctx, bad[i], &fd), -EINVAL);
		must_be(heph_listen_shared(ctx, bad[i], &fd), -EINVAL);
	}
	must_be(heph_listen(ctx, "192.0.2.1:0", &fd), -EADDRNOTAVAIL);
	must_be(heph_accept(ctx, listener, &fd), -EBADF);
	must_be(heph_local_address(ctx, listener, address), -EBADF);
	must_be(heph_peer_address(ctx, listener, address), -EBADF);
	return 0;
}

static void refuses_what_cannot_be(void **state)
{
	run_task(refused);
	run_thread(refused);
}

static int taken_ports(heph_ctx ctx, void *arg)
{
	heph_fd one = listen_somewhere(ctx), two;
	char address[HEPH_ADDRESS_MAX];
	struct sockaddr_in raw = loopback(0);
	socklen_t size = sizeof(raw);
	int number, on = 1;

	address_of(address, port_of(ctx, one));
	must_be(heph_listen(ctx, address, &two), -EADDRINUSE);
	must_be(heph_listen_shared(ctx, address, &two), -EADDRINUSE);
	heph_close(one);

	/* Another program's that would share, and ours that would, too. */
	must_be(heph_listen_shared(ctx, "127.0.0.1:0", &one), 0);
	address_of(address, port_of(ctx, one));
	must_be(heph_listen(ctx, address, &two), -EADDRINUSE);
	must_be(heph_listen_shared(ctx, address, &two), -EADDRINUSE);
	heph_close(one);
	number = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	must_be(setsockopt(number, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)),
		0);
	must_be(setsockopt(number, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)),
		0);
	must_be(bind(number, (void *)&raw, sizeof(raw)), 0);
	must_be(listen(number, 1), 0);
	must_be(getsockname(number, (void *)&raw, &size), 0);
	address_of(address, ntohs(raw.sin_port));
	must_be(heph_listen_shared(ctx, address, &two), -EADDRINUSE);
	close(number);
	return 0;
}

static void a_port_in_use_is_refused(void **state)
{
	run_task(taken_ports);
	run_thread(taken_ports);
}

/* ---- accepting --------------------------------------------------------------------- */

static int bursts(heph_ctx ctx, void *arg)
{
	enum { N = 600 }; /* more than the backlog of a listener */
	heph_fd listener = listen_somewhere(ctx), fds[N];
	int others[N], port = port_of(ctx, listener);

	must_be(heph_accept(heph_within(ctx, 0), listener, fds), -ETIME);
	for (int i = 0; i < N; i++)
		others[i] = raw_connect(port);
	for (int i = 0; i < N; i++)
		must_be(heph_accept(ctx, listener, &fds[i]), 0);
	must_be(heph_accept(heph_within(ctx, HEPH_MSEC), listener, fds),
		-ETIME);
	for (int i = 0; i < N; i++) {
		answer_byte(ctx, fds[i], others[i]);
		close(others[i]);
		heph_close(fds[i]);
	}
	heph_close(listener);
	return 0;
}

static void accepts_many_at_once(void **state)
{
	run_task(bursts);
	run_thread(bursts);
}

/* Connections that were accepted and not asked for are closed with it. */
static int abandoned(heph_ctx ctx, void *arg)
{
	heph_fd listener = listen_somewhere(ctx), fd, other;
	int port = port_of(ctx, listener), others[5], n;
	char byte;

	for (int i = 0; i < 5; i++)
		others[i] = raw_connect(port);
	must_be(heph_accept(ctx, listener, &fd), 0);
	let_run(ctx);
	heph_close(listener);
	must_be(heph_accept(ctx, listener, &fd), -EBADF);
	for (int i = 1; i < 5; i++) {
		other = adopt(ctx, others[i]);
		n = heph_read(heph_within(ctx, 10 * HEPH_SEC), other, &byte, 1);
		must(n == 0 || n == -ECONNRESET);
		heph_close(other);
	}
	must_be(write(others[0], "x", 1), 1);
	must_be(heph_read(ctx, fd, &byte, 1), 1);
	close(others[0]);
	heph_close(fd);
	return 0;
}

static void closing_a_listener_closes_what_it_had_accepted(void **state)
{
	run_task(abandoned);
	run_thread(abandoned);
}

static int again(heph_ctx ctx, void *arg)
{
	heph_fd listener = listen_somewhere(ctx), fd;
	char address[HEPH_ADDRESS_MAX];
	int port = port_of(ctx, listener), other;

	address_of(address, port);
	for (int i = 0; i < 20; i++) {
		must_be(heph_accept(heph_within(ctx, 0), listener, &fd),
			-ETIME);
		if (i % 2) { /* with a connection that it has accepted */
			other = raw_connect(port);
			must_be(heph_accept(ctx, listener, &fd), 0);
			answer_byte(ctx, fd, other);
			close(other);
			heph_close(fd);
		}
		heph_close(listener);
		must_be(raw_connect(port), -ECONNREFUSED);
		must_be(heph_listen(ctx, address, &listener), 0);
	}
	heph_close(listener);
	return 0;
}

static void a_port_is_free_when_its_listener_is_closed(void **state)
{
	run_task(again);
	run_thread(again);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(listens_for_both_families),
		cmocka_unit_test(connects_and_accepts),
		cmocka_unit_test(sockets_have_tcp_nodelay_and_close_on_exec),
		cmocka_unit_test(refuses_what_cannot_be),
		cmocka_unit_test(a_port_in_use_is_refused),
		cmocka_unit_test(accepts_many_at_once),
		cmocka_unit_test(
			closing_a_listener_closes_what_it_had_accepted),
		cmocka_unit_test(a_port_is_free_when_its_listener_is_closed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
