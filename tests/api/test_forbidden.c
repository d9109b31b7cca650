/* SPDX-License-Identifier: MIT */
/* Where io_uring is forbidden, as in many containers, programs run all the same:
 * a server with real clients, in a process with a seccomp filter. */
#include "task.h"

#include "../forbid.h"

#include <heph/embed.h>

#include <pthread.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>

struct echo_arg {
	heph_fd fd;
};
HEPH_ACTOR(echo, void, struct echo_arg);

static int echo_main(heph_ctx ctx, struct echo_arg *arg)
{
	char buf[1000];
	int n;

	while ((n = heph_read(ctx, arg->fd, buf, sizeof(buf))) > 0)
		must_be(heph_write_all(ctx, arg->fd, buf, (size_t)n), 0);
	return n;
}
HEPH_ACTOR_MAIN(echo, echo_main);

static _Atomic int port;

static int serve(heph_ctx ctx, void *arg)
{
	heph_fd listener;

	(void)arg;
	must_be(heph_listen_shared(ctx, "127.0.0.1:0", &listener), 0);
	atomic_store(&port, port_of(ctx, listener));
	return heph_serve_on_each(ctx, listener, echo, fd);
}

/* More than the buffers of a socket hold, in pieces. */
static void *be_client(void *arg)
{
	int number = raw_connect(atomic_load(&port));
	char out[5000], in[5000];

	(void)arg;
	must_be(fcntl(number, F_SETFL, 0), 0);
	for (int round = 0; round < 50; round++) {
		memset(out, 'a' + round % 26, sizeof(out));
		must_be(send(number, out, sizeof(out), MSG_NOSIGNAL),
			sizeof(out));
		must_be(recv_whole(number, in, sizeof(in)), sizeof(in));
		must(memcmp(in, out, sizeof(in)) == 0);
	}
	close(number);
	return NULL;
}

static int use_files(heph_ctx ctx, void *arg)
{
	heph_fd file = adopt(ctx, memfd_create("test", MFD_CLOEXEC));
	char buf[10];

	(void)arg;
	must_be(heph_write_all(ctx, file, "some bytes", 10), 0);
	must_be(lseek(heph_fd_number(ctx, file), 0, SEEK_SET), 0);
	must_be(heph_read_exact(ctx, file, buf, 10, NULL), 0);
	must(memcmp(buf, "some bytes", 10) == 0);
	heph_close(file);
	return 0;
}

/* A program: it serves, works with files and time, and ends well. */
static void be_program(void)
{
	enum { CLIENTS = 8 };
	struct heph_config config = { .workers = 2, .no_signals = true };
	pthread_t clients[CLIENTS];
	task_ref server;
	heph_ctx ctx;

	must_be(heph_new(&ctx, &config), 0);
	must(strcmp(heph_driver_name(ctx), "epoll") == 0);
	server = start_task(ctx, serve, NULL);
	while (!atomic_load(&port))
		sched_yield();
	for (int n = 0; n < CLIENTS; n++)
		must_be(pthread_create(&clients[n], NULL, be_client, NULL), 0);
	end_task(ctx, start_task(ctx, use_files, NULL));
	must_be(heph_sleep(heph_within(ctx, 100 * HEPH_SEC), HEPH_MSEC), 0);
	for (int n = 0; n < CLIENTS; n++)
		pthread_join(clients[n], NULL);
	heph_stop(server);
	end_task(ctx, server);
	must_be(heph_stats(ctx).failed, 0);
	must_be(heph_drain(ctx), 0);
	heph_free(ctx);
}

/* In a child process, in which that fails with that. */
static void run_without(unsigned number, unsigned err)
{
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		unsetenv("HEPH_DRIVER");
		if (!forbid(number, err))
			exit(77);
		be_program();
		exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
		skip(); /* no filters here */
	assert_int_equal(status, 0);
}

static void runs_where_rings_are_not_permitted(void **state)
{
	run_without(FORBID_IO_URING_SETUP, EPERM);
}

static void runs_where_rings_are_unknown(void **state)
{
	run_without(FORBID_IO_URING_SETUP, ENOSYS);
}

static void runs_where_rings_cannot_be_entered(void **state)
{
	run_without(FORBID_IO_URING_ENTER, EPERM);
}

/* Such a filter may not know the newest of epoll either. */
static void runs_with_whole_milliseconds(void **state)
{
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		unsetenv("HEPH_DRIVER");
		if (!forbid(FORBID_IO_URING_SETUP, EPERM) ||
		    !forbid(FORBID_EPOLL_PWAIT2, EPERM))
			exit(77);
		be_program();
		exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
		skip();
	assert_int_equal(status, 0);
}

/* A ring is memory that is locked, of which an ordinary user has not much: enough
 * for the ring that is tried, but not for those of the workers. */
static void start_with(unsigned kib)
{
	const struct rlimit limit = { kib * 1024, kib * 1024 };
	const struct heph_config config = { .workers = 8, .no_signals = true };
	struct heph_embed *embed;
	heph_ctx ctx;

	unsetenv("HEPH_DRIVER");
	must_be(setrlimit(RLIMIT_MEMLOCK, &limit), 0);
	if (geteuid() == 0)
		must_be(setresuid(65534, 65534, 65534), 0);
	must_be(heph_new(&ctx, &config), 0);
	must_be(heph_sleep(heph_within(ctx, 100 * HEPH_SEC), HEPH_MSEC), 0);
	heph_free(ctx);
	must_be(heph_embed_new(&embed, NULL), 0);
	heph_embed_free(embed);
}

static void starts_with_little_locked_memory(void **state)
{
	int status;
	pid_t pid;

	for (unsigned kib = 0; kib <= 512; kib = kib ? 2 * kib : 16) {
		pid = fork();
		assert_true(pid >= 0);
		if (pid == 0) {
			start_with(kib);
			exit(0);
		}
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_int_equal(status, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(runs_where_rings_are_not_permitted),
		cmocka_unit_test(runs_where_rings_are_unknown),
		cmocka_unit_test(runs_where_rings_cannot_be_entered),
		cmocka_unit_test(runs_with_whole_milliseconds),
		cmocka_unit_test(starts_with_little_locked_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
