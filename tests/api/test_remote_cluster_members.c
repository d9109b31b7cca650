/* SPDX-License-Identifier: MIT */
/* Members of a cluster: who is up, who is down, who is cut off; with a real broker. */
#include "cluster_sides.h"

static const heph_time LEASE = HEPH_SEC;
/* Where one waits for leases that pass, and a cut in between would not matter. */
static const heph_time SHORT = 600 * HEPH_MSEC;

/* ---- joining and leaving -------------------------------------------------------------- */

static int come_and_go(heph_ctx ctx, act_inbox in, void *arg)
{
	struct heph_cluster_stats stats;
	struct heph_member members[3], told;
	struct side a, b;
	told_receiver rx;
	uint64_t id;

	side_up(ctx, &a, "a", LEASE);
	rx = watch(ctx, a.cluster);
	id = await_told(ctx, rx, HEPH_MEMBER_UP, "a").id;
	side_up(ctx, &b, "b.x-1_2", LEASE);
	told = await_told(ctx, rx, HEPH_MEMBER_UP, "b.x-1_2");
	must(told.id != id);
	await_members(ctx, a.cluster, 2);
	await_members(ctx, b.cluster, 2);
	must_be(heph_cluster_members(ctx, b.cluster, members, 3), 2);
	must((members[0].id == id) != (members[1].id == id));
	must_be(heph_cluster_members(ctx, b.cluster, members, 1), 2);
	side_down(ctx, &b);
	must_be(await_told(ctx, rx, HEPH_MEMBER_DOWN, "b.x-1_2").id, told.id);
	await_members(ctx, a.cluster, 1);
	/* It comes back at once, as another one: it has left. */
	side_up(ctx, &b, "b.x-1_2", LEASE);
	must(await_told(ctx, rx, HEPH_MEMBER_UP, "b.x-1_2").id != told.id);
	must_be(heph_cluster_stats(ctx, a.cluster, &stats), 0);
	must(stats.members == 2 && stats.names == 0 && stats.cuts == 0 &&
	     stats.refused == 0);
	heph_stop((heph_ref){ b.cluster.addr });
	must_be(heph_join(ctx, ((heph_ref){ b.cluster.addr }), NULL), 0);
	must_be(heph_cluster_stats(ctx, b.cluster, &stats), -ESRCH);
	must_be(heph_cluster_members(ctx, b.cluster, members, 3), -ESRCH);
	side_down(ctx, &a);
	heph_chan_free(rx);
	return 0;
}

static void members_come_and_go(void **state)
{
	run(come_and_go, NULL);
}

static int twice(heph_ctx ctx, act_inbox in, void *arg)
{
	struct side a, b;

	side_up(ctx, &a, "same", LEASE);
	must_be(side_join(ctx, &b, "same", LEASE), -EEXIST);
	must_be(heph_cluster_join(ctx, &b.cluster, b.nats, b.node,
				  .lease = 299 * HEPH_MSEC),
		-EINVAL);
	must_be(heph_cluster_join(ctx, &b.cluster, b.nats, b.node, .replicas = 2),
		-EINVAL);
	side_down(ctx, &a);
	return 0;
}

static void a_name_is_one_members(void **state)
{
	run(twice, NULL);
}

/* ---- processes -------------------------------------------------------------------------- */

static int killed(heph_ctx ctx, act_inbox in, void *arg)
{
	static const struct child_job job = { .name = "mortal", .lease = SHORT };
	struct child child;
	struct side a;
	told_receiver rx;
	uint64_t id;

	side_up(ctx, &a, "a", LEASE);
	rx = watch(ctx, a.cluster);
	child = child_start(&job);
	id = await_told(ctx, rx, HEPH_MEMBER_UP, "mortal").id;
	child_kill(&child);
	/* One of the same name waits until the dead one counts as dead. */
	child = child_start(&job);
	must_be(await_told(ctx, rx, HEPH_MEMBER_DOWN, "mortal").id, id);
	must(await_told(ctx, rx, HEPH_MEMBER_UP, "mortal").id != id);
	child_kill(&child);
	await_told(ctx, rx, HEPH_MEMBER_DOWN, "mortal");
	side_down(ctx, &a);
	heph_chan_free(rx);
	return 0;
}

static void one_that_is_killed_is_down(void **state)
{
	run(killed, NULL);
}

static int stopped(heph_ctx ctx, act_inbox in, void *arg)
{
	static const struct child_job job = { .name = "sleepy",
					      .lease = SHORT,
					      .sum = 1 };
	struct child child;
	struct side a;
	told_receiver rx;
	adder_ref ref;
	uint64_t id;

	side_up(ctx, &a, "a", LEASE);
	rx = watch(ctx, a.cluster);
	child = child_start(&job);
	id = await_told(ctx, rx, HEPH_MEMBER_UP, "sleepy").id;
	kill(child.pid, SIGSTOP);
	must_be(await_told(ctx, rx, HEPH_MEMBER_DOWN, "sleepy").id, id);
	must_be(heph_cluster_whereis(ctx, a.cluster, adder, "counter", &ref),
		-ENOENT);
	kill(child.pid, SIGCONT);
	/* The same one joins again, and takes its name back. */
	must_be(await_told(ctx, rx, HEPH_MEMBER_UP, "sleepy").id, id);
	must_be(heph_cluster_await_name(heph_within(ctx, patience()), a.cluster,
					adder, "counter", &ref),
		0);
	must_be(add(ctx, ref, 1), 2);
	child_kill(&child);
	side_down(ctx, &a);
	heph_chan_free(rx);
	return 0;
}

static void one_that_stands_still_is_down_and_comes_back(void **state)
{
	run(stopped, NULL);
}

/* ---- the broker ------------------------------------------------------------------------------ */

/* It knows before any other could think so. */
static bool cut_in_time(heph_ctx ctx, told_receiver rx)
{
	heph_time began = heph_now();

	nats_server_pause(&server);
	await_told(ctx, rx, HEPH_MEMBER_CUT, "a");
	return on_valgrind() || heph_now() - began < LEASE;
}

static int cut(heph_ctx ctx, act_inbox in, void *arg)
{
	struct heph_cluster_stats stats;
	unsigned cuts;
	adder_ref ref;
	struct side a;
	told_receiver rx;

	side_up(ctx, &a, "a", LEASE);
	must_be(heph_cluster_register(ctx, a.cluster, adder, adder_new(ctx, 5),
				      "mine"),
		0);
	rx = watch(ctx, a.cluster);
	for (cuts = 1; !cut_in_time(ctx, rx); cuts++) {
		must(cuts < 10); /* the machine may have paused */
		nats_server_go_on(&server);
		await_told(ctx, rx, HEPH_MEMBER_JOINED, "a");
	}
	must_be(heph_cluster_register(ctx, a.cluster, adder, adder_new(ctx, 5), "x"),
		-ENOLINK);
	must_be(heph_cluster_whereis(heph_within(ctx, 10 * HEPH_MSEC), a.cluster,
				     adder, "mine", &ref),
		-ETIME);
	nats_server_go_on(&server);
	await_told(ctx, rx, HEPH_MEMBER_JOINED, "a");
	must_be(heph_cluster_await_name(heph_within(ctx, patience()), a.cluster,
					adder, "mine", &ref),
		0);
	must_be(add(ctx, ref, 1), 6);
	must_be(heph_cluster_stats(ctx, a.cluster, &stats), 0);
	must_be(stats.cuts, cuts);
	side_down(ctx, &a);
	heph_chan_free(rx);
	return 0;
}

static void one_that_is_cut_off_knows_it_first(void **state)
{
	run(cut, NULL);
}

/* Shorter than a lease: nobody notices. Longer: all join again. */
static int restarted(heph_ctx ctx, act_inbox in, void *arg)
{
	told_receiver rx;
	struct side a, b;
	adder_ref ref;

	side_up(ctx, &a, "a", 6 * HEPH_SEC);
	side_up(ctx, &b, "b", LEASE);
	rx = watch(ctx, b.cluster);
	must_be(heph_cluster_register(ctx, a.cluster, adder, adder_new(ctx, 5),
				      "mine"),
		0);
	must_be(heph_cluster_await_name(ctx, b.cluster, adder, "mine", &ref), 0);
	must_be(add(ctx, ref, 1), 6);
	nats_server_kill(&server);
	await_told(ctx, rx, HEPH_MEMBER_CUT, "b");
	nats_server_restart(&server);
	await_told(ctx, rx, HEPH_MEMBER_JOINED, "b");
	await_members(ctx, b.cluster, 2);
	await_members(ctx, a.cluster, 2);
	must_be(heph_cluster_await_name(heph_within(ctx, patience()), b.cluster,
					adder, "mine", &ref),
		0);
	must_be(add(ctx, ref, 1), 7);
	side_down(ctx, &b);
	side_down(ctx, &a);
	heph_chan_free(rx);
	return 0;
}

static void all_recovers_when_the_broker_does(void **state)
{
	run(restarted, NULL);
}

/* What was stored is gone: all are cut off, join again, and take back what they had. */
static int lost_store(heph_ctx ctx, act_inbox in, void *arg)
{
	told_receiver rx_a, rx_b;
	struct side a, b;
	adder_ref ref;

	side_up(ctx, &a, "a", LEASE);
	side_up(ctx, &b, "b", LEASE);
	rx_a = watch(ctx, a.cluster);
	rx_b = watch(ctx, b.cluster);
	must_be(heph_cluster_register(ctx, a.cluster, adder, adder_new(ctx, 5),
				      "mine"),
		0);
	nats_server_kill(&server);
	nats_server_forget(&server);
	nats_server_restart(&server);
	await_told(ctx, rx_a, HEPH_MEMBER_JOINED, "a");
	await_told(ctx, rx_b, HEPH_MEMBER_JOINED, "b");
	await_members(ctx, a.cluster, 2);
	await_members(ctx, b.cluster, 2);
	must_be(heph_cluster_await_name(heph_within(ctx, patience()), b.cluster,
					adder, "mine", &ref),
		0);
	must_be(add(ctx, ref, 1), 6);
	side_down(ctx, &b);
	side_down(ctx, &a);
	heph_chan_free(rx_a);
	heph_chan_free(rx_b);
	return 0;
}

static void a_store_that_was_lost_is_made_again(void **state)
{
	run(lost_store, NULL);
}

/* ---- what is not ours ----------------------------------------------------------------------------- */

static void put_raw(const char *key, const char *value)
{
	natsConnection *conn = NULL;
	jsCtx *js = NULL;
	kvStore *kv = NULL;

	must(natsConnection_ConnectTo(&conn, server.url) == NATS_OK);
	must(natsConnection_JetStream(&js, conn, NULL) == NATS_OK);
	must(js_KeyValue(&kv, js, "heph_cluster") == NATS_OK);
	must(kvStore_PutString(NULL, kv, key, value) == NATS_OK);
	kvStore_Destroy(kv);
	jsCtx_Destroy(js);
	natsConnection_Destroy(conn);
}

static void publish_raw(const char *subject, const char *value)
{
	natsConnection *conn = NULL;

	must(natsConnection_ConnectTo(&conn, server.url) == NATS_OK);
	must(natsConnection_PublishString(conn, subject, value) == NATS_OK);
	must(natsConnection_FlushTimeout(conn, 5000) == NATS_OK);
	natsConnection_Destroy(conn);
}

static int garbage(heph_ctx ctx, act_inbox in, void *arg)
{
	static const char *const keys[] = { "member.x", "name.x", "lease.x", "y",
					    "member.a=b", "name.long" };
	static const char *const values[] = {
		"", "x", "{}", "[]", "{\"v\":1}", "\xff\xfe",
		"{\"v\":1,\"id\":\"zz\",\"term\":1,\"lease_ms\":1000}",
		"{\"v\":1,\"id\":\"0123456789abcdef\",\"term\":-1,\"lease_ms\":1}",
		"{\"v\":1,\"id\":\"0123456789abcdef\",\"term\":1,\"lease_ms\":0}",
		"{\"v\":2,\"id\":\"0123456789abcdef\",\"term\":1,\"lease_ms\":9}",
		"{\"v\":1,\"id\":\"0123456789abcdef\",\"term\":1,\"lease_ms\":9,\"x\":1}",
	};
	struct heph_cluster_stats stats;
	struct heph_lease lease;
	heph_time until = heph_now() + patience();
	char deep[1000] = "";
	adder_ref ref;
	struct side a, b;

	side_up(ctx, &a, "a", LEASE);
	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++)
		for (size_t j = 0; j < sizeof(values) / sizeof(*values); j++)
			put_raw(keys[i], values[j]);
	/* Stacks of actors are small. */
	memset(deep, '[', sizeof(deep) - 1);
	put_raw("name.deep", deep);
	publish_raw("heph.registry.member.a", "{}");
	publish_raw("heph.registry.", "");
	do
		must_be(heph_cluster_stats(ctx, a.cluster, &stats), 0);
	while (stats.refused < 6 && heph_now() < until &&
	       heph_sleep(ctx, HEPH_MSEC) == 0);
	must(stats.refused >= 6);
	must_be(heph_cluster_whereis(ctx, a.cluster, adder, "deep", &ref), -EPROTO);
	await_members(ctx, a.cluster, 1);
	must_be(heph_cluster_whereis(ctx, a.cluster, adder, "x", &ref), -EPROTO);
	must_be(heph_cluster_register(ctx, a.cluster, adder, adder_new(ctx, 1), "x"),
		-EPROTO);
	must_be(heph_cluster_lease(ctx, a.cluster, "x", &lease), -EPROTO);
	must_be(side_join(ctx, &b, "x", LEASE), -EPROTO);
	side_down(ctx, &a);
	return 0;
}

static void what_is_not_ours_is_refused(void **state)
{
	run(garbage, NULL);
}

/* ---- brokers that will not do ---------------------------------------------------------------------- */

static int without_store(heph_ctx ctx, act_inbox in, void *arg)
{
	struct side a;

	must_be(heph_nats_connect(ctx, &a.nats, .url = arg, .wait = 400 * HEPH_MSEC), 0);
	must_be(heph_node_start(ctx, &a.node, .name = "a"), 0);
	must_be(heph_cluster_join(ctx, &a.cluster, a.nats, a.node), -ENOTSUP);
	return 0;
}

static void a_broker_without_jetstream_will_not_do(void **state)
{
	struct nats_server plain = { .no_store = true };

	(void)state;
	nats_server_start_as(&plain, NULL);
	run(without_store, plain.url);
	nats_server_end(&plain);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(members_come_and_go),
		cmocka_unit_test(a_name_is_one_members),
		cmocka_unit_test(one_that_is_killed_is_down),
		cmocka_unit_test(one_that_stands_still_is_down_and_comes_back),
		cmocka_unit_test(one_that_is_cut_off_knows_it_first),
		cmocka_unit_test(all_recovers_when_the_broker_does),
		cmocka_unit_test(a_store_that_was_lost_is_made_again),
		cmocka_unit_test(what_is_not_ours_is_refused),
		cmocka_unit_test(a_broker_without_jetstream_will_not_do),
	};

	child_main(argc, argv);
	if (getenv("TEST_ONLY"))
		cmocka_set_test_filter(getenv("TEST_ONLY"));
	return cmocka_run_group_tests(tests, start_server, end_server);
}
