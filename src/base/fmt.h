/* SPDX-License-Identifier: MIT */
/*
 * fmt.h - appends text and numbers to a fixed buffer, without stdio
 *
 * For reports from signal handlers and failed assertions, and for log lines:
 * nothing here locks, allocates, looks at the locale, or needs much stack.
 * The text is always terminated by a NUL. What does not fit is left out and
 * remembered in `cut`; a number is written whole or not at all.
 *
 * Thread     A buffer belongs to one thread at a time. Async-signal-safe.
 * Ownership  The memory is the caller's, and must outlive the heph_fmt.
 */
#ifndef HEPH_BASE_FMT_H
#define HEPH_BASE_FMT_H

#include <heph/types.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct heph_address;

struct heph_fmt {
	char *buf;
	size_t size; /* of buf, with the NUL */
	size_t len;  /* of the text, without the NUL; < size */
	bool cut;    /* something did not fit */
};

/* Makes an empty text in `buf`, which has room for size - 1 characters. At
 * least one byte is needed. */
void heph_fmt_init(struct heph_fmt *fmt, char *buf, size_t size);

/* Appends one character. */
void heph_fmt_char(struct heph_fmt *fmt, char c);

/* Appends `text`; NULL is written as "(null)". */
void heph_fmt_str(struct heph_fmt *fmt, const char *text);

/* Appends `len` bytes, which may include NULs. */
void heph_fmt_mem(struct heph_fmt *fmt, const void *bytes, size_t len);

/* Appends a number: decimal; decimal with at least `width` digits, zeros in
 * front; or hexadecimal with "0x" in front. */
void heph_fmt_int(struct heph_fmt *fmt, int64_t value);
void heph_fmt_uint(struct heph_fmt *fmt, uint64_t value);
void heph_fmt_padded(struct heph_fmt *fmt, uint64_t value, unsigned width);
void heph_fmt_hex(struct heph_fmt *fmt, uint64_t value);

/* Appends the name of an error, "EMFILE", for a positive or negative errno;
 * the number itself if it has no name. */
void heph_fmt_err(struct heph_fmt *fmt, int err);

/* Appends a number with a fraction, about seven digits of it: 1.5, 1e-9, nan. */
void heph_fmt_double(struct heph_fmt *fmt, double value);

/* Appends a length of time: 1.5s, 20ms, 3us, 7ns; "never". At most three digits
 * after the point, the rest is left out. */
void heph_fmt_time(struct heph_fmt *fmt, heph_time value);

/* Appends an address, as heph_address_print() writes it. Returns false if there
 * is no such form. Not async-signal-safe. */
bool heph_fmt_address(struct heph_fmt *fmt, const struct heph_address *address);

/*
 * Writes the text to `fd` and empties the buffer. Goes on after signals and
 * short counts; other errors are ignored, as there is nobody to tell.
 */
void heph_fmt_write(struct heph_fmt *fmt, int fd);

#endif
