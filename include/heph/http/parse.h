/* SPDX-License-Identifier: MIT */
/*
 * parse.h - HTTP/1.0 and 1.1 on bytes in memory: heads and chunks
 *
 * What the server and the client stand on, of use alone. Nothing here allocates,
 * waits or copies: what is found is views of the bytes given. As strict as RFC
 * 9112 allows a recipient to be: lines end with CR LF and nothing else, and what
 * could be read in two ways is refused.
 */
#ifndef HEPH_HTTP_PARSE_H
#define HEPH_HTTP_PARSE_H

#include <heph/http/types.h>

#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What is wrong with a message. */
enum heph_http_wrong {
	HEPH_HTTP_FINE,
	HEPH_HTTP_BAD_METHOD,       /* no token */
	HEPH_HTTP_BAD_TARGET,       /* or not of the form that the method has */
	HEPH_HTTP_LONG_TARGET,      /* 414 */
	HEPH_HTTP_BAD_VERSION,      /* no "HTTP/1.0" or such */
	HEPH_HTTP_OTHER_VERSION,    /* neither 1.0 nor 1.1, but well-formed: 505 */
	HEPH_HTTP_BAD_STATUS,       /* of a response: not three digits */
	HEPH_HTTP_BAD_LINE,         /* a bare CR or LF, or a control character */
	HEPH_HTTP_BAD_NAME,         /* of a field: no token, or a blank before ":" */
	HEPH_HTTP_BAD_VALUE,        /* of a field: a control character */
	HEPH_HTTP_FOLDED,           /* a line that begins with a blank */
	HEPH_HTTP_LONG_HEAD,        /* 431 */
	HEPH_HTTP_MANY_FIELDS,      /* 431 */
	HEPH_HTTP_BAD_HOST,         /* none, or two, in HTTP/1.1; or no host */
	HEPH_HTTP_BAD_LENGTH,       /* Content-Length is no number */
	HEPH_HTTP_TWO_LENGTHS,      /* or a list, or repeated, even if equal */
	HEPH_HTTP_LENGTH_AND_CODING, /* Content-Length with Transfer-Encoding */
	HEPH_HTTP_BAD_CODING,       /* chunked is not last, or twice, or in 1.0 */
	HEPH_HTTP_OTHER_CODING,     /* a transfer coding besides chunked: 501 */
	HEPH_HTTP_BAD_CHUNK,        /* a size, its line, or what follows the data */
	HEPH_HTTP_LONG_CHUNK,       /* the line of its size */
	HEPH_HTTP_WRONGS,
};

/* In words: "a control character in a field"; and the status that a server answers
 * with, 400 if nothing better is said above. Any thread. */
HEPH_API const char *heph_http_wrong_text(enum heph_http_wrong wrong);
HEPH_API unsigned heph_http_wrong_status(enum heph_http_wrong wrong);

/* The head of a request. */
struct heph_http_request_head {
	enum heph_http_method method;
	struct heph_str method_name;
	struct heph_str target;    /* as it was sent, in whatever form */
	struct heph_str authority; /* of the target, if it has one, else of Host */
	struct heph_str path;      /* of the target, with the "/"; "*"; or empty */
	struct heph_str query;     /* of the target, behind "?"; may be empty */
	struct heph_http_fields fields; /* the caller sets `at` and `room` */
	uint64_t length;           /* of the body; HEPH_HTTP_UNKNOWN: chunked */
	enum heph_http_framing framing;
	unsigned minor;            /* of the version 1.minor: 0 or 1 */
	bool has_query;            /* a "?" was there */
	bool keep_alive;           /* by the version and Connection */
	bool expects_continue;     /* Expect: 100-continue, in HTTP/1.1 */
	bool expects_other;        /* another expectation: 417 */
	bool upgrades;             /* Connection: upgrade, with Upgrade */
	enum heph_http_wrong wrong;
};

/*
 * Reads the head of a request from the `size` bytes at `data`. `seen` are those
 * of them that were there at the last call, which found too few; 0 at the first.
 * An empty line before it, CR LF once, is skipped and counts as part of it.
 * Returns how many bytes it has, the empty line included; 0: there must come more;
 * -EBADMSG, and then `ret_head->wrong` tells why, and method, target and version
 * are what was found before that.
 */
HEPH_API HEPH_MUST ssize_t
heph_http_parse_request(const char *data, size_t size, size_t seen,
			const struct heph_http_limits *limits,
			struct heph_http_request_head *ret_head);

/* The head of a response. */
struct heph_http_response_head {
	unsigned status; /* 100 to 999 */
	struct heph_str reason; /* may be empty */
	struct heph_http_fields fields; /* the caller sets `at` and `room` */
	uint64_t length;
	enum heph_http_framing framing;
	unsigned minor;
	bool keep_alive;
	bool upgrades;
	enum heph_http_wrong wrong;
};

/*
 * The same for a response, to a request of that method, which decides whether
 * there is a body. No empty line before it is skipped. A Transfer-Encoding other
 * than chunked alone is refused, for nobody here could decode such a body.
 */
HEPH_API HEPH_MUST ssize_t
heph_http_parse_response(const char *data, size_t size, size_t seen,
			 enum heph_http_method method,
			 const struct heph_http_limits *limits,
			 struct heph_http_response_head *ret_head);

/* ---- chunked bodies --------------------------------------------------------- */

/* A chunked body while it is read. Plain data, { 0 } at its begin. */
struct heph_http_chunks {
	uint64_t left;   /* bytes of this chunk that are to come */
	uint32_t line;   /* bytes of this line of framing so far */
	uint8_t state__;
	enum heph_http_wrong wrong;
};

/*
 * Goes on with a chunked body, at the `size` bytes at `data`. Sets `*ret_used` to how
 * many bytes it has gone on by, of which the last `*ret_body` are bytes of the body.
 * Returns 1: go on; 0: that was the last chunk, and what follows are the trailers
 * (heph_http_parse_trailers()); -EBADMSG, see `wrong`.
 * Extensions of chunks are skipped, 4 KiB of framing between two chunks at most.
 */
HEPH_API HEPH_MUST int heph_http_parse_chunks(struct heph_http_chunks *chunks,
					      const char *data, size_t size,
					      size_t *ret_used, size_t *ret_body);

/* Reads the fields behind a chunked body, and the empty line, as
 * heph_http_parse_request() does. Fields that frame, route or authorise are
 * refused there (RFC 9110, section 6.5.1). Returns the same. */
HEPH_API HEPH_MUST ssize_t
heph_http_parse_trailers(const char *data, size_t size, size_t seen,
			 const struct heph_http_limits *limits,
			 struct heph_http_fields *fields,
			 enum heph_http_wrong *ret_wrong);

#ifdef __cplusplus
}
#endif
#endif
