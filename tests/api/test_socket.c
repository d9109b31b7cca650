/* SPDX-License-Identifier: MIT */
/* Sockets in single steps, Unix sockets, options. */
#include "task.h"

#include <netinet/tcp.h>
#include <sys/file.h>
#include <sys/un.h>

static struct heph_address parsed(const char *text)
{
	struct heph_address address;

	must_be(heph_address_parse(&address, text), 0);
	return address;
}

static void must_talk(heph_ctx ctx, heph_fd a, heph_fd b)
{
	char buf[8];

	must_be(heph_write(ctx, a, "hello", 5), 5);
	must_be(heph_read(ctx, b, buf, sizeof(buf)), 5);
	must_be(memcmp(buf, "hello", 5), 0);
	must_be(heph_write(ctx, b, "bye", 3), 3);
	must_be(heph_read(ctx, a, buf, sizeof(buf)), 3);
	must_be(memcmp(buf, "bye", 3), 0);
}

/* ---- step by step --------------------------------------------------------------- */

static heph_fd opened(heph_ctx ctx, int domain, int type)
{
	heph_fd fd;

	must_be(heph_socket_open(ctx, domain, type, 0, &fd), 0);
	return fd;
}

static heph_fd bound(heph_ctx ctx, int domain, int type, const char *text,
		     struct heph_address *ret_address)
{
	struct heph_address address = parsed(text);
	heph_fd fd = opened(ctx, domain, type);

	must_be(heph_socket_bind(ctx, fd, &address), 0);
	must_be(heph_socket_local(ctx, fd, ret_address), 0);
	return fd;
}

static void connect_in_steps(heph_ctx ctx, int domain, int type,
			     const char *text)
{
	struct heph_address at, from, peer;
	heph_fd listener = bound(ctx, domain, type, text, &at), client, server;
	bool unix_ = domain == AF_UNIX;

	must_be(heph_socket_listen(ctx, listener, SOMAXCONN), 0);
	client = opened(ctx, domain, type);
	must_be(heph_socket_peer(ctx, client, &peer), -ENOTCONN);
	must_be(heph_socket_connect(ctx, client, &at), 0);
	must_be(heph_socket_peer(ctx, client, &peer), 0);
	must(heph_address_same(&peer, &at));
	must_be(heph_accept_from(ctx, listener, &server, &from), 0);
	must_be(heph_socket_local(ctx, client, &peer), 0);
	must(heph_address_same(&from, &peer));
	must_talk(ctx, client, server);
	must_be(fcntl(heph_fd_number(ctx, client), F_GETFL) & O_NONBLOCK, 0);
	must_be(fcntl(heph_fd_number(ctx, client), F_GETFD), FD_CLOEXEC);
	must_be(fcntl(heph_fd_number(ctx, server), F_GETFD), FD_CLOEXEC);
	heph_close(client);
	must_be(heph_read(ctx, server, &(char){ 0 }, 1), 0);
	heph_close(server);
	must_be(heph_accept(heph_within(ctx, 0), listener, &server), -ETIME);
	heph_close(listener);
	client = opened(ctx, domain, type);
	must_be(heph_socket_connect(ctx, client, &at), -ECONNREFUSED);
	must(unix_ == (from.storage.ss_family == AF_UNIX));
}

static int in_steps(heph_ctx ctx, void *arg)
{
	connect_in_steps(ctx, AF_INET, SOCK_STREAM, "127.0.0.1:0");
	connect_in_steps(ctx, AF_INET6, SOCK_STREAM, "[::1]:0");
	connect_in_steps(ctx, AF_UNIX, SOCK_STREAM, "unix:");
	connect_in_steps(ctx, AF_UNIX, SOCK_SEQPACKET, "unix:");
	return 0;
}

static void connects_in_single_steps(void **state)
{
	run_task(in_steps);
	run_thread_once(in_steps);
}

static int pairs(heph_ctx ctx, void *arg)
{
	static const int types[] = { SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET };
	heph_fd fds[2];
	char buf[4] = { 0 };

	for (int i = 0; i < 3; i++) {
		must_be(heph_socket_pair(ctx, AF_UNIX, types[i], 0, fds), 0);
		must_talk(ctx, fds[0], fds[1]);
		must_be(heph_write(ctx, fds[0], "abcdefg", 7), 7);
		must_be(heph_write(ctx, fds[0], "xyz", 3), 3);
		must_be(heph_read(ctx, fds[1], buf, 4), 4);
		must_be(heph_read(ctx, fds[1], buf, 3), 3);
		must_be(buf[0], types[i] == SOCK_STREAM ? 'e' : 'x');
		heph_close(fds[0]);
		heph_close(fds[1]);
	}
	must_be(heph_socket_pair(ctx, AF_INET, SOCK_STREAM, 0, fds),
		-EOPNOTSUPP);
	must_be(heph_socket_open(ctx, 4711, SOCK_STREAM, 0, fds),
		-EAFNOSUPPORT);
	must_be(heph_socket_open(ctx, AF_INET, SOCK_STREAM, IPPROTO_UDP, fds),
		-EPROTONOSUPPORT);
	return 0;
}

static void makes_pairs(void **state)
{
	run_task(pairs);
	run_thread_once(pairs);
}

static int not_open(heph_ctx ctx, void *arg)
{
	struct heph_address address = parsed("127.0.0.1:0");
	heph_fd none = { 0 }, fd;
	int64_t value;

	must_be(heph_socket_bind(ctx, none, &address), -EBADF);
	must_be(heph_socket_listen(ctx, none, 1), -EBADF);
	must_be(heph_socket_connect(ctx, none, &address), -EBADF);
	must_be(heph_socket_local(ctx, none, &address), -EBADF);
	must_be(heph_socket_peer(ctx, none, &address), -EBADF);
	must_be(heph_accept_from(ctx, none, &fd, &address), -EBADF);
	must_be(heph_socket_set(ctx, none, HEPH_SOCKET_KEEPALIVE, 1), -EBADF);
	must_be(heph_socket_get(ctx, none, HEPH_SOCKET_KEEPALIVE, &value),
		-EBADF);
	must_be(heph_socket_set_bytes(ctx, none, 0, 0, "", 1), -EBADF);
	must_be(heph_socket_get_bytes(ctx, none, 0, 0, &value, 1), -EBADF);
	must_be(heph_shutdown(ctx, none, SHUT_RD), -EBADF);
	fd = adopt(ctx, open("/dev/null", O_RDWR | O_CLOEXEC));
	must_be(heph_socket_bind(ctx, fd, &address), -ENOTSOCK);
	must_be(heph_socket_set(ctx, fd, HEPH_SOCKET_KEEPALIVE, 1), -ENOTSOCK);
	fd = opened(ctx, AF_INET, SOCK_STREAM);
	must_be(heph_accept(ctx, fd, &fd), -EINVAL);
	must_be(heph_shutdown(ctx, fd, SHUT_WR), -ENOTCONN);
	must_be(heph_socket_bind(ctx, fd, &(struct heph_address){ 0 }),
		-EINVAL);
	address = parsed("unix:@x");
	must_be(heph_connect_to(ctx, &(struct heph_address){ 0 }, &fd),
		-EAFNOSUPPORT);
	must_be(heph_connect_to(ctx, &address, &fd), -ECONNREFUSED);
	return 0;
}

static void refuses_what_is_no_socket(void **state)
{
	run_task(not_open);
	run_thread_once(not_open);
}

/* ---- Unix --------------------------------------------------------------------------- */

/* A path that nobody else has; removed by the caller. */
static void fresh_path(char text[HEPH_ADDRESS_MAX])
{
	static _Atomic int n;

	snprintf(text, HEPH_ADDRESS_MAX, "unix:/tmp/heph-%d-%d.sock",
		 (int)getpid(), n++);
	unlink(text + 5);
}

static int by_path(heph_ctx ctx, void *arg)
{
	char path[HEPH_ADDRESS_MAX], text[HEPH_ADDRESS_MAX];
	heph_fd listener, client, server, other;
	struct heph_credentials peer;
	int number;

	fresh_path(path);
	must_be(heph_connect(ctx, path, &client), -ENOENT);
	must_be(heph_listen(ctx, path, &listener), 0);
	must_be(heph_listen(ctx, path, &other), -EADDRINUSE);
	must_be(heph_listen_shared(ctx, path, &other), -EOPNOTSUPP);
	must_be(heph_local_address(ctx, listener, text), 0);
	must_be(strcmp(path, text), 0);
	must_be(heph_connect(ctx, path, &client), 0);
	must_be(heph_accept(ctx, listener, &server), 0);
	must_talk(ctx, client, server);
	must_be(heph_peer_address(ctx, client, text), 0);
	must_be(strcmp(path, text), 0);
	must_be(heph_peer_address(ctx, server, text), 0);
	must_be(strcmp("unix:", text), 0);
	must_be(heph_socket_peer_credentials(ctx, client, &peer), 0);
	must_be(peer.pid, getpid());
	must_be(peer.uid, getuid());
	must_be(peer.gid, getgid());
	heph_close(listener);
	must_be(heph_connect(ctx, path, &other), -ECONNREFUSED);
	must_be(heph_listen(ctx, path, &listener), 0); /* the file is left */
	must_be(heph_connect(ctx, path, &client), 0);
	must_be(heph_listen(ctx, path, &other), -EADDRINUSE);
	heph_close(client);
	heph_close(listener);
	must_be(unlink(path + 5), 0);
	number = open(path + 5, O_CREAT | O_CLOEXEC | O_WRONLY, 0600);
	must(number >= 0);
	close(number);
	must_be(heph_listen(ctx, path, &listener), -EADDRINUSE);
	must_be(unlink(path + 5), 0); /* what is no socket stays */
	must_be(heph_listen(ctx, "unix:/nowhere/at/all", &listener), -ENOENT);
	return 0;
}

/* Who removes one has the directory for itself: of two programs one would remove what
 * the other has just bound. */
static int in_turns(heph_ctx ctx, void *arg)
{
	char directory[] = "/tmp/heph-XXXXXX", path[HEPH_ADDRESS_MAX];
	heph_fd listener;
	int lock;

	must(mkdtemp(directory));
	snprintf(path, sizeof(path), "unix:%s/socket", directory);
	must_be(heph_listen(ctx, path, &listener), 0);
	heph_close(listener);
	lock = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	must(lock >= 0);
	must_be(flock(lock, LOCK_EX), 0);
	must_be(heph_listen(ctx, path, &listener), -EADDRINUSE);
	must_be(access(path + 5, F_OK), 0);
	close(lock);
	must_be(heph_listen(ctx, path, &listener), 0);
	heph_close(listener);
	must_be(unlink(path + 5), 0);
	must_be(rmdir(directory), 0);
	return 0;
}

static void listens_at_paths(void **state)
{
	run_task(by_path);
	run_thread_once(by_path);
	run_task(in_turns);
}

/* A listener that is full makes those who connect wait. */
static int full(heph_ctx ctx, void *arg)
{
	struct heph_address at;
	heph_fd listener = bound(ctx, AF_UNIX, SOCK_STREAM, "unix:", &at);
	heph_fd fds[3];

	must_be(heph_socket_listen(ctx, listener, 0), 0);
	must_be(heph_connect_to(ctx, &at, &fds[0]), 0);
	must_be(heph_connect_to(heph_within(ctx, 20 * HEPH_MSEC), &at, &fds[1]),
		-ETIME);
	must_be(heph_accept(ctx, listener, &fds[2]), 0);
	must_be(heph_connect_to(heph_within(ctx, 20 * HEPH_SEC), &at, &fds[1]),
		0);
	return 0;
}

static void waits_for_room_in_a_full_listener(void **state)
{
	run_task(full);
	run_thread_once(full);
}

/* ---- accepting ------------------------------------------------------------------------- */

/* What the kernel had gone on to accept comes first, with its address. */
static int both_ways(heph_ctx ctx, void *arg)
{
	heph_fd listener = listen_somewhere(ctx), fd, clients[6];
	char address[HEPH_ADDRESS_MAX];
	struct heph_address peer, local;

	address_of(address, port_of(ctx, listener));
	for (int i = 0; i < 6; i++)
		must_be(heph_connect(ctx, address, &clients[i]), 0);
	for (int i = 0; i < 6; i++) {
		if (i == 2) { /* by now the kernel may have accepted all */
			must_be(heph_accept(ctx, listener, &fd), 0);
			let_run(ctx);
		} else {
			must_be(heph_accept_from(ctx, listener, &fd, &peer), 0);
			must_be(heph_socket_local(ctx, clients[i], &local), 0);
			must(heph_address_same(&peer, &local));
		}
		must_talk(ctx, fd, clients[i]);
	}
	must_be(heph_accept_from(heph_within(ctx, HEPH_MSEC), listener, &fd,
				 &peer),
		-ETIME);
	return 0;
}

static void accepts_with_the_address_of_the_peer(void **state)
{
	run_task(both_ways);
	run_thread_once(both_ways);
}

/* ---- options ------------------------------------------------------------------------------ */

static int64_t got(heph_ctx ctx, heph_fd fd, enum heph_socket_option option)
{
	int64_t value = -4711;

	must_be(heph_socket_get(ctx, fd, option, &value), 0);
	return value;
}

struct value {
	enum heph_socket_option option;
	int64_t value, reported; /* 0: the same */
};

static void set_and_get(heph_ctx ctx, heph_fd fd, const struct value *values,
			size_t n)
{
	for (size_t i = 0; i < n; i++) {
		int err = heph_socket_set(ctx, fd, values[i].option,
					  values[i].value);

		if (err < 0)
			fprintf(stderr, "%s\n",
				heph_socket_option_name(values[i].option));
		must_be(err, 0);
		must_be(got(ctx, fd, values[i].option),
			values[i].reported ? values[i].reported :
					     values[i].value);
	}
}

#define SET_AND_GET(ctx, fd, ...)                                              \
	set_and_get(ctx, fd, (const struct value[]){ __VA_ARGS__ },            \
		    sizeof((const struct value[]){ __VA_ARGS__ }) /            \
			    sizeof(struct value))

static int stream_options(heph_ctx ctx, void *arg)
{
	heph_fd fd = opened(ctx, AF_INET, SOCK_STREAM);

	SET_AND_GET(ctx, fd, { HEPH_SOCKET_REUSE_ADDRESS, 1, 0 },
		    { HEPH_SOCKET_REUSE_ADDRESS, 0, 0 },
		    { HEPH_SOCKET_REUSE_PORT, 1, 0 },
		    { HEPH_SOCKET_KEEPALIVE, 1, 0 },
		    { HEPH_SOCKET_KEEPALIVE, 0, 0 },
		    { HEPH_SOCKET_LINGER, 5 * HEPH_SEC, 0 },
		    { HEPH_SOCKET_LINGER, 0, 0 },
		    { HEPH_SOCKET_LINGER, 1, HEPH_SEC },
		    { HEPH_SOCKET_LINGER, -1, 0 },
		    { HEPH_SOCKET_OOB_INLINE, 1, 0 },
		    { HEPH_SOCKET_DONT_ROUTE, 1, 0 },
		    { HEPH_SOCKET_RECEIVE_BUFFER, 8192, 16384 },
		    { HEPH_SOCKET_SEND_BUFFER, 8192, 16384 },
		    { HEPH_SOCKET_RECEIVE_LOW_WATER, 12, 0 },
		    { HEPH_SOCKET_PRIORITY, 3, 0 },
		    { HEPH_SOCKET_INCOMING_CPU, 0, 0 },
		    { HEPH_SOCKET_TIMESTAMPS, 1, 0 },
		    { HEPH_SOCKET_NO_DELAY, 1, 0 },
		    { HEPH_SOCKET_NO_DELAY, 0, 0 }, { HEPH_SOCKET_CORK, 1, 0 },
		    { HEPH_SOCKET_KEEPALIVE_IDLE, 60 * HEPH_SEC, 0 },
		    { HEPH_SOCKET_KEEPALIVE_IDLE, HEPH_SEC + 1, 2 * HEPH_SEC },
		    { HEPH_SOCKET_KEEPALIVE_INTERVAL, 7 * HEPH_SEC, 0 },
		    { HEPH_SOCKET_KEEPALIVE_COUNT, 4, 0 },
		    { HEPH_SOCKET_USER_TIMEOUT, 1500 * HEPH_MSEC, 0 },
		    { HEPH_SOCKET_FAST_OPEN_CONNECT, 1, 0 },
		    { HEPH_SOCKET_NOT_SENT_LOW_WATER, 4096, 0 },
		    { HEPH_SOCKET_SYN_COUNT, 3, 0 },
		    { HEPH_SOCKET_FIN_TIMEOUT, 3 * HEPH_SEC, 0 },
		    { HEPH_SOCKET_HOPS, 5, 0 },
		    { HEPH_SOCKET_TRAFFIC_CLASS, 16, 0 },
		    { HEPH_SOCKET_FREE_BIND, 1, 0 },
		    { HEPH_SOCKET_RECEIVE_ERRORS, 1, 0 },
		    { HEPH_SOCKET_PATH_MTU_DISCOVERY, IP_PMTUDISC_DO, 0 });
	must_be(got(ctx, fd, HEPH_SOCKET_DOMAIN), AF_INET);
	must_be(got(ctx, fd, HEPH_SOCKET_TYPE), SOCK_STREAM);
	must_be(got(ctx, fd, HEPH_SOCKET_PROTOCOL), IPPROTO_TCP);
	must_be(got(ctx, fd, HEPH_SOCKET_LISTENING), 0);
	must_be(heph_socket_listen(ctx, fd, 1), 0);
	must_be(got(ctx, fd, HEPH_SOCKET_LISTENING), 1);
	must_be(got(ctx, fd, HEPH_SOCKET_ERROR), 0);
	must(got(ctx, fd, HEPH_SOCKET_SEND_LOW_WATER) > 0);
	return 0;
}

static int packet_options(heph_ctx ctx, void *arg)
{
	heph_fd v4 = opened(ctx, AF_INET, SOCK_DGRAM),
		v6 = opened(ctx, AF_INET6, SOCK_DGRAM);
	struct heph_address address = parsed("127.0.0.1:9");

	SET_AND_GET(ctx, v4, { HEPH_SOCKET_BROADCAST, 1, 0 },
		    { HEPH_SOCKET_PACKET_INFO, 1, 0 },
		    { HEPH_SOCKET_RECEIVE_HOPS, 1, 0 },
		    { HEPH_SOCKET_RECEIVE_TRAFFIC_CLASS, 1, 0 },
		    { HEPH_SOCKET_MULTICAST_HOPS, 9, 0 },
		    { HEPH_SOCKET_MULTICAST_LOOP, 0, 0 },
		    { HEPH_SOCKET_MULTICAST_LOOP, 1, 0 },
		    { HEPH_SOCKET_DROP_COUNT, 1, 0 },
		    { HEPH_SOCKET_SEGMENT, 1000, 0 },
		    { HEPH_SOCKET_RECEIVE_SEGMENTS, 1, 0 });
	SET_AND_GET(ctx, v6, { HEPH_SOCKET_V6_ONLY, 1, 0 },
		    { HEPH_SOCKET_V6_ONLY, 0, 0 }, { HEPH_SOCKET_HOPS, 77, 0 },
		    { HEPH_SOCKET_TRAFFIC_CLASS, 32, 0 },
		    { HEPH_SOCKET_PACKET_INFO, 1, 0 },
		    { HEPH_SOCKET_RECEIVE_HOPS, 1, 0 },
		    { HEPH_SOCKET_MULTICAST_HOPS, 9, 0 },
		    { HEPH_SOCKET_MULTICAST_LOOP, 0, 0 });
	must_be(heph_socket_connect(ctx, v4, &address), 0);
	must(got(ctx, v4, HEPH_SOCKET_PATH_MTU) > 0);
	return 0;
}

static int wrong_options(heph_ctx ctx, void *arg)
{
	heph_fd tcp = opened(ctx, AF_INET, SOCK_STREAM),
		unix_ = opened(ctx, AF_UNIX, SOCK_STREAM);
	int64_t value = 5;
	int number = 1;

	must_be(heph_socket_set(ctx, tcp, HEPH_SOCKET_OPTIONS, 1), -EINVAL);
	must_be(heph_socket_get(ctx, tcp, HEPH_SOCKET_OPTIONS, &value),
		-EINVAL);
	must(!heph_socket_option_name(HEPH_SOCKET_OPTIONS));
	must_be(heph_socket_set(ctx, tcp, HEPH_SOCKET_TYPE, 1), -EINVAL);
	must_be(heph_socket_set(ctx, tcp, HEPH_SOCKET_KEEPALIVE, 2), -EINVAL);
	must_be(heph_socket_set(ctx, tcp, HEPH_SOCKET_LINGER, -2), -EINVAL);
	must_be(heph_socket_set(ctx, tcp, HEPH_SOCKET_USER_TIMEOUT, -1),
		-EINVAL);
	must_be(heph_socket_set(ctx, tcp, HEPH_SOCKET_USER_TIMEOUT, INT64_MAX),
		-EINVAL);
	must_be(heph_socket_set(ctx, tcp, HEPH_SOCKET_PRIORITY,
				(int64_t)INT32_MAX + 1),
		-EINVAL);
	must_be(heph_socket_set(ctx, tcp, HEPH_SOCKET_HOPS, 256), -EINVAL);
	must_be(heph_socket_set(ctx, unix_, HEPH_SOCKET_NO_DELAY, 1),
		-EOPNOTSUPP);
	must_be(heph_socket_get(ctx, unix_, HEPH_SOCKET_HOPS, &value),
		-EOPNOTSUPP);
	must_be(value, 5);

	must_be(heph_socket_set_bytes(ctx, tcp, SOL_SOCKET, SO_KEEPALIVE,
				      &number, sizeof(number)),
		0);
	number = 0;
	must_be(heph_socket_get_bytes(ctx, tcp, SOL_SOCKET, SO_KEEPALIVE,
				      &number, sizeof(number)),
		sizeof(number));
	must_be(number, 1);
	must_be(heph_socket_get_bytes(ctx, tcp, SOL_SOCKET, 9999, &number,
				      sizeof(number)),
		-ENOPROTOOPT);
	return 0;
}

/* A connection that has been reset says why, once. */
static int kept_error(heph_ctx ctx, void *arg)
{
	heph_fd listener = listen_somewhere(ctx), fd;
	int other = raw_connect(port_of(ctx, listener));

	must_be(heph_accept(ctx, listener, &fd), 0);
	raw_reset(other);
	must_be(heph_wait(heph_within(ctx, 20 * HEPH_SEC),
			  heph_on_readable(fd)),
		0);
	must_be(got(ctx, fd, HEPH_SOCKET_ERROR), -ECONNRESET);
	must_be(got(ctx, fd, HEPH_SOCKET_ERROR), 0);
	return 0;
}

static void has_options(void **state)
{
	run_task(stream_options);
	run_thread_once(stream_options);
	run_task(packet_options);
	run_thread_once(packet_options);
	run_task(wrong_options);
	run_thread_once(wrong_options);
	run_task(kept_error);
}

static void every_option_has_a_name(void **state)
{
	for (int i = 0; i < HEPH_SOCKET_OPTIONS; i++)
		assert_non_null(
			heph_socket_option_name((enum heph_socket_option)i));
}

/* ---- multicast ------------------------------------------------------------------------- */

static int multicast(heph_ctx ctx, void *arg)
{
	struct heph_address at, group = parsed("239.255.1.2:0"),
				unix_ = parsed("unix:@x");
	heph_fd fd = bound(ctx, AF_INET, SOCK_DGRAM, "0.0.0.0:0", &at);

	must_be(heph_socket_join(ctx, fd, &group, 1), 0);
	must_be(heph_socket_join(ctx, fd, &group, 1), -EADDRINUSE);
	must_be(heph_socket_leave(ctx, fd, &group, 1), 0);
	must_be(heph_socket_leave(ctx, fd, &group, 1), -EADDRNOTAVAIL);
	must_be(heph_socket_join(ctx, fd, &unix_, 0), -EAFNOSUPPORT);
	return 0;
}

static void joins_groups(void **state)
{
	run_task(multicast);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(connects_in_single_steps),
		cmocka_unit_test(makes_pairs),
		cmocka_unit_test(refuses_what_is_no_socket),
		cmocka_unit_test(listens_at_paths),
		cmocka_unit_test(waits_for_room_in_a_full_listener),
		cmocka_unit_test(accepts_with_the_address_of_the_peer),
		cmocka_unit_test(has_options),
		cmocka_unit_test(every_option_has_a_name),
		cmocka_unit_test(joins_groups),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
