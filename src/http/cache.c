/* SPDX-License-Identifier: MIT */
#include <heph/http/cache.h>
#include <heph/http/value.h>

#include "http/text.h"

static const struct {
	const char *name;
	size_t at; /* of its member, a bool or an int64_t */
	bool seconds;
} directives[] = {
#define FLAG(name_, member_)                                                   \
	{ name_, offsetof(struct heph_http_cache, member_), false }
#define SECONDS(name_, member_)                                                \
	{ name_, offsetof(struct heph_http_cache, member_), true }
	SECONDS("max-age", max_age),
	SECONDS("s-maxage", s_maxage),
	SECONDS("max-stale", max_stale),
	SECONDS("min-fresh", min_fresh),
	SECONDS("stale-while-revalidate", stale_while_revalidate),
	SECONDS("stale-if-error", stale_if_error),
	FLAG("no-store", no_store),
	FLAG("no-cache", no_cache),
	FLAG("no-transform", no_transform),
	FLAG("only-if-cached", only_if_cached),
	FLAG("must-revalidate", must_revalidate),
	FLAG("must-understand", must_understand),
	FLAG("proxy-revalidate", proxy_revalidate),
	FLAG("public", is_public),
	FLAG("private", is_private),
	FLAG("immutable", immutable),
};

/* RFC 9111, section 1.2.2: what is larger is taken as 2^31. */
static int64_t seconds_of(struct heph_str value)
{
	const int64_t most = INT64_C(1) << 31;
	uint64_t number;

	if (value.size == 0)
		return 0;
	for (size_t i = 0; i < value.size; i++)
		if (!text_is_digit(value.data[i]))
			return 0;
	if (heph_http_number(value, &number) < 0 || number > (uint64_t)most)
		return most;
	return (int64_t)number;
}

static void add_seconds(struct heph_http_cache *cache, int64_t *member,
			struct heph_str value)
{
	int64_t seconds = seconds_of(value);

	if (member == &cache->max_stale && !value.data) {
		if (*member == HEPH_HTTP_CACHE_ABSENT)
			*member = HEPH_HTTP_CACHE_ANY;
	} else if (*member < 0 || seconds < *member) {
		*member = seconds;
	}
}

static void add(struct heph_http_cache *cache,
		const struct heph_http_param *directive)
{
	char *base = (char *)cache;

	for (size_t i = 0; i < sizeof(directives) / sizeof(directives[0]); i++) {
		if (!heph_str_equal_case(directive->name, directives[i].name))
			continue;
		if (directives[i].seconds)
			add_seconds(cache,
				    (void *)(base + directives[i].at),
				    directive->value);
		else
			*(bool *)(base + directives[i].at) = true;
	}
}

int heph_http_cache_read(struct heph_str text, struct heph_http_cache *cache)
{
	struct heph_http_param directive;
	struct heph_str member;
	size_t at = 0;
	int got;

	while ((got = heph_http_list_next(text, &at, &member)) > 0) {
		size_t within = 0;

		if (heph_http_params_next(member, &within, &directive) > 0)
			add(cache, &directive);
	}
	return got;
}
