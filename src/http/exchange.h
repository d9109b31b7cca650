/* SPDX-License-Identifier: MIT */
/*
 * exchange.h - one request and its response
 *
 * Taken when the first bytes of a request have come, and given back when all is
 * done: a connection without a request has none. Where the head lies, whom its
 * fields point to, is what has come (then that is held), or `head`, a copy.
 */
#ifndef HEPH_HTTP_EXCHANGE_H
#define HEPH_HTTP_EXCHANGE_H

#include <heph/http/message.h>
#include <heph/http/parse.h>

#include "http/home.h"
#include "http/response.h"

struct heph_http_block;

enum {
	HEPH_HTTP_FIRST = 1024, /* bytes of a request that need no malloc() */
};

/* The body of the request, while it is read. */
struct heph_http_incoming {
	enum heph_http_framing framing;
	bool expects;  /* "100 Continue" is to be sent before more is read */
	bool ended;    /* all of it is read */
	bool late;     /* it came too slowly */
	int err;       /* what reading ended with; later calls return it, too */
	uint64_t left; /* of one of known length: to be read; chunked: what has
			* come of the chunk */
	uint64_t got;  /* bytes */
	uint64_t max;  /* that it may have */
	heph_time waited; /* for bytes, so far: that is the client's time */
	struct heph_http_chunks chunks;
	char *lines;        /* of the trailers; NULL: none yet */
	size_t lines_size;  /* that have come */
	struct heph_http_fields trailers;
};

struct heph_http_exchange {
	struct heph_http_exchange *next; /* of those that are not in use */
	struct heph_http_request req;
	struct heph_http_request_head parsed;
	struct heph_http_incoming body;
	struct heph_http_response res;

	char *head; /* bytes of the head that do not lie in the input */
	unsigned head_used, head_room;
	unsigned head_size; /* of the whole head, once it is there */
	bool in_place; /* the head lies in the input, which is held */
	bool quick;    /* the last one like it was answered at once */
	bool refused;  /* it was no request, and is counted */
	uint32_t hash; /* of what was asked for; 0: nobody wants to know */
	/* If somebody does: when the handler was called, and was done, without the
	 * time for writing; 0: not yet. */
	heph_time called, answered;
	heph_time begun;
	struct heph_address *peer; /* NULL: nobody has asked yet */

	struct heph_http_load *load;  /* of a file that is sent; NULL: none */
	struct heph_http_block *blocks; /* memory of the request */
	unsigned first_used;
	_Alignas(16) char first[HEPH_HTTP_FIRST];
	struct heph_http_field fields[];
};

/* A new one of that connection, for a head of so many fields; NULL: no memory. */
struct heph_http_exchange *
heph_http_exchange_new(struct heph_http_home *home, struct heph_http_conn *conn,
		       unsigned n_fields);

/* Ends it. NULL is allowed. */
void heph_http_exchange_free(struct heph_http_home *home,
			     struct heph_http_exchange *exchange);

/* Makes room for so many bytes of the head in `head`. Returns 0; -ENOMEM. */
int heph_http_exchange_head_room(struct heph_http_exchange *exchange, size_t size);

/* Memory until it ends; NULL: there is none. */
void *heph_http_exchange_alloc(struct heph_http_exchange *exchange, size_t size);

/* HEPH_HTTP_LOAD bytes of memory for what is read of files, always the same; NULL:
 * there is none. */
char *heph_http_exchange_load(struct heph_http_home *home,
			       struct heph_http_exchange *exchange);

static inline struct heph_http_exchange *
heph_http_exchange_of(const struct heph_http_request *req)
{
	return (struct heph_http_exchange *)((uintptr_t)req -
					     offsetof(struct heph_http_exchange,
						      req));
}

static inline struct heph_http_exchange *
heph_http_exchange_of_response(const struct heph_http_response *res)
{
	return (struct heph_http_exchange *)((uintptr_t)res -
					     offsetof(struct heph_http_exchange,
						      res));
}

#endif
