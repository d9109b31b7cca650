/* SPDX-License-Identifier: MIT */
#include "rt/tracefile.h"

#include <endian.h>
#include <fcntl.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "core/trace.h"

enum {
	METADATA = 0x75D11D4D,
	NUMBER_TYPE = 1,
	TEXT_TYPE = 4,
	HEADER = 40,    /* of an event, up to the description */
	TOLD_MAX = 256, /* what follows it, of what the runtime tells */
};
#define EVENT 0xC1FC1FB7u

static const struct {
	const char *description, *values[2], *name;
} kinds[] = {
#define HEPH_TRACE_KIND(kind_, description_, a_, b_, name_)                    \
	[HEPH_TRACE_##kind_] = { description_, { a_, b_ }, name_ },
	HEPH_TRACE_KINDS(HEPH_TRACE_KIND)
#undef HEPH_TRACE_KIND
};

/* ---- bytes ----------------------------------------------------------------- */

static unsigned char *put_u16(unsigned char *to, size_t value)
{
	to[0] = (unsigned char)(value >> 8);
	to[1] = (unsigned char)value;
	return to + 2;
}

static unsigned char *put_u32(unsigned char *to, uint32_t value)
{
	value = htobe32(value);
	memcpy(to, &value, sizeof(value));
	return to + sizeof(value);
}

static unsigned char *put_u64(unsigned char *to, uint64_t value)
{
	value = htobe64(value);
	memcpy(to, &value, sizeof(value));
	return to + sizeof(value);
}

static unsigned char *put_text(unsigned char *to, const char *text)
{
	size_t len = strlen(text);

	to = put_u16(to, len);
	memcpy(to, text, len);
	return to + len;
}

/* ---- writing --------------------------------------------------------------- */

static int write_all(int fd, const unsigned char *bytes, size_t size)
{
	ssize_t n;

	while (size) {
		n = write(fd, bytes, size);
		if (n < 0 && errno != EINTR)
			return -errno;
		if (n <= 0)
			continue;
		bytes += n;
		size -= (size_t)n;
	}
	return 0;
}

static void write_out(struct heph_tracefile *file, const unsigned char *bytes,
		      size_t size, uint64_t events)
{
	uint64_t before = atomic_load(&file->bytes);
	int err = atomic_load(&file->err);

	if (err < 0 || !size)
		return;
	err = write_all(file->fd, bytes, size);
	if (err < 0) {
		atomic_store(&file->err, err);
		(void)!ftruncate(file->fd, (off_t)before);
		return;
	}
	atomic_store(&file->bytes, before + size);
	atomic_fetch_add(&file->events, events);
}

void heph_tracefile_flush(struct heph_tracefile *file)
{
	write_out(file, file->buffer, file->n, file->pending);
	file->n = 0;
	file->pending = 0;
}

static void write_epoch(struct heph_tracefile *file)
{
	unsigned char packet[23], *to = packet;
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	file->zero = heph_clock_ticks();
	to = put_u32(to, METADATA);
	to = put_u32(to, sizeof(packet));
	to = put_text(to, "epoch");
	put_u64(to, (uint64_t)now.tv_sec * HEPH_SEC + (uint64_t)now.tv_nsec);
	write_out(file, packet, sizeof(packet), 0);
}

int heph_tracefile_open(struct heph_tracefile *file, const char *path,
			uint32_t trace)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC,
		      0666);

	if (fd < 0)
		return -errno;
	file->fd = fd;
	file->trace = trace;
	file->pace = file->pending = file->n = 0;
	file->err = 0;
	file->events = file->bytes = 0;
	write_epoch(file);
	if (file->err < 0)
		heph_tracefile_close(file);
	return file->err;
}

void heph_tracefile_close(struct heph_tracefile *file)
{
	close(file->fd);
}

/* ---- events ---------------------------------------------------------------- */

/* One pace for all of a trace, so that what was at the same time remains so. */
static uint64_t time_of(const struct heph_tracefile *file, uint64_t ticks)
{
	if (ticks < file->zero)
		return 0;
	return (uint64_t)heph_clock_ticks_at(ticks - file->zero, file->pace);
}

/* The part of the text that has room, cut before a character that has not. */
static size_t cut(const char *text, size_t len, size_t max)
{
	if (len <= max)
		return len;
	while (max && ((unsigned char)text[max] & 0xC0) == 0x80)
		max--;
	return max;
}

static unsigned char *put_part(unsigned char *to, const char *text, size_t len)
{
	memcpy(to, text, len);
	return to + len;
}

/* "NAME", "NAME.REST", or the rest alone. */
static unsigned char *put_name(unsigned char *to,
			       const struct heph_trace_record *record)
{
	const char *rest = (const char *)record->follows;
	const char *name = record->name ? record->name : "";
	size_t len = cut(name, strlen(name), HEPH_TRACE_TEXT);
	size_t dot = len && record->more;
	size_t more = cut(rest, record->more, HEPH_TRACE_TEXT - (dot ? 24 : 0));

	if (dot)
		len = cut(name, len, HEPH_TRACE_TEXT - more - 1);
	to = put_u16(to, len + dot + more);
	to = put_part(to, name, len);
	to = put_part(to, ".", dot);
	return put_part(to, rest, more);
}

/* Description and attributes. */
static size_t tell(unsigned char *told, const struct heph_trace_record *record)
{
	const char *description = kinds[record->kind].description;
	const char *key;
	unsigned char *to = put_text(told, description);

	for (int n = 0; n < 2; n++) {
		key = kinds[record->kind].values[n];
		if (!key)
			continue;
		to = put_text(to, key);
		*to++ = NUMBER_TYPE;
		to = put_u64(to, record->value[n]);
	}
	key = kinds[record->kind].name;
	if (!key)
		return (size_t)(to - told);
	to = put_text(to, key);
	*to++ = TEXT_TYPE;
	to = put_name(to, record);
	return (size_t)(to - told);
}

static void collect(struct heph_tracefile *file, const unsigned char *header,
		    const unsigned char *told, size_t size)
{
	if (file->n + HEADER + size > sizeof(file->buffer))
		heph_tracefile_flush(file);
	memcpy(file->buffer + file->n, header, HEADER);
	memcpy(file->buffer + file->n + HEADER, told, size);
	file->n += HEADER + size;
	file->pending++;
}

/* One that is larger than the buffer. */
static void write_large(struct heph_tracefile *file,
			const unsigned char *header, const unsigned char *told,
			size_t size)
{
	uint64_t before;

	heph_tracefile_flush(file);
	before = atomic_load(&file->bytes);
	write_out(file, header, HEADER, 0);
	write_out(file, told, size, 1);
	if (atomic_load(&file->err) < 0) {
		(void)!ftruncate(file->fd, (off_t)before);
		atomic_store(&file->bytes, before);
	}
}

bool heph_tracefile_add(struct heph_tracefile *file, uint32_t stream,
			const struct heph_trace_record *record)
{
	unsigned char header[HEADER], told[TOLD_MAX], *to = header;
	const unsigned char *rest = told;
	size_t size;

	if (record->trace != (uint16_t)file->trace)
		return false;
	if (!file->pace)
		file->pace = heph_clock_pace();
	if (record->kind == HEPH_TRACE_SPAN) {
		rest = record->follows;
		size = record->more;
	} else {
		size = tell(told, record);
	}
	to = put_u32(to, EVENT);
	to = put_u32(to, (uint32_t)(HEADER + size));
	to = put_u32(to, stream);
	to = put_u32(to, record->counter);
	to = put_u64(to, record->substream);
	to = put_u64(to, time_of(file, record->start));
	put_u64(to, time_of(file, record->end));
	if (HEADER + size > sizeof(file->buffer))
		write_large(file, header, rest, size);
	else
		collect(file, header, rest, size);
	return true;
}
