/* SPDX-License-Identifier: MIT */
/* Which paths of requests may be looked up in a directory at all. */
#include "http/static.h"

static bool is_refused(struct heph_str name, bool hidden)
{
	for (size_t i = 0; i < name.size; i++) {
		unsigned char c = (unsigned char)name.data[i];

		if (c < ' ' || c == 127 || c == '\\')
			return true;
	}
	if (name.size == 0 || name.data[0] != '.')
		return false;
	return !hidden || name.size == 1 ||
	       (name.size == 2 && name.data[1] == '.');
}

bool heph_http_static_allows(struct heph_str path, bool hidden)
{
	const char *slash;
	size_t size;

	while (path.size > 0) {
		slash = memchr(path.data, '/', path.size);
		size = slash ? (size_t)(slash - path.data) : path.size;
		if (is_refused(heph_str_of(path.data, size), hidden))
			return false;
		size += slash != NULL;
		path.data += size;
		path.size -= size;
	}
	return true;
}
