/* SPDX-License-Identifier: MIT */
/*
 * cluster_store.h - the registry in the broker: a bucket of its key-value store
 *
 * PREFIX_cluster, of which the broker publishes each change, after it has stored it, at
 * PREFIX.registry.KEY with its revision, so who listens needs no consumer that the
 * broker keeps for him. All of these wait for a clerk, who waits for the broker. They
 * return besides what is listed: -ENETUNREACH (there is no bucket, or the broker has just
 * begun), -ENOTCONN, -ETIME (it may have been done), -EACCES, -ENOTSUP (no JetStream),
 * -ESRCH (closed), -ECANCELED, -ENOMEM, -EIO.
 */
#ifndef HEPH_REMOTE_CLUSTER_STORE_H
#define HEPH_REMOTE_CLUSTER_STORE_H

#include "remote/cluster_entry.h"
#include "remote/nats_link.h"

/* What is stored of a key. One block; `data` points into it. */
struct heph_cluster_stored {
	struct heph_cluster_stored *next;
	char key[HEPH_CLUSTER_KEY_MAX];
	uint64_t revision;
	bool deleted;
	const void *data;
	size_t size;
};
void heph_cluster_stored_free(struct heph_cluster_stored *list);

/* The bucket, as it is. */
struct heph_cluster_bucket {
	int64_t created; /* microseconds since 1970, by the broker's clock: another one
			  * means that the store was lost */
	uint64_t last;   /* the highest revision */
};

/* The subject of all changes. */
void heph_cluster_changes(const struct heph_nats_link *link,
			  char ret_subject[HEPH_NATS_SUBJECT_MAX]);
/* A change as it was published. Returns 0, and `ret_stored` is the caller's; -EPROTO;
 * -ENOMEM. Does not wait. */
int heph_cluster_change_read(const struct heph_nats_link *link,
			     const struct heph_nats_msg *msg,
			     struct heph_cluster_stored **ret_stored);

/* Makes it if it is not there. -EPROTO: there is something else of that name. */
HEPH_MUST int heph_cluster_store_open(heph_ctx ctx, struct heph_nats_link *link,
				      unsigned replicas,
				      struct heph_cluster_bucket *ret_bucket);

/* Puts a value if `expected` is the key's revision, 0: there is none. `text` NULL deletes.
 * Returns 0; -EEXIST: it is not. */
HEPH_MUST int heph_cluster_store_put(heph_ctx ctx, struct heph_nats_link *link,
				     const char *key, const char *text,
				     uint64_t expected, uint64_t *ret_revision);

/* Reads a key, deleted or not. Returns 0; -ENOENT: it never was. */
HEPH_MUST int heph_cluster_store_get(heph_ctx ctx, struct heph_nats_link *link,
				     const char *key,
				     struct heph_cluster_stored **ret_stored);

/* Reads all keys, deleted ones too; changes up to `last` are in it. */
HEPH_MUST int heph_cluster_store_read(heph_ctx ctx, struct heph_nats_link *link,
				      struct heph_cluster_bucket *ret_bucket,
				      struct heph_cluster_stored **ret_list);

/* Forgets what was deleted some time ago. */
HEPH_MUST int heph_cluster_store_tidy(heph_ctx ctx, struct heph_nats_link *link);

#endif
