/* SPDX-License-Identifier: MIT */
/* Requests and responses of the client, against a peer that keeps to a script. */
#include "http_peer.h"

#include <heph/http/value.h>

#include <fcntl.h>

static struct script script;
static struct heph_http_failure failure;

static struct heph_http_client start(heph_ctx ctx)
{
	struct heph_http_client client;

	must_be(heph_http_client_start(ctx, &client), 0);
	return client;
}

/* Nothing is idle, used or waited for any more. */
static void must_be_over(heph_ctx ctx, struct heph_http_client client)
{
	struct heph_http_client_stats stats;

	must_be(heph_http_client_stats(ctx, client, &stats), 0);
	must_be(stats.used_now + stats.waiting_now, 0);
}

/* ---- GET ------------------------------------------------------------------------- */

static int get_something(heph_ctx ctx, act_inbox in, void *arg)
{
	static const struct step steps[] = {
		ACCEPT,
		EXPECT("GET /x?y HTTP/1.1\r\nHost: 127.0.0.1:"),
		EXPECT("\r\nUser-Agent: heph/"),
		EXPECT("\r\nAccept-Encoding: "),
		EXPECT("\r\n\r\n"),
		SEND("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-Y: z\r\n"
		     "\r\nHello"),
		EXPECT("GET / HTTP/1.1\r\n"),
		EXPECT("\r\n\r\n"),
		SEND("HTTP/1.1 404 Not Found\r\nTransfer-Encoding: chunked\r\n"
		     "\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nT: 1\r\n\r\n"),
		EXPECT("GET /last HTTP/1.1\r\n"),
		EXPECT("\r\n\r\n"),
		SEND("HTTP/1.1 200 OK\r\n\r\nuntil the end"),
		CLOSE,
		END,
	};
	peer_ref peer = peer_start(ctx, &script, steps);
	struct heph_http_client client = start(ctx);
	struct heph_http_client_stats stats;
	struct heph_http_reply *reply;
	struct heph_str body;

	must_be(heph_http_get(ctx, client, at(&script, "/x?y#z"), &reply), 0);
	must_be_text(reply->reason, "OK");
	must_be(reply->length, 5);
	must_be_text(heph_http_reply_field(reply, "x-y"), "z");
	must(!heph_http_reply_field(reply, "x-z").data);
	must_be_text(reply->url, at(&script, "/x?y"));
	must(!reply->reused && !reply->secure);
	must_say(ctx, reply, 200, "Hello");
	must_be(heph_http_get(ctx, client, at(&script, ""), &reply), 0);
	must(reply->reused && reply->length == HEPH_HTTP_UNKNOWN);
	must_be(heph_http_reply_read_all(ctx, reply, 5, &body), 0);
	must_be_text(body, "abcde");
	must_be(heph_http_reply_trailers(reply)->n, 1);
	heph_http_reply_free(ctx, reply);
	must_be(heph_http_get(ctx, client, at(&script, "/last"), &reply), 0);
	must_say(ctx, reply, 200, "until the end");
	must_be(heph_http_client_stats(ctx, client, &stats), 0);
	must_be(stats.requests, 3);
	must_be(stats.opened, 1);
	must_be(stats.reused, 2);
	must_be(stats.used_now + stats.idle_now + stats.waiting_now, 0);
	peer_end(ctx, peer, &script);
	return 0;
}

static void gets_something(void **state)
{
	run(get_something, NULL);
}

/* ---- responses -------------------------------------------------------------------- */

struct wanted {
	const char *response;
	int err;        /* of the fetch */
	unsigned status;
	int body_err;   /* of reading the body */
	const char *body, *why;
	enum heph_http_method method;
};

#define OK "HTTP/1.1 200 OK\r\n"
#define FOUR OK "Content-Length: 4\r\n\r\n"
#define CHUNKED OK "Transfer-Encoding: chunked\r\n\r\n"
#define BODY(head_, body_) { .response = (head_), .status = 200, .body = (body_) }
#define CUT(head_, err_, why_)                                                 \
	{ .response = (head_), .status = 200, .body_err = (err_), .why = (why_) }
#define WRONG(head_, why_) { .response = (head_), .err = -EBADMSG, .why = (why_) }

/* What Heph tests of its client is here under its names. */
static const struct wanted responses[] = {
	/* get, partial_response */
	BODY(OK "Content-Length: 5\r\n\r\nhello", "hello"),
	BODY(OK "Content-Length: 0\r\n\r\n", ""),
	BODY("HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nhi", "hi"),
	BODY("HTTP/1.1 200 \r\nContent-Length: 2\r\n\r\nhi", "hi"),
	CUT(FOUR "abc", -ENODATA, "body of 127.0.0.1:"),
	/* get_no_response, get_invalid_response */
	{ .response = "", .err = -ENODATA, .why = "ended too early" },
	{ .response = "HTTP/1.1 200 O", .err = -ENODATA },
	WRONG("this is no answer\r\n\r\n", "response of 127.0.0.1:"),
	/* same_content_length, different_, invalid_: RFC 9112 allows to refuse equal
	 * ones, and we do */
	WRONG(OK "Content-Length: 4\r\nContent-Length: 4\r\n\r\nabcd",
	      "Content-Length"),
	WRONG(OK "Content-Length: 4\r\nContent-Length: 5\r\n\r\nabcd",
	      "Content-Length"),
	WRONG(OK "Content-Length: x\r\n\r\n", "Content-Length is no number"),
	WRONG(OK "Content-Length: -1\r\n\r\n", "Content-Length is no number"),
	/* transfer_encoding_and_content_length in both orders */
	WRONG(OK "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
	      "Transfer-Encoding"),
	WRONG(OK "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n",
	      "Transfer-Encoding"),
	/* chunked, empty_chunked, and slow_chunked by the pieces */
	BODY(CHUNKED "4\r\nabcd\r\n10\r\n0123456789abcdef\r\n0\r\n\r\n",
	     "abcd0123456789abcdef"),
	BODY(CHUNKED "0\r\n\r\n", ""),
	BODY(CHUNKED "1;a=\"b\"\r\nx\r\n000\r\nX-T: 1\r\n\r\n", "x"),
	BODY(OK "transfer-encoding: Chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n", "x"),
	CUT(CHUNKED "4\r\nab", -ENODATA, "ended too early"),
	CUT(CHUNKED "4\r\nabcd\r\n", -ENODATA, NULL),
	CUT(CHUNKED "4\r\nabcd\r\n0\r\n", -ENODATA, NULL),
	/* invalid_chunk_size */
	CUT(CHUNKED "Q\r\nabc\r\n0\r\n\r\n", -EBADMSG, "a malformed chunk"),
	CUT(CHUNKED "3\r\nabcd\r\n0\r\n\r\n", -EBADMSG, "a malformed chunk"),
	CUT(CHUNKED "ffffffffffffffffff\r\n", -EBADMSG, NULL),
	CUT(CHUNKED "0\r\nBad Name: x\r\n\r\n", -EBADMSG, NULL),
	/* identity_transfer_encoding, unsupported_, chunked_not_last */
	WRONG(OK "Transfer-Encoding: gzip\r\n\r\n", "transfer coding"),
	WRONG(OK "Transfer-Encoding: gzip, chunked\r\n\r\n", "transfer coding"),
	WRONG(OK "Transfer-Encoding: chunked, gzip\r\n\r\n", ""),
	/* head, response_status_204 and others without a body */
	{ .response = OK "Content-Length: 5\r\n\r\n",
	  .status = 200,
	  .body = "",
	  .method = HEPH_HTTP_HEAD },
	{ .response = "HTTP/1.1 204 No Content\r\n\r\n", .status = 204, .body = "" },
	{ .response = "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n",
	  .status = 304,
	  .body = "" },
	/* connect */
	{ .response = OK "Content-Length: 5\r\n\r\n",
	  .status = 200,
	  .body = "",
	  .method = HEPH_HTTP_CONNECT },
	/* no_content_length_no_transfer_encoding_response */
	BODY(OK "\r\nuntil the end", "until the end"),
	BODY("HTTP/1.0 200 OK\r\n\r\n", ""),
	/* interim ones */
	BODY("HTTP/1.1 100 Continue\r\n\r\n" FOUR "abcd", "abcd"),
	BODY("HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"
	     "HTTP/1.1 102 Processing\r\n\r\n" FOUR "abcd",
	     "abcd"),
	WRONG("HTTP/1.1 101 Switching Protocols\r\n\r\n", "status"),
	/* invalid_header_name, _value, _new_line, _http_version, _status */
	WRONG(OK "Bad\x01Name: x\r\n\r\n", "the name of a field"),
	WRONG(OK "Name : x\r\n\r\n", "the name of a field"),
	WRONG(OK "Name: a\rb\r\n\r\n", ""),
	WRONG("HTTP/1.1 200 OK\nName: a\n\n", ""),
	WRONG(OK "Name: a\r\n folded\r\n\r\n", "begins with a blank"),
	WRONG("HTTP/2.0 200 OK\r\n\r\n", "neither HTTP/1.0 nor HTTP/1.1"),
	WRONG("HTP/1.1 200 OK\r\n\r\n", "no HTTP version"),
	WRONG("HTTP/1.1 2000 OK\r\n\r\n", "status"),
	WRONG("HTTP/1.1 099 OK\r\n\r\n", "status"),
	WRONG("HTTP/1.1 abc OK\r\n\r\n", "status"),
};

enum { RESPONSES = sizeof(responses) / sizeof(*responses) };

static const struct wanted *wanted_now; /* for a debugger */

static void must_be_wanted(heph_ctx ctx, struct heph_http_client client,
			   const struct wanted *wanted)
{
	struct heph_http_reply *reply;
	struct heph_str body;
	const char *why = failure.text;
	int err;

	wanted_now = wanted;
	memset(&failure, 0, sizeof(failure));
	err = heph_http_fetch(ctx, client, at(&script, "/"), &reply,
			      .method = wanted->method, .failure = &failure);
	must_be(err, wanted->err);
	if (err == 0) {
		must_be(reply->status, wanted->status);
		err = heph_http_reply_read_all(ctx, reply, 1000, &body);
		must_be(err, wanted->body_err);
		if (err == 0)
			must_be_text(body, wanted->body);
		failure = *heph_http_reply_failure(reply);
		heph_http_reply_free(ctx, reply);
	}
	must_be(failure.err, err);
	if (wanted->why)
		must_have(why, wanted->why);
	else if (err == 0)
		must_be(*why, 0);
}

/* Split in two at `split`, and byte by byte if that is 0. */
static void get_response(heph_ctx ctx, struct heph_http_client client,
			 const struct wanted *wanted, size_t split)
{
	static struct step steps[6];
	const char *text = wanted->response;
	size_t size = strlen(text), n = 0;
	peer_ref peer;

	steps[n++] = (struct step)ACCEPT;
	steps[n++] = (struct step)EXPECT("\r\n\r\n");
	if (split)
		steps[n++] = (struct step){ STEP_SEND, text, split, split };
	if (split < size)
		steps[n++] = (struct step){ STEP_SEND, text + split,
					    size - split, split ? 0 : 1 };
	steps[n++] = (struct step)CLOSE;
	steps[n] = (struct step)END;
	peer = peer_start(ctx, &script, steps);
	must_be_wanted(ctx, client, wanted);
	peer_end(ctx, peer, &script);
}

static int get_responses(heph_ctx ctx, act_inbox in, void *arg)
{
	struct heph_http_client client = start(ctx);

	for (int n = 0; n < RESPONSES; n++) {
		size_t size = strlen(responses[n].response);

		get_response(ctx, client, &responses[n], 0);
		for (size_t split = 1; split < size; split++)
			get_response(ctx, client, &responses[n], split);
		if (size)
			get_response(ctx, client, &responses[n], size);
	}
	must_be_over(ctx, client);
	return 0;
}

static void reads_all_responses_however_they_are_split(void **state)
{
	run(get_responses, NULL);
}

/* ---- limits of heads --------------------------------------------------------------- */

static char large[40001];

static int get_large_heads(heph_ctx ctx, act_inbox in, void *arg)
{
	struct heph_http_client client = start(ctx);
	struct wanted wanted = { .response = large, .status = 200, .body = "" };
	char *to;

	/* 100 fields, and one more. */
	for (int n = 100; n <= 101; n++) {
		to = stpcpy(large, OK "Content-Length: 0\r\n");
		for (int i = 1; i < n; i++)
			to += sprintf(to, "X-%d: y\r\n", i);
		strcpy(to, "\r\n");
		wanted.err = n == 100 ? 0 : -EMSGSIZE;
		wanted.why = n == 100 ? NULL : "too many fields";
		get_response(ctx, client, &wanted, 500);
	}
	/* 16 KiB, and one byte more. */
	for (int n = 16384; n <= 16385; n++) {
		to = stpcpy(large, OK "Content-Length: 0\r\nX: ");
		memset(to, 'x', 40000 - (size_t)(to - large));
		strcpy(large + n - 4, "\r\n\r\n");
		wanted.err = n == 16384 ? 0 : -EMSGSIZE;
		wanted.why = n == 16384 ? NULL : "the head is too long";
		get_response(ctx, client, &wanted, 5000);
	}
	/* One without an end, and interim ones. */
	memset(large, 'x', 40000);
	memcpy(large, OK "X: ", strlen(OK "X: "));
	get_response(ctx, client, &wanted, 40000);
	for (to = large; to < large + 30000;)
		to = stpcpy(to, "HTTP/1.1 100 Continue\r\n\r\n");
	wanted.err = -EBADMSG;
	wanted.why = "";
	get_response(ctx, client, &wanted, 10);
	return 0;
}

static void heads_have_limits(void **state)
{
	run(get_large_heads, NULL);
}

/* ---- requests ----------------------------------------------------------------------- */

#define EMPTY "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"

static int send_requests(heph_ctx ctx, act_inbox in, void *arg)
{
	static const struct step steps[] = {
		ACCEPT,
		EXPECT("POST /p HTTP/1.1\r\nHost: "),
		EXPECT("Content-Length: 5\r\nContent-Type: text/plain\r\n"
		       "\r\nHello"),
		SEND(EMPTY),
		/* request_with_user_agent_header, request_with_headers */
		EXPECT("GET /h HTTP/1.1\r\nHost: example.org\r\n"
		       "User-Agent: me\r\nAccept-Encoding: x\r\nX-Y: z\r\n\r\n"),
		SEND(EMPTY),
		EXPECT("PUT / HTTP/1.1\r\n"),
		EXPECT("Content-Length: 0\r\n\r\n"),
		SEND(EMPTY),
		EXPECT("BREW / HTTP/1.1\r\n"),
		EXPECT("\r\n\r\n"),
		SEND(EMPTY),
		EXPECT("Authorization: Basic bWU6cGFzc3dvcmQ=\r\n"),
		EXPECT("\r\n\r\n"),
		SEND(EMPTY),
		END,
	};
	const struct heph_http_field field = { .name = "X-Y", .value = "z1", .value_size = 1, .name_size = 3 };
	const struct heph_http_fields copied = {
		(struct heph_http_field *)(uintptr_t)&field, 1, 1
	};
	peer_ref peer = peer_start(ctx, &script, steps);
	struct heph_http_client client = start(ctx);
	struct heph_http_reply *reply;
	char url[100];

	must_be(heph_http_post(ctx, client, at(&script, "/p"), "Hello", 5,
			       &reply, .content_type = "text/plain"),
		0);
	must_say(ctx, reply, 200, "");
	must_be(heph_http_get(ctx, client, at(&script, "/h"), &reply,
			      .copied = &copied,
			      .fields = HEPH_HTTP_FIELDS(
				      { "User-Agent", "me" },
				      { "Host", "example.org" },
				      { "Accept-Encoding", "x" })),
		0);
	must_say(ctx, reply, 200, "");
	must_be(heph_http_fetch(ctx, client, at(&script, "/"), &reply,
				.method = HEPH_HTTP_PUT),
		0);
	must_say(ctx, reply, 200, "");
	must_be(heph_http_fetch(ctx, client, at(&script, "/"), &reply,
				.method_name = "BREW"),
		0);
	must_say(ctx, reply, 200, "");
	snprintf(url, sizeof(url), "http://me:password@127.0.0.1:%u",
		 script.port);
	must_be(heph_http_get(ctx, client, url, &reply), 0);
	must_say(ctx, reply, 200, "");
	peer_end(ctx, peer, &script);
	must_be(script.connections, 1);
	return 0;
}

static void sends_what_was_said(void **state)
{
	run(send_requests, NULL);
}

static int ask_wrongly(heph_ctx ctx, act_inbox in, void *arg)
{
	static const char *const urls[] = {
		"",	       "x",	   "http://",	 "http://:80/",
		"http:///x",   "http://a b/", "http://a/b c", "http://a:0/",
		"http://a:65536/", "http://a:x/", "http://[::1/", "http://a/\r\nX: y",
		"/path",       "http://a\x80/",
	};
	static const struct heph_http_pair pairs[][2] = {
		{ { "X\r\n", "y" } },	       { { "X", "y\r\nZ: 1" } },
		{ { "", "y" } },	       { { "Content-Length", "1" } },
		{ { "Transfer-Encoding", "x" } }, { { "Connection", "close" } },
	};
	/* Of programs that did not know what is wrong here. */
	static const struct heph_http_fetch earlier = {
		.size = offsetof(struct heph_http_fetch, redirects),
		.redirects = 1000
	};
	static const struct heph_http_client_options earlier_client = {
		.size = offsetof(struct heph_http_client_options, proxy),
		.proxy = "ftp://a"
	};
	static const struct step steps[] = { ACCEPT, FOREVER, END };
	struct heph_http_client client = start(ctx), other;
	struct heph_http_reply *reply;
	peer_ref peer = peer_start(ctx, &script, steps);

	must_be(heph_http_client_start(ctx, &other, .proxy = "ftp://a"),
		-EINVAL);
	for (size_t n = 0; n < sizeof(urls) / sizeof(*urls); n++) {
		must_be(heph_http_get(ctx, client, urls[n], &reply,
				      .failure = &failure),
			-EINVAL);
		must_be(failure.phase, HEPH_HTTP_PHASE_URL);
		must_have(failure.text, "url");
	}
	must_be(heph_http_get(ctx, client, "ftp://a/", &reply),
		-EPROTONOSUPPORT);
	for (size_t n = 0; n < sizeof(pairs) / sizeof(*pairs); n++)
		must_be(heph_http_get(ctx, client, at(&script, "/"), &reply,
				      .fields = pairs[n]),
			-EINVAL);
	must_be(heph_http_fetch(ctx, client, at(&script, "/"), &reply,
				.method_name = "A B"),
		-EINVAL);
	must_be(heph_http_fetch(ctx, client, at(&script, "/"), &reply,
				.content_type = "a\nb"),
		-EINVAL);
	must_be(heph_http_fetch(ctx, client, at(&script, "/"), &reply,
				.redirects = 1000),
		-EINVAL);
	must_be(heph_http_raw_fetch(ctx, client, "http://127.0.0.1:1/",
				    &earlier, &reply),
		-ECONNREFUSED);
	must_be(heph_http_raw_client_start(ctx, &other, &earlier_client), 0);
	heph_http_client_stop(other);
	must_be(heph_http_get(ctx, client, "http://127.0.0.1:1/", &reply,
			      .failure = &failure),
		-ECONNREFUSED);
	must_be(strcmp(failure.text,
		       "connect 127.0.0.1:1: Connection refused"),
		0);
	must_be(heph_http_get(ctx, client, "http://[::1]:1/", &reply,
			      .failure = &failure),
		-ECONNREFUSED);
	must_have(failure.text, "connect [::1]:1: ");
	must_be_over(ctx, client);
	stop_and_join(ctx, (act_ref){ { .addr = peer.addr } });
	return 0;
}

static void refuses_what_cannot_be_asked(void **state)
{
	run(ask_wrongly, NULL);
}

/* ---- bodies that are sent ------------------------------------------------------------ */

static int send_bodies(heph_ctx ctx, act_inbox in, void *arg)
{
	static const struct step steps[] = {
		ACCEPT,
		EXPECT("POST /chunked HTTP/1.1\r\n"),
		EXPECT("Transfer-Encoding: chunked\r\n"),
		EXPECT("\r\n\r\n5\r\nHello\r\n7\r\n, World\r\n0\r\n\r\n"),
		SEND(EMPTY),
		EXPECT("POST /length HTTP/1.1\r\n"),
		EXPECT("Content-Length: 12\r\n"),
		EXPECT("\r\n\r\nHello, World"),
		SEND(EMPTY),
		EXPECT("Content-Length: 0\r\n"),
		EXPECT("\r\n\r\n"),
		SEND(EMPTY),
		EXPECT("\r\n\r\n0\r\n\r\n"),
		SEND(EMPTY),
		EXPECT("PUT /file HTTP/1.1\r\n"),
		EXPECT("Content-Length: 200000\r\n"),
		EXPECT("\r\n\r\n"),
		EXPECT("the end of the file"),
		SEND(EMPTY),
		END,
	};
	static const char *const paths[] = { "/chunked", "/length" };
	peer_ref peer = peer_start(ctx, &script, steps);
	struct heph_http_client client = start(ctx);
	struct heph_http_reply *reply;
	heph_fd file;

	for (int n = 0; n < 2; n++) {
		must_be(heph_http_fetch_begin(
				ctx, client, at(&script, paths[n]), &reply,
				.method = HEPH_HTTP_POST,
				.length = n ? 12 : HEPH_HTTP_UNKNOWN),
			0);
		must_be(heph_http_fetch_write(ctx, reply, "Hello", 5), 0);
		must_be(heph_http_fetch_write(ctx, reply, "", 0), 0);
		must_be(heph_http_fetch_write(ctx, reply, ", World", 7), 0);
		must_be(heph_http_fetch_end(ctx, reply), 0);
		must_be(heph_http_fetch_end(ctx, reply), -EALREADY);
		must_be(heph_http_fetch_write(ctx, reply, "x", 1), -EALREADY);
		must_say(ctx, reply, 200, "");
	}
	for (int n = 0; n < 2; n++) {
		must_be(heph_http_fetch_begin(
				ctx, client, at(&script, "/"), &reply,
				.method = HEPH_HTTP_POST,
				.length = n ? HEPH_HTTP_UNKNOWN : 0),
			0);
		must_be(heph_http_fetch_end(ctx, reply), 0);
		must_say(ctx, reply, 200, "");
	}
	must_be(heph_open_temporary(ctx, "/tmp", &file), 0);
	memset(large, 'x', sizeof(large));
	for (int n = 0; n < 5; n++)
		must_be(heph_write_all(ctx, file, large, 40000), 0);
	must_be(heph_write_exact_at(ctx, file, "the end of the file", 19,
				    200000 - 19, NULL),
		0);
	must_be(heph_http_fetch(ctx, client, at(&script, "/file"), &reply,
				.method = HEPH_HTTP_PUT, .file = file),
		0);
	must_say(ctx, reply, 200, "");
	peer_end(ctx, peer, &script);
	must_be(script.connections, 1);
	return 0;
}

static void sends_bodies_of_all_kinds(void **state)
{
	run(send_bodies, NULL);
}

static int write_wrongly(heph_ctx ctx, act_inbox in, void *arg)
{
	static const struct step steps[] = { ACCEPT, MUTE, ACCEPT, MUTE, END };
	peer_ref peer = peer_start(ctx, &script, steps);
	struct heph_http_client client = start(ctx);
	struct heph_http_reply *reply;

	for (int n = 0; n < 2; n++) {
		must_be(heph_http_fetch_begin(ctx, client, at(&script, "/"),
					      &reply, .method = HEPH_HTTP_PUT,
					      .length = 4),
			0);
		must_be(heph_http_fetch_write(ctx, reply, "ab", 2), 0);
		if (n)
			must_be(heph_http_fetch_write(ctx, reply, "cde", 3),
				-EMSGSIZE);
		else
			must_be(heph_http_fetch_end(ctx, reply), -ENODATA);
		must_be(heph_http_reply_failure(reply)->phase,
			HEPH_HTTP_PHASE_SEND);
		heph_http_reply_free(ctx, reply);
	}
	peer_end(ctx, peer, &script);
	must_be_over(ctx, client);
	return 0;
}

static void a_body_has_the_length_that_was_said(void **state)
{
	run(write_wrongly, NULL);
}

/* The server answers before it has read all, and reads no more. */
static int be_answered_early(heph_ctx ctx, act_inbox in, void *arg)
{
	static const struct step steps[] = {
		ACCEPT,
		EXPECT("\r\n\r\n"),
		SEND("HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno"),
		MUTE,
		ACCEPT,
		EXPECT("\r\n\r\n"),
		SEND("HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno"),
		MUTE,
		END,
	};
	peer_ref peer = peer_start(ctx, &script, steps);
	struct heph_http_client client = start(ctx);
	struct heph_http_reply *reply;
	size_t size = 50 << 20;
	char *body = calloc(1, size);
	int err, written = 0;

	must_be(heph_http_post(ctx, client, at(&script, "/"), body, size,
			       &reply),
		0);
	must_say(ctx, reply, 413, "no");
	must_be(heph_http_fetch_begin(ctx, client, at(&script, "/"), &reply,
				      .method = HEPH_HTTP_POST,
				      .length = HEPH_HTTP_UNKNOWN),
		0);
	do {
		err = heph_http_fetch_write(ctx, reply, body, 1 << 16);
	} while (err == 0 && ++written < 1000);
	must_be(err, -EALREADY);
	must_be(heph_http_fetch_end(ctx, reply), 0);
	must_say(ctx, reply, 413, "no");
	free(body);
	peer_end(ctx, peer, &script);
	must_be(script.connections, 2);
	return 0;
}

static void hears_an_early_answer(void **state)
{
	run(be_answered_early, NULL);
}

/* ---- 100-continue --------------------------------------------------------------------- */

static unsigned interims;

static void note_interim(heph_ctx ctx, struct heph_http_reply *reply, void *arg)
{
	must_be(reply->status, 103);
	must_be_text(heph_http_reply_field(reply, "Link"), "</x>");
	must(arg == &interims);
	interims++;
}

static int expect_continue(heph_ctx ctx, act_inbox in, void *arg)
{
	static const struct step steps[] = {
		ACCEPT,
		EXPECT("Expect: 100-continue\r\n\r\n"),
		SEND("HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"),
		SEND("HTTP/1.1 100 Continue\r\n\r\n"),
		EXPECT("Hello"),
		SEND(EMPTY),
		EXPECT("\r\n\r\n"), /* says nothing */
		EXPECT("Hello"),
		SEND(EMPTY),
		EXPECT("\r\n\r\n"), /* does not want it */
		SEND("HTTP/1.1 417 No\r\nContent-Length: 0\r\n\r\n"),
		MUTE,
		END,
	};
	static const heph_time patience[] = { 20 * HEPH_SEC, HEPH_MSEC,
					      20 * HEPH_SEC };
	peer_ref peer = peer_start(ctx, &script, steps);
	struct heph_http_client client = start(ctx);
	struct heph_http_reply *reply;

	interims = 0;
	for (int n = 0; n < 3; n++) {
		must_be(heph_http_post(ctx, client, at(&script, "/"), "Hello",
				       5, &reply, .expect = patience[n],
				       .interim = note_interim,
				       .interim_arg = &interims),
			0);
		must_say(ctx, reply, n < 2 ? 200 : 417, "");
	}
	must_be(interims, 1);
	peer_end(ctx, peer, &script);
	must(!strstr(script.got + script.matched, "Hello"));
	must_be(script.connections, 1);
	return 0;
}

static void waits_for_100_continue(void **state)
{
	run(expect_continue, NULL);
}

/* ---- bodies that come ------------------------------------------------------------------- */

static int read_bodies(heph_ctx ctx, act_inbox in, void *arg)
{
	static const struct step steps[] = {
		ACCEPT,
		EXPECT("\r\n\r\n"),
		SEND(OK "Content-Length: 10\r\n\r\n0123456789"),
		EXPECT("\r\n\r\n"),
		SEND(OK "Content-Length: 10\r\n\r\n0123456789"),
		EXPECT("\r\n\r\n"), /* after one that was not read */
		SEND(OK "Content-Length: 10\r\n\r\n0123456789"),
		EXPECT("\r\n\r\n"),
		/* gzip of "Hello" */
		{ .what = STEP_SEND,
		  .text = OK "Content-Length: 25\r\nContent-Encoding: gzip\r\n"
			     "\r\n\x1f\x8b\x08\0\0\0\0\0\0\x03"
			     "\xf3\x48\xcd\xc9\xc9\x07\0\x82\x89\xd1\xf7\x05\0\0",
		  .size = sizeof(OK "Content-Length: 25\r\nContent-Encoding: "
				    "gzip\r\n\r\n") -
			  1 + 25 },
		EXPECT("\r\n\r\n"),
		SEND(OK "Content-Encoding: gzip\r\nContent-Length: 3\r\n\r\nbad"),
		MUTE,
		END,
	};
	peer_ref peer = peer_start(ctx, &script, steps);
	struct heph_http_client client = start(ctx);
	struct heph_http_reply *reply;
	struct heph_str body;
	const char *view;
	char buf[4];

	must_be(heph_http_get(ctx, client, at(&script, "/"), &reply), 0);
	must_be(heph_http_reply_read(ctx, reply, buf, 4), 4);
	must(!memcmp(buf, "0123", 4));
	must_be(heph_http_reply_read(ctx, reply, buf, 0), 0);
	must_be(heph_http_reply_view(ctx, reply, &view), 6);
	must(!memcmp(view, "456789", 6));
	must_be(heph_http_reply_read(ctx, reply, buf, 4), 0);
	must_be(heph_http_reply_read(ctx, reply, buf, 4), 0);
	heph_http_reply_free(ctx, reply);

	must_be(heph_http_get(ctx, client, at(&script, "/"), &reply), 0);
	must_be(heph_http_reply_read_all(ctx, reply, 9, &body), -EMSGSIZE);
	heph_http_reply_free(ctx, reply);
	must_be(heph_http_get(ctx, client, at(&script, "/"), &reply,
			      .most = 10),
		0);
	must_say(ctx, reply, 200, "0123456789");
	must_be(heph_http_get(ctx, client, at(&script, "/"), &reply), 0);
	must_say(ctx, reply, 200, "Hello");
	must_be(heph_http_get(ctx, client, at(&script, "/"), &reply), 0);
	must_be(heph_http_reply_read_all(ctx, reply, 9, &body), -EBADMSG);
	must_be(heph_http_reply_read_all(ctx, reply, 9, &body), -EBADMSG);
	heph_http_reply_free(ctx, reply);
	heph_http_reply_free(ctx, NULL);
	peer_end(ctx, peer, &script);
	must_be(script.connections, 1);
	return 0;
}

static void reads_bodies_in_all_ways(void **state)
{
	run(read_bodies, NULL);
}

static int read_too_much(heph_ctx ctx, act_inbox in, void *arg)
{
	static const struct step steps[] = {
		ACCEPT,
		EXPECT("\r\n\r\n"),
		SEND(OK "Content-Length: 10\r\n\r\n0123456789"),
		MUTE,
		ACCEPT, /* half of a body that nobody wants */
		EXPECT("\r\n\r\n"),
		SEND(OK "Content-Length: 10\r\n\r\n01234"),
		MUTE,
		ACCEPT, /* something that nobody has asked for */
		EXPECT("\r\n\r\n"),
		SEND(EMPTY EMPTY),
		MUTE,
		ACCEPT, /* "Connection: close" */
		EXPECT("\r\n\r\n"),
		SEND(OK "Connection: close\r\nContent-Length: 2\r\n\r\nhi"),
		MUTE,
		END,
	};
	peer_ref peer = peer_start(ctx, &script, steps);
	struct heph_http_client client = start(ctx);
	struct heph_http_reply *reply;
	struct heph_str body;

	must_be(heph_http_get(ctx, client, at(&script, "/"), &reply, .most = 9),
		0);
	must_be(heph_http_reply_read_all(ctx, reply, 100, &body), -EMSGSIZE);
	heph_http_reply_free(ctx, reply);
	must_be(heph_http_get(ctx, client, at(&script, "/"), &reply), 0);
	heph_http_reply_free(ctx, reply);
	must_be(heph_http_get(ctx, client, at(&script, "/"), &reply), 0);
	must_say(ctx, reply, 200, "");
	must_be(heph_http_get(ctx, client, at(&script, "/"), &reply), 0);
	must_say(ctx, reply, 200, "hi");
	peer_end(ctx, peer, &script);
	must_be(script.connections, 4);
	must_be_over(ctx, client);
	return 0;
}

static void a_connection_that_cannot_be_used_again_is_closed(void **state)
{
	run(read_too_much, NULL);
}

/* ---- time ---------------------------------------------------------------------------------- */

static int take_too_long(heph_ctx ctx, act_inbox in, void *arg)
{
	static const struct step steps[] = {
		ACCEPT, EXPECT("\r\n\r\n"), MUTE,
		ACCEPT, EXPECT("\r\n\r\n"), SEND("HTTP/1.1 200"), MUTE,
		ACCEPT, EXPECT("\r\n\r\n"), SEND(FOUR "ab"), MUTE,
		END,
	};
	peer_ref peer = peer_start(ctx, &script, steps);
	struct heph_http_client client = start(ctx);
	struct heph_http_reply *reply;
	struct heph_str body;

	must_be(heph_http_get(heph_within(ctx, 5 * HEPH_MSEC), client,
			      at(&script, "/"), &reply, .failure = &failure),
		-ETIME);
	must_be(failure.phase, HEPH_HTTP_PHASE_HEAD);
	must_have(failure.text, "it took too long");
	must_be(heph_http_get(ctx, client, at(&script, "/"), &reply,
			      .times = { .head = 5 * HEPH_MSEC }),
		-ETIME);
	must_be(heph_http_get(ctx, client, at(&script, "/"), &reply,
			      .times = { .body = 5 * HEPH_MSEC }),
		0);
	must_be(heph_http_reply_read_all(ctx, reply, 10, &body), -ETIME);
	heph_http_reply_free(ctx, reply);
	peer_end(ctx, peer, &script);
	must_be_over(ctx, client);
	return 0;
}

static void each_part_has_its_time(void **state)
{
	run(take_too_long, NULL);
}

/* ---- other protocols ------------------------------------------------------------------------- */

static int change_protocol(heph_ctx ctx, act_inbox in, void *arg)
{
	static const struct step steps[] = {
		ACCEPT,
		EXPECT("Connection: Upgrade\r\nUpgrade: echo\r\n"),
		EXPECT("\r\n\r\n"),
		SEND("HTTP/1.1 101 Switching\r\nConnection: upgrade\r\n"
		     "Upgrade: echo\r\n\r\nhello"),
		EXPECT("good-bye"),
		SEND("bye"),
		CLOSE,
		ACCEPT,
		EXPECT("CONNECT 127.0.0.1:"),
		EXPECT("\r\n\r\n"),
		SEND("HTTP/1.1 200 OK\r\n\r\n"),
		EXPECT("good-bye"),
		SEND("bye"),
		CLOSE,
		END,
	};
	peer_ref peer = peer_start(ctx, &script, steps);
	struct heph_http_client client = start(ctx);
	struct heph_http_reply *reply;
	struct heph_stream stream;
	struct heph_str rest;
	char *data;

	for (int n = 0; n < 2; n++) {
		must_be(heph_http_fetch(
				ctx, client, at(&script, "/"), &reply,
				.method = n ? HEPH_HTTP_CONNECT : HEPH_HTTP_GET,
				.upgrade = n ? NULL : "echo"),
			0);
		must_be(reply->status, n ? 200 : 101);
		must_be(heph_http_reply_take(ctx, reply, &stream, &rest), 0);
		must_be_text(rest, n ? "" : "hello");
		must_be(heph_http_reply_take(ctx, reply, &stream, &rest),
			-EINVAL);
		heph_http_reply_free(ctx, reply);
		must_be(heph_write_all(ctx, stream.fd, "good-bye", 8), 0);
		must_be(heph_stream_read(ctx, &stream, &data), 3);
		heph_stream_close(ctx, &stream);
	}
	peer_end(ctx, peer, &script);
	must_be_over(ctx, client);
	return 0;
}

static void changes_to_another_protocol(void **state)
{
	run(change_protocol, NULL);
}

static int leave_tunnel(heph_ctx ctx, act_inbox in, void *arg)
{
	static const struct step steps[] = {
		ACCEPT, EXPECT("CONNECT 127.0.0.1:"), EXPECT("\r\n\r\n"),
		SEND("HTTP/1.1 200 OK\r\n\r\n"), MUTE,
		ACCEPT, EXPECT("Upgrade: echo\r\n"), EXPECT("\r\n\r\n"),
		SEND("HTTP/1.1 101 Switching\r\n\r\n"), MUTE,
		END,
	};
	peer_ref peer = peer_start(ctx, &script, steps);
	struct heph_http_client client = start(ctx);
	struct heph_http_reply *reply;

	must_be(heph_http_fetch(ctx, client, script.url, &reply,
				.method = HEPH_HTTP_CONNECT),
		0);
	must_say(ctx, reply, 200, "");
	/* To what has it changed? */
	must_be(heph_http_get(ctx, client, script.url, &reply,
			      .upgrade = "echo", .failure = &failure,
			      .times = { .head = 5 * HEPH_SEC }),
		-EBADMSG);
	must_be(failure.wrong, HEPH_HTTP_BAD_STATUS);
	peer_end(ctx, peer, &script);
	must_be_over(ctx, client);
	return 0;
}

static void a_tunnel_is_not_used_for_requests(void **state)
{
	run(leave_tunnel, NULL);
}

/* ---- by hand ----------------------------------------------------------------------------------- */

static int pipeline(heph_ctx ctx, act_inbox in, void *arg)
{
	static const struct step steps[] = {
		ACCEPT,
		EXPECT("GET /1 HTTP/1.1\r\n"),
		EXPECT("HEAD /2 HTTP/1.1\r\n"),
		EXPECT("POST /3 HTTP/1.1\r\n"),
		EXPECT("\r\n\r\nHello"),
		SEND(FOUR "1111" FOUR),
		SEND(CHUNKED "2\r\n33\r\n0\r\n\r\n"),
		EXPECT("OPTIONS * HTTP/1.1\r\n"),
		EXPECT("\r\n\r\n"),
		SEND(OK "Connection: close\r\nContent-Length: 1\r\n\r\n4"),
		CLOSE,
		END,
	};
	peer_ref peer = peer_start(ctx, &script, steps);
	struct heph_http_client_conn *conn;
	struct heph_http_reply *reply, *other;

	must_be(heph_http_client_conn_open(ctx, script.url, NULL, &conn), 0);
	must_be(heph_http_client_conn_receive(ctx, conn, &reply), -EINVAL);
	must_be(heph_http_client_conn_send(ctx, conn, "/1"), 0);
	must_be(heph_http_client_conn_send(ctx, conn, "/2",
					   .method = HEPH_HTTP_HEAD),
		0);
	must_be(heph_http_client_conn_send(ctx, conn, "/3",
					   .method = HEPH_HTTP_POST,
					   .body = "Hello", .body_size = 5),
		0);
	must_be(heph_http_client_conn_send(ctx, conn, "/ x"), -EINVAL);
	must_be(heph_http_client_conn_receive(ctx, conn, &reply), 0);
	must_be(reply->length, 4);
	must_be(heph_http_client_conn_receive(ctx, conn, &other), -EBUSY);
	heph_http_reply_free(ctx, reply); /* not read */
	must_be(heph_http_client_conn_receive(ctx, conn, &reply), 0);
	must_be(reply->length, 0);
	must_say(ctx, reply, 200, "");
	must_be(heph_http_client_conn_receive(ctx, conn, &reply), 0);
	must_say(ctx, reply, 200, "33");
	must_be(heph_http_client_conn_send(ctx, conn, "*",
					   .method = HEPH_HTTP_OPTIONS),
		0);
	must_be(heph_http_client_conn_receive(ctx, conn, &reply), 0);
	must_say(ctx, reply, 200, "4");
	must_be(heph_http_client_conn_send(ctx, conn, "/"), -EPIPE);
	must_be(heph_http_client_conn_receive(ctx, conn, &reply), -EINVAL);
	heph_http_client_conn_close(ctx, conn);
	heph_http_client_conn_close(ctx, NULL);
	must_be(heph_http_client_conn_open(
			ctx, "http://127.0.0.1:1",
			&(struct heph_http_fetch){
				.size = sizeof(struct heph_http_fetch),
				.failure = &failure },
			&conn),
		-ECONNREFUSED);
	must_have(failure.text, "connect 127.0.0.1:1");
	peer_end(ctx, peer, &script);
	return 0;
}

static void requests_can_be_pipelined_by_hand(void **state)
{
	run(pipeline, NULL);
}

/* What one request says holds for its response, not for those before. */
static int ask_differently(heph_ctx ctx, act_inbox in, void *arg)
{
	static const struct step steps[] = {
		ACCEPT, EXPECT("GET /2 HTTP/1.1\r\n"), EXPECT("\r\n\r\n"),
		SEND(FOUR "1111" FOUR "2222"), MUTE,
		ACCEPT, EXPECT("\r\n\r\n"), SEND("HTTP/1.1 nonsense\r\n\r\n"),
		MUTE, END,
	};
	peer_ref peer = peer_start(ctx, &script, steps);
	struct heph_http_client_conn *conn;
	struct heph_http_reply *reply;
	struct heph_str body;

	must_be(heph_http_client_conn_open(ctx, script.url, NULL, &conn), 0);
	must_be(heph_http_client_conn_send(ctx, conn, "/1"), 0);
	must_be(heph_http_client_conn_send(ctx, conn, "/2", .most = 3), 0);
	must_be(heph_http_client_conn_receive(ctx, conn, &reply), 0);
	must_say(ctx, reply, 200, "1111");
	must_be(heph_http_client_conn_receive(ctx, conn, &reply), 0);
	must_be(heph_http_reply_read_all(ctx, reply, 9, &body), -EMSGSIZE);
	heph_http_reply_free(ctx, reply);
	heph_http_client_conn_close(ctx, conn);

	must_be(heph_http_client_conn_open(ctx, script.url, NULL, &conn), 0);
	must_be(heph_http_client_conn_send(ctx, conn, "/", .failure = &failure),
		0);
	must_be(heph_http_client_conn_receive(ctx, conn, &reply), -EBADMSG);
	must_be(failure.err, -EBADMSG);
	must_be(failure.phase, HEPH_HTTP_PHASE_HEAD);
	must_have(failure.text, "response of 127.0.0.1:");
	heph_http_client_conn_close(ctx, conn);
	peer_end(ctx, peer, &script);
	return 0;
}

static void each_request_by_hand_has_its_options(void **state)
{
	run(ask_differently, NULL);
}

/* ---- both ways ----------------------------------------------------------------------- */

static void write_some(heph_ctx ctx, struct heph_http_reply *reply,
		       const char *text)
{
	int size = (int)strlen(text);

	must_be(heph_http_fetch_some(ctx, reply, text, strlen(text)), size);
}

static void hear_some(heph_ctx ctx, struct heph_http_reply *reply,
		      const char *text)
{
	const char *data;
	int n;

	must_be(heph_http_fetch_some(ctx, reply, "", 0), 0);
	n = heph_http_reply_view(ctx, reply, &data);
	must_be_text(heph_str_of(data, n > 0 ? (size_t)n : 0), text);
}

/* Neither side says more before it has heard the other one. */
static int talk(heph_ctx ctx, act_inbox in, void *arg)
{
	static const struct step steps[] = {
		ACCEPT,
		EXPECT("\r\n\r\n"),
		SEND("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"),
		EXPECT("3\r\none\r\n"),
		SEND("3\r\nONE\r\n"),
		EXPECT("3\r\ntwo\r\n"),
		SEND_BY("3\r\nTWO\r\n", 1),
		EXPECT("0\r\n\r\n"),
		SEND("4\r\ndone\r\n0\r\n\r\n"),
		/* The same connection. An answer that needs no more of the body. */
		EXPECT("\r\n\r\n"),
		SEND("HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n"),
		MUTE,
		/* It ends too early. */
		ACCEPT,
		EXPECT("\r\n\r\n"),
		SEND("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab"),
		CLOSE,
		/* More than is wanted. */
		ACCEPT,
		EXPECT("\r\n\r\n"),
		SEND("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n0123456789"),
		MUTE,
		/* It is gone in the midst. */
		ACCEPT,
		EXPECT("\r\n\r\n"),
		SEND("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nONE\r\n"),
		EXPECT("1\r\nx\r\n"),
		RESET,
		END,
	};
	peer_ref peer = peer_start(ctx, &script, steps);
	struct heph_http_client client = start(ctx);
	struct heph_http_reply *reply;
	const char *data;

	must_be(heph_http_fetch_begin(ctx, client, at(&script, "/"), &reply,
				      .method = HEPH_HTTP_POST,
				      .both_ways = true,
				      .length = HEPH_HTTP_UNKNOWN),
		0);
	must_be(heph_http_fetch_some(ctx, reply, "", 0), 0);
	must_be(reply->status, 200);
	write_some(ctx, reply, "one");
	hear_some(ctx, reply, "ONE");
	write_some(ctx, reply, "two");
	for (const char *c = "TWO"; *c; c++)
		hear_some(ctx, reply, ((char[]){ *c, '\0' }));
	must_be(heph_http_fetch_end(ctx, reply), 0);
	must_be(heph_http_fetch_end(ctx, reply), -EALREADY);
	must_be(heph_http_fetch_some(ctx, reply, "x", 1), -EALREADY);
	must_say(ctx, reply, 200, "done");

	must_be(heph_http_fetch_begin(ctx, client, at(&script, "/"), &reply,
				      .method = HEPH_HTTP_POST,
				      .both_ways = true, .length = 100),
		0);
	must(reply->reused);
	must_be(heph_http_fetch_some(ctx, reply, "", 0), 0);
	must_be(reply->status, 403);
	must_be(heph_http_fetch_some(ctx, reply, "x", 1), 0);
	must_be(heph_http_reply_view(ctx, reply, &data), 0);
	must_be(heph_http_fetch_some(ctx, reply, "x", 1), -EALREADY);
	must_be(heph_http_fetch_end(ctx, reply), 0);
	heph_http_reply_free(ctx, reply);

	must_be(heph_http_fetch_begin(ctx, client, at(&script, "/"), &reply,
				      .method = HEPH_HTTP_POST,
				      .both_ways = true, .length = 100),
		0);
	must_be(heph_http_fetch_some(ctx, reply, "", 0), 0);
	hear_some(ctx, reply, "ab");
	must_be(heph_http_fetch_some(ctx, reply, "", 0), 0);
	must_be(heph_http_reply_view(ctx, reply, &data), -ENODATA);
	heph_http_reply_free(ctx, reply);

	must_be(heph_http_fetch_begin(ctx, client, at(&script, "/"), &reply,
				      .method = HEPH_HTTP_POST, .most = 4,
				      .both_ways = true, .length = 100),
		0);
	must_be(heph_http_fetch_some(ctx, reply, "", 0), 0);
	must_be(heph_http_fetch_some(ctx, reply, "", 0), 0);
	must_be(heph_http_reply_view(ctx, reply, &data), -EMSGSIZE);
	heph_http_reply_free(ctx, reply);

	must_be(heph_http_fetch_begin(ctx, client, at(&script, "/"), &reply,
				      .method = HEPH_HTTP_POST,
				      .both_ways = true,
				      .length = HEPH_HTTP_UNKNOWN),
		0);
	must_be(heph_http_fetch_some(ctx, reply, "", 0), 0);
	hear_some(ctx, reply, "ONE");
	write_some(ctx, reply, "x");
	must_be(heph_http_fetch_some(ctx, reply, "", 0), -ECONNRESET);
	must_be(heph_http_fetch_end(ctx, reply), -ECONNRESET);
	must_be(heph_http_reply_view(ctx, reply, &data), -ECONNRESET);
	heph_http_reply_free(ctx, reply);

	peer_end(ctx, peer, &script);
	must_be_over(ctx, client);
	return 0;
}

static void both_sides_talk_at_once(void **state)
{
	run(talk, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gets_something),
		cmocka_unit_test(reads_all_responses_however_they_are_split),
		cmocka_unit_test(heads_have_limits),
		cmocka_unit_test(sends_what_was_said),
		cmocka_unit_test(refuses_what_cannot_be_asked),
		cmocka_unit_test(sends_bodies_of_all_kinds),
		cmocka_unit_test(a_body_has_the_length_that_was_said),
		cmocka_unit_test(hears_an_early_answer),
		cmocka_unit_test(waits_for_100_continue),
		cmocka_unit_test(reads_bodies_in_all_ways),
		cmocka_unit_test(a_connection_that_cannot_be_used_again_is_closed),
		cmocka_unit_test(each_part_has_its_time),
		cmocka_unit_test(changes_to_another_protocol),
		cmocka_unit_test(a_tunnel_is_not_used_for_requests),
		cmocka_unit_test(requests_can_be_pipelined_by_hand),
		cmocka_unit_test(each_request_by_hand_has_its_options),
		cmocka_unit_test(both_sides_talk_at_once),
	};

	return cmocka_run_group_tests_name("http_client", tests, NULL, NULL);
}
