/* SPDX-License-Identifier: MIT */
/*
 * client_settings.h - the options of a client, with the defaults filled in
 *
 * Made when the client starts and not changed afterwards; the client and each
 * request that goes on hold them. Any thread.
 */
#ifndef HEPH_HTTP_CLIENT_SETTINGS_H
#define HEPH_HTTP_CLIENT_SETTINGS_H

#include <heph/http/client.h>

#include <stdatomic.h>

#include "http/client_proxy.h"

struct heph_http_client_settings {
	atomic_uint refs;
	struct heph_http_client_options options; /* its texts are not used */
	char *user_agent; /* the value; NULL: none is sent */
	struct heph_http_proxy *proxy;        /* of "http:"; NULL: none */
	struct heph_http_proxy *secure_proxy; /* of "https:" */
	char *no_proxy;
	struct heph_tls *tls; /* that is held: what was given, or the system's
			       * certificates, once needed */
};

/* The times, or those of `otherwise` where they are 0, or the defaults. */
struct heph_http_times
heph_http_times_or(struct heph_http_times times,
		   const struct heph_http_times *otherwise);

/* Returns 0; -EINVAL (it is logged which); -ENOMEM. */
int heph_http_client_settings_new(const struct heph_http_client_options *options,
				  struct heph_http_client_settings **ret_settings)
	__attribute__((warn_unused_result));

/* Hold what protects, and give it back; NULL is allowed. */
struct heph_tls *heph_http_tls_ref(struct heph_tls *tls);
void heph_http_tls_free(struct heph_tls *tls);

/* What protects "https:", which stays the settings'. Only the actor of the client asks:
 * if nobody has given it one it makes one, and reads the system's certificates for that,
 * which blocks the worker for some milliseconds. Returns 0; the errors of heph_tls_client_new(),
 * -EPROTONOSUPPORT (there is no TLS). */
int heph_http_client_settings_tls(struct heph_http_client_settings *settings,
				  struct heph_tls **ret_tls)
	__attribute__((warn_unused_result));

static inline struct heph_http_client_settings *
heph_http_client_settings_ref(struct heph_http_client_settings *settings)
{
	atomic_fetch_add_explicit(&settings->refs, 1, memory_order_relaxed);
	return settings;
}

/* NULL is allowed. */
void heph_http_client_settings_unref(struct heph_http_client_settings *settings);

#endif
