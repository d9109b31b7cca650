/* SPDX-License-Identifier: MIT */
#include <heph/remote/transport.h>

struct heph_transport *heph_transport_ref(struct heph_transport *transport)
{
	__atomic_add_fetch(&transport->refs__, 1, __ATOMIC_RELAXED);
	return transport;
}

void heph_transport_free(struct heph_transport *transport)
{
	/* Acquire and release: who frees it sees what the others did. */
	if (transport &&
	    __atomic_sub_fetch(&transport->refs__, 1, __ATOMIC_ACQ_REL) == 0)
		transport->type->free(transport);
}
