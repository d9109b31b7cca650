/* SPDX-License-Identifier: MIT */
/* Files: without memory, without opcodes, without a driver. */
#include "loop.h"

#include <sys/mman.h>
#include <sys/stat.h>

#include "io/fs.h"

static char path[] = "/tmp/heph-test-XXXXXX";

static int make_dir(void **state)
{
	return !mkdtemp(path);
}

static int remove_dir(void **state)
{
	return rmdir(path);
}

/* ---- every call, in an order in which they work ---------------------------------------- */

/* The directory; a file in it; what a call opened. */
struct files {
	heph_fd dir, fd, opened;
	void *pages;
	char name[10];
};

typedef int (*call_fn)(heph_ctx ctx, struct files *it);

#define CALL(name_, expr_)                                                     \
	static int name_(heph_ctx ctx, struct files *it)                       \
	{                                                                      \
		return expr_;                                                  \
	}

static char buf[4096];
static struct heph_stat info;

CALL(call_open,
     heph_open(ctx, heph_at(it->dir, "a"), O_RDWR | O_CREAT, 0600, &it->opened))
CALL(call_temporary, heph_open_temporary(ctx, it->dir, &it->opened))
CALL(call_mkstemp,
     heph_mkstemp(ctx, it->dir, strcpy(it->name, "XXXXXX"), &it->opened))
CALL(call_unlink, heph_remove(ctx, heph_at(it->dir, it->name)))
CALL(call_mkdtemp, heph_mkdtemp(ctx, it->dir, strcpy(it->name, "XXXXXX")))
CALL(call_rmdir, heph_rmdir(ctx, heph_at(it->dir, it->name)))
CALL(call_stat, heph_stat(ctx, it->fd, HEPH_STAT_ALL, &info))
CALL(call_stat_path, heph_stat(ctx, path, HEPH_STAT_ALL, &info))
CALL(call_chmod, heph_chmod(ctx, it->fd, 0600))
CALL(call_chown, heph_chown(ctx, it->fd, getuid(), getgid()))
CALL(call_utimes, heph_utimes(ctx, it->fd, 0, HEPH_UTIME_NOW))
CALL(call_rename,
     heph_rename(ctx, heph_at(it->dir, "a"), heph_at(it->dir, "b"), 0))
CALL(call_link,
     heph_hard_link(ctx, heph_at(it->dir, "b"), heph_at(it->dir, "c")))
CALL(call_symlink, heph_symlink(ctx, "b", heph_at(it->dir, "link")))
CALL(call_read_link,
     heph_read_link(ctx, heph_at(it->dir, "link"), buf, 99) < 0 ? -ENOMEM : 0)
CALL(call_mkdir_all, heph_mkdir_all(ctx, heph_at(it->dir, "x/y/z"), 0700))
CALL(call_read_dir,
     heph_dir_read(ctx, it->dir, buf, sizeof(buf)) < 0 ? -ENOMEM : 0)
CALL(call_rewind, heph_dir_rewind(ctx, it->dir))
CALL(call_remove_all, heph_remove_all(ctx, heph_at(it->dir, "x")))
CALL(call_sync, heph_file_sync(ctx, it->fd))
CALL(call_sync_data, heph_file_sync_data(ctx, it->fd))
CALL(call_truncate, heph_file_truncate(ctx, it->fd, 100))
CALL(call_allocate, heph_file_allocate(ctx, it->fd, 0, 0, 1000))
CALL(call_advise, heph_file_advise(ctx, it->fd, 0, 0, POSIX_FADV_SEQUENTIAL))
CALL(call_seek, heph_file_seek(ctx, it->fd, 0, SEEK_SET, NULL))
CALL(call_lock, heph_file_lock(ctx, it->fd, HEPH_LOCK_EXCLUSIVE, 0, 0))
CALL(call_unlock, heph_file_unlock(ctx, it->fd, 0, 0))
CALL(call_madvise, heph_memory_advise(ctx, it->pages, 4096, MADV_NORMAL))
CALL(call_remove_b, heph_remove(ctx, heph_at(it->dir, "b")))
CALL(call_remove_c, heph_remove(ctx, heph_at(it->dir, "c")))
CALL(call_remove_link, heph_remove(ctx, heph_at(it->dir, "link")))

static int may_lack(int err)
{
	return err == -EOPNOTSUPP ? 0 : err;
}

CALL(call_xattr_set, may_lack(heph_xattr_set(ctx, it->fd, "user.a", "x", 1, 0)))
CALL(call_xattr_get,
     heph_xattr_get(ctx, it->fd, "user.a", buf, 10) == -ENOMEM ? -ENOMEM : 0)
CALL(call_xattr_list,
     heph_xattr_list(ctx, it->fd, buf, sizeof(buf)) == -ENOMEM ? -ENOMEM : 0)
CALL(call_xattr_remove,
     heph_xattr_remove(ctx, it->fd, "user.a") == -ENOMEM ? -ENOMEM : 0)

static const call_fn calls[] = {
	call_temporary,  call_mkstemp,      call_unlink,    call_mkdtemp,
	call_rmdir,      call_stat,         call_stat_path, call_chmod,
	call_chown,      call_utimes,       call_xattr_set, call_xattr_get,
	call_xattr_list, call_xattr_remove, call_rename,    call_link,
	call_symlink,    call_read_link,    call_mkdir_all, call_read_dir,
	call_rewind,     call_remove_all,   call_sync,      call_sync_data,
	call_truncate,   call_allocate,     call_advise,    call_seek,
	call_lock,       call_unlock,       call_madvise,   call_remove_b,
	call_remove_c,   call_remove_link,
};

static void begin(heph_ctx ctx, struct files *it)
{
	*it = (struct files){ 0 };
	must_be(heph_open(ctx, path, O_RDONLY | O_DIRECTORY, 0, &it->dir), 0);
	it->pages = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	must(it->pages != MAP_FAILED);
}

static void end(struct files *it)
{
	munmap(it->pages, 4096);
	heph_close(it->fd);
	heph_close(it->dir);
}

static int do_all(heph_ctx ctx, struct files *it, bool short_of_memory)
{
	int err, failed = 0;

	for (size_t i = 0; i < sizeof(calls) / sizeof(*calls); i++) {
		err = -ENOMEM;
		for (long n = 1; err == -ENOMEM; n++) {
			heph_mem_fail_after(short_of_memory ? n : -1);
			err = calls[i](ctx, it);
			heph_mem_fail_after(-1);
			failed += err == -ENOMEM;
		}
		must_be(err, 0);
		heph_close(it->opened);
		it->opened = (heph_fd){ 0 };
	}
	return failed;
}

/* ---- without memory ------------------------------------------------------------------------ */

/* Before the worker has blocks of the common sizes in its pool. */
static int open_short(heph_ctx ctx, void *arg)
{
	struct files it;
	int err = -ENOMEM, failed = 0;

	for (long n = 1; err == -ENOMEM; n++) {
		heph_mem_fail_after(n);
		err = heph_open(ctx, path, O_RDONLY | O_DIRECTORY, 0, &it.dir);
		heph_mem_fail_after(-1);
		failed += err == -ENOMEM;
	}
	must_be(err, 0);
	must(failed > 0);
	heph_close(it.dir);
	return 0;
}

static int refused;

static int all_short(heph_ctx ctx, void *arg)
{
	struct files it;

	begin(ctx, &it);
	must_be(call_open(ctx, &it), 0);
	it.fd = it.opened;
	it.opened = (heph_fd){ 0 };
	refused += do_all(ctx, &it, true);
	end(&it);
	return 0;
}

static void are_short_of_memory(void **state)
{
	loop_with(64, open_short);
	/* Another thread may take the refusals that were for us. */
	refused = 0;
	for (int n = 0; n < 10 && !refused; n++)
		loop_with(64, all_short);
	assert_true(refused > 0);
}

/* ---- without opcodes ------------------------------------------------------------------------- */

static int all_by_threads(heph_ctx ctx, void *arg)
{
	struct loop *loop = arg;
	struct heph_uring *uring = heph_uring_of(loop->worker);
	struct files it;

	memset(uring->features.opcodes, 0, sizeof(uring->features.opcodes));
	uring->features.opcodes[0] = UINT64_C(1) << IORING_OP_POLL_ADD;
	begin(ctx, &it);
	must_be(call_open(ctx, &it), 0);
	it.fd = it.opened;
	it.opened = (heph_fd){ 0 };
	must_be(do_all(ctx, &it, false), 0);
	end(&it);
	return 0;
}

static void are_done_by_threads(void **state)
{
	loop_with(64, all_by_threads);
}

/* ---- in bulk ------------------------------------------------------------------------------------ */

enum { MANY = 300 };

static int open_one(heph_ctx ctx, void *arg)
{
	struct heph_stat stat;
	heph_fd fd;

	must_be(heph_open(ctx, "/dev/null", O_RDONLY, 0, &fd), 0);
	must_be(heph_stat(ctx, fd, HEPH_STAT_ALL, &stat), 0);
	must(S_ISCHR(stat.mode));
	return 0;
}

static int open_all(heph_ctx ctx, void *arg)
{
	task_ref tasks[MANY];

	for (int i = 0; i < MANY; i++)
		tasks[i] = start_task(ctx, open_one, NULL);
	for (int i = 0; i < MANY; i++)
		end_task(ctx, tasks[i]);
	return 0;
}

static int open_null(heph_ctx ctx, void *arg)
{
	heph_fd fd;
	int err;

	do {
		err = heph_open(ctx, "/dev/null", O_RDONLY, 0, &fd);
	} while (err == 0);
	must_be(err, -ECANCELED);
	return 0;
}

/* An open that is stopped at any moment leaves no descriptor behind. */
static int stop_opening(heph_ctx ctx, void *arg)
{
	task_ref task;

	for (int i = 0; i < MANY; i++) {
		task = start_task(ctx, open_null, NULL);
		for (int n = 0; n < i % 7; n++)
			must_be(heph_yield(ctx), 0);
		if (i % 3)
			must_be(heph_sleep(ctx, i * HEPH_USEC), 0);
		heph_stop(task);
		end_task(ctx, task);
		must_be(heph_stats(ctx).descriptors, 0);
	}
	return 0;
}

static void leave_nothing_open(void **state)
{
	loop_with(64, open_all);
	loop_with(64, stop_opening);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(are_short_of_memory),
		cmocka_unit_test(are_done_by_threads),
		cmocka_unit_test(leave_nothing_open),
	};

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
