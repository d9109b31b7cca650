/* SPDX-License-Identifier: MIT */
/* No path of a request, however it is written, is looked up outside of the directory,
 * or is the name of a hidden file. */
#include <heph/http/uri.h>

#include <stdint.h>
#include <string.h>

#include "base/assert.h"
#include "http/mime.h"
#include "http/static.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What must never be looked up, said in another way than static_path.c does. */
static void look_at(struct heph_str path)
{
	char text[4100] = "/";

	memcpy(text + 1, path.data, path.size);
	text[path.size + 1] = '/';
	heph_assert(strlen(text) == path.size + 2); /* no nul */
	heph_assert(!strstr(text, "/../"));
	heph_assert(!strstr(text, "/."));
	heph_assert(!strchr(text, '\\'));
	heph_assert(!strchr(text, '\n'));
	heph_assert(!strchr(text, '\r'));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct heph_str text = { (const char *)data, size }, path;
	char buf[4098];

	if (size > 4096)
		return 0;
	heph_assert(heph_http_mime_type(text));
	if (heph_http_static_allows(text, false)) {
		look_at(text);
		heph_assert(heph_http_static_allows(text, true));
	}
	if (heph_http_path_clean(text, buf, sizeof(buf), &path) == 0 &&
	    heph_http_static_allows(path, false))
		look_at(path);
	return 0;
}
