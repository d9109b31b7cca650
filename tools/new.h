/* SPDX-License-Identifier: MIT */
/* new.h - heph new: a project that builds, runs and tests */
#ifndef HEPH_TOOLS_NEW_H
#define HEPH_TOOLS_NEW_H

/* Of share/new; made by scripts/embed.py. */
struct embedded {
	const char *name, *text;
};
extern const struct embedded embedded[];

int new_project(int argc, char **argv);

#endif
