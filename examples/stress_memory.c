/* SPDX-License-Identifier: MIT */
/*
 * stress_memory.c - many actors that do nothing, and what they cost
 *
 * usage: stress_memory [ACTORS]
 *
 * Spawns 10 million, or so many, waits until all of them wait for a message, and
 * says how long that took and how much memory they have; then sleeps until SIGINT
 * or SIGTERM, and says how long their end took. 10 million need 3 GB.
 */
#include <heph/heph.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ACTORS = 10 * 1000 * 1000, ACTORS_MAX = 1 << 28 };

struct idle_msg {
	long value;
};

HEPH_ACTOR(idle, struct idle_msg, void);

static int idle_main(heph_ctx ctx, idle_inbox in)
{
	struct idle_msg msg;
	int err;

	while ((err = heph_recv(ctx, in, &msg)) == 0)
		;
	return err;
}
HEPH_ACTOR_MAIN(idle, idle_main);

struct part_msg {
	HEPH_REPLY(int) done;
};

struct part_arg {
	long n;
};

HEPH_ACTOR(part, struct part_msg, struct part_arg);

/* The share of one worker. Its answer comes after they have run, because they are
 * asked before it is. */
static int part_main(heph_ctx ctx, part_inbox in, struct part_arg *arg)
{
	struct part_msg msg;
	int err = 0;

	for (long i = 0; err == 0 && i < arg->n; i++)
		err = heph_spawn(ctx, idle, NULL);
	if (err == 0)
		err = heph_yield(ctx);
	if (err == 0)
		err = heph_recv(ctx, in, &msg);
	if (err < 0)
		return err;
	heph_answer(msg.done, 0);
	return heph_sleep(ctx, HEPH_NEVER);
}
HEPH_ACTOR_MAIN(part, part_main);

/* Bytes of memory that the process has. */
static long memory(void)
{
	FILE *file = fopen("/proc/self/statm", "re");
	long pages = 0, resident = 0;

	if (file && fscanf(file, "%ld %ld", &pages, &resident) != 2)
		resident = 0;
	if (file)
		fclose(file);
	return resident * sysconf(_SC_PAGESIZE);
}

static double seconds_since(heph_time began)
{
	return (double)(heph_now() - began) / (double)HEPH_SEC;
}

static int spawn_all(heph_ctx ctx, long n, part_ref *parts)
{
	long workers = heph_workers(ctx);
	int err = 0, done;

	for (long i = 0; err == 0 && i < workers; i++)
		err = heph_spawn(ctx, part, &parts[i],
				 { n / workers + (i < n % workers) },
				 .on = HEPH_WORKER((int)i));
	for (long i = 0; err == 0 && i < workers; i++)
		err = heph_call(ctx, parts[i], done, &done, { 0 });
	return err;
}

static int stress(heph_ctx ctx, long n)
{
	static part_ref parts[HEPH_WORKERS_MAX];
	long before = memory();
	heph_time began = heph_now();
	int err = spawn_all(ctx, n, parts);

	if (err < 0)
		return err;
	printf("spawned %ld actors in %.3f s, %ld MB, %ld bytes each\n",
	       (long)heph_stats(ctx).actors - (long)heph_workers(ctx),
	       seconds_since(began), (memory() - before) / 1000000,
	       (memory() - before) / n);
	fflush(stdout);
	return heph_drain(ctx); /* a signal stops them */
}

int main(int argc, char **argv)
{
	struct heph_config config = { .grace = 60 * HEPH_SEC };
	long n = argc > 1 ? atol(argv[1]) : ACTORS;
	heph_time began;
	heph_ctx ctx;
	int err;

	if (argc > 2 || n < 1 || n > ACTORS_MAX) {
		fprintf(stderr, "usage: stress_memory [ACTORS]\n");
		return 2;
	}
	config.actors = (unsigned)n + 1;
	err = heph_new(&ctx, &config);
	if (err == 0) {
		err = stress(ctx, n);
		began = heph_now();
		heph_free(ctx);
		printf("freed in %.3f s\n", seconds_since(began));
	}
	if (err < 0)
		fprintf(stderr, "stress_memory: %s\n", strerror(-err));
	return err < 0;
}
