/* SPDX-License-Identifier: MIT */
#include "tracereader.h"

#include <endian.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define METADATA UINT32_C(0x75D11D4D)
#define EVENT UINT32_C(0xC1FC1FB7)

enum {
	MAGIC = 4,
	START = 8, /* magic and size */
	METADATA_MIN = 11,
	EVENT_MIN = 42,                /* one without a word */
	BUFFER = 4 * TRACE_PACKET_MAX, /* what is left is moved seldom */
};

/* What is left of a packet. A part that is not there makes it bad, and is 0. */
struct rest {
	const unsigned char *at, *end;
	bool bad;
};

/* ---- parts ----------------------------------------------------------------- */

static const unsigned char *take(struct rest *rest, size_t size)
{
	const unsigned char *at = rest->at;

	if ((size_t)(rest->end - at) < size) {
		rest->bad = true;
		return NULL;
	}
	rest->at += size;
	return at;
}

static uint16_t take_u16(struct rest *rest)
{
	const unsigned char *at = take(rest, sizeof(uint16_t));

	return at ? (uint16_t)(at[0] << 8 | at[1]) : 0;
}

static uint32_t take_u32(struct rest *rest)
{
	const unsigned char *at = take(rest, sizeof(uint32_t));
	uint32_t value = 0;

	if (at)
		memcpy(&value, at, sizeof(value));
	return be32toh(value);
}

static uint64_t take_u64(struct rest *rest)
{
	const unsigned char *at = take(rest, sizeof(uint64_t));
	uint64_t value = 0;

	if (at)
		memcpy(&value, at, sizeof(value));
	return be64toh(value);
}

static struct trace_text take_text(struct rest *rest)
{
	size_t len = take_u16(rest);
	const unsigned char *at = take(rest, len);

	return (struct trace_text){ at, at ? len : 0 };
}

static void skip_value(struct rest *rest, unsigned type)
{
	if (type == TRACE_STR)
		take_text(rest);
	else
		take(rest, sizeof(uint64_t));
}

static void take_attr(struct rest *rest, struct trace_attr *attr)
{
	const unsigned char *type;

	attr->name = take_text(rest);
	type = take(rest, 1);
	attr->array = type && (*type & TRACE_ARRAY);
	attr->type = type ? *type & ~(unsigned)TRACE_ARRAY : 0;
	if (attr->type < TRACE_U64 || attr->type > TRACE_STR)
		rest->bad = true;
	attr->n = attr->array ? take_u16(rest) : 1;
	attr->values = rest->at;
	for (unsigned n = 0; n < attr->n && !rest->bad; n++)
		skip_value(rest, attr->type);
}

bool trace_attr_next(struct trace_event *event, struct trace_attr *ret_attr)
{
	struct rest rest = { event->attrs, event->attrs_end, false };

	if (rest.at == rest.end)
		return false;
	take_attr(&rest, ret_attr);
	event->attrs = rest.at;
	return !rest.bad;
}

uint64_t trace_value_number(struct trace_attr *attr)
{
	struct rest rest = { attr->values, attr->values + sizeof(uint64_t),
			     false };

	attr->values += sizeof(uint64_t);
	return take_u64(&rest);
}

struct trace_text trace_value_text(struct trace_attr *attr)
{
	struct rest rest = { attr->values, attr->values + 2, false };
	struct trace_text text = { attr->values + 2, take_u16(&rest) };

	attr->values += 2 + text.len;
	return text;
}

/* ---- packets --------------------------------------------------------------- */

/* Each of these returns why it is none; NULL: it is fine. */

static const char *read_metadata(struct trace_reader *reader, struct rest rest)
{
	struct trace_text name = take_text(&rest);
	uint64_t value;

	if (rest.bad)
		return "an option without a name";
	if (name.len != 5 || memcmp(name.at, "epoch", 5) != 0)
		return "an option that is not known";
	value = take_u64(&rest);
	if (rest.bad || rest.at != rest.end)
		return "an epoch that is no number";
	reader->epoch = value;
	reader->runs++;
	return NULL;
}

static const char *read_event(struct rest rest, struct trace_event *event)
{
	struct trace_attr attr;

	event->stream = take_u32(&rest);
	event->counter = take_u32(&rest);
	event->substream = take_u64(&rest);
	event->start = take_u64(&rest);
	event->end = take_u64(&rest);
	event->description = take_text(&rest);
	event->attrs = rest.at;
	event->attrs_end = rest.end;
	if (rest.bad)
		return "an event whose description is longer than it";
	if (event->end < event->start)
		return "an event that ends before it begins";
	while (rest.at < rest.end && !rest.bad)
		take_attr(&rest, &attr);
	return rest.bad ? "an event with a damaged attribute" : NULL;
}

/* ---- the file -------------------------------------------------------------- */

/* Sees to it that so many bytes are there, if the file has them. 0; an error. */
static int fill(struct trace_reader *reader, size_t want)
{
	size_t n = reader->end - reader->first;

	if (n >= want || reader->eof)
		return 0;
	memmove(reader->buffer, reader->buffer + reader->first, n);
	reader->first = 0;
	reader->end = n;
	n = fread(reader->buffer + n, 1, BUFFER - n, reader->in);
	reader->end += n;
	reader->eof = reader->end < BUFFER;
	return ferror(reader->in) ? -errno : 0;
}

static size_t there(const struct trace_reader *reader)
{
	return reader->end - reader->first;
}

static void skip(struct trace_reader *reader, size_t n)
{
	reader->first += n;
	reader->offset += n;
}

static uint32_t magic_at(const unsigned char *at)
{
	return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 |
	       (uint32_t)at[2] << 8 | at[3];
}

static bool is_magic(const unsigned char *at)
{
	return magic_at(at) == METADATA || magic_at(at) == EVENT;
}

/* What was left out ends here. */
static void tell_bad(struct trace_reader *reader)
{
	if (!reader->bad)
		return;
	if (reader->complaints)
		fprintf(reader->complaints,
			"%s: offset %" PRIu64 ": %s: %" PRIu64
			" bytes are left out\n",
			reader->name, reader->bad_from, reader->bad,
			reader->offset - reader->bad_from);
	reader->bad = NULL;
	reader->damaged++;
}

/* To the next place behind this one where a packet may begin, or near the end
 * of what there is. */
static void leave_out(struct trace_reader *reader, const char *why)
{
	const unsigned char *at = reader->buffer + reader->first;
	size_t n = 1, size = there(reader);

	if (!reader->bad) {
		reader->bad = why;
		reader->bad_from = reader->offset;
	}
	while (n + MAGIC <= size && !is_magic(at + n))
		n++;
	if (n + MAGIC > size && reader->eof)
		n = size;
	skip(reader, n);
}

/* The packet that begins here, and how long it is. */
static const char *look(struct trace_reader *reader, struct rest *ret_packet,
			uint32_t *ret_magic)
{
	struct rest rest = { reader->buffer + reader->first,
			     reader->buffer + reader->end, false };
	uint32_t size;

	if (there(reader) < START)
		return "the file ends within a packet";
	*ret_magic = take_u32(&rest);
	size = take_u32(&rest);
	if (*ret_magic != METADATA && *ret_magic != EVENT)
		return "no packet begins here";
	if (size < (*ret_magic == EVENT ? EVENT_MIN : METADATA_MIN))
		return "a packet that is too small";
	if (size > TRACE_PACKET_MAX)
		return "a packet that is too large";
	if (size > there(reader))
		return "the file ends within a packet";
	rest.end = rest.at - START + size;
	*ret_packet = rest;
	return NULL;
}

/* 1: an event; 0: something else. */
static int step(struct trace_reader *reader, struct trace_event *event)
{
	struct rest packet;
	uint32_t magic = 0;
	const char *why = look(reader, &packet, &magic);

	if (!why)
		why = magic == EVENT ? read_event(packet, event) :
				       read_metadata(reader, packet);
	if (why) {
		leave_out(reader, why);
		return 0;
	}
	tell_bad(reader);
	skip(reader, (size_t)(packet.end - packet.at) + START);
	return magic == EVENT;
}

int trace_reader_next(struct trace_reader *reader,
		      struct trace_event *ret_event)
{
	int err;

	do {
		err = fill(reader, TRACE_PACKET_MAX);
		if (err < 0)
			return err;
		if (!there(reader)) {
			tell_bad(reader);
			return 0;
		}
	} while (!step(reader, ret_event));
	return 1;
}

int trace_reader_init(struct trace_reader *reader, FILE *in, const char *name,
		      FILE *complaints)
{
	*reader = (struct trace_reader){ .in = in,
					 .name = name,
					 .complaints = complaints };
	reader->buffer = malloc(BUFFER);
	return reader->buffer ? 0 : -ENOMEM;
}

void trace_reader_fini(struct trace_reader *reader)
{
	free(reader->buffer);
}
