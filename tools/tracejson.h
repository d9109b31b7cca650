/* SPDX-License-Identifier: MIT */
/*
 * tracejson.h - a trace as JSON that Chrome's tracing page and Perfetto read
 *
 * A stream becomes a process, a substream a thread of it. What is known of them
 * is kept in tables of one size, so a trace may have any length; what falls out
 * of them is told again when it comes again.
 */
#ifndef HEPH_TOOLS_TRACEJSON_H
#define HEPH_TOOLS_TRACEJSON_H

#include "tracereader.h"

struct tracejson;

struct tracejson_sum {
	uint64_t events;
	uint64_t missing; /* by the counters of the streams */
	uint64_t streams;
};

/* Converts all that the reader gives. Returns 0; a negative errno: of reading
 * (then `*ret_writing` is false), or of writing. */
int tracejson_convert(struct trace_reader *reader, FILE *out,
		      struct tracejson_sum *ret_sum, bool *ret_writing);

#endif
