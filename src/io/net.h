/* SPDX-License-Identifier: MIT */
/* net.h - what the rest of io must know of sockets */
#ifndef HEPH_IO_NET_H
#define HEPH_IO_NET_H

#include <heph/net.h>

#include "io/driver.h"
#include "io/file.h"
#include "io/op.h"

/* An accept of a listener has brought a connection, or has ended. */
void heph_net_accepted(struct heph_op *op);

/* Waits until a listener has no accept in flight. */
void heph_net_quiet(struct heph_self *self, struct heph_file *file);

/* A further socket for the port of a listener that heph_listen_shared() made.
 * Returns 0; -EINVAL (it was not), and as heph_listen(). */
int heph_net_share(heph_ctx ctx, struct heph_fd listener,
		   struct heph_fd *ret_fd);

/* A new stream socket for such an address; HEPH_FILE_NONBLOCK. Its number. */
int heph_net_open_stream(heph_ctx ctx, const struct heph_address *address,
			 unsigned flags);

/* Whether the driver only tells when a descriptor is ready; and whether the
 * caller makes the system calls himself, for that reason or as a thread. */
static inline bool heph_net_by_readiness(heph_ctx ctx)
{
	return heph_io_of(ctx.self->thread->heph)->by_readiness;
}

static inline bool heph_net_by_itself(heph_ctx ctx)
{
	return !ctx.self->kind || heph_net_by_readiness(ctx);
}

/* Whether its port is shared. */
bool heph_net_shared(heph_ctx ctx, struct heph_fd listener);

#endif
