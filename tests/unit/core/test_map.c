/* SPDX-License-Identifier: MIT */
/* The table of adapters, and what they do when memory is refused. */
#include "core/map.h"

#include "rig.h"

struct coin_msg {
	long value;
};
HEPH_REF(coin, struct coin_msg);

struct large_msg {
	char bytes[1000];
	HEPH_REPLY(long) answer;
};
HEPH_REF(large, struct large_msg);

static int drops_a, drops_b;

static void drop_a(struct coin_msg *msg)
{
	(void)msg;
	drops_a++;
}

static void drop_b(struct coin_msg *msg)
{
	(void)msg;
	drops_b++;
}

static int from_coin(const struct coin_msg *from, struct act_msg *to)
{
	to->n = from->value;
	return from->value < 0 ? -EDOM : 0;
}

static int from_large(const struct large_msg *from, struct act_msg *to)
{
	heph_carry_reply(to->answer, from->answer);
	to->asks = true;
	return 0;
}

static int large_from_large(const struct large_msg *from, struct large_msg *to)
{
	*to = *from;
	return 0;
}

static act_ref open_with_target(void)
{
	act_ref ref;

	drops_a = drops_b = 0;
	rig_open(1);
	ref = rig_spawn(0, idle, NULL);
	rig_step(0);
	return ref;
}

static void close_with(act_ref ref)
{
	heph_stop(ref);
	rig_settle();
	rig_close();
}

static void there_is_no_table_before_the_first_one(void **state)
{
	act_ref ref = open_with_target();
	coin_ref coin, strange = { { .addr = ref.addr } };

	(void)state;
	assert_null(atomic_load(&rig.heph.maps.table));
	strange.addr.id = (7 << 10) + HEPH_MAPS_NUMBER;
	strange.addr.slot = 1;
	assert_int_equal(heph_try_send(strange, { 1 }), -ESRCH);
	heph_post(strange, { 1 });
	assert_false(heph_alive(strange));
	assert_int_equal(heph_map(rig.ctx, &coin, ref, from_coin), 0);
	assert_non_null(atomic_load(&rig.heph.maps.table));
	assert_int_equal(heph_id_thread(coin.addr.id), HEPH_MAPS_NUMBER);
	assert_true(coin.addr.id > ref.addr.id);
	close_with(ref);
}

static void leads_to_its_target(void **state)
{
	act_ref ref = open_with_target();
	struct heph_addr addr;
	coin_ref coin;

	(void)state;
	assert_int_equal(heph_map(rig.ctx, &coin, ref, from_coin), 0);
	addr = heph_addr_resolve(coin.addr);
	assert_int_equal(addr.id, ref.addr.id);
	assert_int_equal(addr.slot, ref.addr.slot);
	addr = heph_addr_resolve(ref.addr);
	assert_int_equal(addr.id, ref.addr.id);
	addr = heph_addr_resolve((struct heph_addr){ 0 });
	assert_int_equal(addr.id, 0);
	assert_int_equal(heph_unmap(rig.ctx, coin), 0);
	addr = heph_addr_resolve(coin.addr);
	assert_int_equal(addr.id, 0);
	close_with(ref);
}

static void names_nobody(void **state)
{
	static const struct {
		uint32_t slot;
		uint16_t node;
	} places[] = {
		{ 0, 0 },   { 2, 0 },          { UINT32_MAX, 0 },
		{ 1, 200 }, { 1, UINT16_MAX },
	};
	act_ref ref = open_with_target();
	coin_ref coin, it;

	(void)state;
	assert_int_equal(heph_map(rig.ctx, &coin, ref, from_coin), 0);
	for (size_t n = 0; n < sizeof(places) / sizeof(*places); n++) {
		it = coin;
		it.addr.slot = places[n].slot;
		it.addr.node = places[n].node;
		assert_false(heph_alive(it));
		assert_int_equal(heph_try_send(it, { 1 }), -ESRCH);
		assert_int_equal(heph_send(rig.ctx, it, { 1 }), -ESRCH);
		heph_post(it, { 1 });
		heph_stop(it);
		assert_int_equal(heph_unmap(rig.ctx, it), -ESRCH);
	}
	assert_true(heph_alive(coin));
	close_with(ref);
}

/* So a message that comes late is dropped by the function of its own adapter. */
static void a_place_stays_with_its_drop_function(void **state)
{
	act_ref ref = open_with_target();
	coin_ref a, b, c;

	(void)state;
	assert_int_equal(heph_map_owning(rig.ctx, &a, ref, from_coin, drop_a),
			 0);
	assert_int_equal(heph_unmap(rig.ctx, a), 0);
	assert_int_equal(heph_map_owning(rig.ctx, &b, ref, from_coin, drop_b),
			 0);
	assert_int_not_equal(b.addr.slot, a.addr.slot);
	assert_int_equal(heph_map(rig.ctx, &c, ref, from_coin), 0);
	assert_int_not_equal(c.addr.slot, a.addr.slot);
	heph_post(a, { 1 });
	assert_int_equal(drops_a, 1);
	heph_post(b, { -1 });
	assert_int_equal(drops_b, 1);
	heph_post(c, { -1 });
	assert_int_equal(heph_map_owning(rig.ctx, &c, ref, from_coin, drop_a),
			 0);
	assert_int_equal(c.addr.slot, a.addr.slot);
	assert_int_equal(drops_a + drops_b, 2);
	close_with(ref);
}

static void there_may_be_too_many(void **state)
{
	act_ref ref = open_with_target();
	coin_ref coin, other;
	uint32_t n;

	(void)state;
	assert_int_equal(heph_map(rig.ctx, &coin, ref, from_coin), 0);
	n = atomic_exchange(&rig.heph.maps.n, HEPH_MAPS_MAX);
	assert_int_equal(heph_map(rig.ctx, &other, ref, from_coin), -EAGAIN);
	assert_int_equal(heph_unmap(rig.ctx, coin), 0);
	assert_int_equal(heph_map(rig.ctx, &other, ref, from_coin), 0);
	assert_int_equal(other.addr.slot, coin.addr.slot);
	atomic_store(&rig.heph.maps.n, n);
	close_with(ref);
}

static void making_one_without_memory(void **state)
{
	act_ref ref;
	coin_ref coin;
	bool refused;
	int err, n = 0;

	(void)state;
	do {
		ref = open_with_target();
		rig_refuse(++n);
		err = heph_map_owning(rig.ctx, &coin, ref, from_coin, drop_a);
		refused = rig_refused();
		assert_int_equal(err, refused ? -ENOMEM : 0);
		if (refused)
			assert_int_equal(
				heph_map(rig.ctx, &coin, ref, from_coin), 0);
		close_with(ref);
	} while (refused);
	assert_true(n >= 3);
}

static int call_it(heph_ctx ctx, act_inbox in, void *arg)
{
	large_ref *large = arg;
	static const struct large_msg msg;
	long answer, n = 0;
	bool refused;
	int err;

	(void)in;
	do {
		rig_refuse(++n);
		err = heph_call(ctx, *large, answer, &answer, msg);
		refused = rig_refused();
		/* What was refused may have been a switch, which tries again. */
		must(err == (refused ? -ENOMEM : 0) ||
		     (HEPH_DEBUG >= 2 && err == 0));
	} while (refused);
	must(n >= 3);
	return 0;
}

static int answer_7(heph_ctx ctx, act_inbox in, void *arg)
{
	struct act_msg msg;

	(void)arg;
	while (heph_recv(ctx, in, &msg) == 0)
		heph_answer(msg.answer, 7);
	return 0;
}

static void sending_large_messages_without_memory(void **state)
{
	large_ref large;
	act_ref ref, caller;

	(void)state;
	rig_open(1);
	ref = rig_spawn(0, answer_7, NULL);
	assert_int_equal(heph_map(rig.ctx, &large, ref, from_large), 0);
	assert_int_equal(heph_map(rig.ctx, &large, large, large_from_large), 0);
	caller = rig_spawn(0, call_it, &large);
	rig_settle();
	assert_false(heph_alive(caller));
	close_with(ref);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(there_is_no_table_before_the_first_one),
		cmocka_unit_test(leads_to_its_target),
		cmocka_unit_test(names_nobody),
		cmocka_unit_test(a_place_stays_with_its_drop_function),
		cmocka_unit_test(there_may_be_too_many),
		cmocka_unit_test(making_one_without_memory),
		cmocka_unit_test(sending_large_messages_without_memory),
	};

	return cmocka_run_group_tests_name("map", tests, NULL, NULL);
}
