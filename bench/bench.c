/* SPDX-License-Identifier: MIT */
#include "bench.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

/* User and system time of all threads of the process. */
static heph_time cpu_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return now.tv_sec * HEPH_SEC + now.tv_nsec;
}

static long peak_kb(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return usage.ru_maxrss;
}

long bench_rss(void)
{
	FILE *file = fopen("/proc/self/statm", "re");
	long size, resident;
	int n;

	bench_check(file != NULL);
	n = fscanf(file, "%ld %ld", &size, &resident);
	fclose(file);
	bench_check(n == 2);
	return resident * sysconf(_SC_PAGESIZE);
}

void bench_extra(struct bench *bench, const char *format, ...)
{
	size_t length = strlen(bench->extras);
	size_t room = sizeof(bench->extras) - length;
	va_list args;
	int n;

	va_start(args, format);
	n = snprintf(bench->extras + length, room, " ");
	n += vsnprintf(bench->extras + length + 1, room - 1, format, args);
	va_end(args);
	bench_check((size_t)n < room);
}

void bench_start(struct bench *bench)
{
	bench->ended = 0;
	bench->cpu_began = cpu_now();
	bench->began = heph_now();
}

void bench_stop(struct bench *bench)
{
	heph_time now = heph_now();

	bench_check(bench->ended == 0);
	bench->ended = now;
	bench->cpu_ended = cpu_now();
	bench->peak_kb = peak_kb();
	bench_must(heph_try_send(bench->root, { .stopped = 1 }));
}

void bench_wait(heph_ctx ctx, struct bench *bench)
{
	struct bench_root_msg msg;

	bench_must(heph_recv(ctx, bench->in, &msg));
}

void bench_settle(heph_ctx ctx)
{
	bench_must(heph_sleep(ctx, 20 * HEPH_MSEC));
}

void bench_failed__(int err, const char *what, const char *file, int line)
{
	fprintf(stderr, "bench: %s:%d: %s: %s\n", file, line, what,
		err == -EPROTO ? "does not hold" : strerror(-err));
	_exit(3);
}

static int root_main(heph_ctx ctx, bench_root_inbox in,
		     struct bench_root_arg *arg)
{
	struct bench *bench = arg->bench;

	bench->in = in;
	bench->root = heph_self(in);
	return bench->body(ctx, bench);
}
HEPH_ACTOR_MAIN(bench_root, root_main);

static void print_line(const struct bench *bench)
{
	double secs = (double)(bench->ended - bench->began) / HEPH_SEC;
	double cpu = (double)(bench->cpu_ended - bench->cpu_began) / HEPH_SEC;
	double ops = (double)bench->ops;

	printf("%s impl=heph n=%" PRIu64 " secs=%.4f rate=%.0f/s "
	       "ns_per_op=%.1f rss_kb=%ld cpu_secs=%.3f cpu_ns_per_op=%.1f%s\n",
	       bench->name, bench->ops, secs, ops / secs, secs * 1e9 / ops,
	       bench->peak_kb, cpu, cpu * 1e9 / ops, bench->extras);
	fflush(stdout);
}

int bench_run(struct bench *bench)
{
	struct heph_config config = {
		.name = "bench",
		.workers = bench->workers,
		.control = bench->control ? "auto" : NULL,
		.scheduler = bench->scheduler,
	};
	uint64_t total;
	int err;

	err = heph_run(&config, bench_root, { bench }, .on = HEPH_WORKER(0));
	if (err < 0)
		return err;
	total = atomic_load(&bench->total);
	if (bench->ended == 0 || total != bench->wanted) {
		fprintf(stderr,
			"bench: %s: counted %" PRIu64 ", not %" PRIu64 "\n",
			bench->name, total, bench->wanted);
		return -EPROTO;
	}
	print_line(bench);
	return 0;
}
