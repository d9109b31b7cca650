/* SPDX-License-Identifier: MIT */
/*
 * cp.c - copies a file
 *
 * usage: cp FROM TO
 *
 * If TO is a directory the copy is in it and has the same name.
 */
#include <heph/heph.h>

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

struct cp_arg {
	const char *from, *to;
};

HEPH_ACTOR(cp, void, struct cp_arg);

static const char *last_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static int copy_into(heph_ctx ctx, const char *from, const char *dir)
{
	heph_fd fd;
	int err;

	err = heph_open(ctx, dir, O_PATH | O_DIRECTORY, 0, &fd);
	if (err < 0)
		return err;
	return heph_copy_file(ctx, from, heph_at(fd, last_name(from)));
}

static int cp_main(heph_ctx ctx, struct cp_arg *arg)
{
	struct heph_stat stat;
	int err;

	err = heph_stat(ctx, arg->to, HEPH_STAT_TYPE, &stat);
	if (err == 0 && S_ISDIR(stat.mode))
		return copy_into(ctx, arg->from, arg->to);
	return heph_copy_file(ctx, arg->from, arg->to);
}
HEPH_ACTOR_MAIN(cp, cp_main);

int main(int argc, char **argv)
{
	struct heph_config config = { .name = "cp", .workers = 1 };
	int err;

	if (argc != 3) {
		fprintf(stderr, "usage: cp FROM TO\n");
		return 2;
	}
	err = heph_run(&config, cp, { argv[1], argv[2] });
	if (err < 0)
		fprintf(stderr, "cp: %s to %s: %s\n", argv[1], argv[2],
			strerror(-err));
	return err < 0;
}
