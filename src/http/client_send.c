/* SPDX-License-Identifier: MIT */
/*
 * Sending a request. A server may answer before it has got all of it, and then
 * perhaps reads no more: so between two pieces of a body it is seen whether
 * something has come.
 */
#include <heph/file.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http/client_mem.h"
#include "http/client_trip.h"

enum {
	AT_ONCE = 64 << 10, /* bytes of a body that are sent with the head */
	PIECE = 64 << 10,   /* between two looks */
	SOME = 16 << 10,    /* that there is room for, most likely, if there is any */
};

static struct iovec piece_of(const void *data, size_t size)
{
	return (struct iovec){ .iov_base = (void *)(uintptr_t)data,
			       .iov_len = size };
}

static int write_pieces(heph_ctx ctx, struct heph_http_trip *trip,
			const struct iovec *pieces, size_t n)
{
	return heph_http_wire_write(ctx, trip->wire, pieces, n,
				    trip->times.send);
}

/* ---- pieces of a body ---------------------------------------------------------------- */

/* What a peer that reads no more has said before. */
static int look_for_answer(heph_ctx ctx, struct heph_http_trip *trip, int err)
{
	int step;

	if ((err != -EPIPE && err != -ECONNRESET) || trip->by_hand)
		return err;
	if (trip->has_head) /* and what comes next is its body */
		return -EALREADY;
	do
		step = heph_http_trip_head_step(ctx, trip);
	while (step == 0);
	return step == 1 ? -EALREADY : err;
}

/* Of something that is protected less may have come than a byte for us. */
static int step_at_once(heph_ctx ctx, struct heph_http_trip *trip)
{
	int step;

	if (trip->wire->stream.type)
		ctx = heph_until(ctx, 0);
	step = heph_http_trip_head_step(ctx, trip);
	return step == -ETIME && trip->wire->stream.type ? 0 : step;
}

/* Waits until there is room to write: 0. */
static int await_room(heph_ctx ctx, struct heph_http_trip *trip)
{
	int ready, step;

	if (trip->has_head)
		return -EALREADY;
	if (trip->by_hand)
		return 0; /* what comes belongs to requests before */
	ready = heph_http_wire_ready(ctx, trip->wire, trip->times.send);
	if (ready <= 0)
		return ready;
	step = step_at_once(ctx, trip);
	return step == 1 ? -EALREADY : step;
}

static int write_framed(heph_ctx ctx, struct heph_http_trip *trip,
			const void *data, size_t size)
{
	struct iovec pieces[3];
	char line[24];
	int n;

	if (!trip->chunked) {
		pieces[0] = piece_of(data, size);
		return write_pieces(ctx, trip, pieces, 1);
	}
	n = snprintf(line, sizeof(line), "%zx\r\n", size);
	pieces[0] = piece_of(line, (size_t)n);
	pieces[1] = piece_of(data, size);
	pieces[2] = piece_of("\r\n", 2);
	return write_pieces(ctx, trip, pieces, 3);
}

int heph_http_trip_write(heph_ctx ctx, struct heph_http_trip *trip,
			 const void *data, size_t size)
{
	const char *at = data;
	size_t n;
	int err = 0;

	if (!trip->chunked && size > trip->to_send)
		return -EMSGSIZE;
	for (; size && err == 0; at += n, size -= n) {
		n = size < PIECE ? size : PIECE;
		err = await_room(ctx, trip);
		if (err == 0)
			err = write_framed(ctx, trip, at, n);
		if (err == 0 && !trip->chunked)
			trip->to_send -= n;
	}
	return err < 0 ? look_for_answer(ctx, trip, err) : 0;
}

int heph_http_trip_end(heph_ctx ctx, struct heph_http_trip *trip)
{
	struct iovec piece = piece_of("0\r\n\r\n", 5);
	bool early = trip->has_head && !trip->fetch.both_ways;
	int err = early || trip->done ? -EALREADY : 0;

	if (err < 0 || trip->sent)
		return err;
	if (trip->chunked)
		err = write_pieces(ctx, trip, &piece, 1);
	else if (trip->to_send)
		return -ENODATA;
	trip->sent = err == 0;
	return err < 0 ? look_for_answer(ctx, trip, err) : 0;
}

/* ---- both ways ----------------------------------------------------------------------- */

int heph_http_trip_glance(heph_ctx ctx, struct heph_http_trip *trip)
{
	const struct heph_http_wire *wire = trip->wire;
	int step = trip->has_head;

	if (step == 0 && (wire->n || wire->ended || wire->stream.type))
		step = step_at_once(ctx, trip);
	if (step <= 0)
		return step;
	if (trip->arrived)
		return heph_http_trip_look(ctx, trip);
	step = heph_http_trip_finish(ctx, trip);
	trip->arrived = step == 0;
	return step < 0 ? step : 1;
}

int heph_http_trip_came(heph_ctx ctx, struct heph_http_trip *trip)
{
	int n = 0;

	if (!trip->wire->stream.type && !trip->piece.size)
		n = heph_http_wire_fill(ctx, trip->wire);
	return n < 0 ? n : heph_http_trip_glance(ctx, trip);
}

/* The peer has closed its end, or reset: there may still be an answer. */
static int read_no_more(heph_ctx ctx, struct heph_http_trip *trip, int err)
{
	if (err != -EPIPE && err != -ECONNRESET)
		return err;
	if (trip->has_head)
		return -EALREADY;
	err = look_for_answer(ctx, trip, err);
	if (err == -EALREADY)
		err = heph_http_trip_glance(ctx, trip);
	return err < 0 ? err : 0;
}

/* Nothing is to be written now. */
static int await_response(heph_ctx ctx, struct heph_http_trip *trip)
{
	heph_time length = trip->has_head ? trip->times.body : trip->times.head;
	int came = heph_http_wire_await(
		ctx, trip->wire, heph_deadline(heph_within(ctx, length)));

	return came == 0 ? -ETIME : came;
}

int heph_http_trip_some(heph_ctx ctx, struct heph_http_trip *trip,
			const void *data, size_t size)
{
	int ready, seen, err;

	if (!trip->chunked && size > trip->to_send)
		return -EMSGSIZE;
	seen = heph_http_trip_glance(ctx, trip);
	if (seen != 0)
		return seen < 0 ? seen : 0;
	if (size > SOME)
		size = SOME;
	do {
		ready = size ? heph_http_wire_ready(ctx, trip->wire,
						    trip->times.send) :
			       await_response(ctx, trip);
		if (ready < 0)
			return ready;
		seen = ready ? heph_http_trip_came(ctx, trip) : 0;
		if (seen != 0)
			return seen < 0 ? seen : 0;
	} while (ready);
	err = write_framed(ctx, trip, data, size);
	if (err < 0)
		return read_no_more(ctx, trip, err);
	if (!trip->chunked)
		trip->to_send -= size;
	return (int)size;
}

/* ---- whole bodies ---------------------------------------------------------------------- */

static int send_file(heph_ctx ctx, struct heph_http_trip *trip)
{
	char *buf = client_mem(PIECE);
	uint64_t at = 0;
	int n, err = buf ? 0 : -ENOMEM;

	while (err == 0 && trip->to_send) {
		n = heph_read_at(ctx, trip->fetch.file, buf,
				 trip->to_send < PIECE ? (size_t)trip->to_send :
							 PIECE,
				 at);
		err = n == 0 ? -ENODATA : n;
		if (n > 0)
			err = heph_http_trip_write(ctx, trip, buf, (size_t)n);
		at += n > 0 ? (uint64_t)n : 0;
	}
	free(buf);
	return err;
}

static int send_body(heph_ctx ctx, struct heph_http_trip *trip)
{
	int err;

	if (!heph_fd_none(trip->fetch.file))
		err = send_file(ctx, trip);
	else
		err = heph_http_trip_write(ctx, trip, trip->fetch.body,
					   (size_t)trip->to_send);
	return err < 0 ? err : heph_http_trip_end(ctx, trip);
}

/* ---- 100-continue ------------------------------------------------------------------------ */

/* Until the server says that it wants the body, or something else, or nothing. */
static int await_continue(heph_ctx ctx, struct heph_http_trip *trip)
{
	heph_time when = heph_deadline(heph_within(ctx, trip->fetch.expect));
	int came, step;

	while (!trip->continued) {
		came = heph_http_wire_await(ctx, trip->wire, when);
		if (came <= 0)
			return came;
		step = step_at_once(ctx, trip);
		if (step != 0)
			return step < 0 ? step : -EALREADY;
	}
	return 0;
}

/* ---- all ----------------------------------------------------------------------------------- */

static bool goes_along(const struct heph_http_trip *trip)
{
	return !trip->fetch.expect && heph_fd_none(trip->fetch.file) &&
	       !trip->streams && trip->to_send <= AT_ONCE;
}

static int send_at_once(heph_ctx ctx, struct heph_http_trip *trip)
{
	struct iovec pieces[2] = {
		piece_of(trip->out.data, trip->out.n),
		piece_of(trip->fetch.body, (size_t)trip->to_send),
	};
	int err = write_pieces(ctx, trip, pieces, trip->to_send ? 2 : 1);

	trip->sent = err == 0;
	return err < 0 ? look_for_answer(ctx, trip, err) : 0;
}

static int send_in_turn(heph_ctx ctx, struct heph_http_trip *trip)
{
	struct iovec head = piece_of(trip->out.data, trip->out.n);
	int err = write_pieces(ctx, trip, &head, 1);

	if (err < 0)
		return look_for_answer(ctx, trip, err);
	if (trip->fetch.expect && (trip->to_send || trip->chunked))
		err = await_continue(ctx, trip);
	if (err == 0 && !trip->streams)
		err = send_body(ctx, trip);
	return err;
}

int heph_http_trip_send(heph_ctx ctx, struct heph_http_trip *trip)
{
	int err = goes_along(trip) ? send_at_once(ctx, trip) :
				     send_in_turn(ctx, trip);

	return err == -EALREADY ? 0 : err;
}
