/* SPDX-License-Identifier: MIT */
/*
 * standard.h - messages that many actors understand
 *
 * Nothing in the runtime sends them: they are words to agree on. Each is a
 * number, for what it is about; 0 where there is nothing to tell apart. An actor
 * takes those it knows as kinds of its own message:
 *
 *     struct worker_msg {
 *             enum { WORKER_DO, WORKER_CANCEL, WORKER_TERMINATE } kind;
 *             union { struct job job; struct heph_cancel cancel; };
 *     };
 *
 * Who only knows the standard message, say struct heph_cancel, sends it through
 * a function that turns it into the actor's: heph_map(), or by hand
 *
 *     static struct worker_msg worker_from_cancel(struct heph_cancel cancel)
 *     {
 *             return (struct worker_msg){ WORKER_CANCEL, { .cancel = cancel } };
 *     }
 */
#ifndef HEPH_STANDARD_H
#define HEPH_STANDARD_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Begin now: for an actor that was spawned before it may begin. */
struct heph_start {
	uint64_t id;
};

/* That was received, or taken on. */
struct heph_ack {
	uint64_t id;
};

/* That is finished. */
struct heph_done {
	uint64_t id;
};

/* That is not wanted any more. */
struct heph_cancel {
	uint64_t id;
};

/* Please end, when it suits: a custom, that may be ignored. heph_stop() may
 * not. */
struct heph_terminate {
	char unused;
};

#ifdef __cplusplus
}
#endif
#endif
