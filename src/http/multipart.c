/* SPDX-License-Identifier: MIT */
/*
 * What stands between parts is the delimiter: CR LF "--" and the boundary. It can be
 * cut anywhere, so how much of it the last bytes were is remembered, and the data
 * that these turn out to be instead is given out of the delimiter itself: nothing
 * is kept back. CR can only be its first byte, so after a mismatch the search
 * begins anew.
 *
 *     PREAMBLE --delimiter--> TAIL --CR LF--> HEAD --empty line--> DATA
 *                              |  <------------delimiter-------------'
 *                              '--"--"--> DONE
 */
#include <heph/http/multipart.h>
#include <heph/http/value.h>

#include "http/text.h"

enum {
	PREAMBLE,
	TAIL,      /* of the line with the delimiter */
	TAIL_DASH, /* it began with "-" */
	TAIL_PAD,  /* blanks behind it */
	TAIL_LF,
	HEAD,
	DATA,
	DONE,
};

/* ---- beginning ----------------------------------------------------------------------- */

/* RFC 2046, section 5.1.1. */
static bool is_boundary(struct heph_str boundary)
{
	static const char also[] = "'()+_,-./:=? ";

	if (boundary.size == 0 || boundary.size > HEPH_HTTP_BOUNDARY ||
	    boundary.data[boundary.size - 1] == ' ')
		return false;
	for (size_t i = 0; i < boundary.size; i++)
		if (!text_is_alpha(boundary.data[i]) &&
		    !text_is_digit(boundary.data[i]) &&
		    !memchr(also, boundary.data[i], sizeof(also) - 1))
			return false;
	return true;
}

int heph_http_multipart_init(struct heph_http_multipart *form,
			     struct heph_str content_type, unsigned parts_max)
{
	struct heph_http_media media;
	struct heph_http_param param;
	struct heph_str boundary;

	if (heph_http_media_read(content_type, &media) < 0 ||
	    !heph_http_media_is(&media, "multipart/") ||
	    heph_http_params_get(media.params, "boundary", &param) <= 0 ||
	    heph_http_unescape(&param, form->delimiter__ + 4, HEPH_HTTP_BOUNDARY,
			       &boundary) < 0 ||
	    !is_boundary(boundary))
		return -EBADMSG;
	memcpy(form->delimiter__, "\r\n--", 4);
	memmove(form->delimiter__ + 4, boundary.data, boundary.size);
	form->delimiter_size__ = (unsigned)(4 + boundary.size);
	/* The first may stand at the very begin, without CR LF before it. */
	form->matched__ = 2;
	form->state__ = PREAMBLE;
	form->parts = 0;
	form->parts_max = parts_max ? parts_max : HEPH_HTTP_PARTS;
	form->head_size__ = 0;
	form->fields.at = form->lines__;
	form->fields.n = 0;
	form->fields.room = HEPH_HTTP_PART_FIELDS;
	return 0;
}

/* ---- the delimiter ------------------------------------------------------------------- */

/* How many bytes at `data` go on with what is matched of it. */
static size_t match(struct heph_http_multipart *form, const char *data, size_t size)
{
	size_t left = form->delimiter_size__ - form->matched__, n = 0;
	const char *at = form->delimiter__ + form->matched__;

	if (left > size)
		left = size;
	while (n < left && data[n] == at[n])
		n++;
	form->matched__ += (unsigned)n;
	return n;
}

static bool is_matched(const struct heph_http_multipart *form)
{
	return form->matched__ == form->delimiter_size__;
}

/* Bytes at `data` before what may be a delimiter. */
static size_t before_delimiter(const char *data, size_t size)
{
	const char *cr = memchr(data, '\r', size);

	return cr ? (size_t)(cr - data) : size;
}

/* Through what is in front of the first part; it need not end with CR LF. */
static int skip_preamble(struct heph_http_multipart *form, const char *data,
			 size_t size, size_t *used)
{
	*used = match(form, data, size);
	if (is_matched(form)) {
		form->state__ = TAIL;
	} else if (*used < size) {
		form->matched__ = 0;
		*used += before_delimiter(data + *used, size - *used);
	}
	return HEPH_HTTP_PART_MORE;
}

/* The data of a part, up to what may be the delimiter behind it. */
static int read_data(struct heph_http_multipart *form, const char *data,
		     size_t size, size_t *used, struct heph_str *piece)
{
	unsigned before = form->matched__;

	*used = match(form, data, size);
	if (is_matched(form)) {
		form->state__ = TAIL;
		return HEPH_HTTP_PART_END;
	}
	if (*used == size)
		return HEPH_HTTP_PART_MORE;
	/* That was none. What was taken for it in earlier pieces is data, and what
	 * is in this one is looked at again, behind its CR. */
	form->matched__ = 0;
	*used = 0;
	if (before > 0) {
		*piece = heph_str_of(form->delimiter__, before);
		return HEPH_HTTP_PART_DATA;
	}
	if (data[0] == '\r')
		*used = 1;
	*used += before_delimiter(data + *used, size - *used);
	*piece = heph_str_of(data, *used);
	return HEPH_HTTP_PART_DATA;
}

/* ---- behind the delimiter ------------------------------------------------------------- */

static int begin_head(struct heph_http_multipart *form)
{
	if (form->parts == form->parts_max)
		return -E2BIG;
	form->state__ = HEAD;
	form->head_size__ = 0;
	form->fields.n = 0;
	return HEPH_HTTP_PART_MORE;
}

static int end_all(struct heph_http_multipart *form)
{
	form->state__ = DONE;
	return HEPH_HTTP_PARTS_END;
}

/* "--", or blanks and CR LF: byte by byte, for there are few. */
static int read_tail(struct heph_http_multipart *form, char c)
{
	switch (form->state__) {
	case TAIL_DASH:
		return c == '-' ? end_all(form) : -EBADMSG;
	case TAIL_LF:
		return c == '\n' ? begin_head(form) : -EBADMSG;
	case TAIL:
		if (c == '-') {
			form->state__ = TAIL_DASH;
			return HEPH_HTTP_PART_MORE;
		}
		break;
	}
	if (c != '\r' && !text_is_blank(c))
		return -EBADMSG;
	form->state__ = c == '\r' ? TAIL_LF : TAIL_PAD;
	return HEPH_HTTP_PART_MORE;
}

/* ---- the head of a part ----------------------------------------------------------------- */

/* One line, without its end. */
static int add_line(struct heph_http_multipart *form, struct heph_str line)
{
	size_t colon = text_find(line, 0, ':');
	struct heph_str name = text_part(line, 0, colon), value;
	struct heph_http_field *field;

	if (colon == line.size || !heph_http_is_token(name))
		return -EBADMSG;
	value = heph_http_text_trim(text_part(line, colon + 1, line.size));
	if (!heph_http_is_value(value))
		return -EBADMSG;
	if (form->fields.n == form->fields.room)
		return -EMSGSIZE;
	field = &form->fields.at[form->fields.n++];
	field->name = name.data;
	field->name_size = (uint16_t)name.size;
	field->value = value.data;
	field->value_size = (uint32_t)value.size;
	return 0;
}

/* All lines of a head, up to the empty one. */
static int read_lines(struct heph_http_multipart *form)
{
	struct heph_str head = heph_str_of(form->head__, form->head_size__ - 2);
	int err = 0;

	for (size_t at = 0; at < head.size && !err;) {
		size_t end = text_find(head, at, '\n');

		if (end == at || end == head.size || head.data[end - 1] != '\r')
			return -EBADMSG;
		err = add_line(form, text_part(head, at, end - 1));
		at = end + 1;
	}
	return err;
}

/* Whether the line that has just ended is empty: there is no other before it, or
 * that ended with LF. */
static bool is_head_whole(const struct heph_http_multipart *form)
{
	const char *head = form->head__;
	size_t size = form->head_size__;

	return size >= 2 && head[size - 1] == '\n' && head[size - 2] == '\r' &&
	       (size == 2 || head[size - 3] == '\n');
}

/* Takes it up line by line, so that what is behind it stays where it is. */
static int read_head(struct heph_http_multipart *form, const char *data,
		     size_t size, size_t *used)
{
	const char *lf = memchr(data, '\n', size);
	int err;

	*used = lf ? (size_t)(lf - data) + 1 : size;
	if (*used > HEPH_HTTP_PART_HEAD - form->head_size__)
		return -EMSGSIZE;
	memcpy(form->head__ + form->head_size__, data, *used);
	form->head_size__ += (unsigned)*used;
	if (!lf || !is_head_whole(form))
		return HEPH_HTTP_PART_MORE;
	err = read_lines(form);
	if (err)
		return err;
	form->state__ = DATA;
	form->parts++;
	form->matched__ = 0;
	return HEPH_HTTP_PART_BEGIN;
}

/* ---- all of it --------------------------------------------------------------------------- */

static int step(struct heph_http_multipart *form, const char *data, size_t size,
		size_t *used, struct heph_str *piece)
{
	switch (form->state__) {
	case PREAMBLE:
		return skip_preamble(form, data, size, used);
	case HEAD:
		return read_head(form, data, size, used);
	case DATA:
		return read_data(form, data, size, used, piece);
	case DONE:
		*used = size;
		return HEPH_HTTP_PART_MORE;
	default:
		*used = 1;
		return read_tail(form, data[0]);
	}
}

int heph_http_multipart_feed(struct heph_http_multipart *form, const char *data,
			     size_t size, size_t *ret_used,
			     struct heph_str *ret_piece)
{
	int got = HEPH_HTTP_PART_MORE;
	size_t at = 0, used;

	*ret_piece = heph_str_of(NULL, 0);
	while (at < size && got == HEPH_HTTP_PART_MORE) {
		got = step(form, data + at, size - at, &used, ret_piece);
		at += used;
	}
	*ret_used = at;
	return got;
}

bool heph_http_multipart_done(const struct heph_http_multipart *form)
{
	return form->state__ == DONE;
}

struct heph_str heph_http_multipart_field(const struct heph_http_multipart *form,
					  const char *name)
{
	for (unsigned i = 0; i < form->fields.n; i++)
		if (heph_str_equal_case(heph_http_field_name(&form->fields.at[i]),
					name))
			return heph_http_field_value(&form->fields.at[i]);
	return heph_str_of(NULL, 0);
}
