/* SPDX-License-Identifier: MIT */
/*
 * tls.h - one side: what it is now, and what outlives a reload
 *
 * Counted: by the user, and by each connection.
 */
#ifndef HEPH_TLS_TLS_H
#define HEPH_TLS_TLS_H

#include <heph/tls.h>

#include <openssl/bio.h>

#include <pthread.h>
#include <stdatomic.h>

#include "tls/sessions.h"
#include "tls/tickets.h"

struct heph_tls_setup;

struct heph_tls {
	_Atomic unsigned refs;
	bool server;
	BIO_METHOD *bio; /* of its connections */
	struct heph_tls_tickets tickets;   /* of servers */
	struct heph_tls_sessions sessions; /* of clients */
	pthread_mutex_t reloading; /* one at a time; while files are read */
	pthread_mutex_t lock; /* guards the rest; never held for long */
	struct heph_tls_setup *setup;
	uint64_t epochs;
};

/* The setup of now; the caller's to give back. */
struct heph_tls_setup *heph_tls_setup_of(struct heph_tls *tls);

#endif
