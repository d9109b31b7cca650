/* SPDX-License-Identifier: MIT */
/*
 * What a program tells of itself is put into the record as it is in the file:
 * lengths of two bytes, numbers of eight, the highest byte first.
 */
#include <heph/trace.h>

#include <endian.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "core/trace.h"

enum { NUMBER = 8, LENGTH = 2 };

struct heph_span heph_span_begin(heph_ctx ctx)
{
	if (!heph_tracing(ctx.self->thread->heph))
		return (struct heph_span){ 0 };
	return (struct heph_span){ heph_clock_ticks() };
}

/* ---- texts ----------------------------------------------------------------- */

char *heph_raw_span_text(const char *format, ...)
{
	char *text = NULL;
	va_list args;
	int len;

	va_start(args, format);
	len = vsnprintf(NULL, 0, format, args);
	va_end(args);
	if (len > UINT16_MAX)
		len = UINT16_MAX;
	if (len >= 0)
		text = heph_mem_alloc_raw((size_t)len + 1);
	if (!text)
		return NULL;
	va_start(args, format);
	vsnprintf(text, (size_t)len + 1, format, args);
	va_end(args);
	return text;
}

static void free_texts(const struct heph_span_attr *attrs)
{
	for (; attrs->kind != HEPH_SPAN_LAST__; attrs++)
		if (attrs->kind == HEPH_SPAN_TEXT__)
			heph_mem_free(attrs->value.text);
}

static const char *text_of(const struct heph_span_attr *attr)
{
	if (attr->kind == HEPH_SPAN_TEXT__ && !attr->value.text)
		return "<fmt error>";
	return attr->value.str ? attr->value.str : "(null)";
}

/* ---- sizes ----------------------------------------------------------------- */

static size_t len_of(const char *text)
{
	return strnlen(text, UINT16_MAX);
}

static size_t size_of_texts(const struct heph_span_attr *attr)
{
	size_t size = LENGTH;

	for (uint32_t n = 0; n < attr->n; n++)
		size += LENGTH + len_of(attr->value.strs[n]);
	return size;
}

static size_t size_of_value(const struct heph_span_attr *attr)
{
	switch (attr->kind) {
	case HEPH_SPAN_U64__:
	case HEPH_SPAN_I64__:
	case HEPH_SPAN_F64__:
		return NUMBER;
	case HEPH_SPAN_STR__:
	case HEPH_SPAN_TEXT__:
		return LENGTH + len_of(text_of(attr));
	case HEPH_SPAN_STR__ + HEPH_SPAN_ARRAY__:
		return size_of_texts(attr);
	default:
		return LENGTH + attr->n * (size_t)NUMBER;
	}
}

static size_t size_of_all(const char *description,
			  const struct heph_span_attr *attrs)
{
	size_t size = LENGTH + len_of(description);

	for (; attrs->kind != HEPH_SPAN_LAST__; attrs++)
		size += LENGTH + len_of(attrs->key) + 1 + size_of_value(attrs);
	return size;
}

/* ---- bytes ----------------------------------------------------------------- */

static unsigned char *put_length(unsigned char *to, size_t len)
{
	to[0] = (unsigned char)(len >> 8);
	to[1] = (unsigned char)len;
	return to + LENGTH;
}

static unsigned char *put_text(unsigned char *to, const char *text)
{
	size_t len = len_of(text);

	to = put_length(to, len);
	memcpy(to, text, len);
	return to + len;
}

/* Of all three kinds; a member of a union is read as another one. */
static unsigned char *put_number(unsigned char *to, uint64_t number)
{
	number = htobe64(number);
	memcpy(to, &number, NUMBER);
	return to + NUMBER;
}

static unsigned char *put_numbers(unsigned char *to,
				  const struct heph_span_attr *attr)
{
	uint64_t number;

	to = put_length(to, attr->n);
	for (uint32_t n = 0; n < attr->n; n++) {
		memcpy(&number, &attr->value.u64s[n], sizeof(number));
		to = put_number(to, number);
	}
	return to;
}

static unsigned char *put_texts(unsigned char *to,
				const struct heph_span_attr *attr)
{
	to = put_length(to, attr->n);
	for (uint32_t n = 0; n < attr->n; n++)
		to = put_text(to, attr->value.strs[n]);
	return to;
}

static unsigned char *put_value(unsigned char *to,
				const struct heph_span_attr *attr)
{
	switch (attr->kind) {
	case HEPH_SPAN_U64__:
	case HEPH_SPAN_I64__:
	case HEPH_SPAN_F64__:
		return put_number(to, attr->value.u64);
	case HEPH_SPAN_STR__:
	case HEPH_SPAN_TEXT__:
		return put_text(to, text_of(attr));
	case HEPH_SPAN_STR__ + HEPH_SPAN_ARRAY__:
		return put_texts(to, attr);
	default:
		return put_numbers(to, attr);
	}
}

static void put_all(unsigned char *to, const char *description,
		    const struct heph_span_attr *attrs)
{
	to = put_text(to, description);
	for (; attrs->kind != HEPH_SPAN_LAST__; attrs++) {
		to = put_text(to, attrs->key);
		*to++ = (unsigned char)(attrs->kind == HEPH_SPAN_TEXT__ ?
						HEPH_SPAN_STR__ :
						attrs->kind);
		to = put_value(to, attrs);
	}
}

/* ---- the end of a span ------------------------------------------------------ */

static int write_span(heph_ctx ctx, struct heph_span span,
		      const char *description,
		      const struct heph_span_attr *attrs)
{
	struct heph_trace_stream *stream = heph_trace_stream(ctx.self->thread);
	size_t size = size_of_all(description, attrs);
	struct heph_trace_record *record;

	if (!stream)
		return heph_tracing(ctx.self->thread->heph) ? -ENOBUFS : 0;
	record = heph_trace_room(stream, size);
	if (!record)
		return size > HEPH_TRACE_LARGEST - sizeof(*record) ? -EMSGSIZE :
								     -ENOBUFS;
	record->kind = HEPH_TRACE_SPAN;
	record->start = span.start;
	record->end = heph_clock_ticks();
	record->substream = ctx.self->kind ? ctx.self->id : 0;
	put_all(record->follows, description, attrs);
	heph_trace_publish(stream, record);
	return 0;
}

int heph_raw_span_end(heph_ctx ctx, struct heph_span span,
		      const char *description,
		      const struct heph_span_attr *attrs)
{
	int err = span.start ? write_span(ctx, span, description, attrs) : 0;

	free_texts(attrs);
	return err;
}
