/* SPDX-License-Identifier: MIT */
#include "http/told.h"

#include "http/scan.h"

static struct heph_str trimmed(const char *at, const char *end)
{
	while (at < end && heph_http_is_blank(*at))
		at++;
	while (at < end && heph_http_is_blank(end[-1]))
		end--;
	return heph_str_of(at, (size_t)(end - at));
}

/* The next element of a list with commas, which may be empty; false: there is no
 * more. `*at` is where the last one ended, the value's begin before the first. */
static bool next_of_list(const struct heph_http_field *field, const char **at,
			 struct heph_str *ret_item)
{
	const char *end = field->value + field->value_size, *from = *at;
	const char *comma;

	if (from > end)
		return false;
	comma = memchr(from, ',', (size_t)(end - from));
	if (comma == NULL)
		comma = end;
	*ret_item = trimmed(from, comma);
	*at = comma + 1;
	return true;
}

static void hear_connection(struct heph_http_told *told,
			    const struct heph_http_field *field)
{
	const char *at = field->value;
	struct heph_str option;

	while (next_of_list(field, &at, &option)) {
		told->closes |= heph_http_is_word(option, "close", 5);
		told->keeps |= heph_http_is_word(option, "keep-alive", 10);
		told->upgrades |= heph_http_is_word(option, "upgrade", 7);
	}
}

/* Of a list that is well so far; `coding` may have parameters. */
static enum heph_http_wrong hear_coding(struct heph_http_told *told,
					struct heph_str coding)
{
	const char *end = coding.data + coding.size;
	const char *rest = heph_http_scan_token(coding.data, end);
	struct heph_str name =
		heph_str_of(coding.data, (size_t)(rest - coding.data));

	while (rest < end && heph_http_is_blank(*rest))
		rest++;
	if (told->chunked || name.size == 0 || (rest < end && *rest != ';'))
		return HEPH_HTTP_BAD_CODING;
	if (!heph_str_equal_case(name, "chunked"))
		return HEPH_HTTP_OTHER_CODING;
	told->chunked = true;
	return rest < end ? HEPH_HTTP_BAD_CODING : HEPH_HTTP_FINE;
}

static void hear_codings(struct heph_http_told *told,
			 const struct heph_http_field *field)
{
	const char *at = field->value;
	struct heph_str coding;

	told->codings++;
	while (told->coding == HEPH_HTTP_FINE &&
	       next_of_list(field, &at, &coding))
		told->coding = hear_coding(told, coding);
}

static void hear_expect(struct heph_http_told *told,
			const struct heph_http_field *field)
{
	if (heph_str_equal_case(heph_http_field_value(field), "100-continue"))
		told->continues = true;
	else
		told->expects = true;
}

void heph_http_hear(struct heph_http_told *told,
		    const struct heph_http_field *field)
{
	struct heph_str name = heph_http_field_name(field);

	if (heph_http_is_word(name, "host", 4)) {
		told->hosts++;
		told->host = heph_http_field_value(field);
	} else if (heph_http_is_word(name, "connection", 10)) {
		hear_connection(told, field);
	} else if (heph_http_is_word(name, "content-length", 14)) {
		told->lengths++;
		told->length = heph_http_field_value(field);
	} else if (heph_str_equal_case(name, "transfer-encoding")) {
		hear_codings(told, field);
	} else if (heph_http_is_word(name, "expect", 6)) {
		hear_expect(told, field);
	} else if (heph_http_is_word(name, "upgrade", 7)) {
		told->protocol |= field->value_size > 0;
	}
}

/* Digits alone, and no more than a file may have bytes. */
static bool number(struct heph_str text, uint64_t *ret_n)
{
	uint64_t n = 0;

	for (size_t i = 0; i < text.size; i++) {
		unsigned digit = (unsigned)(text.data[i] - '0');

		if (digit > 9 || n > ((uint64_t)INT64_MAX - digit) / 10)
			return false;
		n = n * 10 + digit;
	}
	*ret_n = n;
	return text.size > 0;
}

enum heph_http_wrong heph_http_judge(const struct heph_http_told *told,
				     unsigned minor, uint64_t *ret_length)
{
	if (told->codings > 0 && told->lengths > 0)
		return HEPH_HTTP_LENGTH_AND_CODING;
	if (told->codings > 0 && minor == 0)
		return HEPH_HTTP_BAD_CODING;
	if (told->coding != HEPH_HTTP_FINE)
		return told->coding;
	if (told->lengths == 0)
		return HEPH_HTTP_FINE;
	if (told->lengths > 1 ||
	    memchr(told->length.data, ',', told->length.size) != NULL)
		return HEPH_HTTP_TWO_LENGTHS;
	return number(told->length, ret_length) ? HEPH_HTTP_FINE :
						  HEPH_HTTP_BAD_LENGTH;
}
