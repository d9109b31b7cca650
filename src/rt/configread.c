/* SPDX-License-Identifier: MIT */
/* The options from the environment and from a file; both go by option.c. */
#include <heph/config.h>

#include <ctype.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "core/heph.h"
#include "core/self.h"
#include "rt/option.h"

#define PREFIX "HEPH_"

enum { KEY_MAX = 64, LINE_MAX_ = 4096 };

/* Variables with the prefix that are not of a runtime: see the guide. */
static const char *const others[] = {
	"LOG",       "LOG_LEVEL", "LOG_RATE",    "FAULT", "URING_FEATURES",
	"TEST_SEED", "SIM_SEED",  "DNS_SERVERS",
};

enum { N_OTHERS = sizeof(others) / sizeof(*others) };

/* What is being read: into a copy, which counts if all is well. */
struct reading {
	struct heph_config *config;
	size_t size; /* of the caller's */
	struct heph_config_text *text;
	struct heph_config copy;
	const char *where; /* a path; NULL: the environment */
	unsigned line;
	unsigned seen[HEPH_OPTIONS_MAX]; /* lines that options were in */
};

/* ---- errors ------------------------------------------------------------------ */

static int fail(struct reading *reading, int err, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* "PATH:LINE: " or nothing, and the text. */
static int fail(struct reading *reading, int err, const char *format, ...)
{
	char *at = reading->text->error;
	size_t left = sizeof(reading->text->error);
	va_list args;
	int n = 0;

	if (reading->where && reading->line)
		n = snprintf(at, left / 2, "%s:%u: ", reading->where,
			     reading->line);
	if (n >= (int)(left / 2)) /* such a path is cut */
		n = (int)(left / 2) - 1;
	va_start(args, format);
	vsnprintf(at + n, left - (size_t)n, format, args);
	va_end(args);
	heph_log_error("the configuration is wrong", HEPH_KV_STR("what", at));
	return err;
}

/* How many letters must be changed, added or left out to come from one word to
 * the other. */
static unsigned distance(const char *a, const char *b)
{
	unsigned row[KEY_MAX + 1], corner, old;
	size_t n = strlen(b);

	for (unsigned j = 0; j <= n; j++)
		row[j] = j;
	for (unsigned i = 0; a[i]; i++) {
		corner = row[0]++;
		for (unsigned j = 0; j < n; j++) {
			old = row[j + 1];
			if (a[i] != b[j])
				corner++;
			if (corner > old + 1)
				corner = old + 1;
			if (corner > row[j] + 1)
				corner = row[j] + 1;
			row[j + 1] = corner;
			corner = old;
		}
	}
	return row[n];
}

/* The variable of an option has its name in capitals; it fits KEY_MAX. */
static void variable(const char *key, char name[KEY_MAX])
{
	snprintf(name, KEY_MAX, PREFIX "%s", key);
	for (char *at = name; *at; at++)
		*at = (char)toupper((unsigned char)*at);
}

static void name_of(const struct reading *reading, const char *key,
		    char name[KEY_MAX])
{
	if (reading->where)
		snprintf(name, KEY_MAX, "%s", key);
	else
		variable(key, name);
}

static bool is_there(const struct reading *reading,
		     const struct heph_option *option)
{
	return option->at + option->size <= reading->size;
}

/* The one that is most like what was given, if it is not just any. */
struct guess {
	const char *given;
	unsigned far;
	char name[KEY_MAX]; /* empty: there is none */
};

/* `name` is of an option, or of a variable with that behind the prefix. */
static void consider(struct guess *guess, const char *name, const char *key)
{
	unsigned far = strlen(guess->given) < KEY_MAX ?
			       distance(guess->given, name) :
			       KEY_MAX;

	if (far >= guess->far || far > strlen(key) / 2 + 1)
		return;
	guess->far = far;
	snprintf(guess->name, sizeof(guess->name), "%s", name);
}

static int unknown(struct reading *reading, const char *given)
{
	struct guess guess = { .given = given, .far = KEY_MAX };
	char name[KEY_MAX];

	for (size_t i = 0; i < heph_n_options; i++) {
		name_of(reading, heph_options[i].key, name);
		if (is_there(reading, &heph_options[i]))
			consider(&guess, name, heph_options[i].key);
	}
	for (size_t i = 0; !reading->where && i < N_OTHERS; i++) {
		variable(others[i], name);
		consider(&guess, name, others[i]);
	}
	if (*guess.name)
		return fail(reading, -EINVAL,
			    "there is no %.60s; did you mean %s?", given,
			    guess.name);
	return fail(reading, -EINVAL, "there is no %.60s", given);
}

/* ---- one value ---------------------------------------------------------------- */

static int take(struct reading *reading, const struct heph_option *option,
		const char *name, const char *value)
{
	int err =
		heph_option_parse(option, &reading->copy, value, reading->text);

	if (err == -EINVAL)
		return fail(reading, err, "%s = %.100s: must be %s", name,
			    value, option->allowed);
	if (err < 0)
		return fail(reading, err, "%s: too much text in all", name);
	return 0;
}

static int begin(struct reading *reading, struct heph_config *config,
		 size_t size, struct heph_config_text *text)
{
	*reading = (struct reading){ .config = config, .text = text };
	reading->size = size < sizeof(reading->copy) ? size :
						       sizeof(reading->copy);
	memcpy(&reading->copy, config, reading->size);
	text->error[0] = 0;
	return 0;
}

static int finish(struct reading *reading, int err)
{
	if (err == 0)
		memcpy(reading->config, &reading->copy, reading->size);
	return err;
}

/* ---- the environment ------------------------------------------------------------ */

static bool is_other(const char *name)
{
	for (size_t i = 0; i < N_OTHERS; i++)
		if (strcmp(name + strlen(PREFIX), others[i]) == 0)
			return true;
	return false;
}

static int take_variable(struct reading *reading, const char *name,
			 const char *value)
{
	char mine[KEY_MAX];

	for (size_t i = 0; i < heph_n_options; i++) {
		variable(heph_options[i].key, mine);
		if (is_there(reading, &heph_options[i]) &&
		    strcmp(name, mine) == 0)
			return take(reading, &heph_options[i], mine, value);
	}
	return is_other(name) ? 0 : unknown(reading, name);
}

int heph_raw_config_from_env(struct heph_config *config, size_t size,
			     struct heph_config_text *text)
{
	struct reading reading;
	const char *equals;
	char name[KEY_MAX];
	int err = begin(&reading, config, size, text);

	for (char **it = environ; err == 0 && it && *it; it++) {
		equals = strchr(*it, '=');
		if (strncmp(*it, PREFIX, strlen(PREFIX)) != 0 || !equals ||
		    !equals[1])
			continue;
		snprintf(name, sizeof(name), "%.*s", (int)(equals - *it), *it);
		err = take_variable(&reading, name, equals + 1);
	}
	return finish(&reading, err);
}

/* ---- a file ----------------------------------------------------------------------- */

static char *trim(char *text)
{
	char *end;

	text += strspn(text, " \t\r");
	end = text + strlen(text);
	while (end > text && strchr(" \t\r", end[-1]))
		*--end = 0;
	return text;
}

static void cut_comment(char *line)
{
	for (char *at = line; (at = strchr(at, '#')); at++)
		if (at == line || at[-1] == ' ' || at[-1] == '\t') {
			*at = 0;
			return;
		}
}

static int take_key(struct reading *reading, const char *key, const char *value)
{
	for (size_t i = 0; i < heph_n_options; i++) {
		if (!is_there(reading, &heph_options[i]) ||
		    strcmp(key, heph_options[i].key) != 0)
			continue;
		if (reading->seen[i])
			return fail(reading, -EINVAL,
				    "%s: it is in line %u already", key,
				    reading->seen[i]);
		reading->seen[i] = reading->line;
		return take(reading, &heph_options[i], key, value);
	}
	return unknown(reading, key);
}

static int take_line(struct reading *reading, char *line)
{
	char *equals, *text;

	reading->line++;
	cut_comment(line);
	text = trim(line);
	if (!*text)
		return 0;
	equals = strchr(text, '=');
	if (!equals)
		return fail(reading, -EINVAL, "%.60s: must be key = value",
			    text);
	*equals = 0;
	return take_key(reading, trim(text), trim(equals + 1));
}

/* The lines of what is in `buffer`; what is left is moved to its beginning. */
static int take_lines(struct reading *reading, char *buffer, size_t *n,
		      bool end)
{
	char *at = buffer, *newline;
	int err = 0;

	buffer[*n] = 0;
	if (strlen(buffer) < *n) {
		reading->line++;
		return fail(reading, -EINVAL, "not a text");
	}
	while (err == 0 && (newline = strchr(at, '\n'))) {
		*newline = 0;
		err = take_line(reading, at);
		at = newline + 1;
	}
	if (err == 0 && end)
		return take_line(reading, at);
	*n -= (size_t)(at - buffer);
	memmove(buffer, at, *n);
	if (err == 0 && *n == LINE_MAX_ - 1) {
		reading->line++;
		return fail(reading, -EINVAL, "the line is too long");
	}
	return err;
}

static int take_file(struct reading *reading, int fd)
{
	char buffer[LINE_MAX_];
	size_t n = 0;
	ssize_t more;
	int err = 0;

	do {
		more = read(fd, buffer + n, sizeof(buffer) - 1 - n);
		if (more < 0 && errno == EINTR)
			continue;
		if (more < 0)
			return fail(reading, -errno, "%.200s: %s",
				    reading->where, strerrordesc_np(errno));
		n += (size_t)more;
		err = take_lines(reading, buffer, &n, more == 0);
	} while (err == 0 && more != 0);
	return err;
}

int heph_raw_config_from_file(struct heph_config *config, size_t size,
			      const char *path, struct heph_config_text *text)
{
	struct reading reading;
	int err, fd;

	begin(&reading, config, size, text);
	reading.where = path;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return fail(&reading, -errno, "%.200s: %s", path,
			    strerrordesc_np(errno));
	err = take_file(&reading, fd);
	close(fd);
	return finish(&reading, err);
}

/* ---- and back ------------------------------------------------------------------------ */

size_t heph_raw_config_write(const struct heph_config *given,
			     size_t config_size, char *buffer, size_t size)
{
	const struct heph_option *option;
	struct heph_config config = { 0 };
	char value[LINE_MAX_];
	size_t at = 0;

	memcpy(&config, given,
	       config_size < sizeof(config) ? config_size : sizeof(config));
	if (size)
		*buffer = 0;
	for (size_t i = 0; i < heph_n_options; i++) {
		option = &heph_options[i];
		if (!heph_option_get(option, &config) &&
		    !heph_option_text(option, &config))
			continue;
		heph_option_print(option, &config, value, sizeof(value));
		at += (size_t)snprintf(at < size ? buffer + at : NULL,
				       at < size ? size - at : 0, "%s = %s\n",
				       option->key, value);
	}
	return at;
}

const struct heph_config *heph_config_of(heph_ctx ctx)
{
	return &ctx.self->thread->heph->config;
}
