/* SPDX-License-Identifier: MIT */
/* fds.h - how many descriptors this process has, to compare with how many it had */
#ifndef TEST_FDS_H
#define TEST_FDS_H

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tools.h"

/* The thread sanitizer starts a program when it first needs the name of a function, which
 * a report that is suppressed does too. It keeps two pipes to it, which stay open when a
 * program is started: nothing of ours does. Other threads may just be closing the
 * descriptor, so it is not to see that we look. */
static inline bool is_of_tsan(const char *name)
{
	char path[300], what[8];

	if (!ON_TSAN || name[0] == '.')
		return false;
	snprintf(path, sizeof(path), "/proc/self/fd/%s", name);
	return readlink(path, what, sizeof(what)) > 5 && memcmp(what, "pipe:", 5) == 0 &&
	       (syscall(SYS_fcntl, atoi(name), F_GETFD) & FD_CLOEXEC) == 0;
}

/* Some more than there are: what it reads them with is among them. */
static inline int count_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	struct dirent *entry;
	int n = 0;

	if (!dir) {
		perror("/proc/self/fd");
		abort();
	}
	while ((entry = readdir(dir)))
		n += !is_of_tsan(entry->d_name);
	closedir(dir);
	return n;
}

#endif
