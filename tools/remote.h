/* SPDX-License-Identifier: MIT */
/* remote.h - heph remote: asks a node of another program */
#ifndef HEPH_TOOLS_REMOTE_H
#define HEPH_TOOLS_REMOTE_H

/* The arguments after "remote". Returns the exit code. */
int remote(int argc, char **argv);

#endif
