/* SPDX-License-Identifier: MIT */
/* examine.h - whether io_uring can be used here, and what there is of it */
#ifndef HEPH_IO_EXAMINE_H
#define HEPH_IO_EXAMINE_H

#include <stdbool.h>

enum { HEPH_EXAMINED_MAX = 32 };

struct heph_examined {
	const char *name;
	const char *since; /* the first Linux that has it */
	bool needed;       /* the driver does nothing without */
	int err;           /* 0: it is there; or why not */
};

struct heph_examination {
	int err;          /* 0: the driver can be used; or why not */
	const char *what; /* that failed: a system call, or a feature */
	unsigned n;
	struct heph_examined list[HEPH_EXAMINED_MAX];
};

/* Makes a ring, lets an operation that does nothing go round, and asks what else
 * the kernel has. Returns ret->err. Any thread. */
int heph_examine(struct heph_examination *ret);

#endif
