/* SPDX-License-Identifier: MIT */
/* stub.h - giving messages that have come to actors, and waiting for room */
#ifndef HEPH_REMOTE_STUB_H
#define HEPH_REMOTE_STUB_H

#include "remote/export.h"
#include "remote/message.h"

/* A message that was read, and how it is to be given. */
struct heph_delivery_in {
	void *msg; /* of the type; to be dropped, if it is not given away */
	struct heph_incoming in;
	heph_time deadline; /* of the caller */
};

struct heph_waiting {
	struct heph_waiting *next;
	struct heph_delivery_in delivery; /* `msg` is behind it */
	_Alignas(16) unsigned char msg[];
};

/* SEND, CALL. In the peer's actor; does not wait. Errors end the peer. */
int heph_stub_message(heph_ctx ctx, struct heph_peer *peer,
		      const struct heph_frame_view *view);

/* Those who wait cannot be helped: they are refused. */
int heph_export_refuse_waiting(struct heph_export *export, int why);

#endif
