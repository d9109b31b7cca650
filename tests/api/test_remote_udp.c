/* SPDX-License-Identifier: MIT */
/* Encrypted datagrams that somebody alters, repeats, and redirects. */
#include "udp_scene.h"

/* ---- somebody alters and repeats ------------------------------------------------------------ */

static int among_chaos(heph_ctx ctx, act_inbox in, void *arg)
{
	enum { N = 300 };
	struct scene *scene = arg;
	struct heph_udp_stats near, far;
	unsigned char seen[N] = { 0 };
	uint64_t came;

	scene->proxy.mode = CHAOS;
	begin_scene(ctx, scene);
	connect_end(ctx, &scene->world.net, &scene->world.end);
	for (uint64_t i = 0; i < N; i++) {
		must_be(send_number(ctx, &scene->world.end, i, 8 + i * 3), 0);
		must(recv_number(heph_within(ctx, 10 * HEPH_SEC),
				 &scene->world.end, &came) >= 0);
		must(came < N);
		must_be(seen[came]++, 0); /* once */
	}
	close_end(ctx, &scene->world.end);
	heph_udp_stats(scene->world.net.client, &near);
	heph_udp_stats(scene->world.net.server, &far);
	must(near.forged >= N && far.forged >= N);
	must(near.replayed >= N && far.replayed >= N);
	must(near.strange && far.strange);
	end_scene(ctx, scene);
	return 0;
}

static void what_was_altered_or_repeated_is_refused_and_counted(void **state)
{
	run_scene(among_chaos, one_key, 1);
}

/* Keys that change all the time make no difference. */
static void run_rekeying(act_fn *fn)
{
	struct scene *scene = calloc(1, sizeof(*scene));
	struct heph_udp_config config = { .size = sizeof(config),
					  .keys = one_key,
					  .n_keys = 1,
					  .rekey = HEPH_MSEC };

	must(scene);
	must_be(heph_raw_udp_new(&scene->world.net.server, &config), 0);
	must_be(heph_raw_udp_new(&scene->world.net.client, &config), 0);
	scene->world.net.where = "127.0.0.1:0";
	run(fn, scene);
	free_net(&scene->world.net);
	free(scene);
}

static void keys_that_change_often_lose_nothing(void **state)
{
	run_rekeying(among_chaos);
}

/* ---- all of it once more, later ------------------------------------------------------------- */

static void repeat_all(heph_ctx ctx, struct scene *scene)
{
	long answer;

	must_be(heph_call(ctx, scene->between, answer, &answer,
			  { .n = REPEAT, .asks = true }),
		0);
}

static int recorded(heph_ctx ctx, act_inbox in, void *arg)
{
	struct scene *scene = arg;
	struct net *net = &scene->world.net;
	uint64_t before;
	unsigned up;

	begin_counted(ctx, scene);
	connect_end(ctx, net, &scene->world.end);
	for (uint64_t i = 0; i < 20; i++)
		must(ask(ctx, scene, i, 100, 100));
	before = refused(net->server);
	up = count_records(scene, true, 0);
	/* While there is the wire: CONFIRM is answered as well. */
	repeat_all(ctx, scene);
	until_refused(ctx, net->server,
		      before + up - count_records(scene, true, INIT) -
			      count_records(scene, true, CONFIRM));
	must(ask(ctx, scene, 20, 100, 100));
	close_end(ctx, &scene->world.end);
	for (unsigned n = 0; n < 3; n++) { /* and when there is none */
		before = refused(net->server);
		/* CONFIRM, too, if the server has closed it by now. */
		up = count_records(scene, true, 0) -
		     count_records(scene, true, INIT) -
		     count_records(scene, true, CONFIRM);
		repeat_all(ctx, scene);
		until_refused(ctx, net->server, before + up);
	}
	must_be(scene->accepted, 1);
	end_scene(ctx, scene);
	must_be(scene->accepted, 1);
	return 0;
}

static void a_recorded_conversation_makes_no_wire_and_no_frame(void **state)
{
	run_scene(recorded, one_key, 1);
}

/* Who does not hear that there is a wire says CONFIRM again, and means the same. */
static int unheard(heph_ctx ctx, act_inbox in, void *arg)
{
	struct scene *scene = arg;

	scene->proxy.mode = LOSE_DONE;
	begin_counted(ctx, scene);
	connect_end(ctx, &scene->world.net, &scene->world.end);
	must_be(scene->proxy.mode, HONEST);
	must(ask(ctx, scene, 1, 100, 100));
	must_be(scene->accepted, 1);
	must_be(count_records(scene, false, ACCEPT), 1);
	close_end(ctx, &scene->world.end);
	end_scene(ctx, scene);
	return 0;
}

static void the_end_of_a_handshake_may_be_lost(void **state)
{
	run_scene(unheard, one_key, 1);
}

/* Answers to one who repeats INIT are bounded, and none makes us remember it. */
static int flooded(heph_ctx ctx, act_inbox in, void *arg)
{
	struct scene *scene = arg;
	struct net *net = &scene->world.net;
	size_t sent = 0, came = 0;
	struct heph_stats stats;

	begin_counted(ctx, scene);
	connect_end(ctx, net, &scene->world.end);
	must(ask(ctx, scene, 1, 100, 100));
	stats = heph_stats(ctx);
	for (int i = 0; i < 50; i++)
		repeat_all(ctx, scene);
	must(ask(ctx, scene, 2, 100, 100));
	must_be(heph_stats(ctx).descriptors, stats.descriptors);
	must_be(heph_stats(ctx).actors, stats.actors);
	must_be(scene->accepted, 1);
	sent = 50 * 192 * count_records(scene, true, INIT);
	for (unsigned i = 0; i < scene->proxy.n; i++)
		if (scene->proxy.records[i]->data[0] == ACCEPT)
			came += scene->proxy.records[i]->size;
	must(came <= sent + 192);
	close_end(ctx, &scene->world.end);
	end_scene(ctx, scene);
	return 0;
}

static void who_repeats_handshakes_gets_nothing_for_it(void **state)
{
	run_scene(flooded, one_key, 1);
}

static int mirrored(heph_ctx ctx, act_inbox in, void *arg)
{
	struct scene *scene = arg;
	struct heph_udp_stats near, far;

	scene->proxy.mode = MIRROR;
	begin_scene(ctx, scene);
	connect_end(ctx, &scene->world.net, &scene->world.end);
	for (uint64_t i = 0; i < 50; i++)
		must(ask(ctx, scene, i, 50, 100));
	close_end(ctx, &scene->world.end);
	heph_udp_stats(scene->world.net.client, &near);
	heph_udp_stats(scene->world.net.server, &far);
	must(near.strange >= 50 && far.strange >= 50);
	end_scene(ctx, scene);
	return 0;
}

static void our_own_datagrams_are_strange_to_us(void **state)
{
	run_scene(mirrored, one_key, 1);
}

/* ---- other addresses ------------------------------------------------------------------------- */

static int moved(heph_ctx ctx, act_inbox in, void *arg)
{
	struct scene *scene = arg;

	begin_scene(ctx, scene);
	connect_end(ctx, &scene->world.net, &scene->world.end);
	for (uint64_t i = 0; i < 10; i++) {
		must(ask(ctx, scene, 2 * i, 50, 100));
		scene->proxy.mode = MOVE;
		must(ask(ctx, scene, 2 * i + 1, 50, 100));
	}
	close_end(ctx, &scene->world.end);
	end_scene(ctx, scene);
	return 0;
}

static void a_wire_follows_who_has_another_address(void **state)
{
	run_scene(moved, one_key, 1);
}

static int not_moved(heph_ctx ctx, act_inbox in, void *arg)
{
	struct scene *scene = arg;

	begin_scene(ctx, scene);
	connect_end(ctx, &scene->world.net, &scene->world.end);
	must_be(scene->world.end.wire->trust, HEPH_TRUST_HOST);
	must(ask(ctx, scene, 1, 50, 100));
	scene->proxy.mode = MOVE;
	must(!ask(ctx, scene, 2, 50, 2));
	close_end(ctx, &scene->world.end);
	end_scene(ctx, scene);
	return 0;
}

static void a_plain_one_does_not(void **state)
{
	struct scene *scene = calloc(1, sizeof(*scene));

	must(scene);
	must_be(heph_udp_plain_new(&scene->world.net.server, 0), 0);
	must_be(heph_udp_plain_new(&scene->world.net.client, 0), 0);
	scene->world.net.where = "127.0.0.1:0";
	run(not_moved, scene);
	free_net(&scene->world.net);
	free(scene);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			what_was_altered_or_repeated_is_refused_and_counted),
		cmocka_unit_test(keys_that_change_often_lose_nothing),
		cmocka_unit_test(
			a_recorded_conversation_makes_no_wire_and_no_frame),
		cmocka_unit_test(the_end_of_a_handshake_may_be_lost),
		cmocka_unit_test(who_repeats_handshakes_gets_nothing_for_it),
		cmocka_unit_test(our_own_datagrams_are_strange_to_us),
		cmocka_unit_test(a_wire_follows_who_has_another_address),
		cmocka_unit_test(a_plain_one_does_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
