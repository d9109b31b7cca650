/* SPDX-License-Identifier: MIT */
#include "tls/tickets.h"

#include <heph/time.h>

#include <openssl/crypto.h>
#include <openssl/rand.h>

#include <string.h>

void heph_tls_tickets_init(struct heph_tls_tickets *tickets)
{
	memset(tickets->keys, 0, sizeof(tickets->keys));
	pthread_mutex_init(&tickets->lock, NULL);
}

void heph_tls_tickets_fini(struct heph_tls_tickets *tickets)
{
	pthread_mutex_destroy(&tickets->lock);
	OPENSSL_cleanse(tickets->keys, sizeof(tickets->keys));
}

static bool make(struct heph_tls_ticket_key *key, heph_time now)
{
	key->made = now ? now : 1;
	return RAND_bytes(key->name, sizeof(key->name)) == 1 &&
	       RAND_priv_bytes(key->cipher, sizeof(key->cipher)) == 1 &&
	       RAND_priv_bytes(key->mac, sizeof(key->mac)) == 1;
}

static int current(struct heph_tls_tickets *tickets, heph_time life,
		   struct heph_tls_ticket_key *ret_key)
{
	struct heph_tls_ticket_key *first = tickets->keys, fresh;
	heph_time now = heph_now();

	if (!first->made || now - first->made >= life) {
		if (!make(&fresh, now))
			return -EIO;
		tickets->keys[1] = *first;
		*first = fresh;
		OPENSSL_cleanse(&fresh, sizeof(fresh));
	}
	*ret_key = *first;
	return 0;
}

int heph_tls_tickets_current(struct heph_tls_tickets *tickets, heph_time life,
			     struct heph_tls_ticket_key *ret_key)
{
	int err;

	pthread_mutex_lock(&tickets->lock);
	err = current(tickets, life, ret_key);
	pthread_mutex_unlock(&tickets->lock);
	return err;
}

static int find(const struct heph_tls_tickets *tickets, heph_time life,
		const unsigned char name[16],
		struct heph_tls_ticket_key *ret_key)
{
	heph_time now = heph_now();

	for (int i = 0; i < 2; i++) {
		const struct heph_tls_ticket_key *key = &tickets->keys[i];

		if (!key->made || memcmp(key->name, name, sizeof(key->name)) ||
		    now - key->made >= 2 * life)
			continue;
		*ret_key = *key;
		return i == 1 || now - key->made >= life;
	}
	return -ENOENT;
}

int heph_tls_tickets_find(struct heph_tls_tickets *tickets, heph_time life,
			  const unsigned char name[16],
			  struct heph_tls_ticket_key *ret_key)
{
	int err;

	pthread_mutex_lock(&tickets->lock);
	err = find(tickets, life, name, ret_key);
	pthread_mutex_unlock(&tickets->lock);
	return err;
}
