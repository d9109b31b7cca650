/* SPDX-License-Identifier: MIT */
/*
 * chan_*: values through a channel of its own. chan_here: an actor sends and
 * receives one at a time; nobody waits. chan_local: a sender and a receiver on
 * one worker, who wait for each other. chan_threads: between two plain threads
 * without a runtime.
 */
#include "bench.h"

#include <pthread.h>

struct value {
	uint64_t n;
};

HEPH_CHAN(value, struct value);

struct sender_arg {
	value_sender tx;
	uint64_t n;
};

HEPH_ACTOR(chan_sender, void, struct sender_arg);

static int send_all(heph_ctx ctx, value_sender tx, uint64_t n)
{
	for (uint64_t i = 0; i < n; i++)
		bench_must(heph_chan_send(ctx, tx, { 1 }));
	heph_chan_free(tx);
	return 0;
}

static int sender_main(heph_ctx ctx, struct sender_arg *arg)
{
	return send_all(ctx, arg->tx, arg->n);
}
HEPH_ACTOR_MAIN(chan_sender, sender_main);

static uint64_t recv_all(heph_ctx ctx, value_receiver rx)
{
	struct value value;
	uint64_t total = 0;

	while (heph_chan_recv(ctx, rx, &value) == 0)
		total += value.n;
	return total;
}

int bench_chan(heph_ctx ctx, struct bench *bench)
{
	struct value value;
	uint64_t total = 0;
	value_receiver rx;
	value_sender tx;

	bench->ops = bench->wanted = bench->n;
	bench_must(heph_chan_new(value, bench->inbox, &tx, &rx));
	bench_start(bench);
	if (bench->option) {
		for (uint64_t i = 0; i < bench->n; i++) {
			bench_must(heph_chan_try_send(tx, { 1 }));
			bench_must(heph_chan_try_recv(rx, &value));
			total += value.n;
		}
		heph_chan_free(tx);
	} else {
		bench_must(
			heph_spawn(ctx, chan_sender, NULL, { tx, bench->n }));
		total = recv_all(ctx, rx);
	}
	bench_stop(bench);
	bench_add(bench, total);
	heph_chan_free(rx);
	return 0;
}

static void *send_in_thread(void *arg)
{
	struct sender_arg *sender = arg;

	send_all(heph_no_ctx(), sender->tx, sender->n);
	return NULL;
}

struct receiver {
	value_receiver rx;
	uint64_t total;
};

static void *recv_in_thread(void *arg)
{
	struct receiver *receiver = arg;

	receiver->total = recv_all(heph_no_ctx(), receiver->rx);
	return NULL;
}

/* The bench's actor only waits, blocking its worker. */
int bench_chan_threads(heph_ctx ctx, struct bench *bench)
{
	static struct sender_arg sender;
	static struct receiver receiver;
	pthread_t threads[2];

	(void)ctx;
	bench->ops = bench->wanted = bench->n;
	sender.n = bench->n;
	bench_must(
		heph_chan_new(value, bench->inbox, &sender.tx, &receiver.rx));
	bench_start(bench);
	bench_must(pthread_create(&threads[0], NULL, send_in_thread, &sender));
	bench_must(
		pthread_create(&threads[1], NULL, recv_in_thread, &receiver));
	for (int n = 0; n < 2; n++)
		pthread_join(threads[n], NULL);
	bench_stop(bench);
	bench_add(bench, receiver.total);
	heph_chan_free(receiver.rx);
	return 0;
}
