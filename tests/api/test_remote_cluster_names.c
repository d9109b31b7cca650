/* SPDX-License-Identifier: MIT */
/* Names in a cluster: they are found, one has each, and they move. */
#include "cluster_sides.h"

static const heph_time LEASE = HEPH_SEC;

static int await_adder(heph_ctx ctx, struct side *side, const char *name,
		       adder_ref *ret_ref)
{
	return heph_cluster_await_name(heph_within(ctx, patience()),
				       side->cluster, adder, name, ret_ref);
}

/* ---- finding ------------------------------------------------------------------------ */

static int find(heph_ctx ctx, act_inbox in, void *arg)
{
	struct side a, b;
	adder_ref real, ref, other;
	stranger_ref strange, odd;

	side_up(ctx, &a, "a", 6 * HEPH_SEC);
	side_up(ctx, &b, "b", 6 * HEPH_SEC);
	real = adder_new(ctx, 10);
	other = adder_new(ctx, 20);
	must_be(heph_spawn(ctx, stranger, &strange), 0);
	must_be(heph_cluster_whereis(ctx, b.cluster, adder, "one", &ref), -ENOENT);
	must_be(heph_cluster_register(ctx, a.cluster, adder, real, "one"), 0);
	must_be(heph_cluster_register(ctx, a.cluster, adder, real, "one"), 0);
	must_be(heph_cluster_register(ctx, a.cluster, adder, other, "one"), -EEXIST);
	must_be(heph_cluster_register(ctx, b.cluster, adder, other, "one"), -EEXIST);
	/* At home it is the actor itself, elsewhere a proxy. */
	must_be(heph_cluster_whereis(ctx, a.cluster, adder, "one", &ref), 0);
	must(heph_same(ref, real));
	must_be(await_adder(ctx, &b, "one", &ref), 0);
	must(!heph_same(ref, real));
	must_be(add(ctx, ref, 1), 11);
	must_be(heph_cluster_whereis(ctx, b.cluster, adder, "one", &ref), 0);
	must_be(add(ctx, ref, 1), 12);
	must_be(heph_cluster_whereis(ctx, b.cluster, stranger, "one", &odd),
		-EPROTOTYPE);
	must_be(heph_cluster_unregister(ctx, b.cluster, "one"), -ENOENT);
	must_be(heph_cluster_unregister(ctx, a.cluster, "one"), 0);
	must_be(heph_cluster_unregister(ctx, a.cluster, "one"), -ENOENT);
	must_be(heph_cluster_whereis(ctx, a.cluster, adder, "one", &ref), -ENOENT);
	must_be(heph_cluster_register(ctx, b.cluster, adder, other, "one"), 0);
	must_be(await_adder(ctx, &a, "one", &ref), 0);
	must_be(add(ctx, ref, 1), 21);
	side_down(ctx, &b);
	side_down(ctx, &a);
	return 0;
}

static void names_are_found_everywhere(void **state)
{
	run(find, NULL);
}

static int odd_names(heph_ctx ctx, act_inbox in, void *arg)
{
	static const char *const good[] = { "a", "a.b", ".", "..", "a/b", "-_-",
					    "9" };
	static const char *const bad[] = { "", "a b", "a*", ">", "\xc3\xa4", "a=b" };
	char large[202];
	adder_ref real, ref;
	struct side a;

	memset(large, 'x', sizeof(large));
	large[201] = 0;
	side_up(ctx, &a, "a", 6 * HEPH_SEC);
	real = adder_new(ctx, 10);
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		must_be(heph_cluster_register(ctx, a.cluster, adder, real, good[i]),
			0);
		must_be(heph_cluster_whereis(ctx, a.cluster, adder, good[i], &ref),
			0);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		must_be(heph_cluster_register(ctx, a.cluster, adder, real, bad[i]),
			-EINVAL);
		must_be(heph_cluster_whereis(ctx, a.cluster, adder, bad[i], &ref),
			-EINVAL);
	}
	must_be(heph_cluster_register(ctx, a.cluster, adder, real, large), -EINVAL);
	must_be(heph_cluster_whereis(ctx, a.cluster, adder, large, &ref), -EINVAL);
	must_be(heph_cluster_unregister(ctx, a.cluster, large), -ENOENT);
	large[200] = 0;
	must_be(heph_cluster_register(ctx, a.cluster, adder, real, large), 0);
	must_be(heph_cluster_whereis(ctx, a.cluster, adder, large, &ref), 0);
	side_down(ctx, &a);
	return 0;
}

static void names_are_of_some_bytes(void **state)
{
	run(odd_names, NULL);
}

/* ---- how long ------------------------------------------------------------------------- */

/* Registers what it is given, and lives until it gets a message. */
struct errand {
	struct side side; /* not a pointer: those are on the stack of an actor */
	adder_ref ref;
	const char *name;
};

static int keep_name(heph_ctx ctx, act_inbox in, void *arg)
{
	struct errand *errand = arg;
	struct act_msg msg;

	must_be(heph_cluster_register(ctx, errand->side.cluster, adder, errand->ref,
				      errand->name),
		0);
	must_be(heph_recv(ctx, in, &msg), 0);
	heph_answer(msg.answer, 2);
	return 0;
}

static void await_nobody(heph_ctx ctx, struct side *side, const char *name)
{
	heph_time until = heph_now() + patience();
	adder_ref ref;
	int err;

	do
		err = heph_cluster_whereis(ctx, side->cluster, adder, name, &ref);
	while (err == 0 && heph_now() < until && heph_sleep(ctx, HEPH_MSEC) == 0);
	must_be(err, -ENOENT);
}

static int ends(heph_ctx ctx, act_inbox in, void *arg)
{
	struct side a, b;
	struct errand *errand = heph_alloc(ctx, sizeof(*errand));
	adder_ref real, ref;
	act_ref keeper;

	side_up(ctx, &a, "a", 6 * HEPH_SEC);
	side_up(ctx, &b, "b", 6 * HEPH_SEC);
	real = adder_new(ctx, 10);
	/* The actor ends. */
	must_be(heph_cluster_register(ctx, a.cluster, adder, real, "one"), 0);
	must_be(await_adder(ctx, &b, "one", &ref), 0);
	heph_stop(real);
	await_nobody(ctx, &b, "one");
	must_be(heph_cluster_register(ctx, a.cluster, adder, real, "one"), -ESRCH);
	/* Who has registered it ends. */
	*errand = (struct errand){ a, adder_new(ctx, 10), "two" };
	keeper = spawn_on(ctx, HEPH_HERE, keep_name, errand);
	must_be(await_adder(ctx, &b, "two", &ref), 0);
	sync_with(ctx, keeper);
	await_nobody(ctx, &b, "two");
	/* The node leaves. */
	must_be(heph_cluster_register(ctx, a.cluster, adder, errand->ref, "three"), 0);
	must_be(await_adder(ctx, &b, "three", &ref), 0);
	side_down(ctx, &a);
	await_nobody(ctx, &b, "three");
	side_down(ctx, &b);
	return 0;
}

static void names_end_with_whom_they_are_of(void **state)
{
	run(ends, NULL);
}

/* ---- waiting ---------------------------------------------------------------------------- */

static int wait_for_it(heph_ctx ctx, act_inbox in, void *arg)
{
	struct errand *errand = arg;
	adder_ref ref;

	must_be(await_adder(ctx, &errand->side, errand->name, &ref), 0);
	must_be(add(ctx, ref, 0), 10);
	return 0;
}

static int waiting(heph_ctx ctx, act_inbox in, void *arg)
{
	struct errand *errand = heph_alloc(ctx, sizeof(*errand));
	struct side a, b;
	act_ref waiters[20];
	adder_ref ref;

	side_up(ctx, &a, "a", 6 * HEPH_SEC);
	side_up(ctx, &b, "b", 6 * HEPH_SEC);
	must_be(heph_cluster_await_name(heph_within(ctx, 5 * HEPH_MSEC), b.cluster,
					adder, "late", &ref),
		-ETIME);
	*errand = (struct errand){ b, { { { 0 } } }, "late" };
	for (int i = 0; i < 20; i++)
		waiters[i] = spawn_on(ctx, HEPH_HERE, wait_for_it, errand);
	must_be(heph_sleep(ctx, 5 * HEPH_MSEC), 0);
	must_be(heph_cluster_register(ctx, a.cluster, adder, adder_new(ctx, 10),
				      "late"),
		0);
	for (int i = 0; i < 20; i++)
		must_be(heph_join(ctx, waiters[i], NULL), 0);
	side_down(ctx, &b);
	side_down(ctx, &a);
	return 0;
}

static void names_are_waited_for(void **state)
{
	run(waiting, NULL);
}

/* ---- two at a time ------------------------------------------------------------------------- */

enum { ROUNDS = 100 };

struct racer {
	struct side side;
	adder_ref ref;
	char name[32];
	int err;
};

static int race_once(heph_ctx ctx, act_inbox in, void *arg)
{
	struct racer *racer = arg;
	struct act_msg msg;

	racer->err = heph_cluster_register(ctx, racer->side.cluster, adder,
					   racer->ref, racer->name);
	must_be(heph_recv(ctx, in, &msg), 0);
	heph_answer(msg.answer, msg.n + 1);
	must_be(heph_recv(ctx, in, &msg), 0);
	heph_answer(msg.answer, msg.n + 1);
	return 0;
}

/* One wins, and both see the same one. */
static int race(heph_ctx ctx, act_inbox in, void *arg)
{
	struct side sides[2];
	struct racer *racers = heph_alloc(ctx, 2 * sizeof(*racers));
	int won[2] = { 0, 0 };
	act_ref refs[2];
	adder_ref ref;

	side_up(ctx, &sides[0], "a", 6 * HEPH_SEC);
	side_up(ctx, &sides[1], "b", 6 * HEPH_SEC);
	for (int i = 0; i < 2; i++)
		racers[i].ref = adder_new(ctx, 1000 * i);
	for (int round = 0; round < ROUNDS; round++) {
		for (int i = 0; i < 2; i++) {
			racers[i].side = sides[i];
			snprintf(racers[i].name, sizeof(racers[i].name), "race-%d",
				 round % 3);
			refs[i] = spawn_on(ctx, HEPH_WORKER((i + round) % 2),
					   race_once, &racers[i]);
		}
		for (int i = 0; i < 2; i++)
			sync_with(ctx, refs[i]);
		must_be((racers[0].err == 0) + (racers[1].err == 0), 1);
		must_be(racers[0].err + racers[1].err, -EEXIST);
		won[racers[1].err == 0]++;
		for (int i = 0; i < 2; i++) {
			must_be(await_adder(ctx, &sides[i], racers[0].name, &ref), 0);
			must_be(add(ctx, ref, 0), racers[1].err == 0 ? 1000 : 0);
		}
		for (int i = 0; i < 2; i++) {
			sync_with(ctx, refs[i]);
			must_be(heph_join(ctx, refs[i], NULL), 0);
		}
		for (int i = 0; i < 2; i++)
			await_nobody(ctx, &sides[i], racers[0].name);
	}
	must_be(won[0] + won[1], ROUNDS);
	side_down(ctx, &sides[1]);
	side_down(ctx, &sides[0]);
	return 0;
}

static void of_two_one_gets_a_name(void **state)
{
	run(race, NULL);
}

/* ---- moving ------------------------------------------------------------------------------------ */

/* Its node is killed: somebody else can have it when the dead one counts as dead. */
static int move(heph_ctx ctx, act_inbox in, void *arg)
{
	static const struct child_job job = { .name = "mortal",
					      .lease = LEASE,
					      .sum = 100 };
	adder_ref real, ref, moved;
	heph_time until = heph_now() + patience();
	struct child child;
	struct side a, b;
	int64_t sum;
	int err;

	side_up(ctx, &a, "a", LEASE);
	side_up(ctx, &b, "b", LEASE);
	child = child_start(&job);
	must_be(await_adder(ctx, &b, "counter", &ref), 0);
	must_be(add(ctx, ref, 1), 101);
	real = adder_new(ctx, 200);
	must_be(heph_cluster_register(ctx, a.cluster, adder, real, "counter"),
		-EEXIST);
	child_kill(&child);
	err = heph_call(heph_within(ctx, 10 * HEPH_SEC), ref, sum, &sum, { .n = 1 });
	must(err == -EHOSTDOWN || err == -EPIPE || err == -ESRCH);
	do
		err = heph_cluster_register(ctx, a.cluster, adder, real, "counter");
	while ((err == -EEXIST || err == -ENOLINK) && heph_now() < until &&
	       heph_sleep(ctx, 5 * HEPH_MSEC) == 0);
	must_be(err, 0);
	must_be(await_adder(ctx, &b, "counter", &moved), 0);
	while (heph_cluster_whereis(ctx, b.cluster, adder, "counter", &moved) != 0)
		must_be(heph_sleep(ctx, HEPH_MSEC), 0);
	must_be(add(ctx, moved, 1), 201);
	side_down(ctx, &b);
	side_down(ctx, &a);
	return 0;
}

static void names_of_the_dead_move(void **state)
{
	run(move, NULL);
}

/* ---- a broker that stands still ------------------------------------------------------------------- */

static void impatient_up(heph_ctx ctx, struct side *side, const char *name)
{
	must_be(heph_nats_connect(ctx, &side->nats, .url = server.url,
				  .wait = 300 * HEPH_MSEC),
		0);
	must_be(heph_node_start(ctx, &side->node, .name = name), 0);
	must_be(heph_cluster_join(ctx, &side->cluster, side->nats, side->node,
				  .lease = 60 * HEPH_SEC),
		0);
}

/* It is stored when the broker goes on, though nobody waits for it any more. */
static int register_in_vain(heph_ctx ctx, act_inbox in, void *arg)
{
	heph_time until;
	struct side a, b;
	adder_ref ref;
	int err;

	impatient_up(ctx, &a, "a");
	side_up(ctx, &b, "b", 60 * HEPH_SEC);
	ref = adder_new(ctx, 0);
	nats_server_pause(&server);
	must_be(heph_cluster_register(ctx, a.cluster, adder, ref, "x"), -ENOTCONN);
	nats_server_go_on(&server);
	until = heph_now() + 25 * HEPH_SEC; /* less than half of a lease */
	do {
		err = heph_cluster_register(ctx, b.cluster, adder, ref, "x");
		must(heph_now() < until);
	} while (err == -EEXIST && heph_sleep(ctx, 20 * HEPH_MSEC) == 0);
	must_be(err, 0);
	side_down(ctx, &b);
	side_down(ctx, &a);
	return 0;
}

static void what_was_not_got_is_given_back(void **state)
{
	run(register_in_vain, NULL);
}

/* ---- a connection that ends ----------------------------------------------------------------------- */

static int lose_connection(heph_ctx ctx, act_inbox in, void *arg)
{
	heph_ctx soon;
	heph_ref nats, cluster;
	adder_ref ref;
	told_receiver rx;
	struct side a;
	int err;

	/* Nobody can say that it leaves: its name is not used again. */
	side_up(ctx, &a, "lost", 60 * HEPH_SEC);
	ref = adder_new(ctx, 0);
	must_be(heph_cluster_register(ctx, a.cluster, adder, ref, "z"), 0);
	rx = watch(ctx, a.cluster);
	nats.addr = a.nats.addr;
	cluster.addr = a.cluster.addr;
	heph_stop(nats);
	soon = heph_within(ctx, 30 * HEPH_SEC); /* less than half of a lease */
	must_be(heph_join(soon, nats, NULL), 0);
	await_told(ctx, rx, HEPH_MEMBER_CUT, "lost");
	err = heph_cluster_await_name(soon, a.cluster, adder, "y", &ref);
	must_be(err, -ESRCH);
	must_be(heph_join(soon, cluster, NULL), 0);
	must_be(heph_cluster_whereis(soon, a.cluster, adder, "z", &ref), -ESRCH);
	must_be(heph_cluster_store(soon, a.cluster, adder, "box", NULL, { .n = 1 }),
		-ESRCH);
	heph_chan_free(rx);
	return 0;
}

static void it_ends_with_its_connection(void **state)
{
	run(lose_connection, NULL);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_not_got_is_given_back),
		cmocka_unit_test(names_are_found_everywhere),
		cmocka_unit_test(names_are_of_some_bytes),
		cmocka_unit_test(names_end_with_whom_they_are_of),
		cmocka_unit_test(names_are_waited_for),
		cmocka_unit_test(of_two_one_gets_a_name),
		cmocka_unit_test(names_of_the_dead_move),
		cmocka_unit_test(it_ends_with_its_connection),
	};

	child_main(argc, argv);
	if (getenv("TEST_ONLY"))
		cmocka_set_test_filter(getenv("TEST_ONLY"));
	return cmocka_run_group_tests(tests, start_server, end_server);
}
