/* SPDX-License-Identifier: MIT */
/* Actors that run for too long. They do so until the report is there. */
#include "act.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

static int out[2]; /* a pipe in place of standard error */

/* What has come so far, at the end of `text`. */
static void read_more(char *text, size_t size)
{
	size_t len = strlen(text);
	ssize_t n = read(out[0], text + len, size - len - 1);

	if (n > 0)
		text[len + (size_t)n] = '\0';
}

static int spin(heph_ctx ctx, act_inbox in, void *arg)
{
	char *text = calloc(1, 1 << 16);

	(void)ctx, (void)in, (void)arg;
	while (!strstr(text, "without waiting; it is at:\n"))
		read_more(text, 1 << 16);
	must(strstr(text, "heph: actor turner (type act, id "));
	free(text);
	return 0;
}

static void are_reported_once_and_not_stopped(void **state)
{
	const struct heph_config config = { .workers = 1,
					    .no_signals = true,
					    .stall = 20 * HEPH_MSEC };
	int err, before = dup(STDERR_FILENO);
	struct heph_exit why;
	heph_ctx ctx;
	act_ref ref;

	(void)state;
	must_be(pipe2(out, O_NONBLOCK | O_CLOEXEC), 0);
	dup2(out[1], STDERR_FILENO);
	ctx = begin(&config);
	err = heph_spawn(ctx, act, &ref, { spin, NULL }, .name = "turner");
	must_be(err, 0);
	must_be(heph_join(ctx, ref, &why), 0);
	end(ctx);
	dup2(before, STDERR_FILENO);
	close(before);
	must(why.err == 0 || why.err == -ESRCH); /* over before */
	close(out[0]);
	close(out[1]);
}

static int spin_for_ever(heph_ctx ctx, act_inbox in, void *arg)
{
	volatile int n = 1;

	(void)ctx, (void)in, (void)arg;
	while (n)
		;
	return 0;
}

static void run_into_the_limit(void)
{
	const struct heph_config config = { .workers = 1,
					    .no_signals = true,
					    .stall = HEPH_NEVER,
					    .run_limit = 20 * HEPH_MSEC };
	heph_ctx ctx;

	dup2(out[1], STDERR_FILENO);
	dies_with_leaks();
	ctx = begin(&config);
	must_be(heph_spawn(ctx, act, NULL, { spin_for_ever, NULL },
			   .name = "turner"),
		0);
	must_be(heph_drain(ctx), 0);
	_exit(0);
}

static void end_the_process_at_the_limit(void **state)
{
	char *text = calloc(1, 1 << 16);
	int status;
	pid_t pid;

	(void)state;
	must_be(pipe(out), 0);
	pid = fork();
	if (!pid)
		run_into_the_limit();
	close(out[1]);
	must_be(waitpid(pid, &status, 0), pid);
	read_more(text, 1 << 16);
	must(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
	must(strstr(text, "heph: actor turner (type act, id "));
	must(strstr(text, "longer than config.run_limit: the process ends\n"));
	free(text);
	close(out[0]);
}

static void say_what_is_out_of_range(void **state)
{
	heph_ctx ctx;

	(void)state;
	setenv("HEPH_LOG", "off", 0);
	must_be(heph_new(&ctx, &(struct heph_config){ .stall = -1 }), -EINVAL);
	must_be(heph_new(&ctx, &(struct heph_config){ .run_limit = -1 }),
		-EINVAL);
	must_be(heph_new(&ctx, &(struct heph_config){ .max_run = -1 }),
		-EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(end_the_process_at_the_limit),
		cmocka_unit_test(are_reported_once_and_not_stopped),
		cmocka_unit_test(say_what_is_out_of_range),
	};

	if (ON_TSAN)
		return 77; /* it holds signals back while an actor computes */
	return cmocka_run_group_tests_name("stall", tests, NULL, NULL);
}
