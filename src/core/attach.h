/* SPDX-License-Identifier: MIT */
/* attach.h - contexts for plain threads */
#ifndef HEPH_CORE_ATTACH_H
#define HEPH_CORE_ATTACH_H

#include "core/heph.h"

/* Retires the runtime (heph_retire()), then frees the records of all plain
 * threads; none is attached any more. */
void heph_attach_fini(struct heph *heph);

#endif
