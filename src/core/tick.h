/* SPDX-License-Identifier: MIT */
/* tick.h - the clause of an interval */
#ifndef HEPH_CORE_TICK_H
#define HEPH_CORE_TICK_H

#include "core/select.h"

/* See struct heph_clause_type. */
int heph_tick_ready(heph_ctx ctx, struct heph_clause *clause);

#endif
