/* SPDX-License-Identifier: MIT */
/* What tests of Heph assert and no other file here does; see heph-parity.md. */
#include "act.h"

static const int places[] = { HEPH_WORKER(0), HEPH_WORKER(1), HEPH_ANY,
			      HEPH_OWN_THREAD };
enum { PLACES = sizeof(places) / sizeof(*places) };

/* ---- messages ----------------------------------------------------------------- */

static int send_to_self(heph_ctx ctx, act_inbox in, void *arg)
{
	struct act_msg msg;

	must_be(heph_try_recv(in, &msg), -EAGAIN);
	must_be(heph_send(ctx, heph_self(in), { .n = 5 }), 0);
	must_be(heph_recv(ctx, in, &msg), 0);
	must_be(msg.n, 5);
	must_be(heph_try_recv(in, &msg), -EAGAIN);
	return 0;
}

static void an_actor_sends_to_itself(void **state)
{
	run(send_to_self, NULL);
}

/* Eight fit, the actor takes them all, more fit. */
static int take_all_when_asked(heph_ctx ctx, act_inbox in, void *arg)
{
	struct act_msg msg;

	while (heph_recv(ctx, in, &msg) == 0)
		if (msg.asks)
			heph_answer(msg.answer, msg.n + 1);
	return 0;
}

static int fill_and_drain(heph_ctx ctx, act_inbox in, void *arg)
{
	act_ref ref;

	must_be(heph_spawn(ctx, act, &ref, { take_all_when_asked, NULL },
			   .inbox = 8),
		0);
	for (int round = 0; round < 3; round++) {
		for (int n = 0; n < 8; n++)
			must_be(heph_try_send(ref, { .n = n }), 0);
		must_be(heph_try_send(ref, { .n = 8 }), -EAGAIN);
		sync_with(ctx, ref);
	}
	stop_and_join(ctx, ref);
	must_be(heph_try_send(ref, { .n = 0 }), -ESRCH);
	return 0;
}

static void eight_fit_and_eight_more(void **state)
{
	run(fill_and_drain, NULL);
}

/* ---- one type, several kinds of requests ---------------------------------------- */

struct pair {
	long a, b;
};

struct kinds_msg {
	enum { KINDS_TELL, KINDS_ASK_ONE, KINDS_ASK_TWO } kind;
	struct pair values;
	union {
		HEPH_REPLY(int) one;
		HEPH_REPLY(struct pair) two;
	};
};
HEPH_ACTOR(kinds, struct kinds_msg, void);

static int kinds_main(heph_ctx ctx, kinds_inbox in)
{
	struct kinds_msg msg;
	long told = 0;

	while (heph_recv(ctx, in, &msg) == 0) {
		switch (msg.kind) {
		case KINDS_TELL:
			told += msg.values.a;
			break;
		case KINDS_ASK_ONE:
			heph_answer(msg.one, (int)(msg.values.a - told));
			break;
		case KINDS_ASK_TWO:
			heph_answer(msg.two, { msg.values.b, msg.values.a });
			break;
		}
	}
	return 0;
}
HEPH_ACTOR_MAIN(kinds, kinds_main);

static int use_all_kinds(heph_ctx ctx, act_inbox in, void *arg)
{
	kinds_ref ref;
	struct pair two;
	int one;

	for (int i = 0; i < PLACES; i++) {
		must_be(heph_spawn(ctx, kinds, &ref, .on = places[i]), 0);
		must_be(heph_send(ctx, ref, { .kind = KINDS_TELL, .values = { 7, 0 } }), 0);
		must_be(heph_call(ctx, ref, one, &one,
				  { .kind = KINDS_ASK_ONE, .values = { 7, 0 } }),
			0);
		must_be(one, 0);
		must_be(heph_call(ctx, ref, two, &two,
				  { .kind = KINDS_ASK_TWO, .values = { 1, 2 } }),
			0);
		must(two.a == 2 && two.b == 1);
		heph_stop(ref);
	}
	return 0;
}

static void one_type_takes_several_kinds_of_requests(void **state)
{
	run(use_all_kinds, NULL);
}

/* ---- answers that nobody waits for ------------------------------------------------ */

struct worked {
	_Atomic int done, skipped;
};

/* Works out an answer only if somebody waits for it. */
static int answer_who_waits(heph_ctx ctx, act_inbox in, void *arg)
{
	struct worked *worked = arg;
	struct act_msg msg;

	while (heph_recv(ctx, in, &msg) == 0) {
		if (!heph_reply_wanted(msg.answer)) {
			worked->skipped++;
			continue;
		}
		worked->done++;
		must_be(heph_answer(msg.answer, msg.n + 1), 0);
	}
	return 0;
}

/* The first caller has given up when its call is received. */
static int give_up_and_ask(heph_ctx ctx, act_inbox in, void *arg)
{
	static struct worked worked;
	long answer;
	act_ref ref;

	worked.done = worked.skipped = 0;
	ref = spawn_on(ctx, HEPH_HERE, answer_who_waits, &worked);
	must_be(heph_call(heph_within(ctx, -1), ref, answer, &answer,
			  { .n = 9, .asks = true }),
		-ETIME);
	sync_with(ctx, ref);
	must_be(worked.skipped, 1);
	must_be(worked.done, 1);
	stop_and_join(ctx, ref);
	return 0;
}

static void no_answer_is_worked_out_for_nobody(void **state)
{
	run(give_up_and_ask, NULL);
}

/* Eight others are before it in an inbox of eight. */
static int call_a_full_one(heph_ctx ctx, act_inbox in, void *arg)
{
	act_ref ref;

	for (int i = 0; i < PLACES; i++) {
		must_be(heph_spawn(ctx, act, &ref, { answer_all, NULL },
				   .inbox = 8, .on = places[i]),
			0);
		while (heph_try_send(ref, { .n = 0 }) == 0)
			;
		sync_with(ctx, ref);
		stop_and_join(ctx, ref);
	}
	return 0;
}

static void a_call_waits_for_room(void **state)
{
	run(call_a_full_one, NULL);
}

/* ---- supervision wherever it runs --------------------------------------------------- */

struct job {
	const int *ends; /* of each life; 0: it panics */
	int lives, asked;
	enum heph_verdict verdict;
	int notes; /* with a text */
};

static int live(heph_ctx ctx, act_inbox in, void *arg)
{
	struct job *job = arg;
	int end = job->ends[job->lives++];

	if (!end)
		heph_panic(ctx, "life %d", job->lives);
	return end;
}

static enum heph_verdict ask(const struct heph_exit *why, struct act_arg *arg)
{
	struct job *job = arg->arg;

	job->asked++;
	job->notes += strstr(why->note, "test_parity.c:") != NULL;
	return job->lives < 2 ? job->verdict : HEPH_STOP;
}

/* Runs it with and without a supervisor; why it ended. */
static struct heph_exit run_job(heph_ctx ctx, struct job *job, int on,
				bool supervised)
{
	struct heph_exit exit;
	act_ref ref;

	if (supervised)
		must_be(heph_spawn(ctx, act, &ref, { live, job }, .on = on,
				   .decide = ask),
			0);
	else
		must_be(heph_spawn(ctx, act, &ref, { live, job }, .on = on), 0);
	must_be(heph_join(ctx, ref, &exit), 0);
	return exit;
}

static int supervise(heph_ctx ctx, act_inbox in, void *arg)
{
	static const int good[] = { 1 }, bad[] = { -EIO, -EPERM },
			 panic[] = { 0, 0 };
	static struct job job;

	for (int i = 0; i < PLACES; i++) {
		job = (struct job){ .ends = good };
		run_job(ctx, &job, places[i], true);
		must(job.lives == 1 && job.asked == 0);
		job = (struct job){ .ends = bad, .verdict = HEPH_STOP };
		run_job(ctx, &job, places[i], true);
		must(job.lives == 1 && job.asked == 1 && job.notes == 0);
		job = (struct job){ .ends = bad, .verdict = HEPH_RESTART };
		run_job(ctx, &job, places[i], true);
		must(job.lives == 2 && job.asked == 2);
		job = (struct job){ .ends = panic, .verdict = HEPH_STOP };
		run_job(ctx, &job, places[i], true);
		must(job.lives == 1 && job.asked == 1 && job.notes == 1);
		job = (struct job){ .ends = panic, .verdict = HEPH_RESTART };
		run_job(ctx, &job, places[i], true);
		must(job.lives == 2 && job.asked == 2 && job.notes == 2);
	}
	return 0;
}

static void a_supervisor_decides_wherever_it_runs(void **state)
{
	run(supervise, NULL);
}

/* Others go on, and the runtime too. */
static int fail_alone(heph_ctx ctx, act_inbox in, void *arg)
{
	static const int bad[] = { -EIO }, panic[] = { 0 };
	static struct job job;
	act_ref witness;

	for (int i = 0; i < PLACES; i++) {
		witness = spawn_on(ctx, places[i], answer_all, NULL);
		job = (struct job){ .ends = bad };
		run_job(ctx, &job, places[i], false);
		must_be(job.lives, 1);
		job = (struct job){ .ends = panic };
		run_job(ctx, &job, places[i], false);
		must_be(job.lives, 1);
		sync_with(ctx, witness);
		stop_and_join(ctx, witness);
	}
	return 0;
}

static void without_a_supervisor_it_stops_and_others_go_on(void **state)
{
	run(fail_alone, NULL);
}

/* ---- failed checks -------------------------------------------------------------------- */

static int fail_check(heph_ctx ctx, act_inbox in, void *arg)
{
	heph_check(ctx, arg == NULL);
	heph_check(ctx, 1 + 1 == 3);
	return 0;
}

static int check(heph_ctx ctx, act_inbox in, void *arg)
{
	struct heph_exit exit;
	act_ref ref = spawn_on(ctx, HEPH_HERE, fail_check, NULL);

	must_be(heph_join(ctx, ref, &exit), 0);
	must_be(exit.err, -ENOTRECOVERABLE);
	must(strncmp(exit.note, "test_parity.c:", 14) == 0);
	must(strstr(exit.note, ": check failed: 1 + 1 == 3"));
	return 0;
}

static void a_failed_check_is_a_panic(void **state)
{
	run(check, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_actor_sends_to_itself),
		cmocka_unit_test(eight_fit_and_eight_more),
		cmocka_unit_test(one_type_takes_several_kinds_of_requests),
		cmocka_unit_test(no_answer_is_worked_out_for_nobody),
		cmocka_unit_test(a_call_waits_for_room),
		cmocka_unit_test(a_supervisor_decides_wherever_it_runs),
		cmocka_unit_test(without_a_supervisor_it_stops_and_others_go_on),
		cmocka_unit_test(a_failed_check_is_a_panic),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
