/* SPDX-License-Identifier: MIT */
/* Being told what happens to files. */
#include "dir.h"

#include <limits.h>

static void run_both(task_fn fn)
{
	run_task(fn);
	run_thread(fn);
}

static struct heph_notify *watch(heph_ctx ctx, const char *name, unsigned what,
				 unsigned flags)
{
	struct heph_notify *notify;

	must_be(heph_notify_open(ctx, &notify), 0);
	must_be(heph_notify_add(ctx, notify, dir_name(name), what, flags), 0);
	return notify;
}

/* The one that was told last. */
static unsigned last_what;
static char last_path[PATH_MAX];

/* What was made when its directory was just being looked through may be told
 * twice. */
static bool told_before(const struct heph_notify_event *event)
{
	return event->what == last_what && strcmp(event->path, last_path) == 0;
}

/* The next event is that, about that name in the directory. */
static struct heph_notify_event must_tell(heph_ctx ctx,
					  struct heph_notify *notify,
					  unsigned what, const char *name)
{
	struct heph_notify_event event;

	do {
		must_be(heph_notify_next(heph_within(ctx, 20 * HEPH_SEC),
					 notify, &event),
			0);
	} while (told_before(&event) && strcmp(event.path, dir_name(name)) != 0);
	last_what = event.what;
	snprintf(last_path, sizeof(last_path), "%s", event.path);
	if (event.what != what || strcmp(event.path, dir_name(name)) != 0)
		fprintf(stderr, "%x of %s, not %x of %s\n", event.what,
			event.path, what, name);
	must_be(event.what, what);
	must(strcmp(event.path, dir_name(name)) == 0);
	must(strcmp(event.path + strlen(event.path) - strlen(event.name),
		    event.name) == 0);
	return event;
}

static void must_tell_nothing(heph_ctx ctx, struct heph_notify *notify)
{
	struct heph_notify_event event;
	int err;

	do {
		err = heph_notify_next(heph_within(ctx, 0), notify, &event);
	} while (err == 0 && told_before(&event));
	if (err == 0)
		fprintf(stderr, "%x of %s\n", event.what, event.path);
	must_be(err, -ETIME);
}

/* What somebody else does. */
static void touch(const char *name)
{
	dir_file(name, "text");
}

static void make(const char *name)
{
	must_be(mkdirat(dir_number, name, 0700), 0);
}

static void move(const char *from, const char *to)
{
	must_be(renameat(dir_number, from, dir_number, to), 0);
}

static void delete (const char *name)
{
	must_be(unlinkat(dir_number, name, 0), 0);
}

static void delete_dir(const char *name)
{
	must_be(unlinkat(dir_number, name, AT_REMOVEDIR), 0);
}

enum {
	DIRECTORY = (int)HEPH_NOTIFY_DIRECTORY,
	RECURSIVE = HEPH_NOTIFY_RECURSIVE,
	CREATE = HEPH_NOTIFY_CREATE,
	DELETE = HEPH_NOTIFY_DELETE,
};

/* ---- each interest ------------------------------------------------------------------ */

static void open_and_close(const char *name, int flags)
{
	int number = openat(dir_number, name, flags | O_CLOEXEC);

	must(number >= 0);
	close(number);
}

static void read_it(const char *name)
{
	int number = openat(dir_number, name, O_RDONLY | O_CLOEXEC);
	char byte;

	must_be(read(number, &byte, 1), 1);
	close(number);
}

static void read_dir(const char *name)
{
	DIR *dir = opendir(dir_name(name));

	must(dir && readdir(dir));
	closedir(dir);
}

static void change_mode(const char *name)
{
	must_be(fchmodat(dir_number, name, 0640, 0), 0);
	must_be(fchmodat(dir_number, name, 0600, 0), 0);
}

/* What is done to a file that is watched, and what is told of it alone. */
static void each_of_a_file(heph_ctx ctx, unsigned what)
{
	struct heph_notify *notify;

	touch("file");
	notify = watch(ctx, "file", what, 0);
	read_it("file");
	touch("file");
	change_mode("file");
	move("file", "other");
	delete ("other");
	switch (what) {
	case HEPH_NOTIFY_OPEN:
		must_tell(ctx, notify, what,
			  "file"); /* the same is told once */
		must_tell(ctx, notify, what, "file");
		break;
	case HEPH_NOTIFY_METADATA:
		must_tell(ctx, notify, what, "file");
		break;
	default:
		must_tell(ctx, notify, what, "file");
	}
	heph_notify_close(notify);
}

static int files(heph_ctx ctx, void *arg)
{
	static const unsigned whats[] = {
		HEPH_NOTIFY_ACCESS,        HEPH_NOTIFY_MODIFY,
		HEPH_NOTIFY_METADATA,      HEPH_NOTIFY_CLOSE_WRITE,
		HEPH_NOTIFY_CLOSE_NOWRITE, HEPH_NOTIFY_DELETE_SELF,
		HEPH_NOTIFY_MOVE_SELF,
	};

	dir_clear();
	for (size_t i = 0; i < sizeof(whats) / sizeof(*whats); i++)
		each_of_a_file(ctx, whats[i]);
	return 0;
}

static void tells_each_thing_of_a_file(void **state)
{
	run_both(files);
}

/* In the order in which it happens. */
static int all_of_a_file(heph_ctx ctx, void *arg)
{
	struct heph_notify *notify;
	int number;

	dir_clear();
	touch("file");
	notify = watch(ctx, "file", HEPH_NOTIFY_ALL, 0);
	number = openat(dir_number, "file", O_WRONLY | O_CLOEXEC);
	must_be(write(number, "x", 1), 1);
	must_be(fchmod(number, 0600), 0);
	close(number);
	move("file", "other");
	must_tell(ctx, notify, HEPH_NOTIFY_OPEN, "file");
	must_tell(ctx, notify, HEPH_NOTIFY_MODIFY, "file");
	must_tell(ctx, notify, HEPH_NOTIFY_METADATA, "file");
	must_tell(ctx, notify, HEPH_NOTIFY_CLOSE_WRITE, "file");
	must_tell(ctx, notify, HEPH_NOTIFY_MOVE_SELF, "file");
	must_tell_nothing(ctx, notify);
	delete ("other");
	must_tell(ctx, notify, HEPH_NOTIFY_METADATA, "file"); /* its links */
	must_tell(ctx, notify, HEPH_NOTIFY_DELETE_SELF, "file");
	must_tell_nothing(ctx, notify); /* and is watched no more */
	touch("file");
	must_tell_nothing(ctx, notify);
	must_be(heph_notify_remove(ctx, notify, dir_name("file")), -ENOENT);
	heph_notify_close(notify);
	return 0;
}

static void tells_all_of_a_file_in_order(void **state)
{
	run_both(all_of_a_file);
}

static int in_directory(heph_ctx ctx, void *arg)
{
	struct heph_notify_event from, into;
	struct heph_notify *notify;

	dir_clear();
	make("dir");
	make("dir/sub");
	touch("dir/file");
	notify = watch(ctx, "dir", HEPH_NOTIFY_ALL, HEPH_NOTIFY_ONLY_DIRECTORY);
	open_and_close("dir/file", O_RDONLY);
	must_tell(ctx, notify, HEPH_NOTIFY_OPEN, "dir/file");
	must_tell(ctx, notify, HEPH_NOTIFY_CLOSE_NOWRITE, "dir/file");
	read_it("dir/file");
	must_tell(ctx, notify, HEPH_NOTIFY_OPEN, "dir/file");
	must_tell(ctx, notify, HEPH_NOTIFY_ACCESS, "dir/file");
	must_tell(ctx, notify, HEPH_NOTIFY_CLOSE_NOWRITE, "dir/file");
	touch("dir/new");
	must_tell(ctx, notify, CREATE, "dir/new");
	must_tell(ctx, notify, HEPH_NOTIFY_OPEN, "dir/new");
	must_tell(ctx, notify, HEPH_NOTIFY_MODIFY, "dir/new");
	must_tell(ctx, notify, HEPH_NOTIFY_CLOSE_WRITE, "dir/new");
	move("dir/new", "dir/old");
	from = must_tell(ctx, notify, HEPH_NOTIFY_MOVE_FROM, "dir/new");
	into = must_tell(ctx, notify, HEPH_NOTIFY_MOVE_INTO, "dir/old");
	must(from.cookie && from.cookie == into.cookie);
	delete ("dir/old");
	must_tell(ctx, notify, DELETE, "dir/old");
	make("dir/more");
	must_tell(ctx, notify, CREATE | DIRECTORY, "dir/more");
	move("dir/more", "dir/less");
	must_tell(ctx, notify, HEPH_NOTIFY_MOVE_FROM | DIRECTORY, "dir/more");
	must_tell(ctx, notify, HEPH_NOTIFY_MOVE_INTO | DIRECTORY, "dir/less");
	delete_dir("dir/less");
	must_tell(ctx, notify, DELETE | DIRECTORY, "dir/less");
	read_dir("dir/sub");
	must_tell(ctx, notify, HEPH_NOTIFY_OPEN | DIRECTORY, "dir/sub");
	must_tell(ctx, notify, HEPH_NOTIFY_ACCESS | DIRECTORY, "dir/sub");
	must_tell(ctx, notify, HEPH_NOTIFY_CLOSE_NOWRITE | DIRECTORY,
		  "dir/sub");
	must_be(fchmodat(dir_number, "dir/sub", 0755, 0), 0);
	must_tell(ctx, notify, HEPH_NOTIFY_METADATA | DIRECTORY, "dir/sub");
	touch("dir/sub/hidden");
	must_tell_nothing(ctx, notify);
	delete ("dir/sub/hidden");
	delete_dir("dir/sub");
	must_tell(ctx, notify, DELETE | DIRECTORY, "dir/sub");
	delete ("dir/file");
	must_tell(ctx, notify, DELETE, "dir/file");
	move("dir", "elsewhere");
	must_tell(ctx, notify, HEPH_NOTIFY_MOVE_SELF, "dir");
	delete_dir("elsewhere");
	must_tell(ctx, notify, HEPH_NOTIFY_DELETE_SELF, "dir");
	must_tell_nothing(ctx, notify);
	heph_notify_close(notify);
	return 0;
}

static void tells_what_happens_in_a_directory(void **state)
{
	run_both(in_directory);
}

/* ---- recursively ----------------------------------------------------------------------- */

static int recursive(heph_ctx ctx, void *arg)
{
	unsigned what = HEPH_NOTIFY_CREATE | HEPH_NOTIFY_DELETE |
			HEPH_NOTIFY_MOVE;
	struct heph_notify *notify;

	dir_clear();
	make("dir");
	make("dir/a");
	make("dir/a/b");
	make("out");
	make("out/c");
	notify = watch(ctx, "dir", what, RECURSIVE);
	touch("dir/a/b/file");
	must_tell(ctx, notify, CREATE, "dir/a/b/file");
	make("dir/a/new"); /* what is in it is found, or told: not both here */
	must_tell(ctx, notify, CREATE | DIRECTORY, "dir/a/new");
	must_tell_nothing(ctx, notify);
	touch("dir/a/new/file");
	must_tell(ctx, notify, CREATE, "dir/a/new/file");
	make("dir/x");
	make("dir/x/y");
	touch("dir/x/y/early");
	must_tell(ctx, notify, CREATE | DIRECTORY, "dir/x");
	must_tell(ctx, notify, CREATE | DIRECTORY, "dir/x/y");
	must_tell(ctx, notify, CREATE, "dir/x/y/early");
	must_tell_nothing(ctx, notify);

	move("dir/x", "dir/a/z"); /* within: the paths follow */
	must_tell(ctx, notify, HEPH_NOTIFY_MOVE_FROM | DIRECTORY, "dir/x");
	must_tell(ctx, notify, HEPH_NOTIFY_MOVE_INTO | DIRECTORY, "dir/a/z");
	must_tell_nothing(ctx, notify);
	touch("dir/a/z/y/late");
	must_tell(ctx, notify, CREATE, "dir/a/z/y/late");

	move("dir/a/z", "out/z"); /* out of it: no more is told */
	must_tell(ctx, notify, HEPH_NOTIFY_MOVE_FROM | DIRECTORY, "dir/a/z");
	touch("out/z/y/file");
	must_tell_nothing(ctx, notify);

	touch("out/c/there");
	move("out/c", "dir/c"); /* into it */
	must_tell(ctx, notify, HEPH_NOTIFY_MOVE_INTO | DIRECTORY, "dir/c");
	must_tell(ctx, notify, CREATE, "dir/c/there");
	must_tell_nothing(ctx, notify);
	delete ("dir/c/there");
	delete_dir("dir/c");
	must_tell(ctx, notify, DELETE, "dir/c/there");
	must_tell(ctx, notify, DELETE | DIRECTORY, "dir/c");

	must_be(heph_notify_remove(ctx, notify, dir_name("dir")), 0);
	touch("dir/a/b/other");
	touch("dir/other");
	must_tell_nothing(ctx, notify);
	must_be(heph_notify_remove(ctx, notify, dir_name("dir")), -ENOENT);
	heph_notify_close(notify);
	return 0;
}

static void watches_new_directories_too(void **state)
{
	run_both(recursive);
}

/* Many, made by somebody who is faster: each name is told at least once. */
enum { WIDE = 5, DEEP = 3, TREE = 5 + 25 + 125 };

static void make_tree(const char *at, int depth)
{
	char name[100];

	for (int i = 0; i < WIDE && depth; i++) {
		snprintf(name, sizeof(name), "%s/%d", at, i);
		make(name);
		make_tree(name, depth - 1);
	}
}

static int trees(heph_ctx ctx, void *arg)
{
	struct heph_notify_event event;
	struct heph_notify *notify;
	char seen[TREE][20];
	int n = 0, i;

	dir_clear();
	make("dir");
	notify = watch(ctx, "dir", CREATE, RECURSIVE);
	make_tree("dir", DEEP);
	while (n < TREE) {
		must_be(heph_notify_next(heph_within(ctx, 20 * HEPH_SEC),
					 notify, &event),
			0);
		must_be(event.what, CREATE | DIRECTORY);
		for (i = 0; i < n; i++)
			if (strcmp(seen[i], event.path + strlen(dir_path)) == 0)
				break;
		if (i == n)
			strcpy(seen[n++], event.path + strlen(dir_path));
	}
	touch("dir/4/4/4/file");
	do {
		must_be(heph_notify_next(ctx, notify, &event), 0);
	} while (event.what != CREATE);
	must(strcmp(event.path, dir_name("dir/4/4/4/file")) == 0);
	return 0; /* it is freed with us */
}

static void misses_no_directory(void **state)
{
	run_task(trees);
}

/* ---- adding --------------------------------------------------------------------------------- */

static int adding(heph_ctx ctx, void *arg)
{
	struct heph_notify *notify, *other;
	struct heph_notify_event event;
	heph_fd dir = dir_fd(ctx);

	dir_clear();
	make("dir");
	make("dir/sub");
	touch("file");
	must_be(symlinkat("file", dir_number, "link"), 0);
	must_be(heph_notify_open(ctx, &notify), 0);
	must_be(heph_notify_open(ctx, &other), 0);
	must_be(heph_notify_add(ctx, notify, dir_name("file"), CREATE,
				HEPH_NOTIFY_ONLY_DIRECTORY),
		-ENOTDIR);
	must_be(heph_notify_add(ctx, notify, dir_name("file"), CREATE,
				HEPH_NOTIFY_ONLY_DIRECTORY | RECURSIVE),
		-ENOTDIR);
	must_be(heph_notify_add(ctx, notify, dir_name("no"), CREATE, 0),
		-ENOENT);
	must_be(heph_notify_add(ctx, notify, "", CREATE, 0), -ENOENT);
	must_be(heph_notify_add(ctx, notify, dir_name("file"), 0, 0), -EINVAL);
	must_be(heph_notify_add(ctx, notify, (heph_fd){ 0 }, CREATE, 0),
		-EBADF);
	must_be(heph_notify_remove(ctx, notify, "file"), -ENOENT);

	/* recursion is of no meaning for a file; a second interest is added */
	must_be(heph_notify_add(ctx, notify, dir_name("link"),
				HEPH_NOTIFY_MODIFY, RECURSIVE),
		0);
	must_be(heph_notify_add(ctx, notify, dir_name("link"),
				HEPH_NOTIFY_DELETE_SELF, 0),
		0);
	must_be(heph_notify_add(ctx, notify,
				heph_nofollow(heph_at(dir, "link")),
				HEPH_NOTIFY_DELETE_SELF, 0),
		0);
	touch("file"); /* is cut to nothing, and then written: the same, once */
	must_tell(ctx, notify, HEPH_NOTIFY_MODIFY, "link");
	delete ("link");
	must_be(heph_notify_next(ctx, notify, &event), 0);
	must_be(event.what, HEPH_NOTIFY_DELETE_SELF);
	must(strcmp(event.path, "link") == 0);
	delete ("file");
	must_tell(ctx, notify, HEPH_NOTIFY_DELETE_SELF, "link");

	/* by a descriptor, and in a directory */
	must_be(heph_notify_add(ctx, other, dir, CREATE, RECURSIVE), 0);
	touch("dir/sub/file");
	must_be(heph_notify_next(ctx, other, &event), 0);
	must(strcmp(event.path, "dir/sub/file") == 0);
	must(strcmp(event.name, "file") == 0);
	must_be(heph_notify_add(ctx, notify, heph_at(dir, "dir/"), CREATE,
				RECURSIVE),
		0);
	touch("dir/sub/other");
	must_be(heph_notify_next(ctx, notify, &event), 0);
	must(strcmp(event.path, "dir/sub/other") == 0);
	must_be(heph_notify_remove(ctx, notify, "dir/"), 0);
	must(!heph_fd_none(heph_notify_fd(notify)));
	heph_notify_close(other);
	heph_notify_close(notify);
	heph_notify_close(NULL);
	heph_close(dir);
	return 0;
}

static void adds_and_removes(void **state)
{
	run_both(adding);
}

/* ---- too many ---------------------------------------------------------------------------------- */

static long limit_of(const char *name)
{
	char path[100];
	FILE *file;
	long n = 0;

	snprintf(path, sizeof(path), "/proc/sys/fs/inotify/%s", name);
	file = fopen(path, "r");
	must(file && fscanf(file, "%ld", &n) == 1);
	fclose(file);
	return n;
}

static int overflow(heph_ctx ctx, void *arg)
{
	long max = limit_of("max_queued_events"), told = 0;
	struct heph_notify_event event;
	struct heph_notify *notify;

	if (max > 200000)
		return 0;
	dir_clear();
	touch("a");
	touch("b");
	make("dir");
	notify = watch(ctx, ".", HEPH_NOTIFY_METADATA | HEPH_NOTIFY_CREATE,
		       RECURSIVE);
	for (long i = 0; i < max + 10; i++) /* equal ones would be merged */
		must_be(fchmodat(dir_number, i % 2 ? "a" : "b", 0600, 0), 0);
	make("dir/lost");
	for (;;) {
		must_be(heph_notify_next(ctx, notify, &event), 0);
		if (event.what == HEPH_NOTIFY_OVERFLOW)
			break;
		must_be(event.what, HEPH_NOTIFY_METADATA);
		told++;
	}
	must(told >= max - 2);
	must(strcmp(event.path, "") == 0 && strcmp(event.name, "") == 0);
	touch("dir/lost/file"); /* is watched all the same, or found */
	must_tell(ctx, notify, CREATE, "./dir/lost/file");
	heph_notify_close(notify);
	return 0;
}

static void tells_that_events_are_lost(void **state)
{
	run_task(overflow);
}

/* ---- waiting -------------------------------------------------------------------------------------- */

static int wait_for_file(heph_ctx ctx, void *arg)
{
	struct heph_notify *notify = watch(ctx, "dir", CREATE, RECURSIVE);
	struct heph_notify_event event;

	*(int *)arg = 1;
	must_tell(ctx, notify, CREATE, "dir/file");
	*(int *)arg = 2;
	must_be(heph_notify_next(ctx, notify, &event), -ECANCELED);
	must_be(heph_notify_add(ctx, notify, dir_name("dir"), CREATE, 0),
		-ECANCELED);
	return 0;
}

static int waits(heph_ctx ctx, void *arg)
{
	static int state;
	task_ref task;

	dir_clear();
	make("dir");
	state = 0;
	task = start_task(ctx, wait_for_file, &state);
	while (state < 1)
		must_be(heph_yield(ctx), 0);
	let_run(ctx);
	touch("dir/file");
	while (state < 2)
		must_be(heph_yield(ctx), 0);
	let_run(ctx);
	heph_stop(task);
	end_task(ctx, task);
	return 0;
}

static int foreign(heph_ctx ctx, void *arg)
{
	struct heph_notify_event event;

	must_be(heph_notify_next(ctx, arg, &event), -EBADF);
	must_be(heph_notify_add(ctx, arg, dir_path, CREATE, 0), -EBADF);
	must_be(heph_notify_remove(ctx, arg, dir_path), -EBADF);
	return 0;
}

static int another_ones(heph_ctx ctx, void *arg)
{
	struct heph_notify *notify;

	must_be(heph_notify_open(ctx, &notify), 0);
	end_task(ctx, start_task(ctx, foreign, notify));
	must_tell_nothing(ctx, notify);
	return 0;
}

static void waits_and_is_stopped(void **state)
{
	run_task(waits);
	run_task(another_ones);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tells_each_thing_of_a_file),
		cmocka_unit_test(tells_all_of_a_file_in_order),
		cmocka_unit_test(tells_what_happens_in_a_directory),
		cmocka_unit_test(watches_new_directories_too),
		cmocka_unit_test(misses_no_directory),
		cmocka_unit_test(adds_and_removes),
		cmocka_unit_test(tells_that_events_are_lost),
		cmocka_unit_test(waits_and_is_stopped),
	};

	return cmocka_run_group_tests(tests, dir_begin, dir_end);
}
