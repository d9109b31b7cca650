/* SPDX-License-Identifier: MIT */
/* Telling a service manager, which is a datagram socket of ours. */
#include "task.h"

#include <poll.h>
#include <signal.h>
#include <pthread.h>
#include <sys/un.h>
#include <sys/wait.h>

/* ---- the manager -------------------------------------------------------------------- */

static char directory[] = "/tmp/heph-systemd-XXXXXX";
static char socket_path[64];
static int manager = -1;
static char told[8192];

/* "/path", or "@name" of the abstract namespace. */
static void listen_at(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	size_t size = strlen(path);

	memcpy(address.sun_path, path, size);
	if (path[0] == '@')
		address.sun_path[0] = '\0';
	else
		unlink(path);
	manager = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	must(manager >= 0);
	size += offsetof(struct sockaddr_un, sun_path);
	must_be(bind(manager, (void *)&address, (socklen_t)size), 0);
	must_be(setenv("NOTIFY_SOCKET", path, 1), 0);
}

static void hang_up(void)
{
	close(manager);
	manager = -1;
	unsetenv("NOTIFY_SOCKET");
	unsetenv("WATCHDOG_USEC");
	unsetenv("WATCHDOG_PID");
}

/* The next datagram, and the descriptor that came along; -1: none. */
static int hear_fd(void)
{
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec iov = { told, sizeof(told) - 1 };
	struct msghdr msg = { .msg_iov = &iov,
			      .msg_iovlen = 1,
			      .msg_control = &control,
			      .msg_controllen = sizeof(control) };
	ssize_t n = recvmsg(manager, &msg, MSG_CMSG_CLOEXEC);
	struct cmsghdr *header = CMSG_FIRSTHDR(&msg);
	int fd = -1;

	must(n > 0);
	told[n] = '\0';
	if (header && header->cmsg_type == SCM_RIGHTS)
		memcpy(&fd, CMSG_DATA(header), sizeof(fd));
	return fd;
}

static void must_hear(const char *wanted)
{
	must_be(hear_fd(), -1);
	if (strcmp(told, wanted) != 0)
		fprintf(stderr, "told: %s", told);
	must_be(strcmp(told, wanted), 0);
}

static void must_hear_nothing(void)
{
	struct pollfd fd = { .fd = manager, .events = POLLIN };

	must_be(poll(&fd, 1, 0), 0);
}

/* ---- without one --------------------------------------------------------------------- */

static int without(heph_ctx ctx, void *arg)
{
	struct heph_systemd systemd;
	struct heph_exit exit;
	heph_systemd_ref ref;

	must_be(heph_systemd_open(ctx, &systemd), 0);
	must_be(systemd.watchdog, 0);
	must_be(heph_systemd_state(ctx, &systemd, HEPH_SYSTEMD_READY, "x"), 0);
	must_be(heph_systemd_ping(ctx, &systemd), 0);
	must_be(heph_systemd_barrier(ctx, &systemd), 0);
	must_be(heph_systemd_unstore(ctx, &systemd, "x"), 0);
	heph_systemd_close(ctx, &systemd);
	must_be(heph_spawn(ctx, heph_systemd, &ref, { .health = NULL }), 0);
	must_be(heph_join(ctx, ref, &exit), 0);
	must_be(exit.err, 0);
	return 0;
}

static void without_a_manager_nothing_happens(void **state)
{
	unsetenv("NOTIFY_SOCKET");
	run_task(without);
}

static int find(heph_ctx ctx, void *arg)
{
	static char far[] = "/tmp/"
			    "123456789012345678901234567890123456789012345678"
			    "901234567890123456789012345678901234567890123456"
			    "78901234567890";
	static const struct {
		const char *path;
		int err;
	} wrong[] = {
		{ "relative", -EINVAL },
		{ "@", -EINVAL },
		{ "vsock:2:1234", -EAFNOSUPPORT },
		{ far, -ENAMETOOLONG },
		{ "/nowhere/at/all", -ENOENT },
		{ "@nobody-is-here", -ECONNREFUSED },
	};
	struct heph_systemd systemd;

	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		must_be(setenv("NOTIFY_SOCKET", wrong[i].path, 1), 0);
		must_be(heph_systemd_open(ctx, &systemd), wrong[i].err);
		must_be(systemd.fd.turn, 0);
	}
	unsetenv("NOTIFY_SOCKET");
	return 0;
}

static void says_why_it_is_not_there(void **state)
{
	run_task(find);
}

/* ---- what is told ----------------------------------------------------------------------- */

static int tell_all(heph_ctx ctx, const struct heph_systemd *it)
{
	unsigned long long us;
	heph_time before;

	must_be(heph_systemd_state(ctx, it, HEPH_SYSTEMD_READY, NULL), 0);
	must_hear("READY=1\n");
	must_be(heph_systemd_state(ctx, it, HEPH_SYSTEMD_READY, "all\r\nwell"),
		0);
	must_hear("READY=1\nSTATUS=all  well\n");
	must_be(heph_systemd_state(ctx, it, HEPH_SYSTEMD_STOPPING, ""), 0);
	must_hear("STOPPING=1\nSTATUS=\n");
	must_be(heph_systemd_state(ctx, it, 3, NULL), -EINVAL);
	before = heph_now();
	must_be(heph_systemd_state(ctx, it, HEPH_SYSTEMD_RELOADING, "x"), 0);
	must_be(hear_fd(), -1);
	must_be(sscanf(told, "RELOADING=1\nMONOTONIC_USEC=%llu\nSTATUS=x\n",
		       &us),
		1);
	must((heph_time)us >= before / HEPH_USEC &&
	     (heph_time)us <= heph_now() / HEPH_USEC);
	must_be(heph_systemd_status(ctx, it, "one\ntwo"), 0);
	must_hear("STATUS=one two\n");
	must_be(heph_systemd_errno(ctx, it, -EIO), 0);
	must_hear("ERRNO=5\n");
	must_be(heph_systemd_errno(ctx, it, EIO), 0);
	must_hear("ERRNO=5\n");
	must_be(heph_systemd_extend(ctx, it, 1500 * HEPH_MSEC), 0);
	must_hear("EXTEND_TIMEOUT_USEC=1500000\n");
	must_be(heph_systemd_extend(ctx, it, 999), -EINVAL);
	must_be(heph_systemd_main_pid(ctx, it, 4711), 0);
	must_hear("MAINPID=4711\n");
	must_be(heph_systemd_main_pid(ctx, it, 0), -EINVAL);
	must_be(heph_systemd_ping(ctx, it), 0);
	must_hear("WATCHDOG=1\n");
	must_be(heph_systemd_trigger(ctx, it), 0);
	must_hear("WATCHDOG=trigger\n");
	must_be(heph_systemd_notify(ctx, it, "X_OURS=1\n"), 0);
	must_hear("X_OURS=1\n");
	return 0;
}

/* A long one of characters of two bytes, and one byte before them or none. */
static int tell_long(heph_ctx ctx, const struct heph_systemd *it)
{
	char text[5000];
	size_t len;

	for (unsigned odd = 0; odd < 2; odd++) {
		memset(text, 'x', odd);
		for (size_t i = odd; i < sizeof(text) - 2; i += 2)
			memcpy(text + i, "\xc3\xbc", 3);
		must_be(heph_systemd_status(ctx, it, text), 0);
		must_be(hear_fd(), -1);
		len = strlen(told) - strlen("STATUS=\n");
		must_be(len, HEPH_SYSTEMD_STATUS_MAX - 2 + odd);
		must_be(told[strlen(told) - 2], '\xbc');
	}
	must_be(heph_systemd_notify(ctx, it, text), -EMSGSIZE);
	return 0;
}

static int tell(heph_ctx ctx, void *arg)
{
	static const char *const paths[] = { socket_path,
					     "@heph-test-systemd" };
	struct heph_systemd systemd;

	for (unsigned i = 0; i < 2; i++) {
		listen_at(paths[i]);
		must_be(heph_systemd_open(ctx, &systemd), 1);
		tell_all(ctx, &systemd);
		tell_long(ctx, &systemd);
		must_hear_nothing();
		heph_systemd_close(ctx, &systemd);
		must_be(heph_systemd_connect(ctx, paths[i], &systemd), 0);
		must_be(heph_systemd_ping(ctx, &systemd), 0);
		must_hear("WATCHDOG=1\n");
		hang_up();
		must_be(heph_systemd_ping(ctx, &systemd), -ECONNREFUSED);
		heph_systemd_close(ctx, &systemd);
	}
	return 0;
}

static void everything_there_is_to_tell(void **state)
{
	run_task(tell);
}

/* The kernel keeps a few datagrams; who has one more waits. */
static int tell_too_much(heph_ctx ctx, void *arg)
{
	struct heph_systemd systemd;
	int n = 0, err;

	listen_at(socket_path);
	must_be(heph_systemd_open(ctx, &systemd), 1);
	do
		err = heph_systemd_ping(heph_within(ctx, 10 * HEPH_MSEC),
					&systemd);
	while (err == 0 && ++n < 10000);
	must_be(err, -ETIME);
	for (; n > 0; n--)
		must_hear("WATCHDOG=1\n");
	must_be(heph_systemd_ping(ctx, &systemd), 0);
	must_hear("WATCHDOG=1\n");
	hang_up();
	return 0;
}

static void a_busy_manager_is_waited_for(void **state)
{
	run_task(tell_too_much);
}

/* ---- the environment ------------------------------------------------------------------ */

static int read_environment(heph_ctx ctx, void *arg)
{
	char self[16];
	const struct {
		const char *usec, *pid;
		heph_time expected;
	} cases[] = {
		{ NULL, NULL, 0 },
		{ "3000000", NULL, 3 * HEPH_SEC },
		{ "3000000", self, 3 * HEPH_SEC },
		{ "3000000", "1", 0 },
		{ "3000000", "me", 0 },
		{ "soon", NULL, 0 },
		{ "-5", NULL, 0 },
		{ "5s", NULL, 0 },
		{ "0", NULL, 0 },
		{ "99999999999999999999", NULL, 0 },
	};
	struct heph_systemd systemd;

	snprintf(self, sizeof(self), "%d", (int)getpid());
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		listen_at(socket_path);
		if (cases[i].usec)
			setenv("WATCHDOG_USEC", cases[i].usec, 1);
		if (cases[i].pid)
			setenv("WATCHDOG_PID", cases[i].pid, 1);
		must_be(heph_systemd_open(ctx, &systemd), 1);
		must_be(systemd.watchdog, cases[i].expected);
		heph_systemd_close(ctx, &systemd);
		hang_up();
	}
	return 0;
}

static void the_environment_has_the_watchdog(void **state)
{
	run_task(read_environment);
}

/* ---- the barrier ------------------------------------------------------------------------ */

static _Atomic bool seen;

static void *be_slow(void *arg)
{
	int fd;

	must_hear("STOPPING=1\n");
	fd = hear_fd();
	must_be(strcmp(told, "BARRIER=1\n"), 0);
	must(fd >= 0);
	usleep(10 * 1000); /* not waited for: it would not be seen yet */
	seen = true;
	close(fd);
	return NULL;
}

static int wait_for_it(heph_ctx ctx, void *arg)
{
	struct heph_systemd systemd;
	pthread_t thread;

	listen_at(socket_path);
	seen = false;
	must_be(heph_systemd_open(ctx, &systemd), 1);
	must_be(pthread_create(&thread, NULL, be_slow, NULL), 0);
	must_be(heph_systemd_state(ctx, &systemd, HEPH_SYSTEMD_STOPPING, NULL),
		0);
	must_be(heph_systemd_barrier(ctx, &systemd), 0);
	must(seen);
	pthread_join(thread, NULL);
	hang_up();
	return 0;
}

static void a_barrier_waits_until_all_was_seen(void **state)
{
	run_task(wait_for_it);
}

/* ---- descriptors ------------------------------------------------------------------------- */

static int stored = -1;

static int store(heph_ctx ctx, void *arg)
{
	struct heph_systemd systemd;
	char name[300], wanted[400];
	heph_fd ends[2];

	listen_at(socket_path);
	must_be(heph_systemd_open(ctx, &systemd), 1);
	must_be(heph_pipe(ctx, ends, 0), 0);
	must_be(heph_systemd_store(ctx, &systemd, ends[0], "a pipe", 0), 0);
	stored = hear_fd();
	must(stored >= 0);
	must_be(strcmp(told, "FDSTORE=1\nFDNAME=a pipe\n"), 0);
	must_be(heph_systemd_store(ctx, &systemd, ends[1], "x",
				   HEPH_SYSTEMD_KEEP),
		0);
	close(hear_fd());
	must_be(strcmp(told, "FDSTORE=1\nFDNAME=x\nFDPOLL=0\n"), 0);
	must_be(heph_systemd_unstore(ctx, &systemd, "x"), 0);
	must_hear("FDSTOREREMOVE=1\nFDNAME=x\n");

	memset(name, 'n', sizeof(name));
	name[256] = '\0';
	must_be(heph_systemd_store(ctx, &systemd, ends[0], name, 0), -EINVAL);
	name[255] = '\0';
	snprintf(wanted, sizeof(wanted), "FDSTOREREMOVE=1\nFDNAME=%s\n", name);
	must_be(heph_systemd_unstore(ctx, &systemd, name), 0);
	must_hear(wanted);
	must_be(heph_systemd_unstore(ctx, &systemd, ""), -EINVAL);
	must_be(heph_systemd_unstore(ctx, &systemd, "a:b"), -EINVAL);
	must_be(heph_systemd_unstore(ctx, &systemd, "a\nREADY=1"), -EINVAL);
	must_be(heph_systemd_store(ctx, &systemd, ends[0], "x", 2), -EINVAL);
	must_be(heph_systemd_store(ctx, &systemd, (heph_fd){ 0 }, "x", 0),
		-EBADF);
	must_hear_nothing();
	must_be(heph_write_all(ctx, ends[1], "kept", 4), 0);
	hang_up();
	return 0;
}

/* In the next process: as the manager passes it. */
static int take_back(heph_ctx ctx, void *arg)
{
	char text[8];
	heph_fd fd;

	must_be(heph_activation_count("a pipe"), 1);
	must_be(heph_activation_take(ctx, "a pipe", 0, HEPH_ACTIVATION_ANY,
				     &fd),
		0);
	must_be(heph_read(ctx, fd, text, sizeof(text)), 4);
	must_be(memcmp(text, "kept", 4), 0);
	must_be(heph_read(ctx, fd, text, sizeof(text)), 0);
	return 0;
}

static void in_runtime(task_fn fn)
{
	struct heph_config config = { .workers = 1, .no_signals = true };
	heph_ctx ctx;

	must_be(heph_new(&ctx, &config), 0);
	end_task(ctx, start_task(ctx, fn, NULL));
	heph_free(ctx);
}

static void be_next_process(void)
{
	char pid[16];

	must(dup2(stored, 3) == 3);
	snprintf(pid, sizeof(pid), "%d", (int)getpid());
	setenv("LISTEN_PID", pid, 1);
	setenv("LISTEN_FDS", "1", 1);
	setenv("LISTEN_FDNAMES", "a pipe", 1);
	in_runtime(take_back);
	dies_with_leaks();
	_exit(0);
}

static void a_descriptor_outlives_the_process(void **state)
{
	int status;
	pid_t child;

	in_runtime(store);
	child = fork();
	assert_true(child >= 0);
	if (child == 0)
		be_next_process();
	close(stored);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

/* ---- the actor --------------------------------------------------------------------------- */

static _Atomic int examined, verdict;

static int healthy(heph_ctx ctx, char ret_status[HEPH_SYSTEMD_STATUS_MAX])
{
	examined++;
	if (verdict == -EIO)
		strcpy(ret_status, "the disk\nis gone");
	if (verdict == -ETIME)
		return heph_sleep(ctx, HEPH_NEVER);
	return verdict;
}

/* From a plain thread, because the manager blocks it until it hears something. */
static int pass_messages(heph_ctx ctx, void *arg)
{
	heph_systemd_ref ref;

	listen_at(socket_path);
	must_be(heph_spawn(ctx, heph_systemd, &ref, { .health = healthy },
			   .on = HEPH_WORKER(0)),
		0);
	examined = 0;
	must_hear("READY=1\n");
	must_be(heph_send(ctx, ref,
			  { .kind = HEPH_SYSTEMD_SET_STATUS,
			    .status = "busy\r" }),
		0);
	must_hear("STATUS=busy \n");
	must_be(heph_send(ctx, ref,
			  { .kind = HEPH_SYSTEMD_EXTEND, .length = HEPH_SEC }),
		0);
	must_hear("EXTEND_TIMEOUT_USEC=1000000\n");
	must_be(heph_send(ctx, ref,
			  { .kind = HEPH_SYSTEMD_SET_STATE,
			    .state = HEPH_SYSTEMD_STOPPING,
			    .status = "bye" }),
		0);
	must_hear("STOPPING=1\nSTATUS=bye\n");
	must_be(heph_join(ctx, ref, NULL), 0);
	must_be(examined, 0); /* there is no watchdog */
	must_hear_nothing();
	hang_up();
	return 0;
}

static void the_actor_passes_on_what_it_is_sent(void **state)
{
	run_thread(pass_messages);
}

enum { PERIOD_MS = 40 };

/* None comes before half of the time, so n of them take n halves at least; and
 * at last, however slow the machine is, less than n times the whole. */
static int give_signs(heph_ctx ctx, void *arg)
{
	heph_time began = heph_now();
	heph_systemd_ref ref;
	int n = 0;

	listen_at(socket_path);
	setenv("WATCHDOG_USEC", "40000", 1);
	verdict = examined = 0;
	must_be(heph_spawn(ctx, heph_systemd, &ref, { .health = healthy },
			   .on = HEPH_WORKER(0)),
		0);
	must_hear("READY=1\n");
	do {
		must_hear("WATCHDOG=1\n");
		n++;
	} while (n < 3 || heph_now() - began >= n * PERIOD_MS * HEPH_MSEC);
	must(examined >= n);
	must(heph_now() - began >= n * PERIOD_MS / 2 * HEPH_MSEC);

	verdict = -EIO; /* what it gives under way is still good */
	do
		must_be(hear_fd(), -1);
	while (strcmp(told, "WATCHDOG=1\n") == 0);
	must_be(strcmp(told, "STATUS=the disk is gone\n"), 0);
	must_hear("STATUS=the disk is gone\n");
	verdict = -ETIME;
	do
		must_be(hear_fd(), -1);
	while (strcmp(told, "STATUS=the disk is gone\n") == 0);
	must_be(strcmp(told, "STATUS=not well: ETIME\n"), 0);
	verdict = 0;
	do
		must_be(hear_fd(), -1);
	while (strcmp(told, "STATUS=not well: ETIME\n") == 0);
	must_be(strcmp(told, "WATCHDOG=1\n"), 0);

	heph_stop(ref);
	do
		must_be(hear_fd(), -1);
	while (strcmp(told, "WATCHDOG=1\n") == 0);
	must_be(strcmp(told, "STOPPING=1\n"), 0);
	must_be(heph_join(ctx, ref, NULL), 0);
	hang_up();
	return 0;
}

static void the_actor_gives_signs_of_life_at_half_the_time(void **state)
{
	run_thread_once(give_signs);
}

static int trigger(heph_ctx ctx, void *arg)
{
	heph_systemd_ref ref;

	listen_at(socket_path);
	setenv("WATCHDOG_USEC", "2000", 1);
	verdict = -ESRCH;
	must_be(heph_spawn(ctx, heph_systemd, &ref,
			   { .health = healthy, .trigger = true, .later = true },
			   .on = HEPH_WORKER(0)),
		0);
	must_hear("STATUS=not well: ESRCH\n");
	must_hear("WATCHDOG=trigger\n");
	heph_stop(ref);
	do
		must_be(hear_fd(), -1);
	while (strcmp(told, "STOPPING=1\n") != 0);
	must_be(heph_join(ctx, ref, NULL), 0);
	hang_up();
	return 0;
}

static void the_actor_may_trigger_the_watchdog(void **state)
{
	run_thread(trigger);
}

/* ---- other messages ------------------------------------------------------------------------ */

HEPH_REF(terminator, struct heph_terminate);
HEPH_REF(signalled, struct heph_signal);

static int adapt(heph_ctx ctx, void *arg)
{
	terminator_ref terminator;
	signalled_ref signalled;
	heph_systemd_ref ref;

	for (int i = 0; i < 2; i++) {
		listen_at(socket_path);
		must_be(heph_spawn(ctx, heph_systemd, &ref, { .later = true },
				   .on = HEPH_WORKER(0)),
			0);
		must_be(heph_map(ctx, &terminator, ref,
				 heph_systemd_from_terminate),
			0);
		must_be(heph_map(ctx, &signalled, ref,
				 heph_systemd_from_signal),
			0);
		must_be(heph_send(ctx, signalled, { .number = SIGHUP }),
			-EINVAL);
		if (i == 0)
			must_be(heph_send(ctx, terminator, { 0 }), 0);
		else
			must_be(heph_send(ctx, signalled,
					  { .number = SIGTERM }),
				0);
		must_hear(i == 0 ? "STOPPING=1\n" :
				   "STOPPING=1\nSTATUS=stopping after process "
				   "signal\n");
		must_be(heph_join(ctx, ref, NULL), 0);
		hang_up();
	}
	return 0;
}

static void other_messages_stop_it(void **state)
{
	run_thread(adapt);
}

static int make_directory(void **state)
{
	assert_non_null(mkdtemp(directory));
	snprintf(socket_path, sizeof(socket_path), "%s/notify", directory);
	heph_log_set_level(HEPH_LOG_OFF);
	return 0;
}

static int remove_directory(void **state)
{
	unlink(socket_path);
	rmdir(directory);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		/* First the one that forks. */
		cmocka_unit_test(a_descriptor_outlives_the_process),
		cmocka_unit_test(without_a_manager_nothing_happens),
		cmocka_unit_test(says_why_it_is_not_there),
		cmocka_unit_test(everything_there_is_to_tell),
		cmocka_unit_test(a_busy_manager_is_waited_for),
		cmocka_unit_test(the_environment_has_the_watchdog),
		cmocka_unit_test(a_barrier_waits_until_all_was_seen),
		cmocka_unit_test(the_actor_passes_on_what_it_is_sent),
		cmocka_unit_test(
			the_actor_gives_signs_of_life_at_half_the_time),
		cmocka_unit_test(the_actor_may_trigger_the_watchdog),
		cmocka_unit_test(other_messages_stop_it),
	};

	return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
