/* SPDX-License-Identifier: MIT */
/*
 * udp_keys.h - the long-lived keys of a transport
 *
 * A set does not change; other keys are another set. A key is called by its id, 8
 * bytes that follow from it, so that who answers need not try all of them.
 * Any thread.
 */
#ifndef HEPH_REMOTE_UDP_KEYS_H
#define HEPH_REMOTE_UDP_KEYS_H

#include <heph/remote/udp.h>

struct heph_udp_secret {
	uint64_t id;
	uint8_t key[HEPH_UDP_KEY];
	char names[HEPH_NODE_NAME_MAX + 2]; /* as struct heph_wire has them */
};

struct heph_udp_keys {
	int refs; /* atomic */
	size_t n;
	struct heph_udp_secret secrets[];
};

/* A set, which is the caller's. Returns 0; -EINVAL (none; one of zeros, as forgotten
 * ones are; twice the same; a name that is none), -ENOMEM. */
int heph_udp_keys_new(const struct heph_udp_key *keys, size_t n,
		      struct heph_udp_keys **ret_keys);

/* One key, made of a text by Argon2id. It has no salt but the name of this protocol,
 * as both sides make it by themselves. Takes 0.1 s and 64 MiB. Returns 0;
 * -EINVAL (empty), -ENOMEM. */
int heph_udp_keys_derive(const char *text, struct heph_udp_keys **ret_keys);

/* One key that everybody has: what is sealed by it is just not damaged. */
int heph_udp_keys_public(struct heph_udp_keys **ret_keys);

struct heph_udp_keys *heph_udp_keys_ref(struct heph_udp_keys *keys);
/* NULL is ignored. The last one leaves nothing of the keys in memory. */
void heph_udp_keys_unref(struct heph_udp_keys *keys);

/* The key of that id, or NULL. */
const struct heph_udp_secret *
heph_udp_keys_find(const struct heph_udp_keys *keys, uint64_t id);

#endif
