/* SPDX-License-Identifier: MIT */
#include "core/slot.h"

#include <heph/actor.h>

#include <stdlib.h>
#include <string.h>

#include "base/copy.h"
#include "base/log.h"
#include "base/mem.h"
#include "core/heph.h"
#include "core/worker.h"

enum {
	CROWDED = 64,   /* slots that are shared first; they fit the cache */
	SIZES_MIN = 17, /* the least power of two above the usual size */
	FILL = 0xa5,
	FILL_BELOW = 2048, /* of what was used and is not live any more */
	RED_ZONE = 128,    /* below a stack pointer, as valgrind has it */
};

#if HEPH_ASAN || HEPH_TSAN
enum { SIZES_TIMES = 4 }; /* their frames are larger */
#else
enum { SIZES_TIMES = 1 };
#endif

/* ---- which stack ----------------------------------------------------------- */

/* Valgrind is told of what is copied by the hostile build alone. */
static uint32_t usual_slots(void)
{
	return HEPH_DEBUG < 2 && heph_san_on_valgrind() ? 0 :
							  HEPH_SLOTS_DEFAULT;
}

/* From the environment, if it says something; 0: all have stacks of their own.
 */
static int slots_wanted(const struct heph *heph, uint32_t *ret_n)
{
	const char *text = getenv("HEPH_SLOTS");
	unsigned long n = heph->config.slots;
	char *end;

	if (text && *text) {
		n = strtoul(text, &end, 10);
		if (*end || n < 1 || n > HEPH_SLOTS_MAX) {
			heph_log_error("HEPH_SLOTS: not 1 to 65536",
				       HEPH_KV_STR("is", text));
			return -EINVAL;
		}
	}
	*ret_n = n ? (uint32_t)n : usual_slots();
	return 0;
}

static void give_saved(struct heph_self *self, struct heph_saved *saved)
{
	size_t live = heph_slot_live(self);

	heph_pool_give(&self->thread->pool, saved,
		       sizeof(*saved) + live - heph_saved_known(saved));
}

/* The frames of actors that live at the end: the runtime was abandoned. */
static void give_abandoned(struct heph_worker *worker)
{
	struct heph_self *self;

	for (uint32_t n = worker->first_self;
	     worker->alive && n < worker->n_selves; n++) {
		self = &worker->selves[n];
		if (self->id && (self->flags & HEPH_FLAG_AWAY))
			give_saved(self, self->saved);
	}
}

int heph_slots_init(struct heph_worker *worker)
{
	struct heph_slots *slots = &worker->slots;
	int err;

	if (!HEPH_SLOTS_DEFAULT)
		return 0;
	err = slots_wanted(worker->thread.heph, &slots->max);
	if (err < 0 || !slots->max)
		return err;
	slots->shared = heph_mem_reserve(slots->max * sizeof(*slots->shared));
	return slots->shared ? 0 : -ENOMEM;
}

void heph_slots_fini(struct heph_worker *worker)
{
	struct heph_slots *slots = &worker->slots;

	give_abandoned(worker);
	for (unsigned i = 0; i < HEPH_STACK_SIZES; i++) {
		if (slots->sizes[i])
			heph_stacks_fini(slots->sizes[i]);
		heph_mem_free(slots->sizes[i]);
	}
	heph_mem_unreserve(slots->shared, slots->max * sizeof(*slots->shared));
	*slots = (struct heph_slots){ 0 };
}

/* The stacks of at least that size; NULL: no memory. */
static struct heph_stacks *stacks_of_size(struct heph_worker *worker,
					  size_t size)
{
	struct heph_stacks **at, *stacks;
	unsigned i = 0;

	size *= SIZES_TIMES;
	if (size <= worker->stacks.size)
		return &worker->stacks;
	while (i + 1 < HEPH_STACK_SIZES &&
	       ((size_t)1 << (SIZES_MIN + i)) < size)
		i++;
	at = &worker->slots.sizes[i];
	if (*at)
		return *at;
	stacks = heph_mem_alloc(sizeof(*stacks));
	if (stacks && heph_stacks_init(stacks, (size_t)1 << (SIZES_MIN + i),
				       worker->max_alive) < 0) {
		heph_mem_free(stacks);
		stacks = NULL;
	}
	return *at = stacks;
}

static struct heph_slot *make_slot(struct heph_stacks *stacks, uint32_t number)
{
	char *low = stacks ? heph_stack_take(stacks) : NULL;
	struct heph_slot *slot;

	if (!low)
		return NULL;
	slot = (struct heph_slot *)heph_coro_top(low, stacks->size) - 1;
	*slot = (struct heph_slot){ .stacks = stacks,
				    .low = low,
				    .number = number };
	return slot;
}

/*
 * A new one; or, when all are made, the next of a few. So the first actors go
 * on having one for themselves, and where many are displaced the bytes are
 * copied to where others were a moment ago. NULL: no memory.
 */
static struct heph_slot *choose_shared(struct heph_worker *worker)
{
	struct heph_slots *slots = &worker->slots;
	struct heph_slot *slot;

	if (slots->n < slots->max) {
		slot = make_slot(&worker->stacks, slots->n);
		if (slot)
			return slots->shared[slots->n++] = slot;
	}
	if (!slots->n)
		return NULL;
	if (++slots->turn >= slots->n || slots->turn >= CROWDED)
		slots->turn = 0;
	return slots->shared[slots->turn];
}

static bool is_large(const struct heph_worker *worker,
		     const struct heph_slot *slot)
{
	return slot->stacks != &worker->stacks;
}

static struct heph_slot *make_own(struct heph_worker *worker, size_t stack)
{
	struct heph_slot *slot =
		make_slot(stacks_of_size(worker, stack), HEPH_SLOT_OWN);

	if (slot)
		worker->slots.large += is_large(worker, slot);
	return slot;
}

static bool is_deep(struct heph_kind *kind)
{
	return atomic_load_explicit(&kind->deep, memory_order_relaxed);
}

static struct heph_slot *choose(struct heph_self *self, size_t stack)
{
	struct heph_worker *worker = heph_worker_of(self);

	if (heph_likely(!stack && worker->slots.max &&
			!is_deep(heph_kind_of(self))))
		return choose_shared(worker);
	return make_own(worker, stack);
}

static void forget(struct heph_slots *slots, const struct heph_slot *slot)
{
	struct heph_slot *last = slots->shared[--slots->n];

	slots->shared[slot->number] = last;
	last->number = slot->number;
}

static void release(struct heph_worker *worker, struct heph_slot *slot)
{
	if (--slot->bound)
		return;
	if (heph_slot_shared(slot))
		forget(&worker->slots, slot);
	else
		worker->slots.large -= is_large(worker, slot);
	heph_stack_give(slot->stacks, slot->low);
}

/* Of the few bytes of an argument. */
HEPH_INLINE void copy_argument(void *to_, const void *from_, size_t size)
{
	char *to = to_;
	const char *from = from_;

	for (; size >= 16; size -= 16, to += 16, from += 16)
		memcpy(to, from, 16);
}

/* ---- away and back --------------------------------------------------------- */

/* Where its frames begin, below its argument. */
static char *top_of(const struct heph_self *self, const struct heph_slot *slot)
{
	return heph_slot_top(slot, heph_kind_of(self)->arg_size);
}

static struct heph_saved *take_saved(struct heph_self *self,
				     struct heph_slot *slot, size_t known)
{
	size_t live = (size_t)((char *)slot - (char *)self->coro.sp);
	struct heph_saved *saved;

	saved = heph_pool_take(&self->thread->pool,
			       sizeof(*saved) + live - known);
	if (saved)
		saved->slot_and_known = (uintptr_t)slot | known / 8;
	return saved;
}

/* Its actors are to have stacks of their own from now on. */
static void note_deep(struct heph_self *self, size_t live)
{
	atomic_store_explicit(&heph_kind_of(self)->deep, true,
			      memory_order_relaxed);
	heph_log_info("actors of a type wait with much on their stacks: they "
		      "get stacks of their own",
		      HEPH_KV_STR("type", heph_type_of(self)->name),
		      HEPH_KV_UINT("bytes", live));
}

static void count(struct heph_self *self, size_t live)
{
	struct heph_kind *kind = heph_kind_of(self);

	heph_count(&self->thread->count.displaced);
	heph_count(&kind->displaced);
	heph_count_add(&kind->live_sum, live);
	if (live <= atomic_load_explicit(&kind->live_max, memory_order_relaxed))
		return;
	heph_count_set(&kind->live_max, live);
	if (heph_unlikely(live > HEPH_SLOT_LIVE_MAX) && !is_deep(kind))
		note_deep(self, live);
}

/* Hostile: nobody must count on what was there. */
static void spoil(struct heph_slot *slot, char *sp)
{
	char *from = sp - slot->low > FILL_BELOW ? sp - FILL_BELOW : slot->low;
	size_t size = (size_t)((char *)slot - from);

	heph_san_unpoison(from, size);
	memset(from, FILL, size);
	heph_san_unpoison(from, size);
}

static bool put_away(struct heph_self *self)
{
	struct heph_slot *slot = self->slot;
	char *sp = self->coro.sp, *top = top_of(self, slot);
	size_t known = heph_coro_known(&self->coro, top);
	size_t below = (size_t)(top - sp) - known;
	struct heph_saved *saved = take_saved(self, slot, known);

	if (!saved)
		return false;
	count(self, heph_slot_live(self));
	memcpy(saved->bytes, sp, below);
	copy_argument(saved->bytes + below, top, (size_t)((char *)slot - top));
	self->saved = saved;
	self->flags |= HEPH_FLAG_AWAY;
	slot->inside = NULL;
	if (HEPH_DEBUG >= 2)
		spoil(slot, sp);
	return true;
}

/* Valgrind does not see how frames come here, and believes that there are none.
 * It also needs the bytes below them, which it leaves alone when they grow. */
static void open_up(struct heph_slot *slot, char *sp)
{
	char *from = sp - slot->low > RED_ZONE ? sp - RED_ZONE : slot->low;

	if (HEPH_DEBUG >= 2)
		heph_san_unpoison(from, (size_t)((char *)slot - from));
}

static void put_back(struct heph_self *self, struct heph_slot *slot,
		     const struct heph_saved *saved, heph_coro_end *end)
{
	char *sp = self->coro.sp, *top = top_of(self, slot);
	size_t known = heph_saved_known(saved);
	size_t below = (size_t)(top - sp) - known;

	open_up(slot, sp);
	if (known)
		heph_coro_restore(&self->coro, top, end);
	memcpy(sp, saved->bytes, below);
	copy_argument(top, saved->bytes + below, (size_t)((char *)slot - top));
}

bool heph_slot_enter(struct heph_self *self, heph_coro_end *end)
{
	struct heph_saved *saved = self->saved;
	struct heph_slot *slot = heph_saved_slot(saved);

	if (slot->inside && !put_away(slot->inside))
		return false;
	put_back(self, slot, saved, end);
	give_saved(self, saved);
	self->flags &= (uint16_t)~HEPH_FLAG_AWAY;
	self->slot = slot;
	slot->inside = self;
	return true;
}

/* ---- beginnings and ends --------------------------------------------------- */

/* Where the first bytes of its stack go. NULL: no memory. */
static char *first_image(struct heph_self *self, struct heph_slot *slot,
			 char *top)
{
	struct heph_saved *saved;

	if (!slot->inside) {
		slot->inside = self;
		self->slot = slot;
		open_up(slot, top - HEPH_CORO_FRAME);
		return top - HEPH_CORO_FRAME;
	}
	self->coro.sp = top - HEPH_CORO_FRAME;
	saved = take_saved(self, slot, 0);
	if (!saved)
		return NULL;
	self->saved = saved;
	self->flags |= HEPH_FLAG_AWAY;
	return (char *)saved->bytes;
}

int heph_slot_bind(struct heph_self *self, size_t stack, const void *arg,
		   heph_coro_fn *fn, heph_coro_end *end)
{
	size_t arg_size = heph_type_of(self)->arg_size;
	struct heph_slot *slot = choose(self, stack);
	char *image, *top;

	if (!slot)
		return -ENOMEM;
	slot->bound++;
	top = heph_slot_top(slot, arg_size);
	image = first_image(self, slot, top);
	if (!image) {
		release(heph_worker_of(self), slot);
		return -ENOMEM;
	}
	heph_coro_init(&self->coro, slot->low, heph_slot_size(slot), top, image,
		       fn, end);
	heph_copy(image + HEPH_CORO_FRAME, arg, arg_size);
	return 0;
}

void heph_slot_unbind(struct heph_self *self)
{
	struct heph_slot *slot = heph_slot_of(self);

	heph_coro_fini(&self->coro);
	if (self->flags & HEPH_FLAG_AWAY)
		give_saved(self, self->saved);
	else
		slot->inside = NULL;
	self->flags &= (uint16_t)~HEPH_FLAG_AWAY;
	release(heph_worker_of(self), slot);
}

void heph_slot_reset(struct heph_self *self, heph_coro_fn *fn)
{
	struct heph_slot *slot = self->slot;

	heph_coro_reset(&self->coro, slot->low, heph_slot_size(slot),
			top_of(self, slot), fn);
}
