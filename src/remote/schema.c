/* SPDX-License-Identifier: MIT */
/* The hash of a schema: FNV-1a over what decides how the bytes of a message look,
 * and what they mean. It is the same in all programs and on all machines. */
#include <heph/remote/actor.h>

#include "remote/walk.h"

struct schema {
	uint64_t hash;
	const struct heph_codec *above[HEPH_CODEC_DEPTH]; /* being hashed */
	unsigned depth;
};

static void mix(struct schema *schema, const void *data, size_t size)
{
	const unsigned char *at = data;

	for (size_t i = 0; i < size; i++)
		schema->hash = (schema->hash ^ at[i]) * UINT64_C(0x100000001b3);
}

static void mix_number(struct schema *schema, uint64_t number)
{
	mix(schema, &number, sizeof(number));
}

static void mix_text(struct schema *schema, const char *text)
{
	mix(schema, text, strlen(text) + 1);
}

static void mix_codec(struct schema *schema, const struct heph_codec *codec);

/* An actor by its name: its messages may have references to this one. */
static void mix_remote(struct schema *schema, const struct heph_field *field)
{
	if (field->kind == HEPH_KIND_REF || field->answer == HEPH_KIND_REF)
		mix_text(schema, field->remote ? field->remote()->name : "");
}

static void mix_answer(struct schema *schema, const struct heph_field *field)
{
	bool is_struct = field->answer == HEPH_KIND_STRUCT;

	if (field->kind != HEPH_KIND_REPLY)
		return;
	mix_number(schema, field->answer);
	mix_number(schema, is_struct ? 0 : field->answer_size);
	if (is_struct)
		mix_codec(schema, field->codec());
}

/* By the size of an integer the other side knows what fits; that of a struct is
 * nobody's business. */
static void mix_field(struct schema *schema, const struct heph_field *field)
{
	mix_text(schema, heph_field_name(field));
	mix_number(schema, field->kind);
	mix_number(schema, field->shape);
	mix_number(schema, field->kind == HEPH_KIND_STRUCT ? 0 : field->size);
	mix_number(schema, heph_field_max(field));
	mix_number(schema, field->when_size != 0);
	mix_number(schema, (uint64_t)field->when);
	if (field->kind == HEPH_KIND_STRUCT)
		mix_codec(schema, field->codec());
	mix_remote(schema, field);
	mix_answer(schema, field);
}

/* One that is in itself counts as how far up that is. */
static bool is_above(struct schema *schema, const struct heph_codec *codec)
{
	for (unsigned i = 0; i < schema->depth; i++)
		if (schema->above[i] == codec) {
			mix_number(schema, schema->depth - i);
			return true;
		}
	return false;
}

static void mix_codec(struct schema *schema, const struct heph_codec *codec)
{
	if (is_above(schema, codec) || schema->depth == HEPH_CODEC_DEPTH)
		return;
	schema->above[schema->depth++] = codec;
	mix_text(schema, codec->name);
	mix_number(schema, codec->own ? codec->own->hash : 0);
	mix_number(schema, codec->n);
	for (unsigned i = 0; i < codec->n; i++)
		mix_field(schema, &codec->fields[i]);
	schema->depth--;
}

#define BEGINNING UINT64_C(0xcbf29ce484222325)

uint64_t heph_codec_hash(const struct heph_codec *codec)
{
	struct schema schema = { .hash = BEGINNING };

	mix_codec(&schema, codec);
	return schema.hash;
}

static uint64_t hash_of(heph_codec_fn *codec)
{
	return codec ? heph_codec_hash(codec()) : 0;
}

uint64_t heph_remote_hash(const struct heph_remote_actor *remote)
{
	struct schema schema = { .hash = BEGINNING };

	mix_text(&schema, remote->name);
	mix_number(&schema, hash_of(remote->msg));
	mix_number(&schema, hash_of(remote->arg));
	mix_number(&schema, remote->spawnable);
	return schema.hash;
}
