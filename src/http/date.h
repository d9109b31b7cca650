/* SPDX-License-Identifier: MIT */
/* date.h - what the dates of fields and those of cookies share */
#ifndef HTTP_DATE_H
#define HTTP_DATE_H

#include <heph/str.h>

#include <stdint.h>

struct date {
	int year, month, day; /* 1 to 12; 1 to 31 */
	int hour, minute, second;
};

/* The month that begins with these three letters, 1 to 12, in any case; 0: none. */
int heph_http_date_month(const char letters[3]);

/* Seconds since 1970: 0; -EBADMSG: there is no such date. */
int heph_http_date_seconds(const struct date *date, int64_t *ret_seconds);

/* A date as cookies have it, in about any form: RFC 6265, section 5.1.1. Returns 0,
 * -EBADMSG. */
int heph_http_cookie_date(struct heph_str text, int64_t *ret_seconds);

#endif
