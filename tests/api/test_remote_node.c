/* SPDX-License-Identifier: MIT */
/*
 * Nodes and their connections: who finds whom, and what becomes of it. Most of it
 * takes place in simulated worlds, where waiting takes no time.
 */
#include "act.h"

#include <heph/remote/node.h>
#include <heph/remote/sim.h>
#include <heph/remote/tcp.h>

enum { SEEDS = 20 };

static struct heph_transport *net; /* of the world that runs */
static bool datagrams;

/* ---- who watches ------------------------------------------------------------------- */

static int to_act(const struct heph_node_event *from, struct act_msg *to)
{
	struct heph_node_event *event = malloc(sizeof(*event));

	if (!event)
		return -ENOMEM;
	*event = *from;
	to->owned = event;
	return 0;
}

/* From now on the inbox gets what becomes of the node's peers. */
static void watch(heph_ctx ctx, heph_node node, act_inbox in)
{
	heph_node_watcher_ref watcher;

	must_be(heph_map(ctx, &watcher, heph_self(in), to_act), 0);
	must_be(heph_node_watch(ctx, node, watcher), 0);
}

static struct heph_node_event next_event(heph_ctx ctx, act_inbox in)
{
	struct heph_node_event event;
	struct act_msg msg;

	must_be(heph_recv(heph_within(ctx, 100 * HEPH_SEC), in, &msg), 0);
	event = *(struct heph_node_event *)msg.owned;
	free(msg.owned);
	return event;
}

static struct heph_node_event
must_hear(heph_ctx ctx, act_inbox in, enum heph_peer_event what, const char *name)
{
	struct heph_node_event event = next_event(ctx, in);

	if (event.event != what)
		fprintf(stderr, "event %d of %s, err %d, again %d\n", event.event,
			event.name, event.err, event.again);
	must_be(event.event, what);
	must(strcmp(event.name, name) == 0);
	return event;
}

static void must_hear_nothing(act_inbox in)
{
	struct act_msg msg;

	must_be(heph_try_recv(in, &msg), -EAGAIN);
}

/* ---- nodes ---------------------------------------------------------------------------- */

static heph_ctx soon(heph_ctx ctx)
{
	return heph_within(ctx, 100 * HEPH_SEC);
}

#define start(ctx_, ...)                                                       \
	__extension__({                                                        \
		heph_node node__;                                              \
		must_be(heph_node_start((ctx_), &node__, __VA_ARGS__), 0);     \
		node__;                                                        \
	})

static void listen_at(heph_ctx ctx, heph_node node, const char *where)
{
	char told[HEPH_WHERE_MAX];

	must_be(heph_node_listen(ctx, node, net, where, told), 0);
	must(strcmp(told, where) == 0);
}

static void stop(heph_ctx ctx, heph_node node)
{
	must_be(heph_node_stop(soon(ctx), node), 0);
}

/* The other side knows of the connection, too. */
static void sync_nodes(heph_ctx ctx, heph_node node, const char *peer)
{
	heph_time trip;

	must_be(heph_node_ping(soon(ctx), node, peer, &trip), 0);
}

static unsigned connections(heph_ctx ctx, heph_node node)
{
	struct heph_node_stats stats;

	must_be(heph_node_stats(ctx, node, &stats), 0);
	return stats.connections;
}

static bool is_connected(heph_ctx ctx, heph_node node, const char *name)
{
	struct heph_peer_info infos[4];
	int n = heph_node_peers(ctx, node, infos, 4);

	must(n >= 0 && n <= 4);
	for (int i = 0; i < n; i++)
		if (strcmp(infos[i].name, name) == 0)
			return infos[i].connected;
	return false;
}

/* ---- worlds ----------------------------------------------------------------------------- */

static void run_world(uint64_t seed, act_fn *fn, bool as_datagrams)
{
	struct heph_sim_options options = { .workers = 2 };
	int err;

	setenv("HEPH_LOG", "off", 0);
	datagrams = as_datagrams;
	must_be(heph_sim_net_new(&net, .seed = seed, .datagrams = as_datagrams,
				 .latency_min = HEPH_MSEC / 10,
				 .latency_max = 3 * HEPH_MSEC),
		0);
	err = heph_sim_run(seed, &options, act, { fn, NULL });
	heph_transport_free(net);
	if (err < 0)
		fprintf(stderr, "seed %lu%s: %d\n", (unsigned long)seed,
			as_datagrams ? ", datagrams" : "", err);
	must_be(err, 0);
}

/* Streams, then datagrams. */
static void run_worlds(act_fn *fn)
{
	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		run_world(seed, fn, false);
		run_world(seed, fn, true);
	}
}

/* ---- meeting ------------------------------------------------------------------------------ */

static int meet(heph_ctx ctx, act_inbox in, void *arg)
{
	struct heph_transport *tcp = arg;
	heph_node a = start(ctx, .name = "a"), b = start(ctx, .name = "b");
	char where[HEPH_WHERE_MAX];
	struct heph_peer_info info;
	struct heph_node_stats stats;
	heph_time trip = 0;

	watch(ctx, a, in);
	must_be(heph_node_listen(ctx, a, tcp, "127.0.0.1:0", where), 0);
	must_be(heph_node_connect(soon(ctx), b, tcp, where, "a"), 0);
	must(!must_hear(ctx, in, HEPH_PEER_UP, "b").again);
	must_be(heph_node_ping(soon(ctx), b, "a", &trip), 0);
	must(trip > 0);
	must_be(heph_node_ping(soon(ctx), b, "b", &trip), 0);
	must_be(heph_node_ping(soon(ctx), b, "c", &trip), -ENOTCONN);
	must_be(heph_node_peers(ctx, b, &info, 1), 1);
	must(strcmp(info.name, "a") == 0 && strcmp(info.transport, "tcp") == 0);
	must(info.connected && info.trust == HEPH_TRUST_HOST);
	must(info.round_trip > 0);
	must_be(heph_node_stats(ctx, b, &stats), 0);
	must_be(stats.peers, 1);
	must_be(stats.connections, 1);
	must_be(heph_node_connect(ctx, b, tcp, where, "a"), -EEXIST);
	must_be(heph_node_connect(ctx, b, tcp, where, NULL), -EEXIST);
	stop(ctx, b);
	must_be(must_hear(ctx, in, HEPH_PEER_DOWN, "b").err, 0);
	must_be(heph_node_ping(ctx, b, "a", &trip), -ESRCH);
	stop(ctx, a);
	return 0;
}

static void nodes_meet(void **state)
{
	struct heph_transport *tcp;

	(void)state;
	must_be(heph_tcp_plain_new(&tcp, 0), 0);
	run(meet, tcp);
	heph_transport_free(tcp);
}

/* ---- waiting for somebody -------------------------------------------------------------------- */

static heph_node waiting;

static int connect_to_a(heph_ctx ctx, act_inbox in, void *arg)
{
	(void)in, (void)arg;
	must_be(heph_node_connect(soon(ctx), waiting, net, "at-a", "a"), 0);
	return 0;
}

static int wait_for_a(heph_ctx ctx, act_inbox in, void *arg)
{
	heph_node a = start(ctx, .name = "a"), b = start(ctx, .name = "b");
	act_ref first, second;

	(void)in, (void)arg;
	waiting = b;
	must_be(heph_node_connect(heph_within(ctx, HEPH_MSEC), b, net, "at-a",
				  "a"),
		-ETIME);
	first = spawn_on(ctx, HEPH_HERE, connect_to_a, NULL);
	second = spawn_on(ctx, HEPH_WORKER(1), connect_to_a, NULL);
	must_be(heph_sleep(ctx, HEPH_SEC), 0);
	must(heph_alive(first) && heph_alive(second));
	listen_at(ctx, a, "at-a");
	must_be(heph_join(soon(ctx), first, NULL), 0);
	must_be(heph_join(soon(ctx), second, NULL), 0);
	must(is_connected(ctx, b, "a"));
	stop(ctx, a);
	stop(ctx, b);
	return 0;
}

static void several_wait_for_one(void **state)
{
	(void)state;
	run_worlds(wait_for_a);
}

/* ---- losing each other ------------------------------------------------------------------------- */

static void cut(bool how)
{
	must_be(heph_sim_net_cut(net, NULL, NULL, how), 0);
}

static int cut_and_heal(heph_ctx ctx, act_inbox in, void *arg)
{
	heph_node a = start(ctx, .name = "a"),
		  b = start(ctx, .name = "b", .patience = HEPH_NEVER,
			    .handshake = HEPH_SEC);
	struct heph_node_event event;
	uint64_t id;

	(void)arg;
	watch(ctx, b, in);
	listen_at(ctx, a, "at-a");
	must_be(heph_node_connect(soon(ctx), b, net, "at-a", NULL), 0);
	id = must_hear(ctx, in, HEPH_PEER_UP, "a").id;
	sync_nodes(ctx, b, "a");
	cut(true);
	must_be(must_hear(ctx, in, HEPH_PEER_AWAY, "a").err, -ETIMEDOUT);
	must(!is_connected(ctx, b, "a"));
	cut(false);
	event = must_hear(ctx, in, HEPH_PEER_UP, "a");
	must(event.again && event.id == id);
	must_hear_nothing(in);
	sync_nodes(ctx, b, "a");
	stop(ctx, a);
	must_be(must_hear(ctx, in, HEPH_PEER_DOWN, "a").err, 0);
	stop(ctx, b);
	return 0;
}

static void a_cut_that_heals_is_no_end(void **state)
{
	(void)state;
	run_worlds(cut_and_heal);
}

/* Without beats nothing is said, and without silence nothing is noticed. */
static int stay_for_ever(heph_ctx ctx, act_inbox in, void *arg)
{
	heph_node a = start(ctx, .name = "a", .beat = HEPH_NEVER),
		  b = start(ctx, .name = "b", .silence = HEPH_NEVER);

	(void)arg;
	watch(ctx, b, in);
	listen_at(ctx, a, "at-a");
	must_be(heph_node_connect(soon(ctx), b, net, "at-a", "a"), 0);
	must_hear(ctx, in, HEPH_PEER_UP, "a");
	must_be(heph_sleep(ctx, 100 * HEPH_SEC), 0);
	cut(true);
	must_be(heph_sleep(ctx, 100 * HEPH_SEC), 0);
	must_hear_nothing(in);
	must(is_connected(ctx, b, "a") && is_connected(ctx, a, "b"));
	stop(ctx, b);
	stop(ctx, a);
	return 0;
}

static void who_never_minds_silence_stays(void **state)
{
	(void)state;
	run_world(1, stay_for_ever, false);
	run_world(1, stay_for_ever, true);
}

/* One of them has lost patience, so the other one hears that all is new. */
static int lose_patience(heph_ctx ctx, act_inbox in, void *arg)
{
	heph_node a = start(ctx, .name = "a", .patience = HEPH_SEC),
		  b = start(ctx, .name = "b", .patience = HEPH_NEVER);
	struct heph_node_event event;

	(void)arg;
	watch(ctx, b, in);
	listen_at(ctx, a, "at-a");
	must_be(heph_node_connect(soon(ctx), b, net, "at-a", "a"), 0);
	must_hear(ctx, in, HEPH_PEER_UP, "a");
	sync_nodes(ctx, b, "a");
	cut(true);
	must_hear(ctx, in, HEPH_PEER_AWAY, "a");
	must_be(heph_sleep(ctx, 20 * HEPH_SEC), 0);
	cut(false);
	must_be(must_hear(ctx, in, HEPH_PEER_DOWN, "a").err, -EHOSTDOWN);
	event = must_hear(ctx, in, HEPH_PEER_UP, "a");
	must(!event.again);
	stop(ctx, a);
	stop(ctx, b);
	return 0;
}

static void who_was_given_up_is_new(void **state)
{
	(void)state;
	run_worlds(lose_patience);
}

static int be_lost(heph_ctx ctx, act_inbox in, void *arg)
{
	heph_node a = start(ctx, .name = "a"),
		  b = start(ctx, .name = "b", .patience = 3 * HEPH_SEC);
	heph_time then;

	(void)arg;
	watch(ctx, b, in);
	listen_at(ctx, a, "at-a");
	must_be(heph_node_connect(soon(ctx), b, net, "at-a", "a"), 0);
	must_hear(ctx, in, HEPH_PEER_UP, "a");
	sync_nodes(ctx, b, "a");
	cut(true);
	must_hear(ctx, in, HEPH_PEER_AWAY, "a");
	then = heph_now();
	must_be(must_hear(ctx, in, HEPH_PEER_DOWN, "a").err, -ETIMEDOUT);
	must(heph_now() - then < 4 * HEPH_SEC);
	must(heph_now() - then > 2 * HEPH_SEC);
	cut(false);
	must_hear(ctx, in, HEPH_PEER_UP, "a");
	stop(ctx, b);
	stop(ctx, a);
	return 0;
}

static void patience_ends(void **state)
{
	(void)state;
	run_worlds(be_lost);
}

/* A node comes up under the name of one that is not there any more. */
static int restart(heph_ctx ctx, act_inbox in, void *arg)
{
	heph_node a = start(ctx, .name = "a"), again = start(ctx, .name = "a"),
		  b = start(ctx, .name = "b", .patience = HEPH_NEVER);
	struct heph_node_event event;
	uint64_t id;

	(void)arg;
	watch(ctx, b, in);
	listen_at(ctx, a, "at-a");
	listen_at(ctx, again, "at-again");
	listen_at(ctx, b, "at-b");
	must_be(heph_node_connect(soon(ctx), b, net, "at-a", "a"), 0);
	id = must_hear(ctx, in, HEPH_PEER_UP, "a").id;
	sync_nodes(ctx, b, "a");
	/* While that one is there, another one of its name is refused. */
	must_be(heph_node_connect(heph_within(ctx, HEPH_SEC), again, net, "at-b",
				  "b"),
		-ETIME);
	must_hear_nothing(in);
	must_be(heph_sim_net_cut(net, "at-a", NULL, true), 0);
	must_hear(ctx, in, HEPH_PEER_AWAY, "a");
	event = must_hear(ctx, in, HEPH_PEER_DOWN, "a");
	must_be(event.err, -EHOSTDOWN);
	must(event.id == id);
	event = must_hear(ctx, in, HEPH_PEER_UP, "a");
	must(event.id != id && !event.again);
	must_be(heph_node_connect(soon(ctx), again, net, "at-b", "b"), -EEXIST);
	stop(ctx, again);
	stop(ctx, a);
	stop(ctx, b);
	return 0;
}

static void a_node_that_restarted_is_another_one(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= SEEDS; seed++)
		run_world(seed, restart, false);
}

/* ---- both at once -------------------------------------------------------------------------------- */

struct other {
	heph_node from;
	const char *where, *name;
};

static int connect_other(heph_ctx ctx, act_inbox in, void *arg)
{
	struct other *other = arg;

	(void)in;
	must_be(heph_node_connect(soon(ctx), other->from, net, other->where,
				  other->name),
		0);
	return 0;
}

static int cross(heph_ctx ctx, act_inbox in, void *arg)
{
	static struct other others[2];
	heph_node a = start(ctx, .name = "a"), b = start(ctx, .name = "b");
	act_ref refs[2];
	heph_time trip;

	(void)arg;
	watch(ctx, a, in);
	listen_at(ctx, a, "at-a");
	listen_at(ctx, b, "at-b");
	others[0] = (struct other){ a, "at-b", "b" };
	others[1] = (struct other){ b, "at-a", "a" };
	for (int i = 0; i < 2; i++)
		refs[i] = spawn_on(ctx, HEPH_HERE, connect_other, &others[i]);
	for (int i = 0; i < 2; i++)
		must_be(heph_join(soon(ctx), refs[i], NULL), 0);
	must_be(heph_sleep(ctx, 20 * HEPH_SEC), 0);
	must_be(connections(ctx, a), 1);
	must_be(connections(ctx, b), 1);
	must_be(heph_node_ping(soon(ctx), a, "b", &trip), 0);
	must_hear(ctx, in, HEPH_PEER_UP, "b");
	must_hear_nothing(in);
	/* And again, from both sides. */
	cut(true);
	must_hear(ctx, in, HEPH_PEER_AWAY, "b");
	cut(false);
	must(must_hear(ctx, in, HEPH_PEER_UP, "b").again);
	must_be(heph_sleep(ctx, 20 * HEPH_SEC), 0);
	must_be(connections(ctx, a), 1);
	must_be(connections(ctx, b), 1);
	must_be(heph_node_ping(soon(ctx), b, "a", &trip), 0);
	must_hear_nothing(in);
	stop(ctx, a);
	stop(ctx, b);
	return 0;
}

static void both_connect_and_one_connection_stays(void **state)
{
	(void)state;
	run_worlds(cross);
	for (uint64_t seed = SEEDS + 1; seed <= 20 * SEEDS; seed++)
		run_world(seed, cross, false);
}

/* ---- strangers --------------------------------------------------------------------------------------- */

enum { CROWD = 400 };

/* They come by and by, and say nothing. */
static int come_in_crowds(heph_ctx ctx, act_inbox in, void *arg)
{
	struct heph_wire *wires[CROWD];
	unsigned n = 0;
	struct act_msg msg;

	while (n < CROWD && heph_sleep(ctx, 20 * HEPH_MSEC) == 0) {
		must_be(net->type->connect(ctx, arg, "at-a", &wires[n]), 0);
		must_be(net->type->open(ctx, wires[n++]), 0);
	}
	must_be(heph_recv(ctx, in, &msg), -ECANCELED);
	while (n > 0)
		net->type->close(ctx, wires[--n]);
	return 0;
}

static int be_crowded(heph_ctx ctx, act_inbox in, void *arg)
{
	heph_node a = start(ctx, .name = "a", .connections = 8, .peers = 4),
		  b = start(ctx, .name = "b"), c = start(ctx, .name = "c");
	struct heph_transport *theirs;
	struct heph_node_stats stats;
	heph_time then;
	act_ref crowd;

	(void)arg;
	must_be(heph_sim_net_at(net, "crowd", &theirs), 0);
	watch(ctx, a, in);
	listen_at(ctx, a, "at-a");
	listen_at(ctx, c, "at-c");
	must_be(heph_node_connect(soon(ctx), b, net, "at-a", "a"), 0);
	must_hear(ctx, in, HEPH_PEER_UP, "b");
	crowd = spawn_on(ctx, HEPH_HERE, come_in_crowds, theirs);
	must_be(heph_sleep(ctx, HEPH_SEC), 0);
	must(connections(ctx, a) <= 1 + 4 + 1); /* one may be ending */
	must(is_connected(ctx, a, "b"));
	/* The node connects whom it wants, and its peers come back. */
	then = heph_now();
	must_be(heph_node_connect(soon(ctx), a, net, "at-c", "c"), 0);
	must_hear(ctx, in, HEPH_PEER_UP, "c");
	must_be(heph_node_disconnect(soon(ctx), b, "a"), 0);
	must_be(heph_node_connect(soon(ctx), b, net, "at-a", "a"), 0);
	must(heph_now() - then < HEPH_SEC);
	must_be(heph_node_stats(ctx, a, &stats), 0);
	must(stats.refused > 0);
	stop_and_join(ctx, crowd);
	heph_transport_free(theirs);
	stop(ctx, b);
	stop(ctx, c);
	stop(ctx, a);
	return 0;
}

static void strangers_shut_out_nobody(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= SEEDS; seed++)
		run_world(seed, be_crowded, false);
}

/* Who has not said who he is says that much follows. */
static int say_much(heph_ctx ctx, act_inbox in, void *arg)
{
	heph_node a = start(ctx, .name = "a", .handshake = HEPH_NEVER);
	unsigned char said[] = { 0, 0, 8, 0, 1, 0, 0, 0 }; /* 512 KiB */
	char where[HEPH_WHERE_MAX], heard[256];
	heph_fd fd;
	int n;

	(void)in;
	must_be(heph_node_listen(ctx, a, arg, "127.0.0.1:0", where), 0);
	must_be(heph_connect(ctx, where, &fd), 0);
	must_be(heph_write_all(ctx, fd, said, sizeof(said)), 0);
	while ((n = heph_read(heph_within(ctx, 20 * HEPH_SEC), fd, heard,
			      sizeof(heard))) > 0)
		;
	must(n == 0 || n == -ECONNRESET);
	heph_close(fd);
	stop(ctx, a);
	return 0;
}

static void strangers_say_little(void **state)
{
	struct heph_transport *tcp;

	(void)state;
	must_be(heph_tcp_plain_new(&tcp, 0), 0);
	run(say_much, tcp);
	heph_transport_free(tcp);
}

/* ---- who is there already ---------------------------------------------------------------------- */

static unsigned asked; /* how often somebody said hello */

static bool count_hellos(void *user, const char *name, enum heph_trust trust,
			 const char *where)
{
	(void)user, (void)name, (void)trust, (void)where;
	asked++;
	return true;
}

/* b has come in, and a dials it, by two addresses and no name. */
static int find_there(heph_ctx ctx, act_inbox in, void *arg)
{
	heph_node a = start(ctx, .name = "a", .attempts = 2),
		  b = start(ctx, .name = "b", .welcome = count_hellos);

	(void)arg;
	watch(ctx, a, in);
	listen_at(ctx, a, "at-a");
	listen_at(ctx, b, "at-b");
	listen_at(ctx, b, "also-at-b");
	must_be(heph_node_connect(soon(ctx), b, net, "at-a", "a"), 0);
	must_hear(ctx, in, HEPH_PEER_UP, "b");
	asked = 0;
	must_be(heph_node_connect(soon(ctx), a, net, "at-b", ""), 0);
	must_be(heph_node_connect(soon(ctx), a, net, "also-at-b", NULL), 0);
	must_be(heph_sleep(ctx, 100 * HEPH_SEC), 0);
	must(asked <= 2 * (datagrams ? 2 : 1)); /* a hello may come twice */
	must_be(connections(ctx, a), 1);
	must_hear_nothing(in);
	/* From now on it is a that keeps the connection. */
	must_be(heph_node_disconnect(soon(ctx), b, "a"), 0);
	while (next_event(ctx, in).event != HEPH_PEER_UP)
		;
	stop(ctx, a);
	stop(ctx, b);
	return 0;
}

static void who_is_there_is_not_dialled(void **state)
{
	(void)state;
	run_worlds(find_there);
}

/* ---- who is refused -------------------------------------------------------------------------------- */

static bool none_is_welcome(void *user, const char *name, enum heph_trust trust,
			    const char *where)
{
	must(strcmp(user, "user") == 0 && *name && where);
	must_be(trust, HEPH_TRUST_HOST);
	return false;
}

static int be_refused(heph_ctx ctx, act_inbox in, void *arg)
{
	static char user[] = "user";
	heph_node a = start(ctx, .name = "a"), b = start(ctx, .name = "b"),
		  shy = start(ctx, .name = "shy", .welcome = none_is_welcome,
			      .user = user),
		  same = start(ctx, .name = "a");
	struct heph_peer_info info;

	(void)arg;
	watch(ctx, a, in);
	listen_at(ctx, a, "at-a");
	listen_at(ctx, shy, "at-shy");
	must_be(heph_node_connect(soon(ctx), b, net, "at-a", "c"), -EACCES);
	must_be(heph_node_connect(soon(ctx), b, net, "at-shy", "shy"), -EACCES);
	must_be(heph_node_connect(soon(ctx), shy, net, "at-a", "a"), -EACCES);
	must_be(heph_node_connect(soon(ctx), same, net, "at-a", "a"), -EACCES);
	must_be(heph_node_connect(soon(ctx), a, net, "at-a", "a"), -ELOOP);
	must_be(heph_sleep(ctx, 20 * HEPH_SEC), 0);
	must_be(heph_node_peers(ctx, a, &info, 1), 0);
	must_be(heph_node_peers(ctx, shy, &info, 1), 0);
	must_be(connections(ctx, a) + connections(ctx, shy), 0);
	must_hear_nothing(in);
	/* Such a refusal is for good: it can be asked for anew. */
	must_be(heph_node_connect(soon(ctx), b, net, "at-a", "a"), 0);
	must_hear(ctx, in, HEPH_PEER_UP, "b");
	for (int i = 0; i < 4; i++)
		stop(ctx, i == 0 ? a : i == 1 ? b : i == 2 ? shy : same);
	return 0;
}

static void some_are_refused(void **state)
{
	(void)state;
	run_worlds(be_refused);
}

static int be_too_many(heph_ctx ctx, act_inbox in, void *arg)
{
	heph_node a = start(ctx, .name = "a", .peers = 1),
		  b = start(ctx, .name = "b"), c = start(ctx, .name = "c"),
		  d = start(ctx, .name = "d", .connections = 1);

	(void)arg;
	watch(ctx, a, in);
	listen_at(ctx, a, "at-a");
	listen_at(ctx, d, "at-d");
	must_be(heph_node_connect(soon(ctx), b, net, "at-a", "a"), 0);
	must_hear(ctx, in, HEPH_PEER_UP, "b");
	must_be(heph_node_connect(heph_within(ctx, 3 * HEPH_SEC), c, net, "at-a",
				  "a"),
		-ETIME);
	must_hear_nothing(in);
	must_be(heph_node_disconnect(soon(ctx), b, "a"), 0);
	must_hear(ctx, in, HEPH_PEER_DOWN, "b");
	must_hear(ctx, in, HEPH_PEER_UP, "c"); /* there is a place now */
	must_be(heph_node_connect(soon(ctx), b, net, "at-d", "d"), 0);
	sync_nodes(ctx, b, "d");
	must_be(heph_node_connect(heph_within(ctx, 3 * HEPH_SEC), c, net, "at-d",
				  "d"),
		-ETIME);
	must_be(connections(ctx, d), 1);
	for (int i = 0; i < 4; i++)
		stop(ctx, i == 0 ? a : i == 1 ? b : i == 2 ? c : d);
	return 0;
}

static void places_are_limited(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= SEEDS; seed++)
		run_world(seed, be_too_many, false);
}

/* ---- leaving ----------------------------------------------------------------------------------------- */

static int disconnect(heph_ctx ctx, act_inbox in, void *arg)
{
	heph_node a = start(ctx, .name = "a"), b = start(ctx, .name = "b");
	struct heph_peer_info info;

	(void)arg;
	watch(ctx, a, in);
	listen_at(ctx, a, "at-a");
	must_be(heph_node_disconnect(ctx, b, "a"), -ENOENT);
	must_be(heph_node_connect(soon(ctx), b, net, "at-a", "a"), 0);
	must_hear(ctx, in, HEPH_PEER_UP, "b");
	must_be(heph_node_disconnect(soon(ctx), b, "a"), 0);
	must_be(heph_node_peers(ctx, b, &info, 1), 0);
	must_be(must_hear(ctx, in, HEPH_PEER_DOWN, "b").err, 0);
	must_be(heph_node_disconnect(ctx, b, "a"), -ENOENT);
	must_be(heph_sleep(ctx, 20 * HEPH_SEC), 0);
	must_hear_nothing(in);
	/* One that is being dialled can be given up as well. */
	must_be(heph_node_connect(heph_within(ctx, HEPH_SEC), b, net, "nowhere",
				  "x"),
		-ETIME);
	must_be(heph_node_disconnect(ctx, b, "x"), 0);
	must_be(heph_node_disconnect(soon(ctx), b, "x"), -ENOENT);
	stop(ctx, a);
	stop(ctx, b);
	return 0;
}

static void one_disconnects(void **state)
{
	(void)state;
	run_worlds(disconnect);
}

static int be_orphan(heph_ctx ctx, act_inbox in, void *arg)
{
	struct other other;
	act_ref asks;

	(void)in, (void)arg;
	other.from = start(ctx, .name = "orphan");
	other.where = "nowhere";
	other.name = "x";
	must_be(heph_node_connect(heph_within(ctx, HEPH_MSEC), other.from, net,
				  other.where, other.name),
		-ETIME);
	asks = spawn_on(ctx, HEPH_HERE, idle, NULL);
	(void)asks;
	return 0; /* and the node ends with us */
}

static int end_parent(heph_ctx ctx, act_inbox in, void *arg)
{
	act_ref parent = spawn_on(ctx, HEPH_WORKER(1), be_orphan, NULL);

	(void)in, (void)arg;
	must_be(heph_join(soon(ctx), parent, NULL), 0);
	return 0;
}

static void a_node_ends_with_its_parent(void **state)
{
	(void)state;
	run_worlds(end_parent);
}

/* ---- what is wrong ----------------------------------------------------------------------------------- */

static int be_wrong(heph_ctx ctx, act_inbox in, void *arg)
{
	struct heph_node_config config = { .size = sizeof(config),
					   .name = "a",
					   .phase = 99 };
	char where[HEPH_WHERE_MAX], long_name[70];
	heph_node a, b;

	(void)in, (void)arg;
	memset(long_name, 'a', sizeof(long_name));
	long_name[64] = 0;
	must_be(heph_node_start(ctx, &a, .name = NULL), -EINVAL);
	must_be(heph_node_start(ctx, &a, .name = ""), -EINVAL);
	must_be(heph_node_start(ctx, &a, .name = "a b"), -EINVAL);
	must_be(heph_node_start(ctx, &a, .name = long_name), -EINVAL);
	must_be(heph_node_start(ctx, &a, .name = "a", .window = 65537), -EINVAL);
	must_be(heph_node_start(ctx, &a, .name = "a", .beat = -1), -EINVAL);
	must_be(heph_node_start(ctx, &a, .name = "a", .beat = HEPH_SEC,
				.silence = HEPH_MSEC),
		-EINVAL);
	must_be(heph_node_start(ctx, &a, .name = "a", .backoff = HEPH_SEC,
				.backoff_max = HEPH_MSEC),
		-EINVAL);
	must_be(heph_raw_node_start(ctx, &a, &config), -EINVAL);
	config.size = offsetof(struct heph_node_config, phase);
	must_be(heph_raw_node_start(ctx, &a, &config), 0);
	must_be(heph_node_stop(ctx, a), 0);
	long_name[63] = 0;
	b = start(ctx, .name = long_name);
	a = start(ctx, .name = "a");
	must_be(heph_node_listen(ctx, a, net, "", where), -EINVAL);
	listen_at(ctx, a, "at-a");
	must_be(heph_node_listen(ctx, b, net, "at-a", where), -EADDRINUSE);
	must_be(heph_node_connect(ctx, b, net, "", "a"), -EINVAL);
	long_name[63] = 'a';
	must_be(heph_node_connect(ctx, b, net, "at-a", long_name), -EINVAL);
	/* "": whoever it is, and waits */
	must_be(heph_node_connect(soon(ctx), b, net, "at-a", ""), 0);
	must(is_connected(ctx, b, "a"));
	stop(ctx, b);
	stop(ctx, b);
	must_be(heph_node_listen(ctx, b, net, "at-b", where), -ESRCH);
	stop(ctx, a);
	return 0;
}

static void what_is_wrong_is_told(void **state)
{
	(void)state;
	run_world(1, be_wrong, false);
}

/* ---- limits of what comes ----------------------------------------------------------------------------- */

struct count_msg {
	uint64_t n; /* 0: asks */
	HEPH_REPLY(uint64_t) answer;
};
HEPH_CODEC(count_msg, struct count_msg, HEPH_FIELD(n), HEPH_FIELD_REPLY(answer));
HEPH_ACTOR(count, struct count_msg, void);
HEPH_REMOTE(count, count_msg);

/* Counts those that come as 1, 2, 3 ... */
static int count_main(heph_ctx ctx, count_inbox in)
{
	struct count_msg msg;
	uint64_t n = 0;

	while (heph_recv(ctx, in, &msg) == 0)
		if (msg.n)
			n += msg.n == n + 1;
		else
			heph_answer(msg.answer, n);
	return 0;
}
HEPH_ACTOR_MAIN(count, count_main);

enum { MESSAGES = 300, PER_SEC = 100 };

static int come_slowly(heph_ctx ctx, act_inbox in, void *arg)
{
	heph_node a = start(ctx, .name = "a", .messages_per_sec = PER_SEC),
		  b = start(ctx, .name = "b");
	struct heph_node_stats stats;
	count_ref counter, there;
	heph_time then;
	uint64_t n;

	(void)in, (void)arg;
	must_be(heph_spawn(ctx, count, &counter), 0);
	must_be(heph_node_export(ctx, a, count, counter, "counter"), 0);
	listen_at(ctx, a, "at-a");
	must_be(heph_node_connect(soon(ctx), b, net, "at-a", "a"), 0);
	must_be(heph_node_whereis(soon(ctx), b, "a", count, "counter", &there),
		0);
	then = heph_now();
	for (uint64_t i = 1; i <= MESSAGES; i++)
		must_be(heph_send(soon(ctx), there, { .n = i }), 0);
	must_be(heph_call(soon(ctx), there, answer, &n, { .n = 0 }), 0);
	must_be(n, MESSAGES); /* they wait, and none is lost */
	must(heph_now() - then >
	     (MESSAGES - PER_SEC / 2) * (HEPH_SEC / PER_SEC));
	must(is_connected(ctx, b, "a"));
	must_be(heph_node_stats(ctx, a, &stats), 0);
	must_be(stats.received, MESSAGES + 1);
	must_be(stats.sent, 1);
	must_be(stats.refused + stats.lost + stats.resent, 0);
	stop(ctx, b);
	stop(ctx, a);
	return 0;
}

static void who_sends_too_much_waits(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= SEEDS; seed++)
		run_world(seed, come_slowly, false);
}

/* ---- wires of another kind ------------------------------------------------------------------------ */

static struct heph_transport *other_net;

/* The session began by one of them, which is cut for ever: what was not acknowledged
 * there cannot be sent by the other one, so it is a new session that begins. */
static int change_kind(heph_ctx ctx, act_inbox in, void *arg)
{
	heph_node a = start(ctx, .name = "a"), b = start(ctx, .name = "b");
	heph_time then;

	(void)arg;
	watch(ctx, b, in);
	listen_at(ctx, a, "at-a");
	must_be(heph_node_listen(ctx, b, other_net, "at-b", NULL), 0);
	must_be(heph_node_connect(soon(ctx), b, net, "at-a", "a"), 0);
	must_hear(ctx, in, HEPH_PEER_UP, "a");
	sync_nodes(ctx, b, "a");
	must_be(heph_node_connect(soon(ctx), a, other_net, "at-b", "b"), 0);
	cut(true);
	must_hear(ctx, in, HEPH_PEER_AWAY, "a");
	then = heph_now();
	must_hear(ctx, in, HEPH_PEER_DOWN, "a");
	must(heph_now() - then > 3 * HEPH_SEC);
	must(!must_hear(ctx, in, HEPH_PEER_UP, "a").again);
	sync_nodes(ctx, b, "a");
	must_hear_nothing(in);
	stop(ctx, a);
	stop(ctx, b);
	return 0;
}

static void a_session_stays_on_wires_of_its_kind(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= SEEDS; seed++)
		for (int small = 0; small < 2; small++) {
			must_be(heph_sim_net_new(&other_net, .seed = seed,
						 .datagrams = !small,
						 .frame_max = small ? 4096 : 0),
				0);
			run_world(seed, change_kind, false);
			heph_transport_free(other_net);
		}
}

/* ---- what is large, and what is too much -------------------------------------------------------------------- */

struct blob_msg {
	char *text;
	HEPH_REPLY(uint64_t) answer;
};
HEPH_CODEC(blob_msg, struct blob_msg, HEPH_FIELD(text), HEPH_FIELD_REPLY(answer));
HEPH_ACTOR(blob, struct blob_msg, void);
HEPH_REMOTE(blob, blob_msg);

/* Tells how many have come, and how many bytes. */
static int blob_main(heph_ctx ctx, blob_inbox in)
{
	struct blob_msg msg;
	uint64_t n = 0;

	while (heph_recv(ctx, in, &msg) == 0) {
		n += msg.text ? strlen(msg.text) : 1;
		heph_answer(msg.answer, n);
		free(msg.text);
	}
	return 0;
}
HEPH_ACTOR_MAIN(blob, blob_main, .drop = blob_msg_drop);

enum { LARGE = 60000, BYTES_PER_SEC = 5000 };

static blob_ref meet_blob(heph_ctx ctx, heph_node a, heph_node b)
{
	blob_ref blob_, there;

	must_be(heph_spawn(ctx, blob, &blob_), 0);
	must_be(heph_node_export(ctx, a, blob, blob_, "blob"), 0);
	listen_at(ctx, a, "at-a");
	must_be(heph_node_connect(soon(ctx), b, net, "at-a", "a"), 0);
	must_be(heph_node_whereis(soon(ctx), b, "a", blob, "blob", &there), 0);
	return there;
}

static uint64_t call_with(heph_ctx ctx, blob_ref there, size_t size)
{
	char *text = malloc(size + 1);
	uint64_t n;

	must(text);
	memset(text, 'x', size);
	text[size] = 0;
	must_be(heph_call(soon(ctx), there, answer, &n, { .text = text }), 0);
	return n;
}

/* A message takes longer than one may be silent. */
static int come_in_parts(heph_ctx ctx, act_inbox in, void *arg)
{
	heph_node a = start(ctx, .name = "a"), b = start(ctx, .name = "b");
	blob_ref there;
	heph_time then;

	(void)arg;
	watch(ctx, a, in);
	watch(ctx, b, in);
	there = meet_blob(ctx, a, b);
	must_be(next_event(ctx, in).event, HEPH_PEER_UP);
	must_be(next_event(ctx, in).event, HEPH_PEER_UP);
	then = heph_now();
	must(call_with(ctx, there, LARGE) == LARGE);
	must(heph_now() - then >= LARGE / BYTES_PER_SEC * HEPH_SEC);
	must(heph_now() - then < 2 * LARGE / BYTES_PER_SEC * HEPH_SEC);
	must_hear_nothing(in);
	stop(ctx, b);
	stop(ctx, a);
	return 0;
}

static void who_speaks_slowly_is_not_silent(void **state)
{
	struct heph_sim_options options = { .workers = 2 };

	(void)state;
	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		must_be(heph_sim_net_new(&net, .seed = seed,
					 .latency_max = HEPH_MSEC,
					 .bytes_per_sec = BYTES_PER_SEC),
			0);
		must_be(heph_sim_run(seed, &options, act,
				     { come_in_parts, NULL }),
			0);
		heph_transport_free(net);
	}
}

/* A message is more than may come in a while: it is taken, and what follows waits,
 * also when it comes by another connection. */
static int come_at_once(heph_ctx ctx, act_inbox in, void *arg)
{
	heph_node a = start(ctx, .name = "a", .patience = HEPH_NEVER,
			    .bytes_per_sec = BYTES_PER_SEC),
		  b = start(ctx, .name = "b", .patience = HEPH_NEVER);
	heph_time then, wait = (LARGE / BYTES_PER_SEC - 1) * HEPH_SEC;
	blob_ref there;

	(void)arg;
	watch(ctx, b, in);
	there = meet_blob(ctx, a, b);
	must_hear(ctx, in, HEPH_PEER_UP, "a");
	then = heph_now();
	must(call_with(ctx, there, LARGE) == LARGE);
	must(heph_now() - then < HEPH_SEC);
	must(call_with(ctx, there, LARGE) == 2 * LARGE);
	must(heph_now() - then > wait);
	must_hear_nothing(in);
	then = heph_now();
	cut(true);
	must_hear(ctx, in, HEPH_PEER_AWAY, "a");
	cut(false);
	must_hear(ctx, in, HEPH_PEER_UP, "a");
	must(heph_now() - then < wait);
	must(call_with(ctx, there, 1) == 2 * LARGE + 1);
	must(heph_now() - then > wait);
	must_hear_nothing(in);
	stop(ctx, b);
	stop(ctx, a);
	return 0;
}

static void who_is_held_up_is_not_silent(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= SEEDS; seed++)
		run_world(seed, come_at_once, false);
}

enum { FLOOD = 5000, FLOOD_PER_SEC = 1000 };

/* Twice as many as may come, for five seconds. */
static int flood(heph_ctx ctx, act_inbox in, void *arg)
{
	heph_node a = start(ctx, .name = "a", .messages_per_sec = FLOOD_PER_SEC),
		  b = start(ctx, .name = "b");
	blob_ref there = meet_blob(ctx, a, b), again;
	struct heph_node_stats stats;
	heph_time then;
	uint64_t n;

	(void)in, (void)arg;
	for (int i = 0; i < FLOOD; i++) {
		must_be(heph_send(ctx, there, { .text = NULL }), 0);
		must_be(heph_send(ctx, there, { .text = NULL }), 0);
		must_be(heph_sleep(ctx, HEPH_MSEC), 0);
	}
	then = heph_now();
	must_be(heph_node_whereis(soon(ctx), b, "a", blob, "blob", &again), 0);
	n = call_with(ctx, there, 1);
	must(heph_now() - then < HEPH_SEC);
	must(n > FLOOD * 8 / 10 && n < FLOOD * 12 / 10);
	must_be(heph_node_stats(ctx, a, &stats), 0);
	must(stats.refused > FLOOD * 7 / 10);
	stop(ctx, b);
	stop(ctx, a);
	return 0;
}

static void of_a_flood_comes_what_may(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 3; seed++)
		run_world(seed, flood, true);
}

/* ---- a bad network -------------------------------------------------------------------------------------- */

/* Datagrams are lost, doubled and late; still everybody meets and hears of the end. */
static int be_far_away(heph_ctx ctx, act_inbox in, void *arg)
{
	heph_node a = start(ctx, .name = "a"), b = start(ctx, .name = "b");
	heph_time trip;

	(void)arg;
	watch(ctx, b, in);
	listen_at(ctx, a, "at-a");
	must_be(heph_node_connect(soon(ctx), b, net, "at-a", "a"), 0);
	must_hear(ctx, in, HEPH_PEER_UP, "a");
	for (int i = 0; i < 5; i++)
		must_be(heph_node_ping(soon(ctx), b, "a", &trip), 0);
	stop(ctx, b);
	stop(ctx, a);
	return 0;
}

static void a_bad_network_is_enough(void **state)
{
	struct heph_sim_options options = { .workers = 2 };

	(void)state;
	for (uint64_t seed = 1; seed <= 2 * SEEDS; seed++) {
		must_be(heph_sim_net_new(&net, .seed = seed, .datagrams = true,
					 .latency_min = HEPH_MSEC,
					 .latency_max = 50 * HEPH_MSEC,
					 .lost = 0.2, .doubled = 0.2,
					 .reordered = 0.2),
			0);
		must_be(heph_sim_run(seed, &options, act, { be_far_away, NULL }),
			0);
		heph_transport_free(net);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nodes_meet),
		cmocka_unit_test(several_wait_for_one),
		cmocka_unit_test(a_cut_that_heals_is_no_end),
		cmocka_unit_test(who_never_minds_silence_stays),
		cmocka_unit_test(who_was_given_up_is_new),
		cmocka_unit_test(patience_ends),
		cmocka_unit_test(a_node_that_restarted_is_another_one),
		cmocka_unit_test(both_connect_and_one_connection_stays),
		cmocka_unit_test(strangers_shut_out_nobody),
		cmocka_unit_test(strangers_say_little),
		cmocka_unit_test(who_is_there_is_not_dialled),
		cmocka_unit_test(some_are_refused),
		cmocka_unit_test(places_are_limited),
		cmocka_unit_test(one_disconnects),
		cmocka_unit_test(a_node_ends_with_its_parent),
		cmocka_unit_test(what_is_wrong_is_told),
		cmocka_unit_test(who_sends_too_much_waits),
		cmocka_unit_test(a_session_stays_on_wires_of_its_kind),
		cmocka_unit_test(who_speaks_slowly_is_not_silent),
		cmocka_unit_test(who_is_held_up_is_not_silent),
		cmocka_unit_test(of_a_flood_comes_what_may),
		cmocka_unit_test(a_bad_network_is_enough),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
