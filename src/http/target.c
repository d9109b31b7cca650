/* SPDX-License-Identifier: MIT */
#include "http/target.h"

#include "http/scan.h"

static bool is_port(struct heph_str text)
{
	unsigned port = 0;

	for (size_t i = 0; i < text.size; i++) {
		unsigned digit = (unsigned)(text.data[i] - '0');

		if (digit > 9)
			return false;
		port = port * 10 + digit;
		if (port > UINT16_MAX)
			return false;
	}
	return true;
}

/* Behind an address of IPv6 in brackets; NULL: it is none. What is inside is
 * judged by those who connect to it. */
static const char *skip_brackets(const char *at, const char *end)
{
	const char *from = ++at;

	while (at < end && (*at == ':' || *at == '.' ||
			    (*at >= '0' && *at <= '9') ||
			    ((*at | 0x20) >= 'a' && (*at | 0x20) <= 'f')))
		at++;
	return at > from && at < end && *at == ']' ? at + 1 : NULL;
}

bool heph_http_is_authority(struct heph_str text)
{
	const char *end = text.data + text.size, *at;

	if (text.size == 0)
		return false;
	at = text.data[0] == '[' ?
		     skip_brackets(text.data, end) :
		     heph_http_scan_host(text.data, end);
	if (at == NULL || at == text.data)
		return false;
	if (at == end)
		return true;
	return *at == ':' && is_port(heph_str_of(at + 1, (size_t)(end - at - 1)));
}

static void split_query(struct heph_http_request_head *head, const char *from,
			const char *end)
{
	const char *mark = from < end ? memchr(from, '?', (size_t)(end - from)) :
					NULL;

	head->has_query = mark != NULL;
	if (mark != NULL)
		head->query = heph_str_of(mark + 1, (size_t)(end - mark - 1));
	else
		mark = end;
	head->path = heph_str_of(from, (size_t)(mark - from));
}

/* http://host/path?query, of which path and query may be missing. */
static bool split_absolute(struct heph_http_request_head *head)
{
	struct heph_str target = head->target;
	const char *end = target.data + target.size, *from, *at;

	if (target.size > 7 && strncasecmp(target.data, "http://", 7) == 0)
		from = target.data + 7;
	else if (target.size > 8 && strncasecmp(target.data, "https://", 8) == 0)
		from = target.data + 8;
	else
		return false;
	at = from;
	while (at < end && *at != '/' && *at != '?')
		at++;
	head->authority = heph_str_of(from, (size_t)(at - from));
	split_query(head, at, end);
	return heph_http_is_authority(head->authority);
}

/* The port is not optional. */
static bool split_authority(struct heph_http_request_head *head)
{
	struct heph_str target = head->target;
	char last = target.data[target.size - 1];
	const char *colon = memrchr(target.data, ':', target.size);

	head->authority = target;
	return heph_http_is_authority(target) && colon != NULL && last != ':' &&
	       last != ']';
}

bool heph_http_split_target(struct heph_http_request_head *head)
{
	struct heph_str target = head->target;

	if (head->method == HEPH_HTTP_CONNECT)
		return split_authority(head);
	if (target.data[0] == '/') {
		split_query(head, target.data, target.data + target.size);
		return true;
	}
	if (heph_str_equal(target, "*")) {
		head->path = target;
		return head->method == HEPH_HTTP_OPTIONS;
	}
	return split_absolute(head);
}
