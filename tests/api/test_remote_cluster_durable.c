/* SPDX-License-Identifier: MIT */
/* Inboxes that survive: what is stored is handled, at least once, whatever happens. */
#include "cluster.h"

#include <nats/nats.h>

/* ---- an actor that handles jobs --------------------------------------------------------- */

struct job_msg {
	uint32_t n;
	char *text;
	HEPH_REPLY(int) done;
	struct heph_delivery delivery;
};
HEPH_CODEC(job_msg, struct job_msg, HEPH_FIELD(n), HEPH_FIELD(text, .max = 4 << 20));

enum { JOBS = 256 };

/* What is seen of outside. */
struct log {
	_Atomic int handled[JOBS]; /* so often */
	_Atomic int count;
	_Atomic int times;   /* of the latest */
	_Atomic int order;   /* of the latest: its n; -1: not one after the other */
	_Atomic int waiting; /* of the latest */
	_Atomic uint64_t number;
	/* what is to be done */
	_Atomic int fail;   /* so many are answered with 7 */
	_Atomic int die;    /* so many lives end in the middle */
	_Atomic int slow;   /* ms that each takes */
	_Atomic bool alone; /* nobody else is at work */
	_Atomic bool together;
};

struct job_arg {
	struct log *log;
};
HEPH_ACTOR(job, struct job_msg, struct job_arg);
HEPH_REMOTE(job, job_msg);

static int job_main(heph_ctx ctx, job_inbox in, struct job_arg *arg)
{
	struct log *log = arg->log;
	struct job_msg msg;
	int err;

	while ((err = heph_recv(ctx, in, &msg)) == 0) {
		bool fail = log->fail > 0;

		log->times = (int)msg.delivery.times;
		log->waiting = (int)msg.delivery.waiting;
		log->number = msg.delivery.number;
		log->order = (int)msg.n;
		free(msg.text);
		if (log->alone)
			log->together = true;
		log->alone = true;
		if (log->slow)
			err = heph_sleep(ctx, log->slow * HEPH_MSEC);
		log->alone = false;
		if (err < 0)
			return err;
		if (log->die > 0) {
			log->die--;
			return -EIO;
		}
		if (fail) {
			log->fail--;
			heph_answer(msg.done, 7);
			continue;
		}
		log->handled[msg.n % JOBS]++;
		log->count++;
		heph_answer(msg.done, 0);
	}
	return err;
}
HEPH_ACTOR_MAIN(job, job_main, .drop = job_msg_drop);

/* Another type, of which messages are not jobs. */
struct other_msg {
	uint64_t n;
	HEPH_REPLY(int) done;
	struct heph_delivery delivery;
};
HEPH_CODEC(other_msg, struct other_msg, HEPH_FIELD(n));
HEPH_ACTOR(other, struct other_msg, void);
HEPH_REMOTE(other, other_msg);

static int other_main(heph_ctx ctx, other_inbox in)
{
	struct other_msg msg;

	while (heph_recv(ctx, in, &msg) == 0)
		heph_answer(msg.done, 0);
	return 0;
}
HEPH_ACTOR_MAIN(other, other_main);

/* ---- a broker for all of them --------------------------------------------------------------- */

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

static enum heph_verdict job_restarts(const struct heph_exit *why, struct job_arg *arg)
{
	(void)why, (void)arg;
	return HEPH_RESTART;
}

static job_ref job_of(heph_ctx ctx, struct log *log)
{
	job_ref ref;

	must_be(heph_spawn(ctx, job, &ref, { log }), 0);
	return ref;
}

static void store(heph_ctx ctx, heph_cluster cluster, const char *inbox, unsigned from,
		  unsigned to)
{
	char text[] = "do it";

	for (unsigned n = from; n < to; n++)
		must_be(heph_cluster_store(ctx, cluster, job, inbox, NULL,
					   { .n = n, .text = text }),
			0);
}

static bool each_handled(struct log *log, unsigned from, unsigned to, int times)
{
	for (unsigned n = from; n < to; n++)
		if (log->handled[n] < 1 || (times && log->handled[n] != times))
			return false;
	return true;
}

/* ---- delivery ------------------------------------------------------------------------------- */

static int handles(heph_ctx ctx, act_inbox in, void *arg)
{
	struct log *log = calloc(1, sizeof(*log));
	struct member one = cluster_begin(ctx, &server, "one");
	job_ref ref = job_of(ctx, log);

	(void)in, (void)arg;
	must_be(heph_cluster_durable(ctx, one.cluster, job, ref, "orders", done,
				     delivery),
		0);
	must_be(heph_cluster_durable(ctx, one.cluster, job, ref, "orders", done,
				     delivery),
		-EEXIST);
	must_be(stats_of(ctx, one.cluster).inboxes, 1);
	for (unsigned n = 0; n < 100; n++) {
		store(ctx, one.cluster, "orders", n, n + 1);
		await_that(ctx, log->handled[n] == 1);
		must_be(log->times, 1);
		must_be(log->number, n + 1);
		must_be(log->waiting, 0);
	}
	must(!log->together);
	/* What nobody takes waits, also for another one of that name. */
	must_be(heph_cluster_undurable(ctx, one.cluster, "orders"), 0);
	must_be(heph_cluster_undurable(ctx, one.cluster, "orders"), -ENOENT);
	must_be(stats_of(ctx, one.cluster).inboxes, 0);
	store(ctx, one.cluster, "orders", 100, 200);
	must_be(log->count, 100);
	must_be(heph_cluster_durable(ctx, one.cluster, job, ref, "orders", done,
				     delivery, .under_way = 3),
		0);
	await_that(ctx, log->count == 200);
	must(each_handled(log, 0, 200, 1));
	must_be(log->order, 199);
	must(!log->together);
	must_be(stats_of(ctx, one.cluster).redelivered, 0);
	free(log);
	return 0;
}

static void messages_are_handled_one_after_the_other(void **state)
{
	(void)state;
	run(handles, NULL);
}

static int comes_again(heph_ctx ctx, act_inbox in, void *arg)
{
	struct log *log = calloc(1, sizeof(*log));
	struct member one = cluster_begin(ctx, &server, "one");
	job_ref ref;

	(void)in, (void)arg;
	must_be(heph_spawn(ctx, job, &ref, { log }, .decide = job_restarts,
			   .restarts = { .times = 10 }),
		0);
	must_be(heph_cluster_durable(ctx, one.cluster, job, ref, "again", done,
				     delivery),
		0);
	/* Answered with something else. */
	log->fail = 2;
	store(ctx, one.cluster, "again", 0, 1);
	await_that(ctx, log->count == 1);
	must_be(log->times, 3);
	must_be(log->number, 1);
	/* Restarted in the middle. */
	log->die = 1;
	store(ctx, one.cluster, "again", 1, 2);
	await_that(ctx, log->count == 2);
	must_be(log->times, 2);
	must_be(stats_of(ctx, one.cluster).redelivered, 3);
	/* Gone in the middle: for who comes then. */
	log->slow = 10000;
	store(ctx, one.cluster, "again", 2, 3);
	await_that(ctx, log->alone);
	heph_stop(ref);
	must_be(heph_join(ctx, ref, NULL), 0);
	await_that(ctx, stats_of(ctx, one.cluster).inboxes == 0);
	log->slow = 0;
	log->alone = false;
	ref = job_of(ctx, log);
	must_be(heph_cluster_durable(ctx, one.cluster, job, ref, "again", done,
				     delivery),
		0);
	await_that(ctx, log->count == 3);
	must_be(log->times, 2);
	must(each_handled(log, 0, 3, 1));
	free(log);
	return 0;
}

static void what_was_not_handled_comes_again_and_says_so(void **state)
{
	(void)state;
	run(comes_again, NULL);
}

struct patient {
	heph_time redeliver;
	bool again; /* it came again: the machine may have paused */
};

static int slow_is_not_gone(heph_ctx ctx, act_inbox in, void *arg)
{
	struct patient *patient = arg;
	struct log *log = calloc(1, sizeof(*log));
	struct member one = cluster_begin(ctx, &server, "one");
	job_ref ref = job_of(ctx, log);
	char name[32];

	(void)in;
	snprintf(name, sizeof(name), "slow-%d",
		 (int)(patient->redeliver / HEPH_MSEC));
	log->slow = (int)(patient->redeliver / HEPH_MSEC) * 2;
	must_be(heph_cluster_durable(ctx, one.cluster, job, ref, name, done,
				     delivery, .redeliver = patient->redeliver),
		0);
	store(ctx, one.cluster, name, 0, 2);
	await_that(ctx, log->count >= 2);
	patient->again = stats_of(ctx, one.cluster).redelivered > 0;
	if (!patient->again)
		must(log->times == 1 && each_handled(log, 0, 2, 1));
	heph_stop(ref); /* it may be at work */
	must_be(heph_join(ctx, ref, NULL), 0);
	free(log);
	return 0;
}

static void who_is_slow_keeps_his_message(void **state)
{
	struct patient patient = { .redeliver = 300 * HEPH_MSEC,
				   .again = true };

	(void)state;
	for (; patient.again; patient.redeliver *= 2) {
		must(patient.redeliver < 5 * HEPH_SEC);
		run(slow_is_not_gone, &patient);
	}
}

static int gives_up(heph_ctx ctx, act_inbox in, void *arg)
{
	struct log *log = calloc(1, sizeof(*log));
	struct member one = cluster_begin(ctx, &server, "one");

	(void)in, (void)arg;
	must_be(heph_cluster_durable(ctx, one.cluster, job, job_of(ctx, log), "poison",
				     done, delivery, .times = 3),
		0);
	log->fail = 3;
	store(ctx, one.cluster, "poison", 0, 1);
	await_that(ctx, stats_of(ctx, one.cluster).given_up == 1);
	must_be(log->times, 3);
	must_be(log->fail, 0);
	store(ctx, one.cluster, "poison", 1, 5);
	await_that(ctx, log->count == 4);
	must_be(log->handled[0], 0);
	free(log);
	return 0;
}

static void what_fails_too_often_is_given_up(void **state)
{
	(void)state;
	run(gives_up, NULL);
}

static int shares(heph_ctx ctx, act_inbox in, void *arg)
{
	struct log *log = calloc(2, sizeof(*log));
	struct member one = cluster_begin(ctx, &server, "one");
	struct member two = cluster_begin(ctx, &server, "two");

	(void)in, (void)arg;
	log[0].slow = log[1].slow = 5;
	must_be(heph_cluster_durable(ctx, one.cluster, job, job_of(ctx, &log[0]),
				     "shared", done, delivery, .under_way = 1),
		0);
	must_be(heph_cluster_durable(ctx, two.cluster, job, job_of(ctx, &log[1]),
				     "shared", done, delivery, .under_way = 1),
		0);
	store(ctx, two.cluster, "shared", 0, 40);
	await_that(ctx, log[0].count + log[1].count == 40);
	must(log[0].count > 5);
	must(log[1].count > 5);
	for (unsigned n = 0; n < 40; n++)
		must_be(log[0].handled[n] + log[1].handled[n], 1);
	free(log);
	return 0;
}

static void those_of_a_name_share_what_comes(void **state)
{
	(void)state;
	run(shares, NULL);
}

static int refuses_others(heph_ctx ctx, act_inbox in, void *arg)
{
	struct log *log = calloc(1, sizeof(*log));
	struct member one = cluster_begin(ctx, &server, "one");
	other_ref ref;

	(void)in, (void)arg;
	must_be(heph_spawn(ctx, other, &ref), 0);
	must_be(heph_cluster_durable(ctx, one.cluster, other, ref, "types", done,
				     delivery),
		0);
	store(ctx, one.cluster, "types", 0, 1);
	await_that(ctx, stats_of(ctx, one.cluster).refused > 0);
	/* It waits for somebody who understands it. */
	must_be(heph_cluster_undurable(ctx, one.cluster, "types"), 0);
	must_be(heph_cluster_durable(ctx, one.cluster, job, job_of(ctx, log), "types",
				     done, delivery),
		0);
	await_that(ctx, log->count == 1);
	must(log->times > 1);
	free(log);
	return 0;
}

static void another_type_is_refused_and_not_lost(void **state)
{
	(void)state;
	run(refuses_others, NULL);
}

/* ---- storing ----------------------------------------------------------------------------------- */

static int stores(heph_ctx ctx, act_inbox in, void *arg)
{
	struct log *log = calloc(1, sizeof(*log));
	struct member one = cluster_begin(ctx, &server, "one");
	char text[] = "x", *large = calloc(1, 3 << 20);
	job_ref ref = job_of(ctx, log);

	(void)in, (void)arg;
	must_be(heph_cluster_store(ctx, one.cluster, job, "nobodys", NULL,
				   { .text = text }),
		-ENOENT);
	must_be(heph_cluster_store(ctx, one.cluster, job, "a b", NULL, { .n = 1 }),
		-EINVAL);
	must_be(heph_cluster_store(ctx, one.cluster, job, "", NULL, { .n = 1 }), -EINVAL);
	must_be(heph_cluster_store(ctx, one.cluster, job, "box", "a\r\nb", { .n = 1 }),
		-EINVAL);
	must_be(heph_cluster_durable(ctx, one.cluster, job, ref, "a..b", done,
				     delivery),
		-EINVAL);
	must_be(heph_cluster_durable(ctx, one.cluster, job, ref, "box", done, delivery,
				     .redeliver = 1),
		-EINVAL);
	must_be(heph_cluster_durable(ctx, one.cluster, job, ref, "box.7", done, delivery,
				     .messages = 2),
		0);
	/* An id. */
	must_be(heph_cluster_store(ctx, one.cluster, job, "box.7", "id-1", { .n = 1 }),
		0);
	must_be(heph_cluster_store(ctx, one.cluster, job, "box.7", "id-1", { .n = 1 }),
		1);
	await_that(ctx, log->count == 1);
	must_be(heph_cluster_store(ctx, one.cluster, job, "box.7", "id-1", { .n = 1 }),
		1);
	must_be(heph_cluster_undurable(ctx, one.cluster, "box.7"), 0);
	/* Limits. */
	store(ctx, one.cluster, "box.7", 2, 4);
	must_be(heph_cluster_store(ctx, one.cluster, job, "box.7", NULL, { .n = 9 }),
		-ENOSPC);
	memset(large, 'x', (3 << 20) - 1);
	must_be(heph_cluster_store(ctx, one.cluster, job, "box.7", NULL,
				   { .n = 9, .text = large }),
		-EMSGSIZE);
	/* Other limits for one that is there. */
	must_be(heph_cluster_durable(ctx, one.cluster, job, ref, "box.7", done, delivery,
				     .messages = 100),
		0);
	store(ctx, one.cluster, "box.7", 4, 14);
	await_that(ctx, log->count == 13);
	must(each_handled(log, 1, 14, 1));
	free(large);
	free(log);
	return 0;
}

static void storing_tells_what_is_wrong(void **state)
{
	(void)state;
	run(stores, NULL);
}

/* ---- a broker that goes and comes ------------------------------------------------------------------ */

static int survives(heph_ctx ctx, act_inbox in, void *arg)
{
	struct log *log = calloc(1, sizeof(*log));
	struct member one = cluster_begin(ctx, &server, "one");
	job_ref ref = job_of(ctx, log);
	heph_time before;

	(void)in, (void)arg;
	must_be(heph_cluster_durable(ctx, one.cluster, job, ref, "kept", done,
				     delivery),
		0);
	must_be(heph_cluster_undurable(ctx, one.cluster, "kept"), 0);
	store(ctx, one.cluster, "kept", 0, 50);
	nats_server_kill(&server);
	before = heph_now();
	must_be(heph_cluster_store(heph_within(ctx, 300 * HEPH_MSEC), one.cluster, job,
				   "kept", NULL, { .n = 200 }),
		-ETIME);
	must(heph_now() - before < 10 * HEPH_SEC);
	nats_server_restart(&server);
	await_that(ctx, heph_cluster_durable(ctx, one.cluster, job, ref, "kept", done,
					     delivery) == 0);
	await_that(ctx, each_handled(log, 0, 50, 0));
	/* And while it is taken. */
	nats_server_kill(&server);
	nats_server_restart(&server);
	store(ctx, one.cluster, "kept", 50, 100);
	await_that(ctx, each_handled(log, 0, 100, 0));
	/* Without what it had stored the inbox is made anew. */
	nats_server_kill(&server);
	nats_server_forget(&server);
	nats_server_restart(&server);
	await_that(ctx, heph_cluster_store(ctx, one.cluster, job, "kept", NULL,
					   { .n = 101 }) == 0);
	await_that(ctx, log->handled[101]);
	free(log);
	return 0;
}

static void a_broker_that_is_killed_loses_nothing(void **state)
{
	(void)state;
	run(survives, NULL);
}

/* ---- attempts ---------------------------------------------------------------------------------------- */

/* Somebody else at the broker. */
struct bystander {
	natsConnection *conn;
	natsSubscription *sub;
	_Atomic unsigned seen, marked;
};

static bool is_marked(natsMsg *msg)
{
	const char *value = "";

	return natsMsgHeader_Get(msg, "Heph-Again", &value) == NATS_OK &&
	       strcmp(value, "1") == 0;
}

/* Refuses the first two attempts for the moment, then says that it is stored. */
static void on_attempt(natsConnection *conn, natsSubscription *sub, natsMsg *msg,
		       void *closure)
{
	struct bystander *by = closure;

	(void)sub;
	by->marked += is_marked(msg);
	(void)!natsConnection_PublishString(
		conn, natsMsg_GetReply(msg),
		++by->seen < 3 ? "{\"error\":{\"code\":503,\"description\":\"soon\"}}" :
				 "{\"stream\":\"it\",\"seq\":7}");
	natsMsg_Destroy(msg);
}

/* Stores what was stored once more, as a second attempt does when the broker was restarted
 * and has forgotten the id of the first one. */
static void on_stored(natsConnection *conn, natsSubscription *sub, natsMsg *msg,
		      void *closure)
{
	struct bystander *by = closure;
	natsMsg *more;

	(void)sub;
	if (by->seen++ == 0 &&
	    natsMsg_Create(&more, natsMsg_GetSubject(msg), NULL, natsMsg_GetData(msg),
			   natsMsg_GetDataLength(msg)) == NATS_OK) {
		(void)!natsMsgHeader_Set(more, "Heph-Again", "1");
		(void)!natsConnection_PublishMsg(conn, more);
		natsMsg_Destroy(more);
	}
	natsMsg_Destroy(msg);
}

static void bystander_begin(struct bystander *by, const char *subject,
			    natsMsgHandler handler)
{
	must(natsConnection_ConnectTo(&by->conn, server.url) == NATS_OK);
	must(natsConnection_Subscribe(&by->sub, by->conn, subject, handler, by) ==
	     NATS_OK);
	must(natsConnection_Flush(by->conn) == NATS_OK);
}

static void bystander_end(struct bystander *by)
{
	natsSubscription_Destroy(by->sub);
	natsConnection_Destroy(by->conn);
}

static int marks_attempts(heph_ctx ctx, act_inbox in, void *arg)
{
	struct bystander *by = calloc(2, sizeof(*by));
	struct log *log = calloc(1, sizeof(*log));
	struct member one = cluster_begin(ctx, &server, "one");

	(void)in, (void)arg;
	bystander_begin(&by[0], "heph.durable.busy", on_attempt);
	store(ctx, one.cluster, "busy", 0, 1);
	must_be(by[0].seen, 3);
	must_be(by[0].marked, 2);
	must_be(heph_cluster_durable(ctx, one.cluster, job, job_of(ctx, log), "marks",
				     done, delivery),
		0);
	bystander_begin(&by[1], "heph.durable.marks", on_stored);
	store(ctx, one.cluster, "marks", 0, 1);
	await_that(ctx, log->handled[0] == 2);
	must_be(log->number, 2);
	must_be(log->times, 2);
	must_be(stats_of(ctx, one.cluster).redelivered, 1);
	bystander_end(&by[0]);
	bystander_end(&by[1]);
	free(log);
	free(by);
	return 0;
}

static void what_is_stored_at_a_second_attempt_is_marked(void **state)
{
	(void)state;
	run(marks_attempts, NULL);
}

static void on_update(natsConnection *conn, natsSubscription *sub, natsMsg *msg,
		      void *closure)
{
	struct bystander *by = closure;

	(void)conn, (void)sub;
	by->seen++;
	natsMsg_Destroy(msg);
}

static bool consumers_say(const struct bystander *by, const char *text)
{
	natsMsg *msg = NULL;
	char *found;

	must(natsConnection_RequestString(&msg, by->conn,
					  "$JS.API.CONSUMER.LIST.heph_durable_settings",
					  "", 10000) == NATS_OK);
	found = memmem(natsMsg_GetData(msg), (size_t)natsMsg_GetDataLength(msg), text,
		       strlen(text));
	natsMsg_Destroy(msg);
	return found;
}

static int settings_change(heph_ctx ctx, act_inbox in, void *arg)
{
	struct bystander *by = calloc(1, sizeof(*by));
	struct log *log = calloc(1, sizeof(*log));
	struct member one = cluster_begin(ctx, &server, "one");
	job_ref ref = job_of(ctx, log);

	(void)in, (void)arg;
	bystander_begin(by, "$JS.API.STREAM.UPDATE.heph_durable_settings", on_update);
	for (int i = 0; i < 2; i++) {
		must_be(heph_cluster_durable(ctx, one.cluster, job, ref, "settings", done,
					     delivery),
			0);
		must_be(heph_cluster_undurable(ctx, one.cluster, "settings"), 0);
		must(consumers_say(by, "\"ack_wait\":30000000000"));
		must(consumers_say(by, "\"mem_storage\":true"));
		must(consumers_say(by, "\"total\":1"));
	}
	must_be(heph_cluster_durable(ctx, one.cluster, job, ref, "settings", done,
				     delivery, .messages = 7, .redeliver = HEPH_SEC),
		0);
	must(consumers_say(by, "\"ack_wait\":1000000000,"));
	must(consumers_say(by, "\"total\":1"));
	await_that(ctx, by->seen == 1); /* only when they are others */
	store(ctx, one.cluster, "settings", 0, 1);
	await_that(ctx, log->count == 1);
	must_be(log->times, 1);
	bystander_end(by);
	free(log);
	free(by);
	return 0;
}

static void settings_are_those_of_who_came_last(void **state)
{
	(void)state;
	run(settings_change, NULL);
}

/* A mark is no delivery: what waits while the broker is restarted is tried once. */
static int limit_survives(heph_ctx ctx, act_inbox in, void *arg)
{
	struct log *log = calloc(1, sizeof(*log));
	struct member one = cluster_begin(ctx, &server, "one");

	(void)in, (void)arg;
	must_be(heph_cluster_durable(ctx, one.cluster, job, job_of(ctx, log), "once",
				     done, delivery, .times = 1),
		0);
	must_be(heph_cluster_undurable(ctx, one.cluster, "once"), 0);
	store(ctx, one.cluster, "once", 0, 5);
	nats_server_kill(&server);
	nats_server_restart(&server);
	await_that(ctx, heph_cluster_durable(ctx, one.cluster, job, job_of(ctx, log),
					     "once", done, delivery, .times = 1) == 0);
	await_that(ctx, each_handled(log, 0, 5, 1));
	must_be(log->times, 2);
	must_be(stats_of(ctx, one.cluster).given_up, 0);
	log->fail = 1;
	store(ctx, one.cluster, "once", 5, 6);
	await_that(ctx, stats_of(ctx, one.cluster).given_up == 1);
	must_be(log->handled[5], 0);
	free(log);
	return 0;
}

static void a_restart_of_the_broker_takes_no_attempt(void **state)
{
	(void)state;
	run(limit_survives, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(messages_are_handled_one_after_the_other),
		cmocka_unit_test(what_was_not_handled_comes_again_and_says_so),
		cmocka_unit_test(who_is_slow_keeps_his_message),
		cmocka_unit_test(what_fails_too_often_is_given_up),
		cmocka_unit_test(those_of_a_name_share_what_comes),
		cmocka_unit_test(another_type_is_refused_and_not_lost),
		cmocka_unit_test(storing_tells_what_is_wrong),
		cmocka_unit_test(a_broker_that_is_killed_loses_nothing),
		cmocka_unit_test(what_is_stored_at_a_second_attempt_is_marked),
		cmocka_unit_test(settings_are_those_of_who_came_last),
		cmocka_unit_test(a_restart_of_the_broker_takes_no_attempt),
	};

	return cmocka_run_group_tests(tests, begin_server, end_server);
}
