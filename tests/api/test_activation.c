/* SPDX-License-Identifier: MIT */
/* Descriptors that a service manager passes. Each case is a child process, as the
 * environment is read once. */
#include "task.h"

#include <sys/un.h>
#include <sys/wait.h>

/* ---- a child ------------------------------------------------------------------- */

static void say(const char *name, const char *value)
{
	if (value)
		must_be(setenv(name, value, 1), 0);
	else
		must_be(unsetenv(name), 0);
}

static void must_be_unset(void)
{
	must(!getenv("LISTEN_PID"));
	must(!getenv("LISTEN_FDS"));
	must(!getenv("LISTEN_FDNAMES"));
}

/* In a child: as a manager would say it to a program that it starts. */
static void pass(const int *numbers, int n, const char *names)
{
	char text[16];
	int high[8];

	for (int i = 0; i < n; i++) { /* out of the way first */
		high[i] = fcntl(numbers[i], F_DUPFD, 100);
		must(high[i] >= 0);
	}
	for (int i = 0; i < n; i++) {
		must_be(dup2(high[i], 3 + i), 3 + i);
		close(high[i]);
	}
	snprintf(text, sizeof(text), "%d", (int)getpid());
	say("LISTEN_PID", text);
	snprintf(text, sizeof(text), "%d", n);
	say("LISTEN_FDS", text);
	say("LISTEN_FDNAMES", names);
}

static void in_child(void (*fn)(void))
{
	int status;
	pid_t child = fork();

	assert_true(child >= 0);
	if (child == 0) {
		fn();
		dies_with_leaks();
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

static void in_runtime(task_fn fn)
{
	struct heph_config config = { .workers = 1, .no_signals = true };
	heph_ctx ctx;

	must_be(heph_new(&ctx, &config), 0);
	end_task(ctx, start_task(ctx, fn, NULL));
	heph_free(ctx);
}

static int open_socket(int type, bool listens, int *ret_port)
{
	struct sockaddr_in address = loopback(0);
	socklen_t size = sizeof(address);
	int number = socket(AF_INET, type, 0);

	must(number >= 0);
	must_be(bind(number, (void *)&address, sizeof(address)), 0);
	if (listens)
		must_be(listen(number, 8), 0);
	must_be(getsockname(number, (void *)&address, &size), 0);
	*ret_port = ntohs(address.sin_port);
	return number;
}

/* ---- what is passed ---------------------------------------------------------------- */

static int tcp_port, udp_port, a_pipe[2];

/* Something may have been in flight. */
static void await_closed(heph_ctx ctx, int number)
{
	heph_time until = heph_now() + 20 * HEPH_SEC;

	while (fcntl(number, F_GETFD) >= 0 && heph_now() < until)
		must_be(heph_yield(ctx), 0);
	must_be(fcntl(number, F_GETFD), -1);
}

static int take_all(heph_ctx ctx, void *arg)
{
	heph_fd listener, udp, pipe, fd;
	char byte;
	int other;

	must_be(heph_activation_count(NULL), 3);
	must_be_unset();
	must_be(heph_activation_count("web"), 1);
	must_be(heph_activation_count("we"), 0);
	must_be(heph_activation_take(ctx, "web", 1, 0, &fd), -ENOENT);
	must_be(heph_activation_take(ctx, "none", 0, 0, &fd), -ENOENT);
	must_be(heph_activation_take(ctx, NULL, 3, 0, &fd), -ENOENT);
	for (int i = 1; i < 3; i++) /* and it can be tried again */
		must_be(heph_activation_take(ctx, NULL, i,
					     HEPH_ACTIVATION_LISTENER, &fd),
			-EPROTOTYPE);
	must_be(heph_activation_take(ctx, "web", 0, HEPH_ACTIVATION_DATAGRAM,
				     &fd),
		-EPROTOTYPE);
	must_be(heph_activation_take(ctx, "web", 0, HEPH_ACTIVATION_LISTENER,
				     &listener),
		0);
	must_be(heph_activation_take(ctx, NULL, 1, HEPH_ACTIVATION_DATAGRAM,
				     &udp),
		0);
	must_be(heph_activation_take(ctx, "a pipe", 0, HEPH_ACTIVATION_ANY,
				     &pipe),
		0);
	must_be(heph_activation_take(ctx, NULL, 0, HEPH_ACTIVATION_LISTENER,
				     &fd),
		-EBUSY);
	for (int number = 3; number < 6; number++)
		must(fcntl(number, F_GETFD) & FD_CLOEXEC);

	other = raw_connect(tcp_port);
	must(other >= 0);
	must_be(heph_accept(ctx, listener, &fd), 0);
	must_be(write(other, "x", 1), 1);
	must_be(heph_read(ctx, fd, &byte, 1), 1);
	close(other);
	must_be(heph_read(ctx, pipe, &byte, 1), 1);
	must_be(byte, 'p');
	must_be(heph_read(ctx, udp, &byte, 1), 1);
	must_be(byte, 'u');
	heph_close(listener);
	await_closed(ctx, 3);
	must_be(heph_activation_take(ctx, NULL, 0, 0, &fd), -EBUSY);
	return 0;
}

/* The listener does not block, as with NonBlocking=true. */
static void pass_all(void)
{
	struct sockaddr_in to;
	int numbers[3];

	numbers[0] = open_socket(SOCK_STREAM | SOCK_NONBLOCK, true, &tcp_port);
	numbers[1] = open_socket(SOCK_DGRAM, false, &udp_port);
	must_be(pipe(a_pipe), 0);
	numbers[2] = a_pipe[0];
	must_be(write(a_pipe[1], "p", 1), 1);
	to = loopback(udp_port);
	must_be(sendto(numbers[1], "u", 1, 0, (void *)&to, sizeof(to)), 1);
	pass(numbers, 3, "web:dns:a pipe");
	in_runtime(take_all);
}

static void takes_what_is_passed_by_name_and_by_number(void **state)
{
	in_child(pass_all);
}

static int take_nameless(heph_ctx ctx, void *arg)
{
	heph_fd fd;

	must_be(heph_activation_count("unknown"), 2);
	must_be(heph_activation_take(ctx, "unknown", 1,
				     HEPH_ACTIVATION_LISTENER, &fd),
		0);
	must_be(heph_activation_take(ctx, NULL, 0, HEPH_ACTIVATION_LISTENER,
				     &fd),
		0);
	return 0;
}

static void pass_nameless(void)
{
	int numbers[2], port;

	numbers[0] = open_socket(SOCK_STREAM, true, &port);
	numbers[1] = open_socket(SOCK_STREAM, true, &port);
	pass(numbers, 2, NULL);
	in_runtime(take_nameless);
}

static void those_without_names_are_unknown(void **state)
{
	in_child(pass_nameless);
}

/* A listener whose connections have packets. */
static int take_packets(heph_ctx ctx, void *arg)
{
	struct heph_address at;
	heph_fd listener, fd, client;
	char *view, buf[8];

	must_be(heph_activation_take(ctx, NULL, 0, HEPH_ACTIVATION_LISTENER,
				     &listener),
		0);
	must_be(heph_socket_local(ctx, listener, &at), 0);
	must_be(heph_socket_open(ctx, AF_UNIX, SOCK_SEQPACKET, 0, &client), 0);
	must_be(heph_socket_connect(ctx, client, &at), 0);
	must_be(heph_accept(ctx, listener, &fd), 0);
	must_be(heph_write(ctx, client, "one", 3), 3);
	must_be(heph_write(ctx, client, "two", 3), 3);
	must_be(heph_read_view(ctx, fd, &view), -EOPNOTSUPP);
	must_be(heph_read(ctx, fd, buf, sizeof(buf)), 3);
	return 0;
}

static void pass_packets(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int number = socket(AF_UNIX, SOCK_SEQPACKET, 0);

	must(number >= 0);
	must_be(bind(number, (void *)&address, sizeof(address.sun_family)), 0);
	must_be(listen(number, 8), 0);
	pass((int[]){ number }, 1, "packets");
	in_runtime(take_packets);
}

static void takes_a_listener_of_packets(void **state)
{
	in_child(pass_packets);
}

/* ---- what is not --------------------------------------------------------------------- */

static int find_nothing(heph_ctx ctx, void *arg)
{
	heph_fd fd;

	must_be(heph_activation_count(NULL), 0);
	must_be(heph_activation_take(ctx, NULL, 0, 0, &fd), -ENOENT);
	must_be_unset();
	return 0;
}

static void pass_nothing(void)
{
	say("LISTEN_PID", NULL);
	in_runtime(find_nothing);
}

static void pass_to_another(void)
{
	int port, number = open_socket(SOCK_STREAM, true, &port);

	pass(&number, 1, NULL);
	say("LISTEN_PID", "1");
	in_runtime(find_nothing);
}

static void pass_none(void)
{
	pass(NULL, 0, NULL);
	in_runtime(find_nothing);
}

static void there_may_be_none(void **state)
{
	in_child(pass_nothing);
	in_child(pass_to_another);
	in_child(pass_none);
}

static int wanted;

static int find_error(heph_ctx ctx, void *arg)
{
	heph_fd fd;

	must_be(heph_activation_count(NULL), wanted);
	must_be(heph_activation_count("web"), wanted);
	must_be(heph_activation_take(ctx, NULL, 0, 0, &fd), wanted);
	must_be_unset();
	return 0;
}

static const char *bad_pid, *bad_fds, *bad_names;

static void pass_wrong(void)
{
	int port, number = open_socket(SOCK_STREAM, true, &port);

	pass(&number, 1, bad_names);
	if (bad_pid)
		say("LISTEN_PID", bad_pid);
	if (bad_fds)
		say("LISTEN_FDS", bad_fds);
	in_runtime(find_error);
}

static void one_wrong(const char *pid, const char *fds, const char *names,
		      int err)
{
	bad_pid = pid;
	bad_fds = fds;
	bad_names = names;
	wanted = err;
	in_child(pass_wrong);
}

static void variables_that_make_no_sense_are_an_error(void **state)
{
	one_wrong("", NULL, NULL, -EINVAL);
	one_wrong("12x", NULL, NULL, -EINVAL);
	one_wrong("99999999999999999999", NULL, NULL, -EINVAL);
	one_wrong(NULL, "-1", NULL, -EINVAL);
	one_wrong(NULL, "many", NULL, -EINVAL);
	one_wrong(NULL, "99999999999999999999", NULL, -EINVAL);
	one_wrong(NULL, "1", "a:b", -EINVAL);
	one_wrong(NULL, "2", "a", -EINVAL);
	one_wrong(NULL, "1000", NULL, -EBADF);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_a_listener_of_packets),
		cmocka_unit_test(takes_what_is_passed_by_name_and_by_number),
		cmocka_unit_test(those_without_names_are_unknown),
		cmocka_unit_test(there_may_be_none),
		cmocka_unit_test(variables_that_make_no_sense_are_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
