/* SPDX-License-Identifier: MIT */
/*
 * option.h - the table of options: keys, kinds, ranges, defaults
 *
 * The one place that knows what a member of struct heph_config may be. Checking,
 * reading from the environment and from a file, and writing go by it, so a new
 * option is a line in option.c (and a row in docs/guide/configuration.md, which a
 * test looks for).
 */
#ifndef HEPH_RT_OPTION_H
#define HEPH_RT_OPTION_H

#include <heph/config.h>

enum heph_option_kind {
	HEPH_OPTION_TEXT,  /* const char *: `max` bytes at most */
	HEPH_OPTION_WORD,  /* const char *: one of `words` */
	HEPH_OPTION_BOOL,  /* bool */
	HEPH_OPTION_UINT,  /* unsigned */
	HEPH_OPTION_BYTES, /* size_t */
	HEPH_OPTION_TIME,  /* heph_time */
};

struct heph_option {
	const char *key; /* the member; HEPH_ and that in capitals */
	enum heph_option_kind kind;
	size_t at, size;     /* of the member */
	int64_t min, max;    /* of what is not 0, which is the default */
	int64_t usual;       /* the default; 0: see config.c */
	const char *allowed; /* the range, in words */
	const char *word;    /* that stands for `value`; NULL: there is none */
	int64_t value;
	const char *const *words; /* up to NULL */
};

enum { HEPH_OPTIONS_MAX = 64 };

extern const struct heph_option heph_options[];
extern const size_t heph_n_options;

/* The member, as a number; of a text: 0. Sets it. */
int64_t heph_option_get(const struct heph_option *option,
			const struct heph_config *config);
void heph_option_set(const struct heph_option *option,
		     struct heph_config *config, int64_t value);

/* The same, of TEXT and WORD. */
const char *heph_option_text(const struct heph_option *option,
			     const struct heph_config *config);

/* Whether the number may be its value. */
bool heph_option_fits(const struct heph_option *option, int64_t value);

/* Takes a value from words; texts are copied into `text`. Returns 0; -EINVAL (it
 * is none, or out of range), -ENOSPC (too much text). */
int heph_option_parse(const struct heph_option *option,
		      struct heph_config *config, const char *value,
		      struct heph_config_text *text);

/* Writes the value as heph_option_parse() takes it; the length it needs. */
size_t heph_option_print(const struct heph_option *option,
			 const struct heph_config *config, char *buffer,
			 size_t size);

#endif
