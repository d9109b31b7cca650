/* SPDX-License-Identifier: MIT */
/*
 * chunk.h - chunks of a response that are collected
 *
 * What a handler writes bit by bit becomes one chunk, as long as it is collected:
 * its line is written first, as "0000", and its size put there when it is closed.
 */
#ifndef HEPH_HTTP_CHUNK_H
#define HEPH_HTTP_CHUNK_H

#include "http/home.h"

struct heph_http_conn;

/* Ends the chunk that goes on, if there is one. There is room for that. */
void heph_http_chunk_close(struct heph_http_out *out);

/* Waits. A piece of a chunked body; and its end, with lines of trailers. As
 * heph_http_conn_write(). */
int heph_http_chunk_write(struct heph_http_conn *conn, heph_ctx ctx,
			  const char *data, size_t size);
int heph_http_chunk_end(struct heph_http_conn *conn, heph_ctx ctx,
			struct heph_str trailers);

#endif
