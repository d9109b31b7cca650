/* SPDX-License-Identifier: MIT */
/*
 * message.h - a request that a server got, and the response to it
 *
 * A handler is an ordinary function of the connection's actor. It reads what it
 * wants of the request, waits for whom it likes, and answers with one of the
 * sending functions:
 *
 *     static int hello(heph_ctx ctx, struct heph_http_request *req,
 *                      struct heph_http_response *res)
 *     {
 *             return heph_http_text(ctx, res, 200, "Hello\n");
 *     }
 *
 * Both objects, and what is taken from them, are valid until the handler has
 * returned. Only the actor of the connection uses them.
 */
#ifndef HEPH_HTTP_MESSAGE_H
#define HEPH_HTTP_MESSAGE_H

#include <heph/address.h>
#include <heph/http/types.h>
#include <heph/stream.h>
#include <heph/types.h>

#ifdef __cplusplus
extern "C" {
#endif

struct heph_http_conn;
struct heph_http_match;
struct heph_http_response;

/* A request. To be read only; made by the library alone. */
struct heph_http_request {
	enum heph_http_method method;
	struct heph_str method_name; /* of HEPH_HTTP_OTHER, too */
	struct heph_str target;      /* as it was sent */
	struct heph_str path;        /* without the query; "%2F" is not decoded */
	struct heph_str query;       /* behind the "?"; may be empty */
	struct heph_str host;        /* with the port, if one was sent */
	struct heph_http_fields fields;
	uint64_t length; /* of the body; 0: none; HEPH_HTTP_UNKNOWN: chunked */
	unsigned minor;  /* of HTTP/1.minor: 0 or 1 */
	bool secure;     /* over TLS */
	struct heph_http_conn *conn;

	/* Set on the way to the handler, by a router and what is around it. */
	const char *route;    /* "/items/{id:u64}"; NULL: none, or not yet */
	struct heph_str id;   /* see HEPH_HTTP_REQUEST_ID(); may be empty */
	struct heph_str user; /* see HEPH_HTTP_BASIC_AUTH(); may be empty */
	const struct heph_http_match *match__;
};

/*
 * Answers a request. Returns 0 when it has; a negative errno if it could not: a
 * client that has got nothing of the response yet then gets 500 (413 for
 * -EMSGSIZE, 400 for -EBADMSG, 408 for a body that came too slowly, 503 for
 * another -ETIME and -ECANCELED), and the error is logged. After the first bytes of
 * a response the connection is closed instead, so that the client notices.
 * So what another server has done wrong must not be returned as it is:
 * heph_http_error(ctx, res, 502).
 * A handler that has sent nothing and returns 0 has sent an empty body, with the
 * status 200 or what heph_http_status() says.
 */
typedef int heph_http_handler(heph_ctx ctx, struct heph_http_request *req,
			      struct heph_http_response *res);

/* ---- the request ------------------------------------------------------------ */

/* The first field of that name; { NULL, 0 }: there is none. Letters of `name` may
 * be in any case. An empty one is { not NULL, 0 }. */
HEPH_API struct heph_str heph_http_field(const struct heph_http_request *req,
					 const char *name);

/* The next one of that name; `*at` is 0 before the first. */
HEPH_API struct heph_str heph_http_next_field(const struct heph_http_request *req,
					      const char *name, unsigned *at);

/* Who is at the other end of the connection. */
HEPH_API const struct heph_address *
heph_http_peer(const struct heph_http_request *req);

/*
 * Waits. Reads the body, at most `size` bytes of it; a client that expects it gets
 * "100 Continue" first. Returns how many; 0 at its end; -EMSGSIZE (it is larger
 * than the server takes), -EBADMSG (it is malformed), -ETIME (it comes too
 * slowly, or the deadline of `ctx` has passed), -ECANCELED, -ECONNRESET (the client has
 * gone).
 */
HEPH_API HEPH_MUST int heph_http_read(heph_ctx ctx, struct heph_http_request *req,
				      void *buf, size_t size);

/* Waits. Reads what is left of the body, `max` bytes at most (0: what the server
 * takes), into memory of the request; no nul is behind it. Returns 0; as
 * heph_http_read(); -ENOMEM. */
HEPH_API HEPH_MUST int heph_http_read_all(heph_ctx ctx,
					  struct heph_http_request *req,
					  size_t max, struct heph_str *ret_body);

/* The fields behind a chunked body that was read to its end. */
HEPH_API const struct heph_http_fields *
heph_http_trailers(const struct heph_http_request *req);

/* Memory until the handler has returned; aligned for any type, not zeroed. NULL:
 * there is none. */
HEPH_API HEPH_MUST void *heph_http_alloc(struct heph_http_request *req,
					 size_t size);

/*
 * The context of the connection's actor, without the deadline that `handler_time`
 * puts on that of the handler: for one that streams, or speaks another protocol
 * after an upgrade. What the library itself waits for, bytes of a body and room
 * for a response, has limits of its own and is never under that deadline; but it is
 * under another one that a handler has put on its context by heph_within().
 */
HEPH_API heph_ctx heph_http_ctx(const struct heph_http_request *req);

/* What the server's options have as `.app`: heph_http_app(req, struct shop) is a
 * const struct shop *. Another type than that is a panic. */
#define heph_http_app(req, type)                                               \
	((const type *)heph_http_app__((req), #type, sizeof(type)))
HEPH_API const void *heph_http_app__(const struct heph_http_request *req,
				     const char *type, size_t size);

/* ---- the head of the response ------------------------------------------------
 *
 * None of these waits. What is wrong (a name that is no token; a control character
 * in a value, so nobody splits a response) is remembered, and told by the function
 * that sends: -EINVAL, -ENOMEM. After the head is sent they do nothing.
 * Date, Content-Length, Transfer-Encoding and Connection are the library's, and
 * -EINVAL; what a status or method does not allow is left out.
 */

/* 200 to 999; 200 if nobody says another. */
HEPH_API void heph_http_status(struct heph_http_response *res, unsigned status);
HEPH_API unsigned heph_http_status_of(const struct heph_http_response *res);

/* Adds a field; sets it, instead of all of that name; removes all of that name. */
HEPH_API void heph_http_add(struct heph_http_response *res, const char *name,
			    const char *value);
HEPH_API void heph_http_addf(struct heph_http_response *res, const char *name,
			     const char *format, ...)
	__attribute__((format(printf, 3, 4)));
HEPH_API void heph_http_set(struct heph_http_response *res, const char *name,
			    const char *value);
HEPH_API void heph_http_remove(struct heph_http_response *res, const char *name);

/* The value of a field that was added; { NULL, 0 }: none. Valid until the next
 * change of the head. */
HEPH_API struct heph_str heph_http_added(const struct heph_http_response *res,
					 const char *name);

/* The connection ends after this response. */
HEPH_API void heph_http_close_after(struct heph_http_response *res);

/* ---- sending ------------------------------------------------------------------ */

/* Waits. Sends the response with that body. The bytes are the caller's again when
 * it returns. Returns 0; -EINVAL, -ENOMEM (see above); -EALREADY (one is sent);
 * -ECONNRESET, -EPIPE; -ETIME (the client takes it too slowly, or the deadline of `ctx`
 * has passed), -ECANCELED. All functions that send return these. */
HEPH_API HEPH_MUST int heph_http_send(heph_ctx ctx,
				      struct heph_http_response *res,
				      const void *body, size_t size);

/* Wait. The same with the status and the Content-Type: "text/plain;
 * charset=utf-8", and "application/json". */
HEPH_API HEPH_MUST int heph_http_text(heph_ctx ctx,
				      struct heph_http_response *res,
				      unsigned status, const char *text);
HEPH_API HEPH_MUST int heph_http_json(heph_ctx ctx,
				      struct heph_http_response *res,
				      unsigned status, const char *json);

/* Waits. Sends a status with its reason as the body, in plain text. */
HEPH_API HEPH_MUST int heph_http_error(heph_ctx ctx,
				       struct heph_http_response *res,
				       unsigned status);

/* Waits. Sends the client elsewhere: 301, 302, 303, 307 or 308. */
HEPH_API HEPH_MUST int heph_http_redirect(heph_ctx ctx,
					  struct heph_http_response *res,
					  unsigned status, const char *location);

/*
 * Wait. A body in pieces: begun with its `length`, or HEPH_HTTP_UNKNOWN (chunked;
 * to HTTP/1.0 clients, until close), written, and ended. What was written is
 * sent when it is worth a packet or two, at heph_http_flush(), and at the end.
 * -EMSGSIZE: more than `length`; heph_http_end() with less: -ENODATA, and the
 * connection is closed. A handler that returns 0 without ending has ended it.
 */
HEPH_API HEPH_MUST int heph_http_begin(heph_ctx ctx,
				       struct heph_http_response *res,
				       uint64_t length);
HEPH_API HEPH_MUST int heph_http_write(heph_ctx ctx,
				       struct heph_http_response *res,
				       const void *data, size_t size);
HEPH_API HEPH_MUST int heph_http_flush(heph_ctx ctx,
				       struct heph_http_response *res);
HEPH_API HEPH_MUST int heph_http_end(heph_ctx ctx, struct heph_http_response *res);

/* A field behind a chunked body, before heph_http_end(). Does not wait; as
 * heph_http_add(). */
HEPH_API void heph_http_add_trailer(struct heph_http_response *res,
				    const char *name, const char *value);

/* Waits. Sends an interim response: 103 with the fields that were added so far, for
 * example. Not to HTTP/1.0 clients: 0. */
HEPH_API HEPH_MUST int heph_http_interim(heph_ctx ctx,
					 struct heph_http_response *res,
					 unsigned status);

/*
 * Waits. Sends a regular file, or the ranges of it that the request wants, with
 * Last-Modified, ETag and Accept-Ranges unless they were added: 200, 206, 304,
 * 412 or 416 by RFC 9110, sections 13 and 14. Within the kernel where that is
 * possible. The descriptor stays the caller's.
 * Returns 0; as heph_http_send(); -EISDIR and others of heph_stat(); -ENODATA
 * (the file became shorter: the connection is closed).
 */
HEPH_API HEPH_MUST int heph_http_send_file(heph_ctx ctx,
					   struct heph_http_request *req,
					   struct heph_http_response *res,
					   heph_fd file);

/*
 * Waits. Answers 101 with that protocol, or 200 to CONNECT (`protocol` NULL), and
 * hands the connection over: the stream is the caller's, and `ret_rest` are bytes
 * that have come behind the request, in memory of the request. When the handler
 * returns the stream is closed, unless the caller has closed it or given it away.
 * After an error the connection ends with the answer.
 * Returns 0; -EINVAL (the client did not ask for it); as heph_http_send().
 */
HEPH_API HEPH_MUST int heph_http_upgrade(heph_ctx ctx,
					 struct heph_http_request *req,
					 struct heph_http_response *res,
					 const char *protocol,
					 struct heph_stream *ret_stream,
					 struct heph_str *ret_rest);

/* ---- filters ------------------------------------------------------------------- */

struct heph_http_filter;

/*
 * Something that changes responses on their way out, as compression does. It is
 * asked about the head once, when that is about to be sent, and may change it;
 * then it gets the body piece by piece, and gives on what it makes of it with
 * heph_http_filter_write(). The latest filter comes first.
 */
struct heph_http_filter {
	/* `length`, of the body, may be changed; HEPH_HTTP_UNKNOWN. Returns 1: go
	 * on; 0: it wants nothing of this response; a negative errno. Not called for
	 * responses that have no body by their status, but for 304, whose fields are
	 * those that 200 would have. */
	int (*head)(struct heph_http_filter *filter,
		    struct heph_http_response *res, uint64_t *length);
	/* Waits. */
	int (*write)(heph_ctx ctx, struct heph_http_filter *filter,
		     struct heph_http_response *res, const void *data,
		     size_t size);
	int (*flush)(heph_ctx ctx, struct heph_http_filter *filter,
		     struct heph_http_response *res);
	int (*end)(heph_ctx ctx, struct heph_http_filter *filter,
		   struct heph_http_response *res);
	/* Always called in the end, however that comes. May be NULL. */
	void (*free)(struct heph_http_filter *filter);
	struct heph_http_filter *next__;
};

/* Puts a filter before the others. It lies in memory of the request, or longer.
 * Before the head is sent; afterwards nothing happens but its `free`. */
HEPH_API void heph_http_add_filter(struct heph_http_response *res,
				   struct heph_http_filter *filter);
HEPH_API HEPH_MUST int heph_http_filter_write(heph_ctx ctx,
					      struct heph_http_filter *filter,
					      struct heph_http_response *res,
					      const void *data, size_t size);

/* ---- what became of it ------------------------------------------------------------
 *
 * For those who log and count, after the handler has returned.
 */
struct heph_http_outcome {
	unsigned status;    /* that was sent; 0: none */
	uint64_t sent;      /* bytes of the body, as they went over the line */
	uint64_t received;  /* of the request's body */
	heph_time begun;    /* when the head was there; heph_now() */
	bool failed;        /* the response is not whole */
};
HEPH_API struct heph_http_outcome
heph_http_outcome(const struct heph_http_response *res);

#ifdef __cplusplus
}
#endif
#endif
