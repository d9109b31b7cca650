/* SPDX-License-Identifier: MIT */
/* Messages as a line for people. */
#include <heph/remote/actor.h>

#include <stdarg.h>
#include <stdio.h>

#include "remote/walk.h"

struct line {
	char *buf;
	size_t size, used; /* `used` may be more than fits */
	unsigned depth;
};

enum { SHOWN = 64 }; /* bytes of text, elements of a list */

__attribute__((format(printf, 2, 3))) static void
say(struct line *line, const char *format, ...)
{
	size_t left = line->used < line->size ? line->size - line->used : 0;
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(left ? line->buf + line->used : NULL, left, format, args);
	va_end(args);
	line->used += n > 0 ? (size_t)n : 0;
}

static void say_text(struct line *line, const char *text, size_t max)
{
	size_t n = text ? strnlen(text, max) : 0;

	if (!text) {
		say(line, "none");
		return;
	}
	say(line, "\"");
	for (size_t i = 0; i < n && i < SHOWN; i++) {
		unsigned char c = (unsigned char)text[i];

		if (c < ' ' || c == '"' || c == '\\' || c == 0x7f)
			say(line, "\\x%02x", c);
		else
			say(line, "%c", c);
	}
	say(line, n > SHOWN ? "...\"" : "\"");
}

static void say_struct(struct line *line, const struct heph_codec *codec,
		       const void *msg);

static void say_int(struct line *line, const struct heph_field *field,
		    const void *value)
{
	bool is_signed = field->kind == HEPH_KIND_INT;
	int64_t number = heph_int_get(value, field->size, is_signed);

	if (is_signed)
		say(line, "%lld", (long long)number);
	else
		say(line, "%llu", (unsigned long long)number);
}

static void say_float(struct line *line, const struct heph_field *field,
		      const void *value)
{
	double number;
	float single;

	memcpy(&single, value, sizeof(single));
	number = (double)single;
	if (field->size == sizeof(number))
		memcpy(&number, value, sizeof(number));
	say(line, "%g", number);
}

static void say_ref(struct line *line, const struct heph_field *field,
		    const void *value)
{
	struct heph_addr addr;

	memcpy(&addr, value, sizeof(addr));
	if (addr.id)
		say(line, "<%s %llu>",
		    field->remote ? field->remote()->name : "actor",
		    (unsigned long long)addr.id);
	else
		say(line, "nobody");
}

static void say_reply(struct line *line, const void *value)
{
	struct heph_reply reply;

	memcpy(&reply, value, sizeof(reply));
	if (reply.call)
		say(line, "<call %llu>", (unsigned long long)reply.call);
	else
		say(line, "unasked");
}

static void say_value(struct line *line, const struct heph_field *field,
		      const void *value)
{
	struct heph_bytes bytes;
	const char *text;

	switch ((enum heph_field_kind)field->kind) {
	case HEPH_KIND_BOOL:
		say(line, *(const bool *)value ? "true" : "false");
		break;
	case HEPH_KIND_INT:
	case HEPH_KIND_UINT:
		say_int(line, field, value);
		break;
	case HEPH_KIND_FLOAT:
		say_float(line, field, value);
		break;
	case HEPH_KIND_CHARS:
		say_text(line, value, field->size);
		break;
	case HEPH_KIND_TEXT:
		memcpy(&text, value, sizeof(text));
		say_text(line, text, HEPH_CODEC_MEMORY);
		break;
	case HEPH_KIND_BYTES:
		memcpy(&bytes, value, sizeof(bytes));
		say(line, "<%zu bytes>", bytes.size);
		break;
	case HEPH_KIND_REF:
		say_ref(line, field, value);
		break;
	case HEPH_KIND_REPLY:
		say_reply(line, value);
		break;
	case HEPH_KIND_STRUCT:
		say_struct(line, field->codec(), value);
		break;
	case HEPH_KIND_NONE__:
		break;
	}
}

static void say_field(struct line *line, const struct heph_field *field,
		      const void *msg)
{
	const char *elements = heph_field_elements(field, msg);
	size_t n = elements ? heph_field_count(field, msg) : 0;

	say(line, "%s=", heph_field_name(field));
	if (field->shape == HEPH_SHAPE_ONE) {
		say_value(line, field, elements);
		return;
	}
	say(line, "[");
	for (size_t i = 0; i < n && i < SHOWN; i++) {
		say(line, i ? " " : "");
		say_value(line, field, elements + i * field->size);
	}
	say(line, n > SHOWN ? " ...]" : "]");
}

static void say_struct(struct line *line, const struct heph_codec *codec,
		       const void *msg)
{
	const char *between = "";

	say(line, "%s{", codec->name);
	if (line->depth++ < HEPH_CODEC_DEPTH && line->used < line->size)
		for (unsigned i = 0; i < codec->n; i++)
			if (heph_field_there(&codec->fields[i], msg)) {
				say(line, "%s", between);
				say_field(line, &codec->fields[i], msg);
				between = " ";
			}
	line->depth--;
	say(line, "}");
}

size_t heph_codec_print(const struct heph_codec *codec, const void *msg,
			char *buf, size_t size)
{
	struct line line = { .buf = buf, .size = size };

	if (!size)
		return 0;
	buf[0] = '\0';
	if (codec->own && codec->own->print)
		return codec->own->print(msg, buf, size);
	say_struct(&line, codec, msg);
	if (line.used < size)
		return line.used;
	if (size > 4)
		memcpy(buf + size - 4, "...", 4);
	return size - 1;
}
