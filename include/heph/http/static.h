/* SPDX-License-Identifier: MIT */
/*
 * static.h - the files of a directory
 *
 *     HEPH_HTTP_BY("GET", "/assets/{path...}",
 *                  HEPH_HTTP_STATIC("/srv/assets", .cache = "max-age=3600"))
 *
 * The directory is opened once. What a client asks for is looked up below it, and
 * nothing leads out of there: no "..", no symbolic link (those that stay within are
 * followed). Names with a backslash or a control character are not found, nor are,
 * unless `.hidden`, those that begin with ".".
 *
 * Files are sent as heph_http_send_file() does: with ranges, conditions, an entity
 * tag; besides with a Content-Type by the end of their name and
 * "X-Content-Type-Options: nosniff". A directory is redirected to its name with "/",
 * 308, and there is `.index` of it, or a list, or 404.
 *
 * 404: there is nothing of that name, or what there is is no file; 403: it may not
 * be read; 405: neither GET nor HEAD; 503: no descriptors or memory.
 */
#ifndef HEPH_HTTP_STATIC_H
#define HEPH_HTTP_STATIC_H

#include <heph/http/message.h>
#include <heph/http/middleware.h>
#include <heph/types.h>

#ifdef __cplusplus
extern "C" {
#endif

struct heph_http_mime {
	const char *suffix; /* "html"; in lower case; NULL: the end of a list */
	const char *type;   /* "text/html; charset=utf-8" */
};

/* All texts live as long as what was made of it. */
struct heph_http_static_options {
	size_t size;       /* of this struct; set by the macros */
	const char *dir;   /* is opened when the router is made */
	const char *index; /* NULL: "index.html"; "": none */
	const char *cache; /* Cache-Control of files; NULL: none is sent */
	const struct heph_http_mime *types; /* these before ours; NULL: ours */
	const char *param; /* the route's that is the path; NULL: "path", and if it
			    * has none, the whole path of the request */
	bool list;          /* a directory without index is listed */
	bool hidden;        /* names that begin with "." are as others */
	/* Instead of "name" there may be "name.br", "name.zst" and "name.gz",
	 * compressed beforehand, for who takes them. */
	bool precompressed;
};

/* As the handler of a route, with members of struct heph_http_static_options. */
#define HEPH_HTTP_STATIC(dir_, ...)                                            \
	{                                                                      \
		heph_http_run_static,                                          \
			HEPH_STAYS__(struct heph_http_static_options,          \
				     .size = sizeof(                           \
					     struct heph_http_static_options), \
				     .dir = (dir_), __VA_ARGS__),              \
			heph_http_start_static, heph_http_stop_static          \
	}
HEPH_HTTP_FUNCTIONS__(static);

/* ---- without a router ------------------------------------------------------------- */

struct heph_http_static;

/* heph_http_static_new(&files, .dir = ...[, .option = ...]): opens the directory.
 * Blocks for that moment; any thread. Returns 0; -ENOMEM, -EINVAL (no `dir`), and what
 * open(2) says of it: -ENOENT, -ENOTDIR, -EACCES. */
#define heph_http_static_new(ret_files, ...)                                   \
	HEPH_WITH__(heph_http_raw_static_new(                                  \
		(ret_files),                                                   \
		HEPH_SIZED__(struct heph_http_static_options, __VA_ARGS__)))
HEPH_API HEPH_MUST int
heph_http_raw_static_new(struct heph_http_static **ret_files,
			 const struct heph_http_static_options *options);

/* NULL is allowed. No request uses it any more. */
HEPH_API void heph_http_static_free(struct heph_http_static *files);

/* Waits. Answers a request with the file `path`, which is decoded, and may begin with
 * "/". Any number of actors on any workers may use `files`. Returns as
 * heph_http_send_file(); 0 also if it has answered 404 and such. */
HEPH_API HEPH_MUST int heph_http_static_send(heph_ctx ctx,
					     const struct heph_http_static *files,
					     struct heph_http_request *req,
					     struct heph_http_response *res,
					     struct heph_str path);

/* The media type that belongs to the end of a name, in any case of letters;
 * "application/octet-stream" if none does. Any thread. */
HEPH_API const char *heph_http_mime_type(struct heph_str name);

#ifdef __cplusplus
}
#endif
#endif
