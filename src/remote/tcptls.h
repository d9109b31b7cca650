/* SPDX-License-Identifier: MIT */
/* tcptls.h - TLS for wires over sockets; without OpenSSL there is none */
#ifndef HEPH_REMOTE_TCPTLS_H
#define HEPH_REMOTE_TCPTLS_H

#include "remote/tcp.h"

#if defined(HEPH_TLS) && HEPH_TLS

/* Certificates and keys for both directions. Returns 0; what heph_tls_server_new()
 * does, and then there may be some of it. */
int heph_tcp_tls_make(struct heph_tcp *tcp,
		      const struct heph_tcp_config *config);
void heph_tcp_tls_free(struct heph_tcp *tcp);

/* Returns 0; what heph_tls_reload_files() does. */
int heph_tcp_tls_reload(struct heph_tcp *tcp);

/* Waits. Shakes hands, after which `in` is protected; says who the peer is. */
int heph_tcp_tls_shake(heph_ctx ctx, struct heph_tcp_wire *wire);

#else

#include <errno.h>

static inline int heph_tcp_tls_make(struct heph_tcp *tcp,
				    const struct heph_tcp_config *config)
{
	return -EOPNOTSUPP;
}

static inline void heph_tcp_tls_free(struct heph_tcp *tcp)
{
}

static inline int heph_tcp_tls_reload(struct heph_tcp *tcp)
{
	return -EINVAL;
}

static inline int heph_tcp_tls_shake(heph_ctx ctx, struct heph_tcp_wire *wire)
{
	return -EOPNOTSUPP;
}

#endif
#endif
