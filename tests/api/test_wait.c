/* SPDX-License-Identifier: MIT */
/* heph_wait(): all clauses, with the kernel. */
#include "act.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MSG, TIME, SIGNAL, READABLE, WRITABLE };

/* ---- messages and times ---------------------------------------------------------- */

static int first_of_the_list(heph_ctx ctx, act_inbox in, void *arg)
{
	struct act_msg msg;
	heph_time begin = heph_now();

	(void)arg;
	must_be(heph_send(ctx, heph_self(in), { .n = 3 }), 0);
	must_be(heph_wait(ctx, heph_on_time(0), heph_on_msg(in, &msg)), 0);
	must_be(heph_wait(ctx, heph_on_msg(in, &msg), heph_on_time(0)), 0);
	must_be(msg.n, 3);
	must_be(heph_wait(ctx, heph_on_msg(in, &msg), heph_on_time(0)), 1);
	must_be(heph_wait(ctx, heph_on_msg(in, &msg),
			  heph_on_time(begin + 2 * HEPH_MSEC)),
		1);
	must(heph_now() >= begin + 2 * HEPH_MSEC);
	must_be(heph_wait(heph_within(ctx, HEPH_MSEC), heph_on_msg(in, &msg)),
		-ETIME);
	must_be(heph_wait(heph_within(ctx, HEPH_MSEC), heph_on_msg(in, &msg),
			  heph_on_time(heph_now() + 1000 * HEPH_SEC)),
		-ETIME);
	must_be(heph_wait(ctx, [5] = { 0 }), -EINVAL);
	must_be(heph_send(ctx, heph_self(in), { .n = 4 }), 0);
	must_be(heph_wait(ctx, heph_on_nothing(), heph_on_time(0),
			  heph_on_msg(in, &msg)),
		1);
	must_be(heph_wait(ctx, heph_on_nothing(), heph_on_msg(in, &msg)), 1);
	must_be(heph_wait(ctx, heph_on_nothing()), -EINVAL);
	must_be(heph_raw_wait(ctx, NULL, 0), -EINVAL);
	return 0;
}

static void takes_the_first_of_the_list(void **state)
{
	(void)state;
	run(first_of_the_list, NULL);
}

static int serve_both(heph_ctx ctx, act_inbox in, void *arg)
{
	struct act_msg msg;
	int messages = 0, times = 0;

	(void)arg;
	for (;;) {
		switch (heph_wait(
			ctx, [MSG] = heph_on_msg(in, &msg),
			[TIME] = heph_on_time(heph_now() + HEPH_MSEC))) {
		case MSG:
			messages++;
			if (msg.n == 0)
				return 0;
			if (msg.asks)
				heph_answer(msg.answer, msg.n + 1);
			break;
		case TIME:
			times++;
			break;
		default:
			must(!"this");
		}
	}
}

static int talk_to_server(heph_ctx ctx, act_inbox in, void *arg)
{
	act_ref ref;

	(void)in, (void)arg;
	for (int i = 0; i < 2; i++) {
		ref = spawn_on(ctx, HEPH_WORKER(i), serve_both, NULL);
		for (int n = 0; n < 100; n++)
			sync_with(ctx, ref);
		must_be(heph_sleep(ctx, 3 * HEPH_MSEC), 0);
		sync_with(ctx, ref);
		must_be(heph_send(ctx, ref, { .n = 0 }), 0);
		must_be(heph_join(ctx, ref, NULL), 0);
	}
	return 0;
}

static void waits_for_messages_and_times(void **state)
{
	(void)state;
	run(talk_to_server, NULL);
}

/* ---- descriptors ---------------------------------------------------------------------- */

static heph_fd adopt(heph_ctx ctx, int number)
{
	heph_fd fd;

	must_be(heph_fd_adopt(ctx, number, &fd), 0);
	return fd;
}

static int on_pipes(heph_ctx ctx, act_inbox in, void *arg)
{
	int numbers[2];
	char bytes[4096] = { 0 };
	struct act_msg msg;
	heph_fd fd, out;

	(void)arg;
	must_be(pipe2(numbers, O_CLOEXEC | O_NONBLOCK), 0);
	fd = adopt(ctx, numbers[0]);
	out = adopt(ctx, numbers[1]);
	must_be(heph_wait(ctx, heph_on_readable(fd), heph_on_writable(out)), 1);
	must_be(heph_wait(heph_within(ctx, HEPH_MSEC), heph_on_readable(fd),
			  heph_on_msg(in, &msg)),
		-ETIME);
	must_be(write(numbers[1], "x", 1), 1);
	must_be(heph_wait(ctx, heph_on_readable(fd), heph_on_writable(out)), 0);
	must_be(heph_wait(ctx, heph_on_writable(out), heph_on_readable(fd)), 0);
	must_be(read(numbers[0], bytes, 10), 1); /* it took nothing */
	while (write(numbers[1], bytes, sizeof(bytes)) > 0)
		;
	must_be(heph_wait(heph_within(ctx, HEPH_MSEC), heph_on_writable(out)),
		-ETIME);
	must_be(heph_wait(ctx, heph_on_writable(out), heph_on_readable(fd)), 1);
	while (read(numbers[0], bytes, sizeof(bytes)) > 0)
		;
	must_be(heph_wait(ctx, heph_on_writable(out), heph_on_readable(fd)), 0);
	heph_close(out);
	must_be(heph_wait(ctx, heph_on_readable(fd)), 0); /* the end */
	must_be(heph_wait(ctx, heph_on_readable(out)), -EBADF);
	must_be(heph_wait(ctx, heph_on_time(HEPH_NEVER), heph_on_writable(out)),
		-EBADF);
	heph_close(fd);
	must_be(heph_wait(ctx, heph_on_readable((heph_fd){ 0 })), -EBADF);
	return 0;
}

static void waits_for_descriptors(void **state)
{
	(void)state;
	run(on_pipes, NULL);
}

/* Descriptors are not behind messages, nor is a late one too late. */
static int descriptor_first(heph_ctx ctx, act_inbox in, void *arg)
{
	heph_ctx late = heph_within(ctx, -HEPH_SEC);
	struct act_msg msg;
	int numbers[2];
	heph_fd fd, out;
	char byte;

	(void)arg;
	must_be(pipe2(numbers, O_CLOEXEC | O_NONBLOCK), 0);
	fd = adopt(ctx, numbers[0]);
	out = adopt(ctx, numbers[1]);
	must_be(write(numbers[1], "x", 1), 1);
	must_be(heph_try_send(heph_self(in), { .n = 7 }), 0);
	must_be(heph_wait(ctx, heph_on_readable(fd), heph_on_msg(in, &msg)), 0);
	must_be(heph_wait(ctx, heph_on_writable(out), heph_on_msg(in, &msg)),
		0);
	must_be(heph_wait(late, heph_on_readable(fd), heph_on_msg(in, &msg)),
		0);
	must_be(heph_wait(ctx, heph_on_msg(in, &msg), heph_on_readable(fd)), 0);
	must_be(msg.n, 7);
	must_be(heph_wait(late, heph_on_msg(in, &msg), heph_on_readable(fd)),
		1);
	must_be(heph_wait(late, heph_on_writable(out)), 0);
	must_be(read(numbers[0], &byte, 1), 1);
	must_be(heph_wait(late, heph_on_readable(fd)), -ETIME);
	must_be(heph_wait(ctx, heph_on_readable(fd), heph_on_time(0)), 1);
	heph_close(fd);
	must_be(heph_try_send(heph_self(in), { .n = 8 }), 0);
	must_be(heph_wait(ctx, heph_on_readable(fd), heph_on_msg(in, &msg)),
		-EBADF);
	must_be(heph_try_recv(in, &msg), 0); /* it took nothing */
	heph_close(out);
	return 0;
}

static void takes_a_descriptor_that_stands_first(void **state)
{
	(void)state;
	run(descriptor_first, NULL);
}

/* Answers calls, and echoes what comes by the socket. */
static int poll_socket(heph_ctx ctx, act_inbox in, void *arg)
{
	heph_fd fd = *(heph_fd *)arg;
	struct act_msg msg;
	char byte;

	for (;;) {
		switch (heph_wait(ctx, [MSG] = heph_on_msg(in, &msg),
				  [READABLE] = heph_on_readable(fd))) {
		case MSG:
			heph_answer(msg.answer, msg.n + 1);
			break;
		case READABLE:
			if (heph_read(ctx, fd, &byte, 1) != 1)
				return 0;
			must_be(heph_write_all(ctx, fd, &byte, 1), 0);
			break;
		case -ECANCELED:
			return 0;
		default:
			must(!"this");
		}
	}
}

static int talk_to_socket(heph_ctx ctx, act_inbox in, void *arg)
{
	static heph_fd fd;
	int numbers[2];
	heph_fd mine;
	act_ref ref;
	char byte;

	(void)in, (void)arg;
	for (int i = 0; i < 4; i++) {
		must_be(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0,
				   numbers),
			0);
		fd = adopt(ctx, numbers[0]);
		mine = adopt(ctx, numbers[1]);
		must_be(heph_spawn(ctx, act, &ref, { poll_socket, &fd },
				   .on = HEPH_WORKER(i % 2), .give = fd),
			0);
		for (char n = 0; n < 20; n++) {
			must_be(heph_write_all(ctx, mine, &n, 1), 0);
			must_be(heph_read(ctx, mine, &byte, 1), 1);
			must_be(byte, n);
			sync_with(ctx, ref);
		}
		if (i / 2) {
			heph_close(mine);
			must_be(heph_join(ctx, ref, NULL), 0);
		} else {
			stop_and_join(ctx, ref); /* with a poll in flight */
			heph_close(mine);
		}
	}
	return 0;
}

static void waits_for_sockets_and_messages(void **state)
{
	(void)state;
	run(talk_to_socket, NULL);
}

/* ---- signals ------------------------------------------------------------------------------ */

static int take_signals(heph_ctx ctx, act_inbox in, void *arg)
{
	struct act_msg msg;
	unsigned count, seen = 0;

	while (seen < 5) {
		switch (heph_wait(ctx, [MSG] = heph_on_msg(in, &msg),
				  [SIGNAL] = heph_on_signal(SIGUSR1, &count))) {
		case MSG:
			heph_answer(msg.answer, msg.n + 1);
			break;
		case SIGNAL:
			must(count >= 1);
			seen += count;
			break;
		default:
			must(!"this");
		}
	}
	*(_Atomic unsigned *)arg += seen;
	return 0;
}

/* Signals may be merged by the kernel before they are taken: one by one. */
static void takes_signals(void **state)
{
	static _Atomic unsigned seen;
	struct sigaction before, after;
	heph_ctx ctx = begin(&two_workers);
	act_ref refs[2];
	unsigned count;

	(void)state;
	seen = 0;
	sigaction(SIGUSR1, NULL, &before);
	for (int n = 0; n < 2; n++) {
		refs[n] = spawn_on(ctx, HEPH_WORKER(n), take_signals,
				   (void *)(uintptr_t)&seen);
		sync_with(ctx, refs[n]);
		sync_with(ctx, refs[n]); /* it takes the signal now */
	}
	must_be(heph_wait(heph_within(ctx, HEPH_MSEC),
			  heph_on_signal(SIGUSR1, &count)),
		-ETIME);
	for (int n = 0; n < 5; n++) {
		must_be(n % 2 ? raise(SIGUSR1) : kill(getpid(), SIGUSR1), 0);
		must_be(heph_wait(ctx, heph_on_signal(SIGUSR1, &count)), 0);
		must_be(count, 1);
	}
	for (int n = 0; n < 2; n++)
		must_be(heph_join(ctx, refs[n], NULL), 0);
	must_be(seen, 10);
	must_be(heph_wait(ctx, heph_on_signal(SIGKILL, NULL)), -EINVAL);
	must_be(heph_wait(ctx, heph_on_signal(0, NULL)), -EINVAL);
	must_be(heph_wait(ctx, heph_on_signal(1000, NULL)), -EINVAL);
	end(ctx);
	sigaction(SIGUSR1, NULL, &after);
	must(before.sa_handler == after.sa_handler); /* as it was */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_the_first_of_the_list),
		cmocka_unit_test(waits_for_messages_and_times),
		cmocka_unit_test(waits_for_descriptors),
		cmocka_unit_test(takes_a_descriptor_that_stands_first),
		cmocka_unit_test(waits_for_sockets_and_messages),
		cmocka_unit_test(takes_signals),
	};

	return cmocka_run_group_tests_name("wait", tests, NULL, NULL);
}
