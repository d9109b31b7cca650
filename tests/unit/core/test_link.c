/* SPDX-License-Identifier: MIT */
/* Links, monitors, holds and scopes, where the order of events matters. */
#include "core/watch.h"

#include "rig.h"

struct asker {
	act_ref who;
	heph_time within; /* 0: no deadline */
	int result, end;
	bool asked, done;
	int failed; /* what its wait returned afterwards */
};

/* Links, waits at a gate, and ends with `end`, or as the link wants. */
static int link_once(heph_ctx ctx, act_inbox in, void *arg)
{
	struct asker *asker = arg;
	heph_ctx short_ctx = asker->within ? heph_within(ctx, asker->within) :
					     ctx;

	(void)in;
	asker->asked = true;
	asker->result = heph_link(short_ctx, asker->who);
	asker->done = true;
	asker->failed = heph_wait_for(ctx, HEPH_WAIT_SIGNAL);
	return asker->failed < 0 ? asker->failed : asker->end;
}

static int end_at_gate(heph_ctx ctx, act_inbox in, void *arg)
{
	int *failed = arg;

	(void)in;
	*failed = heph_wait_for(ctx, HEPH_WAIT_SIGNAL);
	return *failed < 0 ? *failed : -EIO;
}

static unsigned length(struct heph_list *list)
{
	struct heph_list *node;
	unsigned n = 0;

	heph_list_each(node, list)
		n++;
	return n;
}

static void must_have_links(act_ref ref, unsigned n)
{
	struct heph_ext *ext = rig_self(ref)->ext;

	assert_int_equal(ext ? length(&ext->watching) : 0, n);
	assert_int_equal(ext ? length(&ext->watchers) : 0, n);
}

/* A pair on two workers, of which one or the other has the lower id. */
struct pair {
	struct asker askers[2];
	act_ref refs[2];
};

static void spawn_pair(struct pair *pair, bool reversed)
{
	static int ignored;
	act_ref other;

	memset(pair, 0, sizeof(*pair));
	rig_open(2);
	if (reversed) {
		other = rig_spawn(0, end_at_gate, &ignored);
		heph_stop(other);
		rig_settle();
	}
	for (unsigned n = 0; n < 2; n++)
		pair->refs[n] = rig_spawn(n, link_once, &pair->askers[n]);
	for (unsigned n = 0; n < 2; n++)
		pair->askers[n].who = pair->refs[1 - n];
	assert_int_equal(pair->refs[1].addr.id > pair->refs[0].addr.id,
			 !reversed);
}

/* Both ask before either hears of the other. */
static void both_ask(struct pair *pair)
{
	struct heph_thread *thread = &rig.workers[0]->thread;
	struct heph_event *event;

	rig_step(1);
	event = heph_events_take_all(&thread->door);
	assert_true(event && !event->next);
	rig_step(0);
	assert_true(pair->askers[0].asked && pair->askers[1].asked);
	assert_false(pair->askers[0].done || pair->askers[1].done);
	heph_thread_post(thread, event);
}

/* One of the two fails, and so does the other. */
static void fail_pair(struct pair *pair)
{
	must_have_links(pair->refs[0], 1);
	must_have_links(pair->refs[1], 1);
	pair->askers[0].end = -EIO;
	rig_open_gate(pair->refs[0].addr);
	rig_settle();
	assert_int_equal(pair->askers[0].failed, 0);
	assert_int_equal(pair->askers[1].failed, -ECANCELED);
	rig_close();
}

static void two_requests_that_cross_are_one_link(void **state)
{
	struct pair pair;

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		spawn_pair(&pair, i / 2);
		both_ask(&pair);
		rig_step(i % 2);
		rig_settle();
		assert_true(pair.askers[0].done && pair.askers[1].done);
		assert_int_equal(pair.askers[i / 2].result, 0); /* lower id */
		assert_int_equal(pair.askers[1 - i / 2].result, -EEXIST);
		fail_pair(&pair);
	}
}

/* The request of the second is put off; the first gives up, so it is its turn. */
static void who_gives_up_lets_the_other_one_link(void **state)
{
	heph_time now = heph_now();
	struct pair pair;

	(void)state;
	heph_time_virtual = &now;
	spawn_pair(&pair, false);
	pair.askers[0].within = HEPH_MSEC;
	both_ask(&pair);
	now += 2 * HEPH_MSEC;
	rig_step(0);
	assert_true(pair.askers[0].done);
	assert_int_equal(pair.askers[0].result, -ETIME);
	assert_false(pair.askers[1].done);
	rig_settle();
	assert_int_equal(pair.askers[1].result, 0);
	fail_pair(&pair);
	heph_time_virtual = NULL;
}

static void who_is_put_off_may_give_up(void **state)
{
	struct pair pair;

	(void)state;
	spawn_pair(&pair, false);
	both_ask(&pair);
	rig_step(0); /* it is put off */
	heph_stop(pair.refs[1]);
	rig_settle();
	assert_int_equal(pair.askers[1].result, -ECANCELED);
	assert_true(pair.askers[0].result == 0 ||
		    pair.askers[0].result == -ESRCH);
	rig_open_gate(pair.refs[0].addr);
	rig_settle();
	rig_close();
}

/* It ends after it has agreed, before that is known. */
static void a_link_may_fail_before_it_is_known(void **state)
{
	struct asker asker = { .within = 0 };
	int failed = 1;

	(void)state;
	rig_open(2);
	asker.who = rig_spawn(1, end_at_gate, &failed);
	rig_settle();
	rig_spawn(0, link_once, &asker);
	rig_step(0);
	rig_step(1);
	rig_open_gate(asker.who.addr);
	rig_step(1);
	assert_false(heph_alive(asker.who));
	rig_settle();
	assert_int_equal(asker.result, 0);
	assert_int_equal(asker.failed, -ECANCELED);
	rig_close();
}

/* Both fail: each hears of the other when it has ended. */
static void ends_may_cross(void **state)
{
	struct asker asker = { .end = -EPERM };
	int failed = 1;
	act_ref ref;

	(void)state;
	for (unsigned n = 0; n < 2; n++) {
		rig_open(2);
		asker.who = rig_spawn(n, end_at_gate, &failed);
		ref = rig_spawn(0, link_once, &asker);
		rig_settle();
		must_have_links(ref, 1);
		rig_open_gate(ref.addr);
		rig_open_gate(asker.who.addr);
		rig_settle();
		assert_int_equal(asker.failed, 0);
		assert_int_equal(failed, 0);
		rig_close();
	}
}

/* ---- without memory ------------------------------------------------------------ */

/* From the same worker, then from another one. */
#define near_and_far(n_) for (unsigned n_ = 0; n_ < 2; n_++)

static bool link_without_memory(unsigned from, long n)
{
	struct asker asker = { .within = 0 };
	bool refused;
	int failed = 1;
	act_ref ref;

	rig_open(2);
	asker.who = rig_spawn(0, end_at_gate, &failed);
	ref = rig_spawn(from, link_once, &asker);
	rig_refuse(n);
	rig_settle();
	refused = rig_refused();
	assert_true(asker.done);
	assert_true(asker.result == 0 || (refused && asker.result == -ENOMEM));
	rig_open_gate(asker.who.addr);
	rig_settle();
	if (asker.result < 0)
		rig_open_gate(ref.addr);
	rig_settle();
	assert_int_equal(asker.failed, asker.result < 0 ? 0 : -ECANCELED);
	rig_close();
	return refused;
}

struct watcher {
	act_ref who;
	int result;
	struct heph_down down;
	int downs;
};

static int monitor(heph_ctx ctx, act_inbox in, void *arg)
{
	struct watcher *watcher = arg;

	(void)in;
	watcher->result = heph_monitor(ctx, watcher->who);
	if (watcher->result == 0) {
		must(heph_wait(ctx, heph_on_down(&watcher->down)) == 0);
		watcher->downs++;
		must(heph_wait(ctx, heph_on_down(&watcher->down),
			       heph_on_time(heph_now())) == 1);
	}
	return 0;
}

/* Where there is no memory to watch it, it is watched all the same. */
static bool monitor_without_memory(unsigned from, long n)
{
	struct watcher watcher = { .downs = 0 };
	bool refused;
	int failed;

	rig_open(2);
	watcher.who = rig_spawn(0, end_at_gate, &failed);
	rig_spawn(from, monitor, &watcher);
	rig_refuse(n);
	rig_settle();
	refused = rig_refused();
	assert_true(watcher.result == 0 ||
		    (refused && watcher.result == -ENOMEM));
	rig_open_gate(watcher.who.addr);
	rig_settle();
	assert_int_equal(watcher.downs, watcher.result == 0);
	if (watcher.downs)
		assert_int_equal(watcher.down.exit.err, -EIO);
	rig_close();
	return refused;
}

static struct log log_;

static int hold(heph_ctx ctx, act_inbox in, void *arg)
{
	struct watcher *watcher = arg;

	(void)in;
	watcher->result = heph_spawn(ctx, act, &watcher->who,
				     { collect, &log_ }, .on = HEPH_WORKER(0),
				     .detached = true, .held = true);
	if (watcher->result == 0)
		must(heph_release(ctx, watcher->who) == 0);
	return 0;
}

static bool hold_without_memory(unsigned from, long n)
{
	struct watcher watcher = { .downs = 0 };
	bool refused;

	rig_open(2);
	rig_spawn(from, hold, &watcher);
	rig_refuse(n);
	rig_settle();
	refused = rig_refused();
	assert_true(watcher.result == 0 ||
		    (refused && watcher.result == -ENOMEM));
	rig_close(); /* it has ended, if there was one */
	return refused;
}

static int open_scopes(heph_ctx ctx, act_inbox in, void *arg)
{
	struct watcher *watcher = arg;
	struct heph_scope scopes[10];

	(void)in;
	for (int n = 0; n < 10 && watcher->result == 0; n++) {
		watcher->result = heph_scope_open(ctx, &scopes[n]);
		watcher->downs += watcher->result == 0;
	}
	if (watcher->downs)
		heph_scope_close(ctx, scopes[0]);
	return 0;
}

static bool open_without_memory(unsigned from, long n)
{
	struct watcher watcher = { .downs = 0 };
	bool refused;

	rig_open(2);
	rig_spawn(from, open_scopes, &watcher);
	rig_refuse(n);
	rig_settle();
	refused = rig_refused();
	assert_true(watcher.downs == 10 ||
		    (refused && watcher.result == -ENOMEM));
	rig_close();
	return refused;
}

static void survives_every_refused_allocation(void **state)
{
	static bool (*const tries[])(unsigned from, long n) = {
		link_without_memory,
		monitor_without_memory,
		hold_without_memory,
		open_without_memory,
	};

	(void)state;
	for (size_t i = 0; i < sizeof(tries) / sizeof(*tries); i++)
		near_and_far(from) for (long n = 1; tries[i](from, n); n++);
}

/* Lets a worker go its turn without memory for extensions. */
static void step_without_memory(unsigned n)
{
	struct heph_pool *pool = &rig.workers[n]->thread.pool;
	static void *taken[HEPH_POOL_CHUNK / HEPH_POOL_GRAIN];
	int i = 0;

	heph_mem_fail_after(1);
	if (!HEPH_POOL_CHECKED) /* what it has is used up first */
		while ((taken[i] =
				heph_pool_take(pool, sizeof(struct heph_ext))))
			i++;
	heph_mem_fail_after(1);
	rig_step(n);
	heph_mem_fail_after(-1);
	while (i--)
		heph_pool_give(pool, taken[i], sizeof(struct heph_ext));
}

/* The worker of who is watched has no memory when the watches arrive. */
static void a_loose_watch_is_told(void **state)
{
	struct watcher watchers[2] = { { .downs = 0 }, { .downs = 0 } };
	struct heph_list *loose;
	int failed;

	(void)state;
	rig_open(2);
	loose = &rig.workers[0]->thread.loose;
	watchers[0].who = rig_spawn(0, end_at_gate, &failed);
	rig_settle();
	for (int i = 0; i < 2; i++) {
		watchers[i].who = watchers[0].who;
		rig_spawn(1, monitor, &watchers[i]);
		rig_step(1);
		step_without_memory(0);
	}
	assert_int_equal(length(loose), 2);
	rig_settle();
	rig_open_gate(watchers[0].who.addr);
	rig_settle();
	for (int i = 0; i < 2; i++)
		assert_int_equal(watchers[i].down.exit.err, -EIO);
	assert_int_equal(length(loose), 0);
	rig_close();
}

/* It is held by that. */
static void a_loose_hold_holds(void **state)
{
	static const struct heph_addr nobody;
	struct log log = { .n = 0 };
	struct heph_self *self;
	act_ref ref;

	(void)state;
	rig_open(1);
	ref = rig_spawn(0, collect, &log);
	rig_settle();
	must(heph_hold(rig.ctx, ref) == 0);
	step_without_memory(0);
	assert_int_equal(length(&rig.workers[0]->thread.loose), 1);
	must(heph_hold(rig.ctx, ref) == 0);
	rig_settle();
	self = rig_self(ref);
	self->ext->held = true; /* as if it had been spawned so */
	must(heph_release(rig.ctx, ref) == 0);
	rig_settle();
	assert_true(heph_alive(ref));
	must(heph_release(rig.ctx, ref) == 0);
	rig_settle();
	assert_false(heph_alive(ref));
	assert_int_equal(length(&rig.workers[0]->thread.loose), 0);
	must(heph_release(rig.ctx, (act_ref){ { .addr = nobody } }) == -ENOENT);
	rig_close();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(two_requests_that_cross_are_one_link),
		cmocka_unit_test(who_gives_up_lets_the_other_one_link),
		cmocka_unit_test(who_is_put_off_may_give_up),
		cmocka_unit_test(a_link_may_fail_before_it_is_known),
		cmocka_unit_test(ends_may_cross),
		cmocka_unit_test(survives_every_refused_allocation),
		cmocka_unit_test(a_loose_watch_is_told),
		cmocka_unit_test(a_loose_hold_holds),
	};

	return cmocka_run_group_tests_name("link", tests, NULL, NULL);
}
