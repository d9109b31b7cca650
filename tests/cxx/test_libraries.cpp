/* SPDX-License-Identifier: MIT */
/* test_libraries.cpp - the headers of HTTP, TLS and remote, and macros with options */
#include "act.hpp"

#include <heph/http.h>
#include <heph/remote.h>
#include <heph/tls.h>

#include <cstring>
#include <memory>

using namespace std::chrono_literals;

/* ---- HTTP ---- */

static int hello(heph_ctx ctx, heph_http_request *req, heph_http_response *res)
{
	struct heph_str body;
	int err = heph_http_read_all(ctx, req, 1000, &body);

	if (err < 0)
		return err;
	heph_http_addf(res, "X-Path", "%.*s", HEPH_STR(req->path));
	if (body.size == 0)
		body = heph_str("Hello");
	return heph_http_send(ctx, res, body.data, body.size);
}

static int numbered(heph_ctx ctx, heph_http_request *req, heph_http_response *res)
{
	uint64_t id = heph_http_param_u64(req, "id");

	return heph_http_text(ctx, res, 200, std::to_string(id + 1).c_str());
}

static const struct heph_http_route items[] = {
	HEPH_HTTP_ROUTE("GET", "/{id:u64}", numbered),
};
static const struct heph_http_route routes[] = {
	HEPH_HTTP_ROUTE("GET POST", "/hello", hello,
			.around = HEPH_HTTP_AROUND(HEPH_HTTP_REQUEST_ID(.field = "X-Id"),
						   HEPH_HTTP_COMPRESS())),
	HEPH_HTTP_BY("GET", "/files/{path...}", HEPH_HTTP_STATIC("/nowhere", .index = "x.html")),
	HEPH_HTTP_MOUNT("/items", items),
};

/* Serves until it is stopped; tells its address. */
static int serve(heph_ctx ctx, heph_fd listener, heph_http_router *router)
{
	return router ? heph_http_serve_on(ctx, listener, .router = router) :
			heph_http_serve_on(ctx, listener, .handler = hello, .idle_time = 5 * HEPH_SEC);
}

static std::string begin(heph_ctx ctx, heph_ref *ret_server, heph_http_router *router)
{
	char address[HEPH_ADDRESS_MAX];
	heph_options options = {};
	heph_fd listener;

	must_be(heph_listen(ctx, "127.0.0.1:0", &listener), 0);
	must_be(heph_local_address(ctx, listener, address), 0);
	options.give = listener;
	must_be(heph_spawn_fn(ctx, ret_server,
			      [listener, router](heph_ctx ctx) { return serve(ctx, listener, router); },
			      options),
		0);
	return std::string("http://") + address;
}

static std::string answer_of(heph_ctx ctx, heph_http_reply *reply)
{
	struct heph_str body;

	must_be(heph_http_reply_read_all(ctx, reply, 1 << 20, &body), 0);
	std::string text(body.data, body.size);
	heph_http_reply_free(ctx, reply);
	return text;
}

static void servers_and_clients_of_http(void **)
{
	run([](heph_ctx ctx) {
		heph_ctx soon = heph_within(ctx, 20s);
		struct heph_http_client client;
		struct heph_http_reply *reply;
		heph_ref server;
		std::string url = begin(ctx, &server, nullptr);

		must_be(heph_http_client_start(ctx, &client, .per_host = 2), 0);
		must_be(heph_http_get(soon, client, (url + "/x").c_str(), &reply,
				      .fields = HEPH_HTTP_FIELDS({ "Accept", "text/plain" },
								 { "X-More", url.c_str() })),
			0);
		must_be(reply->status, 200);
		struct heph_str path = heph_http_reply_field(reply, "X-Path");
		must(std::string(path.data, path.size) == "/x");
		must(answer_of(soon, reply) == "Hello");
		must_be(heph_http_post(soon, client, (url + "/y").c_str(), "word", 4, &reply), 0);
		must(answer_of(soon, reply) == "word");
		heph_http_client_stop(client);
		heph_stop(server);
		return heph_join(ctx, server, nullptr);
	});
}

static void tables_of_routes(void **)
{
	run([](heph_ctx ctx) {
		heph_ctx soon = heph_within(ctx, 20s);
		struct heph_http_client client;
		struct heph_http_reply *reply;
		struct heph_http_router *router;
		heph_ref server;

		must_be(heph_http_router_new(routes, 1, &router), 0);
		heph_http_router_free(router);
		static const struct heph_http_route some[] = { routes[0], routes[2] };
		must_be(heph_http_router_new(some, 2, &router), 0);
		std::string url = begin(ctx, &server, router);

		must_be(heph_http_client_start(ctx, &client), 0);
		must_be(heph_http_get(soon, client, (url + "/items/41").c_str(), &reply), 0);
		must(answer_of(soon, reply) == "42");
		must_be(heph_http_get(soon, client, (url + "/hello").c_str(), &reply), 0);
		must(heph_http_reply_field(reply, "X-Id").size > 0);
		must(answer_of(soon, reply) == "Hello");
		heph_http_client_stop(client);
		heph_stop(server);
		must_be(heph_join(ctx, server, nullptr), 0);
		heph_http_router_free(router);
		return 0;
	});
}

/* ---- TLS, nodes, processes ---- */

static void tls_and_transports_are_made_and_freed(void **)
{
	heph_tls *tls;

	must_be(heph_tls_client_new(&tls, .verify = HEPH_TLS_VERIFY_NONE, .alpn = "http/1.1"), 0);
	std::unique_ptr<heph_tls, heph_cxx::freed_by<heph_tls_free>> held(tls);
	must_be(heph_tls_server_new(&tls, .cert = { "/nowhere.pem" }), -ENOENT);
	must_be(heph_tls_reload(held.get(), .ca_system = true, .verify = HEPH_TLS_VERIFY_REQUIRED), 0);
}

static void nodes_in_a_simulated_network(void **)
{
	run([](heph_ctx ctx) {
		heph_ctx soon = heph_within(ctx, 20s);
		struct heph_transport *net, *here, *there;
		heph_node shop, web;
		struct heph_peer_info peers[2];

		must_be(heph_sim_net_new(&net, .seed = 7), 0);
		must_be(heph_sim_net_at(net, "shop", &here), 0);
		must_be(heph_sim_net_at(net, "web", &there), 0);
		must_be(heph_node_start(ctx, &shop, .name = "shop"), 0);
		must_be(heph_node_start(ctx, &web, .name = "web"), 0);
		must_be(heph_node_listen(soon, shop, here, "shop:1", nullptr), 0);
		must_be(heph_node_connect(soon, web, there, "shop:1", "shop"), 0);
		must_be(heph_node_peers(soon, web, peers, 2), 1);
		must(std::strcmp(peers[0].name, "shop") == 0);
		must_be(heph_node_stop(soon, web), 0);
		must_be(heph_node_stop(soon, shop), 0);
		heph_transport_free(here);
		heph_transport_free(there);
		heph_transport_free(net);
		return 0;
	});
}

static void processes_have_options(void **)
{
	run([](heph_ctx ctx) {
		const char *const argv[] = { "/bin/sh", "-c", "exit 7", nullptr };
		struct heph_process process;
		struct heph_process_status status;

		must_be(heph_process_start(ctx, &process, argv, .directory = "/"), 0);
		must_be(heph_process_wait(heph_within(ctx, 20s), &process, &status), 0);
		must_be(status.code, 7);
		return 0;
	});
}

int main()
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(servers_and_clients_of_http),
		cmocka_unit_test(tables_of_routes),
		cmocka_unit_test(tls_and_transports_are_made_and_freed),
		cmocka_unit_test(nodes_in_a_simulated_network),
		cmocka_unit_test(processes_have_options),
	};

	return cmocka_run_group_tests(tests, nullptr, nullptr);
}
