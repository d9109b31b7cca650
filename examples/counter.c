/* SPDX-License-Identifier: MIT */
/*
 * counter.c - call and answer, from an actor and from a plain thread
 *
 * usage: counter
 *
 * An actor type with a header of its own (counter.h), as a part of a larger program
 * has it: who includes that can spawn it, send to it and call it. Here an actor
 * does, and a thread that the runtime knows nothing of.
 */
#include "counter.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

static int counter_main(heph_ctx ctx, counter_inbox in, struct counter_arg *arg)
{
	long total = arg->start;
	struct counter_msg msg;

	while (heph_recv(ctx, in, &msg) == 0) {
		switch (msg.kind) {
		case COUNTER_ADD:
			total += msg.add;
			break;
		case COUNTER_TOTAL:
			heph_answer(msg.total, total);
			break;
		}
	}
	return 0;
}
HEPH_ACTOR_MAIN(counter, counter_main);

/* An actor that adds 40, and then asks. */
struct adder_arg {
	counter_ref counter;
};

HEPH_ACTOR(adder, void, struct adder_arg);

static int adder_main(heph_ctx ctx, struct adder_arg *arg)
{
	long total;
	int err = 0;

	for (int i = 0; err == 0 && i < 40; i++)
		err = counter_add(ctx, arg->counter, 1);
	if (err == 0)
		err = counter_total(ctx, arg->counter, &total);
	if (err == 0)
		printf("an actor sees %ld\n", total);
	return err;
}
HEPH_ACTOR_MAIN(adder, adder_main);

/* A thread that asks: the same functions, its waits block the thread. */
struct reader {
	struct heph *heph;
	counter_ref counter;
	heph_ref adder;
	int err;
};

static int read_total(heph_ctx ctx, struct reader *reader)
{
	long total;
	int err;

	err = heph_join(ctx, reader->adder, NULL);
	if (err == 0)
		err = counter_total(heph_within(ctx, 10 * HEPH_SEC),
				    reader->counter, &total);
	if (err == 0)
		printf("a thread sees %ld\n", total);
	return err;
}

static void *reader_main(void *arg)
{
	struct reader *reader = arg;
	heph_ctx ctx;

	reader->err = heph_attach(reader->heph, &ctx);
	if (reader->err < 0)
		return NULL;
	reader->err = read_total(ctx, reader);
	heph_stop(reader->counter); /* nobody needs it any more */
	heph_detach(ctx);
	return NULL;
}

/* Lets a thread of its own read, and waits until all is over. */
static int use_thread(heph_ctx ctx, struct reader *reader)
{
	pthread_t thread;
	int err;

	err = -pthread_create(&thread, NULL, reader_main, reader);
	if (err < 0)
		return err;
	pthread_join(thread, NULL);
	err = heph_drain(ctx);
	return err < 0 ? err : reader->err;
}

int main(void)
{
	struct reader reader = { 0 };
	heph_ctx ctx;
	int err;

	err = heph_new(&ctx, NULL);
	if (err < 0)
		return 1;
	reader.heph = heph_runtime(ctx);
	err = heph_spawn(ctx, counter, &reader.counter, { .start = 2 });
	if (err == 0)
		err = heph_spawn(ctx, adder, &reader.adder, { reader.counter });
	if (err == 0)
		err = use_thread(ctx, &reader);
	heph_free(ctx);
	if (err < 0)
		fprintf(stderr, "counter: %s\n", strerror(-err));
	return err < 0;
}
