/* SPDX-License-Identifier: MIT */
/* message.h - what others must know of sending messages */
#ifndef HEPH_IO_MESSAGE_H
#define HEPH_IO_MESSAGE_H

#include <heph/address.h>

#include "io/file.h"

/* Waits. Sends through a file of whichever actor of this worker, which stays
 * open meanwhile. As heph_socket_send_to(). */
int heph_message_send_to(heph_ctx ctx, struct heph_file *file, const void *buf,
			 size_t size, const struct heph_address *to);

#endif
