/* SPDX-License-Identifier: MIT */
/*
 * bench.h - one run of one benchmark: what was asked, the clock, the totals
 *
 * Each benchmark is a function, its body. It runs in the root actor, on worker
 * 0: it spawns the actors that do the work, starts the clock or lets one of
 * them start it, and waits until one of them has stopped it. When it returns,
 * its children are stopped; what they add up on their way out must come to
 * what was wanted, or the run has failed.
 *
 * Anything unexpected ends the process at once, with a line on stderr and exit
 * status 3.
 */
#ifndef BENCH_H
#define BENCH_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <heph/heph.h>

struct bench;

struct bench_root_msg {
	char stopped; /* the clock */
};

struct bench_root_arg {
	struct bench *bench;
};

HEPH_ACTOR(bench_root, struct bench_root_msg, struct bench_root_arg);

typedef int bench_body(heph_ctx ctx, struct bench *bench);

struct bench {
	/* what was asked */
	const char *name;
	bench_body *body;
	uint64_t n;    /* how much work; the body says of what */
	uint64_t size; /* how many share it, or how often; where that is free */
	unsigned workers;
	unsigned inbox; /* capacity of the busy inboxes; 0: the default */
	bool option;    /* chooses between two benchmarks with one body */
	bool by_name;   /* too much to be one of "all" */
	int on;         /* where its actors run; 0: on workers by turns */
	bool control;   /* with a control socket */
	const struct heph_scheduler *scheduler; /* NULL: the default */

	/* what came out */
	uint64_t ops;
	heph_time began, ended;
	heph_time cpu_began, cpu_ended;
	long peak_kb;
	char extras[160];

	/* while it runs */
	bench_root_ref root;
	bench_root_inbox in; /* of the root, for bench_wait() */
	uint64_t left;       /* see bench_count_down(); one worker only */
	uint64_t wanted;     /* what the total must come to */
	_Alignas(64) _Atomic uint64_t total;
};

/* Runs it in a runtime of its own and prints its line. Returns 0; -EPROTO (the
 * totals are wrong), or another error of the runtime. */
int bench_run(struct bench *bench);

/* Starts the clock, before the first send or spawn. */
void bench_start(struct bench *bench);

/* Stops the clock, and wakes the root. By the actor that sees the end. */
void bench_stop(struct bench *bench);

/* Waits. Until the clock is stopped. Only in the root. */
void bench_wait(heph_ctx ctx, struct bench *bench);

/* Waits. Until all actors spawned so far have long come to rest. */
void bench_settle(heph_ctx ctx);

/* Adds words to the line, such as "inbox=1024". */
void bench_extra(struct bench *bench, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* The resident memory of the process, in bytes. */
long bench_rss(void);

/* Where the actor with that number belongs. */
static inline int bench_place(const struct bench *bench, uint64_t i)
{
	if (bench->on)
		return bench->on;
	return HEPH_WORKER((int)(i % bench->workers));
}

/* Adds to the total that is compared with bench->wanted in the end. */
static inline void bench_add(struct bench *bench, uint64_t n)
{
	atomic_fetch_add_explicit(&bench->total, n, memory_order_relaxed);
}

/* The same, where all who add are on one worker: these never run at the same
 * time, so it is an ordinary addition. */
static inline void bench_add_here(struct bench *bench, uint64_t n)
{
	n += atomic_load_explicit(&bench->total, memory_order_relaxed);
	atomic_store_explicit(&bench->total, n, memory_order_relaxed);
}

/* One of the bench->left is done; the last one stops the clock. For actors that
 * are all on one worker. */
static inline void bench_count_down(struct bench *bench)
{
	if (--bench->left == 0)
		bench_stop(bench);
}

/* Random numbers, good enough to spread messages. */
static inline uint64_t bench_seed(uint64_t i)
{
	return (i + 1) * UINT64_C(0x9E3779B97F4A7C15);
}

static inline uint64_t bench_random(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

/* Ends the process unless a call returned 0, or an expression holds. */
#define bench_must(...)                                                        \
	bench_must__((__VA_ARGS__), #__VA_ARGS__, __FILE__, __LINE__)
#define bench_check(expr_)                                                     \
	bench_must__((expr_) ? 0 : -EPROTO, #expr_, __FILE__, __LINE__)

HEPH_NORETURN void bench_failed__(int err, const char *what, const char *file,
				  int line);

static inline void bench_must__(int err, const char *what, const char *file,
				int line)
{
	if (__builtin_expect(err != 0, 0))
		bench_failed__(err, what, file, line);
}

/* The bodies, each in the file of its name. */
bench_body bench_ring, bench_count, bench_spawn, bench_alive, bench_fan_in,
	bench_group, bench_rpc, bench_timers, bench_big, bench_echo, bench_chan,
	bench_chan_threads, bench_switch, bench_deadline, bench_pairs,
	bench_idle, bench_memory, bench_latency, bench_alive_local,
	bench_shutdown, bench_rpc_traced, bench_beside;

#endif
