/* SPDX-License-Identifier: MIT */
/*
 * resp.h - the protocol of Redis: a parser of commands, a writer of replies
 *
 * A command is an array of strings in RESP, or a line of words ("inline"). The
 * parser does no I/O and keeps no bytes: it is given all that was read of a
 * command so far, and goes on from where it stopped.
 */
#ifndef RESP_H
#define RESP_H

#include <stdbool.h>
#include <stdint.h>

#include "buf.h"

enum {
	RESP_INLINE_MAX = 64 << 10, /* bytes of a line */
	RESP_ARGS_MAX = 1 << 20,
	RESP_BULK_MAX = 64 << 20,     /* bytes of an argument */
	RESP_COMMAND_MAX = 256 << 20, /* bytes of all arguments */
};

struct resp_place {
	uint32_t at, size; /* from the start of the command */
};

/* All zero before the first command. */
struct resp_parser {
	const char *base; /* where the complete command starts */
	struct resp_place *args;
	uint32_t n_args, capacity;
	uint32_t at;      /* bytes understood so far */
	uint32_t missing; /* arguments */
	char error[64];   /* after -EPROTO */
};

void resp_parser_fini(struct resp_parser *parser);

/*
 * Parses one command at `data`, of which `size` bytes are there; a line is
 * changed in place. Returns the length of the command, and then resp_arg()
 * gives its arguments, which may be none; 0 if it needs more bytes, to be
 * called again with the same ones and more; -EPROTO; -ENOMEM.
 */
long resp_parse(struct resp_parser *parser, char *data, size_t size);

/* Argument `i` of the complete command; 0 is its name. */
static inline struct slice resp_arg(const struct resp_parser *parser,
				    uint32_t i)
{
	struct resp_place place = parser->args[i];

	return (struct slice){ parser->base + place.at, place.size };
}

/* Reads an integer as Redis does: no blanks, no plus, no leading zeros. */
bool resp_to_int(struct slice text, int64_t *ret_n);

/* ---- replies ------------------------------------------------------------- */

enum { RESP_INT_SIZE = 20 }; /* digits of an int64_t at most, with its sign */

/* Writes the digits of `n`, without a zero at the end. Returns how many. */
size_t resp_digits(int64_t n, char ret_digits[RESP_INT_SIZE]);

void resp_add_text(struct buf *buf, const char *text); /* as it is */
void resp_add_int(struct buf *buf, int64_t n);
void resp_add_array(struct buf *buf, int64_t n); /* then its `n` elements */
void resp_add_bulk(struct buf *buf, struct slice bytes);
void resp_add_string(struct buf *buf, const char *string); /* a bulk */
void resp_add_nil(struct buf *buf);
/* The words after "-"; line ends become blanks, at the end nothing. */
void resp_add_error(struct buf *buf, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#endif
