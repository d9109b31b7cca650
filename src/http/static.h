/* SPDX-License-Identifier: MIT */
/* static.h - a directory of files, and what is asked of it */
#ifndef HEPH_HTTP_STATIC_INSIDE_H
#define HEPH_HTTP_STATIC_INSIDE_H

#include <heph/http/static.h>
#include <heph/io.h>

struct heph_http_static {
	struct heph_http_static_options options;
	int dir; /* the kernel's number */
};

/*
 * Whether there can be a file of that path, for everybody: it has no nul, control
 * character or backslash, no name "." or "..", and none that begins with "." unless
 * `hidden`.
 */
bool heph_http_static_allows(struct heph_str path, bool hidden);

/* Waits. Sends a list of what is in an open directory, which was asked for as
 * `path`. */
int heph_http_static_list(heph_ctx ctx, const struct heph_http_static *files,
			  struct heph_http_request *req,
			  struct heph_http_response *res, heph_fd dir);

#endif
