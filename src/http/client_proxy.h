/* SPDX-License-Identifier: MIT */
/* client_proxy.h - which proxy a request goes through, and what that wants */
#ifndef HEPH_HTTP_CLIENT_PROXY_H
#define HEPH_HTTP_CLIENT_PROXY_H

#include <heph/types.h>

struct heph_http_proxy {
	char *connect;       /* "host:port", for heph_connect() */
	char *authorization; /* the value of Proxy-Authorization; NULL: none */
};

/* Reads "http://[user:password@]host[:port]", or "host:port". Returns 0; -EINVAL;
 * -EPROTONOSUPPORT (another scheme); -ENOMEM. */
int heph_http_proxy_new(const char *url, struct heph_http_proxy **ret_proxy)
	__attribute__((warn_unused_result));

/* NULL is allowed. */
void heph_http_proxy_free(struct heph_http_proxy *proxy);

/* "Basic " and "user:password" in base64, for free(); NULL: no memory. */
char *heph_http_basic(const char *user) __attribute__((warn_unused_result));

/* Whether a host is on such a list: "localhost, .example.org, 10.0.0.1", where a
 * name stands for itself and what is below it, "*" for all. NULL: on none. */
bool heph_http_proxy_not_for(const char *list, const char *host);

#endif
