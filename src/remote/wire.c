/* SPDX-License-Identifier: MIT */
/*
 * A reference as bytes is a capability: who has them may use it, and nobody else
 * can make them, because of the code. It says nothing of the type of the actor; that
 * is in the table of those that were given away (home.h).
 */
#include <sodium.h>

#include <string.h>

#include "remote/home.h"

_Static_assert(crypto_shorthash_BYTES == 8, "a code has 64 bits");
_Static_assert(crypto_shorthash_KEYBYTES == HEPH_HOME_KEY, "its key");

enum { SIGNED = HEPH_WIRE_REF - crypto_shorthash_BYTES };

static unsigned char *put_u32(unsigned char *at, uint32_t value)
{
	for (unsigned i = 0; i < 4; i++)
		at[i] = (unsigned char)(value >> (8 * i));
	return at + 4;
}

static uint64_t get(const uint8_t *at, unsigned n)
{
	uint64_t value = 0;

	while (n-- > 0)
		value = value << 8 | at[n];
	return value;
}

void heph_wire_ref_write(const struct heph_wire_ref *ref,
			 uint8_t wire[HEPH_WIRE_REF])
{
	unsigned char *at = heph_put_u64(wire, ref->node);

	at = heph_put_u64(at, ref->id);
	at = put_u32(at, ref->slot);
	at = put_u32(at, ref->rights);
	heph_put_u64(at, ref->code);
}

void heph_wire_ref_read(const uint8_t wire[HEPH_WIRE_REF],
			struct heph_wire_ref *ret_ref)
{
	*ret_ref = (struct heph_wire_ref){
		.node = get(wire, 8),
		.id = get(wire + 8, 8),
		.slot = (uint32_t)get(wire + 16, 4),
		.rights = (uint32_t)get(wire + 20, 4),
		.code = get(wire + 24, 8),
	};
}

bool heph_wire_ref_same(const struct heph_wire_ref *a,
			const struct heph_wire_ref *b)
{
	return a->id == b->id && a->code == b->code && a->node == b->node &&
	       a->slot == b->slot && a->rights == b->rights;
}

static uint64_t code_of(const struct heph_node_state *node,
			const struct heph_wire_ref *ref)
{
	uint8_t wire[HEPH_WIRE_REF], code[crypto_shorthash_BYTES];

	heph_wire_ref_write(ref, wire);
	crypto_shorthash(code, wire, SIGNED, node->home->key);
	return get(code, sizeof(code));
}

void heph_wire_ref_sign(const struct heph_node_state *node,
			struct heph_wire_ref *ref)
{
	ref->node = node->id;
	ref->code = code_of(node, ref);
}

bool heph_wire_ref_ours(const struct heph_node_state *node,
			const struct heph_wire_ref *ref)
{
	uint64_t code = code_of(node, ref);

	return ref->node == node->id &&
	       sodium_memcmp(&code, &ref->code, sizeof(code)) == 0;
}
