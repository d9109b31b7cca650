/* SPDX-License-Identifier: MIT */
/* like.h - types of actors that take the messages of another one: proxies, routers */
#ifndef HEPH_REMOTE_LIKE_H
#define HEPH_REMOTE_LIKE_H

#include <heph/remote/actor.h>

/* `base`, an actor that takes no messages, as one that takes those of `remote`, or
 * none if that is NULL; the body uses its inbox by the untyped functions. It is made
 * once and stays, as the runtime keeps what it has spawned. NULL: no memory. Any
 * thread. */
const struct heph_actor *heph_like(const struct heph_remote_actor *remote,
				   const struct heph_actor *base);

#endif
