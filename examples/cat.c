/* SPDX-License-Identifier: MIT */
/*
 * cat.c - files, one after the other, to standard output
 *
 * usage: cat [FILE...]
 *
 * "-", and no FILE, is standard input.
 */
#include <heph/heph.h>

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

struct cat_arg {
	char **names; /* NULL at the end */
};

HEPH_ACTOR(cat, void, struct cat_arg);

static int copy_one(heph_ctx ctx, const char *name, heph_fd out)
{
	heph_fd in;
	int err;

	if (strcmp(name, "-") == 0)
		err = heph_stdin(ctx, &in);
	else
		err = heph_open(ctx, name, O_RDONLY, 0, &in);
	if (err < 0)
		return err;
	err = heph_file_copy(ctx, in, out, NULL);
	heph_close(in);
	return err;
}

static int cat_main(heph_ctx ctx, struct cat_arg *arg)
{
	static char dash[] = "-", *standard_input[] = { dash, NULL };
	char **name = *arg->names ? arg->names : standard_input;
	int err, first = 0;
	heph_fd out;

	err = heph_stdout(ctx, &out);
	if (err < 0)
		return err;
	for (; *name; name++) {
		err = copy_one(ctx, *name, out);
		if (err == -ECANCELED)
			return err;
		if (err < 0)
			fprintf(stderr, "cat: %s: %s\n", *name, strerror(-err));
		if (first == 0)
			first = err;
	}
	return first;
}
HEPH_ACTOR_MAIN(cat, cat_main);

int main(int argc, char **argv)
{
	struct heph_config config = { .name = "cat", .workers = 1 };

	return heph_run(&config, cat, { argv + 1 }) < 0;
}
