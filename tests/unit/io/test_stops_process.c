/* SPDX-License-Identifier: MIT */
/* Child processes: their owner is stopped wherever it waits. */
#include "stops.h"

#include <heph/process.h>

#include <errno.h>
#include <sys/wait.h>

static const char *const cat[] = { "cat", NULL };
static const char *const deaf[] = { "sh", "-c",
				    "trap '' TERM; echo; exec sleep 1000",
				    NULL };

/* Not even a zombie; those of a runtime that is gone took a moment. */
static void end_all(struct stops *it)
{
	siginfo_t info;

	must_be(waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT), -1);
	must_be(errno, ECHILD);
}

static int run_start(heph_ctx ctx, struct stops *it)
{
	struct heph_process process;

	return heph_process_start(ctx, &process, cat, .in = HEPH_PROCESS_PIPE,
				  .out = HEPH_PROCESS_PIPE,
				  .err = HEPH_PROCESS_NULL);
}

static int run_no_program(heph_ctx ctx, struct stops *it)
{
	static const char *const nobody[] = { "/no/such/program", NULL };
	struct heph_process process;
	int err = heph_process_start(ctx, &process, nobody,
				     .in = HEPH_PROCESS_PIPE);

	return err == -ENOENT || on_valgrind() ? 0 : err;
}

/* Each of its waits can be stopped, and none leaves anybody behind. */
static int run_talk(heph_ctx ctx, struct stops *it)
{
	struct heph_process process;
	char buf[5];
	int err = heph_process_start(ctx, &process, cat,
				     .in = HEPH_PROCESS_PIPE,
				     .out = HEPH_PROCESS_PIPE);

	if (err == 0)
		err = heph_write_all(ctx, process.in, "hello", 5);
	if (err == 0)
		err = heph_read_exact(ctx, process.out, buf, 5, NULL);
	if (err == 0)
		heph_close(process.in);
	if (err == 0)
		err = heph_process_wait(ctx, &process, NULL);
	return err;
}

static int run_end(heph_ctx ctx, struct stops *it)
{
	struct heph_process process;
	char byte;
	int err = heph_process_start(ctx, &process, deaf,
				     .out = HEPH_PROCESS_PIPE,
				     .grace = HEPH_MSEC);

	if (err == 0)
		err = heph_read_exact(ctx, process.out, &byte, 1, NULL);
	if (err == 0)
		err = heph_process_end(ctx, &process, NULL);
	return err;
}

static int run_to_the_end(heph_ctx ctx, struct stops *it)
{
	struct heph_process_talk talk = { .input = "hello",
					  .input_size = 5,
					  .out = it->bytes,
					  .out_size = 100 };

	return heph_process_run(ctx, cat, &talk, NULL);
}

static const struct stops_row rows[] = {
	{ "start a process", NULL, run_start, NULL, end_all },
	{ "start what is not there", NULL, run_no_program, NULL, end_all },
	{ "talk to a process", NULL, run_talk, NULL, end_all },
	{ "end a process", NULL, run_end, NULL, end_all },
	{ "run a process", NULL, run_to_the_end, NULL, end_all },
};

STOPS_MAIN(rows)
