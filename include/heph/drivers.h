/* SPDX-License-Identifier: MIT */
/*
 * drivers.h - what input and output goes through here, and why
 *
 * A runtime has a driver: io_uring where that can be used, epoll where it cannot
 * (an old kernel, a container that forbids it). heph_driver_name() tells which
 * one it is; this tells why, as `heph doctor` does.
 *
 * <heph/heph.h> does not include this.
 */
#ifndef HEPH_DRIVERS_H
#define HEPH_DRIVERS_H

#include <heph/types.h>

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { HEPH_URING_FEATURES_MAX = 32 };

/* Something of io_uring. The texts are static. */
struct heph_uring_feature {
	const char *name;
	const char *since; /* the first Linux that has it: "5.19" */
	bool needed;       /* io_uring is not used without */
	int err; /* 0: it is there; -ECANCELED: HEPH_URING_FEATURES forbids it;
		  * or what the kernel says */
};

struct heph_uring_report {
	int err;          /* 0: io_uring can be used; or what keeps it from that */
	const char *what; /* the system call, or the feature, that failed */
	size_t n;
	struct heph_uring_feature features[HEPH_URING_FEATURES_MAX];
};

/*
 * heph_examine_uring(&report): makes a ring, lets an operation that does nothing
 * go round, and asks what else there is, as a runtime does before it chooses.
 * Any thread, also without a runtime; a fraction of a millisecond. Returns
 * report.err: 0; -EPERM, -ENOSYS, -EACCES (it is forbidden), -ENOMEM, -EMFILE,
 * -EOPNOTSUPP (the kernel is too old), and what else io_uring_setup(2) says.
 */
#define heph_examine_uring(ret_report)                                         \
	heph_raw_examine_uring((ret_report), sizeof(struct heph_uring_report))
HEPH_API int heph_raw_examine_uring(struct heph_uring_report *ret_report,
				    size_t size);

#ifdef __cplusplus
}
#endif
#endif
