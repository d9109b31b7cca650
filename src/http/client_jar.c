/* SPDX-License-Identifier: MIT */
#include "http/client_jar.h"

#include <heph/http/cookie.h>

#include <arpa/inet.h>
#include <stdio.h>
#include <strings.h>

#include "http/client_mem.h"

struct heph_http_kept {
	TAILQ_ENTRY(heph_http_kept) link;
	const char *name, *value, *domain, *path;
	bool host_only, secure;
	int64_t until; /* INT64_MAX: as long as the jar */
};

void heph_http_jar_init(struct heph_http_jar *jar)
{
	TAILQ_INIT(&jar->kept);
	jar->n = 0;
}

static void drop(struct heph_http_jar *jar, struct heph_http_kept *kept)
{
	TAILQ_REMOVE(&jar->kept, kept, link);
	jar->n--;
	free(kept);
}

void heph_http_jar_fini(struct heph_http_jar *jar)
{
	while (!TAILQ_EMPTY(&jar->kept))
		drop(jar, TAILQ_FIRST(&jar->kept));
}

/* ---- what matches; section 5.1 ---------------------------------------------------- */

static bool is_address(const char *host)
{
	struct in6_addr address;

	return inet_pton(AF_INET, host, &address) == 1 ||
	       inet_pton(AF_INET6, host, &address) == 1;
}

/* Whether `host` is `domain`, or below it. */
static bool domain_matches(const char *host, struct heph_str domain)
{
	size_t size = strlen(host);

	if (size < domain.size ||
	    strncasecmp(host + size - domain.size, domain.data, domain.size) != 0)
		return false;
	return size == domain.size ||
	       (host[size - domain.size - 1] == '.' && !is_address(host));
}

static bool path_matches(const char *path, const char *of)
{
	size_t size = strlen(of), n = strcspn(path, "?");

	if (n < size || strncmp(path, of, size) != 0)
		return false;
	return n == size || of[size - 1] == '/' || path[size] == '/';
}

/* Up to the last "/", without it; section 5.1.4. */
static struct heph_str default_path(const char *path)
{
	size_t n = strcspn(path, "?");

	while (n > 1 && path[n - 1] != '/')
		n--;
	return heph_str_of(path, n > 1 ? n - 1 : 1);
}

/* ---- learning ---------------------------------------------------------------------- */

/* Where a cookie comes from, and what it is for in the end. */
struct lesson {
	const char *host;
	bool secure, host_only;
	struct heph_str domain, path;
	int64_t now, until;
	struct heph_http_set_cookie cookie;
};

static bool has_dot_inside(struct heph_str domain)
{
	const char *dot = domain.size ? memchr(domain.data, '.', domain.size) :
					NULL;

	return dot && dot != domain.data &&
	       domain.data[domain.size - 1] != '.';
}

static bool judge_domain(struct lesson *lesson)
{
	struct heph_str domain = lesson->cookie.domain;

	lesson->host_only = domain.size == 0 ||
			    (!has_dot_inside(domain) &&
			     heph_str_equal_case(domain, lesson->host));
	lesson->domain = lesson->host_only ? heph_str(lesson->host) : domain;
	return lesson->host_only || (has_dot_inside(domain) &&
				     domain_matches(lesson->host, domain));
}

static bool begins(struct heph_str name, const char *with)
{
	size_t size = strlen(with);

	return name.size >= size && strncasecmp(name.data, with, size) == 0;
}

/* What a name promises; section 4.1.3. One without a name is sent as its value, and
 * would look like one that has such a name; RFC 6265bis, section 5.7. */
static bool keeps_promise(const struct lesson *lesson)
{
	const struct heph_http_set_cookie *cookie = &lesson->cookie;

	if (cookie->name.size == 0)
		return !begins(cookie->value, "__Secure-") &&
		       !begins(cookie->value, "__Host-");
	if (begins(cookie->name, "__Secure-"))
		return cookie->secure;
	if (begins(cookie->name, "__Host-"))
		return cookie->secure && cookie->domain.size == 0 &&
		       heph_str_equal(cookie->path, "/");
	return true;
}

static void judge_time(struct lesson *lesson)
{
	const struct heph_http_set_cookie *cookie = &lesson->cookie;

	lesson->until = INT64_MAX;
	if (cookie->max_age < 0)
		lesson->until = 0;
	else if (cookie->max_age > 0 && cookie->max_age < INT32_MAX)
		lesson->until = lesson->now + cookie->max_age;
	else if (cookie->max_age == 0 && cookie->expires)
		lesson->until = cookie->expires;
}

static bool is_same(const struct heph_http_kept *kept,
		    const struct lesson *lesson)
{
	return heph_str_equal(lesson->cookie.name, kept->name) &&
	       heph_str_equal_case(lesson->domain, kept->domain) &&
	       heph_str_equal(lesson->path, kept->path) &&
	       kept->host_only == lesson->host_only;
}

/* Whether it would hide one that was set in a safe way; section 5.7, step 14. */
static bool would_hide(const struct heph_http_jar *jar,
		       const struct lesson *lesson)
{
	const struct heph_http_kept *kept;

	TAILQ_FOREACH(kept, &jar->kept, link)
		if (kept->secure && !lesson->secure &&
		    heph_str_equal(lesson->cookie.name, kept->name) &&
		    (domain_matches(lesson->host, heph_str(kept->domain)) ||
		     domain_matches(kept->domain, lesson->domain)))
			return true;
	return false;
}

static const char *put(char **at, struct heph_str text)
{
	char *begin = *at;

	if (text.size)
		memcpy(begin, text.data, text.size);
	begin[text.size] = '\0';
	*at += text.size + 1;
	return begin;
}

static void keep(struct heph_http_jar *jar, const struct lesson *lesson)
{
	const struct heph_http_set_cookie *cookie = &lesson->cookie;
	struct heph_http_kept *kept = client_mem_zero(
		sizeof(*kept) + cookie->name.size + cookie->value.size +
		lesson->domain.size + lesson->path.size + 4);
	char *at;

	if (!kept)
		return;
	at = (char *)(kept + 1);
	kept->name = put(&at, cookie->name);
	kept->value = put(&at, cookie->value);
	kept->domain = put(&at, lesson->domain);
	kept->path = put(&at, lesson->path);
	kept->host_only = lesson->host_only;
	kept->secure = cookie->secure;
	kept->until = lesson->until;
	TAILQ_INSERT_TAIL(&jar->kept, kept, link);
	jar->n++;
}

/* Those that are over, and the same one as it was before. */
static void drop_old(struct heph_http_jar *jar, const struct lesson *lesson)
{
	struct heph_http_kept *kept = TAILQ_FIRST(&jar->kept), *next;

	for (; kept; kept = next) {
		next = TAILQ_NEXT(kept, link);
		if (kept->until <= lesson->now || is_same(kept, lesson))
			drop(jar, kept);
	}
}

static void make_room(struct heph_http_jar *jar, const struct lesson *lesson)
{
	struct heph_http_kept *kept, *first = NULL;
	unsigned n = 0;

	TAILQ_FOREACH(kept, &jar->kept, link) {
		if (!heph_str_equal_case(lesson->domain, kept->domain))
			continue;
		first = first ? first : kept;
		n++;
	}
	if (n >= HEPH_HTTP_COOKIES_OF_DOMAIN)
		drop(jar, first);
	else if (jar->n >= HEPH_HTTP_COOKIES_MAX)
		drop(jar, TAILQ_FIRST(&jar->kept));
}

void heph_http_jar_learn(struct heph_http_jar *jar, const char *host,
			 const char *path, bool secure, struct heph_str text,
			 int64_t now)
{
	struct lesson lesson = { .host = host, .secure = secure, .now = now };
	const struct heph_http_set_cookie *cookie = &lesson.cookie;

	if (heph_http_set_cookie_read(text, &lesson.cookie) < 0 ||
	    !judge_domain(&lesson) || !keeps_promise(&lesson) ||
	    (cookie->secure && !secure) || would_hide(jar, &lesson))
		return;
	lesson.path = cookie->path.size ? cookie->path : default_path(path);
	judge_time(&lesson);
	drop_old(jar, &lesson);
	if (lesson.until <= now)
		return;
	make_room(jar, &lesson);
	keep(jar, &lesson);
}

/* ---- telling ----------------------------------------------------------------------- */

static bool is_for(const struct heph_http_kept *kept, const char *host,
		   const char *path, bool secure, int64_t now)
{
	return kept->until > now && (secure || !kept->secure) &&
	       (kept->host_only ? strcasecmp(kept->domain, host) == 0 :
				  domain_matches(host, heph_str(kept->domain))) &&
	       path_matches(path, kept->path);
}

/* Puts it behind those with longer paths, and those that were set before it. */
static void sort_in(const struct heph_http_kept **sorted, size_t n,
		    const struct heph_http_kept *kept)
{
	size_t size = strlen(kept->path);

	for (; n > 0 && strlen(sorted[n - 1]->path) < size; n--)
		sorted[n] = sorted[n - 1];
	sorted[n] = kept;
}

static char *write_all(const struct heph_http_kept **sorted, size_t n,
		       size_t size)
{
	char *text = client_mem(size + 1), *at = text;

	for (size_t i = 0; text && i < n; i++)
		at += sprintf(at, "%s%s%s%s", i ? "; " : "", sorted[i]->name,
			      *sorted[i]->name ? "=" : "", sorted[i]->value);
	return text;
}

int heph_http_jar_tell(struct heph_http_jar *jar, const char *host,
		       const char *path, bool secure, int64_t now,
		       char **ret_text)
{
	const struct heph_http_kept **sorted, *kept;
	size_t size = 0, n = 0;

	*ret_text = NULL;
	if (jar->n == 0)
		return 0;
	sorted = client_mem(jar->n * sizeof(*sorted));
	if (!sorted)
		return -ENOMEM;
	TAILQ_FOREACH(kept, &jar->kept, link) {
		if (!is_for(kept, host, path, secure, now))
			continue;
		sort_in(sorted, n++, kept);
		size += strlen(kept->name) + strlen(kept->value) + 3;
	}
	if (n)
		*ret_text = write_all(sorted, n, size);
	free(sorted);
	return n && !*ret_text ? -ENOMEM : 0;
}
