/* SPDX-License-Identifier: MIT */
/* Extended attributes, and locks. */
#include "dir.h"

#include <sys/xattr.h>

static void run_both(task_fn fn)
{
	run_task(fn);
	run_thread(fn);
}

/* ---- extended attributes ---------------------------------------------------------------- */

static bool are_there(void)
{
	dir_file("try", "");
	return setxattr(dir_name("try"), "user.x", "x", 1, 0) == 0;
}

static int attributes_of(heph_ctx ctx, heph_path which)
{
	char stack[100], *heap = malloc(4000);
	int n;

	must_be(heph_xattr_get(ctx, which, "user.a", stack, 100), -ENODATA);
	must_be(heph_xattr_set(ctx, which, "user.a", "value", 5, XATTR_REPLACE),
		-ENODATA);
	must_be(heph_xattr_set(ctx, which, "user.a", "value", 5, XATTR_CREATE),
		0);
	must_be(heph_xattr_set(ctx, which, "user.a", "value", 5, XATTR_CREATE),
		-EEXIST);
	must_be(heph_xattr_get(ctx, which, "user.a", stack, 100), 5);
	must(memcmp(stack, "value", 5) == 0);
	must_be(heph_xattr_get(ctx, which, "user.a", NULL, 0), 5);
	must_be(heph_xattr_get(ctx, which, "user.a", stack, 4), -ERANGE);
	memset(heap, 'x', 2000);
	must_be(heph_xattr_set(ctx, which, "user.b", heap, 2000, 0), 0);
	memset(heap, 0, 2000);
	must_be(heph_xattr_get(ctx, which, "user.b", heap, 4000), 2000);
	must(heap[0] == 'x' && heap[1999] == 'x');
	must_be(heph_xattr_set(ctx, which, "user.c", NULL, 0, 0), 0);
	must_be(heph_xattr_get(ctx, which, "user.c", stack, 100), 0);
	n = heph_xattr_list(ctx, which, NULL, 0);
	must(n >= 21);
	must_be(heph_xattr_list(ctx, which, heap, 4000), n);
	must(memmem(heap, (size_t)n, "user.a", 7));
	must(memmem(heap, (size_t)n, "user.b", 7));
	must(memmem(heap, (size_t)n, "user.c", 7));
	must_be(heph_xattr_list(ctx, which, heap, 3), -ERANGE);
	must_be(heph_xattr_remove(ctx, which, "user.a"), 0);
	must_be(heph_xattr_remove(ctx, which, "user.a"), -ENODATA);
	must_be(heph_xattr_remove(ctx, which, "user.b"), 0);
	must_be(heph_xattr_remove(ctx, which, "user.c"), 0);
	free(heap);
	return 0;
}

static int attributes(heph_ctx ctx, void *arg)
{
	heph_fd dir = dir_fd(ctx), fd;
	char buf[10] = { 0 };

	dir_clear();
	dir_file("a", "");
	must_be(symlinkat("a", dir_number, "link"), 0);
	attributes_of(ctx, heph_at((heph_fd){ 0 }, dir_name("a")));
	attributes_of(ctx, heph_at(dir, "link"));
	must_be(heph_open(ctx, heph_at(dir, "a"), O_RDWR, 0, &fd), 0);
	attributes_of(ctx, HEPH_WHICH__(fd));
	/* a link itself cannot have any of the user's */
	must_be(heph_xattr_set(ctx, heph_nofollow(dir_name("link")), "user.a",
			       "x", 1, 0),
		-EPERM);
	must(heph_xattr_get(ctx, heph_nofollow(heph_at(dir, "link")), "user.a",
			    buf, 10) < 0);
	must(heph_xattr_remove(ctx, heph_nofollow(heph_at(dir, "link")),
			       "user.a") < 0);
	must(heph_xattr_list(ctx, heph_nofollow(heph_at(dir, "link")), buf,
			     10) >= 0);
	must_be(heph_xattr_get(ctx, heph_at(dir, "b"), "user.a", buf, 10),
		-ENOENT);
	must_be(heph_xattr_get(ctx, fd, NULL, buf, 10), -EINVAL);
	must_be(heph_xattr_set(ctx, fd, NULL, buf, 10, 0), -EINVAL);
	must_be(heph_xattr_remove(ctx, fd, NULL), -EINVAL);
	must_be(heph_xattr_set(ctx, fd, "user.a", buf, 1 << 20, 0), -E2BIG);
	must_be(heph_xattr_set(ctx, fd, "bad.a", buf, 1, 0), -EOPNOTSUPP);
	heph_close(fd);
	must_be(heph_xattr_list(ctx, fd, buf, 10), -EBADF);
	heph_close(dir);
	return 0;
}

static void has_attributes(void **state)
{
	if (!are_there())
		skip();
	run_both(attributes);
}

/* ---- locks --------------------------------------------------------------------------------- */

static heph_fd open_it(heph_ctx ctx, int flags)
{
	heph_fd fd;

	must_be(heph_open(ctx, dir_name("a"), flags, 0, &fd), 0);
	return fd;
}

static int locks(heph_ctx ctx, void *arg)
{
	enum heph_lock shared = HEPH_LOCK_SHARED;
	enum heph_lock exclusive = HEPH_LOCK_EXCLUSIVE;
	heph_fd a, b, reader;

	dir_clear();
	dir_file("a", "0123456789");
	a = open_it(ctx, O_RDWR);
	b = open_it(ctx, O_RDWR);
	reader = open_it(ctx, O_RDONLY);
	must_be(heph_file_lock(ctx, a, shared, 0, 0), 0);
	must_be(heph_file_lock(ctx, b, shared, 0, 0), 0);
	must_be(heph_file_try_lock(ctx, a, exclusive, 0, 0), -EAGAIN);
	must_be(heph_file_unlock(ctx, b, 0, 0), 0);
	must_be(heph_file_try_lock(ctx, a, exclusive, 0, 0), 0);
	must_be(heph_file_try_lock(ctx, b, shared, 0, 1), -EAGAIN);
	must_be(heph_file_unlock(ctx, a, 0, 5), 0);
	must_be(heph_file_try_lock(ctx, b, exclusive, 0, 5), 0);
	must_be(heph_file_try_lock(ctx, b, exclusive, 0, 6), -EAGAIN);
	must_be(heph_file_lock(heph_within(ctx, 5 * HEPH_MSEC), b, exclusive, 0,
			       6),
		-ETIME);
	must_be(heph_file_lock(ctx, reader, exclusive, 0, 0), -EBADF);
	must_be(heph_file_lock(ctx, a, shared, UINT64_MAX, 2), -EINVAL);
	heph_close(a); /* and with it the lock */
	must_be(heph_file_lock(ctx, b, exclusive, 0, 0), 0);
	heph_close(b);
	must_be(heph_file_lock(ctx, reader, shared, 0, 0), 0);
	heph_close(reader);
	must_be(heph_file_unlock(ctx, reader, 0, 0), -EBADF);
	return 0;
}

static void locks_files(void **state)
{
	run_both(locks);
}

enum { WAITERS = 20, ROUNDS = 5 };

static int inside, entered;

static int enter(heph_ctx ctx, void *arg)
{
	heph_fd fd = open_it(ctx, O_RDWR);

	for (int i = 0; i < ROUNDS; i++) {
		must_be(heph_file_lock(ctx, fd, HEPH_LOCK_EXCLUSIVE, 0, 0), 0);
		must_be(inside++, 0);
		must_be(heph_yield(ctx), 0);
		must_be(inside--, 1);
		entered++;
		must_be(heph_file_unlock(ctx, fd, 0, 0), 0);
	}
	return 0;
}

static int wait_for_ever(heph_ctx ctx, void *arg)
{
	heph_fd fd = open_it(ctx, O_RDWR);

	must_be(heph_file_lock(ctx, fd, HEPH_LOCK_EXCLUSIVE, 0, 0), -ECANCELED);
	return 0;
}

static int waits(heph_ctx ctx, void *arg)
{
	task_ref tasks[WAITERS];
	heph_fd fd;

	dir_clear();
	dir_file("a", "");
	inside = entered = 0;
	for (int i = 0; i < WAITERS; i++)
		tasks[i] = start_task(ctx, enter, NULL);
	for (int i = 0; i < WAITERS; i++)
		end_task(ctx, tasks[i]);
	must_be(entered, WAITERS * ROUNDS);

	fd = open_it(ctx, O_RDWR);
	must_be(heph_file_lock(ctx, fd, HEPH_LOCK_SHARED, 0, 0), 0);
	for (int i = 0; i < WAITERS; i++) /* more than there are threads */
		tasks[i] = start_task(ctx, wait_for_ever, NULL);
	let_run(ctx);
	must_be(heph_file_try_lock(ctx, fd, HEPH_LOCK_EXCLUSIVE, 0, 0), 0);
	for (int i = 0; i < WAITERS; i++)
		heph_stop(tasks[i]);
	for (int i = 0; i < WAITERS; i++)
		end_task(ctx, tasks[i]);
	heph_close(fd);
	return 0;
}

static void waits_for_locks(void **state)
{
	run_task(waits);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(has_attributes),
		cmocka_unit_test(locks_files),
		cmocka_unit_test(waits_for_locks),
	};

	return cmocka_run_group_tests(tests, dir_begin, dir_end);
}
