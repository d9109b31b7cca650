/* SPDX-License-Identifier: MIT */
/*
 * heph ps: a line for each actor. What is not sorted is printed as it comes; what
 * is sorted is kept, with all cells of an actor in one piece of memory.
 */
#if HEPH_CTL

#include "commands.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "ask.h"
#include "exits.h"
#include "options.h"
#include "text.h"

enum { CELL = 224, COLUMNS_MAX = 20, FIELDS_MAX = 4 };

static const char usage[] =
	"usage: heph ps [OPTION...] [PROGRAM]\n\n"
	"Lists the actors of a program that has a control socket.\n";

/* ---- columns ------------------------------------------------------------------------ */

/* Some are made of several fields. */
static const struct column {
	const char *name, *title;
	int width; /* negative: numbers */
	const char *fields[FIELDS_MAX];
	bool bytes; /* the sum of the fields */
} columns[] = {
	{ "id", "ID", -8, { "id" }, false },
	{ "name", "NAME", 16, { "name" }, false },
	{ "type", "TYPE", 12, { "type" }, false },
	{ "parent", "PARENT", -8, { "parent" }, false },
	{ "worker", "WORKER", -6, { "worker" }, false },
	{ "state", "STATE", 10, { "state" }, false },
	{ "wait", "WAIT", 10, { "wait" }, false },
	{ "inbox", "INBOX", -6, { "inbox" }, false },
	{ "capacity", "CAPACITY", -8, { "capacity" }, false },
	{ "received", "RECEIVED", -10, { "received" }, false },
	{ "restarts", "RESTARTS", -8, { "restarts" }, false },
	{ "children", "CHILDREN", -8, { "children" }, false },
	{ "owed", "OWED", -5, { "owed" }, false },
	{ "operations", "OPS", -4, { "operations" }, false },
	{ "fd", "FD", -4, { "fd" }, false },
	{ "priority", "PRIO", -4, { "priority" }, false },
	{ "mem", "MEM", -6, { "stack", "arena", "messages" }, true },
	{ "does", "DOES", 0, { "text" }, false },
};
enum { COLUMNS = sizeof(columns) / sizeof(*columns) };

static const char by_default[] =
	"id,name,type,worker,state,inbox,received,restarts,mem,does";

struct row {
	double key; /* of what is sorted by; NULL text: a number */
	char *text;
	char *cells; /* one after another, with their ends */
};

struct ps {
	const struct options *options;
	const struct column *columns[COLUMNS_MAX];
	int n_columns;
	const struct column *sort; /* NULL: as they come */
	struct row *rows;
	size_t n, size;
	bool titled;
	json_t *names; /* of the fields, for --json */
	json_t *stuck;
};

static const struct column *find_column(const char *name, size_t size)
{
	for (int n = 0; n < COLUMNS; n++)
		if (strlen(columns[n].name) == size &&
		    strncmp(columns[n].name, name, size) == 0)
			return &columns[n];
	return NULL;
}

static int bad_column(const char *name, size_t size)
{
	fprintf(stderr, "heph: there is no column '%.*s'; there are", (int)size,
		name);
	for (int n = 0; n < COLUMNS; n++)
		fprintf(stderr, "%s %s", n ? "," : "", columns[n].name);
	fprintf(stderr, "\n");
	return EXIT_USAGE;
}

/* -1, or what to end with. */
static int read_columns(struct ps *ps, const char *list)
{
	size_t size;

	for (; *list; list += size + (list[size] == ',')) {
		size = strcspn(list, ",");
		if (ps->n_columns == COLUMNS_MAX)
			return bad_column("more than 20 of them", 20);
		ps->columns[ps->n_columns] = find_column(list, size);
		if (!ps->columns[ps->n_columns++])
			return bad_column(list, size);
	}
	return ps->n_columns ? -1 : bad_column("", 0);
}

static int read_sort(struct ps *ps)
{
	const char *name = ps->options->sort;

	if (!name)
		return -1;
	ps->sort = find_column(name, strlen(name));
	return ps->sort ? -1 : bad_column(name, strlen(name));
}

/* ---- the request --------------------------------------------------------------------- */

static void add_fields(json_t *fields, const struct column *column)
{
	for (int n = 0; n < FIELDS_MAX && column->fields[n]; n++)
		json_array_append_new(fields, json_string(column->fields[n]));
}

/* Those of the columns in their order, then that of the sort. */
static json_t *request_of(const struct ps *ps)
{
	json_t *request = options_request(ps->options, "list");
	json_t *fields = json_array();

	if (ps->options->limit && !ps->sort)
		json_object_set_new(request, "limit",
				    json_integer(ps->options->limit));
	json_object_set_new(request, "rows", json_true());
	if (ps->options->json) { /* all fields */
		json_decref(fields);
		return request;
	}
	for (int n = 0; n < ps->n_columns; n++)
		add_fields(fields, ps->columns[n]);
	if (ps->sort)
		add_fields(fields, ps->sort);
	json_object_set_new(request, "fields", fields);
	return request;
}

/* ---- cells ------------------------------------------------------------------------------ */

static double sum(json_t *const *values, const struct column *column)
{
	double total = 0;

	for (int n = 0; n < FIELDS_MAX && column->fields[n]; n++)
		total += json_number_value(values[n]);
	return total;
}

static int fields_of(const struct column *column)
{
	int n = 0;

	while (n < FIELDS_MAX && column->fields[n])
		n++;
	return n;
}

static void cell_of(char cell[CELL], json_t *const *values,
		    const struct column *column)
{
	const char *text = json_string_value(*values);

	if (column->bytes)
		text_bytes(cell, sum(values, column));
	else if (text)
		text_clean(cell, CELL, text, 0);
	else if (json_is_integer(*values))
		snprintf(cell, CELL, "%lld",
			 (long long)json_integer_value(*values));
	else
		snprintf(cell, CELL, "-");
}

static void print_titles(struct ps *ps)
{
	for (int n = 0; n < ps->n_columns; n++) {
		text_print(stdout, ps->columns[n]->title,
			   ps->columns[n]->width);
		fputs(n + 1 < ps->n_columns ? "  " : "\n", stdout);
	}
	ps->titled = true;
}

static void print_cells(const struct ps *ps, const char *cells)
{
	for (int n = 0; n < ps->n_columns; n++) {
		text_print(stdout, cells,
			   n + 1 < ps->n_columns || ps->columns[n]->width < 0 ?
				   ps->columns[n]->width :
				   0);
		fputs(n + 1 < ps->n_columns ? "  " : "\n", stdout);
		cells += strlen(cells) + 1;
	}
}

/* ---- rows --------------------------------------------------------------------------------- */

static void keep(struct ps *ps, json_t *const *key, const char *cells,
		 size_t size)
{
	struct row *row;
	const char *text = json_string_value(*key);

	if (ps->n == ps->size) {
		ps->size = 2 * ps->size + 1024;
		ps->rows = realloc(ps->rows, ps->size * sizeof(*ps->rows));
		if (!ps->rows)
			abort(); /* there is nothing that we could do */
	}
	row = &ps->rows[ps->n++];
	row->key = text ? 0 : sum(key, ps->sort);
	row->text = text ? strdup(text) : NULL;
	row->cells = malloc(size);
	if (!row->cells || (text && !row->text))
		abort();
	memcpy(row->cells, cells, size);
}

static void take_row(struct ps *ps, json_t *row)
{
	char cells[COLUMNS_MAX * CELL];
	json_t *values[COLUMNS_MAX * FIELDS_MAX + FIELDS_MAX];
	size_t n, at = 0, count = json_array_size(row);
	int field = 0;

	for (n = 0; n < count && n < sizeof(values) / sizeof(*values); n++)
		values[n] = json_array_get(row, n);
	for (; n < sizeof(values) / sizeof(*values); n++)
		values[n] = NULL;
	for (int i = 0; i < ps->n_columns; i++) {
		cell_of(cells + at, &values[field], ps->columns[i]);
		at += strlen(cells + at) + 1;
		field += fields_of(ps->columns[i]);
	}
	if (ps->sort)
		keep(ps, &values[field], cells, at);
	else
		print_cells(ps, cells);
}

static void print_object(const struct ps *ps, json_t *row)
{
	json_t *value;
	size_t n;

	json_array_foreach(row, n, value)
	{
		printf("%s\"%s\":", n ? "," : "{",
		       json_string_value(json_array_get(ps->names, n)));
		json_dumpf(value, stdout, JSON_COMPACT | JSON_ENCODE_ANY);
	}
	fputs("}\n", stdout);
}

static void on_line(void *arg, json_t *line)
{
	struct ps *ps = arg;
	json_t *rows = json_object_get(line, "rows"), *row;
	size_t n;

	if (json_object_get(line, "columns"))
		ps->names = json_incref(json_object_get(line, "columns"));
	if (!ps->titled && !ps->options->json)
		print_titles(ps);
	json_array_foreach(rows, n, row)
	{
		if (ps->options->json)
			print_object(ps, row);
		else
			take_row(ps, row);
	}
	if (json_array_size(json_object_get(line, "stuck")))
		ps->stuck = json_incref(json_object_get(line, "stuck"));
}

static int compare(const void *a, const void *b)
{
	const struct row *one = a, *other = b;

	if (one->text && other->text)
		return strcmp(one->text, other->text);
	return (one->key > other->key) - (one->key < other->key);
}

/* Numbers begin with the largest, texts with A. */
static void print_sorted(struct ps *ps)
{
	bool down = (ps->sort->width < 0) != ps->options->reverse;
	size_t n, limit = (size_t)ps->options->limit;

	qsort(ps->rows, ps->n, sizeof(*ps->rows), compare);
	for (n = 0; n < ps->n && (!limit || n < limit); n++)
		print_cells(ps, ps->rows[down ? ps->n - 1 - n : n].cells);
	for (n = 0; n < ps->n; n++) {
		free(ps->rows[n].text);
		free(ps->rows[n].cells);
	}
	free(ps->rows);
}

static void tell_stuck(json_t *stuck)
{
	json_t *actor;
	size_t n;

	json_array_foreach(stuck, n, actor)
	{
		fprintf(stderr, "heph: worker %d does not answer: ",
			(int)json_integer_value(
				json_object_get(actor, "worker")));
		text_print(stderr,
			   json_string_value(json_object_get(actor, "name")),
			   0);
		fprintf(stderr,
			"#%lld runs there; its other actors are not seen\n",
			(long long)json_integer_value(
				json_object_get(actor, "id")));
	}
	json_decref(stuck);
}

static int run(struct ps *ps)
{
	struct ask it;
	int code = ask_open(&it, &ps->options->target);

	if (code == 0)
		code = ask(&it, request_of(ps), on_line, ps);
	if (ps->sort)
		print_sorted(ps);
	fflush(stdout);
	tell_stuck(ps->stuck);
	json_decref(ps->names);
	ask_close(&it);
	return code;
}

int ps(int argc, char **argv)
{
	struct options options;
	struct ps it = { .options = &options };
	const char *list;
	int code = options_read(&options, "ps",
				OPTIONS_FILTERS | OPTIONS_LIMIT | OPTIONS_SORT |
					OPTIONS_COLUMNS | OPTIONS_JSON,
				usage, argc, argv);

	if (code >= 0)
		return code;
	if (!options.target.program)
		options.target.program = options_next(&options);
	if (options.argc)
		return options_too_many(&options);
	if (options.json && (options.sort || options.columns)) {
		fprintf(stderr,
			"heph: --json is neither sorted nor has columns\n");
		return EXIT_USAGE;
	}
	list = options.columns ? options.columns : by_default;
	code = read_columns(&it, list);
	if (code < 0)
		code = read_sort(&it);
	return code < 0 ? run(&it) : code;
}

#endif
