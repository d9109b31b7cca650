/* SPDX-License-Identifier: MIT */
/*
 * http_peer.h - a server that says what a test tells it to
 *
 * It listens on a port of its own. Each connection plays the steps of the script
 * in turn, from where the one before it has stopped: it waits until some text has
 * come, sends bytes in pieces, closes. What has come is kept for the test.
 */
#ifndef TEST_HTTP_PEER_H
#define TEST_HTTP_PEER_H

#include "act.h"

#include <heph/http/client.h>

#include <unistd.h>

enum step_what {
	STEP_END,
	STEP_ACCEPT,  /* the next connection; the one before is closed */
	STEP_EXPECT,  /* until `text` has come */
	STEP_SEND,    /* `text`, or `size` bytes of it, `piece` bytes at a time */
	STEP_CLOSE,   /* the connection */
	STEP_RESET,   /* the same, with RST */
	STEP_PAUSE,   /* `size` milliseconds */
	STEP_MUTE,    /* until the peer has closed it */
	STEP_FOREVER, /* nothing more, until the actor is stopped */
};

struct step {
	enum step_what what;
	const char *text;
	size_t size, piece;
};

#define ACCEPT { .what = STEP_ACCEPT }
#define EXPECT(text_) { .what = STEP_EXPECT, .text = (text_) }
#define SEND(text_) { .what = STEP_SEND, .text = (text_) }
#define SEND_BY(text_, piece_)                                                 \
	{ .what = STEP_SEND, .text = (text_), .piece = (piece_) }
#define CLOSE { .what = STEP_CLOSE }
#define RESET { .what = STEP_RESET }
#define PAUSE(ms_) { .what = STEP_PAUSE, .size = (ms_) }
#define MUTE { .what = STEP_MUTE }
#define FOREVER { .what = STEP_FOREVER }
#define END { .what = STEP_END }

enum { PEER_GOT = 1 << 18 };

struct script {
	const struct step *steps;
	heph_fd listener; /* given to the actor */
	char url[64];     /* "http://127.0.0.1:port" */
	char address[HEPH_ADDRESS_MAX];
	unsigned port;
	size_t got_size, matched;
	char got[PEER_GOT]; /* all that has come, with a nul */
	unsigned connections;
	bool done; /* the script was played to its end */
};

struct peer_arg {
	struct script *script;
};

HEPH_ACTOR(peer, void, struct peer_arg);

static int peer_read(heph_ctx ctx, struct script *script, heph_fd fd)
{
	size_t room = PEER_GOT - 1 - script->got_size;
	char *data;
	int n = heph_read_view(ctx, fd, &data);

	if (n <= 0)
		return n < 0 ? n : -ENODATA;
	if ((size_t)n < room)
		room = (size_t)n;
	memcpy(script->got + script->got_size, data, room);
	script->got_size += room;
	script->got[script->got_size] = '\0';
	return 0;
}

static int peer_expect(heph_ctx ctx, struct script *script, heph_fd fd,
		       const char *text)
{
	const char *found;
	int err;

	ctx = heph_within(ctx, 10 * HEPH_SEC);
	/* A body may have nuls. */
	while (!(found = memmem(script->got + script->matched,
				script->got_size - script->matched, text,
				strlen(text)))) {
		err = peer_read(ctx, script, fd);
		if (err < 0)
			return err;
	}
	script->matched = (size_t)(found - script->got) + strlen(text);
	/* The end of a line may be part of the end of the head, too. */
	if (found[strlen(text) - 1] == '\n' && !strstr(text, "\r\n\r\n"))
		script->matched -= 2;
	return 0;
}

static int peer_send(heph_ctx ctx, heph_fd fd, const struct step *step)
{
	size_t size = step->size ? step->size : strlen(step->text);
	size_t piece = step->piece ? step->piece : size, n;
	int err = 0;

	for (size_t at = 0; at < size && err == 0; at += n) {
		n = size - at < piece ? size - at : piece;
		err = heph_write_all(ctx, fd, step->text + at, n);
		if (step->piece && err == 0) /* so that it arrives alone */
			err = heph_sleep(ctx, 20 * HEPH_USEC);
	}
	return err == -EPIPE || err == -ECONNRESET ? 0 : err;
}

static int peer_step(heph_ctx ctx, struct script *script, heph_fd *fd,
		     const struct step *step)
{
	char *data;
	int err = 0;

	switch (step->what) {
	case STEP_ACCEPT:
		heph_close(*fd);
		script->connections++;
		return heph_accept_from(ctx, script->listener, fd,
					&(struct heph_address){ 0 });
	case STEP_EXPECT:
		return peer_expect(ctx, script, *fd, step->text);
	case STEP_SEND:
		return peer_send(ctx, *fd, step);
	case STEP_RESET:
		must_be(heph_socket_set(ctx, *fd, HEPH_SOCKET_LINGER, 0), 0);
		heph_close(*fd);
		return 0;
	case STEP_CLOSE:
		heph_close(*fd);
		return 0;
	case STEP_PAUSE:
		return heph_sleep(ctx, (heph_time)step->size * HEPH_MSEC);
	case STEP_MUTE:
		while ((err = heph_read_view(ctx, *fd, &data)) > 0)
			;
		return err == -ECONNRESET ? 0 : err;
	default:
		return heph_sleep(ctx, HEPH_NEVER);
	}
}

static int peer_main(heph_ctx ctx, struct peer_arg *arg)
{
	struct script *script = arg->script;
	const struct step *step = script->steps;
	heph_fd fd = { 0 };
	int err = 0;

	for (; step->what != STEP_END && err == 0; step++)
		err = peer_step(ctx, script, &fd, step);
	if (err < 0 && err != -ECANCELED)
		fprintf(stderr, "peer: step %ld: %s; got:\n%.2000s\n",
			(long)(step - script->steps), strerror(-err),
			script->got);
	script->done = err == 0;
	return err;
}
HEPH_ACTOR_MAIN(peer, peer_main);

/* Starts a peer; script is the caller's memory, not on a stack. */
UNUSED static peer_ref peer_start(heph_ctx ctx, struct script *script,
				  const struct step *steps)
{
	struct heph_address address;
	peer_ref peer;

	memset(script, 0, sizeof(*script));
	script->steps = steps;
	must_be(heph_listen(ctx, "127.0.0.1:0", &script->listener), 0);
	must_be(heph_local_address(ctx, script->listener, script->address), 0);
	must_be(heph_address_parse(&address, script->address), 0);
	script->port = (unsigned)heph_address_port(&address);
	sprintf(script->url, "http://127.0.0.1:%u", script->port);
	must_be(heph_spawn(ctx, peer, &peer, { script },
			   .give = script->listener),
		0);
	return peer;
}

/* The script must have been played. */
UNUSED static void peer_end(heph_ctx ctx, peer_ref peer, struct script *script)
{
	must_be(heph_join(heph_within(ctx, 10 * HEPH_SEC), peer, NULL), 0);
	must(script->done);
}

/* ---- what tests ask ------------------------------------------------------------- */

/* "URL/path", valid until the next call. */
UNUSED static const char *at(const struct script *script, const char *path)
{
	static char url[9000];

	snprintf(url, sizeof(url), "%s%s", script->url, path);
	return url;
}

UNUSED static void must_be_text(struct heph_str str, const char *text)
{
	if (heph_str_equal(str, text))
		return;
	fprintf(stderr, "'%.*s' is not '%s'\n", HEPH_STR(str), text);
	must(!"the texts are equal");
}

UNUSED static void must_have(const char *text, const char *part)
{
	if (strstr(text, part))
		return;
	fprintf(stderr, "'%s' is not in '%s'\n", part, text);
	must(!"the text is there");
}

/* Reads and frees a reply. */
UNUSED static void must_say(heph_ctx ctx, struct heph_http_reply *reply,
			    unsigned status, const char *text)
{
	struct heph_str body;

	must_be(reply->status, status);
	must_be(heph_http_reply_read_all(ctx, reply, 1 << 20, &body), 0);
	must_be_text(body, text);
	heph_http_reply_free(ctx, reply);
}

#endif
