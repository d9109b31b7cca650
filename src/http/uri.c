/* SPDX-License-Identifier: MIT */
/*
 * A URI is split at its separators first, from the outside to the inside, and then
 * each part is looked through for what may not be in it.
 */
#include <heph/http/uri.h>
#include <heph/http/value.h>

#include <arpa/inet.h>
#include <errno.h>

#include "http/text.h"

enum { PORT_MAX = 65535 };

#define REG_NAME (TEXT_UNRESERVED | TEXT_SUB_DELIM)

static struct heph_str nothing(void)
{
	return heph_str_of(NULL, 0);
}

/* Only such characters, and "%" with two hexadecimal digits. */
static bool is_all(struct heph_str text, unsigned kinds)
{
	for (size_t i = 0; i < text.size; i++) {
		if (text_is(text.data[i], kinds))
			continue;
		if (text.data[i] != '%' || text.size - i < 3 ||
		    text_hex(text.data[i + 1]) < 0 ||
		    text_hex(text.data[i + 2]) < 0)
			return false;
		i += 2;
	}
	return true;
}

/* The first position of one of `chars`, or the end. */
static size_t find_any(struct heph_str text, const char *chars)
{
	size_t i = 0;

	while (i < text.size && (text.data[i] == '\0' ||
				 !strchr(chars, text.data[i])))
		i++;
	return i;
}

/* Takes the part before the first of `chars` away from the text. */
static struct heph_str take(struct heph_str *text, const char *chars)
{
	size_t end = find_any(*text, chars);
	struct heph_str part = text_part(*text, 0, end);

	*text = text_part(*text, end, text->size);
	return part;
}

static bool begins(struct heph_str text, const char *with)
{
	size_t size = strlen(with);

	return text.size >= size && memcmp(text.data, with, size) == 0;
}

/* Takes the rest of the text, if it begins so. */
static struct heph_str take_behind(struct heph_str *text, char c)
{
	struct heph_str part;

	if (text->size == 0 || text->data[0] != c)
		return nothing();
	part = text_part(*text, 1, text->size);
	*text = text_part(*text, text->size, text->size);
	return part;
}

static bool is_scheme(struct heph_str text)
{
	if (text.size == 0 || !text_is_alpha(text.data[0]))
		return false;
	for (size_t i = 1; i < text.size; i++) {
		char c = text.data[i];

		if (!text_is_alpha(c) && !text_is_digit(c) && c != '+' &&
		    c != '-' && c != '.')
			return false;
	}
	return true;
}

/* What is before a ":" that comes before any other separator must be a scheme. */
static int read_scheme(struct heph_str *rest, struct heph_http_uri *uri)
{
	size_t colon = find_any(*rest, ":/?#");

	uri->scheme = nothing();
	if (colon == rest->size || rest->data[colon] != ':')
		return 0;
	uri->scheme = text_part(*rest, 0, colon);
	*rest = text_part(*rest, colon + 1, rest->size);
	return is_scheme(uri->scheme) ? 0 : -EBADMSG;
}

static bool is_ipv6(struct heph_str host)
{
	char text[INET6_ADDRSTRLEN];
	struct in6_addr address;

	if (host.size >= sizeof(text))
		return false;
	if (host.size > 0)
		memcpy(text, host.data, host.size);
	text[host.size] = '\0';
	return strlen(text) == host.size &&
	       inet_pton(AF_INET6, text, &address) == 1;
}

static bool is_port(struct heph_str port)
{
	uint64_t number;

	return port.size == 0 || (heph_http_number(port, &number) == 0 &&
				  number <= PORT_MAX);
}

/* "[::1]" at the begin of the text. */
static int read_ipv6(struct heph_str *rest, struct heph_http_uri *uri)
{
	size_t end = text_find(*rest, 0, ']');

	if (end == rest->size)
		return -EBADMSG;
	uri->host = text_part(*rest, 1, end);
	uri->is_ipv6 = true;
	*rest = text_part(*rest, end + 1, rest->size);
	return is_ipv6(uri->host) ? 0 : -EBADMSG;
}

static int read_host(struct heph_str *rest, struct heph_http_uri *uri)
{
	if (begins(*rest, "["))
		return read_ipv6(rest, uri);
	uri->host = take(rest, ":");
	return is_all(uri->host, REG_NAME) ? 0 : -EBADMSG;
}

static int read_authority(struct heph_str text, struct heph_http_uri *uri)
{
	size_t sign = text_find(text, 0, '@');
	struct heph_str rest = text;

	if (sign < text.size) {
		uri->userinfo = text_part(text, 0, sign);
		rest = text_part(text, sign + 1, text.size);
	}
	if (read_host(&rest, uri) < 0)
		return -EBADMSG;
	uri->port = take_behind(&rest, ':');
	if (rest.size > 0 || !is_port(uri->port))
		return -EBADMSG;
	for (size_t i = 0; i < uri->userinfo.size; i++)
		if (uri->userinfo.data[i] == '/')
			return -EBADMSG;
	return is_all(uri->userinfo, REG_NAME | TEXT_PATH) ? 0 : -EBADMSG;
}

int heph_http_uri_read(struct heph_str text, struct heph_http_uri *ret_uri)
{
	const unsigned path = REG_NAME | TEXT_PATH, query = path | TEXT_QUERY;
	struct heph_http_uri uri = { .host = nothing() };
	struct heph_str rest = heph_str_of(text.data ? text.data : "", text.size);
	struct heph_str before;
	int err = read_scheme(&rest, &uri);

	before = take(&rest, "#");
	uri.fragment = take_behind(&rest, '#');
	rest = before;
	before = take(&rest, "?");
	uri.query = take_behind(&rest, '?');
	rest = before;
	if (!err && begins(rest, "//")) {
		rest = text_part(rest, 2, rest.size);
		err = read_authority(take(&rest, "/"), &uri);
	}
	uri.path = rest;
	if (err || !is_all(uri.path, path) || !is_all(uri.query, query) ||
	    !is_all(uri.fragment, query))
		return -EBADMSG;
	*ret_uri = uri;
	return 0;
}

unsigned heph_http_uri_port(const struct heph_http_uri *uri)
{
	uint64_t port;

	if (uri->port.size > 0)
		return heph_http_number(uri->port, &port) == 0 &&
				       port <= PORT_MAX ?
			       (unsigned)port :
			       0;
	return heph_str_equal_case(uri->scheme, "http")	 ? 80 :
	       heph_str_equal_case(uri->scheme, "https") ? 443 :
							   0;
}

/* ---- writing ---------------------------------------------------------------------- */

/* Writes a part, and remembers in it where it has been written to. */
static void put_part(struct text_out *out, struct heph_str *part)
{
	const char *at = out->at;

	if (!part->data)
		return;
	heph_http_out_str(out, *part);
	part->data = at;
}

static void put_authority(struct text_out *out, struct heph_http_uri *uri)
{
	if (!uri->host.data)
		return;
	heph_http_out_text(out, "//");
	put_part(out, &uri->userinfo);
	if (uri->userinfo.data)
		heph_http_out_char(out, '@');
	if (uri->is_ipv6)
		heph_http_out_char(out, '[');
	put_part(out, &uri->host);
	if (uri->is_ipv6)
		heph_http_out_char(out, ']');
	if (uri->port.data)
		heph_http_out_char(out, ':');
	put_part(out, &uri->port);
}

/* What comes before the path, and what behind it. */
static void put_begin(struct text_out *out, struct heph_http_uri *uri)
{
	put_part(out, &uri->scheme);
	if (uri->scheme.data)
		heph_http_out_char(out, ':');
	put_authority(out, uri);
}

static void put_end(struct text_out *out, struct heph_http_uri *uri)
{
	if (uri->query.data)
		heph_http_out_char(out, '?');
	put_part(out, &uri->query);
	if (uri->fragment.data)
		heph_http_out_char(out, '#');
	put_part(out, &uri->fragment);
}

int heph_http_uri_write(const struct heph_http_uri *uri, char *buf, size_t room,
			struct heph_str *ret_text)
{
	struct text_out out = text_out(buf, room);
	struct heph_http_uri copy = *uri;

	put_begin(&out, &copy);
	put_part(&out, &copy.path);
	put_end(&out, &copy);
	return heph_http_out_end(&out, buf, ret_text);
}

/* ---- resolving --------------------------------------------------------------------- */

/* Back to before the last segment, or to the begin. */
static size_t back(const char *path, size_t at)
{
	while (at > 0 && path[--at] != '/')
		;
	return at;
}

/* Section 5.2.4, in place. Returns how much is left. */
static size_t remove_dots(char *path, size_t size)
{
	size_t to = 0;

	for (size_t at = 0; at < size;) {
		bool slash = path[at] == '/';
		struct heph_str rest = heph_str_of(path + at + slash,
						   size - at - slash);
		size_t length = text_find(rest, 0, '/');
		struct heph_str name = text_part(rest, 0, length);
		bool up = heph_str_equal(name, ".."), last = length == rest.size;

		if (up)
			to = back(path, to);
		if (up || heph_str_equal(name, ".")) {
			if (last && slash)
				path[to++] = '/';
		} else {
			memmove(path + to, path + at, slash + length);
			to += slash + length;
		}
		at += slash + length;
	}
	return to;
}

/* The base's path up to its last "/", and behind that the reference's. */
static void put_merged(struct text_out *out, const struct heph_http_uri *base,
		       struct heph_str path)
{
	size_t end = base->path.size;

	while (end > 0 && base->path.data[end - 1] != '/')
		end--;
	if (end == 0 && base->host.data)
		heph_http_out_char(out, '/');
	heph_http_out_str(out, text_part(base->path, 0, end));
	heph_http_out_str(out, path);
}

static void put_path(struct text_out *out, const struct heph_http_uri *base,
		     struct heph_http_uri *target, bool merge)
{
	char *from = out->at;
	size_t size;

	if (merge)
		put_merged(out, base, target->path);
	else
		heph_http_out_str(out, target->path);
	size = remove_dots(from, (size_t)(out->at - from));
	target->path = heph_str_of(from, size);
	out->at = from + size;
}

static void take_authority(struct heph_http_uri *target,
			   const struct heph_http_uri *base)
{
	target->userinfo = base->userinfo;
	target->host = base->host;
	target->port = base->port;
	target->is_ipv6 = base->is_ipv6;
}

int heph_http_uri_resolve(const struct heph_http_uri *base,
			  const struct heph_http_uri *reference, char *buf,
			  size_t room, struct heph_http_uri *ret_uri)
{
	struct text_out out = text_out(buf, room);
	struct heph_http_uri target = *reference;
	bool merge = false;

	if (!target.scheme.data) {
		target.scheme = base->scheme;
		if (!target.host.data) {
			take_authority(&target, base);
			merge = target.path.size > 0 &&
				target.path.data[0] != '/';
			if (target.path.size == 0) {
				target.path = base->path;
				if (!target.query.data)
					target.query = base->query;
			}
		}
	}
	put_begin(&out, &target);
	put_path(&out, base, &target, merge);
	put_end(&out, &target);
	if (out.cut)
		return -ENOSPC;
	/* It would read as an authority. */
	if (!target.host.data && begins(target.path, "//"))
		return -EBADMSG;
	*ret_uri = target;
	return 0;
}
