/* SPDX-License-Identifier: MIT */
/*
 * tracereader.h - reads a trace, format 0.1.0, packet by packet
 *
 * Reads as it goes, so a file may have any size. What is no packet, or a damaged
 * one, is left out up to the next one, and told: where, why, how much.
 */
#ifndef HEPH_TOOLS_TRACEREADER_H
#define HEPH_TOOLS_TRACEREADER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum { TRACE_PACKET_MAX = 1 << 20 }; /* larger ones count as damaged */

enum trace_type {
	TRACE_U64 = 1,
	TRACE_I64,
	TRACE_F64,
	TRACE_STR,
	TRACE_ARRAY = 0x80,
};

/* Bytes of the packet: anything, not only UTF-8. */
struct trace_text {
	const unsigned char *at;
	size_t len;
};

/* One value, or `n` of an array, which begin at `values`. */
struct trace_attr {
	struct trace_text name;
	unsigned type; /* without TRACE_ARRAY */
	bool array;
	unsigned n;
	const unsigned char *values;
};

/* Valid until the next one is read. */
struct trace_event {
	uint32_t stream, counter;
	uint64_t substream, start, end; /* ns since the epoch */
	struct trace_text description;
	const unsigned char *attrs, *attrs_end; /* for trace_attr_next() */
};

struct trace_reader {
	FILE *in;
	FILE *complaints; /* NULL: nowhere */
	const char *name; /* of the input */
	unsigned char *buffer;
	size_t first, end; /* what there is in it */
	uint64_t offset;   /* of the first */
	bool eof;
	/* what was found */
	unsigned runs;     /* epochs so far */
	uint64_t epoch;    /* of this one: ns since 1970; 0: not told */
	uint64_t damaged;  /* places that were left out */
	uint64_t bad_from; /* the one we are in */
	const char *bad;   /* why; NULL: in none */
};

/* Returns 0; -ENOMEM. */
int trace_reader_init(struct trace_reader *reader, FILE *in, const char *name,
		      FILE *complaints);
void trace_reader_fini(struct trace_reader *reader);

/* The next event: 1; 0: the end of the file; a negative errno: it cannot be
 * read. An epoch that comes in between is in the reader. */
int trace_reader_next(struct trace_reader *reader,
		      struct trace_event *ret_event);

/* Takes the first attribute off the rest; false: there is none. */
bool trace_attr_next(struct trace_event *event, struct trace_attr *ret_attr);

/* Takes the first value off: of a number, or of a text. */
uint64_t trace_value_number(struct trace_attr *attr);
struct trace_text trace_value_text(struct trace_attr *attr);

#endif
