/* SPDX-License-Identifier: MIT */
/*
 * The turns of the workers are events of the world, like all that happens in
 * it. Each turn takes a little time, more or less, and a worker that had nothing
 * to do sleeps until its next timer or until it is woken, which takes a little
 * time as well. So the seed decides who is fast and who is slow, and with it
 * who comes first. In a turn the worker runs at most so many steps as are drawn,
 * beginning with one of the actors that are ready, and then does all that a
 * worker does on a thread of its own: it is the same function.
 *
 * Solos with a thread of their own are workers like the others; the coordinator
 * is an event that comes soon after somebody has notified it.
 */
#include "rt/sim.h"

#include <heph/time.h>

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "core/attach.h"
#include "core/life.h"
#include "core/timers.h"
#include "core/wait.h"
#include "core/watch.h"
#include "coro/fault.h"
#include "io/sim_driver.h"
#include "rt/runtime.h"
#include "core/state.h"

#define TURN_MIN 100 /* ns */
#define TURN_MAX (20 * HEPH_USEC)
#define STALL_MAX (100 * HEPH_MSEC)
#define WAKING_MAX (50 * HEPH_USEC)
#define SETTLE HEPH_SEC

enum { FEW_STEPS = 4, MANY_STEPS = 100 };

/* A worker, and when it has its turn. */
struct runner {
	struct heph_list node; /* in world->runners */
	struct heph_sim_event turn;
	struct heph_worker *worker;
	unsigned number;
	bool dozing;
};

struct heph_world {
	struct heph_sim *sim;
	struct heph_runtime *runtime;
	heph_ctx ctx; /* of who waits for the end */
	struct heph_list runners;
	unsigned n_runners;
	struct heph_sim_event coordinate;
	struct heph_coro main; /* the loop's own stack, that of all workers */
	bool over;
};

static struct heph_world *world_of(struct heph *heph)
{
	return ((struct heph_runtime *)heph)->host;
}

static bool abandoned(const struct heph_world *world)
{
	return atomic_load(&world->runtime->heph.abandon);
}

/* ---- turns ------------------------------------------------------------------------ */

/* Mostly few steps, so that others come in between. */
static unsigned draw_steps(struct heph_sim *sim)
{
	return 1 + (unsigned)heph_sim_below(
			   sim, heph_sim_below(sim, 4) ? FEW_STEPS : MANY_STEPS);
}

static heph_time draw_length(struct heph_sim *sim)
{
	if (heph_sim_fault(sim, HEPH_SIM_KIND(stall)))
		return heph_sim_between(sim, TURN_MAX, STALL_MAX);
	return heph_sim_between(sim, TURN_MIN, TURN_MAX);
}

/* Those before the one that is drawn go to the end. */
static void shuffle(struct heph_sim *sim, struct heph_worker *worker)
{
	unsigned n = heph_worker_count_ready(worker);

	if (n < 2)
		return;
	for (n = (unsigned)heph_sim_below(sim, n); n; n--)
		heph_worker_rotate(worker);
}

/* Whether it sleeps: it has nothing to do. */
static bool doze(struct heph_sim *sim, struct runner *runner)
{
	struct heph_worker *worker = runner->worker;
	heph_time wait = heph_worker_wait(worker), when;

	if (!wait || !heph_list_empty(&heph_sim_worker_of(worker)->done) ||
	    !heph_worker_doze(worker))
		return false;
	if (__builtin_add_overflow(sim->now, wait, &when))
		when = HEPH_NEVER;
	heph_sim_at(sim, &runner->turn, when);
	return runner->dozing = true;
}

static void turn(struct heph_sim *sim, struct runner *runner)
{
	struct heph_worker *worker = runner->worker;

	if (runner->dozing)
		heph_worker_rouse(worker);
	runner->dozing = false;
	worker->thread.heph->config.poll_ratio = draw_steps(sim);
	shuffle(sim, worker);
	if (heph_worker_turn(worker) || !doze(sim, runner))
		heph_sim_at(sim, &runner->turn, sim->now + draw_length(sim));
}

static void on_turn(struct heph_sim *sim, struct heph_sim_event *event)
{
	struct runner *runner = heph_container_of(event, struct runner, turn);
	struct heph_thread *mine = heph_thread_current;

	if (atomic_load(&runner->worker->thread.heph->abandon))
		return;
	heph_sim_trace(sim, HEPH_SIM_TURN, runner->number, 0);
	heph_thread_current = &runner->worker->thread;
	turn(sim, runner);
	heph_thread_current = mine;
}

/* Somebody, or the kernel, has something for it. */
static void wake(struct heph_sim *sim, struct heph_worker *worker)
{
	struct heph_sim_worker *on = worker->driver;
	struct runner *runner = on ? on->runner : NULL;
	heph_time when = sim->now + heph_sim_between(sim, 0, WAKING_MAX);

	if (!runner || !runner->dozing ||
	    (runner->turn.place && runner->turn.when <= when))
		return;
	heph_sim_at(sim, &runner->turn, when);
}

/* ---- workers ---------------------------------------------------------------------- */

static int add_runner(struct heph_world *world, struct heph_worker *worker)
{
	struct heph_sim *sim = world->sim;
	struct runner *runner = heph_mem_alloc(sizeof(*runner));
	int err;

	if (!runner)
		return -ENOMEM;
	err = world->runtime->heph.driver->start(worker);
	if (err < 0) {
		heph_mem_free(runner);
		return err;
	}
	worker->main = world->main;
	runner->worker = worker;
	runner->number = world->n_runners++;
	runner->turn.fn = on_turn;
	heph_sim_worker_of(worker)->runner = runner;
	heph_list_push_back(&world->runners, &runner->node);
	heph_sim_at(sim, &runner->turn, sim->now + draw_length(sim));
	return 0;
}

static int start_thread(struct heph_worker *worker)
{
	return add_runner(world_of(worker->thread.heph), worker);
}

static int add_runners(struct heph_world *world)
{
	int err = 0;

	heph_coro_init_thread(&world->main);
	for (unsigned n = 0; err == 0 && n < world->runtime->heph.workers; n++)
		err = add_runner(world, &world->runtime->workers[n]->worker);
	return err;
}

/* They run no more; what they have in flight comes back. */
static void stop_runners(struct heph_world *world)
{
	struct heph_thread *mine = heph_thread_current;
	struct heph_list *node;
	struct runner *runner;

	heph_list_each(node, &world->runners) {
		runner = heph_container_of(node, struct runner, node);
		heph_sim_never(world->sim, &runner->turn);
		runner->dozing = false;
	}
	heph_list_each(node, &world->runners) {
		runner = heph_container_of(node, struct runner, node);
		heph_thread_current = &runner->worker->thread;
		heph_worker_publish(runner->worker);
		world->runtime->heph.driver->stop(runner->worker);
	}
	heph_thread_current = mine;
}

/* Those of the first workers are released with these. */
static void free_runners(struct heph_world *world)
{
	struct heph_list *node;
	struct runner *runner;

	while ((node = heph_list_pop_front(&world->runners))) {
		runner = heph_container_of(node, struct runner, node);
		heph_sim_worker_of(runner->worker)->runner = NULL;
		if (!heph_worker_ordinary(runner->worker))
			world->runtime->heph.driver->release(runner->worker);
		heph_mem_free(runner);
	}
}

/* ---- the coordinator ---------------------------------------------------------------- */

static void on_coordinate(struct heph_sim *sim, struct heph_sim_event *event)
{
	struct heph_world *world =
		heph_container_of(event, struct heph_world, coordinate);

	heph_coordinator_turn(world->runtime);
	heph_sim_at(sim, event, heph_coordinator_next(world->runtime));
}

static void notify(struct heph *heph)
{
	struct heph_world *world = world_of(heph);
	struct heph_sim *sim = world->sim;

	heph_sim_at(sim, &world->coordinate,
		    sim->now + heph_sim_between(sim, 0, WAKING_MAX));
}

static int take_signal(struct heph *heph, int signal)
{
	atomic_fetch_add(&((struct heph_runtime *)heph)->taken[signal], 1);
	return 0;
}

static void untake_signal(struct heph *heph, int signal)
{
	atomic_fetch_sub(&((struct heph_runtime *)heph)->taken[signal], 1);
}

int heph_sim_signal(heph_ctx ctx, int signal)
{
	struct heph *heph = ctx.self->thread->heph;

	if (!heph->sim)
		return -EOPNOTSUPP;
	if (signal <= 0 || signal >= HEPH_SIGNALS)
		return -EINVAL;
	heph_coordinator_signal((struct heph_runtime *)heph, signal, 1);
	return 0;
}

/* ---- letting things happen ------------------------------------------------------------ */

static void list_actors(struct heph_world *world)
{
	struct heph_thread *thread = NULL;

	while ((thread = heph_threads_next(&world->runtime->heph, thread)))
		if (thread->is_worker)
			heph_state_list((struct heph_worker *)thread,
					"in the simulation");
}

static void fail(struct heph_world *world, int err, const char *text)
{
	if (!world->sim->result.failed)
		list_actors(world);
	heph_sim_failed(world->sim, err, text);
}

static void check_bounds(struct heph_world *world)
{
	struct heph_sim *sim = world->sim;

	if (sim->now > sim->options.length)
		fail(world, -ETIMEDOUT, "it does not end: its time is over");
	if (sim->result.steps > sim->options.steps)
		fail(world, -ETIMEDOUT, "it does not end: too many steps");
}

/* One thing. A run that has failed is left as it is. */
static void go_on(struct heph_world *world)
{
	struct heph_sim *sim = world->sim;

	if (!heph_sim_next(sim, HEPH_NEVER))
		fail(world, -EDEADLK,
		     "nobody can run, and nothing will ever happen");
	check_bounds(world);
	if (sim->result.failed && !abandoned(world))
		heph_abandon(&world->runtime->heph, sim->err);
}

/* Instead of sleeping: the caller of heph_sim_run() waits. */
static void nap(struct heph_self *self, heph_time deadline)
{
	struct heph_world *world = world_of(self->thread->heph);

	if (world->sim->now >= deadline)
		heph_wake(self, HEPH_WAIT_TIME);
	else
		go_on(world);
}

/* ---- beginning, ending ------------------------------------------------------------------ */

static int begin_world(struct heph_world *world, struct heph_sim *sim,
		       const struct heph_config *config)
{
	struct heph *heph;
	int err = heph_runtime_new(&world->runtime, config, &heph_sim_io.driver);

	if (err < 0)
		return err;
	heph = &world->runtime->heph;
	world->sim = heph->sim = sim;
	heph->sim_seed = sim->seed;
	world->runtime->host = world;
	world->coordinate.fn = on_coordinate;
	heph_list_init(&world->runners);
	heph_list_init(&world->runtime->drainers);
	sim->wake = wake;
	heph->nap = nap;
	heph->notify = notify;
	heph->take_signal = take_signal;
	heph->untake_signal = untake_signal;
	heph->start_thread = start_thread;
	err = add_runners(world);
	if (err == 0)
		err = heph_attach_host(&world->runtime->workers[0]->worker,
				       &world->ctx);
	return err;
}

static void end_world(struct heph_world *world)
{
	if (!world->runtime)
		return;
	if (world->sim && world->sim->result.failed)
		atomic_store(&world->runtime->heph.abandon, true);
	if (world->ctx.self)
		heph_detach(world->ctx);
	stop_runners(world);
	world->runtime->heph.notify = NULL;
	free_runners(world);
	heph_runtime_free(world->runtime);
}

/* What has nobody to look after it any more. */
static void look_what_is_left(struct heph_world *world)
{
	struct heph_stats stats = heph_stats(world->ctx);
	const struct {
		const char *name;
		uint64_t n;
	} things[] = {
		{ "actors", stats.actors },
		{ "messages", stats.messages },
		{ "descriptors", stats.descriptors },
		{ "operations", stats.operations },
		{ "calls", stats.calls },
		{ "descriptors of the kernel", world->sim->open_files },
	};
	char text[128];

	for (size_t i = 0; i < sizeof(things) / sizeof(*things); i++) {
		if (!things[i].n)
			continue;
		snprintf(text, sizeof(text), "left at the end: %llu %s",
			 (unsigned long long)things[i].n, things[i].name);
		fail(world, -EUCLEAN, text);
	}
}

/* What is under way comes to rest. */
static void settle(struct heph_world *world)
{
	heph_time until = world->sim->now + SETTLE;

	while (!world->sim->result.failed && heph_sim_next(world->sim, until))
		check_bounds(world);
}

/* ---- a run ---------------------------------------------------------------------------------- */

static void fail_of_panic(struct heph_world *world, const struct heph_actor *type,
			  const struct heph_exit *exit)
{
	char text[256];

	snprintf(text, sizeof(text), "%s panicked: %s", type->name, exit->note);
	fail(world, exit->err, text);
}

static int run_actor(struct heph_world *world, const struct heph_actor *type,
		     const void *spawn)
{
	struct heph_exit exit = { 0 };
	struct heph_watch *watch;
	int result, err = heph_spawn_joined(world->ctx, type, spawn, &watch);

	if (err < 0)
		return err;
	result = heph_drain(world->ctx);
	if (abandoned(world))
		return result;
	err = heph_watch_join(world->ctx, watch, &exit);
	if (err == 0 && exit.err == -ENOTRECOVERABLE)
		fail_of_panic(world, type, &exit);
	settle(world);
	if (!world->sim->result.failed)
		look_what_is_left(world);
	if (result < 0)
		return result;
	return err < 0 ? err : exit.err;
}

static void tell(const struct heph_sim *sim)
{
	if (!sim->result.failed)
		return;
	heph_log_flush();
	if (sim->options.fail)
		sim->options.fail(sim->failure);
	else
		fprintf(stderr, "%s\n", sim->failure);
}

static int run(struct heph_sim *sim, const struct heph_config *config,
	       const struct heph_actor *type, const void *spawn)
{
	struct heph_world world = { 0 };
	int result = begin_world(&world, sim, config);

	if (result == 0)
		result = run_actor(&world, type, spawn);
	sim->result.length = sim->now - HEPH_SEC;
	tell(sim);
	end_world(&world);
	return sim->result.failed ? sim->err : result;
}

int heph_raw_sim_run(uint64_t seed, const struct heph_sim_options *given,
		     size_t size, const struct heph_actor *type,
		     const void *spawn)
{
	struct heph_sim_options options;
	struct heph_config config;
	struct heph_sim *sim;
	int result = heph_sim_resolve(&options, given, size, &config);

	heph_assert(!heph_thread_current); /* it has another context */
	if (result < 0)
		return result;
	sim = heph_sim_new(heph_sim_seed(seed), &options);
	if (!sim)
		return -ENOMEM;
	heph_time_virtual = &sim->now;
	heph_rand_virtual = &sim->rand;
	heph_fault_thread_init();
	result = run(sim, &config, type, spawn);
	heph_fault_thread_fini();
	heph_time_virtual = NULL;
	heph_rand_virtual = NULL;
	if (options.result)
		*options.result = sim->result;
	heph_sim_free(sim);
	return result;
}
