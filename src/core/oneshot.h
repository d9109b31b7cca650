/* SPDX-License-Identifier: MIT */
/*
 * oneshot.h - channels for one value
 *
 * The interface is in <heph/oneshot.h>; this is what heph_wait() needs of it.
 */
#ifndef HEPH_CORE_ONESHOT_H
#define HEPH_CORE_ONESHOT_H

#include <heph/oneshot.h>

#include "core/select.h"

/* The clause of heph_on_oneshot(). */
int heph_oneshot_clause_ready(heph_ctx ctx, struct heph_clause *clause);
int heph_oneshot_clause_begin(heph_ctx ctx, struct heph_clause *clause);
void heph_oneshot_clause_end(heph_ctx ctx, struct heph_clause *clause);

#endif
