/* SPDX-License-Identifier: MIT */
/*
 * read_file.c - reads whole files into memory, all at the same time
 *
 * usage: read_file FILE...
 *
 * Says for each of them how many bytes and lines it has.
 */
#include <heph/heph.h>

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

/* Reads a file to its end, into memory that goes with the actor. The size is
 * only a first guess: somebody may be writing, and files of /proc have none. */
static int read_file(heph_ctx ctx, const char *name, char **ret_text,
		     size_t *ret_size)
{
	struct heph_stat stat;
	size_t room, done = 0;
	char *text, *more;
	heph_fd fd;
	int n;

	n = heph_open(ctx, name, O_RDONLY, 0, &fd);
	if (n == 0)
		n = heph_stat(ctx, fd, HEPH_STAT_SIZE, &stat);
	if (n < 0)
		return n;
	room = stat.size + 1; /* one more, to see the end */
	text = heph_alloc(ctx, room);
	while (text && (n = heph_read(ctx, fd, text + done, room - done)) > 0) {
		done += (size_t)n;
		if (done < room)
			continue;
		more = heph_alloc(ctx, room * 2);
		if (more)
			memcpy(more, text, done);
		text = more;
		room *= 2;
	}
	heph_close(fd);
	*ret_text = text;
	*ret_size = done;
	return text ? n : -ENOMEM;
}

struct reader_arg {
	const char *name;
};

HEPH_ACTOR(reader, void, struct reader_arg);

static int reader_main(heph_ctx ctx, struct reader_arg *arg)
{
	size_t size, lines = 0;
	char *text;
	int err;

	err = read_file(ctx, arg->name, &text, &size);
	if (err < 0) {
		fprintf(stderr, "read_file: %s: %s\n", arg->name,
			strerror(-err));
		return err;
	}
	for (size_t i = 0; i < size; i++)
		lines += text[i] == '\n';
	printf("%s: %zu bytes, %zu lines\n", arg->name, size, lines);
	return 0;
}
HEPH_ACTOR_MAIN(reader, reader_main);

struct app_arg {
	char **names;
};

HEPH_ACTOR(app, void, struct app_arg);

static int app_main(heph_ctx ctx, struct app_arg *arg)
{
	struct heph_scope scope;
	reader_ref reader;
	int err;

	err = heph_scope_open(ctx, &scope);
	for (char **name = arg->names; *name && err == 0; name++)
		err = heph_spawn(ctx, reader, &reader, { *name });
	return err < 0 ? err : heph_scope_join(ctx, scope);
}
HEPH_ACTOR_MAIN(app, app_main);

int main(int argc, char **argv)
{
	struct heph_config config = { .name = "read_file" };

	return heph_run(&config, app, { argv + 1 }) < 0;
}
