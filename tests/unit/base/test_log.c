/* SPDX-License-Identifier: MIT */
#include "base/log.h"

#include "base/clock.h"

#include "child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#if defined(__SANITIZE_THREAD__)
#define UNDER_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define UNDER_TSAN 1
#endif
#endif
#ifndef UNDER_TSAN
#define UNDER_TSAN 0
#endif

static struct child child;

/* A flush gives up after a second, which may pass while nothing runs. One that
 * took less has not. */
static void flush(void)
{
	heph_time began;

	do {
		began = heph_clock_now();
		heph_log_flush();
	} while (heph_clock_now() - began >= HEPH_SEC);
}

/* ---- the environment: in children, as it is read once ---- */

static void log_each_level(void)
{
	heph_log_error("an error");
	heph_log_warn("a warning", HEPH_KV_INT("n", 1));
	heph_log_info("news", HEPH_KV_STR("a", "b"), HEPH_KV_INT("c", 2));
	heph_log_debug("details");
	flush();
}

static int clear_environment(void **state)
{
	(void)state;
	unsetenv("JOURNAL_STREAM");
	unsetenv("HEPH_LOG");
	unsetenv("HEPH_LOG_LEVEL");
	unsetenv("HEPH_LOG_RATE");
	return 0;
}

static void with_environment_run(const char *form, const char *level,
				 void (*fn)(void))
{
	if (form)
		setenv("HEPH_LOG", form, 1);
	if (level)
		setenv("HEPH_LOG_LEVEL", level, 1);
	child_run(&child, fn);
	assert_int_equal(child.status, 0);
	clear_environment(NULL);
}

static void with_environment(const char *form, const char *level)
{
	with_environment_run(form, level, log_each_level);
}

static void log_from_one_place_often(void)
{
	for (int i = 0; i < 400; i++)
		heph_log_info("one place");
}

static int lines_in(const char *text)
{
	int n = 0;

	for (; *text; text++)
		n += *text == '\n';
	return n;
}

static void writes_logfmt_to_stderr_up_to_info(void **state)
{
	(void)state;
	with_environment(NULL, NULL);
	assert_int_equal(lines_in(child.output), 3);
	assert_non_null(strstr(child.output, " level=error msg=\"an error\" "
					     "target=heph.test_log\n"));
	assert_non_null(strstr(child.output, " level=warn msg=\"a warning\" "
					     "target=heph.test_log n=1\n"));
	assert_non_null(strstr(child.output, " level=info msg=news "
					     "target=heph.test_log a=b c=2\n"));
}

static void the_environment_chooses_the_level(void **state)
{
	(void)state;
	with_environment("logfmt", "error");
	assert_int_equal(lines_in(child.output), 1);
	with_environment("logfmt", "debug");
	assert_int_equal(lines_in(child.output), 4);
	assert_non_null(strstr(child.output, " level=debug msg=details "));
}

static void the_environment_filters_by_target(void **state)
{
	(void)state;
	with_environment(NULL, "error,heph.test_log=debug");
	assert_int_equal(lines_in(child.output), 4);
	with_environment(NULL, "debug,heph=off");
	assert_int_equal(lines_in(child.output), 0);
}

static void the_environment_limits_the_rate(void **state)
{
	(void)state;
	setenv("HEPH_LOG_RATE", "a lot", 1);
	with_environment(NULL, NULL);
	assert_non_null(strstr(child.output, "HEPH_LOG_RATE is not"));
	assert_non_null(strstr(child.output, "value=\"a lot\""));
	setenv("HEPH_LOG_RATE", "0", 1);
	with_environment_run(NULL, NULL, log_from_one_place_often);
	assert_int_equal(lines_in(child.output), 400);
	setenv("HEPH_LOG_RATE", "100", 1);
	with_environment_run(NULL, NULL, log_from_one_place_often);
	assert_true(lines_in(child.output) < 400);
	assert_non_null(strstr(child.output, "suppressed="));
}

static void the_environment_turns_it_off(void **state)
{
	(void)state;
	with_environment("off", "debug");
	assert_string_equal(child.output, "");
	with_environment("off", "nonsense");
	assert_string_equal(child.output, "");
}

static void complains_about_nonsense_in_the_environment(void **state)
{
	(void)state;
	with_environment("lgofmt", "loud");
	assert_int_equal(lines_in(child.output), 5);
	assert_non_null(strstr(child.output, "HEPH_LOG is not"));
	assert_non_null(strstr(child.output, "value=lgofmt"));
	assert_non_null(strstr(child.output, "value=loud"));
}

static void log_with_journal_stream(void)
{
	char buf[64];
	struct stat status;

	assert_int_equal(fstat(STDERR_FILENO, &status), 0);
	snprintf(buf, sizeof(buf), "%lu:%lu", (unsigned long)status.st_dev,
		 (unsigned long)status.st_ino);
	setenv("JOURNAL_STREAM", buf, 1);
	heph_log_info("hello");
	flush();
}

static void uses_the_journal_when_stderr_is_it(void **state)
{
	(void)state;
	if (access("/run/systemd/journal/socket", F_OK) == 0)
		skip(); /* there it would go */
	child_run(&child, log_with_journal_stream);
	assert_non_null(strstr(child.output, "no journal"));
	assert_non_null(strstr(child.output, "msg=hello"));
}

static void set_level_first(void)
{
	setenv("HEPH_LOG_LEVEL", "debug", 1);
	heph_log_set_level(HEPH_LOG_ERROR);
	log_each_level();
}

static void the_program_overrules_the_environment(void **state)
{
	(void)state;
	child_run(&child, set_level_first);
	assert_int_equal(lines_in(child.output), 1);
}

enum { GAVE_UP = 3 }; /* the status of a child whose exit took a second */

static heph_time exit_began;

static void begin_exit(void)
{
	exit_began = heph_clock_now();
}

static void log_at_exit(void)
{
	heph_log_info("in an exit handler");
	if (heph_clock_now() - exit_began >= HEPH_SEC)
		_exit(GAVE_UP);
}

static void log_to_the_end(void)
{
	heph_log_set_level(HEPH_LOG_INFO);
	atexit(log_at_exit); /* called after ours, which comes with the line */
	for (int i = 0; i < 500; i++)
		heph_log_info("line", HEPH_KV_INT("i", i));
	atexit(begin_exit);
}

static void pending_lines_are_written_at_exit(void **state)
{
	(void)state;
	do
		child_run(&child, log_to_the_end);
	while (WIFEXITED(child.status) && WEXITSTATUS(child.status) == GAVE_UP);
	assert_int_equal(child.status, 0);
	assert_int_equal(lines_in(child.output), 501);
	assert_non_null(strstr(child.output, " i=499\n"));
	assert_non_null(strstr(child.output, "in an exit handler"));
}

static void exit_while_nobody_reads(void)
{
	int fds[2];

	heph_log_set_level(HEPH_LOG_INFO);
	assert_int_equal(pipe(fds), 0);
	assert_true(fcntl(fds[1], F_SETPIPE_SZ, 4096) >= 4096);
	heph_log_to(fds[1]);
	for (int i = 0; i < 500; i++)
		heph_log_info("a line that nobody will ever read");
}

static void a_reader_that_does_not_read_delays_exit_a_second(void **state)
{
	heph_time before = heph_clock_now();

	(void)state;
	child_run(&child, exit_while_nobody_reads);
	assert_int_equal(child.status, 0);
	assert_true(heph_clock_now() - before >= HEPH_SEC);
}

/* ---- in this process ---- */

static int reader, sink;
static char text[1024 * 1024];

static int start(void **state)
{
	int fds[2];

	(void)state;
	assert_int_equal(pipe(fds), 0);
	reader = fds[0];
	sink = fds[1];
	assert_true(fcntl(sink, F_SETPIPE_SZ, (int)sizeof(text)) > 0);
	fcntl(reader, F_SETFL, O_NONBLOCK);
	heph_log_to(sink);
	heph_log_set_level(HEPH_LOG_INFO);
	heph_log_set_rate(0);
	text[0] = '\0';
	return 0;
}

static int stop(void **state)
{
	(void)state;
	heph_log_who = NULL;
	heph_log_to(STDERR_FILENO);
	close(reader);
	close(sink);
	return 0;
}

/* Appends what there is to `text`, and returns its new length. */
static size_t read_more(size_t len)
{
	ssize_t n;

	while ((n = read(reader, text + len, sizeof(text) - 1 - len)) > 0)
		len += (size_t)n;
	text[len] = '\0';
	return len;
}

/* The same, when there is something. */
static size_t await_more(size_t len)
{
	struct pollfd poll_fd = { .fd = reader, .events = POLLIN };

	assert_int_equal(poll(&poll_fd, 1, -1), 1);
	return read_more(len);
}

/* All lines that were logged, and no others. */
static void read_all(void)
{
	flush();
	read_more(0);
}

static void flush_waits_until_all_is_written(void **state)
{
	(void)state;
	for (int i = 0; i < 100; i++) {
		heph_log_info("line", HEPH_KV_INT("i", i));
		read_all();
		assert_int_equal(lines_in(text), 1);
	}
}

static int evaluated;

static int evaluate(void)
{
	return ++evaluated;
}

static void nothing_is_evaluated_for_a_level_that_is_off(void **state)
{
	(void)state;
	heph_log_debug("no", HEPH_KV_INT("n", evaluate()));
	assert_int_equal(evaluated, 0);
	heph_log_set_level(HEPH_LOG_OFF);
	heph_log_error("no", HEPH_KV_INT("n", evaluate()));
	assert_int_equal(evaluated, 0);
	heph_log_set_level(HEPH_LOG_DEBUG);
	heph_log_debug("yes", HEPH_KV_INT("n", evaluate()));
	assert_int_equal(evaluated, 1);
	read_all();
	assert_int_equal(lines_in(text), 1);
}

static const char *who(uint64_t *ret_id)
{
	*ret_id = 17;
	return "conn";
}

static void names_the_actor_that_runs(void **state)
{
	(void)state;
	heph_log_who = who;
	heph_log_warn("accept failed", HEPH_KV_ERR("err", -EMFILE));
	read_all();
	assert_non_null(strstr(text, " msg=\"accept failed\" "
				     "target=heph.test_log actor=conn "
				     "actor_id=17 err=EMFILE\n"));
}

static void *log_many(void *arg)
{
	for (int i = 0; i < 100; i++)
		heph_log_info("line", HEPH_KV_INT("thread", (intptr_t)arg),
			      HEPH_KV_INT("i", i));
	return NULL;
}

static void lines_of_many_threads_stay_whole(void **state)
{
	pthread_t threads[5];
	int next[5] = { 0 };
	char *line, *rest = text;
	int thread, i;

	(void)state;
	for (intptr_t t = 0; t < 5; t++)
		pthread_create(&threads[t], NULL, log_many, (void *)t);
	for (int t = 0; t < 5; t++)
		pthread_join(threads[t], NULL);
	read_all();
	assert_int_equal(lines_in(text), 500);
	while ((line = strsep(&rest, "\n")) && *line) {
		line = strstr(line, " thread=");
		assert_non_null(line);
		assert_int_equal(sscanf(line, " thread=%d i=%d", &thread, &i),
				 2);
		assert_int_equal(i, next[thread]++);
	}
}

static unsigned long sum_of_lost(void)
{
	unsigned long sum = 0;
	char *at;

	for (at = text; (at = strstr(at, " lost=")); at += 6)
		sum += strtoul(at + 6, NULL, 10);
	return sum;
}

/* If the caller were held up by the pipe it would be for ever. */
static void lines_that_find_no_room_are_counted(void **state)
{
	enum { LINES = 3000 };
	uint64_t lost = heph_log_lost();
	unsigned long written = 0;
	size_t len = 0;
	char *at;

	(void)state;
	fcntl(sink, F_SETPIPE_SZ, 4096);
	for (int i = 0; i < LINES; i++)
		heph_log_info("many", HEPH_KV_INT("i", i));
	lost = heph_log_lost() - lost;
	assert_true(lost > LINES / 2);
	while (sum_of_lost() < lost)
		len = await_more(len);
	assert_int_equal(sum_of_lost(), lost);
	heph_log_info("the last");
	while (!strstr(text, "msg=\"the last\""))
		len = await_more(len);
	for (at = text; (at = strstr(at, "msg=many")); at++)
		written++;
	assert_int_equal(written + lost, LINES);
}

static void a_broken_pipe_loses_lines_and_nothing_else(void **state)
{
	uint64_t lost = heph_log_lost();
	int broken = sink;
	size_t len = 0;

	(void)state;
	close(reader);
	heph_log_info("to nobody");
	flush();
	assert_int_equal(heph_log_lost() - lost, 1);
	start(NULL);
	close(broken);
	heph_log_info("to somebody");
	while (!strstr(text, "lost=1\n") || !strstr(text, "to somebody"))
		len = await_more(len);
}

/* One place in the source. */
static void log_from_one_place(int i)
{
	heph_log_info("often", HEPH_KV_INT("i", i));
}

static unsigned long sum_of_suppressed(unsigned *ret_lines)
{
	unsigned long sum = 0;

	*ret_lines = 0;
	for (char *at = text; (at = strstr(at, "msg=often")); at++)
		++*ret_lines;
	for (char *at = text; (at = strstr(at, " suppressed=")); at++)
		sum += strtoul(at + strlen(" suppressed="), NULL, 10);
	return sum;
}

/* Until the next second has come, and a line passes again. */
static void lines_too_many_are_counted_in_the_next_that_passes(void **state)
{
	uint64_t before = heph_log_suppressed(), now;
	unsigned lines;
	int n = 0;

	(void)state;
	heph_log_set_rate(3);
	do {
		now = heph_log_suppressed();
		log_from_one_place(n++);
		usleep(1000);
	} while (now == before || heph_log_suppressed() > now);
	read_all();
	assert_int_equal(sum_of_suppressed(&lines),
			 heph_log_suppressed() - before);
	assert_int_equal(lines + heph_log_suppressed() - before, n);
	assert_int_equal(lines_in(text), lines);
}

static void log_too_much_and_exit(void)
{
	heph_log_set_rate(1);
	for (int i = 0; i < 5; i++)
		log_from_one_place(i);
}

/* If a second passes meanwhile another line says how many there were before. */
static void what_was_suppressed_at_last_is_told_at_exit(void **state)
{
	unsigned lines;

	(void)state;
	with_environment_run(NULL, NULL, log_too_much_and_exit);
	strcpy(text, child.output);
	assert_int_equal(sum_of_suppressed(&lines) + lines, 5);
	assert_non_null(strstr(text, "msg=\"log lines came too fast\" "
				     "suppressed="));
}

static char taken[1024];
static enum heph_log_level taken_level;
static size_t taken_size;

static void take(enum heph_log_level level, const char *line, size_t size)
{
	snprintf(taken, sizeof(taken), "%s", line);
	taken_level = level;
	taken_size = size;
}

static void a_function_may_take_the_lines(void **state)
{
	(void)state;
	heph_log_to_fn(take);
	heph_log_warn("for the function");
	flush();
	assert_non_null(strstr(taken, " level=warn msg=\"for the function\" "));
	assert_int_equal(taken_level, HEPH_LOG_WARN);
	assert_int_equal(taken_size, strlen(taken));
	assert_int_equal(taken[taken_size - 1], '\n');
	heph_log_to(sink);
	heph_log_warn("for the pipe");
	read_all();
	assert_int_equal(lines_in(text), 1);
	assert_null(strstr(taken, "for the pipe"));
}

static void filters_by_target_at_run_time(void **state)
{
	char filter[64];

	(void)state;
	assert_int_equal(heph_log_set_filter("warn,heph.test_log=debug"), 0);
	assert_int_equal(heph_log_level_of(NULL), HEPH_LOG_WARN);
	assert_int_equal(heph_log_level_of("heph.test_log"), HEPH_LOG_DEBUG);
	assert_int_equal(heph_log_filter(filter, sizeof(filter)), 24);
	assert_string_equal(filter, "warn,heph.test_log=debug");
	assert_int_equal(heph_log_filter(filter, 5), 24);
	assert_string_equal(filter, "warn");
	heph_log_debug("seen");
	assert_int_equal(heph_log_set_filter("debug,heph=warn"), 0);
	heph_log_info("not seen", HEPH_KV_INT("n", evaluate()));
	assert_int_equal(heph_log_set_filter("loud"), -EINVAL);
	heph_log_info("nor this");
	read_all();
	assert_int_equal(lines_in(text), 1);
	assert_non_null(strstr(text, "msg=seen"));
}

static void log_in_child(void)
{
	heph_log_to(STDERR_FILENO);
	heph_log_info("from the child");
	flush();
}

/* The fork finds the writer at work, with the lock, and a ring full of lines
 * that are the parent's. */
static void a_child_has_a_log_of_its_own(void **state)
{
	size_t len = 0;

	(void)state;
	if (UNDER_TSAN)
		skip(); /* it allows no threads after such a fork */
	fcntl(sink, F_SETPIPE_SZ, 4096);
	for (int i = 0; i < 200; i++)
		heph_log_info("from the parent", HEPH_KV_INT("i", i));
	child_run(&child, log_in_child);
	assert_int_equal(child.status, 0);
	assert_non_null(strstr(child.output, "from the child"));
	assert_null(strstr(child.output, "from the parent"));
	while (lines_in(text) < 200)
		len = await_more(len);
	assert_non_null(strstr(text, "i=199\n"));
}

/* ---- the journal ---- */

static char journal_path[64];

static int listen_at(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	strcpy(address.sun_path, path);
	unlink(path);
	assert_int_equal(bind(fd, (void *)&address, sizeof(address)), 0);
	return fd;
}

static int make_journal_path(void **state)
{
	char dir[] = "/tmp/heph-log-XXXXXX";

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(journal_path, sizeof(journal_path), "%s/socket", dir);
	return start(NULL);
}

static int remove_journal_path(void **state)
{
	unlink(journal_path);
	*strrchr(journal_path, '/') = '\0';
	rmdir(journal_path);
	return stop(state);
}

/* As long as the writer is about to write something, the answer is -EBUSY. */
static int log_to_journal(const char *path)
{
	int err;

	do
		err = heph_log_to_journal(path);
	while (err == -EBUSY);
	return err;
}

static void receive(int journal)
{
	struct pollfd poll_fd = { .fd = journal, .events = POLLIN };
	ssize_t n;

	assert_int_equal(poll(&poll_fd, 1, -1), 1);
	n = recv(journal, text, sizeof(text) - 1, 0);
	assert_true(n > 0);
	text[n] = '\0';
}

static void speaks_to_the_journal(void **state)
{
	int journal = listen_at(journal_path);

	(void)state;
	heph_log_who = who;
	assert_int_equal(log_to_journal(journal_path), 0);
	heph_log_error("went wrong", HEPH_KV_ERR("err", -EIO));
	receive(journal);
	assert_memory_equal(text, "PRIORITY=3\n", 11);
	assert_non_null(strstr(text, "\nMESSAGE=went wrong\n"
				     "TARGET=heph.test_log\nACTOR=conn\n"
				     "ACTOR_ID=17\nERR=EIO\nERRNO=5\n"));
	assert_non_null(strstr(text, "\nCODE_FILE="));
	assert_non_null(strstr(text, "tests/unit/base/test_log.c\n"
				     "CODE_LINE="));
	close(journal);
}

/* How many lines were lost may be told before the next line, if there is a
 * journal again by then. */
static void finds_a_restarted_journal_again(void **state)
{
	bool told = false, found = false;
	int journal = listen_at(journal_path);
	uint64_t lost = heph_log_lost();

	(void)state;
	assert_int_equal(log_to_journal(journal_path), 0);
	close(journal);
	heph_log_info("nobody there");
	flush();
	assert_int_equal(heph_log_lost() - lost, 1);
	journal = listen_at(journal_path);
	heph_log_info("again");
	for (int i = 0; i < 2; i++) {
		receive(journal);
		found |= strstr(text, "\nMESSAGE=again\n") != NULL;
		told |= strstr(text, "\nLOST=1\n") != NULL;
	}
	assert_true(found && told);
	close(journal);
}

static void says_why_there_is_no_journal(void **state)
{
	static char long_path[200];

	(void)state;
	memset(long_path, 'x', sizeof(long_path) - 1);
	assert_int_equal(log_to_journal(long_path), -ENAMETOOLONG);
	assert_int_equal(log_to_journal(journal_path), -ENOENT);
	heph_log_info("still here");
	read_all();
	assert_non_null(strstr(text, "still here"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		/* First those that need a process that never logged. */
		cmocka_unit_test(writes_logfmt_to_stderr_up_to_info),
		cmocka_unit_test(the_environment_chooses_the_level),
		cmocka_unit_test(the_environment_filters_by_target),
		cmocka_unit_test(the_environment_limits_the_rate),
		cmocka_unit_test(what_was_suppressed_at_last_is_told_at_exit),
		cmocka_unit_test(the_environment_turns_it_off),
		cmocka_unit_test(complains_about_nonsense_in_the_environment),
		cmocka_unit_test(uses_the_journal_when_stderr_is_it),
		cmocka_unit_test(the_program_overrules_the_environment),
		cmocka_unit_test(pending_lines_are_written_at_exit),
		cmocka_unit_test(
			a_reader_that_does_not_read_delays_exit_a_second),
		cmocka_unit_test_setup_teardown(
			flush_waits_until_all_is_written, start, stop),
		cmocka_unit_test_setup_teardown(
			nothing_is_evaluated_for_a_level_that_is_off, start,
			stop),
		cmocka_unit_test_setup_teardown(names_the_actor_that_runs,
						start, stop),
		cmocka_unit_test_setup_teardown(
			lines_of_many_threads_stay_whole, start, stop),
		cmocka_unit_test_setup_teardown(
			lines_that_find_no_room_are_counted, start, stop),
		cmocka_unit_test_setup_teardown(
			a_broken_pipe_loses_lines_and_nothing_else, start,
			stop),
		cmocka_unit_test_setup_teardown(
			lines_too_many_are_counted_in_the_next_that_passes,
			start, stop),
		cmocka_unit_test_setup_teardown(a_function_may_take_the_lines,
						start, stop),
		cmocka_unit_test_setup_teardown(filters_by_target_at_run_time,
						start, stop),
		cmocka_unit_test_setup_teardown(a_child_has_a_log_of_its_own,
						start, stop),
		cmocka_unit_test_setup_teardown(speaks_to_the_journal,
						make_journal_path,
						remove_journal_path),
		cmocka_unit_test_setup_teardown(finds_a_restarted_journal_again,
						make_journal_path,
						remove_journal_path),
		cmocka_unit_test_setup_teardown(says_why_there_is_no_journal,
						make_journal_path,
						remove_journal_path),
	};

	return cmocka_run_group_tests_name("log", tests, clear_environment,
					   NULL);
}
