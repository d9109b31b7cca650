/* SPDX-License-Identifier: MIT */
/* The log and a real journal: a systemd-journald of our own, in a namespace. */
#include "act.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#define JOURNALD "/lib/systemd/systemd-journald"

static char name[32], path[64], text[65536];
static pid_t daemon_pid;

/* What it says is in `text`. */
static void shell(const char *format)
{
	char command[512];
	FILE *said;
	size_t n;

	snprintf(command, sizeof(command), format, name);
	said = popen(command, "r");
	assert_non_null(said);
	n = fread(text, 1, sizeof(text) - 1, said);
	text[n] = '\0';
	pclose(said);
}

/* It makes its socket before it looks whether it can run at all: without a
 * hierarchy of control groups, for example, it does not. */
static bool runs(void)
{
	if (daemon_pid && waitpid(daemon_pid, NULL, WNOHANG) != 0)
		daemon_pid = 0;
	return daemon_pid != 0;
}

static int start(void **state)
{
	(void)state;
	snprintf(name, sizeof(name), "heph-test-%d", (int)getpid());
	snprintf(path, sizeof(path), "/run/systemd/journal.%s/socket", name);
	if (geteuid() != 0 || access(JOURNALD, X_OK) < 0)
		return 0;
	daemon_pid = fork();
	assert_true(daemon_pid >= 0);
	if (daemon_pid == 0) {
		(void)!freopen("/dev/null", "w", stderr);
		execl(JOURNALD, JOURNALD, name, (char *)NULL);
		_exit(127);
	}
	while (runs() && access(path, F_OK) < 0)
		usleep(1000);
	return 0;
}

static int stop(void **state)
{
	(void)state;
	if (daemon_pid) {
		kill(daemon_pid, SIGTERM);
		waitpid(daemon_pid, NULL, 0);
	}
	if (geteuid() == 0)
		shell("rm -rf /run/systemd/journal.%1$s "
		      "/run/log/journal/*.%1$s /var/log/journal/*.%1$s");
	return 0;
}

static int say(heph_ctx ctx, act_inbox in, void *arg)
{
	(void)in;
	(void)arg;
	heph_log_warn("two\nlines", HEPH_KV_ERR("why", -EMFILE),
		      HEPH_KV_STR("word", "gr\xc3\xbc\xc3\x9f"
					  "e"),
		      HEPH_KV_INT("n", -5), HEPH_KV_BOOL("done", true));
	return heph_yield(ctx);
}

/* Asks until it is there: journald takes in what it is sent in its own time. */
static bool await_entry(void)
{
	do
		shell("journalctl --namespace=%s --output=json "
		      "TARGET=test_journal 2>&1");
	while (!strstr(text, "\"TARGET\"") && runs());
	return daemon_pid;
}

static void must_have(const char *field, const char *value)
{
	char wanted[200];

	snprintf(wanted, sizeof(wanted), "\"%s\":\"%s\"", field, value);
	if (!strstr(text, wanted))
		fail_msg("no %s in %s", wanted, text);
}

static void leave_out(void)
{
	print_message("skipped: no journald can be started here\n");
	skip();
}

static void a_real_journal_has_the_fields(void **state)
{
	int err = -1;

	(void)state;
	while (err < 0 && runs())
		err = heph_log_to_journal(path);
	if (err < 0)
		leave_out();
	assert_int_equal(heph_run(NULL, act, { say, NULL }, .name = "speaker"),
			 0);
	heph_log_to(STDERR_FILENO);
	if (!await_entry())
		leave_out();
	must_have("MESSAGE", "two\\nlines");
	must_have("PRIORITY", "4");
	must_have("SYSLOG_IDENTIFIER", "api-journal");
	must_have("ACTOR", "speaker");
	must_have("WHY", "EMFILE");
	must_have("ERRNO", "24");
	must_have("WORD", "gr\xc3\xbc\xc3\x9f"
			  "e");
	must_have("N", "-5");
	must_have("DONE", "true");
	must_have("CODE_FILE", "tests/api/test_journal.c");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_real_journal_has_the_fields,
						start, stop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
