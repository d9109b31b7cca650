/* SPDX-License-Identifier: MIT */
/*
 * big*: `size` actors; each sends `n` pings, one at a time, to an actor chosen
 * at random, which sends a pong back. After the "big" of the Savina suite.
 *
 * An actor has one ping out at most, so an inbox never holds more than one from
 * each and a pong: none is ever full, and nobody waits for somebody who waits.
 */
#include "bench.h"

struct peer_msg {
	bool pong;
	int from;
};

enum { NOBODY = -1 };

struct big;

struct peer_arg {
	struct big *big;
	int id;
};

HEPH_ACTOR(peer, struct peer_msg, struct peer_arg);

struct big {
	struct bench *bench;
	atomic_int unfinished;
	int n_peers;
	peer_ref peers[];
};

static int peer_main(heph_ctx ctx, peer_inbox in, struct peer_arg *arg)
{
	struct big *big = arg->big;
	uint64_t seed = bench_seed(arg->id);
	uint64_t pings = big->bench->n, served = 0;
	int id = arg->id, asked = NOBODY;
	struct peer_msg msg;

	while (heph_recv(ctx, in, &msg) == 0) {
		if (!msg.pong) {
			served++;
			bench_must(heph_send(ctx, big->peers[msg.from],
					     { true, id }));
			continue;
		}
		bench_check(msg.from == asked);
		if (pings-- > 0) {
			asked = bench_random(&seed) % big->n_peers;
			bench_must(heph_send(ctx, big->peers[asked],
					     { false, id }));
		} else if (atomic_fetch_sub(&big->unfinished, 1) == 1) {
			bench_stop(big->bench);
		}
	}
	bench_add(big->bench, served);
	return 0;
}
HEPH_ACTOR_MAIN(peer, peer_main);

int bench_big(heph_ctx ctx, struct bench *bench)
{
	struct big *big = heph_alloc(
		ctx, sizeof(*big) + bench->size * sizeof(*big->peers));
	int i;

	bench_check(big != NULL);
	big->bench = bench;
	big->n_peers = (int)bench->size;
	big->unfinished = big->n_peers;
	bench->wanted = bench->n * bench->size;
	bench->ops = 2 * bench->wanted;
	bench_extra(bench, "actors=%d", big->n_peers);
	for (i = 0; i < big->n_peers; i++)
		bench_must(heph_spawn(ctx, peer, &big->peers[i], { big, i },
				      .inbox = 2 * big->n_peers,
				      .on = bench_place(bench, i)));
	bench_settle(ctx);

	bench_start(bench);
	for (i = 0; i < big->n_peers; i++)
		bench_must(heph_send(ctx, big->peers[i], { true, NOBODY }));
	bench_wait(ctx, bench);
	return 0;
}
