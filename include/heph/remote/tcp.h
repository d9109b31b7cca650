/* SPDX-License-Identifier: MIT */
/*
 * tcp.h - nodes over stream sockets: TCP with TLS, Unix sockets
 *
 * The name of a node is in its certificate (a DNS name; the common name if it has
 * none), and both sides verify the other's: it is for clients and for servers, and by an
 * issuer in `ca_file` or `ca_pem`, which there must be. TLS 1.3. Without TLS anybody
 * who can connect is believed: so there is heph_tcp_plain_new(), which warns in the
 * log when it is used beyond this machine.
 *
 * Addresses are those of address.h, and "host:port" to connect to. On the wire
 * each frame follows its length, 4 bytes, little-endian.
 */
#ifndef HEPH_REMOTE_TCP_H
#define HEPH_REMOTE_TCP_H

#include <heph/remote/transport.h>

#ifdef __cplusplus
extern "C" {
#endif

/* TLS both ways. Zero is the default everywhere; all is copied. */
struct heph_tcp_config {
	size_t size; /* of this struct; set by the macro */
	const char *cert_file, *key_file, *ca_file; /* PEM, or as texts: */
	const char *cert_pem, *key_pem, *ca_pem;
	size_t frame_max; /* bytes; 1 MiB + 4 KiB; at most 64 MiB */
};

/*
 * heph_tcp_tls_new(&transport, .cert_file = ..., .key_file = ..., .ca_file = ...).
 * Reads the files, and so blocks the thread for a moment. Any thread. Returns 0;
 * what heph_tls_server_new() does; -EOPNOTSUPP (built without OpenSSL); -EINVAL.
 */
#define heph_tcp_tls_new(ret_transport, ...)                                   \
	HEPH_WITH__(heph_raw_tcp_tls_new(                                      \
		(ret_transport),                                               \
		HEPH_SIZED__(struct heph_tcp_config, __VA_ARGS__)))
HEPH_API HEPH_MUST int
heph_raw_tcp_tls_new(struct heph_transport **ret_transport,
		     const struct heph_tcp_config *config);

/* Handshakes from now on use what is in the files now. Any thread; blocks. Returns
 * 0; as above, and what could not be read is as it was; -EINVAL: it is plain. */
HEPH_API HEPH_MUST int heph_tcp_reload(struct heph_transport *transport);

/* Without TLS: for Unix sockets ("unix:/run/x.sock"; the file that is left of one
 * that nobody has any more is used again), loopback, and networks that protect by
 * themselves. `frame_max` 0: the default. Any thread. Returns 0;
 * -EINVAL, -ENOMEM. */
HEPH_API HEPH_MUST int
heph_tcp_plain_new(struct heph_transport **ret_transport, size_t frame_max);

#ifdef __cplusplus
}
#endif
#endif
