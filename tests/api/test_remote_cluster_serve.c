/* SPDX-License-Identifier: MIT */
/* Pools and topics: who gets what is sent to a subject, and what becomes of calls. */
#include "cluster.h"

/* ---- an actor that serves --------------------------------------------------------------- */

struct calc_msg {
	enum { CALC_ADD, CALC_DOUBLE, CALC_HANG, CALC_FAIL, CALC_DIE, CALC_PATIENCE } kind;
	int32_t n;
	char *text;
	HEPH_REPLY(int64_t) result;
};
HEPH_CODEC(calc_msg, struct calc_msg, HEPH_FIELD(kind, .max = CALC_PATIENCE),
	   HEPH_FIELD(n), HEPH_FIELD(text), HEPH_FIELD_REPLY(result));

struct seen {
	_Atomic int sent, called, sum;
	_Atomic int slow; /* us that each takes */
};
struct calc_arg {
	struct seen *seen;
};
HEPH_ACTOR(calc, struct calc_msg, struct calc_arg);
HEPH_REMOTE(calc, calc_msg);

static int calc_do(heph_ctx ctx, struct seen *seen, struct calc_msg *msg)
{
	heph_time left;

	switch (msg->kind) {
	case CALC_ADD:
		seen->sum += msg->n;
		seen->sent++;
		return seen->slow ? heph_sleep(ctx, seen->slow * HEPH_USEC) : 0;
	case CALC_DOUBLE:
		seen->called++;
		heph_answer(msg->result, 2 * (int64_t)msg->n);
		return 0;
	case CALC_HANG:
		seen->called++;
		return 0;
	case CALC_FAIL:
		heph_refuse(msg->result, -EPERM);
		return 0;
	case CALC_PATIENCE:
		left = heph_deadline(heph_for_caller(ctx, msg->result)) - heph_now();
		heph_answer(msg->result, left);
		return 0;
	default:
		return -EIO;
	}
}

static int calc_main(heph_ctx ctx, calc_inbox in, struct calc_arg *arg)
{
	struct calc_msg msg;
	int err = heph_recv(ctx, in, &msg);

	while (err == 0) {
		err = calc_do(ctx, arg->seen, &msg);
		free(msg.text);
		if (err == 0)
			err = heph_recv(ctx, in, &msg);
	}
	return err;
}
HEPH_ACTOR_MAIN(calc, calc_main, .drop = calc_msg_drop);

/* The same name, declared differently: as an older program has it. */
struct old_msg {
	int64_t n;
	HEPH_REPLY(int64_t) result;
};
HEPH_CODEC(old_msg, struct old_msg, HEPH_FIELD(n), HEPH_FIELD_REPLY(result));
HEPH_ACTOR(old, struct old_msg, void);
HEPH_REMOTE(old, old_msg);

static int old_main(heph_ctx ctx, old_inbox in)
{
	struct old_msg msg;

	while (heph_recv(ctx, in, &msg) == 0)
		heph_answer(msg.result, msg.n);
	return 0;
}
HEPH_ACTOR_MAIN(old, old_main);

/* ---- the broker ----------------------------------------------------------------------------- */

static struct nats_server server;

static int begin_server(void **state)
{
	(void)state;
	nats_server_start(&server);
	return 0;
}

static int end_server(void **state)
{
	(void)state;
	nats_server_end(&server);
	return 0;
}

static calc_ref calc_of(heph_ctx ctx, struct seen *seen)
{
	calc_ref ref;

	must_be(heph_spawn(ctx, calc, &ref, { seen }), 0);
	return ref;
}

static void add(heph_ctx ctx, calc_ref ref, int32_t n)
{
	must_be(heph_send(ctx, ref, { .kind = CALC_ADD, .n = n, .text = strdup("x") }), 0);
}

static int64_t twice(heph_ctx ctx, calc_ref ref, int32_t n)
{
	int64_t result = 0;

	must_be(heph_call(ctx, ref, result, &result, { .kind = CALC_DOUBLE, .n = n }), 0);
	return result;
}

/* ---- who gets it ------------------------------------------------------------------------------ */

static int pool(heph_ctx ctx, act_inbox in, void *arg)
{
	struct seen *seen = calloc(3, sizeof(*seen));
	struct member one = cluster_begin(ctx, &server, "one");
	struct member two = cluster_begin(ctx, &server, "two");
	calc_ref ref;

	(void)in, (void)arg;
	must_be(heph_cluster_serve(ctx, one.cluster, calc, calc_of(ctx, &seen[0]), "sums",
				   HEPH_TO_ONE),
		0);
	must_be(heph_cluster_serve(ctx, two.cluster, calc, calc_of(ctx, &seen[1]), "sums",
				   HEPH_TO_ONE),
		0);
	must_be(heph_cluster_subject(ctx, two.cluster, calc, "sums", &ref), 0);
	must_be(stats_of(ctx, one.cluster).subjects, 1);
	for (int n = 0; n < 200; n++)
		must_be(twice(ctx, ref, n), 2 * n);
	must_be(seen[0].called + seen[1].called, 200);
	must(seen[0].called > 20);
	must(seen[1].called > 20);
	for (int n = 1; n <= 200; n++)
		add(ctx, ref, n);
	await_that(ctx, seen[0].sum + seen[1].sum == 20100);
	must_be(seen[0].sent + seen[1].sent, 200);
	must(seen[0].sent > 20);
	must(seen[1].sent > 20);
	/* One leaves: the other one has all. */
	must_be(heph_cluster_unserve(ctx, one.cluster, "sums"), 0);
	must_be(heph_cluster_unserve(ctx, one.cluster, "sums"), -ENOENT);
	for (int n = 0; n < 50; n++)
		must_be(twice(ctx, ref, n), 2 * n);
	must_be(stats_of(ctx, one.cluster).lost, 0);
	must_be(stats_of(ctx, two.cluster).lost, 0);
	free(seen);
	return 0;
}

static void a_pool_shares_messages_and_calls(void **state)
{
	(void)state;
	run(pool, NULL);
}

static int topic(heph_ctx ctx, act_inbox in, void *arg)
{
	struct seen *seen = calloc(3, sizeof(*seen));
	struct member one = cluster_begin(ctx, &server, "one");
	struct member two = cluster_begin(ctx, &server, "two");
	calc_ref ref;

	(void)in, (void)arg;
	must_be(heph_cluster_serve(ctx, one.cluster, calc, calc_of(ctx, &seen[0]), "news.eu",
				   HEPH_TO_ALL),
		0);
	must_be(heph_cluster_serve(ctx, two.cluster, calc, calc_of(ctx, &seen[1]), "news.eu",
				   HEPH_TO_ALL),
		0);
	must_be(heph_cluster_subject(ctx, one.cluster, calc, "news.eu", &ref), 0);
	for (int n = 1; n <= 100; n++)
		add(ctx, ref, n);
	await_that(ctx, seen[0].sum == 5050 && seen[1].sum == 5050);
	must_be(seen[0].sent, 100);
	must_be(seen[1].sent, 100);
	for (int n = 0; n < 100; n++)
		must_be(twice(ctx, ref, n), 2 * n);
	must_be(seen[0].called + seen[1].called, 100);
	free(seen);
	return 0;
}

static void a_topic_is_sent_to_all_and_called_of_one(void **state)
{
	(void)state;
	run(topic, NULL);
}

static int nobody(heph_ctx ctx, act_inbox in, void *arg)
{
	struct member one = cluster_begin(ctx, &server, "one");
	heph_time before = heph_now();
	int64_t result;
	calc_ref ref;

	(void)in, (void)arg;
	must_be(heph_cluster_subject(ctx, one.cluster, calc, "no one", &ref), -EINVAL);
	must_be(heph_cluster_subject(ctx, one.cluster, calc, "*", &ref), -EINVAL);
	must_be(heph_cluster_subject(ctx, one.cluster, calc, "nobody", &ref), 0);
	must_be(heph_call(ctx, ref, result, &result, { .kind = CALC_DOUBLE }), -ESRCH);
	must(heph_now() - before < 10 * HEPH_SEC);
	add(ctx, ref, 1);
	await_that(ctx, stats_of(ctx, one.cluster).lost == 1);
	heph_stop(ref);
	must_be(heph_join(ctx, ref, NULL), 0);
	return 0;
}

static void a_call_that_nobody_serves_fails_at_once(void **state)
{
	(void)state;
	run(nobody, NULL);
}

/* ---- what becomes of calls ---------------------------------------------------------------------- */

static int calls(heph_ctx ctx, act_inbox in, void *arg)
{
	struct seen *seen = calloc(1, sizeof(*seen));
	struct member one = cluster_begin(ctx, &server, "one");
	HEPH_PENDING(int64_t) hang, doubled;
	int64_t result = 0;
	calc_ref ref, target = calc_of(ctx, seen);

	(void)in, (void)arg;
	must_be(heph_cluster_serve(ctx, one.cluster, calc, target, "calls", HEPH_TO_ONE), 0);
	must_be(heph_cluster_subject(ctx, one.cluster, calc, "calls", &ref), 0);
	/* Refused there. */
	must_be(heph_call(ctx, ref, result, &result, { .kind = CALC_FAIL }), -EPERM);
	/* The deadline goes along. */
	must_be(heph_call(heph_within(ctx, 100 * HEPH_SEC), ref, result, &result,
			  { .kind = CALC_PATIENCE }),
		0);
	must(result > 50 * HEPH_SEC && result <= 100 * HEPH_SEC);
	must_be(heph_call(heph_within(ctx, 50 * HEPH_MSEC), ref, result, &result,
			  { .kind = CALC_HANG }),
		-ETIME);
	/* One that is not answered holds up no other. */
	must_be(heph_start_call(ctx, ref, result, &hang, { .kind = CALC_HANG }), 0);
	must_be(heph_start_call(ctx, ref, result, &doubled,
				{ .kind = CALC_DOUBLE, .n = 4 }),
		0);
	must_be(heph_await(ctx, &doubled, &result), 0);
	must_be(result, 8);
	/* The actor ends with one. */
	must_be(heph_call(ctx, ref, result, &result, { .kind = CALC_DIE }), -EPIPE);
	must_be(heph_await(ctx, &hang, &result), -EPIPE);
	await_that(ctx, stats_of(ctx, one.cluster).subjects == 0);
	must_be(heph_call(ctx, ref, result, &result, { .kind = CALC_DOUBLE }), -ESRCH);
	free(seen);
	return 0;
}

static void calls_end_as_they_would_here(void **state)
{
	(void)state;
	run(calls, NULL);
}

static int other_type(heph_ctx ctx, act_inbox in, void *arg)
{
	struct member one = cluster_begin(ctx, &server, "one");
	int64_t result;
	calc_ref ref;
	old_ref target;

	(void)in, (void)arg;
	must_be(heph_spawn(ctx, old, &target), 0);
	must_be(heph_cluster_serve(ctx, one.cluster, old, target, "types", HEPH_TO_ONE), 0);
	must_be(heph_cluster_subject(ctx, one.cluster, calc, "types", &ref), 0);
	must_be(heph_call(ctx, ref, result, &result, { .kind = CALC_DOUBLE }),
		-EPROTOTYPE);
	add(ctx, ref, 1);
	await_that(ctx, stats_of(ctx, one.cluster).refused == 2);
	/* What cannot be written does not leave. */
	must_be(heph_call(ctx, ref, result, &result,
			  { .kind = CALC_DOUBLE, .text = strdup("\xff") }),
		-EILSEQ);
	return 0;
}

static void another_type_is_refused(void **state)
{
	(void)state;
	run(other_type, NULL);
}

static int slow(heph_ctx ctx, act_inbox in, void *arg)
{
	struct seen *seen = calloc(1, sizeof(*seen));
	struct member one = cluster_begin(ctx, &server, "one");
	calc_ref ref, target;

	(void)in, (void)arg;
	seen->slow = 200;
	must_be(heph_spawn(ctx, calc, &target, { seen }, .inbox = 1), 0);
	must_be(heph_cluster_serve(ctx, one.cluster, calc, target, "slow", HEPH_TO_ONE), 0);
	must_be(heph_cluster_subject(ctx, one.cluster, calc, "slow", &ref), 0);
	for (int n = 1; n <= 1000; n++)
		add(ctx, ref, n);
	await_that(ctx, seen->sent > 100);
	/* What has come is handed over when it leaves. */
	must_be(twice(ctx, ref, 1), 2);
	await_that(ctx, seen->sum == 500500);
	must_be(stats_of(ctx, one.cluster).lost, 0);
	free(seen);
	return 0;
}

static void who_is_slow_loses_nothing_that_finds_room(void **state)
{
	(void)state;
	run(slow, NULL);
}

/* ---- references ------------------------------------------------------------------------------------ */

/* Doubles by asking somebody else, whom it was given. */
struct asks_msg {
	calc_ref whom;
	int32_t n;
	HEPH_REPLY(int64_t) result;
};
HEPH_CODEC(asks_msg, struct asks_msg, HEPH_FIELD_REF_OF(whom, calc), HEPH_FIELD(n),
	   HEPH_FIELD_REPLY(result));
HEPH_ACTOR(asks, struct asks_msg, void);
HEPH_REMOTE(asks, asks_msg);

static int asks_main(heph_ctx ctx, asks_inbox in)
{
	struct asks_msg msg;
	int64_t result = 0;
	int err;

	while (heph_recv(ctx, in, &msg) == 0) {
		err = heph_call(heph_for_caller(ctx, msg.result), msg.whom, result,
				&result, { .kind = CALC_DOUBLE, .n = msg.n });
		if (err < 0)
			heph_refuse(msg.result, err);
		else
			heph_answer(msg.result, result);
	}
	return 0;
}
HEPH_ACTOR_MAIN(asks, asks_main);

static int references(heph_ctx ctx, act_inbox in, void *arg)
{
	struct seen *seen = calloc(1, sizeof(*seen));
	struct member one = cluster_begin(ctx, &server, "one");
	struct member two = cluster_begin(ctx, &server, "two");
	asks_ref asks, ref;
	int64_t result = 0;

	(void)in, (void)arg;
	must_be(heph_spawn(ctx, asks, &asks), 0);
	must_be(heph_cluster_serve(ctx, two.cluster, asks, asks, "asks", HEPH_TO_ONE), 0);
	must_be(heph_cluster_subject(ctx, one.cluster, asks, "asks", &ref), 0);
	must_be(heph_cluster_members(ctx, two.cluster, NULL, 0), 2);
	/* The two are no peers before. */
	must_be(heph_call(heph_within(ctx, patience()), ref, result, &result,
			  { .whom = calc_of(ctx, seen), .n = 21 }),
		0);
	must_be(result, 42);
	must_be(seen->called, 1);
	must_be(stats_of(ctx, two.cluster).refused, 0);
	free(seen);
	return 0;
}

static void a_reference_in_a_message_can_be_used(void **state)
{
	(void)state;
	run(references, NULL);
}

/* ---- leaving --------------------------------------------------------------------------------------- */

/* Takes nothing before it may. */
struct gate {
	_Atomic bool open;
	_Atomic int got, order; /* -1: not one after the other */
};
struct gated_arg {
	struct gate *gate;
};
HEPH_ACTOR(gated, struct calc_msg, struct gated_arg);
HEPH_REMOTE(gated, calc_msg);

static int gated_main(heph_ctx ctx, gated_inbox in, struct gated_arg *arg)
{
	struct gate *gate = arg->gate;
	struct calc_msg msg;

	while (!gate->open)
		if (heph_sleep(ctx, HEPH_MSEC) < 0)
			return 0;
	while (heph_recv(ctx, in, &msg) == 0) {
		gate->order = msg.n == gate->order + 1 ? msg.n : -1;
		gate->got++;
		free(msg.text);
	}
	return 0;
}
HEPH_ACTOR_MAIN(gated, gated_main, .drop = calc_msg_drop);

enum { WAITING = 10 }; /* messages, of which two have room */

struct leaving {
	struct member one;
	struct gate *gate;
	gated_ref target;
};

/* Serves with an actor that is full, and waits until all has come to who serves. */
static struct leaving fill(heph_ctx ctx, const char *subject)
{
	struct leaving all = { .one = cluster_begin(ctx, &server, "one") };
	struct heph_nats_stats stats;
	uint64_t before;
	gated_ref ref;

	all.gate = calloc(1, sizeof(*all.gate));
	must_be(heph_spawn(ctx, gated, &all.target, { all.gate }, .inbox = 2), 0);
	must_be(heph_cluster_serve(ctx, all.one.cluster, gated, all.target, subject,
				   HEPH_TO_ONE),
		0);
	must_be(heph_cluster_subject(ctx, all.one.cluster, gated, subject, &ref), 0);
	must_be(heph_nats_stats(ctx, all.one.nats, &stats), 0);
	before = stats.received;
	for (int n = 1; n <= WAITING; n++)
		must_be(heph_send(ctx, ref, { .n = n, .text = strdup("x") }), 0);
	await_that(ctx, heph_nats_stats(ctx, all.one.nats, &stats) == 0 &&
				stats.received >= before + WAITING);
	return all;
}

struct unserve_arg {
	heph_cluster cluster;
};
HEPH_ACTOR(unserve, void, struct unserve_arg);

static int unserve_main(heph_ctx ctx, struct unserve_arg *arg)
{
	must_be(heph_cluster_unserve(ctx, arg->cluster, "leaving"), 0);
	return 0;
}
HEPH_ACTOR_MAIN(unserve, unserve_main);

static int leaves(heph_ctx ctx, act_inbox in, void *arg)
{
	struct leaving all = fill(ctx, "leaving");
	unserve_ref ref;

	(void)in, (void)arg;
	must_be(heph_spawn(ctx, unserve, &ref, { all.one.cluster }), 0);
	must_be(heph_sleep(ctx, 50 * HEPH_MSEC), 0); /* it leaves, and waits for room */
	all.gate->open = true;
	must_be(heph_join(ctx, ref, NULL), 0);
	await_that(ctx, all.gate->got + stats_of(ctx, all.one.cluster).lost == WAITING);
	/* A second is for leaving: on a busy machine that may not do. */
	if (stats_of(ctx, all.one.cluster).lost == 0)
		must_be(all.gate->order, WAITING);
	heph_stop(all.target);
	must_be(heph_join(ctx, all.target, NULL), 0);
	free(all.gate);
	return 0;
}

static void who_leaves_hands_over_what_has_come(void **state)
{
	(void)state;
	run(leaves, NULL);
}

static int leaves_full(heph_ctx ctx, act_inbox in, void *arg)
{
	struct leaving all = fill(ctx, "full");

	(void)in, (void)arg;
	must_be(heph_cluster_unserve(ctx, all.one.cluster, "full"), 0);
	must_be(stats_of(ctx, all.one.cluster).lost, WAITING - 2);
	all.gate->open = true;
	await_that(ctx, all.gate->got == 2);
	heph_stop(all.target);
	must_be(heph_join(ctx, all.target, NULL), 0);
	free(all.gate);
	return 0;
}

static void what_finds_no_room_at_the_end_is_counted(void **state)
{
	(void)state;
	run(leaves_full, NULL);
}

/* ---- the broker ------------------------------------------------------------------------------------ */

static int quiet(heph_ctx ctx, act_inbox in, void *arg)
{
	struct seen *seen = calloc(1, sizeof(*seen));
	struct member one = cluster_begin(ctx, &server, "one");
	struct heph_nats_stats stats;
	calc_ref ref;

	(void)in, (void)arg;
	must_be(heph_cluster_serve(ctx, one.cluster, calc, calc_of(ctx, seen), "quiet",
				   HEPH_TO_ONE),
		0);
	must_be(heph_cluster_subject(ctx, one.cluster, calc, "quiet", &ref), 0);
	must_be(twice(ctx, ref, 1), 2);
	nats_server_kill(&server);
	nats_server_restart(&server);
	await_that(ctx, heph_nats_stats(ctx, one.nats, &stats) == 0 && stats.connected &&
				stats.reconnects > 0);
	must_be(heph_sleep(ctx, 300 * HEPH_MSEC), 0); /* so calls are looked through at once */
	must_be(twice(ctx, ref, 2), 4); /* no call was lost: none fails */
	free(seen);
	return 0;
}

static void a_call_after_a_quiet_restart_is_like_any_other(void **state)
{
	(void)state;
	run(quiet, NULL);
}

static int cut(heph_ctx ctx, act_inbox in, void *arg)
{
	struct seen *seen = calloc(1, sizeof(*seen));
	struct member one = cluster_begin(ctx, &server, "one");
	HEPH_PENDING(int64_t) hang;
	int64_t result = 0;
	calc_ref ref;

	(void)in, (void)arg;
	must_be(heph_cluster_serve(ctx, one.cluster, calc, calc_of(ctx, seen), "cut",
				   HEPH_TO_ONE),
		0);
	must_be(heph_cluster_subject(ctx, one.cluster, calc, "cut", &ref), 0);
	must_be(twice(ctx, ref, 1), 2);
	must_be(heph_start_call(ctx, ref, result, &hang, { .kind = CALC_HANG }), 0);
	await_that(ctx, seen->called == 2);
	nats_server_kill(&server);
	must_be(heph_await(ctx, &hang, &result), -ENOTCONN);
	must_be(heph_call(ctx, ref, result, &result, { .kind = CALC_DOUBLE }), -ENOTCONN);
	nats_server_restart(&server);
	/* It is served again by itself. */
	await_that(ctx, heph_call(ctx, ref, result, &result,
				  { .kind = CALC_DOUBLE, .n = 21 }) == 0);
	must_be(result, 42);
	free(seen);
	return 0;
}

static void calls_end_when_the_broker_does(void **state)
{
	(void)state;
	run(cut, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_pool_shares_messages_and_calls),
		cmocka_unit_test(a_topic_is_sent_to_all_and_called_of_one),
		cmocka_unit_test(a_call_that_nobody_serves_fails_at_once),
		cmocka_unit_test(calls_end_as_they_would_here),
		cmocka_unit_test(another_type_is_refused),
		cmocka_unit_test(who_is_slow_loses_nothing_that_finds_room),
		cmocka_unit_test(a_reference_in_a_message_can_be_used),
		cmocka_unit_test(who_leaves_hands_over_what_has_come),
		cmocka_unit_test(what_finds_no_room_at_the_end_is_counted),
		cmocka_unit_test(a_call_after_a_quiet_restart_is_like_any_other),
		cmocka_unit_test(calls_end_when_the_broker_does),
	};

	return cmocka_run_group_tests(tests, begin_server, end_server);
}
