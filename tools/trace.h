/* SPDX-License-Identifier: MIT */
/* trace.h - heph trace: what there is to do with traces */
#ifndef HEPH_TOOLS_TRACE_H
#define HEPH_TOOLS_TRACE_H

/* The arguments after "trace". Returns the exit code. */
int trace(int argc, char **argv);

/* heph trace convert: those after "convert". */
int trace_convert(int argc, char **argv);

#endif
