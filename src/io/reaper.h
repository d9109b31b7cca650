/* SPDX-License-Identifier: MIT */
/*
 * reaper.h - waits for child processes that have no owner any more
 *
 * One thread of the process, begun when there is something to wait for, and gone
 * when there is not. It closes the descriptors that it is given.
 */
#ifndef HEPH_IO_REAPER_H
#define HEPH_IO_REAPER_H

/* Any thread. Returns 0; -ENOMEM and the like: `pidfd` is still the caller's. */
int heph_reaper_add(int pidfd);

#endif
