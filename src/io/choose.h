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

/*
 * Another one than `io`, for a runtime whose workers could not start with it for
 * want of memory, `err`: each has a ring, and the one that was tried was only one.
 * Logs that. NULL: there is none, or one was wanted by name.
 */
const struct heph_io *heph_choose_other(const char *wanted,
					const struct heph_io *io, int err);

#endif
