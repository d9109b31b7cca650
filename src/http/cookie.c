/* SPDX-License-Identifier: MIT */
#include <heph/http/cookie.h>
#include <heph/http/date.h>
#include <heph/http/value.h>

#include "http/date.h"
#include "http/text.h"

enum { PAIR_MAX = 4096, ATTRIBUTE_MAX = 1024 };

/* Takes what is before the next ";" away. */
static struct heph_str take_piece(struct heph_str text, size_t *at)
{
	size_t end = text_find(text, *at, ';');
	struct heph_str piece = text_part(text, *at, end);

	*at = end + 1;
	return piece;
}

/* Splits at the first "="; without one the value is { NULL, 0 }. */
static void split_pair(struct heph_str piece, struct heph_str *name,
		       struct heph_str *value)
{
	size_t sign = text_find(piece, 0, '=');

	*name = heph_http_text_trim(text_part(piece, 0, sign));
	*value = heph_str_of(NULL, 0);
	if (sign < piece.size)
		*value = heph_http_text_trim(
			text_part(piece, sign + 1, piece.size));
}

static struct heph_str without_quotes(struct heph_str value)
{
	if (value.size >= 2 && value.data[0] == '"' &&
	    value.data[value.size - 1] == '"')
		return text_part(value, 1, value.size - 1);
	return value;
}

/* ---- Cookie --------------------------------------------------------------------------- */

int heph_http_cookie_next(struct heph_str text, size_t *at,
			  struct heph_str *ret_name, struct heph_str *ret_value)
{
	while (*at < text.size) {
		struct heph_str name, value;

		split_pair(take_piece(text, at), &name, &value);
		if (name.size == 0 || !value.data)
			continue;
		*ret_name = name;
		*ret_value = without_quotes(value);
		return 1;
	}
	return 0;
}

int heph_http_cookie_get(struct heph_str text, const char *name,
			 struct heph_str *ret_value)
{
	struct heph_str its, value;
	size_t at = 0;

	while (heph_http_cookie_next(text, &at, &its, &value) > 0)
		if (heph_str_equal(its, name)) {
			*ret_value = value;
			return 1;
		}
	return 0;
}

/* ---- writing -------------------------------------------------------------------------- */

static bool begins(struct heph_str text, const char *with)
{
	size_t size = strlen(with);

	return text.size >= size && strncasecmp(text.data, with, size) == 0;
}

/* An attribute's value: it cannot end the attribute. */
static bool is_attribute(struct heph_str value)
{
	return value.size <= ATTRIBUTE_MAX && heph_http_is_value(value) &&
	       text_find(value, 0, ';') == value.size;
}

static bool is_path(struct heph_str path)
{
	return path.size == 0 || (path.data[0] == '/' && is_attribute(path));
}

static bool is_domain(struct heph_str domain)
{
	return domain.size <= ATTRIBUTE_MAX &&
	       !(domain.size > 0 && domain.data[0] == '.') &&
	       heph_http_text_all(domain, TEXT_UNRESERVED);
}

/* What the beginning of a name promises. */
static bool keeps_promises(const struct heph_http_set_cookie *cookie)
{
	if (begins(cookie->name, "__Secure-"))
		return cookie->secure;
	if (begins(cookie->name, "__Host-"))
		return cookie->secure && cookie->domain.size == 0 &&
		       heph_str_equal(cookie->path, "/");
	return true;
}

static bool can_be(const struct heph_http_set_cookie *cookie)
{
	bool needs_secure =
		cookie->partitioned ||
		cookie->same_site == HEPH_HTTP_SAME_SITE_NONE;

	return heph_http_is_token(cookie->name) &&
	       heph_http_text_all(cookie->value, TEXT_COOKIE) &&
	       cookie->name.size + cookie->value.size <= PAIR_MAX &&
	       is_domain(cookie->domain) && is_path(cookie->path) &&
	       (cookie->secure || !needs_secure) && keeps_promises(cookie);
}

static void put_attribute(struct text_out *out, const char *name,
			  struct heph_str value)
{
	if (value.size == 0)
		return;
	heph_http_out_text(out, name);
	heph_http_out_str(out, value);
}

static void put_times(struct text_out *out,
		      const struct heph_http_set_cookie *cookie)
{
	char date[HEPH_HTTP_DATE_SIZE];

	if (cookie->expires != 0) {
		heph_http_date_write(cookie->expires, date);
		heph_http_out_text(out, "; Expires=");
		heph_http_out_text(out, date);
	}
	if (cookie->max_age != 0) {
		heph_http_out_text(out, "; Max-Age=");
		heph_http_out_number(out, cookie->max_age > 0 ?
						  (uint64_t)cookie->max_age :
						  0);
	}
}

int heph_http_set_cookie_write(const struct heph_http_set_cookie *cookie,
			       char *buf, size_t room, struct heph_str *ret_text)
{
	static const char *const same_sites[] = {
		[HEPH_HTTP_SAME_SITE_DEFAULT] = "",
		[HEPH_HTTP_SAME_SITE_STRICT] = "; SameSite=Strict",
		[HEPH_HTTP_SAME_SITE_LAX] = "; SameSite=Lax",
		[HEPH_HTTP_SAME_SITE_NONE] = "; SameSite=None",
	};
	struct text_out out = text_out(buf, room);

	if (!can_be(cookie) ||
	    (unsigned)cookie->same_site > HEPH_HTTP_SAME_SITE_NONE)
		return -EINVAL;
	heph_http_out_str(&out, cookie->name);
	heph_http_out_char(&out, '=');
	heph_http_out_str(&out, cookie->value);
	put_attribute(&out, "; Domain=", cookie->domain);
	put_attribute(&out, "; Path=", cookie->path);
	put_times(&out, cookie);
	heph_http_out_text(&out, same_sites[cookie->same_site]);
	heph_http_out_text(&out, cookie->secure ? "; Secure" : "");
	heph_http_out_text(&out, cookie->http_only ? "; HttpOnly" : "");
	heph_http_out_text(&out, cookie->partitioned ? "; Partitioned" : "");
	return heph_http_out_end(&out, buf, ret_text);
}

/* ---- reading -------------------------------------------------------------------------- */

/* Seconds, with a sign at most; too many are the most. */
static void read_max_age(struct heph_str value, struct heph_http_set_cookie *cookie)
{
	bool minus = value.size > 0 && value.data[0] == '-';
	struct heph_str digits = text_part(value, minus, value.size);
	uint64_t seconds = UINT64_MAX;

	for (size_t i = 0; i < digits.size; i++)
		if (!text_is_digit(digits.data[i]))
			return;
	if (digits.size == 0)
		return;
	if (heph_http_number(digits, &seconds) < 0 || seconds > INT64_MAX)
		seconds = INT64_MAX;
	cookie->max_age = minus || seconds == 0 ? -1 : (int64_t)seconds;
}

static void read_expires(struct heph_str value, struct heph_http_set_cookie *cookie)
{
	int64_t seconds;

	if (heph_http_cookie_date(value, &seconds) == 0)
		cookie->expires = seconds > 0 ? seconds : 1;
}

static void read_domain(struct heph_str value, struct heph_http_set_cookie *cookie)
{
	if (value.size > 0 && value.data[0] == '.')
		value = text_part(value, 1, value.size);
	cookie->domain = value;
}

static enum heph_http_same_site same_site_of(struct heph_str value)
{
	return heph_str_equal_case(value, "strict") ? HEPH_HTTP_SAME_SITE_STRICT :
	       heph_str_equal_case(value, "lax")    ? HEPH_HTTP_SAME_SITE_LAX :
	       heph_str_equal_case(value, "none")   ? HEPH_HTTP_SAME_SITE_NONE :
						      HEPH_HTTP_SAME_SITE_DEFAULT;
}

static void read_attribute(struct heph_str piece,
			   struct heph_http_set_cookie *cookie)
{
	struct heph_str name, value;

	split_pair(piece, &name, &value);
	if (value.size > ATTRIBUTE_MAX)
		return;
	if (heph_str_equal_case(name, "expires"))
		read_expires(value, cookie);
	else if (heph_str_equal_case(name, "max-age"))
		read_max_age(value, cookie);
	else if (heph_str_equal_case(name, "domain"))
		read_domain(value, cookie);
	else if (heph_str_equal_case(name, "path"))
		cookie->path = value.size > 0 && value.data[0] == '/' ?
				       value :
				       heph_str_of(NULL, 0);
	else if (heph_str_equal_case(name, "samesite"))
		cookie->same_site = same_site_of(value);
	else if (heph_str_equal_case(name, "secure"))
		cookie->secure = true;
	else if (heph_str_equal_case(name, "httponly"))
		cookie->http_only = true;
	else if (heph_str_equal_case(name, "partitioned"))
		cookie->partitioned = true;
}

int heph_http_set_cookie_read(struct heph_str text,
			      struct heph_http_set_cookie *ret_cookie)
{
	struct heph_http_set_cookie cookie = { .name = { NULL, 0 } };
	size_t at = 0;

	split_pair(take_piece(text, &at), &cookie.name, &cookie.value);
	if (!cookie.value.data) { /* a value without a name */
		cookie.value = cookie.name;
		cookie.name = text_part(cookie.name, 0, 0);
	}
	if (cookie.name.size + cookie.value.size == 0 ||
	    cookie.name.size + cookie.value.size > PAIR_MAX ||
	    !heph_http_is_value(text))
		return -EBADMSG;
	while (at < text.size)
		read_attribute(take_piece(text, &at), &cookie);
	*ret_cookie = cookie;
	return 0;
}
