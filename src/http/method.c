/* SPDX-License-Identifier: MIT */
#include <heph/http/method.h>

static const char *const names[HEPH_HTTP_METHODS] = {
	[HEPH_HTTP_GET] = "GET",         [HEPH_HTTP_HEAD] = "HEAD",
	[HEPH_HTTP_POST] = "POST",       [HEPH_HTTP_PUT] = "PUT",
	[HEPH_HTTP_DELETE] = "DELETE",   [HEPH_HTTP_CONNECT] = "CONNECT",
	[HEPH_HTTP_OPTIONS] = "OPTIONS", [HEPH_HTTP_TRACE] = "TRACE",
	[HEPH_HTTP_PATCH] = "PATCH",
};

static bool is(struct heph_str name, enum heph_http_method method)
{
	return heph_str_equal(name, names[method]);
}

static enum heph_http_method if_it_is(struct heph_str name,
				      enum heph_http_method method)
{
	return is(name, method) ? method : HEPH_HTTP_OTHER;
}

enum heph_http_method heph_http_method_of(struct heph_str name)
{
	if (name.size < 3)
		return HEPH_HTTP_OTHER;
	switch (name.data[0]) {
	case 'G':
		return if_it_is(name, HEPH_HTTP_GET);
	case 'H':
		return if_it_is(name, HEPH_HTTP_HEAD);
	case 'P':
		return is(name, HEPH_HTTP_POST) ? HEPH_HTTP_POST :
		       is(name, HEPH_HTTP_PUT)  ? HEPH_HTTP_PUT :
						  if_it_is(name, HEPH_HTTP_PATCH);
	case 'D':
		return if_it_is(name, HEPH_HTTP_DELETE);
	case 'C':
		return if_it_is(name, HEPH_HTTP_CONNECT);
	case 'O':
		return if_it_is(name, HEPH_HTTP_OPTIONS);
	case 'T':
		return if_it_is(name, HEPH_HTTP_TRACE);
	}
	return HEPH_HTTP_OTHER;
}

const char *heph_http_method_name(enum heph_http_method method)
{
	return (unsigned)method < HEPH_HTTP_METHODS ? names[method] : NULL;
}
