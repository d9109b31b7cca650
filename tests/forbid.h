/* SPDX-License-Identifier: MIT */
/*
 * forbid.h - a process that may not use io_uring, as in a container
 *
 * A seccomp filter, which holds for the calling thread and all that it starts,
 * in C, so that no library is needed.
 */
#ifndef TEST_FORBID_H
#define TEST_FORBID_H

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/prctl.h>

/* The same numbers on all machines. */
enum {
	FORBID_IO_URING_SETUP = 425,
	FORBID_IO_URING_ENTER = 426,
	FORBID_IO_URING_REGISTER = 427,
	FORBID_EPOLL_PWAIT2 = 441,
};

/* From now on that system call fails with that error, positive. False: filters
 * cannot be had here. */
static inline bool forbid(unsigned number, unsigned err)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1),
		BPF_STMT(BPF_RET | BPF_K,
			 SECCOMP_RET_ERRNO | (err & SECCOMP_RET_DATA)),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {
		.len = sizeof(filter) / sizeof(*filter),
		.filter = filter,
	};

	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
	       prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

#endif
