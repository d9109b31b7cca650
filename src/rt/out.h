/* SPDX-License-Identifier: MIT */
/* out.h - text for a descriptor, or for memory, in pieces */
#ifndef HEPH_RT_OUT_H
#define HEPH_RT_OUT_H

#include <stddef.h>

struct heph_out {
	int fd; /* -1: none, all of it stays in `text` */
	int err;
	char *text; /* what is not written yet */
	size_t n, max;
	char room[4096];
};

void heph_out_init(struct heph_out *out, int fd);

/* Adds a text. What goes wrong is told by flush. */
__attribute__((format(printf, 2, 3))) void
heph_out_add(struct heph_out *out, const char *format, ...);

/* Writes what is left. Returns 0; -ENOMEM, what write(2) says, -ETIMEDOUT
 * (nobody has read for 5 seconds). */
int heph_out_flush(struct heph_out *out);

#endif
