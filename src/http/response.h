/* SPDX-License-Identifier: MIT */
/*
 * response.h - a response while it is made, and what helps to send it
 *
 * The fields are kept as they will be sent, in lines. A body goes through the
 * filters, then is framed, then collected in the connection's heph_http_out.
 */
#ifndef HEPH_HTTP_RESPONSE_H
#define HEPH_HTTP_RESPONSE_H

#include <heph/http/message.h>

#include "http/home.h"

/* Lines of fields; `inside` first, then from malloc(). */
struct heph_http_lines {
	char *at; /* NULL: `inside` */
	unsigned used, room;
	char inside[256];
};

enum heph_http_stage {
	HEPH_HTTP_STAGE_HEAD, /* nothing but interim responses is sent */
	HEPH_HTTP_STAGE_BODY,
	HEPH_HTTP_STAGE_ENDED,
};

struct heph_http_response {
	enum heph_http_stage stage;
	enum heph_http_framing framing;
	unsigned status;
	int err;          /* what is wrong with the head */
	bool mute;        /* no body follows, by the method or the status */
	bool close_after; /* wanted, or said */
	bool failed;      /* it is not whole */
	uint64_t left;    /* of a body of known length, still to be sent */
	uint64_t sent;    /* bytes of the body, behind the filters */
	struct heph_http_filter *filters;
	struct heph_http_lines lines;
	char *trailers; /* lines; NULL: none */
	unsigned trailers_used, trailers_room;
};

void heph_http_response_init(struct heph_http_response *res);
void heph_http_response_fini(struct heph_http_response *res);

/* The lines of the fields so far. */
static inline struct heph_str
heph_http_response_lines(const struct heph_http_response *res)
{
	return heph_str_of(res->lines.at ? res->lines.at : res->lines.inside,
			   res->lines.used);
}

/* Forgets all that was said of the head: for another response instead. */
void heph_http_response_clear(struct heph_http_response *res);

/* Adds a field without looking at it. */
void heph_http_response_put(struct heph_http_response *res, struct heph_str name,
			    struct heph_str value);

/* ---- sending past the buffer ------------------------------------------------------
 *
 * For who has other ways to move bytes than heph_http_write(): splice(2).
 */

/*
 * Waits. After heph_http_begin(): the stream, if bytes of the body may be written
 * to its descriptor directly; all that was written before is on its way then.
 * NULL: they may not (there are filters, the body is chunked or is not sent at
 * all, TLS is done by us), or `*ret_err` is why. A body that is not sent at all
 * is 0 with NULL, too: heph_http_write() of it does nothing.
 */
struct heph_stream *heph_http_response_direct(heph_ctx ctx,
					      struct heph_http_response *res,
					      int *ret_err);

/* So many bytes of the body were written there. */
void heph_http_response_sent(struct heph_http_response *res, uint64_t n);

/* The context for a wait of the library that may last `length`: not under the
 * deadline of the handler, and while the actor is stopped, too. */
heph_ctx heph_http_response_ctx(heph_ctx ctx,
				const struct heph_http_response *res);

/* Whether no body is sent: by the method or the status so far. */
bool heph_http_response_mute(const struct heph_http_response *res);

/* Whether it would make the connection a tunnel, which heph_http_upgrade() alone
 * can: 2xx to CONNECT (RFC 9110, section 9.3.6). */
bool heph_http_response_is_tunnel(const struct heph_http_response *res);

/* Something went wrong after the head: the connection will be closed. The second one
 * counts, too, that the client took it too slowly. */
void heph_http_response_fail(struct heph_http_response *res);
void heph_http_response_late(struct heph_http_response *res);

#endif
