/* SPDX-License-Identifier: MIT */
/* prometheus.h - looks at a text as strictly as the exposition format is written
 * down */
#ifndef TEST_PROMETHEUS_H
#define TEST_PROMETHEUS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct reader {
	char family[128], type[16], label[256]; /* of the latest bucket */
	double last, limit;
	unsigned families, samples;
	const char *at;
	char line[1024];
	char seen[128][128];
	unsigned n_seen;
};

static void refuse_(const struct reader *reader, const char *why, int line)
{
	fprintf(stderr, "line %d: %s: '%s'\n", line, why, reader->line);
	abort();
}
#define check(reader_, expr_)                                                  \
	((expr_) ? (void)0 : refuse_((reader_), #expr_, __LINE__))

static bool is_name(const char *text, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!isalpha((unsigned char)text[i]) && text[i] != '_' &&
		    text[i] != ':' && !(i && isdigit((unsigned char)text[i])))
			return false;
	return n > 0;
}

/* Families come once, each with its help and its type, in this order. */
static void read_help(struct reader *reader)
{
	const char *name = reader->line + 7;
	size_t n = strcspn(name, " ");

	check(reader, is_name(name, n) && name[n] == ' ' && name[n + 1]);
	check(reader, n < sizeof(reader->family));
	memcpy(reader->family, name, n);
	reader->family[n] = '\0';
	for (unsigned i = 0; i < reader->n_seen; i++)
		check(reader, strcmp(reader->seen[i], reader->family) != 0);
	check(reader, reader->n_seen < 128);
	strcpy(reader->seen[reader->n_seen++], reader->family);
	reader->type[0] = '\0';
	reader->families++;
}

static void read_type(struct reader *reader)
{
	const char *name = reader->line + 7;
	size_t n = strlen(reader->family);

	check(reader, !strncmp(name, reader->family, n) && name[n] == ' ');
	check(reader, !reader->type[0]);
	name += n + 1;
	check(reader, !strcmp(name, "gauge") || !strcmp(name, "counter") ||
			      !strcmp(name, "histogram"));
	strcpy(reader->type, name);
	n = strlen(reader->family);
	check(reader,
	      strcmp(name, "counter") != 0 ||
		      (n > 6 && !strcmp(reader->family + n - 6, "_total")));
}

/* Returns what is behind "{...}"; the labels are in order. */
static const char *read_labels(struct reader *reader, const char *at)
{
	size_t n;

	if (*at != '{')
		return at;
	do {
		at++;
		n = strcspn(at, "=");
		check(reader, is_name(at, n) && at[n + 1] == '"');
		at += n + 2;
		for (; *at != '"'; at++) {
			check(reader, *at && *at != '\n');
			if (*at == '\\')
				check(reader, strchr("\\\"n", *++at) && *at);
		}
		at++;
	} while (*at == ',');
	check(reader, *at == '}');
	return at + 1;
}

/* Buckets of one label go up, and the last one is the count. */
static void read_bucket(struct reader *reader, const char *suffix, double value)
{
	const char *le = strstr(reader->line, ",le=\"");
	char label[256];
	double limit;

	if (!strcmp(suffix, "_sum"))
		return;
	if (!strcmp(suffix, "_count")) {
		check(reader, value == reader->last);
		reader->label[0] = '\0';
		return;
	}
	check(reader, !strcmp(suffix, "_bucket") && le);
	snprintf(label, sizeof(label), "%.*s", (int)(le - reader->line),
		 reader->line);
	limit = strtod(le + 5, NULL);
	if (!strcmp(label, reader->label))
		check(reader, value >= reader->last && limit > reader->limit);
	strcpy(reader->label, label);
	reader->last = value;
	reader->limit = limit;
}

static void read_sample(struct reader *reader)
{
	size_t n = strcspn(reader->line, "{ "), family = strlen(reader->family);
	char suffix[16], *end;
	const char *at;
	double value;

	check(reader, is_name(reader->line, n) && reader->type[0]);
	check(reader,
	      n >= family && !strncmp(reader->line, reader->family, family));
	check(reader, n - family < sizeof(suffix));
	memcpy(suffix, reader->line + family, n - family);
	suffix[n - family] = '\0';
	at = read_labels(reader, reader->line + n);
	check(reader, *at == ' ');
	value = strtod(at + 1, &end);
	check(reader, end > at + 1 && !*end && value >= 0);
	if (!strcmp(reader->type, "histogram"))
		read_bucket(reader, suffix, value);
	else
		check(reader, !suffix[0]);
	reader->samples++;
}

static unsigned families_seen; /* by the latest read_text() */

/* Each line ends. How many samples there are. */
static unsigned read_text(const char *text)
{
	struct reader *reader = calloc(1, sizeof(*reader));
	unsigned samples;
	size_t n;

	for (; *text; text += n + 1) {
		n = strcspn(text, "\n");
		assert_int_equal(text[n], '\n');
		assert_true(n < sizeof(reader->line));
		memcpy(reader->line, text, n);
		reader->line[n] = '\0';
		if (!strncmp(reader->line, "# HELP ", 7))
			read_help(reader);
		else if (!strncmp(reader->line, "# TYPE ", 7))
			read_type(reader);
		else
			read_sample(reader);
	}
	families_seen = reader->families;
	samples = reader->samples;
	free(reader);
	return samples;
}

#endif
