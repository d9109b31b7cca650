/* SPDX-License-Identifier: MIT */
/* Cookies of a client, and the proxies that it goes through. */
#include "http_peer.h"

#define EMPTY "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n"

static struct script script, proxy;
static struct heph_http_failure failure;

/* ---- cookies ------------------------------------------------------------------------ */

static int keep_cookies(heph_ctx ctx, act_inbox in, void *arg)
{
	static const struct step steps[] = {
		ACCEPT, EXPECT("\r\n\r\n"),
		SEND(EMPTY "Set-Cookie: a=1\r\nSet-Cookie: b=2; Path=/x\r\n"
			   "Set-Cookie: c=3; Secure\r\n"
			   "Set-Cookie: d=4; Domain=example.org\r\n"
			   "Set-Cookie: __Host-e=5; Path=/\r\n"
			   "Set-Cookie: f=6; Max-Age=0\r\n"
			   "Set-Cookie: g=7; Max-Age=100\r\n\r\n"),
		EXPECT("GET / HTTP/1.1\r\n"), EXPECT("Cookie: a=1; g=7\r\n\r\n"),
		SEND(EMPTY "Set-Cookie: g=8; Max-Age=-1\r\n\r\n"),
		EXPECT("GET /x/y HTTP/1.1\r\n"),
		EXPECT("Cookie: b=2; a=1\r\n\r\n"), SEND(EMPTY "\r\n"),
		EXPECT("Cookie: mine\r\n"), EXPECT("\r\n\r\n"),
		SEND(EMPTY "\r\n"),
		EXPECT("GET /none"), EXPECT("\r\n\r\n"), SEND(EMPTY "\r\n"),
		/* A redirect that only sets one. */
		EXPECT("GET /again"), EXPECT("\r\n\r\n"),
		SEND("HTTP/1.1 302 Go\r\nLocation: /again\r\n"
		     "Set-Cookie: h=9\r\nContent-Length: 0\r\n\r\n"),
		EXPECT("GET /again"), EXPECT("Cookie: a=1; h=9\r\n\r\n"),
		SEND(EMPTY "\r\n"),
		END,
	};
	static const char *const paths[] = { "/", "/", "/x/y", "/mine", "/none",
					     "/again" };
	peer_ref peer = peer_start(ctx, &script, steps);
	static const struct heph_http_pair mine[] = { { "Cookie", "mine" },
						      { NULL, NULL } };
	struct heph_http_client client;
	struct heph_http_client_stats stats;
	struct heph_http_reply *reply;

	must_be(heph_http_client_start(ctx, &client, .cookies = true), 0);
	for (int n = 0; n < 6; n++) {
		must_be(heph_http_get(ctx, client, at(&script, paths[n]),
				      &reply, .no_cookies = n == 4,
				      .fields = n == 3 ? mine : NULL),
			0);
		must_say(ctx, reply, 200, "");
	}
	must_be(heph_http_client_stats(ctx, client, &stats), 0);
	must_be(stats.cookies_now, 3);
	peer_end(ctx, peer, &script);
	must(!strstr(strstr(script.got, "GET /none") + 5, "Cookie: b"));
	must_be(script.connections, 1);
	return 0;
}

static void cookies_are_kept_and_told(void **state)
{
	run(keep_cookies, NULL);
}

/* ---- proxies ------------------------------------------------------------------------- */

static int use_proxy(heph_ctx ctx, act_inbox in, void *arg)
{
	static const struct step steps[] = {
		ACCEPT,
		EXPECT("GET http://example.org/x HTTP/1.1\r\n"
		       "Host: example.org\r\n"),
		EXPECT("Proxy-Authorization: Basic bWU6cGFzc3dvcmQ=\r\n"),
		EXPECT("\r\n\r\n"), SEND(EMPTY "\r\n"),
		/* the same connection for another host */
		EXPECT("GET http://example.com:81/ HTTP/1.1\r\n"),
		EXPECT("\r\n\r\n"), SEND(EMPTY "\r\n"),
		MUTE,
		ACCEPT,
		EXPECT("CONNECT example.org:443 HTTP/1.1\r\n"
		       "Host: example.org:443\r\n"
		       "Proxy-Authorization: Basic bWU6cGFzc3dvcmQ=\r\n\r\n"),
		SEND("HTTP/1.1 407 Who?\r\nContent-Length: 0\r\n\r\n"), MUTE,
		ACCEPT, EXPECT("\r\n\r\n"), SEND("HTTP/1.1 200 OK\r\n\r\nextra"),
		MUTE,
		ACCEPT, EXPECT("\r\n\r\n"), CLOSE,
		END,
	};
	static const char *const whys[] = { "(407)", "more than it should",
					    "ended too early" };
	peer_ref peer = peer_start(ctx, &proxy, steps);
	struct heph_http_client client;
	struct heph_http_reply *reply;
	static char url[100];

	sprintf(url, "http://me:password@127.0.0.1:%u", proxy.port);
	must_be(heph_http_client_start(ctx, &client, .proxy = url,
				       .no_proxy = "localhost, .not.org",
				       .connections = 1),
		0);
	must_be(heph_http_get(ctx, client, "http://example.org/x", &reply), 0);
	must_say(ctx, reply, 200, "");
	must_be(heph_http_get(ctx, client, "http://example.com:81", &reply), 0);
	must_say(ctx, reply, 200, "");
	for (int n = 0; n < 3; n++) {
		must_be(heph_http_get(ctx, client, "https://example.org/",
				      &reply, .failure = &failure),
			n < 2 ? -ECONNREFUSED : -ENODATA);
		must_be(failure.phase, HEPH_HTTP_PHASE_PROXY);
		must_have(failure.text, "proxy to example.org:443: ");
		must_have(failure.text, whys[n]);
	}
	peer_end(ctx, peer, &proxy);
	return 0;
}

static void a_proxy_is_asked_for_others(void **state)
{
	run(use_proxy, NULL);
}

static int go_around(heph_ctx ctx, act_inbox in, void *arg)
{
	static const struct step steps[] = {
		ACCEPT, EXPECT("GET / HTTP/1.1\r\n"), EXPECT("\r\n\r\n"),
		SEND(EMPTY "\r\n"),
		EXPECT("GET / HTTP/1.1\r\n"), EXPECT("\r\n\r\n"),
		SEND(EMPTY "\r\n"),
		END,
	};
	peer_ref peer = peer_start(ctx, &script, steps);
	struct heph_http_client client;
	struct heph_http_reply *reply;

	must_be(heph_http_client_start(ctx, &client,
				       .proxy = "127.0.0.1:1",
				       .no_proxy = "x.org,127.0.0.1"),
		0);
	must_be(heph_http_get(ctx, client, script.url, &reply), 0);
	must_say(ctx, reply, 200, "");
	heph_http_client_stop(client);
	must_be(heph_http_client_start(ctx, &client, .proxy = "127.0.0.1:1"), 0);
	must_be(heph_http_get(ctx, client, script.url, &reply,
			      .failure = &failure),
		-ECONNREFUSED);
	must_have(failure.text, "connect 127.0.0.1:1: ");
	/* Through a proxy to an address: what would that be? */
	must_be(heph_http_get(ctx, client, script.url, &reply,
			      .proxy = "127.0.0.1:1", .address = script.address,
			      .failure = &failure),
		-EINVAL);
	must_be(failure.phase, HEPH_HTTP_PHASE_URL);
	must_be(heph_http_get(ctx, client, script.url, &reply, .proxy = "",
			      .address = "127.0.0.1:1"),
		-ECONNREFUSED);
	/* Another connection than the one before: that client has ended. */
	must_be(heph_http_client_start(ctx, &client, .proxy = "ftp://x"),
		-EINVAL);
	must_be(heph_http_client_start(ctx, &client, .user_agent = "a\nb"),
		-EINVAL);
	heph_stop(peer);
	must_be(heph_join(ctx, peer, NULL), 0);
	return 0;
}

static void some_hosts_are_asked_directly(void **state)
{
	run(go_around, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cookies_are_kept_and_told),
		cmocka_unit_test(a_proxy_is_asked_for_others),
		cmocka_unit_test(some_hosts_are_asked_directly),
	};

	return cmocka_run_group_tests_name("http_jar", tests, NULL, NULL);
}
