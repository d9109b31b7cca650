/* SPDX-License-Identifier: MIT */
/* rpc_*: a client makes `n` calls; each answer is the number sent, plus 1. */
#include "bench.h"

struct server_msg {
	uint64_t value;
	HEPH_REPLY(uint64_t) more;
};

HEPH_ACTOR(server, struct server_msg, void);

static int server_main(heph_ctx ctx, server_inbox in)
{
	struct server_msg msg;

	while (heph_recv(ctx, in, &msg) == 0)
		heph_answer(msg.more, msg.value + 1);
	return 0;
}
HEPH_ACTOR_MAIN(server, server_main);

struct client_arg {
	struct bench *bench;
	server_ref server;
};

HEPH_ACTOR(client, void, struct client_arg);

static int client_main(heph_ctx ctx, struct client_arg *arg)
{
	struct bench *bench = arg->bench;
	server_ref server = arg->server;
	uint64_t more;

	bench_start(bench);
	for (uint64_t i = bench->n; i > 0; i--) {
		bench_must(heph_call(ctx, server, more, &more, { .value = i }));
		bench_check(more == i + 1);
	}
	bench_stop(bench);
	bench_add(bench, bench->n);
	return 0;
}
HEPH_ACTOR_MAIN(client, client_main);

int bench_rpc(heph_ctx ctx, struct bench *bench)
{
	server_ref server;

	bench->ops = bench->wanted = bench->n;
	bench_must(
		heph_spawn(ctx, server, &server, .on = bench_place(bench, 0)));
	bench_must(heph_spawn(ctx, client, NULL, { bench, server },
			      .on = bench_place(bench, 1)));
	bench_wait(ctx, bench);
	return 0;
}
