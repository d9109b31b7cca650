/* SPDX-License-Identifier: MIT */
#include "http/client_target.h"

#include <heph/http/uri.h>

#include <stdarg.h>
#include <stdio.h>

#include "http/client_mem.h"

/* ---- writing texts one after the other ----------------------------------------- */

static const char *put(char **at, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static const char *put(char **at, const char *format, ...)
{
	char *begin = *at;
	va_list args;

	va_start(args, format);
	*at += vsprintf(begin, format, args) + 1;
	va_end(args);
	return begin;
}

static const char *put_small(char **at, struct heph_str text)
{
	char *begin = *at;

	for (size_t n = 0; n < text.size; n++) {
		char c = text.data[n];

		*(*at)++ = c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
	}
	*(*at)++ = '\0';
	return begin;
}

/* What a "%" of it cannot mean is left as it is. */
static const char *put_decoded(char **at, struct heph_str text)
{
	struct heph_str decoded;

	if (heph_http_percent_decode(text, *at, text.size, &decoded) < 0)
		decoded = text;
	memmove(*at, decoded.data, decoded.size);
	(*at)[decoded.size] = '\0';
	*at += decoded.size + 1;
	return *at - decoded.size - 1;
}

/* ---- reading --------------------------------------------------------------------- */

static int check(const struct heph_http_uri *uri, bool *ret_secure)
{
	*ret_secure = heph_str_equal_case(uri->scheme, "https");
	if (!uri->scheme.data)
		return -EINVAL;
	if (!*ret_secure && !heph_str_equal_case(uri->scheme, "http"))
		return -EPROTONOSUPPORT;
	if (uri->host.size == 0 || uri->host.size > HEPH_HTTP_HOST_MAX)
		return -EINVAL;
	return 0;
}

static int port_of(const struct heph_http_uri *uri)
{
	unsigned port = heph_http_uri_port(uri);

	return port > 0 && port <= UINT16_MAX ? (int)port : -EINVAL;
}

static void fill(struct heph_http_target *target,
		 const struct heph_http_uri *uri, char *at)
{
	const char *open = uri->is_ipv6 ? "[" : "";
	const char *shut = uri->is_ipv6 ? "]" : "";

	target->host = put_small(&at, uri->host);
	target->connect = put(&at, "%s%s%s:%u", open, target->host, shut,
			      target->port);
	target->authority =
		target->port == (target->secure ? 443 : 80) ?
			put(&at, "%s%s%s", open, target->host, shut) :
			target->connect;
	target->path = put(&at, "%s%.*s%s%.*s", uri->path.size ? "" : "/",
			   HEPH_STR(uri->path), uri->query.data ? "?" : "",
			   HEPH_STR(uri->query));
	target->url = put(&at, "http%s://%s%s", target->secure ? "s" : "",
			  target->authority, target->path);
	if (uri->userinfo.data)
		target->user = put_decoded(&at, uri->userinfo);
}

static int make(struct heph_http_target *ret_target,
		const struct heph_http_uri *uri)
{
	struct heph_http_target target = { 0 };
	int err = check(uri, &target.secure);
	int port = err < 0 ? err : port_of(uri);

	if (port < 0)
		return port;
	target.port = (uint16_t)port;
	/* The host is there four times, the path twice, with what is around. */
	target.memory__ = client_mem(uri->host.size * 4 + uri->path.size * 2 +
				     uri->query.size * 2 + uri->userinfo.size +
				     128);
	if (!target.memory__)
		return -ENOMEM;
	fill(&target, uri, target.memory__);
	*ret_target = target;
	return 0;
}

int heph_http_target_new(struct heph_http_target *ret_target,
			 struct heph_str url)
{
	struct heph_http_uri uri;

	if (url.size > HEPH_HTTP_URL_MAX)
		return -ENAMETOOLONG;
	if (heph_http_uri_read(url, &uri) < 0)
		return -EINVAL;
	return make(ret_target, &uri);
}

/* ---- references ------------------------------------------------------------------ */

static int resolve(const struct heph_http_target *base,
		   struct heph_str reference, char *buf, size_t room,
		   struct heph_http_target *ret_target)
{
	struct heph_http_uri base_uri, what, uri;

	if (heph_http_uri_read(heph_str(base->url), &base_uri) < 0 ||
	    heph_http_uri_read(reference, &what) < 0 ||
	    heph_http_uri_resolve(&base_uri, &what, buf, room, &uri) < 0)
		return -EINVAL;
	return make(ret_target, &uri);
}

int heph_http_target_resolve(const struct heph_http_target *base,
			     struct heph_str reference,
			     struct heph_http_target *ret_target)
{
	size_t room = reference.size + strlen(base->url) + 16;
	char *buf;
	int err;

	if (reference.size > HEPH_HTTP_URL_MAX)
		return -ENAMETOOLONG;
	buf = client_mem(room);
	if (!buf)
		return -ENOMEM;
	err = resolve(base, reference, buf, room, ret_target);
	free(buf);
	return err;
}

void heph_http_target_free(struct heph_http_target *target)
{
	free(target->memory__);
	*target = (struct heph_http_target){ 0 };
}

bool heph_http_target_same_origin(const struct heph_http_target *a,
				  const struct heph_http_target *b)
{
	return a->secure == b->secure && a->port == b->port &&
	       strcmp(a->host, b->host) == 0;
}
