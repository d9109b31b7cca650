/* SPDX-License-Identifier: MIT */
/* control.h - what travels beside the bytes of a message; cmsg(3) */
#ifndef HEPH_IO_CONTROL_H
#define HEPH_IO_CONTROL_H

#include <heph/socket_msg.h>

#include "core/self.h"

/* Bytes that the control data of a message may take. */
size_t heph_control_size(const struct heph_socket_msg *msg, bool sending);

/* Writes that of one that is to be sent on a socket. Returns its size; -EBADF, -EINVAL. */
int heph_control_encode(heph_ctx ctx, int number,
			const struct heph_socket_msg *msg, void *control);

/* Reads that of one that has come: into `msg`, whose `flags` are set. */
void heph_control_decode(heph_ctx ctx, struct msghdr *header,
			 struct heph_socket_msg *msg);

#endif
