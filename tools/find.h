/* SPDX-License-Identifier: MIT */
/* find.h - which program is meant, and where its control socket is */
#ifndef HEPH_TOOLS_FIND_H
#define HEPH_TOOLS_FIND_H

#include <stddef.h>

enum { FIND_PATH = 108 }; /* of a Unix socket */

/* What the command line says. */
struct target {
	const char *path;    /* --socket; NULL: not told */
	const char *program; /* a process id or a name; NULL: the only one */
};

/* Finds the socket. Returns 0, or what the command shall end with when it has
 * said why there is none. */
int find(char path[FIND_PATH], const struct target *target);

/* Says why a socket could not be used, and what to do. Returns the same. */
int find_complain(const char *path, int err);

#endif
