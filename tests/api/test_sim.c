/* SPDX-License-Identifier: MIT */
/* test_sim.c - worlds that a seed decides */
#include "act.h"

#include <heph/process.h>
#include <heph/sim.h>

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/lsan_interface.h>
#endif

#define ADDRESS "10.0.0.1:7000"

enum { CLIENTS = 10, ROUNDS = 20 };

/* ---- an echo server and its clients --------------------------------------------- */

struct echo_arg {
	heph_fd fd;
};
HEPH_ACTOR(echo, void, struct echo_arg);

/* By turns with a copy and without. */
static int echo_main(heph_ctx ctx, struct echo_arg *arg)
{
	char buf[100], *bytes = buf;
	bool copy = true;
	int n, round = 0;

	while ((n = copy ? heph_read(ctx, arg->fd, buf, sizeof(buf)) :
			   heph_read_view(ctx, arg->fd, &bytes)) > 0) {
		n = heph_write_all(ctx, arg->fd, copy ? buf : bytes, (size_t)n);
		if (n < 0)
			break;
		copy = ++round % 3 == 0;
	}
	return 0;
}
HEPH_ACTOR_MAIN(echo, echo_main);

HEPH_ACTOR(server, void, void);

static int server_main(heph_ctx ctx)
{
	heph_fd listener;
	int err = heph_listen(ctx, ADDRESS, &listener);

	return err < 0 ? err : heph_serve(ctx, listener, echo, fd);
}
HEPH_ACTOR_MAIN(server, server_main);

struct client_arg {
	int number;
	long *sum;
};
HEPH_ACTOR(client, void, struct client_arg);

/* Connections break in some worlds; what comes back is right in all. */
static int client_main(heph_ctx ctx, struct client_arg *arg)
{
	char out[300], in[300];
	heph_fd fd;
	int err;

	ctx = heph_within(ctx, 60 * HEPH_SEC);
	err = heph_connect(ctx, ADDRESS, &fd);

	for (int n = 0; err == 0 && n < ROUNDS; n++) {
		memset(out, 'a' + (arg->number + n) % 26, sizeof(out));
		err = heph_write_all(ctx, fd, out, sizeof(out));
		if (err == 0)
			err = heph_read_exact(ctx, fd, in, sizeof(in), NULL);
		if (err == 0)
			heph_check(ctx, memcmp(in, out, sizeof(in)) == 0);
		if (err == 0)
			++*arg->sum;
	}
	return 0;
}
HEPH_ACTOR_MAIN(client, client_main);

struct world_arg {
	long *ret_sum;
};
HEPH_ACTOR(world, void, struct world_arg);

static int world_main(heph_ctx ctx, struct world_arg *arg)
{
	client_ref clients[CLIENTS];
	server_ref server;
	int err = heph_spawn(ctx, server, &server);

	if (err == 0)
		err = heph_sleep(ctx, HEPH_SEC);
	for (int n = 0; err == 0 && n < CLIENTS; n++)
		err = heph_spawn(ctx, client, &clients[n], { n, arg->ret_sum },
				 .on = n % 3 ? HEPH_WORKER(n % 2) : HEPH_ANY);
	for (int n = 0; err == 0 && n < CLIENTS; n++)
		err = heph_join(ctx, clients[n], NULL);
	heph_stop(server);
	return err;
}
HEPH_ACTOR_MAIN(world, world_main);

static struct heph_sim_result run_world(uint64_t seed, bool faults, long *ret_sum)
{
	struct heph_sim_result result;
	struct heph_sim_options options = { .result = &result };

	*ret_sum = 0;
	if (faults)
		options.faults = heph_sim_faults(seed);
	assert_int_equal(heph_sim_run(seed, &options, world, { ret_sum }), 0);
	assert_false(result.failed);
	return result;
}

static void a_server_serves_its_clients(void **state)
{
	long sum;
	struct heph_sim_result result = run_world(1, false, &sum);

	assert_int_equal(sum, CLIENTS * ROUNDS);
	assert_int_equal(result.faults, 0);
	assert_true(result.length >= HEPH_SEC && result.length < 100 * HEPH_SEC);
}

static void the_same_seed_gives_the_same_run(void **state)
{
	long sum, sum_again;

	for (uint64_t seed = 1; seed <= 10; seed++) {
		struct heph_sim_result once = run_world(seed, true, &sum);
		struct heph_sim_result again =
			run_world(seed, true, &sum_again);

		assert_int_equal(sum, sum_again);
		assert_int_equal(once.hash, again.hash);
		assert_int_equal(once.steps, again.steps);
		assert_int_equal(once.length, again.length);
		assert_int_equal(once.faults, again.faults);
	}
}

static void other_seeds_give_other_runs(void **state)
{
	long sum;
	uint64_t first = run_world(1, false, &sum).hash;
	uint64_t second = run_world(2, false, &sum).hash;
	uint64_t third = run_world(3, false, &sum).hash;

	assert_true(first != second && first != third && second != third);
}

/* ---- a world of one actor ---------------------------------------------------------- */

typedef int task_fn(heph_ctx ctx);

struct task_arg {
	task_fn *fn;
};
HEPH_ACTOR(task, void, struct task_arg);

static int task_main(heph_ctx ctx, struct task_arg *arg)
{
	return arg->fn(ctx);
}
HEPH_ACTOR_MAIN(task, task_main);

static char told[512];

static void tell(const char *text)
{
	snprintf(told, sizeof(told), "%s", text);
}

/* What it returns with some seeds, the same with each. */
static int run_task(task_fn *fn)
{
	struct heph_sim_options options = { .fail = tell };
	int result = 0, first = 0;

	*told = '\0';
	for (uint64_t seed = 1; seed <= 20; seed++) {
		result = heph_sim_run(seed, &options, task, { fn });
		if (seed == 1)
			first = result;
		assert_int_equal(result, first);
	}
	return result;
}

/* What the actors of a world had that has failed is lost, as it should be, so leaks are
 * not looked for there. */
static void may_leak(bool may)
{
#ifdef __SANITIZE_ADDRESS__
	if (may)
		__lsan_disable();
	else
		__lsan_enable();
#endif
	if (may)
		dies_with_leaks();
}

static int run_failing(task_fn *fn)
{
	int result;

	may_leak(true);
	result = run_task(fn);
	may_leak(false);
	return result;
}

/* ---- failing ------------------------------------------------------------------------ */

static int wait_for_nothing(heph_ctx ctx)
{
	heph_fd fds[2];
	char byte;
	int err = heph_socket_pair(ctx, AF_UNIX, SOCK_STREAM, 0, fds);

	return err < 0 ? err : heph_read(ctx, fds[0], &byte, 1);
}

static void who_is_stuck_is_told(void **state)
{
	assert_int_equal(run_failing(wait_for_nothing), -EDEADLK);
	assert_non_null(strstr(told, "nobody can run"));
	assert_non_null(strstr(told, "HEPH_SIM_SEED=20"));
}

static int check_wrong(heph_ctx ctx)
{
	heph_check(ctx, 1 + 1 == 3);
	return 0;
}

static void a_failed_check_is_told(void **state)
{
	assert_int_equal(run_failing(check_wrong), -ENOTRECOVERABLE);
	assert_non_null(strstr(told, "1 + 1 == 3"));
}

static int find_wrong(heph_ctx ctx)
{
	heph_sim_fail(ctx, "the moon is green");
	return heph_sleep(ctx, HEPH_NEVER);
}

static void a_failure_ends_the_run(void **state)
{
	assert_int_equal(run_failing(find_wrong), -EPROTO);
	assert_non_null(strstr(told, "the moon is green"));
}

static int be_late_and_wrong(heph_ctx ctx)
{
	heph_fd fds[2];
	int err = heph_socket_pair(ctx, AF_UNIX, SOCK_STREAM, 0, fds);
	char byte;

	if (err == 0)
		err = heph_write_all(ctx, fds[0], "x", 1);
	if (err == 0)
		err = heph_read_exact(ctx, fds[1], &byte, 1, NULL);
	return err < 0 ? err : find_wrong(ctx);
}

static void the_faults_are_told_with_the_failure(void **state)
{
	struct heph_sim_options options = { .fail = tell, .faults.late = 1 };

	may_leak(true);
	assert_int_equal(heph_sim_run(7, &options, task, { be_late_and_wrong }),
			 -EPROTO);
	may_leak(false);
	assert_non_null(strstr(told, "(HEPH_SIM_SEED=7, faults: late "));
}

static unsigned resets, mutes, forced;

static void look_at_line(enum heph_log_level level, const char *line, size_t size)
{
	bool whole = strstr(line, " at=") && strstr(line, " hits=") &&
		     strstr(line, " hits_id=") && strstr(line, " operation=") &&
		     strstr(line, " fd=");

	(void)level, (void)size;
	resets += whole && strstr(line, "msg=fault target=heph.sim kind=reset ");
	mutes += whole && strstr(line, " kind=mute ") &&
		 strstr(line, " hits=client ") &&
		 strstr(line, " peer=10.0.0.1:7000");
	forced += strstr(line, "forcing it") != NULL;
}

static void listen_to_log(void)
{
	heph_log_to_fn(look_at_line);
	heph_log_set_level(HEPH_LOG_DEBUG);
}

static void leave_log(void)
{
	heph_log_flush();
	heph_log_set_level(HEPH_LOG_OFF);
	heph_log_to_fn(NULL);
}

static void faults_are_in_the_log(void **state)
{
	long sum = 0;
	struct heph_sim_options options = { .faults.reset = 0.1 };

	listen_to_log();
	assert_int_equal(heph_sim_run(1, &options, world, { &sum }), 0);
	options.faults = (struct heph_sim_faults){ .mute = 0.1 };
	assert_int_equal(heph_sim_run(1, &options, world, { &sum }), 0);
	leave_log();
	assert_true(resets > 0);
	assert_true(mutes > 0);
}

/* ---- a server in a tree ------------------------------------------------------------- */

HEPH_ACTOR(boss, void, void);

static int boss_main(heph_ctx ctx)
{
	struct heph_tree tree = { .times = 3 };
	int err = heph_spawn(ctx, server, NULL, .tree = &tree);

	return err < 0 ? err : heph_supervise(ctx, &tree);
}
HEPH_ACTOR_MAIN(boss, boss_main);

/* A connection that says nothing holds up the end of the server, for as long as it
 * leaves it. */
static int stop_boss(heph_ctx ctx)
{
	boss_ref boss;
	heph_fd fd;
	heph_time began;
	int err = heph_spawn(ctx, boss, &boss);

	if (err == 0)
		err = heph_sleep(ctx, HEPH_SEC);
	if (err == 0)
		err = heph_connect(ctx, ADDRESS, &fd);
	if (err == 0)
		err = heph_sleep(ctx, HEPH_SEC);
	began = heph_now();
	heph_stop(boss);
	if (err == 0)
		err = heph_join(ctx, boss, NULL);
	must(heph_now() - began >= heph_config_of(ctx)->grace / 2);
	return err;
}

static void a_server_in_a_tree_is_not_forced(void **state)
{
	const heph_time graces[] = { 0, HEPH_SEC, 60 * HEPH_SEC };

	forced = 0;
	listen_to_log();
	for (unsigned n = 0; n < sizeof(graces) / sizeof(*graces); n++) {
		struct heph_sim_options options = { .grace = graces[n] };

		for (uint64_t seed = 1; seed <= 3; seed++)
			assert_int_equal(heph_sim_run(seed, &options, task,
						      { stop_boss }),
					 0);
	}
	leave_log();
	assert_int_equal(forced, 0);
}

static int sleep_long(heph_ctx ctx)
{
	return heph_sleep(ctx, 100 * 24 * 3600 * HEPH_SEC);
}

static void a_run_has_an_end(void **state)
{
	assert_int_equal(run_failing(sleep_long), -ETIMEDOUT);
}

static void values_out_of_range_are_einval(void **state)
{
	struct heph_sim_options options = { .faults.reset = 1.5 };

	assert_int_equal(heph_sim_run(1, &options, task, { sleep_long }),
			 -EINVAL);
	options = (struct heph_sim_options){ .patience = -1 };
	assert_int_equal(heph_sim_run(1, &options, task, { sleep_long }),
			 -EINVAL);
}

static int misuse(heph_ctx ctx)
{
	return (int)heph_sim_random(ctx, 0);
}

/* What a process says on standard error that dies of it. */
static void die_of_misuse(int out)
{
	struct rlimit none = { 0 };

	setrlimit(RLIMIT_CORE, &none);
	dies_with_leaks();
	dup2(out, STDERR_FILENO);
	(void)!heph_sim_run(4711, NULL, task, { misuse });
	_exit(0);
}

static void who_dies_names_the_seed(void **state)
{
	char text[4096];
	size_t size = 0;
	int pipe_fds[2], status;
	ssize_t n;
	pid_t pid;

	assert_int_equal(pipe(pipe_fds), 0);
	pid = fork();
	if (pid == 0)
		die_of_misuse(pipe_fds[1]);
	close(pipe_fds[1]);
	while ((n = read(pipe_fds[0], text + size, sizeof(text) - 1 - size)) > 0)
		size += (size_t)n;
	text[size] = '\0';
	close(pipe_fds[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	assert_non_null(strstr(text, "HEPH_SIM_SEED=4711"));
}

/* ---- what is not of this world --------------------------------------------------------- */

static int reach_out(heph_ctx ctx)
{
	heph_ctx other;
	heph_fd fd;

	must_be(heph_attach(heph_runtime(ctx), &other), -EOPNOTSUPP);
	must_be(heph_fd_adopt(ctx, 1, &fd), -EOPNOTSUPP);
	must_be(heph_fd_adopt(ctx, -1, &fd), -EBADF);
	return 0;
}

static void what_is_outside_is_refused(void **state)
{
	assert_int_equal(run_task(reach_out), 0);
}

static void outside_of_a_world_there_is_none(void **state)
{
	heph_ctx ctx = begin(&two_workers);

	assert_int_equal(heph_sim_random(ctx, 10), 0);
	assert_int_equal(heph_sim_partition(ctx, "::1", NULL, true), -EOPNOTSUPP);
	assert_int_equal(heph_sim_crash_disk(ctx), -EOPNOTSUPP);
	assert_int_equal(heph_sim_host(ctx, "a", "::1"), -EOPNOTSUPP);
	assert_int_equal(heph_sim_signal(ctx, SIGINT), -EOPNOTSUPP);
	end(ctx);
}

/* ---- the network -------------------------------------------------------------------------- */

static int talk_across_a_cut(heph_ctx ctx)
{
	heph_fd listener, client, server;
	char byte;

	must_be(heph_listen(ctx, "10.0.0.2:7", &listener), 0);
	must_be(heph_connect(ctx, "10.0.0.2:7", &client), 0);
	must_be(heph_accept(ctx, listener, &server), 0);
	must_be(heph_sim_partition(ctx, "10.0.0.1", "10.0.0.2", true), 0);
	must_be(heph_write(ctx, client, "x", 1), 1);
	must_be(heph_read(heph_within(ctx, HEPH_SEC), server, &byte, 1), -ETIME);
	must_be(heph_connect(heph_within(ctx, HEPH_SEC), "10.0.0.2:7", &listener),
		-ETIME);
	must_be(heph_sim_partition(ctx, "10.0.0.1", "10.0.0.2", false), 0);
	must_be(heph_read(ctx, server, &byte, 1), 1);
	must_be(heph_sim_partition(ctx, "10.0.0.2", NULL, true), 0);
	must_be(heph_write(ctx, client, "x", 1), 1);
	must_be(heph_read(ctx, client, &byte, 1), -ETIMEDOUT);
	must_be(heph_read(heph_within(ctx, HEPH_SEC), server, &byte, 1), -ETIME);
	must_be(heph_sim_partition(ctx, "nonsense", NULL, true), -EINVAL);
	return 0;
}

static void a_cut_holds_up_what_is_sent(void **state)
{
	assert_int_equal(run_task(talk_across_a_cut), 0);
}

static int connect_by_name(heph_ctx ctx)
{
	heph_fd listener, client;

	must_be(heph_connect(ctx, "db.example:7", &client), -ENOENT);
	must_be(heph_sim_host(ctx, "db.example", "10.0.0.9"), 0);
	must_be(heph_connect(ctx, "db.example:7", &client), -ECONNREFUSED);
	must_be(heph_listen(ctx, "10.0.0.9:7", &listener), 0);
	must_be(heph_connect(ctx, "db.example:7", &client), 0);
	must_be(heph_sim_host(ctx, "db.example", NULL), 0);
	must_be(heph_connect(ctx, "db.example:7", &client), -ENOENT);
	must_be(heph_sim_host(ctx, "db.example", "nonsense"), -EINVAL);
	return 0;
}

static void hosts_have_names(void **state)
{
	assert_int_equal(run_task(connect_by_name), 0);
}

static int use_pairs(heph_ctx ctx)
{
	static const int types[] = { SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET };
	heph_fd fds[2];
	char in[8];

	for (unsigned n = 0; n < 3; n++) {
		must_be(heph_socket_pair(ctx, AF_UNIX, types[n], 0, fds), 0);
		must_be(heph_write(ctx, fds[0], "abc", 3), 3);
		must_be(heph_write(ctx, fds[0], "de", 2), 2);
		must_be(heph_sleep(ctx, HEPH_SEC), 0);
		must_be(heph_read(ctx, fds[1], in, sizeof(in)), n ? 3 : 5);
		must(memcmp(in, "abc", 3) == 0);
		heph_close(fds[0]);
		heph_close(fds[1]);
	}
	must_be(heph_pipe(ctx, fds, 0), 0);
	must_be(heph_write(ctx, fds[1], "abc", 3), 3);
	must_be(heph_read(ctx, fds[0], in, sizeof(in)), 3);
	heph_close(fds[1]);
	must_be(heph_read(ctx, fds[0], in, sizeof(in)), 0);
	return 0;
}

static void pairs_and_pipes_are_there(void **state)
{
	assert_int_equal(run_task(use_pairs), 0);
}

/* ---- datagrams of Unix sockets -------------------------------------------------------------- */

enum { READS, CLOSES, WAYS }; /* what the receiver does, late */

struct reader_arg {
	heph_fd fd;
	int way;
};
HEPH_ACTOR(reader, void, struct reader_arg);

static int reader_main(heph_ctx ctx, struct reader_arg *arg)
{
	char in[100];

	must_be(heph_sleep(ctx, 70 * HEPH_MSEC), 0);
	if (arg->way == CLOSES)
		return 0;
	must_be(heph_read(ctx, arg->fd, in, sizeof(in)), 1);
	return heph_sleep(ctx, HEPH_SEC);
}
HEPH_ACTOR_MAIN(reader, reader_main);

static void send_late(heph_ctx ctx, bool named, bool connected, int way)
{
	struct heph_address at, own;
	heph_ctx limited;
	heph_time began;
	heph_fd to, fd;
	reader_ref ref;
	int n;

	must_be(heph_address_parse(&at, "unix:/receiver"), 0);
	must_be(heph_address_parse(&own, "unix:/sender"), 0);
	must_be(heph_socket_open(ctx, AF_UNIX, SOCK_DGRAM, 0, &to), 0);
	must_be(heph_socket_bind(ctx, to, &at), 0);
	must_be(heph_socket_open(ctx, AF_UNIX, SOCK_DGRAM, 0, &fd), 0);
	if (named)
		must_be(heph_socket_bind(ctx, fd, &own), 0);
	if (connected)
		must_be(heph_socket_connect(ctx, fd, &at), 0);
	do
		n = heph_socket_send_to(ctx, fd, "x", 1, MSG_DONTWAIT, &at);
	while (n == 1);
	must_be(n, -EAGAIN);
	must_be(heph_spawn(ctx, reader, &ref, { to, way }, .give = to), 0);
	began = heph_now();
	/* a pause that has begun before there is room ends after the deadline */
	limited = heph_within(ctx, 110 * HEPH_MSEC);
	n = connected ? heph_write(limited, fd, "y", 1) :
			heph_socket_send_to(limited, fd, "y", 1, 0, &at);
	must_be(n, way == CLOSES ? -ECONNREFUSED : 1);
	must(heph_now() - began >= 70 * HEPH_MSEC);
	heph_close(fd);
	heph_stop(ref);
	must_be(heph_join(ctx, ref, NULL), 0);
}

static int send_to_late(heph_ctx ctx)
{
	for (int named = 0; named < 2; named++)
		for (int connected = 0; connected < 2; connected++)
			for (int way = 0; way < WAYS; way++)
				send_late(ctx, named, connected, way);
	return 0;
}

static void datagrams_wait_for_room(void **state)
{
	assert_int_equal(run_task(send_to_late), 0);
}

/* ---- the disk -------------------------------------------------------------------------------- */

static int use_disk(heph_ctx ctx)
{
	struct heph_stat stat;
	heph_fd fd;
	char in[8];

	must_be(heph_mkdir(ctx, "/a", 0700), 0);
	must_be(heph_open(ctx, "/a/b", O_RDWR | O_CREAT | O_EXCL, 0600, &fd), 0);
	must_be(heph_write_all(ctx, fd, "hello", 5), 0);
	must_be(heph_file_sync(ctx, fd), 0);
	must_be(heph_rename(ctx, "/a/b", "/a/c", 0), 0);
	must_be(heph_file_sync(ctx, fd), 0);
	must_be(heph_write_all(ctx, fd, "lost?", 5), 0);
	must_be(heph_sim_crash_disk(ctx), 0);
	must_be(heph_read(ctx, fd, in, 1), -EIO);
	heph_close(fd);
	must_be(heph_open(ctx, "/a/b", O_RDONLY, 0, &fd), -ENOENT);
	must_be(heph_open(ctx, "/a/c", O_RDONLY, 0, &fd), 0);
	must_be(heph_read(ctx, fd, in, 5), 5);
	must(memcmp(in, "hello", 5) == 0);
	must_be(heph_stat(ctx, fd, STATX_SIZE, &stat), 0);
	must(stat.size == 5 || stat.size == 10);
	must_be(heph_remove(ctx, "/a"), -EISDIR);
	must_be(heph_rmdir(ctx, "/a"), -ENOTEMPTY);
	must_be(heph_remove_all(ctx, "/a"), 0);
	return 0;
}

static void what_was_synced_survives(void **state)
{
	assert_int_equal(run_task(use_disk), 0);
}

static int look_below(heph_ctx ctx, act_inbox in, void *arg)
{
	struct heph_stat stat = { .size = 9 };
	heph_fd fd;
	int dir;

	must_be(heph_mkdir(ctx, "/a", 0700), 0);
	must_be(heph_mkdir(ctx, "/a/b", 0700), 0);
	must_be(heph_open(ctx, "/out", O_RDWR | O_CREAT, 0600, &fd), 0);
	must_be(heph_symlink(ctx, "../../out", "/a/b/link"), 0);
	must_be(heph_open(ctx, "/a", O_RDONLY, 0, &fd), 0);
	dir = heph_fd_number(ctx, fd);
	must(dir >= 0);
	must_be(heph_open_beneath(ctx, dir, "b/new", O_RDWR | O_CREAT, 0600,
				  &fd, NULL),
		0);
	must_be(heph_open_beneath(ctx, dir, "b/../b/new", O_RDONLY, 0, &fd,
				  &stat),
		0);
	must_be(stat.size, 0);
	must(S_ISREG(stat.mode));
	must_be(heph_open_beneath(ctx, dir, "b/none", O_RDONLY, 0, &fd, NULL),
		-ENOENT);
	must_be(heph_open_beneath(ctx, dir, "../out", O_RDONLY, 0, &fd, NULL),
		-EXDEV);
	must_be(heph_open_beneath(ctx, dir, "/a/b", O_RDONLY, 0, &fd, NULL),
		-EXDEV);
	must_be(heph_open_beneath(ctx, dir, "b/link", O_RDONLY, 0, &fd, NULL),
		-EXDEV);
	return 0;
}

static void what_is_below_is_opened(void **state)
{
	must_be(heph_sim_run(1, NULL, act, { look_below, NULL }), 0);
}

static int fill_disk(heph_ctx ctx)
{
	char *text = heph_alloc(ctx, 1000);
	int n, sum = 0;
	heph_fd fd;

	memset(text, 'x', 1000);
	must_be(heph_open(ctx, "/full", O_WRONLY | O_CREAT, 0600, &fd), 0);
	while ((n = heph_write(ctx, fd, text, 1000)) > 0)
		sum += n;
	must_be(n, -ENOSPC);
	must_be(sum, 12345);
	return 0;
}

static void a_disk_gets_full(void **state)
{
	struct heph_sim_options options = { .disk = 12345 };

	assert_int_equal(heph_sim_run(1, &options, task, { fill_disk }), 0);
}

/* ---- children --------------------------------------------------------------------------------- */

static const struct heph_sim_program hello = { .name = "hello",
					       .output = "hello\n",
					       .status = 3,
					       .length = HEPH_SEC };
static const struct heph_sim_program deaf = { .name = "deaf",
					      .length = 1000 * HEPH_SEC,
					      .stubborn = true };

static int run_children(heph_ctx ctx)
{
	static const char *const say_hello[] = { "/bin/hello", NULL };
	static const char *const be_deaf[] = { "/bin/deaf", NULL };
	static const char *const nothing[] = { "/bin/nothing", NULL };
	struct heph_process_status status;
	struct heph_process process;
	char out[20];
	struct heph_process_talk talk = { .out = out, .out_size = sizeof(out) };
	heph_time begin = heph_now();

	must_be(heph_sim_program(ctx, &hello), 0);
	must_be(heph_sim_program(ctx, &deaf), 0);
	must_be(heph_process_run(ctx, nothing, NULL, &status), -ENOENT);
	must_be(heph_process_run(ctx, say_hello, &talk, &status), 0);
	must(heph_now() - begin >= HEPH_SEC);
	must_be(status.how, HEPH_PROCESS_EXITED);
	must_be(status.code, 3);
	must_be(talk.n_out, 6);
	must(memcmp(out, "hello\n", 6) == 0);
	must_be(heph_process_start(ctx, &process, be_deaf), 0);
	must_be(heph_process_kill(ctx, &process, SIGTERM), 0);
	must_be(heph_process_wait(heph_within(ctx, HEPH_SEC), &process, &status),
		-ETIME);
	must_be(heph_process_kill(ctx, &process, SIGKILL), 0);
	must_be(heph_process_wait(ctx, &process, &status), 0);
	must_be(status.how, HEPH_PROCESS_KILLED);
	must_be(status.code, SIGKILL);
	must_be(heph_process_start(ctx, &process, be_deaf), 0);
	return 0; /* which ends it */
}

static void children_run_programs(void **state)
{
	assert_int_equal(run_task(run_children), 0);
}

/* ---- signals --------------------------------------------------------------------------------- */

static int be_interrupted(heph_ctx ctx)
{
	must_be(heph_sim_signal(ctx, 1000), -EINVAL);
	must_be(heph_sim_signal(ctx, SIGTERM), 0);
	must_be(heph_sleep(ctx, HEPH_NEVER), -ECANCELED);
	return 0;
}

static void a_signal_stops_the_program(void **state)
{
	assert_int_equal(run_task(be_interrupted), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_server_serves_its_clients),
		cmocka_unit_test(the_same_seed_gives_the_same_run),
		cmocka_unit_test(other_seeds_give_other_runs),
		cmocka_unit_test(who_is_stuck_is_told),
		cmocka_unit_test(a_failed_check_is_told),
		cmocka_unit_test(a_failure_ends_the_run),
		cmocka_unit_test(the_faults_are_told_with_the_failure),
		cmocka_unit_test(faults_are_in_the_log),
		cmocka_unit_test(a_server_in_a_tree_is_not_forced),
		cmocka_unit_test(a_run_has_an_end),
		cmocka_unit_test(who_dies_names_the_seed),
		cmocka_unit_test(values_out_of_range_are_einval),
		cmocka_unit_test(what_is_outside_is_refused),
		cmocka_unit_test(outside_of_a_world_there_is_none),
		cmocka_unit_test(a_cut_holds_up_what_is_sent),
		cmocka_unit_test(hosts_have_names),
		cmocka_unit_test(pairs_and_pipes_are_there),
		cmocka_unit_test(datagrams_wait_for_room),
		cmocka_unit_test(what_was_synced_survives),
		cmocka_unit_test(what_is_below_is_opened),
		cmocka_unit_test(a_disk_gets_full),
		cmocka_unit_test(children_run_programs),
		cmocka_unit_test(a_signal_stops_the_program),
	};

	setenv("HEPH_LOG", "off", 0);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
