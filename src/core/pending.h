/* SPDX-License-Identifier: MIT */
/* pending.h - calls that were started and are awaited later */
#ifndef HEPH_CORE_PENDING_H
#define HEPH_CORE_PENDING_H

#include "core/select.h"

/* The clause about one of them; see struct heph_clause_type. */
int heph_pending_ready(heph_ctx ctx, struct heph_clause *clause);
/* The clause about any of them. */
int heph_pending_any_ready(heph_ctx ctx, struct heph_clause *clause);

#endif
