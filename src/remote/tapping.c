/* SPDX-License-Identifier: MIT */
/* heph_node_tap(): the side of who looks. */
#include <string.h>

#include "remote/asks.h"
#include "remote/refs.h"
#include "remote/tap.h"

struct ask_tap {
	struct heph_ask ask;
	heph_tap_lines_sender lines;
	int err; /* of the end */
};

static void end_lines(struct ask_tap *it)
{
	if (it->lines.chan)
		heph_chan_free(it->lines);
	it->lines.chan = NULL;
}

static void drop_tap(struct heph_request *request)
{
	end_lines((struct ask_tap *)request);
	heph_ask_drop(request);
}

/* A line, until the one who wants them is gone. */
static int on_tapped(heph_ctx ctx, struct heph_peer *peer, struct heph_ask *ask,
		     int err, const void *data, size_t size)
{
	struct ask_tap *it = (struct ask_tap *)(void *)ask;
	struct heph_tap_line line = { "" };

	(void)ctx;
	if (err < 0) {
		it->err = err;
		end_lines(it);
		return err;
	}
	size = size < sizeof(line.text) ? size : sizeof(line.text) - 1;
	memcpy(line.text, data, size);
	line.text[size] = '\0';
	if (heph_raw_chan_try_send(it->lines.chan, &line, sizeof(line)) !=
	    -EPIPE)
		return -EINPROGRESS; /* lost, if it is full */
	(void)heph_refs_post(peer, HEPH_FRAME_TAP, 0, ask->number, NULL, 0);
	return -EPIPE;
}

static void send_tap(heph_ctx ctx, struct heph_peer *peer, struct heph_job *job)
{
	heph_ask_send(ctx, peer, heph_ask_of(job), HEPH_FRAME_TAP, NULL, 0);
}

static void run_tap(heph_ctx ctx, struct heph_node_state *node,
		    struct heph_request *request)
{
	struct ask_tap *it = (struct ask_tap *)request;
	int err = 0;

	(void)ctx;
	it->ask.answer = on_tapped;
	it->ask.expects = HEPH_FRAME_TAPPED;
	it->ask.flag = 1;
	it->err = -EHOSTDOWN;
	if (heph_ask_is_here(node, &it->ask)) {
		err = heph_tap_here(node, it->lines);
		if (err == 0)
			it->lines.chan = NULL; /* the tap's */
	} else if (heph_node_peer(node, it->ask.peer)) {
		request->refs__++; /* it goes on, and its caller as well */
		heph_ask_hand_over(node, &it->ask, send_tap);
	} else {
		err = -ENOTCONN;
	}
	heph_request_done(request, err);
}

static void free_lines(void *chan)
{
	heph_raw_chan_free(chan, HEPH_CHAN_RECEIVER__);
}

/* Waits. Hands on lines until there are no more. */
static int hand_on(heph_ctx ctx, heph_tap_lines_receiver lines,
		   void (*fn)(void *user, const char *line), void *user)
{
	struct heph_tap_line *line;
	int err;

	while ((err = heph_chan_peek(ctx, lines, &line)) == 0) {
		struct heph_tap_line copy;

		err = heph_chan_try_recv(lines, &copy);
		if (err == 0)
			fn(user, copy.text);
	}
	return err;
}

static int tap(heph_ctx ctx, heph_node node, struct ask_tap *it,
	       heph_tap_lines_receiver lines,
	       void (*fn)(void *user, const char *line), void *user)
{
	int err = heph_own(ctx, lines.chan, free_lines);

	if (err < 0) {
		free_lines(lines.chan);
		return err;
	}
	err = heph_request(ctx, node, &it->ask.request);
	if (err == 0)
		err = hand_on(ctx, lines, fn, user);
	if (err == -EPIPE)
		err = it->err;
	if (heph_disown(ctx, lines.chan))
		free_lines(lines.chan);
	return err;
}

int heph_node_tap(heph_ctx ctx, heph_node node, const char *peer,
		  void (*fn)(void *user, const char *line), void *user)
{
	struct ask_tap *it = heph_request_new(sizeof(*it), run_tap, drop_tap);
	heph_tap_lines_receiver lines;
	int err = it ? heph_ask_put_peer(&it->ask, peer) : -ENOMEM;

	if (err == 0)
		err = heph_chan_new(heph_tap_lines, HEPH_TAP_QUEUE, &it->lines,
				    &lines);
	if (err == 0)
		err = tap(ctx, node, it, lines, fn, user);
	heph_request_free(it ? &it->ask.request : NULL);
	return err;
}
