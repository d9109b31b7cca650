/* SPDX-License-Identifier: MIT */
/*
 * cluster_entry.h - what is in the registry of a cluster: keys and values
 *
 *     member.NAME    who has joined: an id that is new each time a node starts, the
 *                    term, which rises each time it joins again, its lease
 *     name.NAME      an actor: its reference as bytes, its type, whose it is
 *     lease.NAME     whose it is
 *
 * Values are JSON, for people who look at them. Names and leases are good as long as
 * the member of that id and term is alive. "." would divide a key, so it is "=" there.
 */
#ifndef HEPH_REMOTE_CLUSTER_ENTRY_H
#define HEPH_REMOTE_CLUSTER_ENTRY_H

#include <heph/remote/codec.h>
#include <heph/remote/transport.h>
#include <heph/types.h>

enum {
	HEPH_CLUSTER_NAME_MAX = 200,
	HEPH_CLUSTER_KEY_MAX = 210,    /* with its end */
	HEPH_CLUSTER_VALUE_MAX = 1024, /* with its end */
	HEPH_CLUSTER_TYPE_MAX = 128,
};

enum heph_cluster_kind {
	HEPH_CLUSTER_MEMBER,
	HEPH_CLUSTER_NAME,
	HEPH_CLUSTER_LEASE,
};

/* Whose something is. */
struct heph_cluster_owner {
	uint64_t id, term;
};

/* A value, of whichever kind. */
struct heph_cluster_value {
	struct heph_cluster_owner owner;
	heph_time lease;                   /* of a member */
	char node[HEPH_NODE_NAME_MAX + 1]; /* of a name: where the actor is */
	char type[HEPH_CLUSTER_TYPE_MAX];
	uint64_t hash;
	uint8_t ref[HEPH_WIRE_REF];
};

/* Returns 0; -EINVAL: no name is so. */
int heph_cluster_key(enum heph_cluster_kind kind, const char *name,
		     char ret_key[HEPH_CLUSTER_KEY_MAX]);

/* And back. Returns 0; -EPROTO: not ours. */
int heph_cluster_key_read(const char *key, enum heph_cluster_kind *ret_kind,
			  char ret_name[HEPH_CLUSTER_NAME_MAX + 1]);

/* Returns 0; -ENOMEM; -EINVAL (a type with a longer name). */
int heph_cluster_value_write(enum heph_cluster_kind kind,
			     const struct heph_cluster_value *value,
			     char ret_text[HEPH_CLUSTER_VALUE_MAX]);

/* Returns 0; -EPROTO: not ours; -ENOMEM. */
int heph_cluster_value_read(enum heph_cluster_kind kind, const void *data,
			    size_t size, struct heph_cluster_value *ret_value);

#endif
