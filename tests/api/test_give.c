/* SPDX-License-Identifier: MIT */
/* Descriptors from hand to hand: in messages, to children, to threads. */
#include "task.h"

#include <pthread.h>

/* ---- from hand to hand -------------------------------------------------------------------- */

struct box_msg {
	struct heph_fd_handle handle;
};
static void box_drop(struct box_msg *msg)
{
	heph_fd_discard(msg->handle);
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
		must_be(heph_fd_take(ctx, msg.handle, &fd), 0);
		must_be(heph_fd_take(ctx, msg.handle, &fd), -EBADF);
		heph_fd_discard(msg.handle); /* is stale: nothing happens */
		must_be(heph_write(ctx, fd, "taken", 5), 5);
	}
	return 0;
}
HEPH_ACTOR_MAIN(box, box_main, .drop = box_drop);

static int give_away(heph_ctx ctx, void *arg)
{
	struct heph_fd_handle handle;
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
		must_be(heph_fd_give(ctx, fd, &handle), 0);
		must_be(heph_fd_give(ctx, fd, &handle), -EBADF);
		must_be(heph_fd_number(ctx, fd), -EBADF);
		heph_close(fd);
		if (heph_send(ctx, box, { handle }) <
		    0) /* its end came first */
			heph_fd_discard(handle);
		must_be(heph_join(ctx, box, &exit), 0);
		fd = adopt(ctx, other);
		must_be(heph_read_exact(ctx, fd, buf, 5, NULL),
			take ? 0 : -ENODATA);
		must_be(heph_read(ctx, fd, buf, 5), 0);
		must_be(heph_fd_take(ctx, handle, &again), -EBADF);
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

/* A failed send leaves it with the sender, who goes on with it. */
static int gone(heph_ctx ctx, void *arg)
{
	struct heph_fd_handle handle;
	int other;
	heph_fd fd;
	box_ref box;

	must_be(heph_spawn(ctx, box, &box, { 0 }), 0);
	must_be(heph_join(ctx, box, NULL), 0);
	must_be(heph_fd_give(ctx, pair(ctx, &other), &handle), 0);
	must_be(heph_send(ctx, box, { handle }), -ESRCH);
	must_be(heph_fd_take(ctx, handle, &fd), 0);
	must_be(heph_write(ctx, fd, "x", 1), 1);
	heph_close(fd);
	must_be(heph_fd_take(ctx, handle, &fd), -EBADF);
	heph_fd_discard(handle);
	close(other);
	return 0;
}

static void a_failed_send_leaves_it_with_the_sender(void **state)
{
	run_task(gone);
	run_thread(gone);
}

/* On its way it is counted, and so is its end, whoever brings it about. */
static uint64_t n_open(heph_ctx ctx)
{
	return heph_stats(ctx).descriptors;
}

static void drop_as_stranger(struct heph_fd_handle *handle);

static int count_given(heph_ctx ctx, void *arg)
{
	static struct heph_fd_handle handle;
	uint64_t before = n_open(ctx);
	int other;
	heph_fd fd;
	box_ref box;

	must_be(heph_fd_give(ctx, pair(ctx, &other), &handle), 0);
	must_be(n_open(ctx), before + 1);
	must_be(heph_fd_take(ctx, handle, &fd), 0);
	must_be(n_open(ctx), before + 1);
	must_be(heph_fd_give(ctx, fd, &handle), 0);
	drop_as_stranger(&handle);
	must_be(n_open(ctx), before);
	close(other);

	must_be(heph_fd_give(ctx, pair(ctx, &other), &handle), 0);
	must_be(heph_spawn(ctx, box, &box, { 1 }, .on = HEPH_WORKER(1)), 0);
	must_be(heph_send(ctx, box, { handle }), 0);
	must_be(heph_join(ctx, box, NULL), 0);
	must_be(n_open(ctx), before);
	close(other);
	return 0;
}

static void what_is_on_its_way_is_counted(void **state)
{
	run_task_on(2, count_given, NULL);
}

/* An actor that ends owns it no more. */
static struct heph_fd_handle left_behind;

static int give_and_end(heph_ctx ctx, void *arg)
{
	must_be(heph_fd_give(ctx, pair(ctx, arg), &left_behind), 0);
	return 0;
}

static int outlive(heph_ctx ctx, void *arg)
{
	static int other;
	heph_fd fd;
	char byte;

	end_task(ctx, start_task(ctx, give_and_end, &other));
	must_be(read(other, &byte, 1), -1); /* open */
	must_be(heph_fd_take(ctx, left_behind, &fd), 0);
	heph_close(fd);
	close(other);
	return 0;
}

static void it_outlives_the_giver(void **state)
{
	run_task(outlive);
	run_thread(outlive);
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

	must_be(heph_fd_take(ctx, *(struct heph_fd_handle *)arg, &listener), 0);
	must_be(heph_accept(ctx, listener, &fd), 0);
	must_be(heph_accept(heph_within(ctx, 10 * HEPH_SEC), listener, &fd), 0);
	heph_close(listener);
	return 0;
}

static int give_listener(heph_ctx ctx, void *arg)
{
	static struct heph_fd_handle handle;
	heph_fd listener = listen_somewhere(ctx), fd;
	int others[3], port = port_of(ctx, listener);

	for (int i = 0; i < 3; i++)
		others[i] = raw_connect(port);
	must_be(heph_accept(ctx, listener, &fd), 0);
	must_be(heph_fd_give(ctx, listener, &handle), 0);
	end_task(ctx, start_task(ctx, accept_two, &handle));
	for (int i = 0; i < 3; i++)
		close(others[i]);
	heph_close(fd);
	return 0;
}

static void a_listener_is_given_with_what_it_has_accepted(void **state)
{
	run_task(give_listener);
}

static struct heph_fd_handle to_thread;

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

/* ---- by strangers ------------------------------------------------------------------------- */

static void *drop_handle(void *arg)
{
	heph_fd_discard(*(struct heph_fd_handle *)arg);
	return NULL;
}

static void drop_as_stranger(struct heph_fd_handle *handle)
{
	pthread_t thread;

	must_be(pthread_create(&thread, NULL, drop_handle, handle), 0);
	pthread_join(thread, NULL);
}

static int dropped_by_stranger(heph_ctx ctx, void *arg)
{
	static struct heph_fd_handle handle;
	int other, others[3], port;
	heph_fd fd, taken;
	char byte;

	for (int i = 0; i < 10; i++) {
		fd = pair(ctx, &other);
		must_be(heph_fd_give(ctx, fd, &handle), 0);
		drop_as_stranger(&handle);
		must_be(read(other, &byte, 1), 0);
		must_be(heph_fd_take(ctx, handle, &taken), -EBADF);
		close(other);
		fd = pair(ctx, &other); /* in the same place, perhaps */
		drop_as_stranger(&handle);
		must_be(write(other, "x", 1), 1);
		must_be(heph_read(ctx, fd, &byte, 1), 1);
		close(other);
		heph_close(fd);
	}
	fd = listen_somewhere(ctx); /* with what it has accepted */
	port = port_of(ctx, fd);
	for (int i = 0; i < 3; i++)
		others[i] = raw_connect(port);
	must_be(heph_accept(ctx, fd, &taken), 0);
	must_be(heph_fd_give(ctx, fd, &handle), 0);
	drop_as_stranger(&handle);
	must_be(raw_connect(port), -ECONNREFUSED);
	for (int i = 0; i < 3; i++)
		close(others[i]);
	heph_close(taken);
	return 0;
}

static void a_stranger_may_drop_a_descriptor(void **state)
{
	run_task(dropped_by_stranger);
	run_thread(dropped_by_stranger);
}

/* ---- from one runtime to another ----------------------------------------------------------- */

static struct heph_fd_handle foreign;

/* Also where there is one in the same place. */
static void *try_to_take(void *arg)
{
	struct heph_config config = { .workers = 1, .no_signals = true };
	struct heph_fd_handle own, twin;
	heph_ctx ctx;
	heph_fd fd;
	int other;

	must_be(heph_new(&ctx, &config), 0);
	must_be(heph_fd_take(ctx, foreign, &fd), -EBADF);
	must_be(heph_fd_give(ctx, pair(ctx, &other), &own), 0);
	twin = own;
	twin.node = foreign.node;
	must_be(heph_fd_take(ctx, twin, &fd), -EBADF);
	must_be(heph_fd_take(ctx, own, &fd), 0);
	close(other);
	heph_free(ctx);
	return NULL;
}

static int keep_from_others(heph_ctx ctx, void *arg)
{
	pthread_t thread;
	heph_fd fd;
	int other;

	fd = pair(ctx, &other);
	must_be(heph_fd_give(ctx, fd, &foreign), 0);
	must_be(pthread_create(&thread, NULL, try_to_take, NULL), 0);
	pthread_join(thread, NULL);
	must_be(heph_fd_take(ctx, foreign, &fd), 0);
	heph_close(fd);
	close(other);
	return 0;
}

static void a_descriptor_stays_in_its_runtime(void **state)
{
	run_task(keep_from_others);
	run_thread(keep_from_others);
}

static void a_stranger_may_drop_it_after_its_runtime(void **state)
{
	struct heph_config config = { .workers = 1, .no_signals = true };
	int fds = count_fds(), other;
	heph_ctx ctx;
	char byte;

	assert_int_equal(heph_new(&ctx, &config), 0);
	assert_int_equal(heph_fd_give(ctx, pair(ctx, &other), &foreign), 0);
	heph_free(ctx);
	assert_int_equal(read(other, &byte, 1), 0);
	drop_as_stranger(&foreign);
	close(other);
	assert_int_equal(count_fds(), fds);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(descriptors_travel_in_messages),
		cmocka_unit_test(a_failed_send_leaves_it_with_the_sender),
		cmocka_unit_test(what_is_on_its_way_is_counted),
		cmocka_unit_test(it_outlives_the_giver),
		cmocka_unit_test(descriptors_go_to_children),
		cmocka_unit_test(a_listener_is_given_with_what_it_has_accepted),
		cmocka_unit_test(also_to_a_thread),
		cmocka_unit_test(a_stranger_may_drop_a_descriptor),
		cmocka_unit_test(a_descriptor_stays_in_its_runtime),
		cmocka_unit_test(a_stranger_may_drop_it_after_its_runtime),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
