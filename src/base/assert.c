/* SPDX-License-Identifier: MIT */
#include "base/assert.h"

#include "base/fmt.h"
#include "base/log.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

void (*heph_assert_note)(int fd);

static void write_message(const char *expr, const char *file, int line,
			  const char *func)
{
	char buf[512];
	struct heph_fmt fmt;

	/* One byte is kept for the end of the line. */
	heph_fmt_init(&fmt, buf, sizeof(buf) - 1);
	heph_fmt_str(&fmt, file);
	heph_fmt_char(&fmt, ':');
	heph_fmt_int(&fmt, line);
	heph_fmt_str(&fmt, ": ");
	heph_fmt_str(&fmt, func);
	heph_fmt_str(&fmt, ": assertion failed: ");
	heph_fmt_str(&fmt, expr);
	fmt.size++;
	heph_fmt_char(&fmt, '\n');
	heph_fmt_write(&fmt, STDERR_FILENO);
}

static atomic_bool reported;

bool heph_assert_reported(void)
{
	return atomic_load(&reported);
}

static void write_misuse(const char *text, const char *page)
{
	char buf[512];
	struct heph_fmt fmt;

	heph_fmt_init(&fmt, buf, sizeof(buf) - 1);
	heph_fmt_str(&fmt, "heph: misuse: ");
	heph_fmt_str(&fmt, text);
	heph_fmt_str(&fmt, " (guide: ");
	heph_fmt_str(&fmt, page);
	heph_fmt_str(&fmt, ")");
	fmt.size++;
	heph_fmt_char(&fmt, '\n');
	heph_fmt_write(&fmt, STDERR_FILENO);
}

_Noreturn static void give_up(void)
{
	if (!atomic_exchange(&reported, true)) {
		if (heph_assert_note)
			heph_assert_note(STDERR_FILENO);
		heph_log_flush();
	}
	abort();
}

void heph_assert_failed(const char *expr, const char *file, int line,
			const char *func)
{
	write_message(expr, file, line, func);
	give_up();
}

void heph_misuse(const char *text, const char *page)
{
	write_misuse(text, page);
	give_up();
}
