/* SPDX-License-Identifier: MIT */
/* room.h - waiting until an inbox has room, without a message */
#ifndef HEPH_CORE_ROOM_H
#define HEPH_CORE_ROOM_H

#include "core/select.h"

/* The clause about it; see struct heph_clause_type. */
int heph_room_ready(heph_ctx ctx, struct heph_clause *clause);
int heph_room_begin(heph_ctx ctx, struct heph_clause *clause);
void heph_room_end(heph_ctx ctx, struct heph_clause *clause);

#endif
