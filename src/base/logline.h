/* SPDX-License-Identifier: MIT */
/*
 * logline.h - turns a level and some keys with values into a line
 *
 * Both forms end up complete and well-formed in a buffer of any size from 100
 * bytes on. What does not fit is left out, and the line says so.
 *
 * Thread     Any. Nothing here locks or allocates.
 */
#ifndef HEPH_BASE_LOGLINE_H
#define HEPH_BASE_LOGLINE_H

#include "base/fmt.h"
#include "base/log.h"

/* What is told about a line besides its values. */
struct heph_logline {
	int64_t time; /* nanoseconds of CLOCK_REALTIME */
	const heph_time *at; /* virtual time; NULL: there is none */
	enum heph_log_level level;
	const struct heph_log_site *site; /* NULL: the log itself */
	const char *who;                  /* the actor; may be NULL */
	uint64_t id;                      /* of it */
	uint64_t suppressed;       /* lines of that place before this one */
	const struct heph_kv *kvs; /* msg first; the last is HEPH_KV_END__ */
};

/*
 * Writes logfmt: key=value, separated by spaces, ended by a newline. Values
 * that need it are quoted, and quotes, backslashes and control characters in
 * them are escaped as in JSON. A line that was cut has "..." at its end.
 */
void heph_logline_logfmt(struct heph_fmt *fmt, const struct heph_logline *line);

/*
 * Writes the native form of the journal: FIELD=value and newline, or the binary
 * form for values with newlines. A cut entry has the field TRUNCATED=1.
 */
void heph_logline_journal(struct heph_fmt *fmt,
			  const struct heph_logline *line);

#endif
