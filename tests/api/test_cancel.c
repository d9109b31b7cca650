/* SPDX-License-Identifier: MIT */
/* What a deadline, a stop, and the end of its actor do to each operation. */
#include "task.h"

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
	must(heph_stats(ctx).operations <= 1); /* the accept, perhaps */
	close(a_other);
	heph_close(a);
	heph_close(listener);
	return 0;
}

static void waits_for_descriptors(void **state)
{
	run_task(clauses);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_deadline_ends_each_operation),
		cmocka_unit_test(a_stop_ends_each_operation),
		cmocka_unit_test(a_result_comes_before_a_stop),
		cmocka_unit_test(the_end_of_an_actor_closes_what_it_has),
		cmocka_unit_test(waits_for_descriptors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
