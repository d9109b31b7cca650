/* SPDX-License-Identifier: MIT */
/* What is seen of actors: each kind of wait, with what it is about. */
#include "act.h"

#include <signal.h>

struct num {
	int n;
};
HEPH_CHAN(num, struct num);

static _Atomic bool release, runs;
static _Atomic int number;

/* More than a machine may stop for. */
static const struct heph_inspect_filter patient = { .patience = 20 * HEPH_SEC };

/* As heph_raw_actor_info(), again while its worker does not answer in time. */
static int look_at(heph_ctx ctx, struct heph_addr addr,
		   struct heph_actor_info *ret_info)
{
	int err = -EBUSY;

	for (int n = 0; n < 20 && err == -EBUSY; n++)
		err = heph_raw_actor_info(ctx, addr, ret_info);
	return err;
}

/* What it looks like when it waits for that: looked at until it does. */
static struct heph_actor_info waiting_for(heph_ctx ctx, struct heph_addr addr,
					  enum heph_wait_kind kind, int line)
{
	heph_time until = heph_now() + 20 * HEPH_SEC;
	struct heph_actor_info info;

	for (;;) {
		must_be(look_at(ctx, addr, &info), 0);
		if (info.waits & 1u << kind)
			return info;
		if (heph_now() > until) {
			fprintf(stderr, "line %d: %s\n", line, info.text);
			abort();
		}
		must_be(heph_yield(ctx), 0);
	}
}

/* Spawns, sees what it waits for, and stops it. The text begins so. */
static struct heph_actor_info see_(heph_ctx ctx, act_fn *fn, void *arg,
				   enum heph_wait_kind kind, const char *text,
				   int line)
{
	act_ref ref = spawn_on(ctx, HEPH_HERE, fn, arg);
	struct heph_actor_info info = waiting_for(ctx, ref.addr, kind, line);

	if (strncmp(info.text, text, strlen(text)) != 0) {
		fprintf(stderr, "line %d: '%s', not '%s'\n", line, info.text,
			text);
		abort();
	}
	must_be(info.state, HEPH_STATE_WAITING);
	must(!strcmp(info.type, "act"));
	must(heph_same(info.ref, ref));
	stop_and_join(ctx, ref);
	return info;
}
#define see(ctx, fn, arg, kind, text) see_(ctx, fn, arg, kind, text, __LINE__)

/* ---- waits ------------------------------------------------------------------ */

static int for_message(heph_ctx ctx, act_inbox in, void *arg)
{
	struct act_msg msg;

	(void)arg;
	return heph_recv(ctx, in, &msg);
}

static int for_message_a_while(heph_ctx ctx, act_inbox in, void *arg)
{
	return for_message(heph_within(ctx, 1000 * HEPH_SEC), in, arg);
}

static int for_a_certain_one(heph_ctx ctx, act_inbox in, void *arg)
{
	struct act_msg msg;

	(void)arg;
	return heph_recv_where(ctx, in, &msg, n, 5);
}

static int for_time(heph_ctx ctx, act_inbox in, void *arg)
{
	(void)in, (void)arg;
	return heph_sleep(ctx, 1000 * HEPH_SEC);
}

static int for_reading(heph_ctx ctx, act_inbox in, void *arg)
{
	struct heph_fd fds[2];
	char byte;

	(void)in, (void)arg;
	must_be(heph_pipe(ctx, fds, 0), 0);
	number = heph_fd_number(ctx, fds[0]);
	return heph_read(ctx, fds[0], &byte, 1);
}

static int for_readable_or_message(heph_ctx ctx, act_inbox in, void *arg)
{
	struct heph_fd fds[2];
	struct act_msg msg;

	(void)arg;
	must_be(heph_pipe(ctx, fds, 0), 0);
	return heph_wait(ctx, heph_on_readable(fds[0]), heph_on_msg(in, &msg),
			 heph_on_time(heph_now() + 1000 * HEPH_SEC));
}

static int for_signal(heph_ctx ctx, act_inbox in, void *arg)
{
	unsigned count;

	(void)in, (void)arg;
	return heph_wait(ctx, heph_on_signal(SIGUSR1, &count));
}

static int for_channel(heph_ctx ctx, act_inbox in, void *arg)
{
	num_sender tx;
	num_receiver rx;
	struct num num;
	int err = heph_chan_new(num, 1, &tx, &rx);

	(void)in, (void)arg;
	if (err == 0)
		err = heph_chan_recv(ctx, rx, &num);
	heph_chan_free(tx);
	heph_chan_free(rx);
	return err;
}

static int for_name(heph_ctx ctx, act_inbox in, void *arg)
{
	act_ref ref;

	(void)in, (void)arg;
	return heph_await_name(ctx, act, "nobody has it", &ref);
}

static int see_waits(heph_ctx ctx, act_inbox in, void *arg)
{
	struct heph_actor_info info;
	bool polls = !strcmp(heph_driver_name(ctx), "epoll");

	(void)in, (void)arg;
	info = see(ctx, for_message, NULL, HEPH_WAITS_MESSAGE,
		   "waits for a message");
	must_be(info.capacity, 64);
	must_be(info.deadline == HEPH_NEVER, 1);
	must_be(info.parent.addr.id == heph_id(heph_self(in)), 1);
	info = see(ctx, for_message_a_while, NULL, HEPH_WAITS_MESSAGE,
		   "waits for a message, at most ");
	must(info.deadline != HEPH_NEVER);
	see(ctx, for_a_certain_one, NULL, HEPH_WAITS_SELECTED,
	    "waits for a certain message");
	see(ctx, for_time, NULL, HEPH_WAITS_TIME, "sleeps for ");
	see(ctx, idle, NULL, HEPH_WAITS_STOP, "waits for a stop");
	see(ctx, for_channel, NULL, HEPH_WAITS_CHANNEL, "waits for a channel");
	see(ctx, for_name, NULL, HEPH_WAITS_NAME, "waits for a name");
	info = see(ctx, for_reading, NULL, HEPH_WAITS_OPERATION,
		   polls ? "waits for poll of descriptor " :
			   "waits for read of descriptor ");
	must_be(info.fd, number);
	must(!strcmp(info.operation, polls ? "poll" : "read"));
	info = see(ctx, for_readable_or_message, NULL, HEPH_WAITS_MESSAGE,
		   "waits for a message or poll of descriptor ");
	must_be(info.waits,
		1u << HEPH_WAITS_MESSAGE | 1u << HEPH_WAITS_OPERATION);
	return 0;
}

static void each_wait_is_seen(void **state)
{
	(void)state;
	run(see_waits, NULL);
}

static int see_signal(heph_ctx ctx, act_inbox in, void *arg)
{
	(void)in, (void)arg;
	see(ctx, for_signal, NULL, HEPH_WAITS_SIGNAL, "waits for a signal");
	return 0;
}

static void a_wait_for_a_signal_is_seen(void **state)
{
	(void)state;
	run(see_signal, NULL);
}

/* ---- waits for others ------------------------------------------------------- */

static int ask(heph_ctx ctx, act_inbox in, void *arg)
{
	const act_ref *to = arg;
	long answer;

	(void)in;
	return heph_call(ctx, *to, answer, &answer, { .asks = true });
}

static int ask_a_while(heph_ctx ctx, act_inbox in, void *arg)
{
	return ask(heph_within(ctx, 1000 * HEPH_SEC), in, arg);
}

static int join_it(heph_ctx ctx, act_inbox in, void *arg)
{
	const act_ref *to = arg;

	(void)in;
	return heph_join(ctx, *to, NULL);
}

static int fill_it(heph_ctx ctx, act_inbox in, void *arg)
{
	const act_ref *to = arg;
	int err = 0;

	(void)in;
	while (err == 0)
		err = heph_send(ctx, *to, { .n = 1 });
	return err;
}

static int monitor_it(heph_ctx ctx, act_inbox in, void *arg)
{
	const act_ref *to = arg;
	struct heph_down down;

	(void)in;
	must_be(heph_monitor(ctx, *to), 0);
	return heph_wait(ctx, heph_on_down(&down));
}

static void see_about(heph_ctx ctx, int on)
{
	struct heph_actor_info info;
	act_ref *to = heph_alloc(ctx, sizeof(*to));
	char text[64];

	*to = spawn_on(ctx, on, idle, NULL);
	snprintf(text, sizeof(text), "waits for the answer of act#%llu",
		 (unsigned long long)to->addr.id);
	info = see(ctx, ask, to, HEPH_WAITS_ANSWER, text);
	must(heph_same(info.on, *to));
	info = see(ctx, ask_a_while, to, HEPH_WAITS_ANSWER, text);
	must(info.since > 0 && info.since <= heph_now());
	snprintf(text, sizeof(text), "waits for the end of act#%llu",
		 (unsigned long long)to->addr.id);
	info = see(ctx, join_it, to, HEPH_WAITS_JOIN, text);
	must(heph_same(info.on, *to));
	see(ctx, monitor_it, to, HEPH_WAITS_DOWN,
	    "waits for the end of an actor");
	snprintf(text, sizeof(text), "waits for room in the inbox of act#%llu",
		 (unsigned long long)to->addr.id);
	info = see(ctx, fill_it, to, HEPH_WAITS_ROOM, text);
	must(heph_same(info.on, *to));
	do {
		must_be(heph_yield(ctx), 0);
		must_be(look_at(ctx, to->addr, &info), 0);
	} while (!info.inbox); /* they are under way */
	must(info.messages > 0);
	stop_and_join(ctx, *to);
	must_be(heph_actor_info(ctx, *to, &info), -ESRCH);
}

static int see_others(heph_ctx ctx, act_inbox in, void *arg)
{
	(void)in, (void)arg;
	see_about(ctx, HEPH_HERE);
	see_about(ctx, HEPH_WORKER(1));
	return 0;
}

static void it_is_seen_whom_an_actor_waits_for(void **state)
{
	(void)state;
	run(see_others, NULL);
}

/* ---- states ------------------------------------------------------------------ */

static int fail_at_once(heph_ctx ctx, act_inbox in, void *arg)
{
	(void)ctx, (void)in, (void)arg;
	return -EIO;
}

static int linger(heph_ctx ctx, act_inbox in, void *arg)
{
	(void)in, (void)arg;
	while (!release)
		if (heph_sleep(heph_shield(ctx, 100 * HEPH_SEC),
			       100 * HEPH_USEC) < 0)
			break;
	return 0;
}

static int leave_a_child(heph_ctx ctx, act_inbox in, void *arg)
{
	(void)in;
	*(act_ref *)arg = spawn_on(ctx, HEPH_HERE, linger, NULL);
	return 0;
}

static int see_states(heph_ctx ctx, act_inbox in, void *arg)
{
	act_ref *child = heph_alloc(ctx, sizeof(*child));
	struct heph_actor_info info;
	act_ref ref;

	(void)in, (void)arg;
	must_be(heph_spawn(ctx, act, &ref, { fail_at_once, NULL },
			   .restarts = { .times = 5,
					 .backoff = 1000 * HEPH_SEC }),
		0);
	info = waiting_for(ctx, ref.addr, HEPH_WAITS_TIME, __LINE__);
	must_be(info.state, HEPH_STATE_RESTARTING);
	stop_and_join(ctx, ref);

	release = false;
	ref = spawn_on(ctx, HEPH_HERE, leave_a_child, child);
	info = waiting_for(ctx, ref.addr, HEPH_WAITS_CHILD, __LINE__);
	must_be(info.state, HEPH_STATE_ENDING);
	must(heph_same(info.on, *child));
	must_be(info.children, 1);
	must_be(look_at(ctx, child->addr, &info), 0);
	must(info.stopping);
	release = true;
	must_be(heph_join(ctx, ref, NULL), 0);

	must_be(look_at(ctx, heph_self(in).addr, &info), 0);
	must_be(info.wait, HEPH_WAITS_INSPECTION);
	return 0;
}

static void ends_and_restarts_are_seen(void **state)
{
	(void)state;
	run(see_states, NULL);
}

/* ---- many --------------------------------------------------------------------- */

enum { MANY = 3000 };

struct count {
	_Atomic int all, named, most;
};

static bool count_all(void *arg, const struct heph_actor_info *info)
{
	struct count *count = arg;

	count->all++;
	count->named += !strcmp(info->name, "the one");
	return count->all != count->most;
}

static int see_many(heph_ctx ctx, act_inbox in, void *arg)
{
	struct count *count = heph_alloc(ctx, sizeof(*count));
	struct heph_inspect_filter one = patient, asleep = patient;
	struct heph_inspect_filter worker = patient;

	(void)in, (void)arg;
	one.name = "the one";
	asleep.waits = 1u << HEPH_WAITS_TIME;
	worker.one_worker = true;
	worker.worker = 1;
	for (int n = 0; n < MANY; n++)
		must_be(heph_spawn(ctx, act, NULL, { for_message, NULL },
				   .on = HEPH_WORKER(n % 2),
				   .name = n == 7 ? "the one" : NULL),
			0);
	must_be(heph_inspect(ctx, &patient, count_all, count), 0);
	must_be(count->all, MANY + 1);
	must_be(count->named, 1);
	*count = (struct count){ 0 };
	must_be(heph_inspect(ctx, &one, count_all, count), 0);
	must_be(count->all, 1);
	*count = (struct count){ 0 };
	must_be(heph_inspect(ctx, &asleep, count_all, count), 0);
	must_be(count->all, 0);
	must_be(heph_inspect(ctx, &worker, count_all, count), 0);
	must_be(count->all, MANY / 2);
	*count = (struct count){ .most = 5 };
	must_be(heph_inspect(ctx, &patient, count_all, count), 0);
	must_be(count->all, 5);
	return 0;
}

static void all_are_visited(void **state)
{
	heph_ctx ctx;
	act_ref ref;

	(void)state;
	ctx = begin(&two_workers);
	must_be(heph_spawn(ctx, act, &ref, { see_many, NULL },
			   .on = HEPH_WORKER(0)),
		0);
	must_be(heph_join(ctx, ref, NULL), 0);
	end(ctx);
}

/* Spawns and ends actors until it is stopped. */
static int storm(heph_ctx ctx, act_inbox in, void *arg)
{
	act_ref *store = heph_alloc(ctx, sizeof(*store)), ref;
	int err = 0;

	(void)in, (void)arg;
	*store = spawn_on(ctx, HEPH_WORKER(1), answer_all, NULL);
	while (err == 0) {
		err = heph_spawn(ctx, act, &ref, { ask, store },
				 .name = "a guest");
		if (err == 0)
			err = heph_join(ctx, ref, NULL);
	}
	return err;
}

static int look_into_storm(heph_ctx ctx, act_inbox in, void *arg)
{
	act_ref *storms = heph_alloc(ctx, 4 * sizeof(*storms));
	struct count *count = heph_alloc(ctx, sizeof(*count));
	int err;

	(void)in, (void)arg;
	for (int n = 0; n < 4; n++)
		storms[n] = spawn_on(ctx, HEPH_WORKER(n % 2), storm, NULL);
	for (int n = 0; n < 100; n++) {
		must_be(heph_inspect(ctx, &patient, count_all, count), 0);
		do
			err = heph_find_cycles(ctx, NULL, NULL);
		while (err == -EBUSY);
		must_be(err, 0);
	}
	must(count->all >= 500);
	for (int n = 0; n < 4; n++)
		stop_and_join(ctx, storms[n]);
	return 0;
}

static void a_storm_can_be_looked_into(void **state)
{
	(void)state;
	if (test_simulated())
		skip();
	run(look_into_storm, NULL);
}

/* ---- from threads ---------------------------------------------------------------- */

static void threads_may_look(void **state)
{
	struct count count = { 0 };
	heph_ctx ctx = begin(&two_workers);
	act_ref ref;

	(void)state;
	ref = spawn_on(ctx, HEPH_WORKER(1), idle, NULL);
	must_be(heph_inspect(ctx, &patient, count_all, &count), 0);
	must_be(count.all, 1);
	must_be(heph_inspect_from_outside(heph_runtime(ctx), &patient,
					  count_all, &count),
		0);
	must_be(count.all, 2);
	stop_and_join(ctx, ref);
	end(ctx);
}

static int be_stuck(heph_ctx ctx, act_inbox in, void *arg)
{
	(void)ctx, (void)in, (void)arg;
	runs = true;
	while (!release)
		sched_yield();
	return 0;
}

static bool keep(void *arg, const struct heph_actor_info *info)
{
	*(struct heph_actor_info *)arg = *info;
	return true;
}

static void a_stuck_worker_is_told_of(void **state)
{
	const struct heph_inspect_filter filter = { .patience = HEPH_MSEC,
						    .one_worker = true,
						    .worker = 1 };
	struct heph_actor_info info = { .state = HEPH_STATES };
	heph_ctx ctx = begin(&two_workers);
	act_ref ref;

	(void)state;
	release = runs = false;
	must_be(heph_spawn(ctx, act, &ref, { be_stuck, NULL },
			   .on = HEPH_WORKER(1), .name = "mule"),
		0);
	while (!runs)
		sched_yield();
	must_be(heph_inspect(ctx, &filter, keep, &info), 0);
	must_be(info.state, HEPH_STATE_STUCK);
	must(!strcmp(info.name, "mule"));
	must(!strcmp(info.type, "act"));
	must(heph_same(info.ref, ref));
	must(strstr(info.text, "stuck"));
	memset(&info, 0, sizeof(info));
	must_be(heph_actor_info(ctx, ref, &info), -EBUSY);
	must_be(info.state, HEPH_STATE_STUCK);
	release = true;
	must_be(heph_join(ctx, ref, NULL), 0);
	end(ctx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_wait_is_seen),
		cmocka_unit_test(a_wait_for_a_signal_is_seen),
		cmocka_unit_test(it_is_seen_whom_an_actor_waits_for),
		cmocka_unit_test(ends_and_restarts_are_seen),
		cmocka_unit_test(all_are_visited),
		cmocka_unit_test(a_storm_can_be_looked_into),
		cmocka_unit_test(threads_may_look),
		cmocka_unit_test(a_stuck_worker_is_told_of),
	};

	return cmocka_run_group_tests_name("inspect", tests, NULL, NULL);
}
