/* SPDX-License-Identifier: MIT */
#include "rt/option.h"

#include <heph/message.h>
#include <heph/time.h>

#include <stdio.h>
#include <string.h>

#include "core/sched.h"
#include "core/slot.h"
#include "core/spin.h"
#include "io/buffers.h"

static const char *const drivers[] = { "uring", "epoll", NULL };

#define AT(member_, kind_)                                                     \
	.key = #member_, .kind = HEPH_OPTION_##kind_,                          \
	.at = offsetof(struct heph_config, member_),                           \
	.size = sizeof(((struct heph_config *)NULL)->member_)

const struct heph_option heph_options[] = {
	{ AT(name, TEXT), .max = 31, .allowed = "1 to 31 bytes" },
	{ AT(workers, UINT), .max = HEPH_WORKERS_MAX,
	  .allowed = "0 to 512, or all", .word = "all" },
	{ AT(pin, BOOL), .max = 1, .allowed = "yes or no" },
	{ AT(no_signals, BOOL), .max = 1, .allowed = "yes or no" },
	{ AT(grace, TIME), .max = HEPH_NEVER, .usual = 8 * HEPH_SEC,
	  .allowed = "0 or more, as 500ms or 30s, or never", .word = "never",
	  .value = HEPH_NEVER },
	{ AT(actors, UINT), .max = 1 << 30, .usual = 1 << 24,
	  .allowed = "0 to 1073741824" },
	{ AT(poll_ratio, UINT), .max = 1 << 20, .usual = 64,
	  .allowed = "0 to 1048576" },
	{ AT(slots, UINT), .max = HEPH_SLOTS_MAX, .allowed = "0 to 65536" },
	{ AT(buffers, BYTES), .min = 1 << 16, .max = 1 << 30,
	  .usual = HEPH_BUFFERS_BUDGET, .allowed = "0, or 64KiB to 1GiB" },
	{ AT(driver, WORD), .allowed = "uring or epoll", .words = drivers },
	{ AT(spin, TIME), .min = HEPH_SPIN_OFF, .max = HEPH_MSEC,
	  .usual = HEPH_SPIN_USUAL, .allowed = "0 to 1ms, or off",
	  .word = "off", .value = HEPH_SPIN_OFF },
	{ AT(inbox, UINT), .max = HEPH_INBOX_MAX, .usual = HEPH_INBOX_DEFAULT,
	  .allowed = "0 to 1048576" },
	{ AT(max_run, TIME), .max = HEPH_NEVER, .usual = HEPH_MAX_RUN_DEFAULT,
	  .allowed = "0 or more, as 500us or 10ms" },
	{ AT(stall, TIME), .max = HEPH_NEVER, .usual = HEPH_SEC,
	  .allowed = "0 or more, as 500ms or 30s, or never", .word = "never",
	  .value = HEPH_NEVER },
	{ AT(run_limit, TIME), .max = HEPH_NEVER, .usual = HEPH_NEVER,
	  .allowed = "0 or more, as 500ms or 30s, or never", .word = "never",
	  .value = HEPH_NEVER },
	{ AT(trace, TEXT), .max = 4095, .allowed = "1 to 4095 bytes" },
	{ AT(control, TEXT), .max = 4095, .allowed = "1 to 4095 bytes" },
};

const size_t heph_n_options = sizeof(heph_options) / sizeof(*heph_options);

_Static_assert(sizeof(heph_options) / sizeof(*heph_options) <= HEPH_OPTIONS_MAX,
	       "room for the lines that they were in");

/* ---- members ---------------------------------------------------------------- */

static bool is_text(const struct heph_option *option)
{
	return option->kind == HEPH_OPTION_TEXT ||
	       option->kind == HEPH_OPTION_WORD;
}

int64_t heph_option_get(const struct heph_option *option,
			const struct heph_config *config)
{
	const char *at = (const char *)config + option->at;

	switch (option->kind) {
	case HEPH_OPTION_BOOL:
		return *(const bool *)(const void *)at;
	case HEPH_OPTION_UINT:
		return *(const unsigned *)(const void *)at;
	case HEPH_OPTION_BYTES: /* a huge one is out of any range */
		return (int64_t) * (const size_t *)(const void *)at;
	case HEPH_OPTION_TIME:
		return *(const heph_time *)(const void *)at;
	default:
		return 0;
	}
}

void heph_option_set(const struct heph_option *option,
		     struct heph_config *config, int64_t value)
{
	char *at = (char *)config + option->at;

	switch (option->kind) {
	case HEPH_OPTION_BOOL:
		*(bool *)(void *)at = value != 0;
		break;
	case HEPH_OPTION_UINT:
		*(unsigned *)(void *)at = (unsigned)value;
		break;
	case HEPH_OPTION_BYTES:
		*(size_t *)(void *)at = (size_t)value;
		break;
	case HEPH_OPTION_TIME:
		*(heph_time *)(void *)at = value;
		break;
	default:
		break;
	}
}

const char *heph_option_text(const struct heph_option *option,
			     const struct heph_config *config)
{
	const char *at = (const char *)config + option->at;

	return is_text(option) ? *(const char *const *)(const void *)at : NULL;
}

static void set_text(const struct heph_option *option,
		     struct heph_config *config, const char *text)
{
	*(const char **)(void *)((char *)config + option->at) = text;
}

bool heph_option_fits(const struct heph_option *option, int64_t value)
{
	return is_text(option) || value == 0 ||
	       (value >= option->min && value <= option->max);
}

/* ---- from words --------------------------------------------------------------- */

struct unit {
	const char *name;
	int64_t times;
};

/* The largest first, as they are written. */
static const struct unit times[] = {
	{ "h", 3600 * HEPH_SEC }, { "min", 60 * HEPH_SEC }, { "s", HEPH_SEC },
	{ "ms", HEPH_MSEC },      { "us", HEPH_USEC },      { "ns", HEPH_NSEC },
};

static const struct unit sizes[] = {
	{ "GiB", 1 << 30 },
	{ "MiB", 1 << 20 },
	{ "KiB", 1 << 10 },
	{ "B", 1 },
};

enum {
	TIMES = sizeof(times) / sizeof(*times),
	SIZES = sizeof(sizes) / sizeof(*sizes),
};

/* How much a unit is; 0: there is none of that name. */
static int64_t find_unit(const struct unit *units, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(units[i].name, name) == 0)
			return units[i].times;
	return 0;
}

/* Digits alone, so no sign, and no space. */
static bool parse_digits(const char *text, int64_t *ret_value,
			 const char **ret_rest)
{
	int64_t value = 0;
	const char *at;

	for (at = text; *at >= '0' && *at <= '9'; at++)
		if (__builtin_mul_overflow(value, 10, &value) ||
		    __builtin_add_overflow(value, *at - '0', &value))
			return false;
	*ret_value = value;
	*ret_rest = at;
	return at != text;
}

/* A space may be before the unit. 0 needs none. */
static bool parse_amount(const char *text, const struct unit *units, size_t n,
			 int64_t alone, int64_t *ret_value)
{
	int64_t each = alone;
	const char *rest;

	if (!parse_digits(text, ret_value, &rest))
		return false;
	if (*rest == ' ')
		rest++;
	if (*rest)
		each = find_unit(units, n, rest);
	else if (*ret_value == 0)
		each = 1;
	return each && !__builtin_mul_overflow(*ret_value, each, ret_value);
}

static bool parse_bool(const char *text, int64_t *ret_value)
{
	static const char *const words[] = { "no",    "yes",  "off", "on",
					     "false", "true", "0",   "1" };

	for (unsigned i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (strcmp(text, words[i]) == 0) {
			*ret_value = i % 2;
			return true;
		}
	return false;
}

static bool parse_number(const struct heph_option *option, const char *text,
			 int64_t *ret_value)
{
	const char *rest;

	if (option->word && strcmp(text, option->word) == 0) {
		*ret_value = option->value;
		return true;
	}
	switch (option->kind) {
	case HEPH_OPTION_BOOL:
		return parse_bool(text, ret_value);
	case HEPH_OPTION_BYTES:
		return parse_amount(text, sizes, SIZES, 1, ret_value);
	case HEPH_OPTION_TIME:
		return parse_amount(text, times, TIMES, 0, ret_value);
	default:
		return parse_digits(text, ret_value, &rest) && !*rest;
	}
}

static int parse_word(const struct heph_option *option,
		      struct heph_config *config, const char *text)
{
	for (const char *const *word = option->words; *word; word++)
		if (strcmp(*word, text) == 0) {
			set_text(option, config, *word);
			return 0;
		}
	return -EINVAL;
}

static int parse_text(const struct heph_option *option,
		      struct heph_config *config, const char *value,
		      struct heph_config_text *text)
{
	size_t size = strlen(value) + 1;
	char *to = text->texts + text->used;

	if (size == 1 || size - 1 > (size_t)option->max)
		return -EINVAL;
	if (size > sizeof(text->texts) - text->used)
		return -ENOSPC;
	memcpy(to, value, size);
	text->used += size;
	set_text(option, config, to);
	return 0;
}

int heph_option_parse(const struct heph_option *option,
		      struct heph_config *config, const char *value,
		      struct heph_config_text *text)
{
	int64_t number;

	if (option->kind == HEPH_OPTION_TEXT)
		return parse_text(option, config, value, text);
	if (option->kind == HEPH_OPTION_WORD)
		return parse_word(option, config, value);
	if (!parse_number(option, value, &number) ||
	    !heph_option_fits(option, number))
		return -EINVAL;
	heph_option_set(option, config, number);
	return 0;
}

/* ---- to words ------------------------------------------------------------------ */

/* In the largest unit that leaves nothing over. */
static size_t print_amount(const struct unit *units, int64_t value,
			   char *buffer, size_t size)
{
	while (value % units->times)
		units++;
	return (size_t)snprintf(buffer, size, "%lld%s",
				(long long)(value / units->times),
				value ? units->name : "");
}

static size_t print_number(const struct heph_option *option, int64_t value,
			   char *buffer, size_t size)
{
	switch (option->kind) {
	case HEPH_OPTION_BOOL:
		return (size_t)snprintf(buffer, size, value ? "yes" : "no");
	case HEPH_OPTION_BYTES:
		return print_amount(sizes, value, buffer, size);
	case HEPH_OPTION_TIME:
		return print_amount(times, value, buffer, size);
	default:
		return (size_t)snprintf(buffer, size, "%lld", (long long)value);
	}
}

size_t heph_option_print(const struct heph_option *option,
			 const struct heph_config *config, char *buffer,
			 size_t size)
{
	const char *text = heph_option_text(option, config);
	int64_t value = heph_option_get(option, config);

	if (!is_text(option) && option->word && value == option->value)
		text = option->word;
	else if (!is_text(option))
		return print_number(option, value, buffer, size);
	return (size_t)snprintf(buffer, size, "%s", text ? text : "");
}
