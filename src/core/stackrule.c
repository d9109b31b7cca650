/* SPDX-License-Identifier: MIT */
#include "core/stackrule.h"

#include <stdio.h>
#include <string.h>

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

void heph_stackrule_broken(struct heph_self *self, const char *what,
			   const char *whom, size_t offset)
{
	char text[400];

	snprintf(text, sizeof(text),
		 "actor %s (type %s): the %s%s%s has an address of its "
		 "sender's stack at offset %zu; send a value, or memory that "
		 "moves along; or these bytes were never set: begin with = { 0 }",
		 heph_self_name(self), heph_type_of(self)->name, what,
		 whom ? " for a " : "", whom ? whom : "", offset);
	heph_misuse(text, "stack-rule");
}

void heph_stackrule_broken_msg(struct heph_self *self, struct heph_addr to,
			       size_t offset)
{
	bool inside;
	struct heph *heph = heph_enter(to.node, &inside);
	struct heph_kind *kind = heph ? heph_kind_with(heph, to) : NULL;

	heph_stackrule_broken(self, "message", kind ? kind->type->name : NULL,
			      offset);
}

static bool in_a_stack(const struct heph_worker *worker, const void *addr)
{
	struct heph_stacks *const *sizes = worker->slots.sizes;

	for (unsigned i = 0; i < HEPH_STACK_SIZES; i++)
		if (sizes[i] && heph_stacks_owns(sizes[i], addr))
			return true;
	return heph_stacks_owns(&worker->stacks, addr);
}

bool heph_stackrule_forbids(const struct heph_self *self,
			    const struct heph_worker *worker, const void *ptr,
			    size_t size)
{
	const char *first = ptr, *last = first + size - 1;

	if (!heph_stack_may_move(self) && heph_slot_has(self->slot, first) &&
	    heph_slot_has(self->slot, last))
		return false;
	return in_a_stack(worker, first) || in_a_stack(worker, last);
}

void heph_stackrule_broken_op(struct heph_self *self, const char *name)
{
	char text[400];

	snprintf(text, sizeof(text),
		 "actor %s (type %s): its %s would give the kernel an address "
		 "of an actor's stack; use memory of its own, or from the heap",
		 heph_self_name(self), heph_type_of(self)->name, name);
	heph_misuse(text, "stack-rule");
}
