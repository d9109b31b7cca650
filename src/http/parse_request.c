/* SPDX-License-Identifier: MIT */
/* The head of a request: RFC 9112, sections 2 and 3. */
#include "http/head.h"
#include "http/scan.h"
#include "http/target.h"

#include <heph/http/method.h>

static const char *read_method(struct heph_http_reader *reader, const char *at,
			       struct heph_http_request_head *head)
{
	const char *space = heph_http_scan_token(at, reader->end);

	if (space == reader->end)
		return NULL;
	if (*space == '\r' || *space == '\n')
		return heph_http_stop(reader, HEPH_HTTP_BAD_LINE);
	if (space == at || *space != ' ')
		return heph_http_stop(reader, HEPH_HTTP_BAD_METHOD);
	head->method_name = heph_str_of(at, (size_t)(space - at));
	head->method = heph_http_method_of(head->method_name);
	return space + 1;
}

/* One byte more than `most` is looked at, which must end it. */
static const char *read_target(struct heph_http_reader *reader, const char *at,
			       uint32_t most,
			       struct heph_http_request_head *head)
{
	const char *end = reader->end;
	const char *space = heph_http_scan_target(
		at, (size_t)(end - at) > most ? at + most + 1 : end);

	if (space - at > (ptrdiff_t)most)
		return heph_http_stop(reader, HEPH_HTTP_LONG_TARGET);
	if (space == end)
		return NULL;
	if (space > at && (*space == '\r' || *space == '\n'))
		return heph_http_stop(reader, HEPH_HTTP_BAD_VERSION);
	if (space == at || *space != ' ')
		return heph_http_stop(reader, HEPH_HTTP_BAD_TARGET);
	head->target = heph_str_of(at, (size_t)(space - at));
	return space + 1;
}

static const char *read_head(struct heph_http_reader *reader, const char *at,
			     uint32_t target_most,
			     struct heph_http_request_head *head)
{
	if (at < reader->end && *at == '\r')
		at = heph_http_read_end(reader, at);
	if (at != NULL)
		at = read_method(reader, at, head);
	if (at != NULL)
		at = read_target(reader, at, target_most, head);
	if (at != NULL)
		at = heph_http_read_version(reader, at, &head->minor);
	if (at != NULL)
		at = heph_http_read_end(reader, at);
	return at != NULL ? heph_http_read_fields(reader, at) : NULL;
}

static enum heph_http_wrong judge_host(const struct heph_http_told *told,
				       struct heph_http_request_head *head)
{
	if (told->hosts > 1 || (told->hosts == 0 && head->minor > 0))
		return HEPH_HTTP_BAD_HOST;
	if (told->hosts > 0 && !heph_http_is_authority(told->host))
		return HEPH_HTTP_BAD_HOST;
	if (head->authority.size == 0)
		head->authority = told->host;
	return HEPH_HTTP_FINE;
}

static enum heph_http_wrong judge_body(const struct heph_http_told *told,
				       struct heph_http_request_head *head)
{
	enum heph_http_wrong wrong =
		heph_http_judge(told, head->minor, &head->length);

	if (wrong != HEPH_HTTP_FINE)
		return wrong;
	if (told->codings > 0 &&
	    (!told->chunked || head->method == HEPH_HTTP_CONNECT))
		return HEPH_HTTP_BAD_CODING;
	/* What follows CONNECT is no body, and not of this server. */
	if (head->length > 0 && head->method == HEPH_HTTP_CONNECT)
		return HEPH_HTTP_BAD_LENGTH;
	if (told->codings > 0) {
		head->framing = HEPH_HTTP_CHUNKED;
		head->length = HEPH_HTTP_UNKNOWN;
	} else if (told->lengths > 0) {
		head->framing = HEPH_HTTP_LENGTH;
	}
	return HEPH_HTTP_FINE;
}

static enum heph_http_wrong judge(const struct heph_http_told *told,
				  struct heph_http_request_head *head)
{
	enum heph_http_wrong wrong;

	if (!heph_http_split_target(head))
		return HEPH_HTTP_BAD_TARGET;
	wrong = judge_host(told, head);
	if (wrong == HEPH_HTTP_FINE)
		wrong = judge_body(told, head);
	head->keep_alive = heph_http_persists(told, head->minor);
	head->expects_continue = told->continues && head->minor > 0;
	head->expects_other = told->expects;
	head->upgrades = told->upgrades && told->protocol && head->minor > 0;
	return wrong;
}

/* One by one, for it is some hundred bytes and there are many requests. */
static void clear(struct heph_http_request_head *head)
{
	const struct heph_str none = { NULL, 0 };

	head->method = HEPH_HTTP_OTHER;
	head->method_name = none;
	head->target = none;
	head->authority = none;
	head->path = none;
	head->query = none;
	head->length = 0;
	head->framing = HEPH_HTTP_NO_BODY;
	head->minor = 0;
	head->has_query = false;
	head->keep_alive = false;
	head->expects_continue = false;
	head->expects_other = false;
	head->upgrades = false;
}

ssize_t heph_http_parse_request(const char *data, size_t size, size_t seen,
				const struct heph_http_limits *limits,
				struct heph_http_request_head *ret_head)
{
	const struct heph_http_limits most = heph_http_limits_of(limits);
	struct heph_http_fields *fields = &ret_head->fields;
	struct heph_http_reader reader;
	const char *at;

	if (!heph_http_reader_begin(&reader, data, size, seen, &most, fields))
		return 0;
	clear(ret_head);
	at = read_head(&reader, data, most.target, ret_head);
	if (at != NULL)
		reader.wrong = judge(&reader.told, ret_head);
	return heph_http_result(&reader, data, at, &ret_head->wrong);
}
