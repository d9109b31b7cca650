/* SPDX-License-Identifier: MIT */
#include "tls/sessions.h"

#include <openssl/crypto.h>

#include <string.h>

void heph_tls_sessions_init(struct heph_tls_sessions *sessions, unsigned room)
{
	memset(sessions, 0, sizeof(*sessions));
	pthread_mutex_init(&sessions->lock, NULL);
	sessions->room = room;
}

static void drop(struct heph_tls_session *it)
{
	SSL_SESSION_free(it->session);
	OPENSSL_free(it->host);
	memset(it, 0, sizeof(*it));
}

static void drop_all(struct heph_tls_sessions *sessions)
{
	for (unsigned i = 0; sessions->at && i < sessions->room; i++)
		drop(&sessions->at[i]);
}

void heph_tls_sessions_fini(struct heph_tls_sessions *sessions)
{
	drop_all(sessions);
	OPENSSL_free(sessions->at);
	pthread_mutex_destroy(&sessions->lock);
}

void heph_tls_sessions_forget(struct heph_tls_sessions *sessions, uint64_t epoch)
{
	pthread_mutex_lock(&sessions->lock);
	drop_all(sessions);
	sessions->epoch = epoch;
	pthread_mutex_unlock(&sessions->lock);
}

static uint64_t hash_of(const char *text)
{
	uint64_t hash = UINT64_C(14695981039346656037); /* FNV-1a */

	for (; *text; text++)
		hash = (hash ^ (unsigned char)*text) * UINT64_C(1099511628211);
	return hash;
}

/* A free place, or that of the oldest; NULL: there is no memory. */
static struct heph_tls_session *place(struct heph_tls_sessions *sessions)
{
	struct heph_tls_session *best;

	if (!sessions->at)
		sessions->at = OPENSSL_zalloc(sessions->room *
					      sizeof(*sessions->at));
	best = sessions->at;
	for (unsigned i = 0; best && i < sessions->room; i++)
		if (sessions->at[i].age < best->age)
			best = &sessions->at[i];
	return best;
}

static bool put(struct heph_tls_sessions *sessions, const char *host,
		SSL_SESSION *session)
{
	struct heph_tls_session *it = place(sessions);
	char *copy = it ? OPENSSL_strdup(host) : NULL;

	if (!copy)
		return false;
	drop(it);
	it->session = session;
	it->host = copy;
	it->hash = hash_of(host);
	it->age = ++sessions->clock;
	return true;
}

bool heph_tls_sessions_put(struct heph_tls_sessions *sessions, uint64_t epoch,
			   const char *host, SSL_SESSION *session)
{
	bool done;

	pthread_mutex_lock(&sessions->lock);
	done = epoch == sessions->epoch && put(sessions, host, session);
	pthread_mutex_unlock(&sessions->lock);
	return done;
}

static struct heph_tls_session *find(const struct heph_tls_sessions *sessions,
				     const char *host)
{
	struct heph_tls_session *best = NULL;
	uint64_t hash = hash_of(host);

	for (unsigned i = 0; sessions->at && i < sessions->room; i++) {
		struct heph_tls_session *it = &sessions->at[i];

		if (it->session && it->hash == hash &&
		    strcmp(it->host, host) == 0 &&
		    (!best || it->age > best->age))
			best = it;
	}
	return best;
}

static SSL_SESSION *take(struct heph_tls_sessions *sessions, const char *host)
{
	struct heph_tls_session *it = find(sessions, host);
	SSL_SESSION *session = it ? it->session : NULL;

	if (!it)
		return NULL;
	if (SSL_SESSION_get_protocol_version(session) >= TLS1_3_VERSION)
		it->session = NULL;
	else
		SSL_SESSION_up_ref(session);
	if (!it->session || !SSL_SESSION_is_resumable(session))
		drop(it);
	return session;
}

SSL_SESSION *heph_tls_sessions_take(struct heph_tls_sessions *sessions,
				    uint64_t epoch, const char *host)
{
	SSL_SESSION *session;

	pthread_mutex_lock(&sessions->lock);
	session = epoch == sessions->epoch ? take(sessions, host) : NULL;
	pthread_mutex_unlock(&sessions->lock);
	return session;
}
