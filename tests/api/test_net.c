/* SPDX-License-Identifier: MIT */
/* Listening, accepting, connecting; descriptors from hand to hand. */
#include "task.h"

#include <poll.h>

static heph_fd listen_somewhere(heph_ctx ctx)
{
	heph_fd listener;

	must_be(heph_listen(ctx, "127.0.0.1:0", &listener), 0);
	return listener;
}

static void address_of(char *text, int port)
{
	snprintf(text, HEPH_ADDRESS_MAX, "127.0.0.1:%d", port);
}

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

/* ---- bad ones -------------------------------------------------------------------- */

static int refused(heph_ctx ctx, void *arg)
{
	static const char *const bad[] = { "",
					   "x",
					   "1.2.3.4",
					   "1.2.3.4:",
					   "[::1]",
					   "localhost:80",
					   "1.2.3.4:65536" };
	char address[HEPH_ADDRESS_MAX];
	heph_fd fd = { 7, 7 }, listener = listen_somewhere(ctx);

	address_of(address, port_of(ctx, listener));
	heph_close(listener);
	must_be(heph_connect(ctx, address, &fd), -ECONNREFUSED);
	must_be(heph_connect(heph_within(ctx, HEPH_SEC), address, &fd),
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
	heph_fd listener = listen_somewhere(ctx), fd;
	int port = port_of(ctx, listener), others[5];
	char byte;

	for (int i = 0; i < 5; i++)
		others[i] = raw_connect(port);
	must_be(heph_accept(ctx, listener, &fd), 0);
	let_run(ctx);
	heph_close(listener);
	must_be(heph_accept(ctx, listener, &fd), -EBADF);
	for (int i = 1; i < 5; i++) {
		struct pollfd it = { .fd = others[i], .events = POLLIN };

		let_run(ctx);
		must_be(heph_sleep(ctx, 0), 0);
		must_be(poll(&it, 1, 0) >= 0, 1);
		close(others[i]);
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

/* ---- deadlines and stops at each operation ------------------------------------------ */

enum what {
	READ_PIPE,
	READ_HEAP,
	RECV,
	RECV_HEAP,
	READ_EXACT,
	WRITE_PIPE,
	WRITE_HEAP,
	SEND,
	SEND_HEAP,
	WRITE_ALL,
	ACCEPT,
	CONNECT,
	POLL_IN,
	POLL_OUT,
	KINDS,
};

/* What an operation works on, so that it cannot be done. */
struct work {
	enum what what;
	heph_fd fd;
	int other, spare;
	char address[HEPH_ADDRESS_MAX];
	char *heap;
	int result;
};

static void stuff(int number)
{
	static const char zeros[65536];
	ssize_t n;

	must_be(fcntl(number, F_SETFL, O_NONBLOCK), 0);
	while ((n = write(number, zeros, sizeof(zeros))) > 0)
		;
	while ((n = write(number, zeros, 1)) > 0)
		;
	must_be(fcntl(number, F_SETFL, 0), 0);
}

/* A listener of ours whose queue is full: connections to it hang. */
static void hang(heph_ctx ctx, struct work *it)
{
	struct sockaddr_in raw = loopback(0);
	socklen_t size = sizeof(raw);

	it->other = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	must_be(bind(it->other, (void *)&raw, sizeof(raw)), 0);
	must_be(listen(it->other, 0), 0);
	must_be(getsockname(it->other, (void *)&raw, &size), 0);
	it->spare = raw_connect(ntohs(raw.sin_port));
	address_of(it->address, ntohs(raw.sin_port));
}

static void set_up(heph_ctx ctx, struct work *it, enum what what)
{
	*it = (struct work){
		.what = what, .other = -1, .spare = -1, .result = 1000
	};
	it->heap = malloc(100);
	if (what == READ_PIPE || what == READ_HEAP || what == POLL_IN)
		it->fd = pipe_end(ctx, 0, &it->other);
	else if (what == WRITE_PIPE || what == WRITE_HEAP || what == POLL_OUT)
		it->fd = pipe_end(ctx, 1, &it->other);
	else if (what == ACCEPT)
		it->fd = listen_somewhere(ctx);
	else if (what == CONNECT)
		hang(ctx, it);
	else
		it->fd = pair(ctx, &it->other);
	switch (what) {
	case WRITE_PIPE:
	case WRITE_HEAP:
	case SEND:
	case SEND_HEAP:
	case WRITE_ALL:
	case POLL_OUT:
		stuff(heph_fd_number(ctx, it->fd));
		break;
	default:
		break;
	}
}

static void tear_down(struct work *it)
{
	heph_close(it->fd);
	if (it->other >= 0)
		close(it->other);
	if (it->spare >= 0)
		close(it->spare);
	free(it->heap);
}

static int operate(heph_ctx ctx, struct work *it)
{
	char buf[100] = { 0 };
	size_t done = 77;
	heph_fd fd;
	int err;

	switch (it->what) {
	case READ_PIPE:
	case RECV:
		return heph_read(ctx, it->fd, buf, sizeof(buf));
	case READ_HEAP:
	case RECV_HEAP:
		return heph_read(ctx, it->fd, it->heap, 100);
	case READ_EXACT:
		err = heph_read_exact(ctx, it->fd, buf, sizeof(buf), &done);
		must_be(done, 0);
		return err;
	case WRITE_PIPE:
	case SEND:
		return heph_write(ctx, it->fd, buf, sizeof(buf));
	case WRITE_HEAP:
	case SEND_HEAP:
		memset(it->heap, 0, 100);
		return heph_write(ctx, it->fd, it->heap, 100);
	case WRITE_ALL:
		err = heph_write_exact(ctx, it->fd, buf, sizeof(buf), &done);
		must_be(done, 0);
		return err;
	case ACCEPT:
		return heph_accept(ctx, it->fd, &fd);
	case CONNECT:
		return heph_connect(ctx, it->address, &fd);
	case POLL_IN:
		return heph_wait(ctx, heph_on_readable(it->fd));
	case POLL_OUT:
		return heph_wait(ctx, heph_on_writable(it->fd));
	case KINDS:
		break;
	}
	return 0;
}

static int deadlines(heph_ctx ctx, void *arg)
{
	bool thread = heph_worker(ctx) < 0;
	struct work it;

	for (enum what what = 0; what < KINDS; what++) {
		if (thread && (what == POLL_IN || what == POLL_OUT))
			continue;
		set_up(ctx, &it, what);
		must_be(operate(heph_until(ctx, heph_now() - 1), &it), -ETIME);
		must_be(operate(heph_within(ctx, 0), &it), -ETIME);
		must_be(operate(heph_within(ctx, HEPH_MSEC), &it), -ETIME);
		tear_down(&it);
	}
	return 0;
}

static void a_deadline_ends_each_operation(void **state)
{
	run_task(deadlines);
	run_thread(deadlines);
}

static struct work stopped;

static int to_be_stopped(heph_ctx ctx, void *arg)
{
	bool before = arg, closed = false;

	set_up(ctx, &stopped, stopped.what);
	if (before)
		while (!heph_stopping(ctx))
			must(heph_yield(ctx) <= 0);
	stopped.result = operate(ctx, &stopped);
	must_be(operate(ctx, &stopped), -ECANCELED); /* later ones, too */
	/* but shielded ones wait again */
	must_be(operate(heph_shield(ctx, HEPH_MSEC), &stopped), -ETIME);
	must(!closed);
	tear_down(&stopped);
	return 0;
}

static int stops(heph_ctx ctx, void *arg)
{
	static char yes;
	task_ref task;

	for (enum what what = 0; what < KINDS; what++)
		for (int before = 0; before < 2; before++) {
			stopped.what = what;
			task = start_task(ctx, to_be_stopped,
					  before ? &yes : NULL);
			let_run(ctx);
			must_be(stopped.result, 1000);
			heph_stop(task);
			end_task(ctx, task);
			must_be(stopped.result, -ECANCELED);
		}
	return 0;
}

static void a_stop_ends_each_operation(void **state)
{
	run_task(stops);
}

/* The actor is stopped after the operation was done and before it has run: the
 * result comes first. */
static int done_and_stopped(heph_ctx ctx, void *arg)
{
	char buf[10];

	set_up(ctx, &stopped, RECV);
	stopped.result = heph_read(ctx, stopped.fd, buf, sizeof(buf));
	must_be(heph_read(ctx, stopped.fd, buf, sizeof(buf)), -ECANCELED);
	tear_down(&stopped);
	return 0;
}

static int results_first(heph_ctx ctx, void *arg)
{
	task_ref task = start_task(ctx, done_and_stopped, NULL);

	let_run(ctx);
	must_be(write(stopped.other, "abc", 3), 3);
	heph_stop(task); /* the kernel knows of the data, the worker does not */
	end_task(ctx, task);
	must_be(stopped.result, 3);
	return 0;
}

static void a_result_comes_before_a_stop(void **state)
{
	run_task(results_first);
}

/* An actor that ends has let go of everything. */
static int leave_it(heph_ctx ctx, void *arg)
{
	static heph_fd fd;
	int other;

	fd = listen_somewhere(ctx);
	must_be(heph_accept(heph_within(ctx, 0), fd, &fd), -ETIME);
	fd = pair(ctx, &other);
	close(other);
	fd = pipe_end(ctx, 0, &other);
	close(other);
	return 0;
}

static int leave_by_panic(heph_ctx ctx, void *arg)
{
	leave_it(ctx, NULL);
	heph_panic(ctx, "on purpose");
}

static int leavers(heph_ctx ctx, void *arg)
{
	struct heph_exit exit;

	for (int i = 0; i < 10; i++)
		end_task(ctx, start_task(ctx, leave_it, NULL));
	return heph_join(ctx, start_task(ctx, leave_it, NULL), &exit);
}

static int leavers_by_panic(heph_ctx ctx, void *arg)
{
	struct heph_exit exit;

	must_be(heph_join(ctx, start_task(ctx, leave_by_panic, NULL), &exit),
		0);
	must_be(exit.err, -ENOTRECOVERABLE);
	return 0;
}

static void the_end_of_an_actor_closes_what_it_has(void **state)
{
	struct heph_config config = { .workers = 1,
				      .no_signals = true,
				      .actors = 100 };
	struct counts before;
	heph_ctx ctx;

	run_task(leavers);
	assert_int_equal(heph_new(&ctx, &config), 0);
	for (int round = 0; round < 2; round++) {
		end_task(ctx, start_task(ctx, leavers_by_panic, NULL));
		if (round == 0)
			before = settled_counts(ctx);
		else
			await_counts(ctx, &before);
	}
	assert_int_equal(heph_stats(ctx).panicked, 2);
	heph_free(ctx);
}

/* ---- clauses of heph_wait() ------------------------------------------------------------ */

static int clauses(heph_ctx ctx, void *arg)
{
	int a_other, b_other;
	heph_fd a = pair(ctx, &a_other), b = pipe_end(ctx, 0, &b_other);
	heph_fd listener = listen_somewhere(ctx), fd;
	char byte;

	must_be(heph_wait(ctx, heph_on_readable(a), heph_on_writable(a)), 1);
	must_be(heph_wait(heph_within(ctx, HEPH_MSEC), heph_on_readable(a),
			  heph_on_readable(b), heph_on_readable(listener)),
		-ETIME);
	must_be(heph_wait(ctx, heph_on_readable(a),
			  heph_on_time(heph_now() + 1)),
		1);
	must_be(write(b_other, "x", 1), 1);
	must_be(heph_wait(ctx, heph_on_readable(a), heph_on_readable(b)), 1);
	must_be(heph_wait(ctx, heph_on_readable(b), heph_on_readable(b)), 0);
	must_be(heph_read(ctx, b, &byte, 1), 1);
	close(b_other);
	must_be(heph_wait(ctx, heph_on_readable(b)), 0); /* the end is there */
	must_be(heph_read(ctx, b, &byte, 1), 0);

	close(raw_connect(port_of(ctx, listener)));
	must_be(heph_wait(ctx, heph_on_readable(a), heph_on_readable(listener)),
		1);
	must_be(heph_accept(ctx, listener, &fd), 0);
	heph_close(fd);
	/* with its accept under way, which takes the connection */
	close(raw_connect(port_of(ctx, listener)));
	must_be(heph_wait(ctx, heph_on_readable(a), heph_on_readable(listener)),
		1);
	must_be(heph_wait(ctx, heph_on_readable(listener)), 0);
	must_be(heph_accept(heph_within(ctx, 0), listener, &fd), 0);
	heph_close(fd);

	heph_close(b);
	must_be(heph_wait(ctx, heph_on_readable(a), heph_on_readable(b)),
		-EBADF);
	must_be(heph_wait(ctx, heph_on_readable((heph_fd){ 0 })), -EBADF);
	must_be(heph_stats(ctx).operations, 1); /* the accept */
	close(a_other);
	heph_close(a);
	heph_close(listener);
	return 0;
}

static void waits_for_descriptors(void **state)
{
	run_task(clauses);
}

/* ---- from hand to hand -------------------------------------------------------------------- */

struct box_msg {
	struct heph_fd_parcel parcel;
};
static void box_drop(struct box_msg *msg)
{
	heph_fd_parcel_drop(msg->parcel);
}
struct box_arg {
	int count; /* to be taken */
};
HEPH_ACTOR(box, struct box_msg, struct box_arg);

static int box_main(heph_ctx ctx, box_inbox in, struct box_arg *arg)
{
	struct box_msg msg;
	heph_fd fd;

	for (int i = 0; i < arg->count; i++) {
		must_be(heph_recv(ctx, in, &msg), 0);
		must_be(heph_fd_take(ctx, msg.parcel, &fd), 0);
		must_be(heph_fd_take(ctx, msg.parcel, &fd), -EBADF);
		heph_fd_parcel_drop(msg.parcel); /* is stale: nothing happens */
		must_be(heph_write(ctx, fd, "taken", 5), 5);
	}
	return 0;
}
HEPH_ACTOR_MAIN(box, box_main, .drop = box_drop);

static int give_away(heph_ctx ctx, void *arg)
{
	struct heph_fd_parcel parcel;
	struct heph_exit exit;
	int other, worker = (int)(intptr_t)arg;
	heph_fd fd, again;
	char buf[10];
	box_ref box;

	for (int take = 0; take < 2; take++) {
		must_be(heph_spawn(ctx, box, &box, { take },
				   .on = HEPH_WORKER(worker)),
			0);
		fd = pair(ctx, &other);
		must_be(heph_fd_give(ctx, fd, &parcel), 0);
		must_be(heph_fd_give(ctx, fd, &parcel), -EBADF);
		must_be(heph_fd_number(ctx, fd), -EBADF);
		heph_close(fd);
		if (heph_send(ctx, box, { parcel }) <
		    0) /* its end came first */
			heph_fd_parcel_drop(parcel);
		must_be(heph_join(ctx, box, &exit), 0);
		fd = adopt(ctx, other);
		must_be(heph_read_exact(ctx, fd, buf, 5, NULL),
			take ? 0 : -ENODATA);
		must_be(heph_read(ctx, fd, buf, 5), 0);
		must_be(heph_fd_take(ctx, parcel, &again), -EBADF);
		heph_close(fd);
	}
	return 0;
}

static void descriptors_travel_in_messages(void **state)
{
	run_task_on(1, give_away, (void *)0);
	run_task_on(2, give_away, (void *)0);
	run_task_on(2, give_away, (void *)1);
}

struct heir_arg {
	heph_fd fd;
};
HEPH_ACTOR(heir, void, struct heir_arg);
static int heir_main(heph_ctx ctx, struct heir_arg *arg)
{
	must_be(heph_write(ctx, arg->fd, "mine", 4), 4);
	return 0;
}
HEPH_ACTOR_MAIN(heir, heir_main);

static int bequeath(heph_ctx ctx, void *arg)
{
	int other, workers = (int)heph_workers(ctx);
	struct heph_exit exit;
	char buf[10];
	heir_ref heir;
	heph_fd fd, theirs;

	for (int worker = 0; worker < workers; worker++) {
		fd = pair(ctx, &other);
		must_be(heph_spawn(ctx, heir, &heir, { fd }, .give = fd,
				   .on = HEPH_WORKER(worker)),
			0);
		must_be(heph_fd_number(ctx, fd), -EBADF);
		theirs = adopt(ctx, other);
		must_be(heph_read_exact(ctx, theirs, buf, 4, NULL), 0);
		must_be(heph_read(ctx, theirs, buf, 4),
			0); /* closed at its end */
		must_be(heph_join(ctx, heir, &exit), 0);
		heph_close(theirs);

		/* what does not start gets nothing */
		fd = pair(ctx, &other);
		must_be(heph_spawn(ctx, heir, &heir, { fd }, .give = fd,
				   .on = HEPH_WORKER(workers)),
			-EINVAL);
		must_be(heph_spawn(ctx, heir, &heir, { fd }, .give = fd,
				   .inbox = HEPH_INBOX_MAX + 1),
			-EINVAL);
		must(heph_fd_number(ctx, fd) >= 0);
		heph_close(fd);
		must_be(heph_spawn(ctx, heir, &heir, { fd }, .give = fd),
			-EBADF);
		close(other);
	}
	return 0;
}

static void descriptors_go_to_children(void **state)
{
	run_task_on(1, bequeath, NULL);
	run_task_on(2, bequeath, NULL);
	run_thread(bequeath);
}

/* A listener with connections that were accepted before it was given. */
static int accept_two(heph_ctx ctx, void *arg)
{
	heph_fd listener, fd;

	must_be(heph_fd_take(ctx, *(struct heph_fd_parcel *)arg, &listener), 0);
	must_be(heph_accept(ctx, listener, &fd), 0);
	must_be(heph_accept(heph_within(ctx, 10 * HEPH_SEC), listener, &fd), 0);
	heph_close(listener);
	return 0;
}

static int give_listener(heph_ctx ctx, void *arg)
{
	static struct heph_fd_parcel parcel;
	heph_fd listener = listen_somewhere(ctx), fd;
	int others[3], port = port_of(ctx, listener);

	for (int i = 0; i < 3; i++)
		others[i] = raw_connect(port);
	must_be(heph_accept(ctx, listener, &fd), 0);
	must_be(heph_fd_give(ctx, listener, &parcel), 0);
	end_task(ctx, start_task(ctx, accept_two, &parcel));
	for (int i = 0; i < 3; i++)
		close(others[i]);
	heph_close(fd);
	return 0;
}

static void a_listener_is_given_with_what_it_has_accepted(void **state)
{
	run_task(give_listener);
}

static struct heph_fd_parcel to_thread;

static int give_listener_away(heph_ctx ctx, void *arg)
{
	heph_fd listener = listen_somewhere(ctx), fd;
	int *others = arg, port = port_of(ctx, listener);

	for (int i = 0; i < 3; i++)
		others[i] = raw_connect(port);
	must_be(heph_accept(ctx, listener, &fd), 0);
	must_be(heph_fd_give(ctx, listener, &to_thread), 0);
	return 0;
}

static int as_another_thread(heph_ctx ctx, void *arg)
{
	static int others[3];
	heph_fd listener, fd;

	end_task(ctx, start_task(ctx, give_listener_away, others));
	must_be(heph_fd_take(ctx, to_thread, &listener), 0);
	must_be(heph_accept(heph_within(ctx, 10 * HEPH_SEC), listener, &fd), 0);
	heph_close(fd);
	must_be(heph_accept(heph_within(ctx, 10 * HEPH_SEC), listener, &fd), 0);
	heph_close(fd);
	heph_close(listener);
	for (int i = 0; i < 3; i++)
		close(others[i]);
	return 0;
}

static void also_to_a_thread(void **state)
{
	run_thread(as_another_thread);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(connects_and_accepts),
		cmocka_unit_test(sockets_have_tcp_nodelay_and_close_on_exec),
		cmocka_unit_test(refuses_what_cannot_be),
		cmocka_unit_test(a_port_in_use_is_refused),
		cmocka_unit_test(accepts_many_at_once),
		cmocka_unit_test(
			closing_a_listener_closes_what_it_had_accepted),
		cmocka_unit_test(a_port_is_free_when_its_listener_is_closed),
		cmocka_unit_test(a_deadline_ends_each_operation),
		cmocka_unit_test(a_stop_ends_each_operation),
		cmocka_unit_test(a_result_comes_before_a_stop),
		cmocka_unit_test(the_end_of_an_actor_closes_what_it_has),
		cmocka_unit_test(waits_for_descriptors),
		cmocka_unit_test(descriptors_travel_in_messages),
		cmocka_unit_test(descriptors_go_to_children),
		cmocka_unit_test(a_listener_is_given_with_what_it_has_accepted),
		cmocka_unit_test(also_to_a_thread),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
