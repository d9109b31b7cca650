/* SPDX-License-Identifier: MIT */
/* test_sim.c - worlds that a seed decides */
#include "act.h"

#include <heph/sim.h>

#define ADDRESS "10.0.0.1:7000"

enum { CLIENTS = 10, ROUNDS = 20 };

/* ---- an echo server and its clients --------------------------------------------- */

struct echo_arg {
	heph_fd fd;
};
HEPH_ACTOR(echo, void, struct echo_arg);

static int echo_main(heph_ctx ctx, struct echo_arg *arg)
{
	char buf[100];
	int n;

	while ((n = heph_read(ctx, arg->fd, buf, sizeof(buf))) > 0) {
		n = heph_write_all(ctx, arg->fd, buf, (size_t)n);
		if (n < 0)
			break;
	}
	return 0;
}
HEPH_ACTOR_MAIN(echo, echo_main);

HEPH_ACTOR(server, void, void);

static int server_main(heph_ctx ctx)
{
	heph_fd listener;
	int err = heph_listen(ctx, ADDRESS, &listener);

	return err < 0 ? err : heph_serve(ctx, listener, echo, fd);
}
HEPH_ACTOR_MAIN(server, server_main);

struct client_arg {
	int number;
	long *sum;
};
HEPH_ACTOR(client, void, struct client_arg);

/* Connections break in some worlds; what comes back is right in all. */
static int client_main(heph_ctx ctx, struct client_arg *arg)
{
	char out[300], in[300];
	heph_fd fd;
	int err;

	ctx = heph_within(ctx, 60 * HEPH_SEC);
	err = heph_connect(ctx, ADDRESS, &fd);

	for (int n = 0; err == 0 && n < ROUNDS; n++) {
		memset(out, 'a' + (arg->number + n) % 26, sizeof(out));
		err = heph_write_all(ctx, fd, out, sizeof(out));
		if (err == 0)
			err = heph_read_exact(ctx, fd, in, sizeof(in), NULL);
		if (err == 0)
			heph_check(ctx, memcmp(in, out, sizeof(in)) == 0);
		if (err == 0)
			++*arg->sum;
	}
	return 0;
}
HEPH_ACTOR_MAIN(client, client_main);

struct world_arg {
	long *ret_sum;
};
HEPH_ACTOR(world, void, struct world_arg);

static int world_main(heph_ctx ctx, struct world_arg *arg)
{
	client_ref clients[CLIENTS];
	server_ref server;
	int err = heph_spawn(ctx, server, &server);

	if (err == 0)
		err = heph_sleep(ctx, HEPH_SEC);
	for (int n = 0; err == 0 && n < CLIENTS; n++)
		err = heph_spawn(ctx, client, &clients[n], { n, arg->ret_sum },
				 .on = n % 3 ? HEPH_WORKER(n % 2) : HEPH_ANY);
	for (int n = 0; err == 0 && n < CLIENTS; n++)
		err = heph_join(ctx, clients[n], NULL);
	heph_stop(server);
	return err;
}
HEPH_ACTOR_MAIN(world, world_main);

static struct heph_sim_result run_world(uint64_t seed, bool faults, long *ret_sum)
{
	struct heph_sim_result result;
	struct heph_sim_options options = { .result = &result };

	*ret_sum = 0;
	if (faults)
		options.faults = heph_sim_faults(seed);
	assert_int_equal(heph_sim_run(seed, &options, world, { ret_sum }), 0);
	assert_false(result.failed);
	return result;
}

static void a_server_serves_its_clients(void **state)
{
	long sum;
	struct heph_sim_result result = run_world(1, false, &sum);

	assert_int_equal(sum, CLIENTS * ROUNDS);
	assert_int_equal(result.faults, 0);
	assert_true(result.length >= HEPH_SEC && result.length < 100 * HEPH_SEC);
}

static void the_same_seed_gives_the_same_run(void **state)
{
	long sum, sum_again;

	for (uint64_t seed = 1; seed <= 10; seed++) {
		struct heph_sim_result once = run_world(seed, true, &sum);
		struct heph_sim_result again =
			run_world(seed, true, &sum_again);

		assert_int_equal(sum, sum_again);
		assert_int_equal(once.hash, again.hash);
		assert_int_equal(once.steps, again.steps);
		assert_int_equal(once.length, again.length);
		assert_int_equal(once.faults, again.faults);
	}
}

static void other_seeds_give_other_runs(void **state)
{
	long sum;
	uint64_t first = run_world(1, false, &sum).hash;
	uint64_t second = run_world(2, false, &sum).hash;
	uint64_t third = run_world(3, false, &sum).hash;

	assert_true(first != second && first != third && second != third);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_server_serves_its_clients),
		cmocka_unit_test(the_same_seed_gives_the_same_run),
		cmocka_unit_test(other_seeds_give_other_runs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
