/* SPDX-License-Identifier: MIT */
/*
 * value.h - what the values of fields are made of: numbers, lists, parameters
 *
 * All of these read a text that somebody else keeps, and give views of it. They
 * allocate nothing and may be called from any thread. -EBADMSG is always: the text
 * is not what it should be. Who writes gets memory of the caller's, and -ENOSPC if
 * that is too small.
 *
 * What goes through a text piece by piece keeps its place in `*at`, which is 0
 * before the first, and returns 1; 0: there are no more; -EBADMSG: the rest cannot
 * be read.
 */
#ifndef HEPH_HTTP_VALUE_H
#define HEPH_HTTP_VALUE_H

#include <heph/str.h>
#include <heph/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Digits and nothing else, up to 2^64 - 1. Returns 0, -EBADMSG. */
HEPH_API HEPH_MUST int heph_http_number(struct heph_str text,
					uint64_t *ret_number);

/* Whether it is a token: the name of a field, a method; RFC 9110, 5.6.2. */
HEPH_API bool heph_http_is_token(struct heph_str text);

/* Whether it can be the value of a field: no control character but tabs. */
HEPH_API bool heph_http_is_value(struct heph_str text);

/* ---- lists -------------------------------------------------------------------- */

/* The next member of a list with commas; without blanks around it. Commas in quoted
 * strings do not count, and empty members are left out. */
HEPH_API HEPH_MUST int heph_http_list_next(struct heph_str list, size_t *at,
					   struct heph_str *ret_member);

/* Whether a list has that token; letters in any case. A list that cannot be read
 * has what came before that. */
HEPH_API bool heph_http_list_has(struct heph_str list, const char *token);

/* ---- parameters ---------------------------------------------------------------- */

/* name=value. */
struct heph_http_param {
	struct heph_str name;
	struct heph_str value; /* without the quotes; { NULL, 0 }: no "=" */
	bool escaped;          /* it has "\" that heph_http_unescape() takes out */
};

/* The next parameter of "a=b; c=\"d\"", which may begin with the ";". */
HEPH_API HEPH_MUST int heph_http_params_next(struct heph_str params, size_t *at,
					     struct heph_http_param *ret_param);

/* The first one of that name; letters in any case. Returns 1, 0, -EBADMSG. */
HEPH_API HEPH_MUST int heph_http_params_get(struct heph_str params,
					    const char *name,
					    struct heph_http_param *ret_param);

/* Without the "\" of a quoted string: the value itself if there are none, else
 * written to the `room` bytes at `buf`. Returns 0, -ENOSPC. */
HEPH_API HEPH_MUST int heph_http_unescape(const struct heph_http_param *param,
					  char *buf, size_t room,
					  struct heph_str *ret_value);

#ifdef __cplusplus
}
#endif
#endif
