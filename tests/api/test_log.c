/* SPDX-License-Identifier: MIT */
/* Lines of actors, and what is written before a process ends. */
#include "act.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static int reader, sink;
static char text[1 << 18];

static int start(void **state)
{
	int fds[2];

	(void)state;
	assert_int_equal(pipe(fds), 0);
	reader = fds[0];
	sink = fds[1];
	assert_true(fcntl(sink, F_SETPIPE_SZ, (int)sizeof(text)) > 0);
	heph_log_to(sink);
	heph_log_set_level(HEPH_LOG_INFO);
	text[0] = '\0';
	return 0;
}

static int stop(void **state)
{
	(void)state;
	heph_log_to(STDERR_FILENO);
	close(reader);
	if (sink >= 0)
		close(sink);
	return 0;
}

/* Until nobody writes any more. */
static void read_to_the_end(void)
{
	size_t len = 0;
	ssize_t n;

	while ((n = read(reader, text + len, sizeof(text) - 1 - len)) > 0)
		len += (size_t)n;
	text[len] = '\0';
}

static void read_all(void)
{
	heph_log_to(STDERR_FILENO); /* writes what there is to the other */
	close(sink);
	sink = -1;
	read_to_the_end();
}

/* ---- actors ------------------------------------------------------------------- */

static uint64_t id;

static int say(heph_ctx ctx, act_inbox in, void *arg)
{
	(void)arg;
	id = heph_self(in).addr.id;
	heph_log_info("here I am", HEPH_KV_BOOL("inside", true));
	heph_log_debug("not this");
	return heph_yield(ctx);
}

/* The name and the id are those of the actor that runs, wherever it does. */
static void a_line_says_which_actor_wrote_it(void **state)
{
	static const int places[] = { HEPH_HERE, HEPH_ANY, HEPH_OWN_THREAD };
	char wanted[200];

	(void)state;
	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
		start(NULL);
		assert_int_equal(heph_run(NULL, act, { say, NULL },
					  .name = "speaker", .on = places[i]),
				 0);
		read_all();
		snprintf(wanted, sizeof(wanted),
			 " level=info msg=\"here I am\" target=test_log "
			 "actor=speaker actor_id=%llu inside=true\n",
			 (unsigned long long)id);
		assert_non_null(strstr(text, wanted));
		assert_null(strstr(text, "not this"));
		stop(NULL);
	}
}

static int fail_once(heph_ctx ctx, act_inbox in, void *arg)
{
	(void)ctx;
	(void)in;
	(void)arg;
	return -EIO;
}

/* What the library says is of targets that begin with heph. */
static void lines_of_the_library_have_targets(void **state)
{
	(void)state;
	assert_int_equal(heph_run(NULL, act, { fail_once, NULL }), -EIO);
	read_all();
	assert_non_null(strstr(text, " target=heph.verdict actor=act "));
	start(NULL);
	assert_int_equal(heph_log_set_filter("debug,heph=off"), 0);
	assert_int_equal(heph_run(NULL, act, { fail_once, NULL }), -EIO);
	read_all();
	assert_string_equal(text, "");
}

/* ---- the end ------------------------------------------------------------------- */

enum { LINES = 400 };

static void log_and(void (*fn)(void))
{
	const struct rlimit none = { 0, 0 };

	setrlimit(RLIMIT_CORE, &none);
	signal(SIGABRT, SIG_DFL);
	signal(SIGSEGV, SIG_DFL);
	dies_with_leaks();
	heph_log_to(sink);
	fn();
	_exit(1);
}

static void log_lines(void)
{
	for (int i = 0; i < LINES; i++)
		heph_log_info("a line", HEPH_KV_INT("i", i));
}

static int crash(heph_ctx ctx, act_inbox in, void *arg)
{
	(void)ctx;
	(void)in;
	(void)arg;
	log_lines();
	raise(SIGSEGV);
	return 0;
}

/* A runtime has the handlers of faults installed. */
static void crash_in_an_actor(void)
{
	(void)!freopen("/dev/null", "w", stderr);
	(void)!heph_run(NULL, act, { crash, NULL });
}

static int give_up(heph_ctx ctx, act_inbox in, void *arg)
{
	(void)ctx;
	(void)in;
	(void)arg;
	log_lines();
	abort();
}

static void abort_in_an_actor(void)
{
	(void)!freopen("/dev/null", "w", stderr);
	(void)!heph_run(NULL, act, { give_up, NULL });
}

static int signal_of(void (*fn)(void))
{
	int status;
	pid_t pid;

	fflush(NULL);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		log_and(fn);
	heph_log_to(STDERR_FILENO);
	close(sink);
	sink = -1;
	read_to_the_end();
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	return WTERMSIG(status);
}

static int lines_before(void (*fn)(void), int by)
{
	char *at = text;
	int n = 0;

	start(NULL);
	assert_int_equal(signal_of(fn), by);
	for (; (at = strstr(at, "msg=\"a line\"")); at++)
		n++;
	stop(NULL);
	return n;
}

/* The process ends after a second of trying, which may pass while nothing runs:
 * then again. */
static void all_lines_are_written_before(void (*fn)(void), int by)
{
	int tries = 0;

	if (ON_ASAN || ON_TSAN)
		skip(); /* its own handlers end the process */
	while (lines_before(fn, by) < LINES)
		assert_true(++tries < 5);
}

static void a_crash_waits_for_the_log(void **state)
{
	(void)state;
	all_lines_are_written_before(crash_in_an_actor, SIGSEGV);
}

static void so_does_an_abort(void **state)
{
	(void)state;
	all_lines_are_written_before(abort_in_an_actor, SIGABRT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		/* First those that fork, before there are threads. */
		cmocka_unit_test(a_crash_waits_for_the_log),
		cmocka_unit_test(so_does_an_abort),
		cmocka_unit_test(a_line_says_which_actor_wrote_it),
		cmocka_unit_test_setup_teardown(
			lines_of_the_library_have_targets, start, stop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
