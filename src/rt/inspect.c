/* SPDX-License-Identifier: MIT */
/*
 * A worker is asked for its actors a piece at a time: it looks at so many places
 * of its table, or finds so many actors, then others run. What a question finds
 * lies in the question, so nothing is shared.
 */
#include "rt/inspect.h"

#include <heph/time.h>

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "core/solo.h"
#include "rt/info.h"

enum {
	PLACES = 1024, /* that a question looks at */
	FOUND = 64,    /* actors that it takes along */
};

#define PATIENCE HEPH_SEC

struct piece {
	struct heph_question question;
	struct heph_inspect_filter filter; /* its texts are in this record */
	char name[HEPH_INFO_NAME], type[HEPH_INFO_NAME];
	bool asks_owes, owes;
	struct heph_reply reply;
	uint64_t id;
	uint32_t next; /* place; 0: there are no more */
	unsigned n;
	struct heph_look looks[];
};

/* ---- on the worker's thread ------------------------------------------------ */

/* Names are kept up to a length, and so compared. */
static bool same_text(const char *wanted, const char *text)
{
	return !wanted || !strncmp(wanted, text, HEPH_INFO_NAME - 1);
}

static bool matches(const struct piece *piece, const struct heph_self *self)
{
	const struct heph_inspect_filter *filter = &piece->filter;

	if (filter->states && !(filter->states & 1u << heph_info_state(self)))
		return false;
	if (filter->waits && !(filter->waits & heph_info_waits(self)))
		return false;
	if (filter->one_worker &&
	    filter->worker != heph_solo_place(self->thread))
		return false;
	return same_text(filter->type, heph_type_of(self)->name) &&
	       same_text(filter->name, heph_self_name(self));
}

static void look(struct piece *piece, struct heph_self *self)
{
	struct heph_look *look = &piece->looks[piece->n++];

	heph_info_fill(self, &look->info, &look->reply);
}

static void look_at_some(struct heph_question *question,
			 struct heph_worker *worker)
{
	struct piece *piece = (struct piece *)question;
	uint32_t slot = piece->next ? piece->next : worker->first_self;
	uint32_t end = slot + PLACES;
	struct heph_self *self;

	piece->n = 0;
	for (; slot < worker->n_selves && slot < end && piece->n < FOUND;
	     slot++) {
		self = &worker->selves[slot];
		if (self->id && self->kind && matches(piece, self))
			look(piece, self);
	}
	piece->next = slot < worker->n_selves ? slot : 0;
}

static void look_at_one(struct heph_question *question,
			struct heph_worker *worker)
{
	struct piece *piece = (struct piece *)question;
	struct heph_self *self =
		heph_worker_find(worker, piece->id, piece->next);

	piece->n = 0;
	if (!self)
		return;
	look(piece, self);
	piece->owes = piece->asks_owes && heph_info_owes(self, piece->reply);
}

/* ---- who asks -------------------------------------------------------------- */

struct heph_asker heph_asker_of(heph_ctx ctx)
{
	return (struct heph_asker){ .heph = ctx.self->thread->heph,
				    .ctx = ctx,
				    .patience = PATIENCE };
}

struct heph_asker heph_asker_outside(struct heph *heph, bool alone)
{
	return (struct heph_asker){ .heph = heph,
				    .patience = PATIENCE,
				    .alone = alone };
}

static struct piece *new_piece(unsigned max)
{
	return heph_question_new(sizeof(struct piece) +
				 max * sizeof(struct heph_look));
}

static const char *keep(char *to, const char *text)
{
	if (text)
		snprintf(to, HEPH_INFO_NAME, "%s", text);
	return text ? to : NULL;
}

static void set_filter(struct piece *piece,
		       const struct heph_inspect_filter *filter)
{
	piece->filter = *filter;
	piece->filter.name = keep(piece->name, filter->name);
	piece->filter.type = keep(piece->type, filter->type);
}

struct round {
	const struct heph_asker *asker;
	const struct heph_inspect_filter *filter;
	heph_look_fn *visit;
	void *arg;
	struct piece *piece; /* NULL: it was left to a worker */
	bool enough;
	bool silent; /* a worker has not answered, and nobody runs there */
};

static bool tell(struct round *round, struct heph_look *look)
{
	heph_info_say(&look->info, look->info.text, sizeof(look->info.text));
	round->enough = !round->visit(round->arg, look);
	return !round->enough;
}

static bool wants_stuck(const struct heph_inspect_filter *filter,
			const struct heph_actor_info *info)
{
	if (filter->states && !(filter->states & 1u << HEPH_STATE_STUCK))
		return false;
	return !filter->waits && same_text(filter->type, info->type) &&
	       same_text(filter->name, info->name);
}

static int visit_stuck(struct round *round, struct heph_worker *worker)
{
	struct heph_look *look = heph_mem_alloc(sizeof(*look));

	if (!look)
		return -ENOMEM;
	if (!heph_info_stuck(worker, &look->info))
		round->silent = true; /* the machine is busy, perhaps */
	else if (wants_stuck(round->filter, &look->info))
		tell(round, look);
	heph_mem_free(look);
	return 0;
}

static int need_piece(struct round *round)
{
	if (!round->piece)
		round->piece = new_piece(FOUND);
	if (!round->piece)
		return -ENOMEM;
	set_filter(round->piece, round->filter);
	round->piece->next = 0;
	return 0;
}

static int ask_worker(struct round *round, struct heph_worker *worker)
{
	struct piece *piece;
	int err = need_piece(round);

	while (err == 0) {
		piece = round->piece;
		err = heph_ask(round->asker, &piece->question, worker,
			       look_at_some);
		if (err < 0) {
			round->piece = NULL;
			break;
		}
		for (unsigned i = 0; i < piece->n; i++)
			if (!tell(round, &piece->looks[i]))
				return 0;
		if (!piece->next)
			break;
	}
	return err == -EBUSY ? visit_stuck(round, worker) : err;
}

/* A solo that has no actor need not be asked. */
static bool has_actors(struct heph_worker *worker)
{
	return heph_worker_ordinary(worker) ||
	       atomic_load_explicit(&worker->places[worker->first_self],
				    memory_order_relaxed) /
		       HEPH_THREADS_MAX;
}

static bool wants_worker(const struct heph_inspect_filter *filter,
			 const struct heph_worker *worker)
{
	return !filter->one_worker || !heph_worker_ordinary(worker) ||
	       worker->thread.number == filter->worker;
}

/* Who runs something may block in it, and waits for nobody. */
static bool may_ask(const struct heph_asker *asker,
		    const struct heph_worker *worker)
{
	if (!asker->awake || atomic_load(&worker->thread.asleep))
		return true;
	*asker->awake = true;
	return false;
}

/* Whether there is time for one more. */
static bool limit_patience(struct heph_asker *asker)
{
	heph_time left = asker->until - heph_now();

	if (!asker->until)
		return true;
	if (left < asker->patience)
		asker->patience = left;
	return left > 0;
}

int heph_look_at_all(const struct heph_asker *whose,
		     const struct heph_inspect_filter *filter,
		     heph_look_fn *visit, void *arg)
{
	static const struct heph_inspect_filter all;
	struct heph_asker asker = *whose;
	struct round round = { .asker = &asker,
			       .filter = filter ? filter : &all,
			       .visit = visit,
			       .arg = arg };
	struct heph_thread *thread = NULL;
	struct heph_worker *worker;
	int err = 0;

	while (err == 0 && !round.enough &&
	       (thread = heph_threads_next(asker.heph, thread))) {
		worker = (struct heph_worker *)thread;
		if (!thread->is_worker || !has_actors(worker) ||
		    !wants_worker(round.filter, worker) ||
		    !may_ask(&asker, worker))
			continue;
		err = limit_patience(&asker) ? ask_worker(&round, worker) :
					       -EBUSY;
	}
	heph_mem_free(round.piece);
	return err == 0 && round.silent ? -EBUSY : err;
}

static int answer_of(struct piece *piece, struct heph_look *ret_look,
		     bool *ret_owes)
{
	struct heph_actor_info *info = &ret_look->info;

	if (!piece->n)
		return -ESRCH;
	*ret_look = piece->looks[0];
	*ret_owes = piece->owes;
	heph_info_say(info, info->text, sizeof(info->text));
	return 0;
}

static int stuck_of(struct heph_worker *worker, struct heph_actor_info *info)
{
	if (!heph_info_stuck(worker, info))
		memset(info, 0, sizeof(*info));
	else
		heph_info_say(info, info->text, sizeof(info->text));
	return -EBUSY;
}

int heph_look_at(const struct heph_asker *asker, struct heph_addr addr,
		 const struct heph_reply *reply, struct heph_look *ret_look,
		 bool *ret_owes)
{
	struct heph *heph = asker->heph;
	struct heph_worker *worker =
		addr.node == heph->node ? heph_worker_with(heph, addr) : NULL;
	struct piece *piece;
	int err;

	if (!worker || !heph_worker_alive(worker, addr))
		return -ESRCH;
	piece = new_piece(1);
	if (!piece)
		return -ENOMEM;
	piece->id = addr.id;
	piece->next = addr.slot;
	piece->asks_owes = reply;
	if (reply)
		piece->reply = *reply;
	err = heph_ask(asker, &piece->question, worker, look_at_one);
	if (err < 0)
		return err == -EBUSY ? stuck_of(worker, &ret_look->info) : err;
	err = answer_of(piece, ret_look, ret_owes);
	heph_mem_free(piece);
	return err;
}

/* ---- public ---------------------------------------------------------------- */

struct visitor {
	heph_inspect_fn *fn;
	void *arg;
};

static bool show(void *arg, const struct heph_look *look)
{
	const struct visitor *visitor = arg;

	return visitor->fn(visitor->arg, &look->info);
}

static int inspect(struct heph_asker *asker,
		   const struct heph_inspect_filter *filter,
		   heph_inspect_fn *visit, void *arg)
{
	struct visitor visitor = { .fn = visit, .arg = arg };

	if (filter && filter->patience)
		asker->patience = filter->patience;
	return heph_look_at_all(asker, filter, show, &visitor);
}

int heph_inspect(heph_ctx ctx, const struct heph_inspect_filter *filter,
		 heph_inspect_fn *visit, void *arg)
{
	struct heph_asker asker = heph_asker_of(ctx);
	int err = heph_park_allowed(ctx);

	return err < 0 ? err : inspect(&asker, filter, visit, arg);
}

int heph_inspect_from_outside(struct heph *heph,
			      const struct heph_inspect_filter *filter,
			      heph_inspect_fn *visit, void *arg)
{
	struct heph_asker asker = heph_asker_outside(heph, false);

	return inspect(&asker, filter, visit, arg);
}

int heph_raw_actor_info(heph_ctx ctx, struct heph_addr addr,
			struct heph_actor_info *ret_info)
{
	struct heph_asker asker = heph_asker_of(ctx);
	struct heph_look *look;
	bool owes;
	int err = heph_park_allowed(ctx);

	if (err < 0)
		return err;
	look = heph_mem_alloc(sizeof(*look));
	if (!look)
		return -ENOMEM;
	err = heph_look_at(&asker, addr, NULL, look, &owes);
	if (err == 0 || err == -EBUSY)
		*ret_info = look->info;
	heph_mem_free(look);
	return err;
}
