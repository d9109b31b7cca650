/* SPDX-License-Identifier: MIT */
/* Leases: one in the cluster holds each, in turns, with tokens that rise. */
#include "cluster_sides.h"

static const heph_time LEASE = HEPH_SEC;

/* ---- one after the other -------------------------------------------------------------- */

static int hold(heph_ctx ctx, act_inbox in, void *arg)
{
	struct heph_lease lease, other, old;
	struct side a;

	side_up(ctx, &a, "a", 6 * HEPH_SEC);
	must_be(heph_cluster_lease(ctx, a.cluster, "db/1", &lease), 0);
	must_be(heph_cluster_holds(ctx, a.cluster, &lease), 1);
	must_be(heph_cluster_lease(heph_within(ctx, 20 * HEPH_MSEC), a.cluster, "db/1",
				   &other),
		-ETIME);
	must_be(heph_cluster_lease(ctx, a.cluster, "db/2", &other), 0);
	must(other.token > lease.token);
	must_be(heph_cluster_release(ctx, a.cluster, &lease), 0);
	must_be(heph_cluster_release(ctx, a.cluster, &lease), -ENOENT);
	must_be(heph_cluster_holds(ctx, a.cluster, &lease), 0);
	must_be(heph_cluster_holds(ctx, a.cluster, &other), 1);
	old = lease;
	must_be(heph_cluster_lease(ctx, a.cluster, "db/1", &lease), 0);
	must(lease.token > other.token);
	must_be(heph_cluster_holds(ctx, a.cluster, &old), 0);
	must_be(heph_cluster_release(ctx, a.cluster, &old), -ENOENT);
	must_be(heph_cluster_lease(ctx, a.cluster, "a b", &other), -EINVAL);
	must_be(heph_cluster_lease(ctx, a.cluster, "", &other), -EINVAL);
	side_down(ctx, &a);
	must_be(heph_cluster_holds(ctx, a.cluster, &lease), -ESRCH);
	return 0;
}

static void a_lease_is_held_once(void **state)
{
	run(hold, NULL);
}

/* ---- many who want it ---------------------------------------------------------------------- */

enum { WORKERS = 8, TURNS = 10 };

struct shared {
	struct side sides[2];
	_Atomic int inside, turns;
	_Atomic uint64_t token;
};

static int take_turns(heph_ctx ctx, act_inbox in, void *arg)
{
	struct shared *shared = arg;
	struct heph_cluster *cluster =
		&shared->sides[heph_worker(ctx) % 2].cluster;
	struct heph_lease lease;

	for (int i = 0; i < TURNS; i++) {
		must_be(heph_cluster_lease(heph_within(ctx, patience()), *cluster,
					   "boss", &lease),
			0);
		must_be(shared->inside++, 0);
		must(lease.token > shared->token);
		shared->token = lease.token;
		must_be(heph_yield(ctx), 0);
		must_be(heph_cluster_holds(ctx, *cluster, &lease), 1);
		shared->turns++;
		must_be(shared->inside--, 1);
		must_be(heph_cluster_release(ctx, *cluster, &lease), 0);
	}
	return 0;
}

static int turns(heph_ctx ctx, act_inbox in, void *arg)
{
	struct shared *shared = heph_alloc(ctx, sizeof(*shared));
	act_ref workers[WORKERS];

	side_up(ctx, &shared->sides[0], "a", 6 * HEPH_SEC);
	side_up(ctx, &shared->sides[1], "b", 6 * HEPH_SEC);
	for (int i = 0; i < WORKERS; i++)
		workers[i] = spawn_on(ctx, HEPH_WORKER(i % 2), take_turns, shared);
	for (int i = 0; i < WORKERS; i++)
		must_be(heph_join(ctx, workers[i], NULL), 0);
	must_be(shared->turns, WORKERS * TURNS);
	side_down(ctx, &shared->sides[1]);
	side_down(ctx, &shared->sides[0]);
	return 0;
}

static void many_hold_it_in_turns_with_tokens_that_rise(void **state)
{
	run(turns, NULL);
}

/* ---- losing it ------------------------------------------------------------------------------- */

static int hold_and_end(heph_ctx ctx, act_inbox in, void *arg)
{
	struct side *side = arg;
	struct heph_lease lease;
	struct act_msg msg;

	must_be(heph_cluster_lease(ctx, side->cluster, "boss", &lease), 0);
	while (heph_recv(ctx, in, &msg) == 0)
		heph_answer(msg.answer, msg.n + 1);
	return 0;
}

static int ends(heph_ctx ctx, act_inbox in, void *arg)
{
	struct side *sides = heph_alloc(ctx, 2 * sizeof(*sides));
	struct heph_lease lease;
	act_ref holder;

	side_up(ctx, &sides[0], "a", 6 * HEPH_SEC);
	side_up(ctx, &sides[1], "b", 6 * HEPH_SEC);
	holder = spawn_on(ctx, HEPH_HERE, hold_and_end, &sides[0]);
	sync_with(ctx, holder);
	must_be(heph_cluster_lease(heph_within(ctx, 20 * HEPH_MSEC), sides[1].cluster,
				   "boss", &lease),
		-ETIME);
	stop_and_join(ctx, holder);
	must_be(heph_cluster_lease(heph_within(ctx, patience()), sides[1].cluster,
				   "boss", &lease),
		0);
	/* The node leaves. */
	side_down(ctx, &sides[1]);
	must_be(heph_cluster_lease(heph_within(ctx, patience()), sides[0].cluster,
				   "boss", &lease),
		0);
	side_down(ctx, &sides[0]);
	return 0;
}

static void it_ends_with_who_holds_it(void **state)
{
	run(ends, NULL);
}

static int killed(heph_ctx ctx, act_inbox in, void *arg)
{
	static const struct child_job job = { .name = "mortal",
					      .lease = LEASE,
					      .boss = true };
	struct heph_lease before, lease;
	struct child child;
	heph_time began;
	struct side a;

	side_up(ctx, &a, "a", 6 * HEPH_SEC);
	must_be(heph_cluster_lease(ctx, a.cluster, "boss", &before), 0);
	must_be(heph_cluster_release(ctx, a.cluster, &before), 0);
	child = child_start(&job);
	must_be(heph_cluster_lease(heph_within(ctx, 20 * HEPH_MSEC), a.cluster, "boss",
				   &lease),
		-ETIME);
	began = heph_now();
	kill(child.pid, SIGSTOP); /* it will go on, and must not think that it holds it */
	must_be(heph_cluster_lease(heph_within(ctx, patience()), a.cluster, "boss",
				   &lease),
		0);
	/* Not before the other one's own time was over. */
	must(heph_now() - began > LEASE / 2);
	must(lease.token > before.token);
	must_be(heph_cluster_holds(ctx, a.cluster, &lease), 1);
	child_kill(&child);
	side_down(ctx, &a);
	return 0;
}

static void it_is_taken_from_the_dead(void **state)
{
	run(killed, NULL);
}

/* Cut off: it is lost at once, and not taken back. */
static int cut(heph_ctx ctx, act_inbox in, void *arg)
{
	struct heph_lease lease, next;
	told_receiver rx;
	struct side a;

	side_up(ctx, &a, "a", LEASE);
	rx = watch(ctx, a.cluster);
	must_be(heph_cluster_lease(ctx, a.cluster, "boss", &lease), 0);
	nats_server_pause(&server);
	await_told(ctx, rx, HEPH_MEMBER_CUT, "a");
	must_be(heph_cluster_holds(ctx, a.cluster, &lease), 0);
	must_be(heph_cluster_lease(ctx, a.cluster, "other", &next), -ENOLINK);
	must_be(heph_cluster_release(ctx, a.cluster, &lease), -ENOENT);
	nats_server_go_on(&server);
	await_told(ctx, rx, HEPH_MEMBER_JOINED, "a");
	must_be(heph_cluster_holds(ctx, a.cluster, &lease), 0);
	must_be(heph_cluster_lease(heph_within(ctx, patience()), a.cluster, "boss",
				   &next),
		0);
	must(next.token > lease.token);
	side_down(ctx, &a);
	heph_chan_free(rx);
	return 0;
}

static void it_is_lost_by_who_is_cut_off(void **state)
{
	run(cut, NULL);
}

/* Tokens rise also when all that was stored is gone. */
static int lost_store(heph_ctx ctx, act_inbox in, void *arg)
{
	struct heph_lease lease, next;
	told_receiver rx;
	struct side a;

	side_up(ctx, &a, "a", LEASE);
	rx = watch(ctx, a.cluster);
	for (int i = 0; i < 20; i++) {
		must_be(heph_cluster_lease(ctx, a.cluster, "boss", &lease), 0);
		must_be(heph_cluster_release(ctx, a.cluster, &lease), 0);
	}
	must_be(heph_cluster_lease(ctx, a.cluster, "boss", &lease), 0);
	nats_server_kill(&server);
	nats_server_forget(&server);
	nats_server_restart(&server);
	await_told(ctx, rx, HEPH_MEMBER_JOINED, "a");
	must_be(heph_cluster_holds(ctx, a.cluster, &lease), 0);
	must_be(heph_cluster_lease(heph_within(ctx, patience()), a.cluster, "boss",
				   &next),
		0);
	must(next.token > lease.token);
	side_down(ctx, &a);
	heph_chan_free(rx);
	return 0;
}

static void tokens_rise_beyond_a_lost_store(void **state)
{
	run(lost_store, NULL);
}

/* The broker is killed and comes back, while it is held, and while it is waited for. */
static int restarted(heph_ctx ctx, act_inbox in, void *arg)
{
	struct side *sides = heph_alloc(ctx, 2 * sizeof(*sides));
	struct heph_lease lease;
	act_ref holder;

	side_up(ctx, &sides[0], "a", 20 * HEPH_SEC);
	side_up(ctx, &sides[1], "b", 20 * HEPH_SEC);
	must_be(heph_cluster_lease(ctx, sides[1].cluster, "boss", &lease), 0);
	holder = spawn_on(ctx, HEPH_HERE, hold_and_end, &sides[0]);
	nats_server_kill(&server);
	nats_server_restart(&server);
	must_be(heph_cluster_holds(ctx, sides[1].cluster, &lease), 1);
	must_be(heph_cluster_release(ctx, sides[1].cluster, &lease), 0);
	sync_with(ctx, holder); /* it has got it */
	stop_and_join(ctx, holder);
	side_down(ctx, &sides[1]);
	side_down(ctx, &sides[0]);
	return 0;
}

static void it_outlives_the_broker(void **state)
{
	run(restarted, NULL);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_lease_is_held_once),
		cmocka_unit_test(many_hold_it_in_turns_with_tokens_that_rise),
		cmocka_unit_test(it_ends_with_who_holds_it),
		cmocka_unit_test(it_is_taken_from_the_dead),
		cmocka_unit_test(it_is_lost_by_who_is_cut_off),
		cmocka_unit_test(tokens_rise_beyond_a_lost_store),
		cmocka_unit_test(it_outlives_the_broker),
	};

	child_main(argc, argv);
	if (getenv("TEST_ONLY"))
		cmocka_set_test_filter(getenv("TEST_ONLY"));
	return cmocka_run_group_tests(tests, start_server, end_server);
}
