/* SPDX-License-Identifier: MIT */
/*
 * eyeballs.h - connecting to a host by its name (RFC 8305)
 *
 * A host may have several addresses, of which some do not work, in one family
 * or the other. So both families are asked for at once; the addresses are tried
 * in turn, IPv6 and IPv4 alternating, each some time after the one before it if
 * that has not failed by then; and the first connection wins.
 */
#ifndef HEPH_IO_EYEBALLS_H
#define HEPH_IO_EYEBALLS_H

#include <heph/types.h>

/* Waits. Connects to "example.org:80" or "example.org:http". Returns 0;
 * -EINVAL (another text); the errors of heph_resolve() if there is no address,
 * otherwise that of an attempt. */
int heph_eyeballs_connect(heph_ctx ctx, const char *text,
			  struct heph_fd *ret_fd);

#endif
