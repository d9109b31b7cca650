/* SPDX-License-Identifier: MIT */
/*
 * What messages own: the end of it, and copies.
 *
 * A copy begins as the same bytes, is made to own nothing, and then gets what it
 * owns piece by piece: whenever that fails it can be dropped.
 */
#include "remote/mem.h"
#include "remote/walk.h"

/* ---- whether there is anything ---------------------------------------------------- */

static bool is_plain(const struct heph_field *field)
{
	if (field->shape == HEPH_SHAPE_LIST || field->kind == HEPH_KIND_TEXT ||
	    field->kind == HEPH_KIND_BYTES)
		return false;
	return field->kind != HEPH_KIND_STRUCT ||
	       heph_codec_is_plain(field->codec());
}

/* A struct is within itself only by a list. */
bool heph_codec_is_plain(const struct heph_codec *codec)
{
	if (codec->own)
		return !codec->own->drop;
	for (unsigned i = 0; i < codec->n; i++)
		if (!is_plain(&codec->fields[i]))
			return false;
	return true;
}

/* ---- dropping ------------------------------------------------------------------- */

static void drop_value(const struct heph_field *field, void *value)
{
	struct heph_bytes bytes;
	char *text;

	switch (field->kind) {
	case HEPH_KIND_TEXT:
		memcpy(&text, value, sizeof(text));
		heph_remote_mem_free(text);
		break;
	case HEPH_KIND_BYTES:
		memcpy(&bytes, value, sizeof(bytes));
		heph_remote_mem_free(bytes.data);
		break;
	case HEPH_KIND_STRUCT:
		heph_codec_drop(field->codec(), value);
		break;
	}
}

static void drop_field(const struct heph_field *field, void *msg)
{
	char *element = heph_field_elements(field, msg);
	size_t n = element ? heph_field_count(field, msg) : 0;

	for (size_t i = 0; i < n; i++)
		drop_value(field, element + i * field->size);
	if (field->shape == HEPH_SHAPE_LIST)
		heph_remote_mem_free(element);
}

void heph_codec_drop(const struct heph_codec *codec, void *msg)
{
	if (codec->own && codec->own->drop)
		codec->own->drop(msg);
	for (unsigned i = 0; i < codec->n; i++)
		if (heph_field_there(&codec->fields[i], msg))
			drop_field(&codec->fields[i], msg);
	memset(msg, 0, codec->size);
}

/* ---- copying ------------------------------------------------------------------------ */

static void disown(const struct heph_codec *codec, void *msg);

static void disown_value(const struct heph_field *field, void *value)
{
	switch (field->kind) {
	case HEPH_KIND_TEXT:
	case HEPH_KIND_BYTES:
		memset(value, 0, field->size);
		break;
	case HEPH_KIND_STRUCT:
		disown(field->codec(), value);
		break;
	}
}

static void disown_field(const struct heph_field *field, void *msg)
{
	char *element = heph_field_in(field, msg);
	size_t n = heph_field_count(field, msg);

	if (field->shape == HEPH_SHAPE_LIST) {
		memset(element, 0, sizeof(void *));
		heph_field_set_count(field, msg, 0);
		return;
	}
	for (size_t i = 0; i < n; i++)
		disown_value(field, element + i * field->size);
}

static void disown(const struct heph_codec *codec, void *msg)
{
	for (unsigned i = 0; i < codec->n; i++)
		if (heph_field_there(&codec->fields[i], msg))
			disown_field(&codec->fields[i], msg);
}

static int copy_owned(const struct heph_codec *codec, void *to,
		      const void *from);

static void *copy_bytes(const void *from, size_t size)
{
	void *to = heph_remote_mem_alloc(size);

	return to ? memcpy(to, from, size) : NULL;
}

static int copy_text(void *to, const void *from)
{
	char *text, *copy;

	memcpy(&text, from, sizeof(text));
	if (!text)
		return 0;
	copy = copy_bytes(text, strlen(text) + 1);
	memcpy(to, &copy, sizeof(copy));
	return copy ? 0 : -ENOMEM;
}

static int copy_blob(void *to, const void *from)
{
	struct heph_bytes bytes;

	memcpy(&bytes, from, sizeof(bytes));
	if (!bytes.data)
		return 0;
	bytes.data = copy_bytes(bytes.data, bytes.size);
	if (!bytes.data)
		return -ENOMEM;
	memcpy(to, &bytes, sizeof(bytes));
	return 0;
}

static int copy_value(const struct heph_field *field, void *to, const void *from)
{
	switch (field->kind) {
	case HEPH_KIND_TEXT:
		return copy_text(to, from);
	case HEPH_KIND_BYTES:
		return copy_blob(to, from);
	case HEPH_KIND_STRUCT:
		return copy_owned(field->codec(), to, from);
	default:
		return 0;
	}
}

/* The same bytes, which own nothing yet. */
static int copy_list(const struct heph_field *field, void *to, const char *from,
		     size_t n)
{
	char *list = copy_bytes(from, n * field->size);

	if (!list)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		disown_value(field, list + i * field->size);
	memcpy(heph_field_in(field, to), &list, sizeof(list));
	heph_field_set_count(field, to, n);
	return 0;
}

static int copy_field(const struct heph_field *field, void *to, const void *from)
{
	const char *theirs = heph_field_elements(field, from);
	size_t n = theirs ? heph_field_count(field, from) : 0;
	char *ours;
	int err = 0;

	if (field->shape == HEPH_SHAPE_LIST && n > 0)
		err = copy_list(field, to, theirs, n);
	ours = err == 0 ? heph_field_elements(field, to) : NULL;
	for (size_t i = 0; err == 0 && i < n; i++)
		err = copy_value(field, ours + i * field->size,
				 theirs + i * field->size);
	return err;
}

static int copy_owned(const struct heph_codec *codec, void *to, const void *from)
{
	int err = 0;

	for (unsigned i = 0; err == 0 && i < codec->n; i++)
		if (heph_field_there(&codec->fields[i], from))
			err = copy_field(&codec->fields[i], to, from);
	return err;
}

int heph_codec_copy(const struct heph_codec *codec, void *to, const void *from)
{
	int err;

	if (codec->own && codec->own->copy)
		return codec->own->copy(to, from);
	memcpy(to, from, codec->size);
	disown(codec, to);
	err = copy_owned(codec, to, from);
	if (err < 0)
		heph_codec_drop(codec, to);
	return err;
}
