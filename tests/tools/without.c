/* SPDX-License-Identifier: MIT */
/* without SYSCALL ERROR COMMAND...: runs a command in which that system call fails
 * with that error. Ends with 77 if that cannot be arranged here. */
#include "../forbid.h"

#include <stdio.h>
#include <unistd.h>

static unsigned number_of(const char *name)
{
	if (strcmp(name, "io_uring_setup") == 0)
		return FORBID_IO_URING_SETUP;
	if (strcmp(name, "io_uring_enter") == 0)
		return FORBID_IO_URING_ENTER;
	return strcmp(name, "io_uring_register") == 0 ?
		       FORBID_IO_URING_REGISTER :
		       0;
}

static unsigned error_of(const char *name)
{
	if (strcmp(name, "EPERM") == 0)
		return EPERM;
	return strcmp(name, "ENOSYS") == 0 ? ENOSYS : 0;
}

int main(int argc, char **argv)
{
	if (argc < 4 || !number_of(argv[1]) || !error_of(argv[2])) {
		fprintf(stderr, "usage: without SYSCALL ERROR COMMAND...\n");
		return 64;
	}
	if (!forbid(number_of(argv[1]), error_of(argv[2])))
		return 77;
	execvp(argv[3], argv + 3);
	perror(argv[3]);
	return 127;
}
