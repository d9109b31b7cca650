/* SPDX-License-Identifier: MIT */
/*
 * home.h - what a node knows of actors, its own and those of others
 *
 * `given` has each actor of ours that was ever given away, and its type, which a
 * reference as bytes does not tell: what comes back is of the type that it was, or
 * nothing. Those that have ended leave when the table is to grow.
 */
#ifndef HEPH_REMOTE_HOME_H
#define HEPH_REMOTE_HOME_H

#include "remote/node_state.h"
#include "remote/table.h"

enum { HEPH_HOME_KEY = 16, HEPH_EXPORT_NAME_MAX = 255 };

struct heph_tap;    /* tap.h */
struct heph_import; /* import.h */

/* An actor of ours. */
struct heph_given {
	struct heph_addr addr;
	const struct heph_remote_actor *remote; /* NULL: only its life is known */
	uint64_t hash;                          /* of `remote` */
};

/* A name that peers find it by, or a type that they may spawn. */
struct heph_home_name {
	struct heph_home_name *next; /* with the same hash of the name */
	struct heph_addr addr;   /* { 0 }: a type */
	const struct heph_remote_actor *remote;
	uint64_t hash;
	unsigned rights;
	char name[];
};

/* Who has actors here that he spawned, whichever life of his it was. Names of the same
 * hash, if there should be any, count as one. */
struct heph_spawner {
	uint64_t key; /* heph_hash() of the name */
	unsigned n;   /* actors; not 0 */
};

struct heph_home {
	unsigned char key[HEPH_HOME_KEY]; /* of codes */
	struct heph_table given;   /* struct heph_given by id */
	struct heph_table proxies; /* struct heph_import by the proxy's own id */
	struct heph_table names, offers; /* struct heph_home_name by heph_hash() */
	struct heph_table hashes;  /* struct hashed by `remote` */
	struct heph_table spawned;  /* struct heph_spawner by the actor's id */
	struct heph_table spawners; /* the same by heph_hash() of the name */
	struct heph_table met; /* struct heph_met by the id of the node */
	struct heph_tap *taps;
};

/* ---- types -------------------------------------------------------------------- */

/* heph_remote_hash(), which is made once. */
uint64_t heph_home_hash(struct heph_home *home,
			const struct heph_remote_actor *remote);

/* ---- references that leave and come ---------------------------------------------- */

/* Which reference goes out for an actor; `remote` NULL: as a heph_ref. A proxy's is
 * that of the actor it stands for, as it came. Returns 0; -ENOMEM; -EPROTOTYPE (it
 * was given away as another type). */
int heph_home_out(struct heph_node_state *node,
		  const struct heph_remote_actor *remote, struct heph_addr addr,
		  unsigned rights, struct heph_wire_ref *ret_ref);

/* Whether references with these rights can be made: of a proxy's there are only those
 * that it has, as only its own node can make others. Returns 0; -EACCES. */
int heph_home_may_give(const struct heph_node_state *node, struct heph_addr addr,
		       unsigned rights);

/* One of ours that has come. Returns 0; -EACCES (it is forged); -ESRCH (it has ended,
 * or was never given away). */
int heph_home_find(struct heph_node_state *node,
		   const struct heph_wire_ref *ref,
		   struct heph_given **ret_given);

/* Whether it is of that type, NULL: any. Returns 0; -EPROTOTYPE. */
int heph_home_check(struct heph_home *home, const struct heph_given *given,
		    const struct heph_remote_actor *remote);

/* ---- actors that peers have spawned ----------------------------------------------- */

/* Whether a node of that name may have one more. Returns 0; -EDQUOT: it has as many as
 * it may, or as many nodes as may be peers have some. */
int heph_home_may_spawn(const struct heph_node_state *node, const char *name);
/* It has one more, until heph_home_down() tells of its end. In the node's actor. Returns
 * 0; -ENOMEM, and it is not counted. */
int heph_home_spawned(heph_ctx ctx, struct heph_node_state *node,
		      const char *name, struct heph_addr addr);

/* ---- names -------------------------------------------------------------------------- */

/* NULL: there is none, or it has ended. */
struct heph_home_name *heph_home_name(struct heph_home *home, const char *name,
				  size_t size);
struct heph_home_name *heph_home_offer(struct heph_home *home, const char *name,
				   size_t size);
/* Returns 0; -EEXIST, -ENOMEM. */
int heph_home_add_name(struct heph_home *home, struct heph_table *table,
		       const struct heph_home_name *named, const char *name);
bool heph_home_remove_name(struct heph_home *home, const char *name);
/* Lines of name, type and hash; NULL: no memory. Freed by free(3). */
char *heph_home_list(struct heph_home *home);

#endif
