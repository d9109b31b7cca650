/* SPDX-License-Identifier: MIT */
/* address.h - addresses of sockets as text */
#ifndef HEPH_IO_ADDRESS_H
#define HEPH_IO_ADDRESS_H

#include <heph/net.h>

#include <sys/socket.h>

struct heph_address {
	socklen_t size;
	struct sockaddr_storage storage;
	bool any; /* ":80": IPv6 and IPv4 */
};

/* Reads "127.0.0.1:80", "[::1]:80", ":80". Returns 0; -EINVAL. */
int heph_address_parse(struct heph_address *address, const char *text);

/* Makes of ":80" the same for IPv4 alone. */
void heph_address_any_v4(struct heph_address *address);

/* Writes it in the same form; of an IPv4 address in IPv6 form, the IPv4 one.
 * Returns 0; -EAFNOSUPPORT. */
int heph_address_print(const struct heph_address *address,
		       char ret_text[HEPH_ADDRESS_MAX]);

#endif
