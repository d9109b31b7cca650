/* SPDX-License-Identifier: MIT */
/* Wires over encrypted datagrams: their keys, their limits, the networks below. */
#include "udp_scene.h"

#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- paths that carry less -------------------------------------------------------------------------- */

static int narrow(heph_ctx ctx, act_inbox in, void *arg)
{
	struct scene *scene = arg;
	struct net *net = &scene->world.net;
	const struct heph_transport_type *type = net->client->type;
	char *bytes = calloc(1, 3000);
	struct iovec frame = { bytes, 3000 };
	struct heph_wire *wire;
	act_ref server = serve_echo(ctx, &scene->world, HEPH_WORKER(1));
	const void *data;

	must(bytes);
	must_be(type->connect(ctx, net->client, net->door, &wire), 0);
	must_be(type->open(ctx, wire), 0);
	must_be(type->open_sender(ctx, wire), 0);
	must_be(type->send(ctx, wire, &frame, 1), -EMSGSIZE);
	frame.iov_len = 1400 - 28 - HEPH_UDP_OVERHEAD + 1;
	must_be(type->send(ctx, wire, &frame, 1), -EMSGSIZE);
	frame.iov_len--;
	must_be(type->send(ctx, wire, &frame, 1), 0);
	must_be(type->recv(ctx, wire, &data), frame.iov_len);
	type->close_sender(ctx, wire);
	type->close(ctx, wire);
	stop_and_join(ctx, server);
	free(bytes);
	return 0;
}

/* A network of its own, whose loopback carries 1400 bytes. */
static bool narrow_network(void)
{
	struct ifreq request = { .ifr_name = "lo" };
	int fd = -1;
	bool good = unshare(CLONE_NEWUSER | CLONE_NEWNET) == 0;

	if (good)
		fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return false;
	request.ifr_mtu = 1400;
	good = ioctl(fd, SIOCSIFMTU, &request) == 0 &&
	       ioctl(fd, SIOCGIFFLAGS, &request) == 0;
	request.ifr_flags |= IFF_UP;
	good = good && ioctl(fd, SIOCSIFFLAGS, &request) == 0;
	close(fd);
	return good;
}

static void run_narrow(void)
{
	struct scene *scene = calloc(1, sizeof(*scene));

	must(scene);
	must_be(heph_udp_new(&scene->world.net.server, .keys = one_key,
			     .n_keys = 1, .datagram = 4000),
		0);
	scene->world.net.client = heph_transport_ref(scene->world.net.server);
	scene->world.net.where = "127.0.0.1:0";
	run(narrow, scene);
	free_net(&scene->world.net);
	free(scene);
}

static void what_is_too_long_for_the_path_is_told(void **state)
{
	int status;
	pid_t pid = fork(); /* before threads */

	assert_true(pid >= 0);
	if (pid == 0) {
		alarm(100);
		if (!narrow_network())
			_exit(77);
		run_narrow();
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == 77)
		skip();
	assert_int_equal(status, 0);
}

/* ---- keys --------------------------------------------------------------------------------------- */

static const struct heph_udp_key two_keys[] = { { { 1 }, "" }, { { 2 }, "" } };
static const struct heph_udp_key new_key[] = { { { 2 }, "" } };

static int rotated(heph_ctx ctx, act_inbox in, void *arg)
{
	struct scene *scene = arg;
	struct net *net = &scene->world.net;
	struct end *end = &scene->world.end, old;
	uint64_t came;
	int n;

	begin_scene(ctx, scene);
	strcpy(net->door, scene->proxy.door);
	connect_end(ctx, net, &old);
	*end = old;
	must(ask(ctx, scene, 1, 50, 100));
	must_be(heph_udp_set_keys(net->server, two_keys, 2), 0);
	ask_once(ctx, scene, 2); /* not a frame is lost */
	must_be(heph_udp_set_keys(net->client, new_key, 1), 0);
	/* Ours was made with the one that is gone, and goes, too. */
	n = recv_number(ctx, &old, &came);
	must_be(n, -EKEYREVOKED);
	must_be(old.wire->type->recv(ctx, old.wire, &(const void *){ 0 }),
		-EKEYREVOKED);
	connect_end(ctx, net, end);
	must(ask(ctx, scene, 3, 50, 100));
	for (uint64_t i = 4; i < 40; i++) {
		if (i == 20)
			must_be(heph_udp_set_keys(net->server, new_key, 1), 0);
		ask_once(ctx, scene, i);
	}
	must_be(heph_udp_set_keys(net->server, NULL, 0), -EINVAL);
	ask_once(ctx, scene, 40);
	/* And at the door. */
	must_be(heph_udp_set_keys(net->server, one_key, 1), 0);
	must(!ask(ctx, scene, 41, 50, 1));
	close_end(ctx, end);
	close_end(ctx, &old);
	end_scene(ctx, scene);
	return 0;
}

static void keys_are_exchanged_without_loss(void **state)
{
	run_scene(rotated, one_key, 1);
}

static int strangers(heph_ctx ctx, act_inbox in, void *arg)
{
	struct scene *scene = arg;
	struct net *net = &scene->world.net;
	struct heph_wire *wire;

	begin_scene(ctx, scene);
	must_be(heph_udp_set_keys(net->client, new_key, 1), 0);
	must_be(net->client->type->connect(heph_within(ctx, 200 * HEPH_MSEC),
					   net->client, net->door, &wire),
		-ETIME);
	must(refused(net->server) >= 1);
	must_be(count_records(scene, false, 0), 0); /* not a word */
	end_scene(ctx, scene);
	return 0;
}

static void strangers_are_not_answered(void **state)
{
	run_scene(strangers, one_key, 1);
}

static int named(heph_ctx ctx, act_inbox in, void *arg)
{
	struct scene *scene = arg;
	struct net *net = &scene->world.net;
	const struct heph_udp_key here[] = { { { 7 }, "shop" },
					     { { 8 }, "web" } };
	const struct heph_udp_key there[] = { { { 8 }, "us" } };
	struct heph_wire *wire;

	must_be(heph_udp_set_keys(net->client, here, 2), 0);
	must_be(heph_udp_set_keys(net->server, there, 1), 0);
	begin_scene(ctx, scene);
	connect_end(ctx, net, &scene->world.end);
	wire = scene->world.end.wire;
	must_be(wire->trust, HEPH_TRUST_NAME);
	must_be(memcmp(wire->names, "web\0", 5), 0);
	must_be(strcmp(wire->where, scene->proxy.where), 0);
	must(ask(ctx, scene, 1, 50, 100));
	close_end(ctx, &scene->world.end);
	/* Somebody turns our own INIT round. */
	must_be(heph_udp_set_keys(net->server, here, 2), 0);
	must_be(net->server->type->connect(heph_within(ctx, 200 * HEPH_MSEC),
					   net->server, net->door, &wire),
		-ETIME);
	end_scene(ctx, scene);
	return 0;
}

static void a_key_says_who_the_peer_is(void **state)
{
	run_scene(named, one_key, 1);
}

static int the_last_of_many(heph_ctx ctx, act_inbox in, void *arg)
{
	struct scene *scene = arg;
	struct heph_udp_key many[20] = { 0 };

	for (int i = 0; i < 20; i++)
		many[i].key[0] = (uint8_t)(100 + i);
	many[19] = one_key[0];
	must_be(heph_udp_set_keys(scene->world.net.client, many, 20), 0);
	begin_scene(ctx, scene);
	connect_end(ctx, &scene->world.net, &scene->world.end);
	must_be(scene->world.end.wire->trust, HEPH_TRUST_KEY);
	must(ask(ctx, scene, 1, 50, 100));
	close_end(ctx, &scene->world.end);
	end_scene(ctx, scene);
	return 0;
}

static void all_keys_are_tried(void **state)
{
	run_scene(the_last_of_many, one_key, 1);
}

static int converse(heph_ctx ctx, act_inbox in, void *arg)
{
	struct scene *scene = arg;

	begin_scene(ctx, scene);
	connect_end(ctx, &scene->world.net, &scene->world.end);
	must(ask(ctx, scene, 1, 50, 100));
	close_end(ctx, &scene->world.end);
	end_scene(ctx, scene);
	return 0;
}

static void texts_are_keys(void **state)
{
	struct scene *scene = calloc(1, sizeof(*scene));

	must(scene);
	must_be(heph_udp_new(&scene->world.net.server, .secret = "a text"), 0);
	must_be(heph_udp_new(&scene->world.net.client, .secret = "a text"), 0);
	scene->world.net.where = "127.0.0.1:0";
	run(converse, scene);
	free_net(&scene->world.net);
	free(scene);
}

static void bad_settings_are_refused(void **state)
{
	const struct heph_udp_key zero[] = { { { 0 }, "" } };
	struct heph_transport *it = NULL;

	must_be(heph_udp_new(&it, .datagram = 1232), -EINVAL);
	must_be(heph_udp_new(&it, .keys = zero, .n_keys = 1), -EINVAL);
	must_be(heph_udp_new(&it, .secret = ""), -EINVAL);
	must_be(heph_udp_new(&it, .secret = "x", .keys = one_key, .n_keys = 1),
		-EINVAL);
	must_be(heph_udp_new(&it, .keys = one_key, .n_keys = 1,
			     .datagram = 255),
		-EINVAL);
	must_be(heph_udp_new(&it, .keys = one_key, .n_keys = 1,
			     .datagram = HEPH_UDP_DATAGRAM_MAX + 1),
		-EINVAL);
	must_be(heph_udp_new(&it, .keys = one_key, .n_keys = 1, .rekey = -1),
		-EINVAL);
	must_be(heph_udp_new(&it, .keys = one_key, .n_keys = 1,
			     .peers = (1 << 20) + 1),
		-EINVAL);
	must_be(heph_udp_plain_new(&it, 100), -EINVAL);
	must(!it);
	must_be(heph_udp_plain_new(&it, 256), 0);
	must_be(heph_udp_set_keys(it, one_key, 1), -EOPNOTSUPP);
	heph_transport_free(it);
}

/* ---- limits ------------------------------------------------------------------------------------- */

static int crowd(heph_ctx ctx, act_inbox in, void *arg)
{
	struct scene *scene = arg;
	struct net *net = &scene->world.net;
	struct end ends[3];
	struct heph_wire *wire;

	begin_scene(ctx, scene);
	connect_end(ctx, net, &ends[0]);
	connect_end(ctx, net, &ends[1]);
	must_be(net->client->type->connect(heph_within(ctx, 300 * HEPH_MSEC),
					   net->client, net->door, &wire),
		-ETIME);
	must(refused(net->server) >= 1);
	for (int i = 0; i < 2; i++) {
		scene->world.end = ends[i];
		must(ask(ctx, scene, 1, 50, 100));
	}
	close_end(ctx, &ends[1]);
	connect_end(ctx, net, &ends[2]);
	scene->world.end = ends[2];
	must(ask(ctx, scene, 1, 50, 100));
	close_end(ctx, &ends[0]);
	close_end(ctx, &ends[2]);
	end_scene(ctx, scene);
	return 0;
}

static void a_door_has_so_many_wires_and_no_more(void **state)
{
	struct scene *scene = calloc(1, sizeof(*scene));

	must(scene);
	must_be(heph_udp_new(&scene->world.net.server, .keys = one_key,
			     .n_keys = 1, .peers = 2),
		0);
	must_be(heph_udp_new(&scene->world.net.client, .keys = one_key,
			     .n_keys = 1),
		0);
	scene->world.net.where = "127.0.0.1:0";
	run(crowd, scene);
	free_net(&scene->world.net);
	free(scene);
}

/* A receiver that does not look: what is too much is dropped, and counted. */
static int lazy(heph_ctx ctx, act_inbox in, void *arg)
{
	struct heph_wire *wire = arg;

	must_be(wire->type->open(ctx, wire), 0);
	(void)!heph_sleep(ctx, HEPH_NEVER);
	wire->type->close(ctx, wire);
	return 0;
}

static int overflow(heph_ctx ctx, act_inbox in, void *arg)
{
	struct scene *scene = arg;
	struct world *world = &scene->world;

	world->serving = (struct serving){ .net = &world->net, .fn = lazy };
	scene->server = serve(ctx, &world->serving, HEPH_WORKER(1));
	connect_end(ctx, &world->net, &world->end);
	while (refused(world->net.server) < 100)
		for (int i = 0; i < 20; i++)
			must_be(send_number(ctx, &world->end, 1, 1000), 0);
	close_end(ctx, &world->end);
	stop_and_join(ctx, scene->server);
	return 0;
}

static void queues_are_bounded(void **state)
{
	run_scene(overflow, one_key, 1);
}

/* ---- who is not there ---------------------------------------------------------------------------- */

static int nobody(heph_ctx ctx, act_inbox in, void *arg)
{
	struct scene *scene = arg;
	struct net *net = &scene->world.net;
	const struct heph_transport_type *type = net->client->type;
	heph_time begun = heph_now();
	struct heph_wire *wire;
	struct heph_door *door;

	must_be(type->listen(ctx, net->server, "127.0.0.1:0", &door, net->door),
		0);
	must_be(type->connect(ctx, net->client, "nonsense", &wire), -EINVAL);
	must_be(type->connect(ctx, net->client, "unix:@x", &wire), -EINVAL);
	must_be(type->listen(ctx, net->server, "unix:@x", &door, net->door),
		-EINVAL);
	must_be(type->listen(ctx, net->server, net->door, &door, net->door),
		-EADDRINUSE);
	type->close_door(ctx, door);
	/* When its actor has closed the socket. */
	while (type->connect(heph_within(ctx, 100 * HEPH_MSEC), net->client,
			     net->door, &wire) != -ECONNREFUSED)
		must(heph_now() - begun < 20 * HEPH_SEC);
	must_be(type->connect(ctx, net->client, net->door, &wire),
		-ECONNREFUSED);
	return 0;
}

static void where_nobody_listens_is_refused_at_once(void **state)
{
	run_scene(nobody, one_key, 1);
}

/* The actor of a door that was closed has ended. */
static void until_free(heph_ctx ctx, const char *where)
{
	struct heph_address address;
	heph_fd fd;
	int err;

	must_be(heph_address_parse(&address, where), 0);
	do {
		must_be(heph_sleep(ctx, HEPH_MSEC), 0);
		must_be(heph_socket_open(ctx, AF_INET, SOCK_DGRAM, 0, &fd), 0);
		err = heph_socket_bind(ctx, fd, &address);
		must_be(heph_close_wait(ctx, fd), 0);
	} while (err == -EADDRINUSE);
	must_be(err, 0);
}

/* The other side begins anew, and knows nothing of the wire. */
static int restarted(heph_ctx ctx, act_inbox in, void *arg)
{
	struct scene *scene = arg;
	struct net *net = &scene->world.net;
	struct end old;

	scene->server = serve_echo(ctx, &scene->world, HEPH_WORKER(1));
	connect_end(ctx, net, &old);
	scene->world.end = old;
	must(ask(ctx, scene, 1, 50, 100));
	/* Its farewell goes nowhere: this one does not read it. */
	stop_and_join(ctx, scene->server);
	net->where = net->door;
	until_free(ctx, net->door);
	scene->server = serve_echo(ctx, &scene->world, HEPH_WORKER(1));
	must_be(send_number(ctx, &old, 2, 50), 0);
	until_refused(ctx, net->server, 1);
	connect_end(ctx, net, &scene->world.end);
	must(ask(ctx, scene, 3, 50, 100));
	close_end(ctx, &scene->world.end);
	close_end(ctx, &old);
	stop_and_join(ctx, scene->server);
	return 0;
}

static void one_that_was_restarted_is_connected_to_again(void **state)
{
	run_scene(restarted, one_key, 1);
}

/* ---- simulated networks ---------------------------------------------------------------------------- */

/* Datagrams are lost, doubled, and overtake each other; frames come once, if they do. */
static int over_a_bad_network(heph_ctx ctx, act_inbox in, void *arg)
{
	enum { N = 60 };
	struct scene *scene = arg;
	unsigned char *seen = calloc(1, N);
	uint64_t came;
	unsigned n = 0;
	int err;

	must(seen);
	scene->server = serve_echo(ctx, &scene->world, HEPH_WORKER(1));
	connect_end(ctx, &scene->world.net, &scene->world.end);
	for (uint64_t i = 0; i < N; i++)
		must_be(send_number(ctx, &scene->world.end, i, 20), 0);
	do {
		err = recv_number(heph_within(ctx, HEPH_SEC), &scene->world.end,
				  &came);
		if (err >= 0) {
			must(came < N);
			must_be(seen[came]++, 0);
			n++;
		}
	} while (err >= 0);
	must(n > N / 5);
	close_end(ctx, &scene->world.end);
	stop_and_join(ctx, scene->server);
	free(seen);
	return 0;
}

static void bad_networks_lose_frames_and_nothing_else(void **state)
{
	struct heph_sim_options options = {
		.faults = { .lost = 0.2,
			    .doubled = 0.2,
			    .late = 0.05,
			    .interrupted = 0.05,
			    .stall = 0.001 },
	};
	const char *text = getenv("TEST_SEED"), *many = getenv("TEST_SEEDS");
	uint64_t seed = text ? strtoull(text, NULL, 10) : 1;
	uint64_t n = many ? strtoull(many, NULL, 10) : text ? 1 : 40;

	setenv("HEPH_LOG", "off", 0);
	for (uint64_t end = seed + n; seed < end; seed++) {
		struct scene *scene = calloc(1, sizeof(*scene));

		must(scene);
		make_net(&scene->world.net, one_key, 1);
		scene->world.net.where = "10.0.0.2:0";
		must_be(heph_sim_run(seed, &options, act,
				     { over_a_bad_network, scene }),
			0);
		free_net(&scene->world.net);
		free(scene);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_too_long_for_the_path_is_told),
		cmocka_unit_test(keys_are_exchanged_without_loss),
		cmocka_unit_test(strangers_are_not_answered),
		cmocka_unit_test(a_key_says_who_the_peer_is),
		cmocka_unit_test(all_keys_are_tried),
		cmocka_unit_test(texts_are_keys),
		cmocka_unit_test(bad_settings_are_refused),
		cmocka_unit_test(a_door_has_so_many_wires_and_no_more),
		cmocka_unit_test(queues_are_bounded),
		cmocka_unit_test(where_nobody_listens_is_refused_at_once),
		cmocka_unit_test(one_that_was_restarted_is_connected_to_again),
		cmocka_unit_test(bad_networks_lose_frames_and_nothing_else),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
