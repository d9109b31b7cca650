/* SPDX-License-Identifier: MIT */
/* examine.h - whether io_uring can be used here; see also <heph/drivers.h> */
#ifndef HEPH_IO_EXAMINE_H
#define HEPH_IO_EXAMINE_H

struct heph_uring_report;

/* As heph_examine_uring(), but only what the driver cannot go without. */
int heph_examine_needs(struct heph_uring_report *ret_report);

#endif
