/* SPDX-License-Identifier: MIT */
/*
 * transports.h - all transports, and a test with each of them
 *
 * A test is a function that an actor runs, with a struct world: what the server "shop"
 * and the client "web" have, in the real world and in a simulated one. Of the
 * environment: TEST_KIND is the one that is tried alone, TEST_NAMES tells which is
 * tried, TEST_SEED is the seed of the simulated ones.
 */
#ifndef TEST_TRANSPORTS_H
#define TEST_TRANSPORTS_H

#include "wires.h"

#if HEPH_NATS
#include "nats_server.h"

#include <heph/remote/nats.h>

#include <nats/nats.h>
#endif

#include <heph/remote/sim.h>
#include <heph/remote/tcp.h>
#include <heph/remote/udp.h>

#include <unistd.h>

#include "certs.h"

/* ---- the transports ---------------------------------------------------------------- */

struct kind {
	const char *name;
	void (*make)(struct net *net); /* NULL: by the actors of a runtime */
	bool real, simulated; /* it works in the real world, in a simulated one */
};

static void both(struct net *net, struct heph_transport *transport)
{
	net->server = transport;
	net->client = heph_transport_ref(transport);
}

static void make_sim(struct net *net)
{
	struct heph_transport *transport;

	must_be(heph_sim_net_new(&transport), 0);
	both(net, transport);
	net->where = "somewhere";
}

static void make_sim_slow(struct net *net)
{
	struct heph_transport *transport;

	must_be(heph_sim_net_new(&transport, .latency_min = HEPH_USEC,
				 .latency_max = HEPH_MSEC),
		0);
	both(net, transport);
	net->where = "somewhere";
}

static void make_sim_datagrams(struct net *net)
{
	struct heph_transport *transport;

	must_be(heph_sim_net_new(&transport, .datagrams = true,
				 .frame_max = 1400),
		0);
	both(net, transport);
	net->where = "somewhere";
}

static void make_plain(struct net *net, const char *where)
{
	struct heph_transport *transport;

	must_be(heph_tcp_plain_new(&transport, 0), 0);
	both(net, transport);
	net->where = where;
}

static void make_tcp(struct net *net)
{
	make_plain(net, "127.0.0.1:0");
}

static void make_tcp_far(struct net *net)
{
	make_plain(net, "10.0.0.2:0");
}

static void make_tcp6(struct net *net)
{
	make_plain(net, "[::1]:0");
}

static void make_unix(struct net *net)
{
	static char where[HEPH_WHERE_MAX];
	static unsigned number;

	snprintf(where, sizeof(where), "unix:@heph-test-%d-%u", (int)getpid(),
		 number++);
	make_plain(net, where);
}

static void make_udp_at(struct net *net, const char *where)
{
	struct heph_transport *transport;

	must_be(heph_udp_new(&transport,
			     .keys = (struct heph_udp_key[]){ { { 1 }, "" } },
			     .n_keys = 1),
		0);
	both(net, transport);
	net->where = where;
}

static void make_udp(struct net *net)
{
	make_udp_at(net, "127.0.0.1:0");
}

static void make_udp_far(struct net *net)
{
	make_udp_at(net, "10.0.0.2:0");
}

static void make_udp6(struct net *net)
{
	make_udp_at(net, "[::1]:0");
}

static void make_udp_plain(struct net *net)
{
	struct heph_transport *transport;

	must_be(heph_udp_plain_new(&transport, 0), 0);
	both(net, transport);
	net->where = "127.0.0.1:0";
}

/* Certificates of the two, made once. */
static struct made root_cert, shop_cert, web_cert;

static void make_certs(void)
{
	if (root_cert.cert)
		return;
	root_cert = make_cert(&(struct recipe){ .name = "root", .ca = true });
	shop_cert = make_cert(&(struct recipe){
		.name = "shop", .names = "DNS:shop", .issuer = &root_cert });
	web_cert = make_cert(&(struct recipe){
		.name = "web", .names = "DNS:web", .issuer = &root_cert });
}

static void free_certs(void)
{
	free_cert(&root_cert);
	free_cert(&shop_cert);
	free_cert(&web_cert);
}

static void make_tls_at(struct net *net, const char *where)
{
	make_certs();
	must_be(heph_tcp_tls_new(&net->server, .cert_pem = shop_cert.pem,
				 .ca_pem = root_cert.cert_pem),
		0);
	must_be(heph_tcp_tls_new(&net->client, .cert_pem = web_cert.pem,
				 .ca_pem = root_cert.cert_pem),
		0);
	net->where = where;
}

static void make_tls(struct net *net)
{
	make_tls_at(net, "127.0.0.1:0");
}

static void make_tls_far(struct net *net)
{
	make_tls_at(net, "10.0.0.2:0");
}

static const struct kind kinds[] = {
	{ "sim", make_sim, true, true },
	{ "sim, slow", make_sim_slow, true, true },
	{ "sim, datagrams", make_sim_datagrams, true, true },
	{ "tcp", make_tcp, true, false },
	{ "tcp, far", make_tcp_far, false, true },
	{ "tcp, v6", make_tcp6, true, true },
	{ "unix", make_unix, true, true },
	{ "tls", make_tls, true, false },
	{ "tls, far", make_tls_far, false, true },
#if HEPH_NATS
	{ "nats", NULL, true, false },
#endif
	{ "udp", make_udp, true, true },
	{ "udp, far", make_udp_far, false, true },
	{ "udp, v6", make_udp6, true, true },
	{ "udp, plain", make_udp_plain, true, true },
};

#if HEPH_NATS
static struct nats_server broker;

struct over_nats {
	struct world *world;
	act_fn *fn;
};

/* Each side has a connection of its own. */
static int over_nats(heph_ctx ctx, act_inbox in, void *arg)
{
	struct over_nats *over = arg;
	struct net *net = &over->world->net;
	heph_nats server, client;
	int err;

	must_be(heph_nats_connect(ctx, &server, .url = broker.url), 0);
	must_be(heph_nats_connect(ctx, &client, .url = broker.url), 0);
	must_be(heph_nats_transport_new(ctx, server, &net->server), 0);
	must_be(heph_nats_transport_new(ctx, client, &net->client), 0);
	net->where = "shop";
	strcpy(net->door, "shop");
	err = over->fn(ctx, in, over->world);
	free_net(net);
	*net = (struct net){ 0 };
	return err;
}

static void run_over_nats(act_fn *fn, struct world *world)
{
	struct over_nats over = { world, fn };

	run(over_nats, &over);
}

static void start_broker(void)
{
	nats_server_start(&broker);
}

static void end_broker(void)
{
	natsStatus status;

	nats_server_end(&broker);
	status = nats_CloseAndWait(10000);
	must(status == NATS_OK || status == NATS_NOT_INITIALIZED); /* not used */
}
#else
static void run_over_nats(act_fn *fn, struct world *world)
{
	(void)fn, (void)world;
}
static void start_broker(void)
{
}
static void end_broker(void)
{
}
#endif

/* ---- running a test with all of them -------------------------------------------------- */

static void run_kind(const struct kind *kind, act_fn *fn, bool simulated)
{
	struct world *world = calloc(1, sizeof(*world));
	const char *text = getenv("TEST_SEED");
	uint64_t seed = text ? strtoull(text, NULL, 10) : 1;

	must(world);
	if (getenv("TEST_NAMES"))
		fprintf(stderr, "%s%s\n", kind->name, simulated ? ", simulated" : "");
	if (kind->make)
		kind->make(&world->net);
	world->simulated = simulated;
	if (!kind->make)
		run_over_nats(fn, world);
	else if (simulated)
		must_be(heph_sim_run(seed, NULL, act, { fn, world }), 0);
	else
		run(fn, world);
	free_net(&world->net);
	free(world);
}

static void with_all(act_fn *fn)
{
	const char *only = getenv("TEST_KIND");

	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		if (only && strcmp(only, kinds[i].name) != 0)
			continue;
		if (kinds[i].real)
			run_kind(&kinds[i], fn, false);
		if (kinds[i].simulated)
			run_kind(&kinds[i], fn, true);
	}
}

/* For cmocka: before and after all tests. */
static int begin_all(void **state)
{
	(void)state;
	setenv("HEPH_LOG", "off", 0);
	start_broker();
	return 0;
}

static int end_all(void **state)
{
	(void)state;
	end_broker();
	free_certs();
	return 0;
}

#endif
