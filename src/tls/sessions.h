/* SPDX-License-Identifier: MIT */
/*
 * sessions.h - what a client keeps, to resume it
 *
 * By the name of the host; bounded, the oldest goes first. One of TLS 1.3 is used
 * once, lest somebody sees that two connections are of one client (RFC 8446,
 * appendix C.4); one of TLS 1.2 as long as it lasts. Any thread; the lock is never
 * held across a wait.
 */
#ifndef HEPH_TLS_SESSIONS_H
#define HEPH_TLS_SESSIONS_H

#include <openssl/ssl.h>

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

struct heph_tls_session {
	SSL_SESSION *session; /* NULL: none */
	char *host;
	uint64_t hash; /* of the host, to compare fewer */
	uint64_t age;  /* when it was put here */
};

struct heph_tls_sessions {
	pthread_mutex_t lock; /* guards all of it */
	struct heph_tls_session *at; /* NULL until there is one */
	unsigned room;
	uint64_t clock;
	uint64_t epoch; /* sessions of earlier ones are not taken */
};

void heph_tls_sessions_init(struct heph_tls_sessions *sessions, unsigned room);
void heph_tls_sessions_fini(struct heph_tls_sessions *sessions);

/* Forgets all; those that connections of before bring are not taken any more. */
void heph_tls_sessions_forget(struct heph_tls_sessions *sessions, uint64_t epoch);

/* Keeps one, if that can be: then it is the cache's. Returns whether. */
bool heph_tls_sessions_put(struct heph_tls_sessions *sessions, uint64_t epoch,
			   const char *host, SSL_SESSION *session);

/* The latest of a host, or NULL; the caller's. None for who is of another epoch. */
SSL_SESSION *heph_tls_sessions_take(struct heph_tls_sessions *sessions,
				    uint64_t epoch, const char *host);

#endif
