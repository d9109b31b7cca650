/* SPDX-License-Identifier: MIT */
/* The head of a response: RFC 9112, section 4. */
#include "http/head.h"
#include "http/scan.h"

static const char *read_status(struct heph_http_reader *reader, const char *at,
			       unsigned *ret_status)
{
	const size_t size = 4; /* a blank and three digits */
	size_t left = (size_t)(reader->end - at);
	unsigned status = 0;

	for (size_t i = 0; i < size && i < left; i++) {
		unsigned digit = (unsigned)(at[i] - '0');

		if (i == 0 ? at[i] != ' ' : digit > 9 || (i == 1 && digit == 0))
			return heph_http_stop(reader, HEPH_HTTP_BAD_STATUS);
		if (i > 0)
			status = status * 10 + digit;
	}
	if (left < size)
		return NULL;
	*ret_status = status;
	return at + size;
}

/* Of old servers, the blank before it may be missing where it is empty. */
static const char *read_reason(struct heph_http_reader *reader, const char *at,
			       struct heph_str *ret_reason)
{
	const char *stop;

	if (at < reader->end && *at != ' ' && *at != '\r' && *at != '\n')
		return heph_http_stop(reader, HEPH_HTTP_BAD_STATUS);
	if (at < reader->end && *at == ' ')
		at++;
	stop = heph_http_scan_text(at, reader->end);
	*ret_reason = heph_str_of(at, (size_t)(stop - at));
	return heph_http_read_end(reader, stop);
}

static const char *read_head(struct heph_http_reader *reader, const char *at,
			     struct heph_http_response_head *head)
{
	at = heph_http_read_version(reader, at, &head->minor);
	if (at != NULL)
		at = read_status(reader, at, &head->status);
	if (at != NULL)
		at = read_reason(reader, at, &head->reason);
	return at != NULL ? heph_http_read_fields(reader, at) : NULL;
}

/* RFC 9112, section 6.3, rules 1 and 2. */
static bool has_no_body(unsigned status, enum heph_http_method method)
{
	return method == HEPH_HTTP_HEAD || status < 200 || status == 204 ||
	       status == 304 ||
	       (method == HEPH_HTTP_CONNECT && status < 300);
}

static enum heph_http_wrong judge(const struct heph_http_told *told,
				  enum heph_http_method method,
				  struct heph_http_response_head *head)
{
	enum heph_http_wrong wrong =
		heph_http_judge(told, head->minor, &head->length);

	if (wrong != HEPH_HTTP_FINE)
		return wrong;
	head->keep_alive = heph_http_persists(told, head->minor);
	head->upgrades = head->status == 101 && told->upgrades &&
			 told->protocol && head->minor > 0;
	if (has_no_body(head->status, method)) {
		head->length = 0;
	} else if (told->lengths > 0) {
		head->framing = HEPH_HTTP_LENGTH;
	} else {
		head->length = HEPH_HTTP_UNKNOWN;
		head->framing = told->chunked ? HEPH_HTTP_CHUNKED :
						HEPH_HTTP_UNTIL_CLOSE;
		head->keep_alive &= told->chunked;
	}
	return HEPH_HTTP_FINE;
}

ssize_t heph_http_parse_response(const char *data, size_t size, size_t seen,
				 enum heph_http_method method,
				 const struct heph_http_limits *limits,
				 struct heph_http_response_head *ret_head)
{
	const struct heph_http_limits most = heph_http_limits_of(limits);
	struct heph_http_fields *fields = &ret_head->fields;
	struct heph_http_reader reader;
	const char *at;

	if (!heph_http_reader_begin(&reader, data, size, seen, &most, fields))
		return 0;
	*ret_head = (struct heph_http_response_head){ .fields = *fields };
	at = read_head(&reader, data, ret_head);
	if (at != NULL)
		reader.wrong = judge(&reader.told, method, ret_head);
	return heph_http_result(&reader, data, at, &ret_head->wrong);
}
