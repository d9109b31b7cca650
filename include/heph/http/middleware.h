/* SPDX-License-Identifier: MIT */
/*
 * middleware.h - what can be put around handlers
 *
 *     .around = HEPH_HTTP_AROUND(HEPH_HTTP_REQUEST_ID(),
 *                                HEPH_HTTP_ACCESS_LOG(.format = HEPH_HTTP_LOG_JSON,
 *                                                     .fd = 1),
 *                                HEPH_HTTP_CORS(.origins = "https://a.example"),
 *                                HEPH_HTTP_RATE_LIMIT(.requests = 10))
 *
 * Each macro is an initialiser of a struct heph_http_middleware with the struct of
 * the same name for a configuration; members that are not mentioned have their
 * default. What cannot be is refused when the router is made. How lists of them
 * are put around routes, and around all below a path, is in router.h; what
 * compresses, and what serves files, in files of their own.
 *
 * The functions behind a macro, for CORS heph_http_run_cors(), _start_cors() and
 * _stop_cors(), are for languages that have no compound literals.
 *
 * A handler that panics, in whatever it is wrapped, is answered with 500 by the
 * server, if it has sent nothing yet, and its connection ends: no middleware is
 * needed for that, and none sees it.
 */
#ifndef HEPH_HTTP_MIDDLEWARE_H
#define HEPH_HTTP_MIDDLEWARE_H

#include <heph/http/router.h>
#include <heph/types.h>

#ifdef __cplusplus
extern "C" {
#endif

#define HEPH_HTTP_MIDDLEWARE__(name_, ...)                                     \
	{                                                                      \
		heph_http_run_##name_,                                         \
			HEPH_STAYS__(struct heph_http_##name_,                 \
				     .size = sizeof(struct heph_http_##name_), \
				     __VA_ARGS__),                             \
			heph_http_start_##name_, heph_http_stop_##name_        \
	}

/*
 * The same with a configuration that is made while the program runs; its `.size` is
 * set by hand. (Not for HEPH_HTTP_STATIC(), whose struct has another name.)
 *
 *     struct heph_http_rate_limit limit = { .size = sizeof(limit) };
 *     struct heph_http_middleware around[3] = { HEPH_HTTP_ACCESS_LOG() };
 *
 *     limit.requests = rate;
 *     if (rate)
 *             around[1] = (struct heph_http_middleware)HEPH_HTTP_OF(rate_limit, &limit);
 *
 * A router copies the struct when it is made, so it and the list may be on a stack
 * and change afterwards. What the struct points to, texts and tables, is not
 * copied, lives as long as the router, and is not on the stack of an actor. Nor is
 * the configuration of middleware without a `start`.
 *
 * The other macros make the address of a compound literal: in a function it is gone
 * at the end of the innermost block, that of an `if` for example, and the router
 * is to be made before that.
 */
#define HEPH_HTTP_OF(name_, config_)                                           \
	{                                                                      \
		heph_http_run_##name_,                                         \
			(1 ? (config_) : (const struct heph_http_##name_ *)0), \
			heph_http_start_##name_, heph_http_stop_##name_        \
	}

#define HEPH_HTTP_FUNCTIONS__(name_)                                           \
	HEPH_API HEPH_MUST int heph_http_run_##name_(                          \
		heph_ctx ctx, const void *config,                              \
		struct heph_http_request *req,                                 \
		struct heph_http_response *res,                                \
		const struct heph_http_chain *chain);                          \
	HEPH_API HEPH_MUST int heph_http_start_##name_(                        \
		const void *config, struct heph_http_router *router,           \
		const void **ret_config, const char **ret_why);                \
	HEPH_API void heph_http_stop_##name_(const void *config)

/* ---- access log ---------------------------------------------------------------- */

enum heph_http_log_format {
	HEPH_HTTP_LOG_COMBINED, /* as Apache and nginx write */
	HEPH_HTTP_LOG_COMMON,   /* the same without Referer and User-Agent */
	HEPH_HTTP_LOG_JSON,     /* an object in each line */
};

/*
 * A line for each request, when its handler has returned. It never waits: lines
 * for a descriptor go to a buffer that a thread writes; when that is full they
 * are lost, which a later line says ("lost": n, or # lost n). In common and
 * combined lines '"', '\' and all that is no printable ASCII are \xHH; in JSON the
 * same, as \u00HH. So nobody who asks can write a line of his own. Texts are cut
 * to 1,024 bytes. A response that has begun and is not whole, as the handler has
 * failed or the client has gone, has "cut": true in JSON, response=cut in the log,
 * and no mark in the other formats, where only its size tells.
 *
 * With neither `fd` nor `fn` lines go to the log (log.h) at info, with the target
 * heph.http.access and the same contents as fields, 1,000 a second at most.
 */
struct heph_http_access_log {
	size_t size; /* of this struct; set by the macro; so for all of them */
	enum heph_http_log_format format;
	int fd; /* of the system, not 0: lines are appended; it stays open */
	void (*fn)(const char *line, size_t size); /* gets each line, with its
		"\n", in the actor: it must not block; any worker calls it */
	size_t buffer; /* bytes that wait for being written; 1 MiB */
};
#define HEPH_HTTP_ACCESS_LOG(...) HEPH_HTTP_MIDDLEWARE__(access_log, __VA_ARGS__)
HEPH_HTTP_FUNCTIONS__(access_log);

/* ---- request id ------------------------------------------------------------------ */

/*
 * Gives each request an id: `req->id`, which is in the access log, and in the
 * response. It is that of the field if the client, a proxy for example, has sent
 * one of 1 to 128 letters, digits and "-_.:+/=~@", else 32 hexadecimal digits that
 * nobody else has.
 */
struct heph_http_request_id {
	size_t size;
	const char *field; /* "X-Request-ID" */
	bool own;          /* ids of clients are not taken */
};
#define HEPH_HTTP_REQUEST_ID(...) HEPH_HTTP_MIDDLEWARE__(request_id, __VA_ARGS__)
HEPH_HTTP_FUNCTIONS__(request_id);

/* ---- CORS -------------------------------------------------------------------------- */

/*
 * Lets pages of other origins use what is inside, as the Fetch standard says:
 * answers preflights, and adds Access-Control-... and Vary to responses. It does
 * not keep anybody out who is no browser. Put it around a mount: preflights are
 * OPTIONS, which few routes have.
 */
struct heph_http_cors {
	size_t size;
	const char *origins; /* "https://a.example http://localhost:3000"; "*" */
	const char *methods; /* "GET HEAD POST" */
	const char *headers; /* that requests may have, with blanks between; "*";
			      * NULL: those that are always allowed */
	const char *expose;  /* that scripts see of responses; the same */
	bool credentials;    /* cookies too; not with origins "*" */
	heph_time max_age;   /* that a preflight holds; 0: the browser's default */
};
#define HEPH_HTTP_CORS(...) HEPH_HTTP_MIDDLEWARE__(cors, __VA_ARGS__)
HEPH_HTTP_FUNCTIONS__(cors);

/* ---- who asks ------------------------------------------------------------------------ */

struct heph_http_login {
	const char *user, *password;
};

/*
 * Lets only those in who have a name and a password (RFC 7617); others get 401.
 * `req->user` is the name then. The table is compared in constant time, all of it.
 * Passwords that are kept as salted hashes are for `check`.
 */
struct heph_http_basic_auth {
	size_t size;
	const char *realm; /* "restricted"; no '"' or '\' */
	const struct heph_http_login *logins; /* ends with { NULL, NULL } */
	/* Instead of it. Waits, perhaps; what takes long is for an actor with its own
	 * thread. The texts end with a nul. Returns 1: they are right; 0; an error,
	 * which the request then ends with. */
	int (*check)(heph_ctx ctx, struct heph_http_request *req,
		     const char *user, const char *password);
};
#define HEPH_HTTP_BASIC_AUTH(...) HEPH_HTTP_MIDDLEWARE__(basic_auth, __VA_ARGS__)
HEPH_HTTP_FUNCTIONS__(basic_auth);

/* ---- limits --------------------------------------------------------------------------- */

/*
 * At most so many requests of a client, an IPv4 address or the /64 of an IPv6 one,
 * on all workers together: a bucket that holds `burst` and is filled evenly.
 * Who has none left gets 429 with Retry-After. It remembers the latest `clients`
 * of them, 48 bytes each, and thinks of others as new.
 */
struct heph_http_rate_limit {
	size_t size;
	unsigned requests; /* in `per`; not 0 */
	heph_time per;     /* 1 s */
	unsigned burst;    /* as `requests` */
	unsigned clients;  /* 16,384 */
	/* Who the client is, if not the peer: an API key, or an address that a proxy
	 * has written, for example. Valid until the request ends. Does not wait. */
	struct heph_str (*key)(struct heph_http_request *req);
};
#define HEPH_HTTP_RATE_LIMIT(...) HEPH_HTTP_MIDDLEWARE__(rate_limit, __VA_ARGS__)
HEPH_HTTP_FUNCTIONS__(rate_limit);

/* The time for what is inside until it sends, shorter or longer than the server's
 * `handler_time`: waits then return -ETIME, which is answered with 503. */
struct heph_http_time_limit {
	size_t size;
	heph_time time; /* HEPH_NEVER: none; not 0 */
};
#define HEPH_HTTP_TIME_LIMIT(...) HEPH_HTTP_MIDDLEWARE__(time_limit, __VA_ARGS__)
HEPH_HTTP_FUNCTIONS__(time_limit);

/* Bytes that a request's body may have, more or fewer than the server's `body`.
 * Others get 413. */
struct heph_http_body_limit {
	size_t size;
	uint64_t bytes; /* HEPH_HTTP_UNKNOWN: any number */
};
#define HEPH_HTTP_BODY_LIMIT(...) HEPH_HTTP_MIDDLEWARE__(body_limit, __VA_ARGS__)
HEPH_HTTP_FUNCTIONS__(body_limit);

/* ---- headers that make browsers careful -------------------------------------------------- */

/* Sets fields of responses; a handler can set others. NULL: the default; "": the
 * field is left out. */
struct heph_http_security {
	size_t size;
	const char *frame;    /* X-Frame-Options: "DENY" */
	const char *referrer; /* Referrer-Policy: "no-referrer" */
	const char *content;  /* Content-Security-Policy: "default-src 'self'" */
	const char *opener;   /* Cross-Origin-Opener-Policy: "same-origin" */
	/* Strict-Transport-Security, over TLS: "max-age=31536000" */
	const char *transport;
};
#define HEPH_HTTP_SECURITY(...) HEPH_HTTP_MIDDLEWARE__(security, __VA_ARGS__)
HEPH_HTTP_FUNCTIONS__(security);

/* ---- metrics -------------------------------------------------------------------------------- */

/*
 * Counts requests by route, method and class of status, and the time until the
 * handler has returned, for HEPH_HTTP_METRICS_PAGE() (health.h). Put it around a
 * mount with the path "" to see also those that no route answers. A request is
 * counted once, by the outermost.
 */
struct heph_http_metrics {
	size_t size;
};
#define HEPH_HTTP_METRICS(...) HEPH_HTTP_MIDDLEWARE__(metrics, __VA_ARGS__)
HEPH_HTTP_FUNCTIONS__(metrics);

#ifdef __cplusplus
}
#endif
#endif
