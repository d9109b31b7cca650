/* SPDX-License-Identifier: MIT */
/*
 * routetree.h - the patterns of a router, and which one fits a path
 *
 * Built once, by one thread; then read by any number.
 */
#ifndef HEPH_HTTP_ROUTETREE_H
#define HEPH_HTTP_ROUTETREE_H

#include "http/pattern.h"

/* Methods as bits: 1 << HEPH_HTTP_GET; those without a number follow. */
#define HEPH_HTTP_ALL_METHODS UINT32_MAX

/* What is at the end of a path, for some methods. */
struct heph_http_leaf {
	struct heph_http_leaf *next; /* at the same end, for other methods */
	uint32_t methods; /* HEPH_HTTP_ALL_METHODS: those that no other one has */
	unsigned params;
};

struct heph_http_node;
struct heph_http_edge;

struct heph_http_routetree {
	struct heph_http_node *nodes; /* the first one is the root */
	struct heph_http_edge *edges; /* a hash table of texts below nodes */
	uint32_t n_nodes, node_room, n_edges, edge_room;
};

/* Returns 0; -ENOMEM. */
int heph_http_routetree_init(struct heph_http_routetree *tree);
void heph_http_routetree_fini(struct heph_http_routetree *tree);

/* Puts a leaf there. Texts are the caller's, and stay. Returns NULL; or why it
 * cannot be, in words, with `*ret_err` -EINVAL, -EEXIST or -ENOMEM. */
const char *heph_http_routetree_add(struct heph_http_routetree *tree,
				    const struct heph_http_pattern *pattern,
				    struct heph_http_leaf *leaf, int *ret_err);

/* What was found. */
struct heph_http_found {
	const struct heph_http_leaf *leaf; /* NULL: none */
	const struct heph_http_leaf *other; /* the first one that fits the path but
					       has not the method; NULL: none */
	uint32_t methods; /* of all that fit the path but have not the method */
	struct heph_str values[HEPH_HTTP_PARAMETERS_MAX]; /* of leaf->params */
};

/* Looks a path up, which begins with "/" and is decoded, with a nul for each "%2F";
 * `method` is a bit, or 0 for one that no leaf has. */
void heph_http_routetree_find(const struct heph_http_routetree *tree,
			      uint32_t method, struct heph_str path,
			      struct heph_http_found *ret_found);

#endif
