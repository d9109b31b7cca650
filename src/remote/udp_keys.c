/* SPDX-License-Identifier: MIT */
#include "remote/udp_keys.h"

#include <sodium.h>
#include <string.h>

#include "remote/mem.h"
#include "remote/udp_bytes.h"

static struct heph_udp_keys *make(size_t n)
{
	struct heph_udp_keys *keys = heph_remote_mem_zero(
		sizeof(*keys) + n * sizeof(*keys->secrets));

	if (!keys)
		return NULL;
	keys->refs = 1;
	keys->n = n;
	return keys;
}

static void set_id(struct heph_udp_secret *secret)
{
	static const uint8_t what[] = "heph udp: the id of a key";
	uint8_t hash[crypto_generichash_BYTES];

	crypto_generichash(hash, sizeof(hash), what, sizeof(what), secret->key,
			   sizeof(secret->key));
	secret->id = heph_udp_get(hash, 8);
}

/* The names of nodes, see node.h. */
static bool good_name(const char *name)
{
	size_t size = strnlen(name, HEPH_NODE_NAME_MAX + 1);

	return size <= HEPH_NODE_NAME_MAX &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyz"
			    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") == size;
}

static int add(struct heph_udp_keys *keys, size_t at,
	       const struct heph_udp_key *key)
{
	struct heph_udp_secret *secret = &keys->secrets[at];

	if (!good_name(key->name) || sodium_is_zero(key->key, sizeof(key->key)))
		return -EINVAL;
	memcpy(secret->key, key->key, sizeof(secret->key));
	strcpy(secret->names, key->name);
	set_id(secret);
	return heph_udp_keys_find(keys, secret->id) == secret ? 0 : -EINVAL;
}

int heph_udp_keys_new(const struct heph_udp_key *list, size_t n,
		      struct heph_udp_keys **ret_keys)
{
	struct heph_udp_keys *keys;
	int err = 0;

	if (!n || n > HEPH_UDP_KEYS_MAX)
		return -EINVAL;
	keys = make(n);
	if (!keys)
		return -ENOMEM;
	for (size_t i = 0; i < n && err == 0; i++)
		err = add(keys, i, &list[i]);
	if (err == 0)
		*ret_keys = keys;
	else
		heph_udp_keys_unref(keys);
	return err;
}

int heph_udp_keys_derive(const char *text, struct heph_udp_keys **ret_keys)
{
	static const uint8_t salt[crypto_pwhash_SALTBYTES] = "heph udp secret";
	struct heph_udp_keys *keys;

	if (!*text)
		return -EINVAL;
	keys = make(1);
	if (!keys)
		return -ENOMEM;
	if (!heph_remote_mem_allowed() ||
	    crypto_pwhash(keys->secrets[0].key, HEPH_UDP_KEY, text,
			  strlen(text), salt,
			  crypto_pwhash_OPSLIMIT_INTERACTIVE,
			  crypto_pwhash_MEMLIMIT_INTERACTIVE,
			  crypto_pwhash_ALG_ARGON2ID13) != 0) {
		heph_udp_keys_unref(keys);
		return -ENOMEM;
	}
	set_id(&keys->secrets[0]);
	*ret_keys = keys;
	return 0;
}

int heph_udp_keys_public(struct heph_udp_keys **ret_keys)
{
	struct heph_udp_keys *keys = make(1);

	if (!keys)
		return -ENOMEM;
	set_id(&keys->secrets[0]);
	*ret_keys = keys;
	return 0;
}

struct heph_udp_keys *heph_udp_keys_ref(struct heph_udp_keys *keys)
{
	__atomic_add_fetch(&keys->refs, 1, __ATOMIC_RELAXED);
	return keys;
}

void heph_udp_keys_unref(struct heph_udp_keys *keys)
{
	/* Acquire and release: who frees them comes after all who read them. */
	if (!keys || __atomic_sub_fetch(&keys->refs, 1, __ATOMIC_ACQ_REL))
		return;
	sodium_memzero(keys->secrets, keys->n * sizeof(*keys->secrets));
	heph_remote_mem_free(keys);
}

const struct heph_udp_secret *
heph_udp_keys_find(const struct heph_udp_keys *keys, uint64_t id)
{
	for (size_t i = 0; i < keys->n; i++)
		if (keys->secrets[i].id == id)
			return &keys->secrets[i];
	return NULL;
}
