/* SPDX-License-Identifier: MIT */
/* What can be wrong with a message, in words and as a status. */
#include <heph/http/parse.h>

static const struct {
	const char *text;
	unsigned status;
} wrongs[HEPH_HTTP_WRONGS] = {
	[HEPH_HTTP_FINE] = { "nothing is wrong", 200 },
	[HEPH_HTTP_BAD_METHOD] = { "the method is no token", 400 },
	[HEPH_HTTP_BAD_TARGET] = { "no such request target can be", 400 },
	[HEPH_HTTP_LONG_TARGET] = { "the request target is too long", 414 },
	[HEPH_HTTP_BAD_VERSION] = { "no HTTP version", 400 },
	[HEPH_HTTP_OTHER_VERSION] = { "neither HTTP/1.0 nor HTTP/1.1", 505 },
	[HEPH_HTTP_BAD_STATUS] = { "the status is not three digits", 502 },
	[HEPH_HTTP_BAD_LINE] = { "a line does not end with CR LF", 400 },
	[HEPH_HTTP_BAD_NAME] = { "the name of a field is no token", 400 },
	[HEPH_HTTP_BAD_VALUE] = { "a control character in a field", 400 },
	[HEPH_HTTP_FOLDED] = { "a line of the head begins with a blank", 400 },
	[HEPH_HTTP_LONG_HEAD] = { "the head is too long", 431 },
	[HEPH_HTTP_MANY_FIELDS] = { "too many fields", 431 },
	[HEPH_HTTP_BAD_HOST] = { "no Host, several, or no name of a host", 400 },
	[HEPH_HTTP_BAD_LENGTH] = { "Content-Length is no number", 400 },
	[HEPH_HTTP_TWO_LENGTHS] = { "more than one Content-Length", 400 },
	[HEPH_HTTP_LENGTH_AND_CODING] = { "Content-Length and Transfer-Encoding",
					  400 },
	[HEPH_HTTP_BAD_CODING] = { "chunked is not the last coding, or twice",
				   400 },
	[HEPH_HTTP_OTHER_CODING] = { "a transfer coding other than chunked", 501 },
	[HEPH_HTTP_BAD_CHUNK] = { "a malformed chunk", 400 },
	[HEPH_HTTP_LONG_CHUNK] = { "the line of a chunk is too long", 400 },
};

const char *heph_http_wrong_text(enum heph_http_wrong wrong)
{
	return wrong < HEPH_HTTP_WRONGS ? wrongs[wrong].text : "unknown";
}

unsigned heph_http_wrong_status(enum heph_http_wrong wrong)
{
	return wrong < HEPH_HTTP_WRONGS ? wrongs[wrong].status : 400;
}
