/* SPDX-License-Identifier: MIT */
/* The head of a request. */
#include <heph/config.h>
#include <heph/http/method.h>
#include <heph/http/value.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "http/client_trip.h"

/* What is among the fields of the caller, and so is not added. */
struct given {
	bool host, agent, encoding, authorization, cookie, type;
};

struct composer {
	const struct heph_http_trip *trip;
	struct heph_http_bytes *out;
	struct given given;
	int err;
};

/* ---- writing --------------------------------------------------------------------- */

static void put(struct composer *c, struct heph_str text)
{
	char *to = c->err ? NULL : heph_http_bytes_room(c->out, text.size);

	if (!to) {
		c->err = c->err ? c->err : -ENOMEM;
		return;
	}
	memcpy(to, text.data, text.size);
	c->out->n += text.size;
}

static void put_text(struct composer *c, const char *text)
{
	put(c, heph_str(text));
}

static void put_field(struct composer *c, const char *name, const char *value)
{
	put_text(c, name);
	put_text(c, ": ");
	put_text(c, value);
	put_text(c, "\r\n");
}

static void put_number(struct composer *c, const char *name, uint64_t number)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRIu64, number);
	put_field(c, name, text);
}

/* ---- fields of the caller --------------------------------------------------------- */

static bool is(struct heph_str name, const char *other)
{
	return heph_str_equal_case(name, other);
}

/* What frames a message or is about its connection is not the caller's. */
static bool is_ours(struct heph_str name)
{
	return is(name, "Content-Length") || is(name, "Transfer-Encoding") ||
	       is(name, "Connection") || is(name, "Keep-Alive") ||
	       is(name, "Upgrade") || is(name, "Expect") || is(name, "TE") ||
	       is(name, "Trailer") || is(name, "Proxy-Connection");
}

/* What nobody else is to learn. */
static bool is_secret(struct heph_str name)
{
	return is(name, "Authorization") || is(name, "Cookie") ||
	       is(name, "Proxy-Authorization");
}

static bool is_of_body(struct heph_str name)
{
	return name.size > 8 && strncasecmp(name.data, "Content-", 8) == 0;
}

/* A redirect has led away from where the caller wanted to go: Host, too, was of
 * that place. */
static bool is_left_out(const struct heph_http_trip *trip, struct heph_str name)
{
	return (trip->foreign && (is_secret(name) || is(name, "Host"))) ||
	       (trip->dropped && is_of_body(name));
}

static void note_given(struct given *given, struct heph_str name)
{
	given->host |= is(name, "Host");
	given->agent |= is(name, "User-Agent");
	given->encoding |= is(name, "Accept-Encoding");
	given->authorization |= is(name, "Authorization");
	given->cookie |= is(name, "Cookie");
	given->type |= is(name, "Content-Type");
}

static void each_field(struct composer *c,
		       void (*fn)(struct composer *c, struct heph_str name,
				  struct heph_str value))
{
	const struct heph_http_fetch *fetch = &c->trip->fetch;
	const struct heph_http_fields *copied = fetch->copied;

	for (const struct heph_http_pair *pair = fetch->fields;
	     pair && pair->name; pair++)
		fn(c, heph_str(pair->name),
		   heph_str(pair->value ? pair->value : ""));
	for (unsigned n = 0; copied && n < copied->n; n++)
		fn(c, heph_http_field_name(&copied->at[n]),
		   heph_http_field_value(&copied->at[n]));
}

static void check_field(struct composer *c, struct heph_str name,
			struct heph_str value)
{
	if (!heph_http_is_token(name) || !heph_http_is_value(value) ||
	    is_ours(name))
		c->err = -EINVAL;
}

static void note_field(struct composer *c, struct heph_str name,
		       struct heph_str value)
{
	(void)value;
	if (!is_left_out(c->trip, name))
		note_given(&c->given, name);
}

/* Host goes first, as RFC 9110, section 7.2, has it. */
static void put_given_host(struct composer *c, struct heph_str name,
			   struct heph_str value)
{
	if (is_left_out(c->trip, name) || !is(name, "Host"))
		return;
	put_text(c, "Host: ");
	put(c, value);
	put_text(c, "\r\n");
}

static void put_given(struct composer *c, struct heph_str name,
		      struct heph_str value)
{
	if (is_left_out(c->trip, name) || is(name, "Host"))
		return;
	put(c, name);
	put_text(c, ": ");
	put(c, value);
	put_text(c, "\r\n");
}

/* ---- fields of ours --------------------------------------------------------------- */

static void put_line(struct composer *c)
{
	const struct heph_http_trip *trip = c->trip;
	const struct heph_http_lease *lease = trip->lease;
	const char *target = trip->target.path;

	if (trip->literal)
		target = trip->literal;
	else if (trip->method == HEPH_HTTP_CONNECT)
		target = trip->target.connect;
	else if (lease && lease->proxy && !lease->secure)
		target = trip->target.url;
	put_text(c, trip->method_name);
	put_text(c, " ");
	put_text(c, target);
	put_text(c, " HTTP/1.1\r\n");
	if (c->given.host)
		each_field(c, put_given_host);
	else
		put_field(c, "Host", trip->target.authority);
}

static void put_agent(struct composer *c)
{
	const struct heph_http_lease *lease = c->trip->lease;

	if (c->given.agent)
		return;
	if (!lease || !lease->settings)
		put_field(c, "User-Agent", "heph/" HEPH_VERSION);
	else if (lease->settings->user_agent)
		put_field(c, "User-Agent", lease->settings->user_agent);
}

static void put_basic(struct composer *c)
{
	char *value = heph_http_basic(c->trip->user);

	if (value)
		put_field(c, "Authorization", value);
	else
		c->err = -ENOMEM;
	free(value);
}

static void put_ours(struct composer *c)
{
	const struct heph_http_trip *trip = c->trip;
	const struct heph_http_lease *lease = trip->lease;

	put_agent(c);
	if (trip->decodes)
		put_field(c, "Accept-Encoding", heph_http_decoder_accepts());
	if (trip->user && !trip->foreign && !c->given.authorization)
		put_basic(c);
	if (lease && lease->cookies && !c->given.cookie)
		put_field(c, "Cookie", lease->cookies);
	if (lease && lease->proxy && lease->proxy->authorization &&
	    !lease->secure)
		put_field(c, "Proxy-Authorization",
			  lease->proxy->authorization);
}

/* A method that usually has a body says that there is none. */
static bool wants_body(enum heph_http_method method)
{
	return method == HEPH_HTTP_POST || method == HEPH_HTTP_PUT ||
	       method == HEPH_HTTP_PATCH;
}

static void put_framing(struct composer *c)
{
	const struct heph_http_trip *trip = c->trip;

	if (trip->chunked)
		put_field(c, "Transfer-Encoding", "chunked");
	else if (trip->to_send || trip->streams || wants_body(trip->method))
		put_number(c, "Content-Length", trip->to_send);
	if (trip->fetch.content_type && !trip->dropped && !c->given.type)
		put_field(c, "Content-Type", trip->fetch.content_type);
	if (trip->fetch.expect && (trip->to_send || trip->chunked))
		put_field(c, "Expect", "100-continue");
	if (trip->fetch.upgrade) {
		put_field(c, "Connection", "Upgrade");
		put_field(c, "Upgrade", trip->fetch.upgrade);
	}
}

static bool is_visible(const char *text)
{
	for (; *text; text++)
		if (*text <= ' ' || *text >= 0x7f)
			return false;
	return true;
}

int heph_http_trip_check(const struct heph_http_trip *trip)
{
	const struct heph_http_fetch *fetch = &trip->fetch;
	struct composer c = { .trip = trip };

	each_field(&c, check_field);
	if (!heph_http_is_token(heph_str(trip->method_name)) ||
	    (trip->literal && (!*trip->literal || !is_visible(trip->literal))) ||
	    (fetch->content_type &&
	     !heph_http_is_value(heph_str(fetch->content_type))) ||
	    (fetch->upgrade && !heph_http_is_value(heph_str(fetch->upgrade))))
		return -EINVAL;
	return c.err;
}

int heph_http_trip_compose(struct heph_http_trip *trip)
{
	struct composer c = { .trip = trip, .out = &trip->out };

	trip->out.n = 0;
	each_field(&c, note_field);
	trip->decodes = !trip->fetch.no_decode && !c.given.encoding;
	put_line(&c);
	each_field(&c, put_given);
	put_ours(&c);
	put_framing(&c);
	put_text(&c, "\r\n");
	return c.err;
}
