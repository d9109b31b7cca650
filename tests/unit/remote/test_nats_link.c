/* SPDX-License-Identifier: MIT */
/* What the library does with NATS: messages, subscriptions, requests, jobs. */
#include "../../api/act.h"
#include "../../api/nats_server.h"

#include "remote/mem.h"
#include "remote/nats_state.h"

static struct nats_server server;

static int start_server(void **state)
{
	(void)state;
	nats_server_start(&server);
	return 0;
}

/* All that libnats has is given back: it waits for each connection. */
static int end_server(void **state)
{
	(void)state;
	nats_server_end(&server);
	if (nats_CloseAndWait(10000) != NATS_OK || heph_remote_mem_used() != 0)
		fail();
	return 0;
}

static struct heph_nats_link *open_link(heph_ctx ctx)
{
	struct heph_nats_link *link;
	heph_nats nats;

	must_be(heph_nats_connect(ctx, &nats, .url = server.url), 0);
	must_be(heph_nats_link_of(ctx, nats, &link), 0);
	must(heph_nats_connected(link) && heph_nats_connects(link) >= 1);
	return link;
}

static struct heph_nats_msg *text_msg(const char *subject, const char *reply,
				      const char *text)
{
	struct heph_nats_msg *msg;

	must_be(heph_nats_msg_new(&msg, subject, reply, NULL, 0, text,
				  strlen(text)),
		0);
	return msg;
}

static void must_come(heph_ctx ctx, struct heph_nats_sub *sub, const char *text)
{
	struct heph_nats_in in;

	must_be(heph_chan_recv(heph_within(ctx, 10 * HEPH_SEC), sub->in, &in), 0);
	must(in.msg->size == strlen(text) &&
	     memcmp(in.msg->data, text, in.msg->size) == 0);
	heph_nats_msg_free(in.msg);
}

/* ---- messages --------------------------------------------------------------------- */

static void keeps_what_a_message_has(void **state)
{
	const struct heph_nats_header headers[] = { { "A", "1" }, { "Bc", "" } };
	struct heph_nats_msg *msg, *asking;

	(void)state;
	assert_int_equal(heph_nats_msg_new(&msg, "s.t", NULL, headers, 2, "xyz", 3),
			 0);
	assert_int_equal(heph_nats_msg_asking(msg, "r", &asking), 0);
	heph_nats_msg_free(msg);
	assert_string_equal(asking->subject, "s.t");
	assert_string_equal(asking->reply, "r");
	assert_string_equal(heph_nats_msg_header(asking, "A"), "1");
	assert_string_equal(heph_nats_msg_header(asking, "Bc"), "");
	assert_string_equal(heph_nats_msg_header(asking, "1"), "");
	assert_memory_equal(asking->data, "xyz", 3);
	assert_false(heph_nats_msg_nobody(asking));
	heph_nats_msg_free(asking);
	heph_remote_mem_fail_after(1);
	assert_int_equal(heph_nats_msg_new(&msg, "s", "", NULL, 0, "", 0), -ENOMEM);
	heph_remote_mem_fail_after(-1);
}

/* ---- publish and subscribe ------------------------------------------------------------ */

static int pass(heph_ctx ctx, act_inbox in, void *arg)
{
	const struct heph_nats_header header = { "Kind", "greeting" };
	struct heph_nats_link *link = open_link(ctx);
	struct heph_nats_sub *sub, *one, *two;
	struct heph_nats_in got;
	struct heph_nats_msg *msg;
	char subject[HEPH_NATS_SUBJECT_MAX];

	heph_nats_unique(link, "test", subject);
	must(strncmp(subject, "heph.test.", 10) == 0 && strlen(subject) == 32);
	must_be(heph_nats_subscribe(ctx, link, subject, NULL, 0, &sub), 0);
	must_be(heph_nats_msg_new(&msg, subject, "back", &header, 1, "hi", 2), 0);
	must_be(heph_nats_publish(ctx, link, msg), 0);
	must_be(heph_chan_recv(ctx, sub->in, &got), 0);
	must(strcmp(got.msg->subject, subject) == 0);
	must(strcmp(got.msg->reply, "back") == 0);
	must(strcmp(heph_nats_msg_header(got.msg, "Kind"), "greeting") == 0);
	heph_nats_msg_free(got.msg);
	for (int i = 0; i < 1000; i++)
		must_be(heph_nats_publish(ctx, link, text_msg(subject, NULL, "x")), 0);
	for (int i = 0; i < 1000; i++)
		must_come(ctx, sub, "x");
	heph_nats_unsubscribe(sub);
	/* Of a queue group one gets each. */
	must_be(heph_nats_subscribe(ctx, link, "group", "g", 0, &one), 0);
	must_be(heph_nats_subscribe(ctx, link, "group", "g", 0, &two), 0);
	for (int i = 0; i < 10; i++)
		must_be(heph_nats_publish(ctx, link, text_msg("group", NULL, "x")), 0);
	for (int i = 0; i < 10; i++) {
		must(heph_wait(heph_within(ctx, 10 * HEPH_SEC),
			       heph_on_chan(one->in, &got),
			       heph_on_chan(two->in, &got)) >= 0);
		heph_nats_msg_free(got.msg);
	}
	must(heph_chan_count(one->in) == 0 && heph_chan_count(two->in) == 0);
	heph_nats_unsubscribe(one);
	heph_nats_unsubscribe(two);
	must_be(heph_nats_subscribe(ctx, link, "a b", NULL, 0, &sub), -EINVAL);
	must_be(heph_nats_msg_new(&msg, "s", NULL, NULL, 0, NULL,
				  heph_nats_payload_max(link) + 1),
		0);
	must_be(heph_nats_publish(ctx, link, msg), -EMSGSIZE);
	heph_nats_msg_free(msg);
	heph_nats_link_unref(link);
	return 0;
}

static void passes_messages(void **state)
{
	run(pass, NULL);
}

/* What another connection publishes then, comes. */
static int know_at_once(heph_ctx ctx, act_inbox in, void *arg)
{
	struct heph_nats_link *link = open_link(ctx), *other = open_link(ctx);
	struct heph_nats_sub *sub;

	for (int i = 0; i < 200; i++) {
		must_be(heph_nats_subscribe(ctx, link, "now", NULL, 0, &sub),
			0);
		must_be(heph_nats_publish(ctx, other,
					  text_msg("now", NULL, "x")),
			0);
		must_come(ctx, sub, "x");
		heph_nats_unsubscribe(sub);
	}
	heph_nats_link_unref(link);
	heph_nats_link_unref(other);
	return 0;
}

static void the_broker_knows_of_a_subscription_at_once(void **state)
{
	run(know_at_once, NULL);
}

static int lose(heph_ctx ctx, act_inbox in, void *arg)
{
	struct heph_nats_link *link = open_link(ctx);
	struct heph_nats_sub *small, *large;
	struct heph_nats_stats stats;

	must_be(heph_nats_subscribe(ctx, link, "lossy", NULL, 2, &small), 0);
	must_be(heph_nats_subscribe(ctx, link, "lossy", NULL, 0, &large), 0);
	for (int i = 0; i < 10; i++)
		must_be(heph_nats_publish(ctx, link, text_msg("lossy", NULL, "x")), 0);
	for (int i = 0; i < 10; i++)
		must_come(ctx, large, "x");
	must_be(heph_nats_publish(ctx, link, text_msg("lossy", NULL, "end")), 0);
	must_come(ctx, large, "end"); /* so the other's was delivered, or soon is */
	while (heph_nats_sub_lost(small) < 9)
		must_be(heph_sleep(ctx, HEPH_MSEC), 0);
	must_come(ctx, small, "x");
	must_come(ctx, small, "x");
	must_be(heph_nats_sub_lost(small), 9);
	must_be(heph_nats_stats(ctx, (heph_nats){ link->hub }, &stats), 0);
	must_be(stats.lost, 9);
	must_be(stats.sent, 11);
	must_be(stats.received, 22);
	must(stats.connected && strstr(server.url, stats.server) && stats.reconnects == 0);
	heph_nats_unsubscribe(small);
	heph_nats_unsubscribe(large);
	heph_nats_link_unref(link);
	return 0;
}

static void counts_what_finds_no_room(void **state)
{
	run(lose, NULL);
}

/* ---- requests ------------------------------------------------------------------------------ */

static int serve(heph_ctx ctx, act_inbox in, void *arg)
{
	struct heph_nats_link *link = arg;
	struct heph_nats_sub *sub;
	struct heph_nats_in got;

	must_be(heph_nats_subscribe(ctx, link, "echo", NULL, 0, &sub), 0);
	while (heph_chan_recv(ctx, sub->in, &got) == 0) {
		must_be(heph_nats_publish(ctx, link,
					  text_msg(got.msg->reply, NULL, "yes")),
			0);
		heph_nats_msg_free(got.msg);
	}
	heph_nats_unsubscribe(sub);
	return 0;
}

static int ask(heph_ctx ctx, act_inbox in, void *arg)
{
	struct heph_nats_link *link = open_link(ctx);
	struct heph_nats_msg *answer;
	struct heph_nats_sub *deaf;
	act_ref server_ref;

	must_be(heph_nats_request(ctx, link, text_msg("nobody", NULL, "?"), &answer),
		-ESRCH);
	must_be(heph_nats_subscribe(ctx, link, "deaf", NULL, 0, &deaf), 0);
	must_be(heph_nats_request(heph_within(ctx, 10 * HEPH_MSEC), link,
				  text_msg("deaf", NULL, "?"), &answer),
		-ETIME);
	heph_nats_unsubscribe(deaf);
	server_ref = spawn_on(ctx, HEPH_HERE, serve, link);
	for (int i = 0; i < 100;) {
		int err = heph_nats_request(ctx, link, text_msg("echo", NULL, "?"),
					    &answer);

		if (err == -ESRCH && i == 0)
			continue;
		must_be(err, 0);
		must(answer->size == 3 && memcmp(answer->data, "yes", 3) == 0);
		heph_nats_msg_free(answer);
		i++;
	}
	stop_and_join(ctx, server_ref);
	heph_nats_link_unref(link);
	return 0;
}

static void asks_and_is_answered(void **state)
{
	run(ask, NULL);
}

/* ---- jobs ------------------------------------------------------------------------------------ */

struct test_job {
	struct heph_nats_job job;
	int ms;
	_Atomic bool ran;
};

static _Atomic int freed;

static int run_job(struct heph_nats_job *base, struct heph_nats_tools *tools)
{
	struct test_job *job = (struct test_job *)base;

	must(tools->conn && tools->js && tools->wait > 0);
	nats_Sleep(job->ms);
	job->ran = true;
	return 7;
}

static void free_job(struct heph_nats_job *job)
{
	freed++;
	free(job);
}

static struct test_job *job_new(int ms)
{
	struct test_job *job = calloc(1, sizeof(*job));

	job->job = (struct heph_nats_job){ run_job, free_job, 1 };
	job->ms = ms;
	return job;
}

static int sleepy(heph_ctx ctx, act_inbox in, void *arg)
{
	struct test_job *job = job_new(300);

	must_be(heph_nats_do(ctx, arg, &job->job), 7);
	heph_nats_job_unref(&job->job);
	return 0;
}

static int do_jobs(heph_ctx ctx, act_inbox in, void *arg)
{
	struct heph_nats_link *link = open_link(ctx);
	struct test_job *job = job_new(0);
	heph_time began;
	act_ref slow[HEPH_NATS_CLERKS - 1];

	freed = 0;
	must_be(heph_nats_do(ctx, link, &job->job), 7);
	must(job->ran);
	heph_nats_job_unref(&job->job);
	for (int i = 0; i < HEPH_NATS_CLERKS - 1; i++)
		slow[i] = spawn_on(ctx, HEPH_HERE, sleepy, link);
	must_be(heph_sleep(ctx, 20 * HEPH_MSEC), 0);
	began = heph_now();
	job = job_new(0);
	must_be(heph_nats_do(ctx, link, &job->job), 7);
	must(on_valgrind() || heph_now() - began < 250 * HEPH_MSEC);
	heph_nats_job_unref(&job->job);
	job = job_new(30);
	must_be(heph_nats_do(heph_within(ctx, HEPH_MSEC), link, &job->job), -ETIME);
	heph_nats_job_unref(&job->job);
	for (int i = 0; i < HEPH_NATS_CLERKS - 1; i++)
		must_be(heph_join(ctx, slow[i], NULL), 0);
	while (freed < HEPH_NATS_CLERKS + 2)
		must_be(heph_sleep(ctx, HEPH_MSEC), 0);
	heph_stop((heph_nats_hub_of(link->hub)));
	must_be(heph_join(ctx, heph_nats_hub_of(link->hub), NULL), 0);
	job = job_new(0);
	must_be(heph_nats_do(ctx, link, &job->job), -ESRCH);
	heph_nats_job_unref(&job->job);
	heph_nats_link_unref(link);
	return 0;
}

static void runs_what_blocks_elsewhere(void **state)
{
	run(do_jobs, NULL);
}

/* ---- when the broker is gone -------------------------------------------------------------------- */

static int outlive(heph_ctx ctx, act_inbox in, void *arg)
{
	struct heph_nats_link *link = open_link(ctx);
	heph_nats_events_receiver events;
	struct heph_nats_event event;
	struct heph_nats_sub *sub;

	must_be(heph_nats_listen(link, &events), 0);
	must_be(heph_nats_subscribe(ctx, link, "s", NULL, 0, &sub), 0);
	must_be(heph_nats_publish(ctx, link, text_msg("s", NULL, "1")), 0);
	must_come(ctx, sub, "1");
	nats_server_kill(&server);
	must_be(heph_chan_recv(heph_within(ctx, 10 * HEPH_SEC), events, &event), 0);
	must(!event.connected && !heph_nats_connected(link));
	must_be(heph_nats_publish(ctx, link, text_msg("s", NULL, "2")), 0);
	nats_server_restart(&server);
	must_be(heph_chan_recv(heph_within(ctx, 10 * HEPH_SEC), events, &event), 0);
	must(event.connected && heph_nats_connects(link) == 2);
	must_come(ctx, sub, "2"); /* it was kept meanwhile */
	heph_nats_unsubscribe(sub);
	heph_chan_free(events);
	heph_nats_link_unref(link);
	return 0;
}

static void outlives_the_broker(void **state)
{
	run(outlive, NULL);
}

/* Things that are still there when the connection's actor ends. */
static int end_early(heph_ctx ctx, act_inbox in, void *arg)
{
	struct heph_nats_link *link = open_link(ctx), *other = open_link(ctx);
	struct heph_nats_events_receiver events;
	struct heph_nats_in got;
	struct heph_nats_sub *sub, *of_other;
	struct heph_nats_msg *msg = text_msg("s", NULL, "1");

	must_be(heph_nats_listen(link, &events), 0);
	must_be(heph_nats_subscribe(ctx, link, "s", NULL, 0, &sub), 0);
	must_be(heph_nats_publish(ctx, link, text_msg("s", NULL, "1")), 0);
	must_come(ctx, sub, "1"); /* so the broker knows of it */
	must_be(heph_nats_subscribe(ctx, other, "s", NULL, 0, &of_other), 0);
	must_be(heph_nats_publish(ctx, other, text_msg("s", NULL, "2")), 0);
	must_come(ctx, of_other, "2");
	must_come(ctx, sub, "2");
	must_be(heph_nats_publish(ctx, link, text_msg("s", NULL, "last")), 0);
	heph_stop((heph_nats_hub_of(link->hub)));
	must_be(heph_join(ctx, heph_nats_hub_of(link->hub), NULL), 0);
	must(heph_nats_closed(link) && !heph_nats_connected(link));
	must_come(ctx, of_other, "last");
	heph_nats_unsubscribe(of_other);
	heph_nats_link_unref(other);
	while (heph_chan_recv(ctx, sub->in, &got) == 0)
		heph_nats_msg_free(got.msg);
	must_be(heph_chan_recv(ctx, sub->in, &got), -EPIPE);
	must_be(heph_nats_publish(ctx, link, msg), -ESRCH);
	must_be(heph_nats_request(ctx, link, msg, &got.msg), -ESRCH);
	heph_nats_unsubscribe(sub);
	must_be(heph_nats_subscribe(ctx, link, "s", NULL, 0, &sub), -ESRCH);
	heph_chan_free(events);
	must_be(heph_nats_listen(link, &events), -ESRCH);
	heph_nats_link_unref(link);
	return 0;
}

static void ends_in_good_order(void **state)
{
	run(end_early, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keeps_what_a_message_has),
		cmocka_unit_test(passes_messages),
		cmocka_unit_test(the_broker_knows_of_a_subscription_at_once),
		cmocka_unit_test(counts_what_finds_no_room),
		cmocka_unit_test(asks_and_is_answered),
		cmocka_unit_test(runs_what_blocks_elsewhere),
		cmocka_unit_test(outlives_the_broker),
		cmocka_unit_test(ends_in_good_order),
	};

	return cmocka_run_group_tests(tests, start_server, end_server);
}
