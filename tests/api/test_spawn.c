/* SPDX-License-Identifier: MIT */
/* Spawning, options, limits, joining, ids, who runs where. */
#include "act.h"

/* ---- where ------------------------------------------------------------------- */

static int check_worker(heph_ctx ctx, act_inbox in, void *arg)
{
	(void)in;
	must_be(heph_worker(ctx), (intptr_t)arg);
	must_be(heph_workers(ctx), 2);
	return 0;
}

static int spawn_here_and_there(heph_ctx ctx, act_inbox in, void *arg)
{
	act_ref ref;

	(void)in, (void)arg;
	for (int n = 0; n < 2; n++) {
		ref = spawn_on(ctx, HEPH_WORKER(n), check_worker,
			       (void *)(intptr_t)n);
		must_be(heph_join(ctx, ref, NULL), 0);
	}
	ref = spawn_on(ctx, HEPH_HERE, check_worker,
		       (void *)(intptr_t)heph_worker(ctx));
	must_be(heph_join(ctx, ref, NULL), 0);
	must_be(act_args_dropped, 3);
	return 0;
}

static int spawn_by_turns(heph_ctx ctx, act_inbox in, void *arg)
{
	int seen[2] = { 0 };

	(void)in, (void)arg;
	for (int n = 0; n < 10; n++) {
		act_ref ref = spawn_on(ctx, HEPH_NEXT, idle, NULL);

		seen[ref.addr.id % 1024]++;
		stop_and_join(ctx, ref);
	}
	must_be(seen[0], 5);
	must_be(seen[1], 5);
	return 0;
}

static void goes_where_it_is_told(void **state)
{
	heph_ctx ctx;
	int seen[2] = { 0 };

	(void)state;
	run(spawn_here_and_there, NULL);
	run(spawn_by_turns, NULL);
	ctx = begin(&two_workers);
	for (int n = 0; n < 10; n++) { /* of a thread: by turns */
		act_ref ref = spawn_on(ctx, HEPH_HERE, idle, NULL);

		seen[ref.addr.id % 1024]++;
		stop_and_join(ctx, ref);
	}
	must_be(seen[0], 5);
	must_be(seen[1], 5);
	end(ctx);
}

/* ---- options ------------------------------------------------------------------- */

static int refuse_options(heph_ctx ctx, act_inbox in, void *arg)
{
	struct heph_stats before = heph_stats(ctx);
	struct heph_actor other = act_actor;
	struct act_spawn spawn = { .arg = { idle, NULL } };
	act_ref ref;

	(void)in, (void)arg;
	must_be(heph_spawn(ctx, act, &ref, { idle, NULL }, .on = -4), -EINVAL);
	must_be(heph_spawn(ctx, act, &ref, { idle, NULL },
			   .on = HEPH_WORKER(2)),
		-EINVAL);
	must_be(heph_spawn(ctx, act, &ref, { idle, NULL }, .priority = 2),
		-EINVAL);
	must_be(heph_spawn(ctx, act, &ref, { idle, NULL }, .priority = -2),
		-EINVAL);
	must_be(heph_spawn(ctx, act, &ref, { idle, NULL },
			   .inbox = HEPH_INBOX_MAX + 1),
		-EINVAL);
	must_be(heph_spawn(ctx, act, &ref, { idle, NULL },
			   .give = { 12345, 1 }),
		-EBADF);
	other.abi++;
	must_be(heph_raw_spawn(ctx, &other, &spawn, NULL), -EINVAL);
	other = act_actor;
	other.size__--;
	must_be(heph_raw_spawn(ctx, &other, &spawn, NULL), -EINVAL);
	other = act_actor;
	other.arg_size = HEPH_ARG_MAX + 1;
	must_be(heph_raw_spawn(ctx, &other, &spawn, NULL), -EINVAL);
	must_be(heph_stats(ctx).spawned, before.spawned);
	must_be(act_args_dropped, 0); /* still the caller's */
	must_be(heph_spawn(ctx, act, &ref, { idle, NULL },
			   .inbox = HEPH_INBOX_MAX, .priority = HEPH_LOW),
		0);
	stop_and_join(ctx, ref);
	must_be(act_args_dropped, 1);
	return 0;
}

static void refuses_what_is_out_of_range(void **state)
{
	(void)state;
	run(refuse_options, NULL);
}

static int tell_name(heph_ctx ctx, act_inbox in, void *arg)
{
	(void)in;
	must(!strcmp(heph_name(ctx), arg));
	return 0;
}

static int name_them(heph_ctx ctx, act_inbox in, void *arg)
{
	static char other[] = "another name", act[] = "act";
	char name[20] = "another name";
	act_ref ref;

	(void)in, (void)arg;
	for (int n = 0; n < 2; n++) {
		strcpy(name, other);
		must_be(heph_spawn(ctx, act, &ref, { tell_name, other },
				   .name = name, .on = HEPH_WORKER(n)),
			0);
		strcpy(name, "overwritten");
		must_be(heph_join(ctx, ref, NULL), 0);
	}
	ref = spawn_on(ctx, HEPH_HERE, tell_name, act);
	must_be(heph_join(ctx, ref, NULL), 0);
	return 0;
}

static void copies_the_name(void **state)
{
	(void)state;
	run(name_them, NULL);
}

/* The name changes while the spawn is on its way to a worker that is busy. */
static char fleeting[20];
static _Atomic bool is_busy, may_change, is_changed;

static int be_busy(heph_ctx ctx, act_inbox in, void *arg)
{
	heph_time until = heph_now() + 20 * HEPH_SEC;

	(void)ctx, (void)in, (void)arg;
	is_busy = true;
	while (!is_changed && heph_now() < until)
		sched_yield();
	must(is_changed);
	return 0;
}

static int change_name(heph_ctx ctx, act_inbox in, void *arg)
{
	(void)in, (void)arg;
	while (!may_change)
		must_be(heph_yield(ctx), 0);
	strcpy(fleeting, "overwritten");
	is_changed = true;
	return 0;
}

static int name_with_fleeting(heph_ctx ctx, act_inbox in, void *arg)
{
	static char name[] = "fleeting";
	act_ref ref;

	(void)in, (void)arg;
	is_busy = may_change = is_changed = false;
	strcpy(fleeting, name);
	spawn_on(ctx, HEPH_WORKER(1), be_busy, NULL);
	while (!is_busy)
		must_be(heph_yield(ctx), 0);
	spawn_on(ctx, HEPH_HERE, change_name, NULL);
	may_change = true; /* when we wait */
	must_be(heph_spawn(ctx, act, &ref, { tell_name, name },
			   .name = fleeting, .on = HEPH_WORKER(1)),
		0);
	must(is_changed);
	must_be(heph_join(ctx, ref, NULL), 0);
	return 0;
}

static void copies_the_name_at_once(void **state)
{
	(void)state;
	run(name_with_fleeting, NULL);
}

/* ---- families --------------------------------------------------------------------- */

static _Atomic int alive;

static int count_alive(heph_ctx ctx, act_inbox in, void *arg)
{
	alive++;
	(void)idle(ctx, in, arg);
	alive--;
	return 0;
}

static int parent(heph_ctx ctx, act_inbox in, void *arg)
{
	(void)in;
	for (int n = 0; n < 10; n++)
		must_be(heph_spawn(ctx, act, NULL, { count_alive, NULL },
				   .on = HEPH_WORKER(n % 2),
				   .detached = arg != NULL),
			0);
	while (alive != 10)
		must_be(heph_yield(ctx), 0);
	return 0;
}

static int end_parents(heph_ctx ctx, act_inbox in, void *arg)
{
	act_ref ref;

	(void)in, (void)arg;
	for (int n = 0; n < 2; n++) {
		ref = spawn_on(ctx, HEPH_WORKER(n), parent, NULL);
		must_be(heph_join(ctx, ref, NULL), 0);
		must_be(alive, 0);
	}
	return 0;
}

static void ends_children_first(void **state)
{
	(void)state;
	alive = 0;
	run(end_parents, NULL);
}

static void leaves_the_detached_alone(void **state)
{
	heph_ctx ctx = begin(&two_workers);
	act_ref ref;

	(void)state;
	alive = 0;
	ref = spawn_on(ctx, HEPH_HERE, parent, &alive);
	must_be(heph_join(ctx, ref, NULL), 0);
	must_be(alive, 10);
	must_be(heph_drain(heph_within(ctx, HEPH_MSEC)), -ETIME);
	heph_free(ctx); /* asks all of the first level */
	must_be(alive, 0);
}

/* ---- joining ------------------------------------------------------------------------ */

static void join_all(heph_ctx ctx)
{
	struct heph_exit exit;
	act_ref ref;

	for (int n = 0; n < 20; n++) {
		ref = spawn_on(ctx, HEPH_WORKER(n % 2), return_arg,
			       (void *)(intptr_t)-EIO);
		must_be(heph_join(ctx, ref, &exit), 0);
		must(exit.err == -EIO || exit.err == -ESRCH);
		must(!heph_alive(ref));
		must_be(heph_join(ctx, ref, &exit), 0);
		must_be(exit.err, -ESRCH);
		must_be(heph_join(ctx, ref, NULL), 0);
	}
	ref = spawn_on(ctx, HEPH_WORKER(1), idle, NULL);
	must_be(heph_join(heph_within(ctx, HEPH_MSEC), ref, &exit), -ETIME);
	heph_stop(ref);
	must_be(heph_join(ctx, ref, &exit), 0);
	must(exit.err == 0 || exit.err == -ESRCH); /* -ECANCELED is fine */
}

static int join_from_actor(heph_ctx ctx, act_inbox in, void *arg)
{
	(void)arg;
	join_all(ctx);
	must_be(heph_join(ctx, heph_self(in), NULL), -EDEADLK);
	return 0;
}

static void can_be_awaited(void **state)
{
	heph_ctx ctx;

	(void)state;
	run(join_from_actor, NULL);
	ctx = begin(&two_workers);
	join_all(ctx);
	end(ctx);
}

/* ---- references ----------------------------------------------------------------------- */

static int look_at_self(heph_ctx ctx, act_inbox in, void *arg)
{
	act_ref self = heph_self(in), other;
	heph_ref any = { .addr = self.addr };

	(void)arg;
	must(heph_alive(self));
	must(heph_same(self, any));
	other = spawn_on(ctx, HEPH_HERE, idle, NULL);
	must(!heph_same(self, other));
	must(heph_alive(other));
	stop_and_join(ctx, other);
	must_be(sizeof(act_ref), 16);
	return 0;
}

static void knows_itself(void **state)
{
	(void)state;
	run(look_at_self, NULL);
}

/* ---- ids -------------------------------------------------------------------------------- */

enum { IDS = 10000 };

static int spawn_and_end(heph_ctx ctx, act_inbox in, void *arg)
{
	uint64_t *last = arg;
	uint32_t highest = 0;
	act_ref ref, old = { .addr = { 0 } };

	(void)in;
	for (int n = 0; n < IDS; n++) {
		ref = spawn_on(ctx, HEPH_HERE, return_arg, NULL);
		must(ref.addr.id > *last);
		*last = ref.addr.id;
		if (ref.addr.slot > highest)
			highest = ref.addr.slot;
		must(!heph_alive(old));
		heph_stop(old); /* in the same place: another one */
		must_be(heph_try_send(old, { .n = 1 }), -ESRCH);
		must_be(heph_yield(ctx), 0);
		old = ref;
	}
	must(highest < 10); /* the places are used again */
	return 0;
}

static void never_gives_an_id_again(void **state)
{
	static uint64_t last;
	heph_ctx ctx;
	act_ref ref;

	(void)state;
	last = 0;
	for (int n = 0; n < 3; n++) {
		ctx = begin(&two_workers);
		ref = spawn_on(ctx, HEPH_WORKER(0), spawn_and_end, &last);
		must_be(heph_join(ctx, ref, NULL), 0);
		end(ctx);
	}
}

/* ---- limits ------------------------------------------------------------------------------- */

static int spawn_too_many(heph_ctx ctx, act_inbox in, void *arg)
{
	act_ref refs[20];
	int n, err = 0;

	(void)in, (void)arg;
	for (int round = 0; round < 2; round++) {
		for (n = 0; n < 20 && err == 0; n++)
			err = heph_spawn(ctx, act, &refs[n], { idle, NULL });
		must_be(err, -EAGAIN);
		must_be(n, 10);
		for (n = 0; n < 9; n++)
			stop_and_join(ctx, refs[n]);
		err = heph_yield(ctx);
	}
	must_be(act_args_dropped, 18);
	for (n = 0; n < 20 && err == 0; n++)
		err = heph_spawn(ctx, act, &refs[n], { idle, NULL },
				 .on = HEPH_WORKER(1));
	must_be(err, -EAGAIN);
	must_be(n, 11);
	return 0;
}

static void is_limited_by_the_configuration(void **state)
{
	struct heph_config config = two_workers;
	heph_ctx ctx;
	act_ref ref;

	(void)state;
	config.actors = 10; /* on each worker */
	ctx = begin(&config);
	ref = spawn_on(ctx, HEPH_WORKER(0), spawn_too_many, NULL);
	must_be(heph_join(ctx, ref, NULL), 0);
	end(ctx);
}

/* ---- stops and deadlines while it spawns --------------------------------------------------- */

static int spawn_late(heph_ctx ctx, act_inbox in, void *arg)
{
	heph_ctx late = heph_within(ctx, -HEPH_SEC);
	int err;

	(void)in;
	for (int n = 0; n < 200; n++) {
		err = heph_spawn(late, act, NULL, { return_arg, NULL },
				 .on = HEPH_WORKER(1));
		must(err == 0 || err == -ETIME);
		must_be(heph_spawn(late, act, NULL, { return_arg, NULL }), 0);
	}
	*(_Atomic bool *)arg = true;
	must_be(idle(ctx, in, NULL), -ECANCELED);
	must_be(heph_spawn(ctx, act, NULL, { idle, NULL }), -ECANCELED);
	must_be(heph_spawn(ctx, act, NULL, { idle, NULL },
			   .on = HEPH_WORKER(1)),
		-ECANCELED);
	must_be(heph_spawn(heph_shield(ctx, HEPH_NEVER), act, NULL,
			   { return_arg, NULL }, .on = HEPH_WORKER(1)),
		0);
	return 0;
}

static void is_refused_to_the_stopped(void **state)
{
	static _Atomic bool waits;
	heph_ctx ctx = begin(&two_workers);
	act_ref ref;

	(void)state;
	waits = false;
	ref = spawn_on(ctx, HEPH_WORKER(0), spawn_late,
		       (void *)(uintptr_t)&waits);
	while (!waits)
		sched_yield();
	stop_and_join(ctx, ref);
	end(ctx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(goes_where_it_is_told),
		cmocka_unit_test(refuses_what_is_out_of_range),
		cmocka_unit_test(copies_the_name),
		cmocka_unit_test(copies_the_name_at_once),
		cmocka_unit_test(ends_children_first),
		cmocka_unit_test(leaves_the_detached_alone),
		cmocka_unit_test(can_be_awaited),
		cmocka_unit_test(knows_itself),
		cmocka_unit_test(never_gives_an_id_again),
		cmocka_unit_test(is_limited_by_the_configuration),
		cmocka_unit_test(is_refused_to_the_stopped),
	};

	return cmocka_run_group_tests_name("spawn", tests, NULL, NULL);
}
