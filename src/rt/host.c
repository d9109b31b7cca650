/* SPDX-License-Identifier: MIT */
#include "rt/host.h"

#include <heph/config.h>

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

void heph_host_read_id(const char *path, char ret_id[33])
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, ret_id, 32);

	if (fd >= 0)
		close(fd);
	ret_id[n == 32 ? 32 : 0] = 0;
	if (strspn(ret_id, "0123456789abcdefABCDEF") != 32)
		ret_id[0] = 0;
}

static void copy(char *to, size_t size, const char *from)
{
	snprintf(to, size, "%s", from);
}

void heph_host_info(struct heph_host *ret_host)
{
	struct utsname name;

	*ret_host = (struct heph_host){ .version = "heph " HEPH_VERSION,
					.pid = getpid(),
					.parent = getppid() };
	if (uname(&name) == 0) {
		copy(ret_host->os, sizeof(ret_host->os), name.sysname);
		copy(ret_host->release, sizeof(ret_host->release),
		     name.release);
		copy(ret_host->machine, sizeof(ret_host->machine),
		     name.machine);
		copy(ret_host->name, sizeof(ret_host->name), name.nodename);
	}
	heph_host_read_id("/etc/machine-id", ret_host->id);
}
