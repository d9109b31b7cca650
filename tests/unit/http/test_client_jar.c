/* SPDX-License-Identifier: MIT */
/* Which cookies are kept, for whom, and for how long. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <heph/http.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http/client_jar.h"

#define NOW 1000000

/* What a jar that has learned one cookie from somewhere tells somewhere else. */
struct rule {
	const char *set, *from, *from_path;
	bool from_secure;
	const char *to, *to_path;
	bool to_secure;
	const char *told; /* NULL: nothing */
};

static const struct rule rules[] = {
	{ "a=b", "a.org", "/", false, "a.org", "/x", false, "a=b" },
	{ "a=b", "a.org", "/", false, "A.ORG", "/x", true, "a=b" },
	{ "a=b", "a.org", "/", false, "b.a.org", "/", false, NULL },
	{ "a=b", "a.org", "/", false, "b.org", "/", false, NULL },
	/* domains */
	{ "a=b; Domain=a.org", "a.org", "/", false, "b.a.org", "/", false, "a=b" },
	{ "a=b; Domain=.a.org", "b.a.org", "/", false, "a.org", "/", false, "a=b" },
	{ "a=b; Domain=A.org", "a.org", "/", false, "xa.org", "/", false, NULL },
	{ "a=b; Domain=org", "a.org", "/", false, "a.org", "/", false, NULL },
	{ "a=b; Domain=b.org", "a.org", "/", false, "b.org", "/", false, NULL },
	{ "a=b; Domain=b.a.org", "a.org", "/", false, "b.a.org", "/", false, NULL },
	{ "a=b; Domain=host", "host", "/", false, "host", "/", false, "a=b" },
	{ "a=b; Domain=host", "host", "/", false, "x.host", "/", false, NULL },
	{ "a=b; Domain=0.0.1", "10.0.0.1", "/", false, "10.0.0.1", "/", false, NULL },
	{ "a=b; Domain=10.0.0.1", "10.0.0.1", "/", false, "10.0.0.1", "/", false,
	  "a=b" },
	/* paths */
	{ "a=b", "a.org", "/x/y", false, "a.org", "/x/z", false, "a=b" },
	{ "a=b", "a.org", "/x/y", false, "a.org", "/xy", false, NULL },
	{ "a=b", "a.org", "/x/y", false, "a.org", "/", false, NULL },
	{ "a=b", "a.org", "/x?/y/z", false, "a.org", "/", false, "a=b" },
	{ "a=b; Path=/x", "a.org", "/", false, "a.org", "/x", false, "a=b" },
	{ "a=b; Path=/x", "a.org", "/", false, "a.org", "/x/y?z", false, "a=b" },
	{ "a=b; Path=/x", "a.org", "/", false, "a.org", "/xy", false, NULL },
	{ "a=b; Path=/x", "a.org", "/", false, "a.org", "/?/x", false, NULL },
	{ "a=b; Path=/x/", "a.org", "/", false, "a.org", "/x/y", false, "a=b" },
	/* safety */
	{ "a=b; Secure", "a.org", "/", true, "a.org", "/", true, "a=b" },
	{ "a=b; Secure", "a.org", "/", true, "a.org", "/", false, NULL },
	{ "a=b; Secure", "a.org", "/", false, "a.org", "/", true, NULL },
	{ "__Secure-a=b; Secure", "a.org", "/", true, "a.org", "/", true,
	  "__Secure-a=b" },
	{ "__secure-a=b", "a.org", "/", true, "a.org", "/", true, NULL },
	{ "__Host-a=b; Secure; Path=/", "a.org", "/", true, "a.org", "/", true,
	  "__Host-a=b" },
	{ "__Host-a=b; Secure; Path=/x", "a.org", "/", true, "a.org", "/x", true,
	  NULL },
	{ "__Host-a=b; Secure; Path=/; Domain=a.org", "a.org", "/", true, "a.org",
	  "/", true, NULL },
	{ "=__Host-a=b", "a.org", "/", true, "a.org", "/", true, NULL },
	{ "=__secure-a=b", "a.org", "/", true, "a.org", "/", true, NULL },
	{ "__Host-a", "a.org", "/", true, "a.org", "/", true, NULL },
	{ "=a=b", "a.org", "/", true, "a.org", "/", true, "a=b" },
	/* time */
	{ "a=b; Max-Age=1", "a.org", "/", false, "a.org", "/", false, "a=b" },
	{ "a=b; Max-Age=0", "a.org", "/", false, "a.org", "/", false, NULL },
	{ "a=b; Max-Age=-5", "a.org", "/", false, "a.org", "/", false, NULL },
	{ "a=b; Expires=Thu, 01 Jan 1970 00:00:10 GMT", "a.org", "/", false,
	  "a.org", "/", false, NULL },
	{ "a=b; Expires=Thu, 01 Jan 2099 00:00:10 GMT", "a.org", "/", false,
	  "a.org", "/", false, "a=b" },
	{ "a=b; Max-Age=1; Expires=Thu, 01 Jan 1970 00:00:10 GMT", "a.org", "/",
	  false, "a.org", "/", false, "a=b" },
	/* nonsense */
	{ "", "a.org", "/", false, "a.org", "/", false, NULL },
	{ "a=\x01", "a.org", "/", false, "a.org", "/", false, NULL },
};

static void must_tell(struct heph_http_jar *jar, const char *host,
		      const char *path, bool secure, int64_t now,
		      const char *wanted)
{
	char *told;

	assert_int_equal(heph_http_jar_tell(jar, host, path, secure, now, &told),
			 0);
	if (wanted && told)
		assert_string_equal(told, wanted);
	else if (wanted || told)
		fail_msg("told '%s', not '%s'", told ? told : "nothing",
			 wanted ? wanted : "nothing");
	free(told);
}

static void each_goes_where_it_belongs(void **state)
{
	struct heph_http_jar jar;

	(void)state;
	for (size_t n = 0; n < sizeof(rules) / sizeof(*rules); n++) {
		const struct rule *rule = &rules[n];

		heph_http_jar_init(&jar);
		heph_http_jar_learn(&jar, rule->from, rule->from_path,
				    rule->from_secure, heph_str(rule->set), NOW);
		must_tell(&jar, rule->to, rule->to_path, rule->to_secure, NOW,
			  rule->told);
		heph_http_jar_fini(&jar);
	}
}

static void learn(struct heph_http_jar *jar, const char *text, bool secure)
{
	heph_http_jar_learn(jar, "a.org", "/x/y", secure, heph_str(text), NOW);
}

static void they_replace_and_follow_each_other(void **state)
{
	struct heph_http_jar jar;

	(void)state;
	heph_http_jar_init(&jar);
	learn(&jar, "a=1; Path=/", false);
	learn(&jar, "b=2", false);
	learn(&jar, "c=3; Path=/; Max-Age=10", false);
	must_tell(&jar, "a.org", "/x/z", false, NOW, "b=2; a=1; c=3");
	must_tell(&jar, "a.org", "/x/z", false, NOW + 10, "b=2; a=1");
	learn(&jar, "a=4; Path=/", false);
	must_tell(&jar, "a.org", "/x/z", false, NOW, "b=2; c=3; a=4");
	learn(&jar, "b=; Max-Age=0", false);
	must_tell(&jar, "a.org", "/x/z", false, NOW, "c=3; a=4");
	assert_int_equal(jar.n, 2);
	/* One that came in a safe way is not replaced by one that did not. */
	learn(&jar, "s=5; Path=/; Secure", true);
	learn(&jar, "s=6; Path=/", false);
	learn(&jar, "s=6", false);
	must_tell(&jar, "a.org", "/x/z", true, NOW, "c=3; a=4; s=5");
	heph_http_jar_fini(&jar);
}

static void there_is_room_for_so_many(void **state)
{
	struct heph_http_jar jar;
	char text[100];

	(void)state;
	heph_http_jar_init(&jar);
	for (int n = 0; n < 60; n++) {
		sprintf(text, "c%d=1", n);
		learn(&jar, text, false);
	}
	assert_int_equal(jar.n, HEPH_HTTP_COOKIES_OF_DOMAIN);
	for (int n = 0; n < 2000; n++) {
		sprintf(text, "h%d.org", n);
		heph_http_jar_learn(&jar, text, "/", false, heph_str("a=b"),
				    NOW);
	}
	assert_int_equal(jar.n, HEPH_HTTP_COOKIES_MAX);
	must_tell(&jar, "h0.org", "/", false, NOW, NULL);
	must_tell(&jar, "h1999.org", "/", false, NOW, "a=b");
	heph_http_jar_fini(&jar);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_goes_where_it_belongs),
		cmocka_unit_test(they_replace_and_follow_each_other),
		cmocka_unit_test(there_is_room_for_so_many),
	};

	return cmocka_run_group_tests_name("client_jar", tests, NULL, NULL);
}
