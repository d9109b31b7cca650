/* SPDX-License-Identifier: MIT */
#include <heph/http/condition.h>
#include <heph/http/date.h>

typedef bool compare_fn(const struct heph_http_etag *a,
			const struct heph_http_etag *b);

static const struct heph_http_field *next(const struct heph_http_fields *fields,
					  const char *name, unsigned *at)
{
	while (*at < fields->n) {
		const struct heph_http_field *field = &fields->at[(*at)++];

		if (heph_str_equal_case(heph_http_field_name(field), name))
			return field;
	}
	return NULL;
}

static bool has(const struct heph_http_fields *fields, const char *name)
{
	unsigned at = 0;

	return next(fields, name, &at);
}

static bool list_matches(struct heph_str list,
			 const struct heph_http_state *state,
			 compare_fn *compare)
{
	struct heph_http_etag etag;
	size_t at = 0;

	if (heph_str_equal(list, "*"))
		return !state->missing;
	while (state->etag && heph_http_etag_next(list, &at, &etag) > 0)
		if (compare(&etag, state->etag))
			return true;
	return false;
}

/* Whether one of the tags in all fields of that name is the one that is here. */
static bool matches(const struct heph_http_fields *fields,
		    const char *name,
		    const struct heph_http_state *state, compare_fn *compare)
{
	const struct heph_http_field *field;
	unsigned at = 0;

	while ((field = next(fields, name, &at)))
		if (list_matches(heph_http_field_value(field), state, compare))
			return true;
	return false;
}

/* The date of a field that is there once; or HEPH_HTTP_NO_DATE. */
static int64_t date_of(const struct heph_http_fields *fields,
		       const char *name)
{
	const struct heph_http_field *field;
	int64_t seconds;
	unsigned at = 0;

	field = next(fields, name, &at);
	if (!field || next(fields, name, &at) ||
	    heph_http_date_read(heph_http_field_value(field), &seconds) < 0)
		return HEPH_HTTP_NO_DATE;
	return seconds;
}

/* Steps 1 and 2: If-Match, else If-Unmodified-Since. */
static bool is_wanted_state(const struct heph_http_fields *fields,
			    const struct heph_http_state *state)
{
	int64_t date;

	if (has(fields, "If-Match"))
		return matches(fields, "If-Match", state,
			       heph_http_etag_same);
	date = date_of(fields, "If-Unmodified-Since");
	return date == HEPH_HTTP_NO_DATE ||
	       state->modified == HEPH_HTTP_NO_DATE || state->modified <= date;
}

unsigned heph_http_condition(const struct heph_http_fields *fields,
			     enum heph_http_method method,
			     const struct heph_http_state *state)
{
	bool reads = method == HEPH_HTTP_GET || method == HEPH_HTTP_HEAD;
	int64_t date;

	if (!is_wanted_state(fields, state))
		return 412;
	if (has(fields, "If-None-Match")) {
		if (!matches(fields, "If-None-Match", state,
			     heph_http_etag_alike))
			return 0;
		return reads ? 304 : 412;
	}
	date = date_of(fields, "If-Modified-Since");
	if (reads && date != HEPH_HTTP_NO_DATE &&
	    state->modified != HEPH_HTTP_NO_DATE && state->modified <= date)
		return 304;
	return 0;
}

bool heph_http_if_range(const struct heph_http_fields *fields,
			const struct heph_http_state *state)
{
	const struct heph_http_field *field;
	struct heph_http_etag etag;
	unsigned at = 0;
	int64_t date;

	field = next(fields, "If-Range", &at);
	if (!field)
		return true;
	if (heph_http_etag_read(heph_http_field_value(field), &etag) == 0)
		return state->etag && heph_http_etag_same(&etag, state->etag);
	date = date_of(fields, "If-Range");
	return date != HEPH_HTTP_NO_DATE && date == state->modified;
}
