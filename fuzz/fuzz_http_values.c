/* SPDX-License-Identifier: MIT */
/* Whatever the value of a field is, all that read values come to an end, give
 * pieces of it alone, and read again what they would write. */
#include <heph/http.h>

#include "base/assert.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ROOM = 2048, RANGES = 8 };

static char buf[ROOM];

static bool is_inside(struct heph_str part, struct heph_str whole)
{
	return part.size == 0 || (part.data >= whole.data &&
				  part.data + part.size <= whole.data + whole.size);
}

static void check_lists(struct heph_str text)
{
	struct heph_http_forwarded forwarded;
	struct heph_http_choice choice;
	struct heph_http_param param;
	struct heph_http_etag etag;
	struct heph_str piece, value;
	size_t at = 0, n = 0;

	while (heph_http_list_next(text, &at, &piece) > 0) {
		heph_assert(piece.size > 0 && is_inside(piece, text));
		heph_assert(++n <= text.size);
	}
	for (at = 0; heph_http_params_next(text, &at, &param) > 0;) {
		heph_assert(heph_http_is_token(param.name));
		heph_assert(is_inside(param.value, text));
		heph_assert(heph_http_unescape(&param, buf, ROOM, &value) == 0);
		heph_assert(value.size <= param.value.size);
	}
	for (at = 0; heph_http_etag_next(text, &at, &etag) > 0;)
		heph_assert(is_inside(etag.value, text));
	for (at = 0; heph_http_choice_next(text, &at, &choice) > 0;)
		heph_assert(choice.q <= 1000 && is_inside(choice.params, text));
	for (at = 0; heph_http_forwarded_next(text, &at, &forwarded) > 0;)
		heph_assert(is_inside(forwarded.client, text));
}

static void check_dates(struct heph_str text)
{
	char date[HEPH_HTTP_DATE_SIZE];
	int64_t seconds, again;

	if (heph_http_date_read(text, &seconds) < 0 || seconds < 0)
		return;
	heph_http_date_write(seconds, date);
	heph_assert(heph_http_date_read(heph_str(date), &again) == 0);
	heph_assert(again == seconds || seconds == INT64_C(253402300800));
}

static void check_ranges(struct heph_str text)
{
	char written[HEPH_HTTP_CONTENT_RANGE_SIZE];
	struct heph_http_content_range one, two;
	struct heph_http_range ranges[RANGES];
	uint64_t length = text.size * 7, sum = 0;
	int n = heph_http_range_read(text, length, ranges, RANGES);

	heph_assert(n != 0 && n <= RANGES);
	for (int i = 0; i < n; i++) {
		heph_assert(ranges[i].size > 0 && ranges[i].size <= length &&
			    ranges[i].first <= length - ranges[i].size);
		sum += ranges[i].size;
	}
	heph_assert(sum <= length);
	if (heph_http_content_range_read(text, &one) < 0)
		return;
	heph_http_content_range_write(&one, written);
	heph_assert(heph_http_content_range_read(heph_str(written), &two) == 0);
	heph_assert(one.length == two.length && one.range.size == two.range.size &&
		    one.range.first == two.range.first);
}

static void check_cookies(struct heph_str text)
{
	struct heph_http_set_cookie one, two;
	struct heph_str name, value, written;

	for (size_t at = 0; heph_http_cookie_next(text, &at, &name, &value) > 0;)
		heph_assert(name.size > 0 && is_inside(value, text));
	if (heph_http_set_cookie_read(text, &one) < 0 ||
	    heph_http_set_cookie_write(&one, buf, ROOM, &written) < 0)
		return;
	heph_assert(heph_http_set_cookie_read(written, &two) == 0);
	heph_assert(one.name.size == two.name.size &&
		    one.value.size == two.value.size &&
		    one.domain.size == two.domain.size &&
		    one.path.size == two.path.size &&
		    one.max_age == two.max_age && one.secure == two.secure &&
		    one.same_site == two.same_site);
}

static void check_credentials(struct heph_str text)
{
	struct heph_str user, password, token, written, again, same;
	char decoded[ROOM], twice[ROOM];

	(void)!heph_http_bearer_read(text, &token);
	if (heph_http_basic_read(text, decoded, ROOM, &user, &password) <= 0)
		return;
	heph_assert(heph_http_basic_write(user, password, buf, ROOM, &written) == 0);
	heph_assert(heph_http_basic_read(written, twice, ROOM, &again, &same) == 1);
	heph_assert(heph_http_same_secret(user, again) &&
		    heph_http_same_secret(password, same));
}

/* As the value of each field that is chosen by. */
static void check_choices(struct heph_str text)
{
	static const char *const names[] = { "Accept", "Accept-Encoding",
					     "Accept-Language", "If-None-Match",
					     "X-Forwarded-For", "Forwarded" };
	static const char *const offered[] = { "text/html;level=1", "gzip", "en",
					       "identity" };
	struct heph_http_etag etag = { { "x", 1 }, false };
	struct heph_http_state state = { &etag, 784111777, false };
	struct heph_address address;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct heph_http_field line = {
			.name = names[i], .name_size = (uint16_t)strlen(names[i]),
			.value = text.data, .value_size = (uint32_t)text.size,
		};
		struct heph_http_fields fields = { &line, 1, 1 };

		heph_assert(heph_http_accept_type(&fields, offered, 4) < 4);
		heph_assert(heph_http_accept_encoding(&fields, offered, 4) < 4);
		heph_assert(heph_http_accept_language(&fields, offered, 4) < 4);
		(void)!heph_http_condition(&fields, HEPH_HTTP_GET, &state);
		(void)!heph_http_forwarded_client(&fields, names[i], 1, &address);
	}
}

static void check_rest(struct heph_str text)
{
	struct heph_http_cache cache = HEPH_HTTP_CACHE_NONE;
	struct heph_http_disposition disposition;
	struct heph_http_media media;
	uint64_t number;

	(void)!heph_http_number(text, &number);
	(void)!heph_http_cache_read(text, &cache);
	if (heph_http_media_read(text, &media) == 0)
		heph_assert(is_inside(media.params, text));
	heph_assert(heph_http_disposition_read(text, buf, text.size,
					       &disposition) != -ENOSPC);
	heph_assert(heph_http_name_of(text.data, text.size) < HEPH_HTTP_NAMES);
	heph_assert(heph_http_method_of(text) < HEPH_HTTP_METHODS);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct heph_str text;
	char *copy;

	if (size > ROOM / 2)
		return 0;
	copy = malloc(size + (size == 0));
	heph_assert(copy != NULL);
	memcpy(copy, data, size);
	text = heph_str_of(copy, size);
	check_lists(text);
	check_dates(text);
	check_ranges(text);
	check_cookies(text);
	check_credentials(text);
	check_choices(text);
	check_rest(text);
	free(copy);
	return 0;
}
