/* SPDX-License-Identifier: MIT */
/* A URI is written as it was read; what a reference is resolved to is a URI; no path
 * leaves its root; what is encoded is decoded to the same. */
#include <heph/http/uri.h>

#include "base/assert.h"

#include <errno.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MOST = 512, ROOM = 4 * MOST };

static char buf[ROOM], again[ROOM];

static bool is_same(struct heph_str a, struct heph_str b)
{
	return a.size == b.size &&
	       (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

static void check_uri(struct heph_str text, struct heph_str reference)
{
	struct heph_http_uri uri, other, target, reread;
	struct heph_str written;

	if (heph_http_uri_read(text, &uri) < 0)
		return;
	heph_assert(heph_http_uri_port(&uri) <= 65535);
	heph_assert(heph_http_uri_write(&uri, buf, ROOM, &written) == 0);
	heph_assert(is_same(text, written));
	if (!uri.scheme.data || heph_http_uri_read(reference, &other) < 0 ||
	    heph_http_uri_resolve(&uri, &other, buf, ROOM, &target) < 0)
		return;
	heph_assert(heph_http_uri_write(&target, again, ROOM, &written) == 0);
	heph_assert(heph_http_uri_read(written, &reread) == 0);
	heph_assert(is_same(target.host, reread.host));
	heph_assert(is_same(target.path, reread.path));
	heph_assert(is_same(target.query, reread.query));
	heph_assert(is_same(target.scheme, reread.scheme));
}

static bool has(struct heph_str text, const char *what)
{
	return memmem(text.data, text.size, what, strlen(what));
}

static bool ends(struct heph_str text, const char *with)
{
	size_t size = strlen(with);

	return text.size >= size &&
	       memcmp(text.data + text.size - size, with, size) == 0;
}

static void check_path(struct heph_str text)
{
	struct heph_str path;

	if (heph_http_path_clean(text, buf, ROOM, &path) < 0)
		return;
	heph_assert(path.size > 0 && path.data[0] == '/');
	heph_assert(!memchr(path.data, '\0', path.size));
	heph_assert(!has(path, "//") && !has(path, "/../") && !has(path, "/./"));
	heph_assert(!ends(path, "/..") && !ends(path, "/."));
}

static void check_percent(struct heph_str text)
{
	struct heph_str encoded, decoded, name, value, got;

	heph_assert(heph_http_percent_encode(text, "/", buf, ROOM, &encoded) == 0);
	heph_assert(heph_http_percent_decode(encoded, again, ROOM, &decoded) == 0);
	heph_assert(is_same(text, decoded));
	heph_assert(heph_http_query_encode(text, buf, ROOM, &encoded) == 0);
	heph_assert(heph_http_query_decode(encoded, again, ROOM, &decoded) == 0);
	heph_assert(is_same(text, decoded));
	for (size_t at = 0; heph_http_query_next(text, &at, &name, &value) > 0;)
		(void)!heph_http_query_decode(value, buf, ROOM, &got);
	(void)!heph_http_query_get(text, "a b", buf, ROOM, &got);
	(void)!heph_http_percent_decode(text, buf, ROOM, &got);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct heph_str text, first, second;
	char *copy, *line;

	if (size > MOST)
		return 0;
	copy = malloc(size + (size == 0));
	heph_assert(copy != NULL);
	memcpy(copy, data, size);
	text = first = second = heph_str_of(copy, size);
	line = memchr(copy, '\n', size);
	if (line) {
		first.size = (size_t)(line - copy);
		second = heph_str_of(line + 1, size - first.size - 1);
	}
	check_uri(first, second);
	check_path(first);
	check_percent(text);
	free(copy);
	return 0;
}
