/* SPDX-License-Identifier: MIT */
/*
 * ctl_request.h - what a client of the control socket asks: a line of JSON
 *
 *     {"id": 1, "cmd": "list", "type": "conn", "limit": 100}
 *
 * Each command knows some keys, and each key what values it may have. All of it
 * comes from outside: whatever it is, the result is a request or an error in
 * words.
 */
#ifndef HEPH_RT_CTL_REQUEST_H
#define HEPH_RT_CTL_REQUEST_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	HEPH_CTL_LINE_MAX = 16384, /* bytes of a request, with its end */
	HEPH_CTL_FIELDS_MAX = 48,
};

enum heph_ctl_command {
	HEPH_CTL_HELP,
	HEPH_CTL_VERSION,
	HEPH_CTL_LIST,
	HEPH_CTL_SHOW,
	HEPH_CTL_TREE,
	HEPH_CTL_STATS,
	HEPH_CTL_METRICS,
	HEPH_CTL_CYCLES,
	HEPH_CTL_TRACE,
	HEPH_CTL_LOG,
	HEPH_CTL_STOP,
	HEPH_CTL_COMMANDS,
};

/* The keys that a request has, as bits of `given`. */
enum heph_ctl_key {
	HEPH_CTL_ACTOR,
	HEPH_CTL_NAME,
	HEPH_CTL_TYPE,
	HEPH_CTL_STATE,
	HEPH_CTL_WAIT,
	HEPH_CTL_WORKER,
	HEPH_CTL_LIMIT,
	HEPH_CTL_FIELDS,
	HEPH_CTL_ROWS,
	HEPH_CTL_ACTION,
	HEPH_CTL_FILE,
	HEPH_CTL_LEVEL,
	HEPH_CTL_ALL,
	HEPH_CTL_KEYS,
};

/* Texts belong to `root`. */
struct heph_ctl_request {
	json_t *root; /* NULL: what came was no object */
	json_t *id;   /* a number or a text of the client's; NULL: none */
	enum heph_ctl_command command;
	uint32_t given; /* bits 1u << HEPH_CTL_ACTOR and so on */
	uint64_t actor; /* its id; 0: `actor_name` tells it */
	const char *actor_name;
	const char *name, *type; /* patterns of fnmatch(3) */
	uint32_t states, waits;  /* bits 1u << HEPH_STATE_..., HEPH_WAITS_... */
	int worker;
	uint64_t limit; /* 0: none */
	bool rows, all;
	unsigned n_fields; /* 0: all of them */
	uint8_t fields[HEPH_CTL_FIELDS_MAX];
	const char *action, *file;
	int level; /* enum heph_log_level */
};

struct heph_ctl_error {
	int err;        /* a negative errno */
	char text[256]; /* in UTF-8 */
};

/* Reads a line, without its end. Returns 0, or `error->err`; heph_ctl_request_fini()
 * in both cases. */
int heph_ctl_request_parse(struct heph_ctl_request *request,
			   struct heph_ctl_error *error, const char *line,
			   size_t size);
void heph_ctl_request_fini(struct heph_ctl_request *request);

/* Fills in an error. Returns `err`. */
int heph_ctl_fail(struct heph_ctl_error *error, int err, const char *format,
		  ...) __attribute__((format(printf, 3, 4)));

/* All commands, as the answer to "help": an array. NULL: no memory. */
json_t *heph_ctl_help(void);

/* A text from anywhere: what is no UTF-8 becomes U+FFFD. NULL: no memory. */
json_t *heph_ctl_text(const char *text);

#endif
