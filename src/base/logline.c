/* SPDX-License-Identifier: MIT */
/*
 * The buffer is made smaller by what the mark of a cut line takes, and grows
 * back for the mark. Each pair is written whole or, if it is a text that is too
 * long, up to a whole character; or it is taken back. Nothing follows a cut.
 */
#include "base/logline.h"

#include "base/logfilter.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

enum {
	MARK = sizeof(" ...") - 1, /* also ...", and ... */
	LOGFMT_END = MARK + 1,     /* and the newline */
	JOURNAL_END = sizeof("TRUNCATED=1\n") - 1,
};

/* Of syslog. */
static const int priorities[] = {
	[HEPH_LOG_ERROR] = 3,
	[HEPH_LOG_WARN] = 4,
	[HEPH_LOG_INFO] = 6,
	[HEPH_LOG_DEBUG] = 7,
};

/* What is added to the values of a line: at most ... */
enum { EXTRAS = 4 };

/* The length of the UTF-8 character at `text`; a stray byte counts as one. */
static size_t char_len(const char *text)
{
	size_t len = 1;

	if (((unsigned char)*text & 0xc0) != 0xc0)
		return 1;
	while (len < 4 && ((unsigned char)text[len] & 0xc0) == 0x80)
		len++;
	return len;
}

static size_t room(const struct heph_fmt *fmt)
{
	return fmt->size - 1 - fmt->len;
}

/* ---- the time ---- */

/* The date of a day, counted from 1970-01-01; the algorithm is Howard
 * Hinnant's civil_from_days. gmtime_r() would take a lock. */
static void append_date(struct heph_fmt *fmt, int64_t day)
{
	int64_t z = day + 719468; /* from 0000-03-01 */
	int64_t era = z / 146097;
	int64_t doe = z - era * 146097;
	int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	int64_t mp = (5 * doy + 2) / 153; /* months since March */
	int64_t month = mp < 10 ? mp + 3 : mp - 9;
	int64_t year = yoe + era * 400 + (month <= 2);

	heph_fmt_padded(fmt, (uint64_t)year, 4);
	heph_fmt_char(fmt, '-');
	heph_fmt_padded(fmt, (uint64_t)month, 2);
	heph_fmt_char(fmt, '-');
	heph_fmt_padded(fmt, (uint64_t)(doy - (153 * mp + 2) / 5 + 1), 2);
}

/* 2024-05-01T12:00:00.000000Z */
static void append_time(struct heph_fmt *fmt, int64_t time)
{
	uint64_t us = time > 0 ? (uint64_t)time / 1000 : 0;
	uint64_t second = us / 1000000;

	append_date(fmt, (int64_t)(second / 86400));
	heph_fmt_char(fmt, 'T');
	heph_fmt_padded(fmt, second / 3600 % 24, 2);
	heph_fmt_char(fmt, ':');
	heph_fmt_padded(fmt, second / 60 % 60, 2);
	heph_fmt_char(fmt, ':');
	heph_fmt_padded(fmt, second % 60, 2);
	heph_fmt_char(fmt, '.');
	heph_fmt_padded(fmt, us % 1000000, 6);
	heph_fmt_char(fmt, 'Z');
}

/* Virtual time: 121.000000 */
static void append_seconds(struct heph_fmt *fmt, heph_time time)
{
	uint64_t us = time > 0 ? (uint64_t)(time / HEPH_USEC) : 0;

	heph_fmt_uint(fmt, us / 1000000);
	heph_fmt_char(fmt, '.');
	heph_fmt_padded(fmt, us % 1000000, 6);
}

/* ---- logfmt ---- */

static bool is_control(char c)
{
	return (unsigned char)c < ' ' || c == 0x7f;
}

static bool needs_quotes(const char *text)
{
	if (!*text)
		return true;
	for (; *text; text++)
		if (is_control(*text) || strchr(" =\"\\", *text))
			return true;
	return false;
}

/* Writes the escape of `c` to `buf`, which is initialised by it. Returns false
 * if it stands for itself. */
static bool escape(struct heph_fmt *buf, char c)
{
	static const char plain[] = "\"\\\n\r\t", escaped[] = "\"\\nrt";
	const char *found = c ? strchr(plain, c) : NULL;

	if (!found && !is_control(c))
		return false;
	heph_fmt_char(buf, '\\');
	if (found) {
		heph_fmt_char(buf, escaped[found - plain]);
		return true;
	}
	heph_fmt_str(buf, "u00");
	heph_fmt_char(buf, "0123456789abcdef"[(unsigned char)c / 16]);
	heph_fmt_char(buf, "0123456789abcdef"[(unsigned char)c % 16]);
	return true;
}

/* Writes one character of a quoted text. Returns its length in `text`, or 0 if
 * there is no room. */
static size_t append_char(struct heph_fmt *fmt, const char *text)
{
	char buf[8];
	struct heph_fmt escaped;
	size_t len = 1;

	heph_fmt_init(&escaped, buf, sizeof(buf));
	if (!escape(&escaped, *text)) {
		len = char_len(text);
		heph_fmt_mem(&escaped, text, len);
	}
	/* Keep room for the quote. */
	if (escaped.len + 1 > room(fmt))
		return 0;
	heph_fmt_mem(fmt, buf, escaped.len);
	return len;
}

/* Makes room for a mark at the end of a line, and appends it. */
static void append_mark(struct heph_fmt *fmt, const char *mark)
{
	fmt->size += MARK;
	heph_fmt_str(fmt, mark);
	fmt->size -= MARK;
	fmt->cut = true;
}

static void append_quoted(struct heph_fmt *fmt, const char *text)
{
	size_t len;

	heph_fmt_char(fmt, '"');
	for (; *text; text += len) {
		len = append_char(fmt, text);
		if (len == 0) {
			append_mark(fmt, "...\"");
			return;
		}
	}
	heph_fmt_char(fmt, '"');
}

static void append_plain(struct heph_fmt *fmt, const char *text)
{
	size_t len;

	for (; *text; text += len) {
		len = char_len(text);
		if (len > room(fmt)) {
			append_mark(fmt, "...");
			return;
		}
		heph_fmt_mem(fmt, text, len);
	}
}

static void append_number(struct heph_fmt *fmt, const struct heph_kv *kv)
{
	switch (kv->kind) {
	case HEPH_KV_INT__:
		heph_fmt_int(fmt, kv->value.num);
		break;
	case HEPH_KV_UINT__:
		heph_fmt_uint(fmt, kv->value.unum);
		break;
	case HEPH_KV_HEX__:
		heph_fmt_hex(fmt, kv->value.unum);
		break;
	case HEPH_KV_ERR__:
		heph_fmt_err(fmt, (int)kv->value.num);
		break;
	case HEPH_KV_BOOL__:
		heph_fmt_str(fmt, kv->value.num ? "true" : "false");
		break;
	case HEPH_KV_DOUBLE__:
		heph_fmt_double(fmt, kv->value.real);
		break;
	case HEPH_KV_TIME__:
		heph_fmt_time(fmt, kv->value.num);
		break;
	case HEPH_KV_END__:
	case HEPH_KV_STR__:
	case HEPH_KV_ADDRESS__:
		break;
	}
}

static bool is_text(const struct heph_kv *kv)
{
	return kv->kind == HEPH_KV_STR__ || kv->kind == HEPH_KV_ADDRESS__;
}

/* Of an address it is made in `buf`. */
static const char *text_of(const struct heph_kv *kv, char *buf)
{
	struct heph_fmt address;

	if (kv->kind == HEPH_KV_STR__)
		return kv->value.str ? kv->value.str : "(null)";
	if (!kv->value.address)
		return "(null)";
	heph_fmt_init(&address, buf, HEPH_ADDRESS_MAX);
	return heph_fmt_address(&address, kv->value.address) ? buf : "(none)";
}

/* Writes " key=value". Returns false if the line is full now. */
static bool append_pair(struct heph_fmt *fmt, const struct heph_kv *kv)
{
	char buf[HEPH_ADDRESS_MAX];
	const char *text = is_text(kv) ? text_of(kv, buf) : NULL;
	size_t before = fmt->len;

	heph_fmt_char(fmt, ' ');
	heph_fmt_str(fmt, kv->key);
	heph_fmt_char(fmt, '=');
	if (!text)
		append_number(fmt, kv);
	if (fmt->cut || (text && room(fmt) < 2)) {
		fmt->len = before;
		append_mark(fmt, " ...");
	} else if (text && needs_quotes(text)) {
		append_quoted(fmt, text);
	} else if (text) {
		append_plain(fmt, text);
	}
	return !fmt->cut;
}

/* What is known of a line besides its values. The target is made in `target`. */
static void collect_extras(const struct heph_logline *line, char *target,
			   struct heph_kv *ret_extras)
{
	struct heph_kv *extra = ret_extras;

	if (line->site) {
		heph_logfilter_target(line->site, target);
		*extra++ = HEPH_KV_STR("target", target);
	}
	if (line->who)
		*extra++ = HEPH_KV_STR("actor", line->who);
	if (line->who && line->id)
		*extra++ = HEPH_KV_UINT("actor_id", line->id);
	if (line->suppressed)
		*extra++ = HEPH_KV_UINT("suppressed", line->suppressed);
	*extra = heph_kv_end__();
}

/* msg, the extras, and the others. */
static void append_pairs(struct heph_fmt *fmt, const struct heph_logline *line)
{
	struct heph_kv extras[EXTRAS + 1];
	char target[HEPH_LOG_TARGET_MAX];
	const struct heph_kv *kv = line->kvs, *extra = extras;

	collect_extras(line, target, extras);
	if (!append_pair(fmt, kv++))
		return;
	for (; extra->kind != HEPH_KV_END__; extra++)
		if (!append_pair(fmt, extra))
			return;
	while (kv->kind != HEPH_KV_END__ && append_pair(fmt, kv))
		kv++;
}

void heph_logline_logfmt(struct heph_fmt *fmt, const struct heph_logline *line)
{
	fmt->size -= LOGFMT_END;
	heph_fmt_str(fmt, "ts=");
	append_time(fmt, line->time);
	if (line->at) {
		heph_fmt_str(fmt, " at=");
		append_seconds(fmt, *line->at);
	}
	heph_fmt_str(fmt, " level=");
	heph_fmt_str(fmt, heph_log_level_name(line->level));
	append_pairs(fmt, line);
	fmt->size += LOGFMT_END;
	heph_fmt_char(fmt, '\n');
}

/* ---- the journal ---- */

/* Writes the name of a field: upper-case letters, digits and '_'. */
static void append_field(struct heph_fmt *fmt, const char *key)
{
	char c;

	for (; *key; key++) {
		c = *key;
		if (c >= 'a' && c <= 'z')
			c = (char)(c - 'a' + 'A');
		else if (!(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9'))
			c = '_';
		heph_fmt_char(fmt, c);
	}
}

/* How much of a text fits into `max` bytes, up to a whole character. */
static size_t fitting(const char *text, size_t max)
{
	size_t len = 0, next;

	while (text[len]) {
		next = len + char_len(text + len);
		if (next > max)
			break;
		len = next;
	}
	return len;
}

/* Writes what goes between the name and the value of a field: '=', or for a
 * value with newlines a newline and the length, little-endian. */
static void append_length(struct heph_fmt *fmt, const char *text, size_t len,
			  size_t total)
{
	if (!memchr(text, '\n', len)) {
		heph_fmt_char(fmt, '=');
		return;
	}
	heph_fmt_char(fmt, '\n');
	for (unsigned i = 0; i < sizeof(uint64_t); i++)
		heph_fmt_char(fmt, (char)((uint64_t)total >> (8 * i)));
}

/* Writes a field. Returns false if it was cut or left out. */
static bool append_text_field(struct heph_fmt *fmt, const char *key,
			      const char *text)
{
	const size_t others = 1 + sizeof(uint64_t) + sizeof("...\n");
	size_t before = fmt->len, len;
	bool whole;

	append_field(fmt, key);
	if (fmt->cut || room(fmt) < others) {
		fmt->len = before;
		fmt->cut = true;
		return false;
	}
	len = fitting(text, room(fmt) - others);
	whole = !text[len];
	append_length(fmt, text, len, len + (whole ? 0 : 3));
	heph_fmt_mem(fmt, text, len);
	heph_fmt_str(fmt, whole ? "\n" : "...\n");
	fmt->cut = !whole;
	return whole;
}

static bool append_kv_field(struct heph_fmt *fmt, const struct heph_kv *kv)
{
	char buf[HEPH_ADDRESS_MAX];
	struct heph_fmt number;

	if (is_text(kv))
		return append_text_field(fmt, kv->key, text_of(kv, buf));
	heph_fmt_init(&number, buf, sizeof(buf));
	append_number(&number, kv);
	return append_text_field(fmt, kv->key, buf);
}

/* The fields that systemd.journal-fields(7) has for it. */
static bool append_place(struct heph_fmt *fmt, const struct heph_log_site *site)
{
	struct heph_kv line = HEPH_KV_INT("CODE_LINE", site->line);

	return append_text_field(fmt, "CODE_FILE", site->file) &&
	       append_kv_field(fmt, &line);
}

/* The journal knows an error by its number. */
static bool append_errno(struct heph_fmt *fmt, const struct heph_kv *kv)
{
	int64_t err = kv->value.num;
	struct heph_kv number = HEPH_KV_INT("ERRNO", err < 0 ? -err : err);

	return kv->kind != HEPH_KV_ERR__ || append_kv_field(fmt, &number);
}

static void append_at(struct heph_fmt *fmt, const struct heph_logline *line)
{
	if (!line->at)
		return;
	heph_fmt_str(fmt, "AT=");
	append_seconds(fmt, *line->at);
	heph_fmt_char(fmt, '\n');
}

static void append_fields(struct heph_fmt *fmt, const struct heph_logline *line)
{
	struct heph_kv extras[EXTRAS + 1];
	char target[HEPH_LOG_TARGET_MAX], unused[HEPH_ADDRESS_MAX];
	const struct heph_kv *kv = line->kvs, *extra = extras;

	collect_extras(line, target, extras);
	if (!append_text_field(fmt, "MESSAGE", text_of(kv++, unused)))
		return;
	for (; extra->kind != HEPH_KV_END__; extra++)
		if (!append_kv_field(fmt, extra))
			return;
	for (; kv->kind != HEPH_KV_END__; kv++)
		if (!append_kv_field(fmt, kv) || !append_errno(fmt, kv))
			return;
	if (line->site)
		append_place(fmt, line->site);
}

void heph_logline_journal(struct heph_fmt *fmt, const struct heph_logline *line)
{
	fmt->size -= JOURNAL_END;
	heph_fmt_str(fmt, "PRIORITY=");
	heph_fmt_int(fmt, priorities[line->level]);
	heph_fmt_str(fmt, "\nSYSLOG_IDENTIFIER=");
	heph_fmt_mem(fmt, program_invocation_short_name,
		     strnlen(program_invocation_short_name, 32));
	heph_fmt_char(fmt, '\n');
	append_at(fmt, line);
	append_fields(fmt, line);
	fmt->size += JOURNAL_END;
	if (fmt->cut)
		heph_fmt_str(fmt, "TRUNCATED=1\n");
}
