/* SPDX-License-Identifier: MIT */
/* Which route a path has: by tables, and by random routes beside a matcher that
 * tries them all; what is refused; what is left when memory is short. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <heph/http/method.h>
#include <heph/http/middleware.h>

#include "http/mem.h"
#include "http/router.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int handler(heph_ctx ctx, struct heph_http_request *req,
		   struct heph_http_response *res)
{
	return 0;
}

#define ROUTE(methods_, path_) HEPH_HTTP_ROUTE(methods_, path_, handler)
#define N(array_) (sizeof(array_) / sizeof((array_)[0]))

static struct heph_http_router *make(const struct heph_http_route *routes,
				     size_t n)
{
	struct heph_http_refusal refusal = { .why = "" };
	struct heph_http_router *router;
	int err;

	err = heph_http_router_make(routes, (unsigned)n, &router, &refusal);
	if (err < 0)
		fail_msg("%d: %s: %s", err, refusal.route, refusal.why);
	return router;
}

/* ---- looking up ------------------------------------------------------------------ */

/* "/items/{id} id=5 ..." for a path; "400", "404"; "405 " and the methods. */
static const char *find(const struct heph_http_router *router,
			const char *method, const char *path)
{
	static char text[1024];
	char *buf = malloc(strlen(path) + 1);
	struct heph_str name = heph_str(method), decoded;
	const struct heph_http_endpoint *endpoint;
	struct heph_http_found found;
	int n;

	strcpy(text, "400");
	if (heph_http_path_decode(heph_str(path), buf, &decoded) == 0) {
		heph_http_routetree_find(
			&router->tree,
			heph_http_router_method(
				router, heph_http_method_of(name), name),
			decoded, &found);
		endpoint = (const struct heph_http_endpoint *)found.leaf;
		n = endpoint ? sprintf(text, "%s", endpoint->path) :
		    found.other ? sprintf(text, "405 %x", found.methods) :
				  sprintf(text, "404");
		for (unsigned i = 0; endpoint && i < endpoint->leaf.params; i++)
			n += sprintf(text + n, " %.*s=%.*s",
				     HEPH_STR(endpoint->names[i]),
				     HEPH_STR(found.values[i]));
	}
	free(buf);
	return text;
}

struct look {
	const char *method, *path, *found;
};

static void all(const struct heph_http_route *routes, size_t n,
		const struct look *looks, size_t n_looks)
{
	struct heph_http_router *router = make(routes, n);

	for (size_t i = 0; i < n_looks; i++) {
		const char *found =
			find(router, looks[i].method, looks[i].path);

		if (strcmp(found, looks[i].found) != 0)
			fail_msg("%s %s: '%s', not '%s'", looks[i].method,
				 looks[i].path, found, looks[i].found);
	}
	heph_http_router_free(router);
	assert_int_equal(heph_http_mem_used(), 0);
}

static void routes_are_found(void **state)
{
	static const struct heph_http_route routes[] = {
		ROUTE("GET", "/"),
		ROUTE("GET POST", "/items"),
		ROUTE("GET", "/items/"),
		ROUTE("GET", "/items/{id:u64}"),
		ROUTE("GET", "/items/{name}"),
		ROUTE("GET", "/items/new"),
		ROUTE("DELETE PUT", "/items/{what}"),
		ROUTE("GET", "/t/{t:i64}/at/{place}"),
		ROUTE("GET", "/files/{path...}"),
		ROUTE("GET", "/files/readme"),
		ROUTE("*", "/any"),
		ROUTE("PROPFIND", "/dav"),
		ROUTE("GET", "/a rather long segment/\xc3\xa9"),
	};
	static const struct look looks[] = {
		{ "GET", "/", "/" },
		{ "HEAD", "/", "/" },
		{ "POST", "/", "405 2" },
		{ "GET", "//", "404" },
		{ "GET", "/items", "/items" },
		{ "POST", "/items", "/items" },
		{ "GET", "/items/", "/items/" },
		{ "GET", "/items//", "404" },
		{ "GET", "/items/7", "/items/{id:u64} id=7" },
		{ "GET", "/items/%37", "/items/{id:u64} id=7" },
		{ "GET", "/items/0", "/items/{id:u64} id=0" },
		{ "GET", "/items/18446744073709551615",
		  "/items/{id:u64} id=18446744073709551615" },
		{ "GET", "/items/18446744073709551616",
		  "/items/{name} name=18446744073709551616" },
		{ "GET", "/items/07", "/items/{name} name=07" },
		{ "GET", "/items/+7", "/items/{name} name=+7" },
		{ "GET", "/items/-7", "/items/{name} name=-7" },
		{ "GET", "/items/new", "/items/new" },
		{ "GET", "/items/n%65w", "/items/new" },
		{ "GET", "/items/new2", "/items/{name} name=new2" },
		{ "DELETE", "/items/new", "/items/{what} what=new" },
		{ "DELETE", "/items/7", "/items/{what} what=7" },
		{ "PATCH", "/items/7", "405 32" },
		{ "GET", "/t/-5/at/home", "/t/{t:i64}/at/{place} t=-5 place=home" },
		{ "GET", "/t/5/at/a%2Fb", "/t/{t:i64}/at/{place} t=5 place=a" },
		{ "GET", "/t/-0/at/home", "404" },
		{ "GET", "/t/-9223372036854775808/at/x",
		  "/t/{t:i64}/at/{place} t=-9223372036854775808 place=x" },
		{ "GET", "/t/9223372036854775808/at/x", "404" },
		{ "GET", "/t/5/at/", "404" },
		{ "GET", "/t/5/at", "404" },
		{ "GET", "/files", "404" },
		{ "GET", "/files/", "/files/{path...} path=" },
		{ "GET", "/files/a/b/c", "/files/{path...} path=a/b/c" },
		{ "GET", "/files/a/", "/files/{path...} path=a/" },
		{ "GET", "/files/a//b", "/files/{path...} path=a//b" },
		{ "GET", "/files/a%20b", "/files/{path...} path=a b" },
		{ "GET", "/files//etc", "404" },
		{ "GET", "/files/a%2Fb", "404" },
		{ "GET", "/files/%2Fetc", "404" },
		{ "GET", "/files/readme", "/files/readme" },
		{ "GET", "/files/readme/", "/files/{path...} path=readme/" },
		{ "GET", "/files/...", "/files/{path...} path=..." },
		{ "GET", "/files/.x", "/files/{path...} path=.x" },
		{ "GET", "/files/..x", "/files/{path...} path=..x" },
		{ "GET", "/files/x.", "/files/{path...} path=x." },
		{ "GET", "/files/..", "400" },
		{ "GET", "/files/../x", "400" },
		{ "GET", "/files/.", "400" },
		{ "GET", "/files/./x", "400" },
		{ "GET", "/files/%2e%2E/x", "400" },
		{ "GET", "/files/.%2e", "400" },
		{ "GET", "/items/..%2Fx", "400" },
		{ "GET", "/items/x%2F..", "400" },
		{ "GET", "/items/a%00b", "400" },
		{ "GET", "/items/a%0", "400" },
		{ "GET", "/items/a%", "400" },
		{ "GET", "/items/a%gg", "400" },
		{ "GET", "/items/a%/b", "400" },
		{ "GET", "/items/a%252F", "/items/{name} name=a%2F" },
		{ "BREW", "/any", "/any" },
		{ "OPTIONS", "/any", "/any" },
		{ "HEAD", "/any", "/any" },
		{ "PROPFIND", "/dav", "/dav" },
		{ "GET", "/dav", "405 400" },
		{ "propfind", "/dav", "405 400" },
		{ "GET", "/a%20rather%20long%20segment/%C3%A9",
		  "/a rather long segment/\xc3\xa9" },
		{ "GET", "/a rather long segment/\xc3\xa9",
		  "/a rather long segment/\xc3\xa9" },
		{ "GET", "/a rather long segmenT/\xc3\xa9", "404" },
	};

	(void)state;
	all(routes, N(routes), looks, N(looks));
}

/* The first place that differs decides, and what does not lead on is left. */
static void it_goes_back(void **state)
{
	static const struct heph_http_route routes[] = {
		ROUTE("GET", "/a/b/c"),
		ROUTE("GET", "/a/{n:u64}/d"),
		ROUTE("GET", "/a/{x}/e"),
		ROUTE("GET", "/{y}/b/f"),
		ROUTE("GET", "/{y}/{z}/g"),
		ROUTE("GET", "/{all...}"),
		ROUTE("PUT", "/a/b/g"),
	};
	static const struct look looks[] = {
		{ "GET", "/a/b/c", "/a/b/c" },
		{ "GET", "/a/5/d", "/a/{n:u64}/d n=5" },
		{ "GET", "/a/b/e", "/a/{x}/e x=b" },
		{ "GET", "/a/5/e", "/a/{x}/e x=5" },
		{ "GET", "/a/b/f", "/{y}/b/f y=a" },
		{ "GET", "/a/b/g", "/{y}/{z}/g y=a z=b" },
		{ "PUT", "/a/b/g", "/a/b/g" },
		{ "GET", "/a/b/h", "/{all...} all=a/b/h" },
		{ "GET", "/", "/{all...} all=" },
		{ "GET", "/a/b", "/{all...} all=a/b" },
	};

	(void)state;
	all(routes, N(routes), looks, N(looks));
}

static void mounts_put_paths_together(void **state)
{
	static const struct heph_http_route inner[] = {
		ROUTE("GET", ""),
		ROUTE("GET", "/"),
		ROUTE("GET", "/{what}"),
	};
	static const struct heph_http_route middle[] = {
		ROUTE("GET", "/x"),
		HEPH_HTTP_MOUNT("/{id:u64}", inner),
	};
	static const struct heph_http_route same[] = { ROUTE("GET", "/same") };
	static const struct heph_http_route routes[] = {
		HEPH_HTTP_MOUNT("/m", middle),
		HEPH_HTTP_MOUNT("", same),
	};
	static const struct look looks[] = {
		{ "GET", "/m/x", "/m/x" },
		{ "GET", "/m", "404" },
		{ "GET", "/m/5", "/m/{id:u64} id=5" },
		{ "GET", "/m/5/", "/m/{id:u64}/ id=5" },
		{ "GET", "/m/5/y", "/m/{id:u64}/{what} id=5 what=y" },
		{ "GET", "/m/z/y", "404" },
		{ "GET", "/same", "/same" },
	};

	(void)state;
	all(routes, N(routes), looks, N(looks));
}

static const struct heph_http_group *group_of(struct heph_http_router *router,
					      const char *path)
{
	return heph_http_router_group(router, heph_str(path));
}

static void the_longest_mount_has_what_no_route_has(void **state)
{
	static const struct heph_http_route one[] = { ROUTE("GET", "/x") };
	static const struct heph_http_route inner[] = {
		HEPH_HTTP_MOUNT("/b", one),
		HEPH_HTTP_MOUNT("", one),
	};
	static const struct heph_http_route routes[] = {
		HEPH_HTTP_MOUNT("/a", inner),
		HEPH_HTTP_MOUNT("/{n:u64}", one),
	};
	struct heph_http_router *router = make(routes, N(routes));
	struct heph_http_group *all = router->groups, *a = all->next,
			       *b = a->next, *n = b->next->next;

	(void)state;
	assert_ptr_equal(group_of(router, "/"), all);
	assert_ptr_equal(group_of(router, "/ab"), all);
	assert_ptr_equal(group_of(router, "/a"), a);
	assert_ptr_equal(group_of(router, "/a/"), a);
	assert_ptr_equal(group_of(router, "/a/y"), a);
	assert_ptr_equal(group_of(router, "/a/b"), b);
	assert_ptr_equal(group_of(router, "/a/b/c/d"), b);
	assert_ptr_equal(group_of(router, "/7/d"), n);
	heph_http_router_free(router);
}

static void the_other_slash_is_a_route(void **state)
{
	static const struct heph_http_route inner[] = {
		ROUTE("GET", "/a"),
		ROUTE("GET", "/b/"),
		ROUTE("GET", "/b/{rest...}"),
	};
	static const struct heph_http_route routes[] = {
		ROUTE("GET", "/"),
		HEPH_HTTP_ROUTE("GET PUT", "/x/{id:u64}", handler,
				.redirect_slash = true),
		HEPH_HTTP_ROUTE("GET", "/y", handler, .redirect_slash = true),
		ROUTE("GET", "/y/"),
		HEPH_HTTP_MOUNT("/m", inner, .redirect_slash = true),
	};
	static const struct look looks[] = {
		{ "GET", "/x/5", "/x/{id:u64} id=5" },
		{ "PUT", "/x/5/", "/x/{id:u64}/ id=5" },
		{ "POST", "/x/5/", "405 12" },
		{ "GET", "/y/", "/y/" },
		{ "GET", "/m/a/", "/m/a/" },
		{ "GET", "/m/b", "/m/b" },
		{ "GET", "/m/b/c/d/", "/m/b/{rest...} rest=c/d/" },
	};
	struct heph_http_router *router = make(routes, N(routes));
	unsigned slashes = 0;

	(void)state;
	for (struct heph_http_endpoint *at = router->endpoints; at; at = at->next)
		if (at->chain->handler == heph_http_answer_slash)
			slashes++;
	assert_int_equal(slashes, 3);
	heph_http_router_free(router);
	all(routes, N(routes), looks, N(looks));
}

/* ---- refused ------------------------------------------------------------------------ */

static void refused(const struct heph_http_route *routes, size_t n,
		    const char *route, const char *why)
{
	struct heph_http_refusal refusal = { .why = "" };
	struct heph_http_router *router;
	int err = heph_http_router_make(routes, (unsigned)n, &router, &refusal);

	if (err != -EINVAL || strcmp(refusal.route, route) != 0 ||
	    strcmp(refusal.why, why) != 0)
		fail_msg("%d '%s' '%s', not '%s' '%s'", err,
			 err < 0 ? refusal.route : "", refusal.why, route, why);
	assert_int_equal(heph_http_mem_used(), 0);
}

static void one_refused(const char *methods, const char *path, const char *why)
{
	const struct heph_http_route route = ROUTE(methods, path);
	char name[300];

	snprintf(name, sizeof(name), "%s%s%s", methods ? methods : "",
		 methods ? " " : "", path ? path : "");
	name[255] = '\0';
	refused(&route, 1, name, why);
}

static void malformed_routes_are_refused(void **state)
{
	static const char text[] =
		"\"%\", \"?\" or \"#\" in the path; it is written as it is when "
		"decoded";
	static const char *const whole = "a parameter is a whole segment, {name}";
	static const char *const word = "the name of a parameter is no word";
	char deep[2 * 33 + 1];

	(void)state;
	one_refused("GET", NULL, "it has no path");
	one_refused("GET", "", "the path does not begin with \"/\"");
	one_refused("GET", "items", "the path does not begin with \"/\"");
	one_refused("GET", "*", "the path does not begin with \"/\"");
	one_refused("GET", "/a//b", "\"//\" in the path");
	one_refused("GET", "/a%20b", text);
	one_refused("GET", "/a?b", text);
	one_refused("GET", "/a#b", text);
	one_refused("GET", "/a\n", "a control character in the path");
	one_refused("GET", "/a/..", "\".\" or \"..\" in the path");
	one_refused("GET", "/./a", "\".\" or \"..\" in the path");
	one_refused("GET", "/a{b}", whole);
	one_refused("GET", "/{a", whole);
	one_refused("GET", "/a}", whole);
	one_refused("GET", "/{}", word);
	one_refused("GET", "/{:u64}", word);
	one_refused("GET", "/{...}", word);
	one_refused("GET", "/{a b}", word);
	one_refused("GET", "/{{a}}", word);
	one_refused("GET", "/{a:int}",
		    "the type of a parameter is neither u64 nor i64");
	one_refused("GET", "/{a...}/b", "{name...} is not at the end");
	one_refused("GET", "/{a}/{a:u64}", "two parameters of one name");
	one_refused("", "/", "there is no method");
	one_refused(NULL, "/", "there is no method");
	one_refused("GET,PUT", "/", "a method is no token");
	one_refused("CONNECT", "/", "CONNECT has no path");
	for (unsigned i = 0; i < 33; i++)
		memcpy(deep + 2 * i, "/a", 3);
	one_refused("GET", deep, "too many segments");
	one_refused("GET",
		    "/{a}/{b}/{c}/{d}/{e}/{f}/{g}/{h}/{i}/{j}/{k}/{l}/{m}/{n}/{o}/"
		    "{p}/{q}",
		    "too many parameters");
	one_refused("A B C D E F G H I J K L M N O P Q", "/",
		    "too many methods that are not registered");
}

static void ambiguous_routes_are_refused(void **state)
{
	static const struct heph_http_route twice[] = {
		ROUTE("GET PUT", "/a/{x}"),
		ROUTE("POST PUT", "/a/{y}"),
	};
	static const struct heph_http_route all_twice[] = {
		ROUTE("*", "/a"),
		ROUTE("*", "/a"),
	};
	static const struct heph_http_route signs[] = {
		ROUTE("GET", "/a/{x:u64}"),
		ROUTE("PUT", "/a/{x:i64}/b"),
	};
	static const struct heph_http_route inner[] = { ROUTE("GET", "/b") };
	static const struct heph_http_route mounted[] = {
		ROUTE("GET", "/a/b"),
		HEPH_HTTP_MOUNT("/a", inner),
	};

	(void)state;
	refused(twice, 2, "POST PUT /a/{y}",
		"another route has the same path and method");
	refused(all_twice, 2, "* /a",
		"another route has the same path and method");
	refused(signs, 2, "PUT /a/{x:i64}/b",
		"{name:u64} and {name:i64} in the same place");
	refused(mounted, 2, "GET /a/b",
		"another route has the same path and method");
}

static void wrong_mounts_are_refused(void **state)
{
	static const struct heph_http_route inner[] = { ROUTE("GET", "/b") };
	static const struct heph_http_route with_handler[] = {
		{ .path = "/a", .handler = handler, .routes = inner, .n = 1 }
	};
	static const struct heph_http_route slash[] = {
		HEPH_HTTP_MOUNT("/a/", inner)
	};
	static const struct heph_http_route rest[] = {
		HEPH_HTTP_MOUNT("/{a...}", inner)
	};
	static const struct heph_http_route nothing[] = {
		{ .methods = "GET", .path = "/a" }
	};
	static struct heph_http_route circle[] = {
		{ .path = "/a", .routes = circle, .n = 1 }
	};

	(void)state;
	refused(with_handler, 1, "/a",
		"a mount has no methods, handler or `by`");
	refused(slash, 1, "/a/", "the path of a mount ends with \"/\"");
	refused(rest, 1, "/{a...}", "{name...} is not at the end");
	refused(nothing, 1, "GET /a", "it needs either a handler or `by`");
	refused(circle, 1, "/a/a/a/a/a/a/a/a/a",
		"too many mounts in each other");
}

/* ---- middleware ------------------------------------------------------------------------ */

static int started;

static int take(const void *config, struct heph_http_router *router,
		const void **ret_config, const char **ret_why)
{
	*ret_why = "it is odd";
	if (*(const int *)config == 13)
		return -EINVAL;
	*ret_config = heph_http_mem_alloc(8);
	if (!*ret_config)
		return -ENOMEM;
	started++;
	return 0;
}

static void give(const void *config)
{
	heph_http_mem_free((void *)(uintptr_t)config);
	started--;
}

static int run_mw(heph_ctx ctx, const void *config,
		  struct heph_http_request *req, struct heph_http_response *res,
		  const struct heph_http_chain *chain)
{
	return 0;
}

#define MW(n_) { run_mw, &(const int){ n_ }, take, give }

static const struct heph_http_route around_inner[] = {
	HEPH_HTTP_ROUTE("GET", "/x", handler,
			.around = HEPH_HTTP_AROUND(MW(3), MW(4))),
	HEPH_HTTP_BY("GET", "/y", MW(5)),
	ROUTE("GET", "/z"),
};
static const struct heph_http_route around_real[] = {
	HEPH_HTTP_ROUTE(
		"GET", "/real", handler,
		.around = HEPH_HTTP_AROUND(
			HEPH_HTTP_METRICS(), HEPH_HTTP_ACCESS_LOG(.fd = 1),
			HEPH_HTTP_REQUEST_ID(), HEPH_HTTP_SECURITY(),
			HEPH_HTTP_CORS(.origins = "a", .headers = "b",
				       .expose = "c"),
			HEPH_HTTP_RATE_LIMIT(.requests = 1, .clients = 2000),
			HEPH_HTTP_TIME_LIMIT(.time = 1),
			HEPH_HTTP_BODY_LIMIT(.bytes = 1))),
};
static const struct heph_http_route around[] = {
	HEPH_HTTP_MOUNT("", around_real),
	HEPH_HTTP_MOUNT("/m/{id}", around_inner,
			.around = HEPH_HTTP_AROUND(MW(1), MW(2)),
			.redirect_slash = true),
	ROUTE("GET", "/"),
	ROUTE("PROPFIND", "/a"),
	ROUTE("GET", "/a/quite/long/path/that/goes/on/and/on"),
};

static const struct heph_http_route odd[] = {
	HEPH_HTTP_ROUTE("GET", "/x", handler,
			.around = HEPH_HTTP_AROUND(MW(1), MW(13))),
};

static unsigned links_of(const struct heph_http_router *router,
			 const char *path)
{
	for (struct heph_http_endpoint *at = router->endpoints; at; at = at->next)
		if (!strcmp(at->path, path)) {
			unsigned n = 0;

			while (at->chain[n].run)
				n++;
			assert_non_null(at->chain[n].handler);
			return n;
		}
	fail_msg("no %s", path);
	return 0;
}

static void middleware_is_put_in_a_row(void **state)
{
	struct heph_http_router *router = make(around, N(around));

	(void)state;
	assert_int_equal(started, 5);
	assert_int_equal(links_of(router, "/m/{id}/x"), 4);
	assert_int_equal(links_of(router, "/m/{id}/x/"), 2);
	assert_int_equal(links_of(router, "/m/{id}/y"), 3);
	assert_int_equal(links_of(router, "/m/{id}/z"), 2);
	assert_int_equal(links_of(router, "/"), 0);
	heph_http_router_free(router);
	assert_int_equal(started, 0);
	refused(odd, 1, "GET /x", "it is odd");
	assert_int_equal(started, 0);
}

static void nothing_is_left_without_memory(void **state)
{
	struct heph_http_refusal refusal;
	struct heph_http_router *router;
	int err = -ENOMEM;
	long n;

	(void)state;
	for (n = 1; err < 0; n++) {
		heph_http_mem_fail_after(n);
		err = heph_http_router_make(around, N(around), &router,
					    &refusal);
		assert_true(err == 0 || err == -ENOMEM);
		if (err < 0)
			assert_int_equal(heph_http_mem_used(), 0);
	}
	heph_http_mem_fail_after(-1);
	assert_true(n > 40);
	heph_http_router_free(router);
	heph_http_router_free(NULL);
	assert_int_equal(heph_http_mem_used(), 0);
	assert_int_equal(started, 0);
}

/* ---- random routes ----------------------------------------------------------------------- */

enum { ROUTES = 40, DEEP = 5 };

static uint64_t random_state;

static unsigned below(unsigned n)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (unsigned)(random_state >> 33) % n;
}

/* Few words, so that there is much to go back from. */
static const char *word(bool of_route, bool last)
{
	static const char *const words[] = { "a", "b", "1", "22", "-3" };
	static const char *const params[] = { "{p%u}", "{p%u:i64}", "{p%u...}" };
	static char text[16];
	static unsigned number;

	if (of_route && below(3) == 0) {
		snprintf(text, sizeof(text), params[below(last ? 3 : 2)],
			 number++ % 10);
		return text;
	}
	return words[below(5)];
}

static void random_path(char *text, bool of_route)
{
	unsigned n = 1 + below(DEEP);

	*text = '\0';
	for (unsigned i = 0; i < n; i++) {
		strcat(text, "/");
		if (i + 1 < n || below(6) > 0)
			strcat(text, word(of_route, i + 1 == n));
	}
}

/* How well a route fits, place by place, the best first; 0: not at all. */
static bool fits(const char *route, const char *path, char *ret_kinds)
{
	struct heph_http_pattern pattern = { 0 };

	assert_null(heph_http_pattern_add(&pattern, route, false));
	for (unsigned i = 0; i < pattern.n; i++) {
		size_t size;

		if (*path++ != '/')
			return false;
		ret_kinds[i] = (char)('0' + pattern.at[i].kind);
		ret_kinds[i + 1] = '\0';
		if (pattern.at[i].kind == HEPH_HTTP_REST)
			return *path != '/';
		size = strcspn(path, "/");
		if (!heph_http_piece_fits(&pattern.at[i],
					  heph_str_of(path, size)))
			return false;
		path += size;
	}
	return !*path;
}

static const char *try_all(char routes[][64], const bool *there,
			   const char *path)
{
	char kinds[DEEP + 2], best[DEEP + 2] = "9";
	const char *found = "404";

	for (unsigned i = 0; i < ROUTES; i++)
		if (there[i] && fits(routes[i], path, kinds) &&
		    strcmp(kinds, best) < 0) {
			strcpy(best, kinds);
			found = routes[i];
		}
	return found;
}

static void a_random_router(void)
{
	static char texts[ROUTES][64];
	struct heph_http_refusal refusal;
	struct heph_http_router *router;
	struct heph_http_route routes[ROUTES];
	bool there[ROUTES] = { false };
	unsigned n = 0;
	char path[64];

	/* Those that are refused stay out. */
	for (unsigned i = 0; i < ROUTES; i++) {
		random_path(texts[i], true);
		routes[n] = (struct heph_http_route)ROUTE("GET", texts[i]);
		if (heph_http_router_make(routes, n + 1, &router, &refusal) < 0)
			continue;
		heph_http_router_free(router);
		there[i] = true;
		n++;
	}
	router = make(routes, n);
	for (unsigned i = 0; i < 200; i++) {
		const char *found, *wanted;

		random_path(path, false);
		wanted = try_all(texts, there, path);
		found = find(router, "GET", path);
		if (strncmp(found, wanted, strlen(wanted)) != 0 ||
		    !strchr(" ", found[strlen(wanted)]))
			fail_msg("%s: '%s', not '%s'", path, found, wanted);
	}
	heph_http_router_free(router);
}

static void as_a_matcher_that_tries_them_all(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 60; seed++) {
		random_state = seed * 0x9e3779b97f4a7c15u;
		a_random_router();
	}
	assert_int_equal(heph_http_mem_used(), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(routes_are_found),
		cmocka_unit_test(it_goes_back),
		cmocka_unit_test(mounts_put_paths_together),
		cmocka_unit_test(the_longest_mount_has_what_no_route_has),
		cmocka_unit_test(the_other_slash_is_a_route),
		cmocka_unit_test(malformed_routes_are_refused),
		cmocka_unit_test(ambiguous_routes_are_refused),
		cmocka_unit_test(wrong_mounts_are_refused),
		cmocka_unit_test(middleware_is_put_in_a_row),
		cmocka_unit_test(nothing_is_left_without_memory),
		cmocka_unit_test(as_a_matcher_that_tries_them_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
