/* SPDX-License-Identifier: MIT */
/* exits.h - what the commands end with */
#ifndef HEPH_TOOLS_EXITS_H
#define HEPH_TOOLS_EXITS_H

enum {
	EXIT_REFUSED = 1, /* the program says no: there is no such actor */
	EXIT_NONE = 2, /* there is no program to ask, or it does not answer */
	EXIT_USAGE = 64,
};

#endif
