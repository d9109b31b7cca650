/* SPDX-License-Identifier: MIT */
/* However a body is cut, its parts are the same. The first two bytes say how. */
#include <heph/http/multipart.h>

#include "base/assert.h"
#include "base/hash.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* All that was found: bytes of data, one by one, and events between them. */
struct found {
	uint64_t hash;
	int err;
	bool done;
};

static void add(struct found *found, uint64_t what)
{
	found->hash = heph_hash_mix(found->hash ^ what);
}

static void add_event(struct found *found, int event,
		      const struct heph_http_multipart *form, struct heph_str piece)
{
	for (size_t i = 0; i < piece.size; i++)
		add(found, (unsigned char)piece.data[i]);
	if (event == HEPH_HTTP_PART_DATA || event == HEPH_HTTP_PART_MORE)
		return;
	add(found, 256 + (unsigned)event);
	for (unsigned i = 0; event == HEPH_HTTP_PART_BEGIN && i < form->fields.n; i++) {
		const struct heph_http_field *field = &form->fields.at[i];

		add(found, heph_hash_bytes(field->name, field->name_size));
		add(found, heph_hash_bytes(field->value, field->value_size));
	}
}

/* Feeds one piece, in memory of just its size. */
static void feed(struct found *found, struct heph_http_multipart *form,
		 const uint8_t *data, size_t size)
{
	char *copy = malloc(size);
	struct heph_str piece;
	size_t used;

	heph_assert(copy != NULL);
	memcpy(copy, data, size);
	for (size_t at = 0; at < size && found->err >= 0; at += used) {
		found->err = heph_http_multipart_feed(form, copy + at, size - at,
						      &used, &piece);
		heph_assert(found->err < 0 || (used > 0 || piece.size > 0));
		heph_assert(used <= size - at);
		if (found->err >= 0)
			add_event(found, found->err, form, piece);
	}
	free(copy);
}

static struct found read_all(struct heph_http_multipart *form, const uint8_t *data,
			     size_t size, size_t a, size_t b)
{
	struct found found = { 0 };
	struct heph_str type = heph_str("multipart/x; boundary=b");

	heph_assert(heph_http_multipart_init(form, type, 8) == 0);
	for (size_t at = 0, n; at < size && found.err >= 0; at += n) {
		n = a < size - at ? a : size - at;
		feed(&found, form, data + at, n);
		n = n ? n : 1;
		a = b;
	}
	found.done = heph_http_multipart_done(form);
	return found;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct heph_http_multipart *form;
	struct found whole, cut;

	if (size < 3)
		return 0;
	form = malloc(sizeof(*form));
	heph_assert(form != NULL);
	whole = read_all(form, data + 2, size - 2, size, size);
	cut = read_all(form, data + 2, size - 2, data[0] + 1U, data[1] + 1U);
	heph_assert(whole.done == cut.done);
	heph_assert((whole.err < 0) == (cut.err < 0));
	heph_assert(whole.err < 0 ? whole.err == cut.err : whole.hash == cut.hash);
	free(form);
	return 0;
}
