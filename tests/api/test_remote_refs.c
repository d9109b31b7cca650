/* SPDX-License-Identifier: MIT */
/* References to actors of other nodes: all that can be done with a reference. */
#include "nodes.h"

/* ---- messages and calls -------------------------------------------------------------- */

static int talk(heph_ctx ctx, struct nodes *nodes)
{
	doer_ref real, proxy = doer_at_b(ctx, nodes, "one", 0, &real), again;
	int64_t sum;

	for (int i = 1; i <= 500; i++) /* more than fit anywhere */
		must_be(heph_send(ctx, proxy, { .deed = ADD, .n = i }), 0);
	must_be(sum_of(ctx, proxy), 500 * 501 / 2);
	must_be(sum_of(ctx, real), 500 * 501 / 2);
	must_be(heph_node_whereis(ctx, nodes->a, "b", doer, "one", &again), 0);
	must(heph_same(again, proxy));
	for (int i = 1; i <= 300; i++) { /* calls and sends, in turns */
		must_be(heph_send(ctx, proxy, { .deed = MARK, .n = 2 * i - 1 }),
			0);
		must_be(heph_call(ctx, proxy, answer, &sum,
				  { .deed = MARK, .n = 2 * i }),
			0);
		must_be(sum, 2 * i);
	}
	stop_and_join(ctx, (act_ref){ .addr = real.addr });
	return 0;
}

static void take_messages_and_calls(void **state)
{
	(void)state;
	run_nodes(talk);
}

static int travel(heph_ctx ctx, struct nodes *nodes)
{
	doer_ref real, proxy = doer_at_b(ctx, nodes, "one", 0, &real);
	doer_ref mine, who, made, list[2];
	doer_ref *owned = malloc(sizeof(list));
	int64_t sum;

	must_be(heph_spawn(ctx, doer, &mine, { 0 }), 0);
	/* One of mine goes there, is used there, and comes home as itself. */
	must_be(heph_call(ctx, proxy, answer, &sum,
			  { .deed = TELL, .n = 5, .to = mine }),
		0);
	must_be(sum, 5);
	must_be(heph_call(ctx, proxy, who, &who, { .deed = KNOW }), 0);
	must(heph_same(who, mine));
	must_be(heph_call(ctx, real, who, &who, { .deed = KNOW }), 0);
	must(!heph_same(who, mine)); /* there it is a proxy */
	must_be(heph_send(ctx, who, { .deed = ADD, .n = 7 }), 0);
	must_be(sum_of(ctx, who), 12);
	must_be(sum_of(ctx, mine), 12);

	/* One that is made there is an answer. */
	must_be(heph_call(ctx, proxy, who, &made, { .deed = MAKE, .n = 100 }), 0);
	must_be(sum_of(ctx, made), 100);
	must_be(heph_call(ctx, proxy, answer, &sum,
			  { .deed = TELL, .n = 1, .to = made }),
		0);
	must_be(sum, 101);
	must_be(heph_call(ctx, proxy, who, &who, { .deed = KNOW }), 0);
	must(heph_same(who, made));

	/* In lists. */
	list[0] = mine, list[1] = made;
	memcpy(owned, list, sizeof(list));
	must_be(heph_send(ctx, proxy,
			  { .deed = ADD, .n = 1000, .list = owned, .n_list = 2 }),
		0);
	must_be(sum_of(ctx, proxy), 1000);
	must_be(sum_of(ctx, made), 1101);
	must_be(sum_of(ctx, mine), 1012);

	heph_stop(mine);
	heph_stop(real);
	must_be(heph_join(ctx, real, NULL), 0);
	must_be(heph_join(ctx, made, NULL), 0);
	return 0;
}

static void travel_in_messages_and_come_home(void **state)
{
	(void)state;
	run_nodes(travel);
}

/* ---- errors ------------------------------------------------------------------------------ */

static int failures(heph_ctx ctx, struct nodes *nodes)
{
	doer_ref real, proxy = doer_at_b(ctx, nodes, "one", 0, &real);
	HEPH_PENDING(int64_t) pending;
	struct heph_exit why;
	heph_time begun;
	other_ref other, wrong;
	int64_t sum;
	char *text;

	must_be(heph_call(ctx, proxy, answer, &sum,
			  { .deed = REFUSE, .n = -EXDEV }),
		-EXDEV);
	begun = heph_now();
	must_be(heph_call(heph_within(ctx, 30 * HEPH_MSEC), proxy, answer, &sum,
			  { .deed = DROP }),
		-ETIME);
	must(heph_now() - begun >= 30 * HEPH_MSEC);
	text = malloc(70000);
	memset(text, 'x', 69999);
	text[69999] = '\0';
	must_be(heph_call(ctx, proxy, answer, &sum,
			  { .deed = ADD, .text = text }),
		-EMSGSIZE);
	must_be(heph_start_call(ctx, proxy, answer, &pending, { .deed = KEEP }),
		0);
	must_be(heph_send(ctx, proxy, { .deed = END, .n = -EBADF }), 0);
	must_be(heph_await(ctx, &pending, &sum), -EPIPE);
	must_be(heph_join(ctx, proxy, &why), 0);
	must(why.err == -EBADF || why.err == -ESRCH);
	must(!heph_alive(proxy));
	must_be(heph_call(ctx, proxy, answer, &sum, { .deed = ADD }), -ESRCH);
	must_be(heph_node_whereis(ctx, nodes->a, "b", doer, "one", &proxy),
		-ENOENT);
	must(!heph_alive(real));

	must_be(heph_spawn(ctx, other, &other), 0);
	must_be(heph_node_export(ctx, nodes->b, other, other, "one"), 0);
	must_be(heph_node_whereis(ctx, nodes->a, "b", doer, "one", &proxy),
		-EPROTOTYPE);
	must_be(heph_node_whereis(ctx, nodes->a, "b", other, "one", &wrong), 0);
	must_be(heph_node_whereis(ctx, nodes->a, "c", other, "one", &wrong),
		-ENOTCONN);
	heph_stop(other);
	return 0;
}

static void fail_by_name(void **state)
{
	(void)state;
	run_nodes(failures);
}

static int lose(heph_ctx ctx, struct nodes *nodes)
{
	doer_ref proxy = doer_at_b(ctx, nodes, "one", 0, NULL);
	HEPH_PENDING(int64_t) pending[10];
	struct heph_node_stats stats;
	struct heph_down down;
	int64_t sum;

	must_be(heph_monitor(ctx, proxy), 0);
	for (int i = 0; i < 10; i++)
		must_be(heph_start_call(ctx, proxy, answer, &pending[i],
					{ .deed = KEEP }),
			0);
	do /* the proxy takes one after the other */
		must_be(heph_node_stats(heph_within(ctx, 10 * HEPH_SEC),
					nodes->a, &stats),
			0);
	while (stats.calls < 10);
	must(stats.calls == 10 && stats.proxies == 1 && stats.exports == 0);
	must_be(heph_node_stats(ctx, nodes->b, &stats), 0);
	must(stats.calls == 0 && stats.proxies == 0 && stats.exports == 1);
	must_be(heph_node_disconnect(ctx, nodes->b, "a"), 0);
	for (int i = 0; i < 10; i++)
		must_be(heph_await(ctx, &pending[i], &sum), -EHOSTDOWN);
	must_be(heph_wait(ctx, heph_on_down(&down)), 0);
	must_be(down.exit.err, -EHOSTDOWN);
	must_be(heph_call(ctx, proxy, answer, &sum, { .deed = ADD }), -ESRCH);
	return 0;
}

static _Atomic unsigned peers_up, peers_down, failures_told;

static void look_at_line(enum heph_log_level level, const char *line,
			 size_t size)
{
	(void)level, (void)size;
	peers_up += strstr(line, "level=info msg=\"peer is up\"") != NULL;
	peers_down += strstr(line, "msg=\"peer is down\"") != NULL;
	failures_told += strstr(line, "msg=\"actor failed\"") != NULL;
}

/* Of the loss there is a line for each node, not one for each reference. */
static void end_when_the_peer_is_lost(void **state)
{
	(void)state;
	heph_log_to_fn(look_at_line);
	heph_log_set_level(HEPH_LOG_INFO);
	run_nodes(lose);
	heph_log_flush();
	heph_log_set_level(HEPH_LOG_OFF);
	heph_log_to_fn(NULL);
	assert_true(peers_up > 0);
	assert_true(peers_down > 0);
	assert_int_equal(failures_told, 0);
}

/* ---- the ends of actors --------------------------------------------------------------------- */

static int linked(heph_ctx ctx, act_inbox in, void *arg)
{
	doer_ref *proxy = arg;

	must_be(heph_link(ctx, *proxy), 0);
	heph_post(*proxy, { .deed = END, .n = -EBADF });
	return idle(ctx, in, NULL);
}

static int ends(heph_ctx ctx, struct nodes *nodes)
{
	doer_ref real, proxy = doer_at_b(ctx, nodes, "one", 0, &real);
	doer_ref kept = proxy, kept_real = real;
	doer_ref *on_heap = malloc(sizeof(*on_heap));
	struct heph_exit why;
	struct heph_down down;
	act_ref act;

	/* A monitor tells how it ended there. */
	proxy = doer_at_b(ctx, nodes, "two", 0, &real);
	must_be(heph_monitor(ctx, proxy), 0);
	must_be(heph_send(ctx, proxy, { .deed = END, .n = -EXDEV }), 0);
	must_be(heph_wait(ctx, heph_on_down(&down)), 0);
	must(down.who.addr.id == proxy.addr.id);
	must_be(down.exit.err, -EXDEV);

	/* A link does. */
	*on_heap = doer_at_b(ctx, nodes, "three", 0, &real);
	act = spawn_on(ctx, HEPH_HERE, linked, on_heap);
	must_be(heph_join(ctx, act, &why), 0);
	must(why.err == -EBADF || why.err == -ESRCH);
	free(on_heap);

	/* It may be stopped only if it was given so. */
	heph_stop(kept);
	must_be(heph_send(ctx, kept, { .deed = ADD, .n = 3 }), 0);
	must_be(sum_of(ctx, kept), 3);
	must(heph_alive(kept_real));
	proxy = doer_at_b(ctx, nodes, "four", HEPH_MAY_STOP, &real);
	heph_stop(proxy);
	must_be(heph_join(ctx, proxy, &why), 0);
	must(why.err == 0 || why.err == -ESRCH);
	must(!heph_alive(real));
	heph_stop(kept_real);
	must_be(heph_join(ctx, kept, NULL), 0);
	return 0;
}

static void end_as_the_actor_does(void **state)
{
	(void)state;
	run_nodes(ends);
}

/* ---- names ------------------------------------------------------------------------------------ */

static int names(heph_ctx ctx, struct nodes *nodes)
{
	doer_ref real, proxy = doer_at_b(ctx, nodes, "one", 0, &real), found;
	uint8_t wire[HEPH_WIRE_REF];
	char *text;

	must_be(heph_node_export(ctx, nodes->b, doer, real, "one"), -EEXIST);
	must_be(heph_node_export(ctx, nodes->b, doer, real, ""), -EINVAL);
	must_be(heph_node_export(ctx, nodes->b, doer, real, "alias"), 0);
	must_be(heph_node_whereis(ctx, nodes->a, "b", doer, "alias", &found), 0);
	must(heph_same(found, proxy));
	must_be(heph_node_whereis(ctx, nodes->b, "b", doer, "alias", &found), 0);
	must(heph_same(found, real));
	must_be(heph_node_list(ctx, nodes->b, "b", &text), 0);
	must(strstr(text, "one doer ") && strstr(text, "alias doer "));
	free(text);
	must_be(heph_node_list(ctx, nodes->a, "b", &text), 0);
	must(strstr(text, "one doer ") && strstr(text, "alias doer "));
	free(text);
	must_be(heph_node_unexport(ctx, nodes->b, "alias"), 0);
	must_be(heph_node_unexport(ctx, nodes->b, "alias"), -ENOENT);
	must_be(heph_node_whereis(ctx, nodes->a, "b", doer, "alias", &found),
		-ENOENT);
	must_be(sum_of(ctx, proxy), 0);

	/* By other means. */
	must_be(heph_raw_node_ref_out(ctx, nodes->b, doer_remote(), real.addr, 0,
				      wire),
		0);
	must_be(heph_raw_node_ref_in(ctx, nodes->a, doer_remote(), wire,
				     &found.addr),
		0);
	must(heph_same(found, proxy));
	must_be(heph_raw_node_ref_in(ctx, nodes->b, doer_remote(), wire,
				     &found.addr),
		0);
	must(heph_same(found, real));
	must_be(heph_raw_node_ref_in(ctx, nodes->b, other_remote(), wire,
				     &found.addr),
		-EPROTOTYPE);
	must_be(heph_raw_node_ref_in(ctx, nodes->c, doer_remote(), wire,
				     &found.addr),
		0);
	wire[20] ^= HEPH_MAY_STOP;
	must_be(heph_raw_node_ref_in(ctx, nodes->b, doer_remote(), wire,
				     &found.addr),
		-EINVAL);

	/* The names of this runtime. */
	must_be(heph_register(ctx, proxy, "far"), 0);
	must_be(heph_whereis(ctx, doer, "far", &found), 0);
	must(heph_same(found, proxy));
	must_be(sum_of(ctx, found), 0);
	heph_stop(real);
	must_be(heph_join(ctx, proxy, NULL), 0);
	return 0;
}

static void are_found_by_names_and_bytes(void **state)
{
	const struct heph_node_config listed = { .listed = true };

	(void)state;
	run_with(names, &listed, false);
}

static int spawns(heph_ctx ctx, struct nodes *nodes)
{
	doer_ref there, here;
	other_ref other;
	struct heph_exit why;

	must_be(heph_node_spawn(ctx, nodes->a, "b", doer, &there, { 40 }),
		-EACCES);
	must_be(heph_node_offer(ctx, nodes->b, other), -EINVAL);
	must_be(heph_node_offer(ctx, nodes->b, doer), 0);
	must_be(heph_node_offer(ctx, nodes->b, doer), -EEXIST);
	must_be(heph_node_spawn(ctx, nodes->a, "b", doer, &there, { 40 }), 0);
	must_be(heph_node_spawn(ctx, nodes->b, "b", doer, &here, { 2 }), 0);
	must_be(sum_of(ctx, there), 40);
	must_be(sum_of(ctx, here), 2);
	must_be(heph_node_spawn(ctx, nodes->a, "b", other, &other), -EACCES);
	must_be(heph_node_spawn(ctx, nodes->a, "nobody", doer, &here, { 2 }),
		-ENOTCONN);
	heph_stop(there);
	must_be(heph_join(ctx, there, &why), 0);
	must(why.err == 0 || why.err == -ESRCH);
	/* They end with their node. */
	must_be(heph_node_spawn(ctx, nodes->a, "b", doer, &there, { 40 }), 0);
	must_be(heph_node_stop(ctx, nodes->b), 0);
	must_be(heph_join(ctx, there, &why), 0);
	must(!heph_alive(here));
	return 0;
}

static void are_spawned_there(void **state)
{
	(void)state;
	run_nodes(spawns);
}

/* ---- many at once ---- */

struct spawner_arg {
	heph_node node;
};
HEPH_ACTOR(spawner, void, struct spawner_arg);

static _Atomic int spawned_well;

static int spawner_main(heph_ctx ctx, struct spawner_arg *arg)
{
	doer_ref there;

	spawned_well += heph_node_spawn(ctx, arg->node, "b", doer, &there,
					{ 1 }) == 0;
	return 0;
}
HEPH_ACTOR_MAIN(spawner, spawner_main);

enum { BURST = 300 };

static int spawns_much(heph_ctx ctx, struct nodes *nodes)
{
	spawner_ref *spawners = heph_alloc(ctx, BURST * sizeof(*spawners));

	spawned_well = 0;
	must_be(heph_node_offer(ctx, nodes->b, doer), 0);
	for (int i = 0; i < BURST; i++)
		must_be(heph_spawn(ctx, spawner, &spawners[i], { nodes->a }), 0);
	for (int i = 0; i < BURST; i++)
		must_be(heph_join(ctx, spawners[i], NULL), 0);
	must_be(spawned_well, BURST);
	return 0;
}

static void are_spawned_in_bursts(void **state)
{
	(void)state;
	run_nodes(spawns_much);
}

/* Who comes back as another life has spawned what he had spawned before. */
static int spawns_often(heph_ctx ctx, struct nodes *nodes)
{
	doer_ref there, first;
	heph_node again;

	must_be(heph_node_offer(ctx, nodes->b, doer), 0);
	must_be(heph_node_spawn(ctx, nodes->a, "b", doer, &first, { 1 }), 0);
	must_be(heph_node_spawn(ctx, nodes->a, "b", doer, &there, { 2 }), 0);
	must_be(heph_node_spawn(ctx, nodes->a, "b", doer, &there, { 3 }),
		-EDQUOT);
	heph_stop(first);
	must_be(heph_join(ctx, first, NULL), 0);
	must_be(heph_node_spawn(ctx, nodes->a, "b", doer, &there, { 3 }), 0);
	for (int life = 0; life < 3; life++) {
		must_be(heph_node_stop(ctx, nodes->a), 0);
		must_be(heph_node_start(ctx, &nodes->a, .name = "a"), 0);
		must_be(heph_node_connect(ctx, nodes->a, nodes->net, "b", "b"),
			0);
		must_be(heph_node_spawn(ctx, nodes->a, "b", doer, &there, { 4 }),
			-EDQUOT);
	}
	/* Others may. */
	must_be(heph_node_start(ctx, &again, .name = "d"), 0);
	must_be(heph_node_connect(ctx, again, nodes->net, "b", "b"), 0);
	must_be(heph_node_spawn(ctx, again, "b", doer, &there, { 5 }), 0);
	must_be(heph_node_stop(ctx, again), 0);
	return 0;
}

static void count_until_they_have_ended(void **state)
{
	const struct heph_node_config few = { .spawned = 2 };

	(void)state;
	run_with(spawns_often, &few, false);
}

/* ---- nobody holds up anybody ---------------------------------------------------------------- */

static int lock(heph_ctx ctx, struct nodes *nodes)
{
	enum { CALLS = 200 };
	HEPH_PENDING(int64_t) *pending =
		heph_alloc(ctx, CALLS * sizeof(*pending));
	doer_ref real, proxy = doer_at_b(ctx, nodes, "one", 0, &real);
	int64_t n;

	for (int i = 0; i < CALLS; i++)
		must_be(heph_start_call(ctx, proxy, answer, &pending[i],
					{ .deed = KEEP, .n = i }),
			0);
	must_be(heph_send(ctx, proxy, { .deed = FREE }), 0);
	for (int i = 0; i < CALLS; i++) {
		must_be(heph_await(ctx, &pending[i], &n), 0);
		must_be(n, i);
	}
	heph_stop(real);
	return 0;
}

static void pass_what_unlocks(void **state)
{
	(void)state;
	run_nodes(lock);
}

/* Sends as much as it may, for as long as it may. */
static int flood(heph_ctx ctx, act_inbox in, void *arg)
{
	doer_ref to;
	int err = 0;

	(void)in;
	memcpy(&to, arg, sizeof(to));
	for (int i = 1; err == 0; i++)
		err = heph_send(ctx, to, { .deed = MARK, .n = i });
	return err;
}

static int slow(heph_ctx ctx, struct nodes *nodes)
{
	doer_ref slow_one = doer_at_b(ctx, nodes, "slow", 0, NULL);
	doer_ref fast = doer_at_b(ctx, nodes, "fast", 0, NULL);
	doer_ref *to = heph_alloc(ctx, sizeof(*to));
	act_ref flooder;

	*to = slow_one;
	must_be(heph_send(ctx, slow_one, { .deed = SLEEP, .n = 1000000 }), 0);
	flooder = spawn_on(ctx, HEPH_HERE, flood, to);
	for (int i = 0; i < 2000; i++)
		(void)sum_of(heph_within(ctx, 10 * HEPH_SEC), fast);
	must(heph_alive(flooder)); /* it waits */
	stop_and_join(ctx, flooder);
	return 0;
}

static void hold_up_nobody_but_their_senders(void **state)
{
	(void)state;
	run_nodes(slow);
}

static int both_flood(heph_ctx ctx, struct nodes *nodes)
{
	doer_ref there = doer_at_b(ctx, nodes, "one", 0, NULL);
	doer_ref *to = heph_alloc(ctx, 2 * sizeof(*to)), mine;
	act_ref flooders[2];
	heph_time until = heph_now() + HEPH_SEC / 5;

	must_be(heph_spawn(ctx, doer, &mine, { 0 }), 0);
	must_be(heph_node_export(ctx, nodes->a, doer, mine, "mine"), 0);
	to[0] = there;
	must_be(heph_node_whereis(ctx, nodes->b, "a", doer, "mine", &to[1]), 0);
	for (int i = 0; i < 2; i++)
		flooders[i] = spawn_on(ctx, HEPH_HERE, flood, &to[i]);
	while (heph_now() < until) {
		(void)sum_of(heph_within(ctx, 10 * HEPH_SEC), to[0]);
		(void)sum_of(heph_within(ctx, 10 * HEPH_SEC), to[1]);
	}
	for (int i = 0; i < 2; i++)
		stop_and_join(ctx, flooders[i]);
	must(sum_of(ctx, to[0]) == 0 && sum_of(ctx, to[1]) == 0);
	return 0;
}

static void flood_each_other(void **state)
{
	const struct heph_node_config small = { .window = 8, .queue = 16 };

	(void)state;
	run_nodes(both_flood);
	run_with(both_flood, &small, false);
}

/* ---- datagrams -------------------------------------------------------------------------------- */

static int datagrams(heph_ctx ctx, struct nodes *nodes)
{
	doer_ref real, proxy = doer_at_b(ctx, nodes, "one", HEPH_MAY_STOP, &real);
	int64_t sum = 0;

	for (int i = 0; i < 100; i++)
		must_be(heph_call(ctx, proxy, answer, &sum,
				  { .deed = ADD, .n = 1 }),
			0);
	must_be(sum, 100);
	/* Sends may be lost when there is no room; those who send do not wait. */
	must_be(heph_send(ctx, proxy, { .deed = SLEEP, .n = 1 }), 0);
	for (int i = 0; i < 3000; i++)
		must_be(heph_send(ctx, proxy, { .deed = ADD, .n = 1 }), 0);
	sum = sum_of(ctx, proxy);
	must(sum >= 100 + HEPH_INBOX_DEFAULT && sum <= 3100);
	heph_stop(proxy);
	must_be(heph_join(ctx, proxy, NULL), 0);
	must(!heph_alive(real));
	return 0;
}

static void work_over_datagrams(void **state)
{
	(void)state;
	run_with(datagrams, NULL, true);
}

/* ---- looking at it ------------------------------------------------------------------------------ */

struct seen {
	_Atomic int messages, answers;
};

static void see(void *user, const char *line)
{
	struct seen *seen = user;

	seen->messages += strstr(line, "doer#") && strstr(line, "n=4711");
	seen->answers += strstr(line, " answer ") != NULL;
}

struct tapping {
	heph_node node;
	const char *peer;
	struct seen seen;
};

static int tap(heph_ctx ctx, act_inbox in, void *arg)
{
	struct tapping *tapping = arg;

	(void)in;
	return heph_node_tap(ctx, tapping->node, tapping->peer, see,
			     &tapping->seen);
}

static int taps(heph_ctx ctx, struct nodes *nodes)
{
	doer_ref proxy = doer_at_b(ctx, nodes, "one", 0, NULL);
	struct tapping *there = heph_alloc(ctx, sizeof(*there));
	struct tapping *here = heph_alloc(ctx, sizeof(*here));
	struct heph_exit why;
	act_ref tappers[2];
	int64_t sum;

	*there = (struct tapping){ .node = nodes->a, .peer = "b" };
	*here = (struct tapping){ .node = nodes->b, .peer = "b" };
	tappers[0] = spawn_on(ctx, HEPH_HERE, tap, there);
	tappers[1] = spawn_on(ctx, HEPH_HERE, tap, here);
	while (!there->seen.answers || !here->seen.answers ||
	       !there->seen.messages || !here->seen.messages)
		must_be(heph_call(heph_within(ctx, 10 * HEPH_SEC), proxy, answer,
				  &sum, { .deed = ADD, .n = 4711 }),
			0);
	stop_and_join(ctx, tappers[1]);
	(void)sum_of(ctx, proxy);
	must_be(heph_node_tap(ctx, nodes->a, "nobody", see, &there->seen),
		-ENOTCONN);
	must_be(heph_monitor(ctx, tappers[0]), 0);
	must_be(heph_node_disconnect(ctx, nodes->a, "b"), 0);
	must_be(heph_join(ctx, tappers[0], &why), 0);
	must(why.err == -EHOSTDOWN || why.err == -ESRCH);
	return 0;
}

static int no_taps(heph_ctx ctx, struct nodes *nodes)
{
	struct seen seen = { 0 };
	char *text;

	must_be(heph_node_tap(ctx, nodes->a, "b", see, &seen), -EACCES);
	must_be(heph_node_list(ctx, nodes->a, "b", &text), -EACCES);
	return 0;
}

static void can_be_tapped(void **state)
{
	const struct heph_node_config tapped = { .tapped = true };

	(void)state;
	run_with(taps, &tapped, false);
	run_nodes(no_taps);
}

/* ---- third nodes --------------------------------------------------------------------------------- */

static int third(heph_ctx ctx, struct nodes *nodes)
{
	doer_ref at_a = doer_at_b(ctx, nodes, "one", 0, NULL), at_c, far, who;
	int64_t sum;

	must_be(heph_spawn(ctx, doer, &at_c, { 0 }), 0);
	must_be(heph_node_export(ctx, nodes->c, doer, at_c, "c"), 0);
	must_be(heph_node_whereis(ctx, nodes->b, "c", doer, "c", &far), 0);
	/* a, which never heard of c, is given one of c's actors by b. */
	must_be(heph_send(ctx, far, { .deed = ADD, .n = 5 }), 0);
	must_be(heph_node_whereis(ctx, nodes->b, "b", doer, "one", &who), 0);
	must_be(heph_call(ctx, who, answer, &sum,
			  { .deed = TELL, .n = 1, .to = far }),
		0);
	must_be(sum, 6);
	must_be(heph_call(ctx, at_a, who, &who, { .deed = KNOW }), 0);
	must(!heph_same(who, far) && !heph_same(who, at_c));
	must_be(sum_of(heph_within(ctx, 10 * HEPH_SEC), who), 6);
	must_be(heph_node_disconnect(ctx, nodes->b, "a"), 0);
	must_be(sum_of(ctx, who), 6); /* not through the one in the middle */
	heph_stop(at_c);
	must_be(heph_join(ctx, who, NULL), 0);
	return 0;
}

static void lead_to_third_nodes(void **state)
{
	(void)state;
	run_nodes(third);
}

static unsigned n_peers(heph_ctx ctx, heph_node node)
{
	struct heph_node_stats stats;

	must_be(heph_node_stats(ctx, node, &stats), 0);
	return stats.peers;
}

/* What cannot be reached in time is given up, and in nobody's way afterwards. */
static int out_of_reach(heph_ctx ctx, struct nodes *nodes)
{
	doer_ref at_a = doer_at_b(ctx, nodes, "one", 0, NULL), at_c, far, who;
	struct heph_exit why;
	int64_t sum;

	must_be(heph_spawn(ctx, doer, &at_c, { 0 }), 0);
	must_be(heph_node_export(ctx, nodes->c, doer, at_c, "c"), 0);
	must_be(heph_node_whereis(ctx, nodes->b, "c", doer, "c", &far), 0);
	must_be(heph_node_whereis(ctx, nodes->b, "b", doer, "one", &who), 0);
	must_be(heph_call(ctx, who, answer, &sum, { .deed = ADD, .to = far }), 0);
	must_be(heph_sim_net_cut(nodes->net, "c", NULL, true), 0);
	must_be(heph_call(ctx, at_a, who, &who, { .deed = KNOW }), 0);
	must_be(heph_join(heph_within(ctx, 10 * HEPH_SEC), who, &why), 0);
	must_be(why.err, -EHOSTUNREACH);
	must_be(heph_sim_net_cut(nodes->net, "c", NULL, false), 0);
	must_be(heph_sleep(ctx, 100 * HEPH_SEC), 0);
	must_be(n_peers(ctx, nodes->a), 1); /* nobody goes on trying */
	/* It is tried again for who is given a reference again. */
	must_be(heph_call(ctx, at_a, who, &who, { .deed = KNOW }), 0);
	must_be(sum_of(heph_within(ctx, 10 * HEPH_SEC), who), 0);
	must_be(n_peers(ctx, nodes->a), 2);
	must_be(heph_node_disconnect(ctx, nodes->a, "c"), 0);
	/* While it is tried the program may connect to that name itself. */
	must_be(heph_sim_net_cut(nodes->net, "c", NULL, true), 0);
	must_be(heph_call(ctx, at_a, who, &who, { .deed = KNOW }), 0);
	must_be(heph_node_connect(heph_within(ctx, HEPH_MSEC), nodes->a,
				  nodes->net, "c", "c"),
		-ETIME);
	must_be(heph_sim_net_cut(nodes->net, "c", NULL, false), 0);
	must_be(heph_node_connect(heph_within(ctx, 100 * HEPH_SEC), nodes->a,
				  nodes->net, "c", "c"),
		0);
	return 0;
}

static void out_of_reach_are_given_up(void **state)
{
	const struct heph_node_config config = { .handshake =
							 500 * HEPH_MSEC };
	struct nodes nodes = { .fn = out_of_reach, .config = &config };
	struct heph_sim_options options = { .workers = 2 };

	(void)state;
	for (uint64_t seed = 1; seed <= 10; seed++)
		must_be(heph_sim_run(seed, &options, act, { in_nodes, &nodes }),
			0);
}

/* ---- from everywhere ------------------------------------------------------------------------------- */

static int call_often(heph_ctx ctx, act_inbox in, void *arg)
{
	doer_ref to;
	int64_t sum;

	(void)in;
	memcpy(&to, arg, sizeof(to));
	for (int i = 0; i < 200; i++)
		must_be(heph_call(ctx, to, answer, &sum, { .deed = ADD, .n = 1 }),
			0);
	return 0;
}

static int everywhere(heph_ctx ctx, struct nodes *nodes)
{
	const int where[] = { HEPH_WORKER(0), HEPH_WORKER(1), HEPH_ANY,
			      HEPH_OWN_THREAD };
	enum { PLACES = sizeof(where) / sizeof(*where) };
	doer_ref *to = heph_alloc(ctx, sizeof(*to));
	act_ref callers[PLACES];
	doer_ref real, mate;
	doer_group group = { 0 };

	must_be(heph_spawn(ctx, doer, &real, { 0 }, .on = HEPH_WORKER(1)), 0);
	must_be(heph_node_export(ctx, nodes->b, doer, real, "far"), 0);
	must_be(heph_node_whereis(ctx, nodes->a, "b", doer, "far", to), 0);
	for (int i = 0; i < PLACES; i++)
		callers[i] = spawn_on(ctx, where[i], call_often, to);
	for (int i = 0; i < PLACES; i++)
		must_be(heph_join(ctx, callers[i], NULL), 0);
	must_be(sum_of(ctx, real), 200 * PLACES);

	mate = doer_at_b(ctx, nodes, "mate", 0, NULL);
	must_be(heph_group_add(ctx, &group, *to), 0);
	must_be(heph_group_add(ctx, &group, mate), 0);
	must_be(heph_send_all(ctx, &group, { .deed = ADD, .n = 1000 }), 2);
	must_be(sum_of(ctx, *to), 200 * PLACES + 1000);
	must_be(sum_of(ctx, mate), 1000);
	heph_stop(real);
	return 0;
}

static void can_be_used_from_everywhere(void **state)
{
	(void)state;
	if (!test_simulated())
		run_nodes(everywhere);
}

/* ---- those that wait for room ---------------------------------------------------- */

static bool is_connected(heph_ctx ctx, heph_node node)
{
	struct heph_peer_info info;

	return heph_node_peers(ctx, node, &info, 1) == 1 && info.connected;
}

/* The queue is full, and one more has been taken, when it is lost. */
static int lose_while_full(heph_ctx ctx, struct nodes *nodes)
{
	doer_ref real, proxy = doer_at_b(ctx, nodes, "one", 0, &real);
	struct heph_exit why;

	must_be(heph_sim_net_cut(nodes->net, NULL, "b", true), 0);
	must_be(heph_sim_net_cut(nodes->net, NULL, NULL, true), 0);
	while (is_connected(ctx, nodes->a))
		must_be(heph_sleep(ctx, HEPH_MSEC), 0);
	for (int i = 0; i < 8; i++)
		must_be(heph_send(ctx, proxy, { .deed = ADD, .n = 1 }), 0);
	must_be(heph_join(heph_within(ctx, 20 * HEPH_SEC), proxy, &why), 0);
	must_be(why.err, -EHOSTDOWN);
	heph_stop(real);
	return 0;
}

static void may_wait_for_room_when_the_peer_is_lost(void **state)
{
	const struct heph_node_config config = {
		.queue = 4,
		.beat = 20 * HEPH_MSEC,
		.silence = 60 * HEPH_MSEC,
		.patience = 100 * HEPH_MSEC,
	};

	(void)state;
	run_with(lose_while_full, &config, false);
}

/* ---- forged ones ----------------------------------------------------------------------- */

/* One bit was changed on the way: it is of no use, and does no harm. */
static int forge(heph_ctx ctx, struct nodes *nodes)
{
	doer_ref real, proxy = doer_at_b(ctx, nodes, "one", 0, &real), odd;
	uint8_t wire[HEPH_WIRE_REF];
	struct heph_exit why;
	int64_t sum;
	int err;

	must_be(heph_raw_node_ref_out(ctx, nodes->a, doer_remote(), proxy.addr,
				      0, wire),
		0);
	wire[20] |= HEPH_MAY_STOP;
	must_be(heph_raw_node_ref_in(ctx, nodes->a, doer_remote(), wire,
				     &odd.addr),
		0);
	err = heph_call(ctx, odd, answer, &sum, { .deed = ADD, .n = 1000 });
	must(err == -EACCES || err == -ESRCH || err == -EPIPE);
	must_be(heph_join(ctx, odd, &why), 0);
	must(why.err == -EACCES || why.err == -ESRCH);
	for (int i = 0; i < 600; i++)
		must_be(heph_send(ctx, proxy, { .deed = ADD, .n = 1 }), 0);
	must_be(sum_of(ctx, proxy), 600);
	heph_stop(real);
	return 0;
}

static void are_of_no_use_when_forged(void **state)
{
	(void)state;
	run_nodes(forge);
}

/* b cannot make a reference to an actor of a with less rights than its own. */
static int export_again(heph_ctx ctx, struct nodes *nodes)
{
	uint8_t wire[HEPH_WIRE_REF];
	doer_ref real, proxy, far;

	must_be(heph_spawn(ctx, doer, &real, { 0 }), 0);
	must_be(heph_node_export(ctx, nodes->a, doer, real, "mine",
				 HEPH_MAY_STOP),
		0);
	must_be(heph_node_whereis(ctx, nodes->b, "a", doer, "mine", &proxy), 0);
	must_be(heph_node_export(ctx, nodes->b, doer, proxy, "again"), -EACCES);
	must_be(heph_raw_node_ref_out(ctx, nodes->b, doer_remote(), proxy.addr,
				      0, wire),
		-EACCES);
	must_be(heph_node_whereis(ctx, nodes->c, "b", doer, "again", &far),
		-ENOENT);
	must_be(heph_node_export(ctx, nodes->b, doer, proxy, "again",
				 HEPH_MAY_STOP),
		0);
	must_be(heph_node_whereis(ctx, nodes->c, "b", doer, "again", &far), 0);
	heph_stop(far);
	must_be(heph_join(heph_within(ctx, 20 * HEPH_SEC), real, NULL), 0);
	return 0;
}

static void are_given_on_with_the_rights_they_have(void **state)
{
	(void)state;
	run_nodes(export_again);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(take_messages_and_calls),
		cmocka_unit_test(travel_in_messages_and_come_home),
		cmocka_unit_test(fail_by_name),
		cmocka_unit_test(end_when_the_peer_is_lost),
		cmocka_unit_test(end_as_the_actor_does),
		cmocka_unit_test(are_found_by_names_and_bytes),
		cmocka_unit_test(are_spawned_there),
		cmocka_unit_test(are_spawned_in_bursts),
		cmocka_unit_test(count_until_they_have_ended),
		cmocka_unit_test(pass_what_unlocks),
		cmocka_unit_test(hold_up_nobody_but_their_senders),
		cmocka_unit_test(flood_each_other),
		cmocka_unit_test(work_over_datagrams),
		cmocka_unit_test(can_be_tapped),
		cmocka_unit_test(lead_to_third_nodes),
		cmocka_unit_test(out_of_reach_are_given_up),
		cmocka_unit_test(can_be_used_from_everywhere),
		cmocka_unit_test(may_wait_for_room_when_the_peer_is_lost),
		cmocka_unit_test(are_of_no_use_when_forged),
		cmocka_unit_test(are_given_on_with_the_rights_they_have),
	};

	return cmocka_run_group_tests_name("remote_refs", tests, NULL, NULL);
}
