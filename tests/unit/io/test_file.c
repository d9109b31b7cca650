/* SPDX-License-Identifier: MIT */
/* The table of descriptors: turns, owners, free places. */
#include "loop.h"

#include <pthread.h>

static heph_fd open_null(heph_ctx ctx)
{
	return adopt(ctx, open("/dev/null", O_RDWR | O_CLOEXEC));
}

static bool is_open(int number)
{
	return fcntl(number, F_GETFD) >= 0;
}

/* ---- turns ------------------------------------------------------------------- */

static int stale(heph_ctx ctx, void *arg)
{
	heph_fd fd = open_null(ctx), next;
	int number = heph_fd_number(ctx, fd);
	char byte = 0;

	must(is_open(number));
	must(!heph_fd_none(fd));
	heph_close(fd);
	heph_close(fd);
	must_be(heph_fd_number(ctx, fd), -EBADF);
	next = open_null(ctx); /* in the same place */
	must_be(next.slot, fd.slot);
	must(next.turn != fd.turn);
	must_be(heph_write(ctx, fd, &byte, 1), -EBADF);
	heph_close(fd);
	must_be(heph_write(ctx, next, &byte, 1), 1);
	heph_close(next);
	return 0;
}

static void a_stale_descriptor_is_ebadf(void **state)
{
	loop_with(64, stale);
}

static int garbage(heph_ctx ctx, void *arg)
{
	static const heph_fd bad[] = {
		{ 0, 0 },
		{ 0, 1 },
		{ 1, 0 },
		{ HEPH_FILES_MAX - 1, 1 },
		{ HEPH_FILES_MAX, 1 },
		{ UINT32_MAX, 1 },
		{ UINT32_MAX, UINT32_MAX },
		{ UINT32_MAX, 0 },
		{ 5, 77 },
	};
	struct heph_fd_handle handle;
	heph_fd fd;

	must(heph_fd_none(bad[0]));
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		must_be(heph_fd_number(ctx, bad[i]), -EBADF);
		must_be(heph_fd_give(ctx, bad[i], &handle), -EBADF);
		handle = (struct heph_fd_handle){ .slot = bad[i].slot,
						  .turn = bad[i].turn };
		must_be(heph_fd_take(ctx, handle, &fd), -EBADF);
		heph_fd_discard(handle);
		heph_close(bad[i]);
	}
	return 0;
}

static void anything_else_is_ebadf(void **state)
{
	loop_with(64, garbage);
}

/* After 2^32 - 1 uses of a place. */
static int wrapping(heph_ctx ctx, void *arg)
{
	heph_fd fd = open_null(ctx), next;

	heph_file_find(ctx, fd)->turn = UINT32_MAX;
	fd.turn = UINT32_MAX;
	must(heph_fd_number(ctx, fd) >= 0);
	heph_close(fd);
	next = open_null(ctx);
	must_be(next.slot, fd.slot);
	must_be(next.turn, 1); /* never 0 */
	must_be(heph_fd_number(ctx, fd), -EBADF);
	must(heph_fd_number(ctx, next) >= 0);
	heph_close(next);
	return 0;
}

static void a_turn_is_never_0(void **state)
{
	loop_with(64, wrapping);
}

/* ---- owners -------------------------------------------------------------------- */

static heph_fd lent;

static int foreign(heph_ctx ctx, void *arg)
{
	struct heph_fd_handle handle;
	char byte = 0;
	heph_fd fd;

	must_be(heph_fd_number(ctx, lent), -EBADF);
	must_be(heph_read(ctx, lent, &byte, 1), -EBADF);
	must_be(heph_write(ctx, lent, &byte, 1), -EBADF);
	must_be(heph_accept(ctx, lent, &fd), -EBADF);
	must_be(heph_shutdown(ctx, lent, SHUT_RD), -EBADF);
	must_be(heph_fd_give(ctx, lent, &handle), -EBADF);
	must_be(heph_wait(ctx, heph_on_readable(lent)), -EBADF);
	heph_close(lent); /* is ignored */
	/* nor can it be taken as if it were a handle */
	handle =
		(struct heph_fd_handle){ .slot = lent.slot, .turn = lent.turn };
	must_be(heph_fd_take(ctx, handle, &fd), -EBADF);
	heph_fd_discard(handle);
	return 0;
}

static int lend(heph_ctx ctx, void *arg)
{
	lent = open_null(ctx);
	end_task(ctx, start_task(ctx, foreign, NULL));
	must(is_open(heph_fd_number(ctx, lent)));
	return 0; /* it is closed now */
}

static void anothers_descriptor_is_ebadf(void **state)
{
	loop_with(64, lend);
}

static int handles(heph_ctx ctx, void *arg)
{
	struct heph_fd_handle handle, other;
	heph_fd fd = open_null(ctx), taken;
	int number = heph_fd_number(ctx, fd);

	must_be(heph_fd_give(ctx, fd, &handle), 0);
	must_be(heph_fd_number(ctx, fd), -EBADF);
	must_be(heph_stats(ctx).descriptors, 1);
	must_be(heph_fd_take(ctx, handle, &taken), 0);
	must_be(heph_stats(ctx).descriptors, 1);
	must_be(heph_fd_number(ctx, taken), number);
	must_be(heph_fd_take(ctx, handle, &fd), -EBADF);
	must_be(heph_fd_give(ctx, taken, &other), 0);
	heph_fd_discard(handle); /* the old one: nothing */
	heph_fd_discard(other);
	heph_fd_discard(other);
	must_be(heph_fd_take(ctx, other, &fd), -EBADF);
	must_be(heph_stats(ctx).descriptors, 0);
	must_be(heph_yield(ctx), 0);
	return 0;
}

static void a_handle_is_opened_once(void **state)
{
	loop_with(64, handles);
}

/* One that nobody opened is closed with the runtime. */
static int forget_handle(heph_ctx ctx, void *arg)
{
	struct heph_fd_handle handle;

	must_be(heph_fd_give(ctx, open_null(ctx), &handle), 0);
	return 0;
}

static void a_lost_handle_is_closed_at_the_end(void **state)
{
	int fds = count_fds();
	struct loop loop;

	loop_open(&loop, 64);
	loop_run(&loop, forget_handle, NULL);
	assert_int_equal(loop_descriptors(&loop), 1);
	loop_end(&loop);
	assert_int_equal(count_fds(), fds);
}

/* ---- no memory ------------------------------------------------------------------- */

static int no_memory(heph_ctx ctx, void *arg)
{
	int number = open("/dev/null", O_RDWR | O_CLOEXEC), err;
	heph_fd fd;

	must(!ctx.self->ext); /* the first thing that needs one */
	heph_mem_fail_after(1);
	err = heph_fd_adopt(ctx, number, &fd);
	heph_mem_fail_after(-1);
	must_be(err, -ENOMEM);
	must(is_open(number));
	if (err < 0) /* it is still ours */
		close(number);
	return 0;
}

static void what_cannot_be_adopted_stays_with_the_caller(void **state)
{
	struct loop loop;

	loop_with(64, no_memory);
	for (long n = 1; n <= 2; n++) {
		heph_mem_fail_after(n);
		assert_int_equal(heph_files_init(&loop.heph), -ENOMEM);
	}
	heph_mem_fail_after(-1);
}

/* A child starts with the descriptor that it is given, or not at all. */
struct heir_arg {
	heph_fd fd;
};
HEPH_ACTOR(heir, void, struct heir_arg);

static int heirs;

static int heir_main(heph_ctx ctx, struct heir_arg *arg)
{
	must(heph_fd_number(ctx, arg->fd) >= 0);
	heirs++;
	return 0;
}
HEPH_ACTOR_MAIN(heir, heir_main);

static int bequeath(heph_ctx ctx, void *arg)
{
	long before, refused = 0, n = 0;
	heph_fd fd;
	int err;

	do {
		fd = open_null(ctx);
		before = heph_mem_allocations();
		heph_mem_fail_after(++n);
		err = heph_spawn(ctx, heir, NULL, { fd }, .give = fd);
		heph_mem_fail_after(-1);
		if (err == -ENOMEM) {
			refused++;
			must(heph_fd_number(ctx, fd) >= 0);
			heph_close(fd);
		} else {
			must_be(err, 0);
			must_be(heph_fd_number(ctx, fd), -EBADF);
		}
		must_be(heph_yield(ctx), 0);
	} while (heph_mem_allocations() - before >= n);
	must(refused > 0 || !HEPH_POOL_CHECKED);
	must_be(heirs, n - refused);
	return 0;
}

static void a_child_starts_with_its_descriptor_or_not(void **state)
{
	loop_with(64, bequeath);
}

/* ---- places ------------------------------------------------------------------------ */

enum { MANY = 1000, THREADS = 4, ROUNDS = 20 };

struct user {
	struct heph *heph;
	pthread_barrier_t *barrier;
	uint32_t highest;
};

/* Opens many, closes them, in several orders. */
static void *use(void *arg)
{
	struct user *it = arg;
	static __thread heph_fd fds[MANY];
	heph_ctx ctx;

	must_be(heph_attach(it->heph, &ctx), 0);
	pthread_barrier_wait(it->barrier);
	for (int round = 0; round < ROUNDS; round++) {
		for (int i = 0; i < MANY; i++) {
			fds[i] = open_null(ctx);
			if (fds[i].slot > it->highest)
				it->highest = fds[i].slot;
		}
		for (int i = 0; i < MANY; i++)
			must(heph_fd_number(ctx, fds[i]) >= 0);
		for (int i = 0; i < MANY; i++) {
			int k = round % 2 ? i : MANY - 1 - i;

			heph_close(fds[k]);
			must_be(heph_fd_number(ctx, fds[k]), -EBADF);
		}
	}
	heph_detach(ctx);
	return NULL;
}

static void threads_share_the_places(void **state)
{
	struct user users[THREADS];
	pthread_t threads[THREADS];
	pthread_barrier_t barrier;
	uint32_t highest = 0;
	struct loop loop;
	int fds;

	pthread_barrier_init(&barrier, NULL, THREADS);
	loop_open(&loop, 64);
	fds = count_fds();
	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < THREADS; i++) {
			users[i] = (struct user){ &loop.heph, &barrier, 0 };
			assert_int_equal(pthread_create(&threads[i], NULL, use,
							&users[i]),
					 0);
		}
		for (int i = 0; i < THREADS; i++) {
			pthread_join(threads[i], NULL);
			if (users[i].highest > highest)
				highest = users[i].highest;
		}
	}
	/* places are used again, but for some that each thread keeps */
	assert_true(highest >= MANY);
	assert_true(highest <= THREADS * (MANY + 2 * 64) + 1);
	assert_int_equal(count_fds(), fds);
	loop_close(&loop);
	pthread_barrier_destroy(&barrier);
}

/* One thread opens, another one closes: places go back and forth. */
static int pass_on(heph_ctx ctx, void *arg)
{
	struct heph_fd_handle *handles = arg;

	for (int i = 0; i < MANY; i++)
		heph_fd_discard(handles[i]);
	return 0;
}

static void places_travel_between_threads(void **state)
{
	static struct heph_fd_handle given[MANY];
	uint32_t highest = 0;
	struct loop loop;
	heph_ctx ctx;
	heph_fd fd;

	loop_open(&loop, 64);
	for (int round = 0; round < ROUNDS; round++) {
		must_be(heph_attach(&loop.heph, &ctx), 0);
		for (int i = 0; i < MANY; i++) {
			fd = open_null(ctx);
			if (fd.slot > highest)
				highest = fd.slot;
			must_be(heph_fd_give(ctx, fd, &given[i]), 0);
		}
		heph_detach(ctx);
		loop_run(&loop, pass_on, given);
	}
	assert_true(highest <= MANY + 4 * 64 + 1);
	loop_close(&loop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_stale_descriptor_is_ebadf),
		cmocka_unit_test(anything_else_is_ebadf),
		cmocka_unit_test(a_turn_is_never_0),
		cmocka_unit_test(anothers_descriptor_is_ebadf),
		cmocka_unit_test(a_handle_is_opened_once),
		cmocka_unit_test(a_lost_handle_is_closed_at_the_end),
		cmocka_unit_test(what_cannot_be_adopted_stays_with_the_caller),
		cmocka_unit_test(a_child_starts_with_its_descriptor_or_not),
		cmocka_unit_test(threads_share_the_places),
		cmocka_unit_test(places_travel_between_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
