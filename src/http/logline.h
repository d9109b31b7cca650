/* SPDX-License-Identifier: MIT */
/* logline.h - a line of the access log, in memory of fixed size */
#ifndef HEPH_HTTP_LOGLINE_H
#define HEPH_HTTP_LOGLINE_H

#include <heph/http/middleware.h>

enum {
	HEPH_HTTP_LOGLINE_MAX = 8192, /* the longest: six texts, all escaped */
	HEPH_HTTP_LOGTEXT_MAX = 1024, /* bytes of a text, when it is escaped */
};

/* What is in a line. Texts may be { NULL, 0 }. */
struct heph_http_logline {
	const char *peer; /* the address, with its port */
	struct heph_str method, target, user, id, referer, agent;
	const char *route; /* NULL: none */
	unsigned minor;
	unsigned status;
	uint64_t sent, received;
	heph_time time;  /* that it took */
	int64_t wall;    /* microseconds since 1970 */
	bool cut;        /* the response is not whole */
};

/* Writes the line, with its newline. Returns its length. */
size_t heph_http_logline_print(const struct heph_http_logline *line,
			       enum heph_http_log_format format,
			       char buf[HEPH_HTTP_LOGLINE_MAX]);

#endif
