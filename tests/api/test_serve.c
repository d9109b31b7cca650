/* SPDX-License-Identifier: MIT */
/* heph_serve() and heph_serve_on_each(): an actor for each connection. */
#include "task.h"

#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

enum { LINE = 100 };

/* ---- the connections ----------------------------------------------------------- */

struct conn_arg {
	heph_fd fd;
	int number; /* the same for all */
};
HEPH_ACTOR(conn, void, struct conn_arg);

static _Atomic int workers_seen; /* bits */

/* Echoes, until the client has nothing more to say; says so when stopped. */
static int conn_main(heph_ctx ctx, struct conn_arg *arg)
{
	char buf[LINE];
	int n;

	must_be(arg->number, 42);
	workers_seen |= 1 << heph_worker(ctx);
	while ((n = heph_read(ctx, arg->fd, buf, sizeof(buf))) > 0) {
		n = heph_write_all(ctx, arg->fd, buf, (size_t)n);
		if (n < 0)
			break;
	}
	if (n == -ECANCELED) {
		n = heph_write_all(heph_shield(ctx, HEPH_NEVER), arg->fd,
				   "stop", 4);
		must(n == 0 || n == -EPIPE || n == -ECONNRESET);
	}
	return 0;
}
HEPH_ACTOR_MAIN(conn, conn_main);

/* ---- a server -------------------------------------------------------------------- */

struct server {
	bool each;
	_Atomic int port; /* 0: not yet */
	_Atomic int result;
	heph_time within; /* 0: for ever */
};

static int serve(heph_ctx ctx, void *arg)
{
	struct server *it = arg;
	heph_fd listener;
	int result;

	must_be(it->each ? heph_listen_shared(ctx, "127.0.0.1:0", &listener) :
			   heph_listen(ctx, "127.0.0.1:0", &listener),
		0);
	it->port = port_of(ctx, listener);
	if (it->within)
		ctx = heph_within(ctx, it->within);
	result = it->each ?
			 heph_serve_on_each(ctx, listener, conn, fd,
					    { .number = 42 }) :
			 heph_serve(ctx, listener, conn, fd, { .number = 42 });
	it->result = result;
	must_be(heph_fd_number(ctx, listener), -EBADF);
	return 0;
}

static struct server served;

/* In the background; returns when it accepts, on all workers. */
static task_ref start_server(heph_ctx ctx, bool each)
{
	task_ref task;

	served.each = each;
	served.port = 0;
	served.result = 1000;
	served.within = 0;
	task = start_task(ctx, serve, &served);
	while (!served.port ||
	       heph_stats(ctx).operations < (each ? heph_workers(ctx) : 1))
		sched_yield();
	return task;
}

static heph_fd client(heph_ctx ctx)
{
	char address[HEPH_ADDRESS_MAX];
	heph_fd fd;

	snprintf(address, sizeof(address), "127.0.0.1:%d", served.port);
	must_be(heph_connect(ctx, address, &fd), 0);
	return fd;
}

static void echo(heph_ctx ctx, heph_fd fd)
{
	char buf[LINE];

	must_be(heph_write_all(ctx, fd, "a line\n", 7), 0);
	must_be(heph_read_exact(ctx, fd, buf, 7, NULL), 0);
	must_be(memcmp(buf, "a line\n", 7), 0);
}

static void says_stop(heph_ctx ctx, heph_fd fd)
{
	char buf[LINE];

	must_be(heph_read_exact(ctx, fd, buf, 4, NULL), 0);
	must_be(memcmp(buf, "stop", 4), 0);
	must_be(heph_read(ctx, fd, buf, LINE), 0);
}

/* Waits until nobody listens at the port. */
static void await_refusal(heph_ctx ctx)
{
	int number;

	while ((number = raw_connect(served.port)) != -ECONNREFUSED) {
		must(number >= 0 || number == -ECONNRESET);
		if (number >= 0)
			close(number);
		must_be(heph_yield(ctx), 0);
	}
}

/* ---- serving --------------------------------------------------------------------- */

static struct heph_config config(unsigned workers, heph_time grace)
{
	return (struct heph_config){ .workers = workers,
				     .actors = 5000,
				     .no_signals = true,
				     .grace = grace };
}

/* Runs a function in a new runtime on this thread; see task.h. */
static void twice(unsigned workers, heph_time grace, void (*fn)(heph_ctx, bool),
		  bool each)
{
	struct heph_config it = config(workers, grace);
	struct counts before;
	int fds = count_fds();
	heph_ctx ctx;

	assert_int_equal(heph_new(&ctx, &it), 0);
	for (unsigned round = 0; round <= workers; round++) {
		fn(ctx, each);
		if (round < workers) /* each worker has to know the types */
			before = settled_counts(ctx);
		else
			await_counts(ctx, &before);
	}
	heph_free(ctx);
	assert_int_equal(count_fds(), fds);
}

static void echo_clients(heph_ctx ctx, bool each)
{
	enum { CLIENTS = 100 };
	task_ref task = start_server(ctx, each);
	heph_fd fds[CLIENTS];

	workers_seen = 0;
	for (int i = 0; i < CLIENTS; i++)
		fds[i] = client(ctx);
	for (int round = 0; round < 3; round++)
		for (int i = 0; i < CLIENTS; i++)
			echo(ctx, fds[i]);
	must_be(heph_stats(ctx).actors,
		CLIENTS + 1 + (each ? heph_workers(ctx) : 1));
	must(!each || workers_seen == (1 << heph_workers(ctx)) - 1);
	for (int i = 0; i < CLIENTS; i++)
		heph_close(fds[i]);
	heph_stop(task);
	end_task(ctx, task);
	must_be(served.result, 0);
	must_be(raw_connect(served.port), -ECONNREFUSED);
}

static void serves_clients(void **state)
{
	twice(1, 0, echo_clients, false);
	twice(2, 0, echo_clients, false);
	twice(1, 0, echo_clients, true);
	twice(2, 0, echo_clients, true);
}

/* After a stop: nobody is accepted, connections go on until they are done. */
static void graceful(heph_ctx ctx, bool each)
{
	enum { CLIENTS = 20 };
	task_ref task = start_server(ctx, each);
	heph_fd fds[CLIENTS];

	for (int i = 0; i < CLIENTS; i++) {
		fds[i] = client(ctx);
		echo(ctx, fds[i]);
	}
	heph_stop(task);
	await_refusal(ctx);
	for (int i = 0; i < CLIENTS; i++) {
		must_be(served.result, 1000);
		echo(ctx, fds[i]);
		heph_close(fds[i]);
	}
	end_task(ctx, task);
	must_be(served.result, 0);
}

static void a_stop_lets_connections_finish(void **state)
{
	twice(1, HEPH_NEVER / 4, graceful, false);
	twice(1, HEPH_NEVER / 4, graceful, true);
	twice(2, HEPH_NEVER / 4, graceful, true);
}

/* But not longer than half of the grace. */
static void not_for_ever(heph_ctx ctx, bool each)
{
	enum { CLIENTS = 20 };
	task_ref task = start_server(ctx, each);
	heph_time began;
	heph_fd fds[CLIENTS];

	for (int i = 0; i < CLIENTS; i++) {
		fds[i] = client(ctx);
		echo(ctx, fds[i]);
	}
	began = heph_now();
	heph_stop(task);
	end_task(ctx, task);
	must(heph_now() - began >= 20 * HEPH_MSEC);
	must_be(served.result, 0);
	for (int i = 0; i < CLIENTS; i++) {
		says_stop(ctx, fds[i]);
		heph_close(fds[i]);
	}
}

static void a_stop_is_bounded_by_the_grace(void **state)
{
	twice(1, 40 * HEPH_MSEC, not_for_ever, false);
	twice(2, 40 * HEPH_MSEC, not_for_ever, true);
}

/* The end of the runtime is a stop; the connections are told before its end,
 * when half of the grace is over. The other half is what a slow machine has. */
static void ends_with_the_runtime(void **state)
{
	struct heph_config it =
		config(2, (on_valgrind() ? 20 : 7) * HEPH_SEC);
	int fds = count_fds(), number;
	char buf[LINE];
	heph_ctx ctx;

	for (int each = 0; each < 2; each++) {
		assert_int_equal(heph_new(&ctx, &it), 0);
		start_server(ctx, each);
		number = raw_connect(served.port);
		assert_int_equal(write(number, "x", 1), 1);
		assert_int_equal(fcntl(number, F_SETFL, 0), 0);
		assert_int_equal(read(number, buf, 1), 1);
		heph_free(ctx);
		assert_int_equal(served.result, 0);
		assert_int_equal(read(number, buf, 4), 4);
		assert_memory_equal(buf, "stop", 4);
		assert_int_equal(read(number, buf, 1), 0);
		close(number);
	}
	assert_int_equal(count_fds(), fds);
}

static void by_deadline(heph_ctx ctx, bool each)
{
	heph_fd listener;
	int err;

	echo_clients(ctx, each); /* now all workers know the types */
	must_be(heph_listen_shared(ctx, "127.0.0.1:0", &listener), 0);
	ctx = heph_within(ctx, HEPH_MSEC);
	err = each ? heph_serve_on_each(ctx, listener, conn, fd,
					{ .number = 42 }) :
		     heph_serve(ctx, listener, conn, fd, { .number = 42 });
	must_be(err, -ETIME);
	heph_close(listener); /* ours still, if no server was spawned in time */
}

static void a_deadline_is_a_stop(void **state)
{
	twice(1, 0, by_deadline, false);
	twice(2, 0, by_deadline, true);
}

/* ---- what cannot be ------------------------------------------------------------- */

static void bad_listeners(heph_ctx ctx, bool each)
{
	heph_fd none = { 0 }, plain;
	int other;

	must_be(heph_serve(ctx, none, conn, fd, { .number = 42 }), -EBADF);
	must_be(heph_serve_on_each(ctx, none, conn, fd, { .number = 42 }),
		-EBADF);
	must_be(heph_listen(ctx, "127.0.0.1:0", &plain), 0);
	must_be(heph_serve_on_each(ctx, plain, conn, fd, { .number = 42 }),
		-EINVAL);
	must(heph_fd_number(ctx, plain) >= 0);
	heph_close(plain);
	plain = pipe_end(ctx, 0, &other);
	must_be(heph_serve(ctx, plain, conn, fd, { .number = 42 }), -ENOTSOCK);
	must_be(heph_fd_number(ctx, plain), -EBADF);
	close(other);
	plain = pair(ctx, &other);
	must_be(heph_serve(ctx, plain, conn, fd, { .number = 42 }), -EINVAL);
	close(other);
}

static void refuses_what_does_not_listen(void **state)
{
	twice(1, 0, bad_listeners, false);
	twice(2, 0, bad_listeners, false);
}

/* Options that cannot be are told, not tried for ever. */
static int bad_option_main(heph_ctx ctx, void *arg)
{
	heph_fd listener;
	int err, number;

	must_be(heph_listen(ctx, "127.0.0.1:0", &listener), 0);
	number = raw_connect(port_of(ctx, listener));
	err = heph_serve(ctx, listener, conn, fd, { .number = 42 },
			 .inbox = HEPH_INBOX_MAX + 1);
	must_be(err, -EINVAL);
	close(number);
	return 0;
}

static void tells_of_bad_options(void **state)
{
	struct heph_config it = config(1, 0);
	heph_ctx ctx;

	assert_int_equal(heph_new(&ctx, &it), 0);
	end_task(ctx, start_task(ctx, bad_option_main, NULL));
	heph_free(ctx);
}

/* ---- exhaustion ---------------------------------------------------------------------- */

/* No more actors: those who come are refused, those who are there served. */
static void full_house(void **state)
{
	enum { ACTORS = 10, ROOM = ACTORS - 2, MORE = 5 };
	struct heph_config it = config(1, 0);
	heph_fd fds[ROOM], late[MORE];
	char byte;
	int fds_before = count_fds();
	heph_ctx ctx;
	task_ref task;

	it.actors = ACTORS;
	assert_int_equal(heph_new(&ctx, &it), 0);
	task = start_server(ctx, false);
	for (int round = 0; round < 3; round++) {
		/* places of connections that have ended are free again */
		while (heph_stats(ctx).actors != 2)
			sched_yield();
		for (int i = 0; i < ROOM; i++) {
			fds[i] = client(ctx);
			echo(ctx, fds[i]);
		}
		for (int i = 0; i < MORE; i++) {
			late[i] = client(ctx);
			must_be(heph_read(ctx, late[i], &byte, 1), 0);
			heph_close(late[i]);
		}
		for (int i = 0; i < ROOM; i++) {
			echo(ctx, fds[i]);
			heph_close(fds[i]);
		}
	}
	heph_stop(task);
	end_task(ctx, task);
	heph_free(ctx);
	assert_int_equal(served.result, 0);
	assert_int_equal(count_fds(), fds_before);
}

/* In a child process: what it prints is of no interest. */
static void in_child(void (*fn)(void))
{
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		alarm(100);
		fn();
		exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

/* Takes all descriptors that there are; how many. */
static int take_all(int *numbers, int max)
{
	int n = 0;

	while (n < max && (numbers[n] = dup(0)) >= 0)
		n++;
	must(n > 1 && n < max);
	return n;
}

/* Valgrind keeps the limit by itself, and does not tell the kernel: then the
 * test cannot be done. */
static void limit_descriptors(unsigned n)
{
	struct rlimit limit;
	char line[100];
	unsigned is = 0;
	FILE *file;

	must_be(getrlimit(RLIMIT_NOFILE, &limit), 0);
	limit.rlim_cur = n;
	must_be(setrlimit(RLIMIT_NOFILE, &limit), 0);
	file = fopen("/proc/self/limits", "re");
	must(file);
	while (fgets(line, sizeof(line), file))
		sscanf(line, "Max open files %u", &is);
	fclose(file);
	if (is != n)
		exit(0);
}

/* The server has no descriptor left for a connection, tries again, and serves
 * it when there is one. */
static void starve(bool each)
{
	enum { LIMIT = 64, WAITING = 3 };
	struct heph_config it = config(1, 0);
	int taken[LIMIT], waiting[WAITING], n;
	heph_ctx ctx;
	task_ref task;
	char byte;

	limit_descriptors(LIMIT);
	must_be(heph_new(&ctx, &it), 0);
	task = start_server(ctx, each);
	for (int i = 0; i < WAITING; i++)
		waiting[i] = socket(AF_INET, SOCK_STREAM, 0);
	n = take_all(taken, LIMIT);
	for (int i = 0; i < WAITING; i++) {
		struct sockaddr_in address = loopback(served.port);

		must_be(connect(waiting[i], (void *)&address, sizeof(address)),
			0);
		must_be(write(waiting[i], "x", 1), 1);
	}
	/* nobody answers; the server has met the limit when it sleeps */
	while (!heph_stats(ctx).timers)
		sched_yield();
	must_be(served.result, 1000);
	for (int i = 0; i < WAITING; i++) { /* one after the other */
		close(taken[--n]);
		must_be(read(waiting[i], &byte, 1), 1);
		must_be(byte, 'x');
	}
	for (int i = 0; i < WAITING; i++)
		close(waiting[i]);
	while (n)
		close(taken[--n]);
	heph_stop(task);
	end_task(ctx, task);
	must_be(served.result, 0);
	heph_free(ctx);
}

static void starve_one(void)
{
	starve(false);
}

static void starve_each(void)
{
	starve(true);
}

static void survives_emfile(void **state)
{
	in_child(starve_one);
	in_child(starve_each);
}

/* ---- who owns the connection ----------------------------------------------------------- */

/* The server and its siblings may not touch it. */
struct thief_arg {
	heph_fd fd;
};
HEPH_ACTOR(thief, void, struct thief_arg);
static heph_fd last_seen;
static int thief_main(heph_ctx ctx, struct thief_arg *arg)
{
	char byte;

	if (last_seen.turn) {
		must_be(heph_read(ctx, last_seen, &byte, 1), -EBADF);
		must_be(heph_write(ctx, last_seen, "x", 1), -EBADF);
		heph_close(last_seen);
	}
	last_seen = arg->fd;
	must_be(heph_read(ctx, arg->fd, &byte, 1), 1);
	must_be(heph_write(ctx, arg->fd, "y", 1), 1);
	return 0; /* and it is closed */
}
HEPH_ACTOR_MAIN(thief, thief_main);

static int serve_thieves(heph_ctx ctx, void *arg)
{
	heph_fd listener;

	must_be(heph_listen(ctx, "127.0.0.1:0", &listener), 0);
	served.port = port_of(ctx, listener);
	must_be(heph_serve(ctx, listener, thief, fd), 0);
	return 0;
}

static void a_connection_belongs_to_its_actor(void **state)
{
	struct heph_config it = config(1, 0);
	heph_ctx ctx;
	task_ref task;
	heph_fd a, b;
	char byte;

	assert_int_equal(heph_new(&ctx, &it), 0);
	last_seen = (heph_fd){ 0 };
	served.port = 0;
	task = start_task(ctx, serve_thieves, NULL);
	while (!served.port)
		sched_yield();
	a = client(ctx);
	b = client(ctx);
	must_be(heph_write(ctx, a, "x", 1), 1);
	must_be(heph_read(ctx, a, &byte, 1), 1);
	must_be(heph_read(ctx, a, &byte, 1), 0);
	must_be(heph_write(ctx, b, "x", 1), 1);
	must_be(heph_read(ctx, b, &byte, 1), 1);
	must_be(heph_read(ctx, b, &byte, 1), 0);
	heph_stop(task);
	end_task(ctx, task);
	heph_free(ctx);
}

/* ---- their name ------------------------------------------------------------------------ */

struct named_arg {
	heph_fd fd;
};
HEPH_ACTOR(named, void, struct named_arg);
static int named_main(heph_ctx ctx, struct named_arg *arg)
{
	const char *name = heph_name(ctx);

	return heph_write_all(ctx, arg->fd, name, strlen(name) + 1);
}
HEPH_ACTOR_MAIN(named, named_main);

static char fleeting[20];

static int serve_named(heph_ctx ctx, void *arg)
{
	const struct server *it = arg;
	heph_fd listener;

	must_be(it->each ? heph_listen_shared(ctx, "127.0.0.1:0", &listener) :
			   heph_listen(ctx, "127.0.0.1:0", &listener),
		0);
	served.port = port_of(ctx, listener);
	if (it->each)
		return heph_serve_on_each(ctx, listener, named, fd,
					  { .fd = { 0 } }, .name = fleeting);
	return heph_serve(ctx, listener, named, fd, { .fd = { 0 } },
			  .name = fleeting);
}

static void read_name(heph_ctx ctx)
{
	heph_fd fd = client(ctx);
	char name[9];

	must_be(heph_read_exact(ctx, fd, name, sizeof(name), NULL), 0);
	must_be(strcmp(name, "fleeting"), 0);
	must_be(heph_read(ctx, fd, name, 1), 0);
	heph_close(fd);
}

/* On the server's worker, so that tools see the order. */
static int overwrite(heph_ctx ctx, void *arg)
{
	strcpy(fleeting, "overwritten");
	return 0;
}

static void with_a_name(heph_ctx ctx, bool each)
{
	task_ref task;

	strcpy(fleeting, "fleeting");
	served.port = 0;
	served.each = each;
	task = start_task(ctx, serve_named, &served);
	while (!served.port)
		sched_yield();
	read_name(ctx); /* it has begun */
	end_task(ctx, start_task(ctx, overwrite, NULL));
	for (int n = 0; n < 4; n++)
		read_name(ctx);
	heph_stop(task);
	end_task(ctx, task);
}

static void copies_the_name(void **state)
{
	twice(1, 0, with_a_name, false);
	twice(1, 0, with_a_name, true);
}

/* ---- heph_run_on_each() ------------------------------------------------------------------ */

struct each_arg {
	int fail_on;
};
HEPH_ACTOR(each, void, struct each_arg);
static int each_main(heph_ctx ctx, struct each_arg *arg)
{
	workers_seen |= 1 << heph_worker(ctx);
	return heph_worker(ctx) == arg->fail_on ? -EXDEV : 0;
}
HEPH_ACTOR_MAIN(each, each_main);

static int run_each(heph_ctx ctx, void *arg)
{
	workers_seen = 0;
	must_be(heph_run_on_each(ctx, each, { -1 }), 0);
	must_be(workers_seen, 3);
	return 0;
}

static void runs_on_each_worker(void **state)
{
	struct heph_config it = config(2, 0);
	heph_ctx ctx;

	run_task_on(2, run_each, NULL);
	assert_int_equal(heph_new(&ctx, &it), 0);
	must_be(heph_run_on_each(ctx, each, { 1 }), -EXDEV);
	must_be(heph_run_on_each(ctx, each, { 1 }, .inbox = HEPH_INBOX_MAX + 1),
		-EINVAL);
	heph_free(ctx);
}

/* Keeps a worker to itself, until it is released. */
static _Atomic int busy_worker;
static _Atomic bool is_busy, is_released;

HEPH_ACTOR(busy, void, void);
static int busy_main(heph_ctx ctx)
{
	heph_time until = heph_now() + 20 * HEPH_SEC;

	if (heph_worker(ctx) != busy_worker)
		return 0;
	is_busy = true;
	while (!is_released && heph_now() < until)
		sched_yield();
	must(is_released);
	return 0;
}
HEPH_ACTOR_MAIN(busy, busy_main);

static void each_beside_busy(heph_ctx ctx)
{
	int err = -ETIME;

	do
		err = heph_run_on_each(heph_within(ctx, 2 * HEPH_MSEC), busy);
	while (err == -ETIME && !is_busy); /* the spawns were too slow */
	must_be(err, -ETIME);
	must_be(heph_run_on_each(heph_within(ctx, HEPH_MSEC), busy), -ETIME);
}

static void join_busy(heph_ctx ctx)
{
	busy_ref ref;

	must_be(heph_spawn(ctx, busy, &ref, .on = HEPH_WORKER(busy_worker)), 0);
	while (!is_busy)
		must_be(heph_yield(ctx), 0);
	for (int n = 0; n < 3; n++)
		must_be(heph_join(heph_within(ctx, HEPH_MSEC), ref, NULL),
			-ETIME);
}

static void not_kept_waiting(heph_ctx ctx, bool each)
{
	for (int n = 0; n < 10; n++) {
		busy_worker = !heph_worker(ctx);
		is_busy = is_released = false;
		if (each)
			each_beside_busy(ctx);
		else
			join_busy(ctx);
		is_released = true;
		pass_turns(ctx); /* what was under way has come back */
	}
}

static int not_kept_waiting_in_actor(heph_ctx ctx, void *arg)
{
	not_kept_waiting(ctx, arg != NULL);
	return 0;
}

static void deadlines_hold_beside_a_busy_worker(void **state)
{
	static char each;

	twice(2, 0, not_kept_waiting, false);
	twice(2, 0, not_kept_waiting, true);
	run_task_on(2, not_kept_waiting_in_actor, NULL);
	run_task_on(2, not_kept_waiting_in_actor, &each);
}

/* ---- who ignores a stop ------------------------------------------------------------------- */

static int serves_for_ever(heph_ctx ctx, void *arg)
{
	heph_fd listener;

	must_be(heph_listen(ctx, "127.0.0.1:0", &listener), 0);
	while (heph_serve(ctx, listener, conn, fd, { .number = 42 }) <= 0)
		;
	return 0;
}

static int runs_for_ever_on_each(heph_ctx ctx, void *arg)
{
	while (heph_run_on_each(ctx, each, { -1 }) <= 0)
		;
	return 0;
}

static void panics(heph_ctx ctx, task_fn fn, int worker)
{
	uint64_t before = heph_stats(ctx).panicked;
	struct heph_exit exit;
	task_ref task;

	must_be(heph_spawn(ctx, task, &task, { fn, NULL },
			   .on = HEPH_WORKER(worker)),
		0);
	heph_stop(task);
	must_be(heph_join(ctx, task, &exit), 0);
	must(exit.err == -ENOTRECOVERABLE || exit.err == -ESRCH);
	while (heph_stats(ctx).panicked == before)
		sched_yield();
}

static void ignore_stops(heph_ctx ctx, bool on_each)
{
	/* all workers know the types, however early the stops come */
	echo_clients(ctx, true);
	must_be(heph_run_on_each(ctx, each, { -1 }), 0);
	for (int n = 0; n < (int)heph_workers(ctx); n++) {
		panics(ctx, serves_for_ever, n);
		panics(ctx, runs_for_ever_on_each, n);
	}
}

static void panics_when_a_stop_is_ignored(void **state)
{
	setenv("HEPH_LOG", "off", 0); /* they fail on purpose */
	twice(1, 0, ignore_stops, false);
	twice(2, 0, ignore_stops, false);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(survives_emfile), /* forks: before threads */
		cmocka_unit_test(serves_clients),
		cmocka_unit_test(a_stop_lets_connections_finish),
		cmocka_unit_test(a_stop_is_bounded_by_the_grace),
		cmocka_unit_test(ends_with_the_runtime),
		cmocka_unit_test(a_deadline_is_a_stop),
		cmocka_unit_test(refuses_what_does_not_listen),
		cmocka_unit_test(tells_of_bad_options),
		cmocka_unit_test(full_house),
		cmocka_unit_test(a_connection_belongs_to_its_actor),
		cmocka_unit_test(copies_the_name),
		cmocka_unit_test(runs_on_each_worker),
		cmocka_unit_test(deadlines_hold_beside_a_busy_worker),
		cmocka_unit_test(panics_when_a_stop_is_ignored),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
