/* SPDX-License-Identifier: MIT */
/*
 * choose.h - which driver a runtime gets
 *
 * io_uring if it can be used, epoll if it cannot for whatever reason; or the one
 * that the configuration wants; or the one that the environment's HEPH_DRIVER
 * wants. Decided once, by trying, when a runtime begins.
 */
#ifndef HEPH_IO_CHOOSE_H
#define HEPH_IO_CHOOSE_H

#include "io/driver.h"

/* `wanted` is a name, or NULL. Logs what it is and why. Returns 0; -EINVAL: there
 * is none of that name; and what keeps one that is wanted from working. */
int heph_choose(const char *wanted, const struct heph_io **ret_io);

#endif
