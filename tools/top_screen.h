/* SPDX-License-Identifier: MIT */
/* top_screen.h - heph top on a terminal */
#ifndef HEPH_TOOLS_TOP_SCREEN_H
#define HEPH_TOOLS_TOP_SCREEN_H

#include "top.h"

/* Shows it until somebody presses q, or the program ends. Returns what to end
 * with. */
int top_screen(struct top *top);

#endif
