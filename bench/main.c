/* SPDX-License-Identifier: MIT */
/*
 * bench NAME [N [SIZE]]    runs one benchmark and prints one line
 * bench [list]             the names, with their N and SIZE
 * bench all [N]            all but those that need much, each in a process of
 *                          its own
 *
 * A run that has not ended after BENCH_TIMEOUT seconds (120; from the
 * environment) has failed.
 */
#include "bench.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MILLION = 1000 * 1000 };

/* clang-format off */
static const struct bench benches[] = {
	{ .name = "pingpong_local", .body = bench_ring,
	  .n = 20 * MILLION, .size = 2, .workers = 1 },
	{ .name = "pingpong_control", .body = bench_ring,
	  .n = 20 * MILLION, .size = 2, .workers = 1, .control = true },
	{ .name = "pingpong_forced", .body = bench_ring,
	  .n = 1 * MILLION, .size = 2, .workers = 2 },
	{ .name = "any_local", .body = bench_ring,
	  .n = 2 * MILLION, .size = 2, .workers = 1, .on = HEPH_ANY },
	{ .name = "any", .body = bench_ring,
	  .n = 500 * 1000, .size = 2, .workers = 2, .on = HEPH_ANY },
	{ .name = "own_thread", .body = bench_ring,
	  .n = 200 * 1000, .size = 2, .workers = 1, .on = HEPH_OWN_THREAD },
	{ .name = "ring_local", .body = bench_ring,
	  .n = 20 * MILLION, .size = 1000, .workers = 1 },
	{ .name = "ring_million", .body = bench_ring,
	  .n = 10 * MILLION, .size = MILLION, .workers = 1 },
	{ .name = "ring_random", .body = bench_ring,
	  .n = 5 * MILLION, .size = MILLION, .workers = 1, .option = true },
	{ .name = "switch", .body = bench_switch,
	  .n = 20 * MILLION, .workers = 1 },
	{ .name = "switch_fifo", .body = bench_switch,
	  .n = 10 * MILLION, .workers = 1, .scheduler = &heph_scheduler_fifo },
	{ .name = "switch_fair", .body = bench_switch,
	  .n = 10 * MILLION, .workers = 1, .scheduler = &heph_scheduler_fair },
	{ .name = "ring_fifo", .body = bench_ring, .n = 10 * MILLION,
	  .size = 1000, .workers = 1, .scheduler = &heph_scheduler_fifo },
	{ .name = "ring_fair", .body = bench_ring, .n = 10 * MILLION,
	  .size = 1000, .workers = 1, .scheduler = &heph_scheduler_fair },
	{ .name = "pairs_local", .body = bench_pairs,
	  .n = 10 * MILLION, .size = 2, .workers = 1 },
	{ .name = "pairs", .body = bench_pairs,
	  .n = 10 * MILLION, .size = 2, .workers = 2 },
	{ .name = "count_local", .body = bench_count,
	  .n = 20 * MILLION, .workers = 1, .inbox = 1024 },
	{ .name = "count_forced", .body = bench_count,
	  .n = 20 * MILLION, .workers = 2, .inbox = 1024 },
	{ .name = "spawn_local", .body = bench_spawn,
	  .n = 2 * MILLION, .workers = 1 },
	{ .name = "spawn_burst", .body = bench_spawn,
	  .n = 1 * MILLION, .workers = 1, .option = true },
	{ .name = "spawn_alive", .body = bench_alive,
	  .n = 1 * MILLION, .workers = 1 },
	{ .name = "alive_msg", .body = bench_alive,
	  .n = 1 * MILLION, .workers = 1, .option = true },
	{ .name = "alive_local", .body = bench_alive_local,
	  .n = 1 * MILLION, .workers = 1 },
	{ .name = "alive10m", .body = bench_alive_local,
	  .n = 10 * MILLION, .workers = 1, .by_name = true },
	{ .name = "memory_msg", .body = bench_memory,
	  .n = 100 * 1000, .size = 64, .workers = 1 },
	{ .name = "memory_depth", .body = bench_memory,
	  .n = 100 * 1000, .size = 64, .workers = 1, .option = true },
	{ .name = "group_local", .body = bench_group,
	  .n = 10 * MILLION, .size = 8, .workers = 1 },
	{ .name = "group_forced", .body = bench_group,
	  .n = 10 * MILLION, .size = 8, .workers = 2 },
	{ .name = "rpc_local", .body = bench_rpc,
	  .n = 10 * MILLION, .workers = 1 },
	{ .name = "rpc_forced", .body = bench_rpc,
	  .n = 500 * 1000, .workers = 2 },
	{ .name = "rpc_traced", .body = bench_rpc_traced,
	  .n = 10 * MILLION, .workers = 1 },
	{ .name = "fan_in_local", .body = bench_fan_in,
	  .n = 200 * 1000, .size = 100, .workers = 1, .inbox = 1024 },
	{ .name = "fan_in", .body = bench_fan_in,
	  .n = 200 * 1000, .size = 100, .workers = 2, .inbox = 1024 },
	{ .name = "chan_here", .body = bench_chan,
	  .n = 10 * MILLION, .workers = 1, .inbox = 64, .option = true },
	{ .name = "chan_local", .body = bench_chan,
	  .n = 2 * MILLION, .workers = 1, .inbox = 64 },
	{ .name = "chan_threads", .body = bench_chan_threads,
	  .n = 2 * MILLION, .workers = 1, .inbox = 64 },
	{ .name = "timers", .body = bench_timers,
	  .n = 100 * 1000, .size = 4, .workers = 1 },
	{ .name = "timer_set", .body = bench_deadline,
	  .n = 10 * MILLION, .workers = 1 },
	{ .name = "timer_nearer", .body = bench_deadline,
	  .n = 10 * MILLION, .workers = 1, .option = true },
	{ .name = "big_local", .body = bench_big,
	  .n = 80 * 1000, .size = 120, .workers = 1 },
	{ .name = "big", .body = bench_big,
	  .n = 80 * 1000, .size = 120, .workers = 2 },
	{ .name = "echo_local", .body = bench_echo,
	  .n = 200 * 1000, .size = 1, .workers = 1 },
	{ .name = "echo_forced", .body = bench_echo,
	  .n = 100 * 1000, .size = 1, .workers = 2 },
	{ .name = "latency_local", .body = bench_latency,
	  .n = 200 * 1000, .size = 100 * 1000, .workers = 1, .inbox = 1024 },
	{ .name = "latency", .body = bench_latency,
	  .n = 200 * 1000, .size = 100 * 1000, .workers = 2, .inbox = 1024 },
	{ .name = "idle_local", .body = bench_idle,
	  .n = 1000, .workers = 1 },
	{ .name = "idle", .body = bench_idle,
	  .n = 1000, .workers = 2 },
	{ .name = "shutdown_local", .body = bench_shutdown,
	  .n = 100 * 1000, .workers = 1 },
	{ .name = "shutdown", .body = bench_shutdown,
	  .n = 100 * 1000, .workers = 2 },
	{ .name = "beside_local", .body = bench_beside,
	  .n = 10 * MILLION, .size = MILLION, .workers = 1 },
	{ .name = "beside_seen", .body = bench_beside,
	  .n = 10 * MILLION, .size = MILLION, .workers = 1, .option = true },
};
/* clang-format on */

enum { N_BENCHES = sizeof(benches) / sizeof(*benches) };

/* Not on a stack: all actors have its address. */
static struct bench the_bench;

static const char synopsis[] =
	"usage: bench NAME [N [SIZE]] | bench list | bench all [N]";

static int usage(void)
{
	fprintf(stderr, "%s\n", synopsis);
	return 2;
}

static int list(void)
{
	for (size_t i = 0; i < N_BENCHES; i++) {
		printf("%-16s %8" PRIu64, benches[i].name, benches[i].n);
		if (benches[i].size)
			printf(" %7" PRIu64, benches[i].size);
		putchar('\n');
	}
	return 0;
}

/* A count from the command line; 0 if it is none. */
static uint64_t parse_count(const char *text)
{
	unsigned long long value;
	char *end;

	errno = 0;
	value = strtoull(text, &end, 10);
	if (errno || end == text || *end || *text == '-')
		return 0;
	return value;
}

static void on_alarm(int signal)
{
	static const char text[] = "bench: no end in sight\n";

	(void)signal;
	if (write(STDERR_FILENO, text, sizeof(text) - 1) < 0)
		_exit(5);
	_exit(4);
}

static void start_alarm(void)
{
	const char *text = getenv("BENCH_TIMEOUT");

	signal(SIGALRM, on_alarm);
	alarm(text ? (unsigned)parse_count(text) : 120);
}

static int run(const struct bench *bench, const char *n, const char *size)
{
	int err;

	the_bench = *bench;
	if (n && !(the_bench.n = parse_count(n)))
		return usage();
	if (size && (!bench->size || !(the_bench.size = parse_count(size)) ||
		     the_bench.size > 1u << 30))
		return usage();
	if (bench->inbox)
		bench_extra(&the_bench, "inbox=%u", bench->inbox);
	start_alarm();
	err = bench_run(&the_bench);
	if (err < 0)
		fprintf(stderr, "bench: %s: %s\n", bench->name, strerror(-err));
	return err < 0;
}

/* Runs one in a new process, so that its memory is its own. */
static int run_apart(const struct bench *bench, const char *n)
{
	int status;
	pid_t pid;

	pid = fork();
	if (pid == 0) {
		execl("/proc/self/exe", "bench", bench->name, n, (char *)NULL);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) < 0) {
		perror("bench");
		return 1;
	}
	if (status)
		fprintf(stderr, "bench: %s failed\n", bench->name);
	return status != 0;
}

static int run_all(const char *n)
{
	int failed = 0;

	for (size_t i = 0; i < N_BENCHES; i++)
		if (!benches[i].by_name)
			failed |= run_apart(&benches[i], n);
	return failed;
}

int main(int argc, char **argv)
{
	if (argc == 1) {
		puts(synopsis);
		return list();
	}
	if (argc > 4)
		return usage();
	if (strcmp(argv[1], "list") == 0)
		return list();
	if (strcmp(argv[1], "all") == 0)
		return run_all(argv[2]);
	for (size_t i = 0; i < N_BENCHES; i++)
		if (strcmp(argv[1], benches[i].name) == 0)
			return run(&benches[i], argv[2],
				   argc == 4 ? argv[3] : NULL);
	fprintf(stderr, "bench: no benchmark '%s'; see bench list\n", argv[1]);
	return 2;
}
