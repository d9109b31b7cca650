/* SPDX-License-Identifier: MIT */
/*
 * heph tree: who is whose child. The actors come in any order, so they are kept,
 * sorted by parent and id; the children of an actor are then neighbours.
 */
#if HEPH_CTL

#include "commands.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "ask.h"
#include "options.h"
#include "text.h"

static const char usage[] = "usage: heph tree [OPTION...] [PROGRAM]\n\n"
			    "Shows which actor is the child of which.\n";

struct node {
	uint64_t id, parent;
	char *text;
	bool shown;
};

struct tree {
	const struct options *options;
	struct node *nodes;
	size_t n, size;
	long lines;
};

static uint64_t number(const json_t *line, const char *key)
{
	return (uint64_t)json_integer_value(json_object_get(line, key));
}

static const char *word(const json_t *line, const char *key)
{
	const char *text = json_string_value(json_object_get(line, key));

	return text ? text : "";
}

/* "name#id (type, waiting for message, restarted twice)" */
static char *describe(const json_t *actor)
{
	const char *name = word(actor, "name"), *type = word(actor, "type");
	const char *wait = word(actor, "wait");
	uint64_t restarts = number(actor, "restarts");
	char *text = NULL, again[40] = "";

	if (restarts)
		snprintf(again, sizeof(again), ", restarts %llu",
			 (unsigned long long)restarts);
	if (asprintf(&text, "%s#%llu  %s%s%s%s%s%s", name,
		     (unsigned long long)number(actor, "id"),
		     strcmp(name, type) ? type : "",
		     strcmp(name, type) ? ", " : "", word(actor, "state"),
		     *wait ? " for " : "", wait, again) < 0)
		abort(); /* there is nothing that we could do */
	return text;
}

static void on_line(void *arg, json_t *line)
{
	struct tree *tree = arg;
	json_t *actors = json_object_get(line, "actors"), *actor;
	struct node *node;
	size_t n;

	json_array_foreach(actors, n, actor)
	{
		if (tree->n == tree->size) {
			tree->size = 2 * tree->size + 1024;
			tree->nodes = realloc(tree->nodes,
					      tree->size * sizeof(*node));
			if (!tree->nodes)
				abort();
		}
		node = &tree->nodes[tree->n++];
		node->id = number(actor, "id");
		node->parent = number(actor, "parent");
		node->text = describe(actor);
		node->shown = false;
	}
}

static int compare(const void *a, const void *b)
{
	const struct node *one = a, *other = b;

	if (one->parent != other->parent)
		return one->parent < other->parent ? -1 : 1;
	return (one->id > other->id) - (one->id < other->id);
}

/* The first child of an actor, or where it would be. */
static size_t children_of(const struct tree *tree, uint64_t parent)
{
	size_t low = 0, high = tree->n, middle;

	while (low < high) {
		middle = low + (high - low) / 2;
		if (tree->nodes[middle].parent < parent)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool is_child(const struct tree *tree, size_t n, uint64_t parent)
{
	return n < tree->n && tree->nodes[n].parent == parent;
}

enum { DEPTH_MAX = 200 }; /* of what is drawn */

static bool enough(const struct tree *tree)
{
	return tree->options->limit && tree->lines > tree->options->limit;
}

/* Prints an actor, and what comes from it. `prefix` is what stands in front of
 * its children, a text with room for more. */
static void print(struct tree *tree, size_t n, char *prefix, long depth)
{
	struct node *node = &tree->nodes[n];
	size_t child = children_of(tree, node->id), len = strlen(prefix);
	bool last;

	text_print(stdout, node->text, 0);
	fputs("\n", stdout);
	node->shown = true;
	tree->lines++;
	if ((tree->options->depth && depth >= tree->options->depth) ||
	    depth >= DEPTH_MAX)
		return;
	for (; is_child(tree, child, node->id) && !enough(tree); child++) {
		last = !is_child(tree, child + 1, node->id);
		printf("%s%s", prefix, last ? "└─ " : "├─ ");
		strcat(prefix, last ? "   " : "│  ");
		if (!tree->nodes[child].shown)
			print(tree, child, prefix, depth + 1);
		prefix[len] = '\0';
	}
}

static int by_id(const void *a, const void *b)
{
	const uint64_t *one = a, *other = b;

	return (*one > *other) - (*one < *other);
}

/* First those without a parent, then those whose parent has ended meanwhile, or
 * was filtered out. */
static void print_all(struct tree *tree)
{
	uint64_t *ids = malloc((tree->n + 1) * sizeof(*ids));
	char prefix[8 * DEPTH_MAX];

	if (!ids)
		abort();
	qsort(tree->nodes, tree->n, sizeof(*tree->nodes), compare);
	for (size_t n = 0; n < tree->n; n++)
		ids[n] = tree->nodes[n].id;
	qsort(ids, tree->n, sizeof(*ids), by_id);
	for (size_t n = 0; n < tree->n && !enough(tree); n++) {
		prefix[0] = '\0';
		if (!tree->nodes[n].shown &&
		    !bsearch(&tree->nodes[n].parent, ids, tree->n, sizeof(*ids),
			     by_id))
			print(tree, n, prefix, 1);
	}
	free(ids);
	for (size_t n = 0; n < tree->n; n++)
		free(tree->nodes[n].text);
	free(tree->nodes);
}

int tree(int argc, char **argv)
{
	struct options options;
	struct tree it = { .options = &options };
	struct ask asked;
	int code = options_read(&options, "tree",
				OPTIONS_FILTERS | OPTIONS_LIMIT | OPTIONS_DEPTH,
				usage, argc, argv);

	if (code >= 0)
		return code;
	if (!options.target.program)
		options.target.program = options_next(&options);
	if (options.argc)
		return options_too_many(&options);
	code = ask_open(&asked, &options.target);
	if (code == 0)
		code = ask(&asked, options_request(&options, "tree"), on_line,
			   &it);
	print_all(&it);
	ask_close(&asked);
	return code;
}

#endif
