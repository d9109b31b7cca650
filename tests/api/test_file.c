/* SPDX-License-Identifier: MIT */
/* Files: opening, what is known of them, what can be changed, names. */
#include <sys/syscall.h>
#include "dir.h"

#include <pthread.h>
#include <sys/mman.h>
#include <sys/sysmacros.h>
#include <time.h>

/* Runs a test in an actor and on a thread, in a directory of its own. */
static void run_both(task_fn fn)
{
	run_task(fn);
	run_thread(fn);
}

/* ---- opening ------------------------------------------------------------------------ */

static int opens(heph_ctx ctx, void *arg)
{
	heph_fd fd, dir = dir_fd(ctx), none;
	char buf[10];

	dir_clear();
	must_be(heph_open(ctx, dir_name("a"), O_RDWR, 0, &none), -ENOENT);
	must_be(heph_open(ctx, dir_name("a"), O_RDWR | O_CREAT | O_EXCL, 0640,
			  &fd),
		0);
	must_be(fcntl(heph_fd_number(ctx, fd), F_GETFD), FD_CLOEXEC);
	must_be(heph_write_all(ctx, fd, "text", 4), 0);
	heph_close(fd);
	must_be(heph_open(ctx, dir_name("a"), O_RDWR | O_CREAT | O_EXCL, 0640,
			  &none),
		-EEXIST);
	must_be(heph_open(ctx, heph_at(dir, "a"), O_RDONLY, 0, &fd), 0);
	must_be(heph_read(ctx, fd, buf, sizeof(buf)), 4);
	must(memcmp(buf, "text", 4) == 0);
	must_be(heph_write(ctx, fd, "x", 1), -EBADF);
	must_be(heph_open(ctx, heph_at(fd, "a"), O_RDONLY, 0, &none), -ENOTDIR);
	heph_close(fd);
	must_be(heph_open(ctx, heph_at(fd, "a"), O_RDONLY, 0, &none), -EBADF);
	must_be(heph_open(ctx, heph_at(dir, "a"), O_WRONLY | O_APPEND, 0, &fd),
		0);
	must_be(heph_write_all(ctx, fd, "more", 4), 0);
	heph_close(fd);
	must_be(heph_open(ctx, heph_at(dir, "."), O_RDONLY, 0, &fd), 0);
	must_be(heph_read(ctx, fd, buf, 1), -EISDIR);
	heph_close(fd);
	must_be(heph_open(ctx, "/dev/null", O_RDWR, 0, &fd), 0);
	must_be(heph_read(ctx, fd, buf, 1), 0);
	heph_close(fd);
	heph_close(dir);
	return 0;
}

static void opens_and_creates(void **state)
{
	run_both(opens);
}

static int beneath(heph_ctx ctx, heph_fd dir, const char *name)
{
	struct heph_stat stat = { .size = 99 }, same;
	heph_fd fd;
	int err = heph_open_beneath(ctx, heph_fd_number(ctx, dir), name,
				    O_RDONLY, 0, &fd, &stat);

	if (err == 0) {
		must_be(heph_stat(ctx, fd, HEPH_STAT_ALL, &same), 0);
		must_be(stat.inode, same.inode);
		must_be(stat.size, same.size);
		must_be(stat.mode, same.mode);
		heph_close(fd);
	}
	return err;
}

/* Valgrind has not. */
static bool has_openat2(void)
{
	return syscall(SYS_openat2, -1, "", NULL, 0) == -1 && errno != ENOSYS;
}

/* Without it each link is one too many, wherever it leads to. */
static bool refused(int err)
{
	return err == -EXDEV ||
	       (!has_openat2() && (err == -ELOOP || err == -ENOTDIR));
}

static int stays_below(heph_ctx ctx, void *arg)
{
	heph_fd fd, dir, all = dir_fd(ctx);

	dir_clear();
	must_be(heph_mkdir(ctx, heph_at(all, "in"), 0777), 0);
	must_be(heph_mkdir(ctx, heph_at(all, "in/sub"), 0777), 0);
	dir_file("out", "secret");
	dir_file("in/file", "text");
	must_be(heph_symlink(ctx, "../file", heph_at(all, "in/sub/good")), 0);
	must_be(heph_symlink(ctx, "../../out", heph_at(all, "in/sub/bad")), 0);
	must_be(heph_symlink(ctx, dir_path, heph_at(all, "in/abs")), 0);
	must_be(heph_symlink(ctx, "..", heph_at(all, "in/up")), 0);
	must_be(heph_open(ctx, heph_at(all, "in"), O_RDONLY, 0, &dir), 0);
	must_be(beneath(ctx, dir, "file"), 0);
	if (has_openat2()) {
		must_be(beneath(ctx, dir, "sub/../file"), 0);
		must_be(beneath(ctx, dir, "sub/good"), 0);
	}
	must_be(beneath(ctx, dir, "."), 0);
	must_be(beneath(ctx, dir, "none"), -ENOENT);
	must_be(beneath(ctx, dir, "file/x"), -ENOTDIR);
	must_be(beneath(ctx, dir, ".."), -EXDEV);
	must_be(beneath(ctx, dir, "../out"), -EXDEV);
	must(refused(beneath(ctx, dir, "sub/bad")));
	must(refused(beneath(ctx, dir, "abs/out")));
	must(refused(beneath(ctx, dir, "up/out")));
	must_be(beneath(ctx, dir, "sub/none"), -ENOENT);
	must_be(beneath(ctx, dir, dir_name("in/file")), -EXDEV);
	must_be(beneath(ctx, dir, NULL), -EINVAL);
	must_be(beneath(ctx, (heph_fd){ 9, 9 }, "file"), -EBADF);
	must_be(heph_open_beneath(ctx, heph_fd_number(ctx, dir), "new",
				  O_WRONLY | O_CREAT, 0600, &fd, NULL),
		0);
	heph_close(fd);
	must(dir_has("in/new"));
	heph_close(dir);
	heph_close(all);
	return 0;
}

static void opens_only_what_is_below(void **state)
{
	run_both(stays_below);
}

static _Atomic bool renames;

static void *rename_on_and_on(void *arg)
{
	static const char *const names[] = { "this", "that" };

	(void)arg;
	for (int i = 0; renames; i = !i)
		must_be(renameat(dir_number, names[i], dir_number, names[!i]),
			0);
	return NULL;
}

/* The kernel does not know then where a ".." led to (-EAGAIN). */
static int opens_while_others_rename(heph_ctx ctx, void *arg)
{
	heph_fd dir = dir_fd(ctx);
	pthread_t thread;

	dir_clear();
	dir_file("this", "");
	dir_file("file", "text");
	must_be(heph_mkdir(ctx, heph_at(dir, "sub"), 0777), 0);
	renames = true;
	must_be(pthread_create(&thread, NULL, rename_on_and_on, NULL), 0);
	if (has_openat2())
		for (int i = 0; i < 300; i++)
			must_be(beneath(ctx, dir, "sub/../file"), 0);
	renames = false;
	must_be(pthread_join(thread, NULL), 0);
	heph_close(dir);
	return 0;
}

static void opens_what_is_below_while_others_rename(void **state)
{
	run_both(opens_while_others_rename);
}

static int refuses(heph_ctx ctx, void *arg)
{
	char *text = malloc(PATH_MAX + 10);
	heph_fd fd;

	dir_clear();
	memset(text, 'a', PATH_MAX + 9);
	text[PATH_MAX + 9] = '\0';
	must_be(heph_open(ctx, text, O_RDONLY, 0, &fd), -ENAMETOOLONG);
	text[300] = '\0';
	must_be(heph_open(ctx, text, O_RDONLY, 0, &fd), -ENAMETOOLONG);
	must_be(heph_open(ctx, "", O_RDONLY, 0, &fd), -ENOENT);
	must_be(heph_open(ctx, (const char *)NULL, O_RDONLY, 0, &fd), -EINVAL);
	must_be(heph_mkdir(ctx, heph_at((heph_fd){ 9, 9 }, "x"), 0777), -EBADF);
	must_be(heph_rename(ctx, "a", (const char *)NULL, 0), -EINVAL);
	must_be(heph_remove(ctx, (const char *)NULL), -EINVAL);
	must_be(heph_file_sync(ctx, (heph_fd){ 0 }), -EBADF);
	must_be(symlinkat("nowhere", dir_number, "link"), 0);
	must_be(heph_open(ctx, heph_nofollow(dir_name("link")), O_RDONLY, 0,
			  &fd),
		-ELOOP);
	must_be(heph_open(ctx, dir_name("link"), O_RDONLY, 0, &fd), -ENOENT);
	free(text);
	return 0;
}

static void refuses_bad_paths(void **state)
{
	run_both(refuses);
}

static int temporary_files(heph_ctx ctx, void *arg)
{
	char name[] = "abXXXXXX", other[] = "abXXXXXX", sub[] = "dXXXXXX";
	heph_fd dir = dir_fd(ctx), fd, again;
	char buf[10], bad[] = "abXXXXX";
	struct heph_stat stat;

	dir_clear();
	must_be(heph_open_temporary(ctx, dir, &fd), 0);
	must_be(heph_write_all(ctx, fd, "text", 4), 0);
	must_be(heph_stat(ctx, fd, HEPH_STAT_ALL, &stat), 0);
	must_be(stat.links, 0);
	must_be(stat.mode & 0777, 0600);
	must_be(heph_hard_link(ctx, fd, heph_at(dir, "named")), 0);
	heph_close(fd);
	must_be(heph_open(ctx, heph_at(dir, "named"), O_RDONLY, 0, &fd), 0);
	must_be(heph_read(ctx, fd, buf, 10), 4);
	heph_close(fd);
	must_be(heph_open_temporary(ctx, dir_name("nowhere"), &fd), -ENOENT);

	must_be(heph_mkstemp(ctx, dir, name, &fd), 0);
	must_be(heph_mkstemp(ctx, dir, other, &again), 0);
	must(strcmp(name, other) != 0 && dir_has(name) && dir_has(other));
	must_be(heph_stat(ctx, again, HEPH_STAT_ALL, &stat), 0);
	must_be(stat.mode & 0777, 0600);
	must_be(heph_mkdtemp(ctx, dir, sub), 0);
	must_be(heph_stat(ctx, heph_at(dir, sub), HEPH_STAT_ALL, &stat), 0);
	must_be(stat.mode, S_IFDIR | 0700);
	must_be(heph_mkdtemp(ctx, dir, bad), -EINVAL);
	must_be(heph_mkstemp(ctx, dir, bad, &fd), -EINVAL);
	heph_close(fd);
	heph_close(again);
	heph_close(dir);
	return 0;
}

static void makes_temporary_files(void **state)
{
	run_both(temporary_files);
}

/* ---- what is known ----------------------------------------------------------------------- */

static bool is_recent(int64_t when)
{
	int64_t now = (int64_t)time(NULL) * HEPH_SEC;

	return when > now - 100 * HEPH_SEC && when < now + 100 * HEPH_SEC;
}

static int stats(heph_ctx ctx, void *arg)
{
	heph_fd dir = dir_fd(ctx), fd;
	struct heph_stat stat, link;
	struct stat wanted;

	dir_clear();
	dir_file("a", "hello");
	must_be(symlinkat("a", dir_number, "link"), 0);
	must_be(fstatat(dir_number, "a", &wanted, 0), 0);
	must_be(heph_stat(ctx, dir_name("link"), HEPH_STAT_ALL, &stat), 0);
	must_be(stat.mask & HEPH_STAT_SIZE, HEPH_STAT_SIZE);
	must_be(stat.mode, S_IFREG | 0644);
	must_be(stat.size, 5);
	must_be(stat.inode, wanted.st_ino);
	must(stat.device == wanted.st_dev);
	must_be(stat.links, 1);
	must_be(stat.uid, getuid());
	must_be(stat.gid, getgid());
	must_be(stat.blocks, wanted.st_blocks);
	must_be(stat.block_size, wanted.st_blksize);
	must(is_recent(stat.accessed) && is_recent(stat.modified));
	must(is_recent(stat.changed));
	must(!(stat.mask & HEPH_STAT_CREATED) || is_recent(stat.created));
	must_be(heph_stat(ctx, heph_nofollow(heph_at(dir, "link")),
			  HEPH_STAT_ALL, &link),
		0);
	must(S_ISLNK(link.mode));
	must_be(heph_open(ctx, heph_at(dir, "a"), O_RDONLY, 0, &fd), 0);
	must_be(heph_stat(ctx, fd, HEPH_STAT_SIZE, &link), 0);
	must_be(link.size, 5);
	must(link.mask & HEPH_STAT_SIZE);
	must_be(heph_stat(ctx, dir, HEPH_STAT_ALL, &link), 0);
	must(S_ISDIR(link.mode));
	must_be(heph_stat(ctx, "/dev/null", HEPH_STAT_ALL, &link), 0);
	must(S_ISCHR(link.mode) && link.special == makedev(1, 3));
	heph_close(fd);
	must_be(heph_stat(ctx, fd, HEPH_STAT_ALL, &link), -EBADF);
	must_be(heph_stat(ctx, heph_at(dir, "b"), HEPH_STAT_ALL, &link),
		-ENOENT);
	heph_close(dir);
	return 0;
}

static void tells_what_is_known(void **state)
{
	run_both(stats);
}

static int changes(heph_ctx ctx, void *arg)
{
	heph_fd dir = dir_fd(ctx), fd;
	struct heph_stat stat, before;

	dir_clear();
	dir_file("a", "hello");
	must_be(symlinkat("a", dir_number, "link"), 0);
	must_be(heph_open(ctx, heph_at(dir, "a"), O_RDWR, 0, &fd), 0);
	must_be(heph_chmod(ctx, heph_at(dir, "link"), 0400), 0);
	must_be(heph_stat(ctx, fd, HEPH_STAT_ALL, &stat), 0);
	must_be(stat.mode & 07777, 0400);
	must_be(heph_chmod(ctx, fd, 0600), 0);
	must_be(heph_stat(ctx, fd, HEPH_STAT_ALL, &stat), 0);
	must_be(stat.mode & 07777, 0600);
	must(heph_chmod(ctx, heph_nofollow(heph_at(dir, "link")), 0600) < 0);

	must_be(heph_utimes(ctx, dir_name("link"), 5 * HEPH_SEC + 7,
			    -HEPH_SEC / 2),
		0);
	must_be(heph_stat(ctx, fd, HEPH_STAT_ALL, &before), 0);
	must(before.accessed == 5 * HEPH_SEC + 7);
	must(before.modified == -HEPH_SEC / 2);
	must_be(heph_utimes(ctx, fd, HEPH_UTIME_KEEP, HEPH_UTIME_NOW), 0);
	must_be(heph_stat(ctx, fd, HEPH_STAT_ALL, &stat), 0);
	must(stat.accessed == before.accessed && is_recent(stat.modified));
	must_be(heph_utimes(ctx, heph_nofollow(heph_at(dir, "link")), 0, 0), 0);
	must_be(heph_stat(ctx, heph_nofollow(dir_name("link")), HEPH_STAT_ALL,
			  &stat),
		0);
	must_be(stat.modified, 0);

	must_be(heph_chown(ctx, fd, getuid(), (uint32_t)-1), 0);
	must_be(heph_chown(ctx, dir_name("link"), (uint32_t)-1, getgid()), 0);
	must_be(heph_chown(ctx, heph_nofollow(dir_name("link")), getuid(),
			   getgid()),
		0);
	must_be(heph_chown(ctx, dir_name("b"), 0, 0), -ENOENT);
	heph_close(fd);
	heph_close(dir);
	return 0;
}

static void changes_what_is_known(void **state)
{
	run_both(changes);
}

/* ---- names -------------------------------------------------------------------------------- */

static int names(heph_ctx ctx, void *arg)
{
	heph_fd dir = dir_fd(ctx);
	struct heph_stat stat;
	char text[100];

	dir_clear();
	dir_file("a", "1");
	dir_file("b", "22");
	must_be(heph_rename(ctx, dir_name("a"), heph_at(dir, "b"),
			    RENAME_NOREPLACE),
		-EEXIST);
	must_be(heph_rename(ctx, dir_name("a"), heph_at(dir, "b"),
			    RENAME_EXCHANGE),
		0);
	must_be(heph_stat(ctx, heph_at(dir, "a"), HEPH_STAT_SIZE, &stat), 0);
	must_be(stat.size, 2);
	must_be(heph_rename(ctx, heph_at(dir, "a"), dir_name("c"), 0), 0);
	must(!dir_has("a") && dir_has("b") && dir_has("c"));
	must_be(heph_rename(ctx, heph_at(dir, "a"), dir_name("c"), 0), -ENOENT);

	must_be(heph_symlink(ctx, "c", heph_at(dir, "link")), 0);
	must_be(heph_symlink(ctx, "c", dir_name("link")), -EEXIST);
	must_be(heph_hard_link(ctx, heph_at(dir, "link"), dir_name("d")), 0);
	must_be(heph_stat(ctx, dir_name("c"), HEPH_STAT_ALL, &stat), 0);
	must_be(stat.links, 2);
	must_be(heph_hard_link(ctx, heph_nofollow(heph_at(dir, "link")),
			       dir_name("e")),
		0);
	must_be(heph_read_link(ctx, dir_name("e"), text, sizeof(text)), 1);
	must(strcmp(text, "c") == 0);
	must_be(heph_read_link(ctx, heph_at(dir, "e"), text, 2), 1);
	must_be(heph_read_link(ctx, heph_at(dir, "e"), text, 1), -ENAMETOOLONG);
	must_be(heph_read_link(ctx, heph_at(dir, "c"), text, 10), -EINVAL);

	must_be(heph_mkdir(ctx, heph_at(dir, "sub"), 0750), 0);
	must_be(heph_mkdir(ctx, dir_name("sub"), 0750), -EEXIST);
	must_be(heph_remove(ctx, dir_name("sub")), -EISDIR);
	must_be(heph_rmdir(ctx, dir_name("c")), -ENOTDIR);
	must_be(heph_rename(ctx, dir_name("c"), dir_name("sub/c"), 0), 0);
	must_be(heph_rmdir(ctx, dir_name("sub")), -ENOTEMPTY);
	must_be(heph_remove(ctx, heph_at(dir, "sub/c")), 0);
	must_be(heph_rmdir(ctx, heph_at(dir, "sub")), 0);
	must_be(heph_remove(ctx, heph_at(dir, "sub/c")), -ENOENT);
	heph_close(dir);
	return 0;
}

static void gives_and_takes_names(void **state)
{
	run_both(names);
}

/* ---- contents -------------------------------------------------------------------------------- */

static uint64_t size_of(heph_ctx ctx, heph_fd fd)
{
	struct heph_stat stat;

	must_be(heph_stat(ctx, fd, HEPH_STAT_SIZE, &stat), 0);
	return stat.size;
}

static int contents(heph_ctx ctx, void *arg)
{
	uint64_t at, most = UINT64_C(1) << 63;
	heph_fd fd;

	dir_clear();
	must_be(heph_open(ctx, dir_name("a"), O_RDWR | O_CREAT, 0600, &fd), 0);
	must_be(heph_write_all(ctx, fd, "0123456789", 10), 0);
	must_be(heph_file_sync(ctx, fd), 0);
	must_be(heph_file_sync_data(ctx, fd), 0);
	must_be(heph_file_truncate(ctx, fd, 4), 0);
	must_be(size_of(ctx, fd), 4);
	must_be(heph_file_truncate(ctx, fd, 100000), 0);
	must_be(size_of(ctx, fd), 100000);
	must_be(heph_file_truncate(ctx, fd, most), -EFBIG);
	must_be(heph_file_allocate(ctx, fd, 0, 100000, 100000), 0);
	must_be(size_of(ctx, fd), 200000);
	must_be(heph_file_allocate(ctx, fd, FALLOC_FL_KEEP_SIZE, 0, 300000), 0);
	must_be(size_of(ctx, fd), 200000);
	must_be(heph_file_allocate(ctx, fd, 0, most, 1), -EFBIG);
	must_be(heph_file_allocate(ctx, fd, 0, 0, 0), -EINVAL);
	must_be(heph_file_advise(ctx, fd, 0, 0, POSIX_FADV_SEQUENTIAL), 0);
	must_be(heph_file_advise(ctx, fd, 0, 4096, POSIX_FADV_DONTNEED), 0);
	must_be(heph_file_advise(ctx, fd, 0, UINT64_C(1) << 40,
				 POSIX_FADV_WILLNEED),
		0);
	must_be(heph_file_advise(ctx, fd, 0, 0, 77), -EINVAL);
	must_be(heph_file_seek(ctx, fd, 2, SEEK_SET, NULL), 0);
	must_be(heph_file_seek(ctx, fd, 3, SEEK_CUR, &at), 0);
	must_be(at, 5);
	must_be(heph_file_seek(ctx, fd, -1, SEEK_END, &at), 0);
	must_be(at, 199999);
	must_be(heph_file_seek(ctx, fd, -1, SEEK_SET, &at), -EINVAL);
	must_be(heph_file_seek(ctx, fd, 200000, SEEK_DATA, &at), -ENXIO);
	heph_close(fd);
	must_be(heph_file_truncate(ctx, fd, 4), -EBADF);
	must_be(heph_file_seek(ctx, fd, 4, SEEK_SET, &at), -EBADF);
	return 0;
}

static void changes_contents(void **state)
{
	run_both(contents);
}

static int disk_errors(heph_ctx ctx, void *arg)
{
	heph_fd fd;
	int other;

	fd = pipe_end(ctx, 0, &other);
	must_be(heph_file_sync(ctx, fd), -EINVAL);
	must_be(heph_file_truncate(ctx, fd, 0), -EINVAL);
	must_be(heph_file_allocate(ctx, fd, 0, 0, 1), -EBADF);
	must_be(heph_file_advise(ctx, fd, 0, 0, POSIX_FADV_NORMAL), -ESPIPE);
	must_be(heph_file_seek(ctx, fd, 0, SEEK_SET, NULL), -ESPIPE);
	must_be(heph_dir_rewind(ctx, fd), -ESPIPE);
	heph_close(fd);
	close(other);
	return 0;
}

static void gives_the_kernels_errors(void **state)
{
	run_both(disk_errors);
}

/* ---- memory -------------------------------------------------------------------------------------- */

static int advises(heph_ctx ctx, void *arg)
{
	size_t size = 1 << 20;
	char *pages = mmap(NULL, size, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	must(pages != MAP_FAILED);
	memset(pages, 1, size);
	must_be(heph_memory_advise(ctx, pages, size, MADV_SEQUENTIAL), 0);
	must_be(heph_memory_advise(ctx, pages, size, MADV_DONTNEED), 0);
	must(pages[0] == 0 && pages[size - 1] == 0);
	must_be(heph_memory_advise(ctx, pages + 1, size, MADV_NORMAL), -EINVAL);
	must_be(heph_memory_advise(ctx, pages, size, 12345), -EINVAL);
	munmap(pages, size);
	return 0;
}

static int advises_stack(heph_ctx ctx, void *arg)
{
	char bytes[10];

	must_be(heph_memory_advise(ctx, bytes, 10, MADV_DONTNEED), -EINVAL);
	return advises(ctx, arg);
}

static void advises_about_memory(void **state)
{
	run_task(advises_stack);
	run_thread(advises);
}

/* ---- stops and deadlines -------------------------------------------------------------------------- */

static int is_stopped(heph_ctx ctx, void *arg)
{
	struct heph_stat stat;
	heph_fd fd;

	must_be(heph_sleep(ctx, HEPH_NEVER), -ECANCELED);
	must_be(heph_open(ctx, dir_name("b"), O_RDWR | O_CREAT, 0600, &fd),
		-ECANCELED);
	must_be(heph_stat(ctx, "/", HEPH_STAT_ALL, &stat), -ECANCELED);
	must_be(heph_mkdir_all(ctx, dir_name("x/y"), 0700), -ECANCELED);
	must_be(heph_remove_all(ctx, dir_name("x")), -ECANCELED);
	must_be(heph_chmod(ctx, dir_path, 0700), -ECANCELED);
	must_be(heph_open(heph_shield(ctx, 10 * HEPH_SEC), dir_path, O_RDONLY,
			  0, &fd),
		0);
	return 0;
}

static int stops(heph_ctx ctx, void *arg)
{
	task_ref task = start_task(ctx, is_stopped, NULL);

	dir_clear();
	let_run(ctx);
	heph_stop(task);
	end_task(ctx, task);
	must(!dir_has("b"));
	return 0;
}

/* It may be open before anybody looks at the deadline: then it is ours. */
static int late(heph_ctx ctx, void *arg)
{
	heph_ctx now = heph_within(ctx, 0);
	heph_fd fd;
	int err;

	for (int i = 0; i < 200; i++) {
		err = heph_open(now, "/dev/null", O_RDONLY, 0, &fd);
		must(err == 0 || err == -ETIME);
		if (err == 0)
			heph_close(fd);
	}
	return 0;
}

static void are_stopped(void **state)
{
	run_task(stops);
	run_task(late);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(opens_and_creates),
		cmocka_unit_test(opens_only_what_is_below),
		cmocka_unit_test(opens_what_is_below_while_others_rename),
		cmocka_unit_test(refuses_bad_paths),
		cmocka_unit_test(makes_temporary_files),
		cmocka_unit_test(tells_what_is_known),
		cmocka_unit_test(changes_what_is_known),
		cmocka_unit_test(gives_and_takes_names),
		cmocka_unit_test(changes_contents),
		cmocka_unit_test(gives_the_kernels_errors),
		cmocka_unit_test(advises_about_memory),
		cmocka_unit_test(are_stopped),
	};

	return cmocka_run_group_tests(tests, dir_begin, dir_end);
}
