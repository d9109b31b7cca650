/* SPDX-License-Identifier: MIT */
/* Sealing and opening: what is opened is what was sealed for this wire, once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "remote/udp_box.h"

enum { ROOM = 2048 };

static const uint8_t keys[4][32] = { { 1 }, { 2 }, { 3 }, { 4 } };

/* Two ends of a wire. */
static struct heph_udp_box a, b;
static uint8_t data[ROOM];
static heph_time now;

static int set_up(void **state)
{
	heph_udp_box_init(&a, keys[0], keys[1]);
	heph_udp_box_init(&b, keys[1], keys[0]);
	a.near = b.far = 17;
	a.far = b.near = 18;
	now = 1000 * HEPH_SEC;
	return 0;
}

static int seal(struct heph_udp_box *box, const char *text)
{
	return heph_udp_box_seal(box, now, HEPH_UDP_DATA, text, strlen(text),
				 data);
}

static int open_it(struct heph_udp_box *box, int size)
{
	return heph_udp_box_open(box, now, data, (size_t)size, NULL);
}

/* The same, of a copy: what is refused may be changed. */
static int try_open(struct heph_udp_box *box, const uint8_t *from, int size)
{
	uint8_t copy[ROOM];

	memcpy(copy, from, (size_t)size);
	return heph_udp_box_open(box, now, copy, (size_t)size, NULL);
}

/* ---- windows --------------------------------------------------------------------------- */

/* Remembers all. */
struct model {
	uint64_t all[20000], n, highest;
};

static bool model_fresh(const struct model *model, uint64_t counter)
{
	if (model->n && counter <= model->highest &&
	    model->highest - counter >= HEPH_UDP_WINDOW)
		return false;
	for (uint64_t i = 0; i < model->n; i++)
		if (model->all[i] == counter)
			return false;
	return true;
}

static void model_mark(struct model *model, uint64_t counter)
{
	if (!model->n || counter > model->highest)
		model->highest = counter;
	model->all[model->n++] = counter;
}

static uint64_t next_random(uint64_t *seed)
{
	*seed = *seed * 6364136223846793005u + 1442695040888963407u;
	return *seed >> 33;
}

/* About what is near the edges of the window, or anywhere. */
static uint64_t draw(uint64_t *seed, uint64_t highest)
{
	static const int64_t near[] = { 0,     1,     2,    -1,  -1022, -1023,
					-1024, -1025, 63,   64,  65,    -64,
					1023,  1024,  1025, 5000 };
	uint64_t what = next_random(seed) % 40, by;

	if (what < 16)
		return highest + (uint64_t)near[what];
	by = next_random(seed) % 1100;
	return what < 34 ? highest - by : highest + by / 100;
}

static void windows_are_as_one_that_remembers_all(void **state)
{
	static const uint64_t bases[] = { 0, 1500, UINT32_MAX - 700,
					  UINT64_MAX / 2,
					  UINT64_MAX - 2000000 };
	struct model *model = malloc(sizeof(*model));
	struct heph_udp_window window;
	uint64_t seed = 1, counter;
	bool newest;

	for (size_t i = 0; i < sizeof(bases) / sizeof(*bases); i++) {
		memset(&window, 0, sizeof(window));
		model->n = 0;
		counter = bases[i];
		for (int n = 0; n < 6000; n++) {
			if (counter != UINT64_MAX &&
			    counter < UINT64_MAX / 4 * 5) {
				assert_int_equal(heph_udp_window_fresh(&window,
								       counter),
						 model_fresh(model, counter));
			}
			if (model_fresh(model, counter)) {
				newest = !model->n || counter > model->highest;
				model_mark(model, counter);
				assert_int_equal(heph_udp_window_mark(&window,
								      counter),
						 newest);
			}
			do {
				counter = draw(&seed, model->highest);
			} while (
				counter > UINT64_MAX - 5000 ||
				(bases[i] < 10000 && counter > UINT64_MAX / 2));
		}
		assert_true(model->n > 500);
	}
	free(model);
}

/* ---- datagrams --------------------------------------------------------------------------- */

static void what_is_sealed_is_opened_once(void **state)
{
	uint8_t copies[3][ROOM];
	int n[3];
	bool newest;

	for (int i = 0; i < 3; i++) {
		n[i] = seal(&a, i == 1 ? "" : "hello");
		assert_int_equal(n[i], (i == 1 ? 0 : 5) + HEPH_UDP_HEAD +
					       HEPH_UDP_TAG);
		memcpy(copies[i], data, sizeof(data));
	}
	assert_null(memmem(copies[0], (size_t)n[0], "hello", 5));
	assert_int_equal(try_open(&b, copies[2], n[2]), 5);
	memcpy(data, copies[0], sizeof(data));
	assert_int_equal(
		heph_udp_box_open(&b, now, data, (size_t)n[0], &newest), 5);
	assert_false(newest);
	assert_memory_equal(data + HEPH_UDP_HEAD, "hello", 5);
	memcpy(data, copies[1], sizeof(data));
	assert_int_equal(open_it(&b, n[1]), 0);
	for (int i = 0; i < 3; i++)
		assert_int_equal(try_open(&b, copies[i], n[i]), -EALREADY);
	n[0] = seal(&a, "x");
	assert_int_equal(
		heph_udp_box_open(&b, now, data, (size_t)n[0], &newest), 1);
	assert_true(newest);
}

static void each_bit_counts(void **state)
{
	int n = seal(&a, "a text of some length, to be altered");
	int err;

	for (int bit = 0; bit < 8 * n; bit++) {
		data[bit / 8] ^= (uint8_t)(1 << bit % 8);
		err = try_open(&b, data, n);
		if (err != -EBADMSG && err != -EPROTO && err != -EALREADY)
			fail_msg("bit %d: %d", bit, err);
		/* All but the head is seen as forged. */
		if (bit / 8 >= HEPH_UDP_HEAD)
			assert_int_equal(err, -EBADMSG);
		data[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	assert_true(open_it(&b, n) > 0);
}

static void each_length_counts(void **state)
{
	int n = seal(&a, "a text of some length, to be cut");

	for (int size = 0; size < n; size++) {
		int err = try_open(&b, data, size);

		assert_int_equal(err, size < HEPH_UDP_HEAD + HEPH_UDP_TAG ?
					      -EPROTO :
					      -EBADMSG);
	}
	data[n] = 0;
	assert_int_equal(try_open(&b, data, n + 1), -EBADMSG);
	assert_true(open_it(&b, n) > 0);
}

static void what_one_has_sent_is_nothing_to_itself(void **state)
{
	int n = seal(&a, "hello");

	assert_int_equal(try_open(&a, data, n), -EPROTO); /* the id */
	a.near = a.far;
	assert_int_equal(try_open(&a, data, n), -EBADMSG);
}

static void wires_do_not_understand_each_other(void **state)
{
	struct heph_udp_box other;
	int n = seal(&a, "hello");

	heph_udp_box_init(&other, keys[3], keys[2]);
	other.near = 19;
	assert_int_equal(try_open(&other, data, n), -EPROTO);
	other.near = b.near;
	assert_int_equal(try_open(&other, data, n), -EBADMSG);
	assert_int_equal(open_it(&b, n), 5);
}

static void types_cannot_be_exchanged(void **state)
{
	int n = seal(&a, "");

	data[0] = HEPH_UDP_CLOSE;
	assert_int_equal(try_open(&b, data, n), -EBADMSG);
	data[0] = HEPH_UDP_CONFIRM;
	assert_int_equal(try_open(&b, data, n), -EBADMSG);
}

static void what_is_in_clear_is_authenticated(void **state)
{
	int n = heph_udp_box_seal(&a, now, HEPH_UDP_CONFIRM, "cookie", 6, data);

	assert_int_equal(n, HEPH_UDP_HEAD + 6 + HEPH_UDP_TAG);
	assert_memory_equal(data + HEPH_UDP_HEAD, "cookie", 6);
	data[HEPH_UDP_HEAD] ^= 1;
	assert_int_equal(try_open(&b, data, n), -EBADMSG);
	data[HEPH_UDP_HEAD] ^= 1;
	assert_int_equal(open_it(&b, n), 6);
}

/* ---- epochs -------------------------------------------------------------------------------- */

/* After 2^32 datagrams, the one that follows has another key. */
static void counters_do_not_wrap(void **state)
{
	struct heph_udp_head head;
	uint8_t copies[4][ROOM];
	int n[4];

	a.counter = UINT32_MAX - 1;
	for (int i = 0; i < 4; i++) {
		n[i] = seal(&a, "x");
		memcpy(copies[i], data, sizeof(data));
		assert_int_equal(heph_udp_head_read(data, (size_t)n[i], &head),
				 0);
		assert_int_equal(head.epoch, i / 2);
		assert_int_equal(head.counter,
				 i < 2 ? UINT32_MAX - 1 + (uint32_t)i :
					 (uint32_t)i - 2);
	}
	for (int i = 3; i >= 0; i--)
		assert_int_equal(try_open(&b, copies[i], n[i]), 1);
	for (int i = 0; i < 4; i++)
		assert_int_equal(try_open(&b, copies[i], n[i]), -EALREADY);
}

static void keys_change_with_time_and_nothing_is_lost(void **state)
{
	uint8_t copies[6][ROOM], key[32];
	int n[6];

	a.rekey = 10 * HEPH_SEC;
	memcpy(key, a.out.key, 32);
	for (int i = 0; i < 6; i++) {
		n[i] = seal(&a, "x");
		memcpy(copies[i], data, sizeof(data));
		now += 4 * HEPH_SEC; /* 0 4 8 | 12 16 20 */
	}
	assert_int_equal(a.out.epoch, 1);
	assert_memory_not_equal(key, a.out.key, 32);
	now = 1020 * HEPH_SEC;
	assert_int_equal(try_open(&b, copies[1], n[1]), 1);
	assert_int_equal(try_open(&b, copies[4], n[4]), 1);
	assert_int_equal(try_open(&b, copies[0], n[0]), 1); /* overtaken */
	assert_int_equal(try_open(&b, copies[1], n[1]), -EALREADY);
	assert_int_equal(try_open(&b, copies[3], n[3]), 1);
	assert_int_equal(try_open(&b, copies[5], n[5]), 1);
	now += HEPH_UDP_LINGER;
	heph_udp_box_tick(&b, now);
	assert_int_equal(try_open(&b, copies[2], n[2]), -EALREADY);
	assert_true(sodium_is_zero(b.old_key, 32));
	assert_int_equal(b.in.epoch, 1);
}

/* One with the number of another epoch is none of it. */
static void epochs_have_keys_of_their_own(void **state)
{
	int n = seal(&a, "x");

	for (int epoch = 1; epoch < 20; epoch++) {
		data[4] = (uint8_t)epoch;
		assert_int_equal(try_open(&b, data, n), -EBADMSG);
		assert_int_equal(b.in.epoch, 0);
	}
	data[4] = 0;
	assert_int_equal(open_it(&b, n), 1);
}

static void some_epochs_may_be_lost(void **state)
{
	int n;

	a.rekey = 1;
	for (int i = 0; i <= HEPH_UDP_AHEAD; i++, now++)
		n = seal(&a, "x");
	assert_int_equal(a.out.epoch, HEPH_UDP_AHEAD);
	assert_int_equal(open_it(&b, n), 1);
	for (int i = 0; i <= HEPH_UDP_AHEAD; i++, now++)
		n = seal(&a, "x");
	assert_int_equal(try_open(&b, data, n), -EBADMSG);
}

static void each_end_has_epochs_of_its_own(void **state)
{
	int n;

	a.rekey = 1;
	for (int i = 0; i < 100; i++, now++) {
		n = seal(&a, "x");
		assert_int_equal(open_it(&b, n), 1);
		n = seal(&b, "y");
		assert_int_equal(open_it(&a, n), 1);
	}
	assert_int_equal(b.in.epoch, 99);
	assert_int_equal(a.in.epoch, 0);
}

static void there_is_an_end(void **state)
{
	a.out.epoch = UINT32_MAX;
	a.counter = UINT32_MAX;
	assert_true(seal(&a, "x") > 0);
	assert_int_equal(seal(&a, "x"), -EKEYEXPIRED);
	assert_int_equal(seal(&a, "x"), -EKEYEXPIRED);
}

/* ---- plain --------------------------------------------------------------------------------- */

static void plain_ones_are_not_sealed_and_come_once(void **state)
{
	int n;

	a.plain = b.plain = true;
	n = seal(&a, "hello");
	assert_int_equal(n, HEPH_UDP_HEAD + 5);
	assert_memory_equal(data + HEPH_UDP_HEAD, "hello", 5);
	assert_int_equal(open_it(&b, n), 5);
	assert_int_equal(open_it(&b, n), -EALREADY);
	assert_int_equal(open_it(&a, n), -EPROTO);
	for (int size = 0; size < HEPH_UDP_HEAD; size++)
		assert_int_equal(open_it(&b, size), -EPROTO);
}

static void nothing_is_left_of_keys(void **state)
{
	heph_udp_box_fini(&a);
	assert_true(sodium_is_zero((const uint8_t *)&a, sizeof(a)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(windows_are_as_one_that_remembers_all,
				       set_up),
		cmocka_unit_test_setup(what_is_sealed_is_opened_once, set_up),
		cmocka_unit_test_setup(each_bit_counts, set_up),
		cmocka_unit_test_setup(each_length_counts, set_up),
		cmocka_unit_test_setup(what_one_has_sent_is_nothing_to_itself,
				       set_up),
		cmocka_unit_test_setup(wires_do_not_understand_each_other,
				       set_up),
		cmocka_unit_test_setup(types_cannot_be_exchanged, set_up),
		cmocka_unit_test_setup(what_is_in_clear_is_authenticated,
				       set_up),
		cmocka_unit_test_setup(counters_do_not_wrap, set_up),
		cmocka_unit_test_setup(
			keys_change_with_time_and_nothing_is_lost, set_up),
		cmocka_unit_test_setup(epochs_have_keys_of_their_own, set_up),
		cmocka_unit_test_setup(some_epochs_may_be_lost, set_up),
		cmocka_unit_test_setup(each_end_has_epochs_of_its_own, set_up),
		cmocka_unit_test_setup(there_is_an_end, set_up),
		cmocka_unit_test_setup(plain_ones_are_not_sealed_and_come_once,
				       set_up),
		cmocka_unit_test_setup(nothing_is_left_of_keys, set_up),
	};

	return sodium_init() < 0 ? 1 :
				   cmocka_run_group_tests(tests, NULL, NULL);
}
