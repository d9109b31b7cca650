/* SPDX-License-Identifier: MIT */
/*
 * Everything about a command that does not depend on what is stored is done
 * here, by the connection: counting arguments, reading numbers and options.
 * Commands with many keys become a request for each key; those on different
 * stores are not one atomic step. The texts of errors are those of
 * redis-server 7.0.
 */
#include "command.h"

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <unistd.h>

#define VERSION "7.0.15" /* of the Redis that answers like this */

enum {
	NAME_SIZE = 16,
	SHOWN = 128, /* bytes of an unknown word that an error shows */
};

/* A command that is being run. */
struct call {
	struct round *round;
	const struct resp_parser *line;
	const struct command *command;
	enum command_result result;
};

struct command {
	char name[NAME_SIZE]; /* zeros at the end */
	int args;             /* with the name; negative: at least so many */
	void (*run)(struct call *call);
	struct request like; /* what it asks for */
};

/* ---- helpers ------------------------------------------------------------- */

static const struct slice nothing = { "", 0 };

static bool is(struct slice word, const char *name)
{
	return strlen(name) == word.size &&
	       strncasecmp(word.data, name, word.size) == 0;
}

static uint32_t n_args(const struct call *call)
{
	return call->line->n_args;
}

static struct slice arg(const struct call *call, uint32_t i)
{
	return resp_arg(call->line, i);
}

static struct buf *reply(struct call *call)
{
	return round_reply(call->round);
}

static void reply_text(struct call *call, const char *text)
{
	resp_add_text(reply(call), text);
}

static void wrong_args(struct call *call, const char *sub)
{
	resp_add_error(reply(call),
		       "ERR wrong number of arguments for '%s%s' command",
		       call->command->name, sub);
}

static void wrong_syntax(struct call *call)
{
	reply_text(call, "-ERR syntax error\r\n");
}

/* How much of a word an error shows: for "%.*s". */
static int shown(struct slice word, int most)
{
	return word.size < (size_t)most ? (int)word.size : most;
}

static void wrong_sub(struct call *call, const char *name)
{
	resp_add_error(reply(call),
		       "ERR unknown subcommand '%.*s'. Try %s HELP.",
		       shown(arg(call, 1), SHOWN), arg(call, 1).data, name);
}

/* Asks for what the command is like, with one key. */
static void ask(struct call *call, enum round_from from, uint32_t key,
		struct slice value)
{
	round_ask(call->round, from, &call->command->like, arg(call, key),
		  value);
}

/* Reads a number, or else replies with an error. */
static bool read_number(struct call *call, uint32_t i, int64_t *ret_n)
{
	bool fine = resp_to_int(arg(call, i), ret_n);

	if (!fine)
		reply_text(call, "-ERR value is not an integer or out of "
				 "range\r\n");
	return fine;
}

/* A way to tell a time. */
struct unit {
	const char *option;
	int64_t length; /* milliseconds */
	bool absolute;
};

static const struct unit units[] = {
	{ "ex", 1000, false },
	{ "px", 1, false },
	{ "exat", 1000, true },
	{ "pxat", 1, true },
};

/* Reads a time that is `least` units or more, or else replies with an error. */
static bool read_when(struct call *call, const struct unit *unit, uint32_t i,
		      int64_t least, int64_t *ret_when)
{
	int64_t base = unit->absolute ? 0 : store_clock(), n;

	if (!read_number(call, i, &n))
		return false;
	if (n >= least && !__builtin_mul_overflow(n, unit->length, &n) &&
	    !__builtin_add_overflow(n, base, ret_when))
		return true;
	resp_add_error(reply(call), "ERR invalid expire time in '%s' command",
		       call->command->name);
	return false;
}

/* ---- commands on keys ---------------------------------------------------- */

/* NAME key */
static void key(struct call *call)
{
	ask(call, ROUND_STORE, 1, nothing);
}

/* NAME key value */
static void key_value(struct call *call)
{
	ask(call, ROUND_STORE, 1, arg(call, 2));
}

/* NAME key [key ...], with the number of keys that it concerned as reply */
static void count(struct call *call)
{
	for (uint32_t i = 1; i < n_args(call); i++)
		ask(call, ROUND_PART, i, nothing);
	round_sum(call->round);
}

static void mget(struct call *call)
{
	resp_add_array(reply(call), n_args(call) - 1);
	for (uint32_t i = 1; i < n_args(call); i++)
		ask(call, ROUND_STORE, i, nothing);
}

static void mset(struct call *call)
{
	if (n_args(call) % 2 == 0) {
		wrong_args(call, "");
		return;
	}
	for (uint32_t i = 1; i < n_args(call); i += 2)
		ask(call, ROUND_STORE, i, arg(call, i + 1));
	reply_text(call, "+OK\r\n");
}

static const struct unit *find_unit(struct slice word)
{
	for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++)
		if (is(word, units[i].option))
			return &units[i];
	return NULL;
}

/* Reads an option of SET. Returns whether it makes sense after the others. */
static bool set_option(struct slice word, uint16_t *flags)
{
	unsigned flag = 0, excludes = 0;

	if (is(word, "nx"))
		flag = REQUEST_NX, excludes = REQUEST_XX;
	else if (is(word, "xx"))
		flag = REQUEST_XX, excludes = REQUEST_NX;
	else if (is(word, "get"))
		flag = REQUEST_GET;
	else if (is(word, "keepttl"))
		flag = REQUEST_KEEPTTL;
	*flags |= flag;
	return flag && !(*flags & excludes);
}

static void set(struct call *call)
{
	const struct unit *unit = NULL, *next;
	struct request like = call->command->like;
	uint32_t when = 0;

	for (uint32_t i = 3; i < n_args(call); i++) {
		bool fine = true;

		next = find_unit(arg(call, i));
		if (!next) {
			fine = set_option(arg(call, i), &like.flags);
		} else {
			fine = (!unit || unit == next) && i + 1 < n_args(call);
			unit = next;
			when = ++i;
		}
		if (!fine || (unit && like.flags & REQUEST_KEEPTTL)) {
			wrong_syntax(call);
			return;
		}
	}
	if (unit && !read_when(call, unit, when, 1, &like.number))
		return;
	round_ask(call->round, ROUND_STORE, &like, arg(call, 1), arg(call, 2));
}

/* NAME key time value; `like.number` is the unit, an index */
static void setex(struct call *call)
{
	struct request like = call->command->like;

	if (read_when(call, &units[like.number], 2, 1, &like.number))
		round_ask(call->round, ROUND_STORE, &like, arg(call, 1),
			  arg(call, 3));
}

/* NAME key number; `like.number` is 1 or -1 */
static void add(struct call *call)
{
	struct request like = call->command->like;
	int64_t n;

	if (!read_number(call, 2, &n))
		return;
	if (__builtin_mul_overflow(n, like.number, &like.number))
		reply_text(call, "-ERR decrement would overflow\r\n");
	else
		round_ask(call->round, ROUND_STORE, &like, arg(call, 1),
			  nothing);
}

/* Reads a condition of EXPIRE. Returns 0 if it is none. */
static unsigned condition(struct slice word)
{
	return is(word, "nx") ? REQUEST_NX :
	       is(word, "xx") ? REQUEST_XX :
	       is(word, "gt") ? REQUEST_GT :
	       is(word, "lt") ? REQUEST_LT :
				0;
}

/* Reads the conditions of EXPIRE, or else replies with an error. */
static bool read_conditions(struct call *call, uint16_t *flags)
{
	for (uint32_t i = 3; i < n_args(call); i++) {
		struct slice word = arg(call, i);

		if (!condition(word)) {
			resp_add_error(reply(call),
				       "ERR Unsupported option %.*s",
				       shown(word, SHOWN), word.data);
			return false;
		}
		*flags |= condition(word);
	}
	if (*flags & REQUEST_NX && *flags != REQUEST_NX)
		reply_text(call, "-ERR NX and XX, GT or LT options at the same "
				 "time are not compatible\r\n");
	else if (*flags & REQUEST_GT && *flags & REQUEST_LT)
		reply_text(call, "-ERR GT and LT options at the same time are "
				 "not compatible\r\n");
	else
		return true;
	return false;
}

/* NAME key time [condition ...]; `like.number` is the unit, an index */
static void expire(struct call *call)
{
	struct request like = call->command->like;

	if (read_conditions(call, &like.flags) &&
	    read_when(call, &units[like.number], 2, INT64_MIN, &like.number))
		round_ask(call->round, ROUND_STORE, &like, arg(call, 1),
			  nothing);
}

static void dbsize(struct call *call)
{
	round_ask_all(call->round, &call->command->like);
	round_sum(call->round);
}

static void flushall(struct call *call)
{
	if (n_args(call) > 2 ||
	    (n_args(call) == 2 && !is(arg(call, 1), "sync") &&
	     !is(arg(call, 1), "async"))) {
		wrong_syntax(call);
		return;
	}
	round_ask_all(call->round, &call->command->like);
	reply_text(call, "+OK\r\n");
}

/* ---- commands of the connection ------------------------------------------ */

static void ping(struct call *call)
{
	if (n_args(call) == 1)
		reply_text(call, "+PONG\r\n");
	else if (n_args(call) == 2)
		resp_add_bulk(reply(call), arg(call, 1));
	else
		wrong_args(call, "");
}

static void echo(struct call *call)
{
	resp_add_bulk(reply(call), arg(call, 1));
}

static void quit(struct call *call)
{
	reply_text(call, "+OK\r\n");
	call->result = COMMAND_QUIT;
}

static void info(struct call *call)
{
	call->result = COMMAND_INFO;
}

/* There is one database. */
static void select_db(struct call *call)
{
	int64_t n;

	if (!read_number(call, 1, &n))
		return;
	reply_text(call,
		   n == 0 ? "+OK\r\n" : "-ERR DB index is out of range\r\n");
}

/* Only the second version of the protocol is spoken. */
static void hello(struct call *call)
{
	struct buf *out = reply(call);
	int64_t version = 2;

	if (n_args(call) > 1 && !resp_to_int(arg(call, 1), &version)) {
		resp_add_error(out, "ERR Protocol version is not an integer or "
				    "out of range");
	} else if (version != 2) {
		resp_add_error(out, "NOPROTO unsupported protocol version");
	} else if (n_args(call) > 2) {
		resp_add_error(out, "ERR Syntax error in HELLO");
	} else {
		resp_add_text(out, "*14\r\n$6\r\nserver\r\n$5\r\nredis\r\n"
				   "$7\r\nversion\r\n$6\r\n" VERSION "\r\n"
				   "$5\r\nproto\r\n:2\r\n$2\r\nid\r\n");
		resp_add_int(out, call->round->id);
		resp_add_text(out, "$4\r\nmode\r\n$10\r\nstandalone\r\n"
				   "$4\r\nrole\r\n$6\r\nmaster\r\n"
				   "$7\r\nmodules\r\n*0\r\n");
	}
}

/* What clients say before they start. It is not remembered. */
static void client(struct call *call)
{
	struct slice sub = arg(call, 1);

	if (is(sub, "id"))
		resp_add_int(reply(call), call->round->id);
	else if (is(sub, "setname") && n_args(call) != 3)
		wrong_args(call, "|setname");
	else if (is(sub, "setinfo") && n_args(call) != 4)
		wrong_args(call, "|setinfo");
	else if (is(sub, "setname") || is(sub, "setinfo"))
		reply_text(call, "+OK\r\n");
	else
		wrong_sub(call, "CLIENT");
}

/* What benchmarks ask before they start. */
static void config(struct call *call)
{
	static const char *const values[][2] = {
		{ "save", "" },
		{ "appendonly", "no" },
		{ "maxmemory", "0" },
	};
	size_t i = 0, n = sizeof(values) / sizeof(*values);
	struct buf *out;

	if (!is(arg(call, 1), "get")) {
		wrong_sub(call, "CONFIG");
		return;
	}
	if (n_args(call) < 3) {
		wrong_args(call, "|get");
		return;
	}
	out = reply(call);
	while (i < n && !is(arg(call, 2), values[i][0]))
		i++;
	resp_add_array(out, i < n ? 2 : 0);
	for (int k = 0; i < n && k < 2; k++)
		resp_add_string(out, values[i][k]);
}

static void command_command(struct call *call);

/* ---- finding commands ---------------------------------------------------- */

/* The most used first: it is searched from the start. */
static const struct command commands[] = {
	{ "get", 2, key, { .op = OP_GET } },
	{ "set", -3, set, { .op = OP_SET } },
	{ "incr", 2, key, { .op = OP_ADD, .number = 1 } },
	{ "mget", -2, mget, { .op = OP_GET } },
	{ "mset", -3, mset, { .op = OP_SET, .flags = REQUEST_SILENT } },
	{ "del", -2, count, { .op = OP_DEL } },
	{ "exists", -2, count, { .op = OP_EXISTS } },
	{ "expire", -3, expire, { .op = OP_EXPIRE, .number = 0 } },
	{ "ttl", 2, key, { .op = OP_TTL } },
	{ "decr", 2, key, { .op = OP_ADD, .number = -1 } },
	{ "incrby", 3, add, { .op = OP_ADD, .number = 1 } },
	{ "decrby", 3, add, { .op = OP_ADD, .number = -1 } },
	{ "setex", 4, setex, { .op = OP_SET, .number = 0 } },
	{ "setnx",
	  3,
	  key_value,
	  { .op = OP_SET, .flags = REQUEST_NX | REQUEST_INT } },
	{ "getset", 3, key_value, { .op = OP_SET, .flags = REQUEST_GET } },
	{ "getdel", 2, key, { .op = OP_GET, .flags = REQUEST_DELETE } },
	{ "append", 3, key_value, { .op = OP_APPEND } },
	{ "strlen", 2, key, { .op = OP_STRLEN } },
	{ "pexpire", -3, expire, { .op = OP_EXPIRE, .number = 1 } },
	{ "psetex", 4, setex, { .op = OP_SET, .number = 1 } },
	{ "pttl", 2, key, { .op = OP_PTTL } },
	{ "persist", 2, key, { .op = OP_PERSIST } },
	{ "type", 2, key, { .op = OP_TYPE } },
	{ "unlink", -2, count, { .op = OP_DEL } },
	{ "touch", -2, count, { .op = OP_EXISTS } },
	{ "dbsize", 1, dbsize, { .op = OP_SIZE } },
	{ "flushall", -1, flushall, { .op = OP_FLUSH } },
	{ "flushdb", -1, flushall, { .op = OP_FLUSH } },
	{ "ping", -1, ping, { 0 } },
	{ "echo", 2, echo, { 0 } },
	{ "quit", -1, quit, { 0 } },
	{ "info", -1, info, { 0 } },
	{ "select", 2, select_db, { 0 } },
	{ "hello", -1, hello, { 0 } },
	{ "client", -2, client, { 0 } },
	{ "config", -2, config, { 0 } },
	{ "command", -1, command_command, { 0 } },
};

enum { COMMANDS = sizeof(commands) / sizeof(*commands) };

/* Their documentation is that of Redis. */
static void command_command(struct call *call)
{
	if (n_args(call) > 1 && is(arg(call, 1), "count"))
		resp_add_int(reply(call), COMMANDS);
	else
		resp_add_array(reply(call), 0);
}

static const struct command *find(struct slice word)
{
	char name[NAME_SIZE] = { 0 };

	if (word.size == 0 || word.size >= NAME_SIZE)
		return NULL;
	for (size_t i = 0; i < word.size; i++) {
		char c = word.data[i];

		name[i] = c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c;
	}
	if (!name[word.size - 1])
		return NULL; /* "get\0" would look like "get" */
	for (size_t i = 0; i < COMMANDS; i++)
		if (memcmp(commands[i].name, name, NAME_SIZE) == 0)
			return &commands[i];
	return NULL;
}

static void unknown(struct call *call)
{
	struct slice name = arg(call, 0), word;
	char args[SHOWN + 8] = "";
	int size = 0;

	for (uint32_t i = 1; i < n_args(call) && size < SHOWN; i++) {
		word = arg(call, i);
		size += snprintf(args + size, sizeof(args) - size, "'%.*s' ",
				 shown(word, SHOWN - size), word.data);
	}
	resp_add_error(reply(call),
		       "ERR unknown command '%.*s', with args beginning with: "
		       "%s",
		       shown(name, SHOWN), name.data, args);
}

enum command_result command_run(struct round *round,
				const struct resp_parser *line)
{
	struct call call = { round, line, find(resp_arg(line, 0)),
			     COMMAND_DONE };
	int n = line->n_args, expected = call.command ? call.command->args : 0;

	if (!call.command)
		unknown(&call);
	else if (expected < 0 ? n < -expected : n != expected)
		wrong_args(&call, "");
	else
		call.command->run(&call);
	if (call.result != COMMAND_INFO)
		round_command_end(round);
	return call.result;
}

/* ---- INFO ---------------------------------------------------------------- */

static bool wanted(const struct resp_parser *line, const char *section)
{
	for (uint32_t i = 1; i < line->n_args; i++) {
		struct slice word = resp_arg(line, i);

		if (is(word, section) || is(word, "all") ||
		    is(word, "everything") || is(word, "default"))
			return true;
	}
	return line->n_args == 1;
}

struct field {
	const char *section, *name;
	uint64_t value;
};

void command_info(struct round *round, const struct resp_parser *line,
		  const struct store_stats *stats)
{
	const struct field fields[] = {
		{ "Server", "process_id", getpid() },
		{ "Server", "workers", round->shards->n },
		{ "Clients", "connected_clients", stats->connected },
		{ "Stats", "total_connections_received", stats->connections },
		{ "Stats", "total_commands_processed", stats->commands },
		{ "Stats", "expired_keys", stats->expired },
		{ "Stats", "keyspace_hits", stats->hits },
		{ "Stats", "keyspace_misses", stats->misses },
		{ "Keyspace", "keys", stats->keys },
		{ "Keyspace", "expires", stats->expiring },
	};
	const char *section = "";
	char text[1024];
	size_t size = 0;

	for (size_t i = 0; i < sizeof(fields) / sizeof(*fields); i++) {
		if (!wanted(line, fields[i].section))
			continue;
		if (strcmp(section, fields[i].section) != 0)
			size += snprintf(text + size, sizeof(text) - size,
					 "%s# %s\r\n", size ? "\r\n" : "",
					 fields[i].section);
		section = fields[i].section;
		size += snprintf(text + size, sizeof(text) - size,
				 "%s:%llu\r\n", fields[i].name,
				 (unsigned long long)fields[i].value);
	}
	resp_add_bulk(round_reply(round), (struct slice){ text, size });
	round_command_end(round);
}
