/* SPDX-License-Identifier: MIT */
/*
 * Write the tick of a timer as a number of base 64. The level of a timer is
 * the highest digit in which its tick differs from the tick of the wheel, and
 * its slot is its own digit there:
 *
 *   wheel   2 7 10        a timer at 2 7 31 is in level 0, slot 31
 *                         a timer at 2 9 44 is in level 1, slot 9
 *                         a timer at 3 0  0 is in level 2, slot 3
 *
 * It follows that
 *  - a slot of level 0 holds timers of one tick only;
 *  - on a level, all slots in use lie after the wheel's own digit, and a slot
 *    begins later than all those of the levels below: the next thing to do is
 *    the first slot of the lowest level in use, found by its bitmap;
 *  - the wheel may move to any tick before that without touching a timer, for
 *    then no digit at or above a timer's level changes.
 *
 * When the wheel reaches a slot of level 0 its timers are due. When it reaches
 * one of a higher level, each timer in it now shares one more digit with the
 * wheel and goes to a lower level, or is due. A timer moves five times at most.
 *
 * The last level has no digits above it. It is used as a ring: the slots after
 * the wheel's own are the next 63 periods, also across zero. What lies further
 * away waits in the last of them and is put there again when it is reached.
 *
 * Ticks of one slot are kept in order of arming, and a timer that comes down
 * from above comes before any other can be put beside it; so they stay in
 * order. `due` holds the timers of one tick, the wheel's own, and those that
 * were set when it was already over.
 *
 * The slot of a timer is not stored. A timer that is alone in its list has
 * the list itself on both sides, whose address tells the slot.
 */
#include "base/wheel.h"

#include "base/fmt.h"
#include "base/mem.h"

enum {
	TOP = HEPH_WHEEL_LEVELS - 1,
	DIGIT = HEPH_WHEEL_SLOTS - 1, /* the mask of one */
};

_Static_assert(HEPH_WHEEL_SLOTS == 64, "a bitmap is one word");

/* The tick by which `when` has passed. */
static uint64_t tick_of(heph_time when)
{
	if (when <= 0)
		return 0;
	return ((uint64_t)when + (uint64_t)HEPH_WHEEL_TICK - 1) >>
	       HEPH_WHEEL_TICK_BITS;
}

static heph_time time_of(uint64_t tick)
{
	if (tick > (uint64_t)INT64_MAX >> HEPH_WHEEL_TICK_BITS)
		return HEPH_NEVER - 1; /* not NEVER: the wheel is not empty */
	return (heph_time)(tick << HEPH_WHEEL_TICK_BITS);
}

static unsigned digit_of(uint64_t tick, unsigned level)
{
	return (tick >> (level * HEPH_WHEEL_BITS)) & DIGIT;
}

/* The level and slot of a tick that lies after the wheel's. */
static unsigned place_of(const struct heph_wheel *wheel, uint64_t tick,
			 unsigned *ret_level)
{
	uint64_t differs = tick ^ wheel->tick;
	unsigned level =
		(63u - (unsigned)__builtin_clzll(differs)) / HEPH_WHEEL_BITS;
	uint64_t period, last;

	*ret_level = level;
	if (level < TOP)
		return digit_of(tick, level);
	*ret_level = TOP;
	period = tick >> (TOP * HEPH_WHEEL_BITS);
	last = (wheel->tick >> (TOP * HEPH_WHEEL_BITS)) + DIGIT;
	return (period < last ? period : last) & DIGIT;
}

static void insert(struct heph_wheel *wheel, struct heph_timer *timer)
{
	uint64_t tick = tick_of(timer->when);
	unsigned level, slot;

	if (tick <= wheel->tick) {
		heph_list_push_back(&wheel->due, &timer->node);
		return;
	}
	slot = place_of(wheel, tick, &level);
	wheel->occupied[level] |= UINT64_C(1) << slot;
	heph_list_push_back(&wheel->slots[level][slot], &timer->node);
}

/* Marks the slot whose list is `list` as empty; `due` has no mark. */
static void unmark(struct heph_wheel *wheel, const struct heph_list *list)
{
	size_t n;

	if (list == &wheel->due)
		return;
	n = (size_t)(list - &wheel->slots[0][0]);
	wheel->occupied[n / HEPH_WHEEL_SLOTS] &=
		~(UINT64_C(1) << n % HEPH_WHEEL_SLOTS);
}

void heph_wheel_init(struct heph_wheel *wheel, heph_time now)
{
	wheel->tick = now > 0 ? (uint64_t)now >> HEPH_WHEEL_TICK_BITS : 0;
	wheel->count = 0;
	heph_list_init(&wheel->due);
	for (unsigned level = 0; level < HEPH_WHEEL_LEVELS; level++) {
		wheel->occupied[level] = 0;
		for (unsigned slot = 0; slot < HEPH_WHEEL_SLOTS; slot++)
			heph_list_init(&wheel->slots[level][slot]);
	}
}

void heph_wheel_set(struct heph_wheel *wheel, struct heph_timer *timer,
		    heph_time when)
{
	heph_wheel_cancel(wheel, timer);
	timer->when = when;
	insert(wheel, timer);
	wheel->count++;
}

void heph_wheel_cancel(struct heph_wheel *wheel, struct heph_timer *timer)
{
	struct heph_list *node = &timer->node;

	if (!heph_timer_armed(timer))
		return;
	heph_debug_assert(wheel->count > 0);
	if (node->prev == node->next)
		unmark(wheel, node->next);
	heph_list_remove(node);
	wheel->count--;
}

/* How many slots of a level come before the next one in use, counted from the
 * wheel's own digit. The level is not empty. */
static unsigned distance(const struct heph_wheel *wheel, unsigned level)
{
	unsigned own = digit_of(wheel->tick, level);
	uint64_t used = wheel->occupied[level];

	/* Rotate: only the last level has slots before its own. */
	used = (used >> own) | (used << (-own & DIGIT));
	return (unsigned)__builtin_ctzll(used);
}

/* Where the next slot in use begins. Returns its level, or -1 if there is
 * none. */
static int next_slot(const struct heph_wheel *wheel, uint64_t *ret_tick)
{
	unsigned level = 0, shift;

	while (level < HEPH_WHEEL_LEVELS && !wheel->occupied[level])
		level++;
	if (level == HEPH_WHEEL_LEVELS)
		return -1;
	shift = level * HEPH_WHEEL_BITS;
	*ret_tick = ((wheel->tick >> shift) + distance(wheel, level)) << shift;
	return (int)level;
}

heph_time heph_wheel_next(const struct heph_wheel *wheel)
{
	uint64_t tick = wheel->tick;

	if (heph_list_empty(&wheel->due) && next_slot(wheel, &tick) < 0)
		return HEPH_NEVER;
	return time_of(tick);
}

/* Moves the wheel to the slot that begins at `tick`, and its timers to where
 * they belong now. Those of level 0 all have that tick; none is due yet. */
static void enter_slot(struct heph_wheel *wheel, unsigned level, uint64_t tick)
{
	struct heph_list *slot = &wheel->slots[level][digit_of(tick, level)];
	struct heph_list timers, *node;

	wheel->tick = tick;
	unmark(wheel, slot);
	if (level == 0) {
		heph_list_splice(&wheel->due, slot);
		return;
	}
	heph_list_init(&timers);
	heph_list_splice(&timers, slot);
	while ((node = heph_list_pop_front(&timers)))
		insert(wheel, heph_container_of(node, struct heph_timer, node));
}

/* Moves the wheel until a timer is due or `until` is reached. */
static void advance(struct heph_wheel *wheel, uint64_t until)
{
	uint64_t tick = 0;
	int level;

	while (heph_list_empty(&wheel->due)) {
		level = next_slot(wheel, &tick);
		if (level < 0 || tick > until) {
			if (wheel->tick < until)
				wheel->tick = until;
			return;
		}
		enter_slot(wheel, (unsigned)level, tick);
	}
}

struct heph_timer *heph_wheel_expire(struct heph_wheel *wheel, heph_time now)
{
	struct heph_timer *timer;
	struct heph_list *node;

	if (now > 0)
		advance(wheel, (uint64_t)now >> HEPH_WHEEL_TICK_BITS);
	node = heph_list_first(&wheel->due);
	if (!node)
		return NULL;
	timer = heph_container_of(node, struct heph_timer, node);
	if (timer->when > now)
		return NULL; /* time went backwards; never early */
	heph_list_remove(node);
	wheel->count--;
	return timer;
}

unsigned long heph_wheel_count(const struct heph_wheel *wheel)
{
	return wheel->count;
}

/* ---- as a table ---- */

static void *create(heph_time now)
{
	struct heph_wheel *wheel = heph_mem_alloc_raw(sizeof(*wheel));

	if (wheel)
		heph_wheel_init(wheel, now);
	return wheel;
}

static void add(void *wheel, struct heph_timer *timer)
{
	timer->node = (struct heph_list){ 0 }; /* not armed */
	heph_wheel_set(wheel, timer, timer->when);
}

static void cancel(void *wheel, struct heph_timer *timer)
{
	heph_wheel_cancel(wheel, timer);
}

static heph_time next(void *wheel)
{
	return heph_wheel_next(wheel);
}

static struct heph_timer *expire(void *wheel, heph_time now)
{
	return heph_wheel_expire(wheel, now);
}

static unsigned long count(const void *wheel)
{
	return heph_wheel_count(wheel);
}

const struct heph_timers heph_timers_wheel = {
	.name = "wheel",
	.create = create,
	.destroy = heph_mem_free,
	.add = add,
	.remove = cancel,
	.next = next,
	.expire = expire,
	.count = count,
};

/* ---- for tests and people ---- */

static const struct heph_timer *timer_of(const struct heph_list *node)
{
	return heph_container_of(node, const struct heph_timer, node);
}

static bool node_is_linked(const struct heph_list *node)
{
	return node->prev->next == node && node->next->prev == node;
}

/* Counts the timers of a slot. Returns false if one is wrong here. */
static bool slot_is_valid(const struct heph_wheel *wheel, unsigned level,
			  unsigned slot, unsigned long *count)
{
	const struct heph_list *list = &wheel->slots[level][slot];
	bool marked = wheel->occupied[level] >> slot & 1;
	const struct heph_list *node;
	uint64_t tick;
	unsigned its_level, its_slot;

	if (!node_is_linked(list) || marked != (list->next != list))
		return false;
	if (marked && slot == digit_of(wheel->tick, level))
		return false;
	heph_list_each(node, list) {
		tick = tick_of(timer_of(node)->when);
		if (!node_is_linked(node) || tick <= wheel->tick)
			return false;
		its_slot = place_of(wheel, tick, &its_level);
		/* In the last level it may have been further away before. */
		if (its_level != level || (its_slot != slot && level != TOP))
			return false;
		++*count;
	}
	return true;
}

bool heph_wheel_validate(const struct heph_wheel *wheel)
{
	const struct heph_list *node;
	unsigned long count = 0;

	heph_list_each(node, &wheel->due) {
		if (!node_is_linked(node) ||
		    tick_of(timer_of(node)->when) > wheel->tick)
			return false;
		count++;
	}
	for (unsigned level = 0; level < HEPH_WHEEL_LEVELS; level++)
		for (unsigned slot = 0; slot < HEPH_WHEEL_SLOTS; slot++)
			if (!slot_is_valid(wheel, level, slot, &count))
				return false;
	return count == wheel->count;
}

/* Writes "  NAME N: WHEN WHEN ..." in one line or more. */
static void dump_list(struct heph_fmt *fmt, const struct heph_list *list,
		      int fd)
{
	const struct heph_list *node;

	heph_list_each(node, list) {
		heph_fmt_char(fmt, ' ');
		heph_fmt_int(fmt, timer_of(node)->when);
		if (fmt->size - fmt->len < 64)
			heph_fmt_write(fmt, fd);
	}
	heph_fmt_char(fmt, '\n');
	heph_fmt_write(fmt, fd);
}

void heph_wheel_dump(const struct heph_wheel *wheel, int fd)
{
	char buf[512];
	struct heph_fmt fmt;

	heph_fmt_init(&fmt, buf, sizeof(buf));
	heph_fmt_str(&fmt, "wheel at ");
	heph_fmt_int(&fmt, time_of(wheel->tick));
	heph_fmt_str(&fmt, ", timers: ");
	heph_fmt_uint(&fmt, wheel->count);
	heph_fmt_str(&fmt, "\n  due:");
	dump_list(&fmt, &wheel->due, fd);
	for (unsigned level = 0; level < HEPH_WHEEL_LEVELS; level++)
		for (unsigned slot = 0; slot < HEPH_WHEEL_SLOTS; slot++) {
			if (!(wheel->occupied[level] >> slot & 1))
				continue;
			heph_fmt_str(&fmt, "  level ");
			heph_fmt_uint(&fmt, level);
			heph_fmt_str(&fmt, " slot ");
			heph_fmt_uint(&fmt, slot);
			heph_fmt_char(&fmt, ':');
			dump_list(&fmt, &wheel->slots[level][slot], fd);
		}
}
