/* SPDX-License-Identifier: MIT */
/* Handshakes over a network that does what it wants. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "remote/mem.h"
#include "remote/udp_shake.h"

enum { WIRES = 64 };

static struct heph_udp_bakery bakery;
static struct heph_udp_keys *door_keys, *keys;
static struct heph_udp_shake shake;
static struct heph_udp_box near_box;
static struct heph_address here, there;
static heph_time now;
static uint64_t numbers;

/* What the door has. */
static struct heph_udp_box wires[WIRES];
static int n_wires;

static uint8_t init[HEPH_UDP_SHAKE], answer[HEPH_UDP_SHAKE],
	confirm[HEPH_UDP_CONFIRM_SIZE];

static struct heph_udp_keys *keys_of(uint8_t first, const char *name)
{
	struct heph_udp_key key = { .key = { first } };
	struct heph_udp_keys *made;

	strcpy(key.name, name);
	assert_int_equal(heph_udp_keys_new(&key, 1, &made), 0);
	return made;
}

static int set_up(void **state)
{
	memset(&bakery, 0, sizeof(bakery));
	memset(wires, 0, sizeof(wires));
	n_wires = 0;
	now = 1000 * HEPH_SEC;
	door_keys = keys_of(1, "");
	keys = keys_of(1, "");
	assert_int_equal(heph_address_parse(&here, "10.0.0.1:5000"), 0);
	assert_int_equal(heph_address_parse(&there, "10.0.0.2:5000"), 0);
	return 0;
}

static int tear_down(void **state)
{
	heph_udp_keys_unref(door_keys);
	heph_udp_keys_unref(keys);
	return heph_remote_mem_used() == 0 ? 0 : -1;
}

/* ---- both sides -------------------------------------------------------------------------- */

/* Numbers that nobody has had. */
static void draw(uint8_t *ret, size_t size)
{
	numbers++;
	crypto_generichash(ret, size < 16 ? 16 : size, (uint8_t *)&numbers,
			   sizeof(numbers), NULL, 0);
}

static void begin(void)
{
	uint8_t secret[32];
	uint64_t id[2];

	draw(secret, sizeof(secret));
	draw((uint8_t *)id, sizeof(id));
	heph_udp_shake_init(&shake, &keys->secrets[0], id[0], 1000, secret,
			    init);
}

static int answer_init(const uint8_t *data, size_t size,
		       const struct heph_address *from)
{
	struct heph_udp_dice dice;
	uint64_t id[2];

	draw(dice.secret, 32);
	draw(dice.bakery, 32);
	draw((uint8_t *)id, sizeof(id));
	dice.id = id[0];
	return heph_udp_bakery_answer(&bakery, door_keys, 2000, &dice, now,
				      from, data, size, answer);
}

/* What a door does about CONFIRM. Returns 1: again, of a wire that there is. */
static int admit(const uint8_t *data, size_t size,
		 const struct heph_address *from)
{
	uint8_t copy[HEPH_UDP_CONFIRM_SIZE + 1];
	struct heph_udp_grant grant;
	int err;

	memcpy(copy, data, size);
	err = heph_udp_bakery_check(&bakery, now, from, copy, size, &grant);
	if (err < 0)
		return err;
	for (int i = 0; i < n_wires; i++)
		if (wires[i].near == grant.near)
			return 1;
	assert_true(n_wires < WIRES);
	err = heph_udp_bakery_admit(&bakery, now, &grant, copy, size,
				    &wires[n_wires]);
	if (err == 0)
		n_wires++;
	return err;
}

static int accept_answer(void)
{
	return heph_udp_shake_accept(&shake, answer, sizeof(answer), now,
				     &near_box, confirm);
}

/* Both sides have the same keys, and not the same for both directions. */
static void speak(struct heph_udp_box *a, struct heph_udp_box *b)
{
	uint8_t data[100];
	int n = heph_udp_box_seal(a, now, HEPH_UDP_DATA, "hi", 2, data);

	assert_int_equal(heph_udp_box_open(b, now, data, (size_t)n, NULL), 2);
	n = heph_udp_box_seal(b, now, HEPH_UDP_DATA, "ho", 2, data);
	assert_int_equal(heph_udp_box_open(a, now, data, (size_t)n, NULL), 2);
	assert_memory_not_equal(a->out.key, a->in.key, 32);
}

static void good_shake(void)
{
	begin();
	assert_int_equal(answer_init(init, sizeof(init), &here), 0);
	assert_int_equal(accept_answer(), 0);
	assert_int_equal(admit(confirm, sizeof(confirm), &here), 0);
	speak(&near_box, &wires[n_wires - 1]);
}

/* ---- tests --------------------------------------------------------------------------------- */

static void three_datagrams_make_a_wire(void **state)
{
	good_shake();
	good_shake();
	assert_memory_not_equal(wires[0].in.key, wires[1].in.key, 32);
	assert_int_not_equal(wires[0].near, wires[1].near);
}

/* Each of them is lost, doubled, or comes again after others: a number says what
 * becomes of each, two bits for one. */
static void whatever_is_lost_or_doubled_one_wire_comes_of_it(void **state)
{
	uint8_t old_answer[HEPH_UDP_SHAKE];

	for (unsigned what = 0; what < 1 << 6; what++) {
		bool done = false;

		n_wires = 0;
		memset(&bakery, 0, sizeof(bakery));
		begin();
		for (int round = 0; round < 4 && !done; round++) {
			unsigned fate = what >> (2 * round) & 3;
			bool first = true;

			/* INIT: lost, or doubled */
			if (round < 3 && fate == 0)
				continue;
			assert_int_equal(answer_init(init, sizeof(init), &here),
					 0);
			memcpy(old_answer, answer, sizeof(answer));
			if (fate == 1) /* and ACCEPTs in the other order */
				assert_int_equal(answer_init(init, sizeof(init),
							     &here),
						 0);
			if (round < 3 && fate == 2)
				continue; /* ACCEPT is lost */
			assert_int_equal(accept_answer(), 0);
			memcpy(answer, old_answer, sizeof(answer));
			if (fate == 1)
				assert_int_equal(accept_answer(), -EBADMSG);
			for (int again = 0; again < 2; again++) {
				assert_int_equal(admit(confirm, sizeof(confirm),
						       &here),
						 first ? 0 : 1);
				first = false;
			}
			done = true;
		}
		assert_true(done);
		assert_int_equal(n_wires, 1);
		speak(&near_box, &wires[0]);
	}
}

static void a_recorded_init_leads_nowhere(void **state)
{
	good_shake();
	for (int i = 0; i < 50; i++) {
		assert_int_equal(answer_init(init, sizeof(init), &there), 0);
		/* Who has recorded all cannot read the answer ... */
		assert_int_equal(admit(confirm, sizeof(confirm), &there),
				 -EBADMSG);
	}
	assert_int_equal(n_wires, 1);
	/* ... and others are not hindered. */
	good_shake();
}

static void a_cookie_is_good_once(void **state)
{
	uint8_t old[HEPH_UDP_CONFIRM_SIZE];

	good_shake();
	memcpy(old, confirm, sizeof(old));
	assert_int_equal(admit(old, sizeof(old), &here), 1);
	n_wires = 0; /* the wire was closed */
	assert_int_equal(admit(old, sizeof(old), &here), -EALREADY);
	good_shake();
	assert_int_equal(admit(old, sizeof(old), &here), -EALREADY);
}

static void a_cookie_is_good_for_one_address(void **state)
{
	struct heph_address other;

	begin();
	assert_int_equal(answer_init(init, sizeof(init), &here), 0);
	assert_int_equal(accept_answer(), 0);
	assert_int_equal(admit(confirm, sizeof(confirm), &there), -EBADMSG);
	other = here;
	assert_int_equal(heph_address_set_port(&other, 5001), 0);
	assert_int_equal(admit(confirm, sizeof(confirm), &other), -EBADMSG);
	assert_int_equal(heph_address_parse(&other, "[::1]:5000"), 0);
	assert_int_equal(admit(confirm, sizeof(confirm), &other), -EBADMSG);
	assert_int_equal(n_wires, 0);
	assert_int_equal(admit(confirm, sizeof(confirm), &here), 0);
}

static void a_cookie_becomes_stale(void **state)
{
	for (int after = 0; after < 40; after++) {
		begin();
		assert_int_equal(answer_init(init, sizeof(init), &here), 0);
		assert_int_equal(accept_answer(), 0);
		now += after * HEPH_SEC;
		if (after < 10)
			assert_int_equal(admit(confirm, sizeof(confirm), &here),
					 0);
		if (after >= 20)
			assert_int_equal(admit(confirm, sizeof(confirm), &here),
					 -EBADMSG);
		now += 100 * HEPH_SEC;
	}
	assert_false(heph_udp_bakery_tick(&bakery, now));
	assert_true(sodium_is_zero(bakery.keys[0], sizeof(bakery.keys)));
}

/* Keys of cookies are changed meanwhile, and the one before is still good. */
static void cookies_outlive_a_change_of_their_key(void **state)
{
	begin();
	assert_int_equal(answer_init(init, sizeof(init), &here), 0);
	now += HEPH_UDP_BAKE - 1;
	assert_int_equal(answer_init(init, sizeof(init), &here), 0);
	assert_int_equal(accept_answer(), 0);
	now += 2;
	assert_int_equal(answer_init(init, sizeof(init), &there), 0);
	assert_true(bakery.has[1]);
	now += HEPH_UDP_BAKE - 1;
	assert_int_equal(admit(confirm, sizeof(confirm), &here), 0);
}

static void each_bit_of_each_datagram_counts(void **state)
{
	begin();
	for (unsigned bit = 0; bit < 8 * sizeof(init); bit++) {
		init[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_true(answer_init(init, sizeof(init), &here) < 0);
		init[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	assert_int_equal(answer_init(init, sizeof(init), &here), 0);
	for (unsigned bit = 0; bit < 8 * sizeof(answer); bit++) {
		if (bit / 8 >= 1 && bit / 8 < 8 && bit / 8 != 1)
			continue; /* zeros, which are looked at below */
		answer[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_true(accept_answer() < 0);
		answer[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	for (int at = 2; at < 8; at++) {
		answer[at] = 1;
		assert_int_equal(accept_answer(), -EPROTO);
		answer[at] = 0;
	}
	assert_int_equal(accept_answer(), 0);
	for (unsigned bit = 0; bit < 8 * sizeof(confirm); bit++) {
		confirm[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_true(admit(confirm, sizeof(confirm), &here) < 0);
		confirm[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	assert_int_equal(n_wires, 0);
	assert_int_equal(admit(confirm, sizeof(confirm), &here), 0);
}

static void each_length_counts(void **state)
{
	uint64_t id;

	begin();
	for (size_t size = 0; size < sizeof(init); size++)
		assert_int_equal(answer_init(init, size, &here), -EPROTO);
	assert_int_equal(answer_init(init, sizeof(init), &here), 0);
	for (size_t size = 0; size < sizeof(answer); size++)
		assert_int_equal(heph_udp_accept_id(answer, size, &id),
				 -EPROTO);
	assert_int_equal(accept_answer(), 0);
	for (size_t size = 0; size < sizeof(confirm); size++)
		assert_int_equal(admit(confirm, size, &here), -EPROTO);
}

/* What goes back is not longer than what came, each time. */
static void answers_are_not_longer(void **state)
{
	assert_true(sizeof(answer) <= sizeof(init));
	assert_true(HEPH_UDP_HEAD + HEPH_UDP_TAG <= sizeof(confirm));
}

static void other_keys_are_not_answered(void **state)
{
	struct heph_udp_keys *mine = keys;
	struct heph_udp_secret forged;

	keys = keys_of(2, "");
	begin();
	assert_int_equal(answer_init(init, sizeof(init), &here), -ENOKEY);
	/* With the id of a key that is known, and another one. */
	forged = keys->secrets[0];
	forged.id = mine->secrets[0].id;
	heph_udp_shake_init(&shake, &forged, 1, 2, (const uint8_t[32]){ 7 },
			    init);
	assert_int_equal(answer_init(init, sizeof(init), &here), -EBADMSG);
	heph_udp_keys_unref(keys);
	keys = mine;
	good_shake();
}

/* The door has both for a while. */
static void keys_are_exchanged_without_a_gap(void **state)
{
	struct heph_udp_key both[2] = { { .key = { 1 } }, { .key = { 2 } } };
	struct heph_udp_keys *old = door_keys;

	assert_int_equal(heph_udp_keys_new(both, 2, &door_keys), 0);
	heph_udp_keys_unref(old);
	good_shake();
	heph_udp_keys_unref(keys);
	keys = keys_of(2, "");
	good_shake();
	heph_udp_keys_unref(door_keys);
	door_keys = keys_of(2, "");
	good_shake();
	heph_udp_keys_unref(keys);
	keys = keys_of(1, "");
	begin();
	assert_int_equal(answer_init(init, sizeof(init), &here), -ENOKEY);
}

/* With a key of two named nodes nobody is his own peer. */
static void our_own_init_is_refused(void **state)
{
	uint8_t secret[32];

	heph_udp_keys_unref(door_keys);
	heph_udp_keys_unref(keys);
	door_keys = keys_of(1, "other");
	keys = keys_of(1, "other");
	good_shake();
	draw(secret, sizeof(secret));
	heph_udp_shake_init(&shake, &keys->secrets[0], 5, 2000, secret, init);
	assert_int_equal(answer_init(init, sizeof(init), &here), -EBADMSG);
}

static void an_answer_to_somebody_else_is_refused(void **state)
{
	uint8_t other[HEPH_UDP_SHAKE];

	begin();
	assert_int_equal(answer_init(init, sizeof(init), &here), 0);
	memcpy(other, answer, sizeof(other));
	begin();
	assert_int_equal(answer_init(init, sizeof(init), &here), 0);
	memcpy(other + 8, answer + 8, 8);
	assert_int_equal(heph_udp_shake_accept(&shake, other, sizeof(other),
					       now, &near_box, confirm),
			 -EBADMSG);
	assert_int_equal(accept_answer(), 0);
	/* The door's own answers are no INITs. */
	assert_int_equal(answer_init(answer, sizeof(answer), &here), -EPROTO);
}

/* Handshakes cost time: there is a bound. */
static void a_door_is_not_kept_busy(void **state)
{
	begin();
	for (int i = 0; i < HEPH_UDP_BAKES; i++)
		assert_int_equal(answer_init(init, sizeof(init), &here), 0);
	assert_int_equal(answer_init(init, sizeof(init), &here), -EBUSY);
	/* Forged ones do not count. */
	init[100] ^= 1;
	assert_int_equal(answer_init(init, sizeof(init), &here), -EBADMSG);
	now += HEPH_SEC;
	good_shake();
}

static void a_door_that_was_restarted_does_not_know_cookies(void **state)
{
	begin();
	assert_int_equal(answer_init(init, sizeof(init), &here), 0);
	assert_int_equal(accept_answer(), 0);
	memset(&bakery, 0, sizeof(bakery));
	assert_int_equal(admit(confirm, sizeof(confirm), &here), -EBADMSG);
	good_shake();
	memset(&bakery, 0, sizeof(bakery));
	assert_int_equal(answer_init(init, sizeof(init), &here), 0);
	n_wires = 0;
	assert_int_equal(admit(confirm, sizeof(confirm), &here), -EBADMSG);
}

/* ---- keys --------------------------------------------------------------------------------- */

static void lists_of_keys_are_looked_at(void **state)
{
	struct heph_udp_key list[2] = { { .key = { 1 } }, { .key = { 2 } } };
	struct heph_udp_keys *made;

	assert_int_equal(heph_udp_keys_new(list, 0, &made), -EINVAL);
	assert_int_equal(heph_udp_keys_new(list, HEPH_UDP_KEYS_MAX + 1, &made),
			 -EINVAL);
	list[1].key[0] = 0;
	assert_int_equal(heph_udp_keys_new(list, 2, &made), -EINVAL);
	list[1].key[0] = 1;
	assert_int_equal(heph_udp_keys_new(list, 2, &made), -EINVAL);
	list[1].key[0] = 2;
	strcpy(list[1].name, "not a name");
	assert_int_equal(heph_udp_keys_new(list, 2, &made), -EINVAL);
	memset(list[1].name, 'x', sizeof(list[1].name));
	assert_int_equal(heph_udp_keys_new(list, 2, &made), -EINVAL);
	list[1].name[HEPH_NODE_NAME_MAX] = 0;
	heph_remote_mem_fail_after(0);
	assert_int_equal(heph_udp_keys_new(list, 2, &made), -ENOMEM);
	heph_remote_mem_fail_after(-1);
	assert_int_equal(heph_udp_keys_new(list, 2, &made), 0);
	assert_ptr_equal(heph_udp_keys_find(made, made->secrets[1].id),
			 &made->secrets[1]);
	assert_null(heph_udp_keys_find(made, 1));
	heph_udp_keys_unref(heph_udp_keys_ref(made));
	assert_int_equal(made->n, 2);
	heph_udp_keys_unref(made);
	heph_udp_keys_unref(NULL);
}

static void a_text_makes_always_the_same_key(void **state)
{
	struct heph_udp_keys *one, *same, *other;

	assert_int_equal(heph_udp_keys_derive("", &one), -EINVAL);
	assert_int_equal(heph_udp_keys_derive("open sesame", &one), 0);
	assert_int_equal(heph_udp_keys_derive("open sesame", &same), 0);
	assert_int_equal(heph_udp_keys_derive("open sesami", &other), 0);
	assert_memory_equal(one->secrets[0].key, same->secrets[0].key, 32);
	assert_int_equal(one->secrets[0].id, same->secrets[0].id);
	assert_memory_not_equal(one->secrets[0].key, other->secrets[0].key, 32);
	heph_udp_keys_unref(one);
	heph_udp_keys_unref(same);
	heph_udp_keys_unref(other);
	for (int n = 0; n < 2; n++) {
		heph_remote_mem_fail_after(n);
		assert_int_equal(heph_udp_keys_derive("x", &one), -ENOMEM);
	}
	heph_remote_mem_fail_after(-1);
}

#define TEST(name_) cmocka_unit_test_setup_teardown(name_, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(three_datagrams_make_a_wire),
		TEST(whatever_is_lost_or_doubled_one_wire_comes_of_it),
		TEST(a_recorded_init_leads_nowhere),
		TEST(a_cookie_is_good_once),
		TEST(a_cookie_is_good_for_one_address),
		TEST(a_cookie_becomes_stale),
		TEST(cookies_outlive_a_change_of_their_key),
		TEST(each_bit_of_each_datagram_counts),
		TEST(each_length_counts),
		TEST(answers_are_not_longer),
		TEST(other_keys_are_not_answered),
		TEST(keys_are_exchanged_without_a_gap),
		TEST(our_own_init_is_refused),
		TEST(an_answer_to_somebody_else_is_refused),
		TEST(a_door_is_not_kept_busy),
		TEST(a_door_that_was_restarted_does_not_know_cookies),
		TEST(lists_of_keys_are_looked_at),
		TEST(a_text_makes_always_the_same_key),
	};

	return sodium_init() < 0 ? 1 :
				   cmocka_run_group_tests(tests, NULL, NULL);
}
