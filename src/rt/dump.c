/* SPDX-License-Identifier: MIT */
/*
 * What is written goes through a buffer of less than what a pipe takes at once,
 * and only when poll(2) says that it may: a reader that does not read ends the
 * dump, and stops nobody.
 */

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "core/solo.h"
#include "rt/inspect.h"
#include "rt/out.h"
#include "rt/runtime.h"

enum { LISTED = 10 };

/* Actors of one type that do the same kind of thing. */
struct mass {
	char type[HEPH_INFO_NAME];
	enum heph_actor_state state;
	enum heph_wait_kind wait;
	uint64_t n;
	struct mass *next;
};

struct dump {
	const struct heph_asker *asker;
	struct heph_out out;
	struct mass *masses; /* the latest seen first */
	uint64_t n;
	bool no_memory;
};

/* ---- the runtime ----------------------------------------------------------- */

static uint64_t get(_Atomic uint64_t *counter)
{
	return atomic_load_explicit(counter, memory_order_relaxed);
}

static void write_worker(struct dump *dump, struct heph_worker *worker)
{
	struct heph_counters *count = &worker->thread.count;
	uint64_t alive = get(&count->spawned) - get(&count->ended);

	heph_out_add(&dump->out,
		     "worker %u: %" PRIu64 " actors, %s, %" PRIu64
		     " turns, %" PRIu64 " messages received, %" PRIu64
		     " operations in flight, %" PRIu64 " timers\n",
		     worker->thread.number, alive,
		     atomic_load(&worker->thread.asleep) ? "asleep" : "awake",
		     get(&count->polls), get(&count->received),
		     get(&count->operations), get(&count->timers));
}

static void write_runtime(struct dump *dump)
{
	struct heph *heph = dump->asker->heph;

	heph_out_add(&dump->out,
		     "heph: runtime %s, process %d, %u workers, driver %s%s\n",
		     heph->name, (int)getpid(), heph->workers,
		     heph->driver->name,
		     atomic_load(&heph->deadline) ? ", ending" : "");
	for (unsigned n = 0; n < heph->workers; n++)
		write_worker(dump,
			     (struct heph_worker *)heph_thread_of(heph, n));
}

/* ---- the actors ------------------------------------------------------------ */

static bool is_of(const struct mass *mass, const struct heph_actor_info *info)
{
	return mass->state == info->state && mass->wait == info->wait &&
	       !strcmp(mass->type, info->type);
}

/* Most actors are like the one before. */
static struct mass *mass_of(struct dump *dump,
			    const struct heph_actor_info *info)
{
	struct mass **link = &dump->masses, *mass;

	while ((mass = *link) && !is_of(mass, info))
		link = &mass->next;
	if (mass) {
		*link = mass->next;
	} else {
		mass = heph_mem_alloc(sizeof(*mass));
		if (!mass)
			return NULL;
		memcpy(mass->type, info->type, sizeof(mass->type));
		mass->state = info->state;
		mass->wait = info->wait;
	}
	mass->next = dump->masses;
	return dump->masses = mass;
}

static void place_text(char *text, size_t size,
		       const struct heph_actor_info *info)
{
	if (info->own_thread)
		snprintf(text, size, "thread");
	else if (info->moves)
		snprintf(text, size, "moves");
	else
		snprintf(text, size, "%d", info->worker);
}

static void write_actor(struct dump *dump, const struct heph_actor_info *info)
{
	char place[16], inbox[32] = "-";

	place_text(place, sizeof(place), info);
	if (info->capacity)
		snprintf(inbox, sizeof(inbox), "%u/%u", info->inbox,
			 info->capacity);
	heph_out_add(&dump->out,
		     "%12" PRIu64 " %-16s %-16s %6s %12" PRIu64
		     " %11s %9" PRIu64 " %6zu %s\n",
		     info->ref.addr.id, info->name, info->type, place,
		     info->parent.addr.id, inbox, info->received, info->stack,
		     info->text);
}

static bool write_or_count(void *arg, const struct heph_look *look)
{
	struct dump *dump = arg;
	struct mass *mass = mass_of(dump, &look->info);

	dump->no_memory = !mass;
	if (!mass)
		return false;
	dump->n++;
	if (mass->n++ < LISTED)
		write_actor(dump, &look->info);
	return !dump->out.err;
}

static void write_mass(struct dump *dump, const struct mass *mass)
{
	if (mass->n <= LISTED)
		return;
	heph_out_add(&dump->out, "%" PRIu64 " more %s: %s", mass->n - LISTED,
		     mass->type, heph_state_name(mass->state));
	if (mass->wait)
		heph_out_add(&dump->out, " (%s)",
			     heph_wait_kind_name(mass->wait));
	heph_out_add(&dump->out, "\n");
}

static int write_actors(struct dump *dump)
{
	const struct mass *mass;
	int err;

	heph_out_add(&dump->out, "%12s %-16s %-16s %6s %12s %11s %9s %6s %s\n",
		     "ID", "NAME", "TYPE", "WORKER", "PARENT", "INBOX",
		     "RECEIVED", "STACK", "DOES");
	err = heph_look_at_all(dump->asker, NULL, write_or_count, dump);
	for (mass = dump->masses; mass; mass = mass->next)
		write_mass(dump, mass);
	heph_out_add(&dump->out, "%" PRIu64 " actors\n", dump->n);
	return err == 0 && dump->no_memory ? -ENOMEM : err;
}

/* ---- circles --------------------------------------------------------------- */

static bool write_cycle(void *arg, const struct heph_cycle *cycle)
{
	struct dump *dump = arg;

	heph_out_add(&dump->out, "%u actors wait in a circle%s: %s\n", cycle->n,
		     cycle->ends ? ", until a deadline" : "", cycle->text);
	return !dump->out.err;
}

int heph_dump_to(const struct heph_asker *asker, int fd)
{
	struct dump *dump = heph_mem_alloc(sizeof(*dump));
	struct mass *mass;
	int err;

	if (!dump || fd < 0) {
		heph_mem_free(dump);
		return fd < 0 ? -EBADF : -ENOMEM;
	}
	dump->asker = asker;
	heph_out_init(&dump->out, fd);
	write_runtime(dump);
	err = write_actors(dump);
	if (err == 0)
		err = heph_cycles_find(asker, write_cycle, dump);
	if (err >= 0)
		err = heph_out_flush(&dump->out);
	while ((mass = dump->masses)) {
		dump->masses = mass->next;
		heph_mem_free(mass);
	}
	heph_mem_free(dump);
	return err;
}

/* ---- public ---------------------------------------------------------------- */

/* Whether the calling thread runs the only worker, by hand. */
static bool is_host(struct heph *heph)
{
	const struct heph_runtime *runtime = (struct heph_runtime *)heph;
	const struct heph_thread *mine = heph_thread_current;

	return runtime->host && mine && mine->heph == heph;
}

int heph_dump(struct heph *heph, int fd)
{
	const struct heph_thread *mine = heph_thread_current;
	struct heph_asker asker = heph_asker_outside(heph, is_host(heph));

	if (mine && mine->is_worker && mine->current)
		return -EDEADLK;
	return heph_dump_to(&asker, fd);
}

int heph_dump_by(heph_ctx ctx, int fd)
{
	struct heph_asker asker = heph_asker_of(ctx);
	int err = heph_park_allowed(ctx);

	return err < 0 ? err : heph_dump_to(&asker, fd);
}
