/* SPDX-License-Identifier: MIT */
/* Actors that are found by their names. */
#include "act.h"

#include <pthread.h>

struct coin_msg {
	int value;
};
HEPH_REF(coin, struct coin_msg);
HEPH_ACTOR(quiet, void, void);

static int quiet_main(heph_ctx ctx)
{
	return heph_sleep(ctx, HEPH_NEVER);
}
HEPH_ACTOR_MAIN(quiet, quiet_main);

static int from_coin(const struct coin_msg *from, struct act_msg *to)
{
	to->n = from->value;
	return 0;
}

static int register_self(heph_ctx ctx, act_inbox in, void *arg)
{
	must_be(heph_register(ctx, heph_self(in), arg), 0);
	return answer_all(ctx, in, NULL);
}

/* Waits until it is registered. */
static act_ref spawn_named(heph_ctx ctx, int on, const char *name)
{
	act_ref ref = spawn_on(ctx, on, register_self, (void *)(uintptr_t)name);
	act_ref found;

	must_be(heph_await_name(heph_within(ctx, 20 * HEPH_SEC), act, name,
				&found),
		0);
	must(heph_same(found, ref));
	return ref;
}

/* ---- finding ------------------------------------------------------------------- */

static int finds(heph_ctx ctx, act_inbox in, void *arg)
{
	act_ref ref, found = { 0 };
	heph_ref any;
	quiet_ref quiet;

	for (int on = 1; on <= 2; on++) {
		must_be(heph_whereis(ctx, act, "store", &found), -ENOENT);
		must_be(heph_whereis_any(ctx, "store", &any), -ENOENT);
		ref = spawn_named(ctx, on, "store");
		must_be(heph_whereis(ctx, act, "store", &found), 0);
		must(heph_same(found, ref));
		sync_with(ctx, found);
		must_be(heph_whereis_any(ctx, "store", &any), 0);
		must(heph_same(any, ref));
		must_be(heph_whereis(ctx, quiet, "store", &quiet), -EPROTOTYPE);
		must_be(heph_whereis(ctx, act, "stor", &found), -ENOENT);
		must_be(heph_whereis(ctx, act, "store2", &found), -ENOENT);
		must_be(heph_whereis(ctx, act, "", &found), -ENOENT);
		stop_and_join(ctx, ref);
		must_be(heph_whereis(ctx, act, "store", &found), -ENOENT);
	}
	return 0;
}

static void finds_what_is_registered(void **state)
{
	(void)state;
	run(finds, NULL);
}

static void a_thread_finds_and_registers(void **state)
{
	heph_ctx ctx = begin(&two_workers);
	act_ref ref = spawn_named(ctx, 2, "a"), found;

	(void)state;
	must_be(heph_whereis(ctx, act, "a", &found), 0);
	sync_with(ctx, found);
	must_be(heph_register(ctx, ref, "b"), 0);
	must_be(heph_register(ctx, ref, "c"), 0);
	must_be(heph_whereis(ctx, act, "b", &found), 0);
	must_be(heph_unregister(ctx, "b"), 0);
	must_be(heph_unregister(ctx, "b"), -ENOENT);
	must_be(heph_whereis(ctx, act, "b", &found), -ENOENT);
	stop_and_join(ctx, ref);
	must_be(heph_whereis(ctx, act, "c", &found), -ENOENT);
	end(ctx);
}

/* ---- what a name may be ------------------------------------------------------------ */

static int names(heph_ctx ctx, act_inbox in, void *arg)
{
	char name[300], other[300];
	act_ref found, gone;

	must_be(heph_register(ctx, heph_self(in), ""), -EINVAL);
	memset(name, 'x', sizeof(name));
	name[256] = '\0';
	must_be(heph_register(ctx, heph_self(in), name), -EINVAL);
	must_be(heph_await_name(ctx, act, name, &found), -EINVAL);
	must_be(heph_await_name(ctx, act, "", &found), -EINVAL);
	name[255] = '\0';
	must_be(heph_register(ctx, heph_self(in), name), 0);
	strcpy(other, name);
	other[254] = 'y';
	must_be(heph_register(ctx, heph_self(in), other), 0);
	memset(name + 200, 'z', 10); /* it was copied */
	must_be(heph_whereis(ctx, act, name, &found), -ENOENT);
	memset(name + 200, 'x', 10);
	must_be(heph_whereis(ctx, act, name, &found), 0);
	must_be(heph_register(ctx, heph_self(in), "ein Name, \xc3\xa4 \n"), 0);
	must_be(heph_register(ctx, heph_self(in), name), -EEXIST);

	gone = spawn_on(ctx, 2, return_arg, NULL);
	must_be(heph_join(ctx, gone, NULL), 0);
	must_be(heph_register(ctx, gone, "gone"), -ESRCH);
	must_be(heph_register(ctx, (heph_ref){ { 0 } }, "nobody"), -ESRCH);
	return 0;
}

static void names_have_1_to_255_bytes(void **state)
{
	(void)state;
	run(names, NULL);
}

/* ---- whose a name is ----------------------------------------------------------------- */

static int taken(heph_ctx ctx, act_inbox in, void *arg)
{
	act_ref ref = spawn_named(ctx, 2, "name"), found;

	must_be(heph_register(ctx, heph_self(in), "name"), -EEXIST);
	must_be(heph_register(ctx, ref, "name"), -EEXIST);
	must_be(heph_register(ctx, ref, "alias"), 0);
	stop_and_join(ctx, ref);
	/* The owner of "alias" lives, but the name is free. */
	must_be(heph_whereis(ctx, act, "alias", &found), -ENOENT);
	must_be(heph_unregister(ctx, "alias"), -ENOENT);
	must_be(heph_register(ctx, heph_self(in), "alias"), 0);
	must_be(heph_register(ctx, heph_self(in), "name"), 0);
	must_be(heph_whereis(ctx, act, "alias", &found), 0);
	must(heph_same(found, heph_self(in)));
	return 0;
}

static void a_name_is_taken_while_it_leads_to_a_living_one(void **state)
{
	(void)state;
	run(taken, NULL);
}

struct order {
	act_ref whom;
	const char *name;
	_Atomic int runs;
};

static int register_other(heph_ctx ctx, act_inbox in, void *arg)
{
	struct order *it = arg;
	struct act_msg msg;

	must_be(heph_register(ctx, it->whom, it->name), 0);
	it->runs++;
	return heph_recv(ctx, in, &msg) == 0 ? -EIO : 0;
}

static enum heph_verdict once(const struct heph_exit *why, struct act_arg *arg)
{
	struct order *it = arg->arg;

	(void)why;
	it->name = "second";
	return it->runs == 1 ? HEPH_RESTART : HEPH_STOP;
}

static int owner_ends(heph_ctx ctx, act_inbox in, void *arg)
{
	static struct order it;
	act_ref owner, found;

	for (int on = 1; on <= 2; on++) {
		it = (struct order){ heph_self(in), "first", 0 };
		must_be(heph_spawn(ctx, act, &owner, { register_other, &it },
				   .on = on, .decide = once),
			0);
		must_be(heph_await_name(ctx, act, "first", &found), 0);
		must(heph_same(found, heph_self(in)));
		must_be(heph_send(ctx, owner, { .n = 1 }), 0);
		must_be(heph_await_name(ctx, act, "second", &found), 0);
		must_be(heph_whereis(ctx, act, "first", &found), -ENOENT);
		must_be(heph_unregister(ctx, "second"), 0); /* anybody may */
		stop_and_join(ctx, owner);
		must_be(heph_register(ctx, heph_self(in), "second"), 0);
		must_be(heph_unregister(ctx, "second"), 0);
	}
	return 0;
}

static void a_name_goes_when_its_owner_ends_or_restarts(void **state)
{
	(void)state;
	run(owner_ends, NULL);
}

static int in_scope(heph_ctx ctx, act_inbox in, void *arg)
{
	struct heph_scope scope;
	act_ref found;

	must_be(heph_register(ctx, heph_self(in), "outer"), 0);
	must_be(heph_scope_open(ctx, &scope), 0);
	must_be(heph_register(ctx, heph_self(in), "inner"), 0);
	heph_scope_close(ctx, scope);
	must_be(heph_whereis(ctx, act, "inner", &found), -ENOENT);
	must_be(heph_whereis(ctx, act, "outer", &found), 0);
	return 0;
}

static void a_name_goes_with_its_scope(void **state)
{
	(void)state;
	run(in_scope, NULL);
}

static int adapter_named(heph_ctx ctx, act_inbox in, void *arg)
{
	heph_ref any;
	act_ref found;
	coin_ref coin;

	must_be(heph_map(ctx, &coin, heph_self(in), from_coin), 0);
	must_be(heph_register(ctx, coin, "coins"), 0);
	must_be(heph_whereis(ctx, act, "coins", &found), -EPROTOTYPE);
	must_be(heph_whereis_any(ctx, "coins", &any), 0);
	must(heph_id(any) == heph_id(coin));
	must(heph_same(any, heph_self(in)));
	must_be(heph_unmap(ctx, coin), 0);
	must_be(heph_whereis_any(ctx, "coins", &any), -ENOENT);
	must_be(heph_register(ctx, coin, "coins"), -ESRCH);
	return 0;
}

static void an_adapter_has_a_name_too(void **state)
{
	(void)state;
	run(adapter_named, NULL);
}

/* ---- waiting for a name ------------------------------------------------------------------ */

struct waiting {
	const char *name;
	_Atomic int waiting, found;
	int err;
};

static int await_it(heph_ctx ctx, act_inbox in, void *arg)
{
	struct waiting *it = arg;
	act_ref found;

	it->waiting++;
	must_be(heph_await_name(ctx, act, it->name, &found), it->err);
	if (it->err == 0)
		sync_with(ctx, found);
	it->found++;
	return 0;
}

enum { WAITERS = 20 };

static int many_wait(heph_ctx ctx, act_inbox in, void *arg)
{
	static struct waiting it, other;
	act_ref refs[WAITERS], ref, found;

	it = (struct waiting){ .name = "awaited" };
	other = (struct waiting){ .name = "never", .err = -ECANCELED };
	for (int n = 0; n < WAITERS; n++)
		refs[n] = spawn_on(ctx, n % 2 + 1, await_it,
				   n % 4 == 3 ? &other : &it);
	while (it.waiting + other.waiting < WAITERS)
		must_be(heph_yield(ctx), 0);
	must_be(heph_await_name(heph_within(ctx, HEPH_MSEC), act, "awaited",
				&found),
		-ETIME);
	must_be(it.found, 0);
	ref = spawn_on(ctx, 2, register_self, (void *)(uintptr_t) "awaited");
	for (int n = 0; n < WAITERS; n++)
		if (n % 4 != 3)
			must_be(heph_join(ctx, refs[n], NULL), 0);
	must_be(it.found, WAITERS * 3 / 4);
	must_be(other.found, 0);
	for (int n = 3; n < WAITERS; n += 4)
		stop_and_join(ctx, refs[n]);
	stop_and_join(ctx, ref);
	return 0;
}

static void all_who_wait_are_woken(void **state)
{
	(void)state;
	run(many_wait, NULL);
}

/* The name was there, but its owner, or the actor, has ended. */
static int wait_for_next(heph_ctx ctx, act_inbox in, void *arg)
{
	static struct waiting it;
	static struct order order;
	act_ref ref, waiter;

	for (int on = 1; on <= 2; on++) {
		it = (struct waiting){ .name = "next" };
		ref = spawn_named(ctx, on, "next");
		stop_and_join(ctx, ref);
		waiter = spawn_on(ctx, on, await_it, &it);
		while (!it.waiting)
			must_be(heph_yield(ctx), 0);
		order = (struct order){ spawn_on(ctx, 3 - on, answer_all, NULL),
					"next", 0 };
		ref = spawn_on(ctx, 2, register_other, &order);
		must_be(heph_join(ctx, waiter, NULL), 0);
		must_be(it.found, 1);
		stop_and_join(ctx, ref);
		stop_and_join(ctx, order.whom);
	}
	return 0;
}

static void waits_for_the_next_one(void **state)
{
	(void)state;
	run(wait_for_next, NULL);
}

static int wrong_type(heph_ctx ctx, act_inbox in, void *arg)
{
	static struct waiting it;
	act_ref waiter, found;
	quiet_ref quiet;

	it = (struct waiting){ .name = "quiet", .err = -EPROTOTYPE };
	waiter = spawn_on(ctx, 2, await_it, &it);
	while (!it.waiting)
		must_be(heph_yield(ctx), 0);
	must_be(heph_spawn(ctx, quiet, &quiet), 0);
	must_be(heph_register(ctx, quiet, "quiet"), 0);
	must_be(heph_join(ctx, waiter, NULL), 0);
	must_be(heph_await_name(ctx, act, "quiet", &found), -EPROTOTYPE);
	must_be(heph_await_name(ctx, quiet, "quiet", &quiet), 0);
	return 0;
}

static void an_actor_of_another_type_is_told(void **state)
{
	(void)state;
	run(wrong_type, NULL);
}

static void *await_as_thread(void *arg)
{
	heph_ref any;
	heph_ctx ctx;

	must_be(heph_attach(arg, &ctx), 0);
	must_be(heph_await_any_name(heph_within(ctx, HEPH_MSEC), "none", &any),
		-ETIME);
	must_be(heph_await_any_name(ctx, "late", &any), 0);
	must(heph_alive(any));
	heph_detach(ctx);
	return NULL;
}

static void threads_wait_for_names(void **state)
{
	heph_ctx ctx = begin(&two_workers);
	pthread_t threads[2];
	act_ref ref;

	(void)state;
	for (int n = 0; n < 2; n++)
		must_be(pthread_create(&threads[n], NULL, await_as_thread,
				       heph_runtime(ctx)),
			0);
	ref = spawn_on(ctx, 2, register_self, (void *)(uintptr_t) "late");
	for (int n = 0; n < 2; n++)
		pthread_join(threads[n], NULL);
	stop_and_join(ctx, ref);
	end(ctx);
}

/* ---- all of them ----------------------------------------------------------------------------- */

static int lists(heph_ctx ctx, act_inbox in, void *arg)
{
	static const char *const some[] = { "gamma", "alpha", "delta", "beta",
					    "a" };
	static struct heph_named names[8];
	act_ref ref = spawn_named(ctx, 2, "omega");

	for (int n = 0; n < 5; n++)
		must_be(heph_register(ctx, heph_self(in), some[n]), 0);
	must_be(heph_names(ctx, NULL, 0), 6);
	must_be(heph_names(ctx, names, 2), 6);
	must(!strcmp(names[0].name, "a") && !strcmp(names[1].name, "alpha"));
	must(!names[2].name[0]);
	must_be(heph_names(ctx, names, 8), 6);
	must(!strcmp(names[2].name, "beta") && !strcmp(names[3].name, "delta"));
	must(!strcmp(names[4].name, "gamma") &&
	     !strcmp(names[5].name, "omega"));
	must(heph_same(names[5].ref, ref) &&
	     heph_same(names[0].ref, heph_self(in)));
	stop_and_join(ctx, ref);
	must_be(heph_names(ctx, names, 8), 5);
	for (int n = 0; n < 5; n++)
		must_be(heph_unregister(ctx, some[n]), 0);
	must_be(heph_names(ctx, names, 8), 0);
	return 0;
}

static void names_are_listed_in_order(void **state)
{
	(void)state;
	run(lists, NULL);
}

enum { MANY = 3000 };

static int many_names(heph_ctx ctx, act_inbox in, void *arg)
{
	char name[16];
	act_ref found;

	for (int n = 0; n < MANY; n++) {
		snprintf(name, sizeof(name), "n%d", n);
		must_be(heph_register(ctx, heph_self(in), name), 0);
	}
	must_be(heph_names(ctx, NULL, 0), MANY);
	for (int n = 0; n < MANY; n++) {
		snprintf(name, sizeof(name), "n%d", n);
		must_be(heph_whereis(ctx, act, name, &found), 0);
	}
	for (int n = 0; n < MANY; n += 2) {
		snprintf(name, sizeof(name), "n%d", n);
		must_be(heph_unregister(ctx, name), 0);
	}
	for (int n = 0; n < MANY; n++) {
		snprintf(name, sizeof(name), "n%d", n);
		must_be(heph_whereis(ctx, act, name, &found),
			n % 2 ? 0 : -ENOENT);
	}
	return 0;
}

static void there_may_be_many(void **state)
{
	(void)state;
	run(many_names, NULL);
}

/* ---- many at once ------------------------------------------------------------------------------- */

enum { ROUNDS = 2000 };

static int fight_for_name(heph_ctx ctx, act_inbox in, void *arg)
{
	_Atomic long *won = arg;
	act_ref found;
	char name[4];
	int err;

	for (int n = 0; n < ROUNDS; n++) {
		snprintf(name, sizeof(name), "%d", n % 3);
		err = heph_register(ctx, heph_self(in), name);
		must(err == 0 || err == -EEXIST);
		if (err == 0)
			++*won;
		err = heph_whereis(ctx, act, name, &found);
		must(err == 0 || err == -ENOENT);
		if (n % 5 == 0)
			(void)heph_unregister(ctx, name);
		if (n % 16 == 0)
			must_be(heph_yield(ctx), 0);
	}
	return 0;
}

static int await_often(heph_ctx ctx, act_inbox in, void *arg)
{
	act_ref found;
	char name[4];
	int err;

	for (int n = 0; n < 300; n++) {
		snprintf(name, sizeof(name), "%d", n % 3);
		err = heph_await_name(heph_within(ctx, 50 * HEPH_USEC), act,
				      name, &found);
		must(err == 0 || err == -ETIME);
	}
	return 0;
}

static int fight(heph_ctx ctx, act_inbox in, void *arg)
{
	static _Atomic long won;
	static const int places[] = { 1, 2, HEPH_ANY, HEPH_OWN_THREAD };
	act_ref refs[16];
	int n_refs = 0;

	won = 0;
	for (int n = 0; n < 8; n++)
		refs[n_refs++] = spawn_on(ctx, places[n % 4], fight_for_name,
					  (void *)(uintptr_t)&won);
	for (int n = 0; n < 8; n++)
		refs[n_refs++] =
			spawn_on(ctx, places[n % 4], await_often, NULL);
	for (int n = 0; n < n_refs; n++)
		must_be(heph_join(ctx, refs[n], NULL), 0);
	must(won > 0);
	must_be(heph_names(ctx, NULL, 0), 0);
	return 0;
}

static void many_fight_for_a_name(void **state)
{
	(void)state;
	run(fight, NULL);
}

/* ---- ids ---------------------------------------------------------------------------------------- */

static int casts(heph_ctx ctx, act_inbox in, void *arg)
{
	static const int places[] = { 1, 2, HEPH_ANY, HEPH_OWN_THREAD };
	quiet_ref quiet;
	act_ref ref, back;
	heph_ref any;
	coin_ref coin;

	for (int n = 0; n < 4; n++) {
		ref = spawn_on(ctx, places[n], answer_all, NULL);
		must_be(heph_ref_of(ctx, heph_id(ref), &any), 0);
		must(heph_same(any, ref));
		must_be(heph_cast(any, act, &back), 0);
		sync_with(ctx, back);
		must_be(heph_cast(any, quiet, &quiet), -EPROTOTYPE);
		must_be(heph_map(ctx, &coin, ref, from_coin), 0);
		must_be(heph_cast(coin, act, &back), -EPROTOTYPE);
		must_be(heph_ref_of(ctx, heph_id(coin), &any), 0);
		must(heph_id(any) == heph_id(coin));
		stop_and_join(ctx, ref);
		must_be(heph_cast(any, act, &back), -ESRCH);
		must_be(heph_cast(ref, act, &back), -ESRCH);
		must_be(heph_ref_of(ctx, heph_id(ref), &any), -ESRCH);
		must_be(heph_ref_of(ctx, heph_id(coin), &any), -ESRCH);
	}
	must_be(heph_ref_of(ctx, 0, &any), -ESRCH);
	must_be(heph_ref_of(ctx, UINT64_MAX, &any), -ESRCH);
	must_be(heph_ref_of(ctx, (1 << 20) + 700, &any), -ESRCH);
	return 0;
}

static void ids_lead_back_to_actors(void **state)
{
	/* heph_ref_of() looks at all places that there could be */
	static const struct heph_config few = { .workers = 2,
						.no_signals = true,
						.actors = 1000 };
	heph_ctx ctx = begin(&few);

	(void)state;
	must_be(heph_join(ctx, spawn_on(ctx, HEPH_WORKER(0), casts, NULL),
			  NULL),
		0);
	end(ctx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_what_is_registered),
		cmocka_unit_test(a_thread_finds_and_registers),
		cmocka_unit_test(names_have_1_to_255_bytes),
		cmocka_unit_test(
			a_name_is_taken_while_it_leads_to_a_living_one),
		cmocka_unit_test(a_name_goes_when_its_owner_ends_or_restarts),
		cmocka_unit_test(a_name_goes_with_its_scope),
		cmocka_unit_test(an_adapter_has_a_name_too),
		cmocka_unit_test(all_who_wait_are_woken),
		cmocka_unit_test(waits_for_the_next_one),
		cmocka_unit_test(an_actor_of_another_type_is_told),
		cmocka_unit_test(threads_wait_for_names),
		cmocka_unit_test(names_are_listed_in_order),
		cmocka_unit_test(there_may_be_many),
		cmocka_unit_test(many_fight_for_a_name),
		cmocka_unit_test(ids_lead_back_to_actors),
	};

	return cmocka_run_group_tests_name("registry", tests, NULL, NULL);
}
