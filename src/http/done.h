/* SPDX-License-Identifier: MIT */
/* done.h - what becomes of a request: for the server, and for those who log and
 * count */
#ifndef HEPH_HTTP_DONE_H
#define HEPH_HTTP_DONE_H

#include <errno.h>

#include "http/conn.h"

/* What its handler has ended with: what it returned, or, if it has sent nothing
 * that could have told it, what is wrong with the head of the response. */
static inline int heph_http_done_err(const struct heph_http_exchange *exchange,
				     int err)
{
	const struct heph_http_response *res = &exchange->res;

	if (err < 0 || res->stage != HEPH_HTTP_STAGE_HEAD)
		return err;
	return heph_http_response_is_tunnel(res) ? -EINVAL :
	       res->err < 0			 ? res->err :
						   err;
}

/* Whether the client has cut off its body, or has gone. The same error of another
 * connection, which a handler uses, is none of its own. */
static inline bool heph_http_done_cut(const struct heph_http_exchange *exchange,
				      int err)
{
	return exchange->req.conn->broken ||
	       (err == exchange->body.err &&
		(err == -ECONNRESET || err == -EPIPE));
}

/*
 * The status that a client gets when what is inside has returned `err`: the one
 * that was sent; or the one that the server will send, which answers errors and
 * empty responses when all have returned; 0: none can be sent any more.
 */
static inline unsigned
heph_http_done_status(const struct heph_http_exchange *exchange, int err)
{
	unsigned sent = heph_http_outcome(&exchange->res).status;

	err = heph_http_done_err(exchange, err);
	if (sent || exchange->req.conn->broken)
		return sent;
	if (heph_http_done_cut(exchange, err))
		return 400;
	switch (err < 0 ? err : 0) {
	case 0:
		return heph_http_status_of(&exchange->res);
	case -EMSGSIZE:
		return 413;
	case -EBADMSG:
		return 400;
	case -ETIME:
		return exchange->body.late ? 408 : 503;
	case -ECANCELED:
		return 503;
	default:
		return 500;
	}
}

#endif
