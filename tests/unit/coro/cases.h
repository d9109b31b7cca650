/* SPDX-License-Identifier: MIT */
/* cases.h - tests of the switch that need nothing but the switch
 *
 * Included by test_coro.c, and by plain.c, which is built at many levels of
 * optimisation and for other machines. Each case calls CHECK, which the
 * includer defines.
 */
#ifndef HEPH_TESTS_CORO_CASES_H
#define HEPH_TESTS_CORO_CASES_H

#include <stdalign.h>
#include <alloca.h>
#include <execinfo.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "coro/coro.h"

#define NOINLINE __attribute__((noinline))
/* The compiler knows nothing about the value from here on. */
#define OPAQUE(x_) __asm__ volatile("" : "+r"(x_))
#define OPAQUE4(w_, x_, y_, z_)                                                \
	__asm__ volatile("" : "+r"(w_), "+r"(x_), "+r"(y_), "+r"(z_))
#define OPAQUE_MEM(x_) __asm__ volatile("" : "+m"(x_))

#if HEPH_TSAN
#define CROWD 300
#else
#define CROWD 3000
#endif

#if HEPH_ASAN || HEPH_TSAN
#define STACK ((size_t)128 << 10)
#else
#define STACK ((size_t)16 << 10)
#endif

static struct heph_coro main_coro;
static struct heph_coro coros[CROWD];
static char *stacks;
static int step;
static unsigned long random_state = 1;

static void *stack_at(size_t i)
{
	return stacks + i * STACK;
}

static void begin_case(void)
{
	stacks = mmap(NULL, STACK * CROWD, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	CHECK(stacks != MAP_FAILED);
	heph_coro_init_thread(&main_coro);
	step = 0;
}

static void end_case(void)
{
	heph_coro_fini(&main_coro);
	heph_san_unpoison(stacks, STACK * CROWD);
	munmap(stacks, STACK * CROWD);
}

/* The top of a stack whose last bytes are somebody's. */
static void *top_below(size_t i, size_t reserve)
{
	uintptr_t top = (uintptr_t)heph_coro_top(stack_at(i), STACK);

	return (void *)((top - reserve) & ~(uintptr_t)15);
}

/* No coroutine of ours returns. */
static void never(struct heph_coro *self, int result)
{
	(void)self, (void)result;
	CHECK(0);
}

static void start(size_t i, size_t reserve, heph_coro_fn *fn)
{
	char *top = top_below(i, reserve);

	heph_coro_init(&coros[i], stack_at(i), STACK, top,
		       top - HEPH_CORO_FRAME, fn, never);
}

static unsigned long next_random(void)
{
	random_state =
		random_state * 6364136223846793005u + 1442695040888963407u;
	return random_state >> 33;
}

/* ---- to and fro ---- */

static int ping(struct heph_coro *self)
{
	for (int i = 1; i <= 1000; i++) {
		CHECK(step == 2 * i - 1);
		step++;
		heph_coro_switch(self, &main_coro);
	}
	heph_coro_leave(self, &main_coro);
}

static void case_ping_pong(void)
{
	begin_case();
	start(0, 0, ping);
	for (int i = 1; i <= 1000; i++) {
		step++;
		heph_coro_switch(&main_coro, &coros[0]);
		CHECK(step == 2 * i);
	}
	heph_coro_switch(&main_coro, &coros[0]);
	heph_coro_fini(&coros[0]);
	end_case();
}

/* Many switches in one function: each has a label of its own. */
static int four(struct heph_coro *self)
{
	step += 1;
	heph_coro_switch(self, &main_coro);
	step += 10;
	heph_coro_switch(self, &main_coro);
	step += 100;
	heph_coro_switch(self, &main_coro);
	step += 1000;
	heph_coro_leave(self, &main_coro);
}

static void case_four_switches(void)
{
	begin_case();
	start(0, 0, four);
	heph_coro_switch(&main_coro, &coros[0]);
	CHECK(step == 1);
	heph_coro_switch(&main_coro, &coros[0]);
	CHECK(step == 11);
	heph_coro_switch(&main_coro, &coros[0]);
	CHECK(step == 111);
	heph_coro_switch(&main_coro, &coros[0]);
	CHECK(step == 1111);
	heph_coro_fini(&coros[0]);
	end_case();
}

static int pass_on(struct heph_coro *self)
{
	size_t i = (size_t)(self - coros);

	step++;
	heph_coro_leave(self, i + 1 < 10 ? self + 1 : &main_coro);
}

/* From coroutine to coroutine, not by way of the thread. */
static void case_chain(void)
{
	begin_case();
	for (size_t i = 0; i < 10; i++)
		start(i, 0, pass_on);
	heph_coro_switch(&main_coro, &coros[0]);
	CHECK(step == 10);
	for (size_t i = 0; i < 10; i++)
		heph_coro_fini(&coros[i]);
	end_case();
}

/* ---- what is live survives ---- */

typedef long vector __attribute__((vector_size(32)));

/* More live values than there are registers, of each kind. */
static NOINLINE long keep_longs(struct heph_coro *self, long s)
{
	long a = s + 1, b = s + 2, c = s + 3, d = s + 4, e = s + 5, f = s + 6,
	     g = s + 7, h = s + 8, i = s + 9, j = s + 10, k = s + 11,
	     l = s + 12, m = s + 13, n = s + 14, o = s + 15, p = s + 16;

	for (int round = 0; round < 5; round++) {
		OPAQUE4(a, b, c, d);
		OPAQUE4(e, f, g, h);
		OPAQUE4(i, j, k, l);
		OPAQUE4(m, n, o, p);
		heph_coro_switch(self, &main_coro);
	}
	return a + 2 * b + 3 * c + 4 * d + 5 * e + 6 * f + 7 * g + 8 * h +
	       9 * i + 10 * j + 11 * k + 12 * l + 13 * m + 14 * n + 15 * o +
	       16 * p;
}

static NOINLINE double keep_doubles(struct heph_coro *self, double s)
{
	double a = s * 2, b = s * 3, c = s * 4, d = s * 5, e = s * 6, f = s * 7,
	       g = s * 8, h = s * 9;
	long double x = (long double)s / 3, y = (long double)s / 7;
	vector v = { (long)s, (long)s + 1, (long)s + 2, (long)s + 3 };
	float t = (float)s;

	for (int round = 0; round < 5; round++) {
		x = x * 2, y = y * 2, v = v + v, t = t * 2;
		a = a * 2, b = b * 2, c = c * 2, d = d * 2;
		e = e * 2, f = f * 2, g = g * 2, h = h * 2;
		heph_coro_switch(self, &main_coro);
	}
	return a + b + c + d + e + f + g + h + (double)(x * 3) +
	       (double)(y * 7) + (double)(v[0] + v[1] + v[2] + v[3]) +
	       (double)t;
}

static NOINLINE int keep_memory(struct heph_coro *self, unsigned n, char c)
{
	alignas(16) char fixed[40];
	char *variable = alloca(n);
	int bad = 0;

	memset(fixed, c, sizeof(fixed));
	memset(variable, c + 1, n);
	heph_coro_switch(self, &main_coro);
	for (size_t i = 0; i < sizeof(fixed); i++)
		bad += fixed[i] != c;
	for (size_t i = 0; i < n; i++)
		bad += variable[i] != (char)(c + 1);
	return bad;
}

static NOINLINE int over_aligned(struct heph_coro *self, char c)
{
	alignas(64) char bytes[64];

	memset(bytes, c, sizeof(bytes));
	OPAQUE_MEM(bytes);
	heph_coro_switch(self, &main_coro);
	OPAQUE_MEM(bytes);
	return ((uintptr_t)bytes & 63) != 0 || bytes[63] != c;
}

/* Calls nothing, so its locals may lie below the stack pointer. */
static NOINLINE long leaf(struct heph_coro *self, long s)
{
	long below[8];

	for (int i = 0; i < 8; i++)
		below[i] = s + i;
	OPAQUE_MEM(below);
	heph_coro_switch(self, &main_coro);
	OPAQUE_MEM(below);
	s = 0;
	for (int i = 0; i < 8; i++)
		s += below[i];
	return s;
}

static NOINLINE int nest(struct heph_coro *self, int depth)
{
	int mine = depth;
	int sum;

	OPAQUE(mine);
	if (!depth) {
		heph_coro_switch(self, &main_coro);
		return 0;
	}
	sum = nest(self, depth - 1);
	return sum + mine;
}

static int finished;

static int member(struct heph_coro *self)
{
	long s = self - coros;
	double x = (double)s + 1;

	for (int i = 0; i < 3; i++) {
		CHECK(keep_longs(self, s) == 136 * s + 1496);
		CHECK(keep_doubles(self, x) ==
		      x * 44 * 32 + x * 64 + (double)(4 * (s + 1) + 6) * 32 +
			      x * 32);
		CHECK(keep_memory(self, 1 + (unsigned)s % 300, (char)s) == 0);
		CHECK(over_aligned(self, (char)s) == 0);
		CHECK(leaf(self, s) == 8 * s + 28);
		CHECK(nest(self, 20) == 210);
	}
	finished++;
	for (;;)
		heph_coro_switch(self, &main_coro);
	return 0;
}

/* A crowd, resumed in random order. */
static void case_live_values(void)
{
	size_t i;

	begin_case();
	finished = 0;
	for (i = 0; i < CROWD; i++)
		start(i, 0, member);
	while (finished < CROWD) {
		i = next_random() % CROWD;
		for (int n = 0; n < 12; n++)
			heph_coro_switch(&main_coro, &coros[i]);
	}
	for (i = 0; i < CROWD; i++)
		heph_coro_fini(&coros[i]);
	end_case();
}

/* ---- beginnings ---- */

struct argument {
	alignas(16) char text[20];
	void *frame;
};

static struct argument *argument_of(struct heph_coro *self)
{
	size_t i = (size_t)(self - coros);

	return top_below(i, sizeof(struct argument));
}

static NOINLINE int is_aligned(const void *at)
{
	OPAQUE(at);
	return ((uintptr_t)at & 15) == 0;
}

static int with_argument(struct heph_coro *self)
{
	struct argument *arg = argument_of(self);
	alignas(16) char local[16] = "";

	CHECK(!strcmp(arg->text, "nineteen characters"));
	CHECK(is_aligned(local));
	CHECK(is_aligned(__builtin_frame_address(0)));
#if !HEPH_ASAN /* which may have moved it to the heap */
	CHECK((char *)local < (char *)arg);
	CHECK((char *)local > (char *)stack_at(0));
#endif
	heph_coro_leave(self, &main_coro);
}

static void case_argument(void)
{
	struct argument *arg;

	begin_case();
	start(0, sizeof(*arg), with_argument);
	arg = argument_of(&coros[0]);
	CHECK(((uintptr_t)arg & 15) == 0);
	CHECK((char *)(arg + 1) <= (char *)heph_coro_top(stack_at(0), STACK));
	strcpy(arg->text, "nineteen characters");
	heph_coro_switch(&main_coro, &coros[0]);
	heph_coro_fini(&coros[0]);
	end_case();
}

/* Until it runs, a new coroutine needs no stack memory: the beginning of its
 * stack is kept elsewhere. */
static void case_begins_elsewhere(void)
{
	alignas(16) char image[HEPH_CORO_FRAME];

	begin_case();
	CHECK(!mprotect(stack_at(0), STACK, PROT_NONE));
	heph_coro_init(&coros[0], stack_at(0), STACK, top_below(0, 64), image,
		       ping, never);
	CHECK(!mprotect(stack_at(0), STACK, PROT_READ | PROT_WRITE));
	memcpy(coros[0].sp, image, sizeof(image));
	step = 1;
	heph_coro_switch(&main_coro, &coros[0]);
	CHECK(step == 2);
	heph_coro_fini(&coros[0]);
	end_case();
}

/* ---- going on, and ends ---- */

static int add_one(struct heph_coro *self, void *arg)
{
	CHECK(self == &coros[0]);
	return *(int *)arg + 1;
}

static NOINLINE int wait_and_add(struct heph_coro *self, int *n)
{
	return heph_coro_switch_then(self, &main_coro, n, add_one);
}

static int adder(struct heph_coro *self)
{
	int n = 40;

	n = wait_and_add(self, &n);
	CHECK(n == 41);
	n = wait_and_add(self, &n);
	return n;
}

static void ended(struct heph_coro *self, int result)
{
	CHECK(self == &coros[0]);
	step = result;
	heph_coro_leave(self, &main_coro);
}

static void case_then(void)
{
	char *top;

	begin_case();
	top = top_below(0, 0);
	heph_coro_init(&coros[0], stack_at(0), STACK, top,
		       top - HEPH_CORO_FRAME, adder, ended);
	for (int i = 0; i < 3; i++)
		heph_coro_switch(&main_coro, &coros[0]);
	CHECK(step == 42);
	heph_coro_fini(&coros[0]);
	end_case();
}

#if HEPH_ASAN || HEPH_TSAN
static void case_shared_stack(void)
{
} /* every coroutine has its own */
#else
/* Two coroutines take turns on one stack; what is live of the other one is
 * kept elsewhere, and the stack is overwritten in between. */
static size_t knowns[2]; /* bytes that are not kept */

static void put_away(size_t i, char *copy)
{
	char *sp = coros[i].sp, *top = heph_coro_top(stack_at(0), STACK);

	knowns[i] = heph_coro_known(&coros[i], top_below(0, 0));
	CHECK(knowns[i] % 8 == 0 && knowns[i] <= HEPH_CORO_KNOWN_MAX);
	CHECK(top - sp < 8192);
	memcpy(copy, sp, (size_t)(top - sp) - knowns[i]);
	heph_san_unpoison(sp - 4096, 4096);
	memset(sp - 4096, 0xa5, (size_t)(top - sp) + 4096);
}

static void put_back(size_t i, const char *copy)
{
	char *sp = coros[i].sp, *top = heph_coro_top(stack_at(0), STACK);

	heph_san_unpoison(sp - 128, (size_t)(top - sp) + 128);
	if (knowns[i])
		heph_coro_restore(&coros[i], top, never);
	memcpy(sp, copy, (size_t)(top - sp) - knowns[i]);
}

static void case_shared_stack(void)
{
	static char copies[2][8192];

	begin_case();
	finished = 0;
	for (size_t i = 0; i < 2; i++) {
		heph_coro_init(&coros[i], stack_at(0), STACK, top_below(0, 0),
			       (char *)top_below(0, 0) - HEPH_CORO_FRAME,
			       member, never);
		put_away(i, copies[i]);
	}
	for (size_t i = 0; finished < 2; i = !i) {
		put_back(i, copies[i]);
		heph_coro_switch(&main_coro, &coros[i]);
		put_away(i, copies[i]);
	}
	end_case();
}
#endif

/* What is known is told by what lies below the top; that the first function has
 * returned, by the foot alone: the rest may be left from before. */
static void case_known(void)
{
	enum { WORDS = 16 };
	uintptr_t words[WORDS] = { 0 }, *top = words + WORDS;
	struct heph_coro coro = { .sp = words };

	top[-3] = (uintptr_t)heph_coro_returned;
	top[-2] = (uintptr_t)never;
	top[-1] = (uintptr_t)&coro;
	CHECK(heph_coro_known(&coro, top) == HEPH_CORO_KNOWN_MAX);
	top[-5] = 1;
	CHECK(heph_coro_known(&coro, top) == 4 * 8);
	top[-1] = 1; /* a return address */
	CHECK(heph_coro_known(&coro, top) == 0);
	top[-1] = (uintptr_t)&coro;
	coro.sp = top - 4;
	CHECK(heph_coro_known(&coro, top) == 0);
}

static void case_tops_differ(void)
{
	unsigned char seen[64] = { 0 };
	unsigned lines = 0;
	size_t line;

	for (uintptr_t i = 0; i < HEPH_CORO_COLOURS; i++) {
		char *low = (char *)(uintptr_t)0x7f0000001000 + i * 0x10000;
		char *top = heph_coro_top(low, 0xf000);

		CHECK(top <= low + 0xf000 && top > low + 0xf000 - 2048);
		line = (uintptr_t)top / 64 % 64;
		lines += !seen[line];
		seen[line] = 1;
	}
	CHECK(lines >= HEPH_CORO_COLOURS / 2);
}

/* ---- resets ---- */

static int resets;

static int again(struct heph_coro *self);

static NOINLINE void fail_deep(struct heph_coro *self, int depth)
{
	char frame[64];

	memset(frame, depth, sizeof(frame));
	OPAQUE_MEM(frame);
	if (depth == 10)
		heph_coro_switch(self, &main_coro);
	if (!depth)
		heph_coro_reset(self, stack_at(0), STACK, argument_of(self),
				again);
	if (depth > 0)
		fail_deep(self, depth - 1);
	OPAQUE_MEM(frame);
}

static int again(struct heph_coro *self)
{
	struct argument *arg = argument_of(self);

	CHECK(!strcmp(arg->text, "stays"));
	CHECK(is_aligned(__builtin_frame_address(0)));
	/* Each time at the same place. */
	CHECK(resets < 2 || arg->frame == __builtin_frame_address(0));
	arg->frame = __builtin_frame_address(0);
	if (resets++ < 2000)
		fail_deep(self, 20);
	heph_coro_leave(self, &main_coro);
}

static void case_reset(void)
{
	begin_case();
	resets = 0;
	start(0, sizeof(struct argument), again);
	strcpy(argument_of(&coros[0])->text, "stays");
	for (int i = 0; i <= 2000; i++)
		heph_coro_switch(&main_coro, &coros[0]);
	CHECK(resets == 2001);
	heph_coro_fini(&coros[0]);
	end_case();
}

/* ---- between threads ---- */

static struct heph_coro other_thread;
static struct heph_coro *resumer;

static NOINLINE long wander(struct heph_coro *self, long s)
{
	double x = (double)s;

	for (int i = 0; i < 6; i++) {
		OPAQUE(s);
		x += 1;
		heph_coro_switch(self, resumer);
		s += 1;
	}
	return s + (long)x;
}

static int wanderer(struct heph_coro *self)
{
	step = (int)wander(self, 100);
	heph_coro_leave(self, resumer);
}

static void *resume_elsewhere(void *unused)
{
	(void)unused;
	heph_coro_init_thread(&other_thread);
	resumer = &other_thread;
	heph_coro_switch(&other_thread, &coros[0]);
	resumer = &main_coro;
	heph_coro_fini(&other_thread);
	return NULL;
}

static void case_threads(void)
{
	pthread_t thread;

	begin_case();
	resumer = &main_coro;
	start(0, 0, wanderer);
	while (!step) {
		heph_coro_switch(&main_coro, &coros[0]);
		if (step)
			break;
		CHECK(!pthread_create(&thread, NULL, resume_elsewhere, NULL));
		CHECK(!pthread_join(thread, NULL));
	}
	CHECK(step == 212);
	heph_coro_fini(&coros[0]);
	end_case();
}

/* ---- backtraces ---- */

static NOINLINE void trace(struct heph_coro *self)
{
	void *frames[32];

	step = backtrace(frames, 32);
	heph_coro_switch(self, &main_coro);
}

static int traced(struct heph_coro *self)
{
	trace(self);
	heph_coro_leave(self, &main_coro);
}

/* trace, traced, the entry, at most: nothing of the thread's, and no end that
 * was reached by a lack of sense. */
static void case_backtrace_ends(void)
{
	begin_case();
	start(0, 0, traced);
	heph_coro_switch(&main_coro, &coros[0]);
	CHECK(step >= 2 && step <= 3 + 2 * (HEPH_ASAN || HEPH_TSAN));
	heph_coro_switch(&main_coro, &coros[0]);
	heph_coro_fini(&coros[0]);
	end_case();
}

/* clang-format off */
#define CASES(x_)                \
	x_(ping_pong)            \
	x_(four_switches)        \
	x_(chain)                \
	x_(live_values)          \
	x_(argument)             \
	x_(begins_elsewhere)     \
	x_(then)                 \
	x_(shared_stack)         \
	x_(known)                \
	x_(tops_differ)          \
	x_(reset)                \
	x_(threads)              \
	x_(backtrace_ends)
/* clang-format on */

#endif
