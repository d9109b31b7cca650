/* SPDX-License-Identifier: MIT */
#include "core/stackrule.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/slot.h"
#include "core/worker.h"
#include "coro/san.h"

long heph_stackrule_find(const struct heph_self *self, const void *bytes,
			 size_t size)
{
	uintptr_t word;

	if (!self->kind)
		return -1;
	for (size_t at = 0; at + sizeof(word) <= size; at += sizeof(word)) {
		if (heph_san_unset((const char *)bytes + at))
			continue; /* between members, or of an unused one */
		memcpy(&word, (const char *)bytes + at, sizeof(word));
		if (heph_slot_has(self->slot, (void *)word))
			return (long)at;
	}
	return -1;
}

void heph_stackrule_broken(struct heph_self *self, const char *what, size_t offset)
{
	char text[256];

	snprintf(text, sizeof(text),
		 "actor %s: the %s has an address of its sender's stack at "
		 "offset %zu; send a value, or memory that moves along",
		 heph_self_name(self), what, offset);
	heph_assert_failed(text, __FILE__, __LINE__, __func__);
}
