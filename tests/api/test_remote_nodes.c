/* SPDX-License-Identifier: MIT */
/* Two nodes, and all that their actors do with each other, over each transport. */
#include "transports.h"

#include <heph/remote/node.h>

enum { MANY = 500, CALLERS = 10, CALLS = 20 };

/* ---- an actor that others reach --------------------------------------------------- */

struct till_msg {
	enum { TILL_ADD, TILL_TOTAL, TILL_SLEEP, TILL_END } kind;
	uint64_t n;
	struct heph_bytes load;
	HEPH_REPLY(uint64_t) total;
};
HEPH_CODEC(till_msg, struct till_msg,
	HEPH_FIELD(kind, .max = TILL_END),
	HEPH_FIELD(n),
	HEPH_FIELD(load, .max = 4 << 20),
	HEPH_FIELD_REPLY(total));

struct till_arg {
	uint64_t total;
};
HEPH_CODEC(till_arg, struct till_arg, HEPH_FIELD(total));

HEPH_ACTOR(till, struct till_msg, struct till_arg);
HEPH_REMOTE_SPAWN(till, till_msg, till_arg);

/* The same but for a field. */
struct other_msg {
	uint64_t n;
};
HEPH_CODEC(other_msg, struct other_msg, HEPH_FIELD(n));
HEPH_ACTOR(other, struct other_msg, void);
HEPH_REMOTE(other, other_msg);

static int other_main(heph_ctx ctx, other_inbox in)
{
	struct other_msg msg;

	return heph_recv(ctx, in, &msg);
}
HEPH_ACTOR_MAIN(other, other_main);

/* Counts what is added: 1, 2, 3 ... adds up if it comes once and in order. */
static int till_main(heph_ctx ctx, till_inbox in, struct till_arg *arg)
{
	struct till_msg msg;
	int err;

	while ((err = heph_recv(ctx, in, &msg)) == 0) {
		switch (msg.kind) {
		case TILL_ADD:
			arg->total += msg.n ? msg.n == arg->total + 1 :
					      msg.load.size;
			break;
		case TILL_TOTAL:
			heph_answer(msg.total, arg->total);
			break;
		case TILL_SLEEP:
			err = heph_sleep(ctx, (heph_time)msg.n);
			break;
		case TILL_END:
			err = -(int)msg.n;
			break;
		}
		till_msg_drop(&msg);
		if (err < 0)
			break;
	}
	return err;
}
HEPH_ACTOR_MAIN(till, till_main, .drop = till_msg_drop);

/* ---- two nodes ----------------------------------------------------------------------- */

struct shop {
	struct world *world;
	heph_node node;
	till_ref till, slow; /* what it exports */
};

#define NODE(name_)                                                            \
	.name = (name_), .beat = 100 * HEPH_MSEC, .silence = 2 * HEPH_SEC,     \
	.patience = 5 * HEPH_SEC, .backoff_max = 200 * HEPH_MSEC

/* Answers when it is open, and goes on until it is stopped. */
static int keep_shop(heph_ctx ctx, act_inbox in, void *arg)
{
	struct shop *shop = arg;
	struct net *net = &shop->world->net;
	struct act_msg msg;

	must_be(heph_node_start(ctx, &shop->node, NODE("shop"), .window = 16), 0);
	must_be(heph_spawn(ctx, till, &shop->till, { 0 }), 0);
	must_be(heph_spawn(ctx, till, &shop->slow, { 0 }, .inbox = 2), 0);
	must_be(heph_node_export(ctx, shop->node, till, shop->till, "till"), 0);
	must_be(heph_node_export(ctx, shop->node, till, shop->slow, "slow",
				 HEPH_MAY_STOP),
		0);
	must_be(heph_node_offer(ctx, shop->node, till), 0);
	must_be(heph_node_listen(ctx, shop->node, net->server, net->where,
				 net->door),
		0);
	while (heph_recv(ctx, in, &msg) == 0)
		heph_answer(msg.answer, msg.n + 1);
	must_be(heph_node_stop(heph_shield(ctx, 20 * HEPH_SEC), shop->node), 0);
	return 0;
}

struct town {
	struct shop *shop;
	act_ref keeper;
	heph_node web;
	till_ref till;
};

static till_ref find(heph_ctx ctx, heph_node node, const char *name)
{
	till_ref ref;

	must_be(heph_node_whereis(heph_within(ctx, 20 * HEPH_SEC), node, "shop",
				  till, name, &ref),
		0);
	return ref;
}

static void open_town(heph_ctx ctx, struct world *world, struct town *town)
{
	struct net *net = &world->net;

	town->shop = calloc(1, sizeof(*town->shop));
	must(town->shop);
	town->shop->world = world;
	town->keeper = spawn_on(ctx, HEPH_WORKER(1), keep_shop, town->shop);
	sync_with(ctx, town->keeper);
	must_be(heph_node_start(ctx, &town->web, NODE("web"), .window = 16), 0);
	must_be(heph_node_connect(heph_within(ctx, 20 * HEPH_SEC), town->web,
				  net->client, net->door, "shop"),
		0);
	town->till = find(ctx, town->web, "till");
}

static void close_town(heph_ctx ctx, struct town *town)
{
	must_be(heph_node_stop(heph_within(ctx, 20 * HEPH_SEC), town->web), 0);
	stop_and_join(ctx, town->keeper);
	free(town->shop);
}

static uint64_t total_of(heph_ctx ctx, till_ref till)
{
	uint64_t total = 0;

	must_be(heph_call(heph_within(ctx, 20 * HEPH_SEC), till, total, &total,
			  { .kind = TILL_TOTAL }),
		0);
	return total;
}

static bool is_stream(const struct world *world)
{
	return !world->net.client->type->datagrams;
}

/* ---- sends and calls -------------------------------------------------------------------- */

static int send_in_order(heph_ctx ctx, act_inbox in, void *arg)
{
	struct town town;
	uint64_t total;

	open_town(ctx, arg, &town);
	for (uint64_t i = 1; i <= MANY; i++)
		must_be(heph_send(ctx, town.till, { .kind = TILL_ADD, .n = i }),
			0);
	total = total_of(ctx, town.till);
	must(total <= MANY);
	if (is_stream(arg))
		must_be(total, MANY);
	close_town(ctx, &town);
	return 0;
}

static void messages_arrive_once_and_in_order(void **state)
{
	with_all(send_in_order);
}

static int call_often(heph_ctx ctx, act_inbox in, void *arg)
{
	struct town *town = arg;

	for (int i = 0; i < CALLS; i++)
		total_of(ctx, town->till);
	return 0;
}

static int call_from_many(heph_ctx ctx, act_inbox in, void *arg)
{
	struct town *town = calloc(1, sizeof(*town));
	act_ref callers[CALLERS];

	open_town(ctx, arg, town);
	for (int i = 0; i < CALLERS; i++)
		callers[i] = spawn_on(ctx, HEPH_WORKER(i % 2), call_often, town);
	for (int i = 0; i < CALLERS; i++)
		must_be(heph_join(ctx, callers[i], NULL), 0);
	close_town(ctx, town);
	free(town);
	return 0;
}

static void calls_of_many_actors_get_their_answers(void **state)
{
	with_all(call_from_many);
}

/* A call ends at its deadline; what is asked next is answered. */
static int call_late(heph_ctx ctx, act_inbox in, void *arg)
{
	struct town town;
	uint64_t total;
	till_ref slow;
	int err;

	open_town(ctx, arg, &town);
	slow = find(ctx, town.web, "slow");
	must_be(heph_send(ctx, slow,
			  { .kind = TILL_SLEEP, .n = 100 * HEPH_MSEC }),
		0);
	err = heph_call(heph_within(ctx, 20 * HEPH_MSEC), slow, total, &total,
			{ .kind = TILL_TOTAL });
	if (is_stream(arg)) /* else it may come before */
		must_be(err, -ETIME);
	must_be(total_of(ctx, slow), 0);
	close_town(ctx, &town);
	return 0;
}

static void a_call_ends_at_its_deadline(void **state)
{
	with_all(call_late);
}

/* ---- large messages ------------------------------------------------------------------------ */

static int send_load(heph_ctx ctx, till_ref till, size_t size)
{
	struct heph_bytes load = { calloc(1, size + 1), size };
	int err = heph_send(ctx, till, { .kind = TILL_ADD, .load = load });

	if (err < 0)
		free(load.data);
	return err;
}

static int send_large(heph_ctx ctx, act_inbox in, void *arg)
{
	struct world *world = arg;
	size_t max = world->net.client->frame_max, sum = 0;
	struct town town;

	open_town(ctx, arg, &town);
	for (size_t size = 1; size + 300 < max && size < 1 << 20; size *= 3) {
		must_be(send_load(ctx, town.till, size), 0);
		sum += size;
	}
	if (is_stream(arg))
		must_be(total_of(ctx, town.till), sum);
	must_be(send_load(ctx, town.till, max), 0); /* refused behind it */
	total_of(ctx, town.till);
	close_town(ctx, &town);
	return 0;
}

static void messages_may_be_as_large_as_a_frame(void **state)
{
	with_all(send_large);
}

/* ---- slow receivers -------------------------------------------------------------------------- */

/* Who sends to one that does not receive waits; others do not. */
static int press(heph_ctx ctx, act_inbox in, void *arg)
{
	struct town town;
	till_ref slow;
	int err = 0, sent = 0;

	open_town(ctx, arg, &town);
	slow = find(ctx, town.web, "slow");
	must_be(heph_send(ctx, slow, { .kind = TILL_SLEEP, .n = 200 * HEPH_MSEC }),
		0);
	while (err == 0 && sent < 10000) {
		err = heph_send(heph_within(ctx, 20 * HEPH_MSEC), slow,
				{ .kind = TILL_ADD, .n = (uint64_t)sent + 1 });
		sent += err == 0;
	}
	if (is_stream(arg)) {
		must_be(err, -ETIME);
		must(sent < 500);
	}
	must_be(total_of(heph_within(ctx, 10 * HEPH_SEC), town.till), 0);
	if (is_stream(arg))
		must_be(total_of(ctx, slow), sent);
	close_town(ctx, &town);
	return 0;
}

static void a_slow_receiver_slows_its_senders_alone(void **state)
{
	with_all(press);
}

/* ---- names --------------------------------------------------------------------------------------- */

static int ask_for_names(heph_ctx ctx, act_inbox in, void *arg)
{
	struct town town;
	other_ref other;
	till_ref ref;

	open_town(ctx, arg, &town);
	must_be(heph_node_whereis(ctx, town.web, "shop", till, "nothing", &ref),
		-ENOENT);
	must_be(heph_node_whereis(ctx, town.web, "nobody", till, "till", &ref),
		-ENOTCONN);
	must_be(heph_node_whereis(ctx, town.web, "shop", other, "till", &other),
		-EPROTOTYPE);
	must_be(heph_node_unexport(ctx, town.shop->node, "till"), 0);
	must_be(heph_node_whereis(ctx, town.web, "shop", till, "till", &ref),
		-ENOENT);
	must_be(total_of(ctx, town.till), 0); /* who has it keeps it */
	close_town(ctx, &town);
	return 0;
}

static void names_are_found_or_not(void **state)
{
	with_all(ask_for_names);
}

/* ---- the life of others ---------------------------------------------------------------------- */

static int watch(heph_ctx ctx, act_inbox in, void *arg)
{
	struct heph_down down;
	struct heph_exit exit;
	struct town town;

	open_town(ctx, arg, &town);
	must_be(heph_monitor(ctx, town.till), 0);
	must_be(heph_send(ctx, town.till, { .kind = TILL_END, .n = ENOSPC }), 0);
	must_be(heph_join(heph_within(ctx, 20 * HEPH_SEC), town.till, &exit), 0);
	must(exit.err == -ENOSPC || exit.err == -ESRCH);
	must_be(heph_wait(heph_within(ctx, 20 * HEPH_SEC), heph_on_down(&down)),
		0);
	if (is_stream(arg)) /* else the message may be there before the monitor */
		must_be(down.exit.err, -ENOSPC);
	must_be(heph_send(ctx, town.till, { .kind = TILL_ADD }), -ESRCH);
	close_town(ctx, &town);
	return 0;
}

static void the_end_of_an_actor_is_told_with_its_error(void **state)
{
	with_all(watch);
}

static int stop_others(heph_ctx ctx, act_inbox in, void *arg)
{
	struct town town;
	till_ref slow;

	open_town(ctx, arg, &town);
	slow = find(ctx, town.web, "slow");
	heph_stop(slow); /* it may */
	must_be(heph_join(heph_within(ctx, 20 * HEPH_SEC), slow, NULL), 0);
	must_be(heph_join(heph_within(ctx, 20 * HEPH_SEC), town.shop->slow, NULL),
		0);
	heph_stop(town.till); /* it may not */
	must_be(heph_join(heph_within(ctx, 50 * HEPH_MSEC), town.shop->till,
			  NULL),
		-ETIME);
	must_be(total_of(ctx, find(ctx, town.web, "till")), 0);
	close_town(ctx, &town);
	return 0;
}

static void who_may_stops_an_actor(void **state)
{
	with_all(stop_others);
}

static int spawn_there(heph_ctx ctx, act_inbox in, void *arg)
{
	struct town town;
	till_ref ref;

	open_town(ctx, arg, &town);
	must_be(heph_node_spawn(heph_within(ctx, 20 * HEPH_SEC), town.web, "shop",
				till, &ref, { .total = 40 }),
		0);
	must_be(total_of(ctx, ref), 40);
	heph_stop(ref);
	must_be(heph_join(heph_within(ctx, 20 * HEPH_SEC), ref, NULL), 0);
	must_be(heph_node_spawn(heph_within(ctx, 20 * HEPH_SEC), town.shop->node,
				"web", till, &ref, { .total = 1 }),
		-EACCES); /* it offers nothing */
	close_town(ctx, &town);
	return 0;
}

static void actors_are_spawned_over_there(void **state)
{
	with_all(spawn_there);
}

/* ---- the end of a peer -------------------------------------------------------------------------- */

static int lose_peer(heph_ctx ctx, act_inbox in, void *arg)
{
	struct heph_down down;
	struct town town;
	till_ref ref;

	open_town(ctx, arg, &town);
	must_be(heph_monitor(ctx, town.till), 0);
	stop_and_join(ctx, town.keeper);
	must_be(heph_wait(heph_within(ctx, 20 * HEPH_SEC), heph_on_down(&down)),
		0);
	must(down.exit.err < 0);
	must_be(heph_send(ctx, town.till, { .kind = TILL_ADD }), -ESRCH);
	must_be(heph_node_whereis(ctx, town.web, "shop", till, "till", &ref),
		-ENOTCONN);
	must_be(heph_node_stop(heph_within(ctx, 20 * HEPH_SEC), town.web), 0);
	free(town.shop);
	return 0;
}

static void the_end_of_a_peer_ends_its_references(void **state)
{
	with_all(lose_peer);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(messages_arrive_once_and_in_order),
		cmocka_unit_test(calls_of_many_actors_get_their_answers),
		cmocka_unit_test(a_call_ends_at_its_deadline),
		cmocka_unit_test(messages_may_be_as_large_as_a_frame),
		cmocka_unit_test(a_slow_receiver_slows_its_senders_alone),
		cmocka_unit_test(names_are_found_or_not),
		cmocka_unit_test(the_end_of_an_actor_is_told_with_its_error),
		cmocka_unit_test(who_may_stops_an_actor),
		cmocka_unit_test(actors_are_spawned_over_there),
		cmocka_unit_test(the_end_of_a_peer_ends_its_references),
	};

	return cmocka_run_group_tests(tests, begin_all, end_all);
}
