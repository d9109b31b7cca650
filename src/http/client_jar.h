/* SPDX-License-Identifier: MIT */
/*
 * client_jar.h - the cookies that servers have set; RFC 6265bis, section 5
 *
 * Not known are the names that many hosts have in common, as "co.uk" (the public
 * suffix list): a cookie for a name without a dot is refused, one for "co.uk" is
 * not. There are 1,000 cookies at most, 50 of a domain; the one that was set first
 * makes room. Used by the actor of the client alone.
 */
#ifndef HEPH_HTTP_CLIENT_JAR_H
#define HEPH_HTTP_CLIENT_JAR_H

#include <heph/str.h>
#include <heph/types.h>

#include <sys/queue.h>

enum { HEPH_HTTP_COOKIES_MAX = 1000, HEPH_HTTP_COOKIES_OF_DOMAIN = 50 };

struct heph_http_kept; /* a cookie */

struct heph_http_jar {
	TAILQ_HEAD(, heph_http_kept) kept; /* as they were set */
	unsigned n;
};

void heph_http_jar_init(struct heph_http_jar *jar);
void heph_http_jar_fini(struct heph_http_jar *jar);

/* Takes in what a response from there had as Set-Cookie; `now` in seconds since
 * 1970. What cannot be is left out, and so is what there is no memory for. */
void heph_http_jar_learn(struct heph_http_jar *jar, const char *host,
			 const char *path, bool secure, struct heph_str text,
			 int64_t now);

/* The value of Cookie for a request, for free(); `ret_text` is NULL if there is
 * none. Returns 0; -ENOMEM. */
int heph_http_jar_tell(struct heph_http_jar *jar, const char *host,
		       const char *path, bool secure, int64_t now,
		       char **ret_text) __attribute__((warn_unused_result));

#endif
