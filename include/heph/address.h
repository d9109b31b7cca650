/* SPDX-License-Identifier: MIT */
/*
 * address.h - addresses of sockets, as text and as values
 *
 *     127.0.0.1:7000        IPv4
 *     [::1]:7000            IPv6
 *     [fe80::1%eth0]:7000   IPv6 of one link; an interface by name or number
 *     :7000                 all addresses of this machine, IPv6 and IPv4
 *     unix:/run/x.sock      a Unix socket in the file system
 *     unix:@name            one in the abstract namespace of Linux
 *     unix:                 a Unix socket without a name; who binds to it gets
 *                           an abstract name from the kernel
 *
 * Port 0 is any free one. Names of hosts are not looked up here. Nothing here
 * waits; any thread.
 */
#ifndef HEPH_ADDRESS_H
#define HEPH_ADDRESS_H

#include <heph/types.h>

#include <sys/socket.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Bytes of the longest text, with its end. */
enum { HEPH_ADDRESS_MAX = 128 };

/* Plain data: can be copied and sent. Other families than those above may be
 * written into `storage` by hand. */
struct heph_address {
	socklen_t size; /* of what is used of `storage`; 0: none */
	struct sockaddr_storage storage;
};

/* Reads a text. Returns 0; -EINVAL; -ENAMETOOLONG (of a Unix socket: 107 bytes
 * at most); -ENODEV (there is no such interface). */
HEPH_API HEPH_MUST int heph_address_parse(struct heph_address *ret_address,
					  const char *text);

/* Writes it in the same form, an IPv4 address in IPv6 form as IPv4, a nul inside
 * an abstract name as @, an interface by its number. Returns 0;
 * -EAFNOSUPPORT. */
HEPH_API HEPH_MUST int heph_address_print(const struct heph_address *address,
					  char ret_text[HEPH_ADDRESS_MAX]);

/* The port of an IPv4 or IPv6 address. Returns it; -EAFNOSUPPORT. And sets it.
 * Returns 0; -EAFNOSUPPORT, -EINVAL (not 0 to 65535). */
HEPH_API HEPH_MUST int heph_address_port(const struct heph_address *address);
HEPH_API HEPH_MUST int heph_address_set_port(struct heph_address *address,
					     int port);

/* Whether two are the same: family, host, port, interface; or path. */
HEPH_API bool heph_address_same(const struct heph_address *a,
				const struct heph_address *b);

#ifdef __cplusplus
}
#endif
#endif
