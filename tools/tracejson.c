/* SPDX-License-Identifier: MIT */
#include "tracejson.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "jsontext.h"

enum {
	PLACES = 4096,      /* of each table */
	RUN_STEP = 1 << 20, /* from the streams of a run to those of the next */
	THREAD_BITS = 31, /* viewers take no more for the number of a thread */
};

struct tracejson {
	FILE *out;
	struct tracejson_sum sum;
	bool any; /* something was written */
	uint64_t first_epoch;
	unsigned run;
	struct {
		uint64_t stream; /* and one; 0: nobody */
		uint32_t next;   /* counter */
	} streams[PLACES];
	uint64_t named[PLACES]; /* hashes of actors and their names */
};

/* What is said of some events beside their description. */
static const struct {
	const char *description, *attr;
} titles[] = {
	{ "Running actor", "name" },
	{ "Calling", "call" },
	{ "Running thread-local process", "name" },
	{ "Running thread-safe process", "name" },
};

static struct trace_text text_of(const char *text)
{
	return (struct trace_text){ (const unsigned char *)text, strlen(text) };
}

static bool is(struct trace_text text, const char *what)
{
	return text.len == strlen(what) && !memcmp(text.at, what, text.len);
}

static uint64_t hash(uint64_t seed, const void *bytes, size_t len)
{
	const unsigned char *at = bytes;

	seed ^= UINT64_C(0xcbf29ce484222325);
	while (len--)
		seed = (seed ^ *at++) * UINT64_C(0x100000001b3);
	return seed ^ seed >> 29;
}

/* ---- parts of an event ------------------------------------------------------ */

static uint32_t process_of(const struct tracejson *json, uint32_t stream)
{
	return stream + (uint32_t)(json->run * (unsigned)RUN_STEP);
}

static uint32_t thread_of(uint64_t substream)
{
	uint64_t mask = (UINT64_C(1) << THREAD_BITS) - 1;

	while (substream > mask)
		substream = (substream & mask) ^ substream >> THREAD_BITS;
	return (uint32_t)substream;
}

static void begin(struct tracejson *json, const char *kind, uint32_t stream,
		  uint64_t substream)
{
	fprintf(json->out,
		"%s\n{\"ph\":\"%s\",\"pid\":%" PRIu32 ",\"tid\":%" PRIu32,
		json->any ? "," : "", kind, process_of(json, stream),
		thread_of(substream));
	json->any = true;
}

/* Microseconds, and three digits more. */
static void put_time(FILE *out, const char *key, int64_t ns)
{
	uint64_t size = ns < 0 ? 0 - (uint64_t)ns : (uint64_t)ns;

	fprintf(out, ",\"%s\":%s%" PRIu64 ".%03u", key, ns < 0 ? "-" : "",
		size / 1000, (unsigned)(size % 1000));
}

static void put_value(FILE *out, struct trace_attr *attr)
{
	uint64_t number;
	double f64;

	if (attr->type == TRACE_STR) {
		putc('"', out);
		json_text(out, trace_value_text(attr));
		putc('"', out);
		return;
	}
	number = trace_value_number(attr);
	memcpy(&f64, &number, sizeof(f64));
	if (attr->type == TRACE_U64)
		json_u64(out, number);
	else if (attr->type == TRACE_I64)
		json_i64(out, (int64_t)number);
	else
		json_f64(out, f64);
}

static void put_values(FILE *out, struct trace_attr *attr)
{
	if (!attr->array) {
		put_value(out, attr);
		return;
	}
	putc('[', out);
	for (unsigned n = 0; n < attr->n; n++) {
		if (n)
			putc(',', out);
		put_value(out, attr);
	}
	putc(']', out);
}

static void put_args(FILE *out, struct trace_event event)
{
	struct trace_attr attr;
	bool any = false;

	while (trace_attr_next(&event, &attr)) {
		fputs(any ? ",\"" : ",\"args\":{\"", out);
		json_text(out, attr.name);
		fputs("\":", out);
		put_values(out, &attr);
		any = true;
	}
	if (any)
		putc('}', out);
}

/* The attribute of that name and type. */
static bool find(struct trace_event event, const char *name, unsigned type,
		 struct trace_attr *ret_attr)
{
	while (trace_attr_next(&event, ret_attr))
		if (ret_attr->type == type && !ret_attr->array &&
		    is(ret_attr->name, name))
			return true;
	return false;
}

static void put_title(FILE *out, const struct trace_event *event)
{
	struct trace_attr attr;

	fputs(",\"name\":\"", out);
	json_text(out, event->description);
	for (size_t n = 0; n < sizeof(titles) / sizeof(*titles); n++) {
		if (!is(event->description, titles[n].description) ||
		    !find(*event, titles[n].attr, TRACE_STR, &attr))
			continue;
		putc(' ', out);
		json_text(out, trace_value_text(&attr));
	}
	putc('"', out);
}

/* ---- names ------------------------------------------------------------------ */

static void put_name(struct tracejson *json, const char *what, uint32_t stream,
		     uint64_t substream, struct trace_text name, bool number)
{
	begin(json, "M", stream, substream);
	fprintf(json->out, ",\"name\":\"%s\",\"args\":{\"name\":\"", what);
	json_text(json->out, name);
	if (number)
		fprintf(json->out, " %" PRIu64, substream);
	if (json->run && strcmp(what, "process_name") == 0)
		fprintf(json->out, " (run %u)", json->run + 1);
	fputs("\"}}", json->out);
}

static void put_order(struct tracejson *json, uint32_t stream)
{
	begin(json, "M", stream, 0);
	fprintf(json->out,
		",\"name\":\"process_sort_index\",\"args\":{\"sort_index\":%" PRIu32
		"}}",
		process_of(json, stream));
}

/* A stream that is not known, or no more. */
static void introduce(struct tracejson *json, const struct trace_event *event)
{
	struct trace_attr attr;
	char number[32];
	struct trace_text name;

	if (find(*event, "stream", TRACE_STR, &attr)) {
		name = trace_value_text(&attr);
	} else {
		snprintf(number, sizeof(number), "stream %" PRIu32,
			 event->stream);
		name = text_of(number);
	}
	put_name(json, "process_name", event->stream, 0, name, false);
	put_name(json, "thread_name", event->stream, 0, text_of("runtime"),
		 false);
	put_order(json, event->stream);
}

/* Counts what is missing of the stream. */
static void know_stream(struct tracejson *json, const struct trace_event *event)
{
	uint64_t key = (uint64_t)process_of(json, event->stream) + 1;
	size_t place = key % PLACES;
	struct trace_attr attr;
	uint32_t gap;

	if (json->streams[place].stream != key) {
		introduce(json, event);
		json->sum.streams += json->streams[place].stream == 0;
	} else {
		gap = event->counter - json->streams[place].next;
		if (gap < UINT32_C(1) << 31)
			json->sum.missing += gap;
		if (find(*event, "stream", TRACE_STR, &attr))
			put_name(json, "process_name", event->stream, 0,
				 trace_value_text(&attr), false);
	}
	json->streams[place].stream = key;
	json->streams[place].next = event->counter + 1;
}

/* What the runtime tells of an actor, which has a substream, names that. */
static void know_actor(struct tracejson *json, const struct trace_event *event)
{
	struct trace_attr id, name;
	struct trace_text text;
	uint64_t number, key;

	if (event->substream || !find(*event, "id", TRACE_U64, &id) ||
	    !find(*event, "name", TRACE_STR, &name))
		return;
	number = trace_value_number(&id);
	text = trace_value_text(&name);
	key = hash(number * 31 + process_of(json, event->stream), text.at,
		   text.len) |
	      1;
	if (!number || json->named[key / 2 % PLACES] == key)
		return;
	json->named[key / 2 % PLACES] = key;
	put_name(json, "thread_name", event->stream, number, text, true);
}

/* ---- all -------------------------------------------------------------------- */

/* Times are those since the first epoch: as microseconds since 1970 they would
 * have no room for a nanosecond in the numbers of most who read this. */
static void put_event(struct tracejson *json, const struct trace_reader *reader,
		      const struct trace_event *event)
{
	json->run = reader->runs ? reader->runs - 1 : 0;
	if (!json->first_epoch)
		json->first_epoch = reader->epoch;
	know_stream(json, event);
	know_actor(json, event);
	begin(json, "X", event->stream, event->substream);
	put_time(json->out, "ts",
		 (int64_t)(reader->epoch - json->first_epoch + event->start));
	put_time(json->out, "dur", (int64_t)(event->end - event->start));
	fputs(event->substream ? ",\"cat\":\"actor\"" : ",\"cat\":\"runtime\"",
	      json->out);
	put_title(json->out, event);
	put_args(json->out, *event);
	putc('}', json->out);
	json->sum.events++;
}

static void put_end(const struct tracejson *json,
		    const struct trace_reader *reader)
{
	fprintf(json->out,
		"\n],\"otherData\":{\"epoch_ns\":\"%" PRIu64
		"\",\"missing\":%" PRIu64 ",\"damaged\":%" PRIu64 "}}\n",
		json->first_epoch, json->sum.missing, reader->damaged);
}

int tracejson_convert(struct trace_reader *reader, FILE *out,
		      struct tracejson_sum *ret_sum, bool *ret_writing)
{
	struct tracejson *json = calloc(1, sizeof(*json));
	struct trace_event event;
	int more = 0;

	*ret_writing = false;
	if (!json)
		return -ENOMEM;
	json->out = out;
	fputs("{\"displayTimeUnit\":\"ns\",\"traceEvents\":[", out);
	while (!ferror(out) && (more = trace_reader_next(reader, &event)) > 0)
		put_event(json, reader, &event);
	put_end(json, reader);
	*ret_sum = json->sum;
	free(json);
	if (more < 0)
		return more;
	if (fflush(out) == 0 && !ferror(out))
		return 0;
	*ret_writing = true;
	return errno ? -errno : -EIO;
}
