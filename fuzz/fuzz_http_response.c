/* SPDX-License-Identifier: MIT */
/* However a response comes, it is the same; and written again, it reads the same. */
#include "http.h"

static struct heph_http_limits limits;
static enum heph_http_method method;
static struct heph_http_field places[2][ROOM];
static struct heph_http_response_head heads[2];

static ssize_t parse_to(int which, const char *data, size_t size, size_t seen)
{
	heads[which].fields =
		(struct heph_http_fields){ .at = places[which], .room = ROOM };
	return heph_http_parse_response(data, size, seen, method, &limits,
					&heads[which]);
}

static ssize_t parse(const char *data, size_t size, size_t seen,
		     enum heph_http_wrong *ret_wrong)
{
	ssize_t n = parse_to(1, data, size, seen);

	*ret_wrong = heads[1].wrong;
	heph_assert(n <= (ssize_t)size);
	return n;
}

static void check_head(const struct heph_http_response_head *head,
		       const char *data, ssize_t n)
{
	check_fields(&head->fields, data, n);
	check_inside(head->reason, data, n);
	check_text(head->reason, HEPH_HTTP_TEXT);
	heph_assert(head->wrong == HEPH_HTTP_FINE && head->minor <= 1);
	heph_assert(head->status >= 100 && head->status <= 999);
	heph_assert((head->framing == HEPH_HTTP_CHUNKED ||
		     head->framing == HEPH_HTTP_UNTIL_CLOSE) ==
		    (head->length == HEPH_HTTP_UNKNOWN));
	heph_assert(head->framing != HEPH_HTTP_NO_BODY || head->length == 0);
	heph_assert(method != HEPH_HTTP_HEAD || head->length == 0);
}

static void check_again(const struct heph_http_response_head *head)
{
	static char text[3 * SIZE_MOST];
	const struct heph_http_response_head *again = &heads[1];
	size_t n = (size_t)snprintf(text, sizeof(text), "HTTP/1.%u %u ",
				    head->minor, head->status);

	memcpy(text + n, head->reason.data, head->reason.size);
	n += head->reason.size;
	n += (size_t)snprintf(text + n, 3, "\r\n");
	n += print_fields(text + n, &head->fields);
	limits = (struct heph_http_limits){ 0 };
	heph_assert(parse_to(1, text, n, 0) == (ssize_t)n);
	check_same_fields(&head->fields, &again->fields);
	heph_assert(same_str(head->reason, again->reason));
	heph_assert(head->status == again->status);
	heph_assert(head->length == again->length);
	heph_assert(head->framing == again->framing);
	heph_assert(head->keep_alive == again->keep_alive);
	heph_assert(head->upgrades == again->upgrades);
}

/* The first byte says what the limits and the method are. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data + 1;
	ssize_t n;

	if (size < 1 || --size > SIZE_MOST)
		return 0;
	limits = (struct heph_http_limits){ 0 };
	if (data[0] & 1)
		limits.head = 64 + data[0];
	if (data[0] & 2)
		limits.fields = 1 + data[0] / 64;
	method = data[0] & 4 ? HEPH_HTTP_HEAD :
		 data[0] & 8 ? HEPH_HTTP_CONNECT :
			       HEPH_HTTP_GET;
	check_splits(parse, text, size);
	n = parse_to(0, text, size, 0);
	if (n <= 0)
		return 0;
	heph_assert(parse_to(1, text, (size_t)n, 0) == n);
	heph_assert(parse_to(1, text, (size_t)n - 1, 0) == 0);
	check_head(&heads[0], text, n);
	check_again(&heads[0]);
	return 0;
}
