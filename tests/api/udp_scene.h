/* SPDX-License-Identifier: MIT */
/*
 * udp_scene.h - wires over encrypted datagrams, with somebody in between: a proxy
 * that records, alters, repeats, exchanges and redirects what passes
 */
#ifndef TEST_UDP_SCENE_H
#define TEST_UDP_SCENE_H

#include "wires.h"

#include <heph/remote/udp.h>
#include <heph/socket.h>
#include <heph/socket_msg.h>

enum { RECORDED = 8000, LONGEST = 2048 };
enum { INIT = 1, ACCEPT, CONFIRM, DONE }; /* types of datagrams */
enum { REPEAT = 100 }; /* asks the proxy to send all once more */

/* ---- somebody in between ------------------------------------------------------------- */

enum mode {
	HONEST,
	CHAOS,  /* alters, repeats, exchanges; what was sent passes as well */
	MIRROR, /* and sends all back as well */
	MOVE,   /* comes from another address, from the next one on */
	LOSE_DONE, /* the first one of the door */
};

struct record {
	size_t size;
	bool up; /* to the door */
	unsigned char data[];
};

struct proxy {
	char door[HEPH_WHERE_MAX], where[HEPH_WHERE_MAX];
	struct heph_address client;
	heph_fd front, back;
	enum mode mode;
	uint64_t seed;
	struct record *records[RECORDED];
	unsigned n;
	unsigned char buf[LONGEST];
};

UNUSED static unsigned draw(struct proxy *proxy, unsigned n)
{
	proxy->seed = proxy->seed * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(proxy->seed >> 33) % n;
}

UNUSED static struct record *record(struct proxy *proxy, bool up, int n)
{
	struct record *it = malloc(sizeof(*it) + (size_t)n);

	must(it && proxy->n < RECORDED);
	it->size = (size_t)n;
	it->up = up;
	memcpy(it->data, proxy->buf, (size_t)n);
	proxy->records[proxy->n++] = it;
	return it;
}

UNUSED static void pass(heph_ctx ctx, struct proxy *proxy, bool up,
			const void *data, size_t size)
{
	int n = up ? heph_socket_send(ctx, proxy->back, data, size, 0) :
		     heph_socket_send_to(ctx, proxy->front, data, size, 0,
					 &proxy->client);

	must(n >= 0 || n == -ECONNREFUSED || n == -ECANCELED);
}

/* Altered, cut, made longer. */
UNUSED static void pass_damaged(heph_ctx ctx, struct proxy *proxy,
				const struct record *it)
{
	unsigned char *data = malloc(it->size + 1);
	unsigned at = draw(proxy, (unsigned)it->size);

	must(data);
	memcpy(data, it->data, it->size);
	data[it->size] = 0;
	data[at] ^= (unsigned char)(1 << draw(proxy, 8));
	pass(ctx, proxy, it->up, data, it->size);
	data[at] = it->data[at];
	pass(ctx, proxy, it->up, data, draw(proxy, (unsigned)it->size));
	pass(ctx, proxy, it->up, data, it->size + 1);
	free(data);
}

UNUSED static void make_chaos(heph_ctx ctx, struct proxy *proxy,
			      const struct record *it)
{
	const struct record *old = proxy->records[draw(proxy, proxy->n)];

	pass_damaged(ctx, proxy, it);
	pass(ctx, proxy, it->up, it->data, it->size);
	pass(ctx, proxy, it->up, it->data, it->size);
	pass(ctx, proxy, old->up, old->data, old->size);
	pass(ctx, proxy, !old->up, old->data, old->size);
}

UNUSED static void go_elsewhere(heph_ctx ctx, struct proxy *proxy)
{
	struct heph_address door;

	heph_close(proxy->back);
	must_be(heph_address_parse(&door, proxy->door), 0);
	must_be(heph_socket_open(ctx, AF_INET, SOCK_DGRAM, 0, &proxy->back), 0);
	must_be(heph_socket_connect(ctx, proxy->back, &door), 0);
}

UNUSED static void on_datagram(heph_ctx ctx, struct proxy *proxy, bool up,
			       int n)
{
	struct record *it;

	if (n <= 0)
		return;
	it = record(proxy, up, n);
	if (proxy->mode == CHAOS) {
		make_chaos(ctx, proxy, it);
		return;
	}
	if (proxy->mode == MOVE && up) {
		proxy->mode = HONEST;
		go_elsewhere(ctx, proxy);
	}
	if (proxy->mode == LOSE_DONE && !up && it->data[0] == DONE) {
		proxy->mode = HONEST;
		return;
	}
	if (proxy->mode == MIRROR)
		pass(ctx, proxy, !up, it->data, it->size);
	pass(ctx, proxy, up, it->data, it->size);
}

/* Both directions, until there is nothing. */
UNUSED static void pass_all(heph_ctx ctx, struct proxy *proxy)
{
	struct heph_address from;
	int n, m;

	do {
		n = heph_socket_recv_from(ctx, proxy->front, proxy->buf,
					  LONGEST, MSG_DONTWAIT, &from);
		if (n > 0)
			proxy->client = from;
		on_datagram(ctx, proxy, true, n);
		m = heph_socket_recv(ctx, proxy->back, proxy->buf, LONGEST,
				     MSG_DONTWAIT);
		on_datagram(ctx, proxy, false, m);
	} while (n >= 0 || m >= 0);
}

UNUSED static void pass_again(heph_ctx ctx, struct proxy *proxy)
{
	for (unsigned i = 0, n = proxy->n; i < n; i++)
		if (proxy->records[i]->up)
			pass(ctx, proxy, true, proxy->records[i]->data,
			     proxy->records[i]->size);
}

UNUSED static int proxy_main(heph_ctx ctx, act_inbox in, void *arg)
{
	enum { FRONT, BACK, MSG };
	struct proxy *proxy = arg;
	struct heph_address any;
	struct act_msg msg;
	int n = 0;

	must_be(heph_address_parse(&any, "127.0.0.1:0"), 0);
	must_be(heph_socket_open(ctx, AF_INET, SOCK_DGRAM, 0, &proxy->front),
		0);
	must_be(heph_socket_bind(ctx, proxy->front, &any), 0);
	must_be(heph_local_address(ctx, proxy->front, proxy->where), 0);
	must_be(heph_socket_open(ctx, AF_INET, SOCK_DGRAM, 0, &proxy->back), 0);
	go_elsewhere(ctx, proxy);
	while (n >= 0) {
		pass_all(ctx, proxy);
		n = heph_wait(ctx, [FRONT] = heph_on_readable(proxy->front),
			      [BACK] = heph_on_readable(proxy->back),
			      [MSG] = heph_on_msg(in, &msg));
		if (n == MSG && msg.n == REPEAT)
			pass_again(ctx, proxy);
		if (n == MSG)
			heph_answer(msg.answer, msg.n + 1);
	}
	return n;
}

/* ---- a world with it ------------------------------------------------------------------- */

struct scene {
	struct world world;
	struct proxy proxy;
	act_ref server, between;
	unsigned accepted;
};

UNUSED static const struct heph_udp_key one_key[] = { { { 1 }, "" } };

UNUSED static void make_net(struct net *net, const struct heph_udp_key *keys,
			    size_t n)
{
	must_be(heph_udp_new(&net->server, .keys = keys, .n_keys = n), 0);
	must_be(heph_udp_new(&net->client, .keys = keys, .n_keys = n), 0);
	net->where = "127.0.0.1:0";
}

/* The client goes by way of the proxy. */
UNUSED static void begin_scene(heph_ctx ctx, struct scene *scene)
{
	struct net *net = &scene->world.net;

	scene->server = serve_echo(ctx, &scene->world, HEPH_WORKER(1));
	strcpy(scene->proxy.door, net->door);
	scene->between = spawn_on(ctx, HEPH_HERE, proxy_main, &scene->proxy);
	sync_with(ctx, scene->between);
	strcpy(net->door, scene->proxy.where);
}

UNUSED static void end_scene(heph_ctx ctx, struct scene *scene)
{
	stop_and_join(ctx, scene->between);
	stop_and_join(ctx, scene->server);
	for (unsigned i = 0; i < scene->proxy.n; i++)
		free(scene->proxy.records[i]);
	scene->proxy.n = 0;
}

/* Sends a number until its echo is there, or, with a bound, so often. */
UNUSED static bool ask(heph_ctx ctx, struct scene *scene, uint64_t number,
		       size_t size, int most)
{
	uint64_t came = UINT64_MAX;

	for (int i = 0; i < most; i++) {
		must_be(send_number(ctx, &scene->world.end, number, size), 0);
		while (came != number &&
		       recv_number(heph_within(ctx, 100 * HEPH_MSEC),
				   &scene->world.end, &came) >= 0)
			;
		if (came == number)
			return true;
	}
	return false;
}

/* The frame and its echo arrive at the first attempt. */
UNUSED static void ask_once(heph_ctx ctx, struct scene *scene, uint64_t number)
{
	uint64_t came;

	must_be(send_number(ctx, &scene->world.end, number, 50), 0);
	must(recv_number(heph_within(ctx, 10 * HEPH_SEC), &scene->world.end,
			 &came) >= 0);
	must_be(came, number);
}

UNUSED static uint64_t refused(struct heph_transport *transport)
{
	struct heph_udp_stats stats;

	heph_udp_stats(transport, &stats);
	return stats.forged + stats.replayed + stats.strange + stats.full;
}

UNUSED static void run_scene(act_fn *fn, const struct heph_udp_key *keys,
			     size_t n)
{
	struct scene *scene = calloc(1, sizeof(*scene));

	must(scene);
	make_net(&scene->world.net, keys, n);
	run(fn, scene);
	free_net(&scene->world.net);
	free(scene);
}

/* ---- a server that counts its wires ---------------------------------------------- */

UNUSED static int count_wires(heph_ctx ctx, act_inbox in, void *arg)
{
	struct scene *scene = arg;
	struct net *net = &scene->world.net;
	const struct heph_transport_type *type = net->server->type;
	struct heph_wire *wire;
	struct heph_door *door;
	struct act_msg msg;
	int err;

	must_be(type->listen(ctx, net->server, net->where, &door, net->door),
		0);
	must_be(heph_recv(ctx, in, &msg), 0);
	heph_answer(msg.answer, msg.n + 1);
	while ((err = type->accept(ctx, door, &wire)) == 0) {
		scene->accepted++;
		must_be(heph_spawn(ctx, act, NULL, { echo, wire }), 0);
	}
	type->close_door(ctx, door);
	return err;
}

UNUSED static void begin_counted(heph_ctx ctx, struct scene *scene)
{
	struct net *net = &scene->world.net;

	scene->server = spawn_on(ctx, HEPH_WORKER(1), count_wires, scene);
	sync_with(ctx, scene->server);
	strcpy(scene->proxy.door, net->door);
	scene->between = spawn_on(ctx, HEPH_HERE, proxy_main, &scene->proxy);
	sync_with(ctx, scene->between);
	strcpy(net->door, scene->proxy.where);
}

UNUSED static void until_refused(heph_ctx ctx, struct heph_transport *transport,
				 uint64_t n)
{
	while (refused(transport) < n)
		must_be(heph_sleep(ctx, HEPH_MSEC), 0);
}

UNUSED static unsigned count_records(const struct scene *scene, bool up,
				     int type)
{
	unsigned n = 0;

	for (unsigned i = 0; i < scene->proxy.n; i++)
		n += scene->proxy.records[i]->up == up &&
		     (!type || scene->proxy.records[i]->data[0] == type);
	return n;
}

#endif
