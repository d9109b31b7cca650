/* SPDX-License-Identifier: MIT */
#include "base/fmt.h"

#include "base/assert.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

enum {
	DIGITS = 24, /* enough for any 64-bit number and its sign or prefix */
};

void heph_fmt_init(struct heph_fmt *fmt, char *buf, size_t size)
{
	heph_assert(size > 0);
	*fmt = (struct heph_fmt){ .buf = buf, .size = size };
	buf[0] = '\0';
}

void heph_fmt_mem(struct heph_fmt *fmt, const void *bytes, size_t len)
{
	size_t room = fmt->size - 1 - fmt->len;

	if (len > room) {
		len = room;
		fmt->cut = true;
	}
	if (len > 0)
		memcpy(fmt->buf + fmt->len, bytes, len);
	fmt->len += len;
	fmt->buf[fmt->len] = '\0';
}

void heph_fmt_char(struct heph_fmt *fmt, char c)
{
	heph_fmt_mem(fmt, &c, 1);
}

void heph_fmt_str(struct heph_fmt *fmt, const char *text)
{
	if (!text)
		text = "(null)";
	heph_fmt_mem(fmt, text, strlen(text));
}

/* Appends all or nothing: a number without its last digits is a wrong one. */
static void append_whole(struct heph_fmt *fmt, const char *text, size_t len)
{
	if (len > fmt->size - 1 - fmt->len)
		fmt->cut = true;
	else
		heph_fmt_mem(fmt, text, len);
}

/* Writes the digits of `value` so that they end before `end`, and returns
 * where they begin. */
static char *digits_before(char *end, uint64_t value, unsigned base)
{
	do {
		*--end = "0123456789abcdef"[value % base];
		value /= base;
	} while (value > 0);
	return end;
}

void heph_fmt_uint(struct heph_fmt *fmt, uint64_t value)
{
	char buf[DIGITS];
	char *end = buf + sizeof(buf);
	char *at = digits_before(end, value, 10);

	append_whole(fmt, at, (size_t)(end - at));
}

void heph_fmt_int(struct heph_fmt *fmt, int64_t value)
{
	char buf[DIGITS];
	char *end = buf + sizeof(buf);
	char *at;

	if (value >= 0) {
		heph_fmt_uint(fmt, (uint64_t)value);
		return;
	}
	at = digits_before(end, -(uint64_t)value, 10);
	*--at = '-';
	append_whole(fmt, at, (size_t)(end - at));
}

void heph_fmt_padded(struct heph_fmt *fmt, uint64_t value, unsigned width)
{
	char buf[DIGITS];
	char *end = buf + sizeof(buf);
	char *at = digits_before(end, value, 10);

	while (at > buf && (size_t)(end - at) < width)
		*--at = '0';
	append_whole(fmt, at, (size_t)(end - at));
}

void heph_fmt_hex(struct heph_fmt *fmt, uint64_t value)
{
	char buf[DIGITS];
	char *end = buf + sizeof(buf);
	char *at = digits_before(end, value, 16);

	*--at = 'x';
	*--at = '0';
	append_whole(fmt, at, (size_t)(end - at));
}

void heph_fmt_err(struct heph_fmt *fmt, int err)
{
	const char *name = NULL;

	if (err != 0 && err != INT32_MIN)
		name = strerrorname_np(err < 0 ? -err : err);
	if (name)
		append_whole(fmt, name, strlen(name));
	else
		heph_fmt_int(fmt, err);
}

void heph_fmt_write(struct heph_fmt *fmt, int fd)
{
	size_t done = 0;
	ssize_t n;

	while (done < fmt->len) {
		n = write(fd, fmt->buf + done, fmt->len - done);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		done += (size_t)n;
	}
	heph_fmt_init(fmt, fmt->buf, fmt->size);
}
