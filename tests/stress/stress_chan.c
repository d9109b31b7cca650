/* SPDX-License-Identifier: MIT */
/*
 * stress_chan.c SECONDS - values between two threads, one at a time and many
 *
 * Hand-overs: two threads pass a number to and fro through two channels. Each
 * one must be prompt: one that takes longer than a stall is the mark of a lost
 * wake-up that something else repaired, and with nothing to repair it the alarm
 * ends the test. Streams: several senders and a receiver, each channel of
 * another capacity. SECONDS of 10 and more pass a million values in each
 * stream, and 100,000 numbers to and fro; 1 is a short dose.
 */
#include <heph/heph.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define must(expr_)                                                            \
	((expr_) ? (void)0 : must_failed(#expr_, __FILE__, __LINE__))

static void must_failed(const char *expr, const char *file, int line)
{
	fprintf(stderr, "%s:%d: must: %s\n", file, line, expr);
	abort();
}

struct num {
	long n;
};

HEPH_CHAN(num, struct num);

/* The machine may be busy; a lost wake-up takes for ever. */
#define STALL (20 * HEPH_SEC)

static const unsigned capacities[] = { 1, 2, 3, 8, 29, 64 };
enum { N_CAPACITIES = sizeof(capacities) / sizeof(*capacities), SENDERS = 2 };

/* ---- to and fro ------------------------------------------------------------------ */

struct echo {
	num_sender out;
	num_receiver in;
};

static void *echo(void *arg)
{
	struct echo *it = arg;
	struct num num;

	while (heph_chan_recv(heph_no_ctx(), it->in, &num) == 0)
		must(heph_chan_send(heph_no_ctx(), it->out, { num.n + 1 }) ==
		     0);
	heph_chan_free(it->in);
	heph_chan_free(it->out);
	return NULL;
}

static heph_time pass_one(num_sender tx, num_receiver rx, long n)
{
	heph_time began = heph_now();
	struct num num;

	must(heph_chan_send(heph_no_ctx(), tx, { n }) == 0);
	must(heph_chan_recv(heph_within(heph_no_ctx(), STALL), rx, &num) == 0);
	must(num.n == n + 1);
	return heph_now() - began;
}

static void to_and_fro(unsigned capacity, long times)
{
	heph_time longest = 0, length, began = heph_now();
	struct echo it;
	pthread_t thread;
	num_receiver rx;
	num_sender tx;

	must(heph_chan_new(num, capacity, &tx, &it.in) == 0);
	must(heph_chan_new(num, capacity, &it.out, &rx) == 0);
	must(pthread_create(&thread, NULL, echo, &it) == 0);
	for (long n = 0; n < times; n++) {
		length = pass_one(tx, rx, n);
		longest = length > longest ? length : longest;
	}
	heph_chan_free(tx);
	pthread_join(thread, NULL);
	heph_chan_free(rx);
	printf("to and fro, capacity %u: %ld times, %ld ns each, longest %ld us\n",
	       capacity, times, (long)((heph_now() - began) / times),
	       (long)(longest / HEPH_USEC));
}

/* ---- streams --------------------------------------------------------------------- */

struct source {
	num_sender tx;
	long first, n;
};

static void *stream(void *arg)
{
	struct source *it = arg;

	for (long n = 0; n < it->n; n++)
		must(heph_chan_send(heph_no_ctx(), it->tx, { it->first + n }) ==
		     0);
	heph_chan_free(it->tx);
	return NULL;
}

static void check_stream(num_receiver rx, long each)
{
	long next[SENDERS] = { 0 }, count = 0;
	struct num num;
	int err;

	while ((err = heph_chan_recv(heph_within(heph_no_ctx(), STALL), rx,
				     &num)) == 0) {
		must(num.n % each == next[num.n / each]++);
		count++;
	}
	must(err == -EPIPE);
	must(count == SENDERS * each);
}

static void stress_sending_interleaved(unsigned capacity, long each)
{
	struct source sources[SENDERS];
	pthread_t threads[SENDERS];
	num_receiver rx;
	num_sender tx;

	must(heph_chan_new(num, capacity, &tx, &rx) == 0);
	for (int i = 0; i < SENDERS; i++) {
		sources[i] = (struct source){ heph_chan_new_sender(tx),
					      i * each, each };
		must(pthread_create(&threads[i], NULL, stream, &sources[i]) ==
		     0);
	}
	heph_chan_free(tx);
	check_stream(rx, each);
	for (int i = 0; i < SENDERS; i++)
		pthread_join(threads[i], NULL);
	heph_chan_free(rx);
}

int main(int argc, char **argv)
{
	int seconds = argc > 1 ? atoi(argv[1]) : 1;
	heph_time until = heph_now() + seconds * HEPH_SEC;
	long values = seconds < 10 ? 10 * 1000 : 1000 * 1000;

	alarm((unsigned)seconds * 10 + 60);
	do {
		for (unsigned capacity = 1; capacity <= 8; capacity *= 2)
			to_and_fro(capacity == 4 ? 3 : capacity, values / 10);
		for (unsigned i = 0; i < N_CAPACITIES; i++)
			stress_sending_interleaved(capacities[i],
						   values / SENDERS);
	} while (heph_now() < until);
	return 0;
}
