/* SPDX-License-Identifier: MIT */
/*
 * tickets.h - the keys that a server encrypts its tickets with
 *
 * RFC 5077, section 4. One set for all workers. A key encrypts for `life`, and
 * decrypts as long again; then it is forgotten, and with it who talked about what
 * can no more be found out. Any thread; the lock is never held across a wait.
 */
#ifndef HEPH_TLS_TICKETS_H
#define HEPH_TLS_TICKETS_H

#include <heph/types.h>

#include <pthread.h>

struct heph_tls_ticket_key {
	unsigned char name[16], cipher[32], mac[32];
	heph_time made; /* 0: there is none */
};

struct heph_tls_tickets {
	pthread_mutex_t lock; /* guards the keys */
	struct heph_tls_ticket_key keys[2]; /* the first one encrypts */
};

void heph_tls_tickets_init(struct heph_tls_tickets *tickets);
void heph_tls_tickets_fini(struct heph_tls_tickets *tickets);

/* The key to encrypt with, made or changed if it is time. Returns 0; -EIO: there
 * are no random numbers. */
int heph_tls_tickets_current(struct heph_tls_tickets *tickets, heph_time life,
			     struct heph_tls_ticket_key *ret_key);

/* The key of that name. Returns 0; 1: it is not the one to encrypt with; -ENOENT. */
int heph_tls_tickets_find(struct heph_tls_tickets *tickets, heph_time life,
			  const unsigned char name[16],
			  struct heph_tls_ticket_key *ret_key);

#endif
