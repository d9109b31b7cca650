/* SPDX-License-Identifier: MIT */
/* Options: from words and back, from the environment, from a file; the order of
 * cores; what is told of the machine. */
#include "../../api/task.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#include "base/log.h"
#include "rt/cpus.h"
#include "rt/host.h"
#include "rt/option.h"
#include "rt/runtime.h"

static struct heph_config config;
static struct heph_config_text text;

static int read_text(const char *path, const char *words)
{
	FILE *file = fopen(path, "we");

	assert_non_null(file);
	assert_int_equal(fputs(words, file) < 0, 0);
	assert_int_equal(fclose(file), 0);
	config = (struct heph_config){ 0 };
	memset(&text, 0, sizeof(text));
	return heph_config_from_file(&config, path, &text);
}

/* In a directory of its own, whose name is not part of what is compared. */
static int from_file(const char *words)
{
	char directory[] = "/tmp/heph-config-XXXXXX", path[PATH_MAX];
	int err;
	char *at;

	assert_non_null(mkdtemp(directory));
	snprintf(path, sizeof(path), "%s/app.conf", directory);
	err = read_text(path, words);
	unlink(path);
	rmdir(directory);
	at = strstr(text.error, "app.conf");
	if (at)
		memmove(text.error, at, strlen(at) + 1);
	return err;
}

static void wrong_line(const char *words, const char *error)
{
	static const struct heph_config none;

	assert_int_equal(from_file(words), -EINVAL);
	assert_string_equal(text.error, error);
	assert_memory_equal(&config, &none, sizeof(none));
}

static void a_file_sets_what_it_mentions(void **state)
{
	assert_int_equal(from_file("# a comment\n"
				   "\n"
				   "name = the server # of names\n"
				   "  workers=3\r\n"
				   "pin = yes\n"
				   "no_signals = 1\n"
				   "grace = 1500ms\n"
				   "actors = 1000\n"
				   "poll_ratio = 7\n"
				   "slots = 12\n"
				   "buffers = 2MiB\n"
				   "driver = epoll\n"
				   "spin = 10 us\n"
				   "inbox = 8"),
			 0);
	assert_string_equal(config.name, "the server");
	assert_int_equal(config.workers, 3);
	assert_true(config.pin && config.no_signals);
	assert_int_equal(config.grace, 1500 * HEPH_MSEC);
	assert_int_equal(config.actors, 1000);
	assert_int_equal(config.poll_ratio, 7);
	assert_int_equal(config.slots, 12);
	assert_int_equal(config.buffers, 2 << 20);
	assert_string_equal(config.driver, "epoll");
	assert_int_equal(config.spin, 10 * HEPH_USEC);
	assert_int_equal(config.inbox, 8);
	assert_string_equal(text.error, "");
}

static void words_stand_for_values(void **state)
{
	assert_int_equal(
		from_file("workers = all\ngrace = never\nspin = off\n"), 0);
	assert_int_equal(config.workers, 0);
	assert_int_equal(config.grace, HEPH_NEVER);
	assert_int_equal(config.spin, HEPH_SPIN_OFF);
	assert_int_equal(from_file("grace = 0\nspin = 0\nbuffers = 0\n"), 0);
	assert_int_equal(config.grace, 0);
}

/* Key, value, range, and where: each kind, one below and one above. */
static void a_wrong_value_is_named(void **state)
{
	wrong_line("\n# two\nworkers = 513\n",
		   "app.conf:3: workers = 513: must be 0 to 512, or all");
	wrong_line("workers = -1\n",
		   "app.conf:1: workers = -1: must be 0 to 512, or all");
	wrong_line("workers = 4 cores",
		   "app.conf:1: workers = 4 cores: must be 0 to 512, or all");
	wrong_line("workers =\n",
		   "app.conf:1: workers = : must be 0 to 512, or all");
	wrong_line(
		"workers = 2\ngrace = 10\n",
		"app.conf:2: grace = 10: must be 0 or more, as 500ms or 30s, or never");
	wrong_line(
		"grace = 10d\n",
		"app.conf:1: grace = 10d: must be 0 or more, as 500ms or 30s, or never");
	wrong_line(
		"grace = 99999999h\n",
		"app.conf:1: grace = 99999999h: must be 0 or more, as 500ms or "
		"30s, or never");
	wrong_line("buffers = 65535\n",
		   "app.conf:1: buffers = 65535: must be 0, or 64KiB to 1GiB");
	wrong_line("buffers = 2GiB\n",
		   "app.conf:1: buffers = 2GiB: must be 0, or 64KiB to 1GiB");
	wrong_line("spin = 2ms\n",
		   "app.conf:1: spin = 2ms: must be 0 to 1ms, or off");
	wrong_line("pin = maybe\n",
		   "app.conf:1: pin = maybe: must be yes or no");
	wrong_line("driver = kqueue\n",
		   "app.conf:1: driver = kqueue: must be uring or epoll");
	wrong_line("name =\n", "app.conf:1: name = : must be 1 to 31 bytes");
	wrong_line("inbox = 1048577\n",
		   "app.conf:1: inbox = 1048577: must be 0 to 1048576");
}

static void a_wrong_line_is_named(void **state)
{
	char line[6000];

	wrong_line("workers = 1\n\nworkrs = 2\n",
		   "app.conf:3: there is no workrs; did you mean workers?");
	wrong_line("pollratio = 2\n",
		   "app.conf:1: there is no pollratio; did you mean "
		   "poll_ratio?");
	wrong_line("colour = red\n", "app.conf:1: there is no colour");
	wrong_line("= red\n", "app.conf:1: there is no ");
	wrong_line("workers\n", "app.conf:1: workers: must be key = value");
	wrong_line("workers = 1\npin = no\nworkers = 1\n",
		   "app.conf:3: workers: it is in line 1 already");
	memset(line, 'x', sizeof(line));
	line[sizeof(line) - 1] = 0;
	wrong_line(line, "app.conf:1: the line is too long");
	memcpy(line, "pin = on\n", 9);
	wrong_line(line, "app.conf:2: the line is too long");
	memcpy(line, "#\n#\npin=", 8); /* a part of it would do */
	memset(line + 8, ' ', 4080);
	wrong_line(line, "app.conf:3: the line is too long");
}

/* Lines that come in several parts. */
static void a_long_file_is_read_whole(void **state)
{
	enum { LINES = 1000 };
	static char words[LINES * 20 + 100];
	size_t at = 0;

	for (int n = 0; n < LINES; n++)
		at += (size_t)sprintf(words + at, "# line %d\n", n);
	strcpy(words + at, "workers = 77\nworkers = 78");
	assert_int_equal(from_file(words), -EINVAL);
	assert_string_equal(text.error,
			    "app.conf:1002: workers: it is in line 1001 "
			    "already");
	strcpy(words + at, "workers = 77\npin = on");
	assert_int_equal(from_file(words), 0);
	assert_int_equal(config.workers, 77);
	assert_true(config.pin);
}

static void a_file_that_cannot_be_read_is_named(void **state)
{
	int err = heph_config_from_file(&config, "/nowhere/a.conf", &text);

	assert_int_equal(err, -ENOENT);
	assert_string_equal(text.error,
			    "/nowhere/a.conf: No such file or directory");
	assert_int_equal(heph_config_from_file(&config, "/", &text), -EISDIR);
	assert_string_equal(text.error, "/: Is a directory");
	config.workers = 5;
	assert_int_equal(heph_config_from_file(&config, "/dev/null", &text), 0);
	assert_int_equal(config.workers, 5);
	assert_string_equal(text.error, "");
	assert_int_equal(heph_config_from_file(&config, "/dev/zero", &text),
			 -EINVAL);
	assert_string_equal(text.error, "/dev/zero:1: not a text");
}

/* ---- the environment --------------------------------------------------------------- */

static int from_env(const char *name, const char *value)
{
	const char *before = getenv(name);
	char old[100] = "";
	int err;

	if (before)
		snprintf(old, sizeof(old), "%s", before);
	setenv(name, value, 1);
	config = (struct heph_config){ .grace = 3 };
	memset(&text, 0, sizeof(text));
	err = heph_config_from_env(&config, &text);
	before ? setenv(name, old, 1) : unsetenv(name);
	return err;
}

static void variables_set_what_they_name(void **state)
{
	assert_int_equal(from_env("HEPH_WORKERS", "3"), 0);
	assert_int_equal(config.workers, 3);
	assert_int_equal(config.grace, 3); /* as it was */
	assert_int_equal(from_env("HEPH_NAME", "a name of ours"), 0);
	assert_string_equal(config.name, "a name of ours"); /* is a copy */
	assert_int_equal(from_env("HEPH_POLL_RATIO", "9"), 0);
	assert_int_equal(config.poll_ratio, 9);
	assert_int_equal(from_env("HEPH_DRIVER", "uring"), 0);
	assert_string_equal(config.driver, "uring");
	assert_int_equal(from_env("HEPH_SLOTS", "5"), 0);
	assert_int_equal(config.slots, 5);
	assert_int_equal(from_env("HEPH_WORKERS", ""), 0);
	assert_int_equal(config.workers, 0);
	assert_int_equal(from_env("HEPH_LOG", "off"), 0); /* not of ours */
}

static void a_wrong_variable_is_named(void **state)
{
	assert_int_equal(from_env("HEPH_GRACE", "soon"), -EINVAL);
	assert_string_equal(
		text.error,
		"HEPH_GRACE = soon: must be 0 or more, as 500ms or 30s, or never");
	assert_int_equal(config.grace, 3);
	assert_int_equal(from_env("HEPH_WORKER", "2"), -EINVAL);
	assert_string_equal(text.error, "there is no HEPH_WORKER; did you "
					"mean HEPH_WORKERS?");
	assert_int_equal(from_env("HEPH_LOG_LEVEL_", "2"), -EINVAL);
	assert_string_equal(text.error, "there is no HEPH_LOG_LEVEL_; did "
					"you mean HEPH_LOG_LEVEL?");
}

static void a_program_of_an_earlier_version_has_fewer(void **state)
{
	size_t size = offsetof(struct heph_config, spin);

	memset(&config, 0, sizeof(config));
	memset(&text, 0, sizeof(text));
	setenv("HEPH_SPIN", "off", 1);
	assert_int_equal(heph_raw_config_from_env(&config, size, &text),
			 -EINVAL);
	setenv("HEPH_WORKERS", "2", 1);
	unsetenv("HEPH_SPIN");
	config.spin = 17; /* what is behind the struct */
	assert_int_equal(heph_raw_config_from_env(&config, size, &text), 0);
	unsetenv("HEPH_WORKERS");
	assert_int_equal(config.workers, 2);
	assert_int_equal(config.spin, 17);
}

/* ---- the table ---------------------------------------------------------------------- */

/* The ends of each range are in it, what lies beyond is not, by heph_new() too. */
static void ranges_end_where_they_say(void **state)
{
	const struct heph_option *option;
	struct heph_config given, resolved;
	int64_t beyond;

	for (size_t i = 0; i < heph_n_options; i++) {
		option = &heph_options[i];
		if (option->kind == HEPH_OPTION_TEXT ||
		    option->kind == HEPH_OPTION_WORD ||
		    option->kind == HEPH_OPTION_BOOL)
			continue;
		for (int low = 0; low < 2; low++) {
			given = (struct heph_config){ 0 };
			heph_option_set(option, &given,
					low ? option->min : option->max);
			assert_int_equal(heph_config_resolve(&resolved, &given,
							     sizeof(given)),
					 0);
			beyond = low ? option->min - 1 : option->max + 1;
			heph_option_set(option, &given, beyond);
			if (heph_option_get(option, &given) != beyond)
				continue; /* the member cannot be that */
			assert_int_equal(heph_config_resolve(&resolved, &given,
							     sizeof(given)),
					 -EINVAL);
		}
	}
}

/* All of what a runtime uses, written and read again, is the same. */
static void what_is_written_can_be_read(void **state)
{
	struct heph_config given = { .workers = 2, .no_signals = true },
			   resolved;
	char words[2000];
	size_t n;

	given.driver = "epoll";
	given.spin = HEPH_SPIN_OFF;
	given.grace = 1001 * HEPH_MSEC;
	assert_int_equal(heph_config_resolve(&resolved, &given, sizeof(given)),
			 0);
	n = heph_config_write(&resolved, words, sizeof(words));
	assert_int_equal(n, strlen(words));
	assert_non_null(strstr(words, "grace = 1001ms\n"));
	assert_non_null(strstr(words, "spin = off\n"));
	assert_non_null(strstr(words, "buffers = 1MiB\n"));
	assert_int_equal(from_file(words), 0);
	assert_string_equal(config.name, resolved.name);
	config.name = resolved.name;
	assert_string_equal(config.driver, resolved.driver);
	config.driver = resolved.driver;
	assert_memory_equal(&config, &resolved, sizeof(config));
	assert_int_equal(heph_config_write(&resolved, words, 10), n);
	assert_int_equal(strlen(words), 9);
	assert_int_equal(heph_config_write(&resolved, NULL, 0), n);
}

static int ask_of_config(heph_ctx ctx, void *arg)
{
	*(struct heph_config *)arg = *heph_config_of(ctx);
	return 0;
}

/* What an actor has without `.inbox`, and with it. */
struct small_msg {
	HEPH_REPLY(unsigned) capacity;
};
HEPH_ACTOR(small, struct small_msg, void);
static int small_main(heph_ctx ctx, small_inbox in)
{
	struct small_msg msg;
	int err = heph_recv(ctx, in, &msg);

	if (err == 0)
		heph_answer(msg.capacity, heph_inbox_info(in).capacity);
	return err;
}
HEPH_ACTOR_MAIN(small, small_main);

static void its_inbox_is(heph_ctx ctx, unsigned option, int on,
			 unsigned expected)
{
	small_ref small;
	unsigned capacity;

	assert_int_equal(
		heph_spawn(ctx, small, &small, .inbox = option, .on = on), 0);
	assert_int_equal(heph_call(ctx, small, capacity, &capacity, { 0 }), 0);
	assert_int_equal(capacity, expected);
}

static void a_runtime_uses_them(void **state)
{
	struct heph_config given = { .workers = 1, .actors = 1000 }, used;
	heph_ctx ctx;

	given.no_signals = true;
	given.inbox = 3;
	given.spin = HEPH_SPIN_OFF;
	assert_int_equal(heph_new(&ctx, &given), 0);
	end_task(ctx, start_task(ctx, ask_of_config, &used));
	assert_int_equal(used.inbox, 3);
	assert_int_equal(used.spin, HEPH_SPIN_OFF);
	assert_int_equal(used.grace, 8 * HEPH_SEC);
	assert_int_equal(heph_config_of(ctx)->workers, 1);
	assert_string_equal(heph_config_of(ctx)->driver, heph_driver_name(ctx));
	its_inbox_is(ctx, 0, HEPH_HERE, 3);
	its_inbox_is(ctx, 0, HEPH_ANY, 3);
	its_inbox_is(ctx, 0, HEPH_OWN_THREAD, 3);
	its_inbox_is(ctx, 5, HEPH_HERE, 5);
	heph_free(ctx);
}

/* ---- cores ------------------------------------------------------------------------------ */

static char root[] = "/tmp/heph-cpus-XXXXXX";

static void put(const char *words, const char *format, int number)
{
	char path[PATH_MAX];
	int at = snprintf(path, sizeof(path), "%s", root);
	FILE *file;

	snprintf(path + at, sizeof(path) - (size_t)at, format, number);
	for (char *slash = path + at + 1; (slash = strchr(slash, '/'));
	     slash++) {
		*slash = 0;
		mkdir(path, 0700);
		*slash = '/';
	}
	file = fopen(path, "we");
	assert_non_null(file);
	fputs(words, file);
	fclose(file);
}

static void put_cpu(int cpu, int package, int core)
{
	char words[12];

	snprintf(words, sizeof(words), "%d\n", package);
	put(words, "/sys/devices/system/cpu/cpu%d/topology/physical_package_id",
	    cpu);
	snprintf(words, sizeof(words), "%d\n", core);
	put(words, "/sys/devices/system/cpu/cpu%d/topology/core_id", cpu);
}

static void remove_root(void)
{
	char command[100];

	snprintf(command, sizeof(command), "rm -rf '%s'", root);
	assert_int_equal(system(command), 0);
	memcpy(root + strlen(root) - 6, "XXXXXX", 6);
}

/* Two packages of two cores of two threads, numbered as many machines do: first
 * threads of all cores, alternating between the nodes, then the second ones. */
static void cores_are_taken_node_by_node(void **state)
{
	static const int expected[] = { 0, 2, 4, 6, 1, 3, 5, 7 };
	static const int some[] = { 6, 1, 3, 7 };
	static const int apart[] = { 0, 2, 1, 3 };
	int cpus[] = { 0, 1, 2, 3, 4, 5, 6, 7 };
	int siblings[] = { 0, 1, 2, 3 };
	int allowed[] = { 1, 3, 6, 7 };
	int unknown[] = { 3, 5, 9 };

	assert_non_null(mkdtemp(root));
	for (int cpu = 0; cpu < 8; cpu++)
		put_cpu(cpu, cpu % 2, cpu / 2 % 2);
	put("0,2,4,6\n", "/sys/devices/system/node/node%d/cpulist", 0);
	put("1,3,5-5,7-7\n", "/sys/devices/system/node/node%d/cpulist", 3);
	heph_cpus_order(root, cpus, 8);
	assert_memory_equal(cpus, expected, sizeof(cpus));
	heph_cpus_order(root, allowed, 4);
	assert_memory_equal(allowed, some, sizeof(some));
	for (int cpu = 0; cpu < 4; cpu++) /* numbered core by core */
		put_cpu(cpu, 0, cpu / 2);
	put("0-7\n", "/sys/devices/system/node/node%d/cpulist", 0);
	put("\n", "/sys/devices/system/node/node%d/cpulist", 3);
	heph_cpus_order(root, siblings, 4);
	assert_memory_equal(siblings, apart, sizeof(apart));
	heph_cpus_order("/nowhere", unknown, 3);
	assert_int_equal(unknown[0], 3);
	assert_int_equal(unknown[2], 9);
	remove_root();
}

static void quotas_are_respected(void **state)
{
	assert_non_null(mkdtemp(root));
	assert_int_equal(heph_cpus_quota(root), 0);
	put("1:cpu:/other\n0::/a/b\n", "/proc/self/cgroup", 0);
	assert_int_equal(heph_cpus_quota(root), 0);
	put("max 100000\n", "/sys/fs/cgroup/a/b/cpu.max", 0);
	assert_int_equal(heph_cpus_quota(root), 0);
	put("250000 100000\n", "/sys/fs/cgroup/a/cpu.max", 0);
	assert_int_equal(heph_cpus_quota(root), 3);
	put("10000 100000\n", "/sys/fs/cgroup/a/b/cpu.max", 0);
	assert_int_equal(heph_cpus_quota(root), 1);
	put("0 0\n", "/sys/fs/cgroup/a/b/cpu.max", 0);
	assert_int_equal(heph_cpus_quota(root), 3);
	remove_root();
}

/* With the path as it is outside, and the own group as the topmost one. */
static void quotas_of_the_first_version_are_respected(void **state)
{
	assert_non_null(mkdtemp(root));
	put("3:cpuset:/x\n2:cpuacct,cpu:/docker/1\n0::/\n", "/proc/self/cgroup",
	    0);
	assert_int_equal(heph_cpus_quota(root), 0);
	put("250000\n", "/sys/fs/cgroup/cpu/cpu.cfs_quota_us", 0);
	assert_int_equal(heph_cpus_quota(root), 0);
	put("100000\n", "/sys/fs/cgroup/cpu/cpu.cfs_period_us", 0);
	assert_int_equal(heph_cpus_quota(root), 3);
	put("-1\n", "/sys/fs/cgroup/cpu/cpu.cfs_quota_us", 0);
	assert_int_equal(heph_cpus_quota(root), 0);
	put("150000\n", "/sys/fs/cgroup/cpu/docker/1/cpu.cfs_quota_us", 0);
	put("100000\n", "/sys/fs/cgroup/cpu/docker/1/cpu.cfs_period_us", 0);
	assert_int_equal(heph_cpus_quota(root), 2);
	put("3:cpuset,cpuacct:/docker/1\n", "/proc/self/cgroup", 0);
	assert_int_equal(heph_cpus_quota(root), 0);
	remove_root();
}

/* ---- the machine --------------------------------------------------------------------------- */

static void the_machine_is_told(void **state)
{
	struct heph_host host;

	heph_host_info(&host);
	assert_string_equal(host.os, "Linux");
	assert_true(strlen(host.release) && strlen(host.machine));
	assert_true(strncmp(host.version, "heph ", 5) == 0);
	assert_int_equal(host.pid, getpid());
	assert_int_equal(host.parent, getppid());
	assert_true(strlen(host.id) == 32 || strlen(host.id) == 0);
}

static void an_id_that_is_none_is_empty(void **state)
{
	static const char good[] = "0123456789abcdef0123456789ABCDEF";
	static const char *const bad[] = { "", "0123\n",
					   "0123456789abcdef0123456789abcdeg",
					   "uninitialized\n" };
	char path[PATH_MAX], id[33];

	assert_non_null(mkdtemp(root));
	snprintf(path, sizeof(path), "%s/id", root);
	heph_host_read_id(path, id);
	assert_string_equal(id, "");
	for (int n = 0; n < 4; n++) {
		put(bad[n], "/id", 0);
		heph_host_read_id(path, id);
		assert_string_equal(id, "");
	}
	put(good, "/id", 0);
	heph_host_read_id(path, id);
	assert_string_equal(id, good);
	remove_root();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_file_sets_what_it_mentions),
		cmocka_unit_test(words_stand_for_values),
		cmocka_unit_test(a_wrong_value_is_named),
		cmocka_unit_test(a_wrong_line_is_named),
		cmocka_unit_test(a_long_file_is_read_whole),
		cmocka_unit_test(a_file_that_cannot_be_read_is_named),
		cmocka_unit_test(variables_set_what_they_name),
		cmocka_unit_test(a_wrong_variable_is_named),
		cmocka_unit_test(a_program_of_an_earlier_version_has_fewer),
		cmocka_unit_test(ranges_end_where_they_say),
		cmocka_unit_test(what_is_written_can_be_read),
		cmocka_unit_test(a_runtime_uses_them),
		cmocka_unit_test(cores_are_taken_node_by_node),
		cmocka_unit_test(quotas_are_respected),
		cmocka_unit_test(quotas_of_the_first_version_are_respected),
		cmocka_unit_test(the_machine_is_told),
		cmocka_unit_test(an_id_that_is_none_is_empty),
	};

	setenv("HEPH_LOG", "off", 0);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
