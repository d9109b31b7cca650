/* SPDX-License-Identifier: MIT */
/*
 * tracefile.h - a file of Heph's trace format, version 0.1.0
 *
 * Packets are collected and written some at a time, whole ones only. After the
 * first error nothing is written, and what was written of a packet is cut off.
 *
 * Thread     One at a time. May be used in a signal handler, but for open.
 */
#ifndef HEPH_RT_TRACEFILE_H
#define HEPH_RT_TRACEFILE_H

#include <heph/types.h>

#include <stdatomic.h>

struct heph_trace_record;

enum { HEPH_TRACEFILE_BUFFER = 1 << 16 };

struct heph_tracefile {
	int fd;
	uint32_t trace;   /* the number of it */
	uint64_t zero;    /* the ticks from which times are counted */
	uint64_t pace;    /* of the clock; 0: not looked at so far */
	uint64_t pending; /* events that are collected */
	size_t n;         /* bytes of them */
	_Atomic int err;
	_Atomic uint64_t events, bytes; /* in the file */
	unsigned char buffer[HEPH_TRACEFILE_BUFFER];
};

/* Makes a new file for the trace with that number and writes when it begins,
 * which is now. Returns 0; what open(2) and write(2) say. */
HEPH_MUST int heph_tracefile_open(struct heph_tracefile *file, const char *path,
				  uint32_t trace);

/* Adds an event, if it is of this trace; whether it is. */
bool heph_tracefile_add(struct heph_tracefile *file, uint32_t stream,
			const struct heph_trace_record *record);

/* Writes what is collected. */
void heph_tracefile_flush(struct heph_tracefile *file);

void heph_tracefile_close(struct heph_tracefile *file);

#endif
