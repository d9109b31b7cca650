/* SPDX-License-Identifier: MIT */
#include "remote/cluster_entry.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "remote/json_load.h"

enum {
	VERSION = 1,
	DEPTH = 1, /* of a value: an object of texts and numbers */
	LEASE_MAX_MS = 24 * 3600 * 1000,
};

static const char *const kinds[] = {
	[HEPH_CLUSTER_MEMBER] = "member.",
	[HEPH_CLUSTER_NAME] = "name.",
	[HEPH_CLUSTER_LEASE] = "lease.",
};

/* ---- keys -------------------------------------------------------------------------- */

/* Of names; "." divides keys. */
static bool letter_ok(char c)
{
	return isalnum((unsigned char)c) || (c && strchr("-_/.", c));
}

int heph_cluster_key(enum heph_cluster_kind kind, const char *name,
		     char ret_key[HEPH_CLUSTER_KEY_MAX])
{
	size_t n = strlen(name);
	char *at;

	if (n == 0 || n > HEPH_CLUSTER_NAME_MAX)
		return -EINVAL;
	at = stpcpy(ret_key, kinds[kind]);
	for (; *name; name++) {
		if (!letter_ok(*name))
			return -EINVAL;
		*at++ = *name == '.' ? '=' : *name;
	}
	*at = 0;
	return 0;
}

int heph_cluster_key_read(const char *key, enum heph_cluster_kind *ret_kind,
			  char ret_name[HEPH_CLUSTER_NAME_MAX + 1])
{
	for (unsigned i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		size_t n = strlen(kinds[i]), size = strlen(key);

		if (strncmp(key, kinds[i], n) != 0)
			continue;
		if (size == n || size - n > HEPH_CLUSTER_NAME_MAX)
			return -EPROTO;
		*ret_kind = i;
		for (key += n; *key; key++) {
			if (*key != '=' && (*key == '.' || !letter_ok(*key)))
				return -EPROTO;
			*ret_name++ = *key == '=' ? '.' : *key;
		}
		*ret_name = 0;
		return 0;
	}
	return -EPROTO;
}

/* ---- numbers as text --------------------------------------------------------------------- */

static void put_hex(const uint8_t *data, size_t size, char *ret_text)
{
	for (size_t i = 0; i < size; i++)
		sprintf(ret_text + 2 * i, "%02x", data[i]);
}

static int get_hex(const char *text, uint8_t *ret_data, size_t size)
{
	unsigned byte;

	if (strlen(text) != 2 * size ||
	    strspn(text, "0123456789abcdef") != 2 * size)
		return -EPROTO;
	for (size_t i = 0; i < size; i++) {
		sscanf(text + 2 * i, "%2x", &byte);
		ret_data[i] = (uint8_t)byte;
	}
	return 0;
}

static int get_u64(const char *text, uint64_t *ret_value)
{
	if (strlen(text) != 16 || strspn(text, "0123456789abcdef") != 16)
		return -EPROTO;
	*ret_value = strtoull(text, NULL, 16);
	return 0;
}

/* ---- writing --------------------------------------------------------------------------------- */

static int is_plain(const char *text)
{
	for (; *text; text++)
		if (!isalnum((unsigned char)*text) && !strchr("-_.", *text))
			return 0;
	return 1;
}

int heph_cluster_value_write(enum heph_cluster_kind kind,
			     const struct heph_cluster_value *value,
			     char ret_text[HEPH_CLUSTER_VALUE_MAX])
{
	char ref[2 * HEPH_WIRE_REF + 1] = "";
	int n = snprintf(ret_text, HEPH_CLUSTER_VALUE_MAX,
			 "{\"v\":%d,\"id\":\"%016" PRIx64 "\",\"term\":%" PRIu64,
			 VERSION, value->owner.id, value->owner.term);
	char *at = ret_text + n;
	size_t left = HEPH_CLUSTER_VALUE_MAX - (size_t)n;

	if (kind == HEPH_CLUSTER_MEMBER) {
		snprintf(at, left, ",\"lease_ms\":%" PRId64 "}",
			 value->lease / HEPH_MSEC);
	} else if (kind == HEPH_CLUSTER_NAME) {
		if (!is_plain(value->type) || !is_plain(value->node))
			return -EINVAL;
		put_hex(value->ref, HEPH_WIRE_REF, ref);
		snprintf(at, left,
			 ",\"node\":\"%s\",\"type\":\"%s\",\"hash\":\"%016" PRIx64
			 "\",\"ref\":\"%s\"}",
			 value->node, value->type, value->hash, ref);
	} else {
		snprintf(at, left, "}");
	}
	return 0;
}

/* ---- reading ----------------------------------------------------------------------------------- */

static int read_member(json_t *root, struct heph_cluster_value *value)
{
	const char *id;
	json_int_t term, lease;
	int v;

	if (json_unpack(root, "{s:i,s:s,s:I,s:I!}", "v", &v, "id", &id, "term",
			&term, "lease_ms", &lease) != 0 ||
	    v != VERSION || term < 0 || lease <= 0 || lease > LEASE_MAX_MS)
		return -EPROTO;
	value->owner.term = (uint64_t)term;
	value->lease = lease * HEPH_MSEC;
	return get_u64(id, &value->owner.id);
}

static int read_lease(json_t *root, struct heph_cluster_value *value)
{
	const char *id;
	json_int_t term;
	int v;

	if (json_unpack(root, "{s:i,s:s,s:I!}", "v", &v, "id", &id, "term",
			&term) != 0 ||
	    v != VERSION || term < 0)
		return -EPROTO;
	value->owner.term = (uint64_t)term;
	return get_u64(id, &value->owner.id);
}

static int copy_text(char *to, size_t size, const char *from)
{
	size_t n = strlen(from);

	if (n == 0 || n >= size || !is_plain(from))
		return -EPROTO;
	memcpy(to, from, n + 1);
	return 0;
}

static int read_name(json_t *root, struct heph_cluster_value *value)
{
	const char *id, *node, *type, *hash, *ref;
	json_int_t term;
	int v;

	if (json_unpack(root, "{s:i,s:s,s:I,s:s,s:s,s:s,s:s!}", "v", &v, "id",
			&id, "term", &term, "node", &node, "type", &type, "hash",
			&hash, "ref", &ref) != 0 ||
	    v != VERSION || term < 0)
		return -EPROTO;
	value->owner.term = (uint64_t)term;
	if (get_u64(id, &value->owner.id) < 0 || get_u64(hash, &value->hash) < 0 ||
	    copy_text(value->node, sizeof(value->node), node) < 0 ||
	    copy_text(value->type, sizeof(value->type), type) < 0)
		return -EPROTO;
	return get_hex(ref, value->ref, HEPH_WIRE_REF);
}

int heph_cluster_value_read(enum heph_cluster_kind kind, const void *data,
			    size_t size, struct heph_cluster_value *ret_value)
{
	json_t *root;
	int err;

	memset(ret_value, 0, sizeof(*ret_value));
	if (size >= HEPH_CLUSTER_VALUE_MAX)
		return -EPROTO;
	root = heph_json_load(data, size, DEPTH, JSON_REJECT_DUPLICATES, NULL);
	if (!root)
		return -EPROTO;
	if (kind == HEPH_CLUSTER_MEMBER)
		err = read_member(root, ret_value);
	else if (kind == HEPH_CLUSTER_NAME)
		err = read_name(root, ret_value);
	else
		err = read_lease(root, ret_value);
	json_decref(root);
	return err;
}
