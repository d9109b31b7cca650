/* SPDX-License-Identifier: MIT */
/* address.h - what the rest of io must know of addresses */
#ifndef HEPH_IO_ADDRESS_H
#define HEPH_IO_ADDRESS_H

#include <heph/address.h>

/* Makes of ":80" the same for IPv4 alone. */
void heph_address_any_v4(struct heph_address *address);

static inline int heph_address_family(const struct heph_address *address)
{
	return address->size ? address->storage.ss_family : AF_UNSPEC;
}

/* IPv4 or IPv6. */
static inline bool heph_address_inet(const struct heph_address *address)
{
	int family = heph_address_family(address);

	return family == AF_INET || family == AF_INET6;
}

/* A number in which those that are the same agree; whoever does not know the
 * seed cannot choose it. */
uint64_t heph_address_hash(const struct heph_address *address, uint64_t seed);

#endif
