/* SPDX-License-Identifier: MIT */
#if HEPH_CTL

#include "rt/ctl_request.h"

#include <heph/inspect.h>
#include <heph/runtime.h>

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "rt/ctl_field.h"

#define BIT(n_) (1u << (n_))

/* ---- errors and texts ----------------------------------------------------------- */

/* How many bytes of UTF-8 stand at `s`, one character; 0: none. jansson knows what
 * may be in a text, so it is asked. */
static size_t character(const char *s)
{
	size_t size = (unsigned char)*s < 0x80 ? 1 :
		      (unsigned char)*s < 0xe0 ? 2 :
		      (unsigned char)*s < 0xf0 ? 3 :
						 4;
	json_t *text;

	if (size == 1)
		return 1;
	if (strnlen(s, size) < size)
		return 0;
	text = json_stringn(s, size);
	json_decref(text);
	return text ? size : 0;
}

/* Copies a text; what is no UTF-8 is replaced, what does not fit is left out. */
static void copy_text(char *to, size_t size, const char *from)
{
	size_t n, at = 0;

	while (*from) {
		n = character(from);
		if (at + (n ? n : 3) >= size)
			break;
		memcpy(to + at, n ? from : "\xef\xbf\xbd", n ? n : 3);
		at += n ? n : 3;
		from += n ? n : 1;
	}
	to[at] = '\0';
}

json_t *heph_ctl_text(const char *text)
{
	json_t *made = json_string(text);
	size_t size = 3 * strlen(text) + 1;
	char *clean;

	if (made)
		return made;
	clean = malloc(size);
	if (!clean)
		return NULL;
	copy_text(clean, size, text);
	made = json_string(clean);
	free(clean);
	return made;
}

int heph_ctl_fail(struct heph_ctl_error *error, int err, const char *format,
		  ...)
{
	char text[sizeof(error->text)];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	copy_text(error->text, sizeof(error->text), text);
	error->err = err;
	return err;
}

/* ---- keys ------------------------------------------------------------------------- */

typedef int set_fn(struct heph_ctl_request *request,
		   struct heph_ctl_error *error, const json_t *value);

static int set_actor(struct heph_ctl_request *request,
		     struct heph_ctl_error *error, const json_t *value)
{
	const char *text = json_string_value(value);
	const char *digits = text;
	char *end;

	if (json_is_integer(value) && json_integer_value(value) > 0) {
		request->actor = (uint64_t)json_integer_value(value);
		return 0;
	}
	if (!text || !*text)
		return heph_ctl_fail(
			error, -EINVAL,
			"'actor' must be an id, NAME#ID or a name");
	if (strrchr(text, '#'))
		digits = strrchr(text, '#') + 1;
	errno = 0;
	request->actor = strtoull(digits, &end, 10);
	if (*digits < '0' || *digits > '9' || *end || errno ||
	    !request->actor) {
		request->actor = 0;
		request->actor_name = text;
	}
	return 0;
}

static int set_text(const char **ret_text, const char *key,
		    struct heph_ctl_error *error, const json_t *value)
{
	*ret_text = json_string_value(value);
	if (*ret_text && **ret_text)
		return 0;
	return heph_ctl_fail(error, -EINVAL,
			     "'%s' must be a text that is not empty", key);
}

static int set_name(struct heph_ctl_request *request,
		    struct heph_ctl_error *error, const json_t *value)
{
	return set_text(&request->name, "name", error, value);
}

static int set_type(struct heph_ctl_request *request,
		    struct heph_ctl_error *error, const json_t *value)
{
	return set_text(&request->type, "type", error, value);
}

static int set_file(struct heph_ctl_request *request,
		    struct heph_ctl_error *error, const json_t *value)
{
	return set_text(&request->file, "file", error, value);
}

static const char *state_name(unsigned n)
{
	return heph_state_name((enum heph_actor_state)n);
}

static const char *wait_name(unsigned n)
{
	return heph_wait_kind_name((enum heph_wait_kind)n);
}

/* One of the words that name() gives for 0 to n - 1, as a bit. */
static int set_word(uint32_t *ret_bits, const char *key,
		    const char *(*name)(unsigned), unsigned n,
		    struct heph_ctl_error *error, const json_t *value)
{
	const char *text = json_string_value(value);
	char words[200] = "";
	size_t at = 0;

	for (unsigned i = 0; i < n; i++) {
		if (text && strcmp(text, name(i)) == 0) {
			*ret_bits = BIT(i);
			return 0;
		}
		at += (size_t)snprintf(words + at, sizeof(words) - at, "%s%s",
				       i ? ", " : "", name(i));
		if (at >= sizeof(words))
			at = sizeof(words) - 1;
	}
	return heph_ctl_fail(error, -EINVAL, "'%s' must be one of %s", key,
			     words);
}

static int set_state(struct heph_ctl_request *request,
		     struct heph_ctl_error *error, const json_t *value)
{
	return set_word(&request->states, "state", state_name, HEPH_STATES,
			error, value);
}

static int set_wait(struct heph_ctl_request *request,
		    struct heph_ctl_error *error, const json_t *value)
{
	return set_word(&request->waits, "wait", wait_name, HEPH_WAITS, error,
			value);
}

static int set_worker(struct heph_ctl_request *request,
		      struct heph_ctl_error *error, const json_t *value)
{
	json_int_t n = json_integer_value(value);

	if (!json_is_integer(value) || n < -1 || n > HEPH_WORKERS_MAX)
		return heph_ctl_fail(
			error, -EINVAL,
			"'worker' must be a number, or -1 for threads of actors");
	request->worker = (int)n;
	return 0;
}

static int set_limit(struct heph_ctl_request *request,
		     struct heph_ctl_error *error, const json_t *value)
{
	json_int_t n = json_integer_value(value);

	if (!json_is_integer(value) || n < 1)
		return heph_ctl_fail(error, -EINVAL,
				     "'limit' must be a number from 1 on");
	request->limit = (uint64_t)n;
	return 0;
}

static int set_fields(struct heph_ctl_request *request,
		      struct heph_ctl_error *error, const json_t *value)
{
	size_t n = json_array_size(value);
	const char *name;
	int field;

	if (n == 0 || n > HEPH_CTL_FIELDS_MAX)
		return heph_ctl_fail(error, -EINVAL,
				     "'fields' must be a list of 1 to %d names",
				     HEPH_CTL_FIELDS_MAX);
	for (size_t i = 0; i < n; i++) {
		name = json_string_value(json_array_get(value, i));
		field = name ? heph_ctl_field_find(name) : -1;
		if (field < 0)
			return heph_ctl_fail(error, -EINVAL,
					     "'fields': there is no '%.40s'",
					     name ? name : "");
		request->fields[i] = (uint8_t)field;
	}
	request->n_fields = (unsigned)n;
	return 0;
}

static int set_bool(bool *ret_value, const char *key,
		    struct heph_ctl_error *error, const json_t *value)
{
	*ret_value = json_is_true(value);
	if (json_is_boolean(value))
		return 0;
	return heph_ctl_fail(error, -EINVAL, "'%s' must be true or false", key);
}

static int set_rows(struct heph_ctl_request *request,
		    struct heph_ctl_error *error, const json_t *value)
{
	return set_bool(&request->rows, "rows", error, value);
}

static int set_all(struct heph_ctl_request *request,
		   struct heph_ctl_error *error, const json_t *value)
{
	return set_bool(&request->all, "all", error, value);
}

static int set_action(struct heph_ctl_request *request,
		      struct heph_ctl_error *error, const json_t *value)
{
	request->action = json_string_value(value);
	if (request->action && (strcmp(request->action, "on") == 0 ||
				strcmp(request->action, "off") == 0 ||
				strcmp(request->action, "status") == 0))
		return 0;
	return heph_ctl_fail(error, -EINVAL,
			     "'action' must be one of on, off, status");
}

static int set_level(struct heph_ctl_request *request,
		     struct heph_ctl_error *error, const json_t *value)
{
	static const char *const names[] = { "off", "error", "warn", "info",
					     "debug" };
	const char *text = json_string_value(value);

	for (int n = 0; text && n < 5; n++)
		if (strcmp(text, names[n]) == 0) {
			request->level = HEPH_LOG_OFF + n;
			return 0;
		}
	return heph_ctl_fail(
		error, -EINVAL,
		"'level' must be one of off, error, warn, info, debug");
}

static const struct {
	const char *name, *what;
	set_fn *set;
} keys[HEPH_CTL_KEYS] = {
	[HEPH_CTL_ACTOR] = { "actor", "an id, or NAME#ID, or a name",
			     set_actor },
	[HEPH_CTL_NAME] = { "name", "a name, or a pattern with * and ?",
			    set_name },
	[HEPH_CTL_TYPE] = { "type", "a type, or a pattern with * and ?",
			    set_type },
	[HEPH_CTL_STATE] = { "state", "running, ready, waiting, ...",
			     set_state },
	[HEPH_CTL_WAIT] = { "wait", "what it waits for: message, answer, ...",
			    set_wait },
	[HEPH_CTL_WORKER] = { "worker",
			      "a number; -1: those with threads of their own",
			      set_worker },
	[HEPH_CTL_LIMIT] = { "limit", "so many at most", set_limit },
	[HEPH_CTL_FIELDS] = { "fields", "a list: what to tell of each actor",
			      set_fields },
	[HEPH_CTL_ROWS] = { "rows", "true: lists of values instead of objects",
			    set_rows },
	[HEPH_CTL_ACTION] = { "action", "on, off or status", set_action },
	[HEPH_CTL_FILE] = { "file", "a new file, for the trace", set_file },
	[HEPH_CTL_LEVEL] = { "level", "off, error, warn, info or debug",
			     set_level },
	[HEPH_CTL_ALL] = { "all", "true: the runtime itself", set_all },
};

/* ---- commands ----------------------------------------------------------------------- */

enum {
	FILTERS = BIT(HEPH_CTL_NAME) | BIT(HEPH_CTL_TYPE) |
		  BIT(HEPH_CTL_STATE) | BIT(HEPH_CTL_WAIT) |
		  BIT(HEPH_CTL_WORKER) | BIT(HEPH_CTL_LIMIT),
};

static const struct {
	const char *name, *what;
	uint32_t keys, needs; /* bits */
} commands[HEPH_CTL_COMMANDS] = {
	[HEPH_CTL_HELP] = { "help", "the commands and their keys", 0, 0 },
	[HEPH_CTL_VERSION] = { "version", "which program this is", 0, 0 },
	[HEPH_CTL_LIST] = { "list", "the actors",
			    FILTERS | BIT(HEPH_CTL_FIELDS) | BIT(HEPH_CTL_ROWS),
			    0 },
	[HEPH_CTL_SHOW] = { "show", "one actor and its children",
			    BIT(HEPH_CTL_ACTOR), BIT(HEPH_CTL_ACTOR) },
	[HEPH_CTL_TREE] = { "tree", "the actors with their parents",
			    FILTERS | BIT(HEPH_CTL_ROWS), 0 },
	[HEPH_CTL_STATS] = { "stats", "the counters, of all and of each worker",
			     0, 0 },
	[HEPH_CTL_METRICS] = { "metrics",
			       "all numbers, as Prometheus reads them", 0, 0 },
	[HEPH_CTL_CYCLES] = { "cycles", "actors that wait for each other", 0,
			      0 },
	[HEPH_CTL_TRACE] = { "trace", "turns the trace on and off",
			     BIT(HEPH_CTL_ACTION) | BIT(HEPH_CTL_FILE), 0 },
	[HEPH_CTL_LOG] = { "log", "the level of the log, and a new one",
			   BIT(HEPH_CTL_LEVEL), 0 },
	[HEPH_CTL_STOP] = { "stop", "asks an actor, or all, to stop",
			    BIT(HEPH_CTL_ACTOR) | BIT(HEPH_CTL_ALL), 0 },
};

static int find_command(struct heph_ctl_request *request,
			struct heph_ctl_error *error)
{
	const json_t *value = json_object_get(request->root, "cmd");
	const char *name = json_string_value(value);

	if (!name)
		return heph_ctl_fail(error, -EINVAL,
				     value ? "'cmd' must be a text" :
					     "there is no 'cmd'; try "
					     "{\"cmd\": \"help\"}");
	for (int n = 0; n < HEPH_CTL_COMMANDS; n++)
		if (strcmp(name, commands[n].name) == 0) {
			request->command = (enum heph_ctl_command)n;
			return 0;
		}
	return heph_ctl_fail(error, -ENOSYS,
			     "there is no command '%.40s'; try "
			     "{\"cmd\": \"help\"}",
			     name);
}

static int set_key(struct heph_ctl_request *request,
		   struct heph_ctl_error *error, const char *name,
		   const json_t *value)
{
	if (strcmp(name, "cmd") == 0 || strcmp(name, "id") == 0)
		return 0;
	for (int n = 0; n < HEPH_CTL_KEYS; n++)
		if (strcmp(name, keys[n].name) == 0 &&
		    (commands[request->command].keys & BIT(n))) {
			request->given |= BIT(n);
			return keys[n].set(request, error, value);
		}
	return heph_ctl_fail(error, -EINVAL, "'%s' has no '%.40s'",
			     commands[request->command].name, name);
}

/* What the table cannot say. */
static int check(const struct heph_ctl_request *request,
		 struct heph_ctl_error *error)
{
	uint32_t missing = commands[request->command].needs & ~request->given;

	for (int n = 0; n < HEPH_CTL_KEYS; n++)
		if (missing & BIT(n))
			return heph_ctl_fail(error, -EINVAL, "'%s' needs '%s'",
					     commands[request->command].name,
					     keys[n].name);
	if (request->command == HEPH_CTL_STOP &&
	    request->all == !!(request->given & BIT(HEPH_CTL_ACTOR)))
		return heph_ctl_fail(error, -EINVAL,
				     "'stop' needs 'actor', or 'all': true");
	return 0;
}

static int read_keys(struct heph_ctl_request *request,
		     struct heph_ctl_error *error)
{
	const char *name;
	json_t *value;
	int err = 0;

	json_object_foreach(request->root, name, value) if (err == 0)
		err = set_key(request, error, name, value);
	return err;
}

/* An id is given back as it is, so it is small. */
static int read_id(struct heph_ctl_request *request,
		   struct heph_ctl_error *error)
{
	json_t *id = json_object_get(request->root, "id");

	if (!id)
		return 0;
	if (!json_is_number(id) && !json_is_string(id))
		return heph_ctl_fail(error, -EINVAL,
				     "'id' must be a number or a text");
	if (json_string_length(id) > 128)
		return heph_ctl_fail(error, -EINVAL,
				     "'id' is longer than 128 bytes");
	request->id = id;
	return 0;
}

int heph_ctl_request_parse(struct heph_ctl_request *request,
			   struct heph_ctl_error *error, const char *line,
			   size_t size)
{
	json_error_t where;
	int err;

	*request = (struct heph_ctl_request){ .worker = -1 };
	request->root = json_loadb(line, size, JSON_REJECT_DUPLICATES, &where);
	if (!request->root)
		return heph_ctl_fail(error, -EBADMSG, "column %d: %s",
				     where.column, where.text);
	if (!json_is_object(request->root))
		return heph_ctl_fail(error, -EBADMSG,
				     "a request is an object: {\"cmd\": ...}");
	err = read_id(request, error);
	if (err == 0)
		err = find_command(request, error);
	if (err == 0)
		err = read_keys(request, error);
	return err < 0 ? err : check(request, error);
}

void heph_ctl_request_fini(struct heph_ctl_request *request)
{
	json_decref(request->root);
}

/* ---- help ------------------------------------------------------------------------------ */

static json_t *help_keys(uint32_t bits)
{
	json_t *all = json_object();

	for (int n = 0; all && n < HEPH_CTL_KEYS; n++)
		if (bits & BIT(n))
			json_object_set_new(all, keys[n].name,
					    json_string(keys[n].what));
	return all;
}

json_t *heph_ctl_help(void)
{
	json_t *all = json_array();

	for (int n = 0; all && n < HEPH_CTL_COMMANDS; n++)
		json_array_append_new(all,
				      json_pack("{s:s, s:s, s:o}", "cmd",
						commands[n].name, "what",
						commands[n].what, "keys",
						help_keys(commands[n].keys)));
	return all;
}

#endif
