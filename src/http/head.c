/* SPDX-License-Identifier: MIT */
#include "http/head.h"

#include "http/scan.h"

#include <errno.h>

const char *heph_http_read_end(struct heph_http_reader *reader, const char *at)
{
	if (at == reader->end)
		return NULL;
	if (*at != '\r')
		return heph_http_stop(reader, HEPH_HTTP_BAD_LINE);
	if (at + 1 == reader->end)
		return NULL;
	if (at[1] != '\n')
		return heph_http_stop(reader, HEPH_HTTP_BAD_LINE);
	return at + 2;
}

const char *heph_http_read_version(struct heph_http_reader *reader,
				   const char *at, unsigned *ret_minor)
{
	static const char pattern[] = "HTTP/1.1";
	const size_t size = sizeof(pattern) - 1;
	size_t left = (size_t)(reader->end - at);

	if (left >= size && memcmp(at, pattern, size) == 0) {
		*ret_minor = 1;
		return at + size;
	}
	for (size_t i = 0; i < size && i < left; i++) {
		bool digit = at[i] >= '0' && at[i] <= '9';

		if (i == 5 || i == 7 ? !digit : at[i] != pattern[i])
			return heph_http_stop(reader, HEPH_HTTP_BAD_VERSION);
	}
	if (left < size)
		return NULL;
	if (at[5] != '1' || at[7] > '1')
		return heph_http_stop(reader, HEPH_HTTP_OTHER_VERSION);
	*ret_minor = (unsigned)(at[7] - '0');
	return at + size;
}

/* The value between a colon and the end of its line, without blanks around it. */
static inline void take_field(struct heph_http_field *field, const char *name,
			      const char *colon, const char *stop)
{
	const char *value = colon + 1;

	while (value < stop && heph_http_is_blank(*value))
		value++;
	while (stop > value && heph_http_is_blank(stop[-1]))
		stop--;
	field->name = name;
	field->name_size = (uint16_t)(colon - name);
	field->value = value;
	field->value_size = (uint32_t)(stop - value);
}

/* Where a line that is no well-formed and whole field goes wrong. */
static const char *stop_field(struct heph_http_reader *reader, const char *name)
{
	const char *end = reader->end, *stop;
	const char *colon = heph_http_scan_token(name, end);

	if (colon - name > UINT16_MAX)
		return heph_http_stop(reader, HEPH_HTTP_LONG_HEAD);
	if (colon == end)
		return NULL;
	if (colon == name && heph_http_is_blank(*name))
		return heph_http_stop(reader, HEPH_HTTP_FOLDED);
	if (colon == name && *name == '\n')
		return heph_http_stop(reader, HEPH_HTTP_BAD_LINE);
	if (colon == name || *colon != ':')
		return heph_http_stop(reader, HEPH_HTTP_BAD_NAME);
	stop = heph_http_scan_text(colon + 1, end);
	if (stop < end && *stop != '\r' && *stop != '\n')
		return heph_http_stop(reader, HEPH_HTTP_BAD_VALUE);
	return heph_http_read_end(reader, stop);
}

/*
 * The end of the line is looked for from its begin on, not from the value's: so a
 * processor goes on to the next line before it knows where this one's colon is.
 */
static inline const char *read_field(struct heph_http_reader *reader,
				     const char *name,
				     struct heph_http_field *field)
{
	const char *end = reader->end;
	const char *stop = heph_http_scan_text(name, end);
	const char *colon = heph_http_scan_token(name, end);

	if (end - stop < 2 || stop[0] != '\r' || stop[1] != '\n' ||
	    colon == name || *colon != ':' || colon - name > UINT16_MAX)
		return stop_field(reader, name);
	take_field(field, name, colon, stop);
	return stop + 2;
}

const char *heph_http_read_fields(struct heph_http_reader *reader,
				  const char *at)
{
	struct heph_http_fields *fields = reader->fields;

	while (at < reader->end && *at != '\r') {
		struct heph_http_field *field = &fields->at[fields->n];

		if (fields->n == reader->room)
			return heph_http_stop(reader, HEPH_HTTP_MANY_FIELDS);
		at = read_field(reader, at, field);
		if (at == NULL)
			return NULL;
		fields->n++;
		if (heph_http_matters(field))
			heph_http_hear(&reader->told, field);
	}
	return heph_http_read_end(reader, at);
}

/* Whether the bytes from `seen` on neither end the head nor spoil it. */
static bool goes_on(const char *data, size_t seen, const char *end)
{
	const char *at = data + seen;

	if (at < end && at[-1] == '\r' && *at != '\n')
		return false;
	while ((at = heph_http_scan_text(at, end)) < end) {
		if (*at == '\r' && (at + 1 == end || at[1] == '\n')) {
			at++;
			continue;
		}
		if (*at != '\n' || at[-1] != '\r' || at - data < 2 ||
		    at[-2] == '\n')
			return false;
		at++;
	}
	return true;
}

bool heph_http_reader_begin(struct heph_http_reader *reader, const char *data,
		     size_t size, size_t seen,
		     const struct heph_http_limits *most,
		     struct heph_http_fields *fields)
{
	bool full = size >= most->head;

	if (size == 0)
		return false;
	reader->end = data + (full ? most->head : size);
	reader->fields = fields;
	reader->full = full;
	reader->room = fields->room < most->fields ? fields->room : most->fields;
	reader->told = (struct heph_http_told){ 0 };
	reader->wrong = HEPH_HTTP_FINE;
	fields->n = 0;
	return seen == 0 || full || !goes_on(data, seen, reader->end);
}

ssize_t heph_http_result(const struct heph_http_reader *reader,
			 const char *data, const char *at,
			 enum heph_http_wrong *ret_wrong)
{
	*ret_wrong = reader->wrong;
	if (reader->wrong != HEPH_HTTP_FINE)
		return -EBADMSG;
	if (at != NULL)
		return at - data;
	if (!reader->full)
		return 0;
	*ret_wrong = HEPH_HTTP_LONG_HEAD;
	return -EBADMSG;
}
