/* SPDX-License-Identifier: MIT */
/*
 * forwarded.h - who is behind proxies: Forwarded (RFC 7239), X-Forwarded-For
 *
 * A client can send such fields itself. Only what proxies of yours have added is
 * true: that is at the end of the list. Any thread.
 */
#ifndef HEPH_HTTP_FORWARDED_H
#define HEPH_HTTP_FORWARDED_H

#include <heph/address.h>
#include <heph/http/types.h>
#include <heph/http/value.h>

#ifdef __cplusplus
extern "C" {
#endif

/* One element; { NULL, 0 } is not there. */
struct heph_http_forwarded {
	struct heph_str by;     /* the side of the proxy that got the request */
	struct heph_str client; /* "for": who made it */
	struct heph_str host;   /* the Host that it had */
	struct heph_str proto;  /* "http", "https" */
};

/* The next element of the value of Forwarded; as heph_http_list_next(). */
HEPH_API HEPH_MUST int
heph_http_forwarded_next(struct heph_str list, size_t *at,
			 struct heph_http_forwarded *ret_forwarded);

/* The address of a node: "192.0.2.1", "192.0.2.1:80", "[2001:db8::1]",
 * "[2001:db8::1]:80", and as X-Forwarded-For has it "2001:db8::1"; the port is 0
 * if there is none. Returns 0; -EBADMSG: it is none, but "unknown" or "_hidden",
 * for example. */
HEPH_API HEPH_MUST int
heph_http_forwarded_address(struct heph_str node,
			    struct heph_address *ret_address);

/*
 * Who made the request, by the fields of that name ("Forwarded",
 * "X-Forwarded-For"), which `proxies` proxies of yours have each added one node to,
 * 1 or more. Returns 1; 0: the fields have fewer nodes; -EBADMSG: they cannot be
 * read, or that node has no address.
 */
HEPH_API HEPH_MUST int
heph_http_forwarded_client(const struct heph_http_fields *fields,
			   const char *name, unsigned proxies,
			   struct heph_address *ret_address);

#ifdef __cplusplus
}
#endif
#endif
