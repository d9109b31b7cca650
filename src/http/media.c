/* SPDX-License-Identifier: MIT */
#include <heph/http/media.h>
#include <heph/http/uri.h>

#include "http/text.h"

/* Whether all of them can be read. */
static int check_params(struct heph_str params)
{
	struct heph_http_param param;
	size_t at = 0;
	int got;

	while ((got = heph_http_params_next(params, &at, &param)) > 0)
		if (!param.value.data)
			return -EBADMSG;
	return got;
}

/* Splits at the first ";". */
static struct heph_str take_params(struct heph_str *text)
{
	size_t end = text_find(*text, 0, ';');
	struct heph_str params = text_part(*text, end, text->size);

	*text = heph_http_text_trim(text_part(*text, 0, end));
	return params;
}

int heph_http_media_read(struct heph_str text, struct heph_http_media *ret_media)
{
	struct heph_http_media media;
	size_t slash;

	media.params = take_params(&text);
	slash = text_find(text, 0, '/');
	media.type = text_part(text, 0, slash);
	media.subtype = heph_str_of(NULL, 0);
	if (slash < text.size)
		media.subtype = text_part(text, slash + 1, text.size);
	if (!heph_http_is_token(media.type) ||
	    !heph_http_is_token(media.subtype) || check_params(media.params) < 0)
		return -EBADMSG;
	*ret_media = media;
	return 0;
}

bool heph_http_media_is(const struct heph_http_media *media, const char *name)
{
	const char *slash = strchr(name, '/');

	if (!slash || (size_t)(slash - name) != media->type.size ||
	    strncasecmp(name, media->type.data, media->type.size) != 0)
		return false;
	return !slash[1] || heph_str_equal_case(media->subtype, slash + 1);
}

/* ---- Content-Disposition ------------------------------------------------------------- */

/* The value of filename*: UTF-8'language'encoded. */
static int read_extended(struct heph_str value, struct text_out *out,
			 struct heph_str *ret_value)
{
	static const char charset[] = "UTF-8'";
	size_t size = sizeof(charset) - 1, quote;
	int err;

	if (value.size < size || strncasecmp(value.data, charset, size) != 0)
		return -EBADMSG;
	quote = text_find(value, size, '\'');
	if (quote == value.size)
		return -EBADMSG;
	err = heph_http_percent_decode(text_part(value, quote + 1, value.size),
				       out->at, (size_t)(out->end - out->at),
				       ret_value);
	if (!err && ret_value->data == out->at)
		out->at += ret_value->size;
	return err;
}

static int read_plain(const struct heph_http_param *param, struct text_out *out,
		      struct heph_str *ret_value)
{
	int err = heph_http_unescape(param, out->at,
				     (size_t)(out->end - out->at), ret_value);

	if (!err && param->escaped)
		out->at += ret_value->size;
	return err;
}

static int add_param(struct heph_http_disposition *disposition,
		     const struct heph_http_param *param, bool *extended,
		     struct text_out *out)
{
	if (heph_str_equal_case(param->name, "name"))
		return read_plain(param, out, &disposition->name);
	if (heph_str_equal_case(param->name, "filename") && !*extended)
		return read_plain(param, out, &disposition->filename);
	if (heph_str_equal_case(param->name, "filename*")) {
		*extended = true;
		return read_extended(param->value, out, &disposition->filename);
	}
	return 0;
}

int heph_http_disposition_read(struct heph_str text, char *buf, size_t room,
			       struct heph_http_disposition *ret_disposition)
{
	struct heph_http_disposition disposition = { .type = { NULL, 0 } };
	struct text_out out = text_out(buf, room);
	struct heph_str params = take_params(&text);
	struct heph_http_param param;
	bool extended = false;
	size_t at = 0;
	int got, err = 0;

	disposition.type = text;
	if (!heph_http_is_token(text))
		return -EBADMSG;
	while (!err && (got = heph_http_params_next(params, &at, &param)) != 0)
		err = got < 0 ? got :
				add_param(&disposition, &param, &extended, &out);
	if (err)
		return err;
	*ret_disposition = disposition;
	return 0;
}
