/* SPDX-License-Identifier: MIT */
/* Where redirects lead, and what goes along. */
#include "http_peer.h"

#define EMPTY "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
#define TO(status_, where_)                                                    \
	"HTTP/1.1 " status_ " Go\r\nLocation: " where_                         \
	"\r\nContent-Length: 4\r\n\r\ngo!!"

static struct script script, other;
static struct heph_http_failure failure;

static struct heph_http_client start(heph_ctx ctx)
{
	struct heph_http_client client;

	must_be(heph_http_client_start(ctx, &client), 0);
	return client;
}

static int follow_all(heph_ctx ctx, act_inbox in, void *arg)
{
	static const struct step steps[] = {
		ACCEPT,
		EXPECT("POST /a/b?q HTTP/1.1\r\n"), EXPECT("\r\n\r\nx"),
		SEND(TO("301", "/c")),
		EXPECT("GET /c HTTP/1.1\r\n"), EXPECT("\r\n\r\n"),
		SEND(TO("302", "../d/./e?r#s")),
		EXPECT("GET /d/e?r HTTP/1.1\r\n"), EXPECT("\r\n\r\n"),
		SEND(TO("307", "?t")),
		EXPECT("GET /d/e?t HTTP/1.1\r\n"), EXPECT("\r\n\r\n"),
		SEND(EMPTY),
		/* 307 and 308 keep it all, 303 is a GET whatever it was */
		EXPECT("PUT /f HTTP/1.1\r\n"), EXPECT("\r\n\r\nx"),
		SEND(TO("307", "/g")),
		EXPECT("PUT /g HTTP/1.1\r\n"), EXPECT("Content-Type: a/b\r\n"),
		EXPECT("\r\n\r\nx"), SEND(TO("303", "h")),
		EXPECT("GET /h HTTP/1.1\r\n"), EXPECT("\r\n\r\n"),
		SEND(EMPTY),
		EXPECT("HEAD /i HTTP/1.1\r\n"), EXPECT("\r\n\r\n"),
		SEND("HTTP/1.1 303 Go\r\nLocation: /j\r\n\r\n"),
		EXPECT("HEAD /j HTTP/1.1\r\n"), EXPECT("\r\n\r\n"),
		SEND("HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n"),
		END,
	};
	peer_ref peer = peer_start(ctx, &script, steps);
	struct heph_http_client client = start(ctx);
	struct heph_http_reply *reply;

	must_be(heph_http_post(ctx, client, at(&script, "/a/b?q"), "x", 1,
			       &reply, .content_type = "a/b"),
		0);
	must_be(reply->redirects, 3);
	must_be_text(reply->url, at(&script, "/d/e?t"));
	must_say(ctx, reply, 200, "");
	must_be(heph_http_fetch(ctx, client, at(&script, "/f"), &reply,
				.method = HEPH_HTTP_PUT, .body = "x",
				.body_size = 1, .content_type = "a/b"),
		0);
	must_say(ctx, reply, 200, "");
	must(!strstr(strstr(script.got, "GET /h"), "Content-"));
	must_be(heph_http_fetch(ctx, client, at(&script, "/i"), &reply,
				.method = HEPH_HTTP_HEAD),
		0);
	must_say(ctx, reply, 200, "");
	peer_end(ctx, peer, &script);
	must_be(script.connections, 1); /* bodies of redirects are read */
	return 0;
}

static void redirects_are_followed(void **state)
{
	run(follow_all, NULL);
}

static int do_not_follow(heph_ctx ctx, act_inbox in, void *arg)
{
	static const struct step steps[] = {
		ACCEPT,
		EXPECT("\r\n\r\n"), SEND(TO("301", "/b")), /* not wanted */
		EXPECT("\r\n\r\n"), /* no Location */
		SEND("HTTP/1.1 301 Go\r\nContent-Length: 0\r\n\r\n"),
		EXPECT("\r\n\r\n"), SEND(TO("300", "/b")), /* none of them */
		END,
	};
	static const unsigned statuses[] = { 301, 301, 300 };
	peer_ref peer = peer_start(ctx, &script, steps);
	struct heph_http_client client = start(ctx);
	struct heph_http_reply *reply;

	for (int n = 0; n < 3; n++) {
		must_be(heph_http_get(ctx, client, script.url, &reply,
				      .redirects = n ? 0 :
						       HEPH_HTTP_NO_REDIRECTS),
			0);
		must_say(ctx, reply, statuses[n], n == 1 ? "" : "go!!");
	}
	peer_end(ctx, peer, &script);
	return 0;
}

static void some_redirects_are_not_followed(void **state)
{
	run(do_not_follow, NULL);
}

static int upload_and_follow(heph_ctx ctx, act_inbox in, void *arg)
{
	static const struct step steps[] = {
		ACCEPT,
		EXPECT("\r\n\r\n1\r\nx\r\n0\r\n\r\n"), /* cannot be repeated */
		SEND(TO("307", "/b")),
		EXPECT("\r\n\r\n1\r\nx\r\n0\r\n\r\n"), /* need not be */
		SEND(TO("303", "/b")),
		EXPECT("GET /b"), EXPECT("\r\n\r\n"), SEND(EMPTY),
		END,
	};
	peer_ref peer = peer_start(ctx, &script, steps);
	struct heph_http_client client = start(ctx);
	struct heph_http_reply *reply;

	for (int n = 0; n < 2; n++) {
		must_be(heph_http_fetch_begin(ctx, client, script.url, &reply,
					      .method = HEPH_HTTP_POST,
					      .length = HEPH_HTTP_UNKNOWN),
			0);
		must_be(heph_http_fetch_write(ctx, reply, "x", 1), 0);
		must_be(heph_http_fetch_end(ctx, reply), 0);
		must_say(ctx, reply, n ? 200 : 307, n ? "" : "go!!");
	}
	must(!strstr(strstr(script.got, "GET /b"), "Content-"));
	peer_end(ctx, peer, &script);
	return 0;
}

static void what_was_written_is_not_repeated(void **state)
{
	run(upload_and_follow, NULL);
}

/* A redirect to the other peer, which gets nothing that it must not know. */
static int keep_secrets(heph_ctx ctx, act_inbox in, void *arg)
{
	static char text[500];
	static struct step steps[] = {
		ACCEPT, EXPECT("Authorization: me\r\n"), EXPECT("\r\n\r\n"),
		SEND(TO("302", "/same")),
		EXPECT("GET /same"), EXPECT("Authorization: me\r\n"),
		EXPECT("\r\n\r\n"), SEND(text), END,
	};
	static struct step others[] = {
		ACCEPT, EXPECT("X-Y: z\r\n"), EXPECT("\r\n\r\n"), SEND(EMPTY),
		END,
	};
	peer_ref peer, another = peer_start(ctx, &other, others);
	struct heph_http_client client = start(ctx);
	struct heph_http_reply *reply;

	sprintf(text, "HTTP/1.1 302 Go\r\nLocation: %s/x\r\nContent-Length: 0\r\n\r\n",
		other.url);
	peer = peer_start(ctx, &script, steps);
	must_be(heph_http_get(ctx, client, script.url, &reply,
			      .fields = HEPH_HTTP_FIELDS(
				      { "Authorization", "me" },
				      { "Cookie", "a=b" }, { "X-Y", "z" })),
		0);
	must_be_text(reply->url, at(&other, "/x"));
	must_say(ctx, reply, 200, "");
	must(!strstr(other.got, "Authorization") && !strstr(other.got, "Cookie"));
	peer_end(ctx, peer, &script);
	peer_end(ctx, another, &other);
	return 0;
}

static void credentials_stay_with_their_origin(void **state)
{
	run(keep_secrets, NULL);
}

/* Where to connect to was said of one host alone. */
static int leave_address(heph_ctx ctx, act_inbox in, void *arg)
{
	static char text[500];
	static struct step steps[] = {
		ACCEPT, EXPECT("Host: example.org\r\n"), EXPECT("\r\n\r\n"),
		SEND(TO("302", "/same")),
		EXPECT("GET /same"), EXPECT("\r\n\r\n"), SEND(text), MUTE,
		END,
	};
	static struct step others[] = {
		ACCEPT, EXPECT("GET /x"), EXPECT("\r\n\r\n"), SEND(EMPTY),
		END,
	};
	peer_ref peer, another = peer_start(ctx, &other, others);
	struct heph_http_client client = start(ctx);
	struct heph_http_reply *reply;

	sprintf(text,
		"HTTP/1.1 302 Go\r\nLocation: %s/x\r\n"
		"Content-Length: 0\r\nConnection: close\r\n\r\n",
		other.url);
	peer = peer_start(ctx, &script, steps);
	must_be(heph_http_get(ctx, client, "http://example.org/", &reply,
			      .address = script.address,
			      .times = { .head = 5 * HEPH_SEC }),
		0);
	must_say(ctx, reply, 200, "");
	peer_end(ctx, peer, &script);
	peer_end(ctx, another, &other);
	return 0;
}

static void an_address_stays_with_its_origin(void **state)
{
	run(leave_address, NULL);
}

/* What a redirect says is not part of the response. */
static int forget_body(heph_ctx ctx, act_inbox in, void *arg)
{
	static const struct step steps[] = {
		ACCEPT, EXPECT("\r\n\r\n"),
		SEND("HTTP/1.1 302 Go\r\nLocation: /b\r\n"
		     "Transfer-Encoding: chunked\r\n\r\n"
		     "4\r\ngo!!\r\n0\r\nX-First: 1\r\n\r\n"),
		EXPECT("GET /b"), EXPECT("\r\n\r\n"),
		SEND("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
		     "4\r\nhere\r\n0\r\nX: 2\r\n\r\n"),
		EXPECT("\r\n\r\n"),
		SEND("HTTP/1.1 302 Go\r\nLocation: /c\r\n"
		     "Transfer-Encoding: chunked\r\n\r\n"
		     "0\r\nX-First: 1\r\n\r\n"),
		EXPECT("GET /c"), EXPECT("\r\n\r\n"), SEND(EMPTY),
		END,
	};
	peer_ref peer = peer_start(ctx, &script, steps);
	struct heph_http_client client = start(ctx);
	const struct heph_http_fields *trailers;
	struct heph_http_reply *reply;
	struct heph_str body;

	must_be(heph_http_get(ctx, client, script.url, &reply, .most = 5), 0);
	must_be(heph_http_reply_read_all(ctx, reply, 5, &body), 0);
	must_be_text(body, "here");
	trailers = heph_http_reply_trailers(reply);
	must_be(trailers->n, 1);
	must_be_text(heph_http_field_name(&trailers->at[0]), "X");
	heph_http_reply_free(ctx, reply);
	must_be(heph_http_get(ctx, client, script.url, &reply), 0);
	must_be(heph_http_reply_trailers(reply)->n, 0);
	must_say(ctx, reply, 200, "");
	peer_end(ctx, peer, &script);
	return 0;
}

static void nothing_is_left_of_a_redirect(void **state)
{
	run(forget_body, NULL);
}

/* Its body takes longer than anybody wants to wait for it. */
static int skip_slow_body(heph_ctx ctx, act_inbox in, void *arg)
{
	static const struct step steps[] = {
		ACCEPT, EXPECT("\r\n\r\n"),
		SEND("HTTP/1.1 302 Go\r\nLocation: /b\r\n"
		     "Content-Length: 4\r\n\r\ngo"),
		MUTE,
		ACCEPT, EXPECT("GET /b"), EXPECT("\r\n\r\n"), SEND(EMPTY),
		END,
	};
	peer_ref peer = peer_start(ctx, &script, steps);
	struct heph_http_client client = start(ctx);
	struct heph_http_reply *reply;

	must_be(heph_http_get(heph_within(ctx, 8 * HEPH_SEC), client,
			      script.url, &reply),
		0);
	must_say(ctx, reply, 200, "");
	peer_end(ctx, peer, &script);
	return 0;
}

static void the_body_of_a_redirect_is_not_waited_for(void **state)
{
	run(skip_slow_body, NULL);
}

static int go_nowhere(heph_ctx ctx, act_inbox in, void *arg)
{
	static const struct step steps[] = {
		ACCEPT, EXPECT("\r\n\r\n"), SEND(TO("302", "/x")), /* a circle */
		EXPECT("GET /x"), EXPECT("\r\n\r\n"), SEND(TO("302", "/")),
		ACCEPT, EXPECT("\r\n\r\n"), SEND(TO("302", "1")), /* too many */
		EXPECT("\r\n\r\n"), SEND(TO("302", "2")),
		EXPECT("\r\n\r\n"), SEND(TO("302", "3")),
		ACCEPT, EXPECT("\r\n\r\n"), SEND(TO("302", "ftp://a/")),
		ACCEPT, EXPECT("\r\n\r\n"), SEND(TO("302", "http://")),
		ACCEPT, EXPECT("\r\n\r\n"), SEND(TO("302", "http://127.0.0.1:1/")),
		END,
	};
	static const int errs[] = { -ELOOP, -ELOOP, -EPROTONOSUPPORT, -EBADMSG,
				    -ECONNREFUSED };
	static const char *const texts[] = { "redirect by 127.", "redirect by",
					     "redirect by", "redirect by",
					     "connect 127.0.0.1:1: " };
	peer_ref peer = peer_start(ctx, &script, steps);
	struct heph_http_client client = start(ctx);
	struct heph_http_reply *reply;

	for (int n = 0; n < 5; n++) {
		must_be(heph_http_get(ctx, client, at(&script, "/"), &reply,
				      .redirects = n == 1 ? 2 : 0,
				      .failure = &failure),
			errs[n]);
		must_have(failure.text, texts[n]);
	}
	peer_end(ctx, peer, &script);
	return 0;
}

static void redirects_that_lead_nowhere_fail(void **state)
{
	run(go_nowhere, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(redirects_are_followed),
		cmocka_unit_test(some_redirects_are_not_followed),
		cmocka_unit_test(what_was_written_is_not_repeated),
		cmocka_unit_test(credentials_stay_with_their_origin),
		cmocka_unit_test(an_address_stays_with_its_origin),
		cmocka_unit_test(nothing_is_left_of_a_redirect),
		cmocka_unit_test(the_body_of_a_redirect_is_not_waited_for),
		cmocka_unit_test(redirects_that_lead_nowhere_fail),
	};

	return cmocka_run_group_tests_name("http_redirect", tests, NULL, NULL);
}
