/* SPDX-License-Identifier: MIT */
/* gdb_target.c - a program for test_gdb.sh: a breakpoint some frames deep in a
 * coroutine, before and after it was suspended, and after a reset */
#include <stdlib.h>

#include "coro/coro.h"

static struct heph_coro main_coro;
static struct heph_coro coro;
static char *low;
static int round_no;

#define SIZE ((size_t)64 << 10)

__attribute__((noinline)) static void stop_here(int n)
{
	__asm__ volatile("" : : "r"(n) : "memory");
}

__attribute__((noinline)) static void middle(struct heph_coro *self, int n)
{
	stop_here(n);
	heph_coro_switch(self, &main_coro);
	stop_here(n + 1);
	__asm__ volatile("" : : "r"(n) : "memory");
}

static void end(struct heph_coro *self, int result)
{
	(void)self, (void)result;
	abort();
}

static int body(struct heph_coro *self)
{
	middle(self, 10 * round_no);
	if (!round_no++)
		heph_coro_reset(self, low, SIZE, heph_coro_top(low, SIZE), body);
	heph_coro_leave(self, &main_coro);
}

int main(void)
{
	void *top;

	low = malloc(SIZE);
	top = heph_coro_top(low, SIZE);
	heph_coro_init_thread(&main_coro);
	heph_coro_init(&coro, low, SIZE, top, (char *)top - HEPH_CORO_FRAME,
		       body, end);
	for (int i = 0; i < 3; i++)
		heph_coro_switch(&main_coro, &coro);
	heph_coro_fini(&coro);
	free(low);
	return 0;
}
