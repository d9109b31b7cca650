/* SPDX-License-Identifier: MIT */
/* Routers: to one of a group, to all, to a name, by a function; without nodes, and
 * behind the name that a node exports. */
#include "nodes.h"

enum { N = 3 };

static void spawn_group(heph_ctx ctx, doer_ref *refs, doer_group *group)
{
	for (int i = 0; i < N; i++) {
		must_be(heph_spawn(ctx, doer, &refs[i], { 0 }), 0);
		must_be(heph_group_add(ctx, group, refs[i]), 0);
	}
}

static void stop_all(heph_ctx ctx, const doer_ref *refs)
{
	for (int i = 0; i < N; i++) {
		heph_stop(refs[i]);
		must_be(heph_join(ctx, refs[i], NULL), 0);
	}
}

static int to_one(heph_ctx ctx, act_inbox in, void *arg)
{
	doer_group group = { 0 };
	doer_ref refs[N], router;
	struct doer_msg msg;
	int64_t sum;

	(void)in, (void)arg;
	spawn_group(ctx, refs, &group);
	must_be(heph_route_to_group(ctx, &router, doer, &group, HEPH_TO_ONE), 0);
	for (int i = 0; i < 3 * N; i++)
		must_be(heph_send(ctx, router, { .deed = ADD, .n = 1 }), 0);
	for (int i = 0; i < N; i++) { /* calls by turns, too */
		must_be(heph_call(ctx, router, answer, &sum,
				  { .deed = ADD, .n = 10 }),
			0);
		must_be(sum, 13);
	}
	heph_stop(refs[1]);
	must_be(heph_join(ctx, refs[1], NULL), 0);
	for (int i = 0; i < N; i++)
		must_be(heph_call(ctx, router, answer, &sum, { .deed = ADD }),
			0);
	must_be(heph_call(ctx, router, answer, &sum,
			  { .deed = REFUSE, .n = -EXDEV }),
		-EXDEV);
	stop_all(ctx, refs);
	memset(&msg, 0, sizeof(msg));
	must_be(heph_call(ctx, router, answer, &sum, { .deed = ADD }), -ESRCH);
	heph_stop(router);
	return heph_join(ctx, router, NULL);
}

static void take_turns(void **state)
{
	(void)state;
	run(to_one, NULL);
}

static int to_all(heph_ctx ctx, act_inbox in, void *arg)
{
	doer_group group = { 0 };
	doer_ref refs[N], router;
	char *text = strdup("it is copied");
	int64_t sum;

	(void)in, (void)arg;
	spawn_group(ctx, refs, &group);
	must_be(heph_route_to_group(ctx, &router, doer, &group, HEPH_TO_ALL), 0);
	must_be(heph_send(ctx, router,
			  { .deed = ADD, .n = 5, .text = text }),
		0);
	must_be(heph_call(ctx, router, answer, &sum, { .deed = ADD }), 0);
	must_be(sum, 5);
	for (int i = 0; i < N; i++)
		must_be(sum_of(ctx, refs[i]), 5);
	heph_stop(refs[0]);
	must_be(heph_join(ctx, refs[0], NULL), 0);
	must_be(heph_send(ctx, router, { .deed = ADD, .n = 1 }), 0);
	must_be(heph_call(ctx, router, answer, &sum, { .deed = ADD }), 0);
	must_be(sum_of(ctx, refs[1]), 6);
	must_be(sum_of(ctx, refs[2]), 6);
	stop_all(ctx, refs);
	must_be(heph_send(ctx, router,
			  { .deed = ADD, .text = strdup("it is dropped") }),
		0);
	must_be(heph_call(ctx, router, answer, &sum, { .deed = ADD }), -ESRCH);
	heph_stop(router);
	return heph_join(ctx, router, NULL);
}

static void copy_for_all(void **state)
{
	(void)state;
	run(to_all, NULL);
}

static doer_ref by_sign(doer_ref *refs, const struct doer_msg *msg)
{
	return msg->n == 0 ? (doer_ref){ { { 0 } } } : refs[msg->n > 0];
}

static int by_name(heph_ctx ctx, act_inbox in, void *arg)
{
	doer_ref *refs = heph_alloc(ctx, 2 * sizeof(*refs));
	doer_ref router, named;
	int64_t sum;

	(void)in, (void)arg;
	for (int i = 0; i < 2; i++)
		must_be(heph_spawn(ctx, doer, &refs[i], { 0 }), 0);
	must_be(heph_route_by(ctx, &router, doer, by_sign, refs), 0);
	must_be(heph_send(ctx, router, { .deed = ADD, .n = 7 }), 0);
	must_be(heph_call(ctx, router, answer, &sum, { .deed = ADD, .n = -7 }),
		0);
	must_be(sum, -7);
	must_be(heph_call(ctx, router, answer, &sum, { .deed = ADD }), -ESRCH);
	must_be(sum_of(ctx, refs[1]), 7);

	must_be(heph_route_to_name(ctx, &named, doer, "it"), 0);
	must_be(heph_call(ctx, named, answer, &sum, { .deed = ADD }), -ESRCH);
	must_be(heph_register(ctx, refs[1], "it"), 0);
	must_be(sum_of(ctx, named), 7);
	must_be(heph_unregister(ctx, "it"), 0);
	must_be(heph_register(ctx, refs[0], "it"), 0);
	must_be(sum_of(ctx, named), -7);
	heph_stop(router);
	heph_stop(named);
	heph_stop(refs[0]);
	heph_stop(refs[1]);
	return 0;
}

static void go_by_names_and_functions(void **state)
{
	(void)state;
	run(by_name, NULL);
}

static int remote(heph_ctx ctx, struct nodes *nodes)
{
	doer_group group = { 0 };
	doer_ref refs[N], router, far, found;
	int64_t sum, all = 0;

	spawn_group(ctx, refs, &group);
	must_be(heph_route_to_group(ctx, &router, doer, &group, HEPH_TO_ONE), 0);
	must_be(heph_register(ctx, router, "router"), 0);
	must_be(heph_whereis(ctx, doer, "router", &found), 0);
	must(heph_same(found, router));
	must_be(heph_node_export(ctx, nodes->b, doer, router, "doers"), 0);
	must_be(heph_node_whereis(ctx, nodes->a, "b", doer, "doers", &far), 0);
	for (int i = 0; i < 30; i++)
		must_be(heph_call(ctx, far, answer, &sum, { .deed = ADD, .n = 1 }),
			0);
	for (int i = 0; i < N; i++)
		all += sum_of(ctx, refs[i]);
	must_be(all, 30);

	/* And those behind a router may be far. */
	heph_stop(router);
	must_be(heph_join(ctx, far, NULL), 0);
	must_be(heph_node_export(ctx, nodes->b, doer, refs[0], "doer"), 0);
	must_be(heph_node_whereis(ctx, nodes->a, "b", doer, "doer", &far), 0);
	group = (doer_group){ 0 };
	must_be(heph_group_add(ctx, &group, far), 0);
	must_be(heph_route_to_group(ctx, &router, doer, &group, HEPH_TO_ALL), 0);
	must_be(heph_send(ctx, router, { .deed = ADD, .n = 100 }), 0);
	must_be(sum_of(ctx, router), 110);
	heph_stop(router);
	stop_all(ctx, refs);
	return 0;
}

static void stand_behind_names_of_nodes(void **state)
{
	(void)state;
	run_nodes(remote);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(take_turns),
		cmocka_unit_test(copy_for_all),
		cmocka_unit_test(go_by_names_and_functions),
		cmocka_unit_test(stand_behind_names_of_nodes),
	};

	return cmocka_run_group_tests_name("remote_router", tests, NULL, NULL);
}
