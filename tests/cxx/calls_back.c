/* SPDX-License-Identifier: MIT */
/* calls_back.c - an actor in C that calls what may throw */
#include "counter.h"

void (*to_call_back)(void);

static int calls_back_main(heph_ctx ctx)
{
	to_call_back();
	return 0;
}
HEPH_ACTOR_MAIN(calls_back, calls_back_main);
