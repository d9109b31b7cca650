/* SPDX-License-Identifier: MIT */
#include <heph/http/value.h>

#include <errno.h>

#include "http/text.h"

int heph_http_number(struct heph_str text, uint64_t *ret_number)
{
	uint64_t number = 0;

	if (text.size == 0)
		return -EBADMSG;
	for (size_t i = 0; i < text.size; i++) {
		unsigned digit = (unsigned)text.data[i] - '0';

		if (digit > 9 || __builtin_mul_overflow(number, 10, &number) ||
		    __builtin_add_overflow(number, digit, &number))
			return -EBADMSG;
	}
	*ret_number = number;
	return 0;
}

bool heph_http_is_token(struct heph_str text)
{
	return text.size > 0 && heph_http_text_all(text, TEXT_TOKEN);
}

bool heph_http_is_value(struct heph_str text)
{
	for (size_t i = 0; i < text.size; i++)
		if (text_is_control(text.data[i]))
			return false;
	return true;
}

/* ---- lists ------------------------------------------------------------------------ */

int heph_http_list_next(struct heph_str list, size_t *at,
			struct heph_str *ret_member)
{
	return heph_http_text_split(list, ',', at, ret_member);
}

bool heph_http_list_has(struct heph_str list, const char *token)
{
	struct heph_str member;
	size_t at = 0;

	while (heph_http_list_next(list, &at, &member) > 0)
		if (heph_str_equal_case(member, token))
			return true;
	return false;
}

/* ---- parameters -------------------------------------------------------------------- */

static size_t skip_blanks(struct heph_str text, size_t at)
{
	while (at < text.size && text_is_blank(text.data[at]))
		at++;
	return at;
}

static size_t skip_token(struct heph_str text, size_t at)
{
	while (at < text.size && text_is(text.data[at], TEXT_TOKEN))
		at++;
	return at;
}

/* To the next parameter, over any number of ";". */
static size_t skip_to_param(struct heph_str params, size_t at)
{
	while (at < params.size &&
	       (params.data[at] == ';' || text_is_blank(params.data[at])))
		at++;
	return at;
}

/* The value at `at`, behind the "="; where it ends, or -EBADMSG. */
static ssize_t read_value(struct heph_str params, size_t at,
			  struct heph_http_param *param)
{
	size_t end;

	if (at < params.size && params.data[at] == '"') {
		end = heph_http_text_quoted(params, at);
		if (end == 0)
			return -EBADMSG;
		param->value = text_part(params, at + 1, end - 1);
		param->escaped = text_find(param->value, 0, '\\') <
				 param->value.size;
		return (ssize_t)end;
	}
	end = skip_token(params, at);
	param->value = text_part(params, at, end);
	return end > at ? (ssize_t)end : -EBADMSG;
}

int heph_http_params_next(struct heph_str params, size_t *at,
			  struct heph_http_param *ret_param)
{
	struct heph_http_param param = { { NULL, 0 }, { NULL, 0 }, false };
	size_t from = skip_to_param(params, *at);
	size_t end = skip_token(params, from);

	*at = params.size;
	if (from == params.size)
		return 0;
	if (end == from)
		return -EBADMSG;
	param.name = text_part(params, from, end);
	if (end < params.size && params.data[end] == '=') {
		ssize_t behind = read_value(params, end + 1, &param);

		if (behind < 0)
			return (int)behind;
		end = (size_t)behind;
	}
	end = skip_blanks(params, end);
	if (end < params.size && params.data[end] != ';')
		return -EBADMSG;
	*at = end;
	*ret_param = param;
	return 1;
}

int heph_http_params_get(struct heph_str params, const char *name,
			 struct heph_http_param *ret_param)
{
	struct heph_http_param param;
	size_t at = 0;
	int got;

	while ((got = heph_http_params_next(params, &at, &param)) > 0)
		if (heph_str_equal_case(param.name, name)) {
			*ret_param = param;
			return 1;
		}
	return got;
}

int heph_http_unescape(const struct heph_http_param *param, char *buf,
		       size_t room, struct heph_str *ret_value)
{
	struct text_out out = text_out(buf, room);
	struct heph_str value = param->value;

	if (!param->escaped) {
		*ret_value = value;
		return 0;
	}
	for (size_t i = 0; i < value.size; i++) {
		if (value.data[i] == '\\' && i + 1 < value.size)
			i++;
		heph_http_out_char(&out, value.data[i]);
	}
	return heph_http_out_end(&out, buf, ret_value);
}
