/* SPDX-License-Identifier: MIT */
/* target.h - what a request is for: RFC 9112, section 3.2 */
#ifndef HEPH_HTTP_TARGET_H
#define HEPH_HTTP_TARGET_H

#include <heph/http/parse.h>

/* Whether it is a name or an address of a host, and a port perhaps: "a.example",
 * "127.0.0.1:80", "[::1]:8080", "a.example:". */
bool heph_http_is_authority(struct heph_str text);

/*
 * Takes the target apart, of which printable ASCII without "#" is known, into
 * `authority`, `path`, `query` and `has_query`, by the method. False: it has none
 * of the forms that the method has.
 */
bool heph_http_split_target(struct heph_http_request_head *head);

#endif
