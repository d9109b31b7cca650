/* SPDX-License-Identifier: MIT */
/*
 * sim.h - a whole program in a simulated world, which one number decides
 *
 *     struct heph_sim_options options = { .faults = heph_sim_faults(seed) };
 *
 *     err = heph_sim_run(seed, &options, world, { .clients = 10 });
 *
 * runs an actor, and all that it spawns, on a simulated kernel: several workers,
 * a network, time. All of it takes place on the calling thread, in virtual time,
 * and whatever could be one way or another is drawn from the seed: which worker
 * runs next and how far, which of the actors that are ready, when the kernel
 * completes what, how long a packet travels, what breaks. So the same seed gives
 * the same run, and a failure that one seed in a thousand shows can be looked at
 * as often as need be.
 *
 * The actors are those of the program, unchanged: they listen, connect, read and
 * write, sleep, spawn as always. Nothing of it reaches the real kernel. Time
 * passes when nobody can run, so a world of hours takes no longer than its
 * work.
 *
 * A run fails when nobody can run any more and nothing will ever happen, when the
 * main actor panics (as by heph_check()), when heph_sim_fail() is called, or
 * when something is left behind at the end. Then one line says why, with
 * HEPH_SIM_SEED=... and the faults that happened: the environment's HEPH_SIM_SEED
 * overrides the seed of every run. What the actors wait for then is in the log, and
 * at debug each fault (target heph.sim); its lines have the virtual time, at=...
 *
 * What would take the world out of the seed's hands is refused with
 * -EOPNOTSUPP, and the log names it: other threads (heph_attach()), descriptors
 * of the real kernel (heph_fd_adopt()), operations that the simulated kernel
 * does not know. What the actors do by themselves must not differ either: no
 * clock but heph_now(), no order by addresses, no random numbers but
 * heph_sim_random(). References do not outlive a run.
 *
 * <heph/heph.h> does not include this.
 */
#ifndef HEPH_SIM_H
#define HEPH_SIM_H

#include <heph/heph.h>

#ifdef __cplusplus
extern "C" {
#endif

/* How likely each is: 0 never, 1 always. */
struct heph_sim_faults {
	/* of each operation that waits */
	double short_count; /* it reads or writes less than it could */
	double interrupted; /* it ends with -EINTR, or -EAGAIN, and is begun again */
	double late;        /* it takes up to 100 times as long */
	double no_buffer;   /* -ENOBUFS, where the kernel was to choose a buffer */
	double cancel_late; /* asked to give up, it does what it can first */

	/* of each connection that could be accepted */
	double accept_error; /* -ECONNABORTED, -EMFILE, -ENFILE, -ENOBUFS, -ENOMEM */
	double accept_end;   /* accepting must be begun again, without an error */

	/* of each connection that is begun */
	double refused;

	/* of each piece of a stream, up to 4 KiB, that is sent */
	double reset; /* the connection ends with -ECONNRESET at both ends */
	double mute;  /* nothing arrives any more; after a while -ETIMEDOUT here */

	/* of each datagram */
	double lost, doubled;

	double unresolved; /* of each name that is asked for: -EREMOTEIO, -ETIMEDOUT */

	/* of each operation on a file or directory: -EIO */
	double disk;

	/* of each turn of a worker */
	double stall; /* it is not run for up to 100 ms */
};

/* Ones for that seed: some kinds of faults, between rare and frequent. */
HEPH_API struct heph_sim_faults heph_sim_faults(uint64_t seed);

/* What a run was like. */
struct heph_sim_result {
	uint64_t hash;   /* of all that was decided and completed, in order */
	uint64_t steps;  /* turns of workers, and what the kernel did */
	heph_time length; /* virtual */
	uint64_t faults; /* that happened */
	bool failed;
};

/* All zero is right for most runs: two workers, and no faults. */
struct heph_sim_options {
	struct heph_sim_faults faults;
	unsigned workers;    /* 0: 2 */
	heph_time grace;     /* as in struct heph_config */
	unsigned actors;     /* on each worker at most; 0: 100,000 */
	unsigned descriptors; /* of the program at most, then -EMFILE; 0: 10,000 */

	/* of the network; a host talks to itself in a tenth of the time */
	heph_time latency_min, latency_max; /* one way; 0: 50 us and 2 ms */
	uint64_t bandwidth; /* of a connection, bytes per second; 0: 100 million */
	heph_time patience; /* after which a connection gives up; 0: 30 s */

	uint64_t disk; /* bytes that files have room for, then -ENOSPC; 0: 1 GiB */

	heph_time length; /* virtual, then the run has failed; 0: 30 days */
	uint64_t steps;   /* the same: turns, and what the kernel does; 0: 100 million */

	/* Told of a failure instead of standard error: one line, without its end.
	 * On the calling thread; it must return. */
	void (*fail)(const char *text);

	struct heph_sim_result *result; /* filled in at the end; may be NULL */
};

/*
 * heph_sim_run(seed, &options, NAME[, argument][, .option = ...]): runs an
 * actor in a world of its own, until no actor is left. `options` may be NULL.
 * Returns what the actor returned, or the run's own error: -EDEADLK (it was
 * stuck), -ETIMEDOUT (its time was over), -ENOTRECOVERABLE (it panicked),
 * -EUCLEAN (something was left), -ECHILD (it escalated), -EPROTO
 * (heph_sim_fail()), -EINVAL (a value is out of range), -ENOMEM. Not within an
 * actor, nor by a thread that has a context.
 */
HEPH_API HEPH_MUST int heph_raw_sim_run(uint64_t seed,
					const struct heph_sim_options *options,
					size_t size,
					const struct heph_actor *actor,
					const void *spawn);

/* ---- within a run: -EOPNOTSUPP, or 0, outside of one ------------------------- */

/* A number below `n`, which is not 0, drawn from the seed. */
HEPH_API uint64_t heph_sim_random(heph_ctx ctx, uint64_t n);

/* The run has failed, for the reason that `text` says; it is ended. The actor
 * goes on. */
HEPH_API void heph_sim_fail(heph_ctx ctx, const char *text);

/*
 * Cuts or joins the network between two hosts, each an address without port:
 * "10.0.0.1", "::1"; NULL stands for all others. What is sent meanwhile arrives
 * later, if that is before `patience` ends the connection. Returns 0; -EINVAL.
 */
HEPH_API HEPH_MUST int heph_sim_partition(heph_ctx ctx, const char *a,
					  const char *b, bool cut);

/* From now on a name of a host stands for that address, too; or, if that is NULL,
 * for none any more. Returns 0; -EINVAL. */
HEPH_API HEPH_MUST int heph_sim_host(heph_ctx ctx, const char *name,
				     const char *address);

/*
 * From now on there is a program that can be run as a child process: one that
 * runs for `length`, or up to twice as long, then writes its output and exits.
 * It is found by the last part of the path that is run; the last one of a name
 * counts. Texts are copied. Returns 0; -EINVAL.
 */
struct heph_sim_program {
	const char *name;
	const char *output; /* to its standard output; may be NULL */
	int status;         /* 0 to 255 */
	heph_time length;
	bool stubborn; /* only SIGKILL ends it */
};
HEPH_API HEPH_MUST int heph_sim_program(heph_ctx ctx,
					const struct heph_sim_program *program);

/* The program gets a signal: those that take it hear of it. SIGINT and SIGTERM
 * that nobody takes ask the program to stop, and a second one ends it. Returns 0;
 * -EINVAL (no such signal). */
HEPH_API HEPH_MUST int heph_sim_signal(heph_ctx ctx, int signal);

/*
 * The power of the disk fails, for a moment. What was synced is there afterwards;
 * of what was written to a file since, each 512 bytes are the old or the new
 * ones; of what was done to names since the last sync of anything, the later
 * part may be undone, but each rename as a whole. Files that are open are
 * -EIO from now on, all else goes on: stop what used them before. Returns 0.
 */
HEPH_API HEPH_MUST int heph_sim_crash_disk(heph_ctx ctx);

/* ---- the typed half ---------------------------------------------------------- */

#ifndef __cplusplus

/* clang-format off */

#define heph_sim_run(seed_, options_, ...) heph_sim_run__(seed_, options_, __VA_ARGS__, )
#define heph_sim_run__(seed_, options_, n_, ...) HEPH_DO__( \
	HEPH_SPAWN__(n_, __VA_ARGS__) \
	heph_raw_sim_run((seed_), (options_), sizeof(struct heph_sim_options), &n_##_actor, &heph_s__))

/* clang-format on */

#endif

#ifdef __cplusplus
}
#endif
#endif
