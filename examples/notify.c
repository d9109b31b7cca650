/* SPDX-License-Identifier: MIT */
/*
 * notify.c - says what happens to files
 *
 * usage: notify PATH...
 *
 * Directories are watched with all that is in them, also what is made later. It
 * goes on until it gets SIGINT.
 */
#include <heph/heph.h>

#include <stdio.h>
#include <string.h>

static const struct {
	uint32_t what;
	const char *text;
} texts[] = {
	{ HEPH_NOTIFY_ACCESS, "read" },
	{ HEPH_NOTIFY_MODIFY, "modified" },
	{ HEPH_NOTIFY_METADATA, "metadata" },
	{ HEPH_NOTIFY_CLOSE_WRITE, "written" },
	{ HEPH_NOTIFY_CLOSE_NOWRITE, "closed" },
	{ HEPH_NOTIFY_OPEN, "opened" },
	{ HEPH_NOTIFY_MOVE_FROM, "moved from" },
	{ HEPH_NOTIFY_MOVE_INTO, "moved to" },
	{ HEPH_NOTIFY_CREATE, "created" },
	{ HEPH_NOTIFY_DELETE, "deleted" },
	{ HEPH_NOTIFY_DELETE_SELF, "gone" },
	{ HEPH_NOTIFY_MOVE_SELF, "moved" },
	{ HEPH_NOTIFY_UNMOUNT, "unmounted" },
	{ HEPH_NOTIFY_OVERFLOW, "some events are lost" },
};

static void print(const struct heph_notify_event *event)
{
	const char *slash = event->what & HEPH_NOTIFY_DIRECTORY ? "/" : "";

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		if (event->what & texts[i].what)
			printf("%s: %s%s\n", texts[i].text, event->path, slash);
}

struct app_arg {
	char **paths;
};

HEPH_ACTOR(app, void, struct app_arg);

static int watch_all(heph_ctx ctx, struct heph_notify *notify, char **paths)
{
	uint32_t what = HEPH_NOTIFY_MODIFY | HEPH_NOTIFY_CLOSE_WRITE |
			HEPH_NOTIFY_MOVE | HEPH_NOTIFY_CREATE |
			HEPH_NOTIFY_DELETE | HEPH_NOTIFY_DELETE_SELF |
			HEPH_NOTIFY_MOVE_SELF | HEPH_NOTIFY_METADATA;
	int err = 0;

	for (; *paths && err == 0; paths++) {
		err = heph_notify_add(ctx, notify, *paths, what,
				      HEPH_NOTIFY_RECURSIVE);
		if (err < 0)
			fprintf(stderr, "notify: %s: %s\n", *paths,
				strerror(-err));
	}
	return err;
}

static int app_main(heph_ctx ctx, struct app_arg *arg)
{
	struct heph_notify_event event;
	struct heph_notify *notify;
	int err;

	err = heph_notify_open(ctx, &notify);
	if (err == 0)
		err = watch_all(ctx, notify, arg->paths);
	if (err < 0)
		return err;
	puts("watching");
	fflush(stdout);
	while ((err = heph_notify_next(ctx, notify, &event)) == 0) {
		print(&event);
		fflush(stdout);
	}
	return err == -ECANCELED ? 0 : err;
}
HEPH_ACTOR_MAIN(app, app_main);

int main(int argc, char **argv)
{
	struct heph_config config = { .name = "notify", .workers = 1 };

	return heph_run(&config, app, { argv + 1 }) < 0;
}
