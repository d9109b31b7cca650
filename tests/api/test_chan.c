/* SPDX-License-Identifier: MIT */
/* Channels: what needs no waiting, from one thread and from several. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <heph/inbox.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "../tools.h"

/* Owns memory, so that the sanitizers see what is dropped twice or never. */
struct num {
	long n;
	long *owned;
};

static _Atomic long dropped;

static void num_drop(struct num *num)
{
	assert_int_equal(*num->owned, num->n);
	free(num->owned);
	dropped++;
}

HEPH_CHAN(num, struct num, num_drop);

struct nothing {
};
HEPH_CHAN(nothing, struct nothing);

static struct num make(long n)
{
	struct num num = { n, malloc(sizeof(long)) };

	*num.owned = n;
	return num;
}

static int try_send(num_sender tx, long n)
{
	struct num num = make(n);
	int err = heph_chan_try_send(tx, num);

	if (err < 0) {
		assert_int_equal(*num.owned, n); /* still ours */
		free(num.owned);
	}
	return err;
}

/* The number, or an error. */
static long try_recv(num_receiver rx)
{
	struct num num;
	int err = heph_chan_try_recv(rx, &num);

	if (err < 0)
		return err;
	assert_int_equal(*num.owned, num.n);
	free(num.owned);
	return num.n;
}

struct ends {
	num_manager manager;
	num_sender tx;
	num_receiver rx;
};

static struct ends open_chan(unsigned capacity)
{
	struct ends ends = { 0 };

	assert_int_equal(heph_chan_new(num, capacity, &ends.tx, &ends.rx), 0);
	return ends;
}

static struct ends open_managed(unsigned capacity)
{
	struct ends ends;

	assert_int_equal(heph_chan_new_managed(num, capacity, &ends.manager,
					       &ends.tx, &ends.rx),
			 0);
	return ends;
}

static void free_all(struct ends *ends)
{
	heph_chan_free(ends->tx);
	heph_chan_free(ends->rx);
	heph_chan_free(ends->manager);
}

static const unsigned capacities[] = { 1,  2,  3,  4,  5,  7,   8,    9,
				       16, 29, 31, 63, 64, 100, 1000, 1 << 20 };
enum { N_CAPACITIES = sizeof(capacities) / sizeof(*capacities) };

/* ---- capacity ----------------------------------------------------------------- */

static void must_not_open(unsigned capacity)
{
	struct ends ends;

	memset(&ends, 1, sizeof(ends));
	assert_int_equal(heph_chan_new(num, capacity, &ends.tx, &ends.rx),
			 -EINVAL);
	assert_null(ends.tx.chan);
	assert_null(ends.rx.chan);
	heph_chan_free(ends.tx);
	heph_chan_free(ends.rx);
}

static void capacity_of_zero(void **state)
{
	must_not_open(0);
}

static void capacity_too_large(void **state)
{
	must_not_open((1 << 20) + 1);
	must_not_open(UINT32_MAX);
}

static void capacities_are_correct(void **state)
{
	for (unsigned i = 0; i < N_CAPACITIES; i++) {
		struct ends ends = open_chan(capacities[i]);

		assert_int_equal(heph_chan_capacity(ends.tx), capacities[i]);
		assert_int_equal(heph_chan_capacity(ends.rx), capacities[i]);
		assert_int_equal(heph_chan_count(ends.tx), 0);
		free_all(&ends);
	}
}

/* ---- values ------------------------------------------------------------------- */

static void sending_and_receiving_value(void **state)
{
	struct ends ends = open_chan(8);

	assert_int_equal(try_send(ends.tx, 123), 0);
	assert_int_equal(heph_chan_count(ends.rx), 1);
	assert_int_equal(try_recv(ends.rx), 123);
	assert_int_equal(heph_chan_count(ends.rx), 0);
	free_all(&ends);
}

static void sending_into_full_channel(void **state)
{
	for (unsigned i = 0; i < N_CAPACITIES - 1; i++) {
		struct ends ends = open_chan(capacities[i]);

		for (unsigned n = 0; n < capacities[i]; n++)
			assert_int_equal(try_send(ends.tx, n), 0);
		assert_int_equal(try_send(ends.tx, -1), -EAGAIN);
		assert_int_equal(heph_chan_count(ends.tx), capacities[i]);
		assert_int_equal(try_recv(ends.rx), 0);
		assert_int_equal(try_send(ends.tx, capacities[i]), 0);
		assert_int_equal(try_send(ends.tx, -1), -EAGAIN);
		for (unsigned n = 1; n <= capacities[i]; n++)
			assert_int_equal(try_recv(ends.rx), n);
		free_all(&ends);
	}
}

static void send_no_receiver(void **state)
{
	struct ends ends = open_chan(8);

	heph_chan_free(ends.rx);
	assert_int_equal(try_send(ends.tx, 1), -EPIPE);
	heph_chan_free(ends.tx);
}

static void receiving_from_empty_channel(void **state)
{
	struct ends ends = open_chan(8);

	assert_int_equal(try_recv(ends.rx), -EAGAIN);
	assert_int_equal(try_recv(ends.rx), -EAGAIN);
	free_all(&ends);
}

static void receiving_from_disconnected_channel(void **state)
{
	struct ends ends = open_chan(8);

	assert_int_equal(try_send(ends.tx, 1), 0);
	heph_chan_free(ends.tx);
	assert_int_equal(try_recv(ends.rx), 1);
	assert_int_equal(try_recv(ends.rx), -EPIPE);
	assert_int_equal(try_recv(ends.rx), -EPIPE);
	heph_chan_free(ends.rx);
}

/* `rounds` times the capacity, in bursts or one by one. */
static void fill_and_drain(unsigned capacity, unsigned rounds, bool interleaved)
{
	struct ends ends = open_chan(capacity);
	long sent = 0, received = 0;

	for (unsigned round = 0; round < rounds; round++) {
		for (unsigned n = 0; n < capacity; n++) {
			assert_int_equal(try_send(ends.tx, sent++), 0);
			if (interleaved)
				assert_int_equal(try_recv(ends.rx), received++);
		}
		while (received < sent && round + 1 < rounds)
			assert_int_equal(try_recv(ends.rx), received++);
	}
	heph_chan_free(ends.tx);
	while (received < sent) /* what is there outlives the senders */
		assert_int_equal(try_recv(ends.rx), received++);
	assert_int_equal(try_recv(ends.rx), -EPIPE);
	heph_chan_free(ends.rx);
}

static void send_len_values(void **state)
{
	for (unsigned i = 0; i < N_CAPACITIES - 1; i++)
		for (unsigned rounds = 1; rounds <= 3; rounds++) {
			fill_and_drain(capacities[i], rounds, false);
			fill_and_drain(capacities[i], rounds, true);
		}
}

static void multiple_peeks(void **state)
{
	struct ends ends = open_chan(8);
	const struct num *seen;
	struct num *same;

	assert_int_equal(try_send(ends.tx, 1), 0);
	assert_int_equal(try_send(ends.tx, 2), 0);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(heph_chan_try_peek(ends.rx, &seen), 0);
		assert_int_equal(seen->n, 1);
		assert_int_equal(*seen->owned, 1);
	}
	assert_int_equal(heph_chan_peek(heph_no_ctx(), ends.rx, &same), 0);
	assert_ptr_equal(same, seen);
	assert_int_equal(try_recv(ends.rx), 1);
	assert_int_equal(heph_chan_try_peek(ends.rx, &seen), 0);
	assert_int_equal(seen->n, 2);
	free_all(&ends);
}

static void peeking_from_empty_and_disconnected_channel(void **state)
{
	struct ends ends = open_chan(8);
	const struct num *seen;

	assert_int_equal(heph_chan_try_peek(ends.rx, &seen), -EAGAIN);
	assert_null(seen);
	assert_int_equal(try_send(ends.tx, 1), 0);
	heph_chan_free(ends.tx);
	assert_int_equal(heph_chan_try_peek(ends.rx, &seen), 0);
	assert_int_equal(try_recv(ends.rx), 1);
	assert_int_equal(heph_chan_try_peek(ends.rx, &seen), -EPIPE);
	assert_int_equal(heph_chan_peek(heph_no_ctx(), ends.rx, &seen), -EPIPE);
	assert_null(seen);
	heph_chan_free(ends.rx);
}

static void zero_sized_types(void **state)
{
	const struct nothing *seen;
	struct nothing nothing;
	nothing_receiver rx;
	nothing_sender tx;

	assert_int_equal(heph_chan_new(nothing, 2, &tx, &rx), 0);
	assert_int_equal(heph_chan_try_recv(rx, &nothing), -EAGAIN);
	assert_int_equal(heph_chan_try_send(tx, {}), 0);
	assert_int_equal(heph_chan_send(heph_no_ctx(), tx, {}), 0);
	assert_int_equal(heph_chan_try_send(tx, {}), -EAGAIN);
	assert_int_equal(heph_chan_try_peek(rx, &seen), 0);
	assert_int_equal(heph_chan_try_recv(rx, &nothing), 0);
	heph_chan_free(tx);
	assert_int_equal(heph_chan_recv(heph_no_ctx(), rx, &nothing), 0);
	assert_int_equal(heph_chan_try_recv(rx, &nothing), -EPIPE);
	heph_chan_free(rx);
}

/* ---- handles ------------------------------------------------------------------ */

static void same_channel_and_identifiers(void **state)
{
	struct ends a = open_managed(1), b = open_chan(1);
	num_sender clone = heph_chan_new_sender(a.tx);

	assert_true(heph_chan_same(a.tx, clone));
	assert_true(heph_chan_same(a.tx, a.rx));
	assert_true(heph_chan_same(a.manager, a.rx));
	assert_false(heph_chan_same(a.tx, b.tx));
	assert_false(heph_chan_same(a.tx, b.rx));
	assert_true(heph_chan_id(a.tx) == heph_chan_id(a.rx));
	assert_true(heph_chan_id(a.tx) != heph_chan_id(b.tx));
	heph_chan_free(clone);
	free_all(&a);
	free_all(&b);
}

static void sender_is_connected(void **state)
{
	struct ends ends = open_managed(1);

	assert_true(heph_chan_is_connected(ends.tx));
	heph_chan_free(ends.rx);
	assert_true(heph_chan_is_connected(ends.tx));
	assert_int_equal(try_send(ends.tx, 1), 0);
	heph_chan_free(ends.manager);
	assert_false(heph_chan_is_connected(ends.tx));
	assert_int_equal(try_send(ends.tx, 1), -EPIPE);
	heph_chan_free(ends.tx);
}

static void receiver_is_connected(void **state)
{
	struct ends ends = open_managed(1);
	num_sender clone = heph_chan_new_sender(ends.tx);

	assert_true(heph_chan_is_connected(ends.rx));
	heph_chan_free(ends.tx);
	assert_true(heph_chan_is_connected(ends.rx));
	heph_chan_free(clone);
	assert_false(heph_chan_is_connected(ends.rx));
	ends.tx = heph_chan_new_sender(ends.manager);
	assert_true(heph_chan_is_connected(ends.rx));
	free_all(&ends);
}

static void has_manager(void **state)
{
	struct ends with = open_managed(1), without = open_chan(1);

	assert_true(heph_chan_has_manager(with.tx));
	assert_true(heph_chan_has_manager(with.rx));
	heph_chan_free(with.manager);
	with.manager = (num_manager){ 0 };
	assert_false(heph_chan_has_manager(with.tx));
	assert_false(heph_chan_has_manager(with.rx));
	assert_false(heph_chan_has_manager(without.tx));
	free_all(&with);
	free_all(&without);
}

/* Heph: cloning a sender that was made when there was none fails, and the
 * memory is lost if it outlives the receiver. */
static void receiver_new_sender(void **state)
{
	struct ends ends = open_chan(2);
	num_sender clone;

	for (int round = 0; round < 3; round++) {
		heph_chan_free(ends.tx);
		assert_int_equal(try_recv(ends.rx), -EPIPE);
		ends.tx = heph_chan_new_sender(ends.rx);
		assert_int_equal(try_recv(ends.rx), -EAGAIN);
		clone = heph_chan_new_sender(ends.tx);
		assert_int_equal(try_send(clone, round), 0);
		heph_chan_free(clone);
		assert_int_equal(try_recv(ends.rx), round);
	}
	heph_chan_free(ends.rx);
	assert_int_equal(try_send(ends.tx, 1), -EPIPE);
	heph_chan_free(ends.tx);
}

static void manager_new_sender(void **state)
{
	struct ends ends = open_managed(2);

	heph_chan_free(ends.tx);
	ends.tx = heph_chan_new_sender(ends.manager);
	assert_int_equal(try_send(ends.tx, 5), 0);
	assert_int_equal(try_recv(ends.rx), 5);
	free_all(&ends);
}

static void manager_new_receiver(void **state)
{
	struct ends ends = open_managed(4);

	assert_int_equal(try_send(ends.tx, 1), 0);
	assert_int_equal(try_send(ends.tx, 2), 0);
	assert_int_equal(try_recv(ends.rx), 1);
	heph_chan_free(ends.rx);
	assert_int_equal(try_send(ends.tx, 3), 0);
	assert_int_equal(heph_chan_new_receiver(ends.manager, &ends.rx), 0);
	assert_int_equal(try_send(ends.tx, 4), 0);
	for (long n = 2; n <= 4; n++)
		assert_int_equal(try_recv(ends.rx), n);
	free_all(&ends);
}

static void manager_new_receiver_already_exists(void **state)
{
	struct ends ends = open_managed(1);
	num_receiver other;

	assert_int_equal(heph_chan_new_receiver(ends.manager, &other), -EBUSY);
	assert_null(other.chan);
	free_all(&ends);
}

/* ---- what is dropped -------------------------------------------------------------- */

enum order { SENDER_FIRST, RECEIVER_FIRST, AT_ONCE, N_ORDERS };

static void *free_tx(void *arg)
{
	heph_chan_free(*(num_sender *)arg);
	return NULL;
}

static void *free_rx(void *arg)
{
	heph_chan_free(*(num_receiver *)arg);
	return NULL;
}

static void *free_manager(void *arg)
{
	heph_chan_free(*(num_manager *)arg);
	return NULL;
}

static void free_at_once(struct ends *ends, num_sender *clone)
{
	pthread_t threads[4];

	assert_int_equal(pthread_create(&threads[0], NULL, free_tx, &ends->tx),
			 0);
	assert_int_equal(pthread_create(&threads[1], NULL, free_rx, &ends->rx),
			 0);
	assert_int_equal(pthread_create(&threads[2], NULL, free_manager,
					&ends->manager),
			 0);
	assert_int_equal(pthread_create(&threads[3], NULL, free_tx, clone), 0);
	for (int n = 0; n < 4; n++)
		pthread_join(threads[n], NULL);
}

static void free_in_order(struct ends *ends, num_sender *clone,
			  enum order order)
{
	if (order == AT_ONCE) {
		free_at_once(ends, clone);
	} else if (order == SENDER_FIRST) {
		heph_chan_free(ends->tx);
		heph_chan_free(*clone);
		heph_chan_free(ends->manager);
		heph_chan_free(ends->rx);
	} else {
		heph_chan_free(ends->rx);
		heph_chan_free(ends->manager);
		heph_chan_free(*clone);
		heph_chan_free(ends->tx);
	}
}

/* So many are sent, and so many received; the others are dropped, once. */
static void drop_shape(unsigned capacity, unsigned sent, unsigned received,
		       bool managed, bool cloned, enum order order)
{
	struct ends ends = managed ? open_managed(capacity) :
				     open_chan(capacity);
	num_sender clone = { 0 };

	if (cloned)
		clone = heph_chan_new_sender(ends.tx);
	dropped = 0;
	for (unsigned n = 0; n < sent; n++)
		assert_int_equal(try_send(n % 2 && cloned ? clone : ends.tx, n),
				 0);
	for (unsigned n = 0; n < received; n++)
		assert_int_equal(try_recv(ends.rx), n);
	free_in_order(&ends, &clone, order);
	assert_int_equal(dropped, sent - received);
}

static void drop_shapes(unsigned capacity, enum order order)
{
	for (int managed = 0; managed < 2; managed++)
		for (int cloned = 0; cloned < 2; cloned++) {
			drop_shape(capacity, 0, 0, managed, cloned, order);
			drop_shape(capacity, 1, 0, managed, cloned, order);
			drop_shape(capacity, capacity, 0, managed, cloned,
				   order);
			drop_shape(capacity, 1, 1, managed, cloned, order);
			drop_shape(capacity, capacity, 1, managed, cloned,
				   order);
			drop_shape(capacity, capacity, capacity > 1 ? 2 : 1,
				   managed, cloned, order);
		}
}

static void every_value_is_dropped_once(void **state)
{
	for (unsigned capacity = 1; capacity <= 29; capacity++)
		for (int order = 0; order < AT_ONCE; order++)
			drop_shapes(capacity, (enum order)order);
}

static void every_value_is_dropped_once_threaded(void **state)
{
	for (unsigned capacity = 1; capacity <= 29; capacity += 4)
		drop_shapes(capacity, AT_ONCE);
}

/* A value that holds a sender of the channel that it is in. */
struct self_ref {
	struct heph_chan *own;
};

static void self_ref_drop(struct self_ref *value)
{
	heph_raw_chan_free(value->own, HEPH_CHAN_SENDER__);
	dropped++;
}

HEPH_CHAN(self_ref, struct self_ref, self_ref_drop);

static void values_may_hold_handles_of_their_channel(void **state)
{
	self_ref_receiver rx;
	self_ref_sender tx;

	dropped = 0;
	assert_int_equal(heph_chan_new(self_ref, 3, &tx, &rx), 0);
	for (int n = 0; n < 2; n++)
		assert_int_equal(heph_chan_try_send(
					 tx, { heph_chan_new_sender(tx).chan }),
				 0);
	assert_int_equal(heph_chan_try_send(tx, { tx.chan }), 0);
	heph_chan_free(rx);
	assert_int_equal(dropped, 3);
}

/* ---- waiting, without a runtime --------------------------------------------------- */

static heph_ctx soon(void)
{
	return heph_within(heph_no_ctx(), HEPH_MSEC);
}

static long recv_num(heph_ctx ctx, num_receiver rx)
{
	struct num num;
	int err = heph_chan_recv(ctx, rx, &num);

	if (err < 0)
		return err;
	assert_int_equal(*num.owned, num.n);
	free(num.owned);
	return num.n;
}

static int send_num(heph_ctx ctx, num_sender tx, long n)
{
	struct num num = make(n);
	int err = heph_chan_send(ctx, tx, num);

	if (err < 0)
		free(num.owned);
	return err;
}

static void a_thread_gives_up_at_its_deadline(void **state)
{
	struct ends ends = open_chan(1);
	heph_ctx nothing = { 0 };
	const struct num *seen;

	assert_int_equal(recv_num(soon(), ends.rx), -ETIME);
	assert_int_equal(recv_num(nothing, ends.rx), -ETIME);
	assert_int_equal(heph_chan_peek(soon(), ends.rx, &seen), -ETIME);
	assert_int_equal(send_num(soon(), ends.tx, 1), 0);
	assert_int_equal(send_num(soon(), ends.tx, 2), -ETIME);
	assert_int_equal(send_num(nothing, ends.tx, 2), -ETIME);
	assert_int_equal(heph_chan_join(soon(), ends.tx), -ETIME);
	assert_int_equal(recv_num(nothing, ends.rx), 1);
	assert_int_equal(try_recv(ends.rx), -EAGAIN); /* 2 was not sent */
	heph_chan_free(ends.rx);
	assert_int_equal(heph_chan_join(soon(), ends.tx), 0);
	assert_int_equal(send_num(soon(), ends.tx, 3), -EPIPE);
	heph_chan_free(ends.tx);
}

static long many = 3000; /* values that a thread sends */

struct job {
	num_sender tx;
	long first, n;
};

static void *send_many(void *arg)
{
	struct job *job = arg;

	for (long n = 0; n < job->n; n++)
		if (send_num(heph_no_ctx(), job->tx, job->first + n) < 0)
			break;
	heph_chan_free(job->tx);
	return NULL;
}

/* Whether the numbers of each sender, of which there are `each`, are in order. */
static void check_order(long *last, long n, long each)
{
	assert_true(n > last[n / each]);
	last[n / each] = n;
}

static void threads_send_many_values(unsigned capacity, int senders)
{
	struct ends ends = open_chan(capacity);
	pthread_t threads[10];
	struct job jobs[10];
	long last[10], n;
	int count = 0;

	for (int i = 0; i < senders; i++) {
		jobs[i] = (struct job){ heph_chan_new_sender(ends.rx), i * many,
					many };
		last[i] = -1;
		assert_int_equal(pthread_create(&threads[i], NULL, send_many,
						&jobs[i]),
				 0);
	}
	heph_chan_free(ends.tx);
	while ((n = recv_num(heph_no_ctx(), ends.rx)) >= 0) {
		check_order(last, n, many);
		count++;
	}
	assert_int_equal(n, -EPIPE);
	assert_int_equal(count, senders * many);
	for (int i = 0; i < senders; i++)
		pthread_join(threads[i], NULL);
	heph_chan_free(ends.rx);
}

static void threads_wait_for_each_other(void **state)
{
	for (unsigned capacity = 1; capacity <= 8; capacity *= 2) {
		threads_send_many_values(capacity, 1);
		threads_send_many_values(capacity, 3);
	}
	threads_send_many_values(1, 10);
}

static void *join_chan(void *arg)
{
	assert_int_equal(heph_chan_join(heph_no_ctx(), *(num_sender *)arg), 0);
	return NULL;
}

/* Senders wait and join when the receiver goes. */
static void the_end_wakes_all_threads(void **state)
{
	for (int round = 0; round < 20; round++) {
		struct ends ends = open_chan(1);
		pthread_t threads[4];
		struct job jobs[3];

		for (int i = 0; i < 3; i++) {
			jobs[i] = (struct job){ heph_chan_new_sender(ends.tx),
						0, many };
			assert_int_equal(pthread_create(&threads[i], NULL,
							send_many, &jobs[i]),
					 0);
		}
		assert_int_equal(pthread_create(&threads[3], NULL, join_chan,
						&ends.tx),
				 0);
		for (int n = 0; n < round; n++)
			assert_true(recv_num(heph_no_ctx(), ends.rx) >= 0);
		heph_chan_free(ends.rx);
		for (int i = 0; i < 4; i++)
			pthread_join(threads[i], NULL);
		heph_chan_free(ends.tx);
	}
}

/* Giving up races with being served; nothing is lost or comes twice. */
static void *send_impatiently(void *arg)
{
	struct job *job = arg;
	long n = 0;
	int err;

	while (n < job->n) {
		err = send_num(heph_within(heph_no_ctx(), n % 50 * HEPH_USEC),
			       job->tx, n);
		assert_true(err == 0 || err == -ETIME);
		n += err == 0;
	}
	heph_chan_free(job->tx);
	return NULL;
}

static void impatient_threads(void **state)
{
	struct ends ends = open_chan(1);
	struct job job = { ends.tx, 0, many };
	long expected = 0, n;
	pthread_t thread;

	assert_int_equal(pthread_create(&thread, NULL, send_impatiently, &job),
			 0);
	while ((n = recv_num(heph_within(heph_no_ctx(),
					 expected % 50 * HEPH_USEC),
			     ends.rx)) != -EPIPE) {
		if (n != -ETIME)
			assert_int_equal(n, expected++);
	}
	assert_int_equal(expected, many);
	pthread_join(thread, NULL);
	heph_chan_free(ends.rx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(capacity_of_zero),
		cmocka_unit_test(capacity_too_large),
		cmocka_unit_test(capacities_are_correct),
		cmocka_unit_test(sending_and_receiving_value),
		cmocka_unit_test(sending_into_full_channel),
		cmocka_unit_test(send_no_receiver),
		cmocka_unit_test(receiving_from_empty_channel),
		cmocka_unit_test(receiving_from_disconnected_channel),
		cmocka_unit_test(send_len_values),
		cmocka_unit_test(multiple_peeks),
		cmocka_unit_test(peeking_from_empty_and_disconnected_channel),
		cmocka_unit_test(zero_sized_types),
		cmocka_unit_test(same_channel_and_identifiers),
		cmocka_unit_test(sender_is_connected),
		cmocka_unit_test(receiver_is_connected),
		cmocka_unit_test(has_manager),
		cmocka_unit_test(receiver_new_sender),
		cmocka_unit_test(manager_new_sender),
		cmocka_unit_test(manager_new_receiver),
		cmocka_unit_test(manager_new_receiver_already_exists),
		cmocka_unit_test(every_value_is_dropped_once),
		cmocka_unit_test(every_value_is_dropped_once_threaded),
		cmocka_unit_test(values_may_hold_handles_of_their_channel),
		cmocka_unit_test(a_thread_gives_up_at_its_deadline),
		cmocka_unit_test(threads_wait_for_each_other),
		cmocka_unit_test(the_end_wakes_all_threads),
		cmocka_unit_test(impatient_threads),
	};

	if (on_valgrind())
		many /= 10;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
