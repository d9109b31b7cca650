/* SPDX-License-Identifier: MIT */
/*
 * resolve.h - the addresses of names
 *
 * Asked of /etc/hosts and of the name servers in /etc/resolv.conf (or of those
 * in HEPH_DNS_SERVERS: "127.0.0.1:5353,[::1]:53") by c-ares, on a thread of its
 * own: no worker is kept waiting. Nothing is kept: who asks again asks the
 * servers again. To connect by name, heph_connect() is enough.
 */
#ifndef HEPH_RESOLVE_H
#define HEPH_RESOLVE_H

#include <heph/types.h>

#ifdef __cplusplus
extern "C" {
#endif

struct heph_address;

enum { HEPH_RESOLVE_MAX = 64 }; /* addresses of a name; more are left out */

/*
 * Waits. Finds the addresses of `host`, in the order in which they should be
 * tried (RFC 6724): at most `max` of them, 1 or more, and never more than
 * HEPH_RESOLVE_MAX. `host` is a name, "localhost" or a name below it (the
 * loopback, RFC 6761), or an address: "192.0.2.1", "2001:db8::1", "fe80::1%eth0".
 * `service` is a port, 0 to 65535, or a name in /etc/services; NULL: port 0.
 * `family` is AF_INET, AF_INET6, or AF_UNSPEC: both.
 *
 * Numbers and "localhost", with a port that is a number, are found without
 * asking anybody. Returns how many it found, at least 1:
 *
 *     -ENOENT        there is no such name
 *     -ENODATA       it has no address (of this family)
 *     -ETIMEDOUT     no server has answered, however often it was asked; that
 *                    takes a minute: give it a deadline
 *     -EREMOTEIO     the servers failed or refused, or none can be reached
 *     -EPROTO        the answer makes no sense
 *     -EINVAL        no host, no such service, or a name that cannot be one; or
 *                    HEPH_DNS_SERVERS cannot be read
 *     -EAFNOSUPPORT  another family
 *     -ENOSYS        Heph was built without c-ares, which the name would need
 *     -EAGAIN, -ENOMEM, -EMFILE, -ENFILE, -ETIME, -ECANCELED
 */
HEPH_MUST HEPH_API int heph_resolve(heph_ctx ctx, const char *host,
				    const char *service, int family,
				    struct heph_address *ret_addresses,
				    size_t max);

#ifdef __cplusplus
}
#endif
#endif
