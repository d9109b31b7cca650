/* SPDX-License-Identifier: MIT */
/*
 * test.h - for tests of programs that use Heph
 *
 * Nothing here is meant for production. <heph/heph.h> does not include it.
 */
#ifndef HEPH_TEST_H
#define HEPH_TEST_H

#include <heph/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Loses that share of the messages that are sent to actors from now on, in the
 * whole process, by heph_send(), heph_try_send() and heph_post(): of any
 * hundred in a row exactly `percent`, which ones is decided by `seed`. To the
 * sender they seem sent, whatever became of the receiver; they are dropped by
 * the `.drop` function of their type, on the thread of the sender. Calls and
 * answers are not lost, nor is what goes through channels. 0 ends it.
 * Any thread. Returns 0; -EINVAL (more than 100).
 */
HEPH_API HEPH_MUST int heph_test_lose(unsigned percent, uint64_t seed);

/* How many were lost since the last heph_test_lose(). Any thread. */
HEPH_API uint64_t heph_test_lost(void);

#ifdef __cplusplus
}
#endif
#endif
