/* SPDX-License-Identifier: MIT */
/* The kernel copies the bytes, through a pipe: for what is not mapped it says
 * EFAULT, and nothing crashes. */
#include "base/probe.h"

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

bool heph_probe(void *to, const void *from, size_t size)
{
	bool done;
	int fds[2];

	if (size > HEPH_PROBE_MAX || pipe2(fds, O_CLOEXEC) < 0)
		return false;
	done = syscall(SYS_write, fds[1], from, size) == (long)size &&
	       read(fds[0], to, size) == (ssize_t)size;
	close(fds[0]);
	close(fds[1]);
	return done;
}
