/* SPDX-License-Identifier: MIT */
/* Watchers of files, when there is no memory. */
#include "loop.h"

#include <heph/notify.h>

#include <sys/stat.h>

static char path[] = "/tmp/heph-test-XXXXXX";

static int make_dir(void **state)
{
	return !mkdtemp(path);
}

static int remove_dir(void **state)
{
	char command[60];

	snprintf(command, sizeof(command), "rm -r %s", path);
	return system(command);
}

static void make(const char *name)
{
	char text[100];

	snprintf(text, sizeof(text), "%s/%s", path, name);
	must_be(mkdir(text, 0700), 0);
}

static int try_add(heph_ctx ctx, struct heph_notify *notify)
{
	return heph_notify_add(ctx, notify, path, HEPH_NOTIFY_ALL,
			       HEPH_NOTIFY_RECURSIVE);
}

/* Any call may fail, and be made again. */
static int is_short(heph_ctx ctx, void *arg)
{
	struct heph_notify_event event;
	struct heph_notify *notify;
	int err = -ENOMEM, failed = 0, created = 0;

	for (long n = 1; err == -ENOMEM; n++) {
		heph_mem_fail_after(n);
		err = heph_notify_open(ctx, &notify);
		heph_mem_fail_after(-1);
		failed += err == -ENOMEM;
	}
	must_be(err, 0);
	err = -ENOMEM;
	for (long n = 1; err == -ENOMEM; n++) {
		heph_mem_fail_after(n);
		err = try_add(ctx, notify);
		heph_mem_fail_after(-1);
		failed += err == -ENOMEM;
	}
	must_be(err, 0);
	make("one/new");
	make("one/new/newer");
	for (long n = 1; created < 2; n++) {
		heph_mem_fail_after(n);
		err = heph_notify_next(ctx, notify, &event);
		heph_mem_fail_after(-1);
		must(err == 0 || err == -ENOMEM);
		failed += err == -ENOMEM;
		if (err == -ENOMEM)
			continue;
		n = 0;
		created += event.what ==
			   (HEPH_NOTIFY_CREATE | HEPH_NOTIFY_DIRECTORY);
	}
	must(strcmp(event.name, "newer") == 0);
	must(failed > 5);
	heph_notify_close(notify);
	return 0;
}

static void are_short_of_memory(void **state)
{
	make("one");
	make("one/two");
	make("three");
	loop_with(64, is_short);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(are_short_of_memory),
	};

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
