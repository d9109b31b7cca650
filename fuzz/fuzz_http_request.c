/* SPDX-License-Identifier: MIT */
/* However a request comes, it is the same; and written again, it reads the same. */
#include "http.h"

static struct heph_http_limits limits;
static struct heph_http_field places[2][ROOM];
static struct heph_http_request_head heads[2];

static ssize_t parse_to(int which, const char *data, size_t size, size_t seen)
{
	heads[which].fields =
		(struct heph_http_fields){ .at = places[which], .room = ROOM };
	return heph_http_parse_request(data, size, seen, &limits, &heads[which]);
}

static ssize_t parse(const char *data, size_t size, size_t seen,
		     enum heph_http_wrong *ret_wrong)
{
	ssize_t n = parse_to(1, data, size, seen);

	*ret_wrong = heads[1].wrong;
	heph_assert(n <= (ssize_t)size);
	return n;
}

static void check_head(const struct heph_http_request_head *head, const char *data,
		       ssize_t n)
{
	check_fields(&head->fields, data, n);
	check_inside(head->method_name, data, n);
	check_inside(head->target, data, n);
	check_inside(head->authority, data, n);
	check_inside(head->path, data, n);
	check_inside(head->query, data, n);
	check_text(head->method_name, HEPH_HTTP_TOKEN);
	check_text(head->target, HEPH_HTTP_TARGET);
	heph_assert(head->wrong == HEPH_HTTP_FINE && head->minor <= 1);
	heph_assert(head->minor == 0 || head->authority.size > 0);
	heph_assert(head->framing != HEPH_HTTP_UNTIL_CLOSE);
	heph_assert((head->framing == HEPH_HTTP_CHUNKED) ==
		    (head->length == HEPH_HTTP_UNKNOWN));
}

static void check_again(const struct heph_http_request_head *head)
{
	static char text[3 * SIZE_MOST];
	const struct heph_http_request_head *again = &heads[1];
	size_t n = (size_t)snprintf(text, sizeof(text), "%.*s %.*s HTTP/1.%u\r\n",
				    HEPH_STR(head->method_name),
				    HEPH_STR(head->target), head->minor);

	n += print_fields(text + n, &head->fields);
	limits = (struct heph_http_limits){ 0 };
	heph_assert(parse_to(1, text, n, 0) == (ssize_t)n);
	check_same_fields(&head->fields, &again->fields);
	heph_assert(same_str(head->path, again->path));
	heph_assert(same_str(head->query, again->query));
	heph_assert(same_str(head->authority, again->authority));
	heph_assert(head->method == again->method);
	heph_assert(head->length == again->length);
	heph_assert(head->framing == again->framing);
	heph_assert(head->keep_alive == again->keep_alive);
	heph_assert(head->upgrades == again->upgrades);
	heph_assert(head->expects_continue == again->expects_continue);
}

/* The first byte says what the limits are. */
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
		limits.target = 1 + data[0] / 16;
	if (data[0] & 4)
		limits.fields = 1 + data[0] / 64;
	check_scans(text, size);
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
