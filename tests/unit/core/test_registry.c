/* SPDX-License-Identifier: MIT */
/* The table of names, who waits for one, and what happens without memory. */
#include "core/registry.h"

#include "rig.h"

static act_ref target;

static void setup(void)
{
	rig_open(2);
	target = rig_spawn(0, idle, NULL);
	rig_step(0);
}

static void teardown(void)
{
	heph_stop(target);
	rig_settle();
	rig_close();
}

static unsigned listed(void)
{
	return rig.heph.registry.n;
}

static bool anybody_waits(void)
{
	return !heph_list_empty(&rig.heph.registry.waiting);
}

/* ---- the table ------------------------------------------------------------------ */

static void there_is_no_table_before_the_first_name(void **state)
{
	act_ref found;

	(void)state;
	setup();
	assert_int_equal(heph_whereis(rig.ctx, act, "a", &found), -ENOENT);
	assert_int_equal(heph_unregister(rig.ctx, "a"), -ENOENT);
	assert_int_equal(heph_names(rig.ctx, NULL, 0), 0);
	assert_null(rig.heph.registry.buckets);
	assert_int_equal(heph_register(rig.ctx, target, "a"), 0);
	assert_int_equal(rig.heph.registry.n_buckets, 16);
	teardown();
}

static void register_n(act_ref ref, int from, int to)
{
	char name[16];

	for (int n = from; n < to; n++) {
		snprintf(name, sizeof(name), "%d", n);
		assert_int_equal(heph_register(rig.ctx, ref, name), 0);
	}
}

static void ended_ones_go_before_the_table_grows(void **state)
{
	act_ref other;

	(void)state;
	setup();
	other = rig_spawn(0, idle, NULL);
	rig_step(0);
	register_n(other, 0, 10);
	register_n(target, 10, 16);
	heph_stop(other);
	rig_settle();
	assert_int_equal(listed(), 16);
	register_n(target, 16, 17);
	assert_int_equal(rig.heph.registry.n_buckets, 16);
	assert_int_equal(listed(), 7);
	register_n(target, 17, 100);
	assert_int_equal(rig.heph.registry.n_buckets, 128);
	assert_int_equal(listed(), 90);
	teardown();
}

/* Records that others took out of the table do not pile up with their owner. */
static void the_owner_frees_what_others_took_out(void **state)
{
	struct heph_ext *ext;
	struct heph_list *node;
	unsigned n = 0;

	(void)state;
	setup();
	for (int i = 0; i < 1000; i++) {
		assert_int_equal(heph_register(rig.ctx, target, "x"), 0);
		assert_int_equal(heph_unregister(rig.ctx, "x"), 0);
	}
	ext = rig.ctx.self->ext;
	assert_true(heph_list_empty(&ext->names_gone));
	assert_true(heph_list_empty(&ext->owned));
	for (int i = 0; i < 50; i++) {
		act_ref other = rig_spawn(0, idle, NULL);

		assert_int_equal(heph_register(rig.ctx, other, "x"), 0);
		heph_stop(other);
		rig_settle();
	}
	heph_list_each(node, &ext->owned)
		n++;
	assert_true(n <= 2);
	teardown();
}

/* ---- waiting ------------------------------------------------------------------------ */

struct waits {
	heph_time within;
	int err, times;
	act_ref found;
};

static int await_name(heph_ctx ctx, act_inbox in, void *arg)
{
	struct waits *it = arg;

	(void)in;
	if (it->within)
		ctx = heph_within(ctx, it->within);
	it->err = heph_await_name(ctx, act, "name", &it->found);
	it->times++;
	return 0;
}

static void each_is_woken_once(void **state)
{
	struct waits it[3] = { { .err = 1 }, { .err = 1 }, { .err = 1 } };

	(void)state;
	setup();
	for (int n = 0; n < 3; n++)
		rig_spawn((unsigned)n % 2, await_name, &it[n]);
	rig_settle();
	assert_true(anybody_waits());
	assert_int_equal(heph_register(rig.ctx, target, "other"), 0);
	rig_settle();
	assert_int_equal(it[0].times + it[1].times + it[2].times, 0);
	assert_int_equal(heph_register(rig.ctx, target, "name"), 0);
	assert_false(anybody_waits());
	assert_int_equal(heph_unregister(rig.ctx, "name"), 0);
	rig_settle(); /* they were told before it went */
	for (int n = 0; n < 3; n++) {
		assert_int_equal(it[n].err, 0);
		assert_int_equal(it[n].times, 1);
		assert_true(heph_same(it[n].found, target));
	}
	teardown();
}

static void who_gives_up_is_not_waiting_any_more(void **state)
{
	struct waits late = { .within = HEPH_MSEC }, stopped = { .err = 1 };
	act_ref ref;

	(void)state;
	setup();
	rig_spawn(1, await_name, &late);
	ref = rig_spawn(0, await_name, &stopped);
	rig_settle();
	assert_int_equal(late.err, -ETIME);
	assert_true(anybody_waits());
	heph_stop(ref);
	rig_settle();
	assert_int_equal(stopped.err, -ECANCELED);
	assert_false(anybody_waits());
	assert_int_equal(heph_register(rig.ctx, target, "name"), 0);
	teardown();
}

/* The name is registered after the deadline has come, and before the actor has
 * noticed; or the stop. */
static void the_answer_wins_if_it_was_first(void **state)
{
	struct waits it = { .err = 1 };
	act_ref ref;

	(void)state;
	setup();
	ref = rig_spawn(1, await_name, &it);
	rig_step(1);
	heph_stop(ref);
	assert_int_equal(heph_register(rig.ctx, target, "name"), 0);
	rig_settle();
	assert_true(it.err == 0 || it.err == -ECANCELED);
	assert_int_equal(it.times, 1);
	assert_false(anybody_waits());
	teardown();
}

/* ---- no memory --------------------------------------------------------------------------- */

static void registering_without_memory(void **state)
{
	bool refused;
	int err, n = 0;

	(void)state;
	do {
		setup();
		rig_refuse(++n);
		err = heph_register(rig.ctx, target, "name");
		refused = rig_refused();
		assert_int_equal(err, refused ? -ENOMEM : 0);
		assert_int_equal(listed(), refused ? 0 : 1);
		assert_int_equal(heph_register(rig.ctx, target, "name"),
				 refused ? 0 : -EEXIST);
		teardown();
	} while (refused);
	assert_true(n >= 3);
}

static void growing_without_memory(void **state)
{
	act_ref found;

	(void)state;
	setup();
	register_n(target, 0, 16);
	rig_refuse(2); /* the record, the table */
	assert_int_equal(heph_register(rig.ctx, target, "name"), -ENOMEM);
	assert_true(rig_refused());
	assert_int_equal(heph_whereis(rig.ctx, act, "15", &found), 0);
	assert_int_equal(heph_whereis(rig.ctx, act, "name", &found), -ENOENT);
	assert_int_equal(heph_register(rig.ctx, target, "name"), 0);
	assert_int_equal(listed(), 17);
	teardown();
}

static void waiting_without_memory(void **state)
{
	act_ref found;

	(void)state;
	setup();
	rig_refuse(1);
	assert_int_equal(heph_await_name(rig.ctx, act, "name", &found),
			 -ENOMEM);
	assert_true(rig_refused());
	assert_false(anybody_waits());
	teardown();
}

static void listing_without_memory(void **state)
{
	struct heph_named names[2];

	(void)state;
	setup();
	register_n(target, 0, 2);
	rig_refuse(1);
	assert_int_equal(heph_names(rig.ctx, names, 2), -ENOMEM);
	assert_true(rig_refused());
	assert_int_equal(heph_names(rig.ctx, names, 2), 2);
	assert_string_equal(names[0].name, "0");
	teardown();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(there_is_no_table_before_the_first_name),
		cmocka_unit_test(ended_ones_go_before_the_table_grows),
		cmocka_unit_test(the_owner_frees_what_others_took_out),
		cmocka_unit_test(each_is_woken_once),
		cmocka_unit_test(who_gives_up_is_not_waiting_any_more),
		cmocka_unit_test(the_answer_wins_if_it_was_first),
		cmocka_unit_test(registering_without_memory),
		cmocka_unit_test(growing_without_memory),
		cmocka_unit_test(waiting_without_memory),
		cmocka_unit_test(listing_without_memory),
	};

	return cmocka_run_group_tests_name("registry", tests, NULL, NULL);
}
