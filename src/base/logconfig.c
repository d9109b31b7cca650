/* SPDX-License-Identifier: MIT */
#include "base/logconfig.h"

#include "base/fmt.h"
#include "base/logfilter.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Whether standard error is the connection that systemd tells us about. */
static bool stderr_is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	struct stat status;
	char buf[48];
	struct heph_fmt fmt;

	if (!stream || fstat(STDERR_FILENO, &status) < 0)
		return false;
	heph_fmt_init(&fmt, buf, sizeof(buf));
	heph_fmt_uint(&fmt, status.st_dev);
	heph_fmt_char(&fmt, ':');
	heph_fmt_uint(&fmt, status.st_ino);
	return strcmp(stream, buf) == 0;
}

/* Sets the filter, unless the program did. */
static void configure_filter(bool off, heph_complain_fn *complain)
{
	const char *filter = getenv("HEPH_LOG_LEVEL");

	if (off)
		filter = "off";
	else if (!filter || !*filter)
		filter = "info";
	if (heph_logfilter_set(filter, true) == 0)
		return;
	complain("HEPH_LOG_LEVEL is no filter: a list of off, error, warn, "
		 "info, debug, and TARGET=LEVEL",
		 "value", filter);
	heph_logfilter_set("info", true);
}

static void configure_rate(bool off, heph_complain_fn *complain)
{
	const char *text = getenv("HEPH_LOG_RATE");
	unsigned long lines;
	char *end;

	if (!text || !*text)
		return;
	errno = 0;
	lines = strtoul(text, &end, 10);
	if (*text >= '0' && *text <= '9' && !*end && lines <= INT_MAX)
		heph_logfilter_set_rate((unsigned)lines);
	else if (!off)
		complain("HEPH_LOG_RATE is not 0 to 2147483647 lines a second",
			 "value", text);
}

void heph_logconfig_read(struct heph_logout *out, heph_complain_fn *complain)
{
	const char *form = getenv("HEPH_LOG");
	bool set = form && *form;
	bool off = set && strcmp(form, "off") == 0;
	bool journal = set ? strcmp(form, "journal") == 0 : stderr_is_journal();
	int err;

	if (journal) {
		err = heph_logout_open_journal(out, NULL);
		if (err < 0)
			complain("no journal, using standard error", "err",
				 strerrorname_np(-err));
	} else if (set && !off && strcmp(form, "logfmt") != 0) {
		complain("HEPH_LOG is not logfmt, journal or off", "value",
			 form);
	}
	configure_filter(off, complain);
	configure_rate(off, complain);
}
