/* SPDX-License-Identifier: MIT */
#include "http/logline.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

struct out {
	char *at;
	size_t used, size;
};

static __attribute__((format(printf, 2, 3))) void
print(struct out *out, const char *format, ...)
{
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(out->at + out->used, out->size - out->used, format, args);
	va_end(args);
	if (n > 0 && (size_t)n < out->size - out->used)
		out->used += (size_t)n;
}

static bool is_plain(unsigned char c)
{
	return c >= ' ' && c < 0x7f && c != '"' && c != '\\';
}

/* A text of a client. `escape` is for one byte. */
static void print_text(struct out *out, struct heph_str text,
		       const char *escape)
{
	size_t end = out->used + HEPH_HTTP_LOGTEXT_MAX;

	for (size_t i = 0; i < text.size; i++) {
		unsigned char c = (unsigned char)text.data[i];

		if (out->used + 6 > end || out->size - out->used < 8)
			break;
		if (is_plain(c))
			out->at[out->used++] = (char)c;
		else
			print(out, escape, c);
	}
}

/* ---- common and combined ----------------------------------------------------------- */

#define ESCAPE_HEX "\\x%02X"

static void print_or_dash(struct out *out, struct heph_str text)
{
	if (!text.size)
		print(out, "-");
	print_text(out, text, ESCAPE_HEX);
}

static void print_host(struct out *out, const char *peer)
{
	const char *colon = strrchr(peer, ':');
	bool ip = colon && strncmp(peer, "unix:", 5) != 0;

	print_or_dash(out,
		      heph_str_of(peer, ip ? (size_t)(colon - peer) : strlen(peer)));
}

/* A name may have blanks, which would look like the next column. */
static void print_user(struct out *out, struct heph_str user)
{
	size_t at = out->used;

	print_or_dash(out, user);
	for (; at < out->used; at++)
		if (out->at[at] == ' ')
			out->at[at] = '_';
}

static void print_common(struct out *out, const struct heph_http_logline *line)
{
	time_t second = (time_t)(line->wall / 1000000);
	char text[32];
	struct tm tm;

	gmtime_r(&second, &tm);
	strftime(text, sizeof(text), "%d/%b/%Y:%H:%M:%S +0000", &tm);
	print_host(out, line->peer);
	print(out, " - ");
	print_user(out, line->user);
	print(out, " [%s] \"", text);
	print_text(out, line->method, ESCAPE_HEX);
	print(out, " ");
	print_text(out, line->target, ESCAPE_HEX);
	print(out, " HTTP/1.%u\" %u %" PRIu64, line->minor, line->status,
	      line->sent);
}

static void print_combined(struct out *out, const struct heph_http_logline *line)
{
	print_common(out, line);
	print(out, " \"");
	print_or_dash(out, line->referer);
	print(out, "\" \"");
	print_or_dash(out, line->agent);
	print(out, "\"");
}

/* ---- JSON ------------------------------------------------------------------------------ */

/* Left out if it is empty. */
static void print_member(struct out *out, const char *name, struct heph_str text)
{
	if (!text.size)
		return;
	print(out, ",\"%s\":\"", name);
	print_text(out, text, "\\u%04x");
	print(out, "\"");
}

static void print_json(struct out *out, const struct heph_http_logline *line)
{
	time_t second = (time_t)(line->wall / 1000000);
	char text[32];
	struct tm tm;

	gmtime_r(&second, &tm);
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm);
	print(out, "{\"time\":\"%s.%06dZ\"", text, (int)(line->wall % 1000000));
	print_member(out, "peer", heph_str(line->peer));
	print_member(out, "method", line->method);
	print_member(out, "target", line->target);
	print(out,
	      ",\"version\":\"1.%u\",\"status\":%u,\"sent\":%" PRIu64
	      ",\"received\":%" PRIu64 ",\"seconds\":%.6f",
	      line->minor, line->status, line->sent, line->received,
	      (double)line->time / HEPH_SEC);
	if (line->cut)
		print(out, ",\"cut\":true");
	print_member(out, "route", heph_str(line->route ? line->route : ""));
	print_member(out, "id", line->id);
	print_member(out, "user", line->user);
	print_member(out, "referer", line->referer);
	print_member(out, "agent", line->agent);
	print(out, "}");
}

size_t heph_http_logline_print(const struct heph_http_logline *line,
			       enum heph_http_log_format format,
			       char buf[HEPH_HTTP_LOGLINE_MAX])
{
	struct out out = { buf, 0, HEPH_HTTP_LOGLINE_MAX - 1 };

	if (format == HEPH_HTTP_LOG_JSON)
		print_json(&out, line);
	else if (format == HEPH_HTTP_LOG_COMMON)
		print_common(&out, line);
	else
		print_combined(&out, line);
	buf[out.used++] = '\n';
	return out.used;
}
