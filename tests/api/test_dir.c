/* SPDX-License-Identifier: MIT */
/* Directories: reading them, making and removing trees. */
#include "dir.h"

static void run_both(task_fn fn)
{
	run_task(fn);
	run_thread(fn);
}

/* ---- reading ------------------------------------------------------------------------ */

enum { FILES = 500 };

static void make_files(void)
{
	char name[300];

	for (int i = 0; i < FILES; i++) {
		snprintf(name, sizeof(name), "%d-%0*d", i, i % 250, 0);
		dir_file(name, "");
	}
	must_be(mkdirat(dir_number, "sub", 0700), 0);
	must_be(symlinkat("sub", dir_number, "link"), 0);
}

/* Reads all of it with that buffer, and counts. */
static void count_with(heph_ctx ctx, heph_fd dir, void *buf, size_t size)
{
	static bool seen[FILES];
	struct heph_dir_entry entry;
	int n, files = 0, subs = 0, links = 0;

	memset(seen, 0, sizeof(seen));
	while ((n = heph_dir_read(ctx, dir, buf, size)) > 0) {
		for (size_t at = 0;
		     heph_dir_next(buf, (size_t)n, &at, &entry);) {
			must(entry.inode);
			if (strcmp(entry.name, "sub") == 0) {
				must_be(entry.type, DT_DIR);
				subs++;
			} else if (strcmp(entry.name, "link") == 0) {
				must_be(entry.type, DT_LNK);
				links++;
			} else {
				must_be(entry.type, DT_REG);
				must(!seen[atoi(entry.name)]);
				seen[atoi(entry.name)] = true;
				files++;
			}
		}
	}
	must_be(n, 0);
	must_be(files, FILES);
	must_be(subs, 1);
	must_be(links, 1);
}

static int reads(heph_ctx ctx, void *arg)
{
	heph_fd dir, file;
	char stack[1000], *heap = malloc(32768);
	struct heph_dir_entry entry;
	size_t at = 0;
	int n;

	dir_clear();
	make_files();
	must_be(heph_open(ctx, dir_path, O_RDONLY | O_DIRECTORY, 0, &dir), 0);
	count_with(ctx, dir, stack, sizeof(stack));
	must_be(heph_dir_read(ctx, dir, heap, 32768), 0);
	must_be(heph_dir_rewind(ctx, dir), 0);
	count_with(ctx, dir, heap, 32768);
	must_be(heph_dir_rewind(ctx, dir), 0);
	count_with(ctx, dir, heap + 1, 3001);
	must_be(heph_dir_rewind(ctx, dir), 0);
	must_be(heph_dir_read(ctx, dir, heap, 10), -EINVAL);
	heph_close(dir);

	must_be(heph_open(ctx, dir_name("sub"), O_RDONLY, 0, &dir), 0);
	n = heph_dir_read(ctx, dir, stack, sizeof(stack));
	must(n > 0 && !heph_dir_next(stack, (size_t)n, &at, &entry));
	must_be(heph_dir_read(ctx, dir, stack, sizeof(stack)), 0);
	must_be(heph_rmdir(ctx, dir_name("sub")), 0);
	must_be(heph_dir_rewind(ctx, dir), 0);
	must_be(heph_dir_read(ctx, dir, stack, sizeof(stack)), -ENOENT);
	heph_close(dir);
	must_be(heph_dir_read(ctx, dir, stack, sizeof(stack)), -EBADF);
	dir_file("a", "");
	must_be(heph_open(ctx, dir_name("a"), O_RDONLY, 0, &file), 0);
	must_be(heph_dir_read(ctx, file, stack, sizeof(stack)), -ENOTDIR);
	heph_close(file);
	free(heap);
	return 0;
}

static void reads_all_entries(void **state)
{
	run_both(reads);
}

/* ---- making ---------------------------------------------------------------------------- */

static int makes(heph_ctx ctx, void *arg)
{
	heph_fd dir = dir_fd(ctx);
	struct heph_stat stat;
	char deep[PATH_MAX];
	size_t n;

	dir_clear();
	must_be(heph_mkdir_all(ctx, heph_at(dir, "a/b//c/"), 0750), 0);
	must(dir_has("a/b/c"));
	must_be(heph_stat(ctx, heph_at(dir, "a"), HEPH_STAT_ALL, &stat), 0);
	must_be(stat.mode & 0777, 0750);
	must_be(heph_mkdir_all(ctx, dir_name("a/b/c"), 0700), 0);
	must_be(heph_mkdir_all(ctx, dir_name("a/b/c/d"), 0700), 0);
	must_be(heph_mkdir_all(ctx, heph_at(dir, "x"), 0700), 0);
	must_be(heph_mkdir_all(ctx, heph_at(dir, "./y/../z/"), 0700), 0);
	must(dir_has("y") && dir_has("z"));
	must_be(heph_mkdir_all(ctx, "/", 0700), 0);
	must_be(heph_mkdir_all(ctx, "/tmp", 0700), 0);
	must_be(heph_mkdir_all(ctx, "", 0700), -ENOENT);
	must_be(heph_mkdir_all(ctx, (const char *)NULL, 0700), -EINVAL);
	dir_file("file", "");
	must_be(heph_mkdir_all(ctx, heph_at(dir, "file"), 0700), -ENOTDIR);
	must_be(heph_mkdir_all(ctx, heph_at(dir, "file/x/y"), 0700), -ENOTDIR);
	must_be(symlinkat("x", dir_number, "link"), 0);
	must_be(heph_mkdir_all(ctx, heph_at(dir, "link/one/two"), 0700), 0);
	must(dir_has("x/one/two"));
	for (n = 0; n < 200; n += 2)
		memcpy(deep + n, "d/", 3);
	must_be(heph_mkdir_all(ctx, heph_at(dir, deep), 0700), 0);
	must(dir_has(deep));
	memset(deep, 'a', sizeof(deep) - 1);
	deep[sizeof(deep) - 1] = '\0';
	must_be(heph_mkdir_all(ctx, heph_at(dir, deep), 0700), -ENAMETOOLONG);
	heph_close(dir);
	return 0;
}

static void makes_a_path(void **state)
{
	run_both(makes);
}

/* ---- removing --------------------------------------------------------------------------- */

static void make_tree(const char *at, int depth)
{
	char name[200];

	must_be(mkdirat(dir_number, at, 0700), 0);
	for (int i = 0; i < 5; i++) {
		snprintf(name, sizeof(name), "%s/file%d", at, i);
		dir_file(name, "x");
	}
	for (int i = 0; i < 3 && depth; i++) {
		snprintf(name, sizeof(name), "%s/dir%d", at, i);
		make_tree(name, depth - 1);
	}
}

static int removes(heph_ctx ctx, void *arg)
{
	heph_fd dir = dir_fd(ctx);
	char deep[301];

	dir_clear();
	make_tree("keep", 1);
	make_tree("tree", 2);
	must_be(symlinkat("../keep", dir_number, "tree/link"), 0);
	must_be(symlinkat("keep", dir_number, "link"), 0);
	must_be(heph_remove_all(ctx, dir_name("tree")), 0);
	must(!dir_has("tree") && dir_has("keep/dir2/file4"));
	must_be(heph_remove_all(ctx, heph_at(dir, "link/")), 0);
	must(!dir_has("link") && dir_has("keep/dir2/file4"));
	must_be(heph_remove_all(ctx, heph_at(dir, "keep/file0")), 0);
	must(!dir_has("keep/file0") && dir_has("keep/file1"));
	must_be(heph_remove_all(ctx, heph_at(dir, "keep//")), 0);
	must(!dir_has("keep"));
	must_be(heph_remove_all(ctx, heph_at(dir, "keep")), 0);
	must_be(heph_remove_all(ctx, heph_at(dir, "nowhere/at/all")), 0);
	for (size_t n = 0; n < 300; n += 2)
		memcpy(deep + n, "d/", 3);
	must_be(heph_mkdir_all(ctx, heph_at(dir, deep), 0700), 0);
	must_be(heph_remove_all(ctx, heph_at(dir, "d")), 0);
	must(!dir_has("d"));
	heph_close(dir);
	return 0;
}

static void removes_a_tree(void **state)
{
	run_both(removes);
}

static int does_not_remove(heph_ctx ctx, void *arg)
{
	char *text = malloc(PATH_MAX + 1);
	heph_fd dir = dir_fd(ctx);

	dir_clear();
	dir_file("a", "");
	must_be(heph_remove_all(ctx, heph_at(dir, ".")), -EINVAL);
	must_be(heph_remove_all(ctx, heph_at(dir, "a/..")), -EINVAL);
	must_be(heph_remove_all(ctx, heph_at(dir, "./")), -EINVAL);
	must_be(heph_remove_all(ctx, heph_at(dir, "")), -EINVAL);
	must_be(heph_remove_all(ctx, "/"), -EINVAL);
	must_be(heph_remove_all(ctx, "//"), -EINVAL);
	must_be(heph_remove_all(ctx, (const char *)NULL), -EINVAL);
	must_be(heph_remove_all(ctx, heph_at(dir, "a/b")), -ENOTDIR);
	must(dir_has("a"));
	memset(text, 'a', PATH_MAX);
	text[PATH_MAX] = '\0';
	must_be(heph_remove_all(ctx, heph_at(dir, text)), -ENAMETOOLONG);
	heph_close(dir);
	must_be(heph_remove_all(ctx, heph_at(dir, "a")), -EBADF);
	free(text);
	return 0;
}

static void refuses_to_remove(void **state)
{
	run_both(does_not_remove);
}

/* Somebody puts a link in the place of a directory, again and again, while it is
 * removed: what the link leads to stays. */
static _Atomic bool done;

static int swap_names(heph_ctx ctx, void *arg)
{
	while (!done) {
		renameat2(dir_number, "tree/dir", dir_number, "link",
			  RENAME_EXCHANGE);
		must_be(heph_yield(ctx), 0);
	}
	return 0;
}

static int races(heph_ctx ctx, void *arg)
{
	heph_fd dir = dir_fd(ctx);
	task_ref task;
	char name[30];
	int err;

	dir_clear();
	dir_file("precious", "x");
	for (int round = 0; round < 20; round++) {
		must_be(mkdirat(dir_number, "keep", 0700), 0);
		dir_file("keep/file", "x");
		must_be(mkdirat(dir_number, "tree", 0700), 0);
		must_be(mkdirat(dir_number, "tree/dir", 0700), 0);
		for (int i = 0; i < 20; i++) {
			snprintf(name, sizeof(name), "tree/dir/%d", i);
			dir_file(name, "x");
		}
		must_be(symlinkat("keep", dir_number, "link"), 0);
		done = false;
		task = start_task(ctx, swap_names, NULL);
		err = heph_remove_all(ctx, heph_at(dir, "tree"));
		done = true;
		end_task(ctx, task);
		must(err == 0 || err == -ENOTDIR || err == -ELOOP ||
		     err == -EXDEV || err == -ENOTEMPTY || err == -EISDIR);
		must(dir_has("keep/file") && dir_has("precious"));
		must_be(heph_remove_all(ctx, heph_at(dir, "tree")), 0);
		must_be(heph_remove_all(ctx, heph_at(dir, "link")), 0);
		must_be(heph_remove_all(ctx, heph_at(dir, "keep")), 0);
	}
	heph_close(dir);
	return 0;
}

static void follows_no_link_that_somebody_puts_there(void **state)
{
	run_task(races);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_all_entries),
		cmocka_unit_test(makes_a_path),
		cmocka_unit_test(removes_a_tree),
		cmocka_unit_test(refuses_to_remove),
		cmocka_unit_test(follows_no_link_that_somebody_puts_there),
	};

	return cmocka_run_group_tests(tests, dir_begin, dir_end);
}
