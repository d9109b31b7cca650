/* SPDX-License-Identifier: MIT */
/* Fields behind a chunked body: RFC 9112, section 7.1.2. */
#include "http/head.h"

/* What would change how the message was understood, had it come in time: where it
 * ends, where it goes, who sends it, on what condition, what the body is. */
static bool is_forbidden(struct heph_str name)
{
	static const char *const names[] = {
		"authorization",   "cache-control",       "connection",
		"content-encoding", "content-length",     "content-range",
		"content-type",    "cookie",              "expect",
		"host",            "if-match",            "if-modified-since",
		"if-none-match",   "if-range",            "if-unmodified-since",
		"keep-alive",      "max-forwards",        "proxy-authenticate",
		"proxy-authorization", "proxy-connection", "range",
		"set-cookie",      "te",                  "trailer",
		"transfer-encoding", "upgrade",           "www-authenticate",
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (heph_str_equal_case(name, names[i]))
			return true;
	return false;
}

ssize_t heph_http_parse_trailers(const char *data, size_t size, size_t seen,
				 const struct heph_http_limits *limits,
				 struct heph_http_fields *fields,
				 enum heph_http_wrong *ret_wrong)
{
	const struct heph_http_limits most = heph_http_limits_of(limits);
	struct heph_http_reader reader;
	const char *at;

	*ret_wrong = HEPH_HTTP_FINE;
	if (!heph_http_reader_begin(&reader, data, size, seen, &most, fields))
		return 0;
	at = heph_http_read_fields(&reader, data);
	for (unsigned i = 0; at != NULL && i < fields->n; i++)
		if (is_forbidden(heph_http_field_name(&fields->at[i])))
			reader.wrong = HEPH_HTTP_BAD_NAME;
	return heph_http_result(&reader, data, at, ret_wrong);
}
