/* SPDX-License-Identifier: MIT */
/*
 * A tree of segments in two arrays. A node knows where to go for a number, for
 * anything, and for all that is left; where to go for a text says one hash table
 * of the whole tree, by the number of the node and the text. So a segment costs
 * one hash and, most often, one cache line of the table and one of the node,
 * whatever the number of routes is.
 *
 * A path is looked up depth first in the order of precedence, and goes back when
 * it ends where nothing is. As a node has one place in a path only, it is visited
 * once at most: nobody can write a path that takes longer than a walk over all
 * nodes with parameters.
 */
#include "http/routetree.h"

#include "http/mem.h"

#include <errno.h>
#include <string.h>

struct heph_http_node {
	/* Numbers of nodes; 0: there is none. */
	uint32_t number, any, rest;
	uint32_t texts; /* how many edges there are */
	uint32_t methods; /* of its leaves, but for `others` */
	bool is_signed; /* `number` is of {name:i64} */
	struct heph_http_leaf *leaves, *others; /* of ALL_METHODS */
};

enum { NEAR = 16 }; /* bytes of a text that is in the table itself */

struct heph_http_edge {
	uint32_t from, to; /* nodes; `to` is 0: nothing is here */
	uint32_t hash;
	uint32_t size; /* of the text */
	uint64_t near[2]; /* a text of NEAR bytes at most, as words */
	const char *far;  /* a longer one */
};

static uint64_t load(const char *at, size_t size)
{
	uint64_t word = 0;

	memcpy(&word, at, size);
	return word;
}

/* Up to eight bytes, without reading others. */
static uint64_t load_some(const char *at, size_t size)
{
	if (size >= 8)
		return load(at, 8);
	if (size >= 4)
		return load(at, 4) | load(at + size - 4, 4) << 32;
	if (!size)
		return 0;
	return (uint64_t)(unsigned char)at[0] |
	       (uint64_t)(unsigned char)at[size / 2] << 8 |
	       (uint64_t)(unsigned char)at[size - 1] << 16;
}

/* A text up to NEAR bytes; with its size these tell it from all others. */
static void words_of(struct heph_str text, uint64_t words[2])
{
	words[0] = load_some(text.data, text.size);
	words[1] = text.size > 8 ? load_some(text.data + 8, text.size - 8) : 0;
}

static uint64_t mix(uint64_t hash, uint64_t word)
{
	hash = (hash ^ word) * 0x9e3779b97f4a7c15u;
	return hash ^ hash >> 32;
}

/* What is in the table are texts of routes, so nobody can choose ones that
 * collide. */
static uint32_t hash_of(uint32_t node, struct heph_str text,
			const uint64_t words[2])
{
	uint64_t hash = mix(text.size ^ (uint64_t)node << 32, words[0]);

	hash = mix(hash, words[1]);
	for (size_t at = NEAR; at < text.size; at += 8)
		hash = mix(hash, load_some(text.data + at, text.size - at));
	return (uint32_t)hash;
}

static bool is_edge(const struct heph_http_edge *edge, uint32_t from,
		    uint32_t hash, struct heph_str text,
		    const uint64_t words[2])
{
	return edge->hash == hash && edge->from == from &&
	       edge->size == text.size && edge->near[0] == words[0] &&
	       edge->near[1] == words[1] &&
	       (text.size <= NEAR || !memcmp(edge->far, text.data, text.size));
}

/* Where it goes; 0: nowhere. */
static uint32_t follow(const struct heph_http_routetree *tree, uint32_t from,
		       struct heph_str text)
{
	uint32_t mask = tree->edge_room - 1, hash;
	const struct heph_http_edge *edge;
	uint64_t words[2];

	words_of(text, words);
	hash = hash_of(from, text, words);
	for (uint32_t at = hash & mask;; at = (at + 1) & mask) {
		edge = &tree->edges[at];
		if (!edge->to || is_edge(edge, from, hash, text, words))
			return edge->to;
	}
}

/* ---- building ----------------------------------------------------------------- */

int heph_http_routetree_init(struct heph_http_routetree *tree)
{
	*tree = (struct heph_http_routetree){ .node_room = 8, .edge_room = 8 };
	tree->nodes =
		heph_http_mem_alloc(tree->node_room * sizeof(tree->nodes[0]));
	tree->edges =
		heph_http_mem_alloc(tree->edge_room * sizeof(tree->edges[0]));
	if (!tree->nodes || !tree->edges) {
		heph_http_routetree_fini(tree);
		return -ENOMEM;
	}
	memset(tree->nodes, 0, tree->node_room * sizeof(tree->nodes[0]));
	memset(tree->edges, 0, tree->edge_room * sizeof(tree->edges[0]));
	tree->n_nodes = 1;
	return 0;
}

void heph_http_routetree_fini(struct heph_http_routetree *tree)
{
	heph_http_mem_free(tree->nodes);
	heph_http_mem_free(tree->edges);
	tree->nodes = NULL;
	tree->edges = NULL;
}

/* Returns the number of a new node; 0: there is no memory. */
static uint32_t new_node(struct heph_http_routetree *tree)
{
	size_t size = tree->node_room * sizeof(tree->nodes[0]);
	struct heph_http_node *nodes;

	if (tree->n_nodes == tree->node_room) {
		nodes = heph_http_mem_alloc(2 * size);
		if (!nodes)
			return 0;
		memcpy(nodes, tree->nodes, size);
		memset((char *)nodes + size, 0, size);
		heph_http_mem_free(tree->nodes);
		tree->nodes = nodes;
		tree->node_room *= 2;
	}
	return tree->n_nodes++;
}

static void put(struct heph_http_edge *edges, uint32_t room,
		const struct heph_http_edge *edge)
{
	uint32_t at = edge->hash & (room - 1);

	while (edges[at].to)
		at = (at + 1) & (room - 1);
	edges[at] = *edge;
}

/* The table is at most half full, so that a look ends soon. */
static int grow_edges(struct heph_http_routetree *tree)
{
	uint32_t room = 2 * tree->edge_room;
	struct heph_http_edge *edges;

	if (2 * (tree->n_edges + 1) <= tree->edge_room)
		return 0;
	edges = heph_http_mem_alloc(room * sizeof(edges[0]));
	if (!edges)
		return -ENOMEM;
	memset(edges, 0, room * sizeof(edges[0]));
	for (uint32_t i = 0; i < tree->edge_room; i++)
		if (tree->edges[i].to)
			put(edges, room, &tree->edges[i]);
	heph_http_mem_free(tree->edges);
	tree->edges = edges;
	tree->edge_room = room;
	return 0;
}

/* The node for a text behind another; made if need be. 0: there is no memory. */
static uint32_t below(struct heph_http_routetree *tree, uint32_t from,
		      struct heph_str text)
{
	struct heph_http_edge edge = { .from = from,
				       .size = (uint32_t)text.size,
				       .far = text.data };
	uint32_t to = follow(tree, from, text);

	if (to || grow_edges(tree) < 0)
		return to;
	edge.to = new_node(tree);
	if (!edge.to)
		return 0;
	words_of(text, edge.near);
	edge.hash = hash_of(from, text, edge.near);
	put(tree->edges, tree->edge_room, &edge);
	tree->n_edges++;
	tree->nodes[from].texts++;
	return edge.to;
}

static uint32_t *child_of(struct heph_http_node *node,
			  enum heph_http_piece_kind kind)
{
	return kind == HEPH_HTTP_REST ? &node->rest :
	       kind == HEPH_HTTP_ANY  ? &node->any :
					&node->number;
}

/* The node for a piece. 0: see `ret_err`. */
static uint32_t step(struct heph_http_routetree *tree, uint32_t from,
		     const struct heph_http_piece *piece, int *ret_err)
{
	bool is_signed = piece->kind == HEPH_HTTP_I64;
	uint32_t to;

	*ret_err = -ENOMEM;
	if (piece->kind == HEPH_HTTP_TEXT)
		return below(tree, from, piece->text);
	to = *child_of(&tree->nodes[from], piece->kind);
	if (!to) {
		to = new_node(tree);
		*child_of(&tree->nodes[from], piece->kind) = to;
		if (piece->kind == HEPH_HTTP_U64 || is_signed)
			tree->nodes[from].is_signed = is_signed;
	} else if ((piece->kind == HEPH_HTTP_U64 || is_signed) &&
		   tree->nodes[from].is_signed != is_signed) {
		*ret_err = -EINVAL;
		return 0;
	}
	return to;
}

/* Whether it has none of these methods yet. */
static bool put_leaf(struct heph_http_node *node, struct heph_http_leaf *leaf)
{
	if (leaf->methods == HEPH_HTTP_ALL_METHODS) {
		if (node->others)
			return false;
		node->others = leaf;
		return true;
	}
	if (node->methods & leaf->methods)
		return false;
	leaf->next = node->leaves;
	node->leaves = leaf;
	node->methods |= leaf->methods;
	return true;
}

const char *heph_http_routetree_add(struct heph_http_routetree *tree,
				    const struct heph_http_pattern *pattern,
				    struct heph_http_leaf *leaf, int *ret_err)
{
	uint32_t at = 0;

	for (unsigned i = 0; i < pattern->n; i++) {
		at = step(tree, at, &pattern->at[i], ret_err);
		if (!at && *ret_err == -EINVAL)
			return "{name:u64} and {name:i64} in the same place";
		if (!at)
			return "there is no memory";
	}
	leaf->params = pattern->params;
	*ret_err = -EEXIST;
	return put_leaf(&tree->nodes[at], leaf) ?
		       NULL :
		       "another route has the same path and method";
}

/* ---- looking up ----------------------------------------------------------------- */

struct walk {
	const struct heph_http_routetree *tree;
	const char *end; /* of the path */
	uint32_t method;
	struct heph_http_found *found;
};

static const struct heph_http_leaf *pick(const struct heph_http_node *node,
					 uint32_t method)
{
	const struct heph_http_leaf *leaf = node->leaves;

	while (!(leaf->methods & method))
		leaf = leaf->next;
	return leaf;
}

/* The path ends here: whether that is all. */
static bool arrive(const struct walk *walk, const struct heph_http_node *node)
{
	struct heph_http_found *found = walk->found;
	const uint32_t get = 1u << HEPH_HTTP_GET;

	if (node->methods & walk->method)
		found->leaf = pick(node, walk->method);
	else if (walk->method == 1u << HEPH_HTTP_HEAD && node->methods & get)
		found->leaf = pick(node, get);
	else
		found->leaf = node->others;
	if (found->leaf)
		return true;
	found->methods |= node->methods;
	if (!found->other)
		found->other = node->leaves;
	return false;
}

static bool look(const struct walk *walk, uint32_t at, const char *begin,
		 unsigned params);

static bool is_number(struct heph_str segment, bool is_signed)
{
	uint64_t number;
	int64_t signed_number;

	return is_signed ? heph_http_is_i64(segment, &signed_number) :
			   heph_http_is_u64(segment, &number);
}

/* Goes on at a node, behind a segment. */
static bool pass(const struct walk *walk, uint32_t to, struct heph_str segment,
		 unsigned params)
{
	const char *end = segment.data + segment.size;

	if (end == walk->end)
		return arrive(walk, &walk->tree->nodes[to]);
	return look(walk, to, end + 1, params);
}

static bool take(const struct walk *walk, uint32_t to, struct heph_str segment,
		 unsigned params)
{
	walk->found->values[params] = segment;
	return pass(walk, to, segment, params + 1);
}

static bool take_rest(const struct walk *walk, uint32_t to, const char *begin,
		      unsigned params)
{
	size_t size = (size_t)(walk->end - begin);

	if ((size && *begin == '/') || memchr(begin, '\0', size))
		return false;
	walk->found->values[params] = heph_str_of(begin, size);
	return arrive(walk, &walk->tree->nodes[to]);
}

/* Where the next "/" is, or the end. Segments are short: a call costs more. */
static inline const char *end_of(const char *at, const char *end)
{
	while (at < end && *at != '/')
		at++;
	return at;
}

/* The segment that begins there, below a node. */
static bool look(const struct walk *walk, uint32_t at, const char *begin,
		 unsigned params)
{
	const struct heph_http_node *node = &walk->tree->nodes[at];
	const char *end = end_of(begin, walk->end);
	struct heph_str segment = heph_str_of(begin, (size_t)(end - begin));
	uint32_t to = node->texts ? follow(walk->tree, at, segment) : 0;

	return (to && pass(walk, to, segment, params)) ||
	       (node->number && is_number(segment, node->is_signed) &&
		take(walk, node->number, segment, params)) ||
	       (node->any && segment.size &&
		take(walk, node->any, segment, params)) ||
	       (node->rest && take_rest(walk, node->rest, begin, params));
}

void heph_http_routetree_find(const struct heph_http_routetree *tree,
			      uint32_t method, struct heph_str path,
			      struct heph_http_found *ret_found)
{
	struct walk walk = { tree, path.data + path.size, method, ret_found };

	ret_found->leaf = ret_found->other = NULL;
	ret_found->methods = 0;
	look(&walk, 0, path.data + 1, 0);
}
