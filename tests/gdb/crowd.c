/* SPDX-License-Identifier: MIT */
/*
 * crowd.c - a process for gdb to look at: actors of many kinds, that wait
 *
 *     crowd N HOW    N readers, then HOW: wait for ever, or abort
 */
#include <heph/heph.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- readers: each waits three frames deep, with what it knows on its stack -- */

struct reader_msg {
	int page;
	char title[12];
};
struct reader_arg {
	int number;
};
HEPH_ACTOR(reader, struct reader_msg, struct reader_arg);

static __attribute__((noinline)) int read_page(heph_ctx ctx, reader_inbox in,
					       int *book)
{
	struct reader_msg msg = { .page = -1 };
	int err = heph_recv(ctx, in, &msg);

	if (err == 0)
		book[0] += msg.page;
	return err;
}

static __attribute__((noinline)) int read_book(heph_ctx ctx, reader_inbox in,
					       int number)
{
	int book[4] = { number, number * 2, number * 3, 4 };
	int *volatile first = book; /* an address in its own stack */
	int err;

	do
		err = read_page(ctx, in, first);
	while (err == 0 && book[3] == 4);
	return err;
}

static int reader_main(heph_ctx ctx, reader_inbox in, struct reader_arg *arg)
{
	int err = read_book(ctx, in, arg->number);

	return err < 0 && arg->number ? err : 0;
}
HEPH_ACTOR_MAIN(reader, reader_main);

/* ---- one of each other kind -------------------------------------------------- */

/* Its inbox fills: it waits for something else. */
HEPH_ACTOR(lazy, struct reader_msg, void);

static int lazy_main(heph_ctx ctx, lazy_inbox in)
{
	int n = 17;
	int err = heph_sleep(ctx, 3600 * HEPH_SEC);

	return err < 0 ? err : n;
}
HEPH_ACTOR_MAIN(lazy, lazy_main);

/* Values that gdb prints so that they say something. */
static struct {
	lazy_ref lazy;
	heph_ref ended;
	lazy_ref nobody;
	heph_fd fd;
	heph_fd closed;
	heph_time length, never;
	struct heph_exit exit;
} shown __attribute__((used)) = { .ended = { { .id = 7168 + 1024 * 1024 } },
				  .closed = { 9, 9 },
				  .length = 1500 * HEPH_MSEC,
				  .never = HEPH_NEVER,
				  .exit = { -ENOENT, "no book" } };

struct pipe_arg {
	int number;
};
HEPH_ACTOR(piper, void, struct pipe_arg);

static int piper_main(heph_ctx ctx, struct pipe_arg *arg)
{
	char buf[100] = "nothing yet";
	heph_fd fd;
	int err = heph_fd_adopt(ctx, arg->number, &fd);

	if (err < 0)
		return err;
	shown.fd = fd;
	return heph_read(ctx, fd, buf, sizeof(buf));
}
HEPH_ACTOR_MAIN(piper, piper_main);

/* Has a call that nobody answers. */
struct oracle_msg {
	int question;
	HEPH_REPLY(int) reply;
};
HEPH_ACTOR(oracle, struct oracle_msg, void);

static int oracle_main(heph_ctx ctx, oracle_inbox in)
{
	return heph_sleep(ctx, HEPH_NEVER);
}
HEPH_ACTOR_MAIN(oracle, oracle_main);

struct asking {
	oracle_ref oracle;
};
HEPH_ACTOR(asker, void, struct asking);

static int asker_main(heph_ctx ctx, struct asking *arg)
{
	int answer = 42;

	return heph_call(ctx, arg->oracle, reply, &answer, { .question = 7 });
}
HEPH_ACTOR_MAIN(asker, asker_main);

/* The same everywhere; says where it is by its name. */
HEPH_ACTOR(sleeper, void, void);

static __attribute__((noinline)) int sleep_long(heph_ctx ctx, int depth)
{
	int err = depth ? sleep_long(ctx, depth - 1) :
			  heph_sleep(ctx, 7200 * HEPH_SEC);

	return err < 0 ? err : depth;
}

static int sleeper_main(heph_ctx ctx)
{
	return sleep_long(ctx, 2);
}
HEPH_ACTOR_MAIN(sleeper, sleeper_main);

/* Never runs before all is over. */
HEPH_ACTOR(unborn, void, void);

static int unborn_main(heph_ctx ctx)
{
	return 0;
}
HEPH_ACTOR_MAIN(unborn, unborn_main);

/* ---- the one that runs ------------------------------------------------------- */

struct crowd_arg {
	int n;
	bool end;
	int pipe;
};
HEPH_ACTOR(crowd, void, struct crowd_arg);

/* Where the test stops. */
__attribute__((noinline)) void all_wait(const struct crowd_arg *arg);
void all_wait(const struct crowd_arg *arg)
{
	if (arg->end)
		abort();
	__asm__ volatile("");
}

static int must(int err)
{
	if (err < 0) {
		fprintf(stderr, "crowd: %s\n", strerror(-err));
		exit(1);
	}
	return err;
}

static void spawn_others(heph_ctx ctx, const struct crowd_arg *arg)
{
	lazy_ref lazy;
	oracle_ref oracle;

	must(heph_spawn(ctx, lazy, &lazy, .name = "lazybones", .inbox = 5));
	shown.lazy = lazy;
	for (int page = 1; page <= 3; page++)
		must(heph_try_send(lazy, { page, "a title" }));
	must(heph_spawn(ctx, piper, NULL, { .number = arg->pipe }));
	must(heph_spawn(ctx, oracle, &oracle));
	must(heph_spawn(ctx, asker, NULL, { .oracle = oracle }));
	must(heph_spawn(ctx, sleeper, NULL, .name = "here"));
	must(heph_spawn(ctx, sleeper, NULL, .name = "stack",
			.stack = HEPH_STACK_OWN));
	must(heph_spawn(ctx, sleeper, NULL, .name = "any", .on = HEPH_ANY));
	must(heph_spawn(ctx, sleeper, NULL, .name = "own",
			.on = HEPH_OWN_THREAD));
	must(heph_spawn(ctx, sleeper, NULL, .name = "far",
			.on = HEPH_WORKER(1)));
}

/* Those here wait before this one comes back from its own wait; about the others
 * the test looks itself, each time that all_wait() is called. */
static int crowd_main(heph_ctx ctx, struct crowd_arg *arg)
{
	for (int n = 0; n < arg->n; n++)
		must(heph_spawn(ctx, reader, NULL, { .number = n }));
	spawn_others(ctx, arg);
	(void)!heph_sleep(ctx, 10 * HEPH_MSEC);
	must(heph_spawn(ctx, unborn, NULL));
	for (;;) {
		all_wait(arg);
		(void)!heph_sleep(ctx, 10 * HEPH_MSEC);
	}
	return 0;
}
HEPH_ACTOR_MAIN(crowd, crowd_main);

int main(int argc, char **argv)
{
	struct heph_config config = { .name = "crowd", .workers = 2 };
	int pipes[2];

	if (argc < 3 || pipe(pipes))
		return 2;
	return heph_run(&config, crowd,
			{ .n = atoi(argv[1]),
			  .end = strcmp(argv[2], "abort") == 0,
			  .pipe = pipes[0] }) < 0;
}
