/* SPDX-License-Identifier: MIT */
/*
 * client_target.h - what a URL asks for: whom, how, and for what
 *
 * Of "http:" and "https:" alone. All texts of a target lie in one piece of memory
 * and end with a nul.
 */
#ifndef HEPH_HTTP_CLIENT_TARGET_H
#define HEPH_HTTP_CLIENT_TARGET_H

#include <heph/str.h>
#include <heph/types.h>

enum { HEPH_HTTP_HOST_MAX = 255, HEPH_HTTP_URL_MAX = 8192 };

struct heph_http_target {
	bool secure;
	uint16_t port;
	const char *host;      /* in small letters, without brackets */
	const char *authority; /* as Host has it: "[::1]:81" */
	const char *connect;   /* as heph_connect() has it: "[::1]:81", "a:80" */
	const char *path;      /* with the query; begins with "/" */
	const char *url;       /* all of it, without user and fragment */
	const char *user;      /* "user:password", decoded; NULL: none */
	void *memory__;
};

/* Reads a URL. Returns 0; -EINVAL (it is none, or has blanks or control
 * characters); -EPROTONOSUPPORT (another scheme); -ENAMETOOLONG; -ENOMEM. */
int heph_http_target_new(struct heph_http_target *ret_target,
			 struct heph_str url) __attribute__((warn_unused_result));

/* Resolves a reference, as Location has it, against a target; RFC 3986, 5.2.
 * Returns the same. */
int heph_http_target_resolve(const struct heph_http_target *base,
			     struct heph_str reference,
			     struct heph_http_target *ret_target)
	__attribute__((warn_unused_result));

/* Frees it; one that is all zero is fine. */
void heph_http_target_free(struct heph_http_target *target);

/* Whether both have the same scheme, host and port. */
bool heph_http_target_same_origin(const struct heph_http_target *a,
				  const struct heph_http_target *b);

#endif
