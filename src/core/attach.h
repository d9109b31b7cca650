/* SPDX-License-Identifier: MIT */
/* attach.h - contexts for plain threads */
#ifndef HEPH_CORE_ATTACH_H
#define HEPH_CORE_ATTACH_H

#include "core/heph.h"

/* A context for the calling thread, which runs that worker by hand: what waits
 * through it lets the worker run meanwhile (heph->nap). A thread may host several
 * workers, and have another context besides. Ends by heph_detach(). 0; -EAGAIN,
 * -ENOMEM. */
int heph_attach_host(struct heph_worker *worker, heph_ctx *ret_ctx);

/* Retires the runtime (heph_retire()), then frees the records of all plain
 * threads; none is attached any more. */
void heph_attach_fini(struct heph *heph);

#endif
